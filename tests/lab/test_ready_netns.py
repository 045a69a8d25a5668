"""A netns that is ready before a launch asks for it: of nobody until then, and left to nobody after."""

import contextlib
import os
import signal
import socket
import sys

from lab import SERVER, SERVER6, needs, program, topology
from test_daemon_killed_under_launches import connects
from test_doctor_launch import read
from test_log import entries


def alias(port):
    try:
        with open(f"/sys/class/net/{port}/ifalias", encoding="ascii") as f:
            return f.read().strip()
    except OSError:
        return ""


def spares():
    """Port and netns inode of each."""
    aliases = {name: alias(name).split() for _, name in socket.if_nameindex() if name.startswith("viap")}
    return [(port, int(words[4])) for port, words in aliases.items() if len(words) == 8 and ",spare" in words[6]]


def start(lab, spare="1"):
    """A daemon that keeps one ready, and a session."""
    lab.popen([program("via-ifaced"), "--supervise", "--spare", spare])
    lab.wait(lambda: lab.daemon_pid() and os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")
    return lab.session()


def ready(lab):
    """The one that is there now, or comes: after a launch, while the daemon knows what the host is like. So
    there is another launch when something of the host changed meanwhile."""
    for _ in range(5):
        with contextlib.suppress(AssertionError):
            return lab.wait(lambda: len(found := spares()) == 1 and found[0], 2)  # one that goes takes a moment
        assert lab.via(lab.spare, "--", "true").code == 0
    raise AssertionError("there is no netns that is ready")


def descriptor(lab, inode):
    """The daemon's of that netns: nobody else has one."""
    pid = lab.daemon_pid()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        path = f"/proc/{pid}/fd/{fd}"
        if os.readlink(path) == f"net:[{inode}]":
            return path
    raise AssertionError(f"via-ifaced has no descriptor of net:[{inode}]")


def netns_of(pid):
    return os.stat(f"/proc/{pid}/ns/net").st_ino


@topology("split", "same")
def test_is_used_once(lab):
    """A launch gets it, and the next one another; each leaves by its uplink."""
    held = start(lab)
    running = [held]
    for _ in range(3):
        port, inode = ready(lab)
        assert inode not in [netns_of(one.pid) for one in running]
        running.append(lab.session())  # until the end, since the kernel gives an inode's number again
        assert netns_of(running[-1].pid) == inode and alias(port).split()[2] == "0", alias(port)
        assert ",spare" not in alias(port)
        done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
        assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    for one in running:
        one.finish()


SEND = """
import socket, sys
for family, host in ((socket.AF_INET, sys.argv[1]), (socket.AF_INET6, sys.argv[2])):
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        for i in range(3):
            try:
                s.sendto(b"BEACON", (host, 9))
            except OSError as e:
                print(e)
"""


@topology("split", "same")
def test_is_closed(lab):
    """What is sent from it, with the routes that a session has, goes nowhere; the same from a
    session leaves by its uplink."""
    held = start(lab)
    _, inode = ready(lab)
    by = [lab.capture_wired(token="BEACON"), lab.capture_spare(token="BEACON")]
    inside = ["nsenter", "--net=" + descriptor(lab, inode)]
    addresses = lab.run([*inside, "ip", "-br", "addr", "show", "eth0"], check=True).out
    assert " UP " in addresses and "/22" in addresses and "/64" in addresses, addresses
    assert not lab.run([*inside, "ip", "route", "show", "default"], check=True).out
    other = lab.run(["nsenter", f"--net=/proc/{held.pid}/ns/net", "ip", "-4", "-br", "addr", "show", "eth0"], check=True)
    gateway = ".".join(other.out.split()[2].split("/")[0].split(".")[:3][:2]) + ".0.1"
    lab.run([*inside, "ip", "route", "add", "default", "via", gateway], check=True)
    sent = [sys.executable, "-c", SEND, SERVER, SERVER6]
    lab.run([*inside, *sent], check=True)
    lab.run([*inside, *sent[:3], other.out.split()[2].split("/")[0], SERVER6], check=True)
    lab.run(["nsenter", f"--net=/proc/{held.pid}/ns/net", *sent], check=True)
    seen = lab.wait(lambda: [f for f in by[1].peek() if f.dport == 9][5:] and by[1].peek(), 5, "the session's packets")
    assert len([f for f in seen if f.dport == 9]) == 6, seen  # three of each family: the session's alone
    assert not by[0].leaks(), by[0].leaks()
    held.finish()


def test_several_at_once(lab):
    """Each has a netns of its own."""
    held = start(lab)
    _, inode = ready(lab)
    running = [lab.via_popen(str(lab.spare), "--", "sh", "-c", "echo ready; cat") for _ in range(6)]
    for one in running:
        one.expect("ready\n")
    seen = {netns_of(one.pid) for one in (held, *running)}
    assert len(seen) == 7 and inode in seen, seen
    for one in (*running, held):
        one.finish()


@needs("root")
def test_nobody_takes_it(lab):
    """No verb finds it, whoever asks, and its owner is nobody."""
    held = start(lab)
    port, inode = ready(lab)
    number = port.removeprefix("viap")
    assert alias(port).split()[2] == str(2**32 - 1)
    for user in (None, 1000):
        for words in (["exec", number, "true"], ["stop", number], ["pause", number], ["move", number, lab.wired]):
            done = lab.via(*map(str, words), user=user)
            assert done.code != 0 and number in done.err, done
    assert spares() == [(port, inode)]
    held.finish()


def test_is_not_a_session(lab):
    """list and doctor know what it is, and limits do not count it."""
    held = start(lab)
    port, _ = ready(lab)
    assert [s["id"] for s in lab.via("list", "--json").json()] == [1]
    assert port not in lab.via("list").out
    assert f"{port} is no session's" in lab.via("list", "--all").out
    assert read(lab.via("doctor", "--json")) == []
    held.finish()


def test_daemon_is_killed(lab):
    """It ends with the daemon; sessions go on, and the next daemon makes another one."""
    before = lab.snapshot()
    held = start(lab)
    port, inode = ready(lab)
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: len(lab.daemon_pids()) == 2 and lab.daemon_pid() != pid and connects(), 5, "another daemon")
    lab.wait(lambda: not lab.link_exists(port), 10, "the end of its port")
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
    assert ready(lab)[1] != inode
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_daemon_is_ended(lab):
    """A daemon that is asked to end removes it, and leaves sessions as they are."""
    held = start(lab)
    port, _ = ready(lab)
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")
    assert not lab.link_exists(port) and lab.link_exists("viap1")
    neighbours = lab.ip("-4 neigh show dev via0 nud permanent").splitlines()
    assert len(neighbours) == 1, neighbours
    held.finish()


