/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/print.h"

#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "model/accept.h"
#include "model/own.h"

/*
 * `ip -n NAME …` for what is inside the session. A word such as "dev" stands in front of each
 * device name: a device called "type" would confuse ip(8).
 */
static void ip(struct strbuf *sb, const struct object *o, const char *netns)
{
	strbuf_add(sb, "ip ");
	if (o->place == PLACE_SESSION)
		strbuf_add(sb, "-n %s ", netns);
}

static const char *family_option(uint8_t family)
{
	return family == AF_INET6 ? "-6 " : "";
}

static void dev(struct strbuf *sb, const char *name)
{
	strbuf_add(sb, "dev ");
	strbuf_add_word(sb, name);
}

static void add_link(struct strbuf *sb, const struct object *o, const char *netns)
{
	const struct obj_link *l = &o->link;
	char mac[MAC_TEXT_MAX];
	struct session s;

	if (l->kind == LINK_BRIDGE) {
		strbuf_add(sb, "ip link add name %s address %s type bridge group_fwd_mask 0x%x\n",
			   l->name, mac_format(&l->mac, mac), BRIDGE_GROUP_FWD_MASK);
		strbuf_add(sb, "ip link set dev %s mtu %u alias ", l->name, l->mtu);
		strbuf_add_word(sb, l->alias);
		strbuf_add(sb, "\n");
		return;
	}
	if (session_parse(l->alias, &s) == 0)
		netns = s.name; /* beside the session that is planned there are others' ports */
	strbuf_add(sb, "ip link add name %s group %u ", l->name, OWN_PORT_GROUP);
	if (l->mtu)
		strbuf_add(sb, "mtu %u ", l->mtu);
	strbuf_add(sb, "address %s master %s type veth peer name %s ", mac_format(&l->mac, mac),
		   l->master, l->peer);
	if (l->peer_mtu)
		strbuf_add(sb, "mtu %u ", l->peer_mtu);
	strbuf_add(sb, "address %s netns %s\n", mac_format(&l->peer_mac, mac), netns);
	strbuf_add(sb, "ip link set dev %s arp off alias ", l->name);
	strbuf_add_word(sb, l->alias);
	strbuf_add(sb,
		   "\nip link set dev %s type bridge_slave isolated on learning off flood off "
		   "mcast_flood off bcast_flood off\n",
		   l->name);
}

static void altname(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	ip(sb, o, netns);
	strbuf_add(sb, "link property %s ", verb);
	dev(sb, o->altname.dev);
	strbuf_add(sb, " altname ");
	strbuf_add_word(sb, o->altname.name);
	strbuf_add(sb, "\n");
}

static void address(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	char text[IP_TEXT_MAX];

	ip(sb, o, netns);
	strbuf_add(sb, "address %s %s ", verb, prefix_format(&o->address.prefix, text));
	if (o->address.prefix.ip.family == AF_INET && !strcmp(verb, "add"))
		strbuf_add(sb, "brd + ");
	dev(sb, o->address.dev);
	if (o->address.prefix.ip.family == AF_INET6 && !strcmp(verb, "add"))
		strbuf_add(sb, " nodad");
	strbuf_add(sb, "\n");
}

/* ip-route(8), TYPE */
static const char *stop_text(uint8_t stop)
{
	switch (stop) {
	case RTN_UNREACHABLE:
		return "unreachable ";
	case RTN_PROHIBIT:
		return "prohibit ";
	case RTN_BLACKHOLE:
		return "blackhole ";
	default:
		return "";
	}
}

