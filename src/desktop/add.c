/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface desktop add: what is made of an original, and where it goes. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "desktop/badge.h"
#include "desktop/check.h"
#include "desktop/desktop.h"
#include "desktop/exec.h"
#include "desktop/find.h"
#include "desktop/make.h"
#include "desktop/original.h"
#include "launch/apps.h"
#include "launch/apps_apply.h"
#include "launch/launch.h"
#include "launch/outside.h"

/* Without an uplink the app policy must have one, now already. */
static int check_policy(GKeyFile *e, struct err *err)
{
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	struct launch_options o = { .quiet = true };
	int r = original_words(e, &words, &bytes, err);

	if (r < 0)
		return r;
	o.program = words;
	strcpy(o.request.name, "x"); /* checked with the rest */
	r = apps_load_and_apply(&o, err);
	free(o.made);
	free(o.made_bytes);
	return r;
}

enum there { THERE_NOTHING, THERE_OURS, THERE_FOREIGN };

/* What lies at a path; of ours the entry, too. */
static enum there read_existing(const char *path, GKeyFile **ret)
{
	g_autoptr(GKeyFile) e = NULL;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? THERE_NOTHING : THERE_FOREIGN;
	e = S_ISREG(st.st_mode) ? entry_load(path, NULL) : NULL;
	if (!e || desktop_kind_of(e) == DESKTOP_KIND_COUNT)
		return THERE_FOREIGN;
	*ret = g_steal_pointer(&e);
	return THERE_OURS;
}

/* A name for an entry of its own: free, or that of the one that this one takes the place of. */
static int find_place(const struct desktop_found *of, const char *uplinks, char path[PATH_MAX],
		      struct err *err)
{
	g_autofree char *id = NULL, *base = NULL, *list = NULL;
	char dir[PATH_MAX];
	int r = desktop_own_dir(dir, err);

	if (r < 0)
		return r;
	id = desktop_slug(of->id);
	id[strlen(id) - strlen(".desktop")] = 0; /* an id has it */
	list = desktop_slug(uplinks[0] ? uplinks : "policy");
	base = g_strdup_printf("%s-%s", id, list);
	for (unsigned int number = 1; number < 1000; number++) {
		g_autoptr(GKeyFile) there = NULL;
		g_autofree char *source = NULL;
		char more[16] = "";

		if (number > 1)
			snprintf(more, sizeof(more), "-%u", number);
		if (snprintf(path, PATH_MAX, "%s/" DESKTOP_PREFIX "%.200s%s.desktop", dir, base,
			     more) >= PATH_MAX)
			break;
		switch (read_existing(path, &there)) {
		case THERE_NOTHING:
			return 0;
		case THERE_OURS:
			source = entry_source(there);
			if (!strcmp(source, of->path) &&
			    entry_says(there, ENTRY_MAIN, DESKTOP_UPLINK, uplinks))
				return 0;
			break;
		case THERE_FOREIGN:
			break;
		}
	}
	return err_set(err, EEXIST, "write an entry for '%s': no name for it is free in '%s'",
		       of->id, dir);
}

/* In the original's place: the user's own directory comes before all others. */
static int take_place(struct desktop_found *of, bool action, char path[PATH_MAX], struct err *err)
{
	g_autoptr(GKeyFile) there = NULL;
	char dir[PATH_MAX];
	int r = desktop_own_dir(dir, err);

	if (r < 0)
		return r;
	if (snprintf(path, PATH_MAX, "%s/%s", dir, of->id) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "write an entry for '%s': its path is too long",
			       of->id);
	switch (read_existing(path, &there)) {
	case THERE_NOTHING:
		break;
	case THERE_FOREIGN:
		err_set(err, EEXIST, "take the place of '%s': '%s' is not ours", of->id, path);
		return err_hint(err,
				"leave out --replace and --action, and a second entry is made");
	case THERE_OURS:
		if (action) { /* it gets one more */
			g_key_file_unref(of->entry);
			of->entry = g_steal_pointer(&there);
		}
		break;
	}
	/* below a directory of its own the original would come first */
	if (!strncmp(of->path, dir, strlen(dir)) && of->path[strlen(dir)] == '/') {
		err_set(err, EEXIST, "take the place of '%s': '%s' is your own", of->id, of->path);
		return err_hint(err,
				"leave out --replace and --action, and a second entry is made");
	}
	return 0;
}

