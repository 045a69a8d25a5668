/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NFTNL_CLEANUP_H
#define VIA_NET_NFTNL_CLEANUP_H

#include <libnftnl/chain.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>

/* Scope-bound objects of libnftnl, whose own functions do not take NULL (see base/cleanup.h). */

#define VIA_NFTNL_CLEANUP(kind)                                                                    \
	static inline void cleanup_nftnl_##kind(struct nftnl_##kind **p)                           \
	{                                                                                          \
		if (*p)                                                                            \
			nftnl_##kind##_free(*p);                                                   \
	}

VIA_NFTNL_CLEANUP(table)
VIA_NFTNL_CLEANUP(chain)
VIA_NFTNL_CLEANUP(set)
VIA_NFTNL_CLEANUP(set_elem)
VIA_NFTNL_CLEANUP(rule)

/* _cleanup_nftnl_(rule) struct nftnl_rule *rule = …, or NULL */
#define _cleanup_nftnl_(kind) __attribute__((cleanup(cleanup_nftnl_##kind)))

#endif
