/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_NETNS_H
#define VIA_LAUNCH_NETNS_H

#include <stdint.h>

#include "model/session.h"

/*
 * Opens the netns of a session that runs, by a process in it that the caller may see (proc(5),
 * ns/net), or of a kept one by its name in /run/netns. Returns a descriptor, or -ESRCH. Whether it
 * is the session's the daemon checks (MSG_EXEC): inode numbers are used again.
 */
int netns_open_of(const struct session *s);

/* The same of the session of that id, as its port's alias in /sys/class/net has it. */
int netns_open_by_id(uint32_t id);

#endif
