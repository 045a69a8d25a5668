/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host's own routing, as the kernel tells it: bytes in, facts out. */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/icmpv6.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/nexthops.h"
#include "net/rtnl.h"
#include "scene.h"
#include "unit.h"

static struct fib_rule_hdr *start_rule(struct nl_msg *m, uint8_t family, uint8_t action)
{
	struct fib_rule_hdr *frh = nl_msg_start(m, RTM_NEWRULE, 0, sizeof(*frh));

	frh->family = family;
	frh->action = action;
	return frh;
}

static void test_rule(void **state)
{
	static const uint16_t special[] = { FRA_UID_RANGE,   FRA_IP_PROTO, FRA_SPORT_RANGE,
					    FRA_DPORT_RANGE, FRA_TUN_ID,   VIA_FRA_DSCP };
	struct fib_rule_hdr *frh;
	struct fact_rule r;
	struct nl_msg m;

	(void)state;
	/* ip rule add from 192.168.60.2 to 10.0.0.0/8 oif wlp6s0 fwmark 7/0xff lookup 77 pref 9 */
	frh = start_rule(&m, AF_INET, FR_ACT_TO_TBL);
	frh->table = 77;
	frh->src_len = 32;
	frh->dst_len = 8;
	nl_put_u32(&m, FRA_PRIORITY, 9);
	nl_put(&m, FRA_SRC, "\xc0\xa8\x3c\x02", 4);
	nl_put(&m, FRA_DST, "\x0a\0\0\0", 4);
	nl_put_str(&m, FRA_OIFNAME, "wlp6s0");
	nl_put_u32(&m, FRA_FWMARK, 7);
	nl_put_u32(&m, FRA_FWMASK, 0xff);
	nl_put_u32(&m, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
	for (int gone = 0; gone < 2; gone++) {
		m.nlh.nlmsg_type = (uint16_t)(RTM_NEWRULE + gone);
		assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
		assert_int_equal(r.family, AF_INET);
		assert_int_equal(r.priority, 9);
		assert_int_equal(r.action, FR_ACT_TO_TBL);
		assert_int_equal(r.table, 77);
		assert_int_equal(r.src.len, 32);
		assert_memory_equal(r.src.ip.bytes, "\xc0\xa8\x3c\x02", 4);
		assert_int_equal(r.dst.len, 8);
		assert_string_equal(r.oif, "wlp6s0");
		assert_string_equal(r.iif, "");
		assert_int_equal(r.mark, 7);
		assert_int_equal(r.mask, 0xff);
		assert_int_equal(r.suppress, -1);
		assert_false(r.invert);
		assert_false(r.special);
	}
	/* wg-quick(8): lookup main suppress_prefixlength 0; not fwmark 51820 lookup 51820 */
	start_rule(&m, AF_INET6, FR_ACT_TO_TBL)->flags = FIB_RULE_INVERT;
	nl_put_u32(&m, FRA_SUPPRESS_PREFIXLEN, 0);
	nl_put_u32(&m, FRA_FWMARK, 51820);
	nl_put_u32(&m, FRA_TABLE, 51820);
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
	assert_int_equal(r.suppress, 0);
	assert_true(r.invert);
	assert_int_equal(r.mask, UINT32_MAX);
	assert_int_equal(r.table, 51820);
	start_rule(&m, AF_INET, FR_ACT_GOTO);
	nl_put_u32(&m, FRA_GOTO, 500);
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
	assert_int_equal(r.target, 500);
	/* what it asks that is not known here */
	for (size_t i = 0; i < ARRAY_SIZE(special); i++) {
		start_rule(&m, AF_INET, FR_ACT_TO_TBL);
		nl_put(&m, special[i], "\0\0\0\1\0\0\0\2", 8);
		assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
		assert_true(r.special);
	}
	start_rule(&m, AF_INET, FR_ACT_TO_TBL)->tos = 8;
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
	assert_true(r.special);
	/* of another program with our protocol; of no IP family; a prefix that is too long */
	start_rule(&m, AF_INET, FR_ACT_TO_TBL);
	nl_put_u8(&m, FRA_PROTOCOL, VIA_RTPROT);
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 1);
	start_rule(&m, 129, FR_ACT_TO_TBL);
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), 0);
	start_rule(&m, AF_INET, FR_ACT_TO_TBL)->src_len = 33;
	assert_int_equal(rtnl_decode_host_rule(&m.nlh, &r), -EBADMSG);
}

