"""What a program finds inside its session: its own devices and name servers, all else as outside;
and that a launch which cannot make it so does not happen."""

import contextlib
import ctypes
import fcntl
import json
import grp
import os
import re
import resource
import signal
import socket
import struct

import nsutil
from lab import Skip, needs, params, program, sanitized, timeout, write_file
from test_who_may import configured
from test_first_light import one_line
from test_survives_kills import clear_now, connect, glance, ports, settled, traced, unharmed, valid_request

OWN = "# of this session"  # the first line of a session's resolv.conf


def own_etc(lab):
    """A copy of /etc that the test may change."""
    copy = "/run/lab/etc"
    os.makedirs(copy)
    nsutil.mount("tmpfs", copy, "tmpfs", data="mode=755")
    # what a plain user cannot read is of no use here
    lab.run(["cp", "-a", "/etc/.", copy])
    nsutil.mount(copy, "/etc", flags=nsutil.MS_BIND)


def replace(path, text=None, link=None):
    """Makes it a file with this text, a link, or nothing."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.lexists(path):
        os.unlink(path)
    if link is not None:
        os.symlink(link, path)
    elif text is not None:
        write_file(path, text)


def tree(path):
    """Names and times of what lies there: any change would show."""
    found = {}
    for base, folders, names in os.walk(path):
        for name in (".", *folders, *names):
            full = os.path.join(base, name)
            st = os.lstat(full)
            found[full] = (st.st_ino, st.st_mode, st.st_size, st.st_mtime_ns, st.st_ctime_ns)
    return found


# --- resolv.conf --------------------------------------------------------------------------------

STUB = "/run/systemd/resolve/stub-resolv.conf"
HOSTS = "nameserver 192.0.2.53\n"


def plain():
    replace("/etc/resolv.conf", HOSTS)


def absolute():
    replace("/run/NetworkManager/resolv.conf", HOSTS)
    replace("/etc/resolv.conf", link="/run/NetworkManager/resolv.conf")


def relative():
    replace(STUB, HOSTS)
    replace("/run/systemd/resolve/resolv.conf", HOSTS)
    replace("/etc/resolv.conf", link="../run/systemd/resolve/stub-resolv.conf")


def chain():
    replace("/run/resolvconf/resolv.conf", HOSTS)
    replace("/run/one", link="resolvconf/resolv.conf")
    replace("/etc/two", link="/run/one")
    replace("/etc/resolv.conf", link="two")


def dangling_covered():
    os.makedirs(os.path.dirname(STUB), exist_ok=True)
    replace("/etc/resolv.conf", link="../run/systemd/resolve/stub-resolv.conf")


def dangling():
    replace("/etc/resolv.conf", link="../run/nowhere/resolv.conf")


def loop():
    replace("/etc/resolv.conf", link="resolv.conf")


def missing():
    replace("/etc/resolv.conf")


@params(
    plain=(plain, True),
    absolute=(absolute, True),
    relative=(relative, True),
    chain=(chain, True),
    dangling_covered=(dangling_covered, True),
    dangling=(dangling, False),
    loop=(loop, False),
    missing=(missing, False),
)
def test_resolv_conf(lab, case):
    """By whatever path a C library finds it, it is the session's; and none of the host's files is
    made or changed."""
    shape, found = case
    own_etc(lab)
    shape()
    before = {**tree("/etc"), **tree("/run/systemd")}
    mounts = lab.mounts()
    held = lab.session(script="cat /etc/resolv.conf; echo end; cat")
    text = held.expect("end\n")
    assert (OWN in text) == found, text
    assert HOSTS not in text, text
    if found:
        again = lab.via(lab.spare, "--", "stat", "-L", "-c", "%A", "/etc/resolv.conf", check=True)
        assert again.out == "-rw-r--r--\n", again
    held.finish()
    assert {**tree("/etc"), **tree("/run/systemd")} == before
    assert lab.mounts() == mounts


def test_own_files_are_read_only(lab):
    """Not even root inside changes them: set-id programs believe them."""
    own_etc(lab)
    relative()
    paths = "/etc/resolv.conf /etc/nsswitch.conf /run/systemd/resolve/resolv.conf"
    script = f"for f in {paths}; do (echo x >$f) && echo wrote $f; (chmod 666 $f) && echo $f; done"
    script += "; rm -f /run/systemd/resolve/* && echo removed; echo end"
    done = lab.via(lab.spare, "--", "sh", "-c", script)
    assert done.out == "end\n", done


# --- nsswitch.conf ------------------------------------------------------------------------------


def test_nsswitch(lab):
    own_etc(lab)
    hosts = "hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n"
    rest = "passwd: files systemd # as it is\n\tnetworks:files\n"
    replace("/etc/nsswitch.conf", hosts + rest)
    done = lab.via(lab.spare, "--", "cat", "/etc/nsswitch.conf", check=True)
    assert done.out == "hosts: files myhostname dns\n" + rest, done
    replace("/etc/nsswitch.conf")
    gone = lab.via(lab.spare, "--", "cat", "/etc/nsswitch.conf")
    assert gone.code == 1 and gone.out == "", gone


# --- /sys ---------------------------------------------------------------------------------------


def test_devices(lab):
    """In /sys as in the netns: two devices, and their values; the rest of /sys is the host's."""
    script = (
        "ls /sys/class/net /sys/devices/virtual/net; cat /sys/class/net/eth0/operstate;"
        " readlink -f /sys/class/net/eth0; cat /proc/net/dev | wc -l"
    )
    done = lab.via(lab.spare, "--", "sh", "-c", script, check=True)
    assert done.out.split() == [
        "/sys/class/net:", "eth0", "lo", "/sys/devices/virtual/net:", "eth0", "lo",
        "up", "/sys/devices/virtual/net/eth0", "4",
    ], done  # fmt: skip
    assert lab.spare.dev in os.listdir("/sys/class/net")


