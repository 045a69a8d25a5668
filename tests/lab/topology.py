"""A network to test in: a host with two uplinks, a router behind each, and an internet.

    host  enp7s0 (metric 100) --- rwired ---\\
                                              inet  203.0.113.1, 2001:db8:113::1
    host  wlp6s0 (metric 600) --- rspare ---/

Everything lies in namespaces of one process tree: when its first process dies, all of it is gone.
The machine's own network is never touched. The routers do not translate addresses, so the server
sees the host's address on the uplink that was used; a packet that leaves with an inner address is
seen by the capture, and gets no answer.

Topology `split`: two subnets. Topology `same`: one subnet, one switch, two gateways.
"""

import contextlib
import functools
import os
import shutil
import socket
import subprocess

import nsutil
import servers
from nsutil import write_file

class Uplink:
    """One way out of the host, as the tests need to know it."""

    def __init__(self, dev, mac, addr, gateway, addr6, gateway6, metric, router, dns, dns6):
        self.dev, self.mac, self.metric, self.router = dev, mac, metric, router
        self.addr, self.gateway = addr, gateway
        self.addr6, self.gateway6 = addr6, gateway6
        self.dns, self.dns6 = dns, dns6  # what its name server answers for who.test
        self.far = None  # (namespace, device) at the other end of the cable

    def __str__(self):
        return self.dev


def _split():
    return (
        Uplink(
            "enp7s0", "02:00:00:00:07:10", "192.168.1.10", "192.168.1.1",
            "2001:db8:1::10", "2001:db8:1::1", 100, "rwired", "10.1.1.1", "2001:db8:a::1",
        ),
        Uplink(
            "wlp6s0", "02:00:00:00:06:10", "192.168.2.10", "192.168.2.1",
            "2001:db8:2::10", "2001:db8:2::1", 600, "rspare", "10.2.2.2", "2001:db8:a::2",
        ),
    )  # fmt: skip


def _same():
    return (
        Uplink(
            "enp7s0", "02:00:00:00:07:10", "192.168.1.123", "192.168.1.8",
            "2001:db8:1::123", "2001:db8:1::8", 100, "rwired", "10.1.1.1", "2001:db8:a::1",
        ),
        Uplink(
            "wlp6s0", "02:00:00:00:06:10", "192.168.1.4", "192.168.1.1",
            "2001:db8:1::4", "2001:db8:1::1", 600, "rspare", "10.2.2.2", "2001:db8:a::2",
        ),
    )  # fmt: skip


TOPOLOGIES = {"split": _split, "same": _same}
SERVER, SERVER6 = "203.0.113.1", "2001:db8:113::1"
SERVER_B, SERVER6_B = "203.0.113.2", "2001:db8:113::2"


@functools.cache
def installed_in_etc():
    """What bears our name in the machine's own /etc. Asked for once, before there is a lab."""
    found = []
    for base, folders, names in os.walk("/etc"):
        mine = [name for name in (*folders, *names) if "via-iface" in name]
        found += [os.path.join(base, name) for name in mine]
        folders[:] = [name for name in folders if name not in mine]
    if os.path.isdir("/etc/netns"):
        found.append("/etc/netns")
    return found


