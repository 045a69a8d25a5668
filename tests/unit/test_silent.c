/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which gateways are silent, and what follows; time is a number here. */
#include <linux/rtnetlink.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "model/own.h"
#include "plan/routes.h"
#include "plan/silent.h"
#include "plan/uplink.h"
#include "scene.h"
#include "unit.h"

#define START 1000000
#define FIRST "192.168.2.1" /* of the scene, metric 600 */
#define NEXT  "192.168.2.9"

struct stage {
	struct facts f;
	struct gateway_memory m;
	int64_t now, again;
};

static const struct fact_link *uplink(const struct stage *t)
{
	return facts_link(&t->f, "wlp6s0");
}

static void decide(struct stage *t)
{
	assert_int_equal(gateways_decide(&t->f, &t->m, t->now, &t->again), 0);
}

/* Two defaults; a session is on that uplink, whose table is as the host's. */
static void begin(struct stage *t)
{
	*t = (struct stage){ .now = START };
	scene_split(&t->f);
	scene_slot(&t->f, 1, "wlp6s0");
	scene_route(&t->f, "wlp6s0", "0.0.0.0/0", NEXT, 700);
	facts_index_routing(&t->f);
	assert_int_equal(gateways_find(&t->f, uplink(t), false), 0);
	decide(t);
}

static void done(struct stage *t)
{
	gateways_done(&t->m);
	facts_done(&t->f);
}

/* An event, and what follows some time later. */
static bool hears(struct stage *t, const char *ip, enum gateway_state state)
{
	const struct ip gateway = scene_ip(ip);

	return gateways_take(&t->f, uplink(t)->index, &gateway, state);
}

static void uses(struct stage *t, int64_t later, const char *ip)
{
	_cleanup_out_routes_ struct out_routes routes = { 0 };
	const struct ip gateway = scene_ip(ip);
	bool found = false;

	t->now += later;
	decide(t);
	assert_true(ip_equal(&out_default(&t->f, uplink(t), AF_INET)->gateway, &gateway));
	assert_int_equal(out_routes(&t->f, uplink(t), AF_INET, &routes), 0);
	for (size_t i = 0; i < routes.n; i++)
		if (!routes.v[i].dst.len && !routes.v[i].order) {
			assert_true(ip_equal(&routes.v[i].gateway, &gateway));
			found = true;
		}
	assert_true(found);
}

static void test_next_and_back(void **state)
{
	struct stage t;

	(void)state;
	begin(&t);
	assert_int_equal(t.f.gateways.n, 2);
	uses(&t, 0, FIRST);
	assert_true(t.again == INT64_MAX);
	assert_false(hears(&t, FIRST, GATEWAY_ANSWERS));
	assert_true(hears(&t, FIRST, GATEWAY_FAILED));
	uses(&t, 0, NEXT);
	assert_false(hears(&t, FIRST, GATEWAY_FAILED));  /* asked, and silent again */
	assert_false(hears(&t, FIRST, GATEWAY_UNKNOWN)); /* garbage-collected */
	uses(&t, 600000, NEXT);
	assert_true(hears(&t, FIRST, GATEWAY_ANSWERS));
	uses(&t, 0, NEXT);
	assert_true(t.again == t.now + GATEWAY_HOLD_MS);
	uses(&t, GATEWAY_HOLD_MS - 1, NEXT);
	uses(&t, 1, FIRST);
	assert_true(t.again == INT64_MAX);
	done(&t);
}

/* A gateway that falls silent again soon is left alone for twice as long, up to a limit. */
static void test_flaps(void **state)
{
	int64_t hold = GATEWAY_HOLD_MS;
	struct stage t;

	(void)state;
	begin(&t);
	for (int i = 0; i < 8; i++) {
		assert_true(hears(&t, FIRST, GATEWAY_FAILED));
		uses(&t, 1000, NEXT);
		assert_true(hears(&t, FIRST, GATEWAY_ANSWERS));
		uses(&t, 1000, NEXT);
		uses(&t, hold - 1, NEXT);
		uses(&t, 1, FIRST);
		hold = hold * 2 > GATEWAY_HOLD_MAX_MS ? GATEWAY_HOLD_MAX_MS : hold * 2;
	}
	t.now += 10 * GATEWAY_HOLD_MAX_MS + 1;
	hears(&t, FIRST, GATEWAY_FAILED);
	uses(&t, 0, NEXT);
	hears(&t, FIRST, GATEWAY_ANSWERS);
	uses(&t, 0, NEXT);
	uses(&t, GATEWAY_HOLD_MS, FIRST);
	done(&t);
}

