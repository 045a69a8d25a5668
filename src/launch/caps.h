/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_CAPS_H
#define VIA_LAUNCH_CAPS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * cap_sys_admin, which the file may have brought: permitted, and effective only between
 * caps_raise() and caps_drop().
 */

/*
 * Leaves it permitted alone, first of all: a file's effective bit makes it effective at once, and a
 * wrapper as NixOS has them (security.wrappers) makes it ambient, so that programs that are started
 * would have it, too. It is inheritable then by that wrapper, and is not any more.
 */
int caps_lower(struct err *err);

/* Whether it may be raised. */
bool caps_granted(void);
/*
 * Whether it counts in that netns. A file capability is granted in every user namespace that maps
 * root to root (systemd's PrivateUsers=yes, say), but counts only for what belongs to that user
 * namespace or to one within (user_namespaces(7)).
 */
bool caps_count_in(int netns);
int caps_raise(struct err *err);

/*
 * Root has its capabilities by its uid, and gets them back at the exec. Any other caller gives up
 * all, for good: permitted and effective are emptied, and checked; inheritable and bounding stay.
 */
int caps_drop(struct err *err);

#endif
