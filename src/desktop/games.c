/* SPDX-License-Identifier: GPL-2.0-or-later */
/* via-iface desktop games: what `desktop add steam:NUMBER` can be said of. */
#include <errno.h>
#include <json.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "desktop/desktop.h"
#include "desktop/steam.h"
#include "verbs/table.h"

static void add_json(struct json_object *array, const struct steam_game *game)
{
	struct json_object *o = json_object_new_object();
	char id[32];

	snprintf(id, sizeof(id), "steam:%u", game->id);
	json_object_object_add(o, "app", json_object_new_string(id));
	json_object_object_add(o, "name", json_object_new_string(game->name));
	snprintf(id, sizeof(id), "steam_icon_%u", game->id);
	json_object_object_add(o, "icon", json_object_new_string(id));
	json_object_array_add(array, o);
}

int desktop_games(const struct line *l, struct err *err)
{
	static const struct table_column columns[] = { { "APP" }, { "NAME", .least = 12 } };
	struct json_object *array = l->json ? json_object_new_array() : NULL;
	struct table t = { .of = columns, .columns = 2 };
	_cleanup_strbuf_ struct strbuf ignored = { 0 };
	const char *home = getenv("HOME");
	struct steam_games games = { 0 };
	int r = 0;

	if (l->n > 1)
		return err_set(err, EINVAL, "read '%s': that is a word too many for desktop games",
			       l->v[1]);
	steam_list(home ? home : "", &games, &ignored);
	for (size_t i = 0; i < games.n; i++) {
		if (array) {
			add_json(array, &games.v[i]);
		} else {
			table_add(&t, "steam:%u", games.v[i].id);
			table_add(&t, "%s", games.v[i].name);
		}
	}
	if (array)
		text_print_json(stdout, json_object_to_json_string_ext(
						array, JSON_C_TO_STRING_PRETTY |
							       JSON_C_TO_STRING_NOSLASHESCAPE));
	else if (table_print(&t, &(struct terminal){ .width = terminal_width() }, stdout) < 0)
		r = err_errno(err, ENOMEM, "print the list");
	json_object_put(array);
	steam_list_done(&games);
	return r;
}
