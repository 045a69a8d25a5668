"""What the kernel refuses for one uplink keeps no session of another from being healed. The
sessions of that uplink are blocked meanwhile, are told why, and come back by themselves."""

import os

from flow import Flow
from lab import Skip, needs, program, sanitized, topology, write_file


def shut(lab, path):
    """Nobody can change that sysctl, and it reads as it was before us."""
    file = os.path.join(lab.tmp, "zero")
    write_file(file, "0\n")
    lab.run(["mount", "--bind", file, f"/proc/sys/{path}"], check=True)
    lab.run(["mount", "-o", "remount,bind,ro", f"/proc/sys/{path}"], check=True)


def listed(lab, flow):
    return next(s for s in lab.via("list", "--json").json() if s["name"] == flow.name)


@topology("split")
def test_one_uplink(lab):
    """Forwarding cannot be switched on for one uplink; a port of the other comes up again, which is
    done after that."""
    bad, good = Flow(lab, lab.spare), Flow(lab, lab.wired, token="OTHER")
    path = f"net/ipv4/conf/{lab.spare}/forwarding"
    wrong = lab.capture_wired(token="BEACON")
    shut(lab, path)
    lab.ip(f"link set {good.listed()['ifname']} down")
    good.flows(good.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    lab.wait(lambda: listed(lab, bad)["state"] == "blocked", 5, "the state")
    assert "kernel refused a sysctl" in listed(lab, bad)["reason"], listed(lab, bad)
    bad.silent()
    assert listed(lab, good)["state"] == "up"
    # a session that starts meanwhile has the other uplink; one by this uplink is told why not
    lab.via(lab.wired, "--", "true", check=True)
    failed = lab.via(lab.spare, "--", "true")
    assert failed.code == 125 and f"sysctl {path}" in failed.err, failed
    good.flows(good.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    lab.run(["umount", f"/proc/sys/{path}"], check=True)
    bad.flows(bad.started(), 40, seen=(lab.spare.addr, lab.spare.addr6))
    lab.wait(lambda: listed(lab, bad)["state"] == "up", 5, "the state")
    assert not [f for f in wrong.stop() if f.dir == "in" and b"BEACON" in f.raw]


# nftables gets the rule of --no-lan for 203.0.113.0/24 with a chain that there is not.
NO_SUCH_CHAIN = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
ssize_t sendto(int fd, const void *buf, size_t len, int flags, const struct sockaddr *to, socklen_t size)
{
	ssize_t (*real)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
		dlsym(RTLD_NEXT, "sendto");
	for (size_t at = 0; at + sizeof(struct nlmsghdr) <= len;) {
		struct nlmsghdr *h = (struct nlmsghdr *)((char *)buf + at);
		char *chain;
		if (h->nlmsg_len < sizeof(*h) || h->nlmsg_len > len - at)
			break; /* not netlink(7) */
		chain = memmem(h, h->nlmsg_len, "lan4", 5);
		if (chain && memmem(h, h->nlmsg_len, "\xcb\x00\x71", 3))
			memcpy(chain, "lanX", 4);
		at += NLMSG_ALIGN(h->nlmsg_len);
	}
	return real(fd, buf, len, flags, to, size);
}
"""


@needs("tool:gcc")
@topology("split")
def test_one_rule(lab):
    """One of many rules of a transaction, about a network of one uplink, in a chain of all."""
    if sanitized():
        raise Skip("a sanitizer does not start behind another library")
    source, library = os.path.join(lab.tmp, "send.c"), os.path.join(lab.tmp, "send.so")
    write_file(source, NO_SUCH_CHAIN)
    lab.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    read, write = os.pipe()
    lab.popen([program("via-ifaced"), "--ready", str(write)], pass_fds=(write,), env={"LD_PRELOAD": library})
    os.close(write)
    with open(read, "rb", buffering=0) as pipe:
        assert pipe.read(1) == b"\n"
    bad = Flow(lab, lab.spare, "--no-lan")
    good = Flow(lab, lab.wired, "--no-lan", token="OTHER")
    wrong = lab.capture_wired(token="BEACON")
    lab.ip(f"addr add 203.0.113.7/24 dev {lab.spare}")
    lab.wait(lambda: listed(lab, bad)["state"] == "blocked", 10, "the state")
    assert "kernel refused" in listed(lab, bad)["reason"], listed(lab, bad)
    bad.silent()
    lab.ip(f"link set {good.listed()['ifname']} down")  # a port of the other is healed meanwhile
    good.flows(good.started(), 5, seen=(lab.wired.addr, lab.wired.addr6))
    lab.via(lab.wired, "--no-lan", "--", "true", check=True)
    failed = lab.via(lab.spare, "--", "true")
    assert failed.code == 125 and "lan4" in failed.err, failed
    lab.ip(f"addr del 203.0.113.7/24 dev {lab.spare}")
    bad.flows(bad.started(), 40, seen=(lab.spare.addr, lab.spare.addr6))
    assert not [f for f in wrong.stop() if f.dir == "in" and b"BEACON" in f.raw]
