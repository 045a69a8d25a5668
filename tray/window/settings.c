/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The Desktop Application Autostart Specification: a file of the user's with the name of the
 * system's takes its place, and with Hidden=true nothing is started.
 */
#include "tray/window/settings.h"

#include <glib/gi18n.h>

#include "tray/window/ask.h"
#include "tray/window/ui.h"

#define FILE_NAME "via-iface-tray.desktop"

static char *own_path(void)
{
	return g_build_filename(g_get_user_config_dir(), "autostart", FILE_NAME, NULL);
}

static gboolean is_on(void)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *path = own_path();
	const char *const *dirs = g_get_system_config_dirs();

	if (g_key_file_load_from_file(file, path, G_KEY_FILE_NONE, NULL))
		return !g_key_file_get_boolean(file, G_KEY_FILE_DESKTOP_GROUP, "Hidden", NULL);
	for (size_t i = 0; dirs[i]; i++) {
		g_autofree char *system = g_build_filename(dirs[i], "autostart", FILE_NAME, NULL);

		if (g_file_test(system, G_FILE_TEST_EXISTS))
			return TRUE;
	}
	return FALSE;
}

static gboolean set(gboolean on, GError **error)
{
	g_autoptr(GKeyFile) file = g_key_file_new();
	g_autofree char *path = own_path(), *dir = g_path_get_dirname(path);

	g_key_file_load_from_file(file, path,
				  G_KEY_FILE_KEEP_COMMENTS | G_KEY_FILE_KEEP_TRANSLATIONS, NULL);
	g_key_file_set_string(file, G_KEY_FILE_DESKTOP_GROUP, "Type", "Application");
	g_key_file_set_string(file, G_KEY_FILE_DESKTOP_GROUP, "Name", "via-iface");
	g_key_file_set_string(file, G_KEY_FILE_DESKTOP_GROUP, "Exec", "via-iface-tray");
	g_key_file_set_string(file, G_KEY_FILE_DESKTOP_GROUP, "Icon", "via-iface");
	g_key_file_set_boolean(file, G_KEY_FILE_DESKTOP_GROUP, "Hidden", !on);
	if (g_mkdir_with_parents(dir, 0700) < 0) {
		g_set_error(error, G_FILE_ERROR, G_FILE_ERROR_FAILED, "%s", dir);
		return FALSE;
	}
	return g_key_file_save_to_file(file, path, error);
}

static void on_switch(GtkSwitch *widget, GParamSpec *property, void *data)
{
	g_autoptr(GError) error = NULL;
	gboolean on = gtk_switch_get_active(widget);

	(void)property;
	if (on != is_on() && !set(on, &error))
		ask_tell(data, _("The setting was not saved"), error->message);
}

void settings_show(GtkWindow *parent)
{
	const char *name = _("Show the icon after login");
	GtkWidget *window = ui_dialog(parent, _("Settings")), *box, *page = ui_page(&box);
	GtkWidget *content = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0), *list, *row, *button;

	gtk_window_set_default_size(GTK_WINDOW(window), 440, 260);
	list = ui_list(box, _("At login"));
	row = ui_row(name, _("The icon in the panel, and a notification when a session is blocked "
			     "or goes by another uplink"));
	button = gtk_switch_new();
	gtk_switch_set_active(GTK_SWITCH(button), is_on());
	gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
	g_signal_connect(button, "notify::active", G_CALLBACK(on_switch), window);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
	adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), button);
	gtk_list_box_append(GTK_LIST_BOX(list), row);
	gtk_box_append(GTK_BOX(content), adw_header_bar_new());
	gtk_box_append(GTK_BOX(content), page);
	adw_window_set_content(ADW_WINDOW(window), content);
	gtk_window_set_focus(GTK_WINDOW(window), button);
	gtk_window_present(GTK_WINDOW(window));
}
