"""What a session with CAP_NET_RAW, or a neighbour of the host, may try.

Each test of frames ends with one that is as it should be: it has to come out where it belongs, or
the others were stopped by a mistake of the test.
"""

import contextlib
import ipaddress
import itertools
import os
import signal
import socket
import struct
import time

import wire
from lab import SERVER, SERVER6, needs, params, timeout, topology
from wire import ARP, BROADCAST, ICMP6, IP, IP6, ether, hwaddr

NET_UNREACHABLE, ADMIN = 0, 13
LINK_LOCAL, ALL_NODES = "fe80::bad", "ff02::1"
HOST_PORTS = (53, 67, 68, 546, 547, 9999)

# 802.1D's reserved group addresses, which a bridge handles before all of its hooks; some other
# groups; and everybody.
GROUPS = (
    *(f"01:80:c2:00:00:{last:02x}" for last in (0, 1, 2, 3, 0x0E, 0x0F, 0x10, 0x20, 0x21)),
    "01:00:5e:00:00:01",
    "33:33:00:00:00:01",
    BROADCAST,
)


class Listener:
    """UDP sockets of the host on every address."""

    def __init__(self, ports=HOST_PORTS):
        self.sockets = []
        for port, any_address in itertools.product(ports, ("0.0.0.0", "::")):
            family = socket.AF_INET6 if ":" in any_address else socket.AF_INET
            sock = socket.socket(family, socket.SOCK_DGRAM)
            if family == socket.AF_INET6:
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            sock.bind((any_address, port))
            sock.setblocking(False)
            self.sockets.append(sock)

    def heard(self):
        found = []
        for sock in self.sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    data, peer = sock.recvfrom(2048)
                    found.append((data, peer[:2], sock.getsockname()[:2]))
        return found


class Scene:
    """An attacker `a`, another session `b` of the same uplink, and eyes everywhere."""

    def __init__(self, lab, *options):
        self.lab = lab
        self.a = wire.Sender(lab, lab.spare, *options)
        self.b = wire.Sender(lab)
        self.listener = Listener()
        self.look()
        self.state = self.known()

    def look(self):
        self.wired, self.spare = self.lab.capture_wired(), self.lab.capture_spare()
        self.inside = self.b.capture()
        self.n = 0

    def known(self):
        """What the host and the other session believe about the network."""
        host = [
            "ip addr",
            "ip -4 route show table all",
            "ip -6 route show table all",
            "ip neigh | grep -E ' via(p[0-9]+|0) '",
            "bridge fdb show | grep via",
        ]
        session = ["ip addr", "ip route", "ip -6 route", "ip neigh"]
        texts = {f"host: {command}": self.lab.run(command).out for command in host}
        texts |= {f"session: {command}": self.b.inside(command).out for command in session}
        # A neighbour that answered is still the same one.
        return {k: t.replace(" REACHABLE", "").replace(" STALE", "") for k, t in texts.items()}

    def control(self):
        """Datagrams as they should be come out, in both families. They went the way of all the
        others and behind them, so that those have arrived if they ever will."""
        self.n += 1
        frames = [f for _, f in self.good(f"control-{self.n}-".encode())]
        self.a.send(*frames)
        token = f"control-{self.n}-".encode()
        self.lab.wait(
            lambda: {f.eth for f in self.spare.peek() if token in f.payload and f.dir == "in"}
            == {"ip", "ip6"},
            2,
            f"the datagrams that should pass, of {self.spare.peek()[-5:]}",
        )

    def good(self, token, sport=4000):
        a = self.a
        for src, dst, kind in ((a.addr, SERVER, IP), (a.addr6, SERVER6, IP6)):
            datagram = wire.udp(src, dst, sport, 9, token)
            yield kind, ether(a.gateway_mac, a.mac, kind, datagram)

    def seen(self, token=b"hostile"):
        """Where the token came out, and everything that came to the other session."""
        found = [f"on the wired link: {f}" for f in self.wired.peek() if token in f.raw]
        found += [f"on the uplink: {f}" for f in self.spare.peek() if token in f.raw]
        found += [f"in the other session: {f}" for f in self.inside.peek() if self.is_foreign(f, token)]
        found += [f"at a service of the host: {h}" for h in self.listener.heard()]
        return found

    def is_foreign(self, frame, token):
        host = (self.b.gateway_mac, self.b.port_mac)
        return frame.dir == "in" and (token in frame.raw or frame.smac not in host)

    def nothing_came_of_it(self):
        self.control()
        found = self.seen()
        difference = self.lab.difference(self.state, self.known())
        assert not found, f"{len(found)} times:\n" + "\n".join(found[:20])
        assert not difference, difference
        assert self.wired.leaks() == [] and self.wired.answers() == []

    def own(self, *kinds):
        """Source MACs: the attacker's, and as asked for."""
        return (self.a.mac, *kinds)

    def ways(self):
        """Every MAC that a frame can be sent to."""
        a, b = self.a, self.b
        return (a.gateway_mac, a.port_mac, b.mac, b.port_mac, a.mac, *GROUPS)

    def free(self):
        """An address of the pool that nobody has."""
        used = {self.a.addr, self.b.addr, self.a.gateway}
        pool = ipaddress.ip_network(self.a.addr + "/22", strict=False)
        return next(str(ip) for ip in list(pool)[99:] if str(ip) not in used)

    def beyond(self, family):
        """What an attacker would like to reach: (address, port)."""
        lab, a, b = self.lab, self.a, self.b
        if family == 4:
            return [
                *((ip, 9999) for ip in (SERVER, lab.wired.gateway, b.addr)),
                *itertools.product(
                    (a.gateway, lab.wired.addr, lab.spare.addr, "127.0.0.1", "255.255.255.255"),
                    (53, 9999),
                ),
                ("224.0.0.1", 9999),
            ]
        return [
            *((ip, 9999) for ip in (SERVER6, lab.wired.gateway6, b.addr6)),
            *itertools.product((a.gateway6, lab.wired.addr6, "::1"), (53, 9999)),
            (ALL_NODES, 9999),
        ]

    def datagrams(self, sources, family, macs=None, ways=None, names=True):
        """From each source, to everything worth reaching, by every way; with or without what the
        host leads to the uplink's name server."""
        kind = IP if family == 4 else IP6
        for src in sources:
            for dst, port in self.beyond(family):
                if not names and (dst, port) in ((self.a.gateway, 53), (self.a.gateway6, 53)):
                    continue
                body = wire.udp(src, dst, 4001, port, b"hostile")
                for smac, dmac in itertools.product(macs or (self.a.mac,), ways or self.ways()):
                    yield ether(dmac, smac, kind, body)


