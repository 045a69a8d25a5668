"""docs/recipes.md: each recipe by hand does, and fails, as the page says, and the via-iface lines beside
it work.

Every block of the page is taken from it and run, in its order: those between fences by a root shell on
the lab's host, whose cards have the names and addresses of the page; indented lines as a reader would
type them (test_documents.py: Reader). A test that leaves a block of its section out fails, and so does a
section without a test. What the page says of packets is seen on the wires, or in the kernel's counters.
"""

import os
import re

from lab import build_dir, needs, timeout, topology, write_file
from test_documents import EXAMPLE_URL, VPN, Reader, read
from test_uplink_kinds import IFF_TAP, RELAY, tun_end

PAGE = "docs/recipes.md"
TIMED_OUT = 28  # curl(1)
NAMESPACE = "10.11.0.2"
CONTAINER, BRIDGED = "10.88.0.9", "10.12.0.9"


def sections():
    parts = re.split(r"^## (.+)$", read(PAGE), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def here(lab, text):
    """The page's addresses of the spare card and its router, as a reader has them on the lab's network."""
    text = re.sub(r"\b192\.168\.2\.10\b", lab.spare.addr, text)
    return re.sub(r"\b192\.168\.2\.1\b", lab.spare.gateway, text)


def blocks(heading):
    """("sh", text) of a fenced block, ("via", text) of indented lines, ("unit", text) of a unit's."""
    found = []
    for m in re.finditer(r"^```sh\n(.*?)^```$|((?:^    [^\n]+\n)+)", sections()[heading], re.M | re.S):
        if m.group(1):
            found.append(("sh", m.group(1)))
        else:
            text = re.sub(r"^    ", "", m.group(2), flags=re.M)
            found.append(("unit" if text.startswith("[") else "via", text))
    return found


class Recipe:
    """A section of the page, gone through block by block."""

    def __init__(self, lab, heading, reader=None):
        self.lab, self.reader, self.text = lab, reader or Reader(lab), sections()[heading]
        self.blocks = [(kind, here(lab, text)) for kind, text in blocks(heading)]

    def next(self, kind):
        found, text = self.blocks.pop(0)
        assert found == kind, f"a block of {found} where {kind} is expected:\n{text}"
        return text

    def end(self):
        assert self.blocks == [], "the test leaves out a part of the page"

    def run(self, text, **more):
        text = text.replace(EXAMPLE_URL, f"-s {self.lab.url}")
        return self.lab.run(["/bin/sh", "-e", "-c", text], env=self.reader.env, **more)

    def sh(self, code=0):
        """The next block; all lines but the last one succeed, and that ends with `code`."""
        text = self.next("sh")
        done = self.run(text)
        assert done.code == code, f"{text}\n{done}"
        return done.out

    def lines(self):
        """The next block line by line: the output of each."""
        found = []
        for line in self.next("sh").splitlines():
            done = self.run(line)
            assert done.code == 0, f"{line}\n{done}"
            found.append(done.out)
        return found

    def via(self):
        for command in self.commands():
            self.reader.type(command)

    def commands(self):
        text = self.next("via").replace("\\\n", "")
        return [re.sub(r"\s+(?=--pid)", " ", line) for line in text.splitlines()]

    def says(self, *words):
        """The page says that: what comes next in the test is the proof."""
        text = " ".join(self.text.split())
        for word in words:
            assert word in text, word

    def ask(self, ns="spare", user=None, more=""):
        """What curl in there, or on the host as that user, is told: an address; a number: it failed so."""
        words = ["curl", "-s", "-m", "2", *more.split(), self.lab.url]
        done = self.lab.run(words if user else ["ip", "netns", "exec", ns, *words], user=user)
        return done.code or done.out.strip()


def counter(lab, name):
    return int(lab.run(f"nstat -az {name} | awk '$1 == \"{name}\" {{ print $2 }}'").out)


def policy_drops(lab):
    """Packets that met the policy of the chain FORWARD, as `iptables -vL FORWARD` says it."""
    return int(re.search(r"policy DROP (\d+) packets", lab.run("iptables -nvL FORWARD", check=True).out).group(1))


def undone(line):
    """The command that takes one of the page's lines back."""
    for before, behind in ((" -A ", " -D "), (" -I ", " -D "), ("=1", "=0"), ("route add", "route del")):
        if before in line:
            return line.replace(before, behind)
    raise ValueError(line)


def spare_addresses(lab):
    """The spare card as a network manager would set it up again."""
    u = lab.spare
    for line in (
        f"link set {u.dev} up",
        f"addr replace {u.addr}/24 dev {u.dev} noprefixroute",
        f"route replace {u.addr.rsplit('.', 1)[0]}.0/24 dev {u.dev} src {u.addr} metric {u.metric} proto kernel scope link",
        f"route replace default via {u.gateway} dev {u.dev} metric {u.metric}",
    ):
        lab.ip(line)


def resolver(lab, address):
    """The host's resolv.conf; who waits for an answer does so for one second."""
    write_file("/run/lab/resolv.conf", f"nameserver {address}\noptions timeout:1 attempts:1\n")


def sent(capture, src, dst):
    return [f for f in capture.peek() if f.src == src and f.dst == dst]


def made_by_hand(lab, reader):
    """The namespace of the first recipe, with all that it takes."""
    recipe = Recipe(lab, "A namespace and a veth pair", reader)
    for kind, text in recipe.blocks:
        if kind == "sh" and "curl" not in text:
            assert recipe.run(text).code == 0, text
    assert recipe.ask() == lab.spare.addr


def engine(lab, recipe, name="box"):
    """A container whose engine gives it a way out, by the default route, as docker0 does."""
    process = recipe.reader.container(name, True)
    lab.sysctl("net.ipv4.ip_forward", 1)
    lab.run("iptables -t nat -C POSTROUTING -s 10.88.0.0/16 -j MASQUERADE 2>/dev/null || "
            "iptables -t nat -A POSTROUTING -s 10.88.0.0/16 -j MASQUERADE", check=True)  # fmt: skip
    return process


# --- one test for each section ------------------------------------------------------------------


@topology("split", "same")
@timeout(120)
def test_namespace(lab):
    recipe = Recipe(lab, "A namespace and a veth pair")
    recipe.sh()
    before = counter(lab, "IpInAddrErrors")
    recipe.sh(TIMED_OUT)
    assert counter(lab, "IpInAddrErrors") > before
    recipe.sh()
    wired = lab.capture_wired()
    assert recipe.ask() == TIMED_OUT
    assert sent(wired, NAMESPACE, lab.server)
    recipe.sh()
    for value in (0, 2):
        lab.sysctl("net.ipv4.conf.all.rp_filter", value)
        assert recipe.ask() == lab.spare.addr
    lab.sysctl("net.ipv4.conf.all.rp_filter", 1)
    before, spare = counter(lab, "TcpExtIPReversePathFilter"), lab.capture_spare()
    assert recipe.ask() == TIMED_OUT
    assert counter(lab, "TcpExtIPReversePathFilter") > before
    assert sent(spare, lab.spare.addr, lab.server) and sent(spare, lab.server, lab.spare.addr)

    mended = blocks("A namespace and a veth pair")[4][1].splitlines()
    assert len(mended) == 4
    recipe.sh()
    assert recipe.ask() == lab.spare.addr
    recipe.says("All four are needed.")
    for line in mended:
        lab.run(undone(line), check=True)
        assert recipe.ask() == TIMED_OUT, line
        lab.run(line, check=True)
    for line in mended:
        lab.run(undone(line), check=True)
    lab.run("sysctl -w net.ipv4.conf.wlp6s0.rp_filter=2", check=True)
    recipe.says("`net.ipv4.conf.wlp6s0.rp_filter=2` does in their place")
    assert recipe.ask() == lab.spare.addr

    still_wrong(lab, recipe)
    recipe.via()
    recipe.end()


def still_wrong(lab, recipe):
    """The list in the first recipe, in its order."""
    recipe.says("begins with `-P FORWARD DROP`", "`iptables -vL FORWARD` tells")
    lab.run("iptables -P FORWARD DROP", check=True)
    before = policy_drops(lab)
    assert recipe.ask() == TIMED_OUT and policy_drops(lab) > before
    for direction in ("-i", "-o"):
        lab.run(f"iptables -I FORWARD {direction} veth0 -j ACCEPT", check=True)
    assert recipe.ask() == lab.spare.addr
    lab.run("iptables -P FORWARD ACCEPT", check=True)

    recipe.says("There is no IPv6 in the namespace.")
    assert lab.ip("-6 addr show scope global", ns="host") and not lab.ip("-n spare -6 addr show scope global")

    recipe.says("a neighbour that routes to it reaches the network behind `wlp6s0`")
    if lab.topology == "split":  # else the network behind both is the same
        spare = lab.capture_spare()
        lab.ip(f"route add {lab.spare.gateway}/32 via {lab.wired.addr}", ns=lab.wired.router)
        lab.run(["ping", "-c", "1", "-W", "1", lab.spare.gateway], ns=lab.wired.router)
        assert sent(spare, lab.wired.gateway, lab.spare.gateway)

    recipe.says("the packets of the namespace leave by `enp7s0`")
    wired = lab.capture_wired()
    lab.ip("link set wlp6s0 down")
    assert recipe.ask() == TIMED_OUT
    assert sent(wired, NAMESPACE, lab.server)
    spare_addresses(lab)
    assert "default" not in lab.ip("route show table 100")

    recipe.says("`ip netns del spare` removes the namespace and the veth pair.")
    lab.run("ip netns del spare", check=True)
    lab.wait(lambda: not lab.link_exists("veth0"), 60, "the end of the veth pair")  # behind all other netns
    assert "fwmark 0x64 lookup 100" in lab.ip("rule")
    rules = lab.run("iptables-save", check=True).out
    assert "MASQUERADE" in rules and "--set-xmark 0x64" in rules
    assert lab.sysctl("net.ipv4.ip_forward") == "1"
    # as Docker leaves it, for the line of via-iface
    lab.run("iptables -P FORWARD DROP", check=True)


@topology("split", "same")
@timeout(120)
def test_named_namespace(lab):
    recipe = Recipe(lab, "ip netns, and how it works")
    assert "other" in recipe.sh().split()
    lab.ip("netns add made")
    with open("/proc/self/mountinfo") as f:
        mounts = {line.split()[4]: line.split(" - ")[1].split()[0] for line in f}
    assert mounts["/run/netns/other"] == mounts["/run/netns/made"] == "nsfs"
    _, _, inside, own, outside, hosts = recipe.lines()
    assert lab.spare.dev not in inside and lab.spare.dev in outside, (inside, outside)
    assert own == f"nameserver {lab.spare.gateway}\n" and hosts == f"nameserver {lab.wired.gateway}\n", (own, hosts)
    assert recipe.lines()[0] == "root\n"

    recipe.says("Where it names 127.0.0.53", "that is asked by way of `wlp6s0`")
    made_by_hand(lab, recipe.reader)
    spare = lab.capture_spare()
    resolver(lab, lab.wired.gateway)
    lab.run("ip netns exec spare getent ahostsv4 who.test")
    assert any(f.dst == lab.wired.gateway and f.dport == 53 for f in spare.peek())
    resolver(lab, "127.0.0.53")
    assert lab.run("ip netns exec spare getent ahostsv4 who.test").code == 2
    lab.ip("netns del spare")
    lab.wait(lambda: not lab.link_exists("veth0"), 60, "the end of the veth pair")  # behind all other netns
    recipe.via()
    recipe.end()


@topology("split", "same")
@timeout(120)
def test_container(lab):
    recipe = Recipe(lab, "A container, linked into /var/run/netns")
    box = engine(lab, recipe)
    recipe.reader.container("closed", False)
    assert "default via 10.88.0.1" in recipe.sh()
    assert recipe.ask("box") == lab.wired.addr

    recipe.says("When the container has ended, the link leads nowhere")
    box.stop(9)
    failed = lab.run("ip netns exec box true")
    assert failed.code != 0 and "Cannot open network namespace" in failed.err, failed
    engine(lab, recipe)
    assert lab.run("ip netns exec box true").code != 0

    for _ in range(3):
        recipe.via()
    recipe.end()
    recipe.says("A session can have the container's name, and ends with it")
    box = recipe.reader.containers[-1]
    recipe.reader.type(f"via-iface attach --name box --ifname via --replace-route wlp6s0 --pid {box.pid}")
    assert "box" in recipe.reader.run("via-iface list").out
    box.stop(9)
    lab.wait(lambda: "box" not in recipe.reader.run("via-iface list").out, 10, "the end of its session")


@topology("split", "same")
@timeout(120)
def test_pipework(lab):
    recipe = Recipe(lab, "pipework br0 CONTAINER ADDRESS")
    box = engine(lab, recipe)
    link = blocks("A container, linked into /var/run/netns")[0][1].splitlines()[0]
    assert recipe.run(link).code == 0, link
    recipe.sh()

    recipe.says("made by `ip link add name br type bridge` alone")
    assert lab.run("ip link add br type bridge").code != 0 and not lab.link_exists("br")
    lab.run("ip link add name br type bridge", check=True)

    recipe.sh()
    assert recipe.ask("box") == lab.wired.addr
    wired = lab.capture_wired()
    recipe.sh(TIMED_OUT)
    assert sent(wired, BRIDGED, lab.server)
    lab.ip("-n box route replace default via 10.88.0.1")
    recipe.via()
    recipe.end()
    recipe.says("When the container is started again, the device is gone.")
    box.stop(9)
    lab.wait(lambda: not lab.link_exists("veth1box"), 10, "the end of the veth pair")


@topology("split", "same")
@needs("sysctl:net.bridge.bridge-nf-call-iptables")
@timeout(120)
def test_bridge(lab):
    recipe = Recipe(lab, "Two namespaces on a bridge, as docker0 is one")
    lab.sysctl("net.bridge.bridge-nf-call-iptables", 0)
    recipe.sh()
    recipe.sh(1)
    assert policy_drops(lab) > 0
    recipe.says("An accept for `-i br0 -o br0` in the chain `DOCKER-USER` helps.")
    for line in ("-N DOCKER-USER", "-A FORWARD -j DOCKER-USER", "-I DOCKER-USER -i br0 -o br0 -j ACCEPT"):
        lab.run(f"iptables {line}", check=True)
    lab.run("ip netns exec ns2 ping -c 1 -W 2 10.12.0.3", check=True)
    recipe.via()
    recipe.via()
    recipe.end()


@topology("split", "same")
@needs("root")
@timeout(120)
def test_mark(lab):
    recipe = Recipe(lab, "Policy routing by mark")
    recipe.sh()
    spare = lab.capture_spare()
    assert recipe.ask(user="nobody") in (TIMED_OUT, lab.wired.addr)
    assert sent(spare, lab.wired.addr, lab.server)
    recipe.sh()
    assert recipe.ask(user="nobody") == lab.spare.addr
    lab.sysctl("net.ipv4.conf.all.rp_filter", 1)
    assert recipe.ask(user="nobody") == TIMED_OUT
    for line in blocks("A namespace and a veth pair")[4][1].splitlines()[:3]:
        lab.run(line, check=True)
    assert recipe.ask(user="nobody") == lab.spare.addr

    recipe.says("they go to the server of `enp7s0`, by `wlp6s0`")
    resolver(lab, lab.wired.gateway)
    lab.run(["getent", "ahostsv4", "who.test"], user="nobody")
    assert any(f.dst == lab.wired.gateway and f.dport == 53 for f in spare.peek())

    recipe.says("When `wlp6s0` is set down, everything leaves by `enp7s0`.")
    wired = lab.capture_wired()
    lab.ip("link set wlp6s0 down")
    recipe.ask(user="nobody")  # in one subnet the router may know the address by the other card
    lab.wait(lambda: sent(wired, lab.wired.addr, lab.server), 5, "packets by the other card")
    spare_addresses(lab)
    recipe.via()
    recipe.end()


@topology("split", "same")
def test_bound(lab):
    recipe = Recipe(lab, "Bound to the interface")
    assert recipe.sh().strip() == lab.spare.addr
    lab.run(["curl", "-s", "-m", "5", "--interface", "wlp6s0", "http://inet.test/"], check=True)
    asked = {router for router, _, _, name, _ in lab.dns_log() if name == "inet.test"}
    assert asked == {"wired"}, asked
    recipe.says("it asks for the server by ARP, and curl fails")
    lab.ip(f"route del default via {lab.spare.gateway}")
    spare = lab.capture_spare()
    assert lab.run(["curl", "-s", "-m", "5", "--interface", "wlp6s0", lab.url]).code != 0
    assert any(f.proto == "request" and f.dst == lab.server for f in spare.peek())
    spare_addresses(lab)
    recipe.via()
    recipe.end()


def tap(lab):
    """tap0, whose other end is at the spare card's router, with a gateway there."""
    ends = tun_end(lab, None, "tap0", IFF_TAP), tun_end(lab, "rspare", "fartap", IFF_TAP)
    lab.popen(["/usr/bin/python3", "-c", RELAY, *map(str, ends)], pass_fds=ends).expect("ready\n")
    for fd in ends:
        os.close(fd)
    for ns, dev, address in ((None, "tap0", "10.8.1.2"), ("rspare", "fartap", "10.8.1.1")):
        lab.ip(f"addr add {address}/24 dev {dev}", ns=ns)
        lab.ip(f"link set {dev} up", ns=ns)
    lab.ip("route add default via 10.8.1.1 dev tap0 metric 900")
    lab.ip("route add 10.8.1.0/24 via 198.51.100.10", ns="inet")


@topology("split", "same")
@needs("root")
@timeout(120)
def test_tun(lab):
    recipe = Recipe(lab, "tun, tap and VPNs")
    vpn = recipe.reader.vpn()
    recipe.sh()
    assert recipe.ask(user="nobody") == VPN
    recipe.says("everything leaves by `enp7s0`, in clear")
    vpn.stop(9)
    lab.wait(lambda: not lab.link_exists("tun0"), 10, "the end of tun0")
    assert recipe.ask(user="nobody") == lab.wired.addr
    recipe.says("A device that was made by `ip tuntap add`")
    for line in ("tuntap add dev tun0 mode tun", f"addr add {VPN}/24 dev tun0", "link set tun0 up"):
        lab.ip(line)
    lab.ip("route add default dev tun0 table 100")
    wired = lab.capture_wired()
    assert recipe.ask(user="nobody") == TIMED_OUT
    assert not sent(wired, VPN, lab.server) and not sent(wired, lab.wired.addr, lab.server)
    lab.ip("tuntap del dev tun0 mode tun")
    lab.ip("route del 10.8.0.0/24", ns="inet")
    recipe.reader.vpn()
    tap(lab)
    recipe.via()
    recipe.via()
    recipe.end()


SYSTEMCTL = """#!/bin/sh
# What systemd does for a oneshot or a forking unit: its lines, one after the other.
case $1 in enable | start) key=ExecStart ;; *) key=ExecStop ;; esac
for unit; do :; done
name=${unit%.service}
file=/etc/systemd/system/$unit
case $name in *@*) file=BUILD/data/${name%@*}@.service name=${name#*@} ;; esac
[ -e "$file" ] || exit 5
sed -n "s/^$key=-\\{0,1\\}//p" "$file" | sed "s/%i/$name/g; s,^[^ ]*/via-iface ,via-iface ," | sh -e
"""


@topology("split", "same")
@timeout(120)
def test_reboot(lab):
    recipe = Recipe(lab, "After a reboot")
    recipe.reader.program("systemctl", SYSTEMCTL.replace("BUILD", build_dir()))
    recipe.sh()
    lab.ip(f"addr flush dev {lab.spare}")
    failed = recipe.run("systemctl start spare.service")
    recipe.says("the first line fails (`Nexthop has invalid gateway`)")
    assert failed.code != 0 and "Nexthop has invalid gateway" in failed.err, failed
    assert "lookup 100" not in lab.ip("rule")
    spare_addresses(lab)
    assert recipe.run("systemctl start spare.service").code == 0
    recipe.says("After the next reconnect of `wlp6s0` the route is gone")
    lab.ip(f"link set {lab.spare} down")
    spare_addresses(lab)
    assert "default" not in lab.ip("route show table 100")
    recipe.sh()
    start, *others = recipe.commands()
    recipe.says("nothing leaves")
    lab.ip(f"link set {lab.spare} down")
    recipe.reader.type(start)
    wired = lab.capture_wired()
    assert isinstance(recipe.ask(), int)
    assert not wired.leaks()
    spare_addresses(lab)
    lab.wait(lambda: recipe.ask() == lab.spare.addr, 10, "the uplink to be used")
    for command in others:
        recipe.reader.type(command)
    recipe.end()


def settings(unit, key):
    return [line.partition("=")[2] for line in unit.splitlines() if line.startswith(key + "=")]


@topology("split", "same")
def test_service(lab):
    recipe = Recipe(lab, "A service")
    recipe.reader.program("my-server", f"#!/bin/sh\nexec curl -s -m 5 {lab.url}\n")
    (start,) = settings(recipe.next("unit"), "ExecStart")
    done = recipe.run(start.replace("/usr/local/bin/", recipe.reader.bin + "/"))
    assert done.out.strip() == lab.spare.addr, done

    unit = recipe.next("unit")
    recipe.end()
    recipe.reader.type("via-iface netns add spare wlp6s0")
    (path,) = settings(unit, "NetworkNamespacePath")
    mounts = ""
    for pair in settings(unit, "BindReadOnlyPaths"):
        source, _, target = pair.lstrip("-").partition(":")
        mounts += f"mount --bind {source} {target}; "
    (hidden,) = settings(unit, "InaccessiblePaths")
    assert all(p.startswith("-/run/") for p in hidden.split())
    done = recipe.run(f"nsenter --net={path} unshare -m sh -ec '{mounts}getent ahostsv4 who.test; curl -s -m 5 {lab.url}'")
    assert done.code == 0 and done.out.split()[0] == lab.spare.dns and done.out.split()[-1] == lab.spare.addr, done
    asked = {router for router, _, _, name, _ in lab.dns_log() if name == "who.test"}
    assert asked == {"spare"}, asked
    recipe.reader.type("via-iface netns del spare")


@topology("split", "same")
def test_which_veth(lab):
    recipe = Recipe(lab, "Which veth is whose")
    made_by_hand(lab, recipe.reader)
    index = lab.run("cat /sys/class/net/veth0/ifindex").out
    found, line = recipe.lines()
    assert found == index and line.split()[1].startswith("veth0@"), (found, line)
    assert f"veth1@if{index.strip()}:" in lab.ip("-n spare -o link show")
    inside = re.search(r"peer_ifindex: (\d+)", lab.run("ethtool -S veth0", check=True).out).group(1)
    assert lab.ip("-n spare -o link show veth1").startswith(f"{inside}:")
    recipe.says("reads the host's `/sys`, and fails")
    assert lab.run("nsenter --net=/run/netns/spare cat /sys/class/net/veth1/iflink").code != 0
    assert "link-netns" in lab.ip("-d -o link show veth0")
    held = lab.session(lab.spare, "--name", "game")
    json, links = (recipe.reader.type(command) for command in recipe.commands())
    (session,) = json.json()
    assert re.search(rf" {session['ifname']}@.*?\n.*?\balias via1 {session['id']} .* game\b", links.out, re.S), links
    held.finish()
    recipe.end()


COVERED = {
    "A namespace and a veth pair": test_namespace,
    "ip netns, and how it works": test_named_namespace,
    "A container, linked into /var/run/netns": test_container,
    "pipework br0 CONTAINER ADDRESS": test_pipework,
    "Two namespaces on a bridge, as docker0 is one": test_bridge,
    "Policy routing by mark": test_mark,
    "Bound to the interface": test_bound,
    "tun, tap and VPNs": test_tun,
    "After a reboot": test_reboot,
    "A service": test_service,
    "Which veth is whose": test_which_veth,
}


def test_each_section_has_a_test(lab):
    assert list(sections()) == list(COVERED)
    for heading in COVERED:
        assert blocks(heading), heading
