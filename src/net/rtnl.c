/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rtnl.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "model/own.h"
#include "net/attr.h"

/* --- encoding ------------------------------------------------------------------------------ */

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

static void set_port(struct nl_msg *m, const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = n->dev;
	put_port_flags(m);
}

static void encode_link(struct nl_msg *m, const struct obj_link *l, enum step_action action,
			int part, const struct rtnl_numbers *n)
{
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

static void encode_link_up(struct nl_msg *m, enum step_action action, const struct rtnl_numbers *n)
{
	struct ifinfomsg *ifi = nl_msg_start(m, RTM_NEWLINK, 0, sizeof(*ifi));

	ifi->ifi_index = n->dev;
	ifi->ifi_change = IFF_UP;
	ifi->ifi_flags = action == STEP_REMOVE ? 0 : IFF_UP;
}

/* net/core/rtnetlink.c:rtnl_linkprop */
static void encode_altname(struct nl_msg *m, const struct obj_altname *a, enum step_action action,
			   const struct rtnl_numbers *n)
{
	bool gone = action == STEP_REMOVE;
	struct ifinfomsg *ifi = nl_msg_start(m, gone ? RTM_DELLINKPROP : RTM_NEWLINKPROP,
					     gone ? 0 : create_flags(action), sizeof(*ifi));
	struct nlattr *list;

	ifi->ifi_index = n->dev;
	list = nl_nest(m, IFLA_PROP_LIST);
	nl_put_str(m, IFLA_ALT_IFNAME, a->name);
	nl_nest_end(m, list);
}

static void encode_address(struct nl_msg *m, const struct obj_address *a, enum step_action action,
			   const struct rtnl_numbers *n)
{
	bool gone = action == STEP_REMOVE;
	struct ifaddrmsg *ifa = nl_msg_start(m, gone ? RTM_DELADDR : RTM_NEWADDR,
					     gone ? 0 : create_flags(action), sizeof(*ifa));

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

/* In a netns of others a route of the same key would be theirs, and is not replaced. */
static uint16_t route_flags(const struct object *o)
{
	return NLM_F_CREATE | (o->place == PLACE_HOST ? NLM_F_REPLACE : NLM_F_EXCL);
}

static void encode_route(struct nl_msg *m, const struct object *o, enum step_action action,
			 const struct rtnl_numbers *n)
{
	const struct obj_route *r = &o->route;
	bool gone = action == STEP_REMOVE;
	struct rtmsg *rtm = nl_msg_start(m, gone ? RTM_DELROUTE : RTM_NEWROUTE,
					 gone ? 0 : route_flags(o), sizeof(*rtm));

	rtm->rtm_family = r->dst.ip.family;
	rtm->rtm_dst_len = r->dst.len;
	/* what has no device does not go with ours, and is found again by this */
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

static const uint8_t rule_actions[] = {
	[RULE_LOOKUP] = FR_ACT_TO_TBL,
	[RULE_UNREACHABLE] = FR_ACT_UNREACHABLE,
	[RULE_BLACKHOLE] = FR_ACT_BLACKHOLE,
};

static void encode_rule(struct nl_msg *m, const struct obj_rule *r, enum step_action action)
{
	bool gone = action == STEP_REMOVE;
	struct fib_rule_hdr *frh = nl_msg_start(m, gone ? RTM_DELRULE : RTM_NEWRULE,
						gone ? 0 : NLM_F_CREATE | NLM_F_EXCL, sizeof(*frh));

	frh->family = r->family;
	frh->action = rule_actions[r->action];
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

static void encode_neigh(struct nl_msg *m, const struct obj_neigh *o, enum step_action action,
			 const struct rtnl_numbers *n)
{
	struct ndmsg *ndm = start_neigh(m, action);

	ndm->ndm_family = o->ip.family;
	ndm->ndm_ifindex = n->dev;
	ndm->ndm_state = NUD_PERMANENT;
	nl_put_ip(m, NDA_DST, &o->ip);
	nl_put_mac(m, NDA_LLADDR, &o->mac);
}

static void encode_fdb(struct nl_msg *m, const struct obj_fdb *o, enum step_action action,
		       const struct rtnl_numbers *n)
{
	struct ndmsg *ndm = start_neigh(m, action);

	ndm->ndm_family = AF_BRIDGE;
	ndm->ndm_ifindex = n->dev;
	ndm->ndm_state = NUD_NOARP; /* static */
	ndm->ndm_flags = NTF_MASTER;
	nl_put_mac(m, NDA_LLADDR, &o->mac);
}

/* Load the mark, mask it, and let pass what carries it: the third layer (tc-bpf(8)). */
static void guard_program(const struct obj_tc *t, struct sock_filter ret[5])
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

static void encode_tc(struct nl_msg *m, const struct obj_tc *t, enum step_action action, int part,
		      const struct rtnl_numbers *n)
{
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
	guard_program(t, program);
	nl_put_str(m, TCA_KIND, "bpf");
	options = nl_nest(m, TCA_OPTIONS);
	nl_put_u16(m, TCA_BPF_OPS_LEN, ARRAY_SIZE(program));
	nl_put(m, TCA_BPF_OPS, program, sizeof(program));
	nl_put_u32(m, TCA_BPF_FLAGS, TCA_BPF_FLAG_ACT_DIRECT);
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

const char *rtnl_device(const struct object *o)
{
	switch (o->kind) {
	case OBJ_LINK:
	case OBJ_LINK_UP:
		return o->link.name;
	case OBJ_ALTNAME:
		return o->altname.dev;
	case OBJ_ADDRESS:
		return o->address.dev;
	case OBJ_ROUTE:
		return o->route.dev;
	case OBJ_NEIGH:
		return o->neigh.dev;
	case OBJ_FDB:
		return o->fdb.dev;
	case OBJ_TC:
		return o->tc.dev;
	case OBJ_NETNS:
	case OBJ_RULE:
	case OBJ_SYSCTL:
	case OBJ_NFT_TABLE:
	case OBJ_NFT_CHAIN:
	case OBJ_NFT_SET:
	case OBJ_NFT_ELEMENT:
	case OBJ_NFT_RULE:
	case OBJ_NFT_ACCEPT:
	case OBJ_KIND_COUNT:
		break;
	}
	return "";
}

void rtnl_encode(struct nl_msg *m, const struct object *o, enum step_action action, int part,
		 const struct rtnl_numbers *n)
{
	switch (o->kind) {
	case OBJ_LINK:
		encode_link(m, &o->link, action, part, n);
		break;
	case OBJ_LINK_UP:
		encode_link_up(m, action, n);
		break;
	case OBJ_ALTNAME:
		encode_altname(m, &o->altname, action, n);
		break;
	case OBJ_ADDRESS:
		encode_address(m, &o->address, action, n);
		break;
	case OBJ_ROUTE:
		encode_route(m, o, action, n);
		break;
	case OBJ_RULE:
		encode_rule(m, &o->rule, action);
		break;
	case OBJ_NEIGH:
		encode_neigh(m, &o->neigh, action, n);
		break;
	case OBJ_FDB:
		encode_fdb(m, &o->fdb, action, n);
		break;
	case OBJ_TC:
		encode_tc(m, &o->tc, action, part, n);
		break;
	case OBJ_NETNS:
	case OBJ_SYSCTL:
	case OBJ_NFT_TABLE:
	case OBJ_NFT_CHAIN:
	case OBJ_NFT_SET:
	case OBJ_NFT_ELEMENT:
	case OBJ_NFT_RULE:
	case OBJ_NFT_ACCEPT:
	case OBJ_KIND_COUNT:
		m->overflow = true; /* not rtnetlink's: a bug, and an error rather than silence */
		break;
	}
}

/* --- dump requests ------------------------------------------------------------------------- */

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

void rtnl_get_link(struct nl_msg *m, const char *name)
{
	nl_msg_start(m, RTM_GETLINK, 0, sizeof(struct ifinfomsg));
	nl_put_str(m, IFLA_IFNAME, name);
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

/* --- decoding ------------------------------------------------------------------------------ */

static void decode_port(const struct nlattr *data, struct rtnl_link *l)
{
	const struct nlattr *tb[IFLA_BRPORT_MAX + 1];

	attrs_in(data, tb, IFLA_BRPORT_MAX);
	l->isolated = u8_of(tb[IFLA_BRPORT_ISOLATED], 0);
	l->learning = u8_of(tb[IFLA_BRPORT_LEARNING], 1);
	l->flood = u8_of(tb[IFLA_BRPORT_UNICAST_FLOOD], 1);
	l->mcast_flood = u8_of(tb[IFLA_BRPORT_MCAST_FLOOD], 1);
	l->bcast_flood = u8_of(tb[IFLA_BRPORT_BCAST_FLOOD], 1);
}

const char *rtnl_next_altname(const struct rtnl_link *l, const char *after)
{
	const struct nlattr *at;
	const char *end, *name;

	if (!l->altnames)
		return NULL;
	end = (const char *)mnl_attr_get_payload(l->altnames) +
	      mnl_attr_get_payload_len(l->altnames);
	at = mnl_attr_get_payload(l->altnames);
	if (after)
		at = mnl_attr_next((const struct nlattr *)(const void *)(after - MNL_ATTR_HDRLEN));
	for (; mnl_attr_ok(at, (int)(end - (const char *)at)); at = mnl_attr_next(at)) {
		if (mnl_attr_get_type(at) != IFLA_ALT_IFNAME ||
		    mnl_attr_validate(at, MNL_TYPE_NUL_STRING) < 0)
			continue;
		name = mnl_attr_get_str(at);
		if (name[0] && strlen(name) < ALTNAME_MAX)
			return name;
	}
	return NULL;
}

/* As far as the kernel tells; what a piece of hardware is, observe() asks sysfs. */
static enum link_medium medium_of(const struct ifinfomsg *ifi, const char *kind)
{
	static const char *const tunnels[] = { "wireguard", "tun",    "ppp",  "ipip", "sit",
					       "gre",       "ip6gre", "xfrm", "vti",  "vti6",
					       "ip6tnl",    "ovpn",   "ipsec" };

	if (ifi->ifi_flags & IFF_LOOPBACK || !strcmp(kind, "vrf"))
		return MEDIUM_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(tunnels); i++)
		if (!strcmp(kind, tunnels[i]))
			return MEDIUM_VPN;
	if (!strcmp(kind, "wwan") || !strcmp(kind, "rmnet") || ifi->ifi_type == ARPHRD_RAWIP)
		return MEDIUM_WWAN;
	if (ifi->ifi_type == ARPHRD_PPP || (ifi->ifi_type == ARPHRD_NONE && kind[0]))
		return MEDIUM_VPN;
	return ifi->ifi_type == ARPHRD_ETHER ? MEDIUM_ETHERNET : MEDIUM_OTHER;
}

int rtnl_decode_link(const struct nlmsghdr *nlh, struct rtnl_link *ret)
{
	const struct nlattr *tb[IFLA_MAX + 1], *info[IFLA_INFO_MAX + 1], *bridge[IFLA_BR_MAX + 1],
		*vrf[IFLA_VRF_MAX + 1];
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	struct rtnl_link l = { 0 };
	struct rtnl_link_stats64 stats;
	char slave[16];

	if (!is_about(nlh, RTM_NEWLINK))
		return 0;
	if (too_short(nlh, sizeof(*ifi)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*ifi), tb, IFLA_MAX);
	if (!tb[IFLA_IFNAME])
		return 0;
	attrs_in(tb[IFLA_LINKINFO], info, IFLA_INFO_MAX);
	l.fact.index = ifi->ifi_index;
	l.fact.flags = ifi->ifi_flags;
	text_of(tb[IFLA_IFNAME], l.fact.name, sizeof(l.fact.name));
	text_of(tb[IFLA_IFALIAS], l.fact.alias, sizeof(l.fact.alias));
	text_of(info[IFLA_INFO_KIND], l.fact.kind, sizeof(l.fact.kind));
	text_of(info[IFLA_INFO_SLAVE_KIND], slave, sizeof(slave));
	mac_of(tb[IFLA_ADDRESS], &l.fact.mac);
	mac_of(tb[IFLA_PERM_ADDRESS], &l.fact.permanent);
	l.altnames = tb[IFLA_PROP_LIST];
	l.fact.medium = medium_of(ifi, l.fact.kind);
	l.fact.mtu = u32_of(tb[IFLA_MTU], 0);
	l.fact.group = u32_of(tb[IFLA_GROUP], 0);
	l.fact.master = (int)u32_of(tb[IFLA_MASTER], 0);
	l.operstate = u8_of(tb[IFLA_OPERSTATE], 0);
	l.nsid = (int)u32_of(tb[IFLA_LINK_NETNSID], UINT32_MAX);
	if (tb[IFLA_STATS64] && mnl_attr_get_payload_len(tb[IFLA_STATS64]) >=
					offsetof(struct rtnl_link_stats64, rx_errors)) {
		size_t len = mnl_attr_get_payload_len(tb[IFLA_STATS64]);

		memcpy(&stats, mnl_attr_get_payload(tb[IFLA_STATS64]),
		       len < sizeof(stats) ? len : sizeof(stats));
		l.fact.rx_bytes = stats.rx_bytes;
		l.fact.tx_bytes = stats.tx_bytes;
	}
	if (!strcmp(slave, "bridge"))
		decode_port(info[IFLA_INFO_SLAVE_DATA], &l);
	if (!strcmp(l.fact.kind, "bridge")) {
		attrs_in(info[IFLA_INFO_DATA], bridge, IFLA_BR_MAX);
		l.group_fwd_mask = u16_of(bridge[IFLA_BR_GROUP_FWD_MASK], 0);
	}
	if (!strcmp(l.fact.kind, "vrf")) {
		attrs_in(info[IFLA_INFO_DATA], vrf, IFLA_VRF_MAX);
		l.fact.vrf_table = u32_of(vrf[IFLA_VRF_TABLE], 0);
	}
	*ret = l;
	return 1;
}

int rtnl_decode_nsid(const struct nlmsghdr *nlh, int *ret)
{
	const struct nlattr *tb[NETNSA_MAX + 1];

	if (nlh->nlmsg_type != RTM_NEWNSID)
		return 0;
	if (too_short(nlh, sizeof(struct rtgenmsg)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(struct rtgenmsg), tb, NETNSA_MAX);
	*ret = (int)u32_of(tb[NETNSA_NSID], UINT32_MAX);
	return 1;
}

int rtnl_decode_addr(const struct nlmsghdr *nlh, struct fact_addr *ret)
{
	const struct ifaddrmsg *ifa = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[IFA_MAX + 1];
	struct fact_addr a = { 0 };

	if (!is_about(nlh, RTM_NEWADDR))
		return 0;
	if (too_short(nlh, sizeof(*ifa)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*ifa), tb, IFA_MAX);
	a.index = (int)ifa->ifa_index;
	a.scope = ifa->ifa_scope;
	a.flags = u32_of(tb[IFA_FLAGS], ifa->ifa_flags);
	a.prefix.len = ifa->ifa_prefixlen;
	/* on a point-to-point device IFA_ADDRESS is the other side (ip-address(8), peer) */
	a.prefix.ip = ip_of(tb[IFA_LOCAL] ? tb[IFA_LOCAL] : tb[IFA_ADDRESS], ifa->ifa_family);
	if (!ip_is_set(&a.prefix.ip))
		return 0;
	if (a.prefix.len > ip_size(&a.prefix.ip) * 8)
		return -EBADMSG;
	*ret = a;
	return 1;
}

/* The hop-th struct rtnexthop of RTA_MULTIPATH, checked; NULL behind the last. */
static const struct rtnexthop *nexthop(const struct nlattr *multipath, int hop)
{
	const char *at = mnl_attr_get_payload(multipath);
	size_t left = mnl_attr_get_payload_len(multipath);

	for (;;) {
		const struct rtnexthop *nh = (const struct rtnexthop *)at;
		size_t len;

		if (left < sizeof(*nh) || nh->rtnh_len < sizeof(*nh) || nh->rtnh_len > left)
			return NULL;
		if (hop-- == 0)
			return nh;
		len = MNL_ALIGN(nh->rtnh_len);
		if (len >= left)
			return NULL;
		at += len;
		left -= len;
	}
}

static void decode_nexthop(const struct rtnexthop *nh, uint8_t family, struct fact_route *r)
{
	const struct nlattr *tb[RTA_MAX + 1];

	attrs_in_bytes((const char *)nh + sizeof(*nh), nh->rtnh_len - sizeof(*nh), tb, RTA_MAX);
	r->index = nh->rtnh_ifindex;
	r->onlink = nh->rtnh_flags & RTNH_F_ONLINK;
	r->dead = nh->rtnh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	r->gateway = tb[RTA_VIA] ? via_of(tb[RTA_VIA]) : ip_of(tb[RTA_GATEWAY], family);
}

/* RFC 4191, section 2.1: two bits with a sign; the reserved value is medium. */
static int8_t preference_of(uint8_t pref)
{
	if (pref == ICMPV6_ROUTER_PREF_HIGH)
		return 1;
	return pref == ICMPV6_ROUTER_PREF_LOW ? -1 : 0;
}

/*
 * A lifetime that is over is told as a negative number until the kernel's next sweep
 * (net/core/rtnetlink.c:rtnl_put_cacheinfo); the unit is a tick of USER_HZ.
 */
static int32_t expires_of(const struct nlattr *attr)
{
	long hz = sysconf(_SC_CLK_TCK);
	struct rta_cacheinfo info;

	if (!attr || mnl_attr_get_payload_len(attr) < sizeof(info) || hz <= 0)
		return 0;
	memcpy(&info, mnl_attr_get_payload(attr), sizeof(info));
	if (info.rta_expires < 0)
		return -1;
	return info.rta_expires ? (int32_t)(info.rta_expires / hz) + 1 : 0;
}

int rtnl_decode_route(const struct nlmsghdr *nlh, int hop, struct fact_route *ret)
{
	const struct nlattr *tb[RTA_MAX + 1], *metrics[RTAX_MAX + 1];
	const struct rtmsg *rtm = mnl_nlmsg_get_payload(nlh);
	struct fact_route r = { 0 };

	if (!is_about(nlh, RTM_NEWROUTE))
		return 0;
	if (too_short(nlh, sizeof(*rtm)))
		return -EBADMSG;
	if (rtm->rtm_family != AF_INET && rtm->rtm_family != AF_INET6)
		return 0;
	attrs_of(nlh, sizeof(*rtm), tb, RTA_MAX);
	r.table = u32_of(tb[RTA_TABLE], rtm->rtm_table);
	r.metric = u32_of(tb[RTA_PRIORITY], 0);
	r.type = rtm->rtm_type;
	r.protocol = rtm->rtm_protocol;
	r.dst.ip = ip_of(tb[RTA_DST], rtm->rtm_family);
	r.dst.ip.family = rtm->rtm_family;
	r.dst.len = rtm->rtm_dst_len;
	if (r.dst.len > ip_size(&r.dst.ip) * 8)
		return -EBADMSG;
	r.onlink = rtm->rtm_flags & RTNH_F_ONLINK;
	r.selects = rtm->rtm_tos || rtm->rtm_src_len;
	r.dead = rtm->rtm_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	r.src = ip_of(tb[RTA_PREFSRC], rtm->rtm_family);
	r.nexthop = u32_of(tb[RTA_NH_ID], 0);
	r.preference = preference_of(u8_of(tb[RTA_PREF], ICMPV6_ROUTER_PREF_MEDIUM));
	r.expires = expires_of(tb[RTA_CACHEINFO]);
	if (tb[RTA_MULTIPATH]) {
		const struct rtnexthop *nh = nexthop(tb[RTA_MULTIPATH], hop);

		if (!nh)
			return 0;
		decode_nexthop(nh, rtm->rtm_family, &r);
	} else {
		if (hop > 0)
			return 0;
		r.index = (int)u32_of(tb[RTA_OIF], 0);
		r.gateway =
			tb[RTA_VIA] ? via_of(tb[RTA_VIA]) : ip_of(tb[RTA_GATEWAY], rtm->rtm_family);
	}
	attrs_in(tb[RTA_METRICS], metrics, RTAX_MAX);
	r.mtu = u32_of(metrics[RTAX_MTU], 0);
	*ret = r;
	return 1;
}

/* Whether a rule asks for something that none of ours asks for, or does something else. */
static bool asks_for_more(const struct fib_rule_hdr *frh, const struct nlattr *const *tb)
{
	static const uint16_t never[] = { FRA_SRC,         FRA_DST,      FRA_GOTO,
					  FRA_FLOW,        FRA_OIFNAME,  FRA_TUN_ID,
					  FRA_UID_RANGE,   FRA_IP_PROTO, FRA_SPORT_RANGE,
					  FRA_DPORT_RANGE, VIA_FRA_DSCP };

	for (size_t i = 0; i < ARRAY_SIZE(never); i++)
		if (tb[never[i]])
			return true;
	return frh->src_len || frh->dst_len || frh->tos || u8_of(tb[FRA_L3MDEV], 0) ||
	       u32_of(tb[FRA_SUPPRESS_IFGROUP], UINT32_MAX) != UINT32_MAX ||
	       u32_of(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX) != UINT32_MAX;
}

int rtnl_decode_rule(const struct nlmsghdr *nlh, struct obj_rule *ret, uint8_t *protocol)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[VIA_FRA_MAX + 1];
	struct obj_rule r = { 0 };
	size_t action = 0;

	if (!is_about(nlh, RTM_NEWRULE))
		return 0;
	if (too_short(nlh, sizeof(*frh)))
		return -EBADMSG;
	while (action < ARRAY_SIZE(rule_actions) && rule_actions[action] != frh->action)
		action++;
	if (action == ARRAY_SIZE(rule_actions))
		return 0;
	attrs_of(nlh, sizeof(*frh), tb, VIA_FRA_MAX);
	if (asks_for_more(frh, tb))
		return 0;
	r.family = frh->family;
	r.action = (enum rule_action)action;
	r.not_iif = frh->flags & FIB_RULE_INVERT;
	r.priority = u32_of(tb[FRA_PRIORITY], 0);
	r.mark = u32_of(tb[FRA_FWMARK], 0);
	r.mask = tb[FRA_FWMARK] ? u32_of(tb[FRA_FWMASK], UINT32_MAX) : 0;
	text_of(tb[FRA_IIFNAME], r.iif, sizeof(r.iif));
	if (r.action == RULE_LOOKUP)
		r.table = u32_of(tb[FRA_TABLE], frh->table);
	*protocol = u8_of(tb[FRA_PROTOCOL], 0);
	*ret = r;
	return 1;
}

int rtnl_decode_neigh(const struct nlmsghdr *nlh, int *index, uint16_t *state, struct ip *ip,
		      struct mac *mac)
{
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];

	if (!is_about(nlh, RTM_NEWNEIGH))
		return 0;
	if (too_short(nlh, sizeof(*ndm)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*ndm), tb, NDA_MAX);
	if (!mac_of(tb[NDA_LLADDR], mac)) {
		if (nlh->nlmsg_type != RTM_DELNEIGH)
			return 0;
		*mac = (struct mac){ 0 }; /* one that goes has failed before */
	}
	*index = ndm->ndm_ifindex;
	*state = ndm->ndm_state;
	*ip = ip_of(tb[NDA_DST], ndm->ndm_family);
	return 1;
}

int rtnl_decode_filter(const struct nlmsghdr *nlh, struct obj_tc *ret)
{
	const struct nlattr *tb[TCA_MAX + 1], *options[TCA_BPF_MAX + 1];
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	struct sock_filter seen[5], wanted[5];
	struct obj_tc t = { 0 };
	char kind[16];

	if (!is_about(nlh, RTM_NEWTFILTER))
		return 0;
	if (too_short(nlh, sizeof(*tcm)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*tcm), tb, TCA_MAX);
	text_of(tb[TCA_KIND], kind, sizeof(kind));
	if (strcmp(kind, "bpf") || tcm->tcm_handle != 1)
		return 0;
	attrs_in(tb[TCA_OPTIONS], options, TCA_BPF_MAX);
	if (!options[TCA_BPF_OPS] ||
	    mnl_attr_get_payload_len(options[TCA_BPF_OPS]) != sizeof(seen) ||
	    !(u32_of(options[TCA_BPF_FLAGS], 0) & TCA_BPF_FLAG_ACT_DIRECT))
		return 0;
	memcpy(seen, mnl_attr_get_payload(options[TCA_BPF_OPS]), sizeof(seen));
	t.mask = seen[1].k;
	t.mark = seen[2].k;
	guard_program(&t, wanted);
	if (memcmp(seen, wanted, sizeof(seen)))
		return 0;
	*ret = t;
	return 1;
}
