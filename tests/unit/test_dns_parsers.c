/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "dns/parsers.h"
#include "mutate.h"
#include "samples.h"
#include "unit.h"

#define FOUR      "192.168.2.1 192.168.2.53"
#define SIX       "2001:db8:2::1 2001:db8:2::53"
#define THREE     "home.example lab.example sub.lab.example"
#define TWO       "home.example lab.example"
#define LEN(text) (text), strlen(text)

/* Both as words with spaces between. */
static void dns_is(const struct fact_dns *dns, const char *servers, const char *domains)
{
	char text[DNS_SERVERS_MAX * IP_TEXT_MAX] = "", one[IP_TEXT_MAX];

	assert_in_range(dns->n, 0, DNS_SERVERS_MAX);
	for (size_t i = 0; i < dns->n; i++) {
		strcat(text, i ? " " : "");
		strcat(text, ip_format(&dns->servers[i], one));
	}
	assert_string_equal(text, servers);
	assert_string_equal(dns->domains, domains);
}

/* "" for none; of IPv4 unless it is the only one. */
static void gateway_is(const struct dns_lease *lease, const char *gateway)
{
	const struct ip *ip =
		lease->dns.gateway4.family ? &lease->dns.gateway4 : &lease->dns.gateway6;
	char text[IP_TEXT_MAX] = "";

	if (ip_is_set(ip))
		ip_format(ip, text);
	assert_string_equal(text, gateway);
}

static void addrs_are(const struct dns_lease *lease, const char *addrs)
{
	struct fact_dns dns = { .n = lease->n };

	assert_in_range(lease->n, 0, DNS_LEASE_ADDRS);
	memcpy(dns.servers, lease->addrs, lease->n * sizeof(lease->addrs[0]));
	dns_is(&dns, addrs, "");
}

static void test_servers(void **state)
{
	static const struct {
		const char *text, *servers;
	} cases[] = {
		{ "9.9.9.9", "9.9.9.9" },
		{ "9.9.9.9:53", "9.9.9.9" },
		{ "9.9.9.9#dns.example", "9.9.9.9" },
		{ "9.9.9.9%enp7s0#dns.example", "9.9.9.9" },
		{ "9.9.9.9:53%enp7s0", "9.9.9.9" },
		{ "2620:fe::fe", "2620:fe::fe" },
		{ "2620:fe::fe%wlp6s0", "2620:fe::fe" },
		{ "[2620:fe::fe]", "2620:fe::fe" },
		{ "[2620:fe::fe]:53", "2620:fe::fe" },
		{ "[2620:fe::fe]:53%wlp6s0#dns.example", "2620:fe::fe" },
		/* none that a packet could be sent to */
		{ "127.0.0.53", "" },
		{ "::1", "" },
		{ "0.0.0.0", "" },
		{ "224.0.0.251", "" },
		/* of the link that is asked about */
		{ "fe80::1", "fe80::1" },
		{ "fe80::1%enp7s0", "fe80::1" },
		{ "fe80::1%enp7s0#dns.example", "fe80::1" },
		{ "[fe80::1%enp7s0]:53", "fe80::1" },
		{ "[fe80::1%2]", "fe80::1" },
		{ "[fe80::1%2]:853", "" },
		{ "%enp7s0", "" },
		/* none at all */
		{ "", "" },
		{ ":", "" },
		{ ":53", "" },
		{ "[", "" },
		{ "[]", "" },
		{ "[]:53", "" },
		{ "[9.9.9.9", "" },
		{ "[2620:fe::fe]:853", "" },
		{ "[2620:fe::fe]53", "" },
		{ "9.9.9.9:853", "" },
		{ "9.9.9.9:5", "" },
		{ "9.9.9", "" },
		{ "9.9.9.9 ", "" },
		{ "09.9.9.9", "" },
		{ "9.9.9.9.9", "" },
		{ "dns+tls://9.9.9.9", "" },
		{ "#", "" },
		{ "%", "" },
		{ "a-long-word-that-is-no-address-and-longer-than-any-of-them-can-be-in-text", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact_dns dns = { 0 };

		dns_add_server_text(&dns, LEN(cases[i].text));
		dns_is(&dns, cases[i].servers, "");
	}
}

static void test_many_servers(void **state)
{
	struct fact_dns dns = { 0 };
	char text[16];

	(void)state;
	dns_add_server_text(&dns, "9.9.9.9\0", 8); /* a zero is no end of it */
	assert_int_equal(dns.n, 0);
	for (int i = 0; i < 2 * DNS_SERVERS_MAX; i++) {
		snprintf(text, sizeof(text), "10.0.0.%d", i / 2); /* each twice */
		dns_add_server_text(&dns, LEN(text));
	}
	assert_int_equal(dns.n, DNS_SERVERS_MAX);
	dns_add_server_text(&dns, LEN("10.1.0.1"));
	dns_is(&dns, "10.0.0.0 10.0.0.1 10.0.0.2 10.0.0.3 10.0.0.4 10.0.0.5 10.0.0.6 10.0.0.7", "");
}

static void test_domains(void **state)
{
	static const struct {
		const char *text, *domains;
	} cases[] = {
		{ "lan", "lan" },
		{ "example.com.", "example.com" },
		{ "Office.Example.com", "Office.Example.com" },
		{ "_msdcs.corp.example", "_msdcs.corp.example" },
		{ "xn--bcher-kva.example", "xn--bcher-kva.example" },
		{ "", "" },
		{ ".", "" },
		{ "..", "" },
		{ ".lan", "" },
		{ "a..b", "" },
		{ "~lan", "" },
		{ "-lan", "" },
		{ "lan-", "" },
		{ "lan-.example", "" },
		{ "a b", "" },
		{ "a\nnameserver", "" },
		{ "b\xc3\xbc"
		  "cher",
		  "" },
		{ "$(id)", "" },
		{ "a23456789012345678901234567890123456789012345678901234567890123.example",
		  "a23456789012345678901234567890123456789012345678901234567890123.example" },
		{ "a234567890123456789012345678901234567890123456789012345678901234.example", "" },
	};
	struct fact_dns dns = { 0 };
	char text[300];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact_dns one = { 0 };

		dns_add_domain(&one, LEN(cases[i].text));
		dns_is(&one, "", cases[i].domains);
	}
	dns_add_domain(&dns, LEN("a.example"));
	dns_add_domain(&dns, LEN("A.Example.")); /* the same */
	dns_add_domain(&dns, LEN("a.exampl"));
	for (int c = 'c'; c < 'm'; c++) {
		snprintf(text, sizeof(text), "%c.example", c);
		dns_add_domain(&dns, LEN(text));
	}
	dns_is(&dns, "", "a.example a.exampl c.example d.example e.example f.example");
	for (size_t len = 240; len < 260; len++) { /* longer than a name, or than the room */
		struct fact_dns full = { 0 };

		for (size_t i = 0; i < len; i++)
			text[i] = i % 50 == 49 ? '.' : 'a';
		text[len - 1] = 'z';
		dns_add_domain(&full, text, len);
		assert_int_equal(strlen(full.domains), len <= 253 ? len : 0);
		dns_add_domain(&full, LEN("abc"));
		assert_in_range(strlen(full.domains), 3, DNS_DOMAINS_MAX - 1);
	}
}

