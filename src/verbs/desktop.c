/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface desktop add, remove, list: entries for the menus of desktops. They are files of the
 * user; nothing runs meanwhile, and what is written at once is whole. A file that does not say
 * that it is ours is never changed.
 */
#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "cli/apps.h"
#include "cli/cli.h"
#include "verbs/apps.h"
#include "verbs/desktop_exec.h"
#include "verbs/desktop_find.h"
#include "verbs/files.h"
#include "verbs/outside.h"
#include "verbs/paths.h"
#include "verbs/steam.h"
#include "verbs/table.h"
#include "verbs/verbs.h"

#define WORDS_MAX 3

struct line {
	const char *v[WORDS_MAX]; /* the verb's own verb, and what it is about */
	int n;
	const char *name; /* --name */
	bool replace, action, json, quiet;
};

/* --- the command line ------------------------------------------------------------------------ */

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
	if (l.name && !*l.name)
		return err_set(err, EINVAL, "read --name '': it is the name to be shown");
	*ret = l;
	return 0;
}

static int check_uplinks(const char *uplinks, struct err *err)
{
	struct request r = { 0 };

	if (copy_string(r.uplinks, sizeof(r.uplinks), uplinks) < 0)
		return err_set(err, EINVAL,
			       "read uplinks '%.40s…': the list is longer than %d bytes", uplinks,
			       SESSION_UPLINKS_MAX - 1);
	if (uplinks[0] == '-')
		return err_set(err, EINVAL, "read uplinks '%s': it looks like an option", uplinks);
	return request_check_uplinks(r.uplinks, err);
}

/* --- add ------------------------------------------------------------------------------------- */

/* An entry for a game of Steam: its own one, if there is any, would be started outside. */
static int make_game(const char *number, struct desktop_found *ret, struct err *err)
{
	_cleanup_strbuf_ struct strbuf exec = { 0 }, name = { 0 }, icon = { 0 }, notes = { 0 };
	const char *home = getenv("HOME");
	struct steam_game game;
	struct entry *e = &ret->entry;
	uint32_t id;
	int r;

	if (parse_u32(number, 1, UINT32_MAX, &id) < 0)
		return err_set(err, EINVAL,
			       "read 'steam:%s': behind the colon stands the number of a game, as "
			       "in store.steampowered.com/app/70",
			       number);
	r = steam_find(home ? home : "", id, &game, &notes, err);
	for (const char *line = strbuf_text(&notes); *line; line += strcspn(line, "\n") + 1)
		text_print(stderr, "via-iface: %.*s\n", (int)strcspn(line, "\n"), line);
	if (r < 0)
		return r;
	for (size_t i = 0; i < ARRAY_SIZE(game.command) && game.command[i]; i++)
		strbuf_add(&exec, "%s ", game.command[i]);
	strbuf_add(&exec, "steam://rungameid/%u", id);
	strbuf_add(&icon, "steam_icon_%u", id);
	entry_escape(&name, game.name);
	if (strbuf_failed(&exec) || strbuf_failed(&icon) || strbuf_failed(&name) ||
	    entry_set(e, ENTRY_MAIN, "Type", "Application") < 0 ||
	    entry_set(e, ENTRY_MAIN, "Name", strbuf_text(&name)) < 0 ||
	    entry_set(e, ENTRY_MAIN, "Icon", strbuf_text(&icon)) < 0 ||
	    entry_set(e, ENTRY_MAIN, "Exec", strbuf_text(&exec)) < 0 ||
	    entry_set(e, ENTRY_MAIN, "Categories", "Game;") < 0)
		return err_errno(err, ENOMEM, "make an entry for '%s'", game.name);
	snprintf(ret->id, sizeof(ret->id), "steam-%u.desktop", id);
	snprintf(ret->path, sizeof(ret->path), "steam:%u", id);
	return 0;
}

/* Without an uplink the app policy must have one, now already. */
static int check_policy(const struct entry *e, struct err *err)
{
	const char *exec = entry_get(e, ENTRY_MAIN, "Exec");
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_exec_ struct exec x = { 0 };
	struct cli_options o = { .quiet = true };
	int r = exec_parse(exec ? exec : "", &x, err);

	if (r < 0)
		return r;
	if (exec_words(&x, &words, &bytes) < 0)
		return err_errno(err, ENOMEM, "read Exec");
	o.program = words;
	strcpy(o.request.name, "x"); /* checked with the rest */
	r = apps_apply(&o, NULL, err);
	free(o.made);
	free(o.made_bytes);
	return r;
}

enum there { THERE_NOTHING, THERE_OURS, THERE_FOREIGN };

/* What lies at a path; of ours the entry, too, into ret. */
static enum there look_at(const char *path, struct entry *ret)
{
	_cleanup_free_ char *text = NULL;
	struct stat st;
	size_t len;

