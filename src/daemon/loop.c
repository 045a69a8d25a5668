/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/loop.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "base/util.h"

size_t loop_room(const struct loop_source *sources, size_t n)
{
	size_t room = 0;

	for (size_t i = 0; i < n; i++)
		room += sources[i].max;
	return room;
}

/* Milliseconds until the earliest deadline, as poll(2) takes them. */
static int timeout_of(const struct loop *loop)
{
	int64_t next = INT64_MAX, left;

	for (size_t i = 0; i < loop->n; i++)
		if (loop->sources[i].deadline) {
			int64_t at = loop->sources[i].deadline(loop->data);

			if (at < next)
				next = at;
		}
	if (next == INT64_MAX)
		return -1;
	left = next - clock_ms();
	if (left < 0)
		return 0;
	return left < INT_MAX ? (int)left : INT_MAX;
}

static bool wait_for_any(struct pollfd *fds, size_t n, int timeout_ms)
{
	if (poll(fds, n, timeout_ms) >= 0)
		return true;
	if (errno == EINTR)
		return false;
	log_line(LOG_CRIT, "wait for events: %s", strerror(errno));
	abort();
}

static size_t fill_all(struct loop *loop, size_t counts[LOOP_SOURCES_MAX])
{
	size_t n = 0;

	for (size_t i = 0; i < loop->n; i++) {
		const struct loop_source *source = &loop->sources[i];

		counts[i] = source->fill ? source->fill(loop->data, loop->fds + n) : 0;
		n += counts[i];
	}
	return n;
}

bool loop_has_input(struct loop *loop)
{
	size_t counts[LOOP_SOURCES_MAX], n = fill_all(loop, counts);

	return poll(loop->fds, n, 0) != 0;
}

void loop_turn(struct loop *loop)
{
	struct pollfd *at = loop->fds;
	size_t counts[LOOP_SOURCES_MAX], n = fill_all(loop, counts);

	if (!wait_for_any(loop->fds, n, timeout_of(loop)))
		return;
	for (size_t i = 0; i < loop->n && !loop->stop; i++) {
		loop->sources[i].dispatch(loop->data, at, counts[i]);
		at += counts[i];
	}
}
