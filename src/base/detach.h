/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_DETACH_H
#define VIA_BASE_DETACH_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * fork(2) of a process in a session of its own (setsid(2)) that is not this process's child: init,
 * or the nearest subreaper, reaps it. A program that this process execs later therefore finds no
 * child that it does not know. Returns 0 in the new process, 1 in this one, or a negative errno.
 */
int detach_fork(void);

/*
 * The same, with a socket between the two (unix(7), SOCK_SEQPACKET): *ret is each process's own
 * end, close-on-exec.
 */
int detach_fork_with_line(int *ret);

/*
 * A copy of a descriptor that the program of this process inherits on purpose; never as 0, 1 or 2,
 * where the caller has closed those. Returns it, or a negative errno.
 */
int detach_inherit(int fd);

/* In the new process: each signal has its default action, and none is blocked. */
void detach_default_signals(void);

/*
 * In the new process: nothing of the caller's stays. Descriptors above last, which is 2 at least,
 * are closed, 0 to 2 are /dev/null; signals as above; umask(2) is mask, the directory is /. Returns
 * 0 or a negative errno.
 */
int detach_leave(int last, mode_t mask);

/*
 * Whether a SIGCHLD is pending: a caller that blocks that signal would otherwise find that of
 * detach_fork()'s first child. Ask before, and take it away after.
 */
bool detach_signal_waits(void);
void detach_take_signal(void);

#endif
