/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_SEPARATE_H
#define VIA_LAUNCH_SEPARATE_H

#include "launch/app_policy.h"
#include "launch/launch.h"

/*
 * A separate instance of a program whose second start would be handed to the one that runs: by
 * arguments that the app policy has, with a profile or a session bus of its own. Of the arguments'
 * directories those below ~/.local/share/via-iface are made (mode 0700), as the program's user:
 * Firefox does not make the one that --profile names.
 *
 * Each puts the arguments into o->program (then o->made and o->made_bytes are the caller's to
 * free), unless one of them is there already. 0, or a negative errno with the error.
 */

/*
 * By `separate-instance` of an app, for the program at o->program[at]: with o->separate, which is
 * done then and cleared, with `separate = always`, or when one runs already.
 */
int separate_by_policy(struct launch_options *o, const struct app *app, size_t at,
		       const struct handover_user *user, struct err *err);

/*
 * For o->separate, where the app has none: by `outside-separate` of the section for the command
 * line. uplinks: of the session. Fails where that section has none, or nothing is known of the
 * program.
 */
int separate_as_asked(struct launch_options *o, const struct apps *apps,
		      const struct uplink_list *uplinks, const struct handover_user *user,
		      struct err *err);

#endif
