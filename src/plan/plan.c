/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Everything that via-iface wants in the kernel, derived from the sessions alone. The order here
 * is for the reader; object_rank() decides in which order things are made.
 *
 * A packet of a session meets, one behind the other: the bridge table (who are you: port, MAC and
 * address must belong together; then the mark by the port), tc at the bridge device (no mark, no
 * entry), the zone and mark chains (the connection belongs to this uplink), the routing rules
 * (mark to table, everything else from the bridge is unreachable), the forward guard (a mark may
 * leave by its uplink only) and masquerading.
 */

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/internal.h"

#define PORT_MTU 65535

#define IP6_FORCE      "net/ipv6/conf/all/force_forwarding"
#define IP6_FORWARDING "net/ipv6/conf/all/forwarding"

const uint8_t plan_families[2] = { AF_INET, AF_INET6 };

struct object plan_object(enum object_kind kind, enum place place)
{
	return (struct object){ .kind = kind, .place = place };
}

uint32_t plan_mark(uint32_t slot)
{
	return PLAN_MARK_TAG | slot;
}

struct mac plan_session_mac(const struct session *s)
{
	return own_mac(OWN_MAC_SESSION, s->host);
}

bool plan_host_has_ip6(const struct facts *f)
{
	const struct fact_sysctl *off = facts_sysctl(f, "net/ipv6/conf/all/disable_ipv6");

	return off && !strcmp(off->value, "0");
}

bool plan_has_ip6(const struct facts *f, const struct session *s)
{
	return plan_host_has_ip6(f) && !(s->flags & SESSION_NO_IPV6);
}

/* Whether we switched forwarding on there, or are about to. */
static bool forwards_for_us(const struct facts *f, const char *path)
{
	const struct fact_sysctl *s = facts_sysctl(f, path);

	return s && (s->before[0] || !strcmp(s->value, "0"));
}

/* IPv6 forwarding is on everywhere, and not by us: then there is nothing to switch or to fence. */
static bool forwards_already(const struct facts *f)
{
	const struct fact_sysctl *s = facts_sysctl(f, IP6_FORWARDING);

	return s && !s->before[0] && !strcmp(s->value, "1");
}

bool plan_fenced(const struct facts *f, const char *uplink, uint8_t family)
{
	char path[SYSCTL_MAX];

	if (family == AF_INET6 && forwards_already(f))
		return false;
	snprintf(path, sizeof(path), "net/%s/conf/%s/%s", per_family(family, "ipv4", "ipv6"),
		 uplink, per_family(family, "forwarding", "force_forwarding"));
	return forwards_for_us(f, path);
}

/* --- links, routes, rules, sysctls --------------------------------------------------------- */

/* Whether the kernel has this one; force_forwarding came late, IPv6 may be off. */
static bool kernel_has(const struct plan_ctx *x, const struct own_sysctl *s)
{
	char path[SYSCTL_MAX];

	if (!strcmp(s->family, "ipv4"))
		return true;
	own_sysctl_path(s, "all", path);
	if (!strcmp(s->key, "force_forwarding"))
		return x->ip6 && facts_sysctl(x->facts, path) && !forwards_already(x->facts);
	return x->ip6;
}

void plan_host_sysctl(const struct plan_ctx *x, const char *path, const char *value,
		      const struct fact_link *of)
{
	const struct fact_sysctl *now = facts_sysctl(x->facts, path);
	struct object o = plan_object(OBJ_SYSCTL, PLACE_HOST);

	if (!now || !now->value[0] || (!now->before[0] && !strcmp(now->value, value)))
		return;
	snprintf(o.sysctl.path, sizeof(o.sysctl.path), "%s", path);
	snprintf(o.sysctl.value, sizeof(o.sysctl.value), "%s", value);
	snprintf(o.sysctl.set, sizeof(o.sysctl.set), "%s", value);
	snprintf(o.sysctl.before, sizeof(o.sysctl.before), "%s",
		 now->before[0] ? now->before : now->value);
	o.sysctl.index = of ? of->index : 0;
	set_add(x->set, &o);
}

