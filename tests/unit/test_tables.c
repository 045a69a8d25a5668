/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What `list` and `uplinks` print on terminals of 80 and of 200 columns, and into a file, is what
 * tests/golden/tables has. VIA_GOLDEN_UPDATE=1 writes them anew.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "base/vec.h"
#include "scene.h"
#include "unit.h"
#include "verbs/rates.h"
#include "verbs/table.h"
#include "verbs/tables.h"

/* Two cards, one of which has eight addresses, and n sessions. */
static void host(struct facts *f, unsigned int n, struct processes *p)
{
	static const char *const names[] = { "steam", "curl", "a-name-of-32-characters-at-most.",
					     "firefox", "x" };
	char prefix[40];

	scene_split(f);
	for (unsigned int i = 1; i < 8; i++) {
		snprintf(prefix, sizeof(prefix), "192.168.2.%u/24", i + 10);
		scene_addr(f, "wlp6s0", prefix);
	}
	scene_slot(f, 1, "wlp6s0");
	for (unsigned int i = 0; i < n; i++) {
		struct session *s = scene_session(f, i + 1, i + 10, i % 7 == 3 ? 0 : 1,
						  "wlp6s0,enp7s0", names[i % 5]);
		struct process *one;

		s->uid = 4294967294u - i % 2; /* no name is found for it */
		s->since = (uint64_t)time(NULL) - i * 3600ul;
		for (unsigned int k = 0; k <= i % 12; k++) {
			one = VEC_PUSH(p);
			*one = (struct process){ .pid = (int)(1000 + 100 * i + k),
						 .netns = s->netns };
		}
	}
	for (size_t i = 0; i < f->links.n; i++)
		if (!strncmp(f->links.v[i].name, "viap", 4)) {
			f->links.v[i].rx_bytes = i * 77777777;
			f->links.v[i].tx_bytes = i * i * 999;
		}
}

/* No line is wider than the terminal. */
static void check_width(const char *text, size_t width)
{
	for (const char *line = text; *line; line += strcspn(line, "\n") + 1) {
		size_t n = 0;

		for (const char *c = line; *c != '\n'; c += text_char(c))
			n++;
		if (width && n > width)
			fail_msg("wider than %zu: %.*s", width, (int)strcspn(line, "\n"), line);
	}
}

/* Without the codes of colours (ECMA-48, SGR). */
static void strip_colours(char *text)
{
	char *to = text;

	for (const char *c = text; *c;)
		if (!strncmp(c, "\033[", 2))
			c += strcspn(c, "m") + 1;
		else
			*to++ = *c++;
	*to = 0;
}

/* Two seconds after an observation in which the last session was not there yet. */
static void print_rates(struct facts *f, const struct processes *p, const struct terminal *terminal,
			FILE *out)
{
	struct rates rates = { 0 };

	f->sessions.n--;
	assert_int_equal(rates_take(&rates, f, 1000000000), 0);
	f->sessions.n++;
	for (size_t i = 0; i < f->links.n; i++)
		if (!strncmp(f->links.v[i].name, "viap", 4)) {
			f->links.v[i].rx_bytes += i * 2000;
			f->links.v[i].tx_bytes += i * i * i * 5000;
		}
	assert_int_equal(rates_take(&rates, f, 3000000000), 0);
	assert_int_equal(tables_print_rates(f, p, &rates, false, false, terminal, out), 0);
	rates_done(&rates);
}

/* What is printed of that host; the caller's to free. */
static char *print_table(const char *what, unsigned int sessions, const struct terminal *terminal)
{
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_processes_ struct processes p = { 0 };
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	host(&f, sessions, &p);
	if (!strcmp(what, "list"))
		assert_int_equal(tables_print_sessions(&f, &p, false, false, terminal, out), 0);
	else if (!strcmp(what, "rates"))
		print_rates(&f, &p, terminal, out);
	else
		assert_int_equal(tables_print_uplinks(&f, terminal, out), 0);
	fclose(out);
	return text;
}

