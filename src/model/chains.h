/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_CHAINS_H
#define VIA_MODEL_CHAINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A hash index over an array that the caller keeps: for a hash, the positions that may have it. The
 * caller compares the elements. Starts zeroed. An index that ran out of memory is empty, which the
 * caller sees by n (it is not that of the array), and then searches without it.
 */
struct chains {
	bool failed;    /* out of memory: empty for good */
	size_t n;       /* positions 0 to n - 1 are in it */
	size_t room;    /* of hashes and next */
	size_t buckets; /* of heads, a power of two */
	uint32_t *heads, *next, *hashes;
};

#define CHAINS_END UINT32_MAX

/* Puts position n there. */
void chains_push(struct chains *c, uint32_t hash);

/* The array's last element takes the place of this one, and is then gone from the end. */
void chains_remove(struct chains *c, size_t position);

/* The element at that position has another hash. */
void chains_change(struct chains *c, size_t position, uint32_t hash);

/*
 * Positions whose hash is this, the one put there last first; CHAINS_END behind the last. What was
 * removed in between does not matter to chains_next() but for the position it is asked about.
 */
uint32_t chains_first(const struct chains *c, uint32_t hash);
uint32_t chains_next(const struct chains *c, uint32_t position);

uint32_t chains_hash_text(const char *text, size_t len);
uint32_t chains_hash_number(uint32_t number);

void chains_done(struct chains *c);

#endif
