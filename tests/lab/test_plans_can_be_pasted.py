"""The golden plans are no mere text: pasted into a shell they make a session, and unmake it."""

import glob
import os

from lab import ROOT, Skip, params, timeout, topology

FOLDER = os.path.join(ROOT, "tests", "golden")
FORCE = "net/ipv6/conf/all/force_forwarding"


def plan(lab, name):
    """What is still to be made, and what undoes it, as two scripts."""
    with open(os.path.join(FOLDER, name + ".plan")) as f:
        text = f.read()
    if "/force_forwarding=" in text and not os.path.exists("/proc/sys/" + FORCE):
        raise Skip("needs the sysctl " + FORCE)
    make, undo = text.split("# to undo\n")
    todo = [line for line in make.splitlines() if not line.endswith("# present")]
    if not lab.real_root:  # a user namespace has not all those groups
        todo = [line for line in todo if "ping_group_range" not in line]
    return "set -e\n" + "\n".join(todo), "set -e\n" + undo


def card(name, *addresses):
    """Another card with its cable. Some kernels know no dummies."""
    lines = [f'ip link add "{name}" type veth peer name far', "ip link set far up"]
    lines += [f'ip link set "{name}" up']
    lines += [f'ip addr add {a} dev "{name}"' + " nodad" * (":" in a) for a in addresses]
    return "\n".join(lines)


# What the host of the plan has beyond the lab's; tests/golden/golden.c says the same in facts.
HOSTS = {
    "firewalls": """
        iptables-nft -P FORWARD DROP
        iptables-nft -N DOCKER-USER
        iptables-nft -A FORWARD -j DOCKER-USER
        ip6tables-nft -P FORWARD DROP
        nft add table inet own
        nft 'add chain inet own transit { type filter hook forward priority 0; }'
        nft add rule inet own transit drop""",
    "ipv6-only": card("wwan0", "2001:db8:5::5/64"),
    "link-local-server": card("wwan0", "2001:db8:5::5/64", "fe80::5/64"),
    "point-to-point": card("tun0", "10.8.0.2/24"),
    "no-fence": """
        sysctl -qw net.ipv4.conf.wlp6s0.forwarding=1
        [ ! -e /proc/sys/net/ipv6/conf/wlp6s0/force_forwarding ] ||
            sysctl -qw net.ipv6.conf.wlp6s0.force_forwarding=1""",
    "never-default": card("usb0", "192.168.42.2/24"),
    "no-ipv6": "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
    "odd-name": card("it's*", "192.168.7.2/24"),
    "other-pool": "ip route add 10.0.0.0/8 via 192.168.1.1",
}
# Those whose uplink leads somewhere in the lab, and the program's way out of it.
LEADS = ("split", "list", "firewalls", "no-fence", "no-ipv6", "old-kernel", "other-pool", "options",
         "own-names", "publish", "rate", "share")


def seen_from(lab, netns):
    command = ["ip", "netns", "exec", netns, "curl", "-s", "--max-time", "5", lab.url]
    return lab.run(command, check=True).out.strip()


def paste(lab, name, leads):
    lab.run(HOSTS.get(name, "true"), check=True)
    make, undo = plan(lab, name)
    before = lab.snapshot()
    lab.run(make, timeout=90, check=True)  # a process for each line
    if leads:
        assert seen_from(lab, "curl") == lab.spare.addr
        assert lab.curl() == lab.wired.addr
    lab.run(undo, check=True)
    assert not lab.difference(before, lab.snapshot())


@timeout(180)
@params(*LEADS)
def test_pasted(lab, name):
    paste(lab, name, True)


@topology("same")
def test_pasted_in_one_subnet(lab):
    paste(lab, "same", True)


@params("ipv6-only", "link-local-server", "point-to-point", "odd-name", "never-default")
def test_pasted_without_a_far_side(lab, name):
    paste(lab, name, False)


@params(second=("second", "curl-2", "spare"), two_uplinks=("two-uplinks", "steam", "wired"))
def test_pasted_beside_another(lab, param):
    name, netns, uplink = param
    first, undo_first = plan(lab, "split")
    make, undo = plan(lab, name)
    before = lab.snapshot()
    lab.run(first, timeout=30, check=True)
    lab.run(make, timeout=30, check=True)
    assert seen_from(lab, netns) == getattr(lab, uplink).addr
    assert seen_from(lab, "curl") == lab.spare.addr
    lab.run(undo, check=True)
    # What lies in a table or on a link that stays goes with it, when the last session goes.
    assert seen_from(lab, "curl") == lab.spare.addr
    lab.run(undo_first, check=True)
    assert not lab.difference(before, lab.snapshot())


def test_all_are_pasted(lab):
    """A new golden plan is pasted, too, or it stands here as one that is only an error."""
    names = {os.path.basename(p).removesuffix(".plan") for p in glob.glob(FOLDER + "/*.plan")}
    done = {*LEADS, "same", "ipv6-only", "point-to-point", "odd-name", "second", "two-uplinks"}
    done |= {"never-default", "link-local-server"}
    assert names - done == {"no-gateway", "no-names"}, names ^ done
