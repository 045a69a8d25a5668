"""What somebody with assistive technology does: reads lines of JSON, one order each, and answers with
one. Run on the desktop's bus: it stands apart, since libatspi keeps the bus that it saw first.

    ["tree"]                  all that is visible: [[depth, role, name, states]]
    ["boxes"]                 [[role, name, x, y, width, height]] in the window
    ["press", ROLE, NAME]     the action of that control; false while there is none
    ["write", ROLE, NAME, TEXT]
    ["focus"]                 [role, name] of what has the keyboard, or null
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, GLib  # noqa: E402

PROGRAM = "org.via_iface.via_iface"
STATES = ("FOCUSED", "CHECKED", "SELECTED", "SENSITIVE")


def walk(node, depth=0):
    if node is None or depth > 40:
        return
    # GTK 4.8 says of windows alone that they are showing
    if not node.get_state_set().contains(Atspi.StateType.VISIBLE) and depth:
        return
    yield depth, node
    for n in range(node.get_child_count()):
        yield from walk(node.get_child_at_index(n), depth + 1)


def windows():
    desktop = Atspi.get_desktop(0)
    for n in range(desktop.get_child_count()):
        program = desktop.get_child_at_index(n)
        if program and PROGRAM in (program.get_name() or ""):
            yield from walk(program)


def states(node):
    all_states = node.get_state_set()
    return [s.lower() for s in STATES if all_states.contains(getattr(Atspi.StateType, s))]


def find(role, name):
    for _, node in windows():
        if node.get_role_name() == role and (node.get_name() or "") == name and "sensitive" in states(node):
            yield node


def do(node):
    """Its own action, or that of what is in it: of a row the list's."""
    for _ in range(3):
        if node.get_n_actions():
            return node.do_action(0)
        if not node.get_child_count():
            return False
        node = node.get_child_at_index(0)
    return False


def answer(order, *words):
    if order == "tree":
        return [[depth, node.get_role_name(), node.get_name() or "", states(node)] for depth, node in windows()]
    if order == "boxes":
        found = []
        for _, node in windows():
            try:
                box = node.get_extents(Atspi.CoordType.WINDOW)
            except GLib.Error:  # it has no place
                continue
            found.append([node.get_role_name(), node.get_name() or "", box.x, box.y, box.width, box.height])
        return found
    if order == "focus":
        # the last: that of a dialog, which is over the window
        at = None
        for _, node in windows():
            if "focused" in states(node) and node.get_role_name() not in ("frame", "window", "application"):
                at = [node.get_role_name(), node.get_name() or ""]
        return at
    if order == "press":
        return any(do(node) for node in find(*words[:2]))
    if order == "write":
        return any(node.set_text_contents(words[2]) for node in find(*words[:2]))
    raise ValueError(order)


print("ready", flush=True)
for line in sys.stdin:
    try:
        said = answer(*json.loads(line))
    except GLib.Error as error:  # what was there a moment ago is gone
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)
