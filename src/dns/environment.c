/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Leases as variables of a shell: what udhcpc(8) gives its script, and klibc's ipconfig leaves
 * behind. A value may be in quotes; nothing is expanded.
 */
#include <errno.h>
#include <string.h>

#include "dns/internal.h"

static struct span unquoted(struct span s)
{
	if (s.len >= 2 && (s.at[0] == '"' || s.at[0] == '\'') && s.at[s.len - 1] == s.at[0]) {
		s.at++;
		s.len -= 2;
	}
	return s;
}

/* "export KEY='VALUE'" of `export -p`, "KEY=VALUE" of env(1). */
static bool variable(struct span *rest, struct span *ret_key, struct span *ret_value)
{
	struct span line, word;

	while (span_line(rest, &line)) {
		struct span after = line;

		if (span_word(&after, "", &word) && span_is(&word, "export"))
			line = after;
		if (!span_pair(&line, ret_key, ret_value))
			continue;
		*ret_value = unquoted(*ret_value);
		return true;
	}
	return false;
}

enum what {
	WHAT_INTERFACE,
	WHAT_ADDRESS,
	WHAT_GATEWAY,
	WHAT_SERVERS,
	WHAT_DOMAINS,
	WHAT_ROUTES,
};

struct known {
	const char *key;
	enum what what;
};

static int parse(struct span rest, const struct known *known, size_t n, const char *ifname,
		 struct dns_lease *ret)
{
	struct span key, value;
	bool ours = false;

	dns_lease_init(ret);
	while (variable(&rest, &key, &value)) {
		const struct known *k = known;

		while (k < known + n && !span_is(&key, k->key))
			k++;
		if (k == known + n)
			continue;
		switch (k->what) {
		case WHAT_INTERFACE:
			ours = span_is(&value, ifname);
			break;
		case WHAT_ADDRESS:
			dns_add_lease_addr_text(ret, &value);
			break;
		case WHAT_GATEWAY:
			dns_add_gateways(&ret->dns, value);
			break;
		case WHAT_SERVERS:
			dns_add_servers(&ret->dns, value);
			break;
		case WHAT_DOMAINS:
			dns_add_domains(&ret->dns, value);
			break;
		case WHAT_ROUTES:
			dns_add_classless_text(ret, value);
			break;
		}
	}
	dns_settle_gateway(ret, ROUTERS_IGNORED);
	return ours && ret->n && dns_found(&ret->dns) ? 0 : -ENOENT;
}

/* networking/udhcp/dhcpc.c:fill_envp(), d6_dhcpc.c */
int dns_parse_udhcpc(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret)
{
	static const struct known known[] = {
		{ "interface", WHAT_INTERFACE },   { "ip", WHAT_ADDRESS },
		{ "ipv6", WHAT_ADDRESS },          { "router", WHAT_GATEWAY },
		{ "dns", WHAT_SERVERS },           { "search", WHAT_DOMAINS },
		{ "domain", WHAT_DOMAINS },        { "staticroutes", WHAT_ROUTES },
		{ "msstaticroutes", WHAT_ROUTES },
	};

	return parse((struct span){ bytes, len }, known, sizeof(known) / sizeof(known[0]), ifname,
		     ret);
}

/* klibc's usr/kinit/ipconfig/main.c:dump_device_config(); initramfs-tools has it from others too */
int dns_parse_ipconfig(const char *bytes, size_t len, const char *ifname, struct dns_lease *ret)
{
	static const struct known known[] = {
		{ "DEVICE", WHAT_INTERFACE },         { "IPV4ADDR", WHAT_ADDRESS },
		{ "IPV4GATEWAY", WHAT_GATEWAY },      { "IPV4DNS0", WHAT_SERVERS },
		{ "IPV4DNS1", WHAT_SERVERS },         { "DNSDOMAIN", WHAT_DOMAINS },
		{ "DOMAINSEARCH", WHAT_DOMAINS },     { "DEVICE6", WHAT_INTERFACE },
		{ "IPV6ADDR", WHAT_ADDRESS },         { "IPV6GATEWAY", WHAT_GATEWAY },
		{ "IPV6DNS0", WHAT_SERVERS },         { "IPV6DNS1", WHAT_SERVERS },
		{ "IPV6DOMAINSEARCH", WHAT_DOMAINS },
	};

	return parse((struct span){ bytes, len }, known, sizeof(known) / sizeof(known[0]), ifname,
		     ret);
}

/* BusyBox's examples/udhcp/simple.script and its kin: "nameserver ADDRESS # IF". */
void dns_parse_marked(const char *bytes, size_t len, const char *ifname, struct fact_dns *ret)
{
	struct span rest = { bytes, len }, line, after, mark;

	while (span_line(&rest, &line)) {
		const char *hash = line.len ? memchr(line.at, '#', line.len) : NULL;

		if (!hash)
			continue;
		after = (struct span){ hash + 1, line.len - (size_t)(hash + 1 - line.at) };
		if (span_word(&after, "", &mark) && span_is(&mark, ifname))
			dns_parse_resolv_conf(line.at, (size_t)(hash - line.at), ret);
	}
}
