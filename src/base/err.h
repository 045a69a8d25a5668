/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_ERR_H
#define VIA_BASE_ERR_H

/*
 * Errors carry a code for the program and one line for the person. The line is built inside out:
 * the innermost function says what the kernel said, each caller puts in front what it was doing
 * and on which object, and the outermost one may append what to do about it.
 */

#define ERR_TEXT_MAX 768

struct err {
	int code;                /* positive errno, 0 when nothing failed */
	char text[ERR_TEXT_MAX]; /* one line, no newline at its end */
};

/* Sets the error; err may be NULL when only the code matters. Returns -code, never 0. */
int err_set(struct err *err, int code, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* As err_set(), with ": " and strerror(code) behind the text. */
int err_errno(struct err *err, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Puts "fmt: " before the text. Returns -err->code; err is not NULL here, nor below. */
int err_wrap(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

/* Appends "; fmt": what the reader can do. Returns -err->code. */
int err_hint(struct err *err, const char *fmt, ...)
	__attribute__((format(printf, 2, 3), nonnull(1)));

#endif
