/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A statement becomes one to four expressions on registers. Register use is that of nft(8), so
 * `nft list` can read our rules back: a single value in register 1, a concatenation in successive
 * 32-bit registers from there on.
 */
#include "net/nft_internal.h"

#include <arpa/inet.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/xt_conntrack.h>
#include <string.h>

#include "base/cleanup.h"

#define TCPOPT_MAXSEG 2 /* RFC 9293, section 3.2 */

/* A rule under construction; a failed allocation sticks. */
struct builder {
	struct nftnl_rule *rule;
	bool failed;
};

static struct nftnl_expr *expr(struct builder *b, const char *name)
{
	struct nftnl_expr *e = b->failed ? NULL : nftnl_expr_alloc(name);

	if (!e) {
		b->failed = true;
		return NULL;
	}
	nftnl_rule_add_expr(b->rule, e);
	return e;
}

static void set_u32(struct nftnl_expr *e, uint16_t attr, uint32_t v)
{
	if (e)
		nftnl_expr_set_u32(e, attr, v);
}

static void set_u8(struct nftnl_expr *e, uint16_t attr, uint8_t v)
{
	if (e)
		nftnl_expr_set_u8(e, attr, v);
}

static void set_data(struct nftnl_expr *e, uint16_t attr, const void *data, size_t len)
{
	if (e)
		nftnl_expr_set(e, attr, data, (uint32_t)len);
}

/* The register at an offset in bytes, by the name that the kernel dumps it under. */
static uint32_t reg_at(size_t offset)
{
	return offset % 16 ? NFT_REG32_00 + (uint32_t)offset / 4
			   : NFT_REG_1 + (uint32_t)offset / 16;
}

static void load(struct builder *b, enum nft_field field, uint32_t reg)
{
	const struct nft_field_info *f = nft_field_info(field);
	struct nftnl_expr *e;

	switch (f->load) {
	case NFT_LOAD_META:
		e = expr(b, "meta");
		set_u32(e, NFTNL_EXPR_META_KEY, f->key);
		set_u32(e, NFTNL_EXPR_META_DREG, reg);
		break;
	case NFT_LOAD_CT:
		e = expr(b, "ct");
		set_u32(e, NFTNL_EXPR_CT_KEY, f->key);
		set_u32(e, NFTNL_EXPR_CT_DREG, reg);
		if (f->offset)
			set_u8(e, NFTNL_EXPR_CT_DIR, (uint8_t)(f->offset - 1));
		break;
	case NFT_LOAD_PAYLOAD:
		e = expr(b, "payload");
		set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, f->key);
		set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, f->offset);
		set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, f->len);
		set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, reg);
		break;
	case NFT_LOAD_EXTHDR:
		e = expr(b, "exthdr");
		set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, (uint8_t)f->key);
		set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_IPV6);
		set_u32(e, NFTNL_EXPR_EXTHDR_FLAGS, NFT_EXTHDR_F_PRESENT);
		set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, f->offset);
		set_u32(e, NFTNL_EXPR_EXTHDR_LEN, f->len);
		set_u32(e, NFTNL_EXPR_EXTHDR_DREG, reg);
		break;
	case NFT_LOAD_SOCKET:
		e = expr(b, "socket");
		set_u32(e, NFTNL_EXPR_SOCKET_KEY, f->key);
		set_u32(e, NFTNL_EXPR_SOCKET_DREG, reg);
		break;
	}
}

/* register 1 = (register 1 & mask) ^ xor */
static void bitwise(struct builder *b, size_t len, uint32_t mask, uint32_t xor)
{
	struct nftnl_expr *e = expr(b, "bitwise");
	uint8_t mask8 = (uint8_t)mask, xor8 = (uint8_t) xor ;
	uint16_t mask16 = htons((uint16_t)mask), xor16 = htons((uint16_t) xor);
	const void *mask_at = len == 1 ? &mask8 : len == 2 ? (void *)&mask16 : (void *)&mask;
	const void *xor_at = len == 1 ? &xor8 : len == 2 ? (void *)&xor16 : (void *)&xor;

	set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	set_data(e, NFTNL_EXPR_BITWISE_MASK, mask_at, len);
	set_data(e, NFTNL_EXPR_BITWISE_XOR, xor_at, len);
}