static void test_options(void **state)
{
	static const struct {
		const char *text, *options;
	} cases[] = {
		{ "options rotate\n", "rotate" },
		{ "options\tndots:2 edns0 trust-ad\noptions timeout:1\n",
		  "ndots:2 edns0 trust-ad timeout:1" },
		{ "options ndots:2 attempts:3\noptions ndots:15\n", "attempts:3 ndots:15" },
		{ "options single-request single-request-reopen single-request\n",
		  "single-request-reopen single-request" },
		{ "options use-vc no-aaaa no-tld-query no-check-names no-reload strict-error\n",
		  "use-vc no-aaaa no-tld-query no-check-names no-reload strict-error" },
		/* none of them */
		{ "options inet6 debug ip6-dotint unknown rotate:1 rotated rot\n", "" },
		{ "options ndots: ndots:x ndots:1x ndots:-1 ndots:1234 ndots timeout:\n", "" },
		{ " options rotate\n", "" },
		{ "option rotate\n", "" },
		{ "options\n", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact_dns dns = { 0 };

		dns_parse_resolv_conf(cases[i].text, strlen(cases[i].text), &dns);
		assert_string_equal(dns.options, cases[i].options);
	}
}

static void test_many_options(void **state)
{
	struct fact_dns dns = { 0 };
	char text[16];

	(void)state;
	for (int i = 0; i < 2000; i++) {
		snprintf(text, sizeof(text), "%s%d", i % 3 ? "ndots:" : "timeout:", i % 999);
		dns_add_option(&dns, text, strlen(text));
		dns_add_option(&dns, "single-request-reopen", 21);
	}
	assert_string_equal(dns.options, "timeout:0 ndots:1 single-request-reopen");
}

static void test_resolv_conf(void **state)
{
	static const struct {
		const char *text, *servers, *domains;
	} cases[] = {
		{ "", "", "" },
		{ "nameserver 9.9.9.9", "9.9.9.9", "" }, /* no newline */
		{ "nameserver\t9.9.9.9 # Quad9\n", "9.9.9.9", "" },
		{ "nameserver 9.9.9.9\r\nnameserver 2620:fe::fe\r\n", "9.9.9.9 2620:fe::fe", "" },
		{ "nameserver fe80::1%eth0\nnameserver 2620:fe::fe\n", "fe80::1 2620:fe::fe", "" },
		{ "search a b\ndomain c\n", "", "c" }, /* the last one */
		{ "domain c\nsearch a b\n", "", "a b" },
		{ " nameserver 9.9.9.9\n", "", "" }, /* not to glibc either */
		{ "#nameserver 9.9.9.9\n;nameserver 9.9.9.9\nnameserver9.9.9.9\n", "", "" },
		{ "nameserver\nnameserver \nsearch\nnameserver", "", "" },
		{ "nameservers 9.9.9.9\noptions edns0 trust-ad\nsortlist 1.2.3.4\n", "", "" },
		{ "nameserver 127.0.0.1\nnameserver 9.9.9.9\n", "9.9.9.9", "" },
		{ "\n\n\nnameserver 9.9.9.9\n\n", "9.9.9.9", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct fact_dns dns = { 0 };

		dns_parse_resolv_conf(LEN(cases[i].text), &dns);
		dns_is(&dns, cases[i].servers, cases[i].domains);
	}
}

static void test_resolv_conf_samples(void **state)
{
	static const struct {
		const char *name, *servers, *domains;
	} cases[] = {
		{ "nm-resolv.conf", FOUR " " SIX, THREE },
		{ "resolved-resolv.conf", "192.168.2.1 2001:db8:2::53", "static.example " THREE },
		{ "resolved-stub-resolv.conf", "", "static.example " THREE },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		_cleanup_free_ char *bytes = NULL;
		struct fact_dns dns = { 0 };
		size_t len;

		bytes = sample(cases[i].name, &len);
		dns_parse_resolv_conf(bytes, len, &dns);
		dns_is(&dns, cases[i].servers, cases[i].domains);
	}
}

static void test_gateways(void **state)
{
	static const struct {
		const char *text, *gateway;
	} cases[] = {
		{ "192.168.2.1", "192.168.2.1" },
		{ "2001:db8::1", "2001:db8::1" },
		{ "fe80::1", "fe80::1" }, /* a gateway has its device */
		{ "fe80::1%wlp6s0", "fe80::1" },
		{ "", "" },
		{ "%", "" },
		{ "%wlp6s0", "" },
		{ "192.168.2", "" },
		{ "192.168.2.1:53", "" },
		{ "192.168.2.1 ", "" },
		{ "a-long-word-that-is-no-address-and-longer-than-any-of-them-can-be-in-text", "" },
	};
	struct dns_lease lease = { 0 };

	(void)state;
	assert_false(dns_found(&lease.dns));
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_lease one = { 0 };

		dns_add_gateway_text(&one.dns, LEN(cases[i].text));
		gateway_is(&one, cases[i].gateway);
		assert_int_equal(dns_found(&one.dns), *cases[i].gateway != 0);
	}
	dns_add_gateway_text(&lease.dns, "10.0.0.1\0", 9); /* a zero is no end of it */
	gateway_is(&lease, "");
	dns_add_gateway_text(&lease.dns, LEN("10.0.0.1"));
	dns_add_gateway_text(&lease.dns, LEN("10.0.0.2")); /* the first stays */
	gateway_is(&lease, "10.0.0.1");
}

static void test_nm_device(void **state)
{
	struct dns_lease lease4, lease6;
	_cleanup_free_ char *bytes = NULL;
	size_t len;

	(void)state;
	bytes = sample("nm-device", &len);
	assert_int_equal(dns_parse_nm_device(bytes, len, &lease4, &lease6), 0);
	dns_is(&lease4.dns, FOUR, THREE);
	addrs_are(&lease4, "192.168.2.134");
	gateway_is(&lease4, "192.168.2.1");
	dns_is(&lease6.dns, SIX, TWO);
	addrs_are(&lease6, "2001:db8:2::156");
	gateway_is(&lease6, "");

	/* IPv6 only */
	assert_int_equal(dns_parse_nm_device(strstr(bytes, "[dhcp6]"), strlen("[dhcp6]") + 200,
					     &lease4, &lease6),
			 0);
	assert_int_equal(lease4.dns.n, 0);
	dns_is(&lease6.dns, SIX, TWO);

	/* cut off behind each byte: never more than there was, never one that was not there */
	for (size_t n = 0; n < len; n++) {
		_cleanup_free_ char *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, bytes, n);
		dns_parse_nm_device(part, n, &lease4, &lease6);
		assert_in_range(lease4.dns.n + lease6.dns.n, 0, 4);
	}
	/* keys of the wrong group, and none */
	assert_int_equal(dns_parse_nm_device(LEN("[device]\n"
						 "dhcp4.domain_name_servers=9.9.9.9\n"
						 "[dhcp4\n"
						 "dhcp4.domain_name_servers=9.9.9.9\n"
						 "[dhcp6]\n"
						 "dhcp4.domain_name_servers=9.9.9.9\n"
						 "domain_name_servers=9.9.9.9\n"
						 "=9.9.9.9\n=\n[]\n"),
					     &lease4, &lease6),
			 -ENOENT);
	/* a gateway and no server, of several the first; none where it does not belong */
	assert_int_equal(dns_parse_nm_device(LEN("[dhcp4]\ndhcp4.routers=10.0.0.2 10.0.0.1\n"),
					     &lease4, &lease6),
			 0);
	gateway_is(&lease4, "10.0.0.2");
	assert_int_equal(dns_parse_nm_device(LEN("[dhcp6]\ndhcp4.routers=10.0.0.2\n"), &lease4,
					     &lease6),
			 -ENOENT);
}

