/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_FILES_H
#define VIA_BASE_FILES_H

#include "base/err.h"

/*
 * A program may be started with descriptor 0, 1 or 2 closed (`>&-` in a shell). The next one that
 * it opens would take that place, and be read and written as standard input and output: so
 * /dev/null does first. Reading from 0 and writing to 1 and 2 still fail with EBADF, and a program
 * that is executed finds them closed, as they were. Call it before anything is opened.
 */
int standard_files(struct err *err);

#endif
