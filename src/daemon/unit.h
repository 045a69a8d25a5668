/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_UNIT_H
#define VIA_DAEMON_UNIT_H

#include "base/err.h"

/*
 * What root's launch asks of systemd, where that runs (org.freedesktop.systemd1(5)): a daemon that
 * it started itself would be in the cgroup of the unit, or of the login, that the launch belongs
 * to, and would be ended with it. The system bus is used, and where there is none (early in the
 * boot) systemd's own socket, which is root's (file-hierarchy of systemd: /run/systemd/private).
 */

/*
 * Starts the daemon's socket unit, and waits until systemd says that it is served. 0, or a negative
 * errno with systemd's reason in err.
 */
int unit_start_socket(struct err *err);

/*
 * For a systemd that has no unit of ours, as beside a build tree: moves this process into a scope
 * of its own. 0, or a negative errno.
 */
int unit_leave(struct err *err);

#endif
