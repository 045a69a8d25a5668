/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/lookups.h"

#include <errno.h>
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"
#include "model/own.h"
#include "plan/routes.h"

static bool has_address(const struct facts *f, int index, const struct prefix *p)
{
	const struct fact_addr *a = NULL;

	while ((a = facts_next_addr(f, index, a)))
		if (a->prefix.ip.family == p->ip.family && prefix_contains(p, &a->prefix.ip))
			return true;
	return false;
}

/* The table of the VRF that the interface belongs to; 0: of none. */
static uint32_t vrf_table(const struct facts *f, const struct fact_link *link)
{
	const struct fact_link *vrf = facts_vrf(f, link);

	return vrf ? vrf->vrf_table : 0;
}

/* net/core/fib_rules.c:fib_rule_match, for a packet of this host without a mark. */
static bool rule_matches(const struct facts *f, const struct fact_link *link,
			 const struct fact_rule *r)
{
	bool match = (!r->iif[0] || !strcmp(r->iif, "lo")) &&
		     (!r->oif[0] || !strcmp(r->oif, link->name)) && !(r->mark & r->mask) &&
		     (!r->l3mdev || vrf_table(f, link)) &&
		     (!r->src.len || has_address(f, link->index, &r->src));

	return !r->special && match != r->invert;
}

int lookups_add(struct lookups *l, uint32_t table, uint8_t stop, int suppress,
		const struct prefix *within)
{
	struct lookup *added = VEC_PUSH(l);

	if (!added)
		return -ENOMEM;
	*added = (struct lookup){
		.table = table, .stop = stop, .suppress = suppress, .within = *within
	};
	return 0;
}

static uint8_t stop_of(uint8_t action)
{
	switch (action) {
	case FR_ACT_BLACKHOLE:
		return RTN_BLACKHOLE;
	case FR_ACT_PROHIBIT:
		return RTN_PROHIBIT;
	case FR_ACT_UNREACHABLE:
		return RTN_UNREACHABLE;
	default:
		return 0;
	}
}

int lookups_find(const struct facts *f, const struct fact_link *link, uint8_t family,
		 struct lookups *ret)
{
	const struct prefix all = { .ip.family = family };
	uint32_t skip_to = 0; /* the target of a goto */
	bool any = false;
	int r = 0;

	for (size_t i = 0; i < f->rules.n && r == 0; i++) {
		const struct fact_rule *rule = &f->rules.v[i];
		uint8_t stop = stop_of(rule->action);

		if (rule->family != family)
			continue;
		any = true;
		if (rule->priority < skip_to || !rule_matches(f, link, rule))
			continue;
		if (rule->action == FR_ACT_GOTO && rule->target > rule->priority)
			skip_to = rule->target;
		else if (rule->action == FR_ACT_TO_TBL)
			r = lookups_add(ret, rule->l3mdev ? vrf_table(f, link) : rule->table, 0,
					rule->suppress, &rule->dst);
		else if (stop)
			r = lookups_add(ret, 0, stop, -1, &rule->dst);
	}
	if (!any) { /* a kernel without policy routing */
		r = lookups_add(ret, RT_TABLE_MAIN, 0, -1, &all);
		if (r == 0)
			r = lookups_add(ret, RT_TABLE_DEFAULT, 0, -1, &all);
	}
	return r;
}

bool route_is_special(uint8_t type)
{
	return type == RTN_UNREACHABLE || type == RTN_PROHIBIT || type == RTN_BLACKHOLE ||
	       type == RTN_THROW;
}

const struct fact_route *lookups_next_route(const struct facts *f, const struct fact_link *link,
					    const struct fact_route *after)
{
	const struct fact_route *r = after;

	if (!after || !route_is_special(after->type)) {
		do
			r = facts_next_route(f, link->index, r);
		while (r && route_is_special(r->type));
		if (r)
			return r;
		after = NULL;
	}
	return facts_next_stop(f, after);
}

