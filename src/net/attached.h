/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_NET_ATTACHED_H
#define VIA_NET_ATTACHED_H

#include "model/attached.h"
#include "net/kernel.h"

/*
 * Goes into a netns that is in use (its descriptor stays the caller's), where a device `dev` is to
 * be made, and stays there until kernel_home(). What an earlier attachment left is removed; then
 * its routes and rules are read. Refuses with -EEXIST one that has such a device, and with -E2BIG
 * one whose routes are too many to be read at the cost of all other sessions. On failure the
 * process is back and ret is empty.
 */
int attached_enter(struct kernel *k, int netns, const char *dev, struct attached *ret,
		   struct err *err);

/*
 * Removes what the kernel does not remove with our device from the netns where k is: unreachable
 * routes of VIA_RTPROT in the table "main", and the nftables table NFT_TABLE_ATTACHED. Nothing else
 * there is read or changed. Returns how many objects that were, or a negative errno.
 */
int attached_remove(struct kernel *k, struct err *err);

/*
 * The same for a netns that the caller may enter: root, or who owns its user namespace. Done by a
 * child, which enters that user namespace first when the caller is not root. Returns how many
 * objects were removed, or a negative errno.
 */
int attached_release(int netns, const char *rundir, struct err *err);

/*
 * The netns of that inode: by a process in it that the caller may see, else by a name of
 * ip-netns(8), else by any other mount of it (proc_pid_mountinfo(5)). Returns a descriptor, or
 * -ESRCH when there is none of them.
 */
int attached_find(uint64_t inode);

#endif
