/* SPDX-License-Identifier: GPL-2.0-or-later */
/* NetworkManager: the configuration of a device, and of a VPN connection. */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/parse.h"
#include "dns/bus.h"

#define NM      BUS_NAME_NM
#define NM_PATH "/org/freedesktop/NetworkManager"

#define CONNECTIVITY_PORTAL 2 /* NMConnectivityState (nm-dbus-interface.h) */

#define ACTIVE_MAX 32 /* active connections that are read */

static int take_address(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	const char *text;

	if (strcmp(key, "address") != 0 || strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	dns_add_server_text(arg, text, strlen(text));
	return 1;
}

/* The servers of an IP4Config or IP6Config, in what older and newer ones call them. */
static int take_servers(sd_bus_message *m, const char *type, struct fact_dns *dns)
{
	uint32_t four;
	int r;

	if (!strcmp(type, "aa{sv}")) {
		r = sd_bus_message_enter_container(m, 'a', "a{sv}");
		while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
			r = bus_each(m, take_address, dns);
	} else if (!strcmp(type, "au")) {
		r = sd_bus_message_enter_container(m, 'a', "u");
		while (r >= 0 && (r = sd_bus_message_read(m, "u", &four)) > 0) {
			struct ip ip = ip_from_bytes(AF_INET, &four);

			dns_add_server(dns, &ip);
		}
	} else if (!strcmp(type, "aay")) {
		r = sd_bus_message_enter_container(m, 'a', "ay");
		while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
			r = bus_take_bytes(m, dns);
	} else {
		return 0;
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int take_own_address(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bus_nm_config *c = arg;
	const char *text;
	struct ip ip;
	int r;

	if (strcmp(key, "address") != 0)
		return 0;
	r = bus_take_string(m, type, &text);
	if (r > 0 && c->f && ip_parse(text, &ip) == 0)
		c->addressed |= dns_on_link(c->f, c->index, &ip);
	return r;
}

static int take_own_addresses(sd_bus_message *m, const char *type, struct bus_nm_config *c)
{
	int r;

	if (strcmp(type, "aa{sv}") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "a{sv}");
	while (r >= 0 && sd_bus_message_at_end(m, false) == 0)
		r = bus_each(m, take_own_address, c);
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int take_nm_config(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bus_nm_config *c = arg;

	if (!strcmp(key, "NameserverData") || !strcmp(key, "Nameservers"))
		return take_servers(m, type, &c->dns);
	if (!strcmp(key, "DnsOptions") && !strcmp(type, "as"))
		return bus_take_strings(m, &c->dns, dns_add_option);
	if (!strcmp(key, "Searches") && !strcmp(type, "as"))
		return bus_take_strings(m, &c->dns, dns_add_domain);
	if (!strcmp(key, "Domains") && !strcmp(type, "as"))
		return bus_take_strings(m, &c->domains, dns_add_domain);
	if (!strcmp(key, "Gateway"))
		return bus_take_gateway(m, type, &c->dns);
	if (!strcmp(key, "AddressData"))
		return take_own_addresses(m, type, c);
	return 0;
}

int bus_read_nm_config(sd_bus_message *m, struct bus_nm_config *c)
{
	return bus_each(m, take_nm_config, c);
}

/* The options are named as in its device files. */
static int take_nm_option(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct dns_lease *lease = arg;
	const char *text;
	int r;

	if (!strcmp(key, "routers"))
		return bus_take_gateway(m, type, &lease->dns);
	if (strcmp(key, "rfc3442_classless_static_routes") != 0 &&
	    strcmp(key, "classless_static_routes") != 0 &&
	    strcmp(key, "ms_classless_static_routes") != 0)
		return 0;
	r = bus_take_string(m, type, &text);
	if (r > 0)
		dns_add_classless_text(lease, (struct span){ text, strlen(text) });
	return r;
}

static int take_nm_lease(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	if (strcmp(key, "Options") != 0 || strcmp(type, "a{sv}") != 0)
		return 0;
	return bus_each(m, take_nm_option, arg) < 0 ? -EBADMSG : 1;
}

/* Of a device, or of an active connection; borrowed of the message. */
struct nm_device {
	const char *ip4, *ip6, *dhcp4;
	bool vpn, portal;
};

/* What its check of a family found: that a login page answers is true of the device. */
static int take_connectivity(sd_bus_message *m, const char *type, struct nm_device *d)
{
	uint32_t state;

	if (strcmp(type, "u") != 0)
		return 0;
	if (sd_bus_message_read(m, "u", &state) < 0)
		return -EBADMSG;
	d->portal |= state == CONNECTIVITY_PORTAL;
	return 1;
}

static int take_nm_device(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct nm_device *d = arg;
	const char **to = !strcmp(key, "Ip4Config")     ? &d->ip4
			  : !strcmp(key, "Ip6Config")   ? &d->ip6
			  : !strcmp(key, "Dhcp4Config") ? &d->dhcp4
							: NULL;

	if (!strcmp(key, "Ip4Connectivity") || !strcmp(key, "Ip6Connectivity"))
		return take_connectivity(m, type, d);
	if (!strcmp(key, "Vpn"))
		return bus_take_bool(m, type, &d->vpn);
	return to ? bus_take_string(m, type, to) : 0;
}

int bus_read_nm_lease(sd_bus_message *m, struct dns_lease *ret)
{
	int r;

	dns_lease_init(ret);
	r = bus_each(m, take_nm_lease, ret);
	dns_settle_gateway(ret, ROUTERS_KEPT);
	return r;
}

/* A configuration by its path; what has none of that family has the path "/". */
static int nm_config(struct dns *n, int64_t deadline, const char *path, const char *interface,
		     struct bus_nm_config *c)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct bus_nm_config got = *c;
	int r;

	if (!path || !strcmp(path, "/"))
		return 0;
	r = bus_get_all(n, SERVICE_NM, deadline, path, interface, &reply);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (bus_read_nm_config(reply, &got) == 0)
		*c = got;
	return 0;
}

/* Without a default route the configuration names no gateway either; the lease does. */
static int nm_lease(struct dns *n, int64_t deadline, const char *path, struct fact_dns *dns)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct dns_lease lease;
	int r;

	if (ip_is_set(&dns->gateway4) || !path || !strcmp(path, "/"))
		return 0;
	r = bus_get_all(n, SERVICE_NM, deadline, path, NM ".DHCP4Config", &reply);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (bus_read_nm_lease(reply, &lease) == 0)
		dns->gateway4 = lease.dns.gateway4;
	return 0;
}

static int nm_configs(struct dns *n, int64_t deadline, const struct nm_device *d,
		      struct bus_nm_config *c)
{
	int r = nm_config(n, deadline, d->ip4, NM ".IP4Config", c);

	return r == 0 ? nm_config(n, deadline, d->ip6, NM ".IP6Config", c) : r;
}

static int nm_device(struct dns *n, const char *ifname, int64_t deadline, struct bus_nm_config *c)
{
	_cleanup_message_ sd_bus_message *m = NULL, *found = NULL, *reply = NULL;
	struct nm_device d = { 0 };
	const char *path;
	int r;

	if (bus_new_call(n, SERVICE_NM, NM_PATH, NM, "GetDeviceByIpIface", &m) < 0 ||
	    sd_bus_message_append(m, "s", ifname) < 0)
		return -ENOENT;
	r = bus_call(n, SERVICE_NM, deadline, m, &found);
	if (r < 0)
		return r;
	if (sd_bus_message_read(found, "o", &path) < 0)
		return -ENOENT;
	r = bus_get_all(n, SERVICE_NM, deadline, path, NM ".Device", &reply);
	if (r < 0)
		return r;
	if (bus_each(reply, take_nm_device, &d) < 0)
		return -ENOENT;
	r = nm_configs(n, deadline, &d, c);
	c->dns.portal = d.portal;
	return r == 0 ? nm_lease(n, deadline, d.dhcp4, &c->dns) : r;
}

struct dns_entry {
	const char *ifname; /* that is looked for */
	bool ours;
	struct fact_dns dns;
};

static int take_dns_entry(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct dns_entry *e = arg;
	const char *text;

	if (!strcmp(key, "nameservers") && !strcmp(type, "as"))
		return bus_take_strings(m, &e->dns, dns_add_server_text);
	if (!strcmp(key, "domains") && !strcmp(type, "as"))
		return bus_take_strings(m, &e->dns, dns_add_domain);
	if (strcmp(key, "interface") != 0 || strcmp(type, "s") != 0)
		return 0;
	if (sd_bus_message_read(m, "s", &text) < 0)
		return -EBADMSG;
	e->ours = !strcmp(text, e->ifname);
	return 1;
}

static int take_dns_manager(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bus_nm_dns *s = arg;
	int r;

	if (strcmp(key, "Configuration") != 0 || strcmp(type, "aa{sv}") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "a{sv}");
	while (r >= 0 && sd_bus_message_at_end(m, false) == 0) {
		struct dns_entry e = { .ifname = s->ifname };

		r = bus_each(m, take_dns_entry, &e);
		if (r < 0 || !e.ours)
			continue;
		for (size_t i = 0; i < e.dns.n; i++)
			dns_add_server(&s->dns, &e.dns.servers[i]);
		dns_add_domains(&s->dns, (struct span){ e.dns.domains, strlen(e.dns.domains) });
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

int bus_read_nm_dns(sd_bus_message *m, struct bus_nm_dns *s)
{
	return bus_each(m, take_dns_manager, s);
}

/* A VPN's servers belong to its connection and not to its device; the DNS manager has them. */
static int nm_dns_manager(struct dns *n, const char *ifname, int64_t deadline, struct fact_dns *dns)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct bus_nm_dns s = { .ifname = ifname };
	int r = bus_get_all(n, SERVICE_NM, deadline, NM_PATH "/DnsManager", NM ".DnsManager",
			    &reply);

	if (r < 0)
		return r;
	if (bus_read_nm_dns(reply, &s) == 0) {
		s.dns.gateway4 = dns->gateway4;
		s.dns.gateway6 = dns->gateway6;
		s.dns.portal = dns->portal;
		*dns = s.dns;
	}
	return 0;
}

struct nm_paths {
	const char *v[ACTIVE_MAX]; /* borrowed of the message */
	size_t n;
};

static int take_active(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct nm_paths *paths = arg;
	const char *path;
	int r;

	if (strcmp(key, "ActiveConnections") != 0 || strcmp(type, "ao") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "o");
	while (r >= 0 && (r = sd_bus_message_read(m, "o", &path)) > 0)
		if (paths->n < ACTIVE_MAX)
			paths->v[paths->n++] = path;
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

static int nm_vpn(struct dns *n, int64_t deadline, const char *path, struct bus_nm_config *c)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct nm_device d = { 0 };
	int r = bus_get_all(n, SERVICE_NM, deadline, path, NM ".Connection.Active", &reply);

	if (r < 0)
		return r == -ENOENT ? 0 : r; /* it was deactivated meanwhile */
	if (bus_each(reply, take_nm_device, &d) < 0 || !d.vpn)
		return 0;
	return nm_configs(n, deadline, &d, c);
}

/*
 * A VPN plugin's connection names the device that it goes over, and not the tun device that it
 * made: that one has its addresses. The DNS manager leaves it out where NetworkManager is told not
 * to care for resolv.conf, and is not there before 1.6.
 */
static int nm_vpns(struct dns *n, const struct facts *f, int index, int64_t deadline,
		   struct bus_nm_config *ret)
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	struct nm_paths paths = { 0 };
	int r = bus_get_all(n, SERVICE_NM, deadline, NM_PATH, NM, &reply);

	if (r < 0)
		return r;
	if (bus_each(reply, take_active, &paths) < 0)
		return -ENOENT;
	for (size_t i = 0; i < paths.n; i++) {
		struct bus_nm_config c = { .f = f, .index = index };

		r = nm_vpn(n, deadline, paths.v[i], &c);
		if (r < 0)
			return r;
		if (!c.addressed)
			continue;
		if (!ip_is_set(&c.dns.gateway4))
			c.dns.gateway4 = ret->dns.gateway4;
		if (!ip_is_set(&c.dns.gateway6))
			c.dns.gateway6 = ret->dns.gateway6;
		*ret = c;
		return 0;
	}
	return 0;
}

static int ask_nm(struct dns *n, const struct facts *f, const struct fact_link *link,
		  int64_t deadline, struct fact_dns *ret)
{
	struct bus_nm_config c = { 0 };
	int r = bus_reach(n, SERVICE_NM, deadline);

	if (r == 0)
		r = nm_device(n, link->name, deadline, &c);
	if ((r == 0 || r == -ENOENT) && !c.dns.n)
		r = nm_dns_manager(n, link->name, deadline, &c.dns);
	if ((r == 0 || r == -ENOENT) && !c.dns.n)
		r = nm_vpns(n, f, link->index, deadline, &c);
	if (r < 0)
		return r;
	if (!dns_found(&c.dns))
		return -ENOENT;
	dns_add_domains(&c.dns, (struct span){ c.domains.domains, strlen(c.domains.domains) });
	*ret = c.dns;
	copy_string(ret->source, sizeof(ret->source), "NetworkManager");
	return 0;
}

int bus_nm(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	   struct fact_dns *ret)
{
	return bus_asked(n, ask_nm(n, f, link, deadline, ret));
}

static int take_check_url(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	const char *text = NULL;
	int r = 0;

	if (strcmp(key, "ConnectivityCheckUri") != 0)
		return 0;
	r = bus_take_string(m, type, &text);
	if (r > 0)
		copy_string(arg, DNS_URL_MAX, text);
	return r;
}

int bus_nm_check_url(struct dns *n, int64_t deadline, char ret[DNS_URL_MAX])
{
	_cleanup_message_ sd_bus_message *reply = NULL;
	int r = bus_reach(n, SERVICE_NM, deadline);

	if (r == 0)
		r = bus_get_all(n, SERVICE_NM, deadline, NM_PATH, NM, &reply);
	if (r == 0 && bus_each(reply, take_check_url, ret) < 0)
		r = -ENOENT;
	return bus_asked(n, r);
}
