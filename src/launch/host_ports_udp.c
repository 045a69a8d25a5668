/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Datagrams. Each address inside that sends to a port, a peer, has a socket outside that is
 * connected to the host's port: what the host answers goes back to that peer, and nothing else is
 * received. A datagram that a full buffer does not take is dropped, as the kernel would.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/util.h"
#include "launch/host_ports_internal.h"
#include "launch/loopback.h"

#define BATCH        16
#define DATAGRAM_MAX 65536 /* RFC 768, section Length */

struct datagrams {
	char bytes[BATCH][DATAGRAM_MAX];
	struct sockaddr_storage from[BATCH];
	struct iovec parts[BATCH];
	struct mmsghdr messages[BATCH];
};

struct peer {
	struct source source; /* outside */
	const struct listener *at;
	struct sockaddr_storage from; /* inside */
	socklen_t from_len;
	bool answered;
	int64_t used; /* clock_ms() */
	struct peer *before, *after;
};

int relay_udp_init(struct relay *r)
{
	r->datagrams = calloc(1, sizeof(*r->datagrams));
	return r->datagrams ? 0 : -ENOMEM;
}

/* --- peers ----------------------------------------------------------------------------------- */

static void unlink_peer(struct relay *r, const struct peer *p)
{
	*(p->before ? &p->before->after : &r->first) = p->after;
	*(p->after ? &p->after->before : &r->last) = p->before;
}

static void put_first(struct relay *r, struct peer *p)
{
	p->before = NULL;
	p->after = r->first;
	*(r->first ? &r->first->before : &r->last) = p;
	r->first = p;
	p->used = clock_ms();
}

static void use(struct relay *r, struct peer *p)
{
	unlink_peer(r, p);
	put_first(r, p);
}

static void end(struct relay *r, struct peer *p)
{
	unlink_peer(r, p);
	relay_close(r, &p->source);
	r->peers--;
	p->after = r->dead_peers;
	r->dead_peers = p;
}

static bool is_from(const struct peer *p, const struct listener *l, const struct msghdr *m)
{
	return p->at == l && p->from_len == m->msg_namelen &&
	       !memcmp(&p->from, m->msg_name, m->msg_namelen);
}

static void peer_ready(struct relay *r, struct source *s, uint32_t events);

static int connect_host(struct relay *r, struct peer *p, int family)
{
	struct sockaddr_storage to;
	const socklen_t len = loopback_address(family, p->at->port, &to);

	relay_close(r, &p->source);
	p->source.fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->source.fd < 0 || connect(p->source.fd, (struct sockaddr *)&to, len) < 0)
		return -errno;
	return relay_watch(r, &p->source, EPOLLIN);
}

/* The peer that sent a datagram, a new one if need be; NULL: there can be none. */
static struct peer *find(struct relay *r, const struct listener *l, const struct msghdr *m)
{
	struct peer *p = r->first;

	while (p && !is_from(p, l, m))
		p = p->after;
	if (p) {
		use(r, p);
		return p;
	}
	if (r->peers == RELAY_PEERS_MAX)
		end(r, r->last);
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->source = (struct source){ .ready = peer_ready, .fd = -1 };
	p->at = l;
	memcpy(&p->from, m->msg_name, m->msg_namelen);
	p->from_len = m->msg_namelen;
	put_first(r, p);
	r->peers++;
	if (connect_host(r, p, l->family) == 0)
		return p;
	end(r, p);
	return NULL;
}

/* --- datagrams ------------------------------------------------------------------------------- */

/* All that waits, BATCH at most: how many, 0 where there is nothing. */
static unsigned int receive(struct datagrams *d, int fd)
{
	int n;

	for (unsigned int i = 0; i < BATCH; i++) {
		d->parts[i] = (struct iovec){ d->bytes[i], DATAGRAM_MAX };
		d->messages[i].msg_hdr = (struct msghdr){ .msg_name = &d->from[i],
							  .msg_namelen = sizeof(d->from[i]),
							  .msg_iov = &d->parts[i],
							  .msg_iovlen = 1 };
	}
	n = recvmmsg(fd, d->messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		d->parts[i].iov_len = d->messages[i].msg_len;
	return n < 0 ? 0 : (unsigned int)n;
}

/*
 * An error is that of a datagram before, such as ECONNREFUSED of ICMP, and is taken off by being
 * told; a full buffer drops the datagram.
 */
static void send_some(int fd, struct mmsghdr *messages, unsigned int n)
{
	bool told = false;

	for (unsigned int at = 0; at < n;) {
		int sent = sendmmsg(fd, messages + at, n - at, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (sent > 0) {
			at += (unsigned int)sent;
			told = false;
		} else if (told || errno == EAGAIN) {
			at++;
			told = false;
		} else {
			told = true;
		}
	}
}

static bool refused(int fd)
{
	int error = 0;
	socklen_t len = sizeof(error);

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && error == ECONNREFUSED;
}

/*
 * Over loopback a refusal is there when send(2) returns. A peer that was never answered is then
 * tried in the other family, as a connection is.
 */
static void send_out(struct relay *r, struct peer *p, struct mmsghdr *messages, unsigned int n)
{
	const int other = p->at->family == AF_INET ? AF_INET6 : AF_INET;

	send_some(p->source.fd, messages, n);
	if (p->answered || !refused(p->source.fd))
		return;
	if (connect_host(r, p, other) == 0) {
		send_some(p->source.fd, messages, n);
		if (!refused(p->source.fd))
			return;
	}
	end(r, p); /* so that the next datagram tries both again */
}

void relay_udp_ready(struct relay *r, struct source *s, uint32_t events)
{
	const struct listener *l = (const struct listener *)(void *)s;
	struct datagrams *d = r->datagrams;
	const unsigned int n = receive(d, s->fd);
	unsigned int same;

	(void)events;
	for (unsigned int i = 0; i < n; i += same) {
		struct peer *p = find(r, l, &d->messages[i].msg_hdr);

		same = 1;
		while (p && i + same < n && is_from(p, l, &d->messages[i + same].msg_hdr))
			same++;
		for (unsigned int j = i; j < i + same; j++) {
			d->messages[j].msg_hdr.msg_name = NULL;
			d->messages[j].msg_hdr.msg_namelen = 0;
		}
		if (p)
			send_out(r, p, d->messages + i, same);
	}
}

static void peer_ready(struct relay *r, struct source *s, uint32_t events)
{
	struct peer *p = (struct peer *)(void *)s;
	struct datagrams *d = r->datagrams;
	unsigned int n;

	if (s->fd < 0) /* ended by an event of this turn */
		return;
	if (events & EPOLLERR)
		(void)refused(s->fd);
	n = receive(d, s->fd);
	if (!n)
		return;
	p->answered = true;
	use(r, p);
	for (unsigned int i = 0; i < n; i++) {
		d->messages[i].msg_hdr.msg_name = &p->from;
		d->messages[i].msg_hdr.msg_namelen = p->from_len;
	}
	send_some(p->at->source.fd, d->messages, n);
}

int64_t relay_udp_expire(struct relay *r)
{
	const int64_t now = r->last ? clock_ms() : 0;

	while (r->last && r->last->used + RELAY_IDLE_MS <= now)
		end(r, r->last);
	return r->last ? r->last->used + RELAY_IDLE_MS : 0;
}

void relay_udp_free_dead(struct relay *r)
{
	while (r->dead_peers) {
		struct peer *p = r->dead_peers;

		r->dead_peers = p->after;
		free(p);
	}
}
