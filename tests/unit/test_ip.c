/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "model/ip.h"
#include "unit.h"

static struct ip ip(const char *text)
{
	struct ip got = { 0 };

	if (ip_parse(text, &got) < 0)
		fail_msg("'%s' is an address", text);
	return got;
}

static struct prefix prefix(const char *text)
{
	struct prefix got = { 0 };

	if (prefix_parse(text, &got) < 0)
		fail_msg("'%s' is a prefix", text);
	return got;
}

#define IP_IS(address, text)                                                                       \
	do {                                                                                       \
		char buf_[IP_TEXT_MAX];                                                            \
		struct ip ip_ = (address);                                                         \
		assert_string_equal(ip_format(&ip_, buf_), text);                                  \
	} while (0)

static void test_parse(void **state)
{
	static const uint8_t six[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 0x10 };
	struct ip got = ip("192.168.2.10");

	(void)state;
	assert_int_equal(got.family, AF_INET);
	assert_memory_equal(got.bytes, "\xc0\xa8\x02\x0a\0\0\0\0\0\0\0\0\0\0\0", 16);
	got = ip("2001:db8::10");
	assert_int_equal(got.family, AF_INET6);
	assert_memory_equal(got.bytes, six, 16);
	IP_IS(ip("0.0.0.0"), "0.0.0.0");
	IP_IS(ip("255.255.255.255"), "255.255.255.255");
	IP_IS(ip("::"), "::");
	IP_IS(ip("2001:DB8:0:0:0:0:0:1"), "2001:db8::1");
	IP_IS(ip("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255"),
	      "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void test_parse_fails(void **state)
{
	static const char *const bad[] = {
		"",          " ",         "1",
		"1.2.3",     "1.2.3.4.5", "1.2.3.256",
		"01.2.3.4",  "1.2.3.04",  " 1.2.3.4",
		"1.2.3.4 ",  "+1.2.3.4",  "-1.2.3.4",
		"0x1.2.3.4", "1.2.3.4/8", ":",
		":::",       "1::2::3",   "fe80::1%lo",
		"g::",       "12345::",   "1:2:3:4:5:6:7",
		"none",      "localhost", "2001:db8::1/64",
	};
	struct ip got = ip("9.9.9.9");

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (ip_parse(bad[i], &got) != -EINVAL)
			fail_msg("'%s' is no address", bad[i]);
		IP_IS(got, "9.9.9.9");
	}
}

#define PREFIX_IS(text)                                                                            \
	do {                                                                                       \
		char buf_[IP_TEXT_MAX];                                                            \
		struct prefix p_ = prefix(text);                                                   \
		assert_string_equal(prefix_format(&p_, buf_), text);                               \
	} while (0)

static void test_prefix_parse(void **state)
{
	static const char *const bad[] = {
		"",
		"/",
		"/8",
		"10.0.0.0",
		"10.0.0.0/",
		"10.0.0.0/33",
		"10.0.0.0/08",
		"10.0.0.0/+8",
		"10.0.0.0/ 8",
		"10.0.0.0/8 ",
		"10.0.0.0/-1",
		"10.0.0/8",
		"::/129",
		"::/",
		"::/0/0",
		"10.0.0.0/255.0.0.0",
		"10.0.0.0/4294967304",
		"0000000000000000000000000000000000000000000000000000000000000000::/8",
	};
	struct prefix got = prefix("9.9.9.0/24");

	(void)state;
	PREFIX_IS("10.209.0.0/22");
	PREFIX_IS("10.209.1.7/22"); /* host bits stay */
	PREFIX_IS("0.0.0.0/0");
	PREFIX_IS("1.2.3.4/32");
	PREFIX_IS("::/0");
	PREFIX_IS("2001:db8::1/128");
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (prefix_parse(bad[i], &got) != -EINVAL)
			fail_msg("'%s' is no prefix", bad[i]);
		assert_int_equal(got.len, 24);
		IP_IS(got.ip, "9.9.9.0");
	}
}

static void test_format(void **state)
{
	const struct mac mac = { { 0x0a, 0, 0xff, 1, 0x10, 0x9 } };
	const struct ip none = { 0 };
	char buf[MAC_TEXT_MAX];

	(void)state;
	IP_IS(none, "none");
	assert_string_equal(mac_format(&mac, buf), "0a:00:ff:01:10:09");
}

