"""Plays services on the system bus: fake_services.py PLAY

PLAY is a file of JSON: {"names": [NAME…], "answers": {"PATH INTERFACE.METHOD ARGS": [SIGNATURE, VALUE…]}}.
For Properties.GetAll, ARGS is the interface; for other methods the arguments with blanks between.
What is not in there is answered with an error. Objects in the place of values: {"v": [SIGNATURE, VALUE]}
is a variant. A line on standard input ("emit PATH INTERFACE.MEMBER") sends a signal: PropertiesChanged
of the properties ANSWERS has for PATH, or ConnMan's PropertyChanged; a line "read" reads PLAY anew.
"""

import json
import sys

import dbus
import dbus.lowlevel
import dbus.mainloop.glib
from gi.repository import GLib

PROPERTIES = "org.freedesktop.DBus.Properties"


def value(v):
    """Variants as dbus-python has them: the value with a level."""
    if isinstance(v, dict) and set(v) == {"v"}:
        signature, inner = v["v"]
        return typed(signature, inner, 1)
    return v


def typed(signature, v, level=0):
    simple = {"s": dbus.String, "o": dbus.ObjectPath, "u": dbus.UInt32, "i": dbus.Int32,
              "q": dbus.UInt16, "b": dbus.Boolean, "y": dbus.Byte}  # fmt: skip
    if signature in simple:
        return simple[signature](v, variant_level=level)
    if signature.startswith("a{"):
        inner = signature[3:-1]
        items = {k: value(x) if inner == "v" else typed(inner, x) for k, x in v.items()}
        return dbus.Dictionary(items, signature=signature[2:-1], variant_level=level)
    if signature == "ay":
        return dbus.ByteArray(bytes(v), variant_level=level)
    if signature.startswith("a("):
        return dbus.Array([struct(signature[2:-1], x) for x in v], signature=signature[1:],
                          variant_level=level)  # fmt: skip
    if signature.startswith("a"):
        return dbus.Array([typed(signature[1:], x) for x in v], signature=signature[1:],
                          variant_level=level)  # fmt: skip
    raise ValueError(signature)


def struct(signature, values):
    parts, left = [], signature
    while left:
        depth, end = 0, 1 if left[0] != "a" else 2
        if left[end - 1] in "({":
            depth = 1
            while depth:
                depth += {"(": 1, "{": 1, ")": -1, "}": -1}.get(left[end], 0)
                end += 1
        parts.append(left[:end])
        left = left[end:]
    return dbus.Struct([typed(s, v) for s, v in zip(parts, values)], signature=signature)


class Play:
    def __init__(self, bus, path):
        self.bus, self.path = bus, path
        self.read()

    def read(self):
        with open(self.path) as f:
            self.play = json.load(f)

    def answer(self, connection, message):
        if message.get_type() != 1 or message.get_interface() == "org.freedesktop.DBus.Introspectable":
            return dbus.lowlevel.HANDLER_RESULT_NOT_YET_HANDLED
        words = [message.get_path(), f"{message.get_interface()}.{message.get_member()}"]
        words += [str(a) for a in message.get_args_list()]
        found = self.play["answers"].get(" ".join(words))
        if found is None:
            reply = dbus.lowlevel.ErrorMessage(message, "org.freedesktop.DBus.Error.Failed", "no such thing")
        else:
            reply = dbus.lowlevel.MethodReturnMessage(message)
            reply.append(*(typed(found[0], v) for v in found[1:]), signature=found[0])
        connection.send_message(reply)
        return dbus.lowlevel.HANDLER_RESULT_HANDLED

    def emit(self, path, member):
        interface, _, member = member.rpartition(".")
        if member == "PropertyChanged":
            signal = dbus.lowlevel.SignalMessage(path, interface, member)
            signal.append("Nameservers", dbus.Array([], signature="s", variant_level=1), signature="sv")
        else:
            signal = dbus.lowlevel.SignalMessage(path, PROPERTIES, "PropertiesChanged")
            found = self.play["answers"][f"{path} {PROPERTIES}.GetAll {interface}.{member}"]
            signal.append(f"{interface}.{member}", typed("a{sv}", found[1]),
                          dbus.Array([], signature="s"), signature="sa{sv}as")  # fmt: skip
        self.bus.send_message(signal)
        self.bus.flush()

    def told(self, stream, condition):
        words = stream.readline().split()
        if not words:
            return False
        if words[0] == "read":
            self.read()
        else:
            self.emit(*words[1:])
        print("did", flush=True)
        return True


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    play = Play(bus, sys.argv[1])
    bus.add_message_filter(play.answer)
    for name in play.play["names"]:
        bus.request_name(name)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, play.told)
    print("ready", flush=True)
    GLib.MainLoop().run()


main()
