/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/object.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "model/own.h"

static const char *const kind_names[] = {
	[OBJ_NETNS] = "netns",
	[OBJ_LINK] = "link",
	[OBJ_LINK_UP] = "link",
	[OBJ_ALTNAME] = "altname",
	[OBJ_ADDRESS] = "address",
	[OBJ_ROUTE] = "route",
	[OBJ_RULE] = "rule",
	[OBJ_NEIGH] = "neighbour",
	[OBJ_FDB] = "fdb",
	[OBJ_TC] = "tc",
	[OBJ_QDISC] = "qdisc",
	[OBJ_SYSCTL] = "sysctl",
	[OBJ_NFT_TABLE] = "nft table",
	[OBJ_NFT_CHAIN] = "nft chain",
	[OBJ_NFT_SET] = "nft set",
	[OBJ_NFT_ELEMENT] = "nft element",
	[OBJ_NFT_RULE] = "nft rule",
	[OBJ_NFT_ACCEPT] = "nft accept",
};
static_assert(sizeof(kind_names) / sizeof(kind_names[0]) == OBJ_KIND_COUNT, "a kind has no name");

const char *object_kind_name(enum object_kind kind)
{
	return kind_names[kind];
}

bool object_is_nft(const struct object *o)
{
	return o->kind >= OBJ_NFT_TABLE && o->kind <= OBJ_NFT_ACCEPT;
}

const char *object_table(const struct object *o)
{
	return o->attached ? NFT_TABLE_ATTACHED : NFT_TABLE_NAME;
}

/*
 * What drops and blocks comes first: all of nft, which is one transaction anyway; then the bridge,
 * still without ports, the tc filter, and the unreachable routes and rules before those that lead
 * out. Only then is forwarding switched on for the uplink. A session's port and its inside come
 * last: until eth0 is up the session sends nothing.
 */
static int host_rank(const struct object *o)
{
	switch (o->kind) {
	case OBJ_NFT_TABLE:
		return 0;
	case OBJ_NFT_CHAIN:
		return 1;
	case OBJ_NFT_SET:
		return 2;
	case OBJ_NFT_ELEMENT:
		return 3;
	case OBJ_NFT_RULE:
		return 4;
	case OBJ_NFT_ACCEPT: /* in another firewall: ours drops already */
		return 5;
	case OBJ_LINK:
		return o->link.kind == LINK_BRIDGE ? 10 : 41;
	case OBJ_SYSCTL: /* of our own device before it is up, of the uplink after the fences */
		if (!o->sysctl.before[0])
			return own_is_port_sysctl(o->sysctl.path) ? 42 : 11;
		return strstr(o->sysctl.path, "/accept_ra") ? 30 : 31;
	case OBJ_TC:
		return 12;
	case OBJ_ADDRESS:
		return 13;
	case OBJ_LINK_UP:
		return strcmp(o->link_up.name, BRIDGE_NAME) ? 44 : 14;
	case OBJ_ROUTE: /* a gateway is looked up in the table itself: its network comes first */
		if (o->route.stop)
			return 20;
		return !o->route.dst.len ? 24 : o->route.metric == OWN_METRIC_GATEWAY ? 22 : 23;
	case OBJ_RULE:
		return o->rule.action == RULE_LOOKUP ? 25 : 21;
	case OBJ_NETNS:
		return 40;
	case OBJ_ALTNAME:
	case OBJ_FDB:
	case OBJ_QDISC: /* before its device is up */
		return 42;
	case OBJ_NEIGH:
		return 43;
	case OBJ_KIND_COUNT:
		break;
	}
	return 0;
}

static int session_rank(const struct object *o)
{
	switch (o->kind) {
	case OBJ_SYSCTL:
		return 50;
	case OBJ_NFT_TABLE:
	case OBJ_NFT_CHAIN:
	case OBJ_NFT_SET:
	case OBJ_NFT_ELEMENT:
	case OBJ_NFT_RULE:
	case OBJ_NFT_ACCEPT:
		return 51 + (int)o->kind - (int)OBJ_NFT_TABLE;
	case OBJ_ALTNAME:
	case OBJ_QDISC:
		return 58;
	case OBJ_ADDRESS:
		return 60;
	case OBJ_LINK_UP:
		return 61;
	case OBJ_NEIGH:
		return 62;
	case OBJ_ROUTE: /* what stops comes before anything of ours is up */
		return o->route.stop ? 59 : 63;
	case OBJ_NETNS:
	case OBJ_LINK:
	case OBJ_RULE:
	case OBJ_FDB:
	case OBJ_TC:
	case OBJ_KIND_COUNT:
		break;
	}
	return 64;
}

int object_rank(const struct object *o)
{
	/*
	 * The session's own sysctls are defaults that eth0 inherits, so they are set before the
	 * link exists. In a netns that others made they are the device's alone.
	 */
	if (o->place == PLACE_SESSION && o->kind == OBJ_SYSCTL &&
	    (!strstr(o->sysctl.path, "/conf/") || strstr(o->sysctl.path, "/conf/default/")))
		return 40;
	return o->place == PLACE_SESSION ? session_rank(o) : host_rank(o);
}

