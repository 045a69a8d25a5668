/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_LOOKUPS_H
#define VIA_PLAN_LOOKUPS_H

#include "model/facts.h"

/*
 * Which tables the host looks into for a packet of its own out of an interface, without a mark
 * (net/core/fib_rules.c); shared by routes.c, which makes one table of them, and by what asks for
 * the default route alone. plan/routes.h is for all others.
 */

/* One step of the host's lookup. */
struct lookup {
	uint32_t table; /* 0: none, the rule itself stops */
	uint8_t stop;
	int suppress;
	struct prefix within; /* len 0: for all destinations */
};

struct lookups {
	struct lookup *v;
	size_t n, size;
};

/* In the order of the rules. Returns 0 or -ENOMEM. */
int lookups_find(const struct facts *f, const struct fact_link *link, uint8_t family,
		 struct lookups *ret);
int lookups_add(struct lookups *l, uint32_t table, uint8_t stop, int suppress,
		const struct prefix *within);

/* Whether a route stops or passes on whatever interface is asked for. */
bool route_is_special(uint8_t type);

/* All routes that can count for an interface: its own, then those that stop. In no order. */
const struct fact_route *lookups_next_route(const struct facts *f, const struct fact_link *link,
					    const struct fact_route *after);

/* The best default route in a table that no rule leads to; or NULL. */
const struct fact_route *lookups_unreached_default(const struct facts *f, const struct lookups *l,
						   const struct fact_link *link, uint8_t family);

#endif
