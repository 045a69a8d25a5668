/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/note.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>

#include "launch/program.h"

#define SERVER      "org.freedesktop.Notifications"
#define SERVER_PATH "/org/freedesktop/Notifications"
#define SHOWN_S     600 /* then a server that tells nothing of its end is not waited for any more */
#define CRITICAL    2 /* Desktop Notifications Specification, "Urgency Levels": it does not expire */

struct shown {
	GMainLoop *loop;
	const struct note *note;
	guint32 id;
	char *server; /* whose number that is: its unique name, which the bus puts into messages */
	const char *choice;
	bool over; /* what note->until is for */
};

static const char *find_choice(const struct note *n, const char *id)
{
	for (size_t i = 0; i < n->n; i++)
		if (!g_strcmp0(n->choices[i].id, id))
			return n->choices[i].id;
	return NULL;
}

/*
 * ActionInvoked (us), NotificationClosed (uu): the server's own number is the first value. Anybody
 * on the bus may send such signals, programs of sessions as well.
 */
static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
		      const char *interface, const char *name, GVariant *values, void *data)
{
	struct shown *s = data;
	const char *action = NULL;
	guint32 id = 0;

	(void)bus, (void)path, (void)interface;
	if (g_strcmp0(sender, s->server) != 0 || g_variant_n_children(values) < 1)
		return;
	g_variant_get_child(values, 0, "u", &id);
	if (id != s->id)
		return;
	if (!strcmp(name, "ActionInvoked") &&
	    g_variant_is_of_type(values, G_VARIANT_TYPE("(us)"))) {
		g_variant_get_child(values, 1, "&s", &action);
		/* a press on the note itself */
		s->choice = !strcmp(action, "default") && !s->note->question && s->note->n
				    ? s->note->choices[0].id
				    : find_choice(s->note, action);
	}
	g_main_loop_quit(s->loop);
}

static gboolean on_time(void *data)
{
	g_main_loop_quit(((struct shown *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static gboolean on_readable(int fd, GIOCondition condition, void *data)
{
	struct shown *s = data;

	(void)fd, (void)condition;
	s->over = true;
	g_main_loop_quit(s->loop);
	return G_SOURCE_CONTINUE;
}

static GVariant *words_of(const struct note *n)
{
	g_autofree char *body = g_markup_escape_text(n->body, -1);
	GVariantBuilder actions, hints;

	g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
	if (!n->question && n->n) {
		g_variant_builder_add(&actions, "s", "default");
		g_variant_builder_add(&actions, "s", n->choices[0].label);
	}
	for (size_t i = 0; i < n->n; i++) {
		g_variant_builder_add(&actions, "s", n->choices[i].id);
		g_variant_builder_add(&actions, "s", n->choices[i].label);
	}
	g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
	g_variant_builder_add(&hints, "{sv}", "desktop-entry",
			      g_variant_new_string("org.via_iface.via_iface"));
	if (n->question)
		g_variant_builder_add(&hints, "{sv}", "urgency", g_variant_new_byte(CRITICAL));
	return g_variant_new("(susssasa{sv}i)", "via-iface", 0, "via-iface", n->title, body,
			     &actions, &hints, n->question ? 0 : -1);
}

/* False where nobody shows it; else its number, and who gave it. */
static bool notify(GDBusConnection *bus, struct shown *s)
{
	g_autoptr(GDBusMessage) message =
		g_dbus_message_new_method_call(SERVER, SERVER_PATH, SERVER, "Notify");
	g_autoptr(GDBusMessage) answer = NULL;
	GVariant *number;

	g_dbus_message_set_body(message, words_of(s->note));
	answer = g_dbus_connection_send_message_with_reply_sync(bus, message,
								G_DBUS_SEND_MESSAGE_FLAGS_NONE, -1,
								NULL, NULL, NULL);
	number = answer ? g_dbus_message_get_body(answer) : NULL;
	if (!number ||
	    g_dbus_message_get_message_type(answer) != G_DBUS_MESSAGE_TYPE_METHOD_RETURN ||
	    !g_variant_is_of_type(number, G_VARIANT_TYPE("(u)")))
		return false;
	g_variant_get(number, "(u)", &s->id);
	s->server = g_strdup(g_dbus_message_get_sender(answer));
	return true;
}

static bool has_buttons(GDBusConnection *bus)
{
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_sync(bus, SERVER, SERVER_PATH, SERVER, "GetCapabilities",
					    NULL, G_VARIANT_TYPE("(as)"), G_DBUS_CALL_FLAGS_NONE,
					    -1, NULL, NULL);
	g_autofree const char **all = NULL;

	if (!answer)
		return false;
	g_variant_get(answer, "(^a&s)", &all);
	return g_strv_contains(all, "actions");
}

/* Until it is closed, a choice was made, or it is over. */
static void await(GDBusConnection *bus, struct shown *s)
{
	const int until = s->note->until;
	const GIOCondition readable = G_IO_IN | G_IO_HUP;
	guint timer = g_timeout_add_seconds(SHOWN_S, on_time, s);
	guint source = until ? g_unix_fd_add(until, readable, on_readable, s) : 0;

	g_main_loop_run(s->loop);
	if (source)
		g_source_remove(source);
	g_source_remove(timer);
	if (s->over)
		g_dbus_connection_call_sync(bus, s->server, SERVER_PATH, SERVER,
					    "CloseNotification", g_variant_new("(u)", s->id), NULL,
					    G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, NULL, NULL);
}

bool note_notify(const struct note *n, const char **ret)
{
	g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	struct shown s = { .loop = loop, .note = n };
	guint signals;
	bool is_shown;

	if (!bus || (n->question && !has_buttons(bus)))
		return false;
	signals = g_dbus_connection_signal_subscribe(bus, NULL, SERVER, NULL, SERVER_PATH, NULL,
						     G_DBUS_SIGNAL_FLAGS_NONE, on_signal, &s, NULL);
	is_shown = notify(bus, &s);
	if (is_shown) {
		await(bus, &s);
		*ret = s.choice;
	}
	g_dbus_connection_signal_unsubscribe(bus, signals);
	g_free(s.server);
	return is_shown;
}

bool note_dialog(const struct note *n, const char **ret)
{
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
	g_autofree char *text = g_strconcat(n->title, "\n", n->body, NULL), *out = NULL;
	g_autoptr(GPtrArray) words = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GSubprocess) process = NULL;

	g_ptr_array_add(words, g_strdup("via-iface-window"));
	g_ptr_array_add(words, g_strconcat(n->question ? "--ask=" : "--failed=", text, NULL));
	for (size_t i = 0; i < n->n; i++)
		g_ptr_array_add(words, g_strdup_printf("--choice=%s=%s", n->choices[i].id,
						       n->choices[i].label));
	g_ptr_array_add(words, NULL);
	g_subprocess_launcher_unsetenv(launcher, REPORT_VARIABLE);
	process = g_subprocess_launcher_spawnv(launcher, (const char *const *)words->pdata, NULL);
	if (!process || !g_subprocess_communicate_utf8(process, NULL, NULL, &out, NULL, NULL) ||
	    !g_subprocess_get_successful(process))
		return false;
	*ret = find_choice(n, g_strchomp(out));
	return true;
}
