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
#include "launch/apps_apply.h"
#include "launch/daemon.h"
#include "launch/environment.h"
#include "launch/handover.h"
#include "launch/host_ports.h"
#include "launch/launch.h"
#include "launch/name.h"
#include "launch/outside.h"
#include "launch/program.h"
#include "launch/separate.h"
#include "launch/wrappers.h"

int launch_find_program(const char *name, struct err *err)
{
	const char *path = getenv("PATH");
	char full[PATH_MAX];
	struct stat st;

	if (!*name)
		return err_set(err, ENOENT, "run '': it is empty");
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

/*
 * What the app policy says, read once: first the options of a new session, then who outside would
 * do the program's work, as a line in ret.
 */
static int ask_policy(struct launch_options *o, const struct handover *h, uint32_t id,
		      struct err *ret, struct err *err)
{
	bool new_session = h->netns < 0;
	struct uplink_list uplinks = { 0 };
	struct apps apps = { 0 };
	int r = apps_load_for(o, new_session && !o->request.uplinks.n, &apps, err);

	if (r == 0 && new_session)
		r = apps_apply(o, &apps, &h->user, err);
	if (new_session)
		uplinks = o->request.uplinks;
	else
		instance_uplinks(id, &uplinks);
	if (r == 0 && o->separate)
		r = separate_as_asked(o, &apps, &uplinks, &h->user, err);
	if (r == 0)
		r = outside_check(o, h, &apps, &uplinks, ret, err);
	apps_done(&apps);
	return r;
}

static void fill_request(const struct launch_options *o, const struct launch_target *t,
			 struct handover *h)
{
	if (t->netns >= 0) {
		msg_request_init(&h->request, MSG_EXEC);
		h->request.session.id = t->id;
		return;
	}
	msg_request_init(&h->request, MSG_RUN);
	h->request.run.request = o->request;
	h->request.run.request.probe_of = t->id;
	log_text(h->request.run.request.program, sizeof(h->request.run.request.program),
		 program_base_name(o->program[0]));
	if (t->user)
		h->request.run.request.owner = t->user->uid;
	if (o->given & GIVEN_NAME && !t->id)
		name_claim(&h->request.run.request, t->user ? t->user->uid : geteuid());
	ports_claim(&h->request.run.request, t->user ? t->user->uid : geteuid());
}

/* Hands over and becomes via-iface-enter; returns only when it failed. */
static int become_enter(const char *path, const struct launch_options *o, struct handover *h,
			const struct environment *around, struct err *err)
{
	char fd_text[16];
	char *argv[] = { (char *)"via-iface-enter", fd_text, NULL }, *envp[8];
	_cleanup_close_ int fd = -1;

	h->notify = around->notify;
	fd = handover_write(h, o->program, around->envp, err);
	if (fd < 0)
		return fd;
	snprintf(fd_text, sizeof(fd_text), "%d", fd);
	program_clean_environment(envp);
	execve(path, argv, envp);
	return err_errno(err, errno, "start '%s'", path);
}

int launch(struct launch_options *o, const struct launch_target *t)
{
	struct handover h = { .notify = -1,
			      .host_ports = -1,
			      .netns = t->netns,
			      .report = program_report(),
			      .verbose = o->verbose,
			      .quiet = o->quiet,
			      .allow_sockets = o->allow_sockets,
			      .no_password = o->no_password };
	struct environment around = { .notify = -1 };
	struct err err = { 0 }, outside = { 0 };
	bool waited_before = detach_signal_waits();
	int status = check_program(o->program[0], &err);
	char enter[PATH_MAX];

	if (status)
		return status;
	if (t->user)
		h.user = *t->user;
	if (t->netns >= 0 && fcntl(t->netns, F_SETFD, 0) < 0) { /* enter inherits it */
		err_errno(&err, errno, "hand over the session's netns");
		return program_fail(&err);
	}
	if (ask_policy(o, &h, t->id, &outside, &err) < 0 || ambient_check(&err) < 0 ||
	    daemon_check(&err) < 0 || program_find("via-iface-enter", enter, &err) < 0 ||
	    (o->wait && o->wait_for(o, &err) < 0) ||
	    environment_prepare(o, &h.user, &around, &err) < 0)
		return program_fail(&err);
	if (t->netns < 0 && host_ports_count(&o->request.host_ports) &&
	    host_ports_start(&h.user, &h.host_ports, &err) < 0) {
		environment_done(&around);
		return program_fail(&err);
	}
	environment_warn(&around, o, &outside);
	if (!waited_before)
		detach_take_signal();
	fill_request(o, t, &h);
	become_enter(enter, o, &h, &around, &err);
	environment_done(&around);
	return program_fail(&err);
}