static void route(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	const struct obj_route *r = &o->route;
	char text[IP_TEXT_MAX];

	ip(sb, o, netns);
	strbuf_add(sb, "%sroute %s %s%s", family_option(r->dst.ip.family), verb, stop_text(r->stop),
		   r->dst.len ? prefix_format(&r->dst, text) : "default");
	if (ip_is_set(&r->gateway))
		strbuf_add(sb, " via %s%s", r->gateway.family != r->dst.ip.family ? "inet6 " : "",
			   ip_format(&r->gateway, text));
	if (r->dev[0]) {
		strbuf_add(sb, " ");
		dev(sb, r->dev);
	}
	strbuf_add(sb, " table %u", r->table);
	if (r->metric)
		strbuf_add(sb, " metric %u", r->metric);
	if (o->place == PLACE_HOST)
		strbuf_add(sb, " proto %u", VIA_RTPROT);
	else
		strbuf_add(sb, " proto static");
	if (r->mtu)
		strbuf_add(sb, " mtu %u", r->mtu);
	if (r->onlink)
		strbuf_add(sb, " onlink");
	strbuf_add(sb, "\n");
}

static void rule(struct strbuf *sb, const struct obj_rule *r, const char *verb)
{
	strbuf_add(sb, "ip %srule %s priority %u%s", family_option(r->family), verb, r->priority,
		   r->not_iif ? " not" : "");
	if (r->mask)
		strbuf_add(sb, " fwmark 0x%08x/0x%08x", r->mark, r->mask);
	if (r->iif[0]) {
		strbuf_add(sb, " iif ");
		strbuf_add_word(sb, r->iif);
	}
	if (r->action == RULE_LOOKUP)
		strbuf_add(sb, " lookup %u", r->table);
	strbuf_add(sb, " protocol %u", VIA_RTPROT);
	if (r->action == RULE_UNREACHABLE)
		strbuf_add(sb, " unreachable");
	if (r->action == RULE_BLACKHOLE)
		strbuf_add(sb, " blackhole");
	strbuf_add(sb, "\n");
}

static void sysctl(struct strbuf *sb, const struct object *o, const char *value, const char *netns)
{
	char assignment[SYSCTL_MAX + 40];

	if (o->place == PLACE_SESSION)
		strbuf_add(sb, "ip netns exec %s ", netns);
	strbuf_add(sb, "sysctl -qw ");
	snprintf(assignment, sizeof(assignment), "%s=%s", o->sysctl.path, value);
	strbuf_add_word(sb, assignment);
	strbuf_add(sb, "\n");
}

static void add_tc(struct strbuf *sb, const struct obj_tc *t)
{
	/* load the mark; AND the mask; equal: TC_ACT_UNSPEC (-1), else TC_ACT_SHOT (2) */
	strbuf_add(sb, "tc qdisc add dev %s clsact\n", t->dev);
	strbuf_add(
		sb,
		"tc filter add dev %s ingress protocol all priority 1 handle 1 bpf direct-action "
		"bytecode '5,32 0 0 4294963220,84 0 0 %u,21 0 1 %u,6 0 0 4294967295,6 0 0 2'\n",
		t->dev, t->mask, t->mark);
}

static void qdisc(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	const struct obj_qdisc *q = &o->qdisc;

	if (o->place == PLACE_SESSION)
		strbuf_add(sb, "ip netns exec %s ", netns);
	strbuf_add(sb, "tc qdisc %s dev %s root", verb, q->dev);
	if (!strcmp(verb, "replace"))
		strbuf_add(sb,
			   " handle " QDISC_HANDLE_TEXT ": tbf rate %" PRIu64
			   "bit burst %u limit %u",
			   (uint64_t)q->rate * 8, q->burst, q->limit);
	strbuf_add(sb, "\n");
}

static void nft(struct strbuf *sb, const struct object *o, const char *verb, const char *what,
		const char *netns)
{
	if (o->place == PLACE_SESSION)
		strbuf_add(sb, "ip netns exec %s ", netns);
	strbuf_add(sb, "nft '%s %s %s %s", verb, what, nft_family_name(o->family), object_table(o));
}

/* A command that ends with what it is about; name is "" where that is the table. */
static void nft_whole(struct strbuf *sb, const struct object *o, const char *verb, const char *what,
		      const char *name, const char *netns)
{
	nft(sb, o, verb, what, netns);
	strbuf_add(sb, "%s%s'\n", *name ? " " : "", name);
}

