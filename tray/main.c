/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-tray: one process for each desktop session. A second start asks the first one: for the
 * window with --window, else for the icon. It lasts as long as it shows the icon or the window.
 */
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <libayatana-appindicator/app-indicator.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/language.h"
#include "config.h"
#include "tray/client.h"
#include "tray/dialogs.h"
#include "tray/menu.h"
#include "tray/notify.h"
#include "tray/starters.h"
#include "tray/window.h"
#include "tray/words.h"

#define APP_ID  "org.via_iface.Tray"
#define WATCHER "org.kde.StatusNotifierWatcher"

struct tray {
	GtkApplication *app;
	struct client *client;
	struct notify *notify;
	struct starters *starters;
	AppIndicator *icon;
	struct menu *menu;
	struct window *window;
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

static void show_window(struct tray *t);

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
	show_window(arg);
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

/* --- the window ---------------------------------------------------------------------------- */

static void on_window_gone(GtkWidget *widget, void *data)
{
	struct tray *t = data;

	(void)widget;
	window_free(t->window);
	t->window = NULL;
	client_end_view(t->client);
}

static void show_window(struct tray *t)
{
	if (!t->window) {
		t->window = window_new(t->app, t->client, t->starters);
		g_signal_connect(window_widget(t->window), "destroy", G_CALLBACK(on_window_gone),
				 t);
		client_begin_view(t->client);
	}
	gtk_window_present(GTK_WINDOW(window_widget(t->window)));
}

static void on_close(GSimpleAction *action, GVariant *value, void *data)
{
	struct tray *t = data;

	(void)action, (void)value;
	if (t->window)
		gtk_window_close(GTK_WINDOW(window_widget(t->window)));
}

/* --- the news ------------------------------------------------------------------------------ */

static void on_changed(void *arg)
{
	struct tray *t = arg;

	if (t->icon) {
		menu_update(t->menu);
		update_icon(t);
	}
	if (t->window)
		window_update(t->window);
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
	static const GActionEntry actions[] = { { .name = "close", .activate = on_close } };
	static const char *const keys[] = { "<Primary>w", "<Primary>q", "Escape", NULL };
	struct tray *t = data;

	g_unix_signal_add(SIGTERM, on_signal, app);
	g_unix_signal_add(SIGINT, on_signal, app);
	g_unix_signal_add(SIGHUP, on_signal, app);
	g_action_map_add_action_entries(G_ACTION_MAP(app), actions, G_N_ELEMENTS(actions), t);
	gtk_application_set_accels_for_action(t->app, "app.close", keys);
	gtk_window_set_default_icon_name("via-iface");
	t->notify = notify_new();
	t->starters = starters_new();
	t->client = client_new(&client_calls, t);
}

static void on_shutdown(GApplication *app, void *data)
{
	struct tray *t = data;

	(void)app;
	if (t->window)
		gtk_widget_destroy(window_widget(t->window));
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
	GVariantDict *options = g_application_command_line_get_options_dict(line);
	struct tray *t = data;

	(void)app;
	if (g_variant_dict_contains(options, "window"))
		show_window(t);
	else
		show_icon(t);
	return EXIT_SUCCESS;
}

static int on_options(GApplication *app, GVariantDict *options, void *data)
{
	(void)app, (void)data;
	if (g_variant_dict_contains(options, "failed") || g_variant_dict_contains(options, "ask"))
		return dialogs_show(options);
	if (!g_variant_dict_contains(options, "version"))
		return -1;
	printf("via-iface-tray %s\n", VIA_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	const GOptionEntry options[] = {
		{ "window", 'w', 0, G_OPTION_ARG_NONE, NULL, N_("Show a window, no icon"), NULL },
		{ "failed", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, NULL, NULL, NULL },
		{ "ask", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, NULL, NULL, NULL },
		{ "choice", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING_ARRAY, NULL, NULL, NULL },
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
