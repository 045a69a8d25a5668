"""A namespace that is attached beside its own default route: whatever happens to the session, not
one packet leaves by that route until `detach`, in either family."""

import json
import os
import signal

import nsutil
from lab import params, program, timeout, topology
from test_leaves_by_its_uplink import give_back, lose

# The container's side: a bridge of the host, as Docker's, translated to the wired card's address.
NET, NET6 = "172.31.9", "2001:db8:d0c::"

BEACON = """
import socket, sys, time
socks = []
for address in sys.argv[1:]:
    s = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM)
    s.setblocking(False)
    socks.append((s, address))
while True:
    for s, address in socks:
        try:
            s.sendto(b"BEACON %.6f" % time.time(), (address, 7777))
        except OSError:
            pass
    for address in sys.argv[1:]:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET) as t:
            t.setblocking(False)
            try:
                t.connect((address, 80))
            except OSError:
                pass
    time.sleep(0.004)
"""


class Container:
    """A netns with a default route of its own in both families, by a bridge of the host, out of
    the wired card; with a process in it that sends all the time."""

    def __init__(self, lab, name="box", device="w"):
        self.lab, self.name, self.device = lab, name, device
        lab.run(["ip", "netns", "add", name], check=True)
        lab.daemon = lab.popen([program("via-ifaced"), "--linger", "30", "--supervise"])
        lab.sysctl("net.ipv4.conf.all.forwarding", 1)
        lab.sysctl("net.ipv6.conf.all.forwarding", 1)
        lab.ip("link add docklike type bridge forward_delay 0 stp_state 0 mcast_snooping 0")
        lab.ip(f"link add dport type veth peer name {device} netns {name}")
        lab.ip("link set dport master docklike up")
        lab.ip("link set docklike up")
        lab.ip(f"addr add {NET}.1/24 dev docklike")
        lab.ip(f"addr add {NET6}1/64 dev docklike nodad")
        for family, net in (("ip", f"{NET}.0/24"), ("ip6", f"{NET6}/64")):
            lab.nft(
                f"add table {family} docklike\n"
                f"add chain {family} docklike post {{ type nat hook postrouting priority 100; }}\n"
                f"add rule {family} docklike post {family} saddr {net} oifname != docklike masquerade\n"
            )
        for line in (
            "link set lo up", f"link set {device} up", f"addr add {NET}.2/24 dev {device}",
            f"addr add {NET6}2/64 dev {device} nodad", f"route add default via {NET}.1",
            f"-6 route add default via {NET6}1",
        ):  # fmt: skip
            lab.ip(f"-n {name} {line}")
        lab.wait(lambda: os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")
        lab.wait(lambda: self.curl() == lab.wired.addr, 5, "its own way out")
        lab.wait(lambda: self.curl(lab.url6) == lab.wired.addr6, 5, "its own way out, IPv6")

    def run(self, command, **more):
        return self.lab.run(["ip", "netns", "exec", self.name, "sh", "-c", command], **more)

    def curl(self, url=None):
        return self.run(f"curl -sg --max-time 3 '{url or self.lab.url}'").out.strip()

    def beacon(self):
        path = os.path.join(self.lab.tmp, "beacon.py")
        with open(path, "w") as f:
            f.write(BEACON)
        words = ["ip", "netns", "exec", self.name, "python3", path]
        return self.lab.popen([*words, self.lab.server, self.lab.server6])

    def attach(self, *options, by="netns", uplink=None):
        """Attaches it; the process is one that stays."""
        lab = self.lab
        which = ["--netns", self.name]
        if by == "pid":
            self.process = lab.popen(["ip", "netns", "exec", self.name, "sh", "-c", "echo ready; exec cat"])
            self.process.expect("ready\n")
            which = ["--pid", str(self.process.pid), "--name", self.name]
        lab.via("attach", "--replace-route", *options, uplink or lab.spare, *which, check=True)

    def capture(self):
        """What leaves by its own device: on the host's end of it."""
        return self.lab.capture(None, "dport")

    def state(self):
        return next(s["state"] for s in self.lab.via("list", "--json").json() if s["name"] == self.name)


def routes(lab):
    """All of the container's, but for the ones that the kernel makes of its device's link-local
    address when it gets one."""
    text = ""
    for family in ("-4", "-6"):
        text += lab.run(["ip", family, "-n", "box", "route", "show", "table", "all"], check=True).out
    return sorted(line for line in text.splitlines() if "fe80::" not in line and "ff00::" not in line)


def out(lab, frames):
    """Frames for the servers outside; what stays in its own network is its own."""
    return [f for f in frames if f.dir == "in" and f.dst in (lab.server, lab.server6)]


def assert_closed(lab, capture):
    leaks = out(lab, capture.stop())
    assert not leaks, f"{len(leaks)} by its own default route:\n" + "\n".join(map(str, leaks[:6]))


def quiet(lab, box):
    """The device has no carrier: what the session's own kernel is told after 3.5 s."""

    def no_carrier():
        text = lab.run(["ip", "-n", box.name, "-br", "link", "show", "eth0"]).out
        return "NO-CARRIER" in text or "LOWERLAYERDOWN" in text or not text

    lab.wait(no_carrier, 8, "no carrier")


def sends(lab, capture, number=40):
    """So many attempts later; each is two datagrams and two connections."""
    before = lab.run("cat /proc/uptime").out.split()[0]
    lab.wait(lambda: float(lab.run("cat /proc/uptime").out.split()[0]) - float(before) > number * 0.01, 5)


def test_the_capture_would_see(lab):
    """With --fallback its own default route serves when ours is dormant: what the others count."""
    box = Container(lab)
    box.beacon()
    box.attach("--fallback")
    assert box.curl() == lab.spare.addr
    capture = box.capture()
    lab.via("pause", "box", check=True)
    quiet(lab, box)
    lab.wait(lambda: len(out(lab, capture.peek())) > 20, 5, "what leaves by its own default route")
    families = {f.eth for f in out(lab, capture.stop())}
    assert families == {"ip", "ip6"}, families


@timeout(90)
@topology("split", "same")
@params("pid", "netns")
def test_paused(lab, by):
    box = Container(lab)
    box.beacon()
    box.attach(by=by)
    assert (box.curl(), box.curl(lab.url6)) == (lab.spare.addr, lab.spare.addr6)
    capture = box.capture()
    lab.via("pause", "box", check=True)
    quiet(lab, box)
    sends(lab, capture)
    said = box.run(f"curl -sS --max-time 3 {lab.url}")
    assert "nreachable" in said.err or "Couldn't connect" in said.err or "Failed to connect" in said.err, said
    assert said.code == 7 and said.seconds < 1 * lab.scale, said  # at once, not after a timeout
    assert_closed(lab, capture)
    lab.via("resume", "box", check=True)
    lab.wait(lambda: box.curl() == lab.spare.addr, 5, "its uplink again")
    lab.wait(lambda: box.curl(lab.url6) == lab.spare.addr6, 5, "its uplink again, IPv6")
    lab.via("detach", "box", check=True)
    assert (box.curl(), box.curl(lab.url6)) == (lab.wired.addr, lab.wired.addr6), "as before"


@timeout(90)
@topology("split", "same")
@params("down", "carrier", "address", "route", "gone")
def test_blocked(lab, how):
    """Its uplink goes, and no other is listed."""
    box = Container(lab)
    box.beacon()
    box.attach()
    assert box.curl() == lab.spare.addr
    capture = box.capture()
    lose(lab, how)
    lab.wait(lambda: box.state() == "blocked", 5, "blocked")
    quiet(lab, box)
    sends(lab, capture)
    assert_closed(lab, capture)
    if how == "gone":
        return
    give_back(lab, how)
    lab.wait(lambda: box.curl() == lab.spare.addr, 10, "its uplink again")


TAKE = {
    "rules": "ip rule flush protocol 86; ip -6 rule flush protocol 86",
    "nft": "nft delete table inet via_iface; nft delete table bridge via_iface",
    "tc": "tc qdisc del dev via0 clsact",
    "table": "ip route flush table 22017; ip -6 route flush table 22017",
    "bridge": "ip link del via0",
    "port_down": "ip link set viap1 down",
    "port": "ip link del viap1",
}


@timeout(90)
@params("daemon", "daemon_and_parent", *TAKE)
def test_taken_away(lab, what):
    """With its daemon dead, and with each thing that is ours on the host taken from it."""
    box = Container(lab)
    box.beacon()
    box.attach()
    assert box.curl() == lab.spare.addr
    capture = box.capture()
    if what == "daemon":
        os.kill(lab.daemon_pid(), signal.SIGKILL)
    else:
        for pid in lab.daemon_pids() if what == "daemon_and_parent" else ():
            os.kill(pid, signal.SIGKILL)
        for pid in () if what == "daemon_and_parent" else lab.daemon_pids():
            os.kill(pid, signal.SIGSTOP)
        if what in TAKE:
            lab.run(TAKE[what])
    sends(lab, capture, 60)
    assert_closed(lab, capture)


@timeout(90)
@params("down", "deleted", "address", "routes")
def test_from_inside(lab, how):
    """Its own root, or a program that sets up devices there, takes ours down."""
    box = Container(lab)
    box.beacon()
    box.attach()
    assert box.curl() == lab.spare.addr
    capture = box.capture()
    lab.ip(f"-n box {'link del eth0' if how == 'deleted' else 'link set eth0 down' if how == 'down' else 'addr flush dev eth0' if how == 'address' else 'route flush dev eth0'}")
    if how == "routes":
        lab.ip("-n box -6 route flush dev eth0")
    sends(lab, capture, 60)
    assert_closed(lab, capture)


@topology("split", "same")
@params("pid", "netns")
def test_ipv6_off(lab, by):
    """It has no IPv6 of ours: then it has none, whatever its own network offers."""
    box = Container(lab)
    box.beacon()
    box.attach("--ipv6=off", by=by)
    capture = box.capture()
    assert box.curl() == lab.spare.addr
    assert box.curl(lab.url6) == ""
    sends(lab, capture)
    assert_closed(lab, capture)
    lab.via("detach", "box", check=True)
    assert box.curl(lab.url6) == lab.wired.addr6, "as before"


def test_later_default_routes(lab):
    """Attached without one; its own network gets default routes afterwards, of every metric, by
    hand and by a router advertisement: ours are narrower, and so are the ones that stop."""
    box = Container(lab)
    lab.ip("-n box route del default")
    lab.ip("-n box -6 route del default")
    lab.via("attach", lab.spare, "--netns", "box", check=True)
    box.beacon()
    for metric in (1, 100, 4000):
        lab.ip(f"-n box route add default via {NET}.1 metric {metric}")
        lab.ip(f"-n box -6 route add default via {NET6}1 metric {metric}")
    capture = box.capture()
    assert (box.curl(), box.curl(lab.url6)) == (lab.spare.addr, lab.spare.addr6)
    lab.via("pause", "box", check=True)
    quiet(lab, box)
    sends(lab, capture)
    assert_closed(lab, capture)


def test_later_routes(lab):
    """A route to the servers alone, and a routing rule to a table of its own, both through the
    gateway that it had: what leaves by that device is for its own links."""
    box = Container(lab)
    box.attach()
    box.beacon()
    capture = box.capture()
    for address, gateway in ((lab.server, f"{NET}.1"), (lab.server6, f"{NET6}1")):
        lab.ip(f"-n box route add {address} via {gateway}")
        six = "-6 " if ":" in address else ""
        lab.ip(f"-n box {six}route add default via {gateway} table 100")
        lab.ip(f"-n box {six}rule add priority 50 lookup 100")
    sends(lab, capture)
    assert_closed(lab, capture)
    assert box.run(f"ping -c1 -W2 {NET}.1").code == 0 and box.run(f"ping -c1 -W2 {NET6}1").code == 0


NARROW = {
    "halves": ("0.0.0.0/1", "128.0.0.0/1", "::/1", "8000::/1"),
    "quarters": ("192.0.0.0/2", "::/2", "2000::/3"),
    "networks": ("203.0.0.0/8", "203.0.113.0/24", "2001:db8:113::/48", "2001:db8:113::/127"),
}


@params(**NARROW)
def test_narrower_routes(lab, networks):
    """A route of its own to some network through a gateway leads out by the old uplink as well."""
    box = Container(lab)
    for network in networks:
        six = ":" in network
        lab.ip(f"-n box {'-6 ' if six else ''}route add {network} via {NET6 if six else NET + '.'}1")
    before = routes(lab)
    box.beacon()
    box.attach()
    capture = box.capture()
    assert (box.curl(), box.curl(lab.url6)) == (lab.spare.addr, lab.spare.addr6)
    lab.via("pause", "box", check=True)
    quiet(lab, box)
    sends(lab, capture)
    assert_closed(lab, capture)
    lab.via("detach", "box", check=True)
    assert routes(lab) == before


def test_its_own_network_stays(lab):
    """What is on its own links is reached as before, also while paused."""
    box = Container(lab)
    box.attach()
    for _ in range(2):
        assert box.run(f"ping -c1 -W2 {NET}.1").code == 0 and box.run(f"ping -c1 -W2 {NET6}1").code == 0
        lab.via("pause", "box", check=True)


REFUSED = {
    "host_route": ([f"route add 203.0.113.1 via {NET}.1"], "203.0.113.1/32"),
    "host_route6": ([f"-6 route add 2001:db8:113::1 via {NET6}1"], "2001:db8:113::1/128"),
    "policy": (
        [f"route add default via {NET}.1 table 100", f"rule add from {NET}.2 lookup 100"],
        "table 100",
    ),
    "policy6": (
        [f"-6 route add default via {NET6}1 table 100", "-6 rule add fwmark 7 lookup 100"],
        "table 100",
    ),
}


@params(**REFUSED)
def test_ways_that_stay_open(lab, case):
    """What ours cannot get in front of is named, and --fallback is how to have it all the same."""
    commands, word = case
    box = Container(lab)
    for command in commands:
        lab.ip(f"-n box {command}")
    done = lab.via("attach", "--replace-route", lab.spare, "--netns", "box")
    assert done.code == 125 and word in done.err and "--fallback" in done.err, done
    assert not lab.link_exists("viap1")
    lab.via("attach", "--replace-route", "--fallback", lab.spare, "--netns", "box", check=True)
    lab.via("detach", "box", check=True)


def test_nothing_is_left_of_a_failure(lab):
    """A route of its own has the very key of ours: it is not replaced, and nothing of ours stays."""
    box = Container(lab)
    lab.ip("-n box route add blackhole 0.0.0.0/1")
    before = routes(lab)
    done = lab.via("attach", "--replace-route", lab.spare, "--netns", "box")
    assert done.code == 125 and "File exists" in done.err and "0.0.0.0/1" in done.err, done
    assert routes(lab) == before and box.run("nft list tables").out == ""
    assert lab.via("list", "--json").json() == [] and not lab.link_exists("viap1")
    assert not os.path.exists("/etc/netns/box")


def test_detach_of_a_namespace(lab):
    """Its port was deleted, and with it the session: it stays closed until it is detached by its
    own name, and then all is as before."""
    box = Container(lab)
    before = routes(lab)
    box.attach()
    lab.ip("link del viap1")
    lab.wait(lambda: lab.via("list", "--json").json() == [], 5, "the session's end")
    capture = box.capture()
    assert box.curl() == ""
    assert_closed(lab, capture)
    lab.via("detach", "--netns", "box", check=True)
    assert (box.curl(), box.curl(lab.url6)) == (lab.wired.addr, lab.wired.addr6)
    assert routes(lab) == before
    assert lab.run(["ip", "netns", "exec", "box", "nft", "list", "ruleset"]).out == ""
    again = lab.via("detach", "--netns", "box")
    assert again.code == 125 and "nothing of via-iface" in again.err, again


def test_clear(lab):
    """--clear takes it all away, inside too."""
    box = Container(lab)
    before = routes(lab)
    box.attach()
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 5, "no daemon")
    lab.run([program("via-ifaced"), "--clear"], check=True)
    assert (box.curl(), box.curl(lab.url6)) == (lab.wired.addr, lab.wired.addr6)
    assert routes(lab) == before


