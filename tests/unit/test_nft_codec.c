/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rules are compared as text that is made of the bytes here, not by libnftnl, whose words change
 * from version to version: "NAME attribute=value …; NAME …", numbers and registers as the kernel
 * counts them (linux/netfilter/nf_tables.h), data in hex.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nf_tables_compat.h>
#include <linux/netfilter/nfnetlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/strbuf.h"
#include "list.h"
#include "mutate.h"
#include "net/nft_codec.h"
#include "plan/plan.h"
#include "scene.h"
#include "things.h"
#include "unit.h"
#include "wire.h"

#define NFT(type) ((uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_##type))

/* A mark lies in a register, and so in a message, in the machine's own order. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define HOST32(a, b, c, d) #d #c #b #a
#define HOST16(a, b)       #b #a
#else
#define HOST32(a, b, c, d) #a #b #c #d
#define HOST16(a, b)       #a #b
#endif

/* --- short words --------------------------------------------------------------------------- */

/* The number-th message of a batch, the begin marker being 0. */
static const struct nlmsghdr *message(const struct nft_batch *b, size_t number)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)b->buf;
	int left = (int)b->len;

	for (; number && mnl_nlmsg_ok(nlh, left); number--)
		nlh = mnl_nlmsg_next(nlh, &left);
	assert_true(mnl_nlmsg_ok(nlh, left));
	return nlh;
}

/* A batch of one step; its message is number 1, and would be 2 after a flush. */
static const struct nlmsghdr *encode(struct nft_batch *b, const struct object *o,
				     enum step_action action)
{
	nft_batch_begin(b, 1);
	nft_batch_step(b, o, action);
	nft_batch_end(b);
	assert_false(b->failed);
	return message(b, 1);
}

static struct object rule_object(uint8_t family, const char *chain, struct nft_rule *rule)
{
	struct object o = thing_rule(family, chain, 0, 0);

	o.nft_rule.rule = rule;
	return o;
}

static void check_header(const struct nlmsghdr *nlh, uint8_t family)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);

	assert_int_equal(nfg->nfgen_family, family);
	assert_int_equal(nfg->version, NFNETLINK_V0);
}

/* libmnl's own loops warn where conversions are looked at. */
static const struct nlattr *attr_at(const void *at, const void *end)
{
	return mnl_attr_ok(at, (int)((const char *)end - (const char *)at)) ? at : NULL;
}

static const struct nlattr *first_of(const struct nlmsghdr *nlh)
{
	return attr_at(mnl_nlmsg_get_payload_offset(nlh, sizeof(struct nfgenmsg)),
		       mnl_nlmsg_get_payload_tail(nlh));
}

static const struct nlattr *next_of(const struct nlmsghdr *nlh, const struct nlattr *a)
{
	return attr_at(mnl_attr_next(a), mnl_nlmsg_get_payload_tail(nlh));
}

static const struct nlattr *first_in(const struct nlattr *nest)
{
	return attr_at(mnl_attr_get_payload(nest), (const char *)nest + nest->nla_len);
}

static const struct nlattr *next_in(const struct nlattr *nest, const struct nlattr *a)
{
	return attr_at(mnl_attr_next(a), (const char *)nest + nest->nla_len);
}

/* --- expressions as text ------------------------------------------------------------------- */

enum form { NUMBER, BYTE, TEXT, DATA, BYTES, EXPR };

static const struct {
	const char *expr;
	uint16_t type;
	const char *name;
	enum form form;
} words[] = {
	{ "meta", NFTA_META_KEY, "key", NUMBER },
	{ "meta", NFTA_META_DREG, "dreg", NUMBER },
	{ "meta", NFTA_META_SREG, "sreg", NUMBER },
	{ "ct", NFTA_CT_KEY, "key", NUMBER },
	{ "ct", NFTA_CT_DIRECTION, "dir", BYTE },
	{ "ct", NFTA_CT_DREG, "dreg", NUMBER },
	{ "ct", NFTA_CT_SREG, "sreg", NUMBER },
	{ "payload", NFTA_PAYLOAD_BASE, "base", NUMBER },
	{ "payload", NFTA_PAYLOAD_OFFSET, "offset", NUMBER },
	{ "payload", NFTA_PAYLOAD_LEN, "len", NUMBER },
	{ "payload", NFTA_PAYLOAD_DREG, "dreg", NUMBER },
	{ "payload", NFTA_PAYLOAD_SREG, "sreg", NUMBER },
	{ "payload", NFTA_PAYLOAD_CSUM_TYPE, "csum", NUMBER },
	{ "payload", NFTA_PAYLOAD_CSUM_OFFSET, "at", NUMBER },
	{ "payload", NFTA_PAYLOAD_CSUM_FLAGS, "flags", NUMBER },
	{ "bitwise", NFTA_BITWISE_SREG, "sreg", NUMBER },
	{ "bitwise", NFTA_BITWISE_DREG, "dreg", NUMBER },
	{ "bitwise", NFTA_BITWISE_LEN, "len", NUMBER },
	{ "bitwise", NFTA_BITWISE_MASK, "mask", DATA },
	{ "bitwise", NFTA_BITWISE_XOR, "xor", DATA },
	{ "cmp", NFTA_CMP_SREG, "sreg", NUMBER },
	{ "cmp", NFTA_CMP_OP, "op", NUMBER },
	{ "cmp", NFTA_CMP_DATA, "data", DATA },
	{ "lookup", NFTA_LOOKUP_SREG, "sreg", NUMBER },
	{ "lookup", NFTA_LOOKUP_DREG, "dreg", NUMBER },
	{ "lookup", NFTA_LOOKUP_SET, "set", TEXT },
	{ "lookup", NFTA_LOOKUP_FLAGS, "flags", NUMBER },
	{ "immediate", NFTA_IMMEDIATE_DREG, "dreg", NUMBER },
	{ "immediate", NFTA_IMMEDIATE_DATA, "data", DATA },
	{ "rt", NFTA_RT_KEY, "key", NUMBER },
	{ "rt", NFTA_RT_DREG, "dreg", NUMBER },
	{ "byteorder", NFTA_BYTEORDER_SREG, "sreg", NUMBER },
	{ "byteorder", NFTA_BYTEORDER_DREG, "dreg", NUMBER },
	{ "byteorder", NFTA_BYTEORDER_OP, "op", NUMBER },
	{ "byteorder", NFTA_BYTEORDER_LEN, "len", NUMBER },
	{ "byteorder", NFTA_BYTEORDER_SIZE, "size", NUMBER },
	{ "exthdr", NFTA_EXTHDR_OP, "op", NUMBER },
	{ "exthdr", NFTA_EXTHDR_TYPE, "type", BYTE },
	{ "exthdr", NFTA_EXTHDR_OFFSET, "offset", NUMBER },
	{ "exthdr", NFTA_EXTHDR_LEN, "len", NUMBER },
	{ "exthdr", NFTA_EXTHDR_SREG, "sreg", NUMBER },
	{ "exthdr", NFTA_EXTHDR_FLAGS, "flags", NUMBER },
	{ "exthdr", NFTA_EXTHDR_DREG, "dreg", NUMBER },
	{ "socket", NFTA_SOCKET_KEY, "key", NUMBER },
	{ "socket", NFTA_SOCKET_DREG, "dreg", NUMBER },
	{ "nat", NFTA_NAT_TYPE, "type", NUMBER },
	{ "nat", NFTA_NAT_FAMILY, "family", NUMBER },
	{ "nat", NFTA_NAT_REG_ADDR_MIN, "addr", NUMBER },
	{ "nat", NFTA_NAT_REG_ADDR_MAX, "to", NUMBER },
	{ "nat", NFTA_NAT_REG_PROTO_MIN, "min", NUMBER },
	{ "nat", NFTA_NAT_REG_PROTO_MAX, "max", NUMBER },
	{ "nat", NFTA_NAT_FLAGS, "flags", NUMBER },
	{ "masq", NFTA_MASQ_FLAGS, "flags", NUMBER },
	{ "masq", NFTA_MASQ_REG_PROTO_MIN, "min", NUMBER },
	{ "masq", NFTA_MASQ_REG_PROTO_MAX, "max", NUMBER },
	{ "limit", NFTA_LIMIT_RATE, "rate", BYTES },
	{ "limit", NFTA_LIMIT_UNIT, "unit", BYTES },
	{ "limit", NFTA_LIMIT_BURST, "burst", NUMBER },
	{ "limit", NFTA_LIMIT_TYPE, "type", NUMBER },
	{ "limit", NFTA_LIMIT_FLAGS, "flags", NUMBER },
	{ "connlimit", NFTA_CONNLIMIT_COUNT, "count", NUMBER },
	{ "connlimit", NFTA_CONNLIMIT_FLAGS, "flags", NUMBER },
	{ "dynset", NFTA_DYNSET_SET_NAME, "set", TEXT },
	{ "dynset", NFTA_DYNSET_OP, "op", NUMBER },
	{ "dynset", NFTA_DYNSET_SREG_KEY, "sreg", NUMBER },
	{ "dynset", NFTA_DYNSET_EXPR, "expr", EXPR },
	{ "reject", NFTA_REJECT_TYPE, "type", NUMBER },
	{ "reject", NFTA_REJECT_ICMP_CODE, "code", BYTE },
	{ "match", NFTA_MATCH_NAME, "name", TEXT },
	{ "match", NFTA_MATCH_REV, "rev", NUMBER },
	{ "match", NFTA_MATCH_INFO, "info", BYTES },
	{ "counter", NFTA_COUNTER_BYTES, "bytes", BYTES },
	{ "counter", NFTA_COUNTER_PACKETS, "packets", BYTES },
};

