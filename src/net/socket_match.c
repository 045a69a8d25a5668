/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * nft_socket is a part of the kernel by itself (CONFIG_NFT_SOCKET). The kernel is asked to check a
 * rule that needs it, which also loads the module; nothing is changed by that.
 */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdlib.h>
#include <string.h>

#include "net/kernel.h"
#include "net/nft_codec.h"

#define CHECK_CHAIN "check"

static struct object in_table(enum object_kind kind)
{
	return (struct object){ .kind = kind, .place = PLACE_HOST, .family = NFPROTO_INET };
}

/* A chain without a hook: no packet passes it, at no time. */
static int check(struct nl_sock *sock, struct err *err)
{
	struct object table = in_table(OBJ_NFT_TABLE), chain = in_table(OBJ_NFT_CHAIN),
		      rule = in_table(OBJ_NFT_RULE);
	_cleanup_nft_batch_ struct nft_batch b = { 0 };
	struct nft_rule r = { 0 };
	uint32_t failed = 0;

	strcpy(chain.nft_chain.name, CHECK_CHAIN);
	strcpy(rule.nft_rule.chain, CHECK_CHAIN);
	nft_match_u8(&r, NFT_FIELD_SOCKET_TRANSPARENT, 0);
	rule.nft_rule.rule = &r;
	nft_batch_begin(&b, sock->seq + 1);
	nft_batch_step(&b, &table, STEP_ADD);
	nft_batch_step(&b, &chain, STEP_ADD);
	nft_batch_step(&b, &rule, STEP_ADD);
	nft_batch_check(&b);
	if (b.failed)
		return -ENOMEM;
	sock->seq = b.seq;
	return nl_batch(sock, b.buf, b.len, b.seq - 1, &failed, err);
}

bool kernel_has_socket_match(struct kernel *k)
{
	struct err ignored = { 0 };

	if (k->socket_match == MATCH_UNKNOWN)
		k->socket_match = check(&k->nft, &ignored) == -ENOENT ? MATCH_NO : MATCH_YES;
	return k->socket_match == MATCH_YES;
}
