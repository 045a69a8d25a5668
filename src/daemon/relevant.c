/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/relevant.h"

#include <linux/if.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/uplink.h"

bool relevant_link(const struct facts *f, int index)
{
	const struct fact_link *l = facts_link_by_index(f, index);

	return l && (l->listed || facts_slot(f, l->name));
}

bool relevant_as(const struct facts *f, const struct rtnl_link *link)
{
	const struct fact_link *seen = &link->fact;

	if (facts_slot(f, seen->name) || uplinks_name(f, seen->name))
		return true;
	for (const char *name = NULL; (name = rtnl_next_altname(link, name));)
		if (uplinks_name(f, name))
			return true;
	if (f->lists.words.conditions && !seen->kind[0] && !(seen->flags & IFF_LOOPBACK))
		return true;
	return uplinks_would_mean(f, seen);
}

bool relevant_to_all(const struct fact_route *r)
{
	return r->type == RTN_UNREACHABLE || r->type == RTN_PROHIBIT || r->type == RTN_BLACKHOLE ||
	       r->type == RTN_THROW || (r->type == RTN_UNICAST && !r->index);
}

static bool same_key(const struct fact_route *a, const struct fact_route *b)
{
	return a->table == b->table && a->metric == b->metric && a->dst.len == b->dst.len &&
	       ip_equal(&a->dst.ip, &b->dst.ip);
}

bool relevant_replaces(const struct facts *f, const struct fact_route *by)
{
	for (size_t i = 0; i < f->slots.n; i++) {
		const struct fact_link *l = facts_link(f, f->slots.v[i].uplink);
		const struct fact_route *r = NULL;

		while (l && (r = facts_next_route(f, l->index, r)))
			if (same_key(r, by))
				return true;
	}
	return false;
}

bool relevant_gateway(const struct facts *f, const struct ip *ip)
{
	for (size_t i = 0; i < f->slots.n && ip->family == AF_INET6; i++) {
		const struct fact_link *l = facts_link(f, f->slots.v[i].uplink);
		const struct fact_route *r = NULL;

		while (l && (r = facts_next_route(f, l->index, r)))
			if (ip_equal(&r->gateway, ip))
				return true;
	}
	return false;
}

/* --- what no session uses ------------------------------------------------------------------ */

/* Without a session a plan chooses the pool, for which every route and address counts. */
bool relevant_to_plan(const struct facts *f, const struct fact_link *link)
{
	return !f->sessions.n || (link && !strcmp(link->kind, "vrf"));
}

/* A table that the host's rules name is read whole, whatever device a route in it has. */
static bool has_rule(const struct facts *f, uint32_t table)
{
	if (table == RT_TABLE_MAIN || table == RT_TABLE_LOCAL || table == RT_TABLE_DEFAULT)
		return false;
	for (size_t i = 0; i < f->rules.n; i++)
		if (f->rules.v[i].table == table)
			return true;
	return false;
}

bool relevant_route(const struct facts *f, const struct fact_route *r)
{
	return !f->sessions.n || relevant_to_all(r) || has_rule(f, r->table);
}

/* Whether it is in one subnet with an address of that device, or a route by it names it. */
static bool is_near(const struct facts *f, int index, const struct fact_addr *a)
{
	const struct fact_dns *dns = facts_dns(f, index);
	const struct fact_route *r = NULL;

	for (const struct fact_addr *b = NULL; (b = facts_next_addr(f, index, b));)
		if (prefix_overlap(&a->prefix, &b->prefix) && !ip_is_link_local(&a->prefix.ip))
			return true;
	while ((r = facts_next_route(f, index, r)))
		if (ip_equal(&r->gateway, &a->prefix.ip) || ip_equal(&r->src, &a->prefix.ip))
			return true;
	return dns &&
	       (ip_equal(&dns->gateway4, &a->prefix.ip) || ip_equal(&dns->gateway6, &a->prefix.ip));
}

bool relevant_address(const struct facts *f, const struct fact_addr *a)
{
	if (!f->sessions.n)
		return true;
	for (size_t i = 0; i < f->rules.n; i++)
		if (f->rules.v[i].src.len && prefix_contains(&f->rules.v[i].src, &a->prefix.ip))
			return true;
	for (size_t i = 0; i < f->lists.choices.n; i++)
		if (is_near(f, f->lists.choices.v[i].index, a))
			return true;
	for (size_t i = 0; i < f->slots.n; i++) {
		const struct fact_link *l = facts_link(f, f->slots.v[i].uplink);

		if (l && is_near(f, l->index, a))
			return true;
	}
	return false;
}
