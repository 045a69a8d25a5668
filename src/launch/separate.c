/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "launch/separate.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "launch/instances.h"
#include "launch/outside.h"
#include "launch/paths.h"
#include "launch/wrappers.h"

#define OWN_TREE "/.local/share/via-iface/"

/* What starts a program with a session bus of its own (dbus-run-session(1)). */
static char *own_bus[] = { (char *)"dbus-run-session", (char *)"--" };

/* Whether one of the options is among the words already, with whatever value. */
static bool has_option(char *const words[], char *const options[])
{
	for (; *words; words++)
		for (char *const *o = options; *o; o++) {
			size_t len = strcspn(*o, "=");

			if ((*o)[0] == '-' && !strncmp(*words, *o, len) &&
			    (!(*words)[len] || (*words)[len] == '='))
				return true;
		}
	return false;
}

/* The command line with n_before words before the place `at`, and n more arguments behind it. */
static char **insert(char **program, size_t at, size_t n_before, char **more, size_t n)
{
	char **all;
	size_t count = 0;

	while (program[count])
		count++;
	all = calloc(count + n_before + n + 1, sizeof(*all));
	if (!all)
		return NULL;
	memcpy(all, program, at * sizeof(*all));
	memcpy(all + at, own_bus, n_before * sizeof(*all));
	all[at + n_before] = program[at];
	memcpy(all + at + n_before + 1, more, n * sizeof(*all));
	memcpy(all + at + n_before + 1 + n, program + at + 1, (count - at - 1) * sizeof(*all));
	return all;
}

/* Below the home alone, of which nothing else is ours. */
static int make_directory(const char *path, const char *home, struct err *err)
{
	char below[PATH_MAX];
	size_t len = strlen(home);
	const char *name;
	int fd;

	if (!len || strncmp(path, home, len) != 0 ||
	    strncmp(path + len, OWN_TREE, strlen(OWN_TREE)) != 0 ||
	    snprintf(below, sizeof(below), "%s/.", path) >= PATH_MAX)
		return 0;
	fd = path_parent(below, true, &name);
	if (fd < 0)
		return path_error(err, fd, "make directory", path);
	close(fd);
	return 0;
}

static int make_each(char *const words[], const char *home, struct err *err)
{
	int r = 0;

	for (; *words && r == 0; words++) {
		const char *value = (*words)[0] == '-' ? strchr(*words, '=') : NULL;

		r = make_directory(value ? value + 1 : *words, home, err);
	}
	return r;
}

/*
 * As the user whose home it is: with that user's groups, and the capabilities of root count for no
 * file meanwhile (capabilities(7), "Effect of user ID changes on capabilities").
 */
static int make_directories(char *const words[], const char *home, const struct handover_user *user,
			    struct err *err)
{
	_cleanup_free_ gid_t *own = NULL;
	gid_t groups[HANDOVER_GROUPS_MAX];
	int n = getgroups(0, NULL), r;

	if (!user || !user->wanted)
		return make_each(words, home, err);
	own = calloc((size_t)n + 1, sizeof(*own));
	for (uint32_t i = 0; i < user->n_groups; i++)
		groups[i] = user->groups[i];
	if (!own || getgroups(n, own) < 0 || setgroups(user->n_groups, groups) < 0)
		return err_errno(err, errno, "make directories as uid %u", user->uid);
	setfsgid(user->gid);
	setfsuid(user->uid);
	r = make_each(words, home, err);
	setfsuid(geteuid());
	setfsgid(getegid());
	if (setgroups((size_t)n, own) < 0 && r == 0)
		r = err_errno(err, errno, "set the groups again");
	return r;
}

/* Returns 1 where they are on the command line already, or there are none; else 0 or -errno. */
static int add(struct launch_options *o, const char *arguments, const struct uplink_list *uplinks,
	       size_t at, size_t n_before, const struct handover_user *user, struct err *err)
{
	const char *home = getenv("HOME");
	_cleanup_free_ char **more = NULL;
	_cleanup_free_ char *bytes = NULL;
	char **all;
	int n, r;

	home = home ? home : "";
	n = app_separate_arguments(arguments, home, uplinks, &more, &bytes);
	if (n < 0)
		return err_errno(err, ENOMEM, "run '%s'", o->program[0]);
	if (n + n_before == 0 || has_option(o->program + at + 1, more))
		return 1;
	r = make_directories(more, home, user, err);
	if (r < 0)
		return r;
	all = insert(o->program, at, n_before, more, (size_t)n);
	if (!all)
		return err_errno(err, ENOMEM, "run '%s'", o->program[0]);
	o->program = o->made = all;
	o->made_bytes = steal_ptr(bytes);
	return 0;
}

int separate_by_policy(struct launch_options *o, const struct app *app, size_t at,
		       const struct handover_user *user, struct err *err)
{
	const char *program = o->program[at];
	pid_t pid = 0;
	int r;

	if (!app->separate_instance[0])
		return 0;
	if (!o->separate && !app->separate_always) {
		pid = instance_find(app->match, user && user->wanted ? user->uid : geteuid(), NULL);
		if (!pid)
			return 0;
	}
	r = add(o, app->separate_instance, &o->request.uplinks, at, 0, user, err);
	if (r < 0)
		return r;
	o->separate = false; /* it is */
	if (r == 0 && pid && !o->quiet)
		text_print(
			stderr,
			"via-iface: %s (pid %d) already runs outside: a separate one is started, "
			"as [%s] says (`via-iface --no-app-policy` leaves that out)\n",
			program, (int)pid, app->section);
	return 0;
}

/* The program itself, behind wrappers that are known. */
static char *const *behind_wrappers(char *const argv[])
{
	char *const *next;

	for (size_t i = 0; i < WRAPPERS_MAX && (next = wrapper_behind(argv)); i++)
		argv = next;
	return argv;
}

int separate_as_asked(struct launch_options *o, const struct apps *apps,
		      const struct uplink_list *uplinks, const struct handover_user *user,
		      struct err *err)
{
	char *const *argv = NULL;
	const struct app *app = outside_section(apps, o->program, &argv);
	const char *arguments = app ? app->outside.separate : "";
	const char *name = program_base_name(*behind_wrappers(o->program));
	const size_t len = strlen(OUTSIDE_OWN_BUS);
	bool bus = !strncmp(arguments, OUTSIDE_OWN_BUS, len) && strchr(" ", arguments[len]);
	int r;

	if (!app && apps_know_outside(apps, name)) /* its arguments make it a separate one */
		return 0;
	if (app && app_outside_hands_over(app->outside.how) && arguments[0]) {
		if (bus)
			arguments += len + (arguments[len] == ' ');
		r = add(o, arguments, uplinks, (size_t)(argv - o->program), bus ? 2 : 0, user, err);
		return r < 0 ? r : 0;
	}
	err_set(err, EINVAL,
		"run '%s' with --separate: the app policy has no arguments that start a "
		"separate one",
		name);
	return err_hint(err, "end the one that runs first, or write 'outside-separate' into "
			     "~/.config/via-iface/apps (via-iface-apps.conf(5))");
}