# --- who are you --------------------------------------------------------------------------------


@topology("split", "same")
def test_spoofed_source(lab):
    s = Scene(lab)
    sources = [
        s.b.addr, s.free(), s.a.gateway, lab.wired.addr, lab.spare.addr, lab.wired.gateway,
        SERVER, "127.0.0.1", "0.0.0.0", "255.255.255.255", "224.0.0.1", "169.254.7.7",
    ]  # fmt: skip
    s.a.send(*s.datagrams(sources, 4))
    s.nothing_came_of_it()


@topology("split", "same")
def test_spoofed_source6(lab):
    s = Scene(lab)
    sources = [
        s.b.addr6, s.a.addr6 + "9", s.a.gateway6, lab.wired.addr6, lab.spare.addr6, SERVER6,
        "::1", "::", LINK_LOCAL, ALL_NODES, "::ffff:" + s.a.addr, "::ffff:" + s.b.addr,
        "2002:c000:204::1", "64:ff9b::" + s.b.addr,
    ]  # fmt: skip
    s.a.send(*s.datagrams(sources, 6))
    s.nothing_came_of_it()


def test_spoofed_mac(lab):
    """Its own address behind another card: the bridge's, another session's, a port's, a group."""
    s = Scene(lab)
    macs = [s.b.mac, s.a.gateway_mac, s.a.port_mac, s.b.port_mac, "02:00:00:00:07:10", BROADCAST]
    macs += ["01:00:5e:00:00:01", "00:00:00:00:00:00"]
    s.a.send(*s.datagrams([s.a.addr, s.b.addr], 4, macs))
    s.a.send(*s.datagrams([s.a.addr6, s.b.addr6], 6, macs))
    s.nothing_came_of_it()


def test_own_address_by_odd_ways(lab):
    """Honest in its source, but to a group or to a card that is not its router's: nothing gets
    past the guards so. (Routers take what comes to a group; here nobody does. But a question to
    its name server is routed by br_netfilter whatever card it names, and goes where it should.)"""
    s = Scene(lab)
    ways = [way for way in s.ways() if way not in (s.a.gateway_mac, s.a.port_mac)]
    s.a.send(*s.datagrams([s.a.addr], 4, ways=ways, names=False))
    s.a.send(*s.datagrams([s.a.addr6], 6, ways=ways, names=False))
    s.nothing_came_of_it()


@topology("split", "same")
def test_another_sessions_connection(lab):
    """Its addresses and ports, and its MAC too: no word of it goes out, none is lost."""
    s = Scene(lab)
    s.b.run(
        "t = socket.create_connection(('%s', 7)); u = socket.socket(type=socket.SOCK_DGRAM)\n"
        "u.connect(('%s', 7777)); t.settimeout(3); u.settimeout(3)" % (SERVER, SERVER)
    )
    talk = "t.send(b'mine'); u.send(b'mine'); print(t.recv(9), u.recv(99)[-4:])"
    tport, uport = map(int, s.b.run("print(t.getsockname()[1], u.getsockname()[1])").split())
    assert s.b.run(talk).split() == ["b'mine'"] * 2
    frames = []
    for smac, way in itertools.product((s.a.mac, s.b.mac), s.ways()):
        frames.append(ether(way, smac, IP, wire.udp(s.b.addr, SERVER, uport, 7777, b"hostile")))
        for flags, data in (("S", b""), ("R", b""), ("PA", b"hostile"), ("FA", b"hostile")):
            segment = wire.tcp(s.b.addr, SERVER, tport, 7, flags, 1000, 1000, data)
            frames.append(ether(way, smac, IP, segment))
    s.a.send(*frames)
    assert s.b.run(talk).split() == ["b'mine'"] * 2
    s.inside.stop()
    s.inside = s.a.capture()  # the other session did get something: its own
    tcp = [f for f in s.spare.peek() if f.proto == "tcp" and f.dport == 7 and f.dir == "in"]
    assert tcp and not [f for f in tcp if f.reset or "F" in f.flags], tcp
    s.nothing_came_of_it()


def _icmp_error(src, dst, inner, kind=3, code=3, rest=bytes(4)):
    return wire.icmp(src, dst, kind, code, rest, inner)


def test_icmp_error_about_another_session(lab):
    """A word of trouble about a connection that is not its own does not reach the far end."""
    s = Scene(lab)
    s.b.run(
        "u = socket.socket(type=socket.SOCK_DGRAM); u.connect(('%s', 7777)); u.settimeout(3)\n"
        "v = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); v.connect(('%s', 7777))\n"
        "v.settimeout(3)" % (SERVER, SERVER6)
    )
    talk = "[(x.send(b'mine'), x.recv(99)) for x in (u, v)]; print(u.getsockname()[1], v.getsockname()[1])"
    port, port6 = map(int, s.b.run(talk).split())
    for way in s.ways():
        reply = wire.udp(SERVER, s.b.addr, 7777, port, b"hostile")
        reply6 = wire.udp(SERVER6, s.b.addr6, 7777, port6, b"hostile")
        s.a.send(
            ether(way, s.a.mac, IP, _icmp_error(s.a.addr, SERVER, reply)),
            ether(way, s.a.mac, IP, _icmp_error(s.a.addr, s.b.addr, reply)),
            ether(way, s.a.mac, IP6, _icmp_error(s.a.addr6, SERVER6, reply6, 1, 4)),
        )
        behind = struct.pack("!BBHI", 1, 4, 0, 0) + reply6
        s.a.send(*(ether(way, s.a.mac, IP6, p) for p in hidden(s.a.addr6, SERVER6, behind)))
        body = _icmp_error(s.a.addr, SERVER, reply)[20:]
        for at, fragment in ((slice(0, 8), 0x2000), (slice(8, None), 1)):
            piece = wire.ip4(s.a.addr, SERVER, 1, body[at], 78, fragment)
            s.a.send(ether(way, s.a.mac, IP, piece))
    s.control()
    errors = [f for f in s.spare.peek() if f.icmp_error and f.dir == "in"]
    assert errors == [], f"{len(errors)} told the server: {errors[:3]}"
    assert s.wired.leaks() == [] and s.wired.answers() == []


