/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_START_H
#define VIA_DESKTOP_START_H

#include <stdbool.h>

#include "base/err.h"

/* The start of a program that a menu or a window asks for. */
struct start {
	const char *wait;    /* for an uplink of the list, so many seconds; or NULL */
	const char *app_id;  /* its name on the session bus, or NULL */
	const char *uplinks; /* "": by the app policy */
	char **program;
};

/*
 * Becomes the run of it, with one more option of `run` or NULL; own_bus: on a session bus of its
 * own. With --strict: nobody sees a warning. Returns a negative errno when it could not.
 */
int start_run(const struct start *s, const char *option, bool own_bus, struct err *err);

#endif
