"""--probe: an uplink that looks fine and leads nowhere is left for the next of the list, and taken
again when it leads somewhere."""

import os
import signal
import socket
import time

import hostile
from flow import Flow
from lab import needs, params, timeout, topology
from test_who_may import NETDEV, POLKIT, USERS, Polkit, Site
from test_verbs import SOCKET, status

MSG_RUN, MSG_PROBE, BAD = 1, 10, 1
BUSY = 2  # enum msg_status
NO_IPV6, NO_LAN, HOST_ACCESS = 1, 2, 4
PROBER = "via-iface-probe"


def targets(lab):
    return {
        "icmp": lab.server,
        "icmp6": lab.server6,
        "tcp": f"{lab.server}:80",
        "tcp6": f"[{lab.server6}]:80",
        "refused": f"{lab.server}:4711",  # nobody listens: an answer all the same
    }


def stop_forwarding(lab, u):
    """Carrier, address and route stay, its router answers: it is the way behind it that is gone."""
    lab.nft(
        "table inet stop { chain f { type filter hook forward priority 0; policy drop; }; }",
        ns=u.router,
    )


def forward_again(lab, u):
    lab.nft("delete table inet stop", ns=u.router)


def sessions(lab):
    return [s["name"] for s in lab.via("list", "--all", "--json", check=True).json()]


def ports():
    return [name for _, name in socket.if_nameindex() if name.startswith("viap")]


def probers(lab):
    """For a moment a probe that is being launched is called so, too."""
    return lab.processes(PROBER)


def until_gone(lab, seconds=1):
    """The prober has seen the end of its session, and of its own probe."""
    lab.wait(lambda: not probers(lab), seconds, "the end of the prober")


@timeout(120)
def test_leads_nowhere(lab):
    """Over to the second within about ten seconds, whatever is asked; back when the first has been good
    for five. A session for each target, all at once: what takes the time is waiting."""
    spare, wired = (lab.spare.addr, lab.spare.addr6), (lab.wired.addr, lab.wired.addr6)
    flows = {
        kind: Flow(lab, f"{lab.spare},{lab.wired}", "--probe", target, pace=10)
        for kind, target in targets(lab).items()
    }
    for flow in flows.values():
        flow.flows(flow.started(), seen=spare)
    lab.wait(lambda: len(probers(lab)) == len(flows), 5, "a prober for each")
    stop_forwarding(lab, lab.spare)
    start = Flow.started()
    over = {kind: flow.flows(start, 20, seen=wired) for kind, flow in flows.items()}
    assert max(over.values()) < 11 * lab.scale, over
    assert {flow.listed()["uplink"] for flow in flows.values()} == {lab.wired.dev}

    # as long as it leads nowhere, and longer than a word is remembered
    end = Flow.started() + 17
    lab.wait(lambda: Flow.started() > end, 20)
    for kind, flow in flows.items():
        assert flow.listed()["uplink"] == lab.wired.dev, kind
        assert not [a for a in flow.since(start) if a.seen in spare], kind

    before = Flow.started()
    forward_again(lab, lab.spare)
    start = Flow.started()
    back = {kind: flow.flows(start, 20, seen=spare) for kind, flow in flows.items()}
    print(f"over after {over}, back after {back}")
    assert start + min(back.values()) - before > 4.5 and max(back.values()) < 10 * lab.scale, back
    for flow in flows.values():
        port = flow.listed()["ifname"]
        flow.stop()
        lab.run(["ip", "link", "del", port])  # a connection may wait for what comes by the other card
    lab.wait(lambda: not [s for s in sessions(lab) if s.startswith("flow")], 10, "the sessions' end")
    until_gone(lab, 5)


@timeout(90)
def test_alone(lab):
    """It has no other way: nothing is closed, whatever the probe says."""
    flow = Flow(lab, f"mac:{lab.spare.mac}", "--probe", lab.server)  # a word that may mean several
    lab.wait(lambda: probers(lab), 2, "the prober")
    lab.nft(  # the probe's echo alone is stopped, what the session does is not
        "table inet stop { chain f { type filter hook forward priority 0;"
        " icmp type echo-request counter drop; }; }",
        ns=lab.spare.router,
    )
    start = flow.started()
    # two unanswered ones make it bad: it is so by the fourth
    lab.wait(lambda: "packets 4 " in lab.run("nft list table inet stop", ns=lab.spare.router).out, 40, "probes", 0.1)
    lab.wait(lambda: flow.started() > start + 12, 20)
    end = flow.started()
    assert flow.listed()["state"] == "up" and flow.listed()["uplink"] == lab.spare.dev
    assert flow.gap(start, end) < 1 * lab.scale
    assert {a.seen for a in flow.since(start, "udp4")} == {lab.spare.addr}


