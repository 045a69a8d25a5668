/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/open.h"

#include <stdio.h>

#include "tray/common/paths.h"

#define WINDOW      "org.via_iface.via_iface"
#define WINDOW_PATH "/org/via_iface/via_iface"
#define APPLICATION "org.freedesktop.Application"

static void spawn_window(const char *token)
{
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autofree char *program = paths_window();
	const char *const words[] = { program, NULL };
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;

	if (token) {
		g_subprocess_launcher_setenv(launcher, "XDG_ACTIVATION_TOKEN", token, TRUE);
		g_subprocess_launcher_setenv(launcher, "DESKTOP_STARTUP_ID", token, TRUE);
	}
	process = g_subprocess_launcher_spawnv(launcher, words, &error);
	if (!process)
		fprintf(stderr, "via-iface-tray: open the window: %s\n", error->message);
}

static void on_opened(GObject *source, GAsyncResult *result, void *data)
{
	g_autofree char *token = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	if (!answer)
		spawn_window(token);
}

/* Both keys: GTK 3 and 4 on X11 read the first, on Wayland newer ones the second. */
static GVariant *platform_data(const char *token)
{
	GVariantBuilder data;

	g_variant_builder_init(&data, G_VARIANT_TYPE_VARDICT);
	if (token) {
		g_variant_builder_add(&data, "{sv}", "desktop-startup-id",
				      g_variant_new_string(token));
		g_variant_builder_add(&data, "{sv}", "activation-token",
				      g_variant_new_string(token));
	}
	return g_variant_builder_end(&data);
}

static void call(GDBusConnection *bus, const char *method, GVariant *words, const char *token)
{
	g_dbus_connection_call(bus, WINDOW, WINDOW_PATH, APPLICATION, method, words, NULL,
			       G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_opened, g_strdup(token));
}

void open_window(GDBusConnection *bus, const char *token)
{
	call(bus, "Activate", g_variant_new("(@a{sv})", platform_data(token)), token);
}

void open_action(GDBusConnection *bus, const char *action, GVariant *parameter, const char *token)
{
	GVariantBuilder parameters;

	g_variant_builder_init(&parameters, G_VARIANT_TYPE("av"));
	if (parameter)
		g_variant_builder_add(&parameters, "v", parameter);
	call(bus, "ActivateAction",
	     g_variant_new("(sav@a{sv})", action, &parameters, platform_data(token)), token);
}
