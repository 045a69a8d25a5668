/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/history_page.h"

#include <glib/gi18n.h>
#include <string.h>

#include "base/language.h"
#include "tray/window/answer.h"
#include "tray/window/ui.h"

#define SHOWN 200

struct history_page {
	GtkWidget *page, *list, *none;
	char *shown; /* what was read */
};

static const char *event_text(const char *event)
{
	static const struct {
		const char *event, *text;
	} known[] = {
		{ "started", N_("started") },   { "attached", N_("attached") },
		{ "ended", N_("ended") },       { "detached", N_("detached") },
		{ "blocked", N_("blocked") },   { "unblocked", N_("no longer blocked") },
		{ "failover", N_("failover") }, { "returned", N_("returned") },
		{ "renamed", N_("renamed") },   { "moved", N_("moved") },
		{ "paused", N_("paused") },     { "resumed", N_("resumed") },
		{ "refused", N_("refused") },   { "healed", N_("healed") },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
		if (!strcmp(event, known[i].event))
			return _(known[i].text);
	return event;
}

static void add(struct history_page *p, struct json_object *o)
{
	g_autoptr(GDateTime) at = g_date_time_new_from_unix_local((gint64)answer_number(o, "time"));
	g_autofree char *when = at ? g_date_time_format(at, "%x %X") : g_strdup("");
	const char *session = answer_text(o, "session"), *uplink = answer_text(o, "uplink");
	const char *from = answer_text(o, "from"), *reason = answer_text(o, "reason");
	g_autofree char *title = g_strdup_printf("%s%s%s", session, *session ? ": " : "",
						 event_text(answer_text(o, "event")));
	GString *about = g_string_new(when);
	GtkWidget *row;

	if (*from)
		g_string_append_printf(about, " · %s → %s", from, uplink);
	else if (*uplink)
		g_string_append_printf(about, " · %s", uplink);
	if (*reason)
		g_string_append_printf(about, " · %s", language_reason(reason));
	row = ui_row(title, about->str);
	g_string_free(about, TRUE);
	gtk_list_box_append(GTK_LIST_BOX(p->list), row);
}

static void show(struct history_page *p, const char *out)
{
	g_auto(GStrv) lines = g_strsplit(out, "\n", -1);
	int n = 0;

	ui_list_clear(p->list);
	for (guint i = g_strv_length(lines); i-- > 0 && n < SHOWN;) {
		_cleanup_json_ struct json_object *o = json_tokener_parse(lines[i]);

		if (!json_object_is_type(o, json_type_object))
			continue;
		add(p, o);
		n++;
	}
	gtk_widget_set_visible(p->list, n > 0);
	gtk_widget_set_visible(p->none, n == 0);
}

static void on_log(const char *out, const char *error, void *data)
{
	struct history_page *p = data;

	if (error)
		adw_status_page_set_description(ADW_STATUS_PAGE(p->none), error);
	if (!out || g_strcmp0(out, p->shown) == 0)
		return;
	g_free(p->shown);
	p->shown = g_strdup(out);
	show(p, out);
}

static void read_log(struct history_page *p)
{
	const char *const words[] = { "log", "--json", NULL };

	command_run(G_OBJECT(p->page), words, on_log, p);
}

void history_page_update(struct history_page *p)
{
	if (gtk_widget_get_mapped(p->page))
		read_log(p);
}

static void on_map(GtkWidget *page, void *data)
{
	(void)page;
	read_log(data);
}

static void free_page(void *data)
{
	struct history_page *p = data;

	g_free(p->shown);
	g_free(p);
}

struct history_page *history_page_new(struct view *v)
{
	struct history_page *p = g_new0(struct history_page, 1);
	GtkWidget *box;

	(void)v;
	p->page = ui_page(&box);
	g_object_set_data_full(G_OBJECT(p->page), "page", p, free_page);
	p->none = adw_status_page_new();
	adw_status_page_set_icon_name(ADW_STATUS_PAGE(p->none), "document-open-recent-symbolic");
	adw_status_page_set_title(ADW_STATUS_PAGE(p->none), _("Nothing happened yet"));
	gtk_box_append(GTK_BOX(box), p->none);
	p->list = ui_list(box, _("What happened, the newest first"));
	gtk_widget_set_visible(p->list, FALSE);
	g_signal_connect(p->page, "map", G_CALLBACK(on_map), p);
	return p;
}

GtkWidget *history_page_widget(struct history_page *p)
{
	return p->page;
}
