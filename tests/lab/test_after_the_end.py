"""What still comes for a connection of a session that has ended is answered by its uplink, also when it was
the last session, or the last on that uplink: the far side then sends no more. By no other card."""

import os
import select
import signal

from lab import SERVER, SERVER6, params, program, timeout, topology
from faults import nothing_left, signal_daemon

# The far side of one connection: says what happens to it, and sends when it is told to. A client that
# ends with data unread resets its connection, so nothing of it keeps the namespace.
FAR_TCP = """
import socket, sys
def say(*words): print(*words, flush=True)
s = socket.socket(socket.AF_INET6); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("::", 7008)); s.listen(); say("ready")
c = s.accept()[0]; c.sendall(b"unread"); say("accepted")
for line in sys.stdin:
    try:
        c.sendall(b"late"); c.recv(1)
        say("said: ended")
    except OSError as e:
        say("said:", e.strerror)
"""
NEAR_TCP = "import socket, time; s = socket.create_connection(('{}', 7008), 5); print('up', flush=True); time.sleep(1000)"

# Datagrams for more than two seconds are a stream (net/netfilter/nf_conntrack_proto_udp.c).
FAR_UDP = """
import socket, sys
def say(*words): print(*words, flush=True)
a = socket.getaddrinfo(sys.argv[1], 7009, type=socket.SOCK_DGRAM)[0]
s = socket.socket(a[0], a[1]); s.bind(a[4]); say("ready")
while True:
    data, peer = s.recvfrom(100)
    if data == b"last":
        break
    s.sendto(data, peer)
s.connect(peer); say("accepted")
for line in sys.stdin:
    try:
        s.send(b"late"); s.settimeout(5); s.recv(1)
        say("said: answered")
    except OSError as e:
        say("said:", e.strerror or "nothing")
"""
NEAR_UDP = """
import socket, time
a = socket.getaddrinfo('{}', 7009, type=socket.SOCK_DGRAM)[0]
s = socket.socket(a[0], a[1]); s.connect(a[4]); end = time.monotonic() + 3
while time.monotonic() < end:
    s.send(b'x'); s.recv(9); time.sleep(0.1)
s.send(b'last'); print('up', flush=True); time.sleep(1000)
"""

CASES = {
    "tcp4": (FAR_TCP, NEAR_TCP, SERVER, "Connection reset by peer"),
    "tcp6": (FAR_TCP, NEAR_TCP, SERVER6, "Connection reset by peer"),
    "udp4": (FAR_UDP, NEAR_UDP, SERVER, "Connection refused"),
    "udp6": (FAR_UDP, NEAR_UDP, SERVER6, "Connection refused"),
}


def ends_unheard(lab, far, near, server):
    """A session with one connection is killed, and its far side is not told. Returns that far side."""
    server_side = lab.popen(["/usr/bin/python3", "-c", far, server], ns="inet")
    server_side.expect("ready\n")
    session = lab.via_popen(lab.spare, "--", "/usr/bin/python3", "-c", near.format(server))
    session.expect("up\n")
    server_side.expect("accepted\n")
    lab.nft('table inet stop { chain f { type filter hook forward priority 0; iifname "lan" drop; }; }', ns=lab.spare.router)  # fmt: skip
    session.kill()
    lab.wait(lambda: not [s for s in lab.via("list", "--json").json() if s["uplink"] == lab.spare.dev], 10, "its end")
    return server_side


def is_gone(pid, seconds):
    """Whether it ends; for what is not to happen, so the time passes."""
    fd = os.pidfd_open(pid)
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def answered_by_its_uplink(lab, server_side, wired, why):
    """Something late comes, and the way back is free."""
    lab.nft("delete table inet stop", ns=lab.spare.router)
    server_side.write("\n")
    said = server_side.expect("said: ").partition("said: ")[2].strip()
    leaks = [f for f in wired.stop() if f.dir == "in" and f.src in (lab.spare.addr, lab.spare.addr6)]
    assert leaks == [], leaks[:5]
    assert said == why, said


