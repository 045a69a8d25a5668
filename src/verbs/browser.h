/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_BROWSER_H
#define VIA_VERBS_BROWSER_H

#include <stddef.h>

#include "base/err.h"

/* A web browser with a profile of its own, which shares nothing with one that runs already. */

#define BROWSER_WORDS_MAX 10

struct browser {
	const char *words[BROWSER_WORDS_MAX]; /* its command line; NULL ends it */
	char *made[3];                        /* words that were made */
};

/*
 * The one that is asked for, by name or path; or with NULL the desktop's own (the default of
 * x-scheme-handler/http in mimeapps.list, XDG MIME Applications), or the first that is installed of
 * those whose options are known. An unknown one is started with the page alone, and says nothing of
 * a profile. Returns 0 or -ENOENT; ret is to be put in either case.
 */
int browser_find(const char *wanted, const char *profile, const char *url, struct browser *ret,
		 struct err *err);
void browser_done(struct browser *b);

#endif
