"""Nothing is left behind and nothing breaks: after SIGKILL at any point, in a crowd, under hostile
clients; and the plan says what is then done."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import time

from lab import BRIDGE, Skip, alone, needs, params, program, timeout, topology

SOCKET = "/run/via-iface/socket"


# --- what is left -------------------------------------------------------------------------------


def alias_words(port):
    """What its alias says (model/session.h); [] when it has none of eight words, or has gone."""
    try:
        with open(f"/sys/class/net/{port}/ifalias", encoding="utf-8", errors="replace") as f:
            words = f.read().split()
    except OSError:
        return []
    return words if len(words) == 8 else []


def is_spare(port):
    """Whether it belongs to a netns that is ready for a launch, and to no session."""
    words = alias_words(port)
    return bool(words) and "spare" in words[6].split(",")


def ports():
    """Those of sessions."""
    names = [name for _, name in socket.if_nameindex() if name.startswith("viap")]
    return sorted(name for name in names if not is_spare(name))


def dismiss(lab):
    """Asks all daemons to end, whoever started them."""
    for pid in lab.daemon_pids():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")


def clear_now(lab):
    """Not after the daemon's usual time of waiting: asked to go when the last session is gone."""
    lab.wait(lambda: not ports(), 10, "the end of all sessions")
    dismiss(lab)
    lab.wait_gone()


def sweep(lab):
    """What the next daemon does: finds what a dead one left, removes it, and goes."""
    lab.run([program("via-ifaced"), "--linger", "0"], check=True)


def glance(lab):
    """A cheap part of lab.snapshot(), for after each of many steps."""
    done = lab.run(
        "ip rule; ip -6 rule; ip route show table all; ip -6 route show table all;"
        " ip -o link | sed 's/^[0-9]*: //'; nft list ruleset; tc qdisc"
    )
    switches = [
        f"{name} = {lab.sysctl(name)}"
        for name in (
            "net.ipv4.ip_forward",
            *(
                f"net.{family}.conf.{dev}.{key}"
                for dev in (lab.spare, lab.wired, "all", "default")
                for family, key in (
                    ("ipv4", "forwarding"),
                    ("ipv4", "rp_filter"),
                    ("ipv4", "src_valid_mark"),
                    ("ipv6", "forwarding"),
                    ("ipv6", "force_forwarding"),
                    ("ipv6", "accept_ra"),
                )
            ),
        )
        if os.path.exists("/proc/sys/" + name.replace(".", "/"))
    ]
    return {
        "state": done.out,
        "sysctl": "\n".join(switches),
        "files": "\n".join(lab.files()),
    }


def settled(lab, first, after, seconds=10):
    """What can be glanced at is as it was. The kernel takes namespaces down one behind the other,
    those of other tests too, so the end of one can take a while."""
    left = []

    def clean():
        left[:] = [lab.difference(first, glance(lab))]
        return not left[0]

    with contextlib.suppress(AssertionError):
        lab.wait(clean, seconds)
    assert not left[0], f"left after {after}:\n{left[0]}"


# --- killed once --------------------------------------------------------------------------------


def works(lab, held):
    """A session made with ASK still goes by its uplink."""
    held.out = b""
    held.write("ask\n")
    held.expect(lab.spare.addr + "\n")


def asking(lab):
    return lab.session(script=f"while read x; do curl -s --max-time 5 {lab.url}; done")


def test_program_killed(lab):
    before = lab.snapshot()
    held = lab.session()
    assert held.stop(signal.SIGKILL).code == -signal.SIGKILL
    clear_now(lab)
    lab.assert_same(before)


def test_waiting_client_killed(lab):
    """enter is killed while the daemon has yet to answer."""
    before = lab.snapshot()
    held = asking(lab)
    pid, pids = lab.daemon_pid(), lab.daemon_pids()
    descriptors = fds_at_rest(pid)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    waiting = [lab.via_popen(lab.spare, "--", "true") for _ in range(3)]
    lab.wait(lambda: len(lab.processes("via-iface-enter")) == 3, 5, "three that wait")
    time.sleep(0.02)
    for process in waiting:
        assert process.stop(signal.SIGKILL).code == -signal.SIGKILL
    for pid in pids:
        os.kill(pid, signal.SIGCONT)
    works(lab, held)
    lab.wait(lambda: fds(pid) == descriptors, 2, "the end of all connections")
    lab.wait(lambda: len(ports()) == 1, 10, "one port for one session")
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


