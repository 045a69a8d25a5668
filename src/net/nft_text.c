/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Expressions become text from left to right. A load leaves the name of its field in a register, a
 * comparison writes that name and the value. A comparison of the layer 3 or layer 4 protocol waits:
 * where the next one reads a header of that protocol, nft(8) writes its name alone ("udp dport
 * 53").
 */
#include "net/nft_text.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_nat.h>
#include <linux/netfilter/nf_tables.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdio.h> /* libnftnl/expr.h needs it */
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>

#include "base/cleanup.h"
#include "model/nft.h"

#define REGISTERS 24 /* linux/netfilter/nf_tables.h:enum nft_registers */

struct reg {
	const struct nft_field_info *field; /* what was loaded; NULL: a value, or nothing */
	uint32_t mask;                      /* of a bitwise, 0: none */
	uint8_t prefix;                     /* of an address: bits that are loaded, 0: all */
	bool masked, fib, ip_protocol;
	uint8_t value[16], len; /* of an immediate */
};

struct reader {
	struct strbuf *out;
	uint32_t family;
	struct reg regs[REGISTERS];
	struct strbuf waiting; /* a match of a protocol that the next header may imply */
	uint8_t protocol;      /* the layer 4 protocol that was matched, or 0 */
	uint32_t low;          /* the start of a range: ">=" was compared */
	bool has_low, failed, waits_for_layer3;
};

static void space(struct reader *r)
{
	if (r->out->len)
		strbuf_add(r->out, " ");
}

/* implied: what waits needs not be written. */
static void settle(struct reader *r, bool implied)
{
	if (r->waiting.len && !implied) {
		space(r);
		strbuf_add(r->out, "%s", strbuf_text(&r->waiting));
	}
	strbuf_truncate(&r->waiting, 0);
}

static struct reg *reg_of(struct reader *r, struct nftnl_expr *e, uint16_t attr)
{
	uint32_t number = nftnl_expr_get_u32(e, attr);

	if (nftnl_expr_is_set(e, attr) && number < REGISTERS)
		return &r->regs[number];
	r->failed = true;
	return &r->regs[0];
}

static const struct nft_field_info *find_field(enum nft_load load, uint32_t key, uint32_t offset,
					       uint32_t len)
{
	for (enum nft_field i = 0; i < NFT_FIELD_COUNT; i++) {
		const struct nft_field_info *f = nft_field_info(i);

		if (f->load == load && f->key == key && f->offset == offset &&
		    (!len || f->len == len))
			return f;
	}
	return NULL;
}

static void load(struct reader *r, struct reg *reg, const struct nft_field_info *field)
{
	*reg = (struct reg){ .field = field };
	r->failed |= !field;
}

/* --- loads --------------------------------------------------------------------------------- */

static void read_payload(struct reader *r, struct nftnl_expr *e)
{
	uint32_t base = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_BASE);
	uint32_t offset = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_OFFSET);
	uint32_t len = nftnl_expr_get_u32(e, NFTNL_EXPR_PAYLOAD_LEN);
	/* RFC 791 */
	bool protocol = base == NFT_PAYLOAD_NETWORK_HEADER && offset == 9 && len == 1 &&
			r->family != NFPROTO_IPV6;
	const struct nft_field_info *f = NULL;
	struct reg *reg;

	if (nftnl_expr_is_set(e, NFTNL_EXPR_PAYLOAD_SREG)) {
		r->failed = true; /* it writes into the packet */
		return;
	}
	if (base == NFT_PAYLOAD_TRANSPORT_HEADER && !offset && r->protocol == IPPROTO_ICMPV6)
		f = nft_field_info(NFT_FIELD_ICMPV6_TYPE);
	else if (protocol)
		f = nft_field_info(NFT_FIELD_L4PROTO);
	else if (!(f = find_field(NFT_LOAD_PAYLOAD, base, offset, len)))
		f = find_field(NFT_LOAD_PAYLOAD, base, offset, 0);
	reg = reg_of(r, e, NFTNL_EXPR_PAYLOAD_DREG);
	load(r, reg, f);
	reg->ip_protocol = protocol;
	/* "10.0.0.0/8" is one byte of the address */
	if (f && len < f->len && (f->type == NFT_TYPE_IPV4 || f->type == NFT_TYPE_IPV6))
		reg->prefix = (uint8_t)(len * 8);
}

