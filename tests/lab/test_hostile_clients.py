"""Attacks by a plain user whom the policy lets in: on the host, on the daemon, and on others."""

import contextlib
import os
import random
import re
import signal
import socket
import struct
import time

import hostile
import nsutil
from hostile import ATTACH, BUSY, EXEC, OK, REFUSED, RUN_IN, SEND, Actor, message
from lab import Skip, alone, needs, params, sanitized, timeout
from test_who_may import NETDEV, Polkit, Site
from test_survives_kills import asking, ports, works

ALICE, BOB = 1000, 1001
ANSWERS_MAX = 16  # daemon/answers.h


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


@contextlib.contextmanager
def lower_numbers_taken(lab, inode):
    """Until the kernel gives that number of a namespace again: it gives the lowest that is free
    (fs/proc/generic.c:proc_alloc_inum), so all below are held, by namespaces that cost nothing to make
    (UTS). The number itself is free again when this is entered."""
    own, held = os.open("/proc/thread-self/ns/uts", os.O_RDONLY), []

    def free_again():
        """Takes lower ones until there is none; whether this one came then."""
        number = 0
        while number < inode:
            nsutil.unshare(nsutil.CLONE_NEWUTS)
            fd = os.open("/proc/thread-self/ns/uts", os.O_RDONLY)
            nsutil.setns(own, nsutil.CLONE_NEWUTS)
            number = os.fstat(fd).st_ino
            if number < inode:
                held.append(fd)
            else:
                os.close(fd)
        return number == inode

    try:
        lab.wait(free_again, 20, "the end of a namespace")
        yield
    finally:
        for fd in (own, *held):
            os.close(fd)


def netns_with_inode(lab, inode):
    """A namespace of root's with that inode; None when somebody else on this machine got it."""
    with lower_numbers_taken(lab, inode):
        lab.netns("victim")
    path = "/run/netns/victim"
    if os.stat(path).st_ino == inode:
        return path
    lab.drop_netns("victim")
    return None


@needs("root", "tool:setcap", "tool:setpriv")
def test_exec_into_a_number_used_again(lab):
    """A session's device is moved on, its namespace ends, and its number becomes that of a
    namespace of root's, which anybody may open by its name: it is no way in."""
    site(lab)
    for _ in range(20):
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
@needs("root", "tool:setcap", "tool:setpriv", "tool:dbus-daemon")
def test_parked_with_a_netns(lab):
    """While polkit is asked the namespace waits along; the answer is about that one."""
    polkit = Polkit(lab, "hold")
    s = Site(lab)
    with Actor(1002, userns=True) as carol:
        carol.do(hostile.new_netns, "own")
        for op in (ATTACH, RUN_IN):
            for answer in ("no", "yes"):
                before = len(open_files(s.daemon.pid))
                carol.start(hostile.ask_with, message(op), "own")
                polkit.next(call="check")
                polkit.tell(f"answer {answer}")
                status, text, ident, _ = carol.wait()
                assert status == (OK if answer == "yes" else REFUSED), text
                if status == OK:
                    assert uids(lab) == {1002}
                    assert carol.do(hostile.ask_with, message(hostile.STOP, ident=ident))[0] == OK
                    carol.do(hostile.new_netns, f"next {op}")
                    carol.do(hostile.replace, "own", f"next {op}")
                lab.wait(lambda: len(open_files(s.daemon.pid)) <= before + 1, 5, "its descriptors")


def refused(lab, actor, request, *names, words=""):
    """The daemon says no, hands nothing out and makes nothing."""
    before = ports()
    answer = actor.do(hostile.ask_with, request, *names)
    assert answer and answer[0] == REFUSED and answer[3] == [], (request[6], names, answer)
    assert words in answer[1], answer
    assert ports() == before, (names, ports())
    return answer


