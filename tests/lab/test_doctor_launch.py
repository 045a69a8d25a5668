"""`doctor` tells what keeps a caller from starting a session: each test makes one such situation, sees
that finding alone with its object, runs the command of its fix as it is printed, and sees it gone."""

import concurrent.futures
import contextlib
import os
import re
import select
import signal
import socket
import struct
import time

from hostile import MAGIC, VERSION, reply_size
from lab import alone, needs, params, program, timeout, write_file
from test_who_may import NETDEV, STUDENTS, USERS, Site, configured

RUNDIR = "/run/via-iface"
SOCKET = f"{RUNDIR}/socket"

TOOLS = {
    # what runs as another user does here run as the same: a test is root's
    "sudo": 'case $1 in -b) shift; "$@" </dev/null >/dev/null 2>&1 & ;; *) exec "$@" ;; esac',
    "sudoedit": 'exec sh -c "$EDITOR" sh "$1"',
    "systemctl": 'echo "systemctl $*" >>$TOOLS_LOG; case "$*" in "enable --now via-iface.socket" | "restart via-iface.service") $TOOLS_DO ;; *) exit 1 ;; esac',
    "rc-update": 'echo "rc-update $*" >>$TOOLS_LOG; [ "$*" = "add via-iface default" ]',
    "rc-service": 'echo "rc-service $*" >>$TOOLS_LOG; case "$*" in "via-iface start" | "via-iface restart") $TOOLS_DO ;; *) exit 1 ;; esac',
}


def tools(lab):
    """Commands that a fix may name, in front of the path; returns what a shell needs."""
    where = os.path.join(lab.tmp, "tools")
    os.makedirs(where, exist_ok=True)
    for name, text in TOOLS.items():
        write_file(f"{where}/{name}", f"#!/bin/sh\n{text}\n")
        os.chmod(f"{where}/{name}", 0o755)
    return {"PATH": f"{where}:{lab.env['PATH']}", "TOOLS_LOG": f"{lab.tmp}/tools-log", "TOOLS_DO": "true"}


def read(done, quiet=("firewall-not-visible",)):
    assert done.err == "", done
    said = done.json()
    assert done.code == (0 if said["ok"] else 1), done
    assert said["ok"] == all(f["severity"] != "error" for f in said["findings"]), done
    return [f for f in said["findings"] if f["id"] not in quiet]


def one(found, severity, ident, thing):
    """The only finding, which is that one."""
    assert [(f["severity"], f["id"], f["object"]) for f in found] == [(severity, ident, str(thing))], found
    return found[0]


def command(finding):
    (text,) = re.findall(r"`([^`]+)`", finding["fix"])[:1]
    assert not re.search(r"sudo (\S*/)?via-iface (?!doctor\b)|-aG (sudo|wheel)", text), finding
    return text


def mend(lab, finding, **env):
    """Runs the fix word for word."""
    return lab.run(command(finding), env={**tools(lab), **env}, check=True)


def doctor(site, user, *words, groups=(NETDEV,), **more):
    return read(site.via(user, "doctor", *words, "--json", groups=groups, **more))


def end_line(site, user, *words, groups=(NETDEV,)):
    return site.via(user, "doctor", *words, groups=groups).out.splitlines()[-1]


def refused(site, user, *reasons, uplink=None, options=(), groups=()):
    done = site.curl(user, uplink, *options, groups=groups)
    assert done.code == 125 and done.out == "" and all(reason in done.err for reason in reasons), done


def stop_daemon(lab, sig=signal.SIGTERM):
    for pid in lab.daemon_pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sig)
    lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon has ended")


# --- the socket and the daemon -------------------------------------------------------------------


def installed(init):
    """That service manager runs, and has our unit or script."""
    for path in {
        "systemd": ("/run/systemd/system/.", "/etc/systemd/system/via-iface.socket"),
        "openrc": ("/run/openrc/softlevel", "/etc/init.d/via-iface"),
    }[init]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        if not path.endswith("."):
            write_file(path, "")


@needs("root", "tool:setcap", "tool:setpriv")
def test_nothing_for_who_may(lab):
    site = Site(lab)
    for words in ((), (lab.spare,), (f"{lab.wired},{lab.spare}",)):
        assert doctor(site, "alice", *words) == []
    end = lab.via("doctor").out.splitlines()[-1]
    assert end == "nothing is in the way: `via-iface wlp6s0 -- PROGRAM` starts a program; usable, too: enp7s0"


