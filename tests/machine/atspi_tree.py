#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints the accessibility tree of via-iface's window, a line for each control: role, name, states.
With --place NAME: the middle, on the screen, of a button or menu item that is shown and has NAME in its
name, in whatever program; exits with 1 where there is none."""

import contextlib
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

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


BUTTONS = ("push button", "button", "toggle button", "menu item", "check menu item", "radio menu item")


def place(name):
    for program in programs():
        for node, _ in walk(program):
            if name not in (node.get_name() or ""):
                continue
            # GNOME's menu items have no names but in a label
            named = node.get_parent() if node.get_role_name() == "label" else node
            if named.get_role_name() not in BUTTONS:
                continue
            with contextlib.suppress(GLib.Error):  # it has no place
                box = node.get_extents(Atspi.CoordType.SCREEN)
                if box.width > 0 and node.get_state_set().contains(Atspi.StateType.SHOWING):
                    return print(box.x + box.width // 2, box.y + box.height // 2)
    return sys.exit(f"no button '{name}' is shown")


def tree():
    for program in programs():
        if program is None or "via" not in (program.get_name() or ""):
            continue
        for node, depth in walk(program):
            states = node.get_state_set()
            if states.contains(Atspi.StateType.SHOWING) or depth == 0:
                focus = " focused" if states.contains(Atspi.StateType.FOCUSED) else ""
                print(f"{'  ' * depth}{node.get_role_name()} '{node.get_name() or ''}'{focus}")


if len(sys.argv) == 3:
    place(sys.argv[2])
else:
    tree()
