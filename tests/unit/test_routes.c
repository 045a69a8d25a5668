/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel's lookup comes to for an interface. The lab asks the kernel itself, row by row
 * (tests/lab/test_routes.py); here is what a lab cannot make, and the shape of the result.
 */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "mutate.h"
#include "plan/routes.h"
#include "scene.h"
#include "unit.h"

static struct fact_rule *rule(struct facts *f, uint8_t family, uint32_t priority, uint32_t table)
{
	struct fact_rule *r = VEC_PUSH(&f->rules);

	assert_non_null(r);
	r->family = r->src.ip.family = r->dst.ip.family = family;
	r->action = FR_ACT_TO_TBL;
	r->priority = priority;
	r->table = table;
	r->suppress = -1;
	return r;
}

/* "DST GATEWAY" of each, with commas between; a stop is "DST !". */
static void routes_are(const struct facts *f, const char *dev, uint8_t family, const char *expected)
{
	_cleanup_out_routes_ struct out_routes found = { 0 };
	char text[1024] = "", one[IP_TEXT_MAX];

	assert_int_equal(out_routes(f, facts_link(f, dev), family, &found), 0);
	for (size_t i = 0; i < found.n; i++) {
		const struct out_route *r = &found.v[i];

		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s ", i ? ", " : "",
			 prefix_format(&r->dst, one));
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s",
			 r->stop                  ? "!"
			 : ip_is_set(&r->gateway) ? ip_format(&r->gateway, one)
						  : "-");
	}
	assert_string_equal(text, expected);
}

static void default_is(const struct facts *f, const char *dev, uint8_t family, const char *gateway)
{
	const struct fact_route *r = out_default(f, facts_link(f, dev), family);
	char text[IP_TEXT_MAX] = "none";

	if (r)
		ip_format(&r->gateway, text);
	assert_string_equal(text, gateway);
}

static void start(struct facts *f)
{
	scene_host(f);
	scene_link(f, "enp7s0");
	scene_link(f, "wlp6s0");
	scene_addr(f, "wlp6s0", "192.168.2.10/24");
	scene_route(f, "enp7s0", "0.0.0.0/0", "192.168.1.1", 100);
	scene_route(f, "wlp6s0", "192.168.2.0/24", NULL, 600);
}

static void test_none(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	start(&f);
	routes_are(&f, "wlp6s0", AF_INET, "192.168.2.0/24 -");
	routes_are(&f, "wlp6s0", AF_INET6, "");
	default_is(&f, "wlp6s0", AF_INET, "none");
	default_is(&f, "wlp6s0", AF_INET6, "none");
}

/* A host with the routes of the whole internet has one gateway for nearly all of them. */
static void test_repeated(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	start(&f);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	for (int i = 1; i < 200; i++) {
		char dst[32];

		snprintf(dst, sizeof(dst), "20.%d.0.0/16", i);
		scene_route(&f, "wlp6s0", dst, i % 100 ? "192.168.2.1" : "192.168.2.9", 0);
	}
	/* inside of one that differs, the gateway of the default says something again */
	scene_route(&f, "wlp6s0", "20.100.7.0/24", "192.168.2.1", 0);
	scene_route(&f, "wlp6s0", "20.100.7.8/32", "192.168.2.1", 0);
	routes_are(&f, "wlp6s0", AF_INET,
		   "0.0.0.0/0 192.168.2.1, 20.100.0.0/16 192.168.2.9, 20.100.7.0/24 192.168.2.1, "
		   "192.168.2.0/24 -");
	/* of several for one destination none is left out */
	scene_route(&f, "wlp6s0", "20.1.0.0/16", "192.168.2.8", 5);
	routes_are(&f, "wlp6s0", AF_INET,
		   "0.0.0.0/0 192.168.2.1, 20.1.0.0/16 192.168.2.1, 20.1.0.0/16 192.168.2.8, "
		   "20.100.0.0/16 192.168.2.9, 20.100.7.0/24 192.168.2.1, 192.168.2.0/24 -");
}

