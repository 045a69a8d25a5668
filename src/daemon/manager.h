/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_MANAGER_H
#define VIA_DAEMON_MANAGER_H

#include "base/err.h"

/*
 * What a service manager and the daemon tell each other: the protocols of sd_listen_fds(3),
 * sd_notify(3) and sd_watchdog_enabled(3), which are environment variables and datagrams of text.
 * Without a manager each of these does nothing.
 */

/*
 * The listening socket that was passed on, now close-on-exec; *ret_fd is -1 when there is none.
 * Returns 0, or a negative errno when something else than one such socket was passed.
 */
int manager_socket(int *ret_fd, struct err *err);

/* Tells the manager, as in "READY=1". Who does not listen is not told; that is no error. */
void manager_notify(const char *state);

/* How often the manager wants to hear "WATCHDOG=1" at least; 0: never. */
unsigned int manager_watchdog_ms(void);

#endif
