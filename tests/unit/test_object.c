/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "model/object.h"
#include "things.h"
#include "unit.h"

#define ARP     NFPROTO_ARP
#define INET    NFPROTO_INET
#define MARK    0x56000001u
#define FORWARD "net/ipv4/conf/wlp6s0/forwarding"

static struct object nic(uint8_t mac)
{
	struct object o = thing_port("viap1");

	o.link.mac.bytes[5] = mac;
	return o;
}

/* --- the order of making ------------------------------------------------------------------- */

#define BEFORE(first, second)                                                                      \
	do {                                                                                       \
		struct object a_ = (first), b_ = (second);                                         \
		assert_true(object_rank(&a_) < object_rank(&b_));                                  \
		assert_true(object_compare(&a_, &b_) < 0);                                         \
		assert_true(object_compare(&b_, &a_) > 0);                                         \
	} while (0)

/* Inside nftables each thing stands behind what it names. */
static void test_nft_order(void **state)
{
	(void)state;
	BEFORE(thing_table(INET), thing_chain(INET, "a"));
	BEFORE(thing_chain(INET, "a"), thing_element(INET, "m", "x"));
	BEFORE(thing_chain(INET, "a"), thing_rule(INET, "a", 0, 0));
	BEFORE(thing_set(INET, "m"), thing_element(INET, "m", "x"));
	BEFORE(thing_set(INET, "m"), thing_rule(INET, "a", 0, 0));
	BEFORE(thing_element(INET, "m", "x"), thing_rule(INET, "a", 0, 0));
	/* an accept in another firewall, when our own rules are there */
	BEFORE(thing_rule(INET, "z", 99, 0), thing_accept(NFPROTO_IPV4, "filter", "FORWARD"));
	BEFORE(thing_accept(INET, "z", "z"), thing_bridge());
}

static void test_guards_before_doors(void **state)
{
	const struct object guards[] = { thing_table(INET), thing_chain(INET, "z"),
					 thing_set(INET, "z"), thing_element(INET, "z", "z"),
					 thing_rule(INET, "z", 99, 0) };

	(void)state;
	/* all of nftables before the bridge, and so before everything on it */
	for (size_t i = 0; i < sizeof(guards) / sizeof(guards[0]); i++) {
		BEFORE(guards[i], thing_bridge());
		BEFORE(guards[i], thing_stop(22017, "0.0.0.0/0"));
		BEFORE(guards[i], thing_sysctl(FORWARD, "1", "0"));
		BEFORE(guards[i], thing_netns());
	}
	/* the bridge is hardened, and the tc layer on it, before it is up */
	BEFORE(thing_bridge(), thing_sysctl("net/ipv6/conf/via0/accept_ra", "0", ""));
	BEFORE(thing_sysctl("net/ipv6/conf/via0/accept_ra", "0", ""), thing_up("via0"));
	BEFORE(thing_tc("via0"), thing_up("via0"));
	BEFORE(thing_bridge(), thing_address("via0", "10.209.0.1/22"));
	BEFORE(thing_up("via0"), thing_route(22017, "10.209.0.0/22", "via0", NULL));
}

static void test_stops_before_ways_out(void **state)
{
	const struct object out[] = { thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1"),
				      thing_lookup(AF_INET, 5180, MARK, 22017) };

	(void)state;
	for (size_t i = 0; i < sizeof(out) / sizeof(out[0]); i++) {
		BEFORE(thing_stop(22017, "0.0.0.0/0"), out[i]);
		BEFORE(thing_stop(22255, "::/0"), out[i]);
		BEFORE(thing_stop_rule(AF_INET, 5181, "via0"), out[i]);
		BEFORE(thing_stop_rule(AF_INET6, 5182, "wlp6s0"), out[i]);
		BEFORE(thing_tc("via0"), out[i]);
	}
	/* the kernel takes a gateway only where its network is known, and that may be here alone */
	BEFORE(thing_route(22017, "192.168.2.0/24", "wlp6s0", NULL), out[0]);
	BEFORE(thing_route(22017, "2001:db8:2::/64", "wlp6s0", NULL),
	       thing_route(22017, "::/0", "wlp6s0", "2001:db8:2::1"));
	/* the table is filled before packets are sent to it */
	BEFORE(out[0], out[1]);
	/* both fences stand before the uplink forwards */
	BEFORE(thing_stop_rule(AF_INET, 5182, "wlp6s0"), thing_sysctl(FORWARD, "1", "0"));
	BEFORE(thing_rule(INET, "forward", 9, 0), thing_sysctl(FORWARD, "1", "0"));
	BEFORE(thing_element(INET, "fenced4", "wlp6s0"), thing_sysctl(FORWARD, "1", "0"));
}

