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
	[NFT_FIELD_SOCKET_TRANSPARENT] = { "socket transparent", NFT_LOAD_SOCKET,
					   NFT_SOCKET_TRANSPARENT, 0, 1, NFT_TYPE_INTEGER },
};
static_assert(sizeof(fields) / sizeof(fields[0]) == NFT_FIELD_COUNT, "a field has no entry");

const struct nft_field_info *nft_field_info(enum nft_field field)
{
	return &fields[field];
}

/* --- building ------------------------------------------------------------------------------ */

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

void nft_match_ifname_prefix(struct nft_rule *r, enum nft_field f, const char *prefix, bool negate)
{
	add_match(r, f, prefix, strnlen(prefix, IFNAMSIZ - 1), negate);
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
	       a->most == b->most && a->verdict == b->verdict && !strcmp(a->name, b->name);
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

/* --- text ---------------------------------------------------------------------------------- */

static const struct {
	enum nft_type type;
	const char *name;
	uint8_t len;
} types[] = {
	{ NFT_TYPE_IFNAME, "ifname", 16 },     { NFT_TYPE_ETHER, "ether_addr", 6 },
	{ NFT_TYPE_IPV4, "ipv4_addr", 4 },     { NFT_TYPE_IPV6, "ipv6_addr", 16 },
	{ NFT_TYPE_MARK, "mark", 4 },          { NFT_TYPE_PORT, "inet_service", 2 },
	{ NFT_TYPE_L4PROTO, "inet_proto", 1 }, { NFT_TYPE_IFINDEX, "iface_index", 4 },
};

const char *nft_type_name(enum nft_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].name;
	return "?";
}

static size_t type_len(enum nft_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return types[i].len;
	return 4;
}

const char *nft_family_name(uint8_t family)
{
	switch (family) {
	case NFPROTO_INET:
		return "inet";
	case NFPROTO_IPV4:
		return "ip";
	case NFPROTO_IPV6:
		return "ip6";
	case NFPROTO_BRIDGE:
		return "bridge";
	case NFPROTO_ARP:
		return "arp";
	}
	return "?";
}

const char *nft_hook_name(uint8_t family, uint32_t hook)
{
	static const char *const inet[] = { "prerouting", "input", "forward", "output",
					    "postrouting" };
	static const char *const arp[] = { "input", "output" };

	if (family == NFPROTO_ARP)
		return hook < 2 ? arp[hook] : "?";
	return hook < 5 ? inet[hook] : "?";
}