@needs("root", "tool:setcap", "tool:setpriv")
def test_netns_of_others(lab):
    """Neither a way out for it nor a way in, whatever the descriptor."""
    s = site(lab)
    lab.run(["ip", "netns", "add", "roots"], check=True)
    lab.run(["ip", "netns", "add", "gone"], check=True)
    hosts = "/run/netns/hosts"
    hostile.write(hosts, "")
    lab.run(["mount", "--bind", "/proc/self/ns/net", hosts], check=True)
    held = s.via_popen("alice", lab.spare, "--", "sh", "-c", "echo in; exec cat", groups=[NETDEV])
    held.expect("in\n")
    bobs = s.via_popen("bob", lab.spare, "--", "sh", "-c", "echo in; exec cat", groups=[NETDEV])
    bobs.expect("in\n")
    ids = {x["uid"]: x["id"] for x in lab.via("list", "--json", check=True).json()}
    with alice(userns=True) as a, bob(userns=True) as b:
        b.do(hostile.new_netns, "own")
        a.do(hostile.new_netns, "own")
        a.do(hostile.keep_open, "host", "/proc/thread-self/ns/net")
        a.do(hostile.go_to, "host")
        for name, path in (
            ("roots", "/run/netns/roots"),
            ("gone", "/run/netns/gone"),
            ("bound", hosts),
            ("mnt", "/proc/self/ns/mnt"),
            ("uts", "/proc/self/ns/uts"),
            ("time", "/proc/self/ns/time"),
            ("user", "/proc/self/ns/user"),
            ("file", "/etc/passwd"),
            ("null", "/dev/null"),
            ("folder", "/run/netns"),
        ):
            a.do(hostile.keep_open, name, path)
        a.do(hostile.keep_open, "path", "/run/netns/roots", os.O_PATH)
        a.do(hostile.keep_pipe, "pipe")
        a.do(hostile.keep_socket, "socket")
        for path in ("/proc/1/ns/net", f"/proc/{b.pid}/ns/net", f"/proc/{s.daemon.pid}/ns/net"):
            code, _, err = a.do(hostile.sh, f"exec 3< {path}")
            assert code and "Permission denied" in err, (path, err)
        lab.run(["ip", "netns", "del", "gone"], check=True)
        whose, none, missing = "is of uid 0", "is of no netns", "has no descriptor"
        cases = {
            "roots": whose, "gone": whose, "bound": "", "mnt": none, "uts": none,
            "time": none, "user": none, "file": missing, "null": missing,
            "folder": missing, "path": none, "pipe": missing, "socket": missing,
        }  # fmt: skip
        for name, words in cases.items():
            for op in (ATTACH, RUN_IN):
                refused(lab, a, message(op), name, words=words)
            refused(lab, a, message(EXEC, ident=ids[ALICE]), name)
            refused(lab, a, message(EXEC, ident=ids[BOB]), name, words="belongs to uid 1001")
        for op in (ATTACH, RUN_IN, EXEC):
            refused(lab, a, message(op, ident=ids[ALICE]))
        # her own program's netns is root's by its making, and has a session already
        with alice() as plain:
            plain.do(hostile.keep_open, "session", f"/proc/{held.pid}/ns/net")
            for op in (ATTACH, RUN_IN):
                refused(lab, plain, message(op), "session", words="of session")
            refused(lab, plain, message(EXEC, ident=ids[BOB]), "session")
            assert plain.do(hostile.ask_with, message(EXEC, ident=ids[ALICE]), "session")[0] == OK
        # somebody else's below a user namespace of hers
        a.do(nested, "nested")
        for op in (ATTACH, RUN_IN):
            refused(lab, a, message(op), "nested", words="is of uid 100000")
    # as root, on whom the policy does not bear: never the host's
    for path in (hosts, "/proc/self/ns/net"):
        with open(path, "rb") as f:
            for op in (ATTACH, RUN_IN):
                answer = hostile.ask(message(op), f.fileno())
                assert answer.status == REFUSED and "the host's" in answer.text, (path, answer)
    for process in (held, bobs):
        process.finish()


def nested(name):
    """A netns whose user namespace somebody else made, in one that is ours."""
    ready, tell = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.setresuid(1, 1, 1)
            nsutil.dumpable()
            nsutil.unshare(nsutil.CLONE_NEWUSER | nsutil.CLONE_NEWNET)
            os.write(tell, b"!")
            signal.pause()
        finally:
            os._exit(1)
    assert os.read(ready, 1) == b"!"
    hostile.keep_open(name, f"/proc/{pid}/ns/net")
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def entered(lab, s, actor, request, name=None, **more):
    """Whether enter, started by hand, became the program; its status and errors otherwise."""
    script = ["/bin/sh", "-c", "echo entered; readlink /proc/self/ns/net; id -u"]
    return actor.do(hostile.enter, f"{s.bin}/via-iface-enter", request, script, name, **more)


@needs("root", "tool:setcap", "tool:setpriv")
def test_enter_started_by_hand(lab):
    """With its capability, and what the attacker puts into the memfd: in by the daemon's word only."""
    s = site(lab)
    lab.run(["ip", "netns", "add", "roots"], check=True)
    held = s.via_popen("alice", lab.spare, "--", "sh", "-c", "echo in; exec cat", groups=[NETDEV])
    held.expect("in\n")
    bobs = s.via_popen("bob", lab.spare, "--", "sh", "-c", "echo in; exec cat", groups=[NETDEV])
    bobs.expect("in\n")
    ids = {x["uid"]: x["id"] for x in lab.via("list", "--json", check=True).json()}
    netns = {x["uid"]: x["netns"] for x in lab.via("list", "--json", check=True).json()}
    with alice() as a:
        a.do(hostile.keep_open, "roots", "/run/netns/roots")
        a.do(hostile.keep_open, "host", "/proc/self/ns/net")
        a.do(hostile.keep_open, "session", f"/proc/{held.pid}/ns/net")
        code, out, err = entered(lab, s, a, message(EXEC, ident=ids[ALICE]), "session")
        assert (code, out) == (0, f"entered\nnet:[{netns[ALICE]}]\n1000\n"), (out, err)
        for op in hostile.ALL_OPS:
            for ident in (0, ids[ALICE], ids[BOB]):
                for name in ("roots", "host", None):
                    if op == hostile.RUN or (op == hostile.STOP and ident == ids[ALICE]):
                        continue  # which she may, and needs for what follows
                    code, out, err = entered(lab, s, a, message(op, ident=ident), name)
                    assert code == 125 and out == "", (op, ident, name, out, err)
        # nor as somebody else
        for uid in (0, BOB):
            for request in (message(hostile.RUN), message(EXEC, ident=ids[ALICE]), message(hostile.RUN, owner=uid)):
                code, out, err = entered(lab, s, a, request, "session", uid=uid)
                assert code == 125 and out == "", (uid, out, err)
        code, out, err = entered(lab, s, a, message(hostile.RUN, owner=BOB))
        assert (code, out.splitlines()[::2]) == (0, ["entered", "1000"]), (out, err)
        assert uids(lab) == {ALICE, BOB} and held.running()
        # the daemon's place is not hers to take
        for script in (
            "touch /run/via-iface/x", "ls /run/via-iface", "mv /run/via-iface/socket /tmp/x",
            "mkdir -p /run/via-iface/y", "exec 3< /run/via-iface; flock -n 3", "rm /run/via-iface/socket",
        ):  # fmt: skip
            code, _, err = a.do(hostile.sh, script)
            assert code and "denied" in err, (script, code, err)
    for process in (held, bobs):
        process.finish()


