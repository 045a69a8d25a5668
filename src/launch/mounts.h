/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_MOUNTS_H
#define VIA_LAUNCH_MOUNTS_H

#include "base/err.h"
#include "base/strbuf.h"
#include "ipc/msg.h"

/* What lies in the session's own files. */
struct mount_texts {
	struct strbuf resolv; /* resolv.conf */
	struct strbuf gai;    /* gai.conf: the host's, with a label more; empty when it has none */
	const char *netns_name;     /* by which `ip netns` knows the netns, borrowed; NULL: none */
	char share[SHARE_FILE_MAX]; /* of the reply: hosts(5) with the names of its group; or "" */
	struct strbuf nsswitch;     /* the host's, rewritten; empty when it has none */
};

/* Makes the texts; needs no privilege, and should have none. ret is the caller's to free. */
int mounts_prepare(const struct msg_reply *reply, struct mount_texts *ret, struct err *err);
void mounts_done(struct mount_texts *t);

/*
 * Gives the process a mount namespace of its own, in which the network devices are those of its
 * netns and host names are looked up by the session's name servers. Needs cap_sys_admin, and to be
 * in the netns. No file of the host is made or changed, and all paths are fixed. A failure is
 * final: the process stands in a half-made place and must end.
 */
int mounts_make(const struct mount_texts *t, struct err *err);

#endif
