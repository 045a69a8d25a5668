"""Beside other firewalls: where their forward chain drops what it does not know, a session gets its
answers all the same, and they get back their rules as they were."""

import contextlib
import os
import re
import signal
import socket
import time

import wire
from lab import Skip, needs, params, program, topology
from test_forged_packets import Neighbours, Scene, _targets
from test_fails_closed import Watch, heard_again, traffic

COMMENT = "via-iface"

# What Docker leaves in iptables-nft's table for IPv4, its own rules left out; and a policy for IPv6,
# as Docker sets it, too, when it does IPv6.
DOCKER = """
iptables-nft-restore <<END
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:DOCKER - [0:0]
:DOCKER-USER - [0:0]
-A FORWARD -j DOCKER-USER
-A FORWARD -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A FORWARD -o docker0 -j DOCKER
-A FORWARD -i docker0 ! -o docker0 -j ACCEPT
-A DOCKER-USER -j RETURN
COMMIT
END
ip6tables-nft-restore <<END
*filter
:INPUT ACCEPT [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
COMMIT
END
"""

UFW = "".join(
    f"""
{tool}-restore <<END
*filter
:INPUT DROP [0:0]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [0:0]
:{ufw}-before-forward - [0:0]
:{ufw}-reject-forward - [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
-A INPUT -p {icmp} -j ACCEPT
-A FORWARD -j {ufw}-before-forward
-A FORWARD -j {ufw}-reject-forward
-A {ufw}-before-forward -m conntrack --ctstate INVALID -j DROP
-A {ufw}-before-forward -p {icmp} -j ACCEPT
COMMIT
END
"""
    for tool, ufw, icmp in (
        ("iptables-nft", "ufw", "icmp"),
        ("ip6tables-nft", "ufw6", "ipv6-icmp"),
    )
)


def nft(body):
    return f"nft -f - <<END\n{body}\nEND\n"


FIREWALLS = {
    "docker": DOCKER,
    "ufw": UFW,
    # `iptables -P FORWARD DROP`, no more
    "policy": "iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP",
    "nft_policy": nft(
        "table inet filter { chain forward {\n"
        "type filter hook forward priority filter; policy drop\n iifname lan0 accept\n} }\n".replace(
            "{ chain forward {", "{\nchain forward {"
        ).replace("} }", "}\n}")
    ),
    # one per family, late, with an ending instead of a policy
    "nft_reject": nft(
        "table ip mine {\nchain transit {\n type filter hook forward priority 20; policy accept\n"
        ' iifname lan0 accept\n counter log prefix "no " reject\n}\n}\n'
        "table ip6 mine {\nchain transit {\n type filter hook forward priority 20; policy accept\n"
        " iifname lan0 accept\n counter drop\n}\n}"
    ),
    # more than one: each can drop, so each is asked
    "several": "iptables-nft -t mangle -P FORWARD DROP\n"
    + DOCKER
    + nft(
        "table inet filter {\nchain forward {\n"
        "type filter hook forward priority -5; policy drop\n}\n}"
    ),
}

# Where the accepts belong: (family, table, chain) of two each.
PLACES = {
    "docker": [("ip", "filter", "DOCKER-USER"), ("ip6", "filter", "FORWARD")],
    "ufw": [("ip", "filter", "ufw-before-forward"), ("ip6", "filter", "ufw6-before-forward")],
    "policy": [("ip", "filter", "FORWARD"), ("ip6", "filter", "FORWARD")],
    "nft_policy": [("inet", "filter", "forward")],
    "nft_reject": [("ip", "mine", "transit"), ("ip6", "mine", "transit")],
    "several": [
        ("inet", "filter", "forward"),
        ("ip", "filter", "DOCKER-USER"),
        ("ip", "mangle", "FORWARD"),
        ("ip6", "filter", "FORWARD"),
    ],
}


def start(lab, firewall):
    lab.run(FIREWALLS[firewall], check=True)


def rules(lab):
    """All rules of others, and of ours in their tables, without counts."""
    text = lab.run("nft list ruleset", check=True).out
    tables = re.split(r"^(?=table )", text, flags=re.M)
    text = "".join(t for t in tables if not re.match(r"table \w+ via_iface ", t))
    return re.sub(r"packets \d+ bytes \d+", "", text)


def accepts(lab):
    """(family, table, chain, whether it is for what comes back) of each rule with our comment."""
    found = []
    for part in lab.run("nft -j list ruleset", check=True).json()["nftables"]:
        rule = part.get("rule", {})
        if rule.get("comment") == COMMENT:
            back = '"oifname"' in str(rule["expr"]).replace("'", '"')
            found.append((rule["family"], rule["table"], rule["chain"], back))
    return sorted(found)


