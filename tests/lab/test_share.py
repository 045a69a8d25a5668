"""`--share GROUP`: the sessions of one group of one user reach each other, by address and as NAME.via,
and nobody else does: not other groups, not other users, not who forges an address. What is between
them is local: it does not depend on an uplink, and does not leave by one."""

import json
import os
import signal
import time

import wire
from flow import state
from lab import Skip, needs, params, program, timeout, topology
from test_who_may import USERS, Site
from wire import ARP, BROADCAST, IP, IP6, ether

PORT = 7777
TOKEN = b"between-sessions"

# In a session: answers at PORT, datagrams and connections of both families, until it ends.
ANSWER = f"""
import socket, threading
def answer(family, kind):
    s = socket.socket(family, kind)
    if family == socket.AF_INET6:
        s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.bind(("", {PORT}))
    if kind == socket.SOCK_STREAM:
        s.listen(64)
    def loop():
        while True:
            if kind == socket.SOCK_DGRAM:
                data, peer = s.recvfrom(2000)
                s.sendto(data, peer)
                continue
            c, _ = s.accept()
            def serve(c=c):
                while data := c.recv(2000):
                    c.sendall(data)
                c.close()
            threading.Thread(target=serve, daemon=True).start()
    threading.Thread(target=loop, daemon=True).start()
for family in (socket.AF_INET, socket.AF_INET6):
    for kind in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        answer(family, kind)
"""

# What of (address, …) answers: a ping, a datagram, a connection. All are asked at once.
ASK = """
import json, select, socket, struct, time
def ask(targets, port, seconds):
    waiting, reached = {}, []
    for at, (name, address) in enumerate(targets):
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        icmp = socket.IPPROTO_ICMPV6 if ":" in address else socket.IPPROTO_ICMP
        for kind in ("ping", "udp", "tcp"):
            s = socket.socket(family, socket.SOCK_STREAM if kind == "tcp" else socket.SOCK_DGRAM,
                              icmp if kind == "ping" else 0)
            s.setblocking(False)
            try:
                s.connect((address, port))
            except BlockingIOError:
                pass
            except OSError:
                continue
            try:
                if kind == "ping":
                    s.send(struct.pack("!BBHHH", 128 if ":" in address else 8, 0, 0, 1, at) + b"between-sessions")
                elif kind == "udp":
                    s.send(b"between-sessions")
            except OSError:
                continue
            waiting[s] = [name, kind + ("6" if ":" in address else "4")]
    end = time.monotonic() + seconds
    sent = set()
    while waiting and time.monotonic() < end:
        r, w, _ = select.select(list(waiting), [s for s in waiting if "tcp" in waiting[s][1] and s not in sent], [], 0.05)
        for s in w:
            sent.add(s)
            try:
                s.send(b"between-sessions")
            except OSError:
                pass
        for s in r:
            try:
                if s.recv(2000):
                    reached.append(waiting[s])
            except OSError:
                pass
            waiting.pop(s).append(0)
            s.close()
    for one in reached:
        del one[2:]
    print(json.dumps(reached))
"""

ALL = {"ping4", "udp4", "tcp4", "ping6", "udp6", "tcp6"}


