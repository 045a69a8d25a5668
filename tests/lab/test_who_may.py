"""Who may use which uplink: the policy's files, groups, the seat, polkit. The programs are those of
an installation: via-iface-enter has its file capability, and the callers are plain users."""

import contextlib
import json
import os
import pwd
import re
import shutil
import signal
import socket
import sys
import threading
import time

import nsutil
from lab import ROOT, build_dir, needs, params, program, timeout, write_file

HERE = os.path.dirname(os.path.abspath(__file__))
BUS = "/run/dbus/system_bus_socket"
USERS = {"alice": 1000, "bob": 1001, "carol": 1002}
NETDEV, STUDENTS = 101, 200

BUS_CONFIG = """
<busconfig>
  <type>system</type>
  <listen>unix:path={path}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/>
    <allow own="*"/>
    <allow send_type="method_call"/>
    <allow send_type="signal"/>
    <allow send_requested_reply="true" send_type="method_return"/>
    <allow send_requested_reply="true" send_type="error"/>
    <allow receive_type="method_call"/>
    <allow receive_type="method_return"/>
    <allow receive_type="error"/>
    <allow receive_type="signal"/>
  </policy>
</busconfig>
"""


def configured(name):
    with open(os.path.join(build_dir(), "config.h")) as f:
        return re.search(rf'define {name} "(.*)"', f.read()).group(1)


