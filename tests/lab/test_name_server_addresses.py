"""The name servers of an uplink are asked by that uplink, whatever addresses they have."""

import json
import os
import signal

from lab import needs, params, timeout, topology
from faults import nothing_left
from test_inside_as_outside import own_etc, replace
from test_sources_of_name_servers import Services, resolved, variant
from test_names_by_the_uplink import DIG, Asker, questions

AHOSTS = "getent ahostsv4 who.test | awk '{print $1; exit}'"
PYTHON = "python3 -c \"import socket; print(socket.gethostbyname('who.test'))\""
CLIENTS = {"getent": AHOSTS, "python": PYTHON, "dig": DIG, "dig_tcp": DIG + " +tcp"}


def serve(lab, address, dev="lan", router="rspare", answer="10.3.3.3", word="extra"):
    """A name server at that router. Returns what it was asked so far: lines "word udp CLIENT NAME TYPE"."""
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); sys.dont_write_bytecode = True\n"
        "import servers\n"
        "log = servers.Log(sys.argv[2])\n"
        "s = servers.open_dns(sys.argv[3], [sys.argv[4]], {'who.test': (sys.argv[5],)}, log)\n"
        "print('serving', flush=True); servers.serve(s)"
    )
    bits = "64" if address.startswith("fe80") else "128" if ":" in address else "32"
    lab.ip(f"addr add {address}/{bits} dev {dev}" + (" nodad" if ":" in address else ""), ns=router)
    log = os.path.join(lab.tmp, f"{word}.log")
    here = os.path.dirname(os.path.abspath(__file__))
    bind = f"{address}%{dev}" if address.startswith("fe80") else address
    process = lab.popen(["/usr/bin/python3", "-c", code, here, log, word, bind, answer], ns=router)
    process.expect("serving\n")

    def asked():
        with open(log) as f:
            return [line.split() for line in f.read().splitlines()]

    return asked


def link_local(lab, dev, ns=None):
    """The address that the kernel gave to the device, or one that it is given now."""
    def found():
        for a in lab.run(f"ip -6 -j addr show dev {dev} scope link", ns=ns).json()[0]["addr_info"]:
            if a.get("local") and not a.get("tentative"):
                return a["local"]
        return None

    lab.wait(found, 5, f"a link-local address of {dev}")
    return found()


SERVER = "fe80::53"


# --- link-local, IPv6 --------------------------------------------------------------------------


@topology("split", "same")
def test_link_local(lab):
    """fe80::53%wlp6s0, the only server: whatever client asks is answered by it; it sees the uplink's
    link-local address, as when the host itself asks; and the other card carries no question."""
    asked = serve(lab, SERVER)
    own = link_local(lab, lab.spare.dev)
    said = lab.run(f"{DIG} @{SERVER}%{lab.spare.dev}")
    assert said.out.strip() == "10.3.3.3", said
    assert {line[2] for line in asked()} == {own}, asked()
    lab.set_dns(lab.spare, [f"{SERVER}%{lab.spare.dev}"])
    wired = lab.capture_wired()
    held = Asker(lab)
    for name, command in CLIENTS.items():
        assert held.run(command, 20) == "10.3.3.3", name
        assert held.seconds < 2 * lab.scale, (name, held.seconds)
    assert {line[1] for line in asked()} == {"udp", "tcp"}
    assert {line[2].split("%")[0] for line in asked()} == {own}, asked()
    assert not questions(wired) and not wired.leaks(), questions(wired)[:5]
    held.finish()
    nothing_left(lab)


