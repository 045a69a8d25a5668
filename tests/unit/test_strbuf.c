/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/strbuf.h"
#include "unit.h"

static void test_empty(void **state)
{
	struct strbuf sb = { 0 };

	(void)state;
	assert_string_equal(strbuf_text(&sb), "");
	assert_false(strbuf_failed(&sb));
	strbuf_truncate(&sb, 0);
	strbuf_done(&sb);
	assert_string_equal(strbuf_text(&sb), "");
}

static void test_add(void **state)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	(void)state;
	strbuf_add(&sb, "%s %d", "a", 1);
	strbuf_add(&sb, "%s", "");
	strbuf_add_bytes(&sb, "bcd", 2);
	strbuf_add_bytes(&sb, "", 0);
	assert_string_equal(strbuf_text(&sb), "a 1bc");
	assert_int_equal(sb.len, 5);
}

/* One byte more at a time, over every place where it must grow. */
static void test_grow(void **state)
{
	_cleanup_strbuf_ struct strbuf one = { 0 }, big = { 0 };
	char text[3000];

	(void)state;
	for (size_t i = 0; i < sizeof(text) - 1; i++) {
		text[i] = (char)('a' + i % 26);
		if (i % 2)
			strbuf_add_bytes(&one, &text[i], 1);
		else
			strbuf_add(&one, "%c", text[i]);
		assert_int_equal(strlen(strbuf_text(&one)), i + 1);
	}
	text[sizeof(text) - 1] = 0;
	strbuf_add(&big, "%s", text);
	assert_string_equal(strbuf_text(&one), text);
	assert_string_equal(strbuf_text(&big), text);
	assert_false(strbuf_failed(&one));
}

static void test_truncate(void **state)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	(void)state;
	strbuf_add(&sb, "abcdef");
	strbuf_truncate(&sb, 7);
	strbuf_truncate(&sb, 6);
	assert_string_equal(strbuf_text(&sb), "abcdef");
	strbuf_truncate(&sb, 2);
	assert_string_equal(strbuf_text(&sb), "ab");
	strbuf_add(&sb, "z");
	assert_string_equal(strbuf_text(&sb), "abz");
	strbuf_truncate(&sb, 0);
	assert_string_equal(strbuf_text(&sb), "");
}

/* Nothing more is added behind a hole, however much room there is. */
static void test_failure_sticks(void **state)
{
	_cleanup_strbuf_ struct strbuf sb = { 0 };

	(void)state;
	strbuf_add(&sb, "ab");
	sb.failed = true;
	strbuf_add(&sb, "c");
	strbuf_add_bytes(&sb, "d", 1);
	assert_true(strbuf_failed(&sb));
	assert_string_equal(strbuf_text(&sb), "ab");
	strbuf_done(&sb);
	assert_false(strbuf_failed(&sb));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),          cmocka_unit_test(test_add),
		cmocka_unit_test(test_grow),           cmocka_unit_test(test_truncate),
		cmocka_unit_test(test_failure_sticks),
	};

	return RUN_TESTS(tests);
}
