"""Each page and dialog of the window: text has a contrast of 4.5:1 and more against its ground (WCAG 2.1,
1.4.3), each control has a name and stands in tests/desktop/window_pages.tree (VIA_GOLDEN_UPDATE=1 writes it
anew), no icon is missing. Pictures are kept."""

import os
import re

from lab import ROOT, needs, params, timeout, write_file
from panel import WINDOW
from person import WindowDesktop
from portal import Appearance
from test_window import CONTROLS, contrast, desktop, editor

TREE = os.path.join(ROOT, "tests", "desktop", "window_pages.tree")
LEAST = 4.5
SMALL = 8  # pixels: what is less high or wide is scrolled out of sight


def texts(person):
    """[(text, x, y, width, height)] of what the window, or the dialog over it, shows."""
    return [
        (name, *box)
        for role, name, *box in person.ask("boxes")
        if role in ("label", "text") and name and not name.startswith("Gtk") and min(box[2:]) >= SMALL
    ]


def best(picture):
    """The best contrast of a colour with the one that most of it has."""
    colours = picture.colours()
    return max(contrast(colours[0][0], colour) for colour, _ in colours)


def measure(desk, scale, title, place, before):
    """Those below it, and how many there are that were not there before: GTK 4.8 says of a page that is
    hidden that it is visible."""
    left, top, wide, high = desk.screen.windows()[place]
    picture = desk.screen.picture()
    bad, n = [], 0
    for box in texts(desk.person):
        if box[1:] in before:  # by its place: a rate changes
            continue
        name, x, y, width, height = box
        x, y = left + x * scale, top + y * scale
        if x < left or y < top or x + width * scale > left + wide or y + height * scale > top + high:
            continue
        part = picture.crop(x, y, width * scale, height * scale)
        n += 1
        if best(part) < LEAST:
            bad.append(f"{title}: '{name}' {best(part):.2f} of {part.colours()[:3]}")
    return bad, n


def bare_data(lab, *names):
    """A directory of shared data with these alone: GTK reads schemas, and knows an SVG by its MIME type."""
    bare = f"{lab.tmp}/bare"
    os.mkdir(bare)
    for name in names:
        os.symlink(f"/usr/share/{name}", f"{bare}/{name}")
    return bare


class Controls:
    """What each page and dialog adds to the accessibility tree: a line for each control, with its name."""

    def __init__(self, person):
        self.person, self.before, self.lines = person, [], []

    def read(self, title):
        """GTK 4.8 says of what is hidden that it is visible: what was there before is left out."""
        now = []
        for _, role, name, _ in self.person.tree():
            if role in (*CONTROLS, "menu item") and not name.startswith("Gtk"):
                assert name, f"{title}: a {role} without a name"
                now.append(f"{role}: {re.sub(r'[0-9]+:[0-9:]+', 'TIME', name)}")
        new = list(now)
        for line in self.before:
            if line in new:
                new.remove(line)
        # of what happens at one moment, any may be the first
        self.lines += [f"# {title}", *(sorted(new) if title == "history" else new)]
        self.before = now


@desktop
@timeout(240)
@params(light=(1, False), dark=(1, True), double=(2, False), double_dark=(2, True))
def test_pages(lab, look):
    scale, dark = look
    mark = f"page-{'dark' if dark else 'light'}{'-2x' if scale > 1 else ''}"
    held = lab.session(lab.spare, "--name", "fixed")
    both = lab.session(f"{lab.spare},{lab.wired}", "--name", "both")
    lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
    with WindowDesktop(lab, scale, dark) as desk:
        editor(desk)
        desk.env["XDG_DATA_DIRS"] = f"{ROOT}/data:{bare_data(lab, 'glib-2.0', 'mime', 'icons')}"
        lab.via("desktop", "add", "editor", "enp7s0", env=desk.env, check=True)
        person = desk.open()
        before, controls = set(), Controls(person)

        def check(title, least, place="via-iface"):
            lab.wait(lambda: place in desk.screen.windows(), 20, f"the window {place}", 0.1)
            seen = []

            def look():
                seen[:] = measure(desk, scale, title, place, before)
                return not seen[0] and seen[1] >= least  # an animation may be going on

            try:
                lab.wait(look, 10, f"text that can be read: {title}", 0.3)
            except AssertionError as error:
                desk.keep(f"{mark}-{title}-failed")
                raise AssertionError(f"{error}\n{seen}\n{texts(person)}") from None
            controls.read(title)
            desk.keep(f"{mark}-{title}")
            before.update(box[1:] for box in texts(person))

        person.sees("blocked: it has no carrier")
        check("sessions", 8)
        desk.hands("key", "F10")
        person.until(lambda: person.ask("focus") == ["menu item", "Pause all"], "the menu")
        controls.read("menu")
        desk.keep(f"{mark}-menu")
        desk.hands("key", "Escape")
        person.until(lambda: (person.ask("focus") or [""])[0] != "menu item", "no menu")
        person.press("list item", "fixed")
        person.sees("What to do")
        check("blocked", 6)
        person.press("push button", "Stop")
        person.sees("Stop fixed?")
        controls.read("question")
        desk.keep(f"{mark}-question")
        desk.hands("key", "Escape")
        person.sees_no("Stop fixed?")
        person.press("page tab", "Entries")
        person.sees("My_Editor (via enp7s0)")
        check("entries", 1)
        person.press("page tab", "History")
        person.sees("fixed: blocked")
        check("history", 2)
        desk.hands("key", "ctrl+comma")
        person.sees("Settings")
        check("settings", 2, "Settings")
        desk.hands("key", "Escape")
        person.press("page tab", "Programs")
        person.sees("My_Editor")
        check("programs", 1)
        person.press("list item", "My_Editor")
        person.sees("Start now")
        check("start", 8, "My_Editor")
    both.finish()
    held.finish()
    text = "\n".join(controls.lines) + "\n"
    if os.environ.get("VIA_GOLDEN_UPDATE"):
        write_file(TREE, text)
    with open(TREE, encoding="utf-8") as f:
        assert f.read() == text, text