	if (lstat(path, &st) < 0)
		return errno == ENOENT || errno == ENOTDIR ? THERE_NOTHING : THERE_FOREIGN;
	if (!S_ISREG(st.st_mode) || file_read(path, ENTRY_BYTES_MAX, &text, &len, NULL) < 0 ||
	    entry_parse(text, len, ret, NULL) < 0)
		return THERE_FOREIGN;
	if (desktop_kind_of(ret) != DESKTOP_KIND_COUNT)
		return THERE_OURS;
	entry_done(ret);
	return THERE_FOREIGN;
}

static bool same_value(const struct entry *e, const char *key, const char *text)
{
	_cleanup_strbuf_ struct strbuf have = { 0 };
	const char *value = entry_get(e, ENTRY_MAIN, key);

	entry_unescape(&have, value ? value : "");
	return value && !strcmp(strbuf_text(&have), text);
}

/* A name for an entry of its own: free, or that of the one that this one takes the place of. */
static int find_place(const struct desktop_found *of, const char *uplinks, char path[PATH_MAX],
		      struct err *err)
{
	_cleanup_strbuf_ struct strbuf base = { 0 };
	char dir[PATH_MAX];
	int r = desktop_own_dir(dir, err);

	if (r < 0)
		return r;
	desktop_slug(&base, of->id);
	strbuf_truncate(&base, base.len - strlen(".desktop"));
	strbuf_add(&base, "-");
	desktop_slug(&base, uplinks[0] ? uplinks : "policy");
	for (unsigned int number = 1; number < 1000; number++) {
		_cleanup_entry_ struct entry there = { 0 };
		char more[16] = "";

		if (number > 1)
			snprintf(more, sizeof(more), "-%u", number);
		if (snprintf(path, PATH_MAX, "%s/" DESKTOP_PREFIX "%.*s%s.desktop", dir,
			     (int)(base.len < 200 ? base.len : 200), strbuf_text(&base),
			     more) >= PATH_MAX)
			break;
		switch (look_at(path, &there)) {
		case THERE_NOTHING:
			return 0;
		case THERE_OURS:
			if (same_value(&there, DESKTOP_SOURCE, of->path) &&
			    same_value(&there, DESKTOP_UPLINK, uplinks))
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
	_cleanup_entry_ struct entry there = { 0 };
	char dir[PATH_MAX];
	int r = desktop_own_dir(dir, err);

	if (r < 0)
		return r;
	if (snprintf(path, PATH_MAX, "%s/%s", dir, of->id) >= PATH_MAX)
		return err_set(err, ENAMETOOLONG, "write an entry for '%s': its path is too long",
			       of->id);
	switch (look_at(path, &there)) {
	case THERE_NOTHING:
		break;
	case THERE_FOREIGN:
		err_set(err, EEXIST, "take the place of '%s': '%s' is not ours", of->id, path);
		return err_hint(err,
				"leave out --replace and --action, and a second entry is made");
	case THERE_OURS:
		if (action) { /* it gets one more */
			entry_done(&of->entry);
			of->entry = there;
			there = (struct entry){ 0 };
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
	if (strncmp(l->v[1], "steam:", 6) != 0)
		return desktop_find(l->v[1], ret, err);
	if (l->replace || l->action)
		return err_set(err, EINVAL,
			       "add '%s': a game of Steam gets an entry of its own; leave out "
			       "--replace and --action",
			       l->v[1]);
	return make_game(l->v[1] + 6, ret, err);
}

/* What --strict will refuse, whenever it is started: said now, since nobody sees it then. */
static void warn_of_outside(const struct entry *e, const char *uplinks)
{
	const char *exec = entry_get(e, ENTRY_MAIN, "Exec");
	_cleanup_free_ char **words = NULL;
	_cleanup_free_ char *bytes = NULL;
	_cleanup_exec_ struct exec x = { 0 };
	struct err ignored = { 0 }, told = { 0 };
	const struct app *app;
	struct apps all = { 0 };
	struct outside_question q = { .apps = &all, .uid = geteuid(), .scope.uplinks = uplinks };

	if (!exec || exec_parse(exec, &x, &ignored) < 0 || exec_words(&x, &words, &bytes) < 0)
		return;
	q.argv = words;
	if (!apps_mention(words) || apps_load(APPS_DIR_COUNT, &all, &ignored) < 0)
		return;
	app = outside_section(&all, words, NULL);
	if (app &&
	    (app->outside.how == APP_OUTSIDE_SERVER || app->outside.how == APP_OUTSIDE_BUS) &&
	    outside_look(&q, &told))
		fprintf(stderr, "via-iface: warning: the entry will start nothing: %s\n",
			told.text);
	apps_done(&all);
}

static int add(const struct line *l, struct err *err)
{
	struct desktop_wish wish = {
		.kind = l->replace  ? DESKTOP_REPLACE
			: l->action ? DESKTOP_ACTION
				    : DESKTOP_ENTRY,
		.uplinks = l->n > 2 ? l->v[2] : "",
		.name = l->name,
	};
	_cleanup_strbuf_ struct strbuf text = { 0 };
	struct desktop_found of = { 0 };
	char path[PATH_MAX];
	int r = 0;

	if (l->n < 2 || (l->replace && l->action)) {
		err_set(err, EINVAL, "read the command line: %s",
			l->n < 2 ? "no app is named" : "it is either --replace or --action");
		return err_hint(err, "say for example `via-iface desktop add steam wlp6s0`");
	}
	if (l->n > 2)
		r = check_uplinks(wish.uplinks, err);
	if (r == 0)
		r = find_original(l, &of, err);
	if (r == 0 && l->n == 2)
		r = check_policy(&of.entry, err);
	if (r == 0 && wish.kind == DESKTOP_ENTRY)
		r = find_place(&of, wish.uplinks, path, err);
	else if (r == 0)
		r = take_place(&of, l->action, path, err);
	wish.source = of.path;
	if (r == 0 && !l->quiet)
		warn_of_outside(&of.entry, wish.uplinks);
	if (r == 0) {
		r = desktop_make(&of.entry, &wish, err);
		if (r < 0)
			err_wrap(err, "add '%s'", of.path);
	}
	if (r == 0) {
		entry_print(&of.entry, &text);
		r = strbuf_failed(&text) ? err_errno(err, ENOMEM, "write '%s'", path)
					 : file_write(path, strbuf_text(&text), text.len, err);
	}
	desktop_found_done(&of);
	if (r == 0 && !l->quiet)
		text_print(stdout, "%s\n", path);
	return r;
}

/* --- remove ---------------------------------------------------------------------------------- */

/* The id of the entry, that of its original, or what its original was called at `add`. */
static bool is_meant(const struct desktop_found *f, const char *word)
{
	_cleanup_strbuf_ struct strbuf source = { 0 };
	const char *value = entry_get(&f->entry, ENTRY_MAIN, DESKTOP_SOURCE), *text, *slash;
	const char *names[3];

	entry_unescape(&source, value ? value : "");
	text = strbuf_text(&source);
	slash = strrchr(text, '/');
	names[0] = f->id;
	names[1] = text;
	names[2] = slash ? slash + 1 : text;
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		size_t len = strlen(word);

		if (len && !strncmp(names[i], word, len) &&
		    (!names[i][len] || !strcmp(names[i] + len, ".desktop")))
			return true;
	}
	return false;
}

/* Returns 1 when it is gone, 0 when it was not about that uplink. */
static int remove_one(struct desktop_found *f, const char *uplinks, struct err *err)
{
	_cleanup_strbuf_ struct strbuf text = { 0 };
	size_t before = f->entry.n;
	int left;

	if (uplinks && desktop_kind_of(&f->entry) == DESKTOP_ACTION) {
		left = desktop_unmake_action(&f->entry, uplinks);
		if (left < 0)
			return err_errno(err, ENOMEM, "change '%s'", f->path);
		if (f->entry.n == before)
			return 0;
		if (left > 0) {
			entry_print(&f->entry, &text);
			if (strbuf_failed(&text))
				return err_errno(err, ENOMEM, "write '%s'", f->path);
			left = file_write(f->path, text.text, text.len, err);
			return left < 0 ? left : 1;
		}
	} else if (uplinks && !same_value(&f->entry, DESKTOP_UPLINK, uplinks)) {
		return 0;
	}
	left = path_unlink(f->path);
	return left < 0 ? path_error(err, left, "remove", f->path) : 1;
}

static int remove_all(const struct line *l, struct err *err)
{
	const char *uplinks = l->n > 2 ? l->v[2] : NULL;
	struct desktop_list ours = { 0 };
	int n = 0, r;

	if (l->n < 2) {
		err_set(err, EINVAL, "read the command line: no entry is named");
		return err_hint(err, "`via-iface desktop list` shows them");
	}
	r = desktop_list_ours(&ours, err);
	for (size_t i = 0; i < ours.n && r >= 0; i++) {
		if (!is_meant(&ours.v[i], l->v[1]))
			continue;
		r = remove_one(&ours.v[i], uplinks, err);
		n += r > 0;
		if (r > 0 && !l->quiet)
			text_print(stdout, "%s\n", ours.v[i].path);
	}
	desktop_list_done(&ours);
	if (r >= 0 && !n) {
		err_set(err, ENOENT, "remove '%s': no entry of ours has that name%s%s%s", l->v[1],
			uplinks ? " and the uplink '" : "", uplinks ? uplinks : "",
			uplinks ? "'" : "");
		r = err_hint(err, "`via-iface desktop list` shows them");
	}
	return r < 0 ? r : 0;
}

/* --- list ------------------------------------------------------------------------------------ */

struct row {
	const struct desktop_found *of;
	const char *group; /* whose Name and uplink it is */
};

static char *value_of(const struct row *row, const char *group, const char *key)
{
	struct strbuf text = { 0 };
	const char *value = entry_get(&row->of->entry, group, key);

	entry_unescape(&text, value ? value : "");
	return text.text ? text.text : strdup("");
}

static void add_json(struct json_object *array, const struct row *row)
{
	_cleanup_free_ char *uplink = value_of(row, row->group, DESKTOP_UPLINK);
	_cleanup_free_ char *name = value_of(row, row->group, "Name");
	_cleanup_free_ char *source = value_of(row, ENTRY_MAIN, DESKTOP_SOURCE);
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_string(row->of->id));
	json_object_object_add(o, "uplink", json_object_new_string(uplink ? uplink : ""));
	json_object_object_add(o, "kind",
			       json_object_new_string(
				       desktop_kind_name(desktop_kind_of(&row->of->entry))));
	json_object_object_add(o, "name", json_object_new_string(name ? name : ""));
	json_object_object_add(o, "source", json_object_new_string(source ? source : ""));
	json_object_object_add(o, "path", json_object_new_string(row->of->path));
	json_object_array_add(array, o);
}

static void add_text(struct table *t, const struct row *row)
{
	_cleanup_free_ char *uplink = value_of(row, row->group, DESKTOP_UPLINK);
	_cleanup_free_ char *name = value_of(row, row->group, "Name");

	table_add(t, "%s", row->of->id);
	table_add(t, "%s", uplink && *uplink ? uplink : "(policy)");
	table_add(t, "%s", desktop_kind_name(desktop_kind_of(&row->of->entry)));
	table_add(t, "%s", name ? name : "");
}

/* An entry, or each action of one. */
static void list_one(const struct desktop_found *f, struct table *t, struct json_object *array)
{
	struct row row = { .of = f, .group = ENTRY_MAIN };
	bool actions = desktop_kind_of(&f->entry) == DESKTOP_ACTION;

	for (size_t i = 0; i < f->entry.n; i++) {
		const struct entry_line *l = &f->entry.v[i];

		if (l->kind != ENTRY_GROUP || actions == !strcmp(l->key, ENTRY_MAIN) ||
		    !entry_get(&f->entry, l->key, DESKTOP_UPLINK))
			continue;
		row.group = l->key;
		if (array)
			add_json(array, &row);
		else
			add_text(t, &row);
	}
}

static int list(const struct line *l, struct err *err)
{
	struct json_object *array = l->json ? json_object_new_array() : NULL;
	struct table t = { .columns = 4 };
	struct desktop_list ours = { 0 };
	int r = l->n > 1 ? err_set(err, EINVAL,
				   "read '%s': that is a word too many for desktop list", l->v[1])
			 : desktop_list_ours(&ours, err);

	if (r == 0 && !array) {
		table_add(&t, "ID");
		table_add(&t, "UPLINK");
		table_add(&t, "KIND");
		table_add(&t, "NAME");
	}
	for (size_t i = 0; i < ours.n && r == 0; i++)
		list_one(&ours.v[i], &t, array);
	if (r == 0 && array)
		text_print_json(stdout, json_object_to_json_string_ext(
						array, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (r == 0 && table_print(&t, stdout) < 0)
		r = err_errno(err, ENOMEM, "print the list");
	json_object_put(array);
	desktop_list_done(&ours);
	return r;
}

/* --------------------------------------------------------------------------------------------- */

int verb_desktop(int argc, char *argv[])
{
	static const struct {
		const char *name;
		int (*run)(const struct line *l, struct err *err);
	} own[] = { { "add", add }, { "remove", remove_all }, { "list", list } };
	struct err err = { 0 };
	struct line l = { 0 };

	(void)argc;
	if (read_line(argv, &l, &err) < 0)
		return cli_fail(&err);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (l.n && !strcmp(l.v[0], own[i].name))
			return own[i].run(&l, &err) < 0 ? cli_fail(&err) : 0;
	err_set(&err, EINVAL, "read the command line: desktop does add, remove or list%s%s%s",
		l.n ? ", not '" : "", l.n ? l.v[0] : "", l.n ? "'" : "");
	err_hint(&err, "see `via-iface --help`");
	return cli_fail(&err);
}