static void test_session_comes_last(void **state)
{
	const struct object host[] = {
		thing_rule(INET, "z", 99, 0),
		thing_bridge(),
		thing_sysctl("net/ipv6/conf/via0/accept_ra", "0", ""),
		thing_tc("via0"),
		thing_address("via0", "10.209.0.1/22"),
		thing_up("via0"),
		thing_stop(22017, "0.0.0.0/0"),
		thing_stop_rule(AF_INET6, 5182, "wlp6s0"),
		thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1"),
		thing_lookup(AF_INET, 5180, MARK, 22017),
		thing_sysctl(FORWARD, "1", "0"),
		thing_netns(),
		thing_port("viap1"),
		thing_fdb("viap1", 3),
		thing_shaper("viap1"),
		thing_neigh("via0", "10.209.0.3", 3),
	};
	const struct object inside[] = {
		thing_inside(thing_altname("eth0", "wlp6s0")),
		thing_inside(thing_address("eth0", "10.209.0.3/22")),
		thing_inside(thing_up("eth0")),
		thing_inside(thing_neigh("eth0", "10.209.0.1", 1)),
		thing_inside(thing_route(254, "0.0.0.0/0", "eth0", "10.209.0.1")),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(host) / sizeof(host[0]); i++) {
		BEFORE(host[i], thing_up("viap1"));
		for (size_t j = 0; j < sizeof(inside) / sizeof(inside[0]); j++)
			BEFORE(host[i], inside[j]);
	}
	for (size_t j = 0; j < sizeof(inside) / sizeof(inside[0]); j++)
		BEFORE(thing_up("viap1"), inside[j]);
	/* defaults that eth0 takes over are set before it is there */
	BEFORE(thing_inside(thing_sysctl("net/ipv6/conf/default/accept_ra", "0", "")),
	       thing_port("viap1"));
	BEFORE(thing_port("viap1"), thing_fdb("viap1", 3));
	BEFORE(thing_shaper("viap1"), thing_up("viap1"));
	BEFORE(thing_inside(thing_shaper("eth0")), thing_inside(thing_up("eth0")));
	/* a route needs its device up */
	BEFORE(inside[1], inside[3]);
}

static void test_netns_before_its_sysctls(void **state)
{
	const struct object netns = thing_netns(),
			    sysctl = thing_inside(thing_sysctl("net/ipv4/x", "1", ""));

	(void)state;
	assert_true(object_compare(&netns, &sysctl) < 0);
}

/* --- keys and values ----------------------------------------------------------------------- */

#define SAME(first, second)                                                                        \
	do {                                                                                       \
		struct object a_ = (first), b_ = (second);                                         \
		assert_int_equal(object_compare(&a_, &b_), 0);                                     \
		assert_int_equal(object_compare(&b_, &a_), 0);                                     \
		assert_true(object_same(&a_, &b_));                                                \
		assert_true(object_same(&b_, &a_));                                                \
	} while (0)
/* one key, another value */
#define CHANGED(first, second)                                                                     \
	do {                                                                                       \
		struct object a_ = (first), b_ = (second);                                         \
		assert_int_equal(object_compare(&a_, &b_), 0);                                     \
		assert_int_equal(object_compare(&b_, &a_), 0);                                     \
		assert_false(object_same(&a_, &b_));                                               \
		assert_false(object_same(&b_, &a_));                                               \
	} while (0)
/* two keys, ordered one way or the other */
#define OTHER(first, second)                                                                       \
	do {                                                                                       \
		struct object a_ = (first), b_ = (second);                                         \
		int c_ = object_compare(&a_, &b_), d_ = object_compare(&b_, &a_);                  \
		assert_true((c_ < 0 && d_ > 0) || (c_ > 0 && d_ < 0));                             \
	} while (0)
