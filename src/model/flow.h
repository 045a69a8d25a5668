/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_FLOW_H
#define VIA_MODEL_FLOW_H

#include <assert.h>
#include <stdint.h>

#include "model/ip.h"

/*
 * A connection that the kernel tracks in a session's netns, with what it has carried so far
 * (net/netfilter/nf_conntrack_acct.c). The daemon sends these to a peer as they are, without
 * padding; one whose `from` is none (family 0) ends them.
 */
struct flow {
	uint64_t sent;     /* bytes of the direction of its first packet, with their IP headers */
	uint64_t answered; /* of the other direction */
	uint32_t id;       /* by which the kernel tells entries of one tuple apart (CTA_ID) */
	uint16_t from_port, to_port; /* 0: the protocol has none */
	uint8_t protocol;            /* IPPROTO_* */
	uint8_t counted;             /* 1: bytes are known: nf_conntrack_acct was 1 when it began */
	struct ip from;              /* who sent the first packet */
	struct ip to;                /* who answers: behind a translation of the destination */
	uint8_t reserved[4];
};
static_assert(sizeof(struct flow) == 64, "no padding on the wire");

/* Of the netns of a session: connections that begin have counters. */
#define FLOW_SYSCTL "net/netfilter/nf_conntrack_acct"

#endif
