"""The verbs that look and control: uplinks, status, stop, exec."""

import array
import contextlib
import json
import os
import shutil
import signal
import socket
import struct
import time

import hostile
from lab import PROGRAMS, needs, params, program, timeout, topology, write_file

SOCKET = "/run/via-iface/socket"
MSG_EXEC, MSG_SUBSCRIBE, MSG_SEND = 7, 8, 3
UPLINK_KEYS = (
    "name kind state default usable reason portal addresses gateway gateway6 gateway_silent gateway6_silent dns"
    " dns_over_tls dnssec ssid altnames sessions"
)
SESSION_KEYS = (
    "name id uplink uplinks state reason uid user pids netns ifname ifindex device device_ifindex container"
    " address address6 rx_bytes tx_bytes since share host_ports limits published"
)


def uplink(lab, card, **more):
    found = [u for u in lab.via("uplinks", "--json", check=True, **more).json() if u["name"] == str(card)]
    assert len(found) == 1, found
    return found[0]


def status(lab, name, **more):
    return lab.via("status", name, "--json", check=True, **more).json()


# --- uplinks ------------------------------------------------------------------------------------


def test_uplinks(lab):
    held = lab.session(lab.spare, "--name", "game")
    one = uplink(lab, lab.spare)
    assert list(one) == UPLINK_KEYS.split(), one
    wanted = {
        "kind": "ethernet",
        "state": "up",
        "usable": True,
        "reason": "",
        "addresses": [f"{lab.spare.addr}/24", f"{lab.spare.addr6}/64"],
        "gateway": lab.spare.gateway,
        "gateway6": lab.spare.gateway6,
        "dns": [lab.spare.gateway, lab.spare.gateway6],
        "ssid": "",
        "altnames": [],
        "sessions": ["game"],
    }
    assert {k: one[k] for k in wanted} == wanted, one
    assert uplink(lab, lab.wired)["sessions"] == []
    names = [u["name"] for u in lab.via("uplinks", "--json").json()]
    assert names == [str(lab.wired), str(lab.spare)], f"ours, or lo, are listed: {names}"
    held.finish()


def test_uplinks_that_cannot_serve(lab):
    lab.run(f"ip link set dev {lab.spare} down; ip link add dum0 type veth peer name dum1", check=True)
    lab.run("ip link set dum0 up; ip link set dum1 up", check=True)
    down, bare = uplink(lab, lab.spare), uplink(lab, "dum0")
    assert (down["usable"], down["state"], down["reason"]) == (False, "down", "it is down"), down
    assert (bare["usable"], bare["state"], bare["gateway"]) == (False, "up", ""), bare
    assert bare["reason"] == "it has no address", bare
    text = lab.via("uplinks", check=True).out
    line = next(line for line in text.splitlines() if line.startswith(str(lab.spare)))
    assert line.endswith("it is down"), text
    line = next(line for line in text.splitlines() if line.startswith(str(lab.wired)))
    assert line.split()[2:4] == ["up", "yes"] and "default route" in line and lab.wired.gateway in line, text


@needs("root")
def test_everybody_may_look(lab):
    held = lab.session(lab.spare, "--name", "game")
    assert uplink(lab, lab.spare, user=65534)["sessions"] == ["game"]
    seen = status(lab, "game", user=65534)
    assert (seen["name"], seen["state"], seen["pids"]) == ("game", "up", []), seen
    text = lab.via("status", user=65534, check=True).out
    assert text.startswith("game (1): up through wlp6s0\n") and "none that you may see" in text, text
    held.finish()


@needs("root")
def test_a_user_controls_their_own(lab):
    """What a plain user may not see of the host is no failure of the verb."""
    held = lab.session(lab.spare, "--name", "game", "--user", "nobody")
    for verb in ("pause", "resume", "stop"):
        done = lab.via(verb, "game", user=65534, check=True)
        assert done.err == "" and "session 'game'" in done.out, done
    held.finish()


