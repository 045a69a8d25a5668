/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rtnl_internal.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "model/own.h"

static uint16_t create_flags(enum step_action action)
{
	return action == STEP_ADD ? NLM_F_CREATE | NLM_F_EXCL : NLM_F_CREATE | NLM_F_REPLACE;
}

static void put_port_flags(struct nl_msg *m)
{
	struct nlattr *info = nl_nest(m, IFLA_LINKINFO), *data;

	nl_put_str(m, IFLA_INFO_SLAVE_KIND, "bridge");
	data = nl_nest(m, IFLA_INFO_SLAVE_DATA);
	nl_put_u8(m, IFLA_BRPORT_ISOLATED, 1);
	nl_put_u8(m, IFLA_BRPORT_LEARNING, 0);
	nl_put_u8(m, IFLA_BRPORT_UNICAST_FLOOD, 0);
	nl_put_u8(m, IFLA_BRPORT_MCAST_FLOOD, 0);
	nl_put_u8(m, IFLA_BRPORT_BCAST_FLOOD, 0);
	nl_nest_end(m, data);
	nl_nest_end(m, info);
}

static void put_veth_peer(struct nl_msg *m, const struct obj_link *l, int netns)
{
	struct nlattr *data = nl_nest(m, IFLA_INFO_DATA), *peer = nl_nest(m, VETH_INFO_PEER);

	nl_reserve(m, sizeof(struct ifinfomsg));
	nl_put_str(m, IFLA_IFNAME, l->peer);
	nl_put_mac(m, IFLA_ADDRESS, &l->peer_mac);
	if (l->peer_mtu)
		nl_put_u32(m, IFLA_MTU, l->peer_mtu);
	nl_put_u32(m, IFLA_NET_NS_FD, (uint32_t)netns);
	nl_nest_end(m, peer);
	nl_nest_end(m, data);
}

/* See BRIDGE_GROUP_FWD_MASK. */
static void put_bridge(struct nl_msg *m)
{
	struct nlattr *data = nl_nest(m, IFLA_INFO_DATA);

	nl_put_u16(m, IFLA_BR_GROUP_FWD_MASK, BRIDGE_GROUP_FWD_MASK);
	nl_nest_end(m, data);
}

static void create_link(struct nl_msg *m, const struct obj_link *l, const struct rtnl_numbers *n)
{
	struct nlattr *info;

	nl_msg_start(m, RTM_NEWLINK, NLM_F_CREATE | NLM_F_EXCL, sizeof(struct ifinfomsg));
	nl_put_str(m, IFLA_IFNAME, l->name);
	nl_put_mac(m, IFLA_ADDRESS, &l->mac);
	if (l->kind == LINK_VETH)
		nl_put_u32(m, IFLA_GROUP, OWN_PORT_GROUP);
	if (l->master[0]) {
		nl_put_u32(m, IFLA_MASTER, (uint32_t)n->master);
		if (l->mtu)
			nl_put_u32(m, IFLA_MTU, l->mtu);
	}
	info = nl_nest(m, IFLA_LINKINFO);
	nl_put_str(m, IFLA_INFO_KIND, l->kind == LINK_BRIDGE ? "bridge" : "veth");
	if (l->kind == LINK_VETH)
		put_veth_peer(m, l, n->netns);
	else
		put_bridge(m);
	nl_nest_end(m, info);
}

/*
 * The bridge's MTU is set here and not at its creation: only a change by hand makes the kernel
 * keep it (net/bridge/br_device.c:br_change_mtu) when ports come with smaller ones.
 */
static void set_link(struct nl_msg *m, const struct obj_link *l, enum step_action action,
		     const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = n->dev;
	if (l->master[0])
		ifi->ifi_flags = ifi->ifi_change = IFF_NOARP;
	nl_put_str(m, IFLA_IFALIAS, l->alias);
	if (l->kind == LINK_BRIDGE || action == STEP_CHANGE) {
		if (l->mtu)
			nl_put_u32(m, IFLA_MTU, l->mtu);
	}
	if (action == STEP_CHANGE && l->kind == LINK_BRIDGE) {
		struct nlattr *info = nl_nest(m, IFLA_LINKINFO);

		nl_put_str(m, IFLA_INFO_KIND, "bridge");
		put_bridge(m);
		nl_nest_end(m, info);
	}
	if (action == STEP_CHANGE) {
		nl_put_mac(m, IFLA_ADDRESS, &l->mac);
		if (l->kind == LINK_VETH)
			nl_put_u32(m, IFLA_GROUP, OWN_PORT_GROUP);
		if (l->master[0])
			nl_put_u32(m, IFLA_MASTER, (uint32_t)n->master);
	} else if (l->master[0]) {
		put_port_flags(m);
	}
}

