/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_FOLLOW_H
#define VIA_VERBS_FOLLOW_H

#include <stdbool.h>

#include "base/err.h"

/*
 * via-iface status --follow: prints the sessions that are there as added, then each change as it
 * happens; of the session that word means alone, until it is gone, or of all with NULL, until
 * nobody reads. Returns 0 or a negative errno.
 */
int follow_print(const char *word, bool json, struct err *err);

#endif
