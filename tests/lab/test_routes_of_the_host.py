"""An uplink's routes are those that the host itself would use.

The kernel is the judge: `ip route get DESTINATION oif UPLINK` on the host, and once more with the
source that it chose, as connect(2) asks. The answer to the same question for a packet of a session
must be the same gateway, device and MTU, or no route.
"""

import json

from lab import params, timeout, topology

DEV = "wlp6s0"
MARK = "0x56000001"
# Destinations that every row is asked about; {lan} is the uplink's own subnet.
TO4 = ("203.0.113.1", "10.20.1.1", "10.20.200.1", "10.99.0.1", "172.20.0.1", "198.51.100.7",
       "64.0.0.1", "200.0.0.1", "192.168.2.77")  # fmt: skip
TO6 = ("2001:db8:113::1", "2001:db8:20::1", "2001:db8:20:8000::1", "fd99::1", "2001:db8:51::7",
       "a001::1", "2001:db8:2::77")  # fmt: skip

# Name: lines for ip(8) on the host. Gateways .9, .8 and .7 are in the spare card's subnet.
ROWS4 = {
    "plain": [],
    "behind_a_gateway": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0"],
    "nested": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0",
               "route add 10.20.128.0/17 via 192.168.2.8 dev wlp6s0"],
    "host_route": ["route add 198.51.100.7/32 via 192.168.2.9 dev wlp6s0"],
    "on_link": ["route add 10.20.0.0/16 dev wlp6s0"],
    "on_link_by_flag": ["route add 10.20.0.0/16 via 10.77.0.1 dev wlp6s0 onlink"],
    "by_an_ipv6_gateway": ["route add 10.20.0.0/16 via inet6 2001:db8:2::9 dev wlp6s0"],
    "of_the_other_card": ["route add 10.20.0.0/16 via 192.168.1.9 dev enp7s0"],
    "of_both_cards": ["route add 10.20.0.0/16 via 192.168.1.9 dev enp7s0 metric 1",
                      "route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 metric 2"],
    "two_metrics": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 metric 7",
                    "route add 10.20.0.0/16 via 192.168.2.8 dev wlp6s0 metric 5"],
    "two_defaults": ["route add default via 192.168.2.9 dev wlp6s0 metric 50"],
    "mtu": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 mtu 1300"],
    "mtu_of_default": ["route replace default via 192.168.2.1 dev wlp6s0 metric 600 mtu 1300"],
    "unreachable": ["route add unreachable 10.20.0.0/16"],
    "prohibit": ["route add prohibit 10.20.0.0/16"],
    "blackhole": ["route add blackhole 10.20.0.0/16"],
    "way_through_a_stop": ["route add blackhole 10.0.0.0/8",
                           "route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0"],
    "stop_behind_a_route": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 metric 5",
                            "route add unreachable 10.20.0.0/16 metric 6"],
    "stop_before_a_route": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 metric 6",
                            "route add unreachable 10.20.0.0/16 metric 5"],
    "throw_in_main": ["route add throw 10.20.0.0/16"],
    "half_defaults": ["route add 0.0.0.0/1 via 192.168.2.9 dev wlp6s0",
                      "route add 128.0.0.0/1 via 192.168.2.8 dev wlp6s0"],
    "half_defaults_of_the_other_card": ["route add 0.0.0.0/1 via 192.168.1.9 dev enp7s0",
                                        "route add 128.0.0.0/1 via 192.168.1.9 dev enp7s0"],
    "half_defaults_alone": ["route add 0.0.0.0/1 via 192.168.2.9 dev wlp6s0",
                            "route add 128.0.0.0/1 via 192.168.2.8 dev wlp6s0",
                            "route del default dev wlp6s0"],
    "table_without_a_rule": ["route add default via 192.168.2.9 dev wlp6s0 table 77"],
    "rule_by_oif": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                    "rule add oif wlp6s0 lookup 77 priority 100"],
    "rule_by_source": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                       "rule add from 192.168.2.10 lookup 77 priority 100"],
    "rule_by_another_source": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                               "rule add from 192.168.1.10 lookup 77 priority 100"],
    "rule_by_destination": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                            "rule add to 10.20.0.0/16 lookup 77 priority 100"],
    "rule_by_destination_inside": ["route add 10.20.0.0/17 via 192.168.2.9 dev wlp6s0 table 77",
                                   "rule add to 10.0.0.0/8 lookup 77 priority 100"],
    "rule_by_other_oif": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                          "rule add oif enp7s0 lookup 77 priority 100"],
    "rule_by_mark": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                     "rule add fwmark 7 lookup 77 priority 100"],
    "rule_by_no_mark": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                        "rule add not fwmark 7 lookup 77 priority 100"],
    "rule_by_iif": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                    "rule add iif enp7s0 lookup 77 priority 100"],
    "rule_by_iif_lo": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                       "rule add iif lo lookup 77 priority 100"],
    "rule_by_port": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                     "rule add ipproto udp dport 53 lookup 77 priority 100"],
    "rule_behind_main": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                         "route add 10.20.0.0/16 via 192.168.2.8 dev wlp6s0 table 77",
                         "rule add oif wlp6s0 lookup 77 priority 32767"],
    "rule_alone": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                   "rule add oif wlp6s0 lookup 77 priority 100",
                   "route del default dev wlp6s0"],
    "rule_prohibits": ["rule add to 10.20.0.0/16 prohibit priority 100"],
    "rule_blackholes": ["rule add oif wlp6s0 to 10.20.0.0/16 blackhole priority 100"],
    "rule_jumps": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                   "rule add priority 200 oif wlp6s0 lookup main",
                   "rule add priority 150 oif wlp6s0 lookup 77",
                   "rule add priority 100 goto 200"],
    "more_in_the_first_table": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 table 77",
                                "route add 10.20.128.0/17 via 192.168.2.8 dev wlp6s0",
                                "rule add oif wlp6s0 lookup 77 priority 100"],
    "throw_to_the_next_table": ["route add default via 192.168.2.9 dev wlp6s0 table 77",
                                "route add throw 10.20.0.0/16 table 77",
                                "route add 10.20.128.0/17 via 192.168.2.8 dev wlp6s0",
                                "rule add oif wlp6s0 lookup 77 priority 100"],
    "wg_quick": ["route add default via 192.168.1.9 dev enp7s0 table 51820",
                 "rule add not fwmark 51820 lookup 51820 priority 32000",
                 "rule add lookup main suppress_prefixlength 0 priority 31999"],
    "suppressed": ["route add 10.20.0.0/16 via 192.168.2.9 dev wlp6s0 table 77",
                   "route add default via 192.168.2.8 dev wlp6s0 table 77",
                   "rule add oif wlp6s0 lookup 77 suppress_prefixlength 8 priority 100"],
    "multipath": ["route add 10.20.0.0/16 nexthop via 192.168.2.9 dev wlp6s0"
                  " nexthop via 192.168.1.9 dev enp7s0"],
    "nexthop_object": ["nexthop add id 5 via 192.168.2.9 dev wlp6s0",
                       "route add 10.20.0.0/16 nhid 5"],
    "nexthop_group": ["nexthop add id 5 via 192.168.2.9 dev wlp6s0",
                      "nexthop add id 6 via 192.168.1.9 dev enp7s0",
                      "nexthop add id 7 group 5/6",
                      "route add 10.20.0.0/16 nhid 7"],
    "nexthop_blackhole": ["nexthop add id 5 blackhole", "route add 10.20.0.0/16 nhid 5"],
    "tunnelvision": ["route add 0.0.0.0/1 via 192.168.1.9 dev enp7s0",
                     "route add 128.0.0.0/1 via 192.168.1.9 dev enp7s0",
                     "route add 203.0.113.0/24 via 192.168.1.9 dev enp7s0",
                     "route add 198.51.100.0/24 via 192.168.1.9 dev enp7s0"],
}  # fmt: skip
# Not here: stops and throws of IPv6 in front of a longer way. They count for a session, as they do for
# a program that is not bound; for a bound one the kernel passes over them, since their device is lo.
ROWS6 = {
    "plain": [],
    "behind_a_gateway": ["route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0"],
    "by_a_link_local_gateway": ["route add 2001:db8:20::/48 via fe80::9 dev wlp6s0"],
    "nested": ["route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0",
               "route add 2001:db8:20:8000::/49 via 2001:db8:2::8 dev wlp6s0"],
    "on_link": ["route add 2001:db8:20::/48 dev wlp6s0"],
    "of_the_other_card": ["route add 2001:db8:20::/48 via 2001:db8:1::9 dev enp7s0"],
    "of_both_cards": ["route add 2001:db8:20::/48 via 2001:db8:1::9 dev enp7s0 metric 1",
                      "route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0 metric 2"],
    "two_metrics": ["route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0 metric 7",
                    "route add 2001:db8:20::/48 via 2001:db8:2::8 dev wlp6s0 metric 5"],
    "two_defaults": ["route add default via 2001:db8:2::9 dev wlp6s0 metric 50"],
    "mtu": ["route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0 mtu 1300"],
    "unreachable": ["route add unreachable 2001:db8:20::/48"],
    "prohibit": ["route add prohibit 2001:db8:20::/48"],
    "blackhole": ["route add blackhole 2001:db8:20::/48"],
    "way_through_a_stop": ["route add blackhole 2001:db8:20::/47",
                           "route add 2001:db8:20::/48 via 2001:db8:2::9 dev wlp6s0"],
    "half_defaults": ["route add ::/1 via 2001:db8:2::9 dev wlp6s0",
                      "route add 8000::/1 via 2001:db8:2::8 dev wlp6s0"],
    "half_defaults_alone": ["route add ::/1 via 2001:db8:2::9 dev wlp6s0",
                            "route add 8000::/1 via 2001:db8:2::8 dev wlp6s0",
                            "route del default dev wlp6s0"],
    "table_without_a_rule": ["route add default via 2001:db8:2::9 dev wlp6s0 table 77"],
    "rule_by_oif": ["route add default via 2001:db8:2::9 dev wlp6s0 table 77",
                    "rule add oif wlp6s0 lookup 77 priority 100"],
    "rule_by_source": ["route add default via 2001:db8:2::9 dev wlp6s0 table 77",
                       "rule add from 2001:db8:2::10 lookup 77 priority 100"],
    "rule_by_destination": ["route add default via 2001:db8:2::9 dev wlp6s0 table 77",
                            "rule add to 2001:db8:20::/48 lookup 77 priority 100"],
    "rule_by_mark": ["route add default via 2001:db8:2::9 dev wlp6s0 table 77",
                     "rule add fwmark 7 lookup 77 priority 100"],
    "rule_prohibits": ["rule add to 2001:db8:20::/48 prohibit priority 100"],
    "wg_quick": ["route add default via 2001:db8:1::9 dev enp7s0 table 51820",
                 "rule add not fwmark 51820 lookup 51820 priority 32000",
                 "rule add lookup main suppress_prefixlength 0 priority 31999"],
    "nexthop_object": ["nexthop add id 5 via 2001:db8:2::9 dev wlp6s0",
                       "route add 2001:db8:20::/48 nhid 5"],
    "multipath": ["route add 2001:db8:20::/48 nexthop via 2001:db8:2::9 dev wlp6s0"
                  " nexthop via 2001:db8:1::9 dev enp7s0"],
    "tunnelvision": ["route add ::/1 via 2001:db8:1::9 dev enp7s0",
                     "route add 8000::/1 via 2001:db8:1::9 dev enp7s0",
                     "route add 2001:db8:113::/48 via 2001:db8:1::9 dev enp7s0"],
}  # fmt: skip


