/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Routes of a nexthop object (ip-nexthop(8)) tell its device and gateway themselves, unless
 * net.ipv4.nexthop_compat_mode is 0: then they name the object alone.
 */
#include "net/nexthops.h"

#include <errno.h>
#include <linux/rtnetlink.h>

#include "base/vec.h"

static const struct rtnl_nexthop *find(const struct rtnl_nexthop *v, size_t n, uint32_t id)
{
	for (size_t i = 0; i < n; i++)
		if (v[i].id == id)
			return &v[i];
	return NULL;
}

static bool is_unresolved(const struct fact_route *r)
{
	return r->nexthop && !r->index && r->type == RTN_UNICAST;
}

bool nexthops_needed(const struct facts *f)
{
	for (size_t i = 0; i < f->routes.n; i++)
		if (is_unresolved(&f->routes.v[i]))
			return true;
	return false;
}

static void take(struct fact_route *r, const struct rtnl_nexthop *hop)
{
	r->index = hop->index;
	r->gateway = hop->gateway;
	r->onlink = hop->onlink;
	r->dead |= hop->dead;
	if (hop->blackhole)
		r->type = RTN_BLACKHOLE;
}

int nexthops_resolve(struct facts *f, const struct rtnl_nexthop *v, size_t n)
{
	size_t routes = f->routes.n;

	for (size_t i = 0; i < routes; i++) {
		const struct fact_route route = f->routes.v[i];
		const struct rtnl_nexthop *hop = find(v, n, route.nexthop), *member;
		size_t taken = 0;

		if (!is_unresolved(&route) || !hop)
			continue;
		if (!hop->n_members)
			take(&f->routes.v[i], hop);
		for (size_t k = 0; k < hop->n_members; k++) {
			struct fact_route *to = &f->routes.v[i];

			member = find(v, n, hop->members[k]);
			if (!member)
				continue;
			if (taken++) {
				to = VEC_PUSH(&f->routes);
				if (!to)
					return -ENOMEM;
				*to = route;
			}
			take(to, member);
		}
	}
	return 0;
}
