/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CAPTURE_PROGRAMS_H
#define VIA_CAPTURE_PROGRAMS_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * The processes of a netns, by pidfd_open(2), as long as there are any. A packet socket keeps its
 * netns, and so a session whose programs have ended: who captures has to end by itself.
 */
struct programs {
	uint64_t netns; /* inode; 0: it stays without programs, and none is watched */
	struct pollfd *v;
	size_t n, size;
};

/* Finds those that the caller may see. Returns 0 or a negative errno. */
int programs_open(struct programs *p, uint64_t netns, struct err *err);
void programs_close(struct programs *p); /* also of a zeroed one */

/* Takes those away whose descriptor poll(2) found readable; looks for new ones when none is left.
 */
int programs_take(struct programs *p, struct err *err);

/* Whether all have ended. */
bool programs_ended(const struct programs *p);

#endif