def test_icmp_error_about_the_host(lab):
    """Nor does one about the host's own connections reach the host's own programs."""
    s = Scene(lab)
    flows = []
    for server, family, src in (
        (SERVER, socket.AF_INET, s.a.addr),
        (SERVER6, socket.AF_INET6, s.a.addr6),
    ):
        sock = socket.socket(family, socket.SOCK_DGRAM)
        sock.connect((server, 7778))
        sock.settimeout(2)
        sock.send(b"1 1")
        assert sock.recv(99) == b"late 0\n"
        flows.append((sock, server, src))
    for (sock, server, src), way in itertools.product(flows, s.ways()):
        mine, port = sock.getsockname()[:2]
        inner = wire.udp(mine, server, port, 7778, b"hostile")
        refused = (3, 3) if ":" not in server else (1, 4)
        too_big = ((3, 4, struct.pack("!HH", 0, 600)), (2, 0, struct.pack("!I", 1280)))[":" in server]
        kind = IP6 if ":" in server else IP
        s.a.send(
            ether(way, s.a.mac, kind, _icmp_error(src, mine, inner, *refused)),
            ether(way, s.a.mac, kind, _icmp_error(src, mine, inner, *too_big)),
            ether(way, s.a.mac, kind, _icmp_error(server, mine, inner, *refused)),
        )
    s.control()
    for sock, server, _ in flows:
        sock.send(b"1 1")  # an error that had come in would be told here
        assert sock.recv(99) == b"late 0\n"
        route = lab.run(["ip", "route", "get", server], check=True).out
        assert "mtu" not in route, f"the host believes a session about the path: {route}"


# --- what it may say about the network ----------------------------------------------------------


def hidden(src, dst, message):
    """An ICMPv6 message plain, behind headers, and in fragments."""
    body = wire.icmp6_body(src, dst, message)
    hops = {"hops": 255}
    first, rest = body[:24], body[24:]
    routing = struct.pack("!BBBBI", ICMP6, 0, 4, 0, 0)
    yield wire.ip6(src, dst, ICMP6, body, **hops)
    for header in (wire.HOP_BY_HOP, wire.DESTINATION):
        yield wire.ip6(src, dst, header, wire.extension(ICMP6) + body, **hops)
    yield wire.ip6(
        src, dst, wire.HOP_BY_HOP,
        wire.extension(wire.DESTINATION) + wire.extension(wire.DESTINATION) + wire.extension(ICMP6) + body,
        **hops,
    )  # fmt: skip
    yield wire.ip6(src, dst, wire.ROUTING, routing + body, **hops)
    yield wire.ip6(src, dst, wire.FRAGMENT, wire.fragment6(ICMP6, 0, 0) + body, **hops)
    yield wire.ip6(src, dst, wire.FRAGMENT, wire.fragment6(ICMP6, 0, 1, 8) + first, **hops)
    yield wire.ip6(src, dst, wire.FRAGMENT, wire.fragment6(ICMP6, 24, 0, 8) + rest, **hops)
    inner = wire.extension(ICMP6) + body
    head = wire.fragment6(wire.DESTINATION, 0, 1, 9) + inner[:8]
    yield wire.ip6(src, dst, wire.FRAGMENT, head, **hops)
    yield wire.ip6(src, dst, wire.FRAGMENT, wire.fragment6(wire.DESTINATION, 8, 0, 9) + inner[8:], **hops)


@topology("split", "same")
def test_router_advertisement(lab):
    """Neither the host nor another session gets a router, an address or a neighbour from it."""
    s = Scene(lab)
    assert lab.sysctl("net.ipv6.conf.all.forwarding") == "0", "the host listens to routers"
    message = wire.router_advertisement(s.a.mac)
    for src, dst, smac, way in itertools.product(
        (LINK_LOCAL, s.a.addr6, s.a.gateway6),
        (ALL_NODES, s.a.gateway6, s.b.addr6),
        (s.a.mac, s.a.gateway_mac),
        s.ways(),
    ):
        s.a.send(*(ether(way, smac, IP6, p) for p in hidden(src, dst, message)))
    s.nothing_came_of_it()


def test_neighbour_discovery(lab):
    """Advertisements, solicitations and redirects: nobody's belief about anybody changes."""
    s = Scene(lab)
    router6 = lab.wired.gateway6
    messages = [
        *(wire.advertisement(t, s.a.mac, f)
          for t in (s.a.gateway6, s.b.addr6, router6, s.a.addr6)
          for f in (0x20000000, 0xE0000000)),
        *(wire.solicitation(t, s.b.mac) for t in (s.a.gateway6, s.b.addr6)),
        wire.solicitation(s.a.gateway6, s.a.mac),
        wire.redirect(s.a.addr6, SERVER6, s.a.mac),
        wire.redirect(LINK_LOCAL, SERVER6, s.a.mac),
        struct.pack("!BBHI", 133, 0, 0, 0) + wire.option(1, hwaddr(s.a.mac)),
    ]  # fmt: skip
    frames = [
        ether(way, s.a.mac, IP6, p)
        for src in (s.a.addr6, LINK_LOCAL, s.b.addr6, s.a.gateway6)
        for dst in (ALL_NODES, s.a.gateway6, s.b.addr6)
        for message in messages
        for p in hidden(src, dst, message)
        for way in (s.a.gateway_mac, s.b.mac, "33:33:00:00:00:01", "01:80:c2:00:00:03")
    ]
    s.a.send(*frames)
    s.nothing_came_of_it()


