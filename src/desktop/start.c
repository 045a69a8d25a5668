/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * via-iface desktop start [UPLINK[,UPLINK…]] -- PROGRAM …, the command line of our entries: a run
 * whose failure is shown, since nobody reads the standard error of what a menu starts. This process
 * becomes the program. Another one, which is no child of it, reads the pipe of launch/program.h: it
 * ends when the program runs, and else shows the line.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/detach.h"
#include "desktop/desktop.h"
#include "launch/program.h"

#define SERVER      "org.freedesktop.Notifications"
#define SERVER_PATH "/org/freedesktop/Notifications"
#define SHOWN_S     600 /* then a server that tells nothing of its end is not waited for any more */

struct note {
	GMainLoop *loop;
	guint32 id;
	bool window; /* the button was pressed */
};

/* ActionInvoked (us), NotificationClosed (uu): the server's own number is the first value. */
static void on_signal(GDBusConnection *bus, const char *sender, const char *path,
		      const char *interface, const char *name, GVariant *values, void *data)
{
	struct note *n = data;
	guint32 id = 0;

	(void)bus, (void)sender, (void)path, (void)interface;
	if (g_variant_n_children(values) < 1)
		return;
	g_variant_get_child(values, 0, "u", &id);
	if (id != n->id)
		return;
	n->window |= !strcmp(name, "ActionInvoked");
	g_main_loop_quit(n->loop);
}

static gboolean on_time(void *data)
{
	g_main_loop_quit(((struct note *)data)->loop);
	return G_SOURCE_CONTINUE;
}

static GVariant *note_of(const char *title, const char *line)
{
	g_autofree char *body = g_markup_escape_text(line, -1);
	GVariantBuilder actions, hints;

	g_variant_builder_init(&actions, G_VARIANT_TYPE("as"));
	g_variant_builder_add(&actions, "s", "default");
	g_variant_builder_add(&actions, "s", "Show the uplinks");
	g_variant_builder_add(&actions, "s", "window");
	g_variant_builder_add(&actions, "s", "Show the uplinks");
	g_variant_builder_init(&hints, G_VARIANT_TYPE("a{sv}"));
	g_variant_builder_add(&hints, "{sv}", "desktop-entry", g_variant_new_string("via-iface"));
	return g_variant_new("(susssasa{sv}i)", "via-iface", 0, "via-iface", title, body, &actions,
			     &hints, -1);
}

/* Shows it, and waits until it is gone or its button was pressed; false where nobody shows it. */
static bool notify(const char *title, const char *line, bool *ret_window)
{
	g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);
	struct note n = { .loop = loop };
	g_autoptr(GVariant) answer = NULL;

	if (!bus)
		return false;
	g_dbus_connection_signal_subscribe(bus, NULL, SERVER, NULL, SERVER_PATH, NULL,
					   G_DBUS_SIGNAL_FLAGS_NONE, on_signal, &n, NULL);
	answer = g_dbus_connection_call_sync(bus, SERVER, SERVER_PATH, SERVER, "Notify",
					     note_of(title, line), G_VARIANT_TYPE("(u)"),
					     G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	if (!answer)
		return false;
	g_variant_get(answer, "(u)", &n.id);
	g_timeout_add_seconds(SHOWN_S, on_time, &n);
	g_main_loop_run(loop);
	*ret_window = n.window;
	return true;
}

static void become_tray(const char *option, const char *text)
{
	execlp("via-iface-tray", "via-iface-tray", option, text, (char *)NULL);
}

/* In the process that stays behind, until the program runs or somebody has seen why it does not. */
__attribute__((noreturn)) static void watch(int report, const char *program)
{
	/* a string of D-Bus is UTF-8; the name of a file is any bytes */
	g_autofree char *name = g_utf8_make_valid(program, -1);
	g_autofree char *title = g_strdup_printf("%s did not start", name);
	g_autofree char *valid = NULL, *both = NULL;
	char line[ERR_TEXT_MAX];
	size_t len = 0;
	bool window = false;
	ssize_t n;

	while (len < sizeof(line) - 1 &&
	       ((n = read(report, line + len, sizeof(line) - 1 - len)) > 0 ||
		(n < 0 && errno == EINTR)))
		len += n > 0 ? (size_t)n : 0;
	line[len] = 0;
	if (!len)
		_exit(0);
	valid = g_utf8_make_valid(line, -1);
	both = g_strconcat(title, "\n", valid, NULL);
	if (!notify(title, valid, &window))
		become_tray("--failed", both);
	else if (window)
		become_tray("--window", NULL);
	_exit(0);
}

static int prepare(const char *program, struct err *err)
{
	_cleanup_close_ int report = -1, ours = -1;
	char number[16];
	int ends[2], r;

	if (pipe(ends) < 0)
		return err_errno(err, errno, "make a pipe");
	ours = ends[0];
	report = ends[1];
	r = detach_fork();
	if (r < 0)
		return err_errno(err, -r, "start who shows a failure");
	if (r == 0) {
		close_fd(&report);
		watch(ours, program);
	}
	snprintf(number, sizeof(number), "%d", steal_fd(&report));
	return setenv(REPORT_VARIABLE, number, 1) < 0 ? err_errno(err, errno, "name a pipe") : 0;
}

int desktop_start(int argc, char *argv[], struct err *err)
{
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	char path[PATH_MAX];
	int at = 1;

	while (at < argc && strcmp(argv[at], "--") != 0)
		at++;
	if (at > 2 || at + 1 >= argc)
		return err_set(err, EINVAL,
			       "read the command line: start takes the uplinks, -- and a program");
	if (prepare(argv[at + 1], err) < 0)
		return -err->code;
	g_ptr_array_add(words, (char *)"run");
	g_ptr_array_add(words, (char *)"--strict"); /* nobody sees a warning */
	for (int i = 1; i < argc; i++)
		g_ptr_array_add(words, argv[i]);
	if (program_find("via-iface-verbs", path, err) < 0)
		return -err->code;
	return program_become(path, (char **)words->pdata, (int)words->len, err);
}
