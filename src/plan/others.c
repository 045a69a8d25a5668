/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/others.h"

#include <inttypes.h>
#include <linux/fib_rules.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "model/nft.h"
#include "plan/internal.h"
#include "plan/lookups.h"

#define STOPS_NAMED 4
#define PORTS_NAMED 4

/* Programs that are known by the names of their tables and chains. */
static const struct {
	const char *start, *program;
} programs[] = {
	{ "firewalld", "firewalld" },
	{ "ufw", "ufw" },
	{ "DOCKER", "Docker" },
	{ "mwan3", "mwan3" },
	{ "pbr_", "pbr" },
	{ "fw4", "fw4" },
	{ "ts-", "Tailscale" },
	{ "KUBE-", "Kubernetes" },
	{ "cali-", "Calico" },
	{ "LIBVIRT_", "libvirt" },
	{ "libvirt", "libvirt" },
	{ "nixos-fw", "NixOS" },
	{ "CNI-", "CNI" },
	{ "NETAVARK", "podman" },
	{ "netavark", "podman" },
	{ "f2b-", "fail2ban" },
	{ "wg-quick", "wg-quick" },
	{ "shorewall", "Shorewall" },
	{ "lxc", "LXC" },
	{ "incus", "Incus" },
	{ "mullvad", "Mullvad" },
};

static const char *program_of(const struct fact_stop *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(programs); i++)
		if (!strncmp(s->chain, programs[i].start, strlen(programs[i].start)) ||
		    !strncmp(s->table, programs[i].start, strlen(programs[i].start)))
			return programs[i].program;
	return NULL;
}

/* "table ip filter, chain FORWARD, handle 7 (ufw)" */
static void add_stop(struct strbuf *sb, const struct fact_stop *s)
{
	const char *program = program_of(s);

	strbuf_add(sb, "table %s %s, chain %s, handle %" PRIu64, nft_family_name(s->family),
		   s->table, s->chain, s->handle);
	if (program)
		strbuf_add(sb, " (%s)", program);
}

/* --- routing rules ------------------------------------------------------------------------- */

static void add_device(struct strbuf *sb, const char *what, const char *name)
{
	if (!name[0])
		return;
	strbuf_add(sb, "%s ", what);
	strbuf_add_word(sb, name);
	strbuf_add(sb, " ");
}

/* What follows the priority in ip-rule(8), as it is typed. */
static void add_rule(struct strbuf *sb, const struct fact_rule *r)
{
	strbuf_add(sb, "%s", r->invert ? "not " : "");
	if (!r->src.len)
		strbuf_add(sb, "from all ");
	prefix_print(sb, "from", &r->src);
	prefix_print(sb, "to", &r->dst);
	if (r->mask)
		strbuf_add(sb, "fwmark 0x%" PRIx32 "/0x%" PRIx32 " ", r->mark, r->mask);
	add_device(sb, "iif", r->iif);
	add_device(sb, "oif", r->oif);
	switch (r->action) {
	case FR_ACT_TO_TBL:
		strbuf_add(sb, "lookup %" PRIu32, r->table);
		if (r->suppress >= 0)
			strbuf_add(sb, " suppress_prefixlength %d", r->suppress);
		break;
	case FR_ACT_GOTO:
		strbuf_add(sb, "goto %" PRIu32, r->target);
		break;
	case FR_ACT_BLACKHOLE:
		strbuf_add(sb, "blackhole");
		break;
	case FR_ACT_UNREACHABLE:
		strbuf_add(sb, "unreachable");
		break;
	case FR_ACT_PROHIBIT:
		strbuf_add(sb, "prohibit");
		break;
	}
}

/* As at 0 or at its number, but behind ours, and so as before for others. */
static void propose_move(const struct fact_rule *r, const char *rule, struct finding *f)
{
	const char *ip = per_family(r->family, "ip", "ip -6");
	uint32_t to = r->priority ? OWN_RULE_FENCE + 1 : 3; /* ours go in front of one at 3 */

	if (r->special)
		finding_fix(f, "who made it has to give it another priority; see `%s rule`", ip);
	else
		finding_fix(f,
			    "`sudo %s rule add pref %" PRIu32
			    " %s && sudo %s rule del pref %" PRIu32 " %s` moves it",
			    ip, to, rule, ip, r->priority, rule);
}

void others_tell_rule(const struct fact_rule *r, const char *heal, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf rule = { 0 };
	struct finding *f;
	char name[32];

	snprintf(name, sizeof(name), "ip rule %" PRIu32, r->priority);
	f = findings_add(ret, OTHERS_RULE_ID, SEVERITY_ERROR, name);
	add_rule(&rule, r);
	finding_text(f,
		     "routing rule %" PRIu32
		     " of another program (%s: %s) is asked before those of "
		     "via-iface, and takes the packets of sessions",
		     r->priority, per_family(r->family, "IPv4", "IPv6"), strbuf_text(&rule));
	if (r->priority && heal)
		finding_fix(f, "`%s` starts a daemon, which puts those of via-iface first", heal);
	else
		propose_move(r, strbuf_text(&rule), f);
}

