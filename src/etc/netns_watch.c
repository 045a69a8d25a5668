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
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sched.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
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

/* Closes everything inherited, the netns above all, which would otherwise not end. */
static void let_go(void)
{
	sigset_t none;

	close_descriptors(0, ~0u);
	for (int fd = 0; fd < 3; fd++)
		if (open("/dev/null", O_RDWR) != fd)
			_exit(1);
	prctl(PR_SET_NAME, "via-iface-etc");
	for (int s = 1; s < NSIG; s++)
		signal(s, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	umask(022);
	if (setsid() < 0 || chdir("/") < 0)
		_exit(1);
}

/* Events are hints, and may be lost (ENOBUFS): what counts is whether the port is still there. */
static void wait_for_end(const char *port, unsigned int index)
{
	const struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char bytes[1], name[IFNAMSIZ];

	if (fd < 0 || bind(fd, (const struct sockaddr *)&links, sizeof(links)) < 0)
		_exit(1); /* the next command of root's removes them */
	while (index && if_indextoname(index, name) && !strcmp(name, port))
		if (recv(fd, bytes, sizeof(bytes), MSG_TRUNC) < 0 && errno != ENOBUFS &&
		    errno != EINTR)
			_exit(1);
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
		if (clone_quietly() == 0) {
			let_go();
			wait_for_end(port, index);
			netns_files_remove(f->name, f->id, f->netns);
		}
		_exit(0);
	}
	if (pid < 0)
		return err_errno(err, errno, "start a helper");
	while (waitpid(pid, NULL, __WALL) < 0 && errno == EINTR)
		;
	return 0;
}
