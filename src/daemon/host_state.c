/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/log.h"
#include "daemon/host_internal.h"

#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/own.h"
#include "plan/uplink.h"

/* For the next comparison: what was in place, or was put there. Empties the set. */
static void keep_wanted(struct host_state *h, struct object_set *set)
{
	set_done(&h->wanted);
	h->wanted = *set;
	*set = (struct object_set){ 0 };
}

void host_set_observed(struct host_state *h)
{
	h->knowledge = HOST_OBSERVED;
	h->stale = 0;
	h->others_stale = false;
	h->ended.n = 0;
}

void host_set_settled(struct host_state *h)
{
	h->knowledge = HOST_SETTLED;
	set_done(&h->wanted); /* that is facts.ours now */
	h->ended.n = 0;       /* what they had is not wanted, so it has gone */
	host_watch_sysctls(h);
}

void host_set_changed(struct host_state *h, struct object_set *want)
{
	if (want)
		keep_wanted(h, want);
	else if (h->knowledge == HOST_SETTLED)
		keep_wanted(h, &h->facts.ours);
	h->knowledge = HOST_CHANGED;
	h->stale |= HOST_STALE_FACTS;
}

static int listen_to_events(struct host_state *h, struct err *err)
{
	static const unsigned int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR,  RTNLGRP_IPV6_IFADDR,  RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,    RTNLGRP_IPV6_RULE,    RTNLGRP_TC,
		RTNLGRP_NEIGH,      RTNLGRP_IPV4_NETCONF, RTNLGRP_IPV6_NETCONF,
	};
	struct err ignored = { 0 };
	int r = nl_open(&h->events, NETLINK_ROUTE, err);

	for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++)
		r = nl_join(&h->events, groups[i], err);
	if (r == 0)
		nl_join(&h->events, RTNLGRP_NEXTHOP, &ignored); /* from Linux 5.3 */
	if (r == 0) {
		h->sysctl_watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
		if (h->sysctl_watch < 0)
			r = err_errno(err, errno, "watch the sysctls");
	}
	if (r == 0) {
		host_watch_ports(h);
		r = nl_open(&h->nft_events, NETLINK_NETFILTER, err);
	}
	if (r == 0)
		r = nl_join(&h->nft_events, NFNLGRP_NFTABLES, err);
	return r;
}

int host_open(struct host_state *h, const char *rundir, struct err *err)
{
	struct host_state fresh = { .stale = HOST_STALE_FACTS | HOST_STALE_NAMES,
				    .sysctl_watch = -1,
				    .kernel.host_ns = -1,
				    .kernel.session_ns = -1,
				    .spare.kernel.netns = -1 };
	int r = kernel_open(&fresh.kernel, rundir, true, err);

	if (r == 0)
		r = listen_to_events(&fresh, err);
	if (r < 0) {
		host_close(&fresh);
		return r;
	}
	fresh.memory.next_host = rest_first(clock_ms());
	fresh.entries.due = INT64_MAX;
	session_log_init(&fresh.log);
	*h = fresh;
	h->failover_at = h->expire_at = h->gateways_at = INT64_MAX;
	r = dns_open(&h->dns, "", err); /* not before: it must not move */
	return r == 0 ? dns_watch(&h->dns, err) : r;
}

void host_close(struct host_state *h)
{
	spare_drop(h);
	facts_done(&h->facts);
	set_done(&h->wanted);
	dns_close(&h->dns);
	conntrack_stop(&h->entries.pass);
	VEC_DONE(&h->ended);
	VEC_DONE(&h->rewritten);
	session_log_done(&h->log);
	failover_done(&h->failover);
	refused_done(&h->refused);
	gateways_done(&h->gateways);
	close_fd(&h->sysctl_watch);
	nl_close(&h->events);
	nl_close(&h->nft_events);
	kernel_close(&h->kernel);
}

size_t host_sessions(const struct host_state *h)
{
	return h->facts.sessions.n;
}

uint32_t host_sessions_of(const struct host_state *h, struct persons *persons, uid_t person)
{
	uint32_t n = 0;

	for (size_t i = 0; i < h->facts.sessions.n; i++)
		n += !h->facts.sessions.v[i].probe_of &&
		     person_of(persons, h->facts.sessions.v[i].uid) == person;
	return n;
}

/*
 * The gateways of the uplinks that sessions use now, and of a request's: which of them answer. Each
 * device is asked about once for the same facts.
 */
int host_find_gateways(struct host_state *h, const struct uplink_list *uplinks, struct err *err)
{
	struct facts *f = &h->facts;
	struct uplink_walk walk = { .facts = f, .list = uplinks };
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
	while (r == 0 && uplinks && (l = uplink_walk(&walk)))
		r = gateways_find(f, l, false);
	if (r == 0) {
		observe_gateways(&h->kernel, f);
		r = gateways_decide(f, &h->gateways, clock_ms(), &h->gateways_at);
	}
	return r < 0 ? err_errno(err, -r, "find the gateways of uplinks") : 0;
}