class Site:
    """A machine with users, an /etc of its own, and the programs installed."""

    def __init__(self, lab, *daemon):
        self.lab = lab
        self.held = 0  # sessions that stay
        self.bin = os.path.join(lab.tmp, "bin")
        self.conf = configured("VIA_SYSCONFDIR")
        self._etc()
        self._install()
        self.log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.log.bind(os.path.join(lab.tmp, "log"))
        self.lines = []
        threading.Thread(target=self._read_log, daemon=True).start()
        self.start(*daemon)

    def _etc(self):
        """The machine's own with other users, in this lab alone."""
        etc = os.path.join(self.lab.tmp, "etc")
        shutil.copytree("/etc", etc, symlinks=True, ignore_dangling_symlinks=True)
        os.chmod(etc, 0o755)
        users = "".join(f"{n}:x:{i}:{i}::/:/bin/sh\n" for n, i in USERS.items())
        groups = "".join(f"{n}:x:{i}:\n" for n, i in USERS.items())
        write_file(f"{etc}/passwd", f"root:x:0:0::/root:/bin/sh\n{users}")
        write_file(f"{etc}/group", f"root:x:0:\nnetdev:x:{NETDEV}:\nstudents:x:{STUDENTS}:\n{groups}")
        nsutil.mount(etc, "/etc", flags=nsutil.MS_BIND)
        shutil.rmtree(self.conf, ignore_errors=True)

    def _install(self):
        os.makedirs(self.bin)
        for name in ("via-iface", "via-iface-verbs", "via-ifaced", "via-iface-enter", "via-iface-capture"):
            if os.path.exists(program(name)):  # captures can be left out of a build
                shutil.copy(program(name), self.bin)
        enter = os.path.join(self.bin, "via-iface-enter")
        self.lab.run(["setcap", "cap_sys_admin=p", enter], check=True)

    def start(self, *options, prefix=()):
        """A daemon whose log can be read: /dev is its own."""
        read, write = os.pipe()
        script = (
            'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s "$1" /dev/log &&'
            ' shift && exec "$@"'
        )
        self.daemon = self.lab.popen(
            [
                "unshare", "-m", "sh", "-c", script, "sh", f"{self.lab.tmp}/log", *prefix,
                f"{self.bin}/via-ifaced", "--linger", "60", "--ready", str(write), *options,
            ],
            pass_fds=(write,),
        )  # fmt: skip
        os.close(write)
        with open(read, "rb", buffering=0) as pipe:
            told = pipe.read(1)
        assert told == b"\n", f"{told} {self.daemon.finish()}"

    def _read_log(self):
        while True:
            self.lines.append(self.log.recv(4096).decode())

    def logged(self):
        """What the daemon logged since the last time."""
        count = len(self.lines)
        taken, self.lines[:count] = self.lines[:count], []
        return taken

    # --- the policy ---

    def policy(self, text, name="access.conf", mode=0o644):
        path = os.path.join(self.conf, name)
        os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
        write_file(path, text)
        os.chmod(path, mode)
        return path

    # --- users ---

    def _as(self, user, groups, words):
        uid = str(USERS[user])
        more = ",".join([uid, *map(str, groups)])
        return ["setpriv", "--reuid", uid, "--regid", uid, "--groups", more, "--", *map(str, words)]

    def run_as(self, user, *words, groups=(), **more):
        return self.lab.run(self._as(user, groups, words), **more)

    def via(self, user, *words, groups=(), **more):
        return self.run_as(user, f"{self.bin}/via-iface", *words, groups=groups, **more)

    def via_popen(self, user, *words, groups=()):
        return self.lab.popen(self._as(user, groups, [f"{self.bin}/via-iface", *words]))

    def curl(self, user, uplink=None, *options, groups=()):
        return self.via(
            user, *options, uplink or self.lab.spare, "--", "curl", "-s", self.lab.url, groups=groups
        )

    def allowed(self, user, uplink=None, *options, groups=()):
        uplink = uplink or self.lab.spare
        done = self.curl(user, uplink, *options, groups=groups)
        assert (done.code, done.out, done.err) == (0, uplink.addr + "\n", ""), done

    def state(self):
        """As lab.snapshot(); the timers of ports run."""
        state = self.lab.snapshot()
        state["ip -d link"] = re.sub(r"_timer +[\d.]+", "", state["ip -d link"])
        return state

    def settled(self):
        """The state, when the ends of earlier sessions have been dealt with."""
        now = self.state()
        for _ in range(20):
            before, now = now, self.state()
            if before == now and len(re.findall(r"^\d+: viap", now["ip -d link"], re.M)) == self.held:
                return now
        raise AssertionError("it does not settle:\n" + self.lab.difference(before, now))

    def refused(self, user, *reasons, uplink=None, options=(), groups=()):
        """Nothing is made, and who asked reads the same as the log."""
        before = self.settled()
        self.logged()
        done = self.curl(user, uplink, *options, groups=groups)
        self.is_refusal(done, user, *reasons)
        self.same(before)
        return done

    def same(self, before):
        difference = self.lab.difference(before, self.state())
        assert not difference, f"something appeared:\n{difference}"

    def is_refusal(self, done, user, *reasons):
        assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
        who = f" as {user} (uid {USERS[user]}): "
        for words in (who, *reasons):
            assert words in done.err, f"no {words!r} in\n{done}"
        why = done.err.removeprefix("via-iface: ").strip().partition(";")[0]
        log = []

        def is_logged():
            log.extend(self.logged())
            return any(f"refused uid {USERS[user]}: {why}" in line for line in log)

        self.lab.wait(is_logged, 5, f"a line in the log: {why}")


# --- who is allowed -----------------------------------------------------------------------------


@needs("root", "tool:setcap", "tool:setpriv")
def test_group_of_the_built_in_policy(lab):
    site = Site(lab)
    site.allowed("alice", groups=[NETDEV])
    site.allowed("alice", lab.wired, groups=[9, NETDEV, 8])
    site.refused(
        "alice",
        "use uplink 'wlp6s0' as alice",
        f"no section of the built-in policy (there is no {site.conf}/access.conf) is for you",
        "`sudo usermod -aG netdev alice` (log in again then)",
        f"write '[alice]', 'uplinks = wlp6s0' into a file .conf in {site.conf}/access.d",
    )
    site.refused("bob", "no section of", groups=[STUDENTS])