# --- status -------------------------------------------------------------------------------------


def test_status(lab):
    held = lab.session(f"{lab.spare},nosuch0,{lab.wired}", "--no-lan", "--name", "game", "--mtu", "1400")
    seen = status(lab, "game")
    keys = SESSION_KEYS + " dns dns_source options ways findings"
    assert list(seen) == keys.split(), seen
    assert list(lab.via("list", "--json").json()[0]) == SESSION_KEYS.split()
    assert seen["dns"] == [lab.spare.gateway, lab.spare.gateway6], seen
    assert seen["dns_source"] == "systemd-networkd", seen
    assert seen["options"] == {
        "ipv6": True, "no_lan": True, "host_access": False, "keep": False, "mtu": 1400, "dns": [],
    }, seen  # fmt: skip
    assert seen["ways"] == [
        {"word": str(lab.spare), "name": str(lab.spare), "in_use": True, "usable": True, "reason": ""},
        {"word": "nosuch0", "name": "", "in_use": False, "usable": False, "reason": "no such interface"},
        {"word": str(lab.wired), "name": str(lab.wired), "in_use": False, "usable": True, "reason": ""},
    ], seen
    assert seen["findings"] == [] and seen["pids"] == [held.pid, *seen["pids"][1:]], seen
    assert seen["netns"] == os.stat(f"/proc/{held.pid}/ns/net").st_ino, seen
    by_id = status(lab, seen["id"])
    assert by_id["name"] == "game", by_id
    assert [s["name"] for s in lab.via("status", "--json").json()] == ["game"]
    text = lab.via("status", "game", check=True).out
    for line in (
        "game (1): up through wlp6s0",
        "  uplinks    wlp6s0: in use",
        "             nosuch0: no such interface",
        "             enp7s0: stands by",
        "  options    --no-lan",
        f"  processes  {held.pid} sh",
    ):
        assert any(at.startswith(line) for at in text.splitlines()), f"{line!r} is not in\n{text}"
    held.finish()
    lab.wait(lambda: lab.via("list", "--json").json() == [], 3, "the end")
    none = lab.via("status", "game")
    assert none.code == 125 and "there is none of that name" in none.err, none


def test_states(lab):
    held = lab.session(lab.spare, "--name", "game", "--dns", "192.0.2.53")
    assert status(lab, "game")["dns"] == ["192.0.2.53"]
    lab.via("pause", "game", check=True)
    seen = status(lab, "game")
    assert (seen["state"], seen["reason"]) == ("paused", "it was paused"), seen
    assert lab.via("list", "--json").json()[0]["state"] == "paused"
    lab.via("resume", "game", check=True)
    lab.run(f"ip link set dev {lab.spare} down", check=True)
    seen = status(lab, "game")
    assert (seen["state"], seen["reason"]) == ("blocked", "it is down"), seen
    assert seen["ways"][0]["reason"] == "it is down", seen
    held.finish()


@needs("root")
def test_replaced_file(lab):
    """A program that writes a file of the host's anew takes our mount away; the session's own files say
    which are replaced, also where the one is that names the session."""
    lab.run("umount /etc/resolv.conf", check=True)  # the lab's own, which no file can take the place of
    held = lab.session(lab.spare, "--name", "game")
    for path, gone in (("/etc/nsswitch.conf", 1), ("/etc/resolv.conf", 2)):
        write_file(path + ".new", "# new\n")
        os.rename(path + ".new", path)
        found = status(lab, "game")["findings"]
        assert [(f["id"], f["severity"]) for f in found] == [("file-replaced", "info")] * gone, found
        assert path in [f["object"] for f in found], found
    assert status(lab, "game")["state"] == "up" and not lab.via("list").err
    held.finish()


