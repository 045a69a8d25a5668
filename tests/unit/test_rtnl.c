/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/own.h"
#include "model/print.h"
#include "mutate.h"
#include "net/rtnl.h"
#include "scene.h"
#include "things.h"
#include "unit.h"
#include "wire.h"

static const struct rtnl_numbers numbers = { .dev = 7, .master = 3, .netns = 11 };

#define MAKE    (NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL)
#define CREATE  (NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL)
#define REPLACE (NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE)

/* The message of a step, whose family header must be this one; w is behind it. */
#define ENCODES(w, m, o, action, part, type, flags, header)                                        \
	do {                                                                                       \
		rtnl_encode(&(m), &(o), action, part, &numbers);                                   \
		assert_int_equal(nl_msg_error(&(m)), 0);                                           \
		STARTS(w, &(m).nlh, type, flags, sizeof(header));                                  \
		assert_memory_equal(mnl_nlmsg_get_payload(&(m).nlh), &(header), sizeof(header));   \
	} while (0)

/* --- links --------------------------------------------------------------------------------- */

static void test_bridge(void **state)
{
	const struct ifinfomsg none = { 0 }, to = { .ifi_index = 7 };
	struct object o = thing_bridge();
	struct wire w, info, data;
	struct nl_msg m;

	(void)state;
	assert_int_equal(rtnl_parts(&o, STEP_ADD), 2);
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWLINK, MAKE, none);
	ATTR_STR(w, IFLA_IFNAME, "via0");
	ATTR(w, IFLA_ADDRESS, o.link.mac.bytes, 6);
	ATTR_NEST(w, IFLA_LINKINFO, info);
	ATTR_STR(info, IFLA_INFO_KIND, "bridge");
	ATTR_NEST(info, IFLA_INFO_DATA, data);
	ATTR_U16(data, IFLA_BR_GROUP_FWD_MASK, 0xfff8);
	ENDS(data);
	ENDS(info);
	ENDS(w);

	ENCODES(w, m, o, STEP_ADD, 1, RTM_NEWLINK, NLM_F_REQUEST, to);
	ATTR_STR(w, IFLA_IFALIAS, "via1 bridge");
	ATTR_U32(w, IFLA_MTU, 65535);
	ENDS(w);

	assert_int_equal(rtnl_parts(&o, STEP_CHANGE), 1);
	ENCODES(w, m, o, STEP_CHANGE, 0, RTM_NEWLINK, NLM_F_REQUEST, to);
	ATTR_STR(w, IFLA_IFALIAS, "via1 bridge");
	ATTR_U32(w, IFLA_MTU, 65535);
	ATTR_NEST(w, IFLA_LINKINFO, info);
	ATTR_STR(info, IFLA_INFO_KIND, "bridge");
	ATTR_NEST(info, IFLA_INFO_DATA, data);
	ATTR_U16(data, IFLA_BR_GROUP_FWD_MASK, 0xfff8);
	ENDS(data);
	ENDS(info);
	ATTR(w, IFLA_ADDRESS, o.link.mac.bytes, 6);
	ENDS(w);

	assert_int_equal(rtnl_parts(&o, STEP_REMOVE), 1);
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELLINK, NLM_F_REQUEST, to);
	ENDS(w);
}

/* Isolated; no learning, no flooding. */
static void check_port_flags(struct wire *w)
{
	struct wire info, data;

	ATTR_NEST(*w, IFLA_LINKINFO, info);
	ATTR_STR(info, IFLA_INFO_SLAVE_KIND, "bridge");
	ATTR_NEST(info, IFLA_INFO_SLAVE_DATA, data);
	ATTR_U8(data, IFLA_BRPORT_ISOLATED, 1);
	ATTR_U8(data, IFLA_BRPORT_LEARNING, 0);
	ATTR_U8(data, IFLA_BRPORT_UNICAST_FLOOD, 0);
	ATTR_U8(data, IFLA_BRPORT_MCAST_FLOOD, 0);
	ATTR_U8(data, IFLA_BRPORT_BCAST_FLOOD, 0);
	ENDS(data);
	ENDS(info);
}

static void check_new_veth(const struct object *o)
{
	const struct ifinfomsg none = { 0 };
	struct wire w, info, data, peer;
	struct nl_msg m;

	ENCODES(w, m, *o, STEP_ADD, 0, RTM_NEWLINK, MAKE, none);
	ATTR_STR(w, IFLA_IFNAME, "viap1");
	ATTR(w, IFLA_ADDRESS, o->link.mac.bytes, 6);
	ATTR_U32(w, IFLA_GROUP, OWN_PORT_GROUP);
	ATTR_U32(w, IFLA_MASTER, 3);
	if (o->link.mtu)
		ATTR_U32(w, IFLA_MTU, o->link.mtu);
	ATTR_NEST(w, IFLA_LINKINFO, info);
	ATTR_STR(info, IFLA_INFO_KIND, "veth");
	ATTR_NEST(info, IFLA_INFO_DATA, data);
	ATTR_NEST(data, VETH_INFO_PEER, peer);
	assert_true(wire_raw(&peer, &none, sizeof(none)));
	ATTR_STR(peer, IFLA_IFNAME, "eth0");
	ATTR(peer, IFLA_ADDRESS, o->link.peer_mac.bytes, 6);
	if (o->link.peer_mtu)
		ATTR_U32(peer, IFLA_MTU, o->link.peer_mtu);
	ATTR_U32(peer, IFLA_NET_NS_FD, 11);
	ENDS(peer);
	ENDS(data);
	ENDS(info);
	ENDS(w);
}

static void test_port(void **state)
{
	const struct ifinfomsg to = { .ifi_index = 7 };
	const struct ifinfomsg noarp = { .ifi_index = 7,
					 .ifi_flags = IFF_NOARP,
					 .ifi_change = IFF_NOARP };
	struct object o = thing_port("viap1");
	struct nl_msg m;
	struct wire w;

	(void)state;
	assert_int_equal(rtnl_parts(&o, STEP_ADD), 2);
	o.link.peer_mtu = 1400;
	check_new_veth(&o);
	ENCODES(w, m, o, STEP_ADD, 1, RTM_NEWLINK, NLM_F_REQUEST, noarp);
	ATTR_STR(w, IFLA_IFALIAS, o.link.alias);
	check_port_flags(&w);
	ENDS(w);

	assert_int_equal(rtnl_parts(&o, STEP_CHANGE), 2);
	ENCODES(w, m, o, STEP_CHANGE, 0, RTM_NEWLINK, NLM_F_REQUEST, noarp);
	ATTR_STR(w, IFLA_IFALIAS, o.link.alias);
	ATTR_U32(w, IFLA_MTU, 1500);
	ATTR(w, IFLA_ADDRESS, o.link.mac.bytes, 6);
	ATTR_U32(w, IFLA_GROUP, OWN_PORT_GROUP);
	ATTR_U32(w, IFLA_MASTER, 3);
	ENDS(w);
	ENCODES(w, m, o, STEP_CHANGE, 1, RTM_NEWLINK, NLM_F_REQUEST, to);
	check_port_flags(&w);
	ENDS(w);

	assert_int_equal(rtnl_parts(&o, STEP_REMOVE), 1);
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELLINK, NLM_F_REQUEST, to);
	ENDS(w);

	o.link.mtu = o.link.peer_mtu = 0; /* the kernel's choice, on both sides */
	check_new_veth(&o);
	ENCODES(w, m, o, STEP_CHANGE, 0, RTM_NEWLINK, NLM_F_REQUEST, noarp);
	ATTR_STR(w, IFLA_IFALIAS, o.link.alias);
	ATTR(w, IFLA_ADDRESS, o.link.mac.bytes, 6);
	ATTR_U32(w, IFLA_GROUP, OWN_PORT_GROUP);
	ATTR_U32(w, IFLA_MASTER, 3);
	ENDS(w);
}

/* The longest of every text still fits. */
static void test_longest_port(void **state)
{
	struct object o = thing_port("exactly15bytes_");
	struct nl_msg m;

	(void)state;
	memset(o.link.alias, 'a', sizeof(o.link.alias) - 1);
	memset(o.link.peer, 'p', sizeof(o.link.peer) - 1);
	for (int part = 0; part < 2; part++) {
		rtnl_encode(&m, &o, STEP_ADD, part, &numbers);
		assert_int_equal(nl_msg_error(&m), 0);
		rtnl_encode(&m, &o, STEP_CHANGE, part, &numbers);
		assert_int_equal(nl_msg_error(&m), 0);
	}
}

