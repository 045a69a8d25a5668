"""What somebody with assistive technology does: reads lines of JSON, one order each, and answers with
one. Run on the desktop's bus: it stands apart, since libatspi keeps the bus that it saw first.

    ["tree"]                  all that is visible: [[depth, role, name, states]]
    ["boxes"]                 [[role, name, x, y, width, height]] in the window
    ["press", ROLE, NAME]     the action of that control; false while there is none
    ["write", ROLE, NAME, TEXT]
    ["focus"]                 [role, name] of what has the keyboard, or null

What its controls are a program tells in one answer (org.a11y.atspi.Cache): asked for each property of each
control, as libatspi asks, it and the bus do little else. Which are whose children it is asked for each that
has some: GTK 4.8 has those in the answer, too, that were taken away, and lacks those that nobody asked for.
"""

import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

PROGRAM = "org.via_iface.via_iface"
STATES = ("FOCUSED", "CHECKED", "SELECTED", "SENSITIVE")
A11Y = "org.a11y.atspi."
ROOT = "/org/a11y/atspi/accessible/root"
SECONDS = 10


def accessibility_bus():
    session = Gio.bus_get_sync(Gio.BusType.SESSION)
    words = ("org.a11y.Bus", "/org/a11y/bus", "org.a11y.Bus", "GetAddress")
    (address,) = session.call_sync(*words, None, None, 0, SECONDS * 1000, None).unpack()
    flags = Gio.DBusConnectionFlags
    flags = flags.AUTHENTICATION_CLIENT | flags.MESSAGE_BUS_CONNECTION
    return Gio.DBusConnection.new_for_address_sync(address, flags, None, None)


BUS = accessibility_bus()


def call(ref, interface, method, signature="()", *words):
    said = BUS.call_sync(*ref, A11Y + interface, method, GLib.Variant(signature, words), None, 0, SECONDS * 1000, None)
    return said.unpack()


def get(ref, interface, name):
    words = GLib.Variant("(ss)", (A11Y + interface, name))
    return BUS.call_sync(*ref, "org.freedesktop.DBus.Properties", "Get", words, None, 0, SECONDS * 1000, None).unpack()[0]


class Node:
    def __init__(self, ref, role, name, states, children):
        self.ref, self.role, self.name, self.children = ref, role, name, children
        self.bits = states[0] | states[1] << 32

    def has(self, state):
        return bool(self.bits >> int(getattr(Atspi.StateType, state)) & 1)

    def states(self):
        return [s.lower() for s in STATES if self.has(s)]


class Program:
    """What it says of itself now."""

    def __init__(self, name):
        self.known, self.parents = {}, set()
        for ref, _, parent, _, *more in self._items(name):
            self.known[ref] = more
            self.parents.add(parent)  # the application's own count is 0

    @staticmethod
    def _items(name):
        try:
            return call((name, "/org/a11y/atspi/cache"), "Cache", "GetItems")[0]
        except GLib.Error:  # it keeps none
            return []

    def node(self, ref):
        if ref in self.known:
            count, _, name, role, _, states = self.known[ref]
        else:
            count, name = None, get(ref, "Accessible", "Name")
            role, states = (call(ref, "Accessible", method)[0] for method in ("GetRole", "GetState"))
        barren = count == 0 and ref not in self.parents
        children = [] if barren else call(ref, "Accessible", "GetChildren")[0]
        return Node(ref, Atspi.role_get_name(Atspi.Role(role)), name, states, children)

    def walk(self, ref, depth=0):
        if depth > 40:
            return
        node = self.node(ref)
        # GTK 4.8 says of windows alone that they are showing
        if not node.has("VISIBLE") and depth:
            return
        yield depth, node
        for child in node.children:
            yield from self.walk(child, depth + 1)


def windows():
    for ref in call(("org.a11y.atspi.Registry", ROOT), "Accessible", "GetChildren")[0]:
        if PROGRAM in get(ref, "Accessible", "Name"):
            yield from Program(ref[0]).walk(ref)


def find(role, name):
    for _, node in windows():
        if node.role == role and node.name == name and node.has("SENSITIVE"):
            yield node.ref


def do(ref):
    """Its own action, or that of what is in it: of a row the list's."""
    for _ in range(3):
        try:
            if get(ref, "Action", "NActions"):
                return call(ref, "Action", "DoAction", "(i)", 0)[0]
        except GLib.Error:  # it has none
            pass
        children = call(ref, "Accessible", "GetChildren")[0]
        if not children:
            return False
        ref = children[0]
    return False


def answer(order, *words):
    if order == "tree":
        return [[depth, node.role, node.name, node.states()] for depth, node in windows()]
    if order == "boxes":
        found = []
        for _, node in windows():
            try:
                box = call(node.ref, "Component", "GetExtents", "(u)", int(Atspi.CoordType.WINDOW))[0]
            except GLib.Error:  # it has no place
                continue
            found.append([node.role, node.name, *box])
        return found
    if order == "focus":
        # the last: that of a dialog, which is over the window
        at = None
        for _, node in windows():
            if node.has("FOCUSED") and node.role not in ("frame", "window", "application"):
                at = [node.role, node.name]
        return at
    if order == "press":
        return any(do(ref) for ref in find(*words[:2]))
    if order == "write":
        return any(call(ref, "EditableText", "SetTextContents", "(s)", words[2])[0] for ref in find(*words[:2]))
    raise ValueError(order)


print("ready", flush=True)
for line in sys.stdin:
    try:
        said = answer(*json.loads(line))
    except GLib.Error as error:  # what was there a moment ago is gone
        said = {"error": str(error)}
    print(json.dumps(said), flush=True)
