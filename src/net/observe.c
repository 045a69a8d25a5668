/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Looking: dumps become facts, and those of them that are ours become objects in the same words
 * as the plan's, so the difference is what is to be done.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "model/own.h"
#include "model/recorded.h"
#include "net/foreign.h"
#include "net/kernel.h"
#include "net/nexthops.h"
#include "net/nft_codec.h"
#include "net/ports.h"
#include "net/rtnl.h"
#include "net/sysctl.h"
#include "net/wifi.h"

static const uint8_t nft_families[] = { NFPROTO_BRIDGE, NFPROTO_INET, NFPROTO_ARP };
static const uint8_t foreign_families[] = { NFPROTO_INET, NFPROTO_IPV4, NFPROTO_IPV6 };
static const uint8_t ip_families[] = { AF_INET, AF_INET6 };

/* A dump under way: where it started, to forget what it brought when it must be made again. */
struct look {
	struct kernel *k;
	struct facts *const f;
	struct nft_decoder nft;
	struct fact_chain *chain; /* whose rules are read */
	size_t *count;            /* of the array it fills, besides the objects */
	size_t count_before, ours_before;
	struct {
		struct rtnl_nexthop *v;
		size_t n, size;
	} nexthops;
};

static void forget(void *arg)
{
	struct look *l = arg;

	if (l->count)
		*l->count = l->count_before;
	l->f->ours.n = l->ours_before;
	l->nft.chain[0] = 0;
	l->nft.index = 0;
	if (l->chain) {
		l->chain->closes = false;
		l->chain->leads_to = 0;
	}
}

static int dump(struct look *l, struct nl_sock *sock, struct nl_msg *m, size_t *count,
		nl_handler handler, const char *what, struct err *err)
{
	int r;

	l->count = count;
	l->count_before = count ? *count : 0;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): observe() points it at its own */
	l->ours_before = l->f->ours.n;
	r = nl_dump(sock, m, handler, forget, l, err);
	if (r < 0)
		return err_wrap(err, "read the %s", what);
	return l->f->ours.failed ? err_errno(err, ENOMEM, "read the %s", what) : 0;
}

static struct object ours(enum object_kind kind)
{
	return (struct object){ .kind = kind, .place = PLACE_HOST };
}

/* --- links --------------------------------------------------------------------------------- */

static struct object link_object(const struct rtnl_link *l)
{
	struct object o = ours(OBJ_LINK);

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
	struct look *look = arg;
	struct fact_link *fact;
	struct rtnl_link l;
	struct object o;
	int r = rtnl_decode_link(nlh, &l);

	if (r <= 0)
		return r;
	fact = VEC_PUSH(&look->f->links);
	if (!fact)
		return -ENOMEM;
	*fact = l.fact;
	for (const char *name = NULL; (name = rtnl_next_altname(&l, name));)
		if (facts_add_altname(look->f, name) < 0)
			return -ENOMEM;
	if (!own_is_link(fact))
		return 0;
	o = link_object(&l);
	set_add(&look->f->ours, &o);
	if (fact->flags & IFF_UP) {
		o.kind = OBJ_LINK_UP;
		set_add(&look->f->ours, &o);
	}
	return 0;
}

/* Masters are numbers until all links are known. */
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
 * What a piece of hardware is: the kernel says so in DEVTYPE alone (wlan, wwan), not over netlink.
 * A sysfs of another netns has no such file, and an older wireless driver only a directory.
 */
static enum link_medium hardware_medium(const struct fact_link *l)
{
	_cleanup_close_ int fd = -1;
	char path[64], text[256] = "";

	snprintf(path, sizeof(path), "/sys/class/net/%s/uevent", l->name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0)
		return l->medium;
	if (strstr(text, "DEVTYPE=wlan"))
		return MEDIUM_WIFI;
	if (strstr(text, "DEVTYPE=wwan"))
		return MEDIUM_WWAN;
	snprintf(path, sizeof(path), "/sys/class/net/%s/wireless", l->name);
	return access(path, F_OK) == 0 ? MEDIUM_WIFI : l->medium;
}

