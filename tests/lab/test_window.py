"""The window, by somebody who has no shell: each control has a name, programs are started, bound and
put into the menu, sessions moved, put in order, paused and stopped. Pictures are kept, and measured."""

import os
import time

from lab import ROOT, alone, needs, params, sanitized, timeout, write_file
from person import WindowDesktop
from test_handed_over import Apps
from test_tray import names, pss

TOOLS = ("Xvfb", "xfwm4", "xdotool", "xprop", "xwininfo", "dbus-daemon")
desktop = needs(*(f"tool:{tool}" for tool in TOOLS))

TRAFFIC = "while :; do curl -s {url}bytes/90000; sleep 0.2; done >/dev/null"
EDITOR = "[Desktop Entry]\nType=Application\nName=My_Editor\nComment=Writes\nExec=sleep 60\n"
TREE = os.path.join(ROOT, "tests", "desktop", "window.tree")
# What somebody can use or has to be told of; the rest holds it.
CONTROLS = ("push button", "toggle button", "check box", "radio button", "entry", "list", "list item", "page tab", "image", "dialog")


def editor(desk):
    write_file(f"{desk.applications}/editor.desktop", EDITOR)


def only_session(lab, **wanted):
    """Until there is one session, and it is so."""

    def look():
        sessions = lab.via("list", "--json", check=True).json()
        return len(sessions) == 1 and all(sessions[0][key] == value for key, value in wanted.items())

    lab.wait(look, 10, f"a session with {wanted}")


def chosen(person):
    """The uplinks of which the radio button is on."""
    return [name for _, role, name, states in person.tree() if role in ("radio button", "check box") and "checked" in states]


# --- without a shell ----------------------------------------------------------------------------


@desktop
@timeout(240)
def test_start_move_stop(lab):
    """The first start says what to do; a program is found, started, moved, put behind another uplink,
    paused, resumed, and stopped after a question."""
    with WindowDesktop(lab) as desk:
        editor(desk)
        person = desk.open()
        person.sees("No session")
        person.press("push button", "Start a program")
        person.until(lambda: person.ask("focus") == ["entry", "Search programs"], "the search")
        desk.hands("type", "my_ed")
        person.press("list item", "My_Editor")
        person.sees("Start now")
        person.press("push button", "Start now")
        only_session(lab, uplink=str(lab.wired), uplinks=[str(lab.wired)], name="sleep")
        person.sees("My_Editor started via enp7s0")
        person.press("page tab", "Sessions")
        person.press("list item", "sleep")
        person.press("push button", f"Move to {lab.spare}")
        only_session(lab, uplink=str(lab.spare))
        person.sees("sleep via wlp6s0")
        lab.via("move", "sleep", f"{lab.spare},{lab.wired}", check=True)
        person.press("push button", f"Use {lab.wired} earlier")
        only_session(lab, uplink=str(lab.wired), uplinks=[str(lab.wired), str(lab.spare)])
        person.press("push button", f"Do not use {lab.spare}")
        only_session(lab, uplinks=[str(lab.wired)])
        person.press("push button", "Pause")
        only_session(lab, state="paused")
        person.press("push button", "Resume")
        only_session(lab, state="up")
        person.press("push button", "Stop")
        person.sees("Stop sleep?")
        desk.hands("key", "Escape")
        person.sees_no("Stop sleep?")
        only_session(lab, state="up")
        person.press("push button", "Stop")
        person.sees("Stop sleep?")
        for _ in range(3):  # the text may have the focus, too
            before = person.ask("focus")
            if before == ["push button", "Stop"]:
                break
            desk.hands("key", "Tab")
            person.until(lambda: person.ask("focus") != before, "the next one")  # noqa: B023
        desk.hands("key", "Return")
        person.until(lambda: not names(lab), "its end")
        person.sees("No session")


@desktop
@timeout(120)
def test_return_chooses_the_uplink(lab):
    """Return on an uplink's row chooses that one, and starts nothing; Return on it once more, and on the
    others, neither."""
    with WindowDesktop(lab) as desk:
        editor(desk)
        person = desk.open()
        person.press("page tab", "Programs")
        person.press("list item", "My_Editor")
        person.sees("Start now")
        for uplink in (lab.spare, lab.spare, lab.wired, lab.spare):
            person.press("list item", str(uplink))
            person.until(lambda u=uplink: chosen(person) == [f"{u}"], f"{uplink} as the chosen one")
            assert not names(lab)
        person.press("push button", "Start now")
        only_session(lab, uplink=str(lab.spare), uplinks=[str(lab.spare)], name="sleep")
        lab.via("stop", "--all", check=True)


