/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/dialogs.h"

#include <glib/gi18n.h>
#include <gtk/gtk.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The buttons from the last to the first: the one that is proposed stands at the edge. */
static void add_choices(GtkDialog *dialog, char **choices)
{
	for (guint i = g_strv_length(choices); i-- > 0;) {
		const char *label = strchr(choices[i], '=');

		gtk_dialog_add_button(dialog, label ? label + 1 : choices[i], (int)i);
	}
	gtk_dialog_set_default_response(dialog, 0);
}

int dialogs_show(GVariantDict *options)
{
	g_autoptr(GVariant) list =
		g_variant_dict_lookup_value(options, "choice", G_VARIANT_TYPE_STRING_ARRAY);
	g_auto(GStrv) choices = list ? g_variant_dup_strv(list, NULL) : g_new0(char *, 1);
	g_auto(GStrv) parts = NULL;
	const char *text = "";
	GtkWidget *dialog;
	gboolean failed;
	int answer;

	if (!gtk_init_check(NULL, NULL))
		return EXIT_FAILURE;
	failed = g_variant_dict_lookup(options, "failed", "&s", &text);
	if (!failed)
		g_variant_dict_lookup(options, "ask", "&s", &text);
	parts = g_strsplit(text, "\n", 2);
	dialog = gtk_message_dialog_new(NULL, 0, failed ? GTK_MESSAGE_ERROR : GTK_MESSAGE_QUESTION,
					GTK_BUTTONS_NONE, "%s", parts[0] ? parts[0] : "");
	if (parts[0] && parts[1])
		gtk_message_dialog_format_secondary_text(GTK_MESSAGE_DIALOG(dialog), "%s",
							 parts[1]);
	gtk_window_set_title(GTK_WINDOW(dialog), "via-iface");
	gtk_window_set_icon_name(GTK_WINDOW(dialog), "via-iface");
	gtk_dialog_add_button(GTK_DIALOG(dialog), failed ? _("Close") : _("Cancel"),
			      GTK_RESPONSE_CLOSE);
	add_choices(GTK_DIALOG(dialog), choices);
	answer = gtk_dialog_run(GTK_DIALOG(dialog));
	gtk_widget_destroy(dialog);
	if (answer >= 0 && (guint)answer < g_strv_length(choices))
		printf("%.*s\n", (int)strcspn(choices[answer], "="), choices[answer]);
	return EXIT_SUCCESS;
}
