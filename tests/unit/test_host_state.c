/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The daemon's knowledge of the host, and what brings the host to what its sessions want, against a
 * kernel of our own: whatever is lost, fails or is changed by others, the next attempts end where a
 * plan of what is there wants nothing changed.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/util.h"
#include "base/vec.h"
#include "fake_host.h"
#include "list.h"
#include "mutate.h"
#include "net/nft_codec.h"
#include "unit.h"

/* --- transitions --------------------------------------------------------------------------- */

static void test_first_launch(void **state)
{
	int id = fake_host_run("wlp6s0", "a");

	(void)state;
	assert_true(id > 0);
	assert_true(fake_host_has_link(BRIDGE_NAME));
	assert_true(fake_host.stale); /* the bridge and rules changed what the facts say */
	assert_int_equal(fake_host.knowledge, HOST_CHANGED);
	fake_host_converges();
	assert_false(fake_host.stale);
}

/* A launch beside another is planned on facts that are known to be right: nothing is observed. */
static void test_settled_launch(void **state)
{
	unsigned int observed;

	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	observed = fake_kernel.observed;
	assert_true(fake_host_run("wlp6s0", "b") > 0);
	assert_false(fake_host.stale);
	assert_int_equal(fake_host.knowledge, HOST_SETTLED);
	assert_int_equal(fake_kernel.observed, observed);
	fake_host_converges();
	assert_int_equal(fake_kernel.observed, observed);
}

/* A session of wlp6s0, and one of each uplink beside it. Returns its id. */
static uint32_t run_beside_others(void)
{
	int id;

	assert_true(fake_host_run("enp7s0", "a") > 0);
	assert_true(fake_host_run("wlp6s0", "b") > 0);
	id = fake_host_run("wlp6s0", "c");
	assert_true(id > 0);
	fake_host_converges();
	return (uint32_t)id;
}

/*
 * Beside others on both uplinks a move, a pause and a resumption change the session's own part:
 * nothing is observed, and nothing of others compared.
 */
static void test_settled_change(void **state)
{
	const struct uplink_list wired = list_of("enp7s0"), spare = list_of("wlp6s0");
	struct err err = { 0 };
	unsigned int observed;
	uint32_t id;

	(void)state;
	id = run_beside_others();
	observed = fake_kernel.observed;
	for (int i = 0; i < 2; i++) {
		assert_int_equal(host_move(&fake_host, id, &wired, 1000, &err), 0);
		assert_string_equal(host_session(&fake_host, id)->uplink, "enp7s0");
		assert_false(fake_host_is_blocked(id));
		assert_int_equal(host_pause(&fake_host, id, true, &err), 0);
		assert_true(fake_host_is_blocked(id));
		assert_int_equal(host_pause(&fake_host, id, false, &err), 0);
		assert_false(fake_host_is_blocked(id));
		assert_int_equal(host_move(&fake_host, id, &spare, 1000, &err), 0);
		assert_string_equal(host_session(&fake_host, id)->uplink, "wlp6s0");
	}
	assert_int_equal(fake_kernel.observed, observed);
	assert_int_equal(fake_host.knowledge, HOST_SETTLED);
	fake_host_converges(); /* nothing differs from a plan of the whole */
	assert_int_equal(fake_kernel.observed, observed);
}

/* The last of an uplink takes what that uplink had along. */
static void test_change_of_the_last(void **state)
{
	const struct uplink_list wired = list_of("enp7s0");
	struct err err = { 0 };
	int id;

	(void)state;
	assert_true(fake_host_run("enp7s0", "a") > 0);
	id = fake_host_run("wlp6s0", "b");
	fake_host_converges();
	assert_int_equal(host_move(&fake_host, (uint32_t)id, &wired, 1000, &err), 0);
	fake_host_converges();
	assert_int_equal(facts_slot(&fake_host.facts, "wlp6s0"), 0);
}

/* Where the kernel fails on the way, the host is observed, and the change made all the same. */
static void test_settled_change_fails(void **state)
{
	const struct uplink_list wired = list_of("enp7s0");
	struct err err = { 0 };
	uint32_t id;

	(void)state;
	id = run_beside_others();
	fake_kernel.error = EBUSY;
	fake_kernel.fail_at = 1;
	assert_int_equal(host_move(&fake_host, id, &wired, 1000, &err), 0);
	fake_host_converges();
	assert_string_equal(host_session(&fake_host, id)->uplink, "enp7s0");
}