def test_rest_of_sys(lab):
    nsutil.mount("tmpfs", "/sys/fs/cgroup", "tmpfs")
    write_file("/sys/fs/cgroup/mine", "of the host\n")
    script = "stat -c '%d %i %n' /sys /sys/* /sys/kernel/* /sys/fs/* /sys/class/block"
    script += "; cat /sys/fs/cgroup/mine"
    plain = lab.run(script, check=True)
    inside = lab.via(lab.spare, "--", "sh", "-c", script, check=True)
    assert inside.out == plain.out, lab.difference({"sys": plain.out}, {"sys": inside.out})
    assert "of the host" in inside.out


# --- mounts come in, and do not go out ----------------------------------------------------------


def test_propagation(lab):
    os.makedirs("/run/media")
    nsutil.mount("tmpfs", "/run/media", "tmpfs")
    nsutil.mount("none", "/run/media", flags=nsutil.MS_SHARED)
    os.makedirs("/run/media/stick")
    os.makedirs("/run/media/inner")
    script = "while read c; do eval \"$c\"; echo done; done"
    held = lab.session(script=script)
    nsutil.mount("tmpfs", "/run/media/stick", "tmpfs")
    write_file("/run/media/stick/file", "plugged in\n")
    before = lab.mounts()
    held.write("cat /run/media/stick/file\n")
    held.expect("plugged in\ndone\n")
    held.write("mount -t tmpfs inner /run/media/inner && touch /run/media/inner/x && echo made\n")
    held.expect("made\n")
    assert lab.mounts() == before
    assert os.listdir("/run/media/inner") == []
    lab.run("umount /run/media/stick", check=True)
    held.write("ls /run/media/stick | wc -l\n")
    held.expect("\n0\ndone\n")
    held.finish()


# --- nobody outside is asked for names ----------------------------------------------------------

# As nss-resolve does it: a glibc module that asks resolved by its varlink socket.
MODULE = r"""
#include <errno.h>
#include <netdb.h>
#include <nss.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum nss_status _nss_resolve_gethostbyname4_r(const char *name, void *at, char *buffer,
	size_t length, int *error, int *h_error, int *ttl)
{
	struct sockaddr_un to = { AF_UNIX, "/run/systemd/resolve/io.systemd.Resolve" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)name, (void)at, (void)buffer, (void)length, (void)ttl;
	(void)!connect(fd, (struct sockaddr *)&to, sizeof(to));
	close(fd);
	*error = ENOENT;
	*h_error = NO_RECOVERY;
	return NSS_STATUS_UNAVAIL;
}
"""