@topology("split", "same")
@params(*CASES)
@timeout(90)
def test_last_session(lab, case):
    *programs, why = CASES[case]
    wired = lab.capture_wired()
    server_side = ends_unheard(lab, *programs)
    is_gone(lab.daemon_pid(), 4)  # without a connection that is not closed: after 2 s
    answered_by_its_uplink(lab, server_side, wired, why)
    nothing_left(lab)


@topology("split", "same")
@params(*CASES)
@timeout(90)
def test_last_session_of_an_uplink(lab, case):
    """Another one goes on, by another uplink."""
    *programs, why = CASES[case]
    other = lab.session(lab.wired)
    wired = lab.capture_wired()
    server_side = ends_unheard(lab, *programs)
    is_gone(server_side.pid, 3)  # a slot without a session goes after 2 s
    answered_by_its_uplink(lab, server_side, wired, why)
    other.finish()
    nothing_left(lab)


@topology("split", "same")
@timeout(90)
def test_bound(lab):
    """And no longer than it is said: the far side of one connection stays silent, then all goes, also
    beside a session by another uplink; a connection that both sides have closed holds nothing up."""
    u = lab.spare
    lab.popen([program("via-ifaced"), "--linger", "5", "--late", "6"])
    lab.wait(lab.daemon_pid, 10, "the daemon")
    ends_unheard(lab, FAR_TCP, NEAR_TCP, SERVER)
    lab.nft("delete table inet stop", ns=u.router)
    other = lab.session(lab.wired)
    table = ["ip", "route", "show", "table", "22017"]
    assert u.dev in lab.run(table).out, "it went with its last session"
    lab.wait(lambda: u.dev not in lab.run(table).out, 20, "the uplink's end")
    assert lab.sysctl(f"net/ipv4/conf/{u}/forwarding") == "0"
    assert lab.via("list", "--json").json()[0]["state"] == "up"
    other.finish()
    lab.wait_gone(30, by_itself=True)


@topology("split")
def test_closed_by_both(lab):
    lab.via(lab.spare, "--", "curl", "-s", "-m", "5", lab.url, check=True)
    assert is_gone(lab.daemon_pid(), 10)
    lab.wait_gone()


def resets(lab):
    """How many the host's TCP has sent (proc_net_snmp: Tcp, OutRsts)."""
    lines = lab.run(["cat", "/proc/net/snmp"]).out.splitlines()
    names, values = [line.split() for line in lines if line.startswith("Tcp:")]
    return int(values[names.index("OutRsts")])


@topology("split", "same")
@params("tcp4", "tcp6")
@timeout(90)
def test_address_comes_back(lab, case):
    """With an address the kernel forgets the connections that were masqueraded as it. When the uplink has it
    again, and the daemon has not seen that yet, no other card sends the host's answer."""
    far, near, server, _ = CASES[case]
    u = lab.spare
    if server == SERVER6:
        address, added, gateway, known = u.addr6, f"addr add {u.addr6}/64 dev {u} nodad", lab.wired.gateway6, "uplink6"
    else:
        address, added, gateway, known = u.addr, f"addr add {u.addr}/24 dev {u}", lab.wired.gateway, "uplink4"
    server_side = lab.popen(["/usr/bin/python3", "-c", far, server], ns="inet")
    server_side.expect("ready\n")
    lab.via_popen(u, "--", "/usr/bin/python3", "-c", near.format(server)).expect("up\n")
    server_side.expect("accepted\n")
    wired = lab.capture_wired()
    lab.ip(f"addr flush to {address} dev {u}")
    lab.wait(lambda: address not in lab.run(["nft", "list", "set", "inet", "via_iface", known]).out, 10, "its end seen")
    signal_daemon(lab, signal.SIGSTOP)
    before = resets(lab)
    lab.ip(added)
    server_side.write("\n")
    lab.wait(lambda: resets(lab) > before, 10, "the host's answer")
    lab.run(["ping", "-c", "1", "-W", "5", gateway])  # leaves by that card behind it
    leaks = [f for f in wired.stop() if f.dir == "in" and f.src in (u.addr, u.addr6)]
    signal_daemon(lab, signal.SIGCONT)
    assert leaks == [], leaks[:5]