static void plan_bridge(const struct plan_ctx *x)
{
	struct object o = plan_object(OBJ_LINK, PLACE_HOST);

	strcpy(o.link.name, BRIDGE_NAME);
	o.link.kind = LINK_BRIDGE;
	o.link.mac = facts_bridge_mac();
	o.link.mtu = PORT_MTU; /* a fixed one: else it follows the smallest port */
	strcpy(o.link.alias, BRIDGE_ALIAS);
	o.link.hardened = true;
	set_add(x->set, &o);

	for (size_t i = 0; i < BRIDGE_SYSCTL_COUNT; i++) {
		if (!kernel_has(x, &bridge_sysctls[i]))
			continue;
		o = plan_object(OBJ_SYSCTL, PLACE_HOST);
		own_sysctl_path(&bridge_sysctls[i], BRIDGE_NAME, o.sysctl.path);
		snprintf(o.sysctl.value, sizeof(o.sysctl.value), "%s", bridge_sysctls[i].value);
		set_add(x->set, &o);
	}

	o = plan_object(OBJ_TC, PLACE_HOST);
	strcpy(o.tc.dev, BRIDGE_NAME);
	o.tc.mark = PLAN_MARK_TAG;
	o.tc.mask = PLAN_MARK_TAG_MASK;
	set_add(x->set, &o);

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		if (plan_families[i] == AF_INET6 && !x->ip6)
			continue;
		o = plan_object(OBJ_ADDRESS, PLACE_HOST);
		strcpy(o.address.dev, BRIDGE_NAME);
		o.address.prefix.ip = plan_gateway(&x->pool, plan_families[i]);
		o.address.prefix.len = plan_families[i] == AF_INET ? PLAN_POOL_LEN : 64;
		set_add(x->set, &o);
	}
	o = plan_object(OBJ_LINK_UP, PLACE_HOST);
	strcpy(o.link_up.name, BRIDGE_NAME);
	set_add(x->set, &o);
}

static void plan_port(const struct plan_ctx *x, const struct session *s)
{
	struct object o = plan_object(OBJ_LINK, PLACE_HOST), fdb = plan_object(OBJ_FDB, PLACE_HOST),
		      up = plan_object(OBJ_LINK_UP, PLACE_HOST),
		      off = plan_object(OBJ_SYSCTL, PLACE_HOST);

	session_port(s->id, o.link.name);
	o.link.kind = LINK_VETH;
	o.link.mac = own_mac(OWN_MAC_PORT, s->host);
	/* what is too big for the session is said by the route, not dropped at the port */
	o.link.mtu = PORT_MTU;
	o.link.peer_mtu = s->mtu;
	session_format(s, o.link.alias, NULL); /* its length was checked by plan_admit() */
	strcpy(o.link.master, BRIDGE_NAME);
	o.link.hardened = true;
	strcpy(o.link.peer, session_device(s));
	o.link.peer_mac = plan_session_mac(s);
	set_add(x->set, &o);

	strcpy(fdb.fdb.dev, o.link.name);
	fdb.fdb.mac = plan_session_mac(s);
	set_add(x->set, &fdb);
	strcpy(up.link_up.name, o.link.name);
	if (!s->carrier_off)
		set_add(x->set, &up);
	if (x->ip6) {
		own_sysctl_path(&port_sysctl, o.link.name, off.sysctl.path);
		snprintf(off.sysctl.value, sizeof(off.sysctl.value), "%s", port_sysctl.value);
		set_add(x->set, &off);
	}

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		struct object neigh = plan_object(OBJ_NEIGH, PLACE_HOST);

		if (plan_families[i] == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		strcpy(neigh.neigh.dev, BRIDGE_NAME);
		neigh.neigh.ip = plan_address(&x->pool, s, plan_families[i]);
		neigh.neigh.mac = plan_session_mac(s);
		set_add(x->set, &neigh);
	}
}

static void add_route(const struct plan_ctx *x, uint32_t table, const struct prefix *dst,
		      const char *dev, int index, const struct way_out *way, uint32_t mtu)
{
	struct object o = plan_object(OBJ_ROUTE, PLACE_HOST);

	o.route.table = table;
	o.route.dst = *dst;
	o.route.metric = METRIC_ROUTE;
	snprintf(o.route.dev, sizeof(o.route.dev), "%s", dev);
	o.route.index = index;
	o.route.mtu = mtu;
	if (way) {
		o.route.gateway = way->gateway;
		o.route.onlink = way->onlink;
	}
	set_add(x->set, &o);
}

/*
 * A session whose device takes less than the uplink brings: the route says so, and the host tells
 * the sender (RFC 1191, RFC 8201).
 */
