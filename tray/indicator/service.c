/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/service.h"

#include <fcntl.h>
#include <gio/gunixinputstream.h>
#include <glib-unix.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "config.h"
#include "tray/common/gather.h"
#include "tray/common/paths.h"
#include "tray/indicator/export.h"

#define NAME           "org.via_iface1"
#define PATH           "/org/via_iface1"
#define FAILED         NAME ".Error.Failed"
#define WORD_MAX       255
#define LINE_MAX_BYTES 4096

/* As src/launch/program.h has it: the number of a pipe for the line of a failure, which is closed
 * without one when the program runs. */
#define REPORT    "VIA_IFACE_REPORT"
#define REPORT_FD 3

static const char description[] =
	"<node><interface name='org.via_iface1'>"
	"<property name='Version' type='s' access='read'/>"
	"<method name='Sessions'><arg type='s' name='json' direction='out'/></method>"
	"<method name='Uplinks'><arg type='s' name='json' direction='out'/></method>"
	"<method name='Move'><arg type='s' name='session' direction='in'/>"
	"<arg type='s' name='uplinks' direction='in'/></method>"
	"<method name='Pause'><arg type='s' name='session' direction='in'/></method>"
	"<method name='Resume'><arg type='s' name='session' direction='in'/></method>"
	"<method name='Stop'><arg type='s' name='session' direction='in'/></method>"
	"<method name='Launch'><arg type='s' name='uplinks' direction='in'/>"
	"<arg type='as' name='argv' direction='in'/>"
	"<arg type='a{sv}' name='options' direction='in'/>"
	"<arg type='u' name='pid' direction='out'/></method>"
	"<signal name='SessionsChanged'/>"
	"<signal name='UplinksChanged'/>"
	"</interface></node>";

struct service {
	GApplication *app;
	GDBusConnection *bus;
	guint object, owner;
	GCancellable *cancel;
	GHashTable *callers; /* unique name: its watch */
	char *program;
	char *sessions, *uplinks; /* as they were when it was signalled */
};

/* --- callers ------------------------------------------------------------------------------- */

static void unwatch(void *data)
{
	g_bus_unwatch_name(GPOINTER_TO_UINT(data));
}

static void on_caller_gone(GDBusConnection *bus, const char *name, void *data)
{
	struct service *s = data;

	(void)bus;
	if (g_hash_table_remove(s->callers, name))
		g_application_release(s->app);
}

static void keep_for(struct service *s, const char *sender)
{
	guint watch;

	if (!sender || g_hash_table_contains(s->callers, sender))
		return;
	g_application_hold(s->app);
	watch = g_bus_watch_name_on_connection(s->bus, sender, G_BUS_NAME_WATCHER_FLAGS_NONE, NULL,
					       on_caller_gone, s, NULL);
	g_hash_table_insert(s->callers, g_strdup(sender), GUINT_TO_POINTER(watch));
}

/* --- answers ------------------------------------------------------------------------------- */

static void invalid(GDBusMethodInvocation *call, const char *what)
{
	g_dbus_method_invocation_return_error(call, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
					      "invalid %s", what);
}

/* The line that via-iface wrote, without its name. */
static void failed(GDBusMethodInvocation *call, const char *line)
{
	g_autofree char *valid = g_utf8_make_valid(line && *line ? line : "via-iface failed", -1);
	const char *text = g_str_has_prefix(valid, "via-iface: ") ? valid + 11 : valid;

	valid[strlen(valid) - strlen(text) + strcspn(text, "\n")] = 0;
	g_dbus_method_invocation_return_dbus_error(call, FAILED, text);
}

static void on_ran(GObject *source, GAsyncResult *result, void *data)
{
	GDBusMethodInvocation *call = data;
	GSubprocess *process = G_SUBPROCESS(source);
	g_autofree char *out = NULL, *told = NULL;
	g_autoptr(GError) error = NULL;
	const GDBusMethodInfo *method = g_dbus_method_invocation_get_method_info(call);

	if (!gather_finish(process, result, &out, &told, &error))
		failed(call, error->message);
	else if (!g_subprocess_get_successful(process))
		failed(call, told);
	else if (method->out_args && method->out_args[0])
		g_dbus_method_invocation_return_value(call, g_variant_new("(s)", g_strchomp(out)));
	else
		g_dbus_method_invocation_return_value(call, NULL);
}

/* Runs via-iface with up to three words (NULL after the last) and answers with what it prints. */
static void run(struct service *s, GDBusMethodInvocation *call, const char *first,
		const char *second, const char *third)
{
	const char *const words[] = { s->program, first, second, third, NULL };
	g_autoptr(GSubprocess) process = NULL;
	g_autoptr(GError) error = NULL;

	process = g_subprocess_newv(words,
				    G_SUBPROCESS_FLAGS_STDOUT_PIPE | G_SUBPROCESS_FLAGS_STDERR_PIPE,
				    &error);
	if (process)
		gather_async(process, s->cancel, on_ran, call);
	else
		failed(call, error->message);
}