/* register 1 &= the first bits of an address */
static void bitwise_prefix(struct builder *b, size_t len, uint8_t bits)
{
	struct nftnl_expr *e = expr(b, "bitwise");
	uint8_t mask[16] = { 0 }, xor[16] = {
		0
	};

	for (size_t bit = 0; bit < bits; bit++)
		mask[bit / 8] |= (uint8_t)(0x80 >> bit % 8);
	set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_LEN, (uint32_t)len);
	set_data(e, NFTNL_EXPR_BITWISE_MASK, mask, len);
	set_data(e, NFTNL_EXPR_BITWISE_XOR, xor, len);
}

static void match(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e;

	load(b, s->fields[0], NFT_REG_1);
	if (s->mask)
		bitwise(b, s->len, s->mask, 0);
	if (s->prefix)
		bitwise_prefix(b, s->len, s->prefix);
	e = expr(b, "cmp");
	set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_CMP_OP, s->negate ? NFT_CMP_NEQ : NFT_CMP_EQ);
	set_data(e, NFTNL_EXPR_CMP_DATA, s->value, s->len);
}

static void compare(struct builder *b, uint32_t op, const uint8_t *value, size_t len)
{
	struct nftnl_expr *e = expr(b, "cmp");

	set_u32(e, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_CMP_OP, op);
	set_data(e, NFTNL_EXPR_CMP_DATA, value, len);
}

static void match_payload(struct builder *b, const struct nft_stmt *s)
{
	const uint8_t xor [sizeof(s->value) / 2] = { 0 };
	struct nftnl_expr *e = expr(b, "payload");

	set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, NFT_PAYLOAD_TRANSPORT_HEADER);
	set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, s->place);
	set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, s->len);
	set_u32(e, NFTNL_EXPR_PAYLOAD_DREG, NFT_REG_1);
	e = expr(b, "bitwise");
	set_u32(e, NFTNL_EXPR_BITWISE_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_DREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BITWISE_LEN, s->len);
	set_data(e, NFTNL_EXPR_BITWISE_MASK, s->value + sizeof(s->value) / 2, s->len);
	set_data(e, NFTNL_EXPR_BITWISE_XOR, xor, s->len);
	compare(b, NFT_CMP_EQ, s->value, s->len);
}

/* A port from the first two bytes of the value to the last two. */
static void match_ports(struct builder *b, const struct nft_stmt *s)
{
	load(b, s->fields[0], NFT_REG_1);
	compare(b, NFT_CMP_GTE, s->value, 2);
	compare(b, NFT_CMP_LTE, s->value + 2, 2);
}

/* The fields of a statement in the registers from 1 on. */
static void load_key(struct builder *b, const struct nft_stmt *s)
{
	size_t offset = 0;

	for (size_t i = 0; i < s->n_fields; i++) {
		load(b, s->fields[i], reg_at(offset));
		if (i == 0 && s->mask)
			bitwise(b, 4, s->mask, 0);
		offset += ((size_t)nft_field_info(s->fields[i])->len + 3) / 4 * 4;
	}
}

/* A value from, or found by, the fields of a statement, in register 1. */
static void find(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e;

	load_key(b, s);
	e = expr(b, "lookup");
	set_u32(e, NFTNL_EXPR_LOOKUP_SREG, NFT_REG_1);
	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_LOOKUP_SET, s->name);
	set_u32(e, NFTNL_EXPR_LOOKUP_FLAGS, s->negate ? NFT_LOOKUP_F_INV : 0);
	if (s->op == NFT_OP_VMAP)
		set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_VERDICT);
	if (s->op == NFT_OP_DNAT_MAP || s->op == NFT_OP_DNAT_PORTS)
		set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
}

/* To the address in register 1, and to the port behind it, if there is one. The kernel dumps both
 * ends of the range, and says that it is one.
 */
static void dnat(struct builder *b, const struct nft_stmt *s)
{
	const bool ports = s->op == NFT_OP_DNAT_PORTS;
	const uint32_t port = reg_at(s->family == NFPROTO_IPV4 ? 4 : 16);
	uint32_t flags = NF_NAT_RANGE_MAP_IPS;
	struct nftnl_expr *e;

	if (s->op == NFT_OP_DNAT_MAP || ports) {
		find(b, s);
	} else if (s->op == NFT_OP_DNAT_SAME) {
		load(b, s->fields[0], NFT_REG_1);
	} else {
		e = expr(b, "immediate");
		set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
		set_data(e, NFTNL_EXPR_IMM_DATA, s->value, s->len);
	}
	e = expr(b, "nat");
	set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_DNAT);
	set_u32(e, NFTNL_EXPR_NAT_FAMILY, s->family);
	set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1);
	if (ports) {
		set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, port);
		set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, port);
		flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
	}
	set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}

