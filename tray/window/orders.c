/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/orders.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/words.h"

struct session_orders {
	struct client *client;
	guint32 id;
	GtkWidget *menu, *pause, *stop;
	int radios_at;
	GPtrArray *radios; /* struct radio, one for each uplink */
	gboolean updating; /* what is toggled now is not toggled by the user */
};

struct radio {
	struct session_orders *orders;
	char uplink[16];
	GtkWidget *item;
};

struct host_orders {
	struct client *client;
	struct starters *starters;
	GtkWidget *start, *pause, *resume;
	guint shown; /* the starters, as starters_refresh() numbers them */
};

/* --- items --------------------------------------------------------------------------------- */

void orders_set_label(GtkWidget *item, const char *text)
{
	if (g_strcmp0(gtk_menu_item_get_label(GTK_MENU_ITEM(item)), text) != 0)
		gtk_menu_item_set_label(GTK_MENU_ITEM(item), text);
}

/* To the copy in the panel an underscore announces a key, whatever the item here says. */
void orders_set_text(GtkWidget *item, const char *text)
{
	GString *label = g_string_new(NULL);

	for (; *text; text++) {
		if (*text == '_')
			g_string_append_c(label, '_');
		g_string_append_c(label, *text);
	}
	gtk_menu_item_set_use_underline(GTK_MENU_ITEM(item), TRUE);
	orders_set_label(item, label->str);
	g_string_free(label, TRUE);
}

GtkWidget *orders_add(GtkWidget *menu, GtkWidget *item)
{
	gtk_menu_shell_append(GTK_MENU_SHELL(menu), item);
	gtk_widget_show(item);
	return item;
}

GtkWidget *orders_add_choice(GtkWidget *menu, const char *text, GCallback chosen, void *data)
{
	GtkWidget *item = orders_add(menu, gtk_menu_item_new_with_mnemonic(text));

	g_signal_connect(item, "activate", chosen, data);
	return item;
}

/* --- a session ----------------------------------------------------------------------------- */

static const struct tray_session *session_of(const struct session_orders *o)
{
	return model_session(client_model(o->client), o->id);
}

static void on_pause(GtkMenuItem *item, void *data)
{
	struct session_orders *o = data;
	const struct tray_session *s = session_of(o);

	(void)item;
	if (s)
		client_pause(o->client, o->id, s->state != TRAY_PAUSED);
}

static void on_stop(GtkMenuItem *item, void *data)
{
	struct session_orders *o = data;

	(void)item;
	client_stop(o->client, o->id);
}

static void mark_way(struct session_orders *o, const struct tray_session *s)
{
	const struct tray_uplinks *all = &client_model(o->client)->uplinks;
	gboolean may = tray_may_change(s, getuid());

	o->updating = TRUE;
	for (guint i = 0; i < o->radios->len && i < all->n; i++) {
		struct radio *r = o->radios->pdata[i];
		g_autofree char *text = words_uplink(&all->v[i], TRUE);

		orders_set_text(r->item, text);
		gtk_widget_set_sensitive(r->item, may && all->v[i].usable);
		gtk_check_menu_item_set_active(GTK_CHECK_MENU_ITEM(r->item),
					       tray_goes_by(s, &all->v[i]));
	}
	o->updating = FALSE;
}

/* The mark goes where the session goes: it is put back, and follows the news. */
static void on_radio(GtkCheckMenuItem *item, void *data)
{
	struct radio *r = data;
	struct session_orders *o = r->orders;
	const struct tray_uplinks *all = &client_model(o->client)->uplinks;
	const struct tray_session *s = session_of(o);

	(void)item;
	if (o->updating || !s)
		return;
	mark_way(o, s);
	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, r->uplink) && !tray_goes_by(s, &all->v[i])) {
			client_move(o->client, o->id, &all->v[i]);
			return;
		}
}

static gboolean same_uplinks(const struct session_orders *o, const struct tray_uplinks *all)
{
	if (o->radios->len != all->n)
		return FALSE;
	for (guint i = 0; i < o->radios->len; i++)
		if (strcmp(((struct radio *)o->radios->pdata[i])->uplink, all->v[i].name) != 0)
			return FALSE;
	return TRUE;
}

static void make_radios(struct session_orders *o, const struct tray_uplinks *all)
{
	if (same_uplinks(o, all))
		return;
	for (guint i = 0; i < o->radios->len; i++)
		gtk_widget_destroy(((struct radio *)o->radios->pdata[i])->item);
	g_ptr_array_set_size(o->radios, 0);
	for (size_t i = 0; i < all->n; i++) {
		struct radio *r = g_new0(struct radio, 1);

		r->orders = o;
		g_strlcpy(r->uplink, all->v[i].name, sizeof(r->uplink));
		r->item = gtk_check_menu_item_new();
		/* No GtkRadioMenuItem: of those one always has the mark. */
		gtk_check_menu_item_set_draw_as_radio(GTK_CHECK_MENU_ITEM(r->item), TRUE);
		g_signal_connect(r->item, "toggled", G_CALLBACK(on_radio), r);
		gtk_menu_shell_insert(GTK_MENU_SHELL(o->menu), r->item, o->radios_at + (int)i);
		gtk_widget_show(r->item);
		g_ptr_array_add(o->radios, r);
	}
}

