/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/steam.h"

#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/text.h"
#include "base/vec.h"
#include "launch/files.h"

void vdf_done(struct vdf *v)
{
	VEC_DONE(v);
	free(v->bytes);
	v->bytes = NULL;
}

/* --- text ------------------------------------------------------------------------------------ */

enum token { END, WORD, OPEN, CLOSE, CONDITION, WRONG };

struct lexer {
	const char *at, *end;
	size_t line;
	char *to; /* where the next string goes; never more than was read */
	const char *word, *wrong;
};

static void skip_blanks(struct lexer *l)
{
	while (l->at < l->end) {
		if (*l->at == '\n')
			l->line++;
		if (strchr(" \t\r\n", *l->at) && *l->at) {
			l->at++;
		} else if (l->end - l->at > 1 && l->at[0] == '/' && l->at[1] == '/') {
			while (l->at < l->end && *l->at != '\n')
				l->at++;
		} else {
			return;
		}
	}
}

static enum token quoted(struct lexer *l)
{
	for (l->at++; l->at < l->end && *l->at != '"'; l->at++) {
		char c = *l->at;

		if (c == '\n')
			l->line++;
		if (c == '\\' && l->end - l->at > 1) {
			static const char from[] = "nt\\\"", to[] = "\n\t\\\"";
			const char *known = l->at[1] ? strchr(from, l->at[1]) : NULL;

			if (known) {
				c = to[known - from];
				l->at++;
			}
		}
		if (!c) {
			l->wrong = "a zero byte";
			return WRONG;
		}
		*l->to++ = c;
	}
	if (l->at == l->end) {
		l->wrong = "a string without its end";
		return WRONG;
	}
	l->at++;
	*l->to++ = 0;
	return WORD;
}

static enum token plain(struct lexer *l)
{
	while (l->at < l->end && !strchr(" \t\r\n\"{}", *l->at))
		*l->to++ = *l->at++;
	if (l->at < l->end && !*l->at) {
		l->wrong = "a zero byte";
		return WRONG;
	}
	*l->to++ = 0;
	return l->word[0] == '[' ? CONDITION : WORD; /* "[$WIN32]" */
}

static enum token next(struct lexer *l)
{
	skip_blanks(l);
	if (l->at == l->end)
		return END;
	l->word = l->to;
	switch (*l->at) {
	case '{':
		l->at++;
		return OPEN;
	case '}':
		l->at++;
		return CLOSE;
	case '"':
		return quoted(l);
	default:
		return plain(l);
	}
}

static int add_node(struct vdf *v, const char *key, const char *value, size_t parent)
{
	struct vdf_node *node = v->n < VDF_NODES_MAX ? VEC_PUSH(v) : NULL;

	if (!node)
		return -ENOMEM;
	*node = (struct vdf_node){ .key = key, .value = value, .parent = parent };
	return 0;
}

/* Key and value, or key and section; what is wrong in l->wrong. */
static bool read_nodes(struct lexer *l, struct vdf *v)
{
	size_t parent = VDF_ROOT, depth = 0;
	const char *key;
	enum token t;

	for (;;) {
		t = next(l);
		if (t == END && !depth)
			return true;
		if (t == CONDITION)
			continue;
		if (t == CLOSE && depth) {
			parent = v->v[parent].parent;
			depth--;
			continue;
		}
		if (t != WORD) {
			if (t != WRONG)
				l->wrong = t == END ? "a '{' without its '}'" : "a key is missing";
			return false;
		}
		key = l->word;
		while ((t = next(l)) == CONDITION)
			;
		if (t != WORD && t != OPEN) {
			if (t != WRONG)
				l->wrong = "a value is missing";
			return false;
		}
		if (add_node(v, key, t == WORD ? l->word : NULL, parent) < 0) {
			l->wrong = "there is too much of it";
			return false;
		}
		if (t == OPEN) {
			parent = v->n - 1;
			if (++depth > VDF_DEPTH_MAX) {
				l->wrong = "it is nested too deeply";
				return false;
			}
		}
	}
}

int vdf_parse(const char *text, size_t len, struct vdf *ret, struct err *err)
{
	static const char bom[] = "\xef\xbb\xbf"; /* editors of Windows put it before */
	struct lexer l = { .at = text, .end = text + len, .line = 1 };
	struct vdf v = { 0 };
	bool whole;

	*ret = v;
	if (len >= 3 && !memcmp(text, bom, 3))
		l.at += 3;
	if (len > VDF_BYTES_MAX)
		return err_set(err, EFBIG, "it is larger than %u bytes", VDF_BYTES_MAX);
	/* each string is as long as it stands there, with its end: an unquoted one adds a byte */
	v.bytes = malloc(2 * len + 1);
	if (!v.bytes)
		return err_errno(err, ENOMEM, "read it");
	l.to = v.bytes;
	whole = read_nodes(&l, &v);
	*ret = v;
	return whole ? 0 : err_set(err, EINVAL, "line %zu: %s", l.line, l.wrong);
}

