"""`via-iface netns`: a lasting network namespace by name, made before its uplink is there: blocked until
then, by its uplink alone from then on, and gone at the end, whoever removes it."""

import os
import re
import shutil

from lab import ROOT, build_dir, params, program, topology, write_file
from test_inside_as_outside import own_etc, replace
from test_leaves_by_its_uplink import give_back, lose

RESOLV = "/etc/netns/box/resolv.conf"


def conf_dir():
    with open(os.path.join(build_dir(), "config.h")) as f:
        return re.search(r'define VIA_SYSCONFDIR "(.*)"', f.read()).group(1)


def state(lab, name="box"):
    found = [s for s in lab.via("netns", "list", "--json", check=True).json() if s["name"] == name]
    assert len(found) < 2, found
    return found[0]["state"] if found else None


def inside(lab, command, how="ip"):
    words = {
        "ip": ["ip", "netns", "exec", "box"],
        "nsenter": ["nsenter", "--net=/run/netns/box"],
        "exec": [program("via-iface"), "exec", "box", "--"],
    }[how]
    return lab.run([*words, "sh", "-c", command])


def curl(lab, how="ip"):
    return inside(lab, f"curl -s --max-time 3 {lab.url}", how)


def host(lab):
    own_etc(lab)
    replace("/etc/nsswitch.conf", "passwd: files\nhosts: files dns\n")
    replace("/etc/resolv.conf", f"nameserver {lab.wired.gateway}\n")


def gone(lab, before):
    lab.wait(lambda: state(lab) is None, 30, "the session's end")
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 30, "the end of /etc/netns")
    assert not os.path.lexists("/run/netns/box")
    lab.wait_gone(30)
    lab.assert_same(before)


@topology("split", "same")
@params("ip", "nsenter", "exec")
def test_made_before_the_uplink(lab, how):
    """At boot the uplink is not there yet: 0 packets leave, and the programs get an error. When it comes
    traffic and names go by it, when it goes they stop, when another takes its place they follow."""
    host(lab)
    before = lab.snapshot()
    lose(lab, "down")
    wired = lab.capture_wired()
    done = lab.via("netns", "add", "box", lab.spare, check=True)
    assert "is blocked" in done.out and "via-iface netns del box" in done.out, done
    assert state(lab) == "blocked"
    assert "started for uid 0 without an uplink of wlp6s0" in lab.via("log", check=True).out
    assert curl(lab, how).code != 0
    give_back(lab, "down")
    lab.wait(lambda: state(lab) == "up", 10, "the uplink's return")
    lab.wait(lambda: curl(lab, how).out.strip() == lab.spare.addr, 10, "traffic by the uplink")
    assert inside(lab, "getent ahostsv4 who.test | awk '{print $1; exit}'", how).out.strip() == lab.spare.dns
    lose(lab, "carrier")
    lab.wait(lambda: state(lab) == "blocked", 10, "the uplink's loss")
    assert curl(lab, how).code != 0
    leaks = [f for f in wired.leaks() if f.eth != "arp"]
    assert not leaks, leaks[:9]
    lab.via("move", "box", lab.wired, check=True)
    assert curl(lab, how).out.strip() == lab.wired.addr
    give_back(lab, "carrier")
    lab.via("netns", "del", "box", check=True)
    gone(lab, before)


@params("del", "ip_netns_del", "stop")
def test_end(lab, how):
    """At the end nothing is left, and the name can be used again at once."""
    host(lab)
    before = lab.snapshot()
    for _ in range(3):
        lab.via("netns", "add", "box", lab.spare, check=True)
        assert curl(lab).out.strip() == lab.spare.addr
        if how == "del":
            done = lab.via("netns", "del", "box", check=True)
            assert done.out == "netns 'box' is removed\n" and state(lab) is None, done
        elif how == "stop":
            lab.via("stop", "box", check=True)
        else:
            lab.run(["ip", "netns", "del", "box"], check=True)
    gone(lab, before)


def test_del_with_a_program_in_it(lab):
    """It is not ended, and has no network any more: neither this one nor the host's."""
    host(lab)
    before = lab.snapshot()
    lab.via("netns", "add", "box", lab.spare, check=True)
    process = lab.popen(["ip", "netns", "exec", "box", "sh", "-c", f"echo ready; read go; curl -s --max-time 2 {lab.url}; echo $?"])
    process.expect("ready\n")
    lab.via("netns", "del", "box", check=True)
    assert state(lab) is None and process.running()
    process.write("go\n")
    assert process.finish(10).out.split()[-1] == "7", "connect(2): network is unreachable"
    gone(lab, before)


def test_files_of_etc_netns(lab):
    """An administrator's files there are what `exec` sees, as with `ip netns exec`; ours are not."""
    host(lab)
    os.makedirs("/etc/netns/box")
    write_file("/etc/netns/box/hosts", "192.0.2.77 by.hosts.test\n")
    write_file("/etc/netns/box/not-in-etc", "")
    lab.via("netns", "add", "box", lab.spare, check=True)
    for how in ("ip", "exec"):
        assert inside(lab, "cat /etc/hosts", how).out == "192.0.2.77 by.hosts.test\n"
        assert inside(lab, "getent ahostsv4 who.test | awk '{print $1; exit}'", how).out.strip() == lab.spare.dns
    done = lab.via("--name", "other", lab.spare, "--", "cat", "/etc/hosts", check=True)
    assert "by.hosts.test" not in done.out
    lab.via("netns", "del", "box", check=True)
    assert sorted(os.listdir("/etc/netns/box")) == ["hosts", "not-in-etc"]


