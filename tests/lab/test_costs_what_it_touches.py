"""A request about one session costs that session: the work is counted, not timed, beside few sessions
and beside many."""

import contextlib
import os
import re

from lab import ROOT, needs, program, ship_apps, timeout

RECEIVED = re.compile(r"\brecv(?:from|msg)\(.* = (\d+)$")


def unchecked(lab):
    """A sanitizer cannot look for leaks in a program that is traced."""
    options = lab.env.get("ASAN_OPTIONS", "")
    return {"ASAN_OPTIONS": options.replace("detect_leaks=1", "detect_leaks=0")} if options else {}


def traced(lab, *words):
    """System calls of a command and its children: how many, messages sent, files opened, bytes received."""
    path = os.path.join(lab.tmp, "trace")
    lab.run(
        ["strace", "-f", "-qq", "-s", "0", "-o", path, "-e", "trace=sendto,sendmsg,recvfrom,recvmsg,openat",
         program("via-iface"), *words],
        env=unchecked(lab), check=True,
    )  # fmt: skip
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = f.read().splitlines()
    return {
        "sent": sum("send" in line for line in lines),
        "opened": sum("openat(" in line for line in lines),
        "received": sum(int(found[1]) for found in map(RECEIVED.search, lines) if found),
    }


@contextlib.contextmanager
def daemon_traced(lab, calls):
    """System calls of the daemon meanwhile: a list that is filled in at the end."""
    path, lines = os.path.join(lab.tmp, "daemon"), []
    pid = lab.daemon_pid()
    strace = lab.popen(["strace", "-qq", "-o", path, "-e", "trace=" + calls, "-p", str(pid)])
    lab.wait(lambda: tracer_of(pid), 10, "strace")
    yield lines
    strace.stop()
    with open(path, encoding="utf-8", errors="replace") as f:
        lines += f.read().splitlines()


