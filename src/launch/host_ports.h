/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_HOST_PORTS_H
#define VIA_LAUNCH_HOST_PORTS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "launch/handover.h"
#include "model/host_ports.h"

/*
 * --host-port: 127.0.0.1:PORT and [::1]:PORT inside a session are those of the host.
 *
 *	via-iface ── fork ── fork ── helper, in the host's netns, with the caller's rights
 *	    └─ exec via-iface-enter ── sockets on lo inside, sent by SCM_RIGHTS ── exec the program
 *
 * The helper accepts connections inside and makes one to the host's loopback address for each, so a
 * server of the host sees a local peer. No packet crosses: there is no rule, route or sysctl
 * (route_localnet) that others could use.
 *
 * A socket keeps its netns, so the helper closes them when the session's processes have ended: of
 * these it has descriptors (pidfd_open(2)). It also ends when the session's port is removed (stop).
 */

/* What enter sends, with HANDED_LEADER, HANDED_LINKS and then the listening sockets. */
struct host_ports_handed {
	uint32_t id;      /* of the session */
	uint32_t padding; /* 0 */
	uint64_t netns;   /* its inode */
};

enum host_ports_descriptor {
	HANDED_LEADER,  /* pidfd of the process that becomes the program */
	HANDED_LINKS,   /* link_watch_open() inside */
	HANDED_SOCKETS, /* the first of them */
	HANDED_MAX = HANDED_SOCKETS + 2 * SESSION_HOST_PORTS_MAX,
};

/*
 * Starts the helper as the caller (or as user, when wanted), no child of this process, and waits
 * until it is ready. *ret_line is for host_ports_hand_over() and survives an exec; the helper ends
 * when that is closed without a message.
 */
int host_ports_start(const struct handover_user *user, int *ret_line, struct err *err);

/*
 * For enter, in the session's netns: makes the listening sockets and sends them on line, which it
 * closes. joined: the session was there before, so a port that is in use is served already. Returns
 * 0 or a negative errno.
 */
int host_ports_hand_over(int line, const struct host_ports *ports, uint32_t id, bool joined,
			 struct err *err);

#endif
