/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A child closes all but its two descriptors before it receives anything of the peer's, so that a
 * child which blocks for ever holds neither the daemon's lock nor its socket. It recognizes a
 * namespace by statx(2) with AT_STATX_DONT_SYNC, which no filesystem server is asked about. Then it
 * exits, and where closing the peer's file blocks, it is the exiting child that blocks.
 */
#include "daemon/fd_receive.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "daemon/persons.h"
#include "ipc/sock.h"

/* As many as a peer's send buffer holds, and some. */
#define QUEUE_MAX 1024

#define RECEIVER_NAME "via-fd-receive"

int fd_receive_prepare(int conn, struct err *err)
{
	int on = 1;

	/* each message then has its sender's identity with it, and the end of all has none */
	if (setsockopt(conn, SOL_SOCKET, SO_PASSCRED, &on, sizeof(on)) < 0)
		return err_errno(err, errno, "ask for the sender of each message");
	return 0;
}

enum fd_receive_head fd_receive_peek(int conn, void *buf, size_t size, ssize_t *ret_len)
{
	/* no room for descriptors, so none is made */
	char control[CMSG_SPACE(sizeof(struct ucred))] __attribute__((aligned(8)));
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	ssize_t n;

	do
		n = recvmsg(conn, &h, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0 || !CMSG_FIRSTHDR(&h))
		return FD_RECEIVE_NOTHING;
	*ret_len = n;
	return h.msg_flags & MSG_CTRUNC ? FD_RECEIVE_DESCRIPTORS : FD_RECEIVE_PLAIN;
}

void fd_receive_discard(int conn)
{
	char nothing;

	recv(conn, &nothing, sizeof(nothing), MSG_DONTWAIT);
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Nothing of the daemon's stays with a child but these, nor does its name. */
static void keep_only(const char *name, int *fds, size_t n)
{
	unsigned int next = 0;

	prctl(PR_SET_NAME, name);
	qsort(fds, n, sizeof(*fds), by_number);
	for (size_t i = 0; i < n; i++) {
		if ((unsigned int)fds[i] > next)
			close_descriptors(next, (unsigned int)fds[i] - 1);
		next = (unsigned int)fds[i] + 1;
	}
	close_descriptors(next, UINT_MAX);
}

/* Of the namespaces' own filesystem, of which there is one. */
static bool is_namespace(int fd, const struct stat *host_ns)
{
	struct statx st;

	return statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_INO, &st) == 0 &&
	       makedev(st.stx_dev_major, st.stx_dev_minor) == host_ns->st_dev;
}

/* Takes one descriptor; more than one is no request. */
static int take_one(int conn)
{
	char control[CMSG_SPACE(sizeof(struct ucred)) + CMSG_SPACE(sizeof(int))]
		__attribute__((aligned(8)));
	char nothing;
	struct iovec iov = { .iov_base = &nothing, .iov_len = sizeof(nothing) };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	int fd = -1;

	if (recvmsg(conn, &h, MSG_CMSG_CLOEXEC | MSG_DONTWAIT) < 0 || h.msg_flags & MSG_CTRUNC)
		return -1;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&h); c; c = CMSG_NXTHDR(&h, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
		    c->cmsg_len == CMSG_LEN(sizeof(fd)))
			memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

__attribute__((noreturn)) static void receive_in_child(int conn, int back,
						       const struct stat *host_ns)
{
	int fd = take_one(conn);

	if (fd >= 0)
		sock_send(back, "", 1, is_namespace(fd, host_ns) ? fd : -1);
	_exit(0);
}

static size_t of_person(const struct fd_receivers *r, uid_t person)
{
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++)
		n += r->v[i].person == person;
	return n;
}

static bool may_have(const struct fd_receivers *r, uid_t person)
{
	size_t own = of_person(r, person);

	return own < FD_RECEIVERS_PER_PERSON_MAX &&
	       person_may_have(person, own, r->n, FD_RECEIVERS_MAX);
}

static void note(struct fd_receivers *r, pid_t pid, uid_t person, int closing)
{
	r->v[r->n].pid = pid;
	r->v[r->n].closing = closing;
	r->v[r->n++].person = person;
}

pid_t fd_receive_fork(struct fd_receivers *r, uid_t person, const char *name, const int *keep,
		      size_t n, struct err *err)
{
	_cleanup_close_ int closing = -1, closed = -1;
	int pair[2], fds[FD_RECEIVE_KEEP_MAX + 1];
	pid_t pid;

	fd_receive_reap(r);
	if (!may_have(r, person))
		return err_set(err, EBUSY,
			       "serve the request: too much of that user is being served");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "serve the request");
	closed = pair[0];
	closing = pair[1];
	pid = fork();
	if (pid < 0)
		return err_errno(err, errno, "serve the request");
	if (pid > 0) {
		note(r, pid, person, steal_fd(&closed));
		return pid;
	}
	memcpy(fds, keep, n * sizeof(*keep));
	fds[n] = closing;
	keep_only(name, fds, n + 1);
	close_fd(&closing);
	closed = -1; /* keep_only() closed it */
	return 0;
}

