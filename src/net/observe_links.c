/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Observing links, addresses, routes, rules and the tables of the bridge: see observe.c. */
#include <errno.h>
#include <fcntl.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/own.h"
#include "model/recorded.h"
#include "net/nexthops.h"
#include "net/observe_internal.h"
#include "net/wifi.h"

static const uint8_t ip_families[] = { AF_INET, AF_INET6 };

static struct object link_object(const struct rtnl_link *l)
{
	struct object o = observed_object(OBJ_LINK);

	memcpy(o.link.name, l->fact.name, sizeof(o.link.name));
	memcpy(o.link.alias, l->fact.alias, sizeof(o.link.alias));
	o.link.kind = strcmp(l->fact.kind, "veth") ? LINK_BRIDGE : LINK_VETH;
	o.link.mac = l->fact.mac;
	o.link.mtu = l->fact.mtu;
	if (o.link.kind == LINK_BRIDGE)
		o.link.hardened = l->group_fwd_mask == BRIDGE_GROUP_FWD_MASK;
	else
		o.link.hardened = l->isolated && !l->learning && !l->flood && !l->mcast_flood &&
				  !l->bcast_flood && l->fact.flags & IFF_NOARP &&
				  l->fact.group == OWN_PORT_GROUP;
	return o;
}

static int take_link(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct fact_link *fact;
	struct rtnl_link l;
	struct object o;
	int r = rtnl_decode_link(nlh, &l);

	if (r <= 0)
		return r;
	fact = VEC_PUSH(&obs->f->links);
	if (!fact)
		return -ENOMEM;
	*fact = l.fact;
	for (const char *name = NULL; (name = rtnl_next_altname(&l, name));)
		if (facts_add_altname(obs->f, name) < 0)
			return -ENOMEM;
	if (!own_is_link(fact))
		return 0;
	o = link_object(&l);
	set_add(&obs->f->ours, &o);
	if (fact->flags & IFF_UP) {
		o.kind = OBJ_LINK_UP;
		set_add(&obs->f->ours, &o);
	}
	return 0;
}

/* A link names its master by index: names are known once all links are. */
static void name_masters(struct facts *f)
{
	for (size_t i = 0; i < f->ours.n; i++) {
		struct object *o = &f->ours.v[i];
		const struct fact_link *port, *master;

		if (o->kind != OBJ_LINK)
			continue;
		port = facts_link(f, o->link.name);
		master = port && port->master ? facts_link_by_index(f, port->master) : NULL;
		if (master)
			memcpy(o->link.master, master->name, sizeof(o->link.master));
	}
}

/*
 * The kind of a hardware device is in DEVTYPE of its uevent file alone (wlan, wwan), not in
 * netlink. A sysfs of another netns has no such file, and an older wireless driver only a directory
 * "wireless".
 */
static enum link_medium hardware_medium(const struct fact_link *l)
{
	char path[64], text[256];

	snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", l->name);
	if (file_start(AT_FDCWD, path, 0, text, sizeof(text)) <= 0)
		return l->medium;
	if (strstr(text, "DEVTYPE=wlan"))
		return MEDIUM_WIFI;
	if (strstr(text, "DEVTYPE=wwan"))
		return MEDIUM_WWAN;
	snprintf(path, sizeof(path), "/sys/class/net/%s/wireless", l->name);
	return access(path, F_OK) == 0 ? MEDIUM_WIFI : l->medium;
}

static int read_hardware(struct facts *f, struct err *err)
{
	bool wifi = false;

	for (size_t i = 0; i < f->links.n; i++) {
		struct fact_link *l = &f->links.v[i];

		if (!l->kind[0] && !(l->flags & IFF_LOOPBACK))
			l->medium = hardware_medium(l);
		wifi |= l->medium == MEDIUM_WIFI;
	}
	return wifi ? wifi_observe(f, err) : 0;
}

int observe_links(struct observation *obs, bool counters, struct err *err)
{
	struct nl_msg m;
	int r;

	rtnl_dump_links(&m, counters);
	r = observe_dump(obs, &obs->k->route, &m, &obs->f->links.n, take_link, "links", err);
	if (r < 0)
		return r;
	facts_index_links(obs->f);
	name_masters(obs->f);
	return read_hardware(obs->f, err);
}

