"""A network to test in: a host with two uplinks, a router behind each, and an internet.

    host  enp7s0 (metric 100) --- rwired ---\\
                                              inet  203.0.113.1, 2001:db8:113::1
    host  wlp6s0 (metric 600) --- rspare ---/

Everything lies in namespaces of one process tree: when its first process dies, all of it is gone.
The machine's own network is never touched. The routers do not translate addresses, so the server
sees the host's address on the uplink that was used; a packet that leaves with an inner address is
seen by the capture, and gets no answer.

Topology `split`: two subnets. Topology `same`: one subnet, one switch, two gateways.
"""

import contextlib
import difflib
import fnmatch
import functools
import json
import os
import pwd
import re
import select
import shutil
import signal
import socket
import statistics
import subprocess
import time

import nsutil
import servers
from capture import Capture

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAMS = ("via-iface", "via-ifaced", "via-iface-enter", "via-iface-verbs", "via-iface-desktop")
BRIDGE = "via0"


class Skip(Exception):
    """Raised by a test that cannot run here; the text is the reason."""


class Uplink:
    """One way out of the host, as the tests need to know it."""

    def __init__(self, dev, mac, addr, gateway, addr6, gateway6, metric, router, dns, dns6):
        self.dev, self.mac, self.metric, self.router = dev, mac, metric, router
        self.addr, self.gateway = addr, gateway
        self.addr6, self.gateway6 = addr6, gateway6
        self.dns, self.dns6 = dns, dns6  # what its name server answers for who.test
        self.far = None  # (namespace, device) at the other end of the cable

    def __str__(self):
        return self.dev


def _split():
    return (
        Uplink(
            "enp7s0", "02:00:00:00:07:10", "192.168.1.10", "192.168.1.1",
            "2001:db8:1::10", "2001:db8:1::1", 100, "rwired", "10.1.1.1", "2001:db8:a::1",
        ),
        Uplink(
            "wlp6s0", "02:00:00:00:06:10", "192.168.2.10", "192.168.2.1",
            "2001:db8:2::10", "2001:db8:2::1", 600, "rspare", "10.2.2.2", "2001:db8:a::2",
        ),
    )  # fmt: skip


def _same():
    return (
        Uplink(
            "enp7s0", "02:00:00:00:07:10", "192.168.1.123", "192.168.1.8",
            "2001:db8:1::123", "2001:db8:1::8", 100, "rwired", "10.1.1.1", "2001:db8:a::1",
        ),
        Uplink(
            "wlp6s0", "02:00:00:00:06:10", "192.168.1.4", "192.168.1.1",
            "2001:db8:1::4", "2001:db8:1::1", 600, "rspare", "10.2.2.2", "2001:db8:a::2",
        ),
    )  # fmt: skip


TOPOLOGIES = {"split": _split, "same": _same}
SERVER, SERVER6 = "203.0.113.1", "2001:db8:113::1"
SERVER_B, SERVER6_B = "203.0.113.2", "2001:db8:113::2"


# --- what a test says about itself --------------------------------------------------------------


def topology(*names):
    """The test runs once in each of these (default: split)."""

    def mark(function):
        function.topologies = names
        return function

    return mark


def params(*values, **named):
    """The test takes a second argument and runs once for each value. With names, the names are
    what is printed: @params(loose=2, strict=1)."""

    def mark(function):
        function.params = [(str(v), v) for v in values] + list(named.items())
        return function

    return mark


def needs(*what):
    """`root`: root of the machine, not of a user namespace. `tool:NAME`: a program in the path.
    `sysctl:NAME`: that switch exists. `program:NAME`: one of ours is built."""

    def mark(function):
        function.needs = getattr(function, "needs", ()) + what
        return function

    return mark


def timeout(seconds):
    """The test may take this long (default 60)."""

    def mark(function):
        function.timeout = seconds
        return function

    return mark


def alone(function):
    """Nothing of the lab runs beside this test: it keeps the machine busy."""
    function.alone = True
    return function


def timed(function):
    """It measures times: nothing of the lab runs beside it, and its processes get the
    processor before all others of the machine, as far as that is allowed."""
    function.alone = function.first = True
    return function


