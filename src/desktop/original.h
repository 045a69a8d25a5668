/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_ORIGINAL_H
#define VIA_DESKTOP_ORIGINAL_H

#include <stdbool.h>

#include "desktop/find.h"

/* What a user names as APP: an entry of somebody else's, or steam:NUMBER. */

bool original_is_game(const char *what);

/*
 * As desktop_find(). A game of Steam gets an entry made for it that lies nowhere: its own one, if
 * there is any, would be started outside.
 */
int original_find(const char *what, struct desktop_found *ret, struct err *err);

/*
 * The words of its command line, without codes. ret ends with NULL; it, and *ret_bytes, are the
 * caller's to free. 0, -EINVAL or -ENOMEM.
 */
int original_words(GKeyFile *e, char ***ret, char **ret_bytes, struct err *err);

#endif