size_t vdf_find(const struct vdf *v, size_t parent, const char *key, size_t after)
{
	for (size_t i = after == VDF_ROOT ? 0 : after + 1; i < v->n; i++)
		if (v->v[i].parent == parent && (!key || !strcasecmp(v->v[i].key, key)))
			return i;
	return VDF_ROOT;
}

const char *vdf_value(const struct vdf *v, size_t parent, const char *key)
{
	size_t at = vdf_find(v, parent, key, VDF_ROOT);

	return at < v->n ? v->v[at].value : NULL;
}

/* --- files ----------------------------------------------------------------------------------- */

/* What is looked for in each library, and notes for the user. */
struct search {
	bool (*library)(struct search *s, const char *path); /* false: go on with the next one */
	struct steam_game *game;
	struct strbuf *notes;
	struct steam_games *all; /* of steam_list() */
};

static void note(struct search *s, const struct err *err)
{
	strbuf_add(s->notes, "%s\n", err->text);
}

/*
 * Reads what there is of a file: of one that ends too early, what stands before that. False when
 * there is nothing to read. What is wrong is noted: Steam itself goes on, and so does the search.
 */
static bool load(struct search *s, const char *path, struct vdf *ret)
{
	_cleanup_free_ char *text = NULL;
	struct err err = { 0 };
	size_t len;
	int r = file_read(path, VDF_BYTES_MAX, &text, &len, &err);

	*ret = (struct vdf){ 0 };
	if (r == -ENOENT || r == -ENOTDIR)
		return false;
	if (r == 0 && (r = vdf_parse(text, len, ret, &err)) < 0)
		err_wrap(&err, "read '%s'", path);
	if (r < 0)
		note(s, &err);
	if (!ret->n)
		vdf_done(ret);
	return ret->n;
}

/* A name that fits, cut behind a character; each byte that is no character is a question mark. */
static void take_name(struct search *s, const char *path, const char *name)
{
	char *to = s->game->name;
	size_t n = 0, room = sizeof(s->game->name) - 1, size;
	struct err err = { 0 };

	if (!name || !*name) {
		snprintf(to, room + 1, "Steam game %u", s->game->id);
		err_set(&err, EINVAL, "read '%s': the game has no name", path);
		note(s, &err);
		return;
	}
	while (*name) {
		size = text_char(name);
		if (n + (size ? size : 1) > room)
			break;
		if (size)
			memcpy(to + n, name, size);
		else
			to[n] = '?';
		n += size ? size : 1;
		name += size ? size : 1;
	}
	to[n] = 0;
}

/* "SteamApps" was its name in the first years, and still is where nobody renamed it. */
static const char *const apps_dirs[] = { "steamapps", "SteamApps" };

static bool search_library(struct search *s, const char *library)
{
	for (size_t i = 0; i < ARRAY_SIZE(apps_dirs); i++) {
		char path[PATH_MAX];
		struct vdf v;
		size_t game;

		if (snprintf(path, sizeof(path), "%s/%s/appmanifest_%u.acf", library, apps_dirs[i],
			     s->game->id) >= (int)sizeof(path) ||
		    !load(s, path, &v))
			continue;
		game = vdf_find(&v, VDF_ROOT, "AppState", VDF_ROOT);
		if (game != VDF_ROOT)
			take_name(s, path, vdf_value(&v, game, "name"));
		vdf_done(&v);
		if (game != VDF_ROOT)
			return true;
	}
	return false;
}

/* Libraries are numbered; older files have the path as the value, newer ones in a section. */
static bool search_libraries(struct search *s, const struct vdf *v)
{
	size_t root = vdf_find(v, VDF_ROOT, "libraryfolders", VDF_ROOT);

	for (size_t i = VDF_ROOT; root != VDF_ROOT;) {
		const char *path;
		uint32_t number;

		i = vdf_find(v, root, NULL, i);
		if (i >= v->n)
			break;
		path = v->v[i].value ? v->v[i].value : vdf_value(v, i, "path");
		if (parse_u32(v->v[i].key, 0, UINT32_MAX, &number) == 0 && path && path[0] == '/' &&
		    s->library(s, path))
			return true;
	}
	return false;
}

static bool search_steam(struct search *s, const char *root)
{
	static const char *const lists[] = { "steamapps", "SteamApps", "config" };

	if (s->library(s, root))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(lists); i++) {
		char path[PATH_MAX];
		struct vdf v;
		bool found;

		if (snprintf(path, sizeof(path), "%s/%s/libraryfolders.vdf", root, lists[i]) >=
			    (int)sizeof(path) ||
		    !load(s, path, &v))
			continue;
		found = search_libraries(s, &v);
		vdf_done(&v);
		if (found)
			return true;
	}
	return false;
}

