#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Kinds of uplink that not every kernel has: VRF, WireGuard (by hand, by wg-quick, Table = off),
# dummy, 464XLAT, ipvlan, bond and team, beside a real Wi-Fi station. The judge is the host: a
# program that is bound to the uplink (curl --interface). A session must have the same source, in
# each family that the uplink has, and UDP, ping and names must answer it; counters at the router of
# the wire see no packet of it. Arguments: which kinds (all).
. /src/tests/machine/lib.sh
FAR=2001:db8:64 # where the NAT64 puts the internet of IPv4
W=/run/kinds WG=/etc/wireguard # elsewhere AppArmor may let wg(8) read nothing
mkdir -p $W /run/NetworkManager/conf.d
printf '[keyfile]\nunmanaged-devices+=interface-name:card0;interface-name:kind*;interface-name:wg*;interface-name:clat\n' >/run/NetworkManager/conf.d/kinds.conf
nmcli general reload

# --- the leak counters

# What reaches the router of the wire and is a session's: for the server, or from the pool.
ip netns exec rwired nft -f - <<EOF
table inet leaks {
    counter of_sessions { }
    chain seen {
        type filter hook prerouting priority -400
        iifname "rtw0" ip daddr $SERVER counter name of_sessions
        iifname "rtw0" ip6 daddr $SERVER6 counter name of_sessions
        iifname "rtw0" ip saddr 10.209.0.0/16 counter name of_sessions
        iifname "rtw0" ip6 saddr fc00::/7 counter name of_sessions
    }
}
EOF
on_wire() { echo $(($(ip netns exec rwired nft list counter inet leaks of_sessions | sed -n 's/.*packets \([0-9]*\) .*/\1/p') + $(grep -c session-asks /run/lab/dns-wired.log))); }
ip netns exec rwired tcpdump -i rtw0 -n -U -w "$ARTIFACTS/wire.pcap" "dst host $SERVER or dst host $SERVER6 or src net 10.209.0.0/16 or src net fc00::/7" >/dev/null 2>&1 & wire=$!
until_ok 10 test -s "$ARTIFACTS/wire.pcap"
curl -s -m 30 http://$SERVER/whoami >/dev/null
[ "$(on_wire)" -gt 0 ] && ok "the counter counts what leaves by the wire" || bad "the counter of the wire" "$(on_wire)" "more than 0"

# --- one uplink

