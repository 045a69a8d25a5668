"""All that a program sends and gets, by its uplink alone, whatever the host is set to."""

import json
import os
import socket
import struct
import time

import wire
from lab import SERVER, SERVER6, needs, params, timeout, topology

BULK = 8 << 20

# Everything that a program may do with a network, once; prints a line for each.
EXERCISE = f"""
import hashlib, os, socket, subprocess
def sh(command):
    return subprocess.run(command, shell=True, capture_output=True, text=True).stdout.strip()
print("http", sh("curl -s -m 5 http://{SERVER}/"))
print("http6", sh("curl -sg -m 5 'http://[{SERVER6}]/'"))
print("ping", sh("ping -n -c 3 -i 0.02 -W 2 {SERVER} | grep -o '[0-9]* received'"))
print("ping6", sh("ping -n -c 3 -i 0.02 -W 2 {SERVER6} | grep -o '[0-9]* received'"))
print("down", sh("curl -s -m 20 http://{SERVER}/bytes/{BULK} | wc -c"))
print("down6", sh("curl -sg -m 20 'http://[{SERVER6}]/bytes/{BULK}' | wc -c"))
data = os.urandom(1 << 16) * {BULK >> 16}
for word, host in (("up", "{SERVER}"), ("up6", "[{SERVER6}]")):
    got = subprocess.run(["curl", "-sg", "-m", "20", "-T", "-", "-H", "Transfer-Encoding:",
                          "-H", "Content-Length: {BULK}", "http://" + host + "/"],
                         input=data, capture_output=True).stdout.decode().split()
    print(word, got == ["{BULK}", hashlib.sha256(data).hexdigest()])
for word, family, server in (("udp", socket.AF_INET, "{SERVER}"), ("udp6", socket.AF_INET6, "{SERVER6}")):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.settimeout(0.7)
    u.connect((server, 7777))
    for size in (5, 1400, 8000):
        for attempt in range(4):
            try:
                u.send(bytes(size))  # the first that is too big is lost for the news of it
                seen, _, back = u.recv(65535).partition(b"\\n")
                break
            except OSError:
                seen, back = b"nothing", b""
        print(word, size, seen.split()[0].decode(), len(back))
"""


def exercise(lab, uplink, *more):
    """What EXERCISE prints when all is well."""
    udp = "".join(
        f"{word} {size} {address} {size}\n"
        for word, address in (("udp", uplink.addr), ("udp6", uplink.addr6))
        for size in (5, 1400, 8000)
    )
    return (
        f"http {uplink.addr}\nhttp6 {uplink.addr6}\nping 3 received\nping6 3 received\n"
        f"down {BULK}\ndown6 {BULK}\nup True\nup6 True\n{udp}"
    )


def run_exercise(lab, uplink=None, *options):
    uplink = uplink or lab.spare
    words = (*options, uplink, "--", "/usr/bin/python3", "-c", EXERCISE)
    done = lab.via(*words, timeout=30)
    assert done.code == 0, done
    wanted = exercise(lab, uplink)
    assert done.out == wanted, lab.difference({"exercise": wanted}, {"exercise": done.out})


def nothing_by(capture):
    assert capture.leaks() == [], capture.leaks()[:5]
    assert capture.answers() == [], capture.answers()[:5]


def sysctl_changes(before, after):
    """Names that differ or are new, without those of our own links."""
    names = {n for n in {**before, **after} if before.get(n) != after.get(n)}
    return {n for n in names if "/via" not in n}


# --- whatever the host is set to ----------------------------------------------------------------


@topology("split", "same")
@params(0, 1, 2)
def test_reverse_path_filter(lab, value):
    for dev in ("all", "default", lab.wired.dev, lab.spare.dev):
        lab.sysctl(f"net/ipv4/conf/{dev}/rp_filter", value)
    before = lab.snapshot()
    wired = lab.capture_wired()
    held = lab.session()
    run_exercise(lab)
    assert lab.curl() == lab.wired.addr and lab.curl(lab.url6) == lab.wired.addr6
    nothing_by(wired)
    for dev in ("all", "default", lab.wired.dev, lab.spare.dev):
        assert lab.sysctl(f"net/ipv4/conf/{dev}/rp_filter") == str(value), "it was loosened"
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


