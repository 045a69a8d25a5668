/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_DESCRIPTORS_H
#define VIA_DAEMON_DESCRIPTORS_H

#include <stddef.h>

#include "base/err.h"

/*
 * The limit of open descriptors (getrlimit(2), RLIMIT_NOFILE). A daemon that is started by hand
 * inherits whatever its parent had. poll(2) fails with EINVAL when it is given more entries than
 * that limit, accept4(2) and open(2) with EMFILE: so the number of connections follows from it.
 */

/* Enough for CONNECTIONS_MAX and SUBSCRIBERS_MAX (connections.h, subscribers.h); the unit says the
 * same. */
#define DESCRIPTORS_WANTED 4096u

/* What one request opens for a moment: a netns and sockets in it, files, a child's socket pair; and
 * what a netns holds that is kept ready (spare.h). */
#define DESCRIPTORS_WORK 16u

/* What a connection may hold: itself, a netns or a child's socket, and two sockets in that. */
#define DESCRIPTORS_PER_CONNECTION 4u

/*
 * Raises the soft limit, and a hard one below DESCRIPTORS_WANTED: that takes CAP_SYS_RESOURCE,
 * so it is called before capabilities are dropped. Where it may not be raised it stays.
 */
void descriptors_raise(void);

/*
 * For how many peers there is room besides what is open now and DESCRIPTORS_WORK. Returns 0, or
 * -EMFILE with the limit and what is needed when there is none for one.
 */
int descriptors_room(size_t *ret, struct err *err);

#endif
