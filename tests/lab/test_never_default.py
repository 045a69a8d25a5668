"""A card that is to serve its own network only (NetworkManager's never-default, networkd's
UseGateway=no): it has an address and a lease, and no default route in any table. What its lease
says of the gateway is enough, and the host's own routes stay as they are."""

from flow import Flow
from lab import topology
from faults import Wire, nothing_left
from test_names_by_the_uplink import DIG, Asker


def no_default(lab, *families):
    for family in families or ("-4", "-6"):
        lab.ip(f"{family} route del default dev {lab.spare}")


def main_routes(lab):
    """But for those of our bridge."""
    text = lab.run("ip -4 route show; ip -6 route show").out
    return [line for line in text.splitlines() if " dev via0 " not in line]


def defaults(lab):
    """Of our table for the first uplink."""
    text = lab.run("ip -4 route show table 22017 default").out
    return [line for line in text.splitlines() if "unreachable" not in line]


@topology("split", "same")
def test_works(lab):
    """By the lease's gateway; shown by every verb that shows one; refused without the lease."""
    no_default(lab)
    before = main_routes(lab)
    refused = lab.via(lab.spare, "--", "echo", "it ran")
    assert refused.code == 125 and "no gateway" in refused.err and not refused.out, refused
    assert "ip route add default" in refused.err, refused
    lab.set_lease(lab.spare, lab.spare.gateway)

    shown = {u["name"]: u for u in lab.via("uplinks", "--json", check=True).json()}[lab.spare.dev]
    assert shown["usable"] and shown["gateway"] == lab.spare.gateway and not shown["gateway6"], shown
    found = lab.via("doctor", "--json", lab.spare, check=True).json()
    assert found["ok"] and "gateway-of-lease" in [f["id"] for f in found["findings"]], found
    plan = lab.via("plan", lab.spare, check=True).out
    assert f"default via {lab.spare.gateway} dev {lab.spare} table 22017" in plan, plan

    wired = lab.capture_wired()
    held = Asker(lab)
    for _ in range(3):
        assert held.run(f"curl -s -m 3 {lab.url}") == lab.spare.addr
        assert held.run(DIG) == lab.spare.dns
    assert held.run(f"ping -n -c1 -W3 {lab.server} > /dev/null; echo $?") == "0"
    assert lab.curl() == lab.wired.addr
    assert main_routes(lab) == before, "the host's own routes are as they were"
    listed = lab.via("list", "--json", check=True).json()
    assert [one["state"] for one in listed] == ["up"], listed
    status = lab.via("status", "--json", check=True).json()
    assert [one["state"] for one in status] == ["up"], status
    assert not wired.leaks() and not wired.answers(), wired.leaks()[:5]
    held.finish()
    nothing_left(lab)
    assert main_routes(lab) == before


def another_router(lab, router):
    """Its old address is nobody's any more."""
    u = lab.spare
    lab.run(f"ip addr add {router}/24 dev lan; ip addr del {u.gateway}/24 dev lan;"
            f" ip addr replace {router}/24 dev lan", ns=u.router, check=True)  # fmt: skip
    lab.run(["ip", "neigh", "flush", "dev", u.dev])
    u.gateway = router


@topology("split", "same")
def test_another_router(lab):
    """The lease is renewed and names another one; the session goes on by that, IPv4 without a
    default route as IPv6 with one."""
    no_default(lab, "-4")
    lab.set_lease(lab.spare, lab.spare.gateway)
    flow = Flow(lab)
    wire = Wire(lab)
    new = lab.spare.gateway.rsplit(".", 1)[0] + ".254"
    another_router(lab, new)
    start = flow.started()
    lab.set_lease(lab.spare, new)
    seconds = flow.flows(start, 5, seen=(lab.spare.addr, lab.spare.addr6))
    assert len(defaults(lab)) == 1 and f"via {new} " in defaults(lab)[0], defaults(lab)
    wire.assert_closed(flow.started())
    print(f"flows again after {seconds * 1000:.0f} ms")
    assert seconds < lab.scale, seconds


@topology("split", "same")
def test_default_route_goes(lab):
    """And comes back, through another router: with it the route counts, without it the lease."""
    u = lab.spare
    lab.set_lease(u, u.gateway)
    flow = Flow(lab)
    wire = Wire(lab)
    start = flow.started()
    no_default(lab, "-4")
    lab.wait(lambda: flow.since(start + 0.2, "udp4") and flow.listed()["state"] == "up", 5)
    flow.flows(flow.started())
    assert flow.gap(start, flow.started()) < lab.scale, "it hardly noticed"
    other = u.gateway.rsplit(".", 1)[0] + ".253"
    lab.ip(f"addr add {other}/24 dev lan", ns=u.router)
    lab.ip(f"route add default via {other} dev {u} metric {u.metric}")
    lab.wait(lambda: defaults(lab) and f"via {other} " in defaults(lab)[0], 2, "the route's gateway")
    flow.flows(flow.started())
    no_default(lab, "-4")
    lab.wait(lambda: defaults(lab) and f"via {u.gateway} " in defaults(lab)[0], 2, "the lease's")
    flow.flows(flow.started())
    wire.assert_closed(flow.started())


@topology("split", "same")
def test_lease_goes(lab):
    """Without it, or with one that is not of an address here, the session is closed; then the new
    one opens it again."""
    u = lab.spare
    no_default(lab)
    lab.set_lease(u, u.gateway)
    wired = lab.capture_wired(token="BEACON")
    held = Asker(lab)
    ask = f"curl -s -m 1 -A BEACON {lab.url}"
    for router, address in (("", None), (u.gateway, u.gateway), ("203.0.113.9", None)):
        assert held.run(ask) == u.addr
        lab.set_lease(u, router, address)
        lab.wait(lambda: not defaults(lab), 2, "no way out")
        assert held.run(ask) == ""
        assert [one["state"] for one in lab.via("list", "--json", check=True).json()] == ["blocked"]
        lab.set_lease(u, u.gateway)
        lab.wait(lambda: defaults(lab), 2, "the way out")
    assert held.run(ask) == u.addr
    assert not wired.leaks(), wired.leaks()[:5]


@topology("split")
def test_second_in_the_list(lab):
    """The card that nobody else uses stands by, with its names."""
    u = lab.spare
    no_default(lab)
    lab.set_lease(u, u.gateway)
    held = Asker(lab, f"{lab.wired},{u}")
    assert held.run(DIG) == lab.wired.dns
    lab.ip(f"link set {lab.wired} down")
    lab.wait(lambda: held.run(DIG) == u.dns, 5, "the other card's names")
    assert held.run(f"curl -s -m 3 {lab.url}") == u.addr