@needs("sysctl:net.bridge.bridge-nf-call-iptables")
@topology("split", "same")
@params(0, 1)
def test_bridge_netfilter(lab, value):
    for name in ("iptables", "ip6tables", "arptables"):
        lab.sysctl(f"net.bridge.bridge-nf-call-{name}", value)
    wired = lab.capture_wired()
    run_exercise(lab)
    nothing_by(wired)
    wired = lab.capture_wired()
    for dev in ("all", "default", lab.wired.dev, lab.spare.dev):
        lab.sysctl(f"net/ipv4/conf/{dev}/rp_filter", 1)
    run_exercise(lab)
    nothing_by(wired)


@topology("split", "same")
def test_wired_uplink(lab):
    """The preferred card by name: the other one sees nothing."""
    spare = lab.capture_spare(token="by-the-wired")
    held = wire.Sender(lab, lab.wired)
    run_exercise(lab, lab.wired)
    held.run(f"u = socket.socket(type=socket.SOCK_DGRAM); u.sendto(b'by-the-wired', ('{SERVER}', 9))")
    mine = [f for f in spare.stop() if f.dir == "in" and b"by-the-wired" in f.raw]
    assert mine == [], mine


@topology("split", "same")
def test_host_goes_its_own_way(lab):
    """With sessions on both cards the host itself leaves as before, by name too."""
    held = [lab.session(), lab.session(lab.wired)]
    for url, key in ((lab.url, "addr"), (lab.url6, "addr6")):
        assert lab.curl(url) == getattr(lab.wired, key)
        for uplink in (lab.wired, lab.spare):
            seen = lab.run(["curl", "-sg", "-m", "3", "--interface", uplink.dev, url], check=True)
            assert seen.out.strip() == getattr(uplink, key), (url, uplink.dev, seen.out)
    lab.run(["ping", "-c1", "-W1", lab.server], check=True)
    lab.run(["ping", "-c1", "-W1", lab.server6], check=True)
    for one in held:
        one.finish()


@topology("same")
def test_the_right_card_answers(lab):
    """Both cards in one subnet: only the uplink's own says where the uplink's address is."""
    held = lab.session()
    mac = "02:00:00:00:99:99"
    for router in (lab.spare.router, lab.wired.router):
        eyes = lab.capture(router, "lan")
        with lab.inside(router):
            sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
            sock.bind(("lan", 0))
            for _ in range(5):
                for uplink in (lab.spare, lab.wired):
                    request = wire.arp(1, mac, "192.168.1.99", "00:00:00:00:00:00", uplink.addr)
                    sock.send(wire.ether(wire.BROADCAST, mac, wire.ARP, request))
        lab.wait(
            lambda: sum(f.src == lab.wired.addr for f in eyes.peek() if f.eth == "arp") >= 5,
            2, "the wired card answers for its own address, as ever",
        )  # fmt: skip
        answers = [f for f in eyes.stop() if f.eth == "arp" and f.src == lab.spare.addr]
        assert len(answers) == 5 and {f.smac for f in answers} == {lab.spare.mac}, answers
    held.finish()


@topology("same")
@params("ip4", "ip6")
def test_host_speaks_from_the_uplinks_address(lab, family):
    """The host itself answers a neighbour from the uplink's address, by the card that it prefers
    (and asks for the neighbour's MAC in that name): nobody then takes that card for the way to the
    uplink's address, and the session goes on."""
    address, server = (
        (lab.spare.addr, SERVER) if family == "ip4" else (lab.spare.addr6, SERVER6)
    )
    session = wire.Sender(lab)
    session.run(f"t = socket.create_connection(('{server}', 7)); t.settimeout(2)")
    for router in (lab.spare.router, lab.wired.router) * 2:
        for dev in (lab.wired.dev, lab.spare.dev):
            lab.run(f"ip neigh flush dev {dev}", check=True)
        lab.run("ip neigh flush dev lan", ns=router, check=True)
        lab.run(["ping", "-n", "-c1", "-W1", address], ns=router, check=True)
        entry = lab.ip(f"neigh show {address} dev lan", ns=router)
        assert lab.spare.mac in entry, f"taken for the uplink's card: {entry}"
        assert session.run("t.send(b'on'); print(t.recv(9).decode())") == "on\n"


