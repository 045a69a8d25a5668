/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"

static int code_of(int code)
{
	return code > 0 ? code : EIO;
}

/* A message of ours is one line, whatever the parts it was made of contain. */
static void one_line(struct err *err)
{
	text_make_printable(err->text);
}

static void __attribute__((format(printf, 3, 0)))
set(struct err *err, int code, const char *fmt, va_list ap)
{
	if (!err)
		return;
	err->code = code_of(code);
	vsnprintf(err->text, sizeof(err->text), fmt, ap);
	one_line(err);
}

int err_set(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(err, code, fmt, ap);
	va_end(ap);
	return -code_of(code);
}

static void append(struct err *err, const char *joint, const char *text)
{
	size_t used = strlen(err->text);

	snprintf(err->text + used, sizeof(err->text) - used, "%s%s", joint, text);
	one_line(err);
}

int err_errno(struct err *err, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	set(err, code, fmt, ap);
	va_end(ap);
	if (err)
		append(err, ": ", strerror(err->code));
	return -code_of(code);
}

int err_wrap(struct err *err, const char *fmt, ...)
{
	char front[ERR_TEXT_MAX], old[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(front, sizeof(front), fmt, ap);
	va_end(ap);
	memcpy(old, err->text, sizeof(old));
	err->text[0] = 0;
	append(err, "", front);
	append(err, ": ", old);
	return -code_of(err->code);
}

int err_hint(struct err *err, const char *fmt, ...)
{
	char hint[ERR_TEXT_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(hint, sizeof(hint), fmt, ap);
	va_end(ap);
	append(err, "; ", hint);
	return -code_of(err->code);
}
