/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_CLEANUP_H
#define VIA_BASE_CLEANUP_H

/*
 * Scope-bound resources (gnu17 cleanup attribute). A variable marked _cleanup_close_ must start
 * as -1, one marked _cleanup_free_ as NULL; ownership leaves the scope through steal_fd() and
 * steal_ptr().
 */

#include <stdlib.h>
#include <unistd.h>

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Closes *fd when it is open and makes it -1. */
static inline void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static inline int steal_fd(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

#define _cleanup_close_ __attribute__((cleanup(cleanup_close)))
#define _cleanup_free_  __attribute__((cleanup(cleanup_free)))

#define steal_ptr(p)                                                                               \
	({                                                                                         \
		__auto_type taken_ = (p);                                                          \
		(p) = NULL;                                                                        \
		taken_;                                                                            \
	})

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
