/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_CONFINED_H
#define VIA_LAUNCH_CONFINED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

/*
 * What a service manager took from this process, and the line of its unit that gives it back
 * (systemd.exec(5)). Nothing is guessed: a child tries each call with arguments that the kernel
 * refuses, so a filter (seccomp(2)) shows by another errno than the kernel's, or by SIGSYS.
 */

/*
 * Whether the system calls of a launch pass: setns, unshare, mount, socket of AF_UNIX; with userns
 * those of a launch in a user namespace of its own (userns.h). 0, or -EPERM with who refuses what
 * in err. Costs nothing where no filter is set.
 */
int confined_check(bool userns, struct err *err);

/*
 * The unit that this process runs in by /proc/self/cgroup, "" where that is none or a login:
 * "talk.service". size is UNIT_NAME_MAX.
 */
#define UNIT_NAME_MAX 256 /* systemd.unit(5) */
void confined_unit(char ret[UNIT_NAME_MAX]);

/* The same of the text of such a file (cgroups(7)), for tests. */
void confined_unit_of(const char *cgroups, char ret[UNIT_NAME_MAX]);

/*
 * Once in the session's netns: warns on standard error where a BPF program of the unit's cgroup
 * drops what leaves by eth0 (RestrictNetworkInterfaces=, IPAddressDeny=; EPERM of sendto(2)), of
 * which TCP tells nothing. One datagram is sent, which does not leave the host.
 */
void confined_warn_of_device(void);

#endif
