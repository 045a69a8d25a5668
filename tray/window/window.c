/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/window.h"

#include <glib/gi18n.h>
#include <unistd.h>

#include "config.h"
#include "tray/window/ask.h"
#include "tray/window/entries_page.h"
#include "tray/window/history_page.h"
#include "tray/window/programs_page.h"
#include "tray/window/sessions_page.h"
#include "tray/window/settings.h"
#include "tray/window/ui.h"

struct window {
	struct view view; /* the first member: what pages have is the window */
	GtkWidget *window, *stack, *switcher, *back, *problem, *problem_text;
	struct sessions_page *sessions;
	struct programs_page *programs;
	struct history_page *history;
};

/* --- pages --------------------------------------------------------------------------------- */

void window_show_page(struct window *w, const char *page)
{
	adw_view_stack_set_visible_child_name(ADW_VIEW_STACK(w->stack), page);
}

static void show_page(struct view *v, const char *page)
{
	window_show_page((struct window *)v, page);
}

static void update_back(struct window *w)
{
	gboolean sessions =
		!g_strcmp0(adw_view_stack_get_visible_child_name(ADW_VIEW_STACK(w->stack)),
			   "sessions");

	gtk_widget_set_visible(w->back, sessions && sessions_page_is_one(w->sessions));
}

static void on_page(GObject *stack, GParamSpec *property, void *data)
{
	struct window *w = data;

	(void)stack, (void)property;
	update_back(w);
	if (!g_strcmp0(adw_view_stack_get_visible_child_name(ADW_VIEW_STACK(w->stack)), "programs"))
		programs_page_focus(w->programs);
}

static void on_sessions_changed(void *arg)
{
	struct window *w = arg;

	if (w->sessions)
		update_back(w);
}

static void add_page(struct window *w, GtkWidget *page, const char *name, const char *title,
		     const char *icon)
{
	AdwViewStackPage *added =
		adw_view_stack_add_titled(ADW_VIEW_STACK(w->stack), page, name, title);

	adw_view_stack_page_set_icon_name(added, icon);
}

static void add_pages(struct window *w)
{
	w->sessions = sessions_page_new(&w->view, on_sessions_changed, w);
	w->programs = programs_page_new(&w->view);
	w->history = history_page_new(&w->view);
	add_page(w, sessions_page_widget(w->sessions), "sessions", _("Sessions"),
		 "network-transmit-receive-symbolic");
	add_page(w, programs_page_widget(w->programs), "programs", _("Programs"),
		 "media-playback-start-symbolic");
	add_page(w, entries_page_new(&w->view), "entries", _("Entries"), "view-list-symbolic");
	add_page(w, history_page_widget(w->history), "history", _("History"),
		 "document-open-recent-symbolic");
	g_signal_connect(w->stack, "notify::visible-child", G_CALLBACK(on_page), w);
}

/* --- actions ------------------------------------------------------------------------------- */

static void on_back(GSimpleAction *action, GVariant *value, void *data)
{
	struct window *w = data;

	(void)action, (void)value;
	sessions_page_back(w->sessions);
}

/* Escape: back, and then away. */
static void on_leave(GSimpleAction *action, GVariant *value, void *data)
{
	struct window *w = data;

	(void)action, (void)value;
	if (!gtk_widget_get_visible(w->back) || !sessions_page_back(w->sessions))
		gtk_window_close(GTK_WINDOW(w->window));
}

static void on_pause_all(GSimpleAction *action, GVariant *value, void *data)
{
	(void)action, (void)value;
	client_pause_all(((struct window *)data)->view.client, TRUE);
}

static void on_resume_all(GSimpleAction *action, GVariant *value, void *data)
{
	(void)action, (void)value;
	client_pause_all(((struct window *)data)->view.client, FALSE);
}

static void on_settings(GSimpleAction *action, GVariant *value, void *data)
{
	(void)action, (void)value;
	settings_show(GTK_WINDOW(((struct window *)data)->window));
}

static void on_about(GSimpleAction *action, GVariant *value, void *data)
{
	struct window *w = data;
	g_autofree char *title = g_strdup_printf("via-iface %s", VIA_VERSION);

	(void)action, (void)value;
	ask_tell(GTK_WINDOW(w->window), title,
		 _("Runs a program so that all its traffic, and only its, leaves by one uplink."));
}

static void enable(struct window *w, const char *name, gboolean on)
{
	GAction *action = g_action_map_lookup_action(G_ACTION_MAP(w->window), name);

	g_simple_action_set_enabled(G_SIMPLE_ACTION(action), on);
}

static void update_actions(struct window *w, const struct tray_sessions *all)
{
	gboolean pause = FALSE, resume = FALSE;

	for (size_t i = 0; i < all->n; i++) {
		if (!tray_may_change(&all->v[i], getuid()))
			continue;
		pause |= all->v[i].state == TRAY_UP || all->v[i].state == TRAY_BLOCKED;
		resume |= all->v[i].state == TRAY_PAUSED;
	}
	enable(w, "pause-all", pause);
	enable(w, "resume-all", resume);
}

