/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whether somebody looks is known as far as the panel tells. Some say "opened" and "closed" of the
 * whole menu (KDE, GNOME); Xfce and MATE say only that it is about to be shown, and then "opened"
 * and "closed" of the submenus. So each sign that somebody looks counts for a while, which also
 * ends what a panel that died with its menu open has begun.
 */
#include "tray/indicator/dbusmenu.h"

#include <string.h>

#include "tray/indicator/export.h"

#define INTERFACE "com.canonical.dbusmenu"
#define VERSION   3

#define VIEW_OPENED_S 120
#define VIEW_SHOWN_S  20 /* the rest of the menu's time, when nobody will say that it is closed */
#define VIEW_CLOSED_S 2  /* of a submenu: the next one may follow */

static const char description[] = "<node><interface name='com.canonical.dbusmenu'>"
				  "<property name='Version' type='u' access='read'/>"
				  "<property name='TextDirection' type='s' access='read'/>"
				  "<property name='Status' type='s' access='read'/>"
				  "<property name='IconThemePath' type='as' access='read'/>"
				  "<method name='GetLayout'>"
				  "<arg type='i' name='parentId' direction='in'/>"
				  "<arg type='i' name='recursionDepth' direction='in'/>"
				  "<arg type='as' name='propertyNames' direction='in'/>"
				  "<arg type='u' name='revision' direction='out'/>"
				  "<arg type='(ia{sv}av)' name='layout' direction='out'/>"
				  "</method>"
				  "<method name='GetGroupProperties'>"
				  "<arg type='ai' name='ids' direction='in'/>"
				  "<arg type='as' name='propertyNames' direction='in'/>"
				  "<arg type='a(ia{sv})' name='properties' direction='out'/>"
				  "</method>"
				  "<method name='GetProperty'>"
				  "<arg type='i' name='id' direction='in'/>"
				  "<arg type='s' name='name' direction='in'/>"
				  "<arg type='v' name='value' direction='out'/>"
				  "</method>"
				  "<method name='Event'>"
				  "<arg type='i' name='id' direction='in'/>"
				  "<arg type='s' name='eventId' direction='in'/>"
				  "<arg type='v' name='data' direction='in'/>"
				  "<arg type='u' name='timestamp' direction='in'/>"
				  "</method>"
				  "<method name='EventGroup'>"
				  "<arg type='a(isvu)' name='events' direction='in'/>"
				  "<arg type='ai' name='idErrors' direction='out'/>"
				  "</method>"
				  "<method name='AboutToShow'>"
				  "<arg type='i' name='id' direction='in'/>"
				  "<arg type='b' name='needUpdate' direction='out'/>"
				  "</method>"
				  "<method name='AboutToShowGroup'>"
				  "<arg type='ai' name='ids' direction='in'/>"
				  "<arg type='ai' name='updatesNeeded' direction='out'/>"
				  "<arg type='ai' name='idErrors' direction='out'/>"
				  "</method>"
				  "<signal name='ItemsPropertiesUpdated'>"
				  "<arg type='a(ia{sv})' name='updatedProps'/>"
				  "<arg type='a(ias)' name='removedProps'/>"
				  "</signal>"
				  "<signal name='LayoutUpdated'>"
				  "<arg type='u' name='revision'/>"
				  "<arg type='i' name='parent'/>"
				  "</signal>"
				  "<signal name='ItemActivationRequested'>"
				  "<arg type='i' name='id'/>"
				  "<arg type='u' name='timestamp'/>"
				  "</signal>"
				  "</interface></node>";

struct dbusmenu {
	GDBusConnection *bus;
	const struct dbusmenu_calls *calls;
	void *arg;
	guint object;
	struct items *items;
	gboolean opened;     /* somebody looks, or may */
	gboolean root_tells; /* the panel told of the whole menu: that is all that counts */
	guint view_end;
};

/* --- opened and closed --------------------------------------------------------------------- */

static void set_opened(struct dbusmenu *m, gboolean opened)
{
	g_clear_handle_id(&m->view_end, g_source_remove);
	if (m->opened == opened)
		return;
	m->opened = opened;
	m->calls->opened(opened, m->arg);
}

static gboolean on_view_end(void *data)
{
	struct dbusmenu *m = data;

	m->view_end = 0;
	set_opened(m, FALSE);
	return G_SOURCE_REMOVE;
}

static void view_for(struct dbusmenu *m, guint seconds)
{
	set_opened(m, TRUE);
	m->view_end = g_timeout_add_seconds(seconds, on_view_end, m);
}

static void look_begins(struct dbusmenu *m, gint32 id)
{
	if (id == 0)
		m->root_tells = TRUE;
	else if (m->root_tells)
		return;
	view_for(m, VIEW_OPENED_S);
}

static void look_ends(struct dbusmenu *m, gint32 id)
{
	if (id == 0)
		set_opened(m, FALSE);
	else if (!m->root_tells && m->opened)
		view_for(m, VIEW_CLOSED_S);
}

/* --- what a panel asks --------------------------------------------------------------------- */