static void set_mark(struct reader *r, const char *text, const struct reg *source)
{
	strbuf_add(r->out, "%s", text);
	nft_print_value(r->out, NFT_TYPE_MARK, source->value, source->len);
}

static void read_meta(struct reader *r, struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_META_KEY);
	const struct reg *source;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_META_SREG)) {
		load(r, reg_of(r, e, NFTNL_EXPR_META_DREG), find_field(NFT_LOAD_META, key, 0, 0));
		return;
	}
	source = reg_of(r, e, NFTNL_EXPR_META_SREG);
	settle(r, false);
	space(r);
	if (key == NFT_META_NFTRACE && source->len == 1)
		strbuf_add(r->out, "meta nftrace set %u", source->value[0]);
	else if (key == NFT_META_MARK && source->len == 4)
		set_mark(r, "meta mark set ", source);
	else
		r->failed = true;
}

static void read_ct(struct reader *r, struct nftnl_expr *e)
{
	uint32_t key = nftnl_expr_get_u32(e, NFTNL_EXPR_CT_KEY);
	const struct reg *source;

	if (!nftnl_expr_is_set(e, NFTNL_EXPR_CT_SREG)) {
		load(r, reg_of(r, e, NFTNL_EXPR_CT_DREG),
		     nftnl_expr_is_set(e, NFTNL_EXPR_CT_DIR) ? NULL
							     : find_field(NFT_LOAD_CT, key, 0, 0));
		return;
	}
	source = reg_of(r, e, NFTNL_EXPR_CT_SREG);
	settle(r, false);
	space(r);
	if (key == NFT_CT_MARK && source->len == 4)
		set_mark(r, "ct mark set ", source);
	else
		r->failed = true;
}

static void read_bitwise(struct reader *r, struct nftnl_expr *e)
{
	uint32_t mask_len = 0, xor_len = 0;
	const void *mask = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_MASK, &mask_len);
	const void *flip = nftnl_expr_get(e, NFTNL_EXPR_BITWISE_XOR, &xor_len);
	struct reg *from = reg_of(r, e, NFTNL_EXPR_BITWISE_SREG);
	struct reg *to = reg_of(r, e, NFTNL_EXPR_BITWISE_DREG);
	static const uint8_t none[16];

	*to = *from;
	if (!from->field || from->masked || !mask || mask_len != 4 || !flip || xor_len != 4 ||
	    memcmp(flip, none, 4) != 0) {
		r->failed = true;
		return;
	}
	memcpy(&to->mask, mask, sizeof(to->mask));
	to->masked = true;
}

static void read_immediate(struct reader *r, struct nftnl_expr *e)
{
	uint32_t len = 0;
	const void *data;

	if (nftnl_expr_is_set(e, NFTNL_EXPR_IMM_VERDICT)) {
		int32_t verdict = (int32_t)nftnl_expr_get_u32(e, NFTNL_EXPR_IMM_VERDICT);
		const char *chain = nftnl_expr_is_set(e, NFTNL_EXPR_IMM_CHAIN)
					    ? nftnl_expr_get_str(e, NFTNL_EXPR_IMM_CHAIN)
					    : "";

		settle(r, false);
		space(r);
		if (verdict == NFT_RETURN)
			strbuf_add(r->out, "return");
		else
			nft_print_verdict(r->out, verdict, chain);
		return;
	}
	data = nftnl_expr_get(e, NFTNL_EXPR_IMM_DATA, &len);
	if (data && len <= sizeof(r->regs[0].value)) {
		struct reg *reg = reg_of(r, e, NFTNL_EXPR_IMM_DREG);

		*reg = (struct reg){ .len = (uint8_t)len };
		memcpy(reg->value, data, len);
	} else {
		r->failed = true;
	}
}

static void read_fib(struct reader *r, struct nftnl_expr *e)
{
	static const struct {
		uint32_t flag;
		const char *name;
	} flags[] = {
		{ NFTA_FIB_F_SADDR, "saddr" }, { NFTA_FIB_F_DADDR, "daddr" },
		{ NFTA_FIB_F_MARK, "mark" },   { NFTA_FIB_F_IIF, "iif" },
		{ NFTA_FIB_F_OIF, "oif" },
	};
	uint32_t have = nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_FLAGS);
	struct reg *reg = reg_of(r, e, NFTNL_EXPR_FIB_DREG);
	const char *joint = "";

	/* "oif missing" or "exists": a comparison with 0 follows */
	if (!(have & NFTA_FIB_F_PRESENT) ||
	    nftnl_expr_get_u32(e, NFTNL_EXPR_FIB_RESULT) != NFT_FIB_RESULT_OIF) {
		r->failed = true;
		return;
	}
	settle(r, false);
	space(r);
	strbuf_add(r->out, "fib ");
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++) {
		if (!(have & flags[i].flag))
			continue;
		strbuf_add(r->out, "%s%s", joint, flags[i].name);
		joint = " . ";
	}
	*reg = (struct reg){ .fib = true };
}

