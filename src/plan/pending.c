/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether connections of sessions get past the rules of others: the first packet of each is noted
 * behind conntrack, and taken off the list when it comes to our forward or input chain. What is
 * left there was dropped, or taken elsewhere, in between; `status` and `doctor` say so. Packets of
 * connections that are known cost one comparison at either place.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "base/cleanup.h"
#include "plan/fw.h"
#include "plan/internal.h"

#define CT_STATUS_CONFIRMED (1u << 3) /* linux/netfilter/nf_conntrack_common.h */

/* A full list only says less: elements that are taken off stay in the way for a second. */
#define PENDING_MAX     4096
#define PENDING_SECONDS 10

static const enum nft_field key4[] = { NFT_FIELD_IP_SADDR, NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };
static const enum nft_field key6[] = { NFT_FIELD_IP6_SADDR, NFT_FIELD_L4PROTO, NFT_FIELD_DPORT };

static const enum nft_field *key_of(uint8_t family)
{
	return family == AF_INET ? key4 : key6;
}

static struct nft_rule first_packet(void)
{
	struct nft_rule r = { 0 };

	nft_match_masked(&r, NFT_FIELD_CT_STATUS, CT_STATUS_CONFIRMED, 0, false);
	return r;
}

void plan_pending_noted(struct fw_chain *marks)
{
	struct nft_rule r = first_packet();

	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, false);
	nft_match_zone(&r, 0, true);
	nft_verdict(&r, NFT_JUMP, "pending");
	fw_rule(marks, &r);
}

void plan_pending_arrived(struct fw_chain *c)
{
	struct nft_rule r = first_packet();

	nft_verdict(&r, NFT_JUMP, "arrived");
	fw_rule(c, &r);
}

void plan_pending(const struct plan_ctx *x)
{
	struct fw_chain pending = fw_chain(x->set, NFPROTO_INET, "pending");
	struct fw_chain arrived = fw_chain(x->set, NFPROTO_INET, "arrived");

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t f = plan_families[i];
		const char *set = per_family(f, "pending4", "pending6");
		const char *passed = per_family(f, "forwarded4", "forwarded6");
		struct nft_key k = fw_key_ip(f, NULL);
		struct nft_rule r = fw_rule_of(f);

		fw_dynamic_set(x->set, NFPROTO_INET, passed, PENDING_MAX, PENDING_SECONDS, &k);
		nft_key_proto(&k, 0);
		nft_key_port(&k, 0);
		fw_dynamic_set(x->set, NFPROTO_INET, set, PENDING_MAX, PENDING_SECONDS, &k);
		nft_update(&r, set, ARRAY_SIZE(key4), key_of(f), NULL);
		fw_rule(&pending, &r);
		r = fw_rule_of(f);
		nft_delete(&r, set, ARRAY_SIZE(key4), key_of(f));
		nft_update(&r, passed, 1, key_of(f), NULL);
		fw_rule(&arrived, &r);
	}
}
