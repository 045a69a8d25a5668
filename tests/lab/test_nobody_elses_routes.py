"""What another card's lease, its router advertisements or a VPN push never changes where a session
goes (TunnelVision, CVE-2024-3661); who answers on the uplink's own network chooses among ways out of
that uplink alone.

Each attack is applied as its client would do it, in both families at once, in each state that a
session can be in: starting (between the daemon's look at the host and any of its steps), up, moving,
blocked, healing. The wired card's gateways are real and forward, so what is led there would arrive.
"""

import contextlib
import os
import signal
import socket
import struct
import time

import wire
from flow import Flow
from lab import SERVER, SERVER6, needs, params, program, timeout
from test_fails_closed import restore_uplink
from faults import Wire, nothing_left
from test_renamed_cards import third_card
from test_routes_of_the_host import MARK, asked
from test_uplink_kinds import IFF_TUN, tun_end

# --- attacks ------------------------------------------------------------------------------------

SAME, CHOOSES, STOPS = "same", "chooses", "stops"


class Attack:
    """`lines` for ip(8), {dev} is the uplink. What may come of it: the session goes on exactly as
    before (SAME), by another gateway or none of the uplink (CHOOSES), or not at all (STOPS)."""

    def __init__(self, *lines, may=SAME):
        self.lines, self.may = lines, may

    def begin(self, lab, dev):
        """As far as the kernel lets anybody do it; returns what undoes it."""
        undo = []
        for line in self.lines:
            line = line.format(dev=dev)
            if lab.run(["ip", *line.split()]).code == 0:
                line = " ".join(line.split()[:4]) if line.startswith("nexthop") else line
                undo.insert(0, line.replace(" add ", " del ", 1))
        assert undo, f"none of {self.lines} can be done"
        return undo


class Advertisement(Attack):
    """A real one on the wired network, to all nodes: a preferred default router and routes (RFC 4191)."""

    def begin(self, lab, dev):
        u = lab.wired
        lab.sysctl(f"net/ipv6/conf/{u}/accept_ra_rt_info_max_plen", 128)
        body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0x08, 1800, 0, 0)
        for to, length in (("::", 0), ("2001:db8:113::", 48), (SERVER6, 128), ("2001:db8:2::", 64)):
            body += wire.option(24, struct.pack("!BBI", length, 0x08, 1800) + wire.address(to))
        ns, far = u.far
        with lab.inside(ns), socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
            sock.sendto(body, ("ff02::1", 0, 0, socket.if_nametoindex(far)))
        lab.wait(lambda: "2001:db8:113::/48" in lab.ip("-6 route show proto ra"), 5, "its routes")
        return ["-6 route flush proto ra"]


WIRED4, WIRED6 = "via 192.168.1.1 dev enp7s0", "via 2001:db8:1::1 dev enp7s0"
# Of the uplink's network, where somebody answers DHCP: the router itself under another address.
ROGUE4, ROGUE6 = "via 192.168.2.66 dev {dev}", "via 2001:db8:2::66 dev {dev}"
HALVES = ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1")
POOLS = ("10.209.0.0/22", "10.209.0.0/23", "10.209.2.0/23", "2001:2::/48", "2001:2::/49",
         "2001:2:0:8000::/49")


def led(destinations, way4, way6, more=""):
    """Routes to all of them by that way."""
    return [f"{'-6' if ':' in to else '-4'} route add {to} {way6 if ':' in to else way4} {more}" for to in destinations]