@params(nscd="/run/nscd", resolved="/run/systemd/resolve")
def test_lost_mask(lab, path):
    """A service that makes its directory anew takes our mount away; status says so."""
    os.makedirs(path, exist_ok=True)
    held = lab.session(lab.spare, "--name", "game", script="while read c; do eval \"$c\"; echo done; done")
    assert status(lab, "game")["findings"] == []
    shutil.rmtree(path)
    assert status(lab, "game")["findings"] == [], "what is not there leads nowhere"
    os.makedirs(path)
    found = status(lab, "game")["findings"]
    assert [(f["id"], f["severity"], f["object"]) for f in found] == [("mask-gone", "warning", path)], found
    assert found[0]["text"] and found[0]["fix"], found
    assert found[0]["text"] in lab.via("status", "game").out
    assert found[0]["text"] in lab.via("list").err
    if path == "/run/nscd":  # the one that the mounts alone keep away
        assert found[0]["text"] in lab.via(lab.spare, "--", "true", check=True).err
        assert lab.via("-q", lab.spare, "--", "true", check=True).err == ""
    other = lab.session(lab.spare, "--name", "other")
    assert status(lab, "other")["findings"] == []
    other.finish()
    held.finish()


# --- status --follow ----------------------------------------------------------------------------


def follow(lab, *words, **more):
    return lab.via_popen("status", "--follow", "--json", *words, **more)


def events(process):
    return [json.loads(line) for line in process.out.decode().splitlines()]


def shape(found):
    return [(e["event"], e["session"], e.get("uplink"), e.get("state")) for e in found]


@params(0, 65534)
def test_follow(lab, uid):
    if uid and not lab.real_root:
        uid = 0
    first = lab.session(lab.spare, "--name", "first")
    watching = follow(lab, user=uid or None)
    watching.expect('"session":"first"')
    before = time.time()
    game = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    watching.expect('"session":"game"')
    lab.via("pause", "game", check=True)
    watching.expect('"state":"paused"')
    lab.via("resume", "game", check=True)
    watching.expect('"event":"state","time":', 2)
    lab.wait(lambda: watching._read(0) and events(watching)[-1].get("state") == "up", 3, "resumed")
    lab.via("move", "game", lab.wired, "--only", check=True)
    watching.expect('"event":"uplink"')
    lab.run(f"ip link set dev {lab.wired} down", check=True)
    watching.expect('"state":"blocked","reason":"it is down"')
    game.finish()
    watching.expect('"event":"removed"')
    found = [e for e in events(watching) if e["event"] != "healed"]
    assert shape(found) == [
        ("added", "first", "wlp6s0", "up"),
        ("added", "game", "wlp6s0", "up"),
        ("state", "game", "wlp6s0", "paused"),
        ("state", "game", "wlp6s0", "up"),
        ("uplink", "game", "enp7s0", "up"),
        ("state", "game", "enp7s0", "blocked"),
        ("removed", "game", "enp7s0", "blocked"),
    ], found
    assert all({"event", "time", "session", "id"} <= set(e) for e in found), found
    assert all(before <= e["time"] <= time.time() for e in found[1:]), found
    assert any(e["time"] % 1 for e in found), found
    first.finish()
    watching.stop()


def test_follow_one(lab):
    """It ends with its session, and says nothing of others."""
    game, other = (lab.session(lab.spare, "--name", n) for n in ("game", "other"))
    watching = follow(lab, "game")
    watching.expect("added")
    text = lab.via_popen("status", "--follow", "game")
    text.expect("game: added, up through wlp6s0\n")
    other.finish()
    game.finish()
    done = watching.finish()
    assert done.code == 0 and shape(events(watching))[1:] == [("removed", "game", "wlp6s0", "up")], done
    done = text.finish()
    assert done.code == 0 and done.out.splitlines()[1].endswith(" game: removed"), done
    missing = lab.via("status", "--follow", "game")
    assert missing.code == 125 and "there is none of that name" in missing.err, missing


def healed(process):
    return [e for e in events(process) if e["event"] == "healed"]


