"""From the menu nothing fails unseen: what is wrong is said when an entry is made, or shown when it
is started."""

import os
import shutil
import signal
import sys

from lab import ROOT, needs, params, program
from test_desktop import Desktop, put, simple, value
from test_leaves_by_its_uplink import give_back, lose

GLIB = needs("tool:gio")


@GLIB
def test_checked_when_it_is_added(lab):
    """A mistyped uplink is refused at once, with the one that was meant; a list may name one that is
    not here. A program that is not there is warned of."""
    desktop = Desktop(lab)
    desktop.install("game", simple("Game"))
    desktop.stub("game")
    for uplinks, said in (
        ("wlp6s", "did you mean 'wlp6s0'?"),
        ("enp7s0,wlp6s", "did you mean 'wlp6s0'?"),
        ("nowhere", "`via-iface uplinks`"),
    ):
        done = desktop.via("desktop", "add", "game", uplinks)
        assert done.code == 125 and said in done.err and "unknown uplink" in done.err, done
        assert done.err.count("\n") == 1 and not done.out, done
    for uplinks in ("wlp6s0", "usb9,wlp6s0", "wifi", "mac:02:00:00:00:00:09", "ssid:Home"):
        done = desktop.via("desktop", "add", "game", uplinks)
        assert done.code == 0 and not done.err, done
    desktop.install("gone", simple("Gone").replace("Exec=game", "Exec=gone"))
    done = desktop.via("desktop", "add", "gone", "wlp6s0")
    assert done.code == 0 and "the entry will start nothing: run 'gone'" in done.err, done


# --- when it is started ---------------------------------------------------------------------------

START = "via-iface", "desktop", "start"
SCREEN = needs(*(f"tool:{tool}" for tool in ("Xvfb", "xdotool", "dbus-daemon", "xwininfo")))


@SCREEN
def test_a_failure_is_shown(lab):
    """The line that standard error gets is shown, with the program's name, and a press opens the
    window; a program that starts is the process that was started, and nothing stays beside it."""
    import panel

    with panel.Desktop(lab, panel=False) as desk:
        desk.env["PATH"] = f"{panel.build_dir()}/tray/window:{desk.env['PATH']}"
        done = lab.run([*START, "wlp6s0", "--", "no-such-game"], env=desk.env)
        assert done.code == 127 and "'no-such-game'" in done.err, done
        desk.wait(lambda: desk.noted, 10, "the notification")
        (number, (title, body)) = next(iter(desk.notes.items()))
        assert title == "no-such-game did not start", title
        assert "via-iface: " + body.replace("&apos;", "'").replace("&#39;", "'") == done.err.strip(), (body, done.err)
        before = desk.screen.picture()
        desk.press(number, "window")
        lab.wait(lambda: windows(lab, desk), 20, "the tray's window", 0.1)
        lab.wait(lambda: desk.changed(before, 20000), 20, "the window's picture", 0.1)
        desk.keep("failure-window")
        held = lab.session(lab.spare)
        script = 'echo $$; env | grep -c VIA_IFACE_REPORT; ls /proc/self/fd | wc -l; cat /proc/net/dev | grep -c eth0'
        bare = lab.run(["sh", "-c", "ls /proc/self/fd | wc -l"], check=True).out
        started = lab.popen([*START, "wlp6s0", "--", "sh", "-c", script], env=desk.env)
        result = started.finish()
        assert result.out.split() == [str(started.popen.pid), "0", bare.strip(), "1"], result
        lab.wait(lambda: not lab.processes("via-iface-desktop"), 5, "the end of who waited")
        # the daemon's refusal comes from via-iface-enter
        lab.run(["ip", "link", "set", "wlp6s0", "down"], check=True)
        done = lab.run([*START, "wlp6s0", "--", "true"], env=desk.env)
        assert done.code == 125, done

        def shown():
            """Without what the tray, whose window is open, tells of the session that is held."""
            return [title for title in desk.noted if not title.startswith("sh is ")]

        desk.wait(lambda: len(shown()) == 2, 10, "the second notification")
        assert shown()[1] == "true did not start"
        # what a message of the bus cannot hold (a file's name may) is shown as far as it is text
        lab.run(["sh", "-c", """exec "$@" "$(printf 'no-such-g\\344me')" """, "sh", *START, "wlp6s0", "--"], env=desk.env)
        desk.wait(lambda: len(shown()) == 3, 10, "the third notification")
        assert shown()[2] == "no-such-g\ufffdme did not start", desk.noted
        held.finish()


