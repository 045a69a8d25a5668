/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_FD_RECEIVE_H
#define VIA_DAEMON_FD_RECEIVE_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Receiving descriptors (SCM_RIGHTS, unix(7)) without blocking. A peer may send any file that it
 * can open: one on a FUSE filesystem whose server never answers, or a socket with SO_LINGER. To
 * stat such a file, to close it, or to discard a message that holds it can block for ever. So a
 * child process receives each descriptor, and sends on to this process namespaces alone, on which
 * these operations do not block.
 */

/* Children that have not ended (a blocked one may never end), in all and of one person. */
#define FD_RECEIVERS_MAX            256
#define FD_RECEIVERS_PER_PERSON_MAX 4

/* Connections to be closed, which wait until a child of the same person has ended. */
#define FD_RECEIVE_PARKED_MAX 1024

struct fd_receivers {
	struct {
		pid_t pid;
		uid_t person;
		int closing; /* at its end when it has closed what it inherited; or -1 */
	} v[FD_RECEIVERS_MAX];
	size_t n;
	struct {
		int fd;
		uid_t person;
	} parked[FD_RECEIVE_PARKED_MAX];
	size_t n_parked;
	size_t max_parked; /* at most FD_RECEIVE_PARKED_MAX; fewer where descriptors are few */
};

/* The message at the head of a connection's receive queue. */
enum fd_receive_head {
	FD_RECEIVE_NOTHING, /* none; when the connection polls as readable: end of file */
	FD_RECEIVE_PLAIN,
	FD_RECEIVE_DESCRIPTORS, /* a message with SCM_RIGHTS */
};

/* To be called on a connection before any of the others (sets SO_PASSCRED). */
int fd_receive_prepare(int conn, struct err *err);

/*
 * Peeks (MSG_PEEK): copies as much of the first message as fits into buf, its true length into
 * *ret_len, and creates none of its descriptors. Never blocks.
 */
enum fd_receive_head fd_receive_peek(int conn, void *buf, size_t size, ssize_t *ret_len);

/* Removes a plain message from the queue. */
void fd_receive_discard(int conn);

/*
 * fd_receive_start() has a child receive the first message with its descriptor. host_ns is any
 * namespace; by its device (nsfs) the child recognizes namespaces. Returns a descriptor to poll for
 * input, to be given to fd_receive_finish(), which closes it; or -EBUSY when too many of the
 * person's children have not ended. fd_receive_finish() sets *ret_netns to the namespace, the
 * caller's to close, or to -1 when the file was something else, and returns 0; -EBADMSG when the
 * message did not hold exactly one descriptor.
 */
int fd_receive_start(struct fd_receivers *r, int conn, uid_t person, int host_ns, struct err *err);
int fd_receive_finish(int fd, int *ret_netns);

/*
 * Forks a child for what may take long, counted among those of the person. In the
 * child it returns 0: all descriptors but the n of keep are closed, and its name (prctl(2),
 * PR_SET_NAME) is that. In this process it returns the child's id, or a negative errno: -EBUSY as
 * above.
 */
#define FD_RECEIVE_KEEP_MAX 4
pid_t fd_receive_fork(struct fd_receivers *r, uid_t person, const char *name, const int *keep,
		      size_t n, struct err *err);

/*
 * Closes a connection without blocking. When its queue holds descriptors, a child is the last to
 * close it, after all children that inherited a copy. While too many of the person's children have
 * not ended, the connection is parked, and one child later closes all that are parked.
 */
void fd_receive_close(struct fd_receivers *r, int conn, uid_t person);

/* Reaps children that have ended, then closes parked connections. */
void fd_receive_reap(struct fd_receivers *r);

/* Closes all parked connections, when the daemon ends. */
void fd_receive_done(struct fd_receivers *r);

#endif
