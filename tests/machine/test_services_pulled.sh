#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The uplink is pulled while services boot, start, run, reload, restart and stop: no packet and no
# question for a name leaves by the other card. One service is in a named namespace by its drop-in, one
# has via-iface in its command line. Then 16 units at once, while no daemon and no socket is there.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
is_active() { [ "$(systemctl is-active "$1")" = "$2" ]; }
pull() { nmcli -w 20 dev disconnect wlp6s0 >/dev/null; }
# what they have printed until then does not count
back() { nmcli -w 60 con up wifi >/dev/null; truncate -s 0 /run/pulled/*; }

# --- two services that ask for a name and fetch a page, over and over
mkdir -p /etc/via-iface/netns.d /run/pulled
printf '[netns]\nuplink = wlp6s0\n' >/etc/via-iface/netns.d/box.conf
cat >/usr/local/bin/client <<E
#!/bin/bash
trap 'echo reload >>/run/pulled/\$1' HUP
while :; do
    getent ahosts "\$1.svc.test" >/dev/null
    echo "\$(curl -s --max-time 2 http://$SERVER/whoami)" >>/run/pulled/\$1
    sleep 0.2
done
E
chmod 755 /usr/local/bin/client
printf '[Service]\nExecStart=/usr/local/bin/client boxed\nExecReload=/bin/kill -HUP $MAINPID\nTimeoutStopSec=5\n' >/etc/systemd/system/boxed.service
netns_drop_in boxed.service box
cat >/etc/systemd/system/waiting.service <<'E'
[Service]
ExecStart=/usr/bin/via-iface --wait --name %N wlp6s0 -- /usr/local/bin/client waiting
ExecReload=/bin/kill -HUP $MAINPID
TimeoutStopSec=5
E
systemctl daemon-reload

tcpdump -i enp7s0 -n -U -w "$ARTIFACTS/pulled-wired.pcap" "host $SERVER or host $SERVER6" >/dev/null 2>&1 & capture=$!
lines() { cat "/run/pulled/$1" 2>/dev/null | wc -l; }
goes_on() { [ "$(lines "$1")" -gt "$2" ]; }
# it was answered, by its uplink
served() { awk '{ print $1 }' "/run/pulled/$1" | grep -qxF "$(address wlp6s0)"; }
tries() { # PHASE SERVICE: it tries twice more without its uplink
    local before; before=$(lines "$2")
    holds "$1: $2 tries" until_ok 20 goes_on "$2" $((before + 1))
    same "$1: $2 is active" "$(systemctl is-active "$2.service")" active
}
serves() { for service in boxed waiting; do holds "$1: $service by its uplink" until_ok 30 served $service; done; }

pull
systemctl stop via-iface.service via-iface.socket
systemctl start via-iface.socket
holds "boot: both start without the uplink" systemctl start --no-block boxed.service waiting.service
holds "boot: boxed runs" until_ok 60 is_active boxed.service active
tries boot boxed
same "boot: waiting waits" "$(lines waiting)" 0
back
serves boot

systemctl stop boxed.service waiting.service via-iface-netns@box.service
systemctl start --no-block boxed.service waiting.service
pull
holds "start: boxed runs" until_ok 20 is_active boxed.service active
tries start boxed
same "start: waiting was not ended" "$(systemctl is-active waiting.service)" active
back
serves start

pull
tries run boxed
tries run waiting
back
serves run

systemctl reload --no-block boxed.service waiting.service
pull
tries reload boxed
tries reload waiting
for service in boxed waiting; do holds "reload: $service was told" until_ok 10 grep -q reload /run/pulled/$service; done
back
serves reload

systemctl restart --no-block boxed.service waiting.service
pull
holds "restart: boxed runs" until_ok 20 is_active boxed.service active
tries restart boxed
same "restart: waiting was not ended" "$(systemctl is-active waiting.service)" active
back
serves restart
same "restart: the name stays" "$(via-iface list --json | jq -r '.[] | select(.pids != [] and (.name | startswith("waiting"))) | "\(.name) \(.state)"')" "waiting up"

systemctl stop --no-block boxed.service waiting.service
pull
for service in boxed waiting; do holds "stop: $service ends" until_ok 20 is_active $service.service inactive; done
systemctl stop via-iface-netns@box.service
back

kill $capture
wait $capture 2>/dev/null
same "no packet by the wire" "$(tcpdump -n -r "$ARTIFACTS/pulled-wired.pcap" 2>/dev/null | wc -l)" 0
same "no question by the wire" "$(grep -c svc.test /run/lab/dns-wired.log)" 0
holds "questions by the uplink" grep -q svc.test /run/lab/dns-wifi.log
cp /run/lab/dns-wired.log /run/lab/dns-wifi.log "$ARTIFACTS/"

# --- 16 at once; neither daemon nor socket is there
cat >/etc/systemd/system/many@.service <<E
[Service]
ExecStart=/usr/bin/via-iface --name many-%i wlp6s0 -- /bin/sh -c 'curl -s --max-time 20 http://$SERVER/whoami >/run/pulled/many-%i; exec sleep infinity'
E
systemctl daemon-reload
daemon_leaves "the daemon leaves" 60
systemctl stop via-iface.socket via-iface.service
many=$(seq -f 'many@%g.service' 16)
all_served() { [ "$(cat /run/pulled/many-* 2>/dev/null | awk '{ print $1 }' | grep -cxF "$(address wlp6s0)")" = 16 ]; }
# shellcheck disable=SC2086 # words
holds "16 units start" systemctl start $many
holds "all by the uplink" until_ok 60 all_served
same "16 sessions" "$(via-iface list --json | jq length)" 16
same "the daemon is systemd's" "$(sed -n 's/^0:://p' "/proc/$(pgrep -xo via-ifaced)/cgroup")" /system.slice/via-iface.service
# shellcheck disable=SC2086
systemctl stop $many
rm -r /etc/systemd/system/{boxed,waiting,many@}.service /etc/systemd/system/boxed.service.d /etc/via-iface/netns.d /usr/local/bin/client
systemctl daemon-reload
daemon_leaves "the daemon leaves at the end" 60
same "nothing is left" "$(leftovers)" ""
journalctl -b -o short-monotonic >"$ARTIFACTS/journal"
finish
