/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_PROBE_H
#define VIA_PLAN_PROBE_H

#include <stdbool.h>

#include "model/facts.h"
#include "model/request.h"

/*
 * Probe sessions (via-iface --probe). A launch with --probe asks one address through each uplink of
 * its session's list, each time in a short session of its own: the probe session of that parent.
 *
 * A probe session takes everything but its uplink from its parent. It is no parent itself, is
 * alone, and ends with its parent. The policy is asked about the parent, not about the probe, so a
 * probe session is never worth more than its parent is.
 */

/*
 * Makes the request of a probe session out of what uid (the peer's) asked for: asked->probe_of is
 * the parent, asked->uplinks one interface that its list means. Returns 0 and fills ret and
 * *ret_parent (borrowed from f), or with a line in err: -ESRCH there is no such parent, -EPERM it
 * is somebody else's or was given its uplinks by root (only root may probe those), -EINVAL it is
 * attached, paused, a probe session itself, or that interface is not in its list, -EBUSY it has a
 * probe session already: that one is to be ended first.
 */
int probe_request(const struct facts *f, const struct request *asked, uint32_t uid,
		  struct request *ret, const struct session **ret_parent, struct err *err);

/*
 * Whether a probe session still has what it was admitted for: a parent that is not paused and
 * lists the uplink. Where not, the daemon ends it. True for a session that is no probe session.
 */
bool probe_stands(const struct facts *f, const struct session *s);

#endif
