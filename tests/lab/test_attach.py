"""A way out for a netns that is there already: what it gets, what stays as it was, and that nothing
of ours is left in it."""

import contextlib
import os

import nsutil
from lab import Skip, needs, params, program, topology

ALIVE = "echo ready; exec cat"


def box(lab, *commands, name="box"):
    """A netns of `ip netns`, with a daemon that outlives what is attached to it."""
    lab.run(["ip", "netns", "add", name], check=True)
    lab.daemon = lab.popen([program("via-ifaced"), "--linger", "30"])
    for command in commands:
        lab.run(["ip", "-n", name, *command.split()], check=True)
    lab.wait(lambda: os.path.exists("/run/via-iface/socket"), 5, "the daemon's socket")
    return name


def inside(lab, command, name="box", **more):
    return lab.run(["ip", "netns", "exec", name, *command.split()], **more)


def state(lab, name="box"):
    """All of a netns that a change could be seen in, but for counters."""
    texts = {}
    for command in ("link", "addr", "-4 route show table all", "-6 route show table all", "rule"):
        texts[command] = lab.run(["ip", "-n", name, *command.split()], check=True).out
    texts["nft"] = inside(lab, "nft list ruleset", name).out
    sysctl = inside(lab, "sysctl -ae --pattern ^net", name).out
    texts["sysctl"] = "".join(
        line for line in sysctl.splitlines(True) if "nf_conntrack_count" not in line
    )
    return texts


def same(lab, before, name="box"):
    difference = lab.difference(before, state(lab, name))
    assert not difference, difference


def listed(lab):
    return {s["name"]: s for s in lab.via("list", "--json", check=True).json()}


def reaches(lab, uplink, name="box"):
    for url, address in ((lab.url, uplink.addr), (lab.url6, uplink.addr6)):
        done = inside(lab, f"curl -sg --max-time 5 {url}", name)
        assert done.out == address + "\n", done


def attach(lab, *options, uplink=None, name="box"):
    return lab.via("attach", *options, uplink or lab.spare, "--netns", name, check=True)


@topology("split", "same")
def test_attach_and_detach(lab):
    before = lab.snapshot()
    box(lab)
    inner, wired = state(lab), lab.capture_wired()
    done = attach(lab)
    assert done.out.startswith("session 'box' through wlp6s0, port viap1") and not done.err, done
    reaches(lab, lab.spare)
    session = listed(lab)["box"]
    assert session["state"] == "up", session
    assert session["netns"] == os.stat("/run/netns/box").st_ino
    text = lab.via("list", check=True).out
    assert "(attached)" in text, text
    assert lab.via("move", "box", lab.wired, check=True)
    reaches(lab, lab.wired)
    assert [f for f in wired.leaks() if f.src not in (lab.wired.addr, lab.wired.addr6)] == []
    assert lab.via("pause", "box", check=True)
    assert inside(lab, f"curl -sg --max-time 5 {lab.url}").code != 0
    assert lab.via("resume", "box", check=True)
    done = lab.via("detach", "box", check=True)
    assert (done.out, done.err) == ("session 'box' is detached\n", ""), done
    assert listed(lab) == {}
    same(lab, inner)
    attach(lab)
    done = lab.via("stop", "box", check=True)
    assert "detached" in done.out and listed(lab) == {}, done
    same(lab, inner)
    again = lab.via("detach", "box")
    assert again.code == 125 and "find session 'box'" in again.err, again
    lab.daemon.stop()
    lab.run(["ip", "netns", "del", "box"], check=True)
    lab.assert_same(before)


def test_ends_with_its_netns(lab):
    """The namespace goes, and so does all that was made for it."""
    before = lab.snapshot()
    box(lab)
    attach(lab)
    lab.run(["ip", "netns", "del", "box"], check=True)
    lab.wait(lambda: listed(lab) == {}, 5, "the end of the session")
    lab.daemon.stop()
    lab.assert_same(before)


def test_survives_the_daemon(lab):
    """What is attached stands in the kernel: a daemon that comes later knows of it."""
    box(lab)
    inner = state(lab)
    attach(lab, "--ifname", "via-out")
    lab.daemon.stop(9)
    reaches(lab, lab.spare)
    lab.popen([program("via-ifaced"), "--linger", "30"])
    lab.wait(lambda: lab.via("move", "box", lab.wired).code == 0, 5, "a new daemon")
    reaches(lab, lab.wired)
    assert "(attached)" in lab.via("list").out and "box" in listed(lab)
    lab.via("detach", "box", check=True)
    same(lab, inner)


