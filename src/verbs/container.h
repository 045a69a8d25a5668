/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_VERBS_CONTAINER_H
#define VIA_VERBS_CONTAINER_H

#include <sys/types.h>

#include "base/err.h"
#include "verbs/container_text.h"

/* A container that runs: Docker, Podman, LXC, systemd-nspawn; of others by its id. */
struct container {
	struct container_id id;
	pid_t pid; /* the first process of it in a netns that is not the caller's */
	char ports[CONTAINER_PORTS_MAX]; /* that the engine publishes; "": none, or not known */
};

/*
 * By "[ENGINE:]NAME" or "[ENGINE:]ID": in the process table, and by what the engine's own command
 * tells the caller. Of two containers that are called so neither is taken; nor is one that
 * another user's service manager or conmon runs. 0, or a negative errno with a line; -ESRCH: none
 * of that name runs.
 */
int container_find(const char *word, struct container *ret, struct err *err);

/*
 * Opens its netns, *ret_netns, and its first process, *ret_process (pidfd_open(2)); both are the
 * caller's to close. After that it is made sure that the process is the container's, as the number
 * may have been given to another one, that it has not ended, and that the netns belongs to a user
 * namespace that the caller's uid made (ioctl_ns(2)).
 */
int container_open(const struct container *c, int *ret_netns, int *ret_process, struct err *err);

/* Calls take() for each container of the caller's in the process table. */
void container_each(void (*take)(const struct container_id *id, void *arg), void *arg);

/*
 * Its first process after a restart, by its cgroup (id.group) below the unified hierarchy's mount
 * point: 0, or -ESRCH while there is none in a netns of its own.
 */
int container_again(struct container *c, const char *unified);

/* The container that a process belongs to, as far as the process table tells. */
bool container_of_process(pid_t pid, struct container_id *ret);

#endif
