/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The inside of a netns of others. By which device a packet leaves is decided by the longest
 * prefix, then by the lowest metric; so ours are two halves of a default route, which no default
 * route gets in front of, and two halves of each narrower network that a route of its own sends to
 * a gateway. Behind each of ours, with the worst metric, is an unreachable route, which does not
 * depend on our device: it stops what ours does not carry, when the device has no carrier
 * (ignore_routes_with_linkdown), is down, or is deleted. Routes of its own without a gateway lead
 * to networks on its own links, and stay in use.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/vec.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define PREFIXES_MAX 512 /* of networks behind gateways, halved */

struct prefixes {
	struct prefix v[PREFIXES_MAX];
	size_t n;
};

/* By a gateway; a nexthop object's is one where the kernel does not say (ip-nexthop(8)). */
static bool leads_out(const struct fact_route *r)
{
	return r->type == RTN_UNICAST && (ip_is_set(&r->gateway) || (r->nexthop && !r->index));
}

static bool is_main(const struct fact_route *r)
{
	return r->table == RT_TABLE_MAIN && r->type == RTN_UNICAST;
}

/* --- what it has --------------------------------------------------------------------------- */

/* A default route, or half of one, as VPNs add them. */
static int check_default(const struct attached *a, uint8_t family, struct err *err)
{
	char text[IP_TEXT_MAX];

	for (size_t i = 0; i < a->routes.n; i++) {
		const struct fact_route *r = &a->routes.v[i];

		if (!is_main(r) || r->dst.ip.family != family || r->dst.len > 1)
			continue;
		if (ip_is_set(&r->gateway))
			err_set(err, EEXIST, "use that netns: it has a default route via %s",
				ip_format(&r->gateway, text));
		else
			err_set(err, EEXIST, "use that netns: it has a default route by device %d",
				r->index);
		return err_hint(err, "--replace-route puts ours before it");
	}
	return 0;
}

/*
 * A routing rule is asked before the table "main": what it leads to, ours do not get in front of.
 * Without a gateway that is a tunnel or a network of its own, whose outer packets go our way.
 */
static int check_rules(const struct attached *a, struct err *err)
{
	for (size_t i = 0; i < a->rules.n; i++) {
		const struct fact_rule *rule = &a->rules.v[i];

		if (rule->table == RT_TABLE_LOCAL || rule->table == RT_TABLE_MAIN ||
		    rule->table == RT_TABLE_DEFAULT)
			continue;
		for (size_t j = 0; j < a->routes.n; j++) {
			const struct fact_route *r = &a->routes.v[j];
			char text[IP_TEXT_MAX];

			if (r->table != rule->table || r->dst.ip.family != rule->family ||
			    !leads_out(r))
				continue;
			err_set(err, EEXIST,
				"use that netns: its routing rule %u leads to table %u, which has "
				"a gateway of its own, %s",
				rule->priority, rule->table, ip_format(&r->gateway, text));
			return err_hint(err, "--fallback leaves its own routes in use");
		}
	}
	return 0;
}

/* --- what ours must cover ------------------------------------------------------------------ */

static bool has_prefix(const struct prefixes *p, const struct prefix *prefix)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->v[i].len == prefix->len && ip_equal(&p->v[i].ip, &prefix->ip))
			return true;
	return false;
}

static int add_halves(struct prefixes *p, const struct prefix *of)
{
	struct prefix half = *of;

	half.len++;
	if (has_prefix(p, &half)) /* of another next hop */
		return 0;
	if (p->n + 2 > PREFIXES_MAX)
		return -E2BIG;
	p->v[p->n++] = half;
	half.ip.bytes[of->len / 8] |= (uint8_t)(0x80 >> of->len % 8);
	p->v[p->n++] = half;
	return 0;
}

/* Whether a route of its own has that very destination: what it says is then its to say. */
static bool is_taken(const struct attached *a, const struct prefix *dst)
{
	for (size_t i = 0; i < a->routes.n; i++)
		if (is_main(&a->routes.v[i]) && a->routes.v[i].dst.len == dst->len &&
		    ip_equal(&a->routes.v[i].dst.ip, &dst->ip))
			return true;
	return false;
}

