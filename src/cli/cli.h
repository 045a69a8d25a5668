/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_CLI_H
#define VIA_CLI_CLI_H

#include <stdbool.h>

#include "cli/verb.h"
#include "launch/launch.h"
#include "launch/program.h"

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [OPTIONS] [--] [PROGRAM [ARG…]] of VERB_RUN, which must have a
 * program, or VERB_PLAN. argv[0] is the verb or the program's name. With [OPTIONS] -- PROGRAM
 * request.uplinks is empty: the app policy is to say it, and the request to be checked then. Pure:
 * no output, no exit. Where it fails *ret is what was read up to there.
 */
int cli_parse_run(int argc, char *argv[], enum verb_id verb, struct launch_options *ret,
		  struct err *err);

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [OPTIONS], with a pid, a netns or a container among them.
 * Without
 * --name the name is made of that of the netns; else it is left empty, for the caller to fill in.
 * Pure as above.
 */
int cli_parse_attach(int argc, char *argv[], struct launch_options *ret, struct err *err);

/* What `via-iface netns` is to do, with its words; borrowed from argv. */
enum netns_action {
	NETNS_ADD,
	NETNS_DEL,
	NETNS_LIST,
};

/*
 * Parses add [OPTIONS] NAME [UPLINK[,UPLINK…]], del NAME and list. The name of the netns is
 * request.name; without an uplink request.uplinks is empty: the file of that name has it, and the
 * request is to be checked then. Pure as above.
 */
int cli_parse_netns(int argc, char *argv[], struct launch_options *ret, enum netns_action *ret_do,
		    struct err *err);

/* What stands behind --wait=, or NULL: seconds, or WAIT_FOREVER. 0 or -EINVAL. */
int cli_parse_wait(const char *text, uint32_t *ret, struct err *err);

/* Parses [OPTIONS] SESSION [OPTIONS] [--] [PROGRAM [ARG…]]. Pure as above. */
int cli_parse_exec(int argc, char *argv[], struct launch_options *ret, const char **ret_session,
		   struct err *err);

/* Whether it can be a name of ip-netns(8); NULL is nothing to check. 0 or -EINVAL. */
int cli_check_netns_name(const char *name, struct err *err);

/* The base name of a program, made to fit the character set of a session name. NULL: "session". */
void cli_default_name(const char *program, char ret[SESSION_NAME_MAX]);

/* Looks up a user and their groups, and sets HOME and the like (--user). */
typedef int cli_find_user(const char *name, struct handover_user *ret, struct err *err);

/*
 * For a command line that could not be parsed, or that names no uplink that is here. Returns an
 * exit status when it has printed what is wrong, or run what was meant; -1 when it has nothing to
 * say: then the parser's error is printed, or the daemon decides.
 */
typedef int cli_explain(int argc, char *argv[], const struct launch_options *o);

/*
 * The launch. Returns an exit status, when it fails; argv[0] is "run", or where the verb was left
 * out "" (which is then handed on). helpers is NULL in via-iface, which is linked statically, has
 * no loadable modules of the C library (nsswitch.conf(5)) and does not read the host's state: where
 * one is needed, via-iface-verbs does all of it.
 */
struct cli_helpers {
	cli_find_user *find_user;
	cli_explain *explain;
	launch_wait *wait;
};
int cli_run(int argc, char *argv[], const struct cli_helpers *helpers);

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

/* The same for `capture`, which is via-iface-capture's: that links libpcap. argv[0] is the verb. */
int cli_capture(int argc, char *argv[]);

#endif
