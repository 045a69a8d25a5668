/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface-tray: one process for each desktop session, which shows the icon. A second start ends
 * at once. The window is another program, via-iface-window. With --service, by which the bus starts
 * it, it shows nothing and ends when no caller of org.via_iface1 is left.
 */
#include <errno.h>
#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "config.h"
#include "tray/common/app.h"
#include "tray/common/client.h"
#include "tray/common/notify.h"
#include "tray/common/paths.h"
#include "tray/common/starters.h"
#include "tray/common/tray_app.h"
#include "tray/indicator/icon.h"
#include "tray/indicator/offer.h"
#include "tray/indicator/open.h"
#include "tray/indicator/service.h"

#define IDLE_MS 10000 /* after the last caller of --service has gone */

struct tray {
	GApplication *app;
	struct client *client;
	struct notify *notify;
	struct starters *starters;
	struct icon *icon;
	struct offer *offer; /* of the window, where no panel shows the icon */
	struct service *service;
};

static GDBusConnection *bus_of(const struct tray *t)
{
	return g_application_get_dbus_connection(t->app);
}

/* --- the icon ------------------------------------------------------------------------------ */

static void on_open(const char *token, void *arg)
{
	open_window(bus_of(arg), token);
}

static void on_quit(void *arg)
{
	g_application_quit(((struct tray *)arg)->app);
}

static void on_watched(gboolean watched, void *arg)
{
	struct tray *t = arg;

	offer_watched(t->offer, watched);
	if (!watched)
		fprintf(stderr, "via-iface-tray: this desktop shows no tray now; notifications go "
				"on, and via-iface-window shows the same\n");
}

static void on_offer(void *arg)
{
	notify_window(((struct tray *)arg)->notify);
}

static const struct icon_calls icon_calls = {
	.open = on_open,
	.quit = on_quit,
	.watched = on_watched,
};

static void show_icon(struct tray *t)
{
	if (t->icon)
		return;
	if (!t->offer)
		t->offer = offer_new(on_offer, t);
	t->icon = icon_new(bus_of(t), t->client, t->starters, &icon_calls, t);
	if (t->icon)
		g_application_hold(t->app);
}

/* --- the news ------------------------------------------------------------------------------ */

static void on_changed(void *arg)
{
	struct tray *t = arg;

	if (t->icon)
		icon_update(t->icon);
	if (t->service)
		service_update(t->service, client_model(t->client));
}

static void on_news(const struct news *news, void *arg)
{
	struct tray *t = arg;

	if (t->icon)
		notify_news(t->notify, news);
}

/* The first uplink that can serve and is not the one that it goes by. */
static const char *find_alternative(const struct news *news, void *arg)
{
	const struct model *m = client_model(((struct tray *)arg)->client);
	const struct tray_session *s = model_session(m, news->id);

	for (size_t i = 0; s && tray_may_change(s, getuid()) && i < m->uplinks.n; i++)
		if (m->uplinks.v[i].usable && strcmp(m->uplinks.v[i].name, news->uplink) != 0)
			return m->uplinks.v[i].name;
	return NULL;
}

static void on_note_move(guint32 id, const char *name, const char *uplink, void *arg)
{
	struct tray *t = arg;
	const struct model *m = client_model(t->client);
	const struct tray_session *s = model_session(m, id);

	for (size_t i = 0; s && !strcmp(s->name, name) && i < m->uplinks.n; i++)
		if (!strcmp(m->uplinks.v[i].name, uplink)) {
			client_move(t->client, id, &m->uplinks.v[i]);
			return;
		}
}

static void on_note_resume(guint32 id, const char *name, void *arg)
{
	struct tray *t = arg;
	const struct tray_session *s = model_session(client_model(t->client), id);

	if (s && !strcmp(s->name, name))
		client_pause(t->client, id, FALSE);
}

static gboolean may_change(const struct news *news, void *arg)
{
	const struct tray_session *s =
		model_session(client_model(((struct tray *)arg)->client), news->id);

	return s && tray_may_change(s, getuid());
}

