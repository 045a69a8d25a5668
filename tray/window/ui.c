/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/ui.h"

#include <string.h>

void ui_name(GtkWidget *widget, const char *text)
{
	gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_LABEL, text,
				       -1);
}

void ui_describe(GtkWidget *widget, const char *text)
{
	gtk_accessible_update_property(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_PROPERTY_DESCRIPTION,
				       text, -1);
}

void ui_labelled_by(GtkWidget *widget, GtkWidget *label)
{
	gtk_accessible_update_relation(GTK_ACCESSIBLE(widget), GTK_ACCESSIBLE_RELATION_LABELLED_BY,
				       label, NULL, -1);
}

GtkWidget *ui_label(const char *text, const char *class)
{
	GtkWidget *label = gtk_label_new(text);

	gtk_label_set_xalign(GTK_LABEL(label), 0);
	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
	if (class)
		gtk_widget_add_css_class(label, class);
	return label;
}

GtkWidget *ui_text(const char *text)
{
	GtkWidget *label = ui_label(text, NULL);

	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_NONE);
	gtk_label_set_wrap(GTK_LABEL(label), TRUE);
	gtk_label_set_wrap_mode(GTK_LABEL(label), PANGO_WRAP_WORD_CHAR);
	gtk_label_set_selectable(GTK_LABEL(label), TRUE);
	return label;
}

GtkWidget *ui_figure(const char *class, int chars)
{
	GtkWidget *label = ui_label("", class);

	gtk_widget_add_css_class(label, "numeric");
	gtk_label_set_xalign(GTK_LABEL(label), 1);
	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_NONE);
	gtk_label_set_width_chars(GTK_LABEL(label), chars);
	return label;
}

void ui_set_text(GtkWidget *label, const char *text)
{
	if (strcmp(gtk_label_get_text(GTK_LABEL(label)), text) != 0)
		gtk_label_set_text(GTK_LABEL(label), text);
}

void ui_set_class(GtkWidget *widget, const char *class, gboolean on)
{
	if (on)
		gtk_widget_add_css_class(widget, class);
	else
		gtk_widget_remove_css_class(widget, class);
}

GtkWidget *ui_icon_button(const char *icon, const char *name)
{
	GtkWidget *button = gtk_button_new_from_icon_name(icon);

	gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
	gtk_widget_add_css_class(button, "flat");
	gtk_widget_set_tooltip_text(button, name);
	ui_name(button, name);
	return button;
}

/* GTK 4.8 names a button by the text with its underscore, and once more by its label. */
static GtkWidget *button_of(GtkWidget *label, const char *class)
{
	GtkWidget *button = gtk_button_new();

	gtk_button_set_child(GTK_BUTTON(button), label);
	gtk_widget_add_css_class(button, "text-button");
	if (class)
		gtk_widget_add_css_class(button, class);
	ui_labelled_by(button, label);
	return button;
}

GtkWidget *ui_button(const char *text, const char *class)
{
	return button_of(gtk_label_new_with_mnemonic(text), class);
}

GtkWidget *ui_plain_button(const char *text, const char *class)
{
	return button_of(gtk_label_new(text), class);
}

void ui_button_set(GtkWidget *button, const char *text)
{
	gtk_label_set_text_with_mnemonic(GTK_LABEL(gtk_button_get_child(GTK_BUTTON(button))), text);
}

GtkWidget *ui_list(GtkWidget *box, const char *title)
{
	GtkWidget *label = ui_label(title, "heading"), *list = gtk_list_box_new();

	gtk_widget_set_margin_top(label, 6);
	gtk_list_box_set_selection_mode(GTK_LIST_BOX(list), GTK_SELECTION_NONE);
	gtk_widget_add_css_class(list, "boxed-list");
	gtk_box_append(GTK_BOX(box), label);
	gtk_box_append(GTK_BOX(box), list);
	ui_labelled_by(list, label);
	return list;
}

void ui_list_clear(GtkWidget *list)
{
	GtkListBoxRow *row;

	while ((row = gtk_list_box_get_row_at_index(GTK_LIST_BOX(list), 0)))
		gtk_list_box_remove(GTK_LIST_BOX(list), GTK_WIDGET(row));
}

