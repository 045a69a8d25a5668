/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/diff.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int push(struct steps *steps, enum step_action action, const struct object *want,
		const struct object *have)
{
	if (steps->n == steps->size) {
		size_t size = steps->size ? steps->size * 2 : 32;
		struct step *v = reallocarray(steps->v, size, sizeof(*v));

		if (!v)
			return -ENOMEM;
		steps->v = v;
		steps->size = size;
	}
	steps->v[steps->n++] = (struct step){ .action = action, .want = want, .have = have };
	return 0;
}

static bool one_chain(const struct object *a, const struct object *b)
{
	return a->kind == OBJ_NFT_RULE && b->kind == OBJ_NFT_RULE && a->family == b->family &&
	       a->place == b->place && !strcmp(a->nft_rule.chain, b->nft_rule.chain);
}

/* How many objects from v on are rules of v[0]'s chain. */
static size_t chain_length(const struct object *v, size_t left)
{
	size_t n = 0;

	while (n < left && one_chain(&v[0], &v[n]))
		n++;
	return n;
}

static bool chains_same(const struct object *want, size_t n_want, const struct object *have,
			size_t n_have)
{
	if (n_want != n_have)
		return false;
	for (size_t i = 0; i < n_want; i++)
		if (!object_same(&want[i], &have[i]))
			return false;
	return true;
}

/* All rules of a chain, or none of them. */
static int diff_chain(const struct object *want, size_t n_want, const struct object *have,
		      size_t n_have, struct steps *steps)
{
	int r = 0;

	if (n_have && chains_same(want, n_want, have, n_have))
		return 0;
	for (size_t i = 0; i < n_want && r == 0; i++)
		r = push(steps, n_have ? STEP_CHANGE : STEP_ADD, &want[i],
			 i < n_have ? &have[i]
			 : n_have   ? &have[0]
				    : NULL);
	return r;
}

/*
 * The families whose table of ours must be made anew: a dormant one, and a chain or set whose
 * definition was changed cannot be mended in place while others refer to it.
 */
struct rebuild {
	bool family[256];
};

static bool is_gone(const struct rebuild *rebuild, const struct object *o)
{
	return o->place == PLACE_HOST && object_is_nft(o) && o->kind != OBJ_NFT_ACCEPT &&
	       rebuild->family[o->family];
}

static int find_rebuilds(const struct object_set *want, const struct object_set *have,
			 struct rebuild *ret, struct steps *steps)
{
	int r = 0;

	for (size_t i = 0; i < want->n; i++) {
		const struct object *o = &want->v[i], *h;

		if (o->kind != OBJ_NFT_TABLE && o->kind != OBJ_NFT_CHAIN && o->kind != OBJ_NFT_SET)
			continue;
		h = set_find(have, o);
		if (h && !object_same(o, h))
			ret->family[o->family] = true;
	}
	for (size_t i = 0; i < have->n && r == 0; i++)
		if (have->v[i].kind == OBJ_NFT_TABLE && is_gone(ret, &have->v[i]))
			r = push(steps, STEP_REMOVE, NULL, &have->v[i]);
	return r;
}

static int diff_wanted(const struct object_set *want, const struct object_set *have,
		       const struct rebuild *rebuild, struct steps *steps)
{
	size_t w = 0, h = 0;
	int r = 0;

	while (w < want->n && r == 0) {
		const struct object *o = &want->v[w];
		int order;

		while (h < have->n &&
		       (is_gone(rebuild, &have->v[h]) ||
			(object_compare(&have->v[h], o) < 0 && !one_chain(&have->v[h], o))))
			h++; /* not wanted: removed by diff_unwanted() */
		if (o->kind == OBJ_NFT_RULE) {
			size_t n_want = chain_length(o, want->n - w), n_have = 0;

			if (h < have->n && one_chain(&have->v[h], o))
				n_have = chain_length(&have->v[h], have->n - h);
			r = diff_chain(o, n_want, have->v + h, n_have, steps);
			w += n_want;
			h += n_have;
			continue;
		}
		order = h < have->n ? object_compare(&have->v[h], o) : 1;
		if (order)
			r = push(steps, STEP_ADD, o, NULL);
		else if (!object_same(o, &have->v[h]))
			r = push(steps, STEP_CHANGE, o, &have->v[h]);
		w++;
		h += !order;
	}
	return r;
}

static int diff_unwanted(const struct object_set *want, const struct object_set *have,
			 const struct rebuild *rebuild, struct steps *steps)
{
	int r = 0;

	for (size_t i = have->n; i-- > 0 && r == 0;) {
		const struct object *o = &have->v[i];
		struct object first = *o;

		if (is_gone(rebuild, o))
			continue;
		if (o->kind == OBJ_NFT_RULE) { /* a chain that stays is flushed as a whole */
			first.nft_rule.index = 0;
			if (set_find(want, &first))
				continue;
		}
		if (!set_find(want, o))
			r = push(steps, STEP_REMOVE, NULL, o);
	}
	return r;
}

int diff(const struct object_set *want, const struct object_set *have, struct steps *ret)
{
	struct rebuild rebuild = { 0 };
	struct steps steps = { 0 };
	int r = find_rebuilds(want, have, &rebuild, &steps);

	if (r == 0)
		r = diff_wanted(want, have, &rebuild, &steps);
	if (r == 0)
		r = diff_unwanted(want, have, &rebuild, &steps);
	if (r < 0)
		steps_done(&steps);
	else
		*ret = steps;
	return r;
}

bool step_differs(const struct step *s)
{
	return !s->want || !s->have || !object_same(s->want, s->have);
}

bool steps_have_stray_rule(const struct steps *steps, size_t i, const struct object_set *before)
{
	const struct object *rule = steps->v[i].want;
	size_t n = 0, n_before = 0;

	if (!rule || rule->kind != OBJ_NFT_RULE || rule->nft_rule.index)
		return false;
	for (; i < steps->n && steps->v[i].want && one_chain(steps->v[i].want, rule); i++, n++)
		if (step_differs(&steps->v[i]))
			return false;
	for (size_t j = 0; before && j < before->n; j++)
		n_before += one_chain(&before->v[j], rule);
	return n_before <= n;
}

void steps_done(struct steps *steps)
{
	free(steps->v);
	*steps = (struct steps){ 0 };
}
