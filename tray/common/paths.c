/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/common/paths.h"

#include <glib.h>

static char *own_dir(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

	return self ? g_path_get_dirname(self) : g_strdup("");
}

/* `built`: where it is from a directory of the build tree below tray/. */
static char *find(const char *name, const char *built)
{
	g_autofree char *dir = own_dir();
	g_autofree char *tray = g_path_get_dirname(dir), *last = g_path_get_basename(tray);
	g_autofree char *beside = g_build_filename(dir, name, NULL);
	g_autofree char *there = g_build_filename(tray, built, name, NULL);

	if (g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&beside);
	if (g_str_equal(last, "tray") && g_file_test(there, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&there);
	return g_strdup(name);
}

char *paths_via_iface(void)
{
	return find("via-iface", "../src");
}

char *paths_window(void)
{
	return find("via-iface-window", "window");
}