/* Whatever is taken away while events are lost is put back. */
static void test_events_lost(void **state)
{
	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	for (size_t i = 0; i < fake_kernel.ours.n; i++) {
		struct object o = fake_kernel.ours.v[i];
		struct object key = o;

		if (o.kind == OBJ_LINK && strcmp(o.link.name, BRIDGE_NAME) != 0)
			continue; /* that is the end of the session */
		fake_kernel_remove(i);
		assert_null(set_find(&fake_kernel.ours, &key));
		fake_kernel_lose_events(&fake_host);
		assert_true(fake_host.stale);
		fake_host_converges();
		assert_non_null(set_find(&fake_kernel.ours, &key));
	}
}

/* A launch that fails at its n-th step leaves nothing, for each n. */
static void test_apply_fails_half_way(void **state)
{
	size_t before;
	unsigned int at;
	int id = -1;

	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	fake_host_converges();
	before = fake_kernel.ours.n;
	for (at = 1; id < 0 && at < 200; at++) {
		fake_kernel.fail_launch = at;
		id = fake_host_run("enp7s0", "b");
		fake_kernel.fail_launch = fake_kernel.fail_at = 0;
		if (id >= 0)
			break;
		fake_host_converges();
		assert_int_equal(fake_kernel.ours.n, before);
	}
	assert_true(at > 10);
	fake_host_converges();
	assert_int_equal(fake_host.facts.sessions.n, 2);
}

/* What failed since somebody else changed the same at that moment is tried again at once. */
static void test_apply_is_tried_again(void **state)
{
	(void)state;
	fake_kernel.error = EBUSY;
	for (unsigned int at = 1; at < 60; at += 7) {
		char name[8];

		snprintf(name, sizeof(name), "s%u", at);
		fake_kernel.fail_at = at;
		assert_true(fake_host_run("wlp6s0", name) > 0);
		fake_kernel.fail_at = 0;
		fake_host_converges();
	}
}

static void flush_ruleset(struct fake_kernel *k)
{
	for (size_t i = 0; i < k->ours.n;)
		if (object_is_nft(&k->ours.v[i]))
			fake_kernel_remove(i);
		else
			i++;
}

/* Somebody flushes the ruleset in the midst of a launch's or a healing's steps. */
static void test_changed_during_apply(void **state)
{
	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	for (unsigned int at = 1; at < 40; at++) {
		char name[8];

		fake_host_converges();
		snprintf(name, sizeof(name), "s%u", at);
		fake_kernel.change = flush_ruleset;
		fake_kernel.change_at = at;
		(void)fake_host_run(at % 2 ? "wlp6s0" : "enp7s0", name);
		fake_kernel.change_at = 0;
		fake_kernel_lose_events(&fake_host);
		fake_host_converges();
	}
}

static void rename_uplink(struct fake_kernel *k)
{
	snprintf(k->uplink, sizeof(k->uplink), "%s",
		 strcmp(k->uplink, "wlp6s0") ? "wlp6s0" : "wlan9");
}

/* The uplink gets another name between observation and apply. */
static void test_renamed_during_apply(void **state)
{
	int id;

	(void)state;
	id = fake_host_run("wlp6s0", "a");
	assert_true(id > 0);
	fake_host_converges();
	fake_kernel.change = rename_uplink;
	fake_kernel.change_at = 1;
	flush_ruleset(&fake_kernel);
	fake_kernel_lose_events(&fake_host);
	assert_int_equal(host_heal(&fake_host, &(struct err){ 0 }), 0);
	assert_string_equal(fake_kernel.uplink, "wlan9");
	fake_kernel_lose_events(&fake_host);
	fake_host_converges();
	assert_string_equal(host_session(&fake_host, (uint32_t)id)->uplink, "wlan9");
}

static void test_end(void **state)
{
	int id;

	(void)state;
	assert_true(fake_host_run("wlp6s0", "a") > 0);
	id = fake_host_run("wlp6s0", "b");
	assert_true(id > 0);
	fake_host_converges();
	fake_kernel_end_session((uint32_t)id);
	fake_kernel_lose_events(&fake_host);
	fake_host_converges();
	assert_null(host_session(&fake_host, (uint32_t)id));
	assert_int_equal(fake_host.facts.sessions.n, 1);
}