def wanted(firewall):
    return sorted((*place, back) for place in PLACES[firewall] for back in (False, True))


def seen_from_session(lab):
    """What the server sees of it, by both families."""
    script = f"curl -sg --max-time 3 {lab.url} '{lab.url6}'"
    return lab.via(lab.spare, "--", "sh", "-c", script).out.split()


def works(lab):
    assert seen_from_session(lab) == [lab.spare.addr, lab.spare.addr6]


def signal_daemon(lab, number):
    for pid in lab.daemon_pids():
        os.kill(pid, number)


def wait_accepts(lab, places, seconds=2):
    lab.wait(lambda: accepts(lab) == places, seconds, f"accepts {places}")


# --- a session gets its answers -----------------------------------------------------------------


@params(*FIREWALLS)
@topology("split", "same")
def test_answers(lab, firewall):
    start(lab, firewall)
    before, theirs = lab.snapshot(), rules(lab)
    held = lab.session()
    assert accepts(lab) == wanted(firewall)
    works(lab)
    assert lab.curl() == lab.wired.addr
    # without ours there is no answer: the firewall of this test does drop
    signal_daemon(lab, signal.SIGSTOP)
    delete_accepts(lab)
    inside = f"curl -sg --max-time 0.3 {lab.url}; curl -sg --max-time 0.3 '{lab.url6}'; true"
    with lab.namespace_of(held.pid, "session"):
        assert lab.run(inside, ns="session").out == ""
    signal_daemon(lab, signal.SIGCONT)
    wait_accepts(lab, wanted(firewall))
    works(lab)
    held.finish()
    lab.wait_gone()
    assert rules(lab) == theirs
    lab.assert_same(before)


def delete_accepts(lab):
    listed = lab.run("nft -j -a list ruleset", check=True).json()["nftables"]
    script = ""
    for rule in (part["rule"] for part in listed if "rule" in part):
        if rule.get("comment") == COMMENT:
            place = f"{rule['family']} {rule['table']} {rule['chain']}"
            script += f"delete rule {place} handle {rule['handle']}\n"
    lab.nft(script)


@params("docker", "ufw", "policy", "several")
def test_iptables_reads_it(lab, firewall):
    """A rule that it does not understand would make the whole table "incompatible"."""
    start(lab, firewall)
    saved = [lab.run(f"{tool}-save", check=True).out for tool in ("iptables-nft", "ip6tables-nft")]
    held = lab.session()
    for tool, was in zip(("iptables-nft", "ip6tables-nft"), saved):
        now = lab.run(f"{tool}-save", check=True)
        ours = [line for line in now.out.splitlines() if COMMENT in line]
        assert ours and "incompatible" not in now.out + now.err, now
        assert all(
            re.fullmatch(
                r"-A [\w-]+ (-i via0|-o via0 -m conntrack --ctstate RELATED,ESTABLISHED)"
                r" -m comment --comment \"?via-iface\"? -j ACCEPT",
                line,
            )
            for line in ours
        ), ours
        others = [line for line in now.out.splitlines() if COMMENT not in line]
        strip = re.compile(r"^#.*|\[\d+:\d+\]", re.M)
        assert strip.sub("", "\n".join(others)).split() == strip.sub("", was).split()
        for table in ("filter", "mangle"):
            lab.run(f"{tool} -t {table} -nvL", check=True)
        for line in ours:  # it finds them by their words
            if "*mangle" not in now.out:
                lab.run(f"{tool} {line.replace('-A', '-C')}", check=True)
    held.finish()


@params("docker", "policy")
def test_saved_and_restored(lab, firewall):
    """By iptables' own tools: our comment is then one of xtables' matches, and there may be two of
    a kind. All of them are ours, and go."""
    start(lab, firewall)
    save = "iptables-nft-save | sed 's/^#.*//; s/ *\\[.*//'"
    before = lab.run(save).out
    held = lab.session()
    lab.run("iptables-nft-save | iptables-nft-restore", check=True)
    twice = f"(echo '*filter'; iptables-nft-save | grep {COMMENT}; echo COMMIT)"
    lab.run(f"{twice} | iptables-nft-restore -n", check=True)
    assert lab.run("iptables-nft-save", check=True).out.count(COMMENT) == 4
    works(lab)
    held.finish()
    lab.wait_gone()
    assert lab.run(save).out == before


