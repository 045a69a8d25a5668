/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"

/* As text_print() writes it: letters, not bytes, of UTF-8, and what it escapes. */
static size_t width_of(const char *text)
{
	size_t n = 0, bytes;

	for (; *text; text += bytes ? bytes : 1) {
		bytes = text_char(text);
		n += bytes ? 1 : strlen("\\xNN");
	}
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
			text_print(out, "%*s%s", (int)gap, "", t->cells[i]);
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