static void compare(const char *text, const char *what, unsigned int sessions, size_t width,
		    const char *colours)
{
	_cleanup_free_ char *wanted = NULL;
	char path[256];
	size_t size = 0;
	FILE *file;

	snprintf(path, sizeof(path), GOLDEN_TABLES "/%s-%u-%zu%s.txt", what, sessions, width,
		 colours);
	if (getenv("VIA_GOLDEN_UPDATE")) {
		file = fopen(path, "we");
		assert_non_null(file);
		fputs(text, file);
		fclose(file);
		return;
	}
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(getdelim(&wanted, &size, 0, file) > 0);
	fclose(file);
	assert_string_equal(text, wanted);
}

static void golden(const char *what, unsigned int sessions, size_t width)
{
	const struct terminal terminal = { .width = width };
	_cleanup_free_ char *text = print_table(what, sessions, &terminal);

	check_width(text, width);
	compare(text, what, sessions, width, "");
}

/* In colours it is the same text, to the character. */
static void test_colours(void **state)
{
	static const char *const whats[] = { "list", "uplinks" };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(whats); i++) {
		const struct terminal terminal = { .width = 80, .colours = true };
		_cleanup_free_ char *text = print_table(whats[i], 30, &terminal);

		compare(text, whats[i], 30, 80, "-colours");
		strip_colours(text);
		check_width(text, 80);
		compare(text, whats[i], 30, 80, "");
	}
}

static void test_list(void **state)
{
	static const unsigned int sessions[] = { 0, 1, 30 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(sessions); i++) {
		golden("list", sessions[i], 80);
		golden("list", sessions[i], 200);
		golden("list", sessions[i], 0);
	}
}

static void test_rates(void **state)
{
	(void)state;
	golden("rates", 1, 80);
	golden("rates", 30, 80);
	golden("rates", 30, 200);
}

/* A number that is given again, and a counter that starts again, have no rate. */
static void test_rate_of_another(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	_cleanup_processes_ struct processes p = { 0 };
	struct rates rates = { 0 };
	struct fact_link *port;

	(void)state;
	host(&f, 1, &p);
	port = &f.links.v[f.links.n - 1];
	port->tx_bytes = 5000;
	assert_int_equal(rates_take(&rates, &f, 1000000000), 0);
	assert_false(rates_of(&rates, &f.sessions.v[0])->known);
	port->tx_bytes = 6000;
	assert_int_equal(rates_take(&rates, &f, 1500000000), 0);
	assert_true(rates_of(&rates, &f.sessions.v[0])->known);
	assert_int_equal(rates_of(&rates, &f.sessions.v[0])->rx, 2000);
	port->tx_bytes = 10;
	assert_int_equal(rates_take(&rates, &f, 2000000000), 0);
	assert_false(rates_of(&rates, &f.sessions.v[0])->known);
	port->tx_bytes = 20;
	f.sessions.v[0].since++;
	assert_int_equal(rates_take(&rates, &f, 3000000000), 0);
	assert_false(rates_of(&rates, &f.sessions.v[0])->known);
	rates_done(&rates);
}

static void test_uplinks(void **state)
{
	(void)state;
	golden("uplinks", 1, 80);
	golden("uplinks", 1, 200);
	golden("uplinks", 30, 80);
	golden("uplinks", 30, 200);
}

/* Lists keep whole items; what prints as more than one character counts as that. */
static void test_cut(void **state)
{
	static const struct table_column columns[] = { { "A", .least = 4, .list = true },
						       { "N", .right = true },
						       { "B", .least = 4 } };
	static const size_t widths[] = { 0, 24 };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(widths); i++) {
		struct table t = { .of = columns, .columns = 3 };
		_cleanup_free_ char *text = NULL;
		size_t len = 0;
		FILE *out = open_memstream(&text, &len);

		table_add(&t, "one,two,three");
		table_add(&t, "%d", 10);
		table_add(&t, "long text");
		table_add(&t, "-\x1b");
		table_add(&t, "%d", 1);
		table_add(&t, "%s", "");
		assert_int_equal(table_print(&t, &(struct terminal){ .width = widths[i] }, out), 0);
		fclose(out);
		check_width(text, widths[i]);
		if (widths[i])
			assert_non_null(strstr(text, "one,+2"));
		else
			assert_non_null(strstr(text, "one,two,three  10  long text\n"));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_list),  cmocka_unit_test(test_uplinks),
		cmocka_unit_test(test_cut),   cmocka_unit_test(test_colours),
		cmocka_unit_test(test_rates), cmocka_unit_test(test_rate_of_another),
	};

	return RUN_TESTS(tests);
}
