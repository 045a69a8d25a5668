/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The connection tracking entries of a session end with it: by one, what a server still sends for
 * an ended session would be delivered to the next session with that address, and each of them
 * holds a port of the uplink's for up to five days (nf_conntrack-sysctl.rst,
 * nf_conntrack_tcp_timeout_established). A move deletes nothing: connections that survive it go
 * on.
 *
 * Every entry of a session has our tag in its mark (plan/firewall.c, plan/limits.c), and one
 * deletion costs a walk over the kernel's whole table. So ends are collected: a pass deletes the
 * entries of all addresses that no session has, a step a turn of the loop, and the next one
 * follows after a pause that is longer than it took.
 */
#include <errno.h>
#include <syslog.h>

#include "base/util.h"
#include "daemon/world.h"

#define PAUSE_MS 100
#define AGAIN_MS 1000

void world_note_ends(struct world *w)
{
	struct entries *e = &w->entries;
	int64_t now = clock_ms();

	rest_note(&w->memory.rest, w->facts.sessions.v, w->facts.sessions.n, now);
	if (w->facts.sessions.n && plan_pool(&w->facts, &e->pool, NULL) == 0)
		e->pool_known = true;
	if (w->memory.rest.n_tracked && e->due == INT64_MAX && !e->pass.running)
		e->due = e->not_before > now ? e->not_before : now;
}

void world_take_over(struct world *w)
{
	struct entries *e = &w->entries;

	if (e->taken_over)
		return;
	e->taken_over = true;
	if (!w->facts.ours.n)
		return; /* the last daemon cleared the host, and deleted before that */
	e->pool_known = plan_pool(&w->facts, &e->pool, NULL) == 0;
	world_note_ends(w);
	rest_unknown(&w->memory.rest);
	e->due = clock_ms();
}

/* Whether an address is of the pool and no session's. */
static bool is_ended(const struct ip *address, void *arg)
{
	const struct world *w = arg;
	const struct pool *pool = &w->entries.pool;
	const struct prefix *p = address->family == AF_INET ? &pool->ip4 : &pool->ip6;
	uint32_t host;

	if (!prefix_contains(p, address))
		return false;
	host = ip_offset(address, p);
	return host >= SESSION_HOST_FIRST && host <= SESSION_HOST_LAST &&
	       !w->memory.rest.hosts[host].used;
}

/* All are deleted, or this kernel can delete none. */
static void pass_over(struct world *w)
{
	struct entries *e = &w->entries;
	int64_t now = clock_ms();

	rest_deleted(&w->memory.rest);
	e->not_before = now + PAUSE_MS + (now - e->started);
}

static int step(struct world *w, struct err *err)
{
	struct entries *e = &w->entries;
	int r = 0;

	if (!e->pass.running) {
		e->due = INT64_MAX;
		e->started = clock_ms();
		rest_delete(&w->memory.rest);
		if (e->pool_known && !e->unavailable)
			r = conntrack_start(&e->pass, PLAN_MARK_TAG, PLAN_MARK_TAG_MASK, is_ended,
					    w, err);
	}
	if (r == 0 && e->pass.running)
		r = conntrack_step(&e->pass, err);
	if (r == -EOPNOTSUPP) {
		syslog(LOG_WARNING, "%s; an address rests, but its old connections stay",
		       err->text);
		e->unavailable = true;
		r = 0;
	}
	if (r < 0)
		e->due = clock_ms() + AGAIN_MS;
	else if (r == 0)
		pass_over(w);
	return r;
}

/* A whole pass. */
static int finish(struct world *w, struct err *err)
{
	int r;

	conntrack_stop(&w->entries.pass); /* it knows nothing of the latest ends */
	do
		r = step(w, err);
	while (r > 0);
	return r;
}

int world_delete_some(struct world *w, struct err *err)
{
	return step(w, err);
}

int world_delete_entries(struct world *w, struct err *err)
{
	world_note_ends(w);
	return finish(w, err);
}

int world_delete_last_entries(struct world *w, struct err *err)
{
	rest_note(&w->memory.rest, NULL, 0, clock_ms());
	return w->memory.rest.n_tracked ? finish(w, err) : 0;
}