/* AdwPreferencesRow's titles are markup in libadwaita 1.2, without a way to say otherwise. */
void ui_row_set(GtkWidget *row, const char *title, const char *subtitle)
{
	g_autofree char *first = g_markup_escape_text(title, -1);
	g_autofree char *second = g_markup_escape_text(subtitle ? subtitle : "", -1);

	if (g_strcmp0(adw_preferences_row_get_title(ADW_PREFERENCES_ROW(row)), first) != 0)
		adw_preferences_row_set_title(ADW_PREFERENCES_ROW(row), first);
	if (g_strcmp0(adw_action_row_get_subtitle(ADW_ACTION_ROW(row)), second) != 0) {
		adw_action_row_set_subtitle(ADW_ACTION_ROW(row), second);
		ui_describe(row, subtitle ? subtitle : "");
	}
}

GtkWidget *ui_row(const char *title, const char *subtitle)
{
	GtkWidget *row = adw_action_row_new();

	ui_row_set(row, title, subtitle);
	adw_action_row_set_subtitle_lines(ADW_ACTION_ROW(row), 0);
	return row;
}

GtkWidget *ui_page(GtkWidget **ret_box)
{
	GtkWidget *scrolled = gtk_scrolled_window_new(), *clamp = adw_clamp_new();
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);

	gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
				       GTK_POLICY_AUTOMATIC);
	gtk_widget_set_vexpand(scrolled, TRUE);
	adw_clamp_set_maximum_size(ADW_CLAMP(clamp), 720);
	gtk_widget_set_margin_start(box, 12);
	gtk_widget_set_margin_end(box, 12);
	gtk_widget_set_margin_top(box, 12);
	gtk_widget_set_margin_bottom(box, 18);
	adw_clamp_set_child(ADW_CLAMP(clamp), box);
	gtk_scrolled_window_set_child(GTK_SCROLLED_WINDOW(scrolled), clamp);
	*ret_box = box;
	return scrolled;
}

static gboolean on_escape(GtkWidget *window, GVariant *value, void *data)
{
	(void)value, (void)data;
	gtk_window_close(GTK_WINDOW(window));
	return TRUE;
}

static void close_by_escape(GtkWidget *window)
{
	GtkEventController *keys = gtk_shortcut_controller_new();

	gtk_shortcut_controller_add_shortcut(
		GTK_SHORTCUT_CONTROLLER(keys),
		gtk_shortcut_new(gtk_keyval_trigger_new(GDK_KEY_Escape, 0),
				 gtk_callback_action_new(on_escape, NULL, NULL)));
	gtk_widget_add_controller(window, keys);
}

GtkWidget *ui_dialog(GtkWindow *parent, const char *title)
{
	GtkWidget *window =
		g_object_new(ADW_TYPE_WINDOW, "accessible-role", GTK_ACCESSIBLE_ROLE_DIALOG, NULL);

	gtk_window_set_title(GTK_WINDOW(window), title);
	gtk_window_set_transient_for(GTK_WINDOW(window), parent);
	gtk_window_set_modal(GTK_WINDOW(window), parent != NULL);
	gtk_window_set_destroy_with_parent(GTK_WINDOW(window), TRUE);
	ui_name(window, title);
	close_by_escape(window);
	return window;
}

/*
 * Adwaita's dim text (opacity .55) and its accent behind white text have a contrast below 4.5
 * (WCAG 2.1, 1.4.3); tests/lab/test_window.py measures what is drawn.
 */
void ui_style(void)
{
	static const char style[] = "@define-color accent_bg_color #1a66c4;"
				    "@define-color destructive_bg_color #c01c28;"
				    ".dim-label, row .subtitle, .via-dim { opacity: .82; }"
				    "entry > text > placeholder, .search > text > placeholder,"
				    "statuspage .description { opacity: .82; }"
				    "row.error .subtitle { opacity: 1; }"
				    ".via-graph { padding: 6px; }"
				    ".via-drag { padding: 10px 16px; background: "
				    "@window_bg_color; border: 1px solid @accent_color; }"
				    ".via-problem { padding: 8px 12px; }"
				    ".via-remedy { padding: 12px; }";
	g_autoptr(GtkCssProvider) css = gtk_css_provider_new();

	gtk_css_provider_load_from_data(css, style, -1);
	gtk_style_context_add_provider_for_display(gdk_display_get_default(),
						   GTK_STYLE_PROVIDER(css),
						   GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}
