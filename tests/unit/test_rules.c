/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Where our routing rules have to be among those of others. */
#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/vec.h"
#include "plan/internal.h"
#include "scene.h"
#include "unit.h"

struct row {
	const char *name;
	struct fact_rule theirs;
	const char *from, *iif, *oif;
	uint32_t lookup, stop; /* ours */
};

#define LOOKUP(n, ...)                                                                             \
	{                                                                                          \
		.priority = (n), .action = FR_ACT_TO_TBL, .table = 77, .suppress = -1, __VA_ARGS__ \
	}
#define USUAL PLAN_RULE_LOOKUP, PLAN_RULE_STOP

static const struct row rows[] = {
	{ "main", LOOKUP(32766), NULL, NULL, NULL, USUAL },
	{ "all", LOOKUP(220), NULL, NULL, NULL, 218, 219 },
	{ "not fwmark", LOOKUP(1000, .mark = 0xca6c, .mask = ~0u, .invert = true), NULL, NULL, NULL,
	  998, 999 },
	{ "another mark", LOOKUP(100, .mark = 7, .mask = ~0u), NULL, NULL, NULL, USUAL },
	{ "bits of others", LOOKUP(100, .mark = 0x100, .mask = 0xff00), NULL, NULL, NULL, 98, 99 },
	{ "our low bits", LOOKUP(100, .mark = 1, .mask = 0xff), NULL, NULL, NULL, 98, 99 },
	{ "low bits of no slot", LOOKUP(100, .mark = 9, .mask = 0xff), NULL, NULL, NULL, USUAL },
	{ "an address of the host", LOOKUP(100), "192.168.2.10/32", NULL, NULL, USUAL },
	{ "a network", LOOKUP(100), "192.168.2.0/24", NULL, NULL, 98, 99 },
	{ "our device", LOOKUP(10), NULL, "via0", NULL, 8, 9 },
	{ "the uplink", LOOKUP(10), NULL, "wlp6s0", NULL, 8, 9 },
	{ "another device", LOOKUP(10), NULL, "enp7s0", NULL, USUAL },
	{ "the host's own", LOOKUP(10), NULL, NULL, "wlp6s0", USUAL },
	{ "VRF", LOOKUP(1000, .l3mdev = true), NULL, NULL, NULL, USUAL },
	{ "special", LOOKUP(900, .special = true), NULL, NULL, NULL, 898, 899 },
	{ "prohibit", { .priority = 50, .action = FR_ACT_PROHIBIT }, NULL, NULL, NULL, 48, 49 },
	{ "nop", { .priority = 50, .action = FR_ACT_NOP }, NULL, NULL, NULL, USUAL },
	{ "goto",
	  { .priority = 50, .action = FR_ACT_GOTO, .target = 9000 },
	  NULL,
	  NULL,
	  NULL,
	  48,
	  49 },
	{ "local, elsewhere",
	  { .priority = 50, .action = FR_ACT_TO_TBL, .table = RT_TABLE_LOCAL },
	  NULL,
	  NULL,
	  NULL,
	  USUAL },
	{ "our number", LOOKUP(5180), NULL, NULL, NULL, 5178, 5179 },
	{ "the number of our stop", LOOKUP(5181), NULL, NULL, NULL, 5179, 5180 },
	{ "behind ours", LOOKUP(5182), NULL, NULL, NULL, USUAL },
	{ "2", LOOKUP(2), NULL, NULL, NULL, 0, 1 },
	{ "1", LOOKUP(1), NULL, NULL, NULL, 0, PLAN_RULE_STOP },
	{ "0", LOOKUP(0), NULL, NULL, NULL, USUAL },
};

static void test_places(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_facts_ struct facts f = { 0 };
		const struct ctx_slot slot = { .id = { .slot = 1, .uplink = "wlp6s0" } };
		const struct plan_rules_of of = { &f, &slot, 1 };
		const struct row *row = &rows[i];
		struct plan_priorities got;
		struct fact_rule *r;

		scene_split(&f);
		r = VEC_PUSH(&f.rules);
		*r = row->theirs;
		r->family = AF_INET;
		if (row->from)
			r->src = scene_prefix(row->from);
		if (row->iif)
			strcpy(r->iif, row->iif);
		if (row->oif)
			strcpy(r->oif, row->oif);
		got = plan_priorities(&of, AF_INET);
		if (got.lookup != row->lookup || got.stop != row->stop)
			fail_msg("%s: %u, %u", row->name, got.lookup, got.stop);
		got = plan_priorities(&of, AF_INET6); /* of the other family */
		assert_int_equal(got.lookup, PLAN_RULE_LOOKUP);
		assert_int_equal(got.stop, PLAN_RULE_STOP);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_places) };

	return RUN_TESTS(tests);
}
