/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_MODEL_IP_H
#define VIA_MODEL_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An IPv4 or IPv6 address in network byte order. A zeroed one (family 0) means "none". */
struct ip {
	uint8_t family; /* AF_INET, AF_INET6 or 0 */
	uint8_t bytes[16];
};

struct prefix {
	struct ip ip;
	uint8_t len; /* bits */
};

struct mac {
	uint8_t bytes[6];
};

#define IP_TEXT_MAX  64 /* longest address or prefix with its terminator */
#define MAC_TEXT_MAX 18

/* Strict: inet_pton(3) of either family, or of one. Returns 0 or -EINVAL. */
int ip_parse(const char *text, struct ip *ret);
int prefix_parse(const char *text, struct prefix *ret);

/* Six bytes as two hexadecimal digits each, of either case, with colons between. 0 or -EINVAL. */
int mac_parse(const char *text, struct mac *ret);
bool mac_is_set(const struct mac *mac);

/* Each writes into buf of IP_TEXT_MAX (MAC_TEXT_MAX) bytes and returns it. */
const char *ip_format(const struct ip *ip, char *buf);
const char *prefix_format(const struct prefix *p, char *buf);
const char *mac_format(const struct mac *mac, char *buf);

/* Adds "OPTION PREFIX ", as ip-rule(8) and iptables(8) take it; nothing for a length of 0. */
struct strbuf;
void prefix_print(struct strbuf *sb, const char *option, const struct prefix *p);

struct ip ip_from_bytes(uint8_t family, const void *bytes);
size_t ip_size(const struct ip *ip); /* 4, 16 or 0 bytes */
bool ip_is_set(const struct ip *ip);
bool ip_equal(const struct ip *a, const struct ip *b);
int ip_compare(const struct ip *a, const struct ip *b);

/* Link-local: 169.254.0.0/16 (RFC 3927) or fe80::/10 (RFC 4291). */
bool ip_is_link_local(const struct ip *ip);

/*
 * Whether a name server can have that address: not a loopback, multicast, unspecified or
 * IPv4-mapped one, and no link-local one of IPv6, which is ambiguous without a device.
 */
bool ip_can_serve(const struct ip *ip);

/*
 * The same for a server of a link that is known, and with it the device: there an IPv6 address may
 * be link-local.
 */
bool ip_can_serve_link(const struct ip *ip);

/* The address n places after ip; wraps silently. */
struct ip ip_add(const struct ip *ip, uint32_t n);
/* The distance of ip from the start of p, in its low 32 bits. */
uint32_t ip_offset(const struct ip *ip, const struct prefix *p);

/* By address, then by length: what holds others stands before them. For qsort(3) too. */
int prefix_compare(const void *a, const void *b);

/* The first address of the prefix, its host bits cleared. */
struct prefix prefix_masked(const struct prefix *p);
bool prefix_overlap(const struct prefix *a, const struct prefix *b);
bool prefix_contains(const struct prefix *p, const struct ip *ip);

#endif
