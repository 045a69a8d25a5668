/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/view.h"

#include <glib/gi18n.h>

#include "tray/window/ask.h"

void view_toast(struct view *v, const char *text)
{
	g_autofree char *markup = g_markup_escape_text(text, -1);

	adw_toast_overlay_add_toast(ADW_TOAST_OVERLAY(v->toasts), adw_toast_new(markup));
}

struct order {
	struct view *view;
	char *done;
	guint32 id;   /* of a session that it moves */
	char *uplink; /* where to; or NULL */
};

static void on_done(const char *out, const char *error, void *data)
{
	struct order *o = data;

	(void)out;
	if (error && o->uplink)
		client_expect_move(o->view->client, o->id, o->uplink, FALSE);
	if (error)
		ask_tell(o->view->window, _("via-iface refused"), error);
	else if (o->done)
		view_toast(o->view, o->done);
	g_free(o->done);
	g_free(o->uplink);
	g_free(o);
}

void view_order(struct view *v, const char *const words[], const char *done)
{
	struct order *o = g_new(struct order, 1);

	*o = (struct order){ .view = v, .done = g_strdup(done) };
	command_run(G_OBJECT(v->window), words, on_done, o);
}

void view_move(struct view *v, guint32 id, const char *list, const char *uplink)
{
	struct order *o = g_new(struct order, 1);
	char who[16];
	const char *const words[] = { "move", who, list, "--only", NULL };

	g_snprintf(who, sizeof(who), "%" G_GUINT32_FORMAT, id);
	*o = (struct order){ .view = v, .id = id, .uplink = g_strdup(uplink) };
	if (uplink)
		client_expect_move(v->client, id, uplink, TRUE);
	command_run(G_OBJECT(v->window), words, on_done, o);
}

/* A comma that belongs to a word is written "\,". */
char **view_split_list(const char *list)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	const char *start = list;

	for (const char *at = list; *list; at++) {
		if (*at == '\\' && at[1]) {
			at++;
		} else if (*at == ',' || !*at) {
			g_ptr_array_add(words, g_strndup(start, (gsize)(at - start)));
			start = at + 1;
		}
		if (!*at)
			break;
	}
	g_ptr_array_add(words, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&words), FALSE);
}

char *view_join_list(char **words, int skip)
{
	GString *list = g_string_new(NULL);

	for (int i = 0; words[i]; i++) {
		if (i == skip)
			continue;
		if (list->len)
			g_string_append_c(list, ',');
		g_string_append(list, words[i]);
	}
	return g_string_free(list, FALSE);
}
