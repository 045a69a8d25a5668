/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Changes of the host by others. An event is a hint: most concern objects of no interest, and many
 * are caused by the daemon itself (the kernel announces a new carrier without saying who caused
 * it). So each is compared with the facts, and only a difference counts. The end of a session is
 * taken into the facts as it comes; every other difference asks for a new observation.
 */
#include <errno.h>
#include <linux/netconf.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "base/vec.h"
#include "daemon/host_state.h"
#include "daemon/relevant.h"
#include "model/own.h"
#include "net/attr.h"
#include "net/foreign.h"
#include "net/rtnl.h"

/* The effect of a burst of events. */
struct effect {
	bool stale;      /* the facts are old */
	bool heal;       /* the host is not as it should be */
	bool gateway;    /* one began to answer, or failed to */
	bool uplink;     /* an uplink is not as it was: so may be its name servers */
	bool others;     /* what no session uses is not as it was (relevant.h) */
	bool ports_gone; /* and what hung on them is still in the facts */
	struct suspect { /* a link of ours to be read again */
		char name[IFNAMSIZ];
		bool gone; /* so it should be: an entry of its has gone */
	} suspects[16];
	size_t n_suspects;
};

static void wrong(struct effect *e)
{
	e->stale = e->heal = true;
}

static void suspect(struct effect *e, const char *name, bool gone)
{
	size_t i = 0;

	while (i < e->n_suspects && strcmp(e->suspects[i].name, name) != 0)
		i++;
	if (i == ARRAY_SIZE(e->suspects)) {
		wrong(e);
		return;
	}
	if (i == e->n_suspects) {
		memcpy(e->suspects[i].name, name, strlen(name) + 1);
		e->suspects[i].gone = false;
		e->n_suspects++;
	}
	e->suspects[i].gone |= gone;
}

/* It has gone: there is nothing to read, and the kernel takes its lock for each question. */
static void unsuspect(struct effect *e, const char *name)
{
	for (size_t i = 0; i < e->n_suspects; i++)
		if (!strcmp(e->suspects[i].name, name)) {
			e->suspects[i] = e->suspects[--e->n_suspects];
			return;
		}
}

static const struct fact_link *known_link(const struct facts *f, const struct fact_link *seen)
{
	const struct fact_link *l = facts_link(f, seen->name);

	return l && (!l->index || l->index == seen->index) ? l : NULL;
}

/*
 * Which port of ours a device that went was; false: none that we know by its index. By its name it
 * could be another device that bore a port's name for a moment, or what the first try of a launch
 * made, whose number the second has: where an index is not known yet, all is observed anew.
 */
static bool gone_port(const struct facts *f, const struct fact_link *seen, char ret[IFNAMSIZ])
{
	const struct fact_link *l = facts_link_by_index(f, seen->index);

	if (!l || strncmp(l->name, PORT_PREFIX, strlen(PORT_PREFIX)) != 0)
		return false;
	memcpy(ret, l->name, IFNAMSIZ);
	return true;
}

/* The kernel has removed a port and all that hung on it; so do the facts. */
static bool forget_port(struct host_state *h, const char *name, struct effect *e)
{
	struct facts *f = &h->facts;
	struct session *ended;
	bool found = false;
	char port[IFNAMSIZ];

	for (size_t i = 0; i < f->sessions.n; i++) {
		session_port(f->sessions.v[i].id, port);
		if (!strcmp(port, name)) {
			late_ended(&h->late, f->sessions.v[i].slot, clock_ms());
			ended = VEC_PUSH(&h->ended);
			if (ended)
				*ended = f->sessions.v[i];
			else
				h->stale |= HOST_STALE_FACTS;
			f->sessions.v[i] = f->sessions.v[--f->sessions.n];
			found = true;
			break;
		}
	}
	found |= spare_lost(h, name);
	facts_remove_link(f, name);
	unsuspect(e, name);
	e->ports_gone = true;
	return found;
}

/* The device of an object that hangs on a port; NULL of any other. */
static const char *port_of(const struct object *o, char buf[IFNAMSIZ])
{
	const size_t front = strlen("net/ipv6/conf/");

	if (o->kind == OBJ_LINK || o->kind == OBJ_LINK_UP)
		return o->link.name;
	if (o->kind == OBJ_FDB)
		return o->fdb.dev;
	if (o->kind != OBJ_SYSCTL || !own_is_port_sysctl(o->sysctl.path))
		return NULL;
	snprintf(buf, IFNAMSIZ, "%.*s", (int)strcspn(o->sysctl.path + front, "/"),
		 o->sysctl.path + front);
	return buf;
}