def uids(lab):
    return {x["uid"] for x in lab.via("list", "--json", check=True).json()}


@needs("root", "tool:setcap", "tool:setpriv")
def test_false_daemon(lab):
    """In a mount namespace of hers the socket's path may lead to her own daemon: where she can make
    one, enter has no capability."""
    s = site(lab)
    lab.run(["ip", "netns", "add", "roots"], check=True)
    with alice(userns=True) as a:
        a.do(hostile.keep_open, "roots", "/run/netns/roots")
        inode = os.stat("/run/netns/roots").st_ino
        size = a.do(hostile.reply_size)
        a.do(nsutil.unshare, nsutil.CLONE_NEWNS)
        code, _, err = a.do(hostile.sh, "mount -t tmpfs none /run/via-iface")
        assert code == 0, err
        a.do(hostile.serve_falsely, hostile.SOCKET, "roots", size)
        code, out, err = entered(lab, s, a, message(hostile.RUN))
        assert str(inode) not in out, (code, out, err)
        assert code == 125 and out == "", (code, out, err)


@needs("root", "tool:setcap", "tool:setpriv")
def test_sessions_of_others_by_hand(lab):
    """No word about a session but its owner's is heard; owner fields mean nothing."""
    s = site(lab)
    held = s.via_popen("alice", lab.spare, "--", "sh", "-c", "echo in; exec cat", groups=[NETDEV])
    held.expect("in\n")
    before = s.state()
    ident = lab.via("list", "--json", check=True).json()[0]["id"]
    with bob() as b:
        for op in (hostile.MOVE, hostile.PAUSE, hostile.RESUME, hostile.STOP, EXEC):
            for owner in (hostile.SELF, 0, ALICE, BOB):
                for flags in (0, hostile.PAUSED, 0xFFFFFFFF):
                    request = message(op, "enp7s0", ident=ident, owner=owner, flags=flags)
                    refused(lab, b, request, words="belongs to uid 1000")
        for ident in (0, 99999999, 0xFFFFFFFF):
            refused(lab, b, message(hostile.STOP, ident=ident), words="there is none")
        s.same(before)
        with bob(userns=True) as c:
            c.do(hostile.new_netns, "own")
            c.do(hostile.ask_with, message(RUN_IN, owner=0), "own")
            assert uids(lab) == {ALICE, BOB}, "it is whose socket it was"
    held.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_requests_that_are_none(lab):
    """Texts without an end, flags of nobody, names and devices with odd characters."""
    site(lab)
    with alice(userns=True) as a:
        a.do(hostile.new_netns, "own")
        bad = [
            {"name": n}
            for n in ("a b", "a\x1b[2J", "a\n", "", ".x", "a%41", "a\x7f", "é", "x" * 36, "a/b")
        ]
        bad += [{"uplinks": u} for u in ("", ",", "a b", "wlp6s0,", "wlp6s0,,enp7s0", "w\n", "a/b", "..", "x" * 160)]
        bad += [{"uplinks": u} for u in ("mac:zz", "ssid:", "wlp6s0,wlp6s0", "a" * 140)]
        bad += [{"flags": 1 << n} for n in range(3, 32) if n not in (6, 8, 9, 10, 11, 12, 13, 15, 16)]
        bad += [{"flags": 1 << 3 | 1 << 12}]  # KEEP, PENDING
        bad += [{"flags": 1 << 16 | 1 << 13}, {"flags": 1 << 16, "share": "x"}]  # PORTAL with JOIN, --share
        bad += [{"mtu": m} for m in (1, 67, 1279, 65536)]
        bad += [{"dns": ("0.0.0.0",)}, {"dns": ("224.0.0.1",)}]
        # --host-port: UDP that is neither, an order, a gap, twice, the name servers' port
        bad += [{"ports": struct.pack("<4H", *p)} for p in ((1, 2, 0, 0), (2, 0, 1, 0), (0, 0, 1, 0), (1, 0, 1, 0), (53, 1, 0, 0))]
        bad += [{"rates": r} for r in ((8000, 0), (0, 8000), (7999, 8000), (8000, 4000000001))]
        # --publish: no last port, backwards, beyond the end, no port inside, UDP that is neither, a gap, twice,
        # an address that no uplink has, more ports than may be
        one = struct.pack("<3HB17x", 6881, 6881, 6881, 0)
        odd = ((1, 0, 1, 0), (2, 1, 2, 0), (1, 9, 65530, 0), (1, 1, 0, 0), (1, 1, 1, 2), (0, 0, 1, 0), (1024, 1152, 1024, 0))
        bad += [{"published": struct.pack("<3HB17x", *p)} for p in odd]
        bad += [{"flags": 1 << 16, "published": one}, {"flags": 1 << 16, "ports": struct.pack("<4H", 1, 0, 0, 0)}]
        bad += [{"published": p} for p in (bytes(24) + one, one + one, one[:7] + b"\x02\x7f\0\0\1", one[:7] + b"\7")]
        for fields in bad:
            for op in (hostile.RUN, RUN_IN, ATTACH):
                refused(lab, a, message(op, **fields), *([] if op == hostile.RUN else ["own"]))
        for device in ("a b", "..", "a/b", "all", "lo", "-x", "é", "x\n", "x" * 16):
            refused(lab, a, message(ATTACH, device=device), "own", words="")
        for op in (hostile.RUN, RUN_IN):
            refused(lab, a, message(op, device="eth7"), *([] if op == hostile.RUN else ["own"]))
            refused(lab, a, message(op, flags=hostile.REPLACE_ROUTE), *([] if op == hostile.RUN else ["own"]))


