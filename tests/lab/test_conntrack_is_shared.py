"""Connection tracking is shared by all sessions and the host: each session has a share of it, and
nothing of a session's outlives it. An address is handed out again when nothing of its former
owner's can arrive."""

import os
import signal
import time

import tracked
from lab import SERVER, SERVER6, alone, needs, params, program, timeout, write_file
from test_who_may import Site

# A flow of each kind, in both families, and to the host itself. They are what a client leaves
# behind: nothing is closed.
FLOWS = f"""
import socket
def udp(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((address, port))
        s.send(b"x")
def tcp(address, port):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_STREAM)
    s.connect((address, port))
    return s
def ping(address):
    family, proto = (socket.AF_INET6, socket.IPPROTO_ICMPV6) if ":" in address else (socket.AF_INET, socket.IPPROTO_ICMP)
    with socket.socket(family, socket.SOCK_DGRAM, proto) as s:
        s.connect((address, 0))
        s.send(bytes([128 if ":" in address else 8]) + bytes(15))
        s.settimeout(5)
        s.recv(100)
kept = []
for address in ("{SERVER}", "{SERVER6}"):
    for i in range(20):
        udp(address, 7777)
    kept.append(tcp(address, 7))
    ping(address)
"""


def client(text):
    """FLOWS and more, as a program that stays until its input ends."""
    return ["python3", "-c", FLOWS + text + "\nprint('made', flush=True)\ninput()"]


def address_of(lab, name):
    rows = [row for row in lab.via("list", "--json", check=True).json() if row["name"] == name]
    return rows[0]["address"], rows[0]["address6"]


def flows(lab, *options, name="one", text="", uplink=None, **more):
    """(process, addresses) of a session that has made all kinds of flows."""
    words = ("--name", name, *options, uplink or lab.spare, "--", *client(text))
    process = lab.via_popen(*words, **more)
    process.expect("made\n", 20)
    return process, address_of(lab, name)


def of(addresses):
    return [e for address in addresses if address for e in tracked.entries(address)]


def no_entry_of(lab, addresses, seconds=1):
    lab.wait(lambda: not of(addresses), seconds, f"the end of {of(addresses)[:5]}", step=0.02)


# --- nothing outlives its session ---------------------------------------------------------------


@params("finish", "kill", "stop")
def test_entries_end_with_their_session(lab, how):
    """However it ends; and those of another session, and of the host, stay."""
    other, of_other = flows(lab, name="other")
    lab.curl()
    one, addresses = flows(lab, name="one")
    lab.run(f"ping -c 1 {addresses[0]}", check=True)
    before = {str(e.orig) for e in of(of_other)}
    host = [str(e.orig) for e in tracked.entries(lab.wired.addr)]
    assert len(of(addresses)) > 40 and len(before) > 40 and host, (of(addresses), before, host)
    if how == "finish":
        one.finish()
    elif how == "kill":
        one.kill()
    else:
        lab.via("stop", "one", check=True)
    lab.wait(lambda: "one" not in lab.via("list").out, 3, "its end")
    no_entry_of(lab, addresses)
    assert {str(e.orig) for e in of(of_other)} == before
    assert [str(e.orig) for e in tracked.entries(lab.wired.addr)] == host
    other.finish()
    no_entry_of(lab, of_other)


def test_entries_of_all_zones_end(lab):
    """A session that was moved, and then paused, leaves none in any zone. The move deletes none."""
    text = f"print('made', flush=True); input(); udp('{SERVER}', 99); print('moved', flush=True)"
    text += "; input(); ping('10.209.0.1'); print('paused', flush=True)"
    one, addresses = flows(lab, name="one", text=text)
    first = {str(e.orig) for e in of(addresses)}
    lab.via("move", "one", lab.wired, check=True)
    one.write("\n")
    one.expect("moved\n")
    assert first <= {str(e.orig) for e in of(addresses)}
    lab.via("pause", "one", check=True)
    one.write("\n")
    one.expect("paused\n")
    assert first <= {str(e.orig) for e in of(addresses)}
    assert len({e.zone for e in of(addresses)}) == 3, of(addresses)
    lab.via("stop", "one", check=True)  # by itself it would stay until its connections are closed
    no_entry_of(lab, addresses)