static void plan_small_session(const struct plan_ctx *x, const struct session *s)
{
	const struct fact_link *uplink = facts_link(x->facts, s->uplink);

	if (!s->slot || !uplink || !s->mtu || s->mtu >= uplink->mtu)
		return;
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		struct prefix host = { .ip = plan_address(&x->pool, s, plan_families[i]) };

		if (plan_families[i] == AF_INET6 && (!x->ip6 || s->flags & SESSION_NO_IPV6))
			continue;
		host.len = (uint8_t)(ip_size(&host.ip) * 8);
		add_route(x, PLAN_TABLE_BASE + s->slot, &host, BRIDGE_NAME, 0, NULL, s->mtu);
	}
}

/* What the host itself would use, but nothing inside the pool: that leads to the sessions. */
static void plan_out_routes(const struct plan_ctx *x, const struct ctx_slot *slot,
			    const struct prefix *pool, const struct out_routes *routes)
{
	struct ip asked = { 0 }; /* most routes have the gateway of the one before */
	bool of_host = false;

	for (size_t i = 0; i < routes->n; i++) {
		const struct out_route *r = &routes->v[i];
		struct object o = plan_object(OBJ_ROUTE, PLACE_HOST);

		if (r->dst.len >= pool->len && prefix_contains(pool, &r->dst.ip))
			continue;
		o.route.table = PLAN_TABLE_BASE + slot->id.slot;
		o.route.dst = r->dst;
		o.route.metric = METRIC_ROUTE + r->order;
		o.route.stop = r->stop;
		if (!r->stop) {
			snprintf(o.route.dev, sizeof(o.route.dev), "%s", slot->id.uplink);
			o.route.index = slot->uplink.link->index;
		}
		o.route.gateway = r->gateway;
		o.route.onlink = r->onlink;
		o.route.mtu = r->mtu;
		if (!ip_equal(&asked, &r->gateway)) {
			asked = r->gateway;
			of_host = plan_is_gateway_of_host(x->facts, &asked);
		}
		if (!of_host || plan_has_route(x->facts, &o))
			set_add(x->set, &o);
	}
}

/* The way back to the sessions, the uplink's routes as the host would use them, then a stop. */
static void plan_table(const struct plan_ctx *x, const struct ctx_slot *slot, size_t family_at)
{
	const struct uplink *uplink = &slot->uplink;
	const uint8_t family = plan_families[family_at];
	const struct way_out *way = family == AF_INET ? &uplink->ip4 : &uplink->ip6;
	const struct prefix *pool = family == AF_INET ? &x->pool.ip4 : &x->pool.ip6;
	const struct prefix everything = { .ip = { .family = family } };
	struct link_route servers[DNS_SERVERS_MAX];
	size_t n_servers = family == AF_INET6 ? plan_link_routes(x, slot, servers) : 0;
	uint32_t table = PLAN_TABLE_BASE + slot->id.slot;
	struct object stop = plan_object(OBJ_ROUTE, PLACE_HOST);

	/*
	 * In IPv6 a stop in the table would be preferred to a gateway that did not answer for a
	 * moment, and that gateway then not be asked again for a minute (net/ipv6/route.c:
	 * rt6_select); there the rule behind the table stops.
	 */
	stop.route.table = table;
	stop.route.dst = everything;
	stop.route.metric = OWN_METRIC_STOP;
	stop.route.stop = RTN_UNREACHABLE;
	if (family == AF_INET)
		set_add(x->set, &stop);
	add_route(x, table, pool, BRIDGE_NAME, 0, NULL, uplink->link ? uplink->link->mtu : 0);
	if (!uplink->link || uplink->problem != UPLINK_USABLE)
		return;
	for (size_t i = 0; i < n_servers; i++)
		add_route(x, table, &servers[i].alias, slot->id.uplink, uplink->link->index,
			  &(struct way_out){ .gateway = servers[i].server }, 0);
	if (!way->usable)
		return;
	plan_gateways(x, slot, pool, &slot->routes[family_at]);
	plan_out_routes(x, slot, pool, &slot->routes[family_at]);
	if (!out_default(x->facts, uplink->link, family)) /* by the lease, or to the other end */
		add_route(x, table, &everything, slot->id.uplink, uplink->link->index, way, 0);
}

