/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/world.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "base/vec.h"
#include "daemon/peer_netns.h"
#include "model/own.h"
#include "net/attached.h"
#include "net/nft_codec.h"
#include "plan/uplink.h"

/* How often a change is tried again when somebody else changes the same at the same time. */
#define TRIES 4

/*
 * How long a new session's answer waits for packets to pass (net/settle.h). In a netns of others
 * they may never, by its owner's will or since IPv6 is off there.
 */
#define SETTLE_MS         1000
#define SETTLE_FOREIGN_MS 50

static int listen_to_events(struct world *w, struct err *err)
{
	static const unsigned int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,    RTNLGRP_IPV6_RULE,    RTNLGRP_TC,
		RTNLGRP_NEIGH,      RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
	};
	struct err ignored = { 0 };
	int r = nl_open(&w->events, NETLINK_ROUTE, err);

	for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++)
		r = nl_join(&w->events, groups[i], err);
	if (r == 0)
		nl_join(&w->events, RTNLGRP_NEXTHOP, &ignored); /* from Linux 5.3 */
	if (r == 0) {
		w->sysctl_watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (w->sysctl_watch < 0)
			r = err_errno(err, errno, "watch the sysctls");
	}
	if (r == 0) {
		world_watch_ports(w);
		r = nl_open(&w->nft_events, NETLINK_NETFILTER, err);
	}
	if (r == 0)
		r = nl_join(&w->nft_events, NFNLGRP_NFTABLES, err);
	return r;
}

int world_open(struct world *w, const char *rundir, struct err *err)
{
	struct world fresh = {
		.stale = true, .sysctl_watch = -1, .kernel.host_ns = -1, .kernel.session_ns = -1
	};
	int r = kernel_open(&fresh.kernel, rundir, true, err);

	if (r == 0)
		r = listen_to_events(&fresh, err);
	if (r < 0) {
		world_close(&fresh);
		return r;
	}
	fresh.memory.next_host = rest_first(clock_ms());
	fresh.entries.due = INT64_MAX;
	*w = fresh;
	w->names_stale = true;
	w->failover_at = w->expire_at = w->gateways_at = INT64_MAX;
	r = names_open(&w->names, "", err); /* not before: it must not move */
	return r == 0 ? names_watch(&w->names, err) : r;
}

void world_close(struct world *w)
{
	facts_done(&w->facts);
	set_done(&w->wanted);
	names_close(&w->names);
	conntrack_stop(&w->entries.pass);
	VEC_DONE(&w->ended);
	VEC_DONE(&w->rewritten);
	failover_done(&w->failover);
	gateways_done(&w->gateways);
	close_fd(&w->sysctl_watch);
	nl_close(&w->events);
	nl_close(&w->nft_events);
	kernel_close(&w->kernel);
}

size_t world_sessions(const struct world *w)
{
	return w->facts.sessions.n;
}

uint32_t world_sessions_of(const struct world *w, struct persons *persons, uid_t person)
{
	uint32_t n = 0;

	for (size_t i = 0; i < w->facts.sessions.n; i++)
		n += !w->facts.sessions.v[i].probe_of &&
		     person_of(persons, w->facts.sessions.v[i].uid) == person;
	return n;
}

/*
 * Those of the uplinks that sessions use now, and of a request's: which of them answer. A device is
 * looked at once for the facts that there are.
 */
static int look_at_gateways(struct world *w, const char *uplinks, struct err *err)
{
	struct facts *f = &w->facts;
	struct uplink_walk walk = { .facts = f, .at = uplinks };
	bool done[PLAN_SLOT_MAX + 1] = { true };
	const struct fact_link *l;
	int r = 0;

	for (size_t i = 0; i < f->sessions.n && r == 0; i++) {
		const struct session *s = &f->sessions.v[i];

		if (s->slot > PLAN_SLOT_MAX || done[s->slot])
			continue;
		done[s->slot] = true;
		l = facts_link(f, s->uplink);
		if (l)
			r = gateways_find(f, l, false);
	}
	while (r == 0 && *uplinks && (l = uplink_walk(&walk)))
		r = gateways_find(f, l, false);
	if (r == 0) {
		observe_gateways(&w->kernel, f);
		r = gateways_decide(f, &w->gateways, clock_ms(), &w->gateways_at);
	}
	return r < 0 ? err_errno(err, -r, "find the gateways of uplinks") : 0;
}

