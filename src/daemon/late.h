/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_LATE_H
#define VIA_DAEMON_LATE_H

#include <stdbool.h>
#include <stdint.h>

#include "model/facts.h"
#include "plan/plan.h"

/*
 * How long what the host has for an uplink outlives the last session there. The far side of a
 * connection may go on to send when the session has ended, and the host answers: as long as our
 * rules are there, by that uplink (plan/late.c), and the far side sends no more; without them by
 * the routes of the main table, which may lead to another card. So the uplink stays until the
 * conntrack entries of the session were looked at, and for LATE_DEFAULT_S more where one was
 * unfinished (net/conntrack.h). That is how long the kernel itself keeps the connection of a
 * program that has ended (ip-sysctl.rst, tcp_fin_timeout). A session costs nothing here while it
 * runs.
 *
 * Times are clock_ms(). Nothing here outlives the daemon. Starts zeroed.
 */

#define LATE_DEFAULT_S 60
#define LATE_LOOK_MS   2000 /* an end until its entries were looked at: daemon/entries.c */

struct late {
	struct late_slot {
		int64_t ended;    /* a session ended, whose entries are still to be looked at: until
				     then */
		int64_t answered; /* one had an unfinished connection: until then */
	} slots[PLAN_SLOT_MAX + 1];
};

/* A session of that slot has ended; and a connection of such a one was unfinished. 0 is no
 * uplink's. */
void late_ended(struct late *l, uint32_t slot, int64_t now);
void late_unfinished(struct late *l, uint32_t slot, int64_t until);

bool late_keeps(const struct late *l, uint32_t slot, int64_t now);

/* Until when the last unfinished connection is answered; 0 or past: there is none. */
int64_t late_last(const struct late *l);

/* When the first of those slots in the facts goes that stay for this reason; INT64_MAX: none does.
 */
int64_t late_due(const struct late *l, const struct facts *f);

#endif
