/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/capture.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "capture/pcapng.h"

#define FLUSH_BYTES (256u << 10)

enum { FD_PACKETS, FD_SIGNALS, FD_COUNT };

/* Packets that are there. Returns 0, 1 when that was the last one, or a negative errno. */
static int take_packets(struct capture *c, struct err *err)
{
	struct ring_packet p;
	int r = 0;

	while (r == 0 && (!c->most || c->received < c->most) && ring_next(&c->ring, &p)) {
		pcapng_add_packet(&c->output.bytes, &(struct pcapng_packet){ .ns = p.ns,
									     .bytes = p.bytes,
									     .captured = p.captured,
									     .length = p.length,
									     .sent = p.sent });
		c->received++;
		if (c->output.bytes.len >= FLUSH_BYTES)
			r = output_flush(&c->output, err);
	}
	if (r == 0)
		r = output_flush(&c->output, err);
	return r < 0 ? r : c->most && c->received >= c->most;
}

/* The descriptors of programs stand behind ours; the array grows with them. */
static int wait_for_more(struct capture *c, int signals, struct pollfd **fds, size_t *size,
			 struct err *err)
{
	const size_t n = FD_COUNT + c->programs.n;

	if (!*fds || n > *size) {
		struct pollfd *more = realloc(*fds, n * sizeof(**fds));

		if (!more) {
			err_errno(err, ENOMEM, "wait for packets");
			return -ENOMEM;
		}
		*fds = more;
		*size = n;
	}
	(*fds)[FD_PACKETS] = (struct pollfd){ .fd = c->ring.fd, .events = POLLIN };
	(*fds)[FD_SIGNALS] = (struct pollfd){ .fd = signals, .events = POLLIN };
	if (c->programs.n)
		memcpy(*fds + FD_COUNT, c->programs.v, c->programs.n * sizeof(**fds));
	if (poll(*fds, n, -1) < 0) {
		if (errno != EINTR)
			return err_errno(err, errno, "wait for packets");
		return 0; /* nothing is readable: none was filled in */
	}
	for (size_t i = 0; i < c->programs.n; i++)
		c->programs.v[i].revents = (*fds)[FD_COUNT + i].revents;
	return 0;
}

/* Returns 1 when it is to end, 0, or a negative errno. */
static int step(struct capture *c, const struct pollfd *fds, struct err *err)
{
	const bool signalled = fds[FD_SIGNALS].revents != 0;
	const bool failed = (fds[FD_PACKETS].revents & (POLLERR | POLLHUP)) != 0;
	int r = take_packets(c, err);

	if (r == 0)
		r = programs_take(&c->programs, err);
	if (r == 0)
		r = signalled || programs_ended(&c->programs) || (failed && ring_ended(&c->ring));
	return r;
}

static int open_signals(struct err *err)
{
	sigset_t ending;
	int fd;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	signal(SIGPIPE, SIG_IGN);
	fd = signalfd(-1, &ending, SFD_CLOEXEC);
	return fd < 0 ? err_errno(err, errno, "wait for signals") : fd;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int capture_serve(struct capture *c, struct err *err)
{
	_cleanup_close_ int signals = open_signals(err);
	struct pollfd *fds = NULL;
	size_t size = 0;
	int r = signals < 0 ? signals : programs_ended(&c->programs);

	c->output.signals = signals;
	while (r == 0) {
		r = wait_for_more(c, signals, &fds, &size, err);
		if (r == 0)
			r = step(c, fds, err);
	}
	free(fds);
	if (r >= 0) {
		ring_settle(&c->ring);
		r = take_packets(c, err);
	}
	ring_count_dropped(&c->ring);
	if (r >= 0) {
		pcapng_end(&c->output.bytes, now_ns(), c->received, c->ring.dropped);
		r = output_flush(&c->output, err);
	}
	return r == -EPIPE || r == -EINTR ? 0 : r;
}
