"""What is not ours stays: beside each kind of object that via-iface makes stands one that only looks
like it, and it is there, unchanged, after a launch, a heal, the end, `--clear`, a crash and the
package's removal; and its traffic passes."""

import os
import signal
import stat

from lab import ROOT, params, program, timeout
from test_survives_kills import ports

RUNDIR = "/run/via-iface"
SAVED = RUNDIR + "/sysctl"
ALIAS = "via1 {} 0 0 1 enp7s0 host=900,since=1 theirs"
OUR_BRIDGE_MAC, OUR_PORT_MAC, OUR_SESSION_MAC = (
    "0a:76:69:00:00:01", "0a:76:69:02:03:01", "0a:76:69:01:03:01",
)  # fmt: skip

# A name without our form; our form without our alias; with another session's; of another kind.
LINKS = f"""
link add viapod1 type veth peer name x1
link add viap7 type veth peer name x7
link add viap8 address {OUR_PORT_MAC} type veth peer name x8
link set viap8 alias '{ALIAS.format(9)}'
link add viap9 type bridge
link set viap9 alias '{ALIAS.format(9)}'
link add viap010 type veth peer name x10
link set viap010 alias '{ALIAS.format(10)}'
link add viap type bridge
link add via00 address 0a:76:69:00:00:02 type bridge forward_delay 0 mcast_snooping 0
link set via00 alias 'via1 bridge'
link add via1 type veth peer name x11
link set viapod1 master via00 up
link set x1 up
link set via00 up
addr add 198.18.7.1/24 dev via00
addr add 2001:db8:7::1/64 dev via00 nodad
"""
# Our protocol elsewhere than in our tables, our tables with another protocol, our priorities with
# what none of our rules asks.
ROUTING = """
route add 198.18.8.0/24 dev via00 proto 86
route add 198.18.9.0/24 dev via00 table 100 proto 86
route add unreachable default table 22016 proto 86 metric 4278198272
route add unreachable default table 22272 proto 86 metric 4278198272
route add 198.18.10.0/24 dev via00 table 22017 proto static metric 100
-6 route add 2001:db8:8::/64 dev via00 proto 86
-6 route add 2001:db8:9::/64 dev via00 table 100 proto 86
-6 route add unreachable default table 22016 proto 86 metric 100
rule add priority 5180 from 198.18.7.0/24 lookup 100 protocol 86
rule add priority 5180 fwmark 0x57000001/0xff0000ff lookup 100 protocol 86
rule add priority 5180 fwmark 0x56000007/0xff0000ff ipproto tcp lookup 22023 protocol 86
rule add priority 5181 iif viapod1 unreachable protocol 86
rule add priority 5182 iif viapod1 lookup 100 protocol 86
rule add priority 5183 fwmark 0x56000001/0xff0000ff lookup 100
-6 rule add priority 5180 from 2001:db8:7::/64 lookup 100 protocol 86
-6 rule add priority 5181 oif viapod1 unreachable protocol 86
neigh add 198.18.7.3 dev via00 lladdr 0a:76:69:01:00:03 nud permanent
"""
# Our table's name in families where we have none, another name in those where we have; accepts that
# lack our comment, have more or less of it, or do something else.
NFT = """
table ip via_iface {
	set uplinks { type mark . ifname; elements = { 0x56000001 . "viapod1" }; }
	chain forward { type filter hook forward priority 0; }
}
table ip6 via_iface { chain forward { type filter hook forward priority 0; }; }
table netdev via_iface { chain theirs { type filter hook ingress device "via00" priority 0; }; }
table inet via_iface2 { chain forward { type filter hook forward priority 0; }; }
table inet via-iface { chain forward { type filter hook forward priority 0; }; }
table ip filter {
	chain DOCKER-USER {
		iifname "via0" accept
		iifname "via0" tcp dport 22 accept comment "via-iface"
		iifname "via1" accept comment "via-iface"
		iifname "via0" accept comment "via-iface2"
		iifname "via0" log accept comment "via-iface"
		iifname "via0" oifname "via00" accept comment "via-iface"
	}
	chain FORWARD { type filter hook forward priority 0; policy drop; jump DOCKER-USER; }
}
"""
# Saved values of what via-iface never sets, and what is no file.
FILES = {
    "net:core:somaxconn": "17\n{}\n",
    "net:ipv4:conf:via00:proxy_arp": "1\n{}\n9999\n",
    "net:core:conf:via00:forwarding": "1\n{}\n9999\n",
    "net:ipv4:conf:via00:accept_local": "1\n{}\n",
    "net:ipv4:conf:all:forwarding:x": "1\n{}\n",
    "net:ipv6:conf:..:forwarding": "1\n{}\n",
    "notes": "of the administrator\n",
}


