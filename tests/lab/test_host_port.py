"""`--host-port PORT[,…]`: 127.0.0.1:PORT and [::1]:PORT inside a session are those of the host, and
nothing else of the host's is. Connections are whole: half-close, back-pressure, datagrams."""

import contextlib
import hashlib
import json
import os
import resource
import socket
import threading
import time

import wire
from lab import needs, params, program, timeout, topology, write_file
from test_who_may import USERS, Site

HELPER = "via-iface-port"
TCP, UDP, SIX, OTHER, BOTH = 5037, 5354, 8061, 5900, 9222
TOKEN = b"on-the-loopback"


class Servers:
    """On the host's loopback addresses: each says who it is, who asks, and gives back what came."""

    def __init__(self):
        self.peers = []
        self.sockets = []

    def tcp(self, address, port, serve=None):
        s = socket.create_server(
            (address, port), family=socket.AF_INET6 if ":" in address else socket.AF_INET, backlog=64
        )
        self.sockets.append(s)
        threading.Thread(target=self._accept, args=(s, address, serve or self._echo), daemon=True).start()
        return s

    def _accept(self, s, address, serve):
        while True:
            try:
                c, peer = s.accept()
            except OSError:
                return
            self.peers.append((address, peer[0]))
            threading.Thread(target=serve, args=(c, address), daemon=True).start()

    def _echo(self, c, address):
        with c, contextlib.suppress(OSError):
            while data := c.recv(65536):
                c.sendall(b"tcp " + address.encode() + b" " + data)

    def udp(self, address, port):
        s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
        s.bind((address, port))
        self.sockets.append(s)

        def loop():
            with contextlib.suppress(OSError):
                while True:
                    data, peer = s.recvfrom(65536)
                    self.peers.append((address, peer[0]))
                    s.sendto(b"udp " + address.encode() + b" " + data, peer)

        threading.Thread(target=loop, daemon=True).start()

    def close(self):
        for s in self.sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            s.close()


# In a session: {what was asked: the answer, or the error}.
ASK = """
import json, socket, sys
token = sys.argv[1].encode()
answers = {}
for kind, address, port in json.loads(sys.argv[2]):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(float(sys.argv[3]))
    try:
        s.connect((address, port))
        s.send(token)
        answers[f"{kind} {address} {port}"] = s.recv(1000).decode()
    except OSError as e:
        answers[f"{kind} {address} {port}"] = type(e).__name__
    s.close()
print(json.dumps(answers))
"""


def ask(lab, session, *what, seconds=1.0):
    words = ["python3", "-c", ASK, TOKEN.decode(), json.dumps(what), str(seconds)]
    done = lab.via("exec", session, "--", *words, check=True, timeout=60)
    return list(json.loads(done.out).values())


def line(process):
    """Its next line of output."""
    text = process.expect("\n", 30)
    process.out = process.out[text.index("\n") + 1 :]
    return text.partition("\n")[0]


def row_of(lab, name):
    return {s["name"]: s for s in lab.via("list", "--json", check=True).json()}[name]


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def helpers_gone(lab):
    lab.wait(lambda: not lab.processes(HELPER), 5, "the helper's end")


