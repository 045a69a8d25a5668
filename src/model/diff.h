/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_DIFF_H
#define VIA_MODEL_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "model/set.h"

enum step_action {
	STEP_ADD,
	STEP_CHANGE,
	STEP_REMOVE,
	STEP_ACTION_COUNT,
};

/* One change in the kernel. Both objects are borrowed from the sets that were compared. */
struct step {
	enum step_action action;
	const struct object *want; /* NULL for a removal */
	const struct object *have; /* NULL for an addition */
};

struct steps {
	struct step *v;
	size_t n, size;
};

/*
 * What leads from have to want, both sorted: additions and changes in the order of making, then
 * removals backwards. The rules of one nft chain change together or not at all, since their
 * order is their meaning: when any of them differs, all of the chain are listed (the applier
 * flushes the chain in the same transaction). Returns 0 or -ENOMEM.
 */
int diff(const struct object_set *want, const struct object_set *have, struct steps *ret);

/* Whether a step changes anything: a rule may be listed for its chain's sake alone. */
bool step_differs(const struct step *s);

/*
 * Whether step i is the first of a chain of which no rule differs: then a foreign rule stands
 * behind them, and is removed when the chain is flushed. before is what was wanted so far, or NULL:
 * where that has more rules in the chain, it is these that go.
 */
bool steps_have_stray_rule(const struct steps *steps, size_t i, const struct object_set *before);

void steps_done(struct steps *steps);

#define _cleanup_steps_ __attribute__((cleanup(steps_done)))

#endif
