/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface stop: first the programs, then the network. The processes are found and ended here,
 * with the caller's own rights; the daemon, which has no right to end anything, removes the port.
 * A process is held by a pidfd from before its netns is read for the second time, so that a
 * number that was given away meanwhile is never hit.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "base/util.h"
#include "base/vec.h"
#include "config.h"
#include "etc/netns_name.h"
#include "launch/daemon.h"
#include "launch/program.h"
#include "net/kernel.h"
#include "verbs/detach.h"
#include "verbs/each.h"
#include "verbs/processes.h"
#include "verbs/progress.h"
#include "verbs/stop.h"
#include "verbs/verbs.h"

#define TERM_MS 5000 /* to end by themselves */
#define KILL_MS 5000 /* for the kernel to end them */

/* The processes that got a signal to end, and have not ended yet. */
struct ending {
	struct {
		struct pollfd *v;
		size_t n, size;
	} fds;
	struct {
		int *v;
		size_t n, size;
	} pids; /* of the same places */
	uint64_t netns;
	const char *session; /* its name */
	char port[IFNAMSIZ];
	struct kernel kernel;
	int signal;
};

static void let_go(struct ending *e, size_t i)
{
	close(e->fds.v[i].fd);
	e->fds.v[i] = e->fds.v[--e->fds.n];
	e->pids.v[i] = e->pids.v[--e->pids.n];
}

static void ending_done(struct ending *e)
{
	while (e->fds.n)
		let_go(e, e->fds.n - 1);
	VEC_DONE(&e->fds);
	VEC_DONE(&e->pids);
}

/*
 * The number of a netns that has ended is given to another, whose programs are not the session's:
 * it is the one that the port leads to now. Without a port there is no session to stop.
 */
static bool is_inside(struct ending *e, int pid)
{
	_cleanup_close_ int fd = -1;
	struct err ignored = { 0 };
	char path[40];

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 && kernel_leads_to(&e->kernel, e->port, fd, &ignored) > 0;
}

static bool is_held(const struct ending *e, int pid)
{
	for (size_t i = 0; i < e->pids.n; i++)
		if (e->pids.v[i] == pid)
			return true;
	return false;
}

/* A process that the caller may not signal is not waited for. */
static int tell(struct ending *e, int pid, struct err *err)
{
	_cleanup_close_ int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd *held;
	int *number;

	if (fd < 0 || process_netns(pid) != e->netns || !is_inside(e, pid))
		return 0; /* it has gone, or was another one */
	if (syscall(SYS_pidfd_send_signal, fd, e->signal, NULL, 0) < 0)
		return 0;
	if (e->signal == SIGTERM) /* one that was stopped must go on to end */
		syscall(SYS_pidfd_send_signal, fd, SIGCONT, NULL, 0);
	held = VEC_PUSH(&e->fds);
	number = held ? VEC_PUSH(&e->pids) : NULL;
	if (!number) {
		if (held)
			e->fds.n--;
		return err_errno(err, ENOMEM, "note process %d", pid);
	}
	*held = (struct pollfd){ .fd = steal_fd(&fd), .events = POLLIN };
	*number = pid;
	return 0;
}

/* Signals each that got no signal yet. */
static int tell_new(struct ending *e, struct err *err)
{
	_cleanup_processes_ struct processes p = { 0 };
	int r = processes_find(&p, err);

	for (size_t i = 0; i < p.n && r == 0; i++)
		if (p.v[i].netns == e->netns && p.v[i].pid != getpid() && !is_held(e, p.v[i].pid))
			r = tell(e, p.v[i].pid, err);
	return r;
}

static void tell_waiting(const struct ending *e, int64_t left)
{
	const char *processes = e->fds.n == 1 ? "process" : "processes";

	if (e->signal == SIGTERM)
		progress_tell("session '%s': waiting for %zu %s to end; SIGKILL follows in %d s",
			      e->session, e->fds.n, processes, (int)((left + 999) / 1000));
	else
		progress_tell("session '%s': waiting for the kernel to end %zu %s", e->session,
			      e->fds.n, processes);
}

/* Until none is left, or until it is time: 0, or -ETIMEDOUT. Each end may have left a child. */
static int wait_for_end(struct ending *e, int64_t end, struct err *err)
{
	int64_t tell_at = clock_ms() + PROGRESS_MS;

	for (;;) {
		int64_t left = end - clock_ms();
		int r = tell_new(e, err);

		if (r < 0 || !e->fds.n)
			return r;
		if (left <= 0)
			return -ETIMEDOUT;
		if (tell_at <= clock_ms()) {
			tell_waiting(e, left);
			tell_at = INT64_MAX;
		} else if (tell_at - clock_ms() < left) {
			left = tell_at - clock_ms();
		}
		if (poll(e->fds.v, e->fds.n, left < 0 ? 0 : (int)left) < 0 && errno != EINTR)
			return err_errno(err, errno, "wait for the programs to end");
		for (size_t i = e->fds.n; i-- > 0;)
			if (e->fds.v[i].revents)
				let_go(e, i);
	}
}

