"""Many sessions, long lists, and hosts with many interfaces: what the daemon does costs as much as
what it is about, and nobody waits for somebody else's."""

import os
import random
import statistics
import subprocess
import time

from flow import Flow
from lab import needs, program, timed, timeout
from test_who_may import NETDEV
from test_serves_a_crowd import at_rest
from test_leaves_by_its_uplink import lose
from faults import plug
from test_hostile_clients import site
from test_renamed_cards import configuration

HELD = 'sleep 9999 >/dev/null 2>&1 </dev/null &'  # a session that lasts, behind a launch that ends


def cpu(pid):
    """Seconds that a process has run (scheduler, in nanoseconds)."""
    with open(f"/proc/{pid}/schedstat") as f:
        return int(f.read().split()[0]) / 1e9


def hold(lab, count, uplinks, user=None):
    """Starts that many sessions with lists from the generator."""
    for n in range(count):
        done = lab.via("-q", "--dns", lab.spare.gateway, next(uplinks), "--", "sh", "-c", HELD, user=user)
        assert done.code == 0, done


def many_links(lab, count):
    """Interfaces that nobody lists, with an address each."""
    lines = "".join(f"link add v{n} type veth peer name w{n}\n" for n in range(count // 2))
    lines += "".join(f"addr add 10.{n >> 8}.{n & 255}.1/32 dev v{n}\n" for n in range(count // 2))
    lab.run(["ip", "-batch", "-"], input=lines, check=True, timeout=60)


@timed
@timeout(120)
def test_absent_name_among_many_interfaces(lab):
    """A list with a name that no interface has, beside 1000 of them."""
    lab.session(lab.spare)  # the daemon stays, and knows the host
    daemon = lab.daemon_pid()

    def launches():
        spent, walls = [], []
        for _ in range(25):
            before, start = cpu(daemon), time.monotonic()
            child = subprocess.Popen([program("via-iface"), "-q", f"wwan0,{lab.spare}", "--", "true"], env=lab.env)
            _, status, usage = os.wait4(child.pid, 0)
            child.returncode = status
            walls.append(time.monotonic() - start)
            assert status == 0
            spent.append(usage.ru_utime + usage.ru_stime + cpu(daemon) - before)
        print(f"{min(spent) * 1000:.1f} ms of processor, {statistics.median(walls) * 1000:.1f} ms")
        return min(spent)  # the more others work, the longer the same takes the processor

    launches()
    empty = launches()
    many_links(lab, 1000)
    launches()
    full = launches()
    assert full < 1.3 * empty, (full, empty)


@timed
@timeout(400)
def test_uplink_anew_under_many_sessions(lab):
    """1000 sessions, and their uplink is removed and made anew."""
    flow = Flow(lab)
    hold(lab, 999, iter(lambda: str(lab.spare), None))
    lose(lab, "gone")
    flow.silent()
    daemon = lab.daemon_pid()
    for _ in range(5):
        lab.yardstick.measure()
    plug(lab, flow)
    start, spent = flow.started(), cpu(daemon)
    healed = flow.flows(start, 10, seen=(lab.spare.addr, lab.spare.addr6))
    print(f"flows after {healed * 1000:.0f} ms, {(cpu(daemon) - spent) * 1000:.0f} ms of processor")
    for _ in range(5):
        lab.yardstick.measure()
    assert healed < lab.yardstick.median(), healed
    before = os.times()
    listed = lab.via("list", "--json", check=True)
    after = os.times()
    assert len(listed.json()) == 1000
    assert {s["state"] for s in listed.json()} == {"up"}
    spent = sum(after[2:4]) - sum(before[2:4])  # of children that have ended
    print(f"list: {listed.seconds * 1000:.0f} ms, {spent * 1000:.0f} ms of processor")
    assert spent < 0.5 * lab.scale, spent


def as_user(lab, s, uid, *words):
    ids = ["--reuid", str(uid), "--regid", str(uid), "--groups", str(NETDEV)]
    return lab.run(["setpriv", *ids, "--", f"{s.bin}/via-iface", "-q", "--dns", lab.spare.gateway, *words])


@timed
@needs("root", "tool:setcap", "tool:setpriv")
@timeout(400)
def test_many_long_lists_and_an_uplink_that_flaps(lab):
    """240 sessions of four users, each with a list of 16 words in an order of its own."""
    s = site(lab)
    flow = Flow(lab)
    absent = [f"a{n}" for n in range(14)]
    for n in range(240):
        words = [str(lab.spare), str(lab.wired), *absent]
        random.Random(n).shuffle(words)
        done = as_user(lab, s, 2000 + n % 4, ",".join(words), "--", "sh", "-c", HELD)
        assert done.code == 0, done
    healed, launched = [], []
    rules = lab.ip("rule")
    u = lab.wired
    for turn in range(20):
        if turn % 2:
            for line in configuration(u):
                lab.ip(line)
        else:
            lab.ip(f"link set {u} down")
        lab.yardstick.measure()
        lab.ip("rule del priority 5180")
        start = time.monotonic()
        lab.wait(lambda: lab.ip("rule").count("5180:") == rules.count("5180:"), 5, "the rules")
        healed.append(time.monotonic() - start)
        launched.append(as_user(lab, s, 2004, str(lab.spare), "--", "true").seconds)
    for what, times in (("healed", healed), ("launched", launched)):
        print(f"{what}: median {statistics.median(times) * 1000:.0f} ms, at most {max(times) * 1000:.0f} ms")
        assert statistics.median(times) < 0.1 * lab.yardstick.median(), times
        assert max(times) < lab.yardstick.worst(), times
    flow.flows(flow.started(), 5)
    lab.wait(lambda: at_rest(s.daemon.pid), 10, "a daemon at rest")
