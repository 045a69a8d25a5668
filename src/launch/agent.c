/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As systemctl(1) does it (systemd src/shared/polkit-agent.c), but not before it is known that
 * there is no other agent, and so without --fallback: polkitd does not find a fallback agent for a
 * process that is in no session of logind's (polkitbackendinteractiveauthority.c:
 * get_authentication_agent_for_subject()).
 */
#include "launch/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "config.h"
#include "launch/daemon.h"
#include "launch/program.h"

#define READY_MS  30000 /* longer than a call on the bus takes until it fails */
#define NOTIFY_FD 3

/* The terminal, where a person can be asked now: a program in the background would be stopped. */
static int open_terminal(void)
{
	_cleanup_close_ int fd = -1;

	if (geteuid() == 0 || !isatty(STDIN_FILENO))
		return -ENOTTY;
	fd = open("/dev/tty", O_RDWR | O_CLOEXEC);
	if (fd < 0 || tcgetpgrp(fd) != getpgrp())
		return -ENOTTY;
	return steal_fd(&fd);
}

/* In the child. The pipe's end stays open until pkttyagent closes it. */
static void become_agent(int terminal, int notify, pid_t parent)
{
	char *const argv[] = { (char *)VIA_PKTTYAGENT, (char *)"--notify-fd", (char *)"3", NULL };
	char *envp[8];

	program_clean_environment(envp);
	detach_default_signals();
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		if (dup2(terminal, fd) < 0)
			_exit(EXIT_VIA_FAILED);
	if (dup2(notify, NOTIFY_FD) < 0 || close_descriptors(NOTIFY_FD + 1, ~0u) < 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGTERM) < 0 || getppid() != parent)
		_exit(EXIT_VIA_FAILED);
	execve(argv[0], argv, envp);
	_exit(EXIT_VIA_NOT_EXEC);
}

static bool has_ended(pid_t pid)
{
	siginfo_t info = { 0 };

	return waitid(P_PID, (id_t)pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 ||
	       info.si_pid == pid;
}

int agent_start(pid_t *ret)
{
	_cleanup_close_ int terminal = open_terminal(), ready = -1, notify = -1;
	const pid_t self = getpid();
	int fds[2], r;
	pid_t pid;

	if (terminal < 0)
		return terminal;
	if (access(VIA_PKTTYAGENT, X_OK) < 0 || pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	ready = fds[0];
	/* above the descriptors that become_agent() fills */
	notify = fcntl(fds[1], F_DUPFD_CLOEXEC, NOTIFY_FD + 1);
	close(fds[1]);
	if (notify < 0)
		return -errno;
	fflush(NULL);
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_agent(terminal, notify, self);
	close_fd(&notify);
	r = wait_readable(
		ready, READY_MS); /* until it closes its end: polkitd knows it, or it has ended */
	if (r >= 0)
		r = r == 0 ? -ETIMEDOUT : has_ended(pid) ? -ECHILD : 0;
	if (r < 0)
		agent_stop(pid);
	else
		*ret = pid;
	return r;
}

void agent_stop(pid_t pid)
{
	bool waited_before = detach_signal_waits();

	kill(pid, SIGTERM);
	kill(pid, SIGCONT); /* in case that it was stopped */
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (!waited_before)
		detach_take_signal();
}

int agent_ask(const union msg_request *request, int pass, bool may_ask, struct msg_reply *ret,
	      struct err *err)
{
	int r = daemon_ask(request, pass, ret, err);
	struct err refused = *err;
	pid_t agent = 0;

	if (r != -ENOKEY || !may_ask || agent_start(&agent) < 0)
		return r;
	*err = (struct err){ 0 };
	r = daemon_ask(request, pass, ret, err);
	agent_stop(agent);
	if (r == -ENOKEY)
		*err = refused;
	return r;
}