static uint32_t value32(const uint8_t *bytes)
{
	uint32_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static uint16_t value16(const uint8_t *bytes)
{
	uint16_t v;

	memcpy(&v, bytes, sizeof(v));
	return v;
}

static void print_flags(struct strbuf *sb, uint32_t value, const char *const *names, size_t n)
{
	const char *joint = "";

	for (size_t i = 0; i < n; i++) {
		if (!(value & 1u << i))
			continue;
		strbuf_add(sb, "%s%s", joint, names[i]);
		joint = ",";
	}
}

static const char *const tcp_flags[] = { "fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr" };
static const char *const ct_states[] = { "invalid", "established", "related", "new" };
static const char *const ct_status[] = { "expected",  "seen-reply", "assured",
					 "confirmed", "snat",       "dnat" };

static const char *named_number(enum nft_type type, uint32_t v)
{
	static const struct {
		enum nft_type type;
		uint32_t value;
		const char *name;
	} names[] = {
		{ NFT_TYPE_NFPROTO, NFPROTO_IPV4, "ipv4" },
		{ NFT_TYPE_NFPROTO, NFPROTO_IPV6, "ipv6" },
		{ NFT_TYPE_L4PROTO, IPPROTO_TCP, "tcp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_UDP, "udp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_ICMP, "icmp" },
		{ NFT_TYPE_L4PROTO, IPPROTO_ICMPV6, "ipv6-icmp" },
		{ NFT_TYPE_ETHERTYPE, 0x0800, "ip" },
		{ NFT_TYPE_ETHERTYPE, 0x0806, "arp" },
		{ NFT_TYPE_ETHERTYPE, 0x86dd, "ip6" },
		{ NFT_TYPE_ARPOP, 1, "request" },
		{ NFT_TYPE_CT_DIR, 0, "original" },
		{ NFT_TYPE_CT_DIR, 1, "reply" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].type == type && names[i].value == v)
			return names[i].name;
	return NULL;
}

/* A whole name, or the start of one; an asterisk at the end is nft(8)'s word for the latter. */
static void print_ifname(struct strbuf *sb, const char *name, size_t len)
{
	size_t used = strnlen(name, len);

	if (len < IFNAMSIZ)
		strbuf_add(sb, "\"%.*s*\"", (int)used, name);
	else if (used && name[used - 1] == '*')
		strbuf_add(sb, "\"%.*s\\*\"", (int)used - 1, name);
	else
		strbuf_add(sb, "\"%.*s\"", (int)used, name);
}

static void print_value(struct strbuf *sb, enum nft_type type, const uint8_t *bytes, size_t len)
{
	char buf[IP_TEXT_MAX];
	struct mac mac;
	struct ip ip;
	uint32_t v = 0;
	const char *name;

	switch (type) {
	case NFT_TYPE_IFNAME:
		print_ifname(sb, (const char *)bytes, len);
		return;
	case NFT_TYPE_ETHER:
		memcpy(mac.bytes, bytes, sizeof(mac.bytes));
		strbuf_add(sb, "%s", mac_format(&mac, buf));
		return;
	case NFT_TYPE_IPV4:
	case NFT_TYPE_IPV6:
		ip = ip_from_bytes(type == NFT_TYPE_IPV4 ? AF_INET : AF_INET6, bytes);
		strbuf_add(sb, "%s", ip_format(&ip, buf));
		return;
	case NFT_TYPE_MARK:
		strbuf_add(sb, "0x%08x", value32(bytes));
		return;
	case NFT_TYPE_IFINDEX:
	case NFT_TYPE_DEVGROUP:
		strbuf_add(sb, "%u", value32(bytes));
		return;
	case NFT_TYPE_CT_STATE:
		print_flags(sb, value32(bytes), ct_states, 4);
		return;
	case NFT_TYPE_CT_ZONE:
		strbuf_add(sb, "%u", value16(bytes));
		return;
	case NFT_TYPE_CT_STATUS:
	case NFT_TYPE_NFPROTO:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_ETHERTYPE:
	case NFT_TYPE_ARPOP:
	case NFT_TYPE_L4PROTO:
	case NFT_TYPE_PORT:
	case NFT_TYPE_ICMP:
	case NFT_TYPE_ICMPV6:
	case NFT_TYPE_TCPFLAGS:
	case NFT_TYPE_CT_DIR:
		break;
	}
	for (size_t i = 0; i < len; i++) /* one or two bytes, in network order */
		v = v << 8 | bytes[i];
	name = named_number(type, v);
	if (name)
		strbuf_add(sb, "%s", name);
	else
		strbuf_add(sb, "%u", v);
}

static void print_match(struct strbuf *sb, const struct nft_stmt *s)
{
	const struct nft_field_info *f = &fields[s->fields[0]];
	const char *op = s->negate ? "!=" : "==";

	if (f->load == NFT_LOAD_EXTHDR) {
		strbuf_add(sb, "%s %s", f->text, s->value[0] ? "exists" : "missing");
		return;
	}
	switch (f->type) {
	case NFT_TYPE_CT_STATE: /* bits: any of them */
		strbuf_add(sb, "ct state ");
		print_flags(sb, s->mask, ct_states, 4);
		return;
	case NFT_TYPE_CT_STATUS: /* one of them; or, equal to none, none of them */
		strbuf_add(sb, s->negate ? "ct status " : "ct status ! ");
		print_flags(sb, s->mask, ct_status, 6);
		return;
	case NFT_TYPE_TCPFLAGS:
		strbuf_add(sb, "tcp flags & (");
		for (uint32_t i = 0, n = 0; i < 8; i++)
			if (s->mask & 1u << i)
				strbuf_add(sb, "%s%s", n++ ? "|" : "", tcp_flags[i]);
		strbuf_add(sb, ") %s ", op);
		print_flags(sb, s->value[0], tcp_flags, 8);
		return;
	case NFT_TYPE_NFPROTO:
	case NFT_TYPE_INTEGER:
	case NFT_TYPE_IPV4:
	case NFT_TYPE_IPV6:
	case NFT_TYPE_ETHER:
	case NFT_TYPE_ETHERTYPE:
	case NFT_TYPE_ARPOP:
	case NFT_TYPE_L4PROTO:
	case NFT_TYPE_PORT:
	case NFT_TYPE_ICMP:
	case NFT_TYPE_MARK:
	case NFT_TYPE_CT_DIR:
	case NFT_TYPE_CT_ZONE:
	case NFT_TYPE_ICMPV6:
	case NFT_TYPE_DEVGROUP:
	case NFT_TYPE_IFNAME:
	case NFT_TYPE_IFINDEX:
		break;
	}
	strbuf_add(sb, "%s ", f->text);
	if (s->mask)
		strbuf_add(sb, "& 0x%08x ", s->mask);
	if (s->negate || s->mask)
		strbuf_add(sb, "%s ", op);
	print_value(sb, f->type, s->value, s->len);
	if (s->prefix)
		strbuf_add(sb, "/%u", s->prefix);
}

static void print_fields(struct strbuf *sb, const struct nft_stmt *s)
{
	for (size_t i = 0; i < s->n_fields; i++) {
		strbuf_add(sb, "%s%s", i ? " . " : "", fields[s->fields[i]].text);
		if (i == 0 && s->mask)
			strbuf_add(sb, " & 0x%08x", s->mask);
	}
}

static void print_ports(struct strbuf *sb, const struct nft_stmt *s)
{
	uint16_t be[2];

	memcpy(be, s->value, sizeof(be));
	strbuf_add(sb, "%u-%u", ntohs(be[0]), ntohs(be[1]));
}

static void print_limit(struct strbuf *sb, const struct nft_limit *l)
{
	strbuf_add(sb, "limit rate over %u%s/second burst %u %s", l->rate, l->bytes ? " bytes" : "",
		   l->burst, l->bytes ? "bytes" : "packets");
}

static void print_update(struct strbuf *sb, const struct nft_stmt *s)
{
	strbuf_add(sb, "%s @%s { ", s->op == NFT_OP_DELETE ? "delete" : "update", s->name);
	print_fields(sb, s);
	if (s->limit.rate) {
		strbuf_add(sb, " ");
		print_limit(sb, &s->limit);
	}
	strbuf_add(sb, " }");
}

static void print_connections(struct strbuf *sb, const struct nft_stmt *s)
{
	if (s->name[0]) {
		strbuf_add(sb, "add @%s { ", s->name);
		print_fields(sb, s);
		strbuf_add(sb, " ct count over %u }", s->most);
	} else {
		strbuf_add(sb, "ct count over %u", s->most);
	}
}

void nft_print_verdict(struct strbuf *sb, int32_t verdict, const char *chain)
{
	switch (verdict) {
	case NF_ACCEPT:
		strbuf_add(sb, "accept");
		break;
	case NF_DROP:
		strbuf_add(sb, "drop");
		break;
	case NFT_JUMP:
		strbuf_add(sb, "jump %s", chain);
		break;
	case NFT_GOTO:
		strbuf_add(sb, "goto %s", chain);
		break;
	default:
		strbuf_add(sb, "verdict %d", verdict);
		break;
	}
}

/* An IPv6 address with ports is in brackets. */
static void print_nat(struct strbuf *sb, const struct nft_stmt *s)
{
	bool ip4 = s->family == NFPROTO_IPV4, ports = s->ports.max;

	strbuf_add(sb, "%s %s to %s", s->op == NFT_OP_SNAT ? "snat" : "dnat", ip4 ? "ip" : "ip6",
		   !ip4 && ports ? "[" : "");
	print_value(sb, ip4 ? NFT_TYPE_IPV4 : NFT_TYPE_IPV6, s->value, s->len);
	if (ports)
		strbuf_add(sb, "%s:%u-%u", ip4 ? "" : "]", s->ports.min, s->ports.max);
}

static void print_stmt(struct strbuf *sb, const struct nft_stmt *s)
{
	switch (s->op) {
	case NFT_OP_MATCH:
		print_match(sb, s);
		break;
	case NFT_OP_RANGE:
		strbuf_add(sb, "%s ", fields[s->fields[0]].text);
		print_ports(sb, s);
		break;
	case NFT_OP_LOOKUP:
		print_fields(sb, s);
		strbuf_add(sb, " %s@%s", s->negate ? "!= " : "", s->name);
		break;
	case NFT_OP_VMAP:
		print_fields(sb, s);
		strbuf_add(sb, " vmap @%s", s->name);
		break;
	case NFT_OP_SET_MARK:
		strbuf_add(sb, "%s set %s & 0x%08x | 0x%08x", fields[s->fields[0]].text,
			   fields[s->fields[0]].text, ~s->mask, value32(s->value));
		break;
	case NFT_OP_CT_ZONE:
		strbuf_add(sb, "ct original zone set %u", s->zone);
		break;
	case NFT_OP_CT_ZONE_BOTH:
		strbuf_add(sb, "ct zone set %u", s->zone);
		break;
	case NFT_OP_LIMIT:
		print_limit(sb, &s->limit);
		break;
	case NFT_OP_UPDATE:
	case NFT_OP_DELETE:
		print_update(sb, s);
		break;
	case NFT_OP_CONNECTIONS:
		print_connections(sb, s);
		break;
	case NFT_OP_MSS_CLAMP:
		strbuf_add(sb, "tcp option maxseg size set rt mtu");
		break;
	case NFT_OP_MASQUERADE:
		strbuf_add(sb, "masquerade");
		if (s->len) {
			strbuf_add(sb, " to :");
			print_ports(sb, s);
		}
		break;
	case NFT_OP_SNAT:
	case NFT_OP_DNAT:
		print_nat(sb, s);
		break;
	case NFT_OP_DNAT_MAP:
		strbuf_add(sb, "dnat %s to ", s->family == NFPROTO_IPV4 ? "ip" : "ip6");
		print_fields(sb, s);
		strbuf_add(sb, " map @%s", s->name);
		break;
	case NFT_OP_SET_ADDRESS:
		strbuf_add(sb, "%s set ", fields[s->fields[0]].text);
		print_value(sb, fields[s->fields[0]].type, s->value, s->len);
		break;
	case NFT_OP_DNAT_SAME:
		strbuf_add(sb, "dnat %s to ", s->family == NFPROTO_IPV4 ? "ip" : "ip6");
		print_fields(sb, s);
		break;
	case NFT_OP_REJECT_PORT:
		strbuf_add(sb, "reject with icmpx type port-unreachable");
		break;
	case NFT_OP_REJECT:
		strbuf_add(sb, "reject with icmpx type admin-prohibited");
		break;
	case NFT_OP_RESET:
		strbuf_add(sb, "reject with tcp reset");
		break;
	case NFT_OP_COUNTER:
		strbuf_add(sb, "counter");
		break;
	case NFT_OP_XT_REPLIES: /* as nft(8) lists it; it cannot be written so */
		strbuf_add(sb, "ct state related,established");
		break;
	case NFT_OP_VERDICT:
		nft_print_verdict(sb, s->verdict, s->name);
		break;
	case NFT_OP_COUNT:
		break;
	}
}

void nft_print_rule(struct strbuf *sb, const struct nft_rule *r)
{
	for (size_t i = 0; i < r->n_stmts; i++) {
		if (i)
			strbuf_add(sb, " ");
		print_stmt(sb, &r->stmts[i]);
	}
}

void nft_print_key(struct strbuf *sb, const struct nft_key *k)
{
	const uint8_t *at = k->bytes;

	for (size_t i = 0; i < k->n_types; i++) {
		size_t len = type_len(k->types[i]);

		strbuf_add(sb, "%s", i ? " . " : "");
		print_value(sb, k->types[i], at, len);
		at += (len + 3) / 4 * 4;
	}
	for (size_t i = 0; !k->n_types && i < k->len; i++)
		strbuf_add(sb, "%s%02x", i ? "" : "0x", k->bytes[i]);
}