void rtnl_encode_alias(struct nl_msg *m, const struct obj_link *l, const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = n->dev;
	nl_put_str(m, IFLA_IFALIAS, l->alias);
}

static void set_port(struct nl_msg *m, const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = n->dev;
	put_port_flags(m);
}

static void encode_link(struct nl_msg *m, const struct object *object, enum step_action action,
			int part, const struct rtnl_numbers *n)
{
	const struct obj_link *l = &object->link;
	struct ifinfomsg *ifi;

	switch (action) {
	case STEP_ADD:
		if (part == 0)
			create_link(m, l, n);
		else
			set_link(m, l, action, n);
		break;
	case STEP_CHANGE:
		if (part == 0)
			set_link(m, l, action, n);
		else
			set_port(m, n);
		break;
	case STEP_REMOVE:
		ifi = nl_msg_start(m, RTM_DELLINK, 0, sizeof(*ifi));
		ifi->ifi_index = n->dev;
		break;
	case STEP_ACTION_COUNT:
		break;
	}
}

static void encode_link_up(struct nl_msg *m, const struct object *object, enum step_action action,
			   int part, const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	(void)object;
	(void)part;
	ifi->ifi_index = n->dev;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = action == STEP_REMOVE ? 0 : IFF_UP;
}

/* net/core/rtnetlink.c:rtnl_linkprop */
static void encode_altname(struct nl_msg *m, const struct object *object, enum step_action action,
			   int part, const struct rtnl_numbers *n)
{
	const struct obj_altname *a = &object->altname;
	bool gone = action == STEP_REMOVE;
	struct ifinfomsg *ifi = nl_msg_start(m, gone ? RTM_DELLINKPROP : RTM_NEWLINKPROP,
					     gone ? 0 : create_flags(action), sizeof(*ifi));
	struct nlattr *list;

	(void)part;
	ifi->ifi_index = n->dev;
	list = nl_nest(m, IFLA_PROP_LIST);
	nl_put_str(m, IFLA_ALT_IFNAME, a->name);
	nl_nest_end(m, list);
}

