"""Each kind of uplink serves as it does for the host itself, and nothing leaves by another card.

For every kind the kernel is the judge: a program of the host that is bound to the uplink (curl
--interface) shows the source address, `ip route get DESTINATION from ADDRESS oif UPLINK` the
gateway. A session must have both, in every family that the kind has, and name servers, UDP, TCP and
ping must answer it; the capture on the wired card counts no packet of it from before the launch
until the daemon has gone. VRF, WireGuard, dummy and 464XLAT are not in every kernel: the emulated
machine has them (tests/machine).
"""

import copy
import fcntl
import os
import struct

from flow import Flow
from lab import SERVER, SERVER6, Skip, params, program, timeout
from faults import Wire, nothing_left
from test_routes_of_the_host import MARK, asked

TO = {"4": (SERVER, "198.51.100.77", "10.20.1.1", "64.0.0.1", "200.0.0.1"),
      "6": (SERVER6, "2001:db8:20::1", "a001::1")}  # fmt: skip
SERVERS = {"4": SERVER, "6": SERVER6}

# --- devices ------------------------------------------------------------------------------------

# Carries packets (or frames) from one end to the other, as a VPN's process does.
RELAY = """
import os, select, sys
ends = [int(word) for word in sys.argv[1:]]
poller = select.poll()
for fd in ends:
    os.set_blocking(fd, False)
    poller.register(fd, select.POLLIN)
print("ready", flush=True)
while True:
    for fd, event in poller.poll():
        if not event & select.POLLIN:
            sys.exit("an end is gone")
        try:
            packet = os.read(fd, 70000)
            os.write(ends[fd == ends[0]], packet)
        except OSError:
            pass  # the other end is down, or its queue is full
"""
TUNSETIFF, IFF_TUN, IFF_TAP, IFF_NO_PI = 0x400454CA, 1, 2, 0x1000


def tun_end(lab, ns, name, kind):
    with lab.inside(ns):
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_CLOEXEC)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), kind | IFF_NO_PI))
    return fd


class Device:
    """How the host gets the uplink's device; the far end of it has the gateway's addresses."""

    def __init__(self, lab, name="wlp6s0"):
        self.lab, self.name, self.u = lab, name, lab.spare

    def make(self):
        """It is there."""

    def remove(self):
        self.lab.ip(f"link del {self.name}")

    def gateway_on(self, far, *more):
        """The gateway's addresses are on another device of the router."""
        lines = [f"link set {far} up"]
        for address, gone in ((f"{self.u.gateway}/24", "lan"), (f"{self.u.gateway6}/64", "lan")):
            lines += [f"addr del {address} dev {gone}"] if gone != far else []
            lines.append(f"addr replace {address} dev {far}{' nodad' if ':' in address else ''}")
        self.lab.run(["ip", "-force", "-batch", "-"], ns=self.u.router,
                     input="\n".join([*lines, *more]) + "\n")  # fmt: skip


class Ethernet(Device):
    def make(self):
        """Again, as a driver makes it anew."""
        lab, u = self.lab, self.u
        if lab.link_exists(self.name):
            return
        ns, far = u.far
        lab.run(f"ip link del {far}", ns=ns)
        lab.ip(f"link add {self.name} address {u.mac} type veth peer name {far} netns {ns}")
        self.gateway_on(far)


class Stacked(Device):
    """On the spare card."""

    def __init__(self, lab, name, line, far=None):
        super().__init__(lab, name)
        self.line, self.far = line, far

    def make(self):
        lab = self.lab
        lab.ip("link set wlp6s0 up")
        if self.far:
            lab.run(["ip", *self.far.split()], ns=self.u.router)
            self.gateway_on(self.far.split()[5])
        if lab.run(["ip", *self.line.split()]).code:
            raise Skip(f"this kernel makes no such device: ip {self.line}")
        if " bridge " in self.line:
            lab.ip(f"link set wlp6s0 master {self.name}")


class Tun(Device):
    """By a process that carries what the device takes to a device of the router."""

    kind = IFF_TUN

    def __init__(self, lab, name, *more):
        super().__init__(lab, name)
        self.more, self.process = more, None

    def make(self):
        lab = self.lab
        ends = tun_end(lab, None, self.name, self.kind), tun_end(lab, self.u.router, "far", self.kind)
        command = ["/usr/bin/python3", "-c", RELAY, *map(str, ends)]
        self.process = lab.popen(command, pass_fds=ends)
        for fd in ends:
            os.close(fd)
        self.process.expect("ready\n")
        self.gateway_on("far", *self.more)

    def remove(self):
        self.process.stop(9)


