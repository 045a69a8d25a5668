"""Other ways out: `move`, `pause`, and the next of the list when one fails. A session asks without
end meanwhile, both families, and nothing of it leaves by a card that it must not use."""

import contextlib
import os
import signal
import socket
import statistics

from faults import Wire, nothing_left, plug, rename
from flow import PROMPT, STREAMS, Flow, state, until_same
from lab import needs, params, timed, timeout, topology
from test_leaves_by_its_uplink import give_back, lose
from wire import Sender

# --- another way out ----------------------------------------------------------------------------

ECHO = "import socket\nt = socket.create_connection(('203.0.113.1', 7)); t.settimeout(2)"
TALK = "t.send(b'on'); print(t.recv(9).decode())"


class HostConnection:
    """A connection of the host itself, which nothing may disturb."""

    def __init__(self, lab):
        self.sock = socket.create_connection((lab.server, 7), 2)

    def works(self):
        self.sock.sendall(b"host")
        return self.sock.recv(9) == b"host"


def move(lab, flow, uplinks):
    """Returns when it was asked for and when it was answered."""
    start = flow.started()
    lab.via("move", flow.name, uplinks, check=True)
    return start, flow.started()


@topology("split", "same")
def test_move(lab):
    """New connections and datagrams leave by the other card at once; an old connection ends with a
    reset; address, namespace and name stay; nobody else notices. And back."""
    flow, other, wired = Flow(lab), Flow(lab, token="OTHER"), Flow(lab, lab.wired, token="WIRED")
    host = HostConnection(lab)
    before, download = flow.listed(), None
    for target in (lab.wired, lab.spare):
        loader = Loader(lab, target) if target is lab.spare else None
        download = loader
        start, answered = move(lab, flow, target)
        eyes = lab.capture(*(lab.spare if target is lab.wired else lab.wired).far, token="BEACON")
        eyes.spare = set()  # others may use its addresses
        names = (target.addr, target.addr6)
        flow.flows(answered, seen=names)
        stray = {a.seen for a in flow.since(answered + 0.005, *PROMPT)} - set(names)
        assert not stray, f"asked after the move, answered as {stray}"
        if target is lab.wired:
            for kind in STREAMS:
                lab.wait(lambda k=kind: flow.over(k), 2, f"the end of {kind}")
                assert flow.over(kind) == "ECONNRESET", flow.over(kind)
                ended = [a for a in flow.answers if a.kind == kind][-1]
                assert ended.t - answered < 1 * lab.scale, ended.t - answered
        after = flow.listed()
        for key in ("name", "id", "netns", "address", "address6", "ifname", "pids", "since"):
            assert after[key] == before[key], (key, before[key], after[key])
        assert (after["uplink"], after["uplinks"]) == (target.dev, [target.dev]), after
        mine = [f for f in eyes.stop() if f.dir == "in" and b"BEACON" in f.raw]
        assert not mine, f"{len(mine)} by the old card:\n" + "\n".join(map(str, mine[:9]))
    assert download is None or download.reset(), "a download does not hang"
    assert [f.over(k) for f in (other, wired) for k in STREAMS] == [None] * 4
    assert host.works() and lab.curl() == lab.wired.addr
    for one, uplink in ((other, lab.spare), (wired, lab.wired)):
        one.flows(one.started(), kinds=STREAMS)
        assert {a.seen for a in one.since(start, *PROMPT)} == {uplink.addr, uplink.addr6}


class Loader:
    """A session of its own with a download that the far side alone keeps going; moved too."""

    def __init__(self, lab, target):
        code = (
            "import socket, time\n"
            f"d = socket.create_connection(('{lab.server}', 80), 5)\n"
            "d.sendall(b'GET /slow/30 HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n')\n"
            "print('loading', flush=True); got = 0\n"
            "try:\n    while d.recv(9999): pass\n"
            "except OSError as error: print(type(error).__name__, flush=True)\n"
            "else: print('end', flush=True)"
        )
        words = ("--name", "loader", lab.wired, "--", "/usr/bin/python3", "-c", code)
        self.process = lab.via_popen(*words)
        self.process.expect("loading\n")
        done = lab.via("move", "loader", target)
        if done.code:  # did it end before, and how?
            with contextlib.suppress(AssertionError):
                self.process.expect("\nnothing", 1)
            assert done.code == 0, (done, self.process.out, self.process.err, self.process.popen.poll(), lab.via("list").out)

    def reset(self):
        return "ConnectionResetError" in self.process.expect("Error\n", 2)


