#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package with systemd: a named network namespace by its template unit, made before its
# uplink is there, and an untouched, hardened service in it by the drop-in of via-iface(1), SERVICES.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
state() { via-iface netns list --json | jq -r '.[] | select(.name == "box") | .state'; }
is_state() { [ "$(state)" = "$1" ]; }
is_active() { [ "$(systemctl is-active "$1")" = "$2" ]; }
answered() { [ "$(ip netns exec box curl -s --max-time 3 "http://$SERVER/whoami" | first)" = "$1" ]; }
logged() { grep -qs "$1" /run/hardened/log; }

mkdir -p /etc/via-iface/netns.d
printf '[netns]\nuplink = wlp6s0\n' >/etc/via-iface/netns.d/box.conf
cat >/etc/systemd/system/hardened.service <<E
[Service]
ExecStart=/bin/sh -c 'while :; do curl -s --max-time 3 http://$SERVER/whoami >>/run/hardened/log; sleep 1; done'
RuntimeDirectory=hardened
DynamicUser=yes
ProtectSystem=strict
ProtectHome=yes
PrivateDevices=yes
PrivateUsers=yes
ProtectKernelTunables=yes
ProtectKernelModules=yes
ProtectKernelLogs=yes
ProtectControlGroups=yes
ProtectClock=yes
ProtectHostname=yes
ProtectProc=invisible
ProcSubset=pid
CapabilityBoundingSet=
NoNewPrivileges=yes
RestrictNamespaces=yes
RestrictSUIDSGID=yes
RestrictRealtime=yes
LockPersonality=yes
MemoryDenyWriteExecute=yes
RestrictAddressFamilies=AF_INET AF_INET6
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallFilter=~@privileged @resources
UMask=0077
E
netns_drop_in hardened.service box
systemctl daemon-reload
score=$(systemd-analyze security --no-pager hardened.service 2>/dev/null | grep -oE 'level for hardened.service: [0-9.]+' | grep -oE '[0-9.]+$')
holds "hardened.service scores $score in systemd-analyze security" awk "BEGIN { exit !($score < 3) }"

# --- before the uplink
nmcli -w 20 dev disconnect wlp6s0 >/dev/null
tcpdump -i enp7s0 -n -w "$ARTIFACTS/services-wired.pcap" "host $SERVER" >/dev/null 2>&1 & capture=$!
started=$(systemctl start via-iface-netns@box.service 2>&1 || journalctl -b -o cat -u via-iface-netns@box.service | tail -n 3)
same "the unit starts without the uplink" "$started" ""
same "the namespace is blocked" "$(state)" blocked
same "the unit stays" "$(systemctl is-active via-iface-netns@box.service)" active
group=/sys/fs/cgroup$(systemctl show -P ControlGroup via-iface-netns@box.service)
same "the daemon is in no cgroup of the unit's" "$(grep -cxF "$(pgrep -x via-ifaced)" "$group/cgroup.procs")" 0
holds "the service starts" systemctl start hardened.service
nmcli -w 60 con up wifi >/dev/null
holds "up with the uplink" until_ok 30 is_state up
holds "ip netns exec" until_ok 10 answered "$(address wlp6s0)"
holds "the service goes by it" until_ok 20 logged "$(address wlp6s0)"
kill $capture
wait $capture 2>/dev/null
same "no packet by the wire" "$(tcpdump -n -r "$ARTIFACTS/services-wired.pcap" 2>/dev/null | wc -l)" 0
holds "moved, and goes on" sh -c "via-iface move box enp7s0 && via-iface move box wlp6s0 --only"

# --- the end, in both orders
systemctl stop via-iface-netns@box.service
holds "the service ends with the namespace" until_ok 20 is_active hardened.service inactive
holds "the name is gone" test ! -e /run/netns/box -a ! -e /etc/netns/box
systemctl start hardened.service
holds "the service starts the namespace" is_active via-iface-netns@box.service active
ip netns del box
systemctl stop hardened.service
holds "deleted by hand, the unit ends" until_ok 60 is_active via-iface-netns@box.service inactive
rm -r /etc/systemd/system/hardened.service /etc/systemd/system/hardened.service.d /etc/via-iface/netns.d
systemctl daemon-reload
daemon_leaves "the daemon leaves" 60
same "nothing is left" "$(leftovers)" ""
journalctl -b -o short-monotonic >"$ARTIFACTS/journal"
finish