def test_no_firewall(lab):
    """Chains that drop nothing, or not here, stay as they are."""
    lab.run("iptables-nft -P INPUT DROP; iptables-nft -A INPUT ! -i via0 -j ACCEPT", check=True)
    lab.run("iptables-nft -A FORWARD -i x -j DROP; iptables-nft -N DOCKER-USER", check=True)
    lab.run(
        nft(
            "table inet t {\nchain f {\ntype filter hook forward priority 0\n"
            "iifname x drop\n}\nchain i {\ntype filter hook input priority 0; policy drop\n"
            "iifname != via0 accept\n}\n}"
        ),
        check=True,
    )
    held = lab.session()
    theirs = rules(lab)
    assert COMMENT not in theirs
    works(lab)
    held.finish()
    assert rules(lab) == theirs


def test_owned(lab):
    """A table that only its maker can change (firewalld's): left alone, and no launch fails."""
    owner = lab.popen(["nft", "-i"])
    owner.write(
        "add table inet theirs { flags owner; }\n"
        "add chain inet theirs forward { type filter hook forward priority 0; policy drop; }\n"
        "list tables\n"
    )
    owner.expect("inet theirs")
    assert lab.run("nft add rule inet theirs forward accept").code != 0
    lab.via(lab.spare, "--", "true", check=True)
    owner.write("add rule inet theirs forward accept\nlist table inet theirs\n")
    owner.expect("\t\taccept")
    works(lab)


# --- they change --------------------------------------------------------------------------------

ANSWER = """
import socket, time
end = time.monotonic() + 5
for server, family in ((%r, socket.AF_INET), (%r, socket.AF_INET6)):
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.settimeout(0.002)
    while time.monotonic() < end:
        try:
            s.sendto(b".", (server, 7777))
            s.recv(99)
            print("heard")
            break
        except OSError:
            pass
"""

RELOAD = {
    "docker": lambda lab: DOCKER,
    "ufw": lambda lab: UFW,
    "policy": lambda lab: "iptables-nft -F FORWARD; ip6tables-nft -F FORWARD",
    "nft_policy": lambda lab: "nft delete table inet filter;" + FIREWALLS["nft_policy"],
    "nft_reject": lambda lab: "nft flush ruleset;" + FIREWALLS["nft_reject"],
    "several": lambda lab: "nft flush ruleset;" + FIREWALLS["several"],
}


@params(*RELOAD)
def test_reloaded(lab, firewall):
    """As `docker restart`, `ufw reload` and `nft -f` do it: answers come again at once."""
    start(lab, firewall)
    session = wire.Sender(lab)
    ask = ANSWER % (lab.server, lab.server6)
    assert session.run(ask).split() == ["heard"] * 2
    times = []
    for _ in range(5):
        lab.run(RELOAD[firewall](lab), check=True)
        since = time.monotonic()
        assert session.run(ask).split() == ["heard"] * 2
        times.append(time.monotonic() - since)
        wait_accepts(lab, wanted(firewall))
    print("answers again after", ", ".join(f"{t * 1000:.0f} ms" for t in times))
    assert sorted(times)[2] < 0.1 * lab.scale, times


def test_comes_and_goes(lab):
    """A firewall that starts while a session runs, moves its chain, and stops."""
    held = lab.session(script=f"while read x; do curl -s --max-time 3 {lab.url}; done")
    plain = rules(lab)

    def asks():
        held.out = b""
        held.write("ask\n")
        held.expect(lab.spare.addr + "\n")

    lab.run("iptables-nft -P FORWARD DROP", check=True)
    forward = [("ip", "filter", "FORWARD", back) for back in (False, True)]
    wait_accepts(lab, forward)
    asks()
    lab.run("iptables-nft -N DOCKER-USER; iptables-nft -I FORWARD -j DOCKER-USER", check=True)
    wait_accepts(lab, [("ip", "filter", "DOCKER-USER", back) for back in (False, True)])
    asks()
    lab.run("iptables-nft -D FORWARD -j DOCKER-USER", check=True)
    wait_accepts(lab, forward)
    asks()
    lab.run("iptables-nft -P FORWARD ACCEPT", check=True)
    wait_accepts(lab, [])
    asks()
    lab.run("iptables-nft -A FORWARD -j REJECT", check=True)
    wait_accepts(lab, forward)
    asks()
    lab.run("nft delete table ip filter", check=True)
    wait_accepts(lab, [])
    asks()
    held.finish()
    lab.wait_gone()
    assert rules(lab) == plain


