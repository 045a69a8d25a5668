/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/subscribers.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/fd_receive.h"
#include "daemon/persons.h"

size_t subscribers_of(const struct subscribers *s, uid_t person)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += s->v[i].person == person;
	return n;
}

static int add(struct subscribers *s, const struct subscriber *one, struct err *err)
{
	size_t own = subscribers_of(s, one->person);

	if (own >= SUBSCRIBERS_PER_PERSON_MAX || !person_may_have(one->person, own, s->n, s->max))
		return err_set(err, EBUSY, "there are too many others; end one of them");
	s->v[s->n++] = *one;
	return 0;
}

int subscribers_add(struct subscribers *s, int fd, uid_t person, struct err *err)
{
	return add(s, &(struct subscriber){ .fd = fd, .person = person }, err);
}

int subscribers_add_log(struct subscribers *s, int fd, uid_t uid, uid_t person, struct err *err)
{
	return add(s, &(struct subscriber){ .fd = fd, .person = person, .uid = uid, .log = true },
		   err);
}

static void let_go(struct subscribers *s, size_t i)
{
	fd_receive_close(s->receivers, s->v[i].fd, s->v[i].person);
	s->v[i] = s->v[--s->n];
}

static void send_to(struct subscribers *s, size_t i, const void *bytes, size_t len)
{
	if (send(s->v[i].fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		let_go(s, i);
}

void subscribers_send(struct subscribers *s, const struct msg_event *event)
{
	for (size_t i = s->n; i-- > 0;)
		if (!s->v[i].log)
			send_to(s, i, event, sizeof(*event));
}

void subscribers_send_entry(struct subscribers *s, const struct log_entry *e)
{
	struct msg_logged m;

	msg_logged_init(&m);
	m.entry = *e;
	for (size_t i = s->n; i-- > 0;)
		if (s->v[i].log && log_entry_visible(e, s->v[i].uid))
			send_to(s, i, &m, sizeof(m));
}

size_t subscribers_poll(const struct subscribers *s, struct pollfd fds[SUBSCRIBERS_MAX])
{
	for (size_t i = 0; i < s->n; i++)
		fds[i] = (struct pollfd){ .fd = s->v[i].fd, .events = POLLIN };
	return s->n;
}

void subscribers_take(struct subscribers *s, const struct pollfd *fds, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (fds[i].revents)
			let_go(s, i);
}

void subscribers_close(struct subscribers *s)
{
	while (s->n)
		let_go(s, s->n - 1);
}
