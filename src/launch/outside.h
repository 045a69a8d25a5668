/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_OUTSIDE_H
#define VIA_LAUNCH_OUTSIDE_H

#include <sys/types.h>

#include "base/err.h"
#include "launch/app_policy.h"
#include "launch/instances.h"
#include "launch/launch.h"

/*
 * Whether a program would have its work done by a process outside of its session: a server, a
 * service manager, an instance that runs already. That process's traffic would be outside, too. The
 * app policy (launch/app_policy.h) says which programs do so; here it is seen whether one does now.
 */

struct outside_question {
	const struct apps *apps;
	char *const *argv;
	uid_t uid;                   /* of the program */
	struct instance_scope scope; /* no uplinks: not known, of a session that runs */
	/* What stands before argv on the command line of via-iface, from its verb on, or "" in the
	 * verb's place; n_line 0: it is not known. For commands in the line. */
	char *const *line;
	int n_line;
};

struct outside_found {
	enum app_outside_how how;
	pid_t pid;       /* of who does the work; 0: not known */
	char name[64];   /* of the program, for people */
	bool separate;   /* --separate starts one of its own */
	struct err line; /* who does the work, and what can be done */
};

/*
 * The section for what a command line would start, or NULL. It looks through wrappers
 * (launch/wrappers.h). *ret_argv, unless NULL, is where the program itself stands.
 */
const struct app *outside_section(const struct apps *apps, char *const argv[],
				  char *const **ret_argv);

/*
 * Returns 1 when another process does the work, 0 when it is none that the app policy knows, or
 * none of that runs outside now.
 */
int outside_find_server(const struct outside_question *q, struct outside_found *ret);

/*
 * How many words of a command line start the program and no more: without its arguments, which
 * would be handed over as well.
 */
size_t outside_plain_length(char *const argv[]);

/*
 * For a launch, by what apps_load_for() read. A start that would be handed over is refused, unless
 * o->allow_handover; then err is set. Of others the line goes to ret, or with o->strict to err.
 * uplinks: of the session, empty where that is not known.
 */
int outside_check(const struct launch_options *o, const struct handover *h, const struct apps *apps,
		  const struct uplink_list *uplinks, struct err *ret, struct err *err);

#endif
