/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SANDBOX_H
#define VIA_DAEMON_SANDBOX_H

#include "base/err.h"

/*
 * What the daemon takes from itself, whoever started it; the systemd unit takes the same from
 * outside, and more. Neither can be undone. A daemon built with sanitizers keeps everything: they
 * need more than it does.
 */

/* Keeps CAP_NET_ADMIN and CAP_SYS_ADMIN alone, and no way to any other. For the very beginning. */
int sandbox_capabilities(struct err *err);

/*
 * From here on a system call that the daemon has no use for ends it. For when everything is open
 * that is opened once. Does nothing where libseccomp was not there to build with, or where the
 * kernel has no filters.
 */
int sandbox_calls(struct err *err);

#endif
