"""Members of a group (`--share`) have each other as NAME.via, at once and both ways; no question about such
a name leaves by an uplink, and all other names are as ever."""

import os

from lab import needs, params, timeout, topology, write_file
from test_share import ALL, ANSWER, Member, closed
from test_who_may import NETDEV, Site


# As its text in a program inside: a question for the address of a name (RFC 1035).
QUESTION = """def question(name):
    labels = b"".join(bytes([len(l)]) + l.encode() for l in name.split("."))
    return struct.pack("!HHHHHH", 7, 256, 1, 0, 0, 0) + labels + b"\\0" + struct.pack("!HH", 1, 1)"""


@topology("split", "same")
def test_names(lab):
    """NAME.via is what the session has, both ways, also for who was there before; who begins and
    ends is followed at once, and other names are as ever."""
    captures = lab.capture_wired(), lab.capture_spare()
    web = Member(lab, "web", "g")
    assert web.names("web.via", "db.via") == {"web.via": [web.addr, web.addr6], "db.via": []}
    db = Member(lab, "db", "g", "--ipv6=off")
    dotted = Member(lab, "a.b-c_d+e", "g")
    lone = Member(lab, "lone")
    assert web.names("db.via", "DB.VIA", "a.b-c_d+e.via", "lone.via", "web.via", "localhost") == {
        "db.via": [db.addr],
        "DB.VIA": [db.addr],
        "a.b-c_d+e.via": [dotted.addr, dotted.addr6],
        "lone.via": [],
        "web.via": [web.addr, web.addr6],
        "localhost": web.names("localhost")["localhost"],
    }
    for address, name in ((web.addr, "web.via"), (web.addr6, "web.via"), (db.addr, "db.via")):
        assert db.via(f"getent hosts {address}", check=True).out.split()[1] == name
    assert web.via("getent hosts who.test", check=True).out.split()[1] == "who.test"
    assert "100% packet" not in web.via("ping -c1 -W2 db.via; ping -6 -c1 -W2 a.b-c_d+e.via", check=True).out
    db.finish()
    lab.wait(lambda: web.names("db.via") == {"db.via": []}, 10, "the end of db")
    db = Member(lab, "db", "g")
    assert web.names("db.via") == {"db.via": [db.addr, db.addr6]}
    told = [name for _, _, _, name, _ in lab.dns_log()]
    assert "who.test" in told and not [n for n in told if "via" in n.lower()], told
    closed(lab, *captures)
    lone.finish()


@topology("split", "same")
def test_questions_stay(lab):
    """No question about .via leaves, whatever asks: a resolver that has no hosts(5), the servers of
    its resolv.conf and others, names that nobody has, of each length up to 63 bytes."""
    web = Member(lab, "web", "g")
    captures = lab.capture_wired(), lab.capture_spare()
    web.run(
        f"""
import errno, socket, struct
refused = 0
{QUESTION}
for server in ("{web.gateway}", "127.0.0.53", "{web.gateway6}", "{lab.server}", "{lab.server6}"):
    for name in ("via", "x.via", "VIA", "a.b.Via", "x" * 32 + ".via", "x." * 29 + "via", *("y" * n + ".via" for n in range(1, 60))):
        s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
        s.connect((server, 53))
        s.settimeout(2)
        try:
            s.send(question(name))
            s.recv(100)
        except (ConnectionRefusedError, PermissionError):  # what netfilter drops on its way out
            refused += 1
        s.close()
    for name in ("www.via.test", "via.test", "octavia", "xvia.test", "avia"):
        s = socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM)
        s.sendto(question(name), (server, 53))
        s.close()
assert refused == 5 * 65, refused
""",
        60,
    )
    lab.wait(lambda: {"via.test", "octavia", "avia"} <= {n for _, _, _, n, _ in lab.dns_log()}, 5, "other questions")
    told = {n.lower() for _, _, _, n, _ in lab.dns_log()}
    assert not [n for n in told if n == "via" or n.endswith(".via")], told
    left = [f for c in captures for f in c.stop() if b"\x03via\x00" in f.raw.lower()]
    assert not left, left[:3]


# glibc and musl send length and question at once, others may not; the header's length depends on timestamps.
TCP = {"timestamps": 1, "plain": 0}


