/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_UNIT_H
#define VIA_TESTS_UNIT_H

/* cmocka.h, and before it what it needs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#ifdef __clang_analyzer__
/* The analyzer does not see that a failed assertion ends the test. */
#include <stdlib.h>
#undef assert_non_null
#undef fail_msg
#define assert_non_null(pointer)                                                                   \
	do {                                                                                       \
		if (!(pointer))                                                                    \
			abort();                                                                   \
	} while (0)
#define fail_msg(...) abort()
#endif

/*
 * cmocka 2 deprecates its own, for assert_int_in_range() and assert_uint_in_range(), which cmocka 1
 * does not have. A negative value is in no range.
 */
#undef assert_in_range
#define assert_in_range(value, minimum, maximum)                                                   \
	do {                                                                                       \
		const uintmax_t value_ = (uintmax_t)(value), min_ = (uintmax_t)(minimum),          \
				max_ = (uintmax_t)(maximum);                                       \
                                                                                                   \
		if (value_ < min_ || value_ > max_)                                                \
			fail_msg("%s is %ju, not in %ju-%ju", #value, value_, min_, max_);         \
	} while (0)

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