@needs("root", "tool:setcap", "tool:setpriv")
def test_alias_injection(lab):
    """What is odd in a list of uplinks stays one word of one line."""
    s = site(lab)
    words = ["ssid:a b", "ssid:%41%0a", "ssid:x 1 0 1 7 y", "ssid:via1 9 0 1 7 é"]
    line = ",".join(["wlp6s0", *words])
    with alice(userns=True) as a:
        a.do(hostile.new_netns, "own")
        for odd in ("\x1b[2J", "a\nb", "a\x7fb", "a\u009b2J"):
            refused(lab, a, message(ATTACH, f"wlp6s0,ssid:{odd}"), "own", words="read uplinks")
        answer = a.do(hostile.ask_with, message(ATTACH, line, name="mine"), "own")
        assert answer[0] == OK, answer
        a.do(hostile.rename, b"\x1b[2J\xc2\x9bx\n")
        sessions = lab.via("list", "--json", check=True).json()
        assert len(sessions) == 1 and sessions[0]["uid"] == ALICE and sessions[0]["name"] == "mine"
        assert sessions[0]["uplinks"] == ["wlp6s0", *words], sessions
        for verb in (["list"], ["status"]):
            text = lab.via(*verb, check=True).out
            assert not [c for c in text if ord(c) < 32 and c != "\n" or 127 <= ord(c) < 160], repr(text)
            assert "\nx" not in text, text
    assert s.daemon.running()


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(120)
@params("ports", "devices", "routes")
def test_crowded_netns(lab, case):
    """Names like ours, very many devices, a very long table: of no account to others."""
    site(lab)
    with alice(userns=True) as a:
        a.do(hostile.new_netns, "own")
        if case == "ports":
            lines = ["link add viap1 type veth peer name via0", "link add viap2 type bridge"]
        elif case == "devices":
            lines = [f"link add v{n} type veth peer name w{n}" for n in range(500)]
        else:
            lines = ["link set lo up"]
            lines += [f"route add 10.{n >> 8}.{n & 255}.0/24 dev lo" for n in range(20000)]
        text = "\n".join(lines) + "\n"
        code, _, err = a.do(hostile.sh, "ip -batch -", text)
        assert code == 0, err
        start = time.monotonic()
        answer = a.do(hostile.ask_with, message(ATTACH), "own")
        assert time.monotonic() - start < 1 * lab.scale, "others wait meanwhile"
        if case == "routes":
            # what is not read cannot be closed, nor left in use knowingly
            assert answer[0] == REFUSED and "more than 4096 routes" in answer[1], answer
            answer = a.do(hostile.ask_with, message(ATTACH, flags=hostile.REPLACE_ROUTE), "own")
            assert answer[0] == REFUSED and "more than 4096 routes" in answer[1], answer
            return
        assert answer[0] == OK, answer
        code, out, err = a.do(hostile.sh, f"curl -s --max-time 5 {lab.url}")
        assert out == lab.spare.addr + "\n", err
        refused(lab, a, message(RUN_IN), "own", words="of session")
        assert a.do(hostile.ask_with, message(hostile.STOP, ident=answer[2]))[0] == OK