def word(lab, number, uplink, flags=BAD):
    """The bytes of a probe's result (src/ipc/msg.h)."""
    return hostile.message(MSG_PROBE, uplink, flags=flags, ident=number)


SPEAK = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(bytes.fromhex(sys.argv[2]))
data = s.recv(4096)
print(int.from_bytes(data[8:12], "little"), data[52:820].partition(b"\\0")[0].decode())
"""


def speak(lab, number, uplink, flags=BAD, user=None):
    """(status, text) of the daemon's answer to such a word."""
    words = ["/usr/bin/python3", "-c", SPEAK, SOCKET, word(lab, number, uplink, flags).hex()]
    code, _, text = lab.run(words, user=user, check=True).out.strip().partition(" ")
    return int(code), text


@needs("root")
@timeout(90)
def test_who_may_say(lab):
    """The owner and root. Nobody else, and nothing about an interface that is not in the list."""
    held = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    number = status(lab, "game")["id"]
    refused, text = speak(lab, number, lab.spare.dev, user="nobody")
    assert refused == 1 and "belongs to uid 0" in text, text
    for uplink, part in (("enp7s9", "not in its list"), ("lo", "not in its list"), ("", "no interface")):
        refused, text = speak(lab, number, uplink)
        assert refused == 1 and part in text, text
    assert speak(lab, number, lab.spare.dev, flags=2)[0] == 1
    assert "there is none" in speak(lab, 4711, lab.spare.dev)[1]
    assert status(lab, "game")["uplink"] == lab.spare.dev

    start = time.monotonic()
    assert speak(lab, number, lab.spare.dev)[0] == 0
    lab.wait(lambda: status(lab, "game")["uplink"] == lab.wired.dev, 2, "the other uplink")
    # nobody says it again: forgotten after 15 s, and then the hold
    lab.wait(lambda: status(lab, "game")["uplink"] == lab.spare.dev, 25, "the first one again", 0.1)
    seconds = time.monotonic() - start
    assert 19.5 < seconds < 22 * lab.scale, seconds
    held.finish()


def probe_sessions(lab):
    listed = lab.via("list", "--all", "--json", check=True).json()
    return [(s["id"], s["uid"]) for s in listed if s["name"].startswith("probe-game")]


def hidden(lab, uid):
    """A probe session is shown by none of these; False when there was none all the time."""
    before = probe_sessions(lab)
    shown = [lab.via(verb, *more).out for verb in ("list", "status", "uplinks") for more in ((), ("--json",))]
    if not before or probe_sessions(lab) != before:
        return False
    assert [owner for _, owner in before] == [uid], before
    for text in shown:
        assert "game" in text and "probe-game" not in text, text
    return True


@needs("root", "tool:setcap", "tool:setpriv")
@params("root", "alice")
def test_prober(lab, user):
    """It is the caller's, keeps nothing of the caller's, is no child of the program, and ends with the
    session, in the middle of a probe, too."""
    uid = USERS.get(user, 0)
    words = ("--name", "game", "--probe", lab.server, f"{lab.spare},{lab.wired}", "--", "cat")
    if uid:
        held = Site(lab).via_popen(user, *words, groups=[NETDEV])
    else:
        held = lab.via_popen(*words)
    lab.wait(lambda: probers(lab) and "game" in sessions(lab), 5, "the session and its prober")
    pid = min(probers(lab))
    assert os.stat(f"/proc/{pid}").st_uid == uid
    files = {os.readlink(f"/proc/{pid}/fd/{n}").split(":")[0] for n in os.listdir(f"/proc/{pid}/fd")}
    assert files <= {"/dev/null", "socket", "anon_inode"}, files
    assert os.readlink(f"/proc/{pid}/cwd") == "/"
    with open(f"/proc/{pid}/environ") as f:
        assert lab.tmp not in f.read()
    with open(f"/proc/{pid}/stat") as f:
        parent, _, session = f.read().rpartition(")")[2].split()[1:4]
    assert (int(parent), session) != (held.pid, str(os.getsid(held.pid)))
    with open(f"/proc/{held.pid}/task/{held.pid}/children") as f:
        assert f.read() == "", "the program has a child that it did not make"
    stop_forwarding(lab, lab.spare)
    lab.wait(lambda: hidden(lab, uid), 20, "a probe session that is there before and after three looks")
    lab.wait(lambda: status(lab, "game")["uplink"] == lab.wired.dev, 15, "the other uplink", 0.1)
    lab.wait(lambda: "probe-game" in sessions(lab), 10, "a probe that waits")
    held.finish()
    lab.wait(lambda: "game" not in sessions(lab), 5, "the end of the session")
    until_gone(lab)
    lab.wait(lambda: not ports(), 10, "the end of all sessions")


