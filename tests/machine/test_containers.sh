#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# `attach --container` with real engines: Docker, Podman as root and as a user, systemd-nspawn; a
# container that is restarted; published ports; and the OCI hook. The image is busybox alone. With
# arguments those parts alone (the list is near the end).
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
dpkg -i /src/packages/via-iface_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
WIFI=$(address wlp6s0) WIRE=$(address enp7s0)
ROOT=/var/tmp/image
mkdir -p $ROOT/bin $ROOT/usr/lib $ROOT/etc $ROOT/tmp $ROOT/proc $ROOT/sys $ROOT/dev $ROOT/run $ROOT/www
cp /bin/busybox $ROOT/bin/ && for name in sh wget timeout sleep httpd ip nslookup cat; do ln -sf busybox $ROOT/bin/$name; done
echo ID=box >$ROOT/usr/lib/os-release
echo hello >$ROOT/www/index.html
tar -C $ROOT -cf /var/tmp/image.tar .
# timeout(1), since wget's own -T is a segmentation fault in the busybox of Debian 12
LOOP="while :; do timeout 2 wget -q -O- http://$SERVER/whoami; sleep 0.1; done"
PATIENT=$((3 * PATIENCE))
whoami() { "$@" timeout $PATIENT wget -q -O- "http://$SERVER/whoami" 2>/dev/null | first; } # ENGINE exec CONTAINER
is_by() { [ "$(whoami "${@:2}")" = "$1" ]; }
from_outside() { [ "$(ip netns exec rwired curl -s --max-time $PATIENT "http://$WIRE:8080/")" = hello ]; }
starts_capture() { tcpdump -i enp7s0 -n -U -w "$ARTIFACTS/$1.pcap" "host $SERVER or host $SERVER6" >/dev/null 2>&1 & capture=$!; until_ok 10 test -s "$ARTIFACTS/$1.pcap"; }
ends_capture() { kill $capture; wait $capture 2>/dev/null; same "$2" "$(tcpdump -n -r "$ARTIFACTS/$1.pcap" 2>/dev/null | wc -l)" 0; }
# what a failure of an engine's own network is about
tells_network() { { "$1" exec web ip addr; "$1" exec web ip route; "$1" exec web timeout 3 wget -O- "http://$SERVER/whoami"; ip -br addr; ip route; sysctl net.ipv4.ip_forward; iptables-save -c; nft list ruleset; } >"$ARTIFACTS/$1-network" 2>&1; }
sessions() { via-iface list --json | jq -r '.[].name' | sort | xargs; }
is_session() { [ "$(sessions)" = "$1" ]; }

systemctl start docker && ok "Docker starts" || bad "Docker starts" "$(systemctl status docker | tail -n 5)" ""
iptables -P FORWARD ACCEPT # Docker drops what others forward, also for networks of Podman
holds "an image for Docker" docker import /var/tmp/image.tar box
holds "an image for Podman" podman import /var/tmp/image.tar localhost/box

# --- one line, published ports, a network that is connected later
own_network() { # ENGINE
    local engine=$1
    $engine run -d --name web -p 8080:80 box httpd -f -h /www >/dev/null || bad "$engine run" "$?" 0
    holds "$engine: published to outside" until_ok 20 from_outside
    holds "$engine: it goes by the wire" until_ok 10 is_by "$WIRE" $engine exec web
    is_by "$WIRE" $engine exec web || tells_network $engine
    starts_capture $engine
    said=$(via-iface attach wlp6s0 --container web 2>/tmp/warning)
    has "$engine: the session is called as the container" "$said" "session 'web' through wlp6s0"
    has "$engine: its default route is named" "$said" "has a default route by eth0 via"
    has "$engine: lost ports are named" "$(cat /tmp/warning)" "8080->80/tcp"
    same "$engine: it goes by the Wi-Fi" "$(whoami $engine exec web)" "$WIFI"
    own=$($engine exec web ip -4 addr show dev eth0 | awk '$1 == "inet" { sub("/.*", "", $2); print $2 }')
    same "$engine: reached from its own network" "$(curl -s --max-time $PATIENT "http://$own/")" hello
    from_outside && bad "$engine: not from outside, as was said" yes no || ok "$engine: not from outside, as was said"
    $engine network create second >/dev/null || bad "$engine network create" "$?" 0
    if [ $engine = docker ]; then # it takes any route but a default one for a conflict
        has "docker: refuses one more network while attached, as the manual says" "$($engine network connect second web 2>&1)" "conflicts with existing route"
        docker exec -d web sh -c "$LOOP" # and by no other uplink meanwhile: the capture goes on
        for step in "docker pause web" "via-iface detach --container web" "docker network connect second web" \
            "via-iface attach wlp6s0 --container web" "docker unpause web"; do
            # shellcheck disable=SC2086 # words
            holds "docker: paused for it: $step" $step
        done
    else
        holds "$engine: connects one more network while attached" $engine network connect second web
    fi
    holds "$engine: which it has" sh -c "[ \$($engine exec web ip -4 -o addr | grep -c ' eth[0-9]') = 2 ]"
    same "$engine: with it, by the Wi-Fi" "$(whoami $engine exec web)" "$WIFI"
    holds "$engine: disconnects it" $engine network disconnect second web
    $engine network rm second >/dev/null
    same "$engine: without it, by the Wi-Fi" "$(whoami $engine exec web)" "$WIFI"
    ends_capture $engine "$engine: no packet by the wire while attached"
    holds "$engine: detach" via-iface detach --container web
    holds "$engine: published to outside again" until_ok 10 from_outside
    same "$engine: by the wire again" "$(whoami $engine exec web)" "$WIRE"
    $engine rm -f web >/dev/null
}

# --- restarts, without a network of its own
restarts() { # ENGINE
    local engine=$1
    times=50
    $engine run -d --name loop --network none box sh -c "$LOOP" >/dev/null
    starts_capture $engine-restarts
    via-iface attach wlp6s0 --container loop --follow >/tmp/follow 2>&1 & follow=$!
    until_ok 20 grep -q following /tmp/follow
    again=0
    for n in $(seq $times); do
        $engine restart -t 0 loop >/dev/null
        until_ok 20 sh -c "[ \$(grep -c again /tmp/follow) -ge $n ]" && again=$((again + 1))
    done
    same "$engine: attached again after each of $times restarts" "$again" "$times"
    holds "$engine: and by the Wi-Fi" until_ok 20 is_by "$WIFI" $engine exec loop
    ends_capture $engine-restarts "$engine: no packet by the wire in $times restarts"
    kill $follow; wait $follow 2>/dev/null
    cp /tmp/follow "$ARTIFACTS/$engine-follow"
    $engine rm -f -t 0 loop >/dev/null 2>&1 || $engine rm -f loop >/dev/null
    holds "$engine: the session ends with the container" until_ok 20 is_session ""
}

# --- the hook: Podman starts a container attached, or not at all
hook() {
    starts_capture hook
    said=$(podman run --rm --annotation via-iface.uplink=wlp6s0 --name hooked box timeout $PATIENT wget -q -O- "http://$SERVER/whoami" 2>&1 | first)
    same "hook: the first packet goes by the Wi-Fi" "$said" "$WIFI"
    for annotation in uplink=--pid=1 uplink=nosuch0 "uplink=wlp6s0 enp7s0" pid=1 no-lan=maybe; do
        said=$(podman run --rm --annotation "via-iface.uplink=wlp6s0" --annotation "via-iface.$annotation" box sh -c 'echo it ran' 2>&1)
        rc=$?
        case $rc-$said in 0-* | *"it ran"*) bad "hook: $annotation is refused" "$rc $said" "" ;; *) ok "hook: $annotation is refused" ;; esac
    done
    ends_capture hook "hook: no packet by the wire"
    until_ok 20 is_session ""
}

