/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SERVER_INTERNAL_H
#define VIA_DAEMON_SERVER_INTERNAL_H

#include "daemon/healing.h"
#include "daemon/lifecycle.h"
#include "daemon/loop.h"
#include "daemon/operations.h"

/* What the daemon has; shared by server.c, sources.c and requests.c alone. */
struct server {
	const struct server_options *options;
	struct loop loop;
	struct lifecycle life;
	struct host_state host;
	struct healing healing;
	struct authorizer authorizer;
	struct persons persons;
	struct spent spent;
	struct connections connections;
	struct subscribers subscribers;
	struct fd_receivers receivers;
	struct operation_context operations;
	struct event_log log;
	int signal_fd;
	unsigned int link_events; /* as they were when replies that settle were last checked */
	int64_t leave_at;         /* clock_ms() at which an idle daemon exits; 0: it is not idle */
	bool cleared;             /* it exits, and nothing of ours is left */
};

extern const struct loop_source server_sources[];
extern const size_t server_sources_n;

/* sources.c: with no session the daemon exits after --linger; with one it does not. */
void server_linger(struct server *s);

/* sources.c: reads pending events of the kernel. */
void server_take_events(struct server *s);

/* requests.c: the source of the listening socket and the connections, in this order. */
size_t requests_fill(void *data, struct pollfd *fds);
int64_t requests_deadline(void *data);
void requests_dispatch(void *data, const struct pollfd *fds, size_t n);

/* Whether an answer waits for a new session to settle. */
bool requests_wait(const struct server *s);

#endif