def asked(lab, family, question):
    """(device, gateway, MTU) of what the kernel answers; None when it knows no route."""
    done = lab.run(["ip", family, "-j", "route", "get", *question.split()])
    if done.code:
        return None
    found = json.loads(done.out)[0]
    if found.get("type", "unicast") not in ("unicast", "local") or "nexthops" in found:
        return None if "nexthops" not in found else ("several", None, None, None)
    via = found.get("via", {}).get("host") or found.get("gateway")
    mtu = next((m["mtu"] for m in found.get("metrics", []) if "mtu" in m), None)
    return found.get("dev"), via, mtu, found.get("prefsrc")


def host_says(lab, family, to, dev=DEV):
    """What a program that is bound to the uplink gets, once it has its source address. Where no
    route matches, the kernel takes the destination of such a program for a neighbour (net/ipv4/
    route.c:ip_route_output_key_hash_rcu), which is no route: fibmatch tells."""
    if not asked(lab, family, f"fibmatch {to} oif {dev}"):
        return None
    first = asked(lab, family, f"{to} oif {dev}")
    if not first or not first[3]:
        return first and first[:3]
    again = asked(lab, family, f"{to} from {first[3]} oif {dev}")
    if again and again[0] != dev:
        # IPv6: with a source, but without a socket that is bound, the device is only a wish
        # (net/ipv6/route.c:ip6_route_output_flags_noref)
        again = first
    return again and again[:3]


