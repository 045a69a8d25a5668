/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A statement becomes one to four expressions on registers. Register use is that of nft(8), so
 * `nft list` can read our rules back: a single value in register 1, a concatenation in successive
 * 32-bit registers from there on.
 */
#include "net/nft_codec.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/xt_conntrack.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "model/accept.h"
#include "model/own.h"

#define TCPOPT_MAXSEG 2 /* RFC 9293, section 3.2 */

/* The longest message of ours: an element, or a rule of NFT_STMTS_MAX statements. */
#define MESSAGE_MAX ((size_t)8192)

/* --- rules --------------------------------------------------------------------------------- */

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
	if (s->op == NFT_OP_DNAT_MAP)
		set_u32(e, NFTNL_EXPR_LOOKUP_DREG, NFT_REG_1);
}

/* To the address in register 1. The kernel dumps both ends of the range, and says that it is one.
 */
static void dnat(struct builder *b, const struct nft_stmt *s)
{
	struct nftnl_expr *e;

	if (s->op == NFT_OP_DNAT_MAP) {
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
	set_u32(e, NFTNL_EXPR_NAT_FLAGS, NF_NAT_RANGE_MAP_IPS);
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

static void reject(struct builder *b, uint32_t type, uint8_t code)
{
	struct nftnl_expr *e = expr(b, "reject");

	set_u32(e, NFTNL_EXPR_REJECT_TYPE, type);
	if (e)
		nftnl_expr_set_u8(e, NFTNL_EXPR_REJECT_CODE, code);
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
static void xt_replies(struct builder *b)
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
	info->state_mask = CT_STATE_ESTABLISHED | CT_STATE_RELATED;
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
	struct nftnl_expr *limit = s->limit.rate ? nftnl_expr_alloc("limit") : NULL;

	put_limit(limit, &s->limit);
	b->failed |= s->limit.rate && !limit;
	dynset(b, s, NFT_DYNSET_OP_UPDATE, limit);
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
		update(b, s);
		break;
	case NFT_OP_DELETE:
		dynset(b, s, NFT_DYNSET_OP_DELETE, NULL);
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
	case NFT_OP_MSS_CLAMP:
		mss_clamp(b);
		break;
	case NFT_OP_MASQUERADE:
		masquerade(b, s);
		break;
	case NFT_OP_SNAT:
		snat(b, s);
		break;
	case NFT_OP_DNAT:
	case NFT_OP_DNAT_MAP:
	case NFT_OP_DNAT_SAME:
		dnat(b, s);
		break;
	case NFT_OP_SET_ADDRESS:
		set_address(b, s);
		break;
	case NFT_OP_REJECT_PORT:
		reject(b, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_PORT_UNREACH);
		break;
	case NFT_OP_REJECT:
		reject(b, NFT_REJECT_ICMPX_UNREACH, NFT_REJECT_ICMPX_ADMIN_PROHIBITED);
		break;
	case NFT_OP_RESET:
		reject(b, NFT_REJECT_TCP_RST, 0);
		break;
	case NFT_OP_COUNTER:
		counter(b);
		break;
	case NFT_OP_XT_REPLIES:
		xt_replies(b);
		break;
	case NFT_OP_VERDICT:
		verdict(b, s);
		break;
	case NFT_OP_COUNT:
		break;
	}
}

/* NULL when out of memory. */
static struct nftnl_rule *build_any_rule(uint8_t family, const char *table, const char *chain,
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

static struct nftnl_rule *build_rule(const struct object *o)
{
	return build_any_rule(o->family, object_table(o), o->nft_rule.chain, o->nft_rule.rule);
}

static struct nftnl_rule *build_accept(const struct object *o)
{
	const struct obj_nft_accept *a = &o->nft_accept;
	struct nftnl_udata_buf *comment;
	struct nftnl_rule *n;
	struct nft_rule rule;

	accept_rule(a, &rule);
	n = build_any_rule(o->family, a->table, a->chain, &rule);
	comment = n ? nftnl_udata_buf_alloc(64) : NULL;
	if (!comment) {
		if (n)
			nftnl_rule_free(n);
		return NULL;
	}
	nftnl_udata_put_strz(comment, NFTNL_UDATA_RULE_COMMENT, ACCEPT_COMMENT);
	nftnl_rule_set_data(n, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(comment),
			    nftnl_udata_buf_len(comment));
	nftnl_udata_buf_free(comment);
	return n;
}

static uint64_t hash(uint64_t h, const char *text)
{
	return hash_bytes(h, text, strlen(text));
}

struct hashing {
	uint64_t hash;
};

/*
 * Of an update without a time of its own the kernel tells a timeout of 0 (nft_dynset.c:
 * nft_dynset_dump), which cannot be sent to every set.
 */
static void cut_no_timeout(char *text)
{
	static const char none[] = "timeout 0ms ";
	char *at = strstr(text, none);

	if (at)
		memmove(at, at + sizeof(none) - 1, strlen(at + sizeof(none) - 1) + 1);
}

static int hash_expr(struct nftnl_expr *e, void *arg)
{
	struct hashing *h = arg;
	char text[512] = "";

	h->hash = hash(h->hash, nftnl_expr_get_str(e, NFTNL_EXPR_NAME));
	nftnl_expr_snprintf(text, sizeof(text), e, NFTNL_OUTPUT_DEFAULT, 0);
	cut_no_timeout(text);
	h->hash = hash(h->hash, text);
	return 0;
}

static uint64_t fingerprint(struct nftnl_rule *rule)
{
	struct hashing h = { .hash = HASH_START };

	nftnl_expr_foreach(rule, hash_expr, &h);
	return h.hash;
}

int nft_fingerprint(struct object_set *set)
{
	for (size_t i = 0; i < set->n; i++) {
		struct object *o = &set->v[i];
		struct nftnl_rule *rule;

		if (o->kind != OBJ_NFT_RULE || !o->nft_rule.rule || o->nft_rule.fingerprint)
			continue;
		rule = build_rule(o);
		if (!rule)
			return -ENOMEM;
		o->nft_rule.fingerprint = fingerprint(rule);
		nftnl_rule_free(rule);
	}
	return 0;
}

/* --- the transaction ----------------------------------------------------------------------- */

static bool make_room(struct nft_batch *b)
{
	if (b->failed)
		return false;
	if (b->size - b->len < MESSAGE_MAX) {
		size_t size = b->size ? b->size * 2 : 8 * MESSAGE_MAX;
		char *buf = realloc(b->buf, size);

		if (!buf) {
			b->failed = true;
			return false;
		}
		b->buf = buf;
		b->size = size;
	}
	if (b->n_objects % 64 == 0) {
		const struct object **v =
			reallocarray(b->objects, b->n_objects + 64, sizeof(struct object *));

		if (!v) {
			b->failed = true;
			return false;
		}
		b->objects = v;
	}
	return true;
}

/* Starts the next message; NULL when out of memory. finish() takes it in. */
static struct nlmsghdr *start(struct nft_batch *b, uint16_t type, uint16_t flags,
			      const struct object *o)
{
	if (!make_room(b))
		return NULL;
	b->objects[b->n_objects++] = o;
	return nftnl_nlmsg_build_hdr(b->buf + b->len, type, o->family, flags, b->seq++);
}

static void finish(struct nft_batch *b, const struct nlmsghdr *nlh)
{
	b->last = b->len;
	b->len += MNL_ALIGN(nlh->nlmsg_len);
}

static void marker(struct nft_batch *b, bool end)
{
	if (!make_room(b))
		return;
	b->objects[b->n_objects++] = NULL;
	if (end)
		nftnl_batch_end(b->buf + b->len, b->seq++);
	else
		nftnl_batch_begin(b->buf + b->len, b->seq++);
	finish(b, (const struct nlmsghdr *)(b->buf + b->len));
}

void nft_batch_begin(struct nft_batch *b, uint32_t first_seq)
{
	*b = (struct nft_batch){ .first_seq = first_seq, .seq = first_seq };
	marker(b, false);
}

/* Errors are reported for every message; success is asked of the last one alone. */
void nft_batch_end(struct nft_batch *b)
{
	if (!b->failed)
		((struct nlmsghdr *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
	marker(b, true);
}

void nft_batch_check(struct nft_batch *b)
{
	if (!b->failed)
		((struct nlmsghdr *)(b->buf + b->last))->nlmsg_flags |= NLM_F_ACK;
}

uint32_t nft_batch_last(const struct nft_batch *b)
{
	return b->seq - 2; /* the end marker is not answered */
}

const struct object *nft_batch_object(const struct nft_batch *b, uint32_t seq)
{
	uint32_t i = seq - b->first_seq;

	return i < b->n_objects ? b->objects[i] : NULL;
}

void nft_batch_done(struct nft_batch *b)
{
	free(b->buf);
	free(b->objects);
	*b = (struct nft_batch){ 0 };
}

static void step_table(struct nft_batch *b, const struct object *o, bool gone)
{
	struct nftnl_table *t = nftnl_table_alloc();
	struct nlmsghdr *nlh = NULL;

	if (t && nftnl_table_set_str(t, NFTNL_TABLE_NAME, object_table(o)) == 0)
		nlh = start(b, gone ? NFT_MSG_DELTABLE : NFT_MSG_NEWTABLE, gone ? 0 : NLM_F_CREATE,
			    o);
	if (nlh) {
		nftnl_table_nlmsg_build_payload(nlh, t);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (t)
		nftnl_table_free(t);
}

static void step_chain(struct nft_batch *b, const struct object *o, bool gone)
{
	const struct obj_nft_chain *c = &o->nft_chain;
	struct nftnl_chain *n = nftnl_chain_alloc();
	struct nlmsghdr *nlh = NULL;

	if (n && nftnl_chain_set_str(n, NFTNL_CHAIN_TABLE, object_table(o)) == 0 &&
	    nftnl_chain_set_str(n, NFTNL_CHAIN_NAME, c->name) == 0 &&
	    (!c->base || gone || nftnl_chain_set_str(n, NFTNL_CHAIN_TYPE, c->type) == 0))
		nlh = start(b, gone ? NFT_MSG_DELCHAIN : NFT_MSG_NEWCHAIN, gone ? 0 : NLM_F_CREATE,
			    o);
	if (nlh) {
		if (c->base && !gone) {
			nftnl_chain_set_u32(n, NFTNL_CHAIN_HOOKNUM, c->hook);
			nftnl_chain_set_s32(n, NFTNL_CHAIN_PRIO, c->priority);
			nftnl_chain_set_u32(n, NFTNL_CHAIN_POLICY, NF_ACCEPT);
		}
		nftnl_chain_nlmsg_build_payload(nlh, n);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (n)
		nftnl_chain_free(n);
}

static struct nftnl_set *named_set(const struct object *o, const char *name)
{
	struct nftnl_set *s = nftnl_set_alloc();

	if (s && (nftnl_set_set_str(s, NFTNL_SET_TABLE, object_table(o)) < 0 ||
		  nftnl_set_set_str(s, NFTNL_SET_NAME, name) < 0)) {
		nftnl_set_free(s);
		return NULL;
	}
	return s;
}

/*
 * What nft(8) needs to list a single key that the machine keeps in its own byte order (nftables
 * keeps this in the set's user data; a concatenation it takes apart by its types).
 */
static void tell_byte_order(struct nftnl_set *s, const struct obj_nft_set *set)
{
	enum { HOST_ENDIAN = 1 }; /* nftables include/datatype.h: enum byteorder */
	struct nftnl_udata_buf *udata;

	if (set->n_types != 1 ||
	    (set->types[0] != NFT_TYPE_IFNAME && set->types[0] != NFT_TYPE_MARK))
		return;
	udata = nftnl_udata_buf_alloc(64);
	if (!udata)
		return; /* only the eye misses it */
	nftnl_udata_put_u32(udata, NFTNL_UDATA_SET_KEYBYTEORDER, HOST_ENDIAN);
	nftnl_set_set_data(s, NFTNL_SET_USERDATA, nftnl_udata_buf_data(udata),
			   nftnl_udata_buf_len(udata));
	nftnl_udata_buf_free(udata);
}

static uint32_t set_flags(const struct obj_nft_set *set)
{
	return (set->vmap || set->data ? NFT_SET_MAP : 0) | (set->size ? NFT_SET_EVAL : 0) |
	       (set->timeout ? NFT_SET_TIMEOUT : 0);
}

static void step_set(struct nft_batch *b, const struct object *o, bool gone)
{
	struct nftnl_set *s = named_set(o, o->nft_set.name);
	struct nlmsghdr *nlh = NULL;
	uint32_t type = 0;

	if (s)
		nlh = start(b, gone ? NFT_MSG_DELSET : NFT_MSG_NEWSET, gone ? 0 : NLM_F_CREATE, o);
	if (nlh) {
		for (size_t i = 0; i < o->nft_set.n_types; i++)
			type = type << 6 | o->nft_set.types[i]; /* nftables: TYPE_BITS */
		if (!gone) {
			nftnl_set_set_u32(s, NFTNL_SET_ID, b->seq);
			nftnl_set_set_u32(s, NFTNL_SET_KEY_TYPE, type);
			nftnl_set_set_u32(s, NFTNL_SET_KEY_LEN, o->nft_set.key_len);
			nftnl_set_set_u32(s, NFTNL_SET_FLAGS, set_flags(&o->nft_set));
			if (o->nft_set.size)
				nftnl_set_set_u32(s, NFTNL_SET_DESC_SIZE, o->nft_set.size);
			if (o->nft_set.timeout)
				nftnl_set_set_u64(s, NFTNL_SET_TIMEOUT,
						  (uint64_t)o->nft_set.timeout * 1000);
			tell_byte_order(s, &o->nft_set);
		}
		if (!gone && o->nft_set.vmap) {
			nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, NFT_DATA_VERDICT);
			nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN, 0);
		} else if (!gone && o->nft_set.data) {
			nftnl_set_set_u32(s, NFTNL_SET_DATA_TYPE, o->nft_set.data);
			nftnl_set_set_u32(s, NFTNL_SET_DATA_LEN,
					  o->nft_set.data == NFT_TYPE_IPV4 ? 4 : 16);
		}
		nftnl_set_nlmsg_build_payload(nlh, s);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (s)
		nftnl_set_free(s);
}

static void put_element(struct nft_batch *b, const struct object *o, bool gone)
{
	const struct obj_nft_element *e = &o->nft_element;
	struct nftnl_set *s = named_set(o, e->set);
	struct nftnl_set_elem *n = nftnl_set_elem_alloc();
	struct nlmsghdr *nlh = NULL;

	if (s && n && nftnl_set_elem_set(n, NFTNL_SET_ELEM_KEY, e->key.bytes, e->key.len) == 0)
		nlh = start(b, gone ? NFT_MSG_DELSETELEM : NFT_MSG_NEWSETELEM,
			    gone ? 0 : NLM_F_CREATE, o);
	if (nlh) {
		if (e->vmap && !gone) {
			nftnl_set_elem_set_u32(n, NFTNL_SET_ELEM_VERDICT, (uint32_t)e->verdict);
			nftnl_set_elem_set_str(n, NFTNL_SET_ELEM_CHAIN, e->chain);
		}
		if (ip_is_set(&e->data) && !gone &&
		    nftnl_set_elem_set(n, NFTNL_SET_ELEM_DATA, e->data.bytes,
				       (uint32_t)ip_size(&e->data)) < 0)
			b->failed = true;
		nftnl_set_elem_add(s, steal_ptr(n));
		nftnl_set_elems_nlmsg_build_payload(nlh, s);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (n)
		nftnl_set_elem_free(n);
	if (s)
		nftnl_set_free(s);
}

static void step_element(struct nft_batch *b, const struct object *o, enum step_action action)
{
	if (action != STEP_ADD)
		put_element(b, o, true);
	if (action != STEP_REMOVE)
		put_element(b, o, false);
}

static void step_rule(struct nft_batch *b, const struct object *o, enum step_action action)
{
	struct nftnl_rule *rule;
	struct nlmsghdr *nlh = NULL;
	bool gone = action == STEP_REMOVE;

	rule = gone ? nftnl_rule_alloc() : build_rule(o);
	if (rule && gone) {
		if (nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, object_table(o)) < 0 ||
		    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, o->nft_rule.chain) < 0)
			b->failed = true;
		nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, o->nft_rule.handle);
	}
	if (rule)
		nlh = start(b, gone ? NFT_MSG_DELRULE : NFT_MSG_NEWRULE,
			    gone ? 0 : NLM_F_CREATE | NLM_F_APPEND, o);
	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, rule);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (rule)
		nftnl_rule_free(rule);
}

/* At the start of the chain, and gone by its handle: without one all of theirs would go. */
static void step_accept(struct nft_batch *b, const struct object *o, bool gone)
{
	const struct obj_nft_accept *a = &o->nft_accept;
	struct nlmsghdr *nlh = NULL;
	struct nftnl_rule *rule;

	if (gone && !a->handle) {
		b->failed = true;
		return;
	}
	rule = gone ? build_any_rule(o->family, a->table, a->chain, NULL) : build_accept(o);
	if (rule && gone)
		nftnl_rule_set_u64(rule, NFTNL_RULE_HANDLE, a->handle);
	if (rule)
		nlh = start(b, gone ? NFT_MSG_DELRULE : NFT_MSG_NEWRULE, gone ? 0 : NLM_F_CREATE,
			    o);
	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, rule);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (rule)
		nftnl_rule_free(rule);
}

void nft_batch_flush_chain(struct nft_batch *b, const struct object *o)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();
	struct nlmsghdr *nlh = NULL;

	if (rule && nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, object_table(o)) == 0 &&
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, o->nft_rule.chain) == 0)
		nlh = start(b, NFT_MSG_DELRULE, 0, o);
	if (nlh) {
		nftnl_rule_nlmsg_build_payload(nlh, rule);
		finish(b, nlh);
	}
	b->failed |= !nlh;
	if (rule)
		nftnl_rule_free(rule);
}

