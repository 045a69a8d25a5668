"""The daemon under a service manager that holds its socket; what it takes from itself; and what
`meson install` puts where."""

import contextlib
import os
import re
import select
import shutil
import signal
import socket
import stat
import subprocess
import threading
import time

import nsutil
from lab import ROOT, Skip, build_dir, needs, program, sanitized, timeout
from snapshot import contents
from test_survives_kills import ports

RUNDIR = "/run/via-iface"
SOCKET = RUNDIR + "/socket"


class Manager:
    """What systemd does with the two units: holds the socket, starts the daemon when somebody
    connects and none runs, starts it again when a signal ended it, and hears what it says."""

    def __init__(self, lab, *arguments, env=None, shell="", binary=None):
        self.lab = lab
        self.words = [binary or program("via-ifaced"), *arguments]
        self.env, self.shell = env or {}, shell
        self.said, self.starts, self.codes = [], 0, []
        os.makedirs(RUNDIR, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.listener.bind(SOCKET + ".new")
        os.chmod(SOCKET + ".new", 0o666)
        self.listener.listen(128)
        os.rename(SOCKET + ".new", SOCKET)
        self.notify_path = os.path.join(lab.tmp, f"notify{id(self)}")
        self.notify = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.notify.bind(self.notify_path)
        self.popen = None
        self._wake, self._end = os.pipe()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _start(self):
        self.starts += 1
        fd = self.listener.fileno()
        line = f'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&{fd} {fd}<&-'
        self.popen = subprocess.Popen(
            ["/bin/bash", "-c", self.shell + line, "sh", *self.words],
            pass_fds=[fd],
            env={**self.lab.env, "NOTIFY_SOCKET": self.notify_path, **self.env},
            stderr=subprocess.DEVNULL,
        )

    def _serve(self):
        while True:
            waits = [self._wake, self.notify]
            pidfd = None
            if self.popen is None:
                waits.append(self.listener)
            else:
                pidfd = os.pidfd_open(self.popen.pid)
                waits.append(pidfd)
            ready, _, _ = select.select(waits, [], [])
            if self.notify in ready:
                self.said.append(self.notify.recv(1024).decode())
            if self._wake in ready:
                if pidfd is not None:
                    os.close(pidfd)
                return
            if pidfd is not None:
                os.close(pidfd)
                if pidfd in ready:
                    self.codes.append(self.popen.wait())
                    self.popen = None
                    if self.codes[-1] < 0:
                        self._start()
            elif self.listener in ready:
                self._start()

    def pid(self):
        """The daemon, when it has said that it is ready."""
        self.lab.wait(lambda: self.said.count("READY=1") >= self.starts > 0, 5, "READY=1")
        return self.popen.pid

    def idle(self, seconds=6):
        self.lab.wait(lambda: self.starts and self.popen is None, seconds, "the daemon's leaving")

    def close(self):
        """As `systemctl stop` of both."""
        os.write(self._end, b"x")
        self._thread.join()
        if self.popen:
            self.popen.terminate()
            self.popen.wait()
        self.listener.close()
        self.notify.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(SOCKET)
        os.unlink(self.notify_path)
        os.close(self._wake)
        os.close(self._end)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def one_session(lab):
    """The one that is held; the others are closing."""
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 3, "one session")


def through(lab):
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done


# --- the manager's socket -----------------------------------------------------------------------


def test_socket_activation(lab):
    before = lab.snapshot()
    with Manager(lab) as manager:
        inode = os.stat(SOCKET).st_ino
        for round_ in (1, 2):
            through(lab)
            manager.pid()
            manager.idle()
            assert manager.starts == round_ and manager.codes[-1] == 0, manager.codes
            assert os.stat(SOCKET).st_ino == inode
            assert not lab.link_exists("via0")
        assert manager.said == ["READY=1", "STOPPING=1"] * 2, manager.said
    lab.assert_same(before)


def test_connect_while_it_leaves(lab):
    """A launch that comes just as the daemon goes waits in the queue, and gets the next one."""
    before = lab.snapshot()
    with Manager(lab, "--linger", "0", "--late", "0") as manager:
        for n in range(12):
            done = lab.via(lab.spare, "--", "true")
            assert (done.code, done.err) == (0, ""), (manager.starts, done)
            # each a little later than the one before: about when the daemon goes, which first looks at
            # what the session's connections left (src/daemon/late.h, LATE_LOOK_MS)
            lab.wait(lambda: not ports(), 5, "the session's end", step=0.001)
            time.sleep(1.9 + n * 0.02)
        manager.idle()
        assert manager.starts > 1 and set(manager.codes) == {0}, manager.codes
    lab.assert_same(before)