static void encode_address(struct nl_msg *m, const struct object *object, enum step_action action,
			   int part, const struct rtnl_numbers *n)
{
	const struct obj_address *a = &object->address;
	bool gone = action == STEP_REMOVE;
	struct ifaddrmsg *ifa = nl_msg_start(m, gone ? RTM_DELADDR : RTM_NEWADDR,
					     gone ? 0 : create_flags(action), sizeof(*ifa));

	(void)part;
	ifa->ifa_family = a->prefix.ip.family;
	ifa->ifa_prefixlen = a->prefix.len;
	ifa->ifa_index = (uint32_t)n->dev;
	nl_put_ip(m, IFA_LOCAL, &a->prefix.ip);
	nl_put_ip(m, IFA_ADDRESS, &a->prefix.ip);
	if (a->prefix.ip.family == AF_INET6)
		nl_put_u32(m, IFA_FLAGS, IFA_F_NODAD);
	if (a->prefix.ip.family == AF_INET) {
		struct prefix last = prefix_masked(&a->prefix);

		for (size_t bit = a->prefix.len; bit < 32; bit++)
			last.ip.bytes[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
		nl_put_ip(m, IFA_BROADCAST, &last.ip);
	}
}

static void put_gateway(struct nl_msg *m, const struct obj_route *r)
{
	uint8_t via[2 + 16] = { 0 };
	uint16_t family = r->gateway.family;

	if (!ip_is_set(&r->gateway))
		return;
	if (r->gateway.family == r->dst.ip.family) {
		nl_put_ip(m, RTA_GATEWAY, &r->gateway);
		return;
	}
	memcpy(via, &family, sizeof(family)); /* struct rtvia */
	memcpy(via + 2, r->gateway.bytes, ip_size(&r->gateway));
	nl_put(m, RTA_VIA, via, 2 + ip_size(&r->gateway));
}

/* In a netns that is not ours a route of the same key is somebody else's, and is not replaced. */
static uint16_t route_flags(const struct object *o)
{
	return NLM_F_CREATE | (o->place == PLACE_HOST ? NLM_F_REPLACE : NLM_F_EXCL);
}

static void encode_route(struct nl_msg *m, const struct object *object, enum step_action action,
			 int part, const struct rtnl_numbers *n)
{
	const struct object *o = object;
	const struct obj_route *r = &o->route;
	bool gone = action == STEP_REMOVE;
	struct rtmsg *rtm = nl_msg_start(m, gone ? RTM_DELROUTE : RTM_NEWROUTE,
					 gone ? 0 : route_flags(o), sizeof(*rtm));

	(void)part;
	rtm->rtm_family = r->dst.ip.family;
	rtm->rtm_dst_len = r->dst.len;
	/* a route without a device is not removed with ours: it is found again by its protocol */
	rtm->rtm_protocol = o->place == PLACE_HOST || r->stop ? VIA_RTPROT : RTPROT_STATIC;
	rtm->rtm_type = r->stop ? r->stop : RTN_UNICAST;
	if (gone)
		rtm->rtm_scope = RT_SCOPE_NOWHERE;
	else if (r->dst.ip.family == AF_INET && !r->stop && !ip_is_set(&r->gateway))
		rtm->rtm_scope = RT_SCOPE_LINK;
	if (r->onlink)
		rtm->rtm_flags |= RTNH_F_ONLINK;
	nl_put_u32(m, RTA_TABLE, r->table);
	if (r->dst.len)
		nl_put_ip(m, RTA_DST, &r->dst.ip);
	if (r->metric)
		nl_put_u32(m, RTA_PRIORITY, r->metric);
	if (r->dev[0] && n->dev)
		nl_put_u32(m, RTA_OIF, (uint32_t)n->dev);
	put_gateway(m, r);
	if (r->mtu && !gone) {
		struct nlattr *metrics = nl_nest(m, RTA_METRICS);

		nl_put_u32(m, RTAX_MTU, r->mtu);
		nl_nest_end(m, metrics);
	}
}

const uint8_t rtnl_rule_actions[RULE_ACTION_COUNT] = {
	[RULE_LOOKUP] = FR_ACT_TO_TBL,
	[RULE_UNREACHABLE] = FR_ACT_UNREACHABLE,
	[RULE_BLACKHOLE] = FR_ACT_BLACKHOLE,
};

static void encode_rule(struct nl_msg *m, const struct object *object, enum step_action action,
			int part, const struct rtnl_numbers *n)
{
	const struct obj_rule *r = &object->rule;
	bool gone = action == STEP_REMOVE;
	struct fib_rule_hdr *frh = nl_msg_start(m, gone ? RTM_DELRULE : RTM_NEWRULE,
						gone ? 0 : NLM_F_CREATE | NLM_F_EXCL, sizeof(*frh));

	(void)part;
	(void)n;
	frh->family = r->family;
	frh->action = rtnl_rule_actions[r->action];
	if (r->not_iif)
		frh->flags |= FIB_RULE_INVERT;
	nl_put_u32(m, FRA_PRIORITY, r->priority);
	if (r->mask) {
		nl_put_u32(m, FRA_FWMARK, r->mark);
		nl_put_u32(m, FRA_FWMASK, r->mask);
	}
	if (r->iif[0])
		nl_put_str(m, FRA_IIFNAME, r->iif);
	if (r->action == RULE_LOOKUP)
		nl_put_u32(m, FRA_TABLE, r->table);
	nl_put_u8(m, FRA_PROTOCOL, VIA_RTPROT);
}

static struct ndmsg *start_neigh(struct nl_msg *m, enum step_action action)
{
	bool gone = action == STEP_REMOVE;

	return nl_msg_start(m, gone ? RTM_DELNEIGH : RTM_NEWNEIGH,
			    gone ? 0 : NLM_F_CREATE | NLM_F_REPLACE, sizeof(struct ndmsg));
}

static void encode_neigh(struct nl_msg *m, const struct object *object, enum step_action action,
			 int part, const struct rtnl_numbers *n)
{
	const struct obj_neigh *o = &object->neigh;
	struct ndmsg *ndm = start_neigh(m, action);

	(void)part;
	ndm->ndm_family = o->ip.family;
	ndm->ndm_ifindex = n->dev;
	ndm->ndm_state = NUD_PERMANENT;
	nl_put_ip(m, NDA_DST, &o->ip);
	nl_put_mac(m, NDA_LLADDR, &o->mac);
}

static void encode_fdb(struct nl_msg *m, const struct object *object, enum step_action action,
		       int part, const struct rtnl_numbers *n)
{
	const struct obj_fdb *o = &object->fdb;
	struct ndmsg *ndm = start_neigh(m, action);

	(void)part;
	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = n->dev;
	ndm->ndm_state = NUD_NOARP; /* static */
	ndm->ndm_flags = NTF_MASTER;
	nl_put_mac(m, NDA_LLADDR, &o->mac);
}

void rtnl_guard_program(const struct obj_tc *t, struct sock_filter ret[5])
{
	const struct sock_filter program[5] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_MARK)),
		BPF_STMT(BPF_ALU | BPF_AND | BPF_K, t->mask),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, t->mark, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, (uint32_t)TC_ACT_UNSPEC),
		BPF_STMT(BPF_RET | BPF_K, TC_ACT_SHOT),
	};

	memcpy(ret, program, sizeof(program));
}

