/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/window.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "tray/common/words.h"
#include "tray/window/graph.h"
#include "tray/window/orders.h"

#define NAME_CHARS   24
#define FIGURE_CHARS 11
#define WAY_CHARS    10

/* A session. */
struct row {
	guint32 id;
	char name[40];
	GtkWidget *row, *title, *state, *graph, *rx, *tx, *way;
	struct session_orders *orders;
};

struct window {
	struct client *client;
	GtkWidget *window, *header, *problem, *sessions, *uplinks;
	GPtrArray *rows; /* struct row, in the order of the model */
	struct host_orders *orders;
	char *shown_uplinks; /* as they were drawn */
};

/* --- pieces -------------------------------------------------------------------------------- */

static GtkWidget *pack(GtkWidget *box, GtkWidget *child, gboolean expand)
{
	gtk_box_pack_start(GTK_BOX(box), child, expand, TRUE, 0);
	return child;
}

static GtkWidget *label_new(const char *text, const char *class)
{
	GtkWidget *label = gtk_label_new(text);

	gtk_label_set_xalign(GTK_LABEL(label), 0);
	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_END);
	if (class)
		gtk_style_context_add_class(gtk_widget_get_style_context(label), class);
	return label;
}

static void set_width(GtkWidget *label, int chars)
{
	gtk_label_set_width_chars(GTK_LABEL(label), chars);
	gtk_label_set_max_width_chars(GTK_LABEL(label), chars);
}

/* Digits of the same width, at the right: they change in place. */
static GtkWidget *figure_new(const char *class)
{
	GtkWidget *label = label_new("", class);
	PangoAttrList *attributes = pango_attr_list_new();

	pango_attr_list_insert(attributes, pango_attr_font_features_new("tnum=1"));
	gtk_label_set_attributes(GTK_LABEL(label), attributes);
	pango_attr_list_unref(attributes);
	gtk_label_set_xalign(GTK_LABEL(label), 1);
	gtk_label_set_ellipsize(GTK_LABEL(label), PANGO_ELLIPSIZE_NONE);
	set_width(label, FIGURE_CHARS);
	return label;
}

static void set_text(GtkWidget *label, const char *text)
{
	if (strcmp(gtk_label_get_text(GTK_LABEL(label)), text) != 0)
		gtk_label_set_text(GTK_LABEL(label), text);
}

/* Of a line that may be cut. */
static void set_line(GtkWidget *label, const char *text)
{
	set_text(label, text);
	gtk_widget_set_tooltip_text(label, text);
}

static void set_class(GtkWidget *widget, const char *class, gboolean on)
{
	GtkStyleContext *style = gtk_widget_get_style_context(widget);

	if (on)
		gtk_style_context_add_class(style, class);
	else
		gtk_style_context_remove_class(style, class);
}

/* A row of a list: a box with some air around it. */
static GtkWidget *row_new(GtkWidget *list, int at, GtkWidget **ret_box)
{
	GtkWidget *row = gtk_list_box_row_new(), *box = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 14);

	gtk_list_box_row_set_selectable(GTK_LIST_BOX_ROW(row), FALSE);
	gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(row), FALSE);
	g_object_set(box, "margin", 10, NULL);
	gtk_container_add(GTK_CONTAINER(row), box);
	gtk_list_box_insert(GTK_LIST_BOX(list), row, at);
	*ret_box = box;
	return row;
}

static GtkWidget *column_new(GtkWidget *box, gboolean expand)
{
	GtkWidget *column = pack(box, gtk_box_new(GTK_ORIENTATION_VERTICAL, 2), expand);

	gtk_widget_set_valign(column, GTK_ALIGN_CENTER);
	return column;
}

static void line_between(GtkListBoxRow *row, GtkListBoxRow *before, void *data)
{
	(void)data;
	gtk_list_box_row_set_header(row,
				    before ? gtk_separator_new(GTK_ORIENTATION_HORIZONTAL) : NULL);
}

