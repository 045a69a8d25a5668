/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ipc/msg.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"

static struct msg_header header(uint16_t op)
{
	return (struct msg_header){ .magic = MSG_MAGIC, .version = MSG_VERSION, .op = op };
}

static const size_t sizes[] = {
	[MSG_RUN] = sizeof(struct msg_run),         [MSG_RUN_IN] = sizeof(struct msg_run),
	[MSG_MOVE] = sizeof(struct msg_move),       [MSG_PAUSE] = sizeof(struct msg_session),
	[MSG_RESUME] = sizeof(struct msg_session),  [MSG_STOP] = sizeof(struct msg_session),
	[MSG_EXEC] = sizeof(struct msg_session),    [MSG_SUBSCRIBE] = sizeof(struct msg_subscribe),
	[MSG_ATTACH] = sizeof(struct msg_attach),   [MSG_PROBE] = sizeof(struct msg_probe),
	[MSG_EXPLAIN] = sizeof(struct msg_explain), [MSG_LOG] = sizeof(struct msg_log),
	[MSG_CAPTURE] = sizeof(struct msg_session), [MSG_FLOWS] = sizeof(struct msg_session),
};
static_assert(ARRAY_SIZE(sizes) == MSG_OP_END, "a size for each operation");

size_t msg_request_size(uint16_t op)
{
	return op < MSG_OP_END ? sizes[op] : 0;
}

void msg_request_init(union msg_request *m, enum msg_op op)
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

void msg_logged_init(struct msg_logged *m)
{
	memset(m, 0, sizeof(*m));
	m->header = header(MSG_LOG);
}

static bool header_ok(const struct msg_header *h)
{
	return h->magic == MSG_MAGIC && h->version == MSG_VERSION && h->op >= MSG_RUN &&
	       h->op < MSG_OP_END;
}

int msg_request_check(const union msg_request *m, size_t len)
{
	if (len < sizeof(m->header) || !header_ok(&m->header))
		return -EBADMSG;
	return len == msg_request_size(m->header.op) ? 0 : -EBADMSG;
}

int msg_probe_check(const struct msg_probe *m, struct err *err)
{
	if (m->failed > 1)
		return err_set(err, EINVAL,
			       "read a probe's result: invalid value %u: expected 0 or 1",
			       m->failed);
	if (!memchr(m->uplink, 0, sizeof(m->uplink)) || !ifname_valid(m->uplink))
		return err_set(err, EINVAL, "read a probe's result: it names no interface");
	return 0;
}

int msg_reply_check(const struct msg_reply *m, size_t len)
{
	if (len != sizeof(*m) || !header_ok(&m->header) || m->status > MSG_EXISTS ||
	    !memchr(m->text, 0, sizeof(m->text)) || !memchr(m->name, 0, sizeof(m->name)) ||
	    m->dns.n > SESSION_DNS_MAX || !memchr(m->dns.domains, 0, sizeof(m->dns.domains)) ||
	    !memchr(m->dns.options, 0, sizeof(m->dns.options)) ||
	    !memchr(m->share, 0, sizeof(m->share)) || strchr(m->share, '/') || m->share[0] == '.')
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

int msg_logged_check(const struct msg_logged *m, size_t len)
{
	if (len != sizeof(*m) || !header_ok(&m->header) || m->header.op != MSG_LOG ||
	    !log_entry_valid(&m->entry))
		return -EBADMSG;
	return 0;
}
