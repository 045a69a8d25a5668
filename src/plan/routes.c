/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables are read in the order of the rules. An entry of a later table counts only where no earlier
 * table has an entry for all of its destination; a `throw` entry sends its destination on to the
 * next table. The result is one table, in which the longest prefix wins.
 */
#include "plan/routes.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/vec.h"
#include "plan/lookups.h"

/* A route of a table, cut to the rule's destination. */
struct entry {
	struct out_route route;
	size_t lookup;
	bool passes; /* RTN_THROW */
	uint32_t metric;
	int8_t preference;
	uint8_t len;  /* of the route's destination before it was cut */
	size_t place; /* in the kernel's own order */
};

struct entries {
	struct entry *v;
	size_t n, size;
};

/* The destination of a route as far as the lookup asks for it; false when it does not. */
static bool cut(const struct lookup *l, const struct fact_route *r, struct prefix *ret)
{
	if ((int)r->dst.len <= l->suppress)
		return false;
	*ret = r->dst;
	if (!l->within.len ||
	    (r->dst.len >= l->within.len && prefix_contains(&l->within, &r->dst.ip)))
		return true;
	*ret = l->within;
	return prefix_contains(&r->dst, &l->within.ip);
}

/* By lookup and destination; then as the kernel prefers them. */
static int compare_entries(const void *x, const void *y)
{
	const struct entry *a = x, *b = y;
	int order;

	if (a->lookup != b->lookup)
		return a->lookup < b->lookup ? -1 : 1;
	order = prefix_compare(&a->route.dst, &b->route.dst);
	if (order)
		return order;
	if (a->len != b->len) /* both cut: the longer one was found first */
		return a->len > b->len ? -1 : 1;
	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	if (a->preference != b->preference)
		return a->preference > b->preference ? -1 : 1;
	return a->place < b->place ? -1 : 1;
}

static int gather(const struct facts *f, const struct fact_link *link, uint8_t family,
		  const struct lookup *l, size_t number, struct entries *ret)
{
	struct entry *e;

	if (!l->table) {
		e = VEC_PUSH(ret);
		if (!e)
			return -ENOMEM;
		*e = (struct entry){ .route = { .dst = l->within, .stop = l->stop },
				     .lookup = number };
		return 0;
	}
	for (const struct fact_route *r = NULL; (r = lookups_next_route(f, link, r));) {
		struct prefix dst;

		if (r->table != l->table || !out_route_counts(r, link, family) || !cut(l, r, &dst))
			continue;
		e = VEC_PUSH(ret);
		if (!e)
			return -ENOMEM;
		*e = (struct entry){ .lookup = number,
				     .passes = r->type == RTN_THROW,
				     .metric = r->metric,
				     .preference = r->preference,
				     .len = r->dst.len,
				     .place = (size_t)(r - f->routes.v) };
		e->route.dst = prefix_masked(&dst);
		if (route_is_special(r->type)) {
			e->route.stop = r->type;
			continue;
		}
		e->route.gateway = r->gateway;
		e->route.onlink = r->onlink;
		e->route.src = r->src;
		e->route.mtu = r->mtu;
		e->route.silent = r->silent;
	}
	return 0;
}

/* The first entry of a lookup for exactly that destination. The entries are sorted. */
static const struct entry *find(const struct entries *e, size_t lookup, const struct prefix *dst)
{
	size_t low = 0, high = e->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct entry *m = &e->v[middle];

		if (m->lookup < lookup ||
		    (m->lookup == lookup && prefix_compare(&m->route.dst, dst) < 0))
			low = middle + 1;
		else
			high = middle;
	}
	if (low < e->n && e->v[low].lookup == lookup &&
	    prefix_compare(&e->v[low].route.dst, dst) == 0)
		return &e->v[low];
	return NULL;
}

/* The entry of a lookup with the longest prefix that holds all of a destination. */
static const struct entry *covering(const struct entries *e, size_t lookup,
				    const struct prefix *dst)
{
	struct prefix p = *dst;

	for (int len = dst->len; len >= 0; len--) {
		const struct entry *found;

		p.len = (uint8_t)len;
		p = prefix_masked(&p);
		found = find(e, lookup, &p);
		if (found)
			return found;
	}
	return NULL;
}