# --- switches of the host -----------------------------------------------------------------------

UPLINK_SYSCTLS = {
    "net/ipv4/conf/{}/forwarding",
    "net/ipv4/conf/{}/src_valid_mark",
    "net/ipv6/conf/{}/force_forwarding",
}

# How much of unfinished datagrams the host may keep: one for all uplinks.
FRAGMENT_SYSCTLS = {
    "net/ipv4/ipfrag_high_thresh",
    "net/netfilter/nf_conntrack_frag6_high_thresh",
}


def arp_switches(lab, other):
    """With two cards in one subnet the other one must speak ARP in its own name."""
    return {f"net/ipv4/conf/{other.dev}/arp_announce"} if lab.topology == "same" else set()


@topology("split", "same")
def test_only_switches_of_the_uplink(lab):
    before = lab.sysctls()
    held = lab.session()
    during = lab.sysctls()
    allowed = {name.format(lab.spare.dev) for name in UPLINK_SYSCTLS} | arp_switches(lab, lab.wired)
    allowed |= FRAGMENT_SYSCTLS
    changed = sysctl_changes(before, during)
    assert changed and changed <= allowed, changed - allowed
    for name in ("net/ipv4/ip_forward", "net/ipv4/conf/all/forwarding", "net/ipv6/conf/all/forwarding",
                 "net/ipv4/conf/default/forwarding", f"net/ipv4/conf/{lab.wired.dev}/forwarding"):  # fmt: skip
        assert during[name] == "0", name
    second = lab.session(lab.wired)
    allowed |= {name.format(lab.wired.dev) for name in UPLINK_SYSCTLS} | arp_switches(lab, lab.spare)
    assert sysctl_changes(before, lab.sysctls()) <= allowed
    second.finish()
    lab.wait(
        lambda: sysctl_changes(before, lab.sysctls()) == changed, 3,
        "the switches of an uplink that nobody uses any more are put back",
    )  # fmt: skip
    held.finish()
    lab.wait_gone()
    assert sysctl_changes(before, lab.sysctls()) == set()


@topology("split", "same")
def test_a_host_that_forwards(lab):
    """Forwarding was on: nothing of it is touched, then or at the end."""
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.sysctl("net.ipv6.conf.all.forwarding", 1)
    before, state = lab.sysctls(), lab.snapshot()
    wired = lab.capture_wired()
    held = lab.session()
    changed = sysctl_changes(before, lab.sysctls())
    allowed = {f"net/ipv4/conf/{lab.spare.dev}/src_valid_mark"} | arp_switches(lab, lab.wired)
    allowed |= FRAGMENT_SYSCTLS
    assert changed <= allowed, changed
    run_exercise(lab)
    held.finish()
    lab.wait_gone()
    nothing_by(wired)
    lab.assert_same(state)


def test_switches_that_were_on(lab):
    """Those of the uplink were on already: they stay on."""
    for name in UPLINK_SYSCTLS:
        path = name.format(lab.spare.dev)
        if os.path.exists("/proc/sys/" + path):
            lab.sysctl(path, 1)
    before = lab.sysctls()
    held = lab.session()
    assert sysctl_changes(before, lab.sysctls()) <= FRAGMENT_SYSCTLS
    held.finish()
    lab.wait_gone()
    assert sysctl_changes(before, lab.sysctls()) == set()


# --- several ------------------------------------------------------------------------------------


def slots(lab):
    """{table number: uplink} as the rules and tables say."""
    found = {}
    for rule in json.loads(lab.ip("-j rule")):
        if rule["priority"] == 5180:
            routes = json.loads(lab.ip(f"-j route show table {rule['table']}"))
            dev = [r["dev"] for r in routes if r["dst"] == "default" and "dev" in r]
            found[int(rule["table"])] = dev[0] if dev else None
    return found