@needs("root", "tool:setcap", "tool:setpriv")
@params("plain", "inheritable")
def test_same_rights_inside(lab, case):
    """Nothing is gained, nothing is lost: the identity and all capability sets of the caller."""
    site = Site(lab)
    script = "grep -E '^(Uid|Gid|Groups|Cap|NoNewPrivs|Seccomp|NSpid)' /proc/self/status; id"
    more = ["setpriv", "--inh-caps", "+net_raw,+chown"] if case == "inheritable" else []
    uid = ["setpriv", "--reuid", "1000", "--regid", "1000", "--groups", f"7,{NETDEV},9"]
    outside = lab.run([*more, *uid, "sh", "-c", script], check=True)
    inside = lab.run(
        [*more, *uid, f"{site.bin}/via-iface", str(lab.spare), "--", "sh", "-c", script], check=True
    )
    without_pid = [re.sub(r"NSpid.*", "", done.out) for done in (outside, inside)]
    assert without_pid[0] == without_pid[1], f"{outside}\n{inside}"
    assert "NoNewPrivs:\t0" in inside.out and f"groups=1000(alice),7,9,{NETDEV}(netdev)" in inside.out
    sets = dict(re.findall(r"Cap(\w+):\t(\w+)", inside.out))
    assert set(sets) == {"Inh", "Prm", "Eff", "Bnd", "Amb"}, inside
    assert {int(sets[k], 16) for k in ("Prm", "Eff", "Amb")} == {0}, inside
    assert (int(sets["Inh"], 16) != 0) == (case == "inheritable"), inside


@needs("root", "tool:setcap", "tool:setpriv")
def test_users_and_uplinks(lab):
    """The last section that fits decides; an uplink outside it is refused by file and line."""
    site = Site(lab)
    path = site.policy("# all\n[@active, %netdev]\nuplinks = *\n\n[alice]\nuplinks = wlp* usb0\n")
    site.allowed("alice")
    site.allowed("bob", lab.wired, groups=[NETDEV])
    reason = f"{path}:5 [alice] allows only 'wlp* usb0', and not 'enp7s0'"
    site.refused("alice", reason, "ask the administrator to add 'enp7s0'", uplink=lab.wired)
    site.refused("alice", reason, uplink=lab.wired, groups=[NETDEV])
    before = site.settled()
    for words in ("wlp6s0,enp7s0", "enp7s0,wlp6s0"):
        done = site.via("alice", words, "--", "true")
        site.is_refusal(done, "alice", reason)
    site.same(before)
    site.refused("bob", f"no section of {path} is for you", "usermod -aG netdev bob")
    drop = site.policy("[bob]\nsessions = 0\n[%#200]\nuplinks = enp7s0\n", "access.d/50-x.conf")
    site.refused("bob", f"{drop}:1 [bob] allows no session", groups=[NETDEV])
    site.allowed("bob", lab.wired, groups=[STUDENTS])
    site.refused("bob", f"{drop}:3 [%#200] allows only 'enp7s0'", groups=[STUDENTS])
    os.unlink(drop)
    site.allowed("bob", groups=[NETDEV])
    site.policy("[*]\nuplinks = *\n")
    site.allowed("carol")


@needs("root", "tool:setcap", "tool:setpriv")
def test_options(lab):
    site = Site(lab)
    path = site.policy("[%netdev]\nlan = no\nhost-access = no\n")
    site.allowed("alice", lab.spare, "--no-lan", groups=[NETDEV])
    site.refused(
        "alice", f"{path}:1 [%netdev] allows no private or link-local destinations",
        "add the option --no-lan", groups=[NETDEV],
    )  # fmt: skip
    site.refused(
        "alice", f"{path}:1 [%netdev] allows no services of this host", "leave out --host-access",
        options=["--no-lan", "--host-access"], groups=[NETDEV],
    )  # fmt: skip
    site.refused(
        "alice", "only root may --keep the netns", options=["--no-lan", "--keep"], groups=[NETDEV]
    )
    assert lab.via("--keep", "--host-access", lab.spare, "--", "true").code == 0  # root


def seat(uid, **more):
    """What logind writes of one session (sd-login(3) reads it)."""
    session = {"UID": uid, "ACTIVE": 1, "STATE": "active", "REMOTE": 0, "SEAT": "seat0", **more}
    os.makedirs("/run/systemd/users", exist_ok=True)
    os.makedirs("/run/systemd/sessions", exist_ok=True)
    state = session["STATE"]
    active = "ACTIVE_SESSIONS=c1\n" if session["ACTIVE"] else ""
    write_file(f"/run/systemd/users/{uid}", f"STATE={state}\nSESSIONS=c1\n{active}")
    lines = [f"{key}={value}\n" for key, value in session.items() if value is not None]
    write_file("/run/systemd/sessions/c1", "".join(lines))


