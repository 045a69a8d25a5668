/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "names/names.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "model/own.h"
#include "names/internal.h"

int names_open(struct names *n, const char *root, struct err *err)
{
	*n = (struct names){ .inotify = -1 };
	if (copy_string(n->root, sizeof(n->root), root) < 0)
		return err_set(err, ENAMETOOLONG, "look for name servers below '%s': too long",
			       root);
	return 0;
}

void names_close(struct names *n)
{
	bus_close(n);
	watch_close(n);
}

/* RFC 1918 and RFC 4193: the networks that a router of a home or an office stands before. */
static bool is_private(const struct ip *ip)
{
	static const struct prefix nets[] = {
		{ { AF_INET, { 10 } }, 8 },
		{ { AF_INET, { 172, 16 } }, 12 },
		{ { AF_INET, { 192, 168 } }, 16 },
		{ { AF_INET6, { 0xfc } }, 7 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(nets); i++)
		if (prefix_contains(&nets[i], ip))
			return true;
	return false;
}

/* The best default route of that family, in any table; plan/routes.h decides which one is used. */
static const struct fact_route *default_route(const struct facts *f, int index, uint8_t family)
{
	const struct fact_route *best = NULL;

	for (size_t i = 0; i < f->routes.n; i++) {
		const struct fact_route *r = &f->routes.v[i];

		if (r->index == index && r->dst.ip.family == family && !r->dst.len &&
		    r->type == RTN_UNICAST && !own_is_route(r) &&
		    (!best || r->metric < best->metric))
			best = r;
	}
	return best;
}

/* A question about a link, and what has been found of it so far. */
struct quest {
	const struct facts *f;
	const struct fact_link *link;
	struct fact_dns found;
};

/* Of what somebody says, whatever nobody said before. */
static void believe(struct quest *q, const struct fact_dns *said)
{
	struct fact_dns *to = &q->found;
	struct ip gateway4 = to->gateway4, gateway6 = to->gateway6;

	if (!ip_is_set(&gateway4) && facts_is_neighbour(q->f, q->link->index, &said->gateway4))
		gateway4 = said->gateway4;
	if (!ip_is_set(&gateway6) && facts_is_neighbour(q->f, q->link->index, &said->gateway6))
		gateway6 = said->gateway6;
	if (!to->n && said->n)
		*to = *said;
	to->gateway4 = gateway4;
	to->gateway6 = gateway6;
}

/* Whether the link has addresses of a family, and neither a route nor anybody leads further. */
static bool needs_gateway(const struct quest *q, uint8_t family)
{
	const struct ip *known = family == AF_INET ? &q->found.gateway4 : &q->found.gateway6;

	if (ip_is_set(known) || q->link->flags & IFF_POINTOPOINT ||
	    default_route(q->f, q->link->index, family))
		return false;
	for (size_t i = 0; i < q->f->addrs.n; i++) {
		const struct fact_addr *a = &q->f->addrs.v[i];

		if (a->index == q->link->index && a->prefix.ip.family == family &&
		    a->scope == RT_SCOPE_UNIVERSE)
			return true;
	}
	return false;
}

static bool is_answered(const struct quest *q)
{
	return q->found.n && !needs_gateway(q, AF_INET) && !needs_gateway(q, AF_INET6);
}

/*
 * Such routers serve names to their network, nearly all of them. What is at the other end of a
 * point-to-point device is no such router, whatever its address.
 */
static void from_gateway(struct quest *q)
{
	static const uint8_t families[] = { AF_INET, AF_INET6 };
	int index = q->link->index;

	for (size_t i = 0; i < ARRAY_SIZE(families) && !(q->link->flags & IFF_POINTOPOINT); i++) {
		const struct fact_route *r = default_route(q->f, index, families[i]);
		const struct ip *told =
			families[i] == AF_INET ? &q->found.gateway4 : &q->found.gateway6;
		const struct ip *gateway = r ? &r->gateway : told;

		if (is_private(gateway) &&
		    (facts_is_neighbour(q->f, index, gateway) || (r && r->onlink)))
			names_add_server(&q->found, gateway);
	}
	if (q->found.n)
		copy_string(q->found.source, sizeof(q->found.source), "gateway");
}

static const char *bus_said(int r)
{
	return r == -ESRCH       ? "is not on the bus"
	       : r == -ETIMEDOUT ? "does not answer"
	       : r == -ENOSYS    ? "was not asked (built without D-Bus)"
				 : "names none";
}

int names_of_link(struct names *n, const struct facts *f, const struct fact_link *link,
		  struct fact_dns *ret, struct err *err)
{
	static int (*const files[])(const struct names *, const struct facts *,
				    const struct fact_link *, int64_t, struct fact_dns *) = {
		files_nm,       files_networkd, NULL, /* systemd-resolved comes here */
		files_dhclient, files_dhcpcd,   files_resolvconf,
		files_ppp,      files_ifupdown,
	};
	struct quest q = { .f = f, .link = link };
	int64_t now = time(NULL);
	struct fact_dns said = { 0 };
	int nm, resolved = -ENOENT;

	nm = bus_nm(n, link->name, clock_ms() + BUS_MS, &said);
	if (nm == 0)
		believe(&q, &said);
	for (size_t i = 0; i < ARRAY_SIZE(files) && !is_answered(&q); i++) {
		int r = -ENOENT;

		if (files[i])
			r = files[i](n, f, link, now, &said);
		else if (!q.found.n) /* it knows of names alone */
			r = resolved = bus_resolved(n, link->index, clock_ms() + BUS_MS, &said);
		if (r == 0)
			believe(&q, &said);
	}
	if (!q.found.n)
		from_gateway(&q);
	if (names_found(&q.found)) {
		q.found.index = link->index;
		*ret = q.found;
		return 0;
	}
	err_set(err, ENOENT,
		"find a name server of '%s': NetworkManager %s, systemd-resolved %s, there is none "
		"from systemd-networkd, dhclient, dhcpcd, resolvconf, pppd or ifupdown, and %s",
		link->name, bus_said(nm), bus_said(resolved),
		link->flags & IFF_POINTOPOINT ? "a point-to-point link has no router to ask"
					      : "no gateway with a private address");
	if (err)
		err_hint(err, "name one with --dns ADDRESS");
	return -ENOENT;
}

int names_of_host(struct names *n, struct fact_dns *ret, struct err *err)
{
	/* what stands behind a resolver on the loopback; each is written by its own service */
	static const char *const behind[] = {
		"/run/systemd/resolve/resolv.conf",
		"/run/NetworkManager/no-stub-resolv.conf",
	};
	struct fact_dns found = { 0 };

	(void)err;
	files_resolv_conf(n, "/etc/resolv.conf", &found);
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++)
		files_resolv_conf(n, behind[i], &found);
	if (found.n)
		copy_string(found.source, sizeof(found.source), "resolv.conf");
	*ret = found;
	return 0;
}

void names_poll(const struct names *n, struct pollfd ret[NAMES_FDS])
{
	ret[0] = (struct pollfd){ .fd = n->inotify, .events = POLLIN };
	ret[1] = (struct pollfd){ .fd = -1 };
	ret[1].fd = bus_poll(n, &ret[1].events);
}

int64_t names_again(const struct names *n)
{
	int64_t again = INT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(n->quiet); i++)
		if (n->quiet[i].until && n->quiet[i].until < again)
			again = n->quiet[i].until;
	return again;
}

static bool take_time(struct names *n)
{
	int64_t now = clock_ms();
	bool over = false;

	for (size_t i = 0; i < ARRAY_SIZE(n->quiet); i++)
		if (n->quiet[i].until && n->quiet[i].until <= now) {
			n->quiet[i].until = 0;
			over = true;
		}
	return over;
}

bool names_take_events(struct names *n)
{
	bool files = watch_take_events(n), bus = bus_take_events(n), time = take_time(n);

	return files || bus || time;
}