@topology("split", "same")
def test_several_at_once(lab):
    """Two on each uplink, all talking at the same time; an uplink has its table while it is used."""
    before = lab.snapshot()
    wired = lab.capture_wired()
    spares = [wire.Sender(lab), wire.Sender(lab)]
    assert slots(lab) == {22017: lab.spare.dev}
    nothing_by(wired)
    wireds = [wire.Sender(lab, lab.wired), wire.Sender(lab, lab.wired)]
    assert slots(lab) == {22017: lab.spare.dev, 22018: lab.wired.dev}
    everyone = spares + wireds
    assert len({s.addr for s in everyone}) == len({s.addr6 for s in everyone}) == 4
    assert len({s.mac for s in everyone}) == len({s.port for s in everyone}) == 4
    again = [
        lab.via_popen(uplink, "--", "/usr/bin/python3", "-c", EXERCISE)
        for uplink in (lab.spare, lab.wired, lab.spare, lab.wired)
    ]
    for process, uplink in zip(again, (lab.spare, lab.wired) * 2):
        done = process.finish(40)
        assert done.out == exercise(lab, uplink), done
    for s in spares:
        s.finish()
    lab.wait(lambda: slots(lab) == {22018: lab.wired.dev}, 3, "the slot of an uplink is free again")
    spares = [wire.Sender(lab)]
    assert slots(lab) == {22017: lab.spare.dev, 22018: lab.wired.dev}
    for s, uplink in ((spares[0], lab.spare), (wireds[0], lab.wired)):
        s.run("u = socket.socket(type=socket.SOCK_DGRAM); u.settimeout(2)")
        out = s.run(f"u.sendto(b'.', ('{SERVER}', 7777)); print(u.recv(99).split()[0].decode())")
        assert out.strip() == uplink.addr, out
    for s in (*wireds, *spares):
        s.finish()
    lab.wait_gone()
    lab.assert_same(before)


@topology("split", "same")
def test_one_of_two_ends(lab):
    """A connection on the uplink goes on when the other session of that uplink ends."""
    wired = lab.capture_wired()
    one, two = wire.Sender(lab), wire.Sender(lab)
    one.run(f"t = socket.create_connection(('{SERVER}', 7)); t.settimeout(2)")
    two.run(f"t = socket.create_connection(('{SERVER}', 7)); t.settimeout(2)")
    talk = "t.send(b'on'); print(t.recv(9).decode())"
    assert one.run(talk) == two.run(talk) == "on\n"
    two.finish()
    for _ in range(20):
        assert one.run(talk) == "on\n"
        time.sleep(0.01)
    one.finish()
    nothing_by(wired)


@topology("split", "same")
def test_same_ports(lab):
    """Two sessions of one uplink and one of the other, all from the same port to the same place."""
    senders = [wire.Sender(lab), wire.Sender(lab), wire.Sender(lab, lab.wired)]
    for s in senders:
        s.run(
            "u = socket.socket(type=socket.SOCK_DGRAM); u.bind(('0.0.0.0', 5353)); u.settimeout(2)\n"
            f"u.connect(('{SERVER}', 7777))"
        )
    for n in range(3):
        for s, uplink in zip(senders, (lab.spare, lab.spare, lab.wired)):
            out = s.run(f"u.send(b'{s.addr} {n}'); print(u.recv(99).decode())").split()
            assert out[0] == uplink.addr and out[2:] == [s.addr, str(n)], out


@topology("split", "same")
def test_launch_during_linger(lab):
    """The next one comes while the daemon waits for it, by the other uplink and by the same one."""
    lab.via(lab.spare, "--", "true", check=True)
    pid = lab.daemon_pid()
    for uplink in (lab.wired, lab.spare, lab.spare, lab.wired):
        done = lab.via(uplink, "--", "curl", "-sg", "-m", "5", lab.url, lab.url6)
        assert done.out.split() == [uplink.addr, uplink.addr6], done
        assert lab.daemon_pid() == pid
    lab.wait_gone()


# --- size ---------------------------------------------------------------------------------------