@timed
def test_move_is_fast(lab):
    """Twenty of them: from before the command is started until an answer comes back by the other
    card, half of them within 50 ms."""
    flow, took = Flow(lab), []
    for number in range(20):
        target = (lab.wired, lab.spare)[number % 2]
        lab.yardstick.measure()
        start, _ = move(lab, flow, target)
        took.append(flow.flows(start, seen=(target.addr, target.addr6), kinds=("udp4", "udp6")))
    print(f"median {statistics.median(took) * 1000:.0f} ms, at most {max(took) * 1000:.0f} ms; yardstick {lab.yardstick.median():.1f}")
    assert statistics.median(took) < 0.05 * lab.yardstick.median(), sorted(took)
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))


def test_move_takes_names_along(lab):
    """The answers come from the name server of the uplink that the session has now."""
    held = lab.session(None, "--name", "named", script="while read x; do dig +short +tries=1 who.test; echo asked; done")
    for target in (lab.spare, lab.wired, lab.spare):
        lab.via("move", "named", target, check=True)
        held.out = b""
        held.write("\n")
        assert held.expect("asked\n").split()[0] == target.dns
    mine = [line for line in lab.dns_log() if line[3] == "who.test"]
    assert [line[0] for line in mine] == ["spare", "wired", "spare"], mine
    held.finish()


def test_move_of_a_list_to_nothing(lab):
    """The rest of a session's list does not hide a name that nothing has; one that is there and
    down becomes the first of the list."""
    def game():
        return lab.via("list", "--json", check=True).json()[0]

    held = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    done = lab.via("move", "game", "wlp6s9")
    assert done.code == 125 and done.err.rstrip().endswith("did you mean 'wlp6s0'?"), done
    assert game()["uplinks"] == [str(lab.spare), str(lab.wired)], game()
    lab.ip(f"link set {lab.wired} down")
    done = lab.via("move", "game", lab.wired, check=True)
    assert f"its list of uplinks is {lab.wired},{lab.spare}; " in done.out, done
    assert game()["uplink"] == str(lab.spare), game()
    held.finish()


REFUSED = {
    "missing": ("flow1", "wlan9", "no such interface"),
    "down": ("flow1", "enp7s0", "it is down"),
    "no_session": ("nobody", "enp7s0", "there is none"),
    "ours": ("flow1", "via0", "belongs to via-iface itself"),
    "empty": ("flow1", "", ""),
    "odd": ("flow1", "a,,b", ""),
}


@params(**REFUSED)
def test_move_refused(lab, case):
    """By 125 and one line; the session stays as it was."""
    flow = Flow(lab)
    name, uplinks, reason = case
    if "down" in reason:
        lab.ip(f"link set {lab.wired} down")
    before, listed = state(lab), flow.listed()
    done = lab.via("move", flow.name if name == "flow1" else name, uplinks)
    assert done.code == 125 and done.out == "" and reason in done.err, done
    assert len(done.err.splitlines()) == 1, done
    until_same(lab, before, 0)
    after = flow.listed()
    assert (after["uplink"], after["uplinks"]) == (listed["uplink"], listed["uplinks"])
    assert [flow.over(kind) for kind in STREAMS] == [None, None]


@needs("root")
@params("move", "pause", "resume")
def test_another_users_session(lab, verb):
    flow = Flow(lab)
    more = (lab.wired,) if verb == "move" else ()
    before = state(lab)
    done = lab.via(verb, flow.name, *more, user="nobody")
    assert done.code == 125 and "uid 0" in done.err, done
    if verb != "move":
        lab.via(verb, "--all", user="nobody", check=True)
    until_same(lab, before, 0)
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))


