/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_VERBS_H
#define VIA_VERBS_VERBS_H

#include "base/err.h"
#include "model/facts.h"

/* The verbs other than a run. Each returns an exit status; argv[0] is the verb itself. */
int verb_list(int argc, char *argv[]);
int verb_move(int argc, char *argv[]);
int verb_pause(int argc, char *argv[]); /* and resume */
int verb_plan(int argc, char *argv[]);
int verb_run(int argc, char *argv[]);

/*
 * The session that a word of the command line means: one of the caller's by name, else anybody's
 * by name, else by id. NULL with a line that says so; borrowed from the facts.
 */
const struct session *find_session(const struct facts *f, const char *word, struct err *err);

/* The facts, as a caller sees them. */
int look(unsigned int what, struct facts *ret, struct err *err);

#endif
