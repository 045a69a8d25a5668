/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_MAKE_H
#define VIA_DESKTOP_MAKE_H

#include "desktop/entry.h"

/*
 * What becomes of somebody's desktop entry: one that starts the same program through an uplink.
 * Pure.
 */
#define DESKTOP_PREFIX "via-iface-" /* of our ids, and of our actions */

struct desktop_wish {
	enum desktop_kind kind;
	const char *source;  /* where the original is */
	const char *uplinks; /* as on the command line; "": what the app policy says */
	const char *name;    /* to be shown, instead of "NAME (via UPLINK)"; or NULL */
	const char *class;   /* of its windows, of kind DESKTOP_ENTRY; or NULL */
	const char *wait;    /* its starts wait for an uplink so many seconds; "": some; or NULL */
};

/*
 * A new entry of an original's; for an action the original may be one of our kinds, too. NULL when
 * it cannot be started that way: no application, no name, no command line.
 */
GKeyFile *desktop_make(GKeyFile *original, const struct desktop_wish *wish, struct err *err);

/*
 * Takes the action for these uplinks away from an entry of kind DESKTOP_ACTION. Returns how many of
 * ours are left; *ret_gone says whether it had it.
 */
size_t desktop_unmake_action(GKeyFile *e, const char *uplinks, bool *ret_gone);

/*
 * The name that an application has on the session bus, where the id of its entry may be one; else
 * NULL. A start is handed to who has it (desktop/handed.h). The caller's.
 */
char *desktop_app_id(const char *source);

/* Letters, digits and "._" as they are, everything else as '-'; what may be part of an id. */
char *desktop_slug(const char *text);

#endif
