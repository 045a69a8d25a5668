"""Beside other people's rules: a session keeps its mark, its source address and its connections,
or `status` and `doctor` name the rule that takes them. Nothing of others is changed either way, and
nothing of a session leaves by the wired card."""

import os
import re
import signal
import time
from dataclasses import dataclass

from lab import alone, needs, params, timeout, topology
from test_fails_closed import Watch, heard_again, signal_daemon, slower, traffic
from test_survives_kills import connects

# Where the rules of these tests would send a session: by the wired card.
WIRED_TABLE = """
ip route add default via {wired.gateway} dev {wired} table 77
ip -6 route add default via {wired.gateway6} dev {wired} table 77
"""


def both(line):
    """A line for iptables, in both families."""
    return f"iptables-nft {line}\nip6tables-nft {line}\n"


def rule(line):
    """A routing rule in both families, and the table that it leads to."""
    return WIRED_TABLE + f"ip rule add {line}\nip -6 rule add {line}\n"


def nft(hook, priority, *rules, kind="filter"):
    body = "\n".join(rules)
    return (
        "nft -f - <<END\ntable inet theirs {\nchain theirs {\n"
        f"type {kind} hook {hook} priority {priority}\n{body}\n}}\n}}\nEND\n"
    )


@dataclass(frozen=True)
class Row:
    theirs: str  # the commands of the other program
    told: tuple = ()  # what `status`, `list`, `uplinks` and `doctor` say
    state: str = "up"
    serves: str = ""  # a program that prints "ready"


# A listening socket that takes what is for others (IP_TRANSPARENT is 19).
PROXY = """
import socket, time
s = socket.socket()
s.setsockopt(socket.SOL_IP, 19, 1)
s.bind(("0.0.0.0", 3129))
s.listen()
print("ready", flush=True)
time.sleep(100)
"""

WORKS = {
    # Several uplinks by mark: mwan3, pbr, shell scripts.
    "mark_in_mangle": Row(
        rule("fwmark 0x1/0xff lookup 77 priority 100")
        + both("-t mangle -A PREROUTING -j MARK --set-mark 0x1")
    ),
    "connmark_restored_and_saved": Row(
        rule("fwmark 0x2/0xff lookup 77 priority 1001")
        + both("-t mangle -A PREROUTING -j CONNMARK --restore-mark --nfmask 0xff --ctmask 0xff")
        + both("-t mangle -A PREROUTING -j MARK --set-xmark 0x2/0xff")
        + both("-t mangle -A PREROUTING -j CONNMARK --save-mark --nfmask 0xff --ctmask 0xff")
    ),
    "whole_mark_saved": Row(
        rule("fwmark 0x2 lookup 77 priority 1001")
        + both("-t mangle -A PREROUTING -j MARK --set-mark 2")
        + both("-t mangle -A PREROUTING -j CONNMARK --save-mark")
    ),
    "mark_before_conntrack": Row(
        rule("fwmark 0x7 lookup 77 priority 100") + nft("prerouting", -305, "meta mark set 7")
    ),
    "mark_after_mangle": Row(
        rule("fwmark 0x7 lookup 77 priority 100")
        + nft("prerouting", 0, "meta mark set 7", "ct mark set 7")
    ),
    "mark_in_forward": Row(
        both("-t mangle -A FORWARD -j MARK --set-mark 9")
        + both("-t mangle -A FORWARD -j CONNMARK --set-mark 9")
    ),
    "mark_in_postrouting": Row(
        both("-t mangle -A POSTROUTING -j MARK --set-mark 9")
        + both("-t mangle -A POSTROUTING -j CONNMARK --set-mark 9")
    ),
    # Routing rules in front of ours.
    "rule_of_strongswan": Row(rule("priority 220 lookup 77")),
    "rule_of_wg_quick": Row(
        rule("priority 1000 not fwmark 0xca6c lookup 77")
        + "ip rule add priority 999 lookup main suppress_prefixlength 0\n"
    ),
    "rule_by_our_device": Row(rule("priority 10 iif via0 lookup 77")),
    "rule_by_user": Row(rule("priority 900 uidrange 0-4294967294 lookup 77")),
    "rule_by_low_bits_of_the_mark": Row(rule("priority 100 fwmark 0x1/0xff lookup 77")),
    "rule_prohibits": Row(rule("priority 1000 iif via0 prohibit")),
    "rule_unreachable": Row(rule("priority 1000 iif via0 unreachable")),
    "rule_blackhole": Row(rule("priority 1000 iif via0 blackhole")),
    "rule_at_our_number": Row(rule("priority 5180 lookup 77")),
    "rule_at_the_first_number": Row(rule("priority 1 lookup 77")),
    "rule_at_the_second_number": Row(rule("priority 2 iif via0 unreachable")),
    # A proxy that takes what is for others.
    "transparent_proxy": Row(
        rule("priority 100 fwmark 0x100/0x100 lookup 78")
        + "ip route add local default dev lo table 78\n"
        + "iptables-nft -t mangle -A PREROUTING -p tcp --dport 80 -j TPROXY --on-port 3129"
        " --tproxy-mark 0x100/0x100\n",
        serves=PROXY,
    ),
    # Address translation of others.
    "source_nat": Row(
        "iptables-nft -t nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to {wired.addr}\n"
        "ip6tables-nft -t nat -A POSTROUTING -s fc00::/7 -j SNAT --to {wired.addr6}\n"
    ),
    "source_nat_early": Row(
        nft("postrouting", 50, "meta nfproto ipv4 snat ip to {wired.addr}", kind="nat")
    ),
    "masquerade_to_few_ports": Row(
        both("-t nat -A POSTROUTING -p udp -j MASQUERADE --to-ports 1024-1030")
    ),
    "redirect": Row(
        both("-t nat -A PREROUTING -p tcp --dport 80 -j REDIRECT --to-ports 3128")
        + both("-t nat -A PREROUTING -p udp --dport 7777 -j REDIRECT --to-ports 3128")
    ),
    "names_redirected": Row(
        nft("prerouting", -150, "meta l4proto udp th dport 53 redirect to :5353",
            "meta l4proto tcp th dport 53 redirect to :5353", kind="nat")
    ),  # fmt: skip
    # Connection tracking of others.
    "udp_not_tracked": Row(
        both("-t raw -A PREROUTING -p udp -j CT --notrack")
        + both("-t raw -A OUTPUT -p udp -j CT --notrack")
    ),
    "not_tracked_by_nft": Row(nft("prerouting", -300, "meta l4proto { tcp, udp } notrack")),
    "not_tracked_late": Row(nft("prerouting", -250, "meta l4proto { tcp, udp } notrack")),
    "zone_of_others": Row(both("-t raw -A PREROUTING -i via0 -j CT --zone 5")),
    # Reverse path filters that ask with the mark.
    "rpfilter_of_nixos": Row(
        both("-t mangle -A PREROUTING -m rpfilter --validmark --invert -j DROP")
    ),
    "rpfilter_of_firewalld": Row(
        nft("prerouting", -140, "fib saddr . mark . iif oif missing drop")
    ),
    # Conditions in the forward hook that a session does not meet.
    "invalid_dropped": Row(both("-A FORWARD -m conntrack --ctstate INVALID -j DROP")),
    "other_device_rejected": Row(both("-A FORWARD -o docker0 -j REJECT")),
}