static void test_link_up(void **state)
{
	const struct ifinfomsg up = { .ifi_index = 7, .ifi_flags = IFF_UP, .ifi_change = IFF_UP };
	const struct ifinfomsg down = { .ifi_index = 7, .ifi_change = IFF_UP };
	struct object o = thing_up("viap1");
	struct nl_msg m;
	struct wire w;

	(void)state;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWLINK, NLM_F_REQUEST, up);
	ENDS(w);
	ENCODES(w, m, o, STEP_CHANGE, 0, RTM_NEWLINK, NLM_F_REQUEST, up);
	ENDS(w);
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_NEWLINK, NLM_F_REQUEST, down);
	ENDS(w);
}

/* --- addresses and routes ------------------------------------------------------------------ */

static void test_altname(void **state)
{
	const struct ifinfomsg ifi = { .ifi_index = 7 };
	struct object o = thing_inside(thing_altname("eth0", "wlp6s0"));
	struct nl_msg m;
	struct wire w, list;

	(void)state;
	for (enum step_action a = 0; a < STEP_ACTION_COUNT; a++) {
		const uint16_t flags[] = { MAKE, REPLACE, NLM_F_REQUEST };

		ENCODES(w, m, o, a, 0, a == STEP_REMOVE ? RTM_DELLINKPROP : RTM_NEWLINKPROP,
			flags[a], ifi);
		ATTR_NEST(w, IFLA_PROP_LIST, list);
		ATTR_STR(list, IFLA_ALT_IFNAME, "wlp6s0");
		ENDS(list);
		ENDS(w);
	}
}

static void test_address4(void **state)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_INET, .ifa_prefixlen = 22, .ifa_index = 7 };
	struct object o = thing_address("via0", "10.209.0.1/22");
	struct nl_msg m;
	struct wire w;

	(void)state;
	for (enum step_action a = 0; a < STEP_ACTION_COUNT; a++) {
		const uint16_t flags[] = { MAKE, REPLACE, NLM_F_REQUEST };

		ENCODES(w, m, o, a, 0, a == STEP_REMOVE ? RTM_DELADDR : RTM_NEWADDR, flags[a], ifa);
		ATTR(w, IFA_LOCAL, "\x0a\xd1\x00\x01", 4);
		ATTR(w, IFA_ADDRESS, "\x0a\xd1\x00\x01", 4);
		ATTR(w, IFA_BROADCAST, "\x0a\xd1\x03\xff", 4);
		ENDS(w);
	}
	o = thing_address("via0", "192.0.2.7/32");
	rtnl_encode(&m, &o, STEP_ADD, 0, &numbers);
	STARTS(w, &m.nlh, RTM_NEWADDR, MAKE, sizeof(ifa));
	ATTR(w, IFA_LOCAL, "\xc0\x00\x02\x07", 4);
	ATTR(w, IFA_ADDRESS, "\xc0\x00\x02\x07", 4);
	ATTR(w, IFA_BROADCAST, "\xc0\x00\x02\x07", 4);
	ENDS(w);
}

static void test_address6(void **state)
{
	const struct ifaddrmsg ifa = { .ifa_family = AF_INET6,
				       .ifa_prefixlen = 64,
				       .ifa_index = 7 };
	struct object o = thing_inside(thing_address("eth0", "fd00::3/64"));
	struct nl_msg m;
	struct wire w;

	(void)state;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWADDR, MAKE, ifa);
	ATTR(w, IFA_LOCAL, o.address.prefix.ip.bytes, 16);
	ATTR(w, IFA_ADDRESS, o.address.prefix.ip.bytes, 16);
	ATTR_U32(w, IFA_FLAGS, IFA_F_NODAD);
	ENDS(w);
}

static void test_route(void **state)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_protocol = VIA_RTPROT,
			     .rtm_type = RTN_UNICAST };
	struct object o = thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1");
	struct nl_msg m;
	struct wire w;

	(void)state;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ATTR(w, RTA_GATEWAY, "\xc0\xa8\x02\x01", 4);
	ENDS(w);
	ENCODES(w, m, o, STEP_CHANGE, 0, RTM_NEWROUTE, REPLACE, rtm);

	rtm.rtm_scope = RT_SCOPE_NOWHERE; /* any */
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELROUTE, NLM_F_REQUEST, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ATTR(w, RTA_GATEWAY, "\xc0\xa8\x02\x01", 4);
	ENDS(w);

	o = thing_inside(o); /* not to be found by its protocol there */
	rtm.rtm_scope = RT_SCOPE_UNIVERSE;
	rtm.rtm_protocol = RTPROT_STATIC; /* and theirs of the same key is not replaced */
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, CREATE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ATTR(w, RTA_GATEWAY, "\xc0\xa8\x02\x01", 4);
	ENDS(w);

	o.route = (struct obj_route){
		.table = RT_TABLE_MAIN, .dst = o.route.dst, .metric = 7, .stop = RTN_UNREACHABLE
	};
	rtm.rtm_protocol =
		VIA_RTPROT; /* it does not go with a device, and is found again by this */
	rtm.rtm_type = RTN_UNREACHABLE;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, CREATE, rtm);
	ATTR_U32(w, RTA_TABLE, RT_TABLE_MAIN);
	ATTR_U32(w, RTA_PRIORITY, 7);
	ENDS(w);
}

static void test_route_to_network(void **state)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_dst_len = 24,
			     .rtm_protocol = VIA_RTPROT,
			     .rtm_scope = RT_SCOPE_LINK,
			     .rtm_type = RTN_UNICAST };
	struct object o = thing_route(22017, "192.168.2.0/24", "wlp6s0", NULL);
	struct nl_msg m;
	struct wire w;

	(void)state;
	o.route.metric = 0;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR(w, RTA_DST, "\xc0\xa8\x02\x00", 4);
	ATTR_U32(w, RTA_OIF, 7);
	ENDS(w);

	o = thing_route(22017, "2001:db8:2::/64", "wlp6s0", NULL);
	rtm.rtm_family = AF_INET6;
	rtm.rtm_dst_len = 64;
	rtm.rtm_scope = RT_SCOPE_UNIVERSE; /* IPv6 has no other */
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR(w, RTA_DST, o.route.dst.ip.bytes, 16);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ENDS(w);
}

static void test_route_options(void **state)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_protocol = VIA_RTPROT,
			     .rtm_type = RTN_UNICAST,
			     .rtm_flags = RTNH_F_ONLINK };
	struct object o = thing_route(22017, "0.0.0.0/0", "wlp6s0", "fe80::1");
	struct wire w, metrics;
	uint8_t via[18] = { 0 };
	uint16_t family = AF_INET6;
	struct nl_msg m;

	(void)state;
	memcpy(via, &family, 2);
	memcpy(via + 2, o.route.gateway.bytes, 16);
	o.route.onlink = true;
	o.route.mtu = 1400;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ATTR(w, RTA_VIA, via, 18); /* RFC 5549 */
	ATTR_NEST(w, RTA_METRICS, metrics);
	ATTR_U32(metrics, RTAX_MTU, 1400);
	ENDS(metrics);
	ENDS(w);

	rtm.rtm_scope = RT_SCOPE_NOWHERE;
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELROUTE, NLM_F_REQUEST, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 100);
	ATTR_U32(w, RTA_OIF, 7);
	ATTR(w, RTA_VIA, via, 18);
	ENDS(w);
}

static void test_route_unreachable(void **state)
{
	struct rtmsg rtm = { .rtm_family = AF_INET,
			     .rtm_protocol = VIA_RTPROT,
			     .rtm_type = RTN_UNREACHABLE };
	struct object o = thing_stop(22017, "0.0.0.0/0");
	struct nl_msg m;
	struct wire w;

	(void)state;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 4278198272u);
	ENDS(w);
	o = thing_stop(22017, "::/0");
	rtm.rtm_family = AF_INET6;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWROUTE, REPLACE, rtm);
	ATTR_U32(w, RTA_TABLE, 22017);
	ATTR_U32(w, RTA_PRIORITY, 4278198272u);
	ENDS(w);
	rtm.rtm_scope = RT_SCOPE_NOWHERE;
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELROUTE, NLM_F_REQUEST, rtm);
}

