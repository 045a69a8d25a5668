"""Programs with windows: on X11 and Wayland, with the buses of a desktop that lie on abstract
sockets, and what is said of what cannot work."""

import contextlib
import ctypes
import os
import re
import shutil
import signal
import socket
import struct
import threading

import nsutil
from lab import needs, params, program, ship_apps, timeout
from screen import SOCKETS, Bus, Screen, runtime_dir

NOBODY = 65534
HELPER, PROXY = "via-iface-bus", "xdg-dbus-proxy"

GET_ID = (
    "dbus-send --bus=$%s --print-reply=literal --dest=org.freedesktop.DBus"
    " / org.freedesktop.DBus.GetId"
)


def ports():
    return [name for _, name in socket.if_nameindex() if name.startswith("viap")]


def helpers(lab):
    return lab.processes(HELPER) + lab.processes(PROXY)


def desktop(lab, xdg, user=None):
    """A screen, and what a session on it has in its environment."""
    screen = Screen(lab)
    bus = Bus(lab, "session", user)
    env = {**screen.env, "DBUS_SESSION_BUS_ADDRESS": bus.address, "XDG_RUNTIME_DIR": xdg}
    return screen, env


def session_over(lab):
    """The kernel has taken the session down; from then on it is the helper's time that counts.
    (Namespaces go one after the other, those of other tests, too.)"""
    lab.wait(lambda: not ports(), 10, "the end of the session")


def end(lab, process):
    """Ends a program with a window; the proxy of its bus goes, too."""
    process.stop()
    session_over(lab)
    lab.wait(lambda: not helpers(lab), 1, "the end of the proxy")


# --- windows ------------------------------------------------------------------------------------


# A terminal belongs to a group that a user namespace does not map.
@needs("root", "tool:Xvfb", "tool:xterm", "tool:xwininfo", "tool:dbus-daemon", f"tool:{PROXY}")
def test_xterm(lab):
    with runtime_dir(lab) as xdg:
        screen, env = desktop(lab, xdg)
        script = f"printf '\\033]2;I am %s\\007' $(curl -s {lab.url}); curl -s {lab.url} {lab.url}headers; cat"
        xterm = lab.via_popen(lab.spare, "--", "xterm", "-e", "sh", "-c", script, env=env)
        screen.wait_for(f"I am {re.escape(lab.spare.addr)}", "xterm")
        end(lab, xterm)


@needs("tool:Xvfb", "tool:zenity", "tool:xwininfo", "tool:dbus-daemon", f"tool:{PROXY}")
def test_gtk(lab):
    with runtime_dir(lab) as xdg:
        screen, env = desktop(lab, xdg)
        at_spi = Bus(lab, "at-spi")
        env["AT_SPI_BUS_ADDRESS"] = at_spi.address
        words = ["--info", "--title", "by the spare", "--text", "A window of GTK."]
        zenity = lab.via_popen(lab.spare, "--", "zenity", *words, env=env)
        screen.wait_for("by the spare", "gtk")
        # It is on the bus for accessibility, as it is outside.
        assert ":1.0" in at_spi.ask("ListNames")
        end(lab, zenity)


@needs("root", "tool:Xvfb", "tool:chromium", "tool:xwininfo", "tool:dbus-daemon", f"tool:{PROXY}")
def test_chromium(lab):
    """With its own sandbox, as a user without any rights; the page tells where it came from."""
    wired = lab.capture_wired()
    with runtime_dir(lab, NOBODY) as xdg:
        screen, env = desktop(lab, xdg, NOBODY)
        home = os.path.join(lab.tmp, "chromium")
        os.mkdir(home)
        os.chown(home, NOBODY, NOBODY)
        env.update(XDG_CONFIG_HOME=home, XDG_CACHE_HOME=home)
        words = ["--no-first-run", "--disable-gpu", f"--user-data-dir={home}/profile"]
        chromium = lab.via_popen(
            "--user", "nobody", lab.spare, "--", "chromium", *words, f"{lab.url}page", env=env
        )
        screen.wait_for(f"{re.escape(lab.spare.addr)} - Chromium", "chromium", 30)
        asked = [line for line in lab.server_log() if line.endswith("GET /page")]
        assert asked == [f"http {lab.spare.addr} GET /page"], asked
        lab.wait(
            lambda: any(is_sandboxed(pid, chromium.pid) for pid in lab.processes("chromium")),
            10,
            "a process of Chromium in its sandbox",
            step=0.1,
        )
        end(lab, chromium)
    assert wired.leaks() == []
    assert [f for f in wired.stop() if f.eth == "ip" and f.dir == "in"] == []


