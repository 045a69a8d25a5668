/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_OPERATIONS_H
#define VIA_DAEMON_OPERATIONS_H

#include "daemon/authorize.h"
#include "daemon/connections.h"
#include "daemon/event_log.h"
#include "daemon/host_state.h"
#include "daemon/persons.h"
#include "daemon/subscribers.h"

/*
 * The operations of the socket (ipc/msg.h): a const table of what each takes, who may request it
 * and what it does. SECURITY.md has the same table with the reason why each is safe.
 */

/* What operations work with. */
struct operation_context {
	struct host_state *host;
	struct authorizer *authorizer;
	struct persons *persons;
	struct spent *spent;
	struct subscribers *subscribers;
	struct event_log *log;
	struct fd_receivers *receivers;
	bool warned_of_legacy; /* that iptables-legacy filters: said once */
};

/*
 * Serves the request of a connection, whole or for as far as it goes: it may have to wait for
 * polkit, for the peer's netns, or for packets of a new session to pass; then it is called again.
 * Returns true when the connection is done with.
 */
bool operation_serve(struct operation_context *x, struct connection *c);

/*
 * Replies to a launch in state SETTLING, if packets of the session pass by now or its time is over;
 * links: events of links have come since the last call. Returns true when it has replied.
 */
bool operation_settle(struct operation_context *x, struct connection *c, bool links);

#endif
