/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_SOCKETS_H
#define VIA_LAUNCH_SOCKETS_H

#include "base/err.h"

/*
 * A socket stays in the netns in which it was opened: packets of one that the program inherits
 * would bypass the session, and so would those of a tun device. Returns 0 when there is none, or an
 * error that names the first by number and kind. Sockets of AF_UNIX are not counted.
 */
int sockets_check(struct err *err);

#endif
