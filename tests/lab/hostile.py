"""What an attacker needs: messages made by hand, and processes of another user that do as told.

An Actor is a process of its own with a user's identity. It runs functions of the tests by name, with
its own view of namespaces and descriptors; what it opens it keeps, under a name.
"""

import contextlib
import fcntl
import multiprocessing
import os
import re
import select
import signal
import socket
import struct
import subprocess
import time
import traceback

import nsutil
from lab import ROOT

SOCKET = "/run/via-iface/socket"
MAGIC = 0x76696131
with open(os.path.join(ROOT, "src/ipc/msg.h"), encoding="utf-8") as header:
    VERSION = int(re.search(r"^#define MSG_VERSION (\d+)u", header.read(), re.M).group(1))
RUN, RUN_IN, MOVE, PAUSE, RESUME, STOP, EXEC, SUBSCRIBE, ATTACH, PROBE, EXPLAIN, LOG, CAPTURE, FLOWS, OP_END = range(1, 16)
OK, REFUSED, BUSY, SEND = 0, 1, 2, 3
SELF = 0xFFFFFFFF
LIST = 4 + 16 * 9 + 160  # bytes of a list of uplinks
SIZE = 8 + 16 + 8 + 32 + 8 * 24 + LIST + 36 + 16 + 16 + 36 + 1 + 3 * 17  # of the largest request
REPLY_HEAD = 8 + 4 + 4

NO_IPV6, NO_LAN, HOST_ACCESS, KEEP, PAUSED, ATTACHED, REPLACE_ROUTE = (1 << n for n in range(7))

NS_GET_USERNS = 0xB701


KINDS = {b"ethernet": 0, b"wifi": 1, b"wwan": 2, b"vpn": 3}


def uplink_list(text):
    """The bytes of a list of uplinks (src/model/uplink_list.h), also of one that is none."""
    text = text if isinstance(text, bytes) else text.encode()
    words, taken = [], b""
    for word in re.split(rb"(?<!\\),", text) if text else []:
        word = re.sub(rb"\\(.)", rb"\1", word)
        mac = re.fullmatch(rb"mac:((?:[0-9A-Fa-f]{2}:){5}[0-9A-Fa-f]{2})", word)
        kind = 2 if word.startswith(b"ssid:") else 3 if word.startswith(b"mac:") else int(word in KINDS)
        value = bytes.fromhex(mac[1].decode().replace(":", "")) if mac else bytes(6)
        words.append(bytes([kind, KINDS.get(word, 0)]) + value + bytes([len(taken) & 255]))
        taken += word + b"\0"
    return struct.pack("<I", len(words)) + b"".join(words).ljust(16 * 9, b"\0") + taken[:160].ljust(160, b"\0")


