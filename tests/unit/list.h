/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_LIST_H
#define VIA_TESTS_LIST_H

#include "model/uplink_list.h"

/* The list that a text is, or begins with; none of it is checked. */
static inline struct uplink_list list_of(const char *text)
{
	struct uplink_list l;

	(void)!uplink_list_read(text, &l);
	return l;
}

/* What a list is as text. */
#define LIST_IS(list, text)                                                                        \
	do {                                                                                       \
		char text_[UPLINK_LIST_TEXT_MAX];                                                  \
		const struct uplink_list list_ = (list);                                           \
		assert_string_equal(uplink_list_format(&list_, text_), text);                      \
	} while (0)

#endif