static struct tcmsg *start_tc(struct nl_msg *m, uint16_t type, uint16_t flags, int index)
{
	struct tcmsg *tcm = nl_msg_start(m, type, flags, sizeof(*tcm));

	tcm->tcm_ifindex = index;
	return tcm;
}

#define TC_INGRESS TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_INGRESS)

static void encode_tc(struct nl_msg *m, const struct object *object, enum step_action action,
		      int part, const struct rtnl_numbers *n)
{
	const struct obj_tc *t = &object->tc;
	struct sock_filter program[5];
	struct nlattr *options;
	struct tcmsg *tcm;

	if (action == STEP_REMOVE || part == 0) {
		tcm = start_tc(m, action == STEP_REMOVE ? RTM_DELQDISC : RTM_NEWQDISC,
			       action == STEP_REMOVE ? 0 : NLM_F_CREATE | NLM_F_EXCL, n->dev);
		tcm->tcm_parent = TC_H_CLSACT;
		tcm->tcm_handle = TC_H_MAKE(TC_H_CLSACT, 0);
		nl_put_str(m, TCA_KIND, "clsact");
		return;
	}
	tcm = start_tc(m, RTM_NEWTFILTER, NLM_F_CREATE | NLM_F_REPLACE, n->dev);
	tcm->tcm_parent = TC_INGRESS;
	tcm->tcm_handle = 1;
	tcm->tcm_info = TC_H_MAKE(1u << 16, htons(ETH_P_ALL)); /* priority 1, every protocol */
	rtnl_guard_program(t, program);
	nl_put_str(m, TCA_KIND, "bpf");
	options = nl_nest(m, TCA_OPTIONS);
	nl_put_u16(m, TCA_BPF_OPS_LEN, ARRAY_SIZE(program));
	nl_put(m, TCA_BPF_OPS, program, sizeof(program));
	nl_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
	nl_nest_end(m, options);
}

/*
 * net/sched/sch_tbf.c:tbf_change; with a link layer that is known it wants no table of rates. A
 * qdisc that somebody else put there is replaced.
 */
static void encode_qdisc(struct nl_msg *m, const struct object *object, enum step_action action,
			 int part, const struct rtnl_numbers *n)
{
	const struct obj_qdisc *q = &object->qdisc;
	const bool gone = action == STEP_REMOVE;
	struct tc_tbf_qopt qopt = { .limit = q->limit };
	struct nlattr *options;
	struct tcmsg *tcm = start_tc(m, gone ? RTM_DELQDISC : RTM_NEWQDISC,
				     gone ? 0 : NLM_F_CREATE | NLM_F_REPLACE, n->dev);

	(void)part;
	tcm->tcm_parent = TC_H_ROOT;
	tcm->tcm_handle = QDISC_HANDLE;
	nl_put_str(m, TCA_KIND, "tbf");
	if (gone)
		return;
	qopt.rate.rate = q->rate;
	qopt.rate.linklayer = TC_LINKLAYER_ETHERNET;
	options = nl_nest(m, TCA_OPTIONS);
	nl_put(m, TCA_TBF_PARMS, &qopt, sizeof(qopt));
	nl_put_u32(m, TCA_TBF_BURST, q->burst);
	nl_nest_end(m, options);
}

int rtnl_parts(const struct object *o, enum step_action action)
{
	if (action == STEP_REMOVE)
		return 1;
	if (o->kind == OBJ_LINK)
		return action == STEP_ADD || o->link.master[0] ? 2 : 1;
	return o->kind == OBJ_TC ? 2 : 1;
}

