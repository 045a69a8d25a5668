/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Classless static routes of a DHCP lease: option 121 (RFC 3442), and option 249, Microsoft's name
 * for the same bytes. The kernel has the routes themselves; what counts here is the gateway of the
 * default route among them, for a card whose default route is not installed.
 */
#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "dns/internal.h"

#define OPTION_MAX 2048 /* bytes of one option in all its parts (RFC 3396) */

/* Notes one route. A router of 0.0.0.0 is no gateway: the destination is on the link. */
static void add_route(struct dns_lease *lease, uint8_t len, const struct ip *gateway)
{
	lease->classless = true;
	if (!len && ip_is_set(gateway) && !ip_is_set(&lease->classless_gateway))
		lease->classless_gateway = *gateway;
}

static struct ip gateway_of(const uint8_t bytes[4])
{
	static const uint8_t none[4];

	return memcmp(bytes, none, sizeof(none)) ? ip_from_bytes(AF_INET, bytes) : (struct ip){ 0 };
}

int dns_add_classless(struct dns_lease *lease, const uint8_t *bytes, size_t len)
{
	struct dns_lease found = *lease;
	size_t i = 0;

	while (i < len) {
		uint8_t bits = bytes[i++];
		size_t octets = (size_t)(bits + 7) / 8; /* only those that count are there */
		struct ip gateway;

		if (bits > 32 || octets + 4 > len - i)
			return -EBADMSG;
		gateway = gateway_of(bytes + i + octets);
		add_route(&found, bits, &gateway);
		i += octets + 4;
	}
	*lease = found;
	return 0;
}

static bool read_text(const struct span *s, char ret[IP_TEXT_MAX])
{
	if (s->len >= IP_TEXT_MAX || memchr(s->at, 0, s->len))
		return false;
	memcpy(ret, s->at, s->len);
	ret[s->len] = 0;
	return true;
}

/* "10.20.0.0/16"; an address alone is a host. */
static bool read_destination(const struct span *s, uint8_t *ret_len)
{
	char text[IP_TEXT_MAX];
	struct prefix prefix;
	struct ip ip;

	if (!read_text(s, text))
		return false;
	if (prefix_parse(text, &prefix) == 0 && prefix.ip.family == AF_INET) {
		*ret_len = prefix.len;
		return true;
	}
	*ret_len = 32;
	return ip_parse(text, &ip) == 0 && ip.family == AF_INET;
}

static bool read_gateway(const struct span *s, struct ip *ret)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	if (!read_text(s, text) || ip_parse(text, &ip) < 0 || ip.family != AF_INET)
		return false;
	*ret = gateway_of(ip.bytes);
	return true;
}

/* One byte in decimal, or in hexadecimal. */
static bool read_byte(const struct span *s, unsigned int base, uint8_t *ret)
{
	static const char digits[] = "0123456789abcdef";
	unsigned int v = 0;

	if (!s->len || s->len > 3)
		return false;
	for (size_t i = 0; i < s->len; i++) {
		int c = tolower((unsigned char)s->at[i]);
		const char *digit = c ? strchr(digits, c) : NULL;

		if (!digit || (unsigned int)(digit - digits) >= base)
			return false;
		v = v * base + (unsigned int)(digit - digits);
	}
	if (v > UINT8_MAX)
		return false;
	*ret = (uint8_t)v;
	return true;
}

static bool is_bytes(struct span list, const char *separators, unsigned int base)
{
	struct span word;
	uint8_t byte;
	size_t n = 0;

	while (span_word(&list, separators, &word)) {
		if (!read_byte(&word, base, &byte))
			return false;
		n++;
	}
	return n > 1;
}

static void add_bytes(struct dns_lease *lease, struct span list, const char *separators,
		      unsigned int base)
{
	uint8_t bytes[OPTION_MAX];
	struct span word;
	size_t n = 0;

	while (n < sizeof(bytes) && span_word(&list, separators, &word))
		if (!read_byte(&word, base, &bytes[n++]))
			return;
	dns_add_classless(lease, bytes, n);
}

/* dhclient's destination descriptor, "16.10.20" or "0": the bytes of RFC 3442 with dots between. */
static bool read_descriptor(const struct span *s, uint8_t *ret_len)
{
	struct span rest = *s, word;
	size_t n = 0;
	uint8_t byte;

	while (span_word(&rest, ".", &word)) {
		if (!read_byte(&word, 10, &byte))
			return false;
		if (!n++)
			*ret_len = byte;
	}
	return n && *ret_len <= 32 && n == 1u + (*ret_len + 7u) / 8;
}

void dns_add_classless_text(struct dns_lease *lease, struct span list)
{
	struct span destination, router;
	struct ip gateway = { 0 };
	uint8_t len = 0;

	if (is_bytes(list, ",", 10)) {
		add_bytes(lease, list, ",", 10);
		return;
	}
	if (is_bytes(list, ":", 16)) { /* an option that the client has no name for */
		add_bytes(lease, list, ":", 16);
		return;
	}
	while (span_word(&list, ",", &destination) && span_word(&list, ",", &router))
		if ((read_destination(&destination, &len) || read_descriptor(&destination, &len)) &&
		    read_gateway(&router, &gateway))
			add_route(lease, len, &gateway);
}

void dns_settle_gateway(struct dns_lease *lease, enum dns_routers routers)
{
	if (ip_is_set(&lease->classless_gateway))
		lease->dns.gateway4 = lease->classless_gateway;
	else if (lease->classless && routers == ROUTERS_IGNORED)
		lease->dns.gateway4 = (struct ip){ 0 };
}