/* --- comparisons --------------------------------------------------------------------------- */

static const char *icmp_name(enum nft_type type, uint8_t v)
{
	static const struct {
		enum nft_type type;
		uint8_t value;
		const char *name;
	} names[] = {
		{ NFT_TYPE_ICMP, 0, "echo-reply" },
		{ NFT_TYPE_ICMP, 3, "destination-unreachable" },
		{ NFT_TYPE_ICMP, 8, "echo-request" },
		{ NFT_TYPE_ICMP, 11, "time-exceeded" },
		{ NFT_TYPE_ICMPV6, 1, "destination-unreachable" },
		{ NFT_TYPE_ICMPV6, 2, "packet-too-big" },
		{ NFT_TYPE_ICMPV6, 3, "time-exceeded" },
		{ NFT_TYPE_ICMPV6, 128, "echo-request" },
		{ NFT_TYPE_ICMPV6, 129, "echo-reply" },
		{ NFT_TYPE_ICMPV6, 135, "nd-neighbor-solicit" },
		{ NFT_TYPE_ICMPV6, 136, "nd-neighbor-advert" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].type == type && names[i].value == v)
			return names[i].name;
	return NULL;
}

static void add_value(struct reader *r, struct strbuf *sb, const struct nft_field_info *f,
		      const uint8_t *data, size_t len)
{
	uint8_t whole[IF_NAMESIZE] = { 0 };
	char name[IF_NAMESIZE];
	uint32_t v = 0;

	if (f->type == NFT_TYPE_ICMP || f->type == NFT_TYPE_ICMPV6) {
		const char *text = len == 1 ? icmp_name(f->type, data[0]) : NULL;

		r->failed |= !text;
		strbuf_add(sb, "%s", text ? text : "");
		return;
	}
	if (f->type == NFT_TYPE_IFINDEX) {
		if (len == sizeof(v))
			memcpy(&v, data, sizeof(v));
		if (if_indextoname(v, name))
			strbuf_add(sb, "\"%s\"", name);
		else
			strbuf_add(sb, "%u", v);
		return;
	}
	if (f->type == NFT_TYPE_IFNAME ? len > f->len : len != f->len) {
		r->failed = true;
		return;
	}
	/* iptables compares a whole name with its terminator, and no more bytes */
	if (f->type == NFT_TYPE_IFNAME && memchr(data, 0, len)) {
		memcpy(whole, data, len);
		nft_print_value(sb, f->type, whole, f->len);
		return;
	}
	nft_print_value(sb, f->type, data, len);
}

/* "udp" for ports of a packet that was found to be UDP. */
static void add_field(struct reader *r, const struct nft_field_info *f)
{
	const char *protocol = r->protocol == IPPROTO_TCP   ? "tcp"
			       : r->protocol == IPPROTO_UDP ? "udp"
							    : NULL;
	bool port = !strncmp(f->text, "th ", 3), layer3 = !strncmp(f->text, "ip", 2);

	settle(r, f->load == NFT_LOAD_PAYLOAD &&
			  (layer3 ? r->waits_for_layer3 : !port || protocol != NULL));
	space(r);
	if (port && protocol)
		strbuf_add(r->out, "%s%s ", protocol, f->text + 2);
	else
		strbuf_add(r->out, "%s ", f->text);
}

static void compare_state(struct reader *r, const struct reg *reg, uint32_t op, const uint8_t *data)
{
	static const uint8_t none[4];

	if (op != NFT_CMP_NEQ || memcmp(data, none, sizeof(none)) != 0) {
		r->failed = true;
		return;
	}
	add_field(r, reg->field);
	nft_print_value(r->out, reg->field->type, (const uint8_t *)&reg->mask, sizeof(reg->mask));
}

