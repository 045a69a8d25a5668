/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/nft.h"

#include <arpa/inet.h>
#include <assert.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define META(name, k, l, t)                                                                        \
	{                                                                                          \
		name, NFT_LOAD_META, NFT_META_##k, 0, l, t                                         \
	}
#define CT(name, k, l, t)                                                                          \
	{                                                                                          \
		name, NFT_LOAD_CT, NFT_CT_##k, 0, l, t                                             \
	}
#define LL(name, off, l, t)                                                                        \
	{                                                                                          \
		name, NFT_LOAD_PAYLOAD, NFT_PAYLOAD_LL_HEADER, off, l, t                           \
	}
#define NH(name, off, l, t)                                                                        \
	{                                                                                          \
		name, NFT_LOAD_PAYLOAD, NFT_PAYLOAD_NETWORK_HEADER, off, l, t                      \
	}
#define TH(name, off, l, t)                                                                        \
	{                                                                                          \
		name, NFT_LOAD_PAYLOAD, NFT_PAYLOAD_TRANSPORT_HEADER, off, l, t                    \
	}

/* Offsets: RFC 826 (ARP over Ethernet), RFC 791, RFC 8200, RFC 9293, RFC 792, RFC 4443. */
static const struct nft_field_info fields[] = {
	[NFT_FIELD_IIFNAME] = META("iifname", IIFNAME, IFNAMSIZ, NFT_TYPE_IFNAME),
	[NFT_FIELD_IIFGROUP] = META("iifgroup", IIFGROUP, 4, NFT_TYPE_DEVGROUP),
	[NFT_FIELD_OIFNAME] = META("oifname", OIFNAME, IFNAMSIZ, NFT_TYPE_IFNAME),
	[NFT_FIELD_IIF] = META("iif", IIF, 4, NFT_TYPE_IFINDEX),
	[NFT_FIELD_OIF] = META("oif", OIF, 4, NFT_TYPE_IFINDEX),
	[NFT_FIELD_MARK] = META("meta mark", MARK, 4, NFT_TYPE_MARK),
	[NFT_FIELD_NFPROTO] = META("meta nfproto", NFPROTO, 1, NFT_TYPE_NFPROTO),
	[NFT_FIELD_L4PROTO] = META("meta l4proto", L4PROTO, 1, NFT_TYPE_L4PROTO),
	[NFT_FIELD_CT_MARK] = CT("ct mark", MARK, 4, NFT_TYPE_MARK),
	[NFT_FIELD_CT_STATE] = CT("ct state", STATE, 4, NFT_TYPE_CT_STATE),
	[NFT_FIELD_CT_DIR] = CT("ct direction", DIRECTION, 1, NFT_TYPE_CT_DIR),
	[NFT_FIELD_CT_DPORT] = { "ct original proto-dst", NFT_LOAD_CT, NFT_CT_PROTO_DST,
				 IP_CT_DIR_ORIGINAL + 1, 2, NFT_TYPE_PORT },
	[NFT_FIELD_CT_SADDR] = { "ct original ip saddr", NFT_LOAD_CT, NFT_CT_SRC_IP,
				 IP_CT_DIR_ORIGINAL + 1, 4, NFT_TYPE_IPV4 },
	[NFT_FIELD_CT_SADDR6] = { "ct original ip6 saddr", NFT_LOAD_CT, NFT_CT_SRC_IP6,
				  IP_CT_DIR_ORIGINAL + 1, 16, NFT_TYPE_IPV6 },
	[NFT_FIELD_CT_DADDR] = { "ct original ip daddr", NFT_LOAD_CT, NFT_CT_DST_IP,
				 IP_CT_DIR_ORIGINAL + 1, 4, NFT_TYPE_IPV4 },
	[NFT_FIELD_CT_DADDR6] = { "ct original ip6 daddr", NFT_LOAD_CT, NFT_CT_DST_IP6,
				  IP_CT_DIR_ORIGINAL + 1, 16, NFT_TYPE_IPV6 },
	[NFT_FIELD_CT_ZONE] = CT("ct zone", ZONE, 2, NFT_TYPE_CT_ZONE),
	[NFT_FIELD_CT_STATUS] = CT("ct status", STATUS, 4, NFT_TYPE_CT_STATUS),
	[NFT_FIELD_ETHER_TYPE] = LL("ether type", 12, 2, NFT_TYPE_ETHERTYPE),
	[NFT_FIELD_ETHER_SADDR] = LL("ether saddr", 6, 6, NFT_TYPE_ETHER),
	[NFT_FIELD_ARP_OP] = NH("arp operation", 6, 2, NFT_TYPE_ARPOP),
	[NFT_FIELD_ARP_SHA] = NH("arp saddr ether", 8, 6, NFT_TYPE_ETHER),
	[NFT_FIELD_ARP_SPA] = NH("arp saddr ip", 14, 4, NFT_TYPE_IPV4),
	[NFT_FIELD_ARP_TPA] = NH("arp daddr ip", 24, 4, NFT_TYPE_IPV4),
	[NFT_FIELD_IP_SADDR] = NH("ip saddr", 12, 4, NFT_TYPE_IPV4),
	[NFT_FIELD_IP_DADDR] = NH("ip daddr", 16, 4, NFT_TYPE_IPV4),
	[NFT_FIELD_IP6_SADDR] = NH("ip6 saddr", 8, 16, NFT_TYPE_IPV6),
	[NFT_FIELD_IP6_DADDR] = NH("ip6 daddr", 24, 16, NFT_TYPE_IPV6),
	[NFT_FIELD_IP_FRAG_OFF] = NH("ip frag-off", 6, 2, NFT_TYPE_INTEGER),
	[NFT_FIELD_IP6_FRAGMENT] = { "exthdr frag", NFT_LOAD_EXTHDR, IPPROTO_FRAGMENT, 0, 1,
				     NFT_TYPE_INTEGER },
	[NFT_FIELD_TCP_FLAGS] = TH("tcp flags", 13, 1, NFT_TYPE_TCPFLAGS),
	[NFT_FIELD_SPORT] = TH("th sport", 0, 2, NFT_TYPE_PORT),
	[NFT_FIELD_DPORT] = TH("th dport", 2, 2, NFT_TYPE_PORT),
	[NFT_FIELD_ICMP_TYPE] = TH("icmp type", 0, 1, NFT_TYPE_ICMP),
	[NFT_FIELD_ICMPV6_TYPE] = TH("icmpv6 type", 0, 1, NFT_TYPE_ICMPV6),
	[NFT_FIELD_QUOTED_DPORT] = TH("@th,240,16", 8 + 20 + 2, 2, NFT_TYPE_PORT),
	[NFT_FIELD_QUOTED_DPORT6] = TH("@th,400,16", 8 + 40 + 2, 2, NFT_TYPE_PORT),
	[NFT_FIELD_SOCKET_TRANSPARENT] = { "socket transparent", NFT_LOAD_SOCKET,
					   NFT_SOCKET_TRANSPARENT, 0, 1, NFT_TYPE_INTEGER },
};
static_assert(sizeof(fields) / sizeof(fields[0]) == NFT_FIELD_COUNT, "a field has no entry");

