/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_NETNS_NAME_H
#define VIA_ETC_NETNS_NAME_H

#include "base/err.h"
#include "ipc/msg.h"

/*
 * A name of ip-netns(8): a file in /run/netns on which the netns is mounted, so that it lasts
 * without a process; `ip netns exec`, nsenter(1) --net= and NetworkNamespacePath= of
 * systemd.exec(5) open it. All of this is root's to do, and happens in the caller's mount
 * namespace: the directory is shared, so that other mount namespaces see what is mounted there.
 */

/*
 * Gives a session's netns the session's name, and writes the files of /etc/netns (netns_files.h).
 * On failure neither is there.
 */
int netns_name_add(int netns, const struct msg_reply *session, struct err *err);

/*
 * Removes the name if it stands for that netns (inode) and no other; a symbolic link is left alone.
 * Returns 1 when it was removed, 0 when it stands for something else or for nothing, or a negative
 * errno. The netns lasts as long as a process or a descriptor holds it.
 */
int netns_name_remove(const char *name, uint64_t netns, struct err *err);

#endif