@needs("root", "tool:setcap", "tool:setpriv")
def test_active(lab):
    """@active is who sits at the machine: not over ssh, not in the background."""
    site = Site(lab)
    site.refused("alice", "no section")
    seat(1000)
    site.allowed("alice")
    site.refused("bob", "no section")
    seat(1000, REMOTE=1)
    site.refused("alice", "no section")
    seat(1000, SEAT=None)
    site.refused("alice", "no section")
    seat(1000, ACTIVE=0, STATE="online")
    site.refused("alice", "no section")
    # logged out, and a process is left: the session is closing, and the seat is nobody else's yet
    seat(1000, STATE="closing")
    site.refused("alice", "no section")
    seat(1000, STATE=None)
    site.refused("alice", "no section")
    seat(1000)
    site.policy("[@active]\nuplinks = enp7s0\n")
    site.allowed("alice", lab.wired)
    site.refused("alice", "access.conf:1 [@active] allows only 'enp7s0'")


@needs("root", "tool:setcap", "tool:setpriv")
def test_sessions_of_others(lab):
    """A session is moved, paused and resumed by its owner and by root alone."""
    site = Site(lab)
    path = site.policy("[%netdev]\nuplinks = *\n[alice]\nuplinks = wlp6s0 usb0\n[bob]\nlan = yes\n")
    held = site.via_popen("alice", "--name", "game", lab.spare, "--", "sh", "-c", "echo in; cat")
    held.expect("in\n")
    site.held = 1
    before = site.settled()
    for words in (("move", "game", "enp7s0"), ("pause", "game"), ("resume", "game")):
        site.logged()
        done = site.via("bob", *words, groups=[NETDEV])
        site.is_refusal(done, "bob", "session 'game'", "the session belongs to uid 1000")
    site.logged()
    done = site.via("alice", "move", "game", "enp7s0")
    site.is_refusal(done, "alice", "move session 'game' to 'enp7s0'", f"{path}:3 [alice] allows only")
    site.same(before)
    site.policy("rubbish\n")
    assert site.via("alice", "pause", "game").code == 0  # to give up needs nobody's leave
    done = site.via("alice", "resume", "game")
    site.is_refusal(done, "alice", "resume session 'game'", f"{path}:1: it is neither")
    site.policy("[alice]\nuplinks = *\n")
    assert site.via("alice", "resume", "game").code == 0
    assert site.via("alice", "move", "game", "enp7s0").code == 0
    assert lab.via("move", "game", "wlp6s0").code == 0  # root
    held.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_without_the_capability(lab):
    """The way through a namespace of the caller's own is under the same policy."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    site.policy("[%netdev]\nuplinks = wlp6s0\nsessions = 1\n")
    words = ["setpriv", "--no-new-privs", f"{site.bin}/via-iface"]
    curl = ["--", "curl", "-s", lab.url]
    done = site.run_as("alice", *words, lab.spare, *curl, groups=[NETDEV])
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    site.logged()
    done = site.run_as("alice", *words, lab.wired, *curl, groups=[NETDEV])
    site.is_refusal(done, "alice", ":1 [%netdev] allows only 'wlp6s0', and not 'enp7s0'")
    client = lab.popen(site._as("bob", [], [*words, lab.spare, *curl]))
    polkit.next(call="check")
    polkit.tell("answer yes")
    done = client.finish()
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done


# --- how many -----------------------------------------------------------------------------------


def sessions_of(lab, uid):
    return [s for s in lab.via("list", "--json").json() if s["uid"] == uid]


@needs("root", "tool:setcap", "tool:setpriv")
def test_sessions(lab):
    """Those of one user count, whoever made them."""
    site = Site(lab)
    path = site.policy("[%netdev]\nsessions = 2\n")
    one = site.via_popen("alice", lab.spare, "--", "sh", "-c", "echo in; cat", groups=[NETDEV])
    one.expect("in\n")
    site.allowed("alice", groups=[NETDEV])  # the second; it has ended
    lab.wait(lambda: len(sessions_of(lab, 1000)) == 1, 10, "its end")
    two = lab.via_popen("--user", "alice", lab.spare, "--", "sh", "-c", "echo in; cat")
    two.expect("in\n")
    site.held = 2
    site.refused(
        "alice", f"you have 2 sessions already, as many as {path}:1 [%netdev] allows",
        "end one first", groups=[NETDEV],
    )  # fmt: skip
    site.allowed("bob", groups=[NETDEV])
    lab.via("--user", "alice", lab.spare, "--", "true", check=True)  # root is not counted out
    one.finish()
    lab.wait(lambda: len(sessions_of(lab, 1000)) == 1, 10, "its end")
    site.allowed("alice", groups=[NETDEV])
    two.finish()


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(120)
def test_the_65th_session(lab):
    site = Site(lab)
    script = (
        f"for i in $(seq 64); do {site.bin}/via-iface wlp6s0 -- sh -c 'echo in; exec sleep 600' &"
        " done; wait"
    )
    held = lab.popen(site._as("alice", [NETDEV], ["sh", "-c", script]))
    lab.wait(lambda: len(sessions_of(lab, 1000)) == 64, 60, "64 sessions", step=0.1)
    lab.wait(lambda: held._read(0) and held.out.count(b"in\n") == 64, 30, "64 programs")
    site.held = 64
    site.refused("alice", "you have 64 sessions already, as many as built-in policy:1", groups=[NETDEV])
    site.allowed("bob", groups=[NETDEV])
    os.kill(sessions_of(lab, 1000)[0]["pids"][0], signal.SIGKILL)
    lab.wait(lambda: len(sessions_of(lab, 1000)) == 63, 10, "the end of one")
    site.allowed("alice", groups=[NETDEV])
    for session in sessions_of(lab, 1000):
        for pid in session["pids"]:
            os.kill(pid, signal.SIGKILL)
    held.finish()


# --- a policy that cannot be used ---------------------------------------------------------------

GOOD = "[%netdev]\nuplinks = *\n"
BROKEN = {
    "unknown_key": (GOOD + "\nuplink = wlp6s0\n", 0o644, ":4: 'uplink' is not known"),
    "no_section": ("uplinks = *\n" + GOOD, 0o644, ":1: 'uplinks' stands before the first [section]"),
    "no_sense": (GOOD + "let everybody in\n", 0o644, ":3: it is neither '[WHO]' nor 'KEY = VALUE'"),
    "bad_value": (GOOD + "sessions = many\n", 0o644, ":3: sessions 'many'"),
    "world_writable": (GOOD, 0o646, "': everybody may write it; `chmod go-w "),
    "group_writable": (GOOD, 0o664, "': its group may write it"),
}


@needs("root", "tool:setcap", "tool:setpriv")
@params(**BROKEN)
def test_broken(lab, case):
    """Everybody but root is refused, by the line, until it is mended."""
    text, mode, reason = case
    site = Site(lab)
    path = site.policy(text, mode=mode)
    for user, groups in (("alice", [NETDEV]), ("bob", [])):
        site.refused(
            user, "the access policy cannot be used, so only root may", f"{path}{reason}",
            groups=groups,
        )  # fmt: skip
    assert lab.via(lab.spare, "--", "curl", "-s", lab.url, check=True).out == lab.spare.addr + "\n"
    site.policy(GOOD)
    site.allowed("alice", groups=[NETDEV])
    drop = site.policy(text, "access.d/1.conf", mode=mode)
    site.refused("alice", f"{drop}{reason}", groups=[NETDEV])


@needs("root", "tool:setcap", "tool:setpriv")
def test_not_roots(lab):
    site = Site(lab)
    path = site.policy(GOOD)
    os.chown(path, 1000, 0)
    site.refused("alice", f"trust '{path}': it belongs to uid 1000", groups=[NETDEV])
    os.unlink(path)
    write_file(f"{lab.tmp}/mine", GOOD)
    os.symlink(f"{lab.tmp}/mine", path)
    site.refused("alice", f"read '{path}': it is a symbolic link", groups=[NETDEV])
    os.unlink(path)
    os.chmod(site.conf, 0o777)
    site.refused("alice", f"trust '{site.conf}': everybody may write it", groups=[NETDEV])
    os.chmod(site.conf, 0o755)
    site.allowed("alice", groups=[NETDEV])


@needs("root", "tool:setcap", "tool:setpriv")
def test_unreadable(lab):
    """To a daemon with no more than its own capabilities."""
    site = Site(lab)
    site.daemon.stop()
    away = "-dac_override,-dac_read_search"
    site.start(prefix=["setpriv", "--inh-caps", away, "--bounding-set", away])
    path = site.policy(GOOD)
    site.allowed("alice", groups=[NETDEV])
    os.chmod(path, 0)
    site.refused("alice", f"read '{path}': Permission denied", groups=[NETDEV])
    assert lab.via(lab.spare, "--", "true").code == 0


# --- polkit -------------------------------------------------------------------------------------


class Polkit:
    """A system bus, and who answers on it."""

    def __init__(self, lab, mode, answers=True):
        os.makedirs(os.path.dirname(BUS), exist_ok=True)
        config = os.path.join(lab.tmp, "bus.conf")
        write_file(config, BUS_CONFIG.format(path=BUS))
        self.lab = lab
        self.bus = lab.popen(
            ["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"]
        )
        self.bus.expect("unix:path=")
        self.seen = 0
        if answers:
            self.fake = lab.popen([sys.executable, os.path.join(HERE, "fake_polkit.py")])
            self.fake.expect("ready\n")
            self.tell(mode)

    def tell(self, words):
        self.fake.write(words + "\n")
        self.next(told=words.split())

    def next(self, **wanted):
        """The next line of the fake that has all of that."""
        end = time.monotonic() + 10 * self.lab.scale
        while True:
            lines = self.fake.out.decode().split("\n")[:-1]
            while self.seen < len(lines):
                line = lines[self.seen]
                self.seen += 1
                if line.startswith("{"):
                    told = json.loads(line)
                    if all(told.get(k) == v for k, v in wanted.items()):
                        return told
            left = end - time.monotonic()
            assert left > 0 and self.fake._read(left), f"no {wanted} in\n{self.fake.out.decode()}"

    def calls(self):
        """All calls so far that were not looked at yet."""
        self.fake._read(0)
        lines = self.fake.out.decode().split("\n")[:-1]
        found = [json.loads(line) for line in lines[self.seen :] if line.startswith("{")]
        self.seen = len(lines)
        return [told for told in found if "call" in told]


POLKIT = ("root", "tool:setcap", "tool:setpriv", "tool:dbus-daemon")


def start_time(pid):
    with open(f"/proc/{pid}/stat") as f:
        stat = f.read()
    return int(stat[stat.rindex(")") + 2 :].split()[19])


@needs(*POLKIT)
def test_polkit_yes(lab):
    """Whom the policy says nothing of; the subject is that very process."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    client = site.via_popen("bob", "--name", "game", lab.spare, "--", "curl", "-s", lab.url)
    asked = polkit.next(call="check")
    assert asked["kind"] == "unix-process" and asked["action"] == "org.via_iface.run", asked
    subject = asked["subject"]
    assert (subject["pid"], subject["uid"]) == (client.pid, 1001), asked
    assert subject["start-time"] == start_time(client.pid), asked
    assert subject.get("pidfd", client.pid) == client.pid, asked
    if hasattr(socket, "SO_PEERPIDFD") or peer_pidfd_works():
        assert "pidfd" in subject, asked
    assert asked["details"] == {"uplinks": "wlp6s0", "name": "game"} and asked["flags"] == 1, asked
    polkit.tell("answer yes")
    done = client.finish()
    assert (done.code, done.out, done.err) == (0, lab.spare.addr + "\n", ""), done
    polkit.tell("yes")
    site.allowed("bob")
    assert [c["call"] for c in polkit.calls()] == ["check"]
    site.allowed("alice", groups=[NETDEV])  # nobody is asked
    lab.via(lab.spare, "--", "true", check=True)
    assert polkit.calls() == []