class Member(wire.Sender):
    """A session that answers, and asks others."""

    def __init__(self, lab, name, group=None, *options, uplink=None, user=None):
        words = ["--name", name, *(["--share", group] if group else []), *options]
        if user:  # root in that user's session: frames by hand take CAP_NET_RAW
            self.held = lab.session(uplink, *words, "--user", user)
            super().__init__(lab, name, "exec")
        else:
            super().__init__(lab, uplink, *words)
        self.name = name
        self.run(ANSWER + ASK)

    def reaches(self, *others, port=PORT, seconds=1.0):
        """{name: kinds} of those that answer; others are members, or (name, address)."""
        targets = []
        for o in others:
            targets += [o] if isinstance(o, tuple) else [(o.name, o.addr), (o.name, o.addr6)]
        told = json.loads(self.run(f"ask({targets!r}, {port}, {seconds * self.lab.sanitized})"))
        found = {}
        for name, kind in told:
            found.setdefault(name, set()).add(kind)
        return found

    def via(self, script, **more):
        """sh in the session, with its files."""
        return self.lab.via("exec", self.name, "--", "sh", "-c", script, **more)

    def names(self, *names):
        """{name: [addresses]} as getaddrinfo(3) has them, from a new process."""
        code = "import socket, sys\nfor n in sys.argv[1:]:\n try: print(n, *sorted({a[4][0] for a in socket.getaddrinfo(n, None)}))\n except OSError: print(n)"
        done = self.lab.via("exec", self.name, "--", "python3", "-c", code, *names, check=True)
        return {line.split()[0]: line.split()[1:] for line in done.out.splitlines()}


def closed(lab, *captures):
    """Nothing of what sessions said to each other has left, by either card."""
    for capture in captures:
        found = [f for f in capture.stop() if TOKEN in f.raw or b"\x03via" in f.raw.lower()]
        assert not found, f"{len(found)} left by {capture.dev}: {found[:5]}"


# --- who reaches whom ---------------------------------------------------------------------------


@needs("root")
@timeout(120)
@topology("split", "same")
def test_table(lab):
    """Seven sessions of two users, in two groups of one name each and in none: 42 pairs, each by a
    ping, a datagram and a connection of either family. Then the same on other uplinks."""
    captures = lab.capture_wired(TOKEN), lab.capture_spare(TOKEN)
    who = {
        "web": ("nobody", "g"),
        "db": ("nobody", "g"),
        "mail": ("nobody", "h"),
        "lone": ("nobody", None),
        "rootweb": (None, "g"),
        "rootdb": (None, "g"),
        "rootlone": (None, None),
    }
    members = {n: Member(lab, n, g, user=u, uplink=lab.wired if n == "db" else None) for n, (u, g) in who.items()}
    for round in ("as started", "moved"):
        table, wrong = [], []
        for a in members.values():
            found = a.reaches(*(b for b in members.values() if b is not a))
            for b in members.values():
                if b is a:
                    continue
                together = who[a.name] == who[b.name] and who[a.name][1]
                got = found.get(b.name, set())
                table.append(f"{a.name:9} {b.name:9} {' '.join(sorted(got)) or '-'}")
                if got != (ALL if together else set()):
                    wrong.append(table[-1])
        print(round, *table, sep="\n")
        assert len(table) == 42 and not wrong, "\n".join(wrong)
        lab.via("move", "web", lab.wired, check=True)
        lab.via("move", "rootdb", lab.wired, check=True)
    closed(lab, *captures)


@topology("split", "same")
def test_beside_no_lan(lab):
    """--no-lan forbids the LAN and not the group; the host and its services stay out of reach."""
    web, db = Member(lab, "web", "g", "--no-lan"), Member(lab, "db", "g")
    host = lab.popen(["python3", "-c", f"{ANSWER}\nprint('ready', flush=True)\ninput()"])
    host.expect("ready\n")
    router = ("router", lab.spare.gateway)
    own = [(f"host{i}", a) for i, a in enumerate((web.gateway, web.gateway6, lab.spare.addr, lab.wired.addr))]
    found = web.reaches(db, router, *own)
    assert found.pop("db") == ALL, found
    assert not [k for kinds in found.values() for k in kinds if "ping" not in k], found
    assert "router" not in found, found
    host.finish()


@needs("root")
def test_nothing_left(lab):
    before = lab.snapshot()
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
    assert web.reaches(db) == {"db": ALL}
    assert sorted(os.listdir("/run/via-iface/share")) == ["0-g"]
    db.finish()
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "its end")
    assert lab.run("nft list set bridge via_iface grp4_0_g", check=True).out.count(web.addr) == 1
    web.finish()
    lab.wait_gone()
    assert not os.path.exists("/run/via-iface/share")
    lab.assert_same(before)


