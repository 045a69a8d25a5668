/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "launch/binding.h"
#include "unit.h"

#define FIND(ret, ...)                                                                             \
	({                                                                                         \
		size_t at_ = 0;                                                                    \
		binding_next((char *const *)(const char *const[]){ __VA_ARGS__, NULL }, &at_,      \
			     ret);                                                                 \
	})

static void test_addresses(void **state)
{
	struct binding b;

	(void)state;
	assert_true(FIND(&b, "/usr/bin/ping", "-c", "1", "-I", "192.0.2.1", "host"));
	assert_true(b.address && b.option_len == 2);
	assert_string_equal(b.value, "192.0.2.1");
	assert_true(FIND(&b, "wget", "--bind-address=2001:db8::1", "x"));
	assert_string_equal(b.value, "2001:db8::1");
	assert_int_equal(b.option_len, strlen("--bind-address"));
	assert_true(FIND(&b, "x", "--source-address", "192.0.2.1"));
	assert_false(FIND(&b, "curl", "-s", "192.0.2.1")); /* silent, and an address to ask */
	assert_true(FIND(&b, "nc", "-s", "192.0.2.1", "host", "80"));
	assert_false(FIND(&b, "x", "--proxy", "192.0.2.1"));
	assert_false(FIND(&b, "x", "192.0.2.1"));
	assert_false(FIND(&b, "x", "--interface"));
	assert_false(FIND(&b, "x", "--", "--interface", "192.0.2.1"));
	assert_false(FIND(&b, "x", "--interface", "192.0.2.300"));
	assert_false(FIND(&b, "x"));
}

/* What binds by SO_BINDTODEVICE finds the uplink's name. */
static void test_devices(void **state)
{
	struct binding b;

	(void)state;
	assert_true(FIND(&b, "ssh", "-B", "wlp6s0", "host"));
	assert_false(b.address);
	assert_true(FIND(&b, "aria2c", "--interface=wlp6s0", "x"));
	assert_false(FIND(&b, "curl", "--interface", "wlp6s0", "x"));
	assert_false(FIND(&b, "ping", "-I", "wlp6s0", "x"));
}

static void test_each_in_turn(void **state)
{
	char *const argv[] = { (char *)"ssh", (char *)"-B",        (char *)"wlp6s0",
			       (char *)"-b",  (char *)"192.0.2.1", (char *)"x",
			       NULL };
	struct binding b;
	size_t at = 0;

	(void)state;
	assert_true(binding_next(argv, &at, &b) && !b.address);
	assert_true(binding_next(argv, &at, &b) && b.address);
	assert_false(binding_next(argv, &at, &b));
}

static void test_of_host(void **state)
{
	(void)state;
	assert_false(binding_is_of_host("127.0.0.1"));
	assert_false(binding_is_of_host("::1"));
	assert_false(binding_is_of_host("192.0.2.77"));
	assert_false(binding_is_of_host("x"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_each_in_turn),
		cmocka_unit_test(test_of_host),
	};

	return RUN_TESTS(tests);
}
