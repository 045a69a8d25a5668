"""Who names an uplink's servers, and its gateway: each program that configures links, by its files or
over D-Bus. In each row one of them alone knows a server that nobody else names, and a session asks that
one, through the uplink; where the row names a gateway, the host has no default route by that card."""

import json
import os
import signal
import socket
import sys
import time

from lab import needs, params, timed, topology, write_file
from test_who_may import BUS, BUS_CONFIG
from test_inside_as_outside import own_etc, replace
from test_names_by_the_uplink import DIG, Asker, extra_server, questions
from test_never_default import no_default

HERE = os.path.dirname(os.path.abspath(__file__))
SERVER, ANSWER = "198.18.0.53", "10.3.3.3"
PROPERTIES = "org.freedesktop.DBus.Properties"
NM = "org.freedesktop.NetworkManager"
NM_PATH = "/org/freedesktop/NetworkManager"
MODEM = "org.freedesktop.ModemManager1"
RESOLVED = "org.freedesktop.resolve1"


# --- files: (uplink, server) -> {path: text} -----------------------------------------------------


def index(u):
    return socket.if_nametoindex(u.dev)


def udhcpc_variables(u, server):
    return {f"/run/udhcpc.{u}.env": f"export interface='{u}'\nexport ip='{u.addr}'\n"
            f"export router='{u.gateway}'\nexport dns='{server}'\nexport domain='x.example'\n"}  # fmt: skip


def udhcpc_marked(u, server):
    return {"/etc/resolv.conf": f"nameserver 127.0.0.1\nnameserver {server} # {u}\n"}


def initramfs(u, server):
    return {f"/run/net-{u}.conf": f"DEVICE='{u}'\nPROTO='dhcp'\nIPV4ADDR='{u.addr}'\n"
            f"IPV4GATEWAY='{u.gateway}'\nIPV4DNS0='{server}'\nIPV4DNS1='0.0.0.0'\n"}  # fmt: skip


def networkd_lease(u, server):
    return {f"/run/systemd/netif/leases/{index(u)}": f"ADDRESS={u.addr}\nROUTER=192.0.2.1\n"
            f"CLASSLESS_ROUTES=0.0.0.0/0,{u.gateway}\nDNS={server}\n"}  # fmt: skip


def netplan(u, server):
    return {f"/run/systemd/netif/links/{index(u)}": "ADMIN_STATE=configured\n"
            f"NETWORK_FILE=/run/systemd/network/10-netplan-{u}.network\nDNS={server}#dns.example\n"
            "DOMAINS=x.example\n"}  # fmt: skip


def ifupdown(u, server):
    return {"/run/network/ifstate": f"lo=lo\n{u}={u}\n",
            "/etc/network/interfaces": "source /etc/network/interfaces.d/*\n",
            "/etc/network/interfaces.d/card": f"iface {u} inet static inherits base\n"
            f"  gateway {u.gateway}\niface base inet static\n  dns-nameservers {server}\n"}  # fmt: skip


def resolvconf(pattern):
    return lambda u, server: {pattern.format(u): f"nameserver {server}\n"}


# --- D-Bus: (uplink, server) -> who owns which names, and answers what ---------------------------


def variant(signature, value):
    return {"v": [signature, value]}


def connman(u, server):
    service = {"State": variant("s", "online"),
               "Ethernet": variant("a{sv}", {"Interface": variant("s", u.dev)}),
               "IPv4": variant("a{sv}", {"Method": variant("s", "dhcp"), "Gateway": variant("s", u.gateway)}),
               "Nameservers": variant("as", ["127.0.0.1", server])}  # fmt: skip
    return {"names": ["net.connman"],
            "answers": {"/ net.connman.Manager.GetServices": ["a(oa{sv})", [["/net/connman/service/x", service]]]}}  # fmt: skip


def modem(u, server):
    config = {"method": variant("u", 2), "address": variant("s", u.addr), "prefix": variant("u", 24),
              "gateway": variant("s", u.gateway), "dns1": variant("s", server)}  # fmt: skip
    bearer = {"Interface": variant("s", u.dev), "Connected": variant("b", True),
              "Ip4Config": variant("a{sv}", config)}  # fmt: skip
    modems = {"/modem/0": {f"{MODEM}.Modem": {"Bearers": variant("ao", ["/bearer/0"])}}}
    return {"names": [MODEM],
            "answers": {"/org/freedesktop/ModemManager1 org.freedesktop.DBus.ObjectManager.GetManagedObjects":
                        ["a{oa{sa{sv}}}", modems],
                        f"/bearer/0 {PROPERTIES}.GetAll {MODEM}.Bearer": ["a{sv}", bearer]}}  # fmt: skip