static int32_t number(const struct nlattr *a)
{
	assert_int_equal(mnl_attr_get_payload_len(a), 4);
	return (int32_t)ntohl(mnl_attr_get_u32(a));
}

static void add_data(struct strbuf *sb, const struct nlattr *nest)
{
	const struct nlattr *a, *b;

	for (a = first_in(nest); a; a = next_in(nest, a)) {
		const uint8_t *bytes = mnl_attr_get_payload(a);

		if (mnl_attr_get_type(a) == NFTA_DATA_VALUE) {
			for (size_t i = 0; i < mnl_attr_get_payload_len(a); i++)
				strbuf_add(sb, "%02x", bytes[i]);
			continue;
		}
		assert_int_equal(mnl_attr_get_type(a), NFTA_DATA_VERDICT);
		for (b = first_in(a); b; b = next_in(a, b)) {
			if (mnl_attr_get_type(b) == NFTA_VERDICT_CODE)
				strbuf_add(sb, "verdict:%d", number(b));
			else if (mnl_attr_get_type(b) == NFTA_VERDICT_CHAIN)
				strbuf_add(sb, ":%s", mnl_attr_get_str(b));
		}
	}
}

static void add_bytes(struct strbuf *sb, const uint8_t *bytes, size_t len)
{
	while (len >= 2 && !bytes[len - 1] && !bytes[len - 2])
		len -= 2;
	for (size_t i = 0; i < len; i++)
		strbuf_add(sb, "%02x", bytes[i]);
}

static void add_expr(struct strbuf *sb, const char *name, const struct nlattr *data);

/* An expression by its name and its attributes. */
static void add_nested(struct strbuf *sb, const struct nlattr *elem)
{
	const struct nlattr *data = NULL, *a;
	const char *name = "";

	for (a = first_in(elem); a; a = next_in(elem, a)) {
		if (mnl_attr_get_type(a) == NFTA_EXPR_NAME)
			name = mnl_attr_get_str(a);
		else if (mnl_attr_get_type(a) == NFTA_EXPR_DATA)
			data = a;
	}
	assert_true(name[0]);
	add_expr(sb, name, data);
}

static void add_word(struct strbuf *sb, size_t word, const struct nlattr *a)
{
	strbuf_add(sb, " %s=", words[word].name);
	switch (words[word].form) {
	case NUMBER:
		strbuf_add(sb, "%d", number(a));
		break;
	case BYTE:
		assert_int_equal(mnl_attr_get_payload_len(a), 1);
		strbuf_add(sb, "%u", mnl_attr_get_u8(a));
		break;
	case TEXT:
		strbuf_add(sb, "%s", mnl_attr_get_str(a));
		break;
	case DATA:
		add_data(sb, a);
		break;
	case BYTES: /* without the words that are zero at the end */
		add_bytes(sb, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
		strbuf_add(sb, "/%u", mnl_attr_get_payload_len(a));
		break;
	case EXPR:
		add_nested(sb, a);
		break;
	}
}

/* Its attributes in the order of the table; each of them must stand there. */
static void add_expr(struct strbuf *sb, const char *name, const struct nlattr *data)
{
	const struct nlattr *a;
	size_t there = 0, known = 0;

	strbuf_add(sb, "%s%s", strbuf_text(sb)[0] ? "; " : "", name);
	if (!data)
		return;
	for (a = first_in(data); a; a = next_in(data, a))
		there++;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		for (a = first_in(data); a; a = next_in(data, a))
			if (!strcmp(words[i].expr, name) && words[i].type == mnl_attr_get_type(a)) {
				add_word(sb, i, a);
				known++;
			}
	assert_int_equal(there, known);
}

static void add_exprs(struct strbuf *sb, const struct nlmsghdr *nlh)
{
	const struct nlattr *a, *list = NULL, *elem;

	for (a = first_of(nlh); a; a = next_of(nlh, a))
		if (mnl_attr_get_type(a) == NFTA_RULE_EXPRESSIONS)
			list = a;
	if (!list) /* a rule that does nothing */
		return;
	for (elem = first_in(list); elem; elem = next_in(list, elem)) {
		add_nested(sb, elem);
	}
}

/* What the rule is in a message; then it is an empty one again. */
static void check_rule(struct nft_rule *r, const char *want, const char *file, int line)
{
	const struct object o = rule_object(NFPROTO_INET, "forward", r);
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	add_exprs(&sb, encode(&b, &o, STEP_ADD));
	if (strcmp(strbuf_text(&sb), want)) {
		print_error("%s:%d: is     %s\n\tshould %s\n", file, line, strbuf_text(&sb), want);
		fail();
	}
	*r = (struct nft_rule){ 0 };
}

#define RULE_IS(r, text) check_rule(&(r), text, __FILE__, __LINE__)

static void test_matches(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x1f };
	struct nft_rule r = { 0 };

	(void)state;
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, "via0", false);
	RULE_IS(r, "meta key=6 dreg=1; "
		   "cmp sreg=1 op=0 data=76696130000000000000000000000000");
	nft_match_not(&r, NFT_FIELD_OIFNAME, "viap", 4);
	RULE_IS(r, "meta key=7 dreg=1; cmp sreg=1 op=1 data=76696170");
	nft_match_u8(&r, NFT_FIELD_L4PROTO, IPPROTO_TCP);
	RULE_IS(r, "meta key=16 dreg=1; cmp sreg=1 op=0 data=06");
	nft_match_u8(&r, NFT_FIELD_NFPROTO, NFPROTO_IPV6);
	RULE_IS(r, "meta key=15 dreg=1; cmp sreg=1 op=0 data=0a");
	nft_match_be16(&r, NFT_FIELD_DPORT, 53);
	RULE_IS(r, "payload base=2 offset=2 len=2 dreg=1; cmp sreg=1 op=0 data=0035");
	nft_match_not(&r, NFT_FIELD_ETHER_SADDR, mac, 6);
	RULE_IS(r, "payload base=0 offset=6 len=6 dreg=1; cmp sreg=1 op=1 data=02000000001f");
	nft_match_be16(&r, NFT_FIELD_ARP_OP, 1);
	nft_match_be16(&r, NFT_FIELD_ETHER_TYPE, 0x0806);
	RULE_IS(r, "payload base=1 offset=6 len=2 dreg=1; cmp sreg=1 op=0 data=0001; "
		   "payload base=0 offset=12 len=2 dreg=1; cmp sreg=1 op=0 data=0806");
	nft_match_u8(&r, NFT_FIELD_CT_DIR, 1);
	RULE_IS(r, "ct key=1 dreg=1; cmp sreg=1 op=0 data=01");
}

static void test_masked_matches(void **state)
{
	struct prefix p = scene_prefix("10.209.0.0/22"), q = scene_prefix("fe80::/10");
	struct nft_rule r = { 0 };

	(void)state;
	nft_match_masked(&r, NFT_FIELD_MARK, 0xff0000ff, 0x56000001, false);
	RULE_IS(r, "meta key=3 dreg=1; bitwise sreg=1 dreg=1 len=4 "
		   "mask=" HOST32(ff, 00, 00, ff) " xor=00000000; "
						  "cmp sreg=1 op=0 data=" HOST32(56, 00, 00, 01));
	nft_match_masked(&r, NFT_FIELD_CT_STATE, 6, 0, true);
	RULE_IS(r, "ct key=0 dreg=1; bitwise sreg=1 dreg=1 len=4 "
		   "mask=" HOST32(00, 00, 00, 06) " xor=00000000; cmp sreg=1 op=1 data=00000000");
	nft_match_masked(&r, NFT_FIELD_TCP_FLAGS, 0x06, 0x02, false);
	RULE_IS(r, "payload base=2 offset=13 len=1 dreg=1; "
		   "bitwise sreg=1 dreg=1 len=1 mask=06 xor=00; cmp sreg=1 op=0 data=02");
	nft_match_prefix(&r, NFT_FIELD_IP_DADDR, &p);
	RULE_IS(r, "payload base=1 offset=16 len=4 dreg=1; "
		   "bitwise sreg=1 dreg=1 len=4 mask=fffffc00 xor=00000000; "
		   "cmp sreg=1 op=0 data=0ad10000");
	nft_match_prefix(&r, NFT_FIELD_IP6_SADDR, &q);
	RULE_IS(r, "payload base=1 offset=8 len=16 dreg=1; bitwise sreg=1 dreg=1 len=16 "
		   "mask=ffc00000000000000000000000000000 xor=00000000000000000000000000000000; "
		   "cmp sreg=1 op=0 data=fe800000000000000000000000000000");
}

