/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_NEAREST_H
#define VIA_BASE_NEAREST_H

#include <stddef.h>

/*
 * Which of some names a mistyped word most likely means: the one of the smallest edit distance, by
 * insertions, deletions, substitutions and transpositions of neighbouring bytes (optimal string
 * alignment); where none is near, the first that has up to four bytes behind the word. Start with
 * { .word = word }, offer each name, then read best; names are borrowed.
 */
#define NEAREST_WORD_MAX 40 /* longer words, and names, are near nothing */

struct nearest {
	const char *word;
	const char *best; /* NULL: none is near enough */
	size_t distance;  /* of best */
};

void nearest_offer(struct nearest *n, const char *name);

/* The edit distance of two words of up to NEAREST_WORD_MAX bytes. */
size_t nearest_distance(const char *a, const char *b);

#endif
