"""--no-lan and `lan = no`: which destinations are refused, and that nothing leads around it.

The internet of the lab answers to every address that is not routed to a card of the host, so a
destination that is not answered was refused by us or by the kernel itself: each is asked without
--no-lan as well.
"""

import ipaddress
import json
import os
import re

from lab import ROOT, Skip, params
from test_who_may import NETDEV, Site
from test_names_by_the_uplink import DIG, Asker

# Each destination, in the words of the manual's section PRIVATE AND LOCAL DESTINATIONS.
REACHED = """
    203.0.113.1 203.0.113.2 203.0.113.200 192.0.3.1 198.51.100.20 1.0.0.1 9.9.9.9 9.255.255.254
    11.0.0.1 100.63.255.254 100.128.0.1 126.255.255.254 128.0.0.1 169.253.255.254 169.255.0.1
    172.15.255.254 172.32.0.1 191.255.255.254 192.0.1.1 192.88.99.1 192.167.255.254 192.169.0.1
    198.17.255.254 198.20.0.1 223.255.255.254
    2001:db8:113::1 2001:db8:113::2 2001:db8:3::1 2001:db8:1:1::1 2001:1::1 2001:3::1 2620:fe::fe
    64:ff9a::1 64:ff9b::9.9.9.9 64:ff9b::203.0.113.1 64:ff9b::172.32.0.1 64:ff9b:2::1 100:0:0:1::1
    2002:909:909::1 2002:cb00:7101::1 2002:ac20:1::1 2003::1 3fff::1 5eff::1 5f01::1 6000::1 fb00::1
"""
REFUSED = """
    192.168.2.1 192.168.2.77 192.168.3.1 192.168.0.1 192.168.255.254 10.0.0.1 10.255.255.254
    0.1.2.3 100.64.0.1 100.127.255.254 169.254.1.1 169.254.169.254 172.16.0.1 172.31.255.254 192.0.0.1
    192.0.0.254 198.18.0.1 198.19.255.254 240.0.0.1 254.1.2.3
    192.0.2.77 192.0.2.254 198.51.100.200
    2001:db8:2::1 2001:db8:2::77 2001:db8:2:0:ffff::1 2001:db8:77::77
    ::2 ::ffff:0:192.168.2.1 fc00::1 fd00::1 fdff:ffff::1 fec0::1 feff::1 100::1 2001::1 2001:0:c000:201::1 2001:2::1
    2001:2:0:ffff::1 5f00::1 5f00:ffff::1 64:ff9b:1::1 64:ff9b:1:ffff::9.9.9.9
    64:ff9b::10.0.0.1 64:ff9b::192.168.2.1 64:ff9b::172.31.0.1 64:ff9b::100.64.0.1
    64:ff9b::169.254.169.254 64:ff9b::127.0.0.1 64:ff9b::198.19.0.1 64:ff9b::192.0.0.8
    64:ff9b::224.0.0.1 64:ff9b::255.255.255.255 64:ff9b::0.0.0.0 64:ff9b::192.0.2.77
    64:ff9b::198.51.100.200
    2002:a00:1::1 2002:c0a8:201::1 2002:ac10:1::1 2002:6440:1::1 2002:a9fe:1::1 2002:7f00:1::1
    2002:c612:1::1 2002:c000:1::1 2002:e000:1::1 2002:ffff:ffff::1 2002::1 2002:c000:24d::1
"""
# No kernel forwards these; refused all the same.
NEVER = """
    224.0.0.1 224.0.0.251 239.255.255.250 255.255.255.255
    ::10.0.0.1 ::192.168.2.1 ::9.9.9.9 ::ffff:192.168.2.1 ff02::fb
    ff05::1:3 ff0e::1 fe80::1 febf::1
"""

