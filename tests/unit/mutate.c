/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "mutate.h"

#include <string.h>

/* xorshift64* (doi:10.1145/2845077) */
uint32_t chance(struct chance *c, uint32_t below)
{
	c->state ^= c->state >> 12;
	c->state ^= c->state << 25;
	c->state ^= c->state >> 27;
	return (uint32_t)((c->state * 2685821657736338717u) >> 33) % below;
}

/* An edge of a length, a count or a type, written at a place where such may stand. */
static void put_edge(struct chance *c, uint8_t *bytes, size_t len)
{
	static const uint64_t edges[] = { 0,         1,        3,          4,          5,
					  7,         8,        16,         255,        256,
					  0x7fff,    0x8000,   0xffff,     0x10000,    1 << 26,
					  INT32_MAX, 1u << 31, UINT32_MAX, 1ull << 32, INT64_MAX,
					  UINT64_MAX };
	uint64_t v = edges[chance(c, sizeof(edges) / sizeof(edges[0]))];
	size_t size = (size_t)1 << chance(c, 4), at = chance(c, (uint32_t)len) / size * size;

	if (at + size <= len)
		memcpy(bytes + at, &v, size); /* its low bytes, on most machines */
}

void mutate(struct chance *c, void *bytes, size_t len)
{
	uint8_t *b = bytes;

	for (uint32_t n = len ? 1 + chance(c, 4) : 0; n; n--) {
		size_t at = chance(c, (uint32_t)len), from = chance(c, (uint32_t)len);
		size_t most = len - (at > from ? at : from);

		switch (chance(c, 4)) {
		case 0:
			b[at] ^= (uint8_t)(1u << chance(c, 8));
			break;
		case 1:
			b[at] = (uint8_t)chance(c, 256);
			break;
		case 2:
			put_edge(c, b, len);
			break;
		default:
			memmove(b + at, b + from, 1 + chance(c, (uint32_t)(most < 16 ? most : 16)));
			break;
		}
	}
}
