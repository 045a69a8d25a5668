/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/table.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "base/vec.h"

#define GAP 2

/* Columns that one character takes, as text_print() writes it; *ret_bytes of UTF-8. */
static size_t step(const char *text, size_t *ret_bytes)
{
	size_t bytes = text_char(text);

	*ret_bytes = bytes ? bytes : 1;
	return bytes ? 1 : strlen("\\xNN");
}

static size_t width_of(const char *text)
{
	size_t n = 0, bytes;

	for (; *text; text += bytes)
		n += step(text, &bytes);
	return n;
}

/* How many bytes of a text fit into that many columns. */
static size_t fitting(const char *text, size_t width)
{
	size_t n = 0, at = 0, bytes, w;

	while (text[at] && n + (w = step(text + at, &bytes)) <= width) {
		n += w;
		at += bytes;
	}
	return at;
}

void table_add(struct table *t, const char *fmt, ...)
{
	struct table_cell *cell;
	char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	cell = vec_push((void **)&t->cells, &t->n, &t->size, sizeof(*t->cells));
	if (cell)
		*cell = (struct table_cell){ .text = text };
	else
		free(text);
}

void table_colour(struct table *t, enum colour colour)
{
	if (t->n)
		t->cells[t->n - 1].colour = colour;
}

/* "a,b,+3": as many items as fit; NULL when not even one does. */
static char *shorten_list(const char *text, size_t width)
{
	size_t items = 1, kept = 0, end = 0;
	char more[16], *ret;

	for (const char *c = text; (c = strchr(c, ',')); c++)
		items++;
	for (size_t at = strcspn(text, ","), n = 1; text[at];
	     at += 1 + strcspn(text + at + 1, ","), n++) {
		int len = snprintf(more, sizeof(more), ",+%zu", items - n);

		if ((size_t)len >= width || fitting(text, width - (size_t)len) < at)
			break;
		kept = n;
		end = at;
	}
	if (!kept || asprintf(&ret, "%.*s,+%zu", (int)end, text, items - kept) < 0)
		return NULL;
	return ret;
}

static void shorten(char **cell, size_t width, bool list)
{
	char *cut = NULL;

	if (width_of(*cell) <= width)
		return;
	if (list)
		cut = shorten_list(*cell, width);
	if (!cut && asprintf(&cut, "%.*s…", (int)fitting(*cell, width - 1), *cell) < 0)
		return; /* as it is */
	free(*cell);
	*cell = cut;
}

struct layout {
	size_t widths[TABLE_COLUMNS_MAX];
	bool hidden[TABLE_COLUMNS_MAX];
};

static void measure(const struct table *t, struct layout *l)
{
	for (size_t i = 0; i < t->columns; i++)
		l->widths[i] = width_of(t->of[i].title);
	for (size_t i = 0; i < t->n; i++) {
		size_t w = width_of(t->cells[i].text);

		if (w > l->widths[i % t->columns])
			l->widths[i % t->columns] = w;
	}
}

/* To how few characters a column can be cut. */
static size_t least_of(const struct table *t, const struct layout *l, size_t i)
{
	size_t least = t->of[i].least, title = width_of(t->of[i].title);

	if (!least || l->widths[i] < least)
		return l->widths[i];
	return least > title ? least : title;
}

static size_t total_of(const struct table *t, const struct layout *l, bool least)
{
	size_t total = 0;

	for (size_t i = 0; i < t->columns; i++)
		if (!l->hidden[i])
			total += (total ? GAP : 0) + (least ? least_of(t, l, i) : l->widths[i]);
	return total;
}

/* Leaves out columns until the others fit when they are cut as far as they may be. */
static void hide(const struct table *t, size_t width, struct layout *l)
{
	while (total_of(t, l, true) > width) {
		size_t first = t->columns;

		for (size_t i = 0; i < t->columns; i++)
			if (t->of[i].drop && !l->hidden[i] &&
			    (first == t->columns || t->of[i].drop > t->of[first].drop))
				first = i;
		if (first == t->columns)
			return;
		l->hidden[first] = true;
	}
}

/* Takes from the widest column that may be cut until all fit, or none may be cut any more. */
static void fit(const struct table *t, size_t width, struct layout *l)
{
	size_t total = total_of(t, l, false);

	for (; total > width; total--) {
		size_t widest = t->columns;

		for (size_t i = 0; i < t->columns; i++)
			if (!l->hidden[i] && l->widths[i] > least_of(t, l, i) &&
			    (widest == t->columns || l->widths[i] > l->widths[widest]))
				widest = i;
		if (widest == t->columns)
			return;
		l->widths[widest]--;
	}
}

static void print_row(const struct table *t, const struct table_cell *row, const struct layout *l,
		      bool colours, FILE *out)
{
	size_t gap = 0; /* blanks, once a cell follows */

	for (size_t i = 0; i < t->columns; i++) {
		size_t pad = l->widths[i] - width_of(row[i].text);
		bool right = t->of[i].right;

		if (l->hidden[i])
			continue;
		if (right)
			gap += pad;
		if (row[i].text[0]) {
			fprintf(out, "%*s", (int)gap, "");
			colour_begin(out, row[i].colour, colours);
			text_print(out, "%s", row[i].text);
			colour_end(out, row[i].colour, colours);
			gap = 0;
		}
		gap += (right ? 0 : pad) + GAP;
	}
	fputc('\n', out);
}

static int print(struct table *t, const struct terminal *terminal, FILE *out)
{
	struct table_cell titles[TABLE_COLUMNS_MAX];
	const size_t width = terminal->width;
	struct layout l = { 0 };

	if (t->n % t->columns)
		return -ENOMEM;
	for (size_t i = 0; i < t->n; i++)
		if (!t->cells[i].text)
			return -ENOMEM;
	measure(t, &l);
	if (width) {
		hide(t, width, &l);
		fit(t, width, &l);
		for (size_t i = 0; i < t->n; i++)
			shorten(&t->cells[i].text, l.widths[i % t->columns],
				t->of[i % t->columns].list);
		measure(t, &l); /* a list may have become shorter than it had to */
	}
	for (size_t i = 0; i < t->columns; i++)
		titles[i] = (struct table_cell){ .text = (char *)t->of[i].title };
	print_row(t, titles, &l, false, out);
	for (size_t i = 0; i < t->n; i += t->columns)
		print_row(t, t->cells + i, &l, terminal->colours, out);
	return 0;
}

int table_print(struct table *t, const struct terminal *terminal, FILE *out)
{
	int r = print(t, terminal, out);

	for (size_t i = 0; i < t->n; i++)
		free(t->cells[i].text);
	free(t->cells);
	*t = (struct table){ 0 };
	return r;
}
