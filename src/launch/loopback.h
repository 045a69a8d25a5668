/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_LOOPBACK_H
#define VIA_LAUNCH_LOOPBACK_H

#include <stdint.h>
#include <sys/socket.h>

/* 127.0.0.1 or [::1] (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3) at that port; returns its length. */
socklen_t loopback_address(int family, uint16_t port, struct sockaddr_storage *ret);

#endif
