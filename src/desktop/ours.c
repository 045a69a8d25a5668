/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface desktop remove, list: what was made, by what is written in it. */
#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "desktop/badge.h"
#include "desktop/desktop.h"
#include "desktop/find.h"
#include "desktop/make.h"
#include "desktop/policy.h"
#include "launch/paths.h"
#include "verbs/table.h"

/* --- remove ---------------------------------------------------------------------------------- */

/* As `list` prints it: who removes an entry has read its name there. */
static char *printed(const char *text)
{
	char *ret = NULL;
	size_t len;
	FILE *to = open_memstream(&ret, &len);

	if (!to)
		return NULL;
	text_print(to, "%s", text);
	fclose(to);
	return ret;
}

static bool is_name(const char *name, const char *word)
{
	_cleanup_free_ char *shown = printed(name);
	const char *const forms[] = { name, shown ? shown : name };
	size_t len = strlen(word);

	for (size_t i = 0; i < ARRAY_SIZE(forms) && len; i++)
		if (!strncmp(forms[i], word, len) &&
		    (!forms[i][len] || !strcmp(forms[i] + len, ".desktop")))
			return true;
	return false;
}

/* The id of an original: its path from "applications" on, with '-' for '/'. */
static char *id_of(const char *source)
{
	static const char top[] = "/applications/";
	const char *at = g_strrstr(source, top);

	return at ? g_strdelimit(g_strdup(at + strlen(top)), "/", '-') : g_strdup(source);
}

/* By the id of the entry, or its original's id, path, or name of its file. */
static bool is_meant(const struct desktop_found *f, const char *word)
{
	g_autofree char *source = entry_source(f->entry);
	g_autofree char *id = id_of(source);
	const char *slash = strrchr(source, '/');

	return is_name(f->id, word) || is_name(source, word) || is_name(id, word) ||
	       is_name(slash ? slash + 1 : source, word);
}

/* Returns 1 when it is gone, 0 when it was not about that uplink. */
static int remove_one(struct desktop_found *f, const char *uplinks, struct err *err)
{
	int r;

	if (uplinks && desktop_kind_of(f->entry) == DESKTOP_ACTION) {
		bool gone;
		size_t left = desktop_unmake_action(f->entry, uplinks, &gone);

		if (!gone)
			return 0;
		if (left) {
			r = entry_save(f->entry, f->path, err);
			return r < 0 ? r : 1;
		}
	} else if (uplinks && !entry_says(f->entry, ENTRY_MAIN, DESKTOP_UPLINK, uplinks)) {
		return 0;
	}
	r = path_unlink(f->path);
	if (r < 0)
		return path_error(err, r, "remove", f->path);
	r = badge_remove(f->id, err);
	/* what `desktop always` has written is of no use without it */
	if (r == 0 && desktop_kind_of(f->entry) == DESKTOP_REPLACE)
		r = policy_remove(f->id, err);
	return r < 0 ? r : 1;
}

int desktop_remove(const struct line *l, struct err *err)
{
	const char *uplinks = l->n > 2 ? l->v[2] : NULL;
	struct desktop_list ours = { 0 };
	int n = 0, r;

	if (l->n < 2) {
		err_set(err, EINVAL, "read the command line: no entry is named");
		return err_hint(err, "`via-iface desktop list` shows them");
	}
	r = find_ours(&ours, err);
	for (size_t i = 0; i < ours.n && r >= 0; i++) {
		if (!is_meant(&ours.v[i], l->v[1]))
			continue;
		r = remove_one(&ours.v[i], uplinks, err);
		n += r > 0;
		if (r > 0 && !l->quiet)
			text_print(stdout, "%s\n", ours.v[i].path);
	}
	find_done(&ours);
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
	struct desktop_found *of;
	const char *group; /* whose Name and uplink it is */
};

static char *value_of(const struct row *row, const char *group, const char *key)
{
	char *value = entry_string(row->of->entry, group, key);

	return value ? value : g_strdup("");
}

static void add_json(struct json_object *array, const struct row *row)
{
	g_autofree char *uplink = value_of(row, row->group, DESKTOP_UPLINK);
	g_autofree char *name = value_of(row, row->group, "Name");
	g_autofree char *source = entry_source(row->of->entry);
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "id", json_object_new_string(row->of->id));
	json_object_object_add(o, "uplink", json_object_new_string(uplink));
	json_object_object_add(o, "kind",
			       json_object_new_string(
				       desktop_kind_name(desktop_kind_of(row->of->entry))));
	json_object_object_add(o, "name", json_object_new_string(name));
	json_object_object_add(o, "source", json_object_new_string(source));
	json_object_object_add(o, "path", json_object_new_string(row->of->path));
	json_object_array_add(array, o);
}

static void add_text(struct table *t, const struct row *row)
{
	g_autofree char *uplink = value_of(row, row->group, DESKTOP_UPLINK);
	g_autofree char *name = value_of(row, row->group, "Name");

	table_add(t, "%s", row->of->id);
	table_add(t, "%s", *uplink ? uplink : "(policy)");
	table_add(t, "%s", desktop_kind_name(desktop_kind_of(row->of->entry)));
	table_add(t, "%s", name);
}

/* An entry, or each action of one. */
static void list_one(struct desktop_found *f, struct table *t, struct json_object *array)
{
	g_auto(GStrv) groups = g_key_file_get_groups(f->entry, NULL);
	bool actions = desktop_kind_of(f->entry) == DESKTOP_ACTION;

	for (size_t i = 0; groups[i]; i++) {
		struct row row = { .of = f, .group = groups[i] };

		if (actions == !strcmp(groups[i], ENTRY_MAIN) ||
		    !g_key_file_has_key(f->entry, groups[i], DESKTOP_UPLINK, NULL))
			continue;
		if (array)
			add_json(array, &row);
		else
			add_text(t, &row);
	}
}

int desktop_list(const struct line *l, struct err *err)
{
	struct json_object *array = l->json ? json_object_new_array() : NULL;
	static const struct table_column columns[] = {
		{ "ID", .least = 12 }, { "UPLINK", .least = 8 }, { "KIND" }, { "NAME", .least = 12 }
	};
	struct table t = { .of = columns, .columns = 4 };
	struct desktop_list ours = { 0 };
	int r = l->n > 1 ? err_set(err, EINVAL,
				   "read '%s': that is a word too many for desktop list", l->v[1])
			 : find_ours(&ours, err);

	for (size_t i = 0; i < ours.n && r == 0; i++)
		list_one(&ours.v[i], &t, array);
	if (r == 0 && array)
		text_print_json(stdout, json_object_to_json_string_ext(
						array, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (r == 0 &&
		 table_print(&t, &(struct terminal){ .width = terminal_width() }, stdout) < 0)
		r = err_errno(err, ENOMEM, "print the list");
	json_object_put(array);
	find_done(&ours);
	return r;
}
