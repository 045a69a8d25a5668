/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_EACH_H
#define VIA_VERBS_EACH_H

#include "cli/words.h"
#include "model/session.h"

/* A verb that does one thing to several sessions: SESSION… or --all. */
struct each {
	enum verb_id verb;
	uint32_t flags; /* enum session_flag, that a session has to have to be meant by --all */
	/* Does it to one: 0, or a negative errno with a line. */
	int (*act)(const struct session *s, bool quiet, struct err *err);
};

/*
 * Finds all sessions that the words name before it touches one, so that a mistyped name changes
 * nothing; --all means those of the caller, for root all, but for probe sessions. Where one fails,
 * that is printed, and the others follow. Returns an exit status.
 */
int each_session(const struct each *e, const struct words *w);

#endif
