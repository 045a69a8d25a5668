/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/exec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/vec.h"

void exec_done(struct exec *x)
{
	VEC_DONE(x);
}

static bool push(struct exec *x, char c, bool code, bool quoted)
{
	struct exec_item *item = VEC_PUSH(x);

	if (item)
		*item = (struct exec_item){ .c = c, .code = code, .quoted = quoted };
	return item != NULL;
}

/* --- reading: glib/gshell.c, gio/gdesktopappinfo.c ------------------------------------------- */

struct reader {
	const char *at;
	struct exec x;
	bool in_word, files, failed;
	char quote; /* which one is open, or 0 */
};

static void put(struct reader *r, char c)
{
	r->in_word = true;
	if (!push(&r->x, c, false, r->quote != 0))
		r->failed = true;
}

static void end_word(struct reader *r)
{
	if (r->in_word && !push(&r->x, 0, false, false))
		r->failed = true;
	r->in_word = false;
}

/* At a '%' with something behind it. */
static void take_code(struct reader *r)
{
	char c = r->at[1];

	r->at += 2;
	if (c == '%') {
		put(r, '%');
		return;
	}
	if (!strchr("fFuUick", c) || (strchr("fFuU", c) && r->files))
		return;
	r->files |= strchr("fFuU", c) != NULL;
	r->in_word = true;
	if (!push(&r->x, c, true, r->quote != 0))
		r->failed = true;
}

/* At a backslash: in double quotes it is one where nothing special follows. */
static bool take_backslash(struct reader *r)
{
	char c = r->at[1];

	if (!c)
		return false;
	if (r->quote == '"' && !strchr("\"\\`$\n", c)) {
		put(r, '\\');
		r->at++;
		return true;
	}
	if (c != '\n')
		put(r, c);
	r->at += 2;
	return true;
}

static void take_plain(struct reader *r)
{
	char c = *r->at++;

	if (r->quote && c == r->quote) {
		r->quote = 0;
	} else if (!r->quote && (c == '"' || c == '\'')) {
		r->quote = c;
		r->in_word = true;
	} else if (!r->quote && strchr(" \t\n", c)) {
		end_word(r);
	} else if (!r->quote && c == '#' && !r->in_word) {
		r->at += strcspn(r->at, "\n"); /* a comment */
	} else {
		put(r, c);
	}
}

int exec_parse(const char *value, struct exec *ret, struct err *err)
{
	struct reader r = { 0 };
	bool good = true;

	for (r.at = value; *r.at && good;) {
		if (*r.at == '%' && r.at[1])
			take_code(&r);
		else if (*r.at == '\\' && r.quote != '\'')
			good = take_backslash(&r);
		else
			take_plain(&r);
	}
	end_word(&r);
	if (r.failed) {
		exec_done(&r.x);
		return err_errno(err, ENOMEM, "read Exec");
	}
	if (good && !r.quote && r.x.n > 1 && r.x.v[0].c && !r.x.v[0].code) {
		*ret = r.x;
		return 0;
	}
	good = good && !r.quote;
	exec_done(&r.x);
	return err_set(err, EINVAL, "read its command line 'Exec=%s': %s", value,
		       good ? "it begins with no program" : "a quote or a backslash has no end");
}

/* --- changes --------------------------------------------------------------------------------- */

int exec_set_location(struct exec *x, const char *path)
{
	_cleanup_exec_ struct exec new = { 0 };
	bool good = true;

	for (size_t i = 0; i < x->n && good; i++) {
		const struct exec_item *item = &x->v[i];

		if (!item->code || item->c != 'k') {
			good = push(&new, item->c, item->code, item->quoted);
			continue;
		}
		if (item->quoted)
			good = push(&new, '\'', false, true);
		for (const char *c = path; *c && good; c++) {
			if (item->quoted && *c == '\'')
				for (const char *q = "'\\'"; *q && good; q++)
					good = push(&new, *q, false, true);
			good = good && push(&new, *c, false, item->quoted);
		}
		if (item->quoted)
			good = good && push(&new, '\'', false, true);
	}
	if (!good)
		return -ENOMEM;
	exec_done(x);
	*x = new;
	new = (struct exec){ 0 };
	return 0;
}

