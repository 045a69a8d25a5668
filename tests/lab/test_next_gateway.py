"""Where several gateways lead out of an uplink, the next one is used while one does not answer.

A second router stands on the spare card's cable, with a MAC of its own. A router is silent when it
takes nothing from there any more, neither packets nor questions for its link-layer address. What a
session uses is seen on the cable: the MAC that its frames go to.

How soon: the kernel finds out. It asks a router that it has heard of only after
base_reachable_time_ms times 1.5 at most, waits delay_first_probe_time for a sign of life, and asks
ucast_solicit times, retrans_time_ms apart (ip-sysctl.rst): with its defaults within 53 s, and within
3 s where there was no entry. The lab shortens these times. A router that is silent is asked after 2,
4, 8, … at most 32 s, and used 5 s after its answer.
"""

import json
import os
import signal
import time

from lab import params, timeout, topology

MAC = "02:00:00:00:99:09"
NOTICED = 10  # seconds, with the times of HASTE, and some for a busy machine
BACK = 32 + 5 + 3
HASTE = {"base_reachable_time_ms": 1000, "delay_first_probe_time": 1, "retrans_time_ms": 300}


class Routers:
    """Two routers in the spare card's subnet, for one family; by the second all answers come."""

    def __init__(self, lab, family):
        self.lab = lab
        u = lab.spare
        four = family == 4
        self.option, self.ip, bits = ("-4", "ipv4", 24) if four else ("-6", "ipv6", 64)
        self.first = u.gateway if four else u.gateway6
        self.second = self.first[:-1] + "9"
        self.to = lab.server if four else lab.server6
        lab.sysctl("net.ipv4.conf.all.arp_ignore", 1, ns="rspare")
        links = json.loads(lab.run(["ip", "-n", "rspare", "-j", "link", "show", "lan"]).out)
        self.mac = links[0]["address"]
        lab.ip(f"link add second address {MAC} link lan type macvlan mode bridge", ns="rspare")
        lab.ip("link set second up", ns="rspare")
        more = "" if four else "nodad"
        lab.ip(f"{self.option} addr add {self.second}/{bits} dev second {more}", ns="rspare")
        host = f"{u.addr}/32" if four else f"{u.addr6}/128"
        lab.ip(f"{self.option} route add {host} dev second", ns="rspare")
        for key, value in HASTE.items():
            lab.sysctl(f"net.{self.ip}.neigh.{u}.{key}", value)
        lab.wait(lambda: self.answers(self.second), 5)

    def answers(self, router):
        return self.lab.run(["ping", "-n", "-c1", "-W1", router]).code == 0

    def silence(self):
        last = self.first.rsplit(":", 1)[-1]
        self.lab.nft(
            f"""table netdev silent {{
            chain first {{
                type filter hook ingress device lan priority 0
                ether daddr {self.mac} drop
                arp daddr ip {self.lab.spare.gateway} drop
                ip6 daddr ff02::1:ff00:{last if self.ip == "ipv6" else "1"} drop
            }}
            }}""",
            ns="rspare",
        )

    def silence_second(self):
        self.lab.nft(
            """table netdev silent_second {
            chain second {
                type filter hook ingress device second priority 0
                drop
            }
            }""",
            ns="rspare",
        )

    def speak(self):
        self.lab.nft("delete table netdev silent", ns="rspare")

    def used(self):
        """By which one the session's packets go, as the kernel answers."""
        one = self.lab.via("list", "--json", check=True).json()[0]
        address = one["address" if self.ip == "ipv4" else "address6"]
        done = self.lab.run(["ip", self.option, "-j", "route", "get", self.to, "from", address,
                             "iif", "via0", "mark", "0x56000001"])  # fmt: skip
        return json.loads(done.out)[0].get("gateway") if done.code == 0 else None

    def listed(self):
        """The first one in the uplink's table. In IPv6 the kernel passes over it by itself."""
        done = self.lab.run(["ip", self.option, "-j", "route", "show", "table", "22017", "default",
                             "metric", "100"])  # fmt: skip
        return json.loads(done.out)[0].get("gateway")

    def macs(self):
        """Where the frames of a session go, that pings the server three times."""
        seen = self.lab.capture(None, self.lab.spare.dev)
        self.lab.via(self.lab.spare, "--", "ping", "-n", "-c3", "-i0.2", "-W1", self.to)
        proto = "icmp" if self.ip == "ipv4" else "icmp6"
        return [f.dmac for f in seen.stop() if f.proto == proto and f.dst == self.to]

    def notes(self):
        """What each verb says of the uplink's gateways."""
        u = self.lab.spare
        return (
            self.lab.via("uplinks", check=True).out,
            self.lab.via("status", check=True).out,
            self.lab.via("doctor", u).out,
        )


def defaults(lab, r):
    """The plain case: two metrics."""
    lab.ip(f"{r.option} route add default via {r.second} dev {lab.spare} metric 700")


def multipath(lab, r):
    u = lab.spare
    lab.ip(f"{r.option} route del default via {r.first} dev {u}")
    lab.ip(
        f"{r.option} route add default metric 600"
        f" nexthop via {r.first} dev {u} nexthop via {r.second} dev {u}"
    )


