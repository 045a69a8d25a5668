/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_FILES_H
#define VIA_LAUNCH_FILES_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/err.h"

/* paths.h says which symbolic links root follows. */

/* A regular file of at most max bytes, with a zero byte behind it; the caller's to free. */
int file_read(const char *path, size_t max, char **ret, size_t *ret_len, struct err *err);

/* The same, and the status of the file that was read (fstat(2)): its path may be another's now. */
int file_read_stat(const char *path, size_t max, char **ret, size_t *ret_len, struct stat *ret_st,
		   struct err *err);

/*
 * Makes a file of that content, or replaces one atomically (rename(2)): a reader sees the old one
 * or the new one, whole. Its directory is made where it is missing.
 */
int file_write(const char *path, const char *text, size_t len, struct err *err);

#endif
