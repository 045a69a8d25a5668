/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/session_page.h"

#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "base/language.h"
#include "tray/common/words.h"
#include "tray/window/ask.h"
#include "tray/window/graph.h"
#include "tray/window/remedy.h"
#include "tray/window/reorder.h"
#include "tray/window/ui.h"

struct session_page {
	struct view *view;
	guint32 id;
	GtkWidget *page, *title, *state, *remedy, *graph, *total, *uplinks, *pause, *stop;
	char *shown; /* the uplinks, as they were drawn */
	char *asked; /* for what a remedy was */
};

static const struct tray_session *session_of(const struct session_page *p)
{
	return model_session(client_model(p->view->client), p->id);
}

static const struct tray_uplink *find_uplink(const struct session_page *p, const char *name)
{
	const struct tray_uplinks *all = &client_model(p->view->client)->uplinks;

	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, name))
			return &all->v[i];
	return NULL;
}

/* The first that can be used. */
static void move_to(struct session_page *p, const char *list)
{
	const struct tray_session *s = session_of(p);
	g_auto(GStrv) words = view_split_list(list);
	const char *to = NULL;

	for (gsize i = 0; words[i] && !to; i++) {
		const struct tray_uplink *u = find_uplink(p, words[i]);

		to = u && u->usable ? u->name : NULL;
	}
	view_move(p->view, p->id, list, s && to && strcmp(to, s->uplink) != 0 ? to : NULL);
}

/* --- the list of uplinks ------------------------------------------------------------------- */

enum change { CHANGE_UP, CHANGE_DOWN, CHANGE_REMOVE };

static void remove_word(struct session_page *p, int at)
{
	const struct tray_session *s = session_of(p);
	g_auto(GStrv) words = view_split_list(s ? s->uplinks : "");
	g_autofree char *list = NULL;

	if (at >= (int)g_strv_length(words))
		return;
	list = view_join_list(words, at);
	if (*list)
		move_to(p, list);
}

/* Those between make room. */
static void reorder_words(int from, int to, void *arg)
{
	struct session_page *p = arg;
	const struct tray_session *s = session_of(p);
	g_auto(GStrv) words = view_split_list(s ? s->uplinks : "");
	int n = (int)g_strv_length(words), step = from < to ? 1 : -1;
	g_autofree char *list = NULL;
	char *word;

	if (from < 0 || to < 0 || from >= n || to >= n || from == to)
		return;
	word = words[from];
	for (int i = from; i != to; i += step)
		words[i] = words[i + step];
	words[to] = word;
	list = view_join_list(words, -1);
	move_to(p, list);
}

static void on_change(GtkButton *button, void *data)
{
	int at = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(button), "at"));
	int change = GPOINTER_TO_INT(g_object_get_data(G_OBJECT(button), "change"));

	if (change == CHANGE_REMOVE)
		remove_word(data, at);
	else
		reorder_words(at, change == CHANGE_UP ? at - 1 : at + 1, data);
}

static void on_use(GtkButton *button, void *data)
{
	struct session_page *p = data;
	const char *name = g_object_get_data(G_OBJECT(button), "uplink");
	const struct tray_uplinks *all = &client_model(p->view->client)->uplinks;

	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->v[i].name, name)) {
			client_move(p->view->client, p->id, &all->v[i]);
			return;
		}
}

static void add_change(struct session_page *p, GtkWidget *row, int at, enum change change,
		       gboolean sensitive)
{
	static const char *const icons[] = { "go-up-symbolic", "go-down-symbolic",
					     "list-remove-symbolic" };
	/* TRANSLATORS: %s: an uplink, in the order in which they are used */
	static const char *const names[] = { N_("Use %s earlier"), N_("Use %s later"),
					     N_("Do not use %s") };
	const char *word = g_object_get_data(G_OBJECT(row), "word");
	g_autofree char *name = g_strdup_printf(_(names[change]), word);
	GtkWidget *button = ui_icon_button(icons[change], name);

	g_object_set_data(G_OBJECT(button), "at", GINT_TO_POINTER(at));
	g_object_set_data(G_OBJECT(button), "change", GINT_TO_POINTER((int)change));
	gtk_widget_set_sensitive(button, sensitive);
	g_signal_connect(button, "clicked", G_CALLBACK(on_change), p);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
}

