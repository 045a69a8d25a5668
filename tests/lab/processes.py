"""Programs that a test starts: ours, and others."""

import contextlib
import functools
import json
import os
import re
import select
import shutil
import signal
import time

import nsutil
from limits import Limit

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


PROGRAMS = ("via-iface", "via-ifaced", "via-iface-enter", "via-iface-verbs", "via-iface-desktop", "via-iface-capture")


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
        limit = Limit(seconds * self.lab.sanitized)
        while wanted not in self.out:
            left = limit.left()
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
        limit = Limit(seconds * self.lab.sanitized)
        pidfd = None
        try:
            pidfd = os.pidfd_open(self.pid)
            poller = select.poll()
            poller.register(pidfd, select.POLLIN)
            for fd in self._open:
                poller.register(fd, select.POLLIN)
            while self.popen.poll() is None:
                left = limit.left()
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
        limit = Limit(seconds * self.lab.sanitized)
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        while True:
            match = re.search(pattern, self.seen[self._from :])
            if match:
                self._from += match.end()
                return match
            left, data = limit.left(), b""
            if left > 0:
                if not poller.poll(left * 1000):
                    continue
                with contextlib.suppress(OSError):  # EIO: the last one on the terminal is gone
                    data = os.read(self.fd, 1 << 16)
            if not data:
                raise AssertionError(f"no {pattern!r} on the terminal:\n{self.seen}")
            self.seen += data.decode(errors="replace").replace("\r\n", "\n")

    def expect_end(self, seconds=10):
        """Reads until nobody has the terminal open any more."""
        limit = Limit(seconds * self.lab.sanitized)
        poller = select.poll()
        poller.register(self.fd, select.POLLIN)
        while True:
            left = limit.left()
            if left <= 0:
                raise AssertionError(f"the terminal stays open:\n{self.seen}")
            if not poller.poll(left * 1000):
                continue
            try:
                data = os.read(self.fd, 1 << 16)
            except OSError:  # EIO
                data = b""
            if not data:
                return
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
