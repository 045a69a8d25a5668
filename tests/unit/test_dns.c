/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "dns/dns.h"
#include "dns/parsers.h"
#include "fds.h"
#include "model/own.h"
#include "samples.h"
#include "scene.h"
#include "unit.h"

/*
 * The files of a host below a directory. There is no bus in it; test_dns_bus.c has one. The
 * samples are of enp7s0 with the addresses that were leased then.
 */
static struct dns sources;
static struct facts facts;

static int setup(void **state)
{
	struct err err = { 0 };

	*state = (void *)dir_new();
	scene_host(&facts);
	scene_link(&facts, "enp7s0");
	scene_link(&facts, "wlp6s0");
	return dns_open(&sources, dir_path("."), &err);
}

static int teardown(void **state)
{
	(void)state;
	dns_close(&sources);
	dns_close(&sources); /* twice is fine */
	facts_done(&facts);
	dir_remove();
	return 0;
}

static void put_bytes(const char *name, const char *bytes, size_t len)
{
	_cleanup_close_ int fd = -1;
	char temp[PATH_MAX];

	dir_make_parents(name);
	snprintf(temp, sizeof(temp), "%s/.temp", dir_path("."));
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, len), len);
	assert_int_equal(rename(temp, dir_path(name)), 0); /* as the programs do */
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

static int index_of(const char *name)
{
	return facts_link(&facts, name)->index;
}

/* A path with %d for the index of a link. */
static const char *of_link(const char *format, const char *name)
{
	static char path[PATH_MAX];

	snprintf(path, sizeof(path), format, index_of(name));
	return path;
}

static const char *join(const struct fact_dns *dns)
{
	static char text[DNS_SERVERS_MAX * IP_TEXT_MAX];
	char one[IP_TEXT_MAX];

	text[0] = 0;
	for (size_t i = 0; i < dns->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ip_format(&dns->servers[i], one));
	}
	return text;
}

static void link_has(const char *name, const char *source, const char *servers, const char *domains)
{
	struct fact_dns dns = { 0 };
	struct err err = { 0 };

	if (dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, &err) < 0)
		fail_msg("%s", err.text);
	assert_int_equal(dns.index, index_of(name));
	assert_string_equal(dns.source, source);
	assert_string_equal(join(&dns), servers);
	assert_string_equal(dns.domains, domains);
}

static void link_has_none(const char *name)
{
	struct fact_dns dns = { .n = 77 };
	struct err err = { 0 };

	assert_int_equal(dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, &err),
			 -ENOENT);
	assert_int_equal(dns.n, 77); /* untouched */
	assert_non_null(strstr(err.text, name));
	assert_non_null(strstr(err.text, "--dns"));
}

#define FOUR  "192.168.2.1 192.168.2.53"
#define SIX   "2001:db8:2::1 2001:db8:2::53"
#define THREE "home.example lab.example sub.lab.example"
#define TWO   "home.example lab.example"

static void test_nothing(void **state)
{
	size_t before = fds_open();
	struct err err = { 0 };

	(void)state;
	link_has_none("enp7s0");
	assert_int_equal(dns_of_link(&sources, &facts, facts_link(&facts, "enp7s0"),
				     &(struct fact_dns){ 0 }, NULL),
			 -ENOENT);
	dns_of_link(&sources, &facts, facts_link(&facts, "enp7s0"), &(struct fact_dns){ 0 }, &err);
	assert_non_null(strstr(err.text, "NetworkManager"));
	assert_non_null(strstr(err.text, "dhclient"));
	assert_non_null(strstr(err.text, "gateway"));
	assert_int_equal(fds_open(), before);
}

static void test_nm(void **state)
{
	(void)state;
	put_sample(of_link("run/NetworkManager/devices/%d", "enp7s0"), "nm-device");
	link_has_none("enp7s0"); /* of another day: the address is not there */
	scene_addr(&facts, "enp7s0", "2001:db8:2::156/128");
	link_has("enp7s0", "NetworkManager", SIX, TWO);
	scene_addr(&facts, "wlp6s0", "192.168.2.134/24"); /* of another link */
	link_has("enp7s0", "NetworkManager", SIX, TWO);
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	link_has("enp7s0", "NetworkManager", FOUR " " SIX, THREE);
	link_has_none("wlp6s0");
}

