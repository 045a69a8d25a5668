/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_CLI_H
#define VIA_CLI_CLI_H

#include <stdbool.h>

#include "launch/launch.h"
#include "launch/program.h"

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [--] [PROGRAM [ARG…]], POSIX order: the first word that is
 * no option ends them. argv[0] is the verb or the program's name. Pure: no output, no exit.
 * With [OPTIONS] -- PROGRAM [ARG…] request.uplinks is empty: the app policy is to say it, and the
 * request to be checked then.
 */
int cli_parse_run(int argc, char *argv[], bool with_program, struct launch_options *ret,
		  struct err *err);

/*
 * Parses [OPTIONS] UPLINK[,UPLINK…] [OPTIONS], with either a pid or a netns among them. Without
 * --name the name is made of that of the netns; with a pid it is left empty, for the caller to
 * fill in. Pure as above.
 */
int cli_parse_attach(int argc, char *argv[], struct launch_options *ret, struct err *err);

/*
 * Parses [OPTIONS] with a SESSION, a pid or a netns: request.name is the session's name or id, and
 * "" with one of the others. Pure as above.
 */
int cli_parse_detach(int argc, char *argv[], struct launch_options *ret, struct err *err);

/* The base name of a program, made to fit the character set of a session name. NULL: "session". */
void cli_default_name(const char *program, char ret[SESSION_NAME_MAX]);

/*
 * The launch. Returns an exit status, when it fails; argv[0] is the verb or the program's name.
 * Without helpers, and where one is needed, via-iface-verbs does all of it.
 */
int cli_run(int argc, char *argv[], const struct launch_helpers *helpers);

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

#endif
