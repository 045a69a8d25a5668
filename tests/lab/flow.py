"""Traffic that never stops, and the state of the host as the daemon has to keep it.

The program of a Flow asks in both families, over and over, with a new question whatever became of
the last one: a datagram each few milliseconds (udp4, udp6), a connection of its own each (tcp4,
tcp6), and one connection for all its life (stream4, stream6), whose bytes must come back in
order. Each answer is a line in a file: kind, when the question was sent, when it was answered, and
whom the far side saw. All that it sends says its token, for the captures.
"""

import json
import os
import re
import subprocess
import time

PROGRAM = r"""
import errno, os, selectors, socket, sys, time
log = os.open(sys.argv[1], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o666)
HOSTS = {"4": (socket.AF_INET, sys.argv[2]), "6": (socket.AF_INET6, sys.argv[3])}
HOSTS = {n: HOSTS[n] for n in sys.argv[5]}
PACE = float(sys.argv[6])
TOKEN = sys.argv[4].encode()
now = time.monotonic
selector = selectors.DefaultSelector()

def tell(kind, sent, seen):
    os.write(log, f"{kind} {sent:.6f} {now():.6f} {seen}\n".encode())

class Datagrams:
    every = 0.005 * PACE
    def __init__(self, number):
        family, self.host = HOSTS[number]
        self.kind, self.due, self.n, self.sent = "udp" + number, 0, 0, {}
        self.sock = socket.socket(family, socket.SOCK_DGRAM)
        self.sock.setblocking(False)
        selector.register(self.sock, selectors.EVENT_READ, self)
    def turn(self):
        self.due = now() + self.every
        self.n += 1
        self.sent[self.n] = now()
        self.sent.pop(self.n - 1000, None)
        try:
            self.sock.sendto(TOKEN + b" %d" % self.n, (self.host, 7777))
        except OSError:
            pass
    def ready(self):
        try:
            while True:
                seen, _, back = self.sock.recv(2000).partition(b"\n")
                sent = self.sent.get(int(back.split()[1]))
                if sent:
                    tell(self.kind, sent, seen.split()[0].decode())
        except OSError:
            pass

class Connection:
    def __init__(self, owner):
        self.owner, self.asked, self.got, self.sent = owner, False, b"", now()
        self.sock = socket.socket(owner.family, socket.SOCK_STREAM)
        self.sock.setblocking(False)
        code = self.sock.connect_ex((owner.host, 80))
        selector.register(self.sock, selectors.EVENT_WRITE, self)
        self.failed = code not in (0, errno.EINPROGRESS)
    def end(self):
        selector.unregister(self.sock)
        self.sock.close()
    def ready(self):
        if self not in self.owner.open:
            return
        try:
            if not self.asked:
                self.sock.send(b"GET / HTTP/1.1\r\nX: " + TOKEN + b"\r\n\r\n")
                self.asked = True
                selector.modify(self.sock, selectors.EVENT_READ, self)
                return
            part = self.sock.recv(4000)
            self.got += part
            if part and not self.got.partition(b"\r\n\r\n")[2].endswith(b"\n"):
                return
            if part:
                tell(self.owner.kind, self.sent, self.got.split()[-1].decode())
                return self.owner.end(self.owner.every)
        except OSError:
            pass
        self.owner.end(self.owner.every, self)

# One after the other; while one has no answer yet, another one is tried beside it.
class Connections:
    every, patience, most = 0.02 * PACE, 0.15, 12
    def __init__(self, number):
        self.family, self.host = HOSTS[number]
        self.kind, self.due, self.open = "tcp" + number, 0, []
    def end(self, wait, one=None):
        for c in [one] if one else self.open:
            c.end()
        self.open = [c for c in self.open if one and c is not one]
        self.due = now() + wait
    def turn(self):
        while len(self.open) >= self.most:
            self.end(0, self.open[0])
        self.due = now() + self.patience
        c = Connection(self)
        self.open.append(c)
        if c.failed:
            self.end(self.every, c)

class Stream:
    every = 0.01 * PACE
    def __init__(self, number):
        family, host = HOSTS[number]
        self.kind, self.due, self.n, self.expected, self.sent, self.rest = "stream" + number, 0, 0, 1, {}, b""
        self.sock = socket.create_connection((host, 7), 5)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)
        selector.register(self.sock, selectors.EVENT_READ, self)
    def over(self, why):
        tell(self.kind, now(), "!" + why)
        selector.unregister(self.sock)
        self.sock.close()
        self.due = float("inf")
    def turn(self):
        self.due = now() + self.every
        try:
            self.sock.send(TOKEN + b" %09d\n" % (self.n + 1))  # whole or not at all: far below a page
            self.n += 1
            self.sent[self.n] = now()
        except BlockingIOError:
            pass
        except OSError as error:
            self.over(errno.errorcode[error.errno])
    def ready(self):
        try:
            part = self.sock.recv(65536)
        except BlockingIOError:
            return
        except OSError as error:
            return self.over(errno.errorcode[error.errno])
        if not part:
            return self.over("EOF")
        *lines, self.rest = (self.rest + part).split(b"\n")
        for line in lines:
            if line != TOKEN + b" %09d" % self.expected:
                return self.over("GARBLED")
            tell(self.kind, self.sent.pop(self.expected), "-")
            self.expected += 1

actors = [maker(n) for n in HOSTS for maker in (Datagrams, Connections, Stream)]
print("flowing", flush=True)
while True:
    next_due = min(a.due for a in actors)
    for key, _ in selector.select(max(0, next_due - now())):
        key.data.ready()
    for a in actors:
        if a.due <= now():
            a.turn()
"""

