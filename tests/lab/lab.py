"""A host to test on: its network (topology.py), programs in it (processes.py), and its state before and
after (snapshot.py). What a test says about itself is in marks.py, how long it waits in limits.py; a
test imports all of it from here."""

import contextlib
import functools
import os
import pwd
import re
import select
import shutil
import signal
import socket
import subprocess
import time

import nsutil
import servers
from capture import Capture
from limits import Limit, Yardstick
from marks import Skip, alone, needs, params, timed, timeout, topology
from nsutil import write_file
from processes import PROGRAMS, ROOT, Process, Pty, Result, build_dir, missing, program, sanitized, shown
from snapshot import State, mount_numbers
from topology import SERVER, SERVER6, SERVER6_B, SERVER_B, TOPOLOGIES, Network, Uplink, installed_in_etc

__all__ = (
    "BRIDGE PROGRAMS ROOT SERVER SERVER6 SERVER6_B SERVER_B TOPOLOGIES"
    " Lab Limit Process Pty Result Skip Uplink"
    " alone build_dir in_lab installed_in_etc missing needs params program sanitized ship_apps shown timed timeout topology"
    " write_file"
).split()

BRIDGE = "via0"


def ship_apps(names=("outside.conf",)):
    """Files of the app policy lie where installed ones do (default: the list of programs whose work is
    done outside); seen in this lab alone."""
    with open(os.path.join(build_dir(), "config.h")) as f:
        path = re.search(r'define VIA_DATADIR "(.*)"', f.read()).group(1) + "/apps"
    base = path
    while not os.path.isdir(base):
        base = os.path.dirname(base)
    nsutil.mount("none", base, "tmpfs", 0)
    os.makedirs(path, exist_ok=True)
    for name in names:
        shutil.copy(os.path.join(ROOT, "policies", "apps", name), path)


