/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/set.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static void drop(struct object *o)
{
	if (o->kind == OBJ_NFT_RULE)
		free(o->nft_rule.rule);
}

void set_add(struct object_set *set, const struct object *o)
{
	struct object copy = *o;

	copy.owner = set->owner;
	if (!set->failed && set->n == set->size) {
		size_t size = set->size ? set->size * 2 : 64;
		struct object *v = reallocarray(set->v, size, sizeof(*v));

		if (v) {
			set->v = v;
			set->size = size;
		} else {
			set->failed = true;
		}
	}
	if (set->failed) {
		drop(&copy);
		return;
	}
	set->v[set->n++] = copy;
}

static int compare(const void *a, const void *b)
{
	return object_compare(a, b);
}

static bool is_sorted(const struct object_set *set)
{
	for (size_t i = 1; i < set->n; i++)
		if (object_compare(&set->v[i - 1], &set->v[i]) >= 0)
			return false;
	return true;
}

int set_sort(struct object_set *set)
{
	size_t kept = 0;

	if (set->failed)
		return -ENOMEM;
	if (!set->n || is_sorted(set))
		return 0;
	qsort(set->v, set->n, sizeof(*set->v), compare);
	for (size_t i = 1; i < set->n; i++) {
		if (object_compare(&set->v[kept], &set->v[i]) == 0)
			drop(&set->v[i]);
		else
			set->v[++kept] = set->v[i];
	}
	set->n = kept + 1;
	return 0;
}

const struct object *set_find(const struct object_set *set, const struct object *key)
{
	return set->n ? bsearch(key, set->v, set->n, sizeof(*set->v), compare) : NULL;
}

static int copy(struct object *to, const struct object *o)
{
	*to = *o;
	if (o->kind != OBJ_NFT_RULE || !o->nft_rule.rule)
		return 0;
	to->nft_rule.rule = malloc(sizeof(*to->nft_rule.rule));
	if (!to->nft_rule.rule)
		return -ENOMEM;
	*to->nft_rule.rule = *o->nft_rule.rule;
	return 0;
}

/*
 * Where o is among sorted objects, or would be. Looked for from one end in growing steps: few
 * objects among many cost the logarithm of what lies between them, as many as those cost a
 * comparison or two each.
 */
static size_t place(const struct object *v, size_t low, size_t high, const struct object *o,
		    bool *ret_found)
{
	*ret_found = false;
	while (low < high && !*ret_found) {
		size_t middle = low + (high - low) / 2;
		int order = object_compare(&v[middle], o);

		*ret_found = order == 0;
		low = order < 0 ? middle + 1 : low;
		high = order < 0 ? high : middle;
	}
	return high;
}

static size_t place_before(const struct object *v, size_t n, const struct object *o,
			   bool *ret_found)
{
	size_t step = 1, high = n;

	while (step <= n && object_compare(&v[n - step], o) > 0) {
		high = n - step;
		step *= 2;
	}
	return place(v, step <= n ? n - step : 0, high, o, ret_found);
}

static size_t place_from(const struct object *v, size_t at, size_t n, const struct object *o,
			 bool *ret_found)
{
	size_t step = 1, low = at;

	while (step <= n - at && object_compare(&v[at + step - 1], o) < 0) {
		low = at + step;
		step *= 2;
	}
	return place(v, low, step <= n - at ? at + step : n, o, ret_found);
}

/* Both are sorted: what is new goes to its place from the end, and what is behind it moves once. */
int set_merge(struct object_set *into, const struct object_set *from)
{
	size_t n = into->n, left = from->n, at = n + left, gap;
	struct object *v;

	if (into->failed || from->failed)
		return -ENOMEM;
	v = left && at > into->size ? reallocarray(into->v, at, sizeof(*v)) : into->v;
	if (left && !v)
		return -ENOMEM;
	into->size = v != into->v ? at : into->size;
	into->v = v;
	for (; left; left--) {
		const struct object *o = &from->v[left - 1];
		bool found;
		size_t to = place_before(v, n, o, &found), behind = n - to;

		if (behind)
			memmove(v + at - behind, v + to, behind * sizeof(*v));
		at -= behind;
		n = to;
		if (found)
			continue; /* it has that */
		if (copy(&v[at - 1], o) < 0) {
			into->failed = true;
			break;
		}
		at--;
	}
	gap = at - n; /* as many as were there already */
	if (gap)
		memmove(v + n, v + at, (into->n + from->n - at) * sizeof(*v));
	into->n += from->n - gap;
	return into->failed ? -ENOMEM : 0;
}

void set_filter(struct object_set *set, bool (*wanted)(const struct object *o))
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (wanted(&set->v[i]))
			set->v[kept++] = set->v[i];
		else
			drop(&set->v[i]);
	}
	set->n = kept;
}

void set_filter_by(struct object_set *set, bool (*wanted)(const struct object *o, const void *arg),
		   const void *arg)
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (wanted(&set->v[i], arg))
			set->v[kept++] = set->v[i];
		else
			drop(&set->v[i]);
	}
	set->n = kept;
}

void set_subtract(struct object_set *set, const struct object_set *gone)
{
	size_t kept = 0, at = 0;

	for (size_t i = 0; i <= gone->n && at < set->n; i++) {
		bool found = false;
		size_t to =
			i < gone->n ? place_from(set->v, at, set->n, &gone->v[i], &found) : set->n;

		if (kept != at && to > at)
			memmove(set->v + kept, set->v + at, (to - at) * sizeof(*set->v));
		kept += to - at;
		at = to;
		if (found)
			drop(&set->v[at++]);
	}
	set->n = set->n - at + kept;
}

void set_done(struct object_set *set)
{
	for (size_t i = 0; i < set->n; i++)
		drop(&set->v[i]);
	free(set->v);
	*set = (struct object_set){ 0 };
}
