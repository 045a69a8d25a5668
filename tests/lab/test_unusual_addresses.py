"""Addresses of an uplink that are not quite ordinary serve as they do for the host itself."""

import os
import signal

from flow import Flow
from lab import SERVER, SERVER6, needs, params, timeout, topology
from faults import nothing_left
from test_host_first import LATE, Server, attack, right_answers


def findings(lab, uplink):
    return {f["id"]: f for f in lab.via("doctor", "--json", uplink).json()["findings"]}


def deprecate(lab):
    u = lab.spare
    lab.ip(f"-6 addr change {u.addr6}/64 dev {u} preferred_lft 0 valid_lft 600")
    lab.ip(f"addr change {u.addr}/24 dev {u} preferred_lft 0 valid_lft 600")


@topology("split", "same")
def test_deprecated(lab):
    """Only deprecated addresses: new connections leave with them, and doctor says so."""
    u = lab.spare
    assert "address-deprecated" not in findings(lab, u)
    deprecate(lab)
    wired = lab.capture_wired()
    for url, address in ((lab.url, u.addr), (f"http://[{SERVER6}]/", u.addr6)):
        done = lab.via(u, "--", "curl", "-sg", "-m", "5", url)
        assert done.out.strip() == address, done
    found = findings(lab, u)
    assert "is deprecated" in found["address-deprecated"]["text"], found
    assert not wired.leaks(), wired.leaks()[:5]
    nothing_left(lab)


@topology("split", "same")
def test_becomes_deprecated(lab):
    """While flows run: they go on."""
    flow = Flow(lab)
    start = flow.started()
    deprecate(lab)
    lab.wait(lambda: flow.since(start + 1, "udp4") and flow.since(start + 1, "udp6"), 10)
    assert flow.listed()["state"] == "up"
    assert flow.gap(start, flow.started()) < lab.scale


@topology("split", "same")
def test_no_ipv6_for_new_devices(lab):
    """net.ipv6.conf.default.disable_ipv6=1: our own devices have IPv6 all the same, a launch works
    with and without it, and a bridge that somebody deletes is back."""
    lab.sysctl("net/ipv6/conf/default/disable_ipv6", 1)
    u = lab.spare
    off = lab.via("--ipv6=off", u, "--", "curl", "-s", "-m", "5", lab.url)
    assert off.out.strip() == u.addr, off
    done = lab.via(u, "--", "curl", "-sg", "-m", "5", f"http://[{SERVER6}]/")
    assert done.out.strip() == u.addr6, done
    flow = Flow(lab)
    lab.ip("link del via0")
    start = flow.started()
    lab.wait(lambda: lab.link_exists("via0"), 5)
    flow.flows(start, 5)
    flow.stop()
    assert lab.sysctl("net/ipv6/conf/default/disable_ipv6") == "1"
    nothing_left(lab)


def only_address(lab, address, scope):
    """The uplink's IPv4 address is this one, its router is 169.254.2.1, and the router knows both."""
    u = lab.spare
    lab.ip("addr add 169.254.2.1/16 dev lan", ns=u.router)
    lab.ip(f"addr del {u.addr}/24 dev {u}")
    lab.run(["ip", "-4", "route", "flush", "dev", u.dev])
    lab.ip(f"addr add {address} dev {u} scope {scope}")
    lab.run(["ip", "-4", "route", "add", "default", "via", "169.254.2.1", "dev", u.dev,
             "metric", str(u.metric)], check=True)  # fmt: skip


def pings(lab, to, frames_from):
    """A session's ping is answered, and it left the uplink from that address and no other."""
    u = lab.spare
    wired, seen = lab.capture_wired(), lab.capture(None, u.dev)
    done = lab.via(u, "--", "ping", "-n", "-c", "2", "-i", "0.2", "-W", "2", to)
    assert done.code == 0, done
    sent = {f.src for f in seen.stop() if f.proto == "icmp" and f.dst == to}
    assert sent == {frames_from}, sent
    assert not wired.leaks(), wired.leaks()[:5]


@topology("split", "same")
@params("link", "global")
def test_link_local(lab, scope):
    """RFC 3927, as USB tethering and direct cables have it: NetworkManager gives the address the
    scope of the link, ip(8) by hand that of all."""
    only_address(lab, "169.254.2.9/16", scope)
    pings(lab, "169.254.2.1", "169.254.2.9")
    nothing_left(lab)


@topology("split")
def test_unnumbered(lab):
    """The address is on lo, and the default route names it."""
    u = lab.spare
    lab.ip(f"addr del {u.addr}/24 dev {u}")
    lab.run(["ip", "-4", "route", "flush", "dev", u.dev])
    lab.ip("addr add 198.51.100.99/32 dev lo")
    lab.ip(f"route add {u.gateway}/32 dev {u} src 198.51.100.99")
    lab.ip(f"route add default via {u.gateway} dev {u} src 198.51.100.99 metric {u.metric}")
    lab.ip("route add 198.51.100.99/32 dev lan", ns=u.router)
    pings(lab, u.gateway, "198.51.100.99")
    nothing_left(lab)


