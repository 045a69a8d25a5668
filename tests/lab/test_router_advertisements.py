"""IPv6 by router advertisements alone, as most networks have it: the session follows routers that
come, run out, change their preference (RFC 4191) and say routes, as the host itself does.

Real advertisements are sent by the router; the kernel of the host makes of them what it makes.
"""

import contextlib
import socket
import struct
import threading

import wire
from flow import STREAMS
from lab import SERVER6, params, timeout
from faults import Wire
from test_routes_of_the_host import MARK, asked
from test_uplink_kinds import ADDRESSES, DEFAULTS, LINKS, Host, Kind, asks, big, ended, flow_of, goes_on

FIRST, SECOND = "fe80::71", "fe80::72"
HIGH, MEDIUM, LOW = 0x08, 0, 0x18
OURS = "2001:db8:2::ff:fe00:610"  # what the host makes of the prefix and its MAC
KIND = Kind(
    [ADDRESSES[0], ADDRESSES[1], LINKS[0], DEFAULTS[0]],
    router=[f"addr replace {FIRST}/64 dev lan nodad", f"addr replace {SECOND}/64 dev lan nodad"],
)
LIFETIME = 2  # seconds: the shortest that a renewal can outrun on a busy machine


def prefix(valid=3600):
    return wire.option(3, struct.pack("!BBIII", 64, 0xC0, valid, valid, 0) + wire.address("2001:db8:2::"))


def route(destination, length, lifetime=1800, preference=MEDIUM):
    return wire.option(24, struct.pack("!BBI", length, preference, lifetime) + wire.address(destination))


def mtu(size):
    return wire.option(5, struct.pack("!HI", 0, size))


def rdnss(address):
    return wire.option(25, struct.pack("!HI", 0, 1800) + wire.address(address))