const struct nft_field_info *nft_field_info(enum nft_field field)
{
	return &fields[field];
}

static struct nft_stmt *add(struct nft_rule *r, enum nft_op op)
{
	struct nft_stmt *s;

	if (r->n_stmts == NFT_STMTS_MAX)
		abort();
	s = &r->stmts[r->n_stmts++];
	*s = (struct nft_stmt){ .op = op };
	return s;
}

static struct nft_stmt *add_match(struct nft_rule *r, enum nft_field f, const void *value,
				  size_t len, bool negate)
{
	struct nft_stmt *s = add(r, NFT_OP_MATCH);

	assert(len <= sizeof(s->value));
	s->fields[0] = f;
	s->n_fields = 1;
	s->negate = negate;
	s->len = (uint8_t)len;
	memcpy(s->value, value, len);
	return s;
}

void nft_match(struct nft_rule *r, enum nft_field f, const void *value, size_t len)
{
	add_match(r, f, value, len, false);
}

void nft_match_not(struct nft_rule *r, enum nft_field f, const void *value, size_t len)
{
	add_match(r, f, value, len, true);
}

void nft_match_ifname(struct nft_rule *r, enum nft_field f, const char *name, bool negate)
{
	char padded[IFNAMSIZ] = { 0 };

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	add_match(r, f, padded, sizeof(padded), negate);
}

