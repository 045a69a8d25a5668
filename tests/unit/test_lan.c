/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What --no-lan refuses, address by address; tests/lab/test_no_lan.py asks the kernel the same. */
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>

#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

static bool refused(const struct facts *f, const char *address)
{
	struct ip ip = scene_ip(address);

	return plan_is_lan(f, "wlp6s0", &ip);
}

static void test_fixed(void **state)
{
	static const char *const yes[] = { "0.0.0.0",
					   "10.255.255.255",
					   "100.127.255.255",
					   "127.0.0.1",
					   "172.31.255.255",
					   "192.0.0.255",
					   "198.19.255.255",
					   "224.0.0.0",
					   "255.255.255.255",
					   "::",
					   "::1",
					   "::9.9.9.9",
					   "::ffff:9.9.9.9",
					   "64:ff9b:1::9.9.9.9",
					   "64:ff9b::10.1.2.3",
					   "64:ff9b::240.0.0.1",
					   "2002:c0a8:101::9",
					   "2001:0:909:909::1",
					   "fdff::1",
					   "febf::1",
					   "ff0e::1" };
	static const char *const no[] = { "1.0.0.0",          "100.63.255.255",  "100.128.0.0",
					  "172.32.0.0",       "192.0.1.0",       "192.0.2.1",
					  "198.20.0.0",       "203.0.113.1",     "223.255.255.255",
					  "64:ff9b::9.9.9.9", "2002:909:909::1", "2001:db8:113::1",
					  "2001:1::1",        "3fff::1",         "fbff::1" };
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		if (!refused(&f, yes[i]))
			fail_msg("%s is not refused", yes[i]);
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		if (refused(&f, no[i]))
			fail_msg("%s is refused", no[i]);
}

/* Those of the uplink, and of no other card; in IPv6 by way of a translator too. */
static void test_networks_of_the_uplink(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	assert_true(refused(&f, "2001:db8:2::77"));
	assert_false(refused(&f, "2001:db8:1::77"));
	assert_false(refused(&f, "9.1.1.77"));
	scene_addr(&f, "wlp6s0", "9.1.1.10/24");
	assert_true(refused(&f, "9.1.1.77"));
	assert_true(refused(&f, "64:ff9b::9.1.1.77"));
	assert_true(refused(&f, "2002:901:14d::1"));
	assert_false(refused(&f, "9.1.2.77"));
	scene_route(&f, "wlp6s0", "9.2.0.0/16", NULL, 0);
	assert_true(refused(&f, "9.2.3.4"));
	scene_route(&f, "wlp6s0", "9.3.0.0/16", "192.168.2.1", 0);
	assert_false(refused(&f, "9.3.3.4"));
	scene_route(&f, "wlp6s0", "9.4.4.4/32", NULL, 0); /* a neighbour by itself */
	assert_true(refused(&f, "9.4.4.4"));
	scene_addr(&f, "wlp6s0", "9.5.5.5/32"); /* of this host, with no network */
	assert_false(refused(&f, "9.5.5.5"));
}

/* It is a neighbour, in whatever way the host was told of it: also where no prefix holds it. */
static void test_gateways(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	assert_false(refused(&f, "9.6.6.1"));
	scene_route(&f, "wlp6s0", "9.7.0.0/16", "9.6.6.1", 0);
	scene_last_route(&f)->onlink = true;
	assert_true(refused(&f, "9.6.6.1"));
	assert_true(refused(&f, "64:ff9b::9.6.6.1"));
	assert_false(refused(&f, "9.6.6.2"));
	assert_false(refused(&f, "9.7.0.1"));
	scene_gateway(&f, "wlp6s0", "9.8.8.1");
	assert_true(refused(&f, "9.8.8.1"));
	scene_route(&f, "enp7s0", "9.9.0.0/16", "9.9.9.1", 0); /* of the other card */
	assert_false(refused(&f, "9.9.9.1"));
}

/* A device without a gateway leads everywhere: a route alone makes no network there. */
static void test_point_to_point(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_link_is(&f, "wlp6s0", "tun", IFF_UP | IFF_POINTOPOINT);
	scene_route(&f, "wlp6s0", "0.0.0.0/1", NULL, 0);
	scene_route(&f, "wlp6s0", "128.0.0.0/1", NULL, 0);
	scene_route(&f, "wlp6s0", "9.2.0.0/16", NULL, 0);
	scene_last_route(&f)->protocol = RTPROT_BOOT;
	assert_false(refused(&f, "9.2.3.4"));
	assert_false(refused(&f, "203.0.113.1"));
	scene_last_route(&f)->protocol = RTPROT_KERNEL;
	assert_true(refused(&f, "9.2.3.4"));
	scene_addr(&f, "wlp6s0", "2620:9::10/64");
	assert_true(refused(&f, "2620:9::77"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_networks_of_the_uplink),
		cmocka_unit_test(test_gateways),
		cmocka_unit_test(test_point_to_point),
	};

	return RUN_TESTS(tests);
}
