"""`via-iface capture`: the packets of one's own session, without root, and of no other."""

import os
import re
import signal
import socket

import hostile
from lab import needs
from test_who_may import Site

CAPTURING = "Ctrl-C ends it\n"
# Sends what it reads, a line a packet, to a port of a server; an empty answer is not waited for.
SENDER = (
    "import socket, sys\n"
    "s = {f: socket.socket(f, socket.SOCK_DGRAM) for f in (socket.AF_INET, socket.AF_INET6)}\n"
    "print('ready', flush=True)\n"
    "for line in sys.stdin:\n"
    "    to, port, text = line.split()\n"
    "    s[socket.AF_INET6 if ':' in to else socket.AF_INET].sendto(text.encode(), (to, int(port)))\n"
    "    print('sent', flush=True)\n"
)


class Sender:
    """A session whose program sends what it is told."""

    def __init__(self, lab, *options, start=None):
        words = [*options, lab.spare, "--", "python3", "-c", SENDER]
        self.lab = lab
        self.process = start(*words) if start else lab.via_popen(*words)
        self.process.expect("ready\n")

    def send(self, text, to=None, port=9):
        self.process.write(f"{to or self.lab.server} {port} {text}\n")
        self.process.expect("sent\n")

    def finish(self):
        self.process.finish()


def capture(lab, *words):
    process = lab.via_popen("capture", *words, merge=True)
    process.expect(CAPTURING)
    return process


def tshark(lab, path, *words):
    """As a reader of another make sees it."""
    return lab.run(["tshark", "-n", "-r", path, *words], check=True, timeout=60).out.splitlines()


def fields(lab, path, *names):
    words = [w for name in names for w in ("-e", name)]
    return [line.split("\t") for line in tshark(lab, path, "-Y", "udp", "-T", "fields", *words)]


@needs("tool:tshark")
def test_read_back(lab):
    """Both families, what was sent and what came, with times, direction, the device and a name."""
    sender = Sender(lab, "--name", "game")
    path = f"{lab.tmp}/game.pcapng"
    captured = capture(lab, "game", "-w", path, "udp")
    assert os.stat(path).st_mode & 0o777 == 0o600
    sender.send("one")
    sender.send("six", to=lab.server6)
    reply = "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(('', 7777)); d, a = s.recvfrom(99); s.sendto(d, a)"
    echo = lab.popen(["python3", "-c", reply], ns=lab.spare.router)
    lab.wait(lambda: lab.run("ss -uln sport = 7777", ns=lab.spare.router).out.count("\n") > 1, 10, "the echo listens")
    sender.send("back", to=lab.spare.gateway, port=7777)
    echo.finish()
    lab.wait(lambda: open(path, "rb").read().count(b"back") == 2, 10, "the answer is in the file")
    done = captured.stop(signal.SIGINT)
    assert done.code == 0 and "4 packets captured, 0 dropped by the kernel" in done.out, done
    names = ["ip.dst", "ipv6.dst", "udp.dstport", "data.data", "frame.packet_flags_direction"]
    names += ["frame.interface_name", "frame.interface_description"]
    got = fields(lab, path, *names)
    assert [(r[0] or r[1], r[2], bytes.fromhex(r[3]), int(r[4], 0)) for r in got[:3]] == [
        (lab.server, "9", b"one", 2), (lab.server6, "9", b"six", 2), (lab.spare.gateway, "7777", b"back", 2),
    ], got  # fmt: skip
    assert (bytes.fromhex(got[3][3]), int(got[3][4], 0)) == (b"back", 1), f"inbound: {got}"
    for row in got:
        assert row[5] == "eth0" and re.fullmatch(r"session 'game' \(\d+\) by wlp6s0", row[6]), row
    shown = lab.run(["tshark", "-r", path, "-N", "n"], check=True, timeout=60).out  # by names of the file
    assert len(re.findall(r"\bgame\b", shown)) == 4, shown
    sender.finish()


