/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SUBSCRIBERS_H
#define VIA_DAEMON_SUBSCRIBERS_H

#include <poll.h>
#include <stddef.h>
#include <sys/types.h>

#include "ipc/msg.h"

/*
 * Subscribers: peers of MSG_SUBSCRIBE, which receive a struct msg_event for what was healed. The
 * daemon never waits for one: a subscriber whose receive buffer is full is closed, and so is one
 * that sends anything. Subscribers do not keep an idle daemon running.
 */
#define SUBSCRIBERS_MAX            32
#define SUBSCRIBERS_PER_PERSON_MAX 4

struct subscribers {
	struct subscriber {
		int fd;
		uid_t person, uid;
		bool log; /* of MSG_LOG: it receives entries of the log instead */
	} v[SUBSCRIBERS_MAX];
	size_t n;
	struct fd_receivers *receivers; /* which close connections */
	size_t max; /* at most SUBSCRIBERS_MAX; fewer where descriptors are few */
};

/* Takes the connection over, unless there are too many (person_may_have()): then -EBUSY with the
 * reason. */
int subscribers_add(struct subscribers *s, int fd, uid_t person, struct err *err);

/* The same for entries of the log that the uid may see. */
int subscribers_add_log(struct subscribers *s, int fd, uid_t uid, uid_t person, struct err *err);

/* How many are of that person (persons.h). */
size_t subscribers_of(const struct subscribers *s, uid_t person);

void subscribers_send(struct subscribers *s, const struct msg_event *event);
void subscribers_send_entry(struct subscribers *s, const struct log_entry *e);

/*
 * subscribers_poll() fills in one entry for each and returns how many; subscribers_take() closes
 * those that had an event.
 */
size_t subscribers_poll(const struct subscribers *s, struct pollfd fds[SUBSCRIBERS_MAX]);
void subscribers_take(struct subscribers *s, const struct pollfd *fds, size_t n);

void subscribers_close(struct subscribers *s);

#endif
