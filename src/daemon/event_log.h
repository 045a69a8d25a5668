/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_EVENT_LOG_H
#define VIA_DAEMON_EVENT_LOG_H

#include "daemon/answers.h"
#include "daemon/history.h"
#include "daemon/host_state.h"
#include "daemon/persons.h"
#include "daemon/subscribers.h"

/*
 * The way of an event: the host state queues it (session_log.h), and from there it goes into the
 * history (history.h), to the host's log (journal.h) and to subscribers of the log.
 */
struct event_log {
	struct history history;
	struct answers answers;
	struct host_state *host;
	struct persons *persons;
	struct subscribers *subscribers;
};

/* Reads what is kept in the runtime directory. Where that fails the log begins anew. */
void event_log_open(struct event_log *l, const char *rundir);

/* Removes what is kept in the runtime directory, when that is to go. */
void event_log_remove(const char *rundir);

/* clock_ms() at which event_log_drain() has something to do by time; INT64_MAX: never. */
int64_t event_log_due(const struct event_log *l);

/* Passes on what was queued, and what was held back and is due. */
void event_log_drain(struct event_log *l);

/* The same with all that was held back; then closes the file. */
void event_log_close(struct event_log *l);

#endif
