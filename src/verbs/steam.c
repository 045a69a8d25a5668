/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verbs/steam.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "verbs/files.h"

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
	struct lexer l = { .at = text, .end = text + len, .line = 1 };
	struct vdf v = { 0 };

	if (len > VDF_BYTES_MAX)
		return err_set(err, EFBIG, "it is larger than %u bytes", VDF_BYTES_MAX);
	/* each string is as long as it stands there, with its end: an unquoted one adds a byte */
	v.bytes = malloc(2 * len + 1);
	if (!v.bytes)
		return err_errno(err, ENOMEM, "read it");
	l.to = v.bytes;
	if (read_nodes(&l, &v)) {
		*ret = v;
		return 0;
	}
	vdf_done(&v);
	return err_set(err, EINVAL, "line %zu: %s", l.line, l.wrong);
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

/* 0 when it was read, 1 when it is not there. */
static int load(const char *path, struct vdf *ret, struct err *err)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = file_read(path, VDF_BYTES_MAX, &text, &len, err);

	if (r == -ENOENT || r == -ENOTDIR)
		return 1;
	if (r == 0 && (r = vdf_parse(text, len, ret, err)) < 0)
		return err_wrap(err, "read '%s'", path);
	return r;
}

/* 1 when the library has the game. */
static int look_into(const char *library, uint32_t id, struct steam_game *game, struct err *err)
{
	char path[PATH_MAX];
	struct vdf v = { 0 };
	const char *name;
	int r;

	if (snprintf(path, sizeof(path), "%s/steamapps/appmanifest_%u.acf", library, id) >=
	    (int)sizeof(path))
		return 0;
	r = load(path, &v, err);
	if (r != 0)
		return r < 0 ? r : 0;
	name = vdf_value(&v, vdf_find(&v, VDF_ROOT, "AppState", VDF_ROOT), "name");
	if (name && *name)
		snprintf(game->name, sizeof(game->name), "%s", name);
	else
		r = err_set(err, EINVAL, "read '%s': the game has no name", path);
	vdf_done(&v);
	return r < 0 ? r : 1;
}

/* Libraries are numbered; older files have the path as the value, newer ones in a section. */
static int look_into_all(const struct vdf *v, uint32_t id, struct steam_game *game, struct err *err)
{
	size_t root = vdf_find(v, VDF_ROOT, "libraryfolders", VDF_ROOT);
	int r = 0;

	for (size_t i = VDF_ROOT; root != VDF_ROOT && r == 0;) {
		const char *path;
		uint32_t number;

		i = vdf_find(v, root, NULL, i);
		if (i >= v->n)
			break;
		path = v->v[i].value ? v->v[i].value : vdf_value(v, i, "path");
		if (parse_u32(v->v[i].key, 0, UINT32_MAX, &number) == 0 && path && path[0] == '/')
			r = look_into(path, id, game, err);
	}
	return r;
}

static int look_at_steam(const char *root, uint32_t id, struct steam_game *game, struct err *err)
{
	static const char *const lists[] = { "steamapps", "config" };
	int r = look_into(root, id, game, err);

	for (size_t i = 0; i < ARRAY_SIZE(lists) && r == 0; i++) {
		char path[PATH_MAX];
		struct vdf v = { 0 };

		if (snprintf(path, sizeof(path), "%s/%s/libraryfolders.vdf", root, lists[i]) >=
		    (int)sizeof(path))
			continue;
		r = load(path, &v, err);
		r = r == 0 ? look_into_all(&v, id, game, err) : r < 0 ? r : 0;
		vdf_done(&v);
	}
	return r;
}

int steam_find(const char *home, uint32_t id, struct steam_game *ret, struct err *err)
{
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

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		struct steam_game game = { .id = id };
		int r;

		if (snprintf(game.root, sizeof(game.root), "%s/%s", home, places[i].dir) >=
		    (int)sizeof(game.root))
			continue;
		r = look_at_steam(game.root, id, &game, err);
		if (r < 0)
			return r;
		if (r == 0)
			continue;
		memcpy(game.command, places[i].command, sizeof(game.command));
		*ret = game;
		return 0;
	}
	err_set(err, ENOENT, "find the Steam game %u: no library in '%s' has it", id, home);
	return err_hint(err, "install it with Steam first; the number is that of its page, "
			     "store.steampowered.com/app/NUMBER");
}