static void test_bytes(void **state)
{
	const uint8_t bytes[16] = { 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16 };
	struct ip four = ip_from_bytes(AF_INET, bytes), six = ip_from_bytes(AF_INET6, bytes);
	const struct ip none = { 0 };

	(void)state;
	IP_IS(four, "1.2.3.4");
	assert_int_equal(four.bytes[4], 0);
	IP_IS(six, "102:304:506:708:90a:b0c:d0e:f10");
	assert_int_equal(ip_size(&four), 4);
	assert_int_equal(ip_size(&six), 16);
	assert_int_equal(ip_size(&none), 0);
	assert_true(ip_is_set(&four));
	assert_false(ip_is_set(&none));
}

static void test_compare(void **state)
{
	const char *const order[] = { "0.0.0.0", "1.2.3.4", "1.2.3.5", "200.0.0.0",
				      "::",      "::1",     "fe80::" };
	const size_t n = sizeof(order) / sizeof(order[0]);
	const struct ip none = { 0 };

	(void)state;
	for (size_t i = 0; i < n; i++)
		for (size_t j = 0; j < n; j++) {
			struct ip a = ip(order[i]), b = ip(order[j]);
			int c = ip_compare(&a, &b);

			assert_int_equal((c > 0) - (c < 0), (i > j) - (i < j));
			assert_int_equal(ip_equal(&a, &b), i == j);
		}
	assert_true(ip_equal(&none, &none));
}

static void test_link_local(void **state)
{
	static const struct {
		const char *text;
		bool yes;
	} cases[] = {
		{ "169.253.255.255", false }, { "169.254.0.0", true },  { "169.254.255.255", true },
		{ "169.255.0.0", false },     { "168.254.0.1", false }, { "fe7f:ffff::", false },
		{ "fe80::", true },           { "febf:ffff::1", true }, { "fec0::", false },
		{ "ff80::", false },          { "::", false },
	};
	const struct ip none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip a = ip(cases[i].text);

		if (ip_is_link_local(&a) != cases[i].yes)
			fail_msg("%s", cases[i].text);
	}
	assert_false(ip_is_link_local(&none));
}

#define SUM_IS(text, n, sum)                                                                       \
	do {                                                                                       \
		struct ip a_ = ip(text);                                                           \
		IP_IS(ip_add(&a_, n), sum);                                                        \
	} while (0)

static void test_can_serve(void **state)
{
	static const char *const can[] = { "1.1.1.1",         "10.0.0.1",         "100.64.0.1",
					   "169.254.169.253", "192.168.8.1",      "2001:db8::",
					   "fd00:1234::53",   "2620:fe::fe:fe:fe" };
	static const char *const cannot[] = {
		"0.0.0.0",     "0.1.2.3",         "127.0.0.1", "127.0.0.53",
		"224.0.0.251", "255.255.255.255", "::",        "::1",
		"::8.8.8.8",   "::ffff:8.8.8.8",  "fe80::1",   "ff02::fb",
	};
	struct ip none = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(can) / sizeof(can[0]); i++) {
		struct ip a = ip(can[i]);

		if (!ip_can_serve(&a))
			fail_msg("%s can serve", can[i]);
	}
	for (size_t i = 0; i < sizeof(cannot) / sizeof(cannot[0]); i++) {
		struct ip a = ip(cannot[i]);

		if (ip_can_serve(&a))
			fail_msg("%s cannot serve", cannot[i]);
	}
	assert_false(ip_can_serve(&none));
}