def session_gets(lab, family, session, to):
    found = asked(lab, family, f"{to} from {session} iif via0 mark {MARK}")
    return found and found[:3]


def added(lab, family, line):
    """Applies a line of a row; what undoes it goes first into the list of the caller."""
    u = lab.spare
    gateway = u.gateway if family == "-4" else u.gateway6
    lab.run(["ip", *([] if " group " in line else [family]), *line.split()], check=True)
    if line.startswith(("route del default", "route replace default")):
        return f"route replace default via {gateway} dev {u} metric {u.metric}"
    if line.startswith("nexthop"):
        return " ".join(line.split()[:4]).replace("add", "del")
    return line.replace(" add ", " del ", 1)


def undone(lab, family, lines):
    for line in reversed(lines):
        lab.run(["ip", *([] if line.startswith("nexthop") else [family]), *line.split()])


def differs(lab, family, session, destinations):
    """Waits until the session gets what the host says; a text when it does not within 5 s."""
    wanted = {to: host_says(lab, family, to) for to in destinations}
    seen = {}

    def same():
        seen.update({to: session_gets(lab, family, session, to) for to in destinations})
        return seen == wanted

    try:
        lab.wait(same, 5, step=0.02)
    except AssertionError:
        return "; ".join(
            f"{to}: host {wanted[to]}, session {seen[to]}"
            for to in destinations
            if wanted[to] != seen[to]
        )
    return None


