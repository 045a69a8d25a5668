"""Connection tracking is shared by all sessions and the host: each session has a share of it, and
nothing of a session's outlives it. An address is handed out again when nothing of its former
owner's can arrive."""

import os
import signal
import time

import tracked
from lab import SERVER, SERVER6, needs, params, program, timeout

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
    return next(int(w[28:32], 16) for w in inet6.split() if w.startswith("fd") and len(w) == 32)


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
