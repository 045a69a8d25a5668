/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel asks its routing rules in the order of their priorities, and the first whose table has
 * a route, or that stops, decides (net/core/fib_rules.c:fib_rules_lookup). Ours ask for a mark that
 * nobody else's packets have, so it is no matter to others where they are: they go in front of the
 * first rule that could take a session's packet, or the reply to one.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "plan/internal.h"

/* Where a packet with a mark of ours is looked up from: session, reply, ICMP error of the host. */
static bool enters_by(const struct plan_rules_of *of, const char *iif)
{
	if (!iif[0] || !strcmp(iif, BRIDGE_NAME) || !strcmp(iif, "lo"))
		return true;
	for (size_t i = 0; i < of->n_slots; i++)
		if (!strcmp(of->slots[i].id.uplink, iif))
			return true;
	return false;
}

static bool may_have_mark(const struct plan_rules_of *of, const struct fact_rule *r)
{
	uint32_t mask = r->mask & PLAN_MARK_MASK; /* the other bits may be anything */

	for (size_t i = 0; i < of->n_slots; i++)
		if ((plan_mark(of->slots[i].id.slot) & mask) == (r->mark & mask))
			return true;
	return !of->n_slots;
}

/* An address of the host is neither end of what is forwarded, but for one that it speaks to. */
static bool is_of_host(const struct facts *f, const struct prefix *p)
{
	return p->len && p->len == ip_size(&p->ip) * 8 && facts_has_address(f, &p->ip);
}

static bool may_take(const struct plan_rules_of *of, const struct fact_rule *r)
{
	if (r->action == FR_ACT_NOP || r->l3mdev ||
	    (r->action == FR_ACT_TO_TBL && r->table == RT_TABLE_LOCAL))
		return false;
	if (r->invert) /* what it asks for is seldom true of a session */
		return true;
	return enters_by(of, r->iif) && !r->oif[0] && may_have_mark(of, r) &&
	       !is_of_host(of->facts, &r->src);
}

/* The first one that may take a session's packet, up to our own numbers. At 0, where the kernel has
 * its table `local`, nothing of ours can be in front of it: plan/others.c tells of such. */
static const struct fact_rule *first_rule(const struct plan_rules_of *of, uint8_t family)
{
	for (size_t i = 0; i < of->facts->rules.n; i++) {
		const struct fact_rule *r = &of->facts->rules.v[i];

		if (r->family == family && r->priority && r->priority <= PLAN_RULE_STOP &&
		    may_take(of, r))
			return r;
	}
	return NULL;
}

struct plan_priorities plan_priorities(const struct plan_rules_of *of, uint8_t family)
{
	const struct fact_rule *first = first_rule(of, family);
	struct plan_priorities ret = { PLAN_RULE_LOOKUP, PLAN_RULE_STOP };

	if (!first)
		return ret;
	/* at 0 we are behind the local table; and a second rule there need not come second */
	ret.lookup = first->priority > 1 ? first->priority - 2 : 0;
	if (first->priority > 1)
		ret.stop = first->priority - 1;
	return ret;
}
