"""`--join SESSION`: the program runs in the caller's session of that name, and in a new one where
there is none. Of launches at the same time one makes the session, and the others join it."""

import os
import re

from lab import needs, params, topology
from test_leaves_by_its_uplink import give_back, lose

SHOW = 'readlink /proc/self/ns/net; head -1 /etc/resolv.conf; ls /sys/class/net; echo "$$ $WORD"'


def sessions(lab, name):
    return [s for s in lab.via("list", "--json", check=True).json() if s["name"] == name]


def netns_of(process):
    return os.readlink(f"/proc/{process.pid}/ns/net")


def test_made_when_it_is_not_there(lab):
    """Without such a session it is a run that names it; nothing is left afterwards."""
    before = lab.snapshot()
    assert lab.via("--join", "game", lab.spare, "--", "curl", "-s", lab.url, check=True).out.strip()
    lab.wait_gone()
    held = lab.via_popen("--join", "game", lab.spare, "--", "sh", "-c", "echo ready; cat")
    held.expect("ready\n")
    assert [s["name"] for s in sessions(lab, "game")] == ["game"]
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_joined_when_it_is_there(lab):
    """As exec: in place, with the caller's environment, and the session's files and exit status."""
    held = lab.session(lab.spare, "--name", "game")
    joined = lab.via_popen(
        "--join", "game", lab.spare, "--", "sh", "-c", f"{SHOW}; exit 7", env={"WORD": "kept"}
    )
    done = joined.finish()
    lines = done.out.splitlines()
    assert (done.code, done.err) == (7, ""), done
    assert lines[0] == netns_of(held) and lines[1].startswith("# of this session"), done
    assert lines[2:] == ["eth0", "lo", f"{joined.pid} kept"], done
    address = lab.via("--join=game", lab.spare, "--", "curl", "-s", lab.url, check=True)
    assert address.out.strip() == lab.spare.addr, address
    assert len(lab.via("list", "--json").json()) == 1
    held.finish()
    lab.wait_gone()


@params(**{"2": 2, "8": 8})
def test_at_once(lab, number):
    """All are in one session, whichever of them made it, and no launch fails."""
    command = ["--join", "game", lab.spare, "--", "sh", "-c", "echo ready; cat"]
    for _ in range(3):
        processes = [lab.via_popen(*command) for _ in range(number)]
        for process in processes:
            process.expect("ready\n", 30)
        assert len({netns_of(process) for process in processes}) == 1
        assert len(lab.via("list", "--json").json()) == 1
        for process in processes:
            assert process.finish().code == 0
        # the next ones meet a session that is closing


def test_follows_moves(lab):
    """A session that was moved is joined where it is; the line says so, but not with --quiet."""
    held = lab.session(lab.spare, "--name", "game")
    lab.via("move", "game", lab.wired, check=True)
    done = lab.via("--join", "game", lab.spare, "--", "curl", "-s", lab.url, check=True)
    assert done.out.strip() == lab.wired.addr, done
    said = f"via-iface: session 'game' is there, and its uplinks stay '{lab.wired}'\n"
    assert done.err == said, done
    assert lab.via("-q", "--join", "game", lab.spare, "--", "true", check=True).err == ""
    held.finish()


def test_blocked(lab):
    """Without its uplink the session is joined all the same, and nothing leaves elsewhere."""
    held = lab.session(lab.spare, "--name", "game")
    lab.ip(f"link set {lab.spare} down")
    done = lab.via("--join", "game", lab.spare, "--", "sh", "-c", SHOW, check=True)
    assert done.out.splitlines()[0] == netns_of(held), done
    held.finish()


REFUSED = {
    "no-lan": (["--no-lan"], "it runs without this --no-lan"),
    "ipv6": (["--ipv6=off"], "it runs without this --ipv6=off"),
    "dns": (["--dns=9.9.9.9"], "it runs without this --dns"),
    "mtu": (["--mtu=1300"], "it runs without this --mtu"),
    "host-access": (["--host-access"], "it runs without this --host-access"),
}


