/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_PORTER_H
#define VIA_DAEMON_PORTER_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * What comes with a message may be anything that a peer can open: a file of a filesystem that the
 * peer serves and that never answers, a socket that lingers. To ask it a question, to close it,
 * even to let go of a message that nobody read, can then take for ever. So none of it comes into
 * this process but namespaces, of which that is not true: children take it, and they may wait.
 */

/* Children that have not ended, those that never will among them; and how many of one person's. */
#define PORTERS_MAX            256
#define PORTERS_PER_PERSON_MAX 4

/* Connections that are to be closed, and wait for a child of their person's to end. */
#define PORTER_PARKED_MAX 1024

struct porter {
	struct {
		pid_t pid;
		uid_t person;
	} v[PORTERS_MAX];
	size_t n;
	struct {
		int fd;
		uid_t person;
	} parked[PORTER_PARKED_MAX];
	size_t n_parked;
	size_t max_parked; /* at most PORTER_PARKED_MAX; fewer where descriptors are few */
};

/* What stands at the head of a connection's queue. */
enum porter_head {
	PORTER_NOTHING, /* nor will anything come, when the connection polls as readable */
	PORTER_PLAIN,
	PORTER_DESCRIPTORS, /* a message with something in its wake */
};

/* Before the first look at a connection. */
int porter_prepare(int conn, struct err *err);

/*
 * Looks without taking: as much of the message as fits into buf, and its whole length in *ret_len.
 * Never waits.
 */
enum porter_head porter_look(int conn, void *buf, size_t size, ssize_t *ret_len);

/* Takes a plain message off the queue. */
void porter_skip(int conn);

/*
 * Has a child take the message at the head, with its descriptor. host_ns is any namespace. Returns
 * a descriptor to poll, on which porter_taken() is to be called when it is readable: it closes fd
 * and hands out the namespace that came, or -1 when that was something else; -EBADMSG when it was
 * not one descriptor. -EBUSY: too many of the person's children have not ended.
 */
int porter_take(struct porter *p, int conn, uid_t person, int host_ns, struct err *err);
int porter_taken(int fd, int *ret_netns);

/*
 * Closes a connection, whatever nobody has read of it. Descriptors in its queue are let go of by a
 * child; when too many of the person's have not ended, the connection waits for one that does, and
 * one child then closes all that wait.
 */
void porter_close(struct porter *p, int conn, uid_t person);

/* Notes which children have ended, and closes what waited for that. */
void porter_reap(struct porter *p);

/* Closes what waits still, for when the daemon ends. */
void porter_done(struct porter *p);

#endif