/* --- rules, neighbours, fdb ---------------------------------------------------------------- */

static void test_rule(void **state)
{
	struct fib_rule_hdr frh = { .family = AF_INET, .action = FR_ACT_TO_TBL };
	struct object o = thing_lookup(AF_INET, 5180, 0x56000001, 22017);
	struct nl_msg m;
	struct wire w;

	(void)state;
	for (enum step_action a = 0; a < STEP_ACTION_COUNT; a++) {
		bool gone = a == STEP_REMOVE;

		ENCODES(w, m, o, a, 0, gone ? RTM_DELRULE : RTM_NEWRULE,
			gone ? NLM_F_REQUEST : MAKE, frh);
		ATTR_U32(w, FRA_PRIORITY, 5180);
		ATTR_U32(w, FRA_FWMARK, 0x56000001);
		ATTR_U32(w, FRA_FWMASK, 0xff0000ff);
		ATTR_U32(w, FRA_TABLE, 22017);
		ATTR_U8(w, FRA_PROTOCOL, VIA_RTPROT);
		ENDS(w);
	}
	o = thing_stop_rule(AF_INET6, 5181, "via0");
	frh = (struct fib_rule_hdr){ .family = AF_INET6, .action = FR_ACT_UNREACHABLE };
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWRULE, MAKE, frh);
	ATTR_U32(w, FRA_PRIORITY, 5181);
	ATTR_STR(w, FRA_IIFNAME, "via0");
	ATTR_U8(w, FRA_PROTOCOL, VIA_RTPROT);
	ENDS(w);

	o.rule.not_iif = true;
	o.rule.mark = 0x56000000;
	o.rule.mask = 0xff000000;
	frh.flags = FIB_RULE_INVERT;
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELRULE, NLM_F_REQUEST, frh);
	ATTR_U32(w, FRA_PRIORITY, 5181);
	ATTR_U32(w, FRA_FWMARK, 0x56000000);
	ATTR_U32(w, FRA_FWMASK, 0xff000000);
	ATTR_STR(w, FRA_IIFNAME, "via0");
	ATTR_U8(w, FRA_PROTOCOL, VIA_RTPROT);
	ENDS(w);
}

static void test_neigh(void **state)
{
	struct ndmsg ndm = { .ndm_family = AF_INET, .ndm_ifindex = 7, .ndm_state = NUD_PERMANENT };
	struct object o = thing_neigh("via0", "10.209.0.3", 3);
	struct nl_msg m;
	struct wire w;

	(void)state;
	for (enum step_action a = 0; a < STEP_ACTION_COUNT; a++) {
		bool gone = a == STEP_REMOVE;

		ENCODES(w, m, o, a, 0, gone ? RTM_DELNEIGH : RTM_NEWNEIGH,
			gone ? NLM_F_REQUEST : REPLACE, ndm);
		ATTR(w, NDA_DST, "\x0a\xd1\x00\x03", 4);
		ATTR(w, NDA_LLADDR, o.neigh.mac.bytes, 6);
		ENDS(w);
	}
	o = thing_neigh("via0", "fd00::3", 3);
	ndm.ndm_family = AF_INET6;
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWNEIGH, REPLACE, ndm);
	ATTR(w, NDA_DST, o.neigh.ip.bytes, 16);
	ATTR(w, NDA_LLADDR, o.neigh.mac.bytes, 6);
	ENDS(w);
}

static void test_fdb(void **state)
{
	const struct ndmsg ndm = { .ndm_family = AF_BRIDGE,
				   .ndm_ifindex = 7,
				   .ndm_state = NUD_NOARP,
				   .ndm_flags = NTF_MASTER };
	struct object o = thing_fdb("viap1", 3);
	struct nl_msg m;
	struct wire w;

	(void)state;
	for (enum step_action a = 0; a < STEP_ACTION_COUNT; a++) {
		bool gone = a == STEP_REMOVE;

		ENCODES(w, m, o, a, 0, gone ? RTM_DELNEIGH : RTM_NEWNEIGH,
			gone ? NLM_F_REQUEST : REPLACE, ndm);
		ATTR(w, NDA_LLADDR, o.fdb.mac.bytes, 6);
		ENDS(w);
	}
}

/* --- tc ------------------------------------------------------------------------------------ */

static void test_qdisc(void **state)
{
	const struct tcmsg tcm = { .tcm_ifindex = 7,
				   .tcm_parent = TC_H_CLSACT,
				   .tcm_handle = 0xffff0000 };
	struct object o = thing_tc("via0");
	struct nl_msg m;
	struct wire w;

	(void)state;
	assert_int_equal(rtnl_parts(&o, STEP_ADD), 2);
	assert_int_equal(rtnl_parts(&o, STEP_CHANGE), 2);
	assert_int_equal(rtnl_parts(&o, STEP_REMOVE), 1);
	ENCODES(w, m, o, STEP_ADD, 0, RTM_NEWQDISC, MAKE, tcm);
	ATTR_STR(w, TCA_KIND, "clsact");
	ENDS(w);
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELQDISC, NLM_F_REQUEST, tcm);
	ATTR_STR(w, TCA_KIND, "clsact");
	ENDS(w);
}

static void test_shaper(void **state)
{
	const struct tcmsg tcm = { .tcm_ifindex = 7,
				   .tcm_parent = TC_H_ROOT,
				   .tcm_handle = 0x76690000 };
	const struct tc_tbf_qopt qopt = { .rate = { .rate = 1250000, .linklayer = 1 },
					  .limit = 37500 };
	struct object o = thing_shaper("viap1");
	struct obj_qdisc q;
	struct wire w, options;
	struct nl_msg m;

	(void)state;
	for (enum step_action a = STEP_ADD; a <= STEP_CHANGE; a++) {
		assert_int_equal(rtnl_parts(&o, a), 1);
		ENCODES(w, m, o, a, 0, RTM_NEWQDISC, REPLACE, tcm);
		ATTR_STR(w, TCA_KIND, "tbf");
		ATTR_NEST(w, TCA_OPTIONS, options);
		ATTR(options, TCA_TBF_PARMS, &qopt, sizeof(qopt));
		ATTR_U32(options, TCA_TBF_BURST, 6250);
		ENDS(options);
		ENDS(w);
	}
	assert_int_equal(rtnl_decode_qdisc(&m.nlh, &q), 1);
	assert_int_equal(q.rate, 1250000);
	assert_int_equal(q.limit, 37500);
	((struct tcmsg *)mnl_nlmsg_get_payload(&m.nlh))->tcm_handle++;
	assert_int_equal(rtnl_decode_qdisc(&m.nlh, &q), 0); /* somebody else's */
	ENCODES(w, m, o, STEP_REMOVE, 0, RTM_DELQDISC, NLM_F_REQUEST, tcm);
	ATTR_STR(w, TCA_KIND, "tbf");
	ENDS(w);
	assert_int_equal(rtnl_decode_qdisc(&m.nlh, &q), 0); /* without its parameters */
	rtnl_ask_for_shaper(&m, 1);
	assert_int_equal(rtnl_decode_qdisc(&m.nlh, &q), 0);
	m.nlh.nlmsg_len = NLMSG_LENGTH(sizeof(tcm) - 4);
	assert_int_equal(rtnl_decode_qdisc(&m.nlh, &q), -EBADMSG);
}

/* The program in the line that a person would type: COUNT,CODE JT JF K,… (tc-bpf(8)). */
static size_t printed_program(const struct object *o, struct sock_filter ret[16])
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };
	const char *at;
	unsigned int n = 0, code = 0, jt = 0, jf = 0, k = 0;
	int used = 0;

	print_add(&sb, o, "netns");
	at = strstr(strbuf_text(&sb), "bytecode '");
	assert_non_null(at);
	at += strlen("bytecode '");
	assert_int_equal(sscanf(at, "%u%n", &n, &used), 1);
	assert_in_range(n, 1, 16);
	for (size_t i = 0; i < n; i++) {
		at += used;
		assert_int_equal(sscanf(at, ",%u %u %u %u%n", &code, &jt, &jf, &k, &used), 4);
		ret[i] = (struct sock_filter){ (uint16_t)code, (uint8_t)jt, (uint8_t)jf, k };
	}
	assert_string_equal(at + used, "'\n");
	return n;
}