/* Each part of a concatenation begins a register of four bytes: 1 is 8 to 11. */
static void test_lookups(void **state)
{
	static const enum nft_field three[] = { NFT_FIELD_IIFNAME, NFT_FIELD_ETHER_SADDR,
						NFT_FIELD_IP_SADDR };
	static const enum nft_field small[] = { NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };
	struct nft_rule r = { 0 };

	(void)state;
	nft_lookup(&r, "allowed", true, 3, three);
	RULE_IS(r, "meta key=6 dreg=1; payload base=0 offset=6 len=6 dreg=2; "
		   "payload base=1 offset=12 len=4 dreg=14; lookup sreg=1 set=allowed flags=1");
	nft_lookup(&r, "ports", false, 2, small);
	RULE_IS(r, "meta key=16 dreg=1; payload base=2 offset=2 len=2 dreg=9; "
		   "lookup sreg=1 set=ports flags=0");
	nft_lookup_mark(&r, "uplinks", 0xff0000ff, 2,
			(enum nft_field[]){ NFT_FIELD_OIF, NFT_FIELD_OIFNAME });
	RULE_IS(r, "meta key=3 dreg=1; bitwise sreg=1 dreg=1 len=4 "
		   "mask=" HOST32(ff, 00, 00,
				  ff) " xor=00000000; "
				      "meta key=5 dreg=9; meta key=7 dreg=10; lookup sreg=1 "
				      "set=uplinks flags=0");
	nft_vmap(&r, NFT_FIELD_IIFNAME, "ports");
	RULE_IS(r, "meta key=6 dreg=1; lookup sreg=1 dreg=0 set=ports flags=0");
}

static void test_actions(void **state)
{
	struct nft_rule r = { 0 };
	struct ip from = scene_ip("192.168.2.9");

	(void)state;
	/* (mark & ~mask) ^ value */
	nft_set_mark(&r, NFT_FIELD_MARK, 0xff0000ff, 0x56000001);
	RULE_IS(r,
		"meta key=3 dreg=1; bitwise sreg=1 dreg=1 len=4 "
		"mask=" HOST32(00, ff, ff, 00) " xor=" HOST32(56, 00, 00, 01) "; "
									      "meta key=3 sreg=1");
	nft_set_mark(&r, NFT_FIELD_CT_MARK, 0xff0000ff, 0x56000001);
	RULE_IS(r, "ct key=3 dreg=1; bitwise sreg=1 dreg=1 len=4 "
		   "mask=" HOST32(00, ff, ff, 00) " xor=" HOST32(56, 00, 00, 01) "; "
										 "ct key=3 sreg=1");
	nft_ct_zone(&r, 22017);
	RULE_IS(r, "immediate dreg=1 data=" HOST16(56, 01) "; ct key=17 dir=0 sreg=1");
	nft_action(&r, NFT_OP_MSS_CLAMP);
	RULE_IS(r, "rt key=3 dreg=1; byteorder sreg=1 dreg=1 op=1 len=2 size=2; "
		   "exthdr op=1 type=2 offset=2 len=2 sreg=1");
	nft_action(&r, NFT_OP_MASQUERADE);
	RULE_IS(r, "masq");
	nft_masquerade(&r, &(struct port_range){ 61000, 65535 });
	RULE_IS(r, "immediate dreg=1 data=ee48; immediate dreg=2 data=ffff; "
		   "masq flags=2 min=1 max=2");
	nft_snat(&r, &from, NULL);
	RULE_IS(r, "immediate dreg=1 data=c0a80209; nat type=0 family=2 addr=1 to=1 flags=1");
	nft_snat(&r, &from, &(struct port_range){ 61000, 65535 });
	RULE_IS(r,
		"immediate dreg=1 data=c0a80209; immediate dreg=2 data=ee48; "
		"immediate dreg=3 data=ffff; nat type=0 family=2 addr=1 to=1 min=2 max=3 flags=3");
	/* the checksum above: 1 is NFT_PAYLOAD_L4CSUM_PSEUDOHDR */
	from = scene_ip("fe80::53");
	nft_set_address(&r, NFT_FIELD_IP6_SADDR, &from);
	RULE_IS(r, "immediate dreg=1 data=fe800000000000000000000000000053; "
		   "payload base=1 offset=8 len=16 sreg=1 csum=0 at=0 flags=1");
	nft_dnat_same(&r, NFPROTO_IPV4);
	RULE_IS(r,
		"payload base=1 offset=16 len=4 dreg=1; nat type=1 family=2 addr=1 to=1 flags=1");
	nft_match_zone(&r, 22017, true);
	RULE_IS(r, "ct key=17 dreg=1; cmp sreg=1 op=1 data=" HOST16(56, 01));
	nft_ct_zone_both(&r, 22017);
	RULE_IS(r, "immediate dreg=1 data=" HOST16(56, 01) "; ct key=17 sreg=1");
	nft_action(&r, NFT_OP_REJECT);
	RULE_IS(r, "reject type=2 code=3");
	nft_action(&r, NFT_OP_RESET);
	RULE_IS(r, "reject type=1 code=0");
	nft_verdict(&r, NF_ACCEPT, NULL);
	RULE_IS(r, "immediate dreg=0 data=verdict:1");
	nft_verdict(&r, NF_DROP, NULL);
	RULE_IS(r, "immediate dreg=0 data=verdict:0");
	nft_verdict(&r, NFT_JUMP, "out");
	RULE_IS(r, "immediate dreg=0 data=verdict:-3:out");
	nft_verdict(&r, NFT_GOTO, "out");
	RULE_IS(r, "immediate dreg=0 data=verdict:-4:out");
	RULE_IS(r, ""); /* does nothing */
}

/* As nft(8) makes them: `nft --debug=netlink`. */
static void test_dynamic(void **state)
{
	static const enum nft_field key[] = { NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };
	const struct nft_limit limit = { 200, 1000, false }, bytes = { 300000, 1500000, true };
	struct nft_rule r = { 0 };

	(void)state;
	nft_match_ports(&r, NFT_FIELD_DPORT, &(struct port_range){ 61000, 65535 });
	RULE_IS(r, "payload base=2 offset=2 len=2 dreg=1; cmp sreg=1 op=5 data=ee48; "
		   "cmp sreg=1 op=3 data=ffff");
	nft_match_masked(&r, NFT_FIELD_IP_FRAG_OFF, 0x3fff, 0, true);
	RULE_IS(r, "payload base=1 offset=6 len=2 dreg=1; "
		   "bitwise sreg=1 dreg=1 len=2 mask=3fff xor=0000; cmp sreg=1 op=1 data=0000");
	nft_match_u8(&r, NFT_FIELD_IP6_FRAGMENT, 1);
	RULE_IS(r, "exthdr op=0 type=44 offset=0 len=1 flags=1 dreg=1; cmp sreg=1 op=0 data=01");
	nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, 0);
	RULE_IS(r, "socket key=0 dreg=1; cmp sreg=1 op=0 data=00");
	nft_match_be16(&r, NFT_FIELD_CT_DPORT, 80);
	RULE_IS(r, "ct key=12 dir=0 dreg=1; cmp sreg=1 op=0 data=0050");
	nft_update(&r, "host_ports", 2, key, NULL);
	RULE_IS(r, "meta key=16 dreg=1; payload base=2 offset=2 len=2 dreg=9; "
		   "dynset set=host_ports op=1 sreg=1");
	nft_update(&r, "fragments", 1, (enum nft_field[]){ NFT_FIELD_IIFNAME }, &limit);
	RULE_IS(r, "meta key=6 dreg=1; dynset set=fragments op=1 sreg=1 expr=; "
		   "limit rate=00000000000000c8/8 unit=0000000000000001/8 burst=1000 type=0 "
		   "flags=1");
	nft_connections_over(&r, "count4", 1, (enum nft_field[]){ NFT_FIELD_IP_SADDR }, 512);
	RULE_IS(r, "payload base=1 offset=12 len=4 dreg=1; dynset set=count4 op=0 sreg=1 expr=; "
		   "connlimit count=512 flags=1");
	nft_connections_over(&r, NULL, 0, NULL, 4096);
	RULE_IS(r, "connlimit count=4096 flags=1");
	nft_limit_over(&r, &bytes);
	RULE_IS(r, "limit rate=00000000000493e0/8 unit=0000000000000001/8 burst=1500000 type=1 "
		   "flags=1");
}

/* --- the transaction ----------------------------------------------------------------------- */

static void check_marker(const struct nlmsghdr *nlh, uint16_t type, uint32_t seq)
{
	const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
	struct wire w;

	STARTS(w, nlh, type, NLM_F_REQUEST, sizeof(*nfg));
	ENDS(w);
	assert_int_equal(nlh->nlmsg_seq, seq);
	assert_int_equal(nfg->res_id, htons(NFNL_SUBSYS_NFTABLES));
}

