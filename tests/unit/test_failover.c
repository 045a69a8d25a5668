/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Failover, and what a session's probe has to say in it; time is a number here. */
#include <string.h>

#include "plan/failover.h"
#include "scene.h"
#include "unit.h"

#define START 1000000

struct stage {
	struct facts f;
	struct failover_memory m;
	int64_t now, again;
};

/* Session 7 on the first of its list, both good for long. */
static void begin(struct stage *t, const char *uplinks)
{
	*t = (struct stage){ .now = START };
	scene_split(&t->f);
	scene_slot(&t->f, 1, "wlp6s0");
	scene_slot(&t->f, 2, "enp7s0");
	scene_session(&t->f, 7, 10, 1, uplinks, "game");
	assert_int_equal(failover(&t->f, &t->m, t->now, &t->again, NULL), 0);
	assert_string_equal(t->f.sessions.v[0].uplink, "wlp6s0");
	assert_true(t->again == INT64_MAX);
	t->now += 60000;
}

static void done(struct stage *t)
{
	failover_done(&t->m);
	facts_done(&t->f);
}

static void goes(struct stage *t, int64_t later, const char *uplink)
{
	t->now += later;
	assert_int_equal(failover(&t->f, &t->m, t->now, &t->again, NULL), 0);
	assert_string_equal(t->f.sessions.v[0].uplink, uplink);
}

static int says(struct stage *t, const char *uplink, bool bad)
{
	return failover_probe(&t->m, 7, facts_link(&t->f, uplink)->index, bad, t->now);
}

/* Leaves at once, and is back when it has been good for the hold time, not a moment before. */
static void test_bad_and_good_again(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	assert_int_equal(says(&t, "wlp6s0", true), 1);
	goes(&t, 0, "enp7s0");
	assert_true(t.again == t.now + FAILOVER_PROBE_MS);
	for (int i = 0; i < 20; i++) { /* as long as it is said */
		t.now += 3000;
		assert_int_equal(says(&t, "wlp6s0", true), 0);
		goes(&t, 0, "enp7s0");
	}
	assert_int_equal(says(&t, "wlp6s0", false), 1);
	goes(&t, 0, "enp7s0");
	assert_true(t.again == t.now + FAILOVER_HOLD_MS);
	assert_int_equal(says(&t, "wlp6s0", false), 0);
	goes(&t, FAILOVER_HOLD_MS - 1, "enp7s0");
	goes(&t, 1, "wlp6s0");
	assert_int_equal(t.m.probed.n, 0);
	assert_true(t.again == INT64_MAX);
	done(&t);
}

/* Bad in between: the hold begins anew. */
static void test_hold_begins_anew(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	says(&t, "wlp6s0", true);
	goes(&t, 0, "enp7s0");
	says(&t, "wlp6s0", false);
	goes(&t, FAILOVER_HOLD_MS - 1, "enp7s0");
	assert_int_equal(says(&t, "wlp6s0", true), 1);
	goes(&t, 1, "enp7s0");
	assert_int_equal(says(&t, "wlp6s0", false), 1);
	goes(&t, FAILOVER_HOLD_MS - 1, "enp7s0");
	goes(&t, 1, "wlp6s0");
	done(&t);
}

/* A prober that is dead keeps nobody away for ever. */
static void test_expires(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	says(&t, "wlp6s0", true);
	goes(&t, 0, "enp7s0");
	goes(&t, FAILOVER_PROBE_MS - 1, "enp7s0");
	assert_true(t.m.probed.v[0].bad);
	goes(&t, 1, "enp7s0");
	assert_false(t.m.probed.v[0].bad);
	assert_true(t.again == t.now + FAILOVER_HOLD_MS);
	goes(&t, FAILOVER_HOLD_MS - 1, "enp7s0");
	goes(&t, 1, "wlp6s0");
	assert_int_equal(t.m.probed.n, 0);
	done(&t);
}

/* It chooses between ways, and closes none. */
static void test_never_blocks(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0");
	says(&t, "wlp6s0", true);
	goes(&t, 0, "wlp6s0");
	assert_int_equal(t.f.sessions.v[0].slot, 1);
	goes(&t, FAILOVER_CARRIER_OFF_MS, "wlp6s0");
	assert_false(t.f.sessions.v[0].carrier_off);
	done(&t);

	begin(&t, "wlp6s0,enp7s0"); /* none is answered: it stays where it is then */
	says(&t, "wlp6s0", true);
	goes(&t, 0, "enp7s0");
	says(&t, "enp7s0", true);
	goes(&t, 0, "enp7s0");
	goes(&t, 10000, "enp7s0");
	scene_link_is(&t.f, "enp7s0", "", IFF_UP); /* and that one has no carrier now */
	goes(&t, 0, "wlp6s0");
	done(&t);
}

