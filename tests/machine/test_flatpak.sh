#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Flatpak, with a runtime and an app that are made here from the machine's own programs: `flatpak run`
# in a session, names in both DNS modes, a second start, the exported menu entry; and what an app has
# done outside of its sandbox: that leaves by the wire, and is warned of.
. /src/tests/machine/lib.sh
PATH=${PATH#/src/build/src:} # what the package installs
ID=org.example.Via
HOME_OF=/home/gamer DATA=/home/gamer/.var/app/$ID/data
dpkg -i /src/packages/via-iface_*.deb /src/packages/via-iface-tray_*.deb >/tmp/dpkg.log 2>&1 && ok installs || { bad installs "$(tail -n 5 /tmp/dpkg.log)" ""; exit 1; }
flatpak --version
wired=$(address enp7s0) wifi=$(address wlp6s0)
as() { as-gamer -n env XDG_RUNTIME_DIR=/run/user/$(id -u gamer) DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/$(id -u gamer)/bus "$@"; }

# --- a runtime, an app, a repository

W=/tmp/flatpak
mkdir -p $W/runtime/usr/bin $W/runtime/usr/lib $W/runtime/files $W/app
with_libraries() { # PROGRAM DIRECTORY: with what the loader takes for it, at the same paths below /usr
    cp -L "$1" "$2/bin/"
    ldd "$1" | grep -oE '/[^ ]+' | while read -r library; do
        mkdir -p "$2/$(dirname "${library#/usr}")" && cp -L "$library" "$2/$(dirname "${library#/usr}")/"
    done
}
flatpak_spawn=$(find /usr/lib /usr/libexec -name flatpak-spawn 2>/dev/null | head -1)
for program in sh cat curl getent sleep readlink grep gdbus touch mv ${flatpak_spawn:+"$flatpak_spawn"}; do
    with_libraries "$(readlink -f "$(command -v "$program")")" $W/runtime/usr
done
[ -e $W/runtime/usr/bin/sh ] || mv $W/runtime/usr/bin/dash $W/runtime/usr/bin/sh
for module in files dns resolve; do cp -L /usr/lib/*/libnss_$module.so.2 $W/runtime/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/ 2>/dev/null; done
for library in $(ldd $(ls /usr/lib/*/libnss_resolve.so.2 2>/dev/null) 2>/dev/null | grep -oE '/[^ ]+'); do cp -L "$library" $W/runtime/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH)/; done
mkdir -p $W/runtime/usr/etc $W/runtime/usr/share
echo 'hosts: files resolve [!UNAVAIL=return] dns' >$W/runtime/usr/etc/nsswitch.conf # as the runtimes of Freedesktop have it
printf '[Runtime]\nname=org.example.Platform\n' >$W/runtime/metadata
cat >$W/via-app <<'A'
#!/bin/sh
# What it is asked for, also in a file, since a menu entry has no output.
case $1 in
who) curl -s -m 60 http://203.0.113.80/whoami ;;
who6) curl -s -g -m 60 'http://[2001:db8:ff::80]/whoami' ;;
name) getent ahostsv4 "$2" ;;
where) readlink /proc/self/ns/net ;;
host) flatpak-spawn --host curl -s -m 60 http://203.0.113.80/whoami ;;
bus) gdbus call --session --dest org.example.Outside --object-path / --method org.freedesktop.DBus.Peer.Ping ;;
hold) touch "$XDG_DATA_HOME/up"; exec sleep 1000 ;;
esac >"$XDG_DATA_HOME/new"
cat "$XDG_DATA_HOME/new"
mv "$XDG_DATA_HOME/new" "$XDG_DATA_HOME/answer"
A
chmod 755 $W/via-app
build() { as flatpak build-"$@" >/dev/null; }
make_app() { # ID PERMISSION...
    local id=$1 dir=$W/app-$1; shift
    build init "$dir" "$id" org.example.Platform org.example.Platform master || return
    mkdir -p "$dir/files/bin" "$dir/files/share/applications"
    cp $W/via-app "$dir/files/bin/via-app"
    printf '[Desktop Entry]\nType=Application\nName=Via\nExec=via-app who\n' >"$dir/files/share/applications/$id.desktop"
    chown -R gamer: "$dir"
    build finish "$dir" --command=via-app --share=network "$@" && build export --no-update-summary $W/repo "$dir" master
}
install() { build update-repo $W/repo; as flatpak --user install -y --noninteractive local "$@"; }
chown -R gamer: $W
build export --no-update-summary --disable-sandbox --runtime $W/repo $W/runtime master
build update-repo $W/repo
as flatpak --user remote-add --no-gpg-verify local file://$W/repo
holds "a runtime is installed" install org.example.Platform
make_app $ID
make_app $ID.Host --talk-name=org.freedesktop.Flatpak
make_app $ID.Bus --talk-name=org.example.Outside
holds "and three apps" install $ID $ID.Host $ID.Bus

