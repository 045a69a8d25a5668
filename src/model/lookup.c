/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Look-ups in the facts. A host may have thousands of links, addresses and routes, and each
 * observation is followed by many look-ups by name and by number.
 */
#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "base/vec.h"
#include "model/facts.h"

static uint32_t hash_name(const char *name)
{
	return chains_hash_text(name, strlen(name));
}

static uint32_t hash_index(int index)
{
	return chains_hash_number((uint32_t)index);
}

const struct fact_link *facts_link(const struct facts *f, const char *name)
{
	const struct chains *c = &f->index.names;

	if (c->n == f->links.n) {
		for (uint32_t i = chains_first(c, hash_name(name)); i != CHAINS_END;
		     i = chains_next(c, i))
			if (!strcmp(f->links.v[i].name, name))
				return &f->links.v[i];
		return NULL;
	}
	for (size_t i = 0; i < f->links.n; i++)
		if (!strcmp(f->links.v[i].name, name))
			return &f->links.v[i];
	return NULL;
}

const struct fact_link *facts_link_by_index(const struct facts *f, int index)
{
	const struct chains *c = &f->index.numbers;

	if (!index)
		return NULL;
	if (c->n == f->links.n) {
		for (uint32_t i = chains_first(c, hash_index(index)); i != CHAINS_END;
		     i = chains_next(c, i))
			if (f->links.v[i].index == index)
				return &f->links.v[i];
		return NULL;
	}
	for (size_t i = 0; i < f->links.n; i++)
		if (f->links.v[i].index == index)
			return &f->links.v[i];
	return NULL;
}

const struct fact_link *facts_vrf(const struct facts *f, const struct fact_link *link)
{
	const struct fact_link *master = link->master ? facts_link_by_index(f, link->master) : NULL;

	return master && master->vrf_table ? master : NULL;
}

bool facts_has_altname(const struct facts *f, const struct fact_link *l, const char *name)
{
	for (size_t i = 0; i < l->n_altnames; i++)
		if (!strcmp(f->altnames.v[l->first_altname + i].name, name))
			return true;
	return false;
}

const struct fact_link *facts_link_by_altname(const struct facts *f, const char *name)
{
	const struct chains *c = &f->index.altnames;
	const struct fact_link *l = NULL;

	if (c->n == f->altnames.n) {
		for (uint32_t i = chains_first(c, hash_name(name)); i != CHAINS_END && !l;
		     i = chains_next(c, i))
			if (!strcmp(f->altnames.v[i].name, name))
				l = facts_link_by_index(f, f->altnames.v[i].index);
		return l;
	}
	for (size_t i = 0; i < f->altnames.n && !l; i++)
		if (!strcmp(f->altnames.v[i].name, name))
			l = facts_link_by_index(f, f->altnames.v[i].index);
	return l;
}

const struct fact_sysctl *facts_sysctl(const struct facts *f, const char *path)
{
	const struct chains *c = &f->index.sysctls;

	if (c->n == f->sysctls.n) {
		for (uint32_t i = chains_first(c, hash_name(path)); i != CHAINS_END;
		     i = chains_next(c, i))
			if (!strcmp(f->sysctls.v[i].path, path))
				return &f->sysctls.v[i];
		return NULL;
	}
	for (size_t i = 0; i < f->sysctls.n; i++)
		if (!strcmp(f->sysctls.v[i].path, path))
			return &f->sysctls.v[i];
	return NULL;
}

const struct fact_addr *facts_next_addr(const struct facts *f, int index,
					const struct fact_addr *after)
{
	const struct chains *c = &f->index.addrs;
	size_t i = after ? (size_t)(after - f->addrs.v) : 0, last = f->addrs.n - 1;

	if (c->n == f->addrs.n && f->addrs.n) {
		uint32_t at = after ? chains_next(c, (uint32_t)(last - i))
				    : chains_first(c, hash_index(index));

		while (at != CHAINS_END && f->addrs.v[last - at].index != index)
			at = chains_next(c, at);
		return at == CHAINS_END ? NULL : &f->addrs.v[last - at];
	}
	for (i += after != NULL; i < f->addrs.n; i++)
		if (f->addrs.v[i].index == index)
			return &f->addrs.v[i];
	return NULL;
}

