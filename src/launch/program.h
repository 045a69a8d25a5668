/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_PROGRAM_H
#define VIA_LAUNCH_PROGRAM_H

#include "base/err.h"

/* The programs of via-iface: where they are, how one starts another, how they end. */

/* Exit status, the convention of env(1), nice(1) and docker-run(1). */
#define EXIT_VIA_FAILED    125
#define EXIT_VIA_NOT_EXEC  126
#define EXIT_VIA_NOT_FOUND 127

/*
 * The variable with the number of a pipe's write end: whoever started via-iface from a menu reads
 * there why a launch failed, or the end of the file when the program has taken its place. It is not
 * handed on to the program.
 */
#define REPORT_VARIABLE "VIA_IFACE_REPORT"

/* That descriptor, where there is one and it is a pipe; else -1. */
int program_report(void);

/* Prints "via-iface: …" on stderr, and where it is to be reported; returns EXIT_VIA_FAILED. */
int program_fail(const struct err *err);

/*
 * Before a program ends with that status: what it printed is written. Where that fails (a full
 * device) it says so and returns EXIT_VIA_FAILED. With standard output closed from the start (`>&-`
 * in a shell) nobody asked for it: what counts is the status.
 */
int program_finish(int status);

/*
 * The path of a sibling program: beside this one in a build tree, else where it was installed.
 * ret is PATH_MAX bytes.
 */
int program_find(const char *name, char *ret, struct err *err);

/*
 * Becomes the sibling program at path (execv(3)), with the argc words of argv behind its name.
 * Returns a negative errno when it could not.
 */
int program_become(const char *path, char *const argv[], int argc, struct err *err);

/*
 * An environment with nothing of the caller's, but where sanitizers report to; for our own
 * programs. ret ends with NULL.
 */
void program_clean_environment(char *ret[8]);

#endif
