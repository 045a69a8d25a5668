/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_APPS_H
#define VIA_LAUNCH_APPS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * The app policy (plan/apps.h), as far as a launch has to do with it: most programs have none, and
 * are not to wait for who reads it. So via-iface only looks whether a file names the program at
 * all, and leaves the rest to via-iface-verbs.
 */

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

/* Whether it is a name of a file that is read there. */
bool apps_file(const char *name);

#define APPS_PROGRAM_MAX 256

/*
 * The program that a command line is about: its base name, behind `env [NAME=VALUE…]`; the id of
 * the app for `flatpak run ID`, the name for `snap run NAME`. Returns its place in argv. Pure.
 */
size_t apps_program(char *const argv[], char ret[APPS_PROGRAM_MAX]);

/*
 * Whether a file speaks of a program of the command line, behind whatever wrappers (wrappers.h), or
 * cannot be read.
 */
bool apps_mention(char *const argv[]);

#endif