/* A title, and a framed list below it. */
static GtkWidget *list_new(GtkWidget *box, const char *title)
{
	GtkWidget *label = pack(box, label_new(title, "via-heading"), FALSE);
	GtkWidget *frame = pack(box, gtk_frame_new(NULL), FALSE), *list = gtk_list_box_new();

	gtk_widget_set_margin_top(label, 6);
	gtk_list_box_set_selection_mode(GTK_LIST_BOX(list), GTK_SELECTION_NONE);
	gtk_list_box_set_header_func(GTK_LIST_BOX(list), line_between, NULL, NULL);
	gtk_container_add(GTK_CONTAINER(frame), list);
	atk_object_set_name(gtk_widget_get_accessible(list), title);
	return list;
}

/* --- a session ----------------------------------------------------------------------------- */

static void free_row(void *data)
{
	struct row *r = data;

	gtk_widget_destroy(r->row);
	session_orders_free(r->orders);
	g_free(r);
}

/* Return, or a click anywhere in the row, opens its menu. */
static void on_row(GtkListBox *list, GtkListBoxRow *row, void *data)
{
	(void)list, (void)data;
	gtk_button_clicked(GTK_BUTTON(g_object_get_data(G_OBJECT(row), "menu")));
}

static struct row *session_row_new(struct window *w, const struct tray_session *s, int at)
{
	struct row *r = g_new0(struct row, 1);
	GtkWidget *box, *column, *menu = gtk_menu_new(), *button = gtk_menu_button_new(), *inside;

	r->id = s->id;
	g_strlcpy(r->name, s->name, sizeof(r->name));
	r->row = row_new(w->sessions, at, &box);
	column = column_new(box, FALSE);
	r->title = pack(column, label_new("", "via-name"), FALSE);
	r->state = pack(column, label_new("", "dim-label"), FALSE);
	set_width(r->title, NAME_CHARS); /* the graphs begin below each other */
	set_width(r->state, NAME_CHARS);
	r->graph = pack(box, graph_new(), TRUE);
	column = column_new(box, FALSE);
	r->rx = pack(column, figure_new("via-received"), FALSE);
	r->tx = pack(column, figure_new("via-sent"), FALSE);

	inside = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 6);
	r->way = pack(inside, label_new("", NULL), TRUE);
	set_width(r->way, WAY_CHARS);
	pack(inside, gtk_image_new_from_icon_name("pan-down-symbolic", GTK_ICON_SIZE_BUTTON),
	     FALSE);
	gtk_container_add(GTK_CONTAINER(button), inside);
	gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
	gtk_widget_set_tooltip_text(button, _("Move to another uplink, pause, stop"));
	r->orders = session_orders_new(menu, w->client, s->id);
	gtk_menu_button_set_popup(GTK_MENU_BUTTON(button), menu);
	gtk_menu_button_set_use_popover(GTK_MENU_BUTTON(button), FALSE);
	pack(box, button, FALSE);
	g_object_set_data(G_OBJECT(r->row), "menu", button);
	gtk_list_box_row_set_activatable(GTK_LIST_BOX_ROW(r->row), TRUE);
	gtk_widget_show_all(r->row);
	return r;
}

static void update_rates(struct row *r, const struct tray_session *s)
{
	g_autofree char *down = NULL, *up = NULL, *total = words_total(s), *tip = NULL;
	double rx, tx;

	if (tray_rate(s, &rx, &tx)) {
		g_autofree char *in = words_rate(rx), *out = words_rate(tx);

		down = g_strdup_printf("↓ %s", in);
		up = g_strdup_printf("↑ %s", out);
	}
	set_text(r->rx, down ? down : "↓ –");
	set_text(r->tx, up ? up : "↑ –");
	tip = g_strdup_printf(_("Total: %s"), total);
	gtk_widget_set_tooltip_text(r->graph, tip);
	graph_set(r->graph, &s->rates);
}

static void update_row(struct row *r, const struct tray_session *s)
{
	g_autofree char *state = words_state_why(s), *total = words_total(s);
	g_autofree char *title = s->listed && s->uid != getuid()
					 ? g_strdup_printf("%s (%s)", s->name, s->user)
					 : g_strdup(s->name);
	g_autofree char *line =
		s->state == TRAY_UP ? g_steal_pointer(&total) : g_steal_pointer(&state);

	set_line(r->title, title);
	set_line(r->state, line);
	set_class(r->state, "dim-label", s->state != TRAY_BLOCKED);
	set_class(r->state, "via-blocked", s->state == TRAY_BLOCKED);
	set_text(r->way, s->uplink[0] ? s->uplink : s->uplinks);
	update_rates(r, s);
	session_orders_update(r->orders, s);
}