class Tap(Tun):
    kind = IFF_TAP


# --- what a network manager says of it ----------------------------------------------------------

ADDRESSES = [
    "link set dev {dev} up",
    "addr replace 192.168.2.10/24 dev {dev} noprefixroute",
    "addr replace 2001:db8:2::10/64 dev {dev} nodad noprefixroute",
]
LINKS = [
    "route replace 192.168.2.0/24 dev {dev} src 192.168.2.10 metric 600 proto kernel scope link",
    "route replace 2001:db8:2::/64 dev {dev} metric 600 proto kernel",
]
DEFAULTS = [
    "route replace default via 192.168.2.1 dev {dev} metric 600",
    "route replace default via 2001:db8:2::1 dev {dev} metric 600",
]
USUAL = [*ADDRESSES, *LINKS, *DEFAULTS]
HALVES = [
    "route replace 0.0.0.0/1 via 192.168.2.1 dev {dev}",
    "route replace 128.0.0.0/1 via 192.168.2.1 dev {dev}",
    "route replace ::/1 via 2001:db8:2::1 dev {dev}",
    "route replace 8000::/1 via 2001:db8:2::1 dev {dev}",
]
TABLE = [f"{line} table 100" for line in DEFAULTS]
# wg-quick's: the tunnel's own packets have its mark, all else is led into it.
WG_QUICK = [
    f"{family}rule {what}"
    for family in ("-4 ", "-6 ")
    for what in ("add not fwmark 51820 lookup 51820 priority 32765",
                 "add lookup main suppress_prefixlength 0 priority 32764")
]  # fmt: skip
# Another gateway, which is the same router.
SECOND = ["addr replace 192.168.2.9/24 dev lan", "addr replace 2001:db8:2::9/64 dev lan nodad"]


BOTH = {"4": "192.168.2.10", "6": "2001:db8:2::10"}


class Kind:
    """`device`: its class and arguments. `lines`: for ip(8) on the host, also when the link comes
    up again. `once`: those that outlive the link. `router`: for ip(8) on the router. `gateways`:
    those among which a multipath route chooses. `bound`: the addresses that a program of the host
    must bind to besides: the kernel asks for a route before it has a source address, and for IPv6
    fails without one (net/ipv6/ip6_output.c:ip6_dst_lookup_tail)."""

    def __init__(self, lines, *device, once=(), router=(), families="46", gateways=(), bound=None):
        self.lines, self.device = lines, device or (Ethernet,)
        self.once, self.router, self.families, self.gateways = once, router, families, gateways
        self.bound = bound


