#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The Debian package, with systemd, logind, NetworkManager, AppArmor and a real Wi-Fi station:
# installed, used with and without a seat, killed, upgraded under a session, removed under one,
# purged. The user gamer sits at the machine, alice does not.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs, not what lies in the tree
deb=$(ls /src/packages/via-iface_*.deb)
daemon() { systemctl show -P MainPID via-iface.service; }
idle() { [ "$(systemctl is-active via-iface.service)" = inactive ] && ! ip link show via0; }
files() { # what a package may leave, and whose traces are no business of ours
    find /etc /lib /usr /var /run -xdev \( -path /var/lib/dpkg -o -path /var/cache -o -path /var/log -o -path /run/udev \
        -o -path /run/systemd/transient -o -path /run/systemd/units -o -path /run/systemd/journal -o -path /run/log -o -path /run/user \
        -o -path /run/systemd/propagate -o -path /run/systemd/generator -o -path /run/credentials -o -path /var/lib/systemd/timers \
        -o -path /run/systemd/ask-password-block \
        -o -path /run/NetworkManager -o -path /run/systemd/sessions -o -path /run/lab -o -path /var/tmp -o -path /var/lib/NetworkManager \) -prune -o -print | LC_ALL=C sort
}
network() { ip -d link | grep -vE "^ +(link|RX|TX)|gc_timer"; ip rule; ip -6 rule; ip route show table all | grep -v expires; nft list ruleset; sysctl -n net.ipv4.conf.{wlp6s0,enp7s0,all}.forwarding net.ipv6.conf.all.forwarding; }
denied() { journalctl -k -o cat --no-pager | grep -c 'apparmor="DENIED".*via-i'; }

wired=$(address enp7s0) wifi=$(address wlp6s0)
echo "wired $wired, wifi $wifi, $(basename "$deb")"
files >/tmp/files.before
network >/tmp/network.before

# --- installed
dpkg -i "$deb" >/tmp/dpkg.log 2>&1 && ok "installs" || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
same "file capability" "$(getcap /usr/libexec/via-iface/via-iface-enter)" "/usr/libexec/via-iface/via-iface-enter cap_sys_admin=p"
same "nothing is set-id" "$(dpkg -L via-iface | xargs -d '\n' -I{} find {} -maxdepth 0 -type f -perm /6000 2>/dev/null)" ""
same "the socket listens, now and after a boot" "$(systemctl is-active via-iface.socket; systemctl is-enabled via-iface.socket)" $'active\nenabled'
same "no daemon runs yet" "$(systemctl is-active via-iface.service)" inactive
same "runtime directory" "$(stat -c '%a %U' /run/via-iface)" "711 root"
score=$(systemd-analyze security --no-pager via-iface.service | awk '/Overall exposure/ { for (i = 1; i <= NF; i++) if ($i ~ /^[0-9.]+$/) print $i }')
awk "BEGIN { exit !($score < 3) }" && ok "systemd-analyze security: $score" || bad "systemd-analyze security" "$score" "under 3"
same "its profile is enforced" "$(aa-status --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["profiles"].get("via-ifaced"))')" enforce

# --- used
same "root, by the Wi-Fi" "$(via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$wifi"
[ $failed = 0 ] || { journalctl -k -o cat --no-pager | grep DENIED | head -10; journalctl -u via-iface.service -o cat --no-pager | tail -5; exit 1; }
same "the daemon is confined" "$(cat /proc/"$(daemon)"/attr/current)" "via-ifaced (enforce)"
same "and has two capabilities, and a filter" "$(awk '/^(CapBnd|NoNewPrivs|Seccomp):/ { print $2 }' /proc/"$(daemon)"/status | tr '\n' ' ')" "0000000000201000 1 2 "
if [ -e /etc/via-iface/access.conf ]; then
    same "who sits at the machine, without sudo" "$(as-gamer via-iface wlp6s0 -- curl -s -m 30 http://$SERVER/whoami)" "$wifi"
    same "as themselves" "$(as-gamer via-iface wlp6s0 -- id -un)" gamer
    same "with all capabilities gone" "$(as-gamer via-iface wlp6s0 -- sh -c 'awk "/^Cap(Prm|Eff|Amb)/ { print \$2 }" /proc/self/status' | sort -u)" 0000000000000000
else
    echo "# no access policy in this version: only root is tried"
