/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_REFUSED_H
#define VIA_DAEMON_REFUSED_H

#include <net/if.h>
#include <stdint.h>

#include "model/facts.h"
#include "model/refusals.h"

/*
 * What the kernel refused for one uplink, one session, or in other firewalls' tables, and when it
 * is tried again. All others go on. What is refused twice, the second time on new facts, is
 * blocked: sessions of such an uplink go to another of their list, or have no slot; a session has
 * nothing on the host but its port, which is down; an accept in another firewall is left out. The
 * next attempt comes after REFUSED_WAIT_MS, then after twice as long each time (backoff).
 * What a blocked uplink has besides stays as it is: a fence must not go while forwarding stays on.
 * A removal that is refused blocks nothing.
 */
#define REFUSED_WAIT_MS     1000
#define REFUSED_WAIT_MAX_MS 32000

struct refused_entry {
	char uplink[IFNAMSIZ]; /* "": no uplink */
	uint32_t session;      /* 0: no session; neither: other firewalls */
	bool removal;          /* or what nobody wants any more */
	struct session_refused what;
	unsigned int times;  /* in a row */
	int64_t wait, until; /* ms; clock_ms() up to which it is blocked */
	bool failed;         /* in the attempt at hand */
};
struct refused {
	struct refused_entry *v;
	size_t n, size;
};

/* Into facts of now: which uplinks are blocked (facts.refused). Returns 0 or -ENOMEM. */
int refused_tell(const struct refused *r, struct facts *f, int64_t now);

/* Marks the sessions that are blocked on their own, and takes from what is wanted what is theirs.
 */
void refused_mark(const struct refused *r, struct facts *f, int64_t now);
void refused_leave_out(const struct refused *r, const struct facts *f, struct object_set *want,
		       int64_t now);

/*
 * The end of an attempt at all that is not blocked: what was refused in it. What was refused before
 * and is not now is over. Returns 0 or -ENOMEM.
 */
int refused_note(struct refused *r, const struct facts *f, const struct refusals *refusals,
		 int64_t now);

/* Somebody asks for that uplink: it is tried now. */
void refused_lift(struct refused *r, struct facts *f, const char *uplink, int64_t now);

/* clock_ms() of the next attempt; INT64_MAX: nothing is blocked. */
int64_t refused_due(const struct refused *r);

/* Whether a session lacks anything of what was refused. */
bool refused_concerns(const struct refusals *refusals, const struct session *s);

void refused_done(struct refused *r);

#endif