def listen(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    sock = socket.socket(socket.AF_UNIX)
    sock.bind(path)
    os.chmod(path, 0o666)
    sock.listen()
    sock.setblocking(False)
    return sock


def contacts(sock):
    """How many have connected since the last time. Not the daemon, which is outside, as whom it asks
    about users."""
    n = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            with sock.accept()[0] as conn:
                pid = struct.unpack("3i", conn.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
            try:
                with open(f"/proc/{pid}/comm") as f:
                    n += f.read() != "via-ifaced\n"
            except OSError:
                n += 1
    return n


CONNECT = "import socket, sys; socket.socket(socket.AF_UNIX).connect(sys.argv[1])"


@params(
    "/run/nscd/socket",
    "/var/run/nscd/socket",
    "/run/systemd/resolve/io.systemd.Resolve",
    "/run/avahi-daemon/socket",
)
def test_sockets_of_daemons(lab, path):
    sock = listen(path)
    ask = ["python3", "-c", CONNECT, path]
    lab.run(ask, check=True)
    assert contacts(sock) == 1
    inside = lab.via(lab.spare, "--", *ask)
    assert "FileNotFoundError" in inside.err, inside
    assert contacts(sock) == 0


def test_nscd(lab):
    """The C library itself asks nscd, where there is one."""
    sock = listen("/run/nscd/socket")
    ask = ["getent", "ahostsv4", "who.test"]
    lab.run(ask)
    if not contacts(sock):
        raise Skip("this C library does not know nscd")
    lab.via(lab.spare, "--", *ask)
    assert contacts(sock) == 0


@needs("tool:gcc")
def test_resolved(lab):
    """Also when resolved was started again, with a directory that our mount does not cover."""
    own_etc(lab)
    replace("/etc/nsswitch.conf", "hosts: mymachines resolve [!UNAVAIL=return] files dns\n")
    module = os.path.join(lab.tmp, "libnss_resolve.so.2")
    write_file(module + ".c", MODULE)
    lab.run(["gcc", "-shared", "-fPIC", "-o", module, module + ".c"], check=True)
    path = "/run/systemd/resolve/io.systemd.Resolve"
    sock = listen(path)
    ask = "getent ahosts who.test"
    env = {"LD_LIBRARY_PATH": lab.tmp}
    lab.run(ask, env=env, check=True)
    assert contacts(sock) == 1, "the module is not used"

    held = lab.session(script="while read c; do eval \"$c\"; echo done; done", env=env)
    held.write(ask + "\n")
    held.expect("done\n")
    assert contacts(sock) == 0
    sock.close()
    os.unlink(path)
    os.rmdir(os.path.dirname(path))
    sock = listen(path)
    held.out = b""
    held.write(f"ls {os.path.dirname(path)}; {ask}\n")
    assert "io.systemd.Resolve" in held.expect("done\n"), "the directory is still covered"
    assert contacts(sock) == 0
    held.finish()


# --- in place: environment and all --------------------------------------------------------------


def env_bytes(lab, launcher, env):
    """What `env -0` shows of that environment, exactly."""
    path = os.path.join(lab.tmp, "env.out")
    words = [os.fsencode(w) for w in [*launcher, "/usr/bin/env", "-0"]]
    pid = os.fork()
    if pid == 0:
        try:
            fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            os.dup2(fd, 1)
            execve = ctypes.CDLL(None).execve  # os.execve() wants a mapping
            argv = (ctypes.c_char_p * (len(words) + 1))(*words, None)
            envp = (ctypes.c_char_p * (len(env) + 1))(*env, None)
            execve(words[0], argv, envp)
        finally:
            os._exit(125)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert code == 0, f"exit {code}"
    with open(path, "rb") as f:
        return f.read()


HARMLESS = "int via_test_preloaded;"


@needs("tool:gcc")
def test_environment(lab):
    """Every byte, in its order: what a secure exec strips, what no shell could make, and much."""
    library = os.path.join(lab.tmp, "harmless.so")
    write_file(library + ".c", HARMLESS)
    lab.run(["gcc", "-shared", "-fPIC", "-o", library, library + ".c"], check=True)
    env = [
        b"PATH=/usr/bin:/bin",
        b"LD_LIBRARY_PATH=/nowhere:" + os.fsencode(lab.tmp),
        b"LD_PRELOAD=" + os.fsencode(library),
        b"LD_BIND_NOW=", b"LD_DEBUG_OUTPUT=/nowhere/x", b"TMPDIR=/nowhere", b"EMPTY=",
        b"MALLOC_PERTURB_=7", b"MALLOC_CHECK_=3", b"GCONV_PATH=/nowhere", b"LOCPATH=/nowhere",
        b"RES_OPTIONS=ndots:3", b"LOCALDOMAIN=x", b"HOSTALIASES=/nowhere", b"NIS_PATH=y",
        b"RESOLV_HOST_CONF=/nowhere", b"GLIBC_TUNABLES=glibc.malloc.perturb=1", b"TZDIR=/nowhere",
        b"no equals sign", b"=starts with one", b"TWICE=first", b"TWICE=second", b"TWICE",
        b"BYTES=\xff\xfe\x80 \x01\x1b[31m", b"LINES=a\nb\n", b"", b"http_proxy=http://[::1]:1",
    ]  # fmt: skip
    if sanitized():  # which insists on being the first library
        env = [v for v in env if not v.startswith(b"LD_PRELOAD")]
        env += [f"{k}={v}".encode() for k, v in lab.env.items() if "SAN_OPTIONS" in k]
    env += [b"BIG%d=" % n + b"x" * 100_000 for n in range(15)]
    wanted = b"".join(variable + b"\0" for variable in env)
    assert len(wanted) > 1_500_000
    assert env_bytes(lab, [], env) == wanted, "this test's own launch"
    launcher = [program("via-iface"), str(lab.spare), "--"]
    assert env_bytes(lab, launcher, env) == wanted


PROCESS_STATE = r"""
import ctypes, fcntl, glob, json, os, resource, sys

def text(path):
    with open(path) as f:
        return f.read()

libc = ctypes.CDLL(None)
signal = ctypes.c_int()
libc.prctl(2, ctypes.byref(signal))
status = dict(line.split(":", 1) for line in text("/proc/self/status").splitlines())
keys = "Umask Uid Gid Groups NoNewPrivs Seccomp SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh"
keys += " CapPrm CapEff CapBnd CapAmb Cpus_allowed THP_enabled"
limits = [n for n in dir(resource) if n.startswith("RLIMIT_")]
print(json.dumps({
    "status": {k: status.get(k) for k in keys.split()},
    "limits": {n: resource.getrlimit(getattr(resource, n)) for n in limits},
    "death signal": signal.value,
    "dumpable": libc.prctl(3),
    "personality": libc.personality(0xffffffff),
    "keep caps": libc.prctl(7), "securebits": libc.prctl(27), "subreaper": libc.prctl(37, 0),
    "timer slack": libc.prctl(30),
    "nice": os.getpriority(os.PRIO_PROCESS, 0),
    "scheduler": os.sched_getscheduler(0),
    "io priority": libc.syscall(252, 1, 0),
    "cwd": os.getcwd(),
    "cgroup": text("/proc/self/cgroup"),
    "oom": text("/proc/self/oom_score_adj"),
    "fds": {fd: [os.fstat(int(fd)).st_ino, fcntl.fcntl(int(fd), fcntl.F_GETFL)]
            for fd in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{fd}")
            and fd not in "012"},
    "ids": [os.getppid(), os.getpgid(0), os.getsid(0)],
    "terminal": [os.isatty(fd) for fd in (0, 1, 2)],
    "argv": sys.argv,
}, indent=1, sort_keys=True))
"""


def odd_environment():
    """In the child, before its exec: what a launcher might have set."""
    libc = ctypes.CDLL(None)
    libc.prctl(1, signal.SIGUSR1)  # PR_SET_PDEATHSIG
    libc.personality(0x0040000)  # ADDR_NO_RANDOMIZE
    os.setpriority(os.PRIO_PROCESS, 0, 5)
    os.umask(0o137)
    resource.setrlimit(resource.RLIMIT_CORE, (12345, 23456))
    resource.setrlimit(resource.RLIMIT_NOFILE, (77, 777))
    hard = resource.getrlimit(resource.RLIMIT_STACK)[1]
    resource.setrlimit(resource.RLIMIT_STACK, (hard, hard))
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR2, signal.SIGCHLD])
    for number in (signal.SIGHUP, signal.SIGPIPE, signal.SIGTSTP):
        signal.signal(number, signal.SIG_IGN)


