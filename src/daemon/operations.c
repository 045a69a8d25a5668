/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <assert.h>
#include <errno.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/parse.h"
#include "base/util.h"
#include "daemon/operations_internal.h"
#include "ipc/sock.h"

#define SETTLE_SPENT_NS 50000000 /* what a peer's netns that does not settle counts as */

static void reply(const struct connection *c, struct msg_reply *m, int pass, int r,
		  const struct err *err)
{
	if (r < 0) {
		if (m->status != MSG_NO_AGENT)
			m->status = MSG_REFUSED;
		memcpy(m->text, err->text, sizeof(m->text));
	}
	r = sock_send(c->peer.fd, m, sizeof(*m), pass);
	if (r < 0)
		log_line(LOG_NOTICE, "answer uid %u: %s", c->peer.cred.uid, strerror(-r));
}

void operation_fill_dns(const struct host_state *h, const struct session *session,
			struct msg_dns *ret)
{
	struct resolver resolver;

	if (host_resolver(h, session, &resolver, NULL) < 0)
		return; /* there was a pool a moment ago */
	ret->n = (uint8_t)resolver.n;
	memcpy(ret->servers, resolver.servers, sizeof(ret->servers));
	copy_string(ret->domains, sizeof(ret->domains), resolver.domains);
	copy_string(ret->options, sizeof(ret->options), resolver.options);
}

bool operation_settle(struct operation_context *x, struct connection *c, bool links)
{
	int64_t now = clock_ms();

	if (!settle_over(&c->settle, &x->host->kernel, links))
		return false;
	/* a person whose netns keeps a reply waiting is not served before others */
	if (now >= c->settle.end)
		spent_add(x->spent, c->peer.person, SETTLE_SPENT_NS, now);
	reply(c, &c->reply, c->netns, 0, NULL);
	return true;
}

static int run_subscribe(struct call *a, struct err *err)
{
	return subscribers_add(a->x->subscribers, a->c->peer.fd, a->c->peer.person, err);
}

/*
 * check: the fields of the message, and that what it is about exists. ask: what to ask the access
 * policy besides op, and the session's name for polkit's dialog; NULL: everybody may. reserve:
 * after the policy has allowed it. run: does it. after: fills in the reply when run has succeeded.
 * NULL: nothing of the kind.
 */
static const struct operation {
	int (*check)(struct call *a, struct err *err);
	enum access_op op;
	void (*ask)(const struct call *a, struct access_question *q, const char **ret_name);
	int (*reserve)(struct call *a, struct err *err);
	bool takes_netns;
	int (*run)(struct call *a, struct err *err);
	void (*after)(struct call *a);
} operations[] = {
	/* safe: the netns is new and the daemon's; --user and --keep are root's. A probe session
	 * (it names its parent) differs from its parent in nothing but the uplink */
	[MSG_RUN] = { .check = operation_check_launch,
		      .op = ACCESS_RUN,
		      .ask = operation_ask_launch,
		      .reserve = operation_reserve_launch,
		      .run = operation_run_launch },
	/* safe: a netns of a user namespace of the peer's, nobody's session, and nothing is up */
	[MSG_RUN_IN] = { .check = operation_check_launch,
			 .op = ACCESS_RUN,
			 .ask = operation_ask_launch,
			 .reserve = operation_reserve_launch,
			 .takes_netns = true,
			 .run = operation_run_launch },
	/* safe: the same; what is added are a device, unreachable routes and one table */
	[MSG_ATTACH] = { .check = operation_check_attach,
			 .op = ACCESS_ATTACH,
			 .ask = operation_ask_launch,
			 .reserve = operation_reserve_launch,
			 .takes_netns = true,
			 .run = operation_run_launch },
	/* safe: the owner's session; one map element changes */
	[MSG_MOVE] = { .check = operation_check_move,
		       .op = ACCESS_MOVE,
		       .ask = operation_ask_move,
		       .run = operation_run_move,
		       .after = operation_tell_where },
	/* safe: to give up network needs no permission but that of the owner */
	[MSG_PAUSE] = { .check = operation_check_session,
			.op = ACCESS_STOP,
			.ask = operation_ask_session,
			.run = operation_run_pause,
			.after = operation_tell_where },
	/* safe: the list was allowed; a broken policy allows nothing */
	[MSG_RESUME] = { .check = operation_check_session,
			 .op = ACCESS_RESUME,
			 .ask = operation_ask_session,
			 .run = operation_run_resume,
			 .after = operation_tell_where },
	/* safe: as PAUSE. The daemon ends no process; `stop` does, with its caller's rights */
	[MSG_STOP] = { .check = operation_check_session,
		       .op = ACCESS_STOP,
		       .ask = operation_ask_session,
		       .run = operation_run_stop,
		       .after = operation_tell_where },
	/* safe: the descriptor goes back to its sender, if the session's port leads to it now */
	[MSG_EXEC] = { .check = operation_check_session,
		       .op = ACCESS_EXEC,
		       .ask = operation_ask_session,
		       .takes_netns = true,
		       .run = operation_run_exec },
	/* safe: the netns as for EXEC. The socket sees and sends what a program with CAP_NET_RAW
	 * there would: packets of that netns alone, and the port takes no forged ones. Of the
	 * kernel's memory it can take as much as where users may make user namespaces */
	[MSG_CAPTURE] = { .check = operation_check_session,
			  .op = ACCESS_CAPTURE,
			  .ask = operation_ask_capture,
			  .takes_netns = true,
			  .run = operation_run_capture },
	/* safe: the netns as for EXEC. Addresses and counters of its connections, which the
	 * session's programs have anyway; read by a child, of which a person has few */
	[MSG_FLOWS] = { .check = operation_check_session,
			.op = ACCESS_FLOWS,
			.ask = operation_ask_session,
			.takes_netns = true,
			.run = operation_run_flows },
	/* safe: the owner's session; the daemon believes it for 15 s, and only within its list */
	[MSG_PROBE] = { .check = operation_check_probe,
			.op = ACCESS_STOP,
			.ask = operation_ask_session,
			.run = operation_run_probe,
			.after = operation_tell_where },
	/* safe: what a launch would be told anyway; nothing is changed, nobody is asked */
	[MSG_EXPLAIN] = { .check = operation_check_explain, .run = operation_run_explain },
	/* safe: tells the name of an object that was healed; nothing waits for the peer */
	[MSG_SUBSCRIBE] = { .run = run_subscribe },
	/* safe: a copy of what happened to sessions of the peer's uid, and of what was healed */
	[MSG_LOG] = { .check = operation_check_log, .run = operation_run_log },
};
static_assert(ARRAY_SIZE(operations) == MSG_OP_END, "a row for each operation");