/*
 * Each of these makes an object out of a decoded message and says whether it is one of ours. They
 * serve dumps and events.
 */
static bool addr_object(const struct facts *f, const struct fact_addr *a, struct object *ret)
{
	const struct fact_link *bridge = own_bridge(f);

	if (!bridge || a->index != bridge->index || !own_is_address(&a->prefix))
		return false;
	*ret = observed_object(OBJ_ADDRESS);
	memcpy(ret->address.dev, bridge->name, sizeof(ret->address.dev));
	ret->address.prefix = a->prefix;
	return true;
}

static bool route_object(const struct facts *f, const struct fact_route *r, struct object *ret)
{
	const struct fact_link *dev = r->index ? facts_link_by_index(f, r->index) : NULL;

	if (!own_is_route(r))
		return false;
	*ret = observed_object(OBJ_ROUTE);
	ret->route.table = r->table;
	ret->route.dst = r->dst;
	ret->route.metric = r->metric;
	ret->route.stop = r->type == RTN_UNICAST ? 0 : r->type;
	ret->route.gateway = r->gateway;
	ret->route.onlink = r->onlink;
	ret->route.mtu = r->mtu;
	if (dev && !ret->route.stop) { /* IPv6 says "dev lo" of an unreachable one */
		memcpy(ret->route.dev, dev->name, sizeof(ret->route.dev));
		ret->route.index = dev->index;
	}
	return true;
}

/*
 * A neighbour of the bridge, or an entry in its forwarding table. Ours have a session's MAC; an
 * event about a neighbour with another one, or none, may be about one of ours all the same.
 */
static bool neigh_object(const struct facts *f, int index, const struct ip *ip,
			 const struct mac *mac, struct object *ret)
{
	const struct fact_link *dev = facts_link_by_index(f, index);

	if (!dev)
		return false;
	if (ip_is_set(ip) && dev == own_bridge(f)) {
		*ret = observed_object(OBJ_NEIGH);
		memcpy(ret->neigh.dev, dev->name, sizeof(ret->neigh.dev));
		ret->neigh.ip = *ip;
		ret->neigh.mac = *mac;
		return true;
	}
	if (!ip_is_set(ip) && own_is_mac(mac, OWN_MAC_SESSION) && own_is_port(dev)) {
		*ret = observed_object(OBJ_FDB);
		memcpy(ret->fdb.dev, dev->name, sizeof(ret->fdb.dev));
		ret->fdb.mac = *mac;
		return true;
	}
	return false;
}

/* Whether an entry stays until somebody deletes it, as ours do. */
static bool is_static(const struct object *o, uint16_t state)
{
	return state & (o->kind == OBJ_NEIGH ? NUD_PERMANENT : NUD_NOARP);
}

static bool filter_object(const struct obj_tc *tc, struct object *ret)
{
	*ret = observed_object(OBJ_TC);
	ret->tc = *tc;
	memcpy(ret->tc.dev, BRIDGE_NAME, sizeof(BRIDGE_NAME));
	return true;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct fact_addr a, *fact;
	struct object o;
	int r = rtnl_decode_addr(nlh, &a);

	if (r <= 0)
		return r;
	fact = VEC_PUSH(&obs->f->addrs);
	if (!fact)
		return -ENOMEM;
	*fact = a;
	if (addr_object(obs->f, &a, &o))
		set_add(&obs->f->ours, &o);
	return 0;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct fact_route route, *fact;
	struct object o;
	int r;

	for (int hop = 0; (r = rtnl_decode_route(nlh, hop, &route)) > 0; hop++) {
		fact = VEC_PUSH(&obs->f->routes);
		if (!fact)
			return -ENOMEM;
		*fact = route;
		if (route_object(obs->f, &route, &o))
			set_add(&obs->f->ours, &o);
	}
	return r;
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct object o = observed_object(OBJ_RULE);
	struct fact_rule rule, *fact;
	uint8_t protocol;
	int r = rtnl_decode_rule(nlh, &o.rule, &protocol);

	if (r > 0 && own_is_rule(&o.rule, protocol)) {
		set_add(&obs->f->ours, &o);
		return 0;
	}
	if (r >= 0)
		r = rtnl_decode_host_rule(nlh, &rule);
	if (r > 0) {
		fact = VEC_PUSH(&obs->f->rules);
		if (!fact)
			return -ENOMEM;
		*fact = rule;
	}
	return r < 0 ? r : 0;
}

