/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/facts.h"
#include "scene.h"
#include "unit.h"

static void test_links(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	int index;

	(void)state;
	assert_null(facts_link(&f, "wlp6s0"));
	scene_link(&f, "enp7s0");
	index = scene_link(&f, "wlp6s0");
	assert_string_equal(facts_link(&f, "wlp6s0")->name, "wlp6s0");
	assert_string_equal(facts_link_by_index(&f, index)->name, "wlp6s0");
	assert_null(facts_link(&f, "wlp6"));
	assert_null(facts_link_by_index(&f, 0));
	assert_null(facts_link_by_index(&f, 77));
}

static void test_sysctls(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_sysctl(&f, "net/ipv4/ip_forward", "1", "0");
	assert_string_equal(facts_sysctl(&f, "net/ipv4/ip_forward")->value, "1");
	assert_string_equal(facts_sysctl(&f, "net/ipv4/ip_forward")->before, "0");
	assert_null(facts_sysctl(&f, "net/ipv4/ip_forwar"));
}

static void test_slots(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	scene_slot(&f, 3, "wlp6s0");
	scene_slot(&f, 1, "enp7s0");
	assert_int_equal(facts_slot(&f, "wlp6s0"), 3);
	assert_int_equal(facts_slot(&f, "enp7s0"), 1);
	assert_int_equal(facts_slot(&f, "tun0"), 0);
	assert_string_equal(facts_slot_uplink(&f, 3), "wlp6s0");
	assert_null(facts_slot_uplink(&f, 2));
	assert_null(facts_slot_uplink(&f, 0));
}

static void test_done(void **state)
{
	struct facts f = { 0 };

	(void)state;
	scene_split(&f);
	scene_session(&f, 1, 3, 1, "wlp6s0", "curl");
	facts_done(&f);
	assert_int_equal(f.links.n, 0);
	assert_null(f.links.v);
	facts_done(&f);
}

static void test_neighbours(void **state)
{
	static const struct {
		const char *ip;
		bool is;
	} cases[] = {
		{ "192.168.2.1", true },   { "192.168.2.254", true },    { "192.168.2.10", false },
		{ "192.168.2.11", false }, { "192.168.2.0", false },     { "192.168.2.255", false },
		{ "192.168.3.1", false },  { "10.0.0.0", true },         { "10.0.0.1", false },
		{ "0.0.0.0", false },      { "255.255.255.255", false }, { "fe80::1", true },
		{ "fe80::2", false },      { "2001:db8::1", false },     { "::", false },
	};
	struct facts f = { 0 };
	struct ip none = { 0 };
	int index;

	(void)state;
	scene_host(&f);
	scene_link(&f, "enp7s0");
	scene_link(&f, "wlp6s0");
	index = facts_link(&f, "wlp6s0")->index;
	scene_addr(&f, "enp7s0", "192.168.3.10/24");
	scene_addr(&f, "wlp6s0", "192.168.2.10/24");
	scene_addr(&f, "wlp6s0", "192.168.2.11/24");
	scene_addr(&f, "wlp6s0", "10.0.0.1/31");
	scene_addr(&f, "wlp6s0", "fe80::2/64");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct ip ip = scene_ip(cases[i].ip);

		if (facts_is_neighbour(&f, index, &ip) != cases[i].is)
			fail_msg("%s", cases[i].ip);
	}
	assert_false(facts_is_neighbour(&f, index, &none));
	facts_done(&f);
}

/* One order for all who ask for the best of several: metric, RFC 4191, place. */
static void test_better_route(void **state)
{
	const struct fact_route r[] = {
		{ .metric = 100, .preference = 1 },
		{ .metric = 100 },
		{ .metric = 100 },
		{ .metric = 200, .preference = 1 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(r) / sizeof(r[0]); i++) {
		assert_true(facts_is_better_route(&r[i], NULL));
		for (size_t j = 0; j < sizeof(r) / sizeof(r[0]); j++)
			assert_int_equal(facts_is_better_route(&r[i], &r[j]), i < j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_links), cmocka_unit_test(test_sysctls),
		cmocka_unit_test(test_slots), cmocka_unit_test(test_neighbours),
		cmocka_unit_test(test_done),  cmocka_unit_test(test_better_route),
	};

	return RUN_TESTS(tests);
}
