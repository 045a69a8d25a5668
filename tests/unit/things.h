/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_THINGS_H
#define VIA_TESTS_THINGS_H

/* One object of each kind, with what matters of it as arguments. */

#include "model/object.h"

struct object thing_netns(void);
struct object thing_bridge(void);
struct object thing_port(const char *name);
struct object thing_up(const char *name);
struct object thing_altname(const char *dev, const char *name);
struct object thing_address(const char *dev, const char *prefix);
/* gateway may be NULL */
struct object thing_route(uint32_t table, const char *dst, const char *dev, const char *gateway);
/* an unreachable default */
struct object thing_stop(uint32_t table, const char *dst);
struct object thing_lookup(uint8_t family, uint32_t priority, uint32_t mark, uint32_t table);
struct object thing_stop_rule(uint8_t family, uint32_t priority, const char *iif);
struct object thing_neigh(const char *dev, const char *ip, uint8_t mac);
struct object thing_fdb(const char *dev, uint8_t mac);
struct object thing_tc(const char *dev);
struct object thing_shaper(const char *dev);
struct object thing_sysctl(const char *path, const char *value, const char *before);
struct object thing_table(uint8_t family);
struct object thing_chain(uint8_t family, const char *name);
struct object thing_set(uint8_t family, const char *name);
struct object thing_element(uint8_t family, const char *set, const char *ifname);
struct object thing_vmap_element(uint8_t family, const char *map, const char *ifname,
				 const char *chain);
/* As observed: a fingerprint without statements. */
struct object thing_rule(uint8_t family, const char *chain, uint32_t index, uint64_t fingerprint);
/* As observed, for what comes from the bridge. */
struct object thing_accept(uint8_t family, const char *table, const char *chain);

/* The same thing in a session. */
struct object thing_inside(struct object o);

#endif