static void test_clear(void **state)
{
	struct err err = { 0 };
	int id = fake_host_run("wlp6s0", "a");

	(void)state;
	assert_true(id > 0);
	fake_kernel_end_session((uint32_t)id);
	fake_kernel_lose_events(&fake_host);
	assert_int_equal(host_clear(&fake_host, &err), 0);
	assert_int_equal(fake_kernel.ours.n, 0);
}

/* --- a random walk ------------------------------------------------------------------------- */

/* VIA_WALK: as many as that. */
#define STEPS 500

static unsigned int steps_to_go(void)
{
	const char *text = getenv("VIA_WALK");
	uint32_t n;

	return text && parse_u32(text, 1, 10000000, &n) == 0 ? n : STEPS;
}

static void someone_removes_something(struct fake_kernel *k)
{
	static struct chance c = { .state = 77 };

	if (k->ours.n)
		fake_kernel_remove(chance(&c, (uint32_t)k->ours.n));
}

static uint32_t some_session(struct chance *c)
{
	return fake_host.facts.sessions.n
		       ? fake_host.facts.sessions.v[chance(c, (uint32_t)fake_host.facts.sessions.n)]
				 .id
		       : 0;
}

static void step(struct chance *c, unsigned int n)
{
	static const char *const lists[] = { "wlp6s0", "enp7s0", "wlp6s0,enp7s0", "enp7s0,wlp6s0" };
	const char *list = lists[chance(c, 4)];
	uint32_t id = some_session(c);
	struct err err = { 0 };
	char name[16];

	switch (chance(c, 14)) {
	case 0:
	case 1:
	case 12:
	case 13:
		snprintf(name, sizeof(name), "s%u", n);
		if (fake_host.facts.sessions.n < 12)
			fake_host_run(list, name);
		break;
	case 2:
	case 3:
		fake_kernel_end_session(id);
		break;
	case 4:
		host_move(&fake_host, id, &(struct uplink_list[]){ list_of(list) }[0], 1000, &err);
		break;
	case 5:
		host_pause(&fake_host, id, chance(c, 2), &err);
		break;
	case 6:
		host_stop(&fake_host, id, &err);
		break;
	case 7:
		fake_kernel.down = !fake_kernel.down;
		break;
	case 8:
		fake_kernel.no_address = !fake_kernel.no_address;
		break;
	case 9:
		rename_uplink(&fake_kernel);
		break;
	case 10:
		flush_ruleset(&fake_kernel);
		break;
	case 11:
		someone_removes_something(&fake_kernel);
		break;
	}
}

/*
 * Each step is done by somebody: a caller, the kernel, another program; some while apply() is at
 * work, which also fails at times. What was missed is told by an overflow of events alone.
 */
static void test_random_walk(void **state)
{
	struct chance c = { .state = 20261128 };
	size_t most = 0;

	(void)state;
	for (unsigned int n = 0; n < steps_to_go(); n++) {
		struct err err = { 0 };

		if (chance(&c, 4) == 0)
			fake_kernel.fail_at = 1 + chance(&c, 30);
		fake_kernel.change = chance(&c, 2) ? someone_removes_something : flush_ruleset;
		if (chance(&c, 4) == 0)
			fake_kernel.change_at = 1 + chance(&c, 30);
		step(&c, n);
		if (chance(&c, 2)) {
			fake_kernel_lose_events(&fake_host);
			host_heal(&fake_host, &err);
		}
		fake_kernel.fail_at = fake_kernel.change_at = 0;
		fake_kernel_lose_events(&fake_host);
		fake_host_converges();
		most = fake_host.facts.sessions.n > most ? fake_host.facts.sessions.n : most;
	}
	assert_true(most > 3); /* so it was not all for nothing */
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, fake_host_set_up, fake_host_tear_down)
	const struct CMUnitTest tests[] = {
		TEST(test_first_launch),
		TEST(test_settled_launch),
		TEST(test_settled_change),
		TEST(test_change_of_the_last),
		TEST(test_settled_change_fails),
		TEST(test_events_lost),
		TEST(test_apply_fails_half_way),
		TEST(test_apply_is_tried_again),
		TEST(test_changed_during_apply),
		TEST(test_renamed_during_apply),
		TEST(test_end),
		TEST(test_clear),
		TEST(test_random_walk),
	};

	return RUN_TESTS(tests);
}
