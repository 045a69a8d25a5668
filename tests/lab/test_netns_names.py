"""Names of programs that `ip netns exec` or a unit starts in a kept or an attached namespace: they
are answered by its uplink's name servers, whatever the host itself looks names up with."""

import ctypes
import os
import socket
import threading

import nsutil
from lab import Skip, needs, params, program, topology, write_file
from test_attach_only_this_uplink import Container
from test_inside_as_outside import own_etc, replace
from test_names_by_the_uplink import questions

NSSWITCH = "passwd: files\nhosts: {}\n"
FILES = ("resolv.conf", "nsswitch.conf")
GETENT = "getent ahostsv4 who.test | awk '{print $1; exit}'"


class Asked:
    """A server of the host's on a path socket: what NSS modules ask instead of a name server. Each
    connection is noted, and dropped."""

    def __init__(self, path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        self.count = 0
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.bind(path)
        os.chmod(path, 0o666)
        self.socket.listen(16)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                conn, _ = self.socket.accept()
            except OSError:
                return
            conn.settimeout(0.05)
            try:
                if conn.recv(4096):
                    self.count += 1
            except OSError:
                pass
            conn.close()


NSCD = "/run/nscd/socket"
RESOLVED = "/run/systemd/resolve/io.systemd.Resolve"
AVAHI = "/run/avahi-daemon/socket"


def host(lab, services="files resolve [!UNAVAIL=return] mdns4_minimal [NOTFOUND=return] dns"):
    """A host with resolved and mdns, as many desktops are."""
    own_etc(lab)
    replace("/etc/nsswitch.conf", NSSWITCH.format(services))
    replace("/etc/resolv.conf", f"nameserver {lab.wired.gateway}\n")
    if os.path.lexists("/var/run") and not os.path.islink("/var/run"):
        raise Skip("/var/run is no link here")


def keep(lab, name="k"):
    lab.via("--keep", "--name", name, lab.spare, "--", "true", check=True)


def attach_by(lab, how):
    """A namespace by the name `box`, kept or attached; returns its id."""
    if how == "keep":
        keep(lab, "box")
        return None
    box = Container(lab)
    box.attach(by=how)
    return box


def exec_in(lab, command, name="box"):
    return lab.run(["ip", "netns", "exec", name, "sh", "-c", command])


@topology("split", "same")
@params("keep", "netns", "pid")
def test_ip_netns_exec(lab, how):
    """Its resolv.conf and nsswitch.conf, while it lasts; then neither they nor their directory."""
    host(lab)
    before = lab.snapshot(), sorted(os.listdir("/etc"))
    box = attach_by(lab, how)
    wired = lab.capture_wired()
    for name in FILES:
        text = open(f"/etc/netns/box/{name}").read()
        assert text.startswith("# made by via-iface for session "), text
        assert os.stat(f"/etc/netns/box/{name}").st_mode & 0o7777 == 0o644
    assert exec_in(lab, "awk '/^hosts/' /etc/nsswitch.conf").out == "hosts: files dns\n"
    assert exec_in(lab, GETENT).out.strip() == lab.spare.dns
    assert exec_in(lab, "dig +short +tries=1 +time=3 who.test").out.strip() == lab.spare.dns
    assert not questions(wired), questions(wired)[:4]
    if how == "keep":
        lab.run(["ip", "netns", "del", "box"], check=True)
    else:
        lab.via("detach", "box", check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 30, "the end of /etc/netns")
    assert sorted(os.listdir("/etc")) == before[1]
    lab.wait(lambda: not lab.processes("via-iface-etc"), 5, "the helper's end")
    if how == "keep":
        lab.wait_gone(30)
        lab.assert_same(before[0])


@params("stop", "netns_del", "killed_helper")
def test_end(lab, how):
    """However it ends. A helper that was killed leaves files, and the next one takes them away."""
    host(lab)
    if how == "stop":
        keep(lab, "box")
        lab.via("stop", "box", check=True)
    else:
        box = Container(lab)
        box.attach()
        if how == "killed_helper":
            lab.wait(lambda: lab.processes("via-iface-etc"), 10, "the helper's name")
            for pid in lab.processes("via-iface-etc"):
                os.kill(pid, 9)
        lab.run(["ip", "netns", "del", "box"], check=True)
        lab.wait(lambda: lab.via("list", "--json").json() == [], 30, "the session's end")
    if how == "killed_helper":
        assert os.path.exists("/etc/netns/box/resolv.conf")
        keep(lab, "next")
        assert sorted(os.listdir("/etc/netns")) == [".via-iface", "next"]
        lab.run(["ip", "netns", "del", "next"], check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 30, "the end of /etc/netns")


def test_others_files_stay(lab):
    """What an administrator wrote there is neither read over nor removed."""
    host(lab)
    os.makedirs("/etc/netns/box")
    write_file("/etc/netns/box/resolv.conf", "nameserver 203.0.113.1\n")
    write_file("/etc/netns/box/hosts", "127.0.0.1 localhost\n")
    inode = os.stat("/etc/netns/box/resolv.conf").st_ino
    done = lab.via("--keep", "--name", "box", lab.spare, "--", "true", check=True)
    assert "/etc/netns/box/resolv.conf" in done.err, done
    assert os.path.exists("/etc/netns/box/nsswitch.conf")
    lab.run(["ip", "netns", "del", "box"], check=True)
    lab.wait(lambda: not os.path.exists("/etc/netns/box/nsswitch.conf"), 30, "the end of ours")
    assert sorted(os.listdir("/etc/netns/box")) == ["hosts", "resolv.conf"]
    assert os.stat("/etc/netns/box/resolv.conf").st_ino == inode


def test_links_are_not_followed(lab):
    host(lab)
    os.makedirs("/etc/netns/box")
    write_file("/etc/precious", "precious\n")
    os.symlink("/etc/precious", "/etc/netns/box/resolv.conf")
    lab.via("--keep", "--name", "box", lab.spare, "--", "true", check=True)
    assert open("/etc/precious").read() == "precious\n"
    lab.run(["ip", "netns", "del", "box"], check=True)
    lab.wait(lambda: not os.path.exists("/etc/netns/box/nsswitch.conf"), 30, "the end of ours")
    assert os.path.islink("/etc/netns/box/resolv.conf")


def test_no_place_for_them(lab):
    """Where they cannot be written, nothing is kept: names would leave by the wired card."""
    host(lab)
    write_file("/etc/netns", "")
    before = lab.snapshot()
    done = lab.via("--keep", "--name", "box", lab.spare, "--", "true")
    assert done.code == 125 and "/etc/netns" in done.err, done
    assert not os.path.lexists("/run/netns/box")
    lab.wait_gone(30)
    lab.assert_same(before)
    box = Container(lab)
    done = lab.via("attach", "--replace-route", lab.spare, "--netns", "box")
    assert done.code == 125 and "/etc/netns" in done.err, done
    assert lab.via("list", "--json").json() == [] and box.curl() == lab.wired.addr
    box.attach("--allow-foreign-resolver")


@params("keep", "netns")
def test_nscd(lab, how):
    """It is asked before any file of /etc, and cannot be hidden from `ip netns exec`: refused,
    unless it does not serve host names."""
    host(lab)
    nscd = Asked(NSCD)
    if how == "keep":
        done = lab.via("--keep", "--name", "box", lab.spare, "--", "true")
    else:
        box = Container(lab)
        done = lab.via("attach", "--replace-route", lab.spare, "--netns", "box")
    assert done.code == 125 and "nscd" in done.err and "enable-cache hosts no" in done.err, done
    assert not os.path.lexists("/etc/netns")
    lab.wait(lambda: lab.via("list", "--json").json() == [], 30, "the end of what was refused")
    replace("/etc/nscd.conf", "# a comment\n\tenable-cache\t\thosts\t\tno\n")
    if how == "keep":
        keep(lab, "box")
    else:
        box.attach()
    nscd.count = 0
    assert os.path.exists("/etc/netns/box/resolv.conf")


OUTSIDE = {
    "resolved": (RESOLVED, "files resolve dns", "systemd-resolved"),
    "avahi": (AVAHI, "files mdns4_minimal [NOTFOUND=return] dns", "avahi-daemon"),
    "nscd": (NSCD, "files dns", "nscd"),
}


@params(**OUTSIDE)
def test_process_that_asks_outside(lab, case):
    """A process in a namespace of its own that sees the host's files: its names are looked up by a
    server outside. Refused, and said why; with --allow-foreign-resolver it is as it was."""
    path, services, who = case
    host(lab, services)
    box = Container(lab)
    process = lab.popen(["nsenter", "--net=/run/netns/box", "sh", "-c", "echo ready; exec cat"])
    process.expect("ready\n")
    which = ("--replace-route", lab.spare, "--pid", process.pid, "--name", "box")
    lab.via("attach", *which, check=True)
    lab.via("detach", "box", check=True)
    asked = Asked(path)
    done = lab.via("attach", *which)
    assert done.code == 125 and who in done.err and "--allow-foreign-resolver" in done.err, done
    assert lab.via("list", "--json").json() == []
    lab.via("attach", "--allow-foreign-resolver", *which, check=True)
    lab.via("detach", "box", check=True)
    done = lab.via("attach", "--replace-route", lab.spare, "--netns", "box")
    assert done.code == 125 and who in done.err, "it runs in there already"
    asked.socket.shutdown(socket.SHUT_RDWR)  # nobody listens: then nobody is asked
    lab.via("attach", *which, check=True)


def test_process_that_asks_inside(lab):
    """A server of the same namespace is the container's own, and asks by our device."""
    host(lab, "files resolve dns")
    box = Container(lab)
    process = lab.popen(["nsenter", "--net=/run/netns/box", "sh", "-c", "echo ready; exec cat"])
    process.expect("ready\n")
    code = (
        "import os, socket; s = socket.socket(socket.AF_UNIX)\n"
        f"os.makedirs(os.path.dirname({RESOLVED!r}), exist_ok=True)\n"
        f"s.bind({RESOLVED!r}); s.listen(); print('serving', flush=True)\n"
        "while True: s.accept()"
    )
    lab.popen(["nsenter", "--net=/run/netns/box", "python3", "-c", code]).expect("serving\n")
    lab.via("attach", "--replace-route", lab.spare, "--pid", process.pid, "--name", "box", check=True)


def test_two_of_them(lab):
    """The directory around goes with the last one, whoever ends first; a namespace that is made
    again under its old name gets its files anew."""
    host(lab)
    keep(lab, "one")
    keep(lab, "two")
    lab.run(["ip", "netns", "del", "one"], check=True)
    lab.wait(lambda: os.listdir("/etc/netns") == ["two"] or sorted(os.listdir("/etc/netns")) == [".via-iface", "two"], 30, "the end of one")
    lab.run(["ip", "netns", "del", "two"], check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 30, "the end of /etc/netns")
    for _ in range(3):
        lab.run(["ip", "netns", "add", "box"], check=True)
        lab.via("attach", lab.spare, "--netns", "box", check=True)
        number = max(s["id"] for s in lab.via("list", "--json").json())
        text = open("/etc/netns/box/resolv.conf").read()
        assert text.startswith(f"# made by via-iface for session {number} "), text
        lab.run(["ip", "netns", "del", "box"], check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 30, "the end of /etc/netns")
