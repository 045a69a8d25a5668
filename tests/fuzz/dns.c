/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Files that tell of name servers, as text. */
#include "dns/parsers.h"
#include "fuzz.h"

static void good(const struct fact_dns *dns)
{
	must(dns->n <= sizeof(dns->servers) / sizeof(dns->servers[0]));
	must(strnlen(dns->domains, sizeof(dns->domains)) < sizeof(dns->domains));
	for (size_t i = 0; i < dns->n; i++)
		must(ip_is_set(&dns->servers[i]));
}

static void good_lease(const struct dns_lease *lease, int r)
{
	must(r == 0 || r < 0);
	good(&lease->dns);
	must(lease->n <= DNS_LEASE_ADDRS);
}

static bool is_word(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len && len < size;
}

static void interfaces(const char *text, size_t size)
{
	static struct dns_source sources[DNS_SOURCES_MAX];
	struct dns_stanza stanza = { 0 };
	size_t n;

	dns_parse_interfaces(text, size, "wlp6s0", &stanza);
	good(&stanza.dns);
	must(stanza.n <= DNS_PARENTS_MAX);
	for (size_t i = 0; i < stanza.n; i++)
		must(is_word(stanza.parents[i], sizeof(stanza.parents[i])));
	n = dns_parse_sources(text, size, sources);
	must(n <= DNS_SOURCES_MAX);
	for (size_t i = 0; i < n; i++)
		must(is_word(sources[i].pattern, sizeof(sources[i].pattern)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct dns_lease four, six;
	char logical[DNS_LOGICAL_MAX];
	struct fact_dns dns = { 0 };
	char *text = fuzz_copy(data, size);
	int r;

	dns_parse_resolv_conf(text, size, &dns);
	good(&dns);
	dns_parse_registered(text, size, &dns);
	good(&dns);
	r = dns_parse_nm_device(text, size, &four, &six);
	good_lease(&four, r);
	good_lease(&six, r);
	r = dns_parse_networkd(text, size, &four);
	good_lease(&four, r);
	r = dns_parse_dhclient(text, size, "wlp6s0", &four, &six);
	good_lease(&four, r);
	good_lease(&six, r);
	r = dns_parse_udhcpc(text, size, "wlp6s0", &four);
	good_lease(&four, r);
	r = dns_parse_ipconfig(text, size, "wlp6s0", &four);
	good_lease(&four, r);
	memset(&dns, 0, sizeof(dns));
	dns_parse_marked(text, size, "wlp6s0", &dns);
	good(&dns);
	interfaces(text, size);
	if (dns_parse_ifstate(text, size, "wlp6s0", logical))
		must(*logical && strnlen(logical, sizeof(logical)) < sizeof(logical));
	memset(&dns, 0, sizeof(dns));
	dns_add_server_text(&dns, text, size);
	dns_add_domain(&dns, text, size);
	good(&dns);
	free(text);
	return 0;
}