/* Where a Steam keeps what it has, below a home, and what starts it. */
static const struct {
	const char *dir;
	const char *command[4];
} places[] = {
	{ ".local/share/Steam", { "steam" } },
	{ ".steam/root", { "steam" } },
	{ ".steam/steam", { "steam" } },
	{ ".steam/debian-installation", { "steam" } },
	{ ".var/app/com.valvesoftware.Steam/.local/share/Steam",
	  { "flatpak", "run", "com.valvesoftware.Steam" } },
	{ "snap/steam/common/.local/share/Steam", { "snap", "run", "steam" } },
};

int steam_find(const char *home, uint32_t id, struct steam_game *ret, struct strbuf *notes,
	       struct err *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct steam_game game = { .id = id };
		struct search s = { .library = search_library, .game = &game, .notes = notes };

		if (snprintf(game.root, sizeof(game.root), "%s/%s", home, places[i].dir) >=
		    (int)sizeof(game.root))
			continue;
		if (!search_steam(&s, game.root))
			continue;
		memcpy(game.command, places[i].command, sizeof(game.command));
		*ret = game;
		return 0;
	}
	err_set(err, ENOENT, "find the Steam game %u: no library in '%s' has it", id, home);
	return err_hint(err, "install it with Steam first; the number is that of its page, "
			     "store.steampowered.com/app/NUMBER");
}

/* --- all of them ----------------------------------------------------------------------------- */

/* What Steam installs beside games, by itself. */
static bool is_tool(const char *name)
{
	static const char *const tools[] = { "Proton ", "Steam Linux Runtime",
					     "Steamworks Common Redistributables" };

	for (size_t i = 0; i < ARRAY_SIZE(tools); i++)
		if (!strncmp(name, tools[i], strlen(tools[i])))
			return true;
	return false;
}

/* A library may be named twice, by two paths. */
static bool is_known(const struct steam_games *all, uint32_t id)
{
	for (size_t i = 0; i < all->n; i++)
		if (all->v[i].id == id)
			return true;
	return false;
}

/* Adds the game of a file "appmanifest_NUMBER.acf". */
static bool list_game(struct search *s, const char *library, const char *file)
{
	static const char first[] = "appmanifest_", last[] = ".acf";
	size_t len = strlen(file);
	struct steam_game *to;
	char number[16];
	uint32_t id;

	if (strncmp(file, first, strlen(first)) != 0 || len < strlen(first) + strlen(last) + 1 ||
	    strcmp(file + len - strlen(last), last) != 0)
		return true;
	len -= strlen(first) + strlen(last);
	if (len >= sizeof(number))
		return true;
	memcpy(number, file + strlen(first), len);
	number[len] = 0;
	if (parse_u32(number, 1, UINT32_MAX, &id) < 0 || is_known(s->all, id) ||
	    s->all->n >= STEAM_GAMES_MAX)
		return true;
	s->game->id = id;
	if (!search_library(s, library) || is_tool(s->game->name))
		return true;
	to = VEC_PUSH(s->all);
	if (!to)
		return false;
	*to = *s->game;
	return true;
}

static bool list_library(struct search *s, const char *library)
{
	for (size_t i = 0; i < ARRAY_SIZE(apps_dirs); i++) {
		char path[PATH_MAX];
		struct dirent *e;
		DIR *dir;

		if (snprintf(path, sizeof(path), "%s/%s", library, apps_dirs[i]) >=
		    (int)sizeof(path))
			continue;
		dir = opendir(path);
		while (dir && (e = readdir(dir)))
			if (!list_game(s, library, e->d_name))
				break;
		if (dir)
			closedir(dir);
	}
	return false;
}

static int by_name(const void *a, const void *b)
{
	return strcasecmp(((const struct steam_game *)a)->name,
			  ((const struct steam_game *)b)->name);
}

void steam_list(const char *home, struct steam_games *ret, struct strbuf *notes)
{
	*ret = (struct steam_games){ 0 };
	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct steam_game game = { 0 };
		struct search s = {
			.library = list_library, .game = &game, .notes = notes, .all = ret
		};

		if (snprintf(game.root, sizeof(game.root), "%s/%s", home, places[i].dir) >=
		    (int)sizeof(game.root))
			continue;
		memcpy(game.command, places[i].command, sizeof(game.command));
		search_steam(&s, game.root);
	}
	if (ret->n)
		qsort(ret->v, ret->n, sizeof(*ret->v), by_name);
}

void steam_list_done(struct steam_games *games)
{
	VEC_DONE(games);
}
