/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connections. Each has two sockets, sides, and two flows between them. A flow is splice(2) through
 * a pipe: it reads only when the pipe is empty, so a side that does not read makes the other one
 * wait in its own send buffer, as without us. A pipe is held only while there is something in it.
 * The end of one flow is a shutdown(2) of the other side, and no more; an error resets both.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "launch/host_ports_internal.h"
#include "launch/loopback.h"

#define CHUNK       (1u << 20) /* for one call; the pipe is the limit */
#define TURN_MAX    4          /* pipes for one event: others have their turn too */
#define ACCEPT_MAX  16
#define ACCEPT_WAIT 1000 /* ms, when the kernel has no descriptors */

enum { INSIDE, HOST, SIDES };

/* From the side of the same number to the other one. */
struct flow {
	int pipe[2]; /* -1: none is needed */
	size_t held; /* bytes in it */
	bool ended;  /* nothing comes any more */
	bool closed; /* and the other side was told */
};

struct side {
	struct source source;
	struct connection *c;
};

struct connection {
	struct side side[SIDES];
	struct flow flow[SIDES];
	bool connecting;
	int family; /* of the host's address that is tried */
	bool both;  /* the other family was tried before */
	uint16_t port;
	struct connection *next; /* in relay.dead */
};

/* --- pipes ----------------------------------------------------------------------------------- */

static int take_pipe(struct relay *r, struct flow *f)
{
	if (f->pipe[0] >= 0)
		return 0;
	if (r->spare[0] < 0)
		return pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK) < 0 ? -errno : 0;
	for (int i = 0; i < 2; i++)
		f->pipe[i] = steal_fd(&r->spare[i]);
	return 0;
}

static void give_pipe(struct relay *r, struct flow *f)
{
	const bool keep = !f->held && r->spare[0] < 0;

	for (int i = 0; i < 2; i++)
		if (keep)
			r->spare[i] = steal_fd(&f->pipe[i]);
		else
			close_fd(&f->pipe[i]);
}

/* --- flows ----------------------------------------------------------------------------------- */

static bool would_wait(void)
{
	return errno == EAGAIN || errno == EINTR;
}

/* 1: something moved; 0: nothing can for now, or ever; or a negative errno. */
static int move_some(struct relay *r, struct flow *f, int from, int to)
{
	const unsigned int flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t n;
	int code;

	if (f->held) {
		n = splice(f->pipe[0], NULL, to, NULL, f->held, flags);
		if (n < 0)
			return would_wait() ? 0 : -errno;
		f->held -= (size_t)n;
		return n > 0;
	}
	if (f->ended)
		return 0;
	code = take_pipe(r, f);
	if (code < 0)
		return code;
	n = splice(from, NULL, f->pipe[1], NULL, CHUNK, flags);
	if (n < 0)
		return would_wait() ? 0 : -errno;
	f->ended = n == 0;
	f->held = (size_t)n;
	return n > 0;
}

/* Returns 0, or a negative errno: then the connection is reset. */
static int move(struct relay *r, struct connection *c, int from)
{
	struct flow *f = &c->flow[from];
	const int to = c->side[!from].source.fd;
	int n = 1;

	for (int i = 0; i < 2 * TURN_MAX && n > 0; i++)
		n = move_some(r, f, c->side[from].source.fd, to);
	if (!f->held && f->pipe[0] >= 0)
		give_pipe(r, f);
	if (n >= 0 && f->ended && !f->held && !f->closed) {
		f->closed = true;
		if (shutdown(to, SHUT_WR) < 0)
			return -errno;
	}
	return n < 0 ? n : 0;
}

/* --- connections ----------------------------------------------------------------------------- */

static void end(struct relay *r, struct connection *c, bool reset)
{
	const struct linger at_once = { .l_onoff = 1, .l_linger = 0 };

	for (int i = 0; i < SIDES; i++) {
		if (reset && c->side[i].source.fd >= 0)
			(void)setsockopt(c->side[i].source.fd, SOL_SOCKET, SO_LINGER, &at_once,
					 sizeof(at_once));
		relay_close(r, &c->side[i].source);
		give_pipe(r, &c->flow[i]);
	}
	c->next = r->dead;
	r->dead = c;
	r->connections--;
	if (!r->accepting && !r->accept_again)
		relay_tcp_listen(r, true);
}

