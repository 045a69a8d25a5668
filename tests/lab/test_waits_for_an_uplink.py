"""--wait: a command that waits until an uplink of its list is usable, says what it waits for, and can be ended."""

import os
import re
import time

from lab import needs, params, program
from test_leaves_by_its_uplink import give_back, lose
from test_who_may import NETDEV, Site

SAID = {
    "down": "it is down",
    "carrier": "it has no carrier",
    "address": "it has no address",
    "route": "it has no gateway: no default route leads through it",
}
WAITING = re.compile(r"via-iface: waiting for (.*); Ctrl-C ends it\n")


def waits(lab, *words, **more):
    process = lab.via_popen(*words, merge=True, **more)
    process.expect("waiting for")
    process.expect("ends it\n")
    return process


def curl(lab):
    return ["--", "curl", "-s", "--max-time", "5", lab.url]


def check_lines(text):
    """Each reason once in a row."""
    lines = WAITING.findall(text)
    assert lines and all(a != b for a, b in zip(lines, lines[1:])), text
    return lines


@params(*SAID)
def test_until_it_is_usable(lab, how):
    lose(lab, how)
    process = waits(lab, "--wait", lab.spare, *curl(lab))
    give_back(lab, how)
    done = process.finish(20)
    assert done.code == 0 and done.out.endswith(lab.spare.addr + "\n"), done
    assert check_lines(done.out)[0].startswith(f"'wlp6s0': {SAID[how]}"), done


def test_nothing_is_said_when_there_is_one(lab):
    lose(lab, "down")
    done = lab.via("--wait", "wlp6s0,enp7s0", *curl(lab))
    assert (done.code, done.out, done.err) == (0, lab.wired.addr + "\n", ""), done


def test_card_that_is_not_there_yet(lab):
    """A USB stick: it is plugged in while a list of it and of a card that is down is waited for."""
    lab.ip("addr flush dev wlp6s0")
    lose(lab, "down")
    process = waits(lab, "--wait", "usb0,wlp6s0", "--", "echo", "RUNS")
    assert check_lines(process.out.decode()) == ["'usb0': no such interface, 'wlp6s0': it is down"], process.out
    lab.run("ip link set wlp6s0 name usb0 && ip link set usb0 up", check=True)
    process.expect("'usb0': it has no")
    for words in (f"addr add {lab.spare.addr}/24 dev usb0", f"route add default via {lab.spare.gateway} dev usb0"):
        lab.ip(words)
    done = process.finish(20)
    assert done.code == 0 and done.out.endswith("RUNS\n"), done
    check_lines(done.out)


def test_name_servers_come_later(lab):
    """As on a card that has just got its address: without them the launch would be refused. A private
    gateway would be asked itself, so this one is not."""
    lab.ip("addr flush dev wlp6s0")
    lab.set_dns(lab.spare, [])
    process = waits(lab, "--wait", lab.spare, "--", "echo", "RUNS")
    lab.ip("addr add 198.51.100.10/24 dev wlp6s0")
    lab.ip("route add default via 198.51.100.1 dev wlp6s0 metric 600")
    process.expect("waiting for name servers of 'wlp6s0'")
    lab.set_dns(lab.spare, ["9.9.9.9"])
    start = time.monotonic()
    done = process.finish(20)
    assert done.code == 0 and done.out.endswith("RUNS\n"), done
    assert time.monotonic() - start < 3 * lab.scale, "they are noticed, not waited for"


def test_there_are_no_name_servers(lab):
    """They are not waited for without end: the launch says what to do."""
    lab.ip("addr flush dev wlp6s0")
    lab.set_dns(lab.spare, [])
    process = waits(lab, "--wait", lab.spare, "--", "echo", "RUNS")
    lab.ip("addr add 198.51.100.10/24 dev wlp6s0")
    lab.ip("route add default via 198.51.100.1 dev wlp6s0 metric 600")
    done = process.finish(20)
    assert done.code == 125 and "name one: --dns ADDR" in done.out, done


