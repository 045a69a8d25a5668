/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_NOTIFY_RELAY_H
#define VIA_LAUNCH_NOTIFY_RELAY_H

#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"

/*
 * Datagrams of sd_notify(3) from a socket with a path to an abstract one, which belongs to the
 * netns outside: for a NOTIFY_SOCKET that begins with "@". systemd's own have paths.
 */
struct notify_relay {
	int fd; /* bound to the path; -1: there is none */
	struct sockaddr_un to;
	socklen_t to_len;
};

/* address is what stands in NOTIFY_SOCKET, path where programs send instead. 0 or a negative errno.
 */
int notify_relay_open(const char *address, const char *path, struct notify_relay *ret,
		      struct err *err);

/*
 * Passes on all that waits, with its descriptors (FDSTORE=, BARRIER=), of which no copy stays here.
 * The sender's process id goes along where we are allowed to say it (unix(7), SCM_CREDENTIALS), as
 * root is: a manager may take messages of the main process alone.
 */
void notify_relay_pass(const struct notify_relay *n);

#endif
