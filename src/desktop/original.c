/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/original.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "desktop/exec.h"
#include "desktop/steam.h"

#define GAME "steam:"

static int make_game(const char *number, struct desktop_found *ret, struct err *err)
{
	_cleanup_strbuf_ struct strbuf notes = { 0 };
	g_autoptr(GString) exec = g_string_new(NULL);
	const char *home = getenv("HOME");
	struct steam_game game;
	char icon[32];
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
		g_string_append_printf(exec, "%s ", game.command[i]);
	g_string_append_printf(exec, "steam://rungameid/%u", id);
	snprintf(icon, sizeof(icon), "steam_icon_%u", id);
	ret->entry = g_key_file_new();
	entry_set(ret->entry, ENTRY_MAIN, "Type", "Application");
	entry_set(ret->entry, ENTRY_MAIN, "Name", game.name);
	entry_set(ret->entry, ENTRY_MAIN, "Icon", icon);
	entry_set(ret->entry, ENTRY_MAIN, "Exec", exec->str);
	entry_set(ret->entry, ENTRY_MAIN, "Categories", "Game;");
	snprintf(ret->id, sizeof(ret->id), "steam-%u.desktop", id);
	snprintf(ret->path, sizeof(ret->path), "steam:%u", id);
	return 0;
}

bool original_is_game(const char *what)
{
	return g_str_has_prefix(what, GAME);
}

int original_find(const char *what, struct desktop_found *ret, struct err *err)
{
	if (original_is_game(what))
		return make_game(what + strlen(GAME), ret, err);
	return desktop_find(what, ret, err);
}

int original_words(GKeyFile *e, char ***ret, char **ret_bytes, struct err *err)
{
	g_autofree char *exec = entry_string(e, ENTRY_MAIN, "Exec");
	_cleanup_exec_ struct exec x = { 0 };
	int r = exec_parse(exec ? exec : "", &x, err);

	if (r == 0 && exec_words(&x, ret, ret_bytes) < 0)
		r = err_errno(err, ENOMEM, "read Exec");
	return r;
}
