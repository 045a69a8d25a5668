/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_REST_H
#define VIA_PLAN_REST_H

#include <stdbool.h>

#include "model/session.h"

/*
 * When an address may be handed out again. What others still send for its former session would
 * reach the next one: by an entry in connection tracking, so those are deleted first; and by what
 * they were told otherwise (a tracker, a game server), so the address rests. Addresses are told by
 * their place in the pool (struct session, host); both families have the same.
 *
 * Times are clock_ms(). Nothing here outlives the daemon.
 */

#define REST_MS 120000

struct rest {
	struct rest_host {
		bool used;     /* a session had it when rest_note() was called last */
		bool tracked;  /* none has; its connection tracking entries are yet to be deleted */
		bool going;    /* they are being deleted; not, when another session ended since */
		int64_t ended; /* when the last session that had it ended; 0: unknown */
	} hosts[SESSION_HOST_LAST + 1];
	size_t n_tracked;
};

/*
 * Takes in the sessions that there are: an address that was used and is not any more has ended
 * now, and counts as tracked. Proportional to the size of the pool, a few microseconds.
 */
void rest_note(struct rest *r, const struct session *sessions, size_t n, int64_t now);

/* The address was in use for a moment, by a launch that failed. */
void rest_end(struct rest *r, uint32_t host, int64_t now);

/* Counts every address that is not used as tracked: for a daemon that takes over. */
void rest_unknown(struct rest *r);

/*
 * The entries of all addresses that are not used are about to be deleted, and have been deleted.
 * One whose session ends in between stays tracked.
 */
void rest_delete(struct rest *r);
void rest_deleted(struct rest *r);

/*
 * Round-robin from `first`: an address that is neither a session's nor tracked, and has rested;
 * where there is none, the one that has rested for longest. False when all are in use or tracked.
 */
bool rest_choose(const struct rest *r, const struct session *sessions, size_t n, uint32_t first,
		 int64_t now, uint32_t *ret);

/*
 * Where round-robin starts in a daemon that knows nothing of its predecessors: eight addresses a
 * second on, so that they come round in more than REST_MS. A daemon that starts anew for each of
 * many short sessions, not more than that, does not hand out an address again before it rested.
 */
uint32_t rest_first(int64_t now);

#endif