void nft_batch_step(struct nft_batch *b, const struct object *o, enum step_action action)
{
	bool gone = action == STEP_REMOVE;

	switch (o->kind) {
	case OBJ_NFT_TABLE:
		step_table(b, o, gone);
		break;
	case OBJ_NFT_CHAIN:
		step_chain(b, o, gone);
		break;
	case OBJ_NFT_SET:
		step_set(b, o, gone);
		break;
	case OBJ_NFT_ELEMENT:
		step_element(b, o, action);
		break;
	case OBJ_NFT_RULE:
		step_rule(b, o, action);
		break;
	case OBJ_NFT_ACCEPT: /* it has no value that could change */
		step_accept(b, o, gone);
		break;
	case OBJ_NETNS:
	case OBJ_LINK:
	case OBJ_LINK_UP:
	case OBJ_ALTNAME:
	case OBJ_ADDRESS:
	case OBJ_ROUTE:
	case OBJ_RULE:
	case OBJ_NEIGH:
	case OBJ_FDB:
	case OBJ_TC:
	case OBJ_SYSCTL:
	case OBJ_KIND_COUNT:
		b->failed = true; /* not nftables': a bug */
		break;
	}
}

/* --- dumps --------------------------------------------------------------------------------- */

static void dump(struct nl_msg *m, uint16_t type, uint8_t family)
{
	struct nfgenmsg *nfg =
		nl_msg_start(m, (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type), 0, sizeof(*nfg));

	nfg->nfgen_family = family;
	nfg->version = NFNETLINK_V0;
}

