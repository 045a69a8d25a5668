"""Counting what really left: packet sockets on the far side of a link.

A packet socket belongs to the namespace it was opened in, so no process has to be started there;
a thread of the test empties it. What was captured is decoded only when it is asked for.
"""

import ipaddress
import select
import socket
import struct
import threading
import time

ETH_P_ALL = 0x0003
SOL_PACKET = 263
PACKET_STATISTICS = 6
PACKET_OUTGOING = 4
SO_RCVBUFFORCE = 33
SNAPLEN = 2048

ETH_NAMES = {0x0800: "ip", 0x86DD: "ip6", 0x0806: "arp"}
PROTO_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "icmp6", 2: "igmp"}
TCP_FLAGS = "FSRPAUEC"

# What a session's own packets can carry as a source.
POOLS = [
    ipaddress.ip_network(text)
    for text in ("10.209.0.0/22", "10.213.0.0/22", "172.29.208.0/22", "100.99.208.0/22", "2001:2::/48", "fd00::/8")
]
SESSION_PORTS = 61000  # and above: src/plan/masquerade.c


class Frame:
    """One frame: eth, smac, dmac, src, dst, proto, sport, dport, flags, icmp, payload, length,
    dir ("in": it arrived at this end of the link), t (monotonic seconds). What a frame does not
    have is None or empty."""

    __slots__ = (
        "t dir eth smac dmac src dst proto sport dport flags icmp payload length raw"
    ).split()

    def __init__(self, t, direction, raw):
        self.t = t
        self.dir = direction
        self.raw = raw
        self.src = self.dst = self.proto = self.sport = self.dport = self.icmp = None
        self.flags = ""
        self.payload = b""
        self.length = len(raw)
        self.dmac, self.smac = raw[0:6].hex(":"), raw[6:12].hex(":")
        ethertype = struct.unpack_from("!H", raw, 12)[0]
        self.eth = ETH_NAMES.get(ethertype, f"{ethertype:#06x}")
        try:
            if self.eth == "ip":
                self._ip4(raw[14:])
            elif self.eth == "ip6":
                self._ip6(raw[14:])
            elif self.eth == "arp":
                self.src = socket.inet_ntop(socket.AF_INET, raw[28:32])
                self.dst = socket.inet_ntop(socket.AF_INET, raw[38:42])
                self.proto = "request" if raw[21] == 1 else "reply"
        except (struct.error, ValueError, IndexError):
            self.proto = "broken"

    def _ip4(self, data):
        header = (data[0] & 15) * 4
        total, _, fragment = struct.unpack_from("!HHH", data, 2)
        self.length = total
        self.src = socket.inet_ntop(socket.AF_INET, data[12:16])
        self.dst = socket.inet_ntop(socket.AF_INET, data[16:20])
        body = data[header : total if total else None]
        self._transport(data[9], body, fragment & 0x1FFF)

    def _ip6(self, data):
        self.length = 40 + struct.unpack_from("!H", data, 4)[0]
        self.src = socket.inet_ntop(socket.AF_INET6, data[8:24])
        self.dst = socket.inet_ntop(socket.AF_INET6, data[24:40])
        following, at, offset = data[6], 40, 0
        while following in (0, 43, 44, 60):
            if following == 44:
                offset = struct.unpack_from("!H", data, at + 2)[0] >> 3
                size = 8
            else:
                size = (data[at + 1] + 1) * 8
            following, at = data[at], at + size
        self._transport(following, data[at : self.length], offset)

    def _transport(self, number, body, fragment):
        self.proto = PROTO_NAMES.get(number, str(number))
        if fragment:
            self.payload = body
        elif self.proto == "tcp":
            self.sport, self.dport = struct.unpack_from("!HH", body)
            self.flags = "".join(n for bit, n in enumerate(TCP_FLAGS) if body[13] >> bit & 1)
            self.payload = body[(body[12] >> 4) * 4 :]
        elif self.proto == "udp":
            self.sport, self.dport = struct.unpack_from("!HH", body)
            self.payload = body[8:]
        elif self.proto in ("icmp", "icmp6"):
            self.icmp = body[0]
            self.payload = body[8:]
        else:
            self.payload = body

    @property
    def reset(self):
        return self.proto == "tcp" and "R" in self.flags

    @property
    def icmp_error(self):
        if self.proto == "icmp":
            return self.icmp in (3, 4, 5, 11, 12)
        return self.proto == "icmp6" and self.icmp in (1, 2, 3, 4)

    def __str__(self):
        text = f"{self.dir:3} {self.smac} {self.eth} {self.src}"
        text += f":{self.sport}" if self.sport is not None else ""
        text += f" > {self.dst}"
        text += f":{self.dport}" if self.dport is not None else ""
        text += f" {self.proto}"
        text += f" [{self.flags}]" if self.flags else ""
        text += f" type {self.icmp}" if self.icmp is not None else ""
        return text + f" len {self.length}" + (f" {self.payload[:40]!r}" if self.payload else "")

    __repr__ = __str__


