#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# lab.sh - inside the VM: two uplinks and an "internet", all in this kernel.
#
#   host (root namespace, NetworkManager)      namespaces
#   enp7s0  virtio Ethernet  --- hub ---  rtw0  [rwired] 192.168.70.1 -+
#     192.168.70.x  default route, metric 100                          |  [inet] 203.0.113.80
#   wlp6s0  mac80211_hwsim   ~~ WPA2 ~~   wlap0 [rwifi]  192.168.60.1 -+         2001:db8:ff::80
#     192.168.60.x  default route, metric 600
#
# Where there is a wlap0 already (container beside this file makes it), no radios are made.
#
# The routers do not translate addresses, so the server sees the host's own address
# on whichever uplink was used, and a packet that leaves un-masqueraded (10.0.1.x)
# gets no answer.  Each router serves DHCP, router advertisements and DNS; the two
# DNS servers answer differently, and log what they are asked:
#   uplink.test       wired: 10.7.7.7    wifi: 10.6.6.6
#   wired-only.test / wifi-only.test     only known by that one
#   whoami.test       203.0.113.80 and 2001:db8:ff::80 on both
#   logs: /run/lab/dns-wired.log /run/lab/dns-wifi.log
#
# The server: http://203.0.113.80/whoami  the client's address as the server saw it
#             http://203.0.113.80/bytes/N N bytes
#             UDP port 7777               answers each datagram with the same
#             log of what it saw: /run/lab/whoami.log
#
# usage: lab.sh up|check|recipe|recipe-down|recipe-check|dns resolved|dns plain|down-wifi|up-wifi
set -u
T4=203.0.113.80 T6=2001:db8:ff::80
L=/run/lab
say() { echo "lab: $*"; }
die() { echo "lab: FAILED: $*"; exit 1; }
# poll CMD until it works, at most N seconds
until_ok() { local n=$(($1*5)); shift; while ! "$@" >/dev/null 2>&1; do n=$((n-1)); [ $n -gt 0 ] || return 1; sleep 0.2; done; }
svc() { local u=$1 ns=$2; shift 2; systemd-run -q --unit="lab-$u" -p Restart=on-failure -p NetworkNamespacePath="/run/netns/$ns" -- "$@"; }

