"""`doctor` names the routing rule of another program that takes sessions' packets elsewhere, as the kernel
answers (`ip route get … iif … mark …`), by its priority and text; its line mends it. Rules that stand
in front of those of via-iface and take nothing are no finding."""

import os
import signal

from lab import params
from test_doctor_fixes import doctor
from test_doctor_launch import command, mend

MARK = "fwmark 0x56000000/0xff000000"
TAKING = {
    "mark": f"from all {MARK} lookup 77",
    "device": "from all iif via0 lookup 77",
    "source": "from 10.0.0.0/8 lookup 77",
    "to": "from all to 198.51.100.0/24 lookup 77",
    "user": "from all lookup 77 uidrange 0-0",
    "stop": "from all iif via0 prohibit",
    "goto": "from all iif via0 goto 32766",
}
SIX = {"device6": "from all iif via0 lookup 77", "stop6": "from all iif via0 blackhole"}


def taken(found):
    return [f for f in found if f["id"] == "routing-rule-first"]


def leaves(lab, six=False, to=None):
    """By which device a packet of session 1 leaves."""
    to = to or ("2001:db8::9" if six else "192.0.2.9")
    words = lab.ip("-6 -br addr show via0" if six else "-4 -br addr show via0").split()
    own = next(w.split("/")[0] for w in words if ("2001:2:" if six else "10.") in w)
    source = own.rpartition("." if not six else ":")[0] + (":3fb" if six else ".9")
    done = lab.run(f"ip {'-6' if six else ''} route get {to} from {source} iif via0 mark 0x56000001")
    return done.out.split(" dev ")[1].split()[0] if " dev " in done.out and done.code == 0 else None


@params(*TAKING, *SIX)
def test_rule_in_front(lab, which):
    """Made while the daemon cannot put its own rules first; the line is what lets it do so."""
    six = which in SIX
    text, ip = (SIX if six else TAKING)[which], "ip -6" if six else "ip"
    held = lab.session()
    to = "198.51.100.7" if which == "to" else None
    lab.run(f"{ip} route add default dev enp7s0 table 77", check=True)
    lab.wait(lambda: not doctor(lab), 5, "all is well")
    assert leaves(lab, six, to) == "wlp6s0"
    pids = lab.daemon_pids()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)
    lab.wait(lambda: not lab.daemon_pids(), 5, "it is dead")
    lab.run(f"{ip} rule add pref 100 {text}", check=True)
    assert leaves(lab, six, to) != "wlp6s0"
    (found,) = taken(doctor(lab))
    assert (found["severity"], found["object"]) == ("error", "ip rule 100"), found
    said = text.split(" uidrange")[0]
    assert f"routing rule 100 of another program ({'IPv6' if six else 'IPv4'}: {said}) is asked before" in found["text"], found
    lab.run(command(found).removeprefix("sudo ").removeprefix("-b ") + " >/dev/null 2>&1 &", check=True)
    lab.wait(lambda: leaves(lab, six, to) == "wlp6s0", 5, "ours are first")
    assert taken(doctor(lab)) == []
    held.finish()


@params("ip", "ip -6")
def test_rule_at_zero(lab, ip):
    """In front of it nothing can be: it moves."""
    six = ip == "ip -6"
    held = lab.session()
    lab.run(f"{ip} route add default dev enp7s0 table 77", check=True)
    lab.run(f"{ip} rule add pref 0 iif via0 lookup 77", check=True)
    assert leaves(lab, six) == "enp7s0"
    (found,) = taken(doctor(lab))
    assert found["object"] == "ip rule 0" and "from all iif via0 lookup 77" in found["text"], found
    mend(lab, found)
    lab.wait(lambda: leaves(lab, six) == "wlp6s0", 5, "ours are first")
    assert taken(doctor(lab)) == []
    held.finish()


HARMLESS = {
    "other mark": "pref 0 fwmark 0x1/0xff000000 lookup 77",
    "other device": "pref 0 iif enp7s0 lookup 77",
    "other source": "pref 0 from 192.0.2.0/24 lookup 77",
    "output": "pref 0 oif wlp6s0 lookup 77",
    "empty table": "pref 0 from all lookup 78",
    "in front": "pref 100 from all iif via0 lookup 77",
}


@params(*HARMLESS)
def test_rule_that_takes_nothing(lab, which):
    held = lab.session()
    for ip in ("ip", "ip -6"):
        lab.run(f"{ip} route add default dev enp7s0 table 77", check=True)
        if which != "other source" or ip == "ip":
            lab.run(f"{ip} rule add {HARMLESS[which]}", check=True)
        if which in ("other source", "empty table"):  # ours go in front of this one all the same
            lab.run(f"{ip} rule add pref 100 iif via0 lookup 77", check=True)
    lab.wait(lambda: leaves(lab) == leaves(lab, True) == "wlp6s0", 5, "ours are first")
    for words in ((), ("--live", lab.spare, "--to", lab.server)):
        found = [f for f in doctor(lab, *words) if f["id"] != "live"]
        assert found == [], found
    held.finish()