def ask_with_netns(op, number, netns):
    """The descriptor of the daemon's answer to who proves a session's netns, or the words of its refusal."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(10)
        sock.connect(SOCKET)
        message = struct.pack("<IHHI", MAGIC, VERSION, op, number)
        sock.send(message)
        data, fds = sock.recv(4096), []
        if struct.unpack_from("=I", data, 8)[0] == SEND:
            socket.send_fds(sock, [message[:8]], [netns])
            data, fds, _, _ = socket.recv_fds(sock, 4096, 1)
        return fds[0] if fds else data[52:820].partition(b"\0")[0].decode()


def message(
    op, uplinks="wlp6s0", name="x", device="", flags=0, mtu=0, ident=0, owner=SELF, dns=(), program="", share="", ports=b"", rates=(0, 0),
    published=b""
):
    """The bytes of a request (src/ipc/msg.h)."""

    def text(value, size):
        return (value if isinstance(value, bytes) else value.encode()).ljust(size, b"\0")

    head = struct.pack("<IHH", MAGIC, VERSION, op)
    if op == SUBSCRIBE:
        return head
    if op == LOG:
        return head + struct.pack("<QQ", ident, flags)
    if op in (PAUSE, RESUME, STOP, EXEC, CAPTURE, FLOWS):
        return head + struct.pack("<I", ident)
    if op == MOVE:
        return head + struct.pack("<I", ident) + uplink_list(uplinks)
    if op == EXPLAIN:
        return head + struct.pack("<II", ident, flags) + uplink_list(uplinks)
    if op == PROBE:
        return head + struct.pack("<II", ident, flags) + text(uplinks, 16)
    servers = b"".join(b"\x02" + socket.inet_aton(ip) + bytes(12) for ip in dns)
    body = head + struct.pack("<IIII", flags, mtu, ident, owner)
    body += struct.pack("<II", *rates) + ports.ljust(32, b"\0")
    body += published.ljust(8 * 24, b"\0") + uplink_list(uplinks) + text(name, 36) + text(device, 16) + text(share, 16) + text(program, 36)
    return body + bytes([len(dns)]) + servers.ljust(3 * 17, b"\0")


ALL_OPS = (*range(RUN, OP_END), 77)


class Answer:
    def __init__(self, data, fds):
        self.fds = fds
        self.status, self.id = struct.unpack_from("<II", data, 8)
        self.name = data[REPLY_HEAD:][:36].split(b"\0")[0].decode(errors="replace")
        self.text = data[REPLY_HEAD + 36 :].split(b"\0")[0].decode(errors="replace")

    def __repr__(self):
        return f"<{self.status} {self.name!r} {self.text!r} {len(self.fds)} descriptors>"


def connect(timeout=20):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(timeout)
    try:
        sock.connect(SOCKET)
    except OSError:
        sock.close()
        raise
    return sock


def receive(sock):
    """The Answer; None when it hung up."""
    try:
        data, fds, _, _ = socket.recv_fds(sock, 65536, 8)
    except ConnectionResetError:  # with something of ours unread
        return None
    return Answer(data, fds) if data else None


SO_PASSRIGHTS = 83


def can_refuse_descriptors():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        try:
            sock.getsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS)
            return True
        except OSError:
            return False


def take_descriptors(pid):
    """That daemon's socket takes descriptors from everybody, as before Linux 6.16."""
    if not can_refuse_descriptors():
        return
    pidfd = os.pidfd_open(pid)
    for name in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):  # no socket, or closed meanwhile
            sock = socket.socket(fileno=nsutil.pidfd_getfd(pidfd, int(name)))
            if sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.setsockopt(socket.SOL_SOCKET, SO_PASSRIGHTS, 1)
    os.close(pidfd)


def exchange(sock, request, fds=()):
    """The Answer, for which the descriptors are sent when the daemon asks for them."""
    sock.send(request)
    answer = receive(sock)
    if answer and answer.status == SEND:
        socket.send_fds(sock, [request[:8]], list(fds))
        answer = receive(sock)
    return answer


def ask(request, *fds):
    with connect() as sock:
        answer = exchange(sock, request, fds)
    for fd in answer.fds if answer else ():
        os.close(fd)
    return answer


def netns_inode(fd=None):
    st = os.stat("/proc/thread-self/ns/net") if fd is None else os.fstat(fd)
    return st.st_ino


# --- actors -------------------------------------------------------------------------------------

held = {}  # of this process: what its functions keep between calls


def _act(pipe, uid, groups, userns):
    try:
        nsutil.die_with_parent()
        if uid is not None:
            os.setgroups(list(groups))
            os.setresgid(uid, uid, uid)
            os.setresuid(uid, uid, uid)
            nsutil.dumpable()
            nsutil.die_with_parent()
        if userns:
            nsutil.unshare(nsutil.CLONE_NEWUSER | nsutil.CLONE_NEWNET)
        pipe.send((True, None))
        while True:
            function, args, kwargs = pipe.recv()
            try:
                pipe.send((True, function(*args, **kwargs)))
            except BaseException:
                pipe.send((False, traceback.format_exc()))
    except EOFError:
        pass
    except BaseException as error:
        with contextlib.suppress(OSError):
            pipe.send((False, repr(error)))
    finally:
        os._exit(0)


class Actor:
    def __init__(self, uid=None, groups=(), userns=False):
        self.pipe, theirs = multiprocessing.Pipe()
        self.pid = os.fork()
        if self.pid == 0:
            self.pipe.close()
            _act(theirs, uid, groups, userns)
        theirs.close()
        self._result()
        if userns:  # root of its own user namespace, by the number it had
            maps = f"0 {uid} 1\n1 100000 1\n"
            for name, text in (("setgroups", "deny"), ("uid_map", maps), ("gid_map", maps)):
                with open(f"/proc/{self.pid}/{name}", "w") as f:
                    f.write(text)

    def _result(self):
        good, value = self.pipe.recv()
        assert good, value
        return value

    def start(self, function, *args, **kwargs):
        self.pipe.send((function, args, kwargs))

    def wait(self):
        return self._result()

    def do(self, function, *args, **kwargs):
        self.start(function, *args, **kwargs)
        return self._result()

    def signal(self, number):
        os.kill(self.pid, number)

    def end(self):
        if self.pid:
            self.pipe.close()
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
            self.pid = 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.end()