static void test_networkd(void **state)
{
	_cleanup_free_ char *link = NULL, *file = NULL;
	struct dns_lease lease;
	size_t len;

	(void)state;
	link = sample("networkd-link", &len);
	assert_int_equal(dns_parse_networkd(link, len, &lease), 0);
	dns_is(&lease.dns, "192.168.2.99 " FOUR " " SIX, "static.example " THREE);
	assert_int_equal(lease.n, 0);
	file = sample("networkd-lease", &len);
	assert_int_equal(dns_parse_networkd(file, len, &lease), 0);
	dns_is(&lease.dns, FOUR, THREE);
	addrs_are(&lease, "192.168.2.134");
	gateway_is(&lease, "192.168.2.1");
	assert_int_equal(dns_parse_networkd(LEN("ROUTER=10.0.0.2 10.0.0.1\n"), &lease), 0);
	gateway_is(&lease, "10.0.0.2");
	assert_int_equal(dns_parse_networkd(LEN("ROUTER=\nROUTERS=10.0.0.1\n"), &lease), -ENOENT);

	assert_int_equal(dns_parse_networkd(LEN("DNS=" SIX "\nDOMAINS=\n"), &lease), 0);
	dns_is(&lease.dns, SIX, "");
	assert_int_equal(dns_parse_networkd(LEN("ADMIN_STATE=unmanaged\n#DNS=9.9.9.9\nDNS=\n"
						"XDNS=9.9.9.9\nDNS 9.9.9.9\nDNS\n"),
					    &lease),
			 -ENOENT);
}

