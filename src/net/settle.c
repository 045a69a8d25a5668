/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "net/settle.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <string.h>

#include "base/util.h"
#include "net/rtnl.h"

#define OPER_UP 6 /* RFC 2863; linux/if.h:IF_OPER_UP */

/*
 * At most so many are read at once: the owner of the netns may cause events faster than they can be
 * read.
 */
#define EVENTS_MAX 32

static int take_operstate(const struct nlmsghdr *nlh, void *arg)
{
	struct rtnl_link l;
	int r = rtnl_decode_link(nlh, &l);

	if (r > 0)
		*(uint8_t *)arg = l.operstate;
	return r < 0 ? r : 0;
}

/*
 * RTM_GETLINK does the pending work itself since 6.9 (linkwatch_sync_dev()); older kernels announce
 * the change. A device whose state cannot be read is not waited for.
 */
static bool is_up(struct nl_sock *sock, const char *dev)
{
	uint8_t operstate = OPER_UP;
	struct nl_msg m;

	rtnl_get_link(&m, dev);
	return nl_get(sock, &m, take_operstate, &operstate, NULL) < 0 || operstate == OPER_UP;
}

static void take_address(struct settle *t, const struct ip *ip)
{
	for (size_t i = t->n_addresses; i-- > 0;)
		if (ip_equal(&t->addresses[i], ip))
			t->addresses[i] = t->addresses[--t->n_addresses];
}

static void take_message(struct settle *t, const char *buf, ssize_t len)
{
	const struct nlmsghdr *nlh = (const struct nlmsghdr *)buf;
	int left = (int)len;
	struct fact_addr a;

	for (; nl_msg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
		if (nlh->nlmsg_type == RTM_NEWADDR && rtnl_decode_addr(nlh, &a) > 0)
			take_address(t, &a.prefix.ip);
}

/* Returns whether there was any. */
static bool take_events(struct settle *t)
{
	bool any = false;

	char buf[8192] __attribute__((aligned(8)));

	for (int i = 0; i < EVENTS_MAX; i++) {
		ssize_t len = nl_recv(&t->events, buf, sizeof(buf), MSG_DONTWAIT);

		if (len < 0 && errno == ENOBUFS)
			t->n_addresses = 0; /* lost among others; it will be there */
		else if (len <= 0)
			break;
		else
			take_message(t, buf, len);
		any = true;
	}
	return any;
}

static void check_inside(struct settle *t)
{
	t->device_up = t->device_up || is_up(&t->inside, t->device);
}

static void check_outside(struct settle *t, struct kernel *k)
{
	t->port_up = t->port_up || is_up(&k->route, t->port);
	t->bridge_up = t->bridge_up || is_up(&k->route, BRIDGE_NAME);
}

void settle_begin(struct settle *ret, struct kernel *k, const struct session *s,
		  const struct object_set *inside, int timeout_ms)
{
	struct settle t = { .inside = k->session_route,
			    .events = k->session_events,
			    .end = clock_ms() + timeout_ms };

	k->session_route = k->session_events = (struct nl_sock){ 0 };
	session_port(s->id, t.port);
	memcpy(t.device, session_device(s), strlen(session_device(s)) + 1);
	for (size_t i = 0; i < inside->n; i++) {
		const struct object *o = &inside->v[i];

		if (o->kind == OBJ_ADDRESS && o->address.prefix.ip.family == AF_INET6 &&
		    t.n_addresses < sizeof(t.addresses) / sizeof(t.addresses[0]))
			t.addresses[t.n_addresses++] = o->address.prefix.ip;
	}
	check_inside(&t);
	if (!t.device_up) { /* listen first, then ask once more */
		t.device_up = nl_join(&t.events, RTNLGRP_LINK, NULL) < 0;
		check_inside(&t);
	}
	check_outside(&t, k);
	*ret = t;
}

void settle_return(struct settle *t, struct kernel *k)
{
	k->session_route = t->inside;
	k->session_events = t->events;
	t->inside = t->events = (struct nl_sock){ 0 };
}

void settle_again(struct settle *ret, struct kernel *k, const struct settle *was, int timeout_ms)
{
	*ret = *was;
	ret->inside = k->session_route;
	ret->events = k->session_events;
	ret->end = clock_ms() + timeout_ms;
	k->session_route = k->session_events = (struct nl_sock){ 0 };
}

bool settle_over(struct settle *t, struct kernel *k, bool links)
{
	if (take_events(t))
		check_inside(t);
	if (links)
		check_outside(t, k);
	return (t->device_up && t->port_up && t->bridge_up && !t->n_addresses) ||
	       clock_ms() >= t->end;
}

int settle_fd(const struct settle *t)
{
	return nl_fd(&t->events);
}

void settle_end(struct settle *t)
{
	nl_close(&t->inside);
	nl_close(&t->events);
}
