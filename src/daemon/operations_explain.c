/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The operation that tells what the access policy would answer: EXPLAIN. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "config.h"
#include "daemon/operations_internal.h"

int operation_check_explain(struct call *a, struct err *err)
{
	const struct msg_explain *m = &a->c->request.explain;

	if (m->flags & ~(uint32_t)SESSION_NO_LAN)
		return err_set(err, EINVAL, "explain the policy: invalid flags %#x", m->flags);
	if (m->part >= MSG_EXPLAIN_MISTAKE + CONF_MISTAKES_MAX)
		return err_set(err, EINVAL, "explain the policy: invalid part %u", m->part);
	return uplink_list_check(&m->uplinks, err);
}

static enum msg_allowed verdict(const struct call *a, enum access_answer answer, int code)
{
	if (answer == ACCESS_ALLOW)
		return MSG_ALLOWED;
	if (answer == ACCESS_ASK)
		return MSG_NO_SECTION;
	if (a->x->authorizer->policy.access.broken.code)
		return MSG_POLICY_BROKEN;
	return code == EDQUOT ? MSG_TOO_MANY : MSG_FORBIDDEN;
}

static void tell_mistake(const struct call *a, uint32_t number, char ret[ERR_TEXT_MAX])
{
	struct conf_mistakes mistakes = { 0 };

	policy_mistakes(a->x->authorizer->policy.dir, &mistakes);
	if (number < mistakes.n)
		snprintf(ret, ERR_TEXT_MAX, "%s", mistakes.v[number].text);
	conf_mistakes_done(&mistakes);
}

int operation_run_explain(struct call *a, struct err *err)
{
	const struct msg_explain *m = &a->c->request.explain;
	struct access_question q = {
		.op = ACCESS_RUN,
		.uplinks = &m->uplinks,
		.flags = m->flags,
		.sessions = host_sessions_of(a->x->host, a->x->persons, a->c->peer.person),
	};
	enum access_answer answer;
	struct err why = { 0 };

	(void)err;
	answer = authorize_explain(a->x->authorizer, &a->c->peer, &q, &why);
	a->reply.id = verdict(a, answer, why.code);
	copy_string(a->reply.name, sizeof(a->reply.name), VIA_VERSION);
	if (m->part >= MSG_EXPLAIN_MISTAKE)
		tell_mistake(a, m->part - MSG_EXPLAIN_MISTAKE, a->reply.text);
	else if (m->part == MSG_EXPLAIN_REMEDY)
		authorize_remedy(a->x->authorizer, &a->c->peer, &q, a->reply.text);
	else
		memcpy(a->reply.text, why.text, sizeof(a->reply.text));
	return 0;
}