def process_state(lab, launcher, **more):
    if sanitized():  # which would forbid itself to dump core
        more["env"] = {"ASAN_OPTIONS": lab.env["ASAN_OPTIONS"] + ":disable_coredump=0"}
    read, write = os.pipe()
    directory = os.open("/usr", os.O_RDONLY)
    ours, theirs = socket.socketpair()
    try:
        done = lab.run(
            [*launcher, "python3", "-c", PROCESS_STATE, "a b", ""],
            preexec_fn=odd_environment,
            restore_signals=False,
            cwd="/usr",
            pass_fds=(read, write, directory, theirs.fileno()),
            check=True,
            **more,
        )
    finally:
        for fd in (read, write, directory):
            os.close(fd)
        ours.close()
        theirs.close()
    # pipes and sockets are other ones each time
    seen = done.json()
    seen["fds"] = {fd: flags for fd, (_, flags) in seen["fds"].items()}
    return json.dumps(seen, indent=1, sort_keys=True)


@params(launch=(), verbose=("-v",))
def test_process_state(lab, options):
    launcher = [program("via-iface"), *options, str(lab.spare), "--"]
    plain, inside = process_state(lab, []), process_state(lab, launcher)
    assert plain == inside, lab.difference({"self": plain}, {"self": inside})
    assert '"death signal": 10' in plain and '"nice": 5' in plain, plain


# --- inherited sockets --------------------------------------------------------------------------


def open_tcp():
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    return sock


def open_tun():
    if not os.path.exists("/dev/net/tun"):
        raise Skip("needs /dev/net/tun")
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"tun77", 0x1001))  # TUNSETIFF, tun no-pi
    return os.fdopen(fd, "rb", buffering=0)


SOCKETS = {
    "tcp": (open_tcp, "TCP socket"),
    "tcp6": (lambda: socket.socket(socket.AF_INET6), "TCP socket"),
    "udp": (lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), "UDP socket"),
    "ping": (lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM, 1), "ping socket"),
    "raw": (lambda: socket.socket(socket.AF_INET, socket.SOCK_RAW, 1), "raw socket"),
    "packet": (lambda: socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM), "packet socket"),
    "netlink": (lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW), "netlink socket"),
    "tun": (open_tun, "tun device"),
}


@params(**SOCKETS)
def test_inherited_socket(lab, case):
    make, kind = case
    try:
        sock = make()
    except PermissionError as error:
        raise Skip(f"a plain user may not have a {kind} here") from error
    with sock:
        fd = sock.fileno()
        os.set_inheritable(fd, True)
        before = lab.snapshot()
        done = lab.via(lab.spare, "--", "echo", "it ran", pass_fds=(fd,))
        one_line(done, 125, f"descriptor {fd} is a {kind} ", "--allow-inherited-sockets")
        lab.wait_gone()
        lab.assert_same(before)
        allowed = lab.via(
            "--allow-inherited-sockets", lab.spare, "--", "echo", "it ran", pass_fds=(fd,)
        )
        assert (allowed.code, allowed.out, allowed.err) == (0, "it ran\n", ""), allowed


def test_inherited_standard_input(lab):
    """As inetd(8) starts a program."""
    with open_tcp() as sock:
        done = lab.via_popen(lab.spare, "--", "echo", "it ran", stdin=sock).finish()
        one_line(done, 125, "descriptor 0 is a TCP socket ")


def test_inherited_socket_of_no_network(lab):
    ours, theirs = socket.socketpair()
    with ours, theirs:
        script = f"echo over the socket >&{theirs.fileno()}"
        lab.via(lab.spare, "--", "bash", "-c", script, pass_fds=(theirs.fileno(),), check=True)
        assert ours.recv(100) == b"over the socket\n"


