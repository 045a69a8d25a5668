/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in the past, as `log --since` takes them. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"
#include "verbs/since.h"

/* Wednesday, 2026-03-04 12:30:00 UTC */
#define NOW 1772627400

static void test_valid(void **state)
{
	static const struct {
		const char *text;
		time_t at;
	} cases[] = {
		{ "90s", NOW - 90 },
		{ "10m", NOW - 600 },
		{ "2h", NOW - 7200 },
		{ "1d", NOW - 86400 },
		{ "today", NOW - 45000 },
		{ "12:00", NOW - 1800 },
		{ "12:29:59", NOW - 1 },
		{ "13:00", NOW - 84600 }, /* yesterday */
		{ "2026-03-04", NOW - 45000 },
		{ "2026-03-03 12:30", NOW - 86400 },
		{ "2026-03-03T12:30:01", NOW - 86399 },
		{ "@17", 17 },
	};
	time_t at = 0;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		assert_int_equal(since_parse(cases[i].text, NOW, &at, NULL), 0);
		assert_int_equal(at, cases[i].at);
	}
}

static void test_wrong(void **state)
{
	static const char *const cases[] = { "",    "x",     "10",    "m",           "10 m",
					     "-5m", "25:00", "12:0x", "2026-13-01",  "tomorrow",
					     "@",   "@x",    "10mm",  "99999999999d" };
	struct err err = { 0 };
	time_t at = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_true(since_parse(cases[i], NOW, &at, &err) < 0);
	assert_non_null(strstr(err.text, "invalid --since '99999999999d'"));
}

/*
 * A clock time that is later than now is yesterday's, and is asked for once: also at the epoch,
 * whose yesterday is negative, and where localtime(3) knows no day (EOVERFLOW) and both are later
 * than now.
 */
static void test_future(void **state)
{
	static const time_t nows[] = { 0, (time_t)INT64_MIN, (time_t)INT64_MAX, INT32_MAX };
	time_t at = 0;

	(void)state;
	assert_int_equal(since_parse("23:59:58", 0, &at, NULL), 0);
	assert_int_equal(at, -2);
	assert_int_equal(since_parse("12:30:01", NOW, &at, NULL), 0);
	assert_int_equal(at, NOW - 86399);
	assert_int_equal(since_parse("2026-03-05", NOW, &at, NULL), 0);
	assert_int_equal(at, NOW - 45000 + 86400);
	for (size_t i = 0; i < sizeof(nows) / sizeof(nows[0]); i++)
		since_parse("23:00", nows[i], &at, NULL);
}

/* What a time_t cannot hold is refused, and the result is not touched. */
static void test_range(void **state)
{
	static const struct {
		const char *text;
		int64_t at;
	} cases[] = {
		{ "@2147483647", INT32_MAX },
		{ "@2147483648", INT32_MAX + INT64_C(1) },
		{ "@4294967295", UINT32_MAX },
		{ "1000000d", NOW - INT64_C(86400000000) },
		{ "100000d", NOW - INT64_C(8640000000) },
		{ "20000d", NOW - INT64_C(1728000000) },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		bool fits = (time_t)cases[i].at == cases[i].at;
		time_t at = 5;

		assert_int_equal(since_parse(cases[i].text, NOW, &at, NULL), fits ? 0 : -EINVAL);
		assert_int_equal(at, fits ? cases[i].at : 5);
	}
	assert_int_equal(since_parse("@9223372036854775807", NOW, &(time_t){ 0 }, NULL), -EINVAL);
	assert_int_equal(since_parse("@18446744073709551615", NOW, &(time_t){ 0 }, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_wrong),
		cmocka_unit_test(test_future),
		cmocka_unit_test(test_range),
	};

	setenv("TZ", "UTC", 1);
	return RUN_TESTS(tests);
}