@params("detach", "end")
def test_entries_of_an_attached_namespace_end(lab, how):
    held = lab.popen(["unshare", "-n", "sh", "-c", "echo ready; cat"])
    held.expect("ready\n")
    lab.via("attach", "--name", "one", lab.spare, "--pid", held.pid, check=True)
    addresses = address_of(lab, "one")
    with lab.namespace_of(held.pid, "held"):
        lab.sysctl("net.ipv4.ping_group_range", "0 2147483647", ns="held")
    lab.run(["nsenter", "-n", f"--target={held.pid}", "python3", "-c", FLOWS], check=True)
    assert len(of(addresses)) > 40, of(addresses)
    if how == "detach":
        lab.via("detach", "one", check=True)
        no_entry_of(lab, addresses)
    held.finish()
    no_entry_of(lab, addresses)


@params("launch", "clear")
def test_entries_end_when_no_daemon_saw_the_end(lab, how):
    """The daemon is killed, the session ends: the next one deletes before it hands out an address."""
    other, of_other = flows(lab, name="other")
    one, addresses = flows(lab, name="one")
    before = {str(e.orig) for e in of(of_other)}
    for pid in sorted(lab.daemon_pids()):  # the one that starts it anew first
        os.kill(pid, signal.SIGSTOP)
    for pid in sorted(lab.daemon_pids()):
        os.kill(pid, signal.SIGKILL)
    one.finish()
    assert len(of(addresses)) > 40, of(addresses)
    if how == "launch":
        done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
        assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done
        no_entry_of(lab, addresses)
        assert before <= {str(e.orig) for e in of(of_other)}
        other.finish()
    else:
        other.finish()
        lab.run([program("via-ifaced"), "--clear"], check=True)
        assert not of(addresses)
    no_entry_of(lab, of_other)


# --- addresses rest -----------------------------------------------------------------------------

REST = 120
POOL = range(3, 1023)  # of the last ten bits
SPEAKS = f"""
echo "$(</proc/net/if_inet6)"; echo known; read
echo x > /dev/udp/{SERVER}/7777; echo x > /dev/tcp/{SERVER}/7
echo said; read
"""


def place(inet6):
    """The place in the pool of who has these addresses (/proc/net/if_inet6)."""
    return next(int(w[28:32], 16) for w in inet6.split() if w.startswith("20010002") and len(w) == 32)


class Speaker:
    """A session that tells its address, makes flows when told, and ends when told."""

    def __init__(self, lab):
        self.process = lab.via_popen("-q", lab.spare, "--", "bash", "-c", SPEAKS)
        self.place = place(self.process.expect("known\n"))
        self.address = f"10.209.{self.place // 256}.{self.place % 256}"

    def speak(self):
        self.process.write("\n")
        self.process.expect("said\n")

    def end(self, ended):
        self.process.finish()
        ended[self.place] = time.monotonic()


@timeout(400)
@needs("root")
def test_addresses_rest(lab):
    """1018 launches in a row. Sessions that were there before end just before round-robin comes to
    their addresses."""
    ended, wrong = {}, []
    held = [Speaker(lab) for _ in range(40)]
    for one in held:
        one.speak()
    for i in range(1018):
        one = Speaker(lab)
        now = time.monotonic()
        free = set(POOL) - {o.place for o in held}
        rested = [p for p in free if now - ended.get(p, -REST) >= REST]
        longest = sorted(free, key=lambda p: ended.get(p, 0))[:3]  # several may end at a time
        if one.place not in (rested or longest):
            wrong.append(f"launch {i}: {one.address} ended {now - ended[one.place]:.2f} s ago")
        if left := tracked.entries(one.address):
            wrong.append(f"launch {i}: {one.address} has {left[:2]}")
        one.speak()
        one.end(ended)
        if i > 940 and held:
            held.pop(0).end(ended)
    assert not wrong, f"{len(wrong)} times:\n" + "\n".join(wrong[:20])


