/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_CHANGES_H
#define VIA_VERBS_CHANGES_H

#include "model/facts.h"
#include "plan/state.h"

/* What changed about sessions between two observations. Pure. */

/* A session as it was seen. */
struct seen {
	uint32_t id;
	char name[SESSION_NAME_MAX];
	char uplink[IFNAMSIZ]; /* the last one that it used, also while it is blocked */
	enum session_state state;
	const char *reason; /* of a fixed text */
};

struct sights {
	struct seen *v;
	size_t n, size;
};

enum change {
	CHANGE_ADDED,
	CHANGE_REMOVED,
	CHANGE_UPLINK,
	CHANGE_STATE,
	CHANGE_COUNT,
};

/* "added", "removed", "uplink", "state" */
const char *change_name(enum change change);

/* All sessions of the facts but probe sessions, or with an id that one. Returns 0 or -ENOMEM. */
int changes_see(const struct facts *f, uint32_t id, struct sights *ret);
void changes_done(struct sights *s);

/*
 * Tells each difference, session by session; what is passed on is how it is now, or was at last.
 * Takes over from before what now cannot tell: the last uplink of a blocked session.
 */
typedef void (*change_teller)(enum change change, const struct seen *s, void *arg);
void changes_tell(const struct sights *before, struct sights *now, change_teller tell, void *arg);

#endif
