/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Points in the past, as `log --since` takes them. */
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_valid),
		cmocka_unit_test(test_wrong),
	};

	setenv("TZ", "UTC", 1);
	return RUN_TESTS(tests);
}