ATTACKS = {
    "halves": Attack(*led(HALVES, WIRED4, WIRED6)),
    "better_default": Attack(*led(("0.0.0.0/0", "::/0"), WIRED4, WIRED6, "metric 1")),
    "narrower": Attack(*led(("203.0.113.0/24", "203.0.113.0/25", "2001:db8:113::/48"), WIRED4, WIRED6)),
    "the_very_server": Attack(*led((f"{SERVER}/32", f"{SERVER6}/128"), WIRED4, WIRED6)),
    "the_uplinks_network": Attack(*led(("192.168.2.0/24", "192.168.2.1/32", "192.168.2.10/32",
                                        "2001:db8:2::/64", "2001:db8:2::1/128"), WIRED4, WIRED6)),
    "the_sessions_network": Attack(*led(POOLS, WIRED4, WIRED6)),
    "onlink": Attack(*led(("203.0.113.0/24", "2001:db8:113::/48"), "via 10.77.0.1 dev enp7s0",
                          "via 2001:db8:77::1 dev enp7s0", "onlink")),
    "no_gateway": Attack(*led((*HALVES, f"{SERVER}/32", f"{SERVER6}/128"), "dev enp7s0", "dev enp7s0")),
    "vpn": Attack(*led((*HALVES, f"{SERVER}/32", f"{SERVER6}/128"), "dev tun9", "dev tun9")),
    "nexthop_objects": Attack("nexthop add id 71 via 192.168.1.1 dev enp7s0",
                              "nexthop add id 72 via 2001:db8:1::1 dev enp7s0",
                              "route add 203.0.113.0/24 nhid 71", "-6 route add 2001:db8:113::/48 nhid 72"),
    # one object in the group leads out of the uplink: that one may serve
    "nexthops_shared": Attack("nexthop add id 71 via 192.168.1.1 dev enp7s0",
                              "nexthop add id 72 via 192.168.2.66 dev {dev}",
                              "nexthop add id 73 group 71/72", "route add 203.0.113.0/24 nhid 73",
                              "nexthop add id 74 via 2001:db8:1::1 dev enp7s0",
                              "nexthop add id 75 via 2001:db8:2::66 dev {dev}",
                              "nexthop add id 76 group 74/75", "-6 route add 2001:db8:113::/48 nhid 76",
                              may=CHOOSES),
    "advertisement": Advertisement(),
    "rule_behind_ours": Attack("-4 rule add priority 6000 lookup 51820", "-6 rule add priority 6000 lookup 51820",
                               *led(("0.0.0.0/0", "::/0"), WIRED4, WIRED6, "table 51820")),
    # a VPN's rule that takes everything, also what has our mark: closed, if it is not passed by
    "rule_before_ours": Attack("-4 rule add priority 100 lookup 51820", "-6 rule add priority 100 lookup 51820",
                               *led(("0.0.0.0/0", "::/0"), WIRED4, WIRED6, "table 51820"), may=STOPS),
    "wg_quick": Attack(*led(("0.0.0.0/0", "::/0"), "dev tun9", "dev tun9", "table 51820"),
                       *(f"{family} rule add {what}" for family in ("-4", "-6")
                         for what in ("priority 101 not fwmark 51820 lookup 51820",
                                      "priority 100 lookup main suppress_prefixlength 0")), may=STOPS),
    "own_network_halves": Attack(*led(HALVES, ROGUE4, ROGUE6), may=CHOOSES),
    "own_network_the_server": Attack(*led((f"{SERVER}/32", f"{SERVER6}/128"), ROGUE4, ROGUE6), may=CHOOSES),
    # the addresses of the other card's network, as gateways that stand on the uplink's
    "own_network_others_gateway": Attack(*led((f"{SERVER}/32", f"{SERVER6}/128"), "via 192.168.1.1 dev {dev}",
                                              "via 2001:db8:1::1 dev {dev}", "onlink"), may=CHOOSES),
    "own_network_our_address": Attack(*led((f"{SERVER}/32", f"{SERVER6}/128"), "via 192.168.1.10 dev {dev}",
                                           "via 2001:db8:1::10 dev {dev}", "onlink"),
                                      *led((f"{SERVER}/32", f"{SERVER6}/128"), ROGUE4, ROGUE6), may=CHOOSES),
}  # fmt: skip


@contextlib.contextmanager
def applied(lab, name):
    undo = ATTACKS[name].begin(lab, lab.spare)
    try:
        yield ATTACKS[name]
    finally:
        for line in undo:
            lab.run(["ip", *line.split()])


# --- what is watched ----------------------------------------------------------------------------


class Watch:
    """The wired card, and a VPN whose device takes all that it is given."""

    def __init__(self, lab):
        self.lab, self.wired = lab, Wire(lab)
        self.vpn = tun_end(lab, None, "tun9", IFF_TUN)
        os.set_blocking(self.vpn, False)
        for line in ("link set tun9 up", "addr add 10.99.0.2/24 dev tun9", "addr add fd99::2/64 dev tun9 nodad"):
            lab.ip(line)
        # the router's second address, and the far side of the wired network: it answers, too
        for address in ("192.168.2.66/24", "2001:db8:2::66/64 nodad"):
            lab.ip(f"addr add {address} dev lan", ns=lab.spare.router)

    def led_astray(self):
        seen = [str(f) for f in self.wired.capture.peek()
                if self.wired.capture.from_session(f) and not self.wired.capture.host_made(f) and f.eth != "arp"]  # fmt: skip
        with contextlib.suppress(BlockingIOError):
            while True:
                packet = os.read(self.vpn, 70000)
                if b"BEACON" in packet:
                    seen.append(f"by the VPN: {packet[:60]!r}")
        return seen

    def closed(self, name):
        seen = self.led_astray()
        assert not seen, f"{name}: {len(seen)} by another card:\n" + "\n".join(seen[:5])