@topology("split", "same")
@params("up", "paused", "later")
def test_bound_to_its_own_device(lab, how):
    """A program that binds its socket to another device of the container asks for that device's
    own default route. What is on that device's link stays."""
    box = Container(lab)
    if how == "later":  # the gateway is known, this route through it is not
        lab.ip("-n box route del default")
        lab.ip("-n box -6 route del default")
        lab.ip(f"-n box route add 198.18.0.0/15 via {NET}.1")
        lab.ip(f"-n box -6 route add 2001:db8:ffff::/48 via {NET6}1")
    box.attach()
    if how == "later":
        lab.ip(f"-n box route add default via {NET}.1")
        lab.ip(f"-n box -6 route add default via {NET6}1")
    if how == "paused":
        lab.via("pause", "box", check=True)
        quiet(lab, box)
    capture = box.capture()
    for url in (lab.url, lab.url6):
        done = box.run(f"curl -sSg --interface if!w --max-time 1 '{url}'")
        assert done.code != 0 and not done.out, done
    assert box.run(f"ping -I w -c1 -W1 {lab.server}").code != 0
    assert_closed(lab, capture)
    assert box.run(f"ping -I w -c1 -W2 {NET}.1").code == 0
    assert box.run(f"ping -I w -c1 -W2 {NET6}1").code == 0
    lab.via("detach", "box", check=True)
    assert box.run(f"curl -sg --interface if!w --max-time 3 {lab.url}").out.strip() == lab.wired.addr