def bpf(mask):
    """The program of our filter: pass what has the mark, drop the rest (tc-bpf(8))."""
    return f"5,32 0 0 4294963220,84 0 0 {mask},21 0 1 1442840576,6 0 0 4294967295,6 0 0 2,"


class LookAlikes:
    """Beside the objects of a lab's host; check() tells whether each is as it was planted."""

    def __init__(self, lab):
        self.lab = lab
        lab._batch(None, LINKS)
        for line in ROUTING.strip().splitlines():
            lab.ip(line)
        lab.nft(NFT)
        lab.run("ip link set x7 netns inet && ip -n inet link set x7 up && ip link set viap7 up", check=True)
        lab.run("bridge fdb add 0a:76:69:01:00:03 dev viapod1 master static", check=True)
        lab.run("tc qdisc add dev via00 clsact && tc filter add dev via00 ingress prio 1 handle 1 bpf bytecode"
                f" '{bpf(4278190080)}' da", check=True)  # fmt: skip
        os.makedirs(SAVED, exist_ok=True)
        os.chmod(RUNDIR, 0o711)
        for name, text in FILES.items():
            path = f"/proc/sys/{name.replace(':', '/')}"
            with open(path) if os.path.isfile(path) else open("/dev/null") as f:
                now = f.read().strip()
            with open(f"{SAVED}/{name}", "w") as f:
                f.write(text.format(now))
        os.mkfifo(f"{SAVED}/net:ipv4:conf:via00:forwarding")
        lab.netns("theirs")
        for dev in ("via00", "viap7", "viapod1"):
            lab.wait(lambda dev=dev: lab.carrier(dev), 5, f"the carrier of {dev}")
        self.before = lab.snapshot()
        self.details = self._details()

    COMMANDS = (
        "ip -4 neigh show dev via00 nud permanent", "bridge fdb show br via00 | grep 0a:76:69",
        "tc filter show dev via00 ingress",
    )  # fmt: skip

    def _details(self):
        found = {command: self.lab.run(command, check=True).out for command in self.COMMANDS}
        for name in FILES:
            with open(f"{SAVED}/{name}") as f:
                found[name] = f.read()
        assert stat.S_ISFIFO(os.stat(f"{SAVED}/net:ipv4:conf:via00:forwarding").st_mode)
        return found

    def check(self, ours=False):
        """With ours, there are objects of ours as well: nothing may be missing."""
        assert self._details() == self.details
        if not ours:
            self.lab.assert_same(self.before)
            return
        difference = self.lab.difference(self.before, self.lab.snapshot())
        gone = [line for line in difference.splitlines() if line[0] == "-" and line[:3] != "---"]
        # what our sessions want of the uplink's sysctls is no object of anybody
        assert not [line for line in gone if not line.startswith("-net/")], difference


def end_daemon(lab):
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGTERM)
    lab.wait(lambda: not lab.daemon_pids(), 5, "the daemon's end")


def through(lab):
    done = lab.via(lab.spare, "--", "curl", "-s", lab.url)
    assert (done.code, done.out) == (0, lab.spare.addr + "\n"), done


def package_script(lab, name, *arguments):
    """A maintainer script as dpkg(1) runs it, with the programs of the build."""
    with open(f"{ROOT}/data/debian/via-iface.{name}") as f:
        text = f.read()
    text = text.replace("/usr/libexec/via-iface/via-ifaced", program("via-ifaced"))
    return lab.run(["/bin/sh", "-c", text.replace("#DEBHELPER#", ""), name, *arguments], check=True)


# --- what stays ---------------------------------------------------------------------------------


