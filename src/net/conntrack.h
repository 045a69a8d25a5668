/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_CONNTRACK_H
#define VIA_NET_CONNTRACK_H

#include "net/nl.h"

/*
 * Connection tracking by nfnetlink (linux/netfilter/nfnetlink_conntrack.h;
 * net/netfilter/nf_conntrack_netlink.c).
 */

/* What is read of an entry: who sent the first packet, and who answers. */
struct conntrack_entry {
	struct ip from; /* the source of the original direction, before source NAT */
	struct ip to;   /* the source of replies, that is: the destination after DNAT */
	uint32_t mark;
};

/* Returns 1 and fills ret from one message of a dump; 0 when it is no entry of IPv4 or IPv6. */
int conntrack_decode(const struct nlmsghdr *nlh, struct conntrack_entry *ret);

/*
 * The message that deletes the entry of a dump: 0, or -EINVAL when it is none, -EMSGSIZE when it
 * does not fit.
 */
int conntrack_encode_delete(struct nl_msg *m, const struct nlmsghdr *entry);

/*
 * Deletes the entries whose mark is `mark` under `mask`, and of which one end is an address that
 * is_ended(address, arg) accepts. One pass over the kernel's table, however many addresses they
 * are. s is a socket on NETLINK_NETFILTER; *ret_n is how many were deleted.
 *
 * Returns 0, or a negative errno: -EOPNOTSUPP when the kernel has no ctnetlink
 * (CONFIG_NF_CT_NETLINK).
 */
int conntrack_delete(struct nl_sock *s, uint32_t mark, uint32_t mask,
		     bool (*is_ended)(const struct ip *address, void *arg), void *arg,
		     size_t *ret_n, struct err *err);

#endif