@topology("split", "same")
def test_arp_hijack(lab):
    """It answers, announces and asks in the gateway's name, another session's and the router's,
    with inner and outer MACs that agree or not; the other session goes on undisturbed."""
    s = Scene(lab)
    addresses = (s.a.gateway, s.b.addr, s.free(), "0.0.0.0", lab.wired.gateway, lab.wired.addr)
    frames = []
    for spa, tpa, op in itertools.product(addresses, (*addresses, s.a.addr), (1, 2)):
        for outer, inner in itertools.product((s.a.mac, s.b.mac, s.a.gateway_mac), repeat=2):
            for way in s.ways():
                frames.append(ether(way, outer, ARP, wire.arp(op, inner, spa, BROADCAST, tpa)))
    # in its own name, with another's card
    for outer, inner in ((s.a.mac, s.b.mac), (s.b.mac, s.a.mac), (s.a.mac, s.a.gateway_mac)):
        for op, way in itertools.product((1, 2), s.ways()):
            frames.append(ether(way, outer, ARP, wire.arp(op, inner, s.a.addr, inner, s.a.addr)))
    frames += [f[:12] + b"\x80\x35" + f[14:] for f in frames[:200]]  # RARP
    s.a.send(*frames)
    seen = s.b.run(f"import subprocess; print(subprocess.getoutput('curl -s -m 3 {lab.url}'))")
    assert seen.strip() == lab.spare.addr, seen
    eyes, s.inside = s.inside.stop(), s.a.capture()
    assert not [f for f in eyes if f.dir == "in" and (f.eth == "arp" or f.smac == s.a.mac)], eyes
    s.nothing_came_of_it()


@topology("split", "same")
def test_fdb_hijack(lab):
    """Frames in another card's name do not move that card to this port."""
    s = Scene(lab)
    eyes = s.a.capture()
    for smac, way in itertools.product((s.b.mac, s.a.gateway_mac, s.b.port_mac), s.ways()):
        body = wire.udp(s.b.addr, SERVER, 4002, 9, b"hostile")
        s.a.send(
            ether(way, smac, IP, body),
            ether(way, smac, 0x88B5, b"hostile".ljust(46)),
            ether(way, smac, ARP, wire.arp(1, smac, s.b.addr, BROADCAST, s.a.gateway)),
        )
    script = f"curl -s -m 5 {lab.url}bytes/300000 | wc -c"
    got = s.b.run(f"import subprocess; print(subprocess.getoutput({script!r}))")
    assert got.strip() == "300000", got
    unicast = [f for f in eyes.stop() if f.dir == "in" and not hwaddr(f.dmac)[0] & 1]
    strange = [f for f in unicast if f.dmac != s.a.mac]
    assert strange == [], strange[:5]
    s.inside.stop()
    s.inside = s.a.capture()
    s.nothing_came_of_it()


def test_odd_frames(lab):
    """VLAN tags, other ethertypes, 802.2, PPPoE around what would be stopped if it were bare."""
    s = Scene(lab)
    bare = [
        *s.datagrams([s.a.addr, s.b.addr, "203.0.113.99"], 4, ways=(s.a.gateway_mac, BROADCAST)),
        *s.datagrams([s.a.addr6, s.b.addr6], 6, ways=(s.a.gateway_mac, "01:80:c2:00:00:03")),
    ]
    advertisement = wire.icmp6_body(LINK_LOCAL, ALL_NODES, wire.router_advertisement(s.a.mac))
    ra = wire.ip6(LINK_LOCAL, ALL_NODES, ICMP6, advertisement, hops=255)
    bare += [ether(way, s.a.mac, IP6, ra) for way in s.ways()]
    frames = []
    for frame, (kind, vid) in itertools.product(bare, ((wire.VLAN, 0), (wire.VLAN, 5), (wire.QINQ, 0))):
        frames.append(wire.tag(kind, vid, frame))
        frames.append(wire.tag(wire.VLAN, vid, wire.tag(wire.VLAN, 0, frame)))
    for frame in bare:
        head, kind, body = frame[:12], frame[12:14], frame[14:]
        snap = b"\xaa\xaa\x03\0\0\0" + kind + body
        frames.append(head + struct.pack("!H", len(snap)) + snap)
        ppp = b"\0\x21" if kind == b"\x08\0" else b"\0\x57"
        frames.append(head + b"\x88\x64\x11\0\0\1" + struct.pack("!H", len(body) + 2) + ppp + body)
        for odd in (b"\x88\xb5", b"\x88\xcc", b"\x88\x47", b"\x86\xdd", b"\x08\0", b"\x08\x06"):
            if odd != kind:
                frames.append(head + odd + body)
    stp = b"\x42\x42\x03\0\0\0\0\0" + b"\x80\0" + hwaddr(s.a.mac) + bytes(4) + b"hostile".ljust(24)
    for way in s.ways():
        frames.append(hwaddr(way) + hwaddr(s.a.mac) + struct.pack("!H", len(stp)) + stp)
    s.a.send(*frames)
    s.nothing_came_of_it()


