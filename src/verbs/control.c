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
#include "ipc/ask.h"
#include "verbs/verbs.h"

static int ask_about(const struct session *s, enum msg_op op, const char *uplinks, bool quiet,
		     struct err *err)
{
	struct msg_request request;
	struct msg_reply reply;
	int r;

	msg_request_init(&request, op);
	request.request.id = s->id;
	if (uplinks &&
	    copy_string(request.request.uplinks, sizeof(request.request.uplinks), uplinks) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes", uplinks,
			       SESSION_UPLINKS_MAX - 1);
	r = uplinks ? request_check_uplinks(&request.request, err) : 0;
	if (r == 0)
		r = ask_daemon(VIA_RUNDIR "/socket", &request, -1, &reply, NULL, err);
	if (r == 0 && !quiet)
		text_print(stdout, "%s\n", reply.text);
	return r;
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
		r = look(0, &f, &err);
	if (r == 0)
		s = find_session(&f, w.v[0], &err);
	if (s)
		ask_about(s, MSG_MOVE, w.v[1], w.quiet, &err);
	return err.code ? cli_fail(&err) : 0;
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
		r = look(0, &f, &err);
	if (r == 0 && !w.all) {
		s = find_session(&f, w.v[0], &err);
		if (s)
			ask_about(s, op, NULL, w.quiet, &err);
	}
	for (size_t i = 0; i < f.sessions.n && w.all && !err.code; i++) {
		s = &f.sessions.v[i];
		if (!s->probe_of && (geteuid() == 0 || s->uid == getuid()))
			ask_about(s, op, NULL, w.quiet, &err);
	}
	return err.code ? cli_fail(&err) : 0;
}