def test_crowd_at_the_manager(lab):
    with Manager(lab, "--linger", "0") as manager:
        crowd = [lab.via_popen(lab.spare, "--", "true") for _ in range(40)]
        for process in crowd:
            done = process.finish(20)
            assert done.code == 0, (manager.starts, done)
        manager.idle()
        assert set(manager.codes) == {0}, manager.codes


def test_killed_under_a_manager(lab):
    """It comes back at once, finds its session and heals it, though nobody connected."""
    before = lab.snapshot()
    with Manager(lab) as manager:
        held = lab.session()
        os.kill(manager.pid(), signal.SIGKILL)
        manager.lab.wait(lambda: manager.starts == 2, 2, "another daemon")
        manager.pid()
        lab.nft("flush ruleset")
        lab.wait(lambda: "via_iface" in lab.run(["nft", "list", "tables"]).out, 3, "healing")
        assert lab.via("list").out.count("wlp6s0") == 1
        assert held.finish().code == 0
        manager.idle()
    lab.assert_same(before)


def test_stopped_by_the_manager(lab):
    """`systemctl restart` while a session runs: an upgrade."""
    with Manager(lab) as manager:
        held = lab.session(script=f"read line; curl -s {lab.url}; cat")
        os.kill(manager.pid(), signal.SIGTERM)
        manager.idle()
        assert os.path.exists(SOCKET)
        held.write("go\n")
        held.expect(lab.spare.addr)
        through(lab)
        assert manager.starts == 2
        one_session(lab)
        assert held.finish().code == 0
        manager.idle()


def test_cannot_start(lab):
    """A client that connected is told why; the manager is not made to start it again and again."""
    with Manager(lab, shell="ulimit -n 8; ") as manager:
        done = lab.via(lab.spare, "--", "true")
        assert done.code == 125 and "the limit is 8 descriptors of at least" in done.err, done
        manager.idle()
        assert (manager.starts, manager.codes) == (1, [1])
        assert "READY=1" not in manager.said


def test_wrong_socket_is_refused(lab):
    done = lab.run(
        ["bash", "-c", 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" 3</dev/null', program("via-ifaced")]
    )
    assert done.code == 1 and "SOCK_SEQPACKET" in done.err, done


def test_watchdog(lab):
    with Manager(lab, env={"WATCHDOG_USEC": "200000"}) as manager:
        held = lab.session()
        manager.pid()
        lab.wait(lambda: manager.said.count("WATCHDOG=1") > 3, 3, "its sign of life")
        os.kill(manager.popen.pid, signal.SIGSTOP)
        lab.wait(lambda: not select.select([manager.notify], [], [], 0)[0], 1)
        count = manager.said.count("WATCHDOG=1")
        time.sleep(0.4)  # twice the time within which a living one speaks
        assert manager.said.count("WATCHDOG=1") == count
        os.kill(manager.popen.pid, signal.SIGCONT)
        assert held.finish().code == 0


# --- its own socket -----------------------------------------------------------------------------


def test_manager_takes_over(lab):
    """A daemon that root's via-iface started gives way when a manager's socket takes its place,
    and the next one finds its session."""
    before = lab.snapshot()
    held = lab.session()
    old = lab.daemon_pids()
    with Manager(lab) as manager:
        lab.wait(lambda: not set(old) & set(lab.daemon_pids()), 3, "the old one's end")
        assert lab.link_exists("via0") and os.path.exists(SOCKET)
        through(lab)
        manager.pid()
        one_session(lab)
        assert held.finish().code == 0
        manager.idle()
    lab.assert_same(before)


def test_socket_removed(lab):
    """Somebody tidied /run: the socket is made anew."""
    held = lab.session()
    pid = lab.daemon_pid()
    os.unlink(SOCKET)
    lab.wait(lambda: os.path.exists(SOCKET), 2, "a new socket")
    through(lab)
    assert lab.daemon_pid() == pid
    assert held.finish().code == 0


def test_stay(lab):
    """For where nobody would start it again: it clears the host, and goes on listening."""
    before = lab.snapshot()
    daemon = lab.popen([program("via-ifaced"), "--stay", "--linger", "0"])
    lab.wait(lambda: os.path.exists(SOCKET), 3, "the socket")
    for _ in range(3):
        through(lab)
        lab.wait(lambda: not lab.link_exists("via0"), 3, "a clear host")
        assert daemon.running() and os.path.exists(SOCKET)
    assert daemon.stop().code == 0
    lab.assert_same(before)


def test_clear(lab):
    """What the package runs before its programs go: sessions lose their network, and nothing is
    left; but not behind the back of a daemon that serves."""
    before = lab.snapshot()
    held = lab.session(script=f"read line; curl -s -m 3 {lab.url}; echo $?; cat")
    done = lab.run([program("via-ifaced"), "--clear"])
    assert done.code == 1 and "another daemon serves" in done.err, done
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")
    assert lab.link_exists("via0")
    lab.run([program("via-ifaced"), "--clear"], check=True)
    assert not os.path.exists("/run/via-iface/log")  # the directory can be removed
    lab.assert_same(before)
    held.write("go\n")
    assert lab.spare.addr not in held.expect("7\n")  # curl: failed to connect
    assert held.finish().code == 0
    lab.assert_same(before)


# --- what it takes from itself ------------------------------------------------------------------


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f if ":\t" in line)