@params(0, 65534)
def test_follow_healed(lab, uid):
    held = lab.session()
    watching = follow(lab, user=(uid or None) if lab.real_root else None)
    watching.expect("added")
    lab.wait(lambda: subscribers(lab) == 1, 3, "a subscriber")
    lab.run("ip rule del pref 5180", check=True)
    watching.expect("healed")
    one = healed(watching)[-1]
    assert (one["session"], one["object"], one["count"]) == (None, "ip rule 5180", 1), one
    lab.nft("flush ruleset\n")
    lab.wait(lambda: watching._read(0) and len(healed(watching)) > 1, 3, "the second")
    assert healed(watching)[-1]["count"] > 20, healed(watching)
    lab.wait(lambda: "counter" not in lab.run("nft list table inet via_iface").out, 3, "our own")
    lab.nft("add rule inet via_iface postrouting counter\n")
    lab.wait(lambda: watching._read(0) and len(healed(watching)) > 2, 3, "the third")
    assert healed(watching)[-1]["object"].startswith("nft rule inet via_iface postrouting"), healed(watching)
    held.finish()
    watching.expect("removed")
    assert len(healed(watching)) == 3, "what ends is not healed"
    watching.stop()


def subscribers(lab):
    """How many connections the daemon holds open: its sockets of our path but the listening one."""
    pid = lab.daemon_pid()
    with open("/proc/net/unix") as f:
        inodes = {line.split()[6] for line in f if line.rstrip().endswith(SOCKET)}
    count = 0
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(OSError):
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
            count += target.startswith("socket:[") and target[8:-1] in inodes
    return count - 1


def test_follow_does_not_keep_the_daemon(lab):
    """Nor start one; and it is told again by the next daemon."""
    watching = follow(lab)
    for round_ in (1, 2):
        held = lab.session(lab.spare, "--name", f"round{round_}")
        watching.expect(f'"session":"round{round_}"')
        lab.wait(lambda: subscribers(lab) == 1, 3, "a subscriber")
        lab.run("ip rule del pref 5180", check=True)
        lab.wait(lambda n=round_: watching._read(0) and len(healed(watching)) == n, 3, "healed")
        held.finish()
        lab.wait_gone()
        assert watching.running()
    assert not lab.daemon_pids()
    watching.stop()


def test_follow_survives_the_daemon(lab):
    held = lab.session()
    watching = follow(lab)
    watching.expect("added")
    lab.wait(lambda: subscribers(lab) == 1, 3, "a subscriber")
    old = lab.daemon_pid()
    os.kill(old, signal.SIGKILL)
    lab.wait(lambda: lab.daemon_pid() not in (None, old) and subscribers(lab) == 1, 5, "a new daemon")
    lab.run("ip rule del pref 5180", check=True)
    watching.expect("healed")
    held.finish()
    watching.expect("removed")
    watching.stop()


def test_follow_after_lost_events(lab):
    """More events than its socket holds: it looks, and compares."""
    watching = follow(lab)
    one = lab.session(lab.spare, "--name", "one")
    watching.expect('"session":"one"')
    watching.kill(signal.SIGSTOP)
    lines = "".join(f"addr {do} 10.99.{i // 250}.{i % 250 + 1}/32 dev lo\n" for do in ("add", "del") for i in range(2000))
    lab.run(["ip", "-batch", "-"], input=lines, check=True, timeout=40)
    one.finish()
    lab.wait(lambda: "one" not in lab.via("list").out, 10, "its end")
    two = lab.session(lab.spare, "--name", "two")
    watching.kill(signal.SIGCONT)
    watching.expect('"session":"two"')
    found = [(e["event"], e["session"]) for e in events(watching) if e["event"] != "healed"]
    assert found == [("added", "one"), ("removed", "one"), ("added", "two")], found
    two.finish()
    watching.stop()


def test_follow_ends_with_its_reader(lab):
    held = lab.session()
    watching = follow(lab)
    watching.expect("added")
    watching.popen.stdout.close()
    watching._open = {}
    lab.wait(lambda: not watching.running(), 3, "its end")
    held.finish()


