/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_RATES_H
#define VIA_VERBS_RATES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/facts.h"

/* How fast sessions receive and send: from the counters of their ports in two observations. */

struct rate {
	uint32_t id;
	uint64_t since;              /* numbers are given again: of the session that started then */
	uint64_t rx_bytes, tx_bytes; /* as the program sees them */
	bool known;                  /* it was there in the observation before */
	uint64_t rx, tx;             /* bytes per second */
};

struct rates {
	struct rate *v;
	size_t n, size;
	int64_t at; /* of the observation, clock_ns(); 0: there was none */
};

/*
 * Those of the facts, observed with OBSERVE_COUNTERS at a time by clock_ns(), in place of the ones
 * before. 0, or -ENOMEM with r unchanged.
 */
int rates_take(struct rates *r, const struct facts *f, int64_t at);
void rates_done(struct rates *r);

/* Of one session; NULL: it was not in the facts. Borrowed. */
const struct rate *rates_of(const struct rates *r, const struct session *s);

#endif