@topology("split", "same")
def test_link_local_of_each_link(lab):
    """Both cards have a server at fe80::53, as home routers do: each session asks that of its own
    uplink, at the same time; and after a move, that of the new one."""
    of_spare = serve(lab, SERVER, answer="10.3.3.3", word="extra_spare")
    lab.ip("addr add fe80::54/64 dev lan nodad", ns="rwired")
    far = SERVER if lab.topology == "split" else "fe80::54"
    of_wired = serve(lab, SERVER, router="rwired", answer="10.4.4.4", word="extra_wired") if far == SERVER else None
    lab.set_dns(lab.spare, [SERVER])
    lab.set_dns(lab.wired, [far])
    one, two = Asker(lab), Asker(lab, lab.wired)
    wired = lab.capture_wired()
    for more in ("", " +tcp", ""):
        assert one.run(DIG + more) == "10.3.3.3"
    assert not questions(wired) and not wired.leaks(), questions(wired)[:5]
    if of_wired is None:
        return
    before = len(of_spare())
    for more in ("", " +tcp", ""):
        assert two.run(DIG + more) == "10.4.4.4"
    assert len(of_spare()) == before and len(of_wired()) == 3
    session = {s["uplink"]: s["name"] for s in lab.via("list", "--json").json()}[lab.wired.dev]
    assert lab.via("move", session, lab.spare.dev).code == 0
    for more in ("", " +tcp"):
        assert two.run(DIG + more) == "10.3.3.3"
    assert len(of_wired()) == 3


def test_link_local_changes(lab):
    """Another lease, and back, while the session runs; and it goes on without the daemon."""
    asked = serve(lab, SERVER)
    other = serve(lab, "fe80::54", answer="10.5.5.5", word="other")
    held = Asker(lab)
    assert held.run(DIG) == lab.spare.dns
    for servers, answer in (([SERVER], "10.3.3.3"), (["fe80::54"], "10.5.5.5"), ([lab.spare.gateway6], lab.spare.dns)) * 2:
        lab.set_dns(lab.spare, servers)
        lab.wait(lambda a=answer: held.run(AHOSTS) == a, 5, f"an answer of {servers}")
    lab.set_dns(lab.spare, [SERVER, "fe80::54"])
    lab.wait(lambda: held.run(AHOSTS) == "10.3.3.3", 5, "the first one's answer")
    for pid in lab.daemon_pids():
        os.kill(pid, signal.SIGKILL)
    assert held.run(AHOSTS) == "10.3.3.3"
    assert asked() and other()


@params("no_global_ipv6", "ipv6_only", "prefix_deprecated")
def test_link_local_uplink(lab, case):
    """An uplink that has no other IPv6 than the link-local address; one that has no IPv4."""
    serve(lab, SERVER)
    link_local(lab, lab.spare.dev)
    if case == "no_global_ipv6":
        lab.run(f"ip -6 route del default dev {lab.spare}; ip -6 addr del {lab.spare.addr6}/64 dev {lab.spare}", check=True)
    elif case == "ipv6_only":
        lab.run(f"ip -4 addr flush dev {lab.spare}; ip -4 route flush dev {lab.spare}", check=True)
    else:
        lab.ip(f"-6 addr change {lab.spare.addr6}/64 dev {lab.spare} preferred_lft 0 valid_lft 600")
    lab.set_dns(lab.spare, [SERVER])
    wired = lab.capture_wired()
    held = Asker(lab)
    for name, command in CLIENTS.items():
        assert held.run(command, 20) == "10.3.3.3", name
    assert not questions(wired) and not wired.leaks()


def test_link_local_no_lan(lab):
    """--no-lan: names are answered, and nothing else on the link is reached."""
    asked = serve(lab, SERVER)
    lab.set_dns(lab.spare, [SERVER])
    held = Asker(lab, None, "--no-lan")
    for name, command in CLIENTS.items():
        assert held.run(command, 20) == "10.3.3.3", name
    before = len(asked())
    assert "10.3.3.3" not in held.run(f"{DIG} @{SERVER}%eth0", 20)
    assert len(asked()) == before