/* -1, 0, 1 of two numbers */
#define CMP(a, b) (((a) > (b)) - ((a) < (b)))

/* Returns from the enclosing function when the two differ. */
#define ORDER(expr)                                                                                \
	do {                                                                                       \
		int order_ = (expr);                                                               \
		if (order_)                                                                        \
			return order_;                                                             \
	} while (0)

static int route_compare(const struct obj_route *a, const struct obj_route *b)
{
	ORDER(CMP(a->table, b->table));
	ORDER(prefix_compare(&a->dst, &b->dst));
	ORDER(CMP(a->metric, b->metric));
	return CMP(a->stop, b->stop);
}

static int rule_compare(const struct obj_rule *a, const struct obj_rule *b)
{
	ORDER(CMP(a->family, b->family));
	ORDER(CMP(a->priority, b->priority));
	ORDER(CMP(a->mark, b->mark));
	ORDER(CMP(a->mask, b->mask));
	ORDER(strcmp(a->iif, b->iif));
	ORDER(CMP(a->not_iif, b->not_iif));
	ORDER(CMP(a->action, b->action));
	return CMP(a->table, b->table);
}

static int element_compare(const struct obj_nft_element *a, const struct obj_nft_element *b)
{
	ORDER(strcmp(a->set, b->set));
	ORDER(CMP(a->key.len, b->key.len));
	return memcmp(a->key.bytes, b->key.bytes, a->key.len);
}

static int accept_compare(const struct obj_nft_accept *a, const struct obj_nft_accept *b)
{
	ORDER(strcmp(a->table, b->table));
	ORDER(strcmp(a->chain, b->chain));
	ORDER(CMP(a->iptables, b->iptables));
	ORDER(CMP(a->what, b->what));
	return CMP(a->nth, b->nth);
}

int object_compare(const struct object *a, const struct object *b)
{
	ORDER(CMP(object_rank(a), object_rank(b)));
	ORDER(CMP(a->place, b->place));
	ORDER(CMP(a->kind, b->kind));
	ORDER(CMP(a->family, b->family));
	switch (a->kind) {
	case OBJ_NETNS:
	case OBJ_NFT_TABLE:
	case OBJ_KIND_COUNT:
		return 0;
	case OBJ_LINK:
	case OBJ_LINK_UP:
		return strcmp(a->link.name, b->link.name);
	case OBJ_ALTNAME:
		ORDER(strcmp(a->altname.dev, b->altname.dev));
		return strcmp(a->altname.name, b->altname.name);
	case OBJ_ADDRESS:
		ORDER(strcmp(a->address.dev, b->address.dev));
		return prefix_compare(&a->address.prefix, &b->address.prefix);
	case OBJ_ROUTE:
		return route_compare(&a->route, &b->route);
	case OBJ_RULE:
		return rule_compare(&a->rule, &b->rule);
	case OBJ_NEIGH:
		ORDER(strcmp(a->neigh.dev, b->neigh.dev));
		return ip_compare(&a->neigh.ip, &b->neigh.ip);
	case OBJ_FDB:
		ORDER(strcmp(a->fdb.dev, b->fdb.dev));
		return memcmp(&a->fdb.mac, &b->fdb.mac, sizeof(a->fdb.mac));
	case OBJ_TC:
		return strcmp(a->tc.dev, b->tc.dev);
	case OBJ_QDISC:
		return strcmp(a->qdisc.dev, b->qdisc.dev);
	case OBJ_SYSCTL:
		return strcmp(a->sysctl.path, b->sysctl.path);
	case OBJ_NFT_CHAIN:
		return strcmp(a->nft_chain.name, b->nft_chain.name);
	case OBJ_NFT_SET:
		return strcmp(a->nft_set.name, b->nft_set.name);
	case OBJ_NFT_ELEMENT:
		return element_compare(&a->nft_element, &b->nft_element);
	case OBJ_NFT_RULE:
		ORDER(strcmp(a->nft_rule.chain, b->nft_rule.chain));
		return CMP(a->nft_rule.index, b->nft_rule.index);
	case OBJ_NFT_ACCEPT:
		return accept_compare(&a->nft_accept, &b->nft_accept);
	}
	return 0;
}

static bool link_same(const struct obj_link *a, const struct obj_link *b)
{
	return a->kind == b->kind && !memcmp(&a->mac, &b->mac, sizeof(a->mac)) &&
	       (!a->mtu || !b->mtu || a->mtu == b->mtu) && !strcmp(a->alias, b->alias) &&
	       !strcmp(a->master, b->master) && a->hardened == b->hardened;
}

static bool route_same(const struct obj_route *a, const struct obj_route *b)
{
	if (a->index && b->index && a->index != b->index)
		return false;
	return a->onlink == b->onlink && !strcmp(a->dev, b->dev) &&
	       ip_equal(&a->gateway, &b->gateway) && a->mtu == b->mtu;
}