def test_daemon_killed(lab):
    """Its parent starts it again; the session does not notice, and new ones can be made."""
    before = lab.snapshot()
    held = asking(lab)
    for _ in range(3):
        pid = lab.daemon_pid()
        parent = lab.daemon_pids()[0]
        os.kill(pid, signal.SIGKILL)
        works(lab, held)
        lab.wait(lambda p=pid: lab.daemon_pids()[:1] == [parent] and lab.daemon_pid() != p, 5)
        lab.wait(lambda: connects(), 5, "a daemon that answers")
        done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
        assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


@params("session_lives", "session_ended")
def test_daemon_and_parent_killed(lab, case):
    """Nobody starts it again: the session goes on, and the next launch sweeps."""
    before = lab.snapshot()
    held = asking(lab)
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: not lab.daemon_pids(), 2)
    works(lab, held)
    if case == "session_ended":
        held.finish()
        lab.wait(lambda: not ports(), 10, "the session's end")
    done = lab.via(lab.wired, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.wired.addr + "\n"), done
    if case == "session_lives":
        works(lab, held)
        held.finish()
    clear_now(lab)
    lab.assert_same(before)


def test_parent_killed(lab):
    before = lab.snapshot()
    held = asking(lab)
    os.kill(lab.daemon_pids()[0], signal.SIGKILL)
    works(lab, held)
    lab.via(lab.spare, "--", "true", check=True)
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


@params(TERM=signal.SIGTERM, INT=signal.SIGINT)
def test_daemon_stopped(lab, number):
    """Asked to end while a session runs: the session goes on; the next daemon finds it."""
    before = lab.snapshot()
    held = asking(lab)
    os.kill(lab.daemon_pid(), number)
    lab.wait(lambda: not lab.daemon_pids(), 2, "its end")
    works(lab, held)
    lab.via(lab.spare, "--", "true", check=True)
    assert len(ports()) <= 2
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


def test_daemon_stopped_as_the_last_session_ends(lab):
    """What it has not yet seen to end must not make it leave everything behind."""
    before = lab.snapshot()
    for _ in range(3):
        held = lab.session()
        pid = lab.daemon_pid()
        fds_at_rest(pid)  # it may still hold the session's netns
        os.kill(pid, signal.SIGSTOP)
        held.finish()
        lab.wait(lambda: not ports(), 10, "the session's end")
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGCONT)
        lab.wait_gone()
        lab.assert_same(before)


def test_daemon_killed_at_any_time(lab):
    """Launches go on while it is killed: each is right, or fails in one line. Then all is clean."""
    before = lab.snapshot()
    lab.via(lab.spare, "--", "true", check=True)
    right = 0
    for number in range(24):
        client = lab.via_popen(lab.spare, "--", "curl", "-s", "--max-time", "5", lab.url)
        if number % 3 == 0:
            time.sleep(number * 0.0007)
            with contextlib.suppress(TypeError, ProcessLookupError):
                os.kill(lab.daemon_pid(), signal.SIGKILL)
        done = client.finish(15)
        if done.code == 0:
            assert done.out == lab.spare.addr + "\n", done
            right += 1
        else:
            assert done.code in (125, 7, 28, 56), done  # curl: a connection that came to nothing
            assert done.code != 125 or len(done.err.splitlines()) == 1, done
    assert right >= 12, right
    lab.wait_gone(12)
    lab.assert_same(before)


# --- killed at every step -----------------------------------------------------------------------


def strace(syscall, when, command):
    """Killed as it is about to make that system call for the n-th time."""
    return [
        "strace", "-D", "-qq", "-o", "/dev/null", "-e", f"trace={syscall}",
        "-e", f"inject={syscall}:signal=KILL:when={when}", *command,
    ]  # fmt: skip


def traced(lab):
    """A sanitizer cannot look for leaks in a program that is traced."""
    options = lab.env.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": options.replace("detect_leaks=1", "detect_leaks=0")} if options else {}


def daemon_run(lab, syscall, when):
    """A daemon's whole life, with one launch in it; returns whether it was killed."""
    read, write = os.pipe()
    command = [program("via-ifaced"), "--linger", "1", "--ready", str(write)]
    daemon = lab.popen(strace(syscall, when, command), env=traced(lab), pass_fds=(write,))
    os.close(write)
    with open(read, "rb", buffering=0) as pipe:
        ready = pipe.read(1) == b"\n"
    if ready:
        lab.via(lab.spare, "--", "true")
        os.kill(daemon.pid, signal.SIGTERM)
    code = daemon.finish().code
    assert code in (0, -signal.SIGKILL), code
    dismiss(lab)  # when it was dead before the launch, that has started another
    return code != 0


