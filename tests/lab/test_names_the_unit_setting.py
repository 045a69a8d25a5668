"""In a service that is hardened against what a launch needs, the line names the setting of the unit that is
in the way and the line to add; and says nothing of units where there is none."""

import json
import os
import platform

from lab import needs, params, program, write_file
from test_who_may import NETDEV, Site

# linux/audit.h, linux/seccomp.h; numbers of the calls
KILL, ERRNO, ALLOW = 0x80000000, 0x00050000, 0x7FFF0000
EPERM, EAFNOSUPPORT = 1, 97
CALLS = {
    "x86_64": {"mount": 165, "unshare": 272, "setns": 308, "socket": 41},
    "aarch64": {"mount": 40, "unshare": 97, "setns": 268, "socket": 198},
}
NEWNS, NEWUSER, AF_UNIX = 0x00020000, 0x10000000, 1

# Sets the filter of its first argument, and becomes the rest.
FILTERED = """
import ctypes, json, os, struct, sys
code = json.loads(sys.argv[1])
raw = b"".join(struct.pack("<HBBI", *one) for one in code)
buf = ctypes.create_string_buffer(raw)
prog = struct.pack("<HxxxxxxQ", len(code), ctypes.addressof(buf))
libc = ctypes.CDLL(None, use_errno=True)
if code and libc.prctl(22, 2, prog, 0, 0):
    raise OSError(ctypes.get_errno(), "prctl")
os.execvp(sys.argv[2], sys.argv[2:])
"""

# Becomes its arguments as a process of the unit talk.service.
IN_UNIT = 'mount --bind "$0" /proc/$$/cgroup && exec "$@"'


def rule(call, action, flags=None, equal=None):
    """cBPF: that call, with one of these bits in its first argument or with that argument, is answered."""
    number = CALLS[platform.machine()][call]
    code = [(0x20, 0, 0, 0), (0x15, 0, 3 if flags or equal else 1, number)]
    if flags:
        code += [(0x20, 0, 0, 16), (0x45, 0, 1, flags)]
    elif equal:
        code += [(0x20, 0, 0, 16), (0x15, 0, 1, equal)]
    return [*code, (0x06, 0, 0, action)]


def restrict_namespaces(*flags):
    """As systemd's src/shared/seccomp-util.c:seccomp_restrict_namespaces has it."""
    return [x for f in flags for x in rule("unshare", ERRNO | EPERM, flags=f)] + rule("setns", ERRNO | EPERM)


FILTERS = {
    "killed": (rule("mount", KILL), "SystemCallFilter=", "kills who calls mount(2)", "SystemCallFilter=@mount"),
    "errno": (rule("mount", ERRNO | EPERM), "SystemCallFilter=", "refuses mount(2)", "SystemCallFilter=@mount"),
    "other_errno": (rule("mount", ERRNO | 38), "SystemCallFilter=", "refuses mount(2)", "SystemCallFilter=@mount"),
    "setns": (rule("setns", KILL), "SystemCallFilter=", "kills who calls setns(2)", "SystemCallFilter=setns"),
    "unshare": (rule("unshare", KILL), "SystemCallFilter=", "kills who calls unshare(2)", "SystemCallFilter=unshare"),
    "namespaces": (restrict_namespaces(NEWNS, NEWUSER), "RestrictNamespaces=", "refuses unshare(2) of a mount namespace",
                   "RestrictNamespaces=net mnt"),
    "families": (rule("socket", ERRNO | EAFNOSUPPORT, equal=AF_UNIX), "RestrictAddressFamilies=", "refuses socket(2) of AF_UNIX",
                 "RestrictAddressFamilies=AF_UNIX AF_NETLINK"),
}  # fmt: skip


def command(lab, code, words, unit=True):
    words = ["/usr/bin/python3", "-c", FILTERED, json.dumps([*code, (0x06, 0, 0, ALLOW)] if code else []), *map(str, words)]
    if not unit:
        return words
    path = os.path.join(lab.tmp, "cgroup")
    write_file(path, "0::/system.slice/talk.service\n")
    return ["unshare", "-m", "sh", "-ec", IN_UNIT, path, *words]


