#!/usr/bin/python3
"""Plays systemd's manager on the system bus, for tests: fake_systemd.py DAEMON ANSWER.

StartUnit starts DAEMON with a socket at SOCKET, as via-iface.socket does; StartTransientUnit notes what
it was asked for. Each call is a line on standard output, after "ready". ANSWER: "done" or "failed" is how
jobs end, "error" is an error in place of a job, "silent" a job that never ends."""

import os
import socket
import subprocess
import sys

import dbus
import dbus.mainloop.glib
import dbus.service
from gi.repository import GLib

MANAGER = "org.freedesktop.systemd1.Manager"
SOCKET = "/run/via-iface/socket"


class Masked(dbus.DBusException):
    _dbus_error_name = "org.freedesktop.systemd1.UnitMasked"


class Manager(dbus.service.Object):
    def __init__(self, bus, daemon, answer):
        super().__init__(bus, "/org/freedesktop/systemd1")
        self.daemon, self.answer, self.jobs, self.subscribed, self.served = daemon, answer, 0, False, False

    def job(self, unit):
        if self.answer == "error":
            raise Masked(f"Unit {unit} is masked.")
        self.jobs += 1
        path = f"/org/freedesktop/systemd1/job/{self.jobs}"
        if self.answer != "silent" and self.subscribed:
            number = self.jobs
            self.JobRemoved(700, "/org/freedesktop/systemd1/job/700", "other.service", "failed")
            if number % 2:  # before the answer and after it, as systemd's may come
                self.JobRemoved(number, path, unit, self.answer)
            else:
                GLib.idle_add(lambda: self.JobRemoved(number, path, unit, self.answer) and False)
        return dbus.ObjectPath(path)

    @dbus.service.method(MANAGER)
    def Subscribe(self):
        self.subscribed = True

    @dbus.service.signal(MANAGER, signature="uoss")
    def JobRemoved(self, number, path, unit, result):
        pass

    def serve(self):
        if self.served:
            return
        self.served = True
        os.makedirs(os.path.dirname(SOCKET), 0o711, exist_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            listener.bind(SOCKET)
            os.chmod(SOCKET, 0o666)
            listener.listen()
            line = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$0" "$@" 3<&"$FD"'
            number = listener.fileno()
            subprocess.Popen(
                ["bash", "-c", line, self.daemon, "--linger", "1"],
                pass_fds=[number],
                env={**os.environ, "FD": str(number)},
            )

    @dbus.service.method(MANAGER, in_signature="ss", out_signature="o")
    def StartUnit(self, unit, mode):
        print("StartUnit", unit, mode, flush=True)
        if self.answer == "done":
            self.serve()
        return self.job(unit)

    @dbus.service.method(MANAGER, in_signature="ssa(sv)a(sa(sv))", out_signature="o", sender_keyword="sender")
    def StartTransientUnit(self, unit, mode, properties, more, sender=None):
        values = {str(k): v for k, v in properties}
        pids = [int(p) for p in values["PIDs"]]
        name = dbus.SystemBus().get_object("org.freedesktop.DBus", "/org/freedesktop/DBus")
        pid = int(name.GetConnectionUnixProcessID(sender, dbus_interface="org.freedesktop.DBus"))
        print("StartTransientUnit", unit, mode, values["Slice"], pids, pid, flush=True)
        return self.job(unit)


def main():
    dbus.mainloop.glib.DBusGMainLoop(set_as_default=True)
    bus = dbus.SystemBus()
    name = dbus.service.BusName("org.freedesktop.systemd1", bus, do_not_queue=True)
    manager = Manager(bus, sys.argv[1], sys.argv[2])
    print("ready", flush=True)
    GLib.MainLoop().run()
    del name, manager


main()