/*
 * net/core/fib_rules.c:fib_rule_match, for what a session sends. Without a destination, it is any;
 * what `special` asks for cannot be told.
 */
static bool matches(const struct fact_rule *r, const struct others_lookup *l)
{
	bool match = (!r->iif[0] || !strcmp(r->iif, BRIDGE_NAME)) && !r->oif[0] &&
		     !((plan_mark(l->session->slot) ^ r->mark) & r->mask) &&
		     (!r->src.len || prefix_contains(&r->src, &l->from)) &&
		     (!r->dst.len || !l->to.family || prefix_contains(&r->dst, &l->to));

	if (r->special || (r->dst.len && !l->to.family))
		return match || r->invert;
	return match != r->invert;
}

/* In the rule's table: one that stops, or any. */
static bool has_route(const struct facts *f, const struct fact_rule *r, bool stops)
{
	for (size_t i = 0; i < f->routes.n; i++)
		if (f->routes.v[i].table == r->table && f->routes.v[i].dst.ip.family == r->family &&
		    (!stops || route_is_special(f->routes.v[i].type)))
			return true;
	return false;
}

static bool gives(const struct facts *f, const struct fact_rule *r, const struct others_lookup *l)
{
	switch (r->action) {
	case FR_ACT_TO_TBL:
		return l->stopped ? has_route(f, r, true) : r->table == l->table;
	case FR_ACT_GOTO:
		return r->target > PLAN_RULE_STOP;
	case FR_ACT_BLACKHOLE:
	case FR_ACT_UNREACHABLE:
	case FR_ACT_PROHIBIT:
		return l->stopped;
	default:
		return false;
	}
}

const struct fact_rule *others_rule(const struct facts *f, const struct others_lookup *l)
{
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct fact_rule *r = &f->rules.v[i];

		if (r->family == l->to.family && r->priority <= PLAN_RULE_STOP && !r->l3mdev &&
		    matches(r, l) && gives(f, r, l))
			return r;
	}
	return NULL;
}

static bool may_give(const struct facts *f, const struct fact_rule *r)
{
	switch (r->action) {
	case FR_ACT_TO_TBL:
		return r->table != RT_TABLE_LOCAL && has_route(f, r, false);
	case FR_ACT_GOTO:
		return r->target > PLAN_RULE_STOP;
	default:
		return r->action != FR_ACT_NOP;
	}
}

/* The first one at 0, where nothing of ours can be in front of it, as far as facts tell. */
static const struct fact_rule *rule_before(const struct facts *f, const struct session *s,
					   uint8_t family)
{
	struct others_lookup l = { .session = s };
	struct pool pool;

	if (plan_pool(f, &pool, NULL) == 0)
		l.from = plan_address(&pool, s, family);
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct fact_rule *r = &f->rules.v[i];

		if (r->family == family && !r->priority && !r->l3mdev && matches(r, &l) &&
		    may_give(f, r))
			return r;
	}
	return NULL;
}

/* --- nftables ------------------------------------------------------------------------------ */

static bool has_address(const struct facts *f, const struct session *s, const struct ip *ip)
{
	struct pool pool;
	struct ip own;

	if (plan_pool(f, &pool, NULL) < 0)
		return false;
	own = plan_address(&pool, s, ip->family);
	return ip_equal(&own, ip);
}

static bool has_stop(const struct facts *f, enum stop_kind kind)
{
	for (size_t i = 0; i < f->stops.n; i++)
		if (f->stops.v[i].kind == kind)
			return true;
	return false;
}

/* Connections that did not pass, and whether any did. */
static size_t count_pending(const struct facts *f, const struct session *s, bool *ret_passed)
{
	size_t n = 0;

	*ret_passed = false;
	for (size_t i = 0; i < f->pending.n; i++) {
		if (!has_address(f, s, &f->pending.v[i].session))
			continue;
		n += f->pending.v[i].protocol != 0;
		*ret_passed |= !f->pending.v[i].protocol;
	}
	return n;
}

int host_default_device(const struct facts *f, uint8_t family)
{
	const struct fact_route *best = NULL;

	for (size_t i = 0; i < f->routes.n; i++) {
		const struct fact_route *r = &f->routes.v[i];

		if (r->table == RT_TABLE_MAIN && !r->dst.len && r->dst.ip.family == family &&
		    r->type == RTN_UNICAST && !r->dead && facts_is_better_route(r, best))
			best = r;
	}
	return best ? best->index : 0;
}