KINDS = {
    "ethernet": Kind(USUAL),
    "macvlan": Kind(USUAL, Stacked, "mac9", "link add link wlp6s0 name mac9 type macvlan mode bridge"),
    "macvlan_private": Kind(USUAL, Stacked, "mac9", "link add link wlp6s0 name mac9 type macvlan mode private"),
    "bridge": Kind(USUAL, Stacked, "br9", "link add br9 type bridge forward_delay 0 stp_state 0"),
    "tap": Kind(USUAL, Tap, "tap9"),
    "tun": Kind(USUAL, Tun, "tun9"),
    "tun_without_gateway": Kind(
        [*ADDRESSES, "route replace default dev {dev} metric 600", "-6 route replace default dev {dev} metric 600"],
        Tun, "tun9"),
    # pppd's: a peer that is no neighbour, and routes by the device alone
    "ppp": Kind(
        ["link set dev {dev} up", "addr replace 192.168.2.10 peer 10.64.64.64/32 dev {dev}",
         "addr replace 2001:db8:2::10/128 dev {dev} nodad",
         "route replace default dev {dev} metric 600", "-6 route replace default dev {dev} metric 600"],
        Tun, "ppp0", "addr add 10.64.64.64 peer 192.168.2.10/32 dev far"),
    # the same, and pppd made no default route (nodefaultroute)
    "ppp_without_route": Kind(
        ["link set dev {dev} up", "addr replace 192.168.2.10 peer 10.64.64.64/32 dev {dev}"],
        Tun, "ppp0", "addr add 10.64.64.64 peer 192.168.2.10/32 dev far", families="4"),
    "onlink": Kind(
        ["link set dev {dev} up", "addr replace 192.168.2.10/32 dev {dev}",
         "addr replace 2001:db8:2::10/128 dev {dev} nodad",
         "route replace default via 192.168.2.1 dev {dev} onlink metric 600",
         "route replace default via 2001:db8:2::1 dev {dev} onlink metric 600"]),
    "host_route_to_the_gateway": Kind(
        ["link set dev {dev} up", "addr replace 192.168.2.10/32 dev {dev}",
         "addr replace 2001:db8:2::10/128 dev {dev} nodad",
         "route replace 192.168.2.1/32 dev {dev} scope link", "route replace 2001:db8:2::1/128 dev {dev}",
         *DEFAULTS]),
    "ipv6_only": Kind([line for line in USUAL if "192.168" not in line], families="6"),
    "ipv4_only": Kind([line for line in USUAL if "2001:" not in line], families="4"),
    "link_local_gateway": Kind(
        [*ADDRESSES, *LINKS, DEFAULTS[0], "route replace default via fe80::77 dev {dev} metric 600"],
        router=["addr replace fe80::77/64 dev lan nodad"]),
    "ipv4_by_an_ipv6_gateway": Kind(
        ["link set dev {dev} up", "addr replace 192.168.2.10/32 dev {dev}", ADDRESSES[2],
         LINKS[1], DEFAULTS[1], "-4 route replace default via inet6 fe80::77 dev {dev} metric 600"],
        router=["addr replace fe80::77/64 dev lan nodad"]),
    "table_with_rule_from": Kind(
        [*ADDRESSES, *LINKS, *TABLE],
        once=["rule add from 192.168.2.10 lookup 100", "-6 rule add from 2001:db8:2::10 lookup 100"],
        bound=BOTH),
    "table_alone_with_rule_from": Kind(
        [*ADDRESSES, *[f"{line} table 100" for line in LINKS], *TABLE],
        once=["rule add from 192.168.2.10 lookup 100", "-6 rule add from 2001:db8:2::10 lookup 100"],
        bound=BOTH),
    # as NetworkManager's ipv4.route-table does it, with a route of the lease (option 121)
    "table_alone_with_more_routes": Kind(
        [*ADDRESSES, *[f"{line} table 100" for line in LINKS],
         "route replace 10.20.0.0/16 via 192.168.2.9 dev {dev} table 100",
         "route replace 2001:db8:20::/48 via 2001:db8:2::9 dev {dev} table 100", *TABLE],
        once=["rule add from 192.168.2.10 lookup 100", "-6 rule add from 2001:db8:2::10 lookup 100"],
        bound=BOTH, router=SECOND),
    "table_with_rule_oif": Kind(
        [*ADDRESSES, *LINKS, *TABLE],
        once=["rule add oif {dev} lookup 100", "-6 rule add oif {dev} lookup 100"]),
    "wg_quick_is_the_uplink": Kind(
        [*ADDRESSES, "route replace default dev {dev} table 51820", "-6 route replace default dev {dev} table 51820"],
        Tun, "wg9", once=WG_QUICK),
    # the tunnel is another card's, here: its default route takes all that is not bound
    "beside_wg_quick": Kind(
        USUAL, once=[*WG_QUICK, "route add default via 192.168.1.1 dev enp7s0 table 51820",
                     "route add default via 2001:db8:1::1 dev enp7s0 table 51820"]),
    "half_defaults": Kind([*USUAL, *HALVES]),
    "half_defaults_alone": Kind([*ADDRESSES, *LINKS, *HALVES]),
    "half_defaults_on_tun": Kind([*ADDRESSES, *LINKS, *HALVES], Tun, "tun9"),
    "multipath": Kind(
        [*ADDRESSES, *LINKS,
         "route replace default metric 600 nexthop via 192.168.2.1 dev {dev} nexthop via 192.168.2.9 dev {dev}",
         "-6 route replace default metric 600 nexthop via 2001:db8:2::1 dev {dev} nexthop via 2001:db8:2::9 dev {dev}"],
        router=SECOND, gateways=("192.168.2.1", "192.168.2.9", "2001:db8:2::1", "2001:db8:2::9")),
    "nexthop_objects": Kind(
        [*ADDRESSES, *LINKS, "nexthop replace id 41 via 192.168.2.1 dev {dev}",
         "nexthop replace id 61 via 2001:db8:2::1 dev {dev}",
         "route replace default nhid 41 metric 600", "-6 route replace default nhid 61 metric 600"]),
    "nexthop_group": Kind(
        [*ADDRESSES, *LINKS, "nexthop replace id 41 via 192.168.2.1 dev {dev}",
         "nexthop replace id 42 via 192.168.2.9 dev {dev}", "nexthop replace id 43 group 41/42",
         "nexthop replace id 61 via 2001:db8:2::1 dev {dev}",
         "nexthop replace id 62 via 2001:db8:2::9 dev {dev}", "nexthop replace id 63 group 61/62",
         "route replace default nhid 43 metric 600", "-6 route replace default nhid 63 metric 600"],
        router=SECOND, gateways=("192.168.2.1", "192.168.2.9", "2001:db8:2::1", "2001:db8:2::9")),
    "several_addresses": Kind(
        ["link set dev {dev} up",
         *[f"addr replace 192.168.2.{n}/24 dev {{dev}} noprefixroute" for n in (31, 30, 32)],
         *[f"addr replace 2001:db8:2::{n}/64 dev {{dev}} nodad noprefixroute" for n in (31, 30, 32)],
         "route replace 192.168.2.0/24 dev {dev} metric 600 proto kernel scope link", LINKS[1], *DEFAULTS]),
    "gateway_in_the_second_subnet": Kind(
        ["link set dev {dev} up", "addr replace 172.20.0.30/24 dev {dev} noprefixroute", *USUAL[1:3],
         LINKS[0].replace(" src 192.168.2.10", ""), *USUAL[4:]]),
    "deprecated_beside_good": Kind(
        ["link set dev {dev} up",
         "addr replace 192.168.2.31/24 dev {dev} noprefixroute preferred_lft 0 valid_lft 600",
         "addr replace 192.168.2.30/24 dev {dev} noprefixroute",
         "addr replace 2001:db8:2::31/64 dev {dev} nodad noprefixroute preferred_lft 0 valid_lft 600",
         "addr replace 2001:db8:2::30/64 dev {dev} nodad noprefixroute",
         "route replace 192.168.2.0/24 dev {dev} metric 600 proto kernel scope link", LINKS[1], *DEFAULTS]),
    "deprecated_alone": Kind(
        ["link set dev {dev} up",
         "addr replace 192.168.2.31/24 dev {dev} noprefixroute preferred_lft 0 valid_lft 600",
         "addr replace 2001:db8:2::31/64 dev {dev} nodad noprefixroute preferred_lft 0 valid_lft 600",
         "route replace 192.168.2.0/24 dev {dev} metric 600 proto kernel scope link", LINKS[1], *DEFAULTS],
        bound={"4": "192.168.2.31", "6": "2001:db8:2::31"}),
    "preferred_source": Kind(
        [*ADDRESSES, "addr replace 192.168.2.30/24 dev {dev} noprefixroute",
         "addr replace 2001:db8:2::30/64 dev {dev} nodad noprefixroute", *LINKS,
         DEFAULTS[0] + " src 192.168.2.30", DEFAULTS[1] + " src 2001:db8:2::30"]),
}  # fmt: skip