# Which call, every how many times from which on: the many netlink messages and writes go in two halves.
DAEMON_STEPS = {
    "netlink_1": [("sendto", 1, 2)],
    "netlink_2": [("sendto", 2, 2)],
    "write_1": [("write", 1, 2)],
    "write_2": [("write", 2, 2)],
    "files": [(name, 1, 1) for name in ("rename", "unlink", "mkdir", "rmdir", "bind")],
    "namespaces": [(name, 1, 1) for name in ("unshare", "setns", "sendmsg", "accept4", "poll")],
}


@needs("tool:strace")
@params(**DAEMON_STEPS)
@timeout(120)
def test_daemon_killed_at_every_step(lab, steps):
    before, first = lab.snapshot(), glance(lab)
    killed = 0
    for syscall, when, stride in steps:
        misses = 0
        while not misses:
            if daemon_run(lab, syscall, when):
                killed += 1
            else:
                misses += 1
            sweep(lab)
            settled(lab, first, f"a kill at {syscall} number {when}", 0)
            when += stride
    assert killed > 4, "hardly ever killed: does the injection work?"
    print(f"killed {killed} times")
    lab.via(lab.spare, "--", "true", check=True)
    clear_now(lab)
    lab.assert_same(before)


CLIENT_STEPS = (
    "execve memfd_create connect sendmsg recvmsg getsockopt fstatfs capset setns close pread64 unshare"
    " mount mkdir link umask"
).split()


@needs("tool:strace")
@timeout(120)
def test_client_killed_at_every_step(lab):
    """via-iface, and enter, which it becomes."""
    before = lab.snapshot()
    held = asking(lab)
    first = glance(lab)
    killed = 0
    for syscall in CLIENT_STEPS:
        for when in range(1, 100):
            command = [program("via-iface"), str(lab.spare), "--", "true"]
            done = lab.run(strace(syscall, when, command), env=traced(lab))
            settled(lab, first, f"a kill at {syscall} number {when}")
            if done.code == 0:
                break
            assert done.code == -signal.SIGKILL, done
            killed += 1
    assert killed > 20, killed
    works(lab, held)
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


@needs("tool:strace")
def test_client_killed_as_it_starts_the_daemon(lab):
    before = lab.snapshot()
    for syscall, when in (("clone", 1), ("wait4", 1), ("poll", 1), ("read", 5), ("execve", 2)):
        command = [program("via-iface"), str(lab.spare), "--", "true"]
        done = lab.run(strace(syscall, when, command), env=traced(lab))
        assert done.code == -signal.SIGKILL, f"not killed at {syscall} number {when}\n{done}"
        forked = ("via-iface", "via-iface-enter")
        lab.wait(lambda: not any(map(lab.processes, forked)), 5, "what it forked has become a daemon")
        lab.wait(lambda: not lab.daemon_pids() or connects(), 5, "a daemon that answers")
        clear_now(lab)
        lab.assert_same(before)


# --- a crowd ------------------------------------------------------------------------------------


@alone
@params("warm", "cold")
@topology("split", "same")
@timeout(90)
def test_200_at_once(lab, daemon):
    """Over both uplinks and both families; cold: none finds a daemon, and all may start one."""
    before = lab.snapshot()
    if daemon == "warm":
        lab.via(lab.spare, "--", "true", check=True)
    wired = lab.capture_wired()
    script = f"""
        for i in $(seq 200); do
            case $((i % 4)) in
            0) u={lab.wired} url={lab.url};;
            1) u={lab.wired} url={lab.url6};;
            2) u={lab.spare} url={lab.url};;
            3) u={lab.spare} url={lab.url6};;
            esac
            {{ echo "$u $({program("via-iface")} $u -- curl -sg --max-time 10 $url 2>&1)"; }} &
        done
        wait
    """
    done = lab.run(script, timeout=60)
    count = {}
    for line in done.out.splitlines():
        count[line] = count.get(line, 0) + 1
    assert count == {
        f"{u} {address}": 50 for u in (lab.wired, lab.spare) for address in (u.addr, u.addr6)
    }, "\n".join(f"{n} x {line}" for line, n in sorted(count.items()))
    assert [f for f in wired.leaks() if f.src not in (lab.wired.addr, lab.wired.addr6)] == []
    assert done.seconds < 15 * lab.scale, done.seconds
    clear_now(lab)
    lab.wait_gone(12)
    lab.assert_same(before)


