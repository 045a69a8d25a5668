/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/programs_page.h"

#include <gio/gdesktopappinfo.h>
#include <glib/gi18n.h>
#include <string.h>

#include "tray/window/answer.h"
#include "tray/window/start_dialog.h"
#include "tray/window/ui.h"

struct programs_page {
	struct view *view;
	GtkWidget *page, *search, *list, *none;
	char *wanted; /* what is searched for, folded */
	GAppInfoMonitor *monitor;
	gboolean stale;
};

/* What a row starts. */
struct entry {
	char *app, *name, *key; /* key: what is searched in, folded */
	gboolean game;
};

static void free_entry(void *data)
{
	struct entry *e = data;

	g_free(e->app);
	g_free(e->name);
	g_free(e->key);
	g_free(e);
}

static const struct entry *entry_of(GtkListBoxRow *row)
{
	return g_object_get_data(G_OBJECT(row), "entry");
}

static int by_name(GtkListBoxRow *a, GtkListBoxRow *b, void *data)
{
	(void)data;
	return g_utf8_collate(entry_of(a)->name, entry_of(b)->name);
}

static gboolean is_wanted(GtkListBoxRow *row, void *data)
{
	const struct programs_page *p = data;

	return !p->wanted || strstr(entry_of(row)->key, p->wanted) != NULL;
}

static void add(struct programs_page *p, struct entry *e, const char *about, GIcon *icon)
{
	GtkWidget *row = ui_row(e->name, about);
	GtkWidget *image = icon ? gtk_image_new_from_gicon(icon)
				: gtk_image_new_from_icon_name("application-x-executable");
	g_autofree char *text = g_strdup_printf("%s %s %s", e->name, about ? about : "", e->app);

	e->key = g_utf8_casefold(text, -1);
	gtk_image_set_pixel_size(GTK_IMAGE(image), 32);
	adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 1);
	adw_action_row_set_title_lines(ADW_ACTION_ROW(row), 1);
	adw_action_row_add_prefix(ADW_ACTION_ROW(row), image);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row),
				  gtk_image_new_from_icon_name("go-next-symbolic"));
	gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
	g_object_set_data_full(G_OBJECT(row), "entry", e, free_entry);
	gtk_list_box_append(GTK_LIST_BOX(p->list), row);
}

/* Ours are on another page; what runs in a terminal has none here. */
static gboolean is_offered(GAppInfo *info)
{
	const char *id = g_app_info_get_id(info);

	return id && g_app_info_should_show(info) && !g_str_has_prefix(id, "via-iface") &&
	       strcmp(id, "org.via_iface.via_iface.desktop") != 0 &&
	       !g_desktop_app_info_get_boolean(G_DESKTOP_APP_INFO(info), "Terminal");
}

static void on_games(const char *out, const char *error, void *data)
{
	_cleanup_json_ struct json_object *all = out ? json_tokener_parse(out) : NULL;

	(void)error; /* where Steam is not, there are none */
	if (!json_object_is_type(all, json_type_array))
		return;
	for (size_t i = 0; i < json_object_array_length(all); i++) {
		struct json_object *game = json_object_array_get_idx(all, i);
		g_autoptr(GIcon) icon = g_themed_icon_new(answer_text(game, "icon"));
		struct entry *e = g_new0(struct entry, 1);

		e->app = g_strdup(answer_text(game, "app"));
		e->name = g_strdup(answer_text(game, "name"));
		e->game = TRUE;
		add(data, e, _("Game of Steam"), icon);
	}
}

static void fill(struct programs_page *p)
{
	const char *const games[] = { "desktop", "games", "--json", NULL };
	GList *all = g_app_info_get_all();

	p->stale = FALSE;
	ui_list_clear(p->list);
	for (GList *at = all; at; at = at->next) {
		struct entry *e;

		if (!is_offered(at->data))
			continue;
		e = g_new0(struct entry, 1);
		e->app = g_strdup(g_app_info_get_id(at->data));
		/* the whole name where there is one: "Firefox Web Browser" */
		e->name = g_strdup(g_app_info_get_display_name(at->data));
		add(p, e, g_app_info_get_description(at->data), g_app_info_get_icon(at->data));
	}
	g_list_free_full(all, g_object_unref);
	command_run(G_OBJECT(p->page), games, on_games, p);
}