@timeout(120)
@params("launch", "heal", "end", "clear", "crash", "purge")
def test_look_alikes_stay(lab, case):
    """Whatever via-iface does, it does to its own alone."""
    theirs = LookAlikes(lab)
    if case == "launch":
        held = lab.session(script=f"curl -s {lab.url}; cat")
        held.expect(lab.spare.addr)
        theirs.check(ours=True)
    if case == "end":
        through(lab)
        lab.wait_gone()
    if case == "heal":
        held = lab.session()
        lab.run("nft delete table inet via_iface; ip rule del priority 5180 fwmark 0x56000001/0xff0000ff;"
                "ip route flush table 22017 proto 86; ip link set via0 down")  # fmt: skip
        lab.wait(lambda: " via_iface" in lab.run("nft list tables inet").out, 5, "healing")
        through(lab)
        theirs.check(ours=True)
        held.finish()
        lab.wait_gone()
    if case in ("clear", "purge", "crash"):
        held = lab.session()
        if case == "crash":
            os.kill(lab.daemon_pid(), signal.SIGKILL)
        else:
            end_daemon(lab)
        assert lab.link_exists("via0")
        theirs.check(ours=True)
        if case == "clear":
            lab.run([program("via-ifaced"), "--clear"], check=True)
        elif case == "purge":
            package_script(lab, "prerm", "remove")
            package_script(lab, "postrm", "remove")
            package_script(lab, "postrm", "purge")
        else:
            through(lab)
        assert case == "crash" or not lab.link_exists("via0")
        held.finish()
        lab.wait_gone()
    if case == "launch":
        held.finish()
        lab.wait_gone()
    theirs.check()


def test_clear_finds_nothing_of_ours(lab):
    theirs = LookAlikes(lab)
    lab.run([program("via-ifaced"), "--clear"], check=True)
    theirs.check()


def test_rest_of_a_crash_goes(lab):
    """Ours is also what a launch left that died between a port's creation and its alias, and what
    lost its alias to somebody else: it is mended, or goes."""
    held = lab.session()
    (port,) = ports()
    lab.ip(f"link set {port} alias foreign")
    lab.wait(lambda: " sh" in lab.ip(f"link show {port}"), 5, "the alias again")
    lab.ip(f"link set {port} group 0")
    lab.wait(lambda: "group 22016" in lab.ip(f"link show {port}"), 5, "the group again")
    lab.run(f"ip link set {port} address 02:00:00:00:00:99 group 0 alias foreign", check=True)
    lab.wait(lambda: "0a:76:69:02" in lab.ip(f"link show {port}"), 5, "the MAC again")
    lab.wait(lambda: "group 22016" in lab.ip(f"link show {port}"), 5, "the group again")
    lab.ip(f"link add viap777 group 22016 address 0a:76:69:02:00:77 master via0 type veth peer name eth7")
    lab.run("nft delete table inet via_iface")
    lab.wait(lambda: not lab.link_exists("viap777"), 5, "the end of the rest")
    through(lab)
    held.finish()
    lab.wait_gone()
    # and when nobody remembers it
    lab.ip("link add via0 address 0a:76:69:00:00:01 type bridge")
    lab.ip("link add viap777 group 22016 address 0a:76:69:02:00:77 master via0 type veth peer name eth7")
    lab.run([program("via-ifaced"), "--clear"], check=True)
    assert not lab.link_exists("viap777") and not lab.link_exists("via0")


def test_foreign_bridge(lab):
    """A via0 of somebody else is never adopted: no launch, and `--clear` leaves it alone."""
    lab._batch(None, f"""
        link add via0 type bridge forward_delay 0 mcast_snooping 0
        addr add 10.209.0.1/22 dev via0
        link add viap3 type veth peer name x3
        link set viap3 master via0 up
        link set x3 up
        link set via0 up
    """)
    for dev in ("via0", "viap3"):
        lab.wait(lambda dev=dev: lab.carrier(dev), 5, f"the carrier of {dev}")
    lab.run("bridge fdb add 0a:76:69:01:00:03 dev viap3 master static", check=True)
    lab.ip("neigh add 10.209.0.3 dev via0 lladdr 0a:76:69:01:00:03 nud permanent")
    before = lab.snapshot()
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and "was not made by via-iface" in done.err, done
    end_daemon(lab)
    lab.run([program("via-ifaced"), "--clear"], check=True)
    lab.assert_same(before)
    assert "10.209.0.3" in lab.ip("neigh show dev via0")
    assert "0a:76:69:01:00:03" in lab.run("bridge fdb show br via0").out


