/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/spare.h"

#include <errno.h>
#include <net/if.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "base/vec.h"
#include "daemon/host_internal.h"
#include "model/own.h"

#define SETTLE_MS 1000
#define UNFIT_MAX 2 /* launches in a row, and one like the last is made instead */

/* What follows from uplink and options is for the launch to add: nothing inside depends on it. */
static bool is_of_launch(const struct object *o)
{
	return o->place == PLACE_SESSION &&
	       (o->kind == OBJ_ALTNAME || o->kind == OBJ_ROUTE || o->kind == OBJ_QDISC);
}

static bool is_made_ahead(const struct object *o)
{
	return o->kind != OBJ_NETNS && !is_of_launch(o);
}

static int plan_spare_inside(const struct host_state *h, const struct session *s,
			     struct object_set *ret, struct err *err)
{
	int r = plan_inside(&h->facts, s, ret, err);

	if (r == 0)
		set_filter(ret, is_made_ahead);
	return r;
}

/* Whether both have the same objects with the same values. */
static bool sets_same(const struct object_set *a, const struct object_set *b)
{
	_cleanup_steps_ struct steps steps = { 0 };

	return diff(a, b, &steps) == 0 && !steps.n;
}

/* --- its life ------------------------------------------------------------------------------ */

static void forget(struct host_state *h)
{
	struct spare *s = &h->spare;

	s->there = false;
	set_done(&s->inside);
	h->facts.spares.n = 0;
}

void spare_drop(struct host_state *h)
{
	struct spare *s = &h->spare;

	if (!s->there)
		return;
	settle_end(&s->settle);
	kernel_inside_close(&s->kernel);
	forget(h);
}

static bool is_neighbour(const struct object *o)
{
	return o->kind == OBJ_NEIGH;
}

void spare_remove(struct host_state *h)
{
	_cleanup_set_ struct object_set part = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	const struct session was = h->spare.session;
	struct err err = { 0 };
	int r;

	if (!h->spare.there)
		return;
	spare_drop(h);
	r = plan_session(&h->facts, &was, &part, &err);
	set_filter(&part, is_neighbour); /* the rest goes with the port, and is forgotten with it */
	if (r == 0 && diff(&nothing, &part, &steps) == 0)
		r = apply(&h->kernel, &steps, NULL, &err);
	if (r == 0)
		set_subtract(&h->facts.ours, &part);
	else
		h->stale |= HOST_STALE_FACTS;
}

bool spare_lost(struct host_state *h, const char *port)
{
	char own[IFNAMSIZ];

	if (!h->spare.there)
		return false;
	session_port(h->spare.session.id, own);
	if (strcmp(own, port) != 0)
		return false;
	spare_drop(h);
	h->stale |= HOST_STALE_FACTS; /* its neighbours are still there */
	return true;
}

/* Whether all that it should have on the host is there and as it was made. */
static bool is_whole(const struct host_state *h, const struct facts *fresh)
{
	_cleanup_set_ struct object_set part = { 0 };
	bool whole = plan_session(fresh, &h->spare.session, &part, NULL) == 0;

	for (size_t i = 0; i < part.n && whole; i++) {
		const struct object *have = set_find(&fresh->ours, &part.v[i]);

		whole = have && object_same(&part.v[i], have);
	}
	return whole;
}

void spare_check(struct host_state *h, struct facts *fresh)
{
	const struct session *own = &h->spare.session;
	bool found = false;

	for (size_t i = 0; i < fresh->spares.n && h->spare.there; i++)
		found |= fresh->spares.v[i].id == own->id && fresh->spares.v[i].netns == own->netns;
	fresh->spares.n = 0;
	if (found && is_whole(h, fresh)) {
		struct session *kept = VEC_PUSH(&fresh->spares);

		if (kept) {
			*kept = *own;
			return;
		}
	}
	spare_drop(h);
}

/* --- making ---------------------------------------------------------------------------------- */

void spare_want(struct host_state *h, const struct session *s)
{
	struct spare *p = &h->spare;

	if (!p->enabled || s->probe_of)
		return;
	p->unfit = p->there ? p->unfit + 1 : 0; /* one that was taken is not there */
	if (p->there && p->unfit >= UNFIT_MAX)
		spare_remove(h);
	p->wanted = true;
	p->mtu = s->mtu;
	p->flags = s->flags & SESSION_NO_IPV6;
}

bool spare_is_due(const struct host_state *h)
{
	return h->spare.wanted && !h->spare.there && !h->stale && !h->ended.n &&
	       h->knowledge == HOST_SETTLED && host_sessions(h);
}

