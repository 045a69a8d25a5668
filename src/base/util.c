/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/util.h"

#include <string.h>
#include <time.h>

int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int64_t read_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

int64_t clock_ns(void)
{
	return read_ns(CLOCK_MONOTONIC);
}

int64_t cpu_ns(void)
{
	return read_ns(CLOCK_THREAD_CPUTIME_ID);
}

uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len)
{
	const uint8_t *at = bytes;

	for (size_t i = 0; i < len; i++)
		h = (h ^ at[i]) * 1099511628211u;
	return h;
}

bool word_listed(const char *list, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = list; len && *at;) {
		size_t n = strcspn(at, " ");

		if (n == len && !memcmp(at, word, n))
			return true;
		at += n + (at[n] == ' ');
	}
	return false;
}