def behind(lab, r):
    """A network behind two routers."""
    net = lab.server + "/32" if r.ip == "ipv4" else lab.server6 + "/128"
    lab.ip(f"{r.option} route add {net} via {r.first} dev {lab.spare} metric 5")
    lab.ip(f"{r.option} route add {net} via {r.second} dev {lab.spare} metric 6")


PINGS = "while :; do ping -n -c1 -W1 {} >/dev/null; sleep 0.2; done"


@topology("split")
@params(
    defaults4=(4, defaults), defaults6=(6, defaults),
    multipath4=(4, multipath), multipath6=(6, multipath),
    behind4=(4, behind), behind6=(6, behind),
)  # fmt: skip
@timeout(120)
def test_next_and_back(lab, row):
    family, routes = row
    r = Routers(lab, family)
    routes(lab, r)
    wired = lab.capture_wired()
    held = lab.session(lab.spare, script=PINGS.format(r.to))
    lab.wait(lambda: r.used() == r.first, 5)
    assert set(r.macs()) == {r.mac}
    assert not any("does not answer" in text for text in r.notes())
    r.silence()
    start = time.monotonic()
    lab.wait(lambda: r.used() == r.second, NOTICED, step=0.05)
    lab.note(f"the next after {time.monotonic() - start:.2f} s")
    assert lab.via(lab.spare, "--", "ping", "-n", "-c1", "-W1", r.to).code == 0
    assert set(r.macs()) == {MAC}
    by = "ARP" if family == 4 else "neighbour discovery"
    if routes != behind:
        said = f"gateway {r.first} does not answer {by}; {r.second} is used"
        for text in r.notes():
            assert said in text, text
    lab.wait(lambda: "not-as-planned" not in lab.via("doctor", "--json").out, 5)
    r.speak()
    start = time.monotonic()
    lab.wait(lambda: r.used() == r.first, BACK, step=0.05)
    lab.note(f"back after {time.monotonic() - start:.2f} s")
    assert set(r.macs()) == {r.mac}
    assert not any("does not answer" in text for text in r.notes())
    held.stop(signal.SIGKILL)
    assert not wired.leaks(), wired.leaks()[:5]


@topology("split")
@params(4, 6)
@timeout(60)
def test_none_answers(lab, family):
    """Then it stays the first."""
    r = Routers(lab, family)
    defaults(lab, r)
    held = lab.session(lab.spare, script=PINGS.format(r.to))
    r.silence()
    lab.wait(lambda: r.used() == r.second, NOTICED, step=0.05)
    r.silence_second()
    lab.wait(lambda: r.used() == r.first, NOTICED, step=0.05)
    by = "ARP" if family == 4 else "neighbour discovery"
    said = f"gateway {r.first} does not answer {by}"  # not while it is asked once more
    lab.wait(lambda: all(said in text for text in r.notes()), 15)
    held.stop(signal.SIGKILL)


@topology("split")
@params(4, 6)
@timeout(60)
def test_a_new_daemon_knows(lab, family):
    """From the table of the uplink, though the kernel has forgotten that neighbour."""
    r = Routers(lab, family)
    defaults(lab, r)
    held = lab.session(lab.spare, script=PINGS.format(r.to))
    r.silence()
    lab.wait(lambda: r.listed() == r.second, NOTICED, step=0.05)
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: pid not in lab.daemon_pids(), 5)
    lab.ip(f"neigh flush to {r.first} dev {lab.spare}")
    assert f"{r.first} does not answer" in lab.via("uplinks", check=True).out
    more = lab.session(lab.spare)
    assert r.used() == r.second
    r.speak()
    lab.wait(lambda: r.used() == r.first, BACK, step=0.05)
    more.finish()
    held.stop(signal.SIGKILL)


@topology("split")
@timeout(60)
def test_flushed_is_not_silent(lab):
    """An entry that is removed says "failed" before it goes: nothing follows from that."""
    r = Routers(lab, 4)
    defaults(lab, r)
    held = lab.session(lab.spare, script=PINGS.format(r.to))
    lab.wait(lambda: r.answers(r.first), 5)
    monitor = lab.popen(["ip", "monitor", "route"])
    for _ in range(20):
        lab.run(["ip", "neigh", "flush", "dev", lab.spare.dev])
        lab.wait(lambda: r.answers(r.first), 5)
    assert r.used() == r.first
    monitor.kill()
    assert "table 22017" not in monitor.finish().out
    held.stop(signal.SIGKILL)


@topology("split")
@timeout(60)
def test_a_crowded_lan_costs_nothing(lab):
    """Thousands of neighbours come and go, and none is a gateway."""
    r = Routers(lab, 4)
    defaults(lab, r)
    held = lab.session(lab.spare)
    pid = lab.daemon_pid()

    def spent():
        with open(f"/proc/{pid}/stat") as f:
            fields = f.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    lines = [f"neigh replace 192.168.2.{n} lladdr 02:00:00:00:77:{n:02x} dev {lab.spare}"
             for n in range(20, 250)]  # fmt: skip
    before = spent()
    for _ in range(10):
        lab._batch("host", "\n".join(lines))
        lab._batch("host", "\n".join(f"neigh del {line.split()[2]} dev {lab.spare}" for line in lines))
    assert spent() - before < 0.5 * lab.scale  # of 9200 events
    assert r.used() == r.first
    held.finish()
