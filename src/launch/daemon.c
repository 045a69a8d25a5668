/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/util.h"
#include "config.h"
#include "ipc/ask.h"
#include "launch/init.h"
#include "launch/program.h"

#define READY_MS 10000
#define READY_FD 3

/*
 * The daemon is for all users, and its caller's limits are for the caller's programs: past the
 * first four the kernel ends a process, or refuses it memory (getrlimit(2)). A service manager's
 * are kept.
 */
static void lift_limits(void)
{
	static const struct {
		int resource;
		rlim_t soft;
	} limits[] = {
		{ RLIMIT_FSIZE, RLIM_INFINITY }, { RLIMIT_CPU, RLIM_INFINITY },
		{ RLIMIT_AS, RLIM_INFINITY },    { RLIMIT_DATA, RLIM_INFINITY },
		{ RLIMIT_STACK, 8u << 20 }, /* what Linux begins with */
	};

	for (size_t i = 0; i < ARRAY_SIZE(limits); i++) {
		struct rlimit limit = { limits[i].soft, RLIM_INFINITY };

		if (setrlimit(limits[i].resource, &limit) == 0 ||
		    getrlimit(limits[i].resource, &limit) < 0)
			continue;
		/* root without CAP_SYS_RESOURCE */
		limit.rlim_cur = limits[i].soft < limit.rlim_max ? limits[i].soft : limit.rlim_max;
		setrlimit(limits[i].resource, &limit);
	}
	setpriority(PRIO_PROCESS, 0, 0);
}

/*
 * Where systemd runs a daemon of ours would be in the cgroup of the unit that the caller is in, and
 * end with it: systemd starts it, or at least takes it into a scope of its own.
 */
static const char *what_to_start(void)
{
	if (init_running() == INIT_SYSTEMD)
		return "--start-socket";
	return init_is_systemd() ? "--scope" : "--supervise";
}

/* In the grandchild: becomes the daemon. Only the pipe survives, as READY_FD. */
static void become_daemon(const char *path, int ready)
{
	char *argv[] = { (char *)"via-ifaced", (char *)what_to_start(), (char *)"--ready",
			 (char *)"3", NULL };
	char *envp[8];

	program_clean_environment(envp);
	lift_limits();
	if (dup2(ready, READY_FD) < 0 || detach_leave(READY_FD, 022) < 0)
		_exit(1);
	execve(path, argv, envp);
	dprintf(READY_FD, "start '%s': %s", path, strerror(errno));
	_exit(1);
}

/* Waits for the newline that means ready; anything else is the reason why not. */
static int await_ready(int fd, struct err *err)
{
	char text[ERR_TEXT_MAX];
	size_t len = 0;

	for (;;) {
		struct pollfd p = { .fd = fd, .events = POLLIN };
		int n = poll(&p, 1, READY_MS);
		ssize_t got;

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return err_set(
				err, ETIMEDOUT,
				"start the daemon: it was not ready within %d s; see its log",
				READY_MS / 1000);
		got = read(fd, text + len, sizeof(text) - 1 - len);
		if (got < 0 && errno == EINTR)
			continue;
		if (got > 0 && text[len] == '\n' && len == 0)
			return 0;
		if (got <= 0 || len + (size_t)got == sizeof(text) - 1)
			break;
		len += (size_t)got;
	}
	text[len] = 0;
	return err_set(err, ECHILD, "start the daemon: %s", len ? text : "it ended at once");
}

static int start(struct err *err)
{
	_cleanup_close_ int ready_read = -1, ready_write = -1;
	char path[PATH_MAX];
	int pipe_fds[2], r = program_find("via-ifaced", path, err);

	if (r < 0)
		return r;
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "make a pipe");
	ready_read = pipe_fds[0];
	ready_write = pipe_fds[1];
	r = detach_fork();
	if (r < 0)
		return err_errno(err, -r, "start the daemon");
	if (r == 0)
		become_daemon(path, ready_write);
	close_fd(&ready_write);
	return await_ready(ready_read, err);
}

static int refuse(struct err *err)
{
	char command[INIT_COMMAND_MAX];
	enum init init = init_running();

	err_set(err, ECONNREFUSED, "ask the daemon at " DAEMON_SOCKET ": it does not run");
	init_start_command(init, command, sizeof(command));
	return err_hint(err, "`%s` starts it%s", command,
			init == INIT_NONE ? "" : ", now and at each boot");
}

int daemon_check(struct err *err)
{
	if (geteuid() == 0 || access(DAEMON_SOCKET, F_OK) == 0 || errno != ENOENT)
		return 0;
	return refuse(err);
}

bool daemon_is_absent(int r)
{
	return r == -ENOENT || r == -ECONNREFUSED;
}

int daemon_start(struct err *err)
{
	bool waited_before = detach_signal_waits();
	int r = geteuid() == 0 ? start(err) : refuse(err);

	if (!waited_before)
		detach_take_signal();
	return r;
}

int daemon_ask(const union msg_request *request, int pass, struct msg_reply *ret, struct err *err)
{
	return daemon_ask_netns(request, pass, ret, NULL, err);
}

int daemon_ask_netns(const union msg_request *request, int pass, struct msg_reply *ret, int *ret_fd,
		     struct err *err)
{
	struct err first = { 0 };
	int r = ask_daemon(DAEMON_SOCKET, request, pass, ret, ret_fd, &first);

	if (!daemon_is_absent(r)) {
		if (r < 0)
			*err = first;
		return r;
	}
	r = daemon_start(err);
	return r < 0 ? r : ask_daemon(DAEMON_SOCKET, request, pass, ret, ret_fd, err);
}
