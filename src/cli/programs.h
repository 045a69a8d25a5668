/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_CLI_PROGRAMS_H
#define VIA_CLI_PROGRAMS_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Programs that have their work done by another process: a server, a service manager, an instance
 * that runs already. That process is outside the session, and so is all traffic of the work. This
 * is what is known of each; outside.h looks whether it is so now.
 */

#define PROGRAM_NAMES 8
#define PROGRAM_WORDS 16

enum program_how {
	PROGRAM_INSTANCE, /* a second start is handed to an instance, where one runs */
	PROGRAM_BUS,      /* the session bus starts it, also when none runs yet */
	PROGRAM_SERVER,   /* a server does the work, which runs outside */
	PROGRAM_CLIENT,  /* a server does, where one runs; else it is started by the program, inside
			  */
	PROGRAM_TMUX,    /* the same, at the socket that its options and $TMUX name */
	PROGRAM_FLATPAK, /* `flatpak run`: the app is an instance of its own */
	PROGRAM_SSH,     /* a connection that another ssh holds open (ControlMaster) */
};

struct program_kind {
	const char *names[PROGRAM_NAMES]; /* base names of the command; ends with NULL */
	enum program_how how;
	/*
	 * Options, or subcommands among the first three words that are no options, of which one
	 * must be there; none: always. when_env: an environment variable that must be set. with:
	 * options of which the next word is the value, with blanks between; then options end at the
	 * first other word, behind which stands somebody else's command line.
	 */
	const char *with;
	const char *when[PROGRAM_WORDS];
	const char *when_env;
	/* The same, which make it do its work itself; a subcommand as the first word only. */
	const char *unless[PROGRAM_WORDS];
	/* Base names of the processes that take the work; none: as names. */
	const char *processes[PROGRAM_NAMES];
	/* Where one listens, also before it runs: absolute, or below $XDG_RUNTIME_DIR. */
	const char *socket;
	const char *who; /* SERVER, CLIENT: who does the work */
	/*
	 * INSTANCE, BUS: a command that starts a separate one. Else what can be done, with "%u" for
	 * the uplinks, quoted for a shell. NULL: there is nothing.
	 */
	const char *advice;
};

/*
 * What a command line would start that the table knows, or NULL. It looks through programs that
 * only change something and then execute the command line behind them (env, nice, sudo), but not
 * through shells. *ret_argv, unless NULL, is where the program itself stands. Pure but for
 * getenv(3).
 */
const struct program_kind *program_kind(char *const argv[], char *const **ret_argv);

/* The base name of a path. */
const char *program_base_name(const char *path);

#endif
