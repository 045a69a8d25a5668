/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFT_INTERNAL_H
#define VIA_NET_NFT_INTERNAL_H

#include "net/nft_codec.h"

struct nftnl_rule;
struct nlmsghdr;

/*
 * The frame of a message in a batch: start writes the header, the caller the payload, and finish
 * takes the message in. It has at most NFT_MESSAGE_MAX bytes: the longest are an element, and a
 * rule of NFT_STMTS_MAX statements. filled: the object of libnftnl that the payload is made of is
 * there and has its names; without it, or without memory, start returns NULL and the batch has
 * failed. finish does nothing with NULL.
 */
#define NFT_MESSAGE_MAX ((size_t)8192)
struct nlmsghdr *nft_batch_start(struct nft_batch *b, bool filled, uint16_t type, uint16_t flags,
				 uint8_t family);
void nft_batch_finish(struct nft_batch *b, const struct nlmsghdr *nlh);

/* A rule or an accept as libnftnl has it, the caller's to free; NULL without memory. */
struct nftnl_rule *nft_build_rule(const struct object *o);
struct nftnl_rule *nft_build_accept(const struct object *o);

/* A rule of those statements in any table; the same. */
struct nftnl_rule *nft_new_rule(uint8_t family, const char *table, const char *chain,
				const struct nft_rule *rule);

/* A hash of a rule's expressions. */
uint64_t nft_rule_fingerprint(struct nftnl_rule *rule);

#endif
