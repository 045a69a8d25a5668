/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFT_EXPRS_H
#define VIA_NET_NFT_EXPRS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/nft.h"

struct nftnl_expr;
struct nftnl_rule;

/*
 * The expressions of another firewall's rule one by one, as far as they concern us: native ones
 * (net/netfilter/nft_*.c) and, in EXPR_MATCH and EXPR_TARGET, those of xtables that iptables-nft
 * writes (nft_compat.c).
 */
enum nft_expr_kind {
	EXPR_LOAD,    /* meta, ct or bitwise: changes what the register holds */
	EXPR_CMP,     /* compares that */
	EXPR_FIB,     /* looks a route up */
	EXPR_VERDICT, /* an immediate: accept, drop, jump … */
	EXPR_REJECT,  /* or a target REJECT or DROP */
	EXPR_TPROXY,  /* or the target of that name */
	EXPR_MATCH,
	EXPR_TARGET, /* any other one */
	EXPR_LOG,
	EXPR_COUNTER,
	EXPR_OTHER,
};

enum nft_register { REG_OTHER, REG_IIFNAME, REG_OIFNAME, REG_CT_STATE, REG_CT_STATUS };

struct nft_expr {
	struct nftnl_expr *e;
	enum nft_expr_kind kind;
	enum nft_register reg; /* what the last load left there */
	uint32_t mask, xor;    /* by which a bitwise changed REG_CT_*; mask 0: it did not */
	int32_t verdict;       /* of EXPR_VERDICT */
	const char *target;    /* the chain of a jump, as long as the rule; or NULL */
};

/* Calls handler() for each expression, in order. */
void nft_exprs(struct nftnl_rule *rule, void (*handler)(const struct nft_expr *x, void *arg),
	       void *arg);

/* Of EXPR_CMP: whether it is "==", and the value, of *ret_len bytes; NULL without one. */
const void *nft_expr_cmp(const struct nft_expr *x, bool *ret_equal, size_t *ret_len);

/*
 * Of EXPR_MATCH: copies the data of the xtables match of that name, which may lie anywhere, when
 * there are at least size bytes of it.
 */
bool nft_expr_match(const struct nft_expr *x, const char *name, void *ret, size_t size);

#endif