/* `o` with one thing changed */
#define WITH(o, change)                                                                            \
	({                                                                                         \
		struct object w = (o);                                                             \
		change;                                                                            \
		w;                                                                                 \
	})

static void test_link_keys(void **state)
{
	const struct object port = thing_port("viap1");

	(void)state;
	SAME(port, port);
	OTHER(port, thing_port("viap2"));
	OTHER(port, thing_bridge());
	CHANGED(port, nic(77));
	CHANGED(port, WITH(port, w.link.mtu = 1400));
	CHANGED(port, WITH(port, w.link.alias[0] = 'x'));
	CHANGED(port, WITH(port, w.link.master[0] = 0));
	CHANGED(port, WITH(port, w.link.hardened = false));
	/* "whatever it is", and what cannot be seen from outside */
	SAME(port, WITH(port, w.link.mtu = 0));
	SAME(port, WITH(port, w.link.peer[0] = 0));
	SAME(port, WITH(port, w.link.peer_mac.bytes[5]++));
	SAME(thing_up("via0"), thing_up("via0"));
	OTHER(thing_up("viap1"), thing_up("viap2"));
	SAME(thing_altname("eth0", "wlp6s0"), thing_altname("eth0", "wlp6s0"));
	OTHER(thing_altname("eth0", "wlp6s0"), thing_altname("eth0", "wlan0"));
	OTHER(thing_altname("eth0", "wlp6s0"), thing_altname("eth1", "wlp6s0"));
	OTHER(thing_up("viap1"), port);
}

static void test_address_keys(void **state)
{
	const struct object a = thing_address("via0", "10.209.0.1/22");

	(void)state;
	SAME(a, a);
	OTHER(a, thing_address("via1", "10.209.0.1/22"));
	OTHER(a, thing_address("via0", "10.209.0.2/22"));
	OTHER(a, thing_address("via0", "10.209.0.1/24"));
	OTHER(a, thing_address("via0", "fd00::1/64"));
	OTHER(a, thing_inside(a));
}

