#!/usr/bin/python3
"""Plays polkit on the system bus: fake_polkit.py; for tests.

Each call is a line of JSON on standard output, after the line "ready". Lines on standard input say
how to answer: `yes`, `no`, `challenge`, `dismissed` or `error` from now on, `challenge-first` but
the first question with yes, `hold-second` but the first with a challenge, `hold` to keep questions, and `answer WORD` for all that are kept.
"""

import json
import os
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

NAME = "org.freedesktop.PolicyKit1"
AUTHORITY = "org.freedesktop.PolicyKit1.Authority"
ANSWERS = {
    "yes": (True, False, {}),
    "no": (False, False, {}),
    "challenge": (False, True, {}),
    "dismissed": (False, True, {"polkit.dismissed": "true"}),
}


def say(**what):
    print(json.dumps(what), flush=True)


class Failed(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.PolicyKit1.Error.Failed"


def plain(subject):
    """The subject without D-Bus types; of a pidfd the process that it is."""
    kind, details = subject
    found = {}
    for key, value in details.items():
        if key != "pidfd":
            found[str(key)] = int(value)
            continue
        fd = value.take()
        with open(f"/proc/self/fdinfo/{fd}") as f:
            found["pidfd"] = next(int(x.split()[1]) for x in f if x.startswith("Pid:"))
        os.close(fd)
    return str(kind), found


class Authority(dbus.service.Object):
    mode = "no"

    def __init__(self, bus):
        super().__init__(bus, "/org/freedesktop/PolicyKit1/Authority")
        self.held = []

    def give(self, word, reply, fail):
        if word == "error":
            fail(Failed("Action is not registered"))
        else:
            yes, challenge, details = ANSWERS[word]
            reply((yes, challenge, dbus.Dictionary(details, signature="ss")))

    @dbus.service.method(
        AUTHORITY,
        in_signature="(sa{sv})sa{ss}us",
        out_signature="(bba{ss})",
        async_callbacks=("reply", "fail"),
    )
    def CheckAuthorization(self, subject, action, details, flags, cancel, reply, fail):
        kind, found = plain(subject)
        say(
            call="check", kind=kind, subject=found, action=str(action), flags=int(flags),
            id=str(cancel), details={str(k): str(v) for k, v in details.items()},
        )  # fmt: skip
        if self.mode in ("challenge-first", "hold-second"):
            self.give("challenge", reply, fail)
            self.mode = "yes" if self.mode == "challenge-first" else "hold"
        elif self.mode == "hold":
            self.held.append((reply, fail))
        else:
            self.give(self.mode, reply, fail)

    @dbus.service.method(AUTHORITY, in_signature="s", out_signature="")
    def CancelCheckAuthorization(self, cancel):
        say(call="cancel", id=str(cancel))

    def told(self, channel, _):
        words = channel.readline().split()
        if not words:
            sys.exit(0)
        if words[0] == "answer":
            for reply, fail in self.held:
                self.give(words[1], reply, fail)
            self.held = []
        else:
            self.mode = words[0]
        say(told=words)
        return True


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    name = dbus.service.BusName(NAME, bus, do_not_queue=True)
    authority = Authority(bus)
    GLib.io_add_watch(sys.stdin, GLib.IO_IN | GLib.IO_HUP, authority.told)
    print("ready", flush=True)
    GLib.MainLoop().run()
    del name


main()
