/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_ITEMS_H
#define VIA_TRAY_INDICATOR_ITEMS_H

#include <glib.h>

/*
 * A menu as com.canonical.dbusmenu has it: items with an id each, of which a panel keeps a copy.
 * Pure: no bus, no clock.
 *
 * An id is never given to another item, also not after the first one has gone: a panel may show an
 * old copy, and a click there means what is written there. So what makes an item another one (the
 * session, the uplink, "Pause" in place of "Resume") is in its key.
 */

enum order_kind {
	ORDER_NONE, /* a line to read */
	ORDER_MOVE,
	ORDER_PAUSE,
	ORDER_RESUME,
	ORDER_STOP,
	ORDER_PAUSE_ALL,
	ORDER_RESUME_ALL,
	ORDER_START,
	ORDER_WINDOW,
	ORDER_QUIT,
};

/* What a click does. */
struct order {
	enum order_kind kind;
	guint32 session;
	char name[40];   /* of the session: a number may be another one's by now */
	char uplink[16]; /* of ORDER_MOVE */
	char *entry;     /* of ORDER_START: the path of the launcher entry; the item's */
};

enum mark {
	MARK_NONE, /* no radio button */
	MARK_OFF,
	MARK_ON,
};

/* What is shown. Strings are the item's, and NULL where there is none. */
struct look {
	char *label; /* with an underscore before a key; "__" is one underscore */
	char *icon;
	gboolean separator, disabled, submenu, alert;
	enum mark mark;
};

struct item {
	gint32 id; /* 0: the root */
	char *key; /* among those of the same parent */
	struct look look;
	struct order order;
	GPtrArray *children; /* struct item */
};

/* A new item, which takes `label` (NULL: a separator). parent == NULL: a root. The parent owns it,
 * and has a submenu from then on. */
struct item *item_new(struct item *parent, const char *key, char *label);
void item_free(struct item *root); /* NULL is allowed */

/* A text as it is for a label: its underscores announce no key. By g_free(). */
char *item_label(const char *text);

struct items;

struct items *items_new(void); /* an empty root */
void items_free(struct items *all);

const struct item *items_root(const struct items *all);
const struct item *items_find(const struct items *all,
			      gint32 id); /* NULL: there is none (any more) */

/* Grows by one with each change of the layout. */
guint32 items_revision(const struct items *all);

/* What a change was; the arrays are of gint32, in the order of the tree. */
struct items_change {
	GArray *layouts; /* the ids of items that have other children than before */
	GArray *looks;   /* the ids of items that were there and look otherwise */
};

/* Takes a new tree (and owns it): items of the same keys keep their ids. `ret` is to be cleared. */
void items_take(struct items *all, struct item *root, struct items_change *ret);
void items_change_clear(struct items_change *change);

/*
 * The properties of an item that differ from the defaults of the specification, as a{sv}. `names`
 * are those that are asked for; NULL or empty: all. Floating.
 */
GVariant *item_properties(const struct item *item, const char *const *names);

/* (ia{sv}av), as GetLayout() returns it; depth < 0: all of it. Floating. */
GVariant *item_layout(const struct item *item, gint32 depth, const char *const *names);

/* The names of all properties that an item may have; NULL at the end. */
extern const char *const item_property_names[];

#endif
