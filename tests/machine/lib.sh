# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Common to tests/machine/test_*.sh, which read it first and end with `finish`. They run as root in
# the emulated machine that tests/machine/vm makes, with this tree in /src, the programs built for
# it in /src/build/src, and the network of tests/machine/lab.sh up: enp7s0 (wire), wlp6s0 (a Wi-Fi
# station of the mac80211 simulation), a router and a name server for each in the namespaces rwired
# and rwifi, and behind both a server that answers /whoami and datagrams to port 7777 with the
# client's address. What they put in $ARTIFACTS is kept.
set -u
SERVER=203.0.113.80 SERVER6=2001:db8:ff::80
PATH=/src/build/src:$PATH
passed=0 failed=0
ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() { failed=$((failed + 1)); echo "not ok - $1: got '$2', wanted '$3'"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "$2" "$3"; fi; } # NAME GOT WANTED
holds() { local what=$1; shift; if "$@" >/dev/null 2>&1; then ok "$what"; else bad "$what" "exit $?" 0; fi; }
has() { case $2 in *"$3"*) ok "$1" ;; *) bad "$1" "$2" "…$3…" ;; esac; }
finish() { echo "$passed passed, $failed failed in $SECONDS s"; [ $failed = 0 ]; }

address() { ip -4 -o addr show dev "$1" scope global | awk '{ sub("/.*", "", $4); print $4; exit }'; }
addresses6() { ip -6 -o addr show dev "$1" scope global | awk '{ sub("/.*", "", $4); print $4 }' | sort; }
first() { awk '{ print $1; exit }'; }
# Beside other work an emulated machine may get a tenth of a processor: every bound is this much wider.
PATIENCE=5
# until_ok SECONDS COMMAND: bounded, for what has no event to wait for in a shell
until_ok() { local end=$((SECONDS + $1 * PATIENCE)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.1; done; }
since() { awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $1 }"; } # a time in EPOCHREALTIME's form: seconds

# netns_drop_in UNIT NAME: the drop-in of via-iface-services(7), which test_services_manual.sh types
netns_drop_in() {
    mkdir -p "/etc/systemd/system/$1.d"
    cat >"/etc/systemd/system/$1.d/netns.conf" <<E
[Unit]
BindsTo=via-iface-netns@$2.service
After=via-iface-netns@$2.service
[Service]
NetworkNamespacePath=/run/netns/$2
BindReadOnlyPaths=/etc/netns/$2/resolv.conf:/etc/resolv.conf
BindReadOnlyPaths=-/etc/netns/$2/nsswitch.conf:/etc/nsswitch.conf
InaccessiblePaths=-/run/nscd -/run/systemd/resolve/io.systemd.Resolve -/run/avahi-daemon
E
}

gone() { ! pgrep -x via-ifaced >/dev/null && ! ip link show via0 >/dev/null 2>&1; }
daemon_leaves() { # NAME [SECONDS]
    if until_ok "${2:-20}" gone; then ok "$1"; else bad "$1" "$(pgrep -a via-ifaced; via-iface list; ip -br link show via0 2>/dev/null)" ""; fi
}
leftovers() { ip link show via0 2>/dev/null; ip rule | grep -E '518[0-2]:'; ip -6 rule | grep -E '518[0-2]:'; nft list tables | grep via_iface; ls /run/via-iface/sysctl 2>/dev/null; }

modprobe -a nf_conntrack nf_tables nft_ct nft_masq # each brings sysctls that then stay
uname -r
