/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rate_limits.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#define WRONG                                                                                      \
	"it is DOWN or DOWN/UP, each a number with kbit, mbit or gbit, from 64kbit to 32gbit: "    \
	"10mbit/2mbit"

static const struct {
	const char *name;
	uint64_t bits;
} units[] = { { "gbit", 1000000000 }, { "mbit", 1000000 }, { "kbit", 1000 } };

#define UNITS (sizeof(units) / sizeof(units[0]))

/* Digits with a fraction of as many as the unit has; *text is then at the unit. */
static bool read_number(const char **text, uint64_t *ret_thousandths)
{
	uint64_t n = 0;
	unsigned int digits = 0, places = 0;
	const char *c = *text;

	for (; *c >= '0' && *c <= '9' && digits < 9; c++, digits++)
		n = n * 10 + (uint64_t)(*c - '0');
	if (!digits)
		return false;
	if (*c == '.') {
		for (c++; *c >= '0' && *c <= '9' && places < 3; c++, places++)
			n = n * 10 + (uint64_t)(*c - '0');
		if (!places)
			return false;
	}
	for (; places < 3; places++)
		n *= 10;
	*text = c;
	*ret_thousandths = n;
	return true;
}

/* One rate, of len bytes. */
static bool read_rate(const char *text, size_t len, uint32_t *ret)
{
	const char *end = text + len;
	uint64_t n;

	if (!read_number(&text, &n))
		return false;
	for (size_t i = 0; i < UNITS; i++) {
		size_t unit = strlen(units[i].name);

		if ((size_t)(end - text) != unit || memcmp(text, units[i].name, unit) != 0)
			continue;
		n = n * units[i].bits / 1000 / 8;
		*ret = (uint32_t)n;
		return n >= RATE_MIN && n <= RATE_MAX;
	}
	return false;
}

const char *rate_limits_read(const char *text, struct rate_limits *ret)
{
	size_t len = strcspn(text, "/");
	struct rate_limits r;

	if (!read_rate(text, len, &r.down))
		return WRONG;
	r.up = r.down;
	if (text[len] && !read_rate(text + len + 1, strlen(text + len + 1), &r.up))
		return WRONG;
	*ret = r;
	return NULL;
}

static bool in_range(uint32_t rate)
{
	return rate >= RATE_MIN && rate <= RATE_MAX;
}

bool rate_limits_valid(const struct rate_limits *r)
{
	return (!r->down && !r->up) || (in_range(r->down) && in_range(r->up));
}

bool rate_limits_equal(const struct rate_limits *a, const struct rate_limits *b)
{
	return a->down == b->down && a->up == b->up;
}

bool rate_limits_exceed(const struct rate_limits *r, const struct rate_limits *limit)
{
	return limit->down && (r->down > limit->down || r->up > limit->up);
}

/* In the largest unit in which three places behind the point say it, else in the smallest. */
static int format_rate(uint32_t rate, char *to, size_t size)
{
	const uint64_t bits = (uint64_t)rate * 8;
	size_t i = 0;
	uint64_t n;
	int len;

	while (i + 1 < UNITS && (bits < units[i].bits || bits * 1000 % units[i].bits))
		i++;
	n = bits * 1000 / units[i].bits;
	len = snprintf(to, size, "%" PRIu64, n / 1000);
	if (n % 1000) {
		len += snprintf(to + len, size - (size_t)len, ".%03" PRIu64, n % 1000);
		while (to[len - 1] == '0')
			to[--len] = 0;
	}
	return len + snprintf(to + len, size - (size_t)len, "%s", units[i].name);
}

const char *rate_limits_format(const struct rate_limits *r, char ret[RATE_LIMITS_TEXT_MAX])
{
	int len = format_rate(r->down, ret, RATE_LIMITS_TEXT_MAX);

	if (r->up != r->down) {
		ret[len++] = '/';
		format_rate(r->up, ret + len, RATE_LIMITS_TEXT_MAX - (size_t)len);
	}
	return ret;
}
