"""The tray's icon and menu as a panel sees them, by a watcher that the test is: what is told, when, and
what a click on an old copy does."""


from lab import needs
from panel import BUS, ICON, ITEM, MENU, NOTES, WATCHER, WINDOW_APP, Desktop, Gio, GLib

desktop = needs("tool:Xvfb", "tool:dbus-daemon")

WATCHER_XML = """<node><interface name="org.kde.StatusNotifierWatcher">
  <method name="RegisterStatusNotifierItem"><arg type="s" direction="in"/></method>
</interface></node>"""
APPLICATION_XML = """<node><interface name="org.freedesktop.Application">
  <method name="Activate"><arg type="a{sv}" direction="in"/></method>
  <method name="ActivateAction">
    <arg type="s" direction="in"/><arg type="av" direction="in"/><arg type="a{sv}" direction="in"/>
  </method>
</interface></node>"""


class Panel:
    """Watcher of a desktop's icons, which hears all that icon and menu say."""

    def __init__(self, desk):
        self.desk, self.registered, self.heard = desk, [], []
        desk.panel_conn = self.conn = desk.connect()

        def called(_conn, _sender, _path, _interface, _method, words, invocation):
            self.registered.append(words.unpack()[0])
            invocation.return_value(None)

        interface = Gio.DBusNodeInfo.new_for_xml(WATCHER_XML).interfaces[0]
        self.conn.register_object("/StatusNotifierWatcher", interface, called, None, None)
        for name in (ITEM, MENU):
            desk.conn.signal_subscribe(None, name, None, None, None, 0, self._signal)

    def _signal(self, _conn, _sender, _path, _interface, name, words):
        self.heard.append((name, words.unpack()))

    def _name(self, method, words):
        self.conn.call_sync(BUS, "/", BUS, method, words, None, 0, 5000, None)

    def appear(self):
        self._name("RequestName", GLib.Variant("(su)", (WATCHER, 0)))
        count = len(self.registered)
        self.desk.wait(lambda: len(self.registered) > count, 10, "the icon")

    def vanish(self):
        self._name("ReleaseName", GLib.Variant("(s)", (WATCHER,)))

    def call(self, path, interface, method, words):
        return self.desk.call(self.registered[-1], path, interface, method, words)

    def click(self, number):
        """None, or why not."""
        try:
            self.call("/MenuBar", MENU, "Event", GLib.Variant("(isvu)", (number, "clicked", GLib.Variant("i", 0), 0)))
        except GLib.Error as error:
            return error.message
        return None

    def layout(self, parent=0):
        return self.call("/MenuBar", MENU, "GetLayout", GLib.Variant("(iias)", (parent, -1, [])))

    def numbers(self, parent=0):
        """{label: number} of an item's children."""
        return {child[1].get("label"): child[0] for child in self.layout(parent)[1][2]}


def window_of(desk):
    """Stands in for via-iface-window; the list of what is asked of it."""
    asked = []

    def called(_conn, _sender, _path, _interface, method, words, invocation):
        asked.append((method, *words.unpack()))
        invocation.return_value(None)

    interface = Gio.DBusNodeInfo.new_for_xml(APPLICATION_XML).interfaces[0]
    desk.conn.register_object("/org/via_iface/via_iface", interface, called, None, None)
    desk.call(BUS, "/", BUS, "RequestName", GLib.Variant("(su)", (WINDOW_APP, 0)))
    return asked


