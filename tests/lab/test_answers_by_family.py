"""A program gets the same answers inside as on a host that has the uplink alone.

Which of a name's addresses getaddrinfo(3) returns, in which order, and what connect(2) says to each
of them at once, for an uplink with both families, with IPv4 alone, with IPv6 alone, and with IPv4 and a
unique local address whose router has no IPv6 of a provider's.
"""

import json
import os
import time

from lab import needs, params, timeout, topology

# A name with both kinds of addresses, each kind alone, and what connect(2) and curl(1) make of it.
PROBE = """
import errno, json, socket, subprocess, time
found = {}
for name in ("both.test", "four.test", "six.test"):
    for flags in (0, socket.AI_ADDRCONFIG):
        try:
            got = socket.getaddrinfo(name, 80, type=socket.SOCK_STREAM, flags=flags)
            found[f"{name} {flags}"] = [one[4][0] for one in got]
        except socket.gaierror as error:
            found[f"{name} {flags}"] = error.errno
for address in ("203.0.113.1", "2001:db8:113::1"):
    for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind) as s:
            s.settimeout(3)
            start = time.monotonic()
            try:
                s.connect((address, 80))
                result = "connected"
            except OSError as error:
                result = errno.errorcode.get(error.errno, str(error))
            found[f"{address} {kind.name}"] = result
            assert time.monotonic() - start < 1, (address, result)
done = subprocess.run(["curl", "-s", "--max-time", "5", "-o", "/dev/null", "-w", "%{remote_ip}",
                       "http://both.test/"], capture_output=True, text=True)
found["curl"] = done.stdout, done.returncode
print(json.dumps(found))
"""

HAS = {"both": (4, 6), "ipv4": (4,), "ipv6": (6,), "unique_local": (4,)}


def prepared(lab, families):
    """The spare card with these families alone, and names in a file."""
    u = lab.spare
    for option, family in (("-4", 4), ("-6", 6)):
        if family not in families:
            for table in ("", "table 77"):
                lab.run(["ip", option, "route", "flush", "dev", u.dev, *table.split()])
            lab.ip(f"{option} addr flush dev {u} scope global")
    with open("/etc/hosts", "a") as f:
        f.write(f"{lab.server} both.test\n{lab.server6} both.test\n")
        f.write(f"{lab.server} four.test\n{lab.server6} six.test\n")
    lab.set_dns(u, [a for n, a in ((4, u.gateway), (6, u.gateway6)) if n in families])


def outside(lab):
    """On the host, without the other card."""
    lab.ip(f"link set {lab.wired} down")
    done = json.loads(lab.run(["python3", "-c", PROBE], check=True).out)
    lab.ip(f"link set {lab.wired} up")
    lab.wait(lambda: lab.carrier(lab.wired.dev), 5)
    return done


def inside(lab, *options, uplink=None):
    uplink = uplink or lab.spare
    return json.loads(lab.via(*options, uplink, "--", "python3", "-c", PROBE, check=True).out)


@topology("split")
@params(*HAS)
@timeout(60)
def test_as_outside(lab, which):
    prepared(lab, HAS[which])
    if which == "unique_local":
        lab.ip(f"addr add fd55::10/64 dev {lab.spare} nodad")
    wired = lab.capture_wired()
    got = inside(lab)
    assert not wired.leaks(), wired.leaks()[:5]
    wanted = outside(lab)
    assert got == wanted, f"\nhost    {wanted}\nsession {got}"
    wanted_ip = lab.server6 if 6 in HAS[which] else lab.server
    assert got["curl"] == [wanted_ip, 0]


@topology("split")
@timeout(60)
def test_the_hosts_own_order(lab):
    """A gai.conf of the host's that wants IPv4 first is obeyed inside too."""
    with open("/etc/gai.conf", "w") as f:
        f.write("precedence ::ffff:0:0/96 100\n")
    prepared(lab, (4, 6))
    got = inside(lab)
    assert got["both.test 0"] == [lab.server, lab.server6]
    assert got == outside(lab)
    with open("/etc/gai.conf") as f:
        assert f.read() == "precedence ::ffff:0:0/96 100\n"