@needs(*POLKIT)
@timeout(60)
def test_polkit_is_asked_once(lab):
    """About the session, and not about each of its probes; about another run it is."""
    polkit = Polkit(lab, "yes")
    site = Site(lab)
    spare = lab.capture_spare()
    words = ("--name", "game", "--probe", f"{lab.server}:4711", f"{lab.spare},{lab.wired}", "--", "cat")
    held = site.via_popen("bob", *words)
    lab.wait(lambda: probers(lab) and "game" in sessions(lab), 5, "the session and its prober")
    start = time.monotonic()
    lab.wait(lambda: time.monotonic() - start > 6, 10)
    assert len([f for f in spare.peek() if "4711" in str(f)]) >= 2, "no probes"
    assert [c["call"] for c in polkit.calls()] == ["check"]
    site.allowed("bob")
    assert [c["call"] for c in polkit.calls()] == ["check"]
    held.finish()


@timeout(90)
def test_killed(lab):
    """Without its prober the session goes on as if there never had been one."""
    flow = Flow(lab, f"{lab.spare},{lab.wired}", "--probe", lab.server)
    lab.wait(lambda: probers(lab), 2, "the prober")
    stop_forwarding(lab, lab.spare)
    flow.flows(flow.started(), 20, seen=(lab.wired.addr, lab.wired.addr6))
    for pid in probers(lab):
        os.kill(pid, signal.SIGKILL)
    forward_again(lab, lab.spare)
    back = flow.flows(flow.started(), 40, seen=(lab.spare.addr, lab.spare.addr6))
    assert 12 < back < 22 * lab.scale, back


@topology("split", "same")
@timeout(60)
def test_by_its_uplink_alone(lab):
    """Each probe leaves by the uplink that it is about: of a session that lists the spare card alone,
    nothing is on the wired one."""
    wired, spare = lab.capture_wired(), lab.capture_spare()
    held = lab.session(f"mac:{lab.spare.mac}", "--name", "game", "--probe", f"{lab.server}:80")
    lab.wait(lambda: spare.count() > 0, 5, "a probe")
    start = time.monotonic()
    lab.wait(lambda: time.monotonic() - start > 6, 10)
    held.finish()
    assert wired.leaks() == []
    assert not [f for f in wired.stop() if lab.server in str(f)], "a probe by the wrong way"
    assert len([f for f in spare.stop() if lab.server in str(f)]) >= 2, "no probes at all"


def test_nothing_without_it(lab):
    held = lab.session(f"{lab.spare},{lab.wired}", "--name", "game")
    assert probers(lab) == [] and sessions(lab) == ["game"]
    held.finish()


def test_bad_target(lab):
    for text in ("example.org", "1.1.1.1:0", "[1.1.1.1]:80", "127.0.0.1"):
        done = lab.via("--probe", text, lab.spare, "--", "true")
        assert done.code == 125 and f"invalid --probe '{text}'" in done.err, done
        assert len(done.err.splitlines()) == 1, done


def test_launch_that_fails(lab):
    """No session, no prober."""
    done = lab.via("--probe", lab.server, "enp7s9,enp7s8", "--", "true")
    assert done.code == 125 and "enp7s9" in done.err, done
    until_gone(lab)