def missing(need):
    """Why `need` is not met here, or None. Called inside the lab."""
    kind, _, name = need.partition(":")
    if kind == "root":
        return None if nsutil.real_root() else "needs real root (users, set-id, file capabilities)"
    if kind == "tool":
        return None if shutil.which(name) else f"needs {name}"
    if kind == "sysctl":
        path = "/proc/sys/" + name.replace(".", "/")
        return None if os.path.exists(path) else f"needs the sysctl {name}"
    if kind == "program":
        return None if os.access(program(name), os.X_OK) else f"{name} is not built"
    raise ValueError(f"unknown need {need}")


# --- programs -----------------------------------------------------------------------------------


def build_dir():
    return os.path.abspath(os.environ.get("VIA_BUILD") or os.path.join(ROOT, "build"))


def program(name):
    return os.path.join(build_dir(), "src", name)


@functools.cache
def sanitized():
    """Are the programs built with sanitizers? They are slower, and report to files."""
    try:
        with open(program("via-iface"), "rb") as f:
            return b"__asan_init" in f.read()
    except OSError:
        return False


class Result:
    """What a program did: out, err, code (negative: the signal that ended it), seconds."""

    def __init__(self, command, out, err, code, seconds):
        self.command, self.out, self.err, self.code = command, out, err, code
        self.seconds = seconds

    def __str__(self):
        text = f"$ {shown(self.command)}\n"
        for name, body in (("", self.out), ("stderr: ", self.err)):
            for line in body.splitlines()[:60]:
                text += f"    {name}{line}\n"
        return text + f"    exit {self.code}, {self.seconds * 1000:.0f} ms"

    def json(self):
        return json.loads(self.out)


def shown(command):
    if isinstance(command, str):
        return command
    words = [os.path.basename(command[0]), *command[1:]]
    return " ".join(w if re.fullmatch(r"[\w@%+=:,./\[\]-]+", w) else f"'{w}'" for w in words)


class Process:
    """A running program with its output read as it comes."""

    def __init__(self, lab, command, popen):
        self.lab, self.command, self.popen = lab, command, popen
        self.pid = popen.pid
        self.started = time.monotonic()
        self.out = b""
        self.err = b""
        self._open = {}
        for name in ("stdout", "stderr"):
            stream = getattr(popen, name)
            if stream:
                os.set_blocking(stream.fileno(), False)
                self._open[stream.fileno()] = name

    def _read(self, seconds):
        """Waits for output at most `seconds`; False when there will be none."""
        if not self._open:
            return False
        poller = select.poll()
        for fd in self._open:
            poller.register(fd, select.POLLIN)
        for fd, _ in poller.poll(max(0, seconds) * 1000):
            data = os.read(fd, 1 << 16)
            if not data:
                del self._open[fd]
            elif self._open[fd] == "stdout":
                self.out += data
            else:
                self.err += data
        return True

    def expect(self, text, seconds=10):
        """Waits until standard output holds `text`; returns all of it up to now."""
        wanted = text.encode()
        end = time.monotonic() + seconds * self.lab.scale
        while wanted not in self.out:
            left = end - time.monotonic()
            if left <= 0 or not self._read(left):
                code = self.popen.poll()
                raise AssertionError(
                    f"{shown(self.command)}: no {text!r} in its output"
                    f" (exit {code}):\n{self.out.decode(errors='replace')}"
                    f"{self.err.decode(errors='replace')}"
                )
        return self.out.decode(errors="replace")

    def write(self, text):
        self.popen.stdin.write(text.encode())
        self.popen.stdin.flush()

    def running(self):
        return self.popen.poll() is None

    def kill(self, number=signal.SIGKILL):
        if self.running():
            self.popen.send_signal(number)

    def finish(self, seconds=10, close=True):
        """Closes its input, waits for its end and returns a Result."""
        if close and self.popen.stdin and not self.popen.stdin.closed:
            with contextlib.suppress(OSError):
                self.popen.stdin.close()
        end = time.monotonic() + seconds * self.lab.scale
        pidfd = None
        try:
            pidfd = os.pidfd_open(self.pid)
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            for fd in self._open:
                poller.register(fd, select.POLLIN)
            while self.popen.poll() is None:
                left = end - time.monotonic()
                if left <= 0:
                    self.popen.kill()
                    self.popen.wait()
                    raise AssertionError(
                        f"{shown(self.command)}: still running after {seconds} s:\n"
                        f"{self.out.decode(errors='replace')}{self.err.decode(errors='replace')}"
                    )
                poller.poll(left * 1000)
                before = set(self._open)
                self._read(0)
                for fd in before - set(self._open):
                    poller.unregister(fd)
            # What it wrote is in the pipe now; a child of its own may keep the pipe open.
            while True:
                size = len(self.out) + len(self.err)
                if not self._read(0) or size == len(self.out) + len(self.err):
                    break
        finally:
            if pidfd is not None:
                os.close(pidfd)
            for stream in (self.popen.stdout, self.popen.stderr):
                if stream:
                    stream.close()
            self._open = {}
        result = Result(
            self.command,
            self.out.decode(errors="replace"),
            self.err.decode(errors="replace"),
            self.popen.returncode,
            time.monotonic() - self.started,
        )
        self.lab.note(str(result))
        return result

    def stop(self, number=signal.SIGTERM, seconds=10):
        self.kill(number)
        return self.finish(seconds)