class Lab(Network, State):
    """Made by in_lab() in a process of its own; the test runs in the namespace `host`."""

    def __init__(self, name, tmp, inherited=()):
        self.topology = name
        self.inherited = inherited  # numbers of the machine's mounts that are seen here
        self.wired, self.spare = TOPOLOGIES[name]()
        self.tmp = tmp
        self.server, self.server6 = SERVER, SERVER6
        self.server_b, self.server6_b = SERVER_B, SERVER6_B
        self.url, self.url6 = f"http://{SERVER}/", f"http://[{SERVER6}]/"
        self.real_root = nsutil.real_root()
        self.sanitized = 4 if sanitized() else 1
        self._since = Limit(0)
        self.history = []
        self._captures = []
        self._terminals = []
        self._processes = []
        self._ns = {}
        self._log = servers.Log(os.path.join(tmp, "servers.log"))
        self.env = self._environment()

    @property
    def scale(self):
        """By what a time is multiplied that must not pass: 1 on a quiet machine, without sanitizers."""
        return self.sanitized * self._since.slowness()

    def _environment(self):
        """What a test's programs get: nothing of the caller's that could change a result."""
        env = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": self.tmp,
            "LANG": "C.UTF-8",
            "TERM": "dumb",
            "TMPDIR": self.tmp,
            "VIA_BUILD": build_dir(),
        }
        if sanitized():
            log = f"log_path={self.tmp}/sanitizer"
            # Freed memory that is kept from use, 256 MB by default, is copied by each fork().
            kept = "quarantine_size_mb=8"
            for key, own in (
                ("ASAN_OPTIONS", f"detect_leaks=1:{kept}:{log}"),
                ("UBSAN_OPTIONS", f"print_stacktrace=1:{log}"),
                ("LSAN_OPTIONS", ""),
            ):
                value = ":".join(v for v in (os.environ.get(key), own) if v)
                if value:
                    env[key] = value
        return env

    # --- running things ---

    @contextlib.contextmanager
    def inside(self, ns):
        """This thread is in another namespace meanwhile; what it starts or opens stays there."""
        if ns is None:
            yield
            return
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            nsutil.setns(self._ns[ns])
            yield
        finally:
            nsutil.setns(back)
            os.close(back)

    @contextlib.contextmanager
    def namespace_of(self, pid, name):
        """The network namespace of that process goes by `name` meanwhile: held no longer, since
        a held namespace is a session that does not end."""
        self._ns[name] = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            yield
        finally:
            os.close(self._ns.pop(name))

    groups = []  # of whom run() and popen() start as another user: their numbers

    def _identity(self, user):
        if user is None:
            return {}
        if not self.real_root:
            raise Skip("needs real root to be another user")
        uid = user if isinstance(user, int) else pwd.getpwnam(user).pw_uid
        return {"user": uid, "group": uid, "extra_groups": self.groups}

    def popen(
        self, command, ns=None, user=None, env=None, stdin=subprocess.PIPE, merge=False, **more
    ):
        """Starts a program (a list, or a line for sh); returns a Process. `env` is added to the
        lab's. `merge`: its errors go with its output."""
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        with self.inside(ns):
            popen = subprocess.Popen(
                words,
                stdin=stdin,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if merge else subprocess.PIPE,
                bufsize=0,
                env={**self.env, **(env or {})},
                **self._identity(user),
                **{"cwd": self.tmp, **more},
            )
        process = Process(self, command, popen)
        self._processes.append(process)
        return process

    def run(
        self, command, ns=None, timeout=20, user=None, env=None, check=False, input=None, **more
    ):
        """Runs a program to its end; returns a Result. `timeout` is scaled for sanitizers."""
        stdin = subprocess.DEVNULL if input is None else subprocess.PIPE
        process = self.popen(command, ns=ns, user=user, env=env, stdin=stdin, **more)
        if input is not None:
            process.write(input)
        result = process.finish(timeout)
        self._processes.remove(process)
        if check and result.code != 0:
            raise AssertionError(f"a command failed:\n{result}")
        return result

    def ip(self, arguments, ns=None, check=True):
        """ip(8), given as one line; returns its output."""
        return self.run(["ip", *arguments.split()], ns=ns, check=check).out

    def nft(self, text, ns=None, check=True):
        return self.run(["nft", "-f", "-"], input=text, ns=ns, check=check).out

    def sysctl(self, name, value=None, ns=None):
        """Reads, or writes and returns what was there before."""
        path = "/proc/sys/" + (name if "/" in name else name.replace(".", "/"))
        with self.inside(ns):
            with open(path) as f:
                before = f.read().strip()
            if value is not None:
                write_file(path, str(value))
        return before

    def via(self, *arguments, **more):
        """via-iface with these arguments, run to its end."""
        return self.run([program("via-iface"), *map(str, arguments)], **more)

    def via_popen(self, *arguments, **more):
        return self.popen([program("via-iface"), *map(str, arguments)], **more)

    def session(self, uplink=None, *options, script="cat", **more):
        """A session that stays: prints `ready`, runs `script` (default: until finish() closes
        its input). Returns the Process when it is ready."""
        dev = str(uplink or self.spare)
        process = self.via_popen(*options, dev, "--", "sh", "-c", f"echo ready; {script}", **more)
        process.expect("ready\n")
        return process

    def curl(self, url=None, ns=None, **more):
        """What the server sees of a plain client on the host: an address."""
        url = url or self.url
        done = self.run(["curl", "-sg", "--max-time", "5", url], ns=ns, check=True, **more)
        return done.out.strip()

    def pty(self, command, env=None, user=None):
        """Starts a program on a terminal of its own; returns a Pty."""
        words = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
        identity = self._identity(user)
        pid, fd = os.forkpty()
        if pid == 0:
            try:
                signal.signal(signal.SIGPIPE, signal.SIG_DFL)
                os.chdir(self.tmp)
                if identity:
                    os.setgroups([])
                    os.setgid(identity["group"])
                    os.setuid(identity["user"])
                os.execvpe(words[0], words, {**self.env, **(env or {})})
            finally:
                os._exit(127)
        os.set_inheritable(fd, False)
        terminal = Pty(self, command, pid, fd)
        self._terminals.append(terminal)
        return terminal

    def shell(self):
        """An interactive shell with job control, its prompt reached."""
        terminal = self.pty(["bash", "--norc", "--noprofile", "-i"], env={"PS1": "prompt> "})
        terminal.expect("prompt> ")
        return terminal

    # --- seeing things ---

    def note(self, text):
        self.history.append(text)
        del self.history[:-40]

    def capture(self, ns, dev, token=None):
        """Starts a capture on a device of any namespace."""
        with self.inside(ns):
            capture = Capture(
                dev, (self.spare.addr, self.spare.addr6), self._foreign_mac(ns, dev), token
            )
        self._captures.append(capture)
        return capture

    def _foreign_mac(self, ns, dev):
        # In one subnet the spare card's own broadcasts reach every port: those left properly.
        if self.topology == "same" and (ns, dev) != self.spare.far:
            return self.spare.mac
        return None

    def capture_wired(self, token=None):
        """On the far end of the wired card: what left by it, and nothing else."""
        return self.capture(*self.wired.far, token=token)

    def capture_spare(self, token=None):
        return self.capture(*self.spare.far, token=token)

    def server_log(self):
        """Lines: "http ADDRESS METHOD PATH", "wired|spare udp|tcp ADDRESS NAME TYPE"."""
        with open(self._log.path) as f:
            return f.read().splitlines()

    def dns_log(self):
        """(router, transport, client, name, type) of each query that a router was asked."""
        return [
            tuple(line.split()) for line in self.server_log() if line.startswith(("wired", "spare"))
        ]

    def carrier(self, dev):
        try:
            with open(f"/sys/class/net/{dev}/operstate") as f:
                return f.read().strip() == "up"
        except OSError:
            return False

    def wait(self, predicate, seconds=10, what=None, step=0.005):
        """Until predicate() is true; returns its value. For what gives no event to wait for: it is
        asked again after `step` seconds, and the longer it takes the less often, up to a tenth of a
        second, since who waits keeps the processor from whom he waits for."""
        limit = Limit(seconds * self.sanitized)
        start = time.monotonic()
        while True:
            value = predicate()
            if value:
                return value
            if limit.is_over(self.yardstick):
                raise AssertionError(f"not within {seconds} s: {what or predicate}")
            time.sleep(max(step, min(0.1, (time.monotonic() - start) / 20)))

    @functools.cached_property
    def yardstick(self):
        return Yardstick(self)

    def processes(self, name):
        """Pids of this lab's processes with that command name."""
        found, seen = [], set()
        # again for those that were made meanwhile: a child that has been forked before its parent ended
        while new := {e for e in os.listdir("/proc") if e.isdigit()} - seen:
            seen |= new
            for entry in new:
                with contextlib.suppress(OSError), open(f"/proc/{entry}/stat") as f:
                    stat = f.read()
                    comm = stat[stat.index("(") + 1 : stat.rindex(")")]
                    state = stat[stat.rindex(")") + 2]
                    if comm == name[:15] and state not in "ZX":
                        found.append(int(entry))
        return sorted(found)

    def daemon_pids(self):
        """The daemon and its restarter, oldest first."""
        return self.processes("via-ifaced")

    def daemon_pid(self):
        """The daemon itself (neither its restarter nor a child that it just made), or None."""
        pids = self.daemon_pids()
        for pid in pids:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/stat") as f:
                stat = f.read()
                if int(stat[stat.rindex(")") + 2 :].split()[1]) in pids:
                    return pid
        return pids[-1] if pids else None

    def link_exists(self, dev, ns=None):
        with self.inside(ns):
            return dev in (name for _, name in socket.if_nameindex())

    def wait_gone(self, seconds=10, by_itself=False):
        """Until no daemon runs and the bridge is gone. That the daemon exits as soon as it is to is
        first_light.linger's; what it removes takes as long as others hold the lock of network devices.
        Where a test cut connections off the daemon stays for a minute (after_the_end.bound): then, unless
        it is to go by itself, it is asked."""
        limit = Limit(seconds * self.sanitized)
        while pids := self.daemon_pids():
            with contextlib.suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pids[0])
                try:
                    if limit.is_over(self.yardstick):
                        if not by_itself and not any(n.startswith("viap") for n in os.listdir("/sys/class/net")):
                            by_itself, limit = True, Limit(seconds * self.sanitized)
                            for pid in pids:
                                os.kill(pid, signal.SIGTERM)
                            continue
                        raise AssertionError(f"via-ifaced {pids} still runs after {seconds} s")
                    select.select([pidfd], [], [], max(0.1, limit.left()))
                finally:
                    os.close(pidfd)
        if self.link_exists(BRIDGE):
            raise AssertionError(f"{BRIDGE} is left behind by a daemon that is gone")

    # --- the end ---

    def sanitizer_reports(self):
        reports = []
        for name in sorted(os.listdir(self.tmp)):
            if name.startswith("sanitizer"):
                with open(os.path.join(self.tmp, name), errors="replace") as f:
                    text = f.read()
                if text.strip():
                    reports.append(f"{name}:\n{text}")
        return reports

    def close(self):
        """After the test, whatever came of it: ends what it started. Under a sanitizer the daemon
        is asked to end, for what it has to say about leaks."""
        for capture in self._captures:
            with contextlib.suppress(AssertionError):
                capture.stop()
        for terminal in self._terminals:
            terminal.close()
        for process in self._processes:
            process.kill()
            process.popen.wait()
        if sanitized():
            for pid in self.daemon_pids():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGTERM)
            with contextlib.suppress(AssertionError):
                self.wait(lambda: not self.daemon_pids(), 2, "the daemon's end")

    def report(self):
        """What helps to understand a failure."""
        parts = ["the last commands:", *self.history[-8:]]
        for name in sorted(os.listdir(self.tmp)):
            if name.endswith(".log") and name != "servers.log":
                with open(os.path.join(self.tmp, name), errors="replace") as f:
                    parts.append(f"{name}:\n{f.read()[-6000:]}")
        for command in ("ip -br link", "ip rule", "ip -6 rule", "nft list ruleset"):
            done = subprocess.run(command.split(), capture_output=True, text=True, errors="replace", env=self.env)
            parts.append(f"{command}:\n{done.stdout[-8000:]}{done.stderr}")
        return "\n".join(parts)


