/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_HANDED_H
#define VIA_DESKTOP_HANDED_H

#include <limits.h>
#include <stdbool.h>

#include "launch/outside.h"

/* Whether the start of a menu entry would be handed to an instance that runs outside. */

struct handed {
	struct outside_found found;
	char uplinks[UPLINK_LIST_TEXT_MAX]; /* of the command line, or of the app policy */
	/* Nothing is known of the program, but that the name is taken on the session bus. */
	bool by_name;
};

/*
 * By the app policy, and for a program that it does not know by the name on the session bus that
 * an application has (the id of its desktop entry; D-Bus activation in the Desktop Entry
 * Specification). app_id: that name, or NULL. False where it is not so, or cannot be told.
 */
bool handed_find(const char *app_id, const char *uplinks, char **program, struct handed *ret);

/*
 * Shows the instance that runs: org.freedesktop.Application.Activate, else by a start of the
 * program without its arguments, which this process becomes. Returns 0 or a negative errno.
 */
int handed_show(const char *app_id, char **program, struct err *err);

#endif
