/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_FOREIGN_H
#define VIA_NET_FOREIGN_H

#include "model/facts.h"
#include "net/nl.h"

/*
 * Messages of nf_tables about other firewalls: which of their chains can stop what a session
 * forwards, and which of their rules are accepts of ours. Bytes only; dumps and events alike.
 */
struct foreign {
	enum { FOREIGN_TABLE, FOREIGN_CHAIN, FOREIGN_RULE } what;
	bool gone; /* an event: it was removed */
	/*
	 * Of a table: family, table and owned. Of a chain all but what its rules do. Of a rule
	 * the chain it is in, and in closes and leads_to what this rule does.
	 */
	struct fact_chain chain;
	bool ours; /* a rule: an accept of ours, as this */
	struct object accept;
};

/*
 * Returns 1 when the message is about a table, a chain that a fact_chain can be made of, or a
 * rule in a chain that the facts know; 0 when not, or when it says what this libnftnl does not
 * understand; or a negative errno. A chain that is gone is told by its names alone, as newer
 * kernels do. Our own tables are not foreign.
 */
int foreign_decode(const struct nlmsghdr *nlh, const struct facts *known, struct foreign *ret);

/* Dumps the rules of one chain. */
void foreign_dump_rules(struct nl_msg *m, uint8_t family, const char *table, const char *chain);

#endif
