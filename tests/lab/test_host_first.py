"""What arrives at the uplink's address is the host's, unless a session asked for it.

A session fills conntrack with flows whose replies would look like a client's packets to the host:
same addresses, same ports, same protocol. Then that client asks the host. Each of 100 questions has
to be answered by the host, while the session goes on trying.
"""

import contextlib
import os
import select
import socket
import time

import nsutil
from lab import SERVER, SERVER6, needs, params, program, timeout
from test_survives_kills import ports

ASKED = 100
CLIENT_PORT = 40000
TTL = 2  # beyond the uplink's router nobody hears of the session's packets
TCP, UDP, PORTLESS = (80, 22), (123, 51820), (4, 41, 47, 50)
LATE = 61500  # a port that sessions are masqueraded to


# --- the host's servers and the client ----------------------------------------------------------


class Server:
    """Sockets of the host that answer "host " and the question, until closed; in a child."""

    def __init__(self, address, tcp=(), udp=(), raw=()):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        self.sockets = []
        for port in tcp:
            sock = socket.socket(family, socket.SOCK_STREAM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            sock.bind((address, port))
            sock.listen(ASKED)
            self.sockets.append(sock)
        for port in udp:
            sock = socket.socket(family, socket.SOCK_DGRAM)
            sock.bind((address, port))
            self.sockets.append(sock)
        for proto in raw:
            sock = socket.socket(family, socket.SOCK_RAW, proto)
            sock.bind((address, 0))
            self.sockets.append(sock)
        self.pid = os.fork()
        if self.pid == 0:
            try:
                nsutil.die_with_parent()
                while True:
                    for sock in select.select(self.sockets, [], [])[0]:
                        with contextlib.suppress(OSError):
                            self._answer(sock, family)
            finally:
                os._exit(1)
        for sock in self.sockets:
            sock.close()

    @staticmethod
    def _answer(sock, family):
        if sock.type == socket.SOCK_STREAM:
            with sock.accept()[0] as conn:
                conn.settimeout(10)
                conn.sendall(b"host " + conn.recv(100))
            return
        data, peer = sock.recvfrom(2048)
        if sock.type == socket.SOCK_RAW:
            if family == socket.AF_INET:
                data = data[20:]
            if not data.startswith(b"ask "):
                return  # a session's
            peer = (peer[0], 0)
        sock.sendto(b"host " + data, peer)

    def close(self):
        os.kill(self.pid, 9)
        os.waitpid(self.pid, 0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def ask_tcp(sock, address, port, text):
    sock.connect((address, port))
    sock.sendall(text)
    return sock.recv(100)


def ask_udp(sock, address, port, text):
    sock.connect((address, port))
    sock.send(text)
    return sock.recv(100)


def ask_raw(sock, address, text):
    sock.sendto(text, (address, 0))
    while True:
        data, peer = sock.recvfrom(2048)
        body = data[20:] if sock.family == socket.AF_INET else data
        if peer[0] == address and body.startswith(b"host "):
            return body


def client(lab, address, what, number):
    """One question from the internet, from a port or protocol that the session knows; the right
    answer or None."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    text = b"ask %08d" % number
    mine = SERVER6 if family == socket.AF_INET6 else SERVER
    with lab.inside("inet"):
        if what[0] == "raw":
            sock = socket.socket(family, socket.SOCK_RAW, what[1])
        else:
            kind = socket.SOCK_STREAM if what[0] == "tcp" else socket.SOCK_DGRAM
            sock = socket.socket(family, kind)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with sock:
        sock.settimeout(lab.scale)
        try:
            if what[0] == "raw":
                sock.bind((mine, 0))
                answer = ask_raw(sock, address, text)
            else:
                sock.bind((mine, CLIENT_PORT + number))
                ask = ask_tcp if what[0] == "tcp" else ask_udp
                answer = ask(sock, address, what[1], text)
        except OSError:
            return None
    return answer if answer == b"host " + text else None


def right_answers(lab, address, what):
    """Of 100, but no more than ten that are missing are waited for."""
    right = wrong = 0
    for number in range(ASKED):
        if client(lab, address, what, number):
            right += 1
        else:
            wrong += 1
        if wrong == 10:
            break
    return right


# --- the session --------------------------------------------------------------------------------

# Runs in a session: holds, and renews, a flow for each of the client's ports; argv says of what.
ATTACK = """
import select, socket, struct, sys
raw, family, target, ttl = sys.argv[1] == "raw", int(sys.argv[2]), sys.argv[3], int(sys.argv[4])
tcp, udp, others = (eval(a) for a in sys.argv[5:8])
level, option = (socket.IPPROTO_IP, socket.IP_TTL)
if family == socket.AF_INET6:
    level, option = (socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS)
kept = []
def new(kind, proto=0):
    s = socket.socket(family, kind, proto)
    s.setsockopt(level, option, ttl)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.setblocking(False)
    kept.append(s)
    return s
def quiet(f, *args):
    try:
        f(*args)
    except OSError:
        pass
def checked(segment):
    # the kernel leaves this to whoever writes to a raw socket
    probe = socket.socket(family, socket.SOCK_DGRAM)
    probe.connect((target, 9))
    mine = socket.inet_pton(family, probe.getsockname()[0])
    probe.close()
    data = mine + socket.inet_pton(family, target) + struct.pack("!HH", 6, len(segment)) + segment
    total = sum(struct.unpack("!%%dH" %% (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return segment[:16] + struct.pack("!H", ~total & 0xFFFF) + segment[18:]
bare = {p: new(socket.SOCK_RAW, p) for p in others}
if raw:
    bare |= {p: new(socket.SOCK_RAW, p) for p in (6, 17)}
plain = {} if raw else {p: new(socket.SOCK_DGRAM) for p in udp}
for p, s in plain.items():
    s.bind(("", p))
streams = []
if not raw:
    for port in tcp:
        for n in range(%(asked)d):
            s = new(socket.SOCK_STREAM)
            s.bind(("", port))
            streams.append((s, (target, %(client)d + n)))
def round():
    for n in range(%(asked)d):
        for p in udp:
            if raw:
                quiet(bare[17].sendto, struct.pack("!HHHH", p, %(client)d + n, 9, 0) + b"x", (target, 0))
            else:
                quiet(plain[p].sendto, b"x", (target, %(client)d + n))
        for p in tcp:
            if raw:
                syn = struct.pack("!HHIIBBHHH", p, %(client)d + n, 1, 0, 5 << 4, 2, 64000, 0, 0)
                quiet(bare[6].sendto, checked(syn), (target, 0))
    for s, peer in streams:
        quiet(s.connect, peer)
    for p in others:
        quiet(bare[p].sendto, b"a session of ours", (target, 0))
round()
print("ready", flush=True)
while True:
    round()
    if select.select([sys.stdin], [], [], 0.2)[0]:
        break
""" % {"asked": ASKED, "client": CLIENT_PORT}


def attack(lab, how, family, tcp=(), udp=(), raw=(), ttl=TTL):
    """A session that tries to be in the way; when it is ready it holds all its flows."""
    target = SERVER6 if family == 6 else SERVER
    af = socket.AF_INET6 if family == 6 else socket.AF_INET
    kind = "plain" if how == "plain" else "raw"
    words = ["/usr/bin/python3", "-c", ATTACK, kind, af, target, ttl, tcp, udp, raw]
    words = [str(int(w) if isinstance(w, socket.AddressFamily) else w) for w in words]
    if how == "plain":
        process = lab.via_popen(lab.spare, "--", *words)
    else:
        lab.run(["ip", "netns", "add", "box"], check=True)
        lab.daemon = lab.popen([program("via-ifaced"), "--linger", "30"])
        lab.wait(lambda: os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")
        lab.via("attach", lab.spare, "--netns", "box", check=True)
        process = lab.popen(["ip", "netns", "exec", "box", *words])
    process.expect("ready\n", 20)
    return process


WAYS = {"plain": ("plain", 4), "attached": ("attached", 4), "plain-ip6": ("plain", 6)}
WAYS["attached-ip6"] = ("attached", 6)


@needs("root")
@timeout(180)
@params(**WAYS)
def test_server_of_the_host(lab, way):
    """The host's 80, 22, 123, 51820 and IP protocols 4, 41, 47 and 50 stay the host's."""
    how, family = way
    address = lab.spare.addr if family == 4 else lab.spare.addr6
    raw = PORTLESS
    asked = [*(("tcp", p) for p in TCP), *(("udp", p) for p in UDP), *(("raw", p) for p in raw)]
    with Server(address, TCP, UDP, raw):
        process = attack(lab, how, family, TCP, UDP, raw)
        right = {what: right_answers(lab, address, what) for what in asked}
        assert process.running(), process.finish()
    lab.note(f"right answers: {right}")
    assert right == dict.fromkeys(asked, ASKED), right


@needs("root")
@timeout(120)
@params(**WAYS)
def test_server_that_comes_later(lab, way):
    """A port that sessions are masqueraded to, which a server of the host opens when a session
    already holds flows from it: what is new to the host is the host's."""
    how, family = way
    address = lab.spare.addr if family == 4 else lab.spare.addr6
    spare = lab.capture_spare()
    process = attack(lab, how, family, (LATE,), (LATE,))
    lab.wait(lambda: any(f.sport == LATE for f in spare.peek()), 5, "the session on that port")
    with Server(address, (LATE,), (LATE,)):
        right = {w: right_answers(lab, address, (w, LATE)) for w in ("tcp", "udp")}
        assert process.running(), process.finish()
    assert right == {"tcp": ASKED, "udp": ASKED}, right


@needs("root")
@params(**WAYS)
def test_client_on_a_port_of_the_range(lab, way):
    """A socket of the host that was bound to such a port itself: its datagrams and their answers
    are its own, and nothing of a session leaves from that port any more."""
    how, family = way
    far = SERVER if family == 4 else SERVER6
    address = lab.spare.addr if family == 4 else lab.spare.addr6
    net = "/32" if family == 4 else "/128"
    gateway = lab.spare.gateway if family == 4 else lab.spare.gateway6
    lab.ip(f"route add {far}{net} via {gateway} dev wlp6s0")  # the host itself uses this card
    spare = lab.capture_spare()
    process = attack(lab, how, family, (), (LATE,), ttl=64)
    lab.wait(lambda: any(f.sport == LATE for f in spare.peek()), 5, "the session on that port")
    sock = socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6, socket.SOCK_DGRAM)
    sock.settimeout(1)
    sock.bind((address, LATE))
    sock.connect((far, 7777))
    right = 0
    for number in range(ASKED):
        sock.send(b"mine %d" % number)
        right += sock.recv(200).endswith(b"mine %d" % number)
    assert right == ASKED, right
    seen = len(spare.peek())
    sent = packets_of_session(lab)
    lab.wait(lambda: packets_of_session(lab) > sent + 2 * ASKED, 5, "more of the session")
    later = [f for f in spare.peek()[seen:] if f.sport == LATE and f.dport != 7777 and f.dir == "in"]
    assert later == [], later[:3]


def packets_of_session(lab):
    """What the only session has sent, counted at its port."""
    (port,) = ports()
    with open(f"/sys/class/net/{port}/statistics/rx_packets") as f:
        return int(f.read())


# --- what leaves, and from where ----------------------------------------------------------------

PASS = {4: {"icmp", "tcp", "udp", "132"}, 6: {"icmp6", "tcp", "udp", "132"}}
EVERY = """
import socket, sys
for proto in range(1, 256):
    try:
        s = socket.socket(int(sys.argv[1]), socket.SOCK_RAW, proto)
        for size in (8, 40, 300):
            s.sendto(bytes(range(size %% 256)) * (size // 255 + 1), (sys.argv[2], 0))
    except OSError as error:
        pass
s = socket.create_connection((sys.argv[2], 7))
s.send(b"done"), s.recv(9)
print("done")
""".replace("%%", "%")


@needs("root")
@params(ip4=4, ip6=6)
def test_other_protocols(lab, family):
    """Of all IP protocols only those leave whose replies can be told from what is the host's."""
    far = SERVER if family == 4 else SERVER6
    af = socket.AF_INET if family == 4 else socket.AF_INET6
    wired, spare = lab.capture_wired(), lab.capture_spare()
    done = lab.via(lab.spare, "--", "/usr/bin/python3", "-c", EVERY, str(int(af)), far, check=True)
    assert done.out == "done\n", done
    seen = {f.proto for f in spare.peek() if f.dir == "in" and f.dst == far}
    assert "tcp" in seen and seen <= PASS[family], seen
    assert wired.leaks() == []


@needs("root")
def test_comes_to_rest(lab):
    """What the kernel tells of these rules is what was asked for: nothing is made again and again."""
    session = lab.session()
    listing = ["nft", "--json", "--handle", "list", "ruleset"]
    for verb in ("doctor", "status"):
        found = lab.wait(lambda v=verb: lab.via(v, "--json"), 5)
        assert "not-as-planned" not in found.out, found
    before = handles(lab.run(listing, check=True).json())
    other = lab.session(lab.wired)  # what is added for it makes nothing anew
    other.finish()
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 20, "the end of the other session")
    assert set(before) <= set(handles(lab.run(listing, check=True).json()))
    session.finish()


def handles(ruleset):
    """Of the rules that are there for all sessions."""
    rules = [r["rule"] for r in ruleset["nftables"] if "rule" in r]
    names = ("to_socket", "from_socket", "fragments", "from_session", "input")
    return [(r["family"], r["chain"], r["handle"]) for r in rules if r["chain"] in names]


def range_of(lab):
    """The ports that sessions are masqueraded to, as nft(8) lists them."""
    text = lab.run(["nft", "list", "chain", "inet", "via_iface", "postrouting"]).out
    found = {w.lstrip(":") for w in text.split() if w.startswith(":") and "-" in w}
    return found.pop() if len(found) == 1 else None


@params(ip4=4, ip6=6)
def test_ports_that_sessions_leave_from(lab, family):
    """They are in the range that `plan` prints; one socket has one port for all its peers."""
    url = lab.url if family == 4 else lab.url6
    text = lab.via("plan", lab.spare, check=True).out
    assert "tcp masquerade to :61000-65535" in text and "udp masquerade to :61000-65535" in text
    script = "for i in 1 2 3 4 5; do curl -sg %sport; done" % url
    seen = lab.via(lab.spare, "--", "sh", "-c", script, check=True).out.split()
    ports = [int(word) for word in seen if "." not in word and ":" not in word]
    assert len(ports) == 5 and all(61000 <= p <= 65535 for p in ports), seen
    pair = (SERVER, lab.server_b) if family == 4 else (SERVER6, lab.server6_b)
    ask = (
        "import socket; s = socket.socket(socket.AF_INET%s, socket.SOCK_DGRAM); s.settimeout(5)\n"
        "for a in %r: s.sendto(b'x', (a, 7777)); print(s.recv(99).split()[1].decode())"
    ) % ("6" if family == 6 else "", pair)
    seen = lab.via(lab.spare, "--", "/usr/bin/python3", "-c", ask, check=True).out.split()
    assert len(seen) == 2 and seen[0] == seen[1] and 61000 <= int(seen[0]), seen


def test_range_follows_the_host(lab):
    """What the host hands out, or reserves, changes while a session runs; so does the range."""
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind(("0.0.0.0", 61820))
    session = lab.session()
    assert range_of(lab) == "61821-65535", range_of(lab)  # off the socket
    udp.close()
    lab.sysctl("net.ipv4.ip_local_port_range", "20000 64999")
    lab.wait(lambda: range_of(lab) == "1024-19999", 2, "a range below")
    lab.sysctl("net.ipv4.ip_local_reserved_ports", "1024-9999,15000")
    lab.wait(lambda: range_of(lab) == "10000-14999", 2, "a range beside what is reserved")
    lab.sysctl("net.ipv4.ip_local_port_range", "1024 65535")
    lab.wait(lambda: range_of(lab) == "61000-65535", 2, "a range that is the host's too")
    found = lab.via("doctor", "--json").json()["findings"]
    (finding,) = [f for f in found if f["id"] == "masquerade-ports"]
    assert "61000-65535" in finding["text"], finding
    lab.sysctl("net.ipv4.ip_local_reserved_ports", "")
    lab.sysctl("net.ipv4.ip_local_port_range", "32768 60999")
    lab.wait(lambda: range_of(lab) == "61000-65535", 2, "the range as it was")
    assert [f for f in lab.via("doctor", "--json").json()["findings"] if f["id"] == finding["id"]] == []
    script = lab.curl()  # and the host itself goes by its own card as ever
    assert script == lab.wired.addr
    session.finish()


SERVE = """
import socket, sys
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind((sys.argv[1], int(sys.argv[2]))); s.listen(); print("ready", flush=True)
while True:
    with s.accept()[0] as c: c.sendall(sys.argv[3].encode() + b" " + c.recv(100))
"""


@needs("root")
def test_published_port_in_the_range(lab):
    """A container's published port, with a proxy of the host that waits on it, appears in the range
    while a session runs: the first client is answered by the container after one packet more, the
    others at once, and the session goes on."""
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.netns("ct")
    lab.ip("link add docker0 type veth peer name eth0 netns ct")
    lab.ip("addr add 172.17.0.1/16 dev docker0")
    lab.ip("link set docker0 up")
    for line in ("addr add 172.17.0.2/16 dev eth0", "link set eth0 up", "route add default via 172.17.0.1"):
        lab.ip(line, ns="ct")
    session = lab.session()
    for ns, address, port, name in (("ct", "0.0.0.0", 80, "container"), (None, "0.0.0.0", LATE, "proxy")):
        words = ["/usr/bin/python3", "-c", SERVE, address, str(port), name]
        lab.popen(words, ns=ns).expect("ready\n")
    lab.nft(
        "table ip docker {\nchain pre {\ntype nat hook prerouting priority -100;\n"
        f"iifname != docker0 tcp dport {LATE} dnat to 172.17.0.2:80\n}}\n}}\n"
    )
    took = []
    for number in range(10):
        with lab.inside("inet"):
            sock = socket.socket()
        sock.settimeout(4)
        before = time.monotonic()
        with sock:
            assert ask_tcp(sock, lab.spare.addr, LATE, b"x") == b"container x"
        took.append(time.monotonic() - before)
    assert max(took[1:]) < 0.9, took
    session.finish()


@needs("root")
@timeout(120)
def test_server_that_moved_the_range(lab):
    """The next look moves the range off that server's port; the session's flows from there stay, and
    are still not in the way."""
    process = attack(lab, "plain", 4, (LATE,), (LATE,))
    with Server(lab.spare.addr, (LATE,), (LATE,)):
        lab.sysctl("net.ipv4.ip_local_reserved_ports", "1024")
        lab.wait(lambda: range_of(lab) == f"{LATE + 1}-65535", 5, "the range off the port")
        right = {w: right_answers(lab, lab.spare.addr, (w, LATE)) for w in ("tcp", "udp")}
        assert process.running(), process.finish()
    assert right == {"tcp": ASKED, "udp": ASKED}, right


ECHO = """
import socket, sys
s = socket.create_connection((sys.argv[1], int(sys.argv[2])), 5)
print(s.recv(99).decode(), flush=True)
for line in sys.stdin:
    s.sendall(line.encode())
    print(s.recv(99).decode(), end="", flush=True)
"""
ECHO_SERVER = """
import socket, sys
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::", 7007)); s.listen(); print("ready", flush=True)
c, peer = s.accept()
c.sendall(str(peer[1]).encode())
while data := c.recv(99):
    c.sendall(data)
"""


@params(ip4=4, ip6=6)
def test_closed_ports_are_not_the_host_s(lab, family):
    """Who asks the host for closed ports of the range gets resets from there. These make no port the
    host's: a session's connection from one of them goes on, and new ones begin."""
    far, url = (SERVER, lab.url) if family == 4 else (SERVER6, lab.url6)
    address = lab.spare.addr if family == 4 else lab.spare.addr6
    lab.popen(["/usr/bin/python3", "-c", ECHO_SERVER], ns="inet").expect("ready\n")
    session = lab.via_popen(lab.spare, "--", "/usr/bin/python3", "-c", ECHO, far, "7007")
    mine = int(session.expect("\n"))
    assert 61000 <= mine <= 65535, mine
    spare, asked = lab.capture_spare(), []
    for port in (mine, *range(61000, 61100)):
        with lab.inside("inet"):
            asked.append(socket.socket(socket.AF_INET if family == 4 else socket.AF_INET6))
        asked[-1].setblocking(False)
        asked[-1].connect_ex((address, port))
    lab.wait(lambda: any(f.dport == 61099 for f in spare.peek()), 5, "the last question")
    known = lab.run(["nft", "list", "set", "inet", "via_iface", "host_ports"], check=True).out
    session.write("still here\n")
    session.expect("still here\n", 3)
    assert "elements" not in known, known
    assert lab.via(lab.spare, "--", "curl", "-sg", "-m", "3", url, check=True).out.strip() == address


def test_all_ports_are_not_taken(lab):
    """A user of the host sends from each port of the range: some of them are remembered as the
    host's, and sessions leave from the others."""
    session = lab.session()
    for port in range(61000, 65536):
        for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
            with socket.socket(socket.AF_INET, kind) as sock:
                sock.setblocking(False)
                sock.bind((lab.spare.addr, port))
                sock.connect_ex((SERVER, 9))
                with contextlib.suppress(OSError):
                    sock.send(b"x")
    known = lab.run(["nft", "list", "set", "inet", "via_iface", "host_ports"], check=True).out
    assert 250 < known.count("expires") < 600, known.count("expires")
    for _ in range(3):  # one that is dropped is sent again, from another port
        assert lab.via(lab.spare, "--", "curl", "-s", "-m", "8", lab.url).out.strip() == lab.spare.addr
    session.finish()
