/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "list.h"
#include "plan/uplink.h"
#include "scene.h"
#include "unit.h"

#define PROBLEM(f, name, what) assert_int_equal(uplink_lookup(f, name).problem, what)
#define IP_IS(ip, text)                                                                            \
	do {                                                                                       \
		char buf_[IP_TEXT_MAX];                                                            \
		assert_string_equal(ip_format(&(ip), buf_), text);                                 \
	} while (0)

static void test_usable(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_split(&f);
	u = uplink_lookup(&f, "wlp6s0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_ptr_equal(u.link, facts_link(&f, "wlp6s0"));
	assert_true(u.ip4.usable);
	assert_true(u.ip6.usable);
	IP_IS(u.ip4.address, "192.168.2.10");
	IP_IS(u.ip4.gateway, "192.168.2.1");
	IP_IS(u.ip6.address, "2001:db8:2::10");
	IP_IS(u.ip6.gateway, "2001:db8:2::1");
	assert_false(u.ip4.onlink);
}

/* One after the other, the way somebody would mend them: each problem hides those behind it. */
static void test_problems_in_order(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	PROBLEM(&f, "wlp6s0", UPLINK_MISSING);
	scene_link(&f, "wlp6s0");
	scene_link_is(&f, "wlp6s0", "", 0);
	PROBLEM(&f, "wlp6s0", UPLINK_DOWN);
	scene_link_is(&f, "wlp6s0", "", LINK_LOWER_UP);
	PROBLEM(&f, "wlp6s0", UPLINK_DOWN);
	scene_link_is(&f, "wlp6s0", "", IFF_UP);
	PROBLEM(&f, "wlp6s0", UPLINK_NO_CARRIER);
	scene_link_is(&f, "wlp6s0", "", IFF_UP | LINK_LOWER_UP);
	PROBLEM(&f, "wlp6s0", UPLINK_NO_ADDRESS);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	PROBLEM(&f, "wlp6s0", UPLINK_NO_ADDRESS);
	f.routes.n = 0;
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	PROBLEM(&f, "wlp6s0", UPLINK_NO_GATEWAY);
	scene_route(&f, "wlp6s0", "192.168.2.0/24", NULL, 600);
	PROBLEM(&f, "wlp6s0", UPLINK_NO_GATEWAY);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	PROBLEM(&f, "wlp6s0", UPLINK_USABLE);
	/* and back: down comes before everything */
	scene_link_is(&f, "wlp6s0", "", 0);
	PROBLEM(&f, "wlp6s0", UPLINK_DOWN);
}

static void test_never_uplinks(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	scene_session(&f, 1, 3, 1, "wlp6s0", "curl");
	PROBLEM(&f, "lo", UPLINK_LOOPBACK);
	PROBLEM(&f, "via0", UPLINK_OURS);
	PROBLEM(&f, "viap1", UPLINK_OURS);
	PROBLEM(&f, "viap2", UPLINK_MISSING);
	/* not even with an address and a default route */
	scene_addr(&f, "viap1", "192.0.2.2/24");
	scene_route(&f, "viap1", "0.0.0.0/0", "192.0.2.1", 1);
	PROBLEM(&f, "viap1", UPLINK_OURS);
	scene_addr(&f, "lo", "192.0.2.3/32");
	scene_route(&f, "lo", "0.0.0.0/0", NULL, 1);
	PROBLEM(&f, "lo", UPLINK_LOOPBACK);
}

/* A name that a shell would read as more than one is quoted in the command to type. */
static void test_name_in_a_command(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink_list list = { 0 };
	struct err err = { 0 };
	char chosen[IFNAMSIZ];

	(void)state;
	scene_host(&f);
	scene_link(&f, "w;id");
	scene_link_is(&f, "w;id", "", 0);
	assert_int_equal(uplink_list_add(&list, "w;id"), 0);
	assert_true(uplink_choose(&f, &list, 0, chosen, &err) < 0);
	assert_non_null(strstr(err.text, "`sudo ip link set dev 'w;id' up`"));
}

/* Of main's the lowest metric; a table that no rule leads to comes behind it. */
static void test_default_of_main(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "enp7s0");
	scene_link(&f, "wlp6s0");
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.3", 50);
	scene_last_route(&f)->table = 200;
	scene_last_route(&f)->onlink = true;
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.gateway, "192.168.2.3"); /* as long as there is no other */
	assert_true(u.ip4.onlink);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.4", 300);
	/* nothing of these leads out of it */
	scene_route(&f, "enp7s0", "0.0.0.0/0", "192.168.2.5", 1);
	scene_route(&f, "wlp6s0", "0.0.0.0/1", "192.168.2.6", 2); /* and no 128.0.0.0/1 */
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.7", 4);
	scene_last_route(&f)->dead = true;
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.gateway, "192.168.2.4");
	assert_false(u.ip4.onlink);
	assert_false(u.ip6.usable);
	assert_false(ip_is_set(&u.ip6.gateway));
	/* what stops before it stops all */
	scene_route(&f, NULL, "0.0.0.0/0", NULL, 3);
	scene_last_route(&f)->type = RTN_UNREACHABLE;
	PROBLEM(&f, "wlp6s0", UPLINK_NO_GATEWAY);
	scene_last_route(&f)->metric = 301;
	PROBLEM(&f, "wlp6s0", UPLINK_USABLE);
}

