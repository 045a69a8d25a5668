/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>

#include "base/vec.h"

/* Letters, not bytes, of UTF-8. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

void table_add(struct table *t, const char *fmt, ...)
{
	char *text = NULL, **cell;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	cell = vec_push((void **)&t->cells, &t->n, &t->size, sizeof(*t->cells));
	if (cell)
		*cell = text;
	else
		free(text);
}

int table_print(struct table *t, FILE *out)
{
	size_t widths[TABLE_COLUMNS_MAX] = { 0 }, gap = 0; /* blanks, once a cell follows */
	int r = t->n % t->columns ? -ENOMEM : 0;

	for (size_t i = 0; i < t->n; i++) {
		size_t *width = &widths[i % t->columns], w;

		if (!t->cells[i])
			r = -ENOMEM;
		w = t->cells[i] ? width_of(t->cells[i]) : 0;
		*width = w > *width ? w : *width;
	}
	for (size_t i = 0; i < t->n && r == 0; i++) {
		size_t column = i % t->columns;

		if (t->cells[i][0]) {
			fprintf(out, "%*s%s", (int)gap, "", t->cells[i]);
			gap = 0;
		}
		gap += widths[column] - width_of(t->cells[i]) + 2;
		if (column == t->columns - 1) {
			fputc('\n', out);
			gap = 0;
		}
	}
	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i]);
	free(t->cells);
	*t = (struct table){ 0 };
	return r;
}