# --- fair shares --------------------------------------------------------------------------------

SHARE = 8192  # entries of a session in each family; a sixteenth of it to one port of one server

# 40 look-ups and 40 connections, one after the other: how many of each came to a good end.
CLIENT = """
import socket, struct, sys
device, resolver, server = sys.argv[1:]
family = socket.AF_INET6 if ":" in server else socket.AF_INET
def made(kind):
    s = socket.socket(family, kind)
    s.settimeout(2)
    if device:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, device.encode())
    return s
def question(n):
    name = b"".join(bytes([len(p)]) + p for p in (b"who", b"test", b""))
    return struct.pack("!HHHHHH", n, 0x100, 1, 0, 0, 0) + name + struct.pack("!HH", 1, 1)
def looked_up(n):
    with made(socket.SOCK_DGRAM) as s:
        s.connect((resolver, 53))
        s.send(question(n))
        return s.recv(512)[:2] == struct.pack("!H", n)
def connected(n):
    with made(socket.SOCK_STREAM) as s:
        s.connect((server, 80))
        s.send(b"GET / HTTP/1.0" + bytes((13, 10, 13, 10)))
        return b"200 OK" in s.recv(512)
def good(attempt):
    count = 0
    for n in range(40):
        try:
            count += attempt(n)
        except OSError:
            pass
        if n - count > 5:
            break  # it is lost: no need to wait for all
    return count
print(good(looked_up), good(connected), flush=True)
"""

# Datagrams from each port, again and again, or pings with each id.
UDP_FLOOD = """
import socket, sys
where, port = sys.argv[1], int(sys.argv[2])
family = socket.AF_INET6 if ":" in where else socket.AF_INET
print("started", flush=True)
while True:
    for source in range(1024, 65536):
        s = socket.socket(family, socket.SOCK_DGRAM)
        try:
            s.bind(("", source))
            s.sendto(b"x", (where, port))
        except OSError:
            pass
        s.close()
"""
PING_FLOOD = """
import socket, struct, sys
where = sys.argv[1]
six = ":" in where
s = socket.socket(socket.AF_INET6 if six else socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMPV6 if six else socket.IPPROTO_ICMP)
def checked(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xffff) + (total >> 16)
    return data[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xffff) + data[4:]
print("started", flush=True)
while True:
    for number in range(65536):
        try:
            s.sendto(checked(struct.pack("!BBHHH", 128 if six else 8, 0, 0, number, 1)), (where, 0))
        except OSError:
            pass
"""

CLOSING = """
import socket, sys, threading
def forever():
    while True:
        with socket.socket() as s:
            s.settimeout(1)
            try:
                s.connect((sys.argv[1], int(sys.argv[2])))
            except OSError:
                pass
for _ in range(8):
    threading.Thread(target=forever).start()
print("started", flush=True)
"""

