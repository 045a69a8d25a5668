/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_PEER_NETNS_H
#define VIA_DAEMON_PEER_NETNS_H

#include <sys/types.h>

#include "model/facts.h"
#include "net/kernel.h"

/*
 * Whether a descriptor from a peer is a netns that the peer may give a way out: a netns at all, and
 * one whose user namespace the peer made (or any, for root), neither the host's nor a session's
 * already. Nothing is entered. Returns 0, or a negative errno with the reason.
 */
int peer_netns_check(int fd, uid_t peer, int host_ns, const struct facts *facts, struct err *err);

/*
 * Whether a descriptor from a peer is the netns of that session: by its inode, by the device that
 * all namespaces share, and since the number of an inode is used again, by where the port leads
 * now. Nothing is entered. Returns 0, or a negative errno with the reason.
 */
int peer_netns_check_session(int fd, struct kernel *k, const struct session *s, struct err *err);

#endif
