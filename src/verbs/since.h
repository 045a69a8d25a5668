/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_SINCE_H
#define VIA_VERBS_SINCE_H

#include <time.h>

#include "base/err.h"

/*
 * A point in the past, in local time: "10m" (s, m, h, d) ago, "today", "14:30[:05]", today or, if
 * that is yet to come, yesterday, "2026-03-01[ 14:30[:05]]", "@SECONDS" of the epoch. Returns 0 or
 * -EINVAL with a line. Pure but for the time zone.
 */
int since_parse(const char *text, time_t now, time_t *ret, struct err *err);

#endif