static int look_at_hardware(struct facts *f, struct err *err)
{
	bool wifi = false;

	for (size_t i = 0; i < f->links.n; i++) {
		struct fact_link *l = &f->links.v[i];

		if (!l->kind[0] && !(l->flags & IFF_LOOPBACK))
			l->medium = hardware_medium(l);
		wifi |= l->medium == MEDIUM_WIFI;
	}
	return wifi ? wifi_look(f, err) : 0;
}

static int look_at_links(struct look *l, bool counters, struct err *err)
{
	struct nl_msg m;
	int r;

	rtnl_dump_links(&m, counters);
	r = dump(l, &l->k->route, &m, &l->f->links.n, take_link, "links", err);
	if (r < 0)
		return r;
	facts_index_links(l->f);
	name_masters(l->f);
	return look_at_hardware(l->f, err);
}

/* --- addresses, routes, rules, neighbours, tc ---------------------------------------------- */

/*
 * Each of these makes an object out of a decoded message and says whether it is one of ours. They
 * serve dumps and events.
 */
static bool addr_object(const struct facts *f, const struct fact_addr *a, struct object *ret)
{
	const struct fact_link *bridge = own_bridge(f);

	if (!bridge || a->index != bridge->index || !own_is_address(&a->prefix))
		return false;
	*ret = ours(OBJ_ADDRESS);
	memcpy(ret->address.dev, bridge->name, sizeof(ret->address.dev));
	ret->address.prefix = a->prefix;
	return true;
}

static bool route_object(const struct facts *f, const struct fact_route *r, struct object *ret)
{
	const struct fact_link *dev = r->index ? facts_link_by_index(f, r->index) : NULL;

	if (!own_is_route(r))
		return false;
	*ret = ours(OBJ_ROUTE);
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
static bool neigh_object(const struct facts *f, int index, uint16_t state, const struct ip *ip,
			 const struct mac *mac, struct object *ret)
{
	const struct fact_link *dev = facts_link_by_index(f, index);

	if (!dev)
		return false;
	if (ip_is_set(ip) && dev == own_bridge(f) && state & NUD_PERMANENT) {
		*ret = ours(OBJ_NEIGH);
		memcpy(ret->neigh.dev, dev->name, sizeof(ret->neigh.dev));
		ret->neigh.ip = *ip;
		ret->neigh.mac = *mac;
		return true;
	}
	if (!ip_is_set(ip) && own_is_mac(mac, OWN_MAC_SESSION) && own_is_port(dev) &&
	    state & NUD_NOARP) {
		*ret = ours(OBJ_FDB);
		memcpy(ret->fdb.dev, dev->name, sizeof(ret->fdb.dev));
		ret->fdb.mac = *mac;
		return true;
	}
	return false;
}

static bool filter_object(const struct obj_tc *tc, struct object *ret)
{
	*ret = ours(OBJ_TC);
	ret->tc = *tc;
	memcpy(ret->tc.dev, BRIDGE_NAME, sizeof(BRIDGE_NAME));
	return true;
}

static int take_addr(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct fact_addr a, *fact;
	struct object o;
	int r = rtnl_decode_addr(nlh, &a);

	if (r <= 0)
		return r;
	fact = VEC_PUSH(&l->f->addrs);
	if (!fact)
		return -ENOMEM;
	*fact = a;
	if (addr_object(l->f, &a, &o))
		set_add(&l->f->ours, &o);
	return 0;
}

static int take_route(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct fact_route route, *fact;
	struct object o;
	int r;

	for (int hop = 0; (r = rtnl_decode_route(nlh, hop, &route)) > 0; hop++) {
		fact = VEC_PUSH(&l->f->routes);
		if (!fact)
			return -ENOMEM;
		*fact = route;
		if (route_object(l->f, &route, &o))
			set_add(&l->f->ours, &o);
	}
	return r;
}

static int take_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct object o = ours(OBJ_RULE);
	struct fact_rule rule, *fact;
	uint8_t protocol;
	int r = rtnl_decode_rule(nlh, &o.rule, &protocol);

	if (r > 0 && own_is_rule(&o.rule, protocol)) {
		set_add(&l->f->ours, &o);
		return 0;
	}
	if (r >= 0)
		r = rtnl_decode_host_rule(nlh, &rule);
	if (r > 0) {
		fact = VEC_PUSH(&l->f->rules);
		if (!fact)
			return -ENOMEM;
		*fact = rule;
	}
	return r < 0 ? r : 0;
}