def nm_vpn(u, server):
    """The device is not NetworkManager's: the VPN's address is on it."""
    config = {"AddressData": variant("aa{sv}", [{"address": variant("s", u.addr)}]),
              "NameserverData": variant("aa{sv}", [{"address": variant("s", server)}]),
              "Gateway": variant("s", u.gateway)}  # fmt: skip
    active = {"Vpn": variant("b", True), "Ip4Config": variant("o", NM_PATH + "/IP4Config/1")}
    return {"names": [NM],
            "answers": {f"{NM_PATH} {PROPERTIES}.GetAll {NM}":
                        ["a{sv}", {"ActiveConnections": variant("ao", [NM_PATH + "/Active/1"])}],
                        f"{NM_PATH}/Active/1 {PROPERTIES}.GetAll {NM}.Connection.Active": ["a{sv}", active],
                        f"{NM_PATH}/IP4Config/1 {PROPERTIES}.GetAll {NM}.IP4Config": ["a{sv}", config]}}  # fmt: skip


def resolved(u, server):
    """What wg-quick, OpenVPN, iwd and resolvectl set for a link."""
    path = f"/org/freedesktop/resolve1/link/_3{index(u)}"
    dns = [[socket.AF_INET, list(socket.inet_aton(server))]]
    return {"names": [RESOLVED],
            "answers": {f"/org/freedesktop/resolve1 {RESOLVED}.Manager.GetLink {index(u)}": ["o", path],
                        f"{path} {PROPERTIES}.GetAll {RESOLVED}.Link":
                        ["a{sv}", {"DNS": variant("a(iay)", dns)}]}}  # fmt: skip


# name: what it knows, whether it knows a gateway too, and what status calls it
FILES = {
    "udhcpc_variables": (udhcpc_variables, True, "udhcpc"),
    "udhcpc_marked": (udhcpc_marked, False, "udhcpc"),
    "initramfs": (initramfs, True, "initramfs"),
    "networkd_lease": (networkd_lease, True, "systemd-networkd"),
    "netplan": (netplan, False, "systemd-networkd"),
    "ifupdown": (ifupdown, True, "ifupdown"),
    "iwd": (resolvconf("/run/resolvconf/interface/{}.dns"), False, "resolvconf"),
    "openresolv": (resolvconf("/run/resolvconf/keys/{}.dhcp"), False, "resolvconf"),
    "wg_quick": (resolvconf("/run/resolvconf/interface/tun.{}"), False, "resolvconf"),
    "openvpn": (resolvconf("/run/resolvconf/interface/{}.openvpn"), False, "resolvconf"),
}
SERVICES = {
    "connman": (connman, True, "ConnMan"),
    "modem": (modem, True, "ModemManager"),
    "nm_vpn": (nm_vpn, True, "NetworkManager"),
    "resolved": (resolved, False, "systemd-resolved"),
}


class Services:
    """A system bus, and who answers on it."""

    def __init__(self, lab, play):
        os.makedirs(os.path.dirname(BUS), exist_ok=True)
        config = os.path.join(lab.tmp, "bus.conf")
        write_file(config, BUS_CONFIG.format(path=BUS))
        self.path = os.path.join(lab.tmp, "play.json")
        write_file(self.path, json.dumps(play))
        bus = lab.popen(["dbus-daemon", f"--config-file={config}", "--nofork", "--print-address"])
        bus.expect("unix:path=")
        self.fake = lab.popen([sys.executable, os.path.join(HERE, "fake_services.py"), self.path])
        self.fake.expect("ready\n")

    def play(self, play, *signal):
        """Answers other things from now on, and says so with a signal."""
        write_file(self.path, json.dumps(play))
        for line in ("read", " ".join(("emit", *signal))):
            self.fake.out = b""
            self.fake.write(line + "\n")
            self.fake.expect("did\n")


def asks(lab, gateway, seen):
    """A session of the other card asks that server, and leaves by that gateway."""
    u = lab.spare
    asked = extra_server(lab, SERVER)
    if gateway:
        no_default(lab)
    wired = lab.capture_wired()
    held = Asker(lab)
    assert held.run(DIG) == ANSWER, held.run("cat /etc/resolv.conf")
    assert asked(), "it was asked"
    assert held.run(f"curl -s -m 3 {lab.url}") == u.addr
    shown = {one["name"]: one for one in lab.via("uplinks", "--json", check=True).json()}[u.dev]
    assert SERVER in json.dumps(shown), shown
    if gateway:
        assert shown["gateway"] == u.gateway, shown
    (status,) = lab.via("status", "--json", check=True).json()
    assert status["dns_source"] == seen, status
    assert not questions(wired) and not wired.leaks(), wired.leaks()[:5]
    return held