def test_its_own_is_untouched(lab):
    """No sysctl but its new device's, no rule, no table of its own, no name server, no other device."""
    box(lab, "link add inner type veth peer name other")
    inside(lab, "nft -f -", input="table ip mine { chain c { }; }\n", check=True)
    for key, value in (
        ("net.ipv6.conf.default.disable_ipv6", "1"),
        ("net.ipv6.conf.default.accept_ra", "1"),
        ("net.ipv4.ping_group_range", "1 0"),
        ("net.ipv4.conf.default.route_localnet", "0"),
    ):
        inside(lab, f"sysctl -qw {key}={value}".replace("1 0", "1\t0"))
    before, resolv = state(lab), os.stat("/etc/resolv.conf")
    attach(lab)
    reaches(lab, lab.spare)
    after = state(lab)
    theirs, found, ours = after["nft"].partition("table inet via_iface_attached {")
    assert theirs == before["nft"] and found and "\ntable " not in ours, after["nft"]
    assert after["rule"] == before["rule"]

    def others(text):
        return [line for line in text.splitlines() if ".eth0." not in line]

    assert others(after["sysctl"]) == others(before["sysctl"])
    assert "1: lo: <LOOPBACK> " in after["link"], "lo is as it was: down"
    assert os.stat("/etc/resolv.conf").st_ino == resolv.st_ino
    lab.via("detach", "box", check=True)
    same(lab, before)


QUIET = ("link set inner addrgenmode none", "link set other addrgenmode none")

IN_THE_WAY = {
    "device": (["link add eth0 type veth peer name other"], "it has device 'eth0'", "--ifname"),
    "route": (
        [
            "link add inner type veth peer name other", *QUIET, "link set inner up", "link set other up",
            "addr add 192.0.2.2/24 dev inner", "route add default via 192.0.2.1",
        ],
        "it has a default route via 192.0.2.1", "--replace-route",
    ),
    "route6": (
        [
            "link add inner type veth peer name other", *QUIET, "link set inner up", "link set other up",
            "-6 route add default dev inner metric 7",
        ],
        "it has a default route by device", "--replace-route",
    ),
}  # fmt: skip


@params(**IN_THE_WAY)
def test_in_the_way(lab, case):
    commands, reason, way_out = case
    box(lab, *commands)
    before = state(lab)
    done = lab.via("attach", lab.spare, "--netns", "box")
    assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
    assert reason in done.err and way_out in done.err, done
    same(lab, before)
    lab.wait(lambda: not lab.link_exists("viap1"), 2, "no port")
    assert "viap" not in lab.snapshot()["ip -d link"]
    if way_out == "--ifname":
        attach(lab, "--ifname", "via-out")
        reaches(lab, lab.spare)
    else:
        attach(lab, "--replace-route")
        reaches(lab, lab.spare)
        both = state(lab)["-4 route show table all"] + state(lab)["-6 route show table all"]
        theirs = [r for r in both.splitlines() if r.startswith("default") and "inner" in r]
        assert len(theirs) == 1, both
    lab.via("detach", "box", check=True)
    same(lab, before)


def test_options(lab):
    box(lab)
    attach(
        lab, "--ipv6=off", "--no-lan", "--mtu", "1400", "--dns", "203.0.113.1", "--name", "deep",
        "--ifname", "via.out_1",
    )  # fmt: skip
    session = listed(lab)["deep"]
    assert session["address6"] == "", session
    alias = lab.run(["ip", "link", "show", session["ifname"]], check=True).out
    assert ",attached," in alias and "dev=via.out_1" in alias and "dns=203.0.113.1" in alias, alias
    link = lab.run(["ip", "-n", "box", "addr", "show", "via.out_1"], check=True).out
    assert "mtu 1400" in link and "inet6" not in link, link
    assert inside(lab, f"curl -s --max-time 5 {lab.url}").out == lab.spare.addr + "\n"
    assert inside(lab, f"curl -s --max-time 2 http://{lab.spare.gateway}/").code != 0
    lab.via("detach", "deep", check=True)


