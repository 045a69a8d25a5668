/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_APPS_H
#define VIA_LAUNCH_APPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* The files of the app policy (launch/app_policy.h), and which program a command line is about. */

enum apps_dir {
	APPS_SHIPPED, /* /usr/share/via-iface/apps */
	APPS_SITE,    /* /etc/via-iface/apps.d */
	APPS_OWN,     /* ~/.config/via-iface/apps */
	APPS_DIR_COUNT,
};

#define APPS_FILE_BYTES_MAX 65536u
#define APPS_FILES_MAX      256u

/* The directory's path, in the order in which they are read; false where there is none. */
bool apps_dir(enum apps_dir which, char ret[PATH_MAX]);

/*
 * The same, and false also where it is another user's: `sudo` may leave HOME as it was, and what
 * somebody else wrote does not say how root runs things.
 */
bool apps_dir_read(enum apps_dir which, char ret[PATH_MAX]);

#define APPS_PROGRAM_MAX 256

/*
 * The program that a command line is about: its base name, behind `env [NAME=VALUE…]` and
 * dbus-run-session(1); the id of the app for `flatpak run ID`, the name for `snap run NAME`.
 * Returns its place in argv. Pure.
 */
size_t apps_program(char *const argv[], char ret[APPS_PROGRAM_MAX]);

/*
 * Whether a file has the name of a program of the command line in it as a word, behind whatever
 * wrappers (wrappers.h), or cannot be read. A file without it has no section for them: names in a
 * file are words between blanks or separators (app_policy.c:set_match). It may be in a comment
 * alone. Asked before files are parsed, which takes longer.
 */
bool apps_mention(char *const argv[]);

#endif
