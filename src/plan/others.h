/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_OTHERS_H
#define VIA_PLAN_OTHERS_H

#include "plan/doctor.h"

/* The device of the host's default route, by its index; 0: it has none. */
int host_default_device(const struct facts *f, uint8_t family);

/*
 * Rules of other programs that take what sessions send or get, and that nothing of ours can come
 * before. Of facts without stops (net/stops.h) routing rules alone.
 */

/* Why a session has no way out because of them: half a sentence; NULL when it has one. */
const char *others_stop(const struct facts *facts, const struct session *s);

/* Adds which rules those are; of one session, or with NULL of each. */
void others_check(const struct facts *facts, const struct session *one, struct findings *ret);

#endif