static int take_neigh(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct object o;
	struct mac mac;
	struct ip ip;
	uint16_t state;
	int index, r = rtnl_decode_neigh(nlh, &index, &state, &ip, &mac);

	if (r > 0 && own_is_mac(&mac, OWN_MAC_SESSION) &&
	    neigh_object(l->f, index, state, &ip, &mac, &o))
		set_add(&l->f->ours, &o);
	return r < 0 ? r : 0;
}

static int take_filter(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct obj_tc tc;
	struct object o;
	int r = rtnl_decode_filter(nlh, &tc);

	if (r > 0 && filter_object(&tc, &o))
		set_add(&l->f->ours, &o);
	return r < 0 ? r : 0;
}

static int take_nexthop(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct rtnl_nexthop hop, *added;
	int r = rtnl_decode_nexthop(nlh, &hop);

	if (r <= 0)
		return r;
	added = VEC_PUSH(&l->nexthops);
	if (!added)
		return -ENOMEM;
	*added = hop;
	return 0;
}

static int look_at_nexthops(struct look *l, struct err *err)
{
	struct nl_msg m;
	int r;

	if (!nexthops_needed(l->f))
		return 0;
	rtnl_dump_nexthops(&m);
	r = dump(l, &l->k->route, &m, &l->nexthops.n, take_nexthop, "nexthop objects", err);
	if (r == 0 && nexthops_resolve(l->f, l->nexthops.v, l->nexthops.n) < 0)
		r = err_errno(err, ENOMEM, "read the nexthop objects");
	VEC_DONE(&l->nexthops);
	return r;
}

static int look_at_routing(struct look *l, struct err *err)
{
	struct nl_sock *sock = &l->k->route;
	struct nl_msg m;
	int r;

	rtnl_dump_addrs(&m);
	r = dump(l, sock, &m, &l->f->addrs.n, take_addr, "addresses", err);
	for (size_t i = 0; i < ARRAY_SIZE(ip_families) && r == 0; i++) {
		rtnl_dump_routes(&m, ip_families[i]);
		r = dump(l, sock, &m, &l->f->routes.n, take_route, "routes", err);
		if (r < 0)
			break;
		rtnl_dump_rules(&m, ip_families[i]);
		r = dump(l, sock, &m, &l->f->rules.n, take_rule, "routing rules", err);
		/* a kernel without policy routing for a family */
		if (r == -EOPNOTSUPP || r == -EAFNOSUPPORT)
			r = 0;
	}
	return r == 0 ? look_at_nexthops(l, err) : r;
}

static int look_at_bridge(struct look *l, struct err *err)
{
	const struct fact_link *bridge = own_bridge(l->f);
	struct nl_sock *sock = &l->k->route;
	struct nl_msg m;
	int r = 0;

	if (!bridge)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ip_families) && r == 0; i++) {
		rtnl_dump_neighs(&m, ip_families[i], bridge->index);
		r = dump(l, sock, &m, NULL, take_neigh, "neighbours of " BRIDGE_NAME, err);
	}
	if (r == 0) {
		rtnl_dump_fdb(&m, bridge->index);
		r = dump(l, sock, &m, NULL, take_neigh, "forwarding table of " BRIDGE_NAME, err);
	}
	if (r == 0) {
		rtnl_dump_filters(&m, bridge->index);
		r = dump(l, sock, &m, NULL, take_filter, "tc filters of " BRIDGE_NAME, err);
		if (r == -EINVAL || r == -EOPNOTSUPP) /* no clsact there, or none in the kernel */
			r = 0;
	}
	return r;
}

/* --- nftables ------------------------------------------------------------------------------ */

static int take_nft(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;

	return nft_decode(nlh, &l->nft);
}

static int dump_nft(struct look *l, struct nl_msg *m, const char *what, struct err *err)
{
	l->nft = (struct nft_decoder){ .set = &l->f->ours };
	return dump(l, &l->k->nft, m, NULL, take_nft, what, err);
}