@needs("tool:gresource", "tool:ldd")
def test_no_icon_is_missing(lab):
    """Each icon that is named in the sources is in GTK or in the window: a desktop may have no theme."""
    libraries = lab.run(["ldd", WINDOW], check=True).out
    gtk = re.search(r"libgtk-4\S* => (\S+)", libraries)[1]
    there = "\n".join(lab.run(["gresource", "list", path], check=True).out for path in (gtk, WINDOW))
    names = set()
    folder = f"{ROOT}/tray/window"
    for name in os.listdir(folder):
        if name.endswith(".c"):
            with open(f"{folder}/{name}", encoding="utf-8") as f:
                names |= set(re.findall(r'"([a-z0-9-]+-symbolic)"', f.read()))
    assert len(names) > 10
    missing = [name for name in sorted(names) if f"/{name}." not in there]
    assert not missing, missing


@desktop
def test_no_icon_theme(lab):
    """Without themes an uplink has its icon all the same; that of what is missing is of a light grey."""
    held = lab.session(lab.spare, "--name", "fixed")
    with WindowDesktop(lab) as desk:
        desk.env["XDG_DATA_DIRS"] = bare_data(lab, "glib-2.0", "mime")
        person = desk.open()
        person.sees("fixed")
        (box,) = {box for box in texts(person) if box[0] == str(lab.wired)}
        _, x, y, _, _ = box
        left, top, _, _ = desk.screen.windows()["via-iface"]
        lab.wait(lambda: best(desk.screen.picture().crop(left + x - 32, top + y - 4, 28, 28)) >= LEAST, 10, "its icon", 0.3)
        desk.keep("window-bare")
    held.finish()


@desktop
@needs("tool:gsettings")
def test_the_style_changes_while_it_is_open(lab):
    """The desktop's portal says dark, and light again: the window and its graph follow at once."""
    game = lab.session(lab.spare, "--name", "game")
    with WindowDesktop(lab) as desk:
        look = Appearance(desk)
        person = desk.open()
        person.press("list item", "game")
        person.sees("Traffic of the last minute")

        def ground():
            left, top, wide, high = desk.screen.windows()["via-iface"]
            return sum(desk.screen.picture().crop(left, top, wide, high).colours()[0][0]) // 3

        for dark in (False, True, False):
            look.set(dark)
            desk.wait(lambda: ground() < 80 if dark else ground() > 180, 10, f"dark: {dark}")  # noqa: B023
            # a text of the page, and one that the graph draws
            for box in (box for box in texts(person) if box[0] == "Traffic"):
                left, top, _, _ = desk.screen.windows()["via-iface"]
                _, x, y, width, height = box
                part = desk.screen.picture().crop(left + x, top + y, width, height)
                desk.wait(lambda: best(part) >= LEAST, 10, "text that can be read")  # noqa: B023
            (box,) = [box for box in person.ask("boxes") if box[:2] == ["image", "Traffic of the last minute"]]
            _, _, x, y, width, height = box
            left, top, _, _ = desk.screen.windows()["via-iface"]
            desk.wait(lambda: best(desk.screen.picture().crop(left + x, top + y, width // 5, height)) >= LEAST, 10, "the numbers at the axis")  # noqa: B023
            desk.keep(f"window-live-{'dark' if dark else 'light'}")
    game.finish()
