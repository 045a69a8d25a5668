"""The log answers when traffic changed card, and why: to each user of their own sessions, and to
root of all; also after the daemon has gone, and in the journal with a field for each value."""

import contextlib
import json
import os
import pwd
import signal
import socket
import time

import hostile
from hostile import Actor
from lab import needs, program, timeout
from test_leaves_by_its_uplink import give_back, lose
from test_who_may import USERS, Site


def entries(lab, *words, **more):
    out = lab.via("log", "--json", *words, check=True, **more).out
    return [json.loads(line) for line in out.splitlines()]


class Script:
    """Does things, one after the other, and notes what the log is to say of each."""

    def __init__(self, lab):
        self.lab, self.wanted = lab, []

    def expect(self, event, session="", uplink=None, before=None, reason=None):
        """Waits for it, as the next entry."""
        self.wanted.append((event, session, uplink, before, reason))
        n = len(self.wanted)
        self.lab.wait(lambda: len(entries(self.lab)) >= n, 9, f"entry {n}, {event}: {entries(self.lab)}")

    def compare(self, found):
        assert len(found) == len(self.wanted), found
        for got, (event, session, uplink, before, reason) in zip(found, self.wanted):
            assert (got["event"], got["session"]) == (event, session), (got, event)
            for key, value in (("uplink", uplink), ("from", before)):
                assert value is None or got[key] == str(value), (key, value, got)
            assert reason is None or reason in got["reason"], (reason, got)


@timeout(90)
def test_twenty_events(lab):
    """Each with its reason and in order: whatever moves traffic, or stops it."""
    s, spare, wired = Script(lab), str(lab.spare), str(lab.wired)
    a = lab.session(f"{spare},{wired}", "--name", "both")
    s.expect("started", "both", spare)
    b = lab.session(spare, "--name", "one")
    s.expect("started", "one", spare)
    for how, reason in (("carrier", "carrier"), ("address", "address")):
        lose(lab, how)
        lab.wait(lambda: lab.via("list", "--json").json()[0]["uplink"] == wired, 5, "the failover")
        s.wanted.append(("failover", "both", wired, spare, reason))
        s.expect("blocked", "one", spare, None, reason)
        give_back(lab, how)
        s.expect("unblocked", "one", spare)
        s.expect("returned", "both", spare, wired, "usable again")
    lab.via("move", "one", wired, check=True)
    s.expect("moved", "one", wired, spare)
    lab.via("move", "one", f"{wired},{spare}", check=True)
    s.expect("moved", "one", wired, "")
    lab.via("pause", "both", check=True)
    s.expect("paused", "both")
    lab.via("resume", "both", check=True)
    s.expect("resumed", "both", spare)
    assert lab.via("move", "both", "nosuch0", "--only").code
    s.expect("refused", "both", None, None, "nosuch0")
    lab.ip("rule del priority 5180")
    s.expect("healed", "", None, None, "rule")
    lab.ip(f"link set {spare} name wlan7")
    s.expect("renamed", "both", "wlan7", spare)
    lab.run("ip netns add box", check=True)
    lab.via("attach", "wlan7", "--netns", "box", check=True)
    s.expect("attached", "box", "wlan7")
    lab.run(f"ip netns exec box ping -c 3 -i 0.1 {lab.server}", check=True)
    sent = next(s["tx_bytes"] for s in lab.via("list", "--json").json() if s["name"] == "box")
    assert sent > 200, sent
    lab.via("detach", "box", check=True)
    s.expect("detached", "box")
    detached = next(e for e in entries(lab) if e["event"] == "detached")
    assert detached["tx_bytes"] == sent and detached["rx_bytes"] is not None, (sent, detached)
    a.write("x" * 3000)
    a.finish()
    s.expect("ended", "both")
    b.finish()
    s.expect("ended", "one")
    found = entries(lab)
    s.compare(found)
    assert len(found) >= 20
    assert [e["time"] for e in found] == sorted(e["time"] for e in found)
    start, end = found[0], [e for e in found if e["event"] == "ended"][0]
    assert start["program"] == "sh" and start["uplinks"] == f"{spare},{wired}", start
    assert start["user"] == "root" and start["uid"] == start["by"] == 0, start
    assert end["rx_bytes"] > 0 and end["id"] == start["id"] and end["since"] == start["since"], end
    lab.run("ip netns del box", check=True)
    lab.wait_gone()
    assert [e["event"] for e in entries(lab, "one")] == [
        e[0] for e in s.wanted if e[1] == "one"
    ], "root reads the file when no daemon runs"
    text = lab.via("log", "both").out
    assert f"failover from {spare} to {wired}: it has no carrier" in text, text
    assert "no event of session 'nobody' is in the log" in lab.via("log", "nobody").out
    assert "invalid --since 'x'" in lab.via("log", "--since", "x").err
    assert entries(lab, "--since", "@99999999999") == []
    assert len(entries(lab, "--since=1h")) == len(found)


