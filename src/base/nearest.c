/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/nearest.h"

#include <string.h>

#define PREFIX_MIN 3 /* bytes of a word that is taken for the beginning of another */
#define CUT_MAX    4 /* and how many more that has */

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

size_t nearest_distance(const char *a, const char *b)
{
	/* rows of the table of distances between the beginnings of a and of b */
	size_t rows[3][NEAREST_WORD_MAX + 1], *before = rows[0], *last = rows[1], *row = rows[2];
	const size_t na = strlen(a), nb = strlen(b);

	for (size_t j = 0; j <= nb; j++)
		last[j] = j;
	for (size_t i = 1; i <= na; i++) {
		size_t *spare = before;

		row[0] = i;
		for (size_t j = 1; j <= nb; j++) {
			row[j] = least(least(last[j], row[j - 1]) + 1,
				       last[j - 1] + (a[i - 1] != b[j - 1]));
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = least(row[j], before[j - 2] + 1);
		}
		before = last;
		last = row;
		row = spare;
	}
	return last[nb];
}

/* How many mistakes are believed: in a short word another one is as likely as a mistake. */
static size_t most(size_t len)
{
	return len < 3 ? 0 : len < 6 ? 1 : 2;
}

void nearest_offer(struct nearest *n, const char *name)
{
	const size_t len = strlen(n->word), limit = most(len);
	size_t distance;

	if (len > NEAREST_WORD_MAX || strlen(name) > NEAREST_WORD_MAX)
		return;
	distance = nearest_distance(n->word, name);
	if (len >= PREFIX_MIN && distance > limit && distance <= CUT_MAX &&
	    !strncmp(name, n->word, len))
		distance = NEAREST_WORD_MAX;
	else if (!distance || distance > limit)
		return;
	if (n->best && distance >= n->distance)
		return;
	n->best = name;
	n->distance = distance;
}