# --- sandboxes and set-id programs inside -------------------------------------------------------


@needs("root", "tool:bwrap")
def test_bubblewrap(lab):
    box = "bwrap --unshare-all --share-net --dev-bind / / --proc /proc".split()
    for options in ([], ["--user", "nobody"]):
        done = lab.via(*options, lab.spare, "--", *box, "curl", "-s", lab.url)
        assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done


@needs("root")
def test_user_namespace_inside(lab):
    script = f"id -u; cat /sys/class/net/eth0/operstate; curl -s {lab.url}"
    done = lab.via("--user", "nobody", lab.spare, "--", "unshare", "-Urm", "sh", "-c", script)
    assert (done.code, done.out) == (0, f"0\nup\n{lab.spare.addr}\n"), done


@needs("root")
def test_set_id(lab):
    path = os.path.join(lab.tmp, "set-id")
    lab.run(["cp", "/usr/bin/id", path], check=True)
    os.chmod(path, 0o4755)
    if os.statvfs(path).f_flag & os.ST_NOSUID:
        raise Skip("the temporary directory is mounted with nosuid")
    done = lab.via("--user", "nobody", lab.spare, "--", path, check=True)
    assert "uid=65534(nobody)" in done.out and "euid=0(root)" in done.out, done


@needs("root", "tool:sudo")
def test_sudo(lab):
    own_etc(lab)
    os.makedirs("/etc/sudoers.d", exist_ok=True)
    write_file("/etc/sudoers.d/lab", "nobody ALL=(ALL) NOPASSWD: ALL\n")
    os.chmod("/etc/sudoers.d/lab", 0o440)
    script = f"sudo -n true && sudo -n sh -c 'id -u; curl -s {lab.url}; cat /etc/resolv.conf'"
    done = lab.via("--user", "nobody", lab.spare, "--", "sh", "-c", script)
    assert done.code == 0 and done.out.startswith(f"0\n{lab.spare.addr}\n"), done
    assert OWN in done.out, done


# --- closed when it cannot be made so -----------------------------------------------------------


def refuse_call(syscall, number, error, command, *paths):
    """The command, in which the n-th call fails."""
    only = [word for path in paths for word in ("-P", path)]
    return [
        "strace", "-D", "-qq", "-f", "-o", "/dev/null", "-e", f"trace={syscall}", *only,
        "-e", f"inject={syscall}:error={error}:when={number}", *command,
    ]  # fmt: skip


SETUP_CALLS = {
    "mount": ("mount", "EPERM"),
    "mount_enoent": ("mount", "ENOENT"),
    "open_tree": ("open_tree", "ENOMEM"),
    "move_mount": ("move_mount", "EPERM"),
    "unshare": ("unshare", "ENOSPC"),
    "setns": ("setns", "EPERM"),
    "mkdir": ("mkdir", "ENOSPC"),
    "link": ("link", "ENOSPC"),
    "capset": ("capset", "EPERM"),
    "statfs": ("statfs", "EIO"),
    "fstatfs": ("fstatfs", "EIO"),
    "write": ("write", "ENOSPC", "/sys/class/net/resolve/resolv.conf"),
    "write_nsswitch": ("write", "ENOSPC", "/sys/class/net/nsswitch.conf"),
    "open": ("openat", "EMFILE", "/sys/class/net/resolve/resolv.conf"),
    "open_nsswitch": ("openat", "EMFILE", "/etc/nsswitch.conf"),
    "read_nsswitch": ("read", "EIO", "/etc/nsswitch.conf"),
    "open_fds": ("openat", "EMFILE", "/proc/self/fd"),
    "read_fds": ("getdents64", "EIO", "/proc/self/fd"),
}

# How many of each a launch must have, at the least: or the injection does not work.
LEAST = {"mount": 8, "mount_enoent": 6, "mkdir": 2}


@needs("tool:strace")
@params(**{name: (name, *case) for name, case in SETUP_CALLS.items()})
@timeout(120)
def test_call_fails(lab, case):
    """Each call that makes the inside fails in turn: the program never starts, and says which."""
    name, syscall, error, *paths = case
    # every target is there, so that every mount is made
    for path in ("/run/systemd/resolve", "/run/nscd", "/run/avahi-daemon"):
        os.makedirs(path, exist_ok=True)
    before = lab.snapshot()
    held = lab.session()
    first = glance(lab)
    command = [program("via-iface"), str(lab.spare), "--", "echo", "it ran"]
    failed, number = 0, 1
    spared = 3 if sanitized() else 0  # calls of the sanitizer's own, which it can do without
    while True:
        done = lab.run(refuse_call(syscall, number, error, command, *paths), env=traced(lab))
        settled(lab, first, f"a failure of {syscall} number {number}")
        if done.code == 0:
            assert done.out == "it ran\n", done
            if not spared:
                break
            spared -= 1
            number += 1
            continue
        assert (done.code, done.out) == (125, ""), done
        said = [line for line in done.err.splitlines() if not line.startswith("strace: ")]
        assert len(said) == 1 and said[0].startswith("via-iface: "), done
        failed += 1
        number += 1
    least = 0 if sanitized() else LEAST.get(name, 1)
    assert failed >= least, f"failed {failed} times only: does the injection work?"
    print(f"{syscall}: failed {failed} times")
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