@topology("split")
@timeout(60)
def test_a_host_without_gai_conf(lab):
    """Nothing is made on the host, and the order is the host's all the same."""
    lab.run(["rm", "-f", "/etc/gai.conf"], check=True)
    prepared(lab, (4, 6))
    got = inside(lab)
    assert got["both.test 0"] == [lab.server6, lab.server]
    assert got == outside(lab)
    assert lab.run(["ls", "/etc/gai.conf"]).code != 0


@topology("split")
@timeout(60)
def test_family_of_another_uplink_of_the_list(lab):
    """One uplink of the list has IPv6: after a failover to it, IPv6 works."""
    prepared(lab, (4,))
    u, w = lab.spare, lab.wired
    script = f"read x; curl -sg --max-time 5 {lab.url6} || echo failed"
    held = lab.via_popen("--name", "moves", f"{u},{w}", "--", "sh", "-c", f"echo ready; {script}")
    held.expect("ready\n")
    lab.via("move", "moves", w, check=True)
    held.write("\n")
    assert lab.wired.addr6 in held.finish().out


# Names with an address of each family, where another prefix of IPv6 is another row of RFC 6724's
# table, and one of IPv4 is of another scope.
DESTINATIONS = (
    "203.0.113.1 2001:db8:113::1", "203.0.113.2 2001:db8:113::2", "10.1.1.1 2001:db8:a::1",
    "192.168.2.1 2001:db8:2::1", "192.168.1.1 2001:db8:1::1", "9.9.9.9 2620:fe::fe",
    "1.1.1.1 2606:4700:4700::1111", "142.250.1.1 2a00:1450:4001::1", "100.64.0.1 240b:10::1",
    "198.18.0.1 2001:5::1", "169.254.7.7 2001:db8:113::1", "203.0.113.1 2002:cb00:7101::1",
    "203.0.113.1 2001:0:5ef5:79fd::1", "203.0.113.1 64:ff9b::cb00:7101", "203.0.113.1 fd77::1",
    "203.0.113.1 fec0::1", "203.0.113.1 3ffe::1", "203.0.113.1 5f00::1", "203.0.113.1", "2001:db8:113::1",
)  # fmt: skip

# Of a C library whose table no file changes: the order of each name's addresses, and the family of
# the socket that connects to the first of them.
ORDER = r"""
#include <arpa/inet.h>
#include <netdb.h>
#include <stdio.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct addrinfo *all = NULL, hints = { .ai_socktype = SOCK_DGRAM };
		char text[128];
		int fd;

		printf("%s", argv[i]);
		if (getaddrinfo(argv[i], "80", &hints, &all))
			return 1;
		for (struct addrinfo *a = all; a; a = a->ai_next) {
			getnameinfo(a->ai_addr, a->ai_addrlen, text, sizeof(text), NULL, 0, NI_NUMERICHOST);
			printf(" %s", text);
		}
		fd = socket(all->ai_family, SOCK_DGRAM, 0);
		printf(" %s\n", connect(fd, all->ai_addr, all->ai_addrlen) ? "refused" : "connected");
	}
	return 0;
}
"""


@topology("split")
@params(*HAS)
@needs("tool:musl-gcc")
@timeout(60)
def test_order_that_no_file_changes(lab, which):
    """Twenty destinations come in the same order inside, by RFC 6724 with the table that is built in."""
    prepared(lab, HAS[which])
    if which == "unique_local":
        lab.ip(f"addr add fd55::10/64 dev {lab.spare} nodad")
    names = [f"d{n}.test" for n in range(len(DESTINATIONS))]
    with open("/etc/hosts", "a") as f:
        for name, addresses in zip(names, DESTINATIONS):
            f.writelines(f"{address} {name}\n" for address in addresses.split())
    program = os.path.join(lab.tmp, "order")
    with open(program + ".c", "w") as f:
        f.write(ORDER)
    lab.run(["musl-gcc", "-static", "-o", program, program + ".c"], check=True)
    inside = lab.via(lab.spare, "--", program, *names, check=True).out.splitlines()
    lab.ip(f"link set {lab.wired} down")
    outside = lab.run([program, *names], check=True).out.splitlines()
    assert len(outside) == len(DESTINATIONS) >= 20
    assert inside == outside, [both for both in zip(inside, outside) if both[0] != both[1]]
    first = outside[0].split()[1]
    assert first == (lab.server6 if 6 in HAS[which] else lab.server), outside[0]