def peer_pidfd_works():
    a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with a, b, contextlib.suppress(OSError):
        os.close(a.getsockopt(socket.SOL_SOCKET, 77))
        return True
    return False


NO = {
    "no": "polkit refused it: no section of",
    "challenge": "polkit wants a password, and no agent of yours can ask for it",
    "dismissed": "polkit's question was dismissed: no section of",
    "error": "polkit could not be asked (Action is not registered): no section of",
}


@needs(*POLKIT)
@params(*NO)
def test_polkit_no(lab, answer):
    polkit = Polkit(lab, answer)
    site = Site(lab)
    site.refused("bob", NO[answer], "an administrator may run `sudo usermod -aG netdev bob` (log in again then)")
    assert [c["call"] for c in polkit.calls()] == ["check"]
    path = site.policy("[bob]\nuplinks = enp7s0\n")
    site.refused("bob", f"{path}:1 [bob] allows only 'enp7s0'")
    site.policy("[bob]\nlan = perhaps\n")
    site.refused("bob", f"{path}:2: lan 'perhaps'")
    assert polkit.calls() == [], "where the policy speaks, nobody is asked"


@needs(*POLKIT)
def test_polkit_is_not_there(lab):
    """A bus without it is as no bus."""
    Polkit(lab, "", answers=False)
    site = Site(lab)
    done = site.refused("bob", "as bob (uid 1001): no section of")
    assert "polkit" not in done.err, done
    site.allowed("alice", groups=[NETDEV])


