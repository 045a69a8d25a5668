/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/start_dialog.h"

#include <glib/gi18n.h>
#include <string.h>

#include "tray/common/words.h"
#include "tray/window/starting.h"
#include "tray/window/ui.h"

struct dialog {
	struct view *view;
	char *app, *name;
	GtkWidget *window, *others;
	GPtrArray *words;  /* of each uplink, as a list has it */
	GPtrArray *checks; /* GtkCheckButton, of which one is chosen */
};

static void free_dialog(void *data)
{
	struct dialog *d = data;

	g_ptr_array_unref(d->words);
	g_ptr_array_unref(d->checks);
	g_free(d->app);
	g_free(d->name);
	g_free(d);
}

/* The chosen one, and the others behind it where they are to serve too. */
static char *list_of(const struct dialog *d)
{
	GString *list = g_string_new(NULL);
	gboolean others = gtk_switch_get_active(GTK_SWITCH(d->others));
	guint chosen = 0;

	for (guint i = 0; i < d->checks->len; i++)
		if (gtk_check_button_get_active(GTK_CHECK_BUTTON(d->checks->pdata[i])))
			chosen = i;
	if (d->words->len)
		g_string_append(list, d->words->pdata[chosen]);
	for (guint i = 0; others && i < d->words->len; i++)
		if (i != chosen)
			g_string_append_printf(list, ",%s", (char *)d->words->pdata[i]);
	return g_string_free(list, FALSE);
}

static void on_now(GtkButton *button, void *data)
{
	struct dialog *d = data;
	g_autofree char *list = list_of(d);

	(void)button;
	starting_begin(d->view, d->app, d->name, list);
	gtk_window_destroy(GTK_WINDOW(d->window));
}

static void order(struct dialog *d, const char *verb, const char *done)
{
	g_autofree char *list = list_of(d), *text = g_strdup_printf(done, d->name);
	const char *const words[] = { "desktop", verb, d->app, list, NULL };

	view_order(d->view, words, text);
	gtk_window_destroy(GTK_WINDOW(d->window));
}

static void on_add(GtkButton *button, void *data)
{
	(void)button;
	/* TRANSLATORS: a program */
	order(data, "add", _("An entry for %s is in the menu"));
}

static void on_always(GtkButton *button, void *data)
{
	(void)button;
	/* TRANSLATORS: a program */
	order(data, "always", _("%s always goes by this uplink"));
}

static void add_uplink(struct dialog *d, GtkWidget *list, const struct tray_uplink *u)
{
	g_autofree char *text = words_uplink(u, TRUE);
	const char *rest = text + strlen(u->name);
	GtkWidget *row =
		ui_row(u->name, g_str_has_prefix(rest, " · ") ? rest + strlen(" · ") : rest);
	GtkWidget *check = gtk_check_button_new();
	char word[TRAY_WORD_MAX];

	tray_uplink_word(u, word);
	g_ptr_array_add(d->words, g_strdup(word));
	if (d->checks->len)
		gtk_check_button_set_group(GTK_CHECK_BUTTON(check),
					   GTK_CHECK_BUTTON(d->checks->pdata[0]));
	g_ptr_array_add(d->checks, check);
	gtk_widget_set_valign(check, GTK_ALIGN_CENTER);
	ui_describe(check, text);
	adw_action_row_add_prefix(ADW_ACTION_ROW(row), check);
	adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), check);
	gtk_list_box_append(GTK_LIST_BOX(list), row);
}

/* The first that can be used is chosen. */
static void add_uplinks(struct dialog *d, GtkWidget *box)
{
	const struct tray_uplinks *all = &client_model(d->view->client)->uplinks;
	GtkWidget *list = ui_list(box, _("Uplink")), *row;
	const char *name = _("Use the others while it fails");
	size_t chosen = 0;

	for (size_t i = all->n; i-- > 0;)
		if (all->v[i].usable)
			chosen = i;
	for (size_t i = 0; i < all->n; i++)
		add_uplink(d, list, &all->v[i]);
	if (d->checks->len)
		gtk_check_button_set_active(GTK_CHECK_BUTTON(d->checks->pdata[chosen]), TRUE);
	row = ui_row(name, _("Without it, nothing leaves while the uplink fails"));
	d->others = gtk_switch_new();
	gtk_widget_set_valign(d->others, GTK_ALIGN_CENTER);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), d->others);
	adw_action_row_set_activatable_widget(ADW_ACTION_ROW(row), d->others);
	gtk_list_box_append(GTK_LIST_BOX(list), row);
}

/*
 * None of them is the window's default widget: Return would press that from any row
 * (gtk_window_activate_default()), before the row's uplink is chosen.
 */
static void add_buttons(struct dialog *d, GtkWidget *box, gboolean game)
{
	GtkWidget *now = ui_button(_("Start _now"), "suggested-action");
	GtkWidget *add = ui_button(_("_Add to the menu"), NULL);
	GtkWidget *always = ui_button(_("A_lways"), NULL), *note;

	g_signal_connect(now, "clicked", G_CALLBACK(on_now), d);
	g_signal_connect(add, "clicked", G_CALLBACK(on_add), d);
	g_signal_connect(always, "clicked", G_CALLBACK(on_always), d);
	ui_describe(now, _("Once, by this uplink"));
	ui_describe(add, _("One more entry, which starts it by this uplink"));
	ui_describe(always, _("Each start from the menu goes by this uplink"));
	gtk_box_append(GTK_BOX(box), now);
	gtk_box_append(GTK_BOX(box), add);
	gtk_box_append(GTK_BOX(box), always);
	gtk_widget_set_visible(always, !game);
	note = ui_text(
		game ? _("A game is started by Steam: each start that goes through an uplink "
			 "needs an entry of its own.")
		     : _("Always: each start from the menu goes by this uplink, until its "
			 "entry is removed."));
	gtk_widget_add_css_class(note, "via-dim");
	gtk_label_set_selectable(GTK_LABEL(note), FALSE);
	gtk_box_append(GTK_BOX(box), note);
	if (!d->words->len) {
		gtk_widget_set_sensitive(now, FALSE);
		gtk_widget_set_sensitive(add, FALSE);
		gtk_widget_set_sensitive(always, FALSE);
	}
}

void start_dialog_show(struct view *v, const char *app, const char *name, gboolean game)
{
	struct dialog *d = g_new0(struct dialog, 1);
	GtkWidget *content = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0), *box, *page = ui_page(&box);
	GtkWidget *header = adw_header_bar_new();

	d->view = v;
	d->app = g_strdup(app);
	d->name = g_strdup(name);
	d->words = g_ptr_array_new_with_free_func(g_free);
	d->checks = g_ptr_array_new();
	d->window = ui_dialog(v->window, name);
	g_object_set_data_full(G_OBJECT(d->window), "dialog", d, free_dialog);
	gtk_window_set_default_size(GTK_WINDOW(d->window), 440, 580);
	add_uplinks(d, box);
	add_buttons(d, box, game);
	gtk_box_append(GTK_BOX(content), header);
	gtk_box_append(GTK_BOX(content), page);
	adw_window_set_content(ADW_WINDOW(d->window), content);
	for (guint i = 0; i < d->checks->len; i++)
		if (gtk_check_button_get_active(GTK_CHECK_BUTTON(d->checks->pdata[i])))
			gtk_window_set_focus(GTK_WINDOW(d->window), d->checks->pdata[i]);
	gtk_window_present(GTK_WINDOW(d->window));
}