/* Whether an earlier table answers for all of an entry's destination. */
static bool is_shadowed(const struct entries *all, const struct entry *e)
{
	for (size_t lookup = 0; lookup < e->lookup; lookup++) {
		const struct entry *before = covering(all, lookup, &e->route.dst);

		if (before && !before->passes)
			return true;
	}
	return false;
}

static int keep(struct out_routes *ret, const struct out_route *route, const struct prefix *dst,
		uint32_t order)
{
	struct out_route *added = VEC_PUSH(ret);

	if (!added)
		return -ENOMEM;
	*added = *route;
	added->dst = *dst;
	added->order = order;
	return 0;
}

/* How many entries from the first one are for the same destination, and lead out. */
static size_t group_size(const struct entries *all, size_t first)
{
	const struct entry *e = &all->v[first];
	size_t n = 0;

	while (first + n < all->n) {
		const struct entry *next = &e[n];

		if (next->lookup != e->lookup || next->len != e->len || next->route.stop ||
		    prefix_compare(&next->route.dst, &e->route.dst) != 0)
			break;
		n++;
	}
	return n;
}

/*
 * All entries from the first one that are for the same destination, in their order, but those with
 * a silent gateway last. What comes behind one that stops is never used, and one that stops behind
 * others neither.
 */
static int keep_group(const struct entries *all, size_t first, const struct prefix *dst,
		      struct out_routes *ret)
{
	size_t n = group_size(all, first);
	uint32_t order = 0;
	int r = 0;

	if (!n) /* the first one stops */
		return keep(ret, &all->v[first].route, dst, 0);
	for (int silent = 0; silent < 2; silent++)
		for (size_t i = first; i < first + n && r == 0; i++)
			if (all->v[i].route.silent == (bool)silent)
				r = keep(ret, &all->v[i].route, dst, order++);
	return r;
}

/* A destination that its table passes on: the first later table that answers for it does. */
static int keep_passed(const struct entries *all, const struct entry *e, size_t n_lookups,
		       struct out_routes *ret)
{
	const struct out_route nowhere = { .stop = RTN_UNREACHABLE };

	for (size_t lookup = e->lookup + 1; lookup < n_lookups; lookup++) {
		const struct entry *answer = covering(all, lookup, &e->route.dst);

		if (answer && !answer->passes)
			return keep_group(all, (size_t)(answer - all->v), &e->route.dst, ret);
	}
	return keep(ret, &nowhere, &e->route.dst, 0);
}

static int merge(const struct entries *all, size_t n_lookups, struct out_routes *ret)
{
	int r = 0;

	for (size_t i = 0; i < all->n && r == 0; i++) {
		const struct entry *e = &all->v[i];

		if (i && e[-1].lookup == e->lookup &&
		    prefix_compare(&e[-1].route.dst, &e->route.dst) == 0)
			continue; /* of a group that was kept, or not, as a whole */
		if (is_shadowed(all, e))
			continue;
		if (e->passes)
			r = keep_passed(all, e, n_lookups, ret);
		else
			r = keep_group(all, i, &e->route.dst, ret);
	}
	return r;
}

static int compare_routes(const void *x, const void *y)
{
	const struct out_route *a = x, *b = y;
	int order = prefix_compare(&a->dst, &b->dst);

	return order ? order : (a->order > b->order) - (a->order < b->order);
}

/* What a table passes on is found once for that, and once more in the table that answers. */
static void leave_out_doubles(struct out_routes *r)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!kept || compare_routes(&r->v[kept - 1], &r->v[i]) != 0)
			r->v[kept++] = r->v[i];
	r->n = kept;
}

static bool says_the_same(const struct out_route *a, const struct out_route *b)
{
	return a->stop == b->stop && a->onlink == b->onlink && a->mtu == b->mtu &&
	       ip_equal(&a->gateway, &b->gateway) && ip_equal(&a->src, &b->src);
}