@topology("split")
def test_preferred_source(lab):
    """Of several addresses the one that a route names; a route without goes by the kernel's."""
    u = lab.spare
    net = u.gateway.rsplit(".", 1)[0]
    for last in (77, 78):
        lab.ip(f"addr add {net}.{last}/24 dev {u} noprefixroute")
    lab.ip("addr add 10.20.0.1/32 dev lo", ns=u.router)
    lab.ip("addr add 10.30.0.1/32 dev lo", ns=u.router)
    lab.ip(f"route add 10.20.0.0/16 via {u.gateway} dev {u} src {net}.77")
    pings(lab, "10.20.0.1", f"{net}.77")
    pings(lab, "10.30.0.1", u.addr)
    lab.ip(f"route replace default via {u.gateway} dev {u} src {net}.78 metric {u.metric}")
    pings(lab, "10.30.0.1", f"{net}.78")
    pings(lab, "10.20.0.1", f"{net}.77")
    done = lab.via(u, "--", "curl", "-s", "-m", "5", lab.url)
    assert done.out.strip() == f"{net}.78", done
    nothing_left(lab)


STREAM = """
import socket, time
s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("0.0.0.0", 7008)); s.listen(); print("ready", flush=True)
c = s.accept()[0]
while True:
    c.sendall(b"x" * 100); time.sleep(0.02)
"""


def to(frames, address):
    return [f for f in frames if f.dst == address and f.proto == "tcp"]


def leaves_with_los(lab):
    """The address that the uplink's default route names is on lo."""
    u = lab.spare
    lab.ip("addr add 198.51.100.99/32 dev lo")
    lab.ip(f"route replace default via {u.gateway} dev {u} src 198.51.100.99 metric {u.metric}")
    lab.ip(f"route add 198.51.100.99/32 via {u.addr} dev lan", ns=u.router)
    way = lab.ip(f"route get {u.addr}", ns="inet").split()
    lab.ip(f"route add 198.51.100.99/32 via {way[way.index('via') + 1]}", ns="inet")


@topology("split")
def test_late_replies_to_another_device_s_address(lab):
    """The address that sessions leave with is on lo: what still comes for a connection of an ended
    session is answered by the host with a reset, and that leaves by no other card."""
    u = lab.spare
    leaves_with_los(lab)
    lab.popen(["/usr/bin/python3", "-c", STREAM], ns="inet").expect("ready\n")
    session = lab.via_popen(u, "--", "/usr/bin/python3", "-c",
        f"import socket\ns = socket.create_connection(('{SERVER}', 7008), 5)\n"
        "while s.recv(99): print('got', flush=True)")  # fmt: skip
    other = lab.session(u)  # our tables stay
    session.expect("got\n")
    wired, seen = lab.capture(None, lab.wired.dev), lab.capture(None, u.dev)
    # the end of its connection must not come to the server, which would then send no more
    lab.nft('table inet stop { chain f { type filter hook forward priority 0; iifname "lan" drop; }; }', ns=u.router)
    session.kill()
    lab.wait(lambda: len(lab.via("list", "--json").json()) == 1, 10, "the end of the session")
    before = len(to(seen.peek(), "198.51.100.99"))
    lab.wait(lambda: len(to(seen.peek(), "198.51.100.99")) > before, 5, "a late segment")
    out = [f for f in wired.stop() if f.src == "198.51.100.99"]
    assert out == [], out[:5]
    other.finish()


@topology("split")
def test_late_replies_before_the_address_is_known(lab):
    """The uplink's address goes and comes back, and what comes for a connection that it ended is
    faster than we are: the host's reset leaves by no other card."""
    u = lab.spare
    lab.popen(["/usr/bin/python3", "-c", STREAM], ns="inet").expect("ready\n")
    session = lab.via_popen(u, "--", "/usr/bin/python3", "-c",
        f"import socket\ns = socket.create_connection(('{SERVER}', 7008), 5)\n"
        "while s.recv(99): print('got', flush=True)")  # fmt: skip
    session.expect("got\n")
    wired, seen = lab.capture(None, lab.wired.dev), lab.capture(None, u.dev)
    lab.ip(f"addr del {u.addr}/24 dev {u}")
    lab.wait(lambda: u.addr not in lab.run("nft list set inet via_iface uplink4").out, 5, "its address gone")
    os.kill(lab.daemon_pid(), signal.SIGSTOP)
    before = len(to(seen.peek(), u.addr))
    lab.ip(f"addr add {u.addr}/24 dev {u}")
    lab.wait(lambda: len(to(seen.peek(), u.addr)) > before, 10, "a late segment")
    # a connection to a port where nobody listens is refused all the same
    refused = lab.run(["/usr/bin/python3", "-c",
        f"import socket\ntry: socket.create_connection(('{lab.wired.addr}', {LATE}), 2)\n"
        "except OSError as e: print(e.strerror)"], ns=lab.wired.router)  # fmt: skip
    os.kill(lab.daemon_pid(), signal.SIGCONT)
    out = [f for f in wired.stop() if f.src == u.addr]
    assert out == [], out[:5]
    assert refused.out == "Connection refused\n", refused


@needs("root")
@timeout(120)
def test_server_on_another_device_s_address(lab):
    """A server of the host that comes later, on the address and a port that a session leaves from."""
    leaves_with_los(lab)
    spare = lab.capture_spare()
    process = attack(lab, "plain", 4, (LATE,), (LATE,))
    lab.wait(lambda: any(f.sport == LATE for f in spare.peek()), 5, "the session on that port")
    with Server("198.51.100.99", (LATE,), (LATE,)):
        right = {w: right_answers(lab, "198.51.100.99", (w, LATE)) for w in ("tcp", "udp")}
        assert process.running(), process.finish()
    assert right == {"tcp": 100, "udp": 100}, right