def test_filter_and_count(lab):
    sender = Sender(lab, "--name", "game")
    path = f"{lab.tmp}/game.pcapng"
    captured = capture(lab, "-c", "2", "-w", path, "game", "udp", "port", "5353", "or", "udp port 77")
    for port in (9, 5353, 10, 77, 5353):
        sender.send(f"to{port}", port=port)
    done = captured.finish()
    assert done.code == 0 and "2 packets captured, 0 dropped by the kernel" in done.out, done
    data = open(path, "rb").read()
    assert [w for w in (b"to9", b"to5353", b"to10", b"to77") if w in data] == [b"to5353", b"to77"]
    done = lab.via("capture", "game", "-w", path, "udp", "prt", "5")
    assert done.code == 125 and done.err.startswith("via-iface: compile the filter 'udp prt 5': "), done
    assert "pcap-filter(7)" in done.err, done
    sender.finish()


@needs("tool:tcpdump")
def test_as_text(lab):
    """Without -w, as the packets come."""
    sender = Sender(lab, "--name", "game")
    captured = capture(lab, "game", "udp port 9")
    sender.send("shown")
    captured.expect(f" > {lab.server}.9: UDP, length 5\n")
    captured.kill(signal.SIGTERM)
    assert captured.finish().code == 0
    done = lab.via("capture", "game", env={"PATH": "/nowhere"})
    assert done.code == 125 and "start tcpdump: No such file" in done.err and "`-w FILE`" in done.err, done
    sender.finish()


def test_ends_with_the_session(lab):
    """A packet socket keeps a netns: the session must be gone all the same when its programs are."""
    sender = Sender(lab, "--name", "game")
    captured = capture(lab, "game", "-w", "/dev/null")
    sender.finish()
    assert captured.finish(close=False).code == 0
    lab.wait_gone()


def test_ends_when_the_session_is_stopped(lab):
    """Also one that stays without programs."""
    lab.via("netns", "add", "kept", "wlp6s0", check=True)
    captured = capture(lab, "kept", "-w", "/dev/null")
    lab.via("netns", "del", "kept", check=True)
    assert captured.finish(close=False).code == 0
    lab.wait_gone()


def test_ends_when_nobody_reads(lab):
    sender = Sender(lab, "--name", "game")
    captured = lab.via_popen("capture", "game", "-w", "-", "udp port 9")
    lab.wait(lambda: packet_sockets(sender.process.pid), 10, "the capture")
    captured.popen.stdout.close()
    captured._open = {fd: name for fd, name in captured._open.items() if name == "stderr"}
    sender.send("unread")
    done = captured.finish()
    assert done.code == 0 and "1 packets captured" in done.err, done
    sender.finish()


def test_a_slow_reader_costs_the_capture_alone(lab):
    """Nobody reads: the session sends on, what is missing in the capture is counted, and Ctrl-C still ends it."""
    burst = (
        "import socket, sys\n"
        "s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
        "for n in range(40000): s.sendto(b'x' * 1400, (sys.argv[1], 9))\n"
        "print('sent', flush=True)\n"
        "sys.stdin.read()\n"
    )
    sender = lab.via_popen("--name", "game", lab.spare, "--", "python3", "-c", burst, lab.server)
    sender.expect("ready\n")
    path = f"{lab.tmp}/unread"
    os.mkfifo(path)
    unread = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    captured = capture(lab, "game", "-w", path, "udp port 9")
    before = port_packets()
    sender.write("\n")
    sender.expect("sent\n", 30)
    assert port_packets() - before >= 40000, "the host's port received them all"
    report = captured.stop(signal.SIGINT).out
    os.close(unread)
    got, lost = map(int, re.search(r"(\d+) packets captured, (\d+) dropped", report).groups())
    assert lost > 0 and got > 0, report
    sender.finish()


def port_packets():
    """What the only session has sent: its port received it (proc(5), /proc/net/dev)."""
    with open("/proc/net/dev") as table:
        (port,) = [line.split(":")[1] for line in table if line.strip().startswith("viap")]
    return int(port.split()[1])