static bool chain_same(const struct obj_nft_chain *a, const struct obj_nft_chain *b)
{
	return a->base == b->base && !strcmp(a->type, b->type) && a->hook == b->hook &&
	       a->priority == b->priority;
}

static bool element_same(const struct obj_nft_element *a, const struct obj_nft_element *b)
{
	return a->vmap == b->vmap && ip_equal(&a->data, &b->data) && a->data_port == b->data_port &&
	       (!a->vmap || (a->verdict == b->verdict && !strcmp(a->chain, b->chain)));
}

bool object_same(const struct object *a, const struct object *b)
{
	switch (a->kind) {
	case OBJ_LINK:
		return link_same(&a->link, &b->link);
	case OBJ_ROUTE:
		return route_same(&a->route, &b->route);
	case OBJ_NEIGH:
		return !memcmp(&a->neigh.mac, &b->neigh.mac, sizeof(a->neigh.mac));
	case OBJ_TC:
		return a->tc.mark == b->tc.mark && a->tc.mask == b->tc.mask;
	case OBJ_QDISC:
		return a->qdisc.rate == b->qdisc.rate && a->qdisc.limit == b->qdisc.limit;
	case OBJ_SYSCTL:
		return !strcmp(a->sysctl.value, b->sysctl.value);
	case OBJ_NFT_CHAIN:
		return chain_same(&a->nft_chain, &b->nft_chain);
	case OBJ_NFT_SET:
		return a->nft_set.key_len == b->nft_set.key_len &&
		       a->nft_set.vmap == b->nft_set.vmap && a->nft_set.data == b->nft_set.data &&
		       a->nft_set.data_port == b->nft_set.data_port &&
		       a->nft_set.size == b->nft_set.size &&
		       a->nft_set.timeout == b->nft_set.timeout;
	case OBJ_NFT_ELEMENT:
		return element_same(&a->nft_element, &b->nft_element);
	case OBJ_NFT_RULE: /* an observed one has no statements */
		if (a->nft_rule.rule && b->nft_rule.rule)
			return nft_rule_equal(a->nft_rule.rule, b->nft_rule.rule);
		return a->nft_rule.fingerprint == b->nft_rule.fingerprint;
	case OBJ_NFT_TABLE:
		return a->nft_table.flags == b->nft_table.flags;
	case OBJ_NETNS:
	case OBJ_LINK_UP:
	case OBJ_ALTNAME:
	case OBJ_ADDRESS:
	case OBJ_RULE:
	case OBJ_FDB:
	case OBJ_NFT_ACCEPT:
	case OBJ_KIND_COUNT:
		break;
	}
	return true;
}

const char *object_name(const struct object *o, char *buf)
{
	const char *kind = kind_names[o->kind];
	char text[IP_TEXT_MAX];

	switch (o->kind) {
	case OBJ_LINK:
	case OBJ_LINK_UP:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s", kind, o->link.name);
		break;
	case OBJ_ALTNAME:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s dev %s", kind, o->altname.name,
			 o->altname.dev);
		break;
	case OBJ_ADDRESS:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s dev %s", kind,
			 prefix_format(&o->address.prefix, text), o->address.dev);
		break;
	case OBJ_ROUTE:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s table %u", kind,
			 prefix_format(&o->route.dst, text), o->route.table);
		break;
	case OBJ_RULE:
		snprintf(buf, OBJECT_NAME_MAX, "ip rule %u", o->rule.priority);
		break;
	case OBJ_NEIGH:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s dev %s", kind, ip_format(&o->neigh.ip, text),
			 o->neigh.dev);
		break;
	case OBJ_FDB:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s dev %s", kind, mac_format(&o->fdb.mac, text),
			 o->fdb.dev);
		break;
	case OBJ_TC:
		snprintf(buf, OBJECT_NAME_MAX, "tc filter on %s", o->tc.dev);
		break;
	case OBJ_QDISC:
		snprintf(buf, OBJECT_NAME_MAX, "%s on %s", kind, o->qdisc.dev);
		break;
	case OBJ_SYSCTL:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s", kind, o->sysctl.path);
		break;
	case OBJ_NFT_TABLE:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s %s", kind, nft_family_name(o->family),
			 object_table(o));
		break;
	case OBJ_NFT_CHAIN:
	case OBJ_NFT_SET:
	case OBJ_NFT_ELEMENT:
	case OBJ_NFT_RULE: /* each of them starts with a name */
		snprintf(buf, OBJECT_NAME_MAX, "%s %s %s %s", kind, nft_family_name(o->family),
			 object_table(o), o->nft_chain.name);
		break;
	case OBJ_NFT_ACCEPT:
		snprintf(buf, OBJECT_NAME_MAX, "%s %s %s %s", kind, nft_family_name(o->family),
			 o->nft_accept.table, o->nft_accept.chain);
		break;
	case OBJ_NETNS:
	case OBJ_KIND_COUNT:
		snprintf(buf, OBJECT_NAME_MAX, "%s", kind);
		break;
	}
	return buf;
}
