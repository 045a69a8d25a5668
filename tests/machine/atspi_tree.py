#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the accessibility tree of via-iface's window, a line for each control: role, name, states.
With --find NAME: the middle, on the screen, of the icon or button of that name which is the farthest
to the right, where panels show status notifier items."""

import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi  # noqa: E402

DEPTH, CHILDREN = 40, 400


def walk(node, depth=0):
    if node is None or depth > DEPTH:
        return
    yield node, depth
    for i in range(min(node.get_child_count(), CHILDREN)):
        yield from walk(node.get_child_at_index(i), depth + 1)


def programs():
    desktop = Atspi.get_desktop(0)
    return [desktop.get_child_at_index(i) for i in range(desktop.get_child_count())]


def find(name):
    found = []
    for program in programs():
        for node, _ in walk(program):
            if name in (node.get_name() or "").lower() and node.get_role_name() in (
                "icon", "push button", "button", "toggle button", "image", "label", "filler", "panel",
            ):  # fmt: skip
                box = node.get_extents(Atspi.CoordType.SCREEN)
                if 0 < box.width < 120 and 0 < box.height < 120:
                    found.append((box.x + box.width // 2, box.y + box.height // 2))
    if found:
        print(*max(found))


def tree():
    for program in programs():
        if program is None or "via" not in (program.get_name() or ""):
            continue
        for node, depth in walk(program):
            states = node.get_state_set()
            if states.contains(Atspi.StateType.SHOWING) or depth == 0:
                focus = " focused" if states.contains(Atspi.StateType.FOCUSED) else ""
                print(f"{'  ' * depth}{node.get_role_name()} '{node.get_name() or ''}'{focus}")


if sys.argv[1:2] == ["--find"]:
    find(sys.argv[2])
else:
    tree()