def test_follows_a_move(lab):
    sender = Sender(lab, "--name", "game")
    path = f"{lab.tmp}/game.pcapng"
    captured = capture(lab, "game", "-w", path, "udp port 9")
    sender.send("before")
    lab.via("move", "game", "enp7s0", check=True)
    wired = lab.capture_wired()
    sender.send("after")
    lab.wait(lambda: any(b"after" in f.payload for f in wired.peek()), 10, "it left by the other card")
    captured.stop(signal.SIGINT)
    data = open(path, "rb").read()
    assert b"before" in data and b"after" in data
    sender.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_whose(lab):
    """A plain user captures their own session, nobody else's; root does each."""
    site = Site(lab)
    site.policy("[alice]\nuplinks = *\n[bob]\nuplinks = *\n")
    sender = Sender(lab, "--name", "game", start=lambda *w: site.via_popen("alice", *w))
    site.held = 1
    before = site.settled()
    done = site.via("bob", "capture", "game", "-w", "-")
    assert done.code == 125 and "capture packets of session 'game': it belongs to uid 1000" in done.err, done
    for start in (lambda *w: site.via_popen("alice", *w), lab.via_popen):
        captured = start("capture", "game", "-c", "1", "-w", "-", "udp")
        lab.wait(lambda: packet_sockets(sender.process.pid), 10, "the capture")
        sender.send("mine")
        done = captured.finish(close=False)
        assert done.code == 0 and "1 packets captured" in done.err, done
        lab.wait(lambda: not packet_sockets(sender.process.pid), 10, "its end")
    site.same(before)
    sender.finish()


@needs("root", "tool:setcap", "tool:setpriv")
def test_forbidden_by_the_policy(lab):
    site = Site(lab)
    path = site.policy("[alice]\nuplinks = *\ncapture = no\n")
    sender = Sender(lab, "--name", "game", start=lambda *w: site.via_popen("alice", *w))
    site.held = 1
    site.logged()
    done = site.via("alice", "capture", "game", "-w", "-")
    site.is_refusal(done, "alice", "capture packets of session 'game'", f"{path}:1 [alice] allows no captures")
    assert not packet_sockets(sender.process.pid)
    site.policy("[alice]\nuplinks = *\ncapture = yes\n")
    captured = site.via_popen("alice", "capture", "game", "-c", "1", "-w", "/dev/null")
    lab.wait(lambda: packet_sockets(sender.process.pid), 10, "the capture")
    sender.send("mine")
    assert captured.finish().code == 0
    sender.finish()


def packet_sockets(pid):
    """Those that are bound to a device of the session's netns (/proc/net/packet)."""
    with open(f"/proc/{pid}/net/packet") as table:
        return [line for line in list(table)[1:] if line.split()[4] != "0"]


def ask_socket(number, netns):
    """The packet socket of the daemon's answer, or the words of its refusal."""
    answer = hostile.ask_with_netns(hostile.CAPTURE, number, netns)
    return answer if isinstance(answer, str) else socket.socket(fileno=answer)


def test_the_daemon_gives_no_other_socket(lab):
    """Not of the host, nor of another session; what it gives sees one netns, and its port takes no forged packets."""
    sender = Sender(lab, "--name", "game")
    other = Sender(lab, "--name", "other")
    number = next(s["id"] for s in lab.via("list", "--json").json() if s["name"] == "game")
    for path, why in (
        (f"/proc/{other.process.pid}/ns/net", "of another netns"),
        ("/proc/self/ns/net", "of another netns"),
        (f"/proc/{sender.process.pid}/ns/mnt", "is of no netns"),
    ):
        fd = os.open(path, os.O_RDONLY)
        assert why in ask_socket(number, fd), path
        os.close(fd)
    fd = os.open(f"/proc/{sender.process.pid}/ns/net", os.O_RDONLY)
    with ask_socket(number, fd) as packets:
        os.close(fd)
        packets.bind(("eth0", 3))
        packets.settimeout(10)
        other.send("secret")
        sender.send("mine")
        seen = packets.recv(2000)
        while b"mine" not in seen:
            assert b"secret" not in seen
            seen = packets.recv(2000)
        eyes = [lab.capture_wired(), lab.capture_spare()]
        for at, value in ((26, socket.inet_aton(lab.wired.addr)), (26, socket.inet_aton(lab.spare.addr)), (6, b"\2\0\0\0\0\1")):
            forged = bytearray(seen)
            forged[at : at + len(value)] = value
            forged[-4:] = b"fake"
            packets.send(forged)
        sender.send("last")
        lab.wait(lambda: any(b"last" in f.payload for f in eyes[1].peek()), 10, "what was sent behind them")
        assert not [f for eye in eyes for f in eye.stop() if b"fake" in f.payload]
    sender.finish()
    other.finish()
