/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sources of the daemon's loop, in the order in which they are dispatched: events before
 * requests, so that a request meets facts that are up to date; what is due by time comes last.
 */
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "daemon/server_internal.h"

#define REAP_MS 100 /* parked connections wait for a child to end, which has no descriptor */

void server_linger(struct server *s)
{
	if (host_sessions(&s->host))
		s->leave_at = 0;
	else if (!s->leave_at)
		s->leave_at = clock_ms() + s->options->linger_ms;
}

/*
 * Nobody needs the daemon: it unlinks its socket, and if no client connected before that, clears
 * the host and exits. The next daemon waits for the lock meanwhile.
 */
static void leave(struct server *s)
{
	struct err err = { 0 };
	int64_t late = host_answers_until(&s->host);

	if (late > clock_ms()) {
		s->leave_at = late;
		return;
	}
	if (!s->options->stay)
		lifecycle_unlink(&s->life);
	if (connections_accept(&s->connections, s->life.listen_fd)) {
		s->leave_at = clock_ms() + s->options->linger_ms;
		if (s->options->stay || lifecycle_listen(&s->life, &err) == 0)
			return;
		log_line(LOG_ERR, "%s", err.text);
	}
	s->loop.stop = !s->options->stay;
	if (host_clear(&s->host, &err) < 0)
		log_line(LOG_ERR, "clear the host: %s", err.text);
	else
		s->cleared = s->loop.stop;
	s->leave_at = 0;
}

static size_t fill_signals(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = (struct pollfd){ .fd = s->signal_fd, .events = POLLIN };
	return 1;
}

static void on_signals(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)n;
	s->loop.stop = fds[0].revents;
}

void server_take_events(struct server *s)
{
	if (host_take_events(&s->host))
		healing_soon(&s->healing);
}

static size_t fill_kernel(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = (struct pollfd){ .fd = nl_fd(&s->host.events), .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = nl_fd(&s->host.nft_events), .events = POLLIN };
	return 2;
}

static void on_kernel(void *data, const struct pollfd *fds, size_t n)
{
	(void)n;
	if (fds[0].revents || fds[1].revents)
		server_take_events(data);
}

static size_t fill_sysctls(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = (struct pollfd){ .fd = s->host.sysctl_watch, .events = POLLIN };
	return 1;
}

static void on_sysctls(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)n;
	if (fds[0].revents && host_take_sysctl_events(&s->host))
		healing_soon(&s->healing);
}

static size_t fill_dns(void *data, struct pollfd *fds)
{
	struct server *s = data;

	dns_poll(&s->host.dns, fds);
	return DNS_FDS;
}

static int64_t dns_deadline(void *data)
{
	const struct server *s = data;

	return dns_retry_at(&s->host.dns);
}

static bool any_event(const struct pollfd *fds, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (fds[i].revents)
			return true;
	return false;
}

static void on_dns(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	if ((any_event(fds, n) || dns_deadline(s) <= clock_ms()) && host_take_dns(&s->host))
		healing_soon(&s->healing);
}

static size_t fill_subscribers(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	return subscribers_poll(&s->subscribers, fds);
}

static void on_subscribers(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	subscribers_take(&s->subscribers, fds, n);
}

static size_t fill_polkit(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = polkit_pollfd(&s->authorizer.polkit);
	return 1;
}

static int64_t deadline_of_polkit(void *data)
{
	const struct server *s = data;

	return polkit_deadline(&s->authorizer.polkit);
}

static void on_polkit(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	polkit_process(&s->authorizer.polkit);
}

static int64_t receivers_deadline(void *data)
{
	const struct server *s = data;

	return s->receivers.n_parked ? clock_ms() + REAP_MS : INT64_MAX;
}

static void on_receivers(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	fd_receive_reap(&s->receivers);
}

static size_t fill_socket_file(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = (struct pollfd){ .fd = s->life.watch_fd, .events = POLLIN };
	return 1;
}

static void on_socket_file(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)n;
	if (fds[0].revents && !lifecycle_check_socket(&s->life))
		s->loop.stop = true;
}

/* Connection tracking entries of ended sessions. */
static int64_t entries_deadline(void *data)
{
	const struct server *s = data;

	return s->host.entries.pass.running ? 0 : s->host.entries.due;
}

static void on_entries(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;
	struct err err = { 0 };

	(void)fds;
	(void)n;
	host_note_ends(&s->host);
	if (entries_deadline(s) <= clock_ms() && host_delete_some(&s->host, &err) < 0)
		log_line(LOG_WARNING, "%s", err.text);
}

