# shellcheck shell=bash
# Sourced by tools/test and tools/demo: the Debian packages that they need, and how they build.
# As root the missing ones are installed; as a plain user they are named, and that is the end.

# What a plain build and the lab's network need.
via_packages=(
	meson ninja-build pkg-config gcc libc6-dev
	libmnl-dev libnftnl-dev libcap-ng-dev libinih-dev libjson-c-dev
	iproute2 nftables python3 curl
)

# All else is for the tests; tools/test asks for it. Programs with windows are the tests' alone.
if [ -n "${via_for_tests-}" ]; then
	via_packages+=(
		clang clang-tidy clang-format libclang-rt-14-dev
		libseccomp-dev libsystemd-dev libpcap-dev libcmocka-dev scdoc
		iptables conntrack iputils-ping tcpdump tshark strace procps
		dnsutils ethtool git dbus-daemon dbus-bin polkitd libcap2-bin python3-dbus python3-gi
		bubblewrap crun sudo uidmap tmux desktop-file-utils libglib2.0-dev libglib2.0-bin appstream
		librsvg2-bin gettext libgtk-4-dev libadwaita-1-dev
		xvfb x11-utils xterm zenity weston chromium dbus xdg-dbus-proxy pulseaudio-utils libgtk-3-bin at-spi2-core gir1.2-atspi-2.0
		bash-completion zsh fish
		rpm rpmlint makepkg pacman-package-manager libarchive-tools fakeroot bzip2 selinux-policy-dev shellcheck musl-tools nix-bin libxml2-utils apparmor
		xfce4-panel xfwm4 xfconf xdotool adwaita-icon-theme librsvg2-common
	)
fi

# tests/machine/suites makes root file systems, and builds in them; arch-test says whether those of
# another architecture run here.
[ -z "${via_for_suites-}" ] || via_packages=(mmdebstrap debian-archive-keyring git arch-test)

# A package that another one provides (dnsutils by bind9-dnsutils) counts as there.
via_missing_packages() {
	dpkg-query -W -f '${db:Status-Abbrev}|${Package}, ${Provides}\n' | awk -v wanted="$*" '
		/^ii/ {
			sub(/^[^|]*\|/, "")
			count = split($0, names, ", *")
			for (i = 1; i <= count; i++) { sub(/ .*/, "", names[i]); there[names[i]] = 1 }
		}
		END {
			count = split(wanted, names, " ")
			for (i = 1; i <= count; i++) if (!(names[i] in there)) print names[i]
		}'
}

via_setup() {
	local missing log
	if ! command -v dpkg-query >/dev/null; then
		echo "setup: not a Debian system; what is needed: ${via_packages[*]}" >&2
		return 0
	fi
	missing=$(via_missing_packages "${via_packages[@]}" | tr '\n' ' ' | sed 's/ $//')
	[ -n "$missing" ] || return 0
	if [ "$(id -u)" -ne 0 ]; then
		echo "setup: these packages are missing: $missing" >&2
		echo "setup: install them with: sudo apt-get install --no-install-recommends $missing" >&2
		return 1
	fi
	echo "setup: installing $missing" >&2
	log=$(mktemp)
	# shellcheck disable=SC2086 # a list of words
	if ! { DEBIAN_FRONTEND=noninteractive apt-get update -q &&
		DEBIAN_FRONTEND=noninteractive \
			apt-get install -qy --no-install-recommends $missing; } >"$log" 2>&1 </dev/null; then
		tail -n 20 "$log" >&2
		rm -f "$log"
		echo "setup: apt-get could not install: $missing" >&2
		return 1
	fi
	rm -f "$log"
}

# via_log COMMAND…: runs it; of what it says only warnings are shown, or all when it failed.
via_log() {
	local log
	log=$(mktemp)
	if "$@" >"$log" 2>&1; then
		grep -E 'warning:' "$log" >&2 || true
		rm -f "$log"
		return 0
	fi
	grep -vE '^\[[0-9]+/[0-9]+\]' "$log" | tail -n 80 >&2
	rm -f "$log"
	return 1
}

# via_configure DIR [MESON-OPTION…]: configures the directory when it is new.
via_configure() {
	local dir=$1
	shift
	[ -f "$dir/build.ninja" ] || via_log meson setup "$dir" "$via_root" "$@" || {
		echo "build: $dir could not be configured" >&2
		return 1
	}
}

# via_build DIR [MESON-OPTION…]: that, and compiles.
via_build() {
	via_configure "$@" || return 1
	via_log ninja -C "$1" || {
		echo "build: $1 could not be built" >&2
		return 1
	}
}

via_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin
via_setup || exit 1