def test_two_start_a_daemon(lab):
    """The second launch must not wait for the end of the first one's program."""
    before = lab.snapshot()
    clients = [lab.via_popen(lab.spare, "--", "sh", "-c", "echo in; cat") for _ in range(4)]
    for client in clients:
        client.expect("in\n", 5)
    for client in clients:
        client.finish()
    clear_now(lab)
    lab.wait_gone(12)
    lab.assert_same(before)


# --- the plan is what is done -------------------------------------------------------------------


def normal(text, dev="eth0"):
    """Without what may differ: the port's number, the session's address, the slot's bridge index,
    and what the alias says of who and when."""
    text = re.sub(r"alias '?via1 \d+ \d+ (\d+) \d+ (\S+) \S+ [^'\n]+'?", r"alias \1 \2", text)
    text = re.sub(r"viap\d+", "PORT", text)
    text = re.sub(r"\b(10\.209\.)(?!0\.[01]\b|3\.255\b)\d+\.\d+\b", "ADDRESS4", text)
    text = re.sub(r"\b(2001:2:0:[0-9a-f]+::)(?!1?\b[/ ]|1\b)[0-9a-f]+\b", "ADDRESS6", text)
    text = re.sub(r"0a:76:69:01:[0-9a-f:]{5}", "MAC-INSIDE", text)
    text = re.sub(r"0a:76:69:02:[0-9a-f:]{5}", "MAC-PORT", text)
    text = re.sub(r"fe80::876:69ff:fe0[12]:[0-9a-f]+", "LINK-LOCAL", text)
    text = re.sub(r"33:33:ff:[0-9a-f:]{8}", "MULTICAST", text)
    text = re.sub(r"_timer +[\d.]+", "", text)
    text = re.sub(r"^\d+: ", "", text, flags=re.M)
    text = re.sub(r"@if\d+|link-netns\S* \S+|(conf|neigh)/PORT", "", text)
    return re.sub(rf"{dev}@\S+", dev, text)


def do_lines(text):
    """The lines of a plan that are about the host, not the session's own netns."""
    lines = text.partition("# to undo\n")[0].splitlines()
    return [line for line in lines if not re.match(r"ip (netns|-n) |#", line)]


def host_state(lab):
    state = lab.snapshot()
    for topic in ("ip netns", "files in /run", "mounts"):
        del state[topic]  # the plan's netns has a name; saved values are the daemon's own
    state["ip addr"] = re.sub(r"valid_lft \S+", "", lab.ip("addr"))
    state["neighbours"] = lab.run("ip neigh show nud permanent; bridge fdb show br via0").out
    state["filter"] = lab.run("tc filter show dev via0 ingress").out
    state["ports"] = lab.run("bridge -d link show").out
    return {
        topic: "\n".join(sorted(normal(text).splitlines())) for topic, text in state.items()
    }


def inside_state(lab, enter):
    commands = (
        "ip -d link", "ip addr", "ip -4 rule", "ip -6 rule", "ip -4 route show table all",
        "ip -6 route show table all", "ip neigh", "nft list ruleset",
        "cd /proc/sys/net && find . -type f | sort | grep -vE 'flush|secret|_key|conntrack_count'"
        " | while read f; do echo $f $(cat $f 2>/dev/null); done",
    )  # fmt: skip
    state = {}
    for command in commands:
        text = normal(lab.run([*enter, "sh", "-c", command]).out)
        text = re.sub(r"valid_lft \S+|link-netnsid \d+", "", text)
        state[command] = "\n".join(sorted(text.splitlines()))
    return state


