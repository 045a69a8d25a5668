"""A desktop with a panel that shows a tray (xfce4-panel is the StatusNotifier host), somebody who
shows notifications, and the tray's menu as it is told over com.canonical.dbusmenu."""

import os
import subprocess
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

from lab import ROOT, Skip, build_dir, sanitized, write_file  # noqa: E402
from screen import Bus, Screen, keep  # noqa: E402

TRAY = os.path.join(build_dir(), "tray", "indicator", "via-iface-tray")
WINDOW = os.path.join(build_dir(), "tray", "window", "via-iface-window")
APP = "org.via_iface.Tray"
WINDOW_APP = "org.via_iface.via_iface"
ICON = "/StatusNotifierItem"
WATCHER = "org.kde.StatusNotifierWatcher"
ITEM = "org.kde.StatusNotifierItem"
MENU = "com.canonical.dbusmenu"
BUS = "org.freedesktop.DBus"
NOTES = "org.freedesktop.Notifications"
SIZE = (800, 600)

# A panel at the bottom of the screen, with nothing but the tray.
PANEL = """<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0">
  <property name="configver" type="int" value="2"/>
  <property name="panels" type="array">
    <value type="int" value="1"/>
    <property name="dark-mode" type="bool" value="true"/>
    <property name="panel-1" type="empty">
      <property name="position" type="string" value="p=10;x=0;y=0"/>
      <property name="position-locked" type="bool" value="true"/>
      <property name="length" type="uint" value="100"/>
      <property name="size" type="uint" value="32"/>
      <property name="icon-size" type="uint" value="24"/>
      <property name="plugin-ids" type="array">
        <value type="int" value="1"/>
        <value type="int" value="2"/>
      </property>
    </property>
  </property>
  <property name="plugins" type="empty">
    <property name="plugin-1" type="string" value="separator">
      <property name="expand" type="bool" value="true"/>
      <property name="style" type="uint" value="0"/>
    </property>
    <property name="plugin-2" type="string" value="systray">
      <property name="square-icons" type="bool" value="true"/>
    </property>
  </property>
</channel>
"""

NOTIFICATIONS = """<node><interface name="org.freedesktop.Notifications">
  <method name="Notify">
    <arg type="s" direction="in"/><arg type="u" direction="in"/><arg type="s" direction="in"/>
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="as" direction="in"/>
    <arg type="a{sv}" direction="in"/><arg type="i" direction="in"/>
    <arg type="u" direction="out"/>
  </method>
  <method name="GetCapabilities"><arg type="as" direction="out"/></method>
  <method name="CloseNotification"><arg type="u" direction="in"/></method>
</interface></node>"""


class Item:
    """A menu item."""

    def __init__(self, number, props, children):
        self.number, self.props = number, props
        self.children = [Item(*child) for child in children]
        # An underscore announces a key, two are one.
        self.label = "_".join(p.replace("_", "") for p in props.get("label", "").split("__"))
        self.enabled = props.get("enabled", True)
        self.visible = props.get("visible", True)
        self.marked = props.get("toggle-state", 0) == 1
        self.separator = props.get("type") == "separator"

    def lines(self):
        """What somebody reads, in order: (depth, item)."""
        for child in self.children:
            if child.visible:
                yield 0, child
                yield from ((depth + 1, item) for depth, item in child.lines())

    def find(self, *path):
        """The item whose label begins so, below that of the word before."""
        at = self
        for word in path:
            found = [c for c in at.children if c.visible and c.label.startswith(word)]
            if not found:
                return None
            at = found[0]
        return at

    def __str__(self):
        text = []
        for depth, item in self.lines():
            mark = ("(*) " if item.marked else "( ) ") if "toggle-type" in item.props else ""
            label = "---" if item.separator else item.label
            text.append("    " * depth + mark + label + ("" if item.enabled else "  (off)"))
        return "\n".join(text)


