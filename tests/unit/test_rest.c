/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "plan/rest.h"
#include "unit.h"

#define FIRST SESSION_HOST_FIRST
#define LAST  SESSION_HOST_LAST
#define COUNT (LAST - FIRST + 1)

static struct rest rest;
static struct session sessions[COUNT];
static size_t n_sessions;

static int fresh(void **state)
{
	(void)state;
	memset(&rest, 0, sizeof(rest));
	n_sessions = 0;
	return 0;
}

static void starts(uint32_t host, int64_t now)
{
	sessions[n_sessions++] = (struct session){ .host = host };
	rest_note(&rest, sessions, n_sessions, now);
}

static void ends(uint32_t host, int64_t now)
{
	for (size_t i = 0; i < n_sessions; i++)
		if (sessions[i].host == host)
			sessions[i] = sessions[--n_sessions];
	rest_note(&rest, sessions, n_sessions, now);
}

/* 0: none */
static uint32_t chosen(uint32_t first, int64_t now)
{
	uint32_t host = 0;

	return rest_choose(&rest, sessions, n_sessions, first, now, &host) ? host : 0;
}

static void test_round_robin(void **state)
{
	(void)state;
	assert_int_equal(chosen(0, 1), FIRST);
	assert_int_equal(chosen(UINT32_MAX, 1), FIRST);
	starts(LAST, 1);
	starts(FIRST, 1);
	assert_int_equal(chosen(LAST, 1), FIRST + 1);
}

static void test_an_ended_address_rests(void **state)
{
	(void)state;
	starts(FIRST, 1000);
	ends(FIRST, 2000);
	rest_delete(&rest);
	rest_deleted(&rest);
	assert_int_equal(chosen(FIRST, 2000 + REST_MS - 1), FIRST + 1);
	assert_int_equal(chosen(FIRST, 2000 + REST_MS), FIRST);
	/* it is noted once: time goes on */
	rest_note(&rest, sessions, n_sessions, 50000);
	assert_int_equal(chosen(FIRST, 2000 + REST_MS), FIRST);
}

static void test_not_while_it_has_entries(void **state)
{
	(void)state;
	starts(FIRST, 1000);
	assert_int_equal(rest.n_tracked, 0);
	ends(FIRST, 2000);
	assert_int_equal(rest.n_tracked, 1);
	assert_int_equal(chosen(FIRST, 2000 + 10 * REST_MS), FIRST + 1);
	rest_delete(&rest);
	rest_deleted(&rest);
	assert_int_equal(rest.n_tracked, 0);
	assert_int_equal(chosen(FIRST, 2000 + 10 * REST_MS), FIRST);
	rest_end(&rest, FIRST, 3000);
	rest_end(&rest, FIRST, 3001);
	assert_int_equal(rest.n_tracked, 1);
	starts(FIRST, 3002);
	assert_int_equal(rest.n_tracked, 0);
}

/* The table was read already when it ended. */
static void test_ended_while_others_are_deleted(void **state)
{
	(void)state;
	starts(FIRST, 1000);
	starts(FIRST + 1, 1000);
	ends(FIRST, 2000);
	rest_delete(&rest);
	ends(FIRST + 1, 2100);
	rest_deleted(&rest);
	assert_int_equal(rest.n_tracked, 1);
	assert_int_equal(chosen(FIRST, 2100 + REST_MS), FIRST);
	assert_int_equal(chosen(FIRST + 1, 2100 + REST_MS), FIRST + 2);
	rest_deleted(&rest); /* nothing was begun */
	assert_int_equal(rest.n_tracked, 1);
}

/* A session of which rest_note() has not heard, and one of whose end it has not. */
static void test_what_was_not_noted_yet(void **state)
{
	(void)state;
	sessions[n_sessions++] = (struct session){ .host = FIRST };
	assert_int_equal(chosen(FIRST, 1), FIRST + 1);
	starts(FIRST + 1, 1);
	n_sessions = 0;
	assert_int_equal(chosen(FIRST, 1), FIRST + 2);
}

static void test_where_all_rest_the_longest(void **state)
{
	(void)state;
	for (uint32_t host = FIRST; host <= LAST; host++)
		starts(host, 1000);
	assert_int_equal(chosen(FIRST, 1000), 0);
	ends(700, 1100);
	ends(500, 1200);
	ends(600, 1300);
	assert_int_equal(chosen(FIRST, 1400), 0); /* tracked, all three */
	rest_delete(&rest);
	rest_deleted(&rest);
	assert_int_equal(chosen(FIRST, 1400), 700);
	assert_int_equal(chosen(600, 1400), 700);
	starts(700, 1500);
	assert_int_equal(chosen(FIRST, 1600), 500);
}

static void test_taking_over(void **state)
{
	(void)state;
	starts(FIRST, 1000);
	rest_unknown(&rest);
	assert_int_equal(rest.n_tracked, COUNT - 1);
	assert_int_equal(chosen(FIRST, 1000), 0);
	rest_delete(&rest);
	rest_deleted(&rest);
	assert_int_equal(chosen(FIRST, 1000), FIRST + 1);
}

/* Daemons that start one after another, each for a few launches: none repeats an address. */
static void test_first_moves_with_time(void **state)
{
	int64_t last[LAST + 1] = { 0 };

	(void)state;
	for (int64_t now = 1000000; now < 1000000 + 4 * REST_MS; now += 2000) {
		uint32_t host = rest_first(now);

		for (int launch = 0; launch < 16; launch++) {
			assert_in_range(host, FIRST, LAST);
			assert_true(!last[host] || now - last[host] >= REST_MS);
			last[host] = now;
			host = host == LAST ? FIRST : host + 1;
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_round_robin, fresh),
		cmocka_unit_test_setup(test_an_ended_address_rests, fresh),
		cmocka_unit_test_setup(test_not_while_it_has_entries, fresh),
		cmocka_unit_test_setup(test_ended_while_others_are_deleted, fresh),
		cmocka_unit_test_setup(test_what_was_not_noted_yet, fresh),
		cmocka_unit_test_setup(test_where_all_rest_the_longest, fresh),
		cmocka_unit_test_setup(test_taking_over, fresh),
		cmocka_unit_test_setup(test_first_moves_with_time, fresh),
	};

	return RUN_TESTS(tests);
}
