/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_ATTACH_H
#define VIA_VERBS_ATTACH_H

#include "launch/launch.h"
#include "verbs/container.h"

struct msg_reply;

/*
 * Has the daemon attach a netns, whose descriptor stays the caller's, and writes the files of one
 * that has a name. o->pid is a process whose files decide whom it asks for names, or 0.
 */
int attach_netns(const struct launch_options *o, int netns, struct msg_reply *ret, struct err *err);

/*
 * attach --container: finds it, fills in what the command line left open (name, device, whether a
 * default route is to be replaced), attaches it, and with --follow goes on until that fails.
 */
int attach_container(struct launch_options *o, struct err *err);

/*
 * What is left open of an attachment to the netns of that process: a device name that it does not
 * have, and our route in front of its own, since a container is attached to be led elsewhere.
 * Returns what is replaced as text, "by eth0 via 172.17.0.1", or "" when it has no default route.
 */
#define ATTACH_ROUTE_MAX 120
const char *attach_fill_in(struct launch_options *o, pid_t pid, char ret_route[ATTACH_ROUTE_MAX]);

/*
 * Whether a container can be followed: it has a cgroup of its own in the unified hierarchy
 * (cgroups(7)), which tells of its end and of its start. 0, or -EOPNOTSUPP with a line.
 */
int attach_may_follow(const struct container *c, struct err *err);

/*
 * Attaches the container again when it is started anew, on and on. process is a pidfd of its first
 * process, which is closed here; netns is the one that is attached now (inode). A negative errno
 * when it cannot go on.
 */
int attach_follow(struct launch_options *o, struct container *c, int process, uint64_t netns,
		  struct err *err);

#endif
