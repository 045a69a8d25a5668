"""The tray on a desktop of its own: its menu is read and clicked over com.canonical.dbusmenu, and by
mouse and keyboard in a panel; its window is used by keyboard; pictures are kept."""

import contextlib
import grp
import os
import signal
import time

from lab import ROOT, needs, params, sanitized, write_file
from panel import WATCHER, WINDOW_APP, Desktop
from test_leaves_by_its_uplink import give_back, lose

NOBODY = 65534
TOOLS = ("Xvfb", "xfce4-panel", "xfwm4", "xdotool", "xprop", "xwininfo", "dbus-daemon")
desktop = needs(*(f"tool:{tool}" for tool in TOOLS))

ASK = "while read c; do curl -s $c; done"  # what is written to it are addresses to fetch


def names(lab):
    return {s["name"]: s for s in lab.via("list", "--json", check=True).json()}


def user_of(lab):
    """A plain user whom the built-in policy lets use uplinks, where there can be one."""
    if not lab.real_root:
        return None, ()
    lab.groups = [grp.getgrnam("sudo").gr_gid]
    return NOBODY, ("--user", "nobody")


# --- the menu -----------------------------------------------------------------------------------


@desktop
def test_move(lab):
    """A running session goes by the other card, and back, by clicks in the menu."""
    user, options = user_of(lab)
    with Desktop(lab, user) as desk:
        desk.tray()
        desk.wait_for("No session")
        game = lab.session(lab.spare, "--name", "my_game", *options, script=ASK)
        cards = lab.spare, lab.wired, lab.spare
        for number, card in enumerate(cards):
            if number:
                desk.click("my_game", card.dev)
            desk.wait_for("my_game", card.dev, test=lambda item: item.marked)
            marked = [i.label for _, i in desk.menu().lines() if i.marked]
            assert marked == [f"{card.dev} · Ethernet"], marked
            assert desk.menu().find("my_game").label == f"my_game via {card.dev}"
            lab.wait(lambda c=card: names(lab)["my_game"]["uplink"] == c.dev, 2, "the move")
            game.write(f"{lab.url}\n")
            game.expect("".join(f"{c.addr}\n" for c in cards[: number + 1]))
        assert desk.noted == [], "what was asked for here is no news"
        game.finish()
        desk.wait_for("No session")


@desktop
def test_by_hand(lab):
    """Opened by a click in the panel; the rest by keys."""
    game = lab.session(lab.spare, "--name", "steam", script=f"while :; do curl -s {lab.url}bytes/90000; sleep 0.3; done >/dev/null")
    other = lab.session(f"{lab.spare},{lab.wired}", "--name", "backup")
    with Desktop(lab) as desk:
        desk.tray()
        desk.wait_for("backup", str(lab.wired))
        desk.open_menu()
        desk.hands("key", "Down")
        desk.do("key", "Right")
        shown = desk.wait_for("steam", "↓", test=lambda i: i.label.endswith("kB/s") and not i.enabled)
        assert "kB/s" in shown.label.split("↑")[0], shown.label
        assert desk.menu().find("steam", "Total: ↓")
        desk.do("key", "Down", least=1000)
        desk.do("key", "Up", least=1000)
        desk.keep("tray-menu")
        desk.hands("key", "Return")
        desk.wait_for("steam via enp7s0")
        assert names(lab)["steam"]["uplinks"] == ["enp7s0"]
        assert names(lab)["backup"]["uplink"] == "wlp6s0"
        # Those of its own list stay behind the one that was picked.
        desk.click("backup", "enp7s0")
        desk.wait_for("backup via enp7s0")
        assert names(lab)["backup"]["uplinks"] == ["enp7s0", "wlp6s0"]
        other.finish()
        game.stop()


