#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The examples of via-iface-services(7) with systemd, each file and each command as it stands there
# (manual_examples.py), with the Debian package: they run, by their uplink, as the user they say. And the
# page's lists of who may, and of settings of units that are in the way with the line that helps.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
PAGE=/src/data/via-iface-services.7.scd
is_active() { [ "$(systemctl is-active "$1")" = active ]; }
said() { journalctl -b -o cat "$@"; }
answered() { said "$@" | awk '{ print $1 }' | grep -qxF "$(address wlp6s0)"; } # by the uplink, to somebody
typed=0
# type_it TITLE [AS...]: what the page says there, ends at the first command that fails
type_it() {
    local title=$1; shift
    typed=$((typed + 1))
    { echo 'set -ex'; python3 /src/tests/machine/manual_examples.py $PAGE "$title"; } >/tmp/example
    holds "$title: each line works" sh -c '"$@" sh /tmp/example >"$0" 2>&1 || { tail -n 5 "$0"; exit 1; }' "$ARTIFACTS/example-$typed" "$@"
}

# --- programs of these names
cat >/usr/local/bin/client <<E
#!/bin/bash
while :; do curl -s --max-time 5 http://$SERVER/whoami; echo; sleep 1; done
E
cat >/usr/local/bin/relay <<E
#!/usr/bin/python3
import os, signal, socket, time, urllib.request
def tell(text):
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    path = os.environ["NOTIFY_SOCKET"]
    s.sendto(text.encode(), "\0" + path[1:] if path[0] == "@" else path)
signal.signal(signal.SIGHUP, lambda *_: print("reload", flush=True))
print(urllib.request.urlopen("http://$SERVER/whoami", timeout=20).read().decode(), flush=True)
tell("READY=1")
while True:
    tell("WATCHDOG=1")
    time.sleep(1)
E
printf '#!/bin/sh\nexec curl -s --max-time 20 http://%s/whoami\n' $SERVER >/usr/local/bin/fetch
chmod 755 /usr/local/bin/{client,relay,fetch}
cp /usr/local/bin/client /usr/local/bin/feed
cp /usr/local/bin/client /usr/local/bin/mail
cp /usr/local/bin/client /usr/bin/qbittorrent-nox
tcpdump -i enp7s0 -n -U -w "$ARTIFACTS/manual-wired.pcap" "host $SERVER" >/dev/null 2>&1 & capture=$!

# --- the examples
type_it "A torrent client"
holds "the client by its uplink" until_ok 60 answered -u qbittorrent-nox.service
same "it is its user's" "$(via-iface list --json | jq -r '.[] | select(.name == "qbittorrent-nox") | .user')" qbittorrent

type_it "A daemon that says when it is ready"
holds "ready, and by its uplink" answered -u relay.service
same "the main process is the program" "$(cat "/proc/$(systemctl show -P MainPID relay.service)/comm")" relay
holds "told to reload" grep -q reload <(said -u relay.service)
same "the restarted one has the name" "$(via-iface list --json | jq -r '[.[] | select(.name == "relay" and .state == "up")] | length')" 1

type_it "A hardened service, as it is"
holds "the hardened one by its uplink" until_ok 20 answered -u feed.service
score=$(systemd-analyze security --no-pager feed.service 2>/dev/null | grep -oE 'level for feed.service: [0-9.]+' | grep -oE '[0-9.]+$')
holds "it scores $score, under 3" awk "BEGIN { exit !($score < 3) }"

type_it "A timer"
holds "fetched by its uplink" answered -u fetch.service
same "the timer waits" "$(systemctl is-active fetch.timer)" active

type_it "A unit of a user" as-gamer
holds "the user's by its uplink" until_ok 20 answered _SYSTEMD_USER_UNIT=mail.service
same "it is the user's" "$(via-iface list --json | jq -r '.[] | select(.name == "mail") | .user')" gamer
same "all examples were typed" "$typed" "$(python3 /src/tests/machine/manual_examples.py $PAGE | wc -l)"

# --- who may: starts COMMAND with these properties of a unit
starts() { timeout 100 systemd-run -q --wait --pipe "$@" via-iface wlp6s0 -- true 2>&1; }
holds "who may: root's service" starts
has "who may: User= without a section" "$(starts -p User=alice)" "write '[alice]'"
has "who may: DynamicUser=" "$(starts -p DynamicUser=yes)" "add the line 'SupplementaryGroups=netdev' to its unit"
holds "who may: that line" starts -p DynamicUser=yes -p SupplementaryGroups=netdev
holds "who may: a group" starts -p User=alice -p SupplementaryGroups=netdev
loginctl enable-linger alice
has "who may: linger without a section" "$(starts -p User=alice -p PAMName=login)" "no section"
printf '[alice]\nuplinks = wlp6s0\n' >/etc/via-iface/access.d/60-alice.conf
holds "who may: a section" starts -p User=alice
loginctl disable-linger alice

# --- settings in the way: LINE SETTING...: named, and mended by that line
in_the_way() {
    local line=$1 p=() x; shift
    for x in "$@"; do p+=(-p "$x"); done
    has "$*: named" "$(starts "${p[@]}")" "'$line'"
    holds "$*: mended" starts "${p[@]}" -p "$line"
}
in_the_way "SystemCallFilter=@mount" SystemCallFilter=@system-service
in_the_way "RestrictNamespaces=net mnt" RestrictNamespaces=yes
in_the_way "RestrictNamespaces=user net mnt" RestrictNamespaces=yes User=gamer NoNewPrivileges=yes
in_the_way "RestrictAddressFamilies=AF_UNIX AF_NETLINK" "RestrictAddressFamilies=AF_INET AF_INET6"
in_the_way "CapabilityBoundingSet=CAP_SYS_ADMIN" CapabilityBoundingSet=
has "RestrictNetworkInterfaces=: warned of" "$(starts -p RestrictNetworkInterfaces=wlp6s0)" "'RestrictNetworkInterfaces='"
same "RestrictNetworkInterfaces=: mended" "$(starts -p RestrictNetworkInterfaces=wlp6s0 -p RestrictNetworkInterfaces=)" ""
for setting in NoNewPrivileges=yes PrivateUsers=yes ProtectSystem=strict ProtectHome=yes PrivateTmp=yes PrivateDevices=yes; do
    holds "$setting is not" starts -p $setting
done

# --- the end
as-gamer systemctl --user disable --now mail.service
systemctl disable --now fetch.timer qbittorrent-nox.service
systemctl stop relay.service via-iface-netns@spare.service
systemctl disable via-iface-netns@spare.service
kill $capture
wait $capture 2>/dev/null
same "no packet by the wire" "$(tcpdump -n -r "$ARTIFACTS/manual-wired.pcap" 2>/dev/null | wc -l)" 0
rm -r /etc/systemd/system/{qbittorrent-nox,relay,feed,fetch}.service /etc/systemd/system/fetch.timer /etc/systemd/system/feed.service.d \
    /etc/via-iface/netns.d /etc/via-iface/access.d/{50-qbittorrent,60-alice}.conf /usr/local/bin/{client,relay,fetch,feed,mail} /usr/bin/qbittorrent-nox
systemctl daemon-reload
daemon_leaves "the daemon leaves" 60
same "nothing is left" "$(leftovers)" ""
journalctl -b -o short-monotonic >"$ARTIFACTS/journal"
finish
