/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/detach.h"

#include <errno.h>
#include <sys/wait.h>
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