static int find_original(const struct line *l, struct desktop_found *ret, struct err *err)
{
	if (original_is_game(l->v[1]) && (l->replace || l->action))
		return err_set(err, EINVAL,
			       "add '%s': a game of Steam gets an entry of its own; leave out "
			       "--replace and --action",
			       l->v[1]);
	return original_find(l->v[1], ret, err);
}

static void warn_of_program(GKeyFile *e)
{
	struct err told = { 0 };

	if (check_program(e, &told) < 0)
		text_print(stderr, "via-iface: warning: the entry will start nothing: %s\n",
			   told.text);
}

/* What --strict will refuse, whenever it is started: said now, since nobody sees it then. */
static void warn_of_outside(GKeyFile *e, const struct uplink_list *uplinks)
{
	g_autofree char *exec = entry_string(e, ENTRY_MAIN, "Exec");
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_exec_ struct exec x = { 0 };
	struct outside_found told = { 0 };
	struct err ignored = { 0 };
	const struct app *app;
	struct apps all = { 0 };
	struct outside_question q = { .apps = &all, .uid = geteuid(), .scope.uplinks = uplinks };

	if (!exec || exec_parse(exec, &x, &ignored) < 0 || exec_words(&x, &words, &bytes) < 0)
		return;
	q.argv = words;
	if (apps_load(APPS_DIR_COUNT, &all, &ignored) < 0)
		return;
	app = outside_section(&all, words, NULL);
	if (app && app->outside.how == APP_OUTSIDE_SERVER && outside_find_server(&q, &told))
		fprintf(stderr, "via-iface: warning: the entry will start nothing: %s\n",
			told.line.text);
	apps_done(&all);
}

static char *id_without_end(const char *path)
{
	char *id = g_path_get_basename(path);

	id[strlen(id) - strlen(".desktop")] = 0;
	return id;
}

/* Without it the entry has the original's icon, and does the same. */
static void add_badge(GKeyFile *e, const char *path, const char *source)
{
	g_autofree char *id = g_path_get_basename(path);
	struct err err = { 0 };

	if (badge_add(e, id, source, &err) < 0)
		text_print(stderr, "via-iface: warning: the entry has no icon of its own: %s\n",
			   err.text);
}

int desktop_add(const struct line *l, struct err *err)
{
	struct desktop_wish wish = {
		.kind = l->replace  ? DESKTOP_REPLACE
			: l->action ? DESKTOP_ACTION
				    : DESKTOP_ENTRY,
		.uplinks = l->n > 2 ? l->v[2] : "",
		.name = l->name,
		.wait = l->wait,
	};
	g_autoptr(GKeyFile) made = NULL;
	g_autofree char *class = NULL;
	struct uplink_list uplinks = { 0 };
	struct desktop_found of = { 0 };
	char path[PATH_MAX];
	int r = 0;

	if (l->n < 2 || (l->replace && l->action)) {
		err_set(err, EINVAL, "read the command line: %s",
			l->n < 2 ? "no app is named" : "it is either --replace or --action");
		return err_hint(err, "say for example `via-iface desktop add steam wlp6s0`");
	}
	if (l->n > 2)
		r = check_uplinks(wish.uplinks, &uplinks, err);
	if (r == 0)
		r = find_original(l, &of, err);
	if (r == 0 && l->n == 2)
		r = check_policy(of.entry, err);
	if (r == 0 && wish.kind == DESKTOP_ENTRY)
		r = find_place(&of, wish.uplinks, path, err);
	else if (r == 0)
		r = take_place(&of, l->action, path, err);
	wish.source = of.path;
	if (r == 0 && wish.kind == DESKTOP_ENTRY) {
		class = id_without_end(path);
		wish.class = class;
	}
	if (r == 0) {
		made = desktop_make(of.entry, &wish, err);
		if (!made)
			r = err_wrap(err, "add '%s'", of.path);
	}
	if (r == 0 && wish.kind != DESKTOP_ACTION)
		add_badge(made, path, of.path);
	if (r == 0)
		r = entry_save(made, path, err);
	if (r == 0 && !l->quiet) {
		warn_of_program(of.entry);
		warn_of_outside(of.entry, &uplinks);
	}
	desktop_found_done(&of);
	if (r == 0 && !l->quiet)
		text_print(stdout, "%s\n", path);
	return r;
}
