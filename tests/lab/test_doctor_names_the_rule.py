"""`doctor --live`, run by root, names the rule of another program that took a session's packets: table,
chain, handle and its text, as `nft -a list` has it. The kernel says which one it was (nftrace)."""

import re

from lab import Skip, needs, params
from test_doctor_launch import command, mend
from test_doctor_live import ids, live, well

# one rule of each kind that programs write; what is not known to doctor's printer is to be asked of nft(8)
RULES = {
    "device": 'iifname "via0" counter drop',
    "both": 'iifname "via0" oifname "wlp6s0" counter reject with icmpx admin-prohibited',
    "prefix": 'iifname "via*" drop',
    "address": "ip saddr 10.0.0.0/8 drop",
    "ports": "udp dport 33434-33440 counter log prefix \"no \" drop",
    "echo": "meta l4proto icmp icmp type echo-request drop",
    "proto": "oifname \"wlp6s0\" ip protocol udp drop",
    "state": "ct state new counter drop",
    "not": 'oifname != "enp7s0" meta nfproto ipv4 drop',
    "mark": "meta mark & 0x000000ff == 0x00000001 drop",
}


def listed(lab, handle, table="inet other"):
    listing = lab.run(f"nft -a list table {table}", check=True).out
    return next(line.split(" # handle")[0].strip() for line in listing.splitlines() if line.endswith(f"# handle {handle}"))


def uncounted(text):
    return re.sub(r"packets \d+ bytes \d+", "packets N bytes N", text)


def named(found, ident="rule-of-others"):
    """Without what br_netfilter has to do with it, where this kernel has it: test_doctor_br_netfilter."""
    by = r", by br_netfilter \(net\.bridge\.bridge-nf-call-ip6?tables is not 0\)"
    return [{**f, "text": re.sub(by, "", f["text"])} for f in found if f["id"] == ident]


@params(*RULES)
def test_rule_as_nft_lists_it(lab, which):
    lab.nft(f"table inet other {{ chain c {{ type filter hook forward priority 0; policy accept; {RULES[which]}; }}; }}")
    rules = named(live(lab, to=lab.server))
    assert rules and all(f["object"] == "wlp6s0" for f in rules), rules
    said = re.search(r"IPv4 packets that a session sends by 'wlp6s0' are dropped by table inet other, chain c"
                     r" \(hook forward\), handle (\d+): (.*)$", rules[0]["text"])  # fmt: skip
    assert said, rules
    assert uncounted(said[2]) == uncounted(listed(lab, said[1])), (said[2], listed(lab, said[1]))
    until_well(lab, rules)


def until_well(lab, rules):
    """Runs the fixes word for word: one for each direction."""
    for _ in range(3):
        for line in dict.fromkeys(command(f) for f in rules):
            mend(lab, next(f for f in rules if command(f) == line))
        rules = named(live(lab, to=lab.server))
        if not rules:
            break
    well(lab)


def test_rule_that_is_not_known_to_the_printer(lab):
    """A set: then nft(8) is to be asked, by a line that shows that rule."""
    lab.nft("table inet other { chain c { type filter hook forward priority 0; policy accept;"
            " udp dport { 33434, 33435, 33436, 53 } drop; }; }")  # fmt: skip
    rules = named(live(lab, to=lab.server))
    line = re.search(r"handle (\d+), which `sudo (nft -a list chain inet other c)` shows", rules[0]["text"])
    assert line and f"drop # handle {line[1]}" in lab.run(line[2], check=True).out, rules
    until_well(lab, rules)


PLACES = {
    "raw": ("inet", "prerouting", "raw", 'iifname "via0" udp dport 33434-33440 drop'),
    "prerouting": ("inet", "prerouting", "100", 'iifname "via0" meta mark != 0x1 drop'),
    "bridge": ("bridge", "prerouting", "-500", 'iifname "viap*" meta l4proto udp drop'),
    "postrouting": ("inet", "postrouting", "500", 'oifname "wlp6s0" meta l4proto udp drop'),
}


@params(*PLACES)
def test_every_hook(lab, where):
    family, hook, priority, rule = PLACES[where]
    lab.nft(f"table {family} other {{ chain c {{ type filter hook {hook} priority {priority}; policy accept; {rule}; }}; }}")
    rules = named(live(lab, to=lab.server))
    assert rules and f"table {family} other, chain c (hook {hook}), handle " in rules[0]["text"], rules
    assert rules[0]["text"].endswith(rule.replace("0x1 ", "0x00000001 ")), rules
    until_well(lab, rules)