@alone
@needs("root", "tool:setcap", "tool:setpriv")
@timeout(120)
def test_owner_who_meddles(lab):
    """Devices are moved and removed while they are made, events come by the thousand: each request
    has an answer, in time, and all is as before afterwards."""
    s = site(lab)
    held = asking(lab)
    s.held = 1
    before = s.settled()
    loops = (
        "ip link del eth0", "ip link set eth0 up", "ip link set eth0 down", "ip addr flush dev eth0",
        "ip -6 addr add fd00::7/64 dev lo; ip -6 addr del fd00::7/64 dev lo",
        "ip link set eth0 name eth9; ip link set eth9 name eth0", "ip link set eth0 address 02:00:00:00:00:01",
    )  # fmt: skip
    with alice(userns=True) as a, alice(userns=True) as other:
        a.do(hostile.new_netns, "own")
        other.do(hostile.new_netns, "own")
        a.do(hostile.sh, "ip link set lo up")
        pids = a.do(hostile.loop, loops, 0.01)
        times, good = [], 0
        for n in range(60):
            start = time.monotonic()
            answer = a.do(hostile.ask_with, message(ATTACH, name=f"a{n}"), "own")
            assert answer, "hung up on"
            if answer[0] == OK:
                good += 1
                a.do(hostile.ask_with, message(hostile.STOP, ident=answer[2]))
            start = time.monotonic()
            answers(lab)
            times.append(time.monotonic() - start)
        a.do(hostile.kill_all, pids)
    assert max(times) < 1 * lab.scale, times
    print(f"{good} attached, launches {sorted(times)[30] * 1000:.0f} ms, {max(times) * 1000:.0f} ms at most")
    difference = lab.difference(before, s.settled())
    assert not difference, difference
    works(lab, held)
    held.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_too_many_sessions(lab):
    """By whichever operation: the policy's number, and others still have theirs."""
    site(lab, sessions="5")
    with alice(userns=True) as a, bob(userns=True) as b:
        for n in range(5):
            a.do(hostile.new_netns, f"n{n}")
            op = ATTACH if n % 2 else RUN_IN
            assert a.do(hostile.ask_with, message(op), f"n{n}")[0] == OK
        a.do(hostile.new_netns, "more")
        for op in (ATTACH, RUN_IN):
            refused(lab, a, message(op), "more", words="you have 5 sessions already")
        refused(lab, a, message(hostile.RUN), words="you have 5 sessions already")
        b.do(hostile.new_netns, "own")
        assert b.do(hostile.ask_with, message(ATTACH), "own")[0] == OK


# --- what others wait for -----------------------------------------------------------------------


def send_and_go(request, name, asked):
    """With a descriptor, at once or when it is asked for; nobody waits for an answer to that."""
    fds = [hostile.held[name]]
    with hostile.connect() as sock:
        if asked:
            sock.send(request)
            answer = hostile.receive(sock)
            if answer and answer.status == SEND:
                socket.send_fds(sock, [request[:8]], fds)
        else:
            socket.send_fds(sock, [request], fds)
        hostile.readable(sock, 0.2)


def answers(lab, limit=5):
    """A launch of root's goes through, as fast as ever."""
    done = lab.via(lab.spare, "--", "true", timeout=limit)
    assert done.code == 0, done


def send_at_once(request, name):
    """What sendmsg(2) says to a descriptor that nobody asked for."""
    with hostile.connect() as sock:
        try:
            socket.send_fds(sock, [request], [hostile.held[name]])
        except PermissionError:
            return "refused"
        return hostile.receive(sock)


@needs("root", "tool:setcap", "tool:setpriv")
@params("refused", "taken")
def test_descriptors_that_nobody_asked_for(lab, case):
    """They do not even come into the daemon's queue, where the kernel can do that; elsewhere the
    daemon hangs up. It asks for one when the policy allows what it is for."""
    s = site(lab)
    if case == "refused" and not hostile.can_refuse_descriptors():
        raise Skip("needs SO_PASSRIGHTS (Linux 6.16)")
    if case == "taken":
        hostile.take_descriptors(s.daemon.pid)
    with alice(userns=True) as a, Actor(1002) as nobody:
        for op in hostile.ALL_OPS:
            a.do(hostile.new_netns, "own")
            said = a.do(send_at_once, message(op, ident=1), "own")
            assert said == ("refused" if case == "refused" else None), (op, said)
        nobody.do(hostile.keep_pipe, "pipe")
        for op in (RUN_IN, ATTACH, EXEC):
            answer = nobody.do(hostile.ask, message(op, ident=1))
            assert answer.status == REFUSED, (op, answer)
        assert a.do(hostile.ask_with, message(RUN_IN), "own")[0] == OK
        assert lab.processes("via-fd-receive") == []


@needs("root", "tool:setcap", "tool:setpriv")
@params("asked", "unasked")
def test_descriptor_of_a_filesystem_that_never_answers(lab, case):
    """Whatever the daemon asked of such a file, were it only to close it, it would wait for ever."""
    s = site(lab)
    if case == "unasked":
        hostile.take_descriptors(s.daemon.pid)
    if not os.access("/dev/fuse", os.W_OK):
        raise Skip("needs /dev/fuse")
    with alice() as a, hostile.hanging_file(f"{lab.tmp}/fuse") as (path, told):
        a.do(hostile.keep_open, "file", path, look=False)
        for op in hostile.ALL_OPS if case == "unasked" else [RUN_IN] * 4:
            a.do(send_and_go, message(op, ident=int(op != RUN_IN)), "file", case == "asked")
            answers(lab)
        if case == "unasked":
            lab.wait(lambda: lab.processes("via-fd-receive") == [], 5, "the end of who let go of it")
            return
        assert hostile.readable(told, 5), "somebody does wait"
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


def besides_answers(pid):
    """Without the answers to LOG, which a daemon holds for a while to take their memory back."""
    return [x for x in open_files(pid) if not x.startswith("/memfd:via-iface-log")]


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
@params("read", "unread", "busy", "subscriber", "gone")
def test_socket_that_lingers(lab, case):
    """Nor is the daemon the one who closes such a socket last."""
    s = site(lab)
    hostile.take_descriptors(s.daemon.pid)
    with socket.create_server(("127.0.0.1", 0)) as server, alice() as a:
        for op in hostile.ALL_OPS if case == "read" else (hostile.SUBSCRIBE, hostile.STOP, RUN_IN):
            a.do(lingering, "socket", server.getsockname())
            if case == "subscriber":
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


