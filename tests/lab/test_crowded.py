"""A crowd at the socket, or a host with little to give: the daemon heals, rests, and answers."""

import contextlib
import os
import time

import hostile
from hostile import Actor
from lab import needs, params, program, timeout

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
@params(16, 32, 64, 128)
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