/* --- launches ------------------------------------------------------------------------------ */

struct launch {
	GDBusMethodInvocation *call;
	GSubprocess *process;
	guint32 pid;
};

static void on_report(GObject *source, GAsyncResult *result, void *data)
{
	struct launch *l = data;
	g_autoptr(GError) error = NULL;
	g_autoptr(GBytes) line =
		g_input_stream_read_bytes_finish(G_INPUT_STREAM(source), result, &error);

	if (!line) {
		failed(l->call, error->message);
	} else if (g_bytes_get_size(line)) {
		g_autofree char *text =
			g_strndup(g_bytes_get_data(line, NULL), g_bytes_get_size(line));

		failed(l->call, text);
	} else {
		g_dbus_method_invocation_return_value(l->call, g_variant_new("(u)", l->pid));
	}
	g_object_unref(l->process);
	g_free(l);
}

/* A word of the command line that is none of its options. */
static gboolean is_word(const char *text)
{
	gsize n = strlen(text);

	if (!n || n > WORD_MAX || text[0] == '-')
		return FALSE;
	for (; *text; text++)
		if (g_ascii_iscntrl(*text))
			return FALSE;
	return TRUE;
}

/* Returns what is invalid, or NULL. */
static const char *take_options(GVariant *options, const char **name, const char **directory)
{
	GVariantIter iter;
	const char *key;
	GVariant *value;

	g_variant_iter_init(&iter, options);
	while (g_variant_iter_next(&iter, "{&sv}", &key, &value)) {
		g_autoptr(GVariant) owned = value;
		const char **to = !strcmp(key, "name")        ? name
				  : !strcmp(key, "directory") ? directory
							      : NULL;

		if (!to)
			return "option: there are 'name' and 'directory'";
		if (!g_variant_is_of_type(owned, G_VARIANT_TYPE_STRING))
			return "option: its value must be a string";
		*to = g_variant_get_string(owned, NULL); /* the message's */
	}
	if (*name && !is_word(*name))
		return "name";
	return *directory && !g_path_is_absolute(*directory) ? "directory: it must be absolute"
							     : NULL;
}

static void start(struct service *s, GDBusMethodInvocation *call, const char *const *words,
		  const char *directory)
{
	g_autoptr(GSubprocessLauncher) launcher =
		g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
	g_autoptr(GInputStream) report = NULL;
	g_autoptr(GError) error = NULL;
	struct launch *l;
	GSubprocess *process;
	int ends[2];

	if (!g_unix_open_pipe(ends, FD_CLOEXEC, &error)) {
		failed(call, error->message);
		return;
	}
	report = g_unix_input_stream_new(ends[0], TRUE);
	g_subprocess_launcher_take_fd(launcher, ends[1], REPORT_FD);
	g_subprocess_launcher_setenv(launcher, REPORT, G_STRINGIFY(REPORT_FD), TRUE);
	if (directory)
		g_subprocess_launcher_set_cwd(launcher, directory);
	process = g_subprocess_launcher_spawnv(launcher, words, &error);
	g_subprocess_launcher_close(launcher); /* ours of the pipe's end */
	if (!process) {
		failed(call, error->message);
		return;
	}
	l = g_new(struct launch, 1);
	*l = (struct launch){ call, process,
			      (guint32)g_ascii_strtoull(g_subprocess_get_identifier(process), NULL,
							10) };
	g_input_stream_read_bytes_async(report, LINE_MAX_BYTES, G_PRIORITY_DEFAULT, s->cancel,
					on_report, l);
}

static void launch(struct service *s, GVariant *values, GDBusMethodInvocation *call)
{
	g_autoptr(GVariant) options = g_variant_get_child_value(values, 2);
	g_autoptr(GPtrArray) words = g_ptr_array_new();
	g_autofree const char **argv = NULL;
	const char *uplinks, *name = NULL, *directory = NULL, *wrong;

	g_variant_get_child(values, 0, "&s", &uplinks);
	g_variant_get_child(values, 1, "^a&s", &argv);
	wrong = take_options(options, &name, &directory);
	if (!is_word(uplinks))
		wrong = "uplinks";
	else if (!argv[0] || !*argv[0])
		wrong = "argv: it has no program";
	if (wrong) {
		invalid(call, wrong);
		return;
	}
	g_ptr_array_add(words, s->program);
	if (name) {
		g_ptr_array_add(words, (void *)"--name");
		g_ptr_array_add(words, (void *)name);
	}
	g_ptr_array_add(words, (void *)uplinks);
	g_ptr_array_add(words, (void *)"--");
	for (const char **word = argv; *word; word++)
		g_ptr_array_add(words, (void *)*word);
	g_ptr_array_add(words, NULL);
	start(s, call, (const char *const *)words->pdata, directory);
}