def gateways(lab, flow):
    listed = flow.listed()
    return [asked(lab, family, f"{to} from {listed[key]} iif via0 mark {MARK}")
            for family, to, key in (("-4", SERVER, "address"), ("-6", SERVER6, "address6"))]  # fmt: skip


def addresses(u):
    return (u.addr, u.addr6)


def holds(lab, flow, attack, u, before=None):
    """While the attack stands: by this uplink, or where that may be by nothing."""
    start = flow.started()
    if attack.may == SAME:
        flow.flows(start, 5, seen=addresses(u))
        if before:
            assert gateways(lab, flow) == before, (gateways(lab, flow), before)
        return
    # what it does to the session is the daemon's next look away
    lab.wait(lambda: flow.started() - start > 0.3, 2)
    for answer in flow.since(start):
        assert answer.seen == "-" or answer.seen.startswith("!") or answer.seen in addresses(u), answer.seen
    if attack.may == CHOOSES:
        assert all(not found or found[0] == u.dev for found in gateways(lab, flow)), gateways(lab, flow)


def again(lab, flow, u, before=None):
    """When it is over."""
    flow.flows(flow.started(), 5, seen=addresses(u))
    if before:
        lab.wait(lambda: gateways(lab, flow) == before, 5, f"the gateways {before}")


# --- the states ---------------------------------------------------------------------------------


@timeout(120)
def test_the_attacks_work(lab):
    """A program of the host is led away by them; what the tests below rely on."""
    watch = Watch(lab)
    flow = Flow(lab)
    for name in ("halves", "better_default", "narrower", "the_very_server", "advertisement", "vpn"):
        lab.ip("route del default dev enp7s0")
        lab.ip("-6 route del default dev enp7s0")
        with applied(lab, name):
            found = [asked(lab, f, to)[0] for f, to in (("-4", SERVER), ("-6", SERVER6))]
        lab.ip(f"route add default {WIRED4} metric 100")
        lab.ip(f"-6 route add default {WIRED6} metric 100")
        assert found[1] in ("enp7s0", "tun9"), (name, found)
        assert name == "advertisement" or found[0] == found[1], (name, found)
    again(lab, flow, lab.spare)
    watch.closed("all")


@timeout(120)
def test_up(lab):
    watch = Watch(lab)
    flow = Flow(lab)
    before = gateways(lab, flow)
    for name in ATTACKS:
        with applied(lab, name) as attack:
            holds(lab, flow, attack, lab.spare, before)
        again(lab, flow, lab.spare, before)
        watch.closed(name)
    flow.stop()


@timeout(120)
def test_blocked(lab):
    """The uplink is down: no packet takes a way that somebody else shows; with the attack standing the
    uplink comes back."""
    watch = Watch(lab)
    flow = Flow(lab)
    for name in ATTACKS:
        lab.ip(f"link set {lab.spare} down")
        flow.silent()
        lab.wait(lambda: flow.listed()["state"] == "blocked", 5, "the state blocked")
        if "{dev}" not in "".join(ATTACKS[name].lines):
            with applied(lab, name) as attack:
                start = flow.started()
                lab.wait(lambda s=start: flow.started() - s > 0.2, 2)
                assert not flow.since(start), f"{name}: answers without an uplink"
                assert attack.may == STOPS or not any(gateways(lab, flow)), (name, gateways(lab, flow))
                watch.closed(name)
        lab.ip(f"link set {lab.spare} up")
        lab.wait(lambda: lab.carrier(lab.spare.dev), 3, "the carrier")
        if "{dev}" in "".join(ATTACKS[name].lines):
            restore_uplink(lab)
            with applied(lab, name) as attack:
                holds(lab, flow, attack, lab.spare)
        else:
            with applied(lab, name) as attack:
                restore_uplink(lab)
                holds(lab, flow, attack, lab.spare)
        again(lab, flow, lab.spare)
        watch.closed(name)
    flow.stop()


class Stopped:
    """The daemon stands still before the n-th message that it sends to the kernel, from now on."""

    def __init__(self, lab, n, pid=None):
        self.lab, self.pid = lab, pid or lab.daemon_pid()
        self.path = os.path.join(lab.tmp, f"strace.{time.monotonic_ns()}")
        self.tracer = lab.popen([
            "strace", "-qq", "-e", "trace=sendto", "-e", f"inject=sendto:signal=STOP:when={n}",
            "-o", self.path, "-p", str(self.pid),
        ])  # fmt: skip
        lab.wait(self.attached, 5, "a traced daemon")

    def attached(self):
        with open(f"/proc/{self.pid}/status") as f:
            return f"TracerPid:\t{self.tracer.pid}\n" in f.read()

    def text(self):
        with open(self.path) as f:
            return f.read()

    def messages(self):
        return self.text().count("sendto(")

    def stands(self):
        return "stopped by SIGSTOP" in self.text()

    def go_on(self):
        """Without the tracer, which would slow it down."""
        self.tracer.kill(signal.SIGINT)
        self.tracer.finish()
        os.kill(self.pid, signal.SIGCONT)