@needs("root", "tool:setcap", "tool:setpriv")
def test_firewall_not_visible(lab):
    """Who cannot read the rules is not told that none is in the way, and how root is told."""
    site = Site(lab)
    for words, line in (((), "sudo via-iface doctor"), ((lab.spare,), "sudo via-iface doctor wlp6s0")):
        found = one(read(site.via("alice", "doctor", *words, "--json", groups=[NETDEV]), quiet=()),
                    "info", "firewall-not-visible", "nftables")  # fmt: skip
        assert found["fix"] == f"`{line}`", found
        end = end_line(site, "alice", *words)
        assert end.startswith(
            f"nothing that is visible to you is in the way; the rules of the firewall are root's to see, by `{line}`: "
        ), end
        mended = mend(lab, found, PATH=f"{tools(lab)['PATH']}:{site.bin}").out
        assert "firewall" not in mended and mended.startswith("nothing is in the way:"), mended


@needs("root", "tool:setcap", "tool:setpriv")
def test_inside_a_session(lab):
    """Its netns is not the host: which session it is, and by which uplink it leaves."""
    site = Site(lab)
    held = site.via_popen(
        "alice", "--name", "held", str(lab.spare), "--", "sh", "-c", "echo ready; cat", groups=[NETDEV]
    )
    held.expect("ready\n")
    inside = ("exec", "held", "--", f"{site.bin}/via-iface", "doctor")
    found = one(read(site.via("alice", *inside, "--json")), "warning", "inside-session", "held")
    assert "this is inside session 'held' (1)" in found["text"], found
    assert "nothing is in the way" not in site.via("alice", *inside).out
    line = command(found).replace("via-iface", f"{site.bin}/via-iface", 1)
    assert "wlp6s0" in site.via("alice", "exec", "held", "--", "sh", "-c", line).out
    held.finish()
    assert doctor(site, "alice") == []


@needs("root", "tool:setcap", "tool:setpriv")
@params("systemd", "openrc", "none")
def test_daemon_not_running(lab, init):
    """The command is the one of what runs services here, and enough for the next boot too."""
    site = Site(lab)
    stop_daemon(lab)
    if init != "none":
        installed(init)
    found = one(doctor(site, "alice"), "error", "daemon-not-running", SOCKET)
    assert "via-ifaced is not running" in found["text"], found
    start = f"{site.bin}/via-ifaced --stay --supervise"
    wanted = {
        "systemd": "sudo systemctl enable --now via-iface.socket",
        "openrc": "sudo rc-update add via-iface default && sudo rc-service via-iface start",
        "none": f"sudo -b {start}",
    }[init]
    assert command(found) == wanted and wanted in end_line(site, "alice"), found
    write_file(f"{lab.tmp}/start", f"#!/bin/sh\n{start} </dev/null >/dev/null 2>&1 &\n")
    os.chmod(f"{lab.tmp}/start", 0o755)
    mend(lab, found, TOOLS_DO=f"{lab.tmp}/start")
    lab.wait(lambda: os.path.exists(SOCKET), 5, "the daemon listens")
    assert lab.wait(lambda: doctor(site, "alice") == [], 5)
    site.allowed("alice", groups=[NETDEV])


@needs("root", "tool:setcap", "tool:setpriv")
def test_daemon_does_not_answer(lab):
    """It is stopped: doctor ends all the same, and the supervisor starts another."""
    site = Site(lab)
    stop_daemon(lab)
    lab.popen([f"{site.bin}/via-ifaced", "--stay", "--supervise"])
    lab.wait(lambda: len(lab.daemon_pids()) == 2 and doctor(site, "alice") == [], 5, "a daemon")
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    found = one(doctor(site, "alice"), "error", "daemon-silent", SOCKET)
    assert command(found) == f"sudo kill -KILL {pid}" and "sessions stay" in found["fix"], found
    mend(lab, found)
    lab.wait(lambda: lab.daemon_pid() not in (None, pid) and doctor(site, "alice") == [], 10, "another daemon")