def test_on_our_own_devices(lab):
    """What others put on via0 or on a port stays while these stand."""
    held = lab.session()
    (port,) = ports()
    lab.ip("addr add 198.18.7.1/24 dev via0")
    lab.ip("addr add 10.66.0.7/22 dev via0")
    lab.ip("neigh add 10.209.3.250 dev via0 lladdr 02:00:00:00:00:99 nud permanent")
    lab.run(f"bridge fdb add 02:00:00:00:00:98 dev {port} master static", check=True)
    lab.run("tc filter add dev via0 ingress prio 9 handle 9 bpf bytecode '1,6 0 0 4294967295,' da", check=True)
    for _ in range(2):
        lab.run("nft delete table inet via_iface; ip rule del priority 5180")
        lab.wait(lambda: "5180:" in lab.ip("rule"), 5, "healing")
        through(lab)
    addresses = lab.ip("-4 addr show dev via0")
    assert "198.18.7.1/24" in addresses and "10.66.0.7/22" in addresses, addresses
    assert "02:00:00:00:00:99" in lab.ip("neigh show dev via0")
    assert "02:00:00:00:00:98" in lab.run(f"bridge fdb show dev {port}").out
    assert "pref 9" in lab.run("tc filter show dev via0 ingress").out
    held.finish()
    lab.wait_gone()


def test_in_an_attached_netns(lab):
    """What looks like ours in a netns of others stays when we come and when we go."""
    lab.netns("box")
    lab._batch("box", """
        link set lo up
        link add eth0 type veth peer name viap5
        link set viap5 up
        link set eth0 up
        addr add 198.18.5.2/24 dev eth0
        route add 198.18.20.0/24 dev eth0 proto 86
        route add unreachable 198.18.21.0/24 proto 86 metric 77
        route add unreachable 198.18.22.0/24 table 22017 proto 86 metric 4278198272
        route add unreachable 2001:db8:21::/64 proto 86 metric 77
        rule add priority 5180 fwmark 0x56000001/0xff0000ff lookup 22017 protocol 86
        rule add priority 5181 iif eth0 unreachable protocol 86
    """)
    lab.nft("table inet via_iface { chain forward { type filter hook forward priority 0; }; }", ns="box")
    lab.nft("table ip via_iface_attached { chain forward { type filter hook forward priority 0; }; }", ns="box")
    before = lab.snapshot("box")
    lab.via("attach", lab.spare, "--netns", "box", "--ifname", "w", check=True)
    done = lab.run(f"curl -s --max-time 5 {lab.url}", ns="box")
    assert done.out == lab.spare.addr + "\n", done
    lab.via("detach", "box", check=True)
    lab.wait(lambda: not lab.link_exists("w", "box"), 5, "the device's end")
    lab.wait_gone()
    after = lab.snapshot("box")
    for state in (before, after):  # of the host, as this process sees it; numbers that veths need
        del state["files in /run"], state["mounts"], state["ip netns"]
    difference = lab.difference(before, after)
    assert not difference, difference


# --- netns names --------------------------------------------------------------------------------


def test_netns_names(lab):
    """--keep takes no name that is there; `stop` takes away its own name alone."""
    lab.netns("theirs")
    done = lab.via("--keep", "--name", "theirs", lab.spare, "--", "true")
    assert done.code == 125 and "theirs" in done.err, done
    with open("/run/netns/file", "w") as f:
        f.write("of the administrator\n")
    done = lab.via("--keep", "--name", "file", lab.spare, "--", "true")
    assert done.code == 125, done
    assert open("/run/netns/file").read() == "of the administrator\n"
    lab.wait(lambda: not lab.link_exists("via0") or "viap" not in lab.ip("-br link"), 5)

    assert lab.via("--keep", "--name", "mine", lab.spare, "--", "true").code == 0
    # the name is given to another netns, while a second name holds the session's
    lab.run("touch /run/netns/second && mount --bind /run/netns/mine /run/netns/second", check=True)
    lab.run("umount /run/netns/mine && rm /run/netns/mine", check=True)
    lab.netns("mine")
    inode = os.stat("/run/netns/mine").st_ino
    done = lab.via("stop", "mine")
    assert os.stat("/run/netns/mine").st_ino == inode, done
    lab.wait(lambda: not ports(), 5, "the port's end")
    lab.run("umount /run/netns/second && rm /run/netns/second", check=True)
    lab.wait_gone()


