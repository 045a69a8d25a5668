/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_DAEMON_H
#define VIA_LAUNCH_DAEMON_H

#include <stdbool.h>

#include "config.h"
#include "ipc/msg.h"

/*
 * The daemon, as its clients find it: who needs it connects to its socket, and only where nobody
 * listens there does root start one. So there is one connection for each request.
 */

#define DAEMON_SOCKET VIA_RUNDIR "/socket"

/*
 * For a launch, before it prepares anything: -ECONNREFUSED with the reason when the socket is not
 * there and the caller may not start a daemon. Makes no connection: 0 does not mean that one runs.
 */
int daemon_check(struct err *err);

/* Whether a negative errno of ask_daemon() or sock_connect() means that nobody listens there. */
bool daemon_is_absent(int r);

/*
 * Starts the daemon and waits until it serves, 10 s at most; it is no child of the caller, and
 * leaves no SIGCHLD pending. -ECONNREFUSED with the reason when the caller is not root.
 */
int daemon_start(struct err *err);

/*
 * One request and its answer, as ask_daemon(). Root starts a daemon where nobody listens; others
 * get -ECONNREFUSED.
 */
int daemon_ask(const union msg_request *request, int pass, struct msg_reply *ret, struct err *err);

/* The same; *ret_fd is the netns that came with the answer (-1: none), the caller's to close. */
int daemon_ask_netns(const union msg_request *request, int pass, struct msg_reply *ret, int *ret_fd,
		     struct err *err);

#endif
