/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_FOLLOWERS_H
#define VIA_DAEMON_FOLLOWERS_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/msg.h"

/*
 * Who asked to be told what is healed. Nobody is waited for: who does not read what was sent is
 * hung up on, and so is who says another word. They do not keep the daemon.
 */
#define FOLLOWERS_MAX            32
#define FOLLOWERS_PER_PERSON_MAX 4

struct followers {
	struct follower {
		int fd;
		uid_t person;
	} v[FOLLOWERS_MAX];
	size_t n;
	struct porter *porter; /* by which connections are closed */
	size_t max;            /* at most FOLLOWERS_MAX; fewer where descriptors are few */
};

/* Takes the connection over, unless there are too many (person_may_have()): then -EBUSY with the
 * reason. */
int followers_add(struct followers *f, int fd, uid_t person, struct err *err);

/* How many are of that person (persons.h). */
size_t followers_of(const struct followers *f, uid_t person);

void followers_tell(struct followers *f, const struct msg_event *event);

/* Fills in one descriptor to poll for each, returns how many; lets go of those that had an event.
 */
size_t followers_poll(const struct followers *f, struct pollfd fds[FOLLOWERS_MAX]);
void followers_take(struct followers *f, const struct pollfd *fds, size_t n);

void followers_close(struct followers *f);

#endif
