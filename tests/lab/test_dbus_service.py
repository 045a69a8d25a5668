"""org.via_iface1 on a session bus: what callers get, what is refused, and that it costs nothing
when nobody calls. What a session does is asked of the command line and of the server it reaches."""

import ast
import json
import os
import re

from lab import ROOT, build_dir, needs, write_file
from panel import BUS, TRAY, Desktop, Gio, GLib

service = needs("tool:Xvfb", "tool:dbus-daemon", "tool:gdbus", "tool:busctl")
NAME, PATH = "org.via_iface1", "/org/via_iface1"


class Caller:
    """On a connection of its own, so that it can leave."""

    def __init__(self, desk):
        self.desk, self.conn, self.heard = desk, desk.connect(), []
        self.conn.signal_subscribe(None, NAME, None, PATH, None, 0, lambda *words: self.heard.append(words[4]))

    def call(self, method, *values, types=None):
        words = GLib.Variant(f"({types or 's' * len(values)})", values) if values else None
        result = self.conn.call_sync(NAME, PATH, NAME, method, words, None, 0, 10000, None)
        return result.unpack()

    def refused(self, method, *values, types=None):
        try:
            said = self.call(method, *values, types=types)
        except GLib.Error as error:
            return Gio.DBusError.get_remote_error(error), re.sub("^GDBus.Error:[^ ]* ", "", error.message)
        raise AssertionError(f"{method}{values}: {said}")

    def json(self, method):
        return json.loads(self.call(method)[0])


def activatable(desk):
    """The service file as it is installed, for the program of the build tree."""
    with open(f"{ROOT}/data/dbus-1/{NAME}.service.in", encoding="utf-8") as f:
        text = f.read().replace("@bindir@/via-iface-tray", TRAY)
    write_file(f"{desk.services}/{NAME}.service", text)
    desk.call(BUS, "/", BUS, "ReloadConfig")


@service
def test_calls(lab):
    """The bus starts it; a session is shown, moved, paused, resumed and stopped as by the command line."""
    with Desktop(lab, panel=False) as desk:
        activatable(desk)
        caller = Caller(desk)
        assert caller.json("Sessions") == []
        cards = {u["name"]: u for u in caller.json("Uplinks")}
        assert cards["wlp6s0"]["usable"] and cards["wlp6s0"]["kind"] == "ethernet", cards
        game = lab.session(lab.spare, "--name", "game", script="while read c; do curl -s $c; done")
        desk.wait(lambda: "SessionsChanged" in caller.heard, 10, "the signal")
        (shown,) = caller.json("Sessions")
        (listed,) = lab.via("list", "--json", check=True).json()
        same = "name", "id", "uplink", "uplinks", "state", "uid", "pids", "since"
        assert {k: shown[k] for k in same} == {k: listed[k] for k in same}
        for uplinks, addr in (("enp7s0", lab.wired.addr), ("wlp6s0,enp7s0", lab.spare.addr)):
            assert caller.call("Move", "game", uplinks) == ()
            game.write(f"{lab.url}\n")
            game.expect(f"{addr}\n")
        assert caller.call("Pause", str(listed["id"])) == ()
        assert lab.via("list", "--json").json()[0]["state"] == "paused"
        assert caller.call("Resume", "game") == ()
        assert lab.via("list", "--json").json()[0]["state"] == "up"
        assert caller.call("Stop", "game") == ()
        game.finish()
        assert desk.notes == {}, "without an icon it tells nobody"


@service
def test_launch(lab):
    """A program runs by the uplink; what the daemon refuses is the error."""
    with Desktop(lab, panel=False) as desk:
        activatable(desk)
        caller = Caller(desk)
        out = f"{lab.tmp}/out"
        script = f"pwd >{out}.new; curl -s {lab.url} >>{out}.new; mv {out}.new {out}; env | grep -c VIA_IFACE_REPORT; exec sleep 60"
        options = {"name": GLib.Variant("s", "game"), "directory": GLib.Variant("s", "/usr")}
        (pid,) = caller.call("Launch", "enp7s0", ["sh", "-c", script], options, types="sasa{sv}")
        lab.wait(lambda: os.path.exists(out), 10, "the program")
        with open(out) as f:
            assert f.read().split() == ["/usr", lab.wired.addr]
        (session,) = caller.json("Sessions")
        assert session["name"] == "game" and pid in session["pids"], (session, pid)
        assert not os.path.exists(f"/proc/{pid}/fd/3"), "the pipe of the report"
        caller.call("Stop", "game")
        error, said = caller.refused("Launch", "nowhere", ["true"], {}, types="sasa{sv}")
        assert error == f"{NAME}.Error.Failed" and "nowhere" in said and "\n" not in said, (error, said)
        error, said = caller.refused("Launch", "wlp6s0", ["no-such-program"], {}, types="sasa{sv}")
        assert error == f"{NAME}.Error.Failed" and "no-such-program" in said, (error, said)