@params(**REFUSED)
def test_other_options(lab, case):
    """A program is not less restricted than its command line says."""
    options, reason = case
    held = lab.session(lab.spare, "--name", "game")
    done = lab.via("--join", "game", *options, lab.spare, "--", "true")
    assert done.code == 125 and reason in done.err, done
    held.finish()


def test_with_host_access(lab):
    held = lab.session(lab.spare, "--name", "game", "--host-access")
    done = lab.via("--join", "game", lab.spare, "--", "true")
    assert done.code == 125 and "it has --host-access" in done.err, done
    lab.via("--join", "game", "--host-access", lab.spare, "--", "true", check=True)
    held.finish()


def test_with_a_group(lab):
    """A session of a group is not joined unasked; what the refusal proposes works, pasted."""
    held = lab.session(lab.spare, "--name", "a", "--share", "friends")
    done = lab.via("--join", "a", lab.spare, "--", "true")
    assert done.code == 125 and "it has --share, which was not asked for" in done.err, done
    proposed = re.search(r"give (--share \w+),", done.err).group(1).split()
    assert lab.via(*proposed, "--join", "a", lab.spare, "--", "true").code == 0, proposed
    held.finish()


@needs("root")
def test_of_others(lab):
    """Another user's session of that name is not joined, nor by root, unless it is as that user."""
    held = lab.session(lab.spare, "--name", "game", "--user", "nobody")
    done = lab.via("--join", "game", lab.spare, "--", "true")
    assert done.code == 125 and "there is one of that name" in done.err, done
    as_them = ("--join", "game", "--user", "nobody", lab.spare, "--", "readlink", "/proc/self/ns/net")
    assert lab.via(*as_them, check=True).out.strip() == netns_of(held)
    assert len(lab.via("list", "--json").json()) == 1
    held.finish()


NAMES = {
    "empty": "",
    "number": "12",
    "newline": "a\nb",
    "long": "x" * 33,
    "long64": "x" * 64,
    "dash": "-x",
    "path": "../x",
    "blank": "a b",
}


@params(**NAMES)
def test_names(lab, name):
    done = lab.via(f"--join={name}", lab.spare, "--", "true")
    assert done.code == 125 and "invalid --join" in done.err, done
    assert lab.via("list", "--json").json() == []


def test_not_with(lab):
    for options, reason in (
        (["--name", "x"], "either --join or --name"),
        (["--probe", "192.0.2.1"], "invalid option '--probe'"),
    ):
        words = ["--join", "game", *options, f"{lab.spare},{lab.wired}", "--", "true"]
        done = lab.via(*words)
        assert done.code == 125 and reason in done.err, done


@topology("split", "same")
def test_only_by_its_uplink(lab):
    """Who makes the session and who joins it, with the uplink, without it and after its return: no packet
    and no question for a name leaves by the other card."""
    wired = lab.capture_wired()
    asks = f"getent ahosts who.test; curl -s --max-time 3 {lab.url}"
    held = lab.via_popen("--join", "game", lab.spare, "--", "sh", "-c", f"{asks}; echo ready; cat")
    assert lab.spare.addr in held.expect("ready\n", 20)
    for gone in (False, True, False):
        if gone:
            lose(lab, "carrier")
            lab.wait(lambda: sessions(lab, "game")[0]["state"] == "blocked", 10, "the uplink's loss")
        done = lab.via("--join", "game", lab.spare, "--", "sh", "-c", asks)
        assert (lab.spare.addr in done.out) != gone, done
        if gone:
            give_back(lab, "carrier")
            lab.wait(lambda: sessions(lab, "game")[0]["state"] == "up", 10, "the uplink's return")
    held.finish()
    leaks = [f for f in wired.leaks() if f.eth != "arp"]
    assert not leaks, leaks[:9]
    assert not [line for line in lab.dns_log() if line[0] == "wired"]
