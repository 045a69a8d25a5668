/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_CONNTRACK_H
#define VIA_NET_CONNTRACK_H

#include "model/flow.h"
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
	/*
	 * The far side may go on to send: TCP that was not closed by both sides, and UDP
	 * that was a stream (IPS_ASSURED, net/netfilter/nf_conntrack_proto_udp.c), not a question.
	 */
	bool unfinished;
};

/* Returns 1 and fills ret from one message of a dump; 0 when it is no entry of IPv4 or IPv6. */
int conntrack_decode(const struct nlmsghdr *nlh, struct conntrack_entry *ret);

/* The same of what an entry says of a connection and of its bytes. */
int conntrack_decode_flow(const struct nlmsghdr *nlh, struct flow *ret);

/*
 * Calls take(flow, arg) for each connection of the netns that the socket is of, until one returns a
 * negative errno, which is returned; 0 at the end; -EAGAIN when the kernel says that its table
 * changed underneath. The sender needs CAP_NET_ADMIN over that netns. The kernel walks the table of
 * all netns, of which there is one (net/netfilter/nf_conntrack_netlink.c:ctnetlink_dump_table).
 */
int conntrack_each_flow(struct nl_sock *s, int (*take)(const struct flow *f, void *arg), void *arg,
			struct err *err);

/*
 * The message that deletes the entry of a dump: 0, or -EINVAL when it is none, -EMSGSIZE when it
 * does not fit.
 */
int conntrack_encode_delete(struct nl_msg *m, const struct nlmsghdr *entry);

/*
 * Deletes the entries whose mark is `mark` under `mask`, and that ends(entry, arg) accepts,
 * which is asked once of each: one pass over the kernel's table, however many addresses they
 * are, in steps of a few milliseconds. arg is borrowed until the pass is over.
 *
 * conntrack_start() returns 0 or a negative errno. conntrack_step() returns 1 when there is more to
 * do, 0 when the pass is over, or a negative errno, and it is over too: -EOPNOTSUPP when the kernel
 * has no ctnetlink (CONFIG_NF_CT_NETLINK).
 */
struct conntrack_pass {
	struct nl_sock sock;
	bool running, deleting;
	uint32_t mark, mask;
	bool (*ends)(const struct conntrack_entry *e, void *arg);
	void *arg;
	struct {
		char *v;
		size_t n, size;
	} bytes;   /* the messages that delete what the dump found, one behind the other */
	size_t at; /* how much of them was sent */
};

int conntrack_start(struct conntrack_pass *p, uint32_t mark, uint32_t mask,
		    bool (*ends)(const struct conntrack_entry *e, void *arg), void *arg,
		    struct err *err);
int conntrack_step(struct conntrack_pass *p, struct err *err);
/* Ends it, wherever it is; a zeroed one may be stopped too. */
void conntrack_stop(struct conntrack_pass *p);

#endif