# What actors are told to do. Descriptors go by names in `held`.


def keep_open(name, path, flags=os.O_RDONLY, look=True):
    held[name] = os.open(path, flags | os.O_CLOEXEC)
    return os.fstat(held[name]).st_ino if look else None


def keep_logs(number):
    """Asks for the log so often, keeps all answers, and returns how large they are at the end."""
    kept = []
    for _ in range(number):
        with connect() as sock:
            answer = exchange(sock, message(LOG))
            if answer and answer.status == OK:
                kept += answer.fds
    return [os.fstat(fd).st_size for fd in kept]


def keep_pipe(name):
    held[name], held[f"{name} too"] = os.pipe()


def keep_socket(name):
    held[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM).detach()


def say(name, request, *names):
    """To a connection that is kept; nobody waits for an answer."""
    sock = socket.socket(fileno=held[name])
    try:
        socket.send_fds(sock, [request], [held[n] for n in names])
    finally:
        sock.detach()


def loop(commands, pace):
    """All of them each `pace` seconds, until kill_all(): shells that have one byte of a pipe for each time.
    Without a pace they would take what they can of the processor, from those who are to be seen at work."""
    reader, writer = os.pipe()
    shells = [
        subprocess.Popen(
            ["sh", "-c", f"while read -r _; do {command}; done"],
            stdin=reader, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        ).pid
        for command in commands
    ]  # fmt: skip
    pacer = os.fork()
    if pacer == 0:
        try:
            nsutil.die_with_parent()
            while True:
                os.write(writer, b"\n" * len(commands))
                time.sleep(pace)
        finally:
            os._exit(0)
    os.close(reader)
    os.close(writer)
    return [*shells, pacer]


def kill_all(pids):
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def rename(name):
    """This process."""
    with open("/proc/self/comm", "wb") as f:
        f.write(name)


def replace(name, by):
    drop(name)
    held[name] = held.pop(by)


def drop(name):
    os.close(held.pop(name))


def sh(command, text=""):
    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, input=text)
    return done.returncode, done.stdout, done.stderr


def sh_with(command, name):
    """{fd} in the command is the number of what goes by that name."""
    fd = held[name]
    done = subprocess.run(
        ["sh", "-c", command.format(fd=fd)], capture_output=True, text=True, pass_fds=(fd,)
    )
    return done.returncode, done.stdout, done.stderr


def ask_with(request, *names):
    """(status, text) of an answer, and the inodes of what came with it; None when it hung up."""
    with connect() as sock:
        answer = exchange(sock, request, [held[n] for n in names])
    if not answer:
        return None
    inodes = [os.fstat(fd).st_ino for fd in answer.fds]
    for fd in answer.fds:
        os.close(fd)
    return answer.status, answer.text, answer.id, inodes


def new_netns(name):
    """Makes a netns and stays in it; keeps a descriptor."""
    nsutil.unshare(nsutil.CLONE_NEWNET)
    return keep_open(name, "/proc/thread-self/ns/net")


def new_userns():
    nsutil.unshare(nsutil.CLONE_NEWUSER)


def go_to(name):
    nsutil.setns(held[name])


def userns_of(name, to):
    held[to] = fcntl.ioctl(held[name], NS_GET_USERNS)


def readable(fd, seconds):
    return bool(select.select([fd], [], [], seconds)[0])


# --- a filesystem that never answers ------------------------------------------------------------

FUSE_LOOKUP, FUSE_GETATTR, FUSE_OPEN, FUSE_INIT = 1, 3, 14, 26
FUSE_QUIET = (2, 42, 18, 29)  # forget and its kin, release: nobody waits for an answer