def test_daemon_confines_itself(lab):
    held = lab.session()
    found = status(lab.daemon_pid())
    if not sanitized():
        wanted = f"{1 << 12 | 1 << 13 | 1 << 21:016x}"  # CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_ADMIN
        for name in ("CapEff", "CapPrm", "CapBnd"):
            assert found[name] == wanted, (name, found[name])
        assert found["CapInh"] == found["CapAmb"] == f"{0:016x}", found
        assert (found["NoNewPrivs"], found["Seccomp"]) == ("1", "2"), found
    mine = status(held.pid)
    for name in ("CapBnd", "NoNewPrivs", "Seccomp"):  # nothing of it reaches the program
        assert mine[name] == status("self")[name], name
    assert held.finish().code == 0


# --- meson install ------------------------------------------------------------------------------

PLACES = {
    "bin/via-iface": 0o755,
    "libexec/via-iface/via-iface-enter": 0o755,
    "libexec/via-iface/via-ifaced": 0o755,
    "lib/systemd/system/via-iface.service": 0o644,
    "lib/systemd/system/via-iface.socket": 0o644,
    "lib/sysusers.d/via-iface.conf": 0o644,
    "lib/tmpfiles.d/via-iface.conf": 0o644,
    "lib/udev/rules.d/85-via-iface.rules": 0o644,
    "share/bash-completion/completions/via-iface": 0o644,
    "share/containers/oci/hooks.d/via-iface.json": 0o644,
    "share/fish/vendor_completions.d/via-iface.fish": 0o644,
    "share/icons/hicolor/scalable/apps/via-iface.svg": 0o644,
    "share/icons/hicolor/symbolic/apps/via-iface-symbolic.svg": 0o644,
    "share/via-iface/apps/outside.conf": 0o644,
    "share/via-iface/apps/steam.conf": 0o644,
    "share/man/man1/via-iface.1": 0o644,
    "share/man/man7/via-iface-services.7": 0o644,
    "share/man/man8/via-ifaced.8": 0o644,
    "share/zsh/site-functions/_via-iface": 0o644,
}


def files_below(top):
    found = {}
    for base, folders, names in os.walk(top):
        for name in (*folders, *names):
            path = os.path.join(base, name)
            found[os.path.relpath(path, top)] = os.lstat(path).st_mode
    return found


@contextlib.contextmanager
def installer(lab):
    """`meson` in the build directory; its log of what was installed is as before, afterwards."""
    log = os.path.join(build_dir(), "meson-logs", "install-log.txt")
    if not os.access(os.path.dirname(log), os.W_OK):
        raise Skip(f"needs a build directory of one's own, not {build_dir()}")
    kept = os.path.exists(log) and shutil.copy2(log, os.path.join(lab.tmp, "install-log.txt"))

    def meson(*words):
        return lab.run(["meson", *words], cwd=build_dir(), timeout=60, check=True)

    try:
        yield meson
    finally:
        if kept:
            shutil.copy2(kept, log)
        elif os.path.exists(log):
            os.unlink(log)


class Overlay:
    """A directory of the machine's, as this lab alone changes it."""

    def __init__(self, lab, path):
        self.path = path
        self.top = os.path.join(lab.tmp, "overlay", path.strip("/"))
        os.makedirs(self.top)
        nsutil.mount("tmpfs", self.top, "tmpfs", 0, "mode=755")
        self.upper, work = self.top + "/upper", self.top + "/work"
        os.mkdir(self.upper)
        os.mkdir(work)
        self.data = f"lowerdir={path},upperdir={self.upper},workdir={work}"

    def __enter__(self):
        try:
            nsutil.mount("overlay", self.path, "overlay", 0, self.data)
        except OSError as error:
            raise Skip(f"needs overlayfs: {error}") from error
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.path], check=True)

    def changes(self):
        """Files that are new, other than before, or gone."""
        found = []
        for path, mode in files_below(self.upper).items():
            gone = stat.S_ISCHR(mode)
            if gone or not stat.S_ISDIR(mode):
                found.append(("gone: " if gone else "") + path)
        return sorted(found)

    def new_folders(self, before):
        return sorted(
            path
            for path, mode in files_below(self.upper).items()
            if stat.S_ISDIR(mode) and os.path.join(self.path, path) not in before
        )