static int take_neigh(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct object o;
	struct mac mac;
	struct ip ip;
	uint16_t state;
	int index, r = rtnl_decode_neigh(nlh, &index, &state, &ip, &mac);

	if (r > 0 && own_is_mac(&mac, OWN_MAC_SESSION) &&
	    neigh_object(obs->f, index, &ip, &mac, &o) && is_static(&o, state))
		set_add(&obs->f->ours, &o);
	return r < 0 ? r : 0;
}

static int take_filter(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct obj_tc tc;
	struct object o;
	int r = rtnl_decode_filter(nlh, &tc);

	if (r > 0 && filter_object(&tc, &o))
		set_add(&obs->f->ours, &o);
	return r < 0 ? r : 0;
}

static int take_qdisc(const struct nlmsghdr *nlh, void *arg)
{
	int r = rtnl_decode_qdisc(nlh, arg);

	return r < 0 ? r : 0;
}

int observe_qdiscs(struct observation *obs, struct err *err)
{
	struct facts *f = obs->f;
	struct nl_msg m;
	int r = 0;

	for (size_t i = 0; i < f->sessions.n && r == 0; i++) {
		struct object o = observed_object(OBJ_QDISC);
		const struct fact_link *port;

		if (!f->sessions.v[i].rates.down)
			continue;
		session_port(f->sessions.v[i].id, o.qdisc.dev);
		port = facts_link(f, o.qdisc.dev);
		if (!port)
			continue;
		rtnl_get_root_qdisc(&m, port->index);
		r = nl_get(&obs->k->route, &m, take_qdisc, &o.qdisc, err);
		if (r == -ENOENT || r == -ENODEV) /* none of its own; or the port went meanwhile */
			r = 0;
		memcpy(o.qdisc.dev, port->name, sizeof(o.qdisc.dev));
		if (o.qdisc.rate)
			set_add(&f->ours, &o);
		if (obs->k->host_ns >= 0)
			f->no_shaper = !kernel_has_shaper(obs->k);
	}
	return r < 0 ? err_wrap(err, "read the qdiscs of ports") : 0;
}

static int take_nexthop(const struct nlmsghdr *nlh, void *arg)
{
	struct observation *obs = arg;
	struct rtnl_nexthop hop, *added;
	int r = rtnl_decode_nexthop(nlh, &hop);

	if (r <= 0)
		return r;
	added = VEC_PUSH(&obs->nexthops);
	if (!added)
		return -ENOMEM;
	*added = hop;
	return 0;
}

static int dump_nexthops(struct observation *obs, struct err *err)
{
	struct nl_msg m;
	int r;

	if (!nexthops_needed(obs->f))
		return 0;
	rtnl_dump_nexthops(&m);
	r = observe_dump(obs, &obs->k->route, &m, &obs->nexthops.n, take_nexthop, "nexthop objects",
			 err);
	if (r == 0 && nexthops_resolve(obs->f, obs->nexthops.v, obs->nexthops.n) < 0)
		r = err_errno(err, ENOMEM, "read the nexthop objects");
	VEC_DONE(&obs->nexthops);
	return r;
}

int observe_routing(struct observation *obs, struct err *err)
{
	struct nl_sock *sock = &obs->k->route;
	struct nl_msg m;
	int r;

	rtnl_dump_addrs(&m);
	r = observe_dump(obs, sock, &m, &obs->f->addrs.n, take_addr, "addresses", err);
	for (size_t i = 0; i < ARRAY_SIZE(ip_families) && r == 0; i++) {
		rtnl_dump_routes(&m, ip_families[i]);
		r = observe_dump(obs, sock, &m, &obs->f->routes.n, take_route, "routes", err);
		if (r < 0)
			break;
		rtnl_dump_rules(&m, ip_families[i]);
		r = observe_dump(obs, sock, &m, &obs->f->rules.n, take_rule, "routing rules", err);
		/* a kernel without policy routing for a family */
		if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
			r = 0;
	}
	return r == 0 ? dump_nexthops(obs, err) : r;
}

