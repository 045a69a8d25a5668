/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where an icon is: Icon Theme Specification, "Directory Layout" and "Icon Lookup". Programs
 * install theirs into the theme hicolor, which every theme inherits from, so no other one is read.
 */
#include "desktop/badge.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "desktop/find.h"
#include "launch/files.h"
#include "launch/paths.h"

#define ICON_BYTES_MAX (1u << 20)
#define BEGINNING      4096 /* of an SVG, in which its root element is */

/* 64 by 64: the picture, and in its corner a disc with an arrow that leaves. */
static const char before[] =
	"<svg xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\" "
	"width=\"64\" height=\"64\" viewBox=\"0 0 64 64\">\n"
	"<image width=\"64\" height=\"64\" xlink:href=\"data:";
static const char after[] = "\"/>\n"
			    "<circle cx=\"48\" cy=\"48\" r=\"15\" fill=\"#ffffff\"/>\n"
			    "<circle cx=\"48\" cy=\"48\" r=\"13\" fill=\"#1a66c4\"/>\n"
			    "<path d=\"M40 46h8v-5l9 7-9 7v-5h-8z\" fill=\"#ffffff\"/>\n"
			    "</svg>\n";

/* --- the original's picture ------------------------------------------------------------------ */

struct icon {
	char *bytes;
	size_t len;
	const char *type; /* as a MIME type */
};

static const char *type_of(const char *bytes, size_t len)
{
	static const char png[] = "\x89PNG\r\n\x1a\n";

	if (len > sizeof(png) && !memcmp(bytes, png, sizeof(png) - 1))
		return "image/png";
	return g_strstr_len(bytes, (gssize)MIN(len, BEGINNING), "<svg") ? "image/svg+xml" : NULL;
}

/* True where it is one. What cannot be read is not one. */
static bool read_icon(const char *path, struct icon *ret)
{
	struct icon i = { 0 };

	if (file_read(path, ICON_BYTES_MAX, &i.bytes, &i.len, NULL) < 0)
		return false;
	i.type = type_of(i.bytes, i.len);
	if (!i.type) {
		free(i.bytes);
		return false;
	}
	*ret = i;
	return true;
}

/* The largest first, then those that are stretched; PNG first, which all that draw SVG know. */
static bool find_below(const char *data, const char *name, struct icon *ret)
{
	static const char *const places[] = {
		"icons/hicolor/256x256/apps/%s.png",
		"icons/hicolor/128x128/apps/%s.png",
		"icons/hicolor/512x512/apps/%s.png",
		"icons/hicolor/192x192/apps/%s.png",
		"icons/hicolor/96x96/apps/%s.png",
		"icons/hicolor/64x64/apps/%s.png",
		"icons/hicolor/scalable/apps/%s.svg",
		"icons/hicolor/48x48/apps/%s.png",
		"pixmaps/%s.png",
		"pixmaps/%s.svg",
	};

	for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
		g_auto(GStrv) parts = g_strsplit(places[i], "%s", 2);
		g_autofree char *path = g_strconcat(data, "/", parts[0], name, parts[1], NULL);

		if (read_icon(path, ret))
			return true;
	}
	return false;
}

/* First where the original is from: what Flatpak exports lies beside the entry. */
static bool find_icon(const char *name, const char *source, struct icon *ret)
{
	const char *const *dirs = g_get_system_data_dirs();
	const char *end = g_strrstr(source, "/applications/");
	g_autofree char *beside = end ? g_strndup(source, (size_t)(end - source)) : NULL;

	if (g_path_is_absolute(name))
		return read_icon(name, ret);
	if (!*name || strchr(name, '/'))
		return false;
	if ((beside && find_below(beside, name, ret)) ||
	    find_below(g_get_user_data_dir(), name, ret))
		return true;
	for (; *dirs; dirs++)
		if (find_below(*dirs, name, ret))
			return true;
	return false;
}

/* --- ours ------------------------------------------------------------------------------------ */

static int path_of(const char *id, char ret[PATH_MAX], struct err *err)
{
	char dir[PATH_MAX];
	int r = desktop_own_dir(dir, err), n;

	if (r < 0)
		return r;
	/* "applications", and the id's ".desktop" */
	n = snprintf(ret, PATH_MAX, "%.*s/icons/via-iface/%.*s.svg", (int)(strrchr(dir, '/') - dir),
		     dir, (int)(strlen(id) - strlen(".desktop")), id);
	return n < PATH_MAX ? 0
			    : err_set(err, ENAMETOOLONG,
				      "write an icon for '%s': its path is too long", id);
}

int badge_add(GKeyFile *e, const char *id, const char *source, struct err *err)
{
	g_autofree char *name = entry_string(e, ENTRY_MAIN, "Icon"), *data = NULL, *text = NULL;
	struct icon icon;
	char path[PATH_MAX];
	int r = path_of(id, path, err);

	if (r < 0)
		return r;
	if (!name || !g_utf8_validate(path, -1, NULL) || !find_icon(name, source, &icon))
		return 0;
	data = g_base64_encode((const guchar *)icon.bytes, icon.len);
	free(icon.bytes);
	text = g_strconcat(before, icon.type, ";base64,", data, after, NULL);
	r = file_write(path, text, strlen(text), err);
	if (r < 0)
		return r;
	entry_drop(e, ENTRY_MAIN, "Icon");
	entry_set(e, ENTRY_MAIN, "Icon", path);
	return 0;
}

int badge_remove(const char *id, struct err *err)
{
	char path[PATH_MAX];
	int r = path_of(id, path, err);

	if (r == 0)
		r = path_unlink(path);
	return r == 0 || r == -ENOENT || r == -ENOTDIR ? 0 : path_error(err, r, "remove", path);
}
