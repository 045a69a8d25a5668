"""A service that begins with `--wait`: the uplink may be lost at any moment of its start, run, reload, restart and stop.
The service then waits or is blocked, is not ended by it, and its main process takes its signals."""

import contextlib
import os
import signal
import socket
import time

import hostile
from lab import params, topology
from test_leaves_by_its_uplink import give_back, lose

CLIENT = r"""
trap 'echo reload' HUP
echo begins
while :; do
    curl -s --max-time 2 {url} && echo || echo fails
    sleep 0.1
done
"""


def start(lab, *options):
    words = ["--wait", *options, "--name", "waiting", lab.spare, "--", "bash", "-c", CLIENT.format(url=lab.url)]
    return lab.via_popen(*words, merge=True, start_new_session=True)


def has_processes(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def stop(lab, service):
    """As systemd does, SIGTERM goes to all of its processes."""
    os.killpg(service.pid, signal.SIGTERM)
    assert service.finish(10, close=False).code == -signal.SIGTERM
    lab.wait(lambda: not has_processes(service.pid), 10, "the end of all of its processes")


def asks_daemon(pid):
    """It has a connection of SOCK_SEQPACKET, which is to the daemon."""
    with open("/proc/net/unix") as f:
        packets = {f"socket:[{w[6]}]" for w in (line.split() for line in f) if w[4] == "0005" and w[5] == "03"}
    try:
        return any(os.readlink(f"/proc/{pid}/fd/{fd}") in packets for fd in os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return False


@contextlib.contextmanager
def stopped(lab, pid=None):
    """The daemon stops while something happens."""
    pid = pid or lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def sessions(lab):
    return [(s["name"], s["state"]) for s in lab.via("list", "--json", check=True).json()]


def no_leak(wired):
    leaks = [f for f in wired.leaks() if f.eth != "arp"]
    assert not leaks, leaks[:9]


# What is gone when the daemon decides.
@topology("split", "same")
@params("down", "carrier", "address")
def test_lost_while_it_is_started(lab, how):
    """The wait is over, and the uplink is gone again before the daemon has made the session: it begins
    blocked, as if the uplink had gone a moment later."""
    wired = lab.capture_wired()
    held = lab.session(lab.wired, "--name", "other")  # the daemon stays
    lose(lab, "down")
    service = start(lab)
    service.expect("ends it\n")
    with stopped(lab):
        give_back(lab, "down")
        lab.wait(lambda: asks_daemon(service.pid), 10, "the request")
        lose(lab, how)
    service.expect("begins\n")
    service.expect("fails\n")
    assert ("waiting", "blocked") in sessions(lab)
    assert lab.via("status", "waiting", "--json").json()["pids"][0] == service.pid
    no_leak(wired)
    give_back(lab, how)
    service.expect(f"{lab.spare.addr}\n")
    stop(lab, service)
    held.finish()


def test_name_servers_lost_while_it_is_started(lab):
    """A network manager takes them away before the address."""
    held = lab.session(lab.wired, "--name", "other")
    lab.ip("addr flush dev wlp6s0")
    lab.set_dns(lab.spare, ["9.9.9.9"])
    service = start(lab)
    service.expect("ends it\n")
    with stopped(lab):
        lab.ip("addr add 198.51.100.10/24 dev wlp6s0")
        lab.ip("route add default via 198.51.100.1 dev wlp6s0 metric 600")
        lab.wait(lambda: asks_daemon(service.pid), 10, "the request")
        lab.set_dns(lab.spare, [])
    service.expect("begins\n")
    stop(lab, service)
    held.finish()


def test_attach_that_lost_it(lab):
    lab.ip("netns add box")
    held = lab.session(lab.wired, "--name", "other")
    lose(lab, "down")
    process = lab.via_popen("attach", "--wait", lab.spare, "--netns", "box", merge=True)
    process.expect("ends it\n")
    with stopped(lab):
        give_back(lab, "down")
        lab.wait(lambda: asks_daemon(process.pid), 10, "the request")
        lose(lab, "down")
    done = process.finish(20)
    assert done.code == 0 and "is blocked until" in done.out, done
    give_back(lab, "down")
    curl = ["ip", "netns", "exec", "box", "curl", "-s", "--max-time", "3", lab.url]
    lab.wait(lambda: lab.run(curl).out.strip() == lab.spare.addr, 10, "traffic by the uplink")
    lab.via("detach", "box", check=True)
    held.finish()


@topology("split", "same")
@params("down", "carrier", "address")
def test_lost_while_it_runs(lab, how):
    """It is not ended, goes on by its uplink alone, and its main process is the program itself: it takes
    SIGHUP while blocked. Restarted while it has a connection it has its name again."""
    wired = lab.capture_wired()
    service = start(lab)
    for _ in range(2):
        service.expect(f"{lab.spare.addr}\n")
        lose(lab, how)
        service.expect("fails\n")
        service.kill(signal.SIGHUP)
        service.expect("reload\n")
        service.expect("fails\n")
        stop(lab, service)
        service = start(lab)
        service.expect("ends it\n")
        give_back(lab, how)
        service.expect("begins\n")
        service.expect(f"{lab.spare.addr}\n")
        # one without a program, whose connections are closing, may be left for a while
        assert [s["name"] for s in lab.via("list", "--json").json() if s["pids"]] == ["waiting"]
    no_leak(wired)
    stop(lab, service)


@params(**{"TERM": signal.SIGTERM, "INT": signal.SIGINT, "HUP": signal.SIGHUP})
def test_signals_while_it_waits(lab, number):
    """It ends by them as any program that sets nothing for them, and leaves nothing."""
    before = lab.snapshot()
    lose(lab, "down")
    service = start(lab)
    service.expect("ends it\n")
    service.kill(number)
    assert service.finish(10, close=False).code == -number
    give_back(lab, "down")
    lab.wait_gone()
    lab.assert_same(before)


def test_daemon_is_held_up(lab):
    """A launch that takes longer than another client may be silent does not cost that one its answer."""
    held = lab.session(lab.wired, "--name", "other")
    daemon = lab.daemon_pid()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as client:
        client.connect("/run/via-iface/socket")
        start = time.monotonic()
        launch = lab.via_popen(lab.wired, "--", "true")
        lab.wait(lambda: os.path.exists("/sys/class/net/viap2"), 10, "the launch", step=0)
        with stopped(lab, daemon):
            client.send(hostile.message(hostile.PAUSE, ident=1))
            time.sleep(max(0, start + 5.5 - time.monotonic()))
        client.settimeout(10)
        assert client.recv(4096), "the daemon hung up"
    assert launch.finish().code == 0
    held.finish()
