/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Making sessions: admission, a netns, its inside, and the host's side of it. */
#include <errno.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "base/vec.h"
#include "daemon/host_internal.h"
#include "daemon/peer_netns.h"
#include "daemon/share_files.h"
#include "model/own.h"
#include "net/attached.h"

/*
 * How long a new session's answer waits for packets to pass (net/settle.h). In a netns of others
 * they may never, by its owner's will or since IPv6 is off there.
 */
#define SETTLE_MS         1000
#define SETTLE_FOREIGN_MS 50

static int note_session(struct facts *f, const struct session *s, struct err *err)
{
	char name[IFNAMSIZ];
	const bool made_ahead = (session_port(s->id, name), facts_link(f, name) != NULL);
	struct session *added = VEC_PUSH(&f->sessions);
	struct fact_link *port = made_ahead ? NULL : VEC_PUSH(&f->links);
	bool known = !s->uplink[0] || facts_slot(f, s->uplink);
	struct fact_slot *slot = known ? NULL : VEC_PUSH(&f->slots);

	if (!added || (!port && !made_ahead))
		return err_errno(err, ENOMEM, "plan the session");
	*added = *s;
	if (port) {
		memcpy(port->name, name, sizeof(port->name));
		strcpy(port->kind, "veth");
		port->group = OWN_PORT_GROUP;
		port->mac = own_mac(OWN_MAC_PORT, s->host);
		facts_link_added(f);
	}
	if (slot) {
		const struct fact_link *l = facts_link(f, s->uplink);

		slot->slot = s->slot;
		slot->index = l ? l->index : 0;
		memcpy(slot->uplink, s->uplink, sizeof(slot->uplink));
	}
	return 0;
}

/* The launch failed: no later observation must take its port for one of a session that we know. */
static void forget_session(struct facts *f, uint32_t id)
{
	if (f->sessions.n && f->sessions.v[f->sessions.n - 1].id == id)
		f->sessions.n--;
}

/* Beside others on the same uplink: its own part is all that is new. Of a spare it has some. */
static int add_session(struct host_state *h, const struct session *s,
		       const struct object_set *inside, const struct object_set *had,
		       struct err *err)
{
	_cleanup_set_ struct object_set part = { 0 }, all = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	int r = plan_session(&h->facts, s, &part, err);

