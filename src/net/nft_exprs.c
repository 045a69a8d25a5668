/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/nft_exprs.h"

#include <stdio.h> /* libnftnl/expr.h needs it */
#include <string.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter/nf_tables.h>

struct walk {
	struct nft_expr x; /* the register lasts from one expression to the next */
	void (*handler)(const struct nft_expr *x, void *arg);
	void *arg;
};

static enum nft_expr_kind load(struct nft_expr *x, enum nft_register reg)
{
	x->reg = reg;
	x->mask = x->xor = 0;
	return EXPR_LOAD;
}

static enum nft_expr_kind read_meta(struct nft_expr *x)
{
	switch (nftnl_expr_get_u32(x->e, NFTNL_EXPR_META_KEY)) {
	case NFT_META_IIFNAME:
		return load(x, REG_IIFNAME);
	case NFT_META_OIFNAME:
		return load(x, REG_OIFNAME);
	default:
		return load(x, REG_OTHER);
	}
}

static bool get_bits(const struct nft_expr *x, uint16_t attr, uint32_t *ret)
{
	uint32_t len = 0;
	const void *data = nftnl_expr_get(x->e, attr, &len);

	if (!data || len != sizeof(*ret))
		return false;
	memcpy(ret, data, sizeof(*ret));
	return true;
}

static enum nft_expr_kind read_bitwise(struct nft_expr *x)
{
	uint32_t mask = 0, xor = 0;

	if ((x->reg != REG_CT_STATE && x->reg != REG_CT_STATUS) || x->mask ||
	    !get_bits(x, NFTNL_EXPR_BITWISE_MASK, &mask) ||
	    !get_bits(x, NFTNL_EXPR_BITWISE_XOR, &xor) || !mask)
		return load(x, REG_OTHER);
	x->mask = mask;
	x->xor = xor;
	return EXPR_LOAD;
}

static enum nft_expr_kind read_immediate(struct nft_expr *x)
{
	if (!nftnl_expr_is_set(x->e, NFTNL_EXPR_IMM_VERDICT)) {
		load(x, REG_OTHER); /* a value, to be used for something */
		return EXPR_OTHER;
	}
	x->verdict = (int32_t)nftnl_expr_get_u32(x->e, NFTNL_EXPR_IMM_VERDICT);
	if (nftnl_expr_is_set(x->e, NFTNL_EXPR_IMM_CHAIN))
		x->target = nftnl_expr_get_str(x->e, NFTNL_EXPR_IMM_CHAIN);
	return EXPR_VERDICT;
}

static enum nft_expr_kind read_target(const struct nft_expr *x)
{
	const char *name = nftnl_expr_get_str(x->e, NFTNL_EXPR_TG_NAME);

	if (name && (!strcmp(name, "REJECT") || !strcmp(name, "DROP")))
		return EXPR_REJECT;
	return name && !strcmp(name, "TPROXY") ? EXPR_TPROXY : EXPR_TARGET;
}

static enum nft_expr_kind read_ct(struct nft_expr *x)
{
	switch (nftnl_expr_get_u32(x->e, NFTNL_EXPR_CT_KEY)) {
	case NFT_CT_STATE:
		return load(x, REG_CT_STATE);
	case NFT_CT_STATUS:
		return load(x, REG_CT_STATUS);
	default:
		return load(x, REG_OTHER);
	}
}

static enum nft_expr_kind read_expr(struct nft_expr *x)
{
	const char *name = nftnl_expr_get_str(x->e, NFTNL_EXPR_NAME);

	if (!strcmp(name, "meta"))
		return read_meta(x);
	if (!strcmp(name, "ct"))
		return read_ct(x);
	if (!strcmp(name, "bitwise"))
		return read_bitwise(x);
	if (!strcmp(name, "cmp"))
		return EXPR_CMP;
	if (!strcmp(name, "immediate"))
		return read_immediate(x);
	if (!strcmp(name, "match"))
		return EXPR_MATCH;
	if (!strcmp(name, "target"))
		return read_target(x);
	if (!strcmp(name, "reject"))
		return EXPR_REJECT;
	if (!strcmp(name, "tproxy"))
		return EXPR_TPROXY;
	if (!strcmp(name, "log"))
		return EXPR_LOG;
	if (!strcmp(name, "counter"))
		return EXPR_COUNTER;
	load(x, REG_OTHER); /* payload and others load something else */
	return strcmp(name, "fib") ? EXPR_OTHER : EXPR_FIB;
}

static int take(struct nftnl_expr *e, void *arg)
{
	struct walk *w = arg;

	w->x.e = e;
	w->x.verdict = 0;
	w->x.target = NULL;
	w->x.kind = read_expr(&w->x);
	w->handler(&w->x, w->arg);
	return 0;
}

void nft_exprs(struct nftnl_rule *rule, void (*handler)(const struct nft_expr *x, void *arg),
	       void *arg)
{
	struct walk w = { .handler = handler, .arg = arg };

	nftnl_expr_foreach(rule, take, &w);
}

const void *nft_expr_cmp(const struct nft_expr *x, bool *ret_equal, size_t *ret_len)
{
	uint32_t len = 0;
	const void *data = nftnl_expr_get(x->e, NFTNL_EXPR_CMP_DATA, &len);

	*ret_equal = nftnl_expr_get_u32(x->e, NFTNL_EXPR_CMP_OP) == NFT_CMP_EQ;
	*ret_len = data ? len : 0;
	return data;
}

bool nft_expr_match(const struct nft_expr *x, const char *name, void *ret, size_t size)
{
	const char *is = nftnl_expr_get_str(x->e, NFTNL_EXPR_MT_NAME);
	uint32_t len = 0;
	const void *info = nftnl_expr_get(x->e, NFTNL_EXPR_MT_INFO, &len);

	if (!is || strcmp(is, name) != 0 || !info || len < size)
		return false;
	memcpy(ret, info, size);
	return true;
}