@needs("root", "tool:strace")
def test_kept_name_is_taken_back(lab):
    """--keep gives the netns a name before the mounts; a launch that fails takes it away."""
    before = lab.snapshot()
    command = [program("via-iface"), "--keep", "--name", "kept", str(lab.spare), "--", "true"]
    failed = 0
    for number in range(1, 20):
        done = lab.run(refuse_call("mount", number, "EPERM", command), env=traced(lab))
        assert done.code in (0, 125), done
        assert os.path.exists("/run/netns/kept") == (done.code == 0), done
        failed += done.code == 125
        if done.code == 0:
            lab.ip("netns del kept")
        lab.wait(lambda: lab.via("list", "--json").json() == [], 10, "the session's end")
    assert failed >= 8, failed
    clear_now(lab)
    lab.assert_same(before)


# --- without a file capability ------------------------------------------------------------------


def install(lab, capability=True):
    """The programs as they are installed, and the command that starts them."""
    folder = os.path.join(lab.tmp, "installed")
    os.makedirs(folder)
    for name in ("via-iface", "via-ifaced", "via-iface-enter"):
        lab.run(["cp", program(name), folder], check=True)
    lab.groups = [grp.getgrnam("sudo").gr_gid]  # whom the built-in access policy lets in
    if capability:
        enter = os.path.join(folder, "via-iface-enter")
        lab.run(["setcap", "cap_sys_admin=p", enter], check=True)
    return os.path.join(folder, "via-iface")


WAYS = {
    "capability": ((), None),
    "no_new_privs": (("setpriv", "--no-new-privs"), "no_new_privs"),
    "traced": (("strace", "-f", "-qq", "-o", "/dev/null"), "traced"),
    "bounding_set": (("setpriv", "--bounding-set", "-sys_admin"), "bounding set"),
    "user_namespace": (("unshare", "-Ur"), "user namespace of its own"),
    "no_capability": ((), "file capability"),
}


@needs("root", "tool:setcap", "tool:strace")
@params(**WAYS)
def test_ways_in(lab, case):
    """As a plain user, with the file capability and without it: the same program, the same way."""
    before_it, reason = case
    via = install(lab, reason != "file capability")
    before = lab.snapshot()
    held = lab.session()
    if before_it[:2] == ("setpriv", "--bounding-set"):  # only root may take from it
        groups = f"--groups={lab.groups[0]}"
        before_it = ("setpriv", "--reuid=1000", "--regid=1000", groups, *before_it[1:])
    script = (
        f"curl -s {lab.url}; ls /sys/class/net; head -n 1 /etc/resolv.conf;"
        " cat /proc/sys/net/ipv4/ip_unprivileged_port_start; grep -E 'Cap(Prm|Eff|Amb)' /proc/self/status"
    )
    user = None if before_it[:1] == ("setpriv",) and reason == "bounding set" else 1000
    done = lab.run([*before_it, via, "-v", str(lab.spare), "--", "sh", "-c", script], user=user)
    assert done.code == 0, done
    lines = done.out.splitlines()
    assert lines[:3] == [lab.spare.addr, "eth0", "lo"] and lines[3].startswith(OWN), done
    if reason != "user namespace of its own":  # where it is root, and gets back what that has
        assert [line.split()[1] for line in lines[5:8]] == ["0" * 16] * 3, done
    assert (reason or "") in done.err, done
    assert ("user namespace" in done.err) == bool(reason), done
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "the session's end")
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


# A user namespace that root makes, as systemd does for PrivateUsers=: the id maps, and who is in it.
PRIVATE_USERS = """
import ctypes, os, sys
maps, uid, group, *command = sys.argv[1:]
made, mapped = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    os.read(made[0], 1)
    for kind in ("uid_map", "gid_map"):
        with open(f"/proc/{os.getppid()}/{kind}", "w") as f:
            f.write(maps.replace("GROUP", group if kind == "gid_map" else "77777").replace(";", chr(10)))
    os.write(mapped[1], b"x")
    os._exit(0)
ctypes.CDLL(None).unshare(0x10000000) == 0 or sys.exit("unshare")
os.write(made[1], b"x")
os.read(mapped[0], 1)
os.waitpid(pid, 0)
os.setgroups([int(group)])
os.setresgid(int(uid), int(uid), int(uid))
os.setresuid(int(uid), int(uid), int(uid))
os.execvp(command[0], command)
"""
SELF = "0 0 1;1000 1000 1;GROUP GROUP 1"  # PrivateUsers=yes
ALL = "0 0 4294967295"  # PrivateUsers=full: by its map no other than the first one
PRIVATE = {
    "user": (SELF, 1000),
    "root": (SELF, 0),
    "identity_user": (ALL, 1000),
    "identity_root": (ALL, 0),
}


