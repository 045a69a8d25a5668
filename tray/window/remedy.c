/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/remedy.h"

#include <glib/gi18n.h>

#include "tray/window/answer.h"
#include "tray/window/ask.h"
#include "tray/window/command.h"
#include "tray/window/ui.h"

/* The findings as paragraphs; by g_free(). */
static char *text_of(const char *out, const char *error)
{
	_cleanup_json_ struct json_object *o = out ? json_tokener_parse(out) : NULL;
	struct json_object *all = answer_array(o, "findings");
	GString *text = g_string_new(error);

	for (size_t i = 0; all && i < json_object_array_length(all); i++) {
		struct json_object *f = json_object_array_get_idx(all, i);
		const char *severity = answer_text(f, "severity"), *fix = answer_text(f, "fix");

		if (!strcmp(severity, "info") || !strcmp(severity, "ok"))
			continue;
		g_string_append_printf(text, "%s%s", text->len ? "\n\n" : "",
				       answer_text(f, "text"));
		if (*fix)
			/* TRANSLATORS: what to do about a problem */
			g_string_append_printf(text, _("\nWhat to do: %s"), fix);
	}
	if (!text->len)
		g_string_append(text, _("Nothing was found that is in the way."));
	return g_string_free(text, FALSE);
}

static void ask_doctor(GObject *owner, const char *uplinks, command_done done, void *data)
{
	const char *const words[] = { "doctor", uplinks, "--json", NULL };

	command_run(owner, words, done, data);
}

static void on_found(const char *out, const char *error, void *data)
{
	g_autofree char *text = text_of(out, error);

	ui_set_text(g_object_get_data(data, "text"), text);
}

void remedy_set(GtkWidget *remedy, const char *uplinks)
{
	ask_doctor(G_OBJECT(remedy), uplinks, on_found, remedy);
}

GtkWidget *remedy_new(void)
{
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 4);
	GtkWidget *heading = ui_label(_("Why it is blocked"), "heading"), *text = ui_text("");

	gtk_widget_add_css_class(box, "card");
	gtk_widget_add_css_class(box, "via-remedy");
	gtk_box_append(GTK_BOX(box), heading);
	gtk_box_append(GTK_BOX(box), text);
	g_object_set_data(G_OBJECT(box), "text", text);
	return box;
}

static void on_told(const char *out, const char *error, void *data)
{
	GtkWindow *parent = data;
	g_autofree char *text = text_of(out, error);

	ask_tell(parent, g_object_get_data(G_OBJECT(parent), "remedy-title"), text);
}

void remedy_tell(GtkWindow *parent, const char *title, const char *uplinks)
{
	g_object_set_data_full(G_OBJECT(parent), "remedy-title", g_strdup(title), g_free);
	ask_doctor(G_OBJECT(parent), uplinks, on_told, parent);
}
