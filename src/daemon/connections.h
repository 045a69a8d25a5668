/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_CONNECTIONS_H
#define VIA_DAEMON_CONNECTIONS_H

#include <poll.h>
#include <stdint.h>

#include "daemon/authorize.h"
#include "daemon/fd_receive.h"
#include "daemon/persons.h"
#include "daemon/subscribers.h"
#include "ipc/msg.h"
#include "net/settle.h"

/*
 * The connections of the socket: how many are accepted, for how long they may be silent, and which
 * is closed when there is no room. A connection is one request and one answer.
 */
#define CONNECTIONS_MAX            256
#define CONNECTIONS_PER_PERSON_MAX 16
#define CONNECTION_SILENCE_MS      5000 /* for a peer that is to send something */

enum connection_state {
	CONNECTION_REQUEST,   /* it is to say what it wants */
	CONNECTION_POLKIT,    /* polkit is asked about it */
	CONNECTION_NETNS,     /* it is to send its netns */
	CONNECTION_RECEIVING, /* a child receives that (fd_receive.h) */
	CONNECTION_SETTLING, /* the answer is ready, and waits for packets to pass (net/settle.h) */
};

struct connection {
	enum connection_state state;
	struct peer peer; /* peer.fd -1: a subscriber has it */
	int64_t deadline;
	union msg_request request; /* kept while it waits for polkit */
	bool sent;                 /* its netns, if it was one, is `passed` */
	int passed;                /* namespace of the peer's, or -1 */
	int receiver;              /* RECEIVING: what fd_receive_start() returned; else -1 */
	bool skipped;              /* until the next turn */
	bool spoke;                /* there is something to read, of the peer or of receiver */
	struct settle settle;
	struct msg_reply reply;
	int netns; /* that goes with it, or -1 */
};

struct connections {
	struct connection v[CONNECTIONS_MAX];
	size_t n;
	size_t max;        /* at most CONNECTIONS_MAX; fewer where descriptors are few */
	int64_t accept_at; /* clock_ms(): no descriptor was left; 0: accept at once */
	struct polkit *polkit;
	struct persons *persons;
	struct fd_receivers *receivers;
	const struct subscribers *subscribers; /* they count as their person's connections, too */
};

/* Takes in those that wait on the listening socket, some at a time. True when there was one. */
bool connections_accept(struct connections *c, int listen_fd);

/* What to poll on the listening socket for: nothing while there is no descriptor for a peer. */
struct pollfd connections_pollfd(const struct connections *c, int listen_fd);

/*
 * Fills in one entry for each; returns how many. Afterwards connections_take() notes in them who
 * spoke: as long as there is one, connections_next() has a request to be served.
 */
size_t connections_poll(const struct connections *c, struct pollfd fds[CONNECTIONS_MAX]);
void connections_take(struct connections *c, const struct pollfd *fds, size_t n);

/*
 * The connection whose turn it is among those that spoke, or that polkit has answered for: of the
 * person for whom least time was spent lately; with a netns of the peer's only after others. NULL
 * when there is none.
 */
struct connection *connections_next(struct connections *c, const struct spent *spent);

/* No other request of this person is served in this turn of the loop. */
void connections_skip(struct connections *c, uid_t person);

/* Ends one; the last one takes its place. */
void connections_hang_up(struct connections *c, struct connection *one);

/*
 * The one who has said nothing for longest makes room. Somebody who has something to say does so
 * at once, and is heard before the next are taken in. False when all wait for an answer of ours.
 */
bool connections_make_room(struct connections *c);

/* When connections_expire(), connections_accept() or an answer is due: clock_ms(), INT64_MAX:
 * never. */
int64_t connections_deadline(const struct connections *c);

/* Ends those whose time is over. */
void connections_expire(struct connections *c, int64_t now);

enum received {
	RECEIVED_ALL,   /* the request, with its netns if that was asked for */
	RECEIVED_PART,  /* the netns is being received by a child */
	RECEIVED_WRONG, /* not what was expected: the connection is to be closed */
};

/* Receives what a connection that spoke has to say in its state. host_ns is any namespace. */
enum received connection_receive(struct connections *c, struct connection *one, int host_ns);

/* Tells a peer that it is worth trying again. */
void connection_answer_busy(int fd);

void connections_close(struct connections *c);

#endif
