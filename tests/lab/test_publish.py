"""`--publish [ADDR:]PORT[:PORT][/udp]`: connections to the uplink's address come into the session, by
this uplink alone, and nothing else does: not to another port, not while it is paused, not by the uplink
that it left, not where the host or somebody else has the port."""

import contextlib
import json
import os
import signal
import socket
import struct

import hostile
from lab import needs, params, program, timeout, topology
from test_beside_other_firewalls import FIREWALLS, accepts, rules, start
from test_survives_kills import clear_now, connects
from test_who_may import NETDEV, USERS, Site

TCP, UDP, FIRST, LAST, OUTER, INNER, OTHER = 6881, 27015, 7000, 7003, 8080, 80, 9999
TOKEN = b"into-the-session"
PORTS = [TCP, UDP, FIRST, LAST, INNER, OTHER]

# In a session: on each port, of both families, TCP and UDP tell who asks and at which port.
SERVE = """
import json, select, socket, sys, threading
poll, by = select.poll(), {}
def answer(name, data):
    return b"%s %s %d %s" % (sys.argv[1].encode(), name[0].encode().removeprefix(b"::ffff:"), name[1], data)
for port in json.loads(sys.argv[2]):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        s = socket.socket(socket.AF_INET6, kind)
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("::", port))
        if kind == socket.SOCK_STREAM:
            s.listen(64)
        by[s.fileno()] = s
        poll.register(s, select.POLLIN)
def stream(c, peer):
    try:
        while data := c.recv(1000):
            c.sendall(answer(peer, data))
    except OSError as e:
        print(type(e).__name__, flush=True)
print("ready", flush=True)
while True:
    for fd, _ in poll.poll():
        s = by[fd]
        if s.type == socket.SOCK_STREAM:
            c, peer = s.accept()
            threading.Thread(target=stream, args=(c, peer), daemon=True).start()
        else:
            data, peer = s.recvfrom(1000)
            s.sendto(answer(peer, data), peer)
"""


def serve(lab, name, uplinks, *options, ports=PORTS, via=None):
    words = ("--name", name, *options, uplinks, "--", "python3", "-c", SERVE, name, json.dumps(ports))
    process = (via or lab.via_popen)(*words)
    process.expect("ready\n")
    return process


def connect(lab, kind, address, port, ns="inet", source=0, seconds=1.0):
    """A socket of a client outside; raises what it is told."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with lab.inside(ns):
        s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM)
    s.settimeout(seconds)
    try:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind((lab.server6 if ":" in address else lab.server, source))
        s.connect((address, port))
    except OSError:
        s.close()
        raise
    return s


def talk(s, token=TOKEN):
    s.send(token)
    return s.recv(1000).decode()


def ask(lab, kind, address, port, seconds=1.0, source=0):
    """Who answers, "" when nobody does."""
    try:
        with connect(lab, kind, address, port, seconds=seconds, source=source) as s:
            return talk(s).split()[0]
    except OSError:
        return ""


def addresses(uplink):
    return uplink.addr, uplink.addr6


def reached(lab, uplink, name="one", seconds=2):
    for kind, port in (("tcp", TCP), ("udp", UDP), ("tcp", FIRST), ("tcp", LAST), ("tcp", OUTER)):
        for address in addresses(uplink):
            lab.wait(
                lambda k=kind, a=address, p=port: ask(lab, k, a, p, 0.3) == name, seconds, f"{kind} {address} {port}"
            )


def not_reached(lab, uplink, *what):
    for kind, port in what or (("tcp", TCP), ("udp", UDP), ("tcp", OUTER)):
        for address in addresses(uplink):
            assert ask(lab, kind, address, port, 0.2) == "", (kind, address, port)


def kept(lab, wired):
    """Nothing of the session's left by the wired card; what that was asked itself it refuses in its name."""
    left = [str(f) for f in wired.leaks() + wired.answers() if f.src not in addresses(lab.wired)]
    assert not left, left[:5]


def mappings(lab):
    """The elements that lead into sessions."""
    found = []
    for kind, name in (("map", "inbound"), ("map", "inbound_at"), ("set", "receives")):
        for family in "46":
            done = lab.run(["nft", "-j", "list", kind, "inet", "via_iface", name + family])
            if done.code == 0:
                found += [o[kind].get("elem", []) for o in json.loads(done.out)["nftables"] if kind in o]
    return [e for elements in found for e in elements]


def row_of(lab, name):
    return {s["name"]: s for s in lab.via("list", "--json", check=True).json()}[name]


OPTIONS = ("--publish", f"{TCP},{UDP}/udp", "--publish", f"{FIRST}-{LAST}", "--publish", f"{OUTER}:{INNER}")


