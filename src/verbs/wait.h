/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_WAIT_H
#define VIA_VERBS_WAIT_H

#include <stdbool.h>

#include "launch/launch.h"

/*
 * --wait: until an uplink of the list is usable. Mistakes that waiting cannot mend are told at
 * once: the access policy refuses the list, each interface of it is one that can never serve. What
 * is waited for stands on stderr, unless o->quiet, and again when that changes. 0; -ETIMEDOUT with
 * the reason when o->wait seconds are over, or another negative errno.
 *
 * The uplink or its name servers may be lost again before the daemon serves the request. That is no
 * reason to refuse what waits for them, as it ends no session that runs: where both were there the
 * request gets SESSION_PENDING.
 */
int wait_for_uplink(struct launch_options *o, struct err *err);

#endif
