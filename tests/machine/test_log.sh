#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package with systemd's journal: each event of a session is one line there, with a field
# for each value and the reason, written by the confined daemon, in order and over a crash; the user
# gamer, who sits at the machine, sees by `via-iface log` what is theirs.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
since=$(date +%s) # --after-cursor of systemd 252 leaves out the first entry that -t lets through
# NetworkManager of sid sets net.ipv4.conf.*.forwarding with each connection, which is healed: not counted
ours='select(.VIA_IFACE_EVENT and (.VIA_IFACE_EVENT != "healed" or (.VIA_IFACE_REASON | test("forwarding") | not)))'
# EVENT, SESSION, UPLINK, FROM, UID and REASON of each entry, "-" for none
entries() {
    journalctl --since="@$since" -t via-ifaced -o json --no-pager |
        jq -r "$ours"' | [.VIA_IFACE_EVENT, .VIA_IFACE_SESSION, .VIA_IFACE_UPLINK, .VIA_IFACE_FROM, .VIA_IFACE_UID, .VIA_IFACE_REASON] | map(. // "-") | join("|")'
}
count=0
has_next() { [ "$(entries | grep -c .)" -ge $count ]; }
expect() { # WHAT-HAPPENED ENTRY: an extended regular expression for the next entry
    local got
    count=$((count + 1))
    until_ok 30 has_next || { bad "$1: an entry" none "$2"; entries; count=$((count - 1)); return; }
    got=$(entries | sed -n "${count}p")
    if grep -qxE "$2" <<<"$got"; then ok "$count, $1: $got"; else bad "$1" "$got" "$2"; fi
}
listed() { via-iface list --json | jq -e --arg name "$1" 'any(.[]; .name == $name)'; }
has_carrier() { ip link show wlp6s0 | grep -q LOWER_UP; }
no_carrier() { ! has_carrier; }
associated() { has_carrier && [ -n "$(address wlp6s0)" ]; }
ap_dies() { ip -n rwifi link set wlap0 down; until_ok 60 no_carrier; }
ap_lives() {
    ip -n rwifi link set wlap0 up
    systemctl restart lab-hostapd
    ip -n rwifi addr replace 2001:db8:6::1/64 dev wlap0 nodad # the kernel takes them with the link
    ip -n rwifi addr replace 192.168.60.1/24 dev wlap0
    until_ok 60 associated || nmcli -w 60 con up wifi >/dev/null
}
gamer=$(id -u gamer) alice=$(id -u alice)

