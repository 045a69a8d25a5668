/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rate_limits.h"

#include <errno.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/request.h"
#include "plan/join.h"
#include "plan/plan.h"
#include "scene.h"
#include "unit.h"

static void test_reads(void **state)
{
	static const struct {
		const char *text;
		struct rate_limits rates;
		const char *again; /* NULL: as it was */
	} cases[] = {
		{ "10mbit", { 1250000, 1250000 }, NULL },
		{ "10mbit/2mbit", { 1250000, 250000 }, NULL },
		{ "1.5mbit/64kbit", { 187500, 8000 }, NULL },
		{ "32gbit", { 4000000000u, 4000000000u }, NULL },
		{ "10mbit/10mbit", { 1250000, 1250000 }, "10mbit" },
		{ "2500kbit", { 312500, 312500 }, "2.5mbit" },
		{ "1000mbit/1gbit", { 125000000, 125000000 }, "1gbit" },
		{ "0.128mbit", { 16000, 16000 }, "128kbit" },
		{ "100.001kbit", { 12500, 12500 }, "100kbit" }, /* whole bytes a second */
		{ "1.001gbit", { 125125000, 125125000 }, NULL },
		{ "100.008kbit", { 12501, 12501 }, NULL },
	};
	char text[RATE_LIMITS_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rate_limits r = { 0 };

		assert_null(rate_limits_read(cases[i].text, &r));
		assert_int_equal(r.down, cases[i].rates.down);
		assert_int_equal(r.up, cases[i].rates.up);
		assert_true(rate_limits_valid(&r));
		assert_string_equal(rate_limits_format(&r, text),
				    cases[i].again ? cases[i].again : cases[i].text);
	}
}

static void test_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		"mbit",
		"10",
		"10mb",
		"10 mbit",
		"-1mbit",
		"+1mbit",
		"10mbit/",
		"/10mbit",
		"1.mbit",
		".5mbit",
		"63kbit",
		"33gbit",
		"10Mbit",
		"10mbit/2",
		"1e3kbit",
		"10mbitx",
		"10mbit/1/2",
		"0kbit",
		"1.0001mbit",
		"0x10mbit",
		"10mbit,2mbit",
		"9999999999kbit",
		"10mbit/0kbit",
		"99999999999999999999gbit",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct rate_limits r = { 1, 2 };

		if (!rate_limits_read(texts[i], &r))
			fail_msg("'%s' is taken", texts[i]);
		assert_int_equal(r.down, 1);
		assert_int_equal(r.up, 2);
	}
}

static void test_compares(void **state)
{
	const struct rate_limits none = { 0, 0 }, slow = { 10000, 20000 }, fast = { 10000, 20001 };

	(void)state;
	assert_true(rate_limits_valid(&none));
	assert_false(rate_limits_valid(&(struct rate_limits){ 10000, 0 }));
	assert_false(rate_limits_valid(&(struct rate_limits){ 0, 10000 }));
	assert_false(rate_limits_valid(&(struct rate_limits){ 7999, 10000 }));
	assert_false(rate_limits_valid(&(struct rate_limits){ 10000, 4000000001u }));
	assert_true(rate_limits_equal(&slow, &slow));
	assert_false(rate_limits_equal(&slow, &fast));
	assert_true(rate_limits_exceed(&fast, &slow));
	assert_false(rate_limits_exceed(&slow, &fast));
	assert_false(rate_limits_exceed(&slow, &slow));
	assert_false(rate_limits_exceed(&fast, &none));
	assert_false(rate_limits_exceed(&none, &slow));
}

static struct request request_with(struct rate_limits rates)
{
	struct request r = { .name = "x", .rates = rates };

	assert_int_equal(uplink_list_parse("wlp6s0", &r.uplinks, NULL), 0);
	return r;
}