def compare(lab, family, rows, destinations):
    held = lab.session(lab.spare)
    listed = lab.via("list", "--json", check=True).json()[0]
    session = listed["address" if family == "-4" else "address6"]
    failed = {}
    for name, lines in rows.items():
        undo = [added(lab, family, line) for line in lines]
        assert any(host_says(lab, family, to) for to in destinations), name
        wrong = differs(lab, family, session, destinations)
        if wrong:
            failed[name] = wrong
        undone(lab, family, undo)
        wrong = differs(lab, family, session, destinations)
        assert not wrong, f"{name}, when it was undone: {wrong}"
    assert not failed, "\n".join(f"{name}: {text}" for name, text in failed.items())
    held.finish()


def part(rows, number, of=3):
    return dict(list(rows.items())[number::of])


@topology("split")
@params(0, 1, 2)
@timeout(120)
def test_as_the_host4(lab, number):
    compare(lab, "-4", part(ROWS4, number), TO4)


@topology("split")
@params(0, 1, 2)
@timeout(120)
def test_as_the_host6(lab, number):
    compare(lab, "-6", part(ROWS6, number), TO6)


@topology("split")
def test_nexthop_without_compat_mode(lab):
    """A route then names its nexthop object alone."""
    lab.sysctl("net.ipv4.nexthop_compat_mode", 0)
    names = ("nexthop_object", "nexthop_group", "nexthop_blackhole")
    compare(lab, "-4", {name: ROWS4[name] for name in names}, TO4)


@topology("split")
def test_nexthop_goes(lab):
    """With it go its routes, which nobody announces."""
    held = lab.session(lab.spare)
    session = lab.via("list", "--json", check=True).json()[0]["address"]

    def gateway():
        return session_gets(lab, "-4", session, "10.20.1.1")[1]

    for line in ROWS4["nexthop_object"]:
        lab.ip(line)
    lab.wait(lambda: gateway() == "192.168.2.9", 5)
    lab.ip("nexthop del id 5")
    lab.wait(lambda: gateway() == lab.spare.gateway, 5)
    held.finish()