def is_sandboxed(pid, first):
    """In a process and network namespace of its own, system calls filtered; not one that has ended."""
    with contextlib.suppress(OSError):
        with open(f"/proc/{pid}/status") as f:
            filtered = "\nSeccomp:\t2\n" in f.read()
        return filtered and all(
            os.readlink(f"/proc/{pid}/ns/{kind}") != os.readlink(f"/proc/{first}/ns/{kind}")
            for kind in ("pid", "net", "user")
        )
    return False


@needs("tool:Xvfb", "tool:weston", "tool:weston-flower", "tool:xwininfo")
def test_wayland(lab):
    """A Wayland client's socket has a path: it is reached as it is."""
    with runtime_dir(lab) as xdg:
        screen = Screen(lab)
        env = {**screen.env, "XDG_RUNTIME_DIR": xdg}
        weston = lab.popen(
            ["weston", "--backend=x11-backend.so", "--use-pixman", "--shell=kiosk-shell.so"]
            + ["--no-config", "--idle-time=0", "--socket=way"],
            env=env,
        )
        lab.wait(lambda: os.path.exists(f"{xdg}/way"), 10, "weston's socket")
        env = {"XDG_RUNTIME_DIR": xdg, "WAYLAND_DISPLAY": "way"}
        info = lab.via(lab.spare, "--", "weston-info", env=env, check=True)
        assert "wl_compositor" in info.out, info
        flower = lab.via_popen(lab.spare, "--", "weston-flower", env=env)
        screen.wait_for("Weston Compositor.*", "wayland")
        flower.stop()
        weston.stop()
        for name in os.listdir(xdg):
            os.unlink(os.path.join(xdg, name))


# --- sound --------------------------------------------------------------------------------------


class Sound(threading.Thread):
    """As much of a PulseAudio server as answers the first words of a client: it takes the
    connection on a path socket, reads the command for authentication and refuses it."""

    AUTH, ERROR, ACCESS = 8, 0, 1

    def __init__(self, path):
        super().__init__(daemon=True)
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.bind(path)
        self.sock.listen()
        self.command = self.peer = None
        self.start()

    def run(self):
        conn, _ = self.sock.accept()
        with conn:
            self.peer = struct.unpack(
                "3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
            )[0]
            head = conn.recv(20, socket.MSG_WAITALL)
            body = conn.recv(struct.unpack_from("!I", head)[0], socket.MSG_WAITALL)
            self.command, tag = struct.unpack_from("!xIxI", body)
            answer = struct.pack("!cIcIcI", b"L", self.ERROR, b"L", tag, b"L", self.ACCESS)
            conn.sendall(struct.pack("!IIIII", len(answer), 0xFFFFFFFF, 0, 0, 0) + answer)
            conn.recv(1)


@needs("tool:pactl")
def test_sound(lab):
    with runtime_dir(lab) as xdg:
        os.mkdir(f"{xdg}/pulse", 0o700)
        server = Sound(f"{xdg}/pulse/native")
        client = lab.via_popen(lab.spare, "--", "pactl", "info", env={"XDG_RUNTIME_DIR": xdg})
        done = client.finish()
        assert "Access denied" in done.err, done
        assert (server.peer, server.command) == (client.pid, Sound.AUTH)
        shutil.rmtree(f"{xdg}/pulse")


# --- buses --------------------------------------------------------------------------------------