server_py() { cat <<'E'
import http.server, socket, socketserver, threading, time
log = open('/run/lab/whoami.log', 'a', buffering=1)
def name(a): return a[7:] if a.startswith('::ffff:') else a
class H(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'
    def do_GET(self):
        who = name(self.client_address[0])
        log.write('%.1f tcp %s %s\n' % (time.time(), who, self.path))
        if self.path.startswith('/bytes/'): body = b'x' * int(self.path[7:])
        elif self.path == '/whoami': body = (who + '\n').encode()
        else: body = b'ok\n'
        self.send_response(200); self.send_header('Content-Length', str(len(body)))
        self.send_header('Content-Type', 'text/plain'); self.end_headers(); self.wfile.write(body)
    def log_message(self, *a): pass
class S(socketserver.ThreadingMixIn, http.server.HTTPServer):
    address_family = socket.AF_INET6; daemon_threads = True; request_queue_size = 128
def udp(af, addr):   # bound to its address: an answer from another one would be dropped
    s = socket.socket(af, socket.SOCK_DGRAM); s.bind((addr, 7777))
    while True:
        d, a = s.recvfrom(65535); log.write('%.1f udp %s\n' % (time.time(), name(a[0])))
        try: s.sendto((name(a[0]) + '\n').encode(), a)
        except OSError: pass   # a leaked, un-masqueraded client has no way back
for a in (socket.AF_INET, '203.0.113.80'), (socket.AF_INET6, '2001:db8:ff::80'):
    threading.Thread(target=udp, args=a, daemon=True).start()
S(('::', 80), H).serve_forever()
E
}

up_routers() {
  mkdir -p $L; local n
  for n in inet rwired rwifi; do
    ip netns add $n; ip -n $n link set lo up
    ip netns exec $n sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1 \
       net.ipv4.conf.all.rp_filter=0 net.ipv4.conf.default.rp_filter=0 net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
  done
  # the internet: one server address, a leg to each router
  ip -n inet addr add $T4/32 dev lo; ip -n inet addr add $T6/128 dev lo
  wan() { # ROUTER N LAN
    ip link add "i$2" netns inet type veth peer name wan netns "$1"
    ip -n inet addr add 198.51.100.$(($2*4+1))/30 dev "i$2"; ip -n "$1" addr add 198.51.100.$(($2*4+2))/30 dev wan
    ip -n inet addr add 2001:db8:fe$2::1/64 dev "i$2" nodad; ip -n "$1" addr add 2001:db8:fe$2::2/64 dev wan nodad
    ip -n inet link set "i$2" up; ip -n "$1" link set wan up
    ip -n "$1" route add default via 198.51.100.$(($2*4+1)); ip -n "$1" -6 route add default via 2001:db8:fe$2::1
    ip -n inet route add "$3.0/24" via 198.51.100.$(($2*4+2)); ip -n inet -6 route add 2001:db8:$2::/64 via 2001:db8:fe$2::2
  }
  wan rwired 7 192.168.70; wan rwifi 6 192.168.60
  # router cards
  ip link show rtw0 >/dev/null || die "no rtw0"
  ip link set rtw0 netns rwired
  if ip link set wlap0 netns rwifi 2>/dev/null; then
    touch $L/no-radio
  else
    modprobe mac80211_hwsim radios=2 || die "mac80211_hwsim"
    until_ok 20 ip link show wlap0 || die "no wlap0: $(ip -br link)"
    until_ok 20 ip link show wlp6s0 || die "no wlp6s0: $(ip -br link)"
    iw phy "$(cat /sys/class/net/wlap0/phy80211/name)" set netns name rwifi || die "iw phy set netns"
  fi
  lan() { # ROUTER DEV PREFIX N TAG
    ip -n "$1" addr add "$3.1/24" dev "$2"; ip -n "$1" addr add "2001:db8:$4::1/64" dev "$2" nodad; ip -n "$1" link set "$2" up
  }
  lan rwired rtw0 192.168.70 7; lan rwifi wlap0 192.168.60 6
  printf 'interface=wlap0\ndriver=nl80211\nssid=viavm\nhw_mode=g\nchannel=6\nwpa=2\nwpa_key_mgmt=WPA-PSK\nrsn_pairwise=CCMP\nwpa_passphrase=hunter22hunter\n' >$L/hostapd.conf
  [ -e $L/no-radio ] || svc hostapd rwifi /usr/sbin/hostapd $L/hostapd.conf
  dns() { # TAG ROUTER DEV PREFIX N
    svc "dns-$1" "$2" /usr/sbin/dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --no-resolv --no-hosts --no-poll \
      --interface="$3" --bind-interfaces --except-interface=lo --pid-file= --dhcp-leasefile="$L/leases-$1" --dhcp-authoritative \
      --dhcp-range="$4.100,$4.199,1h" --dhcp-option=option:router,"$4.1" --dhcp-option=option:dns-server,"$4.1" \
      --domain="$1.lan" --dhcp-option=option:domain-name,"$1.lan" \
      --enable-ra --dhcp-range="2001:db8:$5::,ra-only" --dhcp-option=option6:dns-server,"[2001:db8:$5::1]" \
      --address="/uplink.test/10.$5.$5.$5" --address="/$1-only.test/$T4" --address="/whoami.test/$T4" --address="/whoami.test/$T6" \
      --address="/printer.$1.lan/$4.9" --local=/test/ --local=/lan/ --log-queries --log-facility="$L/dns-$1.log"
  }
  server_py >$L/server.py
  svc server inet /usr/bin/python3 $L/server.py
  dns wired rwired rtw0 192.168.70 7
  dns wifi rwifi wlap0 192.168.60 6
  until_ok 20 ip netns exec rwired curl -sf --max-time 2 http://$T4/ || die "the server does not answer"
}

up_host() {
  local t=$SECONDS
  until_ok 60 systemctl is-active NetworkManager || die "NetworkManager is not active"
  nmcli -g name con show | grep -qx wired || nmcli con add type ethernet con-name wired ifname enp7s0 ipv4.route-metric 100 ipv6.route-metric 100 >/dev/null || die "nmcli wired"
  if [ -e $L/no-radio ]; then
    nmcli con add type ethernet con-name wifi ifname wlp6s0 ipv4.route-metric 600 ipv6.route-metric 600 >/dev/null || die "nmcli wifi"
  fi
  nmcli -g name con show | grep -qx wifi || nmcli con add type wifi con-name wifi ifname wlp6s0 ssid viavm \
     wifi-sec.key-mgmt wpa-psk wifi-sec.psk hunter22hunter >/dev/null || die "nmcli wifi"
  nmcli -w 60 con up wired >/dev/null || die "wired does not come up: $(nmcli dev)"
  [ -e $L/no-radio ] || until_ok 40 sh -c 'nmcli -g ssid dev wifi list --rescan yes | grep -q viavm' || say "the AP is not seen yet"
  nmcli -w 90 con up wifi >/dev/null || { journalctl -b -u NetworkManager -u wpa_supplicant -u lab-hostapd | tail -40; die "wifi does not come up: $(nmcli dev)"; }
  until_ok 30 sh -c 'ip -4 -o addr show dev enp7s0 | grep -q 192.168.70' || die "no wired address"
  until_ok 30 sh -c 'ip -4 -o addr show dev wlp6s0 | grep -q 192.168.60' || die "no wifi address"
  # SLAAC takes a moment longer; wait for it so that later looks are the same each time
  until_ok 15 sh -c 'ip -6 -o addr show dev enp7s0 scope global -tentative | grep -q 2001' || say "no wired IPv6 address"
  until_ok 15 sh -c 'ip -6 -o addr show dev wlp6s0 scope global -tentative | grep -q 2001' || say "no wifi IPv6 address"
  say "uplinks up after $((SECONDS-t)) s"
}

addr4() { ip -4 -o addr show dev "$1" | awk '{sub("/.*","",$4); print $4; exit}'; }
eq() { # NAME GOT WANTED
  if [ -n "$3" ] && [ "$2" = "$3" ]; then echo "ok   - $1: $2"; else echo "FAIL - $1: got '$2', wanted '$3'"; BAD=1; fi; }

check() {
  BAD=0
  local w f; w=$(addr4 enp7s0) f=$(addr4 wlp6s0)
  eq "gamer's curl leaves by the wire" "$(as-gamer -n curl -s --max-time 10 http://$T4/whoami)" "$w"
  eq "curl bound to the wifi card (root)" "$(curl -s --max-time 10 --interface wlp6s0 http://$T4/whoami)" "$f"
  eq "both by name" "$(curl -4 -s --max-time 10 http://whoami.test/whoami)" "$w"
  eq "wired DNS direct" "$(dig +short +time=3 @192.168.70.1 uplink.test)" 10.7.7.7
  eq "wifi DNS direct" "$(dig +short +time=3 @192.168.60.1 uplink.test)" 10.6.6.6
  eq "gamer has a logind session" "$(as-gamer sh -c 'loginctl show-session "$XDG_SESSION_ID" -p Active -p Remote -p Seat --value | tr "\n" " "')" "seat0 no yes "
  return $BAD
}

# what via-iface does, by hand: a namespace behind a bridge, marked and policy-routed
recipe() {
  ip link add br0 type bridge; ip addr add 10.0.1.1/24 dev br0; ip link set br0 up
  ip netns add app; ip link add vapp type veth peer name eth0 netns app
  ip link set vapp master br0 up
  ip -n app link set lo up; ip -n app addr add 10.0.1.2/24 dev eth0; ip -n app link set eth0 up; ip -n app route add default via 10.0.1.1
  sysctl -qw net.ipv4.ip_forward=1
  nft -f - <<'E'
table ip viarecipe {
  chain pre  { type filter hook prerouting priority mangle; iifname "br0" meta mark set 100; }
  chain post { type nat hook postrouting priority srcnat; oifname "wlp6s0" ip saddr 10.0.1.0/24 masquerade; }
}
E
  ip rule add fwmark 100 table 100
  ip route add default via 192.168.60.1 dev wlp6s0 table 100
  mkdir -p /etc/netns/app; echo "nameserver 192.168.60.1" >/etc/netns/app/resolv.conf
}
recipe_down() {
  ip netns del app 2>/dev/null; ip link del br0 2>/dev/null; nft delete table ip viarecipe 2>/dev/null
  while ip rule del fwmark 100 table 100 2>/dev/null; do :; done; ip route flush table 100 2>/dev/null
  rm -rf /etc/netns/app; sysctl -qw net.ipv4.ip_forward=0
}
recipe_check() {
  BAD=0; local f; f=$(addr4 wlp6s0)
  eq "in the namespace: curl leaves by wifi" "$(ip netns exec app curl -s --max-time 10 http://$T4/whoami)" "$f"
  eq "in the namespace as gamer" "$(ip netns exec app runuser -u gamer -- curl -s --max-time 10 http://$T4/whoami)" "$f"
  eq "in the namespace: UDP leaves by wifi" "$(echo x | ip netns exec app timeout 5 nc -u -W 1 $T4 7777)" "$f"
  eq "outside still by the wire" "$(curl -s --max-time 10 http://$T4/whoami)" "$(addr4 enp7s0)"
  return $BAD
}

case ${1:-} in
up)      up_routers; up_host ;;
check)   check ;;
recipe)  recipe; until_ok 5 ip netns exec app ping -c1 -W1 10.0.1.1; recipe_check ;;
recipe-check) recipe_check ;;
recipe-down) recipe_down ;;
dns)  # resolved: systemd-resolved's stub (as Ubuntu, Fedora).  plain: NetworkManager
      # writes /etc/resolv.conf itself (as stock Debian, Arch without resolved).
  case ${2:-} in
  plain) systemctl -q disable --now systemd-resolved; rm -f /etc/resolv.conf; : >/etc/resolv.conf
         # Debian's systemd-resolved brings a /sbin/resolvconf, which makes NetworkManager hand
         # its servers to that (so to nobody); "symlink" is its way on a machine without it
         printf '[main]\nrc-manager=symlink\n' >/etc/NetworkManager/conf.d/60-plain.conf
         sed -i 's/^hosts:.*/hosts: files dns/' /etc/nsswitch.conf; systemctl restart NetworkManager ;;
  resolved) rm -f /etc/NetworkManager/conf.d/60-plain.conf; systemctl -q enable --now systemd-resolved; ln -sf ../run/systemd/resolve/stub-resolv.conf /etc/resolv.conf
         sed -i 's/^hosts:.*/hosts: files myhostname resolve [!UNAVAIL=return] dns/' /etc/nsswitch.conf; systemctl restart NetworkManager ;;
  *) exit 2 ;; esac
  until_ok 60 sh -c 'nmcli -g state general | grep -q "^connected"'; until_ok 60 sh -c 'ip -4 -o addr show dev wlp6s0 | grep -q 192.168.60' ;;
down-wifi) nmcli -w 20 dev disconnect wlp6s0 ;;
up-wifi)   nmcli -w 60 con up wifi ;;
*) sed -n '2,/^set -u/{/^#/s/^# \{0,1\}//p}' "$0"; exit 2 ;;
esac