/* A VRF's rule is one for all of them, and the table is that of the interface's own. */
static void test_vrf(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	start(&f);
	scene_link(&f, "red");
	f.links.v[f.links.n - 1].vrf_table = 10;
	rule(&f, AF_INET, 1000, 0)->l3mdev = true;
	rule(&f, AF_INET, 32766, RT_TABLE_MAIN);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.9", 600);
	scene_last_route(&f)->table = 10;
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.1");
	for (size_t i = 0; i < f.links.n; i++)
		if (!strcmp(f.links.v[i].name, "wlp6s0"))
			f.links.v[i].master = f.links.v[f.links.n - 1].index;
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.9");
	routes_are(&f, "wlp6s0", AF_INET, "0.0.0.0/0 192.168.2.9");
	/* the VRF ends its lookup, as its documentation says to */
	scene_last_route(&f)->table = RT_TABLE_MAIN;
	f.routes.v[f.routes.n - 2].type = RTN_UNREACHABLE;
	default_is(&f, "wlp6s0", AF_INET, "none");
	routes_are(&f, "wlp6s0", AF_INET, "0.0.0.0/0 !");
}

/* The kernel lists a router's route for a while after its lifetime (RFC 4861, section 6.3.4). */
static void test_lifetime(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	start(&f);
	scene_route(&f, "wlp6s0", "::/0", "fe80::1", 1024);
	scene_last_route(&f)->expires = 5;
	default_is(&f, "wlp6s0", AF_INET6, "fe80::1");
	scene_last_route(&f)->expires = -1;
	default_is(&f, "wlp6s0", AF_INET6, "none");
	routes_are(&f, "wlp6s0", AF_INET6, "");
}

/* RFC 4191: high before medium before low, of the same metric. All are there, in that order. */
static void test_preference(void **state)
{
	static const int8_t preferences[] = { -1, 0, 1 };
	_cleanup_facts_ struct facts f = { 0 };

	(void)state;
	start(&f);
	for (size_t i = 0; i < ARRAY_SIZE(preferences); i++) {
		char gateway[16];

		snprintf(gateway, sizeof(gateway), "fe80::%zu", i + 1);
		scene_route(&f, "wlp6s0", "::/0", gateway, 1024);
		scene_last_route(&f)->preference = preferences[i];
	}
	scene_route(&f, "wlp6s0", "::/0", "fe80::9", 1025);
	scene_last_route(&f)->preference = 1;
	default_is(&f, "wlp6s0", AF_INET6, "fe80::3");
	routes_are(&f, "wlp6s0", AF_INET6,
		   "::/0 fe80::3, ::/0 fe80::2, ::/0 fe80::1, ::/0 fe80::9");
}

/* A rule that asks for what no packet of a session has in common does not count. */
static void test_special_rules(void **state)
{
	_cleanup_facts_ struct facts f = { 0 };
	struct fact_rule *special;

	(void)state;
	start(&f);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.1", 600);
	scene_route(&f, "wlp6s0", "0.0.0.0/0", "192.168.2.9", 0);
	scene_last_route(&f)->table = 77;
	special = rule(&f, AF_INET, 100, 77);
	rule(&f, AF_INET, 32766, RT_TABLE_MAIN);
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.9");
	special->special = true;
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.1");
	special->invert = true;
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.1");
	/* a goto leads over it; one backwards is the kernel's to refuse */
	special->special = special->invert = false;
	f.rules.v[0].action = FR_ACT_GOTO;
	f.rules.v[0].target = 32766;
	default_is(&f, "wlp6s0", AF_INET, "192.168.2.1");
}

static bool is_special(const struct fact_route *r)
{
	return r->type == RTN_THROW || r->type == RTN_BLACKHOLE || r->type == RTN_UNREACHABLE;
}