static void add_word(struct session_page *p, const struct tray_session *s, const char *word, int at,
		     int n)
{
	const struct tray_uplink *u = find_uplink(p, word);
	gboolean may = tray_may_change(s, getuid());
	gboolean used = s->state == TRAY_UP && !strcmp(s->uplink, word);
	g_autofree char *about = NULL, *title = g_strdup_printf("%d. %s", at + 1, word);
	GtkWidget *row;

	if (u && !u->usable)
		about = g_strdup(language_reason(u->reason));
	else if (u)
		about = g_strdup_printf("%s%s%s", used ? _("in use") : words_kind(u->kind),
					u->ssid[0] ? " · " : "", u->ssid);
	row = ui_row(title, about);
	g_object_set_data_full(G_OBJECT(row), "word", g_strdup(word), g_free);
	if (used)
		adw_action_row_add_prefix(ADW_ACTION_ROW(row),
					  gtk_image_new_from_icon_name("object-select-symbolic"));
	if (n > 1) {
		add_change(p, row, at, CHANGE_UP, may && at > 0);
		add_change(p, row, at, CHANGE_DOWN, may && at + 1 < n);
		add_change(p, row, at, CHANGE_REMOVE, may);
	}
	if (n > 1 && may)
		reorder_add(row, at, reorder_words, p);
	gtk_list_box_append(GTK_LIST_BOX(p->uplinks), row);
}

/* One that is not in the list: move there; it is put before the others. */
static void add_other(struct session_page *p, const struct tray_session *s,
		      const struct tray_uplink *u)
{
	g_autofree char *text = words_uplink(u, TRUE), *name = NULL;
	const char *rest = text + strlen(u->name);
	GtkWidget *row = ui_row(u->name,
				g_str_has_prefix(rest, " · ") ? rest + strlen(" · ") : rest),
		  *button;

	/* TRANSLATORS: an uplink */
	name = g_strdup_printf(_("Move to %s"), u->name);
	button = gtk_button_new();
	gtk_button_set_child(GTK_BUTTON(button), gtk_label_new(_("Move here")));
	gtk_widget_set_valign(button, GTK_ALIGN_CENTER);
	ui_name(button, name);
	gtk_widget_set_sensitive(button, u->usable && tray_may_change(s, getuid()));
	g_object_set_data_full(G_OBJECT(button), "uplink", g_strdup(u->name), g_free);
	g_signal_connect(button, "clicked", G_CALLBACK(on_use), p);
	adw_action_row_add_suffix(ADW_ACTION_ROW(row), button);
	gtk_list_box_append(GTK_LIST_BOX(p->uplinks), row);
}

static char *describe(const struct session_page *p, const struct tray_session *s)
{
	const struct tray_uplinks *all = &client_model(p->view->client)->uplinks;
	GString *text = g_string_new(NULL);

	g_string_append_printf(text, "%s|%s|%d|%d\n", s->uplinks, s->uplink, (int)s->state,
			       (int)s->listed);
	for (size_t i = 0; i < all->n; i++)
		g_string_append_printf(text, "%s %s %d %s %s\n", all->v[i].name, all->v[i].kind,
				       all->v[i].usable, all->v[i].ssid, all->v[i].reason);
	return g_string_free(text, FALSE);
}

static void update_uplinks(struct session_page *p, const struct tray_session *s)
{
	const struct tray_uplinks *all = &client_model(p->view->client)->uplinks;
	g_autofree char *now = describe(p, s);
	g_auto(GStrv) words = view_split_list(s->uplinks);
	GtkRoot *root = gtk_widget_get_root(p->page);
	GtkWidget *focus = root ? gtk_root_get_focus(root) : NULL;
	gboolean had = focus && gtk_widget_is_ancestor(focus, p->uplinks);

	if (g_strcmp0(now, p->shown) == 0)
		return;
	g_free(p->shown);
	p->shown = g_steal_pointer(&now);
	ui_list_clear(p->uplinks);
	for (int i = 0; words[i]; i++)
		add_word(p, s, words[i], i, (int)g_strv_length(words));
	for (size_t i = 0; i < all->n; i++)
		if (!g_strv_contains((const char *const *)words, all->v[i].name))
			add_other(p, s, &all->v[i]);
	if (had) /* what had it is gone */
		gtk_widget_child_focus(p->uplinks, GTK_DIR_TAB_FORWARD);
}

/* --- the rest ------------------------------------------------------------------------------ */

static void update_remedy(struct session_page *p, const struct tray_session *s)
{
	g_autofree char *key = NULL;

	gtk_widget_set_visible(p->remedy, s->state == TRAY_BLOCKED);
	if (s->state == TRAY_BLOCKED)
		key = g_strdup_printf("%u %s %s", s->id, s->uplinks, s->reason);
	if (g_strcmp0(key, p->asked) == 0)
		return;
	g_free(p->asked);
	p->asked = g_steal_pointer(&key);
	if (p->asked)
		remedy_set(p->remedy, s->uplinks[0] ? s->uplinks : s->uplink);
}

static void on_pause(GtkButton *button, void *data)
{
	struct session_page *p = data;
	const struct tray_session *s = session_of(p);

	(void)button;
	if (s)
		client_pause(p->view->client, p->id, s->state != TRAY_PAUSED);
}

struct stop {
	struct view *view;
	guint32 id;
};

static void on_stop_answer(int choice, void *data)
{
	struct stop *stop = data;

	if (choice == 0)
		client_stop(stop->view->client, stop->id);
	g_free(stop);
}

