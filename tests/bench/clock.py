"""Runs commands in turns and takes their time: of the clock, and of the processor.

A virtual machine's clock runs while others have its processors; the processor's time does not, and
differs less from run to run. Both are taken of the command with all that it waited for (wait4(2)), and
of the daemon, whose work may go on when the command has ended."""

import os
import random
import shutil
import statistics
import time

NULL = [(os.POSIX_SPAWN_OPEN, fd, "/dev/null", os.O_RDWR, 0) for fd in (0, 1)]


def cpu_of(pid):
    """Seconds that a process has had so far (proc_pid_schedstat(5)); 0 when there is none."""
    try:
        with open(f"/proc/{pid}/schedstat", encoding="ascii") as f:
            return int(f.read().split()[0]) / 1e9
    except (OSError, TypeError):
        return 0.0


class Took:
    """One run: seconds of the clock, and of the processor."""

    def __init__(self, wall, cpu, daemon=0.0):
        self.wall, self.cpu = wall, cpu + daemon
        self.client, self.daemon = cpu, daemon


def spawn(lab, command, quiet=True):
    path = command[0] if "/" in command[0] else shutil.which(command[0], path=lab.env["PATH"])
    return os.posix_spawn(path, command, lab.env, file_actions=NULL if quiet else NULL[:1])


def place_of(name):
    """The floor has a host of its own: what it makes is no event for the daemon of the other."""
    return "floor" if name == "floor" else None


def take(lab, name, command):
    with lab.inside(place_of(name)):
        start = time.monotonic()
        pid = spawn(lab, command)
        _, status, used = os.wait4(pid, 0)
        wall = time.monotonic() - start
    assert status == 0, f"{command} failed: {status}"
    return Took(wall, used.ru_utime + used.ru_stime)


class Turns:
    """Commands by name, run in another order each round."""

    def __init__(self, lab, commands, pause=0.02, before=None):
        self.lab, self.commands, self.pause, self.before = lab, commands, pause, before
        self.taken = {name: [] for name in commands}
        self.daemon = lab.daemon_pid()

    def run(self, rounds, warm_up=3):
        names = list(self.commands)
        for number in range(rounds + warm_up):
            random.shuffle(names)
            for name in names:
                if self.before:
                    self.before(name)
                daemon = cpu_of(self.daemon)
                took = take(self.lab, name, self.commands[name])
                time.sleep(self.pause)  # the end of the netns is not the next one's
                took = Took(took.wall, took.cpu, cpu_of(self.daemon) - daemon if self.daemon else 0)
                if number >= warm_up:
                    self.taken[name].append(took)
        return self

    def median(self, name, what="wall"):
        return statistics.median(getattr(t, what) for t in self.taken[name])

    def ratio(self, name, to, what="wall"):
        """The median of the ratios of each round: what made both slow in one counts in neither."""
        pairs = zip(self.taken[name], self.taken[to])
        return statistics.median(getattr(a, what) / getattr(b, what) for a, b in pairs)