# An echo to each address, until those that should answer have; then a datagram to two ports and a
# connection to each. When `last` answers, all of that has passed the host.
PROBE = r"""
import json, select, socket, struct, sys, time

wanted, expected, last = map(set, json.loads(sys.argv[1]))
answered, kept = set(), []

def opened(family, *more):
    s = socket.socket(family, *more)
    s.setblocking(False)
    s.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    kept.append(s)
    return s

def attempt(call, *arguments):
    try:
        return call(*arguments)
    except OSError:
        return None

def family(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET

echoes = {socket.AF_INET: opened(socket.AF_INET, socket.SOCK_DGRAM, 1),
          socket.AF_INET6: opened(socket.AF_INET6, socket.SOCK_DGRAM, 58)}

def hear():
    for s in select.select(list(echoes.values()), [], [], 0.02)[0]:
        while got := attempt(s.recvfrom, 1500):
            if got[0][0] in (0, 129):  # RFC 792, RFC 4443: echo reply
                answered.add(got[1][0])

def ask(addresses, until, seconds):
    end = time.monotonic() + seconds
    while True:
        for n, address in enumerate(sorted(addresses - answered)):
            kind = 8 if family(address) == socket.AF_INET else 128
            packet = struct.pack("!BBHHH", kind, 0, 0, 0, n) + b"echo"
            attempt(echoes[family(address)].sendto, packet, (address, 9))
            if n % 16 == 15:
                hear()
        for n in range(10):
            hear()
            if not until - answered:
                return
        if time.monotonic() > end:
            return

ask(wanted, expected, 8)
for address in wanted:
    for kind, port in ((socket.SOCK_DGRAM, 53), (socket.SOCK_DGRAM, 443), (socket.SOCK_STREAM, 80)):
        s = opened(family(address), kind)
        attempt(s.connect, (address, port))
        attempt(s.send, b"hello")
reply = answered & wanted
answered.clear()
ask(last, last, 8)
assert not last - answered, f"the end is not reached: {last - answered} {sorted(reply)}"
print(json.dumps(sorted(reply)))
"""


def numbers(text):
    return [str(ipaddress.ip_address(word)) for word in text.split()]


def manual():
    """The prefixes that the manual lists, and those whose IPv4 part it says is looked at."""
    with open(os.path.join(ROOT, "data", "via-iface.1.scd")) as f:
        section = re.search(
            r"^# PRIVATE AND LOCAL DESTINATIONS\n(.*?)^# ", f.read(), re.M | re.S
        ).group(1)
    words = re.findall(r"\*([0-9a-f:.]+/\d+)\*", section)
    listed = [ipaddress.ip_network(word) for word in words]
    inside = {ipaddress.ip_network("64:ff9b::/96"): 0, ipaddress.ip_network("2002::/16"): 80}
    assert set(inside) <= set(listed) and len(listed) > 20, words
    return [net for net in listed if net not in inside], inside


def says(address, near):
    """What the manual says of an address, on an uplink with these networks."""
    plain, inside = manual()
    address = ipaddress.ip_address(address)
    for net, shift in inside.items():
        if address.version == 6 and address in net:
            return says(ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF), near)
    return any(address.version == net.version and address in net for net in plain + near)


NEAR = [
    ipaddress.ip_network(net)
    for net in ("192.168.2.0/24", "192.0.2.0/24", "198.51.100.128/25", "2001:db8:2::/64",
                "2001:db8:77::/64")
]  # fmt: skip


def networks_around(lab):
    """Everything answers, on the internet and beside the uplink; the uplink has public networks."""
    for ns in ("inet", "rspare", "rwired"):
        lab.sysctl("net.ipv6.conf.all.forwarding", 1, ns=ns)
    lab.run("ip route add local default dev lo table main; ip -6 route add local default dev lo table main", ns="inet")
    for net in ("192.168.0.0/16", "169.254.0.0/16", "198.51.100.16/28"):
        lab.ip(f"route add local {net} dev lo table main", ns="inet")
    lab.ip("addr add 192.0.2.1/24 dev lan", ns="rspare")
    for address in ("192.168.2.77/24", "192.0.2.77/24", "192.0.2.254/24", "198.51.100.200/25"):
        lab.ip(f"addr add {address} dev lan", ns="rspare")
    for address in ("2001:db8:2::77/64", "2001:db8:2:0:ffff::1/64", "2001:db8:77::77/64"):
        lab.ip(f"addr add {address} dev lan nodad", ns="rspare")
    lab.ip(f"addr add 192.0.2.10/24 dev {lab.spare}")
    lab.ip(f"route add 198.51.100.128/25 dev {lab.spare}")
    lab.ip(f"-6 route add 2001:db8:77::/64 dev {lab.spare}")


