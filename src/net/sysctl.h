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

/*
 * The same below a directory that is open, for many of them: a look-up from /proc on compares with
 * the directories of every netns (fs/proc/proc_sysctl.c: proc_sys_compare).
 */
int sysctl_read_at(int dir, const char *path, char *ret, size_t size);

/* The same in steps: a descriptor or a negative errno; then reading, and writing. */
int sysctl_open(const char *path);
int sysctl_get(int fd, char *ret, size_t size);
int sysctl_put(int fd, const char *value);

/*
 * A path net/FAMILY/conf/DEVICE/KEY, or the name of a file about it, with another device; false
 * when it is none, or does not fit.
 */
bool sysctl_with_device(const char *path, const char *device, char *ret, size_t size);

/*
 * Saves what it was, and what it will be, before it is changed: the file is whole, or it is not
 * there. Keeps an existing one. index is that of the device which the path names, or 0.
 */
int sysctl_save(const char *rundir, const char *path, const char *before, const char *value,
		int index, struct err *err);
int sysctl_forget(const char *rundir, const char *path);

/*
 * Adds all saved ones to the facts, which have the links: of a device that was renamed by its name
 * of now, of one that has gone none, since its sysctls went with it. A missing directory holds
 * none.
 */
int sysctl_list_saved(const char *rundir, struct facts *facts, struct err *err);

/*
 * Brings the files to the names that the devices have in the facts, all at once: they may have been
 * exchanged. Removes those of devices that have gone. Returns 0 or a negative errno.
 */
int sysctl_rename_saved(const char *rundir, const struct facts *facts);

#endif
