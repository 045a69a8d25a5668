/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "dns/dns.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/util.h"
#include "dns/internal.h"
#include "model/own.h"

int dns_open(struct dns *n, const char *root, struct err *err)
{
	*n = (struct dns){ .inotify = -1, .wait_ms = BUS_MS };
	if (copy_string(n->root, sizeof(n->root), root) < 0)
		return err_set(err, ENAMETOOLONG, "find name servers below '%s': too long", root);
	return 0;
}

void dns_take_time(struct dns *n)
{
	n->wait_ms = BUS_PATIENT_MS;
}

void dns_close(struct dns *n)
{
	bus_close(n);
	watch_close(n);
}

/* RFC 1918 and RFC 4193: the networks behind a home or office router. */
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
		    r->type == RTN_UNICAST && !own_is_route(r) && facts_is_better_route(r, best))
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

/* Takes from one source what no earlier source had. */
static void believe(struct quest *q, const struct fact_dns *said)
{
	struct fact_dns *to = &q->found;
	struct ip gateway4 = to->gateway4, gateway6 = to->gateway6;
	const bool portal = to->portal || said->portal;

	if (!ip_is_set(&gateway4) && facts_is_neighbour(q->f, q->link->index, &said->gateway4))
		gateway4 = said->gateway4;
	if (!ip_is_set(&gateway6) && facts_is_neighbour(q->f, q->link->index, &said->gateway6))
		gateway6 = said->gateway6;
	if (!to->n && said->n)
		*to = *said;
	to->portal = portal;
	to->gateway4 = gateway4;
	to->gateway6 = gateway6;
}

/* Whether the link has addresses of a family, but no gateway of it is known. */
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
 * Nearly all such routers are name servers for their network. The other end of a point-to-point
 * device is no such router, whatever its address.
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
			dns_add_server(&q->found, gateway);
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

/* Whoever may know a link, in the order of trust: dns.h has the reasons. */
static const struct source {
	const char *name; /* on the bus */
	int (*bus)(struct dns *, const struct facts *, const struct fact_link *, int64_t,
		   struct fact_dns *);
	int (*file)(const struct dns *, const struct facts *, const struct fact_link *, int64_t,
		    struct fact_dns *);
	bool servers_only; /* it knows no gateway */
	bool common;       /* worth a word when it is not on the bus */
} sources[] = {
	{ .name = "NetworkManager", .bus = bus_nm, .common = true },
	{ .file = files_nm },
	{ .name = "ConnMan", .bus = bus_connman },
	{ .file = files_networkd },
	{ .name = "systemd-resolved", .bus = bus_resolved, .servers_only = true, .common = true },
	{ .file = files_dhclient },
	{ .file = files_dhcpcd },
	{ .file = files_udhcpc },
	{ .file = files_resolvconf },
	{ .file = files_ppp },
	{ .name = "ModemManager", .bus = bus_modem },
	{ .file = files_ipconfig },
	{ .file = files_ifupdown },
};

/* Asks all until nothing is left to know; what the services on the bus answered. */
static void ask_all(struct dns *n, struct quest *q, int ret_bus[ARRAY_SIZE(sources)])
{
	int64_t now = time(NULL), end = clock_ms() + 2 * (int64_t)n->wait_ms;

	for (size_t i = 0; i < ARRAY_SIZE(sources) && !is_answered(q); i++) {
		const struct source *s = &sources[i];
		struct fact_dns said = { 0 };
		int r;

		if (s->servers_only && q->found.n)
			continue;
		if (!s->bus)
			r = s->file(n, q->f, q->link, now, &said);
		else if (clock_ms() >= end) /* it is asked when those before it are left alone */
			r = ret_bus[i] = -ETIMEDOUT;
		else
			r = ret_bus[i] = s->bus(n, q->f, q->link, clock_ms() + n->wait_ms, &said);
		if (r == 0)
			believe(q, &said);
	}
}

