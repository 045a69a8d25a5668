/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/common/starters.h"

#include <gio/gdesktopappinfo.h>
#include <glib/gstdio.h>
#include <sys/stat.h>

struct starters {
	char *dir;
	struct timespec changed; /* the directory, when it was read */
	guint reads;
	GPtrArray *entries;
};

static int by_name(gconstpointer a, gconstpointer b)
{
	return g_utf8_collate(g_app_info_get_display_name(*(GAppInfo *const *)a),
			      g_app_info_get_display_name(*(GAppInfo *const *)b));
}

static void read_dir(struct starters *s)
{
	g_autoptr(GDir) dir = g_dir_open(s->dir, 0, NULL);
	const char *name;

	g_ptr_array_set_size(s->entries, 0);
	while (dir && (name = g_dir_read_name(dir))) {
		g_autofree char *path = g_build_filename(s->dir, name, NULL);
		GDesktopAppInfo *entry;

		if (!g_str_has_prefix(name, "via-iface-") || !g_str_has_suffix(name, ".desktop"))
			continue;
		entry = g_desktop_app_info_new_from_filename(path);
		if (entry)
			g_ptr_array_add(s->entries, entry);
	}
	g_ptr_array_sort(s->entries, by_name);
}

guint starters_refresh(struct starters *s)
{
	struct stat st = { 0 };

	if (g_stat(s->dir, &st) < 0)
		st.st_mtim = (struct timespec){ 0 };
	if (st.st_mtim.tv_sec == s->changed.tv_sec && st.st_mtim.tv_nsec == s->changed.tv_nsec)
		return s->reads;
	s->changed = st.st_mtim;
	read_dir(s);
	return ++s->reads;
}

const GPtrArray *starters_get(const struct starters *s)
{
	return s->entries;
}

struct starters *starters_new(void)
{
	struct starters *s = g_new0(struct starters, 1);

	s->dir = g_build_filename(g_get_user_data_dir(), "applications", NULL);
	s->entries = g_ptr_array_new_with_free_func(g_object_unref);
	starters_refresh(s);
	return s;
}

void starters_free(struct starters *s)
{
	if (!s)
		return;
	g_ptr_array_unref(s->entries);
	g_free(s->dir);
	g_free(s);
}