static void test_filter(void **state)
{
	const struct tcmsg tcm = { .tcm_ifindex = 7,
				   .tcm_parent = 0xfffffff2, /* clsact, ingress */
				   .tcm_handle = 1,
				   .tcm_info = 1u << 16 | __builtin_bswap16(ETH_P_ALL) };
	struct object o = thing_tc("via0");
	struct sock_filter program[16] = { 0 };
	struct wire w, options;
	struct nl_msg m;

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	o.tc.mark = 0x56000003;
	o.tc.mask = 0xff0000ff;
	assert_int_equal(printed_program(&o, program), 5);
	assert_int_equal(program[1].k, 0xff0000ff);
	assert_int_equal(program[2].k, 0x56000003);
	ENCODES(w, m, o, STEP_ADD, 1, RTM_NEWTFILTER, REPLACE, tcm);
	ATTR_STR(w, TCA_KIND, "bpf");
	ATTR_NEST(w, TCA_OPTIONS, options);
	ATTR_U16(options, TCA_BPF_OPS_LEN, 5);
	ATTR(options, TCA_BPF_OPS, program, 5 * sizeof(program[0]));
	ATTR_U32(options, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	ENDS(options);
	ENDS(w);
	ENCODES(w, m, o, STEP_CHANGE, 1, RTM_NEWTFILTER, REPLACE, tcm);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void test_devices(void **state)
{
	const struct {
		struct object o;
		const char *dev;
	} cases[] = {
		{ thing_bridge(), "via0" },
		{ thing_port("viap1"), "viap1" },
		{ thing_up("viap1"), "viap1" },
		{ thing_address("via0", "10.209.0.1/22"), "via0" },
		{ thing_route(22017, "0.0.0.0/0", "wlp6s0", NULL), "wlp6s0" },
		{ thing_stop(22017, "::/0"), "" },
		{ thing_lookup(AF_INET, 5180, 1, 22017), "" },
		{ thing_stop_rule(AF_INET, 5181, "via0"), "" }, /* by its name */
		{ thing_neigh("via0", "10.209.0.3", 3), "via0" },
		{ thing_fdb("viap1", 3), "viap1" },
		{ thing_tc("via0"), "via0" },
		{ thing_shaper("viap1"), "viap1" },
		{ thing_netns(), "" },
		{ thing_sysctl("net/ipv4/conf/via0/forwarding", "1", ""), "" },
		{ thing_table(2), "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		assert_string_equal(rtnl_device(&cases[i].o), cases[i].dev);
}

/* A step that is another module's is an error here, not an empty message. */
static void test_not_rtnetlinks(void **state)
{
	const struct object others[] = {
		thing_netns(),
		thing_sysctl("net/ipv4/conf/via0/forwarding", "1", ""),
		thing_table(1),
		thing_chain(1, "c"),
		thing_set(1, "s"),
		thing_element(1, "s", "via0"),
		thing_rule(1, "c", 0, 0),
	};
	struct nl_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		nl_msg_start(&m, RTM_NEWLINK, 0, 0);
		rtnl_encode(&m, &others[i], STEP_ADD, 0, &numbers);
		assert_int_equal(nl_msg_error(&m), -EMSGSIZE);
	}
}

static void test_requests(void **state)
{
	struct ifinfomsg ifi = { 0 };
	struct ndmsg ndm = { .ndm_family = AF_INET6 };
	struct tcmsg tcm = { .tcm_ifindex = 4, .tcm_parent = 0xfffffff2 };
	struct nl_msg m;
	struct wire w;

#define ASKS(type, header)                                                                         \
	do {                                                                                       \
		STARTS(w, &m.nlh, type, NLM_F_REQUEST, sizeof(header));                            \
		assert_memory_equal(mnl_nlmsg_get_payload(&m.nlh), &(header), sizeof(header));     \
	} while (0)

	(void)state;
	rtnl_dump_links(&m, false);
	ASKS(RTM_GETLINK, ifi);
	ATTR_U32(w, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ENDS(w);
	rtnl_dump_links(&m, true);
	ASKS(RTM_GETLINK, ifi);
	ENDS(w);
	rtnl_get_link(&m, "viap1");
	ASKS(RTM_GETLINK, ifi);
	ATTR_STR(w, IFLA_IFNAME, "viap1");
	ATTR_U32(w, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
	ENDS(w);
	rtnl_dump_addrs(&m);
	ASKS(RTM_GETADDR, (struct ifaddrmsg){ 0 });
	ENDS(w);
	rtnl_dump_routes(&m, AF_INET6);
	ASKS(RTM_GETROUTE, (struct rtmsg){ .rtm_family = AF_INET6 });
	ENDS(w);
	rtnl_dump_rules(&m, AF_INET6);
	ASKS(RTM_GETRULE, (struct fib_rule_hdr){ .family = AF_INET6 });
	ENDS(w);
	rtnl_dump_neighs(&m, AF_INET6, 4);
	ASKS(RTM_GETNEIGH, ndm);
	ATTR_U32(w, NDA_IFINDEX, 4);
	ENDS(w);
	rtnl_dump_fdb(&m, 4);
	ndm.ndm_family = AF_BRIDGE;
	ASKS(RTM_GETNEIGH, ndm);
	ATTR_U32(w, NDA_MASTER, 4);
	ENDS(w);
	rtnl_dump_filters(&m, 4);
	ASKS(RTM_GETTFILTER, tcm);
	ENDS(w);
#undef ASKS
}

/* --- what was written reads back ----------------------------------------------------------- */

/* The message of one step as the kernel would announce it, or its removal. */
static void announce(struct nl_msg *m, const struct object *o, int part, bool gone)
{
	rtnl_encode(m, o, STEP_ADD, part, &numbers);
	m->nlh.nlmsg_type = (uint16_t)(m->nlh.nlmsg_type + gone); /* RTM_DEL… is RTM_NEW… + 1 */
}

static void test_link_reads_back(void **state)
{
	struct object bridge = thing_bridge(), port = thing_port("viap1");
	struct rtnl_link l;
	struct nl_msg m;

	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		announce(&m, &bridge, 0, gone);
		assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
		assert_string_equal(l.fact.name, "via0");
		assert_string_equal(l.fact.kind, "bridge");
		assert_string_equal(l.fact.alias, "");
		assert_memory_equal(&l.fact.mac, &bridge.link.mac, sizeof(l.fact.mac));
		assert_int_equal(l.fact.master, 0);

		announce(&m, &port, 0, gone);
		assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
		assert_string_equal(l.fact.name, "viap1");
		assert_string_equal(l.fact.kind, "veth");
		assert_memory_equal(&l.fact.mac, &port.link.mac, sizeof(l.fact.mac));
		assert_int_equal(l.fact.master, 3);
		assert_int_equal(l.fact.mtu, 1500);
		assert_false(l.isolated);

		announce(&m, &port, 1, gone); /* names nobody */
		assert_int_equal(rtnl_decode_link(&m.nlh, &l), 0);
		nl_put_str(&m, IFLA_IFNAME, "viap1");
		nl_put_u8(&m, IFLA_OPERSTATE, 6);
		assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
		assert_int_equal(l.fact.index, 7);
		assert_int_equal(l.fact.flags, IFF_NOARP);
		assert_string_equal(l.fact.alias, port.link.alias);
		assert_true(l.isolated);
		assert_false(l.learning || l.flood || l.mcast_flood || l.bcast_flood);
		assert_int_equal(l.operstate, 6);
	}
}

/* A port of an old kernel that does not say: as a port is when nobody changed it. */
static void test_link_defaults(void **state)
{
	struct nlattr *info, *data;
	struct rtnl_link l;
	struct nl_msg m;

	(void)state;
	nl_msg_start(&m, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(&m, IFLA_IFNAME, "viap1");
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put_str(&m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(&m, IFLA_INFO_SLAVE_DATA);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
	assert_true(!l.isolated && l.learning && l.flood && l.mcast_flood && l.bcast_flood);
	assert_int_equal(l.operstate, 0);
	assert_string_equal(l.fact.kind, "");

	/* the flags of another kind of master mean something else */
	nl_msg_start(&m, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(&m, IFLA_IFNAME, "viap1");
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put_str(&m, IFLA_INFO_SLAVE_KIND, "bond");
	data = nl_nest(&m, IFLA_INFO_SLAVE_DATA);
	nl_put_u8(&m, IFLA_BRPORT_ISOLATED, 1);
	nl_nest_end(&m, data);
	nl_nest_end(&m, info);
	assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
	assert_false(l.isolated);
}

/* All of them, to the longest; what is no altname is passed over, and nothing is read behind. */
static void test_link_altnames(void **state)
{
	char longest[ALTNAME_MAX + 1];
	struct nlattr *list;
	const char *name = NULL;
	struct rtnl_link l;
	struct nl_msg m;
	int n = 0;

	(void)state;
	memset(longest, 'x', ALTNAME_MAX);
	longest[ALTNAME_MAX] = 0;
	nl_msg_start(&m, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(&m, IFLA_IFNAME, "wlp6s0");
	assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
	assert_null(rtnl_next_altname(&l, NULL));
	list = nl_nest(&m, IFLA_PROP_LIST);
	nl_put_u32(&m, IFLA_ALT_IFNAME + 1, 7);   /* of a later kernel */
	nl_put_str(&m, IFLA_ALT_IFNAME, longest); /* longer than any */
	nl_put_str(&m, IFLA_ALT_IFNAME, "");
	nl_put(&m, IFLA_ALT_IFNAME, "open", 4); /* without an end */
	for (int i = 0; i < 25; i++) {
		snprintf(longest, sizeof(longest), "%02d", i);
		memset(longest + 2, 'x', ALTNAME_MAX - 3);
		longest[ALTNAME_MAX - 1] = 0;
		nl_put_str(&m, IFLA_ALT_IFNAME, longest);
	}
	nl_put_str(&m, IFLA_ALT_IFNAME, "b b"); /* the kernel takes blanks */
	nl_nest_end(&m, list);
	assert_false(m.overflow);
	assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
	while ((name = rtnl_next_altname(&l, name)) && n < 25) {
		assert_int_equal(atoi(name), n++);
		assert_int_equal(strlen(name), ALTNAME_MAX - 1);
	}
	assert_string_equal(name, "b b");
	assert_null(rtnl_next_altname(&l, name));
}

static void test_link_counters(void **state)
{
	struct rtnl_link_stats64 stats = {
		.rx_packets = 1, .tx_packets = 2, .rx_bytes = 3000000000000, .tx_bytes = 4
	};
	const size_t lens[] = { sizeof(stats), offsetof(struct rtnl_link_stats64, rx_errors), 31 };
	struct rtnl_link l;
	struct nl_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		_cleanup_free_ struct nlmsghdr *cut = NULL;

		nl_msg_start(&m, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
		nl_put_str(&m, IFLA_IFNAME, "wlp6s0");
		nl_put(&m, IFLA_STATS64, &stats, lens[i]);
		cut = wire_cut(&m.nlh, m.nlh.nlmsg_len);
		assert_int_equal(rtnl_decode_link(cut, &l), 1);
		assert_true(l.fact.rx_bytes == (i < 2 ? stats.rx_bytes : 0));
		assert_true(l.fact.tx_bytes == (i < 2 ? stats.tx_bytes : 0));
	}
}

/* Longer than we have room for: cut, and terminated. */
static void test_link_long_texts(void **state)
{
	struct nlattr *info;
	struct rtnl_link l;
	struct nl_msg m;
	char text[300];

	(void)state;
	memset(text, 'x', sizeof(text));
	nl_msg_start(&m, RTM_NEWLINK, 0, sizeof(struct ifinfomsg));
	nl_put(&m, IFLA_IFNAME, text, 40);
	nl_put(&m, IFLA_IFALIAS, text, sizeof(text));
	nl_put(&m, IFLA_ADDRESS, text, 20); /* InfiniBand */
	info = nl_nest(&m, IFLA_LINKINFO);
	nl_put(&m, IFLA_INFO_KIND, text, 40);
	nl_put(&m, IFLA_INFO_SLAVE_KIND, text, 40);
	nl_nest_end(&m, info);
	assert_int_equal(rtnl_decode_link(&m.nlh, &l), 1);
	assert_int_equal(strlen(l.fact.name), IFNAMSIZ - 1);
	assert_int_equal(strlen(l.fact.alias), ALIAS_MAX - 1);
	assert_int_equal(strlen(l.fact.kind), sizeof(l.fact.kind) - 1);
	assert_memory_equal(&l.fact.mac, &(struct mac){ 0 }, sizeof(struct mac));
}

static void test_address_reads_back(void **state)
{
	static const char *const prefixes[] = { "10.209.0.1/22", "fd00::1/64", "192.0.2.7/32" };
	struct fact_addr a;
	struct nl_msg m;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(prefixes); i++) {
		struct object o = thing_address("via0", prefixes[i / 2]);

		announce(&m, &o, 0, i % 2);
		assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 1);
		assert_int_equal(a.index, 7);
		assert_true(ip_equal(&a.prefix.ip, &o.address.prefix.ip));
		assert_int_equal(a.prefix.len, o.address.prefix.len);
		assert_int_equal(a.flags, a.prefix.ip.family == AF_INET6 ? IFA_F_NODAD : 0);
	}
}

static void test_address_kinds(void **state)
{
	struct ifaddrmsg *ifa;
	struct fact_addr a;
	struct nl_msg m;

	(void)state;
	/* on a point-to-point device the other side's is the one that is always there */
	ifa = nl_msg_start(&m, RTM_NEWADDR, 0, sizeof(*ifa));
	*ifa = (struct ifaddrmsg){ .ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_flags = 0x80 };
	nl_put(&m, IFA_ADDRESS, "\xc0\x00\x02\x01", 4);
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 1);
	assert_memory_equal(a.prefix.ip.bytes, "\xc0\x00\x02\x01", 4);
	assert_int_equal(a.flags, 0x80);
	nl_put(&m, IFA_LOCAL, "\xc0\x00\x02\x02", 4);
	nl_put_u32(&m, IFA_FLAGS, 0x380);
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 1);
	assert_memory_equal(a.prefix.ip.bytes, "\xc0\x00\x02\x02", 4);
	assert_int_equal(a.flags, 0x380);

	/* none; of another family; too short for its own */
	ifa = nl_msg_start(&m, RTM_NEWADDR, 0, sizeof(*ifa));
	ifa->ifa_family = AF_INET;
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 0);
	nl_put(&m, IFA_LOCAL, "\xc0\x00\x02", 3);
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 0);
	ifa->ifa_family = AF_INET6;
	nl_put(&m, IFA_LOCAL, "\xc0\x00\x02\x02", 4);
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 0);
	ifa->ifa_family = AF_BRIDGE;
	assert_int_equal(rtnl_decode_addr(&m.nlh, &a), 0);
}

static void check_route_reads_back(const struct object *o)
{
	struct fact_route r;
	struct nl_msg m;

	for (int gone = 0; gone < 2; gone++) {
		announce(&m, o, 0, gone);
		assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
		assert_int_equal(r.table, o->route.table);
		assert_int_equal(r.metric, o->route.metric);
		assert_int_equal(r.type, o->route.stop ? o->route.stop : RTN_UNICAST);
		assert_int_equal(r.protocol, VIA_RTPROT);
		assert_int_equal(r.dst.len, o->route.dst.len);
		assert_true(ip_equal(&r.dst.ip, &o->route.dst.ip));
		assert_int_equal(r.index, o->route.dev[0] ? 7 : 0);
		assert_true(ip_equal(&r.gateway, &o->route.gateway));
		assert_int_equal(r.onlink, o->route.onlink);
		assert_int_equal(r.mtu, o->route.mtu);
		assert_int_equal(rtnl_decode_route(&m.nlh, 1, &r), 0); /* one next hop */
	}
}

static void test_route_reads_back(void **state)
{
	struct object cases[] = {
		thing_route(22017, "0.0.0.0/0", "wlp6s0", "192.168.2.1"),
		thing_route(22017, "::/0", "wlp6s0", "fe80::1"),
		thing_route(254, "0.0.0.0/0", "wlp6s0", "fe80::1"),
		thing_route(22017, "192.168.2.0/24", "wlp6s0", NULL),
		thing_route(4294967295u, "2001:db8::/32", "wlp6s0", NULL),
		thing_stop(22017, "0.0.0.0/0"),
		thing_stop(22017, "::/0"),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_route_reads_back(&cases[i]);
		cases[i].route.onlink = true;
		cases[i].route.mtu = 1400;
		cases[i].route.metric = 0;
		check_route_reads_back(&cases[i]);
	}
}

static struct rtmsg *start_route(struct nl_msg *m, uint8_t family)
{
	struct rtmsg *rtm = nl_msg_start(m, RTM_NEWROUTE, 0, sizeof(*rtm));

	rtm->rtm_family = family;
	rtm->rtm_table = RT_TABLE_MAIN;
	rtm->rtm_type = RTN_UNICAST;
	return rtm;
}

static void add_hop(struct nl_msg *m, int index, uint8_t flags, uint16_t type, const void *gateway,
		    size_t len)
{
	struct rtnexthop *nh = nl_reserve(m, sizeof(*nh));

	assert_non_null(nh);
	nh->rtnh_ifindex = index;
	nh->rtnh_flags = flags;
	if (type)
		nl_put(m, type, gateway, len);
	nh->rtnh_len = (uint16_t)(m->buf + m->nlh.nlmsg_len - (char *)nh);
}

static void test_multipath(void **state)
{
	static const uint8_t via[18] = { [0] = AF_INET6, [2] = 0xfe, 0x80, [17] = 9 };
	struct fact_route r;
	struct nlattr *nest;
	struct nl_msg m;

	(void)state;
	if (__BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__)
		skip();
	start_route(&m, AF_INET);
	nl_put_u32(&m, RTA_PRIORITY, 20);
	nest = nl_nest(&m, RTA_MULTIPATH);
	add_hop(&m, 2, 0, RTA_GATEWAY, "\xc0\xa8\x01\x01", 4);
	add_hop(&m, 3, RTNH_F_ONLINK, RTA_VIA, via, sizeof(via));
	add_hop(&m, 4, 0, 0, NULL, 0);
	nl_nest_end(&m, nest);
	for (int gone = 0; gone < 2; gone++) {
		_cleanup_free_ struct nlmsghdr *cut = NULL;

		m.nlh.nlmsg_type = (uint16_t)(RTM_NEWROUTE + gone);
		cut = wire_cut(&m.nlh, m.nlh.nlmsg_len);
		assert_int_equal(rtnl_decode_route(cut, 0, &r), 1);
		assert_int_equal(r.index, 2);
		assert_int_equal(r.metric, 20);
		assert_int_equal(r.table, RT_TABLE_MAIN);
		assert_memory_equal(r.gateway.bytes, "\xc0\xa8\x01\x01", 4);
		assert_false(r.onlink);
		assert_int_equal(rtnl_decode_route(cut, 1, &r), 1);
		assert_int_equal(r.index, 3);
		assert_int_equal(r.gateway.family, AF_INET6);
		assert_memory_equal(r.gateway.bytes, via + 2, 16);
		assert_true(r.onlink);
		assert_int_equal(rtnl_decode_route(cut, 2, &r), 1);
		assert_int_equal(r.index, 4);
		assert_false(ip_is_set(&r.gateway));
		assert_int_equal(rtnl_decode_route(cut, 3, &r), 0);
		assert_int_equal(rtnl_decode_route(cut, 1000, &r), 0);
	}
}

static void test_multipath_malformed(void **state)
{
	static const uint16_t lens[] = { 0, 1, 7, 9, 17, 4000, 65535 };
	struct rtnexthop *nh;
	struct nlattr *nest;
	struct fact_route r;
	struct nl_msg m;

	(void)state;
	start_route(&m, AF_INET);
	nest = nl_nest(&m, RTA_MULTIPATH); /* empty */
	nl_nest_end(&m, nest);
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 0);

	for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
		_cleanup_free_ struct nlmsghdr *cut = NULL;

		start_route(&m, AF_INET);
		nest = nl_nest(&m, RTA_MULTIPATH);
		add_hop(&m, 2, 0, RTA_GATEWAY, "\xc0\xa8\x01\x01", 4);
		nl_nest_end(&m, nest);
		nh = mnl_attr_get_payload(nest);
		nh->rtnh_len = lens[i];
		cut = wire_cut(&m.nlh, m.nlh.nlmsg_len);
		/* with 9 it is a hop of its own, with nothing behind it */
		assert_int_equal(rtnl_decode_route(cut, 0, &r), lens[i] == 9);
		assert_int_equal(rtnl_decode_route(cut, 1, &r), 0);
	}
}

