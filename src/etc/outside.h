/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_OUTSIDE_H
#define VIA_ETC_OUTSIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Servers on path sockets by which the C library looks host names up instead of asking a name
 * server: nscd (nscd(8)), systemd-resolved (nss-resolve(8)) and avahi-daemon (nss-mdns). A path
 * socket crosses network namespaces: such a server asks by the way out of its own.
 */

/* The server, and its socket: for a message. */
struct outside {
	const char *who, *path;
};

/*
 * Whether a process whose root directory is `root` (a descriptor of it) looks host names up by such
 * a server, and the server is in another netns than `netns` (inode; 0: wherever it is). With
 * `own_nsswitch` the process has an nsswitch.conf of ours, which leaves nscd alone.
 */
bool outside_find(int root, uint64_t netns, bool own_nsswitch, struct outside *ret);

/* For programs that `ip netns exec` starts: an error where nscd would answer them. */
int outside_check_host(struct err *err);

#endif
