#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the chroot that ./desktops makes: starts one desktop as a plain user, and does desktop_steps.sh on it:
# desktop.sh DESKTOP LOOK. "desktop.sh build" builds the tree.
desktop=$1 look=${2:-} failed=0
out=/results/$desktop-$look
rm -rf "$out" && mkdir -p "$out"
ok() { echo "ok - $desktop $look: $1"; }
bad() { echo "not ok - $desktop $look: $1"; failed=1; }
# bounded, for what has no event to wait for in a shell
until_ok() { local end=$((SECONDS + $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.2; done; }

if [ "$desktop" = build ]; then
    cd /src || exit 1
    [ -d build ] || meson setup build -Dprefix=/usr -Dsysconfdir=/etc -Dtests=false -Dtray=enabled -Dwindow=enabled || exit 1
    exec ninja -C build
fi
DESTDIR='' meson install -C /src/build --no-rebuild >"$out/install" 2>&1 || { tail -n 20 "$out/install"; exit 1; }
setcap cap_sys_admin=p /usr/libexec/via-iface/via-iface-enter
gtk-update-icon-cache -q -f /usr/share/icons/hicolor 2>/dev/null # as Debian's trigger does
printf '[Desktop Entry]\nType=Application\nName=Napper\nComment=Does nothing\nExec=sleep 3600\n' >/usr/share/applications/napper.desktop
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
tool() { gamer python3 "/src/tests/machine/$1.py" "${@:2}"; }
hands() { tool hands "$@"; }
screenshot() { gamer xwd -root -silent >/tmp/picture.xwd && convert xwd:/tmp/picture.xwd "$out/$1.png"; }

gamer dbus-daemon --session --fork --address=unix:path=/run/user/1000/bus
scale=1
[ "$look" != scaled ] || scale=2
width=$((1280 * scale)) size=$((1280 * scale))x$((800 * scale))
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
    *) add KWIN_SCREENSHOT_NO_PERMISSION_CHECKS=1 KWIN_WAYLAND_NO_PERMISSION_CHECKS=1
       start kwin kwin_wayland --x11-display :7 --width 1280 --height 800 --scale $scale --socket wayland-0 --no-lockscreen --xwayland
       until_ok 30 test -S /run/user/1000/wayland-0
       add WAYLAND_DISPLAY=wayland-0; environment ;;
    esac
    gamer plasma-apply-colorscheme $([ "$look" = dark ] && echo BreezeDark || echo BreezeLight) >/dev/null 2>&1
    start kded kded6
    start plasmashell plasmashell
}
shell_says() { gamer gdbus call --session --dest org.gnome.Shell --object-path /org/gnome/Shell --method org.gnome.Shell.Eval "$1" | grep -q "'true'"; }
gnome() {
    add XDG_CURRENT_DESKTOP=GNOME XDG_SESSION_TYPE=wayland MUTTER_DEBUG_DUMMY_MODE_SPECS=$size MUTTER_DEBUG_DUMMY_MONITOR_SCALES=$scale
    [ "$1" = no ] || gamer gsettings set org.gnome.shell enabled-extensions "['ubuntu-appindicators@ubuntu.com']"
    gamer gsettings set org.gnome.shell welcome-dialog-last-shown-version 999 2>/dev/null
    environment
    start gnome-shell gnome-shell --nested --wayland --unsafe-mode
    until_ok 40 test -S /run/user/1000/wayland-0
    add WAYLAND_DISPLAY=wayland-0; environment
    until_ok 60 bus_has org.gnome.Shell
    # it starts with the overview, and says that it cannot lock the screen
    until_ok 60 shell_says "!Main.layoutManager._startingUp"
    until_ok 30 shell_says "Main.overview.hide(); !Main.overview.visible"
    until_ok 10 shell_says "Main.messageTray.getSources().forEach(s => s.destroy()); Main.messageTray.getSources().length == 0"
}
xfce() {
    add XDG_CURRENT_DESKTOP=XFCE XDG_SESSION_TYPE=x11; environment
    [ "$look" != dark ] || gamer xfconf-query -c xsettings -p /Net/ThemeName -n -t string -s Adwaita-dark
    start xfsettingsd xfsettingsd
    start xfwm4 xfwm4 --compositor=off # GTK draws shadows for one that takes long to begin
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

. /src/tests/machine/desktop_steps.sh
exit $failed
