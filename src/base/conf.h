/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_CONF_H
#define VIA_BASE_CONF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/*
 * Configuration files: "[section]" and below it "key = value", one a line; lines that begin with
 * '#' or ';' are comments, and so is what stands behind " ;". Nothing is passed over in silence:
 * a line that is too long, a key that is not known or stands twice in its section, a section
 * without keys, text behind a ']' are failures, with the file and the line.
 *
 * Its library links inih, which the programs of a launch do not.
 */

struct conf;

struct conf_format {
	const char *section;     /* its form, for error messages: "[WHO]" */
	const char *example;     /* a key with its value */
	const char *const *keys; /* NULL at the end; 31 at most */
	/* A section's name, trimmed, which may be changed. Returns 0, or CONF_COMPLAIN(). */
	int (*begin)(struct conf *c, char *name);
	/* A value of the section: NULL, or what is wrong with it, which is put behind it. */
	const char *(*take)(struct conf *c, size_t key, const char *value);
};

/* All mistakes of some files, in the order of their lines; no more than the first
 * CONF_MISTAKES_MAX. */
#define CONF_MISTAKES_MAX 32u
struct conf_mistakes {
	struct err *v;
	size_t n, size;
};

/* Adds one, unless there are as many as may be. */
void conf_mistakes_add(struct conf_mistakes *to, const struct err *err);
void conf_mistakes_done(struct conf_mistakes *mistakes);

struct conf {
	const struct conf_format *format;
	const char *file; /* what it is to be called */
	void *to;         /* the caller's own */
	struct err *err;
	/* NULL: reading ends at the first mistake. Else it goes on, and all are added; then err is
	 * not NULL */
	struct conf_mistakes *mistakes;
	/* the state of the reader */
	uint32_t line;
	uint32_t section_line; /* 0: none yet */
	uint32_t seen;         /* keys of the section, as bits */
	int r;                 /* 0, or a failure: err is set */
	bool skip;             /* the section has no meaning: its keys are passed over */
	int failed;            /* the first failure that was added to mistakes */
	uint32_t wrong_at;     /* the line that was being read then */
	const char *at, *end;
};

/* Blanks, as they may stand around names and values. */
#define CONF_BLANKS " \t\r\v\f"

/* Sets the error "FILE:LINE: …", and returns -EINVAL. */
#define CONF_COMPLAIN(c, number, fmt, ...)                                                         \
	((c)->wrong_at = (c)->line,                                                                \
	 (c)->r = err_set((c)->err, EINVAL, "%s:%u: " fmt, (c)->file, number, ##__VA_ARGS__))

/* yes or no. Returns NULL, or what is wrong, for take(). */
const char *conf_set_bool(bool *ret, const char *value);

/* Without the blanks around it; changes s. */
char *conf_trim(char *s);

/*
 * Reads a file's text: format, file, to and err of *c are set, the rest is zero. Returns 0, or a
 * negative errno with the error; then part of it has been handed on.
 */
int conf_read(struct conf *c, const char *text, size_t len);

#endif
