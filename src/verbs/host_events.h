/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_HOST_EVENTS_H
#define VIA_VERBS_HOST_EVENTS_H

#include <stdint.h>

#include "net/nl.h"

/*
 * When to observe the host again: rtnetlink says that something may have changed. An observation
 * costs time, so events are gathered (debounce), and on a host where they never end three quarters
 * of the time are left to others.
 */
struct host_events {
	struct nl_sock socket;
	int64_t at; /* when to observe, by clock_ms(); INT64_MAX: nothing happened */
	int64_t rest_until;
};

/* Joins the groups of links, addresses, routes and rules. The first observation is due at once. */
int host_events_open(struct host_events *h, struct err *err);
void host_events_close(struct host_events *h); /* also of a zeroed one */

/* Reads what the socket has, without waiting: nl_fd(&h->socket) was readable. */
void host_events_take(struct host_events *h);

/* Something else happened that may make a difference. */
void host_events_note(struct host_events *h);

/* The host was observed, from start (clock_ms()) on. */
void host_events_observed(struct host_events *h, int64_t start);

#endif