static void test_dhclient(void **state)
{
	_cleanup_free_ char *four = NULL, *six = NULL;
	struct dns_lease lease4, lease6;
	size_t len;

	(void)state;
	four = sample("dhclient.leases", &len);
	assert_int_equal(dns_parse_dhclient(four, len, "enp7s0", &lease4, &lease6), 0);
	dns_is(&lease4.dns, FOUR, THREE);
	addrs_are(&lease4, "192.168.2.134");
	gateway_is(&lease4, "192.168.2.1");
	assert_int_equal(lease4.until, 1795357258); /* 2026/11/22 14:20:58 */
	assert_int_equal(lease6.dns.n, 0);
	assert_int_equal(dns_parse_dhclient(four, len, "enp7s", &lease4, &lease6), -ENOENT);
	assert_int_equal(dns_parse_dhclient(four, len, "enp7s00", &lease4, &lease6), -ENOENT);
	/* until its last brace it is none */
	for (size_t n = 0; n < len - 2; n++) {
		_cleanup_free_ char *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, four, n);
		assert_int_equal(dns_parse_dhclient(part, n, "enp7s0", &lease4, &lease6), -ENOENT);
	}
	six = sample("dhclient6.leases", &len);
	assert_int_equal(dns_parse_dhclient(six, len, "enp7s0", &lease4, &lease6), 0);
	dns_is(&lease6.dns, SIX, TWO);
	addrs_are(&lease6, "2001:db8:2::19a");
	assert_int_equal(lease6.until, 1795314059 + 7500);
	assert_int_equal(lease4.dns.n, 0);
}

#define LEASE(dev, server, rest)                                                                   \
	"lease {\n  interface \"" dev "\";\n  option domain-name-servers " server ";\n" rest "}\n"

static void test_dhclient_several(void **state)
{
	static const struct {
		const char *text, *servers;
		int64_t until;
	} cases[] = {
		{ LEASE("a", "10.0.0.1", "") LEASE("b", "10.0.0.2", "") LEASE("c", "10.0.0.3", ""),
		  "10.0.0.2", INT64_MAX },
		/* the last one */
		{ LEASE("b", "10.0.0.1", "") LEASE("b", "10.0.0.2", "expire never;"), "10.0.0.2",
		  INT64_MAX },
		{ LEASE("b", "10.0.0.1", "expire epoch 1000;"), "10.0.0.1", 1000 },
		{ LEASE("b", "10.0.0.1", "expire 4 1970/01/01 00:00:09;"), "10.0.0.1", 9 },
		/* a time that cannot be read has passed */
		{ LEASE("b", "10.0.0.1", "expire soon;"), "10.0.0.1", 0 },
		{ LEASE("b", "10.0.0.1", "expire epoch -1;"), "10.0.0.1", 0 },
		{ LEASE("b", "10.0.0.1", "expire epoch 99999999999999999999;"), "10.0.0.1", 0 },
		{ LEASE("b", "10.0.0.1", "expire 4 1970/01 00:00:09;"), "10.0.0.1", 0 },
		/* one whose end was never written, before one that is whole */
		{ "lease {\n interface \"b\";\n option domain-name-servers 10.0.0.1,\n" LEASE(
			  "a", "10.0.0.1", "") LEASE("b", "10.0.0.2", ""),
		  "10.0.0.2", INT64_MAX },
		/* the file's beginning is not there */
		{ "ption routers 10.0.0.1;\n option domain-name-servers 10.0.0.9;\n}\n}\n" LEASE(
			  "b", "10.0.0.2", ""),
		  "10.0.0.2", INT64_MAX },
		{ "# lease { interface \"b\"; option domain-name-servers 10.0.0.9; }\n", "", 0 },
		{ "alias { interface \"b\"; option domain-name-servers 10.0.0.9; }\n", "", 0 },
		/* text of the server stays text */
		{ LEASE("b", "10.0.0.1",
			"option host-name \"}; lease { \\\"b\\\" option domain-name-servers "
			"10.0.0.9; } \";"),
		  "10.0.0.1", INT64_MAX },
		{ LEASE("b", "10.0.0.1", "option x \"never ends;"), "", 0 },
		{ "lease { interface \"b\"; vendor option space x; option domain-name-servers "
		  "10.0.0.1 , 10.0.0.2 ;}",
		  "10.0.0.1 10.0.0.2", INT64_MAX },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_lease lease4, lease6;
		int r = dns_parse_dhclient(LEN(cases[i].text), "b", &lease4, &lease6);

		assert_int_equal(r, *cases[i].servers ? 0 : -ENOENT);
		dns_is(&lease4.dns, cases[i].servers, "");
		if (!r)
			assert_int_equal(lease4.until, cases[i].until);
		assert_int_equal(lease6.dns.n, 0);
	}
}

