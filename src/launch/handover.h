/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_HANDOVER_H
#define VIA_LAUNCH_HANDOVER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "ipc/msg.h"

/*
 * What via-iface leaves to via-iface-enter: a memfd (memfd_create(2)) with this struct, then the
 * arguments and the environment as terminated strings one behind the other. It exists because an
 * exec with file capabilities strips the environment (ld.so(8), secure-execution mode), lowers an
 * unlimited stack and forgets the parent-death signal and parts of the personality.
 */

#define HANDOVER_MAGIC 0x76696168u /* "viah" */

/* Whom to become (root only). The names were looked up by the caller: enter reads no database. */
#define HANDOVER_GROUPS_MAX 256

struct handover_user {
	uint32_t wanted; /* 0: stay who we are, the rest means nothing */
	uint32_t uid, gid, n_groups;
	uint32_t groups[HANDOVER_GROUPS_MAX];
};

struct handover {
	uint32_t magic, version;
	union msg_request request; /* MSG_RUN or MSG_EXEC */
	uint32_t argc, envc;
	uint64_t argv_len, env_len; /* bytes of each range */
	struct rlimit stack;
	uint32_t personality;
	int32_t death_signal; /* PR_GET_PDEATHSIG, 0: none */
	struct handover_user user;
	uint32_t verbose;       /* say which session it is */
	uint32_t quiet;         /* no warnings */
	uint32_t allow_sockets; /* do not refuse sockets of the outside network */
	int32_t netns;          /* in MSG_EXEC: descriptor of the session's; else -1 */
	int32_t notify;         /* descriptor for the session's id, a uint32_t; or -1 */
	int32_t host_ports;     /* line to the helper of --host-port (host_ports.h); or -1 */
	int32_t report;         /* a pipe for the line of a failure (program.h); or -1 */
	uint32_t no_password;   /* start no agent where polkit wants a password (agent.h) */
};

/* Most bytes of arguments and environment: what execve(2) takes at most, and some. */
#define HANDOVER_MAX (64u << 20)

/*
 * Writes it all, of the calling process: of what, the request, the user and the last six are the
 * caller's to fill in. argv[] and envp[] end with NULL. Returns a descriptor that survives an
 * exec, or a negative errno.
 */
int handover_write(const struct handover *what, char *const argv[], char *const envp[],
		   struct err *err);

/* --user: root becomes that user, for good; nothing when none is wanted. 0 or a negative errno. */
int handover_become_user(const struct handover_user *u, struct err *err);

/* The struct alone, checked. */
int handover_read(int fd, struct handover *ret, struct err *err);

/*
 * The strings, checked against the struct: exactly argc and envc terminated strings in exactly
 * argv_len and env_len bytes. Both arrays and *ret_bytes are the caller's to free.
 */
int handover_read_strings(int fd, const struct handover *h, char ***ret_argv, char ***ret_envp,
			  char **ret_bytes, struct err *err);

#endif