static void test_route_kinds(void **state)
{
	static const uint8_t families[] = { AF_UNSPEC, AF_BRIDGE, 28 /* AF_MPLS */, 129, 255 };
	struct fact_route r;
	struct rtmsg *rtm;
	struct nl_msg m;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(families); i++) {
		start_route(&m, families[i]);
		assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 0);
	}
	rtm = start_route(&m, AF_INET6); /* the table in the header, when no attribute has it */
	rtm->rtm_table = 7;
	rtm->rtm_type = RTN_BLACKHOLE;
	rtm->rtm_protocol = RTPROT_RA;
	nl_put(&m, RTA_GATEWAY, "\xfe\x80", 2); /* too short: none */
	nl_put(&m, RTA_VIA, "\x02", 1);
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_int_equal(r.table, 7);
	assert_int_equal(r.type, RTN_BLACKHOLE);
	assert_int_equal(r.protocol, RTPROT_RA);
	assert_int_equal(r.dst.ip.family, AF_INET6);
	assert_int_equal(r.mtu, 0);
	assert_false(ip_is_set(&r.gateway));
	nl_put_u32(&m, RTA_TABLE, 22017);
	assert_int_equal(rtnl_decode_route(&m.nlh, 0, &r), 1);
	assert_int_equal(r.table, 22017);
}