@desktop
def test_icon(lab):
    """It is registered, again with each watcher that comes; a click opens the window with its token."""
    with Desktop(lab, panel=False) as desk:
        panel, asked = Panel(desk), window_of(desk)
        tray = desk.run()
        panel.appear()
        name = panel.registered[-1]
        assert name == f"{ITEM}-{tray.pid}-1", name
        panel.vanish()
        panel.appear()
        assert panel.registered == [name, name]
        words = desk.call(name, ICON, BUS + ".Properties", "GetAll", GLib.Variant("(s)", (ITEM,)))[0]
        assert (words["Id"], words["Category"], words["Status"]) == ("via-iface", "SystemServices", "Active")
        assert words["IconName"] == "via-iface-idle-symbolic" and words["Title"] == "No session", words
        assert words["Menu"] == "/MenuBar" and words["ItemIsMenu"] is False and words["WindowId"] == 0
        assert words["ToolTip"] == ("via-iface-idle-symbolic", [], "No session", ""), words["ToolTip"]
        point = GLib.Variant("(ii)", (10, 10))
        panel.call(ICON, ITEM, "Scroll", GLib.Variant("(is)", (120, "vertical")))
        panel.call(ICON, ITEM, "ProvideXdgActivationToken", GLib.Variant("(s)", ("of-a-click",)))
        panel.call(ICON, ITEM, "Activate", point)
        desk.wait(lambda: asked, 5, "the window")
        token = {"activation-token": "of-a-click", "desktop-startup-id": "of-a-click"}
        assert asked == [("Activate", token)], asked
        panel.call(ICON, ITEM, "SecondaryActivate", point)
        desk.wait(lambda: len(asked) == 2, 5, "the window")
        assert asked[1] == ("Activate", {}), "a token is good for one window"
        assert panel.click(panel.numbers()["Show the _window"]) is None
        desk.wait(lambda: len(asked) == 3, 5, "the window")
        one = lab.session(lab.spare, "--name", "one")
        two = lab.session(lab.wired, "--name", "two")
        desk.wait(lambda: desk.icon()[2] == "2 sessions", 5, "the title")
        tip = desk.get(name, ICON, ITEM, "ToolTip")
        assert tip[2:] == ("2 sessions", "one via wlp6s0\ntwo via enp7s0"), tip
        heard = {name for name, _ in panel.heard}
        assert {"NewIcon", "NewTitle", "NewToolTip"} <= heard and "NewStatus" not in heard, heard
        one.finish()
        two.finish()
        assert tray.running()


@desktop
def test_an_old_copy(lab):
    """A panel is told which item has other children. A click on what is no longer there does nothing."""
    game = lab.session(lab.spare, "--name", "game")
    with Desktop(lab, panel=False) as desk:
        panel = Panel(desk)
        desk.run()
        panel.appear()
        desk.wait(lambda: "game via wlp6s0" in panel.numbers(), 5, "the session")
        number = panel.numbers()["game via wlp6s0"]
        desk.wait(lambda: "enp7s0 · Ethernet" in panel.numbers(number), 5, "the uplinks")
        inside = panel.numbers(number)
        panel.heard.clear()
        # Another uplink: the session's item has one more child, the root has not.
        lab.run("ip link add wwan0 type veth peer name wwan1 && ip link set wwan1 up && ip link set wwan0 up", check=True)
        lab.via("pause", "game", check=True)
        desk.wait(lambda: "_Resume" in panel.numbers(number), 5, "that it is paused")
        for signal in ("LayoutUpdated", "ItemsPropertiesUpdated"):
            desk.wait(lambda: signal in {name for name, _ in panel.heard}, 5, signal)  # noqa: B023
        parents = [words[1] for name, words in panel.heard if name == "LayoutUpdated"]
        assert parents and set(parents) == {number}, panel.heard
        revisions = [words[0] for name, words in panel.heard if name == "LayoutUpdated"]
        assert revisions == sorted(set(revisions)), revisions
        assert number in {i for n, words in panel.heard if n == "ItemsPropertiesUpdated" for i, _ in words[0]}
        assert "there is no item" in panel.click(inside["_Pause"])
        # What is there still is what it was.
        lab.via("resume", "game", check=True)
        desk.wait(lambda: "game via wlp6s0" in panel.numbers(), 5, "that it goes on")
        assert panel.click(inside["enp7s0 · Ethernet"]) is None
        desk.wait(lambda: panel.numbers().get("game via enp7s0") == number, 5, "the move")
        lab.run("ip link del wwan0", check=True)
        game.finish()
        desk.wait(lambda: "No session" in panel.numbers(), 5, "its end")
        other = lab.session(lab.spare, "--name", "other")
        desk.wait(lambda: "other via wlp6s0" in panel.numbers(), 5, "the other one")
        assert panel.numbers()["other via wlp6s0"] > max(inside.values())
        for old in (number, *inside.values()):
            assert "there is no item" in panel.click(old)
        assert other.running() and lab.via("list", "--json", check=True).json()[0]["uplink"] == "wlp6s0"
        other.finish()


