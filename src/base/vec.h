/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_VEC_H
#define VIA_BASE_VEC_H

#include <stdlib.h>

/*
 * A growing array is any struct with members v (pointer), n and size. VEC_PUSH() returns a
 * zeroed new last element, or NULL when out of memory.
 */
#define VEC_PUSH(vec)                                                                              \
	((__typeof__((vec)->v))vec_push((void **)&(vec)->v, &(vec)->n, &(vec)->size,               \
					sizeof(*(vec)->v)))
#define VEC_DONE(vec)                                                                              \
	do {                                                                                       \
		free((vec)->v);                                                                    \
		(vec)->v = NULL;                                                                   \
		(vec)->n = (vec)->size = 0;                                                        \
	} while (0)

void *vec_push(void **v, size_t *n, size_t *size, size_t item);

#endif
