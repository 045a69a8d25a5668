/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_SETTLE_H
#define VIA_NET_SETTLE_H

#include "model/session.h"
#include "model/set.h"
#include "net/kernel.h"

/*
 * A new session's first packet needs a route, and so does the answer to it: the kernel activates a
 * device some time after its carrier appears (net/core/link_watch.c), and adds the local route of
 * an IPv6 address from a work queue, even without duplicate address detection
 * (net/ipv6/addrconf.c:addrconf_dad_work). Normally that takes well under a millisecond; the owner
 * of a netns that we only attach to can delay it without limit. So nothing here waits: the state is
 * read again when settle_fd() is readable, or when links of the host have changed.
 */
struct settle {
	struct nl_sock inside, events; /* in the session's netns */
	char device[IFNAMSIZ], port[IFNAMSIZ];
	bool device_up, port_up, bridge_up;
	struct ip addresses[2]; /* of IPv6, that are not the session's own yet */
	size_t n_addresses;
	int64_t end; /* clock_ms(): it is over then, whatever is missing */
};

/*
 * Begins for a session that was just made, of the objects inside its netns. Takes the kernel's
 * sockets in it over, until settle_end(). To be called in the host's netns, as settle_over() is.
 */
void settle_begin(struct settle *ret, struct kernel *k, const struct session *s,
		  const struct object_set *inside, int timeout_ms);

/*
 * For a netns that was made earlier: settle_return() gives the sockets back to the kernel, and
 * settle_again() goes on, once it is somebody's, from where `was` had come to.
 */
void settle_return(struct settle *t, struct kernel *k);
void settle_again(struct settle *ret, struct kernel *k, const struct settle *was, int timeout_ms);

/*
 * Reads the state again: inside when settle_fd() is readable, outside when links of the host have
 * changed, since each question takes the kernel's rtnl lock. True when packets pass, or the time is
 * over.
 */
bool settle_over(struct settle *t, struct kernel *k, bool links);

int settle_fd(const struct settle *t);

/* Closes the sockets: they would keep the netns alive. Fine for one that was zeroed. */
void settle_end(struct settle *t);

#endif