static int64_t gateways_deadline(void *data)
{
	const struct server *s = data;

	return host_gateways_due(&s->host);
}

static void on_gateways(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	if (gateways_deadline(s) <= clock_ms())
		host_ask_gateways(&s->host);
}

static int64_t deadline_of_healing(void *data)
{
	const struct server *s = data;

	return healing_deadline(&s->healing, &s->host);
}

static void on_healing(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	if (healing_run(&s->healing, &s->host, &s->connections))
		server_linger(s);
}

static int64_t idle_deadline(void *data)
{
	const struct server *s = data;
	int64_t alive = lifecycle_deadline(&s->life);

	return s->leave_at && !s->connections.n && s->leave_at < alive ? s->leave_at : alive;
}

static void on_idle(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	lifecycle_keep_alive(&s->life);
	if (s->leave_at && s->leave_at <= clock_ms() && !s->connections.n)
		leave(s);
}

static void on_expiry(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	connections_expire(&s->connections, clock_ms());
}

/* What was healed in this turn, to subscribers. */
static void on_healed(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;
	struct msg_event event;

	(void)fds;
	(void)n;
	if (!s->host.healed.n)
		return;
	msg_event_init(&event);
	event.count = s->host.healed.n;
	memcpy(event.object, s->host.healed.first, sizeof(event.object));
	subscribers_send(&s->subscribers, &event);
	session_log_healed(&s->host.log, event.count, event.object);
	s->host.healed.n = 0;
}

static int64_t log_deadline(void *data)
{
	const struct server *s = data;

	return event_log_due(&s->log);
}

static void on_log(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;

	(void)fds;
	(void)n;
	event_log_drain(&s->log);
}

static size_t fill_spare(void *data, struct pollfd *fds)
{
	const struct server *s = data;

	fds[0] = (struct pollfd){ .fd = spare_fd(&s->host.spare), .events = POLLIN };
	return 1;
}

static int64_t spare_deadline(void *data)
{
	const struct server *s = data;

	return spare_is_due(&s->host) && !requests_wait(s) ? 0 : INT64_MAX;
}

/* A netns for the next launch. It takes a few milliseconds, so it is made when nobody waits. */
static void on_spare(void *data, const struct pollfd *fds, size_t n)
{
	struct server *s = data;
	struct err err = { 0 };

	(void)n;
	if (fds[0].revents)
		spare_take_events(&s->host);
	if (spare_deadline(s) || loop_has_input(&s->loop))
		return;
	if (spare_make(&s->host, &err) < 0) {
		log_line(LOG_WARNING, "%s", err.text);
		healing_soon(&s->healing);
	}
}

/* Events before requests, so that a request meets facts that are up to date; time comes last. */
const struct loop_source server_sources[] = {
	{ .max = 1, .fill = fill_signals, .dispatch = on_signals },
	{ .max = 2, .fill = fill_kernel, .dispatch = on_kernel },
	{ .max = 1, .fill = fill_sysctls, .dispatch = on_sysctls },
	{ .max = DNS_FDS, .fill = fill_dns, .deadline = dns_deadline, .dispatch = on_dns },
	{ .max = SUBSCRIBERS_MAX, .fill = fill_subscribers, .dispatch = on_subscribers },
	{ .max = 1, .fill = fill_polkit, .deadline = deadline_of_polkit, .dispatch = on_polkit },
	{ .deadline = receivers_deadline, .dispatch = on_receivers },
	{ .max = 1 + CONNECTIONS_MAX,
	  .fill = requests_fill,
	  .deadline = requests_deadline,
	  .dispatch = requests_dispatch },
	{ .max = 1, .fill = fill_socket_file, .dispatch = on_socket_file },
	{ .dispatch = on_expiry },
	{ .deadline = deadline_of_healing, .dispatch = on_healing },
	{ .deadline = gateways_deadline, .dispatch = on_gateways },
	{ .deadline = entries_deadline, .dispatch = on_entries },
	{ .deadline = idle_deadline, .dispatch = on_idle },
	{ .dispatch = on_healed },
	{ .deadline = log_deadline, .dispatch = on_log },
	{ .max = 1, .fill = fill_spare, .deadline = spare_deadline, .dispatch = on_spare },
};
const size_t server_sources_n = ARRAY_SIZE(server_sources);