as-gamer via-iface --name both wlp6s0,enp7s0 -- sleep 3600 & one=$!
expect "a session of gamer" "started\|both\|wlp6s0\|-\|$gamer\|-"
via-iface --name one wlp6s0 -- sleep 3600 & two=$!
expect "a session of root" "started\|one\|wlp6s0\|-\|0\|-"
nmcli -w 20 dev disconnect wlp6s0 >/dev/null
expect "disconnected" "failover\|both\|enp7s0\|wlp6s0\|$gamer\|.*(carrier|address|route).*"
expect "disconnected" "blocked\|one\|(wlp6s0|-)\|.*\|0\|.*(carrier|address|route).*"
nmcli -w 60 con up wifi >/dev/null
expect "connected" "unblocked\|one\|wlp6s0\|.*\|0\|.*"
expect "connected, and good for 5 s" "returned\|both\|wlp6s0\|enp7s0\|$gamer\|.+"
via-iface move one enp7s0
expect "moved" "moved\|one\|enp7s0\|wlp6s0\|0\|.*"
via-iface move one wlp6s0
expect "moved back" "moved\|one\|wlp6s0\|enp7s0\|0\|.*"
as-gamer via-iface pause both
expect "paused" "paused\|both\|.*\|$gamer\|.*"
as-gamer via-iface resume both
expect "resumed" "resumed\|both\|wlp6s0\|.*\|$gamer\|.*"
via-iface move one nosuch0 2>/dev/null
expect "to an uplink that is not there" "refused\|one\|.*\|0\|.*nosuch0.*"
runuser -u alice -- via-iface wlp6s0 -- true 2>/dev/null
expect "a user whom no section names" "refused\|.*\|$alice\|.+"
ip rule del priority 5180
expect "a rule of ours deleted" "healed\|-\|.*rule.*"
ip netns add box
via-iface attach wlp6s0 --netns box >/dev/null
expect "attached" "attached\|box\|wlp6s0\|-\|0\|.*"
via-iface detach box >/dev/null
expect "detached" "detached\|box\|.*\|0\|.*"
ip netns del box
before=$(systemctl show -P MainPID via-iface.service)
systemctl kill -s KILL via-iface.service
another() { [ "$(systemctl is-active via-iface.service)" = active ] && [ "$(systemctl show -P MainPID via-iface.service)" != "$before" ]; }
holds "another daemon after the crash" until_ok 10 another
ap_dies
expect "access point dead" "failover\|both\|enp7s0\|wlp6s0\|$gamer\|.*carrier.*"
expect "access point dead" "blocked\|one\|(wlp6s0|-)\|.*\|0\|.*carrier.*"
ap_lives
expect "access point back" "unblocked\|one\|wlp6s0\|.*\|0\|.*"
expect "access point back" "returned\|both\|wlp6s0\|enp7s0\|$gamer\|.+"
kill $one; wait $one 2>/dev/null
expect "the program of gamer ends" "ended\|both\|.*\|$gamer\|.*"
kill $two; wait $two 2>/dev/null
expect "that of root" "ended\|one\|.*\|0\|.*"
sleep 2 # what comes late
same "no entry more" "$(entries | grep -c .)" $count

all=$(journalctl --since="@$since" -t via-ifaced -o json --no-pager | jq -c "$ours")
field() { jq -r "select(.VIA_IFACE_EVENT == \"$1\" and .VIA_IFACE_SESSION == \"$2\") | .$3 // \"-\"" <<<"$all" | head -n 1; }
same "of the unit" "$(jq -r ._SYSTEMD_UNIT <<<"$all" | sort -u)" via-iface.service
same "written by root" "$(jq -r ._UID <<<"$all" | sort -u)" 0
same "a program" "$(field started both VIA_IFACE_PROGRAM)" sleep
same "its list" "$(field started both VIA_IFACE_UPLINKS)" wlp6s0,enp7s0
field ended both VIA_IFACE_DURATION | grep -qxE '[0-9]+' && ok "a duration" || bad "a duration" "$(field ended both VIA_IFACE_DURATION)" seconds
field ended both VIA_IFACE_RX_BYTES | grep -qxE '[0-9]+' && ok "and bytes" || bad "bytes" "$(field ended both VIA_IFACE_RX_BYTES)" number
field detached box VIA_IFACE_TX_BYTES | grep -qxE '[0-9]+' && ok "and bytes sent" || bad "bytes sent" "$(field detached box VIA_IFACE_TX_BYTES)" number
same "each kind of event has its own id" "$(jq -r '.MESSAGE_ID + " " + .VIA_IFACE_EVENT' <<<"$all" | sort -u | grep -c .)" "$(jq -r .VIA_IFACE_EVENT <<<"$all" | sort -u | grep -c .)"
same "one line each" "$(jq -r 'select(.MESSAGE | type != "string" or contains("\n")) | .MESSAGE' <<<"$all")" ""
same "of gamer, by via-iface log" "$(as-gamer via-iface log --json | jq -r 'select(.event != "healed") | .event + " " + .session' | sort)" \
    "$(jq -r "select(.VIA_IFACE_UID == \"$gamer\") | .VIA_IFACE_EVENT + \" \" + .VIA_IFACE_SESSION" <<<"$all" | sort)"
same "root is told of all" "$(via-iface log --json | jq -c 'select(.event != "healed" or (.reason | test("forwarding") | not))' | grep -c .)" $count
same "denied by AppArmor" "$(journalctl -k -o cat --no-pager | grep -c 'apparmor="DENIED".*via-i')" 0
journalctl --since="@$since" -t via-ifaced -o short-precise --no-pager
finish
