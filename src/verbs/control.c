/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface move, pause, resume: one request to the daemon for each session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/strbuf.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config.h"
#include "launch/agent.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "plan/uplink.h"
#include "verbs/each.h"
#include "verbs/run.h"
#include "verbs/verbs.h"
#include "verbs/wait.h"

/* Sends a request, and prints where the session goes now. may_ask: agent.h. */
static int change(const union msg_request *request, bool may_ask, bool quiet, struct err *err)
{
	struct msg_reply reply;
	int r = agent_ask(request, -1, may_ask, &reply, err);

	if (r == 0 && !quiet)
		text_print(stdout, "%s\n", reply.text);
	return r;
}

/*
 * The list that a move to one uplink gives a session with a list of them: that one, then the
 * others, which stay for the case that it fails. A session without a list has just the new one.
 */
int move_list(const struct uplink_list *before, const struct uplink_list *to,
	      struct uplink_list *ret, struct err *err)
{
	char text[UPLINK_LIST_TEXT_MAX];

	*ret = *to;
	if (!before || to->n != 1 || before->n < 2)
		return 0;
	for (size_t i = 0; i < before->n; i++) {
		if (!strcmp(uplink_list_word(before, i), uplink_list_word(to, 0)) ||
		    uplink_list_append(ret, before, i) == 0)
			continue;
		err_set(err, EINVAL,
			"put '%s' before the uplinks '%s': the list is longer than %d words or %d "
			"bytes",
			uplink_list_word(to, 0), uplink_list_format(before, text), UPLINK_WORDS_MAX,
			UPLINK_LIST_MAX - 1);
		return err_hint(err, "--only drops the others");
	}
	return 0;
}

/* --wait: for those that are named, since the session's other ones may well be usable. */
static int await_uplink(const struct session *s, const struct words *w,
			const struct uplink_list *to, struct err *err)
{
	struct launch_options o = { .quiet = w->quiet };
	int r = cli_parse_wait(w->wait, &o.wait, err);

	o.request.flags = s->flags;
	o.request.n_dns = (uint8_t)s->n_dns;
	o.request.uplinks = *to;
	return r < 0 ? r : wait_for_uplink(&o, err);
}

/*
 * The session's other uplinks would hide that the one that is named does not exist. One that is
 * there and cannot serve now becomes the first of the list.
 */
static int check_exists(const struct uplink_list *to, struct err *err)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct uplink_walk walk = { .facts = &f, .list = to };
	char ignored[IFNAMSIZ];
	int r = explain_is_elsewhere() ? 0 : observe_host(OBSERVE_SESSIONS, &f, err);

	if (r < 0 || explain_is_elsewhere() || uplink_walk(&walk))
		return r;
	return uplink_choose(&f, to, 0, ignored, err);
}

static int move(const struct session *s, const struct words *w, struct err *err)
{
	const struct uplink_list *list;
	char text[UPLINK_LIST_TEXT_MAX];
	union msg_request request;
	struct uplink_list to;
	int r = uplink_list_parse(w->v[1], &to, err);

	msg_request_init(&request, MSG_MOVE);
	request.move.id = s->id;
	list = &request.move.uplinks;
	if (r == 0)
		r = move_list(w->only ? NULL : &s->uplinks, &to, &request.move.uplinks, err);
	if (r == 0)
		r = uplink_list_check(list, err);
	if (r == 0 && w->waits)
		r = await_uplink(s, w, &to, err);
	else if (r == 0 && !uplink_list_equal(list, &to))
		r = check_exists(&to, err);
	if (r == 0)
		r = change(&request, !w->no_password, w->quiet, err);
	if (r == 0 && !w->quiet && !uplink_list_equal(list, &to))
		text_print(stdout, "its list of uplinks is %s; --only drops the others\n",
			   uplink_list_format(list, text));
	return r;
}

int verb_move(int argc, char *argv[])
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	_cleanup_strbuf_ struct strbuf uplink = { 0 };
	struct err err = { 0 }, ignored = { 0 };
	struct words w;
	int r = words_read(VERB_MOVE, argc, argv, 2, &w, &err);

	if (r == 0 && w.n != 2)
		r = words_usage(VERB_MOVE, &err);
	if (r == 0)
		r = observe_sessions(w.v, 1, &f, &err);
	if (r == 0)
		s = find_session(&f, w.v[0], &err);
	if (r == 0 && !s && find_session(&f, w.v[1], &ignored)) { /* all links were read then */
		err_set(&err, EINVAL, "read '%s': the session stands before the uplink", w.v[0]);
		err_hint(&err, "say `via-iface move %s %s`", w.v[1], strbuf_word(&uplink, w.v[0]));
	}
	if (s)
		move(s, &w, &err);
	return err.code ? program_fail(&err) : 0;
}

static int pause_session(const struct session *s, bool quiet, struct err *err)
{
	union msg_request request;

	msg_request_init(&request, MSG_PAUSE);
	request.session.id = s->id;
	return change(&request, false, quiet, err);
}

static int resume_session(const struct session *s, bool quiet, struct err *err)
{
	union msg_request request;

	msg_request_init(&request, MSG_RESUME);
	request.session.id = s->id;
	return change(&request, false, quiet, err);
}

int verb_pause(int argc, char *argv[])
{
	static const struct each pause = { .verb = VERB_PAUSE, .act = pause_session };
	static const struct each resume = { .verb = VERB_RESUME, .act = resume_session };
	const struct each *each = verb_find(argv[0]) == VERB_PAUSE ? &pause : &resume;
	struct err err = { 0 };
	struct words w;

	if (words_read(each->verb, argc, argv, argc, &w, &err) < 0)
		return program_fail(&err);
	return each_session(each, &w);
}
