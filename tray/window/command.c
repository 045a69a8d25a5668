/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/window/command.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <glib/gi18n.h>
#include <string.h>
#include <unistd.h>

#include "tray/common/gather.h"
#include "tray/common/paths.h"

#define REPORT_VARIABLE "VIA_IFACE_REPORT" /* launch/program.h */
#define REPORT_FD       3
#define REPORT_MAX      8192

struct run {
	GObject *owner; /* a weak pointer: NULL when it is gone */
	command_done done;
	void *data;
	GInputStream *report;
};

static void free_run(struct run *r)
{
	if (r->owner)
		g_object_remove_weak_pointer(r->owner, (void **)&r->owner);
	g_clear_object(&r->report);
	g_free(r);
}

static struct run *run_new(GObject *owner, command_done done, void *data)
{
	struct run *r = g_new0(struct run, 1);

	r->owner = owner;
	r->done = done;
	r->data = data;
	g_object_add_weak_pointer(owner, (void **)&r->owner);
	return r;
}

static void finish(struct run *r, const char *out, const char *error)
{
	if (r->owner)
		r->done(out, error, r->data);
	free_run(r);
}

/* What a program wrote to stderr, without its name: the first line, and hints behind it. */
static char *told_by(const char *text, const char *otherwise)
{
	const char *start = text && g_str_has_prefix(text, "via-iface: ") ? text + 11 : text;

	return start && *start ? g_strchomp(g_strdup(start)) : g_strdup(otherwise);
}

static char **command_line(const char *const words[])
{
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	g_ptr_array_add(all, paths_via_iface());
	for (size_t i = 0; words[i]; i++)
		g_ptr_array_add(all, g_strdup(words[i]));
	g_ptr_array_add(all, NULL);
	return (char **)g_ptr_array_free(g_steal_pointer(&all), FALSE);
}

static void on_end(GObject *source, GAsyncResult *result, void *data)
{
	GSubprocess *process = G_SUBPROCESS(source);
	g_autofree char *out = NULL, *told = NULL, *error = NULL;
	g_autoptr(GError) failure = NULL;

	if (!gather_finish(process, result, &out, &told, &failure))
		error = g_strdup(failure->message);
	/* doctor exits with 1 when it found something */
	else if (!g_subprocess_get_if_exited(process) || g_subprocess_get_exit_status(process) > 1)
		error = told_by(told, _("via-iface failed"));
	finish(data, error ? NULL : out, error);
}

void command_run(GObject *owner, const char *const words[], command_done done, void *data)
{
	g_auto(GStrv) all = command_line(words);
	g_autoptr(GError) error = NULL;
	g_autoptr(GSubprocess) process =
		g_subprocess_newv((const char *const *)all,
				  G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
				  &error);

	if (process)
		gather_async(process, NULL, on_end, run_new(owner, done, data));
	else
		done(NULL, error->message, data);
}

/* --- a start ------------------------------------------------------------------------------- */

/* Closed without a line: the program runs. */
static void on_report(GObject *source, GAsyncResult *result, void *data)
{
	struct run *r = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) bytes =
		g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, &error);
	gsize n = 0;
	const char *text = bytes ? g_bytes_get_data(bytes, &n) : NULL;
	g_autofree char *line = NULL, *valid = NULL;

	if (!n) {
		finish(r, "", error ? error->message : NULL);
		return;
	}
	line = g_strndup(text, n);
	valid = g_utf8_make_valid(g_strchomp(line), -1);
	finish(r, NULL, valid);
}

void command_start(GObject *owner, const char *const words[], const char *token, command_done done,
		   void *data)
{
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_auto(GStrv) all = command_line(words);
	g_autofree char *number = g_strdup_printf("%d", REPORT_FD);
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;
	struct run *r;
	int ends[2];

	if (!g_unix_open_pipe(ends, FD_CLOEXEC, &error)) {
		done(NULL, error->message, data);
		return;
	}
	g_subprocess_launcher_take_fd(launcher, ends[1], REPORT_FD);
	g_subprocess_launcher_setenv(launcher, REPORT_VARIABLE, number, TRUE);
	if (token) {
		g_subprocess_launcher_setenv(launcher, "XDG_ACTIVATION_TOKEN", token, TRUE);
		g_subprocess_launcher_setenv(launcher, "DESKTOP_STARTUP_ID", token, TRUE);
	}
	process = g_subprocess_launcher_spawnv(launcher, (const char *const *)all, &error);
	g_subprocess_launcher_close(launcher); /* or the pipe would never end */
	if (!process) {
		close(ends[0]);
		done(NULL, error->message, data);
		return;
	}
	r = run_new(owner, done, data);
	r->report = g_unix_input_stream_new(ends[0], TRUE);
	g_input_stream_read_bytes_async(r->report, REPORT_MAX, G_PRIORITY_DEFAULT, NULL, on_report,
					r);
}