/* Whether a route is the only one for its destination. The routes are sorted. */
static bool is_alone(const struct out_routes *r, size_t i)
{
	return r->v[i].order == 0 && (i + 1 == r->n || r->v[i + 1].order == 0);
}

/*
 * Leaves out what the next shorter prefix says too: a host with the routes of the whole internet
 * has one gateway for nearly all of them. `parents` are the places of the prefixes that hold the
 * one at hand, outermost first; there are not more than an address has bits.
 */
static void leave_out_repeated(struct out_routes *r)
{
	struct {
		size_t at;
		bool alone;
	} parents[129];
	size_t depth = 0, kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct out_route route = r->v[i];
		bool alone = is_alone(r, i);

		if (route.order) {
			r->v[kept++] = route;
			continue;
		}
		while (depth && !prefix_contains(&r->v[parents[depth - 1].at].dst, &route.dst.ip))
			depth--;
		if (depth && alone && parents[depth - 1].alone &&
		    says_the_same(&r->v[parents[depth - 1].at], &route))
			continue;
		parents[depth].at = kept;
		parents[depth++].alone = alone;
		r->v[kept++] = route;
	}
	r->n = kept;
}

static bool is_half(const struct prefix *p)
{
	return p->len == 1;
}

/* Whether a destination that has no longer prefix is answered for. */
static bool has_default(const struct entries *all)
{
	size_t halves = 0;

	for (size_t i = 0; i < all->n; i++) {
		const struct entry *e = &all->v[i];

		if (e->passes)
			continue;
		if (!e->route.dst.len)
			return true;
		if (is_half(&e->route.dst) &&
		    (!i || prefix_compare(&e[-1].route.dst, &e->route.dst) != 0))
			halves++;
	}
	return halves > 1;
}

static void sort(struct entries *e)
{
	if (e->n)
		qsort(e->v, e->n, sizeof(e->v[0]), compare_entries);
}

static int find_entries(const struct facts *f, const struct fact_link *link, uint8_t family,
			struct lookups *lookups, struct entries *ret)
{
	const struct prefix all = { .ip.family = family };
	const struct fact_route *other;
	int r = lookups_find(f, link, family, lookups);

	for (size_t i = 0; i < lookups->n && r == 0; i++)
		r = gather(f, link, family, &lookups->v[i], i, ret);
	sort(ret);
	if (r < 0 || has_default(ret))
		return r;
	other = lookups_unreached_default(f, lookups, link, family);
	if (!other)
		return 0;
	r = lookups_add(lookups, other->table, 0, -1, &all);
	if (r == 0)
		r = gather(f, link, family, &lookups->v[lookups->n - 1], lookups->n - 1, ret);
	sort(ret);
	return r;
}

static int find_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
		       bool in_order, struct out_routes *ret)
{
	struct out_routes found = { 0 };
	struct lookups lookups = { 0 };
	struct entries entries = { 0 };
	int r = find_entries(f, link, family, &lookups, &entries);

	for (size_t i = 0; i < entries.n && in_order; i++)
		entries.v[i].route.silent = false;
	if (r == 0)
		r = merge(&entries, lookups.n, &found);
	if (r == 0 && found.n) {
		qsort(found.v, found.n, sizeof(found.v[0]), compare_routes);
		leave_out_doubles(&found);
		leave_out_repeated(&found);
	}
	VEC_DONE(&lookups);
	VEC_DONE(&entries);
	if (r < 0) {
		out_routes_done(&found);
		return r;
	}
	*ret = found;
	return 0;
}

int out_routes(const struct facts *f, const struct fact_link *link, uint8_t family,
	       struct out_routes *ret)
{
	return find_routes(f, link, family, false, ret);
}

int out_routes_in_order(const struct facts *f, const struct fact_link *link, uint8_t family,
			struct out_routes *ret)
{
	return find_routes(f, link, family, true, ret);
}

void out_routes_done(struct out_routes *r)
{
	VEC_DONE(r);
}
