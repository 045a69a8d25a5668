/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_PARSE_H
#define VIA_BASE_PARSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strict parsing: the whole string or nothing, no white space, no sign, no octal. */

/* A decimal number in [min, max]. Returns 0, or -EINVAL or -ERANGE with *ret untouched. */
int parse_u32(const char *s, uint32_t min, uint32_t max, uint32_t *ret);
int parse_u64(const char *s, uint64_t max, uint64_t *ret);

/*
 * True for what the kernel takes as a device name (net/core/dev.c:dev_valid_name): 1 to 15
 * bytes, not "." or "..", no '/', ':' or white space; we also refuse '"' and '\\' and what is not
 * printable (base/text.h), which no tool can print back.
 */
bool ifname_valid(const char *name);

/*
 * True for a session name: 1 to 32 of [A-Za-z0-9._+-], the first one alphanumeric, and not digits
 * alone, since those are the number of a session.
 */
bool session_name_valid(const char *name);

/* The same without the last condition. */
bool session_name_characters(const char *name);

/*
 * Calls take(word, its length, arg) for each word of a list with commas, behind which blanks may
 * be; an empty word is one. Returns the first answer that is not NULL (what is wrong with that
 * word), or NULL.
 */
const char *parse_each(const char *list, const char *(*take)(const char *, size_t, void *),
		       void *arg);

/* Copies src into dst of size bytes; -ENAMETOOLONG and dst untouched when it does not fit. */
int copy_string(char *dst, size_t size, const char *src);

#endif