fi
runuser -u alice -- via-iface wlp6s0 -- true 2>/tmp/refused
same "who does not sit there is refused" "$?" 125
grep -q . /tmp/refused && ok "and told why: $(head -c 160 /tmp/refused)" || bad "and told why" "" "a reason"

# --- a program keeps its caller's confinement: there is no profile for enter
printf 'abi <abi/3.0>,\nprofile via-test flags=(attach_disconnected) { capability, network, file, mount, umount, signal, ptrace, unix, dbus, }\n' | apparmor_parser -r
same "confined caller" "$(aa-exec -p via-test -- via-iface wlp6s0 -- cat /proc/self/attr/current)" "via-test (enforce)"
printf 'abi <abi/3.0>,\nprofile via-test {}\n' | apparmor_parser -R

# --- killed, upgraded
via-iface wlp6s0 -- sleep 900 & held=$!
until_ok 10 sh -c "via-iface list | grep -q sleep"
inside() { nsenter --net=/proc/$held/ns/net curl -s -m 8 http://$SERVER/whoami; }
works() { [ "$(inside)" = "$wifi" ]; }
holds "a held session works" works
old=$(daemon)
systemctl kill -s KILL via-iface.service
another() { [ "$(systemctl is-active via-iface.service)" = active ] && [ "$(daemon)" != "$old" ] && [ "$(daemon)" != 0 ]; }
until_ok 10 another && ok "killed: another daemon at once" || bad "killed: another daemon" "$(systemctl is-active via-iface.service)" active
nft flush ruleset
until_ok 10 works && ok "which heals the session" || bad "which heals the session" "$(inside)" "$wifi"
old=$(daemon)
dpkg -i "$deb" >/tmp/dpkg.log 2>&1 && ok "installs over itself, under a session" || bad "installs over itself" "$(tail -n 5 /tmp/dpkg.log)" ""
until_ok 10 another && ok "the daemon is the new one" || bad "the daemon is the new one" "$(daemon)" "another than $old"
holds "the session works on" works
same "the capability is there again" "$(getcap /usr/libexec/via-iface/via-iface-enter)" "/usr/libexec/via-iface/via-iface-enter cap_sys_admin=p"
same "the session is known" "$(via-iface list | grep -c sleep)" 1
kill $held; wait $held 2>/dev/null
until_ok 15 idle && ok "idle: the daemon leaves" || bad "idle: the daemon leaves" "$(systemctl is-active via-iface.service)" inactive
same "the socket stays" "$(systemctl is-active via-iface.socket)" active
network >/tmp/network.after
diff /tmp/network.before /tmp/network.after >/tmp/diff && ok "the network is as before" || { bad "the network is as before" "$(grep -c . /tmp/diff) lines" 0; head -20 /tmp/diff; }
same "denied by AppArmor so far" "$(denied)" 0

# --- removed under a session, purged
via-iface wlp6s0 -- sleep 900 & held=$!
until_ok 10 works && ok "one more session" || bad "one more session" "$(inside)" "$wifi"
dpkg -r via-iface >/tmp/dpkg.log 2>&1 && ok "removes" || bad removes "$(tail -n 5 /tmp/dpkg.log)" ""
same "its session has no network left" "$(inside)" ""
same "nothing of ours is left" "$(leftovers; ls -d /run/via-iface 2>/dev/null)" ""
dpkg -P via-iface >/tmp/dpkg.log 2>&1 && ok "purges" || bad purges "$(tail -n 5 /tmp/dpkg.log)" ""
kill $held; wait $held 2>/dev/null
same "no unit is left" "$(systemctl list-units --all --no-legend 'via-iface*' | grep -v not-found; systemctl list-unit-files --no-legend 'via-iface*')" ""
files >/tmp/files.after
same "no file is left" "$(LC_ALL=C comm -13 /tmp/files.before /tmp/files.after | head -20)" "" # debhelper may take empty folders away
network >/tmp/network.after
diff /tmp/network.before /tmp/network.after >/tmp/diff && ok "the network is as before" || { bad "the network is as before" "$(grep -c . /tmp/diff) lines" 0; head -20 /tmp/diff; }
same "denied by AppArmor" "$(denied)" 0
journalctl -k -o cat --no-pager | grep 'apparmor="DENIED".*via-i' | head -10
journalctl -u via-iface.service -o cat --no-pager | grep -viE "^(Starting|Started|Stopping|Stopped|Finished)|Deactivated" | head -15
finish