@desktop
def test_orders(lab):
    """Pause, resume, stop, one and all; what is of no use is off."""
    one = lab.session(lab.spare, "--name", "one")
    two = lab.session(lab.wired, "--name", "two")
    with Desktop(lab) as desk:
        tray = desk.tray()
        desk.wait_for("two", "enp7s0")
        desk.click("one", "Pause")
        desk.wait_for("one: paused")
        assert not any(i.marked for i in desk.menu().find("one: paused").children)
        desk.wait_for("Resume all", test=lambda i: i.enabled)
        desk.click("Pause all")
        desk.wait_for("two: paused")
        desk.wait_for("Pause all", test=lambda i: not i.enabled)
        assert {s["state"] for s in names(lab).values()} == {"paused"}
        desk.wait(lambda: desk.icon()[0] == "via-iface-idle-symbolic", 3, "the icon at rest")
        desk.click("two", "Resume")
        desk.wait_for("two via enp7s0")
        desk.click("Resume all")
        desk.wait_for("one via wlp6s0")
        desk.click("two", "Stop")
        desk.wait(lambda: not desk.menu().find("two"), 5, "two's end")
        assert two.finish().code == -signal.SIGTERM
        assert one.running()
        assert desk.noted == [], desk.noted
        desk.click("Quit")
        assert tray.finish().code == 0
        lab.wait(lambda: not lab.processes("via-iface-verbs"), 2, "its child's end")
        assert one.running()
        one.finish()


@desktop
def test_start(lab):
    """The launcher entries of `via-iface desktop` start their programs; they are called as in menus, with
    their uplink."""
    with Desktop(lab) as desk:
        desk.tray()
        assert not desk.menu().find("Start")
        original = "[Desktop Entry]\nType=Application\nName=Editor\nX-GNOME-FullName=My_Editor\nExec=sleep 60\n"
        write_file(f"{desk.applications}/editor.desktop", original)
        lab.via("desktop", "add", "editor", lab.spare, env=desk.env, check=True)
        desk.about_to_show()
        start = desk.wait_for("Start", "My_Editor (via wlp6s0)")
        assert len(desk.menu().find("Start").children) == 1, desk.menu()
        desk.event(start.number, "clicked")
        desk.wait_for("sleep via wlp6s0")
        desk.click("sleep", "Stop")
        desk.wait_for("No session")


# --- what it tells ------------------------------------------------------------------------------


@desktop
def test_news(lab):
    """The icon, and notifications of a block and a failover, but not of what was asked for."""
    with Desktop(lab) as desk:
        desk.tray()
        assert desk.icon()[:2] == ("via-iface-idle-symbolic", "Active"), desk.icon()
        fixed = lab.session(lab.spare, "--name", "fixed")
        desk.wait(lambda: desk.icon() == ("via-iface-active-symbolic", "Active", "fixed via wlp6s0"), 5, "active")
        desk.keep("tray-active")
        both = lab.session(f"{lab.spare},{lab.wired}", "--name", "both")
        desk.wait_for("both via wlp6s0")
        far, dev = lab.spare.far
        lab.ip(f"link set {dev} down", ns=far)
        desk.wait(lambda: len(desk.notes) == 2, 5, "two notes")
        assert sorted(desk.notes.values()) == [
            ("both goes by enp7s0 now", "It went by wlp6s0 before."),
            ("fixed is blocked", "wlp6s0: it has no carrier"),
        ], desk.notes
        assert sorted(desk.noted) == ["both goes by enp7s0 now", "fixed is blocked"], desk.noted
        moves = {desk.notes[number][0]: buttons.get("move") for number, buttons in desk.buttons.items()}
        assert moves == {"both goes by enp7s0 now": None, "fixed is blocked": "Move to enp7s0"}, moves
        desk.wait(lambda: desk.icon()[:2] == ("via-iface-blocked-symbolic", "NeedsAttention"), 3, "blocked")
        desk.wait_for("fixed: blocked", "blocked: it has no carrier")
        assert not desk.wait_for("fixed", "wlp6s0 · Ethernet (it has no carrier)").enabled
        desk.keep("tray-blocked")
        lab.ip(f"link set {dev} up", ns=far)
        desk.wait_for("fixed via wlp6s0")
        desk.wait(lambda: "fixed is blocked" not in dict(desk.notes.values()), 5, "no such note any more")
        both.finish()
        fixed.finish()
        desk.wait(lambda: not desk.notes, 5, "nothing is shown of what has ended")


@desktop
def test_refusal(lab):
    """What the daemon refuses is said, in its words."""
    game = lab.session(lab.spare, "--name", "game")
    with Desktop(lab) as desk:
        desk.tray()
        item = desk.wait_for("game", "enp7s0")
        lab.run(f"ip link set dev {lab.wired} down", check=True)
        desk.event(item.number, "clicked")
        desk.wait(lambda: desk.notes, 5, "a note")
        (title, body), = desk.notes.values()
        assert title == "via-iface refused" and "enp7s0" in body and "down" in body, desk.notes
        assert desk.wait_for("game", "wlp6s0").marked
        game.finish()


