/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface move, pause, resume: one request to the daemon for each session. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "base/text.h"
#include "config.h"
#include "launch/daemon.h"
#include "launch/program.h"
#include "verbs/verbs.h"

/* Sends a request, and prints where the session goes now. */
static int change(const union msg_request *request, bool quiet, struct err *err)
{
	struct msg_reply reply;
	int r = daemon_ask(request, -1, &reply, err);

	if (r == 0 && !quiet)
		text_print(stdout, "%s\n", reply.text);
	return r;
}

static int move(const struct session *s, const char *uplinks, bool quiet, struct err *err)
{
	union msg_request request;
	int r;

	msg_request_init(&request, MSG_MOVE);
	request.move.id = s->id;
	if (copy_string(request.move.uplinks, sizeof(request.move.uplinks), uplinks) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes", uplinks,
			       SESSION_UPLINKS_MAX - 1);
	r = request_check_uplinks(request.move.uplinks, err);
	return r < 0 ? r : change(&request, quiet, err);
}

static int pause_or_resume(const struct session *s, enum msg_op op, bool quiet, struct err *err)
{
	union msg_request request;

	msg_request_init(&request, op);
	request.session.id = s->id;
	return change(&request, quiet, err);
}

int verb_move(int argc, char *argv[])
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	struct err err = { 0 };
	struct words w;
	int r = words_read(argc, argv, WORD_QUIET, 2, &w, &err);

	if (r == 0 && w.n != 2)
		r = err_set(&err, EINVAL,
			    "read the command line: say `via-iface move SESSION UPLINK[,UPLINK…]`");
	if (r == 0)
		r = observe_host(0, &f, &err);
	if (r == 0)
		s = find_session(&f, w.v[0], &err);
	if (s)
		move(s, w.v[1], w.quiet, &err);
	return err.code ? program_fail(&err) : 0;
}

/* One session, or with --all each that the caller may change; the first failure is told. */
int verb_pause(int argc, char *argv[])
{
	enum msg_op op = strcmp(argv[0], "pause") ? MSG_RESUME : MSG_PAUSE;
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s;
	struct err err = { 0 };
	struct words w;
	int r = words_read(argc, argv, WORD_QUIET | WORD_ALL, 1, &w, &err);

	if (r == 0 && w.n != !w.all)
		r = err_set(&err, EINVAL,
			    "read the command line: say `via-iface %s SESSION` or --all", argv[0]);
	if (r == 0)
		r = observe_host(0, &f, &err);
	if (r == 0 && !w.all) {
		s = find_session(&f, w.v[0], &err);
		if (s)
			pause_or_resume(s, op, w.quiet, &err);
	}
	for (size_t i = 0; i < f.sessions.n && w.all && !err.code; i++) {
		s = &f.sessions.v[i];
		if (!s->probe_of && (geteuid() == 0 || s->uid == getuid()))
			pause_or_resume(s, op, w.quiet, &err);
	}
	return err.code ? program_fail(&err) : 0;
}
