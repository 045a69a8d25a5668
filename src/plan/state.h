/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_STATE_H
#define VIA_PLAN_STATE_H

#include "model/facts.h"

/* How a session is: what every verb that shows one says. */
enum session_state {
	STATE_UP,
	STATE_BLOCKED, /* no uplink of its list can serve now, or rules of others take its packets
			*/
	STATE_PAUSED,  /* blocked by hand */
	STATE_CLOSING, /* its programs have ended, a connection has not */
	STATE_COUNT,
};

/* "up", "blocked", "paused", "closing" */
const char *session_state_name(enum session_state state);

/*
 * The state of a session by the facts; ended says that no process is known to be left in it.
 * *ret_reason is half a sentence on why it is not up, "" when it is.
 */
enum session_state session_state(const struct facts *facts, const struct session *s, bool ended,
				 const char **ret_reason);

#endif