class Host:
    """A host whose spare uplink is of that kind."""

    def __init__(self, lab, kind):
        self.lab, self.kind = lab, kind
        self.u = copy.copy(lab.spare)
        lab.run("ip addr flush dev wlp6s0 scope global; ip route flush dev wlp6s0; ip -6 route flush dev wlp6s0 root ::/0")
        lab.ip("link set dev wlp6s0 down")
        make, *arguments = kind.device
        self.device = make(lab, *arguments)
        self.u.dev = self.device.name
        self.come(again=False)
        self.source = {n: self.of_the_host(n) for n in kind.families}
        assert all(self.source.values()), f"the host itself gets no answer: {self.source}"

    def come(self, again=True):
        self.device.make()
        for line in self.kind.router:
            self.lab.ip(line, ns=self.u.router)
        self.configure(self.kind.lines if again else [*self.kind.lines, *self.kind.once])
        self.lab.set_dns(self.u, [self.u.gateway] * ("4" in self.kind.families)
                         + [self.u.gateway6] * ("6" in self.kind.families))  # fmt: skip

    def configure(self, lines):
        """Each as the host's own tools do it; the carrier comes with the first."""
        lines = [line.format(dev=self.u.dev) for line in lines]
        self.lab.ip(lines[0])
        self.lab.wait(lambda: self.carrier(), 3, "the carrier")
        for line in lines[1:]:
            self.lab.ip(line)

    def carrier(self):
        return "LOWER_UP" in self.lab.ip(f"-o link show dev {self.u.dev}")

    def of_the_host(self, family):
        """The address that the server sees of a program that is bound to the uplink."""
        url = self.lab.url if family == "4" else self.lab.url6
        words = ["curl", "-sg", "-m", "3", url, "--interface"]
        seen = self.lab.run([*words, self.u.dev]).out.strip()
        if not seen and self.kind.bound:
            seen = self.lab.run([*words, self.kind.bound[family]]).out.strip()
        return seen

    def gateway_of_the_host(self, family, to):
        """(device, gateway) for a socket that is bound to the uplink, and so to its address."""
        found = asked(self.lab, f"-{family}", f"{to} from {self.source[family]} oif {self.u.dev}")
        if not found or found[0] != self.u.dev:
            found = asked(self.lab, f"-{family}", f"{to} oif {self.u.dev}")
        return found and found[:2]

    def compare_gateways(self, listed):
        for family in self.kind.families:
            session = listed["address" if family == "4" else "address6"]
            for to in TO[family]:
                found = asked(self.lab, f"-{family}", f"{to} from {session} iif via0 mark {MARK}")
                wanted = self.gateway_of_the_host(family, to)
                if self.kind.gateways and wanted:
                    assert found and found[0] == self.u.dev and found[1] in self.kind.gateways, (to, found)
                else:
                    assert (found and found[:2]) == wanted, f"{to}: session {found}, host {wanted}"