def test_costs_nothing(lab):
    """It sleeps until something happens."""
    lose(lab, "down")
    process = waits(lab, "--wait", lab.spare, "--", "true")

    def switches():
        with open(f"/proc/{process.pid}/status") as f:
            return re.findall(r"ctxt_switches:\s+(\d+)", f.read())

    lab.wait(lambda: switches() == (time.sleep(0.5), switches())[1], 10, "a moment without a wakeup", step=0)
    before = switches()
    time.sleep(1.5)
    assert switches() == before
    give_back(lab, "down")
    assert process.finish(20).code == 0


def test_time_is_over(lab):
    lose(lab, "down")
    done = lab.via("--wait=1", lab.spare, "--", "true")
    assert done.code == 125 and 0.9 < done.seconds, done
    last = done.err.splitlines()[-1]
    assert last.startswith("via-iface: wait 1 s for an uplink: use uplink 'wlp6s0': it is down; "), done
    quiet = lab.via("-q", "--wait=1", lab.spare, "--", "true")
    assert quiet.err == last + "\n", quiet


def test_ctrl_c(lab):
    lose(lab, "down")
    with lab.shell() as shell:
        shell.send(f"{program('via-iface')} --wait wlp6s0 -- true\n")
        shell.expect("waiting for 'wlp6s0': it is down; Ctrl-C ends it\n")
        shell.send("\x03")
        shell.expect("prompt> ")
        shell.send("echo status $?\n")
        shell.expect("status 130\n")


# What waiting cannot mend, the exit status and the line.
MISTAKES = {
    "loopback": (["lo", "--", "true"], 125, "via-iface: use uplink 'lo': "),
    "program": (["wlp6s0", "--", "no-such-program"], 127, "via-iface: run 'no-such-program': it is not in PATH; give its full path"),
    "name": (["x" * 128, "--", "true"], 125, "via-iface: "),
    "zero": (["--wait=0", "wlp6s0", "--", "true"], 125, "via-iface: invalid --wait '0': it is a number of seconds"),
    "word": (["--wait=soon", "wlp6s0", "--", "true"], 125, "via-iface: invalid --wait 'soon': it is a number of seconds"),
    "plan": (["--dry-run", "wlp6s0", "--", "true"], 125, "via-iface: invalid option '--wait': a plan waits for nothing"),
    "verb": (["curl", "http://x/", "wlp6s0"], 125, "via-iface: read 'curl': the uplink stands before the program"),
}  # fmt: skip


@params(*MISTAKES)
def test_mistakes_are_told_at_once(lab, case):
    words, code, line = MISTAKES[case]
    lose(lab, "down")
    done = lab.via("--wait", *words)
    assert done.code == code and done.err.startswith(line) and "waiting" not in done.err, done


@needs("root", "tool:setcap", "tool:setpriv")
def test_policy_forbids(lab):
    """Told at once; who is allowed waits."""
    site = Site(lab)
    lose(lab, "down")
    path = site.policy("[alice]\nuplinks = enp7s0\n\n[carol]\nuplinks = *\n")
    done = site.via("alice", "--wait", lab.spare, "--", "true")
    assert done.code == 125 and f"{path}:1 [alice] allows only 'enp7s0'" in done.err and "waiting" not in done.err, done
    done = site.via("bob", "--wait", lab.spare, "--", "true")
    assert done.code == 125 and "no section of" in done.err and "waiting" not in done.err, done
    done = site.via("carol", "--wait=1", lab.spare, "--", "true", groups=[NETDEV])
    assert done.code == 125 and "waiting for 'wlp6s0': it is down" in done.err, done


def test_move(lab):
    held = lab.session(lab.wired, "--name", "game")
    lose(lab, "down")
    process = waits(lab, "move", "game", "wlp6s0", "--wait=20")
    give_back(lab, "down")
    done = process.finish(20)
    assert done.code == 0, done
    assert lab.via("list", "--json").json()[0]["uplink"] == "wlp6s0"
    held.finish()


def test_attach(lab):
    lab.ip("netns add box")
    lose(lab, "down")
    process = waits(lab, "attach", "--wait", "wlp6s0", "--netns", "box")
    give_back(lab, "down")
    done = process.finish(20)
    assert done.code == 0 and "via-iface detach box" in done.out, done
