/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/find.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/vec.h"
#include "launch/files.h"
#include "launch/paths.h"

#define DEPTH_MAX 8

void desktop_found_done(struct desktop_found *f)
{
	if (f->entry)
		g_key_file_unref(f->entry);
	f->entry = NULL;
}

void find_done(struct desktop_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		desktop_found_done(&list->v[i]);
	VEC_DONE(list);
}

/* --- directories ----------------------------------------------------------------------------- */

static const char *absolute(const char *variable)
{
	const char *value = getenv(variable);

	return value && value[0] == '/' ? value : NULL;
}

/* One slash where there are several, and none at the end. */
static void squeeze(char *path)
{
	size_t n = 0;

	for (const char *c = path; *c; c++)
		if (*c != '/' || (c[1] != '/' && c[1]))
			path[n++] = *c;
	path[n] = 0;
}

static int data_home(char ret[PATH_MAX], struct err *err)
{
	const char *dir = absolute("XDG_DATA_HOME"), *home = absolute("HOME");

	if (dir)
		snprintf(ret, PATH_MAX, "%s", dir);
	else if (home)
		snprintf(ret, PATH_MAX, "%s/.local/share", home);
	else
		return err_set(err, ENOENT,
			       "find your desktop entries: neither HOME nor "
			       "XDG_DATA_HOME is a path");
	squeeze(ret);
	return 0;
}

int desktop_own_dir(char ret[PATH_MAX], struct err *err)
{
	char data[PATH_MAX];
	int r = data_home(data, err);

	if (r == 0 && snprintf(ret, PATH_MAX, "%s/applications", data) >= PATH_MAX)
		r = err_set(err, ENAMETOOLONG, "find your desktop entries: '%.60s…' is too long",
			    data);
	return r;
}

/* --- a walk ---------------------------------------------------------------------------------- */

