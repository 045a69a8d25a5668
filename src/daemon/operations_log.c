/* SPDX-License-Identifier: GPL-2.0-or-later */
/* LOG: what happened to the peer's own sessions. */
#include <errno.h>

#include "base/util.h"
#include "daemon/operations_internal.h"

int operation_check_log(struct call *a, struct err *err)
{
	if (a->c->request.log.follow > 1)
		return err_set(err, EINVAL, "read the request: invalid value of 'follow'");
	return 0;
}

int operation_run_log(struct call *a, struct err *err)
{
	const struct peer *p = &a->c->peer;
	const struct msg_log *m = &a->c->request.log;
	int fd, r;

	event_log_drain(a->x->log);
	fd = history_export(&a->x->log->history, p->cred.uid, p->person, m->after, err);
	if (fd < 0)
		return fd;
	a->pass = a->c->netns = fd; /* closed with the connection */
	r = answers_add(&a->x->log->answers, fd, p->person, clock_ms(), err);
	if (r < 0)
		return r;
	return m->follow
		       ? subscribers_add_log(a->x->subscribers, p->fd, p->cred.uid, p->person, err)
		       : 0;
}