by_host() { curl -g -s -m 30 --interface "$1" "http://$2/whoami"; }
inside() { via-iface exec kinds -- "$@"; }
in_url() { case $1 in *:*) echo "[$1]" ;; *) echo "$1" ;; esac; }
# By the way: the session's own address to a server, as that server sees it.
by_session() { inside curl -g -s -m 30 "http://$2/whoami"; }
answers() { # UPLINK SERVER: the session has the host's own source
    local host; host=$(by_host "$1" "$(in_url "$2")")
    [ -n "$host" ] && [ "$(by_session "$1" "$(in_url "$2")")" = "$host" ]
}
explain() { # NAME UPLINK: what there is, for who reads the results
    { via-iface status kinds; via-iface doctor "$2"; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all; nft list ruleset; } >"$ARTIFACTS/$1" 2>&1
}
reaches() { # NAME UPLINK SERVER
    local host session
    host=$(by_host "$2" "$(in_url "$3")") session=$(by_session "$2" "$(in_url "$3")")
    [ -n "$host" ] || { bad "$1: the host itself, bound to $2" none "an answer of $3"; return; }
    same "$1: TCP to $3 as the host" "$session" "$host"
    [ "$session" = "$host" ] || explain "$1" "$2"
    same "$1: UDP to $3" "$(inside sh -c "echo x | timeout 8 nc -u -W 1 $3 7777")" "$host"
    same "$1: ping $3" "$(inside ping -n -c 2 -i 0.2 -W 4 "$3" | grep -o '[0-9] received')" "2 received"
}
held=
begin() { # NAME UPLINK [OPTION...]: a session that stays; the counters of before
    local name=$1 uplink=$2 try; shift 2
    before=$(on_wire)
    for try in 1 2 3; do
        via-iface --name kinds "$@" "$uplink" -- sleep 3600 2>$W/said & held=$!
        # for want of a processor resolved may answer later than a launch waits for it
        until_ok 60 sh -c "via-iface list | grep -q kinds || ! kill -0 $held"
        via-iface list | grep -q kinds && return
        echo "# launch $try: $(cat $W/said)"
    done
    bad "$name: a session" "$(cat $W/said)" one; via-iface uplinks
}
none_on_wire() {
    local n=$(($(on_wire) - before))
    same "$1: packets on the wire" $n 0
    [ $n = 0 ] || { tcpdump -n -r "$ARTIFACTS/wire.pcap" 2>/dev/null | tail -n $n; grep session-asks /run/lab/dns-wired.log | tail -n $n; } | sed 's/^/# seen there: /'
    same "$1: packets of the pool anywhere" "$(tail -n +$((seen + 1)) /run/lab/whoami.log | grep -cE ' 10\.209\.| fd| 2001:2:')" "${2:-0}"
}
end() { # NAME
    kill $held 2>/dev/null; wait $held 2>/dev/null; held=
    none_on_wire "$1"
    daemon_leaves "$1: the daemon is gone"
    same "$1: nothing of ours is left" "$(leftovers)" ""
}
seen=$(grep -c . /run/lab/whoami.log)
asks() { inside env RES_OPTIONS="timeout:1 attempts:1" getent ahostsv4 session-asks.test >/dev/null; }
name_is() { same "$1: uplink.test" "$(inside getent ahostsv4 uplink.test | first)" "$2"; asks; }
blocked() { # NAME UPLINK
    same "$1: no answer" "$(inside curl -s -m 8 http://$SERVER/whoami)" ""
    asks
}
recovers() { # NAME UPLINK
    local start=$EPOCHREALTIME
    if until_ok 30 answers "$2" $SERVER; then ok "$1: works again after $(since $start) s"; else bad "$1" "$(by_session "$2" $SERVER)" "$(by_host "$2" $SERVER)"; via-iface status kinds; fi
}
refused() { # NAME UPLINK TEXT
    local said code
    said=$(via-iface "$2" -- true 2>&1); code=$?
    same "$1: refused" $code 125
    has "$1: says why" "$said" "$3"
    daemon_leaves "$1: no daemon stays"
}

# A second card without a network manager: card0, to a router of its own in rwifi.
card_up() {
    ip link add card0 type veth peer name lan2 netns rwifi
    ip -n rwifi addr add 192.168.62.1/24 dev lan2; ip -n rwifi addr add 2001:db8:62::1/64 dev lan2 nodad; ip -n rwifi link set lan2 up
    ip -n inet route replace 192.168.62.0/24 via 198.51.100.26; ip -n inet route replace 2001:db8:62::/64 via 2001:db8:fe6::2
    sysctl -qw net.ipv6.conf.card0.accept_ra=0 net.ipv6.conf.card0.autoconf=0
    ip link set card0 up
}
card_down() { ip link del card0 2>/dev/null; }
serves() { # DEVICE: addresses and default routes behind those of the wire
    sysctl -qw "net/ipv6/conf/$1/accept_ra=0" # its name may have a dot
    ip addr add 192.168.62.20/24 dev "$1"; ip addr add 2001:db8:62::20/64 dev "$1" nodad; ip link set "$1" up
    until_ok 10 sh -c "ip link show $1 | grep -q LOWER_UP"
    ip route add default via 192.168.62.1 dev "$1" metric 900; ip -6 route add default via 2001:db8:62::1 dev "$1" metric 900
}
simple() { # NAME DEVICE: up already; works, follows a link that goes down and comes back
    begin "$1" "$2"
    reaches "$1" "$2" $SERVER; reaches "$1" "$2" $SERVER6
    ip link set "$2" down; blocked "$1, down" "$2"
    ip link set "$2" up; ip -6 addr replace 2001:db8:62::20/64 dev "$2" nodad
    ip route replace default via 192.168.62.1 dev "$2" metric 900; ip -6 route replace default via 2001:db8:62::1 dev "$2" metric 900
    recovers "$1, up again" "$2"; reaches "$1, up again" "$2" $SERVER6
    end "$1"
}

