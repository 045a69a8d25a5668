/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ConnMan (doc/service-api.txt): its services are networks, of which one per device is connected.
 * The host's resolv.conf names its DNS proxy on the loopback; the servers behind that are here. A
 * service that is a VPN names no device; its daemon does, connman-vpnd
 * (doc/vpn-connection-api.txt), by the index.
 */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "dns/bus.h"

struct connman_service {
	const struct fact_link *link; /* in */
	bool ours, connected;
	struct fact_dns dns;
};

static int take_interface(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct connman_service *s = arg;
	const char *text;
	int r;

	if (strcmp(key, "Interface") != 0)
		return 0;
	r = bus_take_string(m, type, &text);
	if (r > 0)
		s->ours = !strcmp(text, s->link->name);
	return r;
}

/* Of the dictionaries IPv4 and IPv6, which are what is in use; *.Configuration is what was asked.
 */
static int take_gateway(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct connman_service *s = arg;

	return strcmp(key, "Gateway") == 0 ? bus_take_gateway(m, type, &s->dns) : 0;
}

static int take_index(sd_bus_message *m, const char *type, struct connman_service *s)
{
	int index;

	if (strcmp(type, "i") != 0)
		return 0;
	if (sd_bus_message_read(m, "i", &index) < 0)
		return -EBADMSG;
	s->ours = index == s->link->index;
	return 1;
}

static int take_service(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct connman_service *s = arg;
	const char *text;
	int r;

	if (!strcmp(key, "State")) {
		r = bus_take_string(m, type, &text);
		if (r > 0)
			s->connected = !strcmp(text, "ready") || !strcmp(text, "online");
		return r;
	}
	if (!strcmp(key, "Index"))
		return take_index(m, type, s);
	if (!strcmp(key, "Nameservers") && !strcmp(type, "as"))
		return bus_take_strings(m, &s->dns, dns_add_server_text);
	if (!strcmp(key, "Domains") && !strcmp(type, "as"))
		return bus_take_strings(m, &s->dns, dns_add_domain);
	if (strcmp(type, "a{sv}") != 0)
		return 0;
	if (!strcmp(key, "Ethernet"))
		return bus_each(m, take_interface, s) < 0 ? -EBADMSG : 1;
	if (!strcmp(key, "IPv4") || !strcmp(key, "IPv6"))
		return bus_each(m, take_gateway, s) < 0 ? -EBADMSG : 1;
	return 0;
}

int bus_read_connman(sd_bus_message *m, const struct fact_link *link, struct fact_dns *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "(oa{sv})");

	*ret = (struct fact_dns){ 0 };
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'r', "oa{sv}")) > 0) {
		struct connman_service s = { .link = link };

		if (sd_bus_message_skip(m, "o") < 0 || bus_each(m, take_service, &s) < 0 ||
		    sd_bus_message_exit_container(m) < 0)
			return -EBADMSG;
		if (s.ours && s.connected && dns_found(&s.dns)) {
			*ret = s.dns;
			return 0;
		}
	}
	return r < 0 ? -EBADMSG : 0;
}

static int ask(struct dns *n, enum service service, const char *interface, const char *method,
	       const struct fact_link *link, int64_t deadline, struct fact_dns *ret)
{
	_cleanup_message_ sd_bus_message *m = NULL, *reply = NULL;
	int r = bus_reach(n, service, deadline);
	struct fact_dns dns;

	if (r < 0)
		return r;
	r = bus_new_call(n, service, "/", interface, method, &m);
	if (r == 0)
		r = bus_call(n, service, deadline, m, &reply);
	if (r < 0)
		return r;
	if (bus_read_connman(reply, link, &dns) < 0 || !dns_found(&dns))
		return -ENOENT;
	*ret = dns;
	copy_string(ret->source, sizeof(ret->source), "ConnMan");
	return 0;
}

int bus_connman(struct dns *n, const struct facts *f, const struct fact_link *link,
		int64_t deadline, struct fact_dns *ret)
{
	int r = ask(n, SERVICE_CONNMAN, BUS_NAME_CONNMAN ".Manager", "GetServices", link, deadline,
		    ret);

	(void)f;
	if (r == -ENOENT && ask(n, SERVICE_CONNMAN_VPN, BUS_NAME_CONNMAN_VPN ".Manager",
				"GetConnections", link, deadline, ret) == 0)
		r = 0;
	return bus_asked(n, r);
}