@needs("root", "tool:setcap", "tool:setpriv")
@params("serves", "root")
def test_daemon_not_running_as_root(lab, who):
    """Root's own run starts it: what others cannot do is said, not that only root can."""
    site = Site(lab)
    stop_daemon(lab)
    installed("openrc" if who == "root" else "systemd")  # systemd starts it for root
    line = [f"{site.bin}/via-iface", "doctor", "--json"]
    found = one(read(lab.run(line)), "warning", "daemon-not-running", SOCKET)
    assert "a run by root starts it, and until then nobody else can" in found["text"], found
    if who == "root":
        lab.run([f"{site.bin}/via-iface", lab.spare.dev, "--", "true"], check=True)
    else:
        start = f"{site.bin}/via-ifaced --stay --supervise </dev/null >/dev/null 2>&1 &"
        write_file(f"{lab.tmp}/start", f"#!/bin/sh\n{start}\n")
        os.chmod(f"{lab.tmp}/start", 0o755)
        mend(lab, found, TOOLS_DO=f"{lab.tmp}/start")
    lab.wait(lambda: read(lab.run(line)) == [], 5, "a daemon")


@contextlib.contextmanager
def socket_of_another(lab):
    """Listens on the daemon's socket, as systemd does, with no daemon that accepts."""
    stop_daemon(lab)
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(SOCKET)
        os.chmod(SOCKET, 0o666)
        listener.listen()
        yield listener


@needs("root", "tool:setcap", "tool:setpriv")
def test_daemon_that_starts_slowly(lab):
    """Whose socket is served by another process until it is ready: waited for, as a launch does;
    and when it then stops, it is that one which is named."""
    site = Site(lab)
    with socket_of_another(lab) as listener:
        asking = site.via_popen("alice", "doctor", str(lab.spare), "--json", groups=[NETDEV])
        ready, _, _ = select.select([listener], [], [], 5)
        assert ready
        time.sleep(4)  # longer than one that runs is given
        line = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3<&{listener.fileno()} {listener.fileno()}<&-'
        daemon = lab.popen(["bash", "-c", line, f"{site.bin}/via-ifaced"], pass_fds=[listener.fileno()])
        assert read(asking.finish(20)) == []
        os.kill(daemon.pid, signal.SIGSTOP)
        found = one(doctor(site, "alice"), "error", "daemon-silent", SOCKET)
        assert command(found) == f"sudo kill -KILL {daemon.pid}", found
        os.kill(daemon.pid, signal.SIGCONT)


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(90)
def test_daemon_that_does_not_become_ready(lab):
    """It is being started: to start it anew is no help, its log may be."""
    site = Site(lab)
    installed("systemd")
    with socket_of_another(lab):
        done = site.via("alice", "doctor", "--json", groups=[NETDEV], timeout=60)
        found = one(read(done), "error", "daemon-starting", SOCKET)
        assert "being started" in found["text"] and "restart" not in found["fix"], found
        assert command(found) == "sudo journalctl -b -u via-iface.service", found
    site.start()
    assert doctor(site, "alice") == []


@needs("root", "tool:setcap", "tool:setpriv")
@params("protocol", "release")
def test_daemon_of_another_version(lab, case):
    site = Site(lab)
    size = reply_size()
    stop_daemon(lab)
    installed("systemd")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(SOCKET)
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.bind(SOCKET)
    os.chmod(SOCKET, 0o666)
    server.listen(8)
    pid = os.fork()
    if pid == 0:
        while True:
            peer, _ = server.accept()
            peer.recv(4096)
            if case == "release":
                head = struct.pack("<IHHII", MAGIC, VERSION, 11, 0, 0)
                with contextlib.suppress(BrokenPipeError):  # doctor connects also to see whose socket it is
                    peer.send((head + b"0.0.9").ljust(size, b"\0"))
            peer.close()
    severity = "warning" if case == "release" else "error"
    found = one(doctor(site, "alice"), severity, "daemon-other-version", SOCKET)
    assert command(found) == "sudo systemctl restart via-iface.service", found
    assert ("0.0.9" in found["text"]) == (case == "release"), found
    start = f"kill {pid}; rm {SOCKET}; {site.bin}/via-ifaced --stay --supervise </dev/null >/dev/null 2>&1 &"
    write_file(f"{lab.tmp}/start", f"#!/bin/sh\n{start}\n")
    os.chmod(f"{lab.tmp}/start", 0o755)
    server.close()
    mend(lab, found, TOOLS_DO=f"{lab.tmp}/start")
    lab.wait(lambda: lab.daemon_pids() and doctor(site, "alice") == [], 5, "the new daemon")