@needs("root", "tool:setcap", "tool:setpriv", "tool:strace")
def test_socket_that_lingers_beside_another_request(lab):
    """A child that receives bob's descriptor has a copy of alice's connection, and is the last to close it."""
    s = site(lab)
    hostile.take_descriptors(s.daemon.pid)
    with socket.create_server(("127.0.0.1", 0)) as server, alice() as a, bob(userns=True) as b:
        b.do(hostile.new_netns, "own")
        a.do(lingering, "socket", server.getsockname())
        a.do(follow, "connection")
        # each child is stopped as it has taken its name, and has not closed anything yet
        tracer = lab.popen(["strace", "-f", "-p", str(s.daemon.pid), "-o", "/dev/null", "-e", "trace=prctl",
                            "-e", "inject=prctl:signal=STOP:when=1"])  # fmt: skip
        lab.wait(lambda: f"TracerPid:\t{tracer.pid}\n" in status_of(s.daemon.pid), 10, "the tracer")
        b.start(hostile.ask_with, message(RUN_IN), "own")
        (child,) = lab.wait(lambda: lab.processes("via-fd-receive"), 10, "the child for bob")
        a.do(let_go_of, "subscriber", message(hostile.STOP, ident=1), "socket")
        (other,) = lab.wait(lambda: set(lab.processes("via-fd-receive")) - {child}, 10, "the child for alice")
        inherited = len(open_files(other))
        lab.wait(lambda: not let_go_on(other) or len(open_files(other)) < inherited / 2, 10, "that it has closed the rest")
        os.kill(child, signal.SIGCONT)  # once: another signal would end what it waits for
        assert b.wait()[0] == OK
        lab.wait(lambda: not lab.processes("via-fd-receive"), 10, "the end of both")
        a.do(hang_up)


