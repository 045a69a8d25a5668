"""`via-iface top`: how fast one's own sessions are and with whom they speak; nobody else's."""

import json
import os
import re
import signal
import socket
import struct
import termios
import time

import hostile
from lab import needs, program
from test_on_a_terminal import resize
from test_who_may import Site

# So many datagrams a second, each of 1000 bytes, to each address; what comes back is read.
SENDER = (
    "import select, socket, sys, time\n"
    "rate, peers = int(sys.argv[1]), [(a, int(p)) for a, p in zip(sys.argv[2::2], sys.argv[3::2])]\n"
    "s = {a: socket.socket(socket.AF_INET6 if ':' in a else socket.AF_INET, socket.SOCK_DGRAM) for a, p in peers}\n"
    "print('ready', flush=True)\n"
    "start, sent = time.monotonic(), 0\n"
    "while True:\n"
    "    due = int((time.monotonic() - start) * rate)\n"
    "    for n in range(due - sent):\n"
    "        for a, p in peers: s[a].sendto(b'x' * 1000, (a, p))\n"
    "    sent = due\n"
    "    ready = select.select([sys.stdin, *s.values()], [], [], 0.01)[0]\n"
    "    if sys.stdin in ready: break\n"
    "    for one in ready: one.recv(2000)\n"
)
ECHO = (
    "import socket, sys\n"
    "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
    "s.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)\n"
    "s.bind(('::', 7777))\n"
    "print('ready', flush=True)\n"
    "while True:\n"
    "    data, peer = s.recvfrom(2000)\n"
    "    s.sendto(data, peer)\n"
)


def sender(start, name, rate, *peers):
    process = start("--name", name, "wlp6s0", "--", "python3", "-c", SENDER, str(rate), *map(str, peers))
    process.expect("ready\n")
    return process


def by_kernel(pid):
    """Bytes that the session's device has received and sent (proc(5), /proc/PID/net/dev)."""
    with open(f"/proc/{pid}/net/dev") as table:
        (words,) = [line.split(":")[1].split() for line in table if line.strip().startswith("eth0:")]
    return int(words[0]), int(words[8])


def samples(lines):
    return [json.loads(line) for line in lines.splitlines()]


def near(value, wanted, part=0.1):
    return abs(value - wanted) <= part * wanted


def sessions(sample):
    return {s["name"]: s for s in sample["sessions"]}


def to(session, address):
    (found,) = [d for d in session["destinations"] if d["address"] == address]
    return found


@needs("root", "tool:setcap", "tool:setpriv")
def test_rates(lab):
    """Two users, both families: rates are those of the kernel's counters, and each sees their own alone."""
    site = Site(lab)
    site.policy("[alice]\nuplinks = *\n[bob]\nuplinks = *\n")
    echo = lab.popen(["python3", "-c", ECHO], ns=lab.spare.router)
    echo.expect("ready\n")
    gateway, gateway6 = lab.spare.gateway, lab.spare.gateway6
    game = sender(lambda *w: site.via_popen("alice", *w), "game", 200, gateway, 7777, lab.server6, 9)
    other = sender(lambda *w: site.via_popen("bob", *w), "other", 50, gateway6, 7777)
    start, before = time.monotonic(), by_kernel(game.pid)
    shown = site.via("alice", "top", "-n", "3", "--json", check=True, timeout=20)
    seconds, after = time.monotonic() - start, by_kernel(game.pid)
    rx, tx = ((b - a) / seconds for a, b in zip(before, after))
    assert near(tx, 2 * 200 * 1042, 0.2), f"it sends what it was told to: {tx}"
    got = samples(shown.out)
    assert len(got) == 3 and [list(sessions(s)) for s in got] == [["game"]] * 3, got
    assert all(near(b["time"] - a["time"], 1, 0.3) for a, b in zip(got, got[1:])), [s["time"] for s in got]
    game_rows = [sessions(s)["game"] for s in got]
    for key, wanted in (("rx_rate", rx), ("tx_rate", tx)):
        mean = sum(row[key] for row in game_rows) / 3
        assert near(mean, wanted), f"{key}: {mean}, by the kernel {wanted}"
    for address, size, answers in ((gateway, 1028, True), (lab.server6, 1048, False)):
        rows = [to(row, address) for row in game_rows]
        assert {(r["port"], r["proto"], r["inbound"], r["connections"]) for r in rows} == {
            (7777 if answers else 9, "udp", False, 1)
        }, rows
        mean = sum(r["tx_rate"] for r in rows) / 3
        assert near(mean, 200 * size), f"{address}: {mean}, sent {200 * size}"
        assert not answers or near(sum(r["rx_rate"] for r in rows) / 3, 200 * size), rows
        counted = (rows[-1]["tx_bytes"] - rows[0]["tx_bytes"]) / (got[-1]["time"] - got[0]["time"])
        assert near(counted, 200 * size), f"{address}: {counted}"
    assert game_rows[0]["counted"] and game_rows[0]["user"] == "alice" and game_rows[0]["uid"] == 1000
    everybody = lab.via("top", "--once", "--json", check=True, timeout=20)
    rows = sessions(samples(everybody.out)[0])
    assert list(rows) == ["game", "other"], "root sees all, the busiest first"
    six = to(rows["other"], gateway6)
    assert near(six["tx_rate"], 50 * 1048, 0.2) and near(six["rx_rate"], 50 * 1048, 0.2), six
    nobody = site.via("carol", "top", "--once", check=True, timeout=20)
    assert "no session of yours runs" in nobody.out and "game" not in nobody.out, nobody
    text = site.via("alice", "top", "--once", check=True, timeout=20).out
    assert re.search(r"^\d\d:\d\d:\d\d  1 session  RX [\d.]+K/s  TX [\d.]+K/s$", text, re.M), text
    assert re.search(rf"^  {re.escape(gateway)}:7777/udp +1 +[\d.]+K ", text, re.M), text
    assert re.search(rf"^  \[{re.escape(lab.server6)}\]:9/udp +1 +", text, re.M), text
    for process in (game, other):
        process.write("\n")
        process.finish()
    echo.kill()