static void test_rule_reads_back(void **state)
{
	struct object cases[] = {
		thing_lookup(AF_INET, 5180, 0x56000001, 22017),
		thing_lookup(AF_INET6, 5180, 0x56000001, 22017),
		thing_stop_rule(AF_INET, 5181, "via0"),
		thing_stop_rule(AF_INET6, 5182, "via0"),
	};
	struct obj_rule r;
	struct nl_msg m;
	uint8_t protocol;

	(void)state;
	cases[3].rule.not_iif = true;
	cases[3].rule.mark = 0x56000000;
	cases[3].rule.mask = 0xff000000;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		struct object o = cases[i / 2];

		announce(&m, &o, 0, i % 2);
		assert_int_equal(rtnl_decode_rule(&m.nlh, &r, &protocol), 1);
		assert_int_equal(protocol, VIA_RTPROT);
		o.rule = r;
		assert_int_equal(object_compare(&o, &cases[i / 2]), 0);
	}
}

/* Whatever asks for more than ours do is nobody's business, even with our protocol and mark. */
static void test_rules_that_ask_for_more(void **state)
{
	static const struct {
		uint16_t type;
		uint32_t value;
		int seen;
	} cases[] = {
		{ FRA_SRC, 1, 0 },
		{ FRA_DST, 1, 0 },
		{ FRA_OIFNAME, 'x', 0 },
		{ FRA_UID_RANGE, 0, 0 },
		{ FRA_IP_PROTO, 6, 0 },
		{ FRA_SPORT_RANGE, 1, 0 },
		{ FRA_DPORT_RANGE, 1, 0 },
		{ FRA_TUN_ID, 1, 0 },
		{ FRA_FLOW, 1, 0 },
		{ FRA_GOTO, 1, 0 },
		{ FRA_L3MDEV, 1, 0 },
		{ 25 /* FRA_DSCP */, 1, 0 },
		{ FRA_SUPPRESS_PREFIXLEN, 0, 0 },
		{ FRA_SUPPRESS_IFGROUP, 7, 0 },
		/* which the kernel tells of every rule, or says nothing with */
		{ FRA_SUPPRESS_PREFIXLEN, UINT32_MAX, 1 },
		{ FRA_SUPPRESS_IFGROUP, UINT32_MAX, 1 },
		{ FRA_L3MDEV, 0, 1 },
	};
	const struct object o = thing_lookup(AF_INET, 5180, 0x56000001, 22017);
	struct obj_rule r;
	uint8_t protocol;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct nl_msg m;

		announce(&m, &o, 0, 0);
		nl_put_u32(&m, cases[i].type, cases[i].value);
		assert_int_equal(rtnl_decode_rule(&m.nlh, &r, &protocol), cases[i].seen);
	}
}

