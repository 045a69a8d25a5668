/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/host_events.h"

#include <linux/rtnetlink.h>

#include "base/cleanup.h"
#include "base/util.h"

#define COALESCE_MS   20
#define OBSERVE_SHARE 4 /* observing takes at most one part in so many of the time */

int host_events_open(struct host_events *h, struct err *err)
{
	static const unsigned int groups[] = {
		RTNLGRP_LINK,       RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR, RTNLGRP_IPV4_ROUTE,
		RTNLGRP_IPV6_ROUTE, RTNLGRP_IPV4_RULE,   RTNLGRP_IPV6_RULE,
	};
	int r = nl_open(&h->socket, NETLINK_ROUTE, err);

	for (size_t i = 0; i < ARRAY_SIZE(groups) && r == 0; i++)
		r = nl_join(&h->socket, groups[i], err);
	h->at = 0;
	h->rest_until = 0;
	return r;
}

void host_events_close(struct host_events *h)
{
	nl_close(&h->socket);
}

void host_events_note(struct host_events *h)
{
	const int64_t at = clock_ms() + COALESCE_MS;

	if (h->at == INT64_MAX)
		h->at = at > h->rest_until ? at : h->rest_until;
}

void host_events_take(struct host_events *h)
{
	nl_drain(&h->socket);
	host_events_note(h);
}

void host_events_observed(struct host_events *h, int64_t start)
{
	const int64_t end = clock_ms();

	h->rest_until = end + (end - start) * (OBSERVE_SHARE - 1);
	h->at = INT64_MAX;
}