REFUSED = {
    "neither": (["wlp6s0"], "say one of --container NAME, --pid PID and --netns NAME"),
    "both": (["wlp6s0", "--pid", "1", "--netns", "x"], "say one of --container NAME, --pid PID and --netns NAME"),
    "path": (["wlp6s0", "--netns", "../x"], "invalid --netns '../x'"),
    "nothing": (["wlp6s0", "--netns", "nosuch"], "open netns '/run/netns/nosuch'"),
    "pid": (["wlp6s0", "--pid", "0"], "invalid --pid '0'"),
    "gone": (["wlp6s0", "--pid", "4194304"], "find process 4194304"),
    "words": (["wlp6s0", "--pid", "1", "two"], "read 'two'"),
    "device": (["wlp6s0", "--pid", "1", "--ifname", "a/b"], "invalid --ifname 'a/b'"),
    "all": (["wlp6s0", "--pid", "1", "--ifname", "all"], "invalid --ifname 'all'"),
    "keep": (["--keep", "wlp6s0", "--pid", "1"], "unknown option '--keep'"),
    "short": (["--pi", "1", "wlp6s0"], "unknown option '--pi'"),
    "no uplink": (["--pid", "1"], "no uplink is named"),
}


@params(**REFUSED)
def test_refused(lab, case):
    words, reason = case
    done = lab.via("attach", *words)
    assert (done.code, done.out) == (125, "") and len(done.err.splitlines()) == 1, done
    assert reason in done.err, done
    assert not lab.daemon_pids(), "nobody was asked"


def test_detach_is_for_attached_ones(lab):
    held = lab.session()
    done = lab.via("detach", "sh")
    assert done.code == 125 and "it was not attached" in done.err, done
    assert "sh" in listed(lab)
    held.finish()


def test_by_process(lab):
    """The netns of a process, under its name."""
    box(lab)
    process = lab.popen(["unshare", "-n", "sh", "-c", ALIVE])
    process.expect("ready\n")
    lab.wait(lambda: process.pid in lab.processes("cat"), 5, "the program that the shell becomes")
    done = lab.via("attach", lab.spare, "--pid", process.pid, check=True)
    assert "session 'cat'" in done.out, done
    assert process.pid in listed(lab)["cat"]["pids"]
    done = lab.run(
        ["nsenter", "-t", str(process.pid), "-n", "curl", "-s", "--max-time", "5", lab.url]
    )
    assert done.out == lab.spare.addr + "\n", done
    lab.via("detach", "cat", check=True)
    assert process.running(), "nothing is killed"
    process.finish()


@contextlib.contextmanager
def netns_of(user):
    """A process of a user's in namespaces of its own; yields its pid."""
    read, write = os.pipe()
    stop_read, stop_write = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(stop_write)
            os.setgroups([])
            os.setresgid(user, user, user)
            os.setresuid(user, user, user)
            nsutil.dumpable()
            nsutil.unshare(nsutil.CLONE_NEWUSER | nsutil.CLONE_NEWNET)
            os.write(write, b"!")
            os.read(stop_read, 1)
        finally:
            os._exit(0)
    os.close(write)
    os.close(stop_read)
    try:
        if os.read(read, 1) != b"!":
            raise Skip("no user namespaces for a plain user here")
        yield pid
    finally:
        os.close(stop_write)
        os.close(read)
        os.waitpid(pid, 0)


@needs("root", "tool:setpriv", "tool:setcap")
def test_as_a_user(lab):
    """Under the policy, which says it for attachments of their own; what is theirs, and no more."""
    from test_who_may import NETDEV, Site

    site = Site(lab)
    site.policy("[%netdev]\nuplinks = wlp6s0\nattach = yes\nsessions = 1\n")
    with netns_of(1000) as pid, netns_of(1000) as second, netns_of(1001) as foreign:
        done = site.via("alice", "attach", lab.spare, "--pid", pid, groups=[NETDEV])
        assert done.code == 0, done
        done = site.via("alice", "attach", lab.spare, "--pid", second, groups=[NETDEV])
        site.is_refusal(done, "alice", "you have 1 session already")
        done = site.via("alice", "attach", lab.spare, "--pid", foreign, groups=[NETDEV])
        assert done.code == 125 and "Permission denied" in done.err, done
        name = listed(lab).popitem()[0]
        done = site.via("bob", "detach", name, groups=[NETDEV])
        site.is_refusal(done, "bob", "the session belongs to uid 1000")
        done = site.via("alice", "detach", name)
        assert done.code == 0 and "stays closed" not in done.err, done
        for command in ("ip -4 route show table all", "ip -6 route show table all", "nft list ruleset"):
            left = lab.run(["nsenter", "-t", str(pid), "-n", *command.split()], check=True).out
            assert "unreachable" not in left and "via_iface" not in left, left
        site.policy("[%netdev]\nattach = no\n")
        done = site.via("alice", "attach", lab.spare, "--pid", pid, groups=[NETDEV])
        site.is_refusal(done, "alice", "attach to uplink 'wlp6s0'", "allows no attach")
        done = site.via("carol", "attach", lab.spare, "--pid", pid)
        assert done.code == 125, done
    assert listed(lab) == {}