# Handshakes to every port of a server, without a socket: what comes back is answered with the last
# packet of the handshake, and nothing is ever closed. The helper outside answers on all ports.
HANDSHAKES = """
import os, random, socket, struct, subprocess, sys, threading
mine, theirs, helps = sys.argv[1], sys.argv[2], sys.argv[3] == "help"
subprocess.run(["nft", "-f", "-"], input=b"table inet quiet { chain c { type filter hook output priority 0; tcp flags & rst == rst drop; }; }", check=True)
s = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
def segment(src, dst, sport, dport, seq, ack, flags):
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 0x50, flags, 65535, 0, 0)
    pseudo = socket.inet_aton(src) + socket.inet_aton(dst) + struct.pack("!BBH", 0, 6, len(head))
    total = sum(struct.unpack("!16H", pseudo + head))
    total = (total & 0xffff) + (total >> 16)
    total = ~(total + (total >> 16)) & 0xffff
    return head[:16] + struct.pack("!H", total) + head[18:]
def answers():
    while True:
        data = s.recv(2048)
        at = (data[0] & 15) * 4
        src, dst = socket.inet_ntoa(data[12:16]), socket.inet_ntoa(data[16:20])
        sport, dport, seq, ack, _, flags = struct.unpack("!HHIIBB", data[at:at + 14])
        if helps and flags & 0x12 == 2 and dport >= 1024:
            s.sendto(segment(dst, src, dport, sport, 7, seq + 1, 0x12), (src, 0))
        elif not helps and flags & 0x12 == 0x12:
            s.sendto(segment(dst, src, dport, sport, ack, seq + 1, 0x10), (src, 0))
print("started", flush=True)
if helps:
    answers()
threading.Thread(target=answers, daemon=True).start()
while True:
    for dport in (9000, *range(9001, 9999)):
        for sport in range(1024, 65536, 64 if dport == 9000 else 512):
            try:
                s.sendto(segment(mine, theirs, sport, dport, 1, 0, 2), (theirs, 0))
            except OSError:
                pass
"""


def clients(lab, other):
    """{who: Process} of the host by both cards and of another session, all at the same time."""
    words = ["python3", "-c", CLIENT]
    found = {u.dev: lab.popen([*words, u.dev, u.gateway, SERVER]) for u in (lab.wired, lab.spare)}
    found["other session"] = lab.popen(
        ["nsenter", "-n", f"--target={other.pid}", *words, "", "10.209.0.1", SERVER]
    )
    return found


def nobody_is_harmed(lab, other, when):
    done = {who: p.finish(90) for who, p in clients(lab, other).items()}
    bad = {who: (d.out, d.err[-200:]) for who, d in done.items() if d.out != "40 40\n"}
    assert not bad, f"{when}: look-ups and connections of 40 each: {bad}"


def most_to_one(found):
    counts = {}
    for e in found:
        key = (e.reply.src, e.orig.proto, e.orig.dport)
        counts[key] = counts.get(key, 0) + 1
    return max(counts.values(), default=0)


def flooded(lab, flood, addresses, other, least):
    """During the flood, and a second after its session's end; the entries meanwhile."""
    lab.wait(lambda: len(of(addresses)) >= least, 30, f"{least} entries of {len(of(addresses))}")
    nobody_is_harmed(lab, other, "during the flood")
    found = of(addresses)
    lab.note(f"{len(found)} entries, {most_to_one(found)} to one")
    flood.kill()
    ended = time.monotonic()
    lab.wait(lambda: "flood" not in lab.via("list").out, 10, "the end of the session", step=0.02)
    no_entry_of(lab, addresses)
    time.sleep(max(0, ended + 1 - time.monotonic()))  # a second after it, as is promised
    nobody_is_harmed(lab, other, "after the flood")
    return found


