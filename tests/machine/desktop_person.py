#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Somebody at via-iface-window on a whole desktop, without a shell: desktop_person.py PICTURE-COMMAND...
starts a program, makes a menu entry, moves, stops, and starts the entry. Uses tests/lab's person; the
first failure ends it."""

import glob
import json
import os
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "lab")]

import hands  # noqa: E402
from person import Person  # noqa: E402

# desktop.sh has made its entry: it opens no window, which would take the keyboard
PROGRAM, SESSION = "Napper", "sleep"
# for an entry: a terminal that speaks what this desktop does, and can have a window class of its own
TERMINAL = "XTerm" if os.environ["XDG_SESSION_TYPE"] == "x11" else "Foot"
ENTRIES = os.path.expanduser("~/.local/share/applications")


class Waits:
    """What the person takes of a lab."""

    def wait(self, predicate, seconds=10, what=None, step=0.1):
        end = time.monotonic() + 3 * seconds
        while not (value := predicate()):
            if time.monotonic() > end:
                raise AssertionError(f"not within {3 * seconds} s: {what or predicate}")
            time.sleep(max(step, 0.1))
        return value


class Desk:
    env = {}

    def hands(self, *words):
        hands.main(map(str, words))


def sessions():
    done = subprocess.run(["via-iface", "list", "--json"], capture_output=True, text=True, check=True)
    return {session["name"]: session["uplink"] for session in json.loads(done.stdout)}


def other_of(uplink):
    return {"wlp6s0": "enp7s0", "enp7s0": "wlp6s0"}[uplink]


def tabs(person):
    """The widths of the titles of the pages, by name."""
    return {name: width for role, name, _, _, width, _ in person.ask("boxes") if role == "page tab"}


def picture(name):
    subprocess.run([*sys.argv[1:], name], check=False)


def main():
    lab = Waits()
    person = Person(lab, Desk())

    def is_by(session, uplink):
        lab.wait(lambda: sessions().get(session) == uplink, 10, f"{session} by {uplink}")
        print(f"ok - {session} goes by {uplink}", flush=True)

    def choose(program):
        person.until(lambda: person.ask("focus") == ["entry", "Search programs"], "the search")
        person.desk.hands("type", program.lower())
        person.press("list item", program)
        person.sees("Start now")

    person.sees("No session")
    picture("first-start")
    person.press("push button", "Start a program")
    choose(PROGRAM)
    picture("start-dialog")
    person.press("push button", "Start now")
    lab.wait(lambda: SESSION in sessions(), 10, "the session")
    first = sessions()[SESSION]
    is_by(SESSION, first)
    person.press("page tab", "Sessions")
    wide = tabs(person)
    person.press("list item", SESSION)
    person.sees(f"Move to {other_of(first)}")
    if tabs(person) != wide:
        print(f"not ok - beside the button Back titles of pages are cut: {wide}, {tabs(person)}", flush=True)
    other = other_of(first)
    person.press("push button", f"Move to {other}")
    is_by(SESSION, other)
    picture("session")
    person.press("push button", "Stop")
    person.sees(f"Stop {SESSION}?")
    picture("question")
    for _ in range(3):
        before = person.ask("focus")
        if before == ["push button", "Stop"]:
            break
        person.desk.hands("key", "Tab")
        person.until(lambda: person.ask("focus") != before, "the next control")  # noqa: B023
    person.desk.hands("key", "Return")
    lab.wait(lambda: SESSION not in sessions(), 10, "its end")
    print("ok - it is stopped", flush=True)

    person.press("page tab", "Programs")
    person.write("entry", "Search programs", TERMINAL.lower())
    person.press("list item", TERMINAL)
    person.sees("Start now")
    person.press("push button", "Add to the menu")
    made = lab.wait(lambda: glob.glob(f"{ENTRIES}/via-iface-*{TERMINAL.lower()}-*.desktop"), 10, "the entry")[0]
    print(f"ok - the entry {os.path.basename(made)} is made", flush=True)
    person.press("page tab", "History")
    person.sees(f"{SESSION}: ")
    picture("history")
    person.press("page tab", "Entries")
    person.sees(f"{TERMINAL} (via {first})")
    picture("entries")
    person.press("push button", f"Start {TERMINAL} (via {first})")
    is_by(TERMINAL.lower(), first)
    person.leave()


main()
