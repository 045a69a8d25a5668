/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/follow.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"
#include "base/vec.h"
#include "plan/internal.h"
#include "plan/uplink.h"

void follow_done(struct follow_memory *m)
{
	VEC_DONE(&m->good);
	VEC_DONE(&m->blocked);
	VEC_DONE(&m->probed);
}

static struct follow_good *good(const struct follow_memory *m, const struct fact_link *uplink)
{
	for (size_t i = 0; i < m->good.n; i++)
		if (m->good.v[i].index == uplink->index)
			return &m->good.v[i];
	return NULL;
}

static bool usable(const struct facts *f, const struct fact_link *uplink)
{
	return uplink && uplink_look(f, uplink->name).problem == UPLINK_USABLE;
}

/* Forgets what cannot serve, and notes since when the others can. */
static int remember(const struct facts *f, struct follow_memory *m, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->good.n; i++)
		if (usable(f, facts_link_by_index(f, m->good.v[i].index)))
			m->good.v[kept++] = m->good.v[i];
	m->good.n = kept;
	for (size_t i = 0; i < f->sessions.n; i++) {
		struct uplink_walk walk = { .facts = f, .at = f->sessions.v[i].uplinks };
		const struct fact_link *l;

		while ((l = uplink_walk(&walk))) {
			struct follow_good *g;

			if (good(m, l) || !usable(f, l))
				continue;
			g = VEC_PUSH(&m->good);
			if (!g)
				return -ENOMEM;
			*g = (struct follow_good){ .index = l->index, .since = now };
		}
	}
	return 0;
}

static struct follow_probed *probed(const struct follow_memory *m, uint32_t id, int index)
{
	for (size_t i = 0; i < m->probed.n; i++)
		if (m->probed.v[i].id == id && m->probed.v[i].index == index)
			return &m->probed.v[i];
	return NULL;
}

static bool unanswered(const struct follow_memory *m, const struct session *s,
		       const struct fact_link *uplink)
{
	const struct follow_probed *p = probed(m, s->id, uplink->index);

	return p && p->bad;
}

/* Since when an uplink that can serve is good for this session. */
static int64_t good_since(const struct follow_memory *m, const struct session *s,
			  const struct follow_good *g)
{
	const struct follow_probed *p = probed(m, s->id, g->index);

	return p && p->at > g->since ? p->at : g->since;
}

/* The first that can serve, whatever its probe says. */
static const char *first_usable(const struct facts *f, const struct session *s,
				const struct follow_memory *m)
{
	struct uplink_walk walk = { .facts = f, .at = s->uplinks };
	const struct fact_link *l;

	while ((l = uplink_walk(&walk)))
		if (good(m, l))
			return l->name;
	return s->uplink;
}

/* The uplink that a session should have now; its own when none can serve. */
static const char *choose(const struct facts *f, const struct session *s,
			  const struct follow_memory *m, int64_t now, int64_t *again)
{
	struct uplink_walk walk = { .facts = f, .at = s->uplinks };
	const struct fact_link *own = s->uplink[0] ? facts_link(f, s->uplink) : NULL, *l;
	bool serves = own && uplink_listed(f, s->uplinks, s->uplink) && usable(f, own);
	bool stay = serves && !unanswered(m, s, own);

	while ((l = uplink_walk(&walk))) {
		const struct follow_good *g = good(m, l);
		int64_t due;

		if (stay && l == own)
			break;
		if (!g || unanswered(m, s, l))
			continue;
		due = good_since(m, s, g) + FOLLOW_HOLD_MS;
		if (!stay || due <= now)
			return l->name;
		if (due < *again)
			*again = due;
	}
	return serves ? s->uplink : first_usable(f, s, m);
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

static struct follow_blocked *blocked(const struct follow_memory *m, uint32_t id)
{
	for (size_t i = 0; i < m->blocked.n; i++)
		if (m->blocked.v[i].id == id)
			return &m->blocked.v[i];
	return NULL;
}

/* Takes the carrier of a session that has had no way out for long, and gives it back. */
static int follow_carrier(const struct facts *f, struct session *s, struct follow_memory *m,
			  int64_t now, int64_t *again)
{
	struct follow_blocked *b = blocked(m, s->id);

	s->quiet = false;
	if (s->uplink[0] && usable(f, facts_link(f, s->uplink))) {
		if (b)
			*b = m->blocked.v[--m->blocked.n];
		return 0;
	}
	if (!b) {
		b = VEC_PUSH(&m->blocked);
		if (!b)
			return -ENOMEM;
		*b = (struct follow_blocked){ .id = s->id, .since = now };
	}
	s->quiet = now - b->since >= FOLLOW_QUIET_MS;
	if (!s->quiet && b->since + FOLLOW_QUIET_MS < *again)
		*again = b->since + FOLLOW_QUIET_MS;
	return 0;
}

static bool is_there(const struct facts *f, uint32_t id)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].id == id)
			return true;
	return false;
}

static void forget_ended(const struct facts *f, struct follow_memory *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->blocked.n; i++)
		if (is_there(f, m->blocked.v[i].id))
			m->blocked.v[kept++] = m->blocked.v[i];
	m->blocked.n = kept;
}

/* A bad word that nobody repeats is good from then on; a good one is history after the hold. */
static void forget_probes(const struct facts *f, struct follow_memory *m, int64_t now,
			  int64_t *again)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->probed.n; i++) {
		struct follow_probed p = m->probed.v[i];

		if (p.bad && p.at + FOLLOW_PROBE_MS <= now) {
			p.bad = false;
			p.at += FOLLOW_PROBE_MS;
		}
		if (!is_there(f, p.id) || (!p.bad && p.at + FOLLOW_HOLD_MS <= now))
			continue;
		if (p.bad && p.at + FOLLOW_PROBE_MS < *again)
			*again = p.at + FOLLOW_PROBE_MS;
		m->probed.v[kept++] = p;
	}
	m->probed.n = kept;
}

int follow_probe(struct follow_memory *m, uint32_t id, int index, bool bad, int64_t now)
{
	struct follow_probed *p = probed(m, id, index);

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
	*p = (struct follow_probed){ .id = id, .index = index, .bad = bad, .at = now };
	return 1;
}

int follow(struct facts *f, struct follow_memory *m, int64_t now, int64_t *ret_again,
	   struct err *err)
{
	int64_t again = INT64_MAX;
	int r = remember(f, m, now);

	if (r < 0)
		return err_errno(err, -r, "remember the uplinks");
	forget_ended(f, m);
	forget_probes(f, m, now, &again);
	for (size_t i = 0; i < f->sessions.n && r == 0; i++) {
		struct session *s = &f->sessions.v[i];
		char name[IFNAMSIZ];

		if (s->flags & SESSION_PAUSED) {
			s->slot = 0;
			s->uplink[0] = 0;
		} else {
			snprintf(name, sizeof(name), "%s", choose(f, s, m, now, &again));
			if (name[0] && (!s->slot || strcmp(name, s->uplink) != 0))
				r = take_slot(f, s, name, err);
		}
		if (r == 0 && follow_carrier(f, s, m, now, &again) < 0)
			r = err_errno(err, ENOMEM, "remember session '%s'", s->name);
	}
	*ret_again = again;
	return r;
}

int follow_move(struct facts *f, struct session *s, const char *uplinks, struct err *err)
{
	char name[IFNAMSIZ];
	int r = uplink_choose(f, uplinks, name, err);

	if (r == 0)
		r = take_slot(f, s, name, err);
	if (r == 0)
		r = copy_string(s->uplinks, sizeof(s->uplinks), uplinks);
	return r;
}
