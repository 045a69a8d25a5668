/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * More programs' files: those of udhcpc, of an initramfs, of ifupdown with all that interfaces(5)
 * leads to, of networkd in several versions (with netplan over it), and what resolvconf is told by
 * iwd, wg-quick and OpenVPN. The samples are made by hand after what these programs write.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dns/dns.h"
#include "dns/parsers.h"
#include "fds.h"
#include "samples.h"
#include "scene.h"
#include "unit.h"

static struct dns sources;
static struct facts facts;

static int setup(void **state)
{
	static const char *const links[] = { "enp7s0", "wlp6s0", "enp7s0x", "wg0", "tun0" };
	struct err err = { 0 };

	*state = (void *)dir_new();
	scene_host(&facts);
	for (size_t i = 0; i < ARRAY_SIZE(links); i++)
		scene_link(&facts, links[i]);
	return dns_open(&sources, dir_path("."), &err);
}

static int teardown(void **state)
{
	(void)state;
	dns_close(&sources);
	facts_done(&facts);
	dir_remove();
	return 0;
}

static void put_bytes(const char *name, const char *bytes, size_t len)
{
	_cleanup_close_ int fd = -1;

	dir_make_parents(name);
	fd = open(dir_path(name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
}

static void put(const char *name, const char *text)
{
	put_bytes(name, text, strlen(text));
}

static void put_sample(const char *name, const char *from)
{
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	bytes = sample(from, &len);
	put_bytes(name, bytes, len);
}

static const char *of_link(const char *format, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), format, facts_link(&facts, name)->index);
	return path;
}

static void link_has(const char *name, const char *source, const char *servers, const char *domains)
{
	char text[DNS_SERVERS_MAX * IP_TEXT_MAX] = "", one[IP_TEXT_MAX];
	struct fact_dns dns = { 0 };
	struct err err = { 0 };

	if (dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, &err) < 0)
		fail_msg("%s", err.text);
	for (size_t i = 0; i < dns.n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ip_format(&dns.servers[i], one));
	}
	assert_string_equal(dns.source, source);
	assert_string_equal(text, servers);
	assert_string_equal(dns.domains, domains);
}

static void link_has_none(const char *name)
{
	struct fact_dns dns = { .n = 77 };

	assert_int_equal(dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, NULL),
			 -ENOENT);
	assert_int_equal(dns.n, 77);
}

static void leads(const char *name, const char *gateway)
{
	char text[IP_TEXT_MAX] = "";
	struct fact_dns dns = { 0 };

	dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, NULL);
	if (ip_is_set(&dns.gateway4))
		ip_format(&dns.gateway4, text);
	assert_string_equal(text, gateway);
}

/* --- udhcpc ---------------------------------------------------------------------------------- */

static void test_udhcpc(void **state)
{
	(void)state;
	put_sample("run/udhcpc.enp7s0.env", "udhcpc.env");
	link_has_none("enp7s0"); /* its address is not there */
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	link_has("enp7s0", "udhcpc", "192.168.2.1 192.168.2.53", "home.example lab.example");
	leads("enp7s0", "192.168.2.254"); /* of the default among staticroutes */
	link_has_none("wlp6s0");
	/* the name of another file says nothing, and neither does another interface's prefix */
	put("run/udhcpc.wlp6s0.env", "interface=enp7s0\nip=192.168.2.134\ndns=9.9.9.9\n");
	link_has_none("wlp6s0");
	scene_addr(&facts, "enp7s0x", "10.0.0.9/24");
	link_has_none("enp7s0x");
	put("run/udhcpc/enp7s0x", "export interface=\"enp7s0x\"\nexport ip=\"10.0.0.9\"\n"
				  "export router=\"10.0.0.1\"\nexport dns=\"10.0.0.53\"\n");
	link_has("enp7s0x", "udhcpc", "10.0.0.53", "");
	leads("enp7s0x", "10.0.0.1");
}