static int look_at_elements(struct look *l, uint8_t family, size_t first, struct err *err)
{
	size_t n = l->f->ours.n;
	int r = 0;

	for (size_t i = first; i < n && r == 0; i++) {
		char name[NFT_NAME_MAX];
		struct nl_msg m;

		if (l->f->ours.v[i].kind != OBJ_NFT_SET || l->f->ours.v[i].family != family ||
		    l->f->ours.v[i].nft_set.size) /* what rules add is no object */
			continue;
		memcpy(name, l->f->ours.v[i].nft_set.name, sizeof(name)); /* the array may move */
		nft_dump_elements(&m, family, name);
		r = dump_nft(l, &m, "nft elements", err);
	}
	return r;
}

static int look_at_table(struct look *l, uint8_t family, struct err *err)
{
	size_t first = l->f->ours.n;
	struct nl_msg m;
	int r;

	nft_dump_chains(&m, family);
	r = dump_nft(l, &m, "nft chains", err);
	if (r < 0)
		return r;
	nft_dump_sets(&m, family);
	r = dump_nft(l, &m, "nft sets", err);
	if (r == 0)
		r = look_at_elements(l, family, first, err);
	if (r < 0)
		return r;
	nft_dump_rules(&m, family);
	return dump_nft(l, &m, "nft rules", err);
}

static bool has_table(const struct facts *f, uint8_t family)
{
	for (size_t i = 0; i < f->ours.n; i++)
		if (f->ours.v[i].kind == OBJ_NFT_TABLE && f->ours.v[i].family == family)
			return true;
	return false;
}

/* --- other firewalls ----------------------------------------------------------------------- */

static int take_foreign_chain(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct fact_chain *fact;
	struct foreign seen;
	int r = foreign_decode(nlh, l->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_CHAIN)
		return r < 0 ? r : 0;
	fact = VEC_PUSH(&l->f->chains);
	if (!fact)
		return -ENOMEM;
	*fact = seen.chain;
	return 0;
}

/* Tables come after the chains: which of those are their makers' own. */
static int take_foreign_table(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct foreign seen;
	int r = foreign_decode(nlh, l->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_TABLE)
		return r < 0 ? r : 0;
	for (size_t i = 0; i < l->f->chains.n; i++) {
		struct fact_chain *c = &l->f->chains.v[i];

		if (c->family == seen.chain.family && !strcmp(c->table, seen.chain.table))
			c->owned = seen.chain.owned;
	}
	return 0;
}

/* Of copies of one accept, which only somebody else can have made, each has a number. */
static uint32_t copies(const struct object_set *set, size_t first, const struct object *o)
{
	struct object same = *o;
	uint32_t n = 0;

	for (size_t i = first; i < set->n; i++) {
		same.nft_accept.nth = n;
		n += object_compare(&set->v[i], &same) == 0;
	}
	return n;
}

static int take_foreign_rule(const struct nlmsghdr *nlh, void *arg)
{
	struct look *l = arg;
	struct foreign seen;
	int r = foreign_decode(nlh, l->f, &seen);

	if (r <= 0 || seen.what != FOREIGN_RULE || strcmp(seen.chain.table, l->chain->table) ||
	    strcmp(seen.chain.name, l->chain->name)) /* in case a kernel tells more than asked */
		return r < 0 ? r : 0;
	l->chain->closes |= seen.chain.closes;
	l->chain->leads_to |= seen.chain.leads_to;
	if (seen.ours) {
		seen.accept.nft_accept.nth = copies(&l->f->ours, l->ours_before, &seen.accept);
		set_add(&l->f->ours, &seen.accept);
	}
	return 0;
}

/*
 * Other firewalls may have thousands of rules: what is asked for is all chains, and the rules of
 * those alone in which accepts of ours are, or would be.
 */
static int look_at_others(struct look *l, struct err *err)
{
	struct nl_sock *sock = &l->k->nft;
	struct facts *f = l->f;
	struct nl_msg m;
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(foreign_families) && r == 0; i++) {
		nft_dump_chains(&m, foreign_families[i]);
		r = dump(l, sock, &m, &f->chains.n, take_foreign_chain, "nft chains", err);
	}
	if (r < 0 || !f->chains.n)
		return r;
	nft_dump_tables(&m);
	r = dump(l, sock, &m, NULL, take_foreign_table, "nft tables", err);
	for (size_t i = 0; i < f->chains.n && r == 0; i++) {
		l->chain = &f->chains.v[i];
		foreign_dump_rules(&m, l->chain->family, l->chain->table, l->chain->name);
		r = dump(l, sock, &m, NULL, take_foreign_rule, "nft rules of others", err);
		if (r == -ENOENT) /* it went meanwhile: an event says so */
			r = 0;
		l->chain = NULL;
	}
	return r;
}

