/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_ETC_NETNS_FILES_H
#define VIA_ETC_NETNS_FILES_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "config.h"
#include "ipc/msg.h"

/*
 * The files that `ip netns exec NAME` binds over those of /etc (ip-netns(8)): resolv.conf and
 * nsswitch.conf in /etc/netns/NAME, for the programs that are started in a kept or an attached
 * netns by others than via-iface. Ours start with a line that names the session's number and the
 * inode of its netns; a file that does not is somebody else's, and is neither changed nor removed.
 *
 * Of a session in a group (--share), hosts is there too: a symbolic link to the group's file in
 * SHARE_DIR, which the daemon writes in place, so that who has bound it sees each change. A link
 * there is ours, and goes with the other files.
 */

#define NETNS_FILES_DIR "/etc/netns"
#define SHARE_DIR       VIA_RUNDIR "/share"

/* What is written, and for whom. */
struct netns_files {
	const char *name;          /* of the netns, in /run/netns */
	uint32_t id;               /* of the session */
	uint64_t netns;            /* inode */
	const struct msg_dns *dns; /* its name servers */
	const char *share;         /* file in SHARE_DIR of its group, or "" */
};

/*
 * Writes both, nsswitch.conf only where the host has one, and leaves a helper behind that removes
 * them when the session's port has gone (netns_watch.c). Files that sessions left which are no more
 * are removed first. With a file of somebody else's in the way ret_foreign is its path, else "". On
 * failure none is there. For root.
 */
#define NETNS_FILES_PATH_MAX 300
int netns_files_write(const struct netns_files *f, char ret_foreign[NETNS_FILES_PATH_MAX],
		      struct err *err);

/* Whether a file of such a directory (a descriptor) is one of these. */
bool netns_files_ours(int dir, const char *file);

/* Removes those of one netns, and the directories that were made for them and are empty. */
void netns_files_remove(const char *name, uint32_t id, uint64_t netns);

/* Removes the files of all sessions that have no port any more. */
void netns_files_sweep(void);

/*
 * Starts the helper. It holds no descriptor of the caller's, is no child of its, and sends it no
 * signal. Returns 0, or a negative errno when it could not be started.
 */
int netns_files_watch(const struct netns_files *f, struct err *err);

#endif