def _serve_fuse(dev, told):
    """One file, `hang`. What is asked of it once it is open - a flush, its attributes, whatever - is
    never answered; `told` gets the number of each such question."""
    attr = struct.pack("<QQQQQQIIIIIIIIII", 2, 0, 0, 0, 0, 0, 0, 0, 0, 0o100666, 1, 0, 0, 0, 4096, 0)
    root = struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40777, 2, 0, 0, 0, 4096, 0)
    opened = False
    while True:
        data = os.read(dev, 1 << 17)
        _, op, unique, node = struct.unpack_from("<IIQQ", data)
        if op == FUSE_INIT:
            body = struct.pack("<IIIIHHIIHHI", 7, 31, 0, 0, 12, 10, 1 << 16, 1, 0, 0, 0) + bytes(28)
        elif op == FUSE_LOOKUP:
            body = struct.pack("<QQQQII", 2, 0, 0, 0, 0, 0) + attr
        elif op == FUSE_GETATTR and (node == 1 or not opened):
            body = struct.pack("<QII", 0, 0, 0) + (root if node == 1 else attr)
        elif op == FUSE_OPEN:
            opened = True
            body = struct.pack("<QII", 1, 0, 0)
        elif op in FUSE_QUIET:
            continue
        else:
            os.write(told, bytes([op]))
            continue
        os.write(dev, struct.pack("<IiQ", 16 + len(body), 0, unique) + body)


@contextlib.contextmanager
def hanging_file(directory):
    """A path, and a descriptor that tells what is waited for. Afterwards nobody waits any more."""
    os.makedirs(directory, exist_ok=True)
    dev = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    told, tell = os.pipe()
    options = f"fd={dev},rootmode=40000,user_id=0,group_id=0,allow_other"
    nsutil.mount("hostile", directory, "fuse", nsutil.MS_NOSUID | nsutil.MS_NODEV, options)
    server = os.fork()
    if server == 0:
        try:
            nsutil.die_with_parent()
            _serve_fuse(dev, tell)
        finally:
            os._exit(1)
    os.close(dev)
    os.close(tell)
    try:
        yield os.path.join(directory, "hang"), told
    finally:
        os.kill(server, signal.SIGKILL)  # the connection is aborted, and all who wait go on
        os.waitpid(server, 0)
        os.close(told)
        subprocess.run(["umount", "-l", directory], check=False)


# --- what enter is handed -----------------------------------------------------------------------


def handover(request, argv, netns=-1, uid=None, envp=("PATH=/usr/sbin:/usr/bin:/sbin:/bin",)):
    """A memfd as via-iface leaves it to enter (src/launch/handover.h), and its descriptor."""
    args, env = (b"".join(w.encode() + b"\0" for w in words) for words in (argv, envp))
    head = struct.pack("<II", 0x76696168, VERSION) + request.ljust(SIZE, b"\0")
    head += bytes(-len(head) % 8)  # as the union of requests is aligned
    head += struct.pack("<IIQQ", len(argv), len(envp), len(args), len(env))
    head += struct.pack("<QQIi", 8 << 20, 8 << 20, 0, 0)
    user = (1, uid, uid, 0) if uid is not None else (0, 0, 0, 0)
    head += struct.pack("<IIII", *user) + bytes(256 * 4)
    head += struct.pack("<IIIiiiiI", 0, 0, 1, netns, -1, -1, -1, 0)
    fd = os.memfd_create("handover", 0)
    os.write(fd, head + args + env)
    os.set_inheritable(fd, True)
    return fd


def enter(path, request, argv, name=None, uid=None):
    """Runs via-iface-enter by hand; (status, output, errors)."""
    fd = handover(request, argv, held[name] if name else -1, uid)
    fds = [fd, *([held[name]] if name else [])]
    done = subprocess.run([path, str(fd)], capture_output=True, text=True, pass_fds=fds, timeout=30)
    os.close(fd)
    return done.returncode, done.stdout, done.stderr


def serve_falsely(path, name, size):
    """A daemon of our own, at that path, that hands out what goes by that name; forks. Its answers
    are of that size."""
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listener.bind(path)
    listener.listen()
    if os.fork():
        listener.close()
        return
    nsutil.die_with_parent()
    while True:
        sock, _ = listener.accept()
        data = sock.recv(65536)
        text = struct.pack("<IHHII", MAGIC, VERSION, data[6], OK, 1) + b"x".ljust(36, b"\0")
        socket.send_fds(sock, [text.ljust(size, b"\0")], [held[name]])


def reply_size():
    """Of an answer of the real daemon."""
    with connect() as sock:
        sock.send(message(STOP, ident=99999999))
        return len(sock.recv(65536))
