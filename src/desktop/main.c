/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-desktop add|remove|list …
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
#include "desktop/desktop.h"
#include "launch/program.h"

static int take_option(char *argv[], int *i, struct line *l, struct err *err)
{
	const char *word = argv[*i];

	if (!strcmp(word, "--replace")) {
		l->replace = true;
	} else if (!strcmp(word, "--action")) {
		l->action = true;
	} else if (!strcmp(word, "--json")) {
		l->json = true;
	} else if (!strcmp(word, "-q") || !strcmp(word, "--quiet")) {
		l->quiet = true;
	} else if (!strncmp(word, "--name=", 7)) {
		l->name = word + 7;
	} else if (!strcmp(word, "--name") && argv[*i + 1]) {
		l->name = argv[++*i];
	} else {
		err_set(err, EINVAL, "read option '%s': %s", word,
			!strcmp(word, "--name") ? "its value is missing"
						: "desktop has no such option");
		return err_hint(err, "see `via-iface --help`");
	}
	return 0;
}

static int read_line(char *argv[], struct line *ret, struct err *err)
{
	struct line l = { 0 };
	bool ended = false;

	for (int i = 1; argv[i]; i++) {
		if (!ended && !strcmp(argv[i], "--")) {
			ended = true;
		} else if (!ended && argv[i][0] == '-') {
			if (take_option(argv, &i, &l, err) < 0)
				return -EINVAL;
		} else if (l.n == WORDS_MAX) {
			return err_set(err, EINVAL,
				       "read '%s': that is a word too many for desktop", argv[i]);
		} else {
			l.v[l.n++] = argv[i];
		}
	}
	if (l.name && (!*l.name || !g_utf8_validate(l.name, -1, NULL)))
		return err_set(err, EINVAL,
			       "read --name '%s': it is the name to be shown, in UTF-8", l.name);
	*ret = l;
	return 0;
}

int main(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(const struct line *l, struct err *err);
	} own[] = { { "add", desktop_add },
		    { "remove", desktop_remove },
		    { "list", desktop_list } };
	struct err err = { 0 };
	struct line l = { 0 };

	if (standard_files(&err) < 0 || (argc && read_line(argv, &l, &err) < 0))
		return program_fail(&err);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (l.n && !strcmp(l.v[0], own[i].name))
			return own[i].run(&l, &err) < 0 ? program_fail(&err) : 0;
	err_set(&err, EINVAL, "read the command line: desktop does add, remove or list%s%s%s",
		l.n ? ", not '" : "", l.n ? l.v[0] : "", l.n ? "'" : "");
	err_hint(&err, "see `via-iface --help`");
	return program_fail(&err);
}