void host_ask_gateways(struct host_state *h)
{
	int64_t now = clock_ms();
	struct ip gateway;
	int index;

	while (gateways_ask(&h->gateways, now, &index, &gateway)) {
		struct err err = { 0 };

		if (kernel_ask_neighbour(&h->kernel, index, &gateway, &err) < 0)
			log_line(LOG_DEBUG, "%s", err.text); /* its device has gone, or is down */
	}
}

int64_t host_gateways_due(const struct host_state *h)
{
	return host_sessions(h) ? gateways_ask_at(&h->gateways) : INT64_MAX;
}

/* What a request is about, besides what sessions use already. */
static int observe_request(struct host_state *h, const struct uplink_list *uplinks, struct err *err)
{
	struct uplink_walk walk = { .facts = &h->facts, .list = uplinks };
	const struct fact_link *l;
	int r = refused_tell(&h->refused, &h->facts, clock_ms());

	if (r == 0 && uplinks)
		r = uplinks_resolve(&h->facts, uplinks);
	if (r < 0)
		return err_errno(err, -r, "find the uplinks");
	while (r == 0 && uplinks && (l = uplink_walk(&walk))) {
		r = observe_uplink(&h->kernel, l->name, &h->facts, err);
		if (r == 0)
			r = dns_observe(&h->dns, l->name, &h->facts, err);
	}
	return r == 0 ? host_find_gateways(h, uplinks, err) : r;
}

/*
 * What sessions could go by as well: it may be a lease alone that leads out there, and after a
 * failover names must be answered at once.
 */
static int find_name_servers(struct host_state *h, struct err *err)
{
	struct facts *f = &h->facts;
	int r = uplinks_resolve_all(f);

	if (r < 0)
		return err_errno(err, -r, "find the uplinks of sessions");
	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		const struct fact_link *l = &f->links.v[i];
		enum uplink_problem problem =
			l->listed ? uplink_lookup(f, l->name).problem : UPLINK_MISSING;

		if (problem == UPLINK_USABLE || problem == UPLINK_NO_GATEWAY)
			r = dns_observe(&h->dns, l->name, f, err);
	}
	return r;
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

/* A list that was looked for before: what concerns its interfaces has been noted since then. */
static bool facts_hold(const struct host_state *h, const struct uplink_list *uplinks)
{
	return !h->stale &&
	       (!h->others_stale || !uplinks || uplinks_found(&h->facts, uplinks) != NULL);
}

int host_observe(struct host_state *h, const struct uplink_list *uplinks, struct err *err)
{
	struct facts fresh;
	int r;

	if (facts_hold(h, uplinks))
		return observe_request(h, uplinks, err);
	r = observe(&h->kernel, 0, &fresh, err);
	if (r < 0)
		return r;
	spare_check(h, &fresh);
	r = keep_known(&h->kernel, &fresh, &h->facts, err);
	if (r == 0)
		r = host_map_devices(h, &fresh, err);
	if (r < 0) {
		facts_done(&fresh);
		return r;
	}
	for (size_t i = 0; i < INHERITED_COUNT && h->facts.fresh_known; i++) /* the kernel's own */
		memcpy(fresh.inherited[i].fresh, h->facts.inherited[i].fresh,
		       sizeof(fresh.inherited[i].fresh));
	fresh.fresh_known = h->facts.fresh_known;
	if (!(h->stale &
	      HOST_STALE_NAMES)) { /* nobody said that they changed: keep what was found */
		fresh.dns.v = steal_ptr(h->facts.dns.v);
		fresh.dns.n = h->facts.dns.n;
		fresh.dns.size = h->facts.dns.size;
		h->facts.dns.n = h->facts.dns.size = 0;
	}
	if (h->knowledge == HOST_SETTLED)
		host_set_changed(h, &h->facts.ours);
	facts_done(&h->facts);
	h->facts = fresh;
	host_take_over(h);
	r = dns_observe(&h->dns, NULL, &h->facts, err);
	if (r == 0)
		r = find_name_servers(h, err);
	if (r < 0)
		return r;
	host_set_observed(h);
	h->expire_at = next_expiry(&h->facts);
	if (late_due(&h->late, &h->facts) < h->expire_at)
		h->expire_at = late_due(&h->late, &h->facts);
	return observe_request(h, uplinks, err);
}

int host_resolver(const struct host_state *h, const struct session *s, struct resolver *ret,
		  struct err *err)
{
	const struct fact_link *uplink = facts_link(&h->facts, s->uplink);
	const struct fact_dns *dns = uplink ? facts_dns(&h->facts, uplink->index) : NULL;
	struct pool pool;
	int r = plan_pool(&h->facts, &pool, err);

	if (r < 0)
		return r;
	ret->n = plan_name_servers(&h->facts, s, &pool, ret->servers);
	ret->domains = dns ? dns->domains : "";
	ret->options = plan_name_options(&h->facts, s);
	return 0;
}

bool host_take_dns(struct host_state *h)
{
	if (!dns_take_events(&h->dns))
		return false;
	h->stale = HOST_STALE_FACTS | HOST_STALE_NAMES;
	return host_sessions(h) > 0;
}