static bool push_items(struct exec *to, const struct exec_item *v, size_t n)
{
	bool good = true;

	for (size_t i = 0; i < n && good; i++)
		good = push(to, v[i].c, v[i].code, v[i].quoted);
	return good;
}

/* Words in front of the item at that place, where a word begins. */
static int add_words(struct exec *x, size_t at, const char *const words[], size_t n)
{
	_cleanup_exec_ struct exec new = { 0 };
	bool good = push_items(&new, x->v, at);

	for (size_t i = 0; i < n && good; i++) {
		for (const char *c = words[i]; *c && good; c++)
			good = push(&new, *c, false, false);
		good = good && push(&new, 0, false, false);
	}
	good = good && push_items(&new, x->v + at, x->n - at);
	if (!good)
		return -ENOMEM;
	exec_done(x);
	*x = new;
	new = (struct exec){ 0 };
	return 0;
}

int exec_prepend(struct exec *x, const char *const words[], size_t n)
{
	return add_words(x, 0, words, n);
}

int exec_insert(struct exec *x, const char *const words[], size_t n)
{
	size_t at = 0;

	while (at < x->n && x->v[at].c)
		at++;
	return add_words(x, at < x->n ? at + 1 : at, words, n);
}

/* --- writing --------------------------------------------------------------------------------- */

/* "Reserved characters" of the specification, and what a reader might take for an end. */
static bool needs_quotes(char c)
{
	return (unsigned char)c <= ' ' || c == 0x7f || strchr("\"'\\><~|&;$*?#()`", c);
}

static void print_item(struct strbuf *sb, const struct exec_item *item, bool in_quotes)
{
	if (item->code)
		strbuf_add(sb, "%%%c", item->c);
	else if (item->c == '%')
		strbuf_add(sb, "%%%%");
	else if (in_quotes && strchr("\"`$\\", item->c))
		strbuf_add(sb, "\\%c", item->c);
	else
		strbuf_add_bytes(sb, &item->c, 1);
}

/* What goes in quotes as a whole, or not: no code in it stood outside of them. */
static void print_part(struct strbuf *sb, const struct exec_item *v, size_t n)
{
	bool quotes = n == 0;

	for (size_t i = 0; i < n; i++)
		quotes |= v[i].code || needs_quotes(v[i].c);
	strbuf_add(sb, "%s", quotes ? "\"" : "");
	for (size_t i = 0; i < n; i++)
		print_item(sb, &v[i], quotes);
	strbuf_add(sb, "%s", quotes ? "\"" : "");
}

/*
 * A code stays within quotes where it was there, and without where it was not: launchers put in
 * words of their own.
 */
static void print_word(struct strbuf *sb, const struct exec_item *v, size_t n)
{
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		if (!v[i].code || v[i].quoted)
			continue;
		if (i > from)
			print_part(sb, v + from, i - from);
		print_item(sb, &v[i], false);
		from = i + 1;
	}
	if (from < n || !n)
		print_part(sb, v + from, n - from);
}

void exec_print(const struct exec *x, struct strbuf *sb)
{
	for (size_t i = 0, from = 0; i < x->n; i++) {
		if (x->v[i].c || x->v[i].code)
			continue;
		strbuf_add(sb, "%s", from ? " " : "");
		print_word(sb, x->v + from, i - from);
		from = i + 1;
	}
}

int exec_words(const struct exec *x, char ***ret, char **ret_bytes)
{
	_cleanup_strbuf_ struct strbuf bytes = { 0 };
	size_t n = 0;

	for (size_t i = 0, codes = 0, from = 0; i < x->n; i++) {
		if (x->v[i].code) {
			codes++;
		} else if (x->v[i].c) {
			strbuf_add_bytes(&bytes, &x->v[i].c, 1);
		} else {
			if (i == from ||
			    i - from > codes) { /* a word that is only a code is none */
				strbuf_add_bytes(&bytes, "", 1);
				n++;
			}
			from = i + 1;
			codes = 0;
		}
	}
	return strbuf_steal_argv(&bytes, n, ret, ret_bytes);
}