/* It answered, and failed before it was used: it starts anew. */
static void test_fails_while_on_hold(void **state)
{
	struct stage t;

	(void)state;
	begin(&t);
	hears(&t, FIRST, GATEWAY_FAILED);
	uses(&t, 0, NEXT);
	hears(&t, FIRST, GATEWAY_ANSWERS);
	uses(&t, 0, NEXT);
	assert_true(hears(&t, FIRST, GATEWAY_FAILED));
	uses(&t, GATEWAY_HOLD_MS, NEXT);
	assert_true(t.again == INT64_MAX);
	done(&t);
}

static void test_none_answers(void **state)
{
	struct stage t;

	(void)state;
	begin(&t);
	hears(&t, FIRST, GATEWAY_FAILED);
	uses(&t, 0, NEXT);
	hears(&t, NEXT, GATEWAY_FAILED);
	uses(&t, 0, FIRST);
	/* whichever answers first is used at once */
	hears(&t, NEXT, GATEWAY_ANSWERS);
	uses(&t, 0, NEXT);
	done(&t);
}

/* An entry that is removed says "failed" before it goes, and both are heard at once. */
static void test_flushed(void **state)
{
	struct stage t;

	(void)state;
	begin(&t);
	hears(&t, FIRST, GATEWAY_FAILED);
	hears(&t, FIRST, GATEWAY_UNKNOWN);
	uses(&t, 0, FIRST);
	done(&t);
}

static void test_asks_in_growing_intervals(void **state)
{
	int64_t wait = GATEWAY_ASK_MS;
	struct stage t;
	struct ip ip;
	int index;

	(void)state;
	begin(&t);
	assert_true(gateways_ask_at(&t.m) == INT64_MAX);
	hears(&t, FIRST, GATEWAY_FAILED);
	uses(&t, 0, NEXT);
	for (int i = 0; i < 8; i++) {
		assert_true(gateways_ask_at(&t.m) == t.now + wait);
		assert_false(gateways_ask(&t.m, t.now + wait - 1, &index, &ip));
		t.now += wait;
		assert_true(gateways_ask(&t.m, t.now, &index, &ip));
		assert_int_equal(index, uplink(&t)->index);
		assert_true(ip_equal(&ip, &t.f.gateways.v[0].ip));
		wait = wait * 2 > GATEWAY_ASK_MAX_MS ? GATEWAY_ASK_MAX_MS : wait * 2;
	}
	hears(&t, FIRST, GATEWAY_ANSWERS);
	uses(&t, 0, NEXT);
	assert_true(gateways_ask_at(&t.m) == INT64_MAX); /* it is on hold */
	done(&t);
}

/* Neighbours that are no gateway, and gateways that there is no choice of, are not kept. */
static void test_of_interest(void **state)
{
	struct stage t = { .now = START };

	(void)state;
	scene_split(&t.f);
	scene_route(&t.f, "wlp6s0", "10.0.0.0/8", "192.168.2.7", 5);
	scene_route(&t.f, "wlp6s0", "10.1.0.0/16", "192.168.2.6", 5);
	scene_route(&t.f, "wlp6s0", "10.1.0.0/16", "192.168.2.6", 6);
	scene_route(&t.f, "wlp6s0", "0.0.0.0/0", NEXT, 700);
	scene_last_route(&t.f)->table = 77;
	facts_index_routing(&t.f);
	assert_int_equal(gateways_find(&t.f, uplink(&t), false), 0);
	assert_int_equal(t.f.gateways.n, 0);
	assert_false(hears(&t, FIRST, GATEWAY_FAILED));
	t.f.links.v[uplink(&t) - t.f.links.v].gateways_found = false;
	assert_int_equal(gateways_find(&t.f, uplink(&t), true), 0); /* for who only tells */
	assert_int_equal(t.f.gateways.n, 2);
	decide(&t);
	assert_true(hears(&t, FIRST, GATEWAY_FAILED));
	uses(&t, 0, FIRST);
	done(&t);
}

