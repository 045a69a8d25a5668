/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DNS_INTERNAL_H
#define VIA_DNS_INTERNAL_H

#include "dns/dns.h"
#include "dns/parsers.h"

/* A part of a text that was read: not terminated. */
struct span {
	const char *at;
	size_t len;
};

/* The next line without its end, of which "\r" is a part; false behind the last one. */
bool span_line(struct span *rest, struct span *ret);
/* The next word between blanks (and those of separators); false when none is left. */
bool span_word(struct span *rest, const char *separators, struct span *ret);
bool span_is(const struct span *s, const char *text);
/* Splits "KEY=VALUE", blanks around both taken off; false without '='. */
bool span_pair(const struct span *line, struct span *ret_key, struct span *ret_value);

/* Each word of a list; commas separate too. */
void dns_add_servers(struct fact_dns *dns, struct span list);
void dns_add_domains(struct fact_dns *dns, struct span list);
/* The first of a list, which is the one to use. */
void dns_add_gateways(struct fact_dns *dns, struct span list);
void dns_add_lease_addr(struct dns_lease *lease, const struct ip *ip);
void dns_add_lease_addr_text(struct dns_lease *lease, const struct span *s);

/*
 * Classless static routes (RFC 3442) of a lease, as DHCP encodes them. 0, or -EBADMSG with the
 * lease untouched.
 */
int dns_add_classless(struct dns_lease *lease, const uint8_t *bytes, size_t len);

/*
 * The same as the clients write them down: pairs of "10.20.0.0/16" (or dhclient's "16.10.20") and
 * router; or the bytes, in decimal with commas or blanks between, or in hexadecimal with colons.
 */
void dns_add_classless_text(struct dns_lease *lease, struct span list);

/* What a client makes of the option Router when there are classless routes without a default. */
enum dns_routers {
	ROUTERS_IGNORED, /* RFC 3442: it MUST be ignored */
	ROUTERS_KEPT,    /* NetworkManager, src/libnm-core-impl: it is used all the same */
};

/*
 * To be called when a lease has been read: the default route among its classless routes goes before
 * the option Router.
 */
void dns_settle_gateway(struct dns_lease *lease, enum dns_routers routers);

/* Forgets what was found, for a lease that says nothing yet. */
void dns_lease_init(struct dns_lease *lease);

/*
 * files_*.c. Each returns 0 with a server or a gateway in *ret and its source named, or -ENOENT;
 * now is in seconds since the epoch.
 */
int files_nm(const struct dns *n, const struct facts *f, const struct fact_link *link, int64_t now,
	     struct fact_dns *ret);
int files_networkd(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret);
int files_dhclient(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret);
int files_dhcpcd(const struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t now, struct fact_dns *ret);
int files_udhcpc(const struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t now, struct fact_dns *ret);
int files_ipconfig(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret);
int files_resolvconf(const struct dns *n, const struct facts *f, const struct fact_link *link,
		     int64_t now, struct fact_dns *ret);
int files_ifupdown(const struct dns *n, const struct facts *f, const struct fact_link *link,
		   int64_t now, struct fact_dns *ret);
int files_ppp(const struct dns *n, const struct facts *f, const struct fact_link *link, int64_t now,
	      struct fact_dns *ret);
/*
 * A directory of leases that may not be read, or NULL. Root without CAP_DAC_READ_SEARCH is one user
 * among others: some have dhcpcd's with mode 0700 and another owner.
 */
const char *files_unreadable(const struct dns *n);
/* Adds what a resolv.conf names; false when it cannot be read. */
bool files_resolv_conf(const struct dns *n, const char *path, struct fact_dns *ret);

/* Whether the link has that address. */
bool dns_on_link(const struct facts *f, int index, const struct ip *ip);

/*
 * bus_nm.c, bus_connman.c, bus_resolved.c, bus_modem.c; bus_none.c where there is no sd-bus. The
 * questions return 0 with a server or a gateway in *ret, or -ENOENT: asked, and there is none;
 * -ESRCH: the service is not there; -ETIMEDOUT: it does not answer, or did not a moment ago;
 * -ENOSYS: built without D-Bus. deadline is a clock_ms().
 */
#define BUS_MS         300  /* for what one service is asked about a link; for all twice that */
#define BUS_PATIENT_MS 3000 /* the same, after dns_take_time() */
#define BUS_SOCKET_DIR "/run/dbus"
#define BUS_SOCKET     "system_bus_socket"
int bus_nm(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	   struct fact_dns *ret);
/* The property as it is, or -ENOENT and the like. */
int bus_nm_check_url(struct dns *n, int64_t deadline, char ret[DNS_URL_MAX]);
int bus_connman(struct dns *n, const struct facts *f, const struct fact_link *link,
		int64_t deadline, struct fact_dns *ret);
int bus_resolved(struct dns *n, const struct facts *f, const struct fact_link *link,
		 int64_t deadline, struct fact_dns *ret);
/* Sets tls and dnssec of *ret, if it answers. */
void bus_resolved_protection(struct dns *n, int ifindex, int64_t deadline, struct fact_dns *ret);
int bus_modem(struct dns *n, const struct facts *f, const struct fact_link *link, int64_t deadline,
	      struct fact_dns *ret);
/* bus.c */
/* Connects, if that has not been done. */
int bus_open(struct dns *n, int64_t deadline);
void bus_close(struct dns *n);
/* The descriptor, -1 without, and what to poll(2) it for. */
int bus_poll(const struct dns *n, short *ret_events);
/* Takes in what has arrived; true when it was of interest. */
bool bus_take_events(struct dns *n);

/* watch.c */
void watch_close(struct dns *n);
bool watch_take_events(struct dns *n);

#endif