@desktop
def test_odd_panels(lab):
    """Groups, properties, depths, and what is none of the tray's."""
    with Desktop(lab, panel=False) as desk:
        panel = Panel(desk)
        tray = desk.run()
        panel.appear()
        desk.wait(lambda: "No session" in panel.numbers(), 5, "the menu")
        quit_ = panel.numbers()["_Quit"]
        call = lambda method, words: panel.call("/MenuBar", MENU, method, words)  # noqa: E731
        assert call("GetLayout", GLib.Variant("(iias)", (0, 0, ["label"])))[1] == (0, {}, [])
        every = call("GetGroupProperties", GLib.Variant("(aias)", ([], ["label"])))[0]
        assert (quit_, {"label": "_Quit"}) in every and every[0] == (0, {}), every
        assert call("GetProperty", GLib.Variant("(is)", (quit_, "label")))[0] == "_Quit"
        some = call("GetGroupProperties", GLib.Variant("(aias)", ([quit_, 9999], [])))[0]
        assert some == [(quit_, {"label": "_Quit"})], some
        group = call("AboutToShowGroup", GLib.Variant("(ai)", ([0, 9999],)))
        assert group == ([], [9999]), group
        closed = [(0, "closed", GLib.Variant("i", 0), 0), (9999, "clicked", GLib.Variant("i", 0), 0)]
        assert call("EventGroup", GLib.Variant("(a(isvu))", (closed,)))[0] == [9999]
        for method, words in (
            ("EventGroup", GLib.Variant("(a(isvu))", (closed[1:],))),
            ("GetLayout", GLib.Variant("(iias)", (-7, -1, []))),
            ("GetProperty", GLib.Variant("(is)", (quit_, "visible"))),
            ("AboutToShow", GLib.Variant("(i)", (9999,))),
            ("Event", GLib.Variant("(isvu)", (2**31 - 1, "opened", GLib.Variant("i", 0), 0))),
        ):
            try:
                said = call(method, words)
            except GLib.Error as error:
                said = error.message
            assert "InvalidArgs" in str(said), (method, said)
        # A line to read is not clicked; an event that nobody knows is none.
        call("Event", GLib.Variant("(isvu)", (panel.numbers()["No session"], "clicked", GLib.Variant("s", ""), 0)))
        call("Event", GLib.Variant("(isvu)", (quit_, "x-hovered", GLib.Variant("i", 0), 0)))
        assert tray.running()
        assert panel.click(quit_) is None
        assert tray.finish().code == 0


def with_game(desk):
    """The panel, with the session `game` and the uplinks in the tray's menu, and what the window is asked."""
    panel, asked = Panel(desk), window_of(desk)
    desk.run()
    panel.appear()
    desk.wait(lambda: "game via wlp6s0" in panel.numbers(), 5, "the session")
    number = panel.numbers()["game via wlp6s0"]
    desk.wait(lambda: "enp7s0 · Ethernet" in panel.numbers(number), 5, "the uplinks")
    return panel, asked


@desktop
def test_buttons(lab):
    """A notification of a blocked session moves it, or opens the window with the press's token."""
    game = lab.session(lab.spare, "--name", "game")
    with Desktop(lab, panel=False) as desk:
        panel, asked = with_game(desk)
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: desk.notes, 10, "the notification")
        (note,) = desk.notes
        assert desk.buttons[note] == {"default": "Open", "move": "Move to enp7s0"}, desk.buttons
        # Not the server's: anybody may send such a signal.
        other = desk.connect()
        for conn, action in ((other, "move"), (desk.conn, "nonsense")):
            conn.emit_signal(None, "/org/freedesktop/Notifications", NOTES, "ActionInvoked", GLib.Variant("(us)", (note, action)))
            conn.flush_sync(None)
        token = GLib.Variant("(us)", (note, "of-a-press"))
        desk.conn.emit_signal(None, "/org/freedesktop/Notifications", NOTES, "ActivationToken", token)
        desk.press(note, "default")
        desk.wait(lambda: asked, 5, "the window")
        assert asked[0][1]["activation-token"] == "of-a-press", asked
        assert lab.via("list", "--json", check=True).json()[0]["state"] == "blocked"
        desk.press(note, "move")
        desk.wait(lambda: "game via enp7s0" in panel.numbers(), 5, "the move")
        desk.wait(lambda: not desk.notes, 5, "nothing is shown of what is over")
        game.finish()


