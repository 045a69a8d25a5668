/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/text.h"

#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* The bytes that a printer writes, to be freed. */
#define WRITTEN(ret, call)                                                                         \
	do {                                                                                       \
		size_t size_;                                                                      \
		FILE *out = open_memstream(&(ret), &size_);                                        \
                                                                                                   \
		assert_non_null(out);                                                              \
		call;                                                                              \
		assert_int_equal(fclose(out), 0);                                                  \
	} while (0)

static const char *const printable[] = {
	"",
	"a b~\\",
	("K\xc3\xbc"
	 "che \xe2\x82\xac\xc2\xa0"), /* U+20AC, U+00A0 */
	"\xe6\x97\xa5\xe6\x9c\xac",   /* U+65E5, U+672C */
	"\xf0\x9f\x8f\xa0",           /* U+1F3E0 */
	"\xed\x9f\xbf\xee\x80\x80",   /* U+D7FF, U+E000: beside the surrogates */
};

static const char *const bad[] = {
	"a\nb",
	"\x1b[2J",
	"a\x7f",
	("a\xc2\x9b"
	 "2J"), /* U+009B, which begins what ESC [ does */
	"\xc2\x80",
	"Caf\xe9",          /* ISO 8859-1 */
	"\xe2\x82",         /* cut off */
	"\x80",             /* a continuation alone */
	"\xc0\xaf",         /* overlong "/" */
	"\xe0\x80\xaf",     /* the same in three */
	"\xf0\x80\x80\xaf", /* and in four */
	"\xed\xa0\x80",     /* a surrogate, U+D800 */
	"\xf4\x90\x80\x80", /* U+110000 */
	"\xff\xfe",
	"\xf8\x88\x80\x80\x80", /* five bytes */
	"\xe2\x80\xae",         /* U+202E, writing direction */
	"\xe2\x81\xa6",         /* U+2066 */
	"\xd8\x9c",             /* U+061C */
	"\xe2\x80\x8b",         /* U+200B, zero width */
	"\xe2\x80\xa8",         /* U+2028, line separator */
	"\xef\xbb\xbf",         /* U+FEFF */
	"\xef\xbf\xbf",         /* U+FFFF */
	"\xf3\xa0\x81\x81",     /* U+E0041, a tag */
};

static void test_printable(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(printable) / sizeof(printable[0]); i++)
		if (!text_printable(printable[i]))
			fail_msg("number %zu is printable", i);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (text_printable(bad[i]))
			fail_msg("number %zu is not printable", i);
}

/* Every byte, and every pair behind a letter: what comes out is printable, and no longer. */
static void test_made_printable(void **state)
{
	char text[8];

	(void)state;
	for (unsigned int i = 1; i < 0x10000; i++) {
		snprintf(text, sizeof(text), "a%c%c", (char)(i & 0xff ? i & 0xff : 'x'),
			 (char)(i >> 8 ? i >> 8 : 'y'));
		text_make_printable(text);
		assert_true(text_printable(text));
		assert_int_equal(strlen(text), 3);
	}
	strcpy(text, "\xc3\xbc\xc3");
	text_make_printable(text);
	assert_string_equal(text, "\xc3\xbc?");
}

static void test_print(void **state)
{
	char *got = NULL;

	(void)state;
	WRITTEN(got, text_print(out, "%s %d\n", "a\x1b[2J\xe9\nb \xc3\xbc", 7));
	assert_string_equal(got, "a\\x1b[2J\\xe9\\x0ab \xc3\xbc 7\n");
	free(got);
	WRITTEN(got, text_print(out, "%s", "x\n")); /* no end of a line of ours */
	assert_string_equal(got, "x\\x0a");
	free(got);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		WRITTEN(got, text_print(out, "%s", bad[i]));
		assert_true(text_printable(got));
		free(got);
	}
}

static void test_json(void **state)
{
	char *got = NULL;

	(void)state;
	WRITTEN(got, text_print_json(out, "{\n  \"a\": \"\xc2\x9b\x7f\xe2\x80\xae\xc3\xbc\"\n}"));
	assert_string_equal(got, "{\n  \"a\": \"\\u009b\\u007f\\u202e\xc3\xbc\"\n}\n");
	free(got);
	WRITTEN(got, text_print_json(out, "\"\xe9\xf3\xa0\x81\x81\""));
	assert_string_equal(got, "\"\\\\xe9\\udb40\\udc41\"\n");
	free(got);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_printable),
		cmocka_unit_test(test_made_printable),
		cmocka_unit_test(test_print),
		cmocka_unit_test(test_json),
	};

	return RUN_TESTS(tests);
}