static struct rtmsg *start_route(struct nl_msg *m, uint8_t family)
{
	struct rtmsg *rtm = nl_msg_start(m, RTM_NEWROUTE, 0, sizeof(*rtm));

	rtm->rtm_family = family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_type = RTN_UNICAST;
	return rtm;
}

static void test_route(void **state)
{
	static const struct {
		uint8_t pref;
		int8_t preference;
	} prefs[] = {
		{ ICMPV6_ROUTER_PREF_LOW, -1 },
		{ ICMPV6_ROUTER_PREF_MEDIUM, 0 },
		{ ICMPV6_ROUTER_PREF_HIGH, 1 },
		{ ICMPV6_ROUTER_PREF_INVALID, 0 },
	};
	long hz = sysconf(_SC_CLK_TCK);
	struct rta_cacheinfo info = { 0 };
	struct fact_route r;
	struct nl_msg m;

	(void)state;
	start_route(&m, AF_INET);
	nl_put(&m, RTA_PREFSRC, "\xc0\xa8\x3c\x05", 4);
	nl_put_u32(&m, RTA_OIF, 4);
	nl_put_u32(&m, RTA_NH_ID, 99);
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_memory_equal(r.src.bytes, "\xc0\xa8\x3c\x05", 4);
	assert_int_equal(r.nexthop, 99);
	assert_false(r.dead);
	assert_int_equal(r.expires, 0);
	assert_int_equal(r.preference, 0);
	start_route(&m, AF_INET)->rtm_flags = RTNH_F_LINKDOWN;
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_true(r.dead);
	for (size_t i = 0; i < ARRAY_SIZE(prefs); i++) {
		start_route(&m, AF_INET6);
		nl_put_u8(&m, RTA_PREF, prefs[i].pref);
		assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
		assert_int_equal(r.preference, prefs[i].preference);
	}
	start_route(&m, AF_INET6);
	info.rta_expires = (int32_t)(1800 * hz);
	nl_put(&m, RTA_CACHEINFO, &info, sizeof(info));
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_in_range(r.expires, 1800, 1801);
	start_route(&m, AF_INET6);
	info.rta_expires = -3;
	nl_put(&m, RTA_CACHEINFO, &info, sizeof(info));
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_int_equal(r.expires, -1);
}

static void test_nexthop(void **state)
{
	const struct nexthop_grp members[] = { { .id = 2, .weight = 4 }, { .id = 3 } };
	struct rtnl_nexthop n;
	struct nhmsg *nhm;
	struct nl_msg m;

	(void)state;
	nhm = nl_msg_start(&m, RTM_NEWNEXTHOP, 0, sizeof(*nhm));
	nhm->nh_family = AF_INET;
	nhm->nh_flags = RTNH_F_ONLINK | RTNH_F_DEAD;
	assert_int_equal(rtnl_decode_nexthop(&m.nlh, &n), -EBADMSG); /* an object has a number */
	nl_put_u32(&m, NHA_ID, 2);
	nl_put_u32(&m, NHA_OIF, 4);
	nl_put(&m, NHA_GATEWAY, "\xc0\xa8\x3c\x01", 4);
	assert_int_equal(rtnl_decode_nexthop(&m.nlh, &n), 1);
	assert_int_equal(n.id, 2);
	assert_int_equal(n.index, 4);
	assert_memory_equal(n.gateway.bytes, "\xc0\xa8\x3c\x01", 4);
	assert_true(n.onlink);
	assert_true(n.dead);
	assert_int_equal(n.n_members, 0);
	nl_msg_start(&m, RTM_NEWNEXTHOP, 0, sizeof(*nhm));
	nl_put_u32(&m, NHA_ID, 10);
	nl_put(&m, NHA_GROUP, members, sizeof(members));
	assert_int_equal(rtnl_decode_nexthop(&m.nlh, &n), 1);
	assert_int_equal(n.n_members, 2);
	assert_int_equal(n.members[0], 2);
	assert_int_equal(n.members[1], 3);
	nl_msg_start(&m, RTM_NEWROUTE, 0, sizeof(*nhm));
	assert_int_equal(rtnl_decode_nexthop(&m.nlh, &n), 0);
}