def test_first_and_last(lab):
    """What is the groups' alone is there with the first member, and not without one."""
    lone = Member(lab, "lone")
    def marks():
        return lab.run("nft list ruleset; ip rule; ip -6 rule; ip route show table all; ip -6 route show table all").out
    assert "0x560000ff" not in marks() and "grp" not in marks() and "22271" not in marks()
    for _ in range(2):
        web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
        assert web.reaches(db, lone) == {"db": ALL}
        db.finish()
        web.finish()
        lab.wait(lambda: "560000ff" not in marks() and "22271" not in marks() and "grp" not in marks(), 10, "the end of the group")
    lone.finish()


# --- attacks ------------------------------------------------------------------------------------


class Attack:
    """`a` sends frames by hand; each of the others hears what comes to it."""

    def __init__(self, lab, a, *others):
        self.lab, self.a, self.others = lab, a, others
        self.captures = {o.name: o.capture() for o in others}
        self.wires = lab.capture_wired(), lab.capture_spare()

    def heard(self, token):
        """What each heard of it."""
        found = {n: [f for f in c.peek() if token in f.raw and f.dir == "in"] for n, c in self.captures.items()}
        return {n: frames for n, frames in found.items() if frames}

    def frames(self, token, src, dst, smac, dmac):
        kind = IP6 if ":" in src else IP
        for body in (
            wire.udp(src, dst, 4000, PORT, token),
            wire.tcp(src, dst, 4000, PORT, "S", data=token),
            wire.icmp(src, dst, 128 if ":" in src else 8, 0, b"\0\1\0\1", token),
        ):
            yield ether(dmac, smac, kind, body)

    def control(self, friend):
        """A frame as it should be comes out at a member, behind all the others."""
        for src, dst in ((self.a.addr, friend.addr), (self.a.addr6, friend.addr6)):
            self.a.send(*self.frames(b"control", src, dst, self.a.mac, self.a.gateway_mac))
        self.lab.wait(lambda: friend.name in self.heard(b"control"), 5, "what a member may send")


@needs("root")
@timeout(90)
@topology("split", "same")
def test_forged(lab):
    """A member, and a session that is in no group, with frames made by hand: as each other, as the
    gateway, past the gateway by the member's or the port's MAC, to all."""
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
    lone, other, theirs = Member(lab, "lone"), Member(lab, "other", "h"), Member(lab, "theirs", "g", user="nobody")
    everybody = web, db, lone, other, theirs
    for a, friends in ((web, {"db"}), (lone, set()), (theirs, set()), (other, set())):
        attack = Attack(lab, a, *(o for o in everybody if o is not a))
        n = 0
        for o in attack.others:
            sources = [(a.addr, a.addr6), (a.gateway, a.gateway6), ("8.8.8.8", "2001:db8::8")]
            sources += [(x.addr, x.addr6) for x in everybody if x is not a]
            for src in (s for pair in sources for s in pair):
                six = ":" in src
                dst = o.addr6 if six else o.addr
                for smac in (a.mac, o.mac, a.gateway_mac, db.mac):
                    for dmac in (a.gateway_mac, o.mac, o.port_mac, a.port_mac, BROADCAST, "01:80:c2:00:00:03"):
                        # the MAC of its own port is the host's, too
                        as_ever = src in (a.addr, a.addr6) and smac == a.mac and dmac in (a.gateway_mac, a.port_mac)
                        if as_ever and o.name in friends:
                            continue
                        a.send(*attack.frames(b"hostile", src, dst, smac, dmac))
                        n += 3
        if friends:
            attack.control(db)
        else:
            a.send(*attack.frames(b"control", a.addr, lab.server, a.mac, a.gateway_mac))
            lab.wait(lambda: [f for f in attack.wires[1].peek() if b"control" in f.raw], 5, "what it may send")
        assert attack.heard(b"hostile") == {}, (a.name, attack.heard(b"hostile"))
        left = [f for w in attack.wires for f in w.stop() if b"hostile" in f.raw]
        assert not left, left[:5]
        print(f"{a.name}: {n} frames, none came out")


