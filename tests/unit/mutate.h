/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_MUTATE_H
#define VIA_TESTS_MUTATE_H

/* Valid bytes made a little invalid, the same way in every run. */

#include <stddef.h>
#include <stdint.h>

struct chance {
	uint64_t state; /* a seed, not 0 */
};

/* A number from 0 to below - 1. */
uint32_t chance(struct chance *c, uint32_t below);

/* Changes one to four places: bits, bytes, numbers at the edges, copies of other places. */
void mutate(struct chance *c, void *bytes, size_t len);

#endif
