/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/answers.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/log.h"

static void drop(struct answers *a, size_t i)
{
	/* it was sealed without F_SEAL_SHRINK (fcntl(2)), and nobody can add that any more */
	if (ftruncate(a->v[i].fd, 0) < 0)
		log_line(LOG_WARNING, "truncate an answer of the log: %s", strerror(errno));
	close_fd(&a->v[i].fd);
	memmove(a->v + i, a->v + i + 1, (--a->n - i) * sizeof(*a->v));
}

/* Room for one more: the oldest of that person goes, or of all. */
static void make_room(struct answers *a, uid_t person)
{
	size_t of_person = 0, oldest = 0;

	for (size_t i = a->n; i-- > 0;)
		if (a->v[i].person == person) {
			of_person++;
			oldest = i;
		}
	if (of_person >= ANSWERS_PER_PERSON)
		drop(a, oldest);
	else if (a->n >= a->most)
		drop(a, 0);
}

int answers_add(struct answers *a, int fd, uid_t person, int64_t now, struct err *err)
{
	int copy;

	make_room(a, person);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return err_errno(err, errno, "keep the log's answer");
	a->v[a->n++] = (struct answer){ copy, person, now + ANSWERS_MS };
	return 0;
}

void answers_expire(struct answers *a, int64_t now)
{
	while (a->n && a->v[0].until <= now)
		drop(a, 0);
}

int64_t answers_due(const struct answers *a)
{
	return a->n ? a->v[0].until : INT64_MAX;
}