def mss(frame):
    """Of a SYN: the segment size that it offers."""
    at = 14 + (20 if frame.eth == "ip" else 40)
    header = frame.raw[at : at + (frame.raw[at + 12] >> 4) * 4]
    options = header[20:]
    while options:
        if options[0] == 1:
            options = options[1:]
            continue
        if options[0] == 2:
            return struct.unpack("!H", options[2:4])[0]
        options = options[options[1] :]
    return None


@topology("split", "same")
@params(before=True, during=False)
def test_smaller_mtu(lab, before):
    """The uplink's packets are smaller: the far side is told in the SYN, both ways, and datagrams
    that are too big arrive nonetheless."""
    size = 1300

    def narrow():
        lab.ip(f"link set {lab.spare.dev} mtu {size}")

    if before:
        narrow()
    session = wire.Sender(lab)
    if not before:
        narrow()
    # What is bigger does not get through the cable, whoever sends it.
    ns, dev = lab.spare.far
    lab.ip(f"link set {dev} mtu {size}", ns=ns)
    if lab.topology == "same":
        lab.ip(f"link set lan mtu {size}", ns=lab.spare.router)
    wired, spare, inside = lab.capture_wired(), lab.capture_spare(), session.capture()
    out = session.run(EXERCISE, 30)
    assert out == exercise(lab, lab.spare), out
    offered = {
        (f.eth, f.dir): mss(f) for f in spare.stop() if f.proto == "tcp" and f.flags == "S"
    }
    assert offered[("ip", "in")] == size - 40 and offered[("ip6", "in")] == size - 60, offered
    answered = {f.eth: mss(f) for f in inside.stop() if f.flags == "SA" and f.dir == "in"}
    assert answered == {"ip": size - 40, "ip6": size - 60}, answered
    # (a captured segment may be one that the card would still have to cut)
    assert max(f.length for f in spare.stop() if f.proto != "tcp") <= size
    nothing_by(wired)


@topology("split", "same")
@params(1280, 1400, 576)
def test_mtu_option(lab, size):
    """--mtu: the session's own card; what is bigger is cut or told, in both directions. A size
    that IPv6 forbids is refused with it."""
    if size < 1280:
        script = f"ip link show eth0; curl -s -m 5 {lab.url}bytes/100000 | wc -c"
        done = lab.via("--mtu", size, "--ipv6", "off", lab.spare, "--", "sh", "-c", script)
        assert done.code == 0 and f"mtu {size}" in done.out, done
        assert done.out.split()[-1] == "100000", done
        done = lab.via("--mtu", size, lab.spare, "--", "true")
        assert done.code == 125 and "1280" in done.err, done
        return
    session = wire.Sender(lab, lab.spare, "--mtu", size)
    assert f"mtu {size}" in session.inside("ip link show eth0").out
    eyes, wired = session.capture(), lab.capture_wired()
    out = session.run(EXERCISE, 30)
    nothing_by(wired)
    assert out == exercise(lab, lab.spare), out
    assert max(f.length for f in eyes.stop() if f.proto != "tcp") <= size


@topology("split", "same")
def test_errors_go_by_the_uplink(lab):
    """What the host has to say about a packet for a session (too big, too old) quotes it: that goes
    back by the way it came, not by the wired card."""
    session = wire.Sender(lab, lab.spare, "--mtu", 1280)
    ports = session.run(
        "for n, (server, family) in enumerate((('%s', socket.AF_INET), ('%s', socket.AF_INET6))):\n"
        "    u = socket.socket(family, socket.SOCK_DGRAM); u.bind(('', 5000 + n)); u.settimeout(1)\n"
        "    u.sendto(b'.', (server, 7777)); print(u.recv(99).split()[1].decode())" % (SERVER, SERVER6)
    )
    port4, port6 = map(int, ports.split())  # as the server sees them
    wired, spare = lab.capture_wired(token="to-a-session"), lab.capture_spare()
    with lab.inside(lab.spare.router):
        sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        sock.bind(("lan", 0))
        mac = sock.getsockname()[4].hex(":")
    big, small = b"to-a-session".ljust(1390, b"."), b"to-a-session"
    for data, more, more6 in ((big, {"fragment": 0x4000}, {}), (small, {"ttl": 1}, {"hops": 1})):
        for src, dst, port, kind, how in (
            (SERVER, lab.spare.addr, port4, wire.IP, more),
            (SERVER6, lab.spare.addr6, port6, wire.IP6, more6),
        ):
            packet = wire.udp(src, dst, 7777, port, data, **how)
            sock.send(wire.ether(lab.spare.mac, mac, kind, packet))
    told = {("icmp", 3), ("icmp", 11), ("icmp6", 2), ("icmp6", 3)}
    time.sleep(0.1)
    nothing_by(wired)
    seen = {(f.proto, f.icmp) for f in spare.peek() if f.dir == "in" and f.icmp_error}
    assert seen == told, seen


