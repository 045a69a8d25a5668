/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_FUZZ_H
#define VIA_TESTS_FUZZ_H

/*
 * What a target is (libFuzzer): one function that is handed bytes. Sanitizers see wrong reads and
 * writes; what else must hold, whatever the bytes are, is said with must().
 */

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition))                                                                  \
			abort();                                                                   \
	} while (0)

/* A copy of exactly that size, so that a byte too far is seen; the caller's to free. */
static inline void *fuzz_copy(const uint8_t *data, size_t size)
{
	void *copy = malloc(size ? size : 1);

	must(copy);
	if (size)
		memcpy(copy, data, size);
	return copy;
}

/* The same, as a string. */
static inline char *fuzz_string(const uint8_t *data, size_t size)
{
	char *copy = malloc(size + 1);

	must(copy);
	if (size)
		memcpy(copy, data, size);
	copy[size] = 0;
	return copy;
}

#endif