@needs("root")
@topology("split", "same")
def test_arp(lab):
    """Claims of a member to be another, or the gateway, in ARP and neighbour discovery: nobody hears
    them, and the members still reach each other."""
    web, db, cache = Member(lab, "web", "g"), Member(lab, "db", "g"), Member(lab, "cache", "g")
    attack = Attack(lab, web, db, cache)
    known = [o.inside("ip neigh; ip route; ip -6 route").out for o in (db, cache)]
    host = lab.run("ip neigh show dev via0; bridge fdb show").out
    for victim in (db, cache):
        for claimed, claimed6 in ((db.addr, db.addr6), (cache.addr, cache.addr6), (web.gateway, web.gateway6)):
            for dmac in (BROADCAST, victim.mac, victim.port_mac, web.gateway_mac, "33:33:00:00:00:01"):
                for op in (1, 2):
                    for sha in (web.mac, victim.mac):
                        web.send(ether(dmac, web.mac, ARP, wire.arp(op, sha, claimed, victim.mac, victim.addr)))
                for src in (web.addr6, claimed6, "fe80::1"):
                    for body in (wire.advertisement(claimed6, web.mac), wire.redirect(web.addr6, claimed6, web.mac)):
                        body = wire.icmp6_body(src, victim.addr6, body)
                        web.send(ether(dmac, web.mac, IP6, wire.ip6(src, victim.addr6, 58, body, hops=255)))
    attack.control(db)
    for o, before in zip((db, cache), known, strict=True):
        heard = [f for f in attack.captures[o.name].peek() if f.dir == "in" and (f.eth == "arp" or web.mac == f.smac)]
        assert not heard, heard[:5]
        assert [l for l in o.inside("ip neigh; ip route; ip -6 route").out.splitlines() if web.mac in l] == []
        assert before.splitlines()[0].split()[0] in o.inside("ip neigh").out
    assert lab.run("ip neigh show dev via0; bridge fdb show").out == host
    assert db.reaches(cache, web) == {"cache": ALL, "web": ALL}


@needs("root")
@timeout(90)
def test_of_another_user(lab):
    """A group is its user's: who asks for the group of another by name gets one of his own, also
    with a request made by hand, and the policy may forbid groups."""
    site = Site(lab)
    site.policy("[*]\nuplinks = *\n")
    script = "echo ready; cat"
    held = {}
    for user in ("alice", "bob"):
        held[user] = site.via_popen(user, "--name", user, "--share", "g", str(lab.spare), "--", "sh", "-c", script)
        held[user].expect("ready\n")
    listed = {s["name"]: s for s in lab.via("list", "--json", check=True).json()}
    assert {s["share"] for s in listed.values()} == {"g"}
    assert sorted(os.listdir("/run/via-iface/share")) == sorted(f"{USERS[u]}-g" for u in held)
    for a, b in (("alice", "bob"), ("bob", "alice")):
        theirs = listed[b]["address"]
        done = site.via(a, "exec", a, "--", "sh", "-c", f"getent hosts {a}.via; getent hosts {b}.via; ping -c1 -W1 {theirs}")
        assert f"{a}.via" in done.out and f"{b}.via" not in done.out and "100% packet loss" in done.out, done
    site.policy("[*]\nuplinks = *\nshare = no\n")
    done = site.via("alice", "--share", "x", str(lab.spare), "--", "true")
    assert done.code == 125 and "allows no --share; leave it out" in done.err, done
    assert site.via("alice", str(lab.spare), "--", "true").code == 0  # as it says
    assert site.via("alice", str(lab.spare), "--", "true").code == 0
    for process in held.values():
        process.finish()


