/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_SANDBOXES_H
#define VIA_LAUNCH_SANDBOXES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/err.h"

/*
 * Flatpak and Snap start a program in the caller's netns, so in the session. What such a program
 * has done outside all the same is warned of: it is no reason to refuse the program, which does its
 * own work inside.
 */

#define FLATPAK_ID_MAX 128

/* The app of `flatpak run [OPTION…] ID[/ARCH[/BRANCH]]`; false where there is none. Pure. */
bool flatpak_app(char *const argv[], char ret[FLATPAK_ID_MAX]);

/*
 * Whether a text of flatpak-metadata(5), an app's or an override's, lets it talk to
 * org.freedesktop.Flatpak on the session bus, by which flatpak-spawn(1) starts programs outside of
 * the sandbox: 1 or 0; -1 where the text does not say. Pure.
 */
int flatpak_talks_to_host(const char *text);

/*
 * The name of the snap that a command line starts, by `snap run` or as a program below /snap/bin;
 * program: the path of argv[0]. NULL: none. Pure. Borrowed from either.
 */
const char *snap_name(char *const argv[], const char *program);

/*
 * The warning for a command line, looked for behind wrappers (launch/wrappers.h), that would run as
 * uid by the uplinks of that text. Returns whether there is one.
 */
bool sandboxes_warning(char *const argv[], uid_t uid, const char *uplinks, struct err *ret);

#endif
