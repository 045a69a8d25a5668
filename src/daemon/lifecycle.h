/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_LIFECYCLE_H
#define VIA_DAEMON_LIFECYCLE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/err.h"
#include "daemon/fd_receive.h"
#include "daemon/server.h"

/*
 * The daemon's place on the host: the lock by which there is one at a time, the listening socket,
 * and word to a service manager.
 *
 * The listening socket is our own, or a service manager's (manager.h). Our own is unlinked before
 * the daemon exits, so that no client waits on a dead one. A manager's stays: clients that connect
 * meanwhile wait in its queue, and the manager starts another daemon for them.
 */
struct lifecycle {
	const struct server_options *options;
	char socket_path[108]; /* sun_path of unix(7) */
	int lock_fd;           /* the locked directory; or -1 */
	int listen_fd;         /* or -1 */
	int watch_fd;          /* inotify(7): changes to our own socket's file; or -1 */
	dev_t socket_dev;
	ino_t socket_ino;
	int64_t alive_at; /* clock_ms() of the next word to the manager's watchdog */
	bool replaced;    /* another daemon's socket is at our path */
};

void lifecycle_init(struct lifecycle *l, const struct server_options *options);

/*
 * Takes the lock on the runtime directory, which leaves no file behind. Waits while another daemon
 * starts or exits; -EALREADY when one serves.
 */
int lifecycle_lock(struct lifecycle *l, struct err *err);

/* Opens the listening socket; again after it was closed or its file has gone. */
int lifecycle_listen(struct lifecycle *l, struct err *err);

/* Unlinks our own socket, unless another daemon has its path. */
void lifecycle_unlink(const struct lifecycle *l);

/*
 * To be called when watch_fd is readable. A socket whose file has gone is made anew. Returns false
 * when the daemon is to exit: it cannot be, or another daemon's socket has its path, say a service
 * manager's; that one waits for the lock and finds the sessions in the kernel.
 */
bool lifecycle_check_socket(struct lifecycle *l);

/* Tells who started the daemon that it is ready (r is 0), or why it is not. */
void lifecycle_notify_ready(const struct lifecycle *l, int r, const struct err *err);

/*
 * The daemon cannot start: the clients that wait on a manager's socket are told why. Otherwise they
 * would wait on, and have the manager start us again and again.
 */
void lifecycle_refuse_all(const struct lifecycle *l, struct fd_receivers *receivers,
			  const struct err *err);

/* clock_ms() at which lifecycle_keep_alive() is due; INT64_MAX: never. */
int64_t lifecycle_deadline(const struct lifecycle *l);
void lifecycle_keep_alive(struct lifecycle *l);

void lifecycle_done(struct lifecycle *l);

#endif