/* RFC 4191, and a router whose lifetime is over but whose route the kernel still lists. */
static void test_router_preference(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_addr(&f, "wlp6s0", "2001:db8:2::10/64");
	scene_route(&f, "wlp6s0", "::/0", "fe80::1", 1024);
	scene_last_route(&f)->preference = -1;
	scene_route(&f, "wlp6s0", "::/0", "fe80::2", 1024);
	scene_route(&f, "wlp6s0", "::/0", "fe80::3", 1024);
	scene_last_route(&f)->preference = 1;
	scene_last_route(&f)->expires = 1800;
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip6.gateway, "fe80::3");
	scene_last_route(&f)->expires = -1;
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip6.gateway, "fe80::2");
}

/* As for the host: used while there is no other (RFC 4862, RFC 6724). */
static void test_deprecated_address(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_route(&f, "wlp6s0", "::/0", "fe80::1", 100);
	scene_addr_with(&f, "wlp6s0", "2001:db8::1/64", RT_SCOPE_UNIVERSE, IFA_F_DEPRECATED);
	u = uplink_lookup(&f, "wlp6s0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_true(u.ip6.deprecated);
	IP_IS(u.ip6.address, "2001:db8::1");
	scene_addr(&f, "wlp6s0", "2001:db8::2/64");
	u = uplink_lookup(&f, "wlp6s0");
	assert_false(u.ip6.deprecated);
	IP_IS(u.ip6.address, "2001:db8::2");
}

/* IPv4: the one that the kernel selects for the gateway, also a deprecated one. */
static void test_selected_address(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	scene_addr(&f, "wlp6s0", "172.20.0.30/24");
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.address, "172.20.0.30");
	scene_addr_with(&f, "wlp6s0", "192.168.2.31/24", RT_SCOPE_UNIVERSE, IFA_F_DEPRECATED);
	scene_addr_with(&f, "wlp6s0", "192.168.2.30/24", RT_SCOPE_UNIVERSE, IFA_F_SECONDARY);
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.address, "192.168.2.31");
	assert_true(u.ip4.deprecated);
	assert_false(ip_is_set(&u.ip4.source)); /* the kernel's own masquerading takes it */
}

/* What the uplink's table of ours holds is a copy: it must not keep itself alive. */
static void test_own_routes_do_not_count(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 100);
	scene_last_route(&f)->table = 22017;
	scene_last_route(&f)->protocol = VIA_RTPROT;
	PROBLEM(&f, "wlp6s0", UPLINK_NO_GATEWAY);
}

static void test_addresses_that_do_not_serve(void **state)
{
	static const uint32_t bad[] = { IFA_F_TENTATIVE, IFA_F_DADFAILED };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		_cleanup_facts_ struct facts f = { 0 };
		struct uplink u;

		scene_host(&f);
		scene_link(&f, "wlp6s0");
		scene_route(&f, "wlp6s0", "::/0", "fe80::1", 100);
		scene_addr_with(&f, "wlp6s0", "2001:db8::1/64", RT_SCOPE_UNIVERSE, bad[i]);
		PROBLEM(&f, "wlp6s0", UPLINK_NO_ADDRESS);
		/* the next one does */
		scene_addr_with(&f, "wlp6s0", "2001:db8::2/64", RT_SCOPE_UNIVERSE,
				IFA_F_NOPREFIXROUTE);
		u = uplink_lookup(&f, "wlp6s0");
		assert_int_equal(u.problem, UPLINK_USABLE);
		IP_IS(u.ip6.address, "2001:db8::2");
	}
}