/* TRUE: there is such an item. */
static gboolean take_event(struct dbusmenu *m, gint32 id, const char *event)
{
	const struct item *item = items_find(m->items, id);

	if (!item)
		return FALSE;
	if (!strcmp(event, "opened"))
		look_begins(m, id);
	else if (!strcmp(event, "closed"))
		look_ends(m, id);
	else if (!strcmp(event, "clicked") && !item->look.disabled && item->order.kind)
		m->calls->clicked(&item->order, m->arg);
	return TRUE;
}

/* TRUE: the panel is to ask for the layout anew. */
static gboolean about_to_show(struct dbusmenu *m, gint32 id)
{
	guint32 revision = items_revision(m->items);

	m->calls->about_to_show(m->arg);
	if (id == 0 && !m->root_tells)
		view_for(m, VIEW_SHOWN_S);
	return items_revision(m->items) != revision;
}

static void refuse(GDBusMethodInvocation *call, gint32 id)
{
	g_dbus_method_invocation_return_error(call, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
					      "there is no item %d (any more)", id);
}

static void get_layout(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	g_autofree const char **names = NULL;
	const struct item *item;
	gint32 id, depth;

	g_variant_get(words, "(ii^a&s)", &id, &depth, &names);
	item = items_find(m->items, id);
	if (item)
		g_dbus_method_invocation_return_value(
			call, g_variant_new("(u@(ia{sv}av))", items_revision(m->items),
					    item_layout(item, depth, names)));
	else
		refuse(call, id);
}

static void add_properties(GVariantBuilder *all, const struct item *item, const char *const *names)
{
	g_variant_builder_add(all, "(i@a{sv})", item->id, item_properties(item, names));
}

static void add_with_children(GVariantBuilder *all, const struct item *item,
			      const char *const *names)
{
	add_properties(all, item, names);
	for (guint i = 0; i < item->children->len; i++)
		add_with_children(all, item->children->pdata[i], names);
}

/* No ids: those of all items. */
static void get_group_properties(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	g_autoptr(GVariantIter) ids = NULL;
	g_autofree const char **names = NULL;
	GVariantBuilder all;
	gint32 id;

	g_variant_get(words, "(ai^a&s)", &ids, &names);
	g_variant_builder_init(&all, G_VARIANT_TYPE("a(ia{sv})"));
	if (!g_variant_iter_n_children(ids))
		add_with_children(&all, items_root(m->items), names);
	while (g_variant_iter_next(ids, "i", &id)) {
		const struct item *item = items_find(m->items, id);

		if (item)
			add_properties(&all, item, names);
	}
	g_dbus_method_invocation_return_value(call, g_variant_new("(a(ia{sv}))", &all));
}

static void get_property(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	const char *name;
	const struct item *item;
	gint32 id;

	g_variant_get(words, "(i&s)", &id, &name);
	item = items_find(m->items, id);
	if (item) {
		const char *const names[] = { name, NULL };
		g_autoptr(GVariant) all = g_variant_ref_sink(item_properties(item, names));
		g_autoptr(GVariant) value = g_variant_lookup_value(all, name, NULL);

		if (value) {
			g_dbus_method_invocation_return_value(call, g_variant_new("(v)", value));
			return;
		}
	}
	g_dbus_method_invocation_return_error(call, G_DBUS_ERROR, G_DBUS_ERROR_INVALID_ARGS,
					      "item %d has no property '%s' but its default", id,
					      name);
}

static void event(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	const char *name;
	gint32 id;

	g_variant_get_child(words, 0, "i", &id);
	g_variant_get_child(words, 1, "&s", &name);
	if (take_event(m, id, name))
		g_dbus_method_invocation_return_value(call, NULL);
	else
		refuse(call, id);
}

static void event_group(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	g_autoptr(GVariant) events = g_variant_get_child_value(words, 0);
	gsize n = g_variant_n_children(events), unknown = 0;
	GVariantBuilder errors;
	gint32 id = 0;

	g_variant_builder_init(&errors, G_VARIANT_TYPE("ai"));
	for (gsize i = 0; i < n; i++) {
		g_autoptr(GVariant) one = g_variant_get_child_value(events, i);
		const char *name;

		g_variant_get_child(one, 0, "i", &id);
		g_variant_get_child(one, 1, "&s", &name);
		if (take_event(m, id, name))
			continue;
		g_variant_builder_add(&errors, "i", id);
		unknown++;
	}
	if (n && unknown == n) {
		g_variant_builder_clear(&errors);
		refuse(call, id);
		return;
	}
	g_dbus_method_invocation_return_value(call, g_variant_new("(ai)", &errors));
}

static void about_to_show_one(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	gint32 id;

	g_variant_get(words, "(i)", &id);
	if (items_find(m->items, id))
		g_dbus_method_invocation_return_value(call,
						      g_variant_new("(b)", about_to_show(m, id)));
	else
		refuse(call, id);
}

