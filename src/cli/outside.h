/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_OUTSIDE_H
#define VIA_CLI_OUTSIDE_H

#include <sys/types.h>

#include "base/err.h"
#include "cli/instances.h"

/* Whether a program would have its work done by a process outside of its session (programs.h). */

struct outside_question {
	char *const *argv;
	uid_t uid;                   /* of the program */
	struct instance_scope scope; /* uplinks "": not known, of a session that runs */
};

/*
 * Returns 1 with one line in ret: who does the work, and what can be done. 0 when it is none that
 * the table knows, or none of that runs outside now.
 */
int outside_look(const struct outside_question *q, struct err *ret);

#endif
