/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/detach.h"

#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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