void world_ask_gateways(struct world *w)
{
	int64_t now = clock_ms();
	struct ip gateway;
	int index;

	while (gateways_ask(&w->gateways, now, &index, &gateway)) {
		struct err err = { 0 };

		if (kernel_ask_neighbour(&w->kernel, index, &gateway, &err) < 0)
			syslog(LOG_DEBUG, "%s", err.text); /* its device has gone, or is down */
	}
}

int64_t world_gateways_due(const struct world *w)
{
	return world_sessions(w) ? gateways_ask_at(&w->gateways) : INT64_MAX;
}

/* What a request is about, besides what sessions use already. */
static int look_closer(struct world *w, const char *uplinks, struct err *err)
{
	struct uplink_walk walk = { .facts = &w->facts, .at = uplinks };
	const struct fact_link *l;
	int r = *uplinks ? uplinks_resolve(&w->facts, uplinks) : 0;

	if (r < 0)
		return err_errno(err, -r, "find the uplinks");
	while (r == 0 && (l = uplink_walk(&walk))) {
		r = observe_uplink(l->name, &w->facts, err);
		if (r == 0)
			r = names_look(&w->names, l->name, &w->facts, err);
	}
	return r == 0 ? look_at_gateways(w, uplinks, err) : r;
}

/*
 * What sessions could go by as well: it may be a lease alone that leads out there, and after a
 * failover names must be answered at once.
 */
static int look_at_ways(struct world *w, struct err *err)
{
	struct facts *f = &w->facts;
	int r = uplinks_resolve_all(f);

	if (r < 0)
		return err_errno(err, -r, "find the uplinks of sessions");
	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		const struct fact_link *l = &f->links.v[i];
		enum uplink_problem problem =
			l->listed ? uplink_look(f, l->name).problem : UPLINK_MISSING;

		if (problem == UPLINK_USABLE || problem == UPLINK_NO_GATEWAY)
			r = names_look(&w->names, l->name, f, err);
	}
	return r;
}

/* For the next comparison: what was in place, or was put there. Empties the set. */
static void keep_wanted(struct world *w, struct object_set *set)
{
	set_done(&w->wanted);
	w->wanted = *set;
	*set = (struct object_set){ 0 };
}

/* A port of a session that we know carries no mark any more: it is ours by its index alone. */
static int keep_port(struct kernel *k, struct facts *fresh, const struct fact_link *port,
		     struct err *err)
{
	struct object o = { 0 };
	int up;

	if (own_is_port(port))
		return 0;
	up = observe_link(k, fresh, port->name, &o, err);
	if (up == -ENODEV) /* it went meanwhile: an event says so */
		return 0;
	if (up < 0)
		return up;
	set_add(&fresh->ours, &o);
	o.kind = OBJ_LINK_UP;
	if (up)
		set_add(&fresh->ours, &o);
	return set_sort(&fresh->ours) < 0 ? err_errno(err, ENOMEM, "remember a port") : 0;
}

/*
 * A port whose alias somebody wrote over is still the session's that we know: it gets its alias
 * back. Its number tells that it is the same port.
 */
static int keep_known(struct kernel *k, struct facts *fresh, const struct facts *old,
		      struct err *err)
{
	_cleanup_free_ bool *told = calloc(fresh->links.n + 1, sizeof(*told));
	char port[IFNAMSIZ];

