/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_APPS_H
#define VIA_VERBS_APPS_H

#include "launch/apps.h"
#include "launch/launch.h"
#include "plan/apps.h"

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
 * Fills in what the app policy says of o->program and the command line does not; user is whom the
 * program is to run as, or NULL. Arguments for a separate instance go behind the program's name.
 * Then the request is checked. A failure, too: no uplink on the command line, and none in the
 * policy.
 */
int apps_apply(struct launch_options *o, const struct handover_user *user, struct err *err);

#endif