def test_link_local_kept_from_sessions(lab):
    """What a session sends by itself to link-local addresses, to its server's alias at another port,
    and to that of another uplink's server, reaches nobody: neither the host, nor a link."""
    serve(lab, SERVER)
    serve(lab, SERVER, router="rwired", answer="10.4.4.4", word="extra_wired")
    for u in (lab.spare, lab.wired):
        lab.set_dns(u, [SERVER])
    other = Asker(lab, lab.wired)
    held = Asker(lab)
    assert held.run(DIG) == "10.3.3.3" and other.run(DIG) == "10.4.4.4"
    aliases = json.loads(lab.run("nft -j list map inet via_iface dns6").out)["nftables"][1]["map"]["elem"]
    aliases = sorted({to for _, to in aliases})
    assert len(aliases) == 2, aliases
    host = lab.popen(["/usr/bin/python3", "-c", (
        "import socket\n"
        "s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::', 4444)); s.settimeout(0.1)\n"
        "print('bound', flush=True)\n"
        "import sys; sys.stdin.readline()\n"
        "try: print('got', s.recvfrom(99)[1])\n"
        "except TimeoutError: print('nothing')\n"
    )])
    host.expect("bound\n")
    wired, spare = lab.capture_wired(), lab.capture_spare()
    far = link_local(lab, lab.wired.dev)
    own = link_local(lab, lab.spare.dev)
    gateway = held.run("ip -6 route show default | awk '{print $3; exit}'")
    mac = held.run(f"ip neigh show {gateway} dev eth0 | awk '{{print $3; exit}}'")
    assert mac.count(":") == 5, mac
    held.run(f"for a in {far} {own} {SERVER} {' '.join(aliases)}; do ip neigh replace $a lladdr {mac} dev eth0 nud permanent; done")
    sent = (
        "import socket, sys\n"
        "for a in sys.argv[1:]:\n"
        "    for port in (4444, 80, 853) + (() if a == sys.argv[4] else (53,)):\n"
        "        s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)\n"
        "        try: s.sendto(b'x' * 20, socket.getaddrinfo(a, port)[0][4])\n"
        "        except OSError: pass\n"
    )
    path = os.path.join(lab.tmp, "send.py")
    with open(path, "w") as f:
        f.write(sent)
    routes = lab.run("ip -6 -j route show table all").json()
    by_dev = {r["dev"]: r["dst"] for r in routes if r["dst"] in aliases}
    own_alias, far_alias = by_dev[lab.spare.dev], by_dev[lab.wired.dev]
    held.run(f"python3 {path} {far}%eth0 {own}%eth0 {SERVER}%eth0 {own_alias} {far_alias}", 20)
    assert held.run(DIG) == "10.3.3.3"
    host.write("now\n")
    host.expect("nothing\n")
    assert not wired.leaks() and not questions(wired), wired.leaks()[:5]
    strange = [f for f in spare.peek() if f.dport in (4444, 80, 853)]
    assert not strange, strange[:5]


def test_link_local_of_the_host(lab):
    """Somebody on the link advertises the host's own link-local address as a name server: sessions go
    on and start with the other server; alone, it is none; and other uplinks are not touched."""
    serve(lab, SERVER)
    own = link_local(lab, lab.spare.dev)
    lab.set_dns(lab.spare, [own, SERVER])
    held = Asker(lab)
    assert held.run(AHOSTS, 20) == "10.3.3.3"
    (finding,) = [f for f in lab.via("doctor", "--json", lab.spare).json()["findings"] if f["id"] == "name-server-not-asked"]
    assert own in finding["text"], finding
    lab.set_dns(lab.spare, [own])
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and own in done.err and "--dns" in done.err, done
    other = Asker(lab, lab.wired)
    assert other.run(AHOSTS, 20) == lab.wired.dns
    lab.set_dns(lab.spare, [SERVER])
    lab.wait(lambda: held.run(AHOSTS) == "10.3.3.3", 5, "an answer")