def test_nothing_left(lab):
    before = lab.snapshot()
    held = start(lab)
    ready(lab)
    assert lab.via(lab.spare, "--", "true").code == 0
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def link(lab, words):
    done = lab.via(*words, lab.spare, "--", "ip", "-j", "addr", "show", "eth0")
    assert done.code == 0, done
    return done.json()[0]


def test_host_changes(lab):
    """What the host is like when the launch comes counts, not what it was like before."""
    held = start(lab)
    ready(lab)
    assert link(lab, ["--mtu", "1400"])["mtu"] == 1400
    ready(lab)
    assert "inet6" not in [a["family"] for a in link(lab, ["--ipv6=off"])["addr_info"]]
    ready(lab)
    lab.ip(f"link set {lab.spare} mtu 1300")
    assert link(lab, [])["mtu"] == 1300
    ready(lab)
    lab.sysctl("net.ipv4.ip_default_ttl", "77")
    lab.ip(f"addr add 198.18.9.9/32 dev {lab.spare}")  # so that the host is observed again
    done = lab.via(lab.spare, "--", "cat", "/proc/sys/net/ipv4/ip_default_ttl")
    assert done.out == "77\n", done
    held.finish()


def test_its_port_is_changed(lab):
    """It is not used after that, and nobody is told that something was healed."""
    held = start(lab)
    port, _ = ready(lab)
    lab.ip(f"link set {port} alias foreign")
    lab.wait(lambda: not lab.link_exists(port), 5, "the end of its port")
    other = lab.session()
    assert int(port.removeprefix("viap")) not in [s["id"] for s in lab.via("list", "--json").json()]
    other.finish()
    port, _ = ready(lab)
    lab.ip(f"link del {port}")
    other = lab.session()
    assert int(port.removeprefix("viap")) not in [s["id"] for s in lab.via("list", "--json").json()]
    other.finish()
    assert not [e for e in entries(lab) if e["event"] == "healed"]
    held.finish()


def test_switched_off(lab):
    held = start(lab, "0")
    for _ in range(3):
        assert lab.via(lab.spare, "--", "true").code == 0
        assert not spares()
    held.finish()
