/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is dragged is the row itself, a value that exists in this process alone: nothing of another
 * program can be dropped here, and no row of ours there. A list that changes meanwhile has new
 * rows; the old one has no parent then, and its place says nothing.
 */
#include "tray/window/reorder.h"

struct place {
	reorder_moved moved;
	void *arg;
	int at;
};

#define PLACE "reorder-place"

static GdkContentProvider *on_prepare(GtkDragSource *source, double x, double y, void *data)
{
	(void)source, (void)x, (void)y;
	return gdk_content_provider_new_typed(GTK_TYPE_LIST_BOX_ROW, data);
}

static void on_begin(GtkDragSource *source, GdkDrag *drag, void *data)
{
	const char *title = adw_preferences_row_get_title(ADW_PREFERENCES_ROW(data));
	GtkWidget *label = gtk_label_new(title);

	(void)source;
	gtk_widget_add_css_class(label, "via-drag"); /* a row has no ground of its own */
	gtk_drag_icon_set_child(GTK_DRAG_ICON(gtk_drag_icon_get_for_drag(drag)), label);
}

static gboolean on_drop(GtkDropTarget *target, const GValue *value, double x, double y, void *data)
{
	GtkWidget *to = data, *from = g_value_get_object(value);
	const struct place *here = g_object_get_data(G_OBJECT(to), PLACE), *there;

	(void)target, (void)x, (void)y;
	if (!from || from == to || gtk_widget_get_parent(from) != gtk_widget_get_parent(to))
		return FALSE;
	there = g_object_get_data(G_OBJECT(from), PLACE);
	if (!there)
		return FALSE;
	here->moved(there->at, here->at, here->arg);
	return TRUE;
}

void reorder_add(GtkWidget *row, int at, reorder_moved moved, void *arg)
{
	GtkDragSource *source = gtk_drag_source_new();
	GtkDropTarget *target = gtk_drop_target_new(GTK_TYPE_LIST_BOX_ROW, GDK_ACTION_MOVE);
	struct place *place = g_new(struct place, 1);

	*place = (struct place){ moved, arg, at };
	g_object_set_data_full(G_OBJECT(row), PLACE, place, g_free);
	gtk_drag_source_set_actions(source, GDK_ACTION_MOVE);
	g_signal_connect(source, "prepare", G_CALLBACK(on_prepare), row);
	g_signal_connect(source, "drag-begin", G_CALLBACK(on_begin), row);
	g_signal_connect(target, "drop", G_CALLBACK(on_drop), row);
	adw_action_row_add_prefix(ADW_ACTION_ROW(row),
				  gtk_image_new_from_icon_name("list-drag-handle-symbolic"));
	gtk_widget_add_controller(row, GTK_EVENT_CONTROLLER(source));
	gtk_widget_add_controller(row, GTK_EVENT_CONTROLLER(target));
}