static const struct notify_calls notify_calls = {
	.open = on_open,
	.move = on_note_move,
	.resume = on_note_resume,
	.may_change = may_change,
	.alternative = find_alternative,
};

static void on_moving(guint32 id, const char *uplink, gboolean ordered, void *arg)
{
	struct tray *t = arg;

	notify_expect_move(t->notify, id, uplink, ordered);
}

static void on_pausing(guint32 id, gboolean ordered, void *arg)
{
	struct tray *t = arg;

	notify_expect_pause(t->notify, id, ordered);
}

/* By the window: TRAY_EXPECT_PAUSE. */
static void on_expect_pause(GSimpleAction *action, GVariant *value, void *data)
{
	gboolean ordered;
	guint32 id;

	(void)action;
	g_variant_get(value, "(ub)", &id, &ordered);
	on_pausing(id, ordered, data);
}

/* By the window: TRAY_EXPECT_MOVE. */
static void on_expect_move(GSimpleAction *action, GVariant *value, void *data)
{
	const char *uplink;
	gboolean ordered;
	guint32 id;

	(void)action;
	g_variant_get(value, "(u&sb)", &id, &uplink, &ordered);
	on_moving(id, uplink, ordered, data);
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
	.pausing = on_pausing,
	.refused = on_refused,
};

/* --- the program --------------------------------------------------------------------------- */

static void on_startup(GApplication *app, void *data)
{
	static const GActionEntry actions[] = { { .name = TRAY_EXPECT_MOVE,
						  .activate = on_expect_move,
						  .parameter_type = TRAY_EXPECT_MOVE_TYPE },
						{ .name = TRAY_EXPECT_PAUSE,
						  .activate = on_expect_pause,
						  .parameter_type = TRAY_EXPECT_PAUSE_TYPE } };
	struct tray *t = data;

	g_action_map_add_action_entries(G_ACTION_MAP(app), actions, G_N_ELEMENTS(actions), t);
	app_quit_on_signals(app);
	t->notify = notify_new();
	notify_offer(t->notify, &notify_calls, t);
	t->starters = starters_new();
	t->client = client_new(&client_calls, t);
	t->service = bus_of(t) ? service_new(app, bus_of(t)) : NULL;
	g_application_set_inactivity_timeout(app, IDLE_MS);
}

static void on_shutdown(GApplication *app, void *data)
{
	struct tray *t = data;

	(void)app;
	service_free(t->service);
	icon_free(t->icon);
	offer_free(t->offer);
	client_free(t->client);
	notify_free(t->notify);
	starters_free(t->starters);
}

static int on_command_line(GApplication *app, GApplicationCommandLine *line, void *data)
{
	struct tray *t = data;

	if (!bus_of(t)) {
		g_application_command_line_printerr(line,
						    "via-iface-tray: there is no session bus\n");
		return EXIT_FAILURE;
	}
	if (g_variant_dict_contains(g_application_command_line_get_options_dict(line), "service")) {
		g_application_hold(app);
		g_application_release(app); /* the timeout of inactivity begins */
		return t->service ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	show_icon(t);
	return t->icon ? EXIT_SUCCESS : EXIT_FAILURE;
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
		{ "service", 0, 0, G_OPTION_ARG_NONE, NULL,
		  N_("Serve org.via_iface1 on the session bus, no icon"), NULL },
		{ "version", 0, 0, G_OPTION_ARG_NONE, NULL, N_("Say the version"), NULL },
		{ 0 },
	};
	struct tray t = { 0 };
	int status;

	language_init(VIA_LOCALEDIR);
	t.app = g_application_new(TRAY_APP_ID, G_APPLICATION_HANDLES_COMMAND_LINE);
	g_application_add_main_option_entries(t.app, options);
	g_signal_connect(t.app, "handle-local-options", G_CALLBACK(on_options), &t);
	g_signal_connect(t.app, "startup", G_CALLBACK(on_startup), &t);
	g_signal_connect(t.app, "command-line", G_CALLBACK(on_command_line), &t);
	g_signal_connect(t.app, "shutdown", G_CALLBACK(on_shutdown), &t);
	status = g_application_run(t.app, argc, argv);
	g_object_unref(t.app);
	return status;
}