static bool filters_by_legacy(const char *path)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char names[256] = "";

	/* "mangle\nfilter\n": of the tables no other name ends so */
	return fd >= 0 && read(fd, names, sizeof(names) - 1) > 0 && strstr(names, "filter\n");
}

/* A table that goes while it is read is one that is not there. */
static int look_at_nft(struct look *l, struct err *err)
{
	struct nl_msg m;
	int r;

	if (!l->k->nft.nl)
		return 0;
	nft_dump_tables(&m);
	r = dump_nft(l, &m, "nft tables", err);
	if (r == -EPERM)
		return 0;
	if (r < 0)
		return r;
	l->f->nft_visible = true;
	for (size_t i = 0; i < ARRAY_SIZE(nft_families) && r == 0; i++)
		if (has_table(l->f, nft_families[i])) {
			r = look_at_table(l, nft_families[i], err);
			if (r == -ENOENT)
				r = 0;
		}
	if (r == 0)
		r = look_at_others(l, err);
	l->f->legacy_filter = filters_by_legacy("/proc/net/ip_tables_names") ||
			      filters_by_legacy("/proc/net/ip6_tables_names");
	return r;
}

/* --- sysctls -------------------------------------------------------------- */

static int note_sysctl(struct facts *f, const char *path, const char *value)
{
	const struct fact_sysctl *known = facts_sysctl(f, path);
	struct fact_sysctl *s = known ? &f->sysctls.v[known - f->sysctls.v] : VEC_PUSH(&f->sysctls);

	if (!s)
		return -ENOMEM;
	snprintf(s->value, sizeof(s->value), "%s", value);
	if (!known) {
		snprintf(s->path, sizeof(s->path), "%s", path);
		facts_sysctl_added(f);
	}
	return 0;
}

static int read_sysctl(struct facts *f, const char *path)
{
	char value[32], copy[SYSCTL_MAX]; /* the path may be one in the array, which may move */

	if (sysctl_read(path, value, sizeof(value)) < 0)
		return 0; /* this kernel has none */
	snprintf(copy, sizeof(copy), "%s", path);
	return note_sysctl(f, copy, value);
}

/* Of an uplink, and of the VRF that it is in. */
static int read_uplink_sysctls(struct facts *f, const char *uplink)
{
	const struct fact_link *link = facts_link(f, uplink);
	const struct fact_link *vrf = link ? facts_vrf(f, link) : NULL;
	char path[SYSCTL_MAX];
	int r = 0;

	for (size_t i = 0; i < UPLINK_SYSCTL_COUNT && r == 0; i++) {
		own_sysctl_path(&uplink_sysctls[i], uplink, path);
		r = read_sysctl(f, path);
		if (vrf && r == 0) {
			own_sysctl_path(&uplink_sysctls[i], vrf->name, path);
			r = read_sysctl(f, path);
		}
	}
	return r;
}