# As a launcher that reads what it started writes, and has ended.
NO_READER = """
import os, signal, sys
signal.signal(signal.SIGPIPE, signal.SIG_DFL)
reader, writer = os.pipe()
os.close(reader)
os.dup2(writer, 2)
os.close(writer)
os.execvp(sys.argv[1], sys.argv[1:])
"""


@params(start=START, run=("via-iface", "run"))
def test_nobody_reads_standard_error(lab, words):
    """A warning that nobody reads any more does not keep the program from its start, nor a failure
    from its status; the program finds SIGPIPE as it was."""
    env = {"http_proxy": "http://127.0.0.1:9", "DISPLAY": "", "DBUS_SESSION_BUS_ADDRESS": f"unix:path={lab.tmp}/none"}
    command = [sys.executable, "-c", NO_READER, program(words[0]), *words[1:], str(lab.spare), "--"]
    done = lab.run([*command, "sh", "-c", "grep SigIgn: /proc/self/status; echo $http_proxy"], env=env)
    assert done.code == 0, done
    _, ignored, proxy = done.out.split()
    assert proxy == env["http_proxy"] and not int(ignored, 16) & 1 << signal.SIGPIPE - 1, done
    assert lab.run([*command, "no-such-game"], env=env).code == 127
    lab.run(["ip", "link", "set", str(lab.spare), "down"], check=True)
    assert lab.run([*command, "true"], env=env).code == 125


def came_by_the_spare(lab, desk, out):
    """The program ran, asked by the spare card, and nobody waits or watches any more."""
    lab.wait(lambda: os.path.exists(out), 20, "the program")
    with open(out) as f:
        assert f.read().strip() == lab.spare.addr
    desk.wait(lambda: not lab.processes("via-iface-desktop"), 10, "the end of who waited")


@SCREEN
def test_waits_for_the_uplink(lab):
    """With the uplink down a start says so, with its reason; the second button starts the program once
    that can serve."""
    import panel

    out = f"{lab.tmp}/out"
    with panel.Desktop(lab, panel=False) as desk:
        lose(lab, "down")
        done = lab.run([*START, "wlp6s0", "--", "sh", "-c", f"curl -s {lab.url} >{out}.new; mv {out}.new {out}"], env=desk.env)
        assert done.code == 125 and "it is down" in done.err, done
        desk.wait(lambda: desk.notes, 20, "the notification")
        ((number, (title, body)),) = desk.notes.items()
        assert title == "sh did not start" and "wlp6s0" in body and "it is down" in body, (title, body)
        assert desk.buttons[number]["wait"] == "Wait for it", desk.buttons
        desk.press(number, "wait")
        desk.wait(lambda: len(desk.noted) == 2, 20, "who waits")
        assert not os.path.exists(out)
        give_back(lab, "down")
        came_by_the_spare(lab, desk, out)
        assert len(desk.noted) == 2 and len(desk.notes) == 1, desk.notes


# by the command line, and by what the app policy says of the program
WAITS = {"list": ["wlp6s0"], "policy": []}


