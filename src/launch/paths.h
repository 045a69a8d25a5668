/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_PATHS_H
#define VIA_LAUNCH_PATHS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * Files at paths that others may have a hand in: `sudo` may leave HOME. Root follows a symbolic
 * link only when it is root's own; one of another user, anywhere on the way, could lead root to
 * write, remove or read whatever that user likes. Anybody else follows links as ever. Each
 * component is opened relative to the one before, so that a link that is put there meanwhile is
 * seen.
 */

/* As open(2) with O_CLOEXEC, of what exists: a descriptor, or -errno; -ELOOP for such a link. */
int path_open(const char *path, int flags);

/*
 * The directory that the last component of an absolute path is in, as an O_PATH descriptor, and
 * that component's name; -errno when it fails. make: what is missing is made, with mode 0700
 * (basedir-spec).
 */
int path_parent(const char *path, bool make, const char **ret_name);

/* As unlink(2): 0 or -errno. */
int path_unlink(const char *path);

/* err_errno() with a hint for -ELOOP. */
int path_error(struct err *err, int code, const char *did, const char *path);

#endif
