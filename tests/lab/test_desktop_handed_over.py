"""A menu entry whose start would be handed to an instance outside asks first: by a notification with
buttons, or by a dialog. Each choice does what it says, and nothing starts without one."""

import os

from lab import needs, params
from test_handed_over import Apps

SCREEN = needs(*(f"tool:{tool}" for tool in ("Xvfb", "xfwm4", "xdotool", "dbus-daemon", "xwininfo")))
BUS = needs("tool:dbus-run-session")
EDITOR = "org.example.Text-Editor"


def desktop(lab, apps):
    import panel

    desk = panel.Desktop(lab, panel=False)
    desk.env.update(apps.env(), HOME=apps.home)
    desk.env["PATH"] = f"{apps.bin}:{panel.build_dir()}/src:{panel.build_dir()}/tray/window:{os.environ['PATH']}"
    return desk


def start(lab, desk, *words, language="C"):
    return lab.popen(["via-iface", "desktop", "start", *map(str, words)], env={**desk.env, "LANGUAGE": language})


def asked(desk):
    """(number, title, body, labels) of the question."""
    desk.wait(lambda: desk.notes, 20, "the question")
    ((number, (title, body)),) = desk.notes.items()
    return number, title, body, desk.buttons[number]


def where(result, lab):
    """(outside, words) of what ran; the program's own process is the one that the menu started."""
    first, *words = result.out.splitlines()
    return first.split()[0] == os.readlink("/proc/self/ns/net"), words


@SCREEN
@params("separate", "show", "anyway", None)
def test_asked_and_done(lab, choice):
    apps = Apps(lab, "epiphany")
    outside = apps.hold()
    with desktop(lab, apps) as desk:
        started = start(lab, desk, lab.spare, "--", "epiphany", "a b")
        number, title, body, labels = asked(desk)
        assert title == "epiphany already runs outside" and str(lab.spare) in body, (title, body)
        assert labels == {"separate": "Start separately", "show": "Show the running one", "anyway": "Start anyway"}
        assert started.popen.poll() is None and not lab.via("list", "--json", check=True).json(), "it waits"
        desk.press(number, choice)
        result = started.finish()
        assert result.code == 0 and result.err == "", result
        profile = f"{apps.home}/.local/share/via-iface/{lab.spare}/epiphany"
        if choice is None:
            assert result.out == "", result
        elif choice == "separate":
            assert where(result, lab) == (False, ["--private-instance", f"--profile={profile}", "a b"]), result
        elif choice == "show":  # without the words: they would be opened outside
            assert where(result, lab) == (True, []), result
        else:
            assert where(result, lab) == (False, ["a b"]), result
        assert os.path.isdir(profile) == (choice == "separate")
        lab.wait(lambda: not lab.processes("via-iface-desktop"), 5, "the end of who waited")
        assert len(desk.noted) == 1, desk.noted
        # nothing is asked once it has ended
        outside.finish()
        assert where(start(lab, desk, lab.spare, "--", "epiphany").finish(), lab) == (False, [])
        assert len(desk.noted) == 1, desk.noted


@SCREEN
@params("chosen", "closed")
def test_only_the_server_says_what_was_chosen(lab, what):
    """Whoever is on the bus - a program in a session is - may send signals in the name of notifications, to
    all and to who asks: none of them chooses, or ends the question."""
    import panel

    apps = Apps(lab, "epiphany")
    apps.hold()
    with desktop(lab, apps) as desk:
        started = start(lab, desk, lab.spare, "--", "epiphany")
        number, *_ = asked(desk)
        other = desk.connect()
        name, values = ("ActionInvoked", ("(us)", (number, "anyway"))) if what == "chosen" else ("NotificationClosed", ("(uu)", (number, 2)))
        for to in (None, desk.askers[number]):
            other.emit_signal(to, "/org/freedesktop/Notifications", panel.NOTES, name, panel.GLib.Variant(*values))
        other.call_sync(panel.BUS, "/", panel.BUS, "GetId", None, None, 0, 5000, None)  # the bus has passed them on
        desk.press(number, "show")
        result = started.finish()
        other.close_sync(None)
        assert result.code == 0 and where(result, lab) == (True, []), (what, result)


