"""A service manager that listens on an abstract socket (NOTIFY_SOCKET=@...) gets what a service in a session
sends, with its process id and descriptors, as sd_notify(3) has it."""

import array
import os
import select
import socket
import struct

from lab import needs, params

NAME = "lab-notify"

SERVICE = """
import array, os, select, socket, sys
path = os.environ["NOTIFY_SOCKET"]
assert path[0] == "/", path
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.connect(path)
def send(text, *fds):
    s.sendmsg([text.encode()], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else [])
send("READY=1")
with open(sys.argv[1]) as f:
    send("FDSTORE=1\\nFDNAME=kept", f.fileno())
ours, theirs = os.pipe()
send("BARRIER=1", theirs)
os.close(theirs)
print("barrier", select.select([ours], [], [], 20)[0] == [ours] and os.read(ours, 1), flush=True)
send("x" * 5000)
input()
send("STOPPING=1")
"""


class Manager:
    """As systemd's manager: a datagram socket that asks for the credentials of who sends."""

    def __init__(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        self.sock.bind("\0" + NAME)

    def next(self):
        """(text, pid, uid, descriptors)"""
        assert select.select([self.sock], [], [], 20)[0], "nothing comes"
        text, control, _, _ = self.sock.recvmsg(1 << 16, 4096)
        fds, pid, uid = array.array("i"), None, None
        for _, kind, data in control:
            if kind == socket.SCM_RIGHTS:
                fds.frombytes(data)
            else:
                pid, uid, _ = struct.unpack("iII", data)
        return text.decode(), pid, uid, list(fds)


def directories(*places):
    return [n for p in places if os.path.isdir(p) for n in os.listdir(p) if n.startswith("via-iface-")]


@needs("root")
@params("root", "user")
def test_abstract(lab, who):
    manager = Manager()
    kept = os.path.join(lab.tmp, "kept")
    with open(kept, "w") as f:
        f.write("what was kept")
    options = [] if who == "root" else ["--user", "nobody"]
    os.chmod(lab.tmp, 0o755)
    before = directories("/tmp", "/run/user/0")
    process = lab.via_popen(
        *options, lab.spare, "--", "/usr/bin/python3", "-c", SERVICE, kept,
        env={"NOTIFY_SOCKET": f"@{NAME}", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    text, pid, uid, fds = manager.next()
    assert (text, fds) == ("READY=1", []), text
    if who == "root":  # a manager may take what the main process sends alone
        assert (pid, uid) == (process.pid, 0), (pid, uid)
    else:  # who may not say another's process id says their own: NotifyAccess=all
        assert pid != process.pid and uid == 65534, (pid, uid)
    text, _, _, fds = manager.next()
    assert text == "FDSTORE=1\nFDNAME=kept" and len(fds) == 1, (text, fds)
    with open(fds[0]) as f:
        assert f.read() == "what was kept"
    text, _, _, fds = manager.next()
    assert text == "BARRIER=1" and len(fds) == 1, (text, fds)
    os.close(fds[0])  # the last copy: the service goes on
    process.expect("barrier b''\n")
    assert manager.next()[0] == "x" * 5000
    process.write("\n")
    done = process.finish()
    assert done.code == 0 and not done.err, done
    assert manager.next()[0] == "STOPPING=1"
    lab.wait_gone()
    lab.wait(lambda: directories("/tmp", "/run/user/0") == before, 5, "the end of the helper")


@needs("root")
def test_path(lab):
    """A socket with a path is reached as it is: no helper is started, and the variable stays."""
    done = lab.via(lab.spare, "--", "sh", "-c", "echo $NOTIFY_SOCKET", env={"NOTIFY_SOCKET": "/run/lab/x"}, check=True)
    assert done.out == "/run/lab/x\n" and not done.err, done
    assert not lab.processes("via-iface-bus")
