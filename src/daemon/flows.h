/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_FLOWS_H
#define VIA_DAEMON_FLOWS_H

#include "daemon/fd_receive.h"
#include "net/nl.h"

/*
 * The connections of a netns, for a peer. The kernel lets who has CAP_NET_ADMIN read them, and a
 * socket that the daemon opened must not be given away: by a set-user-ID program that writes to it
 * a peer could change what it is of. The table that the kernel walks for it is that of all netns,
 * which takes up to 10 ms. So a child reads, and writes struct flow (model/flow.h) into a pipe.
 */

/* For so long a child waits, in all, for a peer that does not read. */
#define FLOWS_WAIT_MS 5000

/*
 * s is a socket of the netns, which stays the caller's. The child counts as one of the person's
 * receivers. Returns the end of the pipe to read from, the caller's to close, or a negative errno.
 */
int flows_start(struct fd_receivers *r, struct nl_sock *s, uid_t person, struct err *err);

#endif