int observe_bridge(struct observation *obs, struct err *err)
{
	const struct fact_link *bridge = own_bridge(obs->f);
	struct nl_sock *sock = &obs->k->route;
	struct nl_msg m;
	int r = 0;

	if (!bridge)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ip_families) && r == 0; i++) {
		rtnl_dump_neighs(&m, ip_families[i], bridge->index);
		r = observe_dump(obs, sock, &m, NULL, take_neigh, "neighbours of " BRIDGE_NAME,
				 err);
	}
	if (r == 0) {
		rtnl_dump_fdb(&m, bridge->index);
		r = observe_dump(obs, sock, &m, NULL, take_neigh,
				 "forwarding table of " BRIDGE_NAME, err);
	}
	if (r == 0) {
		rtnl_dump_filters(&m, bridge->index);
		r = observe_dump(obs, sock, &m, NULL, take_filter, "tc filters of " BRIDGE_NAME,
				 err);
		if (r == -EINVAL || r == -EOPNOTSUPP) /* no clsact there, or none in the kernel */
			r = 0;
	}
	return r;
}

/*
 * Whoever deletes an entry marks it as failed before; and where a packet asks for it in between it
 * stays, and nobody announces that it went (net/core/neighbour.c:neigh_remove_one).
 */
static int neigh_event(const struct nlmsghdr *nlh, const struct facts *f, struct object *ret,
		       bool *ret_there)
{
	struct mac mac;
	struct ip ip;
	uint16_t state;
	int index;

	if (rtnl_decode_neigh(nlh, &index, &state, &ip, &mac) <= 0 ||
	    !neigh_object(f, index, &ip, &mac, ret))
		return 0;
	*ret_there = nlh->nlmsg_type == RTM_NEWNEIGH && is_static(ret, state);
	return 1;
}

int observe_event(const struct nlmsghdr *nlh, const struct facts *f, struct object *ret,
		  bool *ret_there)
{
	struct fact_route route;
	struct fact_addr addr;
	uint8_t protocol;

	*ret_there = nlh->nlmsg_type == RTM_NEWADDR || nlh->nlmsg_type == RTM_NEWROUTE ||
		     nlh->nlmsg_type == RTM_NEWRULE;
	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return rtnl_decode_addr(nlh, &addr) > 0 && addr_object(f, &addr, ret);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return rtnl_decode_route(nlh, 0, &route) > 0 && route_object(f, &route, ret);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		*ret = observed_object(OBJ_RULE);
		return rtnl_decode_rule(nlh, &ret->rule, &protocol) > 0 &&
		       own_is_rule(&ret->rule, protocol);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		return neigh_event(nlh, f, ret, ret_there);
	default:
		return 0;
	}
}

static int take_one_link(const struct nlmsghdr *nlh, void *arg)
{
	int r = rtnl_decode_link(nlh, arg);

	return r < 0 ? r : 0;
}

int observe_received(struct kernel *k, const char *name, uint64_t *ret, struct err *err)
{
	struct rtnl_link l = { 0 };
	struct nl_msg m;
	int r;

	rtnl_get_link_counters(&m, name);
	r = nl_get(&k->route, &m, take_one_link, &l, err);
	if (r == 0)
		*ret = l.fact.rx_bytes;
	return r;
}

int observe_session(struct kernel *k, uint32_t id, struct session *ret, struct err *err)
{
	struct rtnl_link l = { 0 };
	char port[IFNAMSIZ];
	struct nl_msg m;
	int r;

	session_port(id, port);
	rtnl_get_link(&m, port);
	r = nl_get(&k->route, &m, take_one_link, &l, err);
	if (r == -ENODEV)
		return 0;
	return r < 0 ? r : recorded_session(&l.fact, ret);
}

int observe_link(struct kernel *k, const struct facts *f, const char *name, struct object *ret,
		 struct err *err)
{
	const struct fact_link *master;
	struct rtnl_link l = { 0 };
	struct nl_msg m;
	int r;

	rtnl_get_link(&m, name);
	r = nl_get(&k->route, &m, take_one_link, &l, err);
	if (r < 0)
		return r;
	*ret = link_object(&l);
	master = l.fact.master ? facts_link_by_index(f, l.fact.master) : NULL;
	if (master)
		memcpy(ret->link.master, master->name, sizeof(ret->link.master));
	return l.fact.flags & IFF_UP ? 1 : 0;
}