# --- an uplink that goes away -------------------------------------------------------------------


def lose(lab, how):
    dev = lab.spare.dev
    if how == "down":
        lab.ip(f"link set {dev} down")
    elif how == "carrier":
        ns, far = lab.spare.far
        lab.ip(f"link set {far} down", ns=ns)
    elif how == "address":
        lab.ip(f"addr flush dev {dev}")
    elif how == "route":
        lab.ip(f"route del default dev {dev}")
        lab.ip(f"-6 route del default dev {dev}")
    elif how == "gone":
        lab.ip(f"link del {dev}")


def give_back(lab, how):
    u = lab.spare
    if how == "carrier":
        ns, far = u.far
        lab.ip(f"link set {far} up", ns=ns)
        if ns == u.router:  # it lost its IPv6 address meanwhile
            lab.ip(f"addr replace {u.gateway6}/64 dev {far} nodad", ns=ns)
    else:
        lab.ip(f"link set {u.dev} up")
    lab.wait(lambda: lab.carrier(u.dev), 3, "the carrier")
    net, net6 = u.addr.rsplit(".", 1)[0] + ".0/24", u.addr6.split("::")[0] + "::/64"
    for words in (
        f"addr replace {u.addr}/24 dev {u.dev} noprefixroute",
        f"addr replace {u.addr6}/64 dev {u.dev} nodad noprefixroute",
        f"route replace {net} dev {u.dev} src {u.addr} metric {u.metric} proto kernel scope link",
        f"route replace {net6} dev {u.dev} metric {u.metric} proto kernel",
        f"route replace default via {u.gateway} dev {u.dev} metric {u.metric}",
        f"-6 route replace default via {u.gateway6} dev {u.dev} metric {u.metric}",
    ):
        lab.ip(words)


# A connection, a datagram that expects an answer, and one that does not.
BEACON = f"""
import errno, socket, time
def attempt(family, server):
    t = socket.socket(family, socket.SOCK_STREAM)
    t.settimeout(0.4)
    try:
        t.connect((server, 7))
        t.send(b"lost-uplink")
        t.recv(99)
        return "through"
    except socket.timeout:
        return "silence"
    except OSError as error:
        return errno.errorcode[error.errno]
    finally:
        t.close()
def ask(family, server):
    u = socket.socket(family, socket.SOCK_DGRAM)
    u.settimeout(0.4)
    if family == socket.AF_INET:
        u.setsockopt(socket.IPPROTO_IP, 11, 1)  # IP_RECVERR: an unreachable network is told too
    else:
        u.setsockopt(socket.IPPROTO_IPV6, 25, 1)  # IPV6_RECVERR
    try:
        u.connect((server, 7777))
        u.send(b"lost-uplink")
        u.recv(99)
        return "through"
    except socket.timeout:
        return "silence"
    except OSError as error:
        return errno.errorcode[error.errno]
def beacon(family, server):
    u = socket.socket(family, socket.SOCK_DGRAM)
    try:
        u.sendto(b"lost-uplink", (server, 7777))
    except OSError:
        pass
FAMILIES = (socket.AF_INET, "{SERVER}"), (socket.AF_INET6, "{SERVER6}")
"""


