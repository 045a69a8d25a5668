/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_COPY_H
#define VIA_DESKTOP_COPY_H

#include "desktop/entry.h"

/*
 * A copy with what the specifications know: what begins with "X-", and the keys of the standard in
 * their types, so that desktop-file-validate(1) takes it whatever the original's author wrote. What
 * is left out is what launchers do not know, either. Translations go with their key: without it
 * they are left out. Pure; a copy of a copy is the same.
 */
GKeyFile *entry_copy(GKeyFile *from);

/* Takes away a comment that says what a name says, which validators warn of. */
void entry_drop_comment(GKeyFile *e);

/* Desktop Menu Specification 1.1, "Registered Categories"; or X-…; and media types in use. */
bool category_registered(const char *word);
bool media_type_valid(const char *word);

#endif
