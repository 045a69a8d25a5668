"""The lab itself: that its network and its tools are what the other tests take them for."""

import json
import os
import signal
import time

from lab import ROOT, build_dir, needs, timeout, topology, write_file
from snapshot import contents

# A session made by hand, with what a program of ours would do reduced to its core.
RECIPE = """
set -e
ip netns add hand
ip link add viap1 type veth peer name eth0 netns hand
ip addr add 10.209.0.1/22 dev viap1
ip link set viap1 up
ip -n hand addr add 10.209.0.10/22 dev eth0
ip -n hand link set eth0 up
ip -n hand link set lo up
ip -n hand route add default via 10.209.0.1
ip rule add iif viap1 lookup 22017 pref 5180
ip route add default via $GATEWAY dev $DEV table 22017
sysctl -qw net.ipv4.conf.viap1.forwarding=1 net.ipv4.conf.$DEV.forwarding=1
nft add table ip hand
nft 'add chain ip hand post { type nat hook postrouting priority srcnat; }'
nft add rule ip hand post iifname viap1 oifname $DEV masquerade
"""
UNDO = """
set -e
ip netns del hand
ip link del viap1 2>/dev/null || true
ip rule del pref 5180
ip route flush table 22017
sysctl -qw net.ipv4.conf.$DEV.forwarding=0
nft delete table ip hand
"""


def by_hand(lab, script):
    env = {"GATEWAY": lab.spare.gateway, "DEV": lab.spare.dev}
    lab.run(script, env=env, check=True)


@topology("split", "same")
def test_ways_out(lab):
    for url, key in ((lab.url, "addr"), (lab.url6, "addr6")):
        assert lab.curl(url) == getattr(lab.wired, key)
        for uplink in (lab.wired, lab.spare):
            seen = lab.run(
                ["curl", "-sg", "--max-time", "3", "--interface", uplink.dev, url], check=True
            )
            assert seen.out.strip() == getattr(uplink, key), (url, uplink.dev, seen.out)
    lab.run(["ping", "-c1", "-W1", lab.server], check=True)
    lab.run(["ping", "-c1", "-W1", lab.server6], check=True)


@topology("split", "same")
def test_recipe_and_capture(lab):
    before = lab.snapshot()
    wired, spare = lab.capture_wired(), lab.capture_spare()
    by_hand(lab, RECIPE)
    seen = lab.run("ip netns exec hand curl -s --max-time 5 " + lab.url, check=True).out.strip()
    assert seen == lab.spare.addr, seen
    assert lab.curl() == lab.wired.addr
    # Without its rule the program goes out by the wired card: the capture has to see that.
    lab.run("ip rule del pref 5180", check=True)
    lab.run("ip netns exec hand curl -s --max-time 1 " + lab.url)
    lab.run("ip rule add iif viap1 lookup 22017 pref 5180", check=True)
    leaks = wired.leaks()
    assert any(f.src == "10.209.0.10" and f.proto == "tcp" and f.dport == 80 for f in leaks)
    assert all(f.src == "10.209.0.10" for f in leaks), leaks
    assert any(f.src == lab.spare.addr and f.dport == 80 for f in spare.stop())
    by_hand(lab, UNDO)
    lab.assert_same(before)


@topology("split", "same")
def test_capture_sees_only_what_left_by_it(lab):
    wired = lab.capture_wired(token="beacon-of-the-test")
    spare = lab.capture_spare(token="beacon-of-the-test")
    lab.run(
        f"ping -c1 -W1 -I {lab.spare.dev} {lab.server} &&"
        f" curl -s --interface {lab.spare.dev} {lab.url}bytes/100000 >/dev/null",
        check=True,
    )
    lab.curl()
    assert wired.leaks() == []
    assert spare.leaks() != []
    assert any(f.dport == 80 and f.payload.startswith(b"GET /") for f in wired.stop())

    again = lab.capture_wired(token="beacon-of-the-test")
    lab.run(f"echo beacon-of-the-test >/dev/udp/{lab.server}/9".join(["bash -c '", "'"]))
    assert [f.dport for f in again.leaks()] == [9]


@topology("split", "same")
def test_names(lab):
    def ask(server, name, *more):
        words = ["dig", "+short", "+tries=1", "+time=2", f"@{server}", name, *more]
        return lab.run(words, check=True).out.strip()

    for uplink in (lab.wired, lab.spare):
        assert ask(uplink.gateway, "who.test") == uplink.dns
        assert ask(uplink.gateway6, "who.test", "AAAA") == uplink.dns6
        assert ask(uplink.gateway, "who.test", "+tcp") == uplink.dns
    assert ask(lab.wired.gateway, "unknown.test") == ""
    assert lab.run("getent ahostsv4 who.test", check=True).out.split()[0] == lab.wired.dns
    assert lab.curl("http://inet.test/") in (lab.wired.addr, lab.wired.addr6)
    assert ("spare", "tcp") == lab.dns_log()[5][:2], lab.dns_log()
    with open(f"/run/systemd/netif/links/{open('/sys/class/net/wlp6s0/ifindex').read().strip()}") as f:
        assert f"DNS={lab.spare.gateway} {lab.spare.gateway6}\n" in f.read()