static void add_chain(struct strbuf *sb, const struct object *o, const char *netns)
{
	const struct obj_nft_chain *c = &o->nft_chain;

	nft(sb, o, "add", "chain", netns);
	strbuf_add(sb, " %s", c->name);
	if (c->base)
		strbuf_add(sb, " { type %s hook %s priority %d; }", c->type,
			   nft_hook_name(o->family, c->hook), c->priority);
	strbuf_add(sb, "'\n");
}

static void add_set(struct strbuf *sb, const struct object *o, const char *netns)
{
	const struct obj_nft_set *s = &o->nft_set;

	nft(sb, o, "add", s->vmap || s->data ? "map" : "set", netns);
	strbuf_add(sb, " %s { type ", s->name);
	for (size_t i = 0; i < s->n_types; i++)
		strbuf_add(sb, "%s%s", i ? " . " : "", nft_type_name(s->types[i]));
	if (s->data)
		strbuf_add(sb, " : %s%s", nft_type_name(s->data),
			   s->data_port ? " . inet_service" : "");
	strbuf_add(sb, "%s; ", s->vmap ? " : verdict" : "");
	if (s->size)
		strbuf_add(sb, "size %u; flags dynamic%s; ", s->size, s->timeout ? ",timeout" : "");
	if (s->timeout)
		strbuf_add(sb, "timeout %us; ", s->timeout);
	strbuf_add(sb, "}'\n");
}

static void element(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	const struct obj_nft_element *e = &o->nft_element;
	_cleanup_strbuf_ struct strbuf key = { 0 };
	char text[IP_TEXT_MAX];

	nft(sb, o, verb, "element", netns);
	strbuf_add(sb, " %s { ", e->set);
	nft_print_key(&key, &e->key);
	strbuf_add_quotable(sb, strbuf_text(&key));
	sb->failed |= strbuf_failed(&key);
	if (e->vmap && !strcmp(verb, "add")) {
		strbuf_add(sb, " : ");
		nft_print_verdict(sb, e->verdict, e->chain);
	}
	if (ip_is_set(&e->data) && !strcmp(verb, "add"))
		strbuf_add(sb, " : %s", ip_format(&e->data, text));
	if (e->data_port && !strcmp(verb, "add"))
		strbuf_add(sb, " . %u", (unsigned int)e->data_port);
	strbuf_add(sb, " }'\n");
}

static void add_rule(struct strbuf *sb, const struct object *o, const char *netns)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };

	nft(sb, o, "add", "rule", netns);
	strbuf_add(sb, " %s ", o->nft_rule.chain);
	if (o->nft_rule.rule)
		nft_print_rule(&text, o->nft_rule.rule);
	strbuf_add_quotable(sb, strbuf_text(&text));
	sb->failed |= strbuf_failed(&text);
	strbuf_add(sb, "'\n");
}

/* -I or -D; iptables finds what it removes by its words. */
static void iptables_accept(struct strbuf *sb, const struct object *o, const char *command)
{
	static const char *const states[ACCEPT_WHAT_COUNT] = {
		[ACCEPT_FROM] = "",
		[ACCEPT_REPLIES] = "RELATED,ESTABLISHED",
		[ACCEPT_INBOUND] = "DNAT",
	};
	const struct obj_nft_accept *a = &o->nft_accept;

	strbuf_add(sb, "%s ", o->family == NFPROTO_IPV6 ? "ip6tables-nft" : "iptables-nft");
	if (strcmp(a->table, "filter") != 0) {
		strbuf_add(sb, "-t ");
		strbuf_add_word(sb, a->table);
		strbuf_add(sb, " ");
	}
	strbuf_add(sb, "%s ", command);
	strbuf_add_word(sb, a->chain);
	strbuf_add(sb,
		   " -%s " BRIDGE_NAME "%s%s -m comment --comment " ACCEPT_COMMENT " -j ACCEPT\n",
		   a->what == ACCEPT_FROM ? "i" : "o",
		   a->what == ACCEPT_FROM ? "" : " -m conntrack --ctstate ", states[a->what]);
}

