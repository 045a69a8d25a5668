/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_DETACH_H
#define VIA_BASE_DETACH_H

#include <stdbool.h>

/*
 * fork(2) of a process in a session of its own (setsid(2)) that is not this process's child: init,
 * or the nearest subreaper, reaps it. A program that this process execs later therefore finds no
 * child that it does not know. Returns 0 in the new process, 1 in this one, or a negative errno.
 */
int detach_fork(void);

/*
 * Whether a SIGCHLD is pending: a caller that blocks that signal would otherwise find that of
 * detach_fork()'s first child. Ask before, and take it away after.
 */
bool detach_signal_waits(void);
void detach_take_signal(void);

#endif