@desktop
def test_no_button_for_what_failed(lab):
    """A notification of a failover offers no way back to the uplink that has just failed."""
    game = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    with Desktop(lab, panel=False) as desk:
        with_game(desk)
        lab.run(f"ip link set {lab.spare} down", check=True)
        desk.wait(lambda: desk.notes, 10, "the notification")
        assert list(desk.notes.values()) == [("game goes by enp7s0 now", "It went by wlp6s0 before.")], desk.notes
        assert list(desk.buttons.values()) == [{"default": "Open"}], desk.buttons
    game.finish()


@desktop
def test_resume(lab):
    """A session that was paused elsewhere is told of, with a button that resumes it; not one that the user has
    paused in the menu."""
    game = lab.session(lab.spare, "--name", "game")
    with Desktop(lab, panel=False) as desk:
        panel, asked = with_game(desk)
        number = panel.numbers()["game via wlp6s0"]
        other = desk.connect()
        for action, state in (("resume", "up"), ("default", "paused")):
            lab.via("pause", "game", check=True)
            desk.wait(lambda: desk.notes, 10, "the notification")
            (note,) = desk.notes
            assert desk.notes[note] == ("game is paused", "Nothing leaves it until it is resumed."), desk.notes
            assert desk.buttons[note] == {"default": "Open", "resume": "Resume"}, desk.buttons
            # Not the server's: anybody may send such a signal.
            other.emit_signal(None, "/org/freedesktop/Notifications", NOTES, "ActionInvoked", GLib.Variant("(us)", (note, "resume")))
            other.flush_sync(None)
            desk.press(note, action)
            desk.wait(lambda: asked or not desk.notes, 5, "what the press does")
            assert lab.via("list", "--json", check=True).json()[0]["state"] == state
        assert len(asked) == 1, asked
        lab.via("resume", "game", check=True)
        desk.wait(lambda: not desk.notes, 5, "nothing is shown of what is over")
        # Blocked, and then paused elsewhere: one notification, which says the last.
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: [title for title, _ in desk.notes.values()] == ["game is blocked"], 10, "the block")
        lab.via("pause", "game", check=True)
        desk.wait(lambda: [title for title, _ in desk.notes.values()] == ["game is paused"], 10, "the pause")
        (note,) = desk.notes
        desk.press(note, "resume")
        desk.wait(lambda: [title for title, _ in desk.notes.values()] == ["game is blocked"], 10, "the block again")
        (note,) = desk.notes
        assert desk.buttons[note] == {"default": "Open", "move": "Move to enp7s0"}, desk.buttons
        lab.ip(f"link set {lab.spare.far[1]} up", ns=lab.spare.far[0])
        desk.wait(lambda: "game via wlp6s0" in panel.numbers() and not desk.notes, 10, "the end of the block")
        # Ordered in the menu: no news, and once it was, the next pause elsewhere is.
        count = len(desk.noted)
        for label, orders in (("_Pause", number), ("_Pause all", 0)):
            assert panel.click(panel.numbers(orders)[label]) is None
            desk.wait(lambda: "game: paused" in panel.numbers(), 5, "that it is paused")
            lab.via("resume", "game", check=True)
            desk.wait(lambda: "game via wlp6s0" in panel.numbers(), 5, "that it goes on")
        lab.via("pause", "game", check=True)
        desk.wait(lambda: len(desk.noted) > count, 10, "the notification")
        assert desk.noted[count:] == ["game is paused"], desk.noted
        game.finish()
        desk.wait(lambda: not desk.notes, 5, "nothing is shown of what has ended")