# --- the access policy ---------------------------------------------------------------------------


@needs("root", "tool:setcap", "tool:setpriv", "tool:usermod")
def test_no_section_but_a_group(lab):
    """Never a group that makes root of its members; and a login that is older is told from that."""
    site = Site(lab)
    found = one(doctor(site, "alice", groups=()), "error", "no-section", "alice")
    assert command(found) == "sudo usermod -aG netdev alice" and "log out" in found["fix"], found
    assert "sudo'" not in found["text"] + found["fix"], found
    mend(lab, found)
    found = one(doctor(site, "alice", groups=()), "error", "group-not-in-login", "netdev")
    assert "log out and in again" in found["fix"] and command(found) == "newgrp netdev", found
    assert doctor(site, "alice", groups=[NETDEV]) == []


@needs("root", "tool:setcap", "tool:setpriv")
def test_no_section_and_no_group(lab):
    """Without a group there is a section for that user alone, with that uplink alone."""
    site = Site(lab)
    site.policy("[bob]\nuplinks = *\n[%sudo]\nuplinks = *\n")
    found = one(doctor(site, "alice", lab.spare, groups=()), "error", "no-section", "alice")
    mend(lab, found)
    assert doctor(site, "alice", lab.spare, groups=()) == []
    site.allowed("alice")
    refused(site, "alice", "zz-alice.conf:1 [alice] allows only 'wlp6s0'", uplink=lab.wired)
    refused(site, "alice", "allows no services of this host", options=["--host-access"])
    refused(site, "carol", "no section of")


@needs("root", "tool:setcap", "tool:setpriv")
@params("user", "group")
def test_uplink_forbidden(lab, who):
    """What the deciding section says otherwise stays; others of its group get nothing."""
    site = Site(lab)
    word = {"user": "alice", "group": "%students"}[who]
    path = site.policy(f"# a comment\n[{word}]\nuplinks = enp7s0\nhost-access = no\nsessions = 3\n")
    groups = [STUDENTS]
    found = one(doctor(site, "alice", lab.spare, groups=groups), "error", "uplink-forbidden", lab.spare)
    assert f"{path}:2 [{word}] allows only 'enp7s0'" in found["text"], found
    assert doctor(site, "alice", lab.wired, groups=groups) == []
    one(doctor(site, "alice", groups=groups), "info", "uplink-forbidden", lab.spare)
    mend(lab, found)
    assert doctor(site, "alice", groups=groups) == []
    site.allowed("alice", groups=groups)
    site.allowed("alice", lab.wired, groups=groups)
    refused(site, "alice", "allows no services of this host", options=["--host-access"], groups=groups)
    if who == "group":
        refused(site, "bob", f"{path}:2 [%students] allows only 'enp7s0'", groups=groups)


@needs("root", "tool:setcap", "tool:setpriv")
def test_no_lan_required(lab):
    site = Site(lab)
    path = site.policy("[alice]\nuplinks = *\nlan = no\n")
    found = one(doctor(site, "alice", lab.spare), "warning", "no-lan-required", lab.spare)
    assert f"{path}:1 [alice] allows no private" in found["text"], found
    line = command(found).replace("via-iface", f"{site.bin}/via-iface").replace("PROGRAM", "true")
    done = site.run_as("alice", "sh", "-c", line)
    assert done.code == 0, done


@needs("root", "tool:setcap", "tool:setpriv")
def test_too_many_sessions(lab):
    site = Site(lab)
    site.policy("[alice]\nuplinks = *\nsessions = 1\n")
    held = site.via_popen("alice", "--name", "held", str(lab.spare), "--", "sh", "-c", "echo ready; cat")
    held.expect("ready\n")
    found = one(doctor(site, "alice", lab.wired), "error", "too-many-sessions", "alice")
    assert "`via-iface stop SESSION`" in found["fix"], found
    assert site.via("alice", "stop", "held").code == 0
    assert doctor(site, "alice", lab.wired) == []
    held.finish()


