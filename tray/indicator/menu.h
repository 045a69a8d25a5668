/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef VIA_TRAY_INDICATOR_MENU_H
#define VIA_TRAY_INDICATOR_MENU_H

#include <gtk/gtk.h>

#include "tray/common/client.h"
#include "tray/common/starters.h"

/*
 * The menu of the tray's icon. The panel shows a copy of it, told over D-Bus; so it is changed in
 * place, for an open copy not to close under the user's hand.
 */
struct menu;

struct menu_calls {
	void (*show_window)(void *arg);
	void (*quit)(void *arg);
	void (*opened)(gboolean opened, void *arg); /* always in turn, beginning with TRUE */
};

struct menu *menu_new(struct client *c, struct starters *starters, const struct menu_calls *calls,
		      void *arg);
void menu_free(struct menu *m);

GtkWidget *menu_widget(struct menu *m);
GtkWidget *menu_window_item(struct menu *m); /* "Show the window" */

/* After app_indicator_set_menu(): then there is a copy to be opened. */
void menu_watch_copy(struct menu *m);

/* Shows the client's model as it is now. */
void menu_update(struct menu *m);

#endif
