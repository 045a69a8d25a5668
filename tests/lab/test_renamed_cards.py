"""Cards that exchange their names. A session follows the device that it uses, whatever that is
called: its packets leave by no card that its list does not name, during the renames and after."""

import itertools
import os
import signal

from capture import Capture
from flow import UPLINK_SYSCTLS, Flow
from lab import SERVER, SERVER6, Uplink, params, timeout, topology
from faults import nothing_left, shell, signal_daemon
from test_survives_kills import ports


def third_card(lab):
    """A card with a gateway and a default route that no session lists."""
    third = Uplink(
        "enp9s0", "02:00:00:00:09:10", "192.168.9.10", "192.168.9.1",
        "2001:db8:9::10", "2001:db8:9::1", 700, "rwired", None, None,
    )  # fmt: skip
    third.far = ("rwired", "third")
    lab.ip(f"link add {third} index 7 address {third.mac} type veth peer name third netns rwired")
    lab.ip("addr add 192.168.9.1/24 dev third", ns="rwired")
    lab.ip("addr add 2001:db8:9::1/64 dev third nodad", ns="rwired")
    lab.ip("link set third up", ns="rwired")
    for line in configuration(third):
        lab.ip(line)
    lab.set_dns(third, [third.gateway])
    lab.wait(lambda: lab.carrier("enp9s0"), 3, "the carrier")
    return third


def configuration(u, up=True):
    """What a network manager does to a card."""
    net, net6 = u.addr.rsplit(".", 1)[0] + ".0/24", u.addr6.split("::")[0] + "::/64"
    return ([f"link set {u} up"] if up else []) + [
        f"addr replace {u.addr}/24 dev {u} noprefixroute",
        f"addr replace {u.addr6}/64 dev {u} nodad noprefixroute",
        f"route replace {net} dev {u} src {u.addr} metric {u.metric} proto kernel scope link",
        f"route replace {net6} dev {u} metric {u.metric} proto kernel",
        f"route replace default via {u.gateway} dev {u} metric {u.metric}",
        f"-6 route replace default via {u.gateway6} dev {u} metric {u.metric}",
    ]


def permuted(cards, names, how):
    """The commands that give each card its new name; the cards know it afterwards."""
    moved = [(u, str(u), name, f"tmp{n}") for n, (u, name) in enumerate(zip(cards, names)) if str(u) != name]
    lines = [f"link set {old} down" for _, old, _, _ in moved] if how != "up" else []
    lines += [f"link set {old} name {temporary}" for _, old, _, temporary in moved]
    lines += [f"link set {temporary} name {new}" for _, _, new, temporary in moved]
    for u, _, new, _ in moved:
        u.dev = new
        lines += configuration(u) if how != "up" else []
    return lines


def batch(lab, lines):
    text = "\n".join(line.replace("-6 route", "route") for line in lines) + "\n"
    lab.run(["ip", "-batch", "-"], input=text, check=True)


def slowly(lab, lines):
    """Each in its turn, with time for the daemon to look at it."""
    for line in lines:
        lab.ip(line)
        start = Flow.started()
        lab.wait(lambda s=start: Flow.started() - s > 0.05, 1)


def restart(lab, lines):
    """The daemon dies before it could see any of it: what it knew is in the kernel alone."""
    pid = lab.daemon_pid()
    parents = [p for p in lab.daemon_pids() if p != pid]
    signal_daemon(lab, signal.SIGSTOP)
    batch(lab, lines)
    os.kill(pid, signal.SIGKILL)
    for parent in parents:
        os.kill(parent, signal.SIGCONT)
    lab.wait(lambda: lab.daemon_pid() not in (None, pid) and len(lab.daemon_pids()) == 2, 5, "a new daemon")


WAYS = {"batch": batch, "slowly": slowly, "restart": restart, "up": batch}


def strays(capture):
    """Packets of the session; not what the host answers to a late packet of the server, nor such a packet
    that it forwards back: a card that is down has lost its IPv6 address, and in one subnet the router's
    packets to it may come by another."""
    own = [f for f in capture.stop() if f.dir == "in" and capture.token in f.raw and f.src not in (SERVER, SERVER6)]
    return [f for f in own if not capture.host_made(f)]


def watch(lab, card, *tokens):
    with lab.inside(card.far[0]):
        return [Capture(card.far[1], token=token) for token in tokens]


