"""What the window costs while it is open: its memory, and how often it wakes the processor."""

import time

from lab import alone, needs, sanitized, timeout
from person import WindowDesktop
from screen import keep
from test_tray import pss, switches
from test_window import TOOLS, scene

desktop = needs(*(f"tool:{tool}" for tool in TOOLS))

SECONDS = 20
STEP = 0.01
REST = 0.3  # of what belongs to one wake-up: questions, their answers, and the picture


def wakeups(pid, seconds):
    """How often it did something after it had slept for REST; and how often its threads were switched."""
    begin, before, n = switches(pid), switches(pid), 0
    last = time.monotonic()
    end = last + seconds
    while time.monotonic() < end:
        time.sleep(STEP)
        now, at = switches(pid), time.monotonic()
        if now != before:
            n += at - last > REST
            before, last = now, at
    return n, switches(pid) - begin


@desktop
@alone
@timeout(120)
def test_wakes_once_a_second(lab):
    """Open, with traffic: one wake-up a second, and 80 MiB at most; on each page."""
    seen = []
    game, held = scene(lab)
    with WindowDesktop(lab) as desk:
        person = desk.open()
        person.sees("steam")
        for page in ("Sessions", "a session", "History"):
            if page == "a session":
                person.press("list item", "steam")
                person.sees("Traffic of the last minute")
            elif page != "Sessions":
                person.press("page tab", page)
            desk.hands("mousemove", 5, 5)
            time.sleep(3)  # animations, and what the accessibility bus asked for
            n, slept = wakeups(desk.process.pid, SECONDS)
            seen.append(f"{page}: {n} wake-ups in {SECONDS} s, {slept} switches of threads, PSS {pss(desk.process.pid)} KiB\n")
            assert n <= SECONDS + 1, seen
            if not sanitized():
                assert pss(desk.process.pid) <= 80 * 1024, seen
    keep("window-costs.txt", "".join(seen).encode())
    held.finish()
    game.stop()
