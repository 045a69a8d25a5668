/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The helper of --host-port, and its start. It is the caller's process in the host's netns: what it
 * connects to, the caller could. Which host's ports these are is not told to it by a program
 * inside: it reads the numbers off the sockets that enter made, once.
 *
 * The end: the process that became the session's program is watched by its pidfd. When it has
 * ended, others may still be in the netns; those that the caller may see in /proc are watched the
 * same way, until a search finds none. Nothing is repeated by time.
 */
#include "launch/host_ports.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "base/files.h"
#include "base/link_watch.h"
#include "base/util.h"
#include "launch/host_ports_internal.h"
#include "model/session.h"

#define READY_MS 2000
#define LINE     3 /* the helper's only descriptor of the launch's */

/* What is open beside connections, which take two sockets and four ends of pipes each. */
#define DESCRIPTORS_OTHER   (64 + RELAY_PEERS_MAX + RELAY_WATCHED_MAX)
#define DESCRIPTORS_OF_EACH 6

#define EVENTS_MAX 32

struct watch {
	struct relay relay; /* first: a source's callback has this one */
	struct source links;
	struct source processes[RELAY_WATCHED_MAX];
	char port[IFNAMSIZ];
	unsigned int port_index;
	uint64_t netns;
};

int relay_watch(struct relay *r, struct source *s, uint32_t events)
{
	struct epoll_event e = { .events = events, .data.ptr = s };
	const int op = !events ? EPOLL_CTL_DEL : s->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	if (s->events == events)
		return 0;
	if (epoll_ctl(r->epoll, op, s->fd, &e) < 0)
		return -errno;
	s->events = events;
	return 0;
}

void relay_close(struct relay *r, struct source *s)
{
	if (s->fd >= 0)
		(void)relay_watch(r, s, 0);
	close_fd(&s->fd);
	s->events = 0;
}

/* --- the end of the session ------------------------------------------------------------------ */

static void process_ended(struct relay *r, struct source *s, uint32_t events);

static struct source *free_place(struct watch *w)
{
	for (size_t i = 0; i < RELAY_WATCHED_MAX; i++)
		if (w->processes[i].fd < 0)
			return &w->processes[i];
	return NULL;
}

static int watch_process(struct watch *w, int fd)
{
	struct source *s = free_place(w);

	*s = (struct source){ .ready = process_ended, .fd = fd };
	return relay_watch(&w->relay, s, EPOLLIN);
}

/* The processes in the netns, as many as there is room for. Whether there are any. */
static bool watch_others(struct watch *w)
{
	DIR *proc = opendir("/proc");
	bool found = false;
	pid_t pid;

	while (proc && free_place(w) && (pid = process_next(proc))) {
		int fd;

		if (process_netns(pid) != w->netns)
			continue;
		fd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (fd >= 0 && process_netns(pid) == w->netns && watch_process(w, fd) == 0)
			found = true;
		else
			close_fd(&fd);
	}
	if (proc)
		closedir(proc);
	return found;
}

static void process_ended(struct relay *r, struct source *s, uint32_t events)
{
	struct watch *w = (struct watch *)(void *)r;

	(void)events;
	relay_close(r, s);
	for (size_t i = 0; i < RELAY_WATCHED_MAX; i++)
		if (w->processes[i].fd >= 0)
			return;
	r->over = !watch_others(w);
}

/* The kernel tells of links inside when both ends of the session's device are gone from the list.
 */
static void links_changed(struct relay *r, struct source *s, uint32_t events)
{
	struct watch *w = (struct watch *)(void *)r;

	(void)events;
	if (link_watch_gone(s->fd, w->port, w->port_index))
		r->over = true;
}

/* --- the loop -------------------------------------------------------------------------------- */

static int timeout_of(struct relay *r)
{
	int64_t due = relay_udp_expire(r), now;

	if (r->accept_again && (!due || r->accept_again < due))
		due = r->accept_again;
	if (!due)
		return -1;
	now = clock_ms();
	return due > now ? (int)(due - now) : 0;
}

static void serve(struct relay *r)
{
	struct epoll_event events[EVENTS_MAX];

	while (!r->over) {
		int n = epoll_wait(r->epoll, events, EVENTS_MAX, timeout_of(r));

		if (n < 0 && errno != EINTR)
			return;
		if (r->accept_again && clock_ms() >= r->accept_again)
			relay_tcp_listen(r, true);
		for (int i = 0; i < n && !r->over; i++) {
			struct source *s = events[i].data.ptr;

			s->ready(r, s, events[i].events);
		}
		relay_tcp_free_dead(r);
		relay_udp_free_dead(r);
	}
}

/* --- what enter sends ------------------------------------------------------------------------ */

/* How many descriptors came; 0: none, the launch failed, or the ports are served already. */
static unsigned int receive_handed(int line, struct host_ports_handed *ret, int fds[HANDED_MAX])
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(HANDED_MAX * sizeof(int))];
	struct iovec part = { .iov_base = ret, .iov_len = sizeof(*ret) };
	struct msghdr m = { .msg_iov = &part,
			    .msg_iovlen = 1,
			    .msg_control = control,
			    .msg_controllen = sizeof(control) };
	const struct cmsghdr *c;
	unsigned int n;

	if (recvmsg(line, &m, MSG_CMSG_CLOEXEC) != sizeof(*ret) || !(c = CMSG_FIRSTHDR(&m)) ||
	    c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (unsigned int)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
	memcpy(fds, CMSG_DATA(c), n * sizeof(int));
	return n > HANDED_SOCKETS ? n : 0;
}

