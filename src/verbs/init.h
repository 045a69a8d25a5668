/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_INIT_H
#define VIA_VERBS_INIT_H

#include <stddef.h>
#include <sys/types.h>

/* What starts services on this machine: a command that is proposed has to be one of its own. */
enum init {
	INIT_NONE,    /* neither of the others: root's via-iface starts the daemon itself */
	INIT_SYSTEMD, /* sd_booted(3) */
	INIT_OPENRC,  /* openrc(8): it keeps /run/openrc/softlevel */
	INIT_COUNT,
};

enum init init_running(void);

/* The command that has the daemon's socket served, now and after the next boot where it can be. */
void init_start_command(enum init init, char *ret, size_t size);

/* The command that starts a daemon anew that has this process id; 0: it is not known. */
void init_restart_command(enum init init, pid_t pid, char *ret, size_t size);

#endif
