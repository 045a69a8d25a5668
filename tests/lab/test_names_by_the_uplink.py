"""Names: whoever asks in a session, in whatever way, is answered by its uplink's name servers, and
not one question leaves by the other card."""

import os
import signal
import time

import nsutil
from lab import needs, params, sanitized, topology, write_file
from test_leaves_by_its_uplink import give_back, lose
from test_inside_as_outside import own_etc, replace

# A static program that knows no nss: what a Go program does, or one of another C library.
STATIC = r"""
#include <arpa/inet.h>
#include <arpa/nameser.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdio.h>
int main(int argc, char *argv[])
{
	unsigned char answer[4096];
	char text[64];
	ns_msg msg;
	ns_rr rr;
	int n = res_query(argv[argc - 1], ns_c_in, ns_t_a, answer, sizeof(answer));
	if (n < 0 || ns_initparse(answer, n, &msg) < 0 || ns_parserr(&msg, ns_s_an, 0, &rr) < 0)
		return 1;
	puts(inet_ntop(AF_INET, ns_rr_rdata(rr), text, sizeof(text)));
	return 0;
}
"""


def static_program(lab):
    source, path = os.path.join(lab.tmp, "ask.c"), os.path.join(lab.tmp, "ask")
    if not os.path.exists(path):
        write_file(source, STATIC)
        lab.run(["gcc", "-static", "-o", path, source, "-lresolv"], check=True)
    return path


def ways(lab):
    """Each prints the address of who.test. curl by name needs somebody at that address."""
    lab.run("ip addr add 10.1.1.1/32 dev lo; ip addr add 10.2.2.2/32 dev lo", ns="inet", check=True)
    return {
        "getent": "getent ahostsv4 who.test | awk '{print $1; exit}'",
        "dig": "dig +short +tries=1 +time=2 who.test",
        "dig_tcp": "dig +short +tries=1 +time=2 +tcp who.test",
        "curl": "curl -4s -m 3 -o /dev/null -w '%{remote_ip}\\n' http://who.test/",
        "static": f"{static_program(lab)} who.test",
        "dig_own": "dig +short +tries=1 +time=2 who.test @$(awk '/^nameserver/ {print $2; exit}' /etc/resolv.conf)",
    }


class Asker:
    """A session that runs shell commands, one at a time."""

    def __init__(self, lab, uplink=None, *options, **more):
        script = 'while read -r line; do eval "$line" 2>&1; echo "did $?"; done'
        self.lab = lab
        self.process = lab.session(uplink, *options, script=script, **more)

    def run(self, command, seconds=10):
        """Its output; the seconds that it took are in self.seconds."""
        self.process.out = b""
        start = time.monotonic()
        self.process.write(command + "\n")
        text = self.process.expect("did ", seconds)
        self.seconds = time.monotonic() - start
        return text.rpartition("did ")[0].strip()

    def finish(self):
        return self.process.finish()


def questions(capture):
    """DNS, mDNS and the like, seen there from whomever."""
    return [f for f in capture.peek() if f.dir == "in" and f.dport in (53, 853, 5353, 5355)]


LOOPBACK, PUBLIC = "127.0.0.53", "198.51.100.53"
POINTS_AT = {"loopback": LOOPBACK, "wired_router": None, "public": PUBLIC}


@needs("tool:gcc")
@topology("split", "same")
@params(**POINTS_AT)
def test_every_way_of_asking(lab, server):
    """Inside 10.2.2.2, outside 10.1.1.1; also when the host has meanwhile renamed another
    resolv.conf over its own, as its network managers do."""
    server = server or lab.wired.gateway
    own_etc(lab)
    replace("/etc/resolv.conf", f"nameserver {server}\n")
    commands = ways(lab)
    held = Asker(lab)
    wired = lab.capture_wired()
    for round in range(2):
        for name, command in commands.items():
            said = held.run(command)
            assert said == lab.spare.dns, (round, name, said)
        replace("/etc/resolv.conf.new", f"nameserver {server}\n# renamed\n")
        os.rename("/etc/resolv.conf.new", "/etc/resolv.conf")
    assert not questions(wired), questions(wired)[:5]
    assert not wired.leaks() and not wired.answers(), wired.leaks()[:5]
    replace("/etc/resolv.conf", f"nameserver {lab.wired.gateway}\n")
    for name in ("getent", "dig", "static"):
        assert lab.run(commands[name]).out.strip() == lab.wired.dns, name
    asked = {line[0] for line in lab.dns_log() if line[2] != lab.wired.addr}
    assert asked == {"spare"}, asked