/* What each side waits for: to be read when its flow is empty, to be written when the other holds.
 */
static int watch_both(struct relay *r, struct connection *c)
{
	int code = 0;

	for (int i = 0; i < SIDES && code == 0; i++) {
		const struct flow *own = &c->flow[i], *other = &c->flow[!i];
		const uint32_t events =
			(!own->ended && !own->held ? EPOLLIN : 0u) | (other->held ? EPOLLOUT : 0u);

		code = relay_watch(r, &c->side[i].source, events);
	}
	return code;
}

static void side_ready(struct relay *r, struct source *s, uint32_t events);

/* To the host's address of c->family; in the other family too, where nobody listens there. */
static int connect_host(struct relay *r, struct connection *c)
{
	struct source *s = &c->side[HOST].source;
	struct sockaddr_storage to;
	const socklen_t len = loopback_address(c->family, c->port, &to);
	const int on = 1;

	relay_close(r, s);
	s->fd = socket(c->family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->fd < 0)
		return -errno;
	(void)setsockopt(s->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	if (connect(s->fd, (struct sockaddr *)&to, len) < 0 && errno != EINPROGRESS)
		return -errno;
	return relay_watch(r, s, EPOLLOUT);
}

static int connect_next(struct relay *r, struct connection *c, int code)
{
	while (code < 0 && !c->both) {
		c->both = true;
		c->family = c->family == AF_INET ? AF_INET6 : AF_INET;
		code = connect_host(r, c);
	}
	return code;
}

/* The host's side answered, or did not. */
static int connected(struct relay *r, struct connection *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	if (getsockopt(c->side[HOST].source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
		error = errno;
	if (error)
		return connect_next(r, c, -error);
	c->connecting = false;
	return watch_both(r, c);
}

static void side_ready(struct relay *r, struct source *s, uint32_t events)
{
	struct connection *c = ((struct side *)(void *)s)->c;
	const int at = s == &c->side[HOST].source ? HOST : INSIDE;
	int code = 0;

	if (s->fd < 0) /* ended by an event of this turn */
		return;
	if (c->connecting) {
		code = connected(r, c);
	} else {
		if (events & ~(uint32_t)EPOLLOUT)
			code = move(r, c, at);
		if (code == 0 && events & ~(uint32_t)EPOLLIN)
			code = move(r, c, !at);
		if (code == 0)
			code = watch_both(r, c);
	}
	if (code < 0)
		end(r, c, true);
	else if (c->flow[INSIDE].closed && c->flow[HOST].closed)
		end(r, c, false);
}

static void begin(struct relay *r, const struct listener *l, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	const int on = 1;
	int code;

	if (!c) {
		close(fd);
		return;
	}
	for (int i = 0; i < SIDES; i++) {
		c->side[i] = (struct side){ .source = { .ready = side_ready, .fd = -1 }, .c = c };
		c->flow[i].pipe[0] = c->flow[i].pipe[1] = -1;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	c->side[INSIDE].source.fd = fd;
	c->connecting = true;
	c->family = l->family;
	c->port = l->port;
	r->connections++;
	code = connect_host(r, c);
	if (connect_next(r, c, code) < 0)
		end(r, c, true);
}

/* --- listening sockets ----------------------------------------------------------------------- */

void relay_tcp_listen(struct relay *r, bool accepting)
{
	r->accepting = accepting;
	if (accepting)
		r->accept_again = 0;
	for (unsigned int i = 0; i < r->n_listeners; i++)
		if (!r->listeners[i].udp)
			(void)relay_watch(r, &r->listeners[i].source, accepting ? EPOLLIN : 0);
}

void relay_tcp_ready(struct relay *r, struct source *s, uint32_t events)
{
	(void)events;
	for (int i = 0; i < ACCEPT_MAX && r->accepting; i++) {
		int fd;

		if (r->connections >= r->connections_max) {
			relay_tcp_listen(r, false);
			return;
		}
		fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0) {
			begin(r, (const struct listener *)(void *)s, fd);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			relay_tcp_listen(r, false);
			r->accept_again = clock_ms() + ACCEPT_WAIT;
		}
		return;
	}
}

void relay_tcp_free_dead(struct relay *r)
{
	while (r->dead) {
		struct connection *c = r->dead;

		r->dead = c->next;
		free(c);
	}
}
