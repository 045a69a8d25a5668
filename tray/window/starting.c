/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/starting.h"

#include <glib/gi18n.h>

#include "tray/window/answer.h"
#include "tray/window/ask.h"

struct starting {
	struct view *view;
	GtkWindow *window; /* held: an answer may come behind its end */
	char *app, *name, *uplinks;
	gboolean separate; /* may be chosen */
};

static void starting_free(struct starting *s)
{
	g_object_unref(s->window);
	g_free(s->app);
	g_free(s->name);
	g_free(s->uplinks);
	g_free(s);
}

static void on_started(const char *out, const char *error, void *data)
{
	struct starting *s = data;
	g_autofree char *text = NULL;

	(void)out;
	if (error) {
		/* TRANSLATORS: a program */
		text = g_strdup_printf(_("%s did not start"), s->name);
		ask_tell(s->window, text, error);
	} else {
		/* TRANSLATORS: a program, uplinks */
		text = *s->uplinks ? g_strdup_printf(_("%s started via %s"), s->name, s->uplinks)
				   : g_strdup_printf(_("%s started"), s->name);
		view_toast(s->view, text);
	}
	starting_free(s);
}

/* A token that lets the program raise its window (Wayland); NULL where there is none. */
static char *token_of(struct starting *s)
{
	GdkDisplay *display = gtk_widget_get_display(GTK_WIDGET(s->window));
	g_autoptr(GdkAppLaunchContext) context = gdk_display_get_app_launch_context(display);
	g_autoptr(GAppInfo) info =
		g_app_info_create_from_commandline("true", s->name,
						   G_APP_INFO_CREATE_SUPPORTS_STARTUP_NOTIFICATION,
						   NULL);

	return info ? g_app_launch_context_get_startup_notify_id(G_APP_LAUNCH_CONTEXT(context),
								 info, NULL)
		    : NULL;
}

static void start(struct starting *s, const char *option)
{
	const char *words[6] = { "desktop", "launch" };
	g_autofree char *token = token_of(s);
	size_t n = 2;

	if (option)
		words[n++] = option;
	words[n++] = s->app;
	if (*s->uplinks)
		words[n++] = s->uplinks;
	command_start(G_OBJECT(s->window), words, token, on_started, s);
}

static void on_choice(int choice, void *data)
{
	struct starting *s = data;

	if (choice == ASK_CLOSED)
		starting_free(s);
	else
		start(s, s->separate && choice == 0 ? "--separate" : "--allow-handover");
}

static void on_checked(const char *out, const char *error, void *data)
{
	struct starting *s = data;
	_cleanup_json_ struct json_object *o = out ? json_tokener_parse(out) : NULL;
	g_autofree char *title = NULL, *body = NULL, *anyway = NULL;
	const char *choices[3] = { NULL };
	int n = 0;

	if (error) {
		on_started(NULL, error, s);
		return;
	}
	if (!answer_bool(o, "handed")) {
		start(s, NULL);
		return;
	}
	s->separate = answer_bool(o, "separate");
	if (s->separate)
		choices[n++] = _("Start separately");
	anyway = g_strconcat("!", _("Start anyway"), NULL);
	choices[n] = anyway;
	title = g_strdup_printf(answer_bool(o, "bus") ? _("%s would be started outside")
						      : _("%s already runs outside"),
				s->name);
	body = g_strdup_printf(answer_bool(o, "bus")
				       ? _("The session bus starts it, and it would not use %s.")
				       : _("This start would be handed to it, and would not use "
					   "%s."),
			       answer_text(o, "uplinks"));
	if (s->separate) {
		g_autofree char *plain = g_steal_pointer(&body);

		body = g_strdup_printf("%s %s", plain,
				       _("A separate one may have a profile of its own."));
	}
	ask(s->window, title, body, choices, _("Cancel"), on_choice, s);
}

void starting_begin(struct view *v, const char *app, const char *name, const char *uplinks)
{
	struct starting *s = g_new0(struct starting, 1);
	const char *const words[] = {
		"desktop", "launch", "--check", app, *uplinks ? uplinks : NULL, NULL
	};

	s->view = v;
	s->window = g_object_ref(v->window);
	s->app = g_strdup(app);
	s->name = g_strdup(name);
	s->uplinks = g_strdup(uplinks);
	command_run(G_OBJECT(v->window), words, on_checked, s);
}