def test_subscribers_are_few(lab):
    """The fifth is told so, and goes on with what can be seen without the daemon."""
    held = lab.session(lab.spare, "--name", "game")
    watching = [follow(lab) for _ in range(4)]
    lab.wait(lambda: subscribers(lab) == 4, 5, "four subscribers")
    fifth = follow(lab, stdin=None, merge=True)
    fifth.expect("too many others")
    held.finish()
    fifth.expect("removed")
    for one in (*watching, fifth):
        one.stop()


def ask(lab, op, number=0, fds=()):
    """(status, text) of the daemon's answer; None when it hung up."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(10)
        sock.connect(SOCKET)
        control = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", fds))] if fds else []
        sock.send(hostile.message(op, ident=number))
        data, got, _, _ = sock.recvmsg(4096, 64)
        if data and struct.unpack_from("=I", data, 8)[0] == MSG_SEND:
            sock.sendmsg([hostile.message(op, ident=number)[:8]], control)
            data, got, _, _ = sock.recvmsg(4096, 64)
        for _, _, raw in got:
            for fd in array.array("i", raw):
                os.close(fd)
        if not data:
            return None
        return struct.unpack_from("=I", data, 8)[0], data[52:820].partition(b"\0")[0].decode()


def test_follower_that_speaks(lab):
    """A subscriber that says another word is hung up on; the daemon goes on."""
    held = lab.session()
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as sock:
        sock.settimeout(10)
        sock.connect(SOCKET)
        sock.send(hostile.message(MSG_SUBSCRIBE))
        assert sock.recv(4096), "an answer"
        sock.send(b"hello")
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(4096) == b""
    assert held.finish().code == 0


# --- stop ---------------------------------------------------------------------------------------


def in_netns(inode):
    found = []
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            with contextlib.suppress(OSError):
                if os.stat(f"/proc/{entry}/ns/net").st_ino == inode:
                    found.append(int(entry))
    return found


@params(
    plain="sleep 60",
    children="sleep 60 & sleep 60 & wait",
    daemon="(setsid sleep 60 &) ; sleep 60",
    stopped="kill -STOP $$",
    leaves_children="trap 'sleep 61 & exit 3' TERM; sleep 60 & wait",
)
def test_stop(lab, script):
    before = lab.snapshot()
    held = lab.session(lab.spare, "--name", "game", script=script)
    other = lab.session(lab.spare, "--name", "other")
    inode = status(lab, "game")["netns"]
    done = lab.via("stop", "game", check=True)
    assert done.out == "session 'game' is stopped\n" and done.err == "", done
    # a shell that has forked and not executed yet takes the TERM for itself, and forgets it
    assert done.seconds < 3 * lab.scale or "trap" in script, "by TERM"
    assert in_netns(inode) == []
    assert [s["name"] for s in lab.via("list", "--json").json()] == ["other"]
    held.finish()
    assert other.running(), "another session's programs are not touched"
    other.finish()
    lab.wait_gone()
    lab.assert_same(before)


@timeout(90)
def test_stop_stubborn(lab):
    """Who does not end within 5 s is killed."""
    held = lab.session(lab.spare, "--name", "game", script="trap '' TERM; while :; do sleep 1; done")
    inode = status(lab, "game")["netns"]
    done = lab.via("stop", "-q", "game", check=True, timeout=30)
    assert 5 <= done.seconds < 8 * lab.scale and done.out == "", done
    assert held.finish().code == -signal.SIGKILL and in_netns(inode) == []
    assert lab.via("list", "--json").json() == []


def test_stop_from_inside(lab):
    """A shell in the session may end its session, and the command ends well."""
    held = lab.session(lab.spare, "--name", "game", script=f"{program('via-iface')} stop game; echo $? >&2")
    lab.wait(lambda: lab.via("list", "--json").json() == [], 5, "the end")
    held.finish()


def test_new_session_is_not_closing(lab):
    """It is there a moment before its first process is."""
    states = set()
    for n in range(30):
        launch = lab.via_popen("--name", f"new{n}", lab.spare, "--", "cat")
        for _ in range(6):
            sessions = lab.via("list", "--json").json()
            states |= {s["state"] for s in sessions if s["name"] == f"new{n}"}  # the one before may be closing
        launch.finish()
    assert states == {"up"}, states


def test_stop_what_lingers(lab):
    """A session without programs, held by a connection or a descriptor, loses its network."""
    held = lab.session(lab.spare, "--name", "game")
    fd = os.open(f"/proc/{held.pid}/ns/net", os.O_RDONLY)
    held.finish()
    try:
        lab.wait(lambda: status(lab, "game")["state"] == "closing", 5, "it is closing")
        assert status(lab, "game")["reason"] == "its programs have ended"
        gone = lab.via("exec", "game", "--", "true")
        assert gone.code == 125 and "it is closing" in gone.err, gone
        lab.via("stop", "game", check=True)
        assert lab.via("list", "--json").json() == []
    finally:
        os.close(fd)


@needs("root")
def test_stop_of_others(lab):
    held = lab.session(lab.spare, "--name", "game")
    done = lab.via("stop", "game", user=65534)
    assert done.code == 125 and "it belongs to uid 0" in done.err, done
    assert held.running()
    held.finish()


@needs("root")
def test_stop_names_what_it_cannot_end(lab):
    """A set-id program is not its user's to end: it is named, and loses the network."""
    sleeper = os.path.join(lab.tmp, "sleeper")
    shutil.copy(shutil.which("sleep"), sleeper)
    os.chmod(sleeper, 0o4755)
    held = lab.session(lab.spare, "--name", "game", "--user", "nobody", script=f"{sleeper} 60 & cat")
    lab.wait(lambda: lab.processes("sleeper"), 3, "the set-id program")
    done = lab.via("stop", "game", user=65534)
    pid = lab.processes("sleeper")[0]
    assert done.code == 0 and f"they lose the network: sleeper ({pid})" in done.err, done
    assert lab.via("list", "--json").json() == []
    os.kill(pid, signal.SIGKILL)
    held.finish()


