/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_BASE_LOG_H
#define VIA_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One datagram to the socket at that path, which is shorter than sun_path (unix(7)), without
 * waiting for room. Returns whether it was taken. The socket is opened for each: lines are few, and
 * one that is kept would cost a descriptor where their limit leaves room for hardly one connection
 * (daemon/descriptors.h).
 */
bool log_send(const char *path, const char *bytes, size_t len);

/*
 * One line for the host's log, as syslog(3) writes it with LOG_PID and LOG_DAEMON, under this
 * program's name; priority is one of LOG_ERR and so on. Unlike syslog(3) it never waits: a datagram
 * socket whose reader is behind (net.unix.max_dgram_qlen) would stop its writers, and with them
 * whoever they serve. What there is no room for is lost.
 */
void log_line(int priority, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
