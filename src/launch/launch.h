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

/* What the command line asks for. Strings are borrowed from argv. */
struct launch_options {
	struct request request; /* unchecked until cli_parse_run() returned 0 */
	bool quiet, verbose, json, dry_run;
	bool no_proxy_env;  /* drop http_proxy and its kin */
	bool allow_sockets; /* do not refuse sockets of the outside network */
	bool no_app_policy; /* what the app policy says of the program does not count */
	bool strict;       /* refuse a program whose work would be done outside (verbs/outside.h) */
	uint32_t given;    /* enum launch_given */
	const char *user;  /* to run as; NULL: the caller */
	uint32_t pid;      /* attach: to the netns of this process; 0: to */
	const char *netns; /* the one of this name */
	const char *probe; /* what to ask through each uplink (launch/probe.h), checked; or NULL */
	char **program;    /* of argv, NULL-terminated; NULL when there is none */
	/* What a policy made of program, and the strings that it added; to be freed. */
	char **made, *made_bytes;
};

/*
 * Whether the program would have its work done outside: a line into ret, to be warned of. Fails
 * where it is to be refused (o->strict), with err.
 */
typedef int launch_check_outside(const struct launch_options *o, const struct handover *h,
				 struct err *ret, struct err *err);

/*
 * What a launch may need besides: to look users up, which takes the C library's loadable modules,
 * and to read the app policy, which takes inih.
 */
struct launch_helpers {
	int (*find_user)(const char *name, struct handover_user *ret, struct err *err);
	/* Fills in what the app policy says of o->program and the command line does not. */
	int (*apply_apps)(struct launch_options *o, const struct handover_user *user,
			  struct err *err);
	launch_check_outside *check_outside;
};

/*
 * Whether the launch of o takes helpers: a user or the app policy is to be looked up. A program
 * that no app policy speaks of does not wait for that.
 */
bool launch_needs_helpers(const struct launch_options *o);

/* The launch of o->program in a new session. Returns an exit status when it failed. */
int launch_run(struct launch_options *o, const struct launch_helpers *helpers);

/*
 * Whether a program can be found, before a session is made for it: 0, or a negative errno with a
 * line. The exec has the last word; this only saves a session for a misspelt name.
 */
int launch_find_program(const char *name, struct err *err);

/*
 * For via-iface exec: becomes o->program in the session of that number, of which netns is the
 * namespace. Returns an exit status when it cannot.
 */
int launch_exec(const struct launch_options *o, uint32_t id, int netns,
		launch_check_outside *check);

/*
 * For a prober: the launch of a probe of the session of that number, with all of o filled in.
 * Returns an exit status when it cannot.
 */
int launch_probe(const struct launch_options *o, uint32_t id);

#endif