# All that a program asks; one line each.
ASK = """
for n in {families}; do
    case $n in
    4) url={url} server={server};;
    6) url='{url6}' server={server6};;
    esac
    echo tcp$n $(curl -sg -m 5 -A BEACON "$url")
    ping -n -c1 -W3 $server > /dev/null; echo ping$n $?
done
echo dns $(dig +short +tries=1 +time=3 who.test)
"""


def asks(lab, host, session):
    """TCP, ping and a name, by a program in the session; UDP is the flow's."""
    families = host.kind.families
    script = ASK.format(families=" ".join(families), url=lab.url, url6=lab.url6,
                        server=SERVER, server6=SERVER6)  # fmt: skip
    done = lab.via("exec", session, "--", "sh", "-c", script)
    wanted = [line for n in families for line in (f"tcp{n} {host.source[n]}", f"ping{n} 0")]
    assert done.out.splitlines() == [*wanted, f"dns {host.u.dns}"], (done, wanted)


def flow_of(lab, host, word=None):
    return Flow(lab, word or host.u, families=host.kind.families)


def goes_on(lab, host, flow):
    """By this uplink and with its address."""
    start = flow.started()
    flow.flows(start, 5, seen=host.source.values())
    lab.wait(lambda: flow.listed()["state"] == "up", 5, "the state up")
    assert flow.listed()["uplink"] == host.u.dev, flow.listed()
    host.compare_gateways(flow.listed())


def ended(lab, flow):
    """All of ours has gone. What waits for an acknowledgement keeps a netns: its port is deleted."""
    port = flow.listed()["ifname"]
    flow.stop()
    lab.run(f"ip link del {port}")
    nothing_left(lab)