@topology("split", "same")
@timeout(120)
def test_follows(lab):
    """Reached by the uplink's address alone, before and after a move, a failover, a pause, another
    address, a flushed ruleset and a daemon's end; nothing leaves by another card, and nothing is left."""
    before = lab.snapshot()
    wired = lab.capture_wired(TOKEN)
    one = serve(lab, "one", f"{lab.spare},{lab.wired}", *OPTIONS)
    row = row_of(lab, "one")
    assert row["published"][0] == {"proto": "tcp", "address": "", "port": TCP, "to": TCP}, row
    assert len(row["published"]) == 7 and row["published"][-1]["to"] == INNER, row
    assert f"published  {TCP}, {UDP}/udp, {FIRST}-{LAST}, {OUTER}:{INNER}" in lab.via("status", "one", check=True).out
    reached(lab, lab.spare)
    with connect(lab, "tcp", lab.spare.addr, TCP) as s:  # the client's own address is seen
        assert talk(s) == f"one {lab.server} {s.getsockname()[1]} {TOKEN.decode()}"
    not_reached(lab, lab.wired)
    closed = [("udp", TCP), ("tcp", UDP), ("tcp", OTHER), ("udp", OTHER), ("tcp", LAST + 1), ("tcp", INNER), ("udp", OUTER)]
    not_reached(lab, lab.spare, *closed)
    for kind, port in (("tcp", TCP), ("tcp", OTHER)):  # its own address, from the uplink's side
        assert ask(lab, kind, row["address"], port, 0.2) == ""
    # a connection that goes on, while the ruleset is flushed and the daemon killed
    going = connect(lab, "tcp", lab.spare.addr, TCP, seconds=5)
    assert talk(going)
    kept(lab, wired)
    wired = lab.capture_wired(TOKEN)
    lab.run(["nft", "flush", "ruleset"], check=True)
    reached(lab, lab.spare)
    left = [str(f) for f in wired.leaks() if f.src not in addresses(lab.wired)]
    assert not left, left[:5]  # but for resets of the host's, while nothing of ours was there
    wired = lab.capture_wired(TOKEN)
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGKILL)
    reached(lab, lab.spare)
    lab.wait(lambda: lab.daemon_pid() not in (None, pid) and connects(), 5, "a daemon that answers")
    lab.via("pause", "one", check=True)
    not_reached(lab, lab.spare)
    lab.via("resume", "one", check=True)
    reached(lab, lab.spare)
    assert talk(going)
    # another address of the uplink: no element names one
    more = lab.spare.addr.rsplit(".", 1)[0] + ".77"
    lab.ip(f"addr add {more}/32 dev {lab.spare}")
    if lab.topology == "split":
        lab.wait(lambda: ask(lab, "tcp", more, TCP, 0.3) == "one", 2)
    lab.ip(f"addr del {more}/32 dev {lab.spare}")
    kept(lab, wired)
    # moved: the other address, and the program hears of the end of what came by the first
    spare = lab.capture_spare(TOKEN)
    lab.via("move", "one", lab.wired, check=True)
    reached(lab, lab.wired)
    not_reached(lab, lab.spare)
    with contextlib.suppress(OSError):
        going.send(TOKEN)
        assert not going.recv(1000)
    going.close()
    left = [f for f in spare.stop() if f.dir == "in" and TOKEN in f.raw]
    assert not left, left[:5]
    # failed over: from the uplink that is lost to the next one
    lab.via("move", "one", lab.spare, check=True)
    reached(lab, lab.spare)
    lab.ip(f"link set {lab.spare} down")
    reached(lab, lab.wired)
    # the end: a connection that is open, and then no mapping, no entry and no answer from inside
    going = connect(lab, "tcp", lab.wired.addr, TCP, seconds=5)
    assert talk(going)
    lab.via("stop", "one", check=True)
    lab.wait(lambda: not mappings(lab), 5, "no mapping")
    not_reached(lab, lab.wired)
    going.close()
    one.finish()
    clear_now(lab)
    lab.ip(f"link set {lab.spare} up")
    assert not lab.run("nft list tables", check=True).out.count("via_iface")


