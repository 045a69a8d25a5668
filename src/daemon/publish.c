/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A port at which the host listens is not published: its programs would keep it all the same
 * (plan/publish.c), and the session would wait in vain.
 */
#include <errno.h>
#include <string.h>

#include "daemon/host_internal.h"
#include "net/ports.h"
#include "plan/uplink.h"

struct search {
	const struct facts *facts;
	const struct publish_list *published;
	const struct uplink_list *uplinks;
	const struct publish *found; /* the first that the host has */
	struct port_socket by;
};

static bool any_address(const struct ip *ip)
{
	const struct ip any = { .family = ip->family };

	return ip_equal(ip, &any);
}

/* Whether a packet to that address, which came in by that device, is for the socket. */
static bool receives(const struct port_socket *s, const struct ip *address, int index)
{
	if (s->index && s->index != index)
		return false;
	if (any_address(&s->address))
		return s->both || s->address.family == address->family;
	return ip_equal(&s->address, address);
}

/* Whether one of the listed devices has such an address, and the entry is for that. */
static bool meets(const struct search *x, const struct publish *p, const struct port_socket *s)
{
	struct uplink_walk walk = { .facts = x->facts, .list = x->uplinks };
	const struct fact_link *l;

	if (p->udp != s->udp || s->port < p->first || s->port > p->last)
		return false;
	if (any_address(&s->address) && !s->index) /* also of one that is yet to come */
		return !ip_is_set(&p->address) || receives(s, &p->address, 0);
	while ((l = uplink_walk(&walk))) {
		const struct fact_addr *a = NULL;

		while ((a = facts_next_addr(x->facts, l->index, a)))
			if ((!ip_is_set(&p->address) || ip_equal(&p->address, &a->prefix.ip)) &&
			    receives(s, &a->prefix.ip, l->index))
				return true;
	}
	return false;
}

static void compare(const struct port_socket *s, void *arg)
{
	struct search *x = arg;

	for (unsigned int i = 0; !x->found && i < publish_count(x->published); i++) {
		if (!meets(x, &x->published->v[i], s))
			continue;
		x->found = &x->published->v[i];
		x->by = *s;
	}
}

int host_check_published(const struct host_state *h, const struct session *s, struct err *err)
{
	struct search x = { .facts = &h->facts,
			    .published = &s->published,
			    .uplinks = &s->uplinks };
	char text[PUBLISH_TEXT_MAX], ip[IP_TEXT_MAX];
	int r;

	if (!plan_publishes(s))
		return 0;
	r = ports_each_socket(compare, &x, err);
	if (r < 0)
		return err_wrap(err, "publish port %s: ask for the host's sockets",
				publish_format(&s->published.v[0], text));
	if (!x.found)
		return 0;
	err_set(err, EADDRINUSE, "publish port %s: a program of this host has %s port %u of %s",
		publish_format(x.found, text), x.by.udp ? "UDP" : "TCP", (unsigned int)x.by.port,
		any_address(&x.by.address) ? "all addresses" : ip_format(&x.by.address, ip));
	return err_hint(err,
			"choose another port, or end that program: `sudo ss -%slnp sport = :%u`",
			x.by.udp ? "u" : "t", (unsigned int)x.by.port);
}