@params(**KINDS)
@timeout(90)
def test_kind(lab, kind):
    """From before the launch to the end of the daemon: as the host's, and no packet of the session by
    the wired card. (A segment that comes for a connection of a device that was made anew, or after
    the end, is answered by the host's own stack with a reset: counted apart.)"""
    host = Host(lab, kind)
    before = lab.snapshot()
    far = Wire(lab)
    far.capture.spare |= set(host.source.values())
    assert lab.via(host.u, "--", "curl", "-sg", "-m", "5", "-A", "BEACON",
                   lab.url if "4" in kind.families else lab.url6).out.strip() in host.source.values()  # fmt: skip
    nothing_left(lab)
    lab.assert_same(before)

    flow = flow_of(lab, host)
    goes_on(lab, host, flow)
    asks(lab, host, flow.name)
    lab.ip(f"link set dev {host.u} down")
    flow.silent()
    lab.wait(lambda: flow.listed()["state"] == "blocked", 5, "the state blocked")
    host.configure(kind.lines)
    goes_on(lab, host, flow)
    old = host.u.dev
    lab.ip(f"link set dev {old} name other9")
    host.u.dev = host.device.name = "other9"
    if not any("{dev}" in line for line in kind.once):  # a rule does not follow a name
        goes_on(lab, host, flow)
    lab.ip(f"link set dev other9 name {old}")
    host.u.dev = host.device.name = old
    goes_on(lab, host, flow)
    host.device.remove()
    flow.silent()
    host.come()
    goes_on(lab, host, flow)
    asks(lab, host, flow.name)
    ended(lab, flow)
    far.assert_closed()


# --- what it is called --------------------------------------------------------------------------

NAMES = {
    "15_characters": "enp195s0f1np1xy", "dots": "wl-x.y_z", "plus": "if+1", "at": "veth@a", "utf8": "wlanü€",
    "eth0": "eth0", "digits": "12345", "one_letter": "x", "kind": "wifi", "hash": "#1", "quote": "a'b",
    "glob": "eth*", "dollar": "$HOME", "braces": "{a;b}", "star": "*", "equals": "a=b",
    "nft_ip": "ip", "nft_meta": "meta", "nft_drop": "drop", "nft_accept": "accept",
    "verb_list": "list", "verb_stop": "stop", "verb_run": "run", "sysctl_all": "allx",
}  # fmt: skip


def named(lab, name):
    """The spare card with that name."""
    host = Host(lab, KINDS["ethernet"])
    rename(lab, host, name)
    return host


def rename(lab, host, name):
    lab.run(["ip", "link", "set", "dev", host.u.dev, "name", name], check=True)
    host.u.dev = host.device.name = lab.spare.dev = name


@params(**NAMES)
def test_name(lab, name):
    """As an uplink from the start, and of a session that runs while the card gets the name."""
    host = named(lab, name)
    before = lab.snapshot()
    far = Wire(lab)
    words = ("run", "--name", "named", host.u, "--", "sh", "-c", "echo ready; cat")
    first = lab.via_popen(*words)
    first.expect("ready\n")
    asks(lab, host, "named")
    assert [(one["uplink"], one["state"]) for one in lab.via("list", "--json").json()] == [(name, "up")]
    shown = {u["name"]: u for u in lab.via("uplinks", "--json", check=True).json()}
    assert shown[name]["usable"], shown[name]
    assert lab.via("doctor", "--json", name).json()["ok"]
    lab.via("status", check=True)
    first.finish()
    nothing_left(lab)
    lab.assert_same(before)
    rename(lab, host, "wlp6s0")
    flow = flow_of(lab, host)
    rename(lab, host, name)
    goes_on(lab, host, flow)
    asks(lab, host, flow.name)
    ended(lab, flow)
    far.assert_closed()


# Which cannot stand on the command line, and why not.
UNSAID = {"option": ("-x", "unknown option"), "comma": ("a,b", "no such interface"), "bytes": ("wl\udcff\udcfe", "is the name of")}


@params(**UNSAID)
def test_name_that_cannot_be_said(lab, case):
    """It is refused with the reason; the card serves by its MAC address."""
    name, why = case
    host = Host(lab, KINDS["ethernet"])
    before = lab.snapshot()
    lab.run(["ip", "link", "set", "dev", "wlp6s0", "name", name], check=True)
    lab.spare.dev = name
    refused = lab.run([program("via-iface"), name, "--", "echo", "it ran"])
    assert refused.code == 125 and not refused.out and why in refused.err, refused
    assert len(refused.err.splitlines()) == 1, refused
    far = Wire(lab)
    held = lab.via_popen("--name", "held", f"mac:{host.u.mac}", "--", "sh", "-c", "echo ready; cat")
    held.expect("ready\n")
    asks(lab, host, "held")
    lab.via("list", "--json", check=True).json()
    held.finish()
    lab.run(["ip", "link", "set", "dev", name, "name", "wlp6s0"], check=True)
    lab.spare.dev = "wlp6s0"
    nothing_left(lab)
    lab.assert_same(before)
    far.assert_closed()


