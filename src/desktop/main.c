/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-desktop add|always|remove|list|games|launch|start …
 *
 * What via-iface becomes for `desktop`: entries for the menus of desktops. They are files of the
 * user; nothing runs meanwhile, and what is written at once is whole. A file that does not say
 * that it is ours is never changed. No privilege.
 */
#include <errno.h>
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/files.h"
#include "cli/cli.h"
#include "cli/words.h"
#include "desktop/desktop.h"
#include "launch/program.h"

/* argv[0] is this program's name. */
static int read_line(int argc, char *argv[], struct line *ret, struct err *err)
{
	struct words w;
	struct line l;
	uint32_t ignored;

	if (words_read(VERB_DESKTOP, argc, argv, WORDS_MAX, &w, err) < 0)
		return -EINVAL;
	l = (struct line){ .n = w.n,
			   .name = w.title,
			   .replace = w.replace,
			   .action = w.action,
			   .json = w.json,
			   .quiet = w.quiet,
			   .wait = !w.waits ? NULL
				   : w.wait ? w.wait
					    : "" };
	for (int i = 0; i < w.n; i++)
		l.v[i] = w.v[i];
	if (l.name && (!*l.name || !g_utf8_validate(l.name, -1, NULL)))
		return err_set(err, EINVAL,
			       "invalid --name '%s': it is the name to be shown, in UTF-8", l.name);
	if (cli_parse_wait(w.wait, &ignored, err) < 0)
		return -EINVAL;
	*ret = l;
	return 0;
}

/* Options of one of add, remove, list have no effect with another. */
static int check_effect(const struct line *l, struct err *err)
{
	const char *what = l->n && l->v[0] ? l->v[0] : "";
	const char *of_add = l->replace  ? "replace"
			     : l->action ? "action"
			     : l->name   ? "name"
			     : l->wait   ? "wait"
					 : NULL;

	if (of_add && *what && strcmp(what, "add") != 0)
		return err_set(err, EINVAL,
			       "invalid option '--%s': it is one of `via-iface desktop add`",
			       of_add);
	if (l->json && *what && strcmp(what, "list") != 0 && strcmp(what, "games") != 0)
		return err_set(err, EINVAL,
			       "invalid option '--json': it is one of `via-iface desktop list`");
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(const struct line *l, struct err *err);
	} own[] = { { "add", desktop_add },
		    { "always", desktop_always },
		    { "remove", desktop_remove },
		    { "list", desktop_list },
		    { "games", desktop_games } };
	static const struct {
		const char *name;
		int (*run)(int argc, char *argv[], struct err *err);
	} starts[] = { { "start", desktop_start }, { "launch", desktop_launch } };
	struct err err = { 0 };
	struct line l = { 0 };

	for (size_t i = 0; i < ARRAY_SIZE(starts); i++)
		if (argc > 1 && !strcmp(argv[1], starts[i].name))
			return standard_files(&err) < 0 ||
					       starts[i].run(argc - 1, argv + 1, &err) < 0
				       ? program_fail(&err)
				       : program_finish(0);
	if (standard_files(&err) < 0 || (argc && read_line(argc, argv, &l, &err) < 0) ||
	    check_effect(&l, &err) < 0)
		return program_fail(&err);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (l.v[0] && !strcmp(l.v[0], own[i].name))
			return program_finish(own[i].run(&l, &err) < 0 ? program_fail(&err) : 0);
	err_set(&err, EINVAL,
		"read the command line: desktop does add, always, remove, list, games, launch "
		"or start%s%s%s",
		l.n ? ", not '" : "", l.n ? l.v[0] : "", l.n ? "'" : "");
	err_hint(&err, "`via-iface help desktop` explains them");
	return program_fail(&err);
}