@timeout(90)
@topology("split", "same")
@params("down", "carrier", "address", "route", "gone")
def test_uplink_lost(lab, how):
    """The program is told that there is no way, at once and in both families; not one packet takes
    the other card. Where the uplink comes back, so does the program."""
    session = wire.Sender(lab)
    session.run(BEACON)
    session.run(f"t = socket.create_connection(('{SERVER}', 7)); t.settimeout(1)")
    wired = lab.capture_wired(token="lost-uplink")
    both = "for f in FAMILIES: print(attempt(*f), end=' ')"
    asked = "for f in FAMILIES: print(ask(*f), end=' ')"
    assert session.run(both).split() == ["through"] * 2
    lose(lab, how)
    told = {"ENETUNREACH", "EHOSTUNREACH"}
    # The kernel says it a few times at once and then about once a second to one address
    # (net/ipv4/route.c:ip_error), so this comes before the beacons.
    result = [set(), set()]
    lab.wait(
        lambda: [r.add(x) for r, x in zip(result, session.run(asked).split())]
        and all(r & told for r in result),
        5, "each family is told that there is no way", step=0.2,
    )  # fmt: skip
    session.run("for n in range(50):\n  for f in FAMILIES: beacon(*f); time.sleep(0.002)")
    session.run("try: t.send(b'lost-uplink')\nexcept OSError: pass")
    assert "through" not in session.run(both)
    assert lab.curl() == lab.wired.addr, "the host itself goes on"
    assert lab.via("list", "--json").json(), "the session stays"
    if how != "gone":
        give_back(lab, how)
        lab.wait(
            lambda: session.run(both).split() == ["through"] * 2, 5, "it works again"
        )  # fmt: skip
        seen = session.run("import subprocess; print(subprocess.getoutput('curl -s -m 3 %s'))" % lab.url)
        assert seen.strip() == lab.spare.addr
    nothing_by(wired)
    lab.note(str(result))


@topology("split", "same")
@params("ip4", "ip6")
def test_silent_gateway(lab, family):
    """The gateway does not answer for a while and its neighbour entry fails: once it is back, so
    are the sessions, as the host itself would be."""
    u = lab.spare
    gateway = f"{u.gateway}/24" if family == "ip4" else f"{u.gateway6}/64"
    server = SERVER if family == "ip4" else SERVER6
    session = wire.Sender(lab)
    session.run(BEACON)
    wired = lab.capture_wired(token="lost-uplink")
    one = f"print(attempt(socket.{'AF_INET' if family == 'ip4' else 'AF_INET6'}, '{server}'))"
    assert session.run(one) == "through\n"
    lab.ip(f"addr del {gateway} dev lan", ns=u.router)
    lab.run(f"ip neigh flush dev {u.dev}", check=True)
    state = ["ip", "neigh", "show", gateway.split("/")[0], "dev", u.dev]
    assert "through" not in session.run(one)
    # it fails after three questions of a second each, and the next beacon makes it ask again
    sure = time.monotonic() + 5
    lab.wait(
        lambda: "FAILED" in lab.run(state).out or time.monotonic() > sure,
        8,
        "the neighbour has failed",
        step=0.05,
    )
    lab.ip(f"addr add {gateway} dev lan" + (" nodad" if family == "ip6" else ""), ns=u.router)
    lab.wait(lambda: session.run(one) == "through\n", 3, "it works again")
    nothing_by(wired)


@topology("split", "same")
def test_refused_when_the_uplink_is_lost(lab):
    """A launch then is refused, and the sessions that are there stay blocked, not moved."""
    session = wire.Sender(lab)
    wired = lab.capture_wired(token="blocked-one")
    lose(lab, "down")
    done = lab.via(lab.spare, "--", "echo", "it ran")
    assert done.code == 125 and done.out == "", done
    session.run(
        "for server, family in (('%s', socket.AF_INET), ('%s', socket.AF_INET6)):\n"
        "    u = socket.socket(family, socket.SOCK_DGRAM)\n"
        "    for n in range(20):\n"
        "        try: u.sendto(b'blocked-one', (server, 7777))\n"
        "        except OSError: pass" % (SERVER, SERVER6)
    )
    done = lab.via(lab.wired, "--", "curl", "-s", lab.url)
    assert done.out.strip() == lab.wired.addr, done
    nothing_by(wired)