@needs("root")
@params(**FILTERS)
def test_root(lab, case):
    """Before a session is made: nothing is left, whatever the filter does to the process."""
    code, setting, what, line = case
    words = [program("via-iface"), lab.spare, "--", "echo", "it ran"]
    done = lab.run(command(lab, code, words))
    said = f"via-iface: start the program: the filter of {setting} in 'talk.service' {what}; add the line '{line}'"
    assert done.code == 125 and done.err.startswith(said) and not done.out, done
    assert "`sudo systemctl edit talk.service`" in done.err and "via-iface-services(7)" in done.err, done
    assert done.err.count("\n") == 1 and lab.via("list", "--json").json() == []
    done = lab.run(command(lab, code, words, unit=False))
    said = "via-iface: start the program: a system call filter (seccomp) of who started via-iface "
    assert done.code == 125 and done.err == f"{said}{what}, which a launch needs\n", done


@needs("root", "tool:setcap", "tool:setpriv")
def test_user_service(lab):
    """Without the file capability a user namespace is needed, too: the line has it."""
    site = Site(lab)
    words = [f"{site.bin}/via-iface", lab.spare, "--", "echo", "it ran"]
    as_alice = site._as("alice", [NETDEV], list(map(str, words)))
    done = lab.run(command(lab, restrict_namespaces(NEWNS, NEWUSER), ["setpriv", "--no-new-privs", *as_alice]))
    assert done.code == 125 and "add the line 'RestrictNamespaces=user net mnt'" in done.err, done
    done = lab.run(command(lab, restrict_namespaces(NEWNS, NEWUSER), as_alice))
    assert done.code == 125 and "add the line 'RestrictNamespaces=net mnt'" in done.err, done


@needs("root")
@params("none", "of_other_calls", "sigchld_is_ignored")
def test_harmless(lab, case):
    """A filter that lets a launch's calls pass is no reason to refuse it, and leaves no child and no signal."""
    code = [] if case == "none" else rule("unshare", ERRNO | EPERM, equal=NEWUSER)
    script = (
        "read -r children </proc/$$/task/$$/children; echo $children;"
        " exec awk '/^(SigPnd|ShdPnd|Seccomp):/ { print $2 }' /proc/self/status"
    )
    words = command(lab, code, [program("via-iface"), lab.spare, "--", "sh", "-c", script])
    if case == "sigchld_is_ignored":
        words = ["sh", "-c", "trap '' CHLD; exec \"$@\"", "sh", *words]
    done = lab.run(words)
    assert done.code == 0 and not done.err, done
    (here,) = lab.run(["awk", "/^Seccomp:/ { print $2 }", "/proc/self/status"], check=True).out.split()
    assert sorted(done.out.split()) == sorted(["0" * 16, "0" * 16, "2" if code else here]), done


@needs("root")
def test_login_is_no_unit(lab):
    """A login's cgroup names no unit that an administrator could edit."""
    path = os.path.join(lab.tmp, "cgroup")
    code, _, what, _ = FILTERS["errno"]
    words = [program("via-iface"), lab.spare, "--", "true"]
    for cgroup in (
        "0::/user.slice/user-1000.slice/session-3.scope\n",
        "0::/user.slice/user-1000.slice/user@1000.service/app.slice/app-x.scope\n",
        "12:devices:/a.service\n1:name=systemd:/user.slice/user-0.slice/session-1.scope\n",
        "0::/\n",
        "",
    ):
        whole = command(lab, code, words)
        write_file(path, cgroup)
        done = lab.run(whole)
        assert done.code == 125 and "a system call filter (seccomp) of who" in done.err, (cgroup, done)


@needs("root", "tool:setpriv")
def test_root_without_capabilities(lab):
    """As CapabilityBoundingSet= has it: the kernel asks root for CAP_SETFCAP to map itself (since 5.12)."""
    lab.via(lab.spare, "--", "true", check=True)  # the daemon is not that unit's
    drop = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", program("via-iface"), lab.spare, "--", "id", "-u"]
    inside, outside = lab.run(command(lab, [], drop)), lab.run(command(lab, [], drop, unit=False))
    if inside.code == 0:  # an older kernel
        assert inside.out == outside.out == "0\n", (inside, outside)
        return
    assert inside.code == 125 and "CapabilityBoundingSet= of 'talk.service' is in the way" in inside.err, inside
    assert "add the line 'CapabilityBoundingSet=CAP_SYS_ADMIN' or a User=" in inside.err, inside
    assert outside.code == 125 and "root without cap_sys_admin needs cap_setfcap" in outside.err, outside
    keep = ["setpriv", "--bounding-set=-all,+sys_admin", "--inh-caps=-all", *drop[3:]]
    assert lab.run(command(lab, [], keep), check=True).out == "0\n"