void nft_match_u32(struct nft_rule *r, enum nft_field f, uint32_t value, bool negate)
{
	add_match(r, f, &value, sizeof(value), negate);
}

void nft_match_u8(struct nft_rule *r, enum nft_field f, uint8_t value)
{
	add_match(r, f, &value, 1, false);
}

void nft_match_be16(struct nft_rule *r, enum nft_field f, uint16_t value)
{
	uint16_t be = htons(value);

	add_match(r, f, &be, 2, false);
}

void nft_match_masked(struct nft_rule *r, enum nft_field f, uint32_t mask, uint32_t value,
		      bool negate)
{
	uint8_t byte = (uint8_t)value;
	uint16_t be = htons((uint16_t)value);
	struct nft_stmt *s;

	if (fields[f].len == 1)
		s = add_match(r, f, &byte, 1, negate);
	else if (fields[f].len == 2)
		s = add_match(r, f, &be, 2, negate);
	else
		s = add_match(r, f, &value, 4, negate);
	s->mask = mask;
}

static void put_ports(struct nft_stmt *s, const struct port_range *ports)
{
	const uint16_t be[2] = { htons(ports->min), htons(ports->max) };

	s->len = sizeof(be);
	memcpy(s->value, be, sizeof(be));
}

void nft_match_ports(struct nft_rule *r, enum nft_field f, const struct port_range *ports)
{
	struct nft_stmt *s = add(r, NFT_OP_RANGE);

	s->fields[0] = f;
	s->n_fields = 1;
	put_ports(s, ports);
}

void nft_match_prefix(struct nft_rule *r, enum nft_field f, const struct prefix *p)
{
	add_match(r, f, p->ip.bytes, ip_size(&p->ip), false)->prefix = p->len;
}

void nft_lookup(struct nft_rule *r, const char *set, bool negate, size_t n,
		const enum nft_field *of)
{
	struct nft_stmt *s = add(r, NFT_OP_LOOKUP);

	assert(n <= NFT_FIELDS_MAX && strlen(set) < NFT_NAME_MAX);
	for (size_t i = 0; i < n; i++)
		s->fields[i] = of[i];
	s->n_fields = (uint8_t)n;
	s->negate = negate;
	memcpy(s->name, set, strlen(set));
}

void nft_lookup_mark(struct nft_rule *r, const char *set, uint32_t mask, size_t n,
		     const enum nft_field *of)
{
	enum nft_field all[NFT_FIELDS_MAX] = { NFT_FIELD_MARK };

	assert(n < NFT_FIELDS_MAX);
	memcpy(all + 1, of, n * sizeof(*of));
	nft_lookup(r, set, false, n + 1, all);
	r->stmts[r->n_stmts - 1].mask = mask;
}

void nft_vmap(struct nft_rule *r, enum nft_field field, const char *map)
{
	nft_lookup(r, map, false, 1, &field);
	r->stmts[r->n_stmts - 1].op = NFT_OP_VMAP;
}

void nft_set_mark(struct nft_rule *r, enum nft_field field, uint32_t mask, uint32_t value)
{
	struct nft_stmt *s = add(r, NFT_OP_SET_MARK);

	s->fields[0] = field;
	s->n_fields = 1;
	s->mask = mask;
	s->len = 4;
	memcpy(s->value, &value, 4);
}