# What nothing of ours can come before: it is told, by its place.
TOLD = {
    "rule_at_zero": Row(
        rule("priority 0 lookup 77"), ("routing rule 0", "lookup 77", "ip -6 rule"), "blocked"
    ),
    "rpfilter_in_raw": Row(
        both("-t raw -A PREROUTING -m rpfilter --invert -j DROP"),
        ("table ip raw, chain PREROUTING, handle", "without the mark"),
        "blocked",
    ),
    "rpfilter_before_conntrack": Row(
        nft("prerouting", -300, "fib saddr . iif oif missing drop"),
        ("table inet theirs, chain theirs, handle", "without the mark"),
        "blocked",
    ),
    "rejected_by_mark": Row(
        both("-N ufw-user-forward")
        + both("-A ufw-user-forward -m mark ! --mark 0x1 -j REJECT")
        + both("-A FORWARD -j ufw-user-forward"),
        ("tcp port 80", "chain ufw-user-forward, handle", "(ufw)"),
        "blocked",
    ),
    "rejected_by_port": Row(
        both("-A FORWARD -p udp --dport 7777 -j REJECT"),
        ("udp port 7777", "table ip filter, chain FORWARD, handle"),
    ),
    "dropped_from_our_device": Row(
        nft("forward", 0, "iifname via0 drop"), ("table inet theirs, chain theirs",), "blocked"
    ),
    # nft(8) loads the protocol into the register that held the device's name
    "dropped_by_protocol": Row(
        "nft 'table ip theirs { chain theirs { type filter hook forward priority 0;"
        " iifname via0 ip protocol udp drop; }; }'\n",
        ("udp port 7777", "table ip theirs, chain theirs, handle"),
    ),
    "dropped_in_mangle": Row(
        both("-t mangle -A PREROUTING -p udp --dport 7777 -j DROP"),
        ("udp port 7777", "table ip mangle, chain PREROUTING, handle"),
    ),
}


