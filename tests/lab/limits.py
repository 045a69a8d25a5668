"""How long a test waits, on a machine that has other work, too."""

import contextlib
import statistics
import time

from nsutil import write_file

SLOWEST = 8  # times


def stalled():
    """Seconds since the machine's start in which something waited for a processor (PSI)."""
    try:
        with open("/proc/pressure/cpu") as f:
            return int(f.readline().rsplit("=", 1)[1]) / 1e6
    except OSError:
        return 0.0


class Limit:
    """Seconds to wait for something at most. While something waits for a processor, one of them
    counts as an eighth; on a quiet machine the limit is as it is written. What waits for a lock of the
    kernel waits for no processor: is_over() asks a Yardstick too, once the time is up."""

    def __init__(self, seconds):
        self.seconds, self.start, self.stalled = seconds, time.monotonic(), stalled()

    def left(self):
        passed = time.monotonic() - self.start
        busy = min(passed, stalled() - self.stalled)
        return self.seconds - (passed - busy) - busy / SLOWEST

    def is_over(self, yardstick):
        if self.left() > 0:
            return False
        passed = time.monotonic() - self.start
        return passed >= self.seconds * SLOWEST or passed >= self.seconds * yardstick.now()

    def slowness(self):
        """How much longer than on a quiet machine something may have taken since then: 1 there."""
        passed = max(1e-3, time.monotonic() - self.start)
        return 1 + (SLOWEST - 1) * min(1, (stalled() - self.stalled) / passed)


class Yardstick:
    """How slow this machine is just now: what a short ip(8) command takes that needs the lock of
    network devices, as much of what is timed does. It is to be measured between the things timed;
    a limit that holds on a quiet machine is then multiplied by median() or worst(), which is 1
    there."""

    QUIET = 0.005  # seconds

    def __init__(self, lab):
        self.lab, self.seen = lab, []

    def measure(self):
        self._daemon_too()
        self.seen.append(self.now() * self.QUIET)

    def now(self):
        """How many times slower than a quiet machine."""
        start = time.monotonic()
        with contextlib.suppress(AssertionError):  # not within 20 s
            self.lab.run(["ip", "link", "set", "lo", "up"])
        return (time.monotonic() - start) / self.QUIET

    def _daemon_too(self):
        """A daemon is a session of its own: where this test comes first, so does its daemon."""
        with contextlib.suppress(OSError), open("/proc/self/autogroup") as f:
            own = f.read().split()[-1]
            for pid in self.lab.daemon_pids():
                with contextlib.suppress(OSError):
                    write_file(f"/proc/{pid}/autogroup", own)

    def median(self):
        return max(1, statistics.median(self.seen) / self.QUIET) * self.lab.sanitized

    def worst(self):
        return max(1, max(self.seen) / self.QUIET) * self.lab.sanitized