@needs("root")
@topology("split", "same")
def test_plan_is_what_is_done(lab):
    """A plan, pasted, and a launch by the daemon make the same of the host."""
    before = lab.snapshot()
    plan = lab.via("plan", lab.spare, check=True).out
    do, _, undo = plan.partition("# to undo\n")
    known = set(os.listdir("/run/netns"))
    lab.run(["sh", "-e"], input=do, check=True)
    (name,) = set(os.listdir("/run/netns")) - known
    pasted, pasted_inside = host_state(lab), inside_state(lab, ["ip", "netns", "exec", name])
    lab.run(["sh", "-e"], input=undo, check=True)
    lab.assert_same(before)

    held = lab.session(None, "--name", name)
    enter = ["nsenter", "-t", str(held.pid), "-n"]
    done, done_inside = host_state(lab), inside_state(lab, enter)
    difference = lab.difference(pasted, done) + lab.difference(pasted_inside, done_inside)
    assert not difference, difference

    # The plan of another session marks what is there: all that the first plan had said.
    again = lab.via("plan", lab.spare, check=True).out
    present = {
        normal(line.removesuffix(" # present"))
        for line in do_lines(again)
        if line.endswith(" # present")
    }
    wanted = {normal(line) for line in do_lines(plan)}
    assert wanted, plan
    assert wanted == present, lab.difference(
        {"plan": "\n".join(sorted(wanted))}, {"plan": "\n".join(sorted(present))}
    )
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


@needs("root")
def test_plan_of_user_and_root(lab):
    """They differ in whose session it is, and in what all sessions of a user may have together."""
    mine, roots = (lab.via("plan", lab.spare, user=u, check=True).out for u in (1000, None))
    mine = re.sub(r"(via1 \d+) 1000 ", r"\1 0 ", mine)
    together = r"^.*(to[46]_1000_|share_1000_\d+ (meta l4proto (!= )?tcp limit|ct count)).*\n"
    assert len(re.findall(together, mine, flags=re.M)) > 10, mine
    mine = re.sub(together, "", mine, flags=re.M).replace("share_1000_", "share_0_")
    assert do_lines(mine) == do_lines(roots), lab.difference({"": mine}, {"": roots})


# --- the daemon's socket ------------------------------------------------------------------------


def connect(uid=None):
    """A connection; as that user, when one is given: the kernel notes who connected."""
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    sock.settimeout(10)
    try:
        if uid is not None:
            os.setresuid(uid, uid, 0)
        try:
            sock.connect(SOCKET)
        finally:
            if uid is not None:
                os.setresuid(0, 0, 0)
    except OSError:
        sock.close()
        raise
    return sock


def connects():
    with contextlib.suppress(OSError):
        connect().close()
        return True
    return False


def valid_request(lab):
    """The bytes of a request, as enter sends them: to a daemon that is none."""
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(SOCKET)
        listener.listen()
        client = lab.via_popen(lab.spare, "--", "true")
        while True:
            peer, _ = listener.accept()
            with peer:
                if data := peer.recv(65536):
                    break
    client.kill()  # it would ask the next one
    os.unlink(SOCKET)
    return data


def fds(pid):
    """What a process has open, by kind; sorted."""
    names = []
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):  # closed meanwhile
            names.append(re.sub(r"\d+", "", os.readlink(f"/proc/{pid}/fd/{fd}")))
    return sorted(names)


def fds_at_rest(pid):
    while True:
        first = fds(pid)
        time.sleep(0.03)
        if fds(pid) == first:
            return first


def closed_without_a_word(sock):
    try:
        return sock.recv(65536) == b""
    except ConnectionResetError:  # it closed with something of ours unread
        return True


@contextlib.contextmanager
def unharmed(lab):
    """The daemon of a running session is the same afterwards, with the same descriptors."""
    before = lab.snapshot()
    held = asking(lab)
    pid = lab.daemon_pid()
    open_before = fds_at_rest(pid)
    yield pid
    assert lab.daemon_pid() == pid, "the daemon did not live"
    with contextlib.suppress(AssertionError):
        lab.wait(lambda: fds(pid) == open_before, 2)
    assert fds(pid) == open_before, f"descriptors before:\n{open_before}\nand after:\n{fds(pid)}"
    works(lab, held)
    lab.via(lab.spare, "--", "true", check=True)
    held.finish()
    clear_now(lab)
    lab.assert_same(before)


