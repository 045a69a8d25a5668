/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether routing rules of others take sessions' packets: the kernel says where it sends them, to a
 * destination that nobody has (RFC 5737, RFC 3849) and to those that such rules and their tables
 * name. Which rule it was follows from the table that the answer came from.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "net/route_lookup.h"
#include "plan/others.h"
#include "plan/plan.h"
#include "plan/uplink.h"
#include "verbs/doctor.h"

#define QUESTIONS_MAX 64 /* of one session and family */
#define SESSIONS_MAX  64 /* that are asked about */

struct taken {
	const struct fact_rule *v[16];
	size_t n;
	bool unknown; /* the kernel could not be asked */
};

struct asking {
	const struct facts *facts;
	struct nl_sock *rtnl;
	struct pool pool;
	int bridge, uplink;
	struct others_lookup lookup;
	unsigned int asked;
	struct taken *taken;
};

static void keep(struct taken *t, const struct fact_rule *r)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i] == r)
			return;
	if (t->n < ARRAY_SIZE(t->v))
		t->v[t->n++] = r;
}

/* The host's own addresses, and the other sessions, are nobody's to route elsewhere. */
static bool is_beyond(const struct asking *a, const struct ip *to)
{
	bool four = to->family == AF_INET;

	return !prefix_contains(four ? &a->pool.ip4 : &a->pool.ip6, to) &&
	       !(four ? to->bytes[0] >= 224 || to->bytes[0] == 127
		      : to->bytes[0] == 0xff || (to->bytes[0] == 0xfe && to->bytes[1] >= 0x80)) &&
	       !facts_has_address(a->facts, to);
}

static void ask(struct asking *a, const struct ip *to)
{
	struct route_question q = { .from = a->lookup.from,
				    .to = *to,
				    .iif = a->bridge,
				    .mark = plan_mark(a->lookup.session->slot) };
	struct err ignored = { 0 };
	struct route_answer answer;
	const struct fact_rule *r;

	if (!is_beyond(a, to) || a->asked++ >= QUESTIONS_MAX)
		return;
	if (route_lookup(a->rtnl, &q, &answer, &ignored) < 0) {
		a->taken->unknown = true;
		return;
	}
	if (!answer.error && (answer.index == a->uplink || answer.table == RT_TABLE_LOCAL))
		return;
	a->lookup.to = *to;
	a->lookup.stopped = answer.error;
	a->lookup.table = answer.table;
	r = others_rule(a->facts, &a->lookup);
	if (r)
		keep(a->taken, r);
}

/* To where that rule may lead packets alone: the destinations of it and of its table. */
static void ask_for_rule(struct asking *a, const struct fact_rule *r)
{
	if (r->dst.len)
		ask(a, &r->dst.ip);
	if (r->dst.len || r->action != FR_ACT_TO_TBL || r->table == RT_TABLE_MAIN)
		return;
	for (size_t i = 0; i < a->facts->routes.n; i++) {
		const struct fact_route *route = &a->facts->routes.v[i];

		if (route->table == r->table && route->dst.ip.family == r->family && route->dst.len)
			ask(a, &route->dst.ip);
	}
}

static void ask_family(struct asking *a, uint8_t family)
{
	const struct facts *f = a->facts;
	struct ip nobody;

	a->lookup.from = plan_address(&a->pool, a->lookup.session, family);
	a->asked = 0;
	ip_parse(family == AF_INET ? "192.0.2.1" : "2001:db8::1", &nobody);
	ask(a, &nobody);
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct fact_rule *r = &f->rules.v[i];

		if (r->family == family && r->priority <= PLAN_RULE_STOP &&
		    r->table != RT_TABLE_LOCAL)
			ask_for_rule(a, r);
	}
}

static void ask_session(struct asking *a, const struct session *s)
{
	const struct fact_link *l = facts_link(a->facts, s->uplink);
	struct uplink u = uplink_lookup(a->facts, s->uplink);

	if (!l || !s->slot || s->flags & SESSION_PAUSED)
		return;
	a->uplink = l->index;
	a->lookup.session = s;
	if (u.ip4.usable)
		ask_family(a, AF_INET);
	if (u.ip6.usable && !(s->flags & SESSION_NO_IPV6))
		ask_family(a, AF_INET6);
}

static void find_taken(const struct facts *f, const struct session *one, struct taken *ret)
{
	struct nl_sock rtnl = { 0 };
	struct asking a = { .facts = f, .rtnl = &rtnl, .taken = ret };
	struct err ignored = { 0 };
	size_t n = 0;

	*ret = (struct taken){ 0 };
	a.bridge = (int)if_nametoindex(BRIDGE_NAME);
	if (!a.bridge || plan_pool(f, &a.pool, NULL) < 0 ||
	    nl_open(&rtnl, NETLINK_ROUTE, &ignored) < 0) {
		ret->unknown = true;
		return;
	}
	for (size_t i = 0; i < f->sessions.n && n < SESSIONS_MAX; i++) {
		if (one && f->sessions.v[i].id != one->id)
			continue;
		ask_session(&a, &f->sessions.v[i]);
		n++;
	}
	nl_close(&rtnl);
}

/* Whether what others_check() took from the facts stays: the kernel has no better answer. */
static bool only_facts(const struct taken *t, const struct facts *f)
{
	for (size_t i = 0; i < f->rules.n; i++) /* nobody knows with what to ask for these */
		if (!f->rules.v[i].priority && f->rules.v[i].special)
			return true;
	return t->unknown;
}

static void forget(struct findings *ret)
{
	size_t kept = 0;

	for (size_t i = 0; i < ret->n; i++)
		if (strcmp(ret->v[i].id, OTHERS_RULE_ID) != 0)
			ret->v[kept++] = ret->v[i];
	ret->n = kept;
}

static bool moves(const struct taken *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->v[i]->priority)
			return true;
	return false;
}

/* A daemon moves its rules as soon as it sees that other one: until then, or until the time ends.
 */
static void await_daemon(const struct facts *f, const struct session *one, struct taken *t)
{
	static const unsigned int groups[] = { RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_RULE };
	int64_t end = clock_ms() + DOCTOR_HEAL_MS, left;
	struct nl_sock events = { 0 };
	struct err ignored = { 0 };

	if (nl_open(&events, NETLINK_ROUTE, &ignored) < 0)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(groups); i++)
		nl_join(&events, groups[i], &ignored);
	find_taken(f, one, t); /* what came before the groups were joined */
	while (moves(t) && (left = end - clock_ms()) > 0) {
		struct pollfd p = { .fd = nl_fd(&events), .events = POLLIN };

		if (poll(&p, 1, (int)left) > 0)
			nl_drain(&events);
		find_taken(f, one, t);
	}
	nl_close(&events);
}

void doctor_routes(const struct facts *f, const struct session *one, const char *heal,
		   struct findings *ret)
{
	struct taken t;
	bool facts;

	if (!f->sessions.n)
		return;
	find_taken(f, one, &t);
	if (!heal && moves(&t))
		await_daemon(f, one, &t);
	facts = only_facts(&t, f);
	if (!facts)
		forget(ret);
	for (size_t i = 0; i < t.n; i++)
		if (!facts || t.v[i]->priority)
			others_tell_rule(t.v[i], heal, ret);
	findings_sort(ret);
}