@params(*FIREWALLS)
def test_beside_other_firewalls(lab, firewall):
    """Reached where their forward chain drops what it does not know; iptables reads what is in its
    table, and a session that publishes nothing opens as little there as before."""
    start(lab, firewall)
    before, theirs = lab.snapshot(), rules(lab)
    quiet = lab.session()
    few = accepts(lab)
    one = serve(lab, "one", lab.spare, *OPTIONS)
    assert len(accepts(lab)) == len(few) * 3 // 2, accepts(lab)
    reached(lab, lab.spare)
    not_reached(lab, lab.wired)
    for tool in ("iptables-nft", "ip6tables-nft"):
        saved = lab.run(f"{tool}-save", check=True)
        assert "incompatible" not in saved.out + saved.err, saved
        for line in saved.out.splitlines():
            if "--ctstate DNAT" in line and "*mangle" not in saved.out:
                lab.run(f"{tool} {line.replace('-A', '-C')}", check=True)
    lab.via("stop", "one", check=True)
    one.finish()
    lab.wait(lambda: accepts(lab) == few, 5, "no accept of what is published")
    quiet.finish()
    clear_now(lab)
    lab.wait_gone()
    assert rules(lab) == theirs
    lab.assert_same(before)


@params("restarted", "gone")
@timeout(60)
def test_killed(lab, case):
    """The daemon and the program at once: where another daemon follows, at once or later, no mapping is
    left; until then they lead nowhere."""
    before = lab.snapshot()
    one = serve(lab, "one", str(lab.spare), *OPTIONS)
    reached(lab, lab.spare)
    pids = lab.daemon_pids() if case == "gone" else [lab.daemon_pid()]
    for pid in (*pids, one.pid):
        os.kill(pid, signal.SIGKILL)
    if case == "gone":
        lab.wait(lambda: not lab.daemon_pids() and not lab.processes("viap"), 5)
        not_reached(lab, lab.spare, ("tcp", TCP))
        lab.popen([program("via-ifaced")])
    lab.wait(lambda: not mappings(lab), 10, "no mapping")
    not_reached(lab, lab.spare, ("tcp", TCP))
    clear_now(lab)
    lab.assert_same(before)


@contextlib.contextmanager
def listens(address, port, kind=socket.SOCK_STREAM, v6only=0):
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if ":" in address:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, v6only)
    s.bind((address, port))
    if kind == socket.SOCK_STREAM:
        s.listen()
    with s:
        yield s


def refused(lab, *words, options=("--publish", str(TCP)), uplinks=None, via=None):
    before = mappings(lab)
    done = (via or lab.via)("--name", "other", *options, uplinks or lab.spare, "--", "true")
    assert done.code == 125 and all(w in done.err for w in words), done
    assert all(e in before for e in mappings(lab))


