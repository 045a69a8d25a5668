/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_RTNL_H
#define VIA_NET_RTNL_H

#include "model/diff.h"
#include "model/facts.h"
#include "net/nl.h"

/*
 * rtnetlink (rtnetlink(7), linux/rtnetlink.h): objects to messages, messages to facts. One
 * function fills the message for making and for removing. No sockets here: bytes only.
 */

/* Numbers that stand for the names in an object, in the netns where the message goes. */
struct rtnl_numbers {
	int dev, master;
	int netns; /* descriptor of the session's netns, for a veth's other end */
};

/*
 * The message of one step on one object: link, address, route, rule, neighbour, FDB entry, tc,
 * qdisc.
 * A link takes two (the kernel ignores an alias in the creating one): part 0 and 1; tc too.
 */
int rtnl_parts(const struct object *o, enum step_action action);
void rtnl_encode(struct nl_msg *m, const struct object *o, enum step_action action, int part,
		 const struct rtnl_numbers *n);

/* Of a link that differs in its alias alone: one message, that touches nothing else. */
void rtnl_encode_alias(struct nl_msg *m, const struct obj_link *l, const struct rtnl_numbers *n);

/* The device whose number rtnl_encode() wants, or "" . */
const char *rtnl_device(const struct object *o);

/* Dump requests. */
void rtnl_dump_links(struct nl_msg *m, bool counters);
void rtnl_dump_addrs(struct nl_msg *m);
void rtnl_dump_routes(struct nl_msg *m, uint8_t family);
void rtnl_dump_rules(struct nl_msg *m, uint8_t family);
void rtnl_dump_neighs(struct nl_msg *m, uint8_t family, int index);
/* One neighbour; and to have it asked as a packet to it would (NTF_USE). */
void rtnl_get_neigh(struct nl_msg *m, int index, const struct ip *ip);
void rtnl_use_neigh(struct nl_msg *m, int index, const struct ip *ip);
void rtnl_dump_fdb(struct nl_msg *m, int bridge);
void rtnl_dump_filters(struct nl_msg *m, int index);
/* The root qdisc of a device, not a dump: one answer, -ENOENT where it has none of its own. */
void rtnl_get_root_qdisc(struct nl_msg *m, int index);
/*
 * A token bucket without its parameters, which no kernel makes: -ENOENT from one that has none (no
 * sch_tbf), -EINVAL from all others (net/sched/sch_tbf.c:tbf_init).
 */
void rtnl_ask_for_shaper(struct nl_msg *m, int index);
void rtnl_get_link_counters(struct nl_msg *m, const char *name);
void rtnl_get_link(struct nl_msg *m, const char *name);
void rtnl_get_link_by_index(struct nl_msg *m, int index);
/* What number the netns where it is sent has for another one, by a descriptor. */
void rtnl_get_nsid(struct nl_msg *m, int netns);

/*
 * Decoders: 1 when *ret was filled, 0 for a message of another kind or of no interest, -EBADMSG.
 * They take RTM_NEW… and RTM_DEL… alike; dumps hold the first, events both.
 */
struct rtnl_link {
	struct fact_link fact;         /* without its altnames */
	const struct nlattr *altnames; /* IFLA_PROP_LIST, in the message; NULL: none */
	bool isolated, learning, flood, mcast_flood, bcast_flood; /* of a bridge port */
	uint16_t group_fwd_mask;                                  /* of a bridge */
	uint8_t operstate;                                        /* IF_OPER_* of RFC 2863 */
	int nsid; /* of the netns where its other end is; -1: in this one, or not told */
};
int rtnl_decode_link(const struct nlmsghdr *nlh, struct rtnl_link *ret);
/*
 * The next altname behind `after`, in the message; the first behind NULL, NULL behind the last. As
 * long as the message is there.
 */
const char *rtnl_next_altname(const struct rtnl_link *l, const char *after);
int rtnl_decode_nsid(const struct nlmsghdr *nlh, int *ret); /* -1: it has none */
int rtnl_decode_addr(const struct nlmsghdr *nlh, struct fact_addr *ret);
/* Each next hop of a multipath route is a route of its own: call with *hop = 0, 1, … */
int rtnl_decode_route(const struct nlmsghdr *nlh, int hop, struct fact_route *ret);
/* A rule that matches more than ours do is of no interest, whatever its protocol. */
int rtnl_decode_rule(const struct nlmsghdr *nlh, struct obj_rule *ret, uint8_t *protocol);

/* Any rule, whatever its action and protocol (rtnl_host.c); own_is_rule() says which are ours. */
#define VIA_FRA_DSCP 25 /* FRA_DSCP of linux/fib_rules.h, which came with 6.13 */
#define VIA_FRA_MAX  31
int rtnl_decode_host_rule(const struct nlmsghdr *nlh, struct fact_rule *ret);

/* A nexthop object (ip-nexthop(8)), or a group of them: then it has members and no device. */
#define NEXTHOP_MEMBERS_MAX 32
struct rtnl_nexthop {
	uint32_t id;
	int index;
	struct ip gateway;
	bool onlink, dead, blackhole;
	uint32_t members[NEXTHOP_MEMBERS_MAX];
	size_t n_members;
};
void rtnl_dump_nexthops(struct nl_msg *m);
int rtnl_decode_nexthop(const struct nlmsghdr *nlh, struct rtnl_nexthop *ret);

/* *mac is zero where the kernel says none: of an entry that is not resolved, or has failed. */
int rtnl_decode_neigh(const struct nlmsghdr *nlh, int *index, uint16_t *state, struct ip *ip,
		      struct mac *mac);
/* The same for any neighbour: whether it answers. */
int rtnl_decode_gateway(const struct nlmsghdr *nlh, struct fact_gateway *ret);
int rtnl_decode_filter(const struct nlmsghdr *nlh, struct obj_tc *ret);
/* A token bucket as ours are; without the name of its device, and its burst. */
int rtnl_decode_qdisc(const struct nlmsghdr *nlh, struct obj_qdisc *ret);

#endif