@topology("split")
def test_routes_of_several_devices(lab):
    """What the kernel says of a route names the uplink behind another device, or not at all: of a
    multipath route, and of one that takes the place of the uplink's."""
    held = lab.session(lab.spare)
    listed = lab.via("list", "--json", check=True).json()[0]
    for family, session, to, net, wired, spare in (
        ("-4", listed["address"], "10.20.1.1", "10.20.0.0/16", "192.168.1.9", "192.168.2.9"),
        ("-6", listed["address6"], "2001:db8:20::1", "2001:db8:20::/48", "2001:db8:1::9", "2001:db8:2::9"),
    ):
        both = f"{net} nexthop via {wired} dev enp7s0 nexthop via {spare} dev wlp6s0"
        default = (DEV, lab.spare.gateway if family == "-4" else lab.spare.gateway6, None)
        for line, wanted in (
            (f"route add {both}", (DEV, spare, None)),
            (f"route del {both}", default),
            (f"route add {net} via {spare} dev wlp6s0", (DEV, spare, None)),
            (f"route replace {net} via {wired} dev enp7s0", default),
            (f"route replace {both}", (DEV, spare, None)),
            (f"route replace {net} nexthop via {wired} dev enp7s0", default),
            (f"route flush {net}", default),
        ):
            lab.run(["ip", family, *line.split()], check=True)
            lab.wait(lambda s=session, t=to, f=family, w=wanted: session_gets(lab, f, s, t) == w, 2,
                     f"{wanted} after {line}: {session_gets(lab, family, session, to)}")  # fmt: skip
    held.finish()


@topology("split", "same")
def test_traffic_by_the_other_gateway(lab):
    """Frames to a network behind another router carry that router's MAC, before a session starts
    and after the route came under a running one."""
    u = lab.spare
    mac = "02:00:00:00:99:09"
    other = u.gateway.rsplit(".", 1)[0] + ".9"
    lab.ip(f"neigh replace {other} lladdr {mac} dev {u} nud permanent")
    wired = lab.capture_wired()

    def macs(to):
        seen = lab.capture(None, u.dev)
        lab.via(u, "--", "ping", "-n", "-c", "2", "-i", "0.2", "-W", "1", to)
        return {f.dmac for f in seen.stop() if f.proto == "icmp" and f.dst == to}

    lab.ip(f"route add 10.20.0.0/16 via {other} dev {u}")
    assert macs("10.20.1.1") == {mac}
    held = lab.session(u)
    lab.ip(f"route add 10.30.0.0/16 via {other} dev {u}")
    address = lab.via("list", "--json", check=True).json()[0]["address"]
    lab.wait(lambda: session_gets(lab, "-4", address, "10.30.1.1")[1] == other, 5)
    assert macs("10.30.1.1") == {mac}
    assert macs(lab.server) != {mac}
    held.finish()
    assert not wired.leaks(), wired.leaks()[:5]


@topology("split")
def test_gateway_on_another_card(lab):
    """The other card gets the address of this one's IPv6 gateway, as by somebody's DHCPv6: the kernel
    takes no new route by it. What runs keeps its route; what starts has IPv4, and is told so at once."""
    fetch = f"curl -sg --max-time 3 {lab.url}; curl -sg --max-time 3 '{lab.url6}'; echo $?"
    held = lab.session(lab.spare)
    default = lab.run("ip -6 route show table 22017 default").out
    assert lab.spare.gateway6 in default
    lab.ip(f"addr add {lab.spare.gateway6}/128 dev {lab.wired} nodad")
    done = lab.via(lab.spare, "--", "sh", "-c", fetch)
    assert done.out.split() == [lab.spare.addr, lab.spare.addr6, "0"], done
    assert lab.run("ip -6 route show table 22017 default").out == default
    held.finish()
    lab.wait_gone()
    wired = lab.capture_wired()
    done = lab.via(lab.spare, "--", "sh", "-c", fetch)
    assert done.out.split() == [lab.spare.addr, "7"], done
    held = lab.session(lab.spare)
    lab.ip(f"addr del {lab.spare.gateway6}/128 dev {lab.wired}")
    lab.wait(lambda: lab.run("ip -6 route show table 22017 default").out == default, 5, "the route")
    assert lab.via(lab.spare, "--", "sh", "-c", fetch).out.split() == [lab.spare.addr, lab.spare.addr6, "0"]
    assert not wired.leaks()
    held.finish()
