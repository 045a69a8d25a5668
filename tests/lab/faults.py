"""What happens to a host that has sessions, and what must hold afterwards."""

import os
import signal
import subprocess

from flow import UPLINK_SYSCTLS, state
from test_leaves_by_its_uplink import give_back
from test_survives_kills import ports


def shell(lab, command):
    """A command that may find things half mended: what it says is of no interest."""
    subprocess.run(["/bin/sh", "-c", command], env=lab.env, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, timeout=60)  # fmt: skip


def signal_daemon(lab, number):
    for pid in lab.daemon_pids():
        os.kill(pid, number)


class Wire:
    """What leaves by the card that the session must not use."""

    def __init__(self, lab, capture=None):
        self.lab = lab
        self.capture = capture or lab.capture_wired(token="BEACON")

    def assert_closed(self, healed=None, asked=True):
        """No packet of the session; what the host itself answers in its name (resets, ICMP errors,
        and asking for the router's MAC before the first of them) is counted apart, and after
        `healed` there is none of that either."""
        leaks = self.capture.leaks()
        answers = self.capture.answers()
        if asked and answers:
            leaks = [f for f in leaks if f.eth != "arp"]
        assert not leaks, f"{len(leaks)} leaked:\n" + "\n".join(map(str, leaks[:9]))
        late = [f for f in answers if healed is not None and f.t > healed]
        assert not late, f"{len(late)} answers after it was mended:\n" + "\n".join(map(str, late[:9]))
        print(f"0 packets leaked, {len(answers)} answers of the host")


def nothing_left(lab):
    """The last session has ended: the daemon, asked to go now, takes all of ours with it."""
    lab.wait(lambda: not ports(), 10, "the end of all sessions")
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait_gone()
    left = state(lab, "rules", "routes", "links", "nft")
    assert "proto 86" not in left.pop("rules") and not any(left.values()), f"left behind: {left}"
    for key in UPLINK_SYSCTLS:
        for u in (lab.spare, lab.wired):
            assert lab.sysctl("net/" + key.format(u)) == "0", (key, u.dev)


def plug(lab, flow):
    """The card again, as its driver makes it anew: another index, nothing configured; then what a
    network manager does."""
    u = lab.spare
    ns, far = u.far
    lab.run(f"ip link del {far}", ns=ns)  # the other end is gone already
    lab.ip(f"link add {u.dev} address {u.mac} type veth peer name {far} netns {ns}", ns="host")
    if ns == u.router:
        lab.ip(f"addr add {u.gateway}/24 dev {far}", ns=ns)
        lab.ip(f"addr add {u.gateway6}/64 dev {far} nodad", ns=ns)
        lab.ip(f"link set {far} up", ns=ns)
    else:
        lab.ip(f"link set {far} master lan0 up", ns=ns)
    give_back(lab, "gone")
    lab.set_dns(u, [u.gateway, u.gateway6])


def rename(lab, flow):
    lab.ip(f"link set dev {lab.spare} name wlan7")
    lab.spare.dev = "wlan7"


def killed(lab, flow):
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: lab.daemon_pid() not in (None, pid) and len(lab.daemon_pids()) == 2, 5, "a new daemon")
