/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/refused.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <syslog.h>

#include "base/log.h"
#include "base/vec.h"

static bool is_blocked(const struct refused_entry *e, int64_t now)
{
	return e->until > now;
}

int refused_tell(const struct refused *r, struct facts *f, int64_t now)
{
	f->refused.n = 0;
	for (size_t i = 0; i < r->n; i++) {
		const struct refused_entry *e = &r->v[i];
		struct fact_refused *told;

		if (!e->uplink[0] || !is_blocked(e, now))
			continue;
		told = VEC_PUSH(&f->refused);
		if (!told)
			return -ENOMEM;
		memcpy(told->uplink, e->uplink, sizeof(told->uplink));
		told->what = e->what;
	}
	return 0;
}

void refused_mark(const struct refused *r, struct facts *f, int64_t now)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; j < f->sessions.n; j++)
			if (r->v[i].session && r->v[i].session == f->sessions.v[j].id &&
			    is_blocked(&r->v[i], now))
				f->sessions.v[j].refused = r->v[i].what;
}

struct rest_of {
	const struct refused_entry *entry;
	const struct object_set *ours;
	uint32_t slot; /* of the uplink */
};

/*
 * The port stays, since it is the session; as it is, where that is what the kernel does not change.
 * An accept that is there serves.
 */
static bool is_left(const struct object *o, const void *arg)
{
	const struct rest_of *rest = arg;

	if (rest->slot)
		return o->owner.slot != rest->slot || o->owner.session || set_find(rest->ours, o);
	if (rest->entry->session)
		return o->owner.session != rest->entry->session || o->kind == OBJ_LINK;
	return !o->owner.foreign || set_find(rest->ours, o);
}

/* Objects of a blocked uplink; and the port, where that is what the kernel refused. */
static bool stays_as_it_is(const struct object *o, const struct rest_of *rest)
{
	if (o->kind == OBJ_NFT_RULE || !set_find(rest->ours, o))
		return false;
	if (rest->slot)
		return o->owner.slot == rest->slot && !o->owner.session;
	return rest->entry->session && rest->entry->what.kind == OBJ_LINK && o->kind == OBJ_LINK &&
	       o->owner.session == rest->entry->session;
}

void refused_leave_out(const struct refused *r, const struct facts *f, struct object_set *want,
		       int64_t now)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct refused_entry *e = &r->v[i];
		const struct rest_of rest = { e, &f->ours,
					      e->uplink[0] ? facts_slot(f, e->uplink) : 0 };

		if (e->removal || !is_blocked(e, now) || (e->uplink[0] && !rest.slot))
			continue;
		set_filter_by(want, is_left, &rest);
		for (size_t j = 0; j < want->n; j++)
			if (stays_as_it_is(&want->v[j], &rest))
				want->v[j] = *set_find(&f->ours, &want->v[j]);
	}
}

static void name_of(const struct refused_entry *e, char *buf, size_t size)
{
	if (e->uplink[0])
		snprintf(buf, size, "uplink '%s'", e->uplink);
	else if (e->session)
		snprintf(buf, size, "session %u", e->session);
	else
		snprintf(buf, size, e->removal ? "clean up" : "other firewalls");
}

/* Whose uplink a slot is; "" when nobody's. */
static const char *uplink_of(const struct facts *f, uint32_t slot)
{
	const char *uplink = facts_slot_uplink(f, slot);

	for (size_t i = 0; i < f->sessions.n && !uplink; i++)
		if (f->sessions.v[i].slot == slot)
			uplink = f->sessions.v[i].uplink;
	return uplink ? uplink : "";
}

static struct refused_entry *entry_of(struct refused *r, const struct facts *f,
				      const struct refusal *what)
{
	const struct object_owner *owner = &what->owner;
	const char *uplink = owner->slot ? uplink_of(f, owner->slot) : "";
	struct refused_entry *added;

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].session == owner->session && r->v[i].removal == what->removal &&
		    !strcmp(r->v[i].uplink, uplink))
			return &r->v[i];
	added = VEC_PUSH(r);
	if (added) {
		added->session = owner->session;
		added->removal = what->removal;
		snprintf(added->uplink, sizeof(added->uplink), "%s", uplink);
	}
	return added;
}

static void block(struct refused_entry *e, const struct refusal *what, int64_t now)
{
	char name[64];

	e->what = (struct session_refused){ (uint32_t)what->code, what->kind };
	e->failed = true;
	if (++e->times < 2)
		return;
	e->wait = e->wait ? 2 * e->wait : REFUSED_WAIT_MS;
	if (e->wait > REFUSED_WAIT_MAX_MS)
		e->wait = REFUSED_WAIT_MAX_MS;
	e->until = now + e->wait;
	if (e->times > 2)
		return;
	name_of(e, name, sizeof(name));
	log_line(LOG_WARNING, "%s: %s; %s, next attempt in %d s", name, what->text,
		 e->uplink[0] ? "its sessions are blocked"
		 : e->session ? "it is blocked"
			      : "the rest goes on",
		 (int)(e->wait / 1000));
}

/* Those that were tried and not refused. */
static void forget(struct refused *r, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++) {
		struct refused_entry e = r->v[i];
		char name[64];

		if (e.failed || is_blocked(&e, now)) {
			e.failed = false;
			r->v[kept++] = e;
			continue;
		}
		name_of(&e, name, sizeof(name));
		if (e.times > 1)
			log_line(LOG_NOTICE, "%s: no longer refused by the kernel", name);
	}
	r->n = kept;
}

int refused_note(struct refused *r, const struct facts *f, const struct refusals *refusals,
		 int64_t now)
{
	for (size_t i = 0; i < refusals->n; i++) {
		struct refused_entry *e = entry_of(r, f, &refusals->v[i]);

		if (!e)
			return -ENOMEM;
		block(e, &refusals->v[i], now);
	}
	forget(r, now);
	return 0;
}

void refused_lift(struct refused *r, struct facts *f, const char *uplink, int64_t now)
{
	size_t kept = 0;

	for (size_t i = 0; i < r->n; i++)
		if (!strcmp(r->v[i].uplink, uplink))
			r->v[i].until = now;
	for (size_t i = 0; i < f->refused.n; i++)
		if (strcmp(f->refused.v[i].uplink, uplink) != 0)
			f->refused.v[kept++] = f->refused.v[i];
	f->refused.n = kept;
}

int64_t refused_due(const struct refused *r)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].until < due)
			due = r->v[i].until;
	return due;
}

bool refused_concerns(const struct refusals *refusals, const struct session *s)
{
	for (size_t i = 0; i < refusals->n; i++) {
		const struct object_owner *o = &refusals->v[i].owner;

		if (o->foreign || o->session == s->id ||
		    (o->slot && !o->session && o->slot == s->slot))
			return true;
	}
	return false;
}

void refused_done(struct refused *r)
{
	VEC_DONE(r);
}
