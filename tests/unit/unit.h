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

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