@topology("split", "same")
@params(**TCP)
def test_questions_by_tcp_stay(lab, timestamps):
    """As by UDP, in both lengths of TCP's header; other questions are answered by the uplink's server."""
    lab.sysctl("net.ipv4.tcp_timestamps", timestamps, ns=lab.spare.router)
    web = Member(lab, "web", "g")
    captures = lab.capture_wired(), lab.capture_spare()
    web.run(
        f"""
import socket, struct
refused = 0
{QUESTION}
def ask(server, name, apart):
    text = question(name)
    with socket.create_connection((server, 53), 5) as s:
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        parts = [struct.pack("!H", len(text)), text]
        for part in parts if apart else [b"".join(parts)]:
            s.sendall(part)
        try:
            return len(s.recv(100))
        except ConnectionResetError:
            return None
for server in ("{web.gateway}", "127.0.0.53", "{web.gateway6}"):
    for apart in (False, True):
        for name in ("via", "x.via", "VIA", "a.b.Via", "x." * 29 + "via", *("y" * n + ".via" for n in range(1, 60))):
            assert ask(server, name, apart) is None, (server, name, apart)
        for name in ("via.test", "octavia.test", "y" * 59 + ".test"):
            assert ask(server, name, apart), (server, name, apart)
""",
        100,
    )
    told = {n.lower() for _, _, _, n, _ in lab.dns_log()}
    assert not [n for n in told if n == "via" or n.endswith(".via")], told
    frames = [f for c in captures for f in c.stop()]
    assert [f for f in frames if b"octavia" in f.raw]
    left = [f for f in frames if b"\x03via\x00" in f.raw.lower()]
    assert not left, left[:3]


def test_resolver_by_tcp(lab):
    """The C library's `use-vc`: at once, and without a packet that has the name."""
    web = Member(lab, "web", "g")
    capture = lab.capture_spare()
    done = web.via("RES_OPTIONS=use-vc getent ahosts nobody.via")
    assert done.code == 2 and done.seconds < 5 * lab.scale, done
    assert web.via("RES_OPTIONS=use-vc getent hosts who.test", check=True).out.split()[1] == "who.test"
    left = [f for f in capture.stop() if b"\x06nobody" in f.raw]
    assert not left, left[:3]


def test_hosts_of_the_host(lab):
    """What the host's own /etc/hosts says is there too; the file is read-only for all inside."""
    hosts = os.path.join(lab.tmp, "hosts")
    write_file(hosts, "127.0.0.1 localhost\n192.0.2.77 printer.test\n")
    lab.run(["mount", "--bind", hosts, "/etc/hosts"], check=True)
    web = Member(lab, "web", "g")
    assert web.names("printer.test") == {"printer.test": ["192.0.2.77"]}
    done = web.via("echo 192.0.2.1 db.via >> /etc/hosts")
    assert done.code != 0 and "ead-only" in done.err, done
    write_file(hosts, "192.0.2.78 printer.test\n")
    db = Member(lab, "db", "g")
    assert web.names("printer.test", "db.via") == {"printer.test": ["192.0.2.78"], "db.via": [db.addr, db.addr6]}
    lone = Member(lab, "lone")
    assert lone.names("printer.test", "db.via")["printer.test"] == ["192.0.2.78"]


def test_never_half(lab):
    """Who reads while others begin and end finds each time the members that stay."""
    web = Member(lab, "web", "g")
    stop = os.path.join(lab.tmp, "stop")
    code = """
import os, sys
n = 0
while not os.path.exists(sys.argv[1]):
    text = open("/etc/hosts").read()
    n += 1
    lines = [l for l in text.splitlines() if l.endswith(" web.via")]
    other = [l for l in text.splitlines() if ".via" in l and len(l.split()) != 2]
    if len(lines) != 2 or other or "localhost" not in text:
        sys.exit(f"after {n}: {lines} {other}")
print(n)
"""
    reader = lab.via_popen("exec", "web", "--", "python3", "-c", code, stop)
    for _ in range(12):
        lab.via("--share", "g", lab.spare, "--", "true", check=True)
    write_file(stop, "")
    done = reader.finish()
    assert done.code == 0 and int(done.out) > 12, done
    web.finish()


@needs("root")
@timeout(90)
def test_in_a_user_namespace(lab):
    """Where file capabilities are not granted, too."""
    site = Site(lab)
    script = "echo ready; cat"
    for name, prefix in (("first", []), ("second", ["setpriv", "--no-new-privs"])):
        words = [*prefix, f"{site.bin}/via-iface", "--name", name, "--share", "g", str(lab.spare), "--", "sh", "-c", script]
        lab.popen(site._as("alice", [NETDEV], words)).expect("ready\n")
    done = site.run_as(
        "alice", "setpriv", "--no-new-privs", f"{site.bin}/via-iface", "--share", "g", str(lab.spare), "--", "sh", "-c",
        "getent hosts first.via second.via && ping -c1 -W2 first.via && ping -6 -c1 -W2 second.via", groups=[NETDEV],
    )  # fmt: skip
    assert done.code == 0 and "first.via" in done.out and "second.via" in done.out, done


def check_ip_netns(lab, web, name):
    """`ip netns exec` has the names of the group, also while it runs."""
    code = "import socket, sys\nfor l in sys.stdin:\n try: print(socket.gethostbyname(l.strip()), flush=True)\n except OSError: print('none', flush=True)"
    process = lab.popen(["ip", "netns", "exec", name, "python3", "-c", code])

    def ask(member):
        process.out = b""
        process.write(f"{member}.via\n")
        return process.expect("\n").split("\n")[0]

    assert ask("web") == web.addr and ask(name) != "none" and ask("late") == "none"
    late = Member(lab, "late", "g")
    assert ask("late") == late.addr
    late.finish()
    lab.wait(lambda: ask("late") == "none", 10, "the end of the name")
    process.finish()
    lone = lab.run(["ip", "netns", "exec", name, "cat", "/etc/hosts"], check=True).out
    assert "lone.via" not in lone and "localhost" in lone, lone


