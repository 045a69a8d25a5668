/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_ANSWERS_H
#define VIA_DAEMON_ANSWERS_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * The memfds that answer LOG (history_export()). A memfd's memory is charged to who wrote it, the
 * daemon, and stays for as long as anybody holds a descriptor (Documentation/admin-guide/
 * cgroup-v2.rst, Memory Ownership): whoever asks again and again would take memory that no limit of
 * theirs counts. So the daemon keeps a descriptor of each, and truncates it (ftruncate(2)) after
 * ANSWERS_MS, or at once where the person has ANSWERS_PER_PERSON younger ones or all have
 * `most`. A client that did not read in time finds no end mark and asks again.
 */
#define ANSWERS_PER_PERSON 4
#define ANSWERS_MAX        16
#define ANSWERS_MS         10000

struct answers {
	size_t most; /* 1 to ANSWERS_MAX: for how many there are descriptors */
	struct answer {
		int fd;
		uid_t person;
		int64_t until; /* clock_ms() */
	} v[ANSWERS_MAX];      /* the oldest first */
	size_t n;
};

/* Keeps a copy of fd, which stays the caller's. Returns 0 or a negative errno. */
int answers_add(struct answers *a, int fd, uid_t person, int64_t now, struct err *err);

/* Truncates those whose time is over by now; INT64_MAX: all. */
void answers_expire(struct answers *a, int64_t now);

/* clock_ms() at which the next one's time is over; INT64_MAX: there is none. */
int64_t answers_due(const struct answers *a);

#endif
