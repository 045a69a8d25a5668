/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_SAMPLES_H
#define VIA_VERBS_SAMPLES_H

#include "base/err.h"
#include "verbs/destinations.h"
#include "verbs/rates.h"

/*
 * What `top` shows: of each session that the caller may see how fast it is, by the counters of its
 * port, and with whom it speaks, by the connections that the kernel tracks in its netns. Those the
 * daemon reads (MSG_FLOWS), for the owner and root.
 */

struct sample {
	uint32_t id;
	uint64_t since; /* numbers are given again: of the session that started then */
	int64_t at;     /* clock_ns(); 0: its connections are not known, for the reason in why */
	bool rated;     /* there was one before, so that rates are known */
	struct flows flows;
	struct destinations to;
	struct err why;
};

struct samples {
	struct sample *v;
	size_t n, size;
	struct rates rates;
};

/* Whether the caller may see what a session does: it is theirs, or they are root. */
bool samples_show(const struct session *s);

/*
 * Takes one of each session that is shown, in place of those before. A session whose port has not
 * counted a byte since is not asked for. The facts are observed with OBSERVE_COUNTERS at a time by
 * clock_ns(). Returns 0 or a negative errno; that one session's connections cannot be read is no
 * failure.
 */
int samples_take(struct samples *all, const struct facts *f, int64_t at, struct err *err);
void samples_done(struct samples *s);

/* Of one session; NULL: there is none. Borrowed. */
const struct sample *samples_of(const struct samples *all, const struct session *s);

#endif
