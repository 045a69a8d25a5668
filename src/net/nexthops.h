/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_NEXTHOPS_H
#define VIA_NET_NEXTHOPS_H

#include "net/rtnl.h"

/* Whether a route names nothing but a nexthop object. */
bool nexthops_needed(const struct facts *f);

/*
 * Gives such routes the device and gateway of their object; of a group each member is a route of
 * its own, as the next hops of a multipath route are. An object that is not in v leaves its routes
 * as they are. 0 or -ENOMEM.
 */
int nexthops_resolve(struct facts *f, const struct rtnl_nexthop *v, size_t n);

#endif
