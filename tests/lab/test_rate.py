"""`--rate`: a session receives and sends at that rate and no faster, whoever tries to lift it, and its packets
do not wait long behind each other."""

import contextlib
import os
import signal
import time

from flow import state
from lab import needs, timed, topology
from test_who_may import Site

PORT = 9000

# Rules do not count the headers of segments that pass as one packet, 5 % of it, and let what a stall of TCP left
# over pass after it.
BY_RULES = 1.2

SERVE = r"""
import socket, sys, threading
def serve(c):
    with c:
        try:
            if c.recv(1) == b"d":
                while True:
                    c.sendall(bytes(65536))
            while c.recv(65536):
                pass
        except OSError:
            pass
listening = [socket.create_server((a, PORT), family=f) for f, a in ((socket.AF_INET, "0.0.0.0"),)]
six = socket.socket(socket.AF_INET6, socket.SOCK_STREAM)
six.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
six.bind(("::", PORT))
six.listen()
def accept(s):
    while True:
        threading.Thread(target=serve, args=(s.accept()[0],), daemon=True).start()
threading.Thread(target=accept, args=(six,), daemon=True).start()
print("serving", flush=True)
accept(listening[0])
""".replace("PORT", str(PORT))

TRANSFER = r"""
import socket, sys
way, address = sys.argv[1:]
c = socket.create_connection((address, PORT), 10)
c.sendall(way.encode())
print("flowing", flush=True)
while way == "d" and c.recv(1 << 16):
    pass
while way == "u":
    c.sendall(bytes(65536))
""".replace("PORT", str(PORT))


def start_server(lab):
    server = lab.popen(["/usr/bin/python3", "-c", SERVE], ns="inet")
    server.expect("serving\n")


def row(lab, name):
    (found,) = [r for r in lab.via("list", "--json", check=True).json() if r["name"] == name]
    return found


@contextlib.contextmanager
def transfer(lab, name, way, address):
    words = ("exec", name, "--", "/usr/bin/python3", "-c", TRANSFER, way, address)
    client = lab.via_popen(*words)
    client.expect("flowing\n")
    yield
    client.stop(9)


def counted(port, way):
    """Bytes by the kernel's count: what a port sends is what comes down to its session."""
    with open(f"/sys/class/net/{port}/statistics/{'tx' if way == 'd' else 'rx'}_bytes") as f:
        return int(f.read())


def rate_of(port, way, seconds=2.0):
    """Bits a second, from now on."""
    start, before = time.monotonic(), counted(port, way)
    time.sleep(seconds)  # what is measured
    return (counted(port, way) - before) * 8 / (time.monotonic() - start)


def measured(lab, name, way, address, warm=0.5, at=None):
    """The rate at its port, or where a packet comes that the rules have let pass, and what a ping took
    meanwhile (ms)."""
    port = row(lab, name)["ifname"]
    with transfer(lab, name, way, address):
        time.sleep(warm)  # until the queue is as it stays
        ping = lab.via_popen("exec", name, "--", "ping", "-nqi0.05", "-c40", "-W5", address)
        rate = rate_of(at, "d") if at else rate_of(port, way)
        out = ping.finish().out
    return rate, [float(t) for t in out.rsplit("= ", 1)[1].split()[0].split("/")]


def qdisc(lab, dev, ns=None):
    return lab.run(["tc", "qdisc", "show", "dev", dev], ns=ns, check=True).out


@timed
@topology("split", "same")
def test_rate(lab):
    """Within 5 % in either direction and family, and a packet waits less than 50 ms; without the option it is
    a multiple."""
    start_server(lab)
    down, up = (lab.server, lab.server6) if lab.topology == "split" else (lab.server6, lab.server)
    free = lab.session(lab.spare, "--name", "free")
    held = lab.session(lab.spare, "--name", "slow", "--rate", "10mbit/4mbit")
    assert row(lab, "slow")["limits"] == {"rate_down": 10000000, "rate_up": 4000000}, row(lab, "slow")
    assert row(lab, "free")["limits"] == {"rate_down": None, "rate_up": None}
    assert "10mbit/4mbit" in lab.via("status", "slow", check=True).out
    for way, address, wanted in (("d", down, 10e6), ("u", up, 4e6)):
        rate, (_, mean, longest, _) = measured(lab, "slow", way, address)
        lab.note(f"{way}: {rate / 1e6:.2f} mbit, ping {mean} ms, longest {longest}")
        assert abs(rate / wanted - 1) <= 0.05, f"{way}: {rate / 1e6:.2f} mbit"
        assert mean < 50, f"{way}: {mean} ms, longest {longest}"
    with transfer(lab, "free", "d", down):
        assert rate_of(row(lab, "free")["ifname"], "d", 0.5) > 20e6
    held.finish()
    free.finish()


