/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_HOST_INTERNAL_H
#define VIA_DAEMON_HOST_INTERNAL_H

#include "daemon/host_state.h"

/* Shared by the files of the host state alone. */

/* How often a change is tried again when somebody else changes the same at the same time. */
#define HOST_TRIES 4

/*
 * Brings the kernel from what was observed to want, which it takes over on success. Returns 0 or a
 * negative errno with the reason. With refused, what the kernel refused of some owners alone is
 * there, and all else has been done; it is empty when more failed.
 */
int host_converge_to(struct host_state *h, struct object_set *want, struct refusals *refused,
		     struct err *err);

/*
 * Finds the gateways of the uplinks that sessions use, and of a list, and which of them answer;
 * each device once for the same facts. Returns 0 or a negative errno with the reason.
 */
int host_find_gateways(struct host_state *h, const struct uplink_list *uplinks, struct err *err);

/* Whether other sessions have the same slot, limits and group, and publish ports if it does, so
 * that plan_session() is all of this one's. */
bool host_has_like(const struct host_state *h, const struct session *s);

/*
 * Whether no program of the host listens at a port that the session is to publish, at an address
 * of an uplink of its list (publish.c). Returns 0, or -EADDRINUSE with the socket in the reason.
 */
int host_check_published(const struct host_state *h, const struct session *s, struct err *err);

/*
 * The transitions of enum host_knowledge; nothing else sets it. Observed: all facts are of now.
 * Settled: facts.ours is what was left. Changed: want (host objects, taken over) is what was left;
 * or with NULL it is not known how much of a failed attempt was done, and what stood before is
 * kept.
 */
void host_set_observed(struct host_state *h);
void host_set_settled(struct host_state *h);
void host_set_changed(struct host_state *h, struct object_set *want);

#endif