/* The address in one register, and the ports in two, as masquerade() has them. */
static void snat(struct builder *b, const struct nft_stmt *s)
{
	const uint16_t ports[2] = { htons(s->ports.min), htons(s->ports.max) };
	struct nftnl_expr *e = expr(b, "immediate");
	uint32_t flags = NF_NAT_RANGE_MAP_IPS;

	set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	set_data(e, NFTNL_EXPR_IMM_DATA, s->value, s->len);
	for (uint32_t i = 0; s->ports.max && i < 2; i++) {
		e = expr(b, "immediate");
		set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_2 + i);
		set_data(e, NFTNL_EXPR_IMM_DATA, &ports[i], sizeof(ports[i]));
	}
	e = expr(b, "nat");
	set_u32(e, NFTNL_EXPR_NAT_TYPE, NFT_NAT_SNAT);
	set_u32(e, NFTNL_EXPR_NAT_FAMILY, s->family);
	set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX, NFT_REG_1);
	if (s->ports.max) {
		set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MIN, NFT_REG_2);
		set_u32(e, NFTNL_EXPR_NAT_REG_PROTO_MAX, NFT_REG_3);
		flags |= NF_NAT_RANGE_PROTO_SPECIFIED;
	}
	set_u32(e, NFTNL_EXPR_NAT_FLAGS, flags);
}

/* The address stands in the pseudo-header of TCP, UDP and ICMPv6 (RFC 8200, section 8.1). */
static void set_address(struct builder *b, const struct nft_stmt *s)
{
	const struct nft_field_info *f = nft_field_info(s->fields[0]);
	struct nftnl_expr *e = expr(b, "immediate");

	set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	set_data(e, NFTNL_EXPR_IMM_DATA, s->value, s->len);
	e = expr(b, "payload");
	set_u32(e, NFTNL_EXPR_PAYLOAD_BASE, f->key);
	set_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET, f->offset);
	set_u32(e, NFTNL_EXPR_PAYLOAD_LEN, f->len);
	set_u32(e, NFTNL_EXPR_PAYLOAD_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_TYPE, NFT_PAYLOAD_CSUM_NONE);
	set_u32(e, NFTNL_EXPR_PAYLOAD_CSUM_OFFSET, 0);
	set_u32(e, NFTNL_EXPR_PAYLOAD_FLAGS, NFT_PAYLOAD_L4CSUM_PSEUDOHDR);
}

static void set_mark(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e;
	uint32_t value;

	memcpy(&value, s->value, sizeof(value));
	load(b, s->fields[0], NFT_REG_1);
	bitwise(b, 4, ~s->mask, value);
	if (s->fields[0] == NFT_FIELD_CT_MARK) {
		e = expr(b, "ct");
		set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_MARK);
		set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	} else {
		e = expr(b, "meta");
		set_u32(e, NFTNL_EXPR_META_KEY, NFT_META_MARK);
		set_u32(e, NFTNL_EXPR_META_SREG, NFT_REG_1);
	}
}

static void ct_zone(struct builder *b, uint16_t zone, bool both)
{
	struct nftnl_expr *e = expr(b, "immediate");

	set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	set_data(e, NFTNL_EXPR_IMM_DATA, &zone, sizeof(zone));
	e = expr(b, "ct");
	set_u32(e, NFTNL_EXPR_CT_KEY, NFT_CT_ZONE);
	set_u32(e, NFTNL_EXPR_CT_SREG, NFT_REG_1);
	if (!both)
		set_u8(e, NFTNL_EXPR_CT_DIR, 0);
}

/* rt(8 of nft): the MSS of both directions' routes, written over the one in the SYN if lower */
static void mss_clamp(struct builder *b)
{
	struct nftnl_expr *e = expr(b, "rt");

	set_u32(e, NFTNL_EXPR_RT_KEY, NFT_RT_TCPMSS);
	set_u32(e, NFTNL_EXPR_RT_DREG, NFT_REG_1);
	e = expr(b, "byteorder");
	set_u32(e, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	set_u32(e, NFTNL_EXPR_BYTEORDER_LEN, 2);
	set_u32(e, NFTNL_EXPR_BYTEORDER_SIZE, 2);
	e = expr(b, "exthdr");
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_EXTHDR_TYPE, TCPOPT_MAXSEG);
	set_u32(e, NFTNL_EXPR_EXTHDR_OP, NFT_EXTHDR_OP_TCPOPT);
	set_u32(e, NFTNL_EXPR_EXTHDR_OFFSET, 2);
	set_u32(e, NFTNL_EXPR_EXTHDR_LEN, 2);
	set_u32(e, NFTNL_EXPR_EXTHDR_SREG, NFT_REG_1);
}

