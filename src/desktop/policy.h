/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_POLICY_H
#define VIA_DESKTOP_POLICY_H

#include <limits.h>

#include "base/err.h"

/*
 * The files of the app policy that `desktop always` writes: one for each app, in the user's own
 * directory (launch/apps.h), of which the first line says whose it is. Any other file is left as
 * it is.
 */

/* Where that of an entry is. 0, or -ENOENT where there is no home. */
int policy_path(const char *id, char ret[PATH_MAX], struct err *err);

/*
 * Writes that programs[0]… goes by these uplinks: into the section that the policy has of it, else
 * into one of its own. What it says is read back with all other files: where another one has the
 * last word, that is an error, and the file is removed again.
 */
int policy_write(const char *id, char **program, const char *uplinks, struct err *err);

/* Removes it, where there is one of ours: 1, 0 or a negative errno. */
int policy_remove(const char *id, struct err *err);

#endif
