/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_STRBUF_H
#define VIA_BASE_STRBUF_H

#include <stdbool.h>
#include <stddef.h>

/* Growing text. The first failure to grow sticks; strbuf_failed() is asked once, at the end. */
struct strbuf {
	char *text; /* always terminated once anything was added; NULL while empty */
	size_t len, size;
	bool failed;
};

void strbuf_add(struct strbuf *sb, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void strbuf_add_bytes(struct strbuf *sb, const char *bytes, size_t len);

/* What stands between single quotes in a shell (sh(1), Quoting). */
void strbuf_add_quotable(struct strbuf *sb, const char *text);

/* One word for a shell: bare where it can be, in single quotes else. */
void strbuf_add_word(struct strbuf *sb, const char *word);

/* The same in place of what sb holds. Returns the text, borrowed as of strbuf_text(). */
const char *strbuf_word(struct strbuf *sb, const char *word);

/* Shortens the text to len bytes; a no-op when it is shorter. */
void strbuf_truncate(struct strbuf *sb, size_t len);

/* The text, "" while empty. Borrowed: valid until the next change. */
const char *strbuf_text(const struct strbuf *sb);
bool strbuf_failed(const struct strbuf *sb);
void strbuf_done(struct strbuf *sb);

/*
 * Takes what sb holds, n words that are each terminated, as an argv. The caller owns both *ret,
 * which NULL ends, and *ret_bytes, in which the words are. Returns 0, or -ENOMEM also where sb
 * failed.
 */
int strbuf_steal_argv(struct strbuf *sb, size_t n, char ***ret, char **ret_bytes);

#define _cleanup_strbuf_ __attribute__((cleanup(strbuf_done)))

#endif