PROMPT = ("udp4", "udp6", "tcp4", "tcp6")
STREAMS = ("stream4", "stream6")


class Answer:
    __slots__ = ("kind", "sent", "t", "seen")

    def __init__(self, line):
        self.kind, sent, t, self.seen = line.split()
        self.sent, self.t = float(sent), float(t)


class Flow:
    """A session that holds such a program; `families`: what it asks in, `pace`: how many times slower.
    `more` goes to lab.via_popen()."""

    count = 0

    def __init__(self, lab, uplink=None, *options, token="BEACON", families="46", pace=1, **more):
        Flow.count += 1
        self.lab = lab
        self.name = f"flow{Flow.count}"
        self.uplink = str(uplink or lab.spare)
        self.path = os.path.join(lab.tmp, self.name + ".answers")
        program = os.path.join(lab.tmp, "flow.py")
        with open(program, "w") as f:
            f.write(PROGRAM)
        self.answers, self._at, self._rest = [], 0, b""
        self.prompt = tuple(kind for kind in PROMPT if kind[-1] in families)
        words = ("--name", self.name, *options, self.uplink, "--", "/usr/bin/python3", program)
        words = (*words, self.path, lab.server, lab.server6, token, families, str(pace))
        self.process = lab.via_popen(*words, **more)
        self.process.expect("flowing\n")
        self.flows(self.started())

    @staticmethod
    def started():
        return time.monotonic()

    def read(self):
        """All answers so far; only what is new is read."""
        with open(self.path, "rb") as f:
            f.seek(self._at)
            data = f.read()
        self._at += len(data)
        *lines, self._rest = (self._rest + data).split(b"\n")
        self.answers += [Answer(line.decode()) for line in lines]
        return self.answers

    def since(self, t, *kinds):
        """Answers to what was asked after t."""
        found = []
        for answer in reversed(self.read()):
            if answer.t < t:
                break
            if answer.sent >= t and (not kinds or answer.kind in kinds):
                found.append(answer)
        return found[::-1]

    def flows(self, t, seconds=5, kinds=None, seen=None):
        """Until each kind had an answer to something that was asked after t (and, with `seen`, in
        that name); returns how long after t the last of them came."""
        first, kinds = {}, kinds or self.prompt

        def all_there():
            for answer in self.since(t, *kinds):
                if seen is None or answer.seen in seen:
                    first.setdefault(answer.kind, answer.t)
            return len(first) == len(kinds)

        try:
            self.lab.wait(all_there, seconds)
        except AssertionError:
            raise AssertionError(
                f"after {seconds} s no answer to {sorted(set(kinds) - set(first))}"
            ) from None
        return max(first.values()) - t

    def silent(self, seconds=0.1, limit=5, kinds=PROMPT):
        """Until there has been no answer for a while."""
        self.lab.wait(
            lambda: self.started() - max((a.t for a in self.read()[-50:] if a.kind in kinds), default=0)
            > seconds,
            limit,
            "silence",
        )

    def over(self, kind):
        """Why that connection ended, or None."""
        for answer in reversed(self.read()):
            if answer.kind == kind:
                return answer.seen[1:] if answer.seen[0] == "!" else None
        return None

    def gap(self, t, end, kinds=("udp4", "udp6")):
        """The longest time without an answer of a kind, between the two."""
        longest = 0
        for kind in kinds:
            times = [a.t for a in self.read() if a.kind == kind and t <= a.t <= end]
            times = [t, *times, end]
            longest = max(longest, *(b - a for a, b in zip(times, times[1:])))
        return longest

    def listed(self):
        """Its entry in `list --json`."""
        for one in self.lab.via("list", "--json", check=True).json():
            if one["name"] == self.name:
                return one
        raise AssertionError(f"{self.name} is not listed")

    def stop(self):
        self.process.stop(9)


