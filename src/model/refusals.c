/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/refusals.h"

#include <stdio.h>

#include "base/vec.h"

/* A session's object is the session's alone, also where it refers to the slot. */
static bool is_of(const struct object_owner *o, const struct object_owner *refused)
{
	if (refused->session)
		return o->session == refused->session;
	return (refused->slot && o->slot == refused->slot) || (refused->foreign && o->foreign);
}

bool refusals_cover(const struct refusals *r, const struct object *want)
{
	if (!r || (want && !owner_is_set(&want->owner)))
		return false;
	for (size_t i = 0; i < r->n; i++)
		if (want ? is_of(&want->owner, &r->v[i].owner) : r->v[i].removal)
			return true;
	return false;
}

int refusals_note(struct refusals *r, const struct object *want, int code, const struct err *err)
{
	struct refusal *added;

	if (!r || (want && !owner_is_set(&want->owner)) || refusals_cover(r, want))
		return code;
	added = VEC_PUSH(r);
	if (!added)
		return code;
	added->removal = !want;
	if (want) {
		added->owner = want->owner;
		added->kind = want->kind;
	}
	if (added->owner.session)
		added->owner.slot = 0;
	added->code = -code;
	snprintf(added->text, sizeof(added->text), "%s", err ? err->text : "");
	return 0;
}

void refusals_done(struct refusals *r)
{
	VEC_DONE(r);
}
