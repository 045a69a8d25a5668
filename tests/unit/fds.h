/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TESTS_FDS_H
#define VIA_TESTS_FDS_H

#include <stdbool.h>
#include <stddef.h>

/* Open descriptors of this process: the same number before and after means that none leaked. */
size_t fds_open(void);
/* Those of them that are sockets. */
size_t fds_sockets(void);
/* Whether an exec would close it. */
bool fds_cloexec(int fd);

/* Makes an empty directory for one test, and removes it with all the files that are in it. */
const char *dir_new(void);
void dir_remove(void);
/* dir/name, in one of a few buffers that take turns. */
const char *dir_path(const char *name);

/* Makes the directories in there that lead to a file of that name; aborts where that fails. */
void dir_make_parents(const char *name);

#endif
