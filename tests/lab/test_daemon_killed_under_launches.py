"""A launch whose daemon ends before it answered is made once, by the next daemon."""

import collections
import contextlib
import os
import random
import shlex
import signal
import socket
import time

from lab import needs, params, timeout
from test_inside_as_outside import install
from test_survives_kills import ports

SOCKET = "/run/via-iface/socket"
# Whose launch it is: None: root's
CALLERS = {"root": None, "user": 1000, "named": 1000, "without_capability": 1000}
WITHOUT_CAPABILITY = ["setpriv", "--no-new-privs", "--"]


def connects():
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        return sock.connect_ex(SOCKET) == 0


def command(lab, via, by):
    name = ["--name", "mine"] if by == "named" else []
    words = [via, *name, str(lab.spare), "--"]
    return [*WITHOUT_CAPABILITY, *words] if by == "without_capability" else words


def asks(pid):
    """Whether that process sleeps with a socket open: it waits for the answer."""
    with contextlib.suppress(OSError), open(f"/proc/{pid}/stat", encoding="ascii") as f:
        sleeps = f.read().rpartition(")")[2].split()[0] == "S"
        fds = [os.readlink(f"/proc/{pid}/fd/{fd}") for fd in os.listdir(f"/proc/{pid}/fd")]
        return sleeps and any(fd.startswith("socket:") for fd in fds)
    return False


def kill_daemon(lab):
    with contextlib.suppress(TypeError, ProcessLookupError):
        os.kill(lab.daemon_pid(), signal.SIGKILL)


@needs("root", "tool:setcap", "tool:setpriv")
@params(*CALLERS)
def test_waiting_launch(lab, by):
    """The daemon is killed with the request unread."""
    via, before = install(lab), lab.snapshot()
    held = lab.session()
    for _ in range(3):
        pid = lab.daemon_pid()
        os.kill(pid, signal.SIGSTOP)
        words = [*command(lab, via, by), "sh", "-c", "echo made"]
        client = lab.popen(words, user=CALLERS[by])
        lab.wait(lambda: any(map(asks, lab.processes("via-iface-enter"))), 5, "its request")
        os.kill(pid, signal.SIGKILL)
        done = client.finish()
        assert (done.code, done.out) == (0, "made\n"), done
        lab.wait(connects, 5, "a daemon that answers")
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


@needs("root", "tool:setcap", "tool:setpriv", "tool:strace")
@params(*CALLERS)
def test_half_made(lab, by):
    """The daemon is killed as it sends the answer: what it had made is not used, and goes."""
    via, before = install(lab), lab.snapshot()
    held = lab.session()
    pid = lab.daemon_pid()
    options = ("-e", "trace=sendmsg", "-e", "inject=sendmsg:signal=KILL:when=1")
    tracer = lab.popen(["strace", "-qq", "-o", "/dev/null", *options, "-p", str(pid)])
    lab.wait(lambda: tracer_of(pid), 5, "strace")
    words = [*command(lab, via, by), "sh", "-c", "echo made; ls /sys/class/net; cat"]
    client = lab.popen(words, user=CALLERS[by])
    client.expect("made\n")
    assert not os.path.exists(f"/proc/{pid}") or lab.daemon_pid() != pid, "it was not killed"
    tracer.finish()
    lab.wait(lambda: len(ports()) == 2, 10, "one port for each of two programs")
    client.finish()
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def tracer_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(f.read().partition("TracerPid:")[2].split()[0])


LOOPS = {"loop0": None, "loop1": 1000, "loop2": None}


def counts(path):
    with open(path, encoding="ascii") as f:
        return collections.Counter(line.split()[0] for line in f)


@needs("root", "tool:setcap")
@timeout(120)
def test_twenty_kills(lab):
    """Launches of root and of a user go on meanwhile: each runs its program, once."""
    via, before = install(lab), lab.snapshot()
    held = lab.session()
    written = os.path.join(lab.tmp, "made")
    script = f"""
        i=0
        while [ ! -e {lab.tmp}/enough ]; do
            i=$((i + 1))
            {shlex.join(command(lab, via, "root"))} sh -c "echo $0 $i >>{written}" || echo "$0 $i failed $?"
        done
        echo "$0 $i launches"
    """
    open(written, "w").close()
    os.chmod(lab.tmp, 0o777)
    os.chmod(written, 0o666)
    loops = [lab.popen(["sh", "-c", script, n], user=user) for n, user in LOOPS.items()]
    chance = random.Random(17)
    for _ in range(20):
        kill_daemon(lab)
        # none is hit twice: of two programs that start in a loop one was asked for afterwards
        begun = counts(written)
        lab.wait(lambda: all(counts(written)[n] >= begun[n] + 2 for n in LOOPS), 20, "launches")
        time.sleep(chance.random() / 50)
    open(f"{lab.tmp}/enough", "w").close()
    outs = [loop.finish(30) for loop in loops]
    told = [line for done in outs for line in (done.out + done.err).splitlines()]
    with open(written, encoding="ascii") as f:
        made = f.read().splitlines()
    launches = sum(int(line.split()[1]) for line in told if line.endswith(" launches"))
    print(f"{launches} launches")
    wrong = [line for line in told if not line.endswith(" launches")]
    assert not wrong, f"{len(wrong)} of {launches}:\n" + "\n".join(wrong[:20])
    assert len(made) == len(set(made)) == launches > 100, (len(made), len(set(made)), launches)
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)
