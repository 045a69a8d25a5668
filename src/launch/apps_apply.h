/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_APPS_APPLY_H
#define VIA_LAUNCH_APPS_APPLY_H

#include "launch/app_policy.h"
#include "launch/apps.h"
#include "launch/launch.h"

/*
 * Reads the app policy: the directories of launch/apps.h in their order, in each the files in the
 * order of their names. Directories that are not there hold nothing; the caller's own counts only
 * when it belongs to the caller. A mistake in any file is a failure that names its line.
 * Directories from `end` on are left out: APPS_DIR_COUNT reads all.
 */
int apps_load(enum apps_dir end, struct apps *ret, struct err *err);

/* Adds every mistake of every file of the app policy, as the caller of a launch reads it. */
void apps_mistakes(struct conf_mistakes *ret);

/*
 * The same for a launch of o->program: all, or with o->no_app_policy what is shipped, by which the
 * launch still knows whose work would be done outside. Where no file has the program's name in it
 * (apps_mention()) none is parsed and ret is empty, unless the policy has to name the uplink, or a
 * separate instance is asked for. What files with a mistake say is not known, so a mistake is a
 * failure where one of the files has the name in it, or the policy has to name the uplink; else ret
 * is empty.
 */
int apps_load_for(const struct launch_options *o, bool for_uplink, struct apps *ret,
		  struct err *err);

/*
 * Fills in what apps says of o->program and the command line does not; user is whom the program is
 * to run as, or NULL. Arguments for a separate instance go behind the program's name.
 * Then the request is checked. A failure, too: no uplink on the command line, and none in the
 * policy.
 */
int apps_apply(struct launch_options *o, const struct apps *apps, const struct handover_user *user,
	       struct err *err);

/* Both, for what only looks: a plan, an entry of a menu. */
int apps_load_and_apply(struct launch_options *o, struct err *err);

#endif
