/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SEAT_H
#define VIA_DAEMON_SEAT_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Whether a user has a session that is active, local and at a seat, according to systemd-logind:
 * it is them who sit at the machine now. A session that is closing does not count: its user has
 * logged out and left a process behind. False where that cannot be known.
 */
bool seat_active(uid_t uid);

#endif
