# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What ./desktop.sh does on a desktop that has come up, and sources: somebody at the window without a
# session, the tray, its menu by mouse and keys, notifications and their buttons. Each step leaves pictures.

# --- the window, without a session ----------------------------------------------------------------

cat >/run/picture <<E2
#!/bin/sh
xwd -root -silent >/tmp/person.xwd && convert xwd:/tmp/person.xwd "$out/\$1.png"
E2
chmod 755 /run/picture && chown gamer: "$out"
start window via-iface-window
sleep 6 # a window has no event for "drawn"
tool desktop_person /run/picture >"$out/person" 2>&1 && ok "somebody starts a program, makes an entry, moves and stops" || bad "somebody at the window: $(tail -n 1 "$out/person")"
! grep "^not ok" "$out/person" || failed=1
screenshot person-end
gamer python3 /src/tests/machine/atspi_tree.py >"$out/accessibility" 2>&1
grep -q "page tab" "$out/accessibility" && ok "the window is in the accessibility tree" || bad "the window is not in the accessibility tree"
pss() { # NAME: of the oldest process of that name, in KiB
    awk '/^Pss:/ { print $2 }' "/proc/$(pgrep -o -x "$1" || echo none)/smaps_rollup" 2>/dev/null || echo none
}
echo "# PSS in KiB: the window $(pss via-iface-windo)"
pkill -x via-iface-windo
gamer via-iface stop --all >"$out/stop" 2>&1
sleep 2

# --- the tray -------------------------------------------------------------------------------------

start steam via-iface wlp6s0 --name steam -- sleep 3600
until_ok 20 sh -c 'via-iface list | grep -q steam'
if [ "${desktop#gnome}" = "$desktop" ]; then # GNOME shows one notification at a time
    start backup via-iface wlp6s0,enp7s0 --name backup -- sleep 3600
    until_ok 20 sh -c 'via-iface list | grep -q backup'
fi
screenshot 1-before
gamer setsid dbus-monitor --session >"$out/bus" 2>&1 & # what the panel and the tray say to each other
monitor=$!
start tray via-iface-tray
items() { gamer gdbus call --session --dest $watcher --object-path /StatusNotifierWatcher --method org.freedesktop.DBus.Properties.Get $watcher RegisteredStatusNotifierItems; }
registered() { items | grep -q "[0-9]"; }
if [ "$desktop" != gnome ]; then
    until_ok 20 registered && ok "the tray is registered: $(items)" || bad "the tray is not registered: $(items)"
fi
sleep 4
screenshot 2-tray
goes_by() { # SESSION UPLINK|STATE
    gamer via-iface list --json | python3 -c 'import json, sys; sys.exit(not any(s["name"] == sys.argv[1] and sys.argv[2] in (s["uplink"], s["state"]) for s in json.load(sys.stdin)))' "$@"
}
where() { gamer via-iface list --json | python3 -c 'import json, sys; print(*(f"{s["name"]}:{s["uplink"]}:{s["state"]}" for s in json.load(sys.stdin)))'; }

# --- notifications --------------------------------------------------------------------------------

click_on() { # NAME
    local x y factor=1
    case $desktop in xfce | plasma-x11) factor=$scale ;; esac # on X11 toolkits tell places before their scale
    read -r x y < <(tool atspi_tree --place "$1") && hands mousemove $((x * factor)) $((y * factor)) && sleep 1 && hands click 1
}
# GNOME shows the buttons of a notification when the pointer comes over it
notification_opens() { # TITLE
    case $desktop in gnome*) ;; *) return 0 ;; esac
    shell_says "Main.messageTray._notificationState == 2 && Main.messageTray._notification.title == '$1'" || return 1
    hands mousemove $((width / 2)) $((120 * scale)); sleep 1; hands mousemove $((width / 2)) $((100 * scale)); sleep 2
}
presses_button() { notification_opens "$1" && screenshot "$3" && click_on "$2"; } # TITLE NAME PICTURE
hands mousemove $((width / 2)) $((500 * scale))
ip link set wlp6s0 down # steam's session is blocked, backup's fails over
sleep 4
screenshot 3-blocked
until_ok 60 presses_button "steam is blocked" "Move to enp7s0" 4-move
until_ok 10 goes_by steam enp7s0 && ok "Move to enp7s0 in the notification moves the session" || bad "the notification's Move to enp7s0 moves nothing: $(where)"
ip link set wlp6s0 up; ip route add default via 10.6.6.1 dev wlp6s0 metric 640
sleep 2
hands mousemove $((width / 2)) $((500 * scale))
gamer via-iface pause steam >"$out/pause" 2>&1
until_ok 60 presses_button "steam is paused" Resume 4-resume
until_ok 10 goes_by steam up && ok "Resume in the notification resumes the session" || bad "the notification's Resume resumes nothing: $(where)"
gamer via-iface move steam wlp6s0 >"$out/move" 2>&1
sleep 2