/* One destination as the kernel looks it up, rule by rule. NULL: nothing was found. */
static const struct fact_route *look_up(const struct facts *f, int index, const struct ip *to)
{
	for (size_t i = 0; i < f->rules.n; i++) {
		const struct fact_rule *rule = &f->rules.v[i];
		const struct fact_route *best = NULL;

		if (rule->dst.len && !prefix_contains(&rule->dst, to))
			continue;
		for (size_t k = 0; k < f->routes.n; k++) {
			const struct fact_route *r = &f->routes.v[k];

			if (r->table != rule->table || !prefix_contains(&r->dst, to) ||
			    !(is_special(r) || (r->type == RTN_UNICAST && r->index == index)))
				continue;
			if (!best || r->dst.len > best->dst.len ||
			    (r->dst.len == best->dst.len && r->metric < best->metric))
				best = r;
		}
		if (best && best->type != RTN_THROW)
			return best;
	}
	return NULL;
}

/* The same in the one table that the tables came to. */
static const struct out_route *longest(const struct out_routes *routes, const struct ip *to)
{
	const struct out_route *best = NULL;

	for (size_t i = 0; i < routes->n; i++)
		if (!routes->v[i].order && prefix_contains(&routes->v[i].dst, to) &&
		    (!best || routes->v[i].dst.len > best->dst.len))
			best = &routes->v[i];
	return best;
}

static void compare(const struct facts *f, const struct out_routes *routes, struct chance *c)
{
	int index = facts_link(f, "wlp6s0")->index;

	for (int i = 0; i < 40; i++) {
		struct ip to = { AF_INET,
				 { (uint8_t)chance(c, 4), (uint8_t)chance(c, 256), 0, 1 } };
		const struct fact_route *expected = look_up(f, index, &to);
		const struct out_route *found = longest(routes, &to);

		if (!expected) /* then a table that no rule leads to may serve */
			continue;
		assert_non_null(found);
		assert_int_equal(found->stop, is_special(expected) ? expected->type : 0);
		assert_true(ip_equal(&found->gateway, &expected->gateway) || found->stop);
	}
}

/* Routes of every table and device, whatever they are: each destination is found as before. */
static void test_any(void **state)
{
	static const uint8_t types[] = { RTN_UNICAST, RTN_UNICAST,   RTN_UNICAST,    RTN_THROW,
					 RTN_LOCAL,   RTN_BLACKHOLE, RTN_UNREACHABLE };
	struct chance c = { 0x726f757465731 };

	(void)state;
	for (int round = 0; round < 500; round++) {
		_cleanup_facts_ struct facts f = { 0 };
		_cleanup_out_routes_ struct out_routes found = { 0 };

		start(&f);
		for (uint32_t i = 0; i < 4; i++)
			rule(&f, AF_INET, i, 70 + chance(&c, 4))->dst.len = chance(&c, 3) ? 0 : 8;
		for (int i = 0; i < 40; i++) {
			char dst[32];

			snprintf(dst, sizeof(dst), "%u.%u.0.0/%u", chance(&c, 3),
				 chance(&c, 3) * 64, chance(&c, 18));
			scene_route(&f, chance(&c, 4) ? "wlp6s0" : "enp7s0", dst,
				    chance(&c, 2) ? "192.168.2.9" : "192.168.2.8", chance(&c, 3));
			scene_last_route(&f)->table = 70 + chance(&c, 4);
			scene_last_route(&f)->type = types[chance(&c, ARRAY_SIZE(types))];
		}
		assert_int_equal(out_routes(&f, facts_link(&f, "wlp6s0"), AF_INET, &found), 0);
		compare(&f, &found, &c);
		for (size_t i = 0; i < found.n; i++) {
			const struct out_route *a = &found.v[i], *b = i ? a - 1 : NULL;
			bool same =
				b && ip_equal(&a->dst.ip, &b->dst.ip) && a->dst.len == b->dst.len;

			assert_int_not_equal(a->stop, RTN_THROW);
			assert_true(a->order == (same ? b->order + 1 : 0));
			assert_true(!same || !b->stop);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_none),       cmocka_unit_test(test_repeated),
		cmocka_unit_test(test_vrf),        cmocka_unit_test(test_lifetime),
		cmocka_unit_test(test_preference), cmocka_unit_test(test_special_rules),
		cmocka_unit_test(test_any),
	};

	return RUN_TESTS(tests);
}