@desktop
@timeout(120)
def test_menu_and_always(lab):
    """An entry is made, started and removed; a program is bound to an uplink, and released."""
    with WindowDesktop(lab) as desk:
        editor(desk)
        os.rename(f"{desk.applications}/editor.desktop", f"{lab.tmp}/editor.desktop")
        os.makedirs(f"{lab.tmp}/share/applications")
        os.rename(f"{lab.tmp}/editor.desktop", f"{lab.tmp}/share/applications/editor.desktop")
        desk.env["XDG_DATA_DIRS"] += f":{lab.tmp}/share"
        person = desk.open()
        made, bound = f"{desk.applications}/via-iface-editor-enp7s0.desktop", f"{desk.applications}/editor.desktop"
        policy = f"{desk.home}/.config/via-iface/apps/desktop-editor.conf"
        for button, path in (("Add to the menu", made), ("Always", bound)):
            person.press("page tab", "Programs")
            person.press("list item", "My_Editor")
            person.sees("Start now")
            person.press("push button", button)
            person.until(lambda p=path: os.path.exists(p), path)
        with open(policy, encoding="utf-8") as f:
            assert f"uplink = {lab.wired}\n" in f.read()
        person.press("page tab", "Entries")
        desk.keep("window-entries")
        person.press("push button", "Start My_Editor (via enp7s0)")
        only_session(lab, uplink=str(lab.wired), name="sleep")
        person.press("push button", "Remove My_Editor (via enp7s0)")
        person.until(lambda: not os.path.exists(made), "its removal")
        person.press("push button", "Remove My_Editor (via-iface)")
        person.until(lambda: not os.path.exists(bound) and not os.path.exists(policy), "the release")
        lab.via("stop", "--all", check=True)


@desktop
@timeout(120)
def test_failure_and_refusal_are_shown(lab):
    """A program that is not there is told of with its line; a hand-over is asked about, and each answer
    does what it says."""
    apps = Apps(lab, "epiphany")
    outside = apps.hold()
    with WindowDesktop(lab) as desk:
        desk.env.update(apps.env(), HOME=apps.home)
        desk.env["PATH"] = f"{apps.bin}:{desk.env['PATH']}"
        applications = f"{apps.home}/.local/share/applications"
        os.makedirs(applications, exist_ok=True)
        write_file(f"{applications}/web.desktop", "[Desktop Entry]\nType=Application\nName=Web\nExec=epiphany\n")
        write_file(f"{applications}/gone.desktop", "[Desktop Entry]\nType=Application\nName=Gone\nPath=/nowhere\nExec=sleep 1\n")
        person = desk.open()
        person.press("page tab", "Programs")
        person.press("list item", "Gone")
        person.press("push button", "Start now")
        person.sees("Gone did not start")
        person.sees("/nowhere")
        desk.keep("window-failure")
        desk.hands("key", "Escape")
        person.sees_no("Gone did not start")
        for name, ran in (("Cancel", False), ("Start separately", True)):
            person.press("list item", "Web")
            person.sees("Start now")
            person.press("push button", "Start now")
            person.sees("Web already runs outside")
            if not ran:
                desk.keep("window-question")
            person.press("push button", name)
            person.sees_no("Web already runs outside")
        person.sees("Web started")
    outside.stop()


@desktop
def test_why_and_remedy(lab):
    """Why a session is blocked, and what doctor says to do; the history has it."""
    held = lab.session(lab.spare, "--name", "fixed")
    with WindowDesktop(lab) as desk:
        person = desk.open()
        person.sees("fixed")
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        person.sees("blocked: it has no carrier")
        (finding,) = [f for f in lab.via("doctor", lab.spare, "--json").json()["findings"] if f["id"] == "no-uplink"]
        person.press("list item", "fixed")
        person.sees(finding["text"])
        person.sees(f"What to do: {finding['fix']}")
        desk.keep("window-blocked")
        person.press("page tab", "History")
        person.sees("fixed: blocked")
        desk.keep("window-history")
    held.finish()


# --- what it tells ------------------------------------------------------------------------------


def scene(lab):
    lab.run("ip link add wwan0 type veth peer name wwan1 && ip link set wwan1 up && ip link set wwan0 up", check=True)
    game = lab.session(f"{lab.spare},{lab.wired}", "--name", "steam", script=TRAFFIC.format(url=lab.url))
    held = lab.session(lab.wired, "--name", "backup")
    lab.via("pause", "backup", check=True)
    return game, held


