/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_USER_NAMESPACES_H
#define VIA_DAEMON_USER_NAMESPACES_H

#include <stdbool.h>

/*
 * Whether users may make user namespaces with capabilities in them, by what is below /proc/sys
 * (sysctls: its descriptor): user.max_user_namespaces (namespaces(7)),
 * kernel.unprivileged_userns_clone of Debian's and Arch's kernels, and
 * kernel.apparmor_restrict_unprivileged_userns of Ubuntu's. One that is not there forbids nothing.
 */
bool user_namespaces_allowed(int sysctls);

#endif
