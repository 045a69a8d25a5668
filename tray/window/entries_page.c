/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/entries_page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "tray/window/answer.h"
#include "tray/window/starting.h"
#include "tray/window/ui.h"

struct entries_page {
	struct view *view;
	GtkWidget *page, *list, *first;
	GFileMonitor *monitor; /* of the directory where they are, or NULL */
};

/* One of them. */
struct entry {
	struct view *view;
	char *id, *uplink, *name, *source;
};

static void free_entry(void *data, GClosure *closure)
{
	struct entry *e = data;

	(void)closure;
	g_free(e->id);
	g_free(e->uplink);
	g_free(e->name);
	g_free(e->source);
	g_free(e);
}

static void on_start(GtkButton *button, void *data)
{
	struct entry *e = data;

	(void)button;
	starting_begin(e->view, e->source, e->name, e->uplink);
}

static void on_remove(GtkButton *button, void *data)
{
	struct entry *e = data;
	const char *const words[] = { "desktop", "remove", e->id, *e->uplink ? e->uplink : NULL,
				      NULL };
	/* TRANSLATORS: an entry of the menu */
	g_autofree char *done = g_strdup_printf(_("%s is removed"), e->name);

	(void)button;
	view_order(e->view, words, done);
}

static struct entry *entry_new(struct view *v, struct json_object *o)
{
	struct entry *e = g_new0(struct entry, 1);

	e->view = v;
	e->id = g_strdup(answer_text(o, "id"));
	e->uplink = g_strdup(answer_text(o, "uplink"));
	e->name = g_strdup(answer_text(o, "name"));
	e->source = g_strdup(answer_text(o, "source"));
	return e;
}

static void add_button(GtkWidget *row, const char *icon, const char *form, GCallback call,
		       struct entry *e)
{
	g_autofree char *name = g_strdup_printf(form, e->name);
	GtkWidget *button = ui_icon_button(icon, name);

	g_signal_connect_data(button, "clicked", call, e, free_entry, (GConnectFlags)0);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
}

static void add(struct entries_page *p, struct json_object *o)
{
	const char *uplink = answer_text(o, "uplink");
	g_autofree char *about =
		!strcmp(answer_text(o, "kind"), "action")
			? g_strdup_printf(_("An action of %s"), answer_text(o, "id"))
		: *uplink ? g_strdup_printf(_("One more entry, by %s"), uplink)
			  : g_strdup(_("Always: each start goes by the uplink of the app policy"));
	GtkWidget *row = ui_row(answer_text(o, "name"), about);

	/* TRANSLATORS: an entry of the menu */
	add_button(row, "media-playback-start-symbolic", _("Start %s"), G_CALLBACK(on_start),
		   entry_new(p->view, o));
	/* TRANSLATORS: an entry of the menu */
	add_button(row, "user-trash-symbolic", _("Remove %s"), G_CALLBACK(on_remove),
		   entry_new(p->view, o));
	gtk_list_box_append(GTK_LIST_BOX(p->list), row);
}

static void on_list(const char *out, const char *error, void *data)
{
	struct entries_page *p = data;
	_cleanup_json_ struct json_object *all = out ? json_tokener_parse(out) : NULL;
	gboolean is_list = json_object_is_type(all, json_type_array);
	size_t n = is_list ? json_object_array_length(all) : 0;

	ui_list_clear(p->list);
	for (size_t i = 0; i < n; i++)
		add(p, json_object_array_get_idx(all, i));
	gtk_widget_set_visible(p->list, n > 0);
	gtk_widget_set_visible(gtk_widget_get_prev_sibling(p->list), n > 0);
	gtk_widget_set_visible(p->first, n == 0);
	if (error)
		adw_status_page_set_description(ADW_STATUS_PAGE(p->first), error);
}

static void read_list(struct entries_page *p)
{
	const char *const words[] = { "desktop", "list", "--json", NULL };

	command_run(G_OBJECT(p->page), words, on_list, p);
}

static void on_map(GtkWidget *page, void *data)
{
	(void)page;
	read_list(data);
}

static void on_files(GFileMonitor *monitor, GFile *file, GFile *other, GFileMonitorEvent event,
		     void *data)
{
	struct entries_page *p = data;

	(void)monitor, (void)file, (void)other;
	if (event != G_FILE_MONITOR_EVENT_CHANGED && gtk_widget_get_mapped(p->page))
		read_list(p);
}

static void free_page(void *data)
{
	struct entries_page *p = data;

	if (p->monitor)
		g_signal_handlers_disconnect_by_data(p->monitor, p);
	g_clear_object(&p->monitor);
	g_free(p);
}

static void on_programs(GtkButton *button, void *data)
{
	struct entries_page *p = data;

	(void)button;
	p->view->show(p->view, "programs");
}

GtkWidget *entries_page_new(struct view *v)
{
	struct entries_page *p = g_new0(struct entries_page, 1);
	g_autofree char *path = g_build_filename(g_get_user_data_dir(), "applications", NULL);
	g_autoptr(GFile) dir = g_file_new_for_path(path);
	GtkWidget *box, *button = ui_button(_("_Choose a program"), "pill");

	p->view = v;
	p->page = ui_page(&box);
	g_object_set_data_full(G_OBJECT(p->page), "page", p, free_page);
	p->first = adw_status_page_new();
	adw_status_page_set_icon_name(ADW_STATUS_PAGE(p->first), "view-app-grid-symbolic");
	adw_status_page_set_title(ADW_STATUS_PAGE(p->first), _("No entries"));
	adw_status_page_set_description(
		ADW_STATUS_PAGE(p->first),
		_("Entries of the menu that start a program by an uplink are shown here."));
	gtk_widget_set_halign(button, GTK_ALIGN_CENTER);
	g_signal_connect(button, "clicked", G_CALLBACK(on_programs), p);
	adw_status_page_set_child(ADW_STATUS_PAGE(p->first), button);
	gtk_box_append(GTK_BOX(box), p->first);
	p->list = ui_list(box, _("Entries of the menu"));
	gtk_widget_set_visible(p->list, FALSE);
	gtk_widget_set_visible(gtk_widget_get_prev_sibling(p->list), FALSE);
	p->monitor = g_file_monitor_directory(dir, G_FILE_MONITOR_NONE, NULL, NULL);
	if (p->monitor)
		g_signal_connect(p->monitor, "changed", G_CALLBACK(on_files), p);
	g_signal_connect(p->page, "map", G_CALLBACK(on_map), p);
	return p->page;
}