# --- kinds

kind_wifi() {
    begin Wi-Fi wlp6s0
    reaches Wi-Fi wlp6s0 $SERVER; reaches Wi-Fi wlp6s0 $SERVER6
    name_is Wi-Fi 10.6.6.6
    end Wi-Fi
}

# The Wi-Fi as NetworkManager puts it into a VRF; the kernel adds its rule of l3mdev at 1000.
kind_vrf() {
    modprobe vrf
    nmcli con add type vrf con-name blue ifname kind-vrf table 1042 ipv4.method disabled ipv6.method disabled >/dev/null
    nmcli -w 20 con up blue >/dev/null
    nmcli con mod wifi connection.master kind-vrf connection.slave-type vrf
    nmcli -w 60 con up wifi >/dev/null
    until_ok 30 sh -c 'ip -4 route show default table 1042 | grep -q wlp6s0'
    until_ok 30 sh -c 'ip -6 route show default table 1042 | grep -q wlp6s0'
    same "VRF: the Wi-Fi is in it" "$(ip -o link show dev wlp6s0 | grep -o 'master kind-vrf')" "master kind-vrf"
    ip rule | grep -q l3mdev && ok "VRF: the kernel has its rule" || bad "VRF: rule" "$(ip rule)" l3mdev
    begin VRF wlp6s0
    reaches VRF wlp6s0 $SERVER; reaches VRF wlp6s0 $SERVER6
    name_is VRF 10.6.6.6
    sysctl -qw net.ipv4.conf.all.rp_filter=1 net.ipv4.conf.kind-vrf.rp_filter=1 net.ipv4.conf.wlp6s0.rp_filter=1
    reaches "VRF, rp_filter=1" wlp6s0 $SERVER
    sysctl -qw net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.kind-vrf.rp_filter=0 net.ipv4.conf.wlp6s0.rp_filter=0
    nmcli -w 20 dev disconnect wlp6s0 >/dev/null; blocked "VRF, disconnected" wlp6s0
    nmcli -w 60 con up wifi >/dev/null; recovers "VRF, connected again" wlp6s0
    end VRF
    refused "the VRF itself" kind-vrf "master kind-vrf"
    # the session of a card beside it, while there is that rule
    begin "beside the VRF" enp7s0
    same "beside the VRF: by the wire" "$(by_session enp7s0 $SERVER)" "$(address enp7s0)"
    before=$(on_wire); end "beside the VRF"
    nmcli con mod wifi connection.master "" connection.slave-type ""
    nmcli -w 60 con up wifi >/dev/null; nmcli -w 20 con del blue >/dev/null
    until_ok 30 sh -c 'ip -4 route show default table main | grep -q wlp6s0'
    ip rule del pref 1000; ip -6 rule del pref 1000 # the kernel leaves them
}

