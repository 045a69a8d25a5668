/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_RATE_LIMITS_H
#define VIA_MODEL_RATE_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * --rate: how fast a session may receive (down) and send (up), in bytes a second of whole frames,
 * as tc(8) counts them. Both are set, or neither: then there is no limit.
 */

#define RATE_MIN             8000u       /* 64kbit */
#define RATE_MAX             4000000000u /* 32gbit: a rate of tc's has 32 bits (struct tc_ratespec) */
#define RATE_LIMITS_TEXT_MAX 48

/* Without padding. */
struct rate_limits {
	uint32_t down, up;
};

/*
 * Reads "DOWN[/UP]", each a number with a fraction or without and one of kbit, mbit and gbit, in
 * powers of ten as tc(8) has them; without UP that is DOWN too. Returns NULL, or what is wrong with
 * the text; *ret is then untouched.
 */
const char *rate_limits_read(const char *text, struct rate_limits *ret);

/* Whether the struct is as above, whoever filled it. */
bool rate_limits_valid(const struct rate_limits *r);

bool rate_limits_equal(const struct rate_limits *a, const struct rate_limits *b);

/* Whether one of the two is above the limit's; of no limit nothing is. */
bool rate_limits_exceed(const struct rate_limits *r, const struct rate_limits *limit);

/* "10mbit/2mbit", which rate_limits_read() reads. Fills ret and returns it. */
const char *rate_limits_format(const struct rate_limits *r, char ret[RATE_LIMITS_TEXT_MAX]);

#endif