void nft_ct_zone(struct nft_rule *r, uint16_t zone)
{
	add(r, NFT_OP_CT_ZONE)->zone = zone;
}

void nft_ct_zone_both(struct nft_rule *r, uint16_t zone)
{
	add(r, NFT_OP_CT_ZONE_BOTH)->zone = zone;
}

void nft_masquerade(struct nft_rule *r, const struct port_range *ports)
{
	put_ports(add(r, NFT_OP_MASQUERADE), ports);
}

static void put_address(struct nft_stmt *s, const struct ip *to)
{
	s->family = ip_size(to) == 4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
	s->len = (uint8_t)ip_size(to);
	memcpy(s->value, to->bytes, s->len);
}

void nft_snat(struct nft_rule *r, const struct ip *to, const struct port_range *ports)
{
	struct nft_stmt *s = add(r, NFT_OP_SNAT);

	put_address(s, to);
	if (ports)
		s->ports = *ports;
}

void nft_limit_over(struct nft_rule *r, const struct nft_limit *limit)
{
	add(r, NFT_OP_LIMIT)->limit = *limit;
}

void nft_update(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of,
		const struct nft_limit *limit)
{
	struct nft_stmt *s;

	nft_lookup(r, set, false, n, of);
	s = &r->stmts[r->n_stmts - 1];
	s->op = NFT_OP_UPDATE;
	if (limit)
		s->limit = *limit;
}

void nft_delete(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of)
{
	nft_lookup(r, set, false, n, of);
	r->stmts[r->n_stmts - 1].op = NFT_OP_DELETE;
}

void nft_connections_over(struct nft_rule *r, const char *set, size_t n, const enum nft_field *of,
			  uint32_t most)
{
	struct nft_stmt *s;

	if (set)
		nft_lookup(r, set, false, n, of);
	else
		add(r, NFT_OP_CONNECTIONS);
	s = &r->stmts[r->n_stmts - 1];
	s->op = NFT_OP_CONNECTIONS;
	s->most = most;
}

void nft_dnat(struct nft_rule *r, const struct ip *to)
{
	put_address(add(r, NFT_OP_DNAT), to);
}

void nft_set_address(struct nft_rule *r, enum nft_field field, const struct ip *to)
{
	struct nft_stmt *s = add(r, NFT_OP_SET_ADDRESS);

	put_address(s, to);
	s->fields[0] = field;
	s->n_fields = 1;
}

void nft_dnat_map(struct nft_rule *r, const char *map, uint8_t nfproto, uint32_t mask,
		  const enum nft_field of[2])
{
	struct nft_stmt *s;

	nft_lookup(r, map, false, 2, of);
	s = &r->stmts[r->n_stmts - 1];
	s->op = NFT_OP_DNAT_MAP;
	s->mask = mask;
	s->family = nfproto;
}

void nft_dnat_ports(struct nft_rule *r, const char *map, uint8_t nfproto, size_t n,
		    const enum nft_field *of)
{
	struct nft_stmt *s;

	nft_lookup(r, map, false, n, of);
	s = &r->stmts[r->n_stmts - 1];
	s->op = NFT_OP_DNAT_PORTS;
	s->family = nfproto;
}

void nft_dnat_same(struct nft_rule *r, uint8_t nfproto)
{
	struct nft_stmt *s = add(r, NFT_OP_DNAT_SAME);

	s->family = nfproto;
	s->fields[0] = nfproto == NFPROTO_IPV4 ? NFT_FIELD_IP_DADDR : NFT_FIELD_IP6_DADDR;
	s->n_fields = 1;
}

void nft_match_zone(struct nft_rule *r, uint16_t zone, bool negate)
{
	add_match(r, NFT_FIELD_CT_ZONE, &zone, sizeof(zone), negate);
}

