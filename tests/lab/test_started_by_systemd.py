"""Where systemd runs, root's launch has it start the daemon: one that the launch started itself would be
in the cgroup of the unit that the launch belongs to, and end with it."""

import os

from lab import needs, params, program, write_file
from test_inside_as_outside import own_etc
from test_who_may import BUS, BUS_CONFIG

HERE = os.path.dirname(os.path.abspath(__file__))


def systemd(lab, answer, unit=True):
    """It runs, with our unit or without; its manager answers as fake_systemd.py says."""
    own_etc(lab)
    os.makedirs("/run/systemd/system")
    if unit:
        os.makedirs("/etc/systemd/system", exist_ok=True)
        write_file("/etc/systemd/system/via-iface.socket", "")
    os.makedirs(os.path.dirname(BUS), exist_ok=True)
    config = os.path.join(lab.tmp, "bus.conf")
    write_file(config, BUS_CONFIG.format(path=BUS))
    bus = lab.popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"])
    bus.expect("\n")
    manager = lab.popen(["/usr/bin/python3", f"{HERE}/fake_systemd.py", program("via-ifaced"), answer])
    manager.expect("ready\n")
    return manager


def parent(pid):
    with open(f"/proc/{pid}/stat") as f:
        return int(f.read().rpartition(")")[2].split()[1])


@needs("root", "tool:dbus-daemon")
@params("run", "verb", "netns")
def test_socket_unit(lab, how):
    """The daemon is systemd's child, and serves what was asked for."""
    manager = systemd(lab, "done")
    if how == "run":
        assert lab.via(lab.spare, "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr
    elif how == "verb":
        done = lab.via("stop", "nobody")
        assert done.code == 125 and "nobody" in done.err, done
        lab.via(lab.spare, "--", "true", check=True)
    else:
        lab.via("netns", "add", "box", lab.spare, check=True)
        lab.via("netns", "del", "box", check=True)
    manager.expect("StartUnit via-iface.socket replace\n")
    assert [parent(pid) for pid in lab.daemon_pids()] == [manager.pid], lab.daemon_pids()


@needs("root", "tool:dbus-daemon")
def test_at_once(lab):
    """16 launches from a cold daemon: all run, and one daemon does."""
    systemd(lab, "done")
    launches = [lab.via_popen(lab.spare, "--", "curl", "-s", lab.url) for _ in range(16)]
    for launch in launches:
        done = launch.finish(60)
        assert done.out.strip() == lab.spare.addr, done
    assert len(lab.daemon_pids()) == 1


REFUSED = {
    "masked": ("error", "Unit via-iface.socket is masked."),
    "failed": ("failed", "systemd says 'failed'"),
}


@needs("root", "tool:dbus-daemon")
@params(**REFUSED)
def test_refused(lab, case):
    """Then no daemon is started in the launch's cgroup either, and the line says whom to ask why."""
    answer, reason = case
    systemd(lab, answer)
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and done.err.count("\n") == 1, done
    assert reason in done.err and "`systemctl status via-iface.socket` says" in done.err, done
    lab.wait(lambda: not lab.daemon_pids(), 5, "the end of who asked systemd")


@needs("root")
def test_not_reachable(lab):
    """Neither by the bus nor by its own socket."""
    own_etc(lab)
    os.makedirs("/run/systemd/system")
    write_file("/etc/systemd/system/via-iface.socket", "")
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and "ask systemd to start the daemon" in done.err, done
    assert "`systemctl start via-iface.socket` starts it" in done.err, done
    lab.wait(lambda: not lab.daemon_pids(), 5, "the end of who asked systemd")


@needs("root", "tool:dbus-daemon")
def test_without_our_unit(lab):
    """The daemon is in a scope of its own: of the process that asks, whatever pid namespace that is in."""
    manager = systemd(lab, "done", unit=False)
    lab.via(lab.spare, "--", "true", check=True)
    said = manager.expect("StartTransientUnit").splitlines()[-1].split()
    assert said[:1] == ["StartTransientUnit"] and said[1].startswith("via-ifaced-"), said
    assert said[2:5] == ["fail", "system.slice", "[0]"], said
    assert int(said[5]) == lab.daemon_pids()[0], (said, lab.daemon_pids())