const struct fact_route *facts_next_route(const struct facts *f, int index,
					  const struct fact_route *after)
{
	const struct chains *c = &f->index.routes;
	size_t i = after ? (size_t)(after - f->routes.v) : 0, last = f->routes.n - 1;

	if (c->n == f->routes.n && f->routes.n) {
		uint32_t at = after ? chains_next(c, (uint32_t)(last - i))
				    : chains_first(c, hash_index(index));

		while (at != CHAINS_END && f->routes.v[last - at].index != index)
			at = chains_next(c, at);
		return at == CHAINS_END ? NULL : &f->routes.v[last - at];
	}
	for (i += after != NULL; i < f->routes.n; i++)
		if (f->routes.v[i].index == index)
			return &f->routes.v[i];
	return NULL;
}

static bool is_stop(const struct fact_route *r)
{
	return r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT || r->type == RTN_BLACKHOLE ||
	       r->type == RTN_THROW;
}

const struct fact_route *facts_next_stop(const struct facts *f, const struct fact_route *after)
{
	size_t i = after ? (size_t)(after - f->routes.v) + 1 : 0, low = 0, high = f->index.stops.n;

	if (!f->routes.n || f->index.routes.n != f->routes.n) {
		for (; i < f->routes.n; i++)
			if (is_stop(&f->routes.v[i]))
				return &f->routes.v[i];
		return NULL;
	}
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (f->index.stops.v[middle] < i)
			low = middle + 1;
		else
			high = middle;
	}
	return low < f->index.stops.n ? &f->routes.v[f->index.stops.v[low]] : NULL;
}

/* --- who shares a subnet ------------------------------------------------------------------- */

#define NO_DEVICE   0
#define TWO_OF_THEM (-1)

/* Addresses of one and the same subnet, of one device or of more. */
struct subnet {
	struct prefix net;
	size_t first, n; /* of the sorted ones */
	int device;      /* NO_DEVICE, the only one, or TWO_OF_THEM */
	int around;      /* the same of the subnets that it lies in */
	int within;      /* and of those that lie in it */
	size_t parent;   /* the next bigger one; its own number: none */
};

static int both(int a, int b)
{
	return a == NO_DEVICE || a == b ? b : b == NO_DEVICE ? a : TWO_OF_THEM;
}

static bool is_other(int devices, int device)
{
	return devices != NO_DEVICE && devices != device;
}

static int compare_subnets(const struct prefix *a, const struct prefix *b)
{
	int r = ip_compare(&a->ip, &b->ip);

	return r ? r : (a->len > b->len) - (a->len < b->len);
}

struct sorted {
	struct prefix net;
	struct fact_addr *addr;
};

static int compare_sorted(const void *a, const void *b)
{
	const struct sorted *x = a, *y = b;

	return compare_subnets(&x->net, &y->net);
}

/* A bigger subnet comes before those that lie in it, so the way up is the way back. */
static size_t find_subnets(const struct sorted *v, size_t n, struct subnet *to)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++) {
		struct subnet *s = count ? &to[count - 1] : NULL;

		if (!s || compare_subnets(&s->net, &v[i].net) != 0) {
			size_t parent = count ? count - 1 : 0;

			s = &to[count];
			*s = (struct subnet){ .net = v[i].net, .first = i, .parent = count };
			while (count && to[parent].parent != parent &&
			       !prefix_overlap(&to[parent].net, &s->net))
				parent = to[parent].parent;
			if (count && prefix_overlap(&to[parent].net, &s->net))
				s->parent = parent;
			count++;
		}
		s->n++;
		s->device = both(s->device, v[i].addr->index);
	}
	return count;
}