@alone
@timeout(240)
@needs("root")
@params("name_server", "server", "server6", "pings", "pings6")
def test_flood_of_datagrams(lab, what):
    """A session takes every port, or id, to one server."""
    other = lab.session(lab.spare, "--name", "other")
    where = {"name_server": lab.spare.gateway, "server": SERVER, "server6": SERVER6, "pings": SERVER, "pings6": SERVER6}[what]
    program = PING_FLOOD if what.startswith("pings") else UDP_FLOOD
    words = ("python3", "-c", program, where, "53" if what == "name_server" else "7777")
    flood = lab.via_popen("--name", "flood", lab.spare, "--", *words)
    flood.expect("started\n")
    found = flooded(lab, flood, address_of(lab, "flood"), other, SHARE // 16)
    assert most_to_one(found) <= SHARE // 16, most_to_one(found)
    other.finish()


@alone
@timeout(240)
@needs("root")
def test_flood_of_handshakes(lab):
    """Connections that a helper outside confirms, to one port and then to all."""
    helper = lab.popen(["python3", "-c", HANDSHAKES, "", "", "help"], ns="inet")
    helper.expect("started\n")
    other = lab.session(lab.spare, "--name", "other")
    held = lab.session(lab.spare, "--name", "flood")
    addresses = address_of(lab, "flood")
    words = ["python3", "-c", HANDSHAKES, addresses[0], SERVER, "ask"]
    flood = lab.popen(["nsenter", "-n", f"--target={held.pid}", *words])
    flood.expect("started\n")
    lab.wait(lambda: len(of(addresses)) >= SHARE // 16, 20, "the share to one port")
    time.sleep(2)  # more than one port's share must not come
    assert most_to_one(of(addresses)) <= SHARE // 16, most_to_one(of(addresses))
    held.popen.stdin.close()
    found = flooded(lab, flood, addresses, other, SHARE // 2)
    assert len(found) <= SHARE + 64, len(found)
    other.finish()
    helper.kill()


@alone
@timeout(240)
@needs("root")
def test_flood_of_closed_connections(lab):
    """What is closed at once is not counted by the kernel, and yet keeps a port for two minutes."""
    other = lab.session(lab.spare, "--name", "other")
    flood = lab.via_popen("--name", "flood", lab.spare, "--", "python3", "-c", CLOSING, SERVER, "7")
    flood.expect("started\n")
    addresses = address_of(lab, "flood")
    began = time.monotonic()
    lab.wait(lambda: len(of(addresses)) >= SHARE // 16, 30, "the share to one port")
    while time.monotonic() < began + 5:
        found = of(addresses)
        most = SHARE // 16 + (time.monotonic() - began + 2) * SHARE // 16 // 16
        assert len(found) <= most, (len(found), most)
    flooded(lab, flood, addresses, other, SHARE // 16)
    other.finish()


@alone
@timeout(240)
@needs("root", "tool:setcap", "tool:setpriv")
def test_flood_of_a_user(lab):
    """Five sessions of one user, at one server and at all of its ports; the policy says how many
    connections one may have, and twice as many for all."""
    share = 3200
    # A dump of thousands takes long on a busy machine, and would have those that came for what timed out.
    write_file("/proc/sys/net/netfilter/nf_conntrack_udp_timeout", "300")
    site = Site(lab)
    site.policy(f"[alice, bob]\nconnections = {share}\n")
    other = site.via_popen("bob", "--name", "other", lab.spare, "--", "sh", "-c", "echo ready; cat")
    other.expect("ready\n")
    floods, addresses = [], []
    for n in range(5):
        words = ["python3", "-c", UDP_FLOOD.replace("(where, port)", "(where, port + source % 40)"), SERVER, "7777"]
        floods.append(site.via_popen("alice", "--name", f"flood{n}", lab.spare, "--", *words))
        floods[-1].expect("started\n")
        addresses += address_of(lab, f"flood{n}")
    most, deadline = 0, time.monotonic() + 60
    while most < share * 5 // 4 and time.monotonic() < deadline:
        found = of(addresses)
        most = max(most, len(found))
        assert len(found) <= 2 * share + 64, len(found)
        assert most_to_one(found) <= 2 * share // 16, most_to_one(found)
    assert most >= share * 5 // 4, most  # more than one session has
    nobody_is_harmed(lab, other, "during the flood")
    for flood in floods:
        flood.kill()
    lab.wait(lambda: "flood" not in lab.via("list").out, 10, "the end of the sessions", step=0.02)
    no_entry_of(lab, addresses, 5)  # thousands, and the kernel has other work
    nobody_is_harmed(lab, other, "after the flood")
    other.finish()