static void about_to_show_group(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call)
{
	g_autoptr(GVariantIter) ids = NULL;
	GVariantBuilder updates, errors;
	gint32 id;

	g_variant_get(words, "(ai)", &ids);
	g_variant_builder_init(&updates, G_VARIANT_TYPE("ai"));
	g_variant_builder_init(&errors, G_VARIANT_TYPE("ai"));
	while (g_variant_iter_next(ids, "i", &id))
		if (!items_find(m->items, id))
			g_variant_builder_add(&errors, "i", id);
		else if (about_to_show(m, id))
			g_variant_builder_add(&updates, "i", id);
	g_dbus_method_invocation_return_value(call, g_variant_new("(aiai)", &updates, &errors));
}

/* The types of the arguments are as described: GDBus refuses others. */
static void on_call(GDBusConnection *bus, const char *sender, const char *path,
		    const char *interface, const char *method, GVariant *words,
		    GDBusMethodInvocation *call, void *data)
{
	static const struct {
		const char *method;
		void (*answer)(struct dbusmenu *m, GVariant *words, GDBusMethodInvocation *call);
	} answers[] = {
		{ "GetLayout", get_layout },
		{ "GetGroupProperties", get_group_properties },
		{ "GetProperty", get_property },
		{ "Event", event },
		{ "EventGroup", event_group },
		{ "AboutToShow", about_to_show_one },
		{ "AboutToShowGroup", about_to_show_group },
	};

	(void)bus, (void)sender, (void)path, (void)interface;
	for (gsize i = 0; i < G_N_ELEMENTS(answers); i++)
		if (!strcmp(method, answers[i].method)) {
			answers[i].answer(data, words, call);
			return;
		}
}

static GVariant *on_get(GDBusConnection *bus, const char *sender, const char *path,
			const char *interface, const char *name, GError **error, void *data)
{
	(void)bus, (void)sender, (void)path, (void)interface, (void)error, (void)data;
	if (!strcmp(name, "Version"))
		return g_variant_new_uint32(VERSION);
	if (!strcmp(name, "TextDirection"))
		return g_variant_new_string("ltr");
	if (!strcmp(name, "Status"))
		return g_variant_new_string("normal");
	return g_variant_new_strv(NULL, 0); /* IconThemePath */
}

/* --- what panels are told ------------------------------------------------------------------ */

static void tell(struct dbusmenu *m, const char *signal, GVariant *words)
{
	g_dbus_connection_emit_signal(m->bus, NULL, DBUSMENU_PATH, INTERFACE, signal, words, NULL);
}

/* Each item with all its properties, and the names of those that are at their defaults. */
static void tell_looks(struct dbusmenu *m, const GArray *ids)
{
	GVariantBuilder updated, removed;

	if (!ids->len)
		return;
	g_variant_builder_init(&updated, G_VARIANT_TYPE("a(ia{sv})"));
	g_variant_builder_init(&removed, G_VARIANT_TYPE("a(ias)"));
	for (guint i = 0; i < ids->len; i++) {
		const struct item *item = items_find(m->items, g_array_index(ids, gint32, i));
		g_autoptr(GVariant) now = g_variant_ref_sink(item_properties(item, NULL));
		GVariantBuilder names;

		g_variant_builder_init(&names, G_VARIANT_TYPE("as"));
		for (const char *const *name = item_property_names; *name; name++) {
			g_autoptr(GVariant) value = g_variant_lookup_value(now, *name, NULL);

			if (!value)
				g_variant_builder_add(&names, "s", *name);
		}
		g_variant_builder_add(&updated, "(i@a{sv})", item->id, now);
		g_variant_builder_add(&removed, "(ias)", item->id, &names);
	}
	tell(m, "ItemsPropertiesUpdated", g_variant_new("(a(ia{sv})a(ias))", &updated, &removed));
}

void dbusmenu_show(struct dbusmenu *m, struct item *root)
{
	struct items_change change;

	items_take(m->items, root, &change);
	for (guint i = 0; i < change.layouts->len; i++)
		tell(m, "LayoutUpdated",
		     g_variant_new("(ui)", items_revision(m->items),
				   g_array_index(change.layouts, gint32, i)));
	tell_looks(m, change.looks);
	items_change_clear(&change);
}

struct dbusmenu *dbusmenu_new(GDBusConnection *bus, const struct dbusmenu_calls *calls, void *arg)
{
	static const GDBusInterfaceVTable table = { .method_call = on_call,
						    .get_property = on_get };
	struct dbusmenu *m = g_new0(struct dbusmenu, 1);

	m->bus = g_object_ref(bus);
	m->calls = calls;
	m->arg = arg;
	m->items = items_new();
	m->object = export_object(bus, DBUSMENU_PATH, description, &table, m, "show a menu");
	if (m->object)
		return m;
	dbusmenu_free(m);
	return NULL;
}

void dbusmenu_free(struct dbusmenu *m)
{
	if (!m)
		return;
	g_clear_handle_id(&m->view_end, g_source_remove);
	if (m->object)
		g_dbus_connection_unregister_object(m->bus, m->object);
	g_object_unref(m->bus);
	items_free(m->items);
	g_free(m);
}