def test_policy_of_a_chain(lab):
    """No rule matched: it is the policy, in a hook where via-iface adds no accept of its own."""
    lab.nft('table inet other { chain c { type filter hook prerouting priority 0; policy drop; iifname != "via0" accept; }; }')
    rules = named(live(lab, to=lab.server))
    assert rules and "table inet other, chain c (hook prerouting), its policy" in rules[0]["text"], rules
    until_well(lab, rules)


def test_mark_behind_ours(lab):
    """Set after the last place where via-iface sets its own: no route is found for it."""
    lab.nft('table inet other { chain c { type filter hook prerouting priority 2000; policy accept; iifname "via0" meta mark set 0x100; }; }')
    found = live(lab, to=lab.server)
    (rule,) = named(found)
    assert "get the mark 0x00000100 instead of via-iface's" in rule["text"], found
    assert rule["text"].endswith('table inet other, chain c (hook prerouting), handle 2: iifname "via0" meta mark set 0x00000100'), found
    assert "priority below 1000" in rule["fix"], found
    (lost,) = [f for f in found if f["id"] == "live-not-sent"]
    assert "last seen in hook input, table bridge via_iface" in lost["text"], found
    lab.nft("delete table inet other")
    lab.nft('table inet other { chain c { type filter hook prerouting priority 900; policy accept; iifname "via0" meta mark set 0x100; }; }')
    well(lab)


def test_reverse_path_filter(lab):
    """It drops the answers; which no command can mend without opening more."""
    rule = 'iifname "wlp6s0" fib saddr . iif oif missing drop'
    lab.nft(f"table inet other {{ chain c {{ type filter hook prerouting priority raw; policy accept; {rule}; }}; }}")
    (found,) = named(live(lab, to=lab.server), "rpfilter-of-others")
    assert found["text"] == (
        "IPv4 answers that come in by 'wlp6s0' are dropped by table inet other, chain c (hook prerouting),"
        f" handle 2: {rule}"
    ), found
    assert found["fix"].startswith("no command can be right"), found
    lab.nft("delete table inet other")
    well(lab)


def test_rule_of_iptables(lab):
    """iptables-nft's own: the line is one of iptables, since nft(8) must not change its tables."""
    lab.run("iptables-nft -A FORWARD -i via0 -p udp -j DROP", check=True)
    rules = named(live(lab, to=lab.server))
    assert "table ip filter, chain FORWARD (hook forward), handle" in rules[0]["text"], rules
    assert command(rules[0]) == "sudo iptables -t filter -I FORWARD -i via0 -o wlp6s0 -j ACCEPT", rules
    until_well(lab, rules)


@needs("tool:iptables-legacy")
@params("rule", "policy", "chain")
def test_rule_of_iptables_legacy(lab, where):
    """nf_tables neither shows nor traces it: its counter tells."""
    lines = {
        "rule": ["-A FORWARD -d 10.9.9.9/32 -j DROP", "-A FORWARD -i via0 -o wlp6s0 -j DROP"],
        "policy": ["-P FORWARD DROP"],
        "chain": ["-N mine", "-A mine -s 10.0.0.0/8 -i via0 -j DROP", "-A FORWARD -j mine"],
    }[where]
    for line in lines:
        if lab.run(f"iptables-legacy {line}").code:
            raise Skip("this kernel has no ip_tables")
    rules = named(live(lab, to=lab.server))
    said = {
        "rule": "table filter, chain FORWARD, rule 2: -A FORWARD -i via0 -o wlp6s0 -j DROP",
        "policy": "table filter, chain FORWARD, its policy: -P FORWARD DROP",
        "chain": "table filter, chain mine, rule 1: -A mine -s 10.0.0.0/8 -i via0 -j DROP",
    }[where]
    assert [f["text"] for f in rules] == [
        f"packets that a session sends by 'wlp6s0' are dropped by iptables-legacy, {said}"
    ], rules
    mend(lab, rules[0])
    assert named(live(lab, to=lab.server)) == []
    assert [f["id"] for f in live(lab, to=lab.server) if f["severity"] == "error"] == []


def test_nothing_is_left(lab):
    """The table that marks packets for the trace is gone, also when doctor is killed meanwhile."""
    before = lab.run("nft list ruleset", check=True).out
    asking = lab.via_popen("doctor", "--live", lab.spare)
    lab.wait(lambda: "via_iface_trace" in lab.run("nft list tables").out, 10, "the table", step=0.001)
    asking.kill()
    lab.wait(lambda: "via_iface_trace" not in lab.run("nft list tables").out, 5, "it is gone")
    well(lab)
    lab.wait_gone()
    assert lab.run("nft list ruleset", check=True).out == before
