/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_FILE_CAPS_H
#define VIA_BASE_FILE_CAPS_H

#include <stdbool.h>

/* File capabilities (capabilities(7)) of a program, and what keeps the kernel from granting them.
 */

#define FILE_CAPS_FOREIGN "the caller is in a user namespace of its own"
#define FILE_CAPS_MISSING                                                                          \
	"via-iface-enter has no file capability cap_sys_admin=p; install it with that"

/*
 * Why an exec of the program by this process grants no cap_sys_admin: half a sentence. When nothing
 * else explains it, FILE_CAPS_MISSING: the file is not looked at.
 */
const char *file_caps_why_not(const char *program);

/* Whether the file has cap_sys_admin in its permitted set (xattr(7), security.capability). */
bool file_caps_has_admin(const char *program);

#endif
