"""The host puts the fragments of all together in one memory. A session that sends first pieces and
never the rest of them takes no more of it than its share: fragmented pings go on."""

import os

from lab import SERVER, SERVER6, needs, params, program, timeout

PINGS = 20

# Runs in a session, or in an attached namespace: pieces of datagrams that never get whole, of many
# sizes, as fast as it can, on a packet socket: a raw one's would be put together in the session.
FLOOD = """
import os, select, socket, struct, sys
family, target, sizes = int(sys.argv[1]), sys.argv[2], eval(sys.argv[3])
af = socket.AF_INET if family == 4 else socket.AF_INET6
probe = socket.socket(af, socket.SOCK_DGRAM)
probe.connect((target, 9))
src, dst = (socket.inet_pton(af, a) for a in (probe.getsockname()[0], target))
out = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)
out.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
bridge = ("eth0", 0x0800 if family == 4 else 0x86DD, 0, 0, bytes.fromhex("0a7669000001"))
body = os.urandom(1448)
def piece(ident, size, offset):
    if family == 6:
        head = struct.pack("!IHBB", 6 << 28, 8 + size, 44, 64) + src + dst
        return head + struct.pack("!BxHI", 17, offset | 1, ident) + body[:size]
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + size, ident & 0xFFFF, 0x2000 | offset >> 3, 64, 17, 0)
    total = sum(struct.unpack("!10H", head + src + dst))
    total = (total & 0xFFFF) + (total >> 16)
    total = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return head[:10] + struct.pack("!H", total) + src + dst + body[:size]
sent = 0
def burst():
    global sent
    for n in range(1000):
        size = sizes[sent % len(sizes)]
        out.sendto(piece(sent + 1, size, (0, 0, 1448)[sent % 3]), bridge)
        sent += 1
for n in range(12):
    burst()
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0.005)[0]:
    burst()
print("sent", sent, flush=True)
"""

SIZES = {"large": (1448,), "small": (8, 16, 64), "mixed": (8, 1448, 512, 1000)}


def flood(lab, family, sizes, how="plain"):
    target = SERVER if family == 4 else SERVER6
    words = ["/usr/bin/python3", "-c", FLOOD, str(family), target, str(sizes)]
    if how == "plain":
        process = lab.via_popen(lab.spare, "--", *words)
    else:
        lab.run(["ip", "netns", "add", "box"], check=True)
        lab.daemon = lab.popen([program("via-ifaced"), "--linger", "30"])
        lab.wait(lambda: os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")
        lab.via("attach", lab.spare, "--netns", "box", check=True)
        process = lab.popen(["ip", "netns", "exec", "box", *words])
    process.expect("ready\n", 20)
    return process


def memory():
    """Bytes that the host keeps of IPv4 datagrams in pieces."""
    with open("/proc/net/sockstat") as f:
        line = next(line for line in f if line.startswith("FRAG:"))
    return int(line.split()[-1])


def pings(lab, *more, **how):
    """How many of the pings in several fragments were answered."""
    words = ["ping", "-n", "-c", str(PINGS), "-i", "0.05", "-W", "1", "-s", "4000", *more]
    out = (lab.via(lab.spare, "--", *words) if how.get("session") else lab.run(words)).out
    return int(out.split(" received")[0].split()[-1])


@needs("root", "tool:ping")
@timeout(120)
@params(
    large=(4, "large", "plain"), small=(4, "small", "plain"), mixed=(4, "mixed", "attached"),
    large6=(6, "large", "plain"), small6=(6, "small", "plain"), mixed6=(6, "mixed", "attached"),
)  # fmt: skip
def test_flood(lab, kind):
    """Fragmented pings of the host, by either card, and of another session are all answered."""
    family, sizes, how = kind
    target = SERVER if family == 4 else SERVER6
    process = flood(lab, family, SIZES[sizes], how)
    answered = {
        "host": pings(lab, target),
        "host by the uplink": pings(lab, "-I", str(lab.spare), ROUTERS[family](lab)),
        "session": pings(lab, target, session=True),
    }
    used, room = memory(), int(lab.sysctl("net.ipv4.ipfrag_high_thresh"))
    process.write("\n")
    sent = int(process.finish().out.split()[-1])
    lab.note(f"{sent} fragments, {answered}, {used} of {room} bytes")
    assert sent > 20000, sent
    assert answered == dict.fromkeys(answered, PINGS), answered
    assert used < room * 3 // 4, (used, room)


ROUTERS = {4: lambda lab: lab.spare.gateway, 6: lambda lab: lab.spare.gateway6}

ECHO = """
import socket, sys
family = socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
s.settimeout(5)
for n in range(20):
    data = bytes([n]) * 8000
    s.sendto(data, (sys.argv[1], 7777))
    assert s.recv(65535).endswith(data), n
print("all")
"""


@needs("tool:ping")
@params(ip4=SERVER, ip6=SERVER6)
def test_large_datagrams(lab, target):
    """What programs send in fragments passes: 20 datagrams of 8000 bytes, pings of 60000."""
    done = lab.via(lab.spare, "--", "/usr/bin/python3", "-c", ECHO, target, check=True)
    assert done.out == "all\n", done
    out = lab.via(lab.spare, "--", "ping", "-n", "-c", "5", "-i", "0.2", "-W", "2", "-s", "60000", target).out
    assert " 5 received" in out, out


def test_memory_is_given_back(lab):
    """The room that is made for sessions goes with the last one; a larger one is left alone."""
    name = "net.ipv4.ipfrag_high_thresh"
    before = lab.sysctl(name)
    session = lab.session()
    assert int(lab.sysctl(name)) > int(before), lab.sysctl(name)
    session.finish()
    lab.wait_gone(20)
    assert lab.sysctl(name) == before
    lab.sysctl(name, 1 << 28)
    session = lab.session()
    assert int(lab.sysctl(name)) == 1 << 28
    session.finish()
    lab.wait_gone(20)
    assert int(lab.sysctl(name)) == 1 << 28
