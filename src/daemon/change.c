/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of sessions that run: another uplink, a pause, the end. Beside others that have what it
 * comes to, and what it leaves, a session's own part is changed alone; else each changes the
 * session in the facts and converges, as a launch does. Where that fails the host is observed anew,
 * and the kernel's state is kept.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "daemon/host_internal.h"
#include "plan/probe.h"
#include "plan/uplink.h"

const struct session *host_session(const struct host_state *h, uint32_t id)
{
	for (size_t i = 0; i < h->facts.sessions.n; i++)
		if (h->facts.sessions.v[i].id == id)
			return &h->facts.sessions.v[i];
	return NULL;
}

static struct session *find(struct host_state *h, uint32_t id, struct err *err)
{
	struct session *s = (struct session *)host_session(h, id);

	if (!s)
		err_set(err, ESRCH, "find session %u: there is none; `via-iface list` shows them",
			id);
	return s;
}

/* Rules are deleted by their handles, which only an observation has. */
static int observe_uplinks(struct host_state *h, const struct uplink_list *uplinks, struct err *err)
{
	h->stale |= h->knowledge == HOST_OBSERVED ? 0 : HOST_STALE_FACTS;
	return host_observe(h, uplinks, err);
}

/* Whether all steps are of kinds that need no handle and leave what is the whole host's alone. */
static bool only_its_own(const struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct object *o = steps->v[i].want ? steps->v[i].want : steps->v[i].have;

		if (o->kind != OBJ_LINK && o->kind != OBJ_LINK_UP && o->kind != OBJ_NEIGH &&
		    o->kind != OBJ_FDB && o->kind != OBJ_NFT_ELEMENT)
			return false;
	}
	return true;
}

/* Others have what it leaves, and what it comes to. Slot 0 has nothing of its own. */
static bool has_like(const struct host_state *h, const struct session *s)
{
	struct session any = *s;
	bool found = false;

	if (s->slot)
		return host_has_like(h, s);
	for (size_t i = 0; i < h->facts.sessions.n && !found; i++) {
		any.slot = h->facts.sessions.v[i].slot;
		found = host_has_like(h, &any); /* of the same limits */
	}
	return found;
}

/* Whether failover gave another session another slot meanwhile. */
static bool others_changed(const struct host_state *h, const struct session *before, uint32_t id)
{
	for (size_t i = 0; i < h->facts.sessions.n; i++) {
		const struct session *s = &h->facts.sessions.v[i];

		if (s->id != id &&
		    (s->slot != before[i].slot || s->carrier_off != before[i].carrier_off ||
		     strcmp(s->uplink, before[i].uplink) != 0))
			return true;
	}
	return false;
}

