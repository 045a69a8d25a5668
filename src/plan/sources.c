/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/sources.h"

#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void add(struct uplink_sources *s, const struct prefix *to, const struct ip *source)
{
	if (s->n == UPLINK_SOURCES_MAX)
		return;
	s->v[s->n].to = *to;
	s->v[s->n++].source = *source;
}

static int by_length(const void *x, const void *y)
{
	const struct prefix *a = x, *b = y; /* the first member of each */

	return (a->len > b->len) - (a->len < b->len);
}

void uplink_sources(const struct facts *f, const struct uplink *u, const struct out_routes *routes,
		    uint8_t family, struct uplink_sources *ret)
{
	const struct way_out *way = family == AF_INET ? &u->ip4 : &u->ip6;
	const struct prefix all = { .ip.family = family };

	ret->n = 0;
	if (u->problem != UPLINK_USABLE || !way->usable)
		return;
	if (ip_is_set(&way->source))
		add(ret, &all, &way->source);
	for (size_t i = 0; i < routes->n; i++) {
		const struct out_route *r = &routes->v[i];
		const struct ip *next_hop = ip_is_set(&r->gateway) ? &r->gateway : &r->dst.ip;

		if (r->stop || r->order || !r->dst.len || !ip_is_set(&r->src) ||
		    !facts_has_address(f, &r->src))
			continue;
		/* a route without a source of its own must not get that of the default route */
		if (ip_is_set(&way->source)
			    ? !ip_equal(&r->src, &way->source)
			    : !uplink_masquerades_as(f, u->link->index, next_hop, &r->src))
			add(ret, &r->dst, &r->src);
	}
	qsort(ret->v, ret->n, sizeof(ret->v[0]), by_length);
}
