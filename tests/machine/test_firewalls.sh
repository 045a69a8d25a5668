#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Beside Docker, ufw and firewalld as their packages set them up, a session gets its answers through
# the Wi-Fi, and they keep their rules. Arguments: which of the three (all).
. /src/tests/machine/lib.sh
wifi=$(address wlp6s0)
by_wifi6() { ip -6 -o addr show dev wlp6s0 scope global | grep -qF " $(cat "$1")/"; }
# All rules but ours and what packets count; our accepts are marked by their comment.
theirs() { nft list ruleset 2>/dev/null | sed 's/packets [0-9]* bytes [0-9]*//' |
    awk '/^table/ { own = $3 == "via_iface" } !own'; }
inside() { nsenter --net=/proc/$held/ns/net curl -s -m 8 http://$SERVER/whoami; }
works() { [ "$(inside)" = "$wifi" ]; }
recovers() { # NAME: asked anew until there is an answer, each time for 2 s at most
    local start=$EPOCHREALTIME
    if until_ok 10 works; then ok "$1: works after $(since $start) s"; else bad "$1" "$(inside)" "$wifi"; fi
}
beside() { # NAME RELOAD-COMMAND
    local name=$1 reload=$2
    theirs >/tmp/before
    same "beside $name: none of ours before" "$(grep -c 'comment "via-iface"' /tmp/before)" 0
    same "beside $name: IPv4" "$(via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$wifi"
    via-iface wlp6s0 -- curl -sg -m 30 "http://[$SERVER6]/whoami" >/tmp/six
    if [ -s /tmp/six ] && by_wifi6 /tmp/six; then ok "beside $name: IPv6"; else bad "beside $name: IPv6" "$(cat /tmp/six)" "an address of wlp6s0"; fi
    same "beside $name: a plain program" "$(curl -s -m 30 http://$SERVER/whoami)" "$(address enp7s0)"
    daemon_leaves "beside $name: the daemon is gone"
    theirs >/tmp/after
    if diff /tmp/before /tmp/after >/tmp/diff; then ok "beside $name: its rules are as before"; else bad "beside $name: its rules" "$(head -5 /tmp/diff)" ""; fi
    via-iface wlp6s0 -- sleep 600 & held=$!
    until_ok 5 sh -c "via-iface list | grep -q sleep"
    theirs | grep 'comment "via-iface"'
    $reload >/dev/null 2>&1
    recovers "$name reloaded"
    theirs >/tmp/during
    if iptables-save 2>&1 | grep -q incompatible; then bad "beside $name: iptables-save" incompatible ""; else ok "beside $name: iptables-save reads its tables"; fi
    kill $held; wait $held 2>/dev/null
    until_ok 10 gone
    same "beside $name: nothing of ours is left" "$(nft list ruleset 2>/dev/null | grep -cE 'comment "via-iface"|via_iface'; iptables-save | grep -c via-iface)" "0
0"
}
with_docker() {
    systemctl start docker
    same "Docker drops what it does not know" "$(iptables -S FORWARD | head -1)" "-P FORWARD DROP"
    beside Docker "systemctl restart docker"
    systemctl stop docker docker.socket containerd
    iptables -P FORWARD ACCEPT; nft flush ruleset; ip link del docker0
}
with_ufw() {
    ufw --force enable >/dev/null
    same "ufw drops what it does not know" "$(iptables -S FORWARD | head -1)" "-P FORWARD DROP"
    beside ufw "ufw reload"
    ufw disable >/dev/null; nft flush ruleset
}
with_firewalld() {
    install -m644 /src/policies/firewalld/zones/via-iface.xml /usr/lib/firewalld/zones/
    install -m644 /src/policies/firewalld/policies/via-iface-out.xml /usr/lib/firewalld/policies/
    systemctl start firewalld
    until_ok 20 firewall-cmd --state
    same "firewalld has our zone" "$(firewall-cmd --get-zone-of-interface=via0)" via-iface
    beside firewalld "firewall-cmd --reload"
    # from version 2 on its table is its own: there the files alone must do
    via-iface wlp6s0 -- sleep 600 & held=$!
    until_ok 5 sh -c "via-iface list | grep -q sleep"
    pkill -STOP -x via-ifaced
    nft -a list chain inet firewalld filter_FORWARD | sed -n 's/.*comment "via-iface" # handle //p' |
        while read -r handle; do nft delete rule inet firewalld filter_FORWARD handle "$handle"; done
    same "firewalld by its zone and policy alone: accepts" "$(nft list ruleset | grep -c 'comment "via-iface"')" 0
    same "firewalld by its zone and policy alone" "$(inside)" "$wifi"
    firewall-cmd --zone=block --change-interface=via0 >/dev/null
    same "firewalld with the bridge in another zone" "$(inside)" ""
    pkill -CONT -x via-ifaced
    kill $held; wait $held 2>/dev/null
    systemctl stop firewalld
}
[ $# -gt 0 ] || set -- docker ufw firewalld
for part; do "with_$part"; done
finish
