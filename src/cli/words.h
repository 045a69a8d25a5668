/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_WORDS_H
#define VIA_CLI_WORDS_H

#include <stdbool.h>

#include "base/err.h"
#include "cli/verb.h"

/* How all verbs read their words, by the table of options (verb.h). Pure: no output, no exit. */

/* Steps through options. Start with { verb, argc, argv, .at = 1 }. */
struct option_reader {
	enum verb_id verb;
	int argc;
	char **argv;
	int at;              /* the next word */
	const char *letters; /* of a word "-qv", what is still to be read; or NULL */
	bool ended;          /* a "--" was read */
};

/*
 * The next option and its value (NULL: it takes none). Returns 1; 0 where no option stands: at is
 * then that word, behind a "--" if there was one; -EINVAL for an unknown option, one without its
 * value, and one with a value that it does not take.
 */
int option_read(struct option_reader *r, const struct verb_option **ret, const char **ret_value,
		struct err *err);

enum color_when {
	COLOR_AUTO,
	COLOR_ALWAYS,
	COLOR_NEVER,
};

/* The words of a verb's command line. Borrowed from argv. */
struct words {
	bool no_password, quiet, all, json, follow, live, only, replace, action, once, lan;
	enum color_when color;
	const char *pid, *netns, *container, *title, *since, *to, *write, *count, *browser;
	bool watches, waits;
	const char *watch; /* with watches: what stands behind --watch=, or NULL */
	const char *wait;  /* with waits: what stands behind --wait=, or NULL */
	char **v;          /* what is no option */
	int n;
};

/*
 * Reads [OPTION…] [--] [WORD…] with the options anywhere before a "--", and at most max words that
 * are none. argv[0] is the verb's name; its words are moved to its beginning. Returns 0 or -EINVAL.
 */
int words_read(enum verb_id verb, int argc, char *argv[], int max, struct words *ret,
	       struct err *err);

/* "too few words": -EINVAL with the usage of the verb. */
int words_usage(enum verb_id verb, struct err *err);

#endif