@needs("tool:dbus-daemon", "tool:xdg-dbus-proxy")
def test_beside_a_bus(lab):
    """Both helpers learn which session it is, and both end with it."""
    bus = lab.popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1", "--address=unix:abstract=probe-bus"]
    )
    address = bus.expect("\n").strip()
    held = lab.session(
        f"{lab.spare},{lab.wired}", "--name", "game", "--probe", lab.server,
        script='dbus-send --bus="$DBUS_SESSION_BUS_ADDRESS" --print-reply --dest=org.freedesktop.DBus'
        " / org.freedesktop.DBus.GetId && echo served; cat",
        env={"DBUS_SESSION_BUS_ADDRESS": address},
    )  # fmt: skip
    held.expect("served")
    lab.wait(lambda: probers(lab), 2, "the prober")
    assert lab.processes("via-iface-bus") and lab.processes("xdg-dbus-proxy")
    held.finish()
    lab.wait(lambda: not ports(), 10, "the end of the session")
    lab.wait(lambda: not lab.processes("xdg-dbus-proxy"), 1, "the end of the proxy")
    until_gone(lab)
    bus.kill()


# --- probe sessions: worth what their parent is worth, and no more ---

HOLD = """
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(sys.argv[1])
s.send(bytes.fromhex(sys.argv[2]))
data, fds, _, _ = socket.recv_fds(s, 4096, 1)
text = data[52:820].partition(b"\\0")[0].decode()
print(int.from_bytes(data[8:12], "little"), int.from_bytes(data[12:16], "little"), text, flush=True)
if fds:
    sys.stdin.read()  # as long as the netns is held the session is there
"""


class Probe:
    """A probe session of that parent, asked for by whoever likes and held until it is let go."""

    def __init__(self, lab, number, uplink, flags=0, user=None, name="probe-x"):
        data = hostile.message(MSG_RUN, str(uplink), name, flags=flags, ident=number)
        words = ["/usr/bin/python3", "-c", HOLD, SOCKET, data.hex()]
        if user:
            uid = str(USERS[user])
            words = ["setpriv", "--reuid", uid, "--regid", uid, "--groups", uid, "--", *words]
        self.lab = lab
        self.held = lab.popen(words)
        line = self.held.expect("\n").strip().splitlines()[-1]
        code, number, self.text = line.split(" ", 2)
        self.status, self.number = int(code), int(number)
        self.refused = self.status != 0

    def options(self):
        return status(self.lab, str(self.number))["options"]

    def gone(self):
        return self.number not in [s["id"] for s in self.lab.via("list", "--all", "--json").json()]

    def finish(self):
        self.held.finish()


def parent(site, user, *options):
    """A session of the user, without a prober, and its number."""
    lab = site.lab
    held = site.via_popen(user, "--name", "game", *options, f"{lab.spare},{lab.wired}", "--", "cat")
    lab.wait(lambda: "game" in sessions(lab), 5, "the session")
    return held, status(lab, "game")["id"]


@needs(*POLKIT)
@timeout(60)
@params("no-lan", "ipv6", "none")
def test_parent_restricts(lab, what):
    """What polkit has let pass once is the parent; a probe session has its options, whatever it asks for."""
    Polkit(lab, "yes")
    site = Site(lab)
    options = {"no-lan": ["--no-lan", "--dns=192.0.2.1"], "ipv6": ["--ipv6=off", "--mtu=1300"], "none": []}
    held, number = parent(site, "bob", *options[what])
    wanted = status(lab, "game")["options"]
    probe = Probe(lab, number, lab.wired, user="bob")
    assert not probe.refused, probe.text
    got = probe.options()
    assert got == wanted
    assert status(lab, str(probe.number))["name"] == "probe-game"
    probe.finish()
    held.finish()