def test_after_a_crash(lab):
    """A daemon that is started anew goes on with the log, and knows what runs."""
    held = lab.session(lab.spare, "--name", "kept")
    before, old = entries(lab), lab.daemon_pid()
    os.kill(old, signal.SIGKILL)
    lab.wait(lambda: lab.daemon_pid() not in (None, old), 5, "a new daemon")
    lose(lab, "carrier")
    lab.wait(lambda: entries(lab)[-1]["event"] == "blocked", 5, "the log goes on")
    held.finish()
    lab.wait(lambda: entries(lab)[-1]["event"] == "ended", 5, "the end")
    after = entries(lab)
    assert after[: len(before)] == before
    assert [e["event"] for e in after if e["session"] == "kept"] == ["started", "blocked", "ended"]


def test_follow(lab):
    """Each event as it happens, over the end of a daemon and the start of the next one."""
    watch = lab.popen([program("via-iface"), "log", "--follow", "--json"])
    for name in ("first", "second"):
        lab.via("--name", name, lab.spare, "--", "true", check=True)
        for event in ("started", "ended"):
            watch.expect(f'"event":"{event}","session":"{name}"')
        lab.wait_gone()
    watch.stop()


def test_what_the_uplink_changes_is_not_healed(lab):
    """A card that goes down takes its networks along, and the plan follows: nobody changed our rules."""
    held = lab.session(lab.spare, "--no-lan", "--name", "one")

    def events():
        return [e["event"] for e in map(json.loads, lab.via("log", "--json").out.splitlines())]

    lose(lab, "down")
    lab.wait(lambda: "blocked" in events(), 10, "it is blocked")
    give_back(lab, "down")
    lab.wait(lambda: "unblocked" in events(), 10, "it goes on")
    assert "healed" not in events(), lab.via("log").out
    held.finish()


def test_of_their_own(lab):
    """Nobody is told of another user's sessions and programs, root is of all."""
    site = Site(lab)
    site.policy("[*]\nuplinks = *\n")
    via = os.path.join(site.bin, "via-iface")
    for user in ("alice", "bob"):
        lab.run([via, "--name", f"of-{user}", str(lab.spare), "--", "/bin/true"], user=USERS[user], check=True)
    lab.run([via, "stop", "nosuch"], user=USERS["alice"])

    def seen(uid, name):
        out = lab.run([via, "log", "--json"], user=uid, check=True).out
        found = [json.loads(line) for line in out.splitlines()]
        assert not [e for e in found if e["event"] == "healed"], found
        return {e["session"] for e in found}, {e["uid"] for e in found}

    lab.wait(lambda: "of-bob" in seen(0, "root")[0], 5)
    assert seen(USERS["alice"], "alice") == ({"of-alice"}, {USERS["alice"]})
    assert seen(USERS["bob"], "bob") == ({"of-bob"}, {USERS["bob"]})
    assert seen(USERS["carol"], "carol") == (set(), set())
    assert seen(0, "root")[0] >= {"of-alice", "of-bob"}
    assert os.stat("/run/via-iface/log").st_mode & 0o777 == 0o600


class Journal:
    """What listens where systemd-journald would."""

    def __init__(self):
        os.makedirs("/run/systemd/journal", exist_ok=True)
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind("/run/systemd/journal/socket")
        self.sock.setblocking(False)

    def read(self):
        found = []
        with contextlib.suppress(BlockingIOError):
            while True:
                text = self.sock.recv(65536).decode()
                assert text.endswith("\n")
                found.append(dict(line.split("=", 1) for line in text.splitlines()))
        return found