@needs(*POLKIT)
def test_polkit_waits(lab):
    """While somebody types a password, all others are served at once."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    before = lab.snapshot()
    client = site.via_popen("bob", lab.spare, "--", "curl", "-s", lab.url)
    polkit.next(call="check")
    lab.assert_same(before)  # nothing is made for one who waits
    for _ in range(3):
        site.allowed("alice", groups=[NETDEV])
        assert lab.via(lab.spare, "--", "true", check=True).seconds < 1 * lab.scale
    time.sleep(6)  # longer than a silent client is suffered
    assert client.running(), client.finish()
    polkit.tell("answer yes")
    done = client.finish()
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done


@needs(*POLKIT)
@params(KILL=signal.SIGKILL, INT=signal.SIGINT)
def test_polkit_client_goes_away(lab, number):
    """The question is taken back, and nothing is left of it."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    before = lab.snapshot()
    fds = len(os.listdir(f"/proc/{lab.daemon_pid()}/fd"))
    client = site.via_popen("bob", lab.spare, "--", "true")
    asked = polkit.next(call="check")
    assert client.stop(number).code == -number
    assert polkit.next(call="cancel")["id"] == asked["id"]
    polkit.tell("answer yes")
    lab.wait(lambda: len(os.listdir(f"/proc/{lab.daemon_pid()}/fd")) == fds, 5, "its descriptors")
    lab.assert_same(before)
    polkit.tell("yes")
    site.allowed("bob")