static struct row *find_row(const struct window *w, const struct tray_session *s)
{
	for (guint i = 0; i < w->rows->len; i++) {
		struct row *r = w->rows->pdata[i];

		if (r->id == s->id && !strcmp(r->name, s->name))
			return r;
	}
	return NULL;
}

static void update_sessions(struct window *w, const struct model *m)
{
	for (guint i = w->rows->len; i-- > 0;) {
		struct row *r = w->rows->pdata[i];
		const struct tray_session *s = model_session(m, r->id);

		if (!s || strcmp(s->name, r->name) != 0)
			g_ptr_array_remove_index(w->rows, i);
	}
	for (size_t i = 0; i < m->sessions.n; i++) {
		struct row *r = find_row(w, &m->sessions.v[i]);

		if (!r) {
			r = session_row_new(w, &m->sessions.v[i], (int)i);
			g_ptr_array_insert(w->rows, (int)i, r);
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
		{ "wifi", "network-wireless-symbolic" },
		{ "wwan", "network-cellular-symbolic" },
		{ "vpn", "network-vpn-symbolic" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(icons); i++)
		if (!strcmp(u->kind, icons[i].kind))
			return icons[i].icon;
	return "network-wired-symbolic";
}

static void add_uplink(struct window *w, const struct tray_uplink *u)
{
	GtkWidget *box, *row = row_new(w->uplinks, -1, &box), *column;
	const char *why = u->usable ? "" : language_reason(u->reason);

	pack(box, gtk_image_new_from_icon_name(icon_of(u), GTK_ICON_SIZE_LARGE_TOOLBAR), FALSE);
	column = column_new(box, TRUE);
	pack(column, label_new(u->name, "via-name"), FALSE);
	pack(column, label_new(u->ssid[0] ? u->ssid : words_kind(u->kind), "dim-label"), FALSE);
	column = column_new(box, FALSE);
	gtk_label_set_xalign(GTK_LABEL(pack(column, label_new(u->address, NULL), FALSE)), 1);
	gtk_label_set_xalign(GTK_LABEL(pack(column,
					    label_new(u->usable ? _("usable") : why, "dim-label"),
					    FALSE)),
			     1);
	gtk_widget_set_sensitive(row, u->usable);
	gtk_widget_show_all(row);
}

static void destroy_one(GtkWidget *widget, void *data)
{
	(void)data;
	gtk_widget_destroy(widget);
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

static void update_uplinks(struct window *w, const struct tray_uplinks *all)
{
	g_autofree char *now = describe_uplinks(all);

	if (g_strcmp0(now, w->shown_uplinks) == 0)
		return;
	gtk_container_foreach(GTK_CONTAINER(w->uplinks), destroy_one, NULL);
	for (size_t i = 0; i < all->n; i++)
		add_uplink(w, &all->v[i]);
	g_free(w->shown_uplinks);
	w->shown_uplinks = g_steal_pointer(&now);
}

/* --- the window ---------------------------------------------------------------------------- */

void window_update(struct window *w)
{
	const struct model *m = client_model(w->client);
	const char *failure = client_failure(w->client);
	g_autofree char *sessions = words_sessions(m);

	gtk_header_bar_set_subtitle(GTK_HEADER_BAR(w->header), sessions);
	gtk_label_set_text(GTK_LABEL(w->problem), failure ? failure : "");
	gtk_widget_set_visible(w->problem, failure != NULL);
	update_sessions(w, m);
	update_uplinks(w, &m->uplinks);
	host_orders_update(w->orders);
}

static GtkWidget *placeholder_new(void)
{
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);
	GtkWidget *label =
		pack(box, gtk_label_new(_("No program runs through an uplink of its own.")), FALSE);

	pack(box, gtk_label_new("via-iface wlp6s0 -- firefox"), FALSE);
	set_class(label, "dim-label", TRUE);
	g_object_set(box, "margin", 24, NULL);
	gtk_widget_show_all(box);
	return box;
}

static void add_style(GtkWidget *window)
{
	static const char style[] = ".via-name, .via-heading { font-weight: bold; }"
				    ".via-received { color: @theme_selected_bg_color; }"
				    ".via-sent { color: @warning_color; }"
				    ".via-blocked { color: @error_color; }";
	g_autoptr(GtkCssProvider) css = gtk_css_provider_new();

	gtk_css_provider_load_from_data(css, style, -1, NULL);
	gtk_style_context_add_provider_for_screen(gtk_widget_get_screen(window),
						  GTK_STYLE_PROVIDER(css),
						  GTK_STYLE_PROVIDER_PRIORITY_APPLICATION);
}

static GtkWidget *header_new(struct window *w, struct starters *starters)
{
	GtkWidget *header = gtk_header_bar_new(), *button = gtk_menu_button_new();
	GtkWidget *menu = gtk_menu_new();

	gtk_header_bar_set_show_close_button(GTK_HEADER_BAR(header), TRUE);
	gtk_header_bar_set_title(GTK_HEADER_BAR(header), "via-iface");
	w->orders = host_orders_new(menu, w->client, starters);
	gtk_button_set_image(GTK_BUTTON(button),
			     gtk_image_new_from_icon_name("open-menu-symbolic",
							  GTK_ICON_SIZE_BUTTON));
	gtk_widget_set_tooltip_text(button, _("Start, pause all, resume all"));
	gtk_menu_button_set_popup(GTK_MENU_BUTTON(button), menu);
	gtk_header_bar_pack_end(GTK_HEADER_BAR(header), button);
	return header;
}

struct window *window_new(GtkApplication *app, struct client *c, struct starters *starters)
{
	struct window *w = g_new0(struct window, 1);
	GtkWidget *scrolled = gtk_scrolled_window_new(NULL, NULL);
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 6);

	w->client = c;
	w->rows = g_ptr_array_new_with_free_func(free_row);
	w->window = gtk_application_window_new(app);
	add_style(w->window);
	gtk_window_set_title(GTK_WINDOW(w->window), "via-iface");
	gtk_window_set_icon_name(GTK_WINDOW(w->window), "via-iface");
	gtk_window_set_default_size(GTK_WINDOW(w->window), 660, 460);
	w->header = header_new(w, starters);
	gtk_window_set_titlebar(GTK_WINDOW(w->window), w->header);
	g_object_set(box, "margin", 12, NULL);
	w->problem = pack(box, label_new("", "via-blocked"), FALSE);
	gtk_label_set_line_wrap(GTK_LABEL(w->problem), TRUE);
	gtk_label_set_ellipsize(GTK_LABEL(w->problem), PANGO_ELLIPSIZE_NONE);
	w->sessions = list_new(box, _("Sessions"));
	g_signal_connect(w->sessions, "row-activated", G_CALLBACK(on_row), NULL);
	gtk_list_box_set_placeholder(GTK_LIST_BOX(w->sessions), placeholder_new());
	w->uplinks = list_new(box, _("Uplinks"));
	gtk_scrolled_window_set_policy(GTK_SCROLLED_WINDOW(scrolled), GTK_POLICY_NEVER,
				       GTK_POLICY_AUTOMATIC);
	gtk_container_add(GTK_CONTAINER(scrolled), box);
	gtk_container_add(GTK_CONTAINER(w->window), scrolled);
	gtk_widget_show_all(w->window);
	window_update(w);
	return w;
}

void window_free(struct window *w)
{
	if (!w)
		return;
	/* The rows' widgets went with the window. */
	g_ptr_array_set_free_func(w->rows, NULL);
	for (guint i = 0; i < w->rows->len; i++) {
		struct row *r = w->rows->pdata[i];

		session_orders_free(r->orders);
		g_free(r);
	}
	g_ptr_array_unref(w->rows);
	host_orders_free(w->orders);
	g_free(w->shown_uplinks);
	g_free(w);
}

GtkWidget *window_widget(struct window *w)
{
	return w->window;
}