def test_journal(lab):
    """A field for each value, and an id for each kind of event."""
    journal = Journal()
    held = lab.session(f"{lab.spare},{lab.wired}", "--name", "j")
    lose(lab, "carrier")
    found = []

    def has(event):
        found.extend(journal.read())
        return any(e["VIA_IFACE_EVENT"] == event for e in found)

    lab.wait(lambda: has("failover"), 5, "the failover")
    held.finish()
    lab.wait(lambda: has("ended"), 5, "the end")
    start, over, end = (
        next(e for e in found if e["VIA_IFACE_EVENT"] == event) for event in ("started", "failover", "ended")
    )
    assert (start["VIA_IFACE_SESSION"], start["VIA_IFACE_UID"], start["VIA_IFACE_PROGRAM"]) == ("j", "0", "sh")
    assert start["SYSLOG_IDENTIFIER"] == "via-ifaced" and start["VIA_IFACE_UPLINKS"] == f"{lab.spare},{lab.wired}"
    assert (over["VIA_IFACE_FROM"], over["VIA_IFACE_UPLINK"]) == (str(lab.spare), str(lab.wired)), over
    assert over["VIA_IFACE_REASON"] == "it has no carrier" and over["MESSAGE"].startswith("session 'j' ("), over
    assert int(end["VIA_IFACE_DURATION"]) < 60 and int(end["VIA_IFACE_RX_BYTES"]) >= 0, end
    assert len({e["MESSAGE_ID"] for e in (start, over, end)}) == 3
    assert all(len(e["MESSAGE_ID"]) == 32 for e in found)


@timeout(60)
def test_storm(lab):
    """An uplink that flaps fills no log: after some entries one stands for many, and is the last."""
    held = lab.session(lab.spare, "--name", "flaps")
    start = time.monotonic()
    for _ in range(40):
        for how in ("down", "up"):
            lab.ip(f"link set {lab.spare} {how}")
            if how == "up":
                give_back(lab, "down")
            state = "blocked" if how == "down" else "up"
            lab.wait(lambda: lab.via("list", "--json").json()[0]["state"] == state, 5)
            lab.run("sleep 0.03")  # longer than events are gathered, where nothing else has the processor
    seen = [e for e in entries(lab) if e["session"] == "flaps"]
    # one for many each ten seconds, and what may be told again meanwhile
    assert len(seen) <= 14 + 2 * (time.monotonic() - start) // 10, len(seen)

    def all_told():
        seen = entries(lab, "flaps")
        return seen[-1]["event"] == "unblocked" and sum(e["count"] for e in seen) > 40

    lab.wait(all_told, 12, "those that were held back")
    assert max(e["count"] for e in entries(lab, "flaps")) > 1
    held.finish()


def backlog(sock):
    """Whether it takes no more datagrams: the reader has so many to read."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        sender.setblocking(False)
        try:
            sender.sendto(b"<30>x", sock.getsockname())
        except BlockingIOError:
            return True
    return False


@needs("root")
@timeout(90)
def test_reader_of_the_host_s_log_is_behind(lab):
    """/dev/log is full and nobody reads it (syslog(3) would wait): launches are served, and told of."""
    log = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    log.bind(os.path.join(lab.tmp, "log"))
    while not backlog(log):
        pass
    read, write = os.pipe()
    script = 'mount -t tmpfs none /dev && mknod -m 666 /dev/null c 1 3 && ln -s "$1" /dev/log && shift && exec "$@"'
    words = ["unshare", "-m", "sh", "-c", script, "sh", log.getsockname(), program("via-ifaced")]
    daemon = lab.popen([*words, "--linger", "60", "--ready", str(write)], pass_fds=(write,))
    os.close(write)
    with open(read, "rb", buffering=0) as pipe:
        assert pipe.read(1) == b"\n", daemon.finish()
    for n in range(40):
        started = time.monotonic()
        lab.via("--name", f"n{n}", lab.spare, "--", "true", check=True)
        took = time.monotonic() - started
        assert took < 1 * lab.scale, (n, took)
    assert backlog(log)
    lab.wait(lambda: sum(e["event"] == "ended" for e in entries(lab)) == 40, 5, "the ends")
    daemon.stop()
    log.close()


@needs("root")
def test_kept_answers_take_no_memory(lab):
    """Somebody asks a hundred times and keeps what they get: the daemon, whose memory it is, takes
    back all but the last. Who reads what they get gets it all, also meanwhile."""
    lab.session(lab.spare, "--name", "mine", "--user", "nobody")
    with Actor(pwd.getpwnam("nobody").pw_uid) as actor:
        actor.start(hostile.keep_logs, 100)
        readers = [lab.popen([program("via-iface"), "log", "--json"], user="nobody") for _ in range(8)]
        for reader in readers:
            done = reader.finish()
            assert done.code == 0 and '"session":"mine"' in done.out, done
        sizes = actor.wait()
        assert len(sizes) == 100, len(sizes)
        assert sum(s > 0 for s in sizes) <= 4, sizes
