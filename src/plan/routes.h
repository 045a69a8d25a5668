/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_ROUTES_H
#define VIA_PLAN_ROUTES_H

#include "model/facts.h"

/*
 * Which routes the host itself would use for a packet of a socket that is bound to an interface:
 * what `ip route get DESTINATION oif INTERFACE` answers for every destination. The kernel asks its
 * rules in order, looks into the table of each that matches, and takes the longest prefix there
 * that leads out of the interface or stops (net/ipv4/fib_rules.c:fib4_rule_action,
 * net/ipv4/fib_trie.c:fib_table_lookup). A rule for a source address counts where the interface has
 * that address: connect(2) asks once more when it has chosen one (net/ipv4/route.h:
 * ip_route_connect). A rule that asks for a port, a protocol, a user or a TOS value does not count.
 *
 * A route that stops or passes on counts in both families. In IPv6 the kernel passes over it when a
 * socket is bound to a device (net/ipv6/route.c:rt6_score_route: its device is lo); whoever wrote
 * it meant all traffic of the host.
 *
 * Of several routes for one destination the kernel uses the one with the smallest metric, and in
 * IPv6 passes over one whose gateway does not answer; in IPv4 it does so only among routes of one
 * metric, and not for a socket that is bound to a device
 * (net/ipv4/fib_semantics.c:fib_select_path). Here a silent gateway comes behind the others in both
 * families, until it answers: a session can do nothing else than go by the next one. Where all are
 * silent, they keep their order.
 *
 * Where no rule leads to a default route, a table that no rule leads to serves for it: network
 * managers put the routes of a spare card there, and scripts that mark packets.
 */

/* A route that leads out of the interface, or stops. */
struct out_route {
	struct prefix dst;
	uint8_t stop;      /* RTN_UNREACHABLE, _PROHIBIT, _BLACKHOLE; 0: it leads out */
	uint32_t order;    /* among those for the same destination: 0 is used first */
	bool silent;       /* its gateway does not answer: others are used before it */
	struct ip gateway; /* none: the destination is on the link */
	bool onlink;
	struct ip src; /* preferred source, or none */
	uint32_t mtu;  /* 0: the device's */
};

struct out_routes {
	struct out_route *v;
	size_t n, size;
};

/*
 * The routes of one family, sorted by destination, shorter prefixes first; one that says what the
 * next shorter prefix says too is left out. ret is to be given to out_routes_done(). 0 or -ENOMEM.
 */
int out_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
	       struct out_routes *ret);
void out_routes_done(struct out_routes *r);
#define _cleanup_out_routes_ __attribute__((cleanup(out_routes_done)))

/*
 * The same as if every gateway answered: the order that the host's own table has.
 */
int out_routes_in_order(const struct facts *f, const struct fact_link *link, uint8_t family,
			struct out_routes *ret);

/* Whether a route can count for an interface: it is the host's, its device is up, it has time left.
 */
bool out_route_counts(const struct fact_route *r, const struct fact_link *link, uint8_t family);

/*
 * The default route among them, without making the list: of 0.0.0.0/1 and 128.0.0.0/1 (::/1 and
 * 8000::/1), which together are one, the first. NULL when there is none, or it stops; borrowed from
 * the facts.
 */
const struct fact_route *out_default(const struct facts *f, const struct fact_link *link,
				     uint8_t family);

/* The one that would be, if every gateway answered. */
const struct fact_route *out_default_in_order(const struct facts *f, const struct fact_link *link,
					      uint8_t family);

#endif
