/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "dns/parsers.h"

void dns_add_server(struct fact_dns *dns, const struct ip *ip)
{
	if (!ip_can_serve_link(ip) || dns->n == DNS_SERVERS_MAX)
		return;
	for (size_t i = 0; i < dns->n; i++)
		if (ip_equal(&dns->servers[i], ip))
			return;
	dns->servers[dns->n++] = *ip;
}

/* The zone behind an address (RFC 4007, section 11) is cut off. */
static size_t strip_zone(const char *text, size_t len)
{
	const char *zone = len ? memchr(text, '%', len) : NULL;

	return zone ? (size_t)(zone - text) : len;
}

/* The length of the address in "[ADDR]", "[ADDR]:53" or "ADDR:53" of IPv4, else 0. */
static size_t strip_port(const char **text, size_t len)
{
	const char *colon, *close;
	size_t rest;

	if (**text == '[') {
		close = memchr(*text, ']', len);
		if (!close)
			return 0;
		rest = strip_zone(close + 1, len - (size_t)(close + 1 - *text));
		if (rest && (rest != 3 || memcmp(close + 1, ":53", 3) != 0))
			return 0;
		++*text;
		return strip_zone(*text, (size_t)(close - *text));
	}
	len = strip_zone(*text, len);
	colon = memchr(*text, ':', len);
	if (!colon || memchr(colon + 1, ':', len - (size_t)(colon + 1 - *text)))
		return len; /* without a port */
	rest = len - (size_t)(colon - *text);
	return rest == 3 && !memcmp(colon, ":53", 3) ? (size_t)(colon - *text) : 0;
}

void dns_add_server_text(struct fact_dns *dns, const char *text, size_t len)
{
	char buf[IP_TEXT_MAX];
	struct ip ip;

	for (size_t i = 0; i < len; i++)
		if (text[i] == '#')
			len = i; /* a name for TLS: ADDR%IF#NAME */
	if (len)
		len = strip_port(&text, len);
	if (!len || len >= sizeof(buf) || memchr(text, 0, len))
		return;
	memcpy(buf, text, len);
	buf[len] = 0;
	if (ip_parse(buf, &ip) == 0)
		dns_add_server(dns, &ip);
}

void dns_add_gateway_text(struct fact_dns *dns, const char *text, size_t len)
{
	static const uint8_t none[sizeof(((struct ip *)NULL)->bytes)];
	const char *zone = len ? memchr(text, '%', len) : NULL;
	char buf[IP_TEXT_MAX];
	struct ip ip, *to;

	if (zone)
		len = (size_t)(zone - text);
	if (len >= sizeof(buf) || memchr(text, 0, len))
		return;
	memcpy(buf, text, len);
	buf[len] = 0;
	if (ip_parse(buf, &ip) < 0 || !memcmp(ip.bytes, none, sizeof(none)))
		return;
	to = ip.family == AF_INET ? &dns->gateway4 : &dns->gateway6;
	if (!ip_is_set(to))
		*to = ip;
}

bool dns_found(const struct fact_dns *dns)
{
	return dns->n || ip_is_set(&dns->gateway4) || ip_is_set(&dns->gateway6);
}

static bool alphanumeric(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Labels of letters, digits, '-' and '_', as host names and service records have them. */
static bool is_domain(const char *text, size_t len)
{
	size_t label = 0;

	if (len > 253)
		return false;
	for (size_t i = 0; i <= len; i++) {
		if (i == len || text[i] == '.') {
			if (!label || label > 63 || text[i - 1] == '-')
				return false;
			label = 0;
		} else if (alphanumeric(text[i]) || text[i] == '_' || (text[i] == '-' && label)) {
			label++;
		} else {
			return false;
		}
	}
	return true;
}

void dns_add_domain(struct fact_dns *dns, const char *text, size_t len)
{
	size_t used = strlen(dns->domains), count = 0;

	if (len && text[len - 1] == '.')
		len--;
	if (!len || !is_domain(text, len))
		return;
	for (const char *at = dns->domains; *at; count++) {
		size_t n = strcspn(at, " ");

		if (n == len && !strncasecmp(at, text, len))
			return;
		at += n + (at[n] == ' ');
	}
	if (count == DNS_DOMAINS || used + (count != 0) + len >= sizeof(dns->domains))
		return;
	if (count)
		dns->domains[used++] = ' ';
	memcpy(dns->domains + used, text, len);
	dns->domains[used + len] = 0;
}

/*
 * Of resolv.conf(5) in glibc 2.41, without inet6 and its kin, which are gone, and debug. What has a
 * number takes it as decimal.
 */
static const char *const options[] = {
	"ndots:",         "timeout:",     "attempts:",      "rotate",
	"no-check-names", "edns0",        "single-request", "single-request-reopen",
	"no-tld-query",   "use-vc",       "no-reload",      "trust-ad",
	"no-aaaa",        "strict-error",
};

/* The length of the option's name in "ndots:2", with the colon; 0: it is none of them. */
static size_t option_name(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++) {
		size_t name = strlen(options[i]), digits = 0;

		if (len < name || memcmp(text, options[i], name) != 0)
			continue;
		while (name + digits < len && text[name + digits] >= '0' &&
		       text[name + digits] <= '9')
			digits++;
		if (name + digits == len &&
		    (options[i][name - 1] == ':' ? digits && digits < 4 : !digits))
			return name;
	}
	return 0;
}

void dns_drop_option(struct fact_dns *dns, const char *name, size_t len)
{
	char *at = dns->options, *to = at;

	while (*at) {
		size_t n = strcspn(at, " ");
		size_t step = n + (at[n] == ' ');

		if (option_name(at, n) != len || memcmp(at, name, len) != 0) {
			if (to != dns->options)
				*to++ = ' ';
			memmove(to, at, n);
			to += n;
		}
		at += step;
	}
	*to = 0;
}

void dns_add_option(struct fact_dns *dns, const char *text, size_t len)
{
	size_t name = option_name(text, len), used;

	if (!name)
		return;
	dns_drop_option(dns, text, name);
	used = strlen(dns->options);
	if (used + (used != 0) + len >= sizeof(dns->options))
		return;
	if (used)
		dns->options[used++] = ' ';
	memcpy(dns->options + used, text, len);
	dns->options[used + len] = 0;
}