/* A process id, no address, NUL bytes, more than fits, and what is no regular file. */
static void test_udhcpc_bad(void **state)
{
	static const char zero[] = "interface=enp7s0\0\nip=10.0.0.9\ndns=9.9.9.9\n";
	_cleanup_free_ char *much = NULL;

	(void)state;
	scene_addr(&facts, "enp7s0", "10.0.0.9/24");
	put("run/udhcpc.enp7s0.pid", "4711\n");
	put("run/udhcpc-enp7s0", "interface=enp7s0\ndns=9.9.9.9\n"); /* for no address */
	put_bytes("run/udhcpc.zero", zero, sizeof(zero) - 1);
	assert_int_equal(mkfifo(dir_path("run/udhcpc.fifo"), 0600), 0);
	put("elsewhere", "interface=enp7s0\nip=10.0.0.9\ndns=9.9.9.9\n");
	assert_int_equal(symlink(dir_path("elsewhere"), dir_path("run/udhcpc.link")), 0);
	put("run/udhcpcd.enp7s0", "interface=enp7s0\nip=10.0.0.9\ndns=9.9.9.9\n");
	link_has_none("enp7s0");
	much = calloc(1, 2 * DNS_FILE_MAX);
	assert_non_null(much);
	memset(much, 'x', 2 * DNS_FILE_MAX - 1);
	memcpy(much, "interface=enp7s0\nip=10.0.0.9\ndns=", 33);
	put("run/udhcpc.much", much);
	link_has_none("enp7s0");
	put("run/udhcpc.good", "interface=enp7s0\nip=10.0.0.9\ndns='10.0.0.53'\n");
	link_has("enp7s0", "udhcpc", "10.0.0.53", "");
}

/* What BusyBox's script writes into the resolv.conf of all links. */
static void test_marked(void **state)
{
	(void)state;
	put("etc/resolv.conf", "nameserver 127.0.0.1 # enp7s0\n"
			       "search home.example # enp7s0\n"
			       "nameserver 10.1.0.53 # enp7s0x\n"
			       "nameserver 10.2.0.53 # enp7s0\n"
			       "nameserver 10.3.0.53\n"
			       "nameserver 10.4.0.53 # of wlp6s0\n"
			       "#nameserver 10.5.0.53 # enp7s0\n");
	link_has("enp7s0", "udhcpc", "10.2.0.53", "home.example");
	link_has("enp7s0x", "udhcpc", "10.1.0.53", "");
	link_has_none("wlp6s0");
	/* resolvconf goes behind it, what configures the link before it */
	put(of_link("run/systemd/netif/links/%d", "enp7s0"), "DNS=9.9.9.9\n");
	link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");
}

/* --- the initramfs --------------------------------------------------------------------------- */

static void test_ipconfig(void **state)
{
	(void)state;
	put_sample("run/net-enp7s0.conf", "net.conf");
	link_has_none("enp7s0");
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	link_has("enp7s0", "initramfs", "192.168.2.53", "home.example");
	leads("enp7s0", "192.168.2.1");
	put("run/net-wlp6s0.conf", "DEVICE='enp7s0'\nIPV4ADDR='192.168.2.134'\nIPV4DNS0=9.9.9.9\n");
	link_has_none("wlp6s0");
	/* nobody renews it: whoever else knows goes before it */
	put("run/resolvconf/interface/enp7s0.dhclient", "nameserver 10.0.0.1\n");
	link_has("enp7s0", "resolvconf", "10.0.0.1", "");
}

/* --- ifupdown -------------------------------------------------------------------------------- */

