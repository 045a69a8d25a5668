/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a session has inside its netns. */
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "model/flow.h"
#include "plan/internal.h"

static void add_session_sysctl(struct object_set *set, const char *path, const char *value)
{
	struct object o = plan_object(OBJ_SYSCTL, PLACE_SESSION);

	snprintf(o.sysctl.path, sizeof(o.sysctl.path), "%s", path);
	snprintf(o.sysctl.value, sizeof(o.sysctl.value), "%s", value);
	set_add(set, &o);
}

/*
 * Where --host-port names a port that takes a capability (ip(7), ip_unprivileged_port_start): enter
 * binds it without one, so it must be the first that takes none. 0: nothing is to be changed.
 */
static uint32_t first_unprivileged_port(const struct facts *f, const struct session *s)
{
	const uint32_t lowest = s->host_ports.v[0].port;
	uint32_t first = IPPORT_RESERVED;

	if (f->fresh_known && f->inherited[INHERITED_PORT_START].host[0])
		(void)parse_u32(f->inherited[INHERITED_PORT_START].host, 0, 65536, &first);
	return lowest && lowest < first ? lowest : 0;
}

/*
 * The session's router is the bridge and its addresses are given: there is nothing to discover.
 * These are defaults, which eth0 takes over when it appears.
 */
static void plan_session_sysctls(const struct facts *f, const struct session *s, bool ip6,
				 struct object_set *set)
{
	const uint32_t first_port = first_unprivileged_port(f, s);
	char number[16];

	add_session_sysctl(set, "net/ipv4/ping_group_range", "0 2147483647");
	add_session_sysctl(set, "net/ipv4/conf/default/route_localnet", "1"); /* see dns.c */
	add_session_sysctl(set, "net/ipv4/conf/default/ignore_routes_with_linkdown", "1");
	add_session_sysctl(set, FLOW_SYSCTL, "1"); /* for `top`; connections begin with counters */
	snprintf(number, sizeof(number), "%u", first_port);
	if (first_port)
		add_session_sysctl(set, inherited_sysctls[INHERITED_PORT_START], number);
	for (size_t i = 0; i < INHERITED_COUNT && f->fresh_known; i++)
		if (!(first_port && i == INHERITED_PORT_START) && f->inherited[i].host[0] &&
		    f->inherited[i].fresh[0] &&
		    strcmp(f->inherited[i].host, f->inherited[i].fresh) != 0)
			add_session_sysctl(set, inherited_sysctls[i], f->inherited[i].host);
	if (!plan_host_has_ip6(f))
		return;
	if (!ip6) {
		add_session_sysctl(set, "net/ipv6/conf/default/disable_ipv6", "1");
		return;
	}
	/* a new netns may start with the host's settings (net.core.devconf_inherit_init_net) */
	add_session_sysctl(set, "net/ipv6/conf/default/disable_ipv6", "0");
	add_session_sysctl(set, "net/ipv6/conf/default/ignore_routes_with_linkdown", "1");
	add_session_sysctl(set, "net/ipv6/conf/default/accept_ra", "0");
	add_session_sysctl(set, "net/ipv6/conf/default/addr_gen_mode", "1");
}

/*
 * In a netns of others nothing is changed but what their new device needs: a container often has
 * IPv6 off for all devices to come.
 */
static void plan_device_sysctls(const struct facts *f, const struct session *s, bool ip6,
				struct object_set *set)
{
	const struct {
		const char *family, *key, *value;
	} wanted[] = {
		{ "ipv4", "ignore_routes_with_linkdown", "1" },
		{ "ipv4", "route_localnet", s->flags & SESSION_FOREIGN_RESOLVER ? "0" : "1" },
		{ "ipv6", "disable_ipv6", ip6 ? "0" : "1" },
		{ "ipv6", "ignore_routes_with_linkdown", "1" },
		{ "ipv6", "accept_ra", "0" },
		{ "ipv6", "addr_gen_mode", "1" },
	};
	char path[SYSCTL_MAX];

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		if (!strcmp(wanted[i].family, "ipv6") && !plan_host_has_ip6(f))
			continue;
		snprintf(path, sizeof(path), "net/%s/conf/%s/%s", wanted[i].family,
			 session_device(s), wanted[i].key);
		add_session_sysctl(set, path, wanted[i].value);
	}
}

/*
 * Whether a device has an address of IPv6 that is no unique local one (RFC 4193). Many routers
 * announce a prefix of those also while their provider gives them no IPv6: then there is no default
 * route, and none to wait for.
 */
static bool has_more_than_unique_local(const struct facts *f, int index)
{
	const struct prefix unique_local = { { AF_INET6, { 0xfc } }, 7 };

	for (const struct fact_addr *a = NULL; (a = facts_next_addr(f, index, a));)
		if (a->prefix.ip.family == AF_INET6 && a->scope == RT_SCOPE_UNIVERSE &&
		    !prefix_contains(&unique_local, &a->prefix.ip))
			return true;
	return false;
}

/*
 * Whether no uplink of a session's list has an address of a family, while one has the other.
 * Without a default route programs are told so by connect(2), as outside, and getaddrinfo(3) puts
 * such addresses last (RFC 6724, section 5, rule 1). With --host-access the default route leads to
 * the host too, and in a netns of others ours is in front of theirs.
 */