@SCREEN
@GLIB
@params(*WAITS)
def test_an_entry_that_waits(lab, by):
    """A start of it shows what it waits for, once, starts the program when that can serve, and takes
    the notification away; cancelled, it starts nothing; when the time is over, it fails like another."""
    import panel

    desktop, out = Desktop(lab), f"{lab.tmp}/out"
    desktop.install("game", simple("Game"))
    put(f"{desktop.bin}/game", f"#!/bin/sh\n/usr/bin/curl -s {lab.url} >{out}.new; /bin/mv {out}.new {out}\n", 0o755)
    put(f"{lab.tmp}/home/.config/via-iface/apps/game.conf", "[game]\nmatch = game\nuplink = wlp6s0\n")
    with panel.Desktop(lab, panel=False) as desk:
        desktop.env.update(HOME=f"{lab.tmp}/home", XDG_CONFIG_HOME=f"{lab.tmp}/home/.config")
        desktop.own = f"{lab.tmp}/home/.local/share/applications"
        env = {**desk.env, **desktop.env, "XDG_DATA_DIRS": f"{ROOT}/data:{desktop.data}"}
        path = desktop.add("--wait", "game", *WAITS[by])
        assert value(path, "Exec") == " ".join(["via-iface desktop start --wait", *WAITS[by], "-- game %U"])

        def start(path):  # gio(1) does not wait for it, and whoever reads its errors ends with it
            lab.run(f"exec {shutil.which('gio')} launch {path} 2>/dev/null", env=env, check=True)

        # usable: nothing is shown
        start(path)
        lab.wait(lambda: os.path.exists(out), 20, "the program")
        lab.wait(lambda: not lab.processes("via-iface-desktop"), 10, "the end of who watched")
        os.unlink(out)
        assert not desk.noted
        # down, and up again
        lose(lab, "down")
        start(path)
        desk.wait(lambda: desk.notes, 20, "the notification")
        ((number, (title, body)),) = desk.notes.items()
        assert (title, body) == ("game waits to be started", "wlp6s0: it is down"), (title, body)
        assert desk.buttons[number] == {"cancel": "Cancel"}, desk.buttons
        assert not os.path.exists(out)
        give_back(lab, "down")
        came_by_the_spare(lab, desk, out)
        assert not desk.notes
        os.unlink(out)
        # cancelled
        lose(lab, "down")
        start(path)
        desk.wait(lambda: desk.notes, 20, "the notification")
        lab.wait(lambda: lab.processes("via-iface-verbs"), 20, "who waits")
        desk.press(next(iter(desk.notes)), "cancel")
        desk.wait(lambda: not lab.processes("via-iface-desktop") and not lab.processes("via-iface-verbs"), 10, "the end")
        assert not os.path.exists(out)
        desk.notes.clear()
        # the time is over
        path = desktop.add("--wait=1", "game", *WAITS[by])
        assert len(os.listdir(desktop.own)) == 1
        start(path)
        desk.wait(lambda: "game did not start" in desk.noted, 20, "the failure")
        ((number, (title, body)),) = desk.notes.items()
        assert title == "game did not start" and "wait 1 s for an uplink" in body, (title, body)
        desk.press(number, None)
        desk.wait(lambda: not lab.processes("via-iface-desktop"), 10, "the end")


@SCREEN
def test_a_failure_without_a_server(lab):
    """A dialog where nobody shows notifications."""
    import panel

    with panel.Desktop(lab, panel=False) as desk:
        desk.call(panel.BUS, "/", panel.BUS, "ReleaseName", panel.GLib.Variant("(s)", (panel.NOTES,)))
        env = {**desk.env, "PATH": f"{panel.build_dir()}/tray/window:{desk.env['PATH']}"}
        done = lab.run([*START, "wlp6s0", "--", "no-such-game"], env=env)
        assert done.code == 127, done
        lab.wait(lambda: desk.screen.shows("via-iface"), 20, "the dialog", 0.1)
        desk.keep("failure-dialog")


def windows(lab, desk):
    tree = lab.run(["xwininfo", "-root", "-tree"], env=desk.env).out
    return [line for line in tree.splitlines() if "ia-iface" in line and "10x10" not in line and "1x1" not in line]
