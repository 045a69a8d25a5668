/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/detach.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/files.h"

int detach_fork(void)
{
	pid_t pid = fork();
	int status = 0;

	if (pid < 0)
		return -errno;
	if (pid == 0) {
		if (setsid() < 0 || (pid = fork()) < 0)
			_exit(errno);
		if (pid == 0)
			return 0;
		_exit(0);
	}
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR) /* ECHILD: SIGCHLD is ignored, and the status is lost */
			return 1;
	return WIFEXITED(status) && WEXITSTATUS(status) ? -WEXITSTATUS(status) : 1;
}

int detach_fork_with_line(int *ret)
{
	int ends[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		return -errno;
	r = detach_fork();
	if (r < 0)
		close(ends[0]);
	else
		*ret = ends[r == 0];
	close(ends[r != 0]);
	return r;
}

int detach_inherit(int fd)
{
	int copy = fcntl(fd, F_DUPFD, STDERR_FILENO + 1);

	return copy < 0 ? -errno : copy;
}

void detach_default_signals(void)
{
	sigset_t none;

	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

int detach_leave(int last, mode_t mask)
{
	detach_default_signals();
	if (close_descriptors((unsigned int)last + 1, ~0u) < 0)
		return -errno;
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		close(fd);
		if (open("/dev/null", O_RDWR) != fd)
			return -errno;
	}
	umask(mask);
	return chdir("/") < 0 ? -errno : 0;
}

bool detach_signal_waits(void)
{
	sigset_t pending;

	return sigpending(&pending) == 0 && sigismember(&pending, SIGCHLD) == 1;
}

void detach_take_signal(void)
{
	const struct timespec now = { 0 };
	sigset_t child;

	sigemptyset(&child);
	sigaddset(&child, SIGCHLD);
	if (detach_signal_waits())
		sigtimedwait(&child, NULL, &now);
}
