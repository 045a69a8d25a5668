/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_ROUTE_LOOKUP_H
#define VIA_NET_ROUTE_LOOKUP_H

#include "model/ip.h"
#include "net/nl.h"

/*
 * Where the kernel would send a packet that comes in by a device, as `ip route get TO from FROM iif
 * DEV mark MARK` (RTM_GETROUTE, net/ipv4/route.c:inet_rtm_getroute). Everybody may ask.
 */
struct route_question {
	struct ip from, to; /* of one family */
	int iif;
	uint32_t mark;
};

struct route_answer {
	int error;      /* 0, or a negative errno: a route or rule that stops, or none at all */
	int index;      /* the device by which it leaves */
	uint32_t table; /* that has the route */
};

/* Returns 0, also where error is set, or a negative errno when the kernel cannot be asked. */
int route_lookup(struct nl_sock *rtnl, const struct route_question *q, struct route_answer *ret,
		 struct err *err);

/* The message of the answer. Bytes only. Returns 1, 0 for another message, or -EBADMSG. */
int route_decode_answer(const struct nlmsghdr *nlh, struct route_answer *ret);

#endif
