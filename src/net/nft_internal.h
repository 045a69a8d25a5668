/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFT_INTERNAL_H
#define VIA_NET_NFT_INTERNAL_H

#include "net/nft_codec.h"

struct nftnl_rule;

/* A rule or an accept as libnftnl has it, the caller's to free; NULL without memory. */
struct nftnl_rule *nft_build_rule(const struct object *o);
struct nftnl_rule *nft_build_accept(const struct object *o);

/* A rule of those statements in any table; the same. */
struct nftnl_rule *nft_new_rule(uint8_t family, const char *table, const char *chain,
				const struct nft_rule *rule);

/* A hash of a rule's expressions. */
uint64_t nft_rule_fingerprint(struct nftnl_rule *rule);

#endif
