/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-window: the window, one process for each desktop session. The bus starts it for who
 * calls org.freedesktop.Application (a menu, the tray); it ends with its window.
 */
#include <adwaita.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/language.h"
#include "config.h"
#include "tray/common/app.h"
#include "tray/common/client.h"
#include "tray/common/tray_app.h"
#include "tray/window/dialogs.h"
#include "tray/window/ui.h"
#include "tray/window/window.h"

#define APP_ID          "org.via_iface.via_iface"
#define TRAY_ANSWERS_MS 2000

struct program {
	GtkApplication *app;
	struct client *client;
	struct window *window;
};

/* --- the window ---------------------------------------------------------------------------- */

static void on_window_gone(GtkWidget *widget, void *data)
{
	struct program *p = data;

	(void)widget;
	p->window = NULL;
	client_end_view(p->client);
}

static void on_activate(GApplication *app, void *data)
{
	struct program *p = data;

	(void)app;
	if (!p->window) {
		p->window = window_new(p->app, p->client);
		g_signal_connect(window_widget(p->window), "destroy", G_CALLBACK(on_window_gone),
				 p);
		client_begin_view(p->client);
	}
	gtk_window_present(GTK_WINDOW(window_widget(p->window)));
}

/* "sessions", "programs", "entries", "history": the tray opens one of them. */
static void on_show(GSimpleAction *action, GVariant *value, void *data)
{
	struct program *p = data;

	(void)action;
	on_activate(G_APPLICATION(p->app), p);
	window_show_page(p->window, g_variant_get_string(value, NULL));
}

/* --- what the client tells ----------------------------------------------------------------- */

static void on_changed(void *arg)
{
	struct program *p = arg;

	if (p->window)
		window_update(p->window);
}

/* The tray notifies. */
static void on_news(const struct news *news, void *arg)
{
	struct program *p = arg;

	(void)news;
	if (p->window)
		window_news(p->window);
}

/*
 * To the tray, where one runs: it notifies of moves and pauses that nobody ordered. The order is
 * made when the tray has answered, else it could hear of the move before it hears of the order; a
 * tray that does not answer does not keep the user from it.
 */
static void tell_tray(struct program *p, const char *action, GVariant *order)
{
	GDBusConnection *bus = g_application_get_dbus_connection(G_APPLICATION(p->app));
	GVariant *answer; /* waited for, and not read */
	GVariantBuilder words;

	g_variant_ref_sink(order);
	if (!bus) {
		g_variant_unref(order);
		return;
	}
	g_variant_builder_init(&words, G_VARIANT_TYPE("av"));
	g_variant_builder_add(&words, "v", order);
	g_variant_unref(order);
	answer = g_dbus_connection_call_sync(bus, TRAY_APP_ID, TRAY_APP_PATH,
					     "org.freedesktop.Application", "ActivateAction",
					     g_variant_new("(sava{sv})", action, &words, NULL),
					     NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, TRAY_ANSWERS_MS,
					     NULL, NULL);
	g_clear_pointer(&answer, g_variant_unref);
}

static void on_moving(guint32 id, const char *uplink, gboolean ordered, void *arg)
{
	tell_tray(arg, TRAY_EXPECT_MOVE, g_variant_new(TRAY_EXPECT_MOVE_TYPE, id, uplink, ordered));
}

static void on_pausing(guint32 id, gboolean ordered, void *arg)
{
	tell_tray(arg, TRAY_EXPECT_PAUSE, g_variant_new(TRAY_EXPECT_PAUSE_TYPE, id, ordered));
}

static void on_refused(const char *text, void *arg)
{
	struct program *p = arg;

	if (p->window)
		window_refused(p->window, text);
}

static const struct client_calls client_calls = {
	.changed = on_changed,
	.news = on_news,
	.moving = on_moving,
	.pausing = on_pausing,
	.refused = on_refused,
};

/* --- the program --------------------------------------------------------------------------- */

static void on_startup(GApplication *app, void *data)
{
	static const GActionEntry actions[] = {
		{ .name = "show", .activate = on_show, .parameter_type = "s" }
	};
	struct program *p = data;

	app_quit_on_signals(app);
	g_action_map_add_action_entries(G_ACTION_MAP(app), actions, G_N_ELEMENTS(actions), p);
	gtk_window_set_default_icon_name("via-iface");
	ui_style();
	p->client = client_new(&client_calls, p);
}

static void on_shutdown(GApplication *app, void *data)
{
	struct program *p = data;

	(void)app;
	if (p->window)
		gtk_window_destroy(GTK_WINDOW(window_widget(p->window)));
	client_free(p->client);
}

static int on_options(GApplication *app, GVariantDict *options, void *data)
{
	(void)app, (void)data;
	if (g_variant_dict_contains(options, "failed") || g_variant_dict_contains(options, "ask"))
		return dialogs_show(options);
	if (!g_variant_dict_contains(options, "version"))
		return -1;
	printf("via-iface-window %s\n", VIA_VERSION);
	return EXIT_SUCCESS;
}

int main(int argc, char *argv[])
{
	const GOptionEntry options[] = {
		{ "failed", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, NULL, NULL, NULL },
		{ "ask", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING, NULL, NULL, NULL },
		{ "choice", 0, G_OPTION_FLAG_HIDDEN, G_OPTION_ARG_STRING_ARRAY, NULL, NULL, NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Say the version"), NULL },
		{ 0 },
	};
	struct program p = { 0 };
	int status;

	language_init(VIA_LOCALEDIR);
	/* on X11 it is the window's class, by which a panel finds the menu entry (StartupWMClass)
	 */
	g_set_prgname(APP_ID);
	/* one graph a second needs no GPU, whose renderer costs 60 MB */
	g_setenv("GSK_RENDERER", "cairo", FALSE);
	p.app = GTK_APPLICATION(adw_application_new(APP_ID, (GApplicationFlags)0));
	g_application_add_main_option_entries(G_APPLICATION(p.app), options);
	g_signal_connect(p.app, "handle-local-options", G_CALLBACK(on_options), &p);
	g_signal_connect(p.app, "startup", G_CALLBACK(on_startup), &p);
	g_signal_connect(p.app, "activate", G_CALLBACK(on_activate), &p);
	g_signal_connect(p.app, "shutdown", G_CALLBACK(on_shutdown), &p);
	status = g_application_run(G_APPLICATION(p.app), argc, argv);
	g_object_unref(p.app);
	return status;
}
