/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/followers.h"

#include <errno.h>
#include <sys/socket.h>

#include "daemon/persons.h"
#include "daemon/porter.h"

size_t followers_of(const struct followers *f, uid_t person)
{
	size_t n = 0;

	for (size_t i = 0; i < f->n; i++)
		n += f->v[i].person == person;
	return n;
}

int followers_add(struct followers *f, int fd, uid_t person, struct err *err)
{
	size_t own = followers_of(f, person);

	if (own >= FOLLOWERS_PER_PERSON_MAX || !person_may_have(person, own, f->n, f->max))
		return err_set(err, EBUSY, "there are too many others; end one of them");
	f->v[f->n++] = (struct follower){ .fd = fd, .person = person };
	return 0;
}

static void let_go(struct followers *f, size_t i)
{
	porter_close(f->porter, f->v[i].fd, f->v[i].person);
	f->v[i] = f->v[--f->n];
}

void followers_tell(struct followers *f, const struct msg_event *event)
{
	for (size_t i = f->n; i-- > 0;)
		if (send(f->v[i].fd, event, sizeof(*event), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			let_go(f, i);
}

size_t followers_poll(const struct followers *f, struct pollfd fds[FOLLOWERS_MAX])
{
	for (size_t i = 0; i < f->n; i++)
		fds[i] = (struct pollfd){ .fd = f->v[i].fd, .events = POLLIN };
	return f->n;
}

void followers_take(struct followers *f, const struct pollfd *fds, size_t n)
{
	for (size_t i = n; i-- > 0;)
		if (fds[i].revents)
			let_go(f, i);
}

void followers_close(struct followers *f)
{
	while (f->n)
		let_go(f, f->n - 1);
}
