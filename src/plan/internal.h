/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_INTERNAL_H
#define VIA_PLAN_INTERNAL_H

/* Shared by the files of plan/ alone. */

#include <sys/socket.h>

#include "plan/plan.h"
#include "plan/routes.h"
#include "plan/uplink.h"

/* Metric of what leads out, in the table of an uplink; what is used next has one more. */
#define METRIC_ROUTE 100

/* A slot in one plan, and what its uplink is like: found once (slots.c). */
struct ctx_slot {
	struct fact_slot id;
	struct uplink uplink;
	struct out_routes routes[2]; /* by plan_families; none of one that cannot serve */
	bool refused; /* by the kernel, in part: no session has it, and no rule of nftables is for
			 it */
};

/* Where our routing rules have to be, to be asked before those of others (rules.c). */
struct plan_rules_of {
	const struct facts *facts;
	const struct ctx_slot *slots;
	size_t n_slots; /* 0: of any */
};
struct plan_priorities {
	uint32_t lookup, stop;
};
struct plan_priorities plan_priorities(const struct plan_rules_of *of, uint8_t family);

/* What one call of plan_host() works with. */
struct plan_ctx {
	const struct facts *facts;
	const struct session *sessions;
	size_t n_sessions;
	struct pool pool;
	bool ip6;                                 /* the host has IPv6 */
	bool publishes;                           /* one of the sessions does (publish.c) */
	struct ctx_slot slots[PLAN_SLOT_MAX + 1]; /* ascending */
	size_t n_slots;
	struct plan_priorities priorities[2]; /* of plan_families */
	struct object_set *set;
};

struct fw_chain;

/* Whose the objects are that are added from now on (model/owner.h); of NULL: of all sessions. */
static inline void plan_for_slot(const struct plan_ctx *x, const struct ctx_slot *slot)
{
	x->set->owner = (struct object_owner){ .slot = slot ? (uint8_t)slot->id.slot : 0 };
}

static inline void plan_for_session(const struct plan_ctx *x, const struct session *s)
{
	x->set->owner = (struct object_owner){ .session = s ? s->id : 0 };
}

extern const uint8_t plan_families[2]; /* AF_INET, AF_INET6 */

bool plan_host_has_ip6(const struct facts *f);
struct object plan_object(enum object_kind kind, enum place place);
struct mac plan_session_mac(const struct session *s);

/* The slot of an uplink, or the lowest free one; -EUSERS when there is none. */
int plan_find_slot(const struct facts *f, const char *uplink, uint32_t *ret, struct err *err);

/* Whether forwarding from the uplink is on for our sake alone, so that it must be fenced. */
bool plan_fenced(const struct facts *facts, const char *uplink, uint8_t family);

/*
 * Whether IPv6 forwarding is on everywhere for our sake alone: on kernels without
 * force_forwarding there is no other way.
 */
bool plan_forwards_all_ip6(const struct facts *facts);

/*
 * Matches a mark with its device, by which a packet leaves or (in) has come: the very same device,
 * under the name of the last observation. Number and name are both matched, so nothing passes
 * between a rename and the next observation, and a daemon that starts anew finds in that set what
 * it missed.
 */
void plan_lookup_uplink(struct nft_rule *r, bool in);

/*
 * Slots in use, and those of listed uplinks that once were, with their routes. Where memory ends,
 * the set has failed. To be given to plan_slots_done().
 */
void plan_slots(struct plan_ctx *x);
void plan_slots_done(struct plan_ctx *x);

/*
 * Adds the gateways of the routes of an uplink, all of one family, to its table as hosts on the
 * link, where the kernel would not take those routes without; not one inside the pool (gateways.c).
 */
void plan_gateways(const struct plan_ctx *x, const struct ctx_slot *slot, const struct prefix *pool,
		   const struct out_routes *routes);

/*
 * Whether a gateway is an address of the host, of whatever device: in IPv6 the kernel takes no
 * route by it (net/ipv6/route.c:ip6_validate_gw). One that it took before stays, which
 * plan_has_route() tells: whether the host has that route of ours, by that gateway. Where the other
 * card gets such an address, as by somebody's DHCPv6, a table that is new goes without the route.
 */
