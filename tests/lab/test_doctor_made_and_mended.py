"""More of what `doctor` finds: each situation is made, found with its object, mended as the finding says,
and gone."""

import os

from lab import needs, program
from test_doctor_fixes import with_program
from test_doctor_launch import SOCKET, command, doctor, one, read
from test_doctor_live import ids, live
from test_refused_by_the_kernel import shut
from test_who_may import NETDEV, Site


def of(found, ident):
    return [f for f in found if f["id"] == ident]


def test_firewall_of_an_owner(lab):
    """Its own program alone can change it: nft(8) of somebody else cannot, and so no line is proposed."""
    owner = lab.popen(["nft", "-i"])
    owner.write("table inet other { flags owner; chain c { type filter hook forward priority 0; policy drop; }; }\n")
    lab.wait(lambda: "table inet other" in lab.run("nft list tables").out, 5, "the table")
    found = one(read(lab.via("doctor", "--json")), "info", "firewall-owned", "table other, chain c")
    assert found["fix"] == (
        "no command of another program can be right: it has to accept what has `iifname via0`, itself"
    ), found
    assert lab.run("nft insert rule inet other c iifname via0 accept").code != 0
    owner.write("add chain inet other c { policy accept; }\n")
    lab.wait(lambda: read(lab.via("doctor", "--json")) == [], 5, "it lets all pass")


@needs("root", "tool:setcap", "tool:setpriv")
def test_socket_that_nobody_may_connect_to(lab):
    site = Site(lab)
    assert doctor(site, "alice") == []
    mode = os.stat(SOCKET).st_mode & 0o777
    os.chmod(SOCKET, 0o600)
    found = one(doctor(site, "alice"), "error", "daemon-not-reachable", SOCKET)
    assert "Permission denied" in found["text"], found
    os.chmod(SOCKET, mode)
    assert doctor(site, "alice") == []


@needs("root", "tool:setcap", "tool:setpriv")
def test_ambient_capabilities(lab):
    site = Site(lab)
    words = site._as("alice", [NETDEV], [f"{site.bin}/via-iface", "doctor", "--json"])
    caps = ["--inh-caps=+chown", "--ambient-caps=+chown"]
    at = words.index("setpriv") + 1
    found = of(read(lab.run([*words[:at], *caps, *words[at:]])), "ambient-capabilities")
    assert [(f["severity"], f["object"]) for f in found] == [("error", "process")], found
    assert "cap_chown" in found[0]["text"], found
    assert read(lab.run(words)) == []


def test_no_names(lab):
    """The uplink's name server is silent: the line asks another one."""
    lab.nft("table inet silent { chain c { type filter hook input priority 0; udp dport 53 drop; tcp dport 53 drop; }; }", ns=lab.spare.router)
    (found,) = of(live(lab, to=lab.server), "live-no-names")
    assert (found["severity"], found["object"]) == ("warning", "wlp6s0"), found
    assert command(found) == "via-iface --dns 9.9.9.9 wlp6s0 -- PROGRAM", found
    seen = lab.capture_spare()
    lab.run(with_program(found, f"{program('via-iface-verbs')} live-once - -"), input="g")
    assert any(f.dst == "9.9.9.9" and f.dport == 53 for f in seen.stop())
    lab.nft("delete table inet silent", ns=lab.spare.router)
    assert ids(live(lab, to=lab.server)) == [("info", "live", "wlp6s0")]


@needs("root")
def test_session_that_does_not_start(lab):
    """What no check foresees, the session of --live meets: its line is the launch's own."""
    path = f"net/ipv4/conf/{lab.spare}/forwarding"
    shut(lab, path)
    found = one(live(lab, to=lab.server), "error", "live-not-started", "wlp6s0")
    launched = lab.via(lab.spare, "--", "true")
    assert launched.code == 125 and f"sysctl {path}" in found["text"], (found, launched)
    lab.run(["umount", f"/proc/sys/{path}"], check=True)
    lab.wait(lambda: ids(live(lab, to=lab.server)) == [("info", "live", "wlp6s0")], 40, "it is tried again")
