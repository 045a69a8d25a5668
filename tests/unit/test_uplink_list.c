/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "list.h"
#include "model/uplink_list.h"
#include "unit.h"

static uint32_t seed = 20240909;

static uint32_t chance(uint32_t n)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % n;
}

/* As it is written in a list. */
static void escape(const char *word, char *to)
{
	for (; *word; word++) {
		if (*word == ',' || *word == '\\')
			*to++ = '\\';
		*to++ = *word;
	}
	*to = 0;
}

static void test_words(void **state)
{
	static const struct {
		const char *word;
		enum uplink_word_kind kind;
	} rows[] = {
		{ "wlp6s0", UPLINK_BY_NAME },
		{ "wifi", UPLINK_BY_MEDIUM },
		{ "ethernet", UPLINK_BY_MEDIUM },
		{ "wwan", UPLINK_BY_MEDIUM },
		{ "vpn", UPLINK_BY_MEDIUM },
		{ "other", UPLINK_BY_NAME }, /* a kind that nobody can ask for */
		{ "wifi2", UPLINK_BY_NAME },
		{ "ssid:My, own\\net", UPLINK_BY_SSID },
		{ "ssid", UPLINK_BY_NAME },
		{ "SSID:x", UPLINK_BY_NAME },
		{ "mac:AA:bb:cc:dd:ee:0F", UPLINK_BY_MAC },
		{ "mac:what", UPLINK_BY_MAC },
	};
	const struct mac mac = { { 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0x0f } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct uplink_list l = { 0 };

		assert_int_equal(uplink_list_add(&l, rows[i].word), 0);
		assert_int_equal(l.words[0].kind, rows[i].kind);
		assert_int_equal(uplink_list_condition(&l, 0), rows[i].kind != UPLINK_BY_NAME);
		assert_string_equal(uplink_list_word(&l, 0), rows[i].word);
		if (rows[i].kind == UPLINK_BY_SSID)
			assert_string_equal(uplink_list_ssid(&l, 0), "My, own\\net");
		if (rows[i].kind == UPLINK_BY_MEDIUM)
			assert_int_equal(l.words[0].medium, link_medium_of(rows[i].word));
		assert_int_equal(mac_is_set(&l.words[0].mac), strstr(rows[i].word, "AA") != NULL);
		if (mac_is_set(&l.words[0].mac))
			assert_memory_equal(&l.words[0].mac, &mac, sizeof(mac));
	}
}

static void test_read(void **state)
{
	const struct uplink_list none = { 0 };
	struct uplink_list l;
	char word[UPLINK_WORD_MAX + 1];

	(void)state;
	assert_int_equal(uplink_list_read("wlp6s0,ssid:My\\, own\\\\net,b", &l), 0);
	assert_int_equal(l.n, 3);
	assert_string_equal(uplink_list_word(&l, 1), "ssid:My, own\\net");
	assert_string_equal(uplink_list_word(&l, 2), "b");
	assert_true(uplink_list_has(&l, "b"));
	assert_true(uplink_list_has(&l, "wlp6s0"));
	assert_false(uplink_list_has(&l, "wlp6"));
	assert_false(uplink_list_has(&l, ""));
	uplink_list_drop(&l);
	uplink_list_drop(&l);
	LIST_IS(l, "wlp6s0");
	assert_true(uplink_list_equal(&l, &(struct uplink_list[]){ list_of("wlp6s0") }[0]));
	uplink_list_drop(&l);
	assert_true(uplink_list_equal(&l, &none));
	assert_int_equal(uplink_list_read("", &l), -EINVAL);
	assert_true(uplink_list_equal(&l, &none));
	assert_int_equal(uplink_list_read(",a", &l), -EINVAL);
	assert_int_equal(l.n, 0);
	assert_int_equal(uplink_list_read("a,,b", &l), -EINVAL);
	LIST_IS(l, "a");
	assert_int_equal(uplink_list_read("a,", &l), -EINVAL); /* a comma too many is seen */
	LIST_IS(l, "a");
	memset(word, 'x', sizeof(word));
	word[UPLINK_WORD_MAX] = 0;
	assert_int_equal(uplink_list_read(word, &l), -EINVAL);
	word[UPLINK_WORD_MAX - 1] = 0;
	assert_int_equal(uplink_list_read(word, &l), 0);
	assert_int_equal(uplink_list_add(&l, ""), -EINVAL);
	assert_int_equal(uplink_list_add(&l, "a_name_of_31_bytes_fits_behind_"), 0);
	assert_int_equal(uplink_list_add(&l, "x"), -ENOSPC);
	assert_int_equal(l.n, 2);
}