static void mark_shared(struct facts *f)
{
	size_t n = f->addrs.n, count;
	struct sorted *sorted = calloc(n + 1, sizeof(*sorted));
	struct subnet *nets = calloc(n + 1, sizeof(*nets));

	if (!sorted || !nets) /* without the index each is compared with each */
		chains_done(&f->index.addrs);
	for (size_t i = 0; sorted && i < n; i++)
		sorted[i] = (struct sorted){ prefix_masked(&f->addrs.v[i].prefix), &f->addrs.v[i] };
	if (sorted && nets && n) {
		qsort(sorted, n, sizeof(*sorted), compare_sorted);
		count = find_subnets(sorted, n, nets);
		for (size_t i = 0; i < count; i++)
			if (nets[i].parent != i)
				nets[i].around = both(nets[nets[i].parent].around,
						      nets[nets[i].parent].device);
		for (size_t i = count; i-- > 0;)
			if (nets[i].parent != i)
				nets[nets[i].parent].within =
					both(nets[nets[i].parent].within,
					     both(nets[i].within, nets[i].device));
		for (size_t i = 0; i < count; i++)
			for (size_t j = 0; j < nets[i].n; j++) {
				struct fact_addr *a = sorted[nets[i].first + j].addr;

				a->shared = is_other(nets[i].device, a->index) ||
					    is_other(nets[i].around, a->index) ||
					    is_other(nets[i].within, a->index);
			}
	}
	free(sorted);
	free(nets);
}

/* --- making it ----------------------------------------------------------------------------- */

int facts_add_altname(struct facts *f, const char *name)
{
	struct fact_link *l = &f->links.v[f->links.n - 1];
	struct fact_altname *added = VEC_PUSH(&f->altnames);

	if (!added)
		return -ENOMEM;
	if (!l->n_altnames)
		l->first_altname = (uint32_t)f->altnames.n - 1;
	l->n_altnames++;
	added->index = l->index;
	copy_string(added->name, sizeof(added->name), name);
	return 0;
}

static void index_link(struct facts *f, const struct fact_link *l)
{
	chains_push(&f->index.names, hash_name(l->name));
	chains_push(&f->index.numbers, hash_index(l->index));
}

void facts_index_links(struct facts *f)
{
	chains_done(&f->index.names);
	chains_done(&f->index.numbers);
	chains_done(&f->index.altnames);
	for (size_t i = 0; i < f->links.n; i++)
		index_link(f, &f->links.v[i]);
	for (size_t i = 0; i < f->altnames.n; i++)
		chains_push(&f->index.altnames, hash_name(f->altnames.v[i].name));
}

void facts_index_routing(struct facts *f)
{
	chains_done(&f->index.addrs);
	chains_done(&f->index.routes);
	for (size_t i = f->addrs.n; i-- > 0;) /* the first is then found first */
		chains_push(&f->index.addrs, hash_index(f->addrs.v[i].index));
	for (size_t i = f->routes.n; i-- > 0;)
		chains_push(&f->index.routes, hash_index(f->routes.v[i].index));
	f->index.stops.n = 0;
	for (size_t i = 0; i < f->routes.n; i++) {
		uint32_t *stop = is_stop(&f->routes.v[i]) ? VEC_PUSH(&f->index.stops) : NULL;

		if (stop)
			*stop = (uint32_t)i;
		else if (is_stop(&f->routes.v[i]))
			chains_done(&f->index.routes); /* without the index each link is compared */
	}
	mark_shared(f);
}

void facts_link_added(struct facts *f)
{
	if (f->index.names.n + 1 == f->links.n && f->index.numbers.n + 1 == f->links.n)
		index_link(f, &f->links.v[f->links.n - 1]);
}

void facts_remove_link(struct facts *f, const char *name)
{
	const struct fact_link *l = facts_link(f, name);
	size_t at = l ? (size_t)(l - f->links.v) : 0;

	if (!l)
		return;
	if (f->index.names.n == f->links.n && f->index.numbers.n == f->links.n) {
		chains_remove(&f->index.names, at);
		chains_remove(&f->index.numbers, at);
	}
	f->links.v[at] = f->links.v[--f->links.n];
}

void facts_number_link(struct facts *f, const char *name, int index)
{
	const struct fact_link *l = facts_link(f, name);
	size_t at = l ? (size_t)(l - f->links.v) : 0;

	if (!l)
		return;
	if (f->index.numbers.n == f->links.n)
		chains_change(&f->index.numbers, at, hash_index(index));
	f->links.v[at].index = index;
}

void facts_sysctl_added(struct facts *f)
{
	const struct chains *c = &f->index.sysctls;

	for (size_t i = c->n; i < f->sysctls.n; i++)
		chains_push(&f->index.sysctls, hash_name(f->sysctls.v[i].path));
}