@topology("split", "same")
@timeout(90)
def test_table(lab):
    """What is reached, and what is not: other ports, protocols, addresses, sessions and devices. A
    server sees a local peer, and nothing leaves by an uplink."""
    before = lab.snapshot()
    captures = lab.capture_wired(TOKEN), lab.capture_spare(TOKEN)
    servers = Servers()
    for address in ("127.0.0.1", "::1"):
        servers.tcp(address, BOTH)
        servers.tcp(address, OTHER)
        servers.udp(address, OTHER)
        servers.udp(address, BOTH)
    servers.tcp("127.0.0.1", TCP)
    servers.udp("127.0.0.1", UDP)
    servers.tcp("::1", SIX)
    held = lab.session(lab.spare, "--name", "one", "--host-port", f"{TCP},{UDP}/udp", "--host-port", f"{SIX},{BOTH}")
    beside = lab.session(lab.spare, "--name", "two")
    row = row_of(lab, "one")
    assert row["host_ports"] == [
        {"proto": "tcp", "port": TCP},
        {"proto": "udp", "port": UDP},
        {"proto": "tcp", "port": SIX},
        {"proto": "tcp", "port": BOTH},
    ], row
    assert row_of(lab, "two")["host_ports"] == []
    assert f"host ports {TCP}, {UDP}/udp, {SIX}, {BOTH}" in lab.via("status", "one", check=True).out
    token = " " + TOKEN.decode()
    reached = [
        (("tcp", "127.0.0.1", TCP), "tcp 127.0.0.1" + token),
        (("tcp", "::1", TCP), "tcp 127.0.0.1" + token),  # localhost: the host's other family
        (("udp", "127.0.0.1", UDP), "udp 127.0.0.1" + token),
        (("udp", "::1", UDP), "udp 127.0.0.1" + token),
        (("tcp", "::1", SIX), "tcp ::1" + token),
        (("tcp", "127.0.0.1", SIX), "tcp ::1" + token),
        (("tcp", "127.0.0.1", BOTH), "tcp 127.0.0.1" + token),
        (("tcp", "::1", BOTH), "tcp ::1" + token),
    ]
    told = ask(lab, "one", *(what for what, _ in reached))
    assert told == [answer for _, answer in reached], list(zip(reached, told, strict=True))
    assert {peer for _, peer in servers.peers} == {"127.0.0.1", "::1"}, servers.peers
    closed = [("tcp", a, OTHER) for a in ("127.0.0.1", "::1")]
    closed += [("udp", a, OTHER) for a in ("127.0.0.1", "::1")]
    closed += [("udp", a, BOTH) for a in ("127.0.0.1", "::1")]  # TCP alone was named
    closed += [("tcp", "127.0.0.1", UDP), ("udp", "127.0.0.1", TCP)]
    closed += [("tcp", a, TCP) for a in ("127.0.0.2", row["address"], row["address6"])]
    gateway = lab.run("ip -4 -o addr show dev via0", check=True).out.split()[3].partition("/")[0]
    closed += [("tcp", a, p) for a in (gateway, lab.spare.addr) for p in (TCP, BOTH, OTHER)]
    told = ask(lab, "one", *closed, seconds=0.5)
    assert not [t for t in told if "-the-" in t], list(zip(closed, told, strict=True))
    theirs = [("tcp", a, p) for a in ("127.0.0.1", "::1", row["address"], row["address6"]) for p in (TCP, BOTH)]
    told = ask(lab, "two", *theirs, seconds=0.5)
    assert not [t for t in told if "-the-" in t], list(zip(theirs, told, strict=True))
    # from outside: the session's loopback addresses are not reached by its device
    for a in (lab.spare.addr, gateway):
        with socket.socket() as s, contextlib.suppress(OSError):
            s.settimeout(0.3)
            s.connect((row["address"], TCP))
            raise AssertionError("a port of the session is reached from the host")
    held.finish()
    beside.finish()
    helpers_gone(lab)
    servers.close()
    lab.wait_gone()
    lab.assert_same(before)
    left = [f for c in captures for f in c.stop() if TOKEN in f.raw]
    assert not left, left[:5]


