#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the chroot that ./desktops makes: starts one desktop as a plain user, two sessions, the tray and
# the window, and takes pictures of them: desktop.sh DESKTOP LOOK. "desktop.sh build" builds the tree.
desktop=$1 look=${2:-} failed=0
out=/results/$desktop-$look
rm -rf "$out" && mkdir -p "$out"
ok() { echo "ok - $desktop $look: $1"; }
bad() { echo "not ok - $desktop $look: $1"; failed=1; }
# bounded, for what has no event to wait for in a shell
until_ok() { local end=$((SECONDS + $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done; }

if [ "$desktop" = build ]; then
    cd /src || exit 1
    [ -d build-desktops ] || meson setup build-desktops -Dprefix=/usr -Dsysconfdir=/etc -Dtray=enabled -Dwindow=enabled || exit 1
    exec ninja -C build-desktops
fi
DESTDIR='' meson install -C /src/build-desktops --no-rebuild >"$out/install" 2>&1 || { tail -n 20 "$out/install"; exit 1; }
setcap cap_sys_admin=p /usr/libexec/via-iface/via-iface-enter
gtk-update-icon-cache -q -f /usr/share/icons/hicolor 2>/dev/null # as Debian's trigger does
getent group netdev >/dev/null || groupadd -r netdev
usermod -aG netdev gamer

mkdir -p /run/dbus /run/user/1000 /tmp/.X11-unix /tmp/.ICE-unix
chmod 1777 /tmp/.X11-unix /tmp/.ICE-unix && chown gamer: /run/user/1000 && chmod 700 /run/user/1000
dbus-daemon --system --fork
setsid /usr/libexec/via-iface/via-ifaced --stay 2>"$out/daemon" &
cat >/run/environment <<E2
HOME=/home/gamer
USER=gamer
LANG=C.UTF-8
PATH=/usr/local/bin:/usr/bin:/bin:/usr/sbin
XDG_RUNTIME_DIR=/run/user/1000
DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus
LIBGL_ALWAYS_SOFTWARE=1
DISPLAY=:7
GTK_A11Y=atspi
NO_AT_BRIDGE=0
E2
add() { printf '%s\n' "$@" >>/run/environment; }
gamer() { # COMMAND: as the user, in the desktop's environment
    local environment
    mapfile -t environment </run/environment
    (cd /home/gamer && exec setpriv --reuid=1000 --regid=1000 --init-groups env -i "${environment[@]}" "$@")
}
start() { local name=$1; shift; gamer setsid "$@" >"$out/$name.output" 2>&1 & } # NAME COMMAND
bus_has() { gamer gdbus call --session --dest org.freedesktop.DBus --object-path /org/freedesktop/DBus --method org.freedesktop.DBus.NameHasOwner "$1" | grep -q true; }
screenshot() { gamer xwd -root -silent >/tmp/picture.xwd && convert xwd:/tmp/picture.xwd "$out/$1.png"; }

gamer dbus-daemon --session --fork --address=unix:path=/run/user/1000/bus
size=1280x800
[ "$look" != scaled ] || size=2560x1600
start xvfb Xvfb :7 -ac -nolisten tcp -screen 0 "${size}x24" +extension GLX
until_ok 20 test -S /tmp/.X11-unix/X7
case $look in
dark) gamer gsettings set org.gnome.desktop.interface color-scheme prefer-dark
      gamer gsettings set org.gnome.desktop.interface gtk-theme Adwaita-dark ;;
scaled) case $desktop in xfce | plasma-x11) add GDK_SCALE=2 QT_SCALE_FACTOR=2 ;; esac ;;
esac
gamer gsettings set org.gnome.desktop.interface toolkit-accessibility true
environment() { gamer dbus-update-activation-environment --all; }

plasma() { # SESSION-TYPE
    add XDG_CURRENT_DESKTOP=KDE KDE_FULL_SESSION=true KDE_SESSION_VERSION=6 XDG_SESSION_TYPE="$1" XDG_MENU_PREFIX=plasma-
    case $1 in
    x11) add QT_QPA_PLATFORM=xcb; environment; start kwin kwin_x11 ;;
    *) add KWIN_SCREENSHOT_NO_PERMISSION_CHECKS=1
       start kwin kwin_wayland --x11-display :7 --width 1280 --height 800 --scale $([ "$look" = scaled ] && echo 2 || echo 1) --socket wayland-0 --no-lockscreen --xwayland
       until_ok 30 test -S /run/user/1000/wayland-0
       add WAYLAND_DISPLAY=wayland-0; environment ;;
    esac
    gamer plasma-apply-colorscheme $([ "$look" = dark ] && echo BreezeDark || echo BreezeLight) >/dev/null 2>&1
    start kded kded6
    start plasmashell plasmashell
}
gnome() {
    add XDG_CURRENT_DESKTOP=GNOME XDG_SESSION_TYPE=wayland MUTTER_DEBUG_DUMMY_MODE_SPECS=$size MUTTER_DEBUG_DUMMY_MONITOR_SCALES=$([ "$look" = scaled ] && echo 2 || echo 1)
    [ "$1" = no ] || gamer gsettings set org.gnome.shell enabled-extensions "['ubuntu-appindicators@ubuntu.com']"
    gamer gsettings set org.gnome.shell welcome-dialog-last-shown-version 999 2>/dev/null
    environment
    start gnome-shell gnome-shell --nested --wayland --unsafe-mode
    until_ok 40 test -S /run/user/1000/wayland-0
    add WAYLAND_DISPLAY=wayland-0; environment
    until_ok 60 bus_has org.gnome.Shell
    sleep 5; gamer xdotool mousemove 640 400 key Escape # it starts with the overview
}
xfce() {
    add XDG_CURRENT_DESKTOP=XFCE XDG_SESSION_TYPE=x11; environment
    [ "$look" != dark ] || gamer xfconf-query -c xsettings -p /Net/ThemeName -n -t string -s Adwaita-dark
    start xfsettingsd xfsettingsd
    start xfwm4 xfwm4
    start xfdesktop xfdesktop
    start panel xfce4-panel --disable-wm-check
    start notifyd /usr/lib/x86_64-linux-gnu/xfce4/notifyd/xfce4-notifyd
}
case $desktop in
plasma-x11) plasma x11 ;;
plasma-wayland) plasma wayland ;;
gnome) gnome no ;;
gnome-extension) gnome yes ;;
xfce) xfce ;;
esac
watcher=org.kde.StatusNotifierWatcher
if [ "$desktop" = gnome ]; then
    until_ok 60 bus_has org.gnome.Shell && ok "the shell is there" || bad "no shell"
