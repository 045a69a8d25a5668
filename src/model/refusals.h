/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_REFUSALS_H
#define VIA_MODEL_REFUSALS_H

#include <stddef.h>

#include "base/err.h"
#include "model/object.h"

/* What the kernel refused while steps were taken, of each owner the first object. */
struct refusal {
	struct object_owner owner; /* a session, or a slot, or foreign */
	bool removal;              /* then no owner: who wanted it does so no more */
	enum object_kind kind;
	int code; /* positive errno */
	char text[ERR_TEXT_MAX];
};
struct refusals {
	struct refusal *v;
	size_t n, size;
};

/*
 * Whether an object is not to be tried, since something else of its owner was refused. NULL is a
 * removal: behind one that was refused there is none, since what stops packets goes last.
 */
bool refusals_cover(const struct refusals *r, const struct object *want);

/*
 * Takes note of the object (NULL: a removal) that was refused with code, a negative errno. Returns
 * 0; or code when all need the object, or r is NULL: then no step may follow.
 */
int refusals_note(struct refusals *r, const struct object *want, int code, const struct err *err);

void refusals_done(struct refusals *r);

#define _cleanup_refusals_ __attribute__((cleanup(refusals_done)))

#endif