# --- a user's own
users_own() {
    as-gamer podman import /var/tmp/image.tar localhost/box >/dev/null 2>&1
    as-gamer podman run -d --name mine box sh -c "$LOOP" >/tmp/mine 2>&1 || bad "rootless podman" "$(cat /tmp/mine)" ""
    said=$(as-gamer via-iface attach wlp6s0 --container mine 2>&1)
    has "rootless: attached by who runs it" "$said" "session 'mine' through wlp6s0"
    holds "rootless: by the Wi-Fi" until_ok 20 is_by "$WIFI" as-gamer podman exec mine
    as-gamer via-iface detach mine >/dev/null
    for who in root alice; do
        as=() && [ $who = root ] || as=(setpriv --reuid alice --regid alice --init-groups)
        said=$("${as[@]}" via-iface attach wlp6s0 --container mine 2>&1)
        same "rootless: refused to $who" "$?" 125
        echo "   $said"
    done
    as-gamer podman rm -f -t 0 mine >/dev/null 2>&1
}

# --- systemd-nspawn
nspawn() {
    systemd-run -q --unit nbox -p KillMode=mixed systemd-nspawn -q --keep-unit -D $ROOT -M nbox --private-network --as-pid2 /bin/sh -c "$LOOP" || bad "systemd-nspawn" "$?" 0
    if until_ok 20 machinectl -q status nbox; then
        said=$(via-iface attach wlp6s0 --container nbox 2>&1)
        has "nspawn: attached" "$said" "session 'nbox' through wlp6s0"
        leader=$(machinectl show nbox -p Leader --value)
        holds "nspawn: by the Wi-Fi" until_ok 20 is_by "$WIFI" nsenter -t "$leader" -n -m
        machinectl terminate nbox
        holds "nspawn: the session ends with it" until_ok 20 is_session ""
    else
        bad "nspawn starts" "$(systemctl status nbox | tail -n 5)" ""
    fi
}

parts="own_network:docker own_network:podman restarts:podman restarts:docker hook users_own nspawn"
# shellcheck disable=SC2086 # words
[ $# -gt 0 ] || set -- $parts
for part; do
    echo "   $part after $SECONDS s"
    "${part%%:*}" "${part#*:}"
done
daemon_leaves "the daemon leaves" 60
same "nothing is left" "$(leftovers)" ""
finish
