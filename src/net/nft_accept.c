/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rule that is ours in another firewall's chain (model/accept.h). */
#include <libnftnl/rule.h>
#include <libnftnl/udata.h>

#include "model/accept.h"
#include "net/nft_internal.h"

struct nftnl_rule *nft_build_accept(const struct object *o)
{
	const struct obj_nft_accept *a = &o->nft_accept;
	struct nftnl_udata_buf *comment;
	struct nftnl_rule *n;
	struct nft_rule rule;

	accept_rule(a, &rule);
	n = nft_new_rule(o->family, a->table, a->chain, &rule);
	comment = n ? nftnl_udata_buf_alloc(64) : NULL;
	if (!comment) {
		if (n)
			nftnl_rule_free(n);
		return NULL;
	}
	nftnl_udata_put_strz(comment, NFTNL_UDATA_RULE_COMMENT, ACCEPT_COMMENT);
	nftnl_rule_set_data(n, NFTNL_RULE_USERDATA, nftnl_udata_buf_data(comment),
			    nftnl_udata_buf_len(comment));
	nftnl_udata_buf_free(comment);
	return n;
}