@contextlib.contextmanager
def daemon(lab):
    """One that has nothing to do yet."""
    read, write = os.pipe()
    process = lab.popen([program("via-ifaced"), "--linger", "60", "--ready", str(write)], pass_fds=(write,))
    os.close(write)
    with open(read, "rb", buffering=0) as pipe:
        assert pipe.read(1) == b"\n"
    yield process
    process.kill(signal.SIGTERM)
    process.finish()


def launch(lab, stopped):
    """A session; returns when the daemon stands still in the midst of it."""
    process = lab.via_popen(lab.spare, "--", "sh", "-c",
        f"curl -s -m 2 -A BEACON {lab.url}; curl -sg -m 2 -A BEACON '{lab.url6}'; echo done; cat")  # fmt: skip
    lab.wait(stopped.stands, 10, "a daemon that stands")
    return process


def messages_of_a_launch(lab):
    with daemon(lab) as process:
        stopped = Stopped(lab, 10000, process.pid)
        held = lab.via_popen(lab.spare, "--", "sh", "-c", "echo done; cat")
        held.expect("done")
        n = stopped.messages()
        stopped.go_on()
        held.finish()
        lab.wait(lambda: not lab.via("list", "--json").json(), 10, "its end")
    lab.wait_gone()
    return n


@needs("tool:strace")
@params(**{str(n): list(ATTACKS)[n::4] for n in range(4)})
@timeout(180)
def test_starting(lab, names):
    """The routes come when the daemon has looked at the host and made nothing, part or nearly all."""
    watch = Watch(lab)
    n = messages_of_a_launch(lab)
    assert n > 10, n
    for name in names:
        for when in (n // 8, n // 2, n - 2):
            with daemon(lab) as process:
                stopped = Stopped(lab, when, process.pid)
                held = launch(lab, stopped)
                with applied(lab, name) as attack:
                    stopped.go_on()
                    held.expect("done", 20)
                    seen = held.out.decode().split()[:-1]
                    wanted = list(addresses(lab.spare))
                    assert seen == wanted or (attack.may != SAME and set(seen) <= set(wanted)), (name, when, seen)
                held.finish()
                lab.wait(lambda: not lab.via("list", "--json").json(), 10, "its end")
            lab.wait_gone()
            watch.closed(f"{name} at message {when} of {n}")


@needs("tool:strace")
@timeout(180)
def test_moving(lab):
    """To a third card and back, and the routes come in the middle of the daemon's steps."""
    watch = Watch(lab)
    third = third_card(lab)
    for network, gateway in (("192.168.9.0/24", "198.51.100.6"), ("2001:db8:9::/64", "2001:db8:f1::2")):
        lab.ip(f"route replace {network} via {gateway}", ns="inet")
    flow = Flow(lab)
    target, other = third, lab.spare
    for number, name in enumerate(ATTACKS):
        stopped = Stopped(lab, 2 + number % 3)
        mover = lab.via_popen("move", flow.name, target)
        lab.wait(lambda s=stopped, m=mover: s.stands() or not m.running(), 10, "a step")
        with applied(lab, name) as attack:
            stopped.go_on()
            assert mover.finish().code == 0
            holds(lab, flow, attack, target)
        again(lab, flow, target)
        watch.closed(name)
        target, other = other, target
    flow.stop()


@timeout(180)
def test_healing(lab):
    """Parts of what holds the session are taken away together with the attack; it is mended."""
    watch = Watch(lab)
    flow = Flow(lab)
    takes = (
        "ip rule flush protocol 86; ip -6 rule flush protocol 86",
        "ip route flush table 22017; ip -6 route flush table 22017",
        "nft flush ruleset",
        "tc qdisc del dev via0 clsact; ip link set via0 down",
    )
    for number, name in enumerate(ATTACKS):
        for pid in lab.daemon_pids():
            os.kill(pid, signal.SIGSTOP)
        lab.run(takes[number % len(takes)])
        with applied(lab, name) as attack:
            start = flow.started()
            lab.wait(lambda s=start: flow.started() - s > 0.1, 2)
            watch.closed(f"{name}, before it is mended")
            for pid in lab.daemon_pids():
                os.kill(pid, signal.SIGCONT)
            holds(lab, flow, attack, lab.spare)
        again(lab, flow, lab.spare)
        watch.closed(name)
    port = flow.listed()["ifname"]
    flow.stop()
    lab.run(f"ip link del {port}")
    nothing_left(lab)