else
    until_ok 90 bus_has $watcher && ok "the panel shows status notifier items" || bad "no $watcher"
fi
sleep 8 # a panel has no event for "drawn"

start steam via-iface wlp6s0 --name steam -- sleep 3600
until_ok 20 sh -c 'via-iface list | grep -q steam'
start backup via-iface wlp6s0,enp7s0 --name backup -- sleep 3600
until_ok 20 sh -c 'via-iface list | grep -q backup'
screenshot 1-before
gamer setsid dbus-monitor --session >"$out/bus" 2>&1 & # what the panel and the tray say to each other
monitor=$!
start tray via-iface-tray
items() { gamer gdbus call --session --dest $watcher --object-path /StatusNotifierWatcher --method org.freedesktop.DBus.Properties.Get $watcher RegisteredStatusNotifierItems; }
registered() { items | grep -q "[/:]"; }
if [ "$desktop" != gnome ]; then
    until_ok 20 registered && ok "the tray is registered: $(items)" || bad "the tray is not registered"
fi
sleep 4
screenshot 2-tray
ip link set wlp6s0 down # steam's session is blocked, backup's fails over
sleep 4
screenshot 3-blocked
kill $monitor
ip link set wlp6s0 up; ip route add default via 10.6.6.1 dev wlp6s0 metric 640
sleep 2
# the item is activated as the panel would
item=$(items 2>/dev/null | grep -o ":1\.[0-9]*" | head -n 1)
if [ -n "$item" ]; then
    gamer gdbus call --session --dest "$item" --object-path /StatusNotifierItem --method org.kde.StatusNotifierItem.Activate 10 10 >/dev/null &&
        ok "the item is activated" || bad "the item cannot be activated"
else
    start window via-iface-window
fi
sleep 8
screenshot 4-window
gamer python3 /src/tests/machine/atspi_tree.py >"$out/accessibility" 2>&1
grep -q "page tab" "$out/accessibility" && ok "the window is in the accessibility tree" || bad "the window is not in the accessibility tree"
# The panel's menu, by a click on the icon with the right button; in it, by keys, the first session and
# one of its uplinks. The second time, the panel has a copy of the menu already.
goes_by() { gamer via-iface list --json | tr -d ' \n' | grep -q "\"name\":\"steam\"[^}]*\"uplink\":\"$1\"\|\"uplink\":\"$1\"[^}]*\"name\":\"steam\""; }
pointer() { gamer xdotool mousemove $((position_x + 3)) "$position_y"; sleep 1; gamer xdotool mousemove "$position_x" "$position_y" click "$1"; }
pick() { # UPLINK PICTURE KEY...
    local uplink=$1 name=$2
    shift 2
    pointer 3; sleep 3
    gamer xdotool key Down; sleep 1; gamer xdotool key Right; sleep 2
    screenshot "$name"
    gamer xdotool key "$@"
    until_ok 10 goes_by "$uplink" && ok "a pick in the panel's menu moves the session to $uplink" || bad "a pick in the panel's menu moves nothing to $uplink: $(gamer via-iface list --json | tr -d '\n')"
    sleep 2
}
edge=top
case $desktop in plasma*) edge=bottom ;; esac
if [ "$desktop" != gnome ]; then
    gamer xdotool key --clearmodifiers alt+F4; sleep 3 # the window may lie over the menu
    if read -r position_x position_y < <(python3 /src/tests/machine/red_icon.py "$out/2-tray.png" "$out/3-blocked.png" "$edge"); then
        ok "the panel shows that a session is blocked, at $position_x,$position_y"
        pick enp7s0 5-menu Down Return
        pick wlp6s0 6-menu-again Return
        screenshot 7-after
    else
        bad "the icon is not found in the panel"
    fi
fi
pss() { # NAME: of the youngest process of that name, in KiB
    awk '/^Pss:/ { print $2 }' "/proc/$(pgrep -n -x "$1" || echo none)/smaps_rollup" 2>/dev/null || echo none
}
echo "# PSS in KiB: the tray $(pss via-iface-tray), the window $(pss via-iface-windo)"
exit $failed
