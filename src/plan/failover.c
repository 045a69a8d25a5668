/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/failover.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "plan/internal.h"
#include "plan/uplink.h"

void failover_done(struct failover_memory *m)
{
	VEC_DONE(&m->good);
	VEC_DONE(&m->blocked);
	VEC_DONE(&m->probed);
}

/*
 * What is known of each link, by its place in the facts, while all sessions are gone through: many
 * of them list the same.
 */
struct failover_link {
	enum { LINK_UNKNOWN, LINK_USELESS, LINK_USABLE } state;
	bool good; /* a session lists it, and it is usable: */
	int64_t since;
};

struct course {
	struct facts *f;
	struct failover_memory *m;
	int64_t now, again;
	struct failover_link *links;
};

static struct failover_link *of(const struct course *c, const struct fact_link *l)
{
	return &c->links[l - c->f->links.v];
}

static bool usable(const struct course *c, const struct fact_link *l)
{
	struct failover_link *k = l ? of(c, l) : NULL;

	if (k && k->state == LINK_UNKNOWN)
		k->state = uplink_serves(c->f, l->name, 0) == UPLINK_USABLE &&
					   !facts_refused(c->f, l->name)
				   ? LINK_USABLE
				   : LINK_USELESS;
	return k && k->state == LINK_USABLE;
}

/* Those of one list. */
static int remember_list(struct course *c, const struct uplink_list *list)
{
	struct uplink_walk walk = { .facts = c->f, .list = list };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk))) {
		struct failover_link *k = of(c, l);
		struct failover_good *g;

		if (k->good || !usable(c, l))
			continue;
		g = VEC_PUSH(&c->m->good);
		if (!g)
			return -ENOMEM;
		*g = (struct failover_good){ .index = l->index, .since = c->now };
		k->good = true;
		k->since = c->now;
	}
	return 0;
}

/* Forgets what cannot serve, and notes since when the others can. */
static int remember(struct course *c)
{
	const struct facts *f = c->f;
	struct failover_memory *m = c->m;
	size_t kept = 0;
	int r = 0;

	for (size_t i = 0; i < m->good.n; i++) {
		const struct failover_good g = m->good.v[i];
		const struct fact_link *l = facts_link_by_index(f, g.index);

		if (!usable(c, l))
			continue;
		of(c, l)->good = true;
		of(c, l)->since = g.since;
		m->good.v[kept++] = g;
	}
	m->good.n = kept;
	for (size_t i = 0; i < f->lists.n && r == 0; i++)
		r = remember_list(c, &f->lists.v[i].list);
	for (size_t i = 0; i < f->sessions.n && r == 0; i++)
		if (!uplinks_found(f, &f->sessions.v[i].uplinks))
			r = remember_list(c, &f->sessions.v[i].uplinks);
	return r;
}

static struct failover_probed *probed(const struct failover_memory *m, uint32_t id, int index)
{
	for (size_t i = 0; i < m->probed.n; i++)
		if (m->probed.v[i].id == id && m->probed.v[i].index == index)
			return &m->probed.v[i];
	return NULL;
}

bool failover_unanswered(const struct failover_memory *m, uint32_t id, int index)
{
	const struct failover_probed *p = probed(m, id, index);

	return p && p->bad;
}

static bool unanswered(const struct failover_memory *m, const struct session *s,
		       const struct fact_link *uplink)
{
	return failover_unanswered(m, s->id, uplink->index);
}

/* Since when an uplink that can serve is good for this session. */
static int64_t good_since(const struct course *c, const struct session *s,
			  const struct fact_link *l)
{
	const struct failover_probed *p = probed(c->m, s->id, l->index);
	int64_t since = of(c, l)->since;

	return p && p->at > since ? p->at : since;
}

/* The first that can serve, whatever its probe says. */
static const char *first_usable(const struct course *c, const struct session *s)
{
	struct uplink_walk walk = { .facts = c->f, .list = &s->uplinks };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (of(c, l)->good)
			return l->name;
	return s->uplink;
}

