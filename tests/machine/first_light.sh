#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# On an emulated Debian 12 machine with systemd, NetworkManager and a real Wi-Fi station (mac80211
# simulation): what namespaces cannot show. Run by hand, as root in that machine, with the
# programs of a build in /src/build/src. Expects wlp6s0 (Wi-Fi) and enp7s0 (wire) up, and a server
# at $SERVER that answers /whoami with the client's address.
set -u
SERVER=${SERVER:-203.0.113.80} SERVER6=${SERVER6:-2001:db8:ff::80}
PATH=/src/build/src:$PATH
# libraries that the machine lacks; the daemon is started without this shell's environment
for library in /src/build/lib/*; do [ ! -e "$library" ] || install -m 644 "$library" /usr/local/lib/; done
ldconfig
passed=0 failed=0
ok() { passed=$((passed + 1)); echo "ok - $1"; }
bad() { failed=$((failed + 1)); echo "not ok - $1: got '$2', wanted '$3'"; }
same() { if [ "$2" = "$3" ]; then ok "$1"; else bad "$1" "$2" "$3"; fi; }
address() { ip -4 -o addr show dev "$1" | awk '{ sub("/.*", "", $4); print $4; exit }'; }
address6() { ip -6 -o addr show dev "$1" scope global | awk '{ sub("/.*", "", $4); print $4 }' | sort; }
# until SECONDS COMMAND: bounded, for what has no event to wait for in a shell
until_ok() { local n=$(($1 * 10)); shift; while ! "$@" >/dev/null 2>&1; do n=$((n - 1)); [ $n -gt 0 ] || return 1; sleep 0.1; done; }
gone() { ! pgrep -x via-ifaced >/dev/null && ! ip link show via0 >/dev/null 2>&1; }
state() { # what must be as before; addresses that renew their lifetime are left out
    ip -d link | grep -vE "^ +(link|RX|TX)|gc_timer"
    ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | sed 's/ expires [0-9]*sec//'
    nft list ruleset
    sysctl -a 2>/dev/null | grep '^net\.' | grep -vE 'nf_conntrack_count|net\.bridge|stable_secret|neigh\..*\.(locktime|.*gc)|netdev_rss|cubictcp'
}
uname -r; nft --version
wired=$(address enp7s0) wifi=$(address wlp6s0)
echo "wired $wired, wifi $wifi"
modprobe -a nf_conntrack nf_tables nft_ct nft_masq # each brings sysctls that then stay
state >/tmp/before
same "a plain program leaves by the wire" "$(curl -s -m 10 http://$SERVER/whoami)" "$wired"
same "through via-iface it leaves by the Wi-Fi" "$(via-iface wlp6s0 -- curl -s -m 10 http://$SERVER/whoami)" "$wifi"
same "plain beside it" "$(curl -s -m 10 http://$SERVER/whoami)" "$wired"
via-iface wlp6s0 -- sh -c "curl -sg -m 10 'http://[$SERVER6]/whoami'" >/tmp/six
address6 wlp6s0 | grep -qxF "$(cat /tmp/six)" && ok "IPv6 by the Wi-Fi: $(cat /tmp/six)" || bad "IPv6 by the Wi-Fi" "$(cat /tmp/six)" "$(address6 wlp6s0 | tr '\n' ' ')"
same "ping" "$(via-iface wlp6s0 -- ping -n -c 3 -i 0.2 -W 3 $SERVER | grep -o '[0-9] received')" "3 received"
for filter in 1 2; do
    for dev in all default wlp6s0 enp7s0; do sysctl -qw net.ipv4.conf.$dev.rp_filter=$filter; done
    same "rp_filter=$filter" "$(via-iface wlp6s0 -- curl -s -m 10 http://$SERVER/whoami)" "$wifi"
done
for dev in all default wlp6s0 enp7s0; do sysctl -qw net.ipv4.conf.$dev.rp_filter=0; done
until_ok 10 gone && ok "the daemon is gone" || bad "the daemon is gone" "$(pgrep -a via-ifaced)" ""
state >/tmp/after
diff /tmp/before /tmp/after >/tmp/diff && ok "all is as before" || { bad "all is as before" "$(grep -c . /tmp/diff) lines" 0; head -20 /tmp/diff; }
via-iface wlp6s0 -- sleep 600 & held=$!
until_ok 5 sh -c "via-iface list | grep -q sleep"
same "the host keeps its IPv6 default route" "$(ip -6 route show default dev enp7s0 | grep -c .)" "$(grep -c '^default.*dev enp7s0' <(ip -6 route show table main))"
ip -6 route show default dev enp7s0 | grep -q . && ok "and still has one by the wire" || bad "IPv6 default by the wire" none one
grep -h . /proc/sys/net/ipv6/conf/all/forwarding /run/via-iface/sysctl/net:ipv6:conf:all:forwarding 2>/dev/null | tr '\n' ' '; echo "(IPv6 forwarding now, and before)"
inside() { nsenter --net=/proc/$held/ns/net curl -s -m 3 http://$SERVER/whoami; }
works() { local at; at=$(address wlp6s0); [ -n "$at" ] && [ "$(inside)" = "$at" ]; }
works && ok "the held session works" || bad "the held session" "$(inside)" "$wifi"
ip netns exec rwired tcpdump -lni rtw0 "net 10.209.0.0/22 or (src host $wifi)" >/tmp/leaks 2>/dev/null & dump=$!
recovers() { # NAME SECONDS
    local start=$EPOCHREALTIME
    if until_ok "$2" works; then ok "$1: works again after $(awk "BEGIN { printf \"%.1f\", $EPOCHREALTIME - $start }") s"; else bad "$1" "$(inside)" "$(address wlp6s0)"; fi
}
systemctl restart NetworkManager; recovers "NetworkManager restarted" 60
nmcli networking off; sleep 1; nmcli networking on; recovers "networking off and on" 90
nmcli -w 60 con up wifi >/dev/null; nmcli dev disconnect wlp6s0 >/dev/null; inside >/dev/null; nmcli -w 60 con up wifi >/dev/null; recovers "Wi-Fi disconnected and connected" 60
nft flush ruleset; recovers "ruleset flushed" 5
pkill -KILL -x via-ifaced -o; pkill -KILL -x via-ifaced; recovers "daemon and supervisor killed" 5
kill $dump; wait $dump 2>/dev/null
same "packets of the session on the wire" "$(grep -c . /tmp/leaks)" 0; head -3 /tmp/leaks
via-iface wlp6s0 -- true
kill $held; wait $held 2>/dev/null
until_ok 10 gone && ok "the daemon is gone in the end" || bad "the daemon is gone in the end" "$(pgrep -a via-ifaced)" ""
# NetworkManager has set up its links anew in between, so only what is ours is looked for
same "nothing of ours is left" "$(ip link show via0 2>/dev/null; ip rule | grep -E '518[0-2]:'; nft list tables | grep via_iface; ls /run/via-iface/sysctl 2>/dev/null)" ""
same "forwarding is off again" "$(sysctl -n net.ipv6.conf.all.forwarding net.ipv4.conf.wlp6s0.forwarding | tr '\n' ' ')" "0 0 "
same "NetworkManager's accept_ra stands" "$(sysctl -n net.ipv6.conf.wlp6s0.accept_ra)" 0
echo "$passed passed, $failed failed"
[ $failed = 0 ]
