/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What comes in by an interface of a VRF is received a second time, as if the VRF itself had got it
 * (drivers/net/vrf.c:vrf_ip_rcv, vrf_ip6_rcv): prerouting hooks see the interface first, where the
 * mark is restored, and the VRF then; the routing lookup and the forward hook see the VRF alone.
 * The lookup meets the kernel's own rule (l3mdev, at 1000) before ours, and it would send a reply
 * of a session out again by the VRF's default route. Whether it is forwarded at all is decided by
 * the VRF's sysctl (net/ipv4/route.c:ip_route_input_slow).
 */
#include <linux/netfilter.h>

#include "model/nft.h"
#include "plan/fw.h"
#include "plan/internal.h"
#include "plan/plan.h"

const struct fact_link *plan_vrf(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	return slot->uplink.link ? facts_vrf(x->facts, slot->uplink.link) : NULL;
}

/* The priority of the first l3mdev rule of a family before `ours`; 0: there is none. */
static uint32_t first_l3mdev(const struct facts *f, uint8_t family, uint32_t ours)
{
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct fact_rule *r = &f->rules.v[i];

		if (r->family == family && r->l3mdev && r->priority < ours)
			return r->priority;
	}
	return 0;
}

void plan_vrf_rules(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		uint8_t family = plan_families[i];
		uint32_t priority = first_l3mdev(x->facts, family, x->priorities[i].lookup);

		if (priority > 1 && (family == AF_INET || x->ip6))
			plan_routing_rule(x, family, priority - 1, plan_mark(slot->id.slot), NULL,
					  PLAN_TABLE_BASE + slot->id.slot);
	}
}

void plan_vrf_accepts(const struct plan_ctx *x, struct fw_chain *to_session)
{
	for (size_t i = 0; i < x->n_slots; i++) {
		const struct fact_link *vrf = plan_vrf(x, &x->slots[i]);
		struct nft_rule r = { 0 };

		if (!vrf)
			continue;
		plan_for_slot(x, &x->slots[i]);
		nft_match_masked(&r, NFT_FIELD_CT_STATE, CT_STATE_ESTABLISHED | CT_STATE_RELATED, 0,
				 true);
		nft_match_masked(&r, NFT_FIELD_MARK, PLAN_MARK_MASK, plan_mark(x->slots[i].id.slot),
				 false);
		nft_match_ifname(&r, NFT_FIELD_IIFNAME, vrf->name, false);
		fw_rule_verdict(to_session, r, NF_ACCEPT);
	}
	plan_for_slot(x, NULL);
}