@needs("root")
def test_stop_kept(lab):
    before = lab.snapshot()
    lab.via("--keep", "--name", "box", lab.spare, "--", "true", check=True)
    inside = lab.via("exec", "box", "--", "curl", "-s", lab.url, check=True)
    assert inside.out.strip() == lab.spare.addr, inside
    lab.via("stop", "box", check=True)
    assert not os.path.exists("/run/netns/box")
    lab.wait_gone()
    lab.assert_same(before)


# --- exec ---------------------------------------------------------------------------------------


def test_exec(lab):
    before = lab.snapshot()
    held = lab.session(lab.spare, "--name", "game")
    script = (
        "readlink /proc/self/ns/net; head -1 /etc/resolv.conf; ls /sys/class/net; echo $$ $WORD; pwd;"
        f" curl -s {lab.url}; exit 7"
    )
    process = lab.via_popen("exec", "game", "--", "sh", "-c", script, env={"WORD": "kept"})
    done = process.finish()
    lines = done.out.splitlines()
    assert done.code == 7 and done.err == "", done
    assert lines[0] == os.readlink(f"/proc/{held.pid}/ns/net"), done
    assert lines[1].startswith("# of this session"), done
    assert lines[2:4] == ["eth0", "lo"], done
    assert lines[4:] == [f"{process.pid} kept", lab.tmp, lab.spare.addr], done
    said = lab.via("exec", "-v", status(lab, "game")["id"], "echo", "--x")
    assert (said.out, said.err) == ("--x\n", "via-iface: session 'game', port viap1\n"), said
    assert lab.via("exec", "game", "--", "nosuchprogram").code == 127
    assert lab.via("exec", "game", "--", "/etc/passwd").code == 126
    for words in (("nosuch", "true"), (), ("--json", "game", "true")):
        assert lab.via("exec", *words).code == 125, words
    inside = lab.via("exec", "game", program("via-iface"), "list", check=True)
    assert inside.out.startswith("this is inside session 'game' (1);"), inside
    shell = lab.via("exec", "game", input="readlink /proc/self/ns/net\n", env={"SHELL": "/bin/sh"})
    assert shell.out.strip() == lines[0], shell
    held.finish()
    lab.wait_gone()
    lab.assert_same(before)


