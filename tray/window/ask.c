/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/ask.h"

#include <glib/gi18n.h>

#include "tray/window/ui.h"

struct question {
	ask_done done;
	void *data;
	int choice;
};

static void on_gone(GtkWidget *window, void *data)
{
	struct question *q = data;

	(void)window;
	if (q->done)
		q->done(q->choice, q->data);
	g_free(q);
}

static void on_choice(GtkButton *button, void *data)
{
	GtkWidget *window = data;
	struct question *q = g_object_get_data(G_OBJECT(window), "question");

	q->choice = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(button), "choice"));
	gtk_window_destroy(GTK_WINDOW(window));
}

static GtkWidget *add_button(GtkWidget *window, GtkWidget *box, const char *label, int choice)
{
	gboolean destroys = label[0] == '!';
	GtkWidget *button = ui_plain_button(destroys ? label + 1 : label, NULL);

	if (destroys)
		gtk_widget_add_css_class(button, "destructive-action");
	else if (choice == 0)
		gtk_widget_add_css_class(button, "suggested-action");
	g_object_set_data(G_OBJECT(button), "choice", GINT_TO_POINTER(choice));
	g_signal_connect(button, "clicked", G_CALLBACK(on_choice), window);
	gtk_box_append(GTK_BOX(box), button);
	return button;
}

static GtkWidget *content_new(const char *title, const char *body, GtkWidget **ret_text)
{
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 12);
	GtkWidget *heading = gtk_label_new(title), *text = ui_text(body);

	gtk_widget_set_margin_start(box, 24);
	gtk_widget_set_margin_end(box, 24);
	gtk_widget_set_margin_top(box, 24);
	gtk_widget_set_margin_bottom(box, 24);
	gtk_widget_add_css_class(heading, "title-2");
	gtk_label_set_wrap(GTK_LABEL(heading), TRUE);
	gtk_label_set_wrap_mode(GTK_LABEL(heading), PANGO_WRAP_WORD_CHAR);
	gtk_label_set_max_width_chars(GTK_LABEL(heading), 36);
	gtk_label_set_max_width_chars(GTK_LABEL(text), 52);
	gtk_widget_set_vexpand(text, TRUE);
	gtk_widget_set_visible(text, body[0] != 0);
	gtk_box_append(GTK_BOX(box), heading);
	gtk_box_append(GTK_BOX(box), text);
	*ret_text = text;
	return box;
}

GtkWidget *ask(GtkWindow *parent, const char *title, const char *body, const char *const choices[],
	       const char *close, ask_done done, void *data)
{
	GtkWidget *window = ui_dialog(parent, title);
	GtkWidget *text, *box = content_new(title, body, &text), *last, *first = NULL;
	GtkWidget *buttons = gtk_box_new(GTK_ORIENTATION_VERTICAL, 8);
	struct question *q = g_new0(struct question, 1);

	*q = (struct question){ done, data, ASK_CLOSED };
	g_object_set_data(G_OBJECT(window), "question", q);
	g_signal_connect(window, "destroy", G_CALLBACK(on_gone), q);
	gtk_window_set_default_size(GTK_WINDOW(window), 440, -1);
	gtk_window_set_resizable(GTK_WINDOW(window), FALSE);
	ui_describe(window, body);
	for (int i = 0; choices && choices[i]; i++) {
		GtkWidget *button = add_button(window, buttons, choices[i], i);

		if (i == 0 && choices[i][0] != '!')
			first = button;
	}
	last = add_button(window, buttons, close, ASK_CLOSED);
	gtk_box_append(GTK_BOX(box), buttons);
	adw_window_set_content(ADW_WINDOW(window), box);
	gtk_window_set_focus(GTK_WINDOW(window), first ? first : last);
	gtk_window_present(GTK_WINDOW(window));
	return window;
}

void ask_tell(GtkWindow *parent, const char *title, const char *body)
{
	ask(parent, title, body, NULL, _("Close"), NULL, NULL);
}
