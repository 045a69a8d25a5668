/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_INSTANCES_H
#define VIA_LAUNCH_INSTANCES_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/uplink_list.h"

/* Processes that a program's work may be handed to (outside.h), found in /proc. */

/* Whether a process is one of a list with one blank between the names, by the base name of its
 * executable and its comm. Pure. */
bool instance_is(const char *names, const char *exe, const char *comm);

/* What counts as inside: a session's netns, by its inode; else sessions by the same uplinks. */
struct instance_scope {
	uint64_t netns;                    /* 0: the session is yet to be made */
	const struct uplink_list *uplinks; /* then: what its list will be */
};

/* The list of uplinks of the session of that id, as its port's alias has it; false: none is there.
 */
bool instance_uplinks(uint32_t id, struct uplink_list *ret);

/* Whether a process is outside. One whose netns cannot be seen is. */
bool instance_is_outside(pid_t pid, const struct instance_scope *scope);

/*
 * One that uid runs outside, its first process rather than a child; 0: none. names as
 * above; scope NULL: wherever it is.
 */
pid_t instance_find(const char *names, uid_t uid, const struct instance_scope *scope);

#endif
