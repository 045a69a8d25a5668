/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_SOURCES_H
#define VIA_PLAN_SOURCES_H

#include "model/facts.h"
#include "plan/routes.h"
#include "plan/uplink.h"

/* Source addresses that source NAT must be told, for it would take others by itself. */
#define UPLINK_SOURCES_MAX 16
struct uplink_sources {
	struct {
		struct prefix to; /* destinations; len 0: all others */
		struct ip source;
	} v[UPLINK_SOURCES_MAX]; /* shorter prefixes first */
	size_t n;
};

/*
 * Those of one uplink, with its routes of a family: of its way out (uplink.h), and of routes with a
 * preferred source of their own. What is past the limit keeps the source of the next shorter
 * prefix; an uplink that is not usable has none.
 */
void uplink_sources(const struct facts *f, const struct uplink *u, const struct out_routes *routes,
		    uint8_t family, struct uplink_sources *ret);

#endif
