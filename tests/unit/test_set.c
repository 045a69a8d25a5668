/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/netfilter.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/set.h"
#include "things.h"
#include "unit.h"

static void add(struct object_set *set, struct object o)
{
	set_add(set, &o);
}

static struct object owned_rule(uint32_t index)
{
	struct object o = thing_rule(NFPROTO_INET, "a", index, 0);

	o.nft_rule.rule = calloc(1, sizeof(*o.nft_rule.rule));
	assert_non_null(o.nft_rule.rule);
	return o;
}

static void test_empty(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct object key = thing_bridge();

	(void)state;
	assert_int_equal(set_sort(&set), 0);
	assert_null(set_find(&set, &key));
	set_done(&set);
}

static void test_sort(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };

	(void)state;
	for (int i = 499; i >= 0; i--) { /* more than one growth */
		char name[IFNAMSIZ];

		snprintf(name, sizeof(name), "viap%03d", i);
		add(&set, thing_up(name));
		if (i % 100 == 0)
			add(&set, thing_bridge());
	}
	assert_int_equal(set_sort(&set), 0);
	assert_int_equal(set.n, 501);
	assert_int_equal(set.v[0].kind, OBJ_LINK);
	for (size_t i = 1; i < set.n; i++)
		assert_true(object_compare(&set.v[i - 1], &set.v[i]) < 0);
	assert_string_equal(set.v[500].link_up.name, "viap499");
	assert_int_equal(set_sort(&set), 0);
	assert_int_equal(set.n, 501);
}

static void test_first_of_equals_stays(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };

	(void)state;
	add(&set, thing_sysctl("b", "first", ""));
	add(&set, thing_sysctl("a", "1", ""));
	add(&set, thing_sysctl("b", "second", ""));
	add(&set, thing_sysctl("b", "third", ""));
	add(&set, thing_sysctl("c", "1", ""));
	assert_int_equal(set_sort(&set), 0);
	assert_int_equal(set.n, 3);
	assert_string_equal(set.v[0].sysctl.path, "a");
	assert_string_equal(set.v[1].sysctl.value, "first");
	assert_string_equal(set.v[2].sysctl.path, "c");
}

static void test_find(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };
	struct object key = thing_sysctl("b", "other", "");
	const struct object *found;

	(void)state;
	add(&set, thing_sysctl("c", "3", ""));
	add(&set, thing_sysctl("a", "1", ""));
	add(&set, thing_sysctl("b", "2", ""));
	assert_int_equal(set_sort(&set), 0);
	found = set_find(&set, &key);
	assert_non_null(found);
	assert_string_equal(found->sysctl.value, "2");
	key = thing_sysctl("bb", "2", "");
	assert_null(set_find(&set, &key));
	key = thing_inside(thing_sysctl("b", "2", ""));
	assert_null(set_find(&set, &key));
}

/* The set owns a rule's statements: those of a dropped duplicate, too (the leak check sees it). */
static void test_owns_rules(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };

	(void)state;
	add(&set, owned_rule(1));
	add(&set, owned_rule(0));
	add(&set, owned_rule(1));
	assert_int_equal(set_sort(&set), 0);
	assert_int_equal(set.n, 2);
	assert_non_null(set.v[0].nft_rule.rule);
	assert_non_null(set.v[1].nft_rule.rule);
}

/* --- merging and subtracting --------------------------------------------------------------- */

static size_t comparisons;

int __real_object_compare(const struct object *a, const struct object *b);
int __wrap_object_compare(const struct object *a, const struct object *b);
int __wrap_object_compare(const struct object *a, const struct object *b)
{
	comparisons++;
	return __real_object_compare(a, b);
}

static struct object numbered(unsigned int i)
{
	char name[IFNAMSIZ];

	if (i % 7 == 3)
		return owned_rule(i);
	snprintf(name, sizeof(name), "viap%05u", i);
	return thing_up(name);
}

/* Of 0 to n - 1 each with that probability in 256. */
static void fill(struct object_set *set, unsigned int n, int probability)
{
	for (unsigned int i = 0; i < n; i++)
		if (rand() % 256 < probability)
			add(set, numbered(i));
	assert_int_equal(set_sort(set), 0);
}

static void in_order(const struct object_set *set)
{
	for (size_t i = 1; i < set->n; i++)
		assert_true(__real_object_compare(&set->v[i - 1], &set->v[i]) < 0);
}

/* Held against a look-up of each; the leak check sees what of the rules is not freed, or twice. */
static void test_merge_and_subtract(void **state)
{
	static const int probabilities[] = { 0, 2, 60, 200, 256 };

	(void)state;
	srand(1);
	for (size_t p = 0; p < 200; p++) {
		const unsigned int n = p % 8 < 4 ? 12 : 150;
		_cleanup_set_ struct object_set a = { 0 }, b = { 0 }, merged = { 0 }, less = { 0 };
		size_t common = 0;

		fill(&a, n, probabilities[p / 8 % 5]);
		fill(&b, n, probabilities[p / 8 / 5]);
		assert_int_equal(set_merge(&merged, &a), 0);
		assert_int_equal(set_merge(&less, &a), 0);
		assert_int_equal(merged.n, a.n);
		assert_int_equal(set_merge(&merged, &b), 0);
		set_subtract(&less, &b);
		in_order(&merged);
		in_order(&less);
		for (size_t i = 0; i < b.n; i++) {
			common += set_find(&a, &b.v[i]) != NULL;
			assert_non_null(set_find(&merged, &b.v[i]));
			assert_null(set_find(&less, &b.v[i]));
		}
		for (size_t i = 0; i < a.n; i++) {
			assert_non_null(set_find(&merged, &a.v[i]));
			assert_int_equal(set_find(&less, &a.v[i]) == NULL,
					 set_find(&b, &a.v[i]) != NULL);
		}
		assert_int_equal(merged.n, a.n + b.n - common);
		assert_int_equal(less.n, a.n - common);
	}
}

/* What a session has is put among those of a thousand, and taken out: few of those are looked at.
 */
static void test_few_among_many(void **state)
{
	_cleanup_set_ struct object_set many = { 0 }, few = { 0 };

	(void)state;
	fill(&many, 10000, 250);
	for (unsigned int i = 500; i < 10000; i += 1000)
		add(&few, numbered(i));
	assert_int_equal(set_sort(&few), 0);
	comparisons = 0;
	assert_int_equal(set_merge(&many, &few), 0);
	assert_in_range(comparisons, few.n, 40 * few.n);
	comparisons = 0;
	set_subtract(&many, &few);
	assert_in_range(comparisons, few.n, 40 * few.n);
}

static void test_failure_sticks(void **state)
{
	_cleanup_set_ struct object_set set = { 0 };

	(void)state;
	add(&set, owned_rule(0));
	set.failed = true;
	add(&set, owned_rule(1));
	assert_int_equal(set.n, 1);
	assert_int_equal(set_sort(&set), -ENOMEM);
	set_done(&set);
	assert_false(set.failed);
	assert_int_equal(set.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_empty),
		cmocka_unit_test(test_sort),
		cmocka_unit_test(test_first_of_equals_stays),
		cmocka_unit_test(test_find),
		cmocka_unit_test(test_owns_rules),
		cmocka_unit_test(test_merge_and_subtract),
		cmocka_unit_test(test_few_among_many),
		cmocka_unit_test(test_failure_sticks),
	};

	return RUN_TESTS(tests);
}