	if (r < 0)
		return r;
	if (set_merge(&all, &part) < 0 || set_merge(&all, inside) < 0 ||
	    diff(&all, had, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the session");
	r = apply(&h->kernel, &steps, NULL, err);
	if (r == 0)
		set_subtract(&h->facts.ours, had);
	if (r == 0 && set_merge(&h->facts.ours, &part) < 0)
		r = err_errno(err, ENOMEM, "note the session");
	return r;
}

/* What is left of a session that ended is removed by number and address: not those of a new one. */
static bool leaves_in_the_way(const struct host_state *h, const struct session *s)
{
	for (size_t i = 0; i < h->ended.n; i++)
		if (h->ended.v[i].id == s->id || h->ended.v[i].host == s->host ||
		    plan_publish_meets(&h->ended.v[i], s))
			return true;
	return false;
}

static int make_session(struct host_state *h, const struct session *s,
			const struct object_set *inside, const struct object_set *had,
			struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	_cleanup_refusals_ struct refusals refused = { 0 };
	struct facts *f = &h->facts;
	bool whole =
		h->knowledge != HOST_SETTLED || leaves_in_the_way(h, s) || !host_has_like(h, s);
	int r = note_session(f, s, err);

	if (r == 0 && !whole)
		return add_session(h, s, inside, had, err);
	refused_lift(&h->refused, f, s->uplink, clock_ms());
	if (r == 0)
		r = plan_host(f, f->sessions.v, f->sessions.n, &want, err);
	if (r < 0)
		return r;
	if (set_merge(&want, inside) < 0)
		return err_errno(err, ENOMEM, "plan the session");
	refused_leave_out(&h->refused, f, &want, clock_ms());
	r = host_converge_to(h, &want, &refused, err);
	/* what others lack is for the next healing */
	return refused.n && !refused_concerns(&refused, s) ? 0 : r;
}

/* Of a netns that is in use, what it has itself is read into own. */
static int open_netns(struct host_state *h, const struct launch *l, const struct session *s,
		      struct attached *own, struct err *err)
{
	int r;

	if (!l->of_peer && s->netns)
		return 0; /* a spare's */
	if (!l->of_peer) {
		r = kernel_new_session(&h->kernel, err);
		if (r == 0 && !h->facts.fresh_known)
			observe_fresh(&h->facts);
		return r;
	}
	r = peer_netns_check(l->netns, l->peer, h->kernel.host_ns, &h->facts, err);
	if (r < 0)
		return r;
	if (!(s->flags & SESSION_ATTACHED))
		return kernel_adopt_session(&h->kernel, l->netns, err);
	return attached_enter(&h->kernel, l->netns, session_device(s), own, err);
}

/* What is to be inside, of which own decides a part where the netns is in use. */
static int plan_netns(struct host_state *h, const struct session *s, const struct attached *own,
		      struct object_set *ret, struct err *err)
{
	_cleanup_set_ struct object_set more = { 0 };
	int r = plan_inside(&h->facts, s, ret, err);

	if (r < 0 || !(s->flags & SESSION_ATTACHED))
		return r;
	r = plan_attached(&h->facts, s, own, &more, err);
	if (r == 0 && set_merge(ret, &more) < 0)
		r = err_errno(err, ENOMEM, "plan the session's side");
	return r;
}

static bool is_link(const struct object *o)
{
	return o->kind == OBJ_LINK;
}

/*
 * In somebody else's netns the veth pair would stay. One that we made takes it along, but in the
 * kernel's own time: another try would find a session of its name.
 */
static void take_back(struct host_state *h, const struct session *s)
{
	_cleanup_set_ struct object_set part = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	struct err err = { 0 };
	int r = plan_session(&h->facts, s, &part, &err);

	set_filter(&part, is_link);
	if (r == 0 && diff(&nothing, &part, &steps) == 0)
		r = apply(&h->kernel, &steps, NULL, &err);
	if (r < 0)
		log_line(LOG_ERR, "take back a session that failed: %s", err.text);
}

/* Where all free addresses still have connection tracking entries, those are not put off. */
static int admit(struct host_state *h, const struct launch *l, struct session *ret, struct err *err)
{
	int r;

	host_note_ends(h);
	h->memory.now = clock_ms();
	h->memory.spare = l->of_peer ? NULL : spare_offer(h);
	r = plan_admit(&h->facts, l->request, l->uid, &h->memory, ret, err);
	if (r == -EADDRNOTAVAIL && h->spare.there) {
		spare_remove(h); /* its address is the last one */
		h->memory.spare = NULL;
		r = plan_admit(&h->facts, l->request, l->uid, &h->memory, ret, err);
	}
	if (r != -EADDRNOTAVAIL || !h->memory.rest.n_tracked)
		return r;
	r = host_delete_entries(h, err);
	return r < 0 ? r : plan_admit(&h->facts, l->request, l->uid, &h->memory, ret, err);
}

static int try_launch(struct host_state *h, const struct launch *l, struct session *ret,
		      struct settle *ret_settle, struct err *err)
{
	_cleanup_set_ struct object_set inside = { 0 }, had = { 0 };
	_cleanup_attached_ struct attached own = { 0 };
	struct settle settled;
	struct session s = { 0 };
	bool spare = false;
	int r = host_observe(h, &l->request->uplinks, err);

	if (r == 0)
		r = admit(h, l, &s, err);
	if (r == 0 && s.rates.down)
		h->facts.no_shaper = !kernel_has_shaper(&h->kernel);
	if (r == 0)
		r = host_check_published(h, &s, err);
	if (r == 0)
		r = open_netns(h, l, &s, &own, err);
	if (r < 0)
		return r;
	s.since = (uint64_t)time(NULL);
	spare = s.netns != 0;
	if (!spare)
		r = kernel_session_inode(&h->kernel, &s.netns, err);
	if (r == 0)
		r = plan_netns(h, &s, &own, &inside, err);
	if (r == 0 && spare && spare_take(h, &s, &inside, &had, &settled) > 0) {
		spare_remove(h); /* another netns is made, by the next try */
		return err_set(err, EAGAIN, "use a netns that was made ahead");
	}
	if (r == 0)
		r = make_session(h, &s, &inside, &had, err);
	if (r == 0)
		r = share_file_write(h, &s, err);
	if (r < 0 && s.flags & SESSION_ATTACHED) {
		struct err ignored = { 0 };

		attached_remove(&h->kernel, &ignored);
	}
	kernel_home(&h->kernel);
	if (r < 0) {
		forget_session(&h->facts, s.id);
		rest_end(&h->memory.rest, s.host, clock_ms());
		take_back(h, &s);
		h->stale |= HOST_STALE_FACTS;
		return r;
	}
	if (spare) {
		settle_again(ret_settle, &h->kernel, &settled, SETTLE_MS);
	} else {
		settle_begin(ret_settle, &h->kernel, &s, &inside,
			     l->of_peer ? SETTLE_FOREIGN_MS : SETTLE_MS);
		h->memory.next_id = s.id + 1;
		h->memory.next_host = s.host + 1;
	}
	spare_want(h, &s);
	if (!s.slot) /* from now on it counts as blocked */
		h->failover_at = clock_ms();
	host_note_ends(h);
	*ret = s;
	return 0;
}

/*
 * A launch that failed since somebody else changed the host meanwhile is tried again on a new
 * observation; so is, once, one that was planned without observing: what was in its way may be an
 * object that the facts do not have.
 */
static bool passing(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -EBUSY || r == -EAGAIN;
}

int host_launch(struct host_state *h, const struct launch *l, struct session *ret,
		struct settle *ret_settle, int *ret_netns, struct err *err)
{
	struct err ignored = { 0 };
	bool unseen = false;
	int r = -EAGAIN;

	for (int i = 0; i < HOST_TRIES && (passing(r) || unseen); i++) {
		bool settled = i == 0 && h->knowledge == HOST_SETTLED;

		r = try_launch(h, l, ret, ret_settle, err);
		if (r == 0)
			break;
		unseen = settled && h->stale;
		kernel_drop_session(&h->kernel); /* the netns, and the veth pair with it */
		if (h->stale)
			host_heal(h, &ignored); /* as it was before */
		h->stale |= passing(r) ? HOST_STALE_FACTS : 0;
	}
	if (r == 0 && !l->of_peer)
		*ret_netns = steal_fd(&h->kernel.session_ns);
	kernel_drop_session(&h->kernel);
	return r;
}