@params("first", "second")
def test_one_accept_deleted(lab, which):
    start(lab, "docker")
    held = lab.session()
    words = ("-i via0", "-o via0 -m conntrack --ctstate RELATED,ESTABLISHED")[which == "second"]
    for _ in range(3):
        lab.run(f"iptables-nft -D DOCKER-USER {words} -m comment --comment {COMMENT} -j ACCEPT", check=True)  # fmt: skip
        wait_accepts(lab, wanted("docker"))
    works(lab)
    held.finish()


class Trace:
    """What the daemon sends to the kernel and hears from it, from when it is at rest."""

    def __init__(self, lab):
        pid = lab.daemon_pid()
        self.path = os.path.join(lab.tmp, "strace.out")
        words = "-qq -e trace=sendto,recvfrom".split()
        self.tracer = lab.popen(["strace", *words, "-o", self.path, "-p", str(pid)])
        self.start = 0

        def attached():
            with open(f"/proc/{pid}/status") as f:
                return f"TracerPid:\t{self.tracer.pid}\n" in f.read()

        def at_rest():  # soon after the launch it looks at the host once more
            text = self.lines()
            time.sleep(0.1)
            return text == self.lines()

        lab.wait(attached, 5, "a traced daemon")
        lab.wait(at_rest, 5, "a daemon at rest")
        self.start = len(self.lines())

    def lines(self, part=""):
        with open(self.path) as f:
            return [line for line in f.read().splitlines()[self.start :] if part in line]


@needs("tool:strace")
def test_their_doings_cost_nothing(lab):
    """A container's rules are no reason to look at the host anew."""
    start(lab, "docker")
    held = lab.session()
    trace = Trace(lab)
    for number in range(20):
        lab.run(
            f"iptables-nft -A DOCKER -d 172.17.0.{number} -p tcp --dport 80 -j ACCEPT;"
            f"iptables-nft -I FORWARD -i br{number} -j ACCEPT;"
            f"nft add table inet t{number}",
            check=True,
        )
    lab.wait(lambda: len(trace.lines("recvfrom")) > 40, 5, "events")
    assert not trace.lines("sendto("), trace.lines("sendto(")[:3]
    lab.run("iptables-nft -F DOCKER-USER", check=True)  # this one is
    lab.wait(lambda: trace.lines("sendto("), 5, "a look at the host")
    wait_accepts(lab, wanted("docker"))
    trace.tracer.stop(signal.SIGINT)
    held.finish()


@needs("tool:strace")
def test_next_launch_asks_no_firewall(lab):
    """Beside a session of the same uplink nothing is dumped."""
    start(lab, "several")
    held = lab.session()
    trace = Trace(lab)
    works(lab)
    assert trace.lines("NFT_MSG_NEWSETELEM"), "a launch adds elements"
    assert not trace.lines("NFT_MSG_GET") and not trace.lines("NFT_MSG_NEWRULE")
    trace.tracer.stop(signal.SIGINT)
    held.finish()


# --- the daemon dies ----------------------------------------------------------------------------


@params(*FIREWALLS)
def test_killed(lab, firewall):
    """The accepts are found again by their comment."""
    start(lab, firewall)
    before = lab.snapshot()
    held = lab.session()
    os.kill(lab.daemon_pid(), signal.SIGKILL)  # its parent starts another
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)

    held = lab.session()
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: not lab.daemon_pids(), 2)
    held.finish()
    assert accepts(lab) == wanted(firewall)
    lab.run([program("via-ifaced"), "--linger", "0"], check=True)
    lab.assert_same(before)


# --- nothing is opened --------------------------------------------------------------------------


@params("docker", "ufw", "nft_policy")
@topology("split", "same")
def test_neighbours(lab, firewall):
    """Who uses this host as his router gets what he got before: by their policy, nothing but ICMP.
    That also holds for new connections to a session when our own table is gone."""
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.sysctl("net.ipv6.conf.all.forwarding", 1)
    start(lab, firewall)
    neighbours = Neighbours(lab)
    assert neighbours.forwarded(_targets(lab)) == set()
    session = wire.Sender(lab)
    assert session.run(ANSWER % (lab.server, lab.server6)).split() == ["heard"] * 2
    assert neighbours.forwarded(_targets(lab, session), (session,)) == set()
    signal_daemon(lab, signal.SIGSTOP)
    lab.run("nft delete table inet via_iface", check=True)
    assert neighbours.forwarded(_targets(lab, session), (session,)) == set()
    signal_daemon(lab, signal.SIGCONT)
    session.finish()


