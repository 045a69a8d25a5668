/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The slots of one plan. The routes of an uplink are what costs most of a plan on a host with many
 * routes, and the table, the source addresses of the firewall and source NAT all ask for them: they
 * are found once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "plan/internal.h"

static bool ctx_has_slot(const struct plan_ctx *x, uint32_t slot)
{
	for (size_t i = 0; i < x->n_slots; i++)
		if (x->slots[i].id.slot == slot)
			return true;
	return false;
}

static void ctx_add_slot(struct plan_ctx *x, uint32_t slot, const char *uplink)
{
	struct ctx_slot *s = &x->slots[x->n_slots];
	const struct fact_link *link;

	if (!slot || !uplink[0] || x->n_slots > PLAN_SLOT_MAX || ctx_has_slot(x, slot))
		return;
	link = facts_link(x->facts, uplink);
	s->id.slot = slot;
	snprintf(s->id.uplink, sizeof(s->id.uplink), "%s", uplink);
	s->id.index = link ? link->index : 0;
	s->refused = facts_refused(x->facts, uplink) != NULL;
	x->n_slots++;
}

static int compare_slots(const void *a, const void *b)
{
	const struct ctx_slot *x = a, *y = b;

	return (x->id.slot > y->id.slot) - (x->id.slot < y->id.slot);
}

/* Of an uplink and a family that can serve; of any other none are needed. */
static void find_routes(struct plan_ctx *x, struct ctx_slot *s)
{
	s->uplink = uplink_lookup(x->facts, s->id.uplink);
	if (s->uplink.problem != UPLINK_USABLE)
		return;
	for (size_t i = 0; i < sizeof(plan_families); i++) {
		const uint8_t family = plan_families[i];
		const struct way_out *way = family == AF_INET ? &s->uplink.ip4 : &s->uplink.ip6;

		if (way->usable && out_routes(x->facts, s->uplink.link, family, &s->routes[i]) < 0)
			x->set->failed = true;
	}
}

/*
 * Slots in use, those of listed uplinks that once were: a failover finds them ready; and those that
 * stay for what still comes for sessions that have ended.
 */
void plan_slots(struct plan_ctx *x)
{
	const struct facts *f = x->facts;
	bool *seen = calloc(f->lists.n + 1, sizeof(*seen)); /* without it some is done twice */

	for (size_t i = 0; i < x->n_sessions; i++) {
		const struct session *s = &x->sessions[i];
		const struct fact_list *list = uplinks_found(f, &s->uplinks);
		size_t number = list ? (size_t)(list - f->lists.v) : f->lists.n;

		ctx_add_slot(x, s->slot, s->uplink);
		for (size_t j = 0; j < f->slots.n && !(list && seen && seen[number]); j++) {
			const struct fact_slot *known = &f->slots.v[j];

			if (!ctx_has_slot(x, known->slot) &&
			    uplink_listed(f, &s->uplinks, known->uplink))
				ctx_add_slot(x, known->slot, known->uplink);
		}
		if (seen)
			seen[number] = true;
	}
	free(seen);
	for (size_t i = 0; i < f->slots.n; i++)
		if (f->slots.v[i].late && !ctx_has_slot(x, f->slots.v[i].slot))
			ctx_add_slot(x, f->slots.v[i].slot, f->slots.v[i].uplink);
	qsort(x->slots, x->n_slots, sizeof(x->slots[0]), compare_slots);
	for (size_t i = 0; i < x->n_slots; i++)
		find_routes(x, &x->slots[i]);
}

void plan_slots_done(struct plan_ctx *x)
{
	for (size_t i = 0; i < x->n_slots; i++)
		for (size_t j = 0; j < sizeof(plan_families); j++)
			out_routes_done(&x->slots[i].routes[j]);
}
