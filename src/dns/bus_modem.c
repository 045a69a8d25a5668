/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ModemManager: what the operator's network told for a bearer
 * (org.freedesktop.ModemManager1.Bearer). ModemManager does not configure the device itself:
 * NetworkManager does, or a script by `mmcli`. Where a modem speaks PPP, the bearer's interface is
 * a serial port and pppd is told.
 */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "dns/bus.h"

#define MODEM      BUS_NAME_MODEM
#define MODEM_PATH "/org/freedesktop/ModemManager1"

static int take_bearers(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bus_bearers *b = arg;
	const char *path;
	int r;

	if (strcmp(key, "Bearers") != 0 || strcmp(type, "ao") != 0)
		return 0;
	r = sd_bus_message_enter_container(m, 'a', "o");
	while (r >= 0 && (r = sd_bus_message_read(m, "o", &path)) > 0)
		if (b->n < BUS_BEARERS_MAX)
			b->paths[b->n++] = path;
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 1;
}

/* One object's interfaces, an a{sa{sv}}. */
static int read_interfaces(sd_bus_message *m, struct bus_bearers *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "{sa{sv}}");
	const char *interface;

	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "sa{sv}")) > 0) {
		if (sd_bus_message_read(m, "s", &interface) < 0)
			return -EBADMSG;
		r = !strcmp(interface, MODEM ".Modem") ? bus_each(m, take_bearers, ret)
						       : sd_bus_message_skip(m, "a{sv}");
		if (r < 0 || sd_bus_message_exit_container(m) < 0)
			return -EBADMSG;
	}
	return r < 0 || sd_bus_message_exit_container(m) < 0 ? -EBADMSG : 0;
}

int bus_read_modems(sd_bus_message *m, struct bus_bearers *ret)
{
	int r = sd_bus_message_enter_container(m, 'a', "{oa{sa{sv}}}");

	ret->n = 0;
	while (r >= 0 && (r = sd_bus_message_enter_container(m, 'e', "oa{sa{sv}}")) > 0)
		if (sd_bus_message_skip(m, "o") < 0 || read_interfaces(m, ret) < 0 ||
		    sd_bus_message_exit_container(m) < 0)
			return -EBADMSG;
	return r < 0 ? -EBADMSG : 0;
}

struct bearer {
	const char *ifname; /* in */
	bool ours, connected;
	struct fact_dns dns;
};

/* Ip4Config and Ip6Config. Where the method is DHCP they may say nothing. */
static int take_config(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bearer *b = arg;
	const char *text;
	int r;

	if (!strcmp(key, "gateway"))
		return bus_take_gateway(m, type, &b->dns);
	if (strcmp(key, "dns1") != 0 && strcmp(key, "dns2") != 0 && strcmp(key, "dns3") != 0)
		return 0;
	r = bus_take_string(m, type, &text);
	if (r > 0)
		dns_add_server_text(&b->dns, text, strlen(text));
	return r;
}

static int take_bearer(sd_bus_message *m, const char *key, const char *type, void *arg)
{
	struct bearer *b = arg;
	const char *text;
	int r;

	if (!strcmp(key, "Connected"))
		return bus_take_bool(m, type, &b->connected);
	if (!strcmp(key, "Interface")) {
		r = bus_take_string(m, type, &text);
		if (r > 0)
			b->ours = !strcmp(text, b->ifname);
		return r;
	}
	if ((strcmp(key, "Ip4Config") != 0 && strcmp(key, "Ip6Config") != 0) ||
	    strcmp(type, "a{sv}") != 0)
		return 0;
	return bus_each(m, take_config, b) < 0 ? -EBADMSG : 1;
}

int bus_read_bearer(sd_bus_message *m, const char *ifname, struct fact_dns *ret)
{
	struct bearer b = { .ifname = ifname };
	int r = bus_each(m, take_bearer, &b);

	if (r < 0)
		return r;
	if (!b.ours || !b.connected || !dns_found(&b.dns))
		return -ENOENT;
	*ret = b.dns;
	return 0;
}

static int ask(struct dns *n, const char *ifname, int64_t deadline, struct fact_dns *ret)
{
	_cleanup_message_ sd_bus_message *m = NULL, *objects = NULL;
	int r = bus_reach(n, SERVICE_MODEM, deadline);
	struct bus_bearers bearers;

	if (r < 0)
		return r;
	r = bus_new_call(n, SERVICE_MODEM, MODEM_PATH, "org.freedesktop.DBus.ObjectManager",
			 "GetManagedObjects", &m);
	if (r == 0)
		r = bus_call(n, SERVICE_MODEM, deadline, m, &objects);
	if (r < 0)
		return r;
	if (bus_read_modems(objects, &bearers) < 0)
		return -ENOENT;
	for (size_t i = 0; i < bearers.n; i++) {
		_cleanup_message_ sd_bus_message *reply = NULL;
		struct fact_dns dns = { 0 };

		r = bus_get_all(n, SERVICE_MODEM, deadline, bearers.paths[i], MODEM ".Bearer",
				&reply);
		if (r < 0 && r != -ENOENT) /* or it was removed meanwhile */
			return r;
		if (r < 0 || bus_read_bearer(reply, ifname, &dns) < 0)
			continue;
		*ret = dns;
		copy_string(ret->source, sizeof(ret->source), "ModemManager");
		return 0;
	}
	return -ENOENT;
}

int bus_modem(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	      struct fact_dns *ret)
{
	(void)f;
	return bus_asked(n, ask(n, link->name, deadline, ret));
}
