/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/own.h"

#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "scene.h"
#include "unit.h"

#define ALIAS "via1 7 0 0 1 wlp6s0 host=900,since=1 mine"

static const struct mac foreign_mac = { { 2, 0, 0, 0, 0, 1 } };

static struct fact_link link_of(const char *name, const char *kind, const char *alias)
{
	struct fact_link l = { .mac = foreign_mac };

	snprintf(l.name, sizeof(l.name), "%s", name);
	snprintf(l.kind, sizeof(l.kind), "%s", kind);
	snprintf(l.alias, sizeof(l.alias), "%s", alias);
	return l;
}

static void test_port_names(void **state)
{
	static const char *const others[] = { "via",     "viap",   "viap0",     "viap07",
					      "viapod1", "viap7x", "viap 7",    "xviap7",
					      "via0",    "viap-7", "viap+7",    "viap0x7",
					      "VIAP7",   "",       "viap7.100", "viap99999999999" };

	(void)state;
	assert_int_equal(own_port_id("viap7"), 7);
	assert_int_equal(own_port_id("viap99999999"), 99999999);
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(own_port_id(others[i]), 0);
}

static void test_ports(void **state)
{
	struct fact_link l = link_of("viap7", "veth", ALIAS);

	(void)state;
	assert_true(own_is_port(&l));
	l = link_of("viap7", "veth", "");
	assert_false(own_is_port(&l));
	l.group = OWN_PORT_GROUP;
	assert_false(own_is_port(&l)); /* a group alone is anybody's */
	l.mac = own_mac(OWN_MAC_PORT, 900);
	assert_true(own_is_port(&l)); /* a launch that died before the alias */
	snprintf(l.alias, sizeof(l.alias), "of somebody else");
	assert_true(own_is_port(&l));
	l.group = 0;
	assert_false(own_is_port(&l));
	l = link_of("viap8", "veth", ALIAS); /* another session's alias */
	assert_false(own_is_port(&l));
	l = link_of("viap7", "bridge", ALIAS);
	assert_false(own_is_port(&l));
	l = link_of("viapod1", "veth", ALIAS);
	assert_false(own_is_port(&l));
	l = link_of("viap07", "veth", ALIAS);
	assert_false(own_is_port(&l));
}

static void test_bridge(void **state)
{
	struct fact_link l = link_of("via0", "bridge", BRIDGE_ALIAS);

	(void)state;
	assert_true(own_is_link(&l));
	l = link_of("via0", "bridge", "");
	assert_false(own_is_link(&l));
	l.mac = facts_bridge_mac();
	assert_true(own_is_link(&l));
	l = link_of("via0", "dummy", BRIDGE_ALIAS);
	assert_false(own_is_link(&l));
	l = link_of("via00", "bridge", BRIDGE_ALIAS);
	assert_false(own_is_link(&l));
	l = link_of("via1", "bridge", BRIDGE_ALIAS);
	assert_false(own_is_link(&l));
}

static void test_macs(void **state)
{
	const struct mac session = own_mac(OWN_MAC_SESSION, 1022), port = own_mac(OWN_MAC_PORT, 3),
			 bridge = facts_bridge_mac(), same = own_mac(OWN_MAC_BRIDGE, 1);

	(void)state;
	assert_true(own_is_mac(&session, OWN_MAC_SESSION));
	assert_false(own_is_mac(&session, OWN_MAC_PORT));
	assert_true(own_is_mac(&port, OWN_MAC_PORT));
	assert_false(own_is_mac(&foreign_mac, OWN_MAC_SESSION));
	assert_memory_equal(&bridge, &same, sizeof(same));
}

static void test_routes(void **state)
{
	const struct fact_route ours = { .protocol = VIA_RTPROT, .table = OWN_TABLE_BASE + 1 };
	struct fact_route r = ours;

	(void)state;
	assert_true(own_is_route(&r));
	r.table = OWN_TABLE_BASE + 255;
	assert_true(own_is_route(&r));
	r.table = OWN_TABLE_BASE + 256;
	assert_false(own_is_route(&r));
	r.table = OWN_TABLE_BASE;
	assert_false(own_is_route(&r));
	r.table = RT_TABLE_MAIN;
	assert_false(own_is_route(&r));
	r = ours;
	r.protocol = RTPROT_STATIC;
	assert_false(own_is_route(&r));
	r = ours;
	r.selects = true;
	assert_false(own_is_route(&r));
}

