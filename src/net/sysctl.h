/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_SYSCTL_H
#define VIA_NET_SYSCTL_H

#include "base/err.h"
#include "model/facts.h"

/*
 * /proc/sys below net/, in the caller's netns, and the one thing that via-iface keeps in files:
 * what a sysctl was before we changed it, RUNDIR/sysctl/PATH with ':' for '/'.
 */

/*
 * Directories of one netns that are kept open. A look-up from /proc on compares with net/ipv4 and
 * net/ipv6 of every netns that there is (fs/proc/proc_sysctl.c: proc_sys_compare), those of the
 * host, which are the oldest, last.
 */
struct sysctl_dirs {
	bool known;   /* false: none is open */
	int ip4, ip6; /* -1: the kernel has none */
};

/* Those of the caller's netns. */
void sysctl_dirs_open(struct sysctl_dirs *ret);
void sysctl_dirs_close(struct sysctl_dirs *d);

/*
 * The name of a file below /proc/sys, by a descriptor (proc_pid_fd(5)) where its directory is open.
 * dirs, also below, must be those of the caller's netns, or NULL.
 */
#define SYSCTL_NAME_MAX (SYSCTL_MAX + 32)
const char *sysctl_name(const struct sysctl_dirs *dirs, const char *path,
			char buf[SYSCTL_NAME_MAX]);

/* One line without its newline; tabs become spaces. Returns 0 or a negative errno. */
int sysctl_read(const struct sysctl_dirs *dirs, const char *path, char *ret, size_t size);

/* The same in steps: a descriptor or a negative errno; then reading, and writing. */
int sysctl_open(const struct sysctl_dirs *dirs, const char *path);
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