BROKEN = "[alice]\nuplinks = *\nlan = maybe\nsessoins = 3\n\nnonsense\n[%netdev\nuplinks = wlp6s0\n[bob]\n"


@needs("root", "tool:setcap", "tool:setpriv")
@params("user", "root")
def test_every_mistake_of_the_policy(lab, who):
    """With a daemon or, for root, without one: file and line of each, not of the first alone."""
    site = Site(lab)
    path = site.policy(BROKEN)
    drop = site.policy("[*]\nuplinks = a:b\n", "access.d/50 x.conf")
    loose = site.policy("[*]\nuplinks = *\n", "access.d/60 y.conf", mode=0o666)
    os.chmod(loose, 0o666)
    if who == "root":
        stop_daemon(lab)
        found = read(lab.run([f"{site.bin}/via-iface", "doctor", "--json"]))
    else:
        found = doctor(site, "alice")
    severity = "warning" if who == "root" else "error"
    places = [f"{path}:{n}" for n in (3, 4, 6, 7, 9)] + [f"{drop}:2", loose]
    assert sorted((f["severity"], f["id"], f["object"]) for f in found) == sorted(
        (severity, "access-policy-mistake", place) for place in places
    ), found
    by_place = {f["object"]: f for f in found}
    assert command(by_place[loose]) == f"sudo chmod go-w '{loose}'", found
    assert by_place[f"{path}:4"]["fix"] == f"correct line 4: `sudoedit {path}`", found
    mend(lab, by_place[loose])
    mend(lab, by_place[f"{drop}:2"], EDITOR='sed -i "s/a:b/wlp6s0/" "$1"')
    right = "[*]\\nuplinks = *\\n"
    mend(lab, by_place[f"{path}:3"], EDITOR=f"printf '{right}' >\"$1\"")
    again = read(lab.run([f"{site.bin}/via-iface", "doctor", "--json"])) if who == "root" else doctor(site, "alice")
    assert again == [], again


# --- the app policy ------------------------------------------------------------------------------


@needs("root", "tool:setcap", "tool:setpriv")
@params("site", "own")
def test_every_mistake_of_the_app_policy(lab, whose):
    site = Site(lab)
    if whose == "site":
        where = f"{configured('VIA_SYSCONFDIR')}/apps.d"
        os.makedirs(where)
    else:
        where = f"{lab.tmp}/home/.config/via-iface/apps"
        os.makedirs(where)
        os.chown(where, USERS["alice"], USERS["alice"])
    path = f"{where}/the game.conf"
    write_file(path, "[steam]\nuplnik = wlp6s0\nname = steam\nlan = 3\n")
    env = {"HOME": f"{lab.tmp}/home"}
    os.chmod(lab.tmp, 0o755)
    found = doctor(site, "alice", env=env)
    assert [(f["severity"], f["id"], f["object"]) for f in found] == [
        ("error", "app-policy-mistake", f"{path}:2"),
        ("error", "app-policy-mistake", f"{path}:4"),
    ], found
    assert "'uplnik' is not known; it is one of match, uplink" in found[0]["text"], found
    assert command(found[0]) == f"{'sudoedit' if whose == 'site' else '${EDITOR:-vi}'} '{path}'", found
    write_file(f"{lab.tmp}/edit", "#!/bin/sh\nsed -i 's/uplnik/uplink/; s/lan = 3/lan = no/' \"$1\"\n")
    os.chmod(f"{lab.tmp}/edit", 0o755)
    mend(lab, found[0], EDITOR=f"{lab.tmp}/edit" + (' "$1"' if whose == "site" else ""))
    assert doctor(site, "alice", env=env) == []


# --- programs ------------------------------------------------------------------------------------


@needs("root", "tool:setcap", "tool:setpriv")
def test_enter_without_capability(lab):
    """A session starts all the same, with less: it is told what is less."""
    site = Site(lab)
    enter = f"{site.bin}/via-iface-enter"
    lab.run(["setcap", "-r", enter], check=True)
    found = one(doctor(site, "alice"), "warning", "enter-no-capability", enter)
    assert "sudo and other set-id programs do not work" in found["text"], found
    assert command(found) == f"sudo setcap cap_sys_admin=p {enter}", found
    mend(lab, found)
    assert doctor(site, "alice") == []


