/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_LAUNCH_LAUNCH_H
#define VIA_LAUNCH_LAUNCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "launch/handover.h"
#include "model/request.h"

/* What the command line says itself, so that no policy changes it. */
enum launch_given {
	GIVEN_NAME = 1 << 0,
	GIVEN_DNS = 1 << 1,
	GIVEN_IPV6 = 1 << 2,
};

/* --wait without a number of seconds. */
#define WAIT_FOREVER UINT32_MAX

/* Waits until an uplink of the request is usable: 0 or a negative errno (verbs/wait.h). */
struct launch_options;
typedef int launch_wait(struct launch_options *o, struct err *err);

/* What the command line asks for. Strings are borrowed from argv. */
struct launch_options {
	struct request request; /* unchecked until cli_parse_run() returned 0 */
	const char *uplinks;    /* the list as it was typed; NULL: none was */
	bool quiet, verbose, json, dry_run;
	bool no_proxy_env;  /* drop http_proxy and its kin */
	bool allow_sockets; /* do not refuse sockets of the outside network */
	bool no_app_policy; /* what the app policy says of the program does not count */
	bool strict;   /* refuse a program whose work would be done outside (launch/outside.h) */
	bool separate; /* start a separate instance (launch/separate.h) */
	bool allow_handover; /* do not refuse a start that is handed to an instance outside */
	bool no_password;    /* start no agent where polkit wants a password (launch/agent.h) */
	/* The words that stand before the program, of argv, for a message; n_line 0: not known. */
	char *const *line;
	int n_line;
	uint32_t given;        /* enum launch_given */
	uint32_t wait;         /* for an uplink, seconds; 0: not at all */
	launch_wait *wait_for; /* where wait is not 0 */
	const char *join;      /* the session of this name, if it is there; or NULL */
	const char *user;      /* to run as; NULL: the caller */
	uint32_t pid;          /* attach: to the netns of this process; 0: to */
	const char *netns;     /* the one of this name */
	const char *container; /* attach: to the one of this container */
	bool follow;           /* attach: and again when the container is restarted */
	const char *probe; /* what to ask through each uplink (launch/probe.h), checked; or NULL */
	char **program;    /* of argv, NULL-terminated; NULL when there is none */
	/* What a policy made of program, and the strings that it added; to be freed. */
	char **made, *made_bytes;
};

/* In which session the program is to be, and as whom. */
struct launch_target {
	const struct handover_user *user; /* NULL: the caller */
	/* Of the session that the program joins, which is not closed; -1: a session is made for it.
	 */
	int netns;
	uint32_t id; /* of that session; of a new one: the session that it probes, or 0 */
};

/*
 * Becomes o->program in a session, once the app policy has filled in what o leaves open. Returns an
 * exit status when it failed; o->made may then be set, and is the caller's to free.
 */
int launch(struct launch_options *o, const struct launch_target *target);

/*
 * Whether a program can be found, before a session is made for it: 0, or a negative errno with a
 * line. execve(2) may still fail; this saves making a session for a misspelt name.
 */
int launch_find_program(const char *name, struct err *err);

#endif