	for (size_t i = 0; i < fresh->sessions.n && told; i++) {
		const struct fact_link *l;

		session_port(fresh->sessions.v[i].id, port);
		l = facts_link(fresh, port);
		if (l)
			told[l - fresh->links.v] = true;
	}
	for (size_t i = 0; i < old->sessions.n; i++) {
		const struct session *s = &old->sessions.v[i];
		const struct fact_link *was, *is;
		struct session *added;

		session_port(s->id, port);
		was = facts_link(old, port);
		is = facts_link(fresh, port);
		if (!was || !is || !was->index || was->index != is->index ||
		    (told && told[is - fresh->links.v]))
			continue;
		added = told ? VEC_PUSH(&fresh->sessions) : NULL;
		if (!added)
			return err_errno(err, ENOMEM, "remember session '%s'", s->name);
		*added = *s;
		if (keep_port(k, fresh, is, err) < 0)
			return -err->code;
	}
	return 0;
}

/*
 * When the lifetime of a router that advertised itself ends, or that of a route which it advertised
 * (RFC 4861, section 6.2.1; RFC 4191). The kernel stops to use it then, and says so only when it
 * collects garbage, within 30 s (net.ipv6.route.gc_interval); nor does it say when a new
 * advertisement prolongs or shortens it. A route that is over and still there is asked for each
 * second: it may be prolonged too.
 */
static int64_t next_expiry(const struct facts *f)
{
	int32_t seconds = INT32_MAX;

	for (size_t i = 0; i < f->routes.n; i++) {
		const struct fact_route *r = &f->routes.v[i];
		const struct fact_link *l;

		if (!r->expires || r->expires >= seconds)
			continue;
		l = facts_link_by_index(f, r->index);
		if (l && facts_slot(f, l->name))
			seconds = r->expires < 0 ? 1 : r->expires;
	}
	return seconds == INT32_MAX ? INT64_MAX : clock_ms() + (int64_t)seconds * 1000;
}

int world_look(struct world *w, const char *uplinks, struct err *err)
{
	struct facts fresh;
	int r;

	if (!w->stale)
		return look_closer(w, uplinks, err);
	r = observe(&w->kernel, 0, &fresh, err);
	if (r < 0)
		return r;
	r = keep_known(&w->kernel, &fresh, &w->facts, err);
	if (r == 0)
		r = world_map_devices(w, &fresh, err);
	if (r < 0) {
		facts_done(&fresh);
		return r;
	}
	for (size_t i = 0; i < INHERITED_COUNT && w->facts.fresh_known; i++) /* the kernel's own */
		memcpy(fresh.inherited[i].fresh, w->facts.inherited[i].fresh,
		       sizeof(fresh.inherited[i].fresh));
	fresh.fresh_known = w->facts.fresh_known;
	if (!w->names_stale) { /* nobody said that they changed: keep what was found */
		fresh.dns.v = steal_ptr(w->facts.dns.v);
		fresh.dns.n = w->facts.dns.n;
		fresh.dns.size = w->facts.dns.size;
		w->facts.dns.n = w->facts.dns.size = 0;
	}
	if (w->settled)
		keep_wanted(w, &w->facts.ours);
	facts_done(&w->facts);
	w->facts = fresh;
	world_take_over(w);
	r = names_look(&w->names, NULL, &w->facts, err);
	if (r == 0)
		r = look_at_ways(w, err);
	if (r < 0)
		return r;
	w->stale = w->names_stale = w->settled = w->unseen = false;
	w->ended.n = 0;
	w->observed_rules = true;
	w->expire_at = next_expiry(&w->facts);
	return look_closer(w, uplinks, err);
}