def test_by_connection(lab):
    """TCP in both directions, many connections to one destination, names of the uplink; what stays inside
    is no destination; nothing of a session without traffic is read again."""
    script = (
        "import socket, sys, threading\n"
        "inside = socket.socket(); inside.bind(('127.0.0.1', 0)); inside.listen()\n"
        "near = [socket.create_connection(inside.getsockname()), inside.accept()[0]]\n"
        "near[0].send(b'x' * 9999)\n"
        "many = [socket.create_connection((sys.argv[1], 80)) for n in range(100)]\n"
        "for one in many: one.send(b'GET / HTTP/1.0\\r\\n')\n"
        "print('ready', flush=True)\n"
        "sys.stdin.readline()\n"
    )
    holder = lab.via_popen("--name", "many", lab.spare, "--", "python3", "-c", script, lab.server)
    holder.expect("ready\n")
    (row,) = samples(lab.via("top", "--once", "--json", check=True, timeout=20).out)[0]["sessions"]
    (found,) = row["destinations"]
    assert (found["address"], found["port"], found["proto"]) == (lab.server, 80, "tcp"), found
    assert found["connections"] == 100 and found["rx_rate"] == found["tx_rate"] == 0, found
    # SYN, ACK and the 16 bytes of each
    assert 100 * (60 + 52 + 52 + 16) <= found["tx_bytes"] <= 100 * 300, found
    top = lab.via_popen("top", "--json")
    top.expect('"destinations"')
    before = usage(top.pid)
    top.expect('"destinations"')
    start = time.monotonic()
    for _ in range(3):
        top.expect('"destinations"')
    spent = (usage(top.pid) - before) / (time.monotonic() - start + 1)
    assert spent < 0.05, f"top uses {spent:.1%} of a processor with 100 connections"
    lab.note(f"top uses {spent:.2%} of a processor")
    top.kill(signal.SIGTERM)
    top.finish()
    holder.write("\n")
    holder.finish()


def usage(pid):
    """Seconds of processor time (proc(5), /proc/PID/stat)."""
    with open(f"/proc/{pid}/stat") as f:
        words = f.read().rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / os.sysconf("SC_CLK_TCK")


def test_on_a_terminal(lab):
    """In place, once a second, in each size; q and Ctrl-C end it, and the terminal is as it was."""
    game = sender(lab.via_popen, "game", 100, lab.server, 9)
    with lab.pty(f"{program('via-iface')} top; echo ended $?; cat", env={"TERM": "xterm"}) as terminal:
        before = termios.tcgetattr(terminal.fd)
        terminal.expect(re.escape("\x1b[?1049h"))
        terminal.expect(r"RX/s")
        terminal.expect(rf"  {re.escape(lab.server)}:9/udp")
        assert termios.tcgetattr(terminal.fd)[3] & (termios.ECHO | termios.ICANON) == 0
        resize(terminal, 4, 40)
        terminal.expect(r"and \d+ more")
        terminal.send("x")
        terminal.send("q")
        terminal.expect(re.escape("\x1b[?25h\x1b[?1049l"))
        terminal.expect("ended 0")
        assert termios.tcgetattr(terminal.fd) == before
    with lab.pty([program("via-iface"), "top"], env={"TERM": "xterm"}) as terminal:
        terminal.expect(r"RX/s")
        terminal.send("\x03")
        terminal.expect_end()
        assert terminal.seen.endswith("\x1b[?25h\x1b[?1049l"), terminal.seen
    done = lab.via("top", "-n", "0")
    assert done.code == 125 and "invalid --count '0': it is a number of samples" in done.err, done
    reader = lab.run(f"{program('via-iface')} top | head -n 1", timeout=20)
    assert " 1 session " in reader.out, reader
    game.write("\n")
    game.finish()


def ask_flows(number, netns):
    """The records of the daemon's answer, or the words of its refusal."""
    answer = hostile.ask_with_netns(hostile.FLOWS, number, netns)
    if isinstance(answer, str):
        return answer
    assert os.path.basename(os.readlink(f"/proc/self/fd/{answer}")).startswith("pipe:")
    with os.fdopen(answer, "rb") as pipe:
        return pipe.read()


def test_of_no_other_netns(lab):
    """The host's connections and another session's are not told, whatever is sent; a reader who does not
    read keeps no child of the daemon's for long."""
    game = sender(lab.via_popen, "game", 100, lab.server, 9)
    other = sender(lab.via_popen, "other", 100, lab.server, 10)
    number = next(s["id"] for s in lab.via("list", "--json").json() if s["name"] == "game")
    for path, why in (
        (f"/proc/{other.pid}/ns/net", "of another netns"),
        ("/proc/self/ns/net", "of another netns"),
        (f"/proc/{game.pid}/ns/mnt", "is of no netns"),
    ):
        fd = os.open(path, os.O_RDONLY)
        assert why in ask_flows(number, fd), path
        os.close(fd)
    fd = os.open(f"/proc/{game.pid}/ns/net", os.O_RDONLY)
    records = ask_flows(number, fd)
    os.close(fd)
    assert len(records) == 128 and not any(records[64:]), "one connection, and the end"
    assert struct.unpack_from("=H", records, 22)[0] == 9 and struct.unpack_from("=Q", records)[0] > 1028
    for process in (game, other):
        process.write("\n")
        process.finish()
    lab.wait_gone()