# What a program that has been quiet is told.
ATTEMPT = """
import errno, socket, time
def attempt(server):
    start = time.monotonic()
    family = socket.AF_INET6 if ":" in server else socket.AF_INET
    t = socket.socket(family, socket.SOCK_STREAM)
    t.settimeout(3)
    try:
        t.connect((server, 7)); word = "through"
    except socket.timeout:
        word = "silence"
    except OSError as error:
        word = errno.errorcode[error.errno]
    return f"{word} {time.monotonic() - start < 0.3}"
"""
UNREACHABLE = ("ENETUNREACH True", "EHOSTUNREACH True")


def told(session, lab):
    """What connect() says, once the session's own kernel knows that it has no carrier."""
    lab.wait(lambda: "NO-CARRIER" in session.inside("ip -o link show eth0").out, 4, "no carrier", 0.02)
    session.run(ATTEMPT)
    return session.run(f"for s in ('{lab.server}', '{lab.server6}'): print(attempt(s))").splitlines()


@topology("split", "same")
def test_pause(lab):
    """At once nothing leaves by any card, and a program is told that there is no network. Resumed,
    the same connections go on. A move meanwhile takes effect then; a daemon's death changes
    nothing."""
    flow, quiet = Flow(lab), Sender(lab, lab.spare, "--name", "quiet")
    lab.via("pause", "quiet", check=True)
    answers = told(quiet, lab)
    assert all(word in UNREACHABLE for word in answers), answers
    lab.via("pause", flow.name, check=True)
    start = flow.started()
    wired, spare = Wire(lab), lab.capture_spare(token="BEACON")
    assert flow.listed()["state"] in ("paused", "blocked")
    os.kill(lab.daemon_pid(), signal.SIGKILL)
    lab.wait(lambda: flow.started() - start > 0.5, 2)
    lab.via("list", check=True)
    assert not flow.since(start, *PROMPT), "answered while it was paused"
    wired.assert_closed(asked=False)
    mine = [f for f in spare.stop() if f.dir == "in" and b"BEACON" in f.raw]
    assert not mine, mine[:9]
    lab.via("resume", flow.name, check=True)
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))
    flow.flows(start, 10, kinds=STREAMS)
    lab.via("pause", "--all", check=True)
    lab.via("move", flow.name, lab.wired, check=True)
    start = flow.started()
    lab.wait(lambda: flow.started() - start > 0.2, 2)
    assert not flow.since(start, *PROMPT), "a move is no resume"
    lab.via("resume", "--all", check=True)
    flow.flows(flow.started(), seen=(lab.wired.addr, lab.wired.addr6))
    quiet.finish()


# --- failover -----------------------------------------------------------------------------------


def go_down(lab, u):
    lab.ip(f"link set {u.dev} down")


def come_up(lab, u):
    spare, lab.spare = lab.spare, u
    try:
        give_back(lab, "down")
    finally:
        lab.spare = spare


@timeout(90)
@topology("split", "same")
@params("down", "carrier", "route")
def test_failover(lab, how):
    """The second of the list takes over at once, and the first one again when it has been good for
    five seconds, not before. Blocked after the last one, and told so."""
    flow = Flow(lab, f"{lab.spare},{lab.wired}")
    quiet = Sender(lab, f"{lab.spare},{lab.wired}", "--name", "quiet")
    spare, wired = (lab.spare.addr, lab.spare.addr6), (lab.wired.addr, lab.wired.addr6)
    flow.flows(flow.started(), seen=spare)
    start = flow.started()
    lose(lab, how)
    over = flow.flows(start, 5, seen=wired)
    assert over < 1 * lab.scale, over
    assert flow.listed()["uplink"] == lab.wired.dev

    if how == "down":  # then there is none at all
        go_down(lab, lab.wired)
        flow.silent()
        listed = flow.listed()
        assert listed["state"] == "blocked" and listed["reason"], listed
        answers = told(quiet, lab)
        assert all(word in UNREACHABLE for word in answers), answers
        start = flow.started()
        come_up(lab, lab.wired)
        assert flow.flows(start, 5, seen=wired) < 1.5 * lab.scale

    before = flow.started()
    give_back(lab, how)
    start = flow.started()
    back = flow.flows(start, 12, seen=spare)
    assert start + back - before > 4.5 and back < 7 * lab.scale, back
    early = [a for a in flow.since(start, *PROMPT) if a.seen in spare and a.t < before + 4.5]
    assert not early, f"back after {early[0].t - start:.1f} s"
    print(f"over after {over * 1000:.0f} ms, back after {back:.2f} s")
    quiet.finish()