wg_server() { # in the internet, reached by the wire; its own name server
    modprobe wireguard
    (umask 077; for n in server client; do wg genkey | tee $WG/$n.key | wg pubkey >$WG/$n.pub; done)
    ip -n inet link add wgs type wireguard
    ip netns exec inet wg set wgs listen-port 51820 private-key $WG/server.key peer "$(cat $WG/client.pub)" allowed-ips 10.66.0.2/32,2001:db8:66::2/128
    ip -n inet addr add 10.66.0.1/24 dev wgs; ip -n inet addr add 2001:db8:66::1/64 dev wgs; ip -n inet link set wgs up mtu 1420
    systemd-run -q --unit=kinds-dns -p NetworkNamespacePath=/run/netns/inet -- /usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root \
        --no-resolv --no-hosts --listen-address=10.66.0.1 --bind-interfaces --pid-file= --address=/uplink.test/10.5.5.5 --local=/test/ --log-queries --log-facility=$W/dns-wg.log
    until_ok 10 test -s $W/dns-wg.log
    cat >$WG/wg0.conf <<EOF
[Interface]
PrivateKey = $(cat $WG/client.key)
Address = 10.66.0.2/24, 2001:db8:66::2/64
$1
[Peer]
PublicKey = $(cat $WG/server.pub)
Endpoint = 198.51.100.29:51820
AllowedIPs = 0.0.0.0/0, ::/0
PersistentKeepalive = 5
EOF
    chmod 600 $WG/wg0.conf
}
wg_server_gone() { systemctl stop kinds-dns 2>/dev/null; ip -n inet link del wgs; }
wg_by_hand() {
    ip link add wg0 type wireguard
    wg set wg0 private-key $WG/client.key peer "$(cat $WG/server.pub)" endpoint 198.51.100.29:51820 allowed-ips 0.0.0.0/0,::/0 persistent-keepalive 5
    ip addr add 10.66.0.2/24 dev wg0; ip addr add 2001:db8:66::2/64 dev wg0 nodad; ip link set wg0 up mtu 1420
    ip route add default dev wg0 metric 900; ip -6 route add default dev wg0 metric 900
}
kind_wireguard() {
    wg_server ""
    wg_by_hand
    begin WireGuard wg0 --dns 10.66.0.1
    reaches WireGuard wg0 $SERVER; reaches WireGuard wg0 $SERVER6
    same "WireGuard: an address of the tunnel" "$(by_session wg0 $SERVER)" 10.66.0.2
    same "WireGuard: large answers" "$(inside curl -s -m 60 http://$SERVER/bytes/300000 | wc -c)" 300000
    same "WireGuard: mtu inside" "$(inside cat /sys/class/net/eth0/mtu)" 1420
    asks
    ip link set wg0 down; blocked "WireGuard, down" wg0
    ip link set wg0 up; ip route replace default dev wg0 metric 900; ip -6 route replace default dev wg0 metric 900
    ip -6 addr replace 2001:db8:66::2/64 dev wg0 nodad
    recovers "WireGuard, up again" wg0
    ip link del wg0; blocked "WireGuard, deleted" wg0
    wg_by_hand; recovers "WireGuard, made anew" wg0
    ip route del default dev wg0; ip -6 route del default dev wg0
    same "WireGuard without a default route" "$(by_session wg0 $SERVER)" 10.66.0.2
    end WireGuard
    ip link del wg0
    wg_server_gone
}
kind_wg_quick() {
    wg_server "DNS = 10.66.0.1"
    wg-quick up $WG/wg0.conf >$W/wg-quick 2>&1 || bad "wg-quick up" "$(tail -n 3 $W/wg-quick)" ""
    same "wg-quick: a plain program uses the tunnel" "$(curl -s -m 30 http://$SERVER/whoami)" 10.66.0.2
    begin wg-quick wg0
    reaches wg-quick wg0 $SERVER; reaches wg-quick wg0 $SERVER6
    name_is wg-quick 10.5.5.5
    wg-quick down $WG/wg0.conf >/dev/null 2>&1; blocked "wg-quick down" wg0
    wg-quick up $WG/wg0.conf >/dev/null 2>&1; recovers "wg-quick up" wg0
    reaches "wg-quick up" wg0 $SERVER6
    name_is "wg-quick up" 10.5.5.5
    ip link set wg0 down; blocked "wg0 down beside wg-quick's rules" wg0
    none_on_wire "wg0 down beside wg-quick's rules"
    wg-quick down $WG/wg0.conf >/dev/null 2>&1; wg-quick up $WG/wg0.conf >/dev/null 2>&1; recovers "wg-quick down and up" wg0
    end wg-quick
    # another uplink while the tunnel takes all that the host sends
    begin "the Wi-Fi beside wg-quick" wlp6s0
    reaches "the Wi-Fi beside wg-quick" wlp6s0 $SERVER; reaches "the Wi-Fi beside wg-quick" wlp6s0 $SERVER6
    same "the Wi-Fi beside wg-quick: not by the tunnel" "$(by_session wlp6s0 $SERVER)" "$(address wlp6s0)"
    name_is "the Wi-Fi beside wg-quick" 10.6.6.6
    wg-quick down $WG/wg0.conf >/dev/null 2>&1; recovers "the Wi-Fi, wg-quick down" wlp6s0
    wg-quick up $WG/wg0.conf >/dev/null 2>&1; recovers "the Wi-Fi, wg-quick up" wlp6s0
    end "the Wi-Fi beside wg-quick"
    wg-quick down $WG/wg0.conf >/dev/null 2>&1
    wg_server_gone
}
kind_wg_table_off() {
    wg_server "Table = off
DNS = 10.66.0.1"
    wg-quick up $WG/wg0.conf >$W/wg-quick 2>&1 || bad "wg-quick up, Table = off" "$(tail -n 3 $W/wg-quick)" ""
    same "Table = off: a plain program leaves by the wire" "$(curl -s -m 30 http://$SERVER/whoami)" "$(address enp7s0)"
    begin "Table = off" wg0
    reaches "Table = off" wg0 $SERVER # the host itself has no route for IPv6 then
    wg-quick down $WG/wg0.conf >/dev/null 2>&1; blocked "Table = off, down" wg0
    wg-quick up $WG/wg0.conf >/dev/null 2>&1; recovers "Table = off, up" wg0
    end "Table = off"
    wg-quick down $WG/wg0.conf >/dev/null 2>&1
    wg_server_gone
}