static void test_dhclient_gateway(void **state)
{
	static const struct {
		const char *text, *gateway;
	} cases[] = {
		{ "lease { interface \"b\"; option routers 10.0.0.2, 10.0.0.1; }", "10.0.0.2" },
		{ "lease { interface \"b\"; option routers 10.0.0.1; }"
		  "lease { interface \"b\"; option routers 10.0.0.2; }",
		  "10.0.0.2" },
		{ "lease { interface \"b\"; option routers 10.0.0.1; }"
		  "lease { interface \"b\"; option subnet-mask 255.0.0.0; }",
		  "" },
		{ "lease { interface \"a\"; option routers 10.0.0.1; }", "" },
		{ "lease { interface \"b\"; option routers; option x-routers 10.0.0.1; }", "" },
		{ "lease6 { interface \"b\"; option routers 10.0.0.1; }", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_lease lease4, lease6;

		assert_int_equal(dns_parse_dhclient(LEN(cases[i].text), "b", &lease4, &lease6),
				 *cases[i].gateway ? 0 : -ENOENT);
		gateway_is(&lease4, cases[i].gateway);
	}
}

/*
 * RFC 3442: 10.20.0.0/16 by 192.168.60.9, and in the first also the default by 192.168.60.1. What
 * the option Router says counts only where there is no such option.
 */
#define CLASSLESS_DEFAULT "\x10\x0a\x14\xc0\xa8\x3c\x09\0\xc0\xa8\x3c\x01"
#define CLASSLESS_OTHER   "\x10\x0a\x14\xc0\xa8\x3c\x09"

static void test_dhclient_classless(void **state)
{
#define LEASE4(options) "lease { interface \"b\"; option routers 192.168.60.2; " options " }"
	static const struct {
		const char *text, *gateway;
	} cases[] = {
		/* the bytes, by Debian's name */
		{ LEASE4("option rfc3442-classless-static-routes "
			 "16,10,20,192,168,60,9,0,192,168,60,1;"),
		  "192.168.60.1" },
		{ LEASE4("option rfc3442-classless-static-routes 16,10,20,192,168,60,9;"), "" },
		{ LEASE4("option rfc3442-classless-static-routes "
			 "16, 10, 20, 192, 168, 60, 9, 0, 192, 168, 60, 1;"),
		  "192.168.60.1" },
		/* Red Hat's destination descriptors */
		{ LEASE4("option classless-static-routes 16.10.20 192.168.60.9,0 192.168.60.1;"),
		  "192.168.60.1" },
		{ LEASE4("option classless-static-routes 16.10.20 192.168.60.9;"), "" },
		/* an option without a name */
		{ LEASE4("option unknown-121 10:a:14:c0:a8:3c:9:0:c0:a8:3c:1;"), "192.168.60.1" },
		/* Microsoft's number, and that 121 goes before it, whichever comes first */
		{ LEASE4("option ms-classless-static-routes 0,192,168,60,3;"), "192.168.60.3" },
		{ LEASE4("option ms-classless-static-routes 0,192,168,60,3; "
			 "option rfc3442-classless-static-routes 0,192,168,60,1;"),
		  "192.168.60.1" },
		{ LEASE4("option rfc3442-classless-static-routes 0,192,168,60,1; "
			 "option unknown-249 0:c0:a8:3c:3;"),
		  "192.168.60.1" },
		/* a default on the link has no gateway */
		{ LEASE4("option rfc3442-classless-static-routes 0,0,0,0,0;"), "" },
		/* what cannot be read is as if it were not there */
		{ LEASE4("option rfc3442-classless-static-routes 33,10,20,192,168,60,9;"),
		  "192.168.60.2" },
		{ LEASE4("option rfc3442-classless-static-routes 0,192,168,60;"), "192.168.60.2" },
		{ LEASE4("option rfc3442-classless-static-routes 0,192,168,60,256;"),
		  "192.168.60.2" },
		/* each lease for itself */
		{ LEASE4("option rfc3442-classless-static-routes 0,192,168,60,1;") LEASE4(""),
		  "192.168.60.2" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_lease lease4, lease6;

		if (dns_parse_dhclient(LEN(cases[i].text), "b", &lease4, &lease6) !=
		    (*cases[i].gateway ? 0 : -ENOENT))
			fail_msg("%s", cases[i].text);
		gateway_is(&lease4, cases[i].gateway);
	}
}

/* The same lease as the other programs keep it. */
static void test_classless_text(void **state)
{
	struct dns_lease lease, lease6;

	(void)state;
#define NM(routes) "[dhcp4]\ndhcp4.routers=192.168.60.2\ndhcp4." routes "\n"
	assert_int_equal(dns_parse_nm_device(LEN(NM("rfc3442_classless_static_routes=10.20.0.0/16 "
						    "192.168.60.9 0.0.0.0/0 192.168.60.1")),
					     &lease, &lease6),
			 0);
	gateway_is(&lease, "192.168.60.1");
	/* with dhclient as its client */
	assert_int_equal(dns_parse_nm_device(LEN(NM("rfc3442_classless_static_routes=16 10 20 "
						    "192 168 60 9 0 192 168 60 1")),
					     &lease, &lease6),
			 0);
	gateway_is(&lease, "192.168.60.1");
	/* without a default in it NetworkManager uses the router */
	assert_int_equal(dns_parse_nm_device(LEN(NM("rfc3442_classless_static_routes=10.20.0.0/16 "
						    "192.168.60.9")),
					     &lease, &lease6),
			 0);
	gateway_is(&lease, "192.168.60.2");
#define NETWORKD(routes) "ROUTER=192.168.60.2\n" routes "\n"
	assert_int_equal(dns_parse_networkd(LEN(NETWORKD("CLASSLESS_ROUTES=10.20.0.0/16,"
							 "192.168.60.9 0.0.0.0/0,"
							 "192.168.60.1")),
					    &lease),
			 0);
	gateway_is(&lease, "192.168.60.1");
	assert_int_equal(dns_parse_networkd(LEN(NETWORKD("ROUTES=0.0.0.0/0,192.168.60.1")), &lease),
			 0);
	gateway_is(&lease, "192.168.60.1");
	assert_int_equal(dns_parse_networkd(LEN(NETWORKD("CLASSLESS_ROUTES=10.20.0.0/16,"
							 "192.168.60.9")),
					    &lease),
			 -ENOENT);
	/* classful ones (option 33) say nothing of a default */
	assert_int_equal(dns_parse_networkd(LEN(NETWORKD("STATIC_ROUTES=10.0.0.0/8,"
							 "192.168.60.9")),
					    &lease),
			 0);
	gateway_is(&lease, "192.168.60.2");
}

static void test_dhclient6(void **state)
{
#define LEASE6(rest)                                                                               \
	"lease6 { interface \"b\"; option dhcp6.name-servers 2001:db8::1; ia-na 1 { " rest " } }"
	static const struct {
		const char *text, *servers, *addrs;
		int64_t until;
	} cases[] = {
		{ LEASE6("iaaddr 2001:db8::9 { starts 100; max-life 50; }"), "2001:db8::1",
		  "2001:db8::9", 150 },
		{ LEASE6("iaaddr 2001:db8::9 { starts 100; max-life 50; }"
			 "iaaddr 2001:db8::a { starts 100; max-life 60; }"
			 "iaaddr 2001:db8::b { starts 100; max-life 40; }"),
		  "2001:db8::1", "2001:db8::9 2001:db8::a 2001:db8::b", 160 },
		{ LEASE6("iaaddr 2001:db8::9 { starts 100; max-life 4294967295; }"), "2001:db8::1",
		  "2001:db8::9", INT64_MAX },
		{ LEASE6("starts 5;"), "2001:db8::1", "", INT64_MAX },
		{ LEASE6("} released; x {"), "", "", 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dns_lease lease4, lease6;

		dns_parse_dhclient(LEN(cases[i].text), "b", &lease4, &lease6);
		dns_is(&lease6.dns, cases[i].servers, "");
		addrs_are(&lease6, cases[i].addrs);
		if (lease6.dns.n)
			assert_int_equal(lease6.until, cases[i].until);
	}
}

static void test_dhcp(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	struct dns_lease lease;
	size_t len;

	(void)state;
	bytes = sample("dhcpcd.lease", &len);
	assert_int_equal(dns_parse_dhcp((uint8_t *)bytes, len, 1000, &lease), 0);
	dns_is(&lease.dns, FOUR, THREE); /* of them one with a pointer in it */
	addrs_are(&lease, "192.168.2.134");
	gateway_is(&lease, "192.168.2.1");
	assert_int_equal(lease.until, 1000 + 43200);
	for (size_t n = 0; n < len; n++) { /* without its end mark it was cut off */
		_cleanup_free_ uint8_t *part = malloc(n ? n : 1);

		assert_non_null(part);
		memcpy(part, bytes, n);
		assert_int_equal(dns_parse_dhcp(part, n, 0, &lease), -EBADMSG);
		assert_int_equal(lease.dns.n, 0);
	}
}

/* A DHCPACK with the given options; what overload says is in sname and file is put there. */
static int dhcp(const char *options, size_t len, const char *file, size_t file_len,
		struct dns_lease *ret)
{
	uint8_t packet[240 + 600] = { [0] = 2, [16] = 10, [19] = 9, [236] = 99, 130, 83, 99 };

	assert_in_range(len, 0, 600);
	memcpy(packet + 108, file, file_len);
	memcpy(packet + 240, options, len);
	return dns_parse_dhcp(packet, 240 + len, 100, ret);
}
#define DHCP(options) dhcp(options, sizeof(options) - 1, "", 0, &lease)
#define ACK           "\x35\x01\x05"

static void test_dhcp_options(void **state)
{
	struct dns_lease lease;

	(void)state;
	assert_int_equal(DHCP(ACK "\x06\x04\x0a\0\0\x01\xff"), 0);
	dns_is(&lease.dns, "10.0.0.1", "");
	addrs_are(&lease, "10.0.0.9");
	assert_int_equal(lease.until, INT64_MAX);
	/* BOOTP has no type; padding; in parts (RFC 3396); a lease without an end */
	assert_int_equal(DHCP("\0\0\x06\x02\x0a\0\x06\x02\0\x01\x33\x04\xff\xff\xff\xff\xff"), 0);
	dns_is(&lease.dns, "10.0.0.1", "");
	assert_int_equal(lease.until, INT64_MAX);
	/* the domain with a zero at its end, and several in one */
	assert_int_equal(DHCP("\x06\x04\x0a\0\0\x01\x0f\x09lan home\0\xff"), 0);
	dns_is(&lease.dns, "10.0.0.1", "lan home");
	assert_int_equal(DHCP("\x06\x04\x0a\0\0\x01\x0f\x05lan;x\xff"), 0);
	dns_is(&lease.dns, "10.0.0.1", "");
	/* a gateway, also without a server; in parts; of two the first */
	assert_int_equal(DHCP("\x03\x04\x0a\0\0\x01\xff"), 0);
	gateway_is(&lease, "10.0.0.1");
	dns_is(&lease.dns, "", "");
	assert_int_equal(DHCP("\x03\x03\x0a\0\0\x03\x05\x02\x0a\0\0\x01\xff"), 0);
	gateway_is(&lease, "10.0.0.2");
	/* more in the field of the file's name */
	assert_int_equal(dhcp("\x34\x01\x01\xff", 4, "\x06\x04\x0a\0\0\x02\xff", 7, &lease), 0);
	dns_is(&lease.dns, "10.0.0.2", "");
	assert_int_equal(dhcp("\x34\x01\x01\xff", 4, "\x06\xf0\x0a\0\0\x02\xff", 7, &lease),
			 -EBADMSG);
	assert_int_equal(DHCP(ACK "\x06\x04\x7f\0\0\x01\xff"), -ENOENT);
	assert_int_equal(DHCP(ACK "\xff"), -ENOENT);
}

static void test_dhcp_classless(void **state)
{
#define ROUTER "\x03\x04\xc0\xa8\x3c\x02"
	struct dns_lease lease;

	(void)state;
	assert_int_equal(DHCP(ROUTER "\x79\x0c" CLASSLESS_DEFAULT "\xff"), 0);
	gateway_is(&lease, "192.168.60.1");
	assert_int_equal(DHCP(ROUTER "\xf9\x0c" CLASSLESS_DEFAULT "\xff"), 0);
	gateway_is(&lease, "192.168.60.1");
	assert_int_equal(DHCP(ROUTER "\x79\x07" CLASSLESS_OTHER "\xff"), -ENOENT);
	gateway_is(&lease, "");
	/* in parts; 121 before 249 */
	assert_int_equal(DHCP("\xf9\x05\0\xc0\xa8\x3c\x03\x79\x03\0\xc0\xa8\x79\x02\x3c\x01\xff"),
			 0);
	gateway_is(&lease, "192.168.60.1");
	/* a prefix that is too long, a route that is cut off: the packet is none */
	assert_int_equal(DHCP(ROUTER "\x79\x09\x21\x0a\x14\0\0\xc0\xa8\x3c\x09\xff"), -EBADMSG);
	assert_int_equal(DHCP(ROUTER "\x79\x06\x10\x0a\x14\xc0\xa8\x3c\xff"), -EBADMSG);
	gateway_is(&lease, "");
}

static void test_dhcp_bad(void **state)
{
	static const uint8_t request[240] = { [0] = 1, [236] = 99, 130, 83, 99 };
	struct dns_lease lease;

	(void)state;
	assert_int_equal(dns_parse_dhcp(request, sizeof(request), 0, &lease), -EBADMSG);
	assert_int_equal(DHCP("\x35\x01\x06\x06\x04\x0a\0\0\x01\xff"), -EBADMSG); /* a NAK */
	assert_int_equal(DHCP("\x35\x02\x05\x05\x06\x04\x0a\0\0\x01\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x06\x03\x0a\0\0\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x06\x05\x0a\0\0\x01\x01\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x03\x03\x0a\0\0\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x06\x04\x0a\0\0\x01\x03\x05\x0a\0\0\x01\x01\xff"), -EBADMSG);
	gateway_is(&lease, "");
	assert_int_equal(DHCP("\x33\x03\x0a\0\0\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x34\x01\x04\xff"), -EBADMSG);
	assert_int_equal(DHCP("\x06"), -EBADMSG);
	/* search lists: a label too long, a pointer to itself, forwards, beyond; no end */
#define SERVER "\x06\x04\x0a\0\0\x01"
	assert_int_equal(DHCP(SERVER "\x77\x03\x09"
				     "ab\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x02\xc0\0\xff"), -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x05\x01"
				     "a\0\xc0\x03\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x05\x01"
				     "a\0\xc1\0\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x04\x01"
				     "a\0\xc0\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x02\x01"
				     "a\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x04\x41"
				     "aa\0\xff"),
			 -EBADMSG);
	assert_int_equal(lease.dns.n, 0);
	/* a circle: the second name leads into the first, which leads on to the second */
	assert_int_equal(DHCP(SERVER "\x77\x07\x01"
				     "a\xc0\x04\x01"
				     "b\xc0\0\xff"),
			 -EBADMSG);
	assert_int_equal(DHCP(SERVER "\x77\x05\x01"
				     "a\0\xc0\0\xff"),
			 0);
	dns_is(&lease.dns, "10.0.0.1", "a");
}

static void test_dhcp6(void **state)
{
	_cleanup_free_ char *bytes = NULL;
	struct dns_lease lease;
	size_t len;

	(void)state;
	bytes = sample("dhcpcd.lease6", &len);
	assert_int_equal(dns_parse_dhcp6((uint8_t *)bytes, len, 1000, &lease), 0);
	dns_is(&lease.dns, SIX, TWO);
	addrs_are(&lease, "2001:db8:2::145");
	assert_int_equal(lease.until, 1000 + 43200);
	for (size_t n = 0; n < len; n++) {
		_cleanup_free_ uint8_t *part = malloc(n ? n : 1);
		int r;

		assert_non_null(part);
		memcpy(part, bytes, n);
		r = dns_parse_dhcp6(part, n, 0, &lease);
		assert_true(r == 0 || r == -EBADMSG || r == -ENOENT);
		assert_int_equal(r == 0, n == len - 8); /* its last option is not needed */
	}
}

#define DHCP6(bytes) dns_parse_dhcp6((const uint8_t *)(bytes), sizeof(bytes) - 1, 100, &lease)
#define DNS6         "\0\x17\0\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IAADDR(last, valid)                                                                        \
	"\0\x05\0\x18\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0" last "\0\0\0\x10" valid
#define IA "\0\0\0\x01\0\0\0\0\0\0\0\0"

static void test_dhcp6_options(void **state)
{
	struct dns_lease lease;

	(void)state;
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6),
			 0); /* the answer to an information request */
	dns_is(&lease.dns, "2001:db8::1", "");
	assert_int_equal(lease.n, 0);
	assert_int_equal(lease.until, INT64_MAX);
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6 "\0\x03\0\x44" IA IAADDR("\x08", "\0\0\0\x20")
				       IAADDR("\x09", "\0\0\0\x10")),
			 0);
	addrs_are(&lease, "2001:db8::8 2001:db8::9");
	assert_int_equal(lease.until, 132);
	assert_int_equal(DHCP6("\x07"
			       "abc\0\x0d\0\x02\0\0" DNS6),
			 0);

	assert_int_equal(DHCP6("\x07"
			       "abc"),
			 -ENOENT);
	/* an address that was taken back */
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6 "\0\x03\0\x28" IA IAADDR("\x08", "\0\0\0\0")),
			 -ENOENT);
	assert_int_equal(DHCP6("\x02"
			       "abc" DNS6),
			 -EBADMSG);
	assert_int_equal(DHCP6("\x07"
			       "abc\0\x0d\0\x02\0\x01" DNS6),
			 -EBADMSG); /* a failure */
	assert_int_equal(DHCP6("\x07"
			       "abc\0\x17\0\x01\0"),
			 -EBADMSG);
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6 "\0\x18\0\x02\xc0\0"),
			 -EBADMSG); /* pointers */
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6 "\0\x03\0\x04\0\0\0\0"),
			 -EBADMSG);
	assert_int_equal(DHCP6("\x07"
			       "abc" DNS6 "\0\x03\0\x11" IA "\0\x05\0\x01\0"),
			 -EBADMSG);
	assert_int_equal(lease.dns.n, 0);
}