/* In the facts it has a port, whose number an event tells. */
static int note(struct facts *f, const struct session *s, struct err *err)
{
	struct session *added = VEC_PUSH(&f->spares);
	struct fact_link *port = added ? VEC_PUSH(&f->links) : NULL;

	if (!port)
		return err_errno(err, ENOMEM, "make a netns ahead");
	*added = *s;
	session_port(s->id, port->name);
	strcpy(port->kind, "veth");
	port->group = OWN_PORT_GROUP;
	port->mac = own_mac(OWN_MAC_PORT, s->host);
	facts_link_added(f);
	return 0;
}

static int make_objects(struct host_state *h, const struct session *s,
			const struct object_set *inside, struct err *err)
{
	_cleanup_set_ struct object_set part = { 0 }, all = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	int r = plan_session(&h->facts, s, &part, err);

	if (r < 0)
		return r;
	if (set_merge(&all, &part) < 0 || set_merge(&all, inside) < 0 ||
	    diff(&all, &nothing, &steps) < 0)
		return err_errno(err, ENOMEM, "plan a netns ahead");
	r = apply(&h->kernel, &steps, NULL, err);
	if (r == 0 && set_merge(&h->facts.ours, &part) < 0)
		r = err_errno(err, ENOMEM, "note a netns that was made ahead");
	return r;
}

static int try_make(struct host_state *h, struct session *s, struct object_set *inside,
		    struct err *err)
{
	char alias[ALIAS_MAX];
	int r = kernel_new_session(&h->kernel, err);

	if (r == 0 && !h->facts.fresh_known)
		observe_fresh(&h->facts);
	if (r == 0)
		r = kernel_session_inode(&h->kernel, &s->netns, err);
	if (r == 0)
		r = session_format(s, alias, err);
	if (r == 0)
		r = plan_spare_inside(h, s, inside, err);
	if (r == 0)
		r = note(&h->facts, s, err);
	if (r == 0)
		r = make_objects(h, s, inside, err);
	kernel_home(&h->kernel);
	return r;
}

int spare_make(struct host_state *h, struct err *err)
{
	_cleanup_set_ struct object_set inside = { 0 };
	struct spare *p = &h->spare;
	struct session s = { .uid = SESSION_UID_NONE,
			     .flags = SESSION_SPARE | p->flags,
			     .mtu = p->mtu,
			     .name = "spare",
			     .since = (uint64_t)time(NULL) };
	int r;

	p->wanted = false;
	h->memory.now = clock_ms();
	if (plan_admit_spare(&h->facts, &h->memory, &s) < 0)
		return 0; /* the last address is for a session */
	r = try_make(h, &s, &inside, err);
	if (r < 0) {
		kernel_drop_session(&h->kernel);
		h->facts.spares.n = 0;
		h->stale |= HOST_STALE_FACTS;
		return err_wrap(err, "make a netns ahead of the next launch");
	}
	settle_begin(&p->settle, &h->kernel, &s, &inside, SETTLE_MS);
	kernel_keep_session(&h->kernel, &p->kernel);
	p->there = true;
	p->session = s;
	p->inside = inside;
	inside = (struct object_set){ 0 };
	h->memory.next_id = s.id + 1;
	h->memory.next_host = s.host + 1;
	return 0;
}

int spare_fd(const struct spare *s)
{
	return s->there && s->settle.n_addresses ? settle_fd(&s->settle) : -1;
}

void spare_take_events(struct host_state *h)
{
	if (h->spare.there)
		settle_over(&h->spare.settle, &h->kernel, true);
}

/* --- use ---------------------------------------------------------------------------------------
 */

const struct session *spare_offer(struct host_state *h)
{
	_cleanup_set_ struct object_set inside = { 0 };
	struct err ignored = { 0 };

	if (!h->spare.there)
		return NULL;
	if (plan_spare_inside(h, &h->spare.session, &inside, &ignored) == 0 &&
	    sets_same(&inside, &h->spare.inside))
		return &h->spare.session;
	spare_remove(h);
	return NULL;
}

int spare_take(struct host_state *h, const struct session *s, struct object_set *inside,
	       struct object_set *ret_had, struct settle *ret_settle)
{
	_cleanup_set_ struct object_set ahead = { 0 };
	struct spare *p = &h->spare;
	struct err ignored = { 0 };

	if (set_merge(&ahead, inside) < 0)
		return 1;
	set_filter(&ahead, is_made_ahead);
	if (s->netns != p->session.netns || !sets_same(&ahead, &p->inside) ||
	    plan_session(&h->facts, &p->session, ret_had, &ignored) < 0)
		return 1;
	set_subtract(inside, &p->inside);
	kernel_resume_session(&h->kernel, &p->kernel);
	settle_return(&p->settle, &h->kernel);
	*ret_settle = p->settle;
	forget(h);
	return 0;
}