class Pty:
    """A program on its own terminal, typed at as a person would."""

    def __init__(self, lab, command, pid, fd):
        self.lab, self.command, self.pid, self.fd = lab, command, pid, fd
        self.seen = ""  # everything so far
        self._from = 0  # where the next expect() begins
        self.code = None

    def send(self, text):
        os.write(self.fd, text.encode())

    def expect(self, pattern, seconds=10):
        """Waits for a regular expression in what came after the last match."""
        end = time.monotonic() + seconds * self.lab.scale
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        while True:
            match = re.search(pattern, self.seen[self._from :])
            if match:
                self._from += match.end()
                return match
            left = end - time.monotonic()
            data = b""
            if left > 0 and poller.poll(left * 1000):
                with contextlib.suppress(OSError):  # EIO: the last one on the terminal is gone
                    data = os.read(self.fd, 1 << 16)
            if not data:
                raise AssertionError(f"no {pattern!r} on the terminal:\n{self.seen}")
            self.seen += data.decode(errors="replace").replace("\r\n", "\n")

    def close(self):
        """Hangs up, and waits for the program."""
        if self.fd is None:
            return
        self.lab.note(f"terminal of {shown(self.command)}:\n{self.seen}")
        os.close(self.fd)
        self.fd = None
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                return
            time.sleep(0.005)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


class Yardstick:
    """How slow this machine is just now: what a short ip(8) command takes that needs the lock of
    network devices, as much of what is timed does. It is to be measured between the things timed;
    a limit that holds on a quiet machine is then multiplied by median() or worst(), which is 1
    there."""

    QUIET = 0.005  # seconds

    def __init__(self, lab):
        self.lab, self.seen = lab, []

    def measure(self):
        self._daemon_too()
        start = time.monotonic()
        self.lab.run(["ip", "link", "set", "lo", "up"])
        self.seen.append(time.monotonic() - start)

    def _daemon_too(self):
        """A daemon is a session of its own: where this test comes first, so does its daemon."""
        with contextlib.suppress(OSError), open("/proc/self/autogroup") as f:
            own = f.read().split()[-1]
            for pid in self.lab.daemon_pids():
                with contextlib.suppress(OSError):
                    write_file(f"/proc/{pid}/autogroup", own)

    def median(self):
        return max(1, statistics.median(self.seen) / self.QUIET) * self.lab.scale

    def worst(self):
        return max(1, max(self.seen) / self.QUIET) * self.lab.scale


# --- the lab ------------------------------------------------------------------------------------


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


def write_file(path, text):
    with open(path, "w") as f:
        f.write(text)


