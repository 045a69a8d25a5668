# Copyright 2026 The via-iface authors
# Distributed under the terms of the GNU General Public License v2
# shellcheck shell=bash disable=SC2034,SC2154 # variables are portage's

EAPI=8

inherit fcaps linux-info meson tmpfiles udev xdg

DESCRIPTION="Run a program on a network uplink of your choice"
HOMEPAGE="https://via-iface.org/"
SRC_URI="https://via-iface.org/releases/${P}.tar.xz"

LICENSE="GPL-2+"
SLOT="0"
KEYWORDS="~amd64 ~arm ~arm64 ~ppc64 ~riscv ~x86"
IUSE="apparmor +capture +desktop firewalld +man +seccomp systemd test tray"
REQUIRED_USE="tray? ( desktop )"
RESTRICT="!test? ( test )"

DEPEND="
	>=dev-libs/json-c-0.13:=
	dev-libs/inih
	>=net-libs/libmnl-1.0.4:=
	>=net-libs/libnftnl-1.1.9:=
	>=sys-libs/libcap-ng-0.7.9
	capture? ( net-libs/libpcap:= )
	desktop? ( >=dev-libs/glib-2.66:2 )
	seccomp? ( >=sys-libs/libseccomp-2.4 )
	systemd? ( >=sys-apps/systemd-246:= )
	tray? (
		>=gui-libs/gtk-4.8:4
		>=gui-libs/libadwaita-1.2:1
	)
"
RDEPEND="
	${DEPEND}
	acct-group/netdev
	apparmor? ( sec-policy/apparmor-profiles )
"
DEPEND+="
	test? ( >=dev-util/cmocka-1.1.5 )
"
BDEPEND="
	virtual/pkgconfig
	man? ( app-text/scdoc )
	tray? ( sys-devel/gettext )
"

# Has a file capability, and no set-id bit.
FILECAPS=( -m 0755 cap_sys_admin=p usr/libexec/via-iface/via-iface-enter )

CONFIG_CHECK="~BRIDGE ~IP_ADVANCED_ROUTER ~IP_MULTIPLE_TABLES ~NET_CLS_BPF ~NET_NS ~NET_SCH_INGRESS
	~NF_CONNTRACK_ZONES ~NF_TABLES ~NF_TABLES_BRIDGE ~NF_TABLES_INET ~NFT_CONNLIMIT ~NFT_CT ~NFT_LIMIT
	~NFT_MASQ ~VETH"

src_configure() {
	local emesonargs=(
		--libexecdir=libexec
		-Dopenrc=true
		-Dstatic_enter=false
		$(meson_feature capture)
		$(meson_feature desktop)
		$(meson_feature firewalld)
		$(meson_feature man)
		$(meson_feature seccomp)
		$(meson_feature systemd)
		$(meson_feature tray)
		$(meson_use apparmor)
		$(meson_use test tests)
	)
	meson_src_configure
}

pkg_postinst() {
	fcaps_pkg_postinst
	tmpfiles_process via-iface.conf
	udev_reload
	xdg_pkg_postinst
}

# No daemon runs any more, and none will come: what is still there would stay for good.
pkg_prerm() {
	if [[ -z ${REPLACED_BY_VERSION} && -z ${ROOT} ]]; then
		"${EROOT}"/usr/libexec/via-iface/via-ifaced --clear
	fi
}

pkg_postrm() {
	udev_reload
	xdg_pkg_postrm
}