def test_link_local_host_first(lab):
    """A socket of the host on a port of the sessions' range asks the same server: the host gets its
    answers, whatever sessions ask meanwhile."""
    serve(lab, SERVER)
    link_local(lab, lab.spare.dev)
    lab.set_dns(lab.spare, [SERVER])
    held = Asker(lab)
    assert held.run(DIG) == "10.3.3.3"
    code = (
        "import socket, struct\n"
        f"to = socket.getaddrinfo('{SERVER}%{lab.spare}', 53)[0][4]\n"
        "query = struct.pack('!HHHHHH', 7, 0x100, 1, 0, 0, 0) + b'\\3who\\4test\\0' + struct.pack('!HH', 1, 1)\n"
        "n = 0\n"
        "for port in range(61000, 61200):\n"
        "    s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('::', port)); s.settimeout(2)\n"
        "    s.sendto(query, to); answer, peer = s.recvfrom(999)\n"
        "    n += peer[0].startswith('fe80::53') and answer[:2] == query[:2]\n"
        "    s.close()\n"
        "print('answers', n)\n"
    )
    host = lab.popen(["/usr/bin/python3", "-c", code])
    for _ in range(5):
        assert held.run(f"{DIG}; {DIG} +tcp", 20).split() == ["10.3.3.3"] * 2
    host.expect("answers 200\n", 30)


# --- link-local, IPv4 -----------------------------------------------------------------------------


@topology("split", "same")
@params("route", "no_route", "no_lan")
def test_link_local_ipv4(lab, case):
    """169.254.0.53: on the link where the uplink has a route, else by its gateway, as for the host."""
    asked = serve(lab, "169.254.0.53", dev="lan" if case != "no_route" else "lo")
    if case != "no_route":
        lab.ip(f"addr add 169.254.9.9/16 dev {lab.spare}")
        lab.ip("addr add 169.254.0.1/16 dev lan", ns="rspare")
    lab.set_dns(lab.spare, ["169.254.0.53"])
    wired = lab.capture_wired()
    held = Asker(lab, None, *(["--no-lan"] if case == "no_lan" else []))
    for name, command in CLIENTS.items():
        assert held.run(command, 20) == "10.3.3.3", name
    assert len(asked()) >= len(CLIENTS)
    assert not questions(wired) and not wired.leaks()


# --- how many, in which order ---------------------------------------------------------------------

SILENT = "table inet silent { chain c { type filter hook input priority 0; %s; }; }"
THREE = {
    "ipv4": (["198.18.0.51", "198.18.0.52", "198.18.0.53"], ()),
    "ipv6": (["2001:db8:2::51", "2001:db8:2::52", "2001:db8:2::53"], ()),
    "mixed": (["198.18.0.51", "2001:db8:2::52", "198.18.0.53"], ()),
    "link_local": (["fe80::51", "198.18.0.52", "fe80::53"], ()),
    "dns_option": (["198.18.0.51", "198.18.0.52", "198.18.0.53"], ("--dns",)),
}


@timeout(120)
@params(**THREE)
def test_third_server(lab, case):
    """The first two are silent: the third is asked, whatever families they have, by glibc with its
    own timeouts; the first two were asked before."""
    servers, option = case
    silent = "; ".join(("ip6" if ":" in s else "ip") + f" daddr {s} counter drop" for s in servers[:2])
    lab.nft(SILENT % silent, ns="rspare")
    for address in servers[:2]:
        lab.ip(f"addr add {address}/{64 if ':' in address else 32} dev lan" + " nodad" * (":" in address), ns="rspare")
    asked = serve(lab, servers[2])
    if option:
        option += (",".join(servers),)
    else:
        lab.set_dns(lab.spare, servers)
    wired = lab.capture_wired()
    held = Asker(lab, None, *option)
    assert held.run(AHOSTS, 60) == "10.3.3.3"
    assert held.seconds > 7, "both were waited for"
    assert asked()
    counted = lab.run("nft -j list table inet silent", ns="rspare").json()["nftables"]
    packets = [e["counter"]["packets"] for r in counted if "rule" in r for e in r["rule"]["expr"] if "counter" in e]
    assert len(packets) == 2 and all(packets), packets
    assert not questions(wired) and not wired.leaks()