BUSES = ("DBUS_SESSION_BUS_ADDRESS", "AT_SPI_BUS_ADDRESS", "IBUS_ADDRESS")


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_buses(lab):
    """Each variable leads to its own bus, by one proxy; two with the same value to the same."""
    buses = {name: Bus(lab, name) for name in BUSES}
    env = {name: bus.address for name, bus in buses.items()}
    env["DBUS_STARTER_ADDRESS"] = env["DBUS_SESSION_BUS_ADDRESS"]
    with runtime_dir(lab) as xdg:
        env["XDG_RUNTIME_DIR"] = xdg
        asked = [name for name in env if name.endswith("_ADDRESS")]
        script = "".join(f"echo ${name}; {GET_ID % name}; echo;" for name in asked)
        held = lab.session(script=f"{script} echo .; cat", env=env)
        told = held.expect("\n.\n").split()[1:-1]
        assert len(lab.processes(PROXY)) == 1
        for number, name in enumerate(BUSES):
            address, bus_id = told[2 * number : 2 * number + 2]
            assert bus_id == buses[name].id(), told
            assert re.fullmatch(
                rf"unix:path={xdg}/via-iface-\w{{6}}/bus{number},guid={buses[name].guid}", address
            ), address
        assert told[6:] == told[:2], told
        held.finish()


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_session_bus_is_alive(lab):
    """Who is inside gets a name on the bus, and hears what is sent outside."""
    bus = Bus(lab, "session")
    env = {"DBUS_SESSION_BUS_ADDRESS": bus.address}
    held = lab.via_popen(lab.spare, "--", "dbus-monitor", "--session", "type=signal", env=env)
    held.expect("NameAcquired")
    lab.run(["dbus-send", "--session", "/", "a.b.Hello"], env=env, check=True)
    held.expect("member=Hello")
    words = ["--print-reply=literal", "--dest=org.freedesktop.DBus", "/"]
    names = lab.via(
        lab.spare, "--", "dbus-send", "--session", *words, "org.freedesktop.DBus.ListNames",
        env=env, check=True,
    )  # fmt: skip
    assert re.search(r"\bfreedesktop\.DBus\s+:1\.[1-9]", names.out), names
    held.kill(signal.SIGTERM)
    held.finish()


@needs("root", "tool:dbus-daemon", f"tool:{PROXY}")
def test_bus_of_another_user(lab):
    """--user: the proxy is that user's, as the bus lets nobody else in."""
    bus = Bus(lab, "session", NOBODY)
    name = "DBUS_SESSION_BUS_ADDRESS"
    with runtime_dir(lab, NOBODY) as xdg:
        env = {name: bus.address, "XDG_RUNTIME_DIR": xdg}
        held = lab.session(
            lab.spare, "--user", "nobody", script=f"{GET_ID % name}; echo; cat", env=env
        )
        held.expect(bus.id())
        found = helpers(lab)
        assert len(found) == 2
        for pid in found:
            assert os.stat(f"/proc/{pid}").st_uid == NOBODY
            with open(f"/proc/{pid}/status") as f:
                status = f.read()
            assert re.search(r"^CapPrm:\s0+$", status, re.M), status
        (folder,) = os.listdir(xdg)
        assert os.stat(os.path.join(xdg, folder)).st_uid == NOBODY
        held.finish()


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_without_runtime_dir(lab):
    """A private directory in /tmp; so, too, where XDG_RUNTIME_DIR is not ours alone."""
    bus = Bus(lab, "session")
    for more in ({}, {"XDG_RUNTIME_DIR": lab.tmp}, {"XDG_RUNTIME_DIR": "/nonexistent"}):
        held = lab.session(
            script="echo $DBUS_SESSION_BUS_ADDRESS; cat",
            env={"DBUS_SESSION_BUS_ADDRESS": bus.address, **more},
        )
        said = held.expect("guid=")
        folder = re.search(r"unix:path=(/tmp/via-iface-\w{6})/bus0,guid=", said).group(1)
        found = os.stat(folder)
        assert (found.st_mode & 0o7777, found.st_uid) == (0o700, os.geteuid())
        held.finish()
        session_over(lab)
        lab.wait(lambda: not os.path.exists(folder), 1, f"the end of {folder}")


# --- what the program can see of it -------------------------------------------------------------