void session_orders_update(struct session_orders *o, const struct tray_session *s)
{
	gboolean may = tray_may_change(s, getuid());

	make_radios(o, &client_model(o->client)->uplinks);
	mark_way(o, s);
	orders_set_label(o->pause, s->state == TRAY_PAUSED ? _("_Resume") : _("_Pause"));
	gtk_widget_set_sensitive(o->pause, may && s->state != TRAY_CLOSING);
	gtk_widget_set_sensitive(o->stop, may);
}

static void count_child(GtkWidget *child, void *data)
{
	(void)child;
	++*(int *)data;
}

struct session_orders *session_orders_new(GtkWidget *menu, struct client *c, guint32 id)
{
	struct session_orders *o = g_new0(struct session_orders, 1);

	o->client = c;
	o->id = id;
	o->menu = menu;
	o->radios = g_ptr_array_new_with_free_func(g_free);
	gtk_container_foreach(GTK_CONTAINER(menu), count_child, &o->radios_at);
	orders_add(menu, gtk_separator_menu_item_new());
	o->pause = orders_add_choice(menu, _("_Pause"), G_CALLBACK(on_pause), o);
	o->stop = orders_add_choice(menu, _("_Stop"), G_CALLBACK(on_stop), o);
	return o;
}

void session_orders_free(struct session_orders *o)
{
	if (!o)
		return;
	g_ptr_array_unref(o->radios);
	g_free(o);
}

/* --- all of them --------------------------------------------------------------------------- */

static void on_pause_all(GtkMenuItem *item, void *data)
{
	struct host_orders *o = data;

	client_pause_all(o->client, GTK_WIDGET(item) == o->pause);
}

static void on_start(GtkMenuItem *item, void *data)
{
	GAppInfo *entry = g_object_get_data(G_OBJECT(item), "entry");
	g_autoptr(GdkAppLaunchContext) context =
		gdk_display_get_app_launch_context(gtk_widget_get_display(GTK_WIDGET(item)));
	g_autoptr(GError) error = NULL;

	if (!g_app_info_launch(entry, NULL, G_APP_LAUNCH_CONTEXT(context), &error))
		client_refused(((struct host_orders *)data)->client, error->message);
}

static void show_starters(struct host_orders *o, const GPtrArray *entries)
{
	GtkWidget *sub = gtk_menu_new();

	for (guint i = 0; i < entries->len; i++) {
		GAppInfo *entry = entries->pdata[i];
		GtkWidget *item = gtk_menu_item_new();

		orders_set_text(item, g_app_info_get_display_name(entry));
		g_object_set_data_full(G_OBJECT(item), "entry", g_object_ref(entry),
				       g_object_unref);
		g_signal_connect(item, "activate", G_CALLBACK(on_start), o);
		orders_add(sub, item);
	}
	gtk_menu_item_set_submenu(GTK_MENU_ITEM(o->start), sub);
	gtk_widget_set_visible(o->start, entries->len > 0);
}

void host_orders_update(struct host_orders *o)
{
	const struct tray_sessions *all = &client_model(o->client)->sessions;
	gboolean pause = FALSE, resume = FALSE;
	guint count = starters_refresh(o->starters);

	for (size_t i = 0; i < all->n; i++) {
		if (!tray_may_change(&all->v[i], getuid()))
			continue;
		pause |= all->v[i].state == TRAY_UP || all->v[i].state == TRAY_BLOCKED;
		resume |= all->v[i].state == TRAY_PAUSED;
	}
	gtk_widget_set_sensitive(o->pause, pause);
	gtk_widget_set_sensitive(o->resume, resume);
	if (o->shown != count)
		show_starters(o, starters_get(o->starters));
	o->shown = count;
}

struct host_orders *host_orders_new(GtkWidget *menu, struct client *c, struct starters *starters)
{
	struct host_orders *o = g_new0(struct host_orders, 1);

	o->client = c;
	o->starters = starters;
	o->start = orders_add(menu, gtk_menu_item_new_with_mnemonic(_("S_tart")));
	gtk_widget_hide(o->start);
	o->pause = orders_add_choice(menu, _("_Pause all"), G_CALLBACK(on_pause_all), o);
	o->resume = orders_add_choice(menu, _("_Resume all"), G_CALLBACK(on_pause_all), o);
	return o;
}

void host_orders_free(struct host_orders *o)
{
	g_free(o);
}
