/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/icon.h"

#include <gio/gdesktopappinfo.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/words.h"
#include "tray/indicator/dbusmenu.h"
#include "tray/indicator/menu.h"
#include "tray/indicator/sni.h"

struct icon {
	struct client *client;
	struct starters *starters;
	const struct icon_calls *calls;
	void *arg;
	struct sni *sni;
	struct dbusmenu *menu;
	gboolean opened;
};

/* --- what is shown ------------------------------------------------------------------------- */

static char *icon_name(GAppInfo *entry)
{
	GIcon *icon = g_app_info_get_icon(entry);

	return icon ? g_icon_to_string(icon) : NULL;
}

static void free_starter(void *data)
{
	struct menu_starter *starter = data;

	g_free((char *)starter->icon);
}

static void show_menu(struct icon *i)
{
	g_autoptr(GArray) starters = g_array_new(FALSE, FALSE, sizeof(struct menu_starter));
	const GPtrArray *entries;
	struct menu_scene scene = {
		.model = client_model(i->client),
		.failure = client_failure(i->client),
		.uid = getuid(),
		.opened = i->opened,
	};

	g_array_set_clear_func(starters, free_starter);
	starters_refresh(i->starters);
	entries = starters_get(i->starters);
	for (guint n = 0; n < entries->len; n++) {
		GAppInfo *entry = entries->pdata[n];
		struct menu_starter starter = {
			.name = g_app_info_get_display_name(entry),
			.path = g_desktop_app_info_get_filename(G_DESKTOP_APP_INFO(entry)),
			.icon = icon_name(entry),
		};

		g_array_append_val(starters, starter);
	}
	scene.starters = (const struct menu_starter *)(void *)starters->data;
	scene.n_starters = starters->len;
	dbusmenu_show(i->menu, menu_make(&scene));
}

/* A line for each session. */
static char *tip_of(const struct model *m)
{
	GString *text = g_string_new(NULL);

	for (size_t n = 0; n < m->sessions.n; n++) {
		g_autofree char *line = words_session(&m->sessions.v[n], getuid());

		if (text->len)
			g_string_append_c(text, '\n');
		g_string_append(text, line);
	}
	return g_string_free(text, FALSE);
}

static void show_icon(struct icon *i)
{
	static const char *const names[] = {
		[STATUS_NORMAL] = "via-iface-idle-symbolic",
		[STATUS_ACTIVE] = "via-iface-active-symbolic",
		[STATUS_BLOCKED] = "via-iface-blocked-symbolic",
	};
	const struct model *m = client_model(i->client);
	enum tray_status status = model_status(m);
	g_autofree char *title =
		m->sessions.n == 1 ? words_session(&m->sessions.v[0], getuid()) : words_sessions(m);
	g_autofree char *tip = m->sessions.n == 1 ? g_strdup("") : tip_of(m);
	struct sni_look look = {
		.icon = names[status],
		.title = title,
		.tip = tip,
		.attention = status == STATUS_BLOCKED,
	};

	sni_show(i->sni, &look);
}

void icon_update(struct icon *i)
{
	show_menu(i);
	show_icon(i);
}

/* --- what is clicked ----------------------------------------------------------------------- */

static void open_it(struct icon *i)
{
	g_autofree char *token = sni_take_token(i->sni);

	i->calls->open(token, i->arg);
}

static void start(struct icon *i, const char *path)
{
	g_autoptr(GDesktopAppInfo) entry = g_desktop_app_info_new_from_filename(path);
	g_autoptr(GAppLaunchContext) context = g_app_launch_context_new();
	g_autofree char *token = sni_take_token(i->sni);
	g_autoptr(GError) error = NULL;

	if (token) {
		g_app_launch_context_setenv(context, "XDG_ACTIVATION_TOKEN", token);
		g_app_launch_context_setenv(context, "DESKTOP_STARTUP_ID", token);
	}
	if (entry && !g_app_info_launch(G_APP_INFO(entry), NULL, context, &error))
		client_refused(i->client, error->message);
}

static void move(struct icon *i, const struct tray_session *s, const char *uplink)
{
	const struct tray_uplinks *all = &client_model(i->client)->uplinks;

	for (size_t n = 0; n < all->n; n++)
		if (!strcmp(all->v[n].name, uplink) && !tray_goes_by(s, &all->v[n])) {
			client_move(i->client, s->id, &all->v[n]);
			return;
		}
}

/* The session that the item was about, while it is still that one. */
static void about_session(struct icon *i, enum order_kind kind, guint32 id, const char *name,
			  const char *uplink)
{
	const struct tray_session *s = model_session(client_model(i->client), id);

	if (!s || strcmp(s->name, name) != 0)
		return;
	if (kind == ORDER_MOVE)
		move(i, s, uplink);
	else if (kind == ORDER_STOP)
		client_stop(i->client, id);
	else
		client_pause(i->client, id, kind == ORDER_PAUSE);
}

/* What an order causes may change the menu, and with it the order: it is copied first. */
static void on_clicked(const struct order *order, void *arg)
{
	struct icon *i = arg;
	struct order o = *order;
	g_autofree char *entry = g_strdup(order->entry);

	switch (o.kind) {
	case ORDER_MOVE:
	case ORDER_PAUSE:
	case ORDER_RESUME:
	case ORDER_STOP:
		about_session(i, o.kind, o.session, o.name, o.uplink);
		break;
	case ORDER_PAUSE_ALL:
	case ORDER_RESUME_ALL:
		client_pause_all(i->client, o.kind == ORDER_PAUSE_ALL);
		break;
	case ORDER_START:
		start(i, entry);
		break;
	case ORDER_WINDOW:
		open_it(i);
		break;
	case ORDER_QUIT:
		i->calls->quit(i->arg);
		break;
	case ORDER_NONE:
		break;
	}
}

static void on_about_to_show(void *arg)
{
	show_menu(arg);
}

static void on_opened(gboolean opened, void *arg)
{
	struct icon *i = arg;

	i->opened = opened;
	if (opened)
		client_begin_view(i->client);
	else
		client_end_view(i->client);
	show_menu(i);
}

static void on_activated(void *arg)
{
	open_it(arg);
}

static void on_watched(gboolean watched, void *arg)
{
	struct icon *i = arg;

	i->calls->watched(watched, i->arg);
}

/* --- coming and going ---------------------------------------------------------------------- */

struct icon *icon_new(GDBusConnection *bus, struct client *c, struct starters *starters,
		      const struct icon_calls *calls, void *arg)
{
	static const struct dbusmenu_calls menu_calls = {
		.clicked = on_clicked,
		.about_to_show = on_about_to_show,
		.opened = on_opened,
	};
	static const struct sni_calls sni_calls = {
		.activated = on_activated,
		.watched = on_watched,
	};
	struct icon *i = g_new0(struct icon, 1);

	i->client = c;
	i->starters = starters;
	i->calls = calls;
	i->arg = arg;
	i->menu = dbusmenu_new(bus, &menu_calls, i);
	i->sni = i->menu ? sni_new(bus, DBUSMENU_PATH, &sni_calls, i) : NULL;
	if (!i->sni) {
		icon_free(i);
		return NULL;
	}
	icon_update(i);
	return i;
}

void icon_free(struct icon *i)
{
	if (!i)
		return;
	sni_free(i->sni);
	dbusmenu_free(i->menu);
	if (i->opened)
		client_end_view(i->client);
	g_free(i);
}
