/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_OWNER_H
#define VIA_MODEL_OWNER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For whose sake alone an object is wanted. An object that the kernel refuses keeps nobody else
 * from theirs: the steps for all others go on, and its owner is blocked (daemon/refused.h). All
 * zero: it is needed by all sessions.
 */
struct object_owner {
	uint32_t session; /* id */
	uint8_t slot;     /* with a session: the object refers to what is the slot's */
	bool foreign;     /* in another firewall's table */
};

static inline bool owner_is_set(const struct object_owner *o)
{
	return o->session || o->slot || o->foreign;
}

#endif
