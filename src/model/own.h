/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_OWN_H
#define VIA_MODEL_OWN_H

#include "model/facts.h"

/*
 * Which objects of the host are ours. An object is touched only when its name or its numbers have
 * our exact form and it carries our mark of ownership too; ARCHITECTURE.md has the table. What has
 * the form alone is foreign, and is neither changed nor removed.
 */

/* Of the mark, the top byte is a tag and the low byte the slot; of each slot there is a table. */
#define OWN_MARK_TAG      0x56000000u
#define OWN_MARK_TAG_MASK 0xff000000u
#define OWN_SLOT_MAX      255u
#define OWN_TABLE_BASE    22016u

/* Metric of the route that stops what no other route of its table takes. */
#define OWN_METRIC_STOP 4278198272u

/* Metric of the route to a gateway that other routes of its table need. */
#define OWN_METRIC_GATEWAY 99u

/* Priority of the rules that stop what would be forwarded for our sake alone. */
#define OWN_RULE_FENCE 5182

/*
 * Group of every port (ip-link(8), group): a port has it from the message that creates it, before
 * it can have an alias, and nftables matches it as iifgroup. /etc/iproute2/group does not have the
 * number.
 */
#define OWN_PORT_GROUP 22016u

/* MAC addresses: locally administered, "vi", then whose it is, then the place in the pool. */
enum own_mac_of {
	OWN_MAC_BRIDGE = 0, /* the number is 1 */
	OWN_MAC_SESSION = 1,
	OWN_MAC_PORT = 2,
};
struct mac own_mac(enum own_mac_of of, uint32_t number);
bool own_is_mac(const struct mac *mac, enum own_mac_of of);

/* The number of viap<ID> as session_port() writes it; 0 when the name has another form. */
uint32_t own_port_id(const char *name);

/*
 * A port: a veth of that name whose alias is of that session; or with the group and a MAC of ours,
 * which its creating message gives it: then the launch was killed before the alias was set, or
 * somebody overwrote the alias.
 */
bool own_is_port(const struct fact_link *l);

/* The bridge or a port (facts_is_our_bridge() says which bridge). */
bool own_is_link(const struct fact_link *l);

/* The bridge, or NULL where there is none or somebody else's. */
const struct fact_link *own_bridge(const struct facts *f);

/* A route of protocol 86 in the table of a slot, for all packets (no TOS, no source). */
bool own_is_route(const struct fact_route *r);

/*
 * A rule of protocol 86 that asks for nothing but our mark, or our bridge, or is a fence. One that
 * asks for more is not decoded at all (net/rtnl_decode.c).
 */
bool own_is_rule(const struct obj_rule *r, uint8_t protocol);

/*
 * 2001:2::/48 (RFC 5180), of which sessions have their addresses of IPv6: like unique local ones
 * they may be sources, are forwarded, and are reached from nowhere else (IANA's registry of
 * special-purpose addresses); but RFC 6724 gives them the label of global ones.
 */
extern const struct prefix own_pool6;

/* An address that the bridge gets: the first of a /22, or of a /64 of own_pool6 or of ULA. */
bool own_is_address(const struct prefix *p);

/* A sysctl that is saved before it is changed; no other file below the run directory is read. */
bool own_is_saved_sysctl(const char *path);

/* The sysctl of a port: disable_ipv6. */
bool own_is_port_sysctl(const char *path);

/* A family in which the table via_iface is ours (NFPROTO_*). */
bool own_is_nft_family(uint8_t family);

#endif