static bool lacks_family(const struct facts *f, const struct session *s, uint8_t family)
{
	struct uplink_walk walk = { .facts = f, .list = &s->uplinks };
	const struct fact_link *l;
	bool other = false;

	if (s->flags & (SESSION_ATTACHED | SESSION_HOST_ACCESS))
		return false;
	while ((l = uplink_walk(&walk))) {
		struct uplink u = uplink_lookup(f, l->name);
		const struct way_out *way = family == AF_INET ? &u.ip4 : &u.ip6;

		if (ip_is_set(&way->address) &&
		    (way->usable || family == AF_INET || has_more_than_unique_local(f, l->index)))
			return false; /* a router may come */
		other |= u.ip4.usable || u.ip6.usable;
	}
	return other;
}

/*
 * The way out. Before a default route of others, whatever its metric, go the two halves of one;
 * theirs stays, and serves again when ours has gone with its device.
 */
static void plan_session_route(const struct pool *pool, const struct session *s, uint8_t family,
			       struct object_set *set)
{
	struct object route = plan_object(OBJ_ROUTE, PLACE_SESSION);

	route.route.table = RT_TABLE_MAIN;
	route.route.dst.ip.family = family;
	strcpy(route.route.dev, session_device(s));
	route.route.gateway = plan_gateway(pool, family);
	if (s->flags & SESSION_REPLACE_ROUTE && !(s->flags & SESSION_FALLBACK))
		return; /* plan_attached() */
	if (s->flags & SESSION_REPLACE_ROUTE) {
		route.route.dst.len = 1;
		route.route.onlink = s->share[0] != 0; /* as in plan_attached() */
		set_add(set, &route);
		route.route.dst.ip.bytes[0] = 0x80;
	}
	set_add(set, &route);
}

static void plan_session_family(const struct facts *f, const struct pool *pool,
				const struct session *s, uint8_t family, struct object_set *set)
{
	struct object address = plan_object(OBJ_ADDRESS, PLACE_SESSION),
		      neigh = plan_object(OBJ_NEIGH, PLACE_SESSION);

	strcpy(address.address.dev, session_device(s));
	address.address.prefix.ip = plan_address(pool, s, family);
	address.address.prefix.len = family == AF_INET ? PLAN_POOL_LEN : 64;
	set_add(set, &address);

	strcpy(neigh.neigh.dev, session_device(s));
	neigh.neigh.ip = plan_gateway(pool, family);
	neigh.neigh.mac = facts_bridge_mac();
	set_add(set, &neigh);
	if (family == AF_INET) { /* the second name server's, where nobody answers ARP */
		neigh.neigh.ip = ip_add(&neigh.neigh.ip, 1);
		set_add(set, &neigh);
	}
	if (s->share[0])
		plan_share_inside(pool, s, family, set);
	if (!lacks_family(f, s, family))
		plan_session_route(pool, s, family, set);
}

/*
 * Programs that are told to bind to the uplink by its name do so: the device inside has it as an
 * altname, which SO_BINDTODEVICE and if_nametoindex(3) take. It is that of the first interface that
 * the list means, since it is what was asked for, and stays when the session moves.
 */
static void plan_altname(const struct facts *f, const struct session *s, struct object_set *set)
{
	struct uplink_walk walk = { .facts = f, .list = &s->uplinks };
	const struct fact_link *l = uplink_walk(&walk);
	struct object alt = plan_object(OBJ_ALTNAME, PLACE_SESSION);
	const char *name = l ? l->name : s->uplink;

	if (!name[0] || !strcmp(name, session_device(s)) || !strcmp(name, "lo"))
		return;
	strcpy(alt.altname.dev, session_device(s));
	strcpy(alt.altname.name, name);
	set_add(set, &alt);
}

/* All that a netns of our own has; its owner would not want it in another. */
static void plan_whole_netns(const struct facts *f, const struct session *s, bool ip6,
			     const struct pool *pool, struct object_set *set)
{
	struct object netns = plan_object(OBJ_NETNS, PLACE_HOST),
		      up = plan_object(OBJ_LINK_UP, PLACE_SESSION);

	snprintf(netns.netns.name, sizeof(netns.netns.name), "%.31s", s->name);
	set_add(set, &netns);
	plan_session_sysctls(f, s, ip6, set);
	strcpy(up.link_up.name, "lo");
	set_add(set, &up);
	plan_dns_inside(pool, set);
	if (s->share[0])
		plan_share_questions(set);
	if (s->flags & SESSION_PORTAL && !(s->flags & SESSION_PORTAL_LAN))
		plan_portal_inside(f, s, pool, set);
	plan_altname(f, s, set);
}

int plan_inside(const struct facts *f, const struct session *s, struct object_set *ret,
		struct err *err)
{
	bool ip6 = plan_has_ip6(f, s);
	struct object up = plan_object(OBJ_LINK_UP, PLACE_SESSION);
	struct object_set set = { 0 };
	struct pool pool;
	int r = plan_pool(f, &pool, err);

	if (r < 0)
		return r;
	if (s->flags & SESSION_ATTACHED)
		plan_device_sysctls(f, s, ip6, &set);
	else
		plan_whole_netns(f, s, ip6, &pool, &set);
	strcpy(up.link_up.name, session_device(s));
	set_add(&set, &up);
	plan_rates_inside(f, s, &set);
	plan_session_family(f, &pool, s, AF_INET, &set);
	if (ip6)
		plan_session_family(f, &pool, s, AF_INET6, &set);
	r = set_sort(&set);
	if (r < 0) {
		set_done(&set);
		return err_errno(err, -r, "plan the session's side");
	}
	*ret = set;
	return 0;
}