static void test_networkd(void **state)
{
	(void)state;
	put_sample(of_link("run/systemd/netif/leases/%d", "enp7s0"), "networkd-lease");
	link_has_none("enp7s0");
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	link_has("enp7s0", "systemd-networkd", FOUR, THREE);
	put_sample(of_link("run/systemd/netif/links/%d", "enp7s0"), "networkd-link");
	link_has("enp7s0", "systemd-networkd", "192.168.2.99 " FOUR " " SIX,
		 "static.example " THREE);
	link_has_none("wlp6s0");
	/* what NetworkManager says is believed first */
	put_sample(of_link("run/NetworkManager/devices/%d", "enp7s0"), "nm-device");
	link_has("enp7s0", "NetworkManager", FOUR, THREE);
}

/* A lease of dhclient that ends in so many seconds. */
static void put_lease(const char *file, const char *dev, const char *addr, const char *server,
		      long long seconds)
{
	char text[512];

	snprintf(text, sizeof(text),
		 "lease {\n  interface \"%s\";\n  fixed-address %s;\n"
		 "  option domain-name-servers %s;\n  expire epoch %lld;\n}\n",
		 dev, addr, server, time(NULL) + seconds);
	put(file, text);
}

static void test_dhclient(void **state)
{
	(void)state;
	scene_addr(&facts, "enp7s0", "10.0.0.7/24");
	scene_addr(&facts, "wlp6s0", "10.1.0.7/24");
	put_lease("var/lib/dhcp/dhclient.leases", "enp7s0", "10.0.0.7", "10.0.0.1", 600);
	link_has("enp7s0", "dhclient", "10.0.0.1", "");
	link_has_none("wlp6s0");
	put_lease("var/lib/dhclient/dhclient-wlp6s0.lease", "wlp6s0", "10.1.0.7", "10.1.0.1", 600);
	link_has("wlp6s0", "dhclient", "10.1.0.1", "");
	put_lease("var/lib/dhcp/dhclient.leases", "enp7s0", "10.0.0.7", "10.0.0.1", -600);
	link_has_none("enp7s0"); /* it has expired */
	put_lease("var/lib/dhcp/dhclient.leases", "enp7s0", "10.0.0.8", "10.0.0.1", 600);
	link_has_none("enp7s0");
	/* IPv6 only; it expired long ago */
	put_sample("var/lib/dhcp/dhclient6.enp7s0.leases", "dhclient6.leases");
	scene_addr(&facts, "enp7s0", "2001:db8:2::19a/128");
	if (time(NULL) > 1795314059 + 7500)
		link_has_none("enp7s0");
	else
		link_has("enp7s0", "dhclient", SIX, TWO);
}

/* Of a long file the end is read, where the newest lease is. */
static void test_dhclient_long(void **state)
{
	static const char old[] = "lease {\n  interface \"enp7s0\";\n  fixed-address 10.0.0.7;\n"
				  "  option domain-name-servers 10.0.0.66;\n}\n";
	_cleanup_free_ char *much = NULL;
	size_t len = 0;

	(void)state;
	scene_addr(&facts, "enp7s0", "10.0.0.7/24");
	much = calloc(1, 3 * DNS_FILE_MAX);
	assert_non_null(much);
	for (; len < 2 * DNS_FILE_MAX; len += sizeof(old) - 1)
		memcpy(much + len, old, sizeof(old));
	strcpy(much + len, old);
	strstr(much + len, "10.0.0.66")[7] = '7';
	put("var/lib/dhcp/dhclient.leases", much);
	link_has("enp7s0", "dhclient", "10.0.0.76", "");
}

static void set_time(const char *name, time_t when)
{
	const struct timespec times[2] = { { .tv_sec = when }, { .tv_sec = when } };

	assert_int_equal(utimensat(AT_FDCWD, dir_path(name), times, 0), 0);
}