int fd_receive_start(struct fd_receivers *r, int conn, uid_t person, int host_ns, struct err *err)
{
	_cleanup_close_ int near = -1, far = -1;
	struct stat st;
	int pair[2];
	pid_t pid;

	if (fstat(host_ns, &st) < 0 ||
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, errno, "take what came");
	near = pair[0];
	far = pair[1];
	pid = fd_receive_fork(r, person, RECEIVER_NAME, (int[]){ conn, far }, 2, err);
	if (pid < 0)
		return pid;
	if (pid == 0)
		receive_in_child(conn, far, &st);
	return steal_fd(&near);
}

int fd_receive_finish(int fd, int *ret_netns)
{
	char nothing;
	ssize_t n = sock_recv(fd, &nothing, sizeof(nothing), ret_netns);

	close(fd);
	return n > 0 ? 0 : -EBADMSG;
}

static void wait_for_end(int fd)
{
	char nothing;

	while (read(fd, &nothing, sizeof(nothing)) < 0 && errno == EINTR)
		;
}

/*
 * The last one to close a socket lets go of what it still holds. That is a child which is ending
 * then, and no socket lingers for such (net/ipv4/af_inet.c:inet_release). It waits for the daemon,
 * and for children that were forked before it, each of which has a copy of the socket until it has
 * closed what it inherited.
 */
__attribute__((noreturn)) static void outlive(const struct fd_receivers *r, const int *conns,
					      size_t n, int sign, int closing)
{
	int fds[FD_RECEIVE_PARKED_MAX + FD_RECEIVERS_MAX + 2];

	memcpy(fds, conns, n * sizeof(*conns));
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].closing >= 0)
			fds[n++] = r->v[i].closing;
	fds[n++] = sign;
	fds[n++] = closing;
	keep_only(RECEIVER_NAME, fds, n);
	close(closing);
	wait_for_end(sign);
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].closing >= 0)
			wait_for_end(r->v[i].closing);
	_exit(0);
}

static void leave_to_child(struct fd_receivers *r, const int *fds, size_t n, uid_t person)
{
	int pair[2] = { -1, -1 }, closed[2] = { -1, -1 };
	pid_t pid = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0 &&
	    socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, closed) == 0)
		pid = fork();
	if (pid == 0)
		outlive(r, fds, n, pair[1], closed[1]);
	close_fd(&pair[1]);
	close_fd(&closed[1]);
	for (size_t i = 0; i < n; i++)
		close(fds[i]);
	close_fd(&pair[0]); /* the sign */
	if (pid > 0 && r->n < FD_RECEIVERS_MAX)
		note(r, pid, person, steal_fd(&closed[0]));
	close_fd(&closed[0]);
}

void fd_receive_close(struct fd_receivers *r, int conn, uid_t person)
{
	enum fd_receive_head head = FD_RECEIVE_PLAIN;
	ssize_t len;
	char byte;

	shutdown(conn, SHUT_RD); /* nothing more is put into its queue */
	for (int i = 0; i < QUEUE_MAX && head == FD_RECEIVE_PLAIN; i++) {
		head = fd_receive_peek(conn, &byte, sizeof(byte), &len);
		if (head == FD_RECEIVE_PLAIN)
			fd_receive_discard(conn);
	}
	if (head == FD_RECEIVE_NOTHING) {
		close(conn);
	} else if (!may_have(r, person) && r->n_parked < r->max_parked) {
		r->parked[r->n_parked].fd = conn;
		r->parked[r->n_parked++].person = person;
	} else {
		leave_to_child(r, &conn, 1, person);
	}
}

/* One child for all that wait, of one person's. */
static void close_parked(struct fd_receivers *r, uid_t person)
{
	int fds[FD_RECEIVE_PARKED_MAX];
	size_t n = 0, kept = 0;

	for (size_t i = 0; i < r->n_parked; i++)
		if (r->parked[i].person == person)
			fds[n++] = r->parked[i].fd;
		else
			r->parked[kept++] = r->parked[i];
	r->n_parked = kept;
	leave_to_child(r, fds, n, person);
}

static bool next_parked(const struct fd_receivers *r, uid_t *ret)
{
	for (size_t i = 0; i < r->n_parked; i++)
		if (may_have(r, r->parked[i].person)) {
			*ret = r->parked[i].person;
			return true;
		}
	return false;
}

/* Those that have closed what they inherited are not waited for; they may never end. */
static void forget_closed(struct fd_receivers *r)
{
	for (size_t i = 0; i < r->n; i++) {
		struct pollfd p = { .fd = r->v[i].closing, .events = POLLIN };

		if (p.fd >= 0 && poll(&p, 1, 0) > 0)
			close_fd(&r->v[i].closing);
	}
}

void fd_receive_reap(struct fd_receivers *r)
{
	uid_t person;
	pid_t pid;

	while ((pid = waitpid(-1, NULL, WNOHANG)) > 0)
		for (size_t i = 0; i < r->n; i++)
			if (r->v[i].pid == pid) {
				close_fd(&r->v[i].closing);
				r->v[i] = r->v[--r->n];
				break;
			}
	forget_closed(r);
	while (next_parked(r, &person))
		close_parked(r, person);
}

void fd_receive_done(struct fd_receivers *r)
{
	while (r->n_parked)
		close_parked(r, r->parked[0].person);
}