static void test_route_keys(void **state)
{
	const struct object r = thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1");

	(void)state;
	SAME(r, r);
	OTHER(r, WITH(r, w.route.table = 22018));
	OTHER(r, WITH(r, w.route.metric = 101));
	OTHER(r, WITH(r, w.route.stop = RTN_BLACKHOLE));
	OTHER(r, thing_route(22017, "::/0", "wlp6s0", "192.168.2.1"));
	OTHER(r, thing_route(22017, "0.0.0.0/1", "wlp6s0", "192.168.2.1"));
	CHANGED(r, thing_route(22017, "0.0.0.0/0", "enp7s0", "192.168.2.1"));
	CHANGED(r, thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.2"));
	CHANGED(r, thing_route(22017, "0.0.0.0/0", "wlp6s0", NULL));
	CHANGED(r, thing_route(22017, "0.0.0.0/0", "wlp6s0", "fe80::1"));
	CHANGED(r, WITH(r, w.route.onlink = true));
	CHANGED(r, WITH(r, w.route.mtu = 1400));
}

/* A rule is all key: the kernel cannot change one. */
static void test_rule_keys(void **state)
{
	const struct object r = thing_lookup(AF_INET, 5180, MARK, 22017);

	(void)state;
	SAME(r, r);
	OTHER(r, thing_lookup(AF_INET6, 5180, MARK, 22017));
	OTHER(r, thing_lookup(AF_INET, 5179, MARK, 22017));
	OTHER(r, thing_lookup(AF_INET, 5180, MARK + 1, 22017));
	OTHER(r, thing_lookup(AF_INET, 5180, MARK, 22018));
	OTHER(r, WITH(r, w.rule.mask = 0xffffffff));
	OTHER(r, WITH(r, strcpy(w.rule.iif, "via0")));
	OTHER(r, WITH(r, w.rule.action = RULE_UNREACHABLE));
}

static void test_small_keys(void **state)
{
	const struct object neigh = thing_neigh("via0", "10.209.0.3", 3),
			    fdb = thing_fdb("viap1", 3), tc = thing_tc("via0"),
			    shaper = thing_shaper("viap1"),
			    sysctl = thing_sysctl(FORWARD, "1", "0");

	(void)state;
	SAME(neigh, neigh);
	CHANGED(neigh, thing_neigh("via0", "10.209.0.3", 4));
	OTHER(neigh, thing_neigh("via0", "10.209.0.4", 3));
	OTHER(neigh, thing_neigh("viax", "10.209.0.3", 3));
	SAME(fdb, fdb);
	OTHER(fdb, thing_fdb("viap1", 4));
	OTHER(fdb, thing_fdb("viap2", 3));
	SAME(tc, tc);
	OTHER(tc, thing_tc("viax"));
	CHANGED(tc, WITH(tc, w.tc.mark++));
	CHANGED(tc, WITH(tc, w.tc.mask++));
	SAME(shaper, shaper);
	OTHER(shaper, thing_shaper("viap2"));
	CHANGED(shaper, WITH(shaper, w.qdisc.rate++));
	CHANGED(shaper, WITH(shaper, w.qdisc.limit++));
	SAME(shaper, WITH(shaper, w.qdisc.burst++)); /* follows, and cannot be observed */
	SAME(sysctl, sysctl);
	CHANGED(sysctl, thing_sysctl(FORWARD, "0", "0"));
	SAME(sysctl, thing_sysctl(FORWARD, "1", "2")); /* where to go back to is no value */
	OTHER(sysctl, thing_sysctl("net/ipv4/conf/enp7s0/forwarding", "1", "0"));
}

static void test_nft_keys(void **state)
{
	const struct object chain = thing_chain(INET, "a"), set = thing_set(INET, "m"),
			    element = thing_element(INET, "m", "x"),
			    verdict = thing_vmap_element(INET, "m", "x", "slot1"),
			    rule = thing_rule(INET, "a", 0, 7);

	(void)state;
	SAME(thing_table(INET), thing_table(INET));
	OTHER(thing_table(INET), thing_table(NFPROTO_BRIDGE));
	SAME(chain, chain);
	OTHER(chain, thing_chain(INET, "b"));
	OTHER(chain, thing_chain(ARP, "a"));
	CHANGED(chain, WITH(chain, w.nft_chain.base = true));
	CHANGED(chain, WITH(chain, strcpy(w.nft_chain.type, "nat")));
	CHANGED(chain, WITH(chain, w.nft_chain.hook = 3));
	CHANGED(chain, WITH(chain, w.nft_chain.priority = -1));
	SAME(set, set);
	OTHER(set, thing_set(INET, "n"));
	CHANGED(set, WITH(set, w.nft_set.key_len = 20));
	CHANGED(set, WITH(set, w.nft_set.vmap = true));
	SAME(element, element);
	OTHER(element, thing_element(INET, "m", "y"));
	OTHER(element, thing_element(INET, "n", "x"));
	OTHER(element, thing_element(ARP, "m", "x"));
	OTHER(element, WITH(element, w.nft_element.key.len = 12));
	/* an observed one knows its bytes only */
	SAME(element, WITH(element, w.nft_element.key.n_types = 0));
	SAME(verdict, verdict);
	CHANGED(verdict, thing_vmap_element(INET, "m", "x", "slot0"));
	CHANGED(verdict, WITH(verdict, w.nft_element.verdict = NF_DROP));
	CHANGED(verdict, element);
	SAME(rule, rule);
	SAME(rule, WITH(rule, w.nft_rule.handle = 9));
	CHANGED(rule, thing_rule(INET, "a", 0, 8));
	OTHER(rule, thing_rule(INET, "a", 1, 7));
	OTHER(rule, thing_rule(INET, "b", 0, 7));
	OTHER(rule, thing_rule(ARP, "a", 0, 7));
}

/* Planned rules are compared by what they say, where both are known. */
static void test_rules_with_statements(void **state)
{
	struct object a = thing_rule(INET, "a", 0, 0), b = a;
	struct nft_rule one = { 0 }, two = { 0 };

	(void)state;
	nft_verdict(&one, NF_DROP, NULL);
	nft_verdict(&two, NF_DROP, NULL);
	a.nft_rule.rule = &one;
	b.nft_rule.rule = &two;
	SAME(a, b);
	two.stmts[0].verdict = NF_ACCEPT;
	CHANGED(a, b);
	/* an observed one has its fingerprint only */
	b.nft_rule.rule = NULL;
	SAME(a, b);
	b.nft_rule.fingerprint = 1;
	CHANGED(a, b);
}

/* Rules of one chain stand together, by their place: 10 behind 9. */
static void test_rules_in_order(void **state)
{
	const struct object order[] = {
		thing_rule(INET, "a", 0, 0),           thing_rule(INET, "a", 9, 0),
		thing_rule(INET, "a", 10, 0),          thing_rule(INET, "b", 0, 0),
		thing_rule(NFPROTO_BRIDGE, "a", 0, 0),
	};
	const size_t n = sizeof(order) / sizeof(order[0]);

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			int c = object_compare(&order[i], &order[j]);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
		}
}

