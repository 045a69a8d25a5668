/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Beside other firewalls. A packet must pass every base chain at a hook, so where somebody else's
 * forward chain drops what it does not know (Docker, ufw, a policy), a session would get no
 * answer, and what it publishes (publish.c) would not be reached. It gets an accept in front of
 * that, and nothing else of theirs is touched. Chains at other hooks are no matter: name server
 * queries leave by the forward hook, too, since they get another destination before.
 */
#include <linux/netfilter.h>
#include <stdio.h>
#include <string.h>

#include "plan/internal.h"

/* Where that firewall wants others' rules, when it has such a chain and leads there; else it. */
static const char *entry(const struct fact_chain *c)
{
	for (size_t i = 0; i < GUEST_CHAIN_COUNT; i++)
		if (c->leads_to & 1u << i)
			return guest_chains[i];
	return c->name;
}

void plan_foreign(const struct plan_ctx *x)
{
	x->set->owner.foreign = true;
	for (size_t i = 0; i < x->facts->chains.n; i++) {
		const struct fact_chain *c = &x->facts->chains.v[i];
		struct object o = plan_object(OBJ_NFT_ACCEPT, PLACE_HOST);
		struct obj_nft_accept *a = &o.nft_accept;

		/* firewalld owns its table; it has a zone and a policy of ours as files */
		if (!c->base || c->owned || !(c->drops || c->closes) ||
		    (c->family == NFPROTO_IPV6 && !x->ip6))
			continue;
		o.family = c->family;
		snprintf(a->table, sizeof(a->table), "%s", c->table);
		snprintf(a->chain, sizeof(a->chain), "%s", entry(c));
		/* only iptables calls a base chain so; and it takes one of that name for its own */
		a->iptables = c->family != NFPROTO_INET && !strcmp(c->name, "FORWARD");
		for (a->what = ACCEPT_FROM; a->what < ACCEPT_WHAT_COUNT; a->what++)
			if (a->what != ACCEPT_INBOUND || x->publishes)
				set_add(x->set, &o);
	}
	x->set->owner.foreign = false;
}
