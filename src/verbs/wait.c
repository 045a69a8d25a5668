/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * --wait: the host is observed again whenever rtnetlink or a source of name servers says that
 * something changed, until a launch would find an uplink. A card that has just got its address gets
 * its name servers a moment later, from somebody else: without them a launch is refused, so they
 * are waited for as well, though not for long, since on some networks there are none.
 */
#include "verbs/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/strbuf.h"
#include "base/util.h"
#include "dns/dns.h"
#include "launch/daemon.h"
#include "plan/plan.h"
#include "plan/uplink.h"
#include "verbs/doctor.h"
#include "verbs/host_events.h"
#include "verbs/run.h"
#include "verbs/verbs.h"

#define NAMES_MS 5000 /* for name servers, once there is a usable uplink */

struct wait {
	const struct launch_options *o;
	struct host_events events;
	struct dns dns;
	struct strbuf told;  /* the reason that was printed last */
	int64_t until;       /* by clock_ms(); INT64_MAX: without end */
	int64_t names_until; /* INT64_MAX: no uplink is usable */
	struct err last;     /* why a launch would be refused now */
	bool named;          /* it would find name servers, or asks for none */
};

/* --- mistakes ------------------------------------------------------------------------------ */

/* Where no section decides, polkit may; without a daemon only root starts one, who may all. */
static int check_policy(const struct launch_options *o, struct err *err)
{
	const struct uplink_list *uplinks = &o->request.uplinks;
	char list[UPLINK_LIST_TEXT_MAX];
	struct msg_reply reply;
	int r = doctor_explain(uplinks, o->request.flags & SESSION_NO_LAN, MSG_EXPLAIN_REASON,
			       &reply, err);

	if (daemon_is_absent(r)) {
		*err = (struct err){ 0 };
		return 0;
	}
	if (r < 0)
		return r;
	if (reply.id == MSG_ALLOWED || (reply.id == MSG_NO_SECTION && doctor_polkit_asks()))
		return 0;
	return err_set(err, EPERM, "use uplink '%s': %s", uplink_list_format(uplinks, list),
		       reply.text);
}

static int check_place(struct err *err)
{
	if (!explain_is_elsewhere())
		return 0;
	err_set(err, EXDEV,
		"wait for an uplink: the daemon is in another network namespace, and its "
		"interfaces are not seen from here");
	return err_hint(err, "leave out --wait");
}

/* --- is it usable? ------------------------------------------------------------------------- */

static void tell(struct wait *w, const char *what)
{
	struct err line = { 0 };

	if (w->told.len && !strcmp(strbuf_text(&w->told), what))
		return;
	strbuf_truncate(&w->told, 0);
	strbuf_add(&w->told, "%s", what);
	err_set(&line, EAGAIN, "waiting for %s; Ctrl-C ends it", what);
	if (!w->o->quiet)
		print_error_line(line.text);
}

/* 1 when there are name servers, or nobody asks for any, or they were waited for long enough. */
static int check_names(struct wait *w, const char *uplink, const struct facts *f)
{
	const int64_t now = clock_ms();
	char what[IFNAMSIZ + 64];

	w->named = w->o->request.n_dns || plan_check_names(f, uplink, &w->last) == 0;
	if (w->named)
		return 1;
	if (w->names_until == INT64_MAX)
		w->names_until = now + NAMES_MS;
	if (now >= w->names_until)
		return 1; /* the launch says what is missing */
	snprintf(what, sizeof(what), "name servers of '%s'", uplink);
	tell(w, what);
	return 0;
}

/* A gateway may be in a lease alone, and name servers are wherever they were written. */
static int observe_leases(struct wait *w, struct facts *f, struct err *err)
{
	struct uplink_walk walk = { .facts = f, .list = &w->o->request.uplinks };
	const struct fact_link *l;
	int r = 0;

	while (r == 0 && (l = uplink_walk(&walk)))
		r = dns_observe(&w->dns, l->name, f, err);
	return r;
}

/* 1: a launch would find an uplink now; 0: it is waited for. */
static int check_uplinks(struct wait *w, struct err *err)
{
	const struct uplink_list *uplinks = &w->o->request.uplinks;
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_strbuf_ struct strbuf why = { 0 };
	const int64_t start = clock_ms();
	char chosen[IFNAMSIZ];
	int r = observe_host(0, &f, err);

	if (r == 0)
		r = observe_leases(w, &f, err);
	host_events_observed(&w->events, start);
	if (r < 0)
		return r;
	w->last = (struct err){ 0 };
	if (uplink_choose(&f, uplinks, 0, chosen, &w->last) == 0)
		return check_names(w, chosen, &f);
	w->names_until = INT64_MAX;
	if (!uplink_may_come(&f, uplinks)) {
		*err = w->last;
		return -err->code;
	}
	uplink_explain(&f, uplinks, &why);
	tell(w, strbuf_text(&why));
	return 0;
}

/* --- the loop ------------------------------------------------------------------------------ */

static int64_t earliest(const struct wait *w)
{
	int64_t at = w->events.at, retry = dns_retry_at(&w->dns);

	at = w->until < at ? w->until : at;
	at = w->names_until < at ? w->names_until : at;
	return retry < at ? retry : at;
}

static int turn(struct wait *w, struct err *err)
{
	struct pollfd fds[1 + DNS_FDS] = { { .fd = nl_fd(&w->events.socket), .events = POLLIN } };
	const int64_t at = earliest(w);
	int64_t left = at == INT64_MAX ? -1 : at - clock_ms();
	bool dns = false;

	dns_poll(&w->dns, fds + 1);
	if (at != INT64_MAX)
		left = left < 0 ? 0 : left > INT32_MAX ? INT32_MAX : left;
	if (poll(fds, ARRAY_SIZE(fds), (int)left) < 0)
		return errno == EINTR ? 0 : err_errno(err, errno, "wait for an uplink");
	if (fds[0].revents)
		host_events_take(&w->events);
	for (size_t i = 1; i < ARRAY_SIZE(fds); i++)
		dns |= fds[i].revents != 0;
	if ((dns || dns_retry_at(&w->dns) <= clock_ms()) && dns_take_events(&w->dns))
		host_events_note(&w->events);
	if (w->until <= clock_ms()) {
		*err = w->last;
		err->code = ETIMEDOUT;
		return err_wrap(err, "wait %u s for an uplink", w->o->wait);
	}
	if (w->events.at <= clock_ms() || w->names_until <= clock_ms())
		return check_uplinks(w, err);
	return 0;
}

int wait_for_uplink(struct launch_options *o, struct err *err)
{
	struct wait w = { .o = o, .until = INT64_MAX, .names_until = INT64_MAX };
	int r = check_place(err);

	if (o->wait != WAIT_FOREVER)
		w.until = clock_ms() + (int64_t)o->wait * 1000;
	if (r == 0)
		r = check_policy(o, err);
	if (r == 0)
		r = dns_open(&w.dns, "", err);
	if (r == 0)
		r = dns_watch(&w.dns, err);
	if (r == 0)
		r = host_events_open(&w.events, err);
	while (r == 0) /* the first turn observes at once */
		r = turn(&w, err);
	if (r > 0 && w.named)
		o->request.flags |= SESSION_PENDING;
	host_events_close(&w.events);
	dns_close(&w.dns);
	strbuf_done(&w.told);
	return r < 0 ? r : 0;
}
