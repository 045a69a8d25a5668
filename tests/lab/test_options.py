"""The options of a run."""

import json
import os

from lab import needs, params


def test_name(lab):
    """One that is given is taken as it is or refused; a default name is numbered."""
    one = lab.session(lab.spare, "--name", "game")
    for words in (("--name=game", lab.spare, "--", "echo", "it ran"), ("plan", "--name", "game", lab.spare)):
        done = lab.via(*words)
        assert done.code == 125 and not done.out, done
        assert "name the session 'game': there is one of that name; give another --name, or none" in done.err, done
    two, three = lab.session(lab.spare), lab.session(lab.spare)
    names = [s["name"] for s in lab.via("list", "--json").json()]
    assert names == ["game", "sh", "sh-2"], names
    for held in (one, two, three):
        held.finish()


def closing(lab, *options):
    """A session that has ended but for a connection that cannot be closed."""
    code = f"import socket; s = socket.create_connection(('{lab.server}', 80)); s.sendall(b'x' * 9); print('up', flush=True); input()"
    first = lab.via_popen("--name", "game", *options, lab.spare, "--", "/usr/bin/python3", "-c", code)
    first.expect("up")
    lab.nft(  # so that its connection cannot be closed
        "table inet stop { chain f { type filter hook forward priority 0; drop; }; }", ns=lab.spare.router)
    first.finish()
    lab.wait(lambda: [s["state"] for s in lab.via("list", "--json").json()] == ["closing"], 5, "a closing session")


def test_name_of_a_closing_session(lab):
    """What is left of the user's own session is no namesake: a script may start the next one at once."""
    closing(lab)
    second = lab.session(lab.spare, "--name", "game")
    assert [(s["name"], s["state"]) for s in lab.via("list", "--json").json()] == [("game", "closing"), ("game", "up")]
    lab.via("stop", "game", check=True)  # the one that runs
    assert second.finish().code < 0
    assert [(s["name"], s["state"]) for s in lab.via("list", "--json").json()] == [("game", "closing")]
    lab.via("stop", "game", check=True)


@needs("root")
def test_name_of_a_service_that_was_restarted(lab):
    """Of several sessions of that name, as of a service's user after restarts, root means the newest."""
    who = ("--user", "nobody")
    closing(lab, *who)
    held = [lab.session(lab.spare, "--name", "game", *who)]
    sessions = lab.via("list", "--json").json()
    assert [s["name"] for s in sessions] == ["game", "game"], sessions
    for verb, states in (("pause", ["closing", "paused"]), ("resume", ["closing", "up"])):
        lab.via(verb, "game", check=True)
        assert [s["state"] for s in lab.via("list", "--json").json()] == states
    inside = lab.via("exec", "game", "--", "readlink", "/proc/self/ns/net", check=True)
    assert inside.out.strip() == os.readlink(f"/proc/{held[0].pid}/ns/net"), inside
    lab.via("stop", "game", check=True)
    assert held[0].finish().code < 0
    lab.via("stop", "game", check=True)


@params("--na", "--ipv", "--host", "--verb", "--na=x")
def test_no_abbreviations(lab, word):
    """What a script says today must not mean something else tomorrow."""
    result = lab.via(word, "x", lab.spare, "--", "echo", "it ran")
    assert result.code == 125 and "unknown option" in result.err and not result.out, result


def test_mtu(lab):
    seen = lab.via("--mtu", "1400", lab.spare, "--", "ip", "-j", "link", "show", "dev", "eth0", check=True)
    assert seen.json()[0]["mtu"] == 1400, seen
    assert "1280 to 65535" in lab.via("--mtu", "1279", lab.spare, "--", "true").err
    low = lab.via("--ipv6=off", "--mtu", "600", lab.spare, "--", "ip", "-j", "link", "show", "dev", "eth0", check=True)
    assert low.json()[0]["mtu"] == 600, low


def test_ipv6_off(lab):
    seen = lab.via("--ipv6=off", lab.spare, "--", "ip", "-6", "address", "show", "dev", "eth0", check=True)
    assert seen.out == "", seen
    result = lab.via("--ipv6=off", lab.spare, "--", "curl", "-sg", lab.url6)
    assert result.code != 0, result
    assert lab.via("--ipv6=off", lab.spare, "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr


def test_no_lan(lab):
    """The internet yes, the uplink's own network and the other one no, in both families."""
    before = lab.snapshot()
    held = lab.session(lab.spare, "--no-lan")
    for address in (lab.spare.gateway, lab.wired.gateway):
        free = lab.via(lab.spare, "--", "ping", "-c1", "-W2", lab.spare.gateway)
        assert free.code == 0, free
        refused = lab.via("--no-lan", lab.spare, "--", "ping", "-c1", "-W2", address)
        assert refused.code == 1 and "rohibited" in refused.out + refused.err or "iltered" in refused.out, refused
    assert lab.via("--no-lan", lab.spare, "--", "curl", "-s", lab.url, check=True).out.strip() == lab.spare.addr
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_verbose(lab):
    result = lab.via("-v", "--name", "game", lab.spare, "--", "true")
    assert result.code == 0 and "session 'game' through wlp6s0" in result.err, result
    assert lab.via("-q", lab.spare, "--", "true").err == ""


@needs("root")
def test_user(lab):
    script = 'id -u; id -g; id -G; echo $HOME $USER $LOGNAME; grep -E "^Cap(Eff|Prm)" /proc/self/status'
    result = lab.via("--user", "nobody", lab.spare, "--", "sh", "-c", script)
    lines = result.out.split("\n")
    assert result.code == 0 and lines[:3] == ["65534", "65534", "65534"], result
    assert lines[3] == "/nonexistent nobody nobody", result
    assert all(set(line.split()[1]) == {"0"} for line in lines[4:6]), result
    held = lab.session(lab.spare, "--user", "nobody")
    row = lab.via("list", "--json").json()[0]
    assert (row["uid"], row["user"]) == (65534, "nobody"), row
    held.finish()
    missing = lab.via("--user", "nosuchuser", lab.spare, "--", "true")
    assert missing.code == 125 and "there is no such user" in missing.err, missing
    plain = lab.via("--user", "root", lab.spare, "--", "true", user=1000)
    assert plain.code == 125 and "only root may" in plain.err, plain


@needs("root")
def test_keep(lab):
    """The netns outlives its programs under its name, and goes with `ip netns del`."""
    before = lab.snapshot()
    lab.via("--keep", "--name", "box", lab.spare, "--", "true", check=True)
    assert os.path.exists("/run/netns/box")
    row = lab.via("list", "--json").json()[0]
    assert (row["name"], row["state"], row["pids"]) == ("box", "up", []), row
    seen = lab.run(["ip", "netns", "exec", "box", "curl", "-s", lab.url], check=True)
    assert seen.out.strip() == lab.spare.addr, seen
    again = lab.via("--keep", "--name", "box", lab.spare, "--", "true")
    assert again.code == 125 and "there is one of that name" in again.err, again
    assert not os.path.exists("/run/netns/box-2")
    lab.run("ip netns del box", check=True)
    lab.wait_gone()
    lab.assert_same(before)


def test_blocked_is_told(lab):
    held = lab.session()
    lab.run(f"ip link set dev {lab.spare} down", check=True)
    row = lab.via("list", "--json").json()[0]
    assert (row["state"], row["reason"]) == ("blocked", "it is down"), json.dumps(row)
    held.finish()