@desktop
def test_news_after_a_refusal(lab):
    """A move that was refused is not awaited: that the session fails over to that uplink is news."""
    game = lab.session(lab.wired, "--name", "game")
    with Desktop(lab) as desk:
        desk.tray()
        item = desk.wait_for("game", "wlp6s0", test=lambda item: item.enabled)
        lose(lab, "down")
        desk.event(item.number, "clicked")
        desk.wait(lambda: desk.noted == ["via-iface refused"], 10, "the refusal")
        give_back(lab, "down")
        lab.via("move", "game", f"{lab.wired},{lab.spare}", check=True)
        lab.ip(f"link set {lab.wired.far[1]} down", ns=lab.wired.far[0])
        desk.wait(lambda: "game goes by wlp6s0 now" in desk.noted, 10, "the news")
    game.finish()


# --- the window ---------------------------------------------------------------------------------


@desktop
def test_no_tray(lab):
    """Nothing shows it: that is said, and it goes on; a panel that comes later shows it."""
    with Desktop(lab, panel=False) as desk:
        tray = desk.run()
        lab.wait(lambda: tray._read(0.1) and b"via-iface-window" in tray.err, 10, "a line that says so")
        assert tray.err.decode().splitlines()[-1].startswith("via-iface-tray: this desktop shows no tray now")
        desk.start_panel()
        lab.wait(desk.item, 10, "the icon", 0.05)
        desk.panel.stop()
        lab.wait(lambda: not desk.owned(WATCHER), 5, "no panel")
        fixed = lab.session(lab.spare, "--name", "fixed")
        desk.wait(lambda: desk.icon()[2] == "fixed via wlp6s0", 5, "the session")
        lab.ip(f"link set {lab.spare.far[1]} down", ns=lab.spare.far[0])
        desk.wait(lambda: list(desk.notes.values()) == [("fixed is blocked", "wlp6s0: it has no carrier")], 5, "the note")
        fixed.finish()
        assert tray.running()
        assert tray.stop().code == 0


# --- what it lives through, and costs -----------------------------------------------------------


@desktop
def test_survives(lab):
    """The daemon's absence and death, and that of its own child."""
    with Desktop(lab) as desk:
        tray = desk.tray()
        assert lab.daemon_pids() == []
        for round_ in ("first", "second"):
            game = lab.session(lab.spare, "--name", round_)
            desk.wait_for(round_, "wlp6s0", test=lambda i: i.marked)
            old = lab.daemon_pid()
            os.kill(old, signal.SIGKILL)
            lab.wait(lambda o=old: lab.daemon_pid() not in (None, o), 5, "a new daemon")
            lab.wait(lambda r=round_: lab.via("resume", r).code == 0, 5, "that it answers")
            desk.click(round_, "enp7s0")
            desk.wait_for(f"{round_} via enp7s0")
            game.finish()
            desk.wait_for("No session")
            lab.wait_gone()
            lab.wait(lambda: len(lab.processes("via-iface-verbs")) == 1, 5, "its child, alone")
            (child,) = lab.processes("via-iface-verbs")
            os.kill(child, signal.SIGKILL)
            lab.wait(lambda c=child: lab.processes("via-iface-verbs") not in ([], [c]), 5, "a new child")
        assert tray.running()


def switches(pid):
    """How often its threads have slept and woken."""
    count = 0
    for task in os.listdir(f"/proc/{pid}/task"):
        with contextlib.suppress(OSError), open(f"/proc/{pid}/task/{task}/status") as f:
            count += sum(int(line.split()[1]) for line in f if "ctxt_switches" in line)
    return count


def pss(pid):
    with open(f"/proc/{pid}/smaps_rollup") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("Pss:"))


