/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Requests: who is heard in a turn of the loop, in which order, and for how long. */
#include "base/util.h"
#include "daemon/server_internal.h"

#define TURN_NS 5000000 /* for requests in one turn: then events come first again */

/* The listening socket, then the connections. */
size_t requests_fill(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = connections_pollfd(&s->connections, s->life.listen_fd);
	return 1 + connections_poll(&s->connections, fds + 1);
}

int64_t requests_deadline(void *data)
{
	const struct server *s = data;

	return connections_deadline(&s->connections);
}

static void hang_up(struct server *s, struct connection *c)
{
	connections_hang_up(&s->connections, c);
	s->leave_at = 0;
	server_linger(s);
}

/* Replies that waited for a new session: links may have changed since the last turn. */
static void reply_settled(struct server *s)
{
	bool links = s->link_events != s->host.link_events;

	s->link_events = s->host.link_events;
	for (size_t i = s->connections.n; i-- > 0;) {
		struct connection *c = &s->connections.v[i];

		if (c->state == CONNECTION_SETTLING && operation_settle(&s->operations, c, links))
			hang_up(s, c);
	}
}

/* The peer spoke, or polkit did. True when the connection is done with. */
static bool serve(struct server *s, struct connection *c, bool spoke)
{
	enum received received = RECEIVED_ALL;

	if (spoke)
		received = connection_receive(&s->connections, c, s->host.kernel.host_ns);
	if (received == RECEIVED_ALL)
		return operation_serve(&s->operations, c);
	return received == RECEIVED_WRONG;
}

/*
 * One request of each person, those first for whom least time was spent lately, until the turn's
 * time is over; who was not served is still readable at the next turn. The processor's time counts:
 * others, not the peer, make the kernel wait for its locks.
 */
static void serve_all(struct server *s)
{
	int64_t start = clock_ns();
	struct connection *c;

	while (clock_ns() - start < TURN_NS && (c = connections_next(&s->connections, &s->spent))) {
		uid_t person = c->peer.person;
		int64_t before = cpu_ns();
		bool spoke = c->spoke;

		server_take_events(s); /* of what the request before this one changed */
		c->spoke = false;
		if (serve(s, c, spoke))
			hang_up(s, c);
		connections_skip(&s->connections, person);
		spent_add(&s->spent, person, cpu_ns() - before, clock_ms());
	}
}

bool requests_wait(const struct server *s)
{
	for (size_t i = 0; i < s->connections.n; i++)
		if (s->connections.v[i].state == CONNECTION_SETTLING)
			return true;
	return false;
}

void requests_dispatch(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	connections_take(&s->connections, fds + 1, n - 1);
	if (fds[0].revents) /* their requests count in this turn */
		connections_accept(&s->connections, s->life.listen_fd);
	reply_settled(s);
	serve_all(s);
}
