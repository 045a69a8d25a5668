/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "plan/fw.h"

#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/internal.h"

uint8_t fw_nfproto(uint8_t family)
{
	return family == AF_INET ? NFPROTO_IPV4 : NFPROTO_IPV6;
}

enum nft_field fw_saddr(uint8_t family)
{
	return family == AF_INET ? NFT_FIELD_IP_SADDR : NFT_FIELD_IP6_SADDR;
}

enum nft_field fw_daddr(uint8_t family)
{
	return family == AF_INET ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR;
}

struct nft_rule fw_rule_of(uint8_t family)
{
	struct nft_rule r = { 0 };

	nft_match_u8(&r, NFT_FIELD_NFPROTO, fw_nfproto(family));
	return r;
}

void fw_table(struct object_set *set, uint8_t family)
{
	struct object o = plan_object(OBJ_NFT_TABLE, PLACE_HOST);

	o.family = family;
	set_add(set, &o);
}

struct fw_chain fw_chain(struct object_set *set, uint8_t family, const char *name)
{
	struct fw_chain c = { .set = set, .family = family };
	struct object o = plan_object(OBJ_NFT_CHAIN, PLACE_HOST);

	o.family = family;
	snprintf(o.nft_chain.name, sizeof(o.nft_chain.name), "%s", name);
	memcpy(c.name, o.nft_chain.name, sizeof(c.name));
	set_add(set, &o);
	return c;
}

struct fw_chain fw_base_chain(struct object_set *set, uint8_t family, const char *name,
			      const char *type, uint32_t hook, int32_t priority)
{
	struct fw_chain c = { .set = set, .family = family };
	struct object o = plan_object(OBJ_NFT_CHAIN, PLACE_HOST);

	o.family = family;
	o.nft_chain.base = true;
	o.nft_chain.hook = hook;
	o.nft_chain.priority = priority;
	snprintf(o.nft_chain.name, sizeof(o.nft_chain.name), "%s", name);
	snprintf(o.nft_chain.type, sizeof(o.nft_chain.type), "%s", type);
	memcpy(c.name, o.nft_chain.name, sizeof(c.name));
	set_add(set, &o);
	return c;
}

void fw_rule(struct fw_chain *c, const struct nft_rule *rule)
{
	struct object o = plan_object(OBJ_NFT_RULE, PLACE_HOST);

	o.family = c->family;
	o.nft_rule.index = c->n++;
	memcpy(o.nft_rule.chain, c->name, sizeof(c->name));
	o.nft_rule.rule = malloc(sizeof(*rule));
	if (!o.nft_rule.rule) {
		c->set->failed = true;
		return;
	}
	*o.nft_rule.rule = *rule;
	set_add(c->set, &o);
}

void fw_rule_verdict(struct fw_chain *c, struct nft_rule rule, int32_t verdict)
{
	nft_verdict(&rule, verdict, NULL);
	fw_rule(c, &rule);
}

void fw_set(struct object_set *set, uint8_t family, const char *name, bool vmap,
	    const struct nft_key *example)
{
	struct object o = plan_object(OBJ_NFT_SET, PLACE_HOST);

	o.family = family;
	snprintf(o.nft_set.name, sizeof(o.nft_set.name), "%s", name);
	memcpy(o.nft_set.types, example->types, sizeof(example->types));
	o.nft_set.n_types = example->n_types;
	o.nft_set.key_len = example->len;
	o.nft_set.vmap = vmap;
	set_add(set, &o);
}

void fw_dynamic_set(struct object_set *set, uint8_t family, const char *name, uint32_t size,
		    uint32_t timeout, const struct nft_key *example)
{
	fw_set(set, family, name, false, example);
	if (set->failed)
		return;
	set->v[set->n - 1].nft_set.size = size;
	set->v[set->n - 1].nft_set.timeout = timeout;
}

void fw_element(struct object_set *set, uint8_t family, const char *name, const struct nft_key *key)
{
	struct object o = plan_object(OBJ_NFT_ELEMENT, PLACE_HOST);

	o.family = family;
	snprintf(o.nft_element.set, sizeof(o.nft_element.set), "%s", name);
	o.nft_element.key = *key;
	set_add(set, &o);
}

void fw_map(struct object_set *set, const char *name, uint8_t to, const struct nft_key *example)
{
	fw_set(set, NFPROTO_INET, name, false, example);
	if (!set->failed)
		set->v[set->n - 1].nft_set.data = to == AF_INET ? NFT_TYPE_IPV4 : NFT_TYPE_IPV6;
}

void fw_map_element(struct object_set *set, const char *name, const struct nft_key *key,
		    const struct ip *to)
{
	fw_element(set, NFPROTO_INET, name, key);
	if (!set->failed)
		set->v[set->n - 1].nft_element.data = *to;
}

void fw_map_ports(struct object_set *set, const char *name, uint8_t to,
		  const struct nft_key *example)
{
	fw_map(set, name, to, example);
	if (!set->failed)
		set->v[set->n - 1].nft_set.data_port = true;
}

void fw_map_ports_element(struct object_set *set, const char *name, const struct nft_key *key,
			  const struct ip *to, uint16_t port)
{
	fw_map_element(set, name, key, to);
	if (!set->failed)
		set->v[set->n - 1].nft_element.data_port = port;
}

struct nft_key fw_key_ip(uint8_t family, const struct ip *ip)
{
	struct ip any = { .family = family };
	struct nft_key k = { 0 };

	nft_key_ip(&k, ip ? ip : &any);
	return k;
}

struct nft_key fw_key_ifname(const char *name)
{
	struct nft_key k = { 0 };

	nft_key_ifname(&k, name);
	return k;
}

struct nft_key fw_key_port(const char *port, const struct mac *mac, const struct ip *ip)
{
	struct nft_key k = fw_key_ifname(port);

	nft_key_mac(&k, mac);
	nft_key_ip(&k, ip);
	return k;
}
