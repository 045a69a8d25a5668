/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_WRAPPERS_H
#define VIA_LAUNCH_WRAPPERS_H

/*
 * Programs that only change something and then execute the command line behind their options, in
 * the same network namespace: env, nice, timeout, sudo, `snap run` and the like. Shells are none.
 */

#define WRAPPERS_MAX 8 /* of one command line */

/*
 * The command line that argv[0] executes; NULL where argv[0] is no wrapper, nothing follows it,
 * or it is one word (env -S). Pure.
 */
char *const *wrapper_behind(char *const argv[]);

/* The base name of a path. */
const char *program_base_name(const char *path);

#endif