@timeout(150)
@topology("split", "same")
@params(**{how: how for how in WAYS})
def test_permutations(lab, how):
    """Every permutation of three cards' names, one after the other."""
    third = third_card(lab)
    cards = [lab.wired, lab.spare, third]
    first = Flow(lab, lab.spare, token="ALPHA", pace=3)
    second = Flow(lab, lab.wired, token="BRAVO", pace=3)
    both = Flow(lab, f"{lab.wired},{lab.spare}", token="CHARLIE", pace=3)
    by_mac = Flow(lab, f"mac:{lab.spare.mac}", token="DELTA", pace=3)
    captures = watch(lab, third, "ALPHA", "BRAVO", "CHARLIE", "DELTA")
    captures += watch(lab, lab.wired, "ALPHA", "DELTA") + watch(lab, lab.spare, "BRAVO")
    names = [str(u) for u in cards]
    for order in itertools.permutations(names):
        old = [str(u) for u in cards]
        if list(order) == old:
            continue
        print(old, "->", order)
        WAYS[how](lab, permuted(cards, order, how))
        start = Flow.started()
        for flow, u in ((first, lab.spare), (by_mac, lab.spare), (second, lab.wired)):
            flow.flows(start, 5, seen=(u.addr, u.addr6))
            lab.wait(lambda f=flow, u=u: f.listed()["uplink"] == str(u), 3, f"{flow.name} on {u}")
        both.flows(start, 5, seen=(lab.wired.addr, lab.wired.addr6, lab.spare.addr, lab.spare.addr6))
        assert first.listed()["uplinks"] == [str(lab.spare)]
        assert second.listed()["uplinks"] == [str(lab.wired)]
        assert both.listed()["uplinks"] == [str(lab.wired), str(lab.spare)]
        assert by_mac.listed()["uplinks"] == [f"mac:{lab.spare.mac}"]
    for capture in captures:
        stray = strays(capture)
        assert not stray, f"{len(stray)} by {capture.dev}:\n" + "\n".join(map(str, stray[:9]))
    for flow in (first, second, both, by_mac):
        flow.stop()
    for port in ports():  # it waits for what will not be acknowledged
        shell(lab, f"ip link del {port}")
    lab.spare, lab.wired = cards[1], cards[0]
    nothing_left(lab)
    for key in UPLINK_SYSCTLS:
        assert lab.sysctl("net/" + key.format(third)) == "0", key


@params(**{"name": "{0}", "list": "{0},mac:02:00:00:00:00:99"})
@topology("split", "same")
def test_name_of_a_card_that_went(lab, words):
    """A card goes, and another that was there all the time takes its name: who listed the first
    does not leave by the second, and goes on when the first is back under whatever name."""
    third = third_card(lab)
    flow = Flow(lab, words.format(lab.spare), token="ALPHA")
    captures = watch(lab, third, "ALPHA") + watch(lab, lab.wired, "ALPHA")
    batch(lab, [f"link del {lab.spare}", f"link set {third} down", f"link set {third} name wlp6s0"])
    third.dev = "wlp6s0"
    for line in configuration(third):
        lab.ip(line)
    flow.silent()
    start = Flow.started()
    lab.wait(lambda: Flow.started() - start > 1, 2)
    assert not flow.since(start), "it goes on without its card"
    for capture in captures:
        stray = strays(capture)
        assert not stray, f"{len(stray)} by {capture.dev}:\n" + "\n".join(map(str, stray[:9]))
    u = lab.spare
    u.dev = "wlan7"
    ns, far = u.far
    lab.run(f"ip link del {far}", ns=ns)
    lab.ip(f"link add {u} address {u.mac} type veth peer name {far} netns {ns}")
    if ns == u.router:
        lab.ip(f"addr add {u.gateway}/24 dev {far}", ns=ns)
        lab.ip(f"addr add {u.gateway6}/64 dev {far} nodad", ns=ns)
        lab.ip(f"link set {far} up", ns=ns)
    else:
        lab.ip(f"link set {far} master lan0 up", ns=ns)
    for line in configuration(u):
        lab.ip(line)
    lab.set_dns(u, [u.gateway, u.gateway6])
    flow.flows(Flow.started(), 5, seen=(u.addr, u.addr6))
