/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_TABLE_H
#define VIA_VERBS_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "verbs/terminal.h"

/*
 * Text in columns, each as wide as its widest cell. Where that is wider than the terminal, columns
 * that may be cut become narrower, the widest first: a list keeps its first items and says how many
 * are left out ("a,b,+3"), other text ends in "…". Where that is not enough, whole columns are left
 * out. Cells are added row by row, behind the titles.
 */
#define TABLE_COLUMNS_MAX 12

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
	struct table_cell {
		char *text;
		enum colour colour;
	} * cells;
	size_t n, size;
};

/* Lack of memory is reported by table_print(). */
void table_add(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The colour of the cell that was added last. */
void table_colour(struct table *t, enum colour colour);

/* Returns 0 or -ENOMEM; frees the cells. */
int table_print(struct table *t, const struct terminal *terminal, FILE *out);

#endif