/* What hung on ports that have gone, however many those are: the array is gone through once. */
static void forget_objects(struct facts *f)
{
	size_t kept = 0;

	for (size_t i = 0; i < f->ours.n; i++) {
		const struct object *o = &f->ours.v[i];
		char buf[IFNAMSIZ];
		const char *port = port_of(o, buf);

		if (port && !strncmp(port, PORT_PREFIX, strlen(PORT_PREFIX)) &&
		    !facts_link(f, port))
			continue;
		if (kept++ != i)
			f->ours.v[kept - 1] = *o;
	}
	f->ours.n = kept;
}

static bool altnames_differ(const struct facts *f, const struct fact_link *known,
			    const struct rtnl_link *link)
{
	const char *name = NULL;

	for (size_t i = 0; i < known->n_altnames; i++) {
		name = rtnl_next_altname(link, name);
		if (!name || strcmp(name, f->altnames.v[known->first_altname + i].name) != 0)
			return true;
	}
	return rtnl_next_altname(link, name) != NULL;
}

static bool link_differs(const struct facts *f, const struct fact_link *a,
			 const struct rtnl_link *link)
{
	const uint32_t flags = IFF_UP | LINK_LOWER_UP;
	const struct fact_link *b = &link->fact;

	return strcmp(a->name, b->name) || altnames_differ(f, a, link) ||
	       memcmp(&a->mac, &b->mac, sizeof(a->mac)) || a->mtu != b->mtu ||
	       a->master != b->master || (a->flags & flags) != (b->flags & flags);
}

static void on_link(struct host_state *h, const struct nlmsghdr *nlh, struct effect *e)
{
	struct facts *f = &h->facts;
	const struct ifinfomsg *ifi = mnl_nlmsg_get_payload(nlh);
	const struct fact_link *known;
	struct rtnl_link l;
	char port[IFNAMSIZ];
	bool own;

	if (rtnl_decode_link(nlh, &l) <= 0)
		return;
	known = known_link(f, &l.fact);
	own = own_is_link(&l.fact) || (known && own_is_link(known));
	if (nlh->nlmsg_type == RTM_DELLINK && ifi->ifi_family == AF_UNSPEC) {
		if (own_is_port(&l.fact)) /* also where it was observed that it is gone */
			session_log_ended(h, own_port_id(l.fact.name), l.fact.tx_bytes);
		if (gone_port(f, &l.fact, port))
			e->heal |= forget_port(h, port, e);
		else if (!strcmp(l.fact.name, BRIDGE_NAME) ||
			 (own_port_id(l.fact.name) && known && !known->index))
			wrong(e);
		else if (relevant_link(f, l.fact.index))
			e->stale = e->uplink = true;
		else if (relevant_to_plan(f, known))
			e->stale = true;
		else
			e->others = true;
		return;
	}
	if (own) { /* the carrier changes often; the rest is compared */
		if (known && !known->index)
			facts_number_link(f, l.fact.name, l.fact.index);
		suspect(e, l.fact.name, false);
		return;
	}
	if (ifi->ifi_family != AF_UNSPEC || (known && !link_differs(f, known, &l)))
		return;
	if (relevant_link(f, l.fact.index) || relevant_as(f, &l))
		e->stale = e->uplink = true;
	else if (relevant_to_plan(f, known) || relevant_to_plan(f, &l.fact))
		e->stale = true;
	else
		e->others = true;
}

static bool address_known(const struct facts *f, const struct fact_addr *a)
{
	for (const struct fact_addr *b = NULL; (b = facts_next_addr(f, a->index, b));) {
		if (b->prefix.len == a->prefix.len && ip_equal(&b->prefix.ip, &a->prefix.ip))
			return b->flags == a->flags;
	}
	return false;
}

static bool route_known(const struct facts *f, const struct fact_route *r)
{
	for (const struct fact_route *s = NULL; (s = facts_next_route(f, r->index, s));) {
		if (s->table == r->table && s->metric == r->metric && s->type == r->type &&
		    s->dst.len == r->dst.len && ip_equal(&s->dst.ip, &r->dst.ip) &&
		    ip_equal(&s->gateway, &r->gateway))
			return s->mtu == r->mtu && ip_equal(&s->src, &r->src) &&
			       s->dead == r->dead && s->preference == r->preference;
	}
	return false;
}