@params("ip4", "ip6")
def test_one_family_only(lab, kept):
    """An uplink with one family: the other one is unreachable inside, and does not leave by the
    wired card, which has both."""
    gone, works = (SERVER6, SERVER) if kept == "ip4" else (SERVER, SERVER6)
    if kept == "ip4":
        lab.ip(f"-6 addr flush dev {lab.spare.dev}")
        lab.run(f"ip -6 route flush dev {lab.spare.dev}")
    else:
        lab.ip(f"-4 addr flush dev {lab.spare.dev}")
    session = wire.Sender(lab)
    wired = lab.capture_wired(token="lost-uplink")
    session.run(BEACON)
    family = {SERVER: "AF_INET", SERVER6: "AF_INET6"}
    out = session.run(
        f"print(ask(socket.{family[works]}, '{works}'), ask(socket.{family[gone]}, '{gone}'))"
    )
    assert out.split()[0] == "through" and out.split()[1] in ("ENETUNREACH", "EHOSTUNREACH"), out
    session.run(f"for n in range(20): beacon(socket.{family[gone]}, '{gone}')")
    nothing_by(wired)


def test_without_ipv6(lab):
    """--ipv6 off: the program finds no IPv6, and none of it leaves."""
    wired, spare = lab.capture_wired(), lab.capture_spare()
    script = f"curl -s -m 3 {lab.url}; curl -sg -m 3 '{lab.url6}' || echo none; ip -6 addr show dev eth0 | wc -l"
    done = lab.via("--ipv6", "off", lab.spare, "--", "sh", "-c", script)
    assert done.out.split() == [lab.spare.addr, "none", "0"], done
    assert [f for f in spare.stop() if f.eth == "ip6" and f.proto == "tcp"] == []
    nothing_by(wired)


# --- the network around the host ----------------------------------------------------------------


def test_the_uplinks_own_network(lab):
    """What is on the uplink's LAN is reached there, and so is its router; what is on the wired
    LAN is reached through the uplink's router or not at all."""
    session = wire.Sender(lab)
    wired = lab.capture_wired()
    assert session.inside(f"ping -n -c1 -W1 {lab.spare.gateway}").code == 0
    assert session.inside(f"ping -n -c1 -W1 {lab.spare.gateway6}").code == 0
    session.inside(f"ping -n -c1 -W1 {lab.wired.gateway}")
    session.inside(f"ping -n -c1 -W1 {lab.wired.gateway6}")
    nothing_by(wired)
    asked = [f for f in wired.stop() if f.dir == "in" and f.proto in ("icmp", "icmp6") and f.icmp in (8, 128)]
    assert asked == [], asked


@topology("split", "same")
def test_traceroute(lab):
    """Time exceeded of a router on the way comes back to the program, and the first hop is ours."""
    session = wire.Sender(lab)
    for server, hops in ((SERVER, (session.gateway, lab.spare.gateway)),
                         (SERVER6, (session.gateway6, lab.spare.gateway6))):  # fmt: skip
        for ttl, hop in enumerate(hops, 1):
            out = session.inside(["ping", "-n", "-c1", "-W1", "-t", str(ttl), server]).out
            assert hop in out and "exceeded" in out, out


def test_resets_come_back(lab):
    """A closed port is refused at once: resets and ICMP errors find the session."""
    session = wire.Sender(lab)
    out = session.run(
        "import time\n"
        f"for server in ('{SERVER}', '{SERVER6}'):\n"
        "    start = time.monotonic()\n"
        "    try: socket.create_connection((server, 4), 3)\n"
        "    except OSError as error: print(type(error).__name__, time.monotonic() - start < 0.5)\n"
        "    u = socket.socket(socket.AF_INET6 if ':' in server else socket.AF_INET, socket.SOCK_DGRAM)\n"
        "    u.settimeout(2); u.connect((server, 4)); u.send(b'.')\n"
        "    try: u.recv(9)\n"
        "    except OSError as error: print(type(error).__name__)"
    )
    assert out.split() == ["ConnectionRefusedError", "True", "ConnectionRefusedError"] * 2, out
