/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "things.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "model/session.h"
#include "scene.h"

static struct object thing(enum object_kind kind)
{
	return (struct object){ .kind = kind, .place = PLACE_HOST };
}

static struct mac ending(uint8_t last)
{
	return (struct mac){ { 0x0a, 0x76, 0x69, 1, 0, last } };
}

struct object thing_netns(void)
{
	return thing(OBJ_NETNS);
}

struct object thing_bridge(void)
{
	struct object o = thing(OBJ_LINK);

	strcpy(o.link.name, BRIDGE_NAME);
	o.link.kind = LINK_BRIDGE;
	o.link.mac = (struct mac){ { 0x0a, 0x76, 0x69, 0, 0, 1 } };
	o.link.mtu = 65535;
	strcpy(o.link.alias, BRIDGE_ALIAS);
	o.link.hardened = true;
	return o;
}

struct object thing_port(const char *name)
{
	struct object o = thing(OBJ_LINK);

	strcpy(o.link.name, name);
	o.link.kind = LINK_VETH;
	o.link.mac = (struct mac){ { 0x0a, 0x76, 0x69, 2, 0, 3 } };
	o.link.mtu = 1500;
	strcpy(o.link.alias, "via1 1 0 1 4026532001 wlp6s0 host=3,since=0 curl");
	strcpy(o.link.master, BRIDGE_NAME);
	o.link.hardened = true;
	strcpy(o.link.peer, SESSION_DEV);
	o.link.peer_mac = ending(3);
	o.link.peer_mtu = 1500;
	return o;
}

struct object thing_up(const char *name)
{
	struct object o = thing(OBJ_LINK_UP);

	strcpy(o.link_up.name, name);
	return o;
}

struct object thing_altname(const char *dev, const char *name)
{
	struct object o = thing(OBJ_ALTNAME);

	strcpy(o.altname.dev, dev);
	strcpy(o.altname.name, name);
	return o;
}

struct object thing_address(const char *dev, const char *prefix)
{
	struct object o = thing(OBJ_ADDRESS);

	strcpy(o.address.dev, dev);
	o.address.prefix = scene_prefix(prefix);
	return o;
}

struct object thing_route(uint32_t table, const char *dst, const char *dev, const char *gateway)
{
	struct object o = thing(OBJ_ROUTE);

	o.route.table = table;
	o.route.dst = scene_prefix(dst);
	o.route.metric = 100;
	strcpy(o.route.dev, dev);
	if (gateway)
		o.route.gateway = scene_ip(gateway);
	return o;
}

struct object thing_stop(uint32_t table, const char *dst)
{
	struct object o = thing_route(table, dst, "", NULL);

	o.route.metric = 4278198272u;
	o.route.stop = RTN_UNREACHABLE;
	return o;
}

struct object thing_lookup(uint8_t family, uint32_t priority, uint32_t mark, uint32_t table)
{
	struct object o = thing(OBJ_RULE);

	o.rule.family = family;
	o.rule.priority = priority;
	o.rule.mark = mark;
	o.rule.mask = 0xff0000ff;
	o.rule.action = RULE_LOOKUP;
	o.rule.table = table;
	return o;
}

struct object thing_stop_rule(uint8_t family, uint32_t priority, const char *iif)
{
	struct object o = thing(OBJ_RULE);

	o.rule.family = family;
	o.rule.priority = priority;
	o.rule.action = RULE_UNREACHABLE;
	strcpy(o.rule.iif, iif);
	return o;
}

struct object thing_neigh(const char *dev, const char *ip, uint8_t mac)
{
	struct object o = thing(OBJ_NEIGH);

	strcpy(o.neigh.dev, dev);
	o.neigh.ip = scene_ip(ip);
	o.neigh.mac = ending(mac);
	return o;
}

struct object thing_fdb(const char *dev, uint8_t mac)
{
	struct object o = thing(OBJ_FDB);

	strcpy(o.fdb.dev, dev);
	o.fdb.mac = ending(mac);
	return o;
}

struct object thing_tc(const char *dev)
{
	struct object o = thing(OBJ_TC);

	strcpy(o.tc.dev, dev);
	o.tc.mark = 0x56000000;
	o.tc.mask = 0xff000000;
	return o;
}

struct object thing_shaper(const char *dev)
{
	struct object o = thing(OBJ_QDISC);

	strcpy(o.qdisc.dev, dev);
	o.qdisc.rate = 1250000;
	o.qdisc.burst = 6250;
	o.qdisc.limit = 37500;
	return o;
}

struct object thing_sysctl(const char *path, const char *value, const char *before)
{
	struct object o = thing(OBJ_SYSCTL);

	strcpy(o.sysctl.path, path);
	strcpy(o.sysctl.value, value);
	strcpy(o.sysctl.before, before);
	return o;
}

static struct object nft_thing(enum object_kind kind, uint8_t family)
{
	struct object o = thing(kind);

	o.family = family;
	return o;
}

struct object thing_table(uint8_t family)
{
	return nft_thing(OBJ_NFT_TABLE, family);
}

struct object thing_chain(uint8_t family, const char *name)
{
	struct object o = nft_thing(OBJ_NFT_CHAIN, family);

	strcpy(o.nft_chain.name, name);
	return o;
}

struct object thing_set(uint8_t family, const char *name)
{
	struct object o = nft_thing(OBJ_NFT_SET, family);

	strcpy(o.nft_set.name, name);
	o.nft_set.types[0] = NFT_TYPE_IFNAME;
	o.nft_set.n_types = 1;
	o.nft_set.key_len = 16;
	return o;
}

struct object thing_element(uint8_t family, const char *set, const char *ifname)
{
	struct object o = nft_thing(OBJ_NFT_ELEMENT, family);

	strcpy(o.nft_element.set, set);
	nft_key_ifname(&o.nft_element.key, ifname);
	return o;
}

struct object thing_vmap_element(uint8_t family, const char *map, const char *ifname,
				 const char *chain)
{
	struct object o = thing_element(family, map, ifname);

	o.nft_element.vmap = true;
	o.nft_element.verdict = NFT_GOTO;
	strcpy(o.nft_element.chain, chain);
	return o;
}

struct object thing_rule(uint8_t family, const char *chain, uint32_t index, uint64_t fingerprint)
{
	struct object o = nft_thing(OBJ_NFT_RULE, family);

	strcpy(o.nft_rule.chain, chain);
	o.nft_rule.index = index;
	o.nft_rule.fingerprint = fingerprint;
	return o;
}

struct object thing_accept(uint8_t family, const char *table, const char *chain)
{
	struct object o = nft_thing(OBJ_NFT_ACCEPT, family);

	strcpy(o.nft_accept.table, table);
	strcpy(o.nft_accept.chain, chain);
	o.nft_accept.handle = 7;
	return o;
}

struct object thing_inside(struct object o)
{
	o.place = PLACE_SESSION;
	return o;
}