def tracer_of(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as f:
        return int(re.search(r"TracerPid:\t(\d+)", f.read())[1])


def both(lab, session):
    """A pause and a resumption, a move there and back."""
    other, own = str(lab.wired), str(lab.spare)
    lines = (("pause", session), ("resume", session), ("move", session, other), ("move", session, own))
    return [traced(lab, *words) for words in lines]


def number_of(lab, name):
    return str(lab.via("status", name, "--json", check=True).json()["id"])


@needs("root", "tool:strace")
@timeout(120)
def test_by_its_number(lab):
    held = [lab.session(lab.spare, "--name", "game"), lab.session(lab.spare), lab.session(lab.wired)]
    number = number_of(lab, "game")
    few = both(lab, number)
    held += [lab.session(lab.spare) for _ in range(12)]
    many = both(lab, number)
    assert few == many, f"the work grew with the sessions: {few}, {many}"
    for session in held:
        session.finish()


@needs("root", "tool:strace")
@timeout(120)
def test_by_its_name(lab):
    """The names stand with the ports, which are one message each: nothing else is read of the others."""
    held = [lab.session(lab.spare, "--name", "game"), lab.session(lab.spare), lab.session(lab.wired)]
    few = both(lab, "game")
    held += [lab.session(lab.spare) for _ in range(12)]
    many = both(lab, "game")
    for key in ("sent", "opened"):
        assert [n[key] for n in few] == [n[key] for n in many], f"the work grew with the sessions: {few}, {many}"
    grown = max(b["received"] - a["received"] for a, b in zip(few, many)) / 12
    assert grown < 2500, f"{grown} bytes a session: {few}, {many}"
    for session in held:
        session.finish()


@needs("root", "tool:strace")
def test_sysctls_by_their_directory(lab):
    """From /proc on, the kernel compares with the directories of every netns. A new netns is the first
    that it compares with, so what a launch sets inside costs no more."""
    held = [lab.session(lab.spare), lab.session(lab.spare)]
    with daemon_traced(lab, "openat,setns,unshare") as lines:
        lab.via(lab.spare, "--", "true", check=True)
    inside, opened = False, []
    for line in lines:
        inside = (inside or "unshare(" in line) and "setns(" not in line
        if not inside and "/conf/" in line:
            opened.append(line)
    assert opened and not [line for line in opened if "/proc/sys/" in line], opened
    for session in held:
        session.finish()


CHURN = """
ip link add cni0 type veth peer name cni1
ip link set cni0 up
ip link set cni1 up
ip addr add 172.17.0.1/16 dev cni0
ip route add 198.51.100.0/24 dev {wired} mtu 1400
ip route replace 203.0.113.0/24 via {wired.gateway} dev {wired}
ip route add 100.64.0.0/10 dev cni0 table 500
ip link set cni1 down
ip link del cni0
ip route del 203.0.113.0/24
"""


@needs("root", "tool:strace")
@timeout(120)
def test_beside_containers_of_others(lab):
    """Devices that come and go, another card's routes: a launch beside a session dumps nothing. One by
    that card observes them."""
    held = lab.session(lab.spare)
    lab.via(lab.spare, "--", "true", check=True)  # from now on all is settled
    for _ in range(3):
        lab.run(CHURN.format(wired=lab.wired), check=True)
        with daemon_traced(lab, "sendto") as lines:
            lab.via(lab.spare, "--", "true", check=True)
        assert [line for line in lines if "RTM_NEWLINK" in line], lines
        assert not [line for line in lines if "RTM_GETROUTE" in line or "RTM_GETADDR" in line], lines
        lab.run("ip route del 198.51.100.0/24", check=True)
    lab.run(CHURN.format(wired=lab.wired), check=True)
    other = lab.session(lab.wired)
    routes = [lab.ip(f"route show table {22016 + slot}") for slot in (1, 2)]
    assert ["198.51.100.0/24" in text for text in routes].count(True) == 1, routes
    lab.via("doctor", check=True)
    other.finish()
    held.finish()


@needs("root", "tool:strace")
def test_launch_of_what_no_policy_names(lab):
    """Each file of the app policy is opened once, and nothing of it is parsed, for which memory would be
    asked."""
    held, path = lab.session(), os.path.join(lab.tmp, "launch")
    names = [name for name in os.listdir(os.path.join(ROOT, "policies", "apps")) if name.endswith(".conf")]
    ship_apps(names)
    words = ["strace", "-qq", "-o", path, "-e", "trace=openat,mmap,mremap", program("via-iface"), str(lab.spare), "--", "true"]
    lab.run(words, env=unchecked(lab), check=True)
    with open(path, encoding="utf-8", errors="replace") as f:
        before_enter = f.read().partition("proc/self/fd")[0]
    assert before_enter.count('.conf"') == len(names) == 7, before_enter
    assert "MAP_ANONYMOUS" not in before_enter or lab.sanitized > 1, before_enter
    held.finish()


@needs("root", "tool:strace")
def test_list(lab):
    """What each session has on the bridge, and the sysctl of its port, are nothing that is shown; nor are the
    mounts in it, where its own resolv.conf is seen."""
    held = [lab.session(lab.spare, "--name", "game"), lab.session(lab.wired)]
    path = os.path.join(lab.tmp, "list")
    words = ["strace", "-f", "-qq", "-s", "0", "-o", path, "-e", "trace=sendto,openat", program("via-iface"), "list"]
    text = lab.run(words, env=unchecked(lab), check=True).out
    assert [line.split()[:4] for line in text.splitlines()][1][::2] == ["game", str(lab.spare)], text
    with open(path, encoding="utf-8", errors="replace") as f:
        lines = [line for line in f if "AF_BRIDGE" in line or "conf/viap" in line or "/mountinfo" in line]
    assert not lines, lines
    for session in held:
        session.finish()


@needs("root")
def test_as_it_was(lab):
    """What is found so is what the whole observation finds: other users' sessions, and none."""
    held = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    number = number_of(lab, "game")
    lab.via("pause", number, "game", check=True)
    assert lab.via("status", "game", "--json").json()["state"] == "paused"
    lab.via("resume", number, check=True)
    lab.via("move", number, str(lab.wired), check=True)
    seen = lab.via("status", "game", "--json").json()
    assert (seen["uplink"], seen["uplinks"]) == (str(lab.wired), [str(lab.wired), str(lab.spare)]), seen
    wrong = lab.via("move", number, "nosuch0")
    assert wrong.code and "nosuch0" in wrong.err, wrong
    for words in (("pause", "999"), ("pause", number, "999"), ("move", "999", str(lab.wired))):
        refused = lab.via(*words)
        assert refused.code == 125 and "find session '999': there is none of that name or id" in refused.err, refused
    swapped = lab.via("move", str(lab.wired), number)
    assert f"via-iface move {number} {lab.wired}" in swapped.err, swapped
    assert lab.via("status", "game", "--json").json()["state"] == "up"
    held.finish()
