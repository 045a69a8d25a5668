/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_INIT_H
#define VIA_LAUNCH_INIT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/*
 * What would start the daemon on this machine: a command that is proposed has to be one that works
 * here, so a service manager counts where it runs and has our unit or script.
 */
enum init {
	INIT_NONE,    /* neither of the others: root's via-iface starts the daemon itself */
	INIT_SYSTEMD, /* sd_booted(3) */
	INIT_OPENRC,  /* openrc(8): it keeps /run/openrc/softlevel; openrc-run(8): /etc/init.d */
	INIT_COUNT,
};

enum init init_running(void);

/* Whether systemd runs, also without a unit of ours (sd_booted(3)). */
bool init_is_systemd(void);

/*
 * The command that has the daemon's socket served, now and after the next boot where it can be. Not
 * sudo for via-iface: the program would run as root.
 */
#define INIT_COMMAND_MAX 4224 /* PATH_MAX, and the words around */
void init_start_command(enum init init, char *ret, size_t size);

/* The command that starts a daemon anew that has this process id; 0: it is not known. */
void init_restart_command(enum init init, pid_t pid, char *ret, size_t size);

#endif
