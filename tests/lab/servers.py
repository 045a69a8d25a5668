"""The lab's internet and its name servers: one process, sockets in several namespaces.

HTTP on port 80 (both families):
    GET /            the client's address as the server sees it, and a newline
    GET /port        "ADDRESS PORT"
    GET /bytes/N     N bytes
    GET /slow/N      a download that goes on for N seconds (100 bytes each 20 ms)
    GET /headers     the request as it came in
    GET /page        HTML that has the client's address as its title and text
    PUT, POST        swallows the body, answers "COUNT SHA256"
TCP 7 echoes. UDP 7777 answers "ADDRESS PORT\n" and the datagram itself.
UDP 7778 takes "N MS" and sends N answers, one each MS milliseconds (late replies).
DNS on port 53 of each router, UDP and TCP: who.test differs by router, inet.test is the server.
"""

import hashlib
import os
import selectors
import socket
import struct
import threading
import time

ZEROS = bytes(1 << 18)


class Service:
    """A listening socket and what to do when it is readable."""

    def __init__(self, sock, handler):
        self.sock = sock
        self.handler = handler


def _listen(family, kind, address, port):
    sock = socket.socket(family, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    sock.bind(socket.getaddrinfo(address, port, family, kind)[0][4])  # takes a zone: fe80::1%lan
    if kind == socket.SOCK_STREAM:
        sock.listen(512)
    return sock


def _family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


class Log:
    """Lines appended by the server process, read by the test."""

    def __init__(self, path):
        self.path = path
        self.fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)

    def write(self, line):
        os.write(self.fd, (line + "\n").encode(errors="replace"))


# --- HTTP ---------------------------------------------------------------------------------------


def _http_reply(conn, body, status="200 OK", kind="text/plain"):
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    conn.sendall(head.encode() + body)


def _http_bytes(conn, count):
    head = f"HTTP/1.1 200 OK\r\nContent-Length: {count}\r\n\r\n"
    conn.sendall(head.encode())
    while count > 0:
        part = memoryview(ZEROS)[: min(count, len(ZEROS))]
        conn.sendall(part)
        count -= len(part)


def _http_slow(conn, seconds):
    conn.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        conn.sendall(b"." * 99 + b"\n")
        time.sleep(0.02)


def _http_swallow(conn, head, rest):
    fields = {}
    for line in head.split("\r\n")[1:]:
        key, _, value = line.partition(":")
        fields[key.strip().lower()] = value.strip()
    if "100-continue" in fields.get("expect", "").lower():
        conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    left = int(fields.get("content-length", "0")) - len(rest)
    digest = hashlib.sha256(rest)
    total = len(rest)
    while left > 0:
        part = conn.recv(min(left, 1 << 18))
        if not part:
            return
        digest.update(part)
        total += len(part)
        left -= len(part)
    _http_reply(conn, f"{total} {digest.hexdigest()}\n".encode())


def _http_connection(conn, peer, log):
    address, port = peer[0], peer[1]
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    buffered = b""
    with conn:
        while True:
            while b"\r\n\r\n" not in buffered:
                part = conn.recv(65536)
                if not part or len(buffered) > 1 << 20:
                    return
                buffered += part
            raw, _, buffered = buffered.partition(b"\r\n\r\n")
            head = raw.decode("latin-1")
            method, path = head.split(" ")[:2]
            log.write(f"http {address} {method} {path}")
            if method in ("PUT", "POST"):
                _http_swallow(conn, head, buffered)
                buffered = b""
            elif path.startswith("/bytes/"):
                _http_bytes(conn, int(path[7:]))
            elif path.startswith("/slow/"):
                _http_slow(conn, float(path[6:]))
                return
            elif path == "/port":
                _http_reply(conn, f"{address} {port}\n".encode())
            elif path == "/headers":
                _http_reply(conn, head.encode("latin-1") + b"\n")
            elif path == "/page":
                text = f"<title>{address}</title><h1>You come from {address}</h1>\n"
                _http_reply(conn, text.encode(), kind="text/html")
            elif path == "/":
                _http_reply(conn, f"{address}\n".encode())
            else:
                _http_reply(conn, b"no such page\n", "404 Not Found")


def _echo_connection(conn, _peer, _log):
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with conn:
        while part := conn.recv(1 << 16):
            conn.sendall(part)


def _accept(connection, log):
    def guarded(conn, peer):
        try:
            connection(conn, peer, log)
        except (OSError, ValueError, IndexError):
            pass  # a client that goes away mid-way is part of many a test

    def handler(sock):
        conn, peer = sock.accept()
        threading.Thread(target=guarded, args=(conn, peer), daemon=True).start()

    return handler


