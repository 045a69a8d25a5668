"""What somebody with assistive technology does: reads lines of JSON, one order each, and answers with
one. Run on the desktop's bus: it stands apart, since libatspi keeps the bus that it saw first.

    ["tree"]                  all that is visible: [[depth, role, name, states]]
    ["boxes"]                 [[role, name, x, y, width, height]] in the window
    ["press", ROLE, NAME]     the action of that control; false while there is none
    ["write", ROLE, NAME, TEXT]
    ["focus"]                 [role, name] of what has the keyboard, or null
    ["sees", TEXT]            whether there is something of which the name has this in it

What its controls are a program tells in one answer (org.a11y.atspi.Cache): asked for each property of each
control, as libatspi asks, it and the bus do little else. Which are whose children it is asked for each that
has some: GTK 4.8 has those in the answer, too, that were taken away, and lacks those that nobody asked for.
"""

import contextlib
import functools
import json
import sys

import gi

gi.require_version("Atspi", "2.0")
from gi.repository import Atspi, Gio, GLib  # noqa: E402

PROGRAM = "org.via_iface.via_iface"
STATES = ("FOCUSED", "CHECKED", "SELECTED", "SENSITIVE")
STATE_BITS = {name: int(getattr(Atspi.StateType, name)) for name in (*STATES, "VISIBLE")}
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


@functools.cache
def role_name(role):
    name = Atspi.role_get_name(Atspi.Role(role))
    return "push button" if name == "button" else name  # its name since at-spi2-core 2.53


class Node:
    def __init__(self, ref, role, name, states, children):
        self.ref, self.role, self.name, self.children = ref, role, name, children
        self.bits = states[0] | states[1] << 32

    def has(self, state):
        return bool(self.bits >> STATE_BITS[state] & 1)

    def states(self):
        return [s.lower() for s in STATES if self.has(s)]


class Calls:
    """Many questions at once: the answers come in one go, and nobody waits for each in turn."""

    def __init__(self):
        self.loop, self.left, self.failed = GLib.MainLoop(), 0, None

    def ask(self, ref, interface, method, words, then):
        """then() gets the answer."""

        def answered(bus, result):
            self.left -= 1
            try:
                then(bus.call_finish(result).unpack())
            except GLib.Error as error:
                self.failed = error
            if not self.left:
                self.loop.quit()

        self.left += 1
        BUS.call(*ref, interface, method, words, None, 0, SECONDS * 1000, None, answered)

    def wait(self):
        if self.left:
            self.loop.run()
        if self.failed:
            raise self.failed


class Program:
    """What it says of itself now. Of the controls that it tells in one answer, candidates() are those that
    are there; read() looks at all that is visible, level by level."""

    def __init__(self, root):
        self.known, self.parent, self.nodes, self.asked = {}, {}, {}, {}
        self.root = root
        for ref, _, parent, _, *more in self._items(root[0]):
            self.known[ref], self.parent[ref] = more, parent
        self.parents = set(self.parent.values())  # the application's own count is 0

    def candidates(self, wanted):
        """Nodes, without children, that wanted(node) holds for, and that are in what is visible."""
        for ref in self.known:
            node = self._node(ref)
            if wanted(node) and self._is_there(node):
                yield node

    def _is_there(self, node):
        ref = node.ref
        for _ in range(40):
            if ref == self.root:
                return True
            parent = self.parent.get(ref)
            if ref not in self.known or not self._node(ref).has("VISIBLE") or parent is None:
                return False
            if parent not in self.asked:
                self.asked[parent] = call(parent, "Accessible", "GetChildren")[0]
            if ref not in self.asked[parent]:
                return False
            ref = parent
        return False

    def _node(self, ref):
        if ref in self.known:
            _, _, name, role, _, states = self.known[ref]
        else:
            name = get(ref, "Accessible", "Name")
            role, states = (call(ref, "Accessible", method)[0] for method in ("GetRole", "GetState"))
        return Node(ref, role_name(role), name, states, [])

    def read(self):
        level = [self.root]
        while level:
            self._read(level)
            level = [child for ref in level for child in self.nodes[ref].children if child not in self.nodes]
        return self

    @staticmethod
    def _items(name):
        try:
            return call((name, "/org/a11y/atspi/cache"), "Cache", "GetItems")[0]
        except GLib.Error:  # it keeps none
            return []

    def _shown(self, ref):
        # GTK 4.8 says of windows alone that they are showing
        return ref == self.root or self.nodes[ref].has("VISIBLE")

    def _read(self, refs):
        calls = Calls()
        for ref in refs:
            self.nodes[ref] = self._node(ref)
            barren = ref in self.known and not self.known[ref][0] and ref not in self.parents
            if barren or not self._shown(ref):
                continue

            def children(said, node=self.nodes[ref]):
                node.children = said[0]

            calls.ask(ref, A11Y + "Accessible", "GetChildren", None, children)
        calls.wait()

    def walk(self, ref=None, depth=0):
        ref = ref or self.root
        node = self.nodes.get(ref)
        if not node or not self._shown(ref):
            return
        yield depth, node
        for child in node.children:
            yield from self.walk(child, depth + 1)


def programs():
    for ref in call(("org.a11y.atspi.Registry", ROOT), "Accessible", "GetChildren")[0]:
        if PROGRAM in get(ref, "Accessible", "Name"):
            yield Program(ref)


def windows():
    for program in programs():
        yield from program.read().walk()


def found(wanted):
    """By what it tells of itself in one answer; where that is not enough, by all that is visible."""
    nodes = [node for program in programs() for node in program.candidates(wanted)]
    return nodes or [node for _, node in windows() if wanted(node)]


def find(role, name):
    return [n.ref for n in found(lambda n: n.role == role and n.name == name and n.has("SENSITIVE"))]


def focus():
    def wanted(node):
        return node.has("FOCUSED") and node.role not in ("frame", "window", "application")

    several = sum(len(call(program.root, "Accessible", "GetChildren")[0]) for program in programs()) > 1
    nodes = [] if several else found(wanted)
    if len(nodes) != 1:  # the last: that of a dialog, which is over the window
        nodes = [node for _, node in windows() if wanted(node)]
    return [nodes[-1].role, nodes[-1].name] if nodes else None


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
        boxes, calls = {}, Calls()
        nodes = [node for _, node in windows()]
        for node in nodes:
            words = GLib.Variant("(u)", (int(Atspi.CoordType.WINDOW),))
            calls.ask(node.ref, A11Y + "Component", "GetExtents", words, lambda said, n=node: boxes.update({n: said[0]}))
        with contextlib.suppress(GLib.Error):  # one has no place
            calls.wait()
        return [[node.role, node.name, *boxes[node]] for node in nodes if node in boxes]
    if order == "focus":
        return focus()
    if order == "sees":
        return bool(found(lambda n: words[0] in n.name))
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