# It takes all packets and answers none: what leaves by it is counted there.
kind_dummy() {
    modprobe dummy numdummies=0
    ip link add kind0 type dummy; ip link set kind0 up
    refused "dummy without an address" kind0 "no address"
    ip addr add 192.168.62.20/24 dev kind0
    refused "dummy without a route" kind0 "no default route"
    local route
    for route in "default dev kind0" "default via 192.168.62.1 dev kind0" "default via 203.0.113.1 dev kind0 onlink"; do
        # shellcheck disable=SC2086 # words of a route
        ip route add $route metric 900
        begin "dummy, $route" kind0 --dns 203.0.113.81
        local sent; sent=$(cat /sys/class/net/kind0/statistics/tx_packets)
        inside sh -c "for n in 1 2 3 4 5; do echo x >/dev/udp/$SERVER/7777; done" 2>/dev/null || inside bash -c "for n in 1 2 3 4 5; do echo x >/dev/udp/$SERVER/7777; done"
        [ $(($(cat /sys/class/net/kind0/statistics/tx_packets) - sent)) -ge 5 ] && ok "dummy, $route: packets leave by it" || bad "dummy, $route" "$(($(cat /sys/class/net/kind0/statistics/tx_packets) - sent)) packets" "5 at least"
        ip link set kind0 down; inside bash -c "echo x >/dev/udp/$SERVER/7777" 2>/dev/null; ip link set kind0 up
        end "dummy, $route"
        # shellcheck disable=SC2086
        ip route del $route metric 900 2>/dev/null
    done
    ip link del kind0
}