@needs("root")
def test_by_its_device(lab):
    """The session's device takes packets for 127.0.0.1 (its name servers need that): such a packet
    of the host's does not reach the port, and the same one by lo does."""
    servers = Servers()
    servers.udp("127.0.0.1", UDP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", f"{UDP}/udp")
    row = row_of(lab, "one")
    mac = json.loads(lab.via("exec", "one", "--", "ip", "-j", "link", "show", "eth0", check=True).out)[0]["address"]
    with open("/sys/class/net/via0/address") as f:
        bridge = f.read().strip()
    gateway = lab.run("ip -4 -o addr show dev via0", check=True).out.split()[3].partition("/")[0]
    with lab.namespace_of(held.pid, "inside"):
        heard = lab.capture("inside", "eth0", TOKEN)
        with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
            s.bind((row["ifname"], 0))
            for src in (gateway, "127.0.0.1", lab.spare.addr):
                s.send(wire.ether(mac, bridge, wire.IP, wire.udp(src, "127.0.0.1", 4000, UDP, TOKEN)))
        lab.wait(lambda: len([f for f in heard.peek() if TOKEN in f.raw]) >= 3, 5, "they arrive")
        heard.stop()
    assert ask(lab, "one", ("udp", "127.0.0.1", UDP)) == ["udp 127.0.0.1 " + TOKEN.decode()]
    assert len(servers.peers) == 1, servers.peers
    held.finish()
    servers.close()


# Sends so many bytes and ends its direction; then reads to the end. Prints what it got.
HALF_CLOSE = """
import hashlib, socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
block, n = bytes(range(256)) * 256, int(sys.argv[2])
for _ in range(n):
    c.sendall(block)
c.shutdown(socket.SHUT_WR)
digest, size = hashlib.sha256(), 0
while data := c.recv(1 << 20):
    digest.update(data)
    size += len(data)
print(size, digest.hexdigest())
"""


def collect(c, _address):
    """Reads to the end, then gives all of it back."""
    with c:
        parts = []
        while data := c.recv(1 << 20):
            parts.append(data)
        c.sendall(b"".join(parts))


def test_half_close(lab):
    """The end of one direction is passed on, and the other one goes on: 16 MB there, then back."""
    servers = Servers()
    servers.tcp("127.0.0.1", TCP, collect)
    whole = bytes(range(256)) * 256 * 256
    done = lab.via("--host-port", TCP, lab.spare, "--", "python3", "-c", HALF_CLOSE, TCP, 256, check=True, timeout=60)
    assert done.out.split() == [str(len(whole)), hashlib.sha256(whole).hexdigest()], done
    servers.close()


# Writes without waiting until nothing is taken for a second; prints how much was; then the rest.
PRESSURE = """
import select, socket, sys
c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
c.setblocking(False)
total, block = 0, b"x" * 65536
while select.select([], [c], [], 1.0)[1]:
    try:
        total += c.send(block)
    except BlockingIOError:
        pass
print(total, flush=True)
input()
c.shutdown(socket.SHUT_WR)
c.setblocking(True)
print(c.recv(100).decode(), flush=True)
"""


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return next(int(l.split()[1]) for l in f if l.startswith("VmRSS:"))


def ticks(pid):
    with open(f"/proc/{pid}/stat") as f:
        return sum(map(int, f.read().rpartition(")")[2].split()[11:13]))


@timeout(60)
def test_back_pressure(lab):
    """A server that does not read makes the program wait; meanwhile the helper holds no more and does
    nothing, and others are served. Then all of it arrives."""
    servers, go = Servers(), threading.Event()

    def slow(c, _address):
        with c:
            go.wait()
            size = 0
            while data := c.recv(1 << 20):
                size += len(data)
            c.sendall(b"%d" % size)

    servers.tcp("127.0.0.1", TCP, slow)
    servers.tcp("127.0.0.1", BOTH)
    held = lab.session(lab.spare, "--name", "one", "--host-port", f"{TCP},{BOTH}")
    (helper,) = lab.processes(HELPER)
    writer = lab.via_popen("exec", "one", "--", "python3", "-c", PRESSURE, TCP)
    total = int(line(writer))
    assert 65536 < total < 64 << 20, total
    used, held_memory = ticks(helper), memory(helper)
    assert ask(lab, "one", ("tcp", "127.0.0.1", BOTH)) == ["tcp 127.0.0.1 " + TOKEN.decode()]
    start = time.monotonic()
    lab.wait(lambda: time.monotonic() - start > 1, 5, "a second in which nothing moves")
    assert ticks(helper) - used <= 5, "it is busy with a connection that waits"
    assert held_memory < 8 << 10 * lab.sanitized, f"{held_memory} kB"
    go.set()
    writer.write("\n")
    assert int(line(writer)) == total
    assert writer.finish().code == 0
    held.finish()
    servers.close()


# Opens so many connections; says how many were answered in a second, and so when they are closed.
MANY = """
import select, socket, sys
n = int(sys.argv[2])
def answered(all):
    got = 0
    while True:
        ready = select.select(all, [], [], 1.0)[0] if all else []
        if not ready:
            return got
        for c in ready:
            got += bool(c.recv(1000))
            all.remove(c)
conns = []
for _ in range(n):
    c = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=10)
    c.sendall(b"x")
    conns.append(c)
import resource
waiting = list(conns)
print(answered(waiting), flush=True)
for c in conns:
    if c not in waiting:
        c.close()
print(answered(waiting), flush=True)
"""


@timeout(60)
def test_many_connections(lab):
    """Beyond 256 at once they wait, and are served when others end. The helper's descriptors are
    bounded, and none is left."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
    servers = Servers()
    servers.tcp("127.0.0.1", TCP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", TCP)
    (helper,) = lab.processes(HELPER)
    ask(lab, "one", ("tcp", "127.0.0.1", TCP))  # so that it has taken over
    idle = descriptors(helper)
    many = lab.via_popen("exec", "one", "--", "python3", "-c", MANY, TCP, 300)
    assert int(line(many)) == 256
    assert descriptors(helper) <= idle + 256 * 2 + 4
    assert int(line(many)) == 44
    many.finish()
    lab.wait(lambda: descriptors(helper) <= idle, 5, "all are closed")
    held.finish()
    servers.close()


PEERS = """
import socket, sys
port, n = int(sys.argv[1]), int(sys.argv[2])
right = 0
for round in range(2):
    for i in range(n):
        s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        s.settimeout(5)
        s.connect(("127.0.0.1", port))
        s.send(b"%d" % i)
        right += s.recv(1000).endswith(b" %d" % i)
        s.close()
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.connect(("127.0.0.1", port))
s.settimeout(5)
big = b"y" * 60000
s.send(big)
print(right, s.recv(65536).endswith(big))
"""


def test_datagrams(lab):
    """Each peer gets its own answers, 200 of them one after the other; 64 sockets at most stay. A
    datagram of 60000 bytes comes whole."""
    servers = Servers()
    servers.udp("127.0.0.1", UDP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", f"{UDP}/udp")
    (helper,) = lab.processes(HELPER)
    ask(lab, "one", ("udp", "127.0.0.1", UDP))  # so that it has taken over
    idle = descriptors(helper)
    done = lab.via("exec", "one", "--", "python3", "-c", PEERS, UDP, 100, check=True, timeout=60)
    assert done.out == "200 True\n", done
    assert idle < descriptors(helper) <= idle + 64
    held.finish()
    helpers_gone(lab)
    servers.close()


WRONG = {
    "none": ("", "it is PORT or PORT/udp"),
    "zero": ("0", "it is PORT or PORT/udp"),
    "large": ("65536", "it is PORT or PORT/udp"),
    "sctp": ("80/sctp", "it is PORT or PORT/udp"),
    "address": ("127.0.0.1:80", "it is PORT or PORT/udp"),
    "range": ("80-90", "it is PORT or PORT/udp"),
    "comma": ("80,", "it is PORT or PORT/udp"),
    "nine": ("1,2,3,4,5,6,7,8,9", "there are more than 8 ports"),
    "names": ("53", "leads to the session's name servers"),
    "names-udp": ("5037,53/udp", "leads to the session's name servers"),
}


@params(**WRONG)
def test_wrong(lab, case):
    text, reason = case
    done = lab.via("--host-port", text, lab.spare, "--", "true")
    assert done.code == 125 and f"invalid --host-port '{text}': " in done.err and reason in done.err, done


def test_name_servers(lab):
    """The host's name server on a loopback address is not asked, with ports of the host's beside it."""
    asked = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind(("127.0.0.1", 53))

        def loop():
            with contextlib.suppress(OSError):
                while True:
                    asked.append(s.recvfrom(4096))

        threading.Thread(target=loop, daemon=True).start()
        held = lab.session(lab.spare, "--name", "one", "--host-port", f"{UDP}/udp,{TCP}")
        asked_before = len(lab.dns_log())
        lab.via("exec", "one", "--", "getent", "hosts", "www.lab.test")
        new = lab.dns_log()[asked_before:]
        assert new and {line[0] for line in new} == {"spare"}, new
        held.finish()
        assert not asked, asked


@topology("split", "same")
def test_without_uplink(lab):
    """The ports are local: a move, a pause and the loss of the uplink leave an open connection as it
    is, and nothing of it leaves."""
    captures = lab.capture_wired(TOKEN), lab.capture_spare(TOKEN)
    servers = Servers()
    servers.tcp("127.0.0.1", TCP)
    held = lab.session(lab.spare, "--name", "one", "--host-port", TCP)
    answer = ["tcp 127.0.0.1 " + TOKEN.decode()]
    loop = "while read line; do echo $line >&3; read -r back <&3; echo $back; done"
    talk = lab.via_popen("exec", "one", "--", "bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{TCP}; {loop}")
    def goes_on(when):
        talk.write(TOKEN.decode() + "\n")
        assert line(talk) == answer[0], when
        assert ask(lab, "one", ("tcp", "127.0.0.1", TCP)) == answer, when
    goes_on("at the start")
    lab.via("move", "one", lab.wired, "--only", check=True)
    goes_on("after a move")
    lab.via("pause", "one", check=True)
    goes_on("paused")
    lab.via("resume", "one", check=True)
    lab.ip(f"link set {lab.wired} down")
    goes_on("blocked")
    talk.finish()
    held.finish()
    servers.close()
    left = [f for c in captures for f in c.stop() if TOKEN in f.raw]
    assert not left, left[:5]


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(90)
def test_users(lab):
    """Plain users: a port below 1024 too, and the server sees that the peer is theirs. The policy may
    forbid it, and then no helper is left."""
    site = Site(lab)
    site.policy("[*]\nuplinks = *\n")
    servers = Servers()
    servers.tcp("127.0.0.1", 631)
    owner = lambda: lab.run("ss -Htnpe state established '( dport = :631 )'").out
    script = "exec 3<>/dev/tcp/127.0.0.1/631; echo one >&3; read -r back <&3; echo $back; cat"
    run = site.via_popen("alice", "--host-port", "631", str(lab.spare), "--", "bash", "-c", script)
    assert line(run) == "tcp 127.0.0.1 one"
    assert "uid:1000" in owner(), owner()
    run.finish()
    helpers_gone(lab)
    # without the file capability: in a user namespace
    words = ["-v", "--host-port", "631", str(lab.spare), "--", "bash", "-c", script]
    run = lab.popen([program("via-iface"), *words], user=USERS["alice"], cwd="/")
    assert line(run) == "tcp 127.0.0.1 one" and "in a user namespace" in run.finish().err
    helpers_gone(lab)
    site.policy("[*]\nuplinks = *\nhost-port = no\n")
    done = site.via("alice", "--host-port", "631", str(lab.spare), "--", "true")
    assert done.code == 125 and "allows no --host-port; leave it out" in done.err, done
    helpers_gone(lab)
    assert site.via("alice", str(lab.spare), "--", "true").code == 0
    servers.close()


def test_app_policy(lab):
    """`host-port =` of the app policy, and the command line before it."""
    folder = os.path.join(lab.tmp, ".config/via-iface/apps")
    os.makedirs(folder)
    write_file(f"{folder}/mine.conf", f"[mine]\nmatch = sh\nhost-port = {TCP}, {UDP}/udp\n")
    held = lab.session(lab.spare, "--name", "one", env={"HOME": lab.tmp})
    assert [p["port"] for p in row_of(lab, "one")["host_ports"]] == [TCP, UDP]
    other = lab.session(lab.spare, "--name", "two", "--host-port", OTHER, env={"HOME": lab.tmp})
    assert [p["port"] for p in row_of(lab, "two")["host_ports"]] == [OTHER]
    held.finish()
    other.finish()
    helpers_gone(lab)
