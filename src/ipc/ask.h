/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_IPC_ASK_H
#define VIA_IPC_ASK_H

#include "ipc/msg.h"

/* Asking the daemon. A busy one is asked again for a while: longer than it gives a silent peer. */
#define ASK_AGAIN_MS 50
#define ASK_TRIES    120

/*
 * One request and its answer over a connection; pass is a netns to send when the daemon asks for
 * it, or -1. *ret_fd is the one that came with the answer, or -1, the caller's to close.
 */
int ask_exchange(int fd, const union msg_request *request, int pass, struct msg_reply *ret,
		 int *ret_fd, struct err *err);

/* Connects to the daemon at path and makes sure that it is root's: a descriptor, or as below. */
int ask_connect(const char *path, struct err *err);

/*
 * Connects to the daemon at path, makes sure that it is root's, asks, and waits while it is busy.
 * *ret_fd as above; NULL when no descriptor is wanted. Returns 0; -ENOENT or -ECONNREFUSED when
 * nobody serves there; -ECANCELED with the daemon's line when it refused, -ENOKEY when it did
 * because of MSG_NO_AGENT.
 */
int ask_daemon(const char *path, const union msg_request *request, int pass, struct msg_reply *ret,
	       int *ret_fd, struct err *err);

#endif
