/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper that removes a session's files from /etc/netns when the session has ended. It is
 * started where the files are written, as root, in the host's namespaces, and waits for the end of
 * the session's port. When it is killed the files stay until the next of via-iface's commands that
 * root runs, which finds that their session has no port.
 *
 * The caller may be about to become the session's program: so the helper is made by two clones, of
 * which the first sends no signal when it ends (clone(2), exit_signal 0), and is left to init.
 */
#include <errno.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "base/link_watch.h"
#include "etc/netns_files.h"
#include "model/session.h"

/*
 * Like fork(2), without a signal when the child ends. The process has one thread, so no lock of the
 * C library is held.
 */
static pid_t clone_quietly(void)
{
	struct clone_args args = { 0 };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Events are hints, and may be lost (ENOBUFS): what counts is whether the port is still there. */
static void wait_for_end(const char *port, unsigned int index)
{
	int fd = link_watch_open();

	if (fd < 0)
		_exit(1); /* the next command of root's removes them */
	while (!link_watch_gone(fd, port, index))
		if (wait_readable(fd, -1) < 0)
			_exit(1);
}

/* The netns above all is closed, which would otherwise not end. */
__attribute__((noreturn)) static void help(const struct netns_files *f, const char *port,
					   unsigned int index)
{
	prctl(PR_SET_NAME, "via-iface-etc");
	if (detach_leave(STDERR_FILENO, 022) < 0 || setsid() < 0)
		_exit(1);
	wait_for_end(port, index);
	netns_files_remove(f->name, f->id, f->netns);
	_exit(0);
}

int netns_files_watch(const struct netns_files *f, struct err *err)
{
	char port[IFNAMSIZ];
	unsigned int index;
	pid_t pid;

	session_port(f->id, port);
	index = if_nametoindex(port);
	pid = clone_quietly();
	if (pid == 0) {
		if (clone_quietly() == 0)
			help(f, port, index);
		_exit(0);
	}
	if (pid < 0)
		return err_errno(err, errno, "start a helper");
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return 0;
}
