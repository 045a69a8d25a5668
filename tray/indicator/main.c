/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-tray: one process for each desktop session, which shows the icon. A second start ends
 * at once. The window is another program, via-iface-window.
 */
#include <errno.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <libayatana-appindicator/app-indicator.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/language.h"
#include "config.h"
#include "tray/common/client.h"
#include "tray/common/notify.h"
#include "tray/common/paths.h"
#include "tray/common/starters.h"
#include "tray/common/words.h"
#include "tray/indicator/menu.h"
#include "tray/indicator/open.h"

#define APP_ID  "org.via_iface.Tray"
#define WATCHER "org.kde.StatusNotifierWatcher"

struct tray {
	GtkApplication *app;
	struct client *client;
	struct notify *notify;
	struct starters *starters;
	AppIndicator *icon;
	struct menu *menu;
	guint watcher;
};

/* --- the icon ------------------------------------------------------------------------------ */

static void update_icon(struct tray *t)
{
	static const char *const icons[] = {
		[STATUS_NORMAL] = "via-iface-idle-symbolic",
		[STATUS_ACTIVE] = "via-iface-active-symbolic",
		[STATUS_BLOCKED] = "via-iface-blocked-symbolic",
	};
	const struct model *m = client_model(t->client);
	enum tray_status status = model_status(m);
	g_autofree char *title = words_sessions(m);

	if (m->sessions.n == 1) {
		g_free(title);
		title = words_session(&m->sessions.v[0], getuid());
	}
	app_indicator_set_icon_full(t->icon, icons[status], title);
	app_indicator_set_attention_icon_full(t->icon, icons[STATUS_BLOCKED], title);
	app_indicator_set_status(t->icon, status == STATUS_BLOCKED ? APP_INDICATOR_STATUS_ATTENTION
								   : APP_INDICATOR_STATUS_ACTIVE);
	app_indicator_set_title(t->icon, title);
}

static void on_menu_opened(gboolean opened, void *arg)
{
	struct tray *t = arg;

	if (opened)
		client_begin_view(t->client);
	else
		client_end_view(t->client);
}

static void on_menu_window(void *arg)
{
	struct tray *t = arg;

	open_window(g_application_get_dbus_connection(G_APPLICATION(t->app)), NULL);
}

static void on_menu_quit(void *arg)
{
	struct tray *t = arg;

	g_application_quit(G_APPLICATION(t->app));
}

static const struct menu_calls menu_calls = {
	.show_window = on_menu_window,
	.quit = on_menu_quit,
	.opened = on_menu_opened,
};

static void on_no_watcher(GDBusConnection *bus, const char *name, void *data)
{
	(void)bus, (void)name, (void)data;
	fprintf(stderr, "via-iface-tray: this desktop shows no tray now; notifications go on, and "
			"`via-iface-tray --window` shows the same\n");
}

static void show_icon(struct tray *t)
{
	if (t->icon)
		return;
	g_application_hold(G_APPLICATION(t->app));
	t->menu = menu_new(t->client, t->starters, &menu_calls, t);
	/* its successor (libayatana-appindicator-glib) is not in every distribution yet */
	G_GNUC_BEGIN_IGNORE_DEPRECATIONS
	t->icon = app_indicator_new("via-iface", "via-iface-idle-symbolic",
				    APP_INDICATOR_CATEGORY_SYSTEM_SERVICES);
	G_GNUC_END_IGNORE_DEPRECATIONS
	app_indicator_set_menu(t->icon, GTK_MENU(menu_widget(t->menu)));
	app_indicator_set_secondary_activate_target(t->icon, menu_window_item(t->menu));
	menu_watch_copy(t->menu);
	menu_update(t->menu);
	update_icon(t);
	t->watcher = g_bus_watch_name(G_BUS_TYPE_SESSION, WATCHER, G_BUS_NAME_WATCHER_FLAGS_NONE,
				      NULL, on_no_watcher, t, NULL);
}

/* --- the news ------------------------------------------------------------------------------ */

static void on_changed(void *arg)
{
	struct tray *t = arg;

	if (t->icon) {
		menu_update(t->menu);
		update_icon(t);
	}
}

static void on_news(const struct news *news, void *arg)
{
	struct tray *t = arg;

	notify_news(t->notify, news);
}

static void on_moving(guint32 id, void *arg)
{
	struct tray *t = arg;

	notify_expect_move(t->notify, id);
}

static void on_refused(const char *text, void *arg)
{
	struct tray *t = arg;

	notify_refused(t->notify, text);
}

static const struct client_calls client_calls = {
	.changed = on_changed,
	.news = on_news,
	.moving = on_moving,
	.refused = on_refused,
};

/* --- the program --------------------------------------------------------------------------- */

static gboolean on_signal(void *data)
{
	g_application_quit(G_APPLICATION(data));
	return G_SOURCE_CONTINUE;
}

static void on_startup(GApplication *app, void *data)
{
	struct tray *t = data;

	g_unix_signal_add(SIGTERM, on_signal, app);
	g_unix_signal_add(SIGINT, on_signal, app);
	g_unix_signal_add(SIGHUP, on_signal, app);
	t->notify = notify_new();
	t->starters = starters_new();
	t->client = client_new(&client_calls, t);
}

static void on_shutdown(GApplication *app, void *data)
{
	struct tray *t = data;

	(void)app;
	if (t->watcher)
		g_bus_unwatch_name(t->watcher);
	g_clear_object(&t->icon);
	menu_free(t->menu);
	client_free(t->client);
	notify_free(t->notify);
	starters_free(t->starters);
}

static int on_command_line(GApplication *app, GApplicationCommandLine *line, void *data)
{
	(void)app, (void)line;
	show_icon(data);
	return EXIT_SUCCESS;
}

/* It was the tray's before: the window is a program of its own. */
static int run_window(void)
{
	g_autofree char *program = paths_window();

	execlp(program, program, (char *)NULL);
	fprintf(stderr, "via-iface-tray: start '%s': %s\n", program, g_strerror(errno));
	return EXIT_FAILURE;
}

static int on_options(GApplication *app, GVariantDict *options, void *data)
{
	(void)app, (void)data;
	if (g_variant_dict_contains(options, "window"))
		return run_window();
	if (!g_variant_dict_contains(options, "version"))
		return -1;
	printf("via-iface-tray %s\n", VIA_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	const GOptionEntry options[] = {
		{ "window", 'w', 0, G_OPTION_ARG_NONE, NULL, N_("Show the window, no icon"), NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Say the version"), NULL },
		{ 0 },
	};
	struct tray t = { 0 };
	int status;

	language_init(VIA_LOCALEDIR);
	t.app = gtk_application_new(APP_ID, G_APPLICATION_HANDLES_COMMAND_LINE);
	g_application_add_main_option_entries(G_APPLICATION(t.app), options);
	g_signal_connect(t.app, "handle-local-options", G_CALLBACK(on_options), &t);
	g_signal_connect(t.app, "startup", G_CALLBACK(on_startup), &t);
	g_signal_connect(t.app, "command-line", G_CALLBACK(on_command_line), &t);
	g_signal_connect(t.app, "shutdown", G_CALLBACK(on_shutdown), &t);
	status = g_application_run(G_APPLICATION(t.app), argc, argv);
	g_object_unref(t.app);
	return status;
}
