/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_HEALING_H
#define VIA_DAEMON_HEALING_H

#include "daemon/connections.h"
#include "daemon/host_state.h"

/*
 * When the host is brought back to what its sessions want. Events come in bursts, so healing waits
 * for COALESCE_MS after the first (debounce); a failed attempt is repeated after a second.
 *
 * An observation that found something to change is followed by another one: only facts that are
 * newer than our own changes show whether an event was caused by somebody else. On a host where
 * something always changes these second observations are made less and less often (backoff).
 */
struct healing {
	int64_t at;     /* clock_ms(); 0: nothing is to be healed */
	bool verifying; /* `at` is for a second observation alone */
	int changes;    /* observations in a row that found something to change */
};

/* The host differs from what its sessions want. What failed a moment ago keeps its time. */
void healing_soon(struct healing *h);

/* To be called once a turn of the loop, before it waits. */
void healing_schedule(struct healing *h, const struct host_state *host);

/* clock_ms() at which healing_run() is due; INT64_MAX: never. */
int64_t healing_deadline(const struct healing *h, const struct host_state *host);

/*
 * Heals what is due. Where descriptors are used up the connection that has been silent for longest
 * is closed. True when an attempt was made.
 */
bool healing_run(struct healing *h, struct host_state *host, struct connections *connections);

#endif