class Desktop:
    """`user`: whose desktop it is (default: root)."""

    def __init__(self, lab, user=None, panel=True, size=SIZE):
        if not os.access(TRAY, os.X_OK):
            raise Skip("via-iface-tray is not built")
        self.lab, self.user = lab, user
        self.screen = Screen(lab, size="x".join(map(str, size)))
        self.home = os.path.join(lab.tmp, "home")
        self.applications = f"{self.home}/.local/share/applications"
        conf = f"{self.home}/.config/xfce4/xfconf/xfce-perchannel-xml"
        # dbus-daemon only ever reads those directories that are there when it starts
        self.services = f"{self.home}/run/dbus-1/services"
        for folder in (conf, self.applications, self.services):
            os.makedirs(folder, 0o700)
        write_file(f"{conf}/xfce4-panel.xml", PANEL)
        if user is not None:
            subprocess.run(["chown", "-R", str(user), self.home], check=True)
        self.env = {
            **self.screen.env,
            "HOME": self.home,
            "PATH": f"{build_dir()}/src:{lab.env['PATH']}",
            "XDG_RUNTIME_DIR": f"{self.home}/run",
            # The icons of the source tree.
            "XDG_DATA_DIRS": f"{ROOT}/data:/usr/local/share:/usr/share",
            "GSETTINGS_BACKEND": "memory",
            "NO_AT_BRIDGE": "1",
        }
        if sanitized():
            # GTK and fontconfig keep what they have until the end.
            self.env["ASAN_OPTIONS"] = lab.env["ASAN_OPTIONS"] + ":detect_leaks=0"
        self.bus = Bus(lab, "session", user, self.env)
        self.env["DBUS_SESSION_BUS_ADDRESS"] = self.bus.address
        self.conn = self.connect()
        self.notes = {}  # number: (title, body), as they are shown
        self.noted = []  # all titles that ever were
        self.buttons = {}  # number: {action: label}
        self.askers = {}  # number: whose it is on the bus
        self.capabilities = ["actions", "body"]
        self._show_notifications()
        if panel:
            self.start_panel()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.conn.close_sync(None)

    def start_panel(self):
        self.panel = self.lab.popen(
            ["xfce4-panel", "--disable-wm-check"], env=self.env, user=self.user
        )
        self.lab.wait(lambda: self.owned(WATCHER), 15, "the panel's tray", 0.05)

    def start_manager(self):
        """A window manager: it gives a new window the keyboard."""
        for _ in range(3):  # it ends where xfconfd, which the bus starts for it, takes too long to start
            manager = self.lab.popen(["xfwm4", "--compositor=off"], env=self.env, user=self.user)

            def is_one():
                return self.property("_NET_SUPPORTING_WM_CHECK") or not manager.running()  # noqa: B023

            self.lab.wait(is_one, 30, "xfwm4", 0.05)
            if manager.running():
                return
        raise AssertionError(f"no xfwm4: {manager.finish()}")

    def property(self, name):
        """A property of the root window, or None."""
        done = self.lab.run(["xprop", "-root", name], env=self.env)
        return done.out.partition("#")[2].strip() or None

    # --- the bus ---

    def connect(self):
        """As that user: the bus takes nobody else."""
        flags = Gio.DBusConnectionFlags
        flags = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
        if self.user is not None:
            os.seteuid(self.user)
        try:
            return Gio.DBusConnection.new_for_address_sync(self.bus.address, flags, None, None)
        finally:
            if self.user is not None:
                os.seteuid(0)

    def call(self, dest, path, interface, method, words=None):
        return self.conn.call_sync(dest, path, interface, method, words, None, 0, 5000, None).unpack()

    def owned(self, name):
        return self.call(BUS, "/", BUS, "NameHasOwner", GLib.Variant("(s)", (name,)))[0]

    def get(self, dest, path, interface, name):
        words = GLib.Variant("(ss)", (interface, name))
        return self.call(dest, path, BUS + ".Properties", "Get", words)[0]

    def _show_notifications(self):
        def called(_conn, sender, _path, _interface, method, words, invocation):
            words = words.unpack()
            if method == "Notify":
                number = words[1] or len(self.noted) + 1
                self.askers[number] = sender
                self.notes[number] = (words[3], words[4])
                self.noted.append(words[3])
                self.buttons[number] = dict(zip(words[5][0::2], words[5][1::2]))
                invocation.return_value(GLib.Variant("(u)", (number,)))
            elif method == "GetCapabilities":
                invocation.return_value(GLib.Variant("(as)", (self.capabilities,)))
            else:
                self.notes.pop(words[0], None)
                invocation.return_value(None)

        interface = Gio.DBusNodeInfo.new_for_xml(NOTIFICATIONS).interfaces[0]
        self.conn.register_object("/org/freedesktop/Notifications", interface, called, None, None)
        self.call(BUS, "/", BUS, "RequestName", GLib.Variant("(su)", (NOTES, 0)))

    def press(self, number, action):
        """A button of a notification; None: it is closed."""
        name, words = ("ActionInvoked", GLib.Variant("(us)", (number, action or "")))
        if action is None:
            name, words = ("NotificationClosed", GLib.Variant("(uu)", (number, 2)))
        self.conn.emit_signal(None, "/org/freedesktop/Notifications", NOTES, name, words)
        self.conn.flush_sync(None)

    def wait(self, predicate, seconds=5, what=None):
        """As the lab's, and notifications come in meanwhile."""

        def turn():
            while GLib.MainContext.default().iteration(False):
                pass
            return predicate()

        return self.lab.wait(turn, seconds, what, 0.02)

    # --- the tray ---

    def run(self, *words, env=None):
        """via-iface-tray, without waiting for anything."""
        return self.lab.popen([TRAY, *words], env={**self.env, **(env or {})}, user=self.user)

    def window(self, *words, env=None):
        """via-iface-window, without waiting for anything."""
        if not os.access(WINDOW, os.X_OK):
            raise Skip("via-iface-window is not built")
        return self.lab.popen([WINDOW, *words], env={**self.env, **(env or {})}, user=self.user)

    def tray(self, *words, env=None):
        """The same, when its icon is there."""
        process = self.run(*words, env=env)
        self.lab.wait(self.item, 10, "the tray's icon", 0.02)
        return process

    def item(self):
        """(bus name, path) of the icon, as the watcher knows it, or None."""
        path, name = "/StatusNotifierWatcher", "RegisteredStatusNotifierItems"
        for item in self.get(WATCHER, path, WATCHER, name):
            owner, slash, rest = item.partition("/")
            if owner.startswith(f"{ITEM}-"):
                return owner, slash + rest
        return None

    def icon(self):
        """(icon, status, title); also where no panel asks."""
        return tuple(self.get(APP, ICON, ITEM, name) for name in ("IconName", "Status", "Title"))

    def _menu_call(self, method, words):
        name, path = self.item()
        return self.call(name, self.get(name, path, ITEM, "Menu"), MENU, method, words)

    def menu(self):
        return Item(*self._menu_call("GetLayout", GLib.Variant("(iias)", (0, -1, [])))[1])

    def event(self, number, name):
        words = (number, name, GLib.Variant("i", 0), int(time.monotonic()))
        self._menu_call("Event", GLib.Variant("(isvu)", words))

    def about_to_show(self):
        self._menu_call("AboutToShow", GLib.Variant("(i)", (0,)))

    def wait_for(self, *path, test=lambda item: True, seconds=5):
        """Until the menu has that item, and it is so."""
        seen = []

        def look():
            seen[:] = [self.menu()]
            item = seen[0].find(*path)
            return item if item and test(item) else None

        try:
            return self.wait(look, seconds, f"menu item {' > '.join(path)}")
        except AssertionError as error:
            raise AssertionError(f"{error}\n{seen[0]}") from None

    def click(self, *path):
        """When it is on: whose a session is comes a moment after its name."""
        self.event(self.wait_for(*path, test=lambda item: item.enabled).number, "clicked")

    # --- the screen ---

    def hands(self, *words):
        """Moves the mouse, clicks, types: words of xdotool."""
        self.lab.run(["xdotool", *map(str, words)], env=self.env, check=True)

    def changed(self, before, least):
        """Do at least so many pixels of the screen look other than before?"""
        now = self.screen.picture()
        count = 0
        for one, other in zip(before.rows, now.rows):
            if one != other:
                count += sum(one[n : n + 3] != other[n : n + 3] for n in range(0, len(one), 3))
        return count >= least

    def do(self, *words, least=4000, seconds=10):
        """The same as hands(), until it shows."""
        before = self.screen.picture()
        self.hands(*words)
        self.lab.wait(lambda: self.changed(before, least), seconds, "something on the screen", 0.05)

    def open_menu(self):
        """By a click on the icon; by one more where the panel has no menu to show yet."""
        for attempt in range(5):
            try:
                return self.do("mousemove", SIZE[0] - 17, SIZE[1] - 16, "click", 3, seconds=2)
            except AssertionError:
                if attempt == 4:
                    raise

    def keep(self, name):
        return keep(f"{name}.png", self.screen.picture().png())