# --- UDP ----------------------------------------------------------------------------------------


def _udp_echo(sock):
    data, peer = sock.recvfrom(65535)
    sock.sendto(f"{peer[0]} {peer[1]}\n".encode() + data, peer)


def _udp_late(sock):
    data, peer = sock.recvfrom(65535)
    try:
        count, gap = (int(word) for word in data.split()[:2])
    except ValueError:
        return

    def answer():
        for number in range(min(count, 1000)):
            time.sleep(gap / 1000)
            try:
                sock.sendto(b"late %d\n" % number, peer)
            except OSError:
                pass

    threading.Thread(target=answer, daemon=True).start()


# --- DNS ----------------------------------------------------------------------------------------

QTYPES = {1: "A", 28: "AAAA", 12: "PTR", 5: "CNAME", 15: "MX", 16: "TXT", 65: "HTTPS"}


def _dns_answer(query, names):
    """Returns (name, type, response) or raises ValueError for what is no query."""
    if len(query) < 17 or query[2] & 0x80:
        raise ValueError("no query")
    labels, at = [], 12
    while query[at]:
        length = query[at]
        if length > 63 or at + 1 + length >= len(query):
            raise ValueError("bad name")
        labels.append(query[at + 1 : at + 1 + length].decode("latin-1"))
        at += 1 + length
    if at + 5 > len(query):
        raise ValueError("cut off")
    qtype = struct.unpack_from("!H", query, at + 1)[0]
    name = ".".join(labels).lower()
    known = names.get(name)
    records = b""
    count = 0
    for address in known or ():
        family = _family(address)
        if qtype == (28 if family == socket.AF_INET6 else 1):
            data = socket.inet_pton(family, address)
            records += b"\xc0\x0c" + struct.pack("!HHIH", qtype, 1, 1, len(data)) + data
            count += 1
    flags = 0x8580 | (3 if known is None else 0)
    head = query[:2] + struct.pack("!HHHHH", flags, 1, count, 0, 0)
    return name, QTYPES.get(qtype, str(qtype)), head + query[12 : at + 5] + records


def _dns_udp(which, names, log):
    def handler(sock):
        query, peer = sock.recvfrom(4096)
        try:
            name, qtype, answer = _dns_answer(query, names)
        except (ValueError, IndexError):
            return
        log.write(f"{which} udp {peer[0]} {name} {qtype}")
        sock.sendto(answer, peer)

    return handler


def _dns_tcp(which, names):
    def connection(conn, peer, log):
        stream = conn.makefile("rb")
        with conn:
            while len(size := stream.read(2)) == 2:
                query = stream.read(struct.unpack("!H", size)[0])
                name, qtype, answer = _dns_answer(query, names)
                log.write(f"{which} tcp {peer[0]} {name} {qtype}")
                conn.sendall(struct.pack("!H", len(answer)) + answer)

    return connection


# --- the whole ----------------------------------------------------------------------------------


def open_inet(addresses, log):
    """Call inside the inet namespace. UDP is bound to each address: an answer from another one
    would be taken for one of another peer."""
    services = []
    for wildcard in ("0.0.0.0", "::"):
        family = _family(wildcard)
        http = _listen(family, socket.SOCK_STREAM, wildcard, 80)
        services.append(Service(http, _accept(_http_connection, log)))
        echo = _listen(family, socket.SOCK_STREAM, wildcard, 7)
        services.append(Service(echo, _accept(_echo_connection, log)))
    for address in addresses:
        for port, handler in ((7777, _udp_echo), (7778, _udp_late)):
            sock = _listen(_family(address), socket.SOCK_DGRAM, address, port)
            services.append(Service(sock, handler))
    return services


def open_dns(which, addresses, names, log):
    """Call inside the router's namespace; `which` is the word in the log."""
    services = []
    for address in addresses:
        family = _family(address)
        udp = _listen(family, socket.SOCK_DGRAM, address, 53)
        services.append(Service(udp, _dns_udp(which, names, log)))
        tcp = _listen(family, socket.SOCK_STREAM, address, 53)
        services.append(Service(tcp, _accept(_dns_tcp(which, names), log)))
    return services


def serve(services):
    """Never returns."""
    selector = selectors.DefaultSelector()
    for service in services:
        selector.register(service.sock, selectors.EVENT_READ, service.handler)
    while True:
        for key, _ in selector.select():
            try:
                key.data(key.fileobj)
            except OSError:
                pass  # an answer that cannot be sent is the client's problem