struct walk {
	/* Returns 0 to go on, 1 when it is enough, or a negative errno. */
	int (*take)(struct walk *w, const char *id, const char *path);
	const char *what;            /* that is looked for */
	struct desktop_found *found; /* where there is room for n */
	size_t n;
	struct err *err;
	GHashTable *seen; /* ids */
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

/* As stat(2), but of what root may be led to. */
static bool stat_at(const char *path, struct stat *ret)
{
	_cleanup_close_ int fd = path_open(path, O_PATH);

	return fd >= 0 && fstat(fd, ret) == 0;
}

static int walk_dir(struct walk *w, const char *dir, const char *prefix, int depth)
{
	struct dirent **names = NULL;
	_cleanup_close_ int at = path_open(dir, O_PATH | O_DIRECTORY);
	int n = at >= 0 && depth < DEPTH_MAX ? scandirat(at, ".", &names, NULL, by_name) : 0, r = 0;

	for (int i = 0; i < n; i++) {
		const char *name = names[i]->d_name;
		char path[PATH_MAX], id[DESKTOP_ID_MAX];
		struct stat st;

		if (r == 0 && name[0] != '.' &&
		    snprintf(path, sizeof(path), "%s/%s", dir, name) < (int)sizeof(path) &&
		    snprintf(id, sizeof(id), "%s%s", prefix, name) < (int)sizeof(id) - 1 &&
		    stat_at(path, &st)) {
			if (S_ISDIR(st.st_mode)) {
				strcat(id, "-");
				r = walk_dir(w, path, id, depth + 1);
			} else if (S_ISREG(st.st_mode) && g_str_has_suffix(name, ".desktop")) {
				r = w->take(w, id, path);
			}
		}
		free(names[i]);
	}
	free(names);
	return r;
}

static int walk_data(struct walk *w, const char *data, size_t len)
{
	char dir[PATH_MAX];

	while (len > 1 && data[len - 1] == '/')
		len--;
	if (!len || *data != '/' ||
	    snprintf(dir, sizeof(dir), "%.*s/applications", (int)len, data) >= (int)sizeof(dir))
		return 0;
	return walk_dir(w, dir, "", 0);
}

/* A place that is named twice holds nothing new the second time. */
static int walk_all(struct walk *w)
{
	static const char *const exports[] = { "/var/lib/flatpak/exports/share",
					       "/var/lib/snapd/desktop" };
	const char *dirs = getenv("XDG_DATA_DIRS");
	char home[PATH_MAX] = "", own[PATH_MAX + 32];
	int r = data_home(home, w->err);

	if (r < 0)
		return r;
	if (!dirs || !*dirs)
		dirs = "/usr/local/share/:/usr/share/";
	w->seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	r = walk_data(w, home, strlen(home));
	for (const char *at = dirs; *at && r == 0;) {
		size_t len = strcspn(at, ":");

		r = walk_data(w, at, len);
		at += len + (at[len] == ':');
	}
	snprintf(own, sizeof(own), "%s/flatpak/exports/share", home);
	if (r == 0)
		r = walk_data(w, own, strlen(own));
	for (size_t i = 0; i < ARRAY_SIZE(exports) && r == 0; i++)
		r = walk_data(w, exports[i], strlen(exports[i]));
	g_hash_table_unref(w->seen);
	w->seen = NULL;
	return r;
}

/* --- one entry ------------------------------------------------------------------------------- */

/* Returns 1, or -ENAMETOOLONG. */
static int keep(struct desktop_found *to, const char *id, const char *path, GKeyFile **e,
		struct err *err)
{
	if (copy_string(to->id, sizeof(to->id), id) < 0 ||
	    copy_string(to->path, sizeof(to->path), path) < 0)
		return err_errno(err, ENAMETOOLONG, "use '%s'", path);
	to->entry = g_steal_pointer(e);
	return 1;
}

static bool has_id(const char *what, const char *id)
{
	size_t len = strlen(what);

	return !strncmp(what, id, len) && (!id[len] || !strcmp(id + len, ".desktop"));
}

static int take_id(struct walk *w, const char *id, const char *path)
{
	g_autoptr(GKeyFile) e = NULL;

	if (!has_id(w->what, id))
		return 0;
	e = entry_load(path, w->err);
	if (!e)
		return -w->err->code;
	if (desktop_kind_of(e) != DESKTOP_KIND_COUNT)
		return 0;
	if (entry_is_true(e, ENTRY_MAIN, "Hidden")) {
		err_set(w->err, ENOENT, "find '%s': '%s' says that it is deleted (Hidden)", w->what,
			path);
		return -ENOENT;
	}
	w->n = 1;
	return keep(w->found, id, path, &e, w->err);
}

/* In whatever language. */
static bool has_name(GKeyFile *e, const char *what)
{
	g_auto(GStrv) keys = g_key_file_get_keys(e, ENTRY_MAIN, NULL, NULL);

	for (size_t i = 0; keys && keys[i]; i++) {
		g_autofree char *name = NULL;

		if (entry_key_length(keys[i]) != 4 || strncmp(keys[i], "Name", 4) != 0)
			continue;
		name = entry_string(e, ENTRY_MAIN, keys[i]);
		if (name && !strcasecmp(name, what))
			return true;
	}
	return false;
}

/* Those that a menu shows; what is no entry at all has no name. */
static int take_name(struct walk *w, const char *id, const char *path)
{
	g_autoptr(GKeyFile) e = entry_load(path, NULL);
	int r;

	if (!e || desktop_kind_of(e) != DESKTOP_KIND_COUNT ||
	    !g_hash_table_add(w->seen, g_strdup(id)))
		return 0;
	if (entry_is_true(e, ENTRY_MAIN, "Hidden") || entry_is_true(e, ENTRY_MAIN, "NoDisplay") ||
	    !has_name(e, w->what))
		return 0;
	if (w->n == 1) {
		err_set(w->err, EINVAL, "find '%s': both '%s' and '%s' have that name", w->what,
			w->found->id, id);
		return err_hint(w->err, "name one by its id");
	}
	w->n = 1;
	r = keep(w->found, id, path, &e, w->err);
	return r < 0 ? r : 0;
}

static int find_path(const char *path, struct desktop_found *ret, struct err *err)
{
	g_autoptr(GKeyFile) e = entry_load(path, err);
	_cleanup_free_ char *full = NULL;
	g_autofree char *id = NULL;
	const char *name;
	int r;

	if (!e)
		return -err->code;
	full = realpath(path, NULL);
	if (!full)
		return err_errno(err, errno, "read '%s'", path);
	if (desktop_kind_of(e) != DESKTOP_KIND_COUNT)
		return err_set(err, EINVAL, "use '%s': it is one of via-iface's own entries", path);
	/* its own name, and not that of what a link leads to */
	name = strrchr(path, '/') + 1;
	id = g_strconcat(name, g_str_has_suffix(name, ".desktop") ? "" : ".desktop", NULL);
	r = keep(ret, id, full, &e, err);
	return r < 0 ? r : 0;
}

int desktop_find(const char *what, struct desktop_found *ret, struct err *err)
{
	struct desktop_found found = { 0 };
	struct walk w = { .what = what, .found = &found, .err = err, .take = take_id };
	int r;

	if (strchr(what, '/'))
		return find_path(what, ret, err);
	r = walk_all(&w);
	if (r == 0 && !w.n) {
		w.take = take_name;
		r = walk_all(&w);
	}
	if (r >= 0 && w.n) {
		*ret = found;
		return 0;
	}
	desktop_found_done(&found);
	if (r < 0)
		return r;
	err_set(err, ENOENT, "find '%s': no desktop entry has that id or name", what);
	return err_hint(err, "the ids are the names of the files in /usr/share/applications; the "
			     "path of a file will do, too");
}

/* --- ours ------------------------------------------------------------------------------------ */

int find_ours(struct desktop_list *ret, struct err *err)
{
	struct desktop_list all = { 0 };
	struct dirent **names = NULL;
	char dir[PATH_MAX];
	_cleanup_close_ int at = -1;
	int n = 0, r = desktop_own_dir(dir, err);

	if (r < 0)
		return r;
	at = path_open(dir, O_PATH | O_DIRECTORY);
	if (at < 0 && at != -ENOENT)
		return path_error(err, at, "read the directory", dir);
	n = at < 0 ? 0 : scandirat(at, ".", &names, NULL, by_name);
	if (n < 0)
		return err_errno(err, errno, "read the directory '%s'", dir);
	for (int i = 0; i < n; i++) {
		g_autoptr(GKeyFile) e = NULL;
		struct desktop_found *to;
		char path[PATH_MAX + NAME_MAX + 2];

		snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
		if (g_str_has_suffix(names[i]->d_name, ".desktop"))
			e = entry_load(path, NULL);
		if (e && desktop_kind_of(e) != DESKTOP_KIND_COUNT) {
			to = VEC_PUSH(&all);
			if (!to)
				r = err_errno(err, ENOMEM, "read the directory '%s'", dir);
			else if (keep(to, names[i]->d_name, path, &e, err) < 0)
				r = -err->code;
		}
		free(names[i]);
	}
	free(names);
	if (r < 0)
		find_done(&all);
	else
		*ret = all;
	return r;
}
