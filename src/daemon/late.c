/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/late.h"

#include "base/cleanup.h"

static struct late_slot *of_uplink(struct late *l, uint32_t slot)
{
	return slot && slot <= PLAN_SLOT_MAX ? &l->slots[slot] : NULL;
}

void late_ended(struct late *l, uint32_t slot, int64_t now)
{
	struct late_slot *s = of_uplink(l, slot);

	if (s)
		s->ended = now + LATE_LOOK_MS;
}

void late_unfinished(struct late *l, uint32_t slot, int64_t until)
{
	struct late_slot *s = of_uplink(l, slot);

	if (s && s->answered < until)
		s->answered = until;
}

static int64_t until(const struct late_slot *s)
{
	return s->ended > s->answered ? s->ended : s->answered;
}

bool late_keeps(const struct late *l, uint32_t slot, int64_t now)
{
	return slot && slot <= PLAN_SLOT_MAX && until(&l->slots[slot]) > now;
}

int64_t late_last(const struct late *l)
{
	int64_t last = 0;

	for (size_t slot = 1; slot < ARRAY_SIZE(l->slots); slot++)
		if (l->slots[slot].answered > last)
			last = l->slots[slot].answered;
	return last;
}

int64_t late_due(const struct late *l, const struct facts *f)
{
	int64_t due = INT64_MAX;

	for (size_t i = 0; i < f->slots.n; i++) {
		const struct fact_slot *s = &f->slots.v[i];

		if (s->late && s->slot <= PLAN_SLOT_MAX && until(&l->slots[s->slot]) < due)
			due = until(&l->slots[s->slot]);
	}
	return due;
}
