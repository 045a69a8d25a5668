/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DESTINATIONS_H
#define VIA_VERBS_DESTINATIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/flow.h"

/*
 * With whom a session speaks, and how fast: from two samples of the connections in its netns. Pure.
 * An entry of connection tracking outlives its connection by a while, so the bytes of a short one
 * are found all the same.
 */

struct flows {
	struct flow *v;
	size_t n, size;
};

struct destination {
	struct ip address; /* of the far side */
	uint16_t port;     /* the far side's, or with inbound the session's own; 0: it has none */
	uint8_t protocol;  /* IPPROTO_* */
	bool inbound;      /* the far side began */
	size_t connections;
	uint64_t rx_bytes, tx_bytes; /* of connections that the kernel still has */
	uint64_t rx, tx;             /* bytes per second; 0 with the first sample */
};

struct destinations {
	struct destination *v; /* the busiest first, then by address, port and protocol */
	size_t n, size;
	bool counted; /* the kernel counts the bytes of all of them */
};

/*
 * now is put in order. before (NULL: there is none) is an earlier sample, in order, and ns how long
 * ago that was. own are the addresses of the session, to which an inbound connection comes. What
 * stays inside, from loopback to loopback, is left out. Returns 0 or -ENOMEM; ret is then empty.
 */
int destinations_take(struct flows *now, const struct flows *before, int64_t ns,
		      const struct ip own[2], struct destinations *ret);
void destinations_done(struct destinations *d);

/* "tcp", "udp", …; a number where it has no name here. Fills 8 bytes and returns them. */
const char *protocol_name(uint8_t protocol, char ret[8]);

/* "203.0.113.1:443/tcp", "[2001:db8::1]:443/udp", "203.0.113.1/icmp", "from …" of an inbound one.
 */
#define DESTINATION_TEXT_MAX (IP_TEXT_MAX + 48)
const char *destination_format(const struct destination *d, char ret[DESTINATION_TEXT_MAX]);

#endif
