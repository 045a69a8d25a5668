/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_ACCEPT_H
#define VIA_MODEL_ACCEPT_H

#include "model/object.h"

/*
 * What an accept of ours says in somebody else's chain: a drop there is final, whatever our own
 * table thinks of the packet. An accept is not: the packet meets our forward chain all the same,
 * which lets a mark leave by its uplink only, and replies and what is published alone come back.
 * So nothing is opened,
 * and by the state not even while our table is gone: what comes from the bridge is stopped by the
 * rules and tc then, what goes there, if it is no reply, by their own policy.
 *
 * In a chain of iptables-nft's it is made of what iptables itself would write: a single
 * expression that it does not know, and `iptables -L` and iptables-save call the whole table
 * incompatible. So the state is asked by xtables' conntrack match there. The comment is in the
 * rule's user data, which both nft(8) and iptables show as a comment.
 */

#define ACCEPT_COMMENT "via-iface"

void accept_rule(const struct obj_nft_accept *a, struct nft_rule *ret);

#endif