def test_altnames(lab):
    """By each of its altnames, the longest that there is too; one may go while it is used."""
    host = Host(lab, KINDS["ethernet"])
    names = ["wlx020000000610", "the-spare-one", "a.b+c", "n" * 127]
    for name in names:
        lab.ip(f"link property add dev wlp6s0 altname {name}")
    far = Wire(lab)
    for name in names:
        done = lab.via(name, "--", "curl", "-s", "-m", "5", lab.url)
        assert done.out.strip() == host.u.addr, done
    flow = flow_of(lab, host, names[1])
    goes_on(lab, host, flow)
    lab.ip(f"link property del dev wlp6s0 altname {names[1]}")
    goes_on(lab, host, flow)
    rename(lab, host, "wlp7s0")
    goes_on(lab, host, flow)
    ended(lab, flow)
    far.assert_closed()


# --- how much it takes --------------------------------------------------------------------------

SIZE = 3 << 20


def pings(lab, host, family, fits, session=None):
    """Which are answered: one that just fits, one byte more that must not be cut, and may be."""
    server, more = SERVERS[family], fits + 1
    on = f"-I {host.u.dev}" if session is None else ""
    tries = [("do", fits), ("do", more), ("dont", more)][: 1 if more + 28 > 65535 else 3]
    script = "".join(f"ping {on} -n -c1 -W3 -M {how} -s {size} {server} > /dev/null 2>&1; echo $?;"
                     for how, size in tries)  # fmt: skip
    words = ["sh", "-c", script]
    return (lab.run(words) if session is None else lab.via("exec", session, "--", *words)).out.split()


def big(lab, host, flow, family, fits):
    """Much in both directions, and pings as the host itself gets them through the uplink."""
    url, file = lab.url if family == "4" else lab.url6, os.path.join(lab.tmp, "much")
    with open(file, "wb") as f:
        f.truncate(SIZE)
    script = f"curl -sg -m 20 '{url}bytes/{SIZE}' | wc -c; curl -sg -m 20 -T {file} '{url}'"
    done = lab.via("exec", flow.name, "--", "sh", "-c", script, timeout=60)
    down, up = done.out.splitlines()[:2]
    assert (down, up.split()[0]) == (str(SIZE), str(SIZE)), done
    wanted = pings(lab, host, family, fits)
    assert wanted[:2] in (["0"], ["0", "1"]), wanted
    assert pings(lab, host, family, fits, flow.name) == wanted


@timeout(120)
@params(1280, 1500, 9000, 65535)
def test_mtu(lab, size):
    """The cable and the way behind it take that much: packets of that size pass, larger ones are cut
    or refused to the sender, in both families."""
    for ns, dev in ((None, "wlp6s0"), ("rspare", "lan"), ("rspare", "wan"), ("inet", "ispare")):
        lab.ip(f"link set dev {dev} mtu {size}", ns=ns)
    host = Host(lab, KINDS["ethernet"])
    far = Wire(lab)
    flow = flow_of(lab, host)
    assert f" mtu {size} " in lab.via("exec", flow.name, "--", "ip", "-o", "link", "show", "eth0").out
    big(lab, host, flow, "4", size - 28)
    big(lab, host, flow, "6", size - 48)
    flow.flows(flow.started())
    ended(lab, flow)
    far.assert_closed()


@timeout(120)
@params(1280, 1300, 1400)
def test_narrow_behind_the_router(lab, size):
    """The router says what is too big for the next link (RFC 1191, RFC 8201): the session hears it."""
    for ns, dev in (("rspare", "wan"), ("inet", "ispare")):
        lab.ip(f"link set dev {dev} mtu {size}", ns=ns)
    host = Host(lab, KINDS["ethernet"])
    far = Wire(lab)
    flow = flow_of(lab, host)
    big(lab, host, flow, "4", size - 28)
    big(lab, host, flow, "6", size - 48)
    ended(lab, flow)
    far.assert_closed()
