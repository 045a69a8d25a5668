/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations that make a session: RUN, RUN_IN, ATTACH. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "daemon/operations_internal.h"
#include "daemon/share_files.h"
#include "plan/join.h"
#include "plan/probe.h"

static bool by_root(const struct call *a)
{
	return a->c->peer.cred.uid == 0;
}

/* Whose the session becomes: root may make one for another user (--user). */
static uid_t owner_of(const struct call *a)
{
	uint32_t wanted = a->c->request.run.request.owner;

	return by_root(a) && wanted != REQUEST_OWNER_SELF ? wanted : a->c->peer.cred.uid;
}

/*
 * Of two launches at once that join one name the first makes the session, since requests are served
 * one after the other; the second finds it here.
 */
static int check_join(struct call *a, struct err *err)
{
	const struct request *wanted = &a->launch;
	const struct session *s = NULL;
	char has[UPLINK_LIST_TEXT_MAX];
	int r = host_observe(a->x->host, NULL, err);

	if (r == 0)
		r = join_find(&a->x->host->facts, wanted, owner_of(a), &s, err);
	if (r <= 0 || !s)
		return r;
	a->exists = true;
	a->reply.id = s->id;
	memcpy(a->reply.name, s->name, sizeof(a->reply.name));
	if (memcmp(&s->uplinks, &wanted->uplinks, sizeof(s->uplinks)) != 0)
		snprintf(a->reply.text, sizeof(a->reply.text),
			 "session '%s' is there, and its uplinks stay '%s'", s->name,
			 uplink_list_format(&s->uplinks, has));
	return 0;
}

int operation_check_launch(struct call *a, struct err *err)
{
	const struct request *wanted = &a->c->request.run.request;
	int r = request_check(wanted, err);

	a->launch = *wanted;
	if (r == 0 && wanted->flags & SESSION_JOIN)
		return check_join(a, err);
	if (r < 0 || !wanted->probe_of)
		return r;
	r = host_observe(a->x->host, NULL, err);
	if (r == 0)
		r = probe_request(&a->x->host->facts, wanted, a->c->peer.cred.uid, &a->launch,
				  &a->parent, err);
	if (r == -EBUSY) {
		/* the probe session before it is closing: a busy host takes seconds for a netns */
		host_end_probe(a->x->host, wanted->probe_of);
		a->busy = true;
	}
	return r;
}

int operation_check_attach(struct call *a, struct err *err)
{
	a->launch = a->c->request.attach.request;
	return request_check_attach(&a->launch, err);
}

static uint32_t sessions_of_peer(const struct call *a)
{
	return host_sessions_of(a->x->host, a->x->persons, a->c->peer.person);
}

/*
 * For a probe session the policy is asked about its parent, which polkit has approved of if it had
 * to: a dialog every few seconds would not be answered.
 */
void operation_ask_launch(const struct call *a, struct access_question *q, const char **ret_name)
{
	q->uplinks = a->parent ? &a->parent->uplinks : &a->launch.uplinks;
	q->flags = a->launch.flags;
	q->share = a->launch.share[0] != 0;
	q->rates = a->launch.rates;
	q->host_port = host_ports_count(&a->launch.host_ports) != 0;
	q->published = &a->launch.published;
	q->sessions = a->parent ? 0 : sessions_of_peer(a);
	q->approved = a->parent != NULL;
	*ret_name = a->launch.name;
}

/* Whether there is an address for a new session of that person. */
int operation_reserve_launch(struct call *a, struct err *err)
{
	const size_t all = SESSION_HOST_LAST - SESSION_HOST_FIRST + 1;

	if (person_may_have(a->c->peer.person, sessions_of_peer(a), host_sessions(a->x->host), all))
		return 0;
	return err_set(
		err, EDQUOT,
		"make a session: of %zu addresses those left are kept for root and for users "
		"without a session; end one first",
		all);
}

/* nf_tables does not show the rules of iptables-legacy, which may stop a session's packets. */
static void warn_of_legacy(struct operation_context *x)
{
	if (x->warned_of_legacy || !x->host->facts.legacy_filter)
		return;
	x->warned_of_legacy = true;
	log_line(LOG_WARNING,
		 "iptables-legacy has a filter table here, which via-iface cannot change: "
		 "if sessions get no answer, see 'iptables-legacy -nvL FORWARD'");
}

int operation_run_launch(struct call *a, struct err *err)
{
	struct host_state *h = a->x->host;
	struct connection *c = a->c;
	uid_t owner = owner_of(a), peer = c->peer.cred.uid;
	struct session session = { 0 };
	const struct launch l = { .request = &a->launch,
				  .uid = owner,
				  .peer = peer,
				  .of_peer = c->request.header.op != MSG_RUN,
				  .netns = c->passed };
	int r;

	if (owner != peer)
		a->launch.flags |= SESSION_BY_ROOT;
	if (c->request.header.op == MSG_ATTACH)
		a->launch.flags |= SESSION_ATTACHED;
	h->memory.person = person_of(a->x->persons, owner);
	h->memory.connections = c->peer.connections;
	h->memory.rates = c->peer.rates;
	r = host_launch(h, &l, &session, &c->settle, &c->netns, err);
	if (r < 0)
		return r;
	session_log_started(h, &session, a->launch.program, peer);
	a->reply.id = session.id;
	if (session.uplink[0])
		snprintf(a->reply.text, sizeof(a->reply.text),
			 "session '%s' through %s, port viap%u", session.name, session.uplink,
			 session.id);
	else
		snprintf(a->reply.text, sizeof(a->reply.text),
			 "session '%s', port viap%u, is blocked until an uplink of its list can "
			 "serve",
			 session.name, session.id);
	memcpy(a->reply.name, session.name, sizeof(a->reply.name));
	operation_fill_dns(h, &session, &a->reply.dns);
	share_file_name(&session, a->reply.share);
	warn_of_legacy(a->x);
	a->settles = true;
	return 0;
}
