/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Decoding what is not ours and decides where the host would send a packet: its rules, and the
 * neighbour entries of gateways.
 */
#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/neighbour.h>
#include <linux/nexthop.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "net/attr.h"
#include "net/rtnl.h"

static bool asks_more(const struct nlattr **tb, uint8_t tos)
{
	static const uint16_t special[] = {
		FRA_UID_RANGE,   FRA_IP_PROTO, FRA_SPORT_RANGE,
		FRA_DPORT_RANGE, FRA_TUN_ID,   VIA_FRA_DSCP,
	};

	for (size_t i = 0; i < ARRAY_SIZE(special); i++)
		if (tb[special[i]])
			return true;
	return tos;
}

int rtnl_decode_host_rule(const struct nlmsghdr *nlh, struct fact_rule *ret)
{
	const struct fib_rule_hdr *frh = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[VIA_FRA_MAX + 1];
	struct fact_rule r = { 0 };

	if (!is_about(nlh, RTM_NEWRULE))
		return 0;
	if (too_short(nlh, sizeof(*frh)))
		return -EBADMSG;
	if (frh->family != AF_INET && frh->family != AF_INET6)
		return 0;
	attrs_of(nlh, sizeof(*frh), tb, VIA_FRA_MAX);
	r.family = frh->family;
	r.action = frh->action;
	r.priority = u32_of(tb[FRA_PRIORITY], 0);
	r.table = u32_of(tb[FRA_TABLE], frh->table);
	r.target = u32_of(tb[FRA_GOTO], 0);
	r.src.ip = ip_of(tb[FRA_SRC], frh->family);
	r.src.len = frh->src_len;
	r.dst.ip = ip_of(tb[FRA_DST], frh->family);
	r.dst.len = frh->dst_len;
	r.src.ip.family = r.dst.ip.family = frh->family;
	if (r.src.len > ip_size(&r.src.ip) * 8 || r.dst.len > ip_size(&r.dst.ip) * 8)
		return -EBADMSG;
	text_of(tb[FRA_IIFNAME], r.iif, sizeof(r.iif));
	text_of(tb[FRA_OIFNAME], r.oif, sizeof(r.oif));
	r.mark = u32_of(tb[FRA_FWMARK], 0);
	r.mask = tb[FRA_FWMARK] || tb[FRA_FWMASK] ? u32_of(tb[FRA_FWMASK], UINT32_MAX) : 0;
	r.invert = frh->flags & FIB_RULE_INVERT;
	r.l3mdev = u8_of(tb[FRA_L3MDEV], 0);
	r.special = asks_more(tb, frh->tos);
	r.suppress = (int)u32_of(tb[FRA_SUPPRESS_PREFIXLEN], UINT32_MAX);
	*ret = r;
	return 1;
}

void rtnl_dump_nexthops(struct nl_msg *m)
{
	nl_msg_start(m, RTM_GETNEXTHOP, 0, sizeof(struct nhmsg));
}

int rtnl_decode_nexthop(const struct nlmsghdr *nlh, struct rtnl_nexthop *ret)
{
	const struct nhmsg *nhm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NHA_MAX + 1];
	struct rtnl_nexthop n = { 0 };

	if (!is_about(nlh, RTM_NEWNEXTHOP))
		return 0;
	if (too_short(nlh, sizeof(*nhm)))
		return -EBADMSG;
	attrs_of(nlh, sizeof(*nhm), tb, NHA_MAX);
	n.id = u32_of(tb[NHA_ID], 0);
	if (!n.id)
		return -EBADMSG;
	n.index = (int)u32_of(tb[NHA_OIF], 0);
	n.gateway = ip_of(tb[NHA_GATEWAY], nhm->nh_family);
	n.onlink = nhm->nh_flags & RTNH_F_ONLINK;
	n.dead = nhm->nh_flags & (RTNH_F_DEAD | RTNH_F_LINKDOWN);
	n.blackhole = tb[NHA_BLACKHOLE];
	if (tb[NHA_GROUP]) {
		const struct nexthop_grp *member = mnl_attr_get_payload(tb[NHA_GROUP]);
		size_t members = mnl_attr_get_payload_len(tb[NHA_GROUP]) / sizeof(*member);

		for (size_t i = 0; i < members && n.n_members < ARRAY_SIZE(n.members); i++)
			n.members[n.n_members++] = member[i].id;
	}
	*ret = n;
	return 1;
}

static void about_neigh(struct nl_msg *m, uint16_t type, uint16_t flags, uint8_t use, int index,
			const struct ip *ip)
{
	struct ndmsg *ndm = nl_msg_start(m, type, flags, sizeof(*ndm));

	ndm->ndm_family = ip->family;
	ndm->ndm_ifindex = index;
	ndm->ndm_flags = use;
	nl_put_ip(m, NDA_DST, ip);
}

void rtnl_get_neigh(struct nl_msg *m, int index, const struct ip *ip)
{
	about_neigh(m, RTM_GETNEIGH, 0, 0, index, ip);
}

void rtnl_use_neigh(struct nl_msg *m, int index, const struct ip *ip)
{
	about_neigh(m, RTM_NEWNEIGH, NLM_F_CREATE, NTF_USE, index, ip);
}

int rtnl_decode_gateway(const struct nlmsghdr *nlh, struct fact_gateway *ret)
{
	/* NUD_VALID of net/neighbour.h */
	const uint16_t valid =
		NUD_PERMANENT | NUD_NOARP | NUD_REACHABLE | NUD_PROBE | NUD_STALE | NUD_DELAY;
	const struct ndmsg *ndm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NDA_MAX + 1];
	struct fact_gateway g = { .asked = true };

	if (!is_about(nlh, RTM_NEWNEIGH))
		return 0;
	if (too_short(nlh, sizeof(*ndm)))
		return -EBADMSG;
	if (ndm->ndm_family != AF_INET && ndm->ndm_family != AF_INET6)
		return 0;
	attrs_of(nlh, sizeof(*ndm), tb, NDA_MAX);
	g.index = ndm->ndm_ifindex;
	g.ip = ip_of(tb[NDA_DST], ndm->ndm_family);
	if (nlh->nlmsg_type == RTM_NEWNEIGH && ndm->ndm_state & NUD_FAILED)
		g.state = GATEWAY_FAILED;
	else if (nlh->nlmsg_type == RTM_NEWNEIGH && ndm->ndm_state & valid)
		g.state = GATEWAY_ANSWERS;
	*ret = g;
	return 1;
}
