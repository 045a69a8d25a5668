/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SHARE_FILES_H
#define VIA_DAEMON_SHARE_FILES_H

#include "daemon/host_state.h"
#include "ipc/msg.h"

/*
 * For each group of sessions (--share) a file in hosts(5)'s format, RUNDIR/share/UID-GROUP, which a
 * launch binds over /etc/hosts inside: the members' names (plan_share_names()), then a copy of the
 * host's /etc/hosts. It is written in place, since a bind mount stays with the file that it was
 * made of. What is in it follows from the sessions, whose aliases name their groups.
 */

/* The name of a session's file; "" when it is in no group. */
void share_file_name(const struct session *s, char ret[SHARE_FILE_MAX]);

/*
 * Writes the file of one session's group, or unlinks it when the group has no session. Returns 0,
 * also for a session without a group, or a negative errno.
 */
int share_file_write(struct host_state *h, const struct session *s, struct err *err);

/*
 * The same for all groups; files of groups that are no more go, and the directory with the last.
 * What fails is logged, and tried again the next time. Costs nothing while there is no group.
 */
void share_files_write(struct host_state *h);

#endif
