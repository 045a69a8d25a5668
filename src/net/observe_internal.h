/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_OBSERVE_INTERNAL_H
#define VIA_NET_OBSERVE_INTERNAL_H

#include "net/kernel.h"
#include "net/nft_codec.h"
#include "net/rtnl.h"

/* Shared by the files of observe() alone. */

/* A dump under way: where it started, to forget what it brought when it must be made again. */
struct observation {
	struct kernel *k;
	unsigned int what; /* enum observe_what */
	struct facts *const f;
	struct nft_decoder nft;
	struct fact_chain *chain; /* whose rules are read */
	size_t *count;            /* of the array it fills, besides the objects */
	size_t count_before, ours_before;
	struct {
		struct rtnl_nexthop *v;
		size_t n, size;
	} nexthops;
};

/*
 * Sends a dump request and gives each message to the handler, with the observation as its argument.
 * A dump that the kernel interrupts starts again, and what it brought is forgotten: in the array
 * whose length is *count (NULL: none) and in the objects. what: of the error's text, "links".
 */
int observe_dump(struct observation *obs, struct nl_sock *sock, struct nl_msg *m, size_t *count,
		 nl_handler handler, const char *what, struct err *err);

/* An object of the host, empty but for its kind. */
static inline struct object observed_object(enum object_kind kind)
{
	return (struct object){ .kind = kind, .place = PLACE_HOST };
}

/* Parts of observe(), in the order in which they need each other. */
int observe_links(struct observation *obs, bool counters, struct err *err);
int observe_routing(struct observation *obs, struct err *err);
int observe_bridge(struct observation *obs, struct err *err);
int observe_firewalls(struct observation *obs, struct err *err);
/* Of the ports of sessions with a rate; sessions are known before. */
int observe_qdiscs(struct observation *obs, struct err *err);
/* Those that sessions may need changed, for the links, addresses and slots that are known. */
int observe_sysctls(struct observation *obs, struct err *err);
/* Those of them that we have set become objects. */
void observe_own_sysctls(struct facts *f);

#endif
