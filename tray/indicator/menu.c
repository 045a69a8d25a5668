/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/menu.h"

#include <glib/gi18n.h>
#include <string.h>

#include "tray/common/words.h"

#define FAILURE_MAX 72 /* characters: a menu does not wrap */

/* Takes the text; "" adds nothing. */
static void add_line(struct item *menu, const char *key, char *text)
{
	if (*text)
		item_new(menu, key, item_label(text))->look.disabled = TRUE;
	g_free(text);
}

static struct item *add_order(struct item *menu, const char *key, const char *label,
			      enum order_kind kind, gboolean on)
{
	struct item *item = item_new(menu, key, g_strdup(label));

	item->order.kind = kind;
	item->look.disabled = !on;
	return item;
}

/* --- a session ----------------------------------------------------------------------------- */

static void about(struct item *item, const struct tray_session *s)
{
	item->order.session = s->id;
	g_strlcpy(item->order.name, s->name, sizeof(item->order.name));
}

static void add_uplinks(struct item *menu, const struct menu_scene *scene,
			const struct tray_session *s)
{
	gboolean may = tray_may_change(s, scene->uid);

	for (size_t i = 0; i < scene->model->uplinks.n; i++) {
		const struct tray_uplink *u = &scene->model->uplinks.v[i];
		g_autofree char *text = words_uplink(u, TRUE);
		g_autofree char *label = item_label(text), *key = g_strconcat("to ", u->name, NULL);
		struct item *item = add_order(menu, key, label, ORDER_MOVE, may && u->usable);

		about(item, s);
		g_strlcpy(item->order.uplink, u->name, sizeof(item->order.uplink));
		item->look.mark = tray_goes_by(s, u) ? MARK_ON : MARK_OFF;
	}
}

/*
 * The line of the rate is there all the time, and the item of the session keeps its width: panels
 * do not widen what is open.
 */
static void add_session(struct item *root, const struct menu_scene *scene,
			const struct tray_session *s)
{
	g_autofree char *name = words_session(s, scene->uid), *total = words_total(s);
	g_autofree char *key = g_strdup_printf("session %" G_GUINT32_FORMAT " %s", s->id, s->name);
	struct item *item = item_new(root, key, item_label(name));
	gboolean may = tray_may_change(s, scene->uid), paused = s->state == TRAY_PAUSED;

	item->look.alert = s->state == TRAY_BLOCKED;
	item->look.icon = g_strdup(s->state == TRAY_BLOCKED ? "via-iface-blocked-symbolic" : NULL);
	if (s->state != TRAY_UP)
		add_line(item, "state", words_state_why(s));
	add_line(item, "traffic", words_traffic(scene->opened ? s : NULL));
	if (*total)
		add_line(item, "total", g_strdup_printf(_("Total: %s"), total));
	item_new(item, "line before uplinks", NULL);
	add_uplinks(item, scene, s);
	item_new(item, "line after uplinks", NULL);
	about(add_order(item, paused ? "resume" : "pause", paused ? _("_Resume") : _("_Pause"),
			paused ? ORDER_RESUME : ORDER_PAUSE, may && s->state != TRAY_CLOSING),
	      s);
	about(add_order(item, "stop", _("_Stop"), ORDER_STOP, may), s);
}

/* --- all of them --------------------------------------------------------------------------- */

static char *cut(const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1), *start = NULL;

	if (g_utf8_strlen(valid, -1) <= FAILURE_MAX)
		return g_steal_pointer(&valid);
	start = g_utf8_substring(valid, 0, FAILURE_MAX);
	return g_strconcat(start, "…", NULL);
}

static void add_starters(struct item *root, const struct menu_scene *scene)
{
	struct item *menu;

	if (!scene->n_starters)
		return;
	menu = item_new(root, "start", g_strdup(_("S_tart")));
	for (gsize i = 0; i < scene->n_starters; i++) {
		const struct menu_starter *starter = &scene->starters[i];
		g_autofree char *label = item_label(starter->name);
		g_autofree char *key = g_strconcat(starter->path, "\n", starter->name, NULL);
		struct item *item = add_order(menu, key, label, ORDER_START, TRUE);

		item->order.entry = g_strdup(starter->path);
		item->look.icon = g_strdup(starter->icon);
	}
}

struct item *menu_make(const struct menu_scene *scene)
{
	const struct tray_sessions *all = &scene->model->sessions;
	struct item *root = item_new(NULL, "", NULL);
	gboolean pause = FALSE, resume = FALSE;

	if (scene->failure)
		add_line(root, "failure", cut(scene->failure));
	else if (!all->n)
		add_line(root, "none", g_strdup(_("No session")));
	for (size_t i = 0; i < all->n; i++) {
		add_session(root, scene, &all->v[i]);
		if (tray_may_change(&all->v[i], scene->uid)) {
			pause |= all->v[i].state == TRAY_UP || all->v[i].state == TRAY_BLOCKED;
			resume |= all->v[i].state == TRAY_PAUSED;
		}
	}
	item_new(root, "line after sessions", NULL);
	add_starters(root, scene);
	add_order(root, "pause all", _("_Pause all"), ORDER_PAUSE_ALL, pause);
	add_order(root, "resume all", _("_Resume all"), ORDER_RESUME_ALL, resume);
	item_new(root, "line after orders", NULL);
	add_order(root, "window", _("Show the _window"), ORDER_WINDOW, TRUE);
	add_order(root, "quit", _("_Quit"), ORDER_QUIT, TRUE);
	return root;
}
