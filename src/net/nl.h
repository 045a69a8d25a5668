/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NL_H
#define VIA_NET_NL_H

#include <libmnl/libmnl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "model/ip.h"

/*
 * Netlink on libmnl: a message builder whose first failure sticks (ask nl_msg_error() once, at
 * the end; nl_talk() does), and a socket that speaks request and answer, with the kernel's
 * extended acknowledgement in every error (netlink(7), NETLINK_EXT_ACK).
 */

#define NL_MSG_SIZE 4096

struct nl_msg {
	union {
		struct nlmsghdr nlh;
		char buf[NL_MSG_SIZE];
	};
	bool overflow;
};

/* Starts a message; returns the zeroed family header of extra_size bytes. */
void *nl_msg_start(struct nl_msg *m, uint16_t type, uint16_t flags, size_t extra_size);
void nl_put(struct nl_msg *m, uint16_t type, const void *data, size_t len);
void nl_put_u8(struct nl_msg *m, uint16_t type, uint8_t v);
void nl_put_u16(struct nl_msg *m, uint16_t type, uint16_t v);
void nl_put_u32(struct nl_msg *m, uint16_t type, uint32_t v);
void nl_put_be32(struct nl_msg *m, uint16_t type, uint32_t v);
void nl_put_str(struct nl_msg *m, uint16_t type, const char *s); /* with its terminator */
void nl_put_ip(struct nl_msg *m, uint16_t type, const struct ip *ip);
void nl_put_mac(struct nl_msg *m, uint16_t type, const struct mac *mac);
/* A nest is closed with the value that opening it returned; NULL after an overflow is fine. */
struct nlattr *nl_nest(struct nl_msg *m, uint16_t type);
void nl_nest_end(struct nl_msg *m, struct nlattr *nest);
/* Room for len bytes that belong to no attribute, zeroed (the peer's header in a veth). */
void *nl_reserve(struct nl_msg *m, size_t len);
/* 0, or -EMSGSIZE when something did not fit. */
int nl_msg_error(const struct nl_msg *m);

struct nl_sock {
	struct mnl_socket *nl;
	uint32_t portid, seq;
};

/* Opens a socket on NETLINK_ROUTE or NETLINK_NETFILTER in the caller's netns. */
int nl_open(struct nl_sock *s, int bus, struct err *err);
void nl_close(struct nl_sock *s);
int nl_fd(const struct nl_sock *s);

/*
 * As recv(2), of what the kernel sends: its port id is 0 (netlink(7)). What another process sends
 * to this socket - one with CAP_NET_ADMIN may - is dropped unread.
 */
ssize_t nl_recv(const struct nl_sock *s, void *buf, size_t size, int flags);

/*
 * Discards what has come, without waiting: for a caller that observes anew after any event, to whom
 * it does not matter either that the kernel dropped some (ENOBUFS, netlink(7)).
 */
void nl_drain(const struct nl_sock *s);

/* Joins a multicast group (RTNLGRP_*, NFNLGRP_*). Returns 0 or a negative errno. */
int nl_join(struct nl_sock *s, unsigned int group, struct err *err);

/* Sends one message and waits for its acknowledgement. The error is the kernel's, no more. */
int nl_talk(struct nl_sock *s, struct nl_msg *m, struct err *err);

/*
 * Whether a whole message lies in the bytes that are left, with its padding: libmnl's readers of
 * attributes look into that, and the kernel always sends it. As mnl_nlmsg_ok(), which does not ask
 * for padding, and takes a length above INT_MAX for a negative one, and so for a short one.
 */
bool nl_msg_ok(const struct nlmsghdr *nlh, int left);

/* Called with each message of an answer; a negative return ends it and is passed on. */
typedef int (*nl_handler)(const struct nlmsghdr *nlh, void *arg);

/* As nl_talk(), for a request with one message as its answer; handler may be NULL. */
int nl_get(struct nl_sock *s, struct nl_msg *m, nl_handler handler, void *arg, struct err *err);

/*
 * A dump. When the kernel says that it changed underneath (NLM_F_DUMP_INTR), restart(arg) is
 * called to forget what was seen and the dump is made again, at most NL_DUMP_TRIES times;
 * then the error is -EAGAIN.
 */
#define NL_DUMP_TRIES 20
int nl_dump(struct nl_sock *s, struct nl_msg *m, nl_handler handler, void (*restart)(void *arg),
	    void *arg, struct err *err);

/*
 * A dump in pieces, for a caller that has others to serve meanwhile; the socket is for nothing else
 * until it is over. A step handles what one recv(2) brings, for which it never waits long: the
 * kernel goes on with a dump as it is read. Returns 1 when there is more, 0 at the end, or a
 * negative errno, -EAGAIN when the kernel says that it changed underneath.
 */
int nl_dump_start(struct nl_sock *s, struct nl_msg *m, struct err *err);
int nl_dump_step(struct nl_sock *s, nl_handler handler, void *arg, struct err *err);

/*
 * A batch (nfnetlink): bytes of several messages, each with its own sequence number and
 * NLM_F_ACK, sent as one. On failure *ret_seq is the number of the message that failed.
 */
int nl_batch(struct nl_sock *s, const void *bytes, size_t len, uint32_t last_seq, uint32_t *ret_seq,
	     struct err *err);

/* The text of an extended acknowledgement in an error message, or NULL. Borrowed. */
const char *nl_extack(const struct nlmsghdr *nlh);

#endif
