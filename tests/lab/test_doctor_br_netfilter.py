"""Where br_netfilter brings a session's frames to rules of inet and ip (net.bridge.bridge-nf-call-iptables=1,
as on hosts with Docker), `doctor --live` says so of the rule that drops them, and its line lets them pass."""

from lab import needs, params
from test_doctor_launch import command
from test_doctor_live import live, well
from test_doctor_names_the_rule import until_well

BY = ", by br_netfilter (net.bridge.bridge-nf-call-{}tables is not 0)"
SYSCTLS = [f"net.bridge.bridge-nf-call-{name}" for name in ("iptables", "ip6tables")]

IPTABLES = {
    "raw": "-t raw -A PREROUTING -m physdev --physdev-in viap+ -j DROP",
    "forward": "-t filter -A FORWARD -m physdev --physdev-in viap+ -j DROP",
}


def named(found):
    return [f for f in found if f["id"] == "rule-of-others"]


def call(lab, value):
    for name in SYSCTLS:
        lab.sysctl(name, value)


@needs(f"sysctl:{SYSCTLS[0]}")
@params(*IPTABLES)
def test_port_of_the_bridge(lab, where):
    """Only br_netfilter tells such a rule the port: with the sysctl at 0 it matches nothing."""
    for tables, to, family in (("iptables", lab.server, "IPv4"), ("ip6tables", lab.server6, "IPv6")):
        call(lab, 0)
        lab.run(f"{tables}-nft {IPTABLES[where]}", check=True)
        assert named(live(lab, to=to)) == []
        call(lab, 1)
        rules = named(live(lab, to=to))
        assert [f["object"] for f in rules] == ["wlp6s0"], rules
        hook = "prerouting" if where == "raw" else "forward"
        assert f"{family} packets that a session sends by 'wlp6s0' are dropped by table" in rules[0]["text"], rules
        assert f"(hook {hook}){BY.format(tables[:-6])}, handle " in rules[0]["text"], rules
        assert command(rules[0]).startswith(f"sudo {tables} -t {IPTABLES[where].split()[1]} -I "), rules
        until_well(lab, rules)


@needs(f"sysctl:{SYSCTLS[0]}")
@params("1", "0")
def test_prerouting_is_passed_once(lab, value):
    """With br_netfilter from within the bridge's hook, else when it is routed: the same line mends it."""
    call(lab, value)
    lab.nft('table inet other { chain c { type filter hook prerouting priority 0; policy accept; iifname "via0" drop; }; }')
    rules = named(live(lab, to=lab.server))
    assert rules and (BY.format("ip") in rules[0]["text"]) == (value == "1"), rules
    until_well(lab, rules)


@needs(f"sysctl:{SYSCTLS[0]}")
def test_forwarded_packets_are_routed_ones(lab):
    """br_netfilter has no part in a rule of the hook forward that asks for no port."""
    call(lab, 1)
    lab.nft('table inet other { chain c { type filter hook forward priority 0; policy accept; iifname "via0" drop; }; }')
    rules = named(live(lab, to=lab.server))
    assert rules and "br_netfilter" not in rules[0]["text"], rules
    until_well(lab, rules)


def test_table_of_another_owner(lab):
    """The kernel refuses the commands of all others, so none is proposed."""
    owner = lab.popen(["nft", "-i"])
    owner.write("table inet other { flags owner; chain c { type filter hook prerouting priority 0; policy accept; iifname via0 drop; }; }\n")
    lab.wait(lambda: "table inet other" in lab.run("nft list tables").out, 5, "the table")
    rules = named(live(lab, to=lab.server))
    assert rules and rules[0]["fix"] == (
        "no command of another program can be right: the program that owns table inet other has to accept `iifname \"via0\"` there itself"
    ), rules
    assert lab.run("nft insert rule inet other c iifname via0 accept").code != 0
    owner.write("insert rule inet other c iifname via0 accept\n")
    lab.wait(lambda: "accept" in lab.run("nft list table inet other").out.split("policy accept")[1], 5)
    lab.wait(lambda: not named(live(lab, to=lab.server)), 20, "the last session is gone")
    well(lab)