def test_third_server_asked_directly(lab):
    """Each of the three addresses inside is one server; by UDP and TCP; and follows a change."""
    three = [f"198.18.0.{n}" for n in (51, 52, 53)]
    for n, address in enumerate(three):
        serve(lab, address, answer=f"10.3.3.{n}", word=f"server{n}")
    lab.set_dns(lab.spare, three)
    held = Asker(lab)
    inside = held.run("awk '/^nameserver/ {print $2}' /etc/resolv.conf").split()
    assert len(inside) == 3, inside
    for more in ("", " +tcp"):
        assert [held.run(f"{DIG}{more} @{a}") for a in inside] == [f"10.3.3.{n}" for n in range(3)]
    lab.set_dns(lab.spare, three[::-1])
    lab.wait(lambda: held.run(f"{DIG} @{inside[0]}") == "10.3.3.2", 3, "the change")
    assert [held.run(f"{DIG} @{a}") for a in inside] == ["10.3.3.2", "10.3.3.1", "10.3.3.0"]


def test_list_of_uplinks_has_both_families(lab):
    """A session that may fail over is answered by an uplink whose servers are of IPv6 alone, though
    three of IPv4 served before."""
    three = [f"198.18.0.{n}" for n in (51, 52, 53)]
    lab.set_dns(lab.spare, three)
    lab.set_dns(lab.wired, [lab.wired.gateway6])
    serve(lab, three[0])
    process = Asker(lab, f"{lab.spare},{lab.wired}")
    assert process.run(AHOSTS) == "10.3.3.3"
    lab.ip(f"link set {lab.spare} down")
    lab.wait(lambda: process.run(AHOSTS, 40) == lab.wired.dns, 60, "the other uplink's answer")


def test_link_local_second(lab):
    """The servers of IPv6 in their order; the second is asked when the first is silent."""
    asked = serve(lab, "fe80::54", answer="10.5.5.5")
    lab.ip(f"addr add {SERVER}/64 dev lan nodad", ns="rspare")
    lab.nft("table inet silent { chain c { type filter hook input priority 0; ip6 daddr fe80::53 drop; }; }", ns="rspare")
    lab.set_dns(lab.spare, [SERVER, "fe80::54"])
    held = Asker(lab)
    assert held.run(AHOSTS, 30) == "10.5.5.5"
    assert asked()


# --- what a session does without ------------------------------------------------------------------

MODES = {
    "yes": ({"DNSOverTLS": "yes", "DNSSEC": "no"}, {"dns-over-tls": "warning"}),
    "opportunistic": ({"DNSOverTLS": "opportunistic", "DNSSEC": "allow-downgrade"}, {"dns-over-tls": "info", "dnssec": "info"}),
    "dnssec": ({"DNSOverTLS": "no", "DNSSEC": "yes"}, {"dnssec": "info"}),
    "none": ({"DNSOverTLS": "no", "DNSSEC": "no"}, {}),
    "old_resolved": ({}, {}),
}


@needs("tool:dbus-daemon")
@params(**MODES)
def test_protection_is_told(lab, case):
    """DNS over TLS and DNSSEC of systemd-resolved, for servers with a name (SNI) that networkd told:
    a session asks them in clear text, and doctor, uplinks and status say so."""
    modes, wanted = case
    lab.set_dns(lab.spare, [f"{lab.spare.gateway}#dns.example"])
    play = resolved(lab.spare, lab.spare.gateway)
    key = next(k for k in play["answers"] if "GetAll" in k)
    play["answers"][key][1].update({k: variant("s", v) for k, v in modes.items()})
    Services(lab, play)
    held = Asker(lab)
    assert held.run(DIG) == lab.spare.dns
    findings = lab.via("doctor", "--json", lab.spare).json()["findings"]
    found = {f["id"]: f for f in findings if f["id"] in ("dns-over-tls", "dnssec")}
    assert {k: f["severity"] for k, f in found.items()} == wanted, found
    shown = {u["name"]: u for u in lab.via("uplinks", "--json").json()}[lab.spare.dev]
    assert shown["dns_over_tls"] == modes.get("DNSOverTLS", "no"), shown
    assert shown["dnssec"] == modes.get("DNSSEC", "no"), shown
    status, uplinks = lab.via("status").out, lab.via("uplinks").out
    for finding in found.values():
        assert finding["text"] in status and finding["text"] in uplinks, (status, uplinks)
    if "dns-over-tls" in wanted:
        assert f"asks {lab.spare.gateway} by TLS" in status and "clear text" in status, status
    else:
        assert "by TLS" not in status + uplinks