# --- what happens to members --------------------------------------------------------------------


CONNECT = """
import socket
c = socket.create_connection(("{}", {}))
c.settimeout(4)
def echo(text):
    try:
        c.sendall(text)
        print(c.recv(100) == text)
    except OSError as e:
        print(e)
"""


class Connection:
    """One of TCP between two members, which is to go on."""

    def __init__(self, a, b, six=False):
        self.a = a
        a.run(CONNECT.format(b.addr6 if six else b.addr, PORT))

    def goes_on(self):
        told = self.a.run("echo(b'between-sessions')").strip()
        return told == "True"


@timeout(90)
@topology("split", "same")
def test_moves(lab):
    """A move, a failover and the loss of all uplinks of one member or both: what is between them goes
    on, the connection too, and nothing of it leaves."""
    captures = lab.capture_wired(TOKEN), lab.capture_spare(TOKEN)
    both = f"{lab.spare},{lab.wired}"
    web, db = Member(lab, "web", "g", uplink=both), Member(lab, "db", "g")
    one, six = Connection(web, db), Connection(db, web, six=True)
    def whole(when):
        assert one.goes_on() and six.goes_on(), when
        assert web.reaches(db) == {"db": ALL} and db.reaches(web) == {"web": ALL}, when
    whole("at the start")
    lab.via("move", "db", lab.wired, check=True)
    whole("after a move")
    lab.via("move", "db", lab.spare, "--only", check=True)
    whole("after a move back")
    lab.ip(f"link set {lab.spare} down")
    def states():
        return {s["name"]: (s["state"], s["uplink"]) for s in lab.via("list", "--json").json()}
    lab.wait(lambda: states()["web"] == ("up", str(lab.wired)) and states()["db"][0] == "blocked", 10, "the failover")
    whole("after a failover, one blocked")
    lab.ip(f"link set {lab.wired} down")
    lab.wait(lambda: states()["web"][0] == "blocked", 10, "both blocked")
    start = time.monotonic()
    lab.wait(lambda: time.monotonic() - start > 4.5, 10, "the time after which others lose their carrier")
    whole("both blocked")
    closed(lab, *captures)


@topology("split", "same")
def test_paused(lab):
    """A pause stops this too, at once and in both directions, and a resume brings it back."""
    web, db, cache = Member(lab, "web", "g"), Member(lab, "db", "g"), Member(lab, "cache", "g")
    lab.via("pause", "db", check=True)
    assert web.reaches(db, cache) == {"cache": ALL}
    assert db.reaches(web, cache) == {}
    start = time.monotonic()
    lab.wait(lambda: time.monotonic() - start > 4, 10, "its carrier off")
    assert db.reaches(web) == {} and web.reaches(db) == {}
    lab.via("resume", "db", check=True)
    lab.wait(lambda: db.reaches(web) == {"web": ALL}, 5, "the resume")
    assert web.reaches(db, cache) == {"db": ALL, "cache": ALL}


def test_stopped(lab):
    """A member that is stopped is out of its group at once; the others are in it."""
    web, db, cache = Member(lab, "web", "g"), Member(lab, "db", "g"), Member(lab, "cache", "g")
    lab.via("stop", "db", check=True)
    assert web.reaches(db, cache) == {"cache": ALL}

    def elements():
        return lab.run("nft list set bridge via_iface grp4_0_g; nft list map bridge via_iface groups").out

    lab.wait(lambda: db.addr not in elements() and f'"{db.port}"' not in elements(), 5, "the end of its elements")
    lab.wait(lambda: web.names("db.via") == {"db.via": []}, 5, "the end of its name")


