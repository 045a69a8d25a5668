/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_ATTACHED_H
#define VIA_MODEL_ATTACHED_H

#include "base/vec.h"
#include "model/facts.h"

/*
 * What a netns that is in use has itself, as far as it decides by which device a packet leaves.
 * Filled by net/attached.c, or by hand in a test.
 */
struct attached {
	struct {
		struct fact_route
			*v; /* one for each next hop; those of the table "local" are left out */
		size_t n, size;
	} routes;
	struct {
		struct fact_rule *v; /* that look up a table */
		size_t n, size;
	} rules;
};

static inline void attached_done(struct attached *a)
{
	VEC_DONE(&a->routes);
	VEC_DONE(&a->rules);
}

#define _cleanup_attached_ __attribute__((cleanup(attached_done)))

#endif