@topology("split", "same")
def test_neighbours_would_be_seen(lab):
    """With a firewall that forwards all, what the test above relies on comes through."""
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.sysctl("net.ipv6.conf.all.forwarding", 1)
    session = wire.Sender(lab)
    signal_daemon(lab, signal.SIGSTOP)
    lab.run("nft delete table inet via_iface", check=True)
    came = Neighbours(lab).forwarded(_targets(lab, session), (session,))
    assert {"session 0", "internet"} <= {name for _, name in came}, came
    signal_daemon(lab, signal.SIGCONT)


@params("docker", "nft_policy")
@topology("split", "same")
def test_spoofing_session(lab, firewall):
    """What a session may not say is not said because of an accept for its bridge."""
    start(lab, firewall)
    scene = Scene(lab)
    a, b = scene.a, scene.b
    for src in (b.addr, lab.wired.addr, lab.spare.addr, "192.0.2.1"):
        for dst in (lab.server, lab.wired.addr, b.addr, lab.wired.gateway):
            packet = wire.udp(src, dst, 4009, 9999, b"hostile")
            a.send(wire.ether(a.gateway_mac, a.mac, wire.IP, packet))
    for src in (b.addr6, lab.wired.addr6):
        packet = wire.udp(src, lab.server6, 4009, 9999, b"hostile")
        a.send(wire.ether(a.gateway_mac, a.mac, wire.IP6, packet))
    scene.nothing_came_of_it()


@params("docker", "nft_policy")
@topology("split", "same")
def test_unmarked(lab, firewall):
    """Nor what the bridge table did not mark: the accept is for the bridge, tc stands before it."""
    start(lab, firewall)
    session = wire.Sender(lab)
    wired, spare = lab.capture_wired(token="hostile"), lab.capture_spare(token="hostile")
    signal_daemon(lab, signal.SIGSTOP)
    lab.run("nft flush chain bridge via_iface prerouting", check=True)
    for kind, src, dst in (
        (wire.IP, session.addr, lab.server),
        (wire.IP, lab.wired.addr, lab.server),
        (wire.IP6, session.addr6, lab.server6),
    ):
        packet = wire.udp(src, dst, 4006, 9999, b"hostile")
        session.send(wire.ether(session.gateway_mac, session.mac, kind, packet))
    time.sleep(0.05)
    assert wired.leaks() == [] and wired.answers() == []
    assert [f for f in spare.stop() if b"hostile" in f.raw] == []
    signal_daemon(lab, signal.SIGCONT)
    session.finish()


@topology("split", "same")
@params("docker", "nft_policy")
def test_closed_without_our_table(lab, firewall):
    """Their accept is in place, our tables are gone: rules and tc hold."""
    start(lab, firewall)
    before = lab.snapshot()
    held = traffic(lab)
    signal_daemon(lab, signal.SIGSTOP)
    watch = Watch(lab)
    lab.run("nft delete table inet via_iface; nft delete table bridge via_iface", check=True)
    assert accepts(lab) == wanted(firewall)
    time.sleep(0.6)
    watch.assert_closed(True)
    signal_daemon(lab, signal.SIGCONT)
    heard_again(lab, held)
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    lab.assert_same(before)


# --- out of reach -------------------------------------------------------------------------------


class Syslog:
    """Where this lab's syslog(3) goes: on a /dev of its own."""

    def __init__(self, lab):
        dev = os.path.join(lab.tmp, "dev")
        script = f"mkdir {dev}; mount -t tmpfs dev {dev}; for n in null zero urandom; do"
        script += f" touch {dev}/$n; mount --bind /dev/$n {dev}/$n; done; mount --rbind {dev} /dev"
        lab.run(f"set -e; {script}", check=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("/dev/log")
        self.sock.setblocking(False)

    def lines(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                found.append(self.sock.recv(4096).decode())
        return found


@needs("tool:iptables-legacy")
@params("iptables", "ip6tables")
def test_legacy(lab, tool):
    """Nothing can be done about iptables-legacy but to say so, once."""
    log = Syslog(lab)
    lab.via(lab.spare, "--", "true", check=True)
    lab.wait_gone()
    assert not [line for line in log.lines() if "legacy" in line]
    if lab.run(f"{tool}-legacy -P FORWARD DROP").code != 0:
        raise Skip(f"no {tool}-legacy in this kernel")
    for _ in range(2):
        lab.via(lab.spare, "--", "true", check=True)
    lines = [line for line in log.lines() if "legacy" in line]
    assert len(lines) == 1 and "iptables-legacy has a filter table" in lines[0], lines