static void reject(struct builder *b, enum nft_op op)
{
	struct nftnl_expr *e = expr(b, "reject");

	set_u32(e, NFTNL_EXPR_REJECT_TYPE,
		op == NFT_OP_RESET ? NFT_REJECT_TCP_RST : NFT_REJECT_ICMPX_UNREACH);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE,
				  op == NFT_OP_REJECT        ? NFT_REJECT_ICMPX_ADMIN_PROHIBITED
				  : op == NFT_OP_REJECT_PORT ? NFT_REJECT_ICMPX_PORT_UNREACH
							     : 0);
}

static void verdict(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e = expr(b, "immediate");

	set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	set_u32(e, NFTNL_EXPR_IMM_VERDICT, (uint32_t)s->verdict);
	if (e && s->name[0])
		nftnl_expr_set_str(e, NFTNL_EXPR_IMM_CHAIN, s->name);
}

/* As iptables writes it (extensions/libxt_conntrack.c); libnftnl frees the bytes. */
static void xt_state(struct builder *b, uint16_t states)
{
	size_t len = (sizeof(struct xt_conntrack_mtinfo3) + 7) / 8 * 8; /* XT_ALIGN() */
	struct xt_conntrack_mtinfo3 *info = calloc(1, len);
	struct nftnl_expr *e = expr(b, "match");

	if (!info || !e) {
		free(info);
		b->failed = true;
		return;
	}
	info->match_flags = XT_CONNTRACK_STATE;
	info->state_mask = states;
	nftnl_expr_set_str(e, NFTNL_EXPR_MT_NAME, "conntrack");
	nftnl_expr_set_u32(e, NFTNL_EXPR_MT_REV, 3);
	nftnl_expr_set(e, NFTNL_EXPR_MT_INFO, info, (uint32_t)len);
}

static void counter(struct builder *b)
{
	struct nftnl_expr *e = expr(b, "counter");

	if (e) { /* both are sent, or nothing of it is */
		nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_PACKETS, 0);
		nftnl_expr_set_u64(e, NFTNL_EXPR_CTR_BYTES, 0);
	}
}

/* The kernel sets the flag by itself in newer versions only. */
static void masquerade(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e;

	for (uint32_t i = 0; s->len && i < 2; i++) {
		e = expr(b, "immediate");
		set_u32(e, NFTNL_EXPR_IMM_DREG, NFT_REG_1 + i);
		set_data(e, NFTNL_EXPR_IMM_DATA, s->value + (size_t)2 * i, 2);
	}
	e = expr(b, "masq");
	if (!s->len)
		return;
	set_u32(e, NFTNL_EXPR_MASQ_FLAGS, NF_NAT_RANGE_PROTO_SPECIFIED);
	set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_MASQ_REG_PROTO_MAX, NFT_REG_2);
}

static void put_limit(struct nftnl_expr *e, const struct nft_limit *l)
{
	if (!e)
		return;
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_RATE, l->rate);
	nftnl_expr_set_u64(e, NFTNL_EXPR_LIMIT_UNIT, 1); /* second */
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_BURST, l->burst);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_TYPE,
			   l->bytes ? NFT_LIMIT_PKT_BYTES : NFT_LIMIT_PKTS);
	nftnl_expr_set_u32(e, NFTNL_EXPR_LIMIT_FLAGS, NFT_LIMIT_F_INV);
}

/* An element with the state of an expression of its own, which may be NULL. */
static void dynset(struct builder *b, const struct nft_stmt *s, uint32_t op,
		   struct nftnl_expr *state)
{
	struct nftnl_expr *e;

	load_key(b, s);
	e = expr(b, "dynset");
	set_u32(e, NFTNL_EXPR_DYNSET_SREG_KEY, NFT_REG_1);
	set_u32(e, NFTNL_EXPR_DYNSET_OP, op);
	if (e)
		nftnl_expr_set_str(e, NFTNL_EXPR_DYNSET_SET_NAME, s->name);
	if (e && state) /* which is its own from now on */
		nftnl_expr_set(e, NFTNL_EXPR_DYNSET_EXPR, state, 0);
	else if (state)
		nftnl_expr_free(state);
}