class Advertised(Host):
    def __init__(self, lab, *first, lifetime=1800):
        self.socks, self.first, self.lifetime = {}, first or (prefix(),), lifetime
        lab.sysctl("net/ipv6/conf/wlp6s0/accept_ra_rt_info_max_plen", 64)
        super().__init__(lab, KIND)

    @staticmethod
    def body(lifetime, *options, preference=MEDIUM):
        """Routers say how long they serve as default routers: 0 for not at all."""
        return struct.pack("!BBHBBHII", 134, 0, 0, 64, preference, lifetime, 0, 0) + b"".join(options)

    @contextlib.contextmanager
    def renewed(self, source, lifetime):
        """Before it runs out, as long as the block lasts: what is done in it may take its time."""
        over = threading.Event()
        sock, index = self.socks[source]

        def renew():
            while not over.wait(lifetime / 8):
                sock.sendto(self.body(lifetime), ("ff02::1", 0, 0, index))

        thread = threading.Thread(target=renew, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def advertise(self, source, lifetime, *options, preference=MEDIUM):
        """To all nodes."""
        body = self.body(lifetime, *options, preference=preference)
        with self.lab.inside(self.u.router):
            if source not in self.socks:
                index = socket.if_nametoindex("lan")
                sock = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
                sock.bind((source, 0, 0, index))
                sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
                self.socks[source] = sock, index
            sock, index = self.socks[source]
            sock.sendto(body, ("ff02::1", 0, 0, index))

    def configure(self, lines):
        super().configure(lines)
        # the first may come before the host has joined ff02::1 on a link that has just come up
        self.lab.wait(self.is_heard, 5, "an address and a default route", step=0.1)

    def is_heard(self):
        self.advertise(FIRST, self.lifetime, *self.first)
        addresses = self.lab.ip(f"-6 -o addr show dev {self.u} scope global -tentative")
        return OURS in addresses and FIRST in self.lab.ip(f"-6 route show default dev {self.u}")


def gateway_of(lab, host, flow, to=SERVER6):
    """Of the session, and of the host's own bound socket."""
    session = asked(lab, "-6", f"{to} from {flow.listed()['address6']} iif via0 mark {MARK}")
    return session and session[:2], host.gateway_of_the_host("6", to)


def follows(lab, host, flow, gateway, to=SERVER6):
    """Both have that gateway, or none."""
    wanted = {gateway and (str(host.u), gateway)}
    try:
        lab.wait(lambda: set(gateway_of(lab, host, flow, to)) == wanted, 5)
    except AssertionError:
        found = gateway_of(lab, host, flow, to)
        raise AssertionError(f"to {to}: session and host {found}, not {wanted}") from None


@timeout(90)
def test_default_router(lab):
    """Through down and up, and with a name server in the advertisement, which the kernel leaves to
    others: the session's servers stay."""
    host = Advertised(lab, prefix(), rdnss("2001:db8:bad::53"))
    assert host.source["6"] == OURS, host.source
    far = Wire(lab)
    far.capture.spare |= {OURS}
    flow = flow_of(lab, host)
    goes_on(lab, host, flow)
    asks(lab, host, flow.name)
    follows(lab, host, flow, FIRST)
    lab.ip(f"link set dev {host.u} down")
    flow.silent()
    host.configure(KIND.lines)
    goes_on(lab, host, flow)
    asks(lab, host, flow.name)
    ended(lab, flow)
    far.assert_closed()


def silent6(flow):
    flow.silent(kinds=("udp6", "tcp6"), seconds=0.3)


def test_runs_out(lab):
    """Renewed in time nobody notices; when its lifetime is over the session has no IPv6, and the next
    advertisement gives it back. IPv4 goes on all the time."""
    host = Advertised(lab, lifetime=LIFETIME)
    far = Wire(lab)
    far.capture.spare |= {OURS}
    with host.renewed(FIRST, LIFETIME):
        flow = flow_of(lab, host)
        began = flow.started()
        lab.wait(lambda: flow.started() - began > 1.5 * LIFETIME, 3 * LIFETIME)
        follows(lab, host, flow, FIRST)
    assert flow.gap(began, flow.started(), ("udp6",)) < 0.5 * lab.scale
    silent6(flow)
    follows(lab, host, flow, None)
    start = flow.started()
    host.advertise(FIRST, 1800)
    flow.flows(start, 5)
    follows(lab, host, flow, FIRST)
    host.advertise(FIRST, 0)  # it withdraws
    silent6(flow)
    follows(lab, host, flow, None)
    assert flow.gap(began, flow.started(), ("udp4",)) < 0.5 * lab.scale, "IPv4 does not go on"
    host.advertise(FIRST, 1800)
    flow.flows(flow.started(), 5)
    assert [flow.over(kind) for kind in STREAMS] == [None, None]
    ended(lab, flow)
    far.assert_closed()


def test_preference(lab):
    """Of two routers the preferred one, whichever came first; the other when that withdraws."""
    host = Advertised(lab)
    far = Wire(lab)
    far.capture.spare |= {OURS}
    flow = flow_of(lab, host)
    follows(lab, host, flow, FIRST)
    for source, lifetime, preference, wanted in (
        (SECOND, 1800, HIGH, SECOND),
        (SECOND, 1800, LOW, FIRST),
        (FIRST, 0, MEDIUM, SECOND),
        (FIRST, 1800, LOW, None),  # as good as the other: whichever the host takes
        (FIRST, 1800, HIGH, FIRST),
        (SECOND, 0, LOW, FIRST),
    ):
        host.advertise(source, lifetime, preference=preference)
        if wanted:
            follows(lab, host, flow, wanted)
        flow.flows(flow.started(), 5)
    ended(lab, flow)
    far.assert_closed()


def test_no_default_router(lab):
    """Addresses and no router: IPv6 is not reached from inside as from outside, and by no other card.
    A router that comes later serves the session that runs and the next launch, since the uplink had
    an address of the family all the time."""
    host = Advertised(lab)
    host.advertise(FIRST, 0)
    far = Wire(lab)
    far.capture.spare |= {OURS}
    held = lab.session(host.u, "--name", "held")
    script = f"curl -sg -m 3 {lab.url}; curl -sg -m 1 -A BEACON '{lab.url6}' || echo none"
    done = lab.via("exec", "held", "--", "sh", "-c", script)
    assert done.out.split() == [host.u.addr, "none"], done
    host.advertise(SECOND, 1800)
    ask = ["--", "curl", "-sg", "-m", "1", "-A", "BEACON", lab.url6]
    lab.wait(lambda: lab.via(host.u, *ask).out.strip() == OURS, 5, "IPv6")
    lab.wait(lambda: lab.via("exec", "held", *ask).out.strip() == OURS, 5, "IPv6 in the session that runs")
    held.finish()
    far.assert_closed()


@params(more_specific=("2001:db8:20::", 48, "2001:db8:20::1"), default=("::", 0, SERVER6))
def test_route_information(lab, case):
    """A route by another router than the default's; withdrawn, it goes."""
    destination, length, to = case
    host = Advertised(lab)
    far = Wire(lab)
    far.capture.spare |= {OURS}
    flow = flow_of(lab, host)
    host.advertise(SECOND, 0, route(destination, length, preference=HIGH))
    follows(lab, host, flow, SECOND, to)
    flow.flows(flow.started(), 5)
    host.advertise(SECOND, 0, route(destination, length, lifetime=0))
    follows(lab, host, flow, FIRST, to)
    host.advertise(SECOND, 0, route(destination, length, lifetime=LIFETIME, preference=HIGH))
    follows(lab, host, flow, SECOND, to)
    follows(lab, host, flow, FIRST, to)  # it has run out
    flow.flows(flow.started(), 5)
    ended(lab, flow)
    far.assert_closed()


def test_mtu(lab):
    """Said by the router for IPv6 alone: larger packets are cut or refused as the host's own."""
    host = Advertised(lab, prefix(), mtu(1400))
    assert lab.sysctl("net/ipv6/conf/wlp6s0/mtu") == "1400"
    far = Wire(lab)
    far.capture.spare |= {OURS}
    seen = lab.capture_spare()
    flow = flow_of(lab, host)
    big(lab, host, flow, "6", 1400 - 48)
    sent = [f.length for f in seen.stop() if f.dir == "in" and f.eth == "ip6" and f.proto not in ("tcp",)]
    assert max(sent) <= 1400, max(sent)
    big(lab, host, flow, "4", 1500 - 28)
    ended(lab, flow)
    far.assert_closed()