static void test_many(void **state)
{
	struct stage t = { .now = START };
	char gateway[IP_TEXT_MAX];

	(void)state;
	scene_split(&t.f);
	for (int i = 20; i < 200; i++) {
		snprintf(gateway, sizeof(gateway), "192.168.2.%d", i);
		scene_route(&t.f, "wlp6s0", "0.0.0.0/0", gateway, 1000);
	}
	facts_index_routing(&t.f);
	assert_int_equal(gateways_find(&t.f, uplink(&t), false), 0);
	assert_int_equal(t.f.gateways.n, GATEWAYS_MAX);
	done(&t);
}

/* A route of the uplink's table, as it was found in the kernel. */
static void in_table(struct facts *f, const char *gateway, uint32_t metric)
{
	struct object o = { .kind = OBJ_ROUTE, .place = PLACE_HOST };

	o.route.table = OWN_TABLE_BASE + 1;
	o.route.dst.ip.family = AF_INET;
	o.route.metric = metric;
	o.route.gateway = scene_ip(gateway);
	strcpy(o.route.dev, "wlp6s0");
	set_add(&f->ours, &o);
}

/* A daemon that starts takes the order of the table over. */
static void test_takes_over(void **state)
{
	struct stage t = { .now = START };

	(void)state;
	scene_split(&t.f);
	scene_slot(&t.f, 1, "wlp6s0");
	scene_route(&t.f, "wlp6s0", "0.0.0.0/0", NEXT, 700);
	scene_route(&t.f, "wlp6s0", "0.0.0.0/0", "192.168.2.8", 800); /* came since */
	facts_index_routing(&t.f);
	in_table(&t.f, NEXT, 100);
	in_table(&t.f, FIRST, 101);
	assert_int_equal(set_sort(&t.f.ours), 0);
	assert_int_equal(gateways_find(&t.f, uplink(&t), false), 0);
	uses(&t, 0, NEXT);
	assert_true(gateways_ask_at(&t.m) == t.now + GATEWAY_ASK_MS);
	hears(&t, FIRST, GATEWAY_ANSWERS);
	uses(&t, 0, NEXT);
	uses(&t, GATEWAY_HOLD_MS, FIRST);
	done(&t);
}

/* A route that stops stays where it is: nothing goes past it to a later gateway. */
static void test_stop_between(void **state)
{
	struct stage t = { .now = START };

	(void)state;
	scene_split(&t.f);
	scene_route(&t.f, NULL, "0.0.0.0/0", NULL, 650);
	scene_last_route(&t.f)->type = RTN_UNREACHABLE;
	scene_route(&t.f, "wlp6s0", "0.0.0.0/0", NEXT, 700);
	facts_index_routing(&t.f);
	assert_int_equal(gateways_find(&t.f, uplink(&t), false), 0);
	decide(&t);
	hears(&t, FIRST, GATEWAY_FAILED);
	uses(&t, 0, FIRST);
	done(&t);
}

/* What is said of it. */
static void test_text(void **state)
{
	char text[SILENT_TEXT_MAX];
	struct uplink u;
	struct stage t;

	(void)state;
	begin(&t);
	u = uplink_lookup(&t.f, "wlp6s0");
	assert_false(way_silent_text(&u.ip4, text));
	hears(&t, FIRST, GATEWAY_FAILED);
	decide(&t);
	u = uplink_lookup(&t.f, "wlp6s0");
	assert_true(way_silent_text(&u.ip4, text));
	assert_string_equal(text, "gateway 192.168.2.1 does not answer ARP; 192.168.2.9 is used");
	hears(&t, NEXT, GATEWAY_FAILED);
	decide(&t);
	u = uplink_lookup(&t.f, "wlp6s0");
	assert_true(way_silent_text(&u.ip4, text));
	assert_string_equal(text, "gateway 192.168.2.1 does not answer ARP");
	assert_false(way_silent_text(&u.ip6, text));
	done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next_and_back),
		cmocka_unit_test(test_flaps),
		cmocka_unit_test(test_fails_while_on_hold),
		cmocka_unit_test(test_none_answers),
		cmocka_unit_test(test_flushed),
		cmocka_unit_test(test_asks_in_growing_intervals),
		cmocka_unit_test(test_of_interest),
		cmocka_unit_test(test_many),
		cmocka_unit_test(test_takes_over),
		cmocka_unit_test(test_stop_between),
		cmocka_unit_test(test_text),
	};

	return RUN_TESTS(tests);
}
