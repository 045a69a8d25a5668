/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A rule is recognized by a hash of its expressions, as libnftnl prints them. */
#include "net/nft_internal.h"

#include <errno.h>
#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <string.h>

#include "base/util.h"

static uint64_t hash(uint64_t h, const char *text)
{
	return hash_bytes(h, text, strlen(text));
}

struct hashing {
	uint64_t hash;
};

/*
 * For an update without a timeout of its own the kernel dumps a timeout of 0 (nft_dynset.c:
 * nft_dynset_dump), which not every set accepts in a rule.
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

uint64_t nft_rule_fingerprint(struct nftnl_rule *rule)
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
		rule = nft_build_rule(o);
		if (!rule)
			return -ENOMEM;
		o->nft_rule.fingerprint = nft_rule_fingerprint(rule);
		nftnl_rule_free(rule);
	}
	return 0;
}