def test_exec_keeps_the_session(lab):
    """The second program goes on when the first has ended, and takes no descriptor along."""
    held = lab.session(lab.spare, "--name", "game")
    second = lab.via_popen("exec", "game", "sh", "-c", "ls -l /proc/self/fd; echo ready; cat")
    listing = second.expect("ready\n")
    assert "net:[" not in listing and "via-iface" not in listing, listing
    held.finish()
    assert status(lab, "game")["pids"], "it is there"
    second.finish()
    lab.wait(lambda: lab.via("list", "--json").json() == [], 3, "the end")


def test_exec_takes_no_other_netns(lab):
    """The daemon hands back what is the session's own, and nothing else."""
    game, other = (lab.session(lab.spare, "--name", n) for n in ("game", "other"))
    number = status(lab, "game")["id"]
    with contextlib.ExitStack() as stack:
        def opened(path, flags=os.O_RDONLY):
            fd = os.open(path, flags)
            stack.callback(os.close, fd)
            return fd

        own = opened(f"/proc/{game.pid}/ns/net")
        assert ask(lab, MSG_EXEC, number, [own])[0] == 0
        for path, why in (
            (f"/proc/{other.pid}/ns/net", "of another netns"),
            ("/proc/self/ns/net", "of another netns"),
            (f"/proc/{game.pid}/ns/mnt", "is of no netns"),
            ("/etc/passwd", "no descriptor of a netns"),
        ):
            refused, text = ask(lab, MSG_EXEC, number, [opened(path)])
            assert refused == 1 and why in text, (path, text)
        assert "no descriptor of a netns" in ask(lab, MSG_EXEC, number)[1]
        assert "there is none" in ask(lab, MSG_EXEC, 4711, [own])[1]
        assert ask(lab, MSG_EXEC, number, [own, own]) is None, "two descriptors are no request"
    game.finish()
    other.finish()


@needs("root")
def test_exec_of_others(lab):
    held = lab.session(lab.spare, "--name", "game")
    done = lab.via("exec", "game", "--", "true", user=65534)
    assert done.code == 125 and "it belongs to uid 0" in done.err, done
    held.finish()


@needs("root", "tool:setcap")
@params("capability", "none")
def test_exec_as_user(lab, given):
    """A plain user enters a session of their own by the file capability; without, it says so."""
    folder = os.path.join(lab.tmp, "installed")
    os.mkdir(folder, 0o755)
    for name in PROGRAMS:
        shutil.copy(program(name), folder)
    if given == "capability":
        lab.run(["setcap", "cap_sys_admin=p", os.path.join(folder, "via-iface-enter")], check=True)
    held = lab.session(lab.spare, "--name", "game", "--user", "nobody")
    words = [os.path.join(folder, "via-iface"), "exec", "game", "--", "sh", "-c"]
    done = lab.run([*words, "id -u; grep CapEff /proc/self/status; readlink /proc/self/ns/net"], user=65534)
    if given == "capability":
        netns = os.readlink(f"/proc/{held.pid}/ns/net")
        assert done.out.split() == ["65534", "CapEff:", "0" * 16, netns], done
    else:
        assert done.code == 125 and "enter a session that runs: " in done.err, done
    held.finish()


# --- doctor -------------------------------------------------------------------------------------


