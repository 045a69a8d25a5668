/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon: one thread, one loop (loop.h) over a table of sources (sources.c). Requests come from
 * connections (connections.h) and are served by operations (operations.h); events of the kernel, of
 * name servers and of sysctls make the host state stale, which healing (healing.h) brings back;
 * life cycle (lifecycle.h) is the lock, the socket and the service manager. With no session left
 * the daemon clears the host and exits.
 */
#include "daemon/server.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/descriptors.h"
#include "daemon/manager.h"
#include "daemon/sandbox.h"
#include "daemon/server_internal.h"
#include "etc/netns_files.h"
#include "net/attached.h"

/*
 * How many peers the limit of descriptors leaves room for: one in eight may be a subscriber. For
 * each four answers of the log that are kept there is one less.
 */
static int make_room(struct server *s, struct err *err)
{
	size_t room, subscribers;
	int r = descriptors_room(&room, err);

	if (r < 0)
		return r;
	s->log.answers.most = room < ANSWERS_MAX ? room : ANSWERS_MAX;
	room -= s->log.answers.most / DESCRIPTORS_PER_CONNECTION;
	subscribers = room / 8;
	s->subscribers.max = subscribers < SUBSCRIBERS_MAX ? subscribers : SUBSCRIBERS_MAX;
	room -= s->subscribers.max;
	s->connections.max = room < CONNECTIONS_MAX ? room : CONNECTIONS_MAX;
	room = (room - s->connections.max) * DESCRIPTORS_PER_CONNECTION;
	s->receivers.max_parked = room < FD_RECEIVE_PARKED_MAX ? room : FD_RECEIVE_PARKED_MAX;
	return 0;
}

static int start(struct server *s, struct err *err)
{
	sigset_t signals;
	size_t room;
	int r = lifecycle_lock(&s->life, err);

	if (r == 0) /* before anything is opened that would fail for it, less plainly */
		r = descriptors_room(&room, err);
	if (r < 0)
		return r;
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	s->signal_fd = signalfd(-1, &signals, SFD_CLOEXEC);
	if (s->signal_fd < 0)
		return err_errno(err, errno, "listen to signals");
	r = host_open(&s->host, s->options->rundir, err);
	s->host.late_ms = s->options->late_ms;
	s->host.spare.enabled = r == 0 && s->options->spare;
	if (r == 0) {
		event_log_open(&s->log, s->options->rundir);
		r = host_heal(&s->host, err);
	}
	if (r == 0)
		r = lifecycle_listen(&s->life, err);
	s->loop.fds = calloc(loop_room(server_sources, server_sources_n), sizeof(*s->loop.fds));
	if (r == 0 && !s->loop.fds)
		r = err_errno(err, ENOMEM, "start");
	return r == 0 ? make_room(s, err) : r;
}

static void init(struct server *s, const struct server_options *options)
{
	*s = (struct server){
		.options = options,
		.loop = { .sources = server_sources, .n = server_sources_n, .data = s },
		.operations = { .host = &s->host,
				.authorizer = &s->authorizer,
				.persons = &s->persons,
				.spent = &s->spent,
				.subscribers = &s->subscribers,
				.log = &s->log,
				.receivers = &s->receivers },
		.log = { .history.fd = -1,
			 .host = &s->host,
			 .persons = &s->persons,
			 .subscribers = &s->subscribers },
		.signal_fd = -1,
	};
	lifecycle_init(&s->life, options);
	persons_open(&s->persons, "/etc/subuid");
	s->connections.persons = &s->persons;
	s->connections.receivers = s->subscribers.receivers = &s->receivers;
	s->connections.polkit = &s->authorizer.polkit;
	s->connections.subscribers = &s->subscribers;
	s->host.kernel.host_ns = s->host.kernel.session_ns = s->host.sysctl_watch = -1;
	s->host.spare.kernel.netns = -1;
	authorizer_init(&s->authorizer, options->confdir, options->ask_ms);
}

static void done(struct server *s)
{
	event_log_close(&s->log);
	connections_close(&s->connections);
	subscribers_close(&s->subscribers);
	fd_receive_done(&s->receivers);
	lifecycle_unlink(&s->life);
	close_fd(&s->signal_fd);
	authorizer_done(&s->authorizer);
	persons_done(&s->persons);
	host_close(&s->host);
	free(s->loop.fds);
	lifecycle_done(&s->life); /* unlocks: all else is released */
}

int server_run(const struct server_options *options, struct err *err)
{
	static struct server s;
	struct err ignored = { 0 };
	int r;

	init(&s, options);
	r = start(&s, err);
	lifecycle_notify_ready(&s.life, r, err);
	if (r < 0)
		lifecycle_refuse_all(&s.life, &s.receivers, err);
	else /* while the first client is still on its way */
		r = sandbox_calls(err);
	if (r == 0)
		server_linger(&s);
	while (r == 0 && !s.loop.stop) {
		healing_schedule(&s.healing, &s.host);
		loop_turn(&s.loop);
	}
	manager_notify("STOPPING=1");
	/* a signal came while lingering, or just as the last session ended */
	spare_drop(&s.host);
	s.host.stale |= HOST_STALE_FACTS;
	if (r == 0 && !s.cleared && host_heal(&s.host, &ignored) == 0 && !host_sessions(&s.host))
		host_clear(&s.host, &ignored);
	done(&s);
	return r == -EALREADY ? 0 : r;
}

struct descriptors {
	int *v;
	size_t n, size;
};

/* The namespaces of attached sessions, while the kernel knows where their ports lead. */
static void find_attached(const struct facts *f, struct descriptors *ret)
{
	for (size_t i = 0; i < f->sessions.n; i++) {
		int fd = f->sessions.v[i].flags & SESSION_ATTACHED
				 ? attached_find(f->sessions.v[i].netns)
				 : -1;
		int *held = fd < 0 ? NULL : VEC_PUSH(ret);

		if (held)
			*held = fd;
		else if (fd >= 0)
			close(fd);
	}
}

int server_clear(const struct server_options *options, struct err *err)
{
	static struct server s;
	struct descriptors netns = { 0 };
	struct err why = { 0 };
	int r;

	init(&s, options);
	r = lifecycle_lock(&s.life, err);
	if (r == 0)
		r = host_open(&s.host, options->rundir, err);
	if (r == 0)
		r = host_observe(&s.host, NULL, err);
	if (r == 0)
		find_attached(&s.host.facts, &netns);
	if (r == 0)
		r = host_clear(&s.host, err);
	for (size_t i = 0; i < netns.n; i++)
		if (attached_release(netns.v[i], options->rundir, &why) < 0)
			log_line(LOG_WARNING, "%s", why.text);
	if (r == 0) {
		netns_files_sweep();
		event_log_remove(options->rundir);
	}
	while (netns.n)
		close(netns.v[--netns.n]);
	VEC_DONE(&netns);
	done(&s);
	return r;
}
