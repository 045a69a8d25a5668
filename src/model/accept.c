/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/accept.h"

#include <linux/netfilter.h>

#include "model/session.h"

void accept_rule(const struct obj_nft_accept *a, struct nft_rule *ret)
{
	enum nft_field dev = a->what == ACCEPT_FROM ? NFT_FIELD_IIFNAME : NFT_FIELD_OIFNAME;

	*ret = (struct nft_rule){ 0 };
	if (a->iptables) /* a name with its terminator, where nft(8) compares all 16 bytes */
		nft_match(ret, dev, BRIDGE_NAME, sizeof(BRIDGE_NAME));
	else
		nft_match_ifname(ret, dev, BRIDGE_NAME, false);
	if (a->what == ACCEPT_REPLIES && a->iptables)
		nft_action(ret, NFT_OP_XT_REPLIES);
	else if (a->what == ACCEPT_REPLIES)
		nft_match_masked(ret, NFT_FIELD_CT_STATE, CT_STATE_ESTABLISHED | CT_STATE_RELATED,
				 0, true);
	else if (a->what == ACCEPT_INBOUND && a->iptables)
		nft_action(ret, NFT_OP_XT_TRANSLATED);
	else if (a->what == ACCEPT_INBOUND)
		nft_match_masked(ret, NFT_FIELD_CT_STATUS, CT_STATUS_DST_NAT, 0, true);
	nft_action(ret, NFT_OP_COUNTER);
	nft_verdict(ret, NF_ACCEPT, NULL);
}