static void compare_protocol(struct reader *r, const struct reg *reg, const uint8_t *data)
{
	settle(r, reg->ip_protocol && r->waits_for_layer3);
	strbuf_add(&r->waiting, "%s ", reg->ip_protocol ? "ip protocol" : reg->field->text);
	nft_print_value(&r->waiting, reg->field->type, data, 1);
	r->waits_for_layer3 = reg->field->type == NFT_TYPE_NFPROTO;
	if (!r->waits_for_layer3)
		r->protocol = data[0];
}

/* "33434-33440" is compared with both ends, one after the other. */
static void compare_range(struct reader *r, const struct reg *reg, uint32_t op, const uint8_t *data,
			  size_t len)
{
	uint32_t v = 0;

	if (reg->masked || len != 2) {
		r->failed = true;
		return;
	}
	v = (uint32_t)data[0] << 8 | data[1];
	if (op == NFT_CMP_GTE && !r->has_low) {
		r->low = v;
		r->has_low = true;
	} else if (op == NFT_CMP_LTE && r->has_low) {
		add_field(r, reg->field);
		strbuf_add(r->out, "%u-%u", r->low, v);
		r->has_low = false;
	} else {
		r->failed = true;
	}
}

/* The bits of an address in front, with zeros behind them. */
static void compare_prefix(struct reader *r, const struct reg *reg, uint32_t op,
			   const uint8_t *data, size_t len)
{
	uint8_t address[16] = { 0 };

	if (len * 8 != reg->prefix || len > sizeof(address)) {
		r->failed = true;
		return;
	}
	memcpy(address, data, len);
	add_field(r, reg->field);
	strbuf_add(r->out, op == NFT_CMP_NEQ ? "!= " : "");
	add_value(r, r->out, reg->field, address, reg->field->len);
	strbuf_add(r->out, "/%u", reg->prefix);
}

/* Whether there is a route, which is 0 or 1. */
static void compare_fib(struct reader *r, uint32_t op, const uint8_t *data, size_t len)
{
	bool zero = true;

	for (size_t i = 0; i < len; i++)
		zero &= data[i] == 0;
	strbuf_add(r->out, " oif %s", (op == NFT_CMP_EQ) == zero ? "missing" : "exists");
}

/* Of what is masked, a mark and the state of a connection alone. */
static bool is_known(const struct reg *reg, size_t len)
{
	if (!reg->field)
		return reg->fib;
	return !reg->masked || reg->field->type == NFT_TYPE_MARK ||
	       (reg->field->type == NFT_TYPE_CT_STATE && len == sizeof(reg->mask));
}

static void read_cmp(struct reader *r, struct nftnl_expr *e)
{
	uint32_t op = nftnl_expr_get_u32(e, NFTNL_EXPR_CMP_OP), len = 0;
	const struct reg *reg = reg_of(r, e, NFTNL_EXPR_CMP_SREG);
	const uint8_t *data = nftnl_expr_get(e, NFTNL_EXPR_CMP_DATA, &len);

	if (!data || !is_known(reg, len)) {
		r->failed = true;
	} else if (reg->fib) {
		compare_fib(r, op, data, len);
	} else if (op != NFT_CMP_EQ && op != NFT_CMP_NEQ) {
		compare_range(r, reg, op, data, len);
	} else if (reg->prefix) {
		compare_prefix(r, reg, op, data, len);
	} else if (reg->masked && reg->field->type == NFT_TYPE_CT_STATE) {
		compare_state(r, reg, op, data);
	} else if (op == NFT_CMP_EQ && len == 1 &&
		   (reg->field->type == NFT_TYPE_L4PROTO || reg->field->type == NFT_TYPE_NFPROTO)) {
		compare_protocol(r, reg, data);
	} else {
		add_field(r, reg->field);
		if (reg->masked)
			strbuf_add(r->out, "& 0x%08x ", reg->mask);
		if (reg->masked || op == NFT_CMP_NEQ)
			strbuf_add(r->out, op == NFT_CMP_NEQ ? "!= " : "== ");
		add_value(r, r->out, reg->field, data, len);
	}
}

/* --- statements ---------------------------------------------------------------------------- */

static void statement(struct reader *r, const char *text)
{
	settle(r, false);
	space(r);
	strbuf_add(r->out, "%s", text);
}

