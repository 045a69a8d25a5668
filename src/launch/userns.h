/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_USERNS_H
#define VIA_LAUNCH_USERNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/request.h"

/* Without a file capability: in a user namespace of its own a process has all capabilities. */

/* Whether that uid may be root's, which the caller's user namespace does not know. */
bool userns_hides_root(uid_t uid);

/*
 * Makes a user namespace, in which the caller keeps its uid and gid, and a netns that belongs to
 * it, and enters both, with all capabilities there; *ret_netns is the netns. An error has `why`,
 * which is why there is no file capability.
 */
int userns_enter(const struct request *request, const char *why, int *ret_netns, struct err *err);

/*
 * After userns_enter(): another netns in place of that one, which ends as nothing else holds it.
 * *netns is closed and replaced; -1 after an error.
 */
int userns_other_netns(int *netns, struct err *err);

#endif