static void test_scopes(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_link(&f, "enp7s0");
	scene_route(&f, "wlp6s0", "::/0", "fe80::1", 100);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 100);
	scene_addr_with(&f, "wlp6s0", "fe80::2/64", RT_SCOPE_LINK, IFA_F_PERMANENT);
	scene_addr_with(&f, "wlp6s0", "169.254.3.4/16", RT_SCOPE_LINK, IFA_F_PERMANENT);
	scene_addr_with(&f, "wlp6s0", "127.0.0.9/8", RT_SCOPE_HOST, IFA_F_PERMANENT);
	scene_addr(&f, "enp7s0", "192.168.2.10/24");
	PROBLEM(&f, "wlp6s0", UPLINK_NO_ADDRESS);
	/* a link-local one serves where the router is its neighbour */
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "169.254.2.1", 50);
	PROBLEM(&f, "wlp6s0", UPLINK_USABLE);
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.source, "169.254.3.4");
}

/* Where masquerading would take another address, source NAT is told which. */
static void test_sources(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	scene_addr(&f, "wlp6s0", "192.168.3.10/24");
	scene_addr_with(&f, "wlp6s0", "192.168.3.11/24", RT_SCOPE_UNIVERSE, IFA_F_SECONDARY);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 100);
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.address, "192.168.2.10");
	assert_false(ip_is_set(&u.ip4.source));
	scene_last_route(&f)->src = scene_ip("192.168.2.10");
	u = uplink_lookup(&f, "wlp6s0");
	assert_false(ip_is_set(&u.ip4.source)); /* as NetworkManager writes it, and no news */
	scene_last_route(&f)->src = scene_ip("192.168.3.11");
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.source, "192.168.3.11");
	scene_last_route(&f)->src = scene_ip("10.9.9.9"); /* nobody's */
	u = uplink_lookup(&f, "wlp6s0");
	assert_false(ip_is_set(&u.ip4.source));
	IP_IS(u.ip4.address, "192.168.2.10");
	/* of a neighbour the address in its subnet comes first */
	scene_last_route(&f)->gateway = scene_ip("192.168.3.1");
	scene_last_route(&f)->src = scene_ip("192.168.3.10");
	u = uplink_lookup(&f, "wlp6s0");
	assert_false(ip_is_set(&u.ip4.source));
	scene_last_route(&f)->src = scene_ip("192.168.2.10");
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.source, "192.168.2.10");
	/* unnumbered */
	scene_link(&f, "tun0");
	scene_addr(&f, "lo", "198.51.100.1/32");
	scene_route(&f, "tun0", "0.0.0.0/0", NULL, 200);
	PROBLEM(&f, "tun0", UPLINK_NO_ADDRESS);
	scene_last_route(&f)->src = scene_ip("198.51.100.1");
	u = uplink_lookup(&f, "tun0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	IP_IS(u.ip4.source, "198.51.100.1");
}