static void test_sources(void **state)
{
	(void)state;
	put("run/network/ifstate", "enp7s0=enp7s0\nwlp6s0=wlp6s0\nwg0=wg0\ntun0=tun0\n");
	put("etc/network/interfaces",
	    "source interfaces.d/*.cfg\n"
	    "source-directory /etc/network/more.d\n"
	    "source /etc/network/../elsewhere /elsewhere /etc/networks\n");
	put("etc/network/interfaces.d/50-cloud.cfg", "auto enp7s0\niface enp7s0 inet dhcp\n"
						     "  dns-nameservers 10.1.0.53\n"
						     "source /etc/network/deep\n");
	put("etc/network/interfaces.d/50-cloud.cfg~", "iface enp7s0 inet dhcp\n"
						      "  dns-nameservers 9.9.9.9\n");
	put("etc/network/deep", "iface wg0 inet static\n  dns-nameservers 10.3.0.53\n"
				"source /etc/network/deep\n" /* itself */
				"source /etc/network/interfaces\n");
	put("etc/network/more.d/wlan", "allow-hotplug wlp6s0\niface wlp6s0 inet6 auto\n"
				       "  dns-nameservers 2001:db8::53\n"
				       "iface wlp6s0 inet dhcp\n  dns-nameservers 10.2.0.53\n");
	put("etc/network/more.d/wlan.dpkg-old",
	    "iface wlp6s0 inet dhcp\n  dns-nameservers 9.9.9.9\n");
	put("etc/elsewhere", "iface tun0 inet dhcp\n  dns-nameservers 9.9.9.9\n");
	put("elsewhere", "iface tun0 inet dhcp\n  dns-nameservers 9.9.9.9\n");
	put("etc/networks", "iface tun0 inet dhcp\n  dns-nameservers 9.9.9.9\n");
	link_has("enp7s0", "ifupdown", "10.1.0.53", "");
	link_has("wlp6s0", "ifupdown", "2001:db8::53 10.2.0.53", "");
	link_has("wg0", "ifupdown", "10.3.0.53", "");
	link_has_none("tun0");
}

/* What stands in interfaces.d does not count while nothing leads there. */
static void test_not_sourced(void **state)
{
	(void)state;
	put("run/network/ifstate", "enp7s0=enp7s0\n");
	put("etc/network/interfaces", "auto lo\n");
	put("etc/network/interfaces.d/enp7s0",
	    "iface enp7s0 inet dhcp\n  dns-nameservers 9.9.9.9\n");
	link_has_none("enp7s0");
}

static void test_inherits(void **state)
{
	(void)state;
	scene_addr(&facts, "enp7s0", "10.1.0.9/24");
	put("run/network/ifstate", "enp7s0=office\nwlp6s0=loop1\nwg0=ng\n");
	put("etc/network/interfaces", "source /etc/network/interfaces.d/*\n"
				      "iface office inet static inherits base\n"
				      "  dns-search office.example\n"
				      "iface loop1 inet dhcp inherits loop2\n"
				      "iface loop2 inet dhcp inherits loop1\n"
				      "  dns-nameservers 10.4.0.53\n"
				      "iface ng\n  inherit tpl\n"
				      "template tpl\n  dns-nameservers 10.5.0.53\n");
	put("etc/network/interfaces.d/base", "iface base inet static inherits root\n"
					     "  dns-nameservers 10.1.0.53\n"
					     "  dns-search base.example\n"
					     "iface root inet static\n"
					     "  dns-nameservers 9.9.9.9\n"
					     "  gateway 10.1.0.1\n");
	link_has("enp7s0", "ifupdown", "10.1.0.53", "office.example");
	leads("enp7s0", "10.1.0.1");
	link_has("wlp6s0", "ifupdown", "10.4.0.53", "");
	link_has("wg0", "ifupdown", "10.5.0.53", "");
}

/* BusyBox's ifupdown, and ifupdown-ng, keep their state elsewhere. */
static void test_run_ifstate(void **state)
{
	(void)state;
	put("etc/network/interfaces", "iface enp7s0 inet dhcp\n  dns-nameservers 10.1.0.53\n");
	link_has_none("enp7s0");
	put("run/ifstate", "lo=lo 2\nenp7s0=enp7s0 1\n");
	link_has("enp7s0", "ifupdown", "10.1.0.53", "");
}

/* --- networkd, and netplan over it ----------------------------------------------------------- */

static void test_networkd_versions(void **state)
{
	(void)state;
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	/* before 250, ROUTES= was all there was */
	put_sample(of_link("run/systemd/netif/leases/%d", "enp7s0"), "networkd-lease-219");
	link_has("enp7s0", "systemd-networkd", "192.168.2.53", "home.example");
	leads("enp7s0", "192.168.2.254");
	/* static routes (option 33) have no default, and leave the router alone */
	put_sample(of_link("run/systemd/netif/leases/%d", "enp7s0"), "networkd-lease-257");
	link_has("enp7s0", "systemd-networkd", "192.168.2.1 192.168.2.53",
		 "home.example lab.example");
	leads("enp7s0", "192.168.2.1");
}