static void test_rules(void **state)
{
	static const struct {
		struct obj_rule rule;
		bool ours;
	} cases[] = {
		{ { .priority = 5180, .mark = 0x56000001, .mask = 0xff0000ff }, true },
		{ { .priority = 5179, .mark = 0x56000001, .mask = 0xff0000ff }, true },
		{ { .priority = 5181, .mark = 0x56000000, .mask = 0xff000000 }, true },
		{ { .priority = 5181, .iif = "via0", .action = RULE_UNREACHABLE }, true },
		{ { .priority = 5182, .iif = "wlp6s0", .action = RULE_BLACKHOLE }, true },
		{ { .priority = 5182, .iif = "lo", .not_iif = true, .action = RULE_BLACKHOLE },
		  true },
		{ { .priority = 5180, .mark = 0x57000001, .mask = 0xff0000ff }, false },
		{ { .priority = 5180, .mark = 0x56000001, .mask = 0x000000ff }, false },
		{ { .priority = 5180, .mark = 0x56000001, .mask = 0xff0000ff, .not_iif = true },
		  false },
		{ { .priority = 5180, .mark = 0x56000001, .mask = 0xff0000ff, .iif = "lo" },
		  false },
		{ { .priority = 5180, .table = 22017 }, false },
		{ { .priority = 5181, .iif = "viapod1", .action = RULE_UNREACHABLE }, false },
		{ { .priority = 5181, .iif = "via0", .not_iif = true }, false },
		{ { .priority = 5182, .iif = "wlp6s0", .action = RULE_UNREACHABLE }, false },
		{ { .priority = 5182, .action = RULE_BLACKHOLE }, false },
		{ { .priority = 5183, .iif = "wlp6s0", .action = RULE_BLACKHOLE }, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(own_is_rule(&cases[i].rule, VIA_RTPROT), cases[i].ours);
		assert_false(own_is_rule(&cases[i].rule, RTPROT_BOOT));
	}
}

static bool is_address(const char *text)
{
	struct prefix p = scene_prefix(text);

	return own_is_address(&p);
}

static void test_addresses(void **state)
{
	(void)state;
	assert_true(is_address("10.209.0.1/22"));
	assert_true(is_address("100.99.208.1/22"));
	assert_true(is_address("fd12:3456:789a::1/64"));
	assert_true(is_address("2001:2:0:c0ff::1/64"));
	assert_false(is_address("2001:2:0:c0ff::2/64"));
	assert_false(is_address("2001:2:1:c0ff::1/64"));
	assert_false(is_address("10.209.0.2/22"));
	assert_false(is_address("10.209.1.1/22"));
	assert_false(is_address("192.0.2.1/24"));
	assert_false(is_address("2001:db8::1/64"));
	assert_false(is_address("fe80::1/64"));
	assert_false(is_address("fd12::1:0:0:1/64"));
	assert_false(is_address("fd12::1/48"));
}

static void test_sysctls(void **state)
{
	static const char *const saved[] = {
		"net/ipv4/conf/wlp6s0/forwarding",
		"net/ipv4/conf/wlp6s0/src_valid_mark",
		"net/ipv6/conf/eth0.100/force_forwarding",
		"net/ipv4/conf/enp7s0/arp_announce",
		"net/ipv6/conf/default/accept_ra",
		"net/ipv4/ipfrag_high_thresh",
		"net/netfilter/nf_conntrack_frag6_high_thresh",
		"net/ipv6/conf/all/forwarding",
	};
	static const char *const others[] = {
		"net/core/somaxconn",
		"net/ipv4/conf/wlp6s0/accept_local",
		"net/ipv4/conf/wlp6s0/forwarding/x",
		"net/ipv4/conf/../forwarding",
		"net/ipv4/conf//forwarding",
		"net/ipv4/conf/wlp6s0",
		"net/ipv4/conf/a-name-too-long-for-a-device/forwarding",
		"net/ipv6/conf/viap7/disable_ipv6",
		"net/ipv4/forwarding",
		"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(saved) / sizeof(saved[0]); i++)
		assert_true(own_is_saved_sysctl(saved[i]));
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_false(own_is_saved_sysctl(others[i]));
	assert_true(own_is_port_sysctl("net/ipv6/conf/viap7/disable_ipv6"));
	assert_false(own_is_port_sysctl("net/ipv6/conf/viapod1/disable_ipv6"));
	assert_false(own_is_port_sysctl("net/ipv6/conf/viap7/accept_ra"));
	assert_false(own_is_port_sysctl("net/ipv6/conf/wlp6s0/disable_ipv6"));
}

static void test_families(void **state)
{
	(void)state;
	assert_true(own_is_nft_family(NFPROTO_INET));
	assert_true(own_is_nft_family(NFPROTO_BRIDGE));
	assert_true(own_is_nft_family(NFPROTO_ARP));
	assert_false(own_is_nft_family(NFPROTO_IPV4));
	assert_false(own_is_nft_family(NFPROTO_IPV6));
	assert_false(own_is_nft_family(NFPROTO_NETDEV));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_port_names), cmocka_unit_test(test_ports),
		cmocka_unit_test(test_bridge),     cmocka_unit_test(test_macs),
		cmocka_unit_test(test_routes),     cmocka_unit_test(test_rules),
		cmocka_unit_test(test_addresses),  cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_families),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