/* A route that is not ours, of one next hop or more; false when the message is about none. */
static bool on_route(const struct facts *f, const struct nlmsghdr *nlh, struct effect *e)
{
	const bool is_new = nlh->nlmsg_type == RTM_NEWROUTE;
	const bool replaces = is_new && nlh->nlmsg_flags & NLM_F_REPLACE;
	struct fact_route route;
	int hop = 0;

	for (; rtnl_decode_route(nlh, hop, &route) > 0; hop++) {
		if (is_new && !replaces && route_known(f, &route))
			continue;
		if ((f->slots.n && relevant_to_all(&route)) ||
		    (route.index && relevant_link(f, route.index)) ||
		    (replaces && !hop && relevant_replaces(f, &route)))
			e->stale = e->uplink = true;
		else if (relevant_route(f, &route))
			e->stale = true;
		else
			e->others = true;
	}
	return hop;
}

/* Addresses and routes that are not ours: of interest where they belong to an uplink. */
static void on_foreign(const struct facts *f, const struct nlmsghdr *nlh, struct effect *e)
{
	struct fact_addr addr;

	if (nlh->nlmsg_type == RTM_NEWRULE || nlh->nlmsg_type == RTM_DELRULE ||
	    nlh->nlmsg_type == RTM_NEWNEXTHOP || nlh->nlmsg_type == RTM_DELNEXTHOP) {
		/* the host may now send by another route; routes that go with their nexthop
		 * object are not announced (net/ipv4/fib_trie.c:fib_table_flush) */
		e->stale = e->uplink = true;
		return;
	}
	if (on_route(f, nlh, e) || rtnl_decode_addr(nlh, &addr) <= 0)
		return;
	if (nlh->nlmsg_type == RTM_NEWADDR && address_known(f, &addr))
		return; /* its lifetime was renewed */
	if ((addr.index && relevant_link(f, addr.index)) ||
	    (nlh->nlmsg_type == RTM_DELADDR && relevant_gateway(f, &addr.prefix.ip)))
		e->stale = e->uplink = true;
	else if (relevant_address(f, &addr))
		e->stale = true;
	else
		e->others = true;
}

/* there: it is so now; else it has gone, or no longer is what an object of ours would be. */
static void on_object(const struct host_state *h, const struct object *o, bool there,
		      struct effect *e)
{
	const struct object *have = set_find(&h->facts.ours, o);

	if (o->kind == OBJ_FDB && have && !there)
		suspect(e, o->fdb.dev,
			true); /* it goes with its port, and is announced before it */
	if (o->kind == OBJ_FDB)
		return;
	if (o->kind == OBJ_NEIGH && !there && !have && !set_find(&h->wanted, o))
		return; /* the host asks for an address of the pool that is no session's */
	/* our last changes are not in the facts: until the next observation each link is suspect */
	if (h->knowledge == HOST_CHANGED || (there ? !have || !object_same(o, have) : have != NULL))
		wrong(e);
}

/* A neighbour of the host's: of interest where it is a gateway that there is a choice of. */
static void on_neigh(struct facts *f, const struct nlmsghdr *nlh, struct effect *e)
{
	struct fact_gateway seen;

	if (f->gateways.n && rtnl_decode_gateway(nlh, &seen) > 0)
		e->gateway |= gateways_take(f, seen.index, &seen.ip, seen.state);
}

/* Forwarding was switched on a device (ip-monitor(8), netconf). */
static void on_netconf(const struct facts *f, const struct nlmsghdr *nlh, struct effect *e)
{
	const struct netconfmsg *ncm = mnl_nlmsg_get_payload(nlh);
	const struct nlattr *tb[NETCONFA_FORWARDING + 1];
	const struct fact_link *l;
	int index;

	attrs_of(nlh, sizeof(*ncm), tb, NETCONFA_FORWARDING);
	index = (int)u32_of(tb[NETCONFA_IFINDEX], 0);
	l = facts_link_by_index(f, index);
	if (l && !u32_of(tb[NETCONFA_FORWARDING], 1) && ncm->ncm_family == AF_INET &&
	    (!strcmp(l->name, BRIDGE_NAME) || facts_slot(f, l->name)))
		wrong(e);
	if (index == NETCONFA_IFINDEX_ALL)
		e->stale = true;
}

/* Whether it is the port of a session with a rate, which has a qdisc of ours. */
static bool is_shaped(const struct facts *f, const struct fact_link *l)
{
	const uint32_t id = own_port_id(l->name);

	for (size_t i = 0; i < f->sessions.n && id; i++)
		if (f->sessions.v[i].id == id)
			return f->sessions.v[i].rates.down != 0;
	return false;
}

