/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TABLE_H
#define VIA_VERBS_TABLE_H

#include <stdio.h>

/*
 * Text in columns, each as wide as its widest cell; the last one of a row ends it. Cells are
 * added row by row. What could not be kept for lack of memory is told by table_print().
 */
#define TABLE_COLUMNS_MAX 10

struct table {
	size_t columns;
	char **cells;
	size_t n, size;
};

void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Returns 0 or -ENOMEM; frees the cells. */
int table_print(struct table *t, FILE *out);

#endif
