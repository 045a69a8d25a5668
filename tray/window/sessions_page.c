/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/sessions_page.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "tray/common/words.h"
#include "tray/window/graph.h"
#include "tray/window/remedy.h"
#include "tray/window/session_page.h"
#include "tray/window/ui.h"

#define FIGURE_CHARS 11

/* A session. */
struct row {
	guint32 id;
	char name[40];
	GtkWidget *row, *graph, *rx, *tx;
};

struct sessions_page {
	struct view *view;
	void (*changed)(void *arg);
	void *arg;
	GtkWidget *stack, *first, *list, *heading, *uplinks;
	struct session_page *one;
	guint32 shown;       /* the session that is shown alone, or 0 */
	GPtrArray *rows;     /* struct row, in the order of the model */
	char *shown_uplinks; /* as they were drawn */
};

/* --- sessions ------------------------------------------------------------------------------ */

static void show_one(struct sessions_page *p, guint32 id)
{
	p->shown = id;
	session_page_show(p->one, id);
	gtk_stack_set_visible_child(GTK_STACK(p->stack), session_page_widget(p->one));
	p->changed(p->arg);
}

static void on_row(GtkListBox *list, GtkListBoxRow *row, void *data)
{
	(void)list;
	show_one(data, GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(row), "id")));
}

static struct row *row_new(struct sessions_page *p, const struct tray_session *s, int at)
{
	struct row *r = g_new0(struct row, 1);
	GtkWidget *figures = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);
	g_autofree char *name = g_strdup_printf(_("Traffic of %s"), s->name);

	r->id = s->id;
	g_strlcpy(r->name, s->name, sizeof(r->name));
	r->row = ui_row(s->name, "");
	r->graph = graph_new(name, FALSE);
	r->rx = ui_figure(NULL, FIGURE_CHARS);
	r->tx = ui_figure(NULL, FIGURE_CHARS);
	gtk_box_append(GTK_BOX(figures), r->rx);
	gtk_box_append(GTK_BOX(figures), r->tx);
	gtk_widget_set_valign(figures, GTK_ALIGN_CENTER);
	adw_action_row_add_suffix(ADW_ACTION_ROW(r->row), r->graph);
	adw_action_row_add_suffix(ADW_ACTION_ROW(r->row), figures);
	adw_action_row_add_suffix(ADW_ACTION_ROW(r->row),
				  gtk_image_new_from_icon_name("go-next-symbolic"));
	gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(r->row), TRUE);
	g_object_set_data(G_OBJECT(r->row), "id", GUINT_TO_POINTER(s->id));
	gtk_list_box_insert(GTK_LIST_BOX(p->list), r->row, at);
	return r;
}

static void update_row(struct row *r, const struct tray_session *s)
{
	g_autofree char *state = s->state == TRAY_UP ? g_strdup(s->uplink) : words_state_why(s);
	g_autofree char *title = s->listed && s->uid != getuid()
					 ? g_strdup_printf("%s (%s)", s->name, s->user)
					 : g_strdup(s->name);
	g_autofree char *down = NULL, *up = NULL;
	double rx, tx;

	if (tray_rate(s, &rx, &tx)) {
		g_autofree char *in = words_rate(rx), *out = words_rate(tx);

		down = g_strdup_printf("↓ %s", in);
		up = g_strdup_printf("↑ %s", out);
	}
	ui_row_set(r->row, title, state);
	ui_set_class(r->row, "error", s->state == TRAY_BLOCKED);
	ui_set_text(r->rx, down ? down : "↓ –");
	ui_set_text(r->tx, up ? up : "↑ –");
	graph_set(r->graph, &s->rates);
}

static struct row *find_row(const struct sessions_page *p, const struct tray_session *s)
{
	for (guint i = 0; i < p->rows->len; i++) {
		struct row *r = p->rows->pdata[i];

		if (r->id == s->id && !strcmp(r->name, s->name))
			return r;
	}
	return NULL;
}

static void update_sessions(struct sessions_page *p, const struct model *m)
{
	for (guint i = p->rows->len; i-- > 0;) {
		struct row *r = p->rows->pdata[i];
		const struct tray_session *s = model_session(m, r->id);

		if (s && !strcmp(s->name, r->name))
			continue;
		gtk_list_box_remove(GTK_LIST_BOX(p->list), r->row);
		g_ptr_array_remove_index(p->rows, i);
	}
	for (size_t i = 0; i < m->sessions.n; i++) {
		struct row *r = find_row(p, &m->sessions.v[i]);

		if (!r) {
			r = row_new(p, &m->sessions.v[i], (int)i);
			g_ptr_array_insert(p->rows, (int)i, r);
		}
		update_row(r, &m->sessions.v[i]);
	}
}

/* --- uplinks ------------------------------------------------------------------------------- */