static void test_one_family(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wwan0");
	scene_addr(&f, "wwan0", "2001:db8::5/64");
	scene_route(&f, "wwan0", "::/0", "fe80::1", 100); /* link-local, as RFC 4861 has it */
	u = uplink_lookup(&f, "wwan0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_false(u.ip4.usable);
	assert_true(u.ip6.usable);
	IP_IS(u.ip6.gateway, "fe80::1");
	/* an address of one family and a gateway of the other make no way out */
	f.addrs.n = 0;
	scene_addr(&f, "wwan0", "192.0.2.5/24");
	PROBLEM(&f, "wwan0", UPLINK_NO_GATEWAY);
}

static void test_point_to_point(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "tun0");
	scene_link_is(&f, "tun0", "tun", IFF_UP | IFF_POINTOPOINT | IFF_NOARP | LINK_LOWER_UP);
	PROBLEM(&f, "tun0", UPLINK_NO_ADDRESS);
	scene_addr(&f, "tun0", "10.8.0.2/32");
	u = uplink_lookup(&f, "tun0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_true(u.ip4.usable);
	assert_false(u.ip6.usable);
	assert_false(ip_is_set(&u.ip4.gateway));
	/* a default route without a gateway changes nothing */
	scene_route(&f, "tun0", "0.0.0.0/0", NULL, 50);
	u = uplink_lookup(&f, "tun0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_false(ip_is_set(&u.ip4.gateway));
}

/* A card that is to serve its own network only: the gateway is in its lease. */
static void test_told_gateway(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink u;

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_link(&f, "usb0");
	scene_gateway(&f, "wlp6s0", "192.168.2.1");
	PROBLEM(&f, "wlp6s0", UPLINK_NO_ADDRESS);
	scene_addr(&f, "wlp6s0", "192.168.3.10/24");
	PROBLEM(&f, "wlp6s0", UPLINK_NO_GATEWAY); /* it is nobody's neighbour */
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	scene_addr(&f, "usb0", "192.168.2.11/24");
	PROBLEM(&f, "usb0", UPLINK_NO_GATEWAY); /* that was another's lease */
	u = uplink_lookup(&f, "wlp6s0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_true(u.ip4.usable && u.ip4.leased);
	assert_false(u.ip6.usable || u.ip6.leased);
	IP_IS(u.ip4.gateway, "192.168.2.1");
	assert_true(u.ip4.onlink); /* for no route says that it is there */
	scene_route(&f, "usb0", "192.168.2.0/24", NULL, 100);
	scene_route(&f, "wlp6s0", "192.168.3.0/24", NULL, 100);
	scene_route(&f, "wlp6s0", "192.168.0.0/16", "192.168.2.9", 100);
	assert_true(uplink_lookup(&f, "wlp6s0").ip4.onlink);
	scene_route(&f, "wlp6s0", "192.168.2.0/24", NULL, 100);
	u = uplink_lookup(&f, "wlp6s0");
	assert_int_equal(u.problem, UPLINK_USABLE);
	assert_false(u.ip4.onlink);
	/* a default route says more */
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.3", 600);
	u = uplink_lookup(&f, "wlp6s0");
	IP_IS(u.ip4.gateway, "192.168.2.3");
	assert_false(u.ip4.leased);
	/* the other family: its router is known by the link-local address */
	scene_addr_with(&f, "wlp6s0", "fe80::2/64", RT_SCOPE_LINK, IFA_F_PERMANENT);
	scene_gateway(&f, "wlp6s0", "fe80::1");
	assert_false(uplink_lookup(&f, "wlp6s0").ip6.usable); /* and no address */
	scene_addr(&f, "wlp6s0", "2001:db8:2::10/64");
	u = uplink_lookup(&f, "wlp6s0");
	assert_true(u.ip6.usable && u.ip6.leased && !u.ip6.onlink);
	IP_IS(u.ip6.gateway, "fe80::1");
	/* what is at the other end of a point-to-point device needs none */
	scene_link_is(&f, "usb0", "", IFF_UP | IFF_POINTOPOINT | LINK_LOWER_UP);
	scene_gateway(&f, "usb0", "192.168.2.1");
	u = uplink_lookup(&f, "usb0");
	assert_true(u.ip4.usable && !u.ip4.leased);
	assert_false(ip_is_set(&u.ip4.gateway));
}

/* A VRF carries nothing itself; what is in it may serve. */
static void test_vrf(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	scene_link(&f, "blue");
	scene_link_is(&f, "blue", "vrf", IFF_UP | LINK_LOWER_UP);
	f.links.v[f.links.n - 1].vrf_table = 10;
	scene_addr(&f, "blue", "192.168.2.11/24");
	PROBLEM(&f, "blue", UPLINK_VRF);
}

static void test_texts(void **state)
{
	(void)state;
	for (enum uplink_problem p = UPLINK_USABLE; p < UPLINK_PROBLEM_COUNT; p++)
		for (enum uplink_problem q = UPLINK_USABLE; q < p; q++)
			assert_string_not_equal(uplink_problem_text(p), uplink_problem_text(q));
}

#define CHOICE(f, list, name)                                                                      \
	do {                                                                                       \
		const struct uplink_list list_ = list_of(list);                                    \
		char got_[IFNAMSIZ] = "";                                                          \
		assert_int_equal(uplink_choose(f, &list_, 0, got_, NULL), 0);                      \
		assert_string_equal(got_, name);                                                   \
	} while (0)
#define NO_CHOICE(f, list, line)                                                                   \
	do {                                                                                       \
		const struct uplink_list list_ = list_of(list);                                    \
		char got_[IFNAMSIZ] = "keep";                                                      \
		struct err err_ = { 0 };                                                           \
		assert_int_equal(uplink_choose(f, &list_, 0, got_, &err_), -ENETUNREACH);          \
		assert_string_equal(err_.text, line);                                              \
		assert_string_equal(got_, "keep");                                                 \
	} while (0)

static void test_choose(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_link(&f, "wwan0");
	CHOICE(&f, "wlp6s0", "wlp6s0");
	CHOICE(&f, "wlp6s0,enp7s0", "wlp6s0");
	CHOICE(&f, "enp7s0,wlp6s0", "enp7s0");
	CHOICE(&f, "wwan0,tun0,wlp6s0", "wlp6s0");
	NO_CHOICE(&f, "wwan9", "use uplink 'wwan9': no such interface; did you mean 'wwan0'?");
	NO_CHOICE(&f, "wwan9,wwan0,lo",
		  "use one of the uplinks: 'wwan9': no such interface, 'wwan0': it has no address, "
		  "'lo': a loopback leads nowhere; none can serve now");
}

/* The line says which, why, and what to do. */
static void test_each_problem_has_a_hint(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	static const char *const names[] = { "gone0", "via0",   "lo",    "blue",
					     "down0", "cable0", "bare0", "usb0" };
	char got[IFNAMSIZ];

	(void)state;
	scene_host(&f);
	scene_bridge(&f, "10.209.0.0/22");
	scene_link(&f, "blue");
	f.links.v[f.links.n - 1].vrf_table = 10;
	scene_link(&f, "down0");
	scene_link_is(&f, "down0", "", 0);
	scene_link(&f, "cable0");
	scene_link_is(&f, "cable0", "", IFF_UP);
	scene_link(&f, "bare0");
	scene_link(&f, "usb0");
	scene_addr(&f, "usb0", "192.0.2.2/24");
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		enum uplink_problem problem = UPLINK_MISSING + (enum uplink_problem)i;
		const struct uplink_list list = list_of(names[i]);
		struct err err = { 0 };
		const char *why;

		PROBLEM(&f, names[i], problem);
		assert_int_equal(uplink_choose(&f, &list, 0, got, &err), -ENETUNREACH);
		assert_int_equal(err.code, ENETUNREACH);
		assert_non_null(strstr(err.text, names[i]));
		why = strstr(err.text, uplink_problem_text(problem));
		assert_non_null(why);
		if (!strstr(why, "; "))
			fail_msg("no hint in '%s'", err.text);
	}
}

/* Whoever has a Wi-Fi network names it: what is pasted into a shell is one word all the same. */
static void test_network_as_a_word(void **state)
{
	static const struct {
		const char *ssid, *word;
	} cases[] = {
		{ "Home", "there is ssid:Home (wlp6s0)" },
		{ "Our Net", "there is 'ssid:Our Net' (wlp6s0)" },
		{ "a,b", "there is 'ssid:a\\,b' (wlp6s0)" },
		{ "';id;'", "there is 'ssid:'\\'';id;'\\''' (wlp6s0)" },
		{ "$(id)", "there is 'ssid:$(id)' (wlp6s0)" },
	};
	const struct uplink_list list = list_of("ssid:Elsewhere");

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct facts f = { 0 };
		struct err err = { 0 };

		scene_split(&f);
		strcpy(f.links.v[f.links.n - 1].ssid, cases[i].ssid);
		uplink_missing_hint(&f, &list, 0, &err);
		if (!strstr(err.text, cases[i].word))
			fail_msg("%s", err.text);
		facts_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_usable),
		cmocka_unit_test(test_problems_in_order),
		cmocka_unit_test(test_name_in_a_command),
		cmocka_unit_test(test_never_uplinks),
		cmocka_unit_test(test_default_of_main),
		cmocka_unit_test(test_router_preference),
		cmocka_unit_test(test_deprecated_address),
		cmocka_unit_test(test_own_routes_do_not_count),
		cmocka_unit_test(test_addresses_that_do_not_serve),
		cmocka_unit_test(test_scopes),
		cmocka_unit_test(test_sources),
		cmocka_unit_test(test_one_family),
		cmocka_unit_test(test_point_to_point),
		cmocka_unit_test(test_told_gateway),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_selected_address),
		cmocka_unit_test(test_vrf),
		cmocka_unit_test(test_choose),
		cmocka_unit_test(test_each_problem_has_a_hint),
		cmocka_unit_test(test_network_as_a_word),
	};

	return RUN_TESTS(tests);
}