static void on_stop(GtkButton *button, void *data)
{
	struct session_page *p = data;
	const struct tray_session *s = session_of(p);
	g_autofree char *choice = g_strconcat("!", _("Stop"), NULL);
	const char *const choices[] = { choice, NULL };
	g_autofree char *title = NULL;
	struct stop *stop;

	(void)button;
	if (!s)
		return;
	stop = g_new(struct stop, 1);
	*stop = (struct stop){ p->view, p->id };
	/* TRANSLATORS: a session */
	title = g_strdup_printf(_("Stop %s?"), s->name);
	ask(p->view->window, title, _("Its programs are ended. What they have not saved is lost."),
	    choices, _("Cancel"), on_stop_answer, stop);
}

gboolean session_page_update(struct session_page *p)
{
	const struct tray_session *s = session_of(p);
	g_autofree char *state = NULL, *total = NULL;
	gboolean may;

	if (!s)
		return FALSE;
	may = tray_may_change(s, getuid());
	state = s->state == TRAY_UP ? words_session(s, getuid()) : words_state_why(s);
	total = words_total(s);
	ui_set_text(p->title, s->name);
	ui_set_text(p->state, state);
	ui_set_class(p->state, "error", s->state == TRAY_BLOCKED);
	ui_set_class(p->state, "dim-label", s->state != TRAY_BLOCKED);
	ui_set_text(p->total, total);
	graph_set(p->graph, &s->rates);
	update_remedy(p, s);
	update_uplinks(p, s);
	ui_button_set(p->pause, s->state == TRAY_PAUSED ? _("_Resume") : _("_Pause"));
	gtk_widget_set_sensitive(p->pause, may && s->state != TRAY_CLOSING);
	gtk_widget_set_sensitive(p->stop, may);
	return TRUE;
}

void session_page_show(struct session_page *p, guint32 id)
{
	p->id = id;
	g_clear_pointer(&p->shown, g_free);
	g_clear_pointer(&p->asked, g_free);
	session_page_update(p);
	gtk_widget_grab_focus(p->pause);
}

static void free_page(void *data)
{
	struct session_page *p = data;

	g_free(p->shown);
	g_free(p->asked);
	g_free(p);
}

static void add_buttons(struct session_page *p, GtkWidget *box)
{
	GtkWidget *heading = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
	GtkWidget *texts = gtk_box_new(GTK_ORIENTATION_VERTICAL, 2);

	p->title = ui_label("", "title-2");
	p->state = ui_label("", "dim-label");
	gtk_box_append(GTK_BOX(texts), p->title);
	gtk_box_append(GTK_BOX(texts), p->state);
	gtk_widget_set_hexpand(texts, TRUE);
	p->pause = ui_button(_("_Pause"), NULL);
	p->stop = ui_button(_("_Stop"), "destructive-action");
	gtk_widget_set_valign(p->pause, GTK_ALIGN_CENTER);
	gtk_widget_set_valign(p->stop, GTK_ALIGN_CENTER);
	g_signal_connect(p->pause, "clicked", G_CALLBACK(on_pause), p);
	g_signal_connect(p->stop, "clicked", G_CALLBACK(on_stop), p);
	gtk_box_append(GTK_BOX(heading), texts);
	gtk_box_append(GTK_BOX(heading), p->pause);
	gtk_box_append(GTK_BOX(heading), p->stop);
	gtk_box_append(GTK_BOX(box), heading);
}

struct session_page *session_page_new(struct view *v)
{
	struct session_page *p = g_new0(struct session_page, 1);
	GtkWidget *box, *heading, *row;

	p->view = v;
	p->page = ui_page(&box);
	g_object_set_data_full(G_OBJECT(p->page), "page", p, free_page);
	add_buttons(p, box);
	p->remedy = remedy_new();
	gtk_box_append(GTK_BOX(box), p->remedy);
	row = gtk_box_new(GTK_ORIENTATION_HORIZONTAL, 8);
	gtk_widget_set_margin_top(row, 6);
	heading = ui_label(_("Traffic"), "heading");
	gtk_widget_set_hexpand(heading, TRUE);
	p->total = ui_figure("dim-label", 0);
	ui_describe(p->total, _("Total received and sent"));
	gtk_box_append(GTK_BOX(row), heading);
	gtk_box_append(GTK_BOX(row), p->total);
	gtk_box_append(GTK_BOX(box), row);
	p->graph = graph_new(_("Traffic of the last minute"), TRUE);
	gtk_widget_add_css_class(p->graph, "card");
	gtk_widget_add_css_class(p->graph, "via-graph");
	gtk_box_append(GTK_BOX(box), p->graph);
	p->uplinks = ui_list(box, _("Uplinks: the first that is usable is used"));
	return p;
}

GtkWidget *session_page_widget(struct session_page *p)
{
	return p->page;
}