/* --- the object ---------------------------------------------------------------------------- */

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
		    const char *interface, const char *method, GVariant *values,
		    GDBusMethodInvocation *call, void *data)
{
	static const struct {
		const char *method, *verb;
	} orders[] = {
		{ "Move", "move" },
		{ "Pause", "pause" },
		{ "Resume", "resume" },
		{ "Stop", "stop" },
	};
	struct service *s = data;
	const char *session, *uplinks = NULL;

	(void)bus, (void)path, (void)interface;
	keep_for(s, sender);
	if (!strcmp(method, "Sessions")) {
		run(s, call, "list", "--json", NULL);
		return;
	}
	if (!strcmp(method, "Uplinks")) {
		run(s, call, "uplinks", "--json", NULL);
		return;
	}
	if (!strcmp(method, "Launch")) {
		launch(s, values, call);
		return;
	}
	g_variant_get_child(values, 0, "&s", &session);
	if (g_variant_n_children(values) > 1)
		g_variant_get_child(values, 1, "&s", &uplinks);
	if (!is_word(session) || (uplinks && !is_word(uplinks))) {
		invalid(call, is_word(session) ? "uplinks" : "session");
		return;
	}
	for (gsize i = 0; i < G_N_ELEMENTS(orders); i++)
		if (!strcmp(method, orders[i].method))
			run(s, call, orders[i].verb, session, uplinks);
}

static GVariant *on_get(GDBusConnection *bus, const char *sender, const char *path,
			const char *interface, const char *name, GError **error, void *data)
{
	(void)bus, (void)path, (void)interface, (void)name, (void)error;
	keep_for(data, sender);
	return g_variant_new_string(VIA_VERSION);
}

/* --- what is signalled --------------------------------------------------------------------- */

/* What changes by itself, as the bytes do, is left out. */
static char *describe_sessions(const struct tray_sessions *all)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < all->n; i++)
		g_string_append_printf(text, "%u %s %s %s %d %s\n", all->v[i].id, all->v[i].name,
				       all->v[i].uplink, all->v[i].uplinks, all->v[i].state,
				       all->v[i].reason);
	return g_string_free(text, FALSE);
}

static char *describe_uplinks(const struct tray_uplinks *all)
{
	GString *text = g_string_new(NULL);

	for (size_t i = 0; i < all->n; i++)
		g_string_append_printf(text, "%s %s %s %s %d %s\n", all->v[i].name, all->v[i].kind,
				       all->v[i].ssid, all->v[i].address, all->v[i].usable,
				       all->v[i].reason);
	return g_string_free(text, FALSE);
}

/* Takes `now`. */
static void signal_change(struct service *s, char **before, char *now, const char *name)
{
	if (g_strcmp0(*before, now) != 0)
		g_dbus_connection_emit_signal(s->bus, NULL, PATH, NAME, name, NULL, NULL);
	g_free(*before);
	*before = now;
}

void service_update(struct service *s, const struct model *m)
{
	signal_change(s, &s->sessions, describe_sessions(&m->sessions), "SessionsChanged");
	signal_change(s, &s->uplinks, describe_uplinks(&m->uplinks), "UplinksChanged");
}

/* --- coming and going ---------------------------------------------------------------------- */

struct service *service_new(GApplication *app, GDBusConnection *bus)
{
	static const GDBusInterfaceVTable table = { .method_call = on_call,
						    .get_property = on_get };
	struct service *s = g_new0(struct service, 1);

	s->app = app;
	s->bus = g_object_ref(bus);
	s->program = paths_via_iface();
	s->cancel = g_cancellable_new();
	s->callers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, unwatch);
	s->sessions = g_strdup("");
	s->uplinks = g_strdup("");
	s->object = export_object(bus, PATH, description, &table, s, "serve " NAME);
	if (!s->object) {
		service_free(s);
		return NULL;
	}
	s->owner = g_bus_own_name_on_connection(bus, NAME, G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL,
						NULL, NULL);
	return s;
}

void service_free(struct service *s)
{
	if (!s)
		return;
	if (s->owner)
		g_bus_unown_name(s->owner);
	if (s->object)
		g_dbus_connection_unregister_object(s->bus, s->object);
	g_cancellable_cancel(s->cancel);
	/* Those whose calls were cancelled are still to be told so. */
	while (g_main_context_iteration(NULL, FALSE))
		;
	g_hash_table_unref(s->callers);
	g_object_unref(s->cancel);
	g_object_unref(s->bus);
	g_free(s->program);
	g_free(s->sessions);
	g_free(s->uplinks);
	g_free(s);
}
