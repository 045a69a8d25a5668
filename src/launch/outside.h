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
};

/*
 * The section for what a command line would start, or NULL. It looks through wrappers
 * (launch/wrappers.h). *ret_argv, unless NULL, is where the program itself stands.
 */
const struct app *outside_section(const struct apps *apps, char *const argv[],
				  char *const **ret_argv);

/*
 * Returns 1 with one line in ret: who does the work, and what can be done. 0 when it is none that
 * the app policy knows, or none of that runs outside now.
 */
int outside_find_server(const struct outside_question *q, struct err *ret);

/*
 * For a launch, by what apps_load_for() read: the line goes to ret, unless o->quiet. Fails where
 * the program is to be refused (o->strict); then err is set.
 */
int outside_check(const struct launch_options *o, const struct handover *h, const struct apps *apps,
		  struct err *ret, struct err *err);

#endif