# An uplink of IPv6 alone; what is sent to IPv4 is translated by a process behind the device clat,
# and back by the provider (RFC 6877).
kind_xlat() {
    card_up
    sysctl -qw net.ipv6.conf.all.forwarding=1 net.ipv6.conf.card0.proxy_ndp=1 net.ipv6.conf.enp7s0.accept_ra=2
    ip addr add 2001:db8:62::20/64 dev card0 nodad
    ip -6 route add default via 2001:db8:62::1 dev card0 metric 900
    tayga_run() { # NAME NAMESPACE DEVICE CONFIGURATION
        printf '%s\n' "tun-device $3" "prefix $FAR::/96" "$4" >$W/"$1".conf
        mkdir -p $W/"$1"; printf 'data-dir %s\n' "$W/$1" >>$W/"$1".conf
        if [ -n "$2" ]; then set -- "$1" "$2" "$3" ip netns exec "$2"; else set -- "$1" "" "$3"; fi
        local name=$1 device=$3; shift 3
        "$@" tayga --config $W/"$name".conf --mktun >/dev/null
        systemd-run -q --unit="kinds-$name" -- "$@" tayga --config $W/"$name".conf --nodetach
        "$@" ip link set "$device" up
    }
    tayga_run nat64 rwifi nat64 "ipv4-addr 192.168.64.1
dynamic-pool 192.168.64.0/24"
    ip -n rwifi route add 192.168.64.0/24 dev nat64; ip -n rwifi -6 route add $FAR::/96 dev nat64
    ip -n inet route replace 192.168.64.0/24 via 198.51.100.26
    tayga_run clat "" clat "ipv4-addr 192.0.0.2
map 192.0.0.1 2001:db8:62::c1a7"
    ip addr add 192.0.0.1/32 dev clat; ip link set clat mtu 1280 # with less it has no IPv6
    ip route add default dev clat metric 2048 mtu 1260
    ip -6 route add 2001:db8:62::c1a7/128 dev clat; ip -6 neigh add proxy 2001:db8:62::c1a7 dev card0
    ip -6 route add $FAR::/96 via 2001:db8:62::1 dev card0
    until_ok 20 by_host clat $SERVER
    begin 464XLAT clat --dns 203.0.113.81
    reaches 464XLAT clat $SERVER
    has "464XLAT: through the provider's NAT64" "$(by_session clat $SERVER)" 192.168.64.
    same "464XLAT: large answers" "$(inside curl -s -m 60 http://$SERVER/bytes/100000 | wc -c)" 100000
    ip link set clat down; blocked "464XLAT, clat down" clat
    ip link set clat up; ip route replace default dev clat metric 2048 mtu 1260; ip -6 route replace 2001:db8:62::c1a7/128 dev clat
    recovers "464XLAT, clat up again" clat
    end 464XLAT
    begin "the card of IPv6 alone" card0 --dns 2001:db8:62::1
    reaches "the card of IPv6 alone" card0 $SERVER6
    blocked "the card of IPv6 alone, IPv4" card0
    end "the card of IPv6 alone"
    systemctl stop kinds-clat kinds-nat64
    tayga --config $W/clat.conf --rmtun >/dev/null; ip netns exec rwifi tayga --config $W/nat64.conf --rmtun >/dev/null
    sysctl -qw net.ipv6.conf.all.forwarding=0
    card_down
}

kind_ipvlan() {
    card_up
    ip link add kind0 link card0 type ipvlan mode l2
    serves kind0
    simple ipvlan kind0
    ip link del kind0; card_down
}
# The far end of the cable has the VLAN too, and the addresses in it.
kind_vlan() {
    card_up
    ip -n rwifi addr flush dev lan2 scope global
    ip -n rwifi link add link lan2 name lan2.5 type vlan id 5
    ip -n rwifi addr add 192.168.62.1/24 dev lan2.5; ip -n rwifi addr add 2001:db8:62::1/64 dev lan2.5 nodad
    ip -n rwifi link set lan2.5 up
    ip link add link card0 name card0.5 type vlan id 5
    serves card0.5
    simple vlan card0.5
    ip link del card0.5; card_down
}
kind_bond() {
    card_up
    modprobe bonding max_bonds=0
    ip link add kind0 type bond mode active-backup miimon 100
    ip link set card0 down; ip link set card0 master kind0; ip link set card0 up
    serves kind0
    simple bond kind0
    ip link del kind0; card_down
}
kind_team() {
    card_up
    ip link set card0 down
    printf '{"device": "kind0", "runner": {"name": "activebackup"}, "link_watch": {"name": "ethtool"}, "ports": {"card0": {}}}' >$W/team.conf
    teamd -d -f $W/team.conf >/dev/null 2>&1 || bad team "teamd does not start" ""
    ip link set card0 up
    serves kind0
    simple team kind0
    teamd -k -t kind0; until_ok 5 sh -c '! ip link show kind0'
    card_down
}

kinds="wifi ipvlan vlan bond team dummy wireguard wg_quick wg_table_off xlat vrf"
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- $kinds
for kind; do
    seen=$(grep -c . /run/lab/whoami.log)
    "kind_$kind"
done
kill $wire
finish