void nft_dump_tables(struct nl_msg *m)
{
	dump(m, NFT_MSG_GETTABLE, NFPROTO_UNSPEC);
}

void nft_dump_chains(struct nl_msg *m, uint8_t family)
{
	dump(m, NFT_MSG_GETCHAIN, family);
}

void nft_dump_sets(struct nl_msg *m, uint8_t family)
{
	dump(m, NFT_MSG_GETSET, family);
	nl_put_str(m, NFTA_SET_TABLE, NFT_TABLE_NAME);
}

void nft_dump_elements(struct nl_msg *m, uint8_t family, const char *set)
{
	dump(m, NFT_MSG_GETSETELEM, family);
	nl_put_str(m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
	nl_put_str(m, NFTA_SET_ELEM_LIST_SET, set);
}

void nft_dump_all_rules(struct nl_msg *m, uint8_t family)
{
	dump(m, NFT_MSG_GETRULE, family);
}

void nft_dump_rules(struct nl_msg *m, uint8_t family)
{
	dump(m, NFT_MSG_GETRULE, family);
	nl_put_str(m, NFTA_RULE_TABLE, NFT_TABLE_NAME);
}

static bool ours(const char *table)
{
	return table && !strcmp(table, NFT_TABLE_NAME);
}

/* A longer name is another program's object in our table: to be left alone, since it could not be removed. */
static bool fits(const char *name)
{
	return name && strlen(name) < NFT_NAME_MAX;
}

static void copy_name(char ret[NFT_NAME_MAX], const char *name)
{
	size_t len = name ? strnlen(name, NFT_NAME_MAX - 1) : 0;

	if (len)
		memcpy(ret, name, len);
	ret[len] = 0;
}

static int decode_table(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	struct nftnl_table *t = nftnl_table_alloc();
	int r = 0;

	if (!t)
		return -ENOMEM;
	if (nftnl_table_nlmsg_parse(nlh, t) < 0)
		r = -EBADMSG;
	else if (own_is_nft_family(o->family) && ours(nftnl_table_get_str(t, NFTNL_TABLE_NAME))) {
		o->kind = OBJ_NFT_TABLE;
		o->nft_table.flags = nftnl_table_get_u32(t, NFTNL_TABLE_FLAGS);
		set_add(set, o);
	}
	nftnl_table_free(t);
	return r;
}

static int decode_chain(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	struct nftnl_chain *c = nftnl_chain_alloc();
	int r = 0;

	if (!c)
		return -ENOMEM;
	if (nftnl_chain_nlmsg_parse(nlh, c) < 0)
		r = -EBADMSG;
	else if (ours(nftnl_chain_get_str(c, NFTNL_CHAIN_TABLE)) &&
		 fits(nftnl_chain_get_str(c, NFTNL_CHAIN_NAME))) {
		struct obj_nft_chain *n = &o->nft_chain;

		o->kind = OBJ_NFT_CHAIN;
		copy_name(n->name, nftnl_chain_get_str(c, NFTNL_CHAIN_NAME));
		n->base = nftnl_chain_is_set(c, NFTNL_CHAIN_HOOKNUM);
		if (n->base) {
			const char *type = nftnl_chain_get_str(c, NFTNL_CHAIN_TYPE);

			n->hook = nftnl_chain_get_u32(c, NFTNL_CHAIN_HOOKNUM);
			n->priority = nftnl_chain_get_s32(c, NFTNL_CHAIN_PRIO);
			if (type)
				memcpy(n->type, type, strnlen(type, sizeof(n->type) - 1));
			/* ours accept what no rule decides; another policy is another chain */
			if (nftnl_chain_get_u32(c, NFTNL_CHAIN_POLICY) != NF_ACCEPT)
				n->base = false;
		}
		set_add(set, o);
	}
	nftnl_chain_free(c);
	return r;
}

static int decode_set(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	struct nftnl_set *s = nftnl_set_alloc();
	int r = 0;

	if (!s)
		return -ENOMEM;
	if (nftnl_set_nlmsg_parse(nlh, s) < 0)
		r = -EBADMSG;
	else if (ours(nftnl_set_get_str(s, NFTNL_SET_TABLE)) &&
		 fits(nftnl_set_get_str(s, NFTNL_SET_NAME)) &&
		 /* an anonymous one goes with its rule */
		 !(nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_ANONYMOUS)) {
		o->kind = OBJ_NFT_SET;
		copy_name(o->nft_set.name, nftnl_set_get_str(s, NFTNL_SET_NAME));
		o->nft_set.key_len = (uint8_t)nftnl_set_get_u32(s, NFTNL_SET_KEY_LEN);
		if (nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_MAP) {
			uint32_t type = nftnl_set_get_u32(s, NFTNL_SET_DATA_TYPE);

			o->nft_set.vmap = type == NFT_DATA_VERDICT;
			o->nft_set.data = o->nft_set.vmap ? 0 : (enum nft_type)type;
		}
		if (nftnl_set_get_u32(s, NFTNL_SET_FLAGS) & NFT_SET_EVAL) {
			o->nft_set.size = nftnl_set_get_u32(s, NFTNL_SET_DESC_SIZE);
			o->nft_set.timeout =
				(uint32_t)(nftnl_set_get_u64(s, NFTNL_SET_TIMEOUT) / 1000);
		}
		set_add(set, o);
	}
	nftnl_set_free(s);
	return r;
}

struct element_walk {
	struct object_set *set;
	struct object o;
};

static int take_element(struct nftnl_set_elem *e, void *arg)
{
	struct element_walk *w = arg;
	struct object o = w->o;
	uint32_t len = 0;
	const void *key = nftnl_set_elem_get(e, NFTNL_SET_ELEM_KEY, &len);

	if (!key || len > NFT_KEY_MAX)
		return 0;
	memcpy(o.nft_element.key.bytes, key, len);
	o.nft_element.key.len = (uint8_t)len;
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_DATA)) {
		const void *data = nftnl_set_elem_get(e, NFTNL_SET_ELEM_DATA, &len);

		if (data && (len == 4 || len == 16))
			o.nft_element.data = ip_from_bytes(len == 4 ? AF_INET : AF_INET6, data);
	}
	if (nftnl_set_elem_is_set(e, NFTNL_SET_ELEM_VERDICT)) {
		o.nft_element.vmap = true;
		o.nft_element.verdict = (int32_t)nftnl_set_elem_get_u32(e, NFTNL_SET_ELEM_VERDICT);
		copy_name(o.nft_element.chain, nftnl_set_elem_get_str(e, NFTNL_SET_ELEM_CHAIN));
	}
	set_add(w->set, &o);
	return 0;
}

