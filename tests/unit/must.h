/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_MUST_H
#define VIA_TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

/* In what tests are made of, outside a test of cmocka's: says what is not true, and aborts. */
#define MUST(true_)                                                                                \
	do {                                                                                       \
		if (!(true_)) {                                                                    \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #true_);                \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#endif