@SCREEN
@BUS
@params("separate", "show", "anyway", "unasked")
def test_by_its_name_on_the_bus(lab, choice):
    """Any application that has the id of its entry on the session bus, also one that nothing is known
    of: it is shown by its Activate, with the token of the click."""
    import panel

    apps = Apps(lab, "unheard-of")
    told = []
    xml = '<node><interface name="org.freedesktop.Application"><method name="Activate"><arg type="a{sv}" direction="in"/></method></interface></node>'
    with desktop(lab, apps) as desk:
        if choice == "unasked":
            desk.capabilities = []
            desk.env["PATH"] = desk.env["PATH"].replace(f"{panel.build_dir()}/tray/window:", "")
        words = f"--app-id={EDITOR}", lab.spare, "--", "unheard-of", "a b"
        assert where(start(lab, desk, *words).finish(), lab) == (False, ["a b"]), "nobody has the name"

        def called(_conn, _sender, _path, _interface, _method, values, invocation):
            told.append(values.unpack()[0])
            invocation.return_value(None)

        interface = panel.Gio.DBusNodeInfo.new_for_xml(xml).interfaces[0]
        desk.conn.register_object("/org/example/Text_Editor", interface, called, None, None)
        desk.call(panel.BUS, "/", panel.BUS, "RequestName", panel.GLib.Variant("(su)", (EDITOR, 0)))
        desk.env["XDG_ACTIVATION_TOKEN"] = "click"
        started = start(lab, desk, *words)
        if choice == "unasked":
            desk.wait(lambda: desk.notes, 20, "the failure")
            desk.press(1, None)
            result = started.finish()
            assert result.code == 125 and EDITOR in result.err and "dbus-run-session(1)" in result.err, result
            assert desk.noted == ["unheard-of did not start"], desk.noted
            return
        number, title, _, labels = asked(desk)
        assert title == "unheard-of already runs outside" and len(labels) == 3, (title, labels)
        desk.press(number, choice)
        if choice == "show":
            desk.wait(lambda: told, 10, "its Activate")
        result = started.finish()
        assert result.code == 0, result
        if choice == "show":
            assert told == [{"activation-token": "click"}] and result.out == "", (told, result)
            return
        assert where(result, lab) == (False, ["a b"]) and not told, result
        bus = result.out.split()[1]
        assert (bus != desk.bus.address and "/tmp/dbus-" in bus) == (choice == "separate"), bus


@SCREEN
def test_a_dialog_where_no_server_has_buttons(lab):
    apps = Apps(lab, "epiphany")
    apps.hold()
    with desktop(lab, apps) as desk:
        desk.start_manager()
        desk.capabilities = ["body"]
        for language, key, words in (("de", "Escape", None), ("zh_CN", "Escape", None), ("C", "Return", "--private-instance")):
            started = start(lab, desk, lab.spare, "--", "epiphany", language=language)
            shown(desk, lab)
            desk.keep(f"handed-over-dialog-{language}")
            assert desk.noted == [], desk.noted
            desk.hands("key", key)
            result = started.finish()
            assert result.code == 0, result
            assert (result.out == "") if words is None else words in result.out, result


def shown(desk, lab):
    """The dialog is there, and drawn, and has the keyboard."""
    title = desk.screen.shows
    desk.wait(lambda: title("via-iface"), 20, "the dialog")
    desk.wait(lambda: lab.run(["xdotool", "getactivewindow", "getwindowname"], env=desk.env).out == "via-iface\n", 10, "its keyboard")


@SCREEN
@params(
    de=("epiphany läuft bereits außerhalb", "Getrennt starten", "true wurde nicht gestartet", "wlp6s0: abgeschaltet\n", "via-iface öffnen", "Darauf warten"),
    zh_CN=("epiphany 已在会话之外运行", "单独启动", "true 未能启动", "wlp6s0: ", "打开 via-iface", "等待其可用"),
)
def test_in_the_language_of_the_user(lab, words):
    """The question, and why an uplink that is down started nothing."""
    language = "de" if "läuft" in words[0] else "zh_CN"
    apps = Apps(lab, "epiphany")
    apps.hold()
    with desktop(lab, apps) as desk:
        started = start(lab, desk, lab.spare, "--", "epiphany", language=language)
        number, title, _, labels = asked(desk)
        assert (title, labels["separate"]) == words[:2], (title, labels)
        desk.press(number, None)
        assert started.finish().code == 0
        desk.notes.clear()
        lab.run(["ip", "link", "set", "wlp6s0", "down"], check=True)
        assert start(lab, desk, lab.spare, "--", "true", language=language).finish().code == 125
        number, title, body, labels = asked(desk)
        assert title == words[2] and body.startswith(words[3]) and "it is down" in body, (title, body)
        assert set(labels.values()) == set(words[4:]), labels
        desk.press(number, None)