def execve(words, entries):
    """A preexec function: the environment may hold anything that execve(2) takes."""
    libc = ctypes.CDLL(None)
    argv = (ctypes.c_char_p * (len(words) + 1))(*[os.fsencode(word) for word in words], None)
    envp = (ctypes.c_char_p * (len(entries) + 1))(*entries, None)
    return lambda: libc.execve(argv[0], argv, envp)


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_environment(lab):
    """Byte for byte the same but for the address; duplicates, order and oddities kept."""
    bus = Bus(lab, "session")
    key = b"DBUS_SESSION_BUS_ADDRESS="
    entries = [
        b"PATH=/usr/bin:/bin", b"B=1", b"A=2", key + bus.address.encode(), b"B=3", b"odd",
        b"=odder", b"", b"\xff\xfe=\x01\n", b"LD_LIBRARY_PATH=/nowhere", key + b"unix:path=/x",
        b"IBUS_ADDRESS=unix:path=/y;unix:abstract=y", key + bus.address.encode(),
        b"http_proxy=http://proxy.test:3128", b"EMPTY=",
    ]  # fmt: skip
    words = [program("via-iface"), str(lab.spare), "--", "cat", "/proc/self/environ"]
    with runtime_dir(lab) as xdg:
        entries.append(b"XDG_RUNTIME_DIR=" + os.fsencode(xdg))
        process = lab.popen(["false"], preexec_fn=execve(words, entries))
        process.popen.wait(20)
        while process._read(0.1):
            pass
        assert process.err == b"", process.err
        seen = process.out.split(b"\0")[:-1]
        pattern = rb"unix:path=%s/via-iface-\w{6}/bus0,guid=%s" % (
            re.escape(os.fsencode(xdg)), bus.guid.encode(),
        )  # fmt: skip
        expected = [b"(replaced)" if e == entries[3] else e for e in entries]
        assert [re.sub(pattern, b"(new)", e) for e in seen] == [
            key + b"(new)" if e == b"(replaced)" else e for e in expected
        ], seen


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_no_company(lab):
    """The program has no child that it did not make, no descriptor more than plain, and the
    helpers hold nothing of the launch: no terminal, no directory, no namespace, no descriptor."""
    bus = Bus(lab, "session")
    with runtime_dir(lab) as xdg:
        env = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "XDG_RUNTIME_DIR": xdg}
        read, write = os.pipe()
        held = lab.session(env=env, pass_fds=(write,), script="ls /proc/$$/fd; echo .; exec cat")
        listed = held.expect("\n.\n").split()[1:-1]
        assert sorted(listed) == sorted(["0", "1", "2", str(write)]), listed
        with open(f"/proc/{held.pid}/task/{held.pid}/children") as f:
            assert f.read().split() == []
        pipe = os.readlink(f"/proc/self/fd/{write}")
        (helper,), (proxy,) = lab.processes(HELPER), lab.processes(PROXY)
        for pid in (helper, proxy):
            assert os.getsid(pid) not in (os.getsid(0), os.getsid(held.pid))
            assert os.readlink(f"/proc/{pid}/cwd") == "/"
            assert os.readlink(f"/proc/{pid}/ns/net") == os.readlink("/proc/self/ns/net")
            kinds = {fd: os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")}
            assert [kinds[fd] for fd in "012"] == ["/dev/null"] * 3, kinds
            assert pipe not in kinds.values(), kinds
        with open(f"/proc/{helper}/status") as f:
            size = int(re.search(r"^RssAnon:\s+(\d+) kB", f.read(), re.M).group(1))
        assert size < 1000 * lab.sanitized**3, f"the helper takes {size} kB"
        held.finish()
        os.close(read)
        os.close(write)


# --- the end ------------------------------------------------------------------------------------


@needs("tool:dbus-daemon", f"tool:{PROXY}")
@params("exit", "kill", "helper", "proxy")
def test_end(lab, how):
    """Whoever ends, and how: the proxy goes within a second, and its directory."""
    before = lab.snapshot()
    bus = Bus(lab, "session")
    with runtime_dir(lab) as xdg:
        env = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "XDG_RUNTIME_DIR": xdg}
        held = lab.session(env=env, script="exec cat")
        assert len(helpers(lab)) == 2 and len(os.listdir(xdg)) == 1
        if how == "kill":
            held.kill()
        elif how in ("helper", "proxy"):
            os.kill(lab.processes(HELPER if how == "helper" else PROXY)[0], signal.SIGKILL)
            lab.wait(lambda: not helpers(lab), 1, "the end of the other one")
            assert held.running()
        if how != "helper":
            if how == "exit":
                held.finish()
            if how != "proxy":
                session_over(lab)
            lab.wait(lambda: not helpers(lab) and not os.listdir(xdg), 1, "the end of all")
        else:  # who is killed leaves its directory to the next one
            (left,) = os.listdir(xdg)
            other = lab.session(env=env)
            assert left not in os.listdir(xdg) and len(os.listdir(xdg)) == 1
            third = lab.session(env=env)
            assert len(os.listdir(xdg)) == 2, "one that is in use is taken away"
            third.finish()
            other.finish()
        if how in ("helper", "proxy"):
            held.finish()
    lab.wait_gone()
    lab.assert_same(before)