static bool wait_for_polkit(struct connection *c)
{
	c->state = CONNECTION_POLKIT;
	c->deadline = INT64_MAX; /* polkit's own limit holds */
	return false;
}

/* False: the reply waits for the netns. */
static bool request_netns(struct connection *c)
{
	struct msg_reply m;

	sock_pass_rights(c->peer.fd, true);
	msg_reply_init(&m, c->request.header.op);
	m.status = MSG_SEND;
	if (sock_send(c->peer.fd, &m, sizeof(m), -1) < 0)
		return true;
	c->state = CONNECTION_NETNS;
	c->deadline = clock_ms() + CONNECTION_SILENCE_MS;
	return false;
}

static enum authorization may(const struct operation *o, struct call *a, struct err *err)
{
	struct access_question q = { .op = o->op };
	const char *name = "";

	if (!o->ask)
		return AUTHORIZE_ALLOW;
	o->ask(a, &q, &name);
	return authorize(a->x->authorizer, &a->c->peer, &q, name, err);
}

static bool subscribes(const struct connection *c)
{
	const union msg_request *m = &c->request;

	return m->header.op == MSG_SUBSCRIBE || (m->header.op == MSG_LOG && m->log.follow);
}

static bool finish(const struct operation *o, struct call *a, int r, struct err *err)
{
	struct connection *c = a->c;

	if (r == 0 && o->after)
		o->after(a);
	if (r == 0 && a->settles) {
		c->reply = a->reply;
		c->state = CONNECTION_SETTLING;
		c->deadline = INT64_MAX; /* settle.end holds */
		return operation_settle(a->x, c, false);
	}
	if (r < 0)
		session_log_refused(&a->x->host->log, c->peer.cred.uid,
				    host_session(a->x->host, a->reply.id), err->text);
	reply(c, &a->reply, r < 0 ? -1 : a->pass, r, err); /* a refusal passes nothing */
	if (r == 0 && subscribes(c))
		c->peer.fd = -1; /* a subscriber has it */
	return true;
}

bool operation_serve(struct operation_context *x, struct connection *c)
{
	const struct operation *o = &operations[c->request.header.op];
	struct call a = { .x = x, .c = c, .pass = -1 };
	enum authorization allowed = AUTHORIZE_REFUSE;
	struct err err = { 0 };
	int r;

	msg_reply_init(&a.reply, c->request.header.op);
	r = o->check ? o->check(&a, &err) : 0;
	if (a.busy) {
		connection_answer_busy(c->peer.fd);
		return true;
	}
	if (r == 0 && a.exists) { /* nothing is made, and MSG_EXEC is authorized by itself */
		a.reply.status = MSG_EXISTS;
		reply(c, &a.reply, -1, 0, NULL);
		return true;
	}
	if (r == 0)
		allowed = may(o, &a, &err);
	if (allowed == AUTHORIZE_WAIT)
		return wait_for_polkit(c);
	if (r == 0 && allowed == AUTHORIZE_NO_AGENT)
		a.reply.status = MSG_NO_AGENT;
	if (r == 0 && allowed != AUTHORIZE_ALLOW)
		r = -EPERM;
	if (r == 0 && o->reserve)
		r = o->reserve(&a, &err);
	if (r == 0 && o->takes_netns && !c->sent)
		return request_netns(c);
	if (r == 0)
		r = o->run(&a, &err);
	return finish(o, &a, r, &err);
}
