/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_SILENT_H
#define VIA_PLAN_SILENT_H

#include "model/facts.h"

/*
 * Which gateways of an uplink answer, as far as that decides anything: where several routes for one
 * destination lead out by different gateways (metrics, router preferences, multipath). A gateway
 * is silent from when the kernel's neighbour table says NUD_FAILED (ARP, RFC 826; RFC 4861,
 * section 7.3.3) until it has answered for a while: one that flaps is left alone for longer. No
 * news, as of an entry that was garbage-collected, changes nothing.
 *
 * The kernel asks a gateway only for a packet to it, and a silent one gets none. So it is asked on
 * purpose, as a packet would have it asked (NTF_USE; net/core/neighbour.c:neigh_add), in intervals
 * that grow.
 */

/* How many gateways of one device and family are told apart; more are taken to answer. */
#define GATEWAYS_MAX 16

/* How long a gateway answers before it is used again; doubled while it flaps. */
#define GATEWAY_HOLD_MS     5000
#define GATEWAY_HOLD_MAX_MS 80000

/* When a silent one is asked: after this, then after twice that, … */
#define GATEWAY_ASK_MS     2000
#define GATEWAY_ASK_MAX_MS 32000

/* What the daemon remembers of each gateway in the facts. Starts zeroed. */
struct gateway_memory {
	struct gateway_known {
		int index;
		struct ip ip;
		bool silent, seen;
		int64_t answers_since; /* of a silent one, clock_ms(); 0: it does not */
		int64_t back_at;       /* when it was used again; 0: never */
		int64_t hold_ms;
		int64_t ask_at, ask_ms;
	} * v;
	size_t n, size;
};

void gateways_done(struct gateway_memory *m);

/*
 * Adds the gateways of a device that are of interest to the facts, once, in the state unknown. With
 * `defaults`, those of its default routes too, though there is no choice. 0 or -ENOMEM.
 */
int gateways_find(struct facts *f, const struct fact_link *link, bool defaults);

/*
 * Says which gateways in the facts are silent, and so which routes. One that was not known before
 * is taken for what the table of its uplink says, where it has one: a daemon that starts goes on
 * with that. now is clock_ms(); *ret_again is when to decide again though nothing happened,
 * INT64_MAX for never. 0 or -ENOMEM.
 */
int gateways_decide(struct facts *f, struct gateway_memory *m, int64_t now, int64_t *ret_again);

/*
 * The next silent gateway that is due to be asked; also sets when it is due again. False when there
 * is none. gateways_ask_at() is when the next one is due: clock_ms(), or INT64_MAX.
 */
bool gateways_ask(struct gateway_memory *m, int64_t now, int *ret_index, struct ip *ret);
int64_t gateways_ask_at(const struct gateway_memory *m);

/*
 * Takes over the state that an event tells. True when there is something to decide.
 */
bool gateways_take(struct facts *f, int index, const struct ip *ip, enum gateway_state state);

#endif
