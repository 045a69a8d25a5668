/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/sni.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tray/indicator/export.h"

#define INTERFACE    "org.kde.StatusNotifierItem"
#define PATH         "/StatusNotifierItem"
#define WATCHER      "org.kde.StatusNotifierWatcher"
#define WATCHER_PATH "/StatusNotifierWatcher"
#define ATTENTION    "via-iface-blocked-symbolic"

static const char description[] =
	"<node><interface name='org.kde.StatusNotifierItem'>"
	"<property name='Category' type='s' access='read'/>"
	"<property name='Id' type='s' access='read'/>"
	"<property name='Title' type='s' access='read'/>"
	"<property name='Status' type='s' access='read'/>"
	"<property name='WindowId' type='i' access='read'/>"
	"<property name='IconThemePath' type='s' access='read'/>"
	"<property name='IconName' type='s' access='read'/>"
	"<property name='IconPixmap' type='a(iiay)' access='read'/>"
	"<property name='OverlayIconName' type='s' access='read'/>"
	"<property name='OverlayIconPixmap' type='a(iiay)' access='read'/>"
	"<property name='AttentionIconName' type='s' access='read'/>"
	"<property name='AttentionIconPixmap' type='a(iiay)' access='read'/>"
	"<property name='AttentionMovieName' type='s' access='read'/>"
	"<property name='ToolTip' type='(sa(iiay)ss)' access='read'/>"
	"<property name='ItemIsMenu' type='b' access='read'/>"
	"<property name='Menu' type='o' access='read'/>"
	"<method name='ContextMenu'>"
	"<arg type='i' name='x' direction='in'/>"
	"<arg type='i' name='y' direction='in'/>"
	"</method>"
	"<method name='Activate'>"
	"<arg type='i' name='x' direction='in'/>"
	"<arg type='i' name='y' direction='in'/>"
	"</method>"
	"<method name='SecondaryActivate'>"
	"<arg type='i' name='x' direction='in'/>"
	"<arg type='i' name='y' direction='in'/>"
	"</method>"
	"<method name='Scroll'>"
	"<arg type='i' name='delta' direction='in'/>"
	"<arg type='s' name='orientation' direction='in'/>"
	"</method>"
	"<method name='ProvideXdgActivationToken'>"
	"<arg type='s' name='token' direction='in'/>"
	"</method>"
	"<signal name='NewTitle'/>"
	"<signal name='NewIcon'/>"
	"<signal name='NewAttentionIcon'/>"
	"<signal name='NewOverlayIcon'/>"
	"<signal name='NewToolTip'/>"
	"<signal name='NewStatus'><arg type='s' name='status'/></signal>"
	"</interface></node>";

struct sni {
	GDBusConnection *bus;
	const struct sni_calls *calls;
	void *arg;
	char *menu, *icon, *title, *tip, *token;
	gboolean attention;
	char name[64]; /* of this item, on the bus */
	guint object, owner, watch;
	gboolean owned;   /* the name */
	gboolean watched; /* there is a watcher */
	GCancellable *cancel;
};

/* --- the item ------------------------------------------------------------------------------ */

static const char *status(const struct sni *s)
{
	return s->attention ? "NeedsAttention" : "Active";
}

static GVariant *no_pixmap(void)
{
	return g_variant_new_array(G_VARIANT_TYPE("(iiay)"), NULL, 0);
}

/* The text may have markup, so that of names is none. */
static GVariant *tool_tip(const struct sni *s)
{
	g_autofree char *text = g_markup_escape_text(s->tip, -1);

	return g_variant_new("(s@a(iiay)ss)", s->icon, no_pixmap(), s->title, text);
}

static GVariant *on_get(GDBusConnection *bus, const char *sender, const char *path,
			const char *interface, const char *name, GError **error, void *data)
{
	const struct sni *s = data;
	const struct {
		const char *name, *value;
	} texts[] = {
		{ "Category", "SystemServices" },
		{ "Id", "via-iface" },
		{ "Title", s->title },
		{ "Status", status(s) },
		{ "IconName", s->icon },
		{ "AttentionIconName", ATTENTION },
	};

	(void)bus, (void)sender, (void)path, (void)interface, (void)error;
	for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
		if (!strcmp(name, texts[i].name))
			return g_variant_new_string(texts[i].value);
	if (!strcmp(name, "ToolTip"))
		return tool_tip(s);
	if (!strcmp(name, "Menu"))
		return g_variant_new_object_path(s->menu);
	if (!strcmp(name, "ItemIsMenu"))
		return g_variant_new_boolean(FALSE);
	if (!strcmp(name, "WindowId"))
		return g_variant_new_int32(0);
	if (g_str_has_suffix(name, "Pixmap"))
		return no_pixmap();
	return g_variant_new_string("");
}

