#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With systemd, NetworkManager and a real Wi-Fi station: a session uses its uplink, in both families,
# whatever happens to NetworkManager and the daemon, and the machine is afterwards as it was before.
. /src/tests/machine/lib.sh
state() { # what must be as before; addresses that renew their lifetime are left out
    ip -d link | grep -vE "^ +(link|RX|TX)|gc_timer"
    ip rule; ip -6 rule; ip route show table all; ip -6 route show table all | sed 's/ expires [0-9]*sec//'
    nft list ruleset
    sysctl -a 2>/dev/null | grep '^net\.' | grep -vE 'nf_conntrack_count|net\.bridge|stable_secret|neigh\..*\.(locktime|.*gc)|netdev_rss|cubictcp'
}
nft --version
wired=$(address enp7s0) wifi=$(address wlp6s0)
echo "wired $wired, wifi $wifi"
state >/tmp/before
same "a plain program leaves by the wire" "$(curl -s -m 30 http://$SERVER/whoami)" "$wired"
same "through via-iface it leaves by the Wi-Fi" "$(via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$wifi"
same "plain beside it" "$(curl -s -m 30 http://$SERVER/whoami)" "$wired"
via-iface wlp6s0 -- sh -c "curl -sg -m 30 'http://[$SERVER6]/whoami'" >/tmp/six
addresses6 wlp6s0 | grep -qxF "$(cat /tmp/six)" && ok "IPv6 by the Wi-Fi: $(cat /tmp/six)" || bad "IPv6 by the Wi-Fi" "$(cat /tmp/six)" "$(addresses6 wlp6s0 | tr '\n' ' ')"
same "ping" "$(via-iface wlp6s0 -- ping -n -c 3 -i 0.2 -W 3 $SERVER | grep -o '[0-9] received')" "3 received"
for filter in 1 2; do
    for dev in all default wlp6s0 enp7s0; do sysctl -qw net.ipv4.conf.$dev.rp_filter=$filter; done
    same "rp_filter=$filter" "$(via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$wifi"
done
for dev in all default wlp6s0 enp7s0; do sysctl -qw net.ipv4.conf.$dev.rp_filter=0; done
daemon_leaves "the daemon is gone"
state >/tmp/after
diff /tmp/before /tmp/after >/tmp/diff && ok "all is as before" || { bad "all is as before" "$(grep -c . /tmp/diff) lines" 0; head -20 /tmp/diff; }
via-iface wlp6s0 -- sleep 600 & held=$!
until_ok 5 sh -c "via-iface list | grep -q sleep"
same "the host keeps its IPv6 default route" "$(ip -6 route show default dev enp7s0 | grep -c .)" "$(grep -c '^default.*dev enp7s0' <(ip -6 route show table main))"
ip -6 route show default dev enp7s0 | grep -q . && ok "and still has one by the wire" || bad "IPv6 default by the wire" none one
grep -h . /proc/sys/net/ipv6/conf/all/forwarding /run/via-iface/sysctl/net:ipv6:conf:all:forwarding 2>/dev/null | tr '\n' ' '; echo "(IPv6 forwarding now, and before)"
inside() { nsenter --net=/proc/$held/ns/net curl -s -m 8 http://$SERVER/whoami; }
works() { local at; at=$(address wlp6s0); [ -n "$at" ] && [ "$(inside)" = "$at" ]; }
works && ok "the held session works" || bad "the held session" "$(inside)" "$wifi"
ip netns exec rwired tcpdump -lni rtw0 "net 10.209.0.0/22 or (src host $wifi)" >/tmp/leaks 2>/dev/null & dump=$!
recovers() { # NAME SECONDS
    local start=$EPOCHREALTIME
    if until_ok "$2" works; then ok "$1: works again after $(since $start) s"; else bad "$1" "$(inside)" "$(address wlp6s0)"; fi
}
# NetworkManager asks no second time when an association was too slow for it, as it can be here.
has_lease() { [ -n "$(address wlp6s0)" ]; }
systemctl restart NetworkManager; until_ok 20 has_lease || nmcli -w 60 con up wifi; recovers "NetworkManager restarted" 60
nmcli networking off; sleep 1; nmcli networking on; recovers "networking off and on" 90
nmcli -w 60 con up wifi >/dev/null; nmcli dev disconnect wlp6s0 >/dev/null; inside >/dev/null; nmcli -w 60 con up wifi >/dev/null; recovers "Wi-Fi disconnected and connected" 60
nft flush ruleset; recovers "ruleset flushed" 5
pkill -KILL -x via-ifaced -o; pkill -KILL -x via-ifaced; recovers "daemon and supervisor killed" 5
kill $dump; wait $dump 2>/dev/null
same "packets of the session on the wire" "$(grep -c . /tmp/leaks)" 0; head -3 /tmp/leaks
via-iface wlp6s0 -- true
kill $held; wait $held 2>/dev/null
daemon_leaves "the daemon is gone in the end"
# NetworkManager has set up its links anew in between, so only what is ours is looked for
same "nothing of ours is left" "$(leftovers)" ""
same "forwarding is off again" "$(sysctl -n net.ipv6.conf.all.forwarding net.ipv4.conf.wlp6s0.forwarding | tr '\n' ' ')" "0 0 "
same "NetworkManager's accept_ra stands" "$(sysctl -n net.ipv6.conf.wlp6s0.accept_ra)" 0
finish
