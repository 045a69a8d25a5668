/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Connection tracking is one table for the host and all sessions. Every entry of a session has our
 * tag in its mark: with it the daemon finds those of an ended session (daemon/entries.c).
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define CT_STATUS_CONFIRMED (1u << 3) /* linux/netfilter/nf_conntrack_common.h */

/* The first packet of a connection: its entry is not in the table yet. */
static void match_first(struct nft_rule *r)
{
	nft_match_masked(r, NFT_FIELD_CT_STATUS, CT_STATUS_CONFIRMED, 0, false);
}

void plan_limits_marks(struct fw_chain *marks)
{
	struct nft_rule r = { 0 };

	/* what a blocked session says to the host; with a slot, the mark is set by plan_marks() */
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, false);
	nft_match_u8(&r, NFT_FIELD_CT_DIR, 0);
	nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(0), false);
	nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, plan_mark(0));
	fw_rule(marks, &r);
}

void plan_limits(const struct plan_ctx *x)
{
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "from_host", "filter",
					  NF_INET_LOCAL_OUT, PRIORITY_MARK);
	struct nft_rule r = { 0 };

	/* what the host itself says to a session */
	nft_match_ifname(&r, NFT_FIELD_OIFNAME, BRIDGE_NAME, false);
	match_first(&r);
	nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, plan_mark(0));
	fw_rule(&c, &r);
}