static int decode_elements(const struct nlmsghdr *nlh, struct object_set *set, struct object *o)
{
	struct nftnl_set *s = nftnl_set_alloc();
	int r = 0;

	if (!s)
		return -ENOMEM;
	if (nftnl_set_elems_nlmsg_parse(nlh, s) < 0)
		r = -EBADMSG;
	else if (ours(nftnl_set_get_str(s, NFTNL_SET_TABLE)) &&
		 fits(nftnl_set_get_str(s, NFTNL_SET_NAME))) {
		struct element_walk w = { .set = set, .o = *o };

		w.o.kind = OBJ_NFT_ELEMENT;
		copy_name(w.o.nft_element.set, nftnl_set_get_str(s, NFTNL_SET_NAME));
		nftnl_set_elem_foreach(s, take_element, &w);
	}
	nftnl_set_free(s);
	return r;
}

static int decode_rule(const struct nlmsghdr *nlh, struct nft_decoder *d, struct object *o)
{
	struct nftnl_rule *n = nftnl_rule_alloc();
	int r = 0;

	if (!n)
		return -ENOMEM;
	if (nftnl_rule_nlmsg_parse(nlh, n) < 0)
		r = -EBADMSG;
	else if (ours(nftnl_rule_get_str(n, NFTNL_RULE_TABLE)) &&
		 fits(nftnl_rule_get_str(n, NFTNL_RULE_CHAIN))) {
		o->kind = OBJ_NFT_RULE;
		copy_name(o->nft_rule.chain, nftnl_rule_get_str(n, NFTNL_RULE_CHAIN));
		if (strcmp(o->nft_rule.chain, d->chain)) {
			copy_name(d->chain, o->nft_rule.chain);
			d->index = 0;
		}
		o->nft_rule.index = d->index++;
		o->nft_rule.handle = nftnl_rule_get_u64(n, NFTNL_RULE_HANDLE);
		o->nft_rule.fingerprint = fingerprint(n);
		set_add(d->set, o);
	}
	nftnl_rule_free(n);
	return r;
}

int nft_decode(const struct nlmsghdr *nlh, struct nft_decoder *d)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct object o = { .place = PLACE_HOST };

	if (nlh->nlmsg_type >> 8 != NFNL_SUBSYS_NFTABLES)
		return 0;
	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nfg))
		return -EBADMSG;
	o.family = nfg->nfgen_family;
	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWTABLE:
		return decode_table(nlh, d->set, &o);
	case NFT_MSG_NEWCHAIN:
		return decode_chain(nlh, d->set, &o);
	case NFT_MSG_NEWSET:
		return decode_set(nlh, d->set, &o);
	case NFT_MSG_NEWSETELEM:
		return decode_elements(nlh, d->set, &o);
	case NFT_MSG_NEWRULE:
		return decode_rule(nlh, d, &o);
	default:
		return 0;
	}
}
