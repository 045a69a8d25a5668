/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_UTIL_H
#define VIA_BASE_UTIL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Milliseconds of a clock that nobody sets (CLOCK_MONOTONIC). */
int64_t clock_ms(void);

/* The same in nanoseconds. */
int64_t clock_ns(void);

/* Nanoseconds of processor time that this thread has had. */
int64_t cpu_ns(void);

/* FNV-1a, 64 bits (RFC 9923): hash goes on from h; start with HASH_START. */
#define HASH_START 14695981039346656037u
uint64_t hash_bytes(uint64_t h, const void *bytes, size_t len);

/* Whether the word is one of a list with one blank between the words. */
bool word_listed(const char *list, const char *word);

#endif
