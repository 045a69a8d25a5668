/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_AGENT_H
#define VIA_LAUNCH_AGENT_H

#include <stdbool.h>
#include <sys/types.h>

#include "ipc/msg.h"

/*
 * polkit's agent on a terminal, pkttyagent(1): it asks for the password that polkit wants before it
 * lets this process do something. polkitd finds it by the process that started it, so it is a child
 * of the one that sends the request. It takes a few hundredths of a second to start, so that is
 * done only when the daemon has answered that nobody else could ask (MSG_NO_AGENT).
 */

/*
 * Starts it and waits until polkitd knows it. Returns 0, or a negative errno when there is none to
 * start: standard input is no terminal or this process not in its foreground, the caller is root,
 * or pkttyagent is not installed or ended at once.
 */
int agent_start(pid_t *ret);

/* Ends it, and reaps it; leaves no SIGCHLD pending. */
void agent_stop(pid_t pid);

/* As daemon_ask() (daemon.h); with may_ask an agent is started where polkit wants a password. */
int agent_ask(const union msg_request *request, int pass, bool may_ask, struct msg_reply *ret,
	      struct err *err);

#endif