static int read_port_sysctls(struct facts *f)
{
	_cleanup_close_ int dir = open("/proc/sys/net/ipv6/conf", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	for (size_t i = 0; i < f->links.n && dir >= 0 && r == 0; i++) {
		char path[SYSCTL_MAX], below[SYSCTL_MAX], value[32];

		if (!own_is_port(&f->links.v[i]))
			continue;
		own_sysctl_path(&port_sysctl, f->links.v[i].name, path);
		snprintf(below, sizeof(below), "%s/%s", f->links.v[i].name, port_sysctl.key);
		if (sysctl_read_at(dir, below, value, sizeof(value)) == 0)
			r = note_sysctl(f, path, value);
	}
	return r;
}

/* Where IPv6 forwarding is one switch for all, what else it would change. */
static int read_ip6_forwarding(struct facts *f)
{
	char path[SYSCTL_MAX];
	int r = read_sysctl(f, "net/ipv6/conf/default/accept_ra");

	for (size_t i = 0; i < f->links.n && r == 0; i++) {
		snprintf(path, sizeof(path), "net/ipv6/conf/%s/accept_ra", f->links.v[i].name);
		if (!own_is_link(&f->links.v[i]))
			r = read_sysctl(f, path);
	}
	return r;
}

static int read_sysctls(struct look *l, struct err *err)
{
	static const char *const global[] = {
		"net/ipv6/conf/all/disable_ipv6",
		"net/ipv6/conf/all/force_forwarding",
		"net/ipv6/conf/all/forwarding",
	};
	struct facts *f = l->f;
	char path[SYSCTL_MAX];
	int r = sysctl_list_saved(l->k->rundir, f, err);

	if (r < 0)
		return r;
	facts_sysctl_added(f);
	for (size_t i = 0; i < f->sysctls.n && r == 0; i++)
		r = read_sysctl(f, f->sysctls.v[i].path);
	for (size_t i = 0; i < ARRAY_SIZE(global) && r == 0; i++)
		r = read_sysctl(f, global[i]);
	for (size_t i = 0; i < FRAGMENT_SYSCTL_COUNT && r == 0; i++)
		r = read_sysctl(f, fragment_sysctls[i]);
	for (size_t i = 0; own_bridge(f) && i < BRIDGE_SYSCTL_COUNT && r == 0; i++) {
		own_sysctl_path(&bridge_sysctls[i], BRIDGE_NAME, path);
		r = read_sysctl(f, path);
	}
	for (size_t i = 0; i < f->slots.n && r == 0; i++) {
		const struct fact_link *now = facts_link_by_index(f, f->slots.v[i].index);

		r = read_uplink_sysctls(f, now ? now->name : f->slots.v[i].uplink);
	}
	for (size_t i = 0; i < f->addrs.n && r == 0; i++) {
		const struct fact_link *dev = facts_link_by_index(f, f->addrs.v[i].index);

		if (!dev || f->addrs.v[i].prefix.ip.family != AF_INET ||
		    !facts_same_subnet(f, &f->addrs.v[i], 0))
			continue;
		snprintf(path, sizeof(path), "net/ipv4/conf/%s/arp_announce", dev->name);
		r = read_sysctl(f, path);
	}
	if (r == 0)
		r = read_port_sysctls(f);
	for (size_t i = 0; i < INHERITED_COUNT; i++)
		sysctl_read(inherited_sysctls[i], f->inherited[i].host,
			    sizeof(f->inherited[i].host));
	if (r == 0 && !facts_sysctl(f, "net/ipv6/conf/all/force_forwarding"))
		r = read_ip6_forwarding(f);
	if (r < 0)
		return err_errno(err, -r, "read the sysctls");
	return 0;
}

void observe_fresh(struct facts *f)
{
	for (size_t i = 0; i < INHERITED_COUNT; i++)
		sysctl_read(inherited_sysctls[i], f->inherited[i].fresh,
			    sizeof(f->inherited[i].fresh));
	f->fresh_known = true;
}

int observe_uplink(const char *name, struct facts *f, struct err *err)
{
	int r = read_uplink_sysctls(f, name);

	return r < 0 ? err_errno(err, -r, "read the sysctls") : 0;
}

static bool is_bridge_sysctl(const char *path)
{
	char ours_path[SYSCTL_MAX];

	for (size_t i = 0; i < BRIDGE_SYSCTL_COUNT; i++) {
		own_sysctl_path(&bridge_sysctls[i], BRIDGE_NAME, ours_path);
		if (!strcmp(path, ours_path))
			return true;
	}
	return false;
}

static void sysctls_to_objects(struct facts *f)
{
	for (size_t i = 0; i < f->sysctls.n; i++) {
		const struct fact_sysctl *s = &f->sysctls.v[i];
		struct object o = ours(OBJ_SYSCTL);

		if (!s->before[0] && !is_bridge_sysctl(s->path) && !own_is_port_sysctl(s->path))
			continue;
		memcpy(o.sysctl.path, s->path, sizeof(o.sysctl.path));
		memcpy(o.sysctl.value, s->value, sizeof(o.sysctl.value));
		memcpy(o.sysctl.before, s->before, sizeof(o.sysctl.before));
		memcpy(o.sysctl.set, s->set, sizeof(o.sysctl.set));
		o.sysctl.index = s->index;
		set_add(&f->ours, &o);
	}
}

/* What makes the ULA prefix this machine's own; no way leads back to the machine id. */
static void read_host_id(struct facts *f)
{
	_cleanup_close_ int fd = open("/etc/machine-id", O_RDONLY | O_CLOEXEC);
	uint64_t h = HASH_START;
	char id[33] = "";

	if (fd < 0 || read(fd, id, sizeof(id) - 1) != (ssize_t)sizeof(id) - 1)
		return;
	for (int round = 0; round < 2; round++) {
		h = hash_bytes(h, id, sizeof(id) - 1);
		memcpy(f->host_id + 8 * (size_t)round, &h, sizeof(h));
	}
}

int observe_event(const struct nlmsghdr *nlh, const struct facts *f, struct object *ret)
{
	struct fact_route route;
	struct fact_addr addr;
	struct mac mac;
	struct ip ip;
	uint16_t state;
	uint8_t protocol;
	int index;

	switch (nlh->nlmsg_type) {
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return rtnl_decode_addr(nlh, &addr) > 0 && addr_object(f, &addr, ret);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return rtnl_decode_route(nlh, 0, &route) > 0 && route_object(f, &route, ret);
	case RTM_NEWRULE:
	case RTM_DELRULE:
		*ret = ours(OBJ_RULE);
		return rtnl_decode_rule(nlh, &ret->rule, &protocol) > 0 &&
		       own_is_rule(&ret->rule, protocol);
	case RTM_NEWNEIGH:
	case RTM_DELNEIGH:
		if (rtnl_decode_neigh(nlh, &index, &state, &ip, &mac) <= 0)
			return 0;
		if (nlh->nlmsg_type == RTM_DELNEIGH) /* its state is then "failed" */
			state |= NUD_PERMANENT | NUD_NOARP;
		return neigh_object(f, index, state, &ip, &mac, ret);
	default:
		return 0;
	}
}

static int take_one_link(const struct nlmsghdr *nlh, void *arg)
{
	int r = rtnl_decode_link(nlh, arg);

	return r < 0 ? r : 0;
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

/* Not told before conntrack is loaded. */
static void read_conntrack_max(struct facts *f)
{
	char text[16];

	if (sysctl_read("net/netfilter/nf_conntrack_max", text, sizeof(text)) < 0 ||
	    parse_u32(text, 0, UINT32_MAX, &f->conntrack_max) < 0)
		f->conntrack_max = 0;
}

static bool has_chain(const struct facts *f, const char *name)
{
	for (size_t i = 0; i < f->ours.n; i++)
		if (f->ours.v[i].kind == OBJ_NFT_CHAIN && f->ours.v[i].family == NFPROTO_INET &&
		    !strcmp(f->ours.v[i].nft_chain.name, name))
			return true;
	return false;
}

/*
 * To ask the kernel costs 10 ms (it waits for RCU before it forgets the question), so the daemon
 * alone does it, once; others see it by what the daemon has made (plan/masquerade.c).
 */
static bool has_socket_match(struct look *l)
{
	if (l->k->host_ns >= 0)
		return kernel_has_socket_match(l->k);
	return !has_chain(l->f, "zone") || has_chain(l->f, "from_socket");
}

int observe(struct kernel *k, unsigned int what, struct facts *ret, struct err *err)
{
	struct facts f = { 0 };
	struct look l = { .k = k, .f = &f };
	int r = look_at_links(&l, what & OBSERVE_COUNTERS, err);

	if (r == 0)
		r = look_at_routing(&l, err);
	facts_index_routing(&f);
	if (r == 0)
		r = look_at_bridge(&l, err);
	if (r == 0)
		r = look_at_nft(&l, err);
	if (r == 0 && recorded_find(&f) < 0)
		r = err_errno(err, ENOMEM, "look at the host");
	if (r == 0)
		r = read_sysctls(&l, err);
	if (r == 0)
		r = ports_look(&f, err);
	if (r == 0)
		f.no_socket_match = !has_socket_match(&l);
	if (r == 0) {
		sysctls_to_objects(&f);
		read_host_id(&f);
		read_conntrack_max(&f);
		if (set_sort(&f.ours) < 0)
			r = err_errno(err, ENOMEM, "look at the host");
	}
	if (r < 0)
		facts_done(&f);
	else
		*ret = f;
	return r;
}
