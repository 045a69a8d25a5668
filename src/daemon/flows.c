/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/flows.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "model/flow.h"
#include "net/conntrack.h"

/* Such a write to a pipe is done whole or not at all (pipe(7), PIPE_BUF). */
#define FLOWS_AT_ONCE (PIPE_BUF / sizeof(struct flow))

struct writer {
	int fd;
	int64_t until; /* clock_ms() */
	struct flow v[FLOWS_AT_ONCE];
	size_t n;
};

static int flush(struct writer *w)
{
	struct pollfd room = { .fd = w->fd, .events = POLLOUT };
	const size_t len = w->n * sizeof(*w->v);

	while (len) {
		const int64_t left = w->until - clock_ms();

		if (write(w->fd, w->v, len) == (ssize_t)len)
			break;
		if ((errno != EAGAIN && errno != EINTR) || left <= 0)
			return -EPIPE;
		poll(&room, 1, (int)left);
	}
	w->n = 0;
	return 0;
}

static int put(const struct flow *f, void *arg)
{
	struct writer *w = arg;

	w->v[w->n++] = *f;
	return w->n == FLOWS_AT_ONCE ? flush(w) : 0;
}

/* Nothing of the peer's is read here: a signal or the end of the time ends it. */
__attribute__((noreturn)) static void write_all_flows(struct nl_sock *s, int fd)
{
	static const struct flow end;
	struct writer w = { .fd = fd, .until = clock_ms() + FLOWS_WAIT_MS };
	struct err ignored = { 0 };

	if (conntrack_each_flow(s, put, &w, &ignored) == 0 && put(&end, &w) == 0)
		flush(&w);
	_exit(0);
}

int flows_start(struct fd_receivers *r, struct nl_sock *s, uid_t person, struct err *err)
{
	_cleanup_close_ int from = -1, to = -1;
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe for connections");
	from = fds[0];
	to = fds[1];
	if (fcntl(to, F_SETFL, O_NONBLOCK) < 0) /* of its writer alone */
		return err_errno(err, errno, "make a pipe for connections");
	pid = fd_receive_fork(r, person, "via-flows", (int[]){ nl_fd(s), to }, 2, err);
	if (pid < 0)
		return pid;
	if (pid == 0)
		write_all_flows(s, to);
	return steal_fd(&from);
}