@needs("tool:dbus-daemon", f"tool:{PROXY}")
@params(
    no_uplink=("nosuch0", "true", 125),
    refused=("wlp6s0", "true", 125),
    no_exec=("wlp6s0", "/usr", 126),
)
def test_launch_fails(lab, case):
    uplink, name, code = case
    bus = Bus(lab, "session")
    if code == 125:
        lab.ip("link set wlp6s0 down")
    with runtime_dir(lab) as xdg:
        env = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "XDG_RUNTIME_DIR": xdg}
        done = lab.via(uplink, "--", name, env=env)
        assert done.code == code and len(done.err.splitlines()) == 1, done
        session_over(lab)
        lab.wait(lambda: not helpers(lab) and not os.listdir(xdg), 1, "the end of the proxy")


@needs("tool:dbus-daemon", f"tool:{PROXY}")
def test_dry_run_starts_nothing(lab):
    """Nor does a launch where each address has a path."""
    bus = Bus(lab, "session")
    with runtime_dir(lab) as xdg:
        env = {"DBUS_SESSION_BUS_ADDRESS": bus.address, "XDG_RUNTIME_DIR": xdg}
        lab.via("--dry-run", lab.spare, "--", "true", env=env, check=True)
        lab.via("plan", lab.spare, env=env, check=True)
        env["DBUS_SESSION_BUS_ADDRESS"] += f";unix:path={xdg}/bus"
        held = lab.session(env=env, script="echo $DBUS_SESSION_BUS_ADDRESS; cat")
        held.expect(env["DBUS_SESSION_BUS_ADDRESS"] + "\n")
        assert helpers(lab) == [] and os.listdir(xdg) == []
        held.finish()


# --- warnings -----------------------------------------------------------------------------------


def one_line(result, code, start, words):
    assert result.code == code, result
    lines = result.err.splitlines()
    assert len(lines) == 1 and lines[0].startswith(start), result
    for word in words:
        assert word in lines[0], f"{word!r} is not in the message\n{result}"


def warned(result, *words):
    """The program ran, and one line told so much."""
    one_line(result, 0, "via-iface: warning: ", words)


def refused(result, *words):
    """The program did not run, and one line told so much."""
    one_line(result, 125, "via-iface: ", words)


def test_proxy_program_missing(lab):
    """The launch goes on with the variable as it was."""
    bin_ = os.path.join(lab.tmp, "bin")
    os.mkdir(bin_)
    os.symlink("/bin/sh", f"{bin_}/sh")
    env = {"PATH": bin_, "DBUS_SESSION_BUS_ADDRESS": "unix:abstract=x"}
    words = [lab.spare, "--", "sh", "-c", "echo $DBUS_SESSION_BUS_ADDRESS"]
    done = lab.via(*words, env=env)
    warned(done, "DBUS_SESSION_BUS_ADDRESS", "install the package xdg-dbus-proxy")
    assert done.out == "unix:abstract=x\n", done
    assert lab.via("-q", *words, env=env, check=True).err == ""


def test_proxy_program_broken(lab):
    """One that never gets ready costs two seconds, and is ended; one that fails costs nothing."""
    bin_ = os.path.join(lab.tmp, "bin")
    os.mkdir(bin_)
    env = {
        "PATH": f"{bin_}:{lab.env['PATH']}",
        "DBUS_SESSION_BUS_ADDRESS": "unix:abstract=x",
    }
    with runtime_dir(lab) as xdg:
        env["XDG_RUNTIME_DIR"] = xdg
        for script, word in (("exit 1", "ended at once"), ("exec sleep 60", "not ready within 2 s")):
            with open(f"{bin_}/{PROXY}", "w") as f:
                f.write(f"#!/bin/sh\n{script}\n")
            os.chmod(f"{bin_}/{PROXY}", 0o755)
            warned(lab.via(lab.spare, "--", "true", env=env), word)
        lab.wait(lambda: not helpers(lab) and not lab.processes("sleep"), 2, "the end of all")