def test_hostile_messages(lab):
    good = valid_request(lab)

    def changed(at, value):
        return good[:at] + bytes([good[at] ^ value]) + good[at + 1 :]

    bad = [good[:n] for n in (1, 7, 8, 16, len(good) - 1)]
    bad += [good + b"\0", good + good, bytes(65536), b"", bytes(len(good)), b"\xff" * len(good)]
    bad += [changed(at, bit) for at in range(8) for bit in (1, 0x80)]  # magic, version, operation
    with unharmed(lab):
        for message in bad:
            with connect() as sock:
                sock.send(message)
                assert closed_without_a_word(sock), message[:40]
        # A well-formed header with nonsense behind it is refused in words, and makes nothing.
        for at in range(8, len(good), 3):
            with connect() as sock:
                sock.send(good[:8] + b"\xff" * (at - 8) + b"\x01" * (len(good) - at))
                reply = sock.recv(65536)
                assert reply[:8] == good[:8] and len(reply) > 100, (at, reply[:40])
                assert int.from_bytes(reply[8:12], "little") == 1, (at, reply[:40])
        assert len(ports()) == 1, ports()


def test_hostile_descriptors(lab):
    good = valid_request(lab)
    with unharmed(lab):
        for message in (good, good[:-1], b"x"):
            for count in (1, 2, 4, 5, 253):
                with connect() as sock, open("/dev/null", "rb") as null:
                    with contextlib.suppress(OSError):
                        socket.send_fds(sock, [message], [null.fileno()] * count)
                        sock.recv(65536)
        lab.wait(lambda: len(ports()) == 1, 10, "no session but the first")


def test_clients_that_go_away(lab):
    """With a request made and the answer not waited for."""
    good = valid_request(lab)
    with unharmed(lab):
        for _ in range(20):
            with connect() as sock:
                sock.send(good)
        for _ in range(20):
            connect().close()
        lab.wait(connects, 5)
        lab.wait(lambda: len(ports()) == 1, 10, "no session but the first")


def test_silent_clients(lab):
    """Each is hung up on after 5 s; who is as busy as that is told so; a launch gets through."""
    with unharmed(lab) as pid:
        started = time.monotonic()
        many = [connect() for _ in range(300)]
        busy = 0
        for sock in many[16:]:
            reply = sock.recv(65536)
            assert len(reply) > 8 and int.from_bytes(reply[8:12], "little") == 2, reply[:40]
            busy += 1
        assert busy == 284
        for sock in many[16:]:
            assert closed_without_a_word(sock)
            sock.close()
        launch = lab.via_popen(lab.spare, "--", "curl", "-s", lab.url)
        for sock in many[:16]:
            assert closed_without_a_word(sock)
            assert 4.5 < time.monotonic() - started < 6.5, time.monotonic() - started
            sock.close()
        done = launch.finish()
        assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
        assert len(fds(pid)) < 40


@needs("root")
def test_a_user_cannot_crowd_out_others(lab):
    """One uid's connections are counted for itself; the daemon of root's launches is free."""
    with unharmed(lab):
        many = [connect(1000) for _ in range(40)]
        started = time.monotonic()
        lab.via(lab.spare, "--", "true", check=True)
        assert time.monotonic() - started < 1 * lab.scale
        for sock in many:
            sock.close()


@needs("root")
def test_a_user_cannot_keep_the_daemon_from_starting(lab):
    """What a plain user may open in the runtime directory must not be what daemons lock."""
    lab.via(lab.spare, "--", "true", check=True)
    clear_now(lab)
    before = lab.snapshot()
    if not os.path.isdir("/run/via-iface"):
        raise Skip("no runtime directory is left to lock")
    script = "for f in /run/via-iface /run/via-iface/*; do"
    script += " [ -r $f ] && exec 9<$f && { flock -n 9; exec 8<&9; }; done; echo locked; cat"
    locker = lab.popen(script, user=1000)
    locker.expect("locked\n")
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
    locker.kill()
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    clear_now(lab)
    lab.assert_same(before)


def test_started_twice(lab):
    """A second daemon, by hand, neither disturbs the first nor stays behind."""
    with unharmed(lab) as pid:
        second = lab.popen([program("via-ifaced"), "--linger", "0"])
        lab.wait(lambda: len(lab.daemon_pids()) == 3 or not second.running(), 2)
        for _ in range(3):
            done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
            assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
        assert lab.daemon_pid() == pid or pid in lab.daemon_pids()
        second.popen.kill()
        second.popen.wait()


def test_stale_socket(lab):
    """A file that nobody serves is replaced."""
    before = lab.snapshot()
    os.makedirs(os.path.dirname(SOCKET), exist_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(SOCKET)
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    clear_now(lab)
    assert not lab.link_exists(BRIDGE)
    lab.assert_same(before)