def asked(run, wanted, expected, last):
    done = run(json.dumps([wanted, expected, last]))
    assert done.code == 0, f"{done.err}"
    return set(json.loads(done.out))


@params("--no-lan", "lan = no", "attach")
def test_every_destination(lab, case):
    """Reached or refused, in both families, exactly as the manual says; without --no-lan all of
    them are reached that a kernel forwards."""
    reached, refused, never = numbers(REACHED), numbers(REFUSED), numbers(NEVER)
    for family in (4, 6):
        per = [a for a in reached + refused + never if ipaddress.ip_address(a).version == family]
        assert len(per) >= 40, len(per)
    for address in reached + refused + never:
        assert says(address, NEAR) == (address not in reached), f"the manual on {address}"
    networks_around(lab)
    probe = ["/usr/bin/python3", "-c", PROBE]
    last = [lab.server, lab.server6]
    if case == "attach":
        lab.run(["ip", "netns", "add", "box"], check=True)
        lab.via("attach", "--no-lan", lab.spare, "--netns", "box", check=True)

        lab.run("ip netns exec box sysctl -qw net.ipv4.ping_group_range=\"0 1\"", check=True)

        def run(text):
            return lab.run(["ip", "netns", "exec", "box", *probe, text])
    elif case == "--no-lan":
        free = asked(
            lambda text: lab.via(lab.spare, "--", *probe, text),
            reached + refused, reached + refused, last,
        )  # fmt: skip
        missing = set(reached + refused) - free
        assert not missing, f"not even without --no-lan: {missing}"
        lab.wait_gone()  # what that session still has to acknowledge would be seen

        def run(text):
            return lab.via("--no-lan", lab.spare, "--", *probe, text)
    else:
        if not lab.real_root:
            raise Skip("needs real root (users, set-id, file capabilities)")
        site = Site(lab)
        site.policy("[%netdev]\nlan = no\n")
        site.refused("alice", "allows no private or link-local", groups=[NETDEV])

        def run(text):
            return site.via("alice", "--no-lan", lab.spare, "--", *probe, text, groups=[NETDEV])

    cables = [lab.capture_spare(), lab.capture_wired()]
    got = asked(run, reached + refused + never, reached, last)
    wrong = {a: a in got for a in reached + refused + never if (a in got) != (a in reached)}
    left = [f for c in cables for f in c.stop()
            if f.dst in refused + never and c.from_session(f)
            and (f.eth, f.dst) != ("arp", lab.spare.gateway)]  # fmt: skip
    assert not wrong and not left, f"reached: {wrong}; left: {left[:10]}"


def test_follows_the_uplink(lab):
    """A network that the uplink joins while a session runs is refused from then on, and reached
    again when the uplink has left it; after a move those of the other uplink are refused."""
    networks_around(lab)
    held = Asker(lab, None, "--no-lan", "--name", "apart")

    def reached(address):
        return " 0% packet loss" in held.run(f"ping -n -c1 -W1 {address}")

    for address, peer, there in (
        ("9.1.1.10/24", "9.1.1.77/24", "9.1.1.77"),
        ("2620:9::10/64", "2620:9::77/64", "2620:9::77"),
    ):
        assert reached(there), f"{there}, by the internet"
        lab.ip(f"addr add {peer} dev lan", ns="rspare")
        lab.ip(f"addr add {address} dev {lab.spare} nodad" if ":" in address else
               f"addr add {address} dev {lab.spare}")  # fmt: skip
        lab.wait(lambda: not reached(there), 3, f"{there} is refused")
        lab.ip(f"addr del {address} dev {lab.spare}")
        lab.ip(f"addr del {peer} dev lan", ns="rspare")
        lab.wait(lambda: reached(there), 3, f"{there} is reached")
    assert not reached("2001:db8:2::77") and reached(lab.server6)
    lab.via("move", "apart", lab.wired, check=True)
    assert reached(lab.server) and reached(lab.server6)
    assert not reached(lab.wired.gateway6) and not reached(lab.wired.gateway)