bool plan_is_gateway_of_host(const struct facts *f, const struct ip *gateway);
bool plan_has_route(const struct facts *f, const struct object *route);

/*
 * Adds the chains that mark packets and connections, and what the host says about those (marks.c).
 * plan_restore_jump() adds a rule that asks for what r asks and then gives the packet, and its
 * connection, the mark of the uplink that the connection belongs to, whatever others have made of
 * it.
 */
void plan_marks(const struct plan_ctx *x);
void plan_reroute(const struct plan_ctx *x);
void plan_restore_jump(struct fw_chain *c, struct nft_rule r);

/* Adds the table arp, where another card would answer for the uplink's address (arp.c). */
void plan_arp_table(const struct plan_ctx *x);

/* Adds the tables of nftables, and what a session has in them (firewall.c). */
void plan_firewall(const struct plan_ctx *x);
void plan_firewall_session(const struct plan_ctx *x, const struct session *s);

/*
 * Adds what holds a session to its share of connection tracking (limits.c): the whole, and a
 * session's own; the marks of entries, into the chain that sets marks; and the rule for the first
 * packet of a connection.
 */
struct fw_chain;
void plan_limits(const struct plan_ctx *x);
void plan_limits_session(const struct plan_ctx *x, const struct session *s);
void plan_limits_marks(struct fw_chain *marks);
void plan_limits_first(struct fw_chain *c); /* the rule that asks for the share */

/*
 * What keeps sessions off the host's ports (masquerade.c): rules for the sockets chain, for the
 * start of from_session and of answers, and the chain that masquerades.
 */
void plan_host_sockets(const struct plan_ctx *x, struct fw_chain *sockets);
void plan_protocols(const struct plan_ctx *x, struct fw_chain *from_session);
void plan_own_ports(struct fw_chain *answers);
void plan_pass_common(struct fw_chain *answers);
void plan_late_resets(const struct plan_ctx *x, struct fw_chain *answers);
void plan_masquerade(const struct plan_ctx *x);

/*
 * What the host answers to late packets for sessions that have ended (late.c): into the chain that
 * routes again; an address that sessions of a slot leave with; the resets among them, from these
 * ports.
 */
void plan_late(const struct plan_ctx *x, struct fw_chain *reroute);
void plan_late_source(const struct plan_ctx *x, const struct ctx_slot *slot,
		      const struct ip *source);
struct nft_rule plan_late_reset(const struct port_range *ports);

/*
 * Connections that do not get past the rules of others (pending.c): the whole; the rule for where
 * they come from, and the one for where they arrive.
 */
void plan_pending(const struct plan_ctx *x);
void plan_pending_noted(struct fw_chain *marks);
void plan_pending_arrived(struct fw_chain *c);

/*
 * What holds sessions to their rates (rates.c), nothing where none has one: rules for the bridge's
 * prerouting, and its postrouting; a session's own, and its inside.
 */
void plan_rates(const struct plan_ctx *x, struct fw_chain *prerouting);
void plan_rates_session(const struct plan_ctx *x, const struct session *s, const char *port);
void plan_rates_inside(const struct facts *f, const struct session *s, struct object_set *set);

/* Limits fragments at the ports, and makes room for what passes (fragments.c). */
void plan_fragments(const struct plan_ctx *x, struct fw_chain *prerouting);
void plan_fragment_memory(const struct plan_ctx *x);

/* A sysctl of the host, of a device or of all: only when it differs, with the value to go back to.
 */
void plan_host_sysctl(const struct plan_ctx *x, const char *path, const char *value,
		      const struct fact_link *of);

/* Adds the redirection of name servers (dns.c): the whole, a session's own, and its inside. */
void plan_dns(const struct plan_ctx *x);
void plan_dns_session(const struct plan_ctx *x, const struct session *s);
void plan_dns_inside(const struct pool *pool, struct object_set *set);
/* lan.c: a session that opens a login page reaches nothing on the LAN but the gateway. */
void plan_portal_inside(const struct facts *f, const struct session *s, const struct pool *pool,
			struct object_set *set);
