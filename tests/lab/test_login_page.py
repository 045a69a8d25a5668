"""A network with a login page, as NetworkManager's check of connectivity finds it: its uplink counts as
one that cannot serve, sessions go to the next of their list or are blocked, and nothing gets there."""

import json
import re

from lab import needs
from test_sources_of_name_servers import NM, NM_PATH, PROPERTIES, Services, variant

NONE, PORTAL, FULL = 1, 2, 4
REASON = "it is behind a login page"


def network_manager(lab, states):
    """Each card with its configuration, and what the check found: {dev: (IPv4, IPv6)}."""
    answers = {}
    for number, u in enumerate((lab.wired, lab.spare)):
        device, config = f"{NM_PATH}/Devices/{number}", f"{NM_PATH}/IP4Config/{number}"
        four, six = states[u.dev]
        answers[f"{NM_PATH} {NM}.GetDeviceByIpIface {u}"] = ["o", device]
        answers[f"{device} {PROPERTIES}.GetAll {NM}.Device"] = [
            "a{sv}",
            {"Ip4Config": variant("o", config), "Ip4Connectivity": variant("u", four), "Ip6Connectivity": variant("u", six)},
        ]
        answers[f"{config} {PROPERTIES}.GetAll {NM}.IP4Config"] = [
            "a{sv}",
            {"NameserverData": variant("aa{sv}", [{"address": variant("s", u.gateway)}]), "Gateway": variant("s", u.gateway)},
        ]
    return {"names": [NM], "answers": answers}


class Check:
    """What NetworkManager says of the spare card; the other one is always open."""

    def __init__(self, lab, four, six=FULL):
        self.lab = lab
        self.services = Services(lab, network_manager(lab, {lab.wired.dev: (FULL, FULL), lab.spare.dev: (four, six)}))

    def says(self, four, six=FULL):
        play = network_manager(self.lab, {self.lab.wired.dev: (FULL, FULL), self.lab.spare.dev: (four, six)})
        self.services.play(play, f"{NM_PATH}/Devices/1", f"{NM}.Device")


def session(lab, name):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == name)


def uplink(lab, name):
    return next(u for u in lab.via("uplinks", "--json").json() if u["name"] == name)


@needs("tool:dbus-daemon")
def test_failover_and_block(lab):
    """In one family or both: who has another uplink goes there, who has none is blocked and told why, until
    the page is passed. Nothing of them leaves by that card meanwhile."""
    check = Check(lab, FULL)
    both = lab.session(f"{lab.spare},{lab.wired}", "--name", "both", script="exec sh")
    only = lab.session(lab.spare, "--name", "only", script="exec sh")
    assert uplink(lab, "wlp6s0")["portal"] is False and uplink(lab, "wlp6s0")["usable"]
    assert session(lab, "both")["uplink"] == "wlp6s0"
    check.says(PORTAL)
    lab.wait(lambda: session(lab, "both")["uplink"] == "enp7s0", 5, "the failover")
    lab.wait(lambda: session(lab, "only")["state"] == "blocked", 5, "the other one is blocked")
    told = session(lab, "only")
    assert (told["reason"], told["uplink"]) == (REASON, ""), told
    seen = uplink(lab, "wlp6s0")
    assert (seen["portal"], seen["usable"], seen["reason"]) == (True, False, REASON), seen
    assert uplink(lab, "enp7s0")["portal"] is False
    assert re.search(rf"^wlp6s0 .* no .*{REASON}", lab.via("uplinks").out, re.M), lab.via("uplinks").out
    assert REASON in lab.via("status", "only").out and REASON in lab.via("status", "both").out
    eye = lab.capture_spare()
    only.write(f"curl -s -m 2 {lab.url}; echo curl $?\n")
    only.expect("curl 7", 10)
    assert not [f for f in eye.stop() if lab.server in (f.src, f.dst)], "nothing leaves by it"
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and f"use uplink 'wlp6s0': {REASON}" in done.err, done
    moved = [json.loads(line) for line in lab.via("log", "both", "--json").out.splitlines()]
    assert [(e["event"], e["reason"]) for e in moved if e["event"] == "failover"] == [("failover", REASON)], moved
    check.says(FULL, PORTAL)
    lab.via("log", check=True)
    assert session(lab, "only")["state"] == "blocked", "one family will do"
    check.says(FULL)
    lab.wait(lambda: session(lab, "only")["state"] == "up", 5, "the block is over")
    only.write(f"curl -s -m 5 {lab.url}\n")
    only.expect(lab.spare.addr)
    lab.wait(lambda: session(lab, "both")["uplink"] == "wlp6s0", 15, "the return")
    check.says(NONE)
    assert session(lab, "only")["state"] == "up", "no connectivity is the failover's own to find"
    for held in (both, only):
        held.finish()
