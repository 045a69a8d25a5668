"""`doctor --live` sends packets in a short session and tells by which card they left, how far they got
and whose rule took them. The judges are the far ends: each situation is made there, or by rules of
another program, and is gone when it is mended."""

import re

from lab import needs, params, program
from test_doctor_launch import command, read
from test_who_may import NETDEV, Site


def live(lab, uplink=None, to=None, **more):
    words = ["doctor", "--live", uplink or lab.spare, "--json", *(["--to", to] if to else [])]
    return read(lab.via(*words, **more))


def ids(found):
    return [(f["severity"], f["id"], f["object"]) for f in found]


def well(lab, uplink=None):
    """Both families: they leave by the card, and somebody beyond the gateway answers."""
    uplink = uplink or lab.spare
    for to, family in ((lab.server, "IPv4"), (lab.server6, "IPv6")):
        found = live(lab, uplink, to)
        assert ids(found) == [("info", "live", str(uplink))], found
        assert found[0]["text"] == f"{family} leaves by {uplink}, and is answered from beyond the gateway: by {to}"


def test_well(lab):
    """By the card that is asked for, seen on both cables; and no session stays."""
    spare, wired = lab.capture_spare(), lab.capture_wired()
    well(lab)
    assert any(f.src == lab.spare.addr and f.dport == 33436 for f in spare.stop())
    assert [f for f in wired.stop() if f.eth == "ip" and f.dport and 33434 <= f.dport <= 33436] == []
    well(lab, lab.wired)
    lab.wait_gone()


def test_words(lab):
    for words, said in (
        (["--live"], "--live takes one uplink"),
        (["--live", "wlp6s0,enp7s0"], "--live takes one uplink"),
        (["--to", "192.0.2.1", "wlp6s0"], "--to goes with --live"),
        (["--live", "--to", "x", "wlp6s0"], "invalid --to 'x'"),
    ):
        done = lab.via("doctor", *words)
        assert done.code == 125 and said in done.err, done


def test_dead_router_behind_a_live_link(lab):
    lab.ip("addr flush dev lan", ns=lab.spare.router)
    lab.ip("neigh flush dev wlp6s0")
    found = live(lab)
    assert ids(found)[:2] == [("error", "live-gateway-silent", "wlp6s0")] * 2, found
    assert found[0]["text"] == f"IPv4 leaves by wlp6s0, no answer from the gateway {lab.spare.gateway}", found
    lab.ip(f"addr add {lab.spare.gateway}/24 dev lan", ns=lab.spare.router)
    lab.ip(f"addr add {lab.spare.gateway6}/64 dev lan nodad", ns=lab.spare.router)
    lab.wait(lambda: all(f["severity"] != "error" for f in live(lab)), 10, "it answers again")


def test_nothing_beyond(lab):
    """The router answers, and leads nowhere."""
    lab.sysctl("net.ipv4.ip_forward", 0, ns=lab.spare.router)
    found = live(lab, to=lab.server)
    assert ids(found) == [("error", "live-nothing-beyond", "wlp6s0")], found
    assert f"answered by the gateway {lab.spare.gateway}, nothing beyond" in found[0]["text"], found
    lab.sysctl("net.ipv4.ip_forward", 1, ns=lab.spare.router)
    assert ids(live(lab, to=lab.server)) == [("info", "live", "wlp6s0")]


def test_nobody_has_a_documentation_address(lab):
    """Its silence is no error, and the fix asks somebody who answers."""
    found = live(lab)
    assert found[0]["severity"] == "warning" and found[0]["id"] == "live-nothing-beyond", found
    assert command(found[0]) == "via-iface doctor --live --to 9.9.9.9 wlp6s0", found


DROPS = {
    "forward": "table inet other { chain c { type filter hook forward priority 0; policy accept; iifname via0 counter drop; }; }",
    "policy": "table inet other { chain c { type filter hook forward priority 0; policy accept; jump d; }; chain d { iifname via0 drop; }; }",
    "prerouting": "table inet other { chain c { type filter hook prerouting priority 0; policy accept; iifname via0 udp dport 33434-33440 drop; iifname via0 meta l4proto icmp drop; iifname via0 meta l4proto ipv6-icmp drop; }; }",
}


