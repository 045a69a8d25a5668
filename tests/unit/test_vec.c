/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/vec.h"
#include "unit.h"

struct item {
	int a;
	char more[20];
};

struct items {
	struct item *v;
	size_t n, size;
};

static void test_push(void **state)
{
	struct items items = { 0 };

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct item *item = VEC_PUSH(&items);

		assert_non_null(item);
		assert_ptr_equal(item, &items.v[i]);
		assert_int_equal(items.n, i + 1);
		assert_true(items.size >= items.n);
		item->a = i + 1;
		item->more[19] = (char)i;
	}
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(items.v[i].a, i + 1);
		assert_int_equal(items.v[i].more[19], (char)i);
	}
	VEC_DONE(&items);
	assert_null(items.v);
	assert_int_equal(items.n, 0);
	assert_int_equal(items.size, 0);
	VEC_DONE(&items);
}

static void test_pushed_is_zeroed(void **state)
{
	struct items items = { 0 };
	struct item *item;

	(void)state;
	item = VEC_PUSH(&items);
	item->a = 7;
	item->more[0] = 'x';
	items.n = 0; /* the place is used again */
	item = VEC_PUSH(&items);
	assert_int_equal(item->a, 0);
	assert_int_equal(item->more[0], 0);
	VEC_DONE(&items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_push),
		cmocka_unit_test(test_pushed_is_zeroed),
	};

	return RUN_TESTS(tests);
}