bool out_route_counts(const struct fact_route *r, const struct fact_link *link, uint8_t family)
{
	if (r->dst.ip.family != family || own_is_route(r) || r->expires < 0)
		return false;
	if (route_is_special(r->type))
		return true;
	/* nothing is forwarded to link-local destinations of IPv6 (net/ipv6/route.c:
	 * ip6_route_input_lookup asks for a route of the interface where the packet came in) */
	return r->type == RTN_UNICAST && r->index == link->index && !r->dead &&
	       !(family == AF_INET6 && r->dst.len && ip_is_link_local(&r->dst.ip));
}

static bool is_looked_up(const struct lookups *l, uint32_t table)
{
	for (size_t i = 0; i < l->n; i++)
		if (l->v[i].table == table && !l->v[i].within.len)
			return true;
	return false;
}

const struct fact_route *lookups_unreached_default(const struct facts *f, const struct lookups *l,
						   const struct fact_link *link, uint8_t family)
{
	const struct fact_route *best = NULL, *r = NULL;

	while ((r = facts_next_route(f, link->index, r)))
		if (!r->dst.len && r->type == RTN_UNICAST && out_route_counts(r, link, family) &&
		    !is_looked_up(l, r->table) && facts_is_better_route(r, best))
			best = r;
	return best;
}

/* What one table says of all destinations. */
struct answer {
	const struct fact_route *whole, *halves[2];
};

static void follow_rules(const struct facts *f, const struct fact_link *link, uint8_t family,
			 const struct lookup *l, struct answer *ret)
{
	for (const struct fact_route *r = NULL, **to; (r = lookups_next_route(f, link, r));) {
		if (r->table != l->table || r->dst.len > 1 || (int)r->dst.len <= l->suppress ||
		    !out_route_counts(r, link, family))
			continue;
		to = r->dst.len ? &ret->halves[r->dst.ip.bytes[0] >> 7] : &ret->whole;
		if (facts_is_better_route(r, *to))
			*to = r;
	}
}

static bool leads_out(const struct fact_route *r)
{
	return r && r->type == RTN_UNICAST;
}

const struct fact_route *out_default_in_order(const struct facts *f, const struct fact_link *link,
					      uint8_t family)
{
	struct lookups lookups = { 0 };
	const struct fact_route *found = NULL;
	bool ended = lookups_find(f, link, family, &lookups) < 0;

	for (size_t i = 0; i < lookups.n && !ended && !found; i++) {
		const struct lookup *l = &lookups.v[i];
		struct answer a = { 0 };

		if (l->within.len)
			continue;
		ended = l->stop;
		if (ended)
			break;
		follow_rules(f, link, family, l, &a);
		if (leads_out(a.halves[0]) && leads_out(a.halves[1]))
			found = a.halves[0];
		else if (leads_out(a.whole))
			found = a.whole;
		else if (a.whole)
			ended = a.whole->type != RTN_THROW;
	}
	if (!found && !ended)
		found = lookups_unreached_default(f, &lookups, link, family);
	VEC_DONE(&lookups);
	return found;
}

/* As keep_group(): the first one whose gateway answers, before any that stops; else the first. */
const struct fact_route *out_default(const struct facts *f, const struct fact_link *link,
				     uint8_t family)
{
	const struct fact_route *first = out_default_in_order(f, link, family), *best = NULL,
				*stop = NULL;

	if (!first || !first->silent)
		return first;
	for (const struct fact_route *r = NULL; (r = lookups_next_route(f, link, r));) {
		if (r->table != first->table || !out_route_counts(r, link, family) ||
		    prefix_compare(&r->dst, &first->dst) != 0)
			continue;
		if (route_is_special(r->type) && facts_is_better_route(r, stop))
			stop = r;
		if (r->type == RTN_UNICAST && !r->silent && facts_is_better_route(r, best))
			best = r;
	}
	return best && (!stop || facts_is_better_route(best, stop)) ? best : first;
}
