/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_STOPS_H
#define VIA_NET_STOPS_H

#include "model/facts.h"
#include "net/kernel.h"

/*
 * What others' rules do to sessions (facts->pending, forwarded, stops). It goes through all rules
 * of nftables: for a person who asks, not for a launch. Needs facts that were observed before.
 */
int observe_stops(struct kernel *k, struct facts *facts, struct err *err);

/*
 * One rule, and the chain that it is in. Returns 1 when it is a rule of others that can stop what a
 * session sends or gets, or leads to another chain; 0 when it is not; or a negative errno. Bytes
 * only.
 */
struct stop_rule {
	struct fact_stop stop; /* stop.kind is STOP_COUNT when it only leads on */
	char target[FOREIGN_NAME_MAX];
};
int stops_decode_rule(const struct nlmsghdr *nlh, const struct facts *facts, struct stop_rule *ret);

#endif
