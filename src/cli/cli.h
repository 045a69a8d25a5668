/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_CLI_H
#define VIA_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "ipc/handover.h"
#include "model/request.h"

/* Exit status, the convention of env(1), nice(1) and docker-run(1). */
#define EXIT_VIA_FAILED    125
#define EXIT_VIA_NOT_EXEC  126
#define EXIT_VIA_NOT_FOUND 127

/* What the command line says itself, so that no policy changes it. */
enum cli_given {
	CLI_NAME = 1 << 0,
	CLI_DNS = 1 << 1,
	CLI_IPV6 = 1 << 2,
};

/* What the command line asks for. Strings are borrowed from argv. */
struct cli_options {
	struct request request; /* unchecked until cli_parse_run() returned 0 */
	bool quiet, verbose, json, dry_run;
	bool no_proxy_env;  /* drop http_proxy and its kin */
	bool allow_sockets; /* do not refuse sockets of the outside network */
	bool no_app_policy; /* what the app policy says of the program does not count */
	bool strict;       /* refuse a program whose work would be done outside (verbs/outside.h) */
	uint32_t given;    /* enum cli_given */
	const char *user;  /* to run as; NULL: the caller */
	uint32_t pid;      /* attach: to the netns of this process; 0: to */
	const char *netns; /* the one of this name */
	const char *probe; /* what to ask through each uplink (cli/probe.h), checked; or NULL */
	char **program;    /* of argv, NULL-terminated; NULL when there is none */
	/* What a policy made of program, and the strings that it added; to be freed. */
	char **made, *made_bytes;
};

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [--] [PROGRAM [ARG…]], POSIX order: the first word that is
 * no option ends them. argv[0] is the verb or the program's name. Pure: no output, no exit.
 * With [OPTIONS] -- PROGRAM [ARG…] request.uplinks is empty: the app policy is to say it, and the
 * request to be checked then.
 */
int cli_parse_run(int argc, char *argv[], bool with_program, struct cli_options *ret,
		  struct err *err);

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [OPTIONS], with either a pid or a netns among them. Without
 * --name the name is made of that of the netns; with a pid it is left empty, for the caller to
 * fill in. Pure as above.
 */
int cli_parse_attach(int argc, char *argv[], struct cli_options *ret, struct err *err);

/*
 * Parses [OPTIONS] with a SESSION, a pid or a netns: request.name is the session's name or id, and
 * "" with one of the others. Pure as above.
 */
int cli_parse_detach(int argc, char *argv[], struct cli_options *ret, struct err *err);

/* The base name of a program, made to fit the character set of a session name. NULL: "session". */
void cli_default_name(const char *program, char ret[SESSION_NAME_MAX]);

/*
 * Whether the program would have its work done outside: a line into ret, to be warned of. Fails
 * where it is to be refused (o->strict), with err.
 */
typedef int cli_check_outside(const struct cli_options *o, const struct handover *h,
			      struct err *ret, struct err *err);

/*
 * What a launch may need besides: to look users up, which takes the C library's loadable modules,
 * and to read the app policy, which takes inih.
 */
struct cli_helpers {
	int (*find_user)(const char *name, struct handover_user *ret, struct err *err);
	/* Fills in what the app policy says of o->program and the command line does not. */
	int (*apply_apps)(struct cli_options *o, const struct handover_user *user, struct err *err);
	cli_check_outside *check_outside;
};

/*
 * The launch. Returns an exit status, when it fails; argv[0] is the verb or the program's name.
 * Without helpers, and where one is needed, via-iface-verbs does all of it.
 */
int cli_run(int argc, char *argv[], const struct cli_helpers *helpers);

/*
 * For via-iface exec: becomes o->program in the session of that number, of which netns is the
 * namespace. Returns an exit status when it cannot.
 */
int cli_exec(const struct cli_options *o, uint32_t id, int netns, cli_check_outside *check);

/*
 * For a prober: the launch of a probe of the session of that number, with all of o filled in.
 * Returns an exit status when it cannot.
 */
int cli_probe(const struct cli_options *o, uint32_t id);

/*
 * Every other verb is via-iface-verbs's, which this becomes: a launch, the one thing that is to be
 * quick, is not to wait for libraries that read D-Bus and write JSON. argv[0] is the verb.
 */
int cli_verb(int argc, char *argv[]);

/*
 * The same for `desktop`, which is via-iface-desktop's: that links GLib, and need not be installed.
 * Its words are those behind `desktop`.
 */
int cli_desktop(int argc, char *argv[]);

/* Prints "via-iface: …" on stderr and returns EXIT_VIA_FAILED. */
int cli_fail(const struct err *err);

/*
 * The path of a sibling program: beside this one in a build tree, else where it was installed.
 * ret is PATH_MAX bytes.
 */
int cli_find_program(const char *name, char *ret, struct err *err);

/*
 * 0, unless the caller is not root and has ambient capabilities: via-iface-enter has a file
 * capability, and its exec would silently empty that set.
 */
int cli_check_ambient(struct err *err);

/*
 * An environment with nothing of the caller's, but where sanitizers report to; for our own
 * programs. ret ends with NULL.
 */
void cli_clean_environment(char *ret[8]);

/*
 * Makes sure that a daemon answers: starts one when the caller is root and nobody does. Returns
 * 0, or a negative errno with the reason.
 */
int cli_start_daemon(struct err *err);

#endif