static void test_requests(void **state)
{
	struct request r = request_with((struct rate_limits){ 8000, 9000 });
	const struct session *found;
	struct facts f = { 0 };
	struct err err;

	(void)state;
	assert_int_equal(request_check(&r, &err), 0);
	r.rates.up = 0;
	assert_int_equal(request_check(&r, &err), -EINVAL);
	r.rates.up = 9000;
	r.probe_of = 1;
	assert_int_equal(request_check(&r, &err), -EINVAL);
	r.probe_of = 0;
	scene_split(&f);
	scene_session(&f, 1, 3, 1, "wlp6s0", "x")->rates = r.rates;
	r.flags = SESSION_JOIN;
	assert_int_equal(join_find(&f, &r, 0, &found, &err), 1);
	r.rates.up++;
	assert_int_equal(join_find(&f, &r, 0, &found, &err), -EEXIST);
	assert_non_null(strstr(err.text, "it runs without this --rate"));
	r.rates = (struct rate_limits){ 0 };
	assert_int_equal(join_find(&f, &r, 0, &found, &err), 1);
	facts_done(&f);
}

/* What the request asks for, else what the policy says; a probe has none. */
static void test_admission(void **state)
{
	const struct rate_limits asked = { 8000, 9000 }, policy = { 10000, 20000 }, none = { 0 };
	struct admit_memory memory = { .rates = policy };
	struct request r = request_with(asked);
	struct facts f = { 0 };
	struct session s;

	(void)state;
	scene_split(&f);
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &s, NULL), 0);
	assert_true(rate_limits_equal(&s.rates, &asked));
	r.rates = none;
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &s, NULL), 0);
	assert_true(rate_limits_equal(&s.rates, &policy));
	r.probe_of = 7;
	assert_int_equal(plan_admit(&f, &r, 1000, &memory, &s, NULL), 0);
	assert_true(rate_limits_equal(&s.rates, &none));
	facts_done(&f);
}

static size_t count(const struct object_set *set, enum object_kind kind, const char *name)
{
	size_t n = 0;

	for (size_t i = 0; i < set->n; i++)
		n += set->v[i].kind == kind &&
		     !strncmp(set->v[i].nft_chain.name, name, strlen(name));
	return n;
}

/* Sessions of one rate share a chain; without tbf the rules alone hold the rate. */
static void test_plan(void **state)
{
	(void)state;
	for (int shaper = 0; shaper < 2; shaper++) {
		_cleanup_set_ struct object_set set = { 0 }, inside = { 0 };
		struct facts f = { .no_shaper = !shaper };

		scene_split(&f);
		scene_slot(&f, 1, "wlp6s0");
		for (uint32_t i = 1; i < 4; i++) {
			struct session *s = scene_session(&f, i, 2 + i, 1, "wlp6s0", "x");

			s->mtu = 1500;
			if (i < 3)
				s->rates = (struct rate_limits){ 1250000, 8000 * i };
		}
		assert_int_equal(plan_host(&f, f.sessions.v, f.sessions.n, &set, NULL), 0);
		assert_int_equal(plan_inside(&f, &f.sessions.v[0], &inside, NULL), 0);
		assert_int_equal(count(&set, OBJ_NFT_CHAIN, "down_1250000"), 1);
		assert_int_equal(count(&set, OBJ_NFT_CHAIN, "up_8000"), 1);
		assert_int_equal(count(&set, OBJ_NFT_CHAIN, "up_16000"), 1);
		assert_int_equal(count(&set, OBJ_NFT_ELEMENT, "rates_"), 4);
		assert_int_equal(count(&set, OBJ_QDISC, "viap"), shaper ? 2 : 0);
		assert_int_equal(count(&inside, OBJ_QDISC, "eth0"), shaper);
		for (size_t i = 0; i < set.n; i++)
			if (set.v[i].kind == OBJ_QDISC) {
				assert_int_equal(set.v[i].qdisc.limit, 37500); /* 30 ms */
				assert_int_equal(set.v[i].qdisc.burst, 6250);  /* 5 ms */
			}
		for (size_t i = 0; i < inside.n; i++)
			if (inside.v[i].kind == OBJ_QDISC) {
				assert_int_equal(inside.v[i].qdisc.limit, 8 * 1518);
				assert_int_equal(inside.v[i].qdisc.burst, 2 * 1518);
			}
		assert_false(plan_limits_alike(&f.sessions.v[0], &f.sessions.v[1]));
		facts_done(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads),     cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_compares),  cmocka_unit_test(test_requests),
		cmocka_unit_test(test_admission), cmocka_unit_test(test_plan),
	};

	return RUN_TESTS(tests);
}
