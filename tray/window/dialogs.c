/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/dialogs.h"

#include <glib/gi18n.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tray/window/ask.h"
#include "tray/window/ui.h"

struct answer {
	GMainLoop *loop;
	int choice;
};

static void on_answer(int choice, void *data)
{
	struct answer *a = data;

	a->choice = choice;
	g_main_loop_quit(a->loop);
}

int dialogs_show(GVariantDict *options)
{
	g_autoptr(GVariant) list =
		g_variant_dict_lookup_value(options, "choice", G_VARIANT_TYPE_STRING_ARRAY);
	g_auto(GStrv) choices = list ? g_variant_dup_strv(list, NULL) : g_new0(char *, 1);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	g_autoptr(GPtrArray) labels = g_ptr_array_new();
	struct answer answer = { loop, ASK_CLOSED };
	g_auto(GStrv) parts = NULL;
	const char *text = "";
	GtkWidget *window;
	gboolean failed;

	if (!gtk_init_check())
		return EXIT_FAILURE;
	adw_init();
	ui_style();
	failed = g_variant_dict_lookup(options, "failed", "&s", &text);
	if (!failed)
		g_variant_dict_lookup(options, "ask", "&s", &text);
	parts = g_strsplit(text, "\n", 2);
	for (guint i = 0; choices[i]; i++) {
		char *label = strchr(choices[i], '=');

		g_ptr_array_add(labels, label ? label + 1 : choices[i]);
	}
	g_ptr_array_add(labels, NULL);
	gtk_window_set_default_icon_name("via-iface");
	window = ask(NULL, parts[0] ? parts[0] : "", parts[0] && parts[1] ? parts[1] : "",
		     (const char *const *)labels->pdata, failed ? _("Close") : _("Cancel"),
		     on_answer, &answer);
	gtk_window_set_title(GTK_WINDOW(window), "via-iface"); /* in a list of windows */
	g_main_loop_run(loop);
	if (answer.choice >= 0)
		printf("%.*s\n", (int)strcspn(choices[answer.choice], "="), choices[answer.choice]);
	return EXIT_SUCCESS;
}
