/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel takes a route through a gateway when the route's own table, or else the rules of the
 * host, lead to the gateway on the link (net/ipv4/fib_semantics.c:fib_check_nh_v4_gw,
 * net/ipv6/route.c:ip6_route_check_nh). It asks the rules without a source address. On a host where
 * a rule leads to a table with a default route alone, or where a rule for the source leads to the
 * only table with the uplink's network, they do not: our table then has the gateway itself, as a
 * host on the link. The flag `onlink` would not do: IPv6 refuses it where table main leads to that
 * network by another card.
 */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/vec.h"
#include "model/own.h"
#include "plan/internal.h"

struct gateways {
	struct ip *v;
	size_t n, size;
};

/* A route for the longest prefix that holds an address, or NULL. */
static const struct out_route *lookup(const struct out_routes *r, const struct ip *ip)
{
	struct prefix wanted = { .ip = *ip };

	for (int len = (int)ip_size(ip) * 8; len >= 0 && r->n; len--) {
		const struct out_route *found;

		wanted.len = (uint8_t)len;
		wanted = prefix_masked(&wanted);
		found = bsearch(&wanted, r->v, r->n, sizeof(*r->v), prefix_compare);
		if (found)
			return found;
	}
	return NULL;
}

static bool is_on_link_in_main(const struct facts *f, int index, const struct ip *ip)
{
	const struct fact_route *r = NULL;

	while ((r = facts_next_route(f, index, r)))
		if (r->table == RT_TABLE_MAIN && r->type == RTN_UNICAST && r->dst.len &&
		    !ip_is_set(&r->gateway) && prefix_contains(&r->dst, ip))
			return true;
	return false;
}

/* Whether the kernel asks for the gateway of a route at all. */
static bool is_checked(const struct out_route *r)
{
	const struct ip *gateway = &r->gateway;

	return !r->stop && !r->onlink && ip_is_set(gateway) &&
	       gateway->family == r->dst.ip.family &&
	       !(gateway->family == AF_INET6 && ip_is_link_local(gateway));
}

static bool is_known(const struct gateways *g, const struct ip *gateway)
{
	for (size_t i = g->n; i-- > 0;)
		if (ip_equal(&g->v[i], gateway))
			return true;
	return false;
}

bool plan_is_gateway_of_host(const struct facts *f, const struct ip *gateway)
{
	return gateway->family == AF_INET6 && !ip_is_link_local(gateway) &&
	       facts_has_address(f, gateway);
}

bool plan_has_route(const struct facts *f, const struct object *route)
{
	const struct object *have = set_find(&f->ours, route);

	return have && ip_equal(&have->route.gateway, &route->route.gateway);
}

void plan_gateways(const struct plan_ctx *x, const struct ctx_slot *slot, const struct prefix *pool,
		   const struct out_routes *routes)
{
	struct gateways known = { 0 };

	for (size_t i = 0; i < routes->n; i++) {
		const struct out_route *r = &routes->v[i], *to;
		struct object o = plan_object(OBJ_ROUTE, PLACE_HOST);
		struct ip *added;

		if (!is_checked(r) || is_known(&known, &r->gateway) ||
		    prefix_contains(pool, &r->gateway))
			continue;
		added = VEC_PUSH(&known);
		if (!added) {
			x->set->failed = true;
			break;
		}
		*added = r->gateway;
		to = lookup(routes, added);
		if (to && !to->stop && !ip_is_set(&to->gateway) &&
		    is_on_link_in_main(x->facts, slot->uplink.link->index, added))
			continue;
		o.route.table = OWN_TABLE_BASE + slot->id.slot;
		o.route.dst.ip = *added;
		o.route.dst.len = (uint8_t)(ip_size(added) * 8);
		o.route.metric = OWN_METRIC_GATEWAY;
		snprintf(o.route.dev, sizeof(o.route.dev), "%s", slot->id.uplink);
		o.route.index = slot->uplink.link->index;
		set_add(x->set, &o);
	}
	VEC_DONE(&known);
}