static void read_nat(struct reader *r, struct nftnl_expr *e)
{
	bool source = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_TYPE) == NFT_NAT_SNAT;
	bool four = nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_FAMILY) == NFPROTO_IPV4;
	const struct reg *reg = reg_of(r, e, NFTNL_EXPR_NAT_REG_ADDR_MIN);

	if (r->failed || reg->len != (four ? 4 : 16) ||
	    nftnl_expr_is_set(e, NFTNL_EXPR_NAT_REG_PROTO_MIN) ||
	    nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MAX) !=
		    nftnl_expr_get_u32(e, NFTNL_EXPR_NAT_REG_ADDR_MIN)) {
		r->failed = true;
		return;
	}
	statement(r, source ? "snat" : "dnat");
	if (r->family == NFPROTO_INET)
		strbuf_add(r->out, four ? " ip" : " ip6");
	strbuf_add(r->out, " to ");
	nft_print_value(r->out, four ? NFT_TYPE_IPV4 : NFT_TYPE_IPV6, reg->value, reg->len);
}

static void read_reject(struct reader *r, struct nftnl_expr *e)
{
	uint32_t type = nftnl_expr_get_u32(e, NFTNL_EXPR_REJECT_TYPE);
	uint8_t code = nftnl_expr_get_u8(e, NFTNL_EXPR_REJECT_CODE);

	if (type == NFT_REJECT_TCP_RST)
		statement(r, "reject with tcp reset");
	else if ((type == NFT_REJECT_ICMP_UNREACH &&
		  code == (r->family == NFPROTO_IPV6 ? 4 : 3)) || /* port unreachable */
		 (type == NFT_REJECT_ICMPX_UNREACH && code == NFT_REJECT_ICMPX_PORT_UNREACH))
		statement(r, "reject");
	else if (type == NFT_REJECT_ICMPX_UNREACH && code == NFT_REJECT_ICMPX_ADMIN_PROHIBITED)
		statement(r, "reject with icmpx admin-prohibited");
	else
		r->failed = true;
}

static void read_counter(struct reader *r, struct nftnl_expr *e)
{
	statement(r, "counter");
	strbuf_add(r->out, " packets %" PRIu64 " bytes %" PRIu64,
		   nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_PACKETS),
		   nftnl_expr_get_u64(e, NFTNL_EXPR_CTR_BYTES));
}

static void read_log(struct reader *r, struct nftnl_expr *e)
{
	statement(r, "log");
	if (nftnl_expr_is_set(e, NFTNL_EXPR_LOG_PREFIX))
		strbuf_add(r->out, " prefix \"%s\"", nftnl_expr_get_str(e, NFTNL_EXPR_LOG_PREFIX));
	r->failed |= nftnl_expr_is_set(e, NFTNL_EXPR_LOG_GROUP);
}

static void read_masquerade(struct reader *r, struct nftnl_expr *e)
{
	statement(r, "masquerade");
	r->failed |= nftnl_expr_is_set(e, NFTNL_EXPR_MASQ_REG_PROTO_MIN) ||
		     nftnl_expr_get_u32(e, NFTNL_EXPR_MASQ_FLAGS) != 0;
}

static void read_notrack(struct reader *r, struct nftnl_expr *e)
{
	(void)e;
	statement(r, "notrack");
}

static int read_expr(struct nftnl_expr *e, void *arg)
{
	static const struct {
		const char *name;
		void (*read)(struct reader *r, struct nftnl_expr *e);
	} readers[] = {
		{ "payload", read_payload }, { "meta", read_meta }, { "ct", read_ct },
		{ "bitwise", read_bitwise }, { "cmp", read_cmp },   { "immediate", read_immediate },
		{ "fib", read_fib },         { "nat", read_nat },   { "reject", read_reject },
		{ "counter", read_counter }, { "log", read_log },   { "masq", read_masquerade },
		{ "notrack", read_notrack },
	};
	const char *name = nftnl_expr_get_str(e, NFTNL_EXPR_NAME);
	struct reader *r = arg;
	size_t i = 0;

	while (i < ARRAY_SIZE(readers) && strcmp(readers[i].name, name) != 0)
		i++;
	if (i < ARRAY_SIZE(readers))
		readers[i].read(r, e);
	else
		r->failed = true;
	return r->failed ? -1 : 0;
}

bool nft_rule_text(struct nftnl_rule *rule, struct strbuf *ret)
{
	struct reader r = { .out = ret, .family = nftnl_rule_get_u32(rule, NFTNL_RULE_FAMILY) };

	nftnl_expr_foreach(rule, read_expr, &r);
	settle(&r, false);
	strbuf_done(&r.waiting);
	return !r.failed && !r.has_low && ret->len;
}
