/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/chains.h"

#include <stdlib.h>

void chains_done(struct chains *c)
{
	free(c->heads);
	free(c->next);
	free(c->hashes);
	*c = (struct chains){ 0 };
}

static uint32_t *head(struct chains *c, uint32_t hash)
{
	return &c->heads[hash & (c->buckets - 1)];
}

static void link_in(struct chains *c, uint32_t position, uint32_t hash)
{
	uint32_t *first = head(c, hash);

	c->hashes[position] = hash;
	c->next[position] = *first;
	*first = position;
}

static void take_out(struct chains *c, uint32_t position)
{
	uint32_t *at = head(c, c->hashes[position]);

	while (*at != position)
		at = &c->next[*at];
	*at = c->next[position];
}

static bool grow(struct chains *c)
{
	size_t room = c->room ? c->room * 2 : 64;
	uint32_t *heads = malloc(room * sizeof(*heads)),
		 *next = reallocarray(c->next, room, sizeof(*next)),
		 *hashes = reallocarray(c->hashes, room, sizeof(*hashes));

	c->next = next ? next : c->next;
	c->hashes = hashes ? hashes : c->hashes;
	if (!heads || !next || !hashes) {
		free(heads);
		return false;
	}
	free(c->heads);
	c->heads = heads;
	c->room = c->buckets = room;
	for (size_t i = 0; i < c->buckets; i++)
		c->heads[i] = CHAINS_END;
	for (uint32_t i = 0; i < c->n; i++)
		link_in(c, i, c->hashes[i]);
	return true;
}

void chains_push(struct chains *c, uint32_t hash)
{
	if (c->failed)
		return;
	if (c->n == c->room && !grow(c)) {
		chains_done(c);
		c->failed = true;
		return;
	}
	link_in(c, (uint32_t)c->n++, hash);
}

void chains_remove(struct chains *c, size_t position)
{
	uint32_t last = (uint32_t)c->n - 1;

	if (position >= c->n)
		return;
	take_out(c, (uint32_t)position);
	if (position != last) {
		uint32_t hash = c->hashes[last];

		take_out(c, last);
		link_in(c, (uint32_t)position, hash);
	}
	c->n--;
}

void chains_change(struct chains *c, size_t position, uint32_t hash)
{
	if (position >= c->n)
		return;
	take_out(c, (uint32_t)position);
	link_in(c, (uint32_t)position, hash);
}

static uint32_t same_hash(const struct chains *c, uint32_t position, uint32_t hash)
{
	while (position != CHAINS_END && c->hashes[position] != hash)
		position = c->next[position];
	return position;
}

uint32_t chains_first(const struct chains *c, uint32_t hash)
{
	return c->n ? same_hash(c, c->heads[hash & (c->buckets - 1)], hash) : CHAINS_END;
}

uint32_t chains_next(const struct chains *c, uint32_t position)
{
	return same_hash(c, c->next[position], c->hashes[position]);
}

/* FNV-1a (draft-eastlake-fnv), which is enough for names: a long chain costs time alone. */
uint32_t chains_hash_text(const char *text, size_t len)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < len; i++)
		h = (h ^ (unsigned char)text[i]) * 16777619u;
	return h ^ h >> 16;
}

uint32_t chains_hash_number(uint32_t number)
{
	uint32_t h = number * 2654435769u; /* Knuth, The Art of Computer Programming, 6.4 */

	return h ^ h >> 16;
}
