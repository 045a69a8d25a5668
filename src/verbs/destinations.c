/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/destinations.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/vec.h"

static int order(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* By all that tells two of them apart. */
static int compare_flows(const void *a, const void *b)
{
	const struct flow *x = a, *y = b;
	int r = order(x->protocol, y->protocol);

	if (!r)
		r = ip_compare(&x->to, &y->to);
	if (!r)
		r = order(x->to_port, y->to_port);
	if (!r)
		r = ip_compare(&x->from, &y->from);
	if (!r)
		r = order(x->from_port, y->from_port);
	return r ? r : order(x->id, y->id);
}

/* Whose destination it is first, so that those of one stand together. */
static int compare_places(const void *a, const void *b)
{
	const struct destination *x = a, *y = b;
	int r = ip_compare(&x->address, &y->address);

	if (!r)
		r = order(x->port, y->port);
	if (!r)
		r = order(x->protocol, y->protocol);
	return r ? r : order(x->inbound, y->inbound);
}

static int compare_busy(const void *a, const void *b)
{
	const struct destination *x = a, *y = b;
	int r = order(y->rx + y->tx, x->rx + x->tx);

	return r ? r : compare_places(a, b);
}

static bool is_loopback(const struct ip *ip)
{
	static const struct ip loopback6 = { .family = AF_INET6, .bytes = { [15] = 1 } };

	return ip->family == AF_INET ? ip->bytes[0] == 127 : ip_equal(ip, &loopback6);
}

static uint64_t rate(uint64_t now, uint64_t before, int64_t ns)
{
	return now > before ? (uint64_t)((double)(now - before) * 1e9 / (double)ns) : 0;
}

/* One connection as a destination; since the sample before it carried what that does not have. */
static struct destination of_flow(const struct flow *f, const struct flow *before, int64_t ns,
				  const struct ip own[2])
{
	const bool inbound = ip_equal(&f->to, &own[0]) || ip_equal(&f->to, &own[1]);
	const uint64_t sent = ns > 0 ? rate(f->sent, before ? before->sent : 0, ns) : 0;
	const uint64_t answered = ns > 0 ? rate(f->answered, before ? before->answered : 0, ns) : 0;

	return (struct destination){
		.address = inbound ? f->from : f->to,
		.port = f->to_port,
		.protocol = f->protocol,
		.inbound = inbound,
		.connections = 1,
		.rx_bytes = inbound ? f->sent : f->answered,
		.tx_bytes = inbound ? f->answered : f->sent,
		.rx = inbound ? sent : answered,
		.tx = inbound ? answered : sent,
	};
}

static void add(struct destination *to, const struct destination *d)
{
	to->connections += d->connections;
	to->rx_bytes += d->rx_bytes;
	to->tx_bytes += d->tx_bytes;
	to->rx += d->rx;
	to->tx += d->tx;
}

/* Those of one address, port and protocol become one. */
static void merge(struct destinations *d)
{
	size_t n = 0;

	if (d->n)
		qsort(d->v, d->n, sizeof(*d->v), compare_places);
	for (size_t i = 0; i < d->n; i++)
		if (n && compare_places(&d->v[n - 1], &d->v[i]) == 0)
			add(&d->v[n - 1], &d->v[i]);
		else
			d->v[n++] = d->v[i];
	d->n = n;
	if (n)
		qsort(d->v, n, sizeof(*d->v), compare_busy);
}

int destinations_take(struct flows *now, const struct flows *before, int64_t ns,
		      const struct ip own[2], struct destinations *ret)
{
	struct destinations d = { .counted = true };
	size_t at = 0;

	if (now->n)
		qsort(now->v, now->n, sizeof(*now->v), compare_flows);
	for (size_t i = 0; i < now->n; i++) {
		const struct flow *f = &now->v[i], *old = NULL;
		struct destination *one;

		while (before && at < before->n && compare_flows(&before->v[at], f) < 0)
			at++;
		if (before && at < before->n && compare_flows(&before->v[at], f) == 0)
			old = &before->v[at];
		if (is_loopback(&f->from) && is_loopback(&f->to))
			continue;
		one = VEC_PUSH(&d);
		if (!one) {
			destinations_done(&d);
			return -ENOMEM;
		}
		d.counted &= f->counted;
		*one = of_flow(f, old, before ? ns : 0, own);
	}
	merge(&d);
	*ret = d;
	return 0;
}

void destinations_done(struct destinations *d)
{
	VEC_DONE(d);
}

const char *protocol_name(uint8_t protocol, char ret[8])
{
	static const struct {
		uint8_t protocol;
		const char *name;
	} names[] = { { IPPROTO_TCP, "tcp" },   { IPPROTO_UDP, "udp" },
		      { IPPROTO_ICMP, "icmp" }, { IPPROTO_ICMPV6, "icmpv6" },
		      { IPPROTO_SCTP, "sctp" }, { IPPROTO_UDPLITE, "udplite" } };

	snprintf(ret, 8, "%u", protocol);
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (names[i].protocol == protocol)
			snprintf(ret, 8, "%s", names[i].name);
	return ret;
}

const char *destination_format(const struct destination *d, char ret[DESTINATION_TEXT_MAX])
{
	const bool brackets = d->address.family == AF_INET6 && d->port && !d->inbound;
	char address[IP_TEXT_MAX], protocol[8], port[16] = "";

	ip_format(&d->address, address);
	protocol_name(d->protocol, protocol);
	if (d->port)
		snprintf(port, sizeof(port), "%s%u", d->inbound ? "" : ":", d->port);
	if (d->inbound)
		snprintf(ret, DESTINATION_TEXT_MAX, "from %s to %s%s%s", address, port,
			 d->port ? "/" : "", protocol);
	else
		snprintf(ret, DESTINATION_TEXT_MAX, "%s%s%s%s/%s", brackets ? "[" : "", address,
			 brackets ? "]" : "", port, protocol);
	return ret;
}
