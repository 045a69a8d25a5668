/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_SET_H
#define VIA_MODEL_SET_H

#include <stdbool.h>
#include <stddef.h>

#include "model/object.h"

/*
 * An ordered set of objects. Additions are cheap and unordered; set_sort() puts it in order once,
 * and everything that reads it asks for that first. A failed allocation sticks.
 */
struct object_set {
	struct object *v;
	size_t n, size;
	bool failed;
	struct object_owner owner; /* of what is added from now on */
};

/* Copies o; takes over a rule's statements (o->nft_rule.rule), also on failure. */
void set_add(struct object_set *set, const struct object *o);

/* Sorts by object_compare(); of equal keys one stays, whichever. Returns 0 or -ENOMEM. */
int set_sort(struct object_set *set);

/* The object of the same key in a sorted set, or NULL. */
const struct object *set_find(const struct object_set *set, const struct object *key);

/* Keeps what is wanted. */
void set_filter(struct object_set *set, bool (*wanted)(const struct object *o));
void set_filter_by(struct object_set *set, bool (*wanted)(const struct object *o, const void *arg),
		   const void *arg);

/* Adds copies of what is in from and not in into; both are sorted. Returns 0 or -ENOMEM. */
int set_merge(struct object_set *into, const struct object_set *from);

/* Drops from a sorted set what is in another sorted one, by key. */
void set_subtract(struct object_set *set, const struct object_set *gone);

void set_done(struct object_set *set);

#define _cleanup_set_ __attribute__((cleanup(set_done)))

#endif
