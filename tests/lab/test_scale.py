"""Many sessions, long lists, and hosts with many interfaces: what the daemon does costs as much as
what it is about, and nobody waits for somebody else's."""

import os
import statistics
import subprocess
import time

from flow import Flow
from lab import program, timeout
from test_data_path import lose
from test_follow import plug

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
        print(f"{statistics.median(spent) * 1000:.1f} ms of processor, {statistics.median(walls) * 1000:.1f} ms")
        return statistics.median(spent)

    launches()
    empty = launches()
    many_links(lab, 1000)
    launches()
    full = launches()
    assert full < 1.3 * empty, (full, empty)


@timeout(400)
def test_uplink_anew_under_many_sessions(lab):
    """1000 sessions, and their uplink is removed and made anew."""
    flow = Flow(lab)
    hold(lab, 999, iter(lambda: str(lab.spare), None))
    lose(lab, "gone")
    flow.silent()
    daemon = lab.daemon_pid()
    plug(lab, flow)
    start, spent = flow.started(), cpu(daemon)
    healed = flow.flows(start, 10, seen=(lab.spare.addr, lab.spare.addr6))
    print(f"flows after {healed * 1000:.0f} ms, {(cpu(daemon) - spent) * 1000:.0f} ms of processor")
    assert healed < lab.scale, healed
    before = os.times()
    listed = lab.via("list", "--json", check=True)
    after = os.times()
    assert len(listed.json()) == 1000
    assert {s["state"] for s in listed.json()} == {"up"}
    spent = sum(after[2:4]) - sum(before[2:4])  # of children that have ended
    print(f"list: {listed.seconds * 1000:.0f} ms, {spent * 1000:.0f} ms of processor")
    assert spent < 0.5 * lab.scale, spent
