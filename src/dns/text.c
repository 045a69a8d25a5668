/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The formats of lines: resolv.conf, key files, networkd's state. Whatever is no line of the
 * format is passed over, as their own readers do.
 */
#include <errno.h>
#include <string.h>

#include "dns/internal.h"

static bool blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct span trim(struct span s)
{
	while (s.len && blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len && blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

bool span_line(struct span *rest, struct span *ret)
{
	const char *end;

	if (!rest->len)
		return false;
	end = memchr(rest->at, '\n', rest->len);
	ret->at = rest->at;
	ret->len = end ? (size_t)(end - rest->at) : rest->len;
	rest->at += ret->len + (end != NULL);
	rest->len -= ret->len + (end != NULL);
	if (ret->len && ret->at[ret->len - 1] == '\r')
		ret->len--;
	return true;
}

bool span_word(struct span *rest, const char *separators, struct span *ret)
{
	size_t n = 0;

	while (rest->len &&
	       (blank(rest->at[0]) || (rest->at[0] && strchr(separators, rest->at[0])))) {
		rest->at++;
		rest->len--;
	}
	while (n < rest->len && !blank(rest->at[n]) &&
	       !(rest->at[n] && strchr(separators, rest->at[n])))
		n++;
	ret->at = rest->at;
	ret->len = n;
	rest->at += n;
	rest->len -= n;
	return n;
}

bool span_is(const struct span *s, const char *text)
{
	return s->len == strlen(text) && !memcmp(s->at, text, s->len);
}

bool span_pair(const struct span *line, struct span *ret_key, struct span *ret_value)
{
	const char *equals = line->len ? memchr(line->at, '=', line->len) : NULL;
	size_t key;

	if (!equals)
		return false;
	key = (size_t)(equals - line->at);
	*ret_key = trim((struct span){ line->at, key });
	*ret_value = trim((struct span){ equals + 1, line->len - key - 1 });
	return true;
}

void dns_add_servers(struct fact_dns *dns, struct span list)
{
	struct span word;

	while (span_word(&list, ",", &word))
		dns_add_server_text(dns, word.at, word.len);
}

void dns_add_domains(struct fact_dns *dns, struct span list)
{
	struct span word;

	while (span_word(&list, ",", &word))
		dns_add_domain(dns, word.at, word.len);
}

void dns_add_gateways(struct fact_dns *dns, struct span list)
{
	struct span word;

	if (span_word(&list, ",", &word))
		dns_add_gateway_text(dns, word.at, word.len);
}

void dns_add_lease_addr(struct dns_lease *lease, const struct ip *ip)
{
	if (lease->n < DNS_LEASE_ADDRS)
		lease->addrs[lease->n++] = *ip;
}

void dns_lease_init(struct dns_lease *lease)
{
	*lease = (struct dns_lease){ .until = INT64_MAX };
}

void dns_add_lease_addr_text(struct dns_lease *lease, const struct span *s)
{
	char text[IP_TEXT_MAX];
	struct ip ip;

	if (s->len >= sizeof(text) || memchr(s->at, 0, s->len))
		return;
	memcpy(text, s->at, s->len);
	text[s->len] = 0;
	if (ip_parse(text, &ip) == 0)
		dns_add_lease_addr(lease, &ip);
}

/* A keyword is at the beginning of its line. */
static void parse_resolv_conf(struct span rest, bool every_search, struct fact_dns *ret)
{
	struct span line, key, word, search = { 0 };

	while (span_line(&rest, &line)) {
		if (!line.len || blank(line.at[0]) || !span_word(&line, "", &key))
			continue;
		if (span_is(&key, "nameserver") && span_word(&line, "", &word))
			dns_add_server_text(ret, word.at, word.len);
		else if (span_is(&key, "options"))
			while (span_word(&line, "", &word))
				dns_add_option(ret, word.at, word.len);
		else if (!span_is(&key, "search") && !span_is(&key, "domain"))
			continue;
		else if (every_search)
			dns_add_domains(ret, line);
		else
			search = line;
	}
	if (search.len)
		dns_add_domains(ret, search);
}

/* As glibc reads it (resolv/res_init.c): of "domain" and "search" the last one counts. */
void dns_parse_resolv_conf(const char *bytes, size_t len, struct fact_dns *ret)
{
	parse_resolv_conf((struct span){ bytes, len }, false, ret);
}

void dns_parse_registered(const char *bytes, size_t len, struct fact_dns *ret)
{
	parse_resolv_conf((struct span){ bytes, len }, true, ret);
}

/*
 * NetworkManager's src/core/nm-config.c:nm_config_device_state_write(). The keys are the names of
 * its DHCP clients' options with the group's own before them.
 */
static void nm_pair(const struct span *key, const struct span *value, bool six,
		    struct dns_lease *lease)
{
	if (span_is(key, six ? "dhcp6.dhcp6_name_servers" : "dhcp4.domain_name_servers"))
		dns_add_servers(&lease->dns, *value);
	else if (span_is(key, six ? "dhcp6.dhcp6_domain_search" : "dhcp4.domain_search") ||
		 (!six && span_is(key, "dhcp4.domain_name")))
		dns_add_domains(&lease->dns, *value);
	else if (span_is(key, six ? "dhcp6.ip6_address" : "dhcp4.ip_address"))
		dns_add_lease_addr_text(lease, value);
	else if (!six && span_is(key, "dhcp4.routers"))
		dns_add_gateways(&lease->dns, *value);
	else if (!six && (span_is(key, "dhcp4.rfc3442_classless_static_routes") ||
			  span_is(key, "dhcp4.classless_static_routes") ||
			  span_is(key, "dhcp4.ms_classless_static_routes")))
		dns_add_classless_text(lease, *value);
}

int dns_parse_nm_device(const char *bytes, size_t len, struct dns_lease *ret4,
			struct dns_lease *ret6)
{
	struct span rest = { bytes, len }, line, key, value;
	struct dns_lease *group = NULL;

	dns_lease_init(ret4);
	dns_lease_init(ret6);
	while (span_line(&rest, &line)) {
		line = trim(line);
		if (!line.len || line.at[0] == '#')
			continue;
		if (line.at[0] == '[')
			group = span_is(&line, "[dhcp4]")   ? ret4
				: span_is(&line, "[dhcp6]") ? ret6
							    : NULL;
		else if (group && span_pair(&line, &key, &value))
			nm_pair(&key, &value, group == ret6, group);
	}
	dns_settle_gateway(ret4, ROUTERS_KEPT);
	return dns_found(&ret4->dns) || dns_found(&ret6->dns) ? 0 : -ENOENT;
}

/*
 * src/network/networkd-state-file.c and src/libsystemd-network/sd-dhcp-lease.c. A link that the
 * administrator gave no domains to has those of its lease in DOMAINS= only where UseDomains= says
 * so, and then they are there already.
 */
int dns_parse_networkd(const char *bytes, size_t len, struct dns_lease *ret)
{
	struct span rest = { bytes, len }, line, key, value;

	dns_lease_init(ret);
	while (span_line(&rest, &line)) {
		if (!line.len || line.at[0] == '#' || !span_pair(&line, &key, &value))
			continue;
		if (span_is(&key, "DNS"))
			dns_add_servers(&ret->dns, value);
		else if (span_is(&key, "DOMAINS") || span_is(&key, "DOMAINNAME") ||
			 span_is(&key, "DOMAIN_SEARCH_LIST"))
			dns_add_domains(&ret->dns, value);
		else if (span_is(&key, "ROUTER"))
			dns_add_gateways(&ret->dns, value);
		else if (span_is(&key, "CLASSLESS_ROUTES") || span_is(&key, "ROUTES"))
			dns_add_classless_text(ret, value); /* ROUTES: before systemd 250 */
		else if (span_is(&key, "ADDRESS"))
			dns_add_lease_addr_text(ret, &value);
	}
	dns_settle_gateway(ret, ROUTERS_IGNORED);
	return dns_found(&ret->dns) ? 0 : -ENOENT;
}