@topology("split", "same")
@timeout(90)
def test_taken(lab):
    """What the host or another session has is refused, at the launch and at a move; what the host
    gets later it has for each new connection, and the session keeps those that it has."""
    before = lab.snapshot()
    for address in ("0.0.0.0", "::", lab.spare.addr, lab.spare.addr6):
        with listens(address, TCP):
            refused(lab, f"publish port {TCP}: a program of this host has TCP port {TCP}")
            lab.via("--publish", f"{TCP}/udp", lab.spare, "--", "true", check=True)
    for address in ("127.0.0.1", "::1", lab.wired.addr):  # each session's successor, while it is closing
        with listens(address, TCP):
            lab.via("--publish", TCP, lab.spare, "--", "true", check=True)
    with listens("0.0.0.0", UDP, socket.SOCK_DGRAM):
        refused(lab, f"a program of this host has UDP port {UDP}", options=("--publish", f"{UDP - 5}-{UDP + 5}/udp"))
        there = f"{lab.spare.addr}:{UDP}/udp"
        refused(lab, f"publish port {there}: a program of this host", options=("--publish", there))
    one = serve(lab, "one", str(lab.spare), *OPTIONS)
    reached(lab, lab.spare)
    for ports in (f"{TCP}", f"{LAST}-{LAST + 2}", f"{LAST}:{OTHER}", f"{lab.spare.addr}:{TCP}", f"{UDP}/udp"):
        refused(lab, "session 'one' publishes it", options=("--publish", ports))
        refused(lab, "session 'one' publishes it", options=("--publish", ports), uplinks=f"{lab.wired},{lab.spare}")
    # the same port of another uplink is another one, until the session goes there
    two = serve(lab, "two", str(lab.wired), "--publish", f"{TCP},{OTHER}")
    assert ask(lab, "tcp", lab.wired.addr, TCP) == "two" and ask(lab, "tcp", lab.spare.addr6, TCP) == "one"
    moved = lab.via("move", "two", lab.spare)
    assert moved.code and f"move session 'two': publish port {TCP}: session 'one' publishes it" in moved.err, moved
    lab.via("stop", "one", check=True)
    one.finish()
    with listens("0.0.0.0", OTHER):
        moved = lab.via("move", "two", lab.spare)
        assert moved.code and f"publish port {OTHER}: a program of this host has TCP port {OTHER}" in moved.err, moved
    lab.via("move", "two", lab.spare, check=True)
    lab.wait(lambda: ask(lab, "tcp", lab.spare.addr, TCP, 0.3) == "two", 2)
    # a server of the host's that begins later
    going = connect(lab, "tcp", lab.spare.addr, TCP, seconds=5)
    assert talk(going).startswith("two ")
    with listens("0.0.0.0", TCP) as server, connect(lab, "tcp", lab.spare.addr, TCP):
        accepted, peer = server.accept()
        assert peer[0] == lab.server
        assert talk(going).startswith("two ")
        accepted.close()
    lab.wait(lambda: ask(lab, "tcp", lab.spare.addr, TCP, 0.3) == "two", 2)
    assert talk(going).startswith("two ")
    going.close()
    lab.via("stop", "two", check=True)
    two.finish()
    clear_now(lab)
    lab.assert_same(before)


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(60)
def test_policy(lab):
    """A user publishes what the policy names, of an uplink that is theirs; nobody takes another's port by
    what a request says, and what is no list of ports is refused."""
    s = Site(lab)
    s.policy(f"[*]\nuplinks = *\n[%netdev]\nuplinks = wlp*\n[bob]\npublish = 80 {FIRST}-{LAST}\n")
    netdev = {"groups": (NETDEV,)}

    def says(user, ports, *words, groups=()):
        done = s.via(user, "--name", "other", "--publish", ports, lab.spare, "--", "true", groups=groups)
        assert done.code == 125 and all(w in done.err for w in words), done

    says("carol", str(TCP), "[*] allows no --publish 6881; leave it out")
    for ports in ("1023", "80/udp", "1023-1025", f"443:{TCP}"):
        says("alice", ports, f"[%netdev] allows no --publish {ports}; choose a port of 1024-65535", **netdev)
    says("bob", str(TCP), f"[bob] allows no --publish {TCP}; choose a port of 80 {FIRST}-{LAST}")
    says("bob", f"{FIRST}-{LAST + 1}", "[bob] allows no --publish")
    s.allowed("bob", None, "--publish", f"80,{FIRST}-{LAST}/udp")
    done = s.via("alice", "--publish", TCP, lab.wired, "--", "true", **netdev)
    assert done.code == 125 and "allows only 'wlp*'" in done.err, done
    one = serve(lab, "one", lab.spare, "--publish", f"{TCP}:{TCP}", ports=[TCP], via=lambda *w: s.via_popen("alice", *w, **netdev))
    assert ask(lab, "tcp", lab.spare.addr, TCP) == "one"
    s.policy("[*]\nuplinks = *\npublish = 1-65535\n")
    says("carol", str(TCP), "session 'one' publishes it")
    with hostile.Actor(USERS["carol"]) as c:  # a request made by hand: "my own are closing"
        again = struct.pack("<3HB17x", TCP, TCP, TCP, 0)
        answer = c.do(hostile.ask, hostile.message(hostile.RUN, published=again, flags=1 << 15))
        assert answer.status == hostile.REFUSED and "session 'one' publishes it" in answer.text, answer
    assert ask(lab, "tcp", lab.spare.addr, TCP) == "one"
    for ports in ("0", "80-79", "a", "127.0.0.1:80", "80,80", "1-129", "::1:80"):
        done = lab.via("--publish", ports, lab.spare, "--", "true")
        assert done.code == 125 and f"invalid --publish '{ports}'" in done.err, done
    one.stop(signal.SIGKILL)


@timeout(60)
def test_forged(lab):
    """Another session sends from the number of a published port, and to the client whose connection it
    wants, before that connects: what is for the port comes to its session."""
    before = lab.snapshot()
    one = serve(lab, "one", str(lab.spare), *OPTIONS)
    two = serve(lab, "two", str(lab.spare), ports=[OTHER])
    spare = lab.capture_spare()
    for kind, port in (("tcp", TCP), ("udp", UDP)):
        send = (
            "import socket, sys\n"
            f"s = socket.socket(socket.AF_INET, socket.SOCK_{'STREAM' if kind == 'tcp' else 'DGRAM'})\n"
            f"s.bind(('', {port})); s.settimeout(0.5)\n"
            "try:\n"
            f"    s.connect(('{lab.server}', 40404)); s.send(b'forged')\n"
            "except OSError: pass\n"
        )
        lab.via("exec", "two", "--", "python3", "-c", send, check=True)
        assert ask(lab, kind, lab.spare.addr, port, source=40404) == "one"
    sent = [f for f in spare.stop() if f.dir == "in" and f.dport == 40404 and (f.flags == "S" or f.payload == b"forged")]
    assert len(sent) >= 2 and all(f.sport >= 61000 for f in sent), sent
    for session, process in (("one", one), ("two", two)):
        lab.via("stop", session, check=True)
        process.finish()
    clear_now(lab)
    lab.assert_same(before)
