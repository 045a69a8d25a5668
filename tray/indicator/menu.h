/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_MENU_H
#define VIA_TRAY_INDICATOR_MENU_H

#include "tray/common/model.h"
#include "tray/indicator/items.h"

/*
 * The icon's menu as it should be: one item for each session, with a submenu each, and what
 * concerns all. No submenu is in a submenu: panels place those badly.
 */

struct menu_starter {
	const char *name, *path, *icon; /* of a launcher entry; the icon may be NULL */
};

struct menu_scene {
	const struct model *model;
	const char *failure; /* why nothing is known, or NULL */
	const struct menu_starter *starters;
	gsize n_starters;
	guint32 uid;     /* whose menu it is */
	gboolean opened; /* somebody looks: rates are shown, which are true only while they are
			    renewed */
};

/* A new tree, for items_take(). */
struct item *menu_make(const struct menu_scene *scene);

#endif
