/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_PLAN_H
#define VIA_PLAN_PLAN_H

#include "base/err.h"
#include "model/attached.h"
#include "model/own.h"
#include "model/request.h"
#include "plan/rest.h"

/*
 * Planning: facts and requests become wanted objects. No sockets, files, clock or globals; `via-
 * iface plan` and the daemon call the same functions.
 */

/* Mark: tag in the top byte, slot in the low byte, the two middle bytes belong to others. */
#define PLAN_MARK_TAG      OWN_MARK_TAG
#define PLAN_MARK_TAG_MASK OWN_MARK_TAG_MASK
#define PLAN_MARK_MASK     0xff0000ffu
#define PLAN_SLOT_MAX      (OWN_SLOT_MAX - 1)
#define PLAN_SLOT_SHARE    OWN_SLOT_MAX /* no uplink's: between sessions of one group (share.c) */

/* The mark of the packets of sessions on a slot. */
uint32_t plan_mark(uint32_t slot);

/* Table, and conntrack zone, of a slot. */
#define PLAN_TABLE_BASE OWN_TABLE_BASE

/* Before Tailscale's 5210; or before the first rule of others that would take our packets. */
#define PLAN_RULE_LOOKUP 5180
#define PLAN_RULE_STOP   5181
#define PLAN_RULE_FENCE  OWN_RULE_FENCE

/* A device with less has no IPv6 (RFC 8200, section 5; net/ipv6/addrconf.c). */
#define IP6_MTU_MIN 1280u

#define PLAN_POOL_LEN 22

struct pool {
	struct prefix ip4; /* its ip is the first address, without host bits */
	struct prefix ip6; /* a /64 of own_pool6; or a ULA one (RFC 4193) */
};

/*
 * The pool in use, or the first free one. Returns -EADDRNOTAVAIL naming the address or route
 * that takes the last of them.
 */
int plan_pool(const struct facts *facts, struct pool *ret, struct err *err);

/* What address or route of the host overlaps a pool, as text; false when nothing does. */
#define PLAN_TAKEN_MAX (IP_TEXT_MAX + 32)
bool plan_pool_taken(const struct facts *facts, const struct pool *pool, char ret[PLAN_TAKEN_MAX]);

/* The host's addresses on the bridge, and a session's. */
struct ip plan_gateway(const struct pool *pool, uint8_t family);
struct ip plan_address(const struct pool *pool, const struct session *s, uint8_t family);

/*
 * The fixed addresses that a session asks for names, in their order: what its resolv.conf(5) says.
 * The host sends each question on to the current servers of the uplink. They stand for the first
 * three servers of the uplink, or of --dns, in the order of these; where there are fewer, others
 * follow that may get a server later. One without a server is refused, and the kernel says so a few
 * times a second only (icmp_ratelimit). A session with a list of uplinks has addresses of both
 * families. Returns how many.
 */
size_t plan_name_servers(const struct facts *facts, const struct session *s,
			 const struct pool *pool, struct ip ret[SESSION_DNS_MAX]);

/*
 * Whether name servers are known for an uplink: a session that resolves no name helps nobody, and
 * one that asks the wrong servers is worse. 0, or -ENOENT with a line that says what to do.
 */
int plan_check_names(const struct facts *facts, const char *uplink, struct err *err);

/*
 * The options of its resolv.conf(5), with blanks between: those that were said for the uplink; else
 * those of the host, where all of the host's servers are the uplink's. With --dns none. Borrowed
 * from the facts.
 */
const char *plan_name_options(const struct facts *facts, const struct session *s);

/*
 * Why sessions cannot ask a name server of an uplink, as half a sentence; NULL: they can. The
 * server's is a link-local address of that link, if it is one.
 */
const char *plan_server_problem(const struct facts *facts, const struct fact_link *link,
				const struct ip *server);

/*
 * Whether --no-lan refuses an address as a destination through the uplink of that name: it is
 * private, local or multicast, has such an IPv4 address inside, or lies on one of the uplink's own
 * networks (via-iface(1), PRIVATE AND LOCAL DESTINATIONS).
 */
bool plan_is_lan(const struct facts *facts, const char *uplink, const struct ip *ip);

/*
 * The ports that sessions are masqueraded to: outside of what the host hands out and reserves, with
 * no socket of its own in it where that can be had.
 */
enum ports_state {
	PORTS_FREE,
	PORTS_FEW,    /* too few for many flows to one server */
	PORTS_SHARED, /* the host hands out all ports, these too */
};
enum ports_state plan_masquerade_ports(const struct facts *facts, struct port_range *ret);

/* Whether a session has IPv6. */
bool plan_has_ip6(const struct facts *facts, const struct session *s);

