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

/*
 * The first routing rule of others, before the numbers of ours, that takes a session's packets to a
 * destination, where the kernel has that answer (net/route_lookup.h): by a route of that table, or
 * with an error. NULL: none that is known to.
 */
struct others_lookup {
	const struct session *session;
	struct ip from, to;
	bool stopped;   /* with an error */
	uint32_t table; /* otherwise */
};
const struct fact_rule *others_rule(const struct facts *f, const struct others_lookup *l);

/* Adds that it does. heal: the command that starts a daemon, which puts ours first; or NULL. */
#define OTHERS_RULE_ID "routing-rule-first"
void others_tell_rule(const struct fact_rule *r, const char *heal, struct findings *ret);

/* Why a session has no way out because of them: half a sentence; NULL when it has one. */
const char *others_stop(const struct facts *facts, const struct session *s);

/* Adds which rules those are; of one session, or with NULL of each. */
void others_check(const struct facts *facts, const struct session *one, struct findings *ret);

#endif