def test_nothing_is_reached_by_translation(lab):
    """Rules of the host's own that rewrite a destination, and the names' own redirection, lead to
    no other service of the uplink's network than its name servers."""
    networks_around(lab)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "import servers\n"
        "s = servers.open_inet([], servers.Log(sys.argv[2]))\n"
        "s += servers.open_dns('lan', ['192.168.2.77', '2001:db8:2::77'],"
        " {'who.test': ('10.7.7.7', '2001:db8:a::7')}, servers.Log(sys.argv[2]))\n"
        "print('serving', flush=True); servers.serve(s)"
    )
    here = os.path.join(ROOT, "tests", "lab")
    lab.popen(
        ["/usr/bin/python3", "-c", code, here, os.path.join(lab.tmp, "lan.log")], ns="rspare"
    ).expect("serving\n")
    free, held = Asker(lab, None), Asker(lab, None, "--no-lan")
    # the only priority at which others come before us: the lowest, and later
    lab.nft("""
        table inet theirs {
            chain pre {
                type nat hook prerouting priority -199;
                ip daddr 203.0.113.9 tcp dport 80 dnat ip to 192.168.2.1
                ip daddr 203.0.113.10 tcp dport 53 dnat ip to 192.168.2.1:80
                ip daddr 203.0.113.11 udp dport 53 dnat ip to 192.168.2.77
                ip daddr 203.0.113.12 tcp dport 53 dnat ip to 192.168.2.77:80
                ip6 daddr 2001:db8:113::9 tcp dport 80 dnat ip6 to 2001:db8:2::1
                ip6 daddr 2001:db8:113::11 udp dport 53 dnat ip6 to 2001:db8:2::77
            }
        }""")
    web = "curl -sg -m 2 -o /dev/null -w '%{http_code}' http://"
    for command, good in (
        (web + "203.0.113.9/", "200"),
        (web + "203.0.113.10:53/", "200"),
        (web + "203.0.113.12:53/", "200"),
        (web + "[2001:db8:113::9]/", "200"),
        (DIG + " @203.0.113.11", "10.7.7.7"),
        (DIG + " @2001:db8:113::11", "10.7.7.7"),
    ):
        assert free.run(command) == good, f"without --no-lan: {command}"
        assert good not in held.run(command), command
    resolvers = re.findall(r"nameserver (\S+)", held.run("cat /etc/resolv.conf"))
    assert len(resolvers) == 3, resolvers
    for server in resolvers:
        for command in (f"{DIG} @{server}", f"{DIG} +tcp @{server}"):
            assert held.run(command) == lab.spare.dns, command
        host = f"[{server}]" if ":" in server else server
        for port in (80, 443, 22):
            assert held.run(f"{web}{host}:{port}/") == "000", (server, port)


def test_own_servers(lab):
    """--dns with a private or local server is refused at once, and others are asked."""
    networks_around(lab)
    for server in ("192.168.2.1", "10.0.0.53", "2001:db8:2::77", "64:ff9b::a00:1", "192.0.2.77"):
        assert lab.via("--dns", server, lab.spare, "--", "true").code == 0, server
        done = lab.via("--no-lan", "--dns", f"203.0.113.1,{server}", lab.spare, "--", "true")
        assert done.code == 125 and f"use --dns {server}: --no-lan refuses" in done.err, done
    # a server that a move makes a neighbour is refused by packet
    options = ("--dns", "2001:db8:2::77")
    for more, asked_there in ((), True), (("--no-lan",), False):
        held = Asker(lab, lab.wired, *options, *more, "--name", "apart")
        lab.via("move", "apart", lab.spare, check=True)
        cable = lab.capture_spare()
        held.run(f"{DIG} @$(awk '/^nameserver.*:/ {{print $2}}' /etc/resolv.conf)")
        seen = [f for f in cable.stop() if f.eth == "ip6" and f.dst == "2001:db8:2::77"]
        assert bool(seen) == asked_there, (more, seen)
        held.finish()
        lab.wait_gone()