# --- the process tree ---------------------------------------------------------------------------


def _reap_until(child):
    """The lab's first process: waits for everything that is left to it, returns `child`'s end."""
    while True:
        pid, status = os.waitpid(-1, 0)
        if pid == child:
            return os.waitstatus_to_exitcode(status)


def in_lab(name, tmp, body):
    """Runs body(lab) in a fresh lab and returns its exit status; call in a forked child, which is
    no use for anything else afterwards. Two more processes: the first of the new pid namespace,
    whose end ends all others, and the one that runs the body."""
    nsutil.unshare(
        nsutil.CLONE_NEWNS | nsutil.CLONE_NEWNET | nsutil.CLONE_NEWPID | nsutil.CLONE_NEWIPC
    )
    first = os.fork()
    if first:
        return os.waitstatus_to_exitcode(os.waitpid(first, 0)[1])
    code = 1
    try:
        nsutil.die_with_parent()
        nsutil.mount("none", "/", flags=nsutil.MS_REC | nsutil.MS_PRIVATE)
        inherited = frozenset(mount_numbers())
        nsutil.mount("tmpfs", "/run", "tmpfs", nsutil.MS_NOSUID | nsutil.MS_NODEV, "mode=755")
        nsutil.mount(
            "proc", "/proc", "proc", nsutil.MS_NOSUID | nsutil.MS_NODEV | nsutil.MS_NOEXEC
        )
        second = os.fork()
        if second == 0:
            code = 1
            try:
                lab = Lab(name, tmp, inherited)
                lab.build()
                code = body(lab)
            except BaseException:
                import traceback

                traceback.print_exc()
            finally:
                os._exit(code or 0)
        code = _reap_until(second)
    finally:
        os._exit(code if 0 <= code < 256 else 1)
