/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_SCENE_H
#define VIA_TESTS_SCENE_H

/*
 * A host made of facts: short words for what observation would find. A mistake in the making
 * aborts. Interface numbers count up from 1; every new interface is up, with carrier, an MTU of
 * 1500 and the switches that a kernel with IPv6 gives it.
 */

#include "model/facts.h"

int scene_link(struct facts *f, const char *name);
void scene_link_is(struct facts *f, const char *name, const char *kind, uint32_t flags);
void scene_lo(struct facts *f);
void scene_addr(struct facts *f, const char *dev, const char *prefix);
void scene_addr_with(struct facts *f, const char *dev, const char *prefix, uint8_t scope,
		     uint32_t flags);

/* In the main table; gateway may be NULL. */
void scene_route(struct facts *f, const char *dev, const char *dst, const char *gateway,
		 uint32_t metric);
/* The last one made, for what scene_route() does not say. */
struct fact_route *scene_last_route(struct facts *f);

/* Adds the switch, or sets it. */
void scene_sysctl(struct facts *f, const char *path, const char *value, const char *before);

/* Somebody else's base chain at the forward hook, which drops nothing by itself. */
struct fact_chain *scene_chain(struct facts *f, uint8_t family, const char *table,
			       const char *name);

void scene_slot(struct facts *f, uint32_t slot, const char *uplink);

/* One more name server of a device, or with NULL of the host. */
void scene_dns(struct facts *f, const char *dev, const char *server);
/* What the device's lease says. */
void scene_gateway(struct facts *f, const char *dev, const char *gateway);

/* A session with its port, and the bridge where there is none yet. */
struct session *scene_session(struct facts *f, uint32_t id, uint32_t host, uint32_t slot,
			      const char *uplinks, const char *name);
/* The bridge of ours, with the first address of that pool. */
void scene_bridge(struct facts *f, const char *pool);

/* A host with lo, without any uplink. */
void scene_host(struct facts *f);
/* Two cards, enp7s0 and wlp6s0: in two subnets, or in one with two gateways. */
void scene_split(struct facts *f);
void scene_same(struct facts *f);
/* scene_split() and usb0, through which no default route leads, with a name server. */
void scene_tethered(struct facts *f);

struct ip scene_ip(const char *text);
struct prefix scene_prefix(const char *text);

#endif