/* Whatever the bytes are: what comes out has the shape that it should. */
static void check(const struct dns_lease *lease)
{
	const struct fact_dns *dns = &lease->dns;

	assert_in_range(dns->n, 0, DNS_SERVERS_MAX);
	assert_in_range(lease->n, 0, DNS_LEASE_ADDRS);
	for (size_t i = 0; i < dns->n; i++)
		assert_true(ip_can_serve_link(&dns->servers[i]));
	assert_non_null(memchr(dns->domains, 0, sizeof(dns->domains)));
	assert_int_equal(strspn(dns->domains, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					      "0123456789.-_ "),
			 strlen(dns->domains));
}

static void parse_all(const char *bytes, size_t len)
{
	struct dns_lease lease4 = { 0 }, lease6 = { 0 };

	dns_parse_resolv_conf(bytes, len, &lease4.dns);
	check(&lease4);
	dns_parse_nm_device(bytes, len, &lease4, &lease6);
	check(&lease4);
	check(&lease6);
	dns_parse_networkd(bytes, len, &lease4);
	check(&lease4);
	dns_parse_dhclient(bytes, len, "enp7s0", &lease4, &lease6);
	check(&lease4);
	check(&lease6);
	dns_parse_dhcp((const uint8_t *)bytes, len, 0, &lease4);
	check(&lease4);
	dns_parse_dhcp6((const uint8_t *)bytes, len, 0, &lease6);
	check(&lease6);
}

