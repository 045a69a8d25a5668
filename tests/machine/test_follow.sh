#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# One session, with NetworkManager and a real Wi-Fi station, while everything happens to its uplink
# that happens to a laptop's: the same session goes on, and not one of its packets is seen by the
# router of the wire. Each row says how long it took.
. /src/tests/machine/lib.sh
WIFI_DNS=10.6.6.6 WIRED_DNS=10.7.7.7 captures=
W=/run/follow
mkdir -p $W

# --- the session: datagrams ten times a second, a download without end, and names

cat >$W/flow.py <<'E'
import socket, struct, sys, threading, time
server, log = sys.argv[1], open(sys.argv[2], "a", buffering=1)
def beacons():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(0.1)
    while True:
        due = time.time() + 0.1
        try:
            s.sendto(b"BEACON %.2f" % time.time(), (server, 7777))
            sent = time.time()
        except OSError:
            pass
        while (left := due - time.time()) > 0:
            s.settimeout(left)
            try:
                log.write("udp %.2f %s\n" % (time.time(), s.recv(99).decode().strip()))
            except OSError:
                time.sleep(max(0, min(0.02, due - time.time())))
def download():
    while True:
        try:
            t = socket.create_connection((server, 80), 5)
            # at the end a reset: a FIN that nobody answers is repeated for minutes, and keeps the netns
            t.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            port = t.getsockname()[1]
            t.settimeout(60)
            t.sendall(b"GET /bytes/30000000 HTTP/1.0\r\n\r\n")
            log.write("tcp %.2f new %d\n" % (time.time(), port))
            told = 0
            while t.recv(16384):
                if time.time() - told > 0.5:
                    told = time.time()
                    log.write("tcp %.2f bytes %d\n" % (told, port))
                time.sleep(0.05)
            log.write("tcp %.2f end %d\n" % (time.time(), port))
        except OSError as e:
            log.write("tcp %.2f error %s\n" % (time.time(), e))
            time.sleep(0.2)
def names():
    while True:
        try:
            socket.getaddrinfo("session-asks.test", None)
        except OSError:
            pass
        time.sleep(1)
for f in beacons, download, names:
    threading.Thread(target=f, daemon=True).start()
time.sleep(86400)
E

# The routers' own view of what the session sends; nobody else talks to port 7777 or fetches bytes.
# Its own addresses, the other card's on this wire, and its traffic under this card's address.
watch() { # NAME NAMESPACE DEVICE OTHER-NET OTHER-NET6
    ip netns exec "$2" tcpdump -lni "$3" "net 10.209.0.0/22 or src net $4 or src net $5 or udp dst port 7777 or (tcp dst port 80 and dst host $SERVER) or udp dst port 53" >$W/"$1" 2>$W/"$1".err &
    captures+=" $!"
    until_ok 10 grep -q listening $W/"$1".err || { echo "no capture on $3"; exit 1; }
}
packets() { awk '!/\.53: / || /session-asks/' $W/"$1" | grep -c .; } # of the questions only its own

# --- rows

begin() { start=$EPOCHREALTIME before=$(packets wire); }
answered() { # since TIME, in the name of ADDRESS
    awk -v t="$1" -v a="$2" '$1 == "udp" && $2 > t && $3 == a { found = 1 } END { exit !found }' <(tail -n 300 $W/log)
}
works() { answered "$since" "$(address "$way")"; }
# The longest silence since `begin`, and how long before its end the Wi-Fi had its address again.
gap() {
    awk -v t="$start" '$1 == "udp" { if ($2 > t) { from = last > t ? last : t; if ($2 - from > most) { most = $2 - from; end = $2 } } last = $2 }
        END { printf "%.2f %.2f", most, end }' $W/log | {
        read -r most end
        back=$(sed -n 's/^\[\([^]]*\)\].* wlp6s0 *inet 192\.168\.60\..*/\1/p' $W/addresses | while read -r at; do date -d "$at" +%s.%N; done |
            awk -v t="$start" -v end="$end" '$1 > t && $1 < end { back = $1 } END { if (back) printf ", %.1f s of it with an address", end - back }')
        printf "silent for %.1f s at most%s" "$most" "$back"
    }
}
session() { echo "$(readlink /proc/$held/ns/net) $(via-iface list --json | python3 -c 'import json, sys; print([(s["id"], s["netns"]) for s in json.load(sys.stdin) if s["name"] == "flow"])')"; }
# recovers NAME SECONDS: after `begin` and what was done; the wire saw nothing
recovers() {
    since=$EPOCHREALTIME
    local tcp=$(grep -c "^tcp .* new" $W/log)
    if until_ok "$2" works; then
        local later; later=$(since $since)
        sleep 2 # what comes late
        ok "$1: answers $later s after it was done, $(gap)"
    else
        bad "$1" "$(tail -n 1 $W/log)" "answers to $(address "$way")"; via-iface status flow; ip -4 route show table all | grep -E "22017|default"
    fi
    same "  packets on the wire" "$(($(packets wire) - before))" 0
    [ "$(($(packets wire) - before))" = 0 ] || awk '!/\.53: / || /session-asks/' $W/wire | tail -n +$((before + 1)) | head -5
    same "  the same session" "$(session)" "$the_session"
}
progress() { local n; n=$(grep -c "^tcp .* bytes" $W/log); until_ok "$1" sh -c "[ \$(grep -c '^tcp .* bytes' $W/log) -gt $((n + 1)) ]"; }
inside() { via-iface exec flow -- sh -c "$1"; }
name_inside() { inside "getent ahostsv4 uplink.test" | awk '{ print $1; exit }'; }
name_outside() { getent ahostsv4 uplink.test | awk '{ print $1; exit }'; }
names_are() { same "$1: uplink.test inside" "$(name_inside)" "$2"; }
is_up() { ! no_wifi && [ -n "$(address wlp6s0)" ] && nmcli -g GENERAL.STATE dev show wlp6s0 | grep -q '^100'; }
no_wifi() { ! ip link show wlp6s0 | grep -q LOWER_UP; }
ap_dies() { ip -n rwifi link set wlap0 down; }
ap_lives() {
    ip -n rwifi link set wlap0 up
    systemctl restart lab-hostapd
    ip -n rwifi addr replace 2001:db8:6::1/64 dev wlap0 nodad # the kernel takes them with the link
    ip -n rwifi addr replace 192.168.60.1/24 dev wlap0
}

