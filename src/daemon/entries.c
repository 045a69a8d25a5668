/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection tracking entries of a session end with it: by one, what a server still sends for
 * an ended session would be delivered to the next session with that address, and each of them
 * holds a port of the uplink's for up to five days (nf_conntrack-sysctl.rst,
 * nf_conntrack_tcp_timeout_established). A move deletes nothing: connections that survive it go
 * on.
 *
 * Every entry of a session has our tag in its mark (plan/firewall.c, plan/limits.c), and one
 * deletion costs a walk over the kernel's whole table, 3 ms of processor on a host that does
 * nothing. So ends are collected for a second: a pass deletes the entries of all addresses that no
 * session has, a step a turn of the loop, and the next one follows after a pause that is longer
 * than it took. Meanwhile such an address is given to nobody.
 */
#include <errno.h>
#include <syslog.h>

#include "base/log.h"
#include "base/util.h"
#include "daemon/host_state.h"

#define COLLECT_MS 1000
#define PAUSE_MS   100
#define AGAIN_MS   1000

void host_note_ends(struct host_state *h)
{
	struct entries *e = &h->entries;
	int64_t now = clock_ms();

	rest_note(&h->memory.rest, h->facts.sessions.v, h->facts.sessions.n, now);
	if (h->facts.sessions.n && plan_pool(&h->facts, &e->pool, NULL) == 0)
		e->pool_known = true;
	if (h->memory.rest.n_tracked && e->due == INT64_MAX && !e->pass.running)
		e->due = e->not_before > now + COLLECT_MS ? e->not_before : now + COLLECT_MS;
}

void host_take_over(struct host_state *h)
{
	struct entries *e = &h->entries;

	if (e->taken_over)
		return;
	e->taken_over = true;
	if (!h->facts.ours.n)
		return; /* the last daemon cleared the host, and deleted before that */
	e->pool_known = plan_pool(&h->facts, &e->pool, NULL) == 0;
	host_note_ends(h);
	rest_unknown(&h->memory.rest);
	e->due = clock_ms();
}

/* Whether an address is of the pool and no session's. */
static bool is_ended(const struct host_state *h, const struct ip *address)
{
	const struct pool *pool = &h->entries.pool;
	const struct prefix *p = address->family == AF_INET ? &pool->ip4 : &pool->ip6;
	uint32_t host;

	if (!prefix_contains(p, address))
		return false;
	host = ip_offset(address, p);
	return host >= SESSION_HOST_FIRST && host <= SESSION_HOST_LAST &&
	       !h->memory.rest.hosts[host].used;
}

/* The low byte of its mark is the slot that the connection left by. */
static bool ends(const struct conntrack_entry *e, void *arg)
{
	struct host_state *h = arg;

	if (!is_ended(h, &e->from) && !is_ended(h, &e->to))
		return false;
	if (e->unfinished)
		late_unfinished(&h->late, e->mark & OWN_SLOT_MAX, clock_ms() + h->late_ms);
	return true;
}

/* All are deleted, or this kernel can delete none. */
static void pass_over(struct host_state *h)
{
	struct entries *e = &h->entries;
	int64_t now = clock_ms();

	rest_deleted(&h->memory.rest);
	e->not_before = now + PAUSE_MS + (now - e->started);
}

static int step(struct host_state *h, struct err *err)
{
	struct entries *e = &h->entries;
	int r = 0;

	if (!e->pass.running) {
		e->due = INT64_MAX;
		e->started = clock_ms();
		rest_delete(&h->memory.rest);
		if (e->pool_known && !e->unavailable)
			r = conntrack_start(&e->pass, PLAN_MARK_TAG, PLAN_MARK_TAG_MASK, ends, h,
					    err);
	}
	if (r == 0 && e->pass.running)
		r = conntrack_step(&e->pass, err);
	if (r == -EOPNOTSUPP) {
		log_line(LOG_WARNING, "%s; an address rests, but its old connections stay",
			 err->text);
		e->unavailable = true;
		r = 0;
	}
	if (r < 0)
		e->due = clock_ms() + AGAIN_MS;
	else if (r == 0)
		pass_over(h);
	return r;
}

/* A whole pass. */
static int finish(struct host_state *h, struct err *err)
{
	int r;

	conntrack_stop(&h->entries.pass); /* it does not include the latest ends */
	do
		r = step(h, err);
	while (r > 0);
	return r;
}

int host_delete_some(struct host_state *h, struct err *err)
{
	return step(h, err);
}

int host_delete_entries(struct host_state *h, struct err *err)
{
	host_note_ends(h);
	return finish(h, err);
}

int64_t host_answers_until(struct host_state *h)
{
	struct err err = { 0 };

	host_note_ends(h);
	if (h->memory.rest.n_tracked && finish(h, &err) < 0)
		log_line(LOG_WARNING, "%s", err.text);
	return late_last(&h->late);
}

int host_delete_last_entries(struct host_state *h, struct err *err)
{
	rest_note(&h->memory.rest, NULL, 0, clock_ms());
	return h->memory.rest.n_tracked ? finish(h, err) : 0;
}