/* The same in a netns of others, where a session's device has that name. */
void plan_dns_attached(const struct pool *pool, const char *dev, bool ip6, struct object_set *set);

/*
 * Name servers with a link-local address of IPv6 (link_servers.c). The addresses by which the
 * servers of a slot's uplink are asked, of one family, in their order: a link-local one by its
 * alias; one that cannot be asked (plan_server_problem()) is left out. Returns how many.
 */
size_t plan_slot_servers(const struct plan_ctx *x, const struct ctx_slot *slot, uint8_t family,
			 struct ip ret[DNS_SERVERS_MAX]);
/* The routes to the aliases of a slot: their destinations, and the servers as gateways. */
struct link_route {
	struct prefix alias;
	struct ip server;
};
size_t plan_link_routes(const struct plan_ctx *x, const struct ctx_slot *slot,
			struct link_route ret[DNS_SERVERS_MAX]);
/*
 * Rules, only while a slot has such a server: the chains that replace addresses, and what comes
 * into from_session, postrouting and answers.
 */
void plan_link_servers(const struct plan_ctx *x);
void plan_link_forward(const struct plan_ctx *x, struct fw_chain *from_session);
void plan_link_masquerade(const struct plan_ctx *x, struct fw_chain *postrouting,
			  const struct port_range *ports);
void plan_link_answers(const struct plan_ctx *x, struct fw_chain *answers);

/*
 * What a session with SESSION_NO_LAN may not reach (lan.c): the chains with what they look up, and
 * the jump to them out of a chain of the forward hook.
 */
void plan_lan(const struct plan_ctx *x);
void plan_lan_jump(struct fw_chain *c, uint8_t family);

/*
 * Adds a rule that leads a mark (0: any) to a table, or with none stops: behind the tables with an
 * error, at a fence in silence.
 */
void plan_routing_rule(const struct plan_ctx *x, uint8_t family, uint32_t priority, uint32_t mark,
		       const char *iif, uint32_t table);

/*
 * What a slot needs besides when its uplink is in a VRF (vrf.c): the VRF, NULL when it is in none;
 * rules before the kernel's own; an accept in the chain of what comes back.
 */
const struct fact_link *plan_vrf(const struct plan_ctx *x, const struct ctx_slot *slot);
void plan_vrf_rules(const struct plan_ctx *x, const struct ctx_slot *slot);
void plan_vrf_accepts(const struct plan_ctx *x, struct fw_chain *to_session);

/*
 * Groups of sessions (share.c), nothing where no session shares: rules for the bridge's prerouting,
 * and the groups' chains and sets; a session's elements, and its route; rules for the start of zone
 * and of from_session; the routing table of packets between members, and a chain against redirects.
 */
void plan_share_bridge(const struct plan_ctx *x, struct fw_chain *prerouting);
void plan_share_session(const struct plan_ctx *x, const struct session *s);
void plan_share_zone(const struct plan_ctx *x, struct fw_chain *zone);
void plan_share_forward(const struct plan_ctx *x, struct fw_chain *from_session);
void plan_share_routes(const struct plan_ctx *x);
/* Inside a session with a group: the routes to members, of one family; what refuses questions. */
void plan_share_inside(const struct pool *pool, const struct session *s, uint8_t family,
		       struct object_set *set);
void plan_share_questions(struct object_set *set);

/*
 * Published ports (publish.c), nothing where no session publishes: chains and sets; rules for the
 * end of marks_again, of to_session and of what from_session lets pass; a session's elements.
 */
void plan_publish(const struct plan_ctx *x);
void plan_publish_marks(const struct plan_ctx *x, struct fw_chain *c);
void plan_publish_to(const struct plan_ctx *x, struct fw_chain *to_session);
void plan_publish_from(const struct plan_ctx *x, struct fw_chain *from_session);
void plan_publish_session(const struct plan_ctx *x, const struct session *s);

/* Adds the accepts in other firewalls' chains (foreign.c). */
void plan_foreign(const struct plan_ctx *x);

static inline const char *per_family(uint8_t family, const char *ip4, const char *ip6)
{
	return family == AF_INET ? ip4 : ip6;
}

#endif
