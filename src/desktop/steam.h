/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_DESKTOP_STEAM_H
#define VIA_DESKTOP_STEAM_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/strbuf.h"

/*
 * What Steam keeps of its games: text in nested braces (Valve's KeyValues), in libraryfolders.vdf
 * and appmanifest_APPID.acf.
 */

#define VDF_BYTES_MAX (4u << 20)
#define VDF_NODES_MAX 65536u
#define VDF_DEPTH_MAX 32u

struct vdf_node {
	const char *key, *value; /* value NULL: a section */
	size_t parent;           /* its place, or VDF_ROOT */
};

#define VDF_ROOT SIZE_MAX

struct vdf {
	struct vdf_node *v;
	size_t n, size;
	char *bytes; /* of the strings */
};

/*
 * Strict but for what Steam's own reader takes. 0, or a negative errno with "line N: …"; then ret
 * holds what stands before that. Pure.
 */
int vdf_parse(const char *text, size_t len, struct vdf *ret, struct err *err);
void vdf_done(struct vdf *v);

/* The child of that key, in either case, behind the place after (or VDF_ROOT); VDF_ROOT: none. */
size_t vdf_find(const struct vdf *v, size_t parent, const char *key, size_t after);

/* The same for the value of it; NULL: none. */
const char *vdf_value(const struct vdf *v, size_t parent, const char *key);

/* --- games ------------------------------------------------------------------------------------ */

#define STEAM_NAME_MAX 256

struct steam_game {
	uint32_t id;
	char name[STEAM_NAME_MAX];
	char root[PATH_MAX];    /* of the Steam that has it */
	const char *command[4]; /* that starts Steam; NULL at the end */
};

/*
 * The game in any library of any Steam in a home: the distribution's, Flatpak's, Snap's. A file
 * that cannot be read, or ends too early, gets a line in notes, and the search goes on with the
 * others. 0; or -ENOENT where the game is not installed, with what to do.
 */
int steam_find(const char *home, uint32_t id, struct steam_game *ret, struct strbuf *notes,
	       struct err *err);

#define STEAM_GAMES_MAX 4096u

struct steam_games {
	struct steam_game *v;
	size_t n, size;
};

/* All of them by their names, without what Steam installs beside games (Proton, its runtime). */
void steam_list(const char *home, struct steam_games *ret, struct strbuf *notes);
void steam_list_done(struct steam_games *games);

#endif
