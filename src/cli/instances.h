/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_INSTANCES_H
#define VIA_CLI_INSTANCES_H

#include <stdbool.h>
#include <sys/types.h>

/*
 * Programs of which a second start may be handed to the first one, over D-Bus or a socket: their
 * traffic then takes the way of that first one. Only programs that are known for it are looked
 * for; two curls at once are two curls.
 */

#define INSTANCE_WORDS 8

struct instance_kind {
	/* Base names of commands and of the processes they become; ends with NULL. */
	const char *names[INSTANCE_WORDS];
	/* Options that already ask for a separate instance. */
	const char *separating[INSTANCE_WORDS];
	const char *advice; /* a command that starts a separate one; NULL: there is none */
	bool by_bus;        /* started by the session bus, also when none runs yet */
};

/* What a command line would start, or NULL: nothing that is known. Pure. */
const struct instance_kind *instance_kind(char *const argv[]);

/* Whether a process is one of them, by the base name of its executable and its comm. Pure. */
bool instance_is(const struct instance_kind *kind, const char *exe, const char *comm);

/* Looks in /proc for one that uid runs, its first process rather than a child; 0: none. */
pid_t instance_find(const struct instance_kind *kind, uid_t uid);

#endif