def test_server_that_cannot_be_asked(lab):
    """A link-local server on an interface without IPv6: doctor, uplinks and status name it, and why;
    the other server answers."""
    lab.sysctl(f"net/ipv6/conf/{lab.spare}/disable_ipv6", 1)
    lab.set_dns(lab.spare, [SERVER, lab.spare.gateway])
    held = Asker(lab)
    assert held.run(AHOSTS) == lab.spare.dns
    assert held.seconds < 2 * lab.scale
    (finding,) = [f for f in lab.via("doctor", "--json", lab.spare).json()["findings"] if f["id"] == "name-server-not-asked"]
    assert SERVER in finding["text"] and "link-local" in finding["text"], finding
    for verb in ("uplinks", "status"):
        assert finding["text"] in lab.via(verb).out, verb
    # alone, it is none: the launch is refused
    lab.set_dns(lab.spare, [SERVER])
    lab.ip(f"route replace default dev {lab.spare} metric {lab.spare.metric}")
    done = lab.via(lab.spare, "--", "true")
    assert done.code == 125 and SERVER in done.err and "--dns" in done.err, done


# --- options ----------------------------------------------------------------------------------------


def options_inside(held):
    return held.run("sed -n 's/^options //p' /etc/resolv.conf").split()


@params("of_the_link", "of_the_host", "of_another_card", "of_a_stub", "own_servers")
def test_options(lab, case):
    """Options that were said for the uplink, or by a resolv.conf that names the uplink's servers alone,
    are kept; those of another card's, and trust-ad of a resolver on the loopback, are not."""
    own_etc(lab)
    spare = lab.spare.gateway
    if case == "of_the_link":
        lab.set_dns(lab.spare, [])
        os.makedirs("/run/resolvconf/interface", exist_ok=True)
        replace(f"/run/resolvconf/interface/{lab.spare}.dhclient", f"nameserver {spare}\nsearch test\noptions ndots:3 trust-ad use-vc\n")
        wanted = ["ndots:3", "trust-ad", "use-vc"]
    elif case == "of_the_host":
        replace("/etc/resolv.conf", f"options rotate timeout:2 no-aaaa debug\nnameserver {spare}\noptions trust-ad edns0\n")
        wanted = ["rotate", "timeout:2", "no-aaaa", "trust-ad", "edns0"]
    elif case == "of_another_card":
        replace("/etc/resolv.conf", f"nameserver {lab.wired.gateway}\nnameserver {spare}\noptions rotate\n")
        wanted = []
    elif case == "own_servers":
        replace("/etc/resolv.conf", f"nameserver {spare}\noptions rotate\n")
        wanted = []
    else:
        replace("/etc/resolv.conf", "nameserver 127.0.0.53\noptions edns0 trust-ad\n")
        os.makedirs("/run/systemd/resolve", exist_ok=True)
        replace("/run/systemd/resolve/resolv.conf", f"nameserver {spare}\noptions rotate\n")
        wanted = ["edns0"]
    held = Asker(lab, None, *(["--dns", spare] if case == "own_servers" else []))
    assert options_inside(held) == wanted, held.run("cat /etc/resolv.conf")
    assert held.run(AHOSTS, 20) == lab.spare.dns
    if case == "of_the_link":
        assert held.run("getent ahostsv4 who | awk '{print $1; exit}'", 20) == lab.spare.dns
        assert "use-vc" in wanted and any(line[1] == "tcp" for line in lab.dns_log()), lab.dns_log()