@desktop
def test_costs(lab):
    """Nothing happens while nobody looks, and one question a second while somebody does."""
    game = lab.session(lab.spare, "--name", "steam", script=f"while :; do curl -s {lab.url}bytes/9000; sleep 0.1; done >/dev/null")
    with Desktop(lab) as desk:
        tray = desk.tray()
        desk.wait_for("steam", "enp7s0")
        lab.wait(lambda: len(lab.processes("via-iface-verbs")) == 1, 5, "the one that follows, alone")
        pids = [tray.pid, *lab.processes("via-iface-verbs")]

        def asleep():
            before = [switches(pid) for pid in pids]
            time.sleep(0.5)
            return before == [switches(pid) for pid in pids]

        def sleeps(seconds):
            before = [switches(pid) for pid in pids]
            time.sleep(seconds)
            after = [switches(pid) for pid in pids]
            assert before == after, f"{before} became {after}"

        lab.wait(asleep, 5, "that it sleeps")
        sleeps(5)
        root = desk.menu()
        desk.event(root.number, "opened")
        rates = set()

        def look():
            rates.add(desk.menu().find("steam", "↓").label)
            return len(rates) > 3

        start = time.monotonic()
        desk.wait(look, 10, "rates")
        # One was there before, the first look makes none: so these are of three seconds.
        assert 1.8 <= time.monotonic() - start <= 6 * lab.scale, rates
        desk.event(root.number, "closed")
        lab.wait(asleep, 5, "that it sleeps")
        if not sanitized():
            assert pss(tray.pid) <= 15 * 1024, f"{pss(tray.pid)} KiB"
        game.stop()


# --- languages ----------------------------------------------------------------------------------


@desktop
@params(de=("Keine Sitzung", "Alle anhalten", "Beenden"), zh_CN=("没有会话", "全部暂停", "退出"))
def test_languages(lab, words):
    language = "de" if words[0].startswith("Keine") else "zh_CN"
    with Desktop(lab) as desk:
        desk.tray(env={"LANGUAGE": language})
        for word in words:
            desk.wait_for(word)


@needs("tool:xgettext", "tool:msgcmp", "tool:msgfmt")
def test_catalogues(lab):
    """Each text of the sources is in each language."""
    lab.run(["xgettext", "-f", "po/POTFILES", "-o", f"{lab.tmp}/all.pot", "-k_", "-kN_", "-kngettext:1,2", "--from-code=UTF-8"], cwd=ROOT, check=True)
    with open(f"{ROOT}/po/LINGUAS") as f:
        languages = f.read().split()
    assert languages == ["de", "zh_CN"]
    for language in languages:
        path = f"{ROOT}/po/{language}.po"
        lab.run(["msgcmp", path, f"{lab.tmp}/all.pot"], check=True)
        lab.run(["msgfmt", "--check", "-o", "/dev/null", path], check=True)


@desktop
@needs("tool:desktop-file-validate")
def test_desktop_files(lab):
    """One entry is shown in menus: it opens the window, which is told to be its by WM_CLASS (X11) and by
    the application's id (Wayland)."""
    folder = f"{ROOT}/data"
    lab.run(["desktop-file-validate", f"{folder}/autostart/via-iface-tray.desktop"], check=True)
    entries = [name for name in os.listdir(folder) if name.endswith(".desktop")]
    assert entries == [f"{WINDOW_APP}.desktop"], entries
    path = f"{folder}/{entries[0]}"
    lab.run(["desktop-file-validate", path], check=True)
    with open(path, encoding="utf-8") as f:
        keys = dict(line.rstrip("\n").split("=", 1) for line in f if "=" in line)
    assert keys["Name"] == "via-iface" and "NoDisplay" not in keys and keys["Terminal"] == "false"
    with open(f"{folder}/org.via_iface.via_iface.metainfo.xml", encoding="utf-8") as f:
        assert f'<launchable type="desktop-id">{entries[0]}</launchable>' in f.read()
    with Desktop(lab) as desk:
        assert keys["Exec"] == "via-iface-window"
        desk.window()
        lab.wait(lambda: "via-iface" in desk.screen.windows(), 20, "the window", 0.1)
        assert desk.owned(WINDOW_APP)

        def visible():
            return lab.run(["xdotool", "search", "--onlyvisible", "--name", "^via-iface$"], env=desk.env).out

        lab.wait(visible, 20, "that it is shown", 0.1)
        found = visible()
        words = lab.run(["xprop", "-id", found.split()[0], "WM_CLASS"], env=desk.env, check=True).out
        assert f'"{keys["StartupWMClass"]}"' in words, words
