"""The few system calls that Python 3.11's os module lacks, and how a lab gets its privileges."""

import ctypes
import os
import shutil
import signal
import subprocess
import sys

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

MS_NOSUID, MS_NODEV, MS_NOEXEC = 2, 4, 8
MS_REMOUNT, MS_BIND, MS_MOVE, MS_REC = 32, 4096, 8192, 16384
MS_PRIVATE = 1 << 18
MS_SHARED = 1 << 20
MNT_DETACH = 2

_PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(rc, what):
    if rc != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def write_file(path, text):
    with open(path, "w") as f:
        f.write(text)


def unshare(flags):
    _check(_libc.unshare(flags), f"unshare {flags:#x}")


def setns(fd, kind=CLONE_NEWNET):
    _check(_libc.setns(fd, kind), f"setns {fd}")


PIDFD_GETFD = 438  # the same number everywhere


def pidfd_getfd(pidfd, fd):
    got = _libc.syscall(PIDFD_GETFD, pidfd, fd, 0)
    _check(min(got, 0), f"pidfd_getfd {fd}")
    return got


def mount(source, target, fstype=None, flags=0, data=None):
    def text(value):
        return None if value is None else os.fsencode(value)

    _check(
        _libc.mount(text(source), text(target), text(fstype), ctypes.c_ulong(flags), text(data)),
        f"mount {source} on {target}",
    )


def umount(target):
    """It is gone from the tree, and ends when nobody uses it any more."""
    _check(_libc.umount2(os.fsencode(target), MNT_DETACH), f"umount {target}")


def die_with_parent():
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "prctl PDEATHSIG")


def dumpable(on=True):
    """Whether others of the same user may look into this process; a change of user says no."""
    _check(_libc.prctl(4, int(on), 0, 0, 0), "prctl DUMPABLE")


def real_root():
    """True when we are root of the machine, not only of a user namespace."""
    if os.geteuid() != 0:
        return False
    with open("/proc/self/uid_map") as f:
        return f.read().split() == ["0", "0", "4294967295"]


def become_root(argv):
    """As a plain user, starts this script again as root of its own user namespace.

    Returns None when we are root (of whatever kind), else the reason why that cannot be had.
    """
    if os.geteuid() == 0:
        return None
    if not shutil.which("unshare"):
        return "unshare(1) is missing"
    probe = subprocess.run(["unshare", "-Urnm", "true"], capture_output=True, text=True)
    if probe.returncode != 0:
        return "no user namespaces for a plain user here: " + probe.stderr.strip()
    sys.stdout.flush()
    os.execvp("unshare", ["unshare", "-Urnm", "--", sys.executable, *argv])
