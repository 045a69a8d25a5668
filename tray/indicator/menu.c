/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether somebody looks at the copy in the panel is known as far as the panel tells. Some say
 * "opened" and "closed" of the whole menu (KDE, GNOME); Xfce and MATE say only that it is about to
 * be shown, and then "opened" and "closed" of the menus inside it. So each sign that somebody looks
 * counts for a while, and so does a panel that died with its menu open.
 */
#include "tray/indicator/menu.h"

#include <glib/gi18n.h>
#include <libdbusmenu-gtk/parser.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/words.h"
#include "tray/indicator/orders.h"

#define VIEW_OPENED_S 120
#define VIEW_SHOWN_S  20 /* the rest of the menu's time, when nobody will say that it is closed */
#define VIEW_CLOSED_S 2  /* of a menu inside: the next one may follow */

struct entry {
	guint32 id;
	char name[40];
	GtkWidget *item, *state, *traffic, *total;
	struct session_orders *orders;
};

struct menu {
	struct client *client;
	const struct menu_calls *calls;
	void *arg;
	GtkWidget *menu, *head, *window;
	GPtrArray *entries; /* struct entry, in the order of the model */
	struct host_orders *orders;
	gboolean opened;     /* somebody looks, or may */
	gboolean root_tells; /* the panel told of the whole menu: that is all that counts */
	guint view_end;
};

/* --- opened and closed --------------------------------------------------------------------- */

static void set_opened(struct menu *m, gboolean opened)
{
	g_clear_handle_id(&m->view_end, g_source_remove);
	if (m->opened == opened)
		return;
	m->opened = opened;
	m->calls->opened(opened, m->arg);
	menu_update(m);
}

static gboolean on_view_end(void *data)
{
	struct menu *m = data;

	m->view_end = 0;
	set_opened(m, FALSE);
	return G_SOURCE_REMOVE;
}

static void view_for(struct menu *m, guint seconds)
{
	set_opened(m, TRUE);
	m->view_end = g_timeout_add_seconds(seconds, on_view_end, m);
}

static gboolean on_root_event(DbusmenuMenuitem *root, const char *name, GVariant *value,
			      guint timestamp, void *data)
{
	struct menu *m = data;

	(void)root, (void)value, (void)timestamp;
	if (!strcmp(name, DBUSMENU_MENUITEM_EVENT_OPENED)) {
		m->root_tells = TRUE;
		view_for(m, VIEW_OPENED_S);
	} else if (!strcmp(name, DBUSMENU_MENUITEM_EVENT_CLOSED)) {
		set_opened(m, FALSE);
	}
	return FALSE;
}

static void on_root_shown(DbusmenuMenuitem *root, void *data)
{
	struct menu *m = data;

	(void)root;
	if (!m->root_tells)
		view_for(m, VIEW_SHOWN_S);
}

static gboolean on_entry_event(DbusmenuMenuitem *item, const char *name, GVariant *value,
			       guint timestamp, void *data)
{
	struct menu *m = data;

	(void)item, (void)value, (void)timestamp;
	if (m->root_tells)
		return FALSE;
	if (!strcmp(name, DBUSMENU_MENUITEM_EVENT_OPENED))
		view_for(m, VIEW_OPENED_S);
	else if (!strcmp(name, DBUSMENU_MENUITEM_EVENT_CLOSED) && m->opened)
		view_for(m, VIEW_CLOSED_S);
	return FALSE;
}

static void on_show(GtkWidget *menu, void *data)
{
	(void)menu;
	set_opened(data, TRUE);
}

static void on_hide(GtkWidget *menu, void *data)
{
	(void)menu;
	set_opened(data, FALSE);
}

static void watch_entry(struct menu *m, struct entry *e)
{
	DbusmenuMenuitem *copy = dbusmenu_gtk_parse_get_cached_item(e->item);

	if (copy)
		g_signal_connect(copy, DBUSMENU_MENUITEM_SIGNAL_EVENT, G_CALLBACK(on_entry_event),
				 m);
}

void menu_watch_copy(struct menu *m)
{
	DbusmenuMenuitem *copy = dbusmenu_gtk_parse_get_cached_item(m->window);
	DbusmenuMenuitem *root = copy ? dbusmenu_menuitem_get_parent(copy) : NULL;

	if (!root)
		return;
	g_signal_connect(root, DBUSMENU_MENUITEM_SIGNAL_EVENT, G_CALLBACK(on_root_event), m);
	g_signal_connect(root, DBUSMENU_MENUITEM_SIGNAL_ABOUT_TO_SHOW, G_CALLBACK(on_root_shown),
			 m);
}

/* --- a session ----------------------------------------------------------------------------- */

static GtkWidget *add_line(GtkWidget *menu)
{
	GtkWidget *item = orders_add(menu, gtk_menu_item_new_with_label(""));

	gtk_widget_set_sensitive(item, FALSE);
	return item;
}

/* A line to read; hidden while there is nothing to say. */
static void set_line(GtkWidget *item, const char *text)
{
	orders_set_text(item, text);
	gtk_widget_set_visible(item, *text != 0);
}

static void free_entry(void *data)
{
	struct entry *e = data;

	gtk_widget_destroy(e->item);
	session_orders_free(e->orders);
	g_free(e);
}

static struct entry *entry_new(struct menu *m, const struct tray_session *s, int at)
{
	struct entry *e = g_new0(struct entry, 1);
	GtkWidget *sub = gtk_menu_new();

