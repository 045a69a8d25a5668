/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_EXEC_H
#define VIA_DESKTOP_EXEC_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/strbuf.h"

/*
 * The value of Exec: words, with field codes in them. Written by hand, it is
 * read as GLib reads it (a shell's quotes), and written as the Desktop Entry Specification wants
 * it: arguments that need it in double quotes, ", `, $ and \ behind a backslash. Both are the value
 * as a string: what GKeyFile unescapes and escapes. g_shell_parse_argv() would not do: whether a
 * code stands in quotes decides what a launcher puts there. Pure.
 */

struct exec_item {
	char c; /* a byte of a word, or the letter of a field code; 0: the word ends */
	bool code;
	bool quoted; /* it stood in quotes */
};

struct exec {
	struct exec_item *v;
	size_t n, size;
};

/*
 * Reads the value. Codes that are no more (%d %D %n %N %v %m) and
 * unknown ones are left out, as launchers do; so is, of several codes for files, all but the first.
 * -EINVAL where GLib would not start it, either: a quote without its end, no program.
 */
int exec_parse(const char *value, struct exec *ret, struct err *err);
void exec_done(struct exec *x);

#define _cleanup_exec_ __attribute__((cleanup(exec_done)))

/*
 * %k is where the entry lies: of an original elsewhere it is made to path. In quotes it comes with
 * quotes of a shell, since that is how launchers put it there.
 */
int exec_set_location(struct exec *x, const char *path);

/* Adds a word, as it is, in front of everything; n words of argv in their order. 0 or -ENOMEM. */
int exec_prepend(struct exec *x, const char *const words[], size_t n);

/* The same behind the first word, which is the program. */
int exec_insert(struct exec *x, const char *const words[], size_t n);

/* The value. */
void exec_print(const struct exec *x, struct strbuf *sb);

/* The words without codes; ret ends with NULL. It, and *ret_bytes, are the caller's to free. */
int exec_words(const struct exec *x, char ***ret, char **ret_bytes);

#endif