static void on_rtnl(struct host_state *h, const struct nlmsghdr *nlh, struct effect *e)
{
	struct facts *f = &h->facts;
	struct object o;
	bool there;

	switch (nlh->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		h->link_events++;
		on_link(h, nlh, e);
		break;
	case RTM_NEWQDISC:
	case RTM_DELQDISC:
	case RTM_NEWTFILTER:
	case RTM_DELTFILTER: {
		const struct tcmsg *tcm = mnl_nlmsg_get_payload(nlh);
		const struct fact_link *l = facts_link_by_index(f, tcm->tcm_ifindex);

		if (l && (!strcmp(l->name, BRIDGE_NAME) || is_shaped(f, l)))
			wrong(e);
		break;
	}
	case RTM_NEWNETCONF:
		on_netconf(f, nlh, e);
		break;
	default:
		if (observe_event(nlh, f, &o, &there))
			on_object(h, &o, there, e);
		else if (nlh->nlmsg_type == RTM_NEWNEIGH || nlh->nlmsg_type == RTM_DELNEIGH)
			on_neigh(f, nlh, e);
		else
			on_foreign(f, nlh, e);
		break;
	}
}

/*
 * Whether something about another firewall changes what we want in it, or what we have there.
 * Most of it does not: Docker alone writes a dozen rules for each container.
 */
static bool concerns_us(const struct facts *f, const struct foreign *seen)
{
	const struct fact_chain *c = &seen->chain, *known;

	if (seen->what == FOREIGN_TABLE) {
		for (size_t i = 0; i < f->chains.n && seen->gone; i++)
			if (f->chains.v[i].family == c->family &&
			    !strcmp(f->chains.v[i].table, c->table))
				return true;
		return false;
	}
	known = facts_chain(f, c->family, c->table, c->name);
	if (seen->what == FOREIGN_CHAIN)
		return seen->gone ? known != NULL : !known || known->drops != c->drops;
	return known && ((seen->ours && seen->gone) || (known->base && (c->closes || c->leads_to)));
}

static void on_nft(const struct nlmsghdr *nlh, const struct facts *f, struct effect *e)
{
	const struct nlattr *tb[2]; /* the table's name is attribute 1 of each kind of message */
	struct foreign seen;
	const char *table;

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES ||
	    (nlh->nlmsg_type & 0xff) == NFT_MSG_NEWGEN)
		return;
	attrs_of(nlh, sizeof(struct nfgenmsg), tb, 1);
	table = str_of(tb[1]);
	if ((table && !strcmp(table, NFT_TABLE_NAME)) ||
	    (foreign_decode(nlh, f, &seen) > 0 && concerns_us(f, &seen)))
		wrong(e);
}

/* Hands each message of others to its handler. False when the socket overflowed. */
static bool drain(struct nl_sock *sock, uint32_t own, struct host_state *h, struct effect *e)
{
	for (;;) {
		char buf[65536] __attribute__((aligned(8)));
		ssize_t n = nl_recv(sock, buf, sizeof(buf), MSG_DONTWAIT | MSG_TRUNC);
		const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno != ENOBUFS;
		if ((size_t)n > sizeof(buf))
			return false;
		for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
			if (nlh->nlmsg_pid == own && own)
				continue;
			if (sock == &h->events)
				on_rtnl(h, nlh, e);
			else
				on_nft(nlh, &h->facts, e);
		}
	}
}

static void check_suspects(struct host_state *h, struct effect *e)
{
	for (size_t i = 0; i < e->n_suspects; i++) {
		struct object now = { 0 }, key = { .kind = OBJ_LINK, .place = PLACE_HOST };
		struct err ignored = { 0 };
		const struct suspect *s = &e->suspects[i];
		const struct object *have;
		int up = observe_link(&h->kernel, &h->facts, s->name, &now, &ignored);

		memcpy(key.link.name, s->name, IFNAMSIZ);
		key.link.kind = strcmp(key.link.name, BRIDGE_NAME) ? LINK_VETH : LINK_BRIDGE;
		have = set_find(&h->facts.ours, &key);
		key.kind = OBJ_LINK_UP;
		if (up == -ENODEV && key.link.kind == LINK_VETH)
			continue; /* its own event follows */
		if (s->gone || up < 0 || up != (set_find(&h->facts.ours, &key) != NULL) || !have ||
		    !object_same(&now, have))
			wrong(e);
	}
}

bool host_take_events(struct host_state *h)
{
	struct effect e = { 0 };

	if (!drain(&h->events, h->kernel.route.portid, h, &e))
		wrong(&e);
	if (!drain(&h->nft_events, h->kernel.nft.portid, h, &e))
		wrong(&e);
	if (e.ports_gone)
		forget_objects(&h->facts);
	check_suspects(h, &e);
	h->stale |= e.stale ? HOST_STALE_FACTS : 0;
	h->stale |= e.uplink ? HOST_STALE_NAMES : 0;
	h->others_stale |= e.others;
	return e.heal || e.uplink || e.gateway;
}