class Network:
    """The part of a Lab that makes its network, and says what services say of it."""

    SYSCTL_GIVEN = (
        ("net/ipv4/ip_forward", "0"),
        ("net/ipv4/conf/all/rp_filter", "0"),
        ("net/ipv4/conf/default/rp_filter", "0"),
        ("net/ipv6/conf/all/forwarding", "0"),
        ("net/ipv6/conf/default/accept_dad", "0"),
    )

    def netns(self, name):
        """Makes another namespace, visible to `ip -n NAME`. Its IPv6 addresses are usable at
        once, and nothing is inherited from the machine that could change a test."""
        path = f"/run/netns/{name}"
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0))
        back = os.open("/proc/thread-self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
        try:
            nsutil.unshare(nsutil.CLONE_NEWNET)
            nsutil.mount("/proc/thread-self/ns/net", path, flags=nsutil.MS_BIND)
            for key, value in self.SYSCTL_GIVEN:
                write_file(f"/proc/sys/{key}", value)
            self._ns[name] = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        finally:
            nsutil.setns(back)
            os.close(back)

    def drop_netns(self, name):
        os.close(self._ns.pop(name))
        nsutil.umount(f"/run/netns/{name}")
        os.unlink(f"/run/netns/{name}")

    def _batch(self, ns, lines):
        """Many `ip` commands at the price of one process."""
        text = "\n".join(line.strip() for line in lines.strip().splitlines())
        with self.inside(ns):
            done = subprocess.run(
                ["ip", "-batch", "-"], input=text, capture_output=True, text=True, env=self.env
            )
        if done.returncode:
            raise RuntimeError(f"ip -batch in {ns}: {done.stderr}\n{text}")

    def _cables(self):
        """The ends have different interface numbers: the kernel holds back the news of a carrier,
        up to a second, where an interface's number equals that of its other end."""
        wired, spare = self.wired, self.spare
        if self.topology == "split":
            wired.far, spare.far = ("rwired", "lan"), ("rspare", "lan")
            extra = ""
        else:
            wired.far, spare.far = ("lan", "pwired"), ("lan", "pspare")
            extra = """
            link add pr8 index 23 netns lan type veth peer name lan index 12 netns rwired
            link add pr1 index 24 netns lan type veth peer name lan index 12 netns rspare
            """
        far = [(u, *u.far) for u in (wired, spare)]
        return "".join(
            f"""
            link add {u.dev} index {2 + n} address {u.mac} type veth \
                peer name {dev} index {(12 if ns != "lan" else 21) + n} netns {ns}
            """
            for n, (u, ns, dev) in enumerate(far)
        ).replace("\\\n", "") + extra + """
            link add wan index 32 netns rwired type veth peer name iwired index 2 netns inet
            link add wan index 33 netns rspare type veth peer name ispare index 3 netns inet
        """

    def _router_lines(self, uplink, number):
        # The other card's subnet must be reached by the other router, as on the real internet.
        return f"""
            link set lo up
            link set lan up
            link set wan up
            addr add {uplink.gateway}/24 dev lan
            addr add {uplink.gateway6}/64 dev lan nodad
            addr add 198.51.100.{number * 4 + 2}/30 dev wan
            addr add 2001:db8:f{number}::2/64 dev wan nodad
            route add default via 198.51.100.{number * 4 + 1}
            -6 route add default via 2001:db8:f{number}::1
        """.replace("-6 route add", "route add")

    def _inet_lines(self):
        wired, spare = self.wired, self.spare
        lines = f"""
            link set lo up
            addr add {SERVER}/32 dev lo
            addr add {SERVER_B}/32 dev lo
            addr add {SERVER6}/128 dev lo nodad
            addr add {SERVER6_B}/128 dev lo nodad
            link set iwired up
            link set ispare up
        """
        for number, dev in ((1, "iwired"), (2, "ispare")):
            lines += f"""
            addr add 198.51.100.{number * 4 + 1}/30 dev {dev}
            addr add 2001:db8:f{number}::1/64 dev {dev} nodad
            """
        # The answer to an address goes by the router of its card.
        back = [(wired.addr + "/32", 1), (spare.addr + "/32", 2)]
        back6 = [(wired.addr6 + "/128", 1), (spare.addr6 + "/128", 2)]
        if self.topology == "split":
            back = [("192.168.1.0/24", 1), ("192.168.2.0/24", 2)]
            back6 = [("2001:db8:1::/64", 1), ("2001:db8:2::/64", 2)]
        for network, number in back:
            lines += f"route add {network} via 198.51.100.{number * 4 + 2}\n"
        for network, number in back6:
            lines += f"route add {network} via 2001:db8:f{number}::2\n"
        return lines

    def _host_lines(self):
        lines = "link set lo up\n"
        for u in (self.wired, self.spare):
            lines += f"""
            link set {u.dev} up
            addr add {u.addr}/24 dev {u.dev} noprefixroute
            addr add {u.addr6}/64 dev {u.dev} nodad noprefixroute
            route add {u.addr.rsplit(".", 1)[0]}.0/24 dev {u.dev} src {u.addr} metric {u.metric} \
                proto kernel scope link
            route add {u.addr6.split("::")[0]}::/64 dev {u.dev} metric {u.metric} proto kernel
            route add default via {u.gateway} dev {u.dev} metric {u.metric}
            route add default via {u.gateway6} dev {u.dev} metric {u.metric}
            """.replace("\\\n", "")
        return lines

    def _lan_lines(self):
        lines = """
            link set lo up
            link add lan0 type bridge forward_delay 0 stp_state 0 mcast_snooping 0
            link set lan0 up
        """
        for port in ("pwired", "pspare", "pr8", "pr1"):
            lines += f"link set {port} master lan0 up\n"
        return lines

    def build(self):
        # As the first `ip netns add` leaves it, so that a later one changes no mount.
        os.makedirs("/run/netns")
        nsutil.mount("/run/netns", "/run/netns", flags=nsutil.MS_BIND)
        nsutil.mount("none", "/run/netns", flags=nsutil.MS_SHARED)
        names = ["rwired", "rspare", "inet", "host"]
        if self.topology == "same":
            names.append("lan")
        for name in names:
            self.netns(name)
        for name in ("rwired", "rspare"):
            self.sysctl("net.ipv4.ip_forward", 1, ns=name)
            self.sysctl("net.ipv6.conf.all.forwarding", 1, ns=name)
        with self.inside("host"):
            with contextlib.suppress(OSError):
                write_file("/proc/sys/net/ipv4/ping_group_range", "0 2147483647")
        self._batch("host", self._cables())
        self._batch("rwired", self._router_lines(self.wired, 1))
        self._batch("rspare", self._router_lines(self.spare, 2))
        self._batch("inet", self._inet_lines())
        if self.topology == "same":
            self._batch("lan", self._lan_lines())
        self._batch("host", self._host_lines())
        nsutil.setns(self._ns["host"])
        nsutil.mount("sysfs", "/sys", "sysfs", nsutil.MS_NOSUID | nsutil.MS_NODEV | nsutil.MS_NOEXEC)
        self._etc()
        self._resolver()
        self._serve()
        for uplink in (self.wired, self.spare):
            self.wait(lambda u=uplink: self.carrier(u.dev), 2, f"carrier on {uplink.dev}")
        self.wait(self._is_complete, 5, "the local routes of all IPv6 addresses", step=0.02)

    def _is_complete(self):
        """The kernel makes those from a work queue (net/ipv6/addrconf.c:addrconf_dad_work): a
        snapshot that is taken before would find more later."""
        addresses = self.ip("-6 -o addr show scope global") + self.ip("-6 -o addr show scope link")
        local = {line.split()[1] for line in self.ip("-6 route show table local type local").splitlines()}
        wanted = [line.split()[3].split("/")[0] for line in addresses.splitlines()]
        return "tentative" not in addresses and len(wanted) > 3 and set(wanted) <= local

    @staticmethod
    def _etc():
        """Whatever is written to /etc in a lab stays there: /etc/netns is made as on a host. What an
        installation on this machine has there is not seen."""
        base = "/run/lab/etc-of-lab"
        for name in ("upper", "work"):
            os.makedirs(f"{base}/{name}")
        data = f"lowerdir=/etc,upperdir={base}/upper,workdir={base}/work"
        try:
            nsutil.mount("overlay", "/etc", "overlay", 0, data)
        except OSError:
            nsutil.mount("overlay", "/etc", "overlay", 0, data + ",userxattr")
        for path in installed_in_etc():
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)

    def _resolver(self):
        """The host's resolver is the wired card's, as on a desktop where that card is preferred;
        which server belongs to which card is told in the way systemd-networkd does."""
        write_file("/run/lab/resolv.conf", f"nameserver {self.wired.gateway}\n")
        target = os.path.realpath("/etc/resolv.conf")
        if target.startswith("/run/"):
            os.makedirs(os.path.dirname(target), exist_ok=True)
            write_file(target, "")
        nsutil.mount("/run/lab/resolv.conf", target, flags=nsutil.MS_BIND)
        for uplink in (self.wired, self.spare):
            self.set_dns(uplink, [uplink.gateway, uplink.gateway6])

    def set_dns(self, uplink, addresses, domains=()):
        """Which name servers belong to the uplink; replaced by rename, as networkd does."""
        os.makedirs("/run/systemd/netif/links", exist_ok=True)
        path = f"/run/systemd/netif/links/{socket.if_nametoindex(uplink.dev)}"
        write_file(
            path + ".new",
            "# This is private data. Do not parse.\n"
            "ADMIN_STATE=configured\nOPER_STATE=routable\nCARRIER_STATE=carrier\n"
            "ADDRESS_STATE=routable\nIPV4_ADDRESS_STATE=routable\nIPV6_ADDRESS_STATE=routable\n"
            "ONLINE_STATE=online\n"
            f"NETWORK_FILE=/etc/systemd/network/{uplink.dev}.network\n"
            f"DNS={' '.join(addresses)}\nNTP=\nSIP=\nDOMAINS={' '.join(domains)}\n"
            "ROUTE_DOMAINS=\nLLMNR=no\nMDNS=no\n",
        )
        os.rename(path + ".new", path)

    def set_lease(self, uplink, router, address=None):
        """What DHCP said to that uplink, replaced by rename, as networkd does; with "" as router
        the lease is gone."""
        os.makedirs("/run/systemd/netif/leases", exist_ok=True)
        path = f"/run/systemd/netif/leases/{socket.if_nametoindex(uplink.dev)}"
        if not router:
            os.unlink(path)
            return
        write_file(
            path + ".new",
            "# This is private data. Do not parse.\n"
            f"ADDRESS={address or uplink.addr}\nNETMASK=255.255.255.0\nROUTER={router}\n"
            f"SERVER_ADDRESS={router}\nT1=21600\nT2=37800\nLIFETIME=43200\n"
            f"DNS={router}\n",
        )
        os.rename(path + ".new", path)

    def _serve(self):
        services = []
        with self.inside("inet"):
            services += servers.open_inet((SERVER, SERVER_B, SERVER6, SERVER6_B), self._log)
        for word, uplink in (("wired", self.wired), ("spare", self.spare)):
            names = {"who.test": (uplink.dns, uplink.dns6), "inet.test": (SERVER, SERVER6)}
            with self.inside(uplink.router):
                addresses = (uplink.gateway, uplink.gateway6)
                services += servers.open_dns(word, addresses, names, self._log)
        pid = os.fork()
        if pid == 0:
            try:
                nsutil.die_with_parent()
                servers.serve(services)
            finally:
                os._exit(1)
        for service in services:
            service.sock.close()