# --- the menu -------------------------------------------------------------------------------------

# By a click on the icon with the right button; in it, by keys or clicks, the first session and one of its uplinks.
# The second time, the panel has a copy of the menu already.
pointer() { hands mousemove $((position_x + 3)) "$position_y"; sleep 1; hands mousemove "$position_x" "$position_y" click "$1"; }
# GNOME's submenus open by clicks
into() { # WORD KEY...: of the menu's item the word it begins with, and the keys that lead to it
    case $desktop in
    gnome*) until_ok 5 click_on "$1" ;;
    *) hands key "${@:2}"; sleep 1; hands key Right ;;
    esac
    sleep 2
}
pick() { # UPLINK PICTURE KEY...
    local uplink=$1 name=$2
    shift 2
    pointer 3; sleep 3
    screenshot "$name"
    into "steam via" Down
    screenshot "$name-submenu"
    case $desktop in gnome*) until_ok 5 click_on "$uplink ·" ;; *) hands key "$@" ;; esac
    until_ok 10 goes_by steam "$uplink" && ok "a pick in the panel's menu moves the session to $uplink" || bad "a pick in the panel's menu moves nothing to $uplink: $(where)"
    sleep 2
}
# Start, which is behind the sessions: the entry that somebody has made at the window
starts_in_menu() {
    pointer 3; sleep 3
    into Start Down Down Down
    screenshot 7-menu-start
    # Plasma fills a submenu after it has opened it, with nothing chosen; there is one entry
    case $desktop in gnome*) until_ok 5 click_on "(via" ;; *) hands key Down Return ;; esac
    until_ok 20 eval 'where | grep -q "xterm\|foot"' && ok "Start in the panel's menu starts the entry" || bad "Start in the panel's menu starts nothing: $(where)"
    sleep 2
}
edge=top
case $desktop in plasma*) edge=bottom ;; esac
if [ "$desktop" != gnome ]; then
    if read -r position_x position_y < <(python3 /src/tests/machine/red_icon.py "$out/2-tray.png" "$out/3-blocked.png" "$edge"); then
        ok "the panel shows that a session is blocked, at $position_x,$position_y"
        # KWin is told of places before its scale
        [ "$desktop" != plasma-wayland ] || { position_x=$((position_x / scale)); position_y=$((position_y / scale)); }
        pick enp7s0 5-menu Down Return
        pick wlp6s0 6-menu-again Return
        starts_in_menu
        screenshot 8-after
    else
        bad "the icon is not found in the panel"
    fi
fi

# --- the item itself ------------------------------------------------------------------------------

# the item is activated as the panel would
item=$(items 2>/dev/null | grep -o ":1\.[0-9]*\|org.kde.StatusNotifierItem-[0-9-]*" | head -n 1)
if [ -n "$item" ]; then
    gamer gdbus call --session --dest "$item" --object-path /StatusNotifierItem --method org.kde.StatusNotifierItem.Activate 10 10 >/dev/null &&
        ok "the item is activated" || bad "the item cannot be activated"
else
    start window via-iface-window
fi
sleep 6
screenshot 9-window
kill $monitor
echo "# PSS in KiB: the tray $(pss via-iface-tray)"