static int add_listener(struct relay *r, int fd)
{
	struct listener *l = &r->listeners[r->n_listeners];
	struct sockaddr_storage own = { 0 };
	struct sockaddr_in four = { 0 };
	struct sockaddr_in6 six = { 0 };
	socklen_t len = sizeof(own), kind_len = sizeof(int);
	int kind = 0;

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &kind_len) < 0)
		return -errno;
	l->family = own.ss_family;
	l->udp = kind == SOCK_DGRAM;
	if (l->family == AF_INET)
		memcpy(&four, &own, sizeof(four));
	else
		memcpy(&six, &own, sizeof(six));
	l->port = ntohs(l->family == AF_INET ? four.sin_port : six.sin6_port);
	l->source =
		(struct source){ .ready = l->udp ? relay_udp_ready : relay_tcp_ready, .fd = fd };
	r->n_listeners++;
	return l->udp ? relay_watch(r, &l->source, EPOLLIN) : 0;
}

/* Whether all is as it must be to serve. */
static bool take_over(struct watch *w, int line)
{
	struct host_ports_handed message = { 0 };
	int fds[HANDED_MAX] = { 0 };
	const unsigned int n = receive_handed(line, &message, fds);

	close(line);
	if (!n)
		return false;
	session_port(message.id, w->port);
	w->port_index = if_nametoindex(w->port);
	w->netns = message.netns;
	w->links = (struct source){ .ready = links_changed, .fd = fds[HANDED_LINKS] };
	if (watch_process(w, fds[HANDED_LEADER]) < 0 ||
	    relay_watch(&w->relay, &w->links, EPOLLIN) < 0)
		return false;
	for (unsigned int i = HANDED_SOCKETS; i < n; i++)
		if (add_listener(&w->relay, fds[i]) < 0)
			return false;
	relay_tcp_listen(&w->relay, true);
	return !link_watch_gone(w->links.fd, w->port, w->port_index);
}

/* --- the start ------------------------------------------------------------------------------- */

/* What the helper says when it is ready, or cannot be. */
struct answer {
	int32_t code; /* 0, or the errno that goes with text */
	char text[ERR_TEXT_MAX];
};

/* As many connections as descriptors allow. */
static unsigned int find_room(void)
{
	const rlim_t wanted =
		DESCRIPTORS_OTHER + (rlim_t)RELAY_CONNECTIONS_MAX * DESCRIPTORS_OF_EACH;
	struct rlimit limit;
	rlim_t room;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1;
	if (limit.rlim_cur < wanted) {
		limit.rlim_cur = limit.rlim_max < wanted ? limit.rlim_max : wanted;
		(void)setrlimit(RLIMIT_NOFILE, &limit);
	}
	room = limit.rlim_cur > DESCRIPTORS_OTHER
		       ? (limit.rlim_cur - DESCRIPTORS_OTHER) / DESCRIPTORS_OF_EACH
		       : 1;
	return room < RELAY_CONNECTIONS_MAX ? (unsigned int)room : RELAY_CONNECTIONS_MAX;
}

static int prepare(struct watch *w, int line, const struct handover_user *user, struct err *err)
{
	int r = dup2(line, LINE) < 0 ? -errno : detach_leave(LINE, 077);

	if (r < 0)
		return err_errno(err, -r, "leave what was inherited");
	if (handover_become_user(user, err) < 0)
		return -err->code;
	prctl(PR_SET_NAME, "via-iface-port");
	/* who may trace it has the caller's rights, and would have its sockets inside */
	prctl(PR_SET_DUMPABLE, 0);
	signal(SIGPIPE, SIG_IGN); /* splice(2) has no MSG_NOSIGNAL */
	w->relay.connections_max = find_room();
	w->relay.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (w->relay.epoll < 0)
		return err_errno(err, errno, "make an epoll instance");
	r = relay_udp_init(&w->relay);
	return r < 0 ? err_errno(err, -r, "make room for datagrams") : 0;
}

static void help(int line, const struct handover_user *user)
{
	struct watch w = { .relay = { .epoll = -1, .spare = { -1, -1 } }, .links = { .fd = -1 } };
	struct answer a = { 0 };
	struct err err = { 0 };

	for (size_t i = 0; i < RELAY_WATCHED_MAX; i++)
		w.processes[i].fd = -1;
	if (prepare(&w, line, user, &err) < 0) {
		a.code = err.code;
		snprintf(a.text, sizeof(a.text), "%s", err.text);
	}
	(void)send(LINE, &a, sizeof(a), MSG_NOSIGNAL);
	if (!a.code && take_over(&w, LINE))
		serve(&w.relay);
	_exit(0);
}

int host_ports_start(const struct handover_user *user, int *ret_line, struct err *err)
{
	_cleanup_close_ int line = -1;
	struct answer a;
	int r = detach_fork_with_line(&line);

	if (r < 0)
		return err_errno(err, -r, "start the helper of --host-port");
	if (r == 0)
		help(line, user);
	if (wait_readable(line, READY_MS) <= 0 || recv(line, &a, sizeof(a), 0) != sizeof(a))
		return err_set(err, ECHILD,
			       "start the helper of --host-port: it was not ready within %d s",
			       READY_MS / 1000);
	if (a.code)
		return err_set(err, a.code, "%s", a.text);
	r = detach_inherit(line);
	if (r < 0)
		return err_errno(err, -r, "keep a socket for via-iface-enter");
	*ret_line = r;
	return 0;
}