@desktop
@alone
def test_window(lab):
    """By keys alone: a second start finds the first, a graph grows, F10 opens the menu, Escape goes back
    and closes; it costs what it may, and nothing is left."""
    game, held = scene(lab)
    with WindowDesktop(lab) as desk:
        person = desk.open()
        assert desk.window().finish().code == 0
        person.sees("steam")
        assert person.ask("focus") == ["page tab", "Sessions"], person.ask("focus")
        person.press("list item", "steam")

        def blue():
            """How many pixels are: what is received, as a graph that grows."""
            return sum(n for (red, _, blue), n in desk.screen.picture().colours() if blue > red + 30)

        before = blue()
        lab.wait(lambda: blue() > before + 700, 20, "a graph of the traffic", 0.2)
        desk.hands("key", "F10")
        person.until(lambda: person.ask("focus") == ["menu item", "Pause all"], "the menu")
        desk.hands("key", "Escape")
        person.until(lambda: (person.ask("focus") or [""])[0] != "menu item", "no menu")
        if not sanitized():
            assert pss(desk.process.pid) < 80 * 1024, f"{pss(desk.process.pid)} KiB"
        desk.hands("key", "Escape")
        person.until(lambda: "Back" not in person.names("push button"), "all sessions")
        desk.hands("key", "Escape")
        done = desk.process.finish()
        assert (done.code, done.err) == (0, ""), done
        lab.wait(lambda: not lab.processes("via-iface-verbs"), 5, "its child's end")
    held.finish()
    game.stop()


@desktop
def test_every_control_has_a_name(lab):
    """The accessibility tree of each page, as it was looked at; VIA_GOLDEN_UPDATE=1 writes it anew."""
    game, held = scene(lab)
    lines = []
    with WindowDesktop(lab) as desk:
        editor(desk)
        desk.env["XDG_DATA_DIRS"] = f"{ROOT}/data"
        person = desk.open()

        def read(title):
            lines.append(f"# {title}")
            for _, role, name, _ in person.tree():
                if role in CONTROLS and not name.startswith("Gtk"):
                    assert name, f"{title}: a {role} without a name"
                    lines.append(f"{role}: {name}")

        person.sees("wwan0")
        person.press("list item", "steam")
        person.sees("Use enp7s0 earlier")
        read("a session")
        person.press("page tab", "Programs")
        person.press("list item", "My_Editor")
        person.sees("Start now")
        read("a program")
    held.finish()
    game.stop()
    text = "\n".join(lines) + "\n"
    if os.environ.get("VIA_GOLDEN_UPDATE"):
        write_file(TREE, text)
    with open(TREE, encoding="utf-8") as f:
        assert f.read() == text, text


# --- pictures -----------------------------------------------------------------------------------


def luminance(colour):
    """WCAG 2.1, "relative luminance"."""
    parts = [c / 255 for c in colour]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@desktop
@timeout(120)
@params(light=(1, False), dark=(1, True), double=(2, False), double_dark=(2, True))
def test_pictures(lab, look):
    """Light, dark, twice as large; text has a contrast of 4.5:1 and more against its ground."""
    scale, dark = look
    mark = f"window-{'dark' if dark else 'light'}{'-2x' if scale > 1 else ''}"
    game, held = scene(lab)
    with WindowDesktop(lab, scale, dark) as desk:
        editor(desk)
        person = desk.open()
        person.sees("steam")
        desk.hands("mousemove", "0", "0")  # on no row, whose tooltip would be over others
        time.sleep(4)  # of a graph
        desk.keep(f"{mark}-sessions")
        everything = person.ask("boxes")
        picture = desk.screen.picture()
        left, top, _, _ = desk.screen.windows()["via-iface"]
        checked = 0
        for role, name, x, y, width, height in everything:
            if role != "label" or width < 8 or not name or name.startswith("Gtk"):
                continue
            part = picture.crop(left + x * scale, top + y * scale, width * scale, height * scale)
            if part.height < 8 or not part.rows[0]:
                continue
            colours = part.colours()
            best = max(contrast(colours[0][0], colour) for colour, _ in colours)
            assert best >= 4.5, f"{name}: {best:.1f} of {colours[:3]}"
            checked += 1
        assert checked > 8, everything
        person.press("list item", "steam")
        person.sees("Use enp7s0 earlier")
        desk.keep(f"{mark}-session")
        person.press("page tab", "Programs")
        person.press("list item", "My_Editor")
        person.sees("Start now")
        desk.keep(f"{mark}-program")
    held.finish()
    game.stop()