static const char *icon_of(const struct tray_uplink *u)
{
	static const struct {
		const char *kind, *icon;
	} icons[] = {
		{ "wifi", "via-iface-wireless-symbolic" },
		{ "wwan", "via-iface-mobile-symbolic" },
		{ "vpn", "via-iface-vpn-symbolic" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(icons); i++)
		if (!strcmp(u->kind, icons[i].kind))
			return icons[i].icon;
	return "via-iface-wired-symbolic";
}

/* What to do about one that cannot be used. */
static void on_uplink(GtkListBox *list, GtkListBoxRow *row, void *data)
{
	struct sessions_page *p = data;
	const char *name = g_object_get_data(G_OBJECT(row), "name");
	g_autofree char *title = g_strdup_printf(_("Why %s cannot be used"), name);

	(void)list;
	remedy_tell(p->view->window, title, name);
}

static void add_uplink(struct sessions_page *p, const struct tray_uplink *u)
{
	const char *kind = u->ssid[0] ? u->ssid : words_kind(u->kind);
	g_autofree char *about =
		g_strdup_printf("%s%s%s", kind, *kind ? " · " : "",
				u->usable ? _("usable") : language_reason(u->reason));
	GtkWidget *row = ui_row(u->name, about);

	adw_action_row_add_prefix(ADW_ACTION_ROW(row), gtk_image_new_from_icon_name(icon_of(u)));
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), ui_label(u->address, "numeric"));
	if (!u->usable) {
		g_object_set_data_full(G_OBJECT(row), "name", g_strdup(u->name), g_free);
		gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), TRUE);
		adw_action_row_add_suffix(ADW_ACTION_ROW(row),
					  gtk_image_new_from_icon_name("dialog-question-symbolic"));
		gtk_widget_set_tooltip_text(row, _("What to do about it"));
	}
	gtk_list_box_append(GTK_LIST_BOX(p->uplinks), row);
}

static char *describe_uplinks(const struct tray_uplinks *all)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < all->n; i++) {
		const struct tray_uplink *u = &all->v[i];

		g_string_append_printf(text, "%s %s %d %s %s %s\n", u->name, u->kind, u->usable,
				       u->ssid, u->address, u->reason);
	}
	return g_string_free(text, FALSE);
}

static void update_uplinks(struct sessions_page *p, const struct tray_uplinks *all)
{
	g_autofree char *now = describe_uplinks(all);

	if (g_strcmp0(now, p->shown_uplinks) == 0)
		return;
	ui_list_clear(p->uplinks);
	for (size_t i = 0; i < all->n; i++)
		add_uplink(p, &all->v[i]);
	g_free(p->shown_uplinks);
	p->shown_uplinks = g_steal_pointer(&now);
}

/* --- the page ------------------------------------------------------------------------------ */

gboolean sessions_page_is_one(const struct sessions_page *p)
{
	return p->shown != 0;
}

gboolean sessions_page_back(struct sessions_page *p)
{
	if (!p->shown)
		return FALSE;
	p->shown = 0;
	gtk_stack_set_visible_child_name(GTK_STACK(p->stack), "all");
	p->changed(p->arg);
	gtk_widget_child_focus(p->list, GTK_DIR_TAB_FORWARD);
	return TRUE;
}

void sessions_page_update(struct sessions_page *p)
{
	const struct model *m = client_model(p->view->client);
	gboolean some = m->sessions.n > 0;

	update_sessions(p, m);
	update_uplinks(p, &m->uplinks);
	gtk_widget_set_visible(p->first, !some);
	gtk_widget_set_visible(p->list, some);
	gtk_widget_set_visible(p->heading, some);
	if (p->shown && !session_page_update(p->one))
		sessions_page_back(p);
}

static void on_start(GtkButton *button, void *data)
{
	struct sessions_page *p = data;

	(void)button;
	p->view->show(p->view, "programs");
}

/* What to do, where there is no session. */
static GtkWidget *first_new(struct sessions_page *p)
{
	GtkWidget *status = adw_status_page_new();
	GtkWidget *button = ui_button(_("_Start a program"), "suggested-action");

	gtk_widget_add_css_class(button, "pill");
	gtk_widget_add_css_class(status, "compact");
	gtk_widget_set_halign(button, GTK_ALIGN_CENTER);
	g_signal_connect(button, "clicked", G_CALLBACK(on_start), p);
	adw_status_page_set_icon_name(ADW_STATUS_PAGE(status), "via-iface-symbolic");
	adw_status_page_set_title(ADW_STATUS_PAGE(status), _("No session"));
	adw_status_page_set_description(
		ADW_STATUS_PAGE(status),
		_("No program runs through an uplink of its own. Choose a program and the uplink "
		  "by "
		  "which it is to go; or bind it to one for good, from its entry in the menu."));
	adw_status_page_set_child(ADW_STATUS_PAGE(status), button);
	return status;
}

static void free_page(void *data)
{
	struct sessions_page *p = data;

	g_ptr_array_unref(p->rows);
	g_free(p->shown_uplinks);
	g_free(p);
}

struct sessions_page *sessions_page_new(struct view *v, void (*changed)(void *arg), void *arg)
{
	struct sessions_page *p = g_new0(struct sessions_page, 1);
	GtkWidget *box, *page = ui_page(&box);

	*p = (struct sessions_page){ .view = v, .changed = changed, .arg = arg };
	p->rows = g_ptr_array_new_with_free_func(g_free);
	p->stack = gtk_stack_new();
	g_object_set_data_full(G_OBJECT(p->stack), "page", p, free_page);
	gtk_stack_set_transition_type(GTK_STACK(p->stack), GTK_STACK_TRANSITION_TYPE_CROSSFADE);
	p->first = first_new(p);
	gtk_box_append(GTK_BOX(box), p->first);
	p->list = ui_list(box, _("Sessions"));
	p->heading = gtk_widget_get_prev_sibling(p->list);
	g_signal_connect(p->list, "row-activated", G_CALLBACK(on_row), p);
	p->uplinks = ui_list(box, _("Uplinks"));
	g_signal_connect(p->uplinks, "row-activated", G_CALLBACK(on_uplink), p);
	p->one = session_page_new(v);
	gtk_stack_add_named(GTK_STACK(p->stack), page, "all");
	gtk_stack_add_named(GTK_STACK(p->stack), session_page_widget(p->one), "one");
	return p;
}

GtkWidget *sessions_page_widget(struct sessions_page *p)
{
	return p->stack;
}