/* The filter looks the way back up without a mark, and finds the default route. */
static bool filtered(const struct facts *f, const struct session *s)
{
	const struct fact_link *l = facts_link(f, s->uplink);

	for (size_t i = 0; i < f->stops.n && l; i++) {
		const struct fact_stop *stop = &f->stops.v[i];

		if (stop->kind == STOP_RPFILTER && ((stop->family != NFPROTO_IPV6 &&
						     host_default_device(f, AF_INET) != l->index) ||
						    (stop->family != NFPROTO_IPV4 &&
						     host_default_device(f, AF_INET6) != l->index)))
			return true;
	}
	return false;
}

const char *others_stop(const struct facts *f, const struct session *s)
{
	bool passed;
	size_t n;

	for (size_t i = 0; i < sizeof(plan_families); i++)
		if (rule_before(f, s, plan_families[i]))
			return "a routing rule of another program takes its packets";
	if (filtered(f, s))
		return "a reverse path filter of another program drops its replies";
	if (!has_stop(f, STOP_DROP) && !has_stop(f, STOP_PROXY))
		return NULL;
	n = count_pending(f, s, &passed);
	return n && !passed ? "rules of another program let none of its connections pass" : NULL;
}

static void add_stops(struct strbuf *sb, const struct facts *f, bool rpfilter)
{
	size_t n = 0;

	for (size_t i = 0; i < f->stops.n; i++) {
		const struct fact_stop *s = &f->stops.v[i];

		if ((s->kind == STOP_RPFILTER) != rpfilter)
			continue;
		if (n++ < STOPS_NAMED) {
			strbuf_add(sb, "%s", n > 1 ? "; " : "");
			add_stop(sb, s);
		}
	}
	if (n > STOPS_NAMED)
		strbuf_add(sb, "; and %zu more", n - STOPS_NAMED);
}

static void add_ports(struct strbuf *sb, const struct facts *f, const struct session *s)
{
	size_t n = 0;

	for (size_t i = 0; i < f->pending.n; i++) {
		const struct fact_pending *p = &f->pending.v[i];
		bool tcp = p->protocol == IPPROTO_TCP;

		if (!p->protocol || !has_address(f, s, &p->session) || n++ >= PORTS_NAMED)
			continue;
		strbuf_add(sb, "%s", n > 1 ? ", " : "");
		if (tcp || p->protocol == IPPROTO_UDP)
			strbuf_add(sb, "%s port %u", tcp ? "tcp" : "udp", p->port);
		else
			strbuf_add(sb, "protocol %u", p->protocol);
	}
	if (n > PORTS_NAMED)
		strbuf_add(sb, ", …");
}

static void tell_stops(const struct facts *f, const struct session *s, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf ports = { 0 }, stops = { 0 };
	struct finding *found;
	bool passed;

	if ((!has_stop(f, STOP_DROP) && !has_stop(f, STOP_PROXY)) || !count_pending(f, s, &passed))
		return;
	add_ports(&ports, f, s);
	add_stops(&stops, f, false);
	found = findings_add(ret, "rule-of-others", passed ? SEVERITY_WARNING : SEVERITY_ERROR,
			     s->name);
	finding_text(found,
		     "connections of session '%s' to %s did not get past the rules of other "
		     "programs; of those this can be: %s",
		     s->name, strbuf_text(&ports), strbuf_text(&stops));
	finding_fix(found,
		    "see `nft -a list ruleset`; let pass what has `iifname " BRIDGE_NAME "`");
}

static void tell_filter(const struct facts *f, const struct session *s, struct findings *ret)
{
	_cleanup_strbuf_ struct strbuf stops = { 0 };
	struct finding *found;

	if (!filtered(f, s))
		return;
	add_stops(&stops, f, true);
	found = findings_add(ret, "rpfilter-of-others", SEVERITY_ERROR, s->uplink);
	finding_text(found,
		     "%s drops what comes back through '%s': it asks for the way back without the "
		     "mark of the session, before connection tracking",
		     strbuf_text(&stops), s->uplink);
	finding_fix(found, "put it into the mangle table, with --validmark; in nftables behind "
			   "priority -160, with `fib saddr . mark . iif`");
}

void others_check(const struct facts *f, const struct session *one, struct findings *ret)
{
	bool told[sizeof(plan_families)] = { 0 };

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];

		if ((one && s->id != one->id) || !s->slot || s->flags & SESSION_PAUSED)
			continue;
		for (size_t j = 0; j < sizeof(plan_families); j++) {
			const struct fact_rule *r = rule_before(f, s, plan_families[j]);

			if (r && !told[j])
				others_tell_rule(r, NULL, ret);
			told[j] |= r != NULL;
		}
		tell_filter(f, s, ret);
		tell_stops(f, s, ret);
	}
}
