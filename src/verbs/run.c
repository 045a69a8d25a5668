/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface run, where a user has to be looked up. */
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <unistd.h>

#include "cli/cli.h"
#include "verbs/run.h"
#include "verbs/verbs.h"
#include "verbs/wait.h"

/* Looks up a user and all of their groups; sets what login(1) would. */
static int find_user(const char *name, struct handover_user *ret, struct err *err)
{
	int n = HANDOVER_GROUPS_MAX;
	const struct passwd *pw;
	gid_t groups[HANDOVER_GROUPS_MAX];

	if (geteuid() != 0)
		return err_set(err, EPERM, "run as user '%s': only root may", name);
	errno = 0;
	pw = getpwnam(name);
	if (!pw && errno)
		return err_errno(err, errno, "look up user '%s'", name);
	if (!pw)
		return err_set(err, ENOENT, "run as user '%s': there is no such user", name);
	if (getgrouplist(name, pw->pw_gid, groups, &n) < 0)
		return err_set(err, E2BIG, "run as user '%s': more than %d groups", name,
			       HANDOVER_GROUPS_MAX);
	*ret = (struct handover_user){ .wanted = 1, .uid = pw->pw_uid, .gid = pw->pw_gid };
	ret->n_groups = (uint32_t)n;
	for (int i = 0; i < n; i++)
		ret->groups[i] = groups[i];
	if (setenv("HOME", pw->pw_dir, 1) < 0 || setenv("SHELL", pw->pw_shell, 1) < 0 ||
	    setenv("USER", name, 1) < 0 || setenv("LOGNAME", name, 1) < 0)
		return err_errno(err, errno, "run as user '%s'", name);
	return 0;
}

int run_words(int argc, char *argv[])
{
	static const struct cli_helpers helpers = { find_user, explain, wait_for_uplink };

	return cli_run(argc, argv, &helpers);
}

int verb_run(int argc, char *argv[])
{
	return run_words(argc, argv);
}
