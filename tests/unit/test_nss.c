/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <arpa/inet.h>
#include <string.h>

#include "etc/nss.h"
#include "etc/resolv.h"
#include "unit.h"

static void check(const char *text, const char *want)
{
	struct strbuf sb = { 0 };

	nss_rewrite(text, strlen(text), &sb);
	assert_string_equal(strbuf_text(&sb), want);
	strbuf_done(&sb);
}

/* What distributions ship, and what their packages make of it. */
static void test_shipped(void **state)
{
	(void)state;
	check("hosts:          files dns\n", "hosts: files dns\n"); /* Debian */
	check("hosts:          files mdns4_minimal [NOTFOUND=return] dns myhostname\n",
	      "hosts: files dns myhostname\n"); /* Debian with avahi */
	check("hosts: mymachines resolve [!UNAVAIL=return] files myhostname dns\n",
	      "hosts: files myhostname dns\n"); /* Arch */
	check("hosts:      files myhostname mdns4_minimal [NOTFOUND=return] resolve "
	      "[!UNAVAIL=return] dns\n",
	      "hosts: files myhostname dns\n"); /* Fedora */
	check("hosts: files resolve [!UNAVAIL=return]\n", "hosts: files dns\n");
	check("hosts: resolve\n", "hosts: files dns\n");
	check("hosts: dns wins\n", "hosts: files dns\n");
	check("hosts: files libvirt libvirt_guest sss ldap nis db compat dns\n",
	      "hosts: files dns\n");
}

static void test_what_stays(void **state)
{
	static const char other[] = "# hosts: resolve\n"
				    "passwd:\tfiles systemd  # hosts\n"
				    "\n"
				    "  networks: files resolve [!UNAVAIL=return]\n"
				    "hostsx: resolve\n"
				    "Hosts: resolve\n"
				    "hosts";
	(void)state;
	check(other, other);
	check("", "");
	check("hosts: files\n", "hosts: files\n"); /* nothing was taken out: as it was meant */
	check("hosts:\n", "hosts:\n");
	check("hosts: files [SUCCESS=merge] dns [!UNAVAIL=return  tryagain = continue]\n",
	      "hosts: files [SUCCESS=merge] dns [!UNAVAIL=return  tryagain = continue]\n");
	check("a: b\nhosts: resolve\nc: d", "a: b\nhosts: files dns\nc: d");
	check("hosts: resolve\nhosts: mdns", "hosts: files dns\nhosts: files dns");
}

/* As glibc reads it. */
static void test_ways_to_write_it(void **state)
{
	(void)state;
	check(" \t hosts \tresolve\n", "hosts: files dns\n");
	check("hosts:resolve files\n", "hosts: files dns\n");
	check("hosts: files#resolve\n", "hosts: files\n");
	check("hosts: resolve[NOTFOUND=return]dns\r\n", "hosts: files dns\n");
	check("hosts: DNS Files\n", "hosts: files dns\n"); /* names of other modules */
	check("hosts : files\n", "hosts: files dns\n");    /* a module called ":" */
}

static void test_broken(void **state)
{
	static const char zero[] = "hosts: files\0 resolve\nx";
	struct strbuf sb = { 0 };

	(void)state;
	check("hosts: files [NOTFOUND=explode] dns\n", "hosts: files dns\n");
	check("hosts: files [NOTFOUND] dns\n", "hosts: files dns\n");
	check("hosts: files [=return] dns\n", "hosts: files dns\n");
	check("hosts: files [!] dns\n", "hosts: files dns\n");
	check("hosts: files [] dns\n", "hosts: files dns\n");
	check("hosts: files [[NOTFOUND=return] dns\n", "hosts: files dns\n");
	check("hosts: dns [NOTFOUND=return resolve\n", "hosts: dns\n");
	check("hosts: [NOTFOUND=return] dns\n", "hosts: files dns\n");
	check("hosts: [", "hosts: files dns");
	check("hosts: ] dns", "hosts: files dns");
	nss_rewrite(zero, sizeof(zero) - 1, &sb);
	assert_string_equal(strbuf_text(&sb), "hosts: files\nx");
	strbuf_done(&sb);
}

/* --- resolv.conf --------------------------------------------------------------------------- */

static void check_resolv_conf(const struct msg_dns *dns, const char *want)
{
	struct strbuf sb = { 0 };
	const char *text;

	resolv_format(dns, &sb);
	text = strbuf_text(&sb);
	assert_int_equal(text[0], '#');
	assert_string_equal(strchr(text, '\n') + 1, want);
	strbuf_done(&sb);
}

static void test_resolv(void **state)
{
	struct msg_dns n = { .n = 3, .domains = "lan example.org a_b" };

	(void)state;
	assert_int_equal(ip_parse("10.209.0.1", &n.servers[0]), 0);
	assert_int_equal(ip_parse("10.209.0.2", &n.servers[1]), 0);
	assert_int_equal(ip_parse("fd00:1::1", &n.servers[2]), 0);
	check_resolv_conf(&n, "nameserver 10.209.0.1\nnameserver 10.209.0.2\nnameserver fd00:1::1\n"
			      "search lan example.org a_b\n");
	n.n = 1;
	n.domains[0] = 0;
	check_resolv_conf(&n, "nameserver 10.209.0.1\n");
	check_resolv_conf(&(struct msg_dns){ 0 }, "");
}

static void test_hostile_domains(void **state)
{
	static const char *const bad[] = {
		"a\nnameserver 192.0.2.1", "a\tb", "a;b", "a#b", "\x7f", "\xc3\xa4"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct msg_dns n = { 0 };

		strcpy(n.domains, bad[i]);
		check_resolv_conf(&n, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shipped),          cmocka_unit_test(test_what_stays),
		cmocka_unit_test(test_ways_to_write_it), cmocka_unit_test(test_broken),
		cmocka_unit_test(test_resolv),           cmocka_unit_test(test_hostile_domains),
	};

	return RUN_TESTS(tests);
}