@needs("tool:meson")
@timeout(90)
def test_destdir(lab):
    """For packagers: all of it below DESTDIR, and no capability yet."""
    destdir = os.path.join(lab.tmp, "destdir")
    with installer(lab) as meson:
        meson("install", "--no-rebuild", "--quiet", "--destdir", destdir)
    found = files_below(destdir + "/usr/local")
    for path, mode in PLACES.items():
        assert stat.S_IMODE(found[path]) == mode, (path, oct(found[path]))
    for path, mode in found.items():
        assert not mode & (stat.S_ISUID | stat.S_ISGID), path
        assert not mode & (stat.S_IWGRP | stat.S_IWOTH), path
    enter = destdir + "/usr/local/libexec/via-iface/via-iface-enter"
    assert "security.capability" not in os.listxattr(enter)
    # what the packager is told: meson itself keeps quiet about what a script says
    script = [os.path.join(ROOT, "data", "post-install"), "/usr/local/libexec/via-iface"]
    told = lab.run(script, env={"DESTDIR": destdir}, check=True)
    assert "setcap cap_sys_admin=p /usr/local/libexec/via-iface/via-iface-enter" in told.out, told
    unit = open(destdir + "/usr/local/lib/systemd/system/via-iface.service").read()
    assert "ExecStart=/usr/local/libexec/via-iface/via-ifaced\n" in unit
    assert "@" not in re.sub(r"@[a-z-]+", "", re.sub("#.*", "", unit)), "an unfilled place"
    assert not os.path.exists("/usr/local/libexec/via-iface/via-iface-enter")


@needs("tool:meson", "tool:setcap", "tool:getcap", "tool:ninja")
@timeout(90)
def test_install_and_uninstall(lab):
    """Installed by root: the capability, and it works from there; uninstalled: nothing is left."""
    prefix = "/usr/local"
    folders = {
        os.path.join(base, name)
        for top in ("/usr/lib", "/usr/local")
        for base, names, _ in os.walk(top)
        for name in names
    } | {"/usr/lib", "/usr/local"}
    etc = contents("/etc", times=False)  # the lab's own
    with Overlay(lab, "/usr") as usr, installer(lab) as meson:
        meson("install", "--no-rebuild", "--quiet")
        enter = f"{prefix}/libexec/via-iface/via-iface-enter"
        caps = lab.run(["getcap", enter], check=True).out
        assert caps.split()[1:2] == ["cap_sys_admin=p"], caps
        assert stat.S_IMODE(os.stat(enter).st_mode) == 0o755
        for name in ("bin/via-iface", "libexec/via-iface/via-ifaced"):
            assert lab.run(["getcap", f"{prefix}/{name}"], check=True).out == "", name
        with Manager(lab, binary=f"{prefix}/libexec/via-iface/via-ifaced") as manager:
            done = lab.run([f"{prefix}/bin/via-iface", str(lab.spare), "curl", "-s", lab.url])
            assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
            assert os.readlink(f"/proc/{manager.pid()}/exe").startswith(prefix)
            manager.idle()
        lab.run(["ninja", "-C", build_dir(), "uninstall"], check=True, timeout=60)
        assert usr.changes() == [], usr.changes()
        assert usr.new_folders(folders) == [], usr.new_folders(folders)
    assert contents("/etc", times=False) == etc


def test_units(lab):
    """What the manual and the units say of each other; systemd's own check where it is."""
    socket_unit, service = (
        open(os.path.join(ROOT, "data", "systemd", f"via-iface.{kind}.in")).read()
        for kind in ("socket", "service")
    )
    assert "RuntimeDirectory" not in re.sub("#.*", "", service)
    assert "--supervise" not in re.sub("#.*", "", service)
    assert "@rundir@/socket" in socket_unit
    if not shutil.which("systemd-analyze"):
        return
    for kind, text in (("socket", socket_unit), ("service", service)):
        with open(f"{lab.tmp}/via-iface.{kind}", "w") as f:
            f.write(
                text.replace("@rundir@", RUNDIR)
                .replace("@libexecdir@/via-ifaced", program("via-ifaced"))
            )
    done = lab.run(
        ["systemd-analyze", "verify", "--man=no", f"{lab.tmp}/via-iface.service",
         f"{lab.tmp}/via-iface.socket"]
    )  # fmt: skip
    assert "via-iface" not in done.err and done.code == 0, done
    done = lab.run(
        ["systemd-analyze", "security", "--offline=true", "--no-pager",
         "--threshold=30", f"{lab.tmp}/via-iface.service"]
    )  # fmt: skip
    assert done.code == 0 and "exposure level" in done.out, done