class Capture:
    """A running capture. `spare` are the addresses of the uplink that a session should leave by,
    `spare_mac` its card's: in one shared subnet that card's broadcasts reach every port."""

    def __init__(self, dev, spare=(), spare_mac=None, token=None):
        """Call inside the namespace of `dev`."""
        self.dev = dev
        self.spare = set(spare)
        self.spare_mac = spare_mac
        self.token = token.encode() if isinstance(token, str) else token
        self.drops = 0
        self._raw = []
        self._frames = None
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        for option in (SO_RCVBUFFORCE, socket.SO_RCVBUF):
            try:
                self._sock.setsockopt(socket.SOL_SOCKET, option, 64 << 20)
                break
            except PermissionError:
                continue  # forcing the size needs root of the machine
        self._sock.setblocking(False)
        self._sock.bind((dev, ETH_P_ALL))
        self._wake, self._bell = socket.socketpair()
        self._thread = threading.Thread(target=self._loop, daemon=True)
        self._thread.start()

    def _drain(self):
        while True:
            try:
                data, address = self._sock.recvfrom(SNAPLEN)
            except BlockingIOError:
                return
            except OSError:
                return  # the device went down or away: reported once, the rest still comes
            self._raw.append((time.monotonic(), address[2], data))

    def _loop(self):
        poller = select.poll()
        poller.register(self._sock, select.POLLIN)
        poller.register(self._wake, select.POLLIN)
        while True:
            ready = {fd for fd, _ in poller.poll()}
            self._drain()
            if self._wake.fileno() in ready:
                return

    def count(self):
        """Frames so far, undecoded."""
        return len(self._raw)

    def peek(self):
        """What was captured up to now; the capture goes on."""
        return [
            Frame(t, "out" if kind == PACKET_OUTGOING else "in", raw)
            for t, kind, raw in list(self._raw)
        ]

    def stop(self):
        """Ends the capture and returns its frames. A frame is in the socket's queue before its
        sender goes on, so what is there now is all there was."""
        if self._frames is None:
            self._bell.send(b"x")
            self._thread.join()
            statistics = self._sock.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8)
            self.drops = struct.unpack("II", statistics)[1]
            for sock in (self._sock, self._wake, self._bell):
                sock.close()
            self._frames = self.peek()
            if self.drops:
                raise AssertionError(f"capture on {self.dev} lost {self.drops} frames")
        return self._frames

    def from_session(self, frame, token=None):
        """Is this a frame that a session sent (or that was sent in its name)?"""
        token = token.encode() if isinstance(token, str) else token
        if frame.dir != "in" or (self.spare_mac and frame.smac == self.spare_mac):
            return False
        for wanted in (token, self.token):
            if wanted and wanted in frame.raw:
                return True
        if frame.src is None:
            return False
        if frame.src in self.spare:
            return not self.host_owns(frame)
        address = ipaddress.ip_address(frame.src)
        return any(address.version == pool.version and address in pool for pool in POOLS)

    @staticmethod
    def host_owns(frame):
        """The last acknowledgement of a connection that a program of the host had from the uplink's
        address, when that program is gone: sessions leave from ports above these."""
        end = frame.proto == "tcp" and frame.flags in ("A", "FA") and not frame.payload
        return end and frame.sport < SESSION_PORTS

    @staticmethod
    def host_made(frame):
        """A reset without data or an ICMP error: the host's own stack answers so."""
        return (frame.reset and not frame.payload) or frame.icmp_error

    def leaks(self, token=None):
        """Frames of a session that its host did not make itself."""
        return [f for f in self.stop() if self.from_session(f, token) and not self.host_made(f)]

    def answers(self, token=None):
        """Resets and ICMP errors that the host's stack sent in a session's name."""
        return [f for f in self.stop() if self.from_session(f, token) and self.host_made(f)]