void nft_match_payload(struct nft_rule *r, uint16_t place, size_t len, const uint8_t *mask,
		       const uint8_t *value)
{
	struct nft_stmt *s = add(r, NFT_OP_PAYLOAD);

	assert(len <= sizeof(s->value) / 2);
	s->place = place;
	s->len = (uint8_t)len;
	memcpy(s->value, value, len);
	memcpy(s->value + sizeof(s->value) / 2, mask, len);
}

void nft_action(struct nft_rule *r, enum nft_op op)
{
	add(r, op);
}

void nft_verdict(struct nft_rule *r, int32_t verdict, const char *chain)
{
	struct nft_stmt *s = add(r, NFT_OP_VERDICT);

	s->verdict = verdict;
	if (chain)
		memcpy(s->name, chain, strnlen(chain, sizeof(s->name) - 1));
}

static bool stmt_equal(const struct nft_stmt *a, const struct nft_stmt *b)
{
	for (size_t i = 0; i < NFT_FIELDS_MAX; i++)
		if (a->fields[i] != b->fields[i])
			return false;
	return a->op == b->op && a->n_fields == b->n_fields && a->negate == b->negate &&
	       a->len == b->len && !memcmp(a->value, b->value, sizeof(a->value)) &&
	       a->mask == b->mask && a->prefix == b->prefix && a->zone == b->zone &&
	       a->family == b->family && a->limit.rate == b->limit.rate &&
	       a->limit.burst == b->limit.burst && a->limit.bytes == b->limit.bytes &&
	       a->ports.min == b->ports.min && a->ports.max == b->ports.max && a->most == b->most &&
	       a->verdict == b->verdict && !strcmp(a->name, b->name);
}

bool nft_rule_equal(const struct nft_rule *a, const struct nft_rule *b)
{
	if (a->n_stmts != b->n_stmts)
		return false;
	for (size_t i = 0; i < a->n_stmts; i++)
		if (!stmt_equal(&a->stmts[i], &b->stmts[i]))
			return false;
	return true;
}

static void key_part(struct nft_key *k, enum nft_type type, const void *bytes, size_t len)
{
	size_t at = ((size_t)k->len + 3) / 4 * 4, padded = (len + 3) / 4 * 4;

	assert(k->n_types < NFT_FIELDS_MAX && at + padded <= NFT_KEY_MAX);
	k->types[k->n_types++] = type;
	memset(k->bytes + at, 0, padded);
	memcpy(k->bytes + at, bytes, len);
	k->len = (uint8_t)(at + (k->n_types > 1 ? padded : len)); /* nft(8) pads no single value */
}

void nft_key_ifname(struct nft_key *k, const char *name)
{
	char padded[IFNAMSIZ] = { 0 };

	memcpy(padded, name, strnlen(name, sizeof(padded) - 1));
	key_part(k, NFT_TYPE_IFNAME, padded, sizeof(padded));
}

void nft_key_mac(struct nft_key *k, const struct mac *mac)
{
	key_part(k, NFT_TYPE_ETHER, mac->bytes, sizeof(mac->bytes));
}

void nft_key_ip(struct nft_key *k, const struct ip *ip)
{
	key_part(k, ip_size(ip) == 4 ? NFT_TYPE_IPV4 : NFT_TYPE_IPV6, ip->bytes, ip_size(ip));
}

void nft_key_mark(struct nft_key *k, uint32_t mark)
{
	key_part(k, NFT_TYPE_MARK, &mark, sizeof(mark));
}

void nft_key_proto(struct nft_key *k, uint8_t proto)
{
	key_part(k, NFT_TYPE_L4PROTO, &proto, sizeof(proto));
}

void nft_key_port(struct nft_key *k, uint16_t port)
{
	uint16_t be = htons(port);

	key_part(k, NFT_TYPE_PORT, &be, sizeof(be));
}

void nft_key_ifindex(struct nft_key *k, int index)
{
	key_part(k, NFT_TYPE_IFINDEX, &index, sizeof(index));
}
