/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Devices between two observations. The daemon knows by number which slot is which device; when it
 * starts, nftables has it. See plan/rename.h.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "base/util.h"
#include "base/vec.h"
#include "daemon/host_state.h"
#include "net/sysctl.h"
#include "plan/rename.h"
#include "plan/uplink.h"

/*
 * Which slot is which uplink we know better than a set that somebody may have added to: another
 * slot for the same uplink would be the end of its connections.
 */
static int merge_slots(struct facts *fresh, const struct facts *old)
{
	for (size_t i = 0; i < old->slots.n; i++) {
		const struct fact_slot known = old->slots.v[i];
		struct fact_slot *added;
		size_t kept = 0;

		for (size_t j = 0; j < fresh->slots.n; j++)
			if (fresh->slots.v[j].slot != known.slot &&
			    strcmp(fresh->slots.v[j].uplink, known.uplink) != 0)
				fresh->slots.v[kept++] = fresh->slots.v[j];
		fresh->slots.n = kept;
		added = VEC_PUSH(&fresh->slots);
		if (!added)
			return -ENOMEM;
		*added = known;
	}
	return 0;
}

static bool slot_wanted(const struct facts *f, const struct fact_slot *slot)
{
	for (size_t i = 0; i < f->sessions.n; i++)
		if (f->sessions.v[i].slot == slot->slot ||
		    uplink_listed(f, &f->sessions.v[i].uplinks, slot->uplink))
			return true;
	return false;
}

static void drop_unwanted(const struct late *late, struct facts *f)
{
	int64_t now = clock_ms();
	size_t kept = 0;

	for (size_t i = 0; i < f->slots.n; i++) {
		struct fact_slot *s = &f->slots.v[i];
		bool wanted = slot_wanted(f, s);

		s->late = !wanted && late_keeps(late, s->slot, now);
		if (wanted || s->late)
			f->slots.v[kept++] = *s;
	}
	f->slots.n = kept;
}

/* What could not be written into an alias yet holds all the same. */
static void take_rewritten(const struct host_state *h, struct facts *fresh)
{
	for (size_t i = 0; i < h->rewritten.n; i++) {
		const struct rewritten *r = &h->rewritten.v[i];

		for (size_t j = 0; j < fresh->sessions.n; j++) {
			struct session *s = &fresh->sessions.v[j];

			if (s->id == r->id && uplink_list_equal(&s->uplinks, &r->before)) {
				s->uplinks = r->after;
				s->recorded[0] = 0;
			}
		}
	}
}

static int note_rewritten(struct host_state *h, const struct uplink_list *before,
			  const struct facts *fresh)
{
	h->rewritten.n = 0;
	for (size_t i = 0; i < fresh->sessions.n; i++) {
		const struct session *s = &fresh->sessions.v[i];
		struct rewritten *r;

		if (uplink_list_equal(&before[i], &s->uplinks))
			continue;
		r = VEC_PUSH(&h->rewritten);
		if (!r)
			return -ENOMEM;
		r->id = s->id;
		r->before = before[i];
		r->after = s->uplinks;
	}
	return 0;
}

static int map(struct host_state *h, struct facts *fresh)
{
	_cleanup_free_ struct uplink_list *before = calloc(fresh->sessions.n + 1, sizeof(*before));
	_cleanup_renames_ struct renames renames = { 0 };
	int r = before ? merge_slots(fresh, &h->facts) : -ENOMEM;

	for (size_t i = 0; i < fresh->sessions.n && r == 0; i++)
		before[i] = fresh->sessions.v[i].uplinks;
	if (r == 0)
		r = renames_find(&h->facts, fresh, &renames);
	if (r < 0)
		return r;
	for (size_t i = 0; i < renames.n; i++)
		if (facts_slot(fresh, renames.v[i].from))
			log_line(LOG_NOTICE, "uplink %s is %s now", renames.v[i].from,
				 uplink_list_word(&renames.v[i].to, 0));
	take_rewritten(h, fresh);
	renames_apply(&renames, fresh);
	r = uplinks_resolve_all(fresh);
	if (r < 0)
		return r;
	drop_unwanted(&h->late, fresh);
	return note_rewritten(h, before, fresh);
}

int host_map_devices(struct host_state *h, struct facts *fresh, struct err *err)
{
	int r = map(h, fresh);

	if (r < 0)
		return err_errno(err, -r, "remember the uplinks");
	r = sysctl_rename_saved(h->kernel.rundir, fresh);
	return r < 0 ? err_errno(err, -r, "rename what was saved of sysctls") : 0;
}
