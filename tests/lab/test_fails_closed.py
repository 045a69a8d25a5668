"""Closed, whatever is taken away: each of the three layers (routing rules, nftables, tc) holds
alone, with a stopped or a dying daemon, under traffic that does not stop."""

import os
import signal
import subprocess
import time

from lab import params, topology

# Two datagrams a family each 2 ms, whatever becomes of them, and a slow reader of two downloads
# that are aborted when it ends. Says when there is an answer, and after SIGUSR1 when there is one
# again. From SIGUSR2 to SIGUSR1 it does so each 50 ms: while nothing is changed.
TRAFFIC = """
import signal, socket, struct, sys, time
targets, downloads, pause = [], [], 0.002
for address in sys.argv[1:]:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.setblocking(False)
    targets.append([s, address, False])
    d = socket.create_connection((address, 80))
    d.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    d.sendall(b"GET /bytes/4000000000 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
    d.recv(1)
    d.setblocking(False)
    downloads.append(d)
def again(*_):
    global pause
    pause = 0.002
    for target in targets:
        target[2] = False
def slower(*_):
    global pause
    pause = 0.05
signal.signal(signal.SIGUSR1, again)
signal.signal(signal.SIGUSR2, slower)
while True:
    for target in targets:
        s, address, _ = target
        for port in (7777, 9):
            try:
                s.sendto(b"BEACON %.6f" % time.time(), (address, port))
            except OSError:
                pass
        try:
            while s.recv(2000):
                if not target[2]:
                    target[2] = True  # before a signal that takes it back
                    print("heard", address, flush=True)
        except OSError:
            pass
    for d in downloads:
        try:
            d.recv(6000)
        except OSError:
            pass
    time.sleep(pause)
"""

TAKE = {
    "rules": "ip rule flush protocol 86; ip -6 rule flush protocol 86",
    "nft": "nft flush ruleset",
    "tc": "tc qdisc del dev via0 clsact",
    "table": "ip route flush table 22017; ip -6 route flush table 22017",
    "uplink": "ip link set dev wlp6s0 down",
}


def traffic(lab):
    """A session with that traffic, when both families get answers."""
    path = os.path.join(lab.tmp, "traffic.py")
    with open(path, "w") as f:
        f.write(TRAFFIC)
    held = lab.session(script=f"exec python3 {path} {lab.server} {lab.server6}")
    for address in (lab.server, lab.server6):
        held.expect(f"heard {address}\n")
    return held


def heard_again(lab, held):
    held.out = b""
    held.kill(signal.SIGUSR1)
    for address in (lab.server, lab.server6):
        held.expect(f"heard {address}\n", 5)


def slower(held):
    """Until heard_again(): for what takes a while and changes nothing."""
    held.kill(signal.SIGUSR2)


def take(lab, *layers):
    """All of them at once: none waits for another."""
    running = [
        subprocess.Popen(["sh", "-c", TAKE[layer]], env=lab.env, stderr=subprocess.PIPE)
        for layer in layers
    ]
    for popen in running:
        popen.communicate(timeout=10)  # what a daemon is just mending may be there only in part


def signal_daemon(lab, number):
    for pid in lab.daemon_pids():
        os.kill(pid, number)


class Watch:
    """Captures on the far side of both cards, and what may be seen there."""

    def __init__(self, lab):
        self.lab = lab
        self.wired, self.spare = lab.capture_wired(token="BEACON"), lab.capture_spare()
        self.since = time.monotonic()

    def late(self):
        """What came for the uplink's addresses: each may be answered once by the host itself."""
        ours = (self.lab.spare.addr, self.lab.spare.addr6)
        frames = self.wired.stop() + self.spare.stop()
        return [f for f in frames if f.dir == "out" and f.dst in ours and f.proto != "reply"]

    def assert_closed(self, answers_allowed):
        """Nothing of the session by the wired card. Resets and ICMP errors of the host's own
        stack, and its asking for the router's MAC before the first of them, are counted apart."""
        answers = self.wired.answers()
        leaks = self.wired.leaks()
        if answers_allowed:
            leaks = [f for f in leaks if f.eth != "arp"]
        assert not leaks, f"{len(leaks)} leaked:\n" + "\n".join(map(str, leaks[:9]))
        late = self.late() if answers_allowed else []
        assert len(answers) <= len(late), (
            f"{len(answers)} answers of the host for {len(late)} late packets:\n"
            + "\n".join(map(str, answers[:9]))
        )


