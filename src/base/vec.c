/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"

#include <string.h>

void *vec_push(void **v, size_t *n, size_t *size, size_t item)
{
	char *last;

	if (*n == *size) {
		size_t more = *size ? *size * 2 : 16;
		void *bigger = reallocarray(*v, more, item);

		if (!bigger)
			return NULL;
		*v = bigger;
		*size = more;
	}
	last = (char *)*v + *n * item;
	memset(last, 0, item);
	++*n;
	return last;
}