@topology("split", "same")
def test_asked_over_the_mount(lab):
    """A program in whose eyes the host's own resolv.conf came back (its mount was taken away, or
    never seen) asks the host's server: that too is led to the uplink's."""
    held = Asker(lab)
    wired = lab.capture_wired()
    for server, more in ((LOOPBACK, ""), ("127.0.0.1", "+tcp"), (lab.wired.gateway, ""), (lab.wired.gateway, "+tcp")):
        said = held.run(f"dig +short +tries=1 +time=2 {more} who.test @{server}")
        assert said == lab.spare.dns, (server, more, said)
    # one that the program names itself, and that the host does not use, is really asked
    said = held.run(f"dig +short +tries=1 +time=2 who.test @{lab.spare.gateway}")
    assert said == lab.spare.dns
    assert not questions(wired), questions(wired)[:5]


# --- which servers ------------------------------------------------------------------------------


def extra_server(lab, address, router="rspare", answer="10.3.3.3"):
    """One more name server at that router, that gives another answer."""
    code = (
        "import os, sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "import servers\n"
        "log = servers.Log(sys.argv[2])\n"
        "s = servers.open_dns('extra', [sys.argv[3]], {'who.test': (sys.argv[4],)}, log)\n"
        "print('serving', flush=True); servers.serve(s)"
    )
    here = os.path.dirname(os.path.abspath(__file__))
    bits = "128" if ":" in address else "32"
    lab.ip(f"addr add {address}/{bits} dev lo" + (" nodad" if ":" in address else ""), ns=router)
    log = os.path.join(lab.tmp, "extra.log")
    process = lab.popen(["/usr/bin/python3", "-c", code, here, log, address, answer], ns=router)
    process.expect("serving\n")

    def asked():
        with open(log) as f:
            return f.read().splitlines()

    return asked


DIG = "dig +short +tries=1 +time=2 who.test"


@topology("split", "same")
def test_dns_option(lab):
    """The servers of --dns in place of the uplink's; by the uplink; for that session alone."""
    asked = extra_server(lab, "198.18.0.53")
    lab.run("ip route add 198.18.0.0/24 via 198.51.100.10", ns="inet", check=True)
    wired = lab.capture_wired()
    own, other = Asker(lab, None, "--dns", "198.18.0.53"), Asker(lab)
    for command in (DIG, DIG + " +tcp", f"{DIG} @{LOOPBACK}", f"{DIG} @{lab.wired.gateway}"):
        assert own.run(command) == "10.3.3.3", command
        assert other.run(command) == lab.spare.dns, command
    assert len(asked()) == 4, asked()
    assert not questions(wired) and not wired.leaks()


def test_second_server(lab):
    """The second of the addresses inside is the uplink's second server."""
    asked = extra_server(lab, "198.18.0.53")
    lab.set_dns(lab.spare, [lab.spare.gateway, "198.18.0.53"])
    held = Asker(lab)
    servers = held.run("awk '/^nameserver/ {print $2}' /etc/resolv.conf").split()
    assert held.run(f"{DIG} @{servers[0]}") == lab.spare.dns
    assert held.run(f"{DIG} @{servers[1]}") == "10.3.3.3", servers
    assert len(asked()) == 1
    # without one, the first serves under both
    lab.set_dns(lab.spare, [lab.spare.gateway])
    lab.wait(lambda: held.run(f"{DIG} @{servers[1]}") == lab.spare.dns, 2, "the first one for both")


FAMILIES = {
    "dns_option6": (("--dns", "{spare6}"), None),
    "servers6": ((), ["{spare6}"]),
    "servers4": ((), ["{spare4}"]),
}


@topology("split", "same")
@params(**FAMILIES)
def test_servers_of_one_family(lab, case):
    """The family without a server is refused at once: a resolver that tries it first is not kept
    waiting, and the answer comes from the other."""
    options, servers = case
    words = {"spare4": lab.spare.gateway, "spare6": lab.spare.gateway6}
    if servers:
        lab.set_dns(lab.spare, [s.format(**words) for s in servers])
    wired = lab.capture_wired()
    held = Asker(lab, None, *(o.format(**words) for o in options))
    for command in ("getent ahostsv4 who.test | awk '{print $1; exit}'", "getent ahostsv4 who.test | awk '{print $1; exit}'"):
        assert held.run(command) == lab.spare.dns
        assert held.seconds < 1 * lab.scale, f"{held.seconds:.1f} s"
    assert not questions(wired), questions(wired)[:5]


