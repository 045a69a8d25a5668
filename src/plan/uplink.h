/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_PLAN_UPLINK_H
#define VIA_PLAN_UPLINK_H

#include "base/err.h"
#include "base/nearest.h"
#include "model/facts.h"
#include "model/request.h"
#include "model/session.h"

/* Why an interface cannot serve, in the order in which it is asked. */
enum uplink_problem {
	UPLINK_USABLE,
	UPLINK_MISSING,
	UPLINK_OURS,
	UPLINK_LOOPBACK,
	UPLINK_VRF,
	UPLINK_DOWN,
	UPLINK_NO_CARRIER,
	UPLINK_NO_ADDRESS,
	UPLINK_NO_GATEWAY,
	UPLINK_PORTAL, /* of uplink_serves() alone: its packets would leave, to a login page */
	UPLINK_PROBLEM_COUNT,
};

/* One family's way out of an interface. */
struct way_out {
	bool usable;
	struct ip address; /* that it sends from, as the host would */
	struct ip source;  /* the same, where masquerading would take another; else none */
	bool deprecated;   /* the address is, and so are all others */
	struct ip gateway; /* none on a point-to-point device */
	bool onlink;
	struct ip silent; /* that comes before it, or is it, and does not answer; or none */
	bool leased;      /* the gateway is in no route, and in fact_dns alone */
};

/*
 * "gateway 192.168.2.1 does not answer ARP; 192.168.2.2 is used"; false when there is nothing to
 * say.
 */
#define SILENT_TEXT_MAX (2 * IP_TEXT_MAX + 64)
bool way_silent_text(const struct way_out *w, char ret[SILENT_TEXT_MAX]);

struct uplink {
	enum uplink_problem problem;
	const struct fact_link *link; /* NULL when missing; borrowed from the facts */
	struct way_out ip4, ip6;
	bool portal; /* a login page answers in place of the internet */
};

/*
 * What the facts say of an interface. Usable means: up, with carrier, and in one family at least
 * an address and a gateway: that of the default route that the host would use (routes.h),
 * or where there is none, the one in fact_dns. A point-to-point device needs none.
 */
struct uplink uplink_lookup(const struct facts *facts, const char *name);

/*
 * The same for sessions of those flags: the problem of uplink_lookup(), or UPLINK_PORTAL where
 * there is none and a login page answers, so that nothing else is reached; but not for the session
 * that opens it (SESSION_PORTAL).
 */
enum uplink_problem uplink_serves(const struct facts *f, const char *name, uint32_t flags);

/*
 * Whether masquerading out of a device, for a next hop (none: not known), takes that source
 * address: of IPv4 the first primary one in the next hop's subnet, or the first
 * (net/ipv4/devinet.c: inet_select_addr); of IPv6 any that is not deprecated may be it, which is
 * not asked further.
 */
bool uplink_masquerades_as(const struct facts *f, int index, const struct ip *next_hop,
			   const struct ip *source);

/* Half a sentence on the problem. */
const char *uplink_problem_text(enum uplink_problem problem);
/* What is to be done for UPLINK_PORTAL; a format for the uplink's name, as a shell reads it. */
#define UPLINK_PORTAL_HINT "log in by `via-iface portal %s`"

/* The same on a word of a list that means no interface now. */
const char *uplink_missing_text(const struct uplink_list *l, size_t word);

/* What there is in its place, as a hint (base/err.h): the name that was meant, or what is here. */
int uplink_missing_hint(const struct facts *f, const struct uplink_list *l, size_t word,
			struct err *err);

/* "ssid:NAME" as a word of a list that is typed into a shell: whoever has a network names it. */
struct strbuf;
void uplink_add_ssid(struct strbuf *sb, const char *ssid);

/* Offers what interfaces may be called in a list, as what a mistyped word may mean. */
void uplink_offer_names(const struct facts *f, struct nearest *n);

/* Whether the host has an interface that a word of a list names, or that meets its condition. */
bool uplink_is_here(const struct facts *f, const struct uplink_list *list, size_t i);

/*
 * Steps through the interfaces that one word means, whatever the others do: *next starts as 0. An
 * interface of that name is meant alone.
 */
const struct fact_link *uplink_of_word(const struct facts *f, const struct uplink_list *list,
				       size_t i, size_t *next);

/*
 * Steps through the interfaces that a list means, in the order of preference: those of one word in
 * the order of their numbers, none twice. Start with { .facts, .list }.
 */
struct uplink_walk {
	const struct facts *facts;
	const struct uplink_list *list;
	size_t word; /* of the interface that was returned last */
	size_t next;
	bool begun;
	const struct fact_list *found; /* by uplinks_resolve() */
};
const struct fact_link *uplink_walk(struct uplink_walk *walk);

/*
 * Finds once what a list means on the host of these facts (fact_lists), for all sessions that have
 * it; _all those of the sessions. Walking it then costs its interfaces alone. The facts of links do
 * not change afterwards, but for ports of ours that come and go. Returns 0 or -ENOMEM.
 */
int uplinks_resolve(struct facts *f, const struct uplink_list *list);
int uplinks_resolve_all(struct facts *facts);

/* What was found for a list; NULL when it was not looked for. */
const struct fact_list *uplinks_found(const struct facts *f, const struct uplink_list *list);

/* Whether some list that was found has that word. */
bool uplinks_name(const struct facts *facts, const char *word);

/* Whether some list that was found has a condition that this interface meets. */
bool uplinks_would_mean(const struct facts *facts, const struct fact_link *link);

/* Whether a list means that interface. */
bool uplink_listed(const struct facts *facts, const struct uplink_list *list, const char *name);

/*
 * The first usable one of a list for a session of those flags; one that the kernel refused
 * (fact_refused) only where there is no other. Returns 0 with its name in ret, or -ENETUNREACH with
 * a line in err, unless that is NULL, that names each and its problem.
 */
int uplink_choose(const struct facts *facts, const struct uplink_list *list, uint32_t flags,
		  char ret[IFNAMSIZ], struct err *err);

/* What is wrong with each interface of a list: "'wlp6s0': it has no carrier, 'usb0': …". */
struct strbuf;
void uplink_explain(const struct facts *f, const struct uplink_list *list, struct strbuf *ret);

/*
 * Whether waiting can make one of a list usable: false when each means an interface of ours, a
 * loopback or a VRF.
 */
bool uplink_may_come(const struct facts *f, const struct uplink_list *list);

#endif
