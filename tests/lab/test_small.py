"""Small things that an attacker, or an odd caller, would find."""

import os
import signal
import socket
import struct

from hostile import FOLLOW, OK, ask, message
from lab import needs, params


def port_of(lab, name):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == name)["ifname"]


def test_port_is_forgotten_by_index(lab):
    """A device that bears a port's name for a moment, and goes, takes no session along."""
    held = lab.session(lab.spare, "--name", "held")
    port = port_of(lab, "held")
    for _ in range(4):
        os.kill(lab.daemon_pid(), signal.SIGSTOP)  # it hears of all of it at once
        lab.run(
            ["ip", "-batch", "-"],
            input=f"link set dev {port} down\nlink set dev {port} name parked\n"
            f"link add {port} type veth peer name other\nlink del {port}\n"
            f"link set dev parked name {port}\nlink set dev {port} up\n",
            check=True,
        )
        os.kill(lab.daemon_pid(), signal.SIGCONT)
        lab.via("pause", "held", check=True)
        lab.via("resume", "held", check=True)
    assert port_of(lab, "held") == port
    second = lab.session(lab.spare)
    assert lab.via("exec", "held", "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr
    second.finish()
    held.finish()
    lab.wait_gone()


def heard(lab, monitor):
    """Whether the monitor listens already."""
    lab.run("nft add table inet ready; nft delete table inet ready", check=True)
    try:
        return monitor.expect("table inet ready", 0.05)
    except AssertionError:
        return None


RTM_DELLINK, IFLA_IFNAME = 17, 3


def test_answers_are_the_kernel_s(lab):
    """A message of another process to the daemon's netlink sockets, about the end of a port, is not
    read: every port id but 0 is a process's (netlink(7))."""
    held, other = lab.session(lab.spare, "--name", "held"), lab.session(lab.spare)
    port = port_of(lab, "held")
    index = socket.if_nametoindex(port)
    name = port.encode() + b"\0"
    attr = struct.pack("=HH", 4 + len(name), IFLA_IFNAME) + name
    attr += bytes(-len(attr) % 4)
    body = struct.pack("=BxHiII", 0, 1, index, 0, 0xFFFFFFFF) + attr
    with open("/proc/net/netlink") as f:
        rows = [line.split() for line in f.read().splitlines()[1:]]
    known = set()
    monitor = lab.popen(["stdbuf", "-oL", "nft", "monitor"])
    lab.wait(lambda: heard(lab, monitor), 5, "nft monitor")
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as sock:
        for row in rows:
            if int(row[1]) != socket.NETLINK_ROUTE or int(row[2]) == 0:
                continue
            forged = struct.pack("=IHHII", 16 + len(body), RTM_DELLINK, 0, 0, 0) + body
            try:
                sock.sendto(forged, (int(row[2]), 0))
                known.add(int(row[2]))
            except ConnectionRefusedError:
                continue  # closed meanwhile
    assert lab.daemon_pid() in known or len(known) > 1, rows
    for _ in range(2):
        assert ask(message(FOLLOW)).status == OK  # a turn of its loop has passed
    lab.run("nft add table inet marker; nft delete table inet marker", check=True)
    seen = monitor.expect("add table inet marker")
    assert "via_iface" not in seen, f"it took something away, or made it anew:\n{seen}"
    monitor.stop()
    other.finish()
    held.finish()
    lab.wait_gone()
