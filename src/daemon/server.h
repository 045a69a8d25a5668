/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DAEMON_SERVER_H
#define VIA_DAEMON_SERVER_H

#include "daemon/host_state.h"

struct server_options {
	const char *rundir, *confdir;
	unsigned int linger_ms;   /* how long to stay when the last session has ended */
	unsigned int late_ms;     /* the same, where its connections were unfinished (late.h) */
	unsigned int ask_ms;      /* how long polkit may take to answer */
	int ready_fd;             /* gets one byte when the socket answers, or an error line; -1 */
	int socket_fd;            /* listening already, a service manager's; -1: make one */
	unsigned int watchdog_ms; /* the manager wants to hear of us within this; 0: it does not */
	bool spare;               /* a netns is made ahead of a launch (spare.h) */
	bool stay;                /* clear the host when idle, as ever, but do not leave */
};

/*
 * Serves until there is nothing to serve or a signal ends it. Returns 0, or a negative errno
 * with the reason.
 */
int server_run(const struct server_options *options, struct err *err);

/*
 * Removes all that is ours, sessions too, as long as no daemon serves: for who takes the programs
 * away. Returns 0, or a negative errno with the reason.
 */
int server_clear(const struct server_options *options, struct err *err);

#endif
