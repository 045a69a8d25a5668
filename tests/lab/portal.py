"""The desktop's portal for settings, of which the window asks for light or dark."""

import threading

from panel import BUS, Gio, GLib

NAME, PATH = "org.freedesktop.portal.Desktop", "/org/freedesktop/portal/desktop"
SETTINGS = "org.freedesktop.portal.Settings"
SPACE, KEY = "org.freedesktop.appearance", "color-scheme"
PREFER_DARK, PREFER_LIGHT = 1, 2
XML = """<node><interface name="org.freedesktop.portal.Settings">
  <method name="Read">
    <arg type="s" direction="in"/><arg type="s" direction="in"/><arg type="v" direction="out"/>
  </method>
  <method name="ReadAll">
    <arg type="as" direction="in"/><arg type="a{sa{sv}}" direction="out"/>
  </method>
  <signal name="SettingChanged"><arg type="s"/><arg type="s"/><arg type="v"/></signal>
  <property name="version" type="u" access="read"/>
</interface></node>"""


class Appearance:
    """Answers from a thread of its own: who waits for a program's window answers nothing meanwhile."""

    def __init__(self, desk):
        self.value, ready = PREFER_LIGHT, threading.Event()
        threading.Thread(target=self._serve, args=(desk, ready), daemon=True).start()
        assert ready.wait(10), "the portal is not on the bus"

    def _serve(self, desk, ready):
        context = GLib.MainContext()
        context.push_thread_default()
        self.conn = desk.connect()
        interface = Gio.DBusNodeInfo.new_for_xml(XML).interfaces[0]
        self.conn.register_object(PATH, interface, self._called, lambda *_: GLib.Variant("u", 1), None)
        self.conn.call_sync(BUS, "/", BUS, "RequestName", GLib.Variant("(su)", (NAME, 0)), None, 0, 5000, None)
        ready.set()
        GLib.MainLoop.new(context, False).run()

    def _called(self, _conn, _sender, _path, _interface, method, words, invocation):
        value = GLib.Variant("u", self.value)
        if method == "ReadAll":
            invocation.return_value(GLib.Variant("(a{sa{sv}})", ({SPACE: {KEY: value}},)))
        elif words.unpack() == (SPACE, KEY):
            invocation.return_value(GLib.Variant("(v)", (GLib.Variant("v", value),)))
        else:
            invocation.return_dbus_error("org.freedesktop.portal.Error.NotFound", "Requested setting not found")

    def set(self, dark):
        self.value = PREFER_DARK if dark else PREFER_LIGHT
        words = GLib.Variant("(ssv)", (SPACE, KEY, GLib.Variant("u", self.value)))
        self.conn.emit_signal(None, PATH, SETTINGS, "SettingChanged", words)
        self.conn.flush_sync(None)