static void foreign_chain(struct strbuf *sb, const struct object *o)
{
	strbuf_add(sb, "%s ", nft_family_name(o->family));
	strbuf_add_quotable(sb, o->nft_accept.table);
	strbuf_add(sb, " ");
	strbuf_add_quotable(sb, o->nft_accept.chain);
}

static void add_accept(struct strbuf *sb, const struct object *o)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct nft_rule rule;

	if (o->nft_accept.iptables) {
		iptables_accept(sb, o, "-I");
		return;
	}
	accept_rule(&o->nft_accept, &rule);
	nft_print_rule(&text, &rule);
	sb->failed |= strbuf_failed(&text);
	strbuf_add(sb, "nft 'insert rule ");
	foreign_chain(sb, o);
	strbuf_add(sb, " %s comment \"" ACCEPT_COMMENT "\"'\n", strbuf_text(&text));
}

/* nft(8) removes a rule by its handle alone, which is found where the rule stands. */
static void remove_accept(struct strbuf *sb, const struct object *o)
{
	static const char *const begins[ACCEPT_WHAT_COUNT] = {
		[ACCEPT_FROM] = "iifname \"" BRIDGE_NAME "\"",
		[ACCEPT_REPLIES] = "oifname \"" BRIDGE_NAME "\" ct state",
		[ACCEPT_INBOUND] = "oifname \"" BRIDGE_NAME "\" ct status",
	};

	if (o->nft_accept.iptables) {
		iptables_accept(sb, o, "-D");
		return;
	}
	strbuf_add(sb, "nft 'delete rule ");
	foreign_chain(sb, o);
	if (o->nft_accept.handle) {
		strbuf_add(sb, " handle %llu'\n", (unsigned long long)o->nft_accept.handle);
		return;
	}
	strbuf_add(sb, " handle '$(nft -a 'list chain ");
	foreign_chain(sb, o);
	strbuf_add(sb, "' | sed -n 's/.*%s.* comment \"" ACCEPT_COMMENT "\" # handle //p')\n",
		   begins[o->nft_accept.what]);
}

static void neigh(struct strbuf *sb, const struct object *o, const char *verb, const char *netns)
{
	char text[IP_TEXT_MAX], mac[MAC_TEXT_MAX];

	ip(sb, o, netns);
	strbuf_add(sb, "neighbour %s %s ", verb, ip_format(&o->neigh.ip, text));
	if (strcmp(verb, "del"))
		strbuf_add(sb, "lladdr %s nud permanent ", mac_format(&o->neigh.mac, mac));
	dev(sb, o->neigh.dev);
	strbuf_add(sb, "\n");
}

static void fdb(struct strbuf *sb, const struct obj_fdb *f, const char *verb, const char *more)
{
	char mac[MAC_TEXT_MAX];

	strbuf_add(sb, "bridge fdb %s %s dev %s master%s\n", verb, mac_format(&f->mac, mac), f->dev,
		   more);
}

void print_add(struct strbuf *sb, const struct object *o, const char *netns)
{
	switch (o->kind) {
	case OBJ_NETNS:
		strbuf_add(sb, "ip netns add %s\n", netns);
		break;
	case OBJ_LINK:
		add_link(sb, o, netns);
		break;
	case OBJ_LINK_UP:
		ip(sb, o, netns);
		strbuf_add(sb, "link set dev %s up\n", o->link_up.name);
		break;
	case OBJ_ALTNAME:
		altname(sb, o, "add", netns);
		break;
	case OBJ_ADDRESS:
		address(sb, o, "add", netns);
		break;
	case OBJ_ROUTE:
		route(sb, o, "add", netns);
		break;
	case OBJ_RULE:
		rule(sb, &o->rule, "add");
		break;
	case OBJ_NEIGH:
		neigh(sb, o, "replace", netns);
		break;
	case OBJ_FDB:
		fdb(sb, &o->fdb, "replace", " static");
		break;
	case OBJ_TC:
		add_tc(sb, &o->tc);
		break;
	case OBJ_QDISC:
		qdisc(sb, o, "replace", netns);
		break;
	case OBJ_SYSCTL:
		sysctl(sb, o, o->sysctl.value, netns);
		break;
	case OBJ_NFT_TABLE:
		nft_whole(sb, o, "add", "table", "", netns);
		break;
	case OBJ_NFT_CHAIN:
		add_chain(sb, o, netns);
		break;
	case OBJ_NFT_SET:
		add_set(sb, o, netns);
		break;
	case OBJ_NFT_ELEMENT:
		element(sb, o, "add", netns);
		break;
	case OBJ_NFT_RULE:
		add_rule(sb, o, netns);
		break;
	case OBJ_NFT_ACCEPT:
		add_accept(sb, o);
		break;
	case OBJ_KIND_COUNT:
		break;
	}
}

