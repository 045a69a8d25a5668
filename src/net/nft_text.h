/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFT_TEXT_H
#define VIA_NET_NFT_TEXT_H

#include <stdbool.h>

#include "base/strbuf.h"

struct nftnl_rule;

/*
 * Adds a rule of any table as nft(8) lists it. Returns false where it has an expression that is not
 * known here - a set, a match of xtables, arithmetic -: what was added is of no use then.
 */
bool nft_rule_text(struct nftnl_rule *rule, struct strbuf *ret);

#endif
