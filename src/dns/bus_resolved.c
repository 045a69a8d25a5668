/* SPDX-License-Identifier: GPL-2.0-or-later */
/* systemd-resolved: what was set for a link, by networkd, resolvectl(1), iwd, or a VPN client. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "dns/bus.h"

#define RESOLVED      BUS_NAME_RESOLVED
#define RESOLVED_PATH "/org/freedesktop/resolve1"

/* DNS is a(iay); DNSEx, from 246 on, a(iayqs) with port and name, and the same servers. */
static int take_resolved_servers(sd_bus_message *m, bool ex, struct fact_dns *dns)
{
	int r = sd_bus_message_enter_container(m, 'a', ex ? "(iayqs)" : "(iay)");

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', ex ? "iayqs" : "iay")) > 0) {
		struct fact_dns one = { 0 };
		uint16_t port = 0;
		const char *name;

		if (sd_bus_message_skip(m, "i") < 0 || bus_take_bytes(m, &one) < 0 ||
		    (ex && sd_bus_message_read(m, "qs", &port, &name) < 0))
			return -EBADMSG;
		if (one.n && (!port || port == 53))
			dns_add_server(dns, &one.servers[0]);
		r = sd_bus_message_exit_container(m);
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int take_resolved_domains(sd_bus_message *m, struct fact_dns *dns)
{
	int r = sd_bus_message_enter_container(m, 'a', "(sb)"), route_only;
	const char *name;

	while (r >= 0 && (r = sd_bus_message_read(m, "(sb)", &name, &route_only)) > 0)
		if (!route_only)
			dns_add_domain(dns, name, strlen(name));
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

struct resolved_link {
	struct fact_dns dns;
	struct fact_dns plain; /* without ports */
	bool ex;
};

static int take_resolved_link(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct resolved_link *l = arg;

	if (!strcmp(key, "DNSEx") && !strcmp(type, "a(iayqs)")) {
		l->ex = true;
		return take_resolved_servers(m, true, &l->dns);
	}
	if (!strcmp(key, "DNS") && !strcmp(type, "a(iay)"))
		return take_resolved_servers(m, false, &l->plain);
	if (!strcmp(key, "Domains") && !strcmp(type, "a(sb)"))
		return take_resolved_domains(m, &l->dns);
	return 0;
}

int bus_read_resolved(sd_bus_message *m, struct fact_dns *ret)
{
	struct resolved_link l = { 0 };
	int r = bus_each(m, take_resolved_link, &l);

	for (size_t i = 0; !l.ex && i < l.plain.n; i++)
		dns_add_server(&l.dns, &l.plain.servers[i]);
	*ret = l.dns;
	return r;
}

/* All properties of its object for the link. */
static int get_link(struct dns *n, int ifindex, int64_t deadline, sd_bus_message **ret)
{
	_cleanup_message_ sd_bus_message *m = NULL, *found = NULL;
	const char *path;
	int r = bus_reach(n, SERVICE_RESOLVED, deadline);

	if (r < 0)
		return r;
	if (bus_new_call(n, SERVICE_RESOLVED, RESOLVED_PATH, RESOLVED ".Manager", "GetLink", &m) <
		    0 ||
	    sd_bus_message_append(m, "i", ifindex) < 0)
		return -ENOENT;
	r = bus_call(n, SERVICE_RESOLVED, deadline, m, &found);
	if (r < 0)
		return r;
	if (sd_bus_message_read(found, "o", &path) < 0)
		return -ENOENT;
	return bus_get_all(n, SERVICE_RESOLVED, deadline, path, RESOLVED ".Link", ret);
}

static int ask_resolved(struct dns *n, int ifindex, int64_t deadline, struct fact_dns *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct fact_dns dns;
	int r = get_link(n, ifindex, deadline, &reply);

	if (r < 0)
		return r;
	if (bus_read_resolved(reply, &dns) < 0 || !dns.n)
		return -ENOENT;
	*ret = dns;
	copy_string(ret->source, sizeof(ret->source), "systemd-resolved");
	return 0;
}

/* The link's own setting, or the global one where it has none (resolved-link.c). */
static int take_mode(sd_bus_message *m, const char *type, const char *maybe, enum dns_mode *ret)
{
	const char *text;
	int r = bus_take_string(m, type, &text);

	if (r > 0)
		*ret = !strcmp(text, "yes")   ? DNS_MODE_YES
		       : !strcmp(text, maybe) ? DNS_MODE_MAYBE
					      : DNS_MODE_NO;
	return r;
}

static int take_protection(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct fact_dns *dns = arg;

	if (!strcmp(key, "DNSOverTLS"))
		return take_mode(m, type, "opportunistic", &dns->tls);
	if (!strcmp(key, "DNSSEC"))
		return take_mode(m, type, "allow-downgrade", &dns->dnssec);
	return 0;
}

void bus_resolved_protection(struct dns *n, int ifindex, int64_t deadline, struct fact_dns *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct fact_dns said = { 0 };

	if (get_link(n, ifindex, deadline, &reply) == 0 &&
	    bus_each(reply, take_protection, &said) == 0) {
		ret->tls = said.tls;
		ret->dnssec = said.dnssec;
	}
	bus_asked(n, 0);
}

int bus_resolved(struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t deadline, struct fact_dns *ret)
{
	(void)f;
	return bus_asked(n, ask_resolved(n, link->index, deadline, ret));
}
