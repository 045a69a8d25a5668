/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on a session that runs: MOVE, PAUSE, RESUME, STOP, EXEC, CAPTURE, FLOWS, PROBE. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "daemon/flows.h"
#include "daemon/operations_internal.h"
#include "daemon/peer_netns.h"
#include "daemon/share_files.h"
#include "daemon/user_namespaces.h"

static int find_session(struct call *a, uint32_t id, struct err *err)
{
	a->reply.id = id;
	a->session = host_session(a->x->host, id);
	if (a->session)
		return 0;
	return err_set(err, ESRCH, "find session %u: there is none; `via-iface list` shows them",
		       id);
}

int operation_check_session(struct call *a, struct err *err)
{
	return find_session(a, a->c->request.session.id, err);
}

int operation_check_move(struct call *a, struct err *err)
{
	int r = find_session(a, a->c->request.move.id, err);

	return r < 0 ? r : uplink_list_check(&a->c->request.move.uplinks, err);
}

int operation_check_probe(struct call *a, struct err *err)
{
	int r = find_session(a, a->c->request.probe.id, err);

	return r < 0 ? r : msg_probe_check(&a->c->request.probe, err);
}

void operation_ask_session(const struct call *a, struct access_question *q, const char **ret_name)
{
	q->uplinks = NULL; /* they were allowed when the session got them */
	q->flags = a->session->flags;
	q->owner = a->session->uid;
	*ret_name = a->session->name;
}

void operation_ask_capture(const struct call *a, struct access_question *q, const char **ret_name)
{
	_cleanup_close_ int sysctls = open("/proc/sys", O_PATH | O_DIRECTORY | O_CLOEXEC);

	operation_ask_session(a, q, ret_name);
	q->user_namespaces = sysctls >= 0 && user_namespaces_allowed(sysctls);
}

void operation_ask_move(const struct call *a, struct access_question *q, const char **ret_name)
{
	operation_ask_session(a, q, ret_name);
	q->uplinks = &a->c->request.move.uplinks;
}

/* After a change: by which uplink the session goes now, if it is still there. */
void operation_tell_where(struct call *a)
{
	const struct session *s;

	host_end_probes(a->x->host);
	s = host_session(a->x->host, a->reply.id);
	if (!s)
		return;
	memcpy(a->reply.name, s->name, sizeof(a->reply.name));
	if (s->uplink[0])
		snprintf(a->reply.text, sizeof(a->reply.text), "session '%s' goes through %s",
			 s->name, s->uplink);
	else
		snprintf(a->reply.text, sizeof(a->reply.text), "session '%s' is blocked", s->name);
}

int operation_run_move(struct call *a, struct err *err)
{
	const struct msg_move *m = &a->c->request.move;
	int r;

	session_log_request(a->x->host, m->id, EVENT_MOVED, a->c->peer.cred.uid);
	r = host_move(a->x->host, m->id, &m->uplinks, a->c->peer.cred.uid, err);
	session_log_served(a->x->host, r);
	return r;
}

static int change_pause(struct call *a, bool paused, struct err *err)
{
	int r;

	session_log_request(a->x->host, a->reply.id, paused ? EVENT_PAUSED : EVENT_RESUMED,
			    a->c->peer.cred.uid);
	r = host_pause(a->x->host, a->reply.id, paused, err);
	session_log_served(a->x->host, r);
	return r;
}

int operation_run_pause(struct call *a, struct err *err)
{
	return change_pause(a, true, err);
}

int operation_run_resume(struct call *a, struct err *err)
{
	return change_pause(a, false, err);
}

int operation_run_stop(struct call *a, struct err *err)
{
	int r;

	session_log_request(a->x->host, a->reply.id, EVENT_ENDED, a->c->peer.cred.uid);
	r = host_stop(a->x->host, a->reply.id, err);
	session_log_served(a->x->host, r);
	return r;
}

int operation_run_probe(struct call *a, struct err *err)
{
	const struct msg_probe *m = &a->c->request.probe;
	int r = host_probe(a->x->host, m->id, m->uplink, m->failed, err);

	if (r > 0)
		log_line(LOG_NOTICE, "session '%s': uplink %s: %s", a->session->name, m->uplink,
			 m->failed ? FAILOVER_NO_ANSWER : "its probe is answered again");
	return r < 0 ? r : 0;
}

/* The netns goes back to the peer that sent it. */
int operation_run_exec(struct call *a, struct err *err)
{
	const struct session *s = a->session;
	int r = peer_netns_check_session(a->c->passed, &a->x->host->kernel, s, err);

	if (r < 0)
		return r;
	snprintf(a->reply.text, sizeof(a->reply.text), "session '%s', port viap%u", s->name, s->id);
	memcpy(a->reply.name, s->name, sizeof(a->reply.name));
	operation_fill_dns(a->x->host, s, &a->reply.dns);
	share_file_name(s, a->reply.share);
	a->pass = a->c->passed;
	return 0;
}

/* This descriptor goes with the reply, in place of the netns that the peer sent. */
static void pass_instead(struct call *a, int fd)
{
	memcpy(a->reply.name, a->session->name, sizeof(a->reply.name));
	close_fd(&a->c->passed);
	a->c->passed = fd; /* closed with the connection */
	a->pass = fd;
}

int operation_run_capture(struct call *a, struct err *err)
{
	const struct session *s = a->session;
	int r = peer_netns_check_session(a->c->passed, &a->x->host->kernel, s, err);

	if (r < 0)
		return r;
	r = kernel_packet_socket(&a->x->host->kernel, a->c->passed, err);
	if (r < 0)
		return r;
	pass_instead(a, r);
	return 0;
}

int operation_run_flows(struct call *a, struct err *err)
{
	struct kernel *k = &a->x->host->kernel;
	struct nl_sock conntrack = { 0 };
	int r = peer_netns_check_session(a->c->passed, k, a->session, err);

	if (r == 0)
		r = kernel_conntrack_socket(k, a->c->passed, &conntrack, err);
	if (r == 0)
		r = flows_start(a->x->receivers, &conntrack, a->c->peer.person, err);
	nl_close(&conntrack);
	if (r < 0)
		return r;
	pass_instead(a, r);
	return 0;
}