@params("up", "plugged", "word", "altname")
def test_a_better_one_comes(lab, how):
    """The preferred uplink was no good at launch, or not even there: taken when it is good."""
    words = {"word": f"mac:{lab.spare.mac}", "altname": "hotspot"}
    if how == "plugged":
        lose(lab, "gone")
    else:
        lose(lab, "down")
    if how == "altname":
        lab.ip(f"link property add dev {lab.spare} altname hotspot")
    flow = Flow(lab, f"{words.get(how, lab.spare)},{lab.wired}")
    flow.flows(flow.started(), seen=(lab.wired.addr, lab.wired.addr6))
    start = flow.started()
    if how == "plugged":
        plug(lab, flow)
    else:
        give_back(lab, "down")
    back = flow.flows(start, 12, seen=(lab.spare.addr, lab.spare.addr6))
    assert 4.5 < back < 7 * lab.scale, back


def test_the_last_one_comes(lab):
    """All of the list were gone; one that was never used before comes, and is taken at once."""
    go_down(lab, lab.wired)
    flow = Flow(lab, f"{lab.spare},{lab.wired}")
    lose(lab, "down")
    flow.silent()
    start = flow.started()
    come_up(lab, lab.wired)
    assert flow.flows(start, 5, seen=(lab.wired.addr, lab.wired.addr6)) < 1.5 * lab.scale


@timeout(90)
@topology("split", "same")
def test_flapping(lab):
    """Twenty times down and up in ten seconds: who has no other uplink is closed each time; who
    has one leaves once, and comes back once when it is over."""
    alone = Flow(lab, token="ALONE")
    flow = Flow(lab, f"{lab.spare},{lab.wired}")
    wire = Wire(lab, lab.capture_wired(token="ALONE"))
    wire.capture.spare = {lab.spare.addr, lab.spare.addr6}
    start = last = flow.started()
    for number in range(20):
        lose(lab, "down")
        lab.wait(lambda n=number: flow.started() - start > n * 0.5 + 0.25, 2)
        before = flow.started()
        give_back(lab, "down")
        last = flow.started()
        lab.wait(lambda n=number: flow.started() - start > n * 0.5 + 0.5, 2)
    alone.flows(last, 5)
    back = flow.flows(last, 12, seen=(lab.spare.addr, lab.spare.addr6))
    assert last + back - before > 4.5 and back < 8 * lab.scale, back
    for kind in ("udp4", "udp6"):
        seen = [a.seen for a in flow.since(start, kind)]
        changes = sum(a != b for a, b in zip(seen, seen[1:]))
        assert changes <= 2, f"{kind} changed its uplink {changes} times"
    wire.assert_closed(last + 1)


@topology("split", "same")
def test_renamed(lab):
    """Lists, slots, sysctls and what was saved of them go with the name; so does the return."""
    flow = Flow(lab, f"{lab.spare},{lab.wired}")
    before, old = state(lab), lab.spare.dev
    rename(lab, flow)
    flow.flows(flow.started(), seen=(lab.spare.addr, lab.spare.addr6))
    swapped = {part: text.replace(old, "wlan7") for part, text in before.items()}
    until_same(lab, {p: t for p, t in swapped.items() if p != "links"})
    assert [flow.over(kind) for kind in STREAMS] == [None, None]
    listed = flow.listed()
    assert (listed["uplink"], listed["uplinks"]) == ("wlan7", ["wlan7", lab.wired.dev]), listed
    flow.stop()
    nothing_left(lab)