def let_go_on(pid):
    """False when it has ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)
        return status_of(pid).split("State:\t")[1][0] != "Z"
    return False


def status_of(pid):
    try:
        with open(f"/proc/{pid}/status") as f:
            return f.read()
    except FileNotFoundError:
        raise ProcessLookupError(pid) from None


def follow(name):
    sock = hostile.connect()
    sock.send(message(hostile.SUBSCRIBE))
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
    if case == "subscriber":
        sock = socket.socket(fileno=hostile.held["connection"])
    else:
        sock = hostile.connect()
    if case == "unread":
        sock.send(request)
    socket.send_fds(sock, [request], [hostile.held[name]])
    hostile.drop(name)
    if case == "gone":
        sock.close()
    elif case != "subscriber":
        hostile.held["connection"] = sock.detach()
    else:
        sock.detach()


@needs("root", "tool:setcap", "tool:setpriv")
def test_all_places_taken(lab):
    """By a crowd of users: others get in at once all the same."""
    site(lab)
    with contextlib.ExitStack() as stack:
        for uid in range(2000, 2020):
            actor = stack.enter_context(Actor(uid))
            actor.do(connect_often, 16)
        for _ in range(20):
            start = time.monotonic()
            answers(lab)
            assert time.monotonic() - start < 1 * lab.scale
        with bob() as b:
            start = time.monotonic()
            assert b.do(hostile.ask_with, message(hostile.STOP, ident=9))[0] == REFUSED
            assert time.monotonic() - start < 1 * lab.scale


@needs("root", "tool:setcap", "tool:setpriv")
def test_who_does_not_listen(lab):
    """A program that was stopped, one that takes no answer, and one that says half a word."""
    s = site(lab)
    with alice(userns=True) as a:
        a.do(hostile.new_netns, "own")
        a.do(connect_often, 10)
        a.do(hostile.say, "idle0", message(hostile.RUN))
        a.do(hostile.say, "idle1", message(RUN_IN))
        a.do(hostile.say, "idle2", message(hostile.RUN)[:100])
        a.do(hostile.say, "idle3", b"")
        a.do(hostile.say, "idle4", message(hostile.SUBSCRIBE))
        a.signal(signal.SIGSTOP)
        for _ in range(5):
            answers(lab)
        a.signal(signal.SIGCONT)
        a.do(hang_up)
    os.kill(s.daemon.pid, signal.SIGSTOP)
    waiting = s.via_popen("alice", lab.spare, "--", "echo", "late", groups=[NETDEV])
    lab.wait(lambda: len(lab.processes("via-iface-enter")) == 1, 5, "one that waits")
    os.kill(waiting.pid, signal.SIGSTOP)
    os.kill(s.daemon.pid, signal.SIGCONT)
    for _ in range(5):
        answers(lab)
    os.kill(waiting.pid, signal.SIGCONT)
    assert waiting.finish().out == "late\n"


@needs("root", "tool:setcap", "tool:setpriv")
def test_sockets_in_circles(lab):
    """Sockets that hold each other, and the connection itself, in flight to the daemon."""
    s = site(lab)
    hostile.take_descriptors(s.daemon.pid)
    answers(lab)
    before = sorted(open_files(s.daemon.pid))
    with alice() as a:
        for _ in range(10):
            a.do(circle, 12)
            answers(lab)
    with contextlib.suppress(AssertionError):
        lab.wait(lambda: len(open_files(s.daemon.pid)) == len(before), 5)
    assert len(open_files(s.daemon.pid)) == len(before), (before, sorted(open_files(s.daemon.pid)))


def circle(n):
    with contextlib.ExitStack() as stack:
        for i in range(n):
            sock = stack.enter_context(hostile.connect())
            pair = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            for end in pair:
                stack.enter_context(end)
                for _ in range(20):
                    socket.send_fds(end, [b"x"], [pair[0].fileno(), pair[1].fileno(), sock.fileno()])
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                for request in (message(RUN_IN), message(hostile.STOP)):
                    socket.send_fds(sock, [request], [sock.fileno(), pair[i % 2].fileno()] * (i % 3 + 1))


# --- noise --------------------------------------------------------------------------------------


def noise(seed, count, names):
    """Messages at random: whole ones, changed ones, of any length, with anything along."""
    rng = random.Random(seed)
    answered = 0
    for _ in range(count):
        request = message(
            rng.randrange(0, hostile.OP_END + 2),
            rng.choice(["wlp6s0", "enp7s0", "wifi", "nosuch", "wlp6s0,enp7s0", "ssid:x y"]),
            rng.choice(["x", "a-b", "", "\x1b", "n" * 32]),
            rng.choice(["", "", "eth1", "a/b"]),
            flags=rng.choice([0, 0, 1, 2, 4, 64, rng.getrandbits(32)]),
            mtu=rng.choice([0, 0, 1400, rng.getrandbits(32)]),
            ident=rng.choice([0, 1, 2, rng.randrange(50), rng.getrandbits(32)]),
            owner=rng.choice([hostile.SELF, 0, ALICE]),
        )
        if rng.random() < 0.4:
            changed = bytearray(request)
            for _ in range(rng.randrange(1, 6)):
                changed[rng.randrange(len(changed))] = rng.randrange(256)
            request = bytes(changed)
        if rng.random() < 0.1:
            request = (request * 3)[: rng.randrange(600)]
        fds = rng.choices(names, k=rng.choice([0, 0, 1, 1, 1, 2, 5]))
        try:
            with hostile.connect() as sock:
                asked = rng.random() < 0.6
                for _ in range(rng.choice([1, 1, 1, 2])):
                    first = [] if asked else fds
                    socket.send_fds(sock, [request], [hostile.held[n] for n in first])
                if rng.random() < 0.8:
                    answer = hostile.receive(sock)
                    if answer and answer.status == SEND:
                        header = request[: rng.choice([8, 8, 8, 7, 40])]
                        socket.send_fds(sock, [header], [hostile.held[n] for n in fds])
                        answer = hostile.receive(sock)
                    answered += answer is not None
                    for fd in answer.fds if answer else ():
                        os.close(fd)
        except (BrokenPipeError, ConnectionResetError, BlockingIOError):
            pass
    return answered


KINDS = ("own", "roots", "host", "user", "file", "pipe", "socket", "path", "memfd", "device", "pidfd")


def gather():
    """One descriptor of each kind."""
    hostile.new_netns("own")
    for name, path in (
        ("roots", "/run/netns/roots"), ("host", "/run/netns/hosts"), ("user", "/proc/self/ns/user"),
        ("file", "/etc/passwd"),
    ):  # fmt: skip
        hostile.keep_open(name, path)
    hostile.keep_open("path", "/run/netns/roots", os.O_PATH)
    hostile.keep_pipe("pipe")
    hostile.keep_socket("socket")
    hostile.held["memfd"] = os.memfd_create("x")
    hostile.held["device"] = os.open("/dev/null", os.O_RDWR)
    hostile.held["pidfd"] = os.pidfd_open(os.getpid())


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(re.search(r"VmRSS:\s+(\d+)", f.read()).group(1))


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(3600 if os.environ.get("VIA_MESSAGES") else 300)
def test_noise(lab):
    """VIA_MESSAGES (10,000) from four clients at once, two of whom the policy lets in: the daemon
    lives, keeps neither descriptor nor memory, sessions keep their way, and who asks in earnest is
    answered meanwhile."""
    count = int(os.environ.get("VIA_MESSAGES", 10000))
    s = site(lab)
    hostile.take_descriptors(s.daemon.pid)
    lab.run(["ip", "netns", "add", "roots"], check=True)
    hostile.write("/run/netns/hosts", "")
    lab.run(["mount", "--bind", "/proc/self/ns/net", "/run/netns/hosts"], check=True)
    held = asking(lab)
    works(lab, held)

    def crowd(seed, n):
        times = []
        users = ((ALICE, [NETDEV]), (BOB, [NETDEV]), (1002, []), (1003, []))
        with contextlib.ExitStack() as stack:
            actors = [stack.enter_context(Actor(uid, groups, True)) for uid, groups in users]
            for actor in actors:
                actor.do(gather)
            for i, actor in enumerate(actors):
                actor.start(noise, f"{seed}-{i}", n // 4, KINDS)
            waiting = list(actors)
            answered = 0
            while waiting:
                start = time.monotonic()
                answer = hostile.ask(message(hostile.RUN, name="earnest"))
                times.append(time.monotonic() - start)
                assert answer and answer.status == OK, answer
                if len(times) % 20 == 0:
                    works(lab, held)
                if hostile.readable(waiting[0].pipe, 0.02):
                    answered += waiting.pop(0).wait()
        lab.wait(lambda: len(ports()) == 1, 20, "the end of all sessions but one")
        return answered, sorted(times)

    crowd("warm-up", 400)
    pid = s.daemon.pid
    before = (len(besides_answers(pid)), memory(pid))
    answered, times = crowd("noise", count)
    assert len(open_files(pid)) <= before[0] + ANSWERS_MAX, open_files(pid)
    lab.wait(lambda: len(besides_answers(pid)) == before[0], 5, "its descriptors")
    # the log's answers are kept for 10 s after they were given
    lab.wait(lambda: len(open_files(pid)) == before[0], 15, "the end of the log's answers")
    after = (len(open_files(pid)), memory(pid))
    median = times[len(times) // 2]
    print(
        f"{count} messages, {answered} answered; descriptors {before[0]} and {after[0]}, memory"
        f" {before[1]} and {after[1]} kB; {len(times)} launches meanwhile, median"
        f" {median * 1000:.0f} ms, at most {times[-1] * 1000:.0f} ms"
    )
    assert s.daemon.running(), "the daemon did not live"
    assert answered > count / 10, answered
    assert sanitized() or after[1] - before[1] < 2048, (before, after)
    assert median < 0.1 * lab.scale and times[-1] < 1 * lab.scale, (median, times[-1])
    works(lab, held)
    answers(lab)
    held.finish()


# --- enter, as the kernel sees it ---------------------------------------------------------------


RAISE = "{effective=1<<CAP_SYS_ADMIN, permitted=1<<CAP_SYS_ADMIN, inheritable=0}"
DROP = "{effective=0, permitted=0, inheritable=0}"
# what is opened, made or mounted while the capability is raised lies below these, and nowhere else
FIXED = (
    "/sys/class/net", "/sys/devices", "/run/systemd/resolve", "/run/nscd", "/var/run/nscd",
    "/run/avahi-daemon", "/var/run/avahi-daemon", "/etc/resolv.conf", "/etc/nsswitch.conf", "/etc/gai.conf",
)  # fmt: skip


def trace_of_enter(text):
    """Its calls, each (name, line), from its start to the program's."""
    calls, inside = [], False
    for line in text.splitlines():
        match = re.match(r"(?:\d+ +)?(\w+)\((.*)", line)
        if not match:
            continue
        name, rest = match.groups()
        if name == "execve" and inside and rest.endswith(" = 0"):
            return [*calls, (name, line)]
        if inside:
            calls.append((name, line))
        inside |= name == "execve" and 'via-iface-enter"' in rest and rest.endswith(" = 0")
    raise AssertionError(f"the program was not started:\n{text}")