static void update(struct builder *b, const struct nft_stmt *s)
{
	bool limits = s->op == NFT_OP_UPDATE && s->limit.rate;
	struct nftnl_expr *limit = limits ? nftnl_expr_alloc("limit") : NULL;

	put_limit(limit, &s->limit);
	b->failed |= limits && !limit;
	dynset(b, s, s->op == NFT_OP_UPDATE ? NFT_DYNSET_OP_UPDATE : NFT_DYNSET_OP_DELETE, limit);
}

static void connections(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *count =
		s->name[0] ? nftnl_expr_alloc("connlimit") : expr(b, "connlimit");

	set_u32(count, NFTNL_EXPR_CONNLIMIT_COUNT, s->most);
	set_u32(count, NFTNL_EXPR_CONNLIMIT_FLAGS, NFT_CONNLIMIT_F_INV);
	b->failed |= !count;
	if (s->name[0])
		dynset(b, s, NFT_DYNSET_OP_ADD, count);
}

static void nat(struct builder *b, const struct nft_stmt *s)
{
	if (s->op == NFT_OP_MASQUERADE)
		masquerade(b, s);
	else if (s->op == NFT_OP_SNAT)
		snat(b, s);
	else
		dnat(b, s);
}

static void statement(struct builder *b, const struct nft_stmt *s)
{
	switch (s->op) {
	case NFT_OP_MATCH:
		match(b, s);
		break;
	case NFT_OP_RANGE:
		match_ports(b, s);
		break;
	case NFT_OP_LIMIT:
		put_limit(expr(b, "limit"), &s->limit);
		break;
	case NFT_OP_UPDATE:
	case NFT_OP_DELETE:
		update(b, s);
		break;
	case NFT_OP_CONNECTIONS:
		connections(b, s);
		break;
	case NFT_OP_LOOKUP:
	case NFT_OP_VMAP:
		find(b, s);
		break;
	case NFT_OP_SET_MARK:
		set_mark(b, s);
		break;
	case NFT_OP_CT_ZONE:
	case NFT_OP_CT_ZONE_BOTH:
		ct_zone(b, s->zone, s->op == NFT_OP_CT_ZONE_BOTH);
		break;
	case NFT_OP_NOTRACK:
		expr(b, "notrack");
		break;
	case NFT_OP_PAYLOAD:
		match_payload(b, s);
		break;
	case NFT_OP_MSS_CLAMP:
		mss_clamp(b);
		break;
	case NFT_OP_MASQUERADE:
	case NFT_OP_SNAT:
	case NFT_OP_DNAT:
	case NFT_OP_DNAT_MAP:
	case NFT_OP_DNAT_PORTS:
	case NFT_OP_DNAT_SAME:
		nat(b, s);
		break;
	case NFT_OP_SET_ADDRESS:
		set_address(b, s);
		break;
	case NFT_OP_REJECT_PORT:
	case NFT_OP_REJECT:
	case NFT_OP_RESET:
		reject(b, s->op);
		break;
	case NFT_OP_COUNTER:
		counter(b);
		break;
	case NFT_OP_XT_REPLIES:
		xt_state(b, CT_STATE_ESTABLISHED | CT_STATE_RELATED);
		break;
	case NFT_OP_XT_TRANSLATED:
		xt_state(b, XT_CONNTRACK_STATE_DNAT);
		break;
	case NFT_OP_VERDICT:
		verdict(b, s);
		break;
	case NFT_OP_COUNT:
		break;
	}
}

/* NULL when out of memory. */
struct nftnl_rule *nft_new_rule(uint8_t family, const char *table, const char *chain,
				const struct nft_rule *rule)
{
	struct builder b = { .rule = nftnl_rule_alloc() };

	if (!b.rule)
		return NULL;
	nftnl_rule_set_u32(b.rule, NFTNL_RULE_FAMILY, family);
	b.failed = nftnl_rule_set_str(b.rule, NFTNL_RULE_TABLE, table) < 0 ||
		   nftnl_rule_set_str(b.rule, NFTNL_RULE_CHAIN, chain) < 0;
	for (size_t i = 0; rule && i < rule->n_stmts; i++)
		statement(&b, &rule->stmts[i]);
	if (b.failed) {
		nftnl_rule_free(b.rule);
		return NULL;
	}
	return b.rule;
}

struct nftnl_rule *nft_build_rule(const struct object *o)
{
	return nft_new_rule(o->family, object_table(o), o->nft_rule.chain, o->nft_rule.rule);
}
