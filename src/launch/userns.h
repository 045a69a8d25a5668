/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_USERNS_H
#define VIA_LAUNCH_USERNS_H

#include <stdbool.h>
#include <sys/types.h>

#include "model/request.h"

/* The way without a capability: in a user namespace of its own a process may do all of this. */

/* Whether that uid may be root's, which the caller's user namespace does not know. */
bool userns_hides_root(uid_t uid);

/*
 * Makes a user namespace, in which the caller is who it was, and a netns that belongs to it, and
 * is in both afterwards, with all capabilities there; *ret_netns is the netns. The error says why
 * this way was taken.
 */
int userns_enter(const struct request *request, const char *why, int *ret_netns, struct err *err);

#endif