def test_from_a_file(lab):
    """Without an uplink netns.d/NAME.conf has it, and the options; a mistake names its line."""
    host(lab)
    path = conf_dir() + "/netns.d"
    made = not os.path.isdir(conf_dir())
    os.makedirs(path)
    try:
        write_file(f"{path}/box.conf", f"# a comment\n[netns]\nuplink = {lab.spare}\nipv6 = off\nmtu = 1400\n")
        lab.via("netns", "add", "box", check=True)
        (session,) = lab.via("netns", "list", "--json").json()
        assert session["uplinks"] == [str(lab.spare)], session
        assert not session["address6"] and "mtu 1400" in inside(lab, "ip link show eth0").out
        assert curl(lab).out.strip() == lab.spare.addr
        lab.via("netns", "del", "box", check=True)
        for text, line in (
            ("[netns]\nuplnk = x\n", ":2: "),
            ("[netns]\nipv6 = off\n", "no uplink is named"),
            ("[run]\nuplink = x\n", ":1: 'run' is no section"),
            ("[netns]\nuplink = wlp6s0\nmtu = many\n", ":3: "),
        ):
            write_file(f"{path}/box.conf", text)
            done = lab.via("netns", "add", "box")
            assert done.code == 125 and f"{path}/box.conf" in done.err and line in done.err, done
        done = lab.via("netns", "add", "none")
        assert done.code == 125 and f"{path}/none.conf" in done.err, done
    finally:
        shutil.rmtree(conf_dir() if made else path)


def test_refused(lab):
    host(lab)
    lab.run(["ip", "netns", "add", "box"], check=True)
    for words, said in (
        (("add", "box", lab.spare), "/run/netns/box is there"),
        (("add", "a/b", lab.spare), "invalid name 'a/b'"),
        (("add", "x", "lo"), "'lo'"),
        (("del", "box"), "it was not made by via-iface"),
        (("del", "nobody"), "there is none"),
        (("add",), "netns"),
        (("list", "x"), "netns"),
        (("del", "box", "--mtu", "1400"), "netns"),
        (("add", "x", "wlp6s0", "--json"), "netns"),
    ):
        done = lab.via("netns", *words)
        assert done.code == 125 and said in done.err, (words, done)
    for words in (("add", "x", lab.spare), ("del", "x")):
        done = lab.via("netns", *words, user=1000)
        assert done.code == 125 and "only root may" in done.err, done
    assert lab.via("list", "--json").json() == []
    assert lab.via("netns", "list", check=True).out == "there is no netns of via-iface's\n"
    assert os.path.exists("/run/netns/box")


def test_daemon_that_is_killed(lab):
    """A blocked one is known by the next daemon too, and goes up with its uplink."""
    host(lab)
    lose(lab, "down")
    lab.via("netns", "add", "box", lab.spare, check=True)
    lab.wait(lambda: lab.daemon_pid(), 5, "the daemon")
    pid = lab.daemon_pid()
    os.kill(pid, 9)
    lab.wait(lambda: lab.daemon_pid() not in (None, pid), 20, "the next daemon")
    assert state(lab) == "blocked"
    give_back(lab, "down")
    lab.wait(lambda: curl(lab).out.strip() == lab.spare.addr, 10, "traffic by the uplink")
    lab.via("netns", "del", "box", check=True)


def test_unit_and_manual(lab):
    """The shipped unit calls what there is, without a mount namespace of its own; the files that the
    documented drop-in binds are there, and a program with them looks names up by the uplink."""
    host(lab)
    with open(os.path.join(build_dir(), "data", "via-iface-netns@.service")) as f:
        unit = f.read()
    start = re.search(r"^ExecStart=\S+/via-iface (.*)$", unit, re.M).group(1).replace("%i", "box")
    stop = re.search(r"^ExecStop=-\S+/via-iface (.*)$", unit, re.M).group(1).replace("%i", "box")
    assert not re.search(r"^(Private|Protect|ReadOnly|Inaccessible|MountFlags)", unit, re.M), unit
    lab.via(*start.split(), lab.spare, check=True)
    with open(os.path.join(ROOT, "data", "via-iface.1.scd")) as f:
        manual = f.read()
    binds = re.findall(r"^BindReadOnlyPaths=-?(\S+):(\S+)$", manual, re.M)
    assert len(binds) == 2, binds
    mounts = "; ".join(f"mount --bind {a.replace('NAME', 'box')} {b}" for a, b in binds)
    wired = lab.capture_wired()
    done = lab.run(
        ["nsenter", "--net=/run/netns/box", "unshare", "-m", "sh", "-ec", mounts + "; getent ahostsv4 who.test | awk '{print $1; exit}'"], check=True
    )
    assert done.out.strip() == lab.spare.dns, done
    assert not [f for f in wired.leaks() if f.eth != "arp"]
    lab.via(*stop.split(), check=True)
    assert state(lab) is None