/* What somebody typed is refused with a line that says why. */
static void test_parse(void **state)
{
	static const struct {
		const char *uplinks, *part;
	} bad[] = {
		{ "", "name of an interface" },
		{ ",", "last comma" },
		{ ",a", "name of an interface" },
		{ "a,,b", "name of an interface" },
		{ "a,", "last comma" },
		{ "a,b,", "last comma" },
		{ "ssid:", "name of an interface" },
		{ "ssid:a_network_name_of_more_than_32_bytes", "name of an interface" },
		{ "ssid:\x1b[2J", "name of an interface" },
		{ "mac:aa:bb:cc:dd:ee", "name of an interface" },
		{ "mac:aa:bb:cc:dd:ee:fg", "name of an interface" },
		{ "mac:+1:+1:+1:+1:+1:+1", "name of an interface" },
		{ "mac:aa-bb-cc-dd-ee-ff", "name of an interface" },
		{ "an_altname_of_128_bytes_is_more_than_a_word_may_have_"
		  "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		  "name of an interface" },
		{ "a b", "name of an interface" },
		{ "a, b", "name of an interface" },
		{ "a\\,b/c", "name of an interface" },
		{ "a/b", "name of an interface" },
		{ "a:b", "name of an interface" },
		{ "..", "name of an interface" },
		{ "a\n", "name of an interface" },
		{ "a,a", "'a' is there twice" },
		{ "a,b,a", "'a' is there twice" },
		{ "b,a,c,a", "'a' is there twice" },
		{ "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p,q", "more than 16" },
		{ "aaaaaaaaaaaaaaa,bbbbbbbbbbbbbbb,ccccccccccccccc,ddddddddddddddd,"
		  "eeeeeeeeeeeeeee,fffffffffffffff,ggggggggggggggg,hhhhhhhhhhhhhhh,"
		  "iiiiiiiiiiiiiii,jjjjjjjjjjjjjjj,k",
		  "longer than 159 bytes" },
	};
	static const char *const good[] = {
		"wlp6s0",
		"a,b,exactly15bytes_",
		"-",
		"ssid:My\\, own\\\\net,wifi,mac:AA:bb:cc:dd:ee:0f",
		"a,b,c,d,e,f,g,h,i,j,k,l,m,n,o,p",
		/* as long as a list can be: ten names of 15 bytes */
		("aaaaaaaaaaaaaaa,bbbbbbbbbbbbbbb,ccccccccccccccc,ddddddddddddddd,"
		 "eeeeeeeeeeeeeee,fffffffffffffff,ggggggggggggggg,hhhhhhhhhhhhhhh,"
		 "iiiiiiiiiiiiiii,jjjjjjjjjjjjjjj"),
		/* an altname as long as the kernel has them, and a second card */
		("an_altname_of_127_bytes_is_as_long_as_a_word_may_be__"
		 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx,"
		 "wlp6s0"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct err err = { 0 };
		struct uplink_list l;

		memset(&l, 0x55, sizeof(l));
		assert_int_equal(uplink_list_parse(bad[i].uplinks, &l, &err), -EINVAL);
		if (!strstr(err.text, bad[i].part))
			fail_msg("no '%s' in '%s'", bad[i].part, err.text);
		assert_int_equal(l.n, 0x55555555);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct uplink_list l;

		assert_int_equal(uplink_list_parse(good[i], &l, NULL), 0);
		LIST_IS(l, good[i]);
		assert_int_equal(uplink_list_check(&l, NULL), 0);
	}
}

/* What another process filled in is a list that parsing makes, or none at all. */
static void test_check(void **state)
{
	const struct uplink_list good = list_of("wlp6s0,ssid:My\\,Net,mac:02:00:00:00:00:01,vpn");
	struct uplink_list l = good;
	size_t changed = 0;

	(void)state;
	assert_int_equal(uplink_list_check(&good, NULL), 0);
	for (size_t i = 0; i < sizeof(l); i++)
		for (int bit = 0; bit < 8; bit++) {
			char text[UPLINK_LIST_TEXT_MAX];
			struct uplink_list again;

			l = good;
			((uint8_t *)&l)[i] ^= (uint8_t)(1 << bit);
			if (uplink_list_check(&l, NULL) < 0)
				continue;
			/* a letter of a word is another one */
			assert_int_equal(uplink_list_parse(uplink_list_format(&l, text), &again,
							   NULL),
					 0);
			assert_true(uplink_list_equal(&again, &l));
			changed++;
		}
	assert_in_range(changed, 1, 8 * uplink_list_used(&good));
	l = list_of("a,b,c");
	l.n = UINT32_MAX;
	assert_int_equal(uplink_list_check(&l, NULL), -EINVAL);
	memset(&l, 0, sizeof(l));
	assert_int_equal(uplink_list_check(&l, NULL), -EINVAL);
	l = list_of("a,b/c");
	assert_int_equal(uplink_list_check(&l, NULL), -EINVAL);
	l = list_of("a,b,a");
	assert_int_equal(uplink_list_check(&l, NULL), -EINVAL);
}

static void random_word(char word[UPLINK_WORD_MAX])
{
	static const char bytes[] = ",\\,\\ab:;'\"%=/ \t\xc3\xa4z";
	static const char *const fronts[] = { "", "", "ssid:", "mac:", "mac:0a:0", "wifi" };
	size_t n = (size_t)snprintf(word, UPLINK_WORD_MAX, "%s", fronts[chance(6)]);

	for (uint32_t more = 1 + chance(14); more; more--)
		word[n++] = bytes[chance(sizeof(bytes) - 1)];
	word[n] = 0;
}

/* Whatever the words are, with commas and backslashes: text of a list is a list with that text. */
static void test_identity(void **state)
{
	size_t escaped = 0, full = 0;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		struct uplink_list made = { 0 }, again;
		char text[UPLINK_LIST_TEXT_MAX], wanted[4 * UPLINK_LIST_MAX] = "", twice[400];
		uint32_t n = 1 + chance(UPLINK_WORDS_MAX + 2);

		for (uint32_t j = 0; j < n; j++) {
			char word[UPLINK_WORD_MAX];

			random_word(word);
			if (uplink_list_add(&made, word) < 0) {
				full++;
				break;
			}
			if (j)
				strcat(wanted, ",");
			escape(word, wanted + strlen(wanted));
		}
		uplink_list_format(&made, text);
		assert_string_equal(text, wanted);
		assert_int_equal(uplink_list_read(text, &again), 0);
		assert_true(uplink_list_equal(&again, &made));
		assert_string_equal(uplink_list_format(&again, twice), text);
		escaped += strchr(text, '\\') != NULL;
		if (uplink_list_parse(text, &again, NULL) == 0)
			assert_true(uplink_list_equal(&again, &made));
		while (again.n)
			uplink_list_drop(&again);
		for (size_t j = 0; j < made.n; j++)
			assert_int_equal(uplink_list_append(&again, &made, j), 0);
		assert_true(uplink_list_equal(&again, &made));
	}
	assert_in_range(escaped, 10000, 20000);
	assert_in_range(full, 1000, 20000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),    cmocka_unit_test(test_read),
		cmocka_unit_test(test_parse),    cmocka_unit_test(test_check),
		cmocka_unit_test(test_identity),
	};

	return RUN_TESTS(tests);
}