@needs(*POLKIT)
def test_polkit_never_answers(lab):
    polkit = Polkit(lab, "hold")
    site = Site(lab, "--ask", "1")
    before = lab.snapshot()
    done = site.curl("bob")
    site.is_refusal(done, "bob", "polkit's question was not answered within 1 s: no section of")
    assert 0.9 < done.seconds < 3 * lab.scale, done
    asked = polkit.next(call="check")
    assert polkit.next(call="cancel")["id"] == asked["id"]
    lab.assert_same(before)


@needs(*POLKIT)
def test_polkit_few_questions(lab):
    """Nobody opens dialogs without end, nor takes that from others."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    held = [site.via_popen("bob", lab.spare, "--", "true") for _ in range(3)]
    for _ in held:
        polkit.next(call="check")
    done = site.via("bob", lab.spare, "--", "true")
    site.is_refusal(done, "bob", "3 of your questions to polkit are open already")
    other = site.via_popen("carol", lab.spare, "--", "true")
    assert polkit.next(call="check")["subject"]["uid"] == 1002
    polkit.tell("answer yes")
    assert [client.finish().code for client in (*held, other)] == [0] * 4


@needs(*POLKIT)
@params("policy", "sessions", "bus", "daemon")
def test_polkit_meanwhile(lab, what):
    """What changes while the question is open counts."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    client = site.via_popen("bob", lab.spare, "--", "true")
    polkit.next(call="check")
    site.logged()
    if what == "policy":
        path = site.policy("[bob]\nsessions = 0\n")
        polkit.tell("answer yes")
        site.is_refusal(client.finish(), "bob", f"{path}:1 [bob] allows no session")
    elif what == "sessions":
        site.policy("[bob]\nuplinks = wlp6s0\n")
        polkit.tell("answer no")
        assert client.finish().code == 0
    elif what == "bus":
        polkit.bus.stop(signal.SIGKILL)
        done = client.finish()
        site.is_refusal(done, "bob", "polkit could not be asked (Connection terminated)")
        site.allowed("alice", groups=[NETDEV])
    else:
        site.daemon.stop(signal.SIGKILL)
        done = client.finish()
        assert done.code == 125 and "it does not run" in done.err, done  # nor does it come back
        polkit.tell("answer yes")
        lab.via(lab.spare, "--", "true", check=True)
    lab.wait(lambda: not sessions_of(lab, 1001), 5, "the end")