static void test_add(void **state)
{
	(void)state;
	SUM_IS("10.209.0.0", 0, "10.209.0.0");
	SUM_IS("10.209.0.0", 1, "10.209.0.1");
	SUM_IS("10.209.0.0", 255, "10.209.0.255");
	SUM_IS("10.209.0.0", 256, "10.209.1.0");
	SUM_IS("10.209.0.0", 1022, "10.209.3.254");
	SUM_IS("10.209.0.255", 1, "10.209.1.0");
	SUM_IS("10.255.255.255", 1, "11.0.0.0");
	SUM_IS("255.255.255.255", 1, "0.0.0.0");
	SUM_IS("1.2.3.4", UINT32_MAX, "1.2.3.3");
	SUM_IS("fd00::", 1022, "fd00::3fe");
	SUM_IS("fd00::ffff", 1, "fd00::1:0");
	SUM_IS("fd00::ffff:ffff", 1, "fd00::1:0:0");
	SUM_IS("fd00::ff", UINT32_MAX, "fd00::1:0:fe");
	SUM_IS("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 2, "::1");
}

#define OFFSET_IS(address, start, n)                                                               \
	do {                                                                                       \
		struct ip a_ = ip(address);                                                        \
		struct prefix p_ = prefix(start);                                                  \
		assert_int_equal(ip_offset(&a_, &p_), n);                                          \
	} while (0)

static void test_offset(void **state)
{
	(void)state;
	OFFSET_IS("10.209.0.0", "10.209.0.0/22", 0);
	OFFSET_IS("10.209.3.254", "10.209.0.0/22", 1022);
	OFFSET_IS("10.209.1.0", "10.209.2.1/22", 256); /* from the masked start */
	OFFSET_IS("fd00::1:2", "fd00::/64", 0x10002);
}

#define MASKED_IS(text, start)                                                                     \
	do {                                                                                       \
		struct prefix p_ = prefix(text), m_ = prefix_masked(&p_);                          \
		IP_IS(m_.ip, start);                                                               \
		assert_int_equal(m_.len, p_.len);                                                  \
	} while (0)

static void test_masked(void **state)
{
	(void)state;
	MASKED_IS("10.209.3.255/22", "10.209.0.0");
	MASKED_IS("255.255.255.255/0", "0.0.0.0");
	MASKED_IS("255.255.255.255/1", "128.0.0.0");
	MASKED_IS("255.255.255.255/31", "255.255.255.254");
	MASKED_IS("255.255.255.255/32", "255.255.255.255");
	MASKED_IS("2001:db8:ffff::1/33", "2001:db8:8000::");
	MASKED_IS("2001:db8::1/128", "2001:db8::1");
	MASKED_IS("2001:db8::1/0", "::");
}

static void test_overlap(void **state)
{
	static const struct {
		const char *a, *b;
		bool yes;
	} cases[] = {
		{ "10.209.0.0/22", "10.209.0.0/22", true },
		{ "10.209.0.0/22", "10.209.3.255/32", true },
		{ "10.209.0.0/22", "10.209.4.0/32", false },
		{ "10.209.0.0/22", "10.208.255.255/32", false },
		{ "10.209.0.0/22", "10.0.0.0/8", true },
		{ "10.209.0.0/22", "10.209.2.77/24", true }, /* host bits do not matter */
		{ "10.209.0.0/22", "0.0.0.0/0", true },
		{ "10.209.0.0/22", "128.0.0.0/1", false },
		{ "0.0.0.0/0", "::/0", false },
		{ "fd00::/64", "fd00:0:0:1::/64", false },
		{ "fd00::/64", "fd00::/8", true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct prefix a = prefix(cases[i].a), b = prefix(cases[i].b);

		if (prefix_overlap(&a, &b) != cases[i].yes ||
		    prefix_overlap(&b, &a) != cases[i].yes)
			fail_msg("%s and %s", cases[i].a, cases[i].b);
	}
}

static void test_contains(void **state)
{
	struct prefix p = prefix("10.209.0.0/22"), all = prefix("0.0.0.0/0"),
		      one = prefix("::1/128");
	struct ip in = ip("10.209.3.255"), out = ip("10.209.4.0"), six = ip("::1"), two = ip("::2");

	(void)state;
	assert_true(prefix_contains(&p, &in));
	assert_false(prefix_contains(&p, &out));
	assert_false(prefix_contains(&p, &six));
	assert_true(prefix_contains(&all, &out));
	assert_false(prefix_contains(&all, &six));
	assert_true(prefix_contains(&one, &six));
	assert_false(prefix_contains(&one, &two));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),        cmocka_unit_test(test_parse_fails),
		cmocka_unit_test(test_prefix_parse), cmocka_unit_test(test_format),
		cmocka_unit_test(test_bytes),        cmocka_unit_test(test_compare),
		cmocka_unit_test(test_link_local),   cmocka_unit_test(test_can_serve),
		cmocka_unit_test(test_add),          cmocka_unit_test(test_offset),
		cmocka_unit_test(test_masked),       cmocka_unit_test(test_overlap),
		cmocka_unit_test(test_contains),
	};

	return RUN_TESTS(tests);
}