@timeout(90)
@topology("split", "same")
def test_daemon_killed(lab):
    """With no daemon the group goes on as it is; the next one finds it, and its names, by the
    aliases: it leaves alone what is right, and mends what changed meanwhile."""
    web, db, gone = Member(lab, "web", "g"), Member(lab, "db", "g"), Member(lab, "gone", "g")
    lone = Member(lab, "lone")
    connection = Connection(web, db)
    whole = state(lab, "rules", "routes", "nft")
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    assert connection.goes_on() and web.reaches(db, lone) == {"db": ALL}
    lab.via("list", check=True)
    Member(lab, "kick").finish()  # whoever needs a daemon starts one
    lab.wait(lambda: state(lab, "rules", "routes", "nft") == whole, 10, "the same state")
    assert connection.goes_on() and web.reaches(db, gone, lone) == {"db": ALL, "gone": ALL}
    lab.wait(lambda: lab.daemon_pids(), 5, "a daemon")
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    gone.finish()
    Member(lab, "kick").finish()  # of no group
    lab.wait(lambda: web.names("gone.via") == {"gone.via": []}, 10, "the end of its name")
    late = Member(lab, "late", "g")
    assert web.names("late.via") == {"late.via": [late.addr, late.addr6]}
    assert web.reaches(late, db, lone) == {"late": ALL, "db": ALL} and connection.goes_on()


TOUCHED = {
    "element": "nft delete element bridge via_iface grp4_0_g '{{ {addr} }}'",
    "element6": "nft delete element bridge via_iface grp6_0_g '{{ {addr6} }}'",
    "port": "nft delete element bridge via_iface groups '{{ {port} }}'",
    "sets": "nft flush set bridge via_iface grp4_0_g; nft flush set bridge via_iface grp6_0_g",
    "map": "nft flush map bridge via_iface groups",
    "chain": "nft flush chain bridge via_iface grp_0_g",
    "stranger": "nft add element bridge via_iface grp4_0_g '{{ {lone} }}'",
    "stranger_port": "nft add element bridge via_iface groups '{{ {lone_port} : jump grp_0_g }}'",
    "notrack": "nft flush chain inet via_iface zone",
    "forward": "nft flush chain inet via_iface from_session",
    "table": "nft delete table bridge via_iface",
    "ruleset": "nft flush ruleset",
    "rule": "ip rule del fwmark 0x560000ff/0xff0000ff; ip -6 rule del fwmark 0x560000ff/0xff0000ff",
    "routes": "ip route flush table 22271; ip -6 route flush table 22271",
    "isolated": "bridge link set dev {port} isolated off",
}


@timeout(90)
def test_heals(lab):
    """Whatever of it another program changes comes back. Until then it may be closed, and is not
    open to others: seen with a stopped daemon."""
    web, db, lone = Member(lab, "web", "g"), Member(lab, "db", "g"), Member(lab, "lone")
    words = {"addr": db.addr, "addr6": db.addr6, "port": db.port, "lone": lone.addr, "lone_port": lone.port}
    whole = state(lab, "rules", "routes", "nft", "links")
    for name, text in TOUCHED.items():
        for pid in lab.daemon_pids():
            os.kill(pid, signal.SIGSTOP)
        lab.run(text.format(**words))
        differs = state(lab, "rules", "routes", "nft", "links") != whole or name == "isolated"
        assert differs, f"{name} changed nothing"
        if not name.startswith("stranger"):
            assert lone.reaches(web, db, seconds=0.3) == {}, name
        for pid in lab.daemon_pids():
            os.kill(pid, signal.SIGCONT)
        lab.wait(lambda: state(lab, "rules", "routes", "nft", "links") == whole, 10, f"{name}: healed")
        assert web.reaches(db, lone) == {"db": ALL} and db.reaches(web) == {"web": ALL}, name