def put_in(lab, row):
    if row.serves:
        lab.popen(["python3", "-c", row.serves]).expect("ready\n")
    text = row.theirs
    for word in ("gateway6", "gateway", "addr6", "addr"):
        text = text.replace(f"{{wired.{word}}}", getattr(lab.wired, word))
    lab.run("set -e\n" + text.replace("{wired}", str(lab.wired)), check=True)


def theirs(lab):
    """All rules that are not ours, without counts."""
    text = lab.run("nft list ruleset", check=True).out
    tables = re.split(r"^(?=table )", text, flags=re.M)
    text = "".join(t for t in tables if not re.match(r"table \w+ via_iface ", t))
    rules = (lab.ip("rule") + lab.ip("-6 rule")).replace(" [detached]", "").splitlines()
    rules = [r for r in rules if "proto 86" not in r]
    saved = lab.run("iptables-nft-save; ip6tables-nft-save").out
    saved = re.sub(r"^#.*\n|\[\d+:\d+\]", "", saved, flags=re.M)
    return re.sub(r"packets \d+ bytes \d+", "", text) + "\n".join(rules) + saved


def session(lab):
    return lab.via("list", "--json", check=True).json()[0]


def works(lab, held):
    """The session that is there, and another one: both families, names, and the right source."""
    heard_again(lab, held)
    slower(held)
    fetch = f"curl -sg --max-time 20 {lab.url}; curl -sg --max-time 20 '{lab.url6}'"
    with lab.namespace_of(held.pid, "session"):
        done = lab.run(fetch, ns="session", timeout=60)
    assert done.out.split() == [lab.spare.addr, lab.spare.addr6], done
    asked = len(lab.dns_log())
    names = "dig +short +tries=1 +time=20 who.test"
    done = lab.via(lab.spare, "--", "sh", "-c", f"{fetch}; {names}", timeout=80)
    seen = done.out.split()
    assert seen[:2] == [lab.spare.addr, lab.spare.addr6] and len(seen) == 3, done
    assert {line[0] for line in lab.dns_log()[asked:]} == {"spare"}, lab.dns_log()[asked:]
    assert session(lab)["state"] == "up", session(lab)
    heard_again(lab, held)


def another_daemon(lab):
    daemon = lab.daemon_pid()
    os.kill(daemon, signal.SIGKILL)
    lab.wait(lambda: lab.daemon_pid() not in (None, daemon) and len(lab.daemon_pids()) == 2, 5)
    lab.wait(connects, 10, "a daemon that answers")


ORDERS = ("launched_before", "launched_after")


@timeout(90)
@topology("split")
@params(**{f"{name},{order}": (name, order) for name in WORKS for order in ORDERS})
def test_works(lab, case):
    name, order = case
    held = traffic(lab) if order == "launched_before" else None
    watch = Watch(lab)
    put_in(lab, WORKS[name])
    left, before = theirs(lab), None
    if not held:
        before = lab.snapshot()
        held = traffic(lab)
    works(lab, held)
    another_daemon(lab)
    works(lab, held)
    assert theirs(lab) == left
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    watch.assert_closed(True)
    assert theirs(lab) == left
    if before:
        lab.assert_same(before)


STOPPED = ("mark_in_mangle", "whole_mark_saved", "mark_in_forward", "rule_of_strongswan",
           "rule_by_our_device", "rule_at_the_first_number", "rule_at_zero", "source_nat", "redirect",
           "not_tracked_by_nft")  # fmt: skip


@topology("split", "same")
@params(*STOPPED)
def test_closed_meanwhile(lab, name):
    """On a router, while the daemon is stopped and mends nothing: no packet of a session, and none
    for it, goes by the wired card. Then it goes on, and the session works, unless it is told."""
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.sysctl("net.ipv6.conf.all.forwarding", 1)
    row = {**WORKS, **TOLD}[name]
    held = traffic(lab)
    signal_daemon(lab, signal.SIGSTOP)
    watch = Watch(lab)
    ours = [session(lab)[key] for key in ("address", "address6")]
    put_in(lab, row)
    time.sleep(0.6)
    signal_daemon(lab, signal.SIGCONT)
    if row.told:
        time.sleep(0.3)
    else:
        heard_again(lab, held)
    watch.assert_closed(True)
    assert not [f for f in watch.wired.stop() if f.src in ours or f.dst in ours]
    held.stop(signal.SIGKILL)
    lab.wait_gone()


LEGACY = (
    "iptables-legacy -t mangle -A PREROUTING -j MARK --set-mark 2\n"
    "iptables-legacy -t mangle -A PREROUTING -j CONNMARK --save-mark\n"
    "iptables-legacy -t raw -A PREROUTING -p udp -j CT --notrack\n"
    "iptables-legacy -t nat -A POSTROUTING -s 10.0.0.0/8 -j SNAT --to {wired.addr}\n"
    "iptables-legacy -t nat -A PREROUTING -p tcp -j REDIRECT --to-ports 3128\n"
)