static void add_actions(GtkApplication *app, struct window *w)
{
	static const GActionEntry actions[] = {
		{ .name = "back", .activate = on_back },
		{ .name = "leave", .activate = on_leave },
		{ .name = "pause-all", .activate = on_pause_all },
		{ .name = "resume-all", .activate = on_resume_all },
		{ .name = "settings", .activate = on_settings },
		{ .name = "about", .activate = on_about },
	};
	static const struct {
		const char *action, *keys[4];
	} keys[] = {
		{ "win.back", { "<Alt>Left" } },
		{ "win.leave", { "Escape" } },
		{ "window.close", { "<Control>w", "<Control>q" } },
		{ "win.settings", { "<Control>comma" } },
	};

	g_action_map_add_action_entries(G_ACTION_MAP(w->window), actions, G_N_ELEMENTS(actions), w);
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		gtk_application_set_accels_for_action(app, keys[i].action, keys[i].keys);
}

/* --- the window ---------------------------------------------------------------------------- */

static GtkWidget *menu_button_new(void)
{
	GtkWidget *button = gtk_menu_button_new();
	g_autoptr(GMenu) menu = g_menu_new(), sessions = g_menu_new(), rest = g_menu_new();

	g_menu_append(sessions, _("_Pause all"), "win.pause-all");
	g_menu_append(sessions, _("_Resume all"), "win.resume-all");
	g_menu_append(rest, _("_Settings"), "win.settings");
	g_menu_append(rest, _("_About via-iface"), "win.about");
	g_menu_append_section(menu, NULL, G_MENU_MODEL(sessions));
	g_menu_append_section(menu, NULL, G_MENU_MODEL(rest));
	gtk_menu_button_set_icon_name(GTK_MENU_BUTTON(button), "open-menu-symbolic");
	gtk_menu_button_set_menu_model(GTK_MENU_BUTTON(button), G_MENU_MODEL(menu));
	gtk_menu_button_set_primary(GTK_MENU_BUTTON(button), TRUE); /* F10 */
	gtk_widget_set_tooltip_text(button, _("Menu"));
	ui_name(button, _("Menu"));
	return button;
}

static GtkWidget *header_new(struct window *w)
{
	GtkWidget *header = adw_header_bar_new();

	w->switcher = adw_view_switcher_new();
	adw_view_switcher_set_stack(ADW_VIEW_SWITCHER(w->switcher), ADW_VIEW_STACK(w->stack));
	adw_view_switcher_set_policy(ADW_VIEW_SWITCHER(w->switcher), ADW_VIEW_SWITCHER_POLICY_WIDE);
	w->back = ui_icon_button("go-previous-symbolic", _("Back"));
	gtk_actionable_set_action_name(GTK_ACTIONABLE(w->back), "win.back");
	gtk_widget_set_visible(w->back, FALSE);
	adw_header_bar_set_centering_policy(ADW_HEADER_BAR(header), ADW_CENTERING_POLICY_LOOSE);
	adw_header_bar_set_title_widget(ADW_HEADER_BAR(header), w->switcher);
	adw_header_bar_pack_start(ADW_HEADER_BAR(header), w->back);
	adw_header_bar_pack_end(ADW_HEADER_BAR(header), menu_button_new());
	return header;
}

void window_update(struct window *w)
{
	const char *failure = client_failure(w->view.client);

	ui_set_text(w->problem_text, failure ? failure : "");
	gtk_revealer_set_reveal_child(GTK_REVEALER(w->problem), failure != NULL);
	sessions_page_update(w->sessions);
	update_actions(w, &client_model(w->view.client)->sessions);
}

void window_news(struct window *w)
{
	history_page_update(w->history);
}

void window_refused(struct window *w, const char *text)
{
	ask_tell(GTK_WINDOW(w->window), _("via-iface refused"), text);
}

static GtkWidget *problem_new(struct window *w)
{
	w->problem = gtk_revealer_new();
	w->problem_text = ui_text("");
	gtk_widget_add_css_class(w->problem_text, "error");
	gtk_widget_add_css_class(w->problem_text, "via-problem");
	gtk_revealer_set_child(GTK_REVEALER(w->problem), w->problem_text);
	return w->problem;
}

struct window *window_new(GtkApplication *app, struct client *c)
{
	struct window *w = g_new0(struct window, 1);
	GtkWidget *box = gtk_box_new(GTK_ORIENTATION_VERTICAL, 0);

	w->window = adw_application_window_new(app);
	g_object_set_data_full(G_OBJECT(w->window), "window", w, g_free);
	gtk_window_set_title(GTK_WINDOW(w->window), "via-iface");
	gtk_window_set_default_size(GTK_WINDOW(w->window), 800, 560);
	w->view = (struct view){ .window = GTK_WINDOW(w->window),
				 .client = c,
				 .toasts = adw_toast_overlay_new(),
				 .show = show_page };
	w->stack = adw_view_stack_new();
	gtk_widget_set_vexpand(w->stack, TRUE);
	gtk_box_append(GTK_BOX(box), header_new(w));
	gtk_box_append(GTK_BOX(box), problem_new(w));
	adw_toast_overlay_set_child(ADW_TOAST_OVERLAY(w->view.toasts), w->stack);
	gtk_box_append(GTK_BOX(box), w->view.toasts);
	adw_application_window_set_content(ADW_APPLICATION_WINDOW(w->window), box);
	add_actions(app, w);
	add_pages(w);
	window_update(w);
	return w;
}

GtkWidget *window_widget(struct window *w)
{
	return w->window;
}