/* What rtnetlink makes; all other kinds are not its. */
static const struct {
	void (*encode)(struct nl_msg *m, const struct object *object, enum step_action action,
		       int part, const struct rtnl_numbers *n);
	size_t device; /* where the name of its device is in the object; 0: it has none */
} kinds[OBJ_KIND_COUNT] = {
	[OBJ_LINK] = { encode_link, offsetof(struct object, link.name) },
	[OBJ_LINK_UP] = { encode_link_up, offsetof(struct object, link.name) },
	[OBJ_ALTNAME] = { encode_altname, offsetof(struct object, altname.dev) },
	[OBJ_ADDRESS] = { encode_address, offsetof(struct object, address.dev) },
	[OBJ_ROUTE] = { encode_route, offsetof(struct object, route.dev) },
	[OBJ_RULE] = { encode_rule, 0 },
	[OBJ_NEIGH] = { encode_neigh, offsetof(struct object, neigh.dev) },
	[OBJ_FDB] = { encode_fdb, offsetof(struct object, fdb.dev) },
	[OBJ_TC] = { encode_tc, offsetof(struct object, tc.dev) },
	[OBJ_QDISC] = { encode_qdisc, offsetof(struct object, qdisc.dev) },
};

const char *rtnl_device(const struct object *o)
{
	size_t at = kinds[o->kind].device;

	return at ? (const char *)o + at : "";
}

void rtnl_encode(struct nl_msg *m, const struct object *o, enum step_action action, int part,
		 const struct rtnl_numbers *n)
{
	if (kinds[o->kind].encode)
		kinds[o->kind].encode(m, o, action, part, n);
	else
		m->overflow = true; /* a bug, and an error rather than silence */
}

void rtnl_dump_links(struct nl_msg *m, bool counters)
{
	nl_msg_start(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	if (!counters)
		nl_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void rtnl_dump_addrs(struct nl_msg *m)
{
	nl_msg_start(m, RTM_GETADDR, 0, sizeof(struct ifaddrmsg));
}

void rtnl_dump_routes(struct nl_msg *m, uint8_t family)
{
	struct rtmsg *rtm = nl_msg_start(m, RTM_GETROUTE, 0, sizeof(*rtm));

	rtm->rtm_family = family;
}

void rtnl_dump_rules(struct nl_msg *m, uint8_t family)
{
	struct fib_rule_hdr *frh = nl_msg_start(m, RTM_GETRULE, 0, sizeof(*frh));

	frh->family = family;
}

void rtnl_dump_neighs(struct nl_msg *m, uint8_t family, int index)
{
	struct ndmsg *ndm = nl_msg_start(m, RTM_GETNEIGH, 0, sizeof(*ndm));

	ndm->ndm_family = family;
	nl_put_u32(m, NDA_IFINDEX, (uint32_t)index);
}

void rtnl_dump_fdb(struct nl_msg *m, int bridge)
{
	struct ndmsg *ndm = nl_msg_start(m, RTM_GETNEIGH, 0, sizeof(*ndm));

	ndm->ndm_family = AF_BRIDGE;
	nl_put_u32(m, NDA_MASTER, (uint32_t)bridge);
}

void rtnl_dump_filters(struct nl_msg *m, int index)
{
	start_tc(m, RTM_GETTFILTER, 0, index)->tcm_parent = TC_INGRESS;
}

void rtnl_get_root_qdisc(struct nl_msg *m, int index)
{
	start_tc(m, RTM_GETQDISC, 0, index)->tcm_parent = TC_H_ROOT;
}

void rtnl_ask_for_shaper(struct nl_msg *m, int index)
{
	struct tcmsg *tcm = start_tc(m, RTM_NEWQDISC, NLM_F_CREATE | NLM_F_REPLACE, index);

	tcm->tcm_parent = TC_H_ROOT;
	tcm->tcm_handle = QDISC_HANDLE;
	nl_put_str(m, TCA_KIND, "tbf");
}

void rtnl_get_link_counters(struct nl_msg *m, const char *name)
{
	nl_msg_start(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(m, IFLA_IFNAME, name);
}

void rtnl_get_link(struct nl_msg *m, const char *name)
{
	rtnl_get_link_counters(m, name);
	nl_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void rtnl_get_link_by_index(struct nl_msg *m, int index)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_GETLINK, 0, sizeof(*ifi));

	ifi->ifi_index = index;
	nl_put_u32(m, IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
}

void rtnl_get_nsid(struct nl_msg *m, int netns)
{
	nl_msg_start(m, RTM_GETNSID, 0, sizeof(struct rtgenmsg));
	nl_put_u32(m, NETNSA_FD, (uint32_t)netns);
}