void plan_routing_rule(const struct plan_ctx *x, uint8_t family, uint32_t priority, uint32_t mark,
		       const char *iif, uint32_t table)
{
	struct object o = plan_object(OBJ_RULE, PLACE_HOST);

	o.rule.family = family;
	o.rule.priority = priority;
	o.rule.mark = mark;
	o.rule.mask = mark ? PLAN_MARK_MASK : 0;
	o.rule.table = table;
	if (!table)
		o.rule.action = priority == PLAN_RULE_FENCE ? RULE_BLACKHOLE : RULE_UNREACHABLE;
	if (iif)
		snprintf(o.rule.iif, sizeof(o.rule.iif), "%s", iif);
	set_add(x->set, &o);
}

bool plan_forwards_all_ip6(const struct facts *f)
{
	return !facts_sysctl(f, IP6_FORCE) && forwards_for_us(f, IP6_FORWARDING);
}

/* The device of net/ipv6/conf/DEVICE/accept_ra. */
static const struct fact_link *link_of_path(const struct facts *f, const char *path)
{
	const size_t front = strlen("net/ipv6/conf/");
	char dev[IFNAMSIZ];

	snprintf(dev, sizeof(dev), "%.*s", (int)strcspn(path + front, "/"), path + front);
	return facts_link(f, dev);
}

/*
 * IPv6 without force_forwarding: forwarding is one switch for all, and turning it makes the host
 * a router, which no longer accepts router advertisements (ip-sysctl.rst, accept_ra): it would
 * lose its default route. So that comes first, where it is 1 (0 stays), and everything else that
 * would now be forwarded is stopped, here and in the forward chain.
 */
static void plan_ip6_forwarding(const struct plan_ctx *x)
{
	struct object o = plan_object(OBJ_RULE, PLACE_HOST);
	size_t tail = strlen("/accept_ra");

	if (!x->ip6 || !plan_forwards_all_ip6(x->facts))
		return;
	for (size_t i = 0; i < x->facts->sysctls.n; i++) {
		const struct fact_sysctl *s = &x->facts->sysctls.v[i];
		size_t len = strlen(s->path);

		if (len > tail && !strcmp(s->path + len - tail, "/accept_ra") &&
		    !strstr(s->path, "/" BRIDGE_NAME "/") && !strstr(s->path, "/all/") &&
		    (!strcmp(s->value, "1") || (s->before[0] && !strcmp(s->value, "2"))))
			plan_host_sysctl(x, s->path, "2", link_of_path(x->facts, s->path));
	}
	plan_host_sysctl(x, IP6_FORWARDING, "1", NULL);
	o.rule.family = AF_INET6;
	o.rule.priority = PLAN_RULE_FENCE;
	o.rule.action = RULE_BLACKHOLE;
	o.rule.not_iif = true; /* what the host sends itself comes from lo */
	strcpy(o.rule.iif, "lo");
	set_add(x->set, &o);
}

/* Behind the tables: neither what comes from the bridge nor what has our mark goes further. */
static void plan_stop(const struct plan_ctx *x, size_t i)
{
	struct object o = plan_object(OBJ_RULE, PLACE_HOST);
	uint8_t family = plan_families[i];

	plan_routing_rule(x, family, x->priorities[i].stop, 0, BRIDGE_NAME, 0);
	o.rule.family = family;
	o.rule.priority = x->priorities[i].stop;
	o.rule.mark = PLAN_MARK_TAG;
	o.rule.mask = PLAN_MARK_TAG_MASK;
	o.rule.action = RULE_UNREACHABLE;
	set_add(x->set, &o);
}

/*
 * A second card in the uplink's subnet asks for neighbours in the uplink's name when the host
 * answers from there, and is then taken for it; with arp_announce=2 it speaks in its own
 * (ip-sysctl.rst).
 */
static void plan_arp_names(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	const struct fact_link *uplink = slot->uplink.link;
	char path[SYSCTL_MAX];

	for (size_t i = 0; uplink && i < x->facts->addrs.n; i++) {
		const struct fact_addr *a = &x->facts->addrs.v[i];
		const struct fact_link *other = facts_link_by_index(x->facts, a->index);

		if (!other || other == uplink || a->prefix.ip.family != AF_INET ||
		    !facts_same_subnet(x->facts, a, uplink->index))
			continue;
		snprintf(path, sizeof(path), "net/ipv4/conf/%s/arp_announce", other->name);
		plan_host_sysctl(x, path, "2", other);
	}
}

