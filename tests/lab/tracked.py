"""Entries of connection tracking in the namespace of the caller, by nfnetlink
(linux/netfilter/nfnetlink_conntrack.h)."""

import ipaddress
import socket
import struct

NETLINK_NETFILTER = 12
CTNETLINK, CT_NEW, CT_GET = 1, 0, 1
REQUEST, DUMP = 0x1, 0x300
ERROR, DONE = 2, 3
NESTED = 0x8000

ORIG, REPLY, STATUS, TIMEOUT, MARK, ZONE = 1, 2, 3, 7, 8, 18
TUPLE_IP, TUPLE_PROTO, TUPLE_ZONE = 1, 2, 3
PROTO_NUM, SPORT, DPORT, ICMP_ID, ICMP6_ID = 1, 2, 3, 4, 7


def attributes(data):
    found = {}
    while len(data) >= 4:
        length, kind = struct.unpack_from("=HH", data)
        found[kind & 0x3FFF] = data[4:length]
        data = data[(length + 3) & ~3 :]
    return found


class Tuple:
    def __init__(self, data):
        parts = attributes(data)
        addresses = attributes(parts[TUPLE_IP])
        proto = attributes(parts[TUPLE_PROTO])
        src, dst = (1, 2) if 1 in addresses else (3, 4)
        self.src = str(ipaddress.ip_address(addresses[src]))
        self.dst = str(ipaddress.ip_address(addresses[dst]))
        self.proto = proto[PROTO_NUM][0]
        self.sport, self.dport, self.id = (
            int.from_bytes(proto.get(kind, b""), "big") for kind in (SPORT, DPORT, ICMP_ID)
        )
        self.id = self.id or int.from_bytes(proto.get(ICMP6_ID, b""), "big")
        self.zone = int.from_bytes(parts.get(TUPLE_ZONE, b""), "big")

    def __str__(self):
        return f"{self.proto} {self.src}:{self.sport}>{self.dst}:{self.dport}"


class Entry:
    """orig and reply are as the kernel has them: orig before any NAT, reply what comes back."""

    def __init__(self, data):
        parts = attributes(data)
        self.orig, self.reply = Tuple(parts[ORIG]), Tuple(parts[REPLY])
        self.status, self.timeout, self.mark, self.zone = (
            int.from_bytes(parts.get(kind, b""), "big") for kind in (STATUS, TIMEOUT, MARK, ZONE)
        )
        self.zone = self.zone or self.orig.zone
        self.addresses = {self.orig.src, self.orig.dst, self.reply.src, self.reply.dst}

    def __repr__(self):
        return f"<{self.orig} | {self.reply} zone {self.zone} mark {self.mark:#x} {self.timeout} s>"


def entries(address=None):
    """All entries, or those in which that address is one end."""
    found = []
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_NETFILTER) as sock:
        sock.bind((0, 0))
        body = struct.pack("=BBH", 0, 0, 0)
        kind = CTNETLINK << 8 | CT_GET
        sock.send(struct.pack("=IHHII", 16 + len(body), kind, REQUEST | DUMP, 1, 0) + body)
        while True:
            data = sock.recv(1 << 18)
            while data:
                length, kind, _, _, _ = struct.unpack_from("=IHHII", data)
                if kind == DONE:
                    return [e for e in found if address is None or address in e.addresses]
                if kind == ERROR:
                    raise OSError(-struct.unpack_from("=i", data, 16)[0], "dump of conntrack")
                found.append(Entry(data[20:length]))
                data = data[(length + 3) & ~3 :]
