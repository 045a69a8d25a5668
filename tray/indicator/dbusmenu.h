/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_DBUSMENU_H
#define VIA_TRAY_INDICATOR_DBUSMENU_H

#include <gio/gio.h>

#include "tray/indicator/items.h"

/*
 * com.canonical.dbusmenu, version 3: the menu of a StatusNotifierItem, of which the panel shows a
 * copy (the interface's description is libdbusmenu's dbus-menu.xml).
 */
struct dbusmenu;

#define DBUSMENU_PATH "/MenuBar"

struct dbusmenu_calls {
	/* A click on an item that is there and enabled. */
	void (*clicked)(const struct order *order, void *arg);
	/* The menu is about to be shown: dbusmenu_show() may bring it up to date. */
	void (*about_to_show)(void *arg);
	/* Somebody looks at it, or no longer; always in turn, beginning with TRUE. */
	void (*opened)(gboolean opened, void *arg);
};

/* NULL, with a line on standard error, where the path cannot be had. */
struct dbusmenu *dbusmenu_new(GDBusConnection *bus, const struct dbusmenu_calls *calls, void *arg);
void dbusmenu_free(struct dbusmenu *m);

/* Shows that tree from now on, and owns it. Panels are told of what has changed. */
void dbusmenu_show(struct dbusmenu *m, struct item *root);

#endif