/* The second one is found bad: nothing happens. Both, and then one is answered: that one, at once.
 */
static void test_the_other_one(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	assert_int_equal(says(&t, "enp7s0", true), 1);
	goes(&t, 0, "wlp6s0");
	says(&t, "wlp6s0", true);
	goes(&t, 1, "wlp6s0");
	says(&t, "enp7s0", false);
	goes(&t, 1, "enp7s0");
	done(&t);
}

static void login_page(struct stage *t, const char *uplink, bool there)
{
	const int index = facts_link(&t->f, uplink)->index;

	for (size_t i = 0; i < t->f.dns.n; i++)
		if (t->f.dns.v[i].index == index)
			t->f.dns.v[i].portal = there;
}

/* It leaves at once, and comes back after the hold; without another uplink it has none. */
static void test_login_page(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	login_page(&t, "wlp6s0", true);
	goes(&t, 0, "enp7s0");
	goes(&t, 10000, "enp7s0");
	login_page(&t, "wlp6s0", false);
	goes(&t, 0, "enp7s0");
	goes(&t, FAILOVER_HOLD_MS, "wlp6s0");
	done(&t);

	begin(&t, "wlp6s0");
	login_page(&t, "wlp6s0", true);
	goes(&t, 0, "");
	assert_int_equal(t.f.sessions.v[0].slot, 0);
	goes(&t, FAILOVER_CARRIER_OFF_MS, "");
	assert_true(t.f.sessions.v[0].carrier_off);
	login_page(&t, "wlp6s0", false);
	goes(&t, 1, "wlp6s0");
	assert_false(t.f.sessions.v[0].carrier_off);
	login_page(&t, "wlp6s0", true); /* that it is down says more */
	scene_link_is(&t.f, "wlp6s0", "", 0);
	goes(&t, 1, "wlp6s0");
	done(&t);

	begin(&t, "wlp6s0"); /* but for who opens it */
	t.f.sessions.v[0].flags |= SESSION_PORTAL;
	scene_session(&t.f, 8, 11, 1, "wlp6s0", "other");
	login_page(&t, "wlp6s0", true);
	goes(&t, 0, "wlp6s0");
	goes(&t, FAILOVER_CARRIER_OFF_MS, "wlp6s0");
	assert_false(t.f.sessions.v[0].carrier_off);
	assert_true(t.f.sessions.v[1].carrier_off);
	assert_string_equal(t.f.sessions.v[1].uplink, "");
	scene_link_is(&t.f, "wlp6s0", "", IFF_UP);
	goes(&t, 1, "wlp6s0");
	done(&t);
}

/* What one session's probe says is no other's business, and goes with it. */
static void test_of_one_session(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	assert_int_equal(failover_probe(&t.m, 8, 2, true, t.now), 1);
	goes(&t, 0, "wlp6s0");
	assert_int_equal(t.m.probed.n, 0); /* there is no session 8 */
	scene_session(&t.f, 8, 11, 1, "wlp6s0,enp7s0", "other");
	says(&t, "wlp6s0", true);
	goes(&t, 0, "enp7s0");
	assert_string_equal(t.f.sessions.v[1].uplink, "wlp6s0");
	t.f.sessions.v[0] = t.f.sessions.v[1]; /* 7 ends */
	t.f.sessions.n = 1;
	goes(&t, 0, "wlp6s0");
	assert_int_equal(t.m.probed.n, 0);
	done(&t);
}

/* Without a probe: over at once, back after the hold, one moment that flaps does not count. */
static void test_carrier(void **state)
{
	struct stage t;

	(void)state;
	begin(&t, "wlp6s0,enp7s0");
	scene_link_is(&t.f, "wlp6s0", "", IFF_UP);
	goes(&t, 0, "enp7s0");
	scene_link_is(&t.f, "wlp6s0", "", IFF_UP | LINK_LOWER_UP);
	goes(&t, 10, "enp7s0");
	assert_true(t.again == t.now + FAILOVER_HOLD_MS);
	goes(&t, FAILOVER_HOLD_MS - 1, "enp7s0");
	goes(&t, 1, "wlp6s0");
	done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bad_and_good_again),
		cmocka_unit_test(test_hold_begins_anew),
		cmocka_unit_test(test_expires),
		cmocka_unit_test(test_never_blocks),
		cmocka_unit_test(test_the_other_one),
		cmocka_unit_test(test_login_page),
		cmocka_unit_test(test_of_one_session),
		cmocka_unit_test(test_carrier),
	};

	return RUN_TESTS(tests);
}