static void test_batch(void **state)
{
	const struct object table = thing_table(NFPROTO_INET),
			    chain = thing_chain(NFPROTO_INET, "out"),
			    set = thing_set(NFPROTO_BRIDGE, "ports");
	_cleanup_nft_batch_ struct nft_batch b = { 0 };

	(void)state;
	nft_batch_begin(&b, 41);
	nft_batch_step(&b, &table, STEP_ADD);
	nft_batch_step(&b, &chain, STEP_ADD);
	nft_batch_step(&b, &set, STEP_REMOVE);
	nft_batch_end(&b);
	assert_false(b.failed);
	check_marker(message(&b, 0), NFNL_MSG_BATCH_BEGIN, 41);
	check_marker(message(&b, 4), NFNL_MSG_BATCH_END, 45);
	assert_ptr_equal((const char *)message(&b, 4) + message(&b, 4)->nlmsg_len, b.buf + b.len);
	for (uint32_t i = 1; i < 4; i++) {
		assert_int_equal(message(&b, i)->nlmsg_seq, 41 + i);
		/* the kernel says once that it is done */
		assert_int_equal(message(&b, i)->nlmsg_flags & NLM_F_ACK, i == 3 ? NLM_F_ACK : 0);
		assert_true(message(&b, i)->nlmsg_flags & NLM_F_REQUEST);
	}
	assert_int_equal(nft_batch_last(&b), 44);

	assert_ptr_equal(nft_batch_object(&b, 42), &table);
	assert_ptr_equal(nft_batch_object(&b, 43), &chain);
	assert_ptr_equal(nft_batch_object(&b, 44), &set);
	assert_null(nft_batch_object(&b, 41));
	assert_null(nft_batch_object(&b, 45));
	assert_null(nft_batch_object(&b, 46));
	assert_null(nft_batch_object(&b, 40));
	assert_null(nft_batch_object(&b, 0));
	nft_batch_done(&b);
	assert_null(b.buf);
	nft_batch_done(&b);
}

/* Numbers may wrap; the buffer moves as it grows. */
static void test_large_batch(void **state)
{
	const struct object o = thing_vmap_element(NFPROTO_BRIDGE, "ports", "exactly15bytes_",
						   "a_chain_of_thirty_one_character");
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	const struct nlmsghdr *nlh;
	uint32_t seq = UINT32_MAX - 700;
	size_t n = 0;
	int left;

	(void)state;
	nft_batch_begin(&b, seq);
	for (int i = 0; i < 2000; i++)
		nft_batch_step(&b, &o, STEP_ADD);
	nft_batch_end(&b);
	assert_false(b.failed);
	assert_true(b.len > 131072);
	left = (int)b.len;
	for (nlh = (void *)b.buf; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left), n++) {
		assert_int_equal(nlh->nlmsg_seq, seq);
		assert_ptr_equal(nft_batch_object(&b, seq), n == 0 || n == 2001 ? NULL : &o);
		seq++;
	}
	assert_int_equal(left, 0);
	assert_int_equal(n, 2002);
	assert_int_equal(nft_batch_last(&b), seq - 2);
}

/* The longest rule that can be said takes less than the room that is kept for a message. */
static void test_longest_rule(void **state)
{
	static const enum nft_field three[] = { NFT_FIELD_MARK, NFT_FIELD_IP6_SADDR,
						NFT_FIELD_IP6_DADDR };
	struct nft_rule r = { 0 };
	struct object o = rule_object(NFPROTO_INET, "a_chain_of_thirty_one_character", &r);
	_cleanup_nft_batch_ struct nft_batch b = { 0 };

	(void)state;
	for (int i = 0; i < NFT_STMTS_MAX; i++) {
		nft_lookup(&r, "a_set_whose_name_is_31_bytes_xx", true, 3, three);
		r.stmts[i].mask = 0xff;
	}
	assert_in_range(encode(&b, &o, STEP_ADD)->nlmsg_len, 1000, 8191);
}

static void test_not_nftables(void **state)
{
	const struct object o = thing_bridge();
	_cleanup_nft_batch_ struct nft_batch b = { 0 };

	(void)state;
	nft_batch_begin(&b, 1);
	nft_batch_step(&b, &o, STEP_ADD);
	assert_true(b.failed);
	nft_batch_end(&b);
	assert_true(b.failed);
}

static void test_table(void **state)
{
	const struct object o = thing_table(NFPROTO_ARP);
	_cleanup_nft_batch_ struct nft_batch b = { 0 }, gone = { 0 };
	struct wire w;

	(void)state;
	STARTS(w, encode(&b, &o, STEP_ADD), NFT(NEWTABLE), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK,
	       sizeof(struct nfgenmsg));
	check_header(message(&b, 1), NFPROTO_ARP);
	ATTR_STR(w, NFTA_TABLE_NAME, "via_iface");
	ENDS(w);
	STARTS(w, encode(&gone, &o, STEP_REMOVE), NFT(DELTABLE), NLM_F_REQUEST | NLM_F_ACK,
	       sizeof(struct nfgenmsg));
	check_header(message(&gone, 1), NFPROTO_ARP);
	ATTR_STR(w, NFTA_TABLE_NAME, "via_iface");
	ENDS(w);
}

