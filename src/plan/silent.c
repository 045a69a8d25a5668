/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/silent.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "plan/internal.h"

void gateways_done(struct gateway_memory *m)
{
	VEC_DONE(m);
}

/* --- which ones are of interest ------------------------------------------------------------ */

static bool has_gateway(const struct fact_route *r, const struct fact_link *link, uint8_t family)
{
	return r->type == RTN_UNICAST && ip_is_set(&r->gateway) &&
	       out_route_counts(r, link, family);
}

/* Nearly every device has one gateway for all of its routes: then nothing is to be compared. */
static bool has_several(const struct facts *f, const struct fact_link *link, uint8_t family)
{
	const struct fact_route *first = NULL;

	for (const struct fact_route *r = NULL; (r = facts_next_route(f, link->index, r));) {
		if (!has_gateway(r, link, family))
			continue;
		if (first && !ip_equal(&first->gateway, &r->gateway))
			return true;
		first = r;
	}
	return false;
}

static int add(struct facts *f, int index, const struct ip *ip)
{
	struct fact_gateway *added;
	size_t n = 0;

	if (facts_gateway(f, index, ip))
		return 0;
	for (size_t i = 0; i < f->gateways.n; i++)
		n += f->gateways.v[i].index == index && f->gateways.v[i].ip.family == ip->family;
	if (n >= GATEWAYS_MAX)
		return 0;
	added = VEC_PUSH(&f->gateways);
	if (!added)
		return -ENOMEM;
	*added = (struct fact_gateway){ .index = index, .ip = *ip };
	return 0;
}

struct candidate {
	const struct fact_route *route;
};

static int by_destination(const void *a, const void *b)
{
	const struct fact_route *x = ((const struct candidate *)a)->route,
				*y = ((const struct candidate *)b)->route;
	int order = (x->table > y->table) - (x->table < y->table);

	if (!order)
		order = ip_compare(&x->dst.ip, &y->dst.ip);
	if (!order)
		order = (x->dst.len > y->dst.len) - (x->dst.len < y->dst.len);
	return order ? order : (x > y) - (x < y);
}

static bool is_same_destination(const struct fact_route *a, const struct fact_route *b)
{
	return a->table == b->table && a->dst.len == b->dst.len && ip_equal(&a->dst.ip, &b->dst.ip);
}

/* The gateways of a run of routes for one destination, when there are several. */
static int add_run(struct facts *f, const struct candidate *run, size_t n, int index)
{
	bool differ = false;
	int r = 0;

	for (size_t i = 1; i < n; i++)
		differ |= !ip_equal(&run[i].route->gateway, &run[0].route->gateway);
	for (size_t i = 0; i < n && differ && r == 0; i++)
		r = add(f, index, &run[i].route->gateway);
	return r;
}

static int find_several(struct facts *f, const struct fact_link *link, uint8_t family)
{
	_cleanup_free_ struct candidate *v = NULL;
	size_t n = 0, start = 0;
	int r = 0;

	if (!has_several(f, link, family))
		return 0;
	v = calloc(f->routes.n, sizeof(*v));
	if (!v)
		return -ENOMEM;
	for (const struct fact_route *at = NULL; (at = facts_next_route(f, link->index, at));)
		if (has_gateway(at, link, family))
			v[n++].route = at;
	qsort(v, n, sizeof(*v), by_destination);
	for (size_t i = 1; i <= n && r == 0; i++)
		if (i == n || !is_same_destination(v[i].route, v[start].route)) {
			r = add_run(f, v + start, i - start, link->index);
			start = i;
		}
	return r;
}

int gateways_find(struct facts *f, const struct fact_link *link, bool defaults)
{
	int r = 0;

	if (link->gateways_found)
		return 0;
	for (size_t i = 0; i < sizeof(plan_families) && r == 0; i++) {
		const struct fact_route *way = out_default_in_order(f, link, plan_families[i]);

		r = find_several(f, link, plan_families[i]);
		if (r == 0 && defaults && way && ip_is_set(&way->gateway))
			r = add(f, link->index, &way->gateway);
	}
	f->links.v[link - f->links.v].gateways_found = r == 0;
	return r;
}

/* --- what the table of an uplink says ------------------------------------------------------ */

/* Where a gateway stands in that table among n routes for a destination; n: nowhere. */
static size_t place_of(const struct facts *f, uint32_t slot, const struct out_route *r, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct object key = plan_object(OBJ_ROUTE, PLACE_HOST);
		const struct object *have;

		key.route.table = PLAN_TABLE_BASE + slot;
		key.route.dst = r->dst;
		key.route.metric = METRIC_ROUTE + (uint32_t)i;
		have = set_find(&f->ours, &key);
		if (have && ip_equal(&have->route.gateway, &r->gateway))
			return i;
	}
	return n;
}

/* What comes first by the host's own order, and behind in the table, was silent. */
static void seed_group(struct facts *f, const struct fact_link *link, uint32_t slot,
		       const struct out_route *v, size_t n)
{
	size_t best = n; /* the place of the first among those further down */

	for (size_t i = n; i-- > 0;) {
		struct fact_gateway *g = facts_gateway(f, link->index, &v[i].gateway);
		size_t place = place_of(f, slot, &v[i], n);

		if (g && place < n && best < place)
			g->silent = true;
		if (place < best)
			best = place;
	}
}

static int seed_link(struct facts *f, const struct fact_link *link)
{
	uint32_t slot = facts_slot(f, link->name);

	for (size_t i = 0; i < sizeof(plan_families) && slot; i++) {
		_cleanup_out_routes_ struct out_routes routes = { 0 };
		size_t start = 0;

		if (!has_several(f, link, plan_families[i]))
			continue;
		if (out_routes_in_order(f, link, plan_families[i], &routes) < 0)
			return -ENOMEM;
		for (size_t k = 1; k <= routes.n; k++)
			if (k == routes.n || !routes.v[k].order) {
				if (k - start > 1)
					seed_group(f, link, slot, &routes.v[start], k - start);
				start = k;
			}
	}
	return 0;
}