static void test_garbage(void **state)
{
	static const char *const names[] = {
		"nm-resolv.conf",  "nm-device",    "networkd-link", "networkd-lease",
		"dhclient.leases", "dhcpcd.lease", "dhcpcd.lease6", "dhclient6.leases",
	};
	struct chance c = { .state = 20260304 };
	uint8_t noise[1024];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		_cleanup_free_ char *bytes = NULL, *copy = NULL;
		size_t len;

		bytes = sample(names[i], &len);
		copy = malloc(len); /* of its own, so that a sanitizer sees its end */
		assert_non_null(copy);
		for (int k = 0; k < 2000; k++) {
			memcpy(copy, bytes, len);
			mutate(&c, copy, len);
			parse_all(copy, len);
		}
	}
	for (int k = 0; k < 2000; k++) {
		for (size_t i = 0; i < sizeof(noise); i++)
			noise[i] = (uint8_t)chance(&c, k % 2 ? 256 : 128);
		parse_all((char *)noise, chance(&c, sizeof(noise)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_servers),
		cmocka_unit_test(test_many_servers),
		cmocka_unit_test(test_domains),
		cmocka_unit_test(test_resolv_conf),
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_many_options),
		cmocka_unit_test(test_resolv_conf_samples),
		cmocka_unit_test(test_gateways),
		cmocka_unit_test(test_nm_device),
		cmocka_unit_test(test_networkd),
		cmocka_unit_test(test_dhclient),
		cmocka_unit_test(test_dhclient_several),
		cmocka_unit_test(test_dhclient_gateway),
		cmocka_unit_test(test_dhclient_classless),
		cmocka_unit_test(test_classless_text),
		cmocka_unit_test(test_dhclient6),
		cmocka_unit_test(test_dhcp),
		cmocka_unit_test(test_dhcp_options),
		cmocka_unit_test(test_dhcp_classless),
		cmocka_unit_test(test_dhcp_bad),
		cmocka_unit_test(test_dhcp6),
		cmocka_unit_test(test_dhcp6_options),
		cmocka_unit_test(test_garbage),
	};

	return RUN_TESTS(tests);
}