class Lab:
    """See the top of this file. Made by build_lab() in a process of its own; the test runs in the
    namespace `host`."""

    def __init__(self, name, tmp):
        self.topology = name
        self.wired, self.spare = TOPOLOGIES[name]()
        self.tmp = tmp
        self.server, self.server6 = SERVER, SERVER6
        self.server_b, self.server6_b = SERVER_B, SERVER6_B
        self.url, self.url6 = f"http://{SERVER}/", f"http://[{SERVER6}]/"
        self.real_root = nsutil.real_root()
        self.scale = 4 if sanitized() else 1
        self.history = []
        self._captures = []
        self._terminals = []
        self._processes = []
        self._ns = {}
        self._log = servers.Log(os.path.join(tmp, "servers.log"))
        self.env = self._environment()

    # --- building ---

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
            for key, own in (
                ("ASAN_OPTIONS", f"detect_leaks=1:{log}"),
                ("UBSAN_OPTIONS", f"print_stacktrace=1:{log}"),
                ("LSAN_OPTIONS", ""),
            ):
                value = ":".join(v for v in (os.environ.get(key), own) if v)
                if value:
                    env[key] = value
        return env

    SYSCTL_GIVEN = (
        ("net/ipv4/ip_forward", "0"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/all/forwarding", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
    )

    def netns(self, name):
        """Makes another namespace, visible to `ip -n NAME`. Its IPv6 addresses are usable at
        once, and nothing is inherited from the machine that could change a test."""
        path = f"/run/netns/{name}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            nsutil.unshare(nsutil.CLONE_NEWNET)
            nsutil.mount("/proc/thread-self/ns/net", path, flags=nsutil.MS_BIND)
            for key, value in self.SYSCTL_GIVEN:
                write_file(f"/proc/sys/{key}", value)
            self._ns[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            nsutil.setns(back)
            os.close(back)

    def _batch(self, ns, lines):
        """Many `ip` commands at the price of one process."""
        text = "\n".join(line.strip() for line in lines.strip().splitlines())
        with self.inside(ns):
            done = subprocess.run(
                ["ip", "-batch", "-"], input=text, capture_output=True, text=True, env=self.env
            )
        if done.returncode:
            raise RuntimeError(f"ip -batch in {ns}: {done.stderr}\n{text}")

    def _cables(self):
        """The ends have different interface numbers: the kernel holds back the news of a carrier,
        up to a second, where an interface's number equals that of its other end."""
        wired, spare = self.wired, self.spare
        if self.topology == "split":
            wired.far, spare.far = ("rwired", "lan"), ("rspare", "lan")
            extra = ""
        else:
            wired.far, spare.far = ("lan", "pwired"), ("lan", "pspare")
            extra = """
            link add pr8 index 23 netns lan type veth peer name lan index 12 netns rwired
            link add pr1 index 24 netns lan type veth peer name lan index 12 netns rspare
            """
        far = [(u, *u.far) for u in (wired, spare)]
        return "".join(
            f"""
            link add {u.dev} index {2 + n} address {u.mac} type veth \
                peer name {dev} index {(12 if ns != "lan" else 21) + n} netns {ns}
            """
            for n, (u, ns, dev) in enumerate(far)
        ).replace("\\\n", "") + extra + """
            link add wan index 32 netns rwired type veth peer name iwired index 2 netns inet
            link add wan index 33 netns rspare type veth peer name ispare index 3 netns inet
        """

    def _router_lines(self, uplink, number):
        # The other card's subnet must be reached by the other router, as on the real internet.
        return f"""
            link set lo up
            link set lan up
            link set wan up
            addr add {uplink.gateway}/24 dev lan
            addr add {uplink.gateway6}/64 dev lan nodad
            addr add 198.51.100.{number * 4 + 2}/30 dev wan
            addr add 2001:db8:f{number}::2/64 dev wan nodad
            route add default via 198.51.100.{number * 4 + 1}
            -6 route add default via 2001:db8:f{number}::1
        """.replace("-6 route add", "route add")

    def _inet_lines(self):
        wired, spare = self.wired, self.spare
        lines = f"""
            link set lo up
            addr add {SERVER}/32 dev lo
            addr add {SERVER_B}/32 dev lo
            addr add {SERVER6}/128 dev lo nodad
            addr add {SERVER6_B}/128 dev lo nodad
            link set iwired up
            link set ispare up
        """
        for number, dev in ((1, "iwired"), (2, "ispare")):
            lines += f"""
            addr add 198.51.100.{number * 4 + 1}/30 dev {dev}
            addr add 2001:db8:f{number}::1/64 dev {dev} nodad
            """
        # The answer to an address goes by the router of its card.
        back = [(wired.addr + "/32", 1), (spare.addr + "/32", 2)]
        back6 = [(wired.addr6 + "/128", 1), (spare.addr6 + "/128", 2)]
        if self.topology == "split":
            back = [("192.168.1.0/24", 1), ("192.168.2.0/24", 2)]
            back6 = [("2001:db8:1::/64", 1), ("2001:db8:2::/64", 2)]
        for network, number in back:
            lines += f"route add {network} via 198.51.100.{number * 4 + 2}\n"
        for network, number in back6:
            lines += f"route add {network} via 2001:db8:f{number}::2\n"
        return lines

    def _host_lines(self):
        lines = "link set lo up\n"
        for u in (self.wired, self.spare):
            lines += f"""
            link set {u.dev} up
            addr add {u.addr}/24 dev {u.dev} noprefixroute
            addr add {u.addr6}/64 dev {u.dev} nodad noprefixroute
            route add {u.addr.rsplit(".", 1)[0]}.0/24 dev {u.dev} src {u.addr} metric {u.metric} \
                proto kernel scope link
            route add {u.addr6.split("::")[0]}::/64 dev {u.dev} metric {u.metric} proto kernel
            route add default via {u.gateway} dev {u.dev} metric {u.metric}
            route add default via {u.gateway6} dev {u.dev} metric {u.metric}
            """.replace("\\\n", "")
        return lines

    def _lan_lines(self):
        lines = """
            link set lo up
            link add lan0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
            link set lan0 up
        """
        for port in ("pwired", "pspare", "pr8", "pr1"):
            lines += f"link set {port} master lan0 up\n"
        return lines

    def build(self):
        # As the first `ip netns add` leaves it, so that a later one changes no mount.
        os.makedirs("/run/netns")
        nsutil.mount("/run/netns", "/run/netns", flags=nsutil.MS_BIND)
        nsutil.mount("none", "/run/netns", flags=nsutil.MS_SHARED)
        names = ["rwired", "rspare", "inet", "host"]
        if self.topology == "same":
            names.append("lan")
        for name in names:
            self.netns(name)
        for name in ("rwired", "rspare"):
            self.sysctl("net.ipv4.ip_forward", 1, ns=name)
            self.sysctl("net.ipv6.conf.all.forwarding", 1, ns=name)
        with self.inside("host"):
            with contextlib.suppress(OSError):
                write_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")
        self._batch("host", self._cables())
        self._batch("rwired", self._router_lines(self.wired, 1))
        self._batch("rspare", self._router_lines(self.spare, 2))
        self._batch("inet", self._inet_lines())
        if self.topology == "same":
            self._batch("lan", self._lan_lines())
        self._batch("host", self._host_lines())
        nsutil.setns(self._ns["host"])
        nsutil.mount("sysfs", "/sys", "sysfs", nsutil.MS_NOSUID | nsutil.MS_NODEV | nsutil.MS_NOEXEC)
        self._etc()
        self._resolver()
        self._serve()
        for uplink in (self.wired, self.spare):
            self.wait(lambda u=uplink: self.carrier(u.dev), 2, f"carrier on {uplink.dev}")
        self.wait(self._is_complete, 5, "the local routes of all IPv6 addresses", step=0.02)

    def _is_complete(self):
        """The kernel makes those from a work queue (net/ipv6/addrconf.c:addrconf_dad_work): a
        snapshot that is taken before would find more later."""
        addresses = self.ip("-6 -o addr show scope global") + self.ip("-6 -o addr show scope link")
        local = {line.split()[1] for line in self.ip("-6 route show table local type local").splitlines()}
        wanted = [line.split()[3].split("/")[0] for line in addresses.splitlines()]
        return "tentative" not in addresses and len(wanted) > 3 and set(wanted) <= local

    @staticmethod
    def _etc():
        """Whatever is written to /etc in a lab stays there: /etc/netns is made as on a host."""
        base = "/run/lab/etc-of-lab"
        for name in ("upper", "work"):
            os.makedirs(f"{base}/{name}")
        data = f"lowerdir=/etc,upperdir={base}/upper,workdir={base}/work"
        try:
            nsutil.mount("overlay", "/etc", "overlay", 0, data)
        except OSError:
            nsutil.mount("overlay", "/etc", "overlay", 0, data + ",userxattr")

    def _resolver(self):
        """The host's resolver is the wired card's, as on a desktop where that card is preferred;
        which server belongs to which card is told in the way systemd-networkd does."""
        write_file("/run/lab/resolv.conf", f"nameserver {self.wired.gateway}\n")
        target = os.path.realpath("/etc/resolv.conf")
        if target.startswith("/run/"):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            write_file(target, "")
        nsutil.mount("/run/lab/resolv.conf", target, flags=nsutil.MS_BIND)
        for uplink in (self.wired, self.spare):
            self.set_dns(uplink, [uplink.gateway, uplink.gateway6])

    def set_dns(self, uplink, addresses, domains=()):
        """Which name servers belong to the uplink; replaced by rename, as networkd does."""
        os.makedirs("/run/systemd/netif/links", exist_ok=True)
        path = f"/run/systemd/netif/links/{socket.if_nametoindex(uplink.dev)}"
        write_file(
            path + ".new",
            "# This is private data. Do not parse.\n"
            "ADMIN_STATE=configured\nOPER_STATE=routable\nCARRIER_STATE=carrier\n"
            "ADDRESS_STATE=routable\nIPV4_ADDRESS_STATE=routable\nIPV6_ADDRESS_STATE=routable\n"
            "ONLINE_STATE=online\n"
            f"NETWORK_FILE=/etc/systemd/network/{uplink.dev}.network\n"
            f"DNS={' '.join(addresses)}\nNTP=\nSIP=\nDOMAINS={' '.join(domains)}\n"
            "ROUTE_DOMAINS=\nLLMNR=no\nMDNS=no\n",
        )
        os.rename(path + ".new", path)

    def set_lease(self, uplink, router, address=None):
        """What DHCP said to that uplink, replaced by rename, as networkd does; with "" as router
        the lease is gone."""
        os.makedirs("/run/systemd/netif/leases", exist_ok=True)
        path = f"/run/systemd/netif/leases/{socket.if_nametoindex(uplink.dev)}"
        if not router:
            os.unlink(path)
            return
        write_file(
            path + ".new",
            "# This is private data. Do not parse.\n"
            f"ADDRESS={address or uplink.addr}\nNETMASK=255.255.255.0\nROUTER={router}\n"
            f"SERVER_ADDRESS={router}\nT1=21600\nT2=37800\nLIFETIME=43200\n"
            f"DNS={router}\n",
        )
        os.rename(path + ".new", path)

    def _serve(self):
        services = []
        with self.inside("inet"):
            services += servers.open_inet((SERVER, SERVER_B, SERVER6, SERVER6_B), self._log)
        for word, uplink in (("wired", self.wired), ("spare", self.spare)):
            names = {"who.test": (uplink.dns, uplink.dns6), "inet.test": (SERVER, SERVER6)}
            with self.inside(uplink.router):
                addresses = (uplink.gateway, uplink.gateway6)
                services += servers.open_dns(word, addresses, names, self._log)
        pid = os.fork()
        if pid == 0:
            try:
                nsutil.die_with_parent()
                servers.serve(services)
            finally:
                os._exit(1)
        for service in services:
            service.sock.close()

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

    def wait(self, predicate, seconds=5, what=None, step=0.005):
        """Until predicate() is true; returns its value. For what gives no event to wait for."""
        end = time.monotonic() + seconds * self.scale
        while True:
            value = predicate()
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError(f"not within {seconds} s: {what or predicate}")
            time.sleep(step)

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

    def wait_gone(self, seconds=6):
        """Until no daemon runs and the bridge is gone."""
        end = time.monotonic() + seconds * self.scale
        while pids := self.daemon_pids():
            with contextlib.suppress(ProcessLookupError):
                pidfd = os.pidfd_open(pids[0])
                try:
                    left = end - time.monotonic()
                    if left <= 0 or not select.select([pidfd], [], [], left)[0]:
                        raise AssertionError(f"via-ifaced {pids} still runs after {seconds} s")
                finally:
                    os.close(pidfd)
        if self.link_exists(BRIDGE):
            raise AssertionError(f"{BRIDGE} is left behind by a daemon that is gone")

    # --- before and after ---

    SYSCTL_VARYING = (
        "net/netfilter/nf_conntrack_count",
        "net/ipv4/tcp_fastopen_key",
        "net/ipv6/conf/*/stable_secret",
        "net/ipv4/route/flush",
        "net/ipv6/route/flush",
    )

    def sysctls(self):
        """All of /proc/sys/net as this namespace shows it: {name: text}."""
        found = {}

        def walk(path):
            try:
                with os.scandir(path) as scanned:
                    entries = list(scanned)
            except FileNotFoundError:
                return  # of an interface that went away meanwhile
            for entry in entries:
                if entry.is_dir(follow_symlinks=False):
                    walk(entry.path)
                    continue
                name = entry.path[len("/proc/sys/") :]
                if any(fnmatch.fnmatchcase(name, p) for p in self.SYSCTL_VARYING):
                    continue
                with contextlib.suppress(OSError, UnicodeDecodeError), open(entry.path) as f:
                    found[name] = f.read().strip()

        walk("/proc/sys/net")
        return found

    @staticmethod
    def files():
        """What lies in /run. The runtime directory itself may stay: where there is a system
        manager, it is not made by us."""
        found = []
        for base, folders, names in os.walk("/run"):
            found += [os.path.join(base, name) for name in (*folders, *names)]
        return sorted(path for path in found if path != "/run/via-iface")

    @staticmethod
    def mounts():
        with open("/proc/self/mountinfo") as f:
            return [" ".join(line.split()[3:]) for line in f]

    def snapshot(self, ns=None):
        """The state that must be the same afterwards, as text by topic."""
        commands = {
            "ip -d link": "ip -d link",
            "ip -4 rule": "ip -4 rule",
            "ip -6 rule": "ip -6 rule",
            "ip -4 route show table all": "ip -4 route show table all",
            "ip -6 route show table all": "ip -6 route show table all",
            "nft list ruleset": "nft list ruleset",
            "tc qdisc": "tc qdisc",
            "ip netns": "ip netns",
        }
        texts = {}
        with self.inside(ns):
            running = {
                topic: subprocess.Popen(
                    command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=self.env
                )
                for topic, command in commands.items()
            }
            for topic, popen in running.items():
                out, _ = popen.communicate(timeout=20)
                texts[topic] = out.decode(errors="replace")
            texts["sysctl net"] = "\n".join(f"{k} = {v}" for k, v in sorted(self.sysctls().items()))
        texts["files in /run"] = "\n".join(self.files())
        texts["mounts"] = "\n".join(self.mounts())
        # Packets are counted by other firewalls' rules; theirs are only there in some tests.
        texts["nft list ruleset"] = re.sub(
            r"\bcounter packets \d+ bytes \d+", "counter", texts["nft list ruleset"]
        )
        # Rules note addresses in dynamic sets.
        texts["nft list ruleset"] = re.sub(
            r"(\tset \w+ \{\n(?:\t\t[^\n]*\n)*?\t\tflags dynamic[^\n]*\n(?:\t\ttimeout [^\n]*\n)?)"
            r"\t\telements = \{[^}]*\}\n",
            r"\1",
            texts["nft list ruleset"],
        )
        # Timers of a bridge run; everything else in there stands still by itself.
        texts["ip -d link"] = re.sub(
            r"\b((?:hello|tcn|topology_change|gc)_timer) +[\d.]+", r"\1 -", texts["ip -d link"]
        )
        return texts

    @staticmethod
    def difference(before, after):
        """A readable difference of two snapshots; empty when they are the same."""
        text = []
        for topic in before:
            text += difflib.unified_diff(
                before[topic].splitlines(),
                after[topic].splitlines(),
                f"{topic} (before)",
                f"{topic} (after)",
                n=0,
                lineterm="",
            )
        return "\n".join(text)

    def assert_same(self, before, ns=None):
        """Nothing is left: the snapshot now equals the one before."""
        difference = self.difference(before, self.snapshot(ns))
        if difference:
            raise AssertionError("left behind:\n" + difference)

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
        nsutil.mount("tmpfs", "/run", "tmpfs", nsutil.MS_NOSUID | nsutil.MS_NODEV, "mode=755")
        nsutil.mount(
            "proc", "/proc", "proc", nsutil.MS_NOSUID | nsutil.MS_NODEV | nsutil.MS_NOEXEC
        )
        second = os.fork()
        if second == 0:
            code = 1
            try:
                lab = Lab(name, tmp)
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
