/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_LOOP_H
#define VIA_DAEMON_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * The poll(2) loop of a program with one thread. A source has descriptors, a deadline, or both. A
 * turn of the loop asks each source what to poll for and until when, waits once for all, and then
 * dispatches the sources in the order of their table, which thereby is the order in which events of
 * one turn are acted upon.
 */
struct loop_source {
	size_t max; /* descriptors at most; 0: none */
	/* Fills in what to poll for, at most `max` entries (fd -1: nothing); returns how many. */
	size_t (*fill)(void *data, struct pollfd *fds);
	/* clock_ms() at which to be dispatched although nothing happened; INT64_MAX: never. NULL:
	 * never. */
	int64_t (*deadline)(void *data);
	/* Acts upon revents of its own entries, and upon the time. Called once a turn, always. */
	void (*dispatch)(void *data, const struct pollfd *fds, size_t n);
};

#define LOOP_SOURCES_MAX 32

struct loop {
	const struct loop_source *sources;
	size_t n;           /* at most LOOP_SOURCES_MAX */
	void *data;         /* for each callback */
	struct pollfd *fds; /* room for the sum of all `max` */
	bool stop;          /* set by a callback: what follows in the table is not dispatched */
};

/* Sum of `max` of all sources: entries that loop.fds has to have room for. */
size_t loop_room(const struct loop_source *sources, size_t n);

/*
 * Whether the next turn would find a descriptor readable. Only for the last source of the table: it
 * uses fds.
 */
bool loop_has_input(struct loop *loop);

/*
 * One turn. After a signal that interrupts poll(2) nothing is dispatched. Any other error of
 * poll(2) is a defect of this program and would come again at once, so the process aborts, and its
 * supervisor starts another.
 */
void loop_turn(struct loop *loop);

#endif