/* Ports, names for TLS and devices; servers of router advertisements and DHCPv6 beside others. */
static void test_networkd_link(void **state)
{
	(void)state;
	put_sample(of_link("run/systemd/netif/links/%d", "enp7s0"), "networkd-link-257");
	link_has("enp7s0", "systemd-networkd",
		 "192.168.2.53 192.168.2.54 192.168.2.56 2001:db8:2::53 2001:db8:2::54 fe80::1",
		 "home.example");
}

/* netplan's `nameservers:` is in force where networkd says so; its own files are not asked. */
static void test_netplan(void **state)
{
	(void)state;
	put("etc/netplan/01-wired.yaml", "network:\n  ethernets:\n    enp7s0:\n      nameservers:\n"
					 "        addresses: [9.9.9.9]\n");
	put("run/systemd/network/10-netplan-enp7s0.network",
	    "[Match]\nName=enp7s0\n[Network]\nDNS=9.9.9.9\n");
	put("run/systemd/netif/state", "OPER_STATE=routable\nDNS=9.9.9.9\n");
	link_has_none("enp7s0");
	put_sample(of_link("run/systemd/netif/links/%d", "enp7s0"), "netplan-link");
	link_has("enp7s0", "systemd-networkd", "10.1.0.53 2001:db8:1::53", "corp.example");
}

/* --- resolvconf ------------------------------------------------------------------------------ */

