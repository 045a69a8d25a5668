/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_PROGRESS_H
#define VIA_VERBS_PROGRESS_H

#include <stdbool.h>

/* Lines about what takes long, for a person: on standard error, where that is a terminal. */

#define PROGRESS_MS 500 /* what is over by then needs no line */

void progress_tell(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * Waits until a descriptor is readable, PROGRESS_MS at most: whether it is. Where it is not, a line
 * is due.
 */
bool progress_ready(int fd);

#endif
