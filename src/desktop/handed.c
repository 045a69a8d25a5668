/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "desktop/handed.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

#include "launch/apps.h"
#include "launch/apps_apply.h"
#include "launch/wrappers.h"
#include "model/log_entry.h"

#define BUS         "org.freedesktop.DBus"
#define BUS_PATH    "/org/freedesktop/DBus"
#define APPLICATION "org.freedesktop.Application"
#define SHOW_MS     5000

/* Who has the name on the session bus; 0: nobody. */
static pid_t owner(const char *name)
{
	g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	g_autoptr(GVariant) answer = NULL;
	guint32 pid = 0;

	if (!bus)
		return 0;
	answer = g_dbus_connection_call_sync(bus, BUS, BUS_PATH, BUS, "GetConnectionUnixProcessID",
					     g_variant_new("(s)", name), G_VARIANT_TYPE("(u)"),
					     G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
	if (answer)
		g_variant_get(answer, "(u)", &pid);
	return (pid_t)pid;
}

static bool find_by_name(const char *app_id, const struct outside_question *q, struct handed *ret)
{
	pid_t pid = owner(app_id);
	struct outside_found *f = &ret->found;

	if (!pid || !instance_is_outside(pid, &q->scope))
		return false;
	*f = (struct outside_found){ .how = APP_OUTSIDE_INSTANCE, .pid = pid, .separate = true };
	log_text(f->name, sizeof(f->name), program_base_name(q->argv[0]));
	err_set(&f->line, EPERM,
		"%s (pid %d) already runs outside, as '%s' on the session bus: a second start "
		"would be handed to it, and would not use %s",
		f->name, (int)pid, app_id, ret->uplinks);
	err_hint(&f->line, "start a separate one with a bus of its own: dbus-run-session(1)");
	ret->by_name = true;
	return true;
}

static bool find(const char *app_id, const struct launch_options *o, const struct apps *apps,
		 struct handed *ret)
{
	struct outside_question q = { .apps = apps,
				      .argv = o->program,
				      .uid = geteuid(),
				      .scope.uplinks = &o->request.uplinks };
	char name[APPS_PROGRAM_MAX];

	if (outside_find_server(&q, &ret->found))
		return app_outside_hands_over(ret->found.how);
	apps_program(o->program, name);
	/* what separate-instance added, or the command line has, is known to be enough */
	return app_id && !o->made && !apps_know_outside(apps, name) &&
	       !outside_section(apps, o->program, NULL) && find_by_name(app_id, &q, ret);
}

bool handed_find(const char *app_id, const char *uplinks, char **program, struct handed *ret)
{
	struct launch_options o = { .quiet = true, .program = program };
	struct apps apps = { 0 };
	struct err ignored = { 0 };
	bool found = false;

	*ret = (struct handed){ 0 };
	strcpy(o.request.name, "x"); /* checked with the rest */
	/* what is wrong is said by the run */
	if ((uplinks[0] && uplink_list_parse(uplinks, &o.request.uplinks, &ignored) < 0) ||
	    apps_load_for(&o, !uplinks[0], &apps, &ignored) < 0)
		return false;
	if (apps_apply(&o, &apps, NULL, &ignored) == 0) {
		uplink_list_format(&o.request.uplinks, ret->uplinks);
		found = find(app_id, &o, &apps, ret);
	}
	apps_done(&apps);
	free(o.made);
	free(o.made_bytes);
	return found;
}

/* --- shown ----------------------------------------------------------------------------------- */

/* "org.gnome.Text-Editor" has /org/gnome/Text_Editor (Desktop Entry Specification, D-Bus). */
static char *path_of(const char *app_id)
{
	char *path = g_strconcat("/", app_id, NULL);

	return g_strdelimit(g_strdelimit(path, ".", '/'), "-", '_');
}

static void add_token(GVariantBuilder *to, const char *key, const char *variable)
{
	const char *value = g_getenv(variable);

	if (value)
		g_variant_builder_add(to, "{sv}", key, g_variant_new_string(value));
}

static bool activate(const char *app_id)
{
	g_autoptr(GDBusConnection) bus = g_bus_get_sync(G_BUS_TYPE_SESSION, NULL, NULL);
	g_autofree char *path = path_of(app_id);
	g_autoptr(GVariant) answer = NULL;
	GVariantBuilder platform;

	if (!bus)
		return false;
	g_variant_builder_init(&platform, G_VARIANT_TYPE_VARDICT);
	add_token(&platform, "activation-token", "XDG_ACTIVATION_TOKEN");
	add_token(&platform, "desktop-startup-id", "DESKTOP_STARTUP_ID");
	answer = g_dbus_connection_call_sync(bus, app_id, path, APPLICATION, "Activate",
					     g_variant_new("(a{sv})", &platform), NULL,
					     G_DBUS_CALL_FLAGS_NO_AUTO_START, SHOW_MS, NULL, NULL);
	return answer != NULL;
}

int handed_show(const char *app_id, char **program, struct err *err)
{
	if (app_id && owner(app_id) && activate(app_id))
		return 0;
	program[outside_plain_length(program)] = NULL;
	execvp(program[0], program);
	return err_errno(err, errno, "start '%s'", program[0]);
}