def write_all(files):
    for path, text in files.items():
        os.makedirs(os.path.dirname(path), exist_ok=True)
        replace(path, text)


@topology("split")
@params(**FILES)
def test_files(lab, row):
    knows, gateway, seen = row
    own_etc(lab)
    lab.set_dns(lab.spare, [])
    write_all(knows(lab.spare, SERVER))
    asks(lab, gateway, seen)


@needs("tool:dbus-daemon")
@topology("split")
@params(**SERVICES)
def test_services(lab, row):
    knows, gateway, seen = row
    lab.set_dns(lab.spare, [])
    Services(lab, knows(lab.spare, SERVER))
    asks(lab, gateway, seen)


CHANGES = {
    "connman": (connman, ("/net/connman/service/x", "net.connman.Service.PropertyChanged")),
    "modem": (modem, ("/bearer/0", f"{MODEM}.Bearer")),
    "nm_vpn": (nm_vpn, (f"{NM_PATH}/IP4Config/1", f"{NM}.IP4Config")),
}


@needs("tool:dbus-daemon")
@topology("split")
@params(**CHANGES)
def test_service_changes(lab, row):
    """Another server while a session runs: the signal is heard, and the next question goes there."""
    knows, signal = row
    lab.set_dns(lab.spare, [])
    extra_server(lab, SERVER)
    services = Services(lab, knows(lab.spare, lab.spare.gateway))
    wired = lab.capture_wired()
    held = Asker(lab)
    assert held.run(DIG) == lab.spare.dns
    services.play(knows(lab.spare, SERVER), *signal)
    lab.wait(lambda: held.run(DIG) == ANSWER, 3, "an answer of the other server")
    assert not questions(wired) and not wired.leaks(), wired.leaks()[:5]


@topology("split")
def test_file_goes(lab):
    """A lease that udhcpc's script takes away is no server any more, and another one is."""
    extra_server(lab, SERVER)
    lab.set_dns(lab.spare, [])
    files = udhcpc_variables(lab.spare, SERVER)
    write_all(files)
    held = Asker(lab)
    assert held.run(DIG) == ANSWER
    write_all(udhcpc_variables(lab.spare, lab.spare.gateway))
    lab.wait(lambda: held.run(DIG) == lab.spare.dns, 3, "an answer of the new lease's server")
    write_all(files)
    lab.wait(lambda: held.run(DIG) == ANSWER, 3, "and of the first one's")
    for path in files:
        os.unlink(path)
    lab.wait(lambda: held.run(DIG) == lab.spare.dns, 3, "the gateway, which is a guess")


@timed
@needs("tool:dbus-daemon")
@topology("split")
def test_mute(lab):
    """All services are there and none answers: a launch takes a second at most and has its server by a
    file; the next launch does not wait again, and a session that runs is healed meanwhile."""
    lab.set_dns(lab.spare, [])
    write_all(initramfs(lab.spare, SERVER))
    extra_server(lab, SERVER)
    held = Asker(lab)
    assert held.run(DIG) == ANSWER
    names = [NM, "net.connman", "net.connman.vpn", RESOLVED, MODEM]
    services = Services(lab, {"names": names, "answers": {}})
    os.kill(services.fake.pid, signal.SIGSTOP)
    try:
        took = []
        for _ in range(4):
            lab.yardstick.measure()
            start = time.monotonic()
            assert lab.via(lab.spare, "--", "sh", "-c", DIG, check=True).out.strip() == ANSWER
            took.append(time.monotonic() - start)
        print(", ".join(f"{1000 * t:.0f} ms" for t in took))
        assert max(took) < 1.5 * lab.yardstick.worst(), took
        lab.run("nft delete table inet via_iface", check=True)
        start = time.monotonic()
        lab.wait(lambda: lab.run("nft list table inet via_iface").code == 0, 5, "the table again")
        assert time.monotonic() - start < 1.5 * lab.yardstick.worst(), time.monotonic() - start
        assert held.run(DIG) == ANSWER
    finally:
        os.kill(services.fake.pid, signal.SIGCONT)
