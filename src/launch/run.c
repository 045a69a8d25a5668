/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * argv → request → memfd → via-iface-enter, which becomes the program. Nothing here changes the
 * network, and nothing of this process stays behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "launch/ambient.h"
#include "launch/apps.h"
#include "launch/daemon.h"
#include "launch/environment.h"
#include "launch/handover.h"
#include "launch/launch.h"
#include "launch/program.h"

int launch_find_program(const char *name, struct err *err)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];
	struct stat st;

	if (strchr(name, '/'))
		return stat(name, &st) < 0 ? err_errno(err, errno, "run '%s'", name) : 0;
	if (!path)
		path = "/bin:/usr/bin";
	for (;;) {
		size_t len = strcspn(path, ":");

		if (snprintf(full, sizeof(full), "%.*s/%s", (int)len, len ? path : ".", name) <
			    (int)sizeof(full) &&
		    stat(full, &st) == 0)
			return 0;
		if (!path[len])
			break;
		path += len + 1;
	}
	return err_set(err, ENOENT, "run '%s': it is not in PATH; give its full path", name);
}

/* Says so and returns the exit status when it cannot be found, else 0. */
static int check_program(const char *name, struct err *err)
{
	if (launch_find_program(name, err) == 0)
		return 0;
	program_fail(err);
	return err->code == ENOENT || err->code == ENOTDIR ? EXIT_VIA_NOT_FOUND : EXIT_VIA_NOT_EXEC;
}

/* The way from here to the program; h holds what enter is to do. Returns only when it failed. */
static int launch(const struct launch_options *o, struct handover *h, launch_check_outside *check,
		  struct err *err)
{
	char enter[PATH_MAX], fd_text[16];
	char *enter_argv[] = { (char *)"via-iface-enter", fd_text, NULL }, *enter_envp[8];
	struct environment around = { .notify = -1 };
	bool waited_before = detach_signal_waits();
	struct err outside = { 0 };
	int fd;

	if (check && check(o, h, &outside, err) < 0)
		return program_fail(err);
	if (ambient_check(err) < 0 || daemon_check(err) < 0 ||
	    program_find("via-iface-enter", enter, err) < 0 ||
	    environment_prepare(o, &h->user, &around, err) < 0)
		return program_fail(err);
	environment_warn(&around, o, &outside);
	h->verbose = o->verbose;
	h->allow_sockets = o->allow_sockets;
	h->notify = around.notify;
	fd = handover_write(h, o->program, around.envp, err);
	if (fd >= 0) {
		snprintf(fd_text, sizeof(fd_text), "%d", fd);
		program_clean_environment(enter_envp);
		if (!waited_before)
			detach_take_signal();
		execve(enter, enter_argv, enter_envp);
		err_errno(err, errno, "start '%s'", enter);
		close(fd);
	}
	environment_done(&around);
	return program_fail(err);
}

bool launch_needs_helpers(const struct launch_options *o)
{
	return o->user || !o->request.uplinks[0] || apps_mention(o->program);
}

int launch_run(struct launch_options *o, const struct launch_helpers *helpers)
{
	struct handover h = { .notify = -1, .netns = -1 };
	struct err err = { 0 };
	int status = check_program(o->program[0], &err);

	if (status)
		return status;
	if (o->user && helpers && helpers->find_user(o->user, &h.user, &err) < 0)
		return program_fail(&err);
	if (helpers && helpers->apply_apps(o, &h.user, &err) < 0)
		return program_fail(&err);
	msg_request_init(&h.request, MSG_RUN);
	h.request.run.request = o->request;
	if (o->user)
		h.request.run.request.owner = h.user.uid;
	status = launch(o, &h, helpers ? helpers->check_outside : NULL, &err);
	free(o->made);
	free(o->made_bytes);
	return status;
}

int launch_exec(const struct launch_options *o, uint32_t id, int netns, launch_check_outside *check)
{
	struct handover h = { .notify = -1, .netns = netns };
	struct err err = { 0 };
	int status = check_program(o->program[0], &err);

	if (status)
		return status;
	if (fcntl(netns, F_SETFD, 0) < 0) { /* enter inherits it */
		err_errno(&err, errno, "hand over the session's netns");
		return program_fail(&err);
	}
	msg_request_init(&h.request, MSG_EXEC);
	h.request.session.id = id;
	return launch(o, &h, check, &err);
}

int launch_probe(const struct launch_options *o, uint32_t id)
{
	struct handover h = { .notify = -1, .netns = -1 };
	struct err err = { 0 };

	msg_request_init(&h.request, MSG_RUN);
	h.request.run.request = o->request;
	h.request.run.request.probe_of = id;
	return launch(o, &h, NULL, &err);
}