static void test_told_resolvconf(void **state)
{
	(void)state;
	/* iwd, a file for each kind */
	put("run/resolvconf/interface/wlp6s0.dns", "nameserver 10.1.0.53\n");
	put("run/resolvconf/interface/wlp6s0.domain", "search cafe.example\nsearch lab.example\n");
	link_has("wlp6s0", "resolvconf", "10.1.0.53", "cafe.example lab.example");
	/* older ones: the device's index, which is nobody's name here */
	put(of_link("run/resolvconf/interface/%d", "enp7s0x"), "nameserver 10.6.0.53\n");
	link_has("enp7s0x", "resolvconf", "10.6.0.53", "");
	assert_int_equal(unlink(dir_path(of_link("run/resolvconf/interface/%d", "enp7s0x"))), 0);
	/* openresolv from 3.14: a key is an interface and more */
	put("run/resolvconf/keys/enp7s0.udhcpc", "nameserver 10.2.0.53\n");
	link_has("enp7s0", "resolvconf", "10.2.0.53", "");
	link_has_none("enp7s0x");
	scene_link_is(&facts, "wg0", "wireguard", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	/* OpenVPN's update-resolv-conf, wg-quick with both kinds of resolvconf */
	put("run/resolvconf/interface/tun0.openvpn", "nameserver 10.3.0.53\nsearch vpn.example\n");
	link_has("tun0", "resolvconf", "10.3.0.53", "vpn.example");
	put("run/resolvconf/interfaces/wg0", "nameserver 10.4.0.53\n");
	link_has("wg0", "resolvconf", "10.4.0.53", "");
	put("run/resolvconf/interface/tun.wg0", "nameserver 10.5.0.53\n");
	link_has("wg0", "resolvconf", "10.5.0.53", "");
}

/* "tun." belongs to tunnels; a file of another device is not a card's. */
static void test_resolvconf_of_tunnels(void **state)
{
	(void)state;
	put("run/resolvconf/interface/tun.enp7s0", "nameserver 10.1.0.53\n");
	link_has_none("enp7s0");
	put("run/resolvconf/interface/tun.wlp6s0", "nameserver 10.2.0.53\n");
	scene_link(&facts, "tun.wlp6s0");
	link_has("tun.wlp6s0", "resolvconf", "10.2.0.53", "");
	link_has_none("wlp6s0");
	scene_link_is(&facts, "wg0", "wireguard", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	/* a tunnel, but the file is of the device whose whole name it is */
	put("run/resolvconf/interface/tun.wg0", "nameserver 10.3.0.53\n");
	link_has("wg0", "resolvconf", "10.3.0.53", "");
	scene_link(&facts, "tun.wg0");
	link_has("tun.wg0", "resolvconf", "10.3.0.53", "");
	link_has_none("wg0");
}

/* --- in the order of trust ------------------------------------------------------------------- */

static void test_order(void **state)
{
	static const char lease[] = "lease {\n  interface \"enp7s0\";\n  fixed-address 10.0.0.9;\n"
				    "  option domain-name-servers 10.6.0.53;\n}\n";

	(void)state;
	scene_addr(&facts, "enp7s0", "10.0.0.9/24");
	put("run/network/ifstate", "enp7s0=enp7s0\n");
	put("etc/network/interfaces", "iface enp7s0 inet dhcp\n  dns-nameservers 10.1.0.53\n");
	link_has("enp7s0", "ifupdown", "10.1.0.53", "");
	put("run/net-enp7s0.conf", "DEVICE=enp7s0\nIPV4ADDR=10.0.0.9\nIPV4DNS0=10.2.0.53\n");
	link_has("enp7s0", "initramfs", "10.2.0.53", "");
	put("run/resolvconf/interface/enp7s0.inet", "nameserver 10.3.0.53\n");
	link_has("enp7s0", "resolvconf", "10.3.0.53", "");
	put("etc/resolv.conf", "nameserver 10.4.0.53 # enp7s0\n");
	link_has("enp7s0", "udhcpc", "10.4.0.53", "");
	put("run/udhcpc.enp7s0", "interface=enp7s0\nip=10.0.0.9\ndns=10.5.0.53\nrouter=10.0.0.1\n");
	link_has("enp7s0", "udhcpc", "10.5.0.53", "");
	put("var/lib/dhcp/dhclient.leases", lease);
	link_has("enp7s0", "dhclient", "10.6.0.53", "");
	leads("enp7s0", "10.0.0.1"); /* it names no router, udhcpc does */
	put(of_link("run/systemd/netif/links/%d", "enp7s0"), "DNS=10.7.0.53\n");
	link_has("enp7s0", "systemd-networkd", "10.7.0.53", "");
	put(of_link("run/NetworkManager/devices/%d", "enp7s0"),
	    "[dhcp4]\ndhcp4.ip_address=10.0.0.9\ndhcp4.domain_name_servers=10.8.0.53\n");
	link_has("enp7s0", "NetworkManager", "10.8.0.53", "");
}

/* --- watching -------------------------------------------------------------------------------- */

static bool changed(void)
{
	return dns_take_events(&sources);
}

static void test_watch(void **state)
{
	struct err err = { 0 };

	(void)state;
	dir_make_parents("run/x");
	assert_int_equal(dns_watch(&sources, &err), 0);
	put("run/some.pid", "1\n");
	put("run/udhcpcd.x", "1\n");
	assert_false(changed());
	put("run/udhcpc.enp7s0.env", "interface=enp7s0\n");
	assert_true(changed());
	put("run/ifstate", "lo=lo\n");
	assert_true(changed());
	put("run/net-enp7s0.conf", "DEVICE=enp7s0\n");
	assert_true(changed());
	put("run/udhcpc/enp7s0", "interface=enp7s0\n");
	assert_true(changed());
	put("run/udhcpc/enp7s0", "interface=enp7s0\nip=10.0.0.9\n");
	assert_true(changed());
	assert_false(changed());
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_udhcpc),
		TEST(test_udhcpc_bad),
		TEST(test_marked),
		TEST(test_ipconfig),
		TEST(test_sources),
		TEST(test_not_sourced),
		TEST(test_inherits),
		TEST(test_run_ifstate),
		TEST(test_networkd_versions),
		TEST(test_networkd_link),
		TEST(test_netplan),
		TEST(test_told_resolvconf),
		TEST(test_resolvconf_of_tunnels),
		TEST(test_order),
		TEST(test_watch),
	};
#undef TEST

	return RUN_TESTS(tests);
}
