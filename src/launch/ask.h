/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_ASK_H
#define VIA_LAUNCH_ASK_H

#include "launch/handover.h"

/* What the daemon said to a request. */
struct answer {
	struct msg_reply reply;
	int netns; /* the session's; -1 when it is the netns we are in (userns.h) */
};

/*
 * Connects to the daemon, which root starts where none runs, makes sure that it is root's, sends
 * the request and waits. Where no
 * capability was granted this process is in a user namespace and a netns of its own afterwards,
 * and the daemon made that netns the session. Retries while the daemon is busy, and once when it
 * ended before it answered.
 */
int ask(const struct handover *h, struct answer *ret, struct err *err);

#endif
