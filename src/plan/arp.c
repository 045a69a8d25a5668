/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table arp: which card answers for the uplink's address. */
#include <linux/netfilter.h>
#include <linux/netfilter_arp.h>
#include <string.h>

#include "plan/fw.h"
#include "plan/internal.h"

#define PRIORITY_ARP  0
#define ARPOP_REQUEST 1 /* RFC 826 */

static bool ctx_has_uplink(const struct plan_ctx *x, const char *name)
{
	for (size_t i = 0; i < x->n_slots; i++)
		if (!strcmp(x->slots[i].id.uplink, name))
			return true;
	return false;
}

/*
 * With two cards in one subnet the wrong one answers ARP for the uplink's address (arp_ignore=0,
 * ip-sysctl.rst), and then receives its replies.
 */
void plan_arp_table(const struct plan_ctx *x)
{
	const enum nft_field key[] = { NFT_FIELD_ARP_TPA, NFT_FIELD_IIFNAME };
	struct nft_key one = fw_key_ip(AF_INET, NULL), two = one;
	struct nft_rule r = { 0 };
	bool needed = false;
	struct fw_chain c;

	for (size_t i = 0; i < x->facts->addrs.n; i++) {
		const struct fact_addr *a = &x->facts->addrs.v[i];
		const struct fact_link *l = facts_link_by_index(x->facts, a->index);
		struct nft_key k;

		if (!l || !ctx_has_uplink(x, l->name) || a->prefix.ip.family != AF_INET ||
		    !facts_same_subnet(x->facts, a, 0))
			continue;
		needed = true;
		k = fw_key_ip(AF_INET, &a->prefix.ip);
		fw_element(x->set, NFPROTO_ARP, "uplink4", &k);
		nft_key_ifname(&k, l->name);
		fw_element(x->set, NFPROTO_ARP, "uplink4_dev", &k);
	}
	if (!needed)
		return;
	fw_table(x->set, NFPROTO_ARP);
	nft_key_ifname(&two, "");
	fw_set(x->set, NFPROTO_ARP, "uplink4", false, &one);
	fw_set(x->set, NFPROTO_ARP, "uplink4_dev", false, &two);
	c = fw_base_chain(x->set, NFPROTO_ARP, "input", "filter", NF_ARP_IN, PRIORITY_ARP);
	nft_match_be16(&r, NFT_FIELD_ARP_OP, ARPOP_REQUEST);
	nft_lookup(&r, "uplink4", false, 1, key);
	nft_lookup(&r, "uplink4_dev", true, 2, key);
	nft_verdict(&r, NF_DROP, NULL);
	fw_rule(&c, &r);
}
