/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "unit.h"

#define UNTOUCHED 4711u

#define U32(text, min, max, value)                                                                 \
	do {                                                                                       \
		uint32_t got_ = UNTOUCHED;                                                         \
		assert_int_equal(parse_u32(text, min, max, &got_), 0);                             \
		assert_int_equal(got_, value);                                                     \
	} while (0)
#define U32_FAILS(text, min, max, code)                                                            \
	do {                                                                                       \
		uint32_t got_ = UNTOUCHED;                                                         \
		assert_int_equal(parse_u32(text, min, max, &got_), code);                          \
		assert_int_equal(got_, UNTOUCHED);                                                 \
	} while (0)
#define U64(text, max, value)                                                                      \
	do {                                                                                       \
		uint64_t got_ = UNTOUCHED;                                                         \
		assert_int_equal(parse_u64(text, max, &got_), 0);                                  \
		assert_true(got_ == (value));                                                      \
	} while (0)
#define U64_FAILS(text, max, code)                                                                 \
	do {                                                                                       \
		uint64_t got_ = UNTOUCHED;                                                         \
		assert_int_equal(parse_u64(text, max, &got_), code);                               \
		assert_true(got_ == UNTOUCHED);                                                    \
	} while (0)

static void test_u32(void **state)
{
	(void)state;
	U32("0", 0, UINT32_MAX, 0);
	U32("7", 0, UINT32_MAX, 7);
	U32("10", 0, UINT32_MAX, 10);
	U32("4294967295", 0, UINT32_MAX, UINT32_MAX);
	U32("5", 5, 9, 5);
	U32("9", 5, 9, 9);
	U32_FAILS("4", 5, 9, -ERANGE);
	U32_FAILS("10", 5, 9, -ERANGE);
	U32_FAILS("0", 1, 9, -ERANGE);
	U32_FAILS("4294967296", 0, UINT32_MAX, -ERANGE);
	U32_FAILS("4294967297", 0, UINT32_MAX, -ERANGE);           /* 1 when cut to 32 bits */
	U32_FAILS("18446744073709551617", 0, UINT32_MAX, -ERANGE); /* 1 when cut to 64 bits */
}

static void test_u64(void **state)
{
	(void)state;
	U64("0", UINT64_MAX, 0);
	U64("18446744073709551615", UINT64_MAX, UINT64_MAX);
	U64("1000", 1000, 1000);
	U64_FAILS("1001", 1000, -ERANGE);
	U64_FAILS("18446744073709551616", UINT64_MAX, -ERANGE);
	U64_FAILS("18446744073709551620", UINT64_MAX, -ERANGE);
	U64_FAILS("99999999999999999999999999", UINT64_MAX, -ERANGE);
}

static void test_malformed_numbers(void **state)
{
	static const char *const bad[] = {
		"",   " ",   " 1",  "1 ", "1\n", "\t1", "+1",  "-1", "-0",  "00",
		"01", "007", "0x1", "1x", "1.0", "1e3", "1,2", "١",  "1 2", "--1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		U32_FAILS(bad[i], 0, UINT32_MAX, -EINVAL);
		U64_FAILS(bad[i], UINT64_MAX, -EINVAL);
	}
}

static void test_ifname(void **state)
{
	static const char *const good[] = {
		"a",
		"lo",
		"wlp6s0",
		"enp0s31f6.4000",
		"exactly15bytes_",
		"eth0@if1",
		"...",
		".a",
		"-x",
		"wl*",
		"x'y",
		"a,b",
		"$x",
		"\xc3\xa9th0",
		"\x7e",
	};
	static const char *const bad[] = {
		"",      ".",      "..",   "sixteen_bytes_xx",
		"a/b",   "/",      "a:b",  "a b",
		" a",    "a ",     "a\tb", "a\n",
		"a\x01", "\x1f",   "\x7f", "a\"b",
		"a\\b",  "a\xa0z",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!ifname_valid(good[i]))
			fail_msg("'%s' is a device name", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (ifname_valid(bad[i]))
			fail_msg("'%s' is no device name", bad[i]);
}

static void test_session_name(void **state)
{
	static const char *const good[] = {
		"a",         "7z",  "curl", "curl-2", "g++",
		"Steam.exe", "a_b", "A..",  "0-0",    "32bytes_0123456789abcdef01234567",
	};
	static const char *const bad[] = {
		"",    "-a",   ".a",
		"..",  "_a",   "+a",
		"a b", "a/b",  "a,b",
		"a=b", "a\n",  "\xc3\xa9",
		"7",   "0123", "4294967296",
		"a@b", "a:b",  "a[b",
		"a`b", "a{b",  "33bytes_0123456789abcdef012345678",
	};

	(void)state;
	assert_int_equal(strlen(good[9]), 32);
	assert_int_equal(strlen(bad[20]), 33);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!session_name_valid(good[i]))
			fail_msg("'%s' is a session name", good[i]);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (session_name_valid(bad[i]))
			fail_msg("'%s' is no session name", bad[i]);
}

static void test_copy_string(void **state)
{
	char dst[5] = "keep";

	(void)state;
	assert_int_equal(copy_string(dst, sizeof(dst), "12345"), -ENAMETOOLONG);
	assert_string_equal(dst, "keep");
	assert_int_equal(copy_string(dst, sizeof(dst), "1234"), 0);
	assert_string_equal(dst, "1234");
	assert_int_equal(copy_string(dst, sizeof(dst), ""), 0);
	assert_string_equal(dst, "");
	assert_int_equal(copy_string(dst, 0, ""), -ENAMETOOLONG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_u32),
		cmocka_unit_test(test_u64),
		cmocka_unit_test(test_malformed_numbers),
		cmocka_unit_test(test_ifname),
		cmocka_unit_test(test_session_name),
		cmocka_unit_test(test_copy_string),
	};

	return RUN_TESTS(tests);
}