def test_many_questions_of_one_family(lab):
    """One name behind the other, as a browser has them: none waits for the family without a server,
    though the kernel sends only so many ICMP errors a second."""
    lab.set_dns(lab.spare, [lab.spare.gateway6])
    held = Asker(lab)
    for number in range(6):
        assert held.run("getent ahostsv4 who.test | awk '{print $1; exit}'", 30) == lab.spare.dns
        assert held.seconds < 1 * lab.scale, f"lookup {number + 1} took {held.seconds:.1f} s"


def test_uplink_with_ipv6_only(lab):
    """No IPv4 at all on the uplink: names are answered, AAAA leads there, within a second."""
    lab.run(f"ip -4 addr flush dev {lab.spare}; ip -4 route flush dev {lab.spare}", check=True)
    lab.set_dns(lab.spare, [lab.spare.gateway6])
    held = Asker(lab)
    wired = lab.capture_wired()
    said = held.run("getent ahostsv6 who.test | awk '{print $1; exit}'")
    assert said == lab.spare.dns6, said
    assert held.seconds < 1 * lab.scale, held.seconds
    # (another session: the kernel refuses one address a few questions, then one a second)
    other = Asker(lab)
    assert other.run("curl -s -m 8 http://inet.test/") == lab.spare.addr6
    assert not questions(wired) and not wired.leaks()


@topology("split", "same")
def test_servers_change(lab):
    """Another lease, and back, while the session runs: the next question goes there."""
    asked = extra_server(lab, "198.18.0.53")
    held = Asker(lab)
    assert held.run(DIG) == lab.spare.dns
    for servers, answer in ((["198.18.0.53"], "10.3.3.3"), ([lab.spare.gateway], lab.spare.dns)) * 3:
        start = time.monotonic()
        lab.set_dns(lab.spare, servers)
        lab.wait(lambda a=answer: held.run(DIG) == a, 3, f"an answer of {servers}")
        assert time.monotonic() - start < 1 * lab.scale, time.monotonic() - start
    assert asked()


def test_servers_change_at_once_for_many(lab):
    """Of the other uplink: nothing of this one is touched, and nobody waits."""
    held = [Asker(lab) for _ in range(4)]
    for number in range(10):
        lab.set_dns(lab.wired, [lab.wired.gateway, f"192.0.2.{number + 1}"])
        assert held[number % 4].run(DIG) == lab.spare.dns


def test_search_domains(lab):
    """Those of the uplink, not the host's."""
    own_etc(lab)
    replace("/etc/resolv.conf", f"nameserver {lab.wired.gateway}\nsearch office.example\n")
    lab.set_dns(lab.spare, [lab.spare.gateway], ["test", "home.example"])
    held = Asker(lab)
    text = held.run("cat /etc/resolv.conf")
    assert "search test home.example" in text and "office" not in text, text
    assert held.run("getent ahostsv4 who | awk '{print $1; exit}'") == lab.spare.dns


def test_none_known(lab):
    """Refused, with the way out; and with --dns it works."""
    lab.set_dns(lab.spare, [])
    lab.ip(f"route replace default via {lab.spare.gateway} dev {lab.spare} metric {lab.spare.metric}")
    lab.run("ip addr add 8.8.8.1/24 dev lan", ns=lab.spare.router, check=True)  # no private gateway
    lab.run(
        f"ip addr add 8.8.8.10/24 dev {lab.spare} noprefixroute;"
        f" ip route add 8.8.8.1 dev {lab.spare};"
        f" ip route replace default via 8.8.8.1 dev {lab.spare} metric {lab.spare.metric}",
        check=True,
    )
    done = lab.via(lab.spare, "--", "echo", "it ran")
    assert done.code == 125 and "--dns" in done.err and not done.out, done
    assert len(done.err.splitlines()) == 1, done
    # where the daemon may not look, it says so: it is root without CAP_DAC_READ_SEARCH
    assert "permission denied" not in done.err, done
    nsutil.mount("tmpfs", "/var/lib", "tmpfs", data="mode=755")
    os.mkdir("/var/lib/dhcpcd", 0)
    done = lab.via(lab.spare, "--", "echo", "it ran")
    # built with sanitizers it keeps all capabilities (src/daemon/sandbox.c)
    assert done.code == 125 and ("/var/lib/dhcpcd: permission denied" in done.err or sanitized()), done
    done = lab.via("--dns", lab.spare.gateway, lab.spare, "--", "sh", "-c", DIG)
    assert done.out.strip() == lab.spare.dns, done


