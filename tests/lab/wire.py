"""Frames by hand, and a session that sends them: what a program with CAP_NET_RAW can say.

All builders return bytes. A payload of a transport header gets its checksum; what is wrong in a
frame is wrong on purpose and stands in the test.
"""

import json
import socket
import struct

BROADCAST = "ff:ff:ff:ff:ff:ff"
IP, IP6, ARP, VLAN, QINQ, PPPOE = 0x0800, 0x86DD, 0x0806, 0x8100, 0x88A8, 0x8864
HOP_BY_HOP, ROUTING, FRAGMENT, ICMP6, DESTINATION = 0, 43, 44, 58, 60


def hwaddr(text):
    return bytes.fromhex(text.replace(":", ""))


def address(text):
    return socket.inet_pton(socket.AF_INET6 if ":" in text else socket.AF_INET, text)


def ether(dst, src, ethertype, payload):
    return hwaddr(dst) + hwaddr(src) + struct.pack("!H", ethertype) + payload


def tag(ethertype, vid, frame):
    """The frame with one more VLAN tag in front of its type."""
    return frame[:12] + struct.pack("!HH", ethertype, vid) + frame[12:]


def arp(op, sha, spa, tha, tpa):
    head = struct.pack("!HHBBH", 1, IP, 6, 4, op)
    return head + hwaddr(sha) + address(spa) + hwaddr(tha) + address(tpa)


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ip4(src, dst, proto, body, ident=1, fragment=0, ttl=64):
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), ident, fragment, ttl, proto, 0)
    head += address(src) + address(dst)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ip6(src, dst, following, body, hops=64):
    head = struct.pack("!IHBB", 0x60000000, len(body), following, hops)
    return head + address(src) + address(dst) + body


def _sum_over(src, dst, proto, body, at):
    """`body` with the checksum of its pseudo header put in at `at`."""
    if ":" in src:
        pseudo = address(src) + address(dst) + struct.pack("!IxxxB", len(body), proto)
    else:
        pseudo = address(src) + address(dst) + struct.pack("!xBH", proto, len(body))
    value = checksum(pseudo + body) or 0xFFFF
    return body[:at] + struct.pack("!H", value) + body[at + 2 :]


def packet(src, dst, proto, body, **more):
    return (ip6 if ":" in src else ip4)(src, dst, proto, body, **more)


def udp_body(src, dst, sport, dport, data):
    head = struct.pack("!HHHH", sport, dport, 8 + len(data), 0)
    return _sum_over(src, dst, 17, head + data, 6)


def udp(src, dst, sport, dport, data, **more):
    return packet(src, dst, 17, udp_body(src, dst, sport, dport, data), **more)


TCP_BITS = {name: 1 << bit for bit, name in enumerate("FSRPAUEC")}


def tcp(src, dst, sport, dport, flags, seq=0, ack=0, data=b"", **more):
    bits = sum(TCP_BITS[name] for name in flags)
    head = struct.pack("!HHIIBBHHH", sport, dport, seq, ack, 5 << 4, bits, 64000, 0, 0)
    return packet(src, dst, 6, _sum_over(src, dst, 6, head + data, 16), **more)


def icmp(src, dst, kind, code, rest, data=b"", **more):
    """`rest` are the four bytes behind the checksum."""
    body = struct.pack("!BBH", kind, code, 0) + rest + data
    if ":" not in src:
        body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        return ip4(src, dst, 1, body, **more)
    return ip6(src, dst, ICMP6, icmp6_body(src, dst, body), **more)


def icmp6_body(src, dst, body):
    return _sum_over(src, dst, ICMP6, body, 2)


def extension(following, padding=4):
    """A hop-by-hop or destination header of eight bytes that holds only padding."""
    return struct.pack("!BBBB", following, 0, 1, padding) + bytes(padding)


def fragment6(following, offset, more, ident=7):
    return struct.pack("!BxHI", following, offset | more, ident)


