/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_SOCKETS_H
#define VIA_LAUNCH_SOCKETS_H

#include "base/err.h"

/*
 * A socket belongs to the network in which it was opened, for ever: one that the program inherits
 * would lead past the session, and so would a tun device. Returns 0 when there is none, or an
 * error that names the first by number and kind. Sockets of AF_UNIX belong to no network.
 */
int sockets_check(struct err *err);

#endif
