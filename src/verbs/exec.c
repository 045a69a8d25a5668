/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface exec: one more program in a session that runs. This process finds the session's netns
 * in /proc of a process that the caller may see, and launches the program into it; the daemon
 * checks that it is the session's netns.
 */
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/cli.h"
#include "launch/launch.h"
#include "launch/netns.h"
#include "launch/program.h"
#include "verbs/verbs.h"

static int find_netns(const struct session *s, struct err *err)
{
	int fd = netns_open_of(s);

	if (fd < 0)
		return err_set(err, ESRCH,
			       "enter session '%s': no program is left in it that you may see; it "
			       "is closing",
			       s->name);
	return fd;
}

/* Without a program: the shell of the caller's environment, or else of their account. */
static char **shell(void)
{
	static char *words[2];
	const struct passwd *pw;
	char *name = getenv("SHELL");

	if (!name || name[0] != '/') {
		pw = getpwuid(getuid());
		name = pw && pw->pw_shell && pw->pw_shell[0] == '/' ? pw->pw_shell : NULL;
	}
	words[0] = name ? name : (char *)"/bin/sh";
	return words;
}

int verb_exec(int argc, char *argv[])
{
	_cleanup_close_ int netns = -1;
	_cleanup_facts_ struct facts f = { 0 };
	const struct session *s = NULL;
	const char *word = NULL;
	struct launch_options o;
	struct err err = { 0 };
	int r = cli_parse_exec(argc, argv, &o, &word, &err);

	if (r == 0 && !o.program)
		o.program = shell();

	if (r == 0)
		r = observe_sessions((char *const *)&word, 1, &f, &err);
	if (r == 0)
		s = find_session(&f, word, &err);
	if (s && check_owner(s, "enter", &err) == 0)
		netns = find_netns(s, &err);
	if (netns < 0)
		return program_fail(&err);
	return launch(&o, &(struct launch_target){ .netns = netns, .id = s->id });
}
