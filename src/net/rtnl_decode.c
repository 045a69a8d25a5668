/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/rtnl_internal.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/filter.h>
#include <linux/icmpv6.h>
#include <linux/if_addr.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/net_namespace.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "net/attr.h"

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

/* The kind as far as netlink has it; of hardware observe() reads it in sysfs. */
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
	l.fact.peer = (int)u32_of(tb[IFLA_LINK], 0);
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
 * Until the kernel's next garbage collection an expired lifetime is dumped as a negative number
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

/* Whether a rule has a match or an action that none of ours has. */
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
	while (action < RULE_ACTION_COUNT && rtnl_rule_actions[action] != frh->action)
		action++;
	if (action == RULE_ACTION_COUNT)
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
	if (!mac_of(tb[NDA_LLADDR], mac))
		*mac = (struct mac){ 0 };
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
	rtnl_guard_program(&t, wanted);
	if (memcmp(seen, wanted, sizeof(seen)))
		return 0;
	*ret = t;
	return 1;
}

int rtnl_decode_qdisc(const struct nlmsghdr *nlh, struct obj_qdisc *ret)
{
	const struct nlattr *tb[TCA_MAX + 1], *options[TCA_TBF_MAX + 1];
	const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
	struct tc_tbf_qopt qopt;
	char kind[16];

	if (!is_about(nlh, RTM_NEWQDISC))
		return 0;
	if (too_short(nlh, sizeof(*tcm)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*tcm), tb, TCA_MAX);
	text_of(tb[TCA_KIND], kind, sizeof(kind));
	if (strcmp(kind, "tbf") || tcm->tcm_handle != QDISC_HANDLE || tcm->tcm_parent != TC_H_ROOT)
		return 0;
	attrs_in(tb[TCA_OPTIONS], options, TCA_TBF_MAX);
	if (!options[TCA_TBF_PARMS] ||
	    mnl_attr_get_payload_len(options[TCA_TBF_PARMS]) != sizeof(qopt))
		return 0;
	memcpy(&qopt, mnl_attr_get_payload(options[TCA_TBF_PARMS]), sizeof(qopt));
	if (qopt.peakrate.rate || options[TCA_TBF_RATE64])
		return 0;
	*ret = (struct obj_qdisc){ .rate = qopt.rate.rate, .limit = qopt.limit };
	return 1;
}
