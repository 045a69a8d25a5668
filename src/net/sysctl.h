/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_SYSCTL_H
#define VIA_NET_SYSCTL_H

#include "base/err.h"
#include "model/facts.h"

/*
 * /proc/sys below net/, in the caller's netns, and the one thing that via-iface keeps in files:
 * what a sysctl was before we changed it, RUNDIR/sysctl/PATH with ':' for '/'.
 */

/* One line without its newline; tabs become spaces. Returns 0 or a negative errno. */
int sysctl_read(const char *path, char *ret, size_t size);
int sysctl_write(const char *path, const char *value);

/* Saves what it was, and what it will be, before it is changed: the file is whole, or it is not
 * there. Keeps an existing one. */
int sysctl_save(const char *rundir, const char *path, const char *before, const char *value,
		struct err *err);
/*
 * A device has another name: its sysctls moved with it, with their values, and so does what was
 * saved. Returns 0 or a negative errno.
 */
int sysctl_rename_device(const char *rundir, const char *from, const char *to);
int sysctl_forget(const char *rundir, const char *path);

/* Adds all saved ones to the facts. A missing directory holds none. */
int sysctl_list_saved(const char *rundir, struct facts *facts, struct err *err);

#endif