static void test_rule_steps(void **state)
{
	struct nft_rule r = { 0 };
	struct object o = rule_object(NFPROTO_BRIDGE, "input", &r);
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	struct wire w, exprs;

	(void)state;
	nft_verdict(&r, NF_DROP, NULL);
	o.nft_rule.handle = 0x1122334455667788;
	nft_batch_begin(&b, 1);
	nft_batch_flush_chain(&b, &o);
	nft_batch_step(&b, &o, STEP_CHANGE);
	nft_batch_step(&b, &o, STEP_REMOVE);
	nft_batch_end(&b);
	assert_false(b.failed);

	STARTS(w, message(&b, 1), NFT(DELRULE), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(message(&b, 1), NFPROTO_BRIDGE);
	ATTR_STR(w, NFTA_RULE_TABLE, "via_iface");
	ATTR_STR(w, NFTA_RULE_CHAIN, "input");
	ENDS(w); /* no handle: all of them */

	STARTS(w, message(&b, 2), NFT(NEWRULE), NLM_F_REQUEST | NLM_F_CREATE | NLM_F_APPEND,
	       sizeof(struct nfgenmsg));
	check_header(message(&b, 2), NFPROTO_BRIDGE);
	ATTR_STR(w, NFTA_RULE_TABLE, "via_iface");
	ATTR_STR(w, NFTA_RULE_CHAIN, "input");
	ATTR_NEST(w, NFTA_RULE_EXPRESSIONS, exprs);
	ENDS(w);

	STARTS(w, message(&b, 3), NFT(DELRULE), NLM_F_REQUEST | NLM_F_ACK, sizeof(struct nfgenmsg));
	check_header(message(&b, 3), NFPROTO_BRIDGE);
	ATTR_STR(w, NFTA_RULE_TABLE, "via_iface");
	ATTR_STR(w, NFTA_RULE_CHAIN, "input");
	ATTR(w, NFTA_RULE_HANDLE, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
	ENDS(w);
	for (uint32_t seq = 2; seq < 5; seq++)
		assert_ptr_equal(nft_batch_object(&b, seq), &o);
}

static void accept_is(bool iptables, enum accept_what what, const char *want)
{
	struct object o = thing_accept(NFPROTO_IPV6, "filter", "FORWARD");
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	o.nft_accept.iptables = iptables;
	o.nft_accept.what = what;
	add_exprs(&sb, encode(&b, &o, STEP_ADD));
	assert_string_equal(strbuf_text(&sb), want);
}

#define ZEROS_16      "00000000000000000000000000000000"
#define ACCEPT_COUNTS "counter bytes=/8 packets=/8; immediate dreg=0 data=verdict:1"

/* In iptables' chains the very bytes that iptables-nft 1.8.9 writes; nft(8)'s elsewhere. */
static void test_accepts(void **state)
{
	struct object o = thing_accept(NFPROTO_IPV4, "filter", "DOCKER-USER");
	_cleanup_nft_batch_ struct nft_batch b = { 0 }, none = { 0 };
	struct wire w, exprs;

	(void)state;
	accept_is(true, ACCEPT_FROM,
		  "meta key=6 dreg=1; cmp sreg=1 op=0 data=7669613000; " ACCEPT_COUNTS);
	/* struct xt_conntrack_mtinfo3 of 164 bytes, padded: match_flags 1 at 146, state_mask 6 */
	accept_is(true, ACCEPT_REPLIES,
		  "meta key=7 dreg=1; cmp sreg=1 op=0 data=7669613000; match name=conntrack rev=3 "
		  "info=" ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
		  "000000000000000000000000000000000000" HOST16(00, 01) "0000" HOST16(
			  00, 06) "/168; " ACCEPT_COUNTS);
	accept_is(false, ACCEPT_FROM,
		  "meta key=6 dreg=1; cmp sreg=1 op=0 data=76696130000000000000000000000000; " //
		  ACCEPT_COUNTS);
	accept_is(false, ACCEPT_REPLIES,
		  "meta key=7 dreg=1; cmp sreg=1 op=0 data=76696130000000000000000000000000; "
		  "ct key=0 dreg=1; bitwise sreg=1 dreg=1 len=4 mask=" HOST32(
			  00, 00, 00, 06) " xor=00000000; cmp sreg=1 op=1 data=00000000; " //
		  ACCEPT_COUNTS);
	/* `iptables-nft -m conntrack --ctstate DNAT`: state_mask 0x80 */
	accept_is(true, ACCEPT_INBOUND,
		  "meta key=7 dreg=1; cmp sreg=1 op=0 data=7669613000; match name=conntrack rev=3 "
		  "info=" ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16 ZEROS_16
		  "000000000000000000000000000000000000" HOST16(00, 01) "0000" HOST16(
			  00, 80) "/168; " ACCEPT_COUNTS);
	accept_is(false, ACCEPT_INBOUND,
		  "meta key=7 dreg=1; cmp sreg=1 op=0 data=76696130000000000000000000000000; "
		  "ct key=2 dreg=1; bitwise sreg=1 dreg=1 len=4 mask=" HOST32(
			  00, 00, 00, 20) " xor=00000000; cmp sreg=1 op=1 data=00000000; " //
		  ACCEPT_COUNTS);

	nft_batch_begin(&b, 1);
	nft_batch_step(&b, &o, STEP_ADD);
	nft_batch_step(&b, &o, STEP_REMOVE);
	nft_batch_end(&b);
	assert_false(b.failed);
	/* not appended: at the start */
	STARTS(w, message(&b, 1), NFT(NEWRULE), NLM_F_REQUEST | NLM_F_CREATE,
	       sizeof(struct nfgenmsg));
	check_header(message(&b, 1), NFPROTO_IPV4);
	ATTR_STR(w, NFTA_RULE_TABLE, "filter");
	ATTR_STR(w, NFTA_RULE_CHAIN, "DOCKER-USER");
	ATTR(w, NFTA_RULE_USERDATA, "\0\012via-iface", 12);
	ATTR_NEST(w, NFTA_RULE_EXPRESSIONS, exprs);
	ENDS(w);
	STARTS(w, message(&b, 2), NFT(DELRULE), NLM_F_REQUEST | NLM_F_ACK, sizeof(struct nfgenmsg));
	ATTR_STR(w, NFTA_RULE_TABLE, "filter");
	ATTR_STR(w, NFTA_RULE_CHAIN, "DOCKER-USER");
	ATTR(w, NFTA_RULE_HANDLE, "\0\0\0\0\0\0\0\7", 8);
	ENDS(w);

	o.nft_accept.handle = 0; /* the whole chain would be emptied */
	nft_batch_begin(&none, 1);
	nft_batch_step(&none, &o, STEP_REMOVE);
	assert_true(none.failed);
}

/* An element has no message that changes it. */
static void test_element_change(void **state)
{
	const struct object o = thing_vmap_element(NFPROTO_BRIDGE, "ports", "viap1", "s1");
	_cleanup_nft_batch_ struct nft_batch b = { 0 };

	(void)state;
	encode(&b, &o, STEP_CHANGE);
	assert_int_equal(message(&b, 1)->nlmsg_type, NFT(DELSETELEM));
	assert_int_equal(message(&b, 2)->nlmsg_type, NFT(NEWSETELEM));
	assert_int_equal(message(&b, 1)->nlmsg_flags, NLM_F_REQUEST);
	assert_int_equal(message(&b, 2)->nlmsg_flags, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK);
	assert_int_equal(nft_batch_last(&b), 3);
	assert_ptr_equal(nft_batch_object(&b, 2), &o);
	assert_ptr_equal(nft_batch_object(&b, 3), &o);
}

static void test_requests(void **state)
{
	struct nl_msg m;
	struct wire w;

	(void)state;
	nft_dump_tables(&m);
	STARTS(w, &m.nlh, NFT(GETTABLE), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(&m.nlh, NFPROTO_UNSPEC);
	ENDS(w);
	nft_dump_chains(&m, NFPROTO_ARP);
	STARTS(w, &m.nlh, NFT(GETCHAIN), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(&m.nlh, NFPROTO_ARP);
	ENDS(w);
	nft_dump_sets(&m, NFPROTO_INET);
	STARTS(w, &m.nlh, NFT(GETSET), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(&m.nlh, NFPROTO_INET);
	ATTR_STR(w, NFTA_SET_TABLE, "via_iface");
	ENDS(w);
	nft_dump_elements(&m, NFPROTO_INET, "uplinks");
	STARTS(w, &m.nlh, NFT(GETSETELEM), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(&m.nlh, NFPROTO_INET);
	ATTR_STR(w, NFTA_SET_ELEM_LIST_TABLE, "via_iface");
	ATTR_STR(w, NFTA_SET_ELEM_LIST_SET, "uplinks");
	ENDS(w);
	nft_dump_rules(&m, NFPROTO_BRIDGE);
	STARTS(w, &m.nlh, NFT(GETRULE), NLM_F_REQUEST, sizeof(struct nfgenmsg));
	check_header(&m.nlh, NFPROTO_BRIDGE);
	ATTR_STR(w, NFTA_RULE_TABLE, "via_iface");
	ENDS(w);
}

/* --- what was written reads back ----------------------------------------------------------- */

/* A copy of its own size, so that a read past its end is noticed. */
static int decode(const struct nlmsghdr *nlh, struct nft_decoder *d)
{
	_cleanup_free_ struct nlmsghdr *copy = wire_cut(nlh, nlh->nlmsg_len);

	return nft_decode(copy, d);
}

/* The one object that the addition of o announces, or NULL when it is not ours. */
static const struct object *read_back(struct object_set *set, const struct object *o)
{
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	struct nft_decoder d = { .set = set };

	set_done(set);
	assert_int_equal(decode(encode(&b, o, STEP_ADD), &d), 0);
	if (!set->n)
		return NULL;
	assert_int_equal(set->n, 1);
	assert_int_equal(set->v[0].kind, o->kind);
	assert_int_equal(set->v[0].family, o->family);
	assert_int_equal(set->v[0].place, PLACE_HOST);
	assert_int_equal(object_compare(&set->v[0], o), 0);
	return &set->v[0];
}

static void test_objects_read_back(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct object cases[10];
	size_t n = 0;

	(void)state;
	cases[n++] = thing_table(NFPROTO_INET);
	cases[n++] = thing_table(NFPROTO_BRIDGE);
	cases[n++] = thing_chain(NFPROTO_INET, "out");
	cases[n] = thing_chain(NFPROTO_INET, "a_chain_of_thirty_one_character");
	cases[n].nft_chain.base = true;
	strcpy(cases[n].nft_chain.type, "nat");
	cases[n].nft_chain.hook = NF_INET_POST_ROUTING;
	cases[n++].nft_chain.priority = 100;
	cases[n] = thing_chain(NFPROTO_ARP, "in");
	cases[n].nft_chain.base = true;
	strcpy(cases[n].nft_chain.type, "filter");
	cases[n++].nft_chain.priority = -300;
	cases[n++] = thing_set(NFPROTO_INET, "fenced4");
	cases[n] = thing_set(NFPROTO_BRIDGE, "ports");
	cases[n++].nft_set.vmap = true;
	cases[n++] = thing_element(NFPROTO_INET, "fenced4", "viap1");
	cases[n++] = thing_vmap_element(NFPROTO_BRIDGE, "ports", "viap1", "s1");
	cases[n] = thing_vmap_element(NFPROTO_BRIDGE, "ports", "viap2", "");
	cases[n++].nft_element.verdict = NF_DROP;
	assert_int_equal(n, ARRAY_SIZE(cases));
	for (size_t i = 0; i < n; i++) {
		const struct object *got = read_back(&set, &cases[i]);

		assert_non_null(got);
		assert_true(object_same(got, &cases[i]));
	}
}

/* Concatenations: their types are said to nft(8), and only their bytes come back. */
static void test_long_keys(void **state)
{
	struct object o = thing_set(NFPROTO_INET, "allowed"), e;
	_cleanup_set_ struct object_set set = { 0 };
	const struct mac mac = { { 2, 0, 0, 0, 0, 0x1f } };
	const struct ip ip = scene_ip("fd00::3");
	const struct object *got;

	(void)state;
	o.nft_set.types[1] = NFT_TYPE_ETHER;
	o.nft_set.types[2] = NFT_TYPE_IPV6;
	o.nft_set.n_types = 3;
	o.nft_set.key_len = 40;
	got = read_back(&set, &o);
	assert_non_null(got);
	assert_int_equal(got->nft_set.key_len, 40);

	e = thing_element(NFPROTO_INET, "allowed", "viap1");
	nft_key_mac(&e.nft_element.key, &mac);
	nft_key_ip(&e.nft_element.key, &ip);
	got = read_back(&set, &e);
	assert_non_null(got);
	assert_int_equal(got->nft_element.key.len, 40);
	assert_memory_equal(got->nft_element.key.bytes, e.nft_element.key.bytes, 40);
	assert_int_equal(got->nft_element.key.n_types, 0);
	assert_false(got->nft_element.vmap);
}

/* How a set is described to the kernel and to nft(8). */
static void test_set_attributes(void **state)
{
	struct object o = thing_set(NFPROTO_INET, "uplinks");
	_cleanup_nft_batch_ struct nft_batch b = { 0 }, c = { 0 };
	_cleanup_set_ struct object_set set = { 0 };
	const struct object *dynamic;
	const struct nlmsghdr *nlh;
	const struct nlattr *a;
	uint32_t type = 0, udata = 0;

	(void)state;
	o.nft_set.types[0] = NFT_TYPE_MARK;
	o.nft_set.types[1] = NFT_TYPE_IFNAME;
	o.nft_set.n_types = 2;
	o.nft_set.key_len = 20;
	nlh = encode(&b, &o, STEP_ADD);
	for (a = first_of(nlh); a; a = next_of(nlh, a)) {
		if (mnl_attr_get_type(a) == NFTA_SET_KEY_TYPE)
			type = ntohl(mnl_attr_get_u32(a));
		udata += mnl_attr_get_type(a) == NFTA_SET_USERDATA;
	}
	assert_int_equal(type, NFT_TYPE_MARK << 6 | NFT_TYPE_IFNAME);
	assert_int_equal(udata, 0);
	o.nft_set.n_types = 1;
	o.nft_set.key_len = 4;
	nlh = encode(&c, &o, STEP_ADD);
	for (a = first_of(nlh); a; a = next_of(nlh, a))
		udata += mnl_attr_get_type(a) == NFTA_SET_USERDATA;
	assert_int_equal(udata, 1); /* the machine's byte order */
	o.nft_set.size = 64;
	o.nft_set.timeout = 60;
	dynamic = read_back(&set, &o);
	assert_non_null(dynamic);
	assert_true(object_same(dynamic, &o));
	assert_int_equal(dynamic->nft_set.size, 64);
	assert_int_equal(dynamic->nft_set.timeout, 60);
	o.nft_set.timeout = 0; /* elements stay as long as what they count */
	dynamic = read_back(&set, &o);
	assert_non_null(dynamic);
	assert_true(object_same(dynamic, &o));
}

/* One rule of each statement, in each direction and then some. */
static size_t many_rules(struct nft_rule rules[48])
{
	static const enum nft_field two[] = { NFT_FIELD_ETHER_SADDR, NFT_FIELD_IP6_SADDR };
	const struct ip other = scene_ip("10.209.0.1"), server = scene_ip("fe80::53");
	struct prefix p = scene_prefix("10.209.0.0/22"), q = scene_prefix("10.209.0.0/23");
	size_t n = 0;

	nft_match_ifname(&rules[n++], NFT_FIELD_IIFNAME, "via0", false);
	nft_match_ifname(&rules[n++], NFT_FIELD_IIFNAME, "via0", true);
	nft_match_ifname(&rules[n++], NFT_FIELD_OIFNAME, "via0", false);
	nft_match_ifname(&rules[n++], NFT_FIELD_IIFNAME, "via1", false);
	nft_match(&rules[n++], NFT_FIELD_IIFNAME, "via0", 4);
	nft_match_u8(&rules[n++], NFT_FIELD_ICMP_TYPE, 8);
	nft_match_u8(&rules[n++], NFT_FIELD_CT_DIR, 1);
	nft_match_masked(&rules[n++], NFT_FIELD_MARK, 0xff0000ff, 0x56000001, false);
	nft_match_masked(&rules[n++], NFT_FIELD_MARK, 0xff0000ff, 0x56000002, false);
	nft_match_masked(&rules[n++], NFT_FIELD_MARK, 0xff0000fe, 0x56000002, false);
	nft_match_masked(&rules[n++], NFT_FIELD_CT_STATE, 1, 0, true);
	nft_match_masked(&rules[n++], NFT_FIELD_TCP_FLAGS, 6, 2, false);
	nft_match_prefix(&rules[n++], NFT_FIELD_IP_SADDR, &p);
	nft_match_prefix(&rules[n++], NFT_FIELD_IP_SADDR, &q);
	nft_lookup(&rules[n++], "s", false, 2, two);
	nft_lookup(&rules[n++], "s", true, 2, two);
	nft_lookup(&rules[n++], "t", false, 2, two);
	nft_lookup_mark(&rules[n++], "s", 0xff0000ff, 2,
			(enum nft_field[]){ NFT_FIELD_OIF, NFT_FIELD_OIFNAME });
	nft_vmap(&rules[n++], NFT_FIELD_IIFNAME, "s");
	nft_set_mark(&rules[n++], NFT_FIELD_MARK, 0xff0000ff, 0x56000001);
	nft_set_mark(&rules[n++], NFT_FIELD_CT_MARK, 0xff0000ff, 0x56000001);
	nft_ct_zone(&rules[n++], 22017);
	nft_ct_zone(&rules[n++], 22018);
	nft_action(&rules[n++], NFT_OP_MSS_CLAMP);
	nft_ct_zone_both(&rules[n++], 22018);
	nft_action(&rules[n++], NFT_OP_MASQUERADE);
	nft_masquerade(&rules[n++], &(struct port_range){ 61000, 65535 });
	nft_masquerade(&rules[n++], &(struct port_range){ 61000, 65534 });
	nft_snat(&rules[n++], &p.ip, NULL);
	nft_snat(&rules[n++], &p.ip, &(struct port_range){ 61000, 65535 });
	nft_snat(&rules[n++], &other, &(struct port_range){ 61000, 65535 });
	nft_snat(&rules[n++], &p.ip, &(struct port_range){ 61000, 65534 });
	nft_set_address(&rules[n++], NFT_FIELD_IP6_SADDR, &server);
	nft_set_address(&rules[n++], NFT_FIELD_IP6_DADDR, &server);
	nft_update(&rules[n++], "s", 2, two, NULL);
	nft_update(&rules[n++], "s", 2, two, &(struct nft_limit){ 2, 3, false });
	nft_update(&rules[n++], "s", 2, two, &(struct nft_limit){ 2, 4, false });
	nft_limit_over(&rules[n++], &(struct nft_limit){ 2, 4, true });
	nft_action(&rules[n++], NFT_OP_REJECT);
	nft_action(&rules[n++], NFT_OP_RESET);
	nft_action(&rules[n++], NFT_OP_NOTRACK);
	nft_match_payload(&rules[n++], 20, 2, (const uint8_t[]){ 0xff, 1 },
			  (const uint8_t[]){ 3, 0 });
	nft_match_payload(&rules[n++], 21, 2, (const uint8_t[]){ 0xff, 1 },
			  (const uint8_t[]){ 3, 0 });
	nft_verdict(&rules[n++], NF_ACCEPT, NULL);
	nft_verdict(&rules[n++], NF_DROP, NULL);
	nft_verdict(&rules[n++], NFT_JUMP, "out");
	nft_verdict(&rules[n++], NFT_GOTO, "out");
	return n + 1; /* and one that does nothing */
}

static void test_fingerprints(void **state)
{
	struct nft_rule rules[48] = { 0 };
	const size_t n = many_rules(rules);
	_cleanup_set_ struct object_set set = { 0 }, want = { 0 };

	(void)state;
	assert_int_equal(n, ARRAY_SIZE(rules));
	for (size_t i = 0; i < n; i++) {
		struct nft_rule *copy = malloc(sizeof(*copy));
		struct object o = rule_object(NFPROTO_INET, "forward", copy);

		assert_non_null(copy);
		*copy = rules[i];
		o.nft_rule.index = (uint32_t)i;
		set_add(&want, &o);
	}
	assert_int_equal(nft_fingerprint(&want), 0);
	for (size_t i = 0; i < n; i++) {
		struct object o = want.v[i];
		const struct object *got;

		o.nft_rule.index = 0; /* alone in its message */
		got = read_back(&set, &o);
		assert_non_null(got);
		assert_null(got->nft_rule.rule);
		assert_true(object_same(got, &o));
		assert_true(got->nft_rule.fingerprint == o.nft_rule.fingerprint);
		for (size_t j = 0; j < i; j++)
			if (want.v[j].nft_rule.fingerprint == o.nft_rule.fingerprint)
				fail_msg("rules %zu and %zu look the same", i, j);
	}
}

/* Made once, and only of what has statements. */
static void test_fingerprint_kept(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct object observed = thing_rule(NFPROTO_INET, "c", 0, 5), bridge = thing_bridge();
	struct object o = rule_object(NFPROTO_INET, "c", calloc(1, sizeof(struct nft_rule)));

	(void)state;
	o.nft_rule.index = 1;
	o.nft_rule.fingerprint = 77;
	set_add(&set, &bridge);
	set_add(&set, &observed);
	set_add(&set, &o);
	assert_int_equal(nft_fingerprint(&set), 0);
	assert_int_equal(set.v[1].nft_rule.fingerprint, 5);
	assert_int_equal(set.v[2].nft_rule.fingerprint, 77);
	set.v[2].nft_rule.fingerprint = 0;
	assert_int_equal(nft_fingerprint(&set), 0);
	assert_true(set.v[2].nft_rule.fingerprint != 0);
}

/* Rules are counted chain by chain, and have the handle that removes them. */
static void test_rules_in_order(void **state)
{
	static const char *const chains[] = { "a", "a", "b", "a", "a" };
	static const uint32_t places[] = { 0, 1, 0, 0, 1 };
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(chains); i++) {
		_cleanup_nft_batch_ struct nft_batch b = { 0 };
		struct object o = thing_rule(NFPROTO_INET, chains[i], 0, 0);
		struct nl_msg m;

		encode(&b, &o, STEP_ADD);
		memcpy(m.buf, message(&b, 1), message(&b, 1)->nlmsg_len);
		nl_put(&m, NFTA_RULE_HANDLE, "\0\0\0\0\0\0\x12\x34", 8);
		assert_int_equal(decode(&m.nlh, &d), 0);
		assert_int_equal(set.n, i + 1);
		assert_string_equal(set.v[i].nft_rule.chain, chains[i]);
		assert_int_equal(set.v[i].nft_rule.index, places[i]);
		assert_int_equal(set.v[i].nft_rule.handle, 0x1234);
	}
}

/* All that is planned for two sessions comes back as what was asked for. */
static void check_plan(struct object_set *want, enum place place)
{
	struct nft_decoder decoders[NFPROTO_NUMPROTO] = { 0 };
	_cleanup_steps_ struct steps steps = { 0 };
	_cleanup_set_ struct object_set have = { 0 };
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	size_t messages = 0;

	assert_int_equal(nft_fingerprint(want), 0);
	nft_batch_begin(&b, 1);
	for (size_t i = 0; i < want->n; i++) {
		if (!object_is_nft(&want->v[i])) {
			set_add(&have, &want->v[i]);
			continue;
		}
		nft_batch_step(&b, &want->v[i], STEP_ADD);
		messages++;
	}
	nft_batch_end(&b);
	assert_false(b.failed);
	assert_true(place == PLACE_SESSION || messages > 100);
	for (size_t i = 1; i <= messages; i++) {
		const struct nlmsghdr *nlh = message(&b, i);
		const struct nfgenmsg *nfg = mnl_nlmsg_get_payload(nlh);
		struct nft_decoder *d = &decoders[nfg->nfgen_family];

		d->set = &have;
		assert_int_equal(decode(nlh, d), 0);
		have.v[have.n - 1].place = place;
	}
	assert_int_equal(set_sort(&have), 0);
	assert_int_equal(have.n, want->n);
	assert_int_equal(diff(want, &have, &steps), 0);
	for (size_t i = 0; i < steps.n; i++) {
		const struct step *s = &steps.v[i];
		char name[OBJECT_NAME_MAX];

		print_error("step %d: %s\n", (int)s->action,
			    object_name(s->want ? s->want : s->have, name));
	}
	assert_int_equal(steps.n, 0);
}

static void test_plan(void **state)
{
	const struct session sessions[] = {
		{ .id = 1, .slot = 1, .host = 3, .uplinks = list_of("wlp6s0"), .uplink = "wlp6s0" },
		{ .id = 2,
		  .slot = 2,
		  .host = 4,
		  .uplinks = list_of("enp7s0"),
		  .uplink = "enp7s0",
		  .flags = SESSION_NO_LAN },
		{ .id = 3, .host = 5, .uplinks = list_of("gone0"), .flags = SESSION_HOST_ACCESS },
	};
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_set_ struct object_set host = { 0 }, inside = { 0 };
	struct err err = { 0 };

	(void)state;
	scene_split(&f);
	if (plan_host(&f, sessions, ARRAY_SIZE(sessions), &host, &err) < 0)
		fail_msg("%s", err.text);
	check_plan(&host, PLACE_HOST);
	if (plan_inside(&f, &sessions[0], &inside, &err) < 0)
		fail_msg("%s", err.text);
	check_plan(&inside, PLACE_SESSION);
}

/* --- what is not ours, or cannot be read --------------------------------------------------- */

/* One object of each kind with statements where they belong; the rule's are the caller's. */
static void one_of_each(struct object ret[5], struct nft_rule *rule)
{
	nft_match_ifname(rule, NFT_FIELD_IIFNAME, "via0", false);
	nft_verdict(rule, NFT_GOTO, "out");
	ret[0] = thing_table(NFPROTO_INET);
	ret[1] = thing_chain(NFPROTO_INET, "out");
	ret[1].nft_chain.base = true;
	strcpy(ret[1].nft_chain.type, "filter");
	ret[2] = thing_set(NFPROTO_INET, "ports");
	ret[2].nft_set.vmap = true;
	ret[3] = thing_vmap_element(NFPROTO_INET, "ports", "viap1", "out");
	ret[4] = rule_object(NFPROTO_INET, "out", rule);
}

static void test_foreign_tables(void **state)
{
	struct nft_rule rule = { 0 };
	struct object objects[5];

	(void)state;
	one_of_each(objects, &rule);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		_cleanup_nft_batch_ struct nft_batch b = { 0 };
		_cleanup_set_ struct object_set set = { 0 };
		struct nft_decoder d = { .set = &set };
		struct nlmsghdr *nlh = (struct nlmsghdr *)encode(&b, &objects[i], STEP_ADD);
		char *name = memmem(nlh, nlh->nlmsg_len, "via_iface", 10);

		assert_non_null(name);
		name[0] = 'V';
		assert_int_equal(decode(nlh, &d), 0);
		assert_int_equal(set.n, 0);
		memcpy(name, "via", 4); /* ours only begins so */
		assert_int_equal(decode(nlh, &d), 0);
		assert_int_equal(set.n, 0);
		memcpy(name, "via_iface", 10);
		assert_int_equal(decode(nlh, &d), 0);
		assert_int_equal(set.n, 1);
	}
}

static void test_other_messages(void **state)
{
	static const uint16_t types[] = {
		NLMSG_NOOP,    NLMSG_DONE,  NFT(DELTABLE),     NFT(DELRULE), NFT(NEWGEN),
		NFT(GETTABLE), NFT(NEWOBJ), NFT(NEWFLOWTABLE), 0x01ff,       NFNL_SUBSYS_IPSET << 8,
		0xffff,
	};
	const struct object o = thing_table(NFPROTO_INET);
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nlmsghdr *nlh;

	(void)state;
	nlh = (struct nlmsghdr *)encode(&b, &o, STEP_ADD);
	for (size_t i = 0; i < ARRAY_SIZE(types); i++) {
		nlh->nlmsg_type = types[i];
		assert_int_equal(decode(nlh, &d), 0);
		assert_int_equal(set.n, 0);
	}
}

/* A base chain whose policy is not ours is not the chain that we want. */
static void test_chain_policy(void **state)
{
	struct object o = thing_chain(NFPROTO_INET, "forward");
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nftnl_chain *c = nftnl_chain_alloc();
	struct nl_msg m;

	(void)state;
	assert_non_null(c);
	nftnl_chain_set_str(c, NFTNL_CHAIN_TABLE, NFT_TABLE_NAME);
	nftnl_chain_set_str(c, NFTNL_CHAIN_NAME, "forward");
	nftnl_chain_set_str(c, NFTNL_CHAIN_TYPE, "filter");
	nftnl_chain_set_u32(c, NFTNL_CHAIN_HOOKNUM, NF_INET_FORWARD);
	nftnl_chain_set_s32(c, NFTNL_CHAIN_PRIO, 0);
	nftnl_chain_set_u32(c, NFTNL_CHAIN_POLICY, NF_DROP);
	nftnl_nlmsg_build_hdr(m.buf, NFT_MSG_NEWCHAIN, NFPROTO_INET, 0, 0);
	nftnl_chain_nlmsg_build_payload(&m.nlh, c);
	nftnl_chain_free(c);
	assert_int_equal(decode(&m.nlh, &d), 0);
	assert_int_equal(set.n, 1);
	o.nft_chain.base = true;
	o.nft_chain.hook = NF_INET_FORWARD;
	strcpy(o.nft_chain.type, "filter");
	assert_int_equal(object_compare(&set.v[0], &o), 0);
	assert_false(object_same(&set.v[0], &o));
}

static void add_element(struct nl_msg *m, size_t len)
{
	static const char key[64] = "viap1";
	struct nlattr *elem = nl_nest(m, NFTA_LIST_ELEM), *nest;

	if (len) {
		nest = nl_nest(m, NFTA_SET_ELEM_KEY);
		nl_put(m, NFTA_DATA_VALUE, key, len);
		nl_nest_end(m, nest);
	}
	nl_nest_end(m, elem);
}

/* Several in a message, and among them what cannot be one of ours. */
static void test_elements(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nlattr *list;
	struct nl_msg m;

	(void)state;
	nl_msg_start(&m, NFT(NEWSETELEM), 0, sizeof(struct nfgenmsg));
	nl_put_str(&m, NFTA_SET_ELEM_LIST_TABLE, NFT_TABLE_NAME);
	nl_put_str(&m, NFTA_SET_ELEM_LIST_SET, "fenced4");
	list = nl_nest(&m, NFTA_SET_ELEM_LIST_ELEMENTS);
	add_element(&m, 16);
	add_element(&m, 52); /* longer than any of ours */
	add_element(&m, 0);  /* what matches all (nft(8), "*") */
	add_element(&m, 48);
	add_element(&m, 4);
	nl_nest_end(&m, list);
	assert_int_equal(nl_msg_error(&m), 0);
	assert_int_equal(decode(&m.nlh, &d), 0);
	assert_int_equal(set.n, 3);
	assert_int_equal(set.v[0].nft_element.key.len, 16);
	assert_int_equal(set.v[1].nft_element.key.len, 48);
	assert_int_equal(set.v[2].nft_element.key.len, 4);
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(set.v[i].nft_element.set, "fenced4");
		assert_memory_equal(set.v[i].nft_element.key.bytes, "viap", 4);
	}
}

/* With a name of len bytes it is taken, or left alone. */
static void check_name(struct object *o, char *name, size_t len, size_t taken)
{
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nlmsghdr *nlh;
	struct nlattr *a;
	struct nl_msg m;
	char text[64];

	memset(text, 'n', sizeof(text));
	text[len] = 0;
	strcpy(name, "@NAME@");
	nlh = (struct nlmsghdr *)encode(&b, o, STEP_ADD);
	nl_msg_start(&m, nlh->nlmsg_type, 0, sizeof(struct nfgenmsg));
	memcpy(mnl_nlmsg_get_payload(&m.nlh), mnl_nlmsg_get_payload(nlh), sizeof(struct nfgenmsg));
	for (a = (struct nlattr *)first_of(nlh); a; a = (struct nlattr *)next_of(nlh, a)) {
		bool is_name = a->nla_len == 4 + 7 && !memcmp(mnl_attr_get_payload(a), "@NAME@", 7);

		if (is_name)
			nl_put_str(&m, a->nla_type, text);
		else
			nl_put(&m, a->nla_type, mnl_attr_get_payload(a),
			       mnl_attr_get_payload_len(a));
	}
	assert_int_equal(decode(&m.nlh, &d), 0);
	assert_int_equal(set.n, taken);
	if (taken) /* each of them starts with its name */
		assert_string_equal(set.v[0].nft_chain.name, text);
}

/* What others put into our table may have a name that we have no room for. */
static void test_long_names(void **state)
{
	struct object cases[] = {
		thing_chain(NFPROTO_INET, "c"),
		thing_set(NFPROTO_INET, "s"),
		thing_element(NFPROTO_INET, "s", "viap1"),
		thing_rule(NFPROTO_INET, "c", 0, 0),
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		check_name(&cases[i], cases[i].nft_chain.name, NFT_NAME_MAX - 1, 1);
		check_name(&cases[i], cases[i].nft_chain.name, NFT_NAME_MAX, 0);
		check_name(&cases[i], cases[i].nft_chain.name, 60, 0);
	}
}

/* A set without a name comes and goes with its rule, and cannot be removed before or after it. */
static void test_anonymous_set(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nl_msg m;

	(void)state;
	for (int anonymous = 1; anonymous >= 0; anonymous--) {
		nl_msg_start(&m, NFT(NEWSET), 0, sizeof(struct nfgenmsg));
		nl_put_str(&m, NFTA_SET_TABLE, NFT_TABLE_NAME);
		nl_put_str(&m, NFTA_SET_NAME, "__set0");
		nl_put_be32(&m, NFTA_SET_KEY_LEN, 4);
		nl_put_be32(&m, NFTA_SET_FLAGS,
			    anonymous ? NFT_SET_ANONYMOUS | NFT_SET_CONSTANT : NFT_SET_CONSTANT);
		assert_int_equal(decode(&m.nlh, &d), 0);
		assert_int_equal(set.n, !anonymous);
	}
}

/* Neither half a header nor an expression that nobody knows. */
static void test_unreadable(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct nft_decoder d = { .set = &set };
	struct nlattr *exprs, *elem;
	struct nl_msg m;

	(void)state;
	for (size_t len = 0; len < sizeof(struct nfgenmsg); len++) {
		_cleanup_free_ struct nlmsghdr *cut = NULL;

		nl_msg_start(&m, NFT(NEWTABLE), 0, sizeof(struct nfgenmsg));
		cut = wire_cut(&m.nlh, sizeof(m.nlh) + len);
		assert_int_equal(nft_decode(cut, &d), -EBADMSG);
	}
	nl_msg_start(&m, NFT(NEWRULE), 0, sizeof(struct nfgenmsg));
	nl_put_str(&m, NFTA_RULE_TABLE, NFT_TABLE_NAME);
	exprs = nl_nest(&m, NFTA_RULE_EXPRESSIONS);
	elem = nl_nest(&m, NFTA_LIST_ELEM);
	nl_put_str(&m, NFTA_EXPR_NAME, "of_tomorrow");
	nl_nest_end(&m, elem);
	nl_nest_end(&m, exprs);
	assert_int_equal(decode(&m.nlh, &d), -EBADMSG);
	assert_int_equal(set.n, 0);
}

static void test_truncated(void **state)
{
	struct nft_rule rule = { 0 };
	struct object objects[5];

	(void)state;
	one_of_each(objects, &rule);
	for (size_t i = 0; i < ARRAY_SIZE(objects); i++) {
		_cleanup_nft_batch_ struct nft_batch b = { 0 };
		const struct nlmsghdr *nlh = encode(&b, &objects[i], STEP_ADD);

		for (size_t len = sizeof(*nlh); len < nlh->nlmsg_len; len++) {
			_cleanup_free_ struct nlmsghdr *cut = wire_cut(nlh, len);
			_cleanup_set_ struct object_set set = { 0 };
			struct nft_decoder d = { .set = &set };
			int r = nft_decode(cut, &d);

			assert_true(r == 0 || r == -EBADMSG);
			assert_true(r == 0 || set.n == 0);
			assert_true(set.n <= 1);
		}
	}
}

/* The values in a message, as they lie between its attributes' headers. */
static void find_values(struct nlattr *a, const char *end, struct nlattr **ret, size_t *n)
{
	for (; attr_at(a, end); a = mnl_attr_next(a)) {
		if (a->nla_type & NLA_F_NESTED)
			find_values(mnl_attr_get_payload(a), (char *)a + a->nla_len, ret, n);
		else
			ret[(*n)++] = a;
	}
}

static void mutate_values(struct chance *c, struct nlmsghdr *copy)
{
	struct nlattr *values[64];
	size_t n = 0;

	find_values(mnl_nlmsg_get_payload_offset(copy, sizeof(struct nfgenmsg)),
		    (char *)copy + copy->nlmsg_len, values, &n);
	assert_in_range(n, 1, ARRAY_SIZE(values));
	for (uint32_t times = 1 + chance(c, 3); times; times--) {
		struct nlattr *a = values[chance(c, (uint32_t)n)];

		mutate(c, mnl_attr_get_payload(a), mnl_attr_get_payload_len(a));
	}
}

/*
 * Values alone: where the shape of a message is not the kernel's, libnftnl ends the process. It
 * also believes that a name has an end, so there is one behind the message.
 */
static void test_mutations(void **state)
{
	struct chance c = { .state = 20240302 };
	struct nft_rule rule = { 0 };
	struct object objects[5];

	(void)state;
	one_of_each(objects, &rule);
	for (size_t i = 0; i < 5000; i++) {
		_cleanup_nft_batch_ struct nft_batch b = { 0 };
		const struct nlmsghdr *nlh = encode(&b, &objects[i % 5], STEP_ADD);
		_cleanup_free_ struct nlmsghdr *copy = calloc(1, nlh->nlmsg_len + 4);
		_cleanup_set_ struct object_set set = { 0 };
		struct nft_decoder d = { .set = &set };
		const struct object *o;
		char name[OBJECT_NAME_MAX];
		int r;

		assert_non_null(copy);
		memcpy(copy, nlh, nlh->nlmsg_len);
		mutate_values(&c, copy);
		r = nft_decode(copy, &d);
		assert_true((r == 0 && set.n <= 1) || (r == -EBADMSG && set.n == 0));
		if (!set.n)
			continue;
		o = &set.v[0];
		object_name(o, name);
		/* each of them starts with a name */
		assert_non_null(memchr(o->nft_chain.name, 0, NFT_NAME_MAX));
		if (o->kind == OBJ_NFT_ELEMENT) {
			assert_in_range(o->nft_element.key.len, 0, NFT_KEY_MAX);
			assert_non_null(memchr(o->nft_element.chain, 0, NFT_NAME_MAX));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_matches),
		cmocka_unit_test(test_masked_matches),
		cmocka_unit_test(test_lookups),
		cmocka_unit_test(test_actions),
		cmocka_unit_test(test_dynamic),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_large_batch),
		cmocka_unit_test(test_longest_rule),
		cmocka_unit_test(test_not_nftables),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_rule_steps),
		cmocka_unit_test(test_accepts),
		cmocka_unit_test(test_element_change),
		cmocka_unit_test(test_requests),
		cmocka_unit_test(test_objects_read_back),
		cmocka_unit_test(test_long_keys),
		cmocka_unit_test(test_set_attributes),
		cmocka_unit_test(test_fingerprints),
		cmocka_unit_test(test_fingerprint_kept),
		cmocka_unit_test(test_rules_in_order),
		cmocka_unit_test(test_plan),
		cmocka_unit_test(test_foreign_tables),
		cmocka_unit_test(test_other_messages),
		cmocka_unit_test(test_chain_policy),
		cmocka_unit_test(test_elements),
		cmocka_unit_test(test_long_names),
		cmocka_unit_test(test_anonymous_set),
		cmocka_unit_test(test_unreadable),
		cmocka_unit_test(test_truncated),
		cmocka_unit_test(test_mutations),
	};

	return RUN_TESTS(tests);
}
