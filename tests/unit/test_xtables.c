/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tables of iptables-legacy from the kernel's bytes: which rules stop packets, and their text. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <linux/netfilter_ipv4/ip_tables.h>

#include "net/xtables.h"
#include "unit.h"

/* Four entries, as the kernel lays them out: a rule, the policy, a chain and a rule of it. */
struct rule {
	struct ipt_entry entry;
	struct xt_standard_target target;
};
struct chain {
	struct ipt_entry entry;
	struct xt_error_target target;
};
struct table {
	struct rule forward, policy;
	struct chain begins;
	struct rule inside;
};

static void fill(struct rule *r, int verdict, uint64_t packets)
{
	r->entry.target_offset = sizeof(r->entry);
	r->entry.next_offset = sizeof(*r);
	r->entry.counters.pcnt = packets;
	r->target.target.u.user.target_size = sizeof(r->target);
	r->target.verdict = verdict;
}

static void make(struct table *t)
{
	*t = (struct table){ 0 };
	fill(&t->forward, -NF_DROP - 1, 7);
	strcpy(t->forward.entry.ip.iniface, "via0");
	t->forward.entry.ip.proto = 17;
	t->forward.entry.ip.src.s_addr = htonl(0x0a000000);
	t->forward.entry.ip.smsk.s_addr = htonl(0xff000000);
	fill(&t->policy, -NF_ACCEPT - 1, 9);
	t->begins.entry.target_offset = sizeof(t->begins.entry);
	t->begins.entry.next_offset = sizeof(t->begins);
	strcpy(t->begins.target.target.u.user.name, XT_ERROR_TARGET);
	strcpy(t->begins.target.errorname, "mine");
	fill(&t->inside, 0, 3);
	strcpy(t->inside.target.target.u.user.name, "REJECT");
}

static const struct xtables_hooks hooks = {
	.entry = { ~0u, ~0u, 0, ~0u, ~0u },
	.underflow = { ~0u, ~0u, sizeof(struct rule), ~0u, ~0u },
};

static void test_table(void **state)
{
	struct xtables_stops stops = { 0 };
	struct table t;

	(void)state;
	make(&t);
	assert_int_equal(xtables_decode(AF_INET, "filter", &hooks, &t, sizeof(t), &stops), 0);
	assert_int_equal(stops.n, 2);
	assert_string_equal(stops.v[0].text, "-A FORWARD -s 10.0.0.0/8 -i via0 -p udp -j DROP");
	assert_int_equal(stops.v[0].number, 1);
	assert_int_equal(stops.v[0].packets, 7);
	assert_false(stops.v[0].more);
	assert_string_equal(stops.v[1].text, "-A mine -j REJECT");
	assert_string_equal(stops.v[1].chain, "mine");
	assert_int_equal(stops.v[1].number, 1);
	xtables_done(&stops);
	stops = (struct xtables_stops){ 0 };
	t.policy.target.verdict = -NF_DROP - 1;
	assert_int_equal(xtables_decode(AF_INET, "filter", &hooks, &t, sizeof(t), &stops), 0);
	assert_string_equal(stops.v[1].text, "-P FORWARD DROP");
	assert_int_equal(stops.v[1].number, 0);
	xtables_done(&stops);
}

/* A length that is one of whole entries: a multiple of 8, or of 4 where that aligns 64 bits. */
static bool ends_entry(size_t len)
{
	return len == offsetof(struct table, policy) || len == offsetof(struct table, begins) ||
	       len == offsetof(struct table, inside);
}

/* Any length, and offsets that lead nowhere: an error, and nothing is read behind the end. */
static void test_damaged(void **state)
{
	struct table t;

	(void)state;
	for (size_t len = 1; len < sizeof(t); len++) {
		struct xtables_stops stops = { 0 };
		void *bytes = malloc(len);
		int r;

		make(&t);
		assert_non_null(bytes);
		memcpy(bytes, &t, len);
		r = xtables_decode(AF_INET, "filter", &hooks, bytes, len, &stops);
		assert_int_equal(r, ends_entry(len) ? 0 : -EBADMSG);
		free(bytes);
		xtables_done(&stops);
	}
	for (uint32_t offset = 0; offset < 0x10000; offset += 7) {
		struct xtables_stops stops = { 0 };

		make(&t);
		t.policy.entry.next_offset = (uint16_t)offset;
		t.forward.entry.target_offset = (uint16_t)offset;
		assert_int_equal(xtables_decode(AF_INET, "filter", &hooks, &t, sizeof(t), &stops),
				 -EBADMSG);
		xtables_done(&stops);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_damaged),
	};

	return RUN_TESTS(tests);
}
