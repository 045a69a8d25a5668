/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/msg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static struct msg_header header(uint16_t op)
{
	return (struct msg_header){ .magic = MSG_MAGIC, .version = MSG_VERSION, .op = op };
}

void msg_request_init(struct msg_request *m, enum msg_op op)
{
	memset(m, 0, sizeof(*m));
	m->header = header((uint16_t)op);
}

void msg_reply_init(struct msg_reply *m, uint16_t op)
{
	memset(m, 0, sizeof(*m));
	m->header = header(op);
}

void msg_event_init(struct msg_event *m)
{
	memset(m, 0, sizeof(*m));
	m->header = header(MSG_SUBSCRIBE);
}

static bool header_ok(const struct msg_header *h)
{
	return h->magic == MSG_MAGIC && h->version == MSG_VERSION && h->op >= MSG_RUN &&
	       h->op < MSG_OP_END;
}

int msg_request_check(const struct msg_request *m, size_t len)
{
	return len == sizeof(*m) && header_ok(&m->header) ? 0 : -EBADMSG;
}

int msg_reply_check(const struct msg_reply *m, size_t len)
{
	if (len != sizeof(*m) || !header_ok(&m->header) || m->status > MSG_SEND ||
	    !memchr(m->text, 0, sizeof(m->text)) || !memchr(m->name, 0, sizeof(m->name)) ||
	    m->names.n > SESSION_DNS_MAX || !memchr(m->names.domains, 0, sizeof(m->names.domains)))
		return -EBADMSG;
	return 0;
}

int msg_event_check(const struct msg_event *m, size_t len)
{
	if (len != sizeof(*m) || !header_ok(&m->header) || m->header.op != MSG_SUBSCRIBE ||
	    !m->count || !memchr(m->object, 0, sizeof(m->object)))
		return -EBADMSG;
	return 0;
}
