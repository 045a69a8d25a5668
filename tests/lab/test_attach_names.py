"""Names in an attached namespace: whichever name server it is told of, on whatever address, no
question leaves by the wired card; or `attach` refuses, and says why."""

import os
import socket
import threading

import nsutil
from lab import needs, params, program, topology, write_file
from test_attach_only_this_uplink import NET, NET6, Container
from test_inside_as_outside import own_etc, replace
from test_names_by_the_uplink import questions

# A resolver that lives outside: it takes questions in one netns and asks from another.
RESOLVER = """
import ctypes, os, select, socket, sys
host = os.open("/proc/self/ns/net", os.O_RDONLY)
box = os.open(sys.argv[1], os.O_RDONLY) if sys.argv[1] else host
listen, port, upstream = sys.argv[2], int(sys.argv[3]), sys.argv[4]
libc = ctypes.CDLL(None)
six = socket.AF_INET6 if ":" in listen else socket.AF_INET
assert libc.setns(box, 0x40000000) == 0
inside = socket.socket(six, socket.SOCK_DGRAM)
inside.bind((listen, port))
tcp = socket.create_server((listen, port), family=six)
assert libc.setns(host, 0x40000000) == 0
print("serving", flush=True)
waiting = {}
while True:
    ready = select.select([inside, *waiting], [], [])[0]
    for s in ready:
        if s is inside:
            data, peer = s.recvfrom(4096)
            out = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
            out.sendto(data, (upstream, 53))
            waiting[out] = peer
        else:
            inside.sendto(s.recv(4096), waiting.pop(s))
            s.close()
"""


def resolver(lab, netns, address, port=53):
    path = os.path.join(lab.tmp, "resolver.py")
    write_file(path, RESOLVER)
    held = lab.popen(["python3", path, netns, address, str(port), lab.wired.gateway])
    held.expect("serving\n")
    return held


def docker_like(lab, box):
    """127.0.0.11, translated to a port of a socket that a process outside opened in there."""
    resolver(lab, "/run/netns/box", "127.0.0.11", 40053)
    box.run(
        "nft add table ip nat; nft 'add chain ip nat OUTPUT { type nat hook output priority -100; }';"
        "nft 'add chain ip nat DOCKER_OUTPUT'; nft 'add rule ip nat OUTPUT ip daddr 127.0.0.11 jump DOCKER_OUTPUT';"
        "nft 'add rule ip nat DOCKER_OUTPUT ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:40053'",
        check=True,
    )
    return "127.0.0.11"


def bridge_like(lab, box):
    """On the bridge, as podman's and libvirt's."""
    resolver(lab, "", f"{NET}.1")
    return f"{NET}.1"


def bridge_like6(lab, box):
    resolver(lab, "", f"{NET6}1")
    return f"{NET6}1"


def slirp_like(lab, box):
    """An address of its own link that no other service has."""
    lab.ip(f"addr add {NET}.3/24 dev docklike")
    resolver(lab, "", f"{NET}.3")
    return f"{NET}.3"


RESOLVERS = {
    "docker": docker_like,
    "bridge": bridge_like,
    "bridge6": bridge_like6,
    "slirp": slirp_like,
}
WAYS = ("dig +short +tries=1 +time=3 who.test", "dig +short +tries=1 +time=3 +tcp who.test")


@topology("split", "same")
@params(**RESOLVERS)
def test_resolver_outside(lab, make):
    """Before it is attached the question leaves by the wired card; then by its uplink, also of a
    program that runs already; and after `detach` as before."""
    box = Container(lab)
    server = make(lab, box)
    said = box.run(f"{WAYS[0]} @{server}").out.strip()
    assert said == lab.wired.dns, "the resolver outside answers"
    box.attach()
    wired = lab.capture_wired()
    for command in WAYS:
        assert box.run(f"{command} @{server}").out.strip() == lab.spare.dns, command
    lab.via("pause", "box", check=True)
    for command in WAYS:
        assert box.run(f"{command} @{server}").out.strip() not in (lab.wired.dns, lab.spare.dns)
    lab.via("resume", "box", check=True)
    assert not questions(wired), questions(wired)[:4]
    lab.via("detach", "box", check=True)
    assert box.run(f"{WAYS[0]} @{server}").out.strip() == lab.wired.dns, "as before"


@params(**RESOLVERS)
def test_allowed(lab, make):
    """With --allow-foreign-resolver it is asked as ever, and nothing is put in its way."""
    box = Container(lab)
    server = make(lab, box)
    box.attach("--allow-foreign-resolver")
    assert box.run(f"{WAYS[0]} @{server}").out.strip() == lab.wired.dns
    assert "53" not in box.run("nft list table inet via_iface_attached").out


def test_loopback6(lab):
    """::1 cannot be led anywhere: refused at once, and the next server is asked."""
    own_etc(lab)
    box = Container(lab)
    resolver(lab, "/run/netns/box", "::1")
    assert box.run(f"{WAYS[0]} @::1").out.strip() == lab.wired.dns
    box.attach()
    wired = lab.capture_wired()
    done = box.run(f"{WAYS[0]} @::1")
    assert lab.wired.dns not in done.out and done.seconds < 2 * lab.scale, done
    assert not questions(wired)


def test_without_ipv6(lab):
    box = Container(lab)
    server = bridge_like6(lab, box)
    box.attach("--ipv6=off")
    wired = lab.capture_wired()
    assert lab.wired.dns not in box.run(f"{WAYS[0]} @{server}").out
    assert not questions(wired)
