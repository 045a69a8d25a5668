"""Somebody at the window who uses it by the accessibility tree alone (atspi_person.py): no shell, no
mouse, no pictures."""

import contextlib
import json
import os
import subprocess
import sys

from lab import ROOT
from panel import Desktop
from screen import keep

# Without GL: no screen here has it, and what draws in its place takes memory that is not ours.
ENV = {"NO_AT_BRIDGE": "0", "GTK_A11Y": "atspi", "GSK_RENDERER": "cairo"}


class Person:
    def __init__(self, lab, desk):
        self.lab, self.desk = lab, desk
        path = os.path.join(ROOT, "tests/lab/atspi_person.py")
        self.process = subprocess.Popen(
            [sys.executable, path], env={**os.environ, **desk.env, **ENV}, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        assert self.process.stdout.readline() == "ready\n"

    def ask(self, *order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def tree(self):
        """[(depth, role, name, states)] of what is shown."""
        said = self.ask("tree")
        return [tuple(line) for line in said] if isinstance(said, list) else []

    def names(self, *roles):
        return [name for _, role, name, _ in self.tree() if name and (not roles or role in roles)]

    def press(self, role, name, seconds=10):
        """By the control's action; rows have none in GTK 4.8, so by keys."""
        if role != "list item":
            self.until(lambda: self.ask("press", role, name) is True, f"{role} '{name}'", seconds)
            return
        self.until(lambda: name in self.names(role), f"{role} '{name}'", seconds)
        key, before = "Down", None
        for _ in range(40):
            at = self.ask("focus")
            if at == [role, name]:
                self.desk.hands("key", "Return")
                return
            key = "Tab" if at == before or key == "Tab" and (at or [""])[0] != role else "Down"
            before = at
            self.desk.hands("key", key)
            with contextlib.suppress(AssertionError):  # the first and the last row: it stays
                self.lab.wait(lambda: self.ask("focus") != before, 0.3, step=0.05)  # noqa: B023
        raise AssertionError(f"no key leads to {role} '{name}'")

    def write(self, role, name, text):
        self.until(lambda: self.ask("write", role, name, text) is True, f"{role} '{name}'")

    def sees(self, name, seconds=10):
        """A control, or a text, of which the name has this in it."""
        self.until(lambda: self.ask("sees", name) is True, f"'{name}'", seconds)

    def sees_no(self, name, seconds=10):
        self.until(lambda: not any(name in seen for seen in self.names()), f"no '{name}'", seconds)

    def until(self, test, what, seconds=10):
        try:
            return self.lab.wait(test, seconds, what, 0.1)
        except AssertionError as error:
            shown = "\n".join(f"{'  ' * d}{r} {n!r} {s}" for d, r, n, s in self.tree())
            raise AssertionError(f"{error}\n{shown}") from None

    def leave(self):
        self.process.stdin.close()
        self.process.wait()


class WindowDesktop(Desktop):
    """A desktop with a window manager, and the window on it."""

    def __init__(self, lab, scale=1, dark=False, size=(1000, 760), user=None):
        super().__init__(lab, user, panel=False, size=(size[0] * scale, size[1] * scale))
        self.env.update(ENV)
        if scale > 1:
            self.env["GDK_SCALE"] = str(scale)
        if dark:
            self.env["ADW_DEBUG_COLOR_SCHEME"] = "prefer-dark"
        self.start_manager()

    def open(self, *words, env=None):
        self.process = self.window(*words, env=env)
        self.lab.wait(lambda: self.screen.shows("via-iface"), 20, "the window", 0.05)
        self.person = Person(self.lab, self)
        return self.person

    def __exit__(self, *what):
        if hasattr(self, "person"):
            self.person.leave()
        return super().__exit__(*what)

    def keep(self, name):
        return keep(f"{name}.png", self.screen.picture().png())