# --- in a session

app() { as-gamer via-iface wlp6s0 -- flatpak run "$@"; }
NAME=uplink.test BY_WIFI=10.6.6.6 LOG=/run/lab/dns-wired.log # of the name server behind the wire
tcpdump -i enp7s0 -n -w "$ARTIFACTS/flatpak-wired.pcap" "host $SERVER or host $SERVER6" >/dev/null 2>&1 & capture=$!
same "its address" "$(app $ID who)" "$wifi"
addresses6 wlp6s0 | grep -qxF "$(app $ID who6)" && ok "its IPv6 address" || bad "its IPv6 address" "$(cat $DATA/answer)" "$(addresses6 wlp6s0)"
for mode in resolved plain; do
    lab.sh dns $mode >/dev/null 2>&1
    before=$(grep -c $NAME $LOG)
    same "a name with DNS $mode" "$(app $ID name $NAME | first)" $BY_WIFI
    same "questions on the wire with DNS $mode" "$(($(grep -c $NAME $LOG) - before))" 0
done
lab.sh dns resolved >/dev/null 2>&1

# --- a second start, while one runs in a session, and outside

hold() { rm -f $DATA/up; "$@" flatpak run $ID hold >/dev/null 2>&1 & until_ok 30 test -e $DATA/up; }
hold as-gamer via-iface --name held wlp6s0 --
same "a second start beside one by the same uplink" "$(app $ID who)" "$wifi"
same "exec" "$(as-gamer via-iface exec held -- flatpak run $ID who)" "$wifi"
refused=$(as-gamer via-iface enp7s0 -- flatpak run $ID who 2>&1)
same "by another uplink it is refused" $? 125
as-gamer flatpak kill $ID
until_ok 30 sh -c '! as-gamer via-iface list | grep -q held'
hold as-gamer
refused=$(app $ID who 2>&1)
same "while one runs outside it is refused" $? 125
has "with what to type" "$refused" "\`flatpak kill $ID\`"
as-gamer sh -c "flatpak kill $ID" # as the line says
ended() { ! as-gamer flatpak ps | grep -q $ID; }
until_ok 30 ended
same "after that it starts" "$(app $ID who)" "$wifi"

# --- the menu entry that flatpak exports

as-gamer via-iface desktop add $ID wlp6s0 >/tmp/added 2>&1 && ok "an entry for the exported one" || bad "an entry for the exported one" "$(cat /tmp/added)" ""
entry=$(find $HOME_OF/.local/share/applications -name '*.desktop' | head -1)
has "it runs flatpak" "$(grep ^Exec "$entry")" "flatpak run"
rm -f $DATA/answer
as-gamer gio launch "$entry" 2>/tmp/launched
answered() { [ "$(cat $DATA/answer 2>/dev/null)" = "$wifi" ]; }
until_ok 30 answered && ok "started from the menu" || bad "started from the menu" "$(cat $DATA/answer /tmp/launched)" "$wifi"
as-gamer via-iface desktop remove $ID >/dev/null 2>&1
kill $capture; wait $capture 2>/dev/null
same "packets on the wire" "$(tcpdump -n -r "$ARTIFACTS/flatpak-wired.pcap" 2>/dev/null | wc -l)" 0

# --- what an app may have done outside of its sandbox

said=$(app $ID.Host host 2>/tmp/warning)
same "flatpak-spawn --host leaves by the wire" "$said" "$wired"
has "and is warned of" "$(cat /tmp/warning)" "$ID.Host may start programs outside"
app $ID who 2>/tmp/warning >/dev/null
same "an app that may not is not warned of" "$(cat /tmp/warning)" ""
as flatpak --user override --talk-name=org.freedesktop.Flatpak $ID
has "but is with an override" "$(app $ID who 2>&1 >/dev/null)" "may start programs outside"
as flatpak --user override --no-talk-name=org.freedesktop.Flatpak $ID.Host
app $ID.Host who 2>/tmp/warning >/dev/null
same "and not where an override takes it back" "$(cat /tmp/warning)" ""

services=$HOME_OF/.local/share/dbus-1/services
as mkdir -p $services
printf '[D-BUS Service]\nName=org.example.Outside\nExec=/bin/sh -c "curl -s http://%s/whoami >%s/activated"\n' $SERVER $HOME_OF >$services/org.example.Outside.service
as gdbus call --session --dest org.freedesktop.DBus --object-path / --method org.freedesktop.DBus.ReloadConfig >/dev/null
app $ID.Bus bus >/dev/null 2>&1
activated() { [ "$(cat $HOME_OF/activated 2>/dev/null)" = "$wired" ]; }
until_ok 30 activated && ok "what the session bus starts leaves by the wire" || bad "what the session bus starts" "$(cat $HOME_OF/activated)" "$wired"

daemon_leaves "the daemon leaves" 60
same "nothing is left" "$(leftovers)" ""
finish