@needs("tool:Xvfb", "tool:xdpyinfo")
def test_display_without_a_path(lab):
    """Told where the server has an abstract socket alone; where both are there, the path serves."""
    os.makedirs(SOCKETS, mode=0o1777, exist_ok=True)
    nsutil.mount("tmpfs", SOCKETS, "tmpfs", nsutil.MS_NOSUID | nsutil.MS_NODEV, "mode=1777")
    words = ["Xvfb", ":5", "-nolock", "-ac", "-nolisten", "tcp", "-displayfd", "1"]
    ask = ["xdpyinfo", "-display", ":5"]
    for more, works in ((["-nolisten", "unix", "-listen", "local"], False), (["-listen", "local"], True)):
        server = lab.popen([*words, *more])
        server.expect("5\n")
        assert lab.run(ask, check=True).out
        done = lab.via(lab.spare, "--", *ask, env={"DISPLAY": ":5"})
        assert (done.code == 0) == works, done
        if works:
            assert done.err == "", done
        else:
            warned(lab.via(lab.spare, "--", "true", env={"DISPLAY": ":5"}),
                   "DISPLAY is ':5'", "'@/tmp/.X11-unix/X5'", "`-nolisten unix`")  # fmt: skip
        server.stop()
    assert lab.via(lab.spare, "--", "true", env={"DISPLAY": ":5"}).err == "", "nobody is there"


def test_other_abstract_sockets(lab):
    path = "unix/h:/tmp/.ICE-unix/7"
    abstract = {"SESSION_MANAGER": "local/h:@/tmp/.ICE-unix/7"}
    warned(lab.via(lab.spare, "--", "true", env=abstract), "SESSION_MANAGER", "abstract")
    both = {"SESSION_MANAGER": f"{abstract['SESSION_MANAGER']},{path}", "NOTIFY_SOCKET": "/run/x"}
    assert lab.via(lab.spare, "--", "true", env=both).err == ""


def test_display_by_tcp(lab):
    env = {"DISPLAY": "localhost:10.0"}
    warned(lab.via(lab.spare, "--", "true", env=env), "DISPLAY", "localhost:10.0", "ssh -X")
    assert lab.via("-q", lab.spare, "--", "true", env=env, check=True).err == ""


def test_proxy_of_this_host(lab):
    """curl obeys http_proxy; with --no-proxy-env there is none to obey."""
    env = {"http_proxy": "http://127.0.0.1:3128", "NO_PROXY": "example.test"}
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url, env=env)
    assert done.code == 7 and "http_proxy" in done.err and "--no-proxy-env" in done.err, done
    done = lab.via("--no-proxy-env", lab.spare, "--", "curl", "-s", lab.url, env=env)
    assert (done.out, done.err) == (lab.spare.addr + "\n", ""), done
    done = lab.via("--no-proxy-env", lab.spare, "--", "env", env=env, check=True)
    assert "proxy" not in done.out.lower(), done
    far = {"http_proxy": f"http://{lab.server}:80"}
    assert lab.via(lab.spare, "--", "true", env=far, check=True).err == ""


@needs("root")
def test_second_instance(lab):
    """One that runs outside may take the second start over; two curls are two curls."""
    ship_apps()
    for name in ("firefox", "curl"):
        shutil.copy("/bin/sleep", f"{lab.tmp}/{name}")
    outside = lab.popen([f"{lab.tmp}/firefox", "60"])
    lab.popen([f"{lab.tmp}/curl", "60"])
    # A script of that name is one of them, too: it is what is running, whatever runs it.
    start = [lab.spare, "--", f"{lab.tmp}/firefox", "0"]
    refused(lab.via(*start), "firefox", f"pid {outside.pid}", lab.spare.dev, "--separate", "--allow-handover")
    assert lab.via("-q", "--allow-handover", *start, check=True).err == ""
    assert lab.via("--user", "nobody", *start, check=True).err == "", "that is another user's"
    assert "already runs" not in lab.via(*start[:3], "--new-instance").err
    assert lab.via(lab.spare, "--", f"{lab.tmp}/curl", "0", check=True).err == ""
    outside.stop()
    assert lab.via(*start, check=True).err == ""


@timeout(30)
def test_started_by_the_bus(lab):
    ship_apps()
    fake = f"{lab.tmp}/gnome-terminal"
    shutil.copy("/bin/true", fake)
    refused(lab.via(lab.spare, "--", fake), "gnome-terminal", "--separate")
