/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/own.h"

#include <linux/netfilter.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/parse.h"

#define ADDRESS_LEN4 22
#define ADDRESS_LEN6 64

struct mac own_mac(enum own_mac_of of, uint32_t number)
{
	return (struct mac){ { 0x0a, 0x76, 0x69, (uint8_t)of, (uint8_t)(number >> 8),
			       (uint8_t)number } };
}

bool own_is_mac(const struct mac *mac, enum own_mac_of of)
{
	const struct mac form = own_mac(of, 0);

	return !memcmp(mac, &form, 4);
}

uint32_t own_port_id(const char *name)
{
	const size_t len = strlen(PORT_PREFIX);
	uint32_t id;

	if (strncmp(name, PORT_PREFIX, len) != 0 || parse_u32(name + len, 1, UINT32_MAX, &id) < 0)
		return 0;
	return id;
}

bool own_is_port(const struct fact_link *l)
{
	uint32_t id = own_port_id(l->name);
	struct session s;

	if (!id || strcmp(l->kind, "veth") != 0)
		return false;
	if (l->group == OWN_PORT_GROUP && own_is_mac(&l->mac, OWN_MAC_PORT))
		return true;
	return session_parse(l->alias, &s) == 0 && s.id == id;
}

bool own_is_link(const struct fact_link *l)
{
	return own_is_port(l) || facts_is_our_bridge(l);
}

const struct fact_link *own_bridge(const struct facts *f)
{
	const struct fact_link *l = facts_link(f, BRIDGE_NAME);

	return l && facts_is_our_bridge(l) ? l : NULL;
}

bool own_is_route(const struct fact_route *r)
{
	return r->protocol == VIA_RTPROT && !r->selects && r->table > OWN_TABLE_BASE &&
	       r->table <= OWN_TABLE_BASE + OWN_SLOT_MAX;
}

bool own_is_rule(const struct obj_rule *r, uint8_t protocol)
{
	if (protocol != VIA_RTPROT)
		return false;
	if (r->mask)
		return !r->iif[0] && !r->not_iif &&
		       (r->mask & OWN_MARK_TAG_MASK) == OWN_MARK_TAG_MASK &&
		       (r->mark & OWN_MARK_TAG_MASK) == OWN_MARK_TAG;
	if (!strcmp(r->iif, BRIDGE_NAME))
		return !r->not_iif;
	return r->iif[0] && r->priority == OWN_RULE_FENCE && r->action == RULE_BLACKHOLE;
}

const struct prefix own_pool6 = { { AF_INET6, { 0x20, 1, 0, 2 } }, 48 };

bool own_is_address(const struct prefix *p)
{
	const struct prefix subnet = prefix_masked(p);
	const struct ip first = ip_add(&subnet.ip, 1);

	if (p->ip.family == AF_INET6 && p->ip.bytes[0] != 0xfd &&
	    !prefix_contains(&own_pool6, &p->ip))
		return false;
	return p->len == (p->ip.family == AF_INET ? ADDRESS_LEN4 : ADDRESS_LEN6) &&
	       ip_equal(&p->ip, &first);
}

bool own_is_nft_family(uint8_t family)
{
	return family == NFPROTO_INET || family == NFPROTO_BRIDGE || family == NFPROTO_ARP;
}

/* Whether path is net/FAMILY/conf/DEVICE/KEY of that sysctl, on any device. */
static bool is_of_device(const char *path, const struct own_sysctl *s, char dev[IFNAMSIZ])
{
	const char *const front[] = { "net/", s->family, "/conf/" };
	const char *at = path, *end;

	for (size_t i = 0; i < ARRAY_SIZE(front); i++) {
		size_t len = strlen(front[i]);

		if (strncmp(at, front[i], len) != 0)
			return false;
		at += len;
	}
	end = strchr(at, '/');
	if (!end || end - at >= IFNAMSIZ || strcmp(end + 1, s->key) != 0)
		return false;
	memcpy(dev, at, (size_t)(end - at));
	dev[end - at] = 0;
	return dev[0] && strcmp(dev, ".") != 0 && strcmp(dev, "..") != 0;
}

bool own_is_saved_sysctl(const char *path)
{
	static const struct own_sysctl others[] = {
		{ "ipv4", "arp_announce", NULL }, /* of a second card in the uplink's subnet */
		{ "ipv6", "accept_ra", NULL },    /* where forwarding is one switch for all */
	};
	char dev[IFNAMSIZ];

	if (!strcmp(path, "net/ipv6/conf/all/forwarding"))
		return true;
	for (size_t i = 0; i < FRAGMENT_SYSCTL_COUNT; i++)
		if (!strcmp(path, fragment_sysctls[i]))
			return true;
	for (size_t i = 0; i < UPLINK_SYSCTL_COUNT; i++)
		if (is_of_device(path, &uplink_sysctls[i], dev))
			return true;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (is_of_device(path, &others[i], dev))
			return true;
	return false;
}

bool own_is_port_sysctl(const char *path)
{
	char dev[IFNAMSIZ];

	return is_of_device(path, &port_sysctl, dev) && own_port_id(dev);
}