/* The uplink that a session should have now; its own when none can serve. */
static const char *choose(struct course *c, const struct session *s)
{
	struct uplink_walk walk = { .facts = c->f, .list = &s->uplinks };
	const struct fact_link *own = s->uplink[0] ? facts_link(c->f, s->uplink) : NULL, *l;
	bool serves = own && usable(c, own) && uplink_listed(c->f, &s->uplinks, s->uplink);
	bool stay = own && serves && !unanswered(c->m, s, own);

	while ((l = uplink_walk(&walk))) {
		int64_t due;

		if (stay && l == own)
			break;
		if (!of(c, l)->good || unanswered(c->m, s, l))
			continue;
		due = good_since(c, s, l) + FAILOVER_HOLD_MS;
		if (!stay || due <= c->now)
			return l->name;
		if (due < c->again)
			c->again = due;
	}
	return serves ? s->uplink : first_usable(c, s);
}

/* Nothing of a session is to leave by it, though it would get to the login page. */
static bool is_behind_portal(const struct course *c, const struct session *s, const char *uplink)
{
	return uplink[0] && uplink_serves(c->f, uplink, s->flags) == UPLINK_PORTAL;
}

/* For a session that opens a login page, whatever the others may use; its own when none will do. */
static const char *choose_for_portal(const struct course *c, const struct session *s)
{
	char name[IFNAMSIZ];
	const struct fact_link *l;

	if (uplink_choose(c->f, &s->uplinks, s->flags, name, NULL) < 0)
		return s->uplink;
	l = facts_link(c->f, name);
	return l ? l->name : s->uplink;
}

static int take_slot(struct facts *f, struct session *s, const char *uplink, struct err *err)
{
	struct fact_slot *added;
	uint32_t slot;
	int r = plan_find_slot(f, uplink, &slot, err);

	if (r < 0)
		return r;
	if (!facts_slot(f, uplink)) {
		added = VEC_PUSH(&f->slots);
		if (!added)
			return err_errno(err, ENOMEM, "note the slot of uplink '%s'", uplink);
		added->slot = slot;
		snprintf(added->uplink, sizeof(added->uplink), "%s", uplink);
	}
	s->slot = slot;
	snprintf(s->uplink, sizeof(s->uplink), "%s", uplink);
	return 0;
}

/* Takes the carrier of a session that has had no way out for long, and gives it back. */
static int failover_carrier(struct course *c, struct session *s, struct failover_blocked *was)
{
	struct failover_blocked *b;
	int64_t since = was ? was->since : c->now;

	s->carrier_off = false;
	if (s->uplink[0] && (usable(c, facts_link(c->f, s->uplink)) ||
			     uplink_serves(c->f, s->uplink, s->flags) == UPLINK_USABLE))
		return 0;
	b = VEC_PUSH(&c->m->blocked);
	if (!b)
		return -ENOMEM;
	*b = (struct failover_blocked){ .id = s->id, .since = since };
	if (plan_shares(s)) /* the others of its group are still reached */
		return 0;
	s->carrier_off = c->now - since >= FAILOVER_CARRIER_OFF_MS;
	if (!s->carrier_off && since + FAILOVER_CARRIER_OFF_MS < c->again)
		c->again = since + FAILOVER_CARRIER_OFF_MS;
	return 0;
}

static_assert(offsetof(struct failover_blocked, id) == 0, "compare_ids() reads it");

