/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "launch/probe.h"
#include "unit.h"

static void test_good(void **state)
{
	static const struct {
		const char *text, *address;
		uint8_t family;
		uint16_t port;
	} cases[] = {
		{ "1.1.1.1", "1.1.1.1", AF_INET, 0 },
		{ "192.168.2.1", "192.168.2.1", AF_INET, 0 },
		{ "1.1.1.1:1", "1.1.1.1", AF_INET, 1 },
		{ "203.0.113.1:65535", "203.0.113.1", AF_INET, 65535 },
		{ "2001:db8::1", "2001:db8::1", AF_INET6, 0 },
		{ "2001:db8:0:0:0:0:0:443", "2001:db8::443", AF_INET6, 0 },
		{ "64:ff9b::1.2.3.4", "64:ff9b::102:304", AF_INET6, 0 },
		{ "[2001:db8::1]:443", "2001:db8::1", AF_INET6, 443 },
		{ "[64:ff9b::1.2.3.4]:53", "64:ff9b::102:304", AF_INET6, 53 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char text[IP_TEXT_MAX];
		struct probe p;

		assert_int_equal(probe_parse(cases[i].text, &p, NULL), 0);
		assert_int_equal(p.ip.family, cases[i].family);
		assert_string_equal(ip_format(&p.ip, text), cases[i].address);
		assert_int_equal(p.port, cases[i].port);
	}
}

static void test_bad(void **state)
{
	static const struct {
		const char *text, *part;
	} cases[] = {
		{ "", "names no" },
		{ ":80", "names no" },
		{ "example.org", "names no" },
		{ "example.org:80", "names no" },
		{ "localhost", "names no" },
		{ "tcp:1.1.1.1:443", "names no" },
		{ "1.1.1", "names no" },
		{ "1.1.1.256", "names no" },
		{ "01.1.1.1", "names no" },
		{ " 1.1.1.1", "names no" },
		{ "1.1.1.1 ", "names no" },
		{ "1.1.1.1/24", "names no" },
		{ "1.1.1.1,2.2.2.2", "names no" },
		{ "1.1.1.1:", "a port is" },
		{ "1.1.1.1:0", "a port is" },
		{ "1.1.1.1:65536", "a port is" },
		{ "1.1.1.1:-1", "a port is" },
		{ "1.1.1.1:+1", "a port is" },
		{ "1.1.1.1: 80", "a port is" },
		{ "1.1.1.1:80 ", "a port is" },
		{ "1.1.1.1:http", "a port is" },
		{ "1.1.1.1::80", "a port is" },
		{ "1.1.1.1:80:80", "a port is" },
		{ "[2001:db8::1]", "brackets" },
		{ "[2001:db8::1", "brackets" },
		{ "[2001:db8::1]80", "brackets" },
		{ "[2001:db8::1]:", "a port is" },
		{ "[2001:db8::1]:0", "a port is" },
		{ "[1.1.1.1]:80", "names no" },
		{ "[]:80", "names no" },
		{ "[[::1]]:80", "brackets" },
		{ "2001:db8::1:2:3:4:5:6:7:8", "names no" },
		{ "2001:db8::1]:80", "names no" },
		{ "fe80::1%wlp6s0", "names no" },
		{ "127.0.0.1", "no server" },
		{ "0.0.0.0:80", "no server" },
		{ "224.0.0.1", "no server" },
		{ "::1", "no server" },
		{ "::", "no server" },
		{ "[fe80::1]:80", "no server" },
		{ "ff02::1", "no server" },
		{ "::ffff:1.1.1.1", "no server" },
		{ "1111111111111111111111111111111111111111111111111111111111111111111111111",
		  "names no" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct probe p = { .port = 4711 };
		struct err err = { 0 };

		assert_int_equal(probe_parse(cases[i].text, &p, &err), -EINVAL);
		if (!strstr(err.text, cases[i].part))
			fail_msg("'%s': no '%s' in '%s'", cases[i].text, cases[i].part, err.text);
		assert_int_equal(p.port, 4711); /* untouched */
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
	};

	return RUN_TESTS(tests);
}