def test_servers_vanish(lab):
    """While the session runs: then nobody answers, and nobody else is asked."""
    held = Asker(lab)
    wired = lab.capture_wired()
    assert held.run(DIG) == lab.spare.dns
    lose(lab, "down")
    held.run("getent ahostsv4 who.test; " + DIG, 30)
    assert not questions(wired) and not wired.leaks(), wired.leaks()[:5]
    give_back(lab, "down")
    lab.wait(lambda: held.run(DIG) == lab.spare.dns, 5, "an answer again")


# --- who else may not answer, or be asked ---------------------------------------------------------


def test_no_lan(lab):
    """The uplink's server is in its LAN; names work nonetheless, and nothing else there does."""
    held = Asker(lab, None, "--no-lan")
    for command in (DIG, DIG + " +tcp", f"{DIG} @{LOOPBACK}"):
        assert held.run(command) == lab.spare.dns, command
    assert held.run(f"{DIG} @{lab.spare.gateway}") != lab.spare.dns
    assert "100%" in held.run(f"ping -n -c1 -W1 {lab.spare.gateway}")
    assert held.run(f"curl -s -m 3 {lab.url}") == lab.spare.addr


@topology("split", "same")
@params("has_servers", "has_none", "lost")
def test_host_resolver_is_not_reached(lab, case):
    """The host has one on every address, the bridge's too: a session never hears of it."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "import servers\n"
        "s = servers.open_dns('host', ['0.0.0.0', '::'], {'who.test': ('10.9.9.9',)}, servers.Log(sys.argv[2]))\n"
        "print('serving', flush=True); servers.serve(s)"
    )
    log = os.path.join(lab.tmp, "host.log")
    here = os.path.dirname(os.path.abspath(__file__))
    lab.popen(["/usr/bin/python3", "-c", code, here, log]).expect("serving\n")
    assert lab.run(f"{DIG} @127.0.0.1").out.strip() == "10.9.9.9", "it serves"
    if case == "has_none":
        lab.set_dns(lab.spare, [lab.spare.gateway6])
    held = Asker(lab)
    gateway = held.run("ip -4 route show default | awk '{print $3}'")
    gateway6 = held.run("ip -6 route show default | awk '{print $3; exit}'")
    second = gateway.rsplit(".", 1)[0] + ".2"
    if case == "lost":
        lose(lab, "down")
    with open(log) as f:
        before = f.read()
    targets = [gateway, gateway6, second, LOOPBACK, lab.wired.addr, lab.spare.addr, lab.wired.addr6]
    for more in ("", "+tcp"):
        for address in targets:
            said = held.run(f"{DIG} +time=1 {more} @{address}", 20)
            assert "10.9.9.9" not in said, (address, more, said)
    with open(log) as f:
        assert f.read() == before, "it was asked"


def test_others_own_servers(lab):
    """The servers of one session's --dns are no other's: same uplink, same question, at the same
    addresses; and they go with the session."""
    extra_server(lab, "198.18.0.53")
    one = Asker(lab, None, "--dns", "198.18.0.53")
    two = Asker(lab, None, "--dns", lab.spare.gateway)
    three = Asker(lab)
    for _ in range(3):
        assert [s.run(DIG) for s in (one, two, three)] == ["10.3.3.3", lab.spare.dns, lab.spare.dns]
    one.finish()
    lab.wait(lambda: "198.18.0.53" not in lab.run("nft list map inet via_iface own_dns4").out, 5, "its end")
    assert [s.run(DIG) for s in (two, three)] == [lab.spare.dns] * 2


@topology("split", "same")
def test_daemon_is_dead(lab):
    """The redirection is the kernel's."""
    held = Asker(lab)
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    wired = lab.capture_wired()
    for command in (DIG, DIG + " +tcp", f"{DIG} @{LOOPBACK}", f"{DIG} @{lab.wired.gateway}"):
        assert held.run(command) == lab.spare.dns, command
    assert not questions(wired)