def test_servers(lab):
    assert len(lab.run(["curl", "-s", lab.url + "bytes/300000"], check=True).out) == 300000
    data = os.path.join(lab.tmp, "data")
    with open(data, "wb") as f:
        f.write(b"x" * 2000000)
    count, digest = lab.run(["curl", "-s", "-T", data, lab.url], check=True).out.split()
    assert count == "2000000"
    assert lab.run(["sha256sum", data]).out.split()[0] == digest
    slow = lab.run(["curl", "-s", "--max-time", "3", lab.url + "slow/0.2"], check=True)
    assert 0.15 < slow.seconds < 1 and len(slow.out) >= 500, slow
    script = (
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.settimeout(2)\n"
        f"s.connect(('{lab.server}', 7777)); s.send(b'hello'); print(s.recv(99).decode())\n"
        f"s.connect(('{lab.server}', 7778)); s.send(b'2 5'); print(s.recv(99), s.recv(99))\n"
        f"t = socket.create_connection(('{lab.server}', 7)); t.send(b'abc'); print(t.recv(9))\n"
    )
    out = lab.run(["python3", "-c", script], check=True).out
    assert out.startswith(lab.wired.addr) and "hello" in out and "late 1" in out and "b'abc'" in out


def test_results(lab):
    assert lab.run("echo a; echo b >&2; exit 7").code == 7
    done = lab.run("echo a; echo b >&2; kill -SEGV $$")
    assert (done.out, done.err, done.code) == ("a\n", "b\n", -signal.SIGSEGV)
    assert lab.run("cat", input="x" * 10).out == "x" * 10
    started = time.monotonic()
    try:
        lab.run("sleep 30", timeout=0.2)
    except AssertionError as error:
        assert "still running" in str(error)
    assert time.monotonic() - started < 3
    # A child that keeps the pipe open is not waited for.
    assert lab.run("sleep 30 & echo done").out == "done\n"
    with lab.shell() as shell:
        shell.send("sh -c 'tty; exec sleep 30'\n")
        shell.expect("/dev/pts/")
        shell.send("\x03")
        shell.expect("prompt> ")
        shell.send("echo code=$?\n")
        shell.expect("code=130")
    held = lab.popen("echo ready; cat")
    held.expect("ready\n")
    assert held.finish().code == 0


def test_snapshot_sees(lab):
    before = lab.snapshot()
    lab.assert_same(before)
    for change, undo in (
        ("ip rule add pref 7 lookup 9", "ip rule del pref 7"),
        ("ip -6 route add unreachable fd01::/64 table 77", "ip -6 route flush table 77"),
        ("sysctl -qw net.ipv4.conf.wlp6s0.src_valid_mark=1", None),
        ("nft add table ip x", "nft delete table ip x"),
        ("ip netns add left", "ip netns del left"),
        ("ip link set wlp6s0 alias x", "ip link set wlp6s0 alias ''"),
    ):
        lab.run(change, check=True)
        assert lab.difference(before, lab.snapshot()), f"not seen: {change}"
        lab.run(undo or "sysctl -qw net.ipv4.conf.wlp6s0.src_valid_mark=0", check=True)
    lab.assert_same(before)


@needs("root")
def test_other_user(lab):
    assert lab.run("id -u; id -g; id -G", user=1000).out.split() == ["1000"] * 3
    assert lab.run("ip link set wlp6s0 down", user=1000).code != 0


def test_private(lab):
    """Nothing of the machine shows, and its own network is another one."""
    assert sorted(os.listdir("/run")) == ["lab", "netns", "systemd"]
    assert sorted(os.listdir("/sys/class/net")) == ["enp7s0", "lo", "wlp6s0"]
    assert lab.run("ip -br link | wc -l").out.strip() == "3"
    assert os.getppid() == 1


# --- the machine's own /etc ---------------------------------------------------------------------

INSTALLED = {
    "/etc/via-iface/access.conf": "[nobody at all]\nbroken\n",
    "/etc/via-iface/apps.d/all.conf": "[broken\n",
    "/etc/xdg/autostart/via-iface-tray.desktop": "",
    "/etc/dbus-1/system.d/via-iface.conf": "",
    "/etc/netns/box/resolv.conf": "nameserver 192.0.2.1\n",
}


def test_meson_knows_each_test(lab):
    """`meson test` has every test of the lab by its name, those of a new module too."""
    with open(os.path.join(build_dir(), "meson-info/intro-tests.json")) as f:
        known = {test["name"] for test in json.load(f) if "via-iface:lab" in test["suite"]}
    listed = lab.run([os.path.join(ROOT, "tests/lab/run"), "--list"], check=True).out.splitlines()
    missing = {name.replace(":", "_") for name in listed} - known
    assert not missing, f"`meson setup --reconfigure {build_dir()}` lists {sorted(missing)[:9]}, too"


@needs("root", "tool:setcap", "tool:setpriv", "tool:meson", "tool:getcap", "tool:ninja")
@timeout(120)
def test_own_etc(lab):
    """Labs inside this lab, whose /etc holds an earlier installation, which refuses everybody: tests
    that install, use and clear away files there neither see it nor change anything."""
    for path, text in INSTALLED.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        write_file(path, text)
    before = contents("/etc")
    tests = ("install.install_and_uninstall", "who_may.users_and_uplinks", "first_light.linger",
             "netns_names.ip_netns_exec[[]split,keep]", "attach.names")  # fmt: skip
    done = lab.run([os.path.join(ROOT, "tests/lab/run"), "-j4", *tests], timeout=100)
    assert done.code == 0 and " 0 failed, 0 skipped" in done.out, done
    after = contents("/etc")
    assert after == before, {p: (before.get(p), after.get(p)) for p in before | after if before.get(p) != after.get(p)}