static int found_nothing(const struct quest *q, const int bus[ARRAY_SIZE(sources)], struct err *err)
{
	char said[256] = "";
	size_t used = 0;

	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		if (sources[i].bus &&
		    (sources[i].common || (bus[i] != -ESRCH && bus[i] != -ENOSYS)))
			used += (size_t)snprintf(said + used, sizeof(said) - used, "%s %s, ",
						 sources[i].name, bus_said(bus[i]));
	err_set(err, ENOENT,
		"find a name server of '%s': %sthere is none from systemd-networkd, dhclient, "
		"dhcpcd, udhcpc, resolvconf, pppd or ifupdown, and %s",
		q->link->name, said,
		q->link->flags & IFF_POINTOPOINT ? "a point-to-point link has no router to ask"
						 : "no gateway with a private address");
	if (err)
		err_hint(err, "name one with --dns ADDRESS");
	return -ENOENT;
}

int dns_of_link(struct dns *n, const struct facts *f, const struct fact_link *link,
		struct fact_dns *ret, struct err *err)
{
	struct quest q = { .f = f, .link = link };
	int bus[ARRAY_SIZE(sources)];

	for (size_t i = 0; i < ARRAY_SIZE(bus); i++)
		bus[i] = -ENOENT;
	ask_all(n, &q, bus);
	if (!q.found.n)
		from_gateway(&q);
	if (!dns_found(&q.found))
		return found_nothing(&q, bus, err);
	q.found.index = link->index;
	*ret = q.found;
	return 0;
}

int dns_check_url(struct dns *n, char ret[DNS_URL_MAX])
{
	char url[DNS_URL_MAX] = "";

	if (bus_nm_check_url(n, clock_ms() + n->wait_ms, url) < 0 ||
	    strncmp(url, "http://", 7) != 0 || !text_printable(url) || strpbrk(url, " \"'<>"))
		return -ENOENT;
	memcpy(ret, url, sizeof(url));
	return 0;
}

/* Without its device such an address is none; sessions cannot send to it in any case. */
static void drop_link_local(struct fact_dns *dns)
{
	size_t kept = 0;

	for (size_t i = 0; i < dns->n; i++)
		if (ip_can_serve(&dns->servers[i]))
			dns->servers[kept++] = dns->servers[i];
	dns->n = kept;
}

int dns_of_host(struct dns *n, struct fact_dns *ret, struct err *err)
{
	/* what stands behind a resolver on the loopback; each is written by its own service */
	static const char *const behind[] = {
		"/run/systemd/resolve/resolv.conf",
		"/run/NetworkManager/no-stub-resolv.conf",
	};
	struct fact_dns found = { 0 };
	char options[DNS_OPTIONS_MAX];

	(void)err;
	files_resolv_conf(n, "/etc/resolv.conf", &found);
	if (!found.n) /* the resolver on the loopback is trusted, and not whom it asks */
		dns_drop_option(&found, "trust-ad", strlen("trust-ad"));
	copy_string(options, sizeof(options), found.options); /* of no other file */
	for (size_t i = 0; i < ARRAY_SIZE(behind); i++)
		files_resolv_conf(n, behind[i], &found);
	copy_string(found.options, sizeof(found.options), options);
	drop_link_local(&found);
	if (found.n)
		copy_string(found.source, sizeof(found.source), "resolv.conf");
	*ret = found;
	return 0;
}

void dns_poll(const struct dns *n, struct pollfd ret[DNS_FDS])
{
	ret[0] = (struct pollfd){ .fd = n->inotify, .events = POLLIN };
	ret[1] = (struct pollfd){ .fd = -1 };
	ret[1].fd = bus_poll(n, &ret[1].events);
}

int64_t dns_retry_at(const struct dns *n)
{
	int64_t again = INT64_MAX;

	for (size_t i = 0; i < ARRAY_SIZE(n->backoff); i++)
		if (n->backoff[i].until && n->backoff[i].until < again)
			again = n->backoff[i].until;
	return again;
}

static bool take_time(struct dns *n)
{
	int64_t now = clock_ms();
	bool over = false;

	for (size_t i = 0; i < ARRAY_SIZE(n->backoff); i++)
		if (n->backoff[i].until && n->backoff[i].until <= now) {
			n->backoff[i].until = 0;
			over = true;
		}
	return over;
}

bool dns_take_events(struct dns *n)
{
	bool files = watch_take_events(n), bus = bus_take_events(n), time = take_time(n);

	return files || bus || time;
}