def test_link_in_place_of_a_netns_name(lab):
    """A symbolic link to the netns is none of ours."""
    assert lab.via("--keep", "--name", "mine", lab.spare, "--", "true").code == 0
    lab.run("touch /run/netns/second && mount --bind /run/netns/mine /run/netns/second", check=True)
    lab.run("umount /run/netns/mine && rm /run/netns/mine && ln -s second /run/netns/mine", check=True)
    lab.via("stop", "mine")
    assert os.path.islink("/run/netns/mine") and os.path.ismount("/run/netns/second")
    lab.run("rm /run/netns/mine; umount /run/netns/second && rm /run/netns/second", check=True)
    lab.wait_gone()


# --- what passes --------------------------------------------------------------------------------


def test_their_traffic_passes(lab):
    """A foreign viapod1 in a bridge, and a routed one, while sessions run."""
    lab.netns("pod1")
    lab.netns("pod2")
    lab.netns("pod3")
    lab._batch(None, """
        link add br9 type bridge forward_delay 0 mcast_snooping 0
        link set br9 up
        link add viapod1 type veth peer name eth0 netns pod1
        link add viap42 type veth peer name eth0 netns pod2
        link add viapod3 type veth peer name eth0 netns pod3
        link set viapod1 master br9 up
        link set viap42 master br9 up
        addr add 198.18.7.1/24 dev br9
        addr add 198.18.8.1/24 dev viapod3
        link set viapod3 up
    """)
    for name, address in (("pod1", "198.18.7.2/24"), ("pod2", "198.18.7.3/24"), ("pod3", "198.18.8.2/24")):
        lab._batch(name, f"addr add {address} dev eth0\nlink set eth0 up\nlink set lo up")
    held = lab.session()
    for ns, to in (("pod1", "198.18.7.3"), ("pod2", "198.18.7.1"), ("pod3", "198.18.8.1"), (None, "198.18.8.2")):
        done = lab.run(f"ping -c 3 -i 0.01 -W 2 {to}", ns=ns)
        assert done.code == 0 and " 0% packet loss" in done.out, (ns, to, done)
    assert lab.via("list").out.count("wlp6s0") == 1
    held.finish()
    lab.wait_gone()
    assert lab.link_exists("viap42") and lab.link_exists("viapod3")


@timeout(90)
def test_uplink_that_looks_like_a_port(lab):
    """An uplink called viapod1, or viap7, is one like any other; when it goes the session moves."""
    for name in ("viapod1", "viap7"):
        lab.ip(f"link set {lab.spare.dev} down")
        lab.ip(f"link set {lab.spare.dev} name {name}")
        lab.spare.dev = name
        lab._batch(None, f"""
            link set {name} up
            route replace {lab.spare.gateway} dev {name} metric 600
            route replace default via {lab.spare.gateway} dev {name} metric 600
        """)
        lab.wait(lambda: lab.carrier(name), 5, "its carrier")
        lab.set_dns(lab.spare, [lab.spare.gateway])
        uplinks = [u["name"] for u in lab.via("uplinks", "--json", check=True).json()]
        assert name in uplinks, uplinks
        through(lab)
        held = lab.session(f"{name},{lab.wired}", script=f"read line; curl -s {lab.url}; cat")
        assert f" {name}" in lab.via("list").out
        lab.ip(f"link set {name} down")
        lab.wait(lambda: f" {lab.wired}" in lab.via("list").out, 5, "the failover")
        held.write("go\n")
        held.expect(lab.wired.addr + "\n")
        lab.ip(f"link set {name} up")
        held.finish()
        lab.wait_gone(20)  # the kernel takes netns apart one after the other, those of other labs too
    assert lab.link_exists("viap7")