@needs(*POLKIT)
@timeout(60)
def test_parents_nothing(lab):
    """One at a time, none of a probe session, none by an uplink that the list does not name, none of
    somebody else's, none while it is paused."""
    Polkit(lab, "yes")
    site = Site(lab)
    held, number = parent(site, "bob")
    for uplink, part in (("lo", "not in its list"), ("wifi", "not in its list"), ("a,b", "not in its list")):
        refused = Probe(lab, number, uplink, user="bob")
        assert refused.refused and part in refused.text, refused.text
    other = Probe(lab, number, lab.spare, user="alice")
    assert other.refused and f"belongs to uid {USERS['bob']}" in other.text, other.text
    assert "there is none" in Probe(lab, 4711, lab.spare, user="bob").text

    probe = Probe(lab, number, lab.spare, user="bob")
    assert not probe.refused, probe.text
    child = Probe(lab, probe.number, lab.spare, user="bob")
    assert child.refused and "a probe session itself" in child.text, child.text
    second = Probe(lab, number, lab.wired, user="bob")
    assert second.status == BUSY, second.text
    lab.wait(probe.gone, 5, "the end of the one before, though somebody holds its netns")
    probe.finish()
    again = Probe(lab, number, lab.wired, user="bob")
    assert not again.refused, again.text
    site.via("bob", "pause", "game", check=True)
    lab.wait(again.gone, 5, "the end of a probe session whose parent is paused")
    paused = Probe(lab, number, lab.wired, user="bob")
    assert paused.refused and "paused" in paused.text, paused.text
    again.finish()
    held.finish()


@needs(*POLKIT)
@timeout(60)
@params("ends", "moves")
def test_parent_leaves(lab, how):
    """A probe session is no session to stay in: it goes with its parent, and with its place in the list."""
    Polkit(lab, "yes")
    site = Site(lab)
    held, number = parent(site, "bob")
    probe = Probe(lab, number, lab.spare, user="bob")
    assert not probe.refused, probe.text
    if how == "ends":
        held.finish()
    else:
        site.via("bob", "move", "game", lab.wired, "--only", check=True)
    lab.wait(probe.gone, 5, "the end of the probe session")
    probe.finish()
    if how == "moves":
        held.finish()
    lab.wait(lambda: not ports(), 5, "the end of all sessions")


@needs(*POLKIT)
@timeout(60)
@params("made", "moved")
def test_chosen_by_root(lab, how):
    """root gave that user an uplink which neither policy nor polkit would: it is no parent for them."""
    polkit = Polkit(lab, "yes" if how == "moved" else "no")
    site = Site(lab)
    if how == "made":
        held = lab.popen([f"{site.bin}/via-iface", "--user", "bob", "--name", "game", str(lab.spare), "--", "cat"])
        lab.wait(lambda: "game" in sessions(lab), 5, "the session")
        number = status(lab, "game")["id"]
    else:
        held, number = parent(site, "bob")
        polkit.tell("no")
        lab.via("move", "game", lab.wired, check=True)
    before = status(lab, "game")
    assert before["uid"] == USERS["bob"]
    uplink = before["uplink"]
    probe = Probe(lab, number, uplink, user="bob")
    assert probe.refused and "only root may probe" in probe.text, probe.text
    by_root = Probe(lab, number, uplink)
    assert not by_root.refused, by_root.text
    by_root.finish()
    held.finish()


@needs("root", "tool:setcap", "tool:setpriv")
@timeout(60)
def test_not_counted(lab):
    """A policy of one session, by a word that is no name of an interface: its uplinks are probed all the
    same, and a second session is refused as before."""
    site = Site(lab)
    with open(f"/sys/class/net/{lab.spare}/address") as f:
        word = f"mac:{f.read().strip()}"
    site.policy(f"[alice]\nuplinks = {word}\nsessions = 1\n")
    spare = lab.capture_spare()
    held = site.via_popen("alice", "--name", "game", "--probe", f"{lab.server}:4711", word, "--", "cat")
    lab.wait(lambda: [f for f in spare.peek() if "4711" in str(f)], 10, "a probe")
    refused = site.via("alice", word, "--", "true")
    assert refused.code == 125 and "1 session already" in refused.err, refused
    by_name = site.via("alice", lab.spare, "--", "true")
    assert by_name.code == 125 and "allows only" in by_name.err, by_name
    held.finish()


def test_no_ipv6_to_ask(lab):
    """Of a session without IPv6 an IPv6 address cannot be asked: that is said before the launch."""
    done = lab.via("--ipv6=off", "--probe", lab.server6, lab.spare, "--", "echo", "it ran")
    assert done.code == 125 and not done.out and "--ipv6=off" in done.err, done
