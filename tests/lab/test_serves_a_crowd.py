"""A crowd at the socket, or a host with little to give: the daemon heals, rests, and answers."""

import contextlib
import fcntl
import os
import socket
import struct
import threading
import time

import hostile
from hostile import ATTACH, OK, REPLACE_ROUTE, RUN, RUN_IN, SEND, STOP, Actor, message
from lab import alone, needs, params, program, timeout
from test_who_may import NETDEV
from test_hostile_clients import site

CROWD = range(2000, 2020)


def cpu_ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return int(fields[11]) + int(fields[12])


def connect_many(n):
    """As many as there is room for: a peer that is refused is hung up on."""
    for i in range(n):
        with contextlib.suppress(OSError):
            hostile.held[f"idle{i}"] = hostile.connect().detach()


def start_daemon(lab, *prefix):
    """With --supervise, as a launch starts it; what it said when it was ready, or why not."""
    read, write = os.pipe()
    daemon = lab.popen(
        [*prefix, program("via-ifaced"), "--supervise", "--stay", "--ready", str(write)],
        pass_fds=(write,),
    )
    os.close(write)
    with open(read) as pipe:
        return daemon, pipe.read()


def heals(lab, pid):
    """A deleted rule is back within a second, and then the daemon rests."""
    before = lab.ip("rule")
    assert "5180:" in before, before
    lab.ip("rule del priority 5180")
    started = time.monotonic()
    lab.wait(lambda: lab.ip("rule") == before, 1, "the rule", step=0.02)
    lab.note(f"healed after {(time.monotonic() - started) * 1000:.0f} ms")
    lab.wait(lambda: at_rest(pid), 5, "a daemon at rest")


def at_rest(pid):
    """No tick of the CPU (10 ms each) in half a second."""
    before = cpu_ticks(pid)
    time.sleep(0.5)
    return cpu_ticks(pid) == before


@needs("root", "tool:prlimit")
@timeout(120)
@params(16, 32, 64, 128)
def test_low_descriptor_limit(lab, limit):
    """An inherited soft limit, with 300 idle connections: the daemon raises it."""
    daemon, told = start_daemon(lab, "prlimit", f"--nofile={limit}:4096")
    assert told == "\n", told
    crowd(lab, lab.daemon_pid())
    daemon.stop()


@needs("root", "tool:prlimit", "tool:setpriv")
@timeout(120)
@params(16, 40, 64, 128)
def test_hard_descriptor_limit(lab, limit):
    """One that may not be raised: there are places for fewer peers, or the daemon says why it
    cannot start."""
    fixed = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", "--"]
    daemon, told = start_daemon(lab, *fixed, "prlimit", f"--nofile={limit}:{limit}")
    if limit == 16:
        assert "the limit is 16 descriptors" in told, told
        assert daemon.finish().code == 1
        return
    assert told == "\n", told
    crowd(lab, lab.daemon_pid())
    daemon.stop()


def crowd(lab, pid):
    held = lab.session()
    heals(lab, pid)
    with contextlib.ExitStack() as stack:
        for uid in CROWD:
            stack.enter_context(Actor(uid)).do(connect_many, 15)
        heals(lab, pid)
        lab.via(lab.spare, "--", "true", check=True)
    assert lab.daemon_pid() == pid, "it had to be started again"
    heals(lab, pid)
    held.finish()


@needs("root", "tool:prlimit")
@timeout(120)
def test_loop_that_fails(lab):
    """poll(2) itself fails, for ever: the daemon ends, and another one finds the session."""
    daemon, told = start_daemon(lab)
    assert told == "\n", told
    held = lab.session()
    pid = lab.daemon_pid()
    lab.run(["prlimit", "--pid", str(pid), "--nofile=4:4"], check=True)
    lab.ip("rule del priority 5180")
    lab.wait(lambda: lab.daemon_pid() not in (pid, daemon.pid, None), 5, "another daemon")
    lab.wait(lambda: "5180:" in lab.ip("rule"), 5, "the rule", step=0.02)
    heals(lab, lab.daemon_pid())
    held.finish()
    daemon.stop()


