/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DNS_PARSERS_H
#define VIA_DNS_PARSERS_H

/*
 * Readers of bytes that others wrote: pure functions, each for one format. The bytes may be
 * anything. What is not understood is passed over in text; a binary packet is taken as a whole or
 * not at all.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/facts.h"

#define DNS_FILE_MAX    ((size_t)65536) /* bytes that are read */
#define DNS_DOMAINS     6
#define DNS_LEASE_ADDRS 8

/* One lease, or what is written in one file. */
struct dns_lease {
	struct fact_dns dns; /* servers, domains and gateways alone are filled in */
	/* The addresses that it is for. None: it does not say. */
	struct ip addrs[DNS_LEASE_ADDRS];
	size_t n;
	int64_t until; /* seconds since the epoch; INT64_MAX: it does not say */
	/* Classless static routes (RFC 3442): whether there are any, and the default one's gateway.
	 */
	bool classless;
	struct ip classless_gateway;
};

/* Adds a server, unless it is there, cannot be one, or there is no room. */
void dns_add_server(struct fact_dns *dns, const struct ip *ip);
/* As text; ADDR:53 and [ADDR]:53 are taken, another port or a word is not; a zone is cut off. */
void dns_add_server_text(struct fact_dns *dns, const char *text, size_t len);
/*
 * Notes the gateway of its family, unless one is there or it is 0.0.0.0 or ::; a zone of IPv6 is
 * cut off.
 */
void dns_add_gateway_text(struct fact_dns *dns, const char *text, size_t len);
/* Whether a server or a gateway is there. */
bool dns_found(const struct fact_dns *dns);
/*
 * Adds an option of resolv.conf(5), unless it is none that a session's resolver can have, or there
 * is no room; of one that has a number the last one counts.
 */
void dns_add_option(struct fact_dns *dns, const char *text, size_t len);
/* Takes the option of that name out, a number's with its colon ("ndots:"). */
void dns_drop_option(struct fact_dns *dns, const char *name, size_t len);
/* Adds a domain to search without its last dot, unless it is no host name or there is no room. */
void dns_add_domain(struct fact_dns *dns, const char *text, size_t len);

/* resolv.conf(5). ret is not emptied before. */
void dns_parse_resolv_conf(const char *bytes, size_t len, struct fact_dns *ret);
/* What resolvconf(8) keeps of one registration: it joins all lines "search". */
void dns_parse_registered(const char *bytes, size_t len, struct fact_dns *ret);

/*
 * ifupdown's interfaces(5), and ifupdown-ng's: what the stanzas of one name say (there may be one
 * for each family, in several files), and from which others they inherit. ret is not emptied
 * before.
 */
#define DNS_LOGICAL_MAX 64
#define DNS_PARENTS_MAX 4
struct dns_stanza {
	struct fact_dns dns;
	char parents[DNS_PARENTS_MAX][DNS_LOGICAL_MAX];
	size_t n;
};
void dns_parse_interfaces(const char *bytes, size_t len, const char *logical,
			  struct dns_stanza *ret);

/* The files that it includes. Returns how many there are. */
#define DNS_SOURCES_MAX 16
struct dns_source {
	bool directory;    /* source-directory */
	char pattern[256]; /* as it stands there */
};
size_t dns_parse_sources(const char *bytes, size_t len, struct dns_source ret[DNS_SOURCES_MAX]);

/*
 * ifupdown's /run/network/ifstate: the stanza by which that interface was configured. False when it
 * was not.
 */
bool dns_parse_ifstate(const char *bytes, size_t len, const char *ifname,
		       char ret[DNS_LOGICAL_MAX]);

/*
 * The others start with an empty *ret, and return 0, or -ENOENT with neither server nor gateway.
 *
 * /run/NetworkManager/devices/IFINDEX: the groups [dhcp4] and [dhcp6] are leases of their own, of
 * which either may be old.
 */
int dns_parse_nm_device(const char *bytes, size_t len, struct dns_lease *ret4,
			struct dns_lease *ret6);

/*
 * The variables of a shell that udhcpc(8) gives its script, and those that klibc's ipconfig leaves
 * in /run/net-IF.conf. -ENOENT also when they are of another interface, or of no address.
 */
int dns_parse_udhcpc(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret);
int dns_parse_ipconfig(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret);

/*
 * A resolv.conf of which some lines are marked "# IF": those of that interface alone. ret is not
 * emptied before.
 */
void dns_parse_marked(const char *bytes, size_t len, const char *ifname, struct fact_dns *ret);

/* /run/systemd/netif/links/IFINDEX and …/leases/IFINDEX. */
int dns_parse_networkd(const char *bytes, size_t len, struct dns_lease *ret);

/*
 * dhclient.leases(5): of the leases of that interface the last one of each kind, `lease` for IPv4
 * and `lease6`. A file cut off at its beginning is fine.
 */
int dns_parse_dhclient(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret4,
		       struct dns_lease *ret6);

/*
 * dhcpcd's lease files: the server's answer as it came, DHCP (RFC 2131) or DHCPv6 (RFC 8415).
 * written is when, in seconds since the epoch. -EBADMSG when it is no such packet.
 */
int dns_parse_dhcp(const uint8_t *bytes, size_t len, int64_t written, struct dns_lease *ret);
int dns_parse_dhcp6(const uint8_t *bytes, size_t len, int64_t written, struct dns_lease *ret);

#endif