static void test_rule_kinds(void **state)
{
	static const uint8_t others[] = { FR_ACT_UNSPEC, FR_ACT_GOTO, FR_ACT_NOP, FR_ACT_PROHIBIT };
	struct fib_rule_hdr *frh;
	struct obj_rule r;
	struct nl_msg m;
	uint8_t protocol;

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		frh = nl_msg_start(&m, RTM_NEWRULE, 0, sizeof(*frh));
		frh->family = AF_INET;
		frh->action = others[i];
		assert_int_equal(rtnl_decode_rule(&m.nlh, &r, &protocol), 0);
	}
	/* the kernel's own: from all lookup local */
	frh = nl_msg_start(&m, RTM_NEWRULE, 0, sizeof(*frh));
	*frh = (struct fib_rule_hdr){ .family = AF_INET, .action = FR_ACT_TO_TBL, .table = 255 };
	assert_int_equal(rtnl_decode_rule(&m.nlh, &r, &protocol), 1);
	assert_int_equal(r.table, 255);
	assert_int_equal(r.priority, 0);
	assert_int_equal(r.mask, 0);
	assert_int_equal(protocol, 0);
	nl_put_u32(&m, FRA_FWMARK, 5); /* all its bits count, when no mask says otherwise */
	assert_int_equal(rtnl_decode_rule(&m.nlh, &r, &protocol), 1);
	assert_int_equal(r.mask, UINT32_MAX);
}

static void test_neigh_reads_back(void **state)
{
	struct object cases[] = { thing_neigh("via0", "10.209.0.3", 3),
				  thing_neigh("via0", "fd00::3", 4), thing_fdb("viap1", 3) };
	struct nl_msg m;
	struct mac mac;
	struct ip ip;
	uint16_t s;
	int index;

	(void)state;
	for (size_t i = 0; i < 2 * ARRAY_SIZE(cases); i++) {
		const struct object *o = &cases[i / 2];
		bool fdb = o->kind == OBJ_FDB;

		announce(&m, o, 0, i % 2);
		assert_int_equal(rtnl_decode_neigh(&m.nlh, &index, &s, &ip, &mac), 1);
		assert_int_equal(index, 7);
		assert_int_equal(s, fdb ? NUD_NOARP : NUD_PERMANENT);
		assert_memory_equal(&mac, fdb ? &o->fdb.mac : &o->neigh.mac, sizeof(mac));
		assert_int_equal(ip_is_set(&ip), !fdb);
		assert_true(fdb || ip_equal(&ip, &o->neigh.ip));
	}
	/* not resolved, or failed */
	((struct ndmsg *)nl_msg_start(&m, RTM_NEWNEIGH, 0, sizeof(struct ndmsg)))->ndm_family =
		AF_INET;
	nl_put(&m, NDA_DST, "\x0a\xd1\x00\x03", 4);
	for (int i = 0; i < 2; i++) {
		memset(&mac, 1, sizeof(mac));
		assert_int_equal(rtnl_decode_neigh(&m.nlh, &index, &s, &ip, &mac), 1);
		assert_true(ip_equal(&ip, &cases[0].neigh.ip));
		assert_memory_equal(&mac, &(struct mac){ 0 }, sizeof(mac));
		nl_put(&m, NDA_LLADDR, "12345", 5);
	}
}

static void test_filter_reads_back(void **state)
{
	struct object o = thing_tc("via0");
	struct obj_tc t;
	struct nl_msg m;

	(void)state;
	for (int gone = 0; gone < 2; gone++) {
		announce(&m, &o, 1, gone);
		assert_int_equal(rtnl_decode_filter(&m.nlh, &t), 1);
		assert_int_equal(t.mark, o.tc.mark);
		assert_int_equal(t.mask, o.tc.mask);
	}
	announce(&m, &o, 0, false); /* the qdisc */
	assert_int_equal(rtnl_decode_filter(&m.nlh, &t), 0);
}

/* Any bit of it changed is no filter of ours, but for the two numbers it is made of. */
static void test_filter_of_others(void **state)
{
	struct object o = thing_tc("via0");
	struct nl_msg m;
	struct obj_tc t;
	size_t start, program, end;

	(void)state;
	announce(&m, &o, 1, false);
	start = sizeof(m.nlh) + offsetof(struct tcmsg, tcm_handle);
	end = m.nlh.nlmsg_len - 4; /* the flags: only one of them counts */
	program = end - 4 - 5 * sizeof(struct sock_filter);
	for (size_t at = start; at < end; at++) {
		bool header = at >= start + 4 && at < sizeof(m.nlh) + sizeof(struct tcmsg);
		bool number = (at >= program + 12 && at < program + 16) ||
			      (at >= program + 20 && at < program + 24);
		/* and what is said twice, or is padding */
		bool idle = at >= program - 12 && at < program - 4;

		if (header || idle)
			continue;
		announce(&m, &o, 1, false);
		m.buf[at] ^= 1;
		if (rtnl_decode_filter(&m.nlh, &t) != number)
			fail_msg("byte %zu (of the program %zd)", at, (ssize_t)(at - program));
	}
	announce(&m, &o, 1, false);
	m.buf[m.nlh.nlmsg_len - 4] ^= TCA_BPF_FLAG_ACT_DIRECT;
	m.buf[m.nlh.nlmsg_len - 1] ^= TCA_BPF_FLAG_ACT_DIRECT; /* on the other kind of machine */
	assert_int_equal(rtnl_decode_filter(&m.nlh, &t), 0);
}

/* --- what cannot be read ------------------------------------------------------------------- */

enum decoder {
	LINK,
	ADDR,
	ROUTE,
	RULE,
	NEIGH,
	FILTER,
	DECODERS,
};

static const struct {
	uint16_t type;
	size_t header;
} decoders[] = {
	[LINK] = { RTM_NEWLINK, sizeof(struct ifinfomsg) },
	[ADDR] = { RTM_NEWADDR, sizeof(struct ifaddrmsg) },
	[ROUTE] = { RTM_NEWROUTE, sizeof(struct rtmsg) },
	[RULE] = { RTM_NEWRULE, sizeof(struct fib_rule_hdr) },
	[NEIGH] = { RTM_NEWNEIGH, sizeof(struct ndmsg) },
	[FILTER] = { RTM_NEWTFILTER, sizeof(struct tcmsg) },
};

/* Decodes into bytes of 0xa5 and checks that they are the same unless it says that it did. */
static int decode(enum decoder d, const struct nlmsghdr *nlh)
{
	struct {
		union {
			struct rtnl_link link;
			struct fact_addr addr;
			struct fact_route route;
			struct obj_rule rule;
			struct ip ip;
			struct obj_tc tc;
		};
		uint32_t mtu;
		int index;
		uint16_t state;
		struct mac mac;
		uint8_t protocol;
	} ret, before;
	int r = -1;

	memset(&ret, 0xa5, sizeof(ret));
	memcpy(&before, &ret, sizeof(ret));
	switch (d) {
	case LINK:
		r = rtnl_decode_link(nlh, &ret.link);
		break;
	case ADDR:
		r = rtnl_decode_addr(nlh, &ret.addr);
		break;
	case ROUTE:
		r = rtnl_decode_route(nlh, 0, &ret.route);
		break;
	case RULE:
		r = rtnl_decode_rule(nlh, &ret.rule, &ret.protocol);
		break;
	case NEIGH:
		r = rtnl_decode_neigh(nlh, &ret.index, &ret.state, &ret.ip, &ret.mac);
		break;
	case FILTER:
		r = rtnl_decode_filter(nlh, &ret.tc);
		break;
	case DECODERS:
		break;
	}
	if (r != 1)
		assert_memory_equal(&ret, &before, sizeof(ret));
	return r;
}