/* What the daemon remembers between launches; zeroed, the lowest free numbers are taken. */
struct admit_memory {
	uint32_t next_id;   /* try this one first; 0: 1 */
	uint32_t next_host; /* round-robin; 0: SESSION_HOST_FIRST */
	struct rest rest;   /* of addresses */
	int64_t now;        /* clock_ms(), for rest */
	/* of the session that is made next, as struct session has them */
	uint32_t person, connections;
	struct rate_limits rates;    /* where the request has none */
	const struct session *spare; /* what it is made of where that does; or NULL */
};

/*
 * Makes a session out of a checked request, or says why not: a foreign bridge, no usable uplink,
 * no free pool, address or slot. netns and since are the caller's to fill in, uid is recorded. Of a
 * spare with the same MTU and families the session has number, address and netns; else its netns
 * is 0.
 */
int plan_admit(const struct facts *facts, const struct request *request, uint32_t uid,
	       const struct admit_memory *memory, struct session *ret, struct err *err);

/*
 * Gives a spare (SESSION_SPARE), whose mtu and flags are the caller's, a number, an address, and a
 * list of uplinks that names none. Returns 0, or -EADDRNOTAVAIL.
 */
int plan_admit_spare(const struct facts *facts, const struct admit_memory *memory,
		     struct session *s);

/*
 * All objects on the host that the sessions want, sorted into ret; nothing for no session.
 * Slots of uplinks that the facts do not know yet are the sessions' own. On failure ret is empty.
 */
int plan_host(const struct facts *facts, const struct session *sessions, size_t n,
	      struct object_set *ret, struct err *err);

/* Whether two sessions share chains of limits: they have the same person, limit and rates. */
bool plan_limits_alike(const struct session *a, const struct session *b);

/*
 * Groups (--share). Whether packets pass between a session and its group: it has one, and is not
 * paused.
 */
bool plan_shares(const struct session *s);

/*
 * Whether the request's group has room, of SHARE_MEMBERS_MAX sessions; -EUSERS. A group is that of
 * the session's uid alone.
 */
int plan_share_admit(const struct facts *facts, const struct request *request, uint32_t uid,
		     struct err *err);

/*
 * What the sessions of a group find in hosts(5): for each member one record of SHARE_RECORD bytes,
 * its lines "ADDRESS NAME.via", filled up with empty lines. It stays where it is while its session
 * lives, so that a reader who reads while the file is written misses no name of another session.
 * block is that of before, or zeroed; `of` is a session of the group. A paused member is in it; of
 * several of one name (older ones are closing) the youngest is.
 */
#define SHARE_MEMBERS_MAX 64
#define SHARE_RECORD      128
#define SHARE_BLOCK       ((size_t)SHARE_MEMBERS_MAX * SHARE_RECORD)
void plan_share_names(const struct facts *facts, const struct pool *pool, const struct session *of,
		      char block[SHARE_BLOCK]);

/* Whether a session publishes ports (--publish); whether another one publishes one of them. */
bool plan_publishes(const struct session *s);
bool plan_publish_meets(const struct session *a, const struct session *b);

/* Whether an object is an element by which a packet comes to a published port. */
bool plan_is_published(const struct object *o);

/*
 * Whether a session with that list may publish these ports: -EADDRINUSE when another one, of whose
 * uplinks one is in the list, publishes one of them; -EOPNOTSUPP where the kernel cannot tell
 * which packets are for a socket of the host, or an uplink is in a VRF. Whether the host listens
 * there is not asked.
 */
struct publish_claim {
	const struct publish_list *published;
	const struct uplink_list *uplinks;
	uint32_t uid; /* whose session it is, or is to be */
	uint32_t id;  /* of a session that has them already; or 0 */
	bool again;   /* those of that uid do not count (SESSION_PORTS_AGAIN) */
};
int plan_publish_free(const struct facts *facts, const struct publish_claim *claim,
		      struct err *err);

/*
 * The part of plan_host() that is one session's own. Where another session has the same slot,
 * another one is alike (plan_limits_alike()), another one is in its group, if it shares
 * (plan_shares()), and another one publishes ports, if it does (plan_publishes()), plan_host() of
 * all of them is plan_host() of the others and this: a launch beside others and an end need no
 * more.
 */
int plan_session(const struct facts *facts, const struct session *s, struct object_set *ret,
		 struct err *err);

/*
 * The objects inside one session's netns, the netns itself included. In one that was there before
 * (SESSION_ATTACHED): its device, and what belongs to that.
 */
int plan_inside(const struct facts *facts, const struct session *s, struct object_set *ret,
		struct err *err);

/*
 * What an attached session has inside besides, for what that netns has itself: so that nothing
 * leaves by its own default route, or through another gateway, while it is attached; unless
 * SESSION_FALLBACK is set. -EEXIST where it has a default route and SESSION_REPLACE_ROUTE is not
 * set, and where it has a route that ours cannot be put before.
 */
int plan_attached(const struct facts *facts, const struct session *s, const struct attached *own,
		  struct object_set *ret, struct err *err);

#endif