static void test_dhcpcd(void **state)
{
	(void)state;
	put_sample("var/lib/dhcpcd/enp7s0.lease", "dhcpcd.lease");
	link_has_none("enp7s0");
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	link_has("enp7s0", "dhcpcd", FOUR, THREE);
	put_sample("var/lib/dhcpcd/enp7s0.lease6", "dhcpcd.lease6");
	link_has("enp7s0", "dhcpcd", FOUR, THREE);
	scene_addr(&facts, "enp7s0", "2001:db8:2::145/128");
	link_has("enp7s0", "dhcpcd", FOUR " " SIX, THREE);
	set_time("var/lib/dhcpcd/enp7s0.lease", time(NULL) - 43100);
	link_has("enp7s0", "dhcpcd", FOUR " " SIX, THREE);
	set_time("var/lib/dhcpcd/enp7s0.lease", time(NULL) - 43300); /* 12 hours are over */
	link_has("enp7s0", "dhcpcd", SIX, TWO);
	/* a wireless network's, with the name of the network */
	put_sample("var/lib/dhcpcd/wlp6s0-Caf\xc3\xa9.lease", "dhcpcd.lease");
	link_has_none("wlp6s0");
	scene_addr(&facts, "wlp6s0", "192.168.2.134/24");
	link_has("wlp6s0", "dhcpcd", FOUR, THREE);
	/* cut off */
	put_bytes("var/lib/dhcpcd/wlp6s0-Caf\xc3\xa9.lease", "\x02\x01\x06", 4);
	link_has_none("wlp6s0");
}

static void test_ppp(void **state)
{
	(void)state;
	scene_link(&facts, "ppp0");
	scene_link_is(&facts, "ppp0", "ppp", IFF_UP | IFF_POINTOPOINT);
	put("etc/ppp/resolv.conf", "nameserver 10.9.9.1\nnameserver 10.9.9.2\n");
	link_has("ppp0", "pppd", "10.9.9.1 10.9.9.2", "");
	put("run/ppp/resolv.conf", "nameserver 10.8.8.1\n"); /* ppp 2.5 */
	link_has("ppp0", "pppd", "10.8.8.1", "");
	link_has_none("wlp6s0");
	/* of two such links nobody knows whose servers they are */
	scene_link(&facts, "ppp1");
	scene_link_is(&facts, "ppp1", "ppp", IFF_UP | IFF_POINTOPOINT);
	link_has_none("ppp0");
	link_has_none("ppp1");
}

static void test_ifupdown(void **state)
{
	(void)state;
	put("etc/network/interfaces", "source /etc/network/interfaces.d/*\n"
				      "auto lo wlp6s0\n"
				      "iface lo inet loopback\n"
				      "iface wlp6s0 inet static\n"
				      "  address 192.168.60.2/24\n"
				      "  # dns-nameservers 9.9.9.9\n"
				      "  dns-nameservers 192.168.60.53 \\\n"
				      "    192.168.60.54\n"
				      "\tdns-search lan example.org\n"
				      "allow-hotplug enp7s0\n"
				      "  dns-nameservers 10.1.1.1\n" /* of no stanza */
				      "iface home inet dhcp\n"
				      "  dns-nameserver 10.2.2.2\n"
				      "mapping enp7s0\n"
				      "  dns-nameservers 10.3.3.3\n");
	/* it was not ifupdown that brought it up */
	link_has_none("wlp6s0");
	put("run/network/ifstate", "lo=lo\nwlp6s0=wlp6s0\nenp7s0=home\n");
	link_has("wlp6s0", "ifupdown", "192.168.60.53 192.168.60.54", "lan example.org");
	link_has("enp7s0", "ifupdown", "10.2.2.2", "");
	/* of a file in interfaces.d, the same interface's IPv6 */
	put("etc/network/interfaces.d/wlan6", "iface wlp6s0 inet6 auto\n"
					      "  dns-nameservers 2001:db8::53\n");
	link_has("wlp6s0", "ifupdown", "192.168.60.53 192.168.60.54 2001:db8::53",
		 "lan example.org");
	/* what resolvconf was told goes first */
	put("run/resolvconf/interface/wlp6s0.inet", "nameserver 10.0.0.1\n");
	link_has("wlp6s0", "resolvconf", "10.0.0.1", "");
}

