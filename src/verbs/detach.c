/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface detach. The daemon has no way into a netns but the descriptor that a peer passes, so
 * what is in the namespace and not bound to our device is removed here, by who may enter it.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/cli.h"
#include "config.h"
#include "etc/netns_files.h"
#include "launch/daemon.h"
#include "net/attached.h"
#include "verbs/container.h"
#include "verbs/detach.h"
#include "verbs/each.h"
#include "verbs/verbs.h"

int netns_of_process(uint32_t pid, int *ret, struct err *err)
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
	/* the number may be another process's by now: one that still lives is the one meant */
	if (poll(&ended, 1, 0) != 0)
		return err_set(err, ESRCH, "open the netns of process %u: it has ended", pid);
	*ret = steal_fd(&fd);
	return 0;
}

int netns_by_name(const char *name, int *ret, struct err *err)
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

/*
 * The session's netns. Its owner may have moved the device on, and the inode of a netns that has
 * ended is used again: it is the one that the port leads to now, or none.
 */
static int find_netns(const struct session *s)
{
	_cleanup_close_ int fd = attached_find(s->netns);
	struct err ignored = { 0 };
	char port[IFNAMSIZ];
	struct kernel k;
	int leads;

	if (fd < 0 || kernel_open(&k, VIA_RUNDIR, false, &ignored) < 0)
		return -1;
	session_port(s->id, port);
	leads = kernel_leads_to(&k, port, fd, &ignored);
	kernel_close(&k);
	return leads == 1 ? steal_fd(&fd) : -1;
}

int detach_session(const struct session *s, struct err *err)
{
	_cleanup_close_ int netns = find_netns(s);
	union msg_request request;
	struct msg_reply reply;
	struct err why = { 0 };
	int r;

	msg_request_init(&request, MSG_STOP);
	request.session.id = s->id;
	r = daemon_ask(&request, -1, &reply, err);
	if (r < 0)
		return r;
	if (geteuid() == 0) /* the helper does, unless it was killed */
		netns_files_sweep();
	if (netns < 0)
		err_set(&why, ESRCH, "it was not found by a process or by a name");
	else if (attached_release(netns, VIA_RUNDIR, &why) >= 0)
		return 0;
	if (!(s->flags & SESSION_FALLBACK) || !(s->flags & SESSION_FOREIGN_RESOLVER))
		text_print(
			stderr,
			"via-iface: the netns of session '%s' stays closed: %s; `via-iface detach "
			"--netns NAME` or `--pid PID` opens it\n",
			s->name, why.text);
	return 0;
}

/* The attached session of a netns, or NULL. */
static const struct session *find_attached(const struct facts *f, int netns)
{
	struct stat st;

	if (fstat(netns, &st) < 0)
		return NULL;
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].netns == st.st_ino &&
		    f->sessions.v[i].flags & SESSION_ATTACHED)
			return &f->sessions.v[i];
	return NULL;
}

/* A netns whose session has gone without a detach: its port was deleted. */
static int open_up(int netns, bool quiet, struct err *err)
{
	int n = attached_release(netns, VIA_RUNDIR, err);

	if (n == 0)
		return err_set(err, ESRCH,
			       "detach that netns: there is nothing of via-iface in it");
	if (n > 0 && !quiet)
		printf("that netns is detached\n");
	return n < 0 ? n : 0;
}

static int detach(const struct session *s, bool quiet, struct err *err)
{
	int r = 0;

	if (!(s->flags & SESSION_ATTACHED)) {
		err_set(err, EINVAL, "detach session '%s': it was not attached", s->name);
		r = err_hint(err, "`via-iface stop %s` ends its programs", s->name);
	}
	if (r == 0)
		r = detach_session(s, err);
	if (r == 0 && !quiet)
		text_print(stdout, "session '%s' is detached\n", s->name);
	return r;
}

static int open_container(const char *word, int *ret, struct err *err)
{
	_cleanup_close_ int process = -1;
	struct container c;
	int r = container_find(word, &c, err);

	return r < 0 ? r : container_open(&c, ret, &process, err);
}

/* By its netns: the session that is attached to it, or what is left of one. */
static int detach_netns(const struct words *w, struct err *err)
{
	_cleanup_close_ int netns = -1;
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s;
	uint32_t pid = 0;
	int r = w->container ? open_container(w->container, &netns, err)
			     : cli_check_netns_name(w->netns, err);

	if (r == 0 && w->pid && parse_u32(w->pid, 1, INT_MAX, &pid) < 0)
		r = err_set(err, EINVAL, "invalid --pid '%s': it is the number of a process",
			    w->pid);
	if (r == 0 && w->netns)
		r = netns_by_name(w->netns, &netns, err);
	else if (r == 0 && pid)
		r = netns_of_process(pid, &netns, err);
	if (r == 0)
		r = observe_host(0, &f, err);
	if (r < 0)
		return r;
	s = find_attached(&f, netns);
	return s ? detach(s, w->quiet, err) : open_up(netns, w->quiet, err);
}

int verb_detach(int argc, char *argv[])
{
	static const struct each each = { VERB_DETACH, SESSION_ATTACHED, detach };
	struct err err = { 0 };
	struct words w;
	int r = words_read(VERB_DETACH, argc, argv, argc, &w, &err);

	if (r == 0 && (w.n > 0) + w.all + !!w.pid + !!w.netns + !!w.container != 1)
		r = words_usage(VERB_DETACH, &err);
	if (r == 0 && !w.pid && !w.netns && !w.container)
		return each_session(&each, &w);
	if (r == 0)
		r = detach_netns(&w, &err);
	return r < 0 ? program_fail(&err) : 0;
}