@needs("root", "tool:setcap", "tool:setpriv")
def test_enter_without_capability_nor_user_namespaces(lab):
    site = Site(lab)
    enter = f"{site.bin}/via-iface-enter"
    lab.run(["setcap", "-r", enter], check=True)
    prefix = ["python3", "-c", NO_USERNS, *site._as("alice", [NETDEV], [f"{site.bin}/via-iface", "doctor", "--json"])]
    found = one(read(lab.run(prefix)), "error", "enter-not-possible", enter)
    assert "allows you no user namespace" in found["text"], found
    mend(lab, found)
    assert read(lab.run(prefix)) == []


# A seccomp filter, of root, which needs no no_new_privs for it: a user namespace is refused with EPERM
# after the flags of unshare(2) were found to be valid, as by the kernel (bit 0 is no flag).
NO_USERNS = """
import ctypes, os, platform, struct, sys
number = {"x86_64": 272, "aarch64": 97}[platform.machine()]
code = [(0x20, 0, 0, 0), (0x15, 0, 4, number), (0x20, 0, 0, 16), (0x45, 0, 2, 0x10000000), (0x45, 1, 0, 1)]
code += [(0x06, 0, 0, 0x00050001), (0x06, 0, 0, 0x7FFF0000)]
raw = b"".join(struct.pack("<HBBI", *one) for one in code)
buf = ctypes.create_string_buffer(raw)
prog = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buf))
libc = ctypes.CDLL(None, use_errno=True)
if libc.prctl(22, 2, prog, 0, 0):
    raise OSError(ctypes.get_errno(), "prctl")
os.execvp(sys.argv[1], sys.argv[1:])
"""


@needs("root", "tool:setcap", "tool:setpriv")
def test_enter_is_missing(lab):
    site = Site(lab)
    os.unlink(f"{site.bin}/via-iface-enter")
    installed = os.path.exists(f"{configured('VIA_LIBEXECDIR')}/via-iface-enter")
    if not installed:
        found = one(doctor(site, "alice"), "error", "program-missing", "via-iface-enter")
        assert "install it" in found["text"], found


@needs("root", "tool:setcap", "tool:setpriv")
def test_no_new_privileges(lab):
    site = Site(lab)
    words = ["setpriv", "--no-new-privs", *site._as("alice", [NETDEV], [f"{site.bin}/via-iface", "doctor", "--json"])]
    found = one(read(lab.run(words)), "warning", "enter-no-capability", f"{site.bin}/via-iface-enter")
    assert "no_new_privs" in found["text"] and "setcap" not in found["fix"], found


# --- beside sessions that come and go -------------------------------------------------------------


def test_root_behind_the_last_session(lab):
    """For two seconds the daemon keeps what it made: that is no finding."""
    for _ in range(3):
        lab.session().finish()
        assert read(lab.via("doctor", "--json")) == []
    lab.wait_gone()
    assert read(lab.via("doctor", "--json")) == []
    assert not lab.daemon_pids()


@alone
@timeout(240)
def test_no_finding_in_200_runs(lab):
    """On a host that is well, whatever sessions begin and end meanwhile."""
    ended = False

    def launch(number):
        while not ended:
            uplink = (lab.wired, lab.spare)[number % 2]
            done = lab.via(uplink, "--", "sleep", f"0.{number}")
            assert done.code == 0, done

    threads = [concurrent.futures.ThreadPoolExecutor(2)]
    running = [threads[0].submit(launch, number) for number in (1, 2)]
    try:
        for number in range(200):
            found = read(lab.via("doctor", "--json", *([lab.spare] if number % 2 else [])))
            assert found == [], f"run {number}: {found}"
    finally:
        ended = True
        for one_of in running:
            one_of.result(20)


def test_stale_objects(lab):
    """What a daemon that was killed left is named, and the proposed command removes it."""
    held = lab.session()
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    held.finish()
    lab.wait(lambda: not lab.daemon_pids() and "viap" not in lab.ip("-br link"), 5)
    found = one(read(lab.via("doctor", "--json")), "warning", "not-as-planned", "kernel")
    assert "stale" in found["text"], found
    mend(lab, found)
    lab.wait(lambda: read(lab.via("doctor", "--json")) == [], 10, "it is put right")
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    assert program("via-ifaced") in found["fix"], found