@topology("split", "same")
def test_the_capture_would_see(lab):
    """With all three layers gone everything leaves by the wired card: what the others rely on."""
    traffic(lab)
    signal_daemon(lab, signal.SIGSTOP)
    wired = lab.capture_wired(token="BEACON")
    take(lab, "rules", "nft", "tc")
    lab.wait(lambda: wired.count() > 50, 5, "leaks")
    leaks = wired.leaks()
    for version in ("ip", "ip6"):
        assert any(f.eth == version and f.proto == "udp" for f in leaks), leaks[:9]


@topology("split", "same")
@params(
    rules_and_nft=("rules", "nft"),
    nft_and_rules=("nft", "rules"),
    rules_and_tc=("rules", "tc"),
    nft_and_tc=("nft", "tc"),
    nft=("nft",),
    rules=("rules",),
    table=("table",),
    uplink=("uplink",),
    uplink_and_nft=("uplink", "nft"),
)
def test_taken_away(lab, layers):
    """The daemon is stopped: nothing mends, and nothing leaves. Then it goes on, and mends."""
    before = lab.snapshot()
    held = traffic(lab)
    signal_daemon(lab, signal.SIGSTOP)
    watch = Watch(lab)
    take(lab, *layers)
    time.sleep(0.6)
    watch.assert_closed("nft" in layers)

    watch = Watch(lab)
    if "uplink" in layers:
        restore_uplink(lab)
    signal_daemon(lab, signal.SIGCONT)
    heard_again(lab, held)
    watch.assert_closed("nft" in layers)
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    lab.assert_same(before)


def restore_uplink(lab):
    """Up again, with what a network manager puts back."""
    u = lab.spare
    lab.ip(f"link set dev {u} up")
    lab.ip(f"-6 addr replace {u.addr6}/64 dev {u} nodad noprefixroute")
    subnet, subnet6 = u.addr.rsplit(".", 1)[0] + ".0/24", u.addr6.split("::")[0] + "::/64"
    lab.ip(f"route replace {subnet} dev {u} src {u.addr} metric {u.metric} proto kernel scope link")
    lab.ip(f"-6 route replace {subnet6} dev {u} metric {u.metric} proto kernel")
    lab.ip(f"route replace default via {u.gateway} dev {u} metric {u.metric}")
    lab.ip(f"-6 route replace default via {u.gateway6} dev {u} metric {u.metric}")


@topology("split", "same")
@params("heals", "is_killed")
def test_flushed_again_and_again(lab, daemon):
    """The daemon mends meanwhile, or is killed each time and started again by its parent: a
    half-mended host must be as closed as a whole one. tc stays: with what is not yet mended from
    the last time all three would be gone."""
    before = lab.snapshot()
    held = traffic(lab)
    watch = Watch(lab)
    for number in range(6):
        take(lab, *(("rules", "nft"), ("nft",), ("nft", "rules"))[number % 3])
        time.sleep(0.004 * number)  # so that what follows comes at another point of the mending
        if daemon == "is_killed":
            lab.wait(lambda: len(lab.daemon_pids()) == 2, 5, "a daemon and its parent")
            os.kill(lab.daemon_pid(), signal.SIGKILL)
    heard_again(lab, held)
    watch.assert_closed(True)
    held.stop(signal.SIGKILL)
    lab.wait_gone()
    lab.assert_same(before)