@needs("root")
@params("file", "link")
def test_hosts_of_others(lab, kind):
    """A hosts of the administrator's for that netns stays, is what `ip netns exec` uses, and is named."""
    web = Member(lab, "web", "g")
    os.makedirs("/etc/netns/box")
    if kind == "file":
        write_file("/etc/netns/box/hosts", "192.0.2.9 own.test\n")
    else:
        write_file(os.path.join(lab.tmp, "hosts"), "192.0.2.9 own.test\n")
        os.symlink(os.path.join(lab.tmp, "hosts"), "/etc/netns/box/hosts")
    done = lab.via("netns", "add", "--share", "g", "box", lab.spare, check=True)
    assert "/etc/netns/box/hosts is not ours" in done.err, done
    assert "own.test" in lab.run("ip netns exec box getent hosts own.test", check=True).out
    assert lab.run("ip netns exec box getent hosts web.via").code == 2
    lab.via("netns", "del", "box", check=True)
    lab.wait(lambda: os.listdir("/etc/netns/box") == ["hosts"], 10, "the end of the others")
    web.finish()


@needs("root")
def test_named_netns(lab):
    """`netns add` by hand and from its file: in the group, by address and by name."""
    conf = "/etc/via-iface/netns.d"
    web = Member(lab, "web", "g")
    lab.via("netns", "add", "--share", "g", "box", lab.spare, check=True)
    listed = {s["name"]: s for s in lab.via("list", "--json").json()}
    assert listed["box"]["share"] == "g"
    assert web.names("box.via") == {"box.via": [listed["box"]["address"], listed["box"]["address6"]]}
    assert lab.run(f"ip netns exec box ping -c1 -W2 {web.addr}").code == 0
    done = lab.via("exec", "box", "--", "getent", "hosts", "web.via", check=True)
    assert web.addr6 in done.out or web.addr in done.out, done
    check_ip_netns(lab, web, "box")
    lab.via("netns", "del", "box", check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 10, "the end of /etc/netns")
    nothing = lab.via("netns", "add", "--share", "a b", "box", lab.spare)
    assert nothing.code == 125 and "invalid --share" in nothing.err, (nothing, conf)


@needs("root")
@params(closed=(), fallback=("--fallback",))
def test_attached(lab, options):
    """A netns that was there before may be in a group: it is reached, and reaches, by address, and
    the others have its name."""
    web, lone = Member(lab, "web", "g"), Member(lab, "lone")
    lab.run("ip netns add box && ip -n box link set lo up", check=True)
    lab.via("attach", "--share", "g", "--name", "box", *options, lab.spare, "--netns", "box", check=True)
    box = {s["name"]: s for s in lab.via("list", "--json").json()}["box"]
    server = lab.popen(["ip", "netns", "exec", "box", "python3", "-c", ANSWER + "\nprint('ready', flush=True)\ninput()"])
    server.expect("ready\n")
    targets = [("box", box["address"]), ("box", box["address6"])]
    assert web.reaches(*targets) == {"box": ALL} and lone.reaches(*targets) == {}
    assert web.names("box.via") == {"box.via": [box["address"], box["address6"]]}
    assert lab.run(f"ip netns exec box ping -c1 -W2 {web.addr}").code == 0
    assert lab.run(f"ip netns exec box ping -c1 -W1 {lone.addr}").code != 0
    server.finish()
    check_ip_netns(lab, web, "box")
    lab.via("detach", "box", check=True)
    lab.wait(lambda: not os.path.lexists("/etc/netns"), 10, "the end of /etc/netns")
    lab.wait(lambda: web.names("box.via") == {"box.via": []}, 10, "its end")
    assert "10.209" not in lab.run("ip -n box route").out
    lab.run("ip netns del box", check=True)


@needs("root")
def test_status(lab):
    """list, status and the completion show the group."""
    web = Member(lab, "web", "g.1+x")
    lone = Member(lab, "lone")
    listed = {s["name"]: s["share"] for s in lab.via("list", "--json", check=True).json()}
    assert listed == {"web": "g.1+x", "lone": ""}
    assert "(group g.1+x)" in lab.via("list", check=True).out
    assert "group      g.1+x, as web.via\n" in lab.via("status", "web", check=True).out
    assert "group" not in lab.via("status", "lone", check=True).out
    assert lab.via("status", "web", "--json", check=True).json()["share"] == "g.1+x"
    web.finish()
    lone.finish()


NAMES = {
    "empty": "",
    "number": "12",
    "dash": "-x",
    "path": "../x",
    "newline": "a\nb",
    "comma": "a,host=3",
    "long": "x" * 16,
    "longer": "x" * 300,
}


@params(**NAMES)
def test_invalid(lab, name):
    done = lab.via(f"--share={name}", lab.spare, "--", "true")
    assert done.code == 125 and "invalid --share" in done.err, done
