/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_DESKTOP_TIDY_H
#define VIA_VERBS_DESKTOP_TIDY_H

#include "verbs/desktop_entry.h"

/*
 * Makes an entry what desktop-file-validate(1) takes, whatever its author wrote, without changing
 * what it does: keys and groups that are neither known nor begin with "X-" go, as launchers do not
 * know them either; "1" becomes "true"; lists lose what is not registered. Returns 0 or -ENOMEM.
 */
int entry_tidy(struct entry *e);

#endif