@needs("root", "tool:setcap")
@params(**PRIVATE)
def test_private_users(lab, case):
    """There the file capability is granted, and does not count: the way without it is taken, and the
    session that was made for the other one counts no more, not even for a policy of one session."""
    maps, uid = case
    via = install(lab)
    before = lab.snapshot()
    held = lab.session()
    inside = ["/usr/bin/python3", "-c", PRIVATE_USERS, maps, str(uid), str(lab.groups[0])]
    script = f"curl -s {lab.url}; ls /sys/class/net; head -n 1 /etc/resolv.conf; id -u; cat /proc/self/uid_map"
    done = lab.run([*inside, via, "-v", "--name", "game", str(lab.spare), "--", "sh", "-c", script])
    assert done.code == 0 and "session 'game' through" in done.err, done
    lines = done.out.splitlines()
    assert lines[:3] == [lab.spare.addr, "eth0", "lo"] and lines[3].startswith(OWN), done
    assert lines[4] == str(uid) and lines[5].split() == [str(uid), str(uid), "1"], done
    assert "in a user namespace, since the caller is in a user namespace of its own" in done.err, done
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "the session's end")
    # into a session that runs: refused by name, before anything is done
    refused = lab.run([*inside, via, "exec", held_name(lab), "--", "echo", "it ran"])
    assert refused.code == 125 and not refused.out, refused
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


def held_name(lab):
    return lab.via("list", "--json", check=True).json()[0]["name"]


@needs("root", "tool:setcap")
def test_private_users_of_one_session(lab):
    """A policy of one session: the one that could not be entered does not count against it."""
    via = install(lab)
    own_etc(lab)
    confdir = configured("VIA_SYSCONFDIR")
    os.makedirs(confdir, exist_ok=True)
    path = os.path.join(confdir, "access.conf")
    write_file(path, "[*]\nuplinks = *\nsessions = 1\n")
    os.chmod(path, 0o644)
    held = lab.session()
    inside = ["/usr/bin/python3", "-c", PRIVATE_USERS, SELF, "1000", str(lab.groups[0])]
    for _ in range(3):
        done = lab.run([*inside, via, str(lab.spare), "--", "curl", "-s", lab.url])
        assert (done.code, done.out.strip()) == (0, lab.spare.addr), done
        lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "the session's end")
    held.finish()


@needs("root", "tool:setcap", "tool:newuidmap")
def test_subordinate_ids(lab):
    """As rootless containers have it: by newuidmap(1), a range of subordinate ids; root is not among them."""
    via = install(lab)
    own_etc(lab)
    write_file("/etc/subuid", "1000:100000:65536\n")
    write_file("/etc/subgid", "1000:100000:65536\n")
    with open("/etc/passwd", "a") as f:
        f.write("lab-user:x:1000:1000::/:/bin/sh\n")
    held = lab.session()
    script = """
import os, subprocess, sys
made, mapped = os.pipe(), os.pipe()
pid = os.fork()
if pid == 0:
    parent = str(os.getppid())
    os.read(made[0], 1)
    for tool in ("newuidmap", "newgidmap"):
        subprocess.run([tool, parent, "0", "1000", "1", "1", "100000", "65536"], check=True)
    os.write(mapped[1], b"x")
    os._exit(0)
import ctypes
assert ctypes.CDLL(None).unshare(0x10000000) == 0
os.write(made[1], b"x")
assert os.read(mapped[0], 1) == b"x"
os.waitpid(pid, 0)
os.execvp(sys.argv[1], sys.argv[1:])
"""
    inside = ["/usr/bin/python3", "-c", script]
    command = f"curl -s {lab.url}; echo; id -u"
    done = lab.run([*inside, via, str(lab.spare), "--", "sh", "-c", command], user=1000)
    assert done.code == 0 and done.out.split() == [lab.spare.addr, "0"], done
    # somebody of a subordinate id is nobody that the policy knows
    other = ["setpriv", "--reuid=1", "--regid=1", "--clear-groups"]
    done = lab.run([*inside, *other, via, str(lab.spare), "--", "echo", "it ran"], user=1000)
    one_line(done, 125, "uid 100000")
    held.finish()


@needs("root", "tool:setcap")
@params(current=("unshare", "-Uc"), root=("unshare", "-U", "--map-root-user"), nobody=("unshare", "-U"))
def test_unshared_users(lab, before_it):
    via = install(lab)
    held = lab.session()
    command = [*before_it, via, str(lab.spare), "--", "curl", "-s", lab.url]
    done = lab.run(command, user=1000)
    if before_it == ("unshare", "-U"):  # an id that is mapped to nothing cannot be mapped again
        one_line(done, 125, "uid 65534 is not mapped here", "user namespace of its own")
    else:
        assert (done.code, done.out.strip()) == (0, lab.spare.addr), done
    held.finish()


