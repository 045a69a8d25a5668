/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface move, pause, resume: one request to the daemon for each session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config.h"
#include "launch/agent.h"
#include "launch/program.h"
#include "verbs/each.h"
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
int move_list(const char *before, const char *uplinks, char ret[SESSION_UPLINKS_MAX],
	      struct err *err)
{
	const char *at = before, *words = uplinks;
	char word[UPLINK_WORD_MAX], to[UPLINK_WORD_MAX];
	size_t len;
	int n;

	if (copy_string(ret, SESSION_UPLINKS_MAX, uplinks) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes", uplinks,
			       SESSION_UPLINKS_MAX - 1);
	if (!uplinks_next(&words, to) || *words || !uplinks_next(&at, word) || !*at)
		return 0;
	len = strlen(ret);
	for (const char *start = before; *start; start = at) {
		at = start;
		if (!uplinks_next(&at, word))
			break;
		if (!strcmp(word, to))
			continue;
		n = (int)(at - start) - (at[-1] == ',' && *at);
		if (len + 1 + (size_t)n >= SESSION_UPLINKS_MAX) {
			err_set(err, EINVAL,
				"put '%s' before the uplinks '%s': the list is longer "
				"than %d bytes",
				to, before, SESSION_UPLINKS_MAX - 1);
			return err_hint(err, "--only drops the others");
		}
		len += (size_t)snprintf(ret + len, SESSION_UPLINKS_MAX - len, ",%.*s", n, start);
	}
	return 0;
}

/* --wait: for those that are named, since the session's other ones may well be usable. */
static int await_uplink(const struct session *s, const struct words *w, struct err *err)
{
	struct launch_options o = { .quiet = w->quiet };
	int r = cli_parse_wait(w->wait, &o.wait, err);

	o.request.flags = s->flags;
	o.request.n_dns = (uint8_t)s->n_dns;
	if (r == 0)
		r = copy_string(o.request.uplinks, sizeof(o.request.uplinks), w->v[1]);
	return r < 0 ? r : wait_for_uplink(&o, err);
}

static int move(const struct session *s, const struct words *w, struct err *err)
{
	union msg_request request;
	int r;

	msg_request_init(&request, MSG_MOVE);
	request.move.id = s->id;
	r = move_list(w->only ? "" : s->uplinks, w->v[1], request.move.uplinks, err);
	if (r == 0)
		r = request_check_uplinks(request.move.uplinks, err);
	if (r == 0 && w->waits)
		r = await_uplink(s, w, err);
	if (r == 0)
		r = change(&request, !w->no_password, w->quiet, err);
	if (r == 0 && !w->quiet && strcmp(request.move.uplinks, w->v[1]) != 0)
		text_print(stdout, "its list of uplinks is %s; --only drops the others\n",
			   request.move.uplinks);
	return r;
}

int verb_move(int argc, char *argv[])
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	struct err err = { 0 }, ignored = { 0 };
	struct words w;
	int r = words_read(VERB_MOVE, argc, argv, 2, &w, &err);

	if (r == 0 && w.n != 2)
		r = words_usage(VERB_MOVE, &err);
	if (r == 0)
		r = observe_host(0, &f, &err);
	if (r == 0)
		s = find_session(&f, w.v[0], &err);
	if (r == 0 && !s && find_session(&f, w.v[1], &ignored)) {
		err_set(&err, EINVAL, "read '%s': the session stands before the uplink", w.v[0]);
		err_hint(&err, "say `via-iface move %s %s`", w.v[1], w.v[0]);
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
