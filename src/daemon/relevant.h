/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_RELEVANT_H
#define VIA_DAEMON_RELEVANT_H

#include "net/rtnl.h"

/*
 * What a change of others can matter to, by the facts. Of three kinds: it is about an uplink, and
 * sessions may have to be healed; it is about what sessions are planned with, so that the facts are
 * observed anew before the next plan; or it is about interfaces that no session uses or lists. Of
 * the last kind is what containers of others do all day, and what a routing daemon does with
 * another uplink's routes: the facts hold for all but requests that mean other interfaces.
 */

/* --- an uplink --- */

/* Whether a session uses that interface, or would if it could serve. */
bool relevant_link(const struct facts *f, int index);

/*
 * The same by what the kernel says of it now: a device that is not known yet, or that has got
 * another name or address. What a piece of hardware is (wifi, wwan) the kernel does not say here.
 */
bool relevant_as(const struct facts *f, const struct rtnl_link *link);

/*
 * Whether a route counts for every interface: it stops or passes on, or names a nexthop object
 * alone. Of a blackhole object the kernel says that its device is lo.
 */
bool relevant_to_all(const struct fact_route *r);

/*
 * Whether a route took the place of one of an uplink: `ip route replace` with another device tells
 * of the new one alone (net/ipv4/fib_trie.c:fib_table_insert).
 */
bool relevant_replaces(const struct facts *f, const struct fact_route *by);

/* Whether an address that the host had is the gateway of an uplink: plan_is_gateway_of_host(). */
bool relevant_gateway(const struct facts *f, const struct ip *ip);

/* --- what is planned with: of interfaces that are no uplink's --- */

/* A device; NULL: it was not known. */
bool relevant_to_plan(const struct facts *f, const struct fact_link *link);

bool relevant_route(const struct facts *f, const struct fact_route *r);

/* In an uplink's subnet, or named by a route of it or by a routing rule. */
bool relevant_address(const struct facts *f, const struct fact_addr *a);

#endif