@needs(*POLKIT)
def test_polkit_daemon_stops(lab):
    """Asked to end, it takes its questions back."""
    polkit = Polkit(lab, "hold")
    site = Site(lab)
    client = site.via_popen("bob", lab.spare, "--", "true")
    asked = polkit.next(call="check")
    site.daemon.stop()
    assert polkit.next(call="cancel")["id"] == asked["id"]
    assert client.finish().code == 125




# --- polkit itself ------------------------------------------------------------------------------

POLKITD = "/usr/lib/polkit-1/polkitd"
RULES = """
polkit.addRule(function(action, subject) {
    if (action.id == "org.via_iface.run" && action.lookup("uplinks") == "wlp6s0" &&
        action.lookup("name") == "game" && subject.user == "bob")
        return polkit.Result.YES;
    if (action.id.indexOf("org.via_iface.") == 0 && subject.user == "carol")
        return polkit.Result.NO;
});
"""


def start_polkitd(lab, rules):
    """The real one, with our actions and these rules. Returns the site, and its process."""
    owner = pwd.getpwnam("polkitd")
    actions = os.path.join(lab.tmp, "actions")
    os.makedirs(actions)
    shutil.copy(os.path.join(ROOT, "policies", "polkit", "org.via_iface.policy"), actions)
    site = Site(lab)
    with open("/etc/passwd", "a") as f:
        f.write(f"polkitd:x:{owner.pw_uid}:{owner.pw_gid}::/:/usr/sbin/nologin\n")
    nsutil.mount(actions, "/usr/share/polkit-1/actions", flags=nsutil.MS_BIND)
    shutil.rmtree("/etc/polkit-1", ignore_errors=True)
    os.makedirs("/etc/polkit-1/rules.d")
    write_file("/etc/polkit-1/rules.d/10-test.rules", rules)
    for path in (lab.tmp, "/etc/polkit-1", "/etc/polkit-1/rules.d"):
        os.chmod(path, os.stat(path).st_mode | 0o055)
    polkitd = lab.popen([POLKITD, "--no-debug"])
    names = ["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/",
             "org.freedesktop.DBus.NameHasOwner", "string:org.freedesktop.PolicyKit1"]  # fmt: skip
    lab.wait(lambda: "true" in lab.run(names).out, 10, "polkitd on the bus", step=0.05)
    return site, polkitd


@needs(*POLKIT, f"tool:{POLKITD}")
def test_polkit_itself(lab):
    """The real one takes our question, knows our actions, and its rules see the details."""
    bus = Polkit(lab, "", answers=False)
    site, polkitd = start_polkitd(lab, RULES)
    site.allowed("bob", lab.spare, "--name", "game")
    site.refused("bob", "polkit wants a password, and no agent of yours can ask for it")
    site.refused("carol", "polkit refused it: no section of")
    site.allowed("alice", groups=[NETDEV])
    polkitd.stop()
    assert bus.bus.running()