static int find_prefixes(const struct attached *a, uint8_t family, struct prefixes *ret,
			 struct err *err)
{
	const struct prefix everything = { .ip = { .family = family } };
	char text[IP_TEXT_MAX];

	ret->n = 0;
	add_halves(ret, &everything);
	for (size_t i = 0; i < a->routes.n; i++) {
		const struct fact_route *r = &a->routes.v[i];

		if (!is_main(r) || r->dst.ip.family != family || !r->dst.len || !leads_out(r))
			continue;
		if (r->dst.len == ip_size(&r->dst.ip) * 8) { /* nothing is narrower */
			err_set(err, EEXIST,
				"use that netns: it has a route to %s through a gateway of its own",
				prefix_format(&r->dst, text));
			return err_hint(err, "remove that route; or --fallback leaves its own "
					     "routes in use");
		}
		if (add_halves(ret, &r->dst) == 0)
			continue;
		return err_set(err, E2BIG,
			       "use that netns: it has more than %d routes through gateways",
			       PREFIXES_MAX / 2 - 1);
	}
	return 0;
}

/*
 * By a gateway, or one that stops. In a group half of the pool is behind that gateway itself, and
 * may be there already (plan_share_inside()): the kernel is told that it is on the link.
 */
static void add_route(struct object_set *set, const struct prefix *dst, const struct session *s,
		      const struct ip *gateway)
{
	struct object o = plan_object(OBJ_ROUTE, PLACE_SESSION);

	o.route.table = RT_TABLE_MAIN;
	o.route.dst = *dst;
	if (gateway) {
		snprintf(o.route.dev, sizeof(o.route.dev), "%s", session_device(s));
		o.route.gateway = *gateway;
		o.route.onlink = s->share[0] != 0;
	} else {
		o.route.stop = RTN_UNREACHABLE;
		o.route.metric = OWN_METRIC_STOP;
	}
	set_add(set, &o);
}

/* --- its own devices ----------------------------------------------------------------------- */

#define RULES_MAX 1024 /* in the chain below */

static bool same_family(const struct fact_route *r, uint8_t family)
{
	return r->type == RTN_UNICAST && r->dst.ip.family == family && r->index;
}

static struct nft_rule by_device(int index, uint8_t family, const struct prefix *dst)
{
	uint32_t oif = (uint32_t)index;
	struct nft_rule r = { 0 };

	nft_match(&r, NFT_FIELD_OIF, &oif, sizeof(oif));
	nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(family));
	if (dst)
		nft_match_prefix(&r, fw_daddr(family), dst);
	return r;
}

/* What is on the device's links, then nothing more. */
static void plan_device(const struct attached *a, int index, uint8_t family, struct fw_chain *c)
{
	static const struct prefix on_every_link[] = {
		{ { AF_INET, { 224 } }, 4 }, /* 224.0.0.0/4 */
		{ { AF_INET, { 255, 255, 255, 255 } }, 32 },
		{ { AF_INET, { 169, 254 } }, 16 },    /* 169.254.0.0/16 */
		{ { AF_INET6, { 0xff } }, 8 },        /* ff00::/8 */
		{ { AF_INET6, { 0xfe, 0x80 } }, 10 }, /* fe80::/10 */
	};

	for (size_t i = 0; i < sizeof(on_every_link) / sizeof(on_every_link[0]); i++)
		if (on_every_link[i].ip.family == family)
			fw_rule_verdict(c, by_device(index, family, &on_every_link[i]), NF_ACCEPT);
	for (size_t i = 0; i < a->routes.n; i++) {
		const struct fact_route *r = &a->routes.v[i];

		if (same_family(r, family) && r->index == index && !leads_out(r) && r->dst.len > 1)
			fw_rule_verdict(c, by_device(index, family, &r->dst), NF_ACCEPT);
	}
	fw_rule_verdict(c, by_device(index, family, NULL), NF_DROP);
}