/* --- names --------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	const struct {
		struct object o;
		const char *name;
	} cases[] = {
		{ thing_netns(), "netns" },
		{ thing_bridge(), "link via0" },
		{ thing_up("viap1"), "link viap1" },
		{ thing_altname("eth0", "wlp6s0"), "altname wlp6s0 dev eth0" },
		{ thing_address("via0", "10.209.0.1/22"), "address 10.209.0.1/22 dev via0" },
		{ thing_stop(22017, "0.0.0.0/0"), "route 0.0.0.0/0 table 22017" },
		{ thing_lookup(AF_INET, 5180, MARK, 22017), "ip rule 5180" },
		{ thing_neigh("via0", "10.209.0.3", 3), "neighbour 10.209.0.3 dev via0" },
		{ thing_fdb("viap1", 3), "fdb 0a:76:69:01:00:03 dev viap1" },
		{ thing_tc("via0"), "tc filter on via0" },
		{ thing_shaper("viap1"), "qdisc on viap1" },
		{ thing_sysctl(FORWARD, "1", "0"), "sysctl " FORWARD },
		{ thing_table(INET), "nft table inet via_iface" },
		{ thing_chain(INET, "a"), "nft chain inet via_iface a" },
		{ thing_set(NFPROTO_BRIDGE, "m"), "nft set bridge via_iface m" },
		{ thing_element(INET, "m", "x"), "nft element inet via_iface m" },
		{ thing_rule(ARP, "a", 0, 0), "nft rule arp via_iface a" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char buf[OBJECT_NAME_MAX];

		assert_string_equal(object_name(&cases[i].o, buf), cases[i].name);
	}
	for (enum object_kind kind = 0; kind < OBJ_KIND_COUNT; kind++)
		assert_true(object_kind_name(kind)[0]);
}

/* The longest ones fit into what callers have. */
static void test_longest_name(void **state)
{
	struct object o = thing_sysctl("", "1", "0");
	char buf[OBJECT_NAME_MAX];

	(void)state;
	memset(o.sysctl.path, 'x', SYSCTL_MAX - 1);
	o.sysctl.path[SYSCTL_MAX - 1] = 0;
	assert_int_equal(strlen(object_name(&o, buf)), 7 + SYSCTL_MAX - 1);
}

static void test_is_nft(void **state)
{
	(void)state;
	for (enum object_kind kind = 0; kind < OBJ_KIND_COUNT; kind++) {
		const struct object o = { .kind = kind };

		assert_int_equal(object_is_nft(&o), !strncmp(object_kind_name(kind), "nft ", 4));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nft_order),
		cmocka_unit_test(test_guards_before_doors),
		cmocka_unit_test(test_stops_before_ways_out),
		cmocka_unit_test(test_session_comes_last),
		cmocka_unit_test(test_netns_before_its_sysctls),
		cmocka_unit_test(test_link_keys),
		cmocka_unit_test(test_address_keys),
		cmocka_unit_test(test_route_keys),
		cmocka_unit_test(test_rule_keys),
		cmocka_unit_test(test_small_keys),
		cmocka_unit_test(test_nft_keys),
		cmocka_unit_test(test_rules_with_statements),
		cmocka_unit_test(test_rules_in_order),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_longest_name),
		cmocka_unit_test(test_is_nft),
	};

	return RUN_TESTS(tests);
}
