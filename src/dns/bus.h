/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DNS_BUS_H
#define VIA_DNS_BUS_H

/*
 * Between bus.c, which owns the connection to the system bus, and the readers of the services on
 * it, a file each. All calls for one question share its deadline, a clock_ms().
 */

#include <systemd/sd-bus.h>

#include "dns/internal.h"

#define BUS_NAME_NM          "org.freedesktop.NetworkManager"
#define BUS_NAME_CONNMAN     "net.connman"
#define BUS_NAME_CONNMAN_VPN "net.connman.vpn"
#define BUS_NAME_RESOLVED    "org.freedesktop.resolve1"
#define BUS_NAME_MODEM       "org.freedesktop.ModemManager1"

enum service {
	SERVICE_NM,
	SERVICE_CONNMAN,
	SERVICE_CONNMAN_VPN,
	SERVICE_RESOLVED,
	SERVICE_MODEM,
	SERVICE_BUS, /* the bus itself, the last one */
	SERVICE_COUNT,
};

void bus_message_done(sd_bus_message **m);
#define _cleanup_message_ __attribute__((cleanup(bus_message_done)))

/*
 * Makes sure that a service is there to be asked. 0, -ESRCH when it is not on the bus, or
 * -ETIMEDOUT when it did not answer in time, or did not a moment ago.
 */
int bus_reach(struct dns *n, enum service s, int64_t deadline);

/*
 * Sends a method call of a service that bus_reach() found, and waits for the reply. Any error but
 * silence means that it has nothing to tell, and is -ENOENT; -ESRCH: the bus went away.
 */
int bus_call(struct dns *n, enum service s, int64_t deadline, sd_bus_message *m,
	     sd_bus_message **ret);

/* A call to be made; -ENOENT when the path or a name is no valid one. */
int bus_new_call(struct dns *n, enum service s, const char *path, const char *interface,
		 const char *method, sd_bus_message **ret);

/* org.freedesktop.DBus.Properties.GetAll. */
int bus_get_all(struct dns *n, enum service s, int64_t deadline, const char *path,
		const char *interface, sd_bus_message **ret);

/*
 * Takes in the signals that came between the answers: they have been read, and no poll(2) would
 * tell of them. To be called when a question has been asked; returns r.
 */
int bus_asked(struct dns *n, int r);

/* bus_values.c */

/*
 * Walks an a{sv} and gives each value to take(), inside of its variant. take() returns 1 when it
 * has read all of it, 0 to pass it over without having read anything, or a negative errno.
 * 0, or -EBADMSG.
 */
typedef int (*bus_take_fn)(sd_bus_message *m, const char *key, const char *type, void *arg);
int bus_each(sd_bus_message *m, bus_take_fn take, void *arg);

/* Each returns as a bus_take_fn does. */
int bus_take_strings(sd_bus_message *m, struct fact_dns *dns,
		     void (*add)(struct fact_dns *, const char *, size_t));
int bus_take_bytes(sd_bus_message *m, struct fact_dns *dns); /* ay: a server's address */
/* A string or an object path, borrowed of the message. Another type is passed over. */
int bus_take_string(sd_bus_message *m, const char *type, const char **ret);
int bus_take_bool(sd_bus_message *m, const char *type, bool *ret);
/* A gateway, or several with spaces between: the first is the one to use. */
int bus_take_gateway(sd_bus_message *m, const char *type, struct fact_dns *dns);

/*
 * The readers of whole answers, for the services and for tests/fuzz: m is at the beginning of the
 * body. 0, or -EBADMSG with ret as far as it was read.
 */
struct bus_nm_config {
	struct fact_dns dns;     /* servers, and domains to search */
	struct fact_dns domains; /* the network's own domains */
	const struct facts *f;   /* in: the host's addresses */
	int index;               /* in: the link that is asked about */
	bool addressed;          /* an address of it is on that link */
};
int bus_read_nm_config(sd_bus_message *m, struct bus_nm_config *c); /* IP4Config, IP6Config */
int bus_read_nm_lease(sd_bus_message *m, struct dns_lease *ret);    /* DHCP4Config */

struct bus_nm_dns {
	const char *ifname; /* in */
	struct fact_dns dns;
};
int bus_read_nm_dns(sd_bus_message *m, struct bus_nm_dns *s); /* DnsManager */

/* GetServices, and connman-vpnd's GetConnections. */
int bus_read_connman(sd_bus_message *m, const struct fact_link *link, struct fact_dns *ret);

#define BUS_BEARERS_MAX 16
struct bus_bearers {
	const char *paths[BUS_BEARERS_MAX]; /* borrowed of the message */
	size_t n;
};
int bus_read_modems(sd_bus_message *m, struct bus_bearers *ret); /* GetManagedObjects */
/* -ENOENT: it is not connected, or by another device. */
int bus_read_bearer(sd_bus_message *m, const char *ifname, struct fact_dns *ret);

int bus_read_resolved(sd_bus_message *m, struct fact_dns *ret); /* Link */

#endif