@needs("root", "tool:strace", "tool:setcap", "tool:setpriv")
def test_enter_under_strace(lab):
    """strace of root's (-u) leaves a program its file capability. While that is raised nothing is
    executed, and no path is used that the caller has any say in."""
    s = site(lab)
    s.policy("[alice]\nuplinks = *\n")
    log, work = os.path.join(lab.tmp, "trace"), os.path.join(lab.tmp, "controlled")
    os.mkdir(work)
    env = {k: f"{work}/{k}" for k in ("HOME", "TMPDIR", "XDG_RUNTIME_DIR", "LOCALDOMAIN", "HOSTALIASES")}
    env["PATH"] = f"{work}:/usr/bin:/bin"
    command = ["strace", "-f", "-s", "4096", "-u", "alice", "-o", log, f"{s.bin}/via-iface", "--name", "controlled"]
    done = lab.run([*command, lab.spare.dev, "--", "cat", "/proc/self/status", "controlled"], env=env, cwd=work)
    assert "CapEff:\t0000000000000000" in done.out and "CapPrm:\t0000000000000000" in done.out, done
    with open(log) as f:
        calls = trace_of_enter(f.read())
    changes = [i for i, (name, _) in enumerate(calls) if name == "capset"]
    lines = [calls[i][1] for i in changes]
    assert len(lines) == 2 and RAISE in lines[0] and DROP in lines[1], lines
    assert all(line.endswith(" = 0") for line in lines), lines
    raised, dropped = changes
    names = [name for name, _ in calls]
    for word in ("execve", "execveat", "fork", "vfork", "clone", "clone3"):
        assert word not in names[:dropped], word
    came = re.search(r"cmsg_type=SCM_RIGHTS, cmsg_data=\[(\d+)\]", "\n".join(l for _, l in calls[:raised]))
    joined = [line for name, line in calls if name == "setns"]
    assert len(joined) == 1 and f"setns({came.group(1)}, CLONE_NEWNET)" in joined[0], joined
    for name, line in calls[raised:dropped]:
        if name == "write":  # the name as the daemon let it pass: letters, digits and ".-_+"
            line = line.replace("# session 1 controlled\\n", "")
        assert "controlled" not in line, line
        if name in ("write", "read", "capget"):  # of files that it opened itself
            continue
        paths = [p for p in re.findall(r'"((?:[^"\\]|\\.)*)"', line) if "/" in p]
        for path in paths:
            root = name == "mount" and path == "/" and "MS_REC|MS_SLAVE" in line
            copy = name in ("open_tree", "mount") and path == "/sys"
            assert root or copy or path.startswith(FIXED), line
        if re.match(r"open(at)?$|mkdir|link|symlink|rename|unlink", name):
            assert paths and all(p.startswith("/sys/class/net/") for p in paths), line
    strings = [i for i, (name, line) in enumerate(calls) if name == "pread64" and "/proc/self/status" in line]
    assert strings and min(strings) > dropped, "arguments and environment are read afterwards"