static void on_map(GtkWidget *page, void *data)
{
	struct programs_page *p = data;

	(void)page;
	if (p->stale)
		fill(p);
}

static void on_installed(GAppInfoMonitor *monitor, void *data)
{
	struct programs_page *p = data;

	(void)monitor;
	p->stale = TRUE;
	if (gtk_widget_get_mapped(p->page))
		fill(p);
}

static void on_search(GtkSearchEntry *search, void *data)
{
	struct programs_page *p = data;
	const char *text = gtk_editable_get_text(GTK_EDITABLE(search));

	g_free(p->wanted);
	p->wanted = *text ? g_utf8_casefold(text, -1) : NULL;
	gtk_list_box_invalidate_filter(GTK_LIST_BOX(p->list));
}

static GtkListBoxRow *first_shown(struct programs_page *p)
{
	GtkListBoxRow *row;

	for (int i = 0; (row = gtk_list_box_get_row_at_index(GTK_LIST_BOX(p->list), i)); i++)
		if (is_wanted(row, p))
			return row;
	return NULL;
}

static void show_row(struct programs_page *p, GtkListBoxRow *row)
{
	const struct entry *e = entry_of(row);

	start_dialog_show(p->view, e->app, e->name, e->game);
}

static void on_enter(GtkSearchEntry *search, void *data)
{
	GtkListBoxRow *row = first_shown(data);

	(void)search;
	if (row)
		show_row(data, row);
}

static void on_row(GtkListBox *list, GtkListBoxRow *row, void *data)
{
	(void)list;
	show_row(data, row);
}

static void free_page(void *data)
{
	struct programs_page *p = data;

	g_signal_handlers_disconnect_by_data(p->monitor, p);
	g_object_unref(p->monitor);
	g_free(p->wanted);
	g_free(p);
}

struct programs_page *programs_page_new(struct view *v)
{
	struct programs_page *p = g_new0(struct programs_page, 1);
	GtkWidget *box;

	p->view = v;
	p->stale = TRUE;
	p->page = ui_page(&box);
	g_object_set_data_full(G_OBJECT(p->page), "page", p, free_page);
	p->monitor = g_app_info_monitor_get();
	g_signal_connect(p->monitor, "changed", G_CALLBACK(on_installed), p);
	p->search = gtk_search_entry_new();
	g_object_set(p->search, "placeholder-text", _("Search programs"), NULL);
	ui_name(p->search, _("Search programs"));
	g_signal_connect(p->search, "search-changed", G_CALLBACK(on_search), p);
	g_signal_connect(p->search, "activate", G_CALLBACK(on_enter), p);
	gtk_box_append(GTK_BOX(box), p->search);
	p->list = ui_list(box, _("Programs"));
	p->none = gtk_label_new(_("No program has that name."));
	gtk_widget_set_margin_top(p->none, 18);
	gtk_widget_set_margin_bottom(p->none, 18);
	gtk_list_box_set_placeholder(GTK_LIST_BOX(p->list), p->none);
	gtk_list_box_set_sort_func(GTK_LIST_BOX(p->list), by_name, NULL, NULL);
	gtk_list_box_set_filter_func(GTK_LIST_BOX(p->list), is_wanted, p, NULL);
	g_signal_connect(p->list, "row-activated", G_CALLBACK(on_row), p);
	g_signal_connect(p->page, "map", G_CALLBACK(on_map), p);
	return p;
}

GtkWidget *programs_page_widget(struct programs_page *p)
{
	return p->page;
}

void programs_page_focus(struct programs_page *p)
{
	gtk_widget_grab_focus(p->search);
}
