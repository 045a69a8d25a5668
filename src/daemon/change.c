/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of sessions that run: another uplink, a pause, the end. Each changes the session in the
 * facts and converges, as a launch does; where that fails the host is observed anew, and the
 * kernel's state is kept.
 */
#include <errno.h>
#include <string.h>

#include "base/util.h"
#include "daemon/host_state.h"
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

static int try_move(struct host_state *h, uint32_t id, const struct uplink_list *uplinks,
		    uid_t peer, struct err *err)
{
	struct session *s, changed;
	int r = observe_uplinks(h, uplinks, err);

	if (r < 0)
		return r;
	s = find(h, id, err);
	if (!s)
		return -ESRCH;
	changed = *s;
	if (peer == 0 && s->uid != 0)
		changed.flags |= SESSION_BY_ROOT;
	else
		changed.flags &= ~(uint32_t)SESSION_BY_ROOT;
	r = failover_move(&h->facts, &changed, uplinks, err);
	if (r == 0 && !changed.n_dns)
		r = plan_check_names(&h->facts, changed.uplink, err);
	if (r < 0)
		return err_wrap(err, "move session '%s'", changed.name);
	refused_lift(&h->refused, &h->facts, changed.uplink, clock_ms());
	if (changed.flags &
	    SESSION_PAUSED) { /* it keeps still, and goes there when it is resumed */
		changed.slot = 0;
		changed.uplink[0] = 0;
	}
	return change(h, &changed, err);
}

static int try_pause(struct host_state *h, uint32_t id, bool paused, struct err *err)
{
	struct session *s;
	int r = observe_uplinks(h, NULL, err);

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
