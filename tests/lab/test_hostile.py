"""Attacks by a plain user whom the policy lets in: on the host, on the daemon, and on others."""

import contextlib
import os
import signal
import socket
import struct

import hostile
from hostile import ATTACH, BUSY, EXEC, OK, REFUSED, RUN_IN, Actor, message
from lab import Skip, needs, params
from test_access import NETDEV, Site

ALICE, BOB = 1000, 1001


def site(lab, *daemon, **policy):
    """The programs installed; alice and bob are let in by the policy."""
    s = Site(lab, *daemon)
    lines = {"uplinks": "*", "attach": "yes", **policy}
    s.policy("[%netdev]\n" + "".join(f"{k} = {v}\n" for k, v in lines.items()))
    return s


def alice(userns=False):
    return Actor(ALICE, [NETDEV], userns)


def bob(userns=False):
    return Actor(BOB, [NETDEV], userns)


# --- into a namespace of others -----------------------------------------------------------------


def netns_with_inode(lab, inode):
    """Makes namespaces of root's until one has that inode, as the kernel gives numbers again; the
    end of a namespace takes a while. None when somebody else on this machine got it."""
    made = []

    def try_once():
        made.append(f"victim{len(made)}")
        lab.run(["ip", "netns", "add", made[-1]], check=True)
        return os.stat(f"/run/netns/{made[-1]}").st_ino == inode

    try:
        lab.wait(try_once, 5, step=0.05)
    except AssertionError:
        made.append(None)
    for name in made[:-1]:
        lab.run(["ip", "netns", "del", name], check=True)
    return f"/run/netns/{made[-1]}" if made[-1] else None


@needs("root", "tool:setcap", "tool:setpriv")
def test_exec_into_a_number_used_again(lab):
    """A session's device is moved on, its namespace ends, and its number becomes that of a
    namespace of root's, which anybody may open by its name: it is no way in."""
    site(lab)
    for _ in range(5):
        with alice(userns=True) as a:
            if number_used_again(lab, a):
                return
    raise AssertionError("the number of a namespace was never used again")


def number_used_again(lab, a):
    inode = a.do(hostile.new_netns, "first")
    status, text, ident, _ = a.do(hostile.ask_with, message(RUN_IN), "first")
    assert status == OK, text
    assert a.do(hostile.ask_with, message(EXEC, ident=ident), "first")[0] == OK
    a.do(hostile.new_netns, "second")
    a.do(hostile.go_to, "first")
    a.do(move_device, "eth0", "second")
    a.do(hostile.go_to, "second")
    a.do(hostile.drop, "first")
    victim = netns_with_inode(lab, inode)
    if not victim:
        return False
    assert lab.link_exists(f"viap{ident}"), "the session is still there"
    a.do(hostile.keep_open, "victim", victim)
    answer = a.do(hostile.ask_with, message(EXEC, ident=ident), "victim")
    assert answer[0] == REFUSED and answer[3] == [], answer
    assert a.do(hostile.ask_with, message(EXEC, ident=ident), "second")[0] == REFUSED
    # nor does root end root's programs when it stops that session
    program = lab.popen(["nsenter", f"--net={victim}", "sh", "-c", "echo ready; exec cat"])
    program.expect("ready\n")
    done = lab.via("stop", ident)
    assert done.code == 0 and not lab.link_exists(f"viap{ident}"), done
    assert program.running(), "a program of root's was ended"
    program.finish()
    return True


def move_device(dev, name):
    """`ip link set DEV netns`, by a descriptor."""
    code, out, err = hostile.sh_with(f"ip link set {dev} netns /proc/self/fd/{{fd}}", name)
    assert code == 0, out + err
# --- what others wait for -----------------------------------------------------------------------


def send_and_go(*messages):
    """Pairs of a request and a name; nobody waits for an answer."""
    with hostile.connect() as sock:
        for request, name in messages:
            socket.send_fds(sock, [request], [hostile.held[name]])
        hostile.readable(sock, 0.2)


def answers(lab, limit=5):
    """A launch of root's goes through, as fast as ever."""
    done = lab.via(lab.spare, "--", "true", timeout=limit)
    assert done.code == 0, done


ALL_OPS = (*range(hostile.RUN, hostile.OP_END), 77)


@needs("root", "tool:setcap", "tool:setpriv")
def test_descriptor_of_a_filesystem_that_never_answers(lab):
    """Whatever the daemon asked of such a file, were it only to close it, it would wait for ever."""
    s = site(lab)
    if not os.access("/dev/fuse", os.W_OK):
        raise Skip("needs /dev/fuse")
    with alice() as a, hostile.hanging_file(f"{lab.tmp}/fuse") as (path, told):
        a.do(hostile.keep_open, "file", path, look=False)
        for op in ALL_OPS:
            a.do(send_and_go, (message(op, ident=1), "file"))
            answers(lab)
        assert hostile.readable(told, 5), "somebody does wait"
        a.do(send_and_go, (message(RUN_IN), "file"))
        # four children that serve her are stuck now, and others are still served
        assert a.do(hostile.ask_with, message(RUN_IN), "file")[0] == BUSY
        with bob(userns=True) as b:
            b.do(hostile.new_netns, "own")
            assert b.do(hostile.ask_with, message(RUN_IN), "own")[0] == OK
        assert not [f for f in open_files(s.daemon.pid) if f.startswith(lab.tmp)]


def open_files(pid):
    found = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found.append(os.readlink(f"/proc/{pid}/fd/{fd}"))
    return found


def lingering(name, address):
    """A TCP socket whose last close waits an hour for what its peer does not read."""
    sock = socket.create_connection(address)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 3600))
    sock.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            sock.send(bytes(65536))
    hostile.held[name] = sock.detach()


@needs("root", "tool:setcap", "tool:setpriv")
@params("read", "unread", "busy", "follower", "gone")
def test_socket_that_lingers(lab, case):
    """Nor is the daemon the one who closes such a socket last."""
    s = site(lab)
    with socket.create_server(("127.0.0.1", 0)) as server, alice() as a:
        for op in ALL_OPS if case == "read" else (hostile.FOLLOW, hostile.STOP, RUN_IN):
            a.do(lingering, "socket", server.getsockname())
            if case == "follower":
                a.do(follow, "connection")
            elif case == "busy":
                a.do(connect_often, 16)
            answers(lab)
            os.kill(s.daemon.pid, signal.SIGSTOP)
            try:
                a.do(let_go_of, case, message(op, ident=1), "socket")
            finally:
                os.kill(s.daemon.pid, signal.SIGCONT)
            answers(lab)
            a.do(hang_up)


def follow(name):
    sock = hostile.connect()
    sock.send(message(hostile.FOLLOW))
    assert hostile.receive(sock).status == OK
    hostile.held[name] = sock.detach()


def connect_often(n):
    for i in range(n):
        hostile.held[f"idle{i}"] = hostile.connect().detach()


def hang_up():
    for name in list(hostile.held):
        hostile.drop(name)


def let_go_of(case, request, name):
    """The last descriptor of a socket is on its way to the daemon, in one way or another."""
    if case == "follower":
        sock = socket.socket(fileno=hostile.held["connection"])
    else:
        sock = hostile.connect()
    if case == "unread":
        sock.send(request)
    socket.send_fds(sock, [request], [hostile.held[name]])
    hostile.drop(name)
    if case == "gone":
        sock.close()
    elif case != "follower":
        hostile.held["connection"] = sock.detach()
    else:
        sock.detach()
