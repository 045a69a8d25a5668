/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TABLE_H
#define VIA_VERBS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * Text in columns, each as wide as its widest cell. Where that is wider than the terminal, columns
 * that may be cut become narrower, the widest first: a list keeps its first items and says how many
 * are left out ("a,b,+3"), other text ends in "…". Where that is not enough, whole columns are left
 * out. Cells are added row by row, behind the titles.
 */
#define TABLE_COLUMNS_MAX 10

struct table_column {
	const char *title;
	size_t least; /* characters to which it may be cut; 0: it is not */
	int drop;     /* the column with the greatest is left out first; 0: never */
	bool right;   /* a number */
	bool list;    /* items with commas between */
};

struct table {
	const struct table_column *of; /* borrowed */
	size_t columns;                /* TABLE_COLUMNS_MAX at most */
	char **cells;
	size_t n, size;
};

/* What could not be kept for lack of memory is told by table_print(). */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* width in characters; 0: no limit. Returns 0 or -ENOMEM; frees the cells. */
int table_print(struct table *t, size_t width, FILE *out);

/* Columns of the terminal that standard output is, or 0: it is none, and nothing is cut. */
size_t table_width(void);

#endif