static void test_resolvconf(void **state)
{
	(void)state;
	scene_link(&facts, "enp7s0.100");
	scene_link(&facts, "wg0");
	scene_link_is(&facts, "wg0", "wireguard", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	put("run/resolvconf/interface/enp7s0.dhclient", "nameserver 10.0.0.1\nsearch lan\n");
	link_has("enp7s0", "resolvconf", "10.0.0.1", "lan");
	link_has_none("wlp6s0");
	link_has_none("enp7s0.100");
	put("run/resolvconf/interface/enp7s0.100.dhclient", "nameserver 10.100.0.1\n");
	put("run/resolvconf/interface/enp7s0x", "nameserver 10.6.6.6\n");
	link_has("enp7s0", "resolvconf", "10.0.0.1", "lan"); /* not the VLAN's */
	link_has("enp7s0.100", "resolvconf", "10.100.0.1", "");
	put("run/resolvconf/interface/enp7s0.ra", "nameserver 2001:db8::1\n");
	link_has("enp7s0", "resolvconf", "10.0.0.1 2001:db8::1", "lan");
	/* openresolv, wg-quick, and dhcpcd without either */
	put("run/resolvconf/interfaces/wlp6s0.dhcp", "# Generated by dhcpcd\nnameserver 9.9.9.9\n");
	link_has("wlp6s0", "resolvconf", "9.9.9.9", "");
	put("run/resolvconf/interface/tun.wg0", "nameserver 10.9.0.1\n");
	link_has("wg0", "resolvconf", "10.9.0.1", "");
	scene_link(&facts, "enp8s0");
	put("run/dhcpcd/hook-state/resolv.conf/enp8s0.ra", "nameserver 2001:db8:8::1\n");
	link_has("enp8s0", "dhcpcd", "2001:db8:8::1", "");
}

/* Only regular files, of a sane size, and no links where none belong. */
static void test_hostile_files(void **state)
{
	_cleanup_free_ char *much = NULL;
	const char *at = of_link("run/systemd/netif/links/%d", "enp7s0");
	char name[PATH_MAX];

	(void)state;
	snprintf(name, sizeof(name), "%s", at);
	dir_make_parents(name);
	assert_int_equal(mkfifo(dir_path(name), 0600), 0);
	link_has_none("enp7s0"); /* and it does not wait for a writer */
	assert_int_equal(unlink(dir_path(name)), 0);
	assert_int_equal(mkdir(dir_path(name), 0700), 0);
	link_has_none("enp7s0");
	assert_int_equal(rmdir(dir_path(name)), 0);
	put("elsewhere", "DNS=9.9.9.9\n");
	assert_int_equal(symlink(dir_path("elsewhere"), dir_path(name)), 0);
	link_has_none("enp7s0");
	assert_int_equal(unlink(dir_path(name)), 0);
	put(name, "");
	link_has_none("enp7s0");
	put(name, "DNS=9.9.9.9\n");
	link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");

	much = calloc(1, 2 * DNS_FILE_MAX);
	assert_non_null(much);
	memset(much, '#', DNS_FILE_MAX - 12);
	strcpy(much + DNS_FILE_MAX - 12, "\nDNS=10.0.0.123\nDNS=9.9.9.9\n");
	put(name, much); /* cut at the limit it would read 10.0.0.1 */
	link_has_none("enp7s0");
}

static void test_gateway(void **state)
{
	(void)state;
	scene_addr(&facts, "enp7s0", "192.168.8.7/24");
	link_has_none("enp7s0");
	scene_route(&facts, "enp7s0", "0.0.0.0/0", "192.168.8.1", 100);
	link_has("enp7s0", "gateway", "192.168.8.1", "");
	scene_route(&facts, "enp7s0", "0.0.0.0/0", "192.168.8.2", 50); /* better */
	link_has("enp7s0", "gateway", "192.168.8.2", "");
	scene_addr(&facts, "enp7s0", "fd00:8::7/64");
	scene_route(&facts, "enp7s0", "::/0", "fd00:8::1", 100);
	link_has("enp7s0", "gateway", "192.168.8.2 fd00:8::1", "");
	link_has_none("wlp6s0");
	/* anything that is told is better */
	put(of_link("run/systemd/netif/links/%d", "enp7s0"), "DNS=9.9.9.9\n");
	link_has("enp7s0", "systemd-networkd", "9.9.9.9", "");
}

static void leads(const char *name, const char *gateway)
{
	char text[IP_TEXT_MAX] = "";
	struct fact_dns dns = { 0 };

	dns_of_link(&sources, &facts, facts_link(&facts, name), &dns, NULL);
	if (ip_is_set(&dns.gateway4))
		ip_format(&dns.gateway4, text);
	assert_string_equal(text, gateway);
	assert_false(ip_is_set(&dns.gateway6));
}

/* What a lease says of the gateway, where the link has no default route. */
static void test_told_gateway(void **state)
{
	static const char lease[] = "var/lib/dhcp/dhclient.leases";

	(void)state;
	put_sample(of_link("run/systemd/netif/leases/%d", "enp7s0"), "networkd-lease");
	leads("enp7s0", "");                              /* of another day */
	scene_addr(&facts, "wlp6s0", "192.168.2.134/24"); /* of another link */
	leads("enp7s0", "");
	leads("wlp6s0", "");
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	leads("enp7s0", "192.168.2.1");
	/* the names are in the link's file, the gateway still in the lease */
	put_sample(of_link("run/systemd/netif/links/%d", "enp7s0"), "networkd-link");
	leads("enp7s0", "192.168.2.1");
	link_has("enp7s0", "systemd-networkd", "192.168.2.99 " FOUR " " SIX,
		 "static.example " THREE);
	/* the lease leads to nowhere near */
	put(of_link("run/systemd/netif/leases/%d", "enp7s0"),
	    "ADDRESS=192.168.2.134\nROUTER=192.168.3.1\n");
	leads("enp7s0", "");
	/* names by the one, the gateway by whoever knows one; the first of them */
	put(lease, "lease { interface \"enp7s0\"; fixed-address 192.168.2.134;\n"
		   "option domain-name-servers 9.9.9.9; option routers 192.168.2.7; }\n");
	leads("enp7s0", "192.168.2.7");
	link_has("enp7s0", "systemd-networkd", "192.168.2.99 " FOUR " " SIX,
		 "static.example " THREE);
	put_sample("var/lib/dhcpcd/enp7s0.lease", "dhcpcd.lease");
	leads("enp7s0", "192.168.2.7");
	assert_int_equal(unlink(dir_path(lease)), 0);
	leads("enp7s0", "192.168.2.1");
	put_sample(of_link("run/NetworkManager/devices/%d", "enp7s0"), "nm-device");
	leads("enp7s0", "192.168.2.1");
}

static void test_told_gateway_alone(void **state)
{
	static const char lease[] = "run/systemd/netif/leases/%d";

	(void)state;
	/* a private one serves names as well, most likely */
	scene_addr(&facts, "enp7s0", "192.168.2.134/24");
	put(of_link(lease, "enp7s0"), "ADDRESS=192.168.2.134\nROUTER=192.168.2.1\n");
	leads("enp7s0", "192.168.2.1");
	link_has("enp7s0", "gateway", "192.168.2.1", "");
	/* of a provider's nobody knows that */
	scene_addr(&facts, "wlp6s0", "203.0.113.7/24");
	put(of_link(lease, "wlp6s0"), "ADDRESS=203.0.113.7\nROUTER=203.0.113.1\n");
	leads("wlp6s0", "203.0.113.1");
	link_has("wlp6s0", "", "", "");
	/* itself, or the subnet as a whole, is no gateway */
	put(of_link(lease, "wlp6s0"), "ADDRESS=203.0.113.7\nROUTER=203.0.113.7\n");
	link_has_none("wlp6s0");
	put(of_link(lease, "wlp6s0"), "ADDRESS=203.0.113.7\nROUTER=203.0.113.255\n");
	link_has_none("wlp6s0");
	put(of_link(lease, "wlp6s0"), "ADDRESS=203.0.113.7\nROUTER=0.0.0.0\n");
	link_has_none("wlp6s0");
}

static void test_no_gateway(void **state)
{
	(void)state;
	/* a provider's router, of whom nobody knows that it serves names */
	scene_addr(&facts, "enp7s0", "203.0.113.7/24");
	scene_route(&facts, "enp7s0", "0.0.0.0/0", "203.0.113.1", 100);
	scene_route(&facts, "enp7s0", "::/0", "fe80::1", 100);
	link_has_none("enp7s0");
	/* not in the link's own network; unless the route says that it is */
	scene_addr(&facts, "wlp6s0", "192.168.8.7/32");
	scene_route(&facts, "wlp6s0", "0.0.0.0/0", "192.168.9.1", 100);
	link_has_none("wlp6s0");
	scene_last_route(&facts)->onlink = true;
	link_has("wlp6s0", "gateway", "192.168.9.1", "");
	/* a route to somewhere is no default route, and one of ours is none of the link's */
	scene_link(&facts, "enp8s0");
	scene_addr(&facts, "enp8s0", "192.168.8.7/24");
	scene_route(&facts, "enp8s0", "10.0.0.0/8", "192.168.8.1", 100);
	scene_route(&facts, "enp8s0", "0.0.0.0/0", "192.168.8.1", 100);
	scene_last_route(&facts)->protocol = VIA_RTPROT;
	scene_last_route(&facts)->table = OWN_TABLE_BASE + 1;
	link_has_none("enp8s0");
	/* the other end of a tunnel */
	scene_link(&facts, "tun0");
	scene_link_is(&facts, "tun0", "tun", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	scene_addr(&facts, "tun0", "10.8.0.2/24");
	scene_route(&facts, "tun0", "0.0.0.0/0", "10.8.0.1", 100);
	link_has_none("tun0");
}

static void host_has(const char *servers, const char *domains)
{
	struct fact_dns dns = { .index = 7 };
	struct err err = { 0 };

	assert_int_equal(dns_of_host(&sources, &dns, &err), 0);
	assert_int_equal(dns.index, 0);
	assert_string_equal(join(&dns), servers);
	assert_string_equal(dns.domains, domains);
}

static void test_host(void **state)
{
	(void)state;
	host_has("", "");
	put("etc/resolv.conf", "nameserver 9.9.9.9\nsearch lan\n");
	host_has("9.9.9.9", "lan");
	/* the stub of systemd-resolved, which /etc/resolv.conf is a link to */
	put_sample("run/systemd/resolve/stub-resolv.conf", "resolved-stub-resolv.conf");
	assert_int_equal(unlink(dir_path("etc/resolv.conf")), 0);
	assert_int_equal(symlink("../run/systemd/resolve/stub-resolv.conf",
				 dir_path("etc/resolv.conf")),
			 0);
	host_has("", "static.example " THREE);
	put_sample("run/systemd/resolve/resolv.conf", "resolved-resolv.conf");
	host_has("192.168.2.1 2001:db8:2::53", "static.example " THREE);
	put_sample("run/NetworkManager/no-stub-resolv.conf", "nm-resolv.conf");
	host_has("192.168.2.1 2001:db8:2::53 192.168.2.53 2001:db8:2::1", "static.example " THREE);
	/* not a file */
	assert_int_equal(unlink(dir_path("etc/resolv.conf")), 0);
	assert_int_equal(mkfifo(dir_path("etc/resolv.conf"), 0600), 0);
	host_has("192.168.2.1 2001:db8:2::53 192.168.2.53 2001:db8:2::1", "static.example " THREE);
}

/* What the kernel has told by now; it tells at once. */
static bool changed(void)
{
	struct pollfd fds[DNS_FDS];
	bool ready;

	dns_poll(&sources, fds);
	ready = poll(fds, DNS_FDS, 0) > 0;
	if (dns_take_events(&sources)) {
		assert_true(ready);
		return true;
	}
	return false;
}

static void test_watch(void **state)
{
	struct pollfd fds[DNS_FDS];
	size_t before = fds_open();
	struct err err = { 0 };
	char links[PATH_MAX];

	(void)state;
	dns_poll(&sources, fds);
	assert_int_equal(fds[0].fd, -1);
	assert_int_equal(fds[1].fd, -1);
	assert_false(changed());
	assert_int_equal(dns_watch(&sources, &err), 0); /* nothing is there, not even /etc */
	assert_int_equal(dns_watch(&sources, &err), 0);
	assert_false(changed());
	put("elsewhere", "");
	assert_false(changed());
	put("etc/resolv.conf", "nameserver 9.9.9.9\n");
	assert_true(changed());
	assert_false(changed());
	put("etc/resolv.conf", "nameserver 9.9.9.9\n"); /* again, by rename */
	assert_true(changed());
	put("etc/passwd", "");
	assert_false(changed());

	/* directories that appear, one below the other */
	snprintf(links, sizeof(links), "%s", of_link("run/systemd/netif/links/%d", "enp7s0"));
	put(links, "DNS=9.9.9.9\n");
	assert_true(changed());
	assert_false(changed());
	put(links, "DNS=9.9.9.10\n");
	assert_true(changed());
	put("run/systemd/netif/other", "");
	assert_false(changed());

	/* and go, and come back */
	assert_int_equal(unlink(dir_path(links)), 0);
	assert_true(changed());
	assert_int_equal(rmdir(dir_path("run/systemd/netif/links")), 0);
	assert_true(changed());
	assert_false(changed());
	put(links, "DNS=9.9.9.9\n");
	assert_true(changed());
	put(links, "DNS=9.9.9.10\n");
	assert_true(changed());

	/* renamed away, and a new one in its place */
	assert_int_equal(rename(dir_path("run/systemd/netif/links"), dir_path("run/old")), 0);
	assert_true(changed());
	put("run/old/3", "");
	assert_false(changed());
	put(links, "DNS=9.9.9.11\n");
	assert_true(changed());
	put(links, "DNS=9.9.9.12\n");
	assert_true(changed());
	dns_close(&sources);
	assert_int_equal(fds_open(), before);
}

/* dhclient appends to a file that it keeps open. */
static void test_watch_append(void **state)
{
	_cleanup_close_ int fd = -1;
	struct err err = { 0 };

	(void)state;
	put("var/lib/dhcp/dhclient.leases", "");
	assert_int_equal(dns_watch(&sources, &err), 0);
	fd = open(dir_path("var/lib/dhcp/dhclient.leases"), O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_false(changed());
	assert_int_equal(write(fd, "x", 1), 1);
	assert_true(changed());
}

/* resolv.conf may be a link to anywhere, also to what is not there yet. */
static void test_watch_link(void **state)
{
	struct err err = { 0 };

	(void)state;
	dir_make_parents("etc/x");
	assert_int_equal(symlink("../run/connman/resolv.conf", dir_path("etc/resolv.conf")), 0);
	assert_int_equal(dns_watch(&sources, &err), 0);
	put("run/connman/resolv.conf", "nameserver 9.9.9.9\n");
	assert_true(changed());
	put("run/connman/resolv.conf", "nameserver 9.9.9.10\n");
	assert_true(changed());
	/* led elsewhere */
	put("mnt/wsl/resolv.conf", "nameserver 9.9.9.9\n");
	assert_false(changed());
	assert_int_equal(symlink("../mnt/wsl/resolv.conf", dir_path("etc/new")), 0);
	assert_false(changed());
	assert_int_equal(rename(dir_path("etc/new"), dir_path("etc/resolv.conf")), 0);
	assert_true(changed());
	put("mnt/wsl/resolv.conf", "nameserver 9.9.9.10\n");
	assert_true(changed());
	put("run/connman/resolv.conf", "nameserver 9.9.9.11\n");
	assert_false(changed());
}

static void test_open(void **state)
{
	char much[2 * DNS_ROOT_MAX];
	struct err err = { 0 };
	struct dns n;

	(void)state;
	memset(much, '/', sizeof(much));
	much[sizeof(much) - 1] = 0;
	assert_int_equal(dns_open(&n, much, &err), -ENAMETOOLONG);
	dns_close(&n);
	memset(&n, 0, sizeof(n));
	assert_int_equal(dns_open(&n, "", &err), 0);
	dns_close(&n);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),       TEST(test_nm),
		TEST(test_networkd),      TEST(test_dhclient),
		TEST(test_dhclient_long), TEST(test_dhcpcd),
		TEST(test_ppp),           TEST(test_ifupdown),
		TEST(test_resolvconf),    TEST(test_hostile_files),
		TEST(test_gateway),       TEST(test_no_gateway),
		TEST(test_told_gateway),  TEST(test_told_gateway_alone),
		TEST(test_host),          TEST(test_watch),
		TEST(test_watch_append),  TEST(test_watch_link),
		TEST(test_open),
	};
#undef TEST

	return RUN_TESTS(tests);
}
