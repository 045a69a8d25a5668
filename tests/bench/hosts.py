"""What a loaded host costs: a launch whose facts are old, one without a daemon, a storm of events."""

import os
import signal
import threading
import time

from clock import Turns, cpu_of
from launches import row_of


def routes(lab):
    lines = "".join(
        f"route add 20.{n >> 16}.{n >> 8 & 255}.{n & 255}/32 via {lab.wired.gateway} dev {lab.wired}\n"
        for n in range(100000)
    )
    lab.run(["ip", "-batch", "-"], input=lines, timeout=300, check=True)
    return "ip route flush root 20.0.0.0/8"


def rules(lab):
    lines = "".join(
        f"rule add from 100.65.{n >> 8}.{n & 255} lookup main priority {9000 + n}\n" for n in range(2000)
    )
    lab.run(["ip", "-batch", "-"], input=lines, timeout=300, check=True)
    return "ip -batch - <<'E'\n" + lines.replace("rule add", "rule del") + "E"


def interfaces(lab):
    lines = "".join(f"link add many{n} type veth peer name far{n}\n" for n in range(500))
    lab.run(["ip", "-batch", "-"], input=lines, timeout=300, check=True)
    return "ip -batch - <<'E'\n" + "".join(f"link del many{n}\n" for n in range(500)) + "E"


def foreign(lab):
    lines = "".join(f"ip saddr 100.66.{n >> 8}.{n & 255} counter accept\n" for n in range(5000))
    chain = "type filter hook forward priority 0\n" + lines
    lab.nft("table inet others {\nchain forward {\n" + chain + "}\n}\n")
    return "nft delete table inet others"


LOADS = {
    "nothing": None,
    "100,000 routes": routes,
    "2,000 rules": rules,
    "1,000 interfaces": interfaces,
    "5,000 foreign rules": foreign,
}


def stale(lab):
    """Somebody adds a route by an uplink, and removes it: the facts are no longer what they were."""
    route = f"198.51.100.0/24 via {lab.wired.gateway} dev {lab.wired}"
    lab.run(f"ip route add {route} && ip route del {route}", check=True)


def dismiss(lab):
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 20)


def loads(bench):
    lab, empty = bench.lab, {}
    floor, via = [bench.tool("floor"), "floor0", bench.true], [*bench.via, bench.true]
    rounds = max(5, bench.args.launches // 12)
    for name, load in LOADS.items():
        undo = load(lab) if load else None
        held = lab.session()
        time.sleep(0.5)
        warm = Turns(lab, {"floor": floor, "via": via}).run(rounds)
        turns = Turns(lab, {"floor": floor, "via": via}, before=lambda _: stale(lab)).run(rounds)
        held.finish()
        cold = Turns(lab, {"floor": floor, "via": via}, before=lambda _: dismiss(lab), pause=0.1)
        cold.daemon = None
        cold.run(max(5, rounds // 3), warm_up=1)
        if undo:
            lab.run(undo, timeout=300, check=True)
        dismiss(lab)
        for what, taken in (("warm", warm), ("stale", turns), ("cold", cold)):
            row = row_of(taken, "hosts", f"launch, {what}, {name}", "via")
            empty.setdefault(what, row)
            if load:
                first = empty[what]
                cpu = [r["cpu_client"] + r["cpu_daemon"] for r in (first, row)]
                row.update(without=first["with"], ratio=row["with"] / first["with"], cpu_ratio=cpu[1] / cpu[0])
                row.update(name=row["name"] + " / nothing", aim="3" if what == "cold" else "1.3")
            yield row


def storm(bench):
    """Route changes of others, as fast as ip(8) makes them."""
    lab = bench.lab
    held = lab.session()
    lines = "".join(
        f"route {verb} 100.67.{n}.0/24 dev {lab.wired} table 500\n"
        for n in range(200)
        for verb in ("add", "del")
    )
    batch, end, made = os.path.join(lab.tmp, "storm"), time.monotonic() + 4, 0
    with open(batch, "w", encoding="ascii") as f:
        f.write(lines * 10)
    pid = lab.daemon_pid()
    slowest, done = [], threading.Event()

    def launches():
        while not done.is_set():
            start = time.monotonic()
            lab.run([*bench.via, bench.true], check=True)
            slowest.append(time.monotonic() - start)
            time.sleep(0.2)

    begun, start = cpu_of(pid), time.monotonic()
    while time.monotonic() < end:
        lab.run(["ip", "-batch", batch], check=True)
        made += 4000
    seconds, used = time.monotonic() - start, cpu_of(pid) - begun
    worker = threading.Thread(target=launches)
    worker.start()
    for _ in range(20):
        lab.run(["ip", "-batch", batch], check=True)
    done.set()
    worker.join()
    held.finish()
    share = {"part": "events", "unit": "% of a core"}
    name = f"daemon at {made / seconds / 1000:.0f},000 route changes a second"
    yield {**share, "name": name, "with": used / seconds * 100}
    yield {**share, "name": "the same, for 20,000 a second", "with": used / made * 20000 * 100, "aim": "5"}
    yield {"part": "events", "name": "slowest launch meanwhile", "unit": "ms", "with": max(slowest) * 1e3}


def idle(bench):
    lab = bench.lab
    held = lab.session()
    time.sleep(5)  # what follows a launch is over
    pid, start = lab.daemon_pid(), time.monotonic()
    before = cpu_of(pid)
    time.sleep(5)
    used = (cpu_of(pid) - before) / (time.monotonic() - start)
    held.finish()
    yield {"part": "events", "name": "daemon at rest", "unit": "% of a core", "with": used * 100, "aim": "0"}
