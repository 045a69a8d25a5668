/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface attach, detach: a way out for a netns that is there already, such as a container's. It
 * is opened here, with what the caller may open; the daemon gets the descriptor and asks the kernel
 * whose it is.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config.h"
#include "ipc/ask.h"
#include "verbs/verbs.h"

#define NETNS_DIR "/run/netns" /* iproute2 include/namespace.h */

/* A session's name where none is given: what the process is called. */
static void name_after(uint32_t pid, char ret[SESSION_NAME_MAX])
{
	char path[32], comm[32] = "";
	_cleanup_close_ int fd = -1;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%u/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
	comm[n > 0 ? n - 1 : 0] = 0; /* its end is a newline */
	cli_default_name(comm, ret);
}

/*
 * The number of a process may be another's by the time its file is opened: one that still lives
 * when that is done is the one that was meant.
 */
static int open_of_process(uint32_t pid, int *ret, struct err *err)
{
	_cleanup_close_ int process = (int)syscall(SYS_pidfd_open, (pid_t)pid, 0u);
	_cleanup_close_ int fd = -1;
	struct pollfd ended = { .fd = process, .events = POLLIN };
	char path[40];

	if (process < 0 && errno == EINVAL) /* what pidfd_open(2) says of a thread */
		return err_set(err, ESRCH, "find process %u: it is none, but a thread of one", pid);
	if (process < 0)
		return err_errno(err, errno, "find process %u", pid);
	snprintf(path, sizeof(path), "/proc/%u/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		err_errno(err, errno, "open the netns of process %u", pid);
		return err->code == EACCES ? err_hint(err, "it must be yours; root may open any")
					   : -err->code;
	}
	if (poll(&ended, 1, 0) != 0)
		return err_set(err, ESRCH, "open the netns of process %u: it has ended", pid);
	*ret = steal_fd(&fd);
	return 0;
}

static int open_by_name(const char *name, int *ret, struct err *err)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), NETNS_DIR "/%s", name) >= (int)sizeof(path))
		return err_errno(err, ENAMETOOLONG, "open netns '%.40s…'", name);
	*ret = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (*ret < 0) {
		err_errno(err, errno, "open netns '%s'", path);
		return err_hint(err, "`ip netns` lists them");
	}
	return 0;
}

static int attach(struct cli_options *o, struct err *err)
{
	_cleanup_close_ int netns = -1;
	struct msg_request request;
	struct msg_reply reply;
	int r = o->netns ? open_by_name(o->netns, &netns, err)
			 : open_of_process(o->pid, &netns, err);

	if (r == 0 && geteuid() == 0)
		r = cli_start_daemon(err);
	if (r < 0)
		return r;
	msg_request_init(&request, MSG_ATTACH);
	request.request = o->request;
	r = ask_daemon(VIA_RUNDIR "/socket", &request, netns, &reply, NULL, err);
	if (r == 0 && !o->quiet)
		text_print(stdout, "%s; `via-iface detach %s` takes it away\n", reply.text,
			   reply.name);
	return r;
}

int verb_attach(int argc, char *argv[])
{
	struct err err = { 0 };
	struct cli_options o;
	int r = cli_parse_attach(argc, argv, &o, &err);

	if (r == 0 && !o.request.name[0])
		name_after(o.pid, o.request.name);
	if (r == 0)
		r = attach(&o, &err);
	return r < 0 ? cli_fail(&err) : 0;
}

int verb_detach(int argc, char *argv[])
{
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	struct msg_request request;
	struct msg_reply reply;
	struct err err = { 0 };
	struct words w;
	int r = words_read(argc, argv, WORD_QUIET, 1, &w, &err);

	if (r == 0 && !w.n)
		r = err_set(&err, EINVAL, "read the command line: say `via-iface detach SESSION`");
	if (r == 0)
		r = look(0, &f, &err);
	if (r == 0)
		s = find_session(&f, w.v[0], &err);
	if (s && !(s->flags & SESSION_ATTACHED)) {
		err_set(&err, EINVAL, "detach session '%s': it was not attached", s->name);
		err_hint(&err, "`via-iface stop %s` ends its programs", s->name);
	} else if (s && (geteuid() != 0 || cli_start_daemon(&err) == 0)) {
		msg_request_init(&request, MSG_STOP);
		request.request.id = s->id;
		r = ask_daemon(VIA_RUNDIR "/socket", &request, -1, &reply, NULL, &err);
		if (r == 0 && !w.quiet)
			text_print(stdout, "session '%s' is detached\n", s->name);
	}
	return err.code ? cli_fail(&err) : 0;
}
