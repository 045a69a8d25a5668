/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "capture/output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"

/*
 * tcpdump reads what this process writes. It is in a process group of its own: Ctrl-C is for this
 * process, and tcpdump is to show the rest first.
 */
static int start_tcpdump(struct output *o, struct err *err)
{
	char *const argv[] = { (char *)"tcpdump", (char *)"-l", (char *)"-n",
			       (char *)"-r",      (char *)"-",  NULL };
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t none, defaults;
	int fds[2], error;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(err, errno, "start tcpdump");
	o->fd = fds[1];
	sigemptyset(&none);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGPIPE);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[0], STDIN_FILENO);
	posix_spawnattr_init(&attributes);
	posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
						      POSIX_SPAWN_SETSIGDEF);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setsigmask(&attributes, &none);
	posix_spawnattr_setsigdefault(&attributes, &defaults);
	error = posix_spawnp(&o->tcpdump, argv[0], &files, &attributes, argv, environ);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	close(fds[0]);
	if (!error)
		return 0;
	o->tcpdump = 0;
	err_errno(err, error, "start tcpdump");
	return err_hint(err,
			"it shows packets as text: install it, or write a file with `-w FILE`");
}

int output_open(struct output *o, const char *path, struct err *err)
{
	struct stat st;

	*o = (struct output){ .fd = -1, .signals = -1, .waits = true };
	if (!path)
		return start_tcpdump(o, err);
	if (!strcmp(path, "-")) {
		if (isatty(STDOUT_FILENO)) {
			err_set(err, EINVAL, "write packets to standard output: it is a terminal");
			return err_hint(err, "leave `-w` out to see them as text");
		}
		o->fd = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	} else {
		o->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0600);
	}
	if (o->fd < 0 || fstat(o->fd, &st) < 0)
		return err_errno(err, errno, "write '%s'", path);
	o->waits = !S_ISREG(st.st_mode);
	return 0;
}

/* Of a pipe that is writable PIPE_BUF bytes can be written at once (pipe(7)). */
static int write_waiting(const struct output *o)
{
	const char *at = o->bytes.text;

	for (size_t left = o->bytes.len; left > 0;) {
		struct pollfd fds[] = { { .fd = o->fd, .events = POLLOUT },
					{ .fd = o->signals, .events = POLLIN } };
		const size_t n = left < PIPE_BUF ? left : PIPE_BUF;
		int r;

		if (poll(fds, 2, -1) < 0) {
			if (errno == EINTR)
				continue;
			return -errno;
		}
		if (!fds[0].revents)
			return -EINTR;
		r = write_all(o->fd, at, n);
		if (r < 0)
			return r;
		at += n;
		left -= n;
	}
	return 0;
}

int output_flush(struct output *o, struct err *err)
{
	int r;

	if (strbuf_failed(&o->bytes))
		return err_errno(err, ENOMEM, "write packets");
	if (o->bytes.len == 0)
		return 0;
	r = o->waits ? write_waiting(o) : write_all(o->fd, o->bytes.text, o->bytes.len);
	strbuf_truncate(&o->bytes, 0);
	return r < 0 && r != -EPIPE && r != -EINTR ? err_errno(err, -r, "write packets") : r;
}

void output_close(struct output *o)
{
	close_fd(&o->fd);
	strbuf_done(&o->bytes);
	if (o->tcpdump)
		while (waitpid(o->tcpdump, NULL, 0) < 0 && errno == EINTR)
			;
	o->tcpdump = 0;
}
