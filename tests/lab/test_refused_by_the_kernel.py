"""What the kernel refuses for one uplink keeps no session of another from being healed. The
sessions of that uplink are blocked meanwhile, are told why, and come back by themselves."""

import os

from flow import Flow
from lab import topology, write_file


def shut(lab, path):
    """Nobody can change that sysctl, and it reads as it was before us."""
    file = os.path.join(lab.tmp, "zero")
    write_file(file, "0\n")
    lab.run(["mount", "--bind", file, f"/proc/sys/{path}"], check=True)
    lab.run(["mount", "-o", "remount,bind,ro", f"/proc/sys/{path}"], check=True)


def listed(lab, flow):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == flow.name)


@topology("split")
def test_one_uplink(lab):
    """Forwarding cannot be switched on for one uplink; a port of the other comes up again, which is
    done after that."""
    bad, good = Flow(lab, lab.spare), Flow(lab, lab.wired, token="OTHER")
    path = f"net/ipv4/conf/{lab.spare}/forwarding"
    wrong = lab.capture_wired(token="BEACON")
    shut(lab, path)
    lab.ip(f"link set {good.listed()['ifname']} down")
    good.flows(good.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    lab.wait(lambda: listed(lab, bad)["state"] == "blocked", 5, "the state")
    assert "kernel refused a sysctl" in listed(lab, bad)["reason"], listed(lab, bad)
    bad.silent()
    assert listed(lab, good)["state"] == "up"
    # a session that starts meanwhile has the other uplink; one by this uplink is told why not
    lab.via(lab.wired, "--", "true", check=True)
    failed = lab.via(lab.spare, "--", "true")
    assert failed.code == 125 and f"sysctl {path}" in failed.err, failed
    good.flows(good.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    lab.run(["umount", f"/proc/sys/{path}"], check=True)
    bad.flows(bad.started(), 40, seen=(lab.spare.addr, lab.spare.addr6))
    lab.wait(lambda: listed(lab, bad)["state"] == "up", 5, "the state")
    assert not [f for f in wrong.stop() if f.dir == "in" and b"BEACON" in f.raw]