nft --version
wired=$(address enp7s0) wifi=$(address wlp6s0) way=wlp6s0
echo "wired $wired, wifi $wifi"
watch wire rwired rtw0 192.168.60.0/24 2001:db8:6::/64
watch air rwifi wlap0 192.168.70.0/24 2001:db8:7::/64
ip -ts -o monitor address >$W/addresses & captures+=" $!"
via-iface --name flow wlp6s0 -- python3 $W/flow.py $SERVER $W/log & held=$!
start=$EPOCHREALTIME since=$EPOCHREALTIME
until_ok 20 works || { bad "the session works" "$(tail -n 1 $W/log)" "$wifi"; via-iface status; exit 1; }
until_ok 20 grep -q "^tcp .* bytes" $W/log && ok "the session works" || bad "the download" none some
the_session=$(session)
echo "the session: $the_session"
names_are "with systemd-resolved" "$WIFI_DNS"

# --- what happens to a laptop

begin; systemctl restart NetworkManager; recovers "NetworkManager restarted" 60
begin; nmcli networking off; sleep 1; nmcli networking on; recovers "networking off and on" 90
until_ok 60 is_up || nmcli -w 60 con up wifi >/dev/null
begin; nmcli -w 20 dev disconnect wlp6s0 >/dev/null; sleep 1; nmcli -w 60 con up wifi >/dev/null; recovers "Wi-Fi disconnected and connected" 60
begin; ap_dies; until_ok 60 no_wifi || echo "# the station did not notice"; echo "# access point dead: noticed after $(since $start) s"; sleep 2; ap_lives; recovers "access point dead and back" 120
until_ok 60 is_up || nmcli -w 60 con up wifi >/dev/null
begin; nmcli dev reapply wlp6s0 >/dev/null; recovers "reapply on the Wi-Fi" 30
begin; nmcli dev reapply enp7s0 >/dev/null; recovers "reapply on the wire" 30
begin; nmcli con up wired >/dev/null; recovers "the wire connected anew" 30
progress 60 && ok "the download goes on" || bad "the download goes on" "$(grep ^tcp $W/log | tail -n 1)" progress
names_are "after all that" "$WIFI_DNS"

begin
nmcli con mod wifi ipv4.never-default yes ipv6.never-default yes
nmcli dev reapply wlp6s0 >/dev/null
recovers "never-default, by reapply" 30
same "no default route by the Wi-Fi" "$(ip route show default dev wlp6s0; ip -6 route show default dev wlp6s0)" ""
begin; nmcli -w 60 con up wifi >/dev/null; recovers "never-default, connected anew" 60
same "still no default route by the Wi-Fi" "$(ip route show default dev wlp6s0; ip -6 route show default dev wlp6s0)" ""
names_are "with never-default" "$WIFI_DNS"
same "a new session there" "$(via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$(address wlp6s0)"
same "its gateway is shown" "$(via-iface uplinks --json | python3 -c 'import json, sys; print([u["gateway"] for u in json.load(sys.stdin) if u["name"] == "wlp6s0"][0])')" 192.168.60.1
planned() { ! via-iface doctor wlp6s0 | grep -q "not as"; }
until_ok 10 planned && ok "doctor finds all as planned" || { bad "doctor" "$(via-iface doctor wlp6s0)" "all as planned"; nft list map inet via_iface dns6; cat /etc/resolv.conf /run/systemd/resolve/resolv.conf; via-iface uplinks; }
begin; systemctl restart NetworkManager; recovers "NetworkManager restarted, never-default" 60
begin
nmcli con mod wifi ipv4.never-default no ipv6.never-default no
nmcli dev reapply wlp6s0 >/dev/null
recovers "the default route is back" 30
ip route show default dev wlp6s0 | grep -q . && ok "there is one again" || bad "a default route by the Wi-Fi" none one

