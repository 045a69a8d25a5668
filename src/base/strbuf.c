/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/strbuf.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static bool grow(struct strbuf *sb, size_t more)
{
	size_t need = sb->len + more + 1, size = sb->size ? sb->size : 256;
	char *text;

	if (sb->failed)
		return false;
	if (need <= sb->size)
		return true;
	while (size < need)
		size *= 2;
	text = realloc(sb->text, size);
	if (!text) {
		sb->failed = true;
		return false;
	}
	sb->text = text;
	sb->size = size;
	return true;
}

void strbuf_add_bytes(struct strbuf *sb, const char *bytes, size_t len)
{
	if (!grow(sb, len))
		return;
	memcpy(sb->text + sb->len, bytes, len);
	sb->len += len;
	sb->text[sb->len] = 0;
}

void strbuf_add(struct strbuf *sb, const char *fmt, ...)
{
	va_list ap, again;
	int len;

	va_start(ap, fmt);
	va_copy(again, ap);
	len = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (len < 0)
		sb->failed = true;
	else if (grow(sb, (size_t)len)) {
		vsnprintf(sb->text + sb->len, (size_t)len + 1, fmt, again);
		sb->len += (size_t)len;
	}
	va_end(again);
}

void strbuf_add_quotable(struct strbuf *sb, const char *text)
{
	for (; *text; text++) {
		if (*text == '\'')
			strbuf_add(sb, "'\\''");
		else
			strbuf_add_bytes(sb, text, 1);
	}
}

void strbuf_add_word(struct strbuf *sb, const char *word)
{
	static const char bare[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				   "_-+=./:,@%";

	if (*word && strspn(word, bare) == strlen(word)) {
		strbuf_add(sb, "%s", word);
		return;
	}
	strbuf_add(sb, "'");
	strbuf_add_quotable(sb, word);
	strbuf_add(sb, "'");
}

const char *strbuf_word(struct strbuf *sb, const char *word)
{
	strbuf_truncate(sb, 0);
	strbuf_add_word(sb, word);
	return strbuf_text(sb);
}

void strbuf_truncate(struct strbuf *sb, size_t len)
{
	if (len >= sb->len)
		return;
	sb->len = len;
	sb->text[len] = 0;
}

const char *strbuf_text(const struct strbuf *sb)
{
	return sb->text ? sb->text : "";
}

bool strbuf_failed(const struct strbuf *sb)
{
	return sb->failed;
}

void strbuf_done(struct strbuf *sb)
{
	free(sb->text);
	*sb = (struct strbuf){ 0 };
}

int strbuf_steal_argv(struct strbuf *sb, size_t n, char ***ret, char **ret_bytes)
{
	char **words = calloc(n + 1, sizeof(*words));
	char *at = sb->text;

	if (!words || sb->failed) {
		free(words);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++) {
		words[i] = at;
		at += strlen(at) + 1;
	}
	*ret = words;
	*ret_bytes = steal_ptr(sb->text);
	*sb = (struct strbuf){ 0 };
	return 0;
}