def option(kind, data):
    """An option of neighbour discovery; `data` fills its units of eight bytes."""
    return struct.pack("!BB", kind, (len(data) + 2) // 8) + data


def router_advertisement(mac, prefix="2001:db8:bad::"):
    """Its ICMPv6 message: a default router for half an hour, a prefix for addresses, a resolver."""
    body = struct.pack("!BBHBBHII", 134, 0, 0, 64, 0, 1800, 0, 0)
    body += option(1, hwaddr(mac))
    body += option(3, struct.pack("!BBIII", 64, 0xC0, 3600, 1800, 0) + address(prefix))
    return body + option(25, struct.pack("!HI", 0, 1800) + address(prefix))


def advertisement(target, mac, flags=0x20000000):
    """A neighbour advertisement that overrides."""
    return struct.pack("!BBHI", 136, 0, 0, flags) + address(target) + option(2, hwaddr(mac))


def solicitation(target, mac):
    return struct.pack("!BBHI", 135, 0, 0, 0) + address(target) + option(1, hwaddr(mac))


def redirect(target, destination, mac):
    body = struct.pack("!BBHI", 137, 0, 0, 0) + address(target) + address(destination)
    return body + option(2, hwaddr(mac))


# Runs inside a session: says who it is, then sends each line of hexadecimal as one frame.
SENDER = """
import json, socket, struct, sys
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
out.bind(("eth0", 0))
print(json.dumps({"mac": out.getsockname()[4].hex(":")}), flush=True)
for line in sys.stdin:
    words = line.split()
    if words[0] == "run":
        exec(bytes.fromhex(words[1]).decode())
        continue
    for word in words:
        try:
            out.send(bytes.fromhex(word))
        except OSError as error:
            print(error)
    print("sent", flush=True)
"""


class Sender:
    """A session whose program sends what it is told. mac, addr, addr6: its own; gateway_mac,
    gateway, gateway6: the bridge's; pid: for captures in its namespace."""

    def __init__(self, lab, uplink=None, *options, **more):
        self.lab, self.uplink = lab, uplink or lab.spare
        words = (*options, self.uplink, "--", "/usr/bin/python3", "-c", SENDER)
        self.process = lab.via_popen(*words, **more)
        line = self.process.expect("\n").splitlines()[0]
        self.mac = json.loads(line)["mac"]
        self.pid = self.process.pid
        mine = session_of(lab, self.pid)
        self.port, self.addr, self.addr6 = mine["ifname"], mine["address"], mine["address6"]
        bridge = link_of(lab, "via0")
        self.gateway_mac = bridge["address"]
        self.gateway, self.gateway6 = (
            next(a["local"] for a in bridge["addr_info"] if a["family"] == family)
            for family in ("inet", "inet6")
        )
        self.port_mac = link_of(lab, self.port)["address"]
        self.ns = f"session-{self.pid}"

    def send(self, *frames):
        self._say(" ".join(frame.hex() for frame in frames))

    def run(self, code, seconds=10):
        """Python in the session; what it prints."""
        script = code + "\nprint('done', flush=True)"
        self._say("run " + script.encode().hex(), "done\n", seconds)
        return self.process.out.decode().removesuffix("done\n")

    def _say(self, line, answer="sent\n", seconds=10):
        self.process.out = b""
        self.process.write(line + "\n")
        self.process.expect(answer, seconds)

    def capture(self):
        """What arrives at the session."""
        with self.lab.namespace_of(self.pid, self.ns):
            return self.lab.capture(self.ns, "eth0")

    def inside(self, command, **more):
        with self.lab.namespace_of(self.pid, self.ns):
            return self.lab.run(command, ns=self.ns, **more)

    def finish(self):
        return self.process.finish()


def session_of(lab, pid):
    """The session that the process is in, as `list --json` tells it."""
    for one in lab.via("list", "--json", check=True).json():
        if pid in one["pids"]:
            return one
    raise AssertionError(f"no session holds process {pid}")


def link_of(lab, dev, ns=None):
    return json.loads(lab.run(["ip", "-j", "addr", "show", "dev", dev], ns=ns, check=True).out)[0]