@service
def test_arguments(lab):
    """No argument becomes an option of the command line."""
    with Desktop(lab, panel=False) as desk:
        activatable(desk)
        caller = Caller(desk)
        game = lab.session(lab.spare, "--name", "game")
        invalid = "org.freedesktop.DBus.Error.InvalidArgs"
        for bad in ("", "--all", "-a", "ga\nme", "x" * 256):
            for method in ("Pause", "Resume", "Stop"):
                assert caller.refused(method, bad) == (invalid, "invalid session"), bad
            assert caller.refused("Move", bad, "enp7s0") == (invalid, "invalid session"), bad
            assert caller.refused("Move", "game", bad) == (invalid, "invalid uplinks"), bad
            assert caller.refused("Launch", bad, ["true"], {}, types="sasa{sv}")[0] == invalid, bad
        for argv, options in (
            ([], {}),
            ([""], {}),
            (["true"], {"name": GLib.Variant("s", "--keep")}),
            (["true"], {"name": GLib.Variant("i", 1)}),
            (["true"], {"directory": GLib.Variant("s", "tmp")}),
            (["true"], {"user": GLib.Variant("s", "root")}),
        ):
            error, said = caller.refused("Launch", "wlp6s0", argv, options, types="sasa{sv}")
            assert error == invalid and said.startswith("invalid "), (argv, options, said)
        assert caller.refused("Pause", "nobody")[0] == f"{NAME}.Error.Failed"
        assert caller.refused("Pause", 1, types="i")[0] == invalid
        assert [s["state"] for s in caller.json("Sessions")] == ["up"]
        assert game.running()
        game.finish()


@service
def test_comes_and_goes(lab):
    """It ends when its last caller has left; with an icon it stays, and is the same process."""
    with Desktop(lab, panel=False) as desk:
        activatable(desk)
        caller = Caller(desk)
        caller.call("Sessions")
        assert desk.owned(NAME)
        caller.conn.close_sync(None)
        lab.wait(lambda: not desk.owned(NAME), 25, "its end")
        lab.wait(lambda: not lab.processes("via-iface-tray"), 5, "its end")
        lab.wait(lambda: not lab.processes("via-iface-verbs"), 5, "its child's end")
        tray = desk.run()
        lab.wait(lambda: desk.owned(NAME), 10, "the name")
        other = Caller(desk)
        assert other.json("Sessions") == []
        assert len(lab.processes("via-iface-tray")) == 1
        other.conn.close_sync(None)
        assert tray.running()
        assert tray.stop().code == 0


@service
def test_tools(lab):
    """busctl and gdbus read what it is, and the client of docs/dbus.md runs as it is written there."""
    with Desktop(lab, panel=False) as desk:
        activatable(desk)
        env = {**desk.env, "PATH": f"/usr/bin:/bin:{build_dir()}/src"}
        words = ["busctl", f"--address={desk.bus.address}", "introspect", NAME, PATH]
        shown = lab.run(words, env=env, check=True).out
        with open(f"{ROOT}/docs/dbus.md", encoding="utf-8") as f:
            text = f.read()
        members = {m.group(1): m.group(2) for m in re.finditer(r"^\.(\w+) +(?:method|signal|property) +(\S+)", shown.split(f"\n{NAME} ")[1], re.M)}
        assert members == {
            "Launch": "sasa{sv}", "Move": "ss", "Pause": "s", "Resume": "s", "Sessions": "-", "Stop": "s",
            "Uplinks": "-", "Version": "s", "SessionsChanged": "-", "UplinksChanged": "-",
        }, shown  # fmt: skip
        for name in members:
            assert f"`{name}" in text or f" `{name}" in text, name
        words = ["gdbus", "call", "--session", "-d", NAME, "-o", PATH, "-m", f"{NAME}.Sessions"]
        assert json.loads(ast.literal_eval(lab.run(words, env=env, check=True).out)[0]) == []
        (client,) = re.findall(r"```python\n(.*?)```", text, re.S)
        assert len([line for line in client.splitlines() if line.strip()]) <= 20
        game = lab.session(lab.spare, "--name", "game")
        run = lab.popen(["/usr/bin/python3", "-c", client, "game", "enp7s0"], env=env)
        run.expect("game up enp7s0\n")
        lab.via("pause", "game", check=True)
        run.expect("game paused")
        game.stop()
        run.stop()
