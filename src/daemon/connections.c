/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/connections.h"

#include <errno.h>
#include <stdio.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "ipc/sock.h"

#define ACCEPT_MAX      64 /* in one turn */
#define ACCEPT_AGAIN_MS 100

/*
 * What is to be done in a netns of the peer's comes after what is not, unless that one's person had
 * so much more time lately: how long it takes is up to the netns's owner.
 */
#define FOREIGN_NS 100000000

static size_t of_person(const struct connections *c, uid_t person)
{
	size_t n = subscribers_of(c->subscribers, person);

	for (size_t i = 0; i < c->n; i++)
		n += c->v[i].peer.person == person;
	return n;
}

void connections_hang_up(struct connections *c, struct connection *one)
{
	polkit_ask_free(c->polkit, one->peer.ask);
	close_fd(&one->passed);
	close_fd(&one->receiver);
	close_fd(&one->netns);
	settle_end(&one->settle);
	if (one->peer.fd >= 0)
		fd_receive_close(c->receivers, one->peer.fd, one->peer.person);
	*one = c->v[--c->n];
	c->accept_at = 0; /* a descriptor is free */
}

bool connections_make_room(struct connections *c)
{
	struct connection *oldest = NULL;

	for (size_t i = 0; i < c->n; i++) {
		struct connection *one = &c->v[i];

		if (one->state == CONNECTION_REQUEST && !one->spoke &&
		    (!oldest || one->deadline < oldest->deadline))
			oldest = one;
	}
	if (!oldest)
		return false;
	connections_hang_up(c, oldest);
	return true;
}

void connection_answer_busy(int fd)
{
	struct msg_reply reply;

	msg_reply_init(&reply, MSG_RUN);
	reply.status = MSG_BUSY;
	snprintf(reply.text, sizeof(reply.text), "the daemon is busy");
	sock_send(fd, &reply, sizeof(reply), -1);
}

static bool same_header(const struct msg_header *a, const struct msg_header *b)
{
	return a->magic == b->magic && a->version == b->version && a->op == b->op;
}

/* What the peer was asked for by MSG_SEND: the header of its request, with one descriptor. */
static enum received receive_netns(struct connections *c, struct connection *one, int host_ns)
{
	struct msg_header header = { 0 };
	struct err err = { 0 };
	ssize_t n = 0;
	enum fd_receive_head head = fd_receive_peek(one->peer.fd, &header, sizeof(header), &n);

	sock_pass_rights(one->peer.fd, false); /* no more than this one */
	if (head == FD_RECEIVE_NOTHING || n != sizeof(header) ||
	    !same_header(&header, &one->request.header))
		return RECEIVED_WRONG;
	if (head == FD_RECEIVE_PLAIN) {
		fd_receive_discard(one->peer.fd);
		one->sent = true;
		return RECEIVED_ALL;
	}
	one->receiver =
		fd_receive_start(c->receivers, one->peer.fd, one->peer.person, host_ns, &err);
	if (one->receiver >= 0) {
		one->state = CONNECTION_RECEIVING;
		return RECEIVED_PART;
	}
	one->receiver = -1;
	log_line(LOG_NOTICE, "uid %u: %s", one->peer.cred.uid, err.text);
	connection_answer_busy(one->peer.fd);
	return RECEIVED_WRONG;
}

enum received connection_receive(struct connections *c, struct connection *one, int host_ns)
{
	ssize_t n = 0;

	switch (one->state) {
	case CONNECTION_REQUEST:
		/* a descriptor is sent when it is asked for, once the policy has allowed it */
		if (fd_receive_peek(one->peer.fd, &one->request, sizeof(one->request), &n) !=
			    FD_RECEIVE_PLAIN ||
		    msg_request_check(&one->request, (size_t)n) < 0)
			return RECEIVED_WRONG;
		fd_receive_discard(one->peer.fd);
		return RECEIVED_ALL;
	case CONNECTION_NETNS:
		return receive_netns(c, one, host_ns);
	case CONNECTION_RECEIVING:
		n = fd_receive_finish(one->receiver, &one->passed);
		one->receiver = -1;
		one->sent = true;
		return n < 0 ? RECEIVED_WRONG : RECEIVED_ALL;
	case CONNECTION_POLKIT:
	case CONNECTION_SETTLING:
		break;
	}
	return RECEIVED_WRONG;
}

static bool has_place(struct connections *c, uid_t person)
{
	size_t own = of_person(c, person);

	if (own >= CONNECTIONS_PER_PERSON_MAX)
		return false;
	return person_may_have(person, own, c->n, c->max) || connections_make_room(c);
}