def doctor(lab, *words, code=0, **more):
    """(severity, id, object) of each finding."""
    done = lab.via("doctor", *words, "--json", **more)
    assert done.code == code and done.err == "", done
    said = done.json()
    assert list(said) == ["ok", "findings"] and said["ok"] == (code == 0), said
    assert all(list(f) == ["id", "severity", "object", "text", "fix"] for f in said["findings"]), said
    return [(f["severity"], f["id"], f["object"]) for f in said["findings"]]


@topology("split", "same")
def test_doctor_finds_nothing(lab):
    """Not on a host that is well, nor beside sessions of every kind."""
    assert doctor(lab) == []
    held = [
        lab.session(lab.spare, "--no-lan"),
        lab.session(f"{lab.wired},{lab.spare}", "--host-access", "--dns", "192.0.2.53"),
        lab.session(lab.wired, "--ipv6=off", "--mtu", "1400"),
    ]
    assert doctor(lab) == []
    assert lab.via("doctor", check=True).out.startswith(f"nothing is in the way: `via-iface {lab.spare} -- ")
    assert lab.via("doctor", lab.wired, check=True).out.startswith(f"nothing is in the way: `via-iface {lab.wired} -- ")
    asked = f"{lab.wired},ssid:My Net"
    assert f"`via-iface '{asked}' -- PROGRAM`" in lab.via("doctor", asked).out, "a word for the shell"
    lab.run(f"ip link set dev {lab.spare} down", check=True)
    lab.wait(lambda: doctor_ids(lab) == {"session-blocked"}, 3, "the daemon has followed")
    for one in held:
        one.finish()


def doctor_ids(lab):
    return {f["id"] for f in lab.via("doctor", "--json").json()["findings"]}


def test_doctor_of_an_uplink(lab):
    assert doctor(lab, lab.spare) == []
    lab.set_dns(lab.spare, [])
    lab.run(f"ip route del default dev {lab.spare}; ip -6 route del default dev {lab.spare}", check=True)
    assert doctor(lab, lab.spare, code=1) == [("error", "no-uplink", str(lab.spare))]
    assert doctor(lab, f"{lab.spare},{lab.wired}") == [("warning", "uplink-unusable", str(lab.spare))]
    assert doctor(lab) == []
    text = lab.via("doctor", lab.spare).out
    assert text.startswith("error    use uplink 'wlp6s0': it has no gateway") and "ip route add" in text, text


def test_doctor_sees_foreign_objects(lab):
    """What was changed under a daemon that cannot see to it."""
    held = lab.session()
    pid = lab.daemon_pid()
    os.kill(pid, signal.SIGSTOP)
    try:
        lab.run("ip rule del pref 5180; nft add rule inet via_iface postrouting counter", check=True)
        silent = ("error", "daemon-silent", "/run/via-iface/socket")
        assert doctor(lab, code=1) == [silent, ("warning", "not-as-planned", "kernel")]
        text = lab.via("doctor").out
        assert "missing ip rule 5180" in text and "a foreign rule in nft chain inet via_iface postrouting" in text, text
    finally:
        os.kill(pid, signal.SIGCONT)
    lab.wait(lambda: doctor(lab) == [], 3, "healed")
    held.finish()


def test_doctor_foreign_bridge_and_proxy(lab):
    lab.run("ip link add via0 type bridge", check=True)
    found = doctor(lab, code=1, env={"https_proxy": "http://proxy.test:3128", "no_proxy": "localhost"})
    assert found == [("error", "foreign-bridge", "via0"), ("warning", "proxy", "environment")], found


@needs("root")
def test_doctor_for_everybody(lab):
    held = lab.session()
    assert doctor(lab, user=65534, code=1) == [
        ("error", "no-section", "nobody"),
        ("warning", "enter-no-capability", program("via-iface-enter")),
        ("info", "firewall-not-visible", "nftables"),
    ]
    assert "\n1 thing is in the way; do this first: " in lab.via("doctor", user=65534).out
    held.finish()