/* Steps that change nothing of what the facts say besides our own objects and sessions. */
static bool only_sessions(const struct steps *steps)
{
	for (size_t i = 0; i < steps->n; i++) {
		const struct object *o = steps->v[i].want ? steps->v[i].want : steps->v[i].have;

		if (o->kind == OBJ_NFT_ACCEPT)
			return false; /* its handle is still to be learnt */
		if (o->place == PLACE_SESSION || object_is_nft(o))
			continue;
		switch (o->kind) {
		case OBJ_LINK:
		case OBJ_LINK_UP:
			if (!strcmp(o->link.name, BRIDGE_NAME))
				return false;
			break;
		case OBJ_SYSCTL:
			if (!own_is_port_sysctl(o->sysctl.path))
				return false;
			break;
		case OBJ_NEIGH:
		case OBJ_FDB:
		case OBJ_NETNS:
			break;
		case OBJ_ALTNAME:
		case OBJ_ADDRESS:
		case OBJ_ROUTE:
		case OBJ_RULE:
		case OBJ_TC:
		case OBJ_NFT_TABLE:
		case OBJ_NFT_CHAIN:
		case OBJ_NFT_SET:
		case OBJ_NFT_ELEMENT:
		case OBJ_NFT_RULE:
		case OBJ_NFT_ACCEPT:
		case OBJ_KIND_COUNT:
			return false;
		}
	}
	return true;
}

static bool is_host_object(const struct object *o)
{
	return o->place == PLACE_HOST && o->kind != OBJ_NETNS;
}

static bool ends_with_session(const struct object *o)
{
	return o->kind == OBJ_NFT_ELEMENT || o->kind == OBJ_NEIGH || o->kind == OBJ_ROUTE;
}

/* What was wanted is now what is there; the inside of a session is nobody's business any more. */
static void adopt(struct world *w, struct object_set *want)
{
	for (size_t i = 0; i < want->n; i++) {
		struct object *o = &want->v[i];
		const struct object *have =
			o->kind == OBJ_NFT_ACCEPT ? set_find(&w->facts.ours, o) : NULL;

		if (have) /* by which it can be removed */
			o->nft_accept.handle = have->nft_accept.handle;
	}
	set_filter(want, is_host_object);
	set_done(&w->facts.ours);
	w->facts.ours = *want;
	*want = (struct object_set){ 0 };
}

/*
 * Counts what was wanted before, is wanted still, and had to be put there again: somebody else had
 * taken it away or changed it. A foreign rule in a chain of ours counts as the chain's first.
 */
static void count_healed(struct world *w, const struct steps *steps)
{
	for (size_t i = 0; i < steps->n && !w->settled; i++) {
		const struct step *s = &steps->v[i];
		const struct object *before = s->want ? set_find(&w->wanted, s->want) : NULL;

		if (before && object_same(s->want, before) &&
		    (step_differs(s) || steps_have_stray_rule(steps, i)) && !w->healed.n++)
			object_name(s->want, w->healed.first);
	}
}

/*
 * Brings the kernel from what was seen to want. When that touched nothing but sessions, what was
 * seen is brought up to date without another look; a launch costs no dump then.
 */
static int converge(struct world *w, struct object_set *want, struct err *err)
{
	_cleanup_steps_ struct steps steps = { 0 };
	bool simple;
	int r = w->observed_rules ? nft_fingerprint(want) : 0;

	if (r == 0)
		r = diff(want, &w->facts.ours, &steps);
	if (r < 0)
		return err_errno(err, -r, "compare what is with what should be");
	simple = only_sessions(&steps);
	r = steps.n ? apply(&w->kernel, &steps, err) : 0;
	if (r == 0)
		count_healed(w, &steps);
	if (r < 0 || !simple) {
		if (r == 0) {
			set_filter(want, is_host_object);
			keep_wanted(w, want);
			w->settled = false;
		}
		w->stale = w->unseen = true;
		return r;
	}
	adopt(w, want);
	w->observed_rules = false;
	w->settled = true;
	world_watch_sysctls(w);
	return 0;
}

/* Whether what a session shares with others is in place already: plan_session(). */
static bool beside_others(const struct world *w, const struct session *s)
{
	bool slot = false, limits = false;

	for (size_t i = 0; i < w->facts.sessions.n && !(slot && limits); i++) {
		const struct session *other = &w->facts.sessions.v[i];

		slot |= other->slot == s->slot && other->id != s->id;
		limits |= plan_limits_alike(other, s) && other->id != s->id;
	}
	return slot && limits;
}

