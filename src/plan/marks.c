/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The uplink of a connection is kept in its conntrack zone, which is assigned once, before
 * conntrack makes the entry, and which no rule can change. Any rule can change marks (iptables'
 * mangle table, policy routing), so both marks, the packet's and the connection's, are set from the
 * zone again before each place where they are matched.
 */
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "plan/fw.h"
#include "plan/internal.h"

/*
 * Others may use the same zones (OVN takes what is free): only a connection that a session began is
 * a session's, whatever its zone. No rule can change who began it.
 */
static void plan_restore_ours(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "restore");

	for (size_t i = 0; i < sizeof(plan_families); i++) {
		bool ip4 = plan_families[i] == AF_INET;
		struct nft_rule r = { 0 };

		if (!ip4 && !x->ip6)
			continue;
		nft_match_prefix(&r, ip4 ? NFT_FIELD_CT_SADDR : NFT_FIELD_CT_SADDR6,
				 ip4 ? &x->pool.ip4 : &x->pool.ip6);
		nft_verdict(&r, NFT_GOTO, "restore_slot");
		fw_rule(&c, &r);
	}
}

static void plan_restore(const struct plan_ctx *x)
{
	struct fw_chain c = fw_chain(x->set, NFPROTO_INET, "restore_slot");

	plan_restore_ours(x);
	for (size_t i = 0; i < x->n_slots; i++) {
		uint32_t mark = plan_mark(x->slots[i].id.slot);
		struct nft_rule r = { 0 };

		plan_for_slot(x, &x->slots[i]);
		nft_match_zone(&r, (uint16_t)(PLAN_TABLE_BASE + x->slots[i].id.slot), false);
		nft_set_mark(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, mark);
		nft_set_mark(&r, NFT_FIELD_CT_MARK, PLAN_MARK_MASK, mark);
		fw_rule(&c, &r);
	}
	plan_for_slot(x, NULL);
}

void plan_restore_jump(struct fw_chain *c, struct nft_rule r)
{
	nft_match_zone(&r, 0, true); /* the host's own connections go no further */
	nft_verdict(&r, NFT_JUMP, "restore");
	fw_rule(c, &r);
}

/*
 * In front of others' rules that set marks and behind them, since some of their filters match ours.
 */
void plan_marks(const struct plan_ctx *x)
{
	struct fw_chain zone = fw_base_chain(x->set, NFPROTO_INET, "zone", "filter",
					     NF_INET_PRE_ROUTING, PRIORITY_ZONE);
	struct fw_chain sockets = fw_base_chain(x->set, NFPROTO_INET, "sockets", "filter",
						NF_INET_PRE_ROUTING, PRIORITY_SOCKETS);
	struct fw_chain marks = fw_base_chain(x->set, NFPROTO_INET, "marks", "filter",
					      NF_INET_PRE_ROUTING, PRIORITY_MARK);
	struct fw_chain again = fw_base_chain(x->set, NFPROTO_INET, "marks_again", "filter",
					      NF_INET_PRE_ROUTING, PRIORITY_AGAIN);
	struct nft_rule r = { 0 };

	nft_match_u32(&r, NFT_FIELD_IIFGROUP, OWN_PORT_GROUP, false);
	fw_rule_verdict(&zone, r, NF_DROP); /* the bridge speaks for its ports */
	r = (struct nft_rule){ 0 };
	nft_match_ifname(&r, NFT_FIELD_IIFNAME, BRIDGE_NAME, true);
	fw_rule_verdict(&zone, r, NF_ACCEPT);
	plan_share_zone(x, &zone);
	for (size_t i = 0; i < x->n_slots; i++) {
		if (x->slots[i].refused)
			continue;
		r = (struct nft_rule){ 0 };
		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(x->slots[i].id.slot),
				 false);
		nft_ct_zone(&r, (uint16_t)(PLAN_TABLE_BASE + x->slots[i].id.slot));
		plan_for_slot(x, &x->slots[i]);
		fw_rule(&zone, &r);
	}
	plan_for_slot(x, NULL);
	plan_host_sockets(x, &sockets);
	plan_restore(x);
	plan_limits_marks(&marks);
	plan_restore_jump(&marks, (struct nft_rule){ 0 });
	plan_pending_noted(&marks);
	plan_restore_jump(&again, (struct nft_rule){ 0 });
	plan_publish_marks(x, &again);
}

/*
 * What the host itself says about a session's connection (too big, unreachable, expired), and about
 * one of a session that has ended, takes the way of that connection: a route chain asks the rules
 * again when it has set the mark.
 */
void plan_reroute(const struct plan_ctx *x)
{
	static const uint8_t icmp[] = { IPPROTO_ICMP, IPPROTO_ICMPV6 };
	struct fw_chain c = fw_base_chain(x->set, NFPROTO_INET, "reroute", "route",
					  NF_INET_LOCAL_OUT, PRIORITY_REROUTE);

	for (size_t i = 0; i < sizeof(icmp); i++) {
		struct nft_rule r = { 0 };

		nft_match_u8(&r, NFT_FIELD_L4PROTO, icmp[i]);
		nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_RELATED, 0, true);
		plan_restore_jump(&c, r);
	}
	plan_late(x, &c);
}