static int end_programs(const struct session *s, struct err *err)
{
	struct ending e = { .netns = s->netns, .session = s->name, .signal = SIGTERM };
	int r = kernel_open(&e.kernel, VIA_RUNDIR, false, err);

	if (r < 0)
		return r;
	session_port(s->id, e.port);
	r = wait_for_end(&e, clock_ms() + TERM_MS, err);
	if (r == -ETIMEDOUT) {
		ending_done(&e); /* and all of them once more, not so friendly */
		e.signal = SIGKILL;
		r = wait_for_end(&e, clock_ms() + KILL_MS, err);
	}
	if (r == -ETIMEDOUT && e.pids.n)
		r = err_set(err, ETIMEDOUT,
			    "stop session '%s': process %d does not end, not even by SIGKILL",
			    s->name, e.pids.v[0]);
	ending_done(&e);
	kernel_close(&e.kernel);
	return r;
}

static const struct process *find_pid(const struct processes *p, int pid)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].pid == pid)
			return &p->v[i];
	return NULL;
}

/*
 * Set-id programs are not the caller's to see; those that descend from one that is in the session
 * are most likely in it too. Their names are collected before anything ends.
 */
static void find_hidden(const struct session *s, const struct processes *p, struct strbuf *ret)
{
	for (size_t i = 0; i < p->n; i++) {
		int pid = p->v[i].pid, parent;
		const struct process *up = &p->v[i];
		char name[16], unused[16];

		if (p->v[i].netns || !process_read(pid, &parent, name))
			continue;
		for (int depth = 0; depth < 64 && up && !up->netns; depth++)
			up = process_read(up->pid, &parent, unused) ? find_pid(p, parent) : NULL;
		if (up && up->netns == s->netns)
			strbuf_add(ret, "%s%s (%d)", ret->len ? ", " : "", name, pid);
	}
}

/* --keep: the name that holds the netns goes as it came, by root's own hand. */
static int unkeep(const struct session *s, struct err *err)
{
	int r = 0;

	if (s->flags & SESSION_KEEP && geteuid() == 0)
		r = netns_name_remove(s->name, s->netns, err);
	return r < 0 ? r : 0;
}

static bool is_there(const struct session *s)
{
	struct err ignored = { 0 };
	struct session now;
	struct kernel k;
	int r = kernel_open(&k, VIA_RUNDIR, false, &ignored);

	if (r < 0)
		return true;
	r = observe_session(&k, s->id, &now, &ignored);
	kernel_close(&k);
	return r < 0 || (r > 0 && now.netns == s->netns);
}

int stop_remove_port(const struct session *s, struct err *err)
{
	union msg_request request;
	struct msg_reply reply;
	struct err refused = { 0 };
	int r;

	if (!is_there(s))
		return 0;
	msg_request_init(&request, MSG_STOP);
	request.session.id = s->id;
	r = daemon_ask(&request, -1, &reply, &refused);
	if (r == 0 || !is_there(s))
		return 0;
	*err = refused;
	return r;
}

static int stop(const struct session *s, bool quiet, struct err *err)
{
	_cleanup_processes_ struct processes before = { 0 };
	_cleanup_strbuf_ struct strbuf hidden = { 0 };
	int r = check_owner(s, "stop", err);

	if (r == 0 && s->flags & SESSION_ATTACHED) { /* whose programs are others' */
		r = detach_session(s, err);
		if (r == 0 && !quiet)
			text_print(stdout, "session '%s' is detached\n", s->name);
		return r;
	}
	if (r == 0)
		r = processes_find(&before, err);
	if (r < 0)
		return r;
	find_hidden(s, &before, &hidden);
	r = end_programs(s, err);
	if (r == 0)
		r = unkeep(s, err);
	if (r == 0)
		r = stop_remove_port(s, err);
	if (r == 0 && hidden.len && !quiet)
		text_print(stderr, "via-iface: not yours to end, they lose the network: %s\n",
			   strbuf_text(&hidden));
	if (r == 0 && !quiet)
		text_print(stdout, "session '%s' is stopped\n", s->name);
	return r;
}

int verb_stop(int argc, char *argv[])
{
	static const struct each each = { .verb = VERB_STOP, .act = stop };
	struct err err = { 0 };
	struct words w;

	if (words_read(VERB_STOP, argc, argv, argc, &w, &err) < 0)
		return program_fail(&err);
	return each_session(&each, &w);
}
