/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_READ_H
#define VIA_ETC_READ_H

#include <stddef.h>

#include "base/err.h"

#define ETC_FILE_MAX (64u << 10)

/*
 * The bytes of a file of /etc; not terminated, the caller's to free. 1, or 0 where there is no such
 * file (*ret is NULL then), or a negative errno; -EFBIG from ETC_FILE_MAX on.
 */
int etc_read(const char *path, char **ret, size_t *ret_len, struct err *err);

#endif