@needs("root", "tool:setcap")
@params(
    capability=(),
    no_new_privs=("setpriv", "--no-new-privs"),
    bounding_set=("unshare", "-Ur", "setpriv", "--bounding-set", "-all,+kill,+setfcap"),
)
def test_process_state_of_a_user(lab, before_it):
    """An exec with file capabilities takes away more than it gives: it is put back."""
    via = install(lab)
    held = lab.session()
    plain = process_state(lab, [*before_it], user=1000)
    inside = process_state(lab, [*before_it, via, str(lab.spare), "--"], user=1000)
    if sanitized():  # which forbids a program with a file capability to dump core, whatever it is told
        core = re.compile(r'("RLIMIT_CORE": \[\s+)\d+')
        plain, inside = core.sub(r"\1 0", plain), core.sub(r"\1 0", inside)
    if "--no-new-privs" in before_it:  # a user namespace that knows one group shows others so
        assert '"\\t65534 "' in inside
        inside = inside.replace('"\\t65534 "', f'"\\t{lab.groups[0]} "')
    assert plain == inside, lab.difference({"self": plain}, {"self": inside})
    held.finish()


@needs("root", "tool:setcap")
def test_ambient_capabilities(lab):
    via = install(lab)
    caps = "+net_raw,+chown"
    words = f"setpriv --reuid=1000 --regid=1000 --clear-groups --inh-caps={caps} --ambient-caps={caps}"
    held = lab.session()
    done = lab.run([*words.split(), via, str(lab.spare), "--", "echo", "it ran"])
    one_line(done, 125, "cap_chown, cap_net_raw")
    held.finish()


@needs("root", "tool:setcap")
def test_own_files_of_a_user(lab):
    """The files are made by a process of the caller's, and set-id programs believe them."""
    via = install(lab)
    held = lab.session()
    paths = "/etc/resolv.conf /etc/nsswitch.conf"
    script = f"for f in {paths}; do (echo x >$f) && echo wrote $f; chmod 666 $f && echo $f; done"
    script += "; mount -o remount,rw /etc/resolv.conf && echo remounted; echo end"
    done = lab.run([via, str(lab.spare), "--", "sh", "-c", script], user=1000)
    assert done.out == "end\n", done
    nested = lab.run([via, str(lab.spare), "--", "unshare", "-Urm", "sh", "-c", script], user=1000)
    assert nested.out == "end\n", nested
    held.finish()


# --- a netns of the peer's ----------------------------------------------------------------------

RUN_IN = 2
OK, REFUSED, SEND = 0, 1, 3


def ask_in(request, *fds):
    """The daemon's (status, text) for a session in that netns."""
    with connect() as sock:
        sock.send(request)
        reply = sock.recv(65536)
        if struct.unpack_from("<I", reply, 8)[0] == SEND:
            socket.send_fds(sock, [request[:8]], fds)
            reply = sock.recv(65536)
        assert len(reply) > 100, "hung up on"
        text = next(t for t in reply[16 + 36 :].split(b"\0") if t).decode()
        return struct.unpack_from("<I", reply, 8)[0], text


@contextlib.contextmanager
def fresh_netns(prepare=None):
    """A descriptor of a netns that nobody is in."""
    back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    nsutil.unshare(nsutil.CLONE_NEWNET)
    try:
        fd = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        if prepare:
            prepare()
    finally:
        nsutil.setns(back)
        os.close(back)
    try:
        yield fd
    finally:
        os.close(fd)


def test_netns_of_a_peer(lab):
    """One that is fresh becomes a session, with all that belongs to it."""
    good = valid_request(lab)
    request = good[:6] + struct.pack("<H", RUN_IN) + good[8:]
    with unharmed(lab):
        with fresh_netns() as fd:
            status, text = ask_in(request, fd)
            assert status == OK, text
            back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
            try:
                nsutil.setns(fd)
                assert lab.curl() == lab.spare.addr
                assert lab.sysctl("net.ipv4.ping_group_range").split() != ["1", "0"]
            finally:
                nsutil.setns(back)
                os.close(back)
            again, text = ask_in(request, fd)
            assert again == REFUSED and "of session" in text, text


@needs("root")
def test_bad_netns_of_a_peer(lab):
    good = valid_request(lab)
    request = good[:6] + struct.pack("<H", RUN_IN) + good[8:]
    with unharmed(lab), contextlib.ExitStack() as stack:

        def opened(path):
            return stack.enter_context(open(path, "rb")).fileno()

        def used():
            lab.run("ip link set lo up", check=True)

        def taken():
            lab.run("ip link add eth0 type dummy || ip link add eth0 type bridge", check=True)

        def in_the_way():  # what is ours by name, and cannot become ours
            table = "table inet via_iface { chain names { type filter hook input priority 0; }; }"
            lab.nft(table)

        cases = [
            ((), "no descriptor of a netns"),
            ((opened("/dev/null"),), "no descriptor of a netns"),
            ((opened("/proc/self/ns/mnt"),), "is of no netns"),
            ((opened("/proc/self/ns/user"),), "is of no netns"),
            ((os.open("/proc/self/ns/net", os.O_PATH | os.O_CLOEXEC),), "is of no netns"),
            ((opened("/proc/self/ns/net"),), "host"),
            ((stack.enter_context(fresh_netns(used)),), "device 'lo'"),
            ((stack.enter_context(fresh_netns(taken)),), "device 'eth0'"),
            ((stack.enter_context(fresh_netns(in_the_way)),), "names"),
        ]
        for fds, words in cases:
            status, text = ask_in(request, *fds)
            assert status == REFUSED and words in text, (words, text)
            assert len(ports()) == 1, (words, ports())
        os.close(cases[4][0][0])
        stack.close()