# --- requests of many -----------------------------------------------------------------------------

ATTACHERS, SENDERS = range(3000, 3016), range(3100, 3108)


SIOCSIFFLAGS, RTMGRP_LINK, RTM_NEWLINK = 0x8914, 1, 16


def keep_down(stop):
    """Takes eth0 down whenever it comes up, told by the kernel."""
    events = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE)
    events.bind((0, RTMGRP_LINK))
    down = struct.pack("16sH14x", b"eth0", 0)
    with events, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        while not stop.is_set():
            if hostile.readable(events, 0.1):
                events.recv(65536)
                with contextlib.suppress(OSError):
                    fcntl.ioctl(control, SIOCSIFFLAGS, down)


def attach_and_down(seconds):
    """Attaches a netns of one's own, whose device does not stay up: an answer waits for it. Returns
    how often."""
    end, n = time.monotonic() + seconds, 0
    hostile.new_netns("own")
    stop = threading.Event()
    thread = threading.Thread(target=keep_down, args=(stop,))
    thread.start()
    while time.monotonic() < end:
        answer = hostile.ask_with(message(ATTACH, name=f"a{n}", flags=REPLACE_ROUTE), "own")
        if answer and answer[0] == OK:
            n += 1
            hostile.ask(message(STOP, ident=answer[2]))
        time.sleep(0.05)
    stop.set()
    thread.join()
    return n


def send_and_hang_up(seconds):
    """Requests with descriptors, and nobody waits for what comes of them. Returns how often."""
    end, n = time.monotonic() + seconds, 0
    hostile.keep_pipe("pipe")
    while time.monotonic() < end:
        with contextlib.suppress(OSError), hostile.connect() as sock:
            if n % 2:
                socket.send_fds(sock, [message(RUN_IN)], [hostile.held["pipe"]])
            sock.send(message(RUN_IN))
            answer = hostile.receive(sock)
            if answer and answer.status == SEND:
                socket.send_fds(sock, [message(RUN_IN)[:8]], [hostile.held["pipe"]])
        n += 1
        time.sleep(0.05)
    return n


def launch_times(seconds):
    """Of requests for a session, in milliseconds: the daemon's part of a launch."""
    end, times = time.monotonic() + seconds, []
    while time.monotonic() < end:
        start = time.monotonic()
        assert hostile.ask(message(RUN)).status == OK
        times.append((time.monotonic() - start) * 1000)
        time.sleep(0.15)
    return sorted(times)


@alone
@needs("root", "tool:setcap", "tool:setpriv")
@timeout(120)
@params("refused", "taken")
def test_launch_beside_a_crowd(lab, descriptors):
    """16 users who attach and take the device down, 8 who send descriptors and hang up: another's
    launch takes less than 50 ms in the median."""
    s = site(lab)
    if descriptors == "taken":
        hostile.take_descriptors(s.daemon.pid)
    held = lab.session()
    quiet = launch_times(2)
    with contextlib.ExitStack() as stack:
        attachers = [
            stack.enter_context(Actor(uid, [NETDEV], userns=True)) for uid in ATTACHERS
        ]
        senders = [stack.enter_context(Actor(uid, [NETDEV])) for uid in SENDERS]
        for one in attachers:
            one.start(attach_and_down, 6)
        for one in senders:
            one.start(send_and_hang_up, 6)
        with Actor(4000, [NETDEV]) as other:
            times = other.do(launch_times, 5)
        attached = sum(one.wait() for one in attachers)
        sent = sum(one.wait() for one in senders)
    median, alone = times[len(times) // 2], quiet[len(quiet) // 2]
    print(
        f"{attached} attached, {sent} sent; {len(times)} launches: median {median:.1f} ms"
        f" (alone {alone:.1f}), at most {times[-1]:.0f}"
    )
    assert attached >= 4 and sent > 100, (attached, sent)
    assert median < 50 * lab.scale, times
    held.finish()
