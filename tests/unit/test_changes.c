/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `status --follow` tells of two looks. */
#include <stdio.h>
#include <string.h>

#include "base/strbuf.h"
#include "scene.h"
#include "unit.h"
#include "verbs/changes.h"

static void note(enum change change, const struct seen *s, void *arg)
{
	strbuf_add(arg, "%s %s %s %s (%s)\n", change_name(change), s->name, s->uplink,
		   session_state_name(s->state), s->reason);
}

/* The differences of two hosts, as text; *now is what was seen of the second. */
static void expect(const struct sights *before, struct sights *now, const char *text)
{
	_cleanup_strbuf_ struct strbuf out = { 0 };

	changes_tell(before, now, note, &out);
	assert_string_equal(strbuf_text(&out), text);
}

static struct facts host(void)
{
	struct facts f = { 0 };

	scene_split(&f);
	scene_slot(&f, 1, "wlp6s0");
	scene_slot(&f, 2, "enp7s0");
	return f;
}

static void test_come_and_go(void **state)
{
	struct facts f = host();
	const struct sights none = { 0 };
	struct sights one, two, empty = { 0 };

	(void)state;
	scene_session(&f, 1, 10, 1, "wlp6s0", "curl");
	assert_int_equal(changes_see(&f, 0, &one), 0);
	scene_session(&f, 2, 11, 2, "enp7s0", "game");
	assert_int_equal(changes_see(&f, 0, &two), 0);
	expect(&none, &two, "added curl wlp6s0 up ()\nadded game enp7s0 up ()\n");
	expect(&one, &two, "added game enp7s0 up ()\n");
	expect(&two, &one, "removed game enp7s0 up ()\n");
	expect(&two, &two, "");
	expect(&two, &empty, "removed curl wlp6s0 up ()\nremoved game enp7s0 up ()\n");
	changes_done(&one);
	assert_int_equal(changes_see(&f, 2, &one), 0); /* that one alone */
	assert_int_equal(one.n, 1);
	assert_string_equal(one.v[0].name, "game");
	changes_done(&one);
	changes_done(&two);
	facts_done(&f);
}

static void test_way_and_state(void **state)
{
	struct facts f = host();
	struct session *s = scene_session(&f, 1, 10, 1, "wlp6s0,enp7s0", "curl");
	struct sights at[6];

	(void)state;
	assert_int_equal(changes_see(&f, 0, &at[0]), 0);
	s->flags |= SESSION_PAUSED;
	s->slot = 0;
	s->uplink[0] = 0;
	assert_int_equal(changes_see(&f, 0, &at[1]), 0);
	expect(&at[0], &at[1], "state curl wlp6s0 paused (it was paused)\n");
	s->flags = 0;
	s->slot = 1;
	strcpy(s->uplink, "wlp6s0");
	assert_int_equal(changes_see(&f, 0, &at[2]), 0);
	expect(&at[1], &at[2], "state curl wlp6s0 up ()\n");
	s->slot = 2;
	strcpy(s->uplink, "enp7s0");
	assert_int_equal(changes_see(&f, 0, &at[3]), 0);
	expect(&at[2], &at[3], "uplink curl enp7s0 up ()\n");
	scene_link_is(&f, "enp7s0", "", IFF_UP);
	assert_int_equal(changes_see(&f, 0, &at[4]), 0);
	expect(&at[3], &at[4], "state curl enp7s0 blocked (it has no carrier)\n");
	scene_link_is(&f, "enp7s0", "", 0);
	assert_int_equal(changes_see(&f, 0, &at[5]), 0);
	expect(&at[4], &at[5], "state curl enp7s0 blocked (it is down)\n");
	for (size_t i = 0; i < 6; i++)
		changes_done(&at[i]);
	facts_done(&f);
}

/* One went and another came between two looks, and got its number. */
static void test_number_used_again(void **state)
{
	struct facts f = host();
	struct session *s = scene_session(&f, 1, 10, 1, "wlp6s0", "curl");
	struct sights before, now;

	(void)state;
	assert_int_equal(changes_see(&f, 0, &before), 0);
	strcpy(s->name, "game");
	assert_int_equal(changes_see(&f, 0, &now), 0);
	expect(&before, &now, "removed curl wlp6s0 up ()\nadded game wlp6s0 up ()\n");
	changes_done(&before);
	changes_done(&now);
	facts_done(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_come_and_go),
		cmocka_unit_test(test_way_and_state),
		cmocka_unit_test(test_number_used_again),
	};

	return RUN_TESTS(tests);
}