static void test_other_messages(void **state)
{
	static const uint16_t others[] = { NLMSG_NOOP,   NLMSG_ERROR,    NLMSG_DONE, 15,
					   RTM_NEWQDISC, RTM_NEWNETCONF, 0xffff };
	struct nl_msg m;

	(void)state;
	nl_msg_start(&m, 0, 0, 64);
	for (enum decoder d = 0; d < DECODERS; d++) {
		for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
			m.nlh.nlmsg_type = others[i];
			assert_int_equal(decode(d, &m.nlh), 0);
		}
		for (enum decoder e = 0; e < DECODERS; e++) {
			if (e == d)
				continue;
			m.nlh.nlmsg_type = decoders[e].type;
			assert_int_equal(decode(d, &m.nlh), 0);
			m.nlh.nlmsg_type++;
			assert_int_equal(decode(d, &m.nlh), 0);
		}
		m.nlh.nlmsg_type = decoders[d].type - 1;
		assert_int_equal(decode(d, &m.nlh), 0);
		m.nlh.nlmsg_type = decoders[d].type + 2; /* RTM_GET… */
		assert_int_equal(decode(d, &m.nlh), 0);
	}
}

static void test_short_headers(void **state)
{
	struct nl_msg m;

	(void)state;
	for (enum decoder d = 0; d < DECODERS; d++)
		for (size_t len = 0; len < decoders[d].header; len++) {
			_cleanup_free_ struct nlmsghdr *cut = NULL;

			nl_msg_start(&m, decoders[d].type, 0, decoders[d].header);
			cut = wire_cut(&m.nlh, sizeof(m.nlh) + len);
			assert_int_equal(decode(d, cut), -EBADMSG);
			cut->nlmsg_type++;
			assert_int_equal(decode(d, cut), -EBADMSG);
		}
}

struct sample {
	enum decoder decoder;
	struct object o;
	int part;
};

#define SAMPLES 14

static void make_samples(struct sample ret[SAMPLES])
{
	const struct sample samples[SAMPLES] = {
		{ LINK, thing_bridge(), 0 },
		{ LINK, thing_bridge(), 1 },
		{ LINK, thing_port("viap1"), 0 },
		{ LINK, thing_port("viap1"), 1 },
		{ ADDR, thing_address("via0", "10.209.0.1/22"), 0 },
		{ ADDR, thing_address("via0", "fd00::1/64"), 0 },
		{ ROUTE, thing_route(22017, "10.0.0.0/8", "wlp6s0", "192.168.2.1"), 0 },
		{ ROUTE, thing_route(22017, "10.0.0.0/8", "wlp6s0", "fe80::1"), 0 },
		{ ROUTE, thing_route(22017, "::/0", "wlp6s0", "fe80::1"), 0 },
		{ RULE, thing_lookup(AF_INET, 5180, 0x56000001, 22017), 0 },
		{ RULE, thing_stop_rule(AF_INET, 5181, "via0"), 0 },
		{ NEIGH, thing_neigh("via0", "fd00::3", 3), 0 },
		{ NEIGH, thing_fdb("viap1", 3), 0 },
		{ FILTER, thing_tc("via0"), 1 },
	};

	memcpy(ret, samples, sizeof(samples));
}

static void test_truncated(void **state)
{
	struct sample cases[SAMPLES];

	(void)state;
	make_samples(cases);
	for (size_t i = 0; i < SAMPLES; i++) {
		enum decoder d = cases[i].decoder;
		struct nl_msg m;

		rtnl_encode(&m, &cases[i].o, STEP_ADD, cases[i].part, &numbers);
		for (size_t len = sizeof(m.nlh); len <= m.nlh.nlmsg_len; len++) {
			_cleanup_free_ struct nlmsghdr *cut = wire_cut(&m.nlh, len);
			int r = decode(d, cut);

			if (len < sizeof(m.nlh) + decoders[d].header)
				assert_int_equal(r, -EBADMSG);
			else
				assert_in_range(r, 0, 1);
		}
	}
}

/* Every attribute in turn says another length than it has. */
static void test_lying_lengths(void **state)
{
	static const uint16_t lens[] = { 0, 1, 3, 4, 5, 6, 7, 8, 1000, 4096, 0x7fff, 0xffff };
	const struct object o = thing_port("viap1");
	struct nl_msg m;
	size_t whole;

	(void)state;
	rtnl_encode(&m, &o, STEP_ADD, 0, &numbers);
	whole = m.nlh.nlmsg_len;
	for (size_t at = sizeof(m.nlh) + sizeof(struct ifinfomsg); at < whole; at += 4)
		for (size_t i = 0; i < ARRAY_SIZE(lens); i++) {
			_cleanup_free_ struct nlmsghdr *cut = wire_cut(&m.nlh, whole);

			memcpy((char *)cut + at, &lens[i], 2);
			assert_in_range(decode(LINK, cut), 0, 1);
		}
}

/* Whatever it says, it is read without harm, and what comes of it has an end. */
static void test_mutations(void **state)
{
	struct chance c = { .state = 20240229 };
	struct sample cases[SAMPLES];

	(void)state;
	make_samples(cases);
	for (size_t i = 0; i < (size_t)SAMPLES * 1500; i++) {
		const struct sample *s = &cases[i % SAMPLES];
		_cleanup_free_ struct nlmsghdr *cut = NULL;
		struct nlattr *props;
		struct rtnl_link l;
		struct nl_msg m;
		size_t whole;

		rtnl_encode(&m, &s->o, STEP_ADD, s->part, &numbers);
		if (s->decoder == LINK && s->part) { /* else it would be of no interest */
			nl_put_str(&m, IFLA_IFNAME, "viap1");
			props = nl_nest(&m, IFLA_PROP_LIST);
			nl_put_str(&m, IFLA_ALT_IFNAME, "hotspot");
			nl_put_str(&m, IFLA_ALT_IFNAME, "enp3s0");
			nl_nest_end(&m, props);
		}
		whole = m.nlh.nlmsg_len;
		mutate(&c, mnl_nlmsg_get_payload(&m.nlh), whole - sizeof(m.nlh));
		if (chance(&c, 4) == 0)
			whole = sizeof(m.nlh) + chance(&c, (uint32_t)(whole - sizeof(m.nlh)));
		cut = wire_cut(&m.nlh, whole);
		assert_in_range(decode(s->decoder, cut) + EBADMSG, 0, EBADMSG + 1);
		if (s->decoder != LINK || rtnl_decode_link(cut, &l) != 1)
			continue;
		assert_non_null(memchr(l.fact.name, 0, sizeof(l.fact.name)));
		assert_non_null(memchr(l.fact.alias, 0, sizeof(l.fact.alias)));
		assert_non_null(memchr(l.fact.kind, 0, sizeof(l.fact.kind)));
		for (const char *name = NULL; (name = rtnl_next_altname(&l, name));)
			assert_in_range(strlen(name), 1, ALTNAME_MAX - 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bridge),
		cmocka_unit_test(test_port),
		cmocka_unit_test(test_longest_port),
		cmocka_unit_test(test_link_up),
		cmocka_unit_test(test_altname),
		cmocka_unit_test(test_address4),
		cmocka_unit_test(test_address6),
		cmocka_unit_test(test_route),
		cmocka_unit_test(test_route_to_network),
		cmocka_unit_test(test_route_options),
		cmocka_unit_test(test_route_unreachable),
		cmocka_unit_test(test_rule),
		cmocka_unit_test(test_neigh),
		cmocka_unit_test(test_fdb),
		cmocka_unit_test(test_qdisc),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_shaper),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_not_rtnetlinks),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_link_reads_back),
		cmocka_unit_test(test_link_defaults),
		cmocka_unit_test(test_link_altnames),
		cmocka_unit_test(test_link_counters),
		cmocka_unit_test(test_link_long_texts),
		cmocka_unit_test(test_address_reads_back),
		cmocka_unit_test(test_address_kinds),
		cmocka_unit_test(test_route_reads_back),
		cmocka_unit_test(test_multipath),
		cmocka_unit_test(test_multipath_malformed),
		cmocka_unit_test(test_route_kinds),
		cmocka_unit_test(test_rule_reads_back),
		cmocka_unit_test(test_rule_kinds),
		cmocka_unit_test(test_rules_that_ask_for_more),
		cmocka_unit_test(test_neigh_reads_back),
		cmocka_unit_test(test_filter_reads_back),
		cmocka_unit_test(test_filter_of_others),
		cmocka_unit_test(test_other_messages),
		cmocka_unit_test(test_short_headers),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_lying_lengths),
		cmocka_unit_test(test_mutations),
	};

	return RUN_TESTS(tests);
}
