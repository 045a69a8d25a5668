#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# With resolved, nscd and Docker: who is asked for names by programs that others start in a kept or
# an attached namespace. The name servers of both uplinks answer for uplink.test, each by itself.
. /src/tests/machine/lib.sh
NAME=uplink.test BY_WIRE=10.7.7.7 BY_WIFI=10.6.6.6
LOG=/run/lab/dns-wired.log # of the name server behind the wire
# asked COMMAND…: its first word of output; in $wire how many questions the wired server got meanwhile
asked() { local before; before=$(grep -c "$NAME" "$LOG"); said=$("$@" 2>/dev/null | first); wire=$(($(grep -c "$NAME" "$LOG") - before)); }
by_wifi() { local what=$1; shift; asked "$@"; same "$what: the answer" "$said" "$BY_WIFI"; same "$what: questions on the wire" "$wire" 0; }
lookup="getent ahostsv4 $NAME"
echo "libraries: $(ls /lib/*/libnss_*.so.2 | xargs -n1 basename | tr '\n' ' ')"
cp /etc/nsswitch.conf /tmp/nsswitch.conf

# resolved asks the servers of both uplinks at once and takes the first answer, unless one is
# named for all domains (resolvectl(1), `~.`); then a question that leaves the session is one by the wire.
if systemctl -q is-active systemd-resolved; then resolvectl domain enp7s0 wired.lan '~.'; fi
asked $lookup
same "the host itself asks by the wire" "$said" "$BY_WIRE"
for services in "files dns" "files resolve [!UNAVAIL=return] dns" "files mdns4_minimal [NOTFOUND=return] resolve dns"; do
    sed -i "s/^hosts:.*/hosts: $services/" /etc/nsswitch.conf
    resolvectl flush-caches 2>/dev/null
    via-iface --keep --name kept wlp6s0 -- true || bad "kept with '$services'" "$?" 0
    by_wifi "ip netns exec, hosts: $services" ip netns exec kept $lookup
    by_wifi "a unit, hosts: $services" systemd-run -q --pipe --wait -p NetworkNamespacePath=/run/netns/kept \
        -p BindReadOnlyPaths=/etc/netns/kept/resolv.conf:/etc/resolv.conf \
        -p BindReadOnlyPaths=/etc/netns/kept/nsswitch.conf:/etc/nsswitch.conf \
        -p "InaccessiblePaths=-/run/nscd -/run/systemd/resolve/io.systemd.Resolve -/run/avahi-daemon" $lookup
    ip netns del kept
    until_ok 20 test ! -e /etc/netns && ok "no file is left" || bad "no file is left" "$(find /etc/netns)" ""
done

systemctl start nscd && until_ok 5 test -S /run/nscd/socket
refusal=$(via-iface --keep --name kept wlp6s0 -- true 2>&1)
same "with nscd --keep is refused" "$?" 125
case $refusal in *nscd*) ok "and it says by whom" ;; *) bad "and it says by whom" "$refusal" nscd ;; esac
cp /etc/nscd.conf /tmp/nscd.conf
printf 'enable-cache hosts no\n' >>/etc/nscd.conf
systemctl restart nscd && until_ok 5 test -S /run/nscd/socket
until_ok 20 sh -c '! via-iface list | grep -q kept'
via-iface --keep --name kept wlp6s0 -- true && by_wifi "nscd without host names" ip netns exec kept $lookup
ip netns del kept
systemctl stop nscd
cp /tmp/nscd.conf /etc/nscd.conf

ip netns add box
sed -i "s/^hosts:.*/hosts: files resolve [!UNAVAIL=return] dns/" /etc/nsswitch.conf
via-iface attach wlp6s0 --netns box >/dev/null && by_wifi "attached by name" ip netns exec box $lookup
via-iface detach box >/dev/null
ip netns exec box sleep 600 & held=$!
# `ip netns exec` has the host's nss-resolve in sight until there are files for it
until_ok 5 test "$(cat /proc/$held/comm)" = sleep
via-iface attach wlp6s0 --pid $held --name box 2>/tmp/refusal >/dev/null
if ls /lib/*/libnss_resolve.so.2 >/dev/null 2>&1 || [ -S /run/systemd/resolve/io.systemd.Resolve ]; then
    same "a process whose names resolved looks up is refused" "$(grep -c systemd-resolved /tmp/refusal)" 1
fi
kill $held; wait $held 2>/dev/null
ip netns del box

if command -v docker >/dev/null && systemctl start docker 2>/dev/null; then
    files="/usr/bin/getent /usr/bin/sleep $(for p in /usr/bin/getent /usr/bin/sleep; do ldd $p; done | grep -o '/[^ ]*') $(ls /lib/*/libnss_dns.so.2 /lib/*/libnss_files.so.2 /lib/*/libresolv.so.2 2>/dev/null)"
    tar --hard-dereference -chf - $(printf "%s\n" $files | sort -u) 2>/dev/null | docker import - via-names >/dev/null
    docker network create names >/dev/null
    container=$(docker run -d --network names via-names /usr/bin/sleep 600)
    pid=$(docker inspect -f '{{.State.Pid}}' "$container")
    same "its resolver" "$(docker exec "$container" /usr/bin/getent ahostsv4 $NAME | first)" "$BY_WIRE"
    via-iface attach --ifname via0out --replace-route wlp6s0 --pid "$pid" --name docked >/dev/null
    by_wifi "a container of Docker's" docker exec "$container" /usr/bin/getent ahostsv4 $NAME
    via-iface pause docked >/dev/null
    asked docker exec "$container" /usr/bin/getent ahostsv4 $NAME
    same "paused: no answer" "$said" ""
    same "paused: questions on the wire" "$wire" 0
    via-iface detach docked >/dev/null
    same "detached: as before" "$(docker exec "$container" /usr/bin/getent ahostsv4 $NAME | first)" "$BY_WIRE"
    docker rm -f "$container" >/dev/null
    docker network rm names >/dev/null
    docker rmi via-names >/dev/null
    systemctl stop docker docker.socket
else
    echo "# no Docker here"
fi
cp /tmp/nsswitch.conf /etc/nsswitch.conf
finish