# --- the state that is ours ---------------------------------------------------------------------

OWN_SYSCTLS = (
    "ipv4/conf/via0/accept_redirects ipv4/conf/via0/send_redirects ipv4/conf/via0/forwarding"
    " ipv4/conf/via0/src_valid_mark ipv6/conf/via0/accept_ra ipv6/conf/via0/autoconf"
    " ipv6/conf/via0/accept_redirects ipv6/conf/via0/accept_dad ipv6/conf/via0/addr_gen_mode"
    " ipv6/conf/via0/force_forwarding"
).split()
UPLINK_SYSCTLS = "ipv4/conf/{}/forwarding ipv4/conf/{}/src_valid_mark ipv6/conf/{}/force_forwarding".split()


def _start(env, command):
    return subprocess.Popen(
        command, shell=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env
    )


def _nft(text):
    """Without handles, and what rules note in dynamic sets; the elements of a set in one order."""
    try:
        things = json.loads(text)["nftables"]
    except ValueError:
        return text  # a table went while it was printed
    lines, rules = set(), []
    for thing in things:
        (kind, body), = thing.items()
        if kind == "metainfo" or "via_iface" not in (body.get("table"), body.get("name")):
            continue
        body.pop("handle", None)
        if "size" in body:
            body.pop("elem", None)
        if isinstance(body.get("elem"), list):
            body["elem"].sort(key=json.dumps)
        line = f"{kind} {json.dumps(body, sort_keys=True)}"
        if kind == "rule":
            rules.append((body["family"], body["chain"], line))
        else:
            lines.add(line)
    rules.sort(key=lambda rule: rule[:2])  # their order in a chain counts
    return "\n".join([*sorted(lines), *(line for _, _, line in rules)])


LINK_KEYS = "ifname address mtu master ifalias operstate".split()
PORT_KEYS = "isolated learning flood mcast_flood bcast_flood".split()


def _links(text):
    lines = []
    for link in json.loads(text):
        if not link.get("ifname", "").startswith("via"):
            continue
        info = link.get("linkinfo", {})
        words = [f"{key}={link.get(key)}" for key in LINK_KEYS]
        words += sorted({"UP", "NOARP"} & set(link["flags"]))
        words += [f"{k}={info.get('info_slave_data', {}).get(k)}" for k in PORT_KEYS]
        words.append(f"group_fwd_mask={info.get('info_data', {}).get('group_fwd_mask')}")
        lines.append(" ".join(words))
    return "\n".join(sorted(lines))


def _lines(text):
    return "\n".join(sorted(line.strip() for line in text.splitlines() if line.strip()))


PARTS = {
    "rules": ("ip -4 rule; ip -6 rule", _lines),
    "routes": (
        "ip -4 route show table all proto 86; ip -6 route show table all proto 86",
        lambda text: _lines(text.replace(" linkdown", "").replace(" dead", "")),
    ),
    "links": ("ip -d -j link show", _links),
    "addresses": ("ip -o addr show dev via0", lambda text: _lines(re.sub(r"^\d+: ", "", text, flags=re.M))),
    "neighbours": ("ip -4 neigh show dev via0 nud permanent; ip -6 neigh show dev via0 nud permanent", _lines),
    "fdb": ("bridge fdb show br via0 | grep -v '33:33\\|01:00:5e'", _lines),
    "tc": ("tc filter show dev via0 ingress", str.strip),
    "nft": ("nft -j list ruleset", _nft),
}


def state(lab, *parts, uplinks=()):
    """What is ours on this host, as text by part; without `parts` all of it."""
    running = {p: _start(lab.env, PARTS[p][0]) for p in parts or PARTS if p in PARTS}
    found = {}
    for part, popen in running.items():
        text = popen.communicate(timeout=20)[0].decode(errors="replace")
        try:
            found[part] = PARTS[part][1](text)
        except ValueError:
            found[part] = text
    if not parts or "sysctls" in parts:
        names = [*OWN_SYSCTLS, *(k.format(u) for u in uplinks or (lab.spare,) for k in UPLINK_SYSCTLS)]
        found["sysctls"] = "\n".join(f"{name} = {_sysctl(name)}" for name in names)
    return found


def _sysctl(name):
    try:
        with open("/proc/sys/net/" + name) as f:
            return f.read().strip()
    except OSError:
        return "-"


def until_same(lab, before, seconds=5, uplinks=()):
    """Until the parts in `before` are as they were there."""
    left = [""]

    def same():
        left[0] = lab.difference(before, state(lab, *before, uplinks=uplinks))
        return not left[0]

    try:
        lab.wait(same, seconds)
    except AssertionError:
        raise AssertionError(f"not mended within {seconds} s:\n{left[0]}") from None