static int note_session(struct facts *f, const struct session *s, struct err *err)
{
	struct session *added = VEC_PUSH(&f->sessions);
	struct fact_link *port = VEC_PUSH(&f->links);
	struct fact_slot *slot = facts_slot(f, s->uplink) ? NULL : VEC_PUSH(&f->slots);

	if (!added || !port)
		return err_errno(err, ENOMEM, "plan the session");
	*added = *s;
	session_port(s->id, port->name);
	strcpy(port->kind, "veth");
	port->group = OWN_PORT_GROUP;
	port->mac = own_mac(OWN_MAC_PORT, s->host);
	facts_link_added(f);
	if (slot) {
		const struct fact_link *l = facts_link(f, s->uplink);

		slot->slot = s->slot;
		slot->index = l ? l->index : 0;
		memcpy(slot->uplink, s->uplink, sizeof(slot->uplink));
	}
	return 0;
}

/* It came to nothing: no later look must take its port for one of a session that we know. */
static void forget_session(struct facts *f, uint32_t id)
{
	if (f->sessions.n && f->sessions.v[f->sessions.n - 1].id == id)
		f->sessions.n--;
}

/* Beside others on the same uplink: its own part is all that is new. */
static int add_session(struct world *w, const struct session *s, const struct object_set *inside,
		       struct err *err)
{
	_cleanup_set_ struct object_set part = { 0 }, all = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	int r = plan_session(&w->facts, s, &part, err);