/* --- the decision -------------------------------------------------------------------------- */

static struct gateway_known *known(const struct gateway_memory *m, const struct fact_gateway *g)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].index == g->index && ip_equal(&m->v[i].ip, &g->ip))
			return &m->v[i];
	return NULL;
}

static void falls_silent(struct gateway_known *k, int64_t now)
{
	bool flaps = k->back_at && now - k->back_at < 10 * k->hold_ms;

	k->silent = true;
	k->hold_ms = flaps ? 2 * k->hold_ms : GATEWAY_HOLD_MS;
	if (k->hold_ms > GATEWAY_HOLD_MAX_MS)
		k->hold_ms = GATEWAY_HOLD_MAX_MS;
	k->ask_ms = GATEWAY_ASK_MS;
	k->ask_at = now + k->ask_ms;
}

static int remember(struct facts *f, struct gateway_memory *m, int64_t now)
{
	size_t before = m->n;
	int r = 0;

	for (size_t i = 0; i < m->n; i++)
		m->v[i].seen = false;
	for (size_t i = 0; i < f->gateways.n; i++) {
		struct fact_gateway *g = &f->gateways.v[i];
		struct gateway_known *k = known(m, g);

		g->silent = false;
		if (!k) {
			k = VEC_PUSH(m);
			if (!k)
				return -ENOMEM;
			*k = (struct gateway_known){ .index = g->index, .ip = g->ip };
		}
		k->seen = true;
	}
	for (size_t i = 0; i < f->links.n && before < m->n && r == 0; i++)
		if (f->links.v[i].gateways_found)
			r = seed_link(f, &f->links.v[i]);
	for (size_t i = before; i < m->n; i++) {
		const struct fact_gateway *g = facts_gateway(f, m->v[i].index, &m->v[i].ip);

		if (g && g->silent)
			falls_silent(&m->v[i], now);
	}
	return r;
}

static void forget(struct gateway_memory *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].seen)
			m->v[kept++] = m->v[i];
	m->n = kept;
}

/* Whether another gateway of the same device and family is not silent. */
static bool has_other(const struct gateway_memory *m, const struct gateway_known *k)
{
	for (size_t i = 0; i < m->n; i++)
		if (&m->v[i] != k && m->v[i].index == k->index &&
		    m->v[i].ip.family == k->ip.family && !m->v[i].silent)
			return true;
	return false;
}

static void decide(const struct gateway_memory *m, struct gateway_known *k,
		   const struct fact_gateway *g, int64_t now, int64_t *again)
{
	if (g->state == GATEWAY_FAILED) {
		if (!k->silent)
			falls_silent(k, now);
		k->answers_since = 0;
	} else if (g->state == GATEWAY_ANSWERS && k->silent && !k->answers_since) {
		k->answers_since = now;
	}
	if (!k->silent || !k->answers_since)
		return;
	if (now - k->answers_since >= k->hold_ms || !has_other(m, k)) {
		k->silent = false;
		k->answers_since = 0;
		k->back_at = now;
	} else if (k->answers_since + k->hold_ms < *again) {
		*again = k->answers_since + k->hold_ms;
	}
}

static void mark_routes(struct facts *f, const struct fact_gateway *g)
{
	for (const struct fact_route *r = NULL; (r = facts_next_route(f, g->index, r));)
		if (ip_equal(&r->gateway, &g->ip))
			f->routes.v[r - f->routes.v].silent = g->silent;
}

int gateways_decide(struct facts *f, struct gateway_memory *m, int64_t now, int64_t *ret_again)
{
	int r = remember(f, m, now);

	*ret_again = INT64_MAX;
	if (r < 0)
		return r;
	forget(m);
	for (size_t i = 0; i < f->gateways.n; i++) {
		struct fact_gateway *g = &f->gateways.v[i];
		struct gateway_known *k = known(m, g);

		if (!k)
			continue;
		decide(m, k, g, now, ret_again);
		g->silent = k->silent;
		mark_routes(f, g);
	}
	return 0;
}

int64_t gateways_ask_at(const struct gateway_memory *m)
{
	int64_t at = INT64_MAX;

	for (size_t i = 0; i < m->n; i++)
		if (m->v[i].silent && !m->v[i].answers_since && m->v[i].ask_at < at)
			at = m->v[i].ask_at;
	return at;
}

bool gateways_ask(struct gateway_memory *m, int64_t now, int *ret_index, struct ip *ret)
{
	for (size_t i = 0; i < m->n; i++) {
		struct gateway_known *k = &m->v[i];

		if (!k->silent || k->answers_since || k->ask_at > now)
			continue;
		k->ask_ms = k->ask_ms * 2 > GATEWAY_ASK_MAX_MS ? GATEWAY_ASK_MAX_MS : k->ask_ms * 2;
		k->ask_at = now + k->ask_ms;
		*ret_index = k->index;
		*ret = k->ip;
		return true;
	}
	return false;
}

bool gateways_take(struct facts *f, int index, const struct ip *ip, enum gateway_state state)
{
	struct fact_gateway *g = facts_gateway(f, index, ip);
	enum gateway_state before;

	if (!g)
		return false;
	before = g->state;
	g->state = state;
	if (state == GATEWAY_FAILED)
		return !g->silent || before == GATEWAY_ANSWERS;
	return state == GATEWAY_ANSWERS && g->silent && before != GATEWAY_ANSWERS;
}
