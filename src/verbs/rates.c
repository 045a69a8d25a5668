/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/rates.h"

#include <errno.h>

#include "base/vec.h"
#include "model/session.h"

/* A counter that went backwards is another port's: nothing is known then. */
static bool compare(struct rate *now, const struct rate *before, int64_t ns)
{
	if (!before || ns <= 0 || now->rx_bytes < before->rx_bytes ||
	    now->tx_bytes < before->tx_bytes)
		return false;
	now->rx = (uint64_t)((double)(now->rx_bytes - before->rx_bytes) * 1e9 / (double)ns);
	now->tx = (uint64_t)((double)(now->tx_bytes - before->tx_bytes) * 1e9 / (double)ns);
	return true;
}

int rates_take(struct rates *r, const struct facts *f, int64_t at)
{
	struct rates now = { .at = at };

	for (size_t i = 0; i < f->sessions.n; i++) {
		const struct session *s = &f->sessions.v[i];
		const struct fact_link *l;
		struct rate *one = VEC_PUSH(&now);
		char port[IFNAMSIZ];

		if (!one) {
			VEC_DONE(&now);
			return -ENOMEM;
		}
		session_port(s->id, port);
		l = facts_link(f, port);
		one->id = s->id;
		one->since = s->since;
		one->rx_bytes = l ? l->tx_bytes : 0;
		one->tx_bytes = l ? l->rx_bytes : 0;
		one->known = l && r->at && compare(one, rates_of(r, s), at - r->at);
	}
	rates_done(r);
	*r = now;
	return 0;
}

void rates_done(struct rates *r)
{
	VEC_DONE(r);
}

const struct rate *rates_of(const struct rates *r, const struct session *s)
{
	for (size_t i = 0; i < r->n; i++)
		if (r->v[i].id == s->id && r->v[i].since == s->since)
			return &r->v[i];
	return NULL;
}