bool print_goes_along(const struct object *o)
{
	switch (o->kind) {
	case OBJ_LINK:
	case OBJ_ROUTE:
	case OBJ_RULE:
	case OBJ_NFT_TABLE:
	case OBJ_NETNS:
		return o->place == PLACE_SESSION ||
		       (o->kind == OBJ_ROUTE && !strcmp(o->route.dev, BRIDGE_NAME));
	case OBJ_SYSCTL:
		return !o->sysctl.before[0];
	case OBJ_NFT_ACCEPT:
		return false;
	case OBJ_LINK_UP:
	case OBJ_ALTNAME:
	case OBJ_ADDRESS:
	case OBJ_NEIGH:
	case OBJ_FDB:
	case OBJ_TC:
	case OBJ_QDISC:
	case OBJ_NFT_CHAIN:
	case OBJ_NFT_SET:
	case OBJ_NFT_ELEMENT:
	case OBJ_NFT_RULE:
	case OBJ_KIND_COUNT:
		break;
	}
	return true;
}

void print_remove(struct strbuf *sb, const struct object *o, const char *netns)
{
	switch (o->kind) {
	case OBJ_NETNS:
		strbuf_add(sb, "ip netns del %s\n", netns);
		break;
	case OBJ_LINK:
		strbuf_add(sb, "ip link del dev %s\n", o->link.name);
		break;
	case OBJ_LINK_UP:
		ip(sb, o, netns);
		strbuf_add(sb, "link set dev %s down\n", o->link_up.name);
		break;
	case OBJ_ALTNAME:
		altname(sb, o, "del", netns);
		break;
	case OBJ_ADDRESS:
		address(sb, o, "del", netns);
		break;
	case OBJ_ROUTE:
		route(sb, o, "del", netns);
		break;
	case OBJ_RULE:
		rule(sb, &o->rule, "del");
		break;
	case OBJ_NEIGH:
		neigh(sb, o, "del", netns);
		break;
	case OBJ_FDB:
		fdb(sb, &o->fdb, "del", "");
		break;
	case OBJ_TC:
		strbuf_add(sb, "tc qdisc del dev %s clsact\n", o->tc.dev);
		break;
	case OBJ_QDISC:
		qdisc(sb, o, "del", netns);
		break;
	case OBJ_SYSCTL:
		if (o->sysctl.before[0])
			sysctl(sb, o, o->sysctl.before, netns);
		break;
	case OBJ_NFT_TABLE:
		nft_whole(sb, o, "delete", "table", "", netns);
		break;
	case OBJ_NFT_CHAIN:
		nft_whole(sb, o, "delete", "chain", o->nft_chain.name, netns);
		break;
	case OBJ_NFT_SET:
		nft_whole(sb, o, "delete", o->nft_set.vmap || o->nft_set.data ? "map" : "set",
			  o->nft_set.name, netns);
		break;
	case OBJ_NFT_ELEMENT:
		element(sb, o, "delete", netns);
		break;
	case OBJ_NFT_RULE:
		nft_whole(sb, o, "flush", "chain", o->nft_rule.chain, netns);
		break;
	case OBJ_NFT_ACCEPT:
		remove_accept(sb, o);
		break;
	case OBJ_KIND_COUNT:
		break;
	}
}