@topology("split", "same")
@needs("tool:iptables-legacy")
@params(*ORDERS)
def test_legacy(lab, order):
    """The same by iptables-legacy, whose rules nf_tables does not show, in both topologies."""
    row = Row(rule("fwmark 0x2 lookup 77 priority 1001") + LEGACY)
    held = traffic(lab) if order == "launched_before" else None
    watch = Watch(lab)
    put_in(lab, row)
    saved = re.sub(r"^#.*\n|\[\d+:\d+\]", "", lab.run("iptables-legacy-save").out, flags=re.M)
    held = held or traffic(lab)
    works(lab, held)
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    watch.assert_closed(True)
    after = lab.run("iptables-legacy-save").out
    assert re.sub(r"^#.*\n|\[\d+:\d+\]", "", after, flags=re.M) == saved


# What TRAFFIC of test_fails_closed does, without waiting for an answer.
SENDER = """
import socket, sys, time
while True:
    for address in sys.argv[1:]:
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        for kind, port in ((socket.SOCK_DGRAM, 7777), (socket.SOCK_STREAM, 80)):
            s = socket.socket(family, kind)
            s.setblocking(False)
            try:
                s.connect((address, port))
                s.send(b"BEACON")
            except OSError:
                pass
            time.sleep(0.02)
            s.close()
"""


def sender(lab):
    path = os.path.join(lab.tmp, "sender.py")
    with open(path, "w") as f:
        f.write(SENDER)
    return lab.session(script=f"exec python3 {path} {lab.server} {lab.server6}")


def says(lab, *verb):
    done = lab.via(*verb)
    return done.out + done.err


def told(lab, row):
    """What passed before is remembered for ten seconds."""

    def everywhere():
        texts = [says(lab, verb) for verb in ("status", "doctor", "list", "uplinks")]
        return session(lab)["state"] == row.state and all(
            word in text for text in texts for word in row.told
        )

    try:
        lab.wait(everywhere, 15, step=0.1)
    except AssertionError:
        raise AssertionError(f"{row.told}, {row.state}:\n" + says(lab, "status")) from None
    assert lab.via("doctor").code == (row.state != "up")


@topology("split")
@params(**{f"{name},{order}": (name, order) for name in TOLD for order in ORDERS})
def test_told(lab, case):
    name, order = case
    held = sender(lab) if order == "launched_before" else None
    watch = Watch(lab)
    put_in(lab, TOLD[name])
    left = theirs(lab)
    held = held or sender(lab)
    told(lab, TOLD[name])
    another_daemon(lab)
    told(lab, TOLD[name])
    assert theirs(lab) == left
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    watch.assert_closed(True)
    assert theirs(lab) == left


@topology("split")
def test_goes_again(lab):
    """What was told is told no more when the rule has gone, and our rules are where they were."""
    held = sender(lab)
    for name in ("rule_at_zero", "rejected_by_mark", "rule_of_strongswan"):
        row = {**TOLD, **WORKS}[name]
        put_in(lab, row)
        if row.told:
            told(lab, row)
        else:
            lab.wait(lambda: "218:" in lab.ip("rule"), 5, "our rule in front")
        lab.run("nft delete table ip filter; nft delete table ip6 filter")
        lab.run("ip rule del lookup 77; ip -6 rule del lookup 77; ip route flush table 77;"
                "ip -6 route flush table 77")  # fmt: skip
        lab.wait(lambda: session(lab)["state"] == "up", 15, "up again")
        lab.wait(lambda: "5180:" in lab.ip("rule") and "5181:" in lab.ip("-6 rule"), 5)
        assert "another program" not in says(lab, "status")
    held.stop(signal.SIGKILL)
    lab.wait_gone()


@alone
@topology("split")
def test_many_chains(lab):
    """As many chains of others as a node of Kubernetes has, each with a jump, do not hold up `status`."""
    lines = ["table ip kube {"]
    lines += [f"chain KUBE-SVC-{n} {{ udp dport {n} drop; }}" for n in range(10000)]
    lines += ["chain KUBE-SERVICES {"] + [f"udp dport {n} jump KUBE-SVC-{n}" for n in range(10000)] + ["}"]
    lines += ["chain FORWARD { type filter hook forward priority 0; jump KUBE-SERVICES; }", "}"]
    path = os.path.join(lab.tmp, "many.nft")
    with open(path, "w") as f:
        f.write("\n".join(lines))
    held = traffic(lab)
    lab.run(f"nft -f {path}", check=True)
    start = time.monotonic()
    lab.via("status", check=True)
    seconds = time.monotonic() - start
    assert seconds < 1.5 * lab.scale, seconds
    held.stop(signal.SIGKILL)
    lab.wait_gone()
