"""What many sessions cost: a launch, the verbs, memory, their end."""

import os
import signal
import socket
import time

from clock import Turns, cpu_of, spawn
from launches import row_of


def ports():
    return sum(name.startswith("viap") for _, name in socket.if_nameindex())


def memory_of(pid):
    """Bytes that are the process's own (smaps_rollup)."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        fields = dict(line.split(":", 1) for line in f.readlines()[1:])
    return sum(int(fields[key].split()[0]) for key in ("Private_Clean", "Private_Dirty")) * 1024


class Crowd:
    """Sessions that stay, each with a program that sleeps."""

    def __init__(self, bench):
        self.bench, self.pids = bench, []

    def grow(self, n):
        lab = self.bench.lab
        while len(self.pids) < n:
            for _ in range(min(8, n - len(self.pids))):
                uplink = str((lab.spare, lab.wired)[len(self.pids) % 2])
                self.pids.append(spawn(lab, [self.bench.via[0], uplink, "--", "/bin/sleep", "100000"]))
            lab.wait(lambda: ports() >= len(self.pids), 60, "sessions", step=0.001)
        lab.wait(lambda: all(map(self._sleeps, self.pids[-8:])), 60, "programs", step=0.01)

    @staticmethod
    def _sleeps(pid):
        with open(f"/proc/{pid}/comm", encoding="ascii") as f:
            return f.read() == "sleep\n"

    def end(self):
        """Seconds until all is gone, and of the daemon's processor."""
        pid = self.bench.lab.daemon_pid()
        before, start = cpu_of(pid), time.monotonic()
        for session in self.pids:
            os.kill(session, signal.SIGKILL)
        for session in self.pids:
            os.waitpid(session, 0)
        self.bench.lab.wait(lambda: not ports(), 120, "the end of all sessions", step=0.01)
        gone = time.monotonic() - start
        time.sleep(0.2)
        return gone, cpu_of(pid) - before


def measure(bench, n, memory):
    lab = bench.lab
    via, other = bench.via[0], str(lab.wired)
    numbers = [int(name.removeprefix("viap")) for _, name in socket.if_nameindex() if name.startswith("viap")]
    session = str(min(numbers))
    turns = Turns(
        lab,
        {
            "floor": [bench.tool("floor"), "floor0", bench.true],
            "launch": [*bench.via, bench.true],
            "list": [via, "list"],
            "move there": [via, "move", session, other],
            "move back": [via, "move", session, str(lab.spare)],
            "pause": [via, "pause", session],
            "resume": [via, "resume", session],
        },
    ).run(max(5, bench.args.launches // 10), warm_up=1)
    memory[n] = memory_of(lab.daemon_pid())
    return turns


def sessions(bench):
    crowd, memory, turns = Crowd(bench), {}, {}
    counts = [n for n in (1, 10, 100, 1000) if n <= bench.args.sessions]
    for n in counts:
        crowd.grow(n)
        turns[n] = measure(bench, n, memory)
        yield row_of(turns[n], "sessions", f"launch beside {n}", "launch")
    base = 10 if 10 in turns else counts[0]
    for n in counts:
        for verb in ("launch", "list", "move there", "pause"):
            there, here = (turns[k].median(verb) for k in (base, n))
            cpu = [turns[k].median(verb, "cpu") for k in (base, n)]
            yield {
                "part": "sessions", "name": f"{verb.split()[0]} at {n} / at {base}", "unit": "ms",
                "without": there * 1e3, "with": here * 1e3, "ratio": here / there, "cpu_ratio": cpu[1] / cpu[0],
                "cpu_client": turns[n].median(verb, "client") * 1e3,
                "cpu_daemon": turns[n].median(verb, "daemon") * 1e3,
                "aim": {"launch": "1.2", "list": "20", "move there": "2", "pause": "2"}[verb] if n == 1000 else "",
            }  # fmt: skip
    last = counts[-1]
    if last > counts[0]:
        each = (memory[last] - memory[counts[0]]) / (last - counts[0])
        name = "memory of the daemon, a session"
        yield {"part": "sessions", "name": name, "unit": "KiB", "with": each / 1024, "aim": "4"}
    gone, cpu = crowd.end()
    ended = {"part": "sessions", "unit": "s"}
    yield {**ended, "name": f"{last} end at once: all gone after", "with": gone, "aim": "2"}
    yield {**ended, "name": f"{last} end at once: the daemon's processor", "with": cpu, "aim": "0.1"}