	if (r < 0)
		return r;
	if (set_merge(&all, &part) < 0 || set_merge(&all, inside) < 0 ||
	    diff(&all, &nothing, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the session");
	r = apply(&w->kernel, &steps, err);
	if (r == 0 && set_merge(&w->facts.ours, &part) < 0)
		r = err_errno(err, ENOMEM, "note the session");
	return r;
}

static int make_session(struct world *w, const struct session *s, const struct object_set *inside,
			struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	struct facts *f = &w->facts;
	bool alone = !w->settled || w->ended.n || !beside_others(w, s);
	int r = note_session(f, s, err);

	if (r == 0 && !alone)
		return add_session(w, s, inside, err);
	if (r == 0)
		r = plan_host(f, f->sessions.v, f->sessions.n, &want, err);
	if (r < 0)
		return r;
	if (set_merge(&want, inside) < 0)
		return err_errno(err, ENOMEM, "plan the session");
	return converge(w, &want, err);
}

/* What a launch is about. */
struct launch {
	const struct request *request;
	uid_t uid, peer;
	int netns; /* of the peer's; -1: one is made */
	struct settle *settle;
};

/* Of a netns that is in use, what it has itself is read into own. */
static int open_netns(struct world *w, const struct launch *l, const struct session *s,
		      struct attached *own, struct err *err)
{
	int r;

	if (l->netns < 0) {
		r = kernel_new_session(&w->kernel, err);
		if (r == 0 && !w->facts.fresh_known)
			observe_fresh(&w->facts);
		return r;
	}
	r = peer_netns_check(l->netns, l->peer, w->kernel.host_ns, &w->facts, err);
	if (r < 0)
		return r;
	if (!(s->flags & SESSION_ATTACHED))
		return kernel_adopt_session(&w->kernel, l->netns, err);
	return attached_enter(&w->kernel, l->netns, session_device(s), own, err);
}

/* What is to be inside, of which own decides a part where the netns is in use. */
static int plan_netns(struct world *w, const struct session *s, const struct attached *own,
		      struct object_set *ret, struct err *err)
{
	_cleanup_set_ struct object_set more = { 0 };
	int r = plan_inside(&w->facts, s, ret, err);

	if (r < 0 || !(s->flags & SESSION_ATTACHED))
		return r;
	r = plan_attached(&w->facts, s, own, &more, err);
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
static void take_back(struct world *w, const struct session *s)
{
	_cleanup_set_ struct object_set part = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	struct err err = { 0 };
	int r = plan_session(&w->facts, s, &part, &err);

	set_filter(&part, is_link);
	if (r == 0 && diff(&nothing, &part, &steps) == 0)
		r = apply(&w->kernel, &steps, &err);
	if (r < 0)
		syslog(LOG_ERR, "take back a session that failed: %s", err.text);
}

/* Where all free addresses still have connection tracking entries, those are not put off. */
static int admit(struct world *w, const struct launch *l, struct session *ret, struct err *err)
{
	int r;

	world_note_ends(w);
	w->memory.now = clock_ms();
	r = plan_admit(&w->facts, l->request, l->uid, &w->memory, ret, err);
	if (r != -EADDRNOTAVAIL || !w->memory.rest.n_tracked)
		return r;
	r = world_delete_entries(w, err);
	return r < 0 ? r : plan_admit(&w->facts, l->request, l->uid, &w->memory, ret, err);
}

static int try_run(struct world *w, const struct launch *l, struct session *ret, struct err *err)
{
	_cleanup_set_ struct object_set inside = { 0 };
	_cleanup_attached_ struct attached own = { 0 };
	struct session s;
	int r = world_look(w, l->request->uplinks, err);

	if (r == 0)
		r = admit(w, l, &s, err);
	if (r == 0)
		r = open_netns(w, l, &s, &own, err);
	if (r < 0)
		return r;
	s.since = (uint64_t)time(NULL);
	r = kernel_session_inode(&w->kernel, &s.netns, err);
	if (r == 0)
		r = plan_netns(w, &s, &own, &inside, err);
	if (r == 0)
		r = make_session(w, &s, &inside, err);
	if (r < 0 && s.flags & SESSION_ATTACHED) {
		struct err ignored = { 0 };

		attached_remove(&w->kernel, &ignored);
	}
	kernel_home(&w->kernel);
	if (r < 0) {
		forget_session(&w->facts, s.id);
		rest_end(&w->memory.rest, s.host, clock_ms());
		take_back(w, &s);
		w->stale = true;
		return r;
	}
	settle_begin(l->settle, &w->kernel, &s, &inside,
		     l->netns < 0 ? SETTLE_MS : SETTLE_FOREIGN_MS);
	w->memory.next_id = s.id + 1;
	w->memory.next_host = s.host + 1;
	world_note_ends(w);
	*ret = s;
	return 0;
}

/* What failed because somebody else moved things is worth another look. */
static bool passing(int r)
{
	return r == -ENOENT || r == -ENODEV || r == -EBUSY || r == -EAGAIN;
}

static int launch(struct world *w, const struct launch *l, struct session *ret, struct err *err)
{
	struct err ignored = { 0 };
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && passing(r); i++) {
		r = try_run(w, l, ret, err);
		if (r == 0)
			break;
		kernel_drop_session(&w->kernel); /* the netns, and the veth pair with it */
		if (w->stale)
			world_heal(w, &ignored); /* as it was before */
		w->stale |= passing(r);
	}
	return r;
}

int world_run(struct world *w, const struct request *request, uid_t uid, struct session *ret,
	      struct settle *ret_settle, int *ret_netns, struct err *err)
{
	const struct launch l = {
		.request = request, .uid = uid, .netns = -1, .settle = ret_settle
	};
	int r = launch(w, &l, ret, err);

	if (r < 0)
		return r;
	*ret_netns = steal_fd(&w->kernel.session_ns);
	kernel_drop_session(&w->kernel);
	return 0;
}

int world_run_in(struct world *w, const struct request *request, uid_t uid, uid_t peer, int netns,
		 struct session *ret, struct settle *ret_settle, struct err *err)
{
	const struct launch l = {
		.request = request, .uid = uid, .peer = peer, .netns = netns, .settle = ret_settle
	};
	int r = netns < 0 ? peer_netns_check(netns, peer, w->kernel.host_ns, &w->facts, err)
			  : launch(w, &l, ret, err);

	kernel_drop_session(&w->kernel);
	return r;
}

int world_attach(struct world *w, const struct request *request, uid_t uid, uid_t peer, int netns,
		 struct session *ret, struct settle *ret_settle, struct err *err)
{
	struct request attached = *request;

	attached.flags |= SESSION_ATTACHED;
	return world_run_in(w, &attached, uid, peer, netns, ret, ret_settle, err);
}

int world_resolver(const struct world *w, const struct session *s, struct resolver *ret,
		   struct err *err)
{
	const struct fact_link *uplink = facts_link(&w->facts, s->uplink);
	const struct fact_dns *dns = uplink ? facts_dns(&w->facts, uplink->index) : NULL;
	struct pool pool;
	int r = plan_pool(&w->facts, &pool, err);

	if (r < 0)
		return r;
	ret->n = plan_name_servers(&w->facts, s, &pool, ret->servers);
	ret->domains = dns ? dns->domains : "";
	ret->options = plan_name_options(&w->facts, s);
	return 0;
}

bool world_take_names(struct world *w)
{
	if (!names_take_events(&w->names))
		return false;
	w->names_stale = w->stale = true;
	return world_sessions(w) > 0;
}

/* What a session leaves behind when the kernel has removed its port. */
static int remove_ended(struct world *w, const struct session *s, struct err *err)
{
	_cleanup_set_ struct object_set part = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	const struct object_set nothing = { 0 };
	int r = plan_session(&w->facts, s, &part, err);

	if (r < 0)
		return r;
	set_filter(&part, ends_with_session);
	if (diff(&nothing, &part, &steps) < 0)
		return err_errno(err, ENOMEM, "plan the end of a session");
	r = apply(&w->kernel, &steps, err);
	if (r == 0)
		set_subtract(&w->facts.ours, &part);
	return r;
}

/* When nothing else happened and every slot stays, an end costs its own part alone. */
static bool only_ends(const struct world *w)
{
	for (size_t i = 0; i < w->ended.n; i++)
		if (!beside_others(w, &w->ended.v[i]))
			return false;
	return !w->stale && w->settled && w->ended.n;
}

static int take_ends(struct world *w, struct err *err)
{
	int r = 0;

	while (w->ended.n && r == 0) {
		r = remove_ended(w, &w->ended.v[w->ended.n - 1], err);
		w->ended.n--;
	}
	w->stale |= r < 0;
	return r;
}

int world_converge(struct world *w, struct err *err)
{
	_cleanup_set_ struct object_set want = { 0 };
	int r = failover(&w->facts, &w->failover, clock_ms(), &w->failover_at, err);

	if (r == 0) /* a session may have gone to another uplink */
		r = look_at_gateways(w, "", err);
	if (w->expire_at < w->failover_at)
		w->failover_at = w->expire_at;
	if (w->gateways_at < w->failover_at)
		w->failover_at = w->gateways_at;
	if (r == 0)
		r = plan_host(&w->facts, w->facts.sessions.v, w->facts.sessions.n, &want, err);
	if (r == 0)
		r = converge(w, &want, err);
	w->stale |= r < 0;
	return r;
}

int world_heal(struct world *w, struct err *err)
{
	int r = -EAGAIN;

	if (only_ends(w) && take_ends(w, err) == 0)
		return 0;

	for (int i = 0; i < TRIES && r < 0; i++) {
		w->failover_at = INT64_MAX;
		w->stale |= w->expire_at <= clock_ms();
		w->stale |= !w->observed_rules; /* what is to go is named by handles */
		r = world_look(w, "", err);
		if (r < 0 || !w->facts.sessions.n)
			return r;
		r = world_converge(w, err);
	}
	return r;
}

int world_clear(struct world *w, struct err *err)
{
	struct object_set nothing = { 0 };
	int r = -EAGAIN;

	for (int i = 0; i < TRIES && r < 0; i++) {
		w->stale = true;
		r = world_look(w, "", err);
		if (r == 0)
			r = converge(w, &nothing, err);
	}
	if (r == 0)
		r = world_delete_last_entries(w, err);
	return r;
}