@params(*DROPS)
def test_rule_that_drops(lab, where):
    """Named by table, chain and handle, and where the packets were last seen."""
    lab.nft(DROPS[where])
    found = live(lab, to=lab.server)
    named = {f["id"]: f for f in reversed(found)}
    assert set(named) == {"rule-of-others", "live-not-sent"}, found
    assert {f["object"] for f in found} == {"wlp6s0"}, found
    listing = lab.run("nft -a list table inet other", check=True).out
    handle = next(line.split("# handle ")[1] for line in listing.splitlines() if " drop # handle" in line)
    rules = " ".join(f["text"] for f in found if f["id"] == "rule-of-others")
    assert "table inet other, chain" in rules and f"handle {handle}" in rules, (found, listing)
    assert "reached the host by its port, and did not leave by 'wlp6s0'" in named["live-not-sent"]["text"], found
    lab.nft("delete table inet other")
    well(lab)


def test_again_at_once(lab):
    """The session of the run before, which is ending, is nothing that the next one reports."""
    lab.nft(DROPS["forward"])
    before = ids(live(lab, to=lab.server))
    assert ("error", "live-not-sent", "wlp6s0") in before, before
    for _ in range(3):
        assert ids(live(lab, to=lab.server)) == before


def test_reverse_path_filter_in_raw(lab):
    lab.nft(
        "table inet other { chain c { type filter hook prerouting priority raw; policy accept;"
        " iifname wlp6s0 fib saddr . iif oif missing drop; }; }"
    )
    found = live(lab, to=lab.server)
    assert ("error", "rpfilter-of-others", "wlp6s0") in ids(found), found
    (text,) = [f["text"] for f in found if f["id"] == "rpfilter-of-others"]
    assert "table inet other, chain c (hook prerouting), handle 2: " in text, found
    lab.nft("delete table inet other")
    well(lab)


HARMLESS = {
    "marks": "table inet other { chain c { type filter hook prerouting priority mangle; meta mark set 0x100; ct mark set 0x100; }; }",
    "snat": "table ip other { chain c { type nat hook postrouting priority srcnat; ip saddr 10.0.0.0/8 snat to 192.168.1.10; }; }",
    "notrack": "table inet other { chain c { type filter hook prerouting priority raw; meta l4proto udp notrack; }; }",
}


@params(*HARMLESS, "disable_ipv6")
def test_rules_that_are_no_obstacle(lab, what):
    """What sessions get along with is not reported: multi-WAN marks, a VPN server's SNAT, NOTRACK."""
    if what == "disable_ipv6":
        lab.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
    else:
        lab.nft(HARMLESS[what])
    well(lab)


@needs("root", "tool:setcap", "tool:setpriv")
def test_plain_user(lab):
    """Sees that packets do not leave, and how to learn by which rule."""
    site = Site(lab)
    words = ("doctor", "--live", str(lab.spare), "--to", lab.server, "--json")
    assert ids(read(site.via("alice", *words, groups=[NETDEV]))) == [("info", "live", "wlp6s0")]
    lab.nft(DROPS["forward"])
    found = read(site.via("alice", *words, groups=[NETDEV]))
    assert ids(found) == [("error", "live-not-sent", "wlp6s0")], found
    assert "`sudo via-iface doctor --live wlp6s0`" in found[0]["fix"], found


def test_by_itself_on_a_terminal(lab):
    """Who asks there whether all is well learns of a dead router, without --live; a pipe does not wait."""
    lab.ip("addr flush dev lan", ns=lab.spare.router)
    lab.ip("neigh flush dev wlp6s0")
    assert lab.via("doctor", lab.spare).code == 0
    terminal = lab.pty([program("via-iface"), "doctor", str(lab.spare)])
    terminal.expect(f"error    IPv4 leaves by wlp6s0, no answer from the gateway {lab.spare.gateway}", 20)
    terminal.expect("things are in the way; do this first", 20)
    terminal = lab.pty([program("via-iface"), "doctor", str(lab.wired)])
    terminal.expect("nothing is in the way", 20)


def test_closed_name_server_costs_nothing(lab):
    """Where a name server refuses the question, the rest is waited for without using the processor."""
    server = lab.url.split("/")[2].split(":")[0]
    script = f"(printf g; sleep 3) | {program('via-iface-verbs')} live-once 192.0.2.1 -; times"
    done = lab.via("--dns", server, lab.spare, "--", "bash", "-c", script, check=True)
    assert "dns no" in done.out, done
    minutes, seconds = re.search(r"(\d+)m([\d.]+)s\s*$", done.out).groups()
    assert int(minutes) == 0 and float(seconds) < 0.2, done