static void on_call(GDBusConnection *bus, const char *sender, const char *path,
		    const char *interface, const char *method, GVariant *words,
		    GDBusMethodInvocation *call, void *data)
{
	struct sni *s = data;

	(void)bus, (void)sender, (void)path, (void)interface;
	if (!strcmp(method, "ContextMenu")) {
		/* for panels that show no copy of the menu: here is no toolkit that could show one
		 */
		g_dbus_method_invocation_return_error(call, G_DBUS_ERROR,
						      G_DBUS_ERROR_NOT_SUPPORTED,
						      "the menu is the object %s", s->menu);
		return;
	}
	g_dbus_method_invocation_return_value(call, NULL);
	if (!strcmp(method, "ProvideXdgActivationToken")) {
		g_free(s->token);
		g_variant_get(words, "(s)", &s->token);
	} else if (strcmp(method, "Scroll") != 0) {
		s->calls->activated(s->arg);
	}
}

static void tell(struct sni *s, const char *signal, GVariant *words)
{
	g_dbus_connection_emit_signal(s->bus, NULL, PATH, INTERFACE, signal, words, NULL);
}

static gboolean replace(char **text, const char *by)
{
	if (!strcmp(*text, by))
		return FALSE;
	g_free(*text);
	*text = g_strdup(by);
	return TRUE;
}

void sni_show(struct sni *s, const struct sni_look *look)
{
	gboolean icon = replace(&s->icon, look->icon), title = replace(&s->title, look->title);
	gboolean tip = replace(&s->tip, look->tip), attention = s->attention != look->attention;

	s->attention = look->attention;
	if (icon)
		tell(s, "NewIcon", NULL);
	if (title)
		tell(s, "NewTitle", NULL);
	if (icon || title || tip)
		tell(s, "NewToolTip", NULL);
	if (attention)
		tell(s, "NewStatus", g_variant_new("(s)", status(s)));
}

char *sni_take_token(struct sni *s)
{
	return g_steal_pointer(&s->token);
}

/* --- the watcher --------------------------------------------------------------------------- */

static void on_registered(GObject *source, GAsyncResult *result, void *data)
{
	g_autoptr(GError) error = NULL;
	g_autoptr(GVariant) answer =
		g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);

	(void)data;
	if (!answer && !g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
		fprintf(stderr, "via-iface-tray: show the icon: %s\n", error->message);
}

static void enroll(struct sni *s)
{
	if (s->owned && s->watched)
		g_dbus_connection_call(s->bus, WATCHER, WATCHER_PATH, WATCHER,
				       "RegisterStatusNotifierItem", g_variant_new("(s)", s->name),
				       NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, s->cancel,
				       on_registered, NULL);
}

static void on_owned(GDBusConnection *bus, const char *name, void *data)
{
	struct sni *s = data;

	(void)bus, (void)name;
	s->owned = TRUE;
	enroll(s);
}

static void on_watcher(GDBusConnection *bus, const char *name, const char *owner, void *data)
{
	struct sni *s = data;

	(void)bus, (void)name, (void)owner;
	s->watched = TRUE;
	enroll(s);
	s->calls->watched(TRUE, s->arg);
}

static void on_no_watcher(GDBusConnection *bus, const char *name, void *data)
{
	struct sni *s = data;

	(void)bus, (void)name;
	s->watched = FALSE;
	s->calls->watched(FALSE, s->arg);
}

struct sni *sni_new(GDBusConnection *bus, const char *menu, const struct sni_calls *calls,
		    void *arg)
{
	static const GDBusInterfaceVTable table = { .method_call = on_call,
						    .get_property = on_get };
	struct sni *s = g_new0(struct sni, 1);

	s->bus = g_object_ref(bus);
	s->calls = calls;
	s->arg = arg;
	s->menu = g_strdup(menu);
	s->icon = g_strdup("");
	s->title = g_strdup("");
	s->tip = g_strdup("");
	s->cancel = g_cancellable_new();
	s->object = export_object(bus, PATH, description, &table, s, "show an icon");
	if (!s->object) {
		sni_free(s);
		return NULL;
	}
	g_snprintf(s->name, sizeof(s->name), INTERFACE "-%d-1", (int)getpid());
	s->owner = g_bus_own_name_on_connection(bus, s->name, G_BUS_NAME_OWNER_FLAGS_NONE, on_owned,
						NULL, s, NULL);
	s->watch = g_bus_watch_name_on_connection(bus, WATCHER, G_BUS_NAME_WATCHER_FLAGS_NONE,
						  on_watcher, on_no_watcher, s, NULL);
	return s;
}

void sni_free(struct sni *s)
{
	if (!s)
		return;
	g_cancellable_cancel(s->cancel);
	if (s->watch)
		g_bus_unwatch_name(s->watch);
	if (s->owner)
		g_bus_unown_name(s->owner);
	if (s->object)
		g_dbus_connection_unregister_object(s->bus, s->object);
	g_object_unref(s->cancel);
	g_object_unref(s->bus);
	g_free(s->menu);
	g_free(s->icon);
	g_free(s->title);
	g_free(s->tip);
	g_free(s->token);
	g_free(s);
}