	e->id = s->id;
	g_strlcpy(e->name, s->name, sizeof(e->name));
	e->item = gtk_menu_item_new_with_label("");
	e->state = add_line(sub);
	e->traffic = add_line(sub);
	e->total = add_line(sub);
	orders_add(sub, gtk_separator_menu_item_new());
	e->orders = session_orders_new(sub, m->client, s->id);
	gtk_menu_item_set_submenu(GTK_MENU_ITEM(e->item), sub);
	gtk_menu_shell_insert(GTK_MENU_SHELL(m->menu), e->item, at);
	gtk_widget_show(e->item);
	watch_entry(m, e);
	return e;
}

/*
 * A rate is only true while it is renewed. Its line is there all the time, and the item of the
 * session keeps its width: panels do not widen what is open.
 */
static void update_entry(struct menu *m, struct entry *e, const struct tray_session *s)
{
	g_autofree char *name = words_session(s, getuid()), *state = words_state_why(s);
	g_autofree char *traffic = words_traffic(m->opened ? s : NULL);
	g_autofree char *total = words_total(s);
	g_autofree char *all = g_strdup_printf(_("Total: %s"), total);

	orders_set_text(e->item, name);
	set_line(e->state, s->state == TRAY_UP ? "" : state);
	set_line(e->traffic, traffic);
	set_line(e->total, *total ? all : "");
	session_orders_update(e->orders, s);
}

/* --- all of them --------------------------------------------------------------------------- */

#define ENTRIES_AT 1

static struct entry *find_entry(const struct menu *m, const struct tray_session *s)
{
	for (guint i = 0; i < m->entries->len; i++) {
		struct entry *e = m->entries->pdata[i];

		if (e->id == s->id && !strcmp(e->name, s->name))
			return e;
	}
	return NULL;
}

static void update_entries(struct menu *m, const struct tray_sessions *all)
{
	for (guint i = m->entries->len; i-- > 0;) {
		struct entry *e = m->entries->pdata[i];
		const struct tray_session *s = model_session(client_model(m->client), e->id);

		if (!s || strcmp(s->name, e->name) != 0)
			g_ptr_array_remove_index(m->entries, i);
	}
	/* Those that are left are in the order of their numbers, as the sessions are. */
	for (size_t i = 0; i < all->n; i++) {
		struct entry *e = find_entry(m, &all->v[i]);

		if (!e) {
			e = entry_new(m, &all->v[i], ENTRIES_AT + (int)i);
			g_ptr_array_insert(m->entries, (int)i, e);
		}
		update_entry(m, e, &all->v[i]);
	}
}

#define FAILURE_MAX 72 /* characters: a menu does not wrap */

static void set_failure(struct menu *m, const char *text)
{
	g_autofree char *start =
		g_utf8_validate(text, -1, NULL)
			? g_utf8_substring(text, 0, MIN(g_utf8_strlen(text, -1), FAILURE_MAX))
			: g_strdup(_("via-iface failed"));
	g_autofree char *cut = g_strconcat(start, "…", NULL);

	set_line(m->head, strlen(start) < strlen(text) ? cut : start);
}

void menu_update(struct menu *m)
{
	const struct model *model = client_model(m->client);
	const char *failure = client_failure(m->client);

	if (failure)
		set_failure(m, failure);
	else
		set_line(m->head, model->sessions.n ? "" : _("No session"));
	update_entries(m, &model->sessions);
	host_orders_update(m->orders);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void on_window(GtkMenuItem *item, void *data)
{
	struct menu *m = data;

	(void)item;
	m->calls->show_window(m->arg);
}

static void on_quit(GtkMenuItem *item, void *data)
{
	struct menu *m = data;

	(void)item;
	m->calls->quit(m->arg);
}

struct menu *menu_new(struct client *c, struct starters *starters, const struct menu_calls *calls,
		      void *arg)
{
	struct menu *m = g_new0(struct menu, 1);

	m->client = c;
	m->calls = calls;
	m->arg = arg;
	m->entries = g_ptr_array_new_with_free_func(free_entry);
	m->menu = g_object_ref_sink(gtk_menu_new());
	m->head = add_line(m->menu);
	orders_add(m->menu, gtk_separator_menu_item_new()); /* the sessions come before it */
	m->orders = host_orders_new(m->menu, c, starters);
	orders_add(m->menu, gtk_separator_menu_item_new());
	m->window = orders_add_choice(m->menu, _("Show the _window"), G_CALLBACK(on_window), m);
	orders_add_choice(m->menu, _("_Quit"), G_CALLBACK(on_quit), m);
	/* Shown by ourselves where no panel shows a copy. */
	g_signal_connect(m->menu, "show", G_CALLBACK(on_show), m);
	g_signal_connect(m->menu, "hide", G_CALLBACK(on_hide), m);
	return m;
}

void menu_free(struct menu *m)
{
	if (!m)
		return;
	g_clear_handle_id(&m->view_end, g_source_remove);
	g_signal_handlers_disconnect_by_data(m->menu, m);
	g_ptr_array_unref(m->entries);
	gtk_widget_destroy(m->menu);
	g_object_unref(m->menu);
	host_orders_free(m->orders);
	g_free(m);
}

GtkWidget *menu_widget(struct menu *m)
{
	return m->menu;
}

GtkWidget *menu_window_item(struct menu *m)
{
	return m->window;
}
