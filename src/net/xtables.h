/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_XTABLES_H
#define VIA_NET_XTABLES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Rules of iptables-legacy that drop or reject: nf_tables does not show them, and does not trace
 * them. The kernel has them as one block of bytes for each table, with a counter for each rule
 * (linux/netfilter_ipv4/ip_tables.h, net/ipv4/netfilter/ip_tables.c:copy_entries_to_user).
 */
struct xtables_stop {
	uint8_t family; /* AF_INET, AF_INET6 */
	char table[32], chain[32];
	unsigned int number; /* in its chain, as `-nvL --line-numbers` counts; 0: the policy */
	uint64_t packets;
	char text[192]; /* as `iptables-legacy -S` writes it */
	bool more;      /* it has matches besides, which text has not */
};

struct xtables_stops {
	struct xtables_stop *v;
	size_t n, size;
};

/* Reads those of all tables; none where the caller may not, or the kernel has no such tables. */
void xtables_read(struct xtables_stops *ret);
void xtables_done(struct xtables_stops *s);

/* Where the chains with a hook begin, and where their policies are; ~0u: the table has none. */
struct xtables_hooks {
	uint32_t entry[5], underflow[5];
};

/* The entries of a table. Bytes only. Returns 0, -EBADMSG or -ENOMEM. */
int xtables_decode(uint8_t family, const char *table, const struct xtables_hooks *hooks,
		   const void *data, size_t len, struct xtables_stops *ret);

#endif
