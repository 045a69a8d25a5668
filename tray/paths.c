/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/paths.h"

#include <glib.h>

static char *own_dir(void)
{
	g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);

	return self ? g_path_get_dirname(self) : g_strdup("");
}

char *paths_built(const char *name)
{
	g_autofree char *dir = own_dir(), *last = g_path_get_basename(dir);
	g_autofree char *top = g_path_get_dirname(dir);
	g_autofree char *command = g_build_filename(top, "src", "via-iface", NULL);

	if (!g_str_equal(last, "tray") || !g_file_test(command, G_FILE_TEST_IS_EXECUTABLE))
		return NULL;
	return g_build_filename(top, name, NULL);
}

char *paths_via_iface(void)
{
	g_autofree char *dir = own_dir();
	g_autofree char *beside = g_build_filename(dir, "via-iface", NULL);
	char *built;

	if (g_file_test(beside, G_FILE_TEST_IS_EXECUTABLE))
		return g_steal_pointer(&beside);
	built = paths_built("src/via-iface");
	return built ? built : g_strdup("via-iface");
}
