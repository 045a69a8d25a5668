/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_UNIT_H
#define VIA_TESTS_UNIT_H

/* cmocka.h, and before it what it needs. */

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define RUN_TESTS(tests) cmocka_run_group_tests(tests, NULL, NULL)

#endif