def test_fragments(lab):
    """In pieces: what is in order comes out by the uplink, what is not stays in."""
    s = Scene(lab)

    def pieces(src, dst, token, ident, kind=IP):
        body = (token + b"-").ljust(1200, b".")
        whole = wire.udp_body(src, dst, 4003, 9, body)
        cut = 600 // 8 * 8
        if kind == IP:
            yield wire.ip4(src, dst, 17, whole[:cut], ident, 0x2000)
            yield wire.ip4(src, dst, 17, whole[cut:], ident, cut // 8)
        else:
            yield wire.ip6(src, dst, 44, wire.fragment6(17, 0, 1, ident) + whole[:cut])
            yield wire.ip6(src, dst, 44, wire.fragment6(17, cut, 0, ident) + whole[cut:])

    for ident, (src, dst, kind) in enumerate(
        [(x, SERVER, IP) for x in (s.b.addr, s.free(), lab.wired.addr)]
        + [(x, SERVER6, IP6) for x in (s.b.addr6, lab.wired.addr6)]
    ):
        for way in s.ways():
            frames = [ether(way, s.a.mac, kind, p) for p in pieces(src, dst, b"hostile", ident, kind)]
            # the other half in the own name, as if they were of one datagram
            mine = s.a.addr if kind == IP else s.a.addr6
            own = [ether(way, s.a.mac, kind, p) for p in pieces(mine, dst, b"hostile", ident, kind)]
            s.a.send(frames[0], own[1], frames[1])
    tiny = wire.udp_body(s.b.addr, SERVER, 4003, 9, b"hostile")
    s.a.send(
        *(
            ether(s.a.gateway_mac, s.a.mac, IP, wire.ip4(s.b.addr, SERVER, 17, tiny[i : i + 8], 77, f))
            for i, f in ((0, 0x2000), (8, 1))
        )
    )
    for ident, (src, dst, kind) in enumerate([(s.a.addr, SERVER, IP), (s.a.addr6, SERVER6, IP6)]):
        for p in pieces(src, dst, b"in-order", 900 + ident, kind):
            s.a.send(ether(s.a.gateway_mac, s.a.mac, kind, p))
    s.control()
    good = [f for f in s.spare.peek() if b"in-order" in f.raw and f.dir == "in"]
    assert {f.src for f in good} == {lab.spare.addr, lab.spare.addr6}, good
    s.nothing_came_of_it()


def test_dhcp(lab):
    """It is no DHCP client and no DHCP server, of either family."""
    s = Scene(lab)
    frames = []
    for (src, sport, dport), way in itertools.product(
        (("0.0.0.0", 68, 67), (s.a.addr, 68, 67), (s.a.addr, 67, 68), (s.a.gateway, 67, 68),
         (s.b.addr, 68, 67)), s.ways(),
    ):  # fmt: skip
        for dst in ("255.255.255.255", s.b.addr, s.a.gateway, lab.wired.addr):
            frames.append(ether(way, s.a.mac, IP, wire.udp(src, dst, sport, dport, b"hostile")))
    for (src, sport, dport), way in itertools.product(
        ((LINK_LOCAL, 546, 547), (s.a.addr6, 547, 546), (LINK_LOCAL, 547, 546)), s.ways()
    ):
        for dst in ("ff02::1:2", s.a.gateway6, s.b.addr6):
            frames.append(ether(way, s.a.mac, IP6, wire.udp(src, dst, sport, dport, b"hostile")))
    s.a.send(*frames)
    s.nothing_came_of_it()


# --- sessions and each other --------------------------------------------------------------------


@topology("split", "same")
@params("same_uplink", "other_uplink", "host_access")
def test_sessions_cannot_reach_each_other(lab, case):
    options = ["--host-access"] if case == "host_access" else []
    one = wire.Sender(lab, lab.spare, *options)
    two = wire.Sender(lab, lab.wired if case == "other_uplink" else lab.spare, *options)
    two.run(
        "socket.create_server(('0.0.0.0', 8000)).listen(); import threading\n"
        "keep = [socket.create_server(('0.0.0.0', 8001)),"
        " socket.create_server(('::', 8002), family=socket.AF_INET6)]\n"
        "u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('0.0.0.0', 8003))\n"
        "u.sendto(b'opens a way', ('%s', 7777)); u.recv(99)" % SERVER
    )
    wired, eyes = lab.capture_wired(), two.capture()
    attempts = f"""
import subprocess
for address, port in (({two.addr!r}, 8001), ({two.addr6!r}, 8002), ({lab.spare.addr!r}, 8003)):
    try:
        socket.create_connection((address, port), 0.5)
        print('connected', address)
    except OSError as error:
        pass
    u = socket.socket(socket.AF_INET6 if ':' in address else socket.AF_INET, socket.SOCK_DGRAM)
    for p in (8001, 8002, 8003):
        try:
            u.sendto(b'hostile', (address, p))
        except OSError:
            pass
    print(subprocess.getoutput('ping -c1 -W0.3 ' + address + ' | grep -o "1 received"'), end='')
"""
    result = one.run(attempts)
    assert "connected" not in result, result
    for way in (two.mac, one.gateway_mac, one.port_mac, two.port_mac, *GROUPS):
        one.send(
            ether(way, one.mac, IP, wire.udp(one.addr, two.addr, 4004, 8003, b"hostile")),
            ether(way, one.mac, IP6, wire.udp(one.addr6, two.addr6, 4004, 8003, b"hostile")),
            ether(way, one.mac, IP, wire.tcp(one.addr, two.addr, 4004, 8001, "S")),
            ether(way, one.mac, 0x88B5, b"hostile".ljust(46)),
        )
    arrived = [f for f in eyes.stop() if f.dir == "in" and (f.smac == one.mac or b"hostile" in f.raw)]
    assert arrived == [], arrived[:5]
    # Nor does the host lend its name: all of it should have ended there.
    own = {one.addr, one.addr6}
    assert not [f for f in eyes.stop() if f.dir == "in" and f.src in own], eyes.stop()
    if case != "other_uplink":
        assert wired.leaks() == [] and wired.answers() == []


@topology("split", "same")
@params("awake", "asleep")
def test_dead_sessions_stream(lab, daemon):
    """What still comes for a session that was killed reaches no other one, whether the daemon has
    noticed or cannot."""
    other = wire.Sender(lab)
    third = wire.Sender(lab, lab.wired)
    script = f"exec curl -s {lab.url}slow/20"
    victim = lab.session(script=script)
    late = lab.session(script="exec python3 -c 'import socket, time\n"
        "u = socket.socket(type=socket.SOCK_DGRAM)\n"
        f"u.sendto(b\"300 5\", (\"{SERVER}\", 7778)); print(u.recv(9), flush=True); time.sleep(99)'")
    late.expect("late")
    addresses = {wire.session_of(lab, p.pid)["address"] for p in (victim, late)}
    assert len(addresses) == 2
    victim.expect("....")
    if daemon == "asleep":
        os.kill(lab.daemon_pid(), signal.SIGSTOP)
    eyes, more, wired, spare = other.capture(), third.capture(), lab.capture_wired(), lab.capture_spare()
    victim.stop(signal.SIGKILL)
    late.stop(signal.SIGKILL)
    lab.wait(
        lambda: sum(f.dir == "out" and b"late" in f.payload for f in spare.peek()) > 40,
        2, "the stream comes on"
    )  # fmt: skip
    if daemon == "asleep":
        os.kill(lab.daemon_pid(), signal.SIGCONT)
    for capture in (eyes, more):
        came = [f for f in capture.stop() if f.dst in addresses and f.eth != "arp"]
        assert came == [], f"{len(came)} frames of a dead session: {came[:3]}"
    assert wired.leaks() == [] and wired.answers() == []


@topology("split", "same")
def test_dead_sessions_stream_goes_on(lab):
    """The host finds in the end that nobody is there. It does not say so by the wired card: what
    it would quote is the session's."""
    keeper = lab.session()
    code = f"""
import socket, time
for server, family in (("{SERVER}", socket.AF_INET), ("{SERVER6}", socket.AF_INET6)):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.sendto(b"900 6", (server, 7778))
    u.recv(99)
print("ready", flush=True)
time.sleep(99)
"""
    victim = lab.via_popen(lab.spare, "--", "/usr/bin/python3", "-c", code)
    victim.expect("ready\n")
    wired, spare = lab.capture_wired(token="late "), lab.capture_spare()
    victim.stop(signal.SIGKILL)
    time.sleep(4.5)  # the neighbour's resolution fails after three seconds
    for eth in ("ip", "ip6"):
        lab.wait(
            lambda e=eth: sum(f.dir == "out" and f.eth == e and b"late" in f.payload for f in spare.peek()) > 400,
            3, "enough packets that come on"
        )  # fmt: skip
    assert wired.leaks() == [], wired.leaks()[:5]
    assert wired.answers() == [], wired.answers()[:5]
    assert keeper.running()


@timeout(120)
def test_long_lived_among_many(lab):
    """Sixty others start and end; no request of this one waits long."""
    worst_allowed = 0.1 * lab.scale
    code = f"""
import socket, sys, threading, time
t = socket.create_connection(("{SERVER}", 7))
t.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
t.settimeout(20)
print("ready", flush=True)
threading.Thread(target=lambda: (sys.stdin.read(), stop.append(1)), daemon=True).start()
stop, worst, n = [], 0, 0
while not stop:
    start = time.monotonic()
    t.send(b"x")
    assert t.recv(1) == b"x"
    worst, n = max(worst, time.monotonic() - start), n + 1
    time.sleep(0.002)
print(n, worst, flush=True)
"""
    lived = lab.via_popen(lab.spare, "--", "/usr/bin/python3", "-c", code)
    lived.expect("ready\n")
    for batch in range(12):
        uplinks = (lab.spare, lab.wired) * 3
        running = [lab.via_popen(uplinks[n], "--", "true") for n in range(5)]
        for one in running:
            assert one.finish(20).code == 0, one
    n, worst = lived.finish().out.split()[1:]
    lab.note(f"{n} requests, the worst {float(worst) * 1000:.1f} ms")
    assert int(n) > 40, n
    assert float(worst) < worst_allowed, f"the worst of {n} requests took {float(worst) * 1000:.1f} ms"


# --- the host's own services --------------------------------------------------------------------

PROXY = 8118

CONNECT_ALL = """
import socket
for family, address, port in TARGETS:
    kind = socket.AF_INET6 if ":" in address else socket.AF_INET
    t = socket.socket(kind, socket.SOCK_STREAM)
    t.settimeout(0.3)
    try:
        t.connect((address, port))
        t.send(b"hostile")
        print("tcp", address, port)
    except OSError:
        pass
    u = socket.socket(kind, socket.SOCK_DGRAM)
    u.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    try:
        u.sendto(b"hostile", (address, port))
    except OSError:
        pass
"""


class Proxy:
    """Services of the host on all addresses and on one, TCP and UDP."""

    def __init__(self, lab, port):
        self.sockets = []
        for address in ("0.0.0.0", "::", lab.wired.addr):
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                sock = socket.socket(family, kind)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                if family == socket.AF_INET6:
                    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                sock.bind((address, port))
                if kind == socket.SOCK_STREAM:
                    sock.listen(64)
                sock.setblocking(False)
                self.sockets.append((kind, sock))

    def visits(self):
        found = set()
        for kind, sock in self.sockets:
            with contextlib.suppress(BlockingIOError):
                while True:
                    if kind == socket.SOCK_STREAM:
                        conn, _ = sock.accept()
                        found.add(("tcp", sock.family.name, conn.getsockname()[0]))
                        conn.close()
                    else:
                        sock.recvfrom(99)
                        found.add(("udp", sock.family.name))
        return found


@topology("split", "same")
def test_host_services(lab):
    """A proxy or a resolver on the host would carry traffic out by the default way: a session does
    not reach it, on any of the host's addresses, unless it was given access; port 53 never."""
    proxy, resolver = Proxy(lab, PROXY), Proxy(lab, 53)
    wired = lab.capture_wired()
    for options, welcome in (((), False), (("--host-access",), True)):
        session = wire.Sender(lab, lab.spare, *options)
        addresses = [
            session.gateway, lab.wired.addr, lab.spare.addr, "255.255.255.255", "224.0.0.1",
            session.gateway6, lab.wired.addr6, lab.spare.addr6,
        ]  # fmt: skip
        targets = [(0, address, port) for address in addresses for port in (PROXY, 53)]
        talk = session.run(f"TARGETS = {targets!r}\n{CONNECT_ALL}")
        # the gateway's port 53 is led to the uplink's name server; no other is
        names = {f"tcp {gateway} 53" for gateway in (session.gateway, session.gateway6)}
        reached = {line for line in talk.splitlines() if line.endswith(" 53")}
        assert reached <= names, talk
        talk = "\n".join(line for line in talk.splitlines() if line not in names)
        assert resolver.visits() == set()
        if welcome:
            for address in (session.gateway, lab.wired.addr, session.gateway6):
                assert f"tcp {address} {PROXY}" in talk, talk
            visits = proxy.visits()
            assert {v[:2] for v in visits} == {
                (p, f) for p in ("tcp", "udp") for f in ("AF_INET", "AF_INET6")
            }, visits
        else:
            assert talk == "" and proxy.visits() == set(), talk
        session.finish()
    assert wired.leaks() == [] and wired.answers() == []


def test_host_refuses_at_once(lab):
    """A program that tries is told so; it does not wait."""
    Proxy(lab, PROXY)
    session = wire.Sender(lab)
    out = session.run(
        "import time\n"
        f"for address in {[session.gateway, lab.wired.addr, session.gateway6]!r}:\n"
        "    start = time.monotonic()\n"
        "    try:\n"
        f"        socket.create_connection((address, {PROXY}), 3)\n"
        "        print('connected')\n"
        "    except OSError as error:\n"
        "        print(type(error).__name__, time.monotonic() - start < 0.3)"
    )
    assert out == "ConnectionRefusedError True\n" * 3, out
    assert session.inside(f"ping -c1 -W1 {session.gateway}").code == 0
    assert session.inside(f"ping -c1 -W1 {session.gateway6}").code == 0


# --- marks --------------------------------------------------------------------------------------


@topology("split", "same")
def test_marks(lab):
    """A mark that a program sets on its own packets means nothing outside."""
    other = wire.Sender(lab, lab.wired)
    session = wire.Sender(lab, lab.spare)
    marks = [int(line.split("fwmark ")[1].split("/")[0], 16)
             for line in lab.ip("rule").splitlines() if "fwmark" in line and "lookup" in line]  # fmt: skip
    assert len(marks) == 2, marks
    wired, spare = lab.capture_wired(), lab.capture_spare()
    session.run(
        "for server, family in (('%s', socket.AF_INET), ('%s', socket.AF_INET6)):\n"
        "    u = socket.socket(family, socket.SOCK_DGRAM)\n"
        "    for mark in %r:\n"
        "        u.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack('I', mark))\n"
        "        u.sendto(b'with-a-mark', (server, 9))\n"
        "out.setsockopt(socket.SOL_SOCKET, socket.SO_MARK, struct.pack('I', %d))"
        % (SERVER, SERVER6, [*marks, 0, 1, 0xFFFFFFFF], max(marks))
    )
    frame = ether(session.gateway_mac, session.mac, IP, wire.udp(session.addr, SERVER, 4005, 9, b"with-a-mark"))
    session.send(frame)
    lab.wait(lambda: sum(f.dir == "in" and b"with-a-mark" in f.raw for f in spare.peek()) == 11, 2, "all of them by the uplink")
    assert wired.leaks(token="with-a-mark") == []
    assert other.process.running()


@topology("split", "same")
def test_unmarked(lab):
    """Behind the bridge table only what it has marked goes on: without its rules, nothing does."""
    session = wire.Sender(lab)
    wired, spare = lab.capture_wired(token="hostile"), lab.capture_spare(token="hostile")
    os.kill(lab.daemon_pid(), signal.SIGSTOP)
    lab.run("nft flush chain bridge via_iface prerouting", check=True)
    listener = Listener((9999,))
    for dst, kind, src in (
        (SERVER, IP, session.addr), (lab.wired.addr, IP, session.addr), (session.gateway, IP, session.addr),
        (SERVER6, IP6, session.addr6), (session.gateway6, IP6, session.addr6),
        (SERVER, IP, lab.wired.addr), (SERVER, IP, lab.spare.addr), (SERVER6, IP6, lab.wired.addr6),
    ):  # fmt: skip
        for way in (session.gateway_mac, session.port_mac, *GROUPS):
            session.send(ether(way, session.mac, kind, wire.udp(src, dst, 4006, 9999, b"hostile")))
    time.sleep(0.05)
    assert wired.leaks() == [] and wired.answers() == []
    assert [f for f in spare.stop() if b"hostile" in f.raw] == []
    assert listener.heard() == []


# --- foreign ------------------------------------------------------------------------------------


@needs("tool:conntrack")
@topology("split", "same")
@params("alive", "dead")
def test_late_replies_after_a_flush(lab, session):
    """Somebody flushes conntrack: what then comes for a session looks like the host's own. Its
    stack would answer in the uplink's name, by the wired card."""
    code = f"""
import socket, time
t = socket.create_connection(("{SERVER}", 80))
t.send(b"GET /slow/5 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
for server, family in (("{SERVER}", socket.AF_INET), ("{SERVER6}", socket.AF_INET6)):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.sendto(b"300 5", (server, 7778))
    u.recv(99)
t6 = socket.create_connection(("{SERVER6}", 80))
t6.send(b"GET /slow/5 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
t.recv(99), t6.recv(99)
print("ready", flush=True)
time.sleep(99)
"""
    keeper = lab.session()  # however long it takes, the daemon does not go meanwhile
    running = lab.via_popen(lab.spare, "--", "/usr/bin/python3", "-c", code)
    running.expect("ready\n")
    wired, spare = lab.capture_wired(), lab.capture_spare()
    if session == "dead":
        running.stop(signal.SIGKILL)
    for _ in range(20):
        lab.run("conntrack -F", check=True)
        time.sleep(0.02)
    arrived = [f for f in spare.peek() if f.dir == "out" and f.proto in ("tcp", "udp")]
    assert len(arrived) > 60, f"only {len(arrived)} packets came in, so nothing was tested"
    assert wired.leaks() == [], wired.leaks()[:5]
    assert wired.answers() == [], f"{len(wired.answers())} answers by the wired card"
    assert keeper.running()


# --- neighbours ---------------------------------------------------------------------------------


class Neighbours:
    """Somebody on each LAN who takes this host for a router, with his own packets."""

    def __init__(self, lab):
        self.lab = lab
        self.n = 0
        self.senders = {}
        for uplink in (lab.wired, lab.spare):
            with lab.inside(uplink.router):
                sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
                sock.bind(("lan", 0))
            self.senders[uplink.dev] = (uplink, sock, "02:00:00:00:99:99")

    def forwarded(self, targets, sessions=()):
        """Sends to each target by each card; the set of (card, target) that came out somewhere."""
        lab = self.lab
        eyes = [lab.capture(lab.wired.router, "lan"), lab.capture(lab.spare.router, "lan")]
        eyes += [s.capture() for s in sessions]
        sent = {}
        for uplink, sock, mac in self.senders.values():
            net = uplink.addr.rsplit(".", 1)[0]
            net6 = uplink.addr6.split("::")[0]
            for name, dst in targets.items():
                self.n += 1
                token = b"neighbour-%05d." % self.n
                sent[token] = (uplink.dev, name)
                src = f"{net6}::99" if ":" in dst else f"{net}.99"
                kind = IP6 if ":" in dst else IP
                sock.send(ether(uplink.mac, mac, kind, wire.udp(src, dst, 4007, 9, token)))
        time.sleep(0.05)
        out = set()
        for eye in eyes:
            for frame in eye.stop():
                token = frame.payload[: len(b"neighbour-00000.")]
                if frame.smac != "02:00:00:00:99:99" and token in sent and not frame.icmp_error:
                    out.add(sent[token])
        return out


def _targets(lab, *sessions):
    targets = {
        "internet": SERVER, "internet6": SERVER6, "elsewhere": "198.51.100.77",
        "the pool": "10.209.3.200", "the bridge": "10.209.0.1",
        "wired router": lab.wired.gateway, "spare router": lab.spare.gateway,
        "wired router6": lab.wired.gateway6, "spare router6": lab.spare.gateway6,
        "wired neighbour": lab.wired.addr.rsplit(".", 1)[0] + ".99",
        "spare neighbour": lab.spare.addr.rsplit(".", 1)[0] + ".99",
        "broadcast": "255.255.255.255",
    }  # fmt: skip
    for n, session in enumerate(sessions):
        targets |= {f"session {n}": session.addr, f"session {n} v6": session.addr6}
    return targets


@topology("split", "same")
@params("closed", "one_card", "open")
def test_neighbours(lab, forwarding):
    """Somebody who uses this host as his gateway gets nothing forwarded that was not before; what
    was, still is. `closed`: it does not forward; `one_card`: one card does; `open`: all do."""
    if forwarding == "open":
        lab.sysctl("net.ipv4.ip_forward", 1)
        lab.sysctl("net.ipv6.conf.all.forwarding", 1)
    if forwarding == "one_card":
        lab.sysctl("net.ipv4.conf.wlp6s0.forwarding", 1)
    neighbours = Neighbours(lab)
    before = first = neighbours.forwarded(_targets(lab))
    if forwarding == "closed":
        assert before == set(), before
    elif forwarding == "one_card":
        assert before and {dev for dev, _ in before} == {"wlp6s0"}, before
    else:
        assert {("enp7s0", "internet6"), ("wlp6s0", "internet")} <= before, before
    one, two = wire.Sender(lab), wire.Sender(lab, lab.wired)
    before = {(dev, name) for dev, name in before if name not in ("the pool", "the bridge")}
    for s in (one, two):
        s.run("for x in ('%s', '%s'):\n    u = socket.socket(socket.AF_INET6 if ':' in x else"
              " socket.AF_INET, socket.SOCK_DGRAM); u.sendto(b'.', (x, 7777))" % (SERVER, SERVER6))
    during = neighbours.forwarded(_targets(lab, one, two), (one, two))
    assert during == before, f"new: {during - before}, gone: {before - during}"
    two.finish()
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 3, "one session")
    during = neighbours.forwarded(_targets(lab, one), (one,))
    assert during == before, f"new: {during - before}, gone: {before - during}"
    one.finish()
    lab.wait_gone()
    assert neighbours.forwarded(_targets(lab)) == first


@topology("split", "same")
def test_neighbour_spoofs_a_reply(lab):
    """On the wrong LAN, what looks like an answer to a session is none."""
    session = wire.Sender(lab)
    session.run(f"u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('0.0.0.0', 5555))\n"
                f"u.settimeout(0.3); u.sendto(b'.', ('{SERVER}', 7777)); u.recv(99)")  # fmt: skip
    eyes = session.capture()
    reply = wire.udp(SERVER, lab.spare.addr, 7777, 5555, b"hostile")
    for uplink in (lab.wired, lab.spare):
        with lab.inside(uplink.router):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind(("lan", 0))
            sock.send(ether(lab.wired.mac, "02:00:00:00:99:99", IP, reply))
            direct = wire.udp(SERVER, session.addr, 7777, 5555, b"hostile")
            for mac in (lab.wired.mac, lab.spare.mac):
                sock.send(ether(mac, "02:00:00:00:99:99", IP, direct))
    time.sleep(0.05)
    assert [f for f in eyes.stop() if b"hostile" in f.raw] == []