@timeout(90)
@params(
    nft="nft add table inet own; nft add chain inet own transit '{ type filter hook forward priority 0; policy drop; }'",
    iptables="iptables-nft -P FORWARD DROP; ip6tables-nft -P FORWARD DROP",
    state="nft -f - <<< 'table inet own { chain transit { type filter hook forward priority 0; ct state invalid drop; }; }'",
    marks="nft -f - <<< 'table inet own { chain pre { type filter hook prerouting priority mangle; meta mark set ct mark; }; }'",
    rp_filter="for d in all via0 default; do echo 1 > /proc/sys/net/ipv4/conf/$d/rp_filter; done",
    redirects="for d in all via0 default; do echo 1 > /proc/sys/net/ipv4/conf/$d/send_redirects; done",
)
def test_beside_others(lab, setting):
    """What others' firewalls and the administrator's sysctls usually have changes nothing. No member
    hears a redirect, which would have it ask for the other on the link."""
    lab.run(["bash", "-c", setting], check=True)
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
    lone = Member(lab, "lone")
    heard = web.capture()
    for _ in range(2):
        assert web.reaches(db, lone) == {"db": ALL} and db.reaches(web) == {"web": ALL}
    assert not [f for f in heard.stop() if f.dir == "in" and (f.proto, f.icmp) in (("icmp", 5), ("icmp6", 137))]
    assert web.run("import subprocess; print(subprocess.run(['ip', 'route', 'get', '%s'], capture_output=True).stdout)" % db.addr).count(web.gateway) == 1


@needs("root")
def test_after_all_are_killed(lab):
    """Neither the daemon nor its supervisor is left when the sessions end: the next one finds what is
    left, and the file of the group too."""
    before = lab.snapshot()
    web = Member(lab, "web", "g")
    for pid in [p for p in lab.processes("via-ifaced")]:
        os.kill(pid, signal.SIGKILL)
    web.finish()
    assert os.listdir("/run/via-iface/share") == ["0-g"]
    lab.wait(lambda: not lab.link_exists(web.port), 10, "the end of its port")
    lab.run([program("via-ifaced"), "--linger", "0"], check=True)
    assert not os.path.exists("/run/via-iface/share")
    lab.assert_same(before)


def test_big_packets(lab):
    """A member with a smaller MTU tells it: large datagrams and streams arrive in both directions."""
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g", "--mtu=1300")
    for a, b in ((web, db), (db, web)):
        for address in (b.addr, b.addr6):
            a.run(CONNECT.format(address, PORT))
            code = "c.sendall(b'x' * 200000); n = 0\nwhile n < 200000: n += len(c.recv(65536))\nprint(n)"
            assert a.run(code).strip() == "200000"
    assert "bytes from" in web.via(f"ping -c4 -i0.2 -W2 -s 1400 {db.addr}").out  # behind the first


def test_errors(lab):
    """What a member says about a packet of another's is heard: a port that nobody has."""
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
    for address in (db.addr, db.addr6):
        told = web.run(
            f"s = socket.socket({'socket.AF_INET6' if ':' in address else 'socket.AF_INET'}, socket.SOCK_DGRAM)\n"
            f"s.connect(('{address}', 9)); s.settimeout(2); s.send(b'x')\n"
            "try: s.recv(9)\nexcept OSError as e: print(type(e).__name__)"
        )
        assert told.strip() == "ConnectionRefusedError", told


def test_nothing_tracked(lab):
    """What members say to each other takes no entry of the host's connection tracking."""
    web, db = Member(lab, "web", "g"), Member(lab, "db", "g")
    assert web.reaches(db) == {"db": ALL}
    try:
        with open("/proc/net/nf_conntrack") as f:
            text = f.read()
    except OSError:
        raise Skip("no /proc/net/nf_conntrack") from None
    assert not [l for l in text.splitlines() if web.addr in l and db.addr in l], text


def test_joined(lab):
    """--join with the group of the session; neither without it nor with another."""
    web = Member(lab, "web", "g")
    join = ["--join", "web", str(lab.spare), "--", "true"]
    assert lab.via("--share", "g", *join).code == 0
    for words, reason in ((join, "it has --share, which was not asked for"), (["--share", "h", *join], "it runs without this --share")):
        done = lab.via(*words)
        assert done.code == 125 and reason in done.err, done
    web.finish()
