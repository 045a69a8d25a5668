/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_IPC_SOCK_H
#define VIA_IPC_SOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#include "base/err.h"

/* SOCK_SEQPACKET over a path (unix(7)). Descriptors returned are close-on-exec. */

/* Replaces a stale socket file; mode 0666, since the peer's credentials decide. */
int sock_listen(const char *path, struct err *err);

/* -ENOENT and -ECONNREFUSED mean that nobody serves there. */
int sock_connect(const char *path, struct err *err);

/* uid, gid and pid of the other side when it connected (SO_PEERCRED). */
int sock_peer(int fd, struct ucred *ret, struct err *err);

/*
 * The supplementary groups of the other side when it connected (SO_PEERGROUPS), allocated, the
 * caller's to free; NULL when there is none.
 */
int sock_peer_groups(int fd, uint32_t **ret, size_t *ret_n, struct err *err);

/*
 * Whether descriptors may be sent to a socket, or to those that are accepted from it: without,
 * sendmsg(2) fails with EPERM at the sender's, and none is ever in the queue (SO_PASSRIGHTS, since
 * 6.16). A kernel that has no such option takes them always; then -ENOPROTOOPT.
 */
int sock_pass_rights(int fd, bool on);

/* Sends one message, with a descriptor unless pass is -1. Returns 0 or a negative errno. */
int sock_send(int fd, const void *msg, size_t len, int pass);

/*
 * Receives one message into buf. Returns its true length, even when it is longer than size; 0 at
 * the end. At most one descriptor is taken, into *ret_fd (-1: none); any more are closed and
 * make the message invalid (-EBADMSG).
 */
ssize_t sock_recv(int fd, void *buf, size_t size, int *ret_fd);

#endif