static void take_in(struct connections *c, int fd)
{
	struct connection one = { .peer.fd = fd,
				  .deadline = clock_ms() + CONNECTION_SILENCE_MS,
				  .passed = -1,
				  .receiver = -1,
				  .netns = -1 };
	struct pollfd said = { .fd = fd, .events = POLLIN };

	if (sock_peer(fd, &one.peer.cred, NULL) < 0 || fd_receive_prepare(fd, NULL) < 0) {
		fd_receive_close(c->receivers, fd, PERSON_UNKNOWN);
		return;
	}
	one.peer.person = person_of(c->persons, one.peer.cred.uid);
	if (has_place(c, one.peer.person)) {
		one.spoke = poll(&said, 1, 0) > 0;
		c->v[c->n++] = one;
	} else {
		connection_answer_busy(fd);
		fd_receive_close(c->receivers, fd, one.peer.person);
	}
}

/* Of accept(2): no descriptor or no memory, of ours or of the whole host. The peer still waits. */
static bool none_left(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

bool connections_accept(struct connections *c, int listen_fd)
{
	persons_refresh(c->persons);
	/* no more than there are places: who was taken in is heard before somebody takes theirs */
	for (size_t n = 0; n < ACCEPT_MAX && n < c->max; n++) {
		int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);

		if (fd >= 0) {
			take_in(c, fd);
			continue;
		}
		if (errno == EINTR || errno == ECONNABORTED)
			continue;
		/* else the listening socket stays readable, and poll(2) returns at once for ever */
		if (none_left(errno) && !connections_make_room(c))
			c->accept_at = clock_ms() + ACCEPT_AGAIN_MS;
		return n > 0;
	}
	return true;
}

struct pollfd connections_pollfd(const struct connections *c, int listen_fd)
{
	return (struct pollfd){ .fd = c->accept_at ? -1 : listen_fd, .events = POLLIN };
}

static int waits_on(const struct connection *one)
{
	switch (one->state) {
	case CONNECTION_REQUEST:
	case CONNECTION_POLKIT: /* where it is to say nothing */
	case CONNECTION_NETNS:
		break;
	case CONNECTION_RECEIVING:
		return one->receiver;
	case CONNECTION_SETTLING:
		return settle_fd(&one->settle);
	}
	return one->peer.fd;
}

static bool told_by_polkit(const struct connection *one)
{
	return one->state == CONNECTION_POLKIT && authorize_answered(&one->peer);
}

size_t connections_poll(const struct connections *c, struct pollfd fds[CONNECTIONS_MAX])
{
	for (size_t i = 0; i < c->n; i++)
		fds[i] = (struct pollfd){ .fd = waits_on(&c->v[i]), .events = POLLIN };
	return c->n;
}

void connections_take(struct connections *c, const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		c->v[i].spoke = fds[i].revents && c->v[i].state != CONNECTION_SETTLING;
		c->v[i].skipped = false;
	}
}

struct connection *connections_next(struct connections *c, const struct spent *spent)
{
	struct connection *next = NULL;
	int64_t now = clock_ms(), least = 0;

	for (size_t i = 0; i < c->n; i++) {
		struct connection *one = &c->v[i];
		int64_t ns;

		if (one->skipped || (!one->spoke && !told_by_polkit(one)))
			continue;
		ns = spent_of(spent, one->peer.person, now);
		if (one->state == CONNECTION_RECEIVING)
			ns += FOREIGN_NS;
		if (!next || ns < least || (ns == least && one->deadline < next->deadline)) {
			next = one;
			least = ns;
		}
	}
	return next;
}

void connections_skip(struct connections *c, uid_t person)
{
	for (size_t i = 0; i < c->n; i++)
		c->v[i].skipped |= c->v[i].peer.person == person;
}

int64_t connections_deadline(const struct connections *c)
{
	int64_t next = c->accept_at ? c->accept_at : INT64_MAX;

	for (size_t i = 0; i < c->n; i++) {
		const struct connection *one = &c->v[i];
		int64_t due = one->state == CONNECTION_SETTLING ? one->settle.end : one->deadline;

		if (told_by_polkit(one))
			return 0; /* it was somebody else's turn */
		if (due < next)
			next = due;
	}
	return next;
}

/* What has come since the last poll(2) counts: another's request may have taken longer than this
 * one may be silent. */
static bool has_spoken(const struct connection *one)
{
	struct pollfd said = { .fd = waits_on(one), .events = POLLIN };

	return one->spoke || poll(&said, 1, 0) > 0;
}

void connections_expire(struct connections *c, int64_t now)
{
	if (c->accept_at && c->accept_at <= now)
		c->accept_at = 0;
	for (size_t i = c->n; i-- > 0;)
		if (c->v[i].deadline <= now && !has_spoken(&c->v[i]))
			connections_hang_up(c, &c->v[i]);
}

void connections_close(struct connections *c)
{
	while (c->n)
		connections_hang_up(c, &c->v[c->n - 1]);
}