/* From before to what the session is now; 1: that takes more than its own part. */
static int apply_own_part(struct host_state *h, const struct session *before,
			  const struct session *now, struct err *err)
{
	_cleanup_set_ struct object_set had = { 0 }, want = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	int r = plan_session(&h->facts, before, &had, err);

	if (r == 0)
		r = plan_session(&h->facts, now, &want, err);
	if (r < 0)
		return r;
	if (diff(&want, &had, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the change of a session");
	if (!only_its_own(&steps))
		return 1;
	r = apply(&h->kernel, &steps, NULL, err);
	if (r < 0)
		return r;
	set_subtract(&h->facts.ours, &had);
	return set_merge(&h->facts.ours, &want) < 0
		       ? err_errno(err, ENOMEM, "note the change of a session")
		       : 0;
}

/*
 * Beside others on both uplinks its own part is all that changes: nothing is observed, and nothing
 * of the others planned. Returns 1 where that does not do; the facts are as they were then.
 */
static int change_alone(struct host_state *h, const struct session *changed, struct err *err)
{
	struct facts *f = &h->facts;
	_cleanup_free_ struct session *before = calloc(f->sessions.n, sizeof(*before));
	struct session *s = (struct session *)host_session(h, changed->id);
	int64_t again = INT64_MAX;
	size_t slots = f->slots.n;
	int r = 1;

	if (!before || !s || h->stale || h->knowledge != HOST_SETTLED || h->ended.n)
		return 1;
	memcpy(before, f->sessions.v, f->sessions.n * sizeof(*before));
	*s = *changed;
	if (failover(f, &h->failover, clock_ms(), &again, err) == 0 && f->slots.n == slots &&
	    !others_changed(h, before, s->id) && has_like(h, s) &&
	    has_like(h, &before[s - f->sessions.v]))
		r = apply_own_part(h, &before[s - f->sessions.v], s, err);
	if (r > 0) {
		memcpy(f->sessions.v, before, f->sessions.n * sizeof(*before));
		f->slots.n = slots;
	}
	h->failover_at = again < h->failover_at ? again : h->failover_at;
	h->stale |= r < 0 ? HOST_STALE_FACTS : 0;
	if (r == 0)
		session_log_compare_one(h, s);
	return r;
}

/* Puts the changed session in its place and the kernel behind it. */
static int change(struct host_state *h, const struct session *changed, struct err *err)
{
	struct session *s = find(h, changed->id, err);
	char alias[ALIAS_MAX];
	int r = s ? session_format(changed, alias, err) : -ESRCH;

	if (r < 0)
		return r;
	*s = *changed;
	return host_converge(h, err);
}

static int plan_move(struct host_state *h, const struct session *s,
		     const struct uplink_list *uplinks, uid_t peer, struct session *ret,
		     struct err *err)
{
	struct session changed = *s;
	int r;

	if (peer == 0 && s->uid != 0)
		changed.flags |= SESSION_BY_ROOT;
	else
		changed.flags &= ~(uint32_t)SESSION_BY_ROOT;
	r = failover_move(&h->facts, &changed, uplinks, err);
	if (r == 0 && !changed.n_dns)
		r = plan_check_names(&h->facts, changed.uplink, err);
	if (r == 0)
		r = plan_publish_free(&h->facts,
				      &(struct publish_claim){ .published = &changed.published,
							       .uplinks = &changed.uplinks,
							       .uid = s->uid,
							       .id = s->id },
				      err);
	if (r == 0)
		r = host_check_published(h, &changed, err);
	if (r < 0)
		return err_wrap(err, "move session '%s'", changed.name);
	if (changed.flags &
	    SESSION_PAUSED) { /* it keeps still, and goes there when it is resumed */
		changed.slot = 0;
		changed.uplink[0] = 0;
	}
	*ret = changed;
	return 0;
}

/* On the facts as they are, where they are settled; 1: they are not, or that does not do. */
static int move_alone(struct host_state *h, uint32_t id, const struct uplink_list *uplinks,
		      uid_t peer, struct err *err)
{
	const struct session *s;
	struct session changed = { 0 };
	char alias[ALIAS_MAX];

	if (h->stale || h->knowledge != HOST_SETTLED || host_observe(h, uplinks, err) < 0)
		return 1;
	s = host_session(h, id);
	if (!s || plan_move(h, s, uplinks, peer, &changed, err) < 0 || h->refused.n ||
	    session_format(&changed, alias, err) < 0)
		return 1;
	return change_alone(h, &changed, err);
}

static int try_move(struct host_state *h, uint32_t id, const struct uplink_list *uplinks,
		    uid_t peer, struct err *err)
{
	struct session *s, changed = { 0 };
	int r = move_alone(h, id, uplinks, peer, err);

	if (r <= 0)
		return r;
	r = observe_uplinks(h, uplinks, err);
	if (r < 0)
		return r;
	s = find(h, id, err);
	if (!s)
		return -ESRCH;
	r = plan_move(h, s, uplinks, peer, &changed, err);
	if (r < 0)
		return r;
	refused_lift(&h->refused, &h->facts, changed.uplink, clock_ms());
	return change(h, &changed, err);
}

static int pause_alone(struct host_state *h, uint32_t id, bool paused, struct err *err)
{
	const struct session *s = host_session(h, id);
	struct session changed;

	if (!s || h->refused.n)
		return 1;
	changed = *s;
	if (paused)
		changed.flags |= SESSION_PAUSED;
	else
		changed.flags &= ~(uint32_t)SESSION_PAUSED;
	return change_alone(h, &changed, err);
}

static int try_pause(struct host_state *h, uint32_t id, bool paused, struct err *err)
{
	struct session *s;
	int r = pause_alone(h, id, paused, err);

	if (r <= 0)
		return r;
	r = observe_uplinks(h, NULL, err);
	if (r < 0)
		return r;
	s = find(h, id, err);
	if (!s)
		return -ESRCH;
	if (paused)
		s->flags |= SESSION_PAUSED;
	else
		s->flags &= ~(uint32_t)SESSION_PAUSED;
	return host_converge(h, err);
}

/* What failed since somebody else changed the same at that moment is tried once more. */
int host_move(struct host_state *h, uint32_t id, const struct uplink_list *uplinks, uid_t peer,
	      struct err *err)
{
	int r = try_move(h, id, uplinks, peer, err);

	return r < 0 && h->stale ? try_move(h, id, uplinks, peer, err) : r;
}

int host_pause(struct host_state *h, uint32_t id, bool paused, struct err *err)
{
	int r = try_pause(h, id, paused, err);

	return r < 0 && h->stale ? try_pause(h, id, paused, err) : r;
}

int host_probe(struct host_state *h, uint32_t id, const char *uplink, bool bad, struct err *err)
{
	const struct session *s = find(h, id, err);
	const struct fact_link *l = facts_link(&h->facts, uplink);
	int r;

	if (!s)
		return -ESRCH;
	if (!l || !uplink_listed(&h->facts, &s->uplinks, uplink))
		return err_set(err, EINVAL, "note a probe of session '%s': '%s' is not in its list",
			       s->name, uplink);
	r = failover_probe(&h->failover, id, l->index, bad, clock_ms());
	if (r < 0)
		return err_errno(err, -r, "note a probe of session '%s'", s->name);
	if (r > 0)
		h->failover_at = clock_ms();
	return r;
}

int host_stop(struct host_state *h, uint32_t id, struct err *err)
{
	_cleanup_set_ struct object_set port = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	struct object link = { .kind = OBJ_LINK, .place = PLACE_HOST, .link.kind = LINK_VETH };
	int r = host_observe(h, NULL, err);

	if (r < 0)
		return r;
	if (!find(h, id, err))
		return -ESRCH;
	session_port(id, link.link.name);
	set_add(&port, &link);
	if (port.failed || diff(&nothing, &port, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the end of session %u", id);
	session_log_leaving(h, id);
	return apply(&h->kernel, &steps, NULL, err); /* its event takes the rest along */
}

void host_end_probe(struct host_state *h, uint32_t parent)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < h->facts.sessions.n; i++)
		if (h->facts.sessions.v[i].probe_of == parent)
			host_stop(h, h->facts.sessions.v[i].id, &ignored);
	h->stale |= HOST_STALE_FACTS;
}

void host_end_probes(struct host_state *h)
{
	struct err ignored = { 0 };

	for (size_t i = 0; i < h->facts.sessions.n; i++)
		if (!probe_stands(&h->facts, &h->facts.sessions.v[i]))
			host_stop(h, h->facts.sessions.v[i].id, &ignored);
}