@timed
def test_cannot_be_lifted(lab):
    """Root inside removes its own token bucket, and still sends no faster than it may; it finds no other one.
    What somebody does to the port's is healed, and without a daemon the rules hold the rate."""
    start_server(lab)
    held = lab.session(lab.spare, "--name", "slow", "--rate", "8mbit")
    port = row(lab, "slow")["ifname"]
    with lab.namespace_of(held.pid, "inside"):
        assert "tbf 7669: root" in qdisc(lab, "eth0", ns="inside")
        lab.run("tc qdisc del dev eth0 root; nft flush ruleset", ns="inside", check=True)
        assert "tbf" not in qdisc(lab, "eth0", ns="inside")
        assert lab.run(["tc", "qdisc", "del", "dev", port, "root"], ns="inside").code != 0
    rate = measured(lab, "slow", "u", lab.server, warm=2, at=lab.spare.dev)[0]
    assert rate <= 8e6 * BY_RULES, rate
    kept = qdisc(lab, port)
    for command in ("del dev {} root", "replace dev {} root pfifo", "change dev {} root tbf rate 1gbit burst 1mb limit 1mb"):
        lab.run("tc qdisc " + command.format(port), check=True)
        lab.wait(lambda: qdisc(lab, port) == kept, 5, qdisc(lab, port))
    daemon = lab.daemon_pid()
    with transfer(lab, "slow", "d", lab.server6):
        os.kill(daemon, signal.SIGSTOP)
        lab.run(["tc", "qdisc", "del", "dev", port, "root"], check=True)
        time.sleep(2)  # what the rules let pass after a pause
        rate = rate_of(port, "d")
        os.kill(daemon, signal.SIGCONT)
    assert rate <= 8e6 * BY_RULES, rate
    lab.wait(lambda: qdisc(lab, port) == kept, 5)
    held.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_users(lab):
    """Neither the session's own programs nor another user can change it. With `rate =` in the policy that is what
    a session has that asks for none, and the most that one may ask for; root is free."""
    site = Site(lab)
    path = site.policy("[*]\nuplinks = *\nrate = 6mbit/1mbit\n")
    held = site.via_popen("alice", "--name", "capped", lab.spare.dev, "--", "sh", "-c", "echo ready; cat")
    held.expect("ready\n")
    assert row(lab, "capped")["limits"] == {"rate_down": 6000000, "rate_up": 1000000}
    (pid,) = row(lab, "capped")["pids"][:1]
    with lab.namespace_of(pid, "inside"):
        for ns, dev in ((None, row(lab, "capped")["ifname"]), ("inside", "eth0")):
            kept = qdisc(lab, dev, ns=ns)
            assert "tbf 7669: root" in kept
            for user in ("alice", "bob"):
                done = site.run_as(user, "tc", "qdisc", "del", "dev", dev, "root", ns=ns)
                assert done.code != 0 and "not permitted" in done.err, done
            assert qdisc(lab, dev, ns=ns) == kept
    site.held = 1
    for text in ("7mbit/1mbit", "6mbit"):
        site.refused("bob", f"{path}:1 [*] allows no --rate above 6mbit/1mbit; give less, or leave it out", options=("--rate", text))
    site.allowed("bob", lab.spare, "--rate", "6mbit/64kbit")
    held.finish()
    lab.via("--rate", "7mbit", lab.spare, "--", "true", check=True)


@topology("split", "same")
def test_lasts(lab):
    """It stays over a move, a pause and the daemon's death, and beside others with the same rate and another
    one; nothing of it is left."""
    before = lab.snapshot()
    held = lab.session(lab.spare, "--name", "slow", "--rate", "8mbit/1.5mbit")
    port = row(lab, "slow")["ifname"]
    kept, limits = qdisc(lab, port), row(lab, "slow")["limits"]
    again = lab.session(lab.spare, "--name", "again", "--rate", "8mbit/1.5mbit")
    other = lab.session(lab.wired, "--name", "other", "--rate", "8mbit/2mbit")
    rules = state(lab, "nft")
    lab.via("move", "slow", lab.wired, check=True)
    lab.via("pause", "slow", check=True)
    lab.via("resume", "slow", check=True)
    os.kill(lab.daemon_pid(), signal.SIGKILL)
    lab.wait(lambda: lab.via("move", "slow", lab.spare).code == 0, 10)
    assert qdisc(lab, port) == kept and row(lab, "slow")["limits"] == limits
    assert state(lab, "nft") == rules
    other.finish()
    again.finish()
    lab.wait(lambda: "up_250000" not in state(lab, "nft")["nft"], 5)
    assert "up_187500" in state(lab, "nft")["nft"]
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_attached(lab):
    """A netns of others gets it on its new device."""
    lab.netns("box")
    lab.via("attach", "--rate", "8mbit/2mbit", "--netns", "box", lab.spare, check=True)
    assert "tbf 7669: root" in qdisc(lab, "eth0", ns="box")
    assert row(lab, "box")["limits"] == {"rate_down": 8000000, "rate_up": 2000000}
    lab.via("detach", "--netns", "box", check=True)
    lab.drop_netns("box")


def test_wrong(lab):
    for text in ("10", "1kbit", "10mbit/", "fast", "64gbit"):
        done = lab.via("--rate", text, lab.spare, "--", "true")
        assert done.code == 125 and f"invalid --rate '{text}': it is DOWN or DOWN/UP" in done.err, done
    held = lab.session(lab.spare, "--name", "slow", "--rate", "8mbit")
    done = lab.via("--join", "slow", "--rate", "9mbit", lab.spare, "--", "true")
    assert done.code == 125 and "it runs without this --rate" in done.err, done
    lab.via("--join", "slow", "--rate", "8mbit", lab.spare, "--", "true", check=True)
    lab.via("--join", "slow", lab.spare, "--", "true", check=True)
    held.finish()