# --- another way out, and back

via-iface move flow enp7s0 && way=enp7s0; since=$EPOCHREALTIME
until_ok 10 works && ok "moved to the wire" || bad "moved to the wire" "$(tail -n 1 $W/log)" "$wired"
same "moved: uplink.test inside" "$(name_inside)" "$WIRED_DNS"
sleep 1; before=$(packets air); sleep 3
same "packets in the air meanwhile" "$(($(packets air) - before))" 0
same "the same session" "$(session)" "$the_session"
via-iface move flow wlp6s0 && way=wlp6s0; since=$EPOCHREALTIME
until_ok 10 works && ok "and back" || bad "and back" "$(tail -n 1 $W/log)" "$wifi"
sleep 1; begin; sleep 3
same "packets on the wire after the move" "$(($(packets wire) - before))" 0
names_are "moved back" "$WIFI_DNS"
via-iface move flow wlp6s0,enp7s0
begin; ap_dies; way=enp7s0; since=$EPOCHREALTIME
until_ok 60 works && ok "access point dead: failed over to the wire after $(since $start) s, $(gap)" || bad "failed over" "$(tail -n 1 $W/log)" "$wired"
same "failed over: uplink.test inside" "$(name_inside)" "$WIRED_DNS"
same "the same session" "$(session)" "$the_session"
ap_lives; until_ok 120 is_up || nmcli -w 60 con up wifi >/dev/null
way=wlp6s0; since=$EPOCHREALTIME
until_ok 30 works && ok "back on the Wi-Fi $(since $since) s after it was connected" || bad "back on the Wi-Fi" "$(tail -n 1 $W/log)" "$wifi"
names_are "back" "$WIFI_DNS"
via-iface move --only flow wlp6s0

# --- NetworkManager writes resolv.conf itself

begin; lab.sh dns plain >/dev/null; recovers "without systemd-resolved" 60
names_are "without systemd-resolved" "$WIFI_DNS"
same "without systemd-resolved: uplink.test outside" "$(name_outside)" "$WIRED_DNS" # resolved asks both
via-iface move --only flow enp7s0
same "moved: uplink.test inside" "$(name_inside)" "$WIRED_DNS"
via-iface move --only flow wlp6s0
same "moved back: uplink.test inside" "$(name_inside)" "$WIFI_DNS"
begin; nmcli -w 20 dev disconnect wlp6s0 >/dev/null; nmcli -w 60 con up wifi >/dev/null; recovers "Wi-Fi disconnected and connected" 60
names_are "connected anew" "$WIFI_DNS"
lab.sh dns resolved >/dev/null
since=$EPOCHREALTIME; until_ok 60 works

# --- names for uplinks

permanent=$(ethtool -P wlp6s0 | awk '{ print $3 }')
nmcli con mod wifi wifi.cloned-mac-address random
begin; nmcli -w 60 con up wifi >/dev/null; recovers "another MAC address" 60
[ "$(cat /sys/class/net/wlp6s0/address)" != "$permanent" ] && ok "it is not the card's own" || bad "it is not the card's own" "$permanent" another
ip link property add dev wlp6s0 altname spare-card
for word in wifi ssid:viavm "mac:$permanent" spare-card nosuch0,wifi; do
    same "uplink $word" "$(via-iface "$word" -- curl -s -m 30 http://$SERVER/whoami)" "$(address wlp6s0)"
done
same "uplink ethernet" "$(via-iface ethernet -- curl -s -m 30 http://$SERVER/whoami)" "$(address enp7s0)"

# --- without sudo

program=$(command -v via-iface)
if setcap cap_sys_admin=p /src/build/src/via-iface-enter 2>/dev/null && [ ! -e /etc/via-iface ]; then
    mkdir /etc/via-iface && cp /src/policies/access.conf /etc/via-iface/
    same "who sits at the machine" "$(as-gamer "$program" wifi -- sh -c "id -un; curl -s -m 30 http://$SERVER/whoami")" "gamer
$(address wlp6s0)"
    runuser -u alice -- "$program" wifi -- true 2>$W/refused
    same "who does not is refused" $? 125
fi

asked=$(grep -c session-asks /run/lab/dns-wifi.log)
[ "$asked" -gt 20 ] && ok "names of the session asked by the Wi-Fi: $asked" || bad "names asked by the Wi-Fi" "$asked" many
kill $held; wait $held 2>/dev/null
daemon_leaves "the daemon is gone in the end"
same "nothing of ours is left" "$(leftovers)" ""
kill $captures
grep "^tcp" $W/log | grep -v bytes | head -20
finish