static int compare_ids(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A bad word that nobody repeats is good from then on; a good one is history after the hold. */
static void forget_probes(struct course *c, const uint32_t *ids)
{
	struct failover_memory *m = c->m;
	size_t kept = 0;

	for (size_t i = 0; i < m->probed.n; i++) {
		struct failover_probed p = m->probed.v[i];

		if (p.bad && p.at + FAILOVER_PROBE_MS <= c->now) {
			p.bad = false;
			p.at += FAILOVER_PROBE_MS;
		}
		if (!bsearch(&p.id, ids, c->f->sessions.n, sizeof(*ids), compare_ids) ||
		    (!p.bad && p.at + FAILOVER_HOLD_MS <= c->now))
			continue;
		if (p.bad && p.at + FAILOVER_PROBE_MS < c->again)
			c->again = p.at + FAILOVER_PROBE_MS;
		m->probed.v[kept++] = p;
	}
	m->probed.n = kept;
}

int failover_probe(struct failover_memory *m, uint32_t id, int index, bool bad, int64_t now)
{
	struct failover_probed *p = probed(m, id, index);

	if (p && p->bad == bad) {
		if (bad)
			p->at = now;
		return 0;
	}
	if (!p && !bad)
		return 0;
	if (!p)
		p = VEC_PUSH(&m->probed);
	if (!p)
		return -ENOMEM;
	*p = (struct failover_probed){ .id = id, .index = index, .bad = bad, .at = now };
	return 1;
}

/* Why it is blocked, when no other uplink of its list can serve: that which it had, or the first.
 */
static const struct fact_refused *refused_of(const struct facts *f, const struct session *s,
					     const char *chosen)
{
	struct uplink_walk walk = { .facts = f, .list = &s->uplinks };
	const struct fact_refused *refused = chosen[0] ? facts_refused(f, chosen) : NULL;
	const struct fact_link *l;

	while (f->refused.n && !chosen[0] && !refused && (l = uplink_walk(&walk)))
		refused = facts_refused(f, l->name);
	return refused;
}

static int failover_session(struct course *c, struct session *s, struct failover_blocked *was,
			    struct err *err)
{
	const struct fact_refused *refused = NULL;
	char name[IFNAMSIZ] = "";
	int r = 0;

	if (!(s->flags & SESSION_PAUSED)) {
		snprintf(name, sizeof(name), "%s",
			 s->flags & SESSION_PORTAL ? choose_for_portal(c, s) : choose(c, s));
		refused = refused_of(c->f, s, name);
	}
	s->refused = refused ? refused->what : (struct session_refused){ 0 };
	if (s->flags & SESSION_PAUSED || (refused && !name[0]) || facts_refused(c->f, name) ||
	    is_behind_portal(c, s, name)) { /* nothing of the slot is there */
		s->slot = 0;
		s->uplink[0] = 0;
	} else if (name[0] && (!s->slot || strcmp(name, s->uplink) != 0)) {
		r = take_slot(c->f, s, name, err);
	}
	if (r == 0 && failover_carrier(c, s, was) < 0)
		r = err_errno(err, ENOMEM, "remember session '%s'", s->name);
	return r;
}

/* All sessions in their order; who was blocked before is found by the number. */
static int failover_sessions(struct course *c, struct err *err)
{
	struct failover_memory *m = c->m;
	struct failover_blocked *before = m->blocked.v;
	size_t n = m->blocked.n;
	int r = 0;

	m->blocked.v = NULL;
	m->blocked.n = m->blocked.size = 0;
	if (n)
		qsort(before, n, sizeof(*before), compare_ids);
	for (size_t i = 0; i < c->f->sessions.n && r == 0; i++) {
		struct session *s = &c->f->sessions.v[i];
		struct failover_blocked *was =
			n ? bsearch(&s->id, before, n, sizeof(*before), compare_ids) : NULL;

		r = failover_session(c, s, was, err);
	}
	free(before);
	return r;
}

static int run(struct course *c, struct err *err)
{
	_cleanup_free_ uint32_t *ids = calloc(c->f->sessions.n + 1, sizeof(*ids));
	_cleanup_free_ struct failover_link *links = calloc(c->f->links.n + 1, sizeof(*links));
	int r = ids && links ? 0 : -ENOMEM;

	c->links = links;
	if (r == 0)
		r = remember(c);
	if (r < 0)
		return err_errno(err, -r, "remember the uplinks");
	for (size_t i = 0; i < c->f->sessions.n; i++)
		ids[i] = c->f->sessions.v[i].id;
	qsort(ids, c->f->sessions.n, sizeof(*ids), compare_ids);
	forget_probes(c, ids);
	return failover_sessions(c, err);
}

int failover(struct facts *f, struct failover_memory *m, int64_t now, int64_t *ret_again,
	     struct err *err)
{
	struct course c = { .f = f, .m = m, .now = now, .again = INT64_MAX };
	int r = run(&c, err);

	*ret_again = c.again;
	return r;
}

int failover_move(struct facts *f, struct session *s, const struct uplink_list *list,
		  struct err *err)
{
	char name[IFNAMSIZ];
	int r = uplink_choose(f, list, s->flags, name, err);

	if (r == 0)
		r = take_slot(f, s, name, err);
	if (r == 0)
		s->uplinks = *list;
	return r;
}