static void plan_forwarding(const struct plan_ctx *x, const struct fact_link *link,
			    const char *name)
{
	char path[SYSCTL_MAX];

	for (size_t i = 0; i < UPLINK_SYSCTL_COUNT; i++) {
		own_sysctl_path(&uplink_sysctls[i], name, path);
		if (kernel_has(x, &uplink_sysctls[i]))
			plan_host_sysctl(x, path, uplink_sysctls[i].value, link);
	}
}

static void plan_uplink(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	const struct fact_link *vrf = plan_vrf(x, slot);

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];

		if (f == AF_INET6 && !x->ip6)
			continue;
		plan_table(x, slot, i);
		plan_routing_rule(x, f, x->priorities[i].lookup, plan_mark(slot->id.slot), NULL,
				  PLAN_TABLE_BASE + slot->id.slot);
		if (plan_fenced(x->facts, slot->id.uplink, f))
			plan_routing_rule(x, f, PLAN_RULE_FENCE, 0, slot->id.uplink, 0);
	}
	plan_arp_names(x, slot);
	plan_forwarding(x, slot->uplink.link, slot->id.uplink);
	if (vrf) {
		plan_vrf_rules(x, slot);
		plan_forwarding(x, vrf, vrf->name);
	}
}

/* --- the whole ----------------------------------------------------------------------------- */

int plan_host(const struct facts *f, const struct session *sessions, size_t n,
	      struct object_set *ret, struct err *err)
{
	struct object_set set = { 0 };
	struct plan_ctx x = { .facts = f,
			      .sessions = sessions,
			      .n_sessions = n,
			      .ip6 = plan_host_has_ip6(f),
			      .set = &set };
	int r;

	if (!n)
		return 0;
	r = plan_pool(f, &x.pool, err);
	if (r < 0)
		return r;
	plan_slots(&x);
	for (size_t i = 0; i < n && !x.publishes; i++)
		x.publishes = plan_publishes(&sessions[i]);
	for (size_t i = 0; i < sizeof(plan_families); i++)
		x.priorities[i] = plan_priorities(&(struct plan_rules_of){ f, x.slots, x.n_slots },
						  plan_families[i]);
	plan_firewall(&x);
	plan_foreign(&x);
	plan_bridge(&x);
	for (size_t i = 0; i < sizeof(plan_families); i++)
		if (plan_families[i] == AF_INET || x.ip6)
			plan_stop(&x, i);
	plan_ip6_forwarding(&x);
	plan_share_routes(&x);
	for (size_t i = 0; i < x.n_slots; i++) {
		plan_for_slot(&x, &x.slots[i]);
		plan_uplink(&x, &x.slots[i]);
	}
	plan_for_slot(&x, NULL);
	plan_fragment_memory(&x);
	for (size_t i = 0; i < n; i++) {
		plan_for_session(&x, &sessions[i]);
		plan_firewall_session(&x, &sessions[i]);
		plan_port(&x, &sessions[i]);
		plan_small_session(&x, &sessions[i]);
	}
	for (size_t i = 0; i < f->spares.n; i++) {
		plan_for_session(&x, &f->spares.v[i]);
		plan_port(&x, &f->spares.v[i]);
	}
	plan_slots_done(&x);
	r = set_sort(&set);
	if (r < 0) {
		set_done(&set);
		return err_errno(err, -r, "plan the host's side");
	}
	*ret = set;
	return 0;
}

/* A session's own part, or of a spare what it has without an owner: its port. */
int plan_session(const struct facts *f, const struct session *s, struct object_set *ret,
		 struct err *err)
{
	struct object_set set = { 0 };
	struct plan_ctx x = {
		.facts = f, .sessions = s, .n_sessions = 1, .ip6 = plan_host_has_ip6(f), .set = &set
	};
	int r = plan_pool(f, &x.pool, err);

	if (r < 0)
		return r;
	plan_for_session(&x, s);
	plan_port(&x, s);
	if (!(s->flags & SESSION_SPARE)) {
		plan_firewall_session(&x, s);
		plan_small_session(&x, s);
	}
	r = set_sort(&set);
	if (r < 0) {
		set_done(&set);
		return err_errno(err, -r, "plan the session's port");
	}
	*ret = set;
	return 0;
}