/* Whether the device has a gateway, and this is the first route that says so. */
static bool first_gateway(const struct attached *a, size_t i, uint8_t family)
{
	const struct fact_route *r = &a->routes.v[i];

	if (!same_family(r, family) || !leads_out(r))
		return false;
	for (size_t j = 0; j < i; j++)
		if (same_family(&a->routes.v[j], family) && leads_out(&a->routes.v[j]) &&
		    a->routes.v[j].index == r->index)
			return false;
	return true;
}

/*
 * A socket that is bound to another device (SO_BINDTODEVICE) is routed among that device's routes
 * alone, or taken for one whose destination is on the link (net/ipv4/route.c:
 * ip_route_output_key_hash_rcu); ours do not count there. So what leaves by a device that has a
 * gateway is held against the networks that are on its links. A device without one, such as a
 * tunnel, and one that comes later are left alone. In postrouting, since before it a packet that
 * was led to a name server of ours still counts as leaving by the device that it was meant for.
 */
static int plan_devices(const struct attached *a, struct object_set *set, struct err *err)
{
	size_t before = set->n;
	struct fw_chain c;

	for (size_t i = 0; i < a->routes.n; i++)
		for (size_t j = 0; j < sizeof(plan_families); j++) {
			if (!first_gateway(a, i, plan_families[j]))
				continue;
			if (set->n == before) {
				fw_table(set, NFPROTO_INET);
				c = fw_base_chain(set, NFPROTO_INET, "own_devices", "filter",
						  NF_INET_POST_ROUTING, PRIORITY_FILTER);
			}
			plan_device(a, a->routes.v[i].index, plan_families[j], &c);
			if (c.n > RULES_MAX)
				return err_set(err, E2BIG,
					       "use that netns: its devices have more than %d "
					       "networks",
					       RULES_MAX);
		}
	for (size_t i = before; i < set->n; i++) {
		set->v[i].place = PLACE_SESSION;
		set->v[i].attached = true;
	}
	return 0;
}

/* --- the whole ----------------------------------------------------------------------------- */

static int plan_family(const struct attached *a, const struct session *s, const struct ip *gateway,
		       uint8_t family, struct object_set *set, struct err *err)
{
	struct prefixes p;
	int r = find_prefixes(a, family, &p, err);

	for (size_t i = 0; i < p.n && r == 0; i++) {
		if (is_taken(a, &p.v[i]))
			continue;
		add_route(set, &p.v[i], s, NULL);
		if (gateway)
			add_route(set, &p.v[i], s, gateway);
	}
	return r;
}

int plan_attached(const struct facts *facts, const struct session *s, const struct attached *own,
		  struct object_set *ret, struct err *err)
{
	bool ip6 = plan_has_ip6(facts, s), closed = !(s->flags & SESSION_FALLBACK);
	struct object_set set = { 0 };
	struct pool pool;
	int r = plan_pool(facts, &pool, err);

	if (r == 0 && !(s->flags & SESSION_REPLACE_ROUTE))
		r = check_default(own, AF_INET, err);
	if (r == 0 && !(s->flags & SESSION_REPLACE_ROUTE) && ip6)
		r = check_default(own, AF_INET6, err);
	if (r == 0 && closed)
		r = check_rules(own, err);
	for (size_t i = 0; i < sizeof(plan_families) && r == 0 && closed; i++) {
		uint8_t family = plan_families[i];
		struct ip gateway = plan_gateway(&pool, family);

		if (family == AF_INET || plan_host_has_ip6(facts))
			r = plan_family(own, s, family == AF_INET || ip6 ? &gateway : NULL, family,
					&set, err);
	}
	if (r == 0 && closed)
		r = plan_devices(own, &set, err);
	if (r == 0 && !(s->flags & SESSION_FOREIGN_RESOLVER))
		plan_dns_attached(&pool, session_device(s), ip6, &set);
	if (r == 0 && set_sort(&set) < 0)
		r = err_errno(err, ENOMEM, "plan the routes of that netns");
	if (r < 0) {
		set_done(&set);
		return r;
	}
	*ret = set;
	return 0;
}
