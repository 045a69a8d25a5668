/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tray/indicator/items.h"

#include <string.h>

struct items {
	struct item *root;
	GHashTable *by_id;
	gint32 last_id;
	guint32 revision;
};

/* --- one item ------------------------------------------------------------------------------ */

struct item *item_new(struct item *parent, const char *key, char *label)
{
	struct item *item = g_new0(struct item, 1);

	item->key = g_strdup(key);
	item->look.label = label;
	item->look.separator = parent && !label;
	item->children = g_ptr_array_new_with_free_func((GDestroyNotify)item_free);
	if (parent) {
		parent->look.submenu = TRUE;
		g_ptr_array_add(parent->children, item);
	}
	return item;
}

void item_free(struct item *root)
{
	if (!root)
		return;
	g_ptr_array_unref(root->children);
	g_free(root->key);
	g_free(root->look.label);
	g_free(root->look.icon);
	g_free(root->order.entry);
	g_free(root);
}

char *item_label(const char *text)
{
	GString *label = g_string_new(NULL);

	for (; *text; text++) {
		if (*text == '_')
			g_string_append_c(label, '_');
		g_string_append_c(label, *text);
	}
	return g_string_free(label, FALSE);
}

static gboolean same_look(const struct look *a, const struct look *b)
{
	return g_strcmp0(a->label, b->label) == 0 && g_strcmp0(a->icon, b->icon) == 0 &&
	       a->separator == b->separator && a->disabled == b->disabled &&
	       a->submenu == b->submenu && a->alert == b->alert && a->mark == b->mark;
}

static struct item *find_child(const struct item *parent, const char *key)
{
	for (guint i = 0; i < parent->children->len; i++) {
		struct item *child = parent->children->pdata[i];

		if (!strcmp(child->key, key))
			return child;
	}
	return NULL;
}

/* --- all of them --------------------------------------------------------------------------- */

struct items *items_new(void)
{
	struct items *all = g_new0(struct items, 1);

	all->root = item_new(NULL, "", NULL);
	all->root->look.submenu = TRUE;
	all->by_id = g_hash_table_new(NULL, NULL);
	g_hash_table_insert(all->by_id, GINT_TO_POINTER(0), all->root);
	all->revision = 1;
	return all;
}

void items_free(struct items *all)
{
	if (!all)
		return;
	g_hash_table_unref(all->by_id);
	item_free(all->root);
	g_free(all);
}

const struct item *items_root(const struct items *all)
{
	return all->root;
}

const struct item *items_find(const struct items *all, gint32 id)
{
	return g_hash_table_lookup(all->by_id, GINT_TO_POINTER(id));
}

guint32 items_revision(const struct items *all)
{
	return all->revision;
}

/* `old` is the item that it was, or NULL. */
static void take(struct items *all, struct item *item, const struct item *old,
		 struct items_change *ret)
{
	gboolean same = old && old->children->len == item->children->len;

	g_hash_table_insert(all->by_id, GINT_TO_POINTER(item->id), item);
	if (old && !same_look(&old->look, &item->look))
		g_array_append_val(ret->looks, item->id);
	for (guint i = 0; i < item->children->len; i++) {
		struct item *child = item->children->pdata[i];
		const struct item *was = old ? find_child(old, child->key) : NULL;

		child->id = was ? was->id : ++all->last_id;
		same = same && old->children->pdata[i] == was;
	}
	if (old && !same)
		g_array_append_val(ret->layouts, item->id);
	for (guint i = 0; i < item->children->len; i++) {
		struct item *child = item->children->pdata[i];

		take(all, child, old ? find_child(old, child->key) : NULL, ret);
	}
}

void items_take(struct items *all, struct item *root, struct items_change *ret)
{
	struct item *old = all->root;

	ret->layouts = g_array_new(FALSE, FALSE, sizeof(gint32));
	ret->looks = g_array_new(FALSE, FALSE, sizeof(gint32));
	g_hash_table_remove_all(all->by_id);
	root->id = 0;
	root->look.submenu = TRUE;
	take(all, root, old, ret);
	all->root = root;
	if (ret->layouts->len)
		all->revision++;
	item_free(old);
}

void items_change_clear(struct items_change *change)
{
	g_clear_pointer(&change->layouts, g_array_unref);
	g_clear_pointer(&change->looks, g_array_unref);
}

/* --- as the bus has them ------------------------------------------------------------------- */

const char *const item_property_names[] = { "type",        "label",        "icon-name",
					    "enabled",     "disposition",  "children-display",
					    "toggle-type", "toggle-state", NULL };

/* NULL: the default. */
static GVariant *property(const struct look *l, const char *name)
{
	if (!strcmp(name, "type"))
		return l->separator ? g_variant_new_string("separator") : NULL;
	if (!strcmp(name, "label"))
		return l->label ? g_variant_new_string(l->label) : NULL;
	if (!strcmp(name, "icon-name"))
		return l->icon ? g_variant_new_string(l->icon) : NULL;
	if (!strcmp(name, "enabled"))
		return l->disabled ? g_variant_new_boolean(FALSE) : NULL;
	if (!strcmp(name, "disposition"))
		return l->alert ? g_variant_new_string("alert") : NULL;
	if (!strcmp(name, "children-display"))
		return l->submenu ? g_variant_new_string("submenu") : NULL;
	if (!strcmp(name, "toggle-type"))
		return l->mark ? g_variant_new_string("radio") : NULL;
	if (!strcmp(name, "toggle-state"))
		return l->mark ? g_variant_new_int32(l->mark == MARK_ON) : NULL;
	return NULL;
}

GVariant *item_properties(const struct item *item, const char *const *names)
{
	GVariantBuilder all;

	g_variant_builder_init(&all, G_VARIANT_TYPE_VARDICT);
	for (const char *const *name = item_property_names; *name; name++) {
		GVariant *value = NULL;

		if (!names || !*names || g_strv_contains(names, *name))
			value = property(&item->look, *name);
		if (value)
			g_variant_builder_add(&all, "{sv}", *name, value);
	}
	return g_variant_builder_end(&all);
}

GVariant *item_layout(const struct item *item, gint32 depth, const char *const *names)
{
	GVariantBuilder children;

	g_variant_builder_init(&children, G_VARIANT_TYPE("av"));
	for (guint i = 0; depth && i < item->children->len; i++)
		g_variant_builder_add(&children, "v",
				      item_layout(item->children->pdata[i], depth - 1, names));
	return g_variant_new("(i@a{sv}av)", item->id, item_properties(item, names), &children);
}