/* With net.ipv4.nexthop_compat_mode=0 a route names its object and nothing else. */
static void test_resolve(void **state)
{
	const struct rtnl_nexthop hops[] = {
		{ .id = 2, .index = 4, .gateway = { AF_INET, { 192, 168, 60, 1 } } },
		{ .id = 3, .index = 5, .gateway = { AF_INET, { 192, 168, 1, 1 } }, .dead = true },
		{ .id = 10, .members = { 2, 3, 77 }, .n_members = 3 },
		{ .id = 11, .blackhole = true },
	};
	struct facts f = { 0 };

	(void)state;
	scene_host(&f);
	scene_link(&f, "wlp6s0");
	scene_route(&f, "wlp6s0", "10.0.0.0/8", NULL, 0);
	assert_false(nexthops_needed(&f));
	for (uint32_t id = 10; id <= 13; id++) {
		scene_route(&f, "wlp6s0", "0.0.0.0/0", NULL, id);
		scene_last_route(&f)->index = 0;
		scene_last_route(&f)->nexthop = id;
	}
	assert_true(nexthops_needed(&f));
	assert_int_equal(nexthops_resolve(&f, hops, ARRAY_SIZE(hops)), 0);
	assert_int_equal(f.routes.n, 6); /* a group of two that are there */
	assert_int_equal(f.routes.v[1].index, 4);
	assert_int_equal(f.routes.v[1].gateway.bytes[2], 60);
	assert_false(f.routes.v[1].dead);
	assert_int_equal(f.routes.v[5].index, 5);
	assert_int_equal(f.routes.v[5].metric, 10);
	assert_true(f.routes.v[5].dead);
	assert_int_equal(f.routes.v[2].type, RTN_BLACKHOLE);
	assert_int_equal(f.routes.v[3].index, 0); /* gone meanwhile */
	facts_done(&f);
}

static void neigh_is(uint16_t type, uint16_t state, enum gateway_state expected)
{
	struct ndmsg *ndm;
	struct fact_gateway g;
	struct nl_msg m;

	ndm = nl_msg_start(&m, type, 0, sizeof(*ndm));
	ndm->ndm_family = AF_INET;
	ndm->ndm_ifindex = 3;
	ndm->ndm_state = state;
	nl_put(&m, NDA_DST, "\xc0\xa8\x02\x01", 4);
	assert_int_equal(rtnl_decode_gateway(&m.nlh, &g), 1);
	assert_int_equal(g.index, 3);
	assert_memory_equal(g.ip.bytes, "\xc0\xa8\x02\x01", 4);
	assert_int_equal(g.state, expected);
}

static void test_gateway(void **state)
{
	struct fact_gateway g;
	struct nl_msg m;

	(void)state;
	neigh_is(RTM_NEWNEIGH, NUD_REACHABLE, GATEWAY_ANSWERS);
	neigh_is(RTM_NEWNEIGH, NUD_STALE, GATEWAY_ANSWERS);
	neigh_is(RTM_NEWNEIGH, NUD_PERMANENT, GATEWAY_ANSWERS);
	neigh_is(RTM_NEWNEIGH, NUD_INCOMPLETE, GATEWAY_UNKNOWN);
	neigh_is(RTM_NEWNEIGH, NUD_FAILED, GATEWAY_FAILED);
	neigh_is(RTM_DELNEIGH, NUD_FAILED, GATEWAY_UNKNOWN);
	nl_msg_start(&m, RTM_NEWNEIGH, 0, 4);
	assert_int_equal(rtnl_decode_gateway(&m.nlh, &g), -EBADMSG);
	nl_msg_start(&m, RTM_NEWROUTE, 0, sizeof(struct ndmsg));
	assert_int_equal(rtnl_decode_gateway(&m.nlh, &g), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule),    cmocka_unit_test(test_route),
		cmocka_unit_test(test_nexthop), cmocka_unit_test(test_resolve),
		cmocka_unit_test(test_gateway),
	};

	return RUN_TESTS(tests);
}
