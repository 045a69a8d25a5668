/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_CAPS_H
#define VIA_LAUNCH_CAPS_H

#include <stdbool.h>

#include "base/err.h"

/*
 * cap_sys_admin, which the file may have brought: permitted, and effective only between
 * caps_raise() and caps_drop(). The system calls themselves (capget(2)): a library would read
 * /proc first, each time.
 */

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
